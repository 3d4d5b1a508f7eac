r"""Transport on the line: for :math:`|x - y|^p`, p >= 1, the monotone plan is optimal.

Convex costs of a difference satisfy the Monge condition
:math:`c_{ij} + c_{i'j'} \le c_{ij'} + c_{i'j}` for i < i', j < j' (points sorted), so the north-west corner rule is
optimal, and potentials that are tight along its staircase are feasible on all pairs (Villani 2003, theorem 2.18;
Santambrogio 2015, theorem 2.9; Hoffman 1963 for the discrete statement). Primal and dual value are one number, the cost
of the plan: no gap is left to be computed.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.certificate import root_bounds
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.ground import Ground, is_line, line_ground, power
from divergences.transport.masses import Balanced
from divergences.transport.packed import stable_order
from divergences.transport.result import Floats, Indices, Integers, Transport
from divergences.transport.roads import PointPair, Road, sparse_plan
from divergences.transport.rounding import lowered
from divergences.transport.staircase import Staircase, staircase

__all__ = ["Line", "LineSolution", "solve_line"]


@final
@dataclass(frozen=True)
class Line(Road):
    """Sorting and the north-west corner rule, O((n + m) log(n + m)) time and O(n + m) memory."""

    def suits(self, pair: PointPair) -> bool:
        """On the line, for convex costs."""
        return is_line(pair.x, pair.metric) and pair.p >= 1

    def solve(self, pair: PointPair) -> Transport:
        """The monotone plan, whose cost is both bounds."""
        s = solve_line(pair.x[:, 0], pair.y[:, 0], pair.masses, pair.p)
        cost = exact_dot(s.flow, s.ground.cost) * pair.masses.unit
        plan = sparse_plan(pair.masses, s.row, s.column, s.flow)
        return Transport(root_bounds(cost, cost, s.ground, pair.p), nearest(cost), plan, (s.f, s.g), self, 0)


@final
@dataclass(frozen=True, eq=False)
class LineSolution:
    """The monotone plan, the costs of its pairs and feasible potentials."""

    row: Indices
    column: Indices
    flow: Integers
    ground: Ground
    f: Floats
    g: Floats


def solve_line(x: Floats, y: Floats, masses: Balanced, p: float) -> LineSolution:
    """Optimal plan between points on the line, unsorted, with ties and without mass as they may come."""
    sort_x, sort_y = stable_order(x), stable_order(y)
    path = staircase(masses.source[sort_x], masses.target[sort_y])
    f, g = np.empty_like(x), np.empty_like(y)
    x, y = x[sort_x], y[sort_y]
    costs = line_ground(x[path.row], y[path.column], p)
    f[sort_x], g[sort_y] = _potentials(x, y, path, p, costs.relative)
    row, column, flow, cost = sort_x[path.row], sort_y[path.column], path.mass, costs.cost
    used = flow.astype(bool)  # none is negative
    if not used.all():
        row, column, flow, cost = row[used], column[used], flow[used], cost[used]
    return LineSolution(row, column, flow, Ground(cost, costs.relative, costs.absolute), f, g)


def _potentials(x: Floats, y: Floats, path: Staircase, p: float, relative: float) -> tuple[Floats, Floats]:
    """Potentials tight along the staircase, lowered by the rounding they may carry.

    Along a row of the path only g changes, along a column only f, each by the change of the cost.
    """
    wide = np.longdouble
    cost = power(np.abs(x.astype(wide)[path.row] - y.astype(wide)[path.column]), p)
    down, step, zero = np.diff(path.row) > 0, np.diff(cost), np.zeros(1, dtype=wide)
    f = cost[0] + np.concatenate([zero, np.cumsum(step[down])])
    g = np.concatenate([zero, np.cumsum(step[~down])])
    # each cost is off by at most p / 2 + 2 units and enters two steps; each partial sum is rounded once
    summed = ((p + 5) * cost.sum() + np.abs(f).sum() + np.abs(g).sum()) * np.finfo(wide).eps
    rounded = relative * (f.max() + g.max())  # the costs in float64 may lie this much below the true ones
    middle = np.median(g)
    return lowered(f + middle - 2 * (summed + rounded)), lowered(g - middle)
