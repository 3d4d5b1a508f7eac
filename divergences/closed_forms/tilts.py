r"""The uniform distribution tilted by an exponential, $\theta e^{\theta x}/(e^\theta - 1)$ on the unit interval.

It is an exponential family whose log-partition is $\frac\theta2 + \varphi(\theta)$ with the even function
$\varphi(\theta) = \log\frac{\sinh(\theta/2)}{\theta/2}$, so that mean and variance are $\frac12 + \varphi'$ and $\varphi''$. Both
are differences that cancel near 0, where they are power series with the Bernoulli numbers.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from divergences import families
from divergences._arrays import Array, known
from divergences._special import NODES, WEIGHTS
from divergences.closed_forms.formulas import NIELSEN, Formula, Parameters, collector
from divergences.closed_forms.geodesics import by_geodesic
from divergences.elementary import Numeric

__all__ = ["TILTS", "even_bregman", "tilt_of", "tilted_log_partition", "tilted_mean", "tilted_variance"]

TILTS: dict[type, Formula] = {}
"""By family: ``function(xp, p, q, a, b)`` is the gap."""

gap_of = collector(TILTS)

SMALL = 2.5
"""Where the tilt is below this the power series serve, whose radius of convergence is 2 pi."""

TERMS = 22
"""The last is below 1e-17 of the first."""

CIRCLE = 2 * math.pi
"""The singularities of the log-partition next to the line are at this times i."""

REACH = 2.5
"""Length of a panel in asinh(theta / radius), where the integrand is analytic in a strip of half-width pi/2."""


def _over_factorials(terms: int) -> list[float]:
    """Bernoulli numbers of even index from 2 on over the factorials of their index."""
    numbers = [Fraction(1)]
    for m in range(1, 2 * terms + 1):
        earlier = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), start=Fraction(0))
        numbers.append(-earlier / (m + 1))
    return [float(numbers[2 * n] / math.factorial(2 * n)) for n in range(1, terms + 1)]


COEFFICIENTS = _over_factorials(TERMS)


def _series(theta: Array, coefficients: list[float]) -> Array:
    square = theta * theta
    value: Any = 0.0
    for coefficient in coefficients[::-1]:
        value = value * square + coefficient
    return value


def tilt_of(xp: Any, p: Array) -> Array:
    """The natural parameter log(p / (1 - p))."""
    return xp.log(p) - xp.log1p(-p)


def tilted_log_partition(xp: Any, theta: Array) -> Array:
    r"""$\log\frac{e^\theta - 1}\theta$."""
    size = xp.abs(theta)
    apart = size > 0
    inner = xp.where(apart, size, 1.0)
    return (theta + size) / 2 + xp.where(apart, xp.log(-xp.expm1(-inner) / inner), -size / 2)


def tilted_mean(xp: Any, theta: Array) -> Array:
    r"""$\frac12 + \frac12\coth\frac\theta2 - \frac1\theta$."""
    near = xp.abs(theta) < SMALL
    small, large = xp.where(near, theta, 0.0), xp.where(near, SMALL, theta)
    return 0.5 + xp.where(near, small * _series(small, COEFFICIENTS), 0.5 / xp.tanh(large / 2) - 1 / large)


def tilted_variance(xp: Any, theta: Array) -> Array:
    r"""$\frac1{\theta^2} - \frac1{4\sinh^2(\theta/2)}$."""
    near = xp.abs(theta) < SMALL
    small, large = xp.where(near, theta, 0.0), xp.where(near, SMALL, xp.abs(theta))
    series = _series(small, [(2 * n + 1) * c for n, c in enumerate(COEFFICIENTS)])
    gone = xp.exp(-large)  # 1 / (4 sinh**2) = e**-theta / (1 - e**-theta)**2
    return xp.where(near, series, 1 / (large * large) - gone / (1 - gone) ** 2)


@gap_of(
    families.ContinuousBernoulli, f"{NIELSEN}; Loaiza-Ganem & Cunningham (2019), The continuous Bernoulli, section 2"
)
def _continuous_bernoulli(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    m, d = Numeric(xp), p.p - q.p
    gap = m.log_ratio(p.p, q.p, d) + m.log_ratio(1 - q.p, 1 - p.p, d)
    zero = 0.0 * gap
    x, y = tilt_of(xp, p.p) + zero, tilt_of(xp, q.p) + zero
    return by_geodesic(
        xp, lambda x, y, d: _tilt_bregman(xp, y[0], x[0], -d[0]), lambda x: x[0] == x[0], (x,), (y,), (gap,), a, b
    )


def _tilt_bregman(xp: Any, y: Array, x: Array, d: Array) -> Array:
    return even_bregman(xp, y, x, d, lambda t: tilted_variance(xp, t), CIRCLE)


def even_bregman(xp: Any, y: Array, x: Array, d: Array, curvature: Callable[[Array], Array], radius: float) -> Array:
    r"""$\varphi(y) - \varphi(x) - \varphi'(x)(y - x) = \int_x^y (y - t)\varphi''(t)\,dt$, where d = y - x is given.

    For even $\varphi$ whose singularities are on the imaginary axis, at the radius R or beyond. In $t = R\sinh s$ the
    way is $\operatorname{asinh}(D\,\frac{1 + h_x h_y - XY}{h_x + h_y})$ of X, Y and D in units of R,
    $h = \sqrt{1 + X^2}$, and $y - t = 2R\sinh\frac{s_y - s}2\cosh\frac{s_y + s}2$: nothing cancels.
    """
    first, last, step = x / radius, y / radius, d / radius
    h, k = xp.sqrt(1 + first * first), xp.sqrt(1 + last * last)
    product = first * last
    one_side = product > 0
    facing = (1 + first * first + last * last) / (h * k + xp.where(one_side, product, 0.0))
    way = xp.asinh(step * (1 + xp.where(one_side, facing, h * k - product)) / (h + k))
    start = xp.asinh(first)
    count = next((n for n in (1, 2, 4) if known(xp, xp.abs(way) <= REACH * n)), 8)
    total: Any = 0.0
    for panel in range(count):
        for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
            u = (panel + node) / count
            s, left = start + way * u, way * ((1 - u) / 2)
            inner = xp.sinh(left) * xp.cosh(s + left) * xp.cosh(s)
            total = total + (weight / count) * inner * curvature(radius * xp.sinh(s))
    return 2 * radius**2 * way * total
