r"""The uniform distribution of the unit interval, tilted by an exponential: continuous Bernoulli."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import Array, quiet
from divergences.families.distribution import Domain, Family, Support, Vector, parameter

__all__ = ["ContinuousBernoulli"]

INNER = Domain("a probability strictly between 0 and 1", lambda xp, x: (x > 0) & (x < 1))


@final
@dataclass(frozen=True, eq=False, repr=False)
class ContinuousBernoulli(Family):
    r"""Continuous Bernoulli distribution, density $\propto p^x(1-p)^{1-x}$ for $0 \le x \le 1$.

    That is $\theta e^{\theta x}/(e^\theta - 1)$ with $\theta = \log\frac{p}{1-p}$, and uniform for p = 1/2 (Loaiza-Ganem &
    Cunningham 2019, The continuous Bernoulli: fixing a pervasive error in variational autoencoders).
    """

    p: Array = parameter(INNER)

    def frozen(self) -> Any:
        msg = "expected a family that scipy.stats has, got ContinuousBernoulli; ask it for its densities and quantiles itself"
        raise TypeError(msg)

    def support(self) -> Support:
        return Support(0.0, 1.0)

    @property
    def _tilt(self) -> float:
        return float(np.log(self.p) - np.log1p(-self.p))

    def log_density(self, x: Vector) -> Vector:
        r"""Logarithm of the density, $\theta x - \log\frac{e^\theta - 1}\theta$, from the end where it is large."""
        theta, x = self._tilt, np.asarray(x, dtype=np.float64)
        size = abs(theta)
        norm = np.log(-np.expm1(-size) / size) if size else 0.0
        distance = x if theta <= 0 else 1.0 - x
        return np.where((x >= 0) & (x <= 1), -size * distance - norm, -np.inf)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function."""
        return self._mass(self._tilt, np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0))

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x): that of 1 - X below 1 - x."""
        return self._mass(-self._tilt, 1.0 - np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0))

    @staticmethod
    def _mass(theta: float, x: Vector) -> Vector:
        r"""$(e^{\theta x} - 1)/(e^\theta - 1)$, without overflow."""
        if theta == 0:
            return x
        if theta < 0:
            return np.asarray(np.expm1(theta * x) / np.expm1(theta), dtype=np.float64)
        return np.asarray(np.exp(theta * (x - 1)) * np.expm1(-theta * x) / np.expm1(-theta), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles."""
        theta, u = self._tilt, np.asarray(u, dtype=np.float64)
        with quiet():
            if theta == 0:
                return u
            if theta < 0:
                return np.asarray(np.log1p(u * np.expm1(theta)) / theta, dtype=np.float64)
            return np.asarray(1 + np.log(u + (1 - u) * np.exp(-theta)) / theta, dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """By quantiles of uniform draws."""
        return self.quantile(rng.random(size))
