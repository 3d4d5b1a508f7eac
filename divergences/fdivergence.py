r"""f-divergences: everything that follows from one declaration.

For a convex $f$ on $[0, \infty)$ with $f(1) = 0$, and $P, Q$ on one space,

$$D_f(P\|Q) = \sum_i q_i\, f(p_i / q_i),\qquad 0\,f(p/0) = p\, f'(\infty),\quad 0\,f(0/0) = 0.$$

A declaration gives the *perspective* $q f(p/q)$ in its normal form (below), the critic $f'(e^v)$ and the middle branch
of the conjugate; this module derives values, limits, ranges, domains, activations, bounds, formulas and proofs.

**Normal form.** $D_f$ does not change when a multiple of $u - 1$ is added to $f$. The perspective is declared for
$g(u) = f(u) - f'(1)(u - 1) \ge 0$, so that every term of the sum is non-negative and nothing cancels across terms;
``tangent`` is $f'(1)$, and $f(u) = g(u) + f'(1)(u - 1)$.
"""

import math
import re
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from divergences._arrays import Array, double, quiet, result
from divergences._extras import require
from divergences._pairs import STEP, STEPS, Pair, measures, simplex_pair
from divergences.elementary import Numeric, Vocabulary
from divergences.interval import Interval

if TYPE_CHECKING:
    from divergences.conjugates import Formulas, Proof

__all__ = ["FDivergence"]


