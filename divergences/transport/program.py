"""From masses and a cost matrix to a plan with exact marginals and potentials of all points."""

from fractions import Fraction

import numpy as np

from divergences.transport.dense import Solution, solve
from divergences.transport.exact import exact_dot
from divergences.transport.forest import Flows, completed, exact_flows
from divergences.transport.masses import Balanced
from divergences.transport.potentials import Potential, c_transform, reduced_cost
from divergences.transport.result import Floats, Indices, Integers
from divergences.transport.routing import route
from divergences.transport.simplex import coarse

__all__ = ["solve_program"]

_SHORTCUT = Fraction(1, 10**14)  # relative cost that may be wasted on the last units of mass


def solve_program(masses: Balanced, cost: Floats) -> tuple[Indices, Indices, Integers, Potential, Potential, int]:
    """Exact flows and potentials of all points: those without mass take no part until the end."""
    i, j = np.flatnonzero(masses.source), np.flatnonzero(masses.target)
    a, b, units = masses.source[i], masses.target[j], masses.units
    core = cost if (len(i), len(j)) == cost.shape else np.ascontiguousarray(cost[np.ix_(i, j)])
    s = solve(coarse(a, units), coarse(b, units), core)
    flows, f, g = _exact(core, s, exact_flows(s.row, s.column, a, b))
    f, g = (f, g) if core is cost else _extended(cost, j, g)
    return i[flows.row], j[flows.column], flows.flow, f, g, s.rounds


def _exact(cost: Floats, s: Solution, flows: Flows) -> tuple[Flows, Potential, Potential]:
    """A plan of exactly the marginals, with the last units on shortest paths if the shortcut costs visible digits."""
    full = completed(flows)
    used = cost[full.row, full.column]
    excess = exact_dot(full.flow, reduced_cost(used, s.f[full.row], s.g[full.column]))
    if not flows.supply.any() or excess <= _SHORTCUT * exact_dot(full.flow, np.abs(used)):
        return full, s.f, s.g
    return route(cost, s.f, s.g, flows)


def _extended(cost: Floats, columns: Indices, g: Potential) -> tuple[Potential, Potential]:
    """Potentials of all points: the largest that are feasible with those of the other side."""
    f = c_transform(np.ascontiguousarray(cost[:, columns]), g)
    return f, c_transform(np.ascontiguousarray(cost.T), f)
