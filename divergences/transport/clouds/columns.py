"""Column generation on one level: from the plan of the coarser level to the optimum on this one.

The program is solved on a few arcs per point. All other pairs are priced by its potentials; those of negative reduced
cost join, until there are none (Dantzig & Wolfe 1960; Schmitzer 2016, Journal of Mathematical Imaging and Vision 56,
for the coarse-to-fine start).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.spatial import cKDTree

from divergences.transport.clouds.arcs import Arcs, Integer64
from divergences.transport.clouds.hierarchy import Level
from divergences.transport.clouds.program import Optimum, levelling, solve_arcs, tight_potentials
from divergences.transport.clouds.progress import Stalled
from divergences.transport.clouds.splitting import Plan, split
from divergences.transport.clouds.sweeps import sweep
from divergences.transport.clouds.tiles import Tiles, tiles
from divergences.transport.result import Floats

__all__ = ["Found", "Report", "Settings", "refined", "settings_for"]

Report = Callable[[str, "Found", int, float, int], None]
"""Told after each solution: stage, plan and potentials, number of arcs, cost in units of mass, number of violated pairs."""

_CURVED = 1.5  # orders from which potentials are nearly quadratic, so that coarse ones are good to second order
_LARGE = 40_000  # points from which a coarse level is left once its pool is exhausted


@final
@dataclass(frozen=True)
class Settings:
    """Numbers that decide about speed, not about the result."""

    keep: int = 6
    """Arcs that every row and every column starts with."""
    pool: int = 12
    """Pairs of small reduced cost a row, priced before all pairs are."""
    most: int = 12
    """Arcs that every row and every column keeps when there are too many."""
    block: int = 1000
    """Rows or columns of a block of the domain decomposition."""
    sweeps: int = 2
    """Sweeps of the decomposition; the second has blocks of twice the size."""
    rounds: int = 200
    """Rounds of pricing after which the search counts as stalled."""
    patience: int = 20
    """Rounds within which violations are to be halved."""
    densest: int = 64
    """Arcs for each point beyond which the search counts as stalled."""


def settings_for(p: float) -> Settings:
    """For costs that are not strictly convex many more pairs are of nearly equal merit: start with more of them."""
    return Settings() if p >= _CURVED else Settings(keep=32, pool=96)


@final
@dataclass(frozen=True, eq=False)
class Found:
    """A plan between the points of one level, and potentials."""

    plan: Plan
    f: Floats
    g: Floats


@final
@dataclass(eq=False)
class _Search:
    """The state of column generation on one level."""

    tiles: Tiles
    a: Integer64
    b: Integer64
    found: Found
    start: Found
    pool: Arcs
    pool_cost: Floats
    settings: Settings
    report: Report

    def __post_init__(self) -> None:
        self.choose()

    def choose(self) -> None:
        """The arcs of least reduced cost in the pool, and those of the plan."""
        reduced = self.pool_cost - self.found.f[self.pool.row] - self.found.g[self.pool.column]
        best = self.pool[self.pool.best(reduced, self.settings.keep, height=len(self.a))]
        self.arcs = best | Arcs.of(*self.found.plan[:2], len(self.b))
        self.cost = self.tiles.cost(self.arcs.row, self.arcs.column)

    def reduced(self) -> Floats:
        """Reduced costs of the arcs."""
        return self.cost - self.found.f[self.arcs.row] - self.found.g[self.arcs.column]

    def value(self) -> float:
        """Cost of the plan, in units of mass."""
        row, column, flow = self.found.plan
        return float(self.tiles.cost(row, column) @ flow)

    def decompose(self, widths: tuple[Floats, Floats]) -> None:
        """Sweeps over blocks of rows and of columns; potentials stay within some spacings of those at the start."""
        f, g, plan = self.found.f, self.found.g, self.found.plan
        for k in range(self.settings.sweeps):
            block = self.settings.block * 2**k
            if k and len(self.a) <= 2 * block:
                break
            arcs, cost = self.arcs, self.cost
            turn = np.lexsort((arcs.row, arcs.column))
            across = Arcs.of(arcs.column, arcs.row, len(self.a))
            options = {"block": block, "threads": self.tiles.threads}
            plan, f = sweep(plan, arcs, cost, f, g, **options)
            f = _near(f, self.start.f, widths[0])
            g = _near(_minima(across.row, cost[turn] - f[across.column], len(g)), self.start.g, widths[1])
            (column, row, flow), g = sweep((plan[1], plan[0], plan[2]), across, cost[turn], g, f, **options)
            plan = row, column, flow
            g = _near(g, self.start.g, widths[1])
            f = _near(_minima(arcs.row, cost - g[arcs.column], len(f)), self.start.f, widths[0])
            self.found = Found(plan, f, g)
            self.choose()
        tight = tight_potentials(plan, self.tiles, f, g)
        self.found = Found(plan, tight[0].high, tight[1].high)
        self.choose()

    def solve(self) -> None:
        """The optimum on the arcs."""
        best = solve_arcs(self.a, self.b, self.arcs.row, self.arcs.column, self.reduced())
        f, g = self.found.f + best.f, self.found.g + best.g
        reduced = self.cost - f[self.arcs.row] - g[self.arcs.column]
        df, dg = levelling(Optimum(best.plan, f, g), self.start.f, self.start.g, self.arcs, reduced)
        self.found = Found(best.plan, f + df, g + dg)

    def add(self, new: Arcs, *, purge: bool) -> None:
        """Let new arcs join; where there are too many keep the best of every row and column, and the plan."""
        if purge and len(self.arcs) + len(new) > 2 * self.settings.most * len(self.a):
            stay = self.arcs.best(self.reduced(), self.settings.most, height=len(self.a))
            stay |= Arcs.of(*self.found.plan[:2], len(self.b)).holds(self.arcs)
            self.arcs, self.cost = self.arcs[stay], self.cost[stay]
        joined = self.arcs | new
        cost = np.empty(len(joined))
        old = self.arcs.holds(joined)
        cost[old], cost[~old] = self.cost, self.tiles.cost(joined.row[~old], joined.column[~old])
        self.arcs, self.cost = joined, cost

    def violated(self, candidates: Arcs, tolerance: float, most: int) -> Arcs:
        """The candidates of negative reduced cost that are not among the arcs, the worst of every row and column."""
        row, column = candidates.row, candidates.column
        reduced = self.tiles.cost(row, column) - self.found.f[row] - self.found.g[column]
        bad = (reduced < -tolerance) & ~self.arcs.holds(candidates)
        candidates, reduced = candidates[bad], reduced[bad]
        if len(candidates) <= most * (len(self.a) + len(self.b)) // 2:
            return candidates
        return candidates[candidates.best(reduced, most, height=len(self.a))]

    def tolerance(self, relative: float) -> float:
        """Reduced costs that count as violated: relative to the dearest pair in use, above the rounding of potentials."""
        row, column, _ = self.found.plan
        reach = max(float(np.abs(self.found.f).max()), float(np.abs(self.found.g).max()))
        return max(relative * float(self.tiles.cost(row, column).max()), 2.0**-50 * reach)

    def price_pool(self) -> None:
        """Rounds within the pool, until it is nearly exhausted."""
        for _ in range(self.settings.rounds):
            self.solve()
            reduced = self.pool_cost - self.found.f[self.pool.row] - self.found.g[self.pool.column]
            bad = (reduced < -self.tolerance(1e-9)) & ~self.arcs.holds(self.pool)
            worst = self.pool[bad]
            self.report("pool", self.found, len(self.arcs), self.value(), len(worst))
            if len(worst) < 0.005 * len(self.a):
                return
            self.add(worst[worst.best(reduced[bad], 4, height=len(self.a))], purge=False)
        raise Stalled(self.stalled())

    def price_roughly(self, most: int) -> None:
        """Rounds over all pairs in single precision, until hardly any is violated."""
        told: list[int] = []
        for _ in range(self.settings.rounds):
            found = self.tiles.rough(self.found.f, self.found.g, most)
            new = self.violated(found, self.tolerance(1e-6), 8)
            self.report("rough", self.found, len(self.arcs), self.value(), len(new))
            if len(new) < 1e-3 * len(self.a):
                return
            self.check(told, len(new))
            self.add(new, purge=True)
            self.solve()
        raise Stalled(self.stalled())

    def price_surely(self, most: int) -> None:
        """Rounds over all pairs in double precision, until no new one is violated."""
        told: list[int] = []
        for _ in range(self.settings.rounds):
            new = self.violated(self.tiles.least(self.found.f, self.found.g, most), self.tolerance(1e-13), 5)
            self.report("all", self.found, len(self.arcs), self.value(), len(new))
            if not len(new):
                return
            self.check(told, len(new))
            self.add(new, purge=False)
            self.solve()
        raise Stalled(self.stalled())

    def check(self, told: list[int], violated: int) -> None:
        """Stop where violations are not halved in so many rounds, or arcs have become too many."""
        told.append(violated)
        slow = len(told) > self.settings.patience and violated > told[-1 - self.settings.patience] / 2
        if slow or len(self.arcs) > self.settings.densest * (len(self.a) + len(self.b)):
            raise Stalled(self.stalled())

    def stalled(self) -> str:
        """What the error says."""
        return f"expected column generation to end within {self.settings.rounds} rounds of {len(self.arcs)} arcs"


def refined(
    coarse: Found,
    levels: tuple[Level, Level, Level, Level],
    make: Tiles,
    settings: Settings,
    report: Report,
    *,
    last: bool,
) -> Found:
    """The optimum between the points of a level, from that between the cells of the coarser level.

    `levels` are the coarser and the finer one of both sides; on levels that are not the last, nearly the optimum.
    """
    to_x, to_y = levels[2:]
    plan = split(coarse.plan, to_x.mass, to_y.mass)
    curved = make.p >= _CURVED
    start = Found(plan, *_extended(coarse, levels, make, curved=curved))
    here = tiles(to_x.points, to_y.points, make.p, make.metric, make.threads)
    pool, widths = _pool(here, start, settings.pool)
    cost = here.cost(pool.row, pool.column)
    search = _Search(here, to_x.mass, to_y.mass, start, start, pool, cost, settings, report)
    if curved and len(to_x.mass) > 2 * settings.block:
        search.decompose(widths)
    if curved:
        search.price_pool()
        if not last and len(to_x.mass) > _LARGE:
            return search.found
    else:
        search.solve()
    most = 4 if curved else 8
    search.price_roughly(most)
    if last:
        search.price_surely(most)
    return search.found


def _extended(coarse: Found, levels: tuple[Level, ...], make: Tiles, *, curved: bool) -> tuple[Floats, Floats]:
    """Potentials of the finer points: transforms of those of the cells."""
    from_x, from_y, to_x, to_y = (level.points for level in levels)
    f = tiles(to_x, from_y, make.p, make.metric, make.threads).transform(coarse.g)
    # for curved costs a transform from the cells is good to second order; else it must be feasible here
    other, known = (from_x, coarse.f) if curved else (to_x, f)
    g = tiles(to_y, other, make.p, make.metric, make.threads).transform(known)
    middle = (np.median(f) - np.median(g)) / 2
    return f - middle, g + middle


def _pool(here: Tiles, start: Found, size: int) -> tuple[Arcs, tuple[Floats, Floats]]:
    """Pairs of small reduced cost in units of the local spacing, about `size` a row; and widths for the potentials."""
    hx, hy = _spacing(here.x, here.p), _spacing(here.y, here.p)
    factor = _factor(here, start, hx, hy, size)
    pool = here.rough(start.f + factor * hx, start.g + factor * hy, 2 * size)
    return pool, (5 * factor * hx, 5 * factor * hy)


def _spacing(points: Floats, p: float, neighbours: int = 4) -> Floats:
    """Distance to a near neighbour to the power p, never much below its median; one number in many dimensions."""
    flat = points.shape[1] <= 4
    asked = points if flat else points[:: max(1, len(points) // 500)]
    nearest = np.asarray(cKDTree(points).query(asked, k=[min(neighbours + 1, len(points))])[0])
    distance = nearest[:, 0] ** p
    middle = max(float(np.median(distance)), float(distance.mean()) * 1e-3, np.finfo(float).tiny)
    return np.maximum(distance, 1e-3 * middle) if flat else np.full(len(points), middle)


def _factor(here: Tiles, start: Found, hx: Floats, hy: Floats, size: int) -> float:
    """The factor k for which a typical row has `size` pairs of ``c - f - g < k (hx + hy)``."""
    rows = np.arange(0, len(here.x), max(1, len(here.x) // 200))
    columns = np.arange(len(here.y))
    out = []
    for row in rows:
        reduced = here.cost(np.full(len(columns), row), columns) - start.f[row] - start.g
        ratio = reduced / (hx[row] + hy)
        out.append(np.partition(ratio, min(size, len(ratio) - 1))[min(size, len(ratio) - 1)])
    return max(float(np.median(out)), 0.0)


def _near(f: Floats, reference: Floats, width: Floats) -> Floats:
    """Potentials within a width of others, up to a constant: parts of a block that hang by nothing drift freely."""
    difference = f - reference
    difference -= np.median(difference)
    return reference + np.clip(difference, -width, width)


def _minima(group: Integer64, value: Floats, groups: int) -> Floats:
    """Least value in each group; groups are consecutive and none is empty."""
    return np.asarray(np.minimum.reduceat(value, np.searchsorted(group, np.arange(groups))))
