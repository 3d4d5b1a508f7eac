r"""The smallest and the largest value of an f-divergence, given that of another: a search, a proof, and a pair."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.bounds import Bounds
from divergences.fdivergence import FDivergence
from divergences.relations.ends import limit_of_ratio, tolerance_of
from divergences.relations.nodes import EPS, ROUNDING, Indices, Point, Side, Vector, errors_of
from divergences.relations.pairs import FINE, mixture, pair_over
from divergences.relations.proof import proven
from divergences.relations.search import EQUAL, Chord, around, corner_of, intercept, walk

__all__ = ["Extreme", "beside_zero", "equal", "extreme", "singular"]

PARTS = 16
"""Into how many parts a cell beside a corner is divided at once."""

LADDER = FINE / 4 * 1.3 ** np.arange(64)
"""Relative distances from a corner of the points that the proof starts from; the last is below 1/2."""

NEGLIGIBLE = 2.0**-1000
"""Numbers up to this are as good as 0."""

FARTHEST = 2.0**-500
"""The smallest ratio of a pair of distributions that goes to infinity; its probabilities may be as small as the square."""

SHARP = 1e-10
"""Relative distance at which a pair is said to attain an extreme."""


@final
@dataclass(frozen=True, eq=False)
class Extreme:
    r"""The smallest or the largest value of a divergence, given that of another.

    Parameters
    ----------
    bounds : Bounds
        The value, with proven bounds.
    p, q : array (n,), n <= 4
        A pair of distributions with the given value. It attains the extreme, or comes near it as far as doubles go.
    attained : bool
        Whether the pair attains the extreme. If not, no pair may: then likelihood ratios go to infinity along the pairs
        that come near it.
    """

    bounds: Bounds
    p: Vector
    q: Vector
    attained: bool


# ------------------------------------------------------------------------------------------------------ special values


def equal() -> Extreme:
    """Where P and Q are equal."""
    return Extreme(Bounds.exact(0.0), np.ones(1), np.ones(1), attained=True)


def singular(d: FDivergence) -> Extreme:
    """Where P and Q share no outcome."""
    top = d.range.upper
    bounds = Bounds.exact(top) if math.isinf(top) else Bounds(top * (1 - ROUNDING), top, top * (1 + ROUNDING))
    return Extreme(bounds, np.array([1.0, 0.0]), np.array([0.0, 1.0]), attained=True)


def beside_zero(left: Side, right: Side) -> Extreme:
    """The largest value given 0: that of the farthest ratios at which G is 0, if there are any besides 1.

    Nearer ratios serve no better, because F is convex. G is 0 up to a kink, a joint or the end.
    """
    l, r = (_last_zero(side) for side in (left, right))
    if l is None or r is None:
        return equal()
    corner = corner_of(l, r)
    error = 0.0 if math.isinf(corner.F) else 2 * ROUNDING * corner.F + _absolute(left.d)
    bounds = Bounds(corner.F - error, corner.F, corner.F + error)
    return Extreme(bounds, *mixture([(1.0, corner)]), attained=True)


def _last_zero(side: Side) -> Point | None:
    if side.end[1] == 0:
        return side.last
    error = errors_of(side.given)
    zero = np.less_equal(side.G, error.constant + error.growing * side.gap)
    count = len(zero) if zero.all() else int(np.argmin(zero))
    return side.point(count - 1) if count else None


def _infinite(left: Side, right: Side, value: float) -> Extreme | None:
    """The pair of infinite divergence, if F is infinite at an end where G is not: any mass there is enough."""
    for side, other in ((left, right), (right, left)):
        if side.end[0] == math.inf and side.end[1] < math.inf:
            sums = intercept(other.G, side.end[1], other.gap, 1.0)
            k = int(np.searchsorted(sums, value))
            points = [
                *(other.point(j) for j in (k - 1, k) if 0 <= j < len(sums)),
                *([other.last] if k == len(sums) else []),
            ]
            corners = [corner_of(*((side.last, x) if side is left else (x, side.last))) for x in points]
            first, second = corners if k else (EQUAL, *corners)
            if math.isfinite(second.G):
                share = (value - first.G) / (second.G - first.G)
                pair = mixture([(1 - share, first), (share, second)])
                return Extreme(Bounds.exact(math.inf), *pair, attained=True)
    return None


# ---------------------------------------------------------------------------------------------------- the general value


def extreme(left: Side, right: Side, value: float, sign: int) -> Extreme:
    """The smallest (sign 1) or the largest (-1) divergence of pairs of distributions with the value."""
    infinite = _infinite(left, right, value) if sign < 0 else None
    if infinite is not None:
        return infinite
    ray = _ray(left, right, sign)
    if ray == math.inf:
        if sign < 0:
            nearest = _nearest(left, right, value, sign)
            return Extreme(Bounds.exact(math.inf), *pair_over(nearest, value), attained=False)
        ray = None
    chord = _finely(left, right, value, sign, ray)
    if chord is None:
        most = corner_of(left.point(-1), right.point(-1)).G
        msg = (
            f"expected a value of {left.given.name} up to {most:.6g}, got {value!r}; "
            "the likelihood ratios of larger ones are beyond the range of doubles"
        )
        raise ValueError(msg)
    proof = _proof(left, right, chord, value, sign)
    primal, outer = _reached(chord, value, sign, left)
    top = left.d.range.upper * (1 + ROUNDING)
    lower, upper = (max(proof, 0.0), outer) if sign > 0 else (max(outer, 0.0), min(proof, top))
    bounds = Bounds(lower, min(max(primal, lower), upper), upper)
    if chord.second is not None:
        return Extreme(bounds, *pair_over(_at_ends(left, right, chord), value), attained=True)
    nearest = _nearest(left, right, value, sign)
    reached = _reached(nearest, value, sign, left)[0] if nearest.second else math.inf
    return Extreme(bounds, *pair_over(nearest, value), attained=abs(reached - primal) <= SHARP * primal)


def _ray(left: Side, right: Side, sign: int) -> float | None:
    """The slope at which pairs of distributions go to infinity: the limit of F/G where G is infinite."""
    limits = [limit_of_ratio(side) for side in (left, right) if side.end[1] == math.inf]
    return (min(limits) if sign > 0 else max(limits)) if limits else None


def _finely(left: Side, right: Side, value: float, sign: int, ray: float | None) -> Chord | None:
    """The chord, found on points so dense around its corners that these hardly move; None beyond the grid."""
    chord = around(left, right, value)
    if chord is None and ray is not None:
        chord = Chord(EQUAL, None, ray)
    while chord is not None:
        chord = walk(left, right, value, sign, ray, chord)
        cells = [_wide(side, [c.points[k] for c in chord.corners if c.points]) for k, side in enumerate((left, right))]
        if not any(map(len, cells)):
            break
        left, right = (
            side.joined(*side.divided(wide, PARTS)) if len(wide) else side
            for side, wide in zip((left, right), cells, strict=True)
        )
    return chord


def _nearest(left: Side, right: Side, value: float, sign: int) -> Chord:
    """The chord between pairs of distributions that doubles can hold, or their farthest one, if it has less than the value."""
    left, right = (side.up_to(FARTHEST) for side in (left, right))
    chord = _finely(left, right, value, sign, None)
    return Chord(corner_of(left.point(-1), right.point(-1)), None, 0.0) if chord is None else chord


def _at_ends(left: Side, right: Side, chord: Chord) -> Chord:
    """The chord with points that cannot be told from the ends put there."""
    corners = [
        corner_of(*(_at_end(side, x) for side, x in zip((left, right), c.points, strict=True))) if c.points else c
        for c in chord.corners
    ]
    return Chord(corners[0], corners[-1], chord.slope)


def _at_end(side: Side, point: Point) -> Point:
    same = point.far <= EPS and all(
        abs(x - end) <= 8 * EPS * x for x, end in zip((point.F, point.G), side.end, strict=True)
    )
    return side.last if same else point


def _wide(side: Side, points: Iterable[Point]) -> Indices:
    """The cells beside some points that are wider than `FINE`."""
    cells = {k for point in points for k in (side.index(point) - 1, side.index(point)) if 0 <= k < len(side.gap) - 1}
    return np.array([k for k in sorted(cells) if _width(side, k) > FINE], dtype=np.int64)


def _width(side: Side, cell: int) -> float:
    """Width of a cell, relative to its larger end in the exact coordinate."""
    x = side.gap if side.gap[cell] < 1 / 2 else side.far
    large = max(x[cell], x[cell + 1])
    return float(abs(x[cell + 1] - x[cell]) / large) if large > NEGLIGIBLE else 0.0


def _proof(left: Side, right: Side, chord: Chord, value: float, sign: int) -> float:
    """The proven bound."""
    if sign > 0 and chord.slope == 0:
        return 0.0
    corners = [c.points for c in chord.corners if c.points]
    left, right = (_with_ladders(side, [points[k] for points in corners]) for k, side in enumerate((left, right)))
    is_ray = chord.second is None
    slope = chord.slope * (1 - sign * 2 * tolerance_of(left)) if is_ray else chord.slope
    line, slope = proven(left, right, slope, sign, is_ray=is_ray)
    rounding = 8 * EPS * (slope * value + abs(line.total))
    return slope * value + sign * (line.total - rounding)


def _with_ladders(side: Side, points: Sequence[Point]) -> Side:
    """The side with points around some points, denser and denser."""
    steps = np.concatenate((-LADDER[::-1], LADDER))
    exact = [(x.gap if x.gap < 1 / 2 else x.far) * (1 + steps) for x in points]
    exact = [x[x <= 1 / 2] for x in exact]
    near = [x for point, x in zip(points, exact, strict=True) if point.gap < 1 / 2]
    far = [x for point, x in zip(points, exact, strict=True) if point.gap >= 1 / 2 and point.far > NEGLIGIBLE]
    gaps, fars = (np.concatenate(([], *x)) for x in (near, far))
    return side.joined(np.concatenate((1 - gaps, fars)), np.concatenate((gaps, 1 - fars)))


def _reached(chord: Chord, value: float, sign: int, side: Side) -> tuple[float, float]:
    """The value of the pair on the chord, and a bound for it, on the side of the pair.

    For the bound the given value is moved by the error that the G of the pair may have; no boundary decreases.
    """
    first, second = chord.first, chord.second
    rounding, of_given = errors_of(side.d).relative, errors_of(side.given).relative
    moved = value * (1 + sign * 4 * of_given)
    if second is None:
        unsure = 2 * tolerance_of(side)  # of the slope, a limit
        primal, outer = (
            first.F + slope * max(x - first.G, 0.0)
            for x, slope in ((value, chord.slope), (moved, chord.slope * (1 + sign * unsure)))
        )
    else:
        primal, outer = (
            first.F + min((x - first.G) / (second.G - first.G), 1.0) * (second.F - first.F) for x in (value, moved)
        )
    return primal, outer * (1 + sign * 8 * rounding) + sign * _absolute(side.d) * (primal > 0)


def _absolute(d: FDivergence) -> float:
    """Absolute error of a divergence, a sum over P and Q."""
    errors = errors_of(d)
    return 2 * (errors.constant + errors.growing)
