"""Wasserstein distances between points: the table of methods, and the choice among them."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, overload

import numpy.typing as npt

from divergences._objects import are_distributions
from divergences.transport.arc import Arc
from divergences.transport.assignment import Assignment
from divergences.transport.between_distributions import DistributionTransport, between
from divergences.transport.circle import Circle
from divergences.transport.clouds.progress import Interrupted
from divergences.transport.clouds.road import FITS, Clouds
from divergences.transport.feasibility import Infeasible
from divergences.transport.ground import Metric, without_constant_coordinates
from divergences.transport.inputs import read_order, read_points, read_weights
from divergences.transport.line import Line
from divergences.transport.masses import balance
from divergences.transport.matrix_roads import DenseSimplex
from divergences.transport.result import Transport, TransportError
from divergences.transport.roads import PointPair, Road
from divergences.transport.tree import Tree

if TYPE_CHECKING:
    from divergences.families import Distribution

__all__ = ["ROADS", "chosen", "wasserstein", "wasserstein_circle"]

ROADS: tuple[Road, ...] = (Line(), Circle(), Tree(), Clouds(), DenseSimplex(), Assignment())
"""The methods in order of preference: a problem goes to the first that suits it and pays; the last only when forced."""


@overload
def wasserstein(x: "Distribution", y: "Distribution", *, p: float = 1) -> DistributionTransport: ...


@overload
def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    metric: Metric = "euclidean",
    method: Road | None = None,
) -> Transport: ...


def wasserstein(
    x: Any,
    y: Any,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    metric: Metric = "euclidean",
    method: Road | None = None,
) -> Transport | DistributionTransport:
    r"""Wasserstein distance between two weighted sets of points, or between two distributions.

    .. math:: W_p = \Bigl( \min_{\gamma \ge 0,\ \gamma 1 = a,\ \gamma^T 1 = b}
              \sum_{ij} d(x_i, y_j)^p \gamma_{ij} \Bigr)^{1/p} .

    Points on the line are sorted, in any number. Points of more dimensions go to the dense linear program while there
    are few, and to `Clouds` where there are many, whose memory grows as n plus m.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d), or a distribution
        Points of the first measure; or a distribution of `divergences.families`, scipy.stats or torch.distributions.
    y : array_like of shape (m,) or (m, d), or a distribution
        Points of the second, or a distribution.
    a : array_like of shape (n,), optional
        Weights of `x`, by default uniform: non-negative, of mass 1 within 1.5e-8, the root of the float64 epsilon. The
        distance is that of the exactly normalised pair.
    b : array_like of shape (m,), optional
        Weights of `y`, by default uniform.
    p : float, default 1
        Order, positive and finite. Below 1 the cost itself is a metric, ``d ** p`` being one, and is the value; no root
        is taken.
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
    DistributionTransport
        Of two distributions: bounds of the value, ``cost`` and the optimal map, see
        :func:`divergences.transport.between`. There `p` is the only option.

    Raises
    ------
    ValueError
        If points or weights are not finite or of shapes that do not fit, weights are negative or not of mass 1, p is
        not positive, the metric is unknown or gives no distances, or the method does not suit the problem.
    TypeError
        If `method` is no method.
    Infeasible
        If pairs at infinite distance leave no plan.
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
    if are_distributions(x, y):
        _require_no_options(a, b, metric, method)
        return between(x, y, p=p)
    order = read_order(p, concave=True)
    u, v = without_constant_coordinates(*read_points(x, y), metric)
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    pair = PointPair(u, v, balance(w, z, Fraction(1)), order, metric)
    return _solved(pair) if method is None else chosen(pair, method).solve(pair)


def _require_no_options(*options: Any) -> None:
    """Refuse the options of points beside distributions."""
    for name, option, default in zip(
        ("a", "b", "metric", "method"), options, (None, None, "euclidean", None), strict=True
    ):
        if not (option is default or option == default):
            msg = f"expected no {name} beside distributions, got {option!r}; leave it out, or pass points and weights"
            raise TypeError(msg)


def wasserstein_circle(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    period: float = 1.0,
) -> Transport:
    r"""Wasserstein distance between two weighted sets of points on a circle.

    .. math:: W_p = \min_{\alpha \in \mathbb{R}} \Bigl( \int_0^1 |F^{-1}(t) - G^{-1}(t - \alpha)|^p \, dt \Bigr)^{1/p}

    with distribution functions continued by :math:`F(x + P) = F(x) + 1`; the distance of two points is the length of the
    shorter arc.

    Parameters
    ----------
    x : array_like of shape (n,)
        Points of the first measure; any numbers, taken modulo the period.
    y : array_like of shape (m,)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, by default uniform: non-negative, of mass 1 within 1.5e-8. The distance is that of the exactly
        normalised pair.
    b : array_like of shape (m,), optional
        Weights of `y`, by default uniform.
    p : float, default 1
        Order, at least 1 and finite.
    period : float, default 1.0
        Length P of the circle: 24 for hours, ``2 * math.pi`` for radians.

    Returns
    -------
    Transport
        The p-th root as value, with proven bounds; plan; and potentials of the cost ``d ** p`` that are feasible on all
        pairs.

    Raises
    ------
    ValueError
        If points or weights are not finite or of shapes that do not fit, weights are negative or not of mass 1, p is
        below 1, or the period is not positive and finite.

    Notes
    -----
    The same as ``wasserstein(x, y, a, b, p=p, metric=Arc(period))``. The shift is minimised over integers, masses being
    multiples of a common unit, so a plan is never near the best one but is it.

    References
    ----------
    J. Delon, J. Salomon and A. Sobolevskii (2010), Fast transport optimization for Monge costs on the circle, SIAM
    Journal on Applied Mathematics 70(7).
    J. Rabin, J. Delon and Y. Gousseau (2011), Transportation distances on the circle, Journal of Mathematical Imaging
    and Vision 41.

    Examples
    --------
    >>> from divergences.transport import wasserstein_circle
    >>> wasserstein_circle([23, 0, 1], [1, 2, 3], period=24).value
    2.0
    >>> wasserstein_circle([0, 0.5], [0.25, 0.75], p=2).value
    0.25
    """
    return wasserstein(x, y, a, b, p=read_order(p), metric=Arc(period))


def _solved(pair: PointPair) -> Transport:
    """By the first method of the table that suits; where it cannot bring its bounds together, by the dense program."""
    road = chosen(pair, None)
    try:
        return road.solve(pair)
    except (Infeasible, Interrupted):
        raise
    except TransportError:
        if isinstance(road, DenseSimplex) or len(pair.x) * len(pair.y) > FITS:
            raise
        return DenseSimplex().solve(pair)


def chosen(pair: PointPair, method: Any) -> Road:
    """The method asked for, or the first of the table that suits the problem."""
    if method is None:
        return next(road for road in ROADS if road.suits(pair) and road.pays(pair))
    if not isinstance(method, Road):
        msg = f"expected method to be one of {', '.join(map(str, ROADS))}, as a value such as {ROADS[0]!r}; got {method!r}"
        raise TypeError(msg)
    if not method.suits(pair):
        msg = f"expected a problem that {method} solves, got another ({method.suits.__doc__}); leave method out to have one chosen"
        raise ValueError(msg)
    return method
