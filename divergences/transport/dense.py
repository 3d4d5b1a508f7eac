"""The dense transport program: one network simplex, then refinement on reduced costs until primal and dual meet.

The error of a simplex in floating point is relative to its largest cost. Written in reduced costs ``C - f - g`` the same
program has a smaller largest cost, so each round gains the digits the last one lacked (iterative refinement for linear
programs: Gleixner, Steffy & Wolter 2016, INFORMS Journal on Computing 28(3)).
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.potentials import Potential, c_transform, reduced_cost, reduced_matrix
from divergences.transport.result import Floats, Indices
from divergences.transport.simplex import Basis, solve_dense

__all__ = ["Solution", "solve"]

_ROUNDS = 40
_GOAL = 2.0**-54  # relative gap at which float64 could not show any improvement
_WIDE = 2.0**20  # range of costs, relative to those in use, that costs no digits that matter


@final
@dataclass(frozen=True, eq=False)
class Solution:
    """Arcs of an optimal plan, feasible potentials of both sides, the gap between them and the rounds it took."""

    row: Indices
    column: Indices
    f: Potential
    g: Potential
    gap: float
    rounds: int


def solve(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats) -> Solution:
    """Solve the program for positive integer masses of one total."""
    across = np.ascontiguousarray(cost.T)
    basis = _first(a, b, cost)
    best = _certified(cost, across, basis, Potential.of(basis.g), 0)
    while best.gap > _GOAL * _scale(cost, basis) and best.rounds < _ROUNDS:
        basis = _refine(a, b, cost, best)
        new = _certified(cost, across, basis, best.g + basis.g, best.rounds + 1)
        if not new.gap < best.gap:
            break
        best = new
    return best


def _first(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats) -> Basis:
    """First solution. Costs far above those in use are capped, so that they blow up neither errors nor potentials.

    Potentials of a capped cost are feasible for the cost itself, and lose nothing if the plan uses no capped pair.
    """
    cost = cost - cost.min()
    while True:
        basis = solve_dense(a, b, cost)
        cap = _WIDE * float(cost[basis.row, basis.column].max())
        if cap == 0 or cap >= cost.max():
            return basis
        cost = np.minimum(cost, cap)


def _certified(cost: Floats, across: Floats, basis: Basis, g: Potential, rounds: int) -> Solution:
    """The plan with its potentials made feasible on all pairs by two c-transforms."""
    f = c_transform(cost, g + np.full_like(basis.g, -np.median(g.high)))
    g = c_transform(across, f)
    tight = reduced_cost(cost[basis.row, basis.column], f[basis.row], g[basis.column])
    return Solution(basis.row, basis.column, f, g, float(tight @ basis.flow), rounds)


def _scale(cost: Floats, basis: Basis) -> float:
    """Size of the cost of the plan, the unit of relative gaps."""
    return float(np.abs(cost[basis.row, basis.column]) @ basis.flow)


def _refine(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats, last: Solution) -> Basis:
    """Solve again in reduced costs, capped above anything that shifting flow along the present arcs could pay for."""
    tight = reduced_cost(cost[last.row, last.column], last.f[last.row], last.g[last.column])
    cap = sum(cost.shape) * float(tight.max())
    return solve_dense(a, b, reduced_matrix(cost, last.f, last.g, cap), warm=True)
