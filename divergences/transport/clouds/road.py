"""The method for large clouds: coarse to fine, on few arcs, priced over all pairs, without the matrix of costs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from divergences.bounds import Bounds
from divergences.transport.clouds.columns import Found, refined, settings_for
from divergences.transport.clouds.distinct import Distinct
from divergences.transport.clouds.finish import certified
from divergences.transport.clouds.hierarchy import Level, hierarchy
from divergences.transport.clouds.lazy import LazySimplex
from divergences.transport.clouds.program import tight_potentials
from divergences.transport.clouds.progress import Interrupted, Progress, Stalled
from divergences.transport.clouds.splitting import Plan, split
from divergences.transport.clouds.threads import processors, unshared
from divergences.transport.ground import SCALED_BY_DATA, distances, power
from divergences.transport.matrix_roads import DenseSimplex
from divergences.transport.potentials import Potential
from divergences.transport.result import Transport, TransportError
from divergences.transport.roads import PointPair, Road
from divergences.transport.simplex import solve_dense

__all__ = ["FITS", "Clouds"]

_NORMAL = 2.0**-400  # coordinates above which squares of differences do not underflow
_NAMES = frozenset({"euclidean", "cityblock", "chebyshev"})
FITS = 10**8
"""Pairs of which the dense program can hold all costs: 42 bytes each."""
_LOOSEST = 1e-12  # relative gap beyond which another method is asked


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
    Where ties make the search stall, `DenseSimplex` takes over if its matrix fits (1e8 pairs), else `LazySimplex`; the
    method of the answer says so. KeyboardInterrupt, also if `progress` raises it, ends in `Interrupted`, an error that holds proven bounds.

    References
    ----------
    Q. Mérigot (2011), A multiscale approach to optimal transport, Computer Graphics Forum 30(5).
    B. Schmitzer (2016), A sparse multiscale algorithm for dense optimal transport, Journal of Mathematical Imaging and
    Vision 56.
    """

    threads: int | None = None
    progress: Callable[[Progress], object] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no number of threads."""
        threads: Any = self.threads
        if threads is not None and not (isinstance(threads, int) and threads >= 1):
            msg = f"expected a positive integer of threads, or None for one on each processor, got {threads!r}"
            raise ValueError(msg)

    def suits(self, pair: PointPair) -> bool:
        """Points whose squared distances neither over- nor underflow, p >= 1, distances that do not depend on other points."""
        if isinstance(pair.metric, str) and pair.metric in SCALED_BY_DATA:
            return False
        top = max(float(np.abs(pair.x).max()), float(np.abs(pair.y).max()))
        low = min(float(np.min(np.abs(v), where=v != 0, initial=top or 1.0)) for v in (pair.x, pair.y))
        return pair.p >= 1 and (top == 0 or (low >= _NORMAL and max(pair.p, 2) * (math.log2(top) + 1) <= 900))

    def pays(self, pair: PointPair) -> bool:
        """Whether it is faster than the dense program, or the only one that fits: many points, few ties."""
        if not isinstance(pair.metric, str) or pair.metric not in _NAMES or not self.suits(pair):
            return False
        pairs = len(pair.x) * len(pair.y)
        return pairs > FITS or (pairs >= (_LEAST_CURVED if pair.p >= 1.5 else _LEAST_PLAIN) and not _ties(pair))

    def solve(self, pair: PointPair) -> Transport:
        """The certified optimum, by the dense program where the search stalls."""
        try:
            with unshared():
                return _Search(Distinct(pair, self.threads or processors()), self).answer()
        except Stalled as stalled:
            other = LazySimplex() if len(pair.x) * len(pair.y) > FITS else DenseSimplex()
            if other.suits(pair):
                return other.solve(pair)
            if stalled.answer is None:
                raise
            return stalled.answer


_LEAST_CURVED, _LEAST_PLAIN = 1000**2, 1200**2  # pairs


def _ties(pair: PointPair) -> bool:
    """Whether some coordinate takes few values, as on a lattice: many distances are equal then."""
    total = len(pair.x) + len(pair.y)
    return any(len(np.unique(np.concatenate([u, v]))) < total // 2 for u, v in zip(pair.x.T, pair.y.T, strict=True))


@final
class _Search:
    """One solution, level by level."""

    def __init__(self, problem: Distinct, road: Clouds) -> None:
        self.problem, self.road, self.start = problem, road, time.perf_counter()
        self.levels = hierarchy(problem.x, problem.y)
        self.reached, self.found = -1, _whole(self.levels[0])  # the level that is solved, and its solution
        self.current: Found | None = None  # what is known of the next level

    def answer(self) -> Transport:
        """Down the hierarchy, and the proof."""
        try:
            while self.reached < len(self.levels) - 1:
                self.found = self.coarsest() if self.reached < 0 else self.descend()
                self.reached, self.current = self.reached + 1, None
            return self.certified()
        except KeyboardInterrupt:
            raise Interrupted(self.bounds_so_far()) from None

    def certified(self) -> Transport:
        """The proof on the pairs near equality; where ties make them too many, on all pairs one after the other."""
        tiles = self.problem.tiles(*self.levels[-1])
        try:
            done = certified(tiles, self.found)
        except Stalled:
            _, g = tight_potentials(self.found.plan, tiles, self.found.f, self.found.g)
            return self.narrow(self.found.plan, self.problem.transform(g), g, 0)
        return self.narrow(done.plan, done.f, done.g, done.rounds)

    def narrow(self, plan: Plan, f: Potential, g: Potential, rounds: int) -> Transport:
        """The answer, if its bounds are narrow."""
        try:
            answer = self.problem.answer(plan, f, g, self.road, rounds)
        except TransportError as error:
            raise Stalled(str(error)) from error
        if answer.bounds.gap > _LOOSEST * answer.value:
            msg = f"expected bounds within {_LOOSEST:g}, relatively, but the search ended at {answer.bounds}"
            raise Stalled(msg, answer)
        return answer

    def descend(self) -> Found:
        """The optimum on the next level."""
        levels = (*self.levels[self.reached], *self.levels[self.reached + 1])
        last = self.reached + 2 == len(self.levels)
        settings = settings_for(self.problem.pair.p)
        return refined(self.found, levels, self.problem.tiles(*levels[2:]), settings, self.report, last=last)

    def coarsest(self) -> Found:
        """The dense program between the largest cells."""
        x, y = self.levels[0]
        cost = power(distances(x.points, y.points, self.problem.pair.metric), self.problem.pair.p)
        if not cost.max() < math.inf:
            msg = "expected finite distances, but some pair is forbidden or has none"
            raise Stalled(msg)
        basis = solve_dense(x.mass, y.mass, np.ascontiguousarray(cost))
        middle = (np.median(basis.f) - np.median(basis.g)) / 2
        plan = basis.row.astype(np.int64), basis.column.astype(np.int64), basis.flow
        return Found(plan, basis.f - middle, basis.g + middle)

    def report(self, stage: str, found: Found, arcs: int, cost: float, violated: int) -> None:
        """Remember and tell how far the search is."""
        self.current = found
        if self.road.progress is None:
            return
        x, y = self.levels[self.reached + 1]
        per_unit = cost / int(x.mass.sum())
        points, seconds = (len(x.mass), len(y.mass)), time.perf_counter() - self.start
        self.road.progress(
            Progress(self.reached + 2, len(self.levels), points, stage, arcs, per_unit, violated, seconds)
        )

    def bounds_so_far(self) -> Bounds:
        """The best of what the last complete level proves, and the one in progress if it is that of the points."""
        plan, y = self.found.plan, self.levels[-1][1]
        for u, v in self.levels[self.reached + 1 :]:
            plan = split(plan, u.mass, v.mass)
        if self.reached < 0:
            return self.problem.bounds(plan, Potential.of(np.zeros(len(y.mass))))
        columns = self.problem.tiles(y, self.levels[self.reached][0])
        bounds = self.problem.bounds(plan, Potential.of(columns.transform(self.found.f)))
        if self.current is None or len(self.current.g) != len(y.mass) or self.reached + 2 < len(self.levels):
            return bounds
        new = self.problem.bounds(self.current.plan, Potential.of(self.current.g))
        least = min(bounds.upper, new.upper)
        return Bounds(max(bounds.lower, new.lower), min(bounds.value, new.value), least)


def _whole(level: tuple[Level, Level]) -> Found:
    """The plan between both clouds as one cell each, for the coarsest cells, and no potentials."""
    cell = np.zeros(1, dtype=np.int64)
    return Found((cell, cell, level[0].mass.sum()[None]), np.zeros(1), np.zeros(1))
