r"""A convex function and its Fenchel conjugate, from one declaration.

The function is $f$ on $[0, \infty)$ with $f(1) = 0$; a declaration gives the *perspective* $q f(p/q)$ in its normal form
(below), the critic $f'(e^v)$, and what the conjugate is there: in closed form, as a function of t, or at the critic, as a
function of v. Limits, slopes, curvature, domains, the conjugate on all of the line and activations follow here;
`divergences.fdivergence` makes a divergence of it.

**Normal form.** A divergence does not change when a multiple of $u - 1$ is added to $f$. The perspective is declared for
$g(u) = f(u) - f'(1)(u - 1) \ge 0$, so that every term of the sum is non-negative and nothing cancels across terms;
``tangent`` is $f'(1)$, and $f(u) = g(u) + f'(1)(u - 1)$.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from divergences._arrays import Array, constant, double, elementwise, known, quiet, result
from divergences._dual import Dual, Dually
from divergences._inversion import solve
from divergences.elementary import Numeric, Scalars, Vocabulary
from divergences.interval import Interval

__all__ = ["ConvexFunction"]

HUGE = 1e300
"""Ratios beyond are near the largest double."""


MODERATE = 40.0
"""A log-ratio at which 1 is less than the last digit of the ratio, and no power of it overflows."""


class ConvexFunction(ABC):
    r"""A convex function f on $[0, \infty)$ with f(1) = 0: what is declared of it, and all that follows without sums."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The public name."""

    @property
    @abstractmethod
    def reverse(self) -> "ConvexFunction":
        r"""The function $u f(1/u)$, of the divergence with P and Q exchanged."""

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
    def powers(self) -> tuple[tuple[float, float, float], ...]:
        r"""Triples (c, a, b), a + b = 1, where it is a sum of multiples $c\,D_a$ of the divergences of order a.

        $D_a(P\|Q) = (1 - \int p^a q^b)/ab$, KL for (1, 0), reverse KL for (0, 1). Where it is no such sum it has none.
        """
        return ()

    @property
    def variation(self) -> float:
        """The multiple of total variation that it is, or 0."""
        return 0

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

    @abstractmethod
    def level(self, v: Any, m: Scalars) -> Any:
        r"""$f^*(f'(e^v))$ in the vocabulary m, the conjugate at the critic."""

    def legendre(self, t: Any, m: Scalars) -> Any:
        """$f^*(t)$ in the vocabulary m, for t in the range of f' only: the branch where the supremum is attained."""
        msg = f"the conjugate of {self.name} has no closed form; it is found by inverting the critic"
        raise NotImplementedError(msg)

    @property
    def has_closed_conjugate(self) -> bool:
        """Whether the conjugate is declared in closed form, or else found by inverting f' numerically."""
        return type(self).legendre is not ConvexFunction.legendre

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

    @cached_property
    def far_from_its_end(self) -> bool:
        """Whether the critic is not at the end of its range yet where the ratio leaves the range of doubles."""
        with quiet():
            reached = float(self.critic(np.asarray(700.0), Numeric(np)))
        return math.isinf(self.slope) or abs(reached - self.slope) > 1e-16 * abs(self.slope)

    def tail(self, xp: Any, v: Array) -> Array:
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


def _slope(x: Any, like: Array) -> Array:
    """The derivative that a dual number carries, as an array of that shape; 0 of a constant."""
    return (x.slope if isinstance(x, Dual) else 0.0) + 0.0 * like


def _with_limits(function: Callable[[Array, Numeric], Array], v: Array, m: Numeric) -> Array:
    """A declared function of a log-ratio, at infinite ones its limits: the value at the end of the range of numbers."""
    xp, infinite = m.xp, m.xp.isinf(v)
    largest = float(xp.finfo(v.dtype).max)
    value = function(xp.where(infinite, xp.sign(v) * largest, v), m)
    return xp.where(infinite & (xp.abs(value) > largest * 1e-8), xp.sign(value) * xp.inf, value)
