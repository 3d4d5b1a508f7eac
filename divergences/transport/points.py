"""Wasserstein distances between points: the table of methods, and the choice among them."""

from fractions import Fraction
from typing import Any

import numpy.typing as npt

from divergences.transport.ground import Metric
from divergences.transport.inputs import read_order, read_points, read_weights
from divergences.transport.line import Line
from divergences.transport.masses import balance
from divergences.transport.matrix import DenseSimplex
from divergences.transport.result import Transport
from divergences.transport.roads import PointPair, Road

__all__ = ["ROADS", "wasserstein"]

ROADS: tuple[Road, ...] = (Line(), DenseSimplex())
"""The methods in order of preference: a problem goes to the first that suits it."""


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    metric: Metric = "euclidean",
    method: Road | None = None,
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
    method : Road, optional
        The method to use, a value such as ``DenseSimplex()``; by default the first of
        ``divergences.transport.points.ROADS`` that suits the problem. All methods that suit agree.

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
        below 1, the metric is unknown or gives no distances, or the method does not suit the problem.
    TypeError
        If `method` is no method.
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
    pair = PointPair(u, v, balance(w, z, Fraction(1)), order, metric)
    return _road(pair, method).solve(pair)


def _road(pair: PointPair, method: Any) -> Road:
    """The method asked for, or the first of the table that suits the problem."""
    if method is None:
        return next(road for road in ROADS if road.suits(pair))
    if not isinstance(method, Road):
        msg = f"expected method to be one of {', '.join(map(str, ROADS))}, as a value such as {ROADS[0]!r}; got {method!r}"
        raise TypeError(msg)
    if not method.suits(pair):
        msg = f"expected a problem that {method} solves, got another ({method.suits.__doc__}); leave method out to have one chosen"
        raise ValueError(msg)
    return method
