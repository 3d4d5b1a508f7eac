r"""f-divergences: everything that follows from one declaration.

For a convex $f$ on $[0, \infty)$ with $f(1) = 0$, and $P, Q$ on one space,

$$D_f(P\|Q) = \sum_i q_i\, f(p_i / q_i),\qquad 0\,f(p/0) = p\, f'(\infty),\quad 0\,f(0/0) = 0.$$

What is declared, and what follows of f alone, is in `divergences._convex`. This module derives values, distances,
variational bounds, formulas, enclosures and proofs, and the reverse divergence.
"""

import math
import re
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from divergences._arrays import Array, blockwise, double, known, quiet, result
from divergences._convex import MODERATE, ConvexFunction
from divergences._extras import require
from divergences._logs import LogPair, log_pair
from divergences._objects import are_distributions
from divergences._pairs import STEP, Pair, measures, quick_totals, simplex_pair
from divergences.bounds import Bounds
from divergences.elementary import Numeric, Scalars, Vocabulary

if TYPE_CHECKING:
    from divergences.proofs import Formulas, Proof

__all__ = ["FDivergence", "FFamily"]

RATIOS = np.geomspace(0.01, 100.0, 81)
"""Log-ratios, and their negatives, at which a divergence is probed for its sensitivity to masses."""


