r"""Families that are images of a normal or a gamma distribution: their divergences are those of the originals.

``ExpGamma`` is of log X, X with a gamma distribution, ``LogitNormal`` of a normal variable squeezed into the unit
interval; a chi variable is the root of a gamma one, a Moyal variable a multiple of the logarithm of one.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import Array, quiet
from divergences.families.distribution import POSITIVE, REAL, Family, Support, Vector, parameter

__all__ = ["Chi", "ExpGamma", "LogitNormal", "Moyal"]


def _stats() -> Any:
    import scipy.stats

    return scipy.stats


LINE = Support(-math.inf, math.inf)

NEAR = 1e-9
"""Below this exp(-z**2) is 1 to the last digit."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class Chi(Family):
    r"""Chi distribution: of $\sigma\sqrt{x_1^2 + \dots + x_\nu^2}$, $x_i$ standard normal, $\nu$ = df, $\sigma$ = scale."""

    df: Array = parameter(POSITIVE)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().chi(self.df, scale=self.scale)

    def support(self) -> Support:
        return Support(0.0, math.inf)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function, also where the square of x is below the smallest number."""
        from scipy.special import gammainc, gammaln

        z = np.maximum(np.asarray(x, dtype=np.float64) / self.scale, 0.0) / math.sqrt(2)
        with quiet():
            near = np.exp(self.df * np.log(z) - gammaln(self.df / 2 + 1))
        return np.asarray(np.where(z < NEAR, near, gammainc(self.df / 2, z * z)), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x)."""
        from scipy.special import gammaincc

        z = np.maximum(np.asarray(x, dtype=np.float64) / self.scale, 0.0) / math.sqrt(2)
        return np.asarray(np.where(z < NEAR, 1 - self.cdf(x), gammaincc(self.df / 2, z * z)), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles, also where their squares are below the smallest number."""
        from scipy.special import gammaincinv, gammaln

        with quiet():
            near = np.exp((np.log(u) + gammaln(self.df / 2 + 1)) / self.df)
        z = np.where(near < NEAR, near, np.sqrt(gammaincinv(self.df / 2, u)))
        return np.asarray(self.scale * math.sqrt(2) * z, dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class ExpGamma(Family):
    r"""The distribution of log X, X of density $\beta^k x^{k-1} e^{-\beta x}/\Gamma(k)$: $e^{kx + k\log\beta - \beta e^x}/\Gamma(k)$.

    Here k = shape, $\beta$ = rate.
    """

    shape: Array = parameter(POSITIVE)
    rate: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().loggamma(self.shape, loc=-np.log(self.rate))

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Moyal(Family):
    r"""Moyal distribution, density $e^{-(z + e^{-z})/2}/\sqrt{2\pi}\sigma$, $z = (x-\mu)/\sigma$, $\mu$ = loc, $\sigma$ = scale.

    It is that of $\mu - \sigma\log Y$, Y the square of a standard normal variable.
    """

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().moyal(self.loc, self.scale)

    def support(self) -> Support:
        return LINE

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, also where that is below the smallest number."""
        z = (x - self.loc) / self.scale
        with quiet():
            return np.asarray(-(z + np.exp(-z)) / 2 - np.log(math.sqrt(2 * math.pi) * self.scale), dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class LogitNormal(Family):
    r"""The distribution of $1/(1 + e^{-X})$ on the unit interval, X normal with mean loc and standard deviation scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        msg = "expected a family that scipy.stats has, got LogitNormal; ask it for its densities and quantiles itself"
        raise TypeError(msg)

    def support(self) -> Support:
        return Support(0.0, 1.0)

    def _standard(self, x: Vector) -> Vector:
        """The normal variable, less its mean, in units of its standard deviation."""
        with quiet():
            return np.asarray((np.log(x) - np.log1p(-x) - self.loc) / self.scale, dtype=np.float64)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density."""
        x = np.asarray(x, dtype=np.float64)
        inside = (x > 0) & (x < 1)
        inner = np.where(inside, x, 0.5)
        size = np.log(math.sqrt(2 * math.pi) * self.scale) + np.log(inner) + np.log1p(-inner)
        return np.where(inside, -(self._standard(inner) ** 2) / 2 - size, -np.inf)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function."""
        from scipy.special import ndtr

        return np.asarray(ndtr(self._standard(np.clip(x, 0.0, 1.0))), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x)."""
        from scipy.special import ndtr

        return np.asarray(ndtr(-self._standard(np.clip(x, 0.0, 1.0))), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles."""
        from scipy.special import expit, ndtri

        return np.asarray(expit(self.loc + self.scale * ndtri(u)), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """Independent draws."""
        from scipy.special import expit

        return np.asarray(expit(rng.normal(self.loc, self.scale, size=size)), dtype=np.float64)
