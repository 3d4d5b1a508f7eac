r"""f-divergences: everything that follows from one declaration.

For a convex $f$ on $[0, \infty)$ with $f(1) = 0$, and $P, Q$ on one space,

$$D_f(P\|Q) = \sum_i q_i\, f(p_i / q_i),\qquad 0\,f(p/0) = p\, f'(\infty),\quad 0\,f(0/0) = 0.$$

A declaration gives the *perspective* $q f(p/q)$ in its normal form (below), the critic $f'(e^v)$, and what the conjugate
is there: in closed form, as a function of t, or at the critic, as a function of v. This module derives values, limits,
ranges, domains, activations, bounds, formulas and proofs.

**Normal form.** $D_f$ does not change when a multiple of $u - 1$ is added to $f$. The perspective is declared for
$g(u) = f(u) - f'(1)(u - 1) \ge 0$, so that every term of the sum is non-negative and nothing cancels across terms;
``tangent`` is $f'(1)$, and $f(u) = g(u) + f'(1)(u - 1)$.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from divergences._arrays import Array, blockwise, constant, double, elementwise, known, quiet, result
from divergences._dual import Dual, Dually
from divergences._extras import require
from divergences._inversion import solve
from divergences._logs import LogPair, log_pair
from divergences._pairs import STEP, Pair, measures, quick_totals, simplex_pair
from divergences.bounds import Bounds
from divergences.elementary import Numeric, Scalars, Vocabulary
from divergences.interval import Interval

if TYPE_CHECKING:
    from divergences.proofs import Formulas, Proof

__all__ = ["FDivergence", "FFamily"]

HUGE = 1e300
"""Ratios beyond are near the largest double."""

MODERATE = 40.0
"""A log-ratio at which 1 is less than the last digit of the ratio, and no power of it overflows."""

RATIOS = np.geomspace(0.01, 100.0, 81)
"""Log-ratios, and their negatives, at which a divergence is probed for its sensitivity to masses."""


class FDivergence(ABC):
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
    """

    @property
    def tangent(self) -> float:
        """The slope $f'(1)$ of the chosen $f$, or one of its slopes there; the normal form has slope 0."""
        return 0

    @property
    def symmetric(self) -> bool:
        r"""Whether $u f(1/u) = f(u)$, so that $D_f(P\|Q) = D_f(Q\|P)$."""
        return False

    @property
    def metric_power(self) -> float | None:
        """The power of $D_f$ that is a metric, if one is."""
        return None

    @property
    def kinks(self) -> tuple[float, ...]:
        """Points where $f$ is not differentiable."""
        return ()

    @property
    def joints(self) -> tuple[float, ...]:
        """Points where $f$ is differentiable but changes its formula, which proofs go through piece by piece."""
        return ()

    # ------------------------------------------------------------------------------------------------ declarations

    @abstractmethod
    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        """$q g(p/q)$ in the vocabulary m, g the normal form of f: a sum of non-negative terms, exact at zeros."""

    @abstractmethod
    def critic(self, v: Any, m: Scalars) -> Any:
        r"""$f'(e^v)$ in the vocabulary m, at a log-ratio $v = \log dP/dQ$ (or an element of the subdifferential)."""

    def level(self, v: Any, m: Scalars) -> Any:
        r"""$f^*(f'(e^v))$ in the vocabulary m, the conjugate at the critic: minus the critic of the reverse at -v."""
        if isinstance(self.reverse, _Reversed):
            return self.legendre(self.critic(v, m), m)
        return -self.reverse.critic(-v, m)

    def legendre(self, t: Any, m: Scalars) -> Any:
        """$f^*(t)$ in the vocabulary m, for t in the range of f' only: the branch where the supremum is attained."""
        msg = f"the conjugate of {self.name} has no closed form; it is found by inverting the critic"
        raise NotImplementedError(msg)

    @property
    def has_closed_conjugate(self) -> bool:
        """Whether the conjugate is declared in closed form, or else found by inverting f' numerically."""
        return type(self).legendre is not FDivergence.legendre

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
            lazy = blockwise(lambda p, q: self(p, q, normalize=normalize), p, q, axis)
            if lazy is not None:
                return lazy
            pair, batch = simplex_pair(p, q, axis=axis, normalize=normalize)
            value = self._total(pair)
        return result(pair.xp, pair.xp.reshape(value, batch), pair.dtype)

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
            if declared._far_from_its_end:
                far = (v > 0) & (weight > 0)
                if known(xp, ~far) is not True:
                    tail = declared._tail(xp, xp.where(far, v, MODERATE))
                    terms = xp.where(far, weight * tail, terms)
        return xp.sum(terms, axis=-1)

    @cached_property
    def _far_from_its_end(self) -> bool:
        """Whether the critic is not at the end of its range yet where the ratio leaves the range of doubles."""
        with quiet():
            reached = float(self.critic(np.asarray(700.0), Numeric(np)))
        return math.isinf(self.slope) or abs(reached - self.slope) > 1e-16 * abs(self.slope)

    def _tail(self, xp: Any, v: Array) -> Array:
        r"""$g(u)/u$ of the normal form at $u = e^v$ beyond the range of doubles.

        It is $f'(u) - f^*(f'(u))/u$ less the tangent. Of $c(v) = f'(e^v)$, a power of u or an affine function of v out
        there, the second term is a constant part of the derivative.
        """
        critic = self.critic(v, Numeric(xp))
        tail = critic - self._share_of_derivative * self._critic_slope(xp, v) - self.tangent
        return xp.where(critic < xp.inf, tail, xp.inf)

    @cached_property
    def _share_of_derivative(self) -> float:
        v = np.asarray(MODERATE)
        with quiet():
            return float(self.level(v, Numeric(np)) / np.exp(v) / self._critic_slope(np, v))

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

    # ---------------------------------------------------------------------------------------- the function f itself

    @elementwise
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
            huge = regular & (u > HUGE)
            value = self._f_at_regular(xp.where(regular & ~huge, u, 1.0), Numeric(xp))
            value = xp.where(huge, self._f_at_huge(xp.where(huge, u, HUGE), Numeric(xp)), value)
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
        v = m.xp.where(far, v, 0.0)
        return m.xp.where(far, u * self.critic(v, m) - self.level(v, m), near_one)

    def _f_at_huge(self, u: Array, m: Numeric) -> Array:
        """Where p + q of the perspective would overflow."""
        v = m.log(u)
        level = self.level(v, m)
        return u * (self.critic(v, m) - m.xp.where(level < m.xp.inf, level / u, 0.0))

    @cached_property
    def f0(self) -> float:
        """The limit f(0+), what mass of Q outside the support of P costs; may be ``inf``."""
        return 0.0 - self._level_at(-math.inf)

    @cached_property
    def slope(self) -> float:
        r"""The limit $f'(\infty) = \lim f(u)/u$, what mass of P outside the support of Q costs; may be ``inf``."""
        return self.critic_range.upper

    @cached_property
    def range(self) -> Interval:
        r"""All values of the divergence: from 0 to $f(0) + f'(\infty)$, reached by mutually singular P and Q."""
        largest = self.f0 + self.slope
        return Interval(0.0, largest, closed_lower=True, closed_upper=math.isfinite(largest))

    def subgradient(self, u: Array) -> tuple[Array, Array]:
        r"""The subdifferential of f at u, as its ends: the slopes $f'(u-)$ and $f'(u+)$ on the left and on the right.

        Parameters
        ----------
        u : array
            Likelihood ratios dP/dQ.

        Returns
        -------
        tuple of two arrays
            Same shape each; equal ones except at kinks, and at 0, where the left one is ``-inf``. Where u < 0 there is
            no slope, and the interval is empty: (inf, -inf).
        """
        xp, dtype, (u,) = double(u=u)
        with quiet():
            v = xp.log(xp.where(u > 0, u, xp.where(xp.isnan(u), u, 0.0)))
            low, high = v, v
            for kink in self.kinks:
                left, right = (math.nextafter(math.log(kink), end) for end in (-math.inf, math.inf))
                low = xp.where(u <= kink, xp.where(low < left, low, left), xp.where(low > right, low, right))
                high = xp.where(u >= kink, xp.where(high > right, high, right), xp.where(high < left, high, left))
            lower, upper = (_with_limits(self.critic, x, Numeric(xp)) for x in (low, high))
            lower = xp.where(u == 0, -xp.inf, lower)
            lower, upper = xp.where(u < 0, xp.inf, lower), xp.where(u < 0, -xp.inf, upper)
        return result(xp, lower, dtype), result(xp, upper, dtype)

    @elementwise
    def second_derivative(self, u: Array) -> Array:
        r"""Curvature $f''(u)$, for u >= 0, by the derivative of the critic: $f''(u) = \frac1u \frac{d}{dv} f'(e^v)$.

        Parameters
        ----------
        u : array
            Likelihood ratios dP/dQ.

        Returns
        -------
        array
            Same shape; ``inf`` at kinks, the limits at 0 and ``inf``, NaN for u < 0.
        """
        xp, dtype, (u,) = double(u=u)
        with quiet():
            regular = (u > 0) & ~xp.isinf(u)
            inner = xp.where(regular, u, 1.0)
            value = self._critic_slope(xp, xp.log(inner)) / inner
            for kink in self.kinks:
                value = xp.where(u == kink, xp.inf, value)
            zero, infinity = (self._curvature_limit(end) for end in (-200.0, 200.0))
            value = xp.where(xp.isnan(value), xp.where(inner < 1, zero, xp.full_like(inner, infinity)), value)
            edge = xp.where(u == 0, zero, xp.where(u > 0, infinity, xp.full_like(u, xp.nan)))
        return result(xp, xp.where(regular, value, edge), dtype)

    def _critic_slope(self, xp: Any, v: Array) -> Array:
        """Derivative of the critic with respect to the log-ratio."""
        return _slope(self.critic(Dual(v, xp.ones_like(v)), Dually(Numeric(xp))), v)

    def _curvature_limit(self, far: float) -> float:
        """Limit of the curvature at 0 or infinity, which it approaches as a power of u: 0, infinite, or where it is."""
        v = np.array([far, 1.5 * far])
        with quiet():
            near, end = map(float, self._critic_slope(np, v) * np.exp(-v))
        if near == 0 or not math.isfinite(end) or abs(end / near - 1) < 1e-6:
            return end
        return math.inf if end > near else 0.0

    # ------------------------------------------------------------------------------------------------- convex duality

    @cached_property
    def critic_range(self) -> Interval:
        r"""The interval $(f'(0+), f'(\infty))$ of values of the optimal critic; its ends belong to ratios 0 and inf."""
        lower, upper = (float(self.optimal_critic(v)) + 0.0 for v in (-math.inf, math.inf))  # no -0
        return Interval(lower, upper)

    @cached_property
    def conjugate_domain(self) -> Interval:
        r"""Where the conjugate is finite: $(-\infty, f'(\infty)]$ or $(-\infty, f'(\infty))$."""
        closed = math.isfinite(self.slope) and math.isfinite(self._level_at(math.inf))
        return Interval(-math.inf, self.slope, closed_upper=closed)

    def _level_at(self, v: float) -> float:
        with quiet():
            return float(_with_limits(self.level, np.asarray(v), Numeric(np)))

    @elementwise
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
        with quiet():
            middle, inner = self._in_critic_range(xp, t)
            value = self.legendre(inner, Numeric(xp)) if self.has_closed_conjugate else self._inverted(xp, inner)[1]
            end = self._level_at(math.inf) if self.conjugate_domain.closed_upper else math.inf
            above = xp.where(t <= self.slope, end, xp.full_like(t, xp.inf))
            outside = xp.where(xp.isnan(t), t, xp.where(t <= self.critic_range.lower, -self.f0, above))
        return result(xp, xp.where(middle, value, outside), dtype)

    @elementwise
    def conjugate_gradient(self, t: Array) -> Array:
        r"""Derivative $(f^*)'(t)$: the ratio u at which $f'(u) = t$; 0 below the range of f', ``inf`` from its end on.

        Parameters
        ----------
        t : array
            Values of a critic.

        Returns
        -------
        array
            Same shape. Where f is affine, and its conjugate has a kink, one of the ratios.
        """
        xp, dtype, (t,) = double(t=t)
        with quiet():
            middle, inner = self._in_critic_range(xp, t)
            if self.has_closed_conjugate:
                value = _slope(self.legendre(Dual(inner, xp.ones_like(inner)), Dually(Numeric(xp))), inner)
                lost = ~((value >= 0) & (value < xp.inf))  # near the ends of the range of numbers
                if known(xp, ~lost) is not True:
                    value = xp.where(lost, xp.exp(self._inverted(xp, inner)[0]), value)
            else:
                value = xp.exp(self._inverted(xp, inner)[0])
            outside = xp.where(xp.isnan(t), t, xp.where(t <= self.critic_range.lower, 0.0, xp.full_like(t, xp.inf)))
        return result(xp, xp.where(middle, value, outside), dtype)

    def _in_critic_range(self, xp: Any, t: Array) -> tuple[Array, Array]:
        """Where t is in the range of f', and t with a number of that range in the other places."""
        middle = (t > self.critic_range.lower) & (t < self.critic_range.upper)
        return middle, xp.where(middle, t, float(self.optimal_critic(0.0)))

    def _inverted(self, xp: Any, t: Array) -> tuple[Array, Array]:
        r"""The log-ratio v at which $f'(e^v) = t$, and $f^*(t) = f^*(t_v) + e^v (t - t_v)$ about $t_v = f'(e^v)$."""
        m = Numeric(xp)
        v = constant(solve(xp, lambda v: self.critic(v, m), constant(t)))
        u, reached = xp.exp(v), self.critic(v, m)
        level, finite_u = self.level(v, m), xp.where(u < xp.inf, u, 0.0)
        return v, xp.where(xp.abs(level) < xp.inf, level + finite_u * (t - reached), level)

    @elementwise
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
            return result(xp, _with_limits(self.critic, v, Numeric(xp)), dtype)

    @elementwise
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


def _slope(x: Any, like: Array) -> Array:
    """The derivative that a dual number carries, as an array of that shape; 0 of a constant."""
    return (x.slope if isinstance(x, Dual) else 0.0) + 0.0 * like


def _with_limits(function: Callable[[Array, Numeric], Array], v: Array, m: Numeric) -> Array:
    """A declared function of a log-ratio, at infinite ones its limits: the value at the end of the range of numbers."""
    xp, infinite = m.xp, m.xp.isinf(v)
    largest = float(xp.finfo(v.dtype).max)
    value = function(xp.where(infinite, xp.sign(v) * largest, v), m)
    return xp.where(infinite & (xp.abs(value) > largest * 1e-8), xp.sign(value) * xp.inf, value)


class FFamily(FDivergence):
    """A family of f-divergences with one real parameter: a class whose instances are divergences, as ``alpha(0.5)``."""

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
