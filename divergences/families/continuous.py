r"""Families on the line with a density, by their usual parameters.

Rates are inverse scales. ``LogNormal(loc, scale)`` is that of exp(X), X normal with these; Weibull and Gumbel are the
extreme-value laws of smallest and largest values; densities stand in the first line of each.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import Array, constant, known, quiet
from divergences.families.distribution import POSITIVE, REAL, Family, Support, Vector, parameter

__all__ = [
    "Beta",
    "Cauchy",
    "Exponential",
    "Gamma",
    "Gumbel",
    "HalfNormal",
    "InverseGamma",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Normal",
    "Pareto",
    "StudentT",
    "Uniform",
    "VonMises",
    "Weibull",
]


def _stats() -> Any:
    import scipy.stats

    return scipy.stats


LINE, HALF_LINE = Support(-math.inf, math.inf), Support(0.0, math.inf)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Normal(Family):
    r"""Normal distribution, density $\exp(-(x-\mu)^2/2\sigma^2)/\sqrt{2\pi\sigma^2}$, $\mu$ = loc, $\sigma$ = scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().norm(self.loc, self.scale)

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class HalfNormal(Family):
    r"""Half-normal distribution: of |X|, X normal with mean 0 and standard deviation scale."""

    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().halfnorm(scale=self.scale)

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class LogNormal(Family):
    r"""Log-normal distribution: of $e^X$, X normal with mean loc and standard deviation scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().lognorm(self.scale, scale=np.exp(self.loc))

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Exponential(Family):
    r"""Exponential distribution, density $\lambda e^{-\lambda x}$, $\lambda$ = rate."""

    rate: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().expon(scale=1 / self.rate)

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Gamma(Family):
    r"""Gamma distribution, density $\beta^k x^{k-1} e^{-\beta x}/\Gamma(k)$, k = shape, $\beta$ = rate."""

    shape: Array = parameter(POSITIVE)
    rate: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().gamma(self.shape, scale=1 / self.rate)

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class InverseGamma(Family):
    r"""Inverse gamma distribution, density $\beta^k x^{-k-1} e^{-\beta/x}/\Gamma(k)$, k = shape, $\beta$ = scale."""

    shape: Array = parameter(POSITIVE)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().invgamma(self.shape, scale=self.scale)

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Weibull(Family):
    r"""Weibull distribution, $P(X > x) = \exp(-(x/\lambda)^k)$, k = shape, $\lambda$ = scale."""

    shape: Array = parameter(POSITIVE)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().weibull_min(self.shape, scale=self.scale)

    def support(self) -> Support:
        return HALF_LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Beta(Family):
    r"""Beta distribution, density $x^{a-1}(1-x)^{b-1}/B(a, b)$."""

    a: Array = parameter(POSITIVE)
    b: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().beta(self.a, self.b)

    def support(self) -> Support:
        return Support(0.0, 1.0)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Laplace(Family):
    r"""Laplace distribution, density $e^{-|x-\mu|/b}/2b$, $\mu$ = loc, b = scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().laplace(self.loc, self.scale)

    def support(self) -> Support:
        return LINE

    def breaks(self) -> tuple[float, ...]:
        return (float(self.loc),)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, also where that is below the smallest number."""
        with quiet():
            return np.asarray(-np.abs(x - self.loc) / self.scale - np.log(2 * self.scale), dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Logistic(Family):
    r"""Logistic distribution, $P(X \le x) = 1/(1 + e^{-(x-\mu)/s})$, $\mu$ = loc, s = scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().logistic(self.loc, self.scale)

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Cauchy(Family):
    r"""Cauchy distribution, density $\gamma/\pi((x-x_0)^2+\gamma^2)$, $x_0$ = loc, $\gamma$ = scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().cauchy(self.loc, self.scale)

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Gumbel(Family):
    r"""Gumbel distribution of largest values, $P(X \le x) = \exp(-e^{-(x-\mu)/\beta})$, $\mu$ = loc, $\beta$ = scale."""

    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().gumbel_r(self.loc, self.scale)

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class Pareto(Family):
    r"""Pareto distribution, density $a m^a/x^{a+1}$ for x >= m, a = shape, m = scale."""

    shape: Array = parameter(POSITIVE)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().pareto(self.shape, scale=self.scale)

    def support(self) -> Support:
        return Support(float(self.scale), math.inf)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles, right to the last digits also near the end of the support."""
        with quiet():
            return np.asarray(self.scale * np.exp(-np.log1p(-np.asarray(u)) / self.shape), dtype=np.float64)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, also where that is below the smallest number."""
        with quiet():
            value = np.log(self.shape / self.scale) - (self.shape + 1) * self._height(x)
        return np.where(x >= self.scale, value, -np.inf)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function, right to the last digits also near the end of the support."""
        return np.asarray(-np.expm1(-self.shape * self._height(x)), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """What the distribution function leaves of 1, right to the last digits also far out."""
        return np.asarray(np.exp(-self.shape * self._height(x)), dtype=np.float64)

    def _height(self, x: Vector) -> Vector:
        """log(x / scale) where that is positive, else 0."""
        above = np.maximum(np.asarray(x, dtype=np.float64), self.scale)
        with quiet():
            excess, ratio = (above - self.scale) / self.scale, above / self.scale
            far = np.where(ratio < np.inf, np.log(ratio), np.log(above) - np.log(self.scale))
            return np.asarray(np.where(excess < 1, np.log1p(excess), far), dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Uniform(Family):
    r"""Uniform distribution on the interval from lower to upper."""

    lower: Array = parameter(REAL)
    upper: Array = parameter(REAL)

    def _check_together(self, xp: Any) -> None:
        if known(xp, self.lower < self.upper) is False:
            low, high = (np.asarray(constant(x)) for x in (self.lower, self.upper))
            msg = f"expected lower < upper of Uniform, got {low} and {high}"
            raise ValueError(msg)

    def frozen(self) -> Any:
        return _stats().uniform(self.lower, self.upper - self.lower)

    def support(self) -> Support:
        return Support(float(self.lower), float(self.upper))

    def log_density(self, x: Vector) -> Vector:
        inside = (x >= self.lower) & (x <= self.upper)
        return np.where(inside, -np.log(self.upper - self.lower), -np.inf)


@final
@dataclass(frozen=True, eq=False, repr=False)
class StudentT(Family):
    r"""Student's t distribution with df degrees of freedom, density $\propto (1 + z^2/\nu)^{-(\nu+1)/2}$, $z = (x-\mu)/\sigma$."""

    df: Array = parameter(POSITIVE)
    loc: Array = parameter(REAL)
    scale: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().t(self.df, self.loc, self.scale)

    def support(self) -> Support:
        return LINE


@final
@dataclass(frozen=True, eq=False, repr=False)
class VonMises(Family):
    r"""Von Mises distribution on the circle, density $e^{\kappa\cos(x-\mu)}/2\pi I_0(\kappa)$ for $|x| \le \pi$."""

    loc: Array = parameter(REAL)
    concentration: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().vonmises(self.concentration, loc=self.loc)

    def support(self) -> Support:
        return Support(-math.pi, math.pi)

    def log_density(self, x: Vector) -> Vector:
        from scipy.special import i0e

        half = np.sin((x - self.loc) / 2)
        density = -2 * self.concentration * half**2 - np.log(2 * np.pi * i0e(self.concentration))
        return np.where(np.abs(x) <= np.pi, density, -np.inf)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles on the interval from -pi to pi."""
        grid = np.linspace(-np.pi, np.pi, 4097)
        mass = np.concatenate([[0.0], np.cumsum(np.exp(self.log_density((grid[1:] + grid[:-1]) / 2)))])
        return np.interp(u, mass / mass[-1], grid)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function on the interval from -pi to pi."""
        return self.between(-np.pi, np.clip(x, -np.pi, np.pi))

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x)."""
        return self.between(np.clip(x, -np.pi, np.pi), np.pi)

    def between(self, lower: Vector | float, upper: Vector | float) -> Vector:
        r"""Mass of an interval, by the series of the density, $1/2\pi + \sum_j I_j(\kappa)/I_0(\kappa) \cos j(x-\mu)/\pi$.

        Terms fall like the normal density, in which j has the variance of the concentration; scipy's own distribution
        function changes to a normal approximation at 50, which has six digits there.
        """
        from scipy.special import ive

        k, loc = float(self.concentration), float(self.loc)
        j = np.arange(1, 13 + math.ceil(9 * math.sqrt(k)))
        share = ive(j, k) / ive(0, k) / j / math.pi
        ends = (np.asarray(end, dtype=np.float64) for end in (lower, upper))
        low, high = (end / (2 * math.pi) + np.sin(np.multiply.outer(end - loc, j)) @ share for end in ends)
        return np.asarray(high - low, dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        return rng.vonmises(float(self.loc), float(self.concentration), size=size)
