"""The dense transport program: one network simplex, then refinement on reduced costs until primal and dual meet.

The error of a simplex in floating point is relative to its largest cost. Written in reduced costs ``C - f - g`` the same
program has a smaller largest cost, so each round gains the digits the last one lacked (iterative refinement for linear
programs: Gleixner, Steffy & Wolter 2016, INFORMS Journal on Computing 28(3)). The rounds run over the few pairs that are
nearly tight; over all pairs only where these do not suffice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.exact import two_sum
from divergences.transport.forest import Forest
from divergences.transport.nearly_tight import NearPairs, near_pairs
from divergences.transport.potentials import Potential, c_transform, reduced_cost, reduced_matrix, slack_bound
from divergences.transport.result import Floats, Indices
from divergences.transport.simplex import Basis, cost_power, solve_dense, solve_listed

__all__ = ["Solution", "certified", "solve"]

_ROUNDS = 40
_GOAL = 2.0**-50  # relative gap at which float64 could hardly show an improvement
_WIDE = 2.0**20  # range of costs, relative to those in use, that costs no digits that matter
_NEAR = 2.0**-30  # reduced costs, relative to the largest cost, far above the errors of the first solution
_TIGHT = 2.0**-40  # reduced costs of a basis, relative to the largest cost, if the simplex has nearly found it
_POWERS = 1000  # powers of two below this are floats
_SMALL = 2**12  # pairs so few that a list of some of them is no gain

_Masses = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Solution:
    """An optimal plan, feasible potentials of both sides, the gap between them and the rounds it took.

    An infinite gap says that mass is missing from the plan, because pairs of infinite cost would have had to carry it.
    `slack` are numbers not below the reduced costs of the plan's pairs; `forest` its order of leaves, where it is known.
    """

    row: Indices
    column: Indices
    flow: _Masses
    f: Potential
    g: Potential
    gap: float
    rounds: int
    slack: Floats
    forest: Forest | None = None


def solve(a: _Masses, b: _Masses, cost: Floats) -> Solution:
    """Solve the program for positive integer masses of one total; infinite costs forbid pairs."""
    basis, top = _first(a, b, cost)
    return certified(a, b, cost, basis, top)


def certified(a: _Masses, b: _Masses, cost: Floats, basis: Basis, top: float) -> Solution:
    """The plan and its potentials, refined until they meet; `top` is the size of costs that the potentials come from."""
    shift = _middle(basis.g)
    f, g = basis.f + shift, basis.g - shift
    if int(basis.flow.sum()) < int(a.sum()):
        across = np.ascontiguousarray(cost.T)
        return replace(_everywhere(cost, across, basis, Potential.of(g), 0), gap=np.inf)
    goal = _GOAL * float(np.abs(cost[basis.row, basis.column]) @ basis.flow)
    small, tree = cost.size <= _SMALL, len(basis.row) == sum(cost.shape) - 1
    best = _directly(cost, basis, f, g, _TIGHT * top) if small or tree else None
    if best is not None and best.gap <= goal:
        return best
    near = None if small else near_pairs(cost, f, g, _NEAR * top, basis.row, basis.column)
    if near is not None:
        start = _on_tree(near.row, near.column, near.cost, f, g, _TIGHT * top)
        best = _rounds(_listed(cost, basis, near, start), goal, lambda last: _refine_listed(a, b, cost, near, last))
        if best.gap <= goal:
            return best
    across = np.ascontiguousarray(cost.T)
    if best is None:
        best = _everywhere(cost, across, basis, Potential.of(g), 0)
    elif near is None:
        best = _solution(cost, basis, best.f, c_transform(across, best.f), 0, best.forest)
    return _rounds(best, goal, lambda last: _refine_everywhere(a, b, cost, across, last))


def _directly(cost: Floats, basis: Basis, f: Floats, g: Floats, width: float) -> Solution:
    """Potentials of the rows by one c-transform, after those of the columns are made tight along a tree, if one is known.

    It is the plan, or all pairs of reduced cost up to `width`.
    """
    if len(basis.row) == sum(cost.shape) - 1:
        forest = Forest.of(basis.row, basis.column, *cost.shape)
        if forest.spans:
            rest = _rest(cost[basis.row, basis.column], f[basis.row], g[basis.column])
            start = _tight(forest, rest, g)
            return _solution(cost, basis, c_transform(cost, start), start, 0, forest)
    row, column = np.divmod(np.flatnonzero(cost - f[:, None] - g <= width), len(g))
    start = _on_tree(row, column, cost[row, column], f, g, width)
    return _solution(cost, basis, c_transform(cost, start), start, 0)


def _on_tree(row: Indices, column: Indices, cost: Floats, f: Floats, g: Floats, width: float) -> Potential:
    """Potentials of the columns, tight along the listed pairs of reduced cost up to `width` if those are a tree.

    The plan of equal masses is no tree, but the basis that the simplex ended at was one, of pairs that are nearly tight.
    """
    rest = _rest(cost, f[row], g[column])
    arcs = np.flatnonzero(rest <= width)
    if len(arcs) != len(f) + len(g) - 1:
        return Potential.of(g)
    forest = Forest.of(row[arcs], column[arcs], len(f), len(g))
    return _tight(forest, rest[arcs], g) if forest.spans else Potential.of(g)


def _tight(forest: Forest, rest: Floats, g: Floats) -> Potential:
    """Potentials of the columns with which the reduced costs `rest` of the arcs of a tree vanish."""
    return Potential.of(g) + forest.corrections(rest)[-len(g) :]


def _rest(cost: Floats, f: Floats, g: Floats) -> Floats:
    """Reduced costs of listed pairs, of either sign."""
    s, e = two_sum(cost, -f)
    t, d = two_sum(s, -g)
    return t + (d + e)


def _first(a: _Masses, b: _Masses, cost: Floats) -> tuple[Basis, float]:
    """First solution, without the pairs of infinite cost, and the largest cost in the program that was solved.

    Costs far above those in use are capped, so that they blow up neither errors nor potentials. Potentials of a capped
    cost are feasible for the cost itself, and lose nothing if the plan uses no capped pair.
    """
    low, top, power, finite = float(cost.min()), float(cost.max()), 0, None
    if 0 <= low <= top / 2 and not cost_power(top):
        work, low = cost, 0.0
    else:
        work = cost - low
        top = float(work.max())
        if 0 < cost_power(top) < _POWERS:
            power = cost_power(top)
            work *= 2.0**power
            top *= 2.0**power
    if top == np.inf:
        finite = np.isfinite(work)
        # a cycle that avoids a forbidden pair passes at most min(n, m) others, each dearer by at most the largest cost
        top = 2 * min(cost.shape) * float(work.max(where=finite, initial=0)) or 1.0
        work[~finite] = top
    while True:
        basis = solve_dense(a, b, work, largest=top)
        if finite is not None and not finite[basis.row, basis.column].all():
            used = finite[basis.row, basis.column]
            return Basis(basis.row[used], basis.column[used], basis.flow[used], basis.f, basis.g), top
        cap = _WIDE * float(work[basis.row, basis.column].max())
        if cap == 0 or cap >= top:
            f, g = (basis.f, basis.g) if power == 0 else (np.ldexp(v, -power) for v in (basis.f, basis.g))
            return Basis(basis.row, basis.column, basis.flow, f + low, g), math.ldexp(top, -power)
        work = np.minimum(work, cap, out=None if work is cost else work)
        top = cap


def _middle(g: Floats) -> float:
    """A median: the offset that the simplex leaves in potentials is taken out, before it costs digits."""
    return float(np.sort(g)[len(g) // 2])


def _rounds(best: Solution, goal: float, refine: Callable[[Solution], Solution | None]) -> Solution:
    """Refine while it helps and is of use."""
    while best.gap > goal and best.rounds < _ROUNDS:
        new = refine(best)
        if new is None or not new.gap < best.gap:
            break
        best = new
    return best


def _solution(
    cost: Floats, basis: Basis, f: Potential, g: Potential, rounds: int, forest: Forest | None = None
) -> Solution:
    """The plan with feasible potentials, and the gap between their values."""
    slack = slack_bound(cost[basis.row, basis.column], f[basis.row], g[basis.column])
    gap = float(slack @ basis.flow)
    return Solution(basis.row, basis.column, basis.flow, f, g, gap, rounds, slack, forest)


def _everywhere(cost: Floats, across: Floats, basis: Basis, g: Potential, rounds: int) -> Solution:
    """Potentials made feasible by two c-transforms over all pairs."""
    f = c_transform(cost, g)
    return _solution(cost, basis, f, c_transform(across, f), rounds)


def _listed(cost: Floats, basis: Basis, near: NearPairs, g: Potential, rounds: int = 0) -> Solution:
    """Potentials made feasible by two c-transforms over the pairs that can decide."""
    f = near.of_rows(near.lowered(g))
    return _solution(cost, basis, f, near.of_columns(f), rounds)


def _tightness(cost: Floats, last: Solution) -> float:
    """A cost above anything that shifting flow along the present arcs could pay for."""
    tight = reduced_cost(cost[last.row, last.column], last.f[last.row], last.g[last.column])
    return sum(cost.shape) * float(tight.max())


def _refine_everywhere(a: _Masses, b: _Masses, cost: Floats, across: Floats, last: Solution) -> Solution:
    """Solve again in reduced costs, capped."""
    cap = _tightness(cost, last)
    basis = solve_dense(a, b, reduced_matrix(cost, last.f, last.g, cap), warm=True, scratch=True)
    return _everywhere(cost, across, basis, last.g + basis.g, last.rounds + 1)


def _refine_listed(a: _Masses, b: _Masses, cost: Floats, near: NearPairs, last: Solution) -> Solution | None:
    """Solve again in reduced costs, capped, on the listed pairs; a star of pairs at the cap ties them together."""
    cap = _tightness(cost, last)
    reduced = np.minimum(reduced_cost(near.cost, last.f[near.row], last.g[near.column]), cap)
    n, m = cost.shape
    row = np.concatenate([near.row, np.arange(n), np.zeros(m - 1, dtype=np.intp)])
    column = np.concatenate([near.column, np.zeros(n, dtype=np.intp), np.arange(1, m)])
    basis = solve_listed(a, b, row, column, np.concatenate([reduced, np.full(n + m - 1, cap)]))
    if not np.isfinite(cost[basis.row, basis.column]).all():
        return None  # rounding has left flow on the star
    return _listed(cost, basis, near, last.g + (basis.g - _middle(basis.g)), last.rounds + 1)
