r"""Total variation of two members of one family, from the points where their densities cross.

Between the crossings it is a difference of two distribution functions at one point, which is the integral of a density
over a short interval whose length is known: nothing cancels, however near the two distributions are.
"""

import math
from typing import Any

from divergences import families
from divergences._arrays import Array
from divergences._special import NODES, WEIGHTS, erf
from divergences.closed_forms.affinities import exponents
from divergences.closed_forms.formulas import Formula, Parameters, collector, tied
from divergences.elementary import Numeric

__all__ = ["VARIATIONS"]

VARIATIONS: dict[type, Formula] = {}
"""By family: ``function(xp, p, q)`` is the total variation, or None where it has no closed form."""

WIDE = 4.0
"""Intervals longer than this, in standard deviations, are the difference of two values of the error function."""

_variation_of = collector(VARIATIONS)


@_variation_of(
    families.Normal, "the densities cross at the roots of a quadratic: Devroye, Mehrabian & Reddad (2018), section 1"
)
def _normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    shift, narrow = xp.abs(p.loc - q.loc), p.scale <= q.scale
    small, large = xp.where(narrow, p.scale, q.scale), xp.where(narrow, q.scale, p.scale)
    return _normal_variation(xp, shift / large, small, large)


@_variation_of(families.LogNormal, "that of the normals of log x")
def _log_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    return _normal(xp, p, q)


@_variation_of(families.LogitNormal, "that of the normals of log(x/(1 - x))")
def _logit_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    return _normal(xp, p, q)


def _normal_variation(xp: Any, shift: Array, small: Array, large: Array) -> Array:
    r"""Of N(shift, r) and N(0, 1), r = small/large, with $L = -\log r$, $e = 1 - r^2$, $D^2 = \delta^2 + 2Le$.

    In standard units z of the narrow one, $w = rz + \delta$ of the wide one, the densities cross at
    $z_- = -(\delta^2 + 2L)/(r\delta + D)$ and $z_+ = (r\delta + D)/e$.
    """
    ratio, gap = small / large, (large - small) / large
    e = gap * (1 + ratio)
    log = Numeric(xp).log_ratio(large, small, large - small)
    equal = (shift == 0) & (gap == 0)
    shift = xp.where(equal, 1.0, shift)
    reach = xp.sqrt(shift * shift + 2 * log * e)
    near = -(shift * shift + 2 * log) / (ratio * shift + reach)
    inner = _normal_mass(xp, near, shift - gap * near)
    apart = gap > 0
    far = (ratio * shift + reach) / xp.where(apart, e, 1.0)
    beyond = 2 * log * e / (reach + shift) / (1 + ratio)
    outer = xp.where(apart, _normal_mass(xp, far - beyond, beyond), 0.0 * shift)
    return xp.where(equal, 0.0, inner + outer)


def _normal_mass(xp: Any, start: Array, width: Array) -> Array:
    """Standard normal probability of an interval from its start and its width, to full relative precision."""
    short = width < WIDE
    inside = xp.where(short, width, 1.0)
    total: Any = 0.0
    for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
        total = total + weight * xp.exp(-((start + inside * node) ** 2) / 2)
    small = inside * total / math.sqrt(2 * math.pi)
    large = (erf((start + width) / math.sqrt(2)) - erf(start / math.sqrt(2))) / 2
    return xp.where(short, small, large)


@_variation_of(families.HalfNormal, "that of the normals with mean 0, of which it is the absolute value")
def _half_normal(xp: Any, p: Parameters, q: Parameters) -> Array:
    narrow = p.scale <= q.scale
    small, large = xp.where(narrow, p.scale, q.scale), xp.where(narrow, q.scale, p.scale)
    return _normal_variation(xp, 0.0 * small, small, large)


@_variation_of(families.Exponential, "the densities cross once, at log(x/y)/(x - y) of the rates x and y")
def _exponential(xp: Any, p: Parameters, q: Parameters) -> Array:
    return _rates(xp, p.rate, q.rate, p.rate - q.rate)


def _rates(xp: Any, x: Array, y: Array, d: Array) -> Array:
    r"""$(1 - s/l)\,e^{-\log(l/s)/(l/s - 1)}$ of the smaller rate s and the larger l."""
    small, large = xp.where(d < 0, x, y), xp.where(d < 0, y, x)
    excess = xp.abs(d) / xp.where(small > 0, small, 1.0)
    apart = (excess > 0) & (small > 0) & (excess < xp.inf)
    inner = xp.where(apart, excess, 1.0)
    mass = xp.where(apart, xp.exp(-xp.log1p(inner) / inner), 1.0)  # 1 where the ratio is beyond the range of doubles
    return xp.where(d == 0, 0.0 * d, xp.abs(d) / large * mass)


@_variation_of(
    families.Laplace, "of equal scales, or of equal locations, where it is that of the exponentials |x - loc|"
)
def _laplace(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    if tied(xp, scale=(p.scale, q.scale)):
        return -xp.expm1(-xp.abs(p.loc - q.loc) / (2 * p.scale))
    if tied(xp, loc=(p.loc, q.loc)):
        return _rates(xp, q.scale, p.scale, q.scale - p.scale)
    return None


@_variation_of(families.Weibull, "of equal shapes: that of exponentials")
def _weibull(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    if not tied(xp, shape=(p.shape, q.shape)):
        return None
    distance = Numeric(xp).log_ratio(p.scale, q.scale, p.scale - q.scale)
    return _rates(xp, *exponents(xp, -p.shape * distance))


@_variation_of(families.Gumbel, "of equal scales: that of exponentials")
def _gumbel(xp: Any, p: Parameters, q: Parameters) -> Array | None:
    if not tied(xp, scale=(p.scale, q.scale)):
        return None
    return _rates(xp, *exponents(xp, (p.loc - q.loc) / p.scale))


@_variation_of(families.Cauchy, "Nielsen & Okamura (2021), On f-divergences between Cauchy distributions")
def _cauchy(xp: Any, p: Parameters, q: Parameters) -> Array:
    shift, gap = p.loc - q.loc, p.scale - q.scale
    size = xp.maximum(xp.abs(shift), xp.abs(gap))
    apart = size > 0
    unit = xp.where(apart, size, 1.0)
    root = unit * xp.sqrt(xp.where(apart, (shift / unit) ** 2 + (gap / unit) ** 2, 1.0))
    tangent = root / (2 * xp.sqrt(p.scale) * xp.sqrt(q.scale))
    return xp.where(apart, 2 / math.pi * xp.atan(tangent), 0.0 * shift)