class FDivergence(ConvexFunction):
    r"""An f-divergence $D_f(P\|Q) = \sum q f(p/q)$: a function of two distributions, and an object to ask.

    Subclasses declare `perspective`, `critic` and a few facts; one of `legendre` (where the conjugate has a closed form)
    and `level`, unless the divergence is symmetric; everything else is derived here and never overridden.

    See Also
    --------
    divergences.FDIVERGENCES : All declared ones.

    References
    ----------
    Liese, F. and Vajda, I. (2006). On divergences and informations in statistics and information theory.
    IEEE Transactions on Information Theory 52(10), 4394-4412.

    Nowozin, S., Cseke, B. and Tomioka, R. (2016). f-GAN: training generative neural samplers using variational
    divergence minimization. NeurIPS. (Table 5 lists f, its conjugate and an activation.)

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> isinstance(dv.kl, dv.FDivergence), dv.kl.reverse
    (True, divergences.reverse_kl)
    >>> best = dv.kl.optimal_critic([0.6931471805599453, -0.4054651081081644])  # at the log-ratios log(2) and log(2/3)
    >>> round(float(dv.kl.variational(p, q, best)), 12), round(float(dv.kl(p, q)), 12)
    (0.143841036226, 0.143841036226)
    """

    def level(self, v: Any, m: Scalars) -> Any:
        r"""$f^*(f'(e^v))$ in the vocabulary m, the conjugate at the critic: minus the critic of the reverse at -v."""
        if isinstance(self.reverse, _Reversed):
            return self.legendre(self.critic(v, m), m)
        return -self.reverse.critic(-v, m)

    @property
    def reverse(self) -> "FDivergence":
        r"""The divergence $D_{f^\circ}(P\|Q) = D_f(Q\|P)$, where $f^\circ(u) = u f(1/u)$."""
        return self if self.symmetric else _Reversed(self)

    # ----------------------------------------------------------------------------------------------------- values

    def __call__(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Value of the divergence $D_f(P\|Q)$ in nats, of the exactly normalised pair.

        Parameters
        ----------
        p, q : array (..., n)
            Probabilities of one array library; shapes broadcast. Mass 1 along `axis` is asked for within the square
            root of the dtype's epsilon, and the remaining error of the mass is corrected exactly. Or two distributions
            of `divergences.families`, scipy.stats or torch.distributions: by a closed form if there is one, else by
            quadrature (see `bounds`).
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
        with quiet():
            quick = quick_totals(
                self._numpy_term,
                p,
                q,
                axis=axis,
                normalize=normalize,
                kinks=bool(self.kinks),
                sensitivity=self._sensitivity,
            )
            if quick is not None and (np.ndim(quick[0]) or quick[1]):
                return self._completed(*quick, p, q, normalize=normalize)
            if are_distributions(p, q, axis=axis, normalize=normalize):
                from divergences._between import value_between

                return value_between(self, p, q)
            lazy = blockwise(lambda p, q: self(p, q, normalize=normalize), p, q, axis)
            if lazy is not None:
                return lazy
            pair, batch = simplex_pair(p, q, axis=axis, normalize=normalize)
            value = self._total(pair)
        return result(pair.xp, pair.xp.reshape(value, batch), pair.dtype)

    def bounds(self, P: Any, Q: Any) -> Bounds:
        r"""The divergence of two distributions with a certificate.

        Parameters
        ----------
        P, Q : distribution
            Single distributions of `divergences.families`, scipy.stats or torch.distributions.

        Returns
        -------
        Bounds
            Around a closed form, a relative 1e-12, more than any error that was measured, or some units in the last
            place times the condition of the matrices. Otherwise
            the error estimate of a quadrature, with the tails and the rounding; in more than three dimensions a
            confidence interval at level 0.999 from samples. Both ends are ``inf`` where the divergence is infinite.

        Raises
        ------
        TypeError
            If P or Q is no distribution.
        ValueError
            On batches, and on distributions on spaces of different dimension.

        Examples
        --------
        >>> import divergences as dv
        >>> from divergences.families import Logistic, Normal
        >>> b = dv.kl.bounds(Normal(0, 1), Logistic(0, 1))
        >>> b.upper - b.lower < 1e-10
        True
        """
        from divergences._between import bounds_between

        return bounds_between(self, P, Q)

    def _completed(self, value: Array, sure: Array, p: Array, q: Array, *, normalize: bool) -> Array:
        """Values of the quick road, and by the careful one those rows of the batch that it was not sure of."""
        if np.ndim(value) == 0:
            return np.float64(min(value, self._largest))
        if not sure.all():
            pair, _ = simplex_pair(p[~sure], q[~sure], axis=-1, normalize=normalize)
            value[~sure] = self._total(pair)
        return np.minimum(value, self._largest)

    def _numpy_term(self, p: Array, q: Array, gap: Array) -> Array:
        return self.perspective(p, q, Numeric(np, gap))

    def _total(self, pair: Pair) -> Array:
        def term(p: Array, q: Array, gap: Array) -> Array:
            return self.perspective(p, q, Numeric(pair.xp, gap))

        value, xp = pair.total(term), pair.xp
        finite = known(xp, value < xp.inf)
        if not finite:  # by overflow of the lifted sum, or because the divergence is infinite
            factor = xp.ones_like(value)
            # a tracing library would repeat every step in its program: it takes them all at once
            for step in [STEP] * pair.steps if finite is False else [STEP**pair.steps]:
                factor = xp.where(xp.isinf(pair.lowered(factor).total(term)), factor * step, factor)
            lowered = pair.lowered(factor)
            infinite = xp.isinf(lowered.total(term))
            value = xp.where(infinite, xp.inf, lowered.keeping(~infinite).total(term))
        # rounding may step past the largest value that the divergence has
        return value if math.isinf(self._largest) else xp.minimum(value, xp.full_like(value, self._largest))

    @cached_property
    def _largest(self) -> float:
        return self.range.upper

    @cached_property
    def _sensitivity(self) -> float:
        r"""The largest relative change of the sum when q grows, as a multiple of its relative growth; inf if unbounded.

        The change is $-\sum q\,h(u)$ with $h = g^*(g'(u))$, and $\sum q (u - 1)$ is as small as the growth. So it is bounded
        by the divergence itself where $|h(u) - f''(1)(u - 1)| \le c\,g(u)$, which holds if f is smooth and curved at 1.
        """
        curvature = float(self.second_derivative(1.0))
        if self.kinks or self.joints or not 0 < curvature < math.inf:
            return math.inf
        v = np.concatenate([-RATIOS, RATIOS])
        u = np.exp(v)
        with quiet():
            rest = self.level(v, Numeric(np)) - self.tangent - curvature * np.expm1(v)
            shares = np.abs(rest) / self.perspective(u, np.ones_like(u), Numeric(np))
        bounded = bool(np.all(np.isfinite(shares)))
        return float(shares.max()) if bounded else math.inf

    def from_log(self, log_p: Array, log_q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Value of the divergence of ``exp(log_p)`` and ``exp(log_q)``, which may under- or overflow.

        Parameters
        ----------
        log_p, log_q : array (..., n)
            Logarithms of probabilities; ``-inf`` is the logarithm of 0.
        axis : int, default: -1
            The axis that is the space.
        normalize : bool, default: False
            Take any mass: the value is that of the softmax of both.

        Returns
        -------
        array (...)
            As for the divergence itself. Log-ratios beyond the range of the exponential count in full: the KL of 0.1
            against exp(-1e9) is finite.

        Raises
        ------
        ValueError
            On NaN or ``inf``, a wrong mass, shapes that do not broadcast, an empty axis.
        """
        lazy = blockwise(lambda p, q: self.from_log(p, q, normalize=normalize), log_p, log_q, axis)
        if lazy is not None:
            return lazy
        with quiet():
            pair = log_pair(log_p, log_q, axis=axis, normalize=normalize)
            xp, value = pair.xp, self._log_total(pair)
            if known(xp, value < xp.inf) is not True:
                infinite = xp.isinf(value)
                value = xp.where(infinite, xp.inf, self._log_total(pair.keeping(~infinite)))
            value = value if math.isinf(self._largest) else xp.minimum(value, xp.full_like(value, self._largest))
            return result(xp, value, pair.dtype)

    def _log_total(self, pair: LogPair) -> Array:
        xp = pair.xp
        terms = self.perspective(pair.p, pair.q, Numeric(xp, pair.gap))
        for declared, weight, v in ((self, pair.p, pair.beyond), (_Reversed(self), pair.q, -pair.beyond)):
            if declared.far_from_its_end:
                far = (v > 0) & (weight > 0) & (pair.scale > 0)
                if known(xp, ~far) is not True:
                    tail = declared.tail(xp, xp.where(far, v, MODERATE))
                    terms = xp.where(far, weight * tail, terms)
        return xp.sum(pair.scale * terms, axis=-1)

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
        value = self(p, q, axis=axis, normalize=normalize)
        if isinstance(value, np.ndarray | np.generic):
            return np.power(value, value.dtype.type(self.metric_power))
        xp, _, (wide,) = double(value=value)  # the root has no slope at 0, where the gradient is to be 0 and not NaN
        positive = wide > 0
        root = xp.where(positive, xp.where(positive, wide, 1.0) ** self.metric_power, 0.0 * wide)
        return result(xp, root, value.dtype)

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

    def enclose(self, p: Array, q: Array, *, normalize: bool = False) -> Bounds:
        r"""Rigorous bounds of the divergence of two probability vectors, by ball arithmetic on the same declaration.

        Parameters
        ----------
        p, q : array (n,)
            Probabilities, taken as the exact rational numbers that their doubles are, and normalised exactly.
        normalize : bool, default: False
            Take any positive mass.

        Returns
        -------
        Bounds
            Doubles around the exact value, at most two units in the last place apart.
        """
        require("flint", "enclosures", "an enclosure")
        from divergences.balls import enclose

        return enclose(self, p, q, normalize=normalize)

    def symbolic(self) -> "Formulas":
        """Sympy expressions of f, f', and the conjugate, made by running the declaration on symbols.

        Returns
        -------
        divergences.proofs.Formulas
            The symbols u, t and the expressions in them.
        """
        require("sympy", "symbolic", "a formula")
        from divergences.proofs import formulas

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
        divergences.proofs.Proof
            Every step with its statement, how it was decided, and what came out.

        Raises
        ------
        divergences.proofs.DisprovedError
            If a step is false: the declaration contradicts itself.
        """
        require("sympy", "symbolic", "a proof")
        from divergences.proofs import prove

        return prove(self)


class FFamily(FDivergence):
    """A family of f-divergences with one real parameter: a class whose instances are divergences, as ``alpha(0.5)``.

    Examples
    --------
    >>> import divergences as dv
    >>> d = dv.weighted_js(1 / 4)
    >>> d, d.parameter, d.domain
    (divergences.weighted_js(0.25), 0.25, '0 < w < 1')
    >>> issubclass(dv.weighted_js, dv.FFamily), d == dv.weighted_js(0.25)
    (True, True)
    """

    examples: ClassVar[tuple[float, ...]] = ()
    """Parameters that stand for the family in the catalogue and its tests."""

    domain: ClassVar[str] = "any real number"
    """What the parameter may be, in words."""

    @staticmethod
    def admits(parameter: float) -> bool:
        """Whether a number is in the domain of the parameter."""
        return math.isfinite(parameter)

    def __post_init__(self) -> None:
        """Refuse parameters outside the domain."""
        (field,) = fields(self)  # type: ignore[arg-type]
        given = getattr(self, field.name)
        try:
            parameter = float(given)
        except (TypeError, ValueError, OverflowError) as error:
            msg = f"expected {field.name} of {type(self).__name__} to be a number, got {given!r}"
            raise TypeError(msg) from error
        if not (math.isfinite(parameter) and self.admits(parameter)):
            msg = (
                f"expected {field.name} of {type(self).__name__} to be in its domain, {self.domain}, got {parameter!r}"
            )
            raise ValueError(msg)
        object.__setattr__(self, field.name, parameter)

    @property
    def parameter(self) -> float:
        """The parameter."""
        (field,) = fields(self)  # type: ignore[arg-type]
        return float(getattr(self, field.name))

    @property
    def name(self) -> str:
        """The name it is called by: ``alpha(0.5)``."""
        return f"{type(self).__name__}({self.parameter!r})"


@final
@dataclass(frozen=True, repr=False)
class _Reversed(FDivergence):
    r"""The reverse $D_f(Q\|P)$ of a divergence, as an f-divergence: $f^\circ(u) = u f(1/u)$."""

    original: FDivergence

    @property
    def reverse(self) -> FDivergence:
        return self.original

    @property
    def name(self) -> str:
        """As a word: ``reverse_marton``."""
        return f"reverse_{self.original.name}"

    def __repr__(self) -> str:
        """As it is called: ``divergences.marton.reverse``."""
        return f"{self.original!r}.reverse"

    @property
    def tangent(self) -> float:
        return -self.original.tangent

    @property
    def powers(self) -> tuple[tuple[float, float, float], ...]:
        return tuple((c, b, a) for c, a, b in self.original.powers)

    @property
    def variation(self) -> float:
        return self.original.variation

    @property
    def kinks(self) -> tuple[float, ...]:
        return tuple(1 / kink for kink in reversed(self.original.kinks))

    @property
    def joints(self) -> tuple[float, ...]:
        return tuple(1 / joint for joint in reversed(self.original.joints))

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return self.original.perspective(q, p, m.reversed())

    def critic(self, v: Any, m: Scalars) -> Any:
        return -self.original.level(-v, m)

    def level(self, v: Any, m: Scalars) -> Any:
        return -self.original.critic(-v, m)
