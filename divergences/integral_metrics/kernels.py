r"""Positive definite kernels as frozen values, each with a bound on the rounding of its entries.

A kernel is evaluated at the Euclidean distances or inner products of all pairs. Masses P - Q have total 0, so that terms
g(x) + g(y) of a kernel cancel in every discrepancy: `core` is the kernel without such terms, where they would only lose
digits.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist, pdist

from divergences.integral_metrics.measures import read_number
from divergences.transport.inputs import read_points
from divergences.transport.result import Floats

__all__ = [
    "Energy",
    "Gaussian",
    "InverseMultiquadric",
    "Kernel",
    "Laplacian",
    "Linear",
    "Polynomial",
    "RationalQuadratic",
    "median_bandwidth",
]


class Kernel(ABC):
    """A symmetric kernel :math:`k(x, y)`, positive definite."""

    @abstractmethod
    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel between all pairs.

        Parameters
        ----------
        x : ndarray of shape (n, d)
            Points.
        y : ndarray of shape (m, d)
            Points.

        Returns
        -------
        ndarray of shape (n, m)
            The numbers k(x_i, y_j).
        """

    @abstractmethod
    def rounding(self, d: int) -> tuple[float, float]:
        r"""Error of an entry of `core` in d dimensions, in units.

        Parameters
        ----------
        d : int
            Number of coordinates.

        Returns
        -------
        tuple of float
            The numbers r and s such that the error is at most :math:`u (r |k(x, y)| + s \sqrt{k(x, x) k(y, y)})` with the
            unit roundoff u.
        """

    def core(self, x: Floats, y: Floats) -> Floats:
        """The kernel up to terms g(x) + g(y), as a matrix."""
        return self(x, y)

    def diagonal(self, x: Floats) -> Floats:
        """The numbers `core(x_i, x_i)`: by default all are 1."""
        return np.ones(len(x))


@final
@dataclass(frozen=True)
class Gaussian(Kernel):
    r"""The kernel :math:`\exp(-|x - y|^2 / (2 \sigma^2))`.

    Parameters
    ----------
    bandwidth : float
        The length :math:`\sigma`.
    """

    bandwidth: float

    def __post_init__(self) -> None:
        """Refuse a bandwidth that is not positive."""
        _check_positive("bandwidth", self.bandwidth)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        r = _distances(x, y) / self.bandwidth
        with np.errstate(over="ignore", under="ignore"):  # far points: the kernel is 0
            return np.exp(r * r / -2)

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class: with t the exponent, off by d + 8 units of itself, t exp(-t) is at most 1 / e."""
        return 8.0, (d + 8) / math.e


@final
@dataclass(frozen=True)
class Laplacian(Kernel):
    r"""The kernel :math:`\exp(-|x - y| / \sigma)` of the Euclidean distance.

    Parameters
    ----------
    bandwidth : float
        The length :math:`\sigma`.
    """

    bandwidth: float

    def __post_init__(self) -> None:
        """Refuse a bandwidth that is not positive."""
        _check_positive("bandwidth", self.bandwidth)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(_distances(x, y) / -self.bandwidth)

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class: with t the exponent, off by d / 2 + 3 units of itself, t exp(-t) is at most 1 / e."""
        return 8.0, (d / 2 + 3) / math.e


@final
@dataclass(frozen=True)
class RationalQuadratic(Kernel):
    r"""The kernel :math:`(1 + |x - y|^2 / (2 \alpha \ell^2))^{-\alpha}`, a mixture of Gaussian kernels.

    Parameters
    ----------
    scale : float
        The length :math:`\ell`.
    alpha : float, default 1
        The exponent.
    """

    scale: float
    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that are not positive."""
        _check_positive("scale", self.scale)
        _check_positive("alpha", self.alpha)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        r = _distances(x, y) / self.scale
        with np.errstate(over="ignore", under="ignore"):
            kernel: Floats = (1 + r * r / (2 * self.alpha)) ** -self.alpha
        return kernel

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class."""
        return self.alpha * (d + 11) + 8, 0.0


@final
@dataclass(frozen=True)
class InverseMultiquadric(Kernel):
    r"""The kernel :math:`c\,(c^2 + |x - y|^2)^{-1/2}`, of value 1 at equal points.

    Parameters
    ----------
    offset : float, default 1
        The length c.
    """

    offset: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an offset that is not positive."""
        _check_positive("offset", self.offset)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        r = _distances(x, y) / self.offset
        with np.errstate(over="ignore", under="ignore"):
            return 1 / np.sqrt(1 + r * r)

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class."""
        return d / 2 + 9, 0.0


