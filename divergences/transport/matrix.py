"""Transport for a cost matrix held in memory."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.certificate import cost_bounds, dual_value, root_bounds
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.ground import ground
from divergences.transport.inputs import read_cost, read_masses, read_pair
from divergences.transport.masses import balance, exact_total
from divergences.transport.potentials import Potential
from divergences.transport.program import solve_program
from divergences.transport.result import Floats, Transport
from divergences.transport.roads import PointPair, Road, sparse_plan

__all__ = ["DenseSimplex", "emd"]


@final
@dataclass(frozen=True)
class DenseSimplex(Road):
    """Network simplex on the full cost matrix, refined on reduced costs; memory grows as n times m."""

    def suits(self, pair: PointPair) -> bool:
        """Always."""
        return True

    def solve(self, pair: PointPair) -> Transport:
        """The program with the costs of all pairs of points."""
        costs, masses = ground(pair.x, pair.y, pair.p, pair.metric), pair.masses
        row, column, flow, f, g, rounds = solve_program(masses, costs.cost)
        lower, upper = dual_value(masses, f, g, costs.cost), exact_dot(flow, costs.cost[row, column]) * masses.unit
        bounds = root_bounds(lower, upper, costs, pair.p)
        return Transport(bounds, nearest(upper), sparse_plan(masses, row, column, flow), _rounded(f, g), self, rounds)


def emd(a: npt.ArrayLike, b: npt.ArrayLike, cost: npt.ArrayLike) -> Transport:
    r"""Earth mover's distance: the least cost of moving the masses `a` onto the masses `b`.

    .. math:: \min_{\gamma \ge 0} \sum_{ij} c_{ij} \gamma_{ij}
              \quad\text{subject to}\quad \sum_j \gamma_{ij} = a_i,\ \sum_i \gamma_{ij} = b_j .

    A total, not a mean: doubling both masses doubles it. Costs may have any sign and need not be distances.

    Parameters
    ----------
    a : array_like of shape (n,)
        Masses of the sources, non-negative and finite.
    b : array_like of shape (m,)
        Masses of the targets, of the same positive total. A relative difference of up to 1e-9 is taken for rounding:
        both sides are then scaled to the mean of the two totals, exactly.
    cost : array_like of shape (n, m)
        Cost of moving a unit of mass from source i to target j, finite.

    Returns
    -------
    Transport
        Value with proven bounds, plan and potentials.

    Raises
    ------
    ValueError
        If masses are negative, not finite, empty, without mass or of unequal totals, or the cost has another shape or
        entries that are not finite.
    TransportError
        If the solver stops early, or the bounds cannot be brought within 1e-9 of each other.

    Notes
    -----
    Masses are integers inside, in a unit that makes both totals exactly equal, and the plan whose cost is the upper
    bound has exactly these marginals. The dual potentials are carried in twice the precision of float64. The largest
    entry of `cost` is of no influence on the accuracy of the others.

    References
    ----------
    G. Peyré and M. Cuturi (2019), Computational optimal transport, sections 2.3, 2.5 and 3.
    C. Villani (2003), Topics in optimal transportation, theorem 1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.transport import emd
    >>> x, y = np.array([1, 2, 3]), np.array([7, 8, 9, 10])
    >>> t = emd([3, 1, 2], [1, 1, 2, 2], abs(x[:, None] - y))
    >>> t.value
    42.0
    >>> t.bounds
    Bounds(lower=42.0, value=42.0, upper=42.0)
    >>> print(t.plan.sum(axis=1), t.plan.sum(axis=0), t.method)
    [3. 1. 2.] [1. 1. 2. 2.] DenseSimplex
    """
    p, q = read_masses("a", a), read_masses("b", b)
    read_pair(p, q)
    c = read_cost(cost, (len(p), len(q)))
    masses = balance(p, q, (exact_total(p) + exact_total(q)) / 2)
    row, column, flow, f, g, rounds = solve_program(masses, c)
    used = c[row, column]
    lower, upper = dual_value(masses, f, g, c), exact_dot(flow, used) * masses.unit
    size = nearest(exact_dot(flow, np.abs(used)) * masses.unit)
    plan = sparse_plan(masses, row, column, flow)
    return Transport(cost_bounds(lower, upper, size), nearest(upper), plan, _rounded(f, g), DenseSimplex(), rounds)


def _rounded(f: Potential, g: Potential) -> tuple[Floats, Floats]:
    """Potentials in float64, rounded down so that they stay feasible."""
    return f.round_down(), g.round_down()
