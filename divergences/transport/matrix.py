"""Transport for a cost matrix held in memory."""

from typing import Any

import numpy.typing as npt

from divergences.transport.assignment import Assignment
from divergences.transport.inputs import pair_tolerance, read_cost, read_masses, read_pair
from divergences.transport.masses import balance
from divergences.transport.matrix_roads import DenseSimplex, MatrixRoad
from divergences.transport.result import Transport

__all__ = ["MATRIX_ROADS", "DenseSimplex", "emd"]

MATRIX_ROADS: tuple[MatrixRoad, ...] = (DenseSimplex(), Assignment())
"""The methods for a given cost matrix; the first is the default."""


def emd(a: npt.ArrayLike, b: npt.ArrayLike, cost: npt.ArrayLike, *, method: MatrixRoad | None = None) -> Transport:
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
        Cost of moving a unit of mass from source i to target j. A cost of +inf forbids the pair.
    method : MatrixRoad, optional
        The method to use, a value: ``DenseSimplex()``, the default, or ``Assignment()`` for as many equal masses on
        either side. Both give the same value and the same certificate.

    Returns
    -------
    Transport
        Value with proven bounds, plan and potentials. The potentials are finite and feasible on all pairs; those of a
        point without mass are the largest that are, which makes them the one-sided derivatives of the value by its
        mass, and 0 where all pairs that could carry its mass are forbidden.

    Raises
    ------
    ValueError
        If masses are negative, not finite, empty, without mass or of unequal totals, the cost has another shape or
        entries that are NaN, -inf or above 1e300, or the method does not suit the masses.
    TypeError
        If `method` is no method for matrices.
    Infeasible
        If the allowed pairs cannot carry the masses; the error holds a set of sources with more mass than all the
        targets that they may reach. It is a TransportError.
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
    >>> emd([1, 1], [1, 1], [[0, 5], [2, np.inf]]).value
    7.0
    """
    p, q = read_masses("a", a), read_masses("b", b)
    read_pair(p, q, pair_tolerance(a, b))
    c = read_cost(cost, (len(p), len(q)))
    masses = balance(p, q)
    return _road(masses, method).solve_matrix(masses, c)


def _road(masses: Any, method: Any) -> MatrixRoad:
    """The method asked for, if it suits; the default otherwise."""
    if method is None:
        return MATRIX_ROADS[0]
    if not isinstance(method, MatrixRoad):
        names = ", ".join(map(repr, MATRIX_ROADS))
        msg = f"expected method to be one of {names}, as a value; got {method!r}"
        raise TypeError(msg)
    if not method.suits_masses(masses):
        msg = (
            f"expected masses that {method} takes, got others ({method.suits_masses.__doc__}); leave method out to have "
            "one chosen"
        )
        raise ValueError(msg)
    return method
