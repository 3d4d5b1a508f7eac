"""The pairs that can decide: those whose reduced cost is nearly 0.

Near an optimum potentials move by far less than most reduced costs. One pass over the cost matrix therefore finds the
pairs that may become tight, and proves of all the others that they stay feasible as long as no potential rises by more
than half of a known room. What is left to do, c-transforms and refinement, runs over a list of about n + m pairs.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.potentials import Potential, difference_down
from divergences.transport.result import Floats, Indices

__all__ = ["NearPairs", "near_pairs"]

_BLOCK = 2**15  # pairs handled at once: the buffer stays in the cache
_LOSS = 2.0**-50  # relative rounding of c - g - f in float64, in parts of f and of the result: eight units


@final
@dataclass(frozen=True, eq=False)
class NearPairs:
    """A list of pairs, sorted by rows, that holds every pair which potentials below the ceilings could make infeasible.

    Every row and every column occurs in it. The permutation `order` sorts it by columns; `row_start` and `column_start`
    are the places where a new row, and in that order a new column, begins.
    """

    row: Indices
    column: Indices
    cost: Floats
    row_start: Indices
    order: Indices
    column_start: Indices
    row_ceiling: Floats
    column_ceiling: Floats

    def of_rows(self, g: Potential) -> Potential:
        """The largest potential of the rows, below its ceiling, that is feasible with `g` on all pairs of the matrix.

        `g` must lie below its own ceiling.
        """
        high, low = difference_down(self.cost, g[self.column])
        return _below(_minima(high, low, self.row_start), self.row_ceiling)

    def of_columns(self, f: Potential) -> Potential:
        """The same for the columns."""
        order = self.order
        high, low = difference_down(self.cost[order], f[self.row[order]])
        return _below(_minima(high, low, self.column_start), self.column_ceiling)

    def lowered(self, g: Potential) -> Potential:
        """`g`, cut at the ceiling of the columns."""
        return _below(g, self.column_ceiling)


def near_pairs(cost: Floats, f: Floats, g: Floats, width: float, row: Indices, column: Indices) -> NearPairs | None:
    """The pairs of reduced cost up to `width` for `f` and `g`; None where that is a large part of all, or too few.

    The pairs listed as `row` and `column` must be among them, and must meet every row and column.
    """
    room = width * (1 - _LOSS) - _LOSS * float(np.abs(f).max())
    listed = _listed(cost, f, g, width)
    if listed is None or room <= 0:
        return None
    pair = np.concatenate(listed)
    i, j = np.divmod(pair, cost.shape[1])
    order = np.argsort(j, kind="stable")
    row_start, column_start = _starts(i), _starts(j[order])
    wanted = row * cost.shape[1] + column
    place = np.minimum(np.searchsorted(pair, wanted), len(pair) - 1)
    if (len(row_start), len(column_start)) != cost.shape or not (pair[place] == wanted).all():
        return None
    half = np.float64(room / 2)
    return NearPairs(i, j, cost[i, j], row_start, order, column_start, _sum_down(f, half), _sum_down(g, half))


def _listed(cost: Floats, f: Floats, g: Floats, width: float) -> list[Indices] | None:
    """Numbers of the pairs, row by row, in blocks; None as soon as they are more than an eighth of the matrix."""
    n, m = cost.shape
    size = max(1, _BLOCK // m)
    buffer, found, limit, total = np.empty((min(size, n), m)), [], cost.size // 8 + 8 * (n + m), 0
    for k in range(0, n, size):
        part = np.subtract(cost[k : k + size], g, out=buffer[: min(size, n - k)])
        part -= f[k : k + size, None]
        found.append(np.flatnonzero(part <= width) + k * m)
        total += len(found[-1])
        if total > limit:
            return None
    return found


def _starts(sorted_numbers: Indices) -> Indices:
    """Places where a new number begins."""
    return np.concatenate([[0], np.flatnonzero(sorted_numbers[1:] != sorted_numbers[:-1]) + 1])


def _minima(high: Floats, low: Floats, start: Indices) -> Potential:
    """Least of the numbers ``high + low`` of each group."""
    top = np.minimum.reduceat(high, start)
    group = np.repeat(top, np.diff(start, append=len(high)))
    return Potential(top, np.minimum.reduceat(np.where(high == group, low, np.inf), start))


def _sum_down(x: Floats, y: np.float64) -> Floats:
    """Floats not above the sums."""
    return np.nextafter(x + y, -np.inf)


def _below(f: Potential, ceiling: Floats) -> Potential:
    """The smaller of both."""
    over = f.high >= ceiling
    return Potential(np.where(over, ceiling, f.high), np.where(over, 0.0, f.low)) if over.any() else f
