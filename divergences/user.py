r"""f-divergences of one's own: `from_function` makes one from any convex f.

What a declaration of the catalogue states is found here by numbers, and checked: f(1) = 0, convexity, the slope at 1, the
limits at 0 and infinity, the critic. The conjugate is found by solving f'(u) = t.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, final

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from divergences._arrays import Array, constant, quiet
from divergences._dual import Dual, Dually
from divergences._examined import (
    check_convex,
    check_derivative,
    check_name,
    check_not_affine,
    check_symmetric,
    points_of,
    values_of,
)
from divergences._smooth import Readable, Smooth, limit_of, smooth
from divergences._spoken import choose
from divergences.elementary import Numeric, Scalars, Vocabulary
from divergences.fdivergence import FDivergence

__all__ = ["from_function"]

Vector = NDArray[np.float64]

M = Numeric(np)

EPS = float(np.finfo(np.float64).eps)

FAR = 690
"""Logarithm of the largest ratio at which f is looked at; exp(709) is the largest double."""

MODERATE = (7.0, 16.0)
"""Logarithms of ratios between which u f'(u) - f(u) keeps 9 digits, though its terms grow like u, and is near its limit."""

NEAR = 0.3
"""Where |log u| is below this, and f smooth, the normal form is the integral of its curvature."""

NODES, WEIGHTS = (np.array(x).tolist() for x in np.polynomial.legendre.leggauss(8))
"""Gauss-Legendre rule on [-1, 1]; on [1, exp(0.3)] its error for functions analytic in u > 0 is below 1e-17."""


@final
@dataclass(frozen=True)
class _Facts:
    """What was found out about f."""

    at_one: float
    tangent: float
    reach: tuple[float, float]
    """Logarithms of the ratios between which f and f' are numbers."""
    ends: tuple[float, float]
    """f(0+) and f'(inf)."""
    critic_ends: tuple[float, float]
    """f'(0+) and f'(inf)."""
    level_ends: tuple[float, float]
    """u f' - f at 0 and infinity."""
    corner: tuple[float, float]
    """f'(1-) and f'(1+) less the tangent."""
    near: float
    """Where |log u| is below this, the curvature is integrated."""


