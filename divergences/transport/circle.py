r"""Transport on the circle: the plan of the best shift, and periodic potentials that are tight along it.

At the best shift the right derivative of the cost is at least 0 and the left one at most 0. These are what a potential
that is tight along the path gains in one turn, if the path turns one way or the other wherever levels of both sides
meet; the mixture of the two that gains nothing is periodic, and feasible for every lift of a pair because both are (the
Monge condition on the line). So primal and dual value meet (Delon, Salomon & Sobolevskii 2010, section 3).
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from divergences.transport.arc import Arc
from divergences.transport.certificate import root_bounds
from divergences.transport.cycle import Circles, Cycle, Wide
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.ground import Ground, line_ground
from divergences.transport.packed import stable_order
from divergences.transport.result import Floats, Transport
from divergences.transport.roads import PointPair, Road, sparse_plan
from divergences.transport.rounding import lowered
from divergences.transport.shift import best, uncertainty

__all__ = ["Circle"]

_SEVERAL_TURNS = 2**56  # totals below this can be shifted by turns in int64


@final
@dataclass(frozen=True)
class Circle(Road):
    """Sorting and the best shift of the monotone plan, O(n + m) memory."""

    def suits(self, pair: PointPair) -> bool:
        """Points of one coordinate under ``Arc(period)``, for convex costs."""
        return isinstance(pair.metric, Arc) and pair.x.shape[1] == 1 and pair.p >= 1

    def solve(self, pair: PointPair) -> Transport:
        """The plan of the best shift; the lower bound is its cost, less what the slope there is not known to be 0 by."""
        assert isinstance(pair.metric, Arc)
        x, y = pair.metric.reduced(pair.x), pair.metric.reduced(pair.y)
        sort_x, sort_y = stable_order(x), stable_order(y)
        kind = np.int64 if pair.masses.units < _SEVERAL_TURNS else object
        source, target = (
            np.cumsum(v.astype(kind, copy=False)) for v in (pair.masses.source[sort_x], pair.masses.target[sort_y])
        )
        circles = Circles(x[sort_x], y[sort_y], source, target, pair.metric.period, pair.p)
        down, right = best(circles)
        used = np.flatnonzero(down.mass)  # none is negative
        row, column, flow = sort_x[down.row[used] % len(x)], sort_y[down.column[used] % len(y)], down.mass[used]
        costs = _arc_ground(pair.metric, x[row], y[column], pair.p)
        f, g, missing = _potentials(circles, down, right, costs.relative)
        cost = exact_dot(flow, costs.cost) * pair.masses.unit
        potentials = np.empty_like(x), np.empty_like(y)
        potentials[0][sort_x], potentials[1][sort_y] = f, g
        bounds = root_bounds(max(cost - Fraction(missing), Fraction(0)), cost, costs, pair.p)
        plan = sparse_plan(pair.masses, row, column, flow)
        return Transport(bounds, nearest(cost), plan, potentials, self, 0)


def _arc_ground(arc: Arc, x: Floats, y: Floats, p: float) -> Ground:
    """Costs of matched pairs; an arc of two sums is off by two units, one more than a difference on the line."""
    distance = arc.between(x, y)
    line = line_ground(distance, np.zeros_like(distance), p)
    return Ground(line.cost, line.relative + 2.02 * p * 2.0**-53, line.absolute)


def _potentials(circles: Circles, down: Cycle, right: Cycle, relative: float) -> tuple[Floats, Floats, float]:
    """Periodic potentials tight along the path, lowered by the rounding they may carry; and the dual value not proven.

    A mixture that gains t in a turn is feasible for a pair k turns apart once it is lowered by k times t. Where the
    slopes are certainly of either sign some mixture gains nothing, and the dual value is the cost of the plan.
    """
    rise, fall = max(down.slope, 0), max(-right.slope, 0)
    part = fall / (rise + fall) if rise + fall > 0 else np.longdouble(0.5)
    f, g = (part * u + (1 - part) * v for u, v in zip(_along(circles, down), _along(circles, right), strict=True))
    doubt = uncertainty(down, circles.p)
    gain = abs(part * down.slope + (1 - part) * right.slope) + doubt
    turns = int(np.abs(down.column // len(circles.y)).max()) + 3
    certain = down.slope > doubt and right.slope < -doubt  # then some mixture gains nothing at all
    eps = np.finfo(np.longdouble).eps
    summed = doubt + 4 * (np.abs(f).sum() + np.abs(g).sum()) * eps
    rounded = relative * (f.max() + g.max())  # distances in float64 may lie this much below the true ones
    middle = np.median(g)
    low = lowered(f + middle - turns * gain - 2 * (summed + rounded))
    return low, lowered(g - middle), 0.0 if certain else float(turns * gain * (1 + 2.0**-50))


def _along(circles: Circles, path: Cycle) -> tuple[Wide, Wide]:
    """Potentials of the first turn: down the path only f changes, right only g, each by the change of the cost."""
    step, zero = np.diff(path.cost), np.zeros(1, dtype=path.cost.dtype)
    f = path.cost[0] + np.concatenate([zero, np.cumsum(step[path.down])[:-1]])
    g = np.concatenate([zero, np.cumsum(step[~path.down])[:-1]])
    return np.roll(f, int(path.row[0]) % len(circles.x)), np.roll(g, int(path.column[0]) % len(circles.y))
