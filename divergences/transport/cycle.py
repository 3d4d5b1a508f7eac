r"""Monotone plans on the circle: the one that starts to serve at shift :math:`\alpha`, its path and its slope.

Let F and G be the distribution functions of two measures on the circle of length P, cut at 0 and continued by
:math:`F(x + P) = F(x) + 1`. The plan of shift :math:`\alpha` couples :math:`F^{-1}(t)` with
:math:`G^{-1}(t - \alpha)`. Its cost

.. math:: C(\alpha) = \int_0^1 |F^{-1}(t) - G^{-1}(t - \alpha)|^p \, dt

is convex in :math:`\alpha`, and the least one is the cost of transport on the circle (Delon, Salomon & Sobolevskii 2010,
SIAM Journal on Applied Mathematics 70, theorem 2.10 and section 4). Between discrete measures it is piecewise linear,
with kinks at the differences of cumulative masses. One period of the plan is a closed path of n + m steps.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.transport.ground import power
from divergences.transport.result import Floats, Indices, Integers

__all__ = ["Circles", "Cycle", "Wide", "breakpoints", "paths", "shares", "slope"]

Wide = npt.NDArray[np.longdouble]
Levels = npt.NDArray[Any]  # cumulative masses: float64, int64 or Python integers


_LEADING = 60  # digits of an integer that, twice, stay below the largest int64


@final
@dataclass(frozen=True, eq=False)
class Circles:
    """Two measures on a circle: sorted points in [0, P), the cumulative masses up to and with each, and the order."""

    x: Floats
    y: Floats
    source: Levels
    target: Levels
    period: float
    p: float

    @property
    def total(self) -> Any:
        """Mass of either side."""
        return self.source[-1]


@final
@dataclass(frozen=True, eq=False)
class Cycle:
    """One period of a monotone plan: n + m cells and the cell after them, which is the first, one turn later.

    `row` and `column` go on counting from turn to turn: their quotients by n and m are the turns that x and y have made.
    """

    row: Indices
    column: Indices
    down: npt.NDArray[np.bool_]
    mass: Integers
    cost: npt.NDArray[Any]

    @property
    def slope(self) -> Any:
        r"""Derivative of the cost in :math:`\alpha`: what f gains in one turn if it is tight along the path."""
        return np.diff(self.cost)[self.down].sum()


def paths(circles: Circles, alpha: Any, *, dtype: npt.DTypeLike) -> tuple[Cycle, Cycle]:
    """The plan of a shift, twice: where levels of both sides meet, the path steps down (next x) or right (next y) first.

    The slope of the first is the right derivative in the shift, that of the second the left one.
    """
    n, m, total = len(circles.x), len(circles.y), circles.total
    turns, rest = divmod(alpha, total)
    if rest == 0:  # levels in one turn lie above 0 and up to the total, on both sides
        turns, rest = turns - 1, total
    first = int(np.searchsorted(circles.target, total - rest, side="right"))  # y that serves at level 0
    bare = int(np.searchsorted(circles.source, 0, side="right"))  # x without mass at level 0 end the last turn
    source, target = circles.source, circles.target
    starts = [source[bare:], source[:bare] + total]
    levels = np.concatenate([*starts, target[first:] + (rest - total), target[:first] + rest])
    keys = _leading(levels, int(total))
    order = _ascending(keys, levels)
    swapped = np.roll(np.arange(n + m), m)  # levels of y before those of x
    second = swapped[_ascending(keys[swapped], levels[swapped])]
    levels = levels[order]
    mass = np.diff(levels, prepend=levels[:1] * 0)
    corner = (bare, first - m * (1 + int(turns)))
    down, right = order < n, second < n
    (row, column), (other_row, other_column) = _cells(down, corner), _cells(right, corner)
    cost = _costs(circles, row, column, np.dtype(dtype))
    apart = np.flatnonzero(row != other_row)
    other = cost.copy()
    other[apart] = _costs(circles, other_row[apart], other_column[apart], np.dtype(dtype))
    return Cycle(row, column, down, mass, cost), Cycle(other_row, other_column, right, mass, other)


def _cells(down: npt.NDArray[np.bool_], corner: tuple[int, int]) -> tuple[Indices, Indices]:
    """Rows and columns of a path from its first cell on."""
    passed = np.zeros(len(down) + 1, dtype=np.int64)
    np.cumsum(down, out=passed[1:])
    return passed + corner[0], np.arange(corner[1], corner[1] + len(down) + 1) - passed


def _leading(levels: Levels, total: int) -> Integers:
    """Numbers in int64 of the same order, up to ties: the leading digits of Python integers."""
    if levels.dtype != object:
        return levels
    return np.asarray((levels >> max(total.bit_length() - _LEADING, 0)).astype(np.int64))


def _ascending(keys: Integers, levels: Levels) -> Indices:
    """Stable order of levels by keys, those of equal keys by themselves."""
    order = np.argsort(keys, kind="stable")  # two sorted runs: a merge
    if levels.dtype == object:
        ranked = keys[order]
        same = np.flatnonzero(ranked[1:] == ranked[:-1])
        places = np.union1d(same, same + 1)
        tied = order[places]
        order[places] = tied[np.argsort(levels[tied], kind="stable")]
    return order


def shares(circles: Circles) -> Circles:
    """The same in float64, the levels as shares of the mass."""
    source, target = (_leading(v, int(circles.total)) for v in (circles.source, circles.target))
    return Circles(circles.x, circles.y, source / source[-1], target / target[-1], circles.period, circles.p)


def slope(circles: Circles, alpha: float) -> float:
    """Right derivative of the cost in the shift, for levels in float64 that are shares of the mass.

    Where a level of y ends, x goes on with the next y: for each y the difference of the costs of these two.
    """
    ends = circles.target + alpha
    turn = np.floor(ends)
    first = int(np.searchsorted(turn, turn[-1]))  # the ends lie in one turn or in two
    ends -= turn
    i = np.searchsorted(circles.source, ends, side="right")
    x = np.append(circles.x, circles.x[0] + circles.period)[i]
    x[:first] += turn[0] * circles.period
    x[first:] += turn[-1] * circles.period
    costs = [
        power(np.abs(x - y), circles.p) for y in (circles.y, np.append(circles.y[1:], circles.y[0] + circles.period))
    ]
    return float((costs[0] - costs[1]).sum())


def breakpoints(circles: Circles, alpha: Any) -> tuple[Any, Any]:
    """The nearest shifts on the left and on the right at which levels of both sides meet."""
    total = circles.total
    ends = (circles.target + alpha) % total
    levels = np.concatenate([[-total], circles.source - total, circles.source, circles.source + total])
    right = np.searchsorted(levels, ends, side="right")
    left = np.searchsorted(levels, ends, side="left") - 1
    return alpha - (ends - levels[left]).min(), alpha + (levels[right] - ends).min()


def _costs(circles: Circles, row: Indices, column: Indices, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Costs of lifted pairs: the point nearer to the end of its turn is moved, which is exact where they are close."""
    turn_x, i = np.divmod(row, len(circles.x))
    turn_y, j = np.divmod(column, len(circles.y))
    ahead = (turn_y - turn_x).astype(dtype) * dtype.type(circles.period)
    zero = dtype.type(0)
    x, y = circles.x.astype(dtype)[i] - np.maximum(ahead, zero), circles.y.astype(dtype)[j] + np.minimum(ahead, zero)
    return power(np.abs(x - y), circles.p)
