"""From exact rationals to the bounds of the answer, rounded outward; and the refusal of a gap that is too wide."""

import math
from fractions import Fraction

import numpy as np

from divergences.bounds import Bounds
from divergences.transport.exact import exact_dot, nearest, round_down, round_up
from divergences.transport.ground import Ground
from divergences.transport.masses import Balanced
from divergences.transport.potentials import Potential
from divergences.transport.result import Floats, TransportError

__all__ = ["GAP_TOLERANCE", "cost_bounds", "dual_value", "loose_root_bounds", "root_bounds", "root_down"]

GAP_TOLERANCE = 1e-9
"""Widest gap ever returned, relative to the cost of the plan; gaps are 1e-15 unless a problem defeats float64."""

_SMALL = 2.0**-1000  # below this the square of a root cannot be compared with the number


def cost_bounds(lower: Fraction, upper: Fraction, size: float) -> Bounds:
    """Bounds of a least cost from a dual and a primal value; `size` is the cost of the plan with signs dropped."""
    return _narrow(_around(round_down(lower), nearest(upper), round_up(upper)), size)


def root_bounds(lower: Fraction, upper: Fraction, ground: Ground, p: float) -> Bounds:
    """Bounds of the p-th root, widened by what the ground costs may be wrong by."""
    bounds = loose_root_bounds(lower, upper, ground, p)
    return _narrow(bounds, bounds.value)


def loose_root_bounds(lower: Fraction, upper: Fraction, ground: Ground, p: float) -> Bounds:
    """The same, however wide."""
    low = max(lower * (1 - Fraction(ground.relative)) - Fraction(ground.absolute), Fraction(0))
    high = upper * (1 + Fraction(ground.relative))
    return _around(root_down(low, p), _root(nearest(upper), p), _root_up(high, p))


def dual_value(masses: Balanced, f: Potential, g: Potential, cost: Floats) -> Fraction:
    """Dual value; at least that of the constant potentials, the cheapest pair times the total."""
    value = sum(
        (exact_dot(masses.source, u) + exact_dot(masses.target, v) for u, v in ((f.high, g.high), (f.low, g.low))),
        Fraction(0),
    )
    return max(value, masses.units * Fraction(float(cost.min()))) * masses.unit


def duality_bound(upper: Fraction, mass: Floats, slack: Floats) -> Fraction:
    r"""Dual value, from below, by :math:`\sum f a + \sum g b = \sum c \gamma - \sum (c - f - g) \gamma`.

    `upper` is the cost of a plan, `mass` its entries rounded to nearest, `slack` numbers not below the reduced costs.
    """
    if not slack.any():
        return upper
    # next floats allow for what is rounded to 0, the factor for the rounding of at most 2**30 products and sums
    with np.errstate(over="ignore"):
        gap = float(np.nextafter(mass, np.inf) @ np.nextafter(slack, np.inf)) * (1 + 2.0**-20)
    return upper - (Fraction(math.nextafter(gap, math.inf)) if gap < math.inf else Fraction(2) ** 2048)


def _around(lower: float, value: float, upper: float) -> Bounds:
    """Bounds with the value moved inside if rounding has put it beside them."""
    return Bounds(lower, min(max(value, lower), upper), upper)


def _narrow(bounds: Bounds, size: float) -> Bounds:
    """The bounds, if they are worth returning."""
    if bounds.gap <= GAP_TOLERANCE * size < math.inf:
        return bounds
    msg = (
        f"expected primal and dual to meet within {GAP_TOLERANCE:g} of the cost of the plan, {size:g}, but only "
        f"value >= {bounds.lower!r} and value <= {bounds.upper!r} is proven; the costs span more orders of magnitude than float64 "
        "resolves: cap the largest costs, or rescale the points"
    )
    raise TransportError(msg)


def _root(x: float, p: float) -> float:
    """Nearest float to the root, up to a few units in the last place."""
    return x if p == 1 else math.sqrt(x) if p == 2 else x ** (1 / p)


def root_down(x: Fraction, p: float) -> float:
    """A float not above the root."""
    low = round_down(x)
    r = _root(low, p)
    if p == 1 or r == 0:
        return r
    if p == 2 and low > _SMALL:
        return r if Fraction(r) ** 2 <= x else math.nextafter(r, 0)
    return math.nextafter(r * (1 - _root_error(low, p)), 0)


def _root_up(x: Fraction, p: float) -> float:
    """A float not below the root."""
    high = round_up(x)
    r = _root(high, p)
    if p == 1 or r == 0:
        return r
    if p == 2 and high > _SMALL:
        return r if Fraction(r) ** 2 >= x else math.nextafter(r, math.inf)
    return math.nextafter(r * (1 + _root_error(high, p)), math.inf)


def _root_error(x: float, p: float) -> float:
    """Relative error of ``x ** (1 / p)``: the rounding of 1 / p acts on log x, the power itself loses two units."""
    return (4 + abs(math.log(x)) / p) * 2.0**-52