@final
@dataclass(frozen=True)
class Energy(Kernel):
    r"""The kernel :math:`|x|^s + |y|^s - |x - y|^s`, whose squared discrepancy is the energy distance.

    Parameters
    ----------
    power : float, default 1
        The exponent s, above 0 and at most 2; at 2 the discrepancy sees nothing but the means.
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        """Refuse powers for which the kernel is not positive definite."""
        if not 0 < read_number("power", self.power) <= 2:
            msg = f"expected a power above 0 and at most 2, got {self.power!r}; beyond 2 the kernel is not positive definite"
            raise ValueError(msg)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        origin = np.zeros((1, x.shape[1]))
        return self.core(x, y) - self.core(x, origin) - self.core(y, origin).T

    def core(self, x: Floats, y: Floats) -> Floats:
        """The numbers :math:`-|x - y|^s`, as a matrix."""
        r = _distances(x, y)
        return -r if self.power == 1 else -(r**self.power)

    def diagonal(self, x: Floats) -> Floats:
        """Zeros."""
        return np.zeros(len(x))

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class."""
        return self.power * (d / 2 + 2) + 8, 0.0


@final
@dataclass(frozen=True)
class Linear(Kernel):
    r"""The kernel :math:`\langle x, y \rangle`; its discrepancy is the distance of the means."""

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        return x @ y.T

    def core(self, x: Floats, y: Floats) -> Floats:
        """The numbers :math:`-|x - y|^2 / 2`, as a matrix."""
        return cdist(x, y, "sqeuclidean") / -2

    def diagonal(self, x: Floats) -> Floats:
        """Zeros."""
        return np.zeros(len(x))

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class."""
        return d + 4.0, 0.0


@final
@dataclass(frozen=True)
class Polynomial(Kernel):
    r"""The kernel :math:`(\gamma \langle x, y \rangle + c)^k`; its discrepancy compares moments up to order k.

    Parameters
    ----------
    degree : int, default 3
        The exponent k, at least 1.
    scale : float, default 1
        The factor :math:`\gamma`, positive.
    offset : float, default 1
        The summand c, at least 0; for 0 only moments of order k are compared.
    """

    degree: int = 3
    scale: float = 1.0
    offset: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers for which the kernel is not positive definite."""
        _check_positive("scale", self.scale)
        if not (read_number("degree", self.degree) >= 1 and self.degree % 1 == 0):
            msg = f"expected an integer degree of at least 1, got {self.degree!r}"
            raise ValueError(msg)
        if not 0 <= read_number("offset", self.offset) < math.inf:
            msg = f"expected an offset of at least 0, got {self.offset!r}; below 0 the kernel is not positive definite"
            raise ValueError(msg)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Matrix of the kernel."""
        kernel: Floats = (self.scale * (x @ y.T) + self.offset) ** int(self.degree)
        return kernel

    def diagonal(self, x: Floats) -> Floats:
        r"""The numbers :math:`(\gamma |x|^2 + c)^k`."""
        diagonal: Floats = (self.scale * np.sum(x * x, axis=1) + self.offset) ** int(self.degree)
        return diagonal

    def rounding(self, d: int) -> tuple[float, float]:
        """As for the class: the base is off by d + 3 units of its bound, each factor of the power once."""
        return 0.0, 1.01 * (self.degree * (d + 4) + 8)


def median_bandwidth(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Median of the Euclidean distances between all pairs of the pooled points, a usual choice of bandwidth.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.

    Returns
    -------
    float
        The median over pairs of different indices, so that the square of it stands where others write a median of
        squares.

    Raises
    ------
    ValueError
        If half of the distances are 0 or beyond the range of doubles, or there is no bandwidth to be had.

    Notes
    -----
    All (n + m)(n + m - 1) / 2 distances are held in memory.

    References
    ----------
    A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf and A. Smola (2012), A kernel two-sample test, JMLR 13, section 8.

    Examples
    --------
    >>> from divergences.integral_metrics import median_bandwidth
    >>> median_bandwidth([0, 1], [3])
    2.0
    """
    points = np.concatenate(read_points(x, y))
    r = pdist(points)
    if not np.isfinite(r).all():
        r = _rescued(r, pdist(points / _unit(points)), _unit(points))
    median = float(np.median(r))
    if not median < math.inf:
        msg = "expected distances within the range of doubles, got larger ones; divide all points by a common factor"
        raise ValueError(msg)
    if not median > 0:
        msg = "expected pooled points most of which differ, got a median distance of 0; choose a bandwidth by hand"
        raise ValueError(msg)
    return median


def _check_positive(name: str, value: float) -> None:
    """Refuse what is no positive number."""
    if not 0 < read_number(name, value) < math.inf:
        msg = f"expected {name} to be positive and finite, got {value!r}"
        raise ValueError(msg)


def _distances(x: Floats, y: Floats) -> Floats:
    """Euclidean distances of all pairs, also where their squares overflow."""
    r: Floats = cdist(x, y)
    if np.isfinite(r).all():
        return r
    unit = _unit(x, y)
    return _rescued(r, cdist(x / unit, y / unit), unit)


def _unit(*points: Floats) -> float:
    """A power of two by which the largest coordinates are divided to about 2**400, where a square has room both ways."""
    return math.ldexp(1.0, math.frexp(max(float(np.abs(p).max()) for p in points))[1] - 400)


def _rescued(r: Floats, scaled: Floats, unit: float) -> Floats:
    """Distances, those that were lost by overflow taken from scaled ones: these in turn may have lost the small."""
    with np.errstate(over="ignore"):
        return np.where(np.isfinite(r), r, scaled * unit)