@final
@dataclass(frozen=True, repr=False)
class _FromFunction(FDivergence):
    """The f-divergence of a function that its user wrote."""

    title: str
    function: Smooth
    gradient: Smooth
    breaks: tuple[tuple[float, ...], tuple[float, ...]]
    claims: tuple[bool, float | None]
    facts: _Facts

    @property
    def name(self) -> str:
        """As the user calls it."""
        return self.title

    def __repr__(self) -> str:
        """Its name, not an expression: functions have none."""
        return f"<divergences.from_function: {self.title}>"

    @property
    def rounding(self) -> float:
        """Relative error of the limits, which are estimated from values of f; proofs allow for it."""
        return 1e-10

    @property
    def tangent(self) -> float:
        return self.facts.tangent

    @property
    def kinks(self) -> tuple[float, ...]:
        return self.breaks[0]

    @property
    def joints(self) -> tuple[float, ...]:
        return self.breaks[1]

    @property
    def symmetric(self) -> bool:
        return self.claims[0]

    @property
    def metric_power(self) -> float | None:
        return self.claims[1]

    # -------------------------------------------------------------------------------------------------- declarations

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        if not isinstance(m, Numeric):
            return self._perspective_elsewhere(p, q, m)
        xp = m.xp
        inside = (p > 0) & (q > 0)
        p1, q1 = (xp.where(inside, x, 1.0) for x in (p, q))
        value = self._normal_form(p1, q1, xp.where(inside, m.difference(p, q), 0.0), m)
        zero, infinity = self._tails
        return xp.where(inside, value, _share(xp, p, ~inside, infinity) + _share(xp, q, ~inside, zero))

    @property
    def _tails(self) -> tuple[float, float]:
        """g(0+) and g'(inf) of the normal form."""
        zero, infinity = self.facts.ends
        # of a convex function they are not negative but by rounding
        return max(zero + self.tangent, 0.0), max(infinity - self.tangent, 0.0)

    def _perspective_elsewhere(self, p: Any, q: Any, m: Vocabulary) -> Any:
        """On symbols, and on balls, whose zeros are exact."""
        zero, infinity = self._tails
        if p == 0 or q == 0:
            return m.number(0.0) if p == q else (p * m.number(infinity) if q == 0 else q * m.number(zero))
        at_one = self.function.value(m.number(1.0), m)
        return q * (self.function.value(p / q, m) - at_one) - m.number(self.tangent) * (p - q)

    def _normal_form(self, p: Array, q: Array, d: Array, m: Numeric) -> Array:
        """q g(p/q) for positive p and q: directly, and near p = q by the curvature, where the other cancels."""
        value, near = self._direct(p, q, d, m), self.facts.near
        if near:
            x = d / q
            close = (x > math.expm1(-near)) & (x < math.expm1(near))
            if not array_api_compat.is_numpy_namespace(m.xp):
                x = m.xp.where(close, d, 0.0) / m.xp.where(close, q, 1.0)
                value = m.xp.where(close, self._curved(q, x, m), value)
            elif close.any():
                value[close] = self._curved(q[close], x[close], m)
        return m.xp.where(value < 0, 0.0, value)  # which is rounding: g is nowhere negative

    def _direct(self, p: Array, q: Array, d: Array, m: Numeric) -> Array:
        """By f itself, and by its limits where the ratio, or f on the way, is beyond the range of doubles."""
        xp, u = m.xp, p / q
        value = self._f(u, m)
        proper = xp.isfinite(value) & (u > 0) & ~xp.isinf(u)
        if not array_api_compat.is_numpy_namespace(xp):
            # once more, so that no gradient flows through what is discarded, and that of p/q through logarithms: the
            # derivative by q is no number where the ratio is large
            logs = xp.log(p) - xp.log(q)
            value = self._f(xp.where(proper, constant(u) * xp.exp(logs - constant(logs)), 1.0), m)
        zero, infinity = self._tails
        limits = _share(xp, p, ~proper & (u > 1), infinity) + _share(xp, q, ~proper & (u < 1), zero)
        return xp.where(proper, q * xp.where(proper, value, 0.0) - self.tangent * d, limits)

    def _curved(self, q: Array, x: Array, m: Numeric) -> Array:
        """The integral of (u - s) f''(s) from 1 to u = 1 + x, and what a kink at 1 adds, times q: sums of one sign."""
        curvature, total = self.gradient.derivative, 0.0 * x
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            share = (1 + node) / 2
            total = total + weight / 2 * (1 - share) * curvature.value(1.0 + share * x, m)
        left, right = self.facts.corner
        return q * x * (x * total + m.xp.where(x > 0, right, m.xp.where(x < 0, left, 0.0)))

    def _f(self, u: Array, m: Numeric) -> Array:
        return self.function.value(u, m) - self.facts.at_one

    def _f_at_regular(self, u: Array, m: Numeric) -> Array:
        return self._f(u, m)

    def critic(self, v: Any, m: Scalars) -> Any:
        return self._within(lambda u: self.gradient.value(u, m), self.facts.critic_ends, v, m)

    def level(self, v: Any, m: Scalars) -> Any:
        def inside(u: Any) -> Any:
            at_one = self.facts.at_one if isinstance(m, Numeric | Dually) else self.function.value(m.number(1.0), m)
            return u * self.gradient.value(u, m) - (self.function.value(u, m) - at_one)

        return self._within(inside, self.facts.level_ends, v, m)

    def _within(self, function: Callable[[Any], Any], ends: tuple[float, float], v: Any, m: Scalars) -> Any:
        """A function of u = exp(v), and beyond the ratios at which f is a number its limits."""
        if not isinstance(m, Numeric | Dually):
            return function(m.exp(v))
        low, high = self.facts.reach
        number = v
        while isinstance(number, Dual):
            number = number.value
        regular = (number > low) & (number < high)
        u = self._beside_kinks(number, m.exp(choose(m, regular, v, 0.0)), m)
        outside = choose(m, number >= high, ends[1], choose(m, number <= low, ends[0], v))  # v where it is NaN
        return choose(m, regular, function(u), outside)

    def _beside_kinks(self, v: Any, u: Any, m: Scalars) -> Any:
        """exp(v), rounded so that it is on the side of every kink that v is on."""
        for kink in self.kinks:
            for beyond, end in ((v > math.log(kink), math.inf), (v < math.log(kink), 0.0)):
                beside = math.nextafter(kink, end)
                number = u
                while isinstance(number, Dual):
                    number = number.value
                crossed = beyond & (number < beside if end else number > beside)
                u = choose(m, crossed, beside, u)
        return u


