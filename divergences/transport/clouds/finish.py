"""The end of the search: potentials in twice the precision of float64, proven feasible on all pairs.

One pass over all pairs finds those whose reduced cost is below a margin, some 1e-9 of the largest cost. The others stay
feasible while potentials move by less than the margin, so that everything after is done on the few pairs found: the
simplex in reduced costs of double length if a pair is still violated, potentials tight along the plan, and a
c-transform without rounding errors.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.clouds.arcs import Arcs
from divergences.transport.clouds.columns import Found
from divergences.transport.clouds.program import Optimum, levelling, solve_arcs, tight_potentials
from divergences.transport.clouds.progress import Stalled
from divergences.transport.clouds.splitting import Plan
from divergences.transport.clouds.tiles import Tiles
from divergences.transport.potentials import Potential, difference_down, reduced_cost
from divergences.transport.result import Floats

__all__ = ["Certified", "certified"]

_ROUNDS, _PASSES = 10, 20
_GOAL = 2.0**-56  # relative gap at which float64 could not show any improvement
_MOST = 32  # pairs found, for each point, beyond which ties are too many for this


@final
@dataclass(frozen=True, eq=False)
class Certified:
    """A plan, feasible potentials, the tight ones they were made of, the gap between the values, and the rounds it took."""

    plan: Plan
    f: Potential
    g: Potential
    wanted: tuple[Potential, Potential]
    gap: float
    rounds: int


@final
@dataclass(frozen=True, eq=False)
class _Margin:
    """Pairs that may come to be violated while potentials stay within `width` of those of `found`."""

    tiles: Tiles
    found: Found
    arcs: Arcs
    cost: Floats
    width: float

    def feasible(self, plan: Plan, f: Potential, g: Potential, rounds: int) -> Certified:
        """Potentials lowered until no pair is violated."""
        wanted = f, g
        g = _at_most(g, self.found.g + self.width)
        high, low = difference_down(self.cost, g[self.arcs.column])
        start = np.searchsorted(self.arcs.row, np.arange(len(self.found.f)))
        top = np.minimum.reduceat(high, start)
        rest = np.minimum.reduceat(np.where(high == top[self.arcs.row], low, np.inf), start)
        f = _at_most(Potential(top, rest), self.found.f + self.width)
        row, column, flow = plan
        gap = float(reduced_cost(self.tiles.cost(row, column), f[row], g[column]) @ flow)
        return Certified(plan, f, g, wanted, gap, rounds)


def certified(tiles: Tiles, found: Found) -> Certified:
    """The optimum with its proof."""
    row, column, flow = found.plan
    cost = tiles.cost(row, column)
    size = float(cost @ flow)
    best = _improved(_margin(tiles, found, float(cost.max())), size, 0)
    for _ in range(_PASSES):
        if best.gap <= _GOAL * size:
            break
        wanted = Found(best.plan, *(v.high for v in best.wanted))  # beyond the margin: it has to be drawn anew
        new = _improved(_margin(tiles, wanted, float(cost.max())), size, best.rounds)
        if not new.gap < best.gap:
            break
        best = new
    return best


def _improved(margin: "_Margin", size: float, rounds: int) -> Certified:
    """The best that can be done within the margin."""
    found = margin.found
    best = _tight(margin, found.plan, Potential.of(found.f), Potential.of(found.g), rounds)
    for _ in range(_ROUNDS):
        if best.gap <= _GOAL * size:
            break
        new = _again(margin, best)
        if not new.gap < best.gap:
            break
        best = new
    return best


def _margin(tiles: Tiles, found: Found, top: float) -> _Margin:
    """The pairs within the margin, by the one pass over all pairs."""
    middle = (np.median(found.f) - np.median(found.g)) / 2  # a common offset would swallow the margin
    found = Found(found.plan, found.f - middle, found.g + middle)
    width = 2.0**-32 * max(top, *(float(np.abs(v).max()) for v in (found.f, found.g)))
    arcs = tiles.near(found.f, found.g, 3 * width, _MOST * sum(tiles.shape))
    if arcs is None:
        msg = f"expected at most {_MOST} pairs of equal merit for each of {sum(tiles.shape)} points, but there are more"
        raise Stalled(msg)
    arcs = arcs | Arcs.of(*found.plan[:2], tiles.shape[1])
    return _Margin(tiles, found, arcs, tiles.cost(arcs.row, arcs.column), width)


def _tight(margin: _Margin, plan: Plan, f: Potential, g: Potential, rounds: int) -> Certified:
    """The plan with potentials tight along it, levelled so that as few pairs as possible are violated."""
    reference = f.high, g.high
    f, g = tight_potentials(plan, margin.tiles, *reference)
    reduced = _reduced(margin, f, g)
    df, dg = levelling(Optimum(plan, f.high, g.high), *reference, margin.arcs, reduced)
    return margin.feasible(plan, f + df, g + dg, rounds)


def _again(margin: _Margin, last: Certified) -> Certified:
    """Solve on the pairs within the margin, in reduced costs of double length."""
    a, b = _marginals(last.plan, len(last.f.high), len(last.g.high))
    reduced = _reduced(margin, last.f, last.g)
    best = solve_arcs(a, b, margin.arcs.row, margin.arcs.column, reduced)
    rest = reduced - best.f[margin.arcs.row] - best.g[margin.arcs.column]
    zero = np.zeros(len(a)), np.zeros(len(b))
    df, dg = levelling(best, *zero, margin.arcs, rest)
    return _tight(margin, best.plan, last.f + (best.f + df), last.g + (best.g + dg), last.rounds + 1)


def _reduced(margin: _Margin, f: Potential, g: Potential) -> Floats:
    """Reduced costs of the pairs within the margin; negative ones, which rounding has made, count as 0."""
    return reduced_cost(margin.cost, f[margin.arcs.row], g[margin.arcs.column])


def _marginals(plan: Plan, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Masses of rows and columns."""
    a, b = np.zeros(n, dtype=np.int64), np.zeros(m, dtype=np.int64)
    np.add.at(a, plan[0], plan[2])
    np.add.at(b, plan[1], plan[2])
    return a, b


def _at_most(f: Potential, top: Floats) -> Potential:
    """The lesser of both."""
    over = (f.high > top) | ((f.high == top) & (f.low > 0))
    return Potential(np.where(over, top, f.high), np.where(over, 0.0, f.low))
