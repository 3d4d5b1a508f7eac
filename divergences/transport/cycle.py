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

__all__ = ["Circles", "Cycle", "Wide", "breakpoints", "cycle"]

Wide = npt.NDArray[np.longdouble]
Levels = npt.NDArray[Any]  # cumulative masses: float64, int64 or Python integers


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


def cycle(circles: Circles, alpha: Any, *, down_first: bool, dtype: npt.DTypeLike) -> Cycle:
    """The plan of a shift; where levels of both sides meet, the path steps down (next x) or right (next y) first.

    With `down_first` the slope is the right derivative in the shift, otherwise the left one.
    """
    n, m, total = len(circles.x), len(circles.y), circles.total
    turns, rest = divmod(alpha, total)
    if rest == 0:  # levels in one turn lie above 0 and up to the total, on both sides
        turns, rest = turns - 1, total
    first = int(np.searchsorted(circles.target, total - rest, side="right"))  # y that serves at level 0
    ends = np.concatenate([circles.target[first:] + (rest - total), circles.target[:first] + rest])
    bare = int(np.searchsorted(circles.source, 0, side="right"))  # x without mass at level 0 end the last turn
    starts = np.concatenate([circles.source[bare:], circles.source[:bare] + total])
    parts = (starts, ends) if down_first else (ends, starts)
    order = np.argsort(np.concatenate(parts), kind="stable")  # two sorted runs: a merge
    down = order < n if down_first else order >= m
    levels = np.concatenate(parts)[order]
    passed = np.concatenate([[0], np.cumsum(down)])
    row, column = passed + bare, np.arange(n + m + 1) - passed + (first - m * (1 + int(turns)))
    mass = np.diff(levels, prepend=levels[:1] * 0)
    return Cycle(row, column, down, mass, _costs(circles, row, column, np.dtype(dtype)))


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
