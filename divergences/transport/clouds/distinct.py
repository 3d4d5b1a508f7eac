"""A problem between clouds as it is solved: distinct points with mass in k-d order, and the way back to all points."""

from fractions import Fraction
from typing import final

import numpy as np

from divergences.bounds import Bounds
from divergences.transport.certificate import dual_value, loose_root_bounds, root_bounds
from divergences.transport.clouds.arcs import Integer64
from divergences.transport.clouds.hierarchy import Level, kd_order
from divergences.transport.clouds.merging import Merged
from divergences.transport.clouds.splitting import Plan, split
from divergences.transport.clouds.tiles import Tiles, tiles
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.forest import Flows, completed, exact_flows
from divergences.transport.ground import FLOOR, Ground, relative_error
from divergences.transport.potentials import Potential, c_transform
from divergences.transport.result import Floats, Indices, Integers, Method, Transport
from divergences.transport.roads import PointPair, sparse_plan
from divergences.transport.simplex import coarse

__all__ = ["Distinct"]

_BLOCK = 2**18  # pairs handled at once


@final
class Distinct:
    """Points without repetitions, in k-d order, and integer masses of 52 bits."""

    def __init__(self, pair: PointPair, threads: int) -> None:
        self.pair, self.threads, units = pair, threads, pair.masses.units
        self.merged_x, self.merged_y = Merged.of(pair.x, pair.masses.source), Merged.of(pair.y, pair.masses.target)
        self.order_x, self.order_y = kd_order(self.merged_x.points), kd_order(self.merged_y.points)
        self.x = Level(self.merged_x.points[self.order_x], coarse(self.merged_x.mass, units)[self.order_x])
        self.y = Level(self.merged_y.points[self.order_y], coarse(self.merged_y.mass, units)[self.order_y])

    def tiles(self, x: Level, y: Level) -> Tiles:
        """All pairs of a level."""
        return tiles(x.points, y.points, self.pair.p, self.pair.metric, self.threads)

    def answer(self, plan: Plan, f: Potential, g: Potential, method: Method, rounds: int) -> Transport:
        """The answer for the points and masses as they were given."""
        row, column, flow, f, g, upper, lower, ground = self._proven(plan, f, g)
        bounds = root_bounds(lower, upper, ground, self.pair.p)
        matrix = sparse_plan(self.pair.masses, row, column, flow)
        return Transport(bounds, nearest(upper), matrix, (f.round_down(), g.round_down()), method, rounds)

    def bounds(self, plan: Plan, g: Potential) -> Bounds:
        """What a plan and any potential of the targets prove."""
        *_, upper, lower, ground = self._proven(plan, self.transform(g), g)
        return loose_root_bounds(lower, upper, ground, self.pair.p)

    def transform(self, g: Potential) -> Potential:
        """The potential of the sources that belongs to g, without rounding errors."""
        return _transform(self.pair, self.x.points, self.y.points, g)

    def _proven(
        self, plan: Plan, f: Potential, g: Potential
    ) -> tuple[Indices, Indices, Integers, Potential, Potential, Fraction, Fraction, Ground]:
        """Exact flows and feasible potentials of all points, and the values of both, without rounding."""
        pair, masses = self.pair, self.pair.masses
        row, column = self.order_x[plan[0]], self.order_y[plan[1]]
        flows = completed(exact_flows(row, column, self.merged_x.mass, self.merged_y.mass))
        used = tiles(self.merged_x.points, self.merged_y.points, pair.p, pair.metric, 1).cost(flows.row, flows.column)
        upper = exact_dot(flows.flow, used) * masses.unit
        f, g = self._extended(_unsorted(f, self.order_x), _unsorted(g, self.order_y))
        lower = dual_value(masses, f, g, np.zeros((1, 1)))
        floor = 0.0 if pair.p in (1, 2) else FLOOR
        ground = Ground(np.zeros((0, 0)), relative_error(pair.x, pair.y, pair.p, pair.metric), floor)
        row, column, flow = self._spread(flows)
        return row, column, flow, f, g, upper, lower, ground

    def _spread(self, flows: Flows) -> tuple[Indices, Indices, Integers]:
        """Flows between points as they were given, where some coincide."""
        if len(self.merged_x.points) == len(self.merged_x.members) and len(self.merged_y.points) == len(
            self.merged_y.members
        ):
            return self.merged_x.members[flows.row], self.merged_y.members[flows.column], flows.flow
        listed_x, listed_y = self.merged_x.listed, self.merged_y.listed
        masses = self.pair.masses
        i, j, flow = split((flows.row, flows.column, flows.flow), masses.source[listed_x], masses.target[listed_y])
        return listed_x[i], listed_y[j], flow

    def _extended(self, f: Potential, g: Potential) -> tuple[Potential, Potential]:
        """Potentials of all points: those that coincide share one, points without mass get the largest feasible one."""
        pair = self.pair
        full_f = _filled(f[self.merged_x.place], self.merged_x.members, len(pair.x))
        full_g = _filled(g[self.merged_y.place], self.merged_y.members, len(pair.y))
        idle_x, idle_y = (np.flatnonzero(q == 0) for q in (pair.masses.source, pair.masses.target))
        new_f = _transform(pair, pair.x[idle_x], pair.y[self.merged_y.members], full_g[self.merged_y.members])
        full_f = _filled(new_f, idle_x, len(pair.x), full_f)
        new_g = _transform(pair, pair.y[idle_y], pair.x, full_f)
        return full_f, _filled(new_g, idle_y, len(pair.y), full_g)


def _unsorted(f: Potential, order: Integer64) -> Potential:
    """Potentials in the order of the points before they were sorted."""
    return _filled(f, order, len(order))


def _filled(f: Potential, place: Indices, size: int, base: Potential | None = None) -> Potential:
    """Potentials put in their places."""
    high, low = (np.zeros(size), np.zeros(size)) if base is None else (base.high.copy(), base.low.copy())
    high[place], low[place] = f.high, f.low
    return Potential(high, low)


def _transform(pair: PointPair, x: Floats, y: Floats, g: Potential) -> Potential:
    """The c-transform without rounding errors, block by block."""
    size = max(1, _BLOCK // len(y))
    blocks = [
        c_transform(np.ascontiguousarray(_costs(pair, x[k : k + size], y)), g) for k in range(0, len(x), size)
    ] or [Potential.of(np.zeros(0))]
    return Potential(np.concatenate([b.high for b in blocks]), np.concatenate([b.low for b in blocks]))


def _costs(pair: PointPair, x: Floats, y: Floats) -> Floats:
    """Costs of a block of pairs, as listed pairs have them."""
    rows, columns = np.divmod(np.arange(len(x) * len(y)), len(y))
    return tiles(x, y, pair.p, pair.metric, 1).cost(rows, columns).reshape(len(x), len(y))