class FDivergence(ABC):
    r"""An f-divergence $D_f(P\|Q) = \sum q f(p/q)$: a function of two distributions, and an object to ask.

    Subclasses declare three formulas and a few facts; everything else is derived here and never overridden.

    See Also
    --------
    divergences.FDIVERGENCES : All declared ones.

    References
    ----------
    Liese, F. and Vajda, I. (2006). On divergences and informations in statistics and information theory.
    IEEE Transactions on Information Theory 52(10), 4394-4412.

    Nowozin, S., Cseke, B. and Tomioka, R. (2016). f-GAN: training generative neural samplers using variational
    divergence minimization. NeurIPS. (Table 5 lists f, its conjugate and an activation.)
    """

    tangent: ClassVar[int] = 0
    """The slope $f'(1)$ of the chosen $f$; the normal form has slope 0."""

    symmetric: ClassVar[bool] = False
    """Whether $D_f(P\\|Q) = D_f(Q\\|P)$."""

    metric_power: ClassVar[float | None] = None
    """The power of $D_f$ that is a metric, if one is."""

    kinks: ClassVar[tuple[int, ...]] = ()
    """Points where $f$ is not differentiable."""

    # ------------------------------------------------------------------------------------------------ declarations

    @abstractmethod
    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        """$q g(p/q)$ in the vocabulary m, g the normal form of f: a sum of non-negative terms, exact at zeros."""

    @abstractmethod
    def critic(self, v: Any, m: Vocabulary) -> Any:
        r"""$f'(e^v)$ in the vocabulary m, at a log-ratio $v = \log dP/dQ$ (or an element of the subdifferential)."""

    @abstractmethod
    def legendre(self, t: Any, m: Vocabulary) -> Any:
        """$f^*(t)$ in the vocabulary m, for t in the range of f' only: the branch where the supremum is attained."""

    @property
    @abstractmethod
    def reverse(self) -> "FDivergence":
        r"""The divergence $D_{f^\circ}(P\|Q) = D_f(Q\|P)$, where $f^\circ(u) = u f(1/u)$."""

    # ----------------------------------------------------------------------------------------------------- values

    def __call__(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Value of the divergence $D_f(P\|Q)$ in nats, of the exactly normalised pair.

        Parameters
        ----------
        p, q : array (..., n)
            Probabilities of one array library; shapes broadcast. Mass 1 along `axis` is asked for within the square
            root of the dtype's epsilon, and the remaining error of the mass is corrected exactly.
        axis : int, default: -1
            The axis that is the space.
        normalize : bool, default: False
            Take any positive mass: the value is that of ``p / p.sum()`` and ``q / q.sum()`` without their rounding.

        Returns
        -------
        array (...)
            Same library, dtype and device. Never NaN, never negative, 0 exactly for equal arrays, ``inf`` only where
            the divergence is infinite. The relative error is a few units in the last place of a double, also where p
            and q nearly agree; weights of different masses that are equal after normalisation, but for the last digit
            of their ratio, may give the square of the rounding unit instead of 0. At outcomes of probability 0
            gradients are not NaN: an infinite slope is left out, and the gradient of an infinite value is 0.

        Raises
        ------
        ValueError
            On negative, NaN or infinite entries, a wrong mass, shapes that do not broadcast, an empty axis.
        TypeError
            On arrays of two libraries or of a dtype that is not real.
        """
        pair, batch = simplex_pair(p, q, axis=axis, normalize=normalize)
        with quiet():
            value = self._total(pair)
        return result(pair.xp, pair.xp.reshape(value, batch), pair.dtype)

    def _total(self, pair: Pair) -> Array:
        def term(p: Array, q: Array, gap: Array) -> Array:
            return self.perspective(p, q, Numeric(pair.xp, gap))

        value, xp = pair.total(term), pair.xp
        if bool(xp.any(xp.isinf(value))):  # by overflow of the lifted sum, or because the divergence is infinite
            factor = xp.ones_like(value)
            for _ in range(STEPS):
                factor = xp.where(xp.isinf(pair.lowered(factor).total(term)), factor * STEP, factor)
            lowered = pair.lowered(factor)
            infinite = xp.isinf(lowered.total(term))
            value = xp.where(infinite, xp.inf, lowered.keeping(~infinite).total(term))
        # rounding may step past the largest value that the divergence has
        return value if math.isinf(self.range.upper) else xp.minimum(value, xp.full_like(value, self.range.upper))

    def distance(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Metric $D_f(P\|Q)^{r}$, where the power $r$ is declared as ``metric_power``.

        Parameters
        ----------
        p, q, axis, normalize
            As for the divergence itself.

        Returns
        -------
        array (...)
            The distance: symmetric, 0 only for equal distributions, with the triangle inequality.

        Raises
        ------
        TypeError
            If no power of this divergence is known to be a metric.
        """
        if self.metric_power is None:
            msg = f"expected a divergence with a metric power, got {self.name}; no power of it satisfies the triangle inequality"
            raise TypeError(msg)
        return self(p, q, axis=axis, normalize=normalize) ** self.metric_power

    # ---------------------------------------------------------------------------------------- the function f itself

    def f(self, u: Array) -> Array:
        """Value f(u) of the convex function, for u >= 0; ``inf`` for u < 0.

        Parameters
        ----------
        u : array
            Likelihood ratios dP/dQ.

        Returns
        -------
        array
            Same shape; f(0) and ``inf`` are its limits.
        """
        xp, dtype, (u,) = double(u=u)
        with quiet():
            regular = (u > 0) & ~xp.isinf(u)
            value = self._f_at_regular(xp.where(regular, u, 1.0), Numeric(xp))
            edge = xp.where(u == 0, self.f0, xp.full_like(u, math.inf if self.slope > 0 else -math.inf))
        edge = xp.where(u < 0, math.inf, xp.where(xp.isnan(u), u, edge))
        return result(xp, xp.where(regular, value, edge), dtype)

    def _f_at_regular(self, u: Array, m: Numeric) -> Array:
        near_one = self.perspective(u, m.xp.ones_like(u), m) + self.tangent * (u - 1)
        if not self.tangent:
            return near_one
        # far from 1 the tangent cancels most of g; there f(u) = u t - f*(t) at t = f'(u) does not, until t overflows
        v = m.log(u)
        far = (m.abs(v) > 1) & (m.abs(v) < 700)
        t = self.critic(m.xp.where(far, v, 0.0), m)
        return m.xp.where(far, u * t - self.legendre(t, m), near_one)

    @cached_property
    def f0(self) -> float:
        """The limit f(0+), what mass of Q outside the support of P costs; may be ``inf``."""
        return self._perspective_at(0.0, 1.0) - self.tangent

    @cached_property
    def slope(self) -> float:
        r"""The limit $f'(\infty) = \lim f(u)/u$, what mass of P outside the support of Q costs; may be ``inf``."""
        return self._perspective_at(1.0, 0.0) + self.tangent

    def _perspective_at(self, p: float, q: float) -> float:
        xp, _, (first, second) = double(p=[p], q=[q])
        with quiet():
            return float(self.perspective(first, second, Numeric(xp))[0])

    @cached_property
    def range(self) -> Interval:
        r"""All values of the divergence: from 0 to $f(0) + f'(\infty)$, reached by mutually singular P and Q."""
        largest = self.f0 + self.slope
        return Interval(0.0, largest, closed_lower=True, closed_upper=math.isfinite(largest))

    # ------------------------------------------------------------------------------------------------- convex duality

    @cached_property
    def critic_range(self) -> Interval:
        r"""The interval $(f'(0+), f'(\infty))$ of values of the optimal critic; its ends belong to ratios 0 and inf."""
        return Interval(float(self.optimal_critic(-math.inf)), float(self.optimal_critic(math.inf)))

    @cached_property
    def conjugate_domain(self) -> Interval:
        r"""Where the conjugate is finite: $(-\infty, f'(\infty)]$ or $(-\infty, f'(\infty))$."""
        return Interval(-math.inf, self.slope, closed_upper=math.isfinite(self._legendre_at(self.slope)))

    def _legendre_at(self, t: float) -> float:
        xp, _, (t,) = double(t=[t])
        with quiet():
            return float(self.legendre(t, Numeric(xp))[0])

    def conjugate(self, t: Array) -> Array:
        r"""Fenchel conjugate $f^*(t) = \sup_{u\ge0}\,(ut - f(u))$ on all of $\mathbb R$.

        Because dom f is $[0, \infty)$ it never decreases: it is $-f(0)$ for $t \le f'(0+)$, the declared branch up to
        $f'(\infty)$, and ``inf`` beyond.

        Parameters
        ----------
        t : array
            Values of a critic.

        Returns
        -------
        array
            Same shape, in double precision or the dtype of `t`.
        """
        xp, dtype, (t,) = double(t=t)
        ends, domain = self.critic_range, self.conjugate_domain
        with quiet():
            middle = (t > ends.lower) & domain.contains(t)
            value = self.legendre(xp.where(middle, t, float(self.optimal_critic(0.0))), Numeric(xp))
            outside = xp.where(xp.isnan(t), t, xp.where(t <= ends.lower, -self.f0, xp.full_like(t, xp.inf)))
        return result(xp, xp.where(middle, value, outside), dtype)

    def optimal_critic(self, v: Array) -> Array:
        r"""Maximiser $T(x) = f'(e^{v(x)})$ of the variational bound, from the log-ratio $v = \log dP/dQ$.

        Parameters
        ----------
        v : array
            Log-likelihood ratios; infinite ones give the ends of the critic's range.

        Returns
        -------
        array
            Same shape.
        """
        xp, dtype, (v,) = double(v=v)
        with quiet():
            return result(xp, self.critic(v, Numeric(xp)), dtype)

    def activation(self, z: Array) -> Array:
        r"""Smooth increasing map of $\mathbb R$ onto the critic's range, for the last layer of a network.

        Parameters
        ----------
        z : array
            Raw outputs of a network.

        Returns
        -------
        array
            Values of a critic: z itself, a shifted softplus, or a scaled tanh, by the range; for large z they are rounded
            to the end of the range, where the conjugate may be infinite.
        """
        xp, dtype, (z,) = double(z=z)
        with quiet():
            return result(xp, self.critic_range.map_from_reals(z, Numeric(xp)), dtype)

    def variational(self, p: Array, q: Array, T: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Lower bound $\mathbb E_P[T] - \mathbb E_Q[f^*(T)] \le D_f(P\|Q)$, with equality at $T = f'(p/q)$.

        Parameters
        ----------
        p, q : array (..., n)
            Probabilities, as for the divergence itself.
        T : array (..., n)
            Values of any critic; if it leaves the domain of the conjugate, or is ``-inf`` where p > 0, so is the bound.
        axis, normalize
            As for the divergence itself.

        Returns
        -------
        array (...)
            The bound, in exact arithmetic never above the divergence.
        """
        xp, dtype, (p, q, critic) = measures(p, q, T, axis=axis, normalize=normalize)
        with quiet():
            conjugate = self.conjugate(critic)
            # a critic that leaves dom f* proves nothing; at an open end of it, 0 * f* = 0 where q = 0 is the limit
            beyond = (critic > self.slope) | (critic == -xp.inf)
            outside = (beyond & (p > 0)) | ((conjugate == xp.inf) & (q > 0))
            worthless = xp.any(outside, axis=-1)
            gained, lost = ((w > 0) & ~worthless[..., None] for w in (p, q))
            gain = xp.where(gained, p * xp.where(gained, critic, 0.0), 0.0)
            loss = xp.where(lost, q * xp.where(lost, conjugate, 0.0), 0.0)
            bound = xp.sum(gain - loss, axis=-1)
            return result(xp, xp.where(worthless, -xp.inf, bound), dtype)

    # ------------------------------------------------------------------------------------------- formulas and proofs

    @property
    def name(self) -> str:
        """The public name: that of the class in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    def __repr__(self) -> str:
        """As it is called: ``divergences.kl``."""
        return f"divergences.{self.name}"

    def symbolic(self) -> "Formulas":
        """Sympy expressions of f, f', and the conjugate, made by running the declaration on symbols.

        Returns
        -------
        divergences.conjugates.Formulas
            The symbols u, t and the expressions in them.
        """
        require("sympy", "symbolic", "a formula")
        from divergences.conjugates import formulas

        return formulas(self)

    def latex(self) -> str:
        r"""Formula of f in LaTeX, for example ``u \log{\left(u \right)}``.

        Returns
        -------
        str
            Without dollar signs.
        """
        return self.symbolic().latex()

    def prove(self) -> "Proof":
        """Proof by sympy that the declaration is consistent, step by step.

        Returns
        -------
        divergences.conjugates.Proof
            Every step with its statement, how it was decided, and what came out.

        Raises
        ------
        divergences.conjugates.DisprovedError
            If a step is false: the declaration contradicts itself.
        """
        require("sympy", "symbolic", "a proof")
        from divergences.conjugates import prove

        return prove(self)
