"""The method for large clouds: coarse to fine, on few arcs, priced over all pairs, without the matrix of costs."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import final

import numpy as np
from threadpoolctl import threadpool_limits

from divergences.bounds import Bounds
from divergences.transport.certificate import dual_value, loose_root_bounds, root_bounds
from divergences.transport.clouds.arcs import Integer64
from divergences.transport.clouds.columns import Found, Settings, Stalled, refined
from divergences.transport.clouds.finish import certified
from divergences.transport.clouds.hierarchy import Level, hierarchy, kd_order
from divergences.transport.clouds.merging import Merged
from divergences.transport.clouds.progress import Interrupted, Progress
from divergences.transport.clouds.splitting import Plan, split
from divergences.transport.clouds.tiles import Tiles, tiles
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.forest import Flows, completed, exact_flows
from divergences.transport.ground import Ground, distances, power, relative_error
from divergences.transport.masses import Balanced
from divergences.transport.matrix import DenseSimplex
from divergences.transport.potentials import Potential, c_transform
from divergences.transport.result import Floats, Indices, Integers, Transport, TransportError
from divergences.transport.roads import PointPair, Road, sparse_plan
from divergences.transport.simplex import coarse, solve_dense

__all__ = ["Clouds"]

_NORMAL = (2.0**-400, 2.0**400)  # coordinates between which squares of differences neither over- nor underflow
_NAMES = frozenset({"euclidean", "cityblock", "chebyshev"})
_DENSE_FITS = 10**8  # pairs, 42 bytes each
_BLOCK = 2**18  # pairs handled at once


@final
@dataclass(frozen=True)
class Clouds(Road):
    r"""Exact transport between large clouds of points in O(n + m) memory.

    1. Both clouds are coarsened by k-d trees; some thousand cells a side are solved densely.
    2. On each finer level the coarse plan is split to a plan with exact marginals, coarse potentials are extended by a
       c-transform, and the program is solved on some arcs of small reduced cost (for p >= 1.5 in blocks first).
    3. All pairs are priced in tiles; violated ones join, the network simplex goes on from the plan it has, until there
       are none.
    4. One more pass proves the potentials, carried in twice the precision of float64, feasible on all pairs.

    Parameters
    ----------
    threads : int, optional
        Threads for pricing and for blocks; by default one for each processor that may be used.
    progress : callable, optional
        Called with a `Progress` after each solution; ``print`` is one.

    Notes
    -----
    Where ties make the search stall, `DenseSimplex` takes over if its matrix fits (1e8 pairs); the method of the answer
    says so. KeyboardInterrupt, also if `progress` raises it, ends in `Interrupted`, an error that holds proven bounds.

    References
    ----------
    Q. Mérigot (2011), A multiscale approach to optimal transport, Computer Graphics Forum 30(5).
    B. Schmitzer (2016), A sparse multiscale algorithm for dense optimal transport, Journal of Mathematical Imaging and
    Vision 56.
    """

    threads: int | None = None
    progress: Callable[[Progress], object] | None = field(default=None, compare=False, repr=False)

    def suits(self, pair: PointPair) -> bool:
        """Points whose distances neither over- nor underflow when squared, p >= 1."""
        top = max(float(np.abs(pair.x).max()), float(np.abs(pair.y).max()))
        low = min(float(np.min(np.abs(v), where=v != 0, initial=top or 1.0)) for v in (pair.x, pair.y))
        return pair.p >= 1 and (top == 0 or (_NORMAL[0] <= low and top <= _NORMAL[1])) and top ** (2 * pair.p) < 2.0**900

    def pays(self, pair: PointPair) -> bool:
        """Whether it is faster than the dense program, or the only one that fits: many points, few ties."""
        if not isinstance(pair.metric, str) or pair.metric not in _NAMES or not self.suits(pair):
            return False
        pairs = len(pair.x) * len(pair.y)
        return pairs > _DENSE_FITS or (pairs >= (_LEAST_CURVED if pair.p >= 1.5 else _LEAST_PLAIN) and not _ties(pair))

    def solve(self, pair: PointPair) -> Transport:
        """The certified optimum, by the dense program where the search stalls."""
        try:
            with threadpool_limits(1):  # tiles are too small to be shared out once more
                return _Run(pair, self).answer()
        except Stalled:
            if len(pair.x) * len(pair.y) > _DENSE_FITS:
                raise
            return DenseSimplex().solve(pair)


_LEAST_CURVED, _LEAST_PLAIN = 1500**2, 3000**2  # pairs


def _ties(pair: PointPair) -> bool:
    """Whether some coordinate takes few values, as on a lattice: many distances are equal then."""
    total = len(pair.x) + len(pair.y)
    return any(len(np.unique(np.concatenate([u, v]))) < total // 2 for u, v in zip(pair.x.T, pair.y.T, strict=True))


@final
class _Run:
    """One solution."""

    def __init__(self, pair: PointPair, road: Clouds) -> None:
        self.pair, self.road, self.start = pair, road, time.perf_counter()
        self.threads = road.threads or len(os.sched_getaffinity(0))
        self.x, self.y = Merged.of(pair.x, pair.masses.source), Merged.of(pair.y, pair.masses.target)
        self.order_x, self.order_y = kd_order(self.x.points), kd_order(self.y.points)
        units = pair.masses.units
        sides = zip((self.x, self.y), (self.order_x, self.order_y), strict=True)
        self.levels = hierarchy(*(Level(s.points[k], coarse(s.mass, units)[k]) for s, k in sides))
        self.level = 0
        self.found: Found | None = None

    def tiles(self, level: int) -> Tiles:
        """All pairs of a level."""
        x, y = self.levels[level]
        return tiles(x.points, y.points, self.pair.p, self.pair.metric, self.threads)

    def answer(self) -> Transport:
        """Down the hierarchy, and the proof."""
        try:
            while self.level < len(self.levels):
                self.found = self.descend()
                self.level += 1
        except KeyboardInterrupt:
            raise Interrupted(self.bounds_so_far()) from None
        self.level -= 1
        done = certified(self.tiles(self.level), self.found)
        return self.certificate(done.plan, done.f, done.g, done.rounds)

    def descend(self) -> Found:
        """The optimum on the present level."""
        if not self.level:
            return self.coarsest()
        levels = (*self.levels[self.level - 1], *self.levels[self.level])
        last = self.level == len(self.levels) - 1
        return refined(self.found, levels, self.tiles(self.level), Settings(), self.report, last=last)

    def coarsest(self) -> Found:
        """The dense program between the largest cells."""
        x, y = self.levels[0]
        cost = power(distances(x.points, y.points, self.pair.metric), self.pair.p)
        basis = solve_dense(x.mass, y.mass, np.ascontiguousarray(cost))
        middle = (np.median(basis.f) - np.median(basis.g)) / 2
        plan = basis.row.astype(np.int64), basis.column.astype(np.int64), basis.flow
        return Found(plan, basis.f - middle, basis.g + middle)

    def report(self, stage: str, arcs: int, cost: float, violated: int) -> None:
        """Tell how far the search is."""
        if self.road.progress is None:
            return
        x, y = self.levels[self.level]
        per_unit = cost / int(x.mass.sum())
        points, seconds = (len(x.mass), len(y.mass)), time.perf_counter() - self.start
        self.road.progress(Progress(self.level + 1, len(self.levels), points, stage, arcs, per_unit, violated, seconds))

    def certificate(self, plan: Plan, f: Potential, g: Potential, rounds: int) -> Transport:
        """The answer for the points and masses as they were given."""
        row, column, flow, f, g, upper, lower, ground = self.proven(plan, f, g)
        bounds = root_bounds(lower, upper, ground, self.pair.p)
        matrix = sparse_plan(self.pair.masses, row, column, flow)
        return Transport(bounds, nearest(upper), matrix, (f.round_down(), g.round_down()), self.road, rounds)

    def proven(
        self, plan: Plan, f: Potential, g: Potential
    ) -> tuple[Indices, Indices, Integers, Potential, Potential, Fraction, Fraction, Ground]:
        """Exact flows and feasible potentials of all points, and the values of both, without rounding."""
        pair, masses = self.pair, self.pair.masses
        row, column = self.order_x[plan[0]], self.order_y[plan[1]]
        flows = completed(exact_flows(row, column, self.x.mass, self.y.mass))
        used = tiles(self.x.points, self.y.points, pair.p, pair.metric, 1).cost(flows.row, flows.column)
        upper = exact_dot(flows.flow, used) * masses.unit
        f, g = self.extended(_unsorted(f, self.order_x), _unsorted(g, self.order_y))
        lower = dual_value(masses, f, g, np.zeros((1, 1)))
        ground = Ground(np.zeros((0, 0)), relative_error(pair.x, pair.y, pair.p, pair.metric), 0.0)
        row, column, flow = self.spread(flows)
        return row, column, flow, f, g, upper, lower, ground

    def spread(self, flows: Flows) -> tuple[Indices, Indices, Integers]:
        """Flows between points as they were given, where some coincide."""
        if len(self.x.points) == len(self.x.members) and len(self.y.points) == len(self.y.members):
            return self.x.members[flows.row], self.y.members[flows.column], flows.flow
        listed_x, listed_y = self.x.listed, self.y.listed
        masses = self.pair.masses
        i, j, flow = split((flows.row, flows.column, flows.flow), masses.source[listed_x], masses.target[listed_y])
        return listed_x[i], listed_y[j], flow

    def extended(self, f: Potential, g: Potential) -> tuple[Potential, Potential]:
        """Potentials of all points: those that coincide share one, points without mass get the largest feasible one."""
        pair = self.pair
        full_f = _filled(f[self.x.place], self.x.members, len(pair.x))
        full_g = _filled(g[self.y.place], self.y.members, len(pair.y))
        idle_x, idle_y = (np.flatnonzero(q == 0) for q in (pair.masses.source, pair.masses.target))
        new_f = _transform(pair, pair.x[idle_x], pair.y[self.y.members], full_g[self.y.members])
        full_f = _filled(new_f, idle_x, len(pair.x), full_f)
        new_g = _transform(pair, pair.y[idle_y], pair.x, full_f)
        return full_f, _filled(new_g, idle_y, len(pair.y), full_g)

    def bounds_so_far(self) -> Bounds:
        """Bounds from the last complete level: its plan split down to the points, its potentials transformed."""
        found, level = self.found, self.level - 1
        if found is None:
            found, level = self.coarsest(), 0
        plan, last = found.plan, len(self.levels) - 1
        for x, y in self.levels[level + 1 :]:
            plan = split(plan, x.mass, y.mass)
        x, y = self.levels[last]
        if level == last:
            g = Potential.of(found.g)
        else:
            cells = tiles(y.points, self.levels[level][0].points, self.pair.p, self.pair.metric, self.threads)
            g = Potential.of(cells.transform(found.f))
        f = _transform(self.pair, x.points, y.points, g)
        _, _, _, _, _, upper, lower, ground = self.proven(plan, f, g)
        return loose_root_bounds(lower, upper, ground, self.pair.p)


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


_ = (Balanced, TransportError)
