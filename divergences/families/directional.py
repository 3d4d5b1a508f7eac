r"""Families on the unit sphere of $\mathbb R^d$, with densities with respect to its surface measure.

The von Mises-Fisher and the power spherical distribution are functions of one coordinate, the cosine
$t = \langle\mu, x\rangle$ with the mean direction; under the uniform distribution it has the density
$\propto (1 - t^2)^{(d-3)/2}$. On the circle, d = 2, von Mises-Fisher is von Mises.

Directions are vectors of length 1 to half the digits of their dtype; what is meant is the direction of the vector given.
"""

import math
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from divergences._arrays import Array
from divergences.families.distribution import Distribution, Domain, Family, Support, Vector, parameter

__all__ = ["PowerSpherical", "SphericalUniform", "VonMisesFisher"]

NON_NEGATIVE = Domain("a non-negative number", lambda xp, x: (x >= 0) & xp.isfinite(x))
DIRECTION = Domain(
    "a vector of length 1 along the last axis",
    lambda xp, x: xp.abs(xp.sum(x * x, axis=-1) - 1) <= 2 * float(xp.finfo(x.dtype).eps) ** 0.5,
    1,
)

NEAR_SPHERE = 1e-6
"""Points are on the sphere if their lengths differ from 1 by no more."""


class _OnSphere(Distribution):
    """A distribution on the unit sphere: it has no quantiles, and no density with respect to volume."""

    def support(self) -> Support:
        msg = f"expected a distribution on the line, got {self!r}; it has no interval as support"
        raise TypeError(msg)

    def quantile(self, u: Vector) -> Vector:
        msg = f"expected a distribution on the line, got {self!r}; it has no quantiles"
        raise TypeError(msg)

    def cdf(self, x: Vector) -> Vector:
        msg = f"expected a distribution on the line, got {self!r}; it has no distribution function of one number"
        raise TypeError(msg)

    def _on_sphere(self, x: Vector) -> Vector:
        """Points, which must be on the sphere, as vectors of length 1."""
        x = np.asarray(x, dtype=np.float64)
        if not x.ndim or x.shape[-1] != self.dimension:
            msg = f"expected points with {self.dimension} coordinates along the last axis, got shape {x.shape}"
            raise ValueError(msg)
        length = np.linalg.norm(x, axis=-1, keepdims=True)
        if not np.all(np.abs(length - 1) <= NEAR_SPHERE):
            msg = (
                f"expected points on the unit sphere, where {self!r} lives, got one of length "
                f"{float(length.ravel()[np.argmax(np.abs(length - 1))])!r}; divide points by their lengths, and compare "
                "it with distributions on the sphere only"
            )
            raise ValueError(msg)
        return np.asarray(x / length, dtype=np.float64)

    def _log_area(self) -> float:
        r"""Logarithm of the surface of the sphere, $2\pi^{d/2}/\Gamma(d/2)$."""
        return math.log(2) + self.dimension / 2 * math.log(math.pi) - math.lgamma(self.dimension / 2)


class _Directed(_OnSphere, Family):
    """A family with a mean direction (..., d) and a concentration, 0 for the uniform distribution."""

    mean_direction: Array
    concentration: Array

    def _check_together(self, xp: Any) -> None:
        if self.mean_direction.shape[-1] < 2:
            msg = f"expected mean_direction of {type(self).__name__} to have 2 coordinates or more, got 1; the sphere is then two points, as of Bernoulli"
            raise ValueError(msg)

    @property
    def dimension(self) -> int:
        """Number d of coordinates of the space around the sphere."""
        return int(self.mean_direction.shape[-1])

    def _direction(self) -> Vector:
        return np.asarray(self.mean_direction / np.linalg.norm(self.mean_direction), dtype=np.float64)