def _share(xp: Any, x: Array, where: Array, limit: float) -> Array:
    """x times a limit where a condition holds and x > 0, else 0."""
    here = where & (x > 0)
    return xp.where(here, math.inf, 0.0 * x) if math.isinf(limit) else xp.where(here, x, 0.0) * limit


def from_function(
    f: Callable[[Any], Any],
    *,
    name: str,
    derivative: Callable[[Any], Any] | None = None,
    f0: float | None = None,
    slope: float | None = None,
    kinks: Iterable[float] = (),
    joints: Iterable[float] = (),
    symmetric: bool = False,
    metric_power: float | None = None,
) -> FDivergence:
    r"""The f-divergence $D_f(P\|Q) = \sum q\,f(p/q)$ of a convex function of one's own, with all that others have.

    Parameters
    ----------
    f : callable
        Takes an array of ratios u > 0 and returns f(u), convex, with f(1) = 0. If it is made of operators and numpy's
        elementary functions (``lambda u: u * np.log(u)``) it runs on arrays of every library, its derivatives are right
        to the last digits, small divergences too, and proofs and enclosures work. Any other f runs on the libraries
        that it supports itself; its derivatives are differences, with about 10 digits.
    name : str
        What to call it.
    derivative : callable, optional
        The derivative f', likewise; at a kink any slope between the two.
    f0, slope : float, optional
        The limits $f(0+)$ and $f'(\infty) = \lim f(u)/u$, which may be ``inf``. If not given they are estimated from f
        at 1e-100, 1e-200, ..., and refused where that does not tell.
    kinks : iterable of float, default: ()
        Where f is not differentiable.
    joints : iterable of float, default: ()
        Where f is differentiable but changes its formula; proofs need them.
    symmetric : bool, default: False
        Whether $D_f(P\|Q) = D_f(Q\|P)$, which is checked.
    metric_power : float, optional
        The power of $D_f$ that is a metric, as you know; it cannot be checked here.

    Returns
    -------
    FDivergence
        Values are right to about the digits of f: near p = q its rounding, a few 1e-16 in $\sum q f$, remains unless f is
        made of numpy's functions and smooth on both sides of 1; they are ``inf`` where f(p/q) is beyond the largest double.
        The conjugate at f'(u) has an error of 1e-16 (u |f'(u)| + |f(u)|), limits one of 1e-14, if they are estimated.

    Raises
    ------
    ValueError
        If f(1) is not 0, f is not convex or no number somewhere, or a limit, the derivative or the symmetry stated is not
        that of f.
    TypeError
        If f does not take arrays.

    See Also
    --------
    divergences.conjugates.convex_hull : Makes a function convex.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> quartic = dv.from_function(lambda u: (u - 1) ** 4, name="quartic")
    >>> float(quartic([0.5, 0.5], [0.25, 0.75]))
    0.25925925925925924
    >>> quartic.f0, quartic.slope
    (1.0, inf)
    >>> bool(abs(quartic.conjugate(4.0) - 7.0) < 1e-12)  # at u = 2
    True
    """
    check_name(name)
    breaks = (points_of("kinks", kinks), points_of("joints", joints))
    values = values_of(f, name)
    function = smooth(f, breaks[0])
    gradient = function.derivative if derivative is None else smooth(derivative, breaks[0])
    with quiet():
        if derivative is not None:
            check_derivative(function, gradient, breaks[0], name)
        at_one, tangent = (float(x.value(np.array([1.0]), M)[0]) for x in (function, gradient))
        facts = _found(function, gradient, at_one, tangent, (f0, slope), name)
        facts = _with_near(function, gradient, breaks, facts)
        check_convex(values - at_one, name)
        check_not_affine(values - at_one, tangent, name)
    if symmetric:
        check_symmetric(values - at_one, f, name)
    if metric_power is not None and not (symmetric and metric_power > 0):
        msg = f"expected a metric power of {name} to be positive and {name} symmetric, got {metric_power!r}; pass symmetric=True"
        raise ValueError(msg)
    return _FromFunction(name, function, gradient, breaks, (symmetric, metric_power), facts)


# ------------------------------------------------------------------------------------------------ what is found out


