"""From masses and a cost matrix to a plan with exact marginals and potentials of all points."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.dense import Solution, solve
from divergences.transport.exact import exact_dot
from divergences.transport.feasibility import Blocked, infeasible
from divergences.transport.forest import Flows, completed, exact_flows
from divergences.transport.masses import Balanced
from divergences.transport.potentials import Potential, c_transform, reduced_cost
from divergences.transport.result import Floats, Indices, Integers
from divergences.transport.routing import route
from divergences.transport.simplex import coarse

__all__ = ["Program", "Solver", "solve_program"]

Solver = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats], Solution]
"""What finds a plan and potentials for positive integer masses."""

_SHORTCUT = Fraction(1, 10**14)  # relative cost that may be wasted on the last units of mass


@final
@dataclass(frozen=True, eq=False)
class Program:
    """A plan of exactly the marginals, as integer flows on pairs, and feasible potentials of all points.

    `slack` are numbers not below the reduced costs of its pairs, where they are known.
    """

    row: Indices
    column: Indices
    flow: Integers
    f: Potential
    g: Potential
    rounds: int
    slack: Floats | None


def solve_program(masses: Balanced, cost: Floats, solver: Solver = solve) -> Program:
    """Exact flows and potentials of all points: those without mass take no part until the end."""
    i, j = np.flatnonzero(masses.source), np.flatnonzero(masses.target)
    a, b, core, units = masses.source, masses.target, cost, masses.units
    if (len(i), len(j)) != cost.shape:
        a, b, core = a[i], b[j], np.ascontiguousarray(cost[np.ix_(i, j)])
    if core[0, 0] == core.min() == np.inf:
        raise infeasible(masses, cost, i)
    try:
        s = solver(coarse(a, units), coarse(b, units), core)
        flows, f, g = _exact(core, s, _flows(s, a, b, units))
    except Blocked as search:
        raise infeasible(masses, cost, i[search.sources]) from None
    slack = s.slack if flows.row is s.row and g is s.g else None
    if core is cost:
        return Program(flows.row, flows.column, flows.flow, f, g, s.rounds, slack)
    return Program(i[flows.row], j[flows.column], flows.flow, *_extended(cost, j, g), s.rounds, None)


def _flows(s: Solution, a: Integers, b: Integers, units: int) -> Flows:
    """The flows of the plan, for the exact masses; they are exact as they are where the solver was given all digits."""
    if units <= 2**52 and _meets(s.row, s.flow, a) and _meets(s.column, s.flow, b):
        return Flows(s.row, s.column, s.flow, np.zeros_like(a), np.zeros_like(b))
    return exact_flows(s.row, s.column, a, b, s.forest)


def _meets(end: Indices, flow: Integers, mass: Integers) -> bool:
    """Whether flows of fewer than 53 bits add up to the masses of one side; sums of them in float64 are exact."""
    return np.array_equal(np.bincount(end, weights=flow, minlength=len(mass)), mass)


def _exact(cost: Floats, s: Solution, flows: Flows) -> tuple[Flows, Potential, Potential]:
    """A plan of exactly the marginals, with the last units on shortest paths if the shortcut costs visible digits."""
    if not flows.supply.any():
        return flows, s.f, s.g
    full = completed(flows)
    used = cost[full.row, full.column]
    if used.max() < np.inf:
        excess = exact_dot(full.flow, reduced_cost(used, s.f[full.row], s.g[full.column]))
        if excess <= _SHORTCUT * exact_dot(full.flow, np.abs(used)):
            return full, s.f, s.g
    return route(cost, s.f, s.g, flows)


def _extended(cost: Floats, columns: Indices, g: Potential) -> tuple[Potential, Potential]:
    """Potentials of all points: the largest that are feasible with those of the other side."""
    f = c_transform(np.ascontiguousarray(cost[:, columns]), g)
    return f, c_transform(np.ascontiguousarray(cost.T), f)