@final
@dataclass(frozen=True, slots=True, eq=False)
class SphericalUniform(_OnSphere):
    r"""Uniform distribution on the unit sphere of $\mathbb R^d$, density $\Gamma(d/2)/(2\pi^{d/2})$.

    Parameters
    ----------
    dimension : int
        Number d >= 2 of coordinates of the space around the sphere.

    Raises
    ------
    ValueError
        On another dimension.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.families import SphericalUniform, VonMisesFisher
    >>> round(float(dv.kl(VonMisesFisher([0.0, 0.0, 1.0], 1.0), SphericalUniform(3))), 12)
    0.151595923928
    """

    dimension: int = field()

    def __post_init__(self) -> None:
        """Refuse what is no dimension."""
        d: Any = self.dimension
        if not (isinstance(d, int | np.integer) and d >= 2):
            msg = f"expected dimension of SphericalUniform to be an integer of 2 or more, got {self.dimension!r}"
            raise ValueError(msg)

    @property
    def parameters(self) -> dict[str, Array]:
        """None that vary."""
        return {}

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, the same on all of the sphere."""
        return np.full(self._on_sphere(x).shape[:-1], -self._log_area())

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """Directions of standard normal vectors."""
        return _unit(rng.standard_normal((size, self.dimension)))


@final
@dataclass(frozen=True, eq=False, repr=False)
class VonMisesFisher(_Directed):
    r"""Von Mises-Fisher distribution on the unit sphere of $\mathbb R^d$, density $\propto e^{k\langle\mu, x\rangle}$.

    The factor is $k^\nu/((2\pi)^{d/2} I_\nu(k))$, $\nu = d/2 - 1$ (Mardia & Jupp 2000, Directional Statistics, eq. 9.3.4).

    Parameters
    ----------
    mean_direction : array (..., d)
        The unit vector $\mu$, d >= 2.
    concentration : array (...)
        The number k >= 0; the distribution is uniform for k = 0.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.families import VonMisesFisher
    >>> P, Q = VonMisesFisher([0.6, 0.8, 0.0], 2.0), VonMisesFisher([0.0, 1.0, 0.0], 3.0)
    >>> round(float(dv.kl(P, Q)), 12)
    0.395612621058
    """

    mean_direction: Array = parameter(DIRECTION)
    concentration: Array = parameter(NON_NEGATIVE)

    def frozen(self) -> Any:
        import scipy.stats

        make: Any = scipy.stats.vonmises_fisher  # its concentration need not be an integer, as its types say
        return make(self._direction(), float(self.concentration))

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density."""
        k = float(self.concentration)
        fall = np.sum((self._on_sphere(x) - self._direction()) ** 2, axis=-1) / 2  # 1 - t
        return np.asarray(-k * fall - _scaled_log_partition(k, self.dimension) - self._log_area(), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """By scipy; uniform ones for concentration 0."""
        if self.concentration == 0:
            return SphericalUniform(self.dimension).sample(size, rng)
        draws = np.asarray(self.frozen().rvs(size=size, random_state=rng), dtype=np.float64)
        return draws.reshape(size, self.dimension)


@final
@dataclass(frozen=True, eq=False, repr=False)
class PowerSpherical(_Directed):
    r"""Power spherical distribution on the unit sphere of $\mathbb R^d$, density $\propto (1 + \langle\mu, x\rangle)^\kappa$.

    The share $(1 + \langle\mu, x\rangle)/2$ has the beta distribution of $\frac{d-1}2 + \kappa$ and $\frac{d-1}2$ (De Cao
    & Aziz 2020, The power spherical distribution, arXiv:2006.04437).

    Parameters
    ----------
    mean_direction : array (..., d)
        The unit vector $\mu$, d >= 2.
    concentration : array (...)
        The number $\kappa \ge 0$; the distribution is uniform for $\kappa = 0$.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.families import PowerSpherical, SphericalUniform
    >>> round(float(dv.kl(PowerSpherical([0.0, 0.0, 1.0], 1.0), SphericalUniform(3))), 12)
    0.193147180560
    """

    mean_direction: Array = parameter(DIRECTION)
    concentration: Array = parameter(NON_NEGATIVE)

    def frozen(self) -> Any:
        msg = "expected a family that scipy.stats has, got PowerSpherical; ask it for its densities and draws itself"
        raise TypeError(msg)

    def log_density(self, x: Vector) -> Vector:
        r"""Logarithm of the density, ``-inf`` at $-\mu$ unless it is uniform."""
        from scipy.special import betaln, xlogy

        half, k = (self.dimension - 1) / 2, float(self.concentration)
        share = np.sum((self._on_sphere(x) + self._direction()) ** 2, axis=-1) / 4  # (1 + t) / 2
        norm = betaln(half + k, half) - betaln(half, half)
        return np.asarray(xlogy(k, share) - norm - self._log_area(), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """A cosine by its beta distribution, and a uniform direction across (De Cao & Aziz 2020, algorithm 1)."""
        half, mu = (self.dimension - 1) / 2, self._direction()
        share = rng.beta(half + float(self.concentration), half, size=(size, 1))
        noise = rng.standard_normal((size, self.dimension))
        across = _unit(noise - (noise @ mu)[:, None] * mu)
        return _unit((2 * share - 1) * mu + 2 * np.sqrt(share * (1 - share)) * across)


def _unit(x: Vector) -> Vector:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True), dtype=np.float64)


SERIES_REACH = 20.0
"""Up to this many times the order, concentrations are few enough for the power series."""


def _scaled_log_partition(k: float, d: int) -> float:
    r"""$\log\mathbb E[e^{k(t - 1)}]$ of a uniform point: $\log\frac{\Gamma(\nu+1)I_\nu(k)}{(k/2)^\nu} - k$, $\nu = d/2 - 1$."""
    order = d / 2 - 1
    if k > max(50.0, SERIES_REACH * order):
        from scipy.special import ive

        return math.log(ive(order, k)) - order * math.log(k / 2) + math.lgamma(order + 1)
    if k == 0:
        return 0.0
    m = np.arange(1, int(k) + 60)  # beyond k terms fall by more than 4 from one to the next
    logs = np.cumsum(2 * math.log(k / 2) - np.log(m) - np.log(order + m))
    largest = max(float(logs.max()), 0.0)
    return largest - k + math.log(math.exp(-largest) + math.fsum(np.exp(logs - largest)))