def _found(
    function: Smooth,
    gradient: Smooth,
    at_one: float,
    tangent: float,
    given: tuple[float | None, float | None],
    name: str,
) -> _Facts:
    """The limits of f, f' and u f' - f, from where f and f' are numbers."""
    if not abs(at_one) <= 1e-12:
        msg = f"expected f(1) = 0, got {at_one!r} for {name}; subtract it from f"
        raise ValueError(msg)
    if not math.isfinite(tangent):
        msg = f"expected f'(1) to be a number, got {tangent!r} for {name}; pass derivative, and kinks=(1,) if there is a kink"
        raise ValueError(msg)
    low, high = reach = _reach(function, gradient)

    def level(u: Vector) -> Vector:
        return np.asarray(u * gradient.value(u, M) - function.value(u, M) + at_one)

    zero = _agreed("f0", "f(0+)", given[0], limit_of(lambda u: function.value(u, M) - at_one, low), name)
    infinity = _agreed("slope", "f'(inf)", given[1], limit_of(lambda u: function.value(u, M) / u, high), name)
    lowest = limit_of(lambda u: gradient.value(u, M), low)
    # where f grows like u, u f' - f loses its digits far out
    far = (min(high, MODERATE[1]), MODERATE[0]) if infinity else (high, 0.0)
    top = math.inf if math.isinf(infinity) else limit_of(level, *far)
    return _Facts(
        at_one,
        tangent,
        reach,
        (zero, infinity),
        (-math.inf if math.isinf(zero) or lowest is None else lowest, infinity),
        (-zero, math.inf if top is None else top),
        corner=(0.0, 0.0),
        near=0.0,
    )


def _reach(function: Smooth, gradient: Smooth) -> tuple[float, float]:
    """How far from v = 0 on both sides f and f' of exp(v) are numbers, all the way."""

    def last(v: Vector) -> float:
        u = np.exp(v)
        proper = np.isfinite(function.value(u, M)) & np.isfinite(gradient.value(u, M))
        return float(v[-1] if proper.all() else v[max(int(np.argmin(proper)) - 1, 0)])

    v = np.arange(0.0, FAR + 1)
    return last(-v), last(v)


def _agreed(argument: str, limit: str, given: float | None, estimate: float | None, name: str) -> float:
    """The limit that was given, or the estimate, which must not contradict each other."""
    if given is None and estimate is None:
        msg = f"expected the limit {limit} of {name} to show far out, got values that change too slowly; pass {argument}=..."
        raise ValueError(msg)
    if given is None:
        return float(estimate or 0.0)
    stated = float(given)
    if math.isnan(stated) or stated == -math.inf:
        msg = f"expected {argument} to be a number or inf, got {stated!r}; a convex f has {limit} > -inf"
        raise ValueError(msg)
    if estimate is None or stated == estimate:
        return stated
    if math.isinf(estimate) or not abs(stated - estimate) <= 1e-6 * (1 + abs(estimate)):
        msg = f"expected {argument} to be the limit {limit} of {name}, which is near {estimate!r}, got {stated!r}; leave it out"
        raise ValueError(msg)
    return stated


def _with_near(
    function: Smooth, gradient: Smooth, breaks: tuple[tuple[float, ...], tuple[float, ...]], facts: _Facts
) -> _Facts:
    """Whether near 1 the integral of the curvature is f: it is not if f changes its formula there and nobody said so."""
    if not (isinstance(function, Readable) and isinstance(gradient, Readable)):
        return facts
    near = min([NEAR, *(abs(math.log(k)) / 2 for points in breaks for k in points if k != 1)])
    if 1 in breaks[0]:
        left, right = gradient.value(np.nextafter(np.ones(2), [0.0, 2.0]), M).tolist()
        facts = replace(facts, corner=(left - facts.tangent, right - facts.tangent))
    trial = _FromFunction("", function, gradient, breaks, (False, None), facts)
    u = np.exp(np.linspace(-near, near, 101))
    curved, direct = trial._curved(np.ones_like(u), u - 1, M), trial._direct(u, np.ones_like(u), u - 1, M)
    rounding = 256 * EPS * (1 + abs(facts.tangent) + np.abs(function.value(u, M)))
    holds = bool(np.all(np.abs(curved - direct) <= rounding))
    return replace(facts, near=near) if holds else facts
