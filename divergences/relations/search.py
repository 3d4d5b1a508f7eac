r"""The boundary of the joint range of two f-divergences: a walk over pairs of two-point distributions.

A likelihood ratio l < 1 and one r > 1 are those of exactly one pair of distributions on two outcomes. For all pairs of
distributions on any space, the points $(D_g, D_f)$ fill the convex hull of the points of these pairs and of (0, 0)
(Harremoes & Vajda 2011, theorem 8). At $D_g = x$ the hull ends on a chord from a point A with $D_g \le x$ to a point B
with $D_g \ge x$; if its slope is $\lambda$, no pair is below the chord as $D_f - \lambda D_g$ sees it. The least value of
that, over l and r, is the intercept of a line under the function $F - \lambda G$, and is found by letting l and r
improve in turn; a pair below the chord becomes the new A or B.

References
----------
Harremoes, P. and Vajda, I. (2011). On pairs of f-divergences and their joint range. IEEE Transactions on Information
Theory 57(6), 3230-3235.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences.relations.nodes import Point, Side, Vector

__all__ = ["EQUAL", "Chord", "Corner", "around", "bridge", "corner_of", "intercept", "walk"]

EPS = float(np.finfo(np.float64).eps)

STEPS = 1000
"""More than the walk ever takes: each step finds a new corner of the hull."""


@final
@dataclass(frozen=True, slots=True)
class Corner:
    """The divergences of a pair of distributions on two outcomes, whose likelihood ratios are points left and right.

    Without points it is the pair of equal distributions, of divergences 0.
    """

    F: float
    G: float
    points: tuple[()] | tuple[Point, Point]


EQUAL = Corner(0.0, 0.0, ())


@final
@dataclass(frozen=True, slots=True)
class Chord:
    """The edge of the hull between two corners, with its slope; without the second it is a ray of that slope."""

    first: Corner
    second: Corner | None
    slope: float

    @property
    def corners(self) -> tuple[Corner, ...]:
        """The one or two corners."""
        return (self.first,) if self.second is None else (self.first, self.second)


def intercept(left: Vector | float, right: Vector | float, l_gap: Vector | float, r_gap: Vector | float) -> Vector:
    """Sum over the pair of a function with values `left` at (1 - l_gap, 1) and `right` at (1, 1 - r_gap)."""
    mass = l_gap + r_gap - l_gap * r_gap
    return np.asarray(right * (l_gap / mass) + left * (r_gap / mass))


def bridge(left: Vector, right: Vector, l_gap: Vector, r_gap: Vector) -> tuple[int, int, float]:
    """Indices of the pair with the least sum of a function, given by its values on both sides, and that sum.

    Whenever no left point is better with this right one, and no right point with this left one, the line through both
    is below all points of both sides.
    """
    r = len(right) - 1
    least = math.inf
    while True:
        sums = intercept(left, right[r], l_gap, r_gap[r])
        l = int(np.argmin(sums))
        sums = intercept(left[l], right, l_gap[l], r_gap)
        better = int(np.argmin(sums))
        if not sums[better] < least:
            return l, r, least
        r, least = better, float(sums[better])


def around(left: Side, right: Side, value: float) -> Chord | None:
    """The chord over ``G = value`` between two corners of about the same ratios on both sides; None beyond the grid."""
    places = np.arange(max(len(left.gap), len(right.gap)))
    l, r = (np.minimum(places, len(x.gap) - 1) for x in (left, right))
    sums = intercept(left.G[l], right.G[r], left.gap[l], right.gap[r])
    k = int(np.searchsorted(sums, value))
    if k == len(places):
        return None
    return _chord(
        corner_of(left.point(l[k - 1]), right.point(r[k - 1])) if k else EQUAL,
        corner_of(left.point(l[k]), right.point(r[k])),
    )


def walk(left: Side, right: Side, value: float, sign: int, ray: float | None, start: Chord) -> Chord:
    """The chord of the hull over ``G = value``: of its lower boundary for sign 1, of the upper one for -1.

    `ray` is the slope at which pairs go to infinity, if they do.
    """
    chord = start
    for _ in range(STEPS):
        if ray is not None and sign * chord.slope > sign * ray:
            chord = Chord(chord.first, None, ray)
        corner, first = _best(left, right, chord.slope, sign), chord.first
        noise = 8 * EPS * (first.F + chord.slope * first.G)
        if not _level(corner, chord.slope, sign) < _level(first, chord.slope, sign) - noise:
            break
        if value >= corner.G:
            chord = Chord(corner, None, chord.slope) if chord.second is None else _chord(corner, chord.second)
        else:
            chord = _chord(first, corner)
    return chord


def _chord(first: Corner, second: Corner) -> Chord:
    return Chord(first, second, max((second.F - first.F) / (second.G - first.G), 0.0))


def _level(x: Any, slope: float, sign: int) -> Any:
    """The value of ``sign (F - slope G)`` at a corner or on a side, with what rounding may have taken from it."""
    return sign * (x.F - slope * x.G) + 4 * EPS * (x.F + slope * x.G)


def _best(left: Side, right: Side, slope: float, sign: int) -> Corner:
    """The pair with the least ``sign * (F - slope G)``."""
    l, r, least = bridge(_level(left, slope, sign), _level(right, slope, sign), left.gap, right.gap)
    return corner_of(left.point(l), right.point(r)) if least < 0 else EQUAL


def corner_of(left: Point, right: Point) -> Corner:
    """The pair of distributions with two ratios."""
    F, G = (intercept(*values, left.gap, right.gap) for values in ((left.F, right.F), (left.G, right.G)))
    return Corner(float(F), float(G), (left, right))
