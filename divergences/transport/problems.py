"""The two problems of the package: transport for a cost matrix, and Wasserstein distances between points."""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from divergences.transport.certificate import cost_bounds, dual_value, root_bounds
from divergences.transport.dense import DenseSimplex
from divergences.transport.exact import exact_dot, nearest
from divergences.transport.ground import Metric, ground, is_line
from divergences.transport.inputs import read_cost, read_masses, read_order, read_pair, read_points, read_weights
from divergences.transport.line import Line, solve_line
from divergences.transport.masses import Balanced, balance, exact_total
from divergences.transport.potentials import Potential
from divergences.transport.program import solve_program
from divergences.transport.result import Floats, Indices, Integers, Transport

__all__ = ["emd", "wasserstein"]


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
    plan = _plan(masses, row, column, flow)
    return Transport(cost_bounds(lower, upper, size), nearest(upper), plan, _rounded(f, g), DenseSimplex(), rounds)


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    metric: Metric = "euclidean",
) -> Transport:
    r"""Wasserstein distance between two weighted sets of points.

    .. math:: W_p = \Bigl( \min_{\gamma \ge 0,\ \gamma 1 = a,\ \gamma^T 1 = b}
              \sum_{ij} d(x_i, y_j)^p \gamma_{ij} \Bigr)^{1/p} .

    Points on the line are sorted, in any number; points of more dimensions go to the dense linear program, whose
    memory grows as n times m.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, by default uniform: non-negative, of mass 1 within 1.5e-8, the root of the float64 epsilon. The
        distance is that of the exactly normalised pair.
    b : array_like of shape (m,), optional
        Weights of `y`, by default uniform.
    p : float, default 1
        Order, at least 1 and finite.
    metric : str or callable, default "euclidean"
        A name that :func:`scipy.spatial.distance.cdist` knows, or a function that takes arrays (n, d) and (m, d) to
        the distances (n, m).

    Returns
    -------
    Transport
        The p-th root as value, with proven bounds; `cost` is its p-th power. The bounds hold for the points as given,
        the rounding of Euclidean and city-block distances included; the distances of other metrics are taken as
        computed. The potentials belong to the cost ``d ** p``.

    Raises
    ------
    ValueError
        If points or weights are not finite or of shapes that do not fit, weights are negative or not of mass 1, p is
        below 1, or the metric is unknown or gives no distances.
    TransportError
        If the solver stops early, or the bounds cannot be brought within 1e-9 of each other.

    References
    ----------
    C. Villani (2009), Optimal transport: old and new, definition 6.1.
    F. Santambrogio (2015), Optimal transport for applied mathematicians, theorem 2.9 and chapter 5.

    Examples
    --------
    >>> from divergences.transport import wasserstein
    >>> wasserstein([0, 1, 3], [5, 6, 8]).value
    5.0
    >>> t = wasserstein([[0, 0], [1, 0]], [[0, 3], [1, 4]], p=2)
    >>> t.cost, str(t.method)
    (12.5, 'DenseSimplex')
    >>> t.bounds.contains(12.5**0.5)
    True
    """
    order = read_order(p)
    u, v = read_points(x, y)
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    masses = balance(w, z, Fraction(1))
    if is_line(u, metric):
        return _on_line(u[:, 0], v[:, 0], masses, order)
    costs = ground(u, v, order, metric)
    row, column, flow, f, g, rounds = solve_program(masses, costs.cost)
    lower, upper = dual_value(masses, f, g, costs.cost), exact_dot(flow, costs.cost[row, column]) * masses.unit
    bounds = root_bounds(lower, upper, costs, order)
    plan = _plan(masses, row, column, flow)
    return Transport(bounds, nearest(upper), plan, _rounded(f, g), DenseSimplex(), rounds)


def _on_line(x: Floats, y: Floats, masses: Balanced, p: float) -> Transport:
    """Transport on the line, where the cost of the monotone plan is both bounds."""
    s = solve_line(x, y, masses, p)
    cost = exact_dot(s.flow, s.ground.cost) * masses.unit
    plan = _plan(masses, s.row, s.column, s.flow)
    return Transport(root_bounds(cost, cost, s.ground, p), nearest(cost), plan, (s.f, s.g), Line(), 0)


def _plan(masses: Balanced, row: Indices, column: Indices, flow: Integers) -> "coo_array[Any, tuple[int, int]]":
    """The plan as a sparse matrix."""
    shape = (len(masses.source), len(masses.target))
    return coo_array((masses.to_mass(flow), (row, column)), shape=shape)


def _rounded(f: Potential, g: Potential) -> tuple[Floats, Floats]:
    """Potentials in float64, rounded down so that they stay feasible."""
    return f.round_down(), g.round_down()
