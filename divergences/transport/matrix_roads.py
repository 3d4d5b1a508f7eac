"""Methods that work on a cost matrix held in memory: the network simplex, and what all of them do with its answer."""

from abc import abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from divergences.bounds import Bounds
from divergences.transport.certificate import cost_bounds, duality_bound, root_bounds
from divergences.transport.dense import Solution, solve
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.ground import ground
from divergences.transport.masses import Balanced
from divergences.transport.potentials import slack_bound
from divergences.transport.program import Program, solve_program
from divergences.transport.result import Floats, Transport
from divergences.transport.roads import PointPair, Road

__all__ = ["DenseSimplex", "MatrixRoad"]


@dataclass(frozen=True)
class MatrixRoad(Road):
    """A method for the transport program of a cost matrix; between points it is that of their costs."""

    @abstractmethod
    def suits_masses(self, masses: Balanced) -> bool:
        """Whether the method solves the program for these masses, whatever the costs."""

    @abstractmethod
    def optimum(self, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats) -> Solution:
        """A plan and feasible potentials for positive integer masses of one total."""

    def suits(self, pair: PointPair) -> bool:
        """Where the masses suit."""
        return self.suits_masses(pair.masses)

    def solve(self, pair: PointPair) -> Transport:
        """The program with the costs of all pairs of points."""
        costs, masses = ground(pair.x, pair.y, pair.p, pair.metric), pair.masses
        s = solve_program(masses, costs.cost, self.optimum)
        lower, upper, mass, _ = _values(masses, costs.cost, s)
        return self._transport(root_bounds(lower, upper, costs, max(pair.p, 1)), upper, masses, s, mass)

    def solve_matrix(self, masses: Balanced, cost: Floats) -> Transport:
        """The program of a given cost matrix."""
        s = solve_program(masses, cost, self.optimum)
        lower, upper, mass, size = _values(masses, cost, s)
        return self._transport(cost_bounds(lower, upper, size), upper, masses, s, mass)

    def _transport(self, bounds: Bounds, upper: Fraction, masses: Balanced, s: Program, mass: Floats) -> Transport:
        """The record of an answer."""
        plan = coo_array((mass, (s.row, s.column)), shape=(len(masses.source), len(masses.target)))
        return Transport(bounds, nearest(upper), plan, (s.f.round_down(), s.g.round_down()), self, s.rounds)


@final
@dataclass(frozen=True)
class DenseSimplex(MatrixRoad):
    """Network simplex on the full cost matrix, refined on reduced costs; memory grows as n times m."""

    def suits_masses(self, masses: Balanced) -> bool:
        """Always."""
        return True

    def optimum(self, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats) -> Solution:
        """The simplex, and refinement until primal and dual meet."""
        return solve(a, b, cost)


def _values(masses: Balanced, cost: Floats, s: Program) -> tuple[Fraction, Fraction, Floats, float]:
    """Dual value, cost of the plan, its masses and its cost with signs dropped."""
    used, mass = cost[s.row, s.column], masses.to_mass(s.flow)
    upper = exact_dot(s.flow, used) * masses.unit
    slack = slack_bound(used, s.f[s.row], s.g[s.column]) if s.slack is None else s.slack
    lower = duality_bound(upper, mass, slack)
    if lower < upper:  # constant potentials are feasible, too
        lower = max(lower, Fraction(float(cost.min())) * masses.units * masses.unit)
    with np.errstate(over="ignore"):
        size = float(mass @ np.abs(used))
    return lower, upper, mass, size
