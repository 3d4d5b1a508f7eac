r"""Distances of kernel means: maximum mean discrepancy and energy distance.

With the kernel mean :math:`\mu_P = \mathbb E_P k(X, \cdot)` both are squared distances :math:`|\mu_P - \mu_Q|^2` in the
space that the kernel reproduces: a quadratic form of the signed masses P - Q, summed in tiles of all pairs.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.integral_metrics.kernels import Energy, Kernel
from divergences.integral_metrics.measures import JointSupport, read_measures, united
from divergences.transport.inputs import read_points
from divergences.transport.result import Floats

__all__ = ["KernelMetric", "energy_distance", "mmd"]

_PAIRS = 2**20  # pairs handled at once
_U = 2.0**-53  # unit roundoff
_TINY = 2.0**-500  # distances below this may be computed as 0


@final
@dataclass(frozen=True, eq=False)
class KernelMetric:
    r"""The *square* of a distance of kernel means, with its bounds and its witness.

    Parameters
    ----------
    bounds : Bounds
        Of the squared distance; a bound on all roundings, those of the kernel included.
    kernel : Kernel
        The kernel k.
    points : ndarray of shape (k, d)
        Distinct points :math:`z_i` that the witness is made of.
    weights : ndarray of shape (k,)
        The masses of P less those of Q on these points.
    """

    bounds: Bounds
    kernel: Kernel
    points: Floats = field(repr=False)
    weights: Floats = field(repr=False)

    @property
    def value(self) -> float:
        """The squared distance."""
        return self.bounds.value

    @property
    def distance(self) -> Bounds:
        """The distance itself, the root; an unbiased estimate below 0 has none and is refused."""
        if self.bounds.upper < 0:
            msg = f"expected a squared distance, got the unbiased estimate {self.value!r}; it has no root: use `value`"
            raise ValueError(msg)
        low, value, high = (math.sqrt(max(s, 0.0)) for s in (self.bounds.lower, self.bounds.value, self.bounds.upper))
        return Bounds(math.nextafter(low, 0.0) if low else 0.0, value, math.nextafter(high, math.inf))

    def witness(self, z: npt.ArrayLike) -> Floats:
        r"""The function :math:`f(z) = \mathbb E_P k(X, z) - \mathbb E_Q k(Y, z)`, up to a constant.

        Its difference of means is the squared distance. Divided by the distance it has norm 1 and attains the supremum
        over the unit ball.

        Parameters
        ----------
        z : array_like of shape (k, d), or (k,) where d is 1
            Any points.

        Returns
        -------
        ndarray of shape (k,)
            The values.
        """
        if not len(self.points):
            return np.zeros(len(read_points(z, z)[0]))
        u, v = read_points(z, self.points)
        size = max(1, _PAIRS // len(v))
        with np.errstate(over="ignore", invalid="ignore"):
            tiles = [self.kernel.core(u[k : k + size], v) @ self.weights for k in range(0, len(u), size)]
        _check_range(self.kernel, *(float(np.abs(tile).max(initial=0.0)) for tile in tiles))
        return np.concatenate(tiles)


def mmd(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    kernel: Kernel,
    unbiased: bool = False,
) -> KernelMetric:
    r"""*Squared* maximum mean discrepancy of two weighted sets of points.

    .. math:: \mathrm{MMD}^2 = \mathbb E\, k(X, X') + \mathbb E\, k(Y, Y') - 2\, \mathbb E\, k(X, Y)
              = \Bigl( \sup_{|f| \le 1} \mathbb E_P f - \mathbb E_Q f \Bigr)^2

    with independent copies X, X' of P and Y, Y' of Q, and f in the unit ball of the space that k reproduces. It is the
    exact value for the two finite measures. As an estimate from samples of larger populations it is biased upward; with
    `unbiased` the mean of k(X, X') is that over pairs of different indices, which removes the bias and may make the
    estimate negative.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default.
    b : array_like of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    kernel : Kernel
        Such as ``Gaussian(median_bandwidth(x, y))``.
    unbiased : bool, default False
        Take `x` and `y` for samples, two at least of each and without weights, and estimate the square without bias.

    Returns
    -------
    KernelMetric
        The square with bounds; `distance` is the root.

    Raises
    ------
    TypeError
        If `kernel` is no Kernel.
    ValueError
        As for :func:`divergences.wasserstein`; for `unbiased` with weights, or with fewer than two points in a sample; if
        the kernel overflows at the points.

    References
    ----------
    A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf and A. Smola (2012), A kernel two-sample test, JMLR 13, lemma 6.

    Examples
    --------
    >>> from divergences.integral_metrics import Gaussian, Linear, mmd
    >>> mmd([0, 1], [2, 5], kernel=Linear()).value
    9.0
    >>> round(mmd([0.0], [1.0], kernel=Gaussian(1)).value, 12)
    0.786938680575
    """
    _require_kernel(kernel)
    if not unbiased:
        return _discrepancy(united(*read_measures(x, y, a, b)), kernel)
    u, v = read_points(x, y)
    if a is not None or b is not None or min(len(u), len(v)) < 2:
        msg = (
            f"expected two samples of at least two points without weights, got {len(u)} and {len(v)} points"
            f"{'' if a is None and b is None else ' with weights'}; for weighted points leave unbiased=False"
        )
        raise ValueError(msg)
    points = np.concatenate([u, v])
    weights = np.concatenate([np.full(len(u), 1 / len(u)), np.full(len(v), -1 / len(v))])
    form = _form(kernel, points, weights)
    kinds = _form(kernel, u, weights[: len(u)]), _form(kernel, v, weights[len(u) :])
    own = [_own(kernel, p, w) for p, w in ((u, weights[: len(u)]), (v, weights[len(u) :]))]
    # leaving pairs of equal index out, and dividing by n (n - 1) instead of n^2
    value, error = form
    for (part, off), (diagonal, slip), n in zip(kinds, own, (len(u), len(v)), strict=True):
        value += (part - n * diagonal) / (n - 1)
        error += (off + n * slip) / (n - 1) + 4 * _U * (abs(part) + n * abs(diagonal)) / (n - 1) + _U * abs(value)
    return KernelMetric(Bounds(value - error, value, value + error), kernel, points, weights)


def energy_distance(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    power: float = 1,
) -> KernelMetric:
    r"""Energy distance of two weighted sets of points: the *square* of a metric.

    .. math:: \mathcal E_s = 2\, \mathbb E|X - Y|^s - \mathbb E|X - X'|^s - \mathbb E|Y - Y'|^s

    It is 0 only for equal measures if s < 2, and equals the squared maximum mean discrepancy for the kernel
    :class:`divergences.integral_metrics.Energy`. On the line :math:`\mathcal E_1 = 2 \int (F - G)^2` is computed by sorting, a sum without any
    cancellation. :func:`scipy.stats.energy_distance` returns the root of :math:`\mathcal E_1`, here ``distance``.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default.
    b : array_like of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    power : float, default 1
        The exponent s, above 0 and at most 2. For 2 it is twice the squared distance of the means.

    Returns
    -------
    KernelMetric
        The square with bounds; `distance` is the root.

    Raises
    ------
    TypeError
        If `power` is no number.
    ValueError
        As for :func:`divergences.wasserstein`, for other powers, and for powers of distances beyond the range of doubles.

    References
    ----------
    G. J. Székely and M. L. Rizzo (2013), Energy statistics: a class of statistics based on distances, Journal of
    Statistical Planning and Inference 143, definition 1.
    D. Sejdinovic, B. Sriperumbudur, A. Gretton and K. Fukumizu (2013), Equivalence of distance-based and RKHS-based
    statistics in hypothesis testing, Annals of Statistics 41, theorem 22.

    Examples
    --------
    >>> from divergences.integral_metrics import energy_distance
    >>> energy_distance([0, 1], [1, 2]).value
    1.0
    """
    kernel, support = Energy(power), united(*read_measures(x, y, a, b))
    if support.points.shape[1] > 1 or power != 1:
        return _discrepancy(support, kernel)
    return KernelMetric(_between_steps(support), kernel, support.points, support.signed)


def _require_kernel(kernel: Any) -> None:
    """Refuse names, classes and bare functions."""
    if not isinstance(kernel, Kernel):
        msg = f"expected kernel to be a Kernel, a value such as Gaussian(1.0) or Linear(), got {kernel!r}"
        raise TypeError(msg)


def _between_steps(support: JointSupport) -> Bounds:
    """Twice the integral of the squared difference of two step functions, whose points come sorted."""
    height = support.masses.to_mass(np.cumsum(support.difference))
    with np.errstate(over="ignore"):
        value = _total(terms := 2 * height[:-1] ** 2 * np.diff(support.points[:, 0]))
    _check_range(Energy(), value)
    error = 8 * _U * value + len(terms) * 2.0**-1070  # four roundings a term, and what underflows
    return Bounds(max(value - error, 0.0), value, value + error) if len(terms) else Bounds.exact(0.0)


def _discrepancy(support: JointSupport, kernel: Kernel) -> KernelMetric:
    """The quadratic form of the signed masses."""
    weights = support.signed
    value, error = _form(kernel, support.points, weights)
    value = max(value, 0.0) if value >= -error else value  # the square of a distance, off by its rounding
    bounds = Bounds(max(value - error, 0.0), value, value + error)
    return KernelMetric(bounds, kernel, support.points, weights)


def _form(kernel: Kernel, points: Floats, weights: Floats) -> tuple[float, float]:
    """The sum of ``w_i k(z_i, z_j) w_j`` over all pairs, and a bound of its error."""
    n, size = len(points), np.abs(weights)
    if not n:
        return 0.0, 0.0
    total, absolute = [], []
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is found by its result
        for rows in _blocks(n):
            tile = kernel.core(points[rows], points[rows.start :])
            twice = np.where(np.arange(rows.start, n) < rows.stop, 1.0, 2.0)  # the matrix is symmetric
            total.append(float(weights[rows] @ (tile @ (twice * weights[rows.start :]))))
            absolute.append(float(size[rows] @ (np.abs(tile) @ (twice * size[rows.start :]))))
        own = float(size @ np.sqrt(np.abs(kernel.diagonal(points))))
    relative, scaled = kernel.rounding(points.shape[1])
    unseen = _TINY**kernel.power if isinstance(kernel, Energy) else _TINY
    error = (
        _U * ((relative + 2 * n + 8) * _total(absolute) + 1.01 * scaled * own * own) + unseen * float(size.sum()) ** 2
    )
    _check_range(kernel, _total(total), 1.01 * error)
    return _total(total), 1.01 * error


def _total(terms: Iterable[float]) -> float:
    """The sum rounded once, or infinite if it overflows on the way."""
    numbers = [float(t) for t in terms]
    return math.fsum(numbers) if sum(map(abs, numbers)) < math.inf else math.inf


def _check_range(kernel: Kernel, *numbers: float) -> None:
    """Refuse what has overflowed."""
    if not all(map(math.isfinite, numbers)):
        msg = (
            f"expected values of {kernel} within the range of doubles, got larger ones at these points; divide all points "
            "by a common factor, and the lengths of the kernel with them"
        )
        raise ValueError(msg)


def _own(kernel: Kernel, points: Floats, weights: Floats) -> tuple[float, float]:
    """The part of the form on pairs of equal points, and a bound of its error."""
    diagonal = kernel.diagonal(points) * weights * weights
    relative, scaled = kernel.rounding(points.shape[1])
    return math.fsum(diagonal), _U * (relative + scaled + 8) * math.fsum(np.abs(diagonal))


def _blocks(n: int) -> Iterator[slice]:
    """Rows whose tile of all columns is small."""
    size = max(1, _PAIRS // n)
    return (slice(k, min(k + size, n)) for k in range(0, n, size))
