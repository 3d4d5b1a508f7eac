r"""From values on finitely many points to Lipschitz functions on the whole space, and what such a function proves.

McShane and Whitney: if :math:`|v_i - v_k| \le K d(w_i, w_k)`, then the functions

.. math:: F(z) = \min_i v_i + K d(z, w_i), \qquad G(z) = \max_i v_i - K d(z, w_i)

are K-Lipschitz, take the values :math:`v_i`, and every other such function lies between them. Whatever the values are,
a minimum of K-Lipschitz functions is K-Lipschitz: this needs no tolerance, only the triangle inequality.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.exact import exact_dot, two_sum
from divergences.transport.ground import SCALED_BY_DATA, Ground, Metric, ground, is_line
from divergences.transport.inputs import read_floats
from divergences.transport.masses import Balanced
from divergences.transport.result import Floats, Indices

__all__ = ["LipschitzExtension", "check_metric", "distances", "proven_gain"]

_PAIRS = 2**20  # pairs handled at once
_U = 2.0**-53  # unit roundoff
_METRICS = frozenset({"euclidean", "cityblock", "chebyshev", "minkowski", "hamming", "canberra", "jensenshannon"})
_SLACK = 2.0**-40  # relative violation of the triangle inequality that passes for rounding


@final
@dataclass(frozen=True, eq=False)
class LipschitzExtension:
    r"""The largest K-Lipschitz function that is at most :math:`v_i` at :math:`w_i`, defined on the whole space.

    .. math:: F(z) = \min_i v_i + K d(z, w_i)

    It equals :math:`v_i` at :math:`w_i` if the values have no slope above K between the points (McShane 1934, theorem 1;
    Whitney 1934, page 63). As a function of real numbers it is K-Lipschitz exactly. A value that is returned differs
    from it by rounding only, at most :math:`(d / 2 + 5) u (|F| + K \operatorname{diam})` with :math:`u = 2^{-53}` for
    Euclidean distances of normal size.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        The points :math:`w_i`.
    values : ndarray of shape (n,)
        The values :math:`v_i`.
    lipschitz : float, default 1
        The constant K, positive and finite.
    metric : str or callable, default "euclidean"
        The distance d, as for :func:`divergences.wasserstein`; it must satisfy the triangle inequality.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.transport.extension import LipschitzExtension
    >>> F = LipschitzExtension(np.array([[0.0], [4.0]]), np.array([0.0, 2.0]))
    >>> F([0, 1, 3, 4, 5])
    array([0., 1., 3., 2., 3.])
    >>> F.smallest([1, 3, 4, 5])
    array([-1.,  1.,  2.,  1.])
    >>> F.gradient([1, 3.5, 4])
    array([ 1., -1.,  0.])
    """

    points: Floats = field(repr=False)
    values: Floats = field(repr=False)
    lipschitz: float = 1.0
    metric: Metric = "euclidean"

    def __call__(self, z: npt.ArrayLike) -> Floats:
        """Values F(z) of the largest extension.

        Parameters
        ----------
        z : array_like of shape (k, d), or (k,) where d is 1
            Any points.

        Returns
        -------
        ndarray of shape (k,)
            The values.

        Raises
        ------
        ValueError
            If the points have another number of coordinates, or coordinates that are not finite.
        """
        return self._lowest(_read(z, self.points.shape[1]), self.values)[0]

    def smallest(self, z: npt.ArrayLike) -> Floats:
        r"""Values :math:`G(z) = \max_i v_i - K d(z, w_i)` of the smallest extension; as for calling, otherwise."""
        return -self._lowest(_read(z, self.points.shape[1]), -self.values)[0]

    def gradient(self, z: npt.ArrayLike) -> Floats:
        r"""Gradient of the largest extension: K times the unit vector away from the point that attains the minimum.

        Where several points attain it one of them is taken: the gradient of F from one side. At that point itself F
        has a cusp, with slope K in every direction, and the gradient returned is 0, a subgradient.

        Parameters
        ----------
        z : array_like of shape (k, d), or (k,) where d is 1
            Any points.

        Returns
        -------
        ndarray of the shape of z
            Vectors of length K, or 0 at a cusp.

        Raises
        ------
        ValueError
            As for a call; and for a metric that is not Euclidean, whose gradient is not known here.
        """
        u = _read(z, self.points.shape[1])
        if self.metric != "euclidean" and not is_line(u, self.metric):
            msg = (
                f"expected the metric 'euclidean' for a gradient, got {self.metric!r}; differentiate "
                "values[i] + lipschitz * metric(z, points[i]) at the least i"
            )
            raise ValueError(msg)
        away = u - self.points[self._lowest(u, self.values)[1]]
        top = np.abs(away).max(axis=1, keepdims=True)
        away = np.divide(
            away, top, out=np.zeros_like(away), where=top > 0
        )  # squares of these neither over- nor underflow
        length = np.sqrt(np.sum(away * away, axis=1, keepdims=True))
        unit = np.divide(away, length, out=np.zeros_like(away), where=length > 0)
        slopes: Floats = (self.lipschitz * unit).reshape(np.shape(z))
        return slopes

    def _lowest(self, z: Floats, base: Floats) -> tuple[Floats, Indices]:
        """Height of the lowest cone over each point, and the first index that has it."""
        if is_line(z, self.metric):
            return _lowest_on_line(z[:, 0], self.points[:, 0], base, self.lipschitz)
        height, index = np.empty(len(z)), np.empty(len(z), dtype=np.intp)
        size = max(1, _PAIRS // len(base))
        for k in range(0, len(z), size):
            rows = slice(k, k + size)
            with np.errstate(over="ignore"):  # a cone beyond the range of float64 is not the lowest
                cones = self.lipschitz * distances(z[rows], self.points, self.metric).cost
                cones += base
            index[rows] = cones.argmin(axis=1)
            height[rows] = np.take_along_axis(cones, index[rows, None], axis=1)[:, 0]
        return height, index


def check_metric(points: Floats, values: Floats, lipschitz: float, metric: Metric) -> None:
    """Refuse a metric under which a minimum of cones is steeper than the cones: it breaks the triangle inequality.

    Distances of a known name are metrics; of any other the slopes of `values` are measured over all pairs of points.
    """
    if isinstance(metric, str) and metric in _METRICS:
        return
    if isinstance(metric, str) and metric in SCALED_BY_DATA:
        msg = (
            f"expected a metric that does not depend on the points, got {metric!r}, which scales by the variance of "
            "whatever it is given; pass a function with the scale fixed"
        )
        raise ValueError(msg)
    noise = 2.0**-49 * float(np.abs(values).max())
    size = max(1, _PAIRS // len(values))
    for k in range(0, len(values), size):
        distance = distances(points[k : k + size], points, metric).cost
        rise = values[k : k + size, None] - values
        own = distance[np.arange(len(distance)), np.arange(k, k + len(distance))]
        allowed = lipschitz * distance * (1 + _SLACK) + noise
        if own.any() or (rise > allowed).any() or (-rise > allowed).any():
            msg = (
                f"expected a metric, with d(x, x) = 0 and d(x, z) <= d(x, y) + d(y, z), but {metric!r} breaks one of "
                "these on the given points; the dual over Lipschitz functions needs both: use wasserstein, whose "
                "potentials need neither"
            )
            raise ValueError(msg)


def proven_gain(
    x: Floats, y: Floats, masses: Balanced, base: Floats, lipschitz: float, metric: Metric, cap: float = math.inf
) -> Fraction:
    r"""A rational number that :math:`\sum_i a_i F(x_i) - \sum_j b_j F(y_j)` is not below.

    Here :math:`F(z) = \min(\min_j v_j + K d(z, y_j), h)` with the values `base` at `y` and the height `cap`. Distances
    and sums are rounded downward, and F is at most :math:`v_j` at :math:`y_j`; points without mass take no part.
    """
    i, j = np.flatnonzero(masses.source), np.flatnonzero(masses.target)
    x, y, base = x[i], y[j], base[j]
    size = max(1, _PAIRS // len(y))
    tiles = [_cones_down(x[k : k + size], y, base, lipschitz, metric) for k in range(0, len(x), size)]
    height = np.minimum(np.concatenate(tiles), cap)
    return (exact_dot(masses.source[i], height) - exact_dot(masses.target[j], base)) * masses.unit


def _lowest_on_line(z: Floats, x: Floats, base: Floats, slope: float) -> tuple[Floats, Indices]:
    """Lowest cones on the line in O((n + k) log n): that of the points on the left, and that on the right.

    On either side the lowest cone is the same everywhere beyond its apex, and is found once in extended precision.
    """
    order = np.argsort(x, kind="stable")
    left = _running(base[order] - slope * x[order].astype(np.longdouble))
    right = len(x) - 1 - _running((base[order] + slope * x[order].astype(np.longdouble))[::-1])[::-1]
    place = np.searchsorted(x[order], z, side="right")  # points before this one are not to the right of z
    first, second = order[left[np.maximum(place - 1, 0)]], order[right[np.minimum(place, len(x) - 1)]]
    with np.errstate(over="ignore"):
        heights = [base[i] + slope * np.abs(z - x[i]) for i in (first, second)]
    lower = heights[1] < heights[0]
    return np.where(lower, heights[1], heights[0]), np.where(lower, second, first)


def _running(key: npt.NDArray[np.longdouble]) -> Indices:
    """For each entry the index of the smallest up to it, the first of equals."""
    least = np.minimum.accumulate(key)
    new = np.concatenate([[True], key[1:] < least[:-1]])
    return np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))


def _cones_down(x: Floats, y: Floats, base: Floats, lipschitz: float, metric: Metric) -> Floats:
    """Floats that are not above ``min_j base[j] + K d(x, y_j)``, and equal to it where nothing is rounded."""
    g = distances(x, y, metric)
    with np.errstate(over="ignore", under="ignore"):
        steep = lipschitz * g.cost
    exact = math.frexp(lipschitz)[0] == 1 / 2 and np.array_equal(steep / lipschitz, g.cost)  # a power of two
    lost = g.relative + (0.0 if exact else 2 * _U)
    if lost or g.absolute:
        least_steep = steep * (1 - lost - 4 * _U) - lipschitz * g.absolute * (1 + 4 * _U)
        steep = np.maximum(np.nextafter(least_steep, -np.inf), 0)
    cones = base + steep
    least = cones.min(axis=1)
    row, column = np.nonzero(cones == least[:, None])
    _, error = two_sum(base[column], steep[row, column])
    high = np.zeros(len(x), dtype=bool)
    high[row[error < 0]] = True  # the rounded sum is above the true one
    down: Floats = np.where(high, np.nextafter(least, -np.inf), least)
    return down


def distances(x: Floats, y: Floats, metric: Metric) -> Ground:
    """Distances of all pairs with their error; on the line those of coordinates, which need no squares."""
    return ground(x, y, 1.0, "cityblock" if is_line(x, metric) else metric)


def _read(z: npt.ArrayLike, d: int) -> Floats:
    """Points as an array (k, d)."""
    points = read_floats("points z", z)
    points = points[:, None] if points.ndim == 1 and d == 1 else points
    if points.ndim != 2 or points.shape[1] != d:
        msg = f"points z must have shape (k, {d}){' or (k,)' if d == 1 else ''}, got shape {np.shape(z)}"
        raise ValueError(msg)
    if not np.isfinite(points).all():
        index = tuple(int(k) for k in np.argwhere(~np.isfinite(points))[0])
        msg = f"points z must be finite, but z[{index[0]}, {index[1]}] = {float(points[index])!r}; repair or remove it"
        raise ValueError(msg)
    return points
