"""What every solver of this package returns, and the error it raises instead of an uncertified number."""

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from divergences.bounds import Bounds

__all__ = ["Floats", "Indices", "Integers", "Method", "Transport", "TransportError"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Integers = npt.NDArray[Any]  # int64 where the numbers fit, Python integers where they do not


class TransportError(RuntimeError):
    """A transport problem was not solved to a certified answer; nothing uncertified is returned in its place.

    Examples
    --------
    >>> import divergences as dv
    >>> try:
    ...     dv.emd([1], [1], [[float("inf")]])
    ... except dv.TransportError as error:
    ...     print(type(error).__name__)
    Infeasible
    """


@dataclass(frozen=True)
class Method:
    """The road a value came by; ``str`` of it is its name."""

    def __str__(self) -> str:
        """Name of the method."""
        return type(self).__name__


@final
@dataclass(frozen=True, eq=False)
class Transport:
    r"""An optimal transport plan, its dual potentials and the certificate of its value.

    Primal and dual program (Kantorovich; Villani 2003, Theorem 1.3; Peyré & Cuturi 2019, equations 2.11 and 2.20):

    .. math:: \min_{\gamma \ge 0,\ \gamma 1 = a,\ \gamma^T 1 = b} \sum_{ij} c_{ij} \gamma_{ij}
              = \max_{f_i + g_j \le c_{ij}} \sum_i f_i a_i + \sum_j g_j b_j .

    Parameters
    ----------
    bounds : Bounds
        Proven bounds of the value. Up to outward rounding they are the cost of a plan with *exactly* the marginals asked
        for (upper) and the dual value of *exactly* feasible potentials (lower), both summed without rounding. On the
        line the two are one number by the Monge condition.
    cost : float
        Total transport cost :math:`\sum c_{ij} \gamma_{ij}`. It is the value of `emd`, and the p-th power of that of
        `wasserstein`.
    plan : scipy.sparse.coo_array of shape (n, m)
        The optimal plan :math:`\gamma`, each entry rounded once to float64. Optimal plans need not be unique.
    potentials : tuple of ndarray, shapes (n,) and (m,)
        Dual potentials f and g, feasible on all pairs, those of points without mass included.
    method : Method
        How the plan was found.
    iterations : int
        Rounds of refinement after the first solution; 0 where none was needed.

    Examples
    --------
    >>> import divergences as dv
    >>> t = dv.emd([3, 1], [2, 2], [[0, 2], [1, 0]])
    >>> t.value, t.bounds.gap
    (2.0, 0.0)
    >>> t.plan.toarray()
    array([[2., 1.],
           [0., 1.]])
    >>> f, g = t.potentials
    >>> float(f @ [3, 1] + g @ [2, 2])  # the dual value
    2.0
    """

    bounds: Bounds
    cost: float
    plan: "coo_array[Any, tuple[int, int]]" = field(repr=False)
    potentials: tuple[Floats, Floats] = field(repr=False)
    method: Method
    iterations: int

    @property
    def value(self) -> float:
        """The value, inside its bounds: least cost for `emd`, the p-th root of it for `wasserstein`."""
        return self.bounds.value
