r"""Families on the integers, by their usual parameters."""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import Array, quiet
from divergences.families.distribution import (
    NATURAL,
    POSITIVE,
    PROBABILITY,
    SIMPLEX,
    Domain,
    Family,
    Support,
    Vector,
    parameter,
)

__all__ = ["Bernoulli", "Binomial", "Categorical", "Geometric", "NegativeBinomial", "Poisson"]

SUCCESS = Domain("a probability above 0, at most 1", lambda xp, x: (x > 0) & (x <= 1))

COUNTS = Support(0.0, math.inf, lattice=True)


def _stats() -> Any:
    import scipy.stats

    return scipy.stats


@final
@dataclass(frozen=True, eq=False, repr=False)
class Poisson(Family):
    r"""Poisson distribution, $P(k) = e^{-\lambda}\lambda^k/k!$, $\lambda$ = rate."""

    rate: Array = parameter(POSITIVE)

    def frozen(self) -> Any:
        return _stats().poisson(self.rate)

    def support(self) -> Support:
        return COUNTS


@final
@dataclass(frozen=True, eq=False, repr=False)
class Geometric(Family):
    r"""Geometric distribution of the number of failures before the first success, $P(k) = p(1-p)^k$, $k \ge 0$."""

    p: Array = parameter(SUCCESS)

    def frozen(self) -> Any:
        return _stats().geom(self.p, loc=-1)

    def support(self) -> Support:
        return COUNTS if self.p < 1 else Support(0.0, 0.0, lattice=True)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the probability of k failures."""
        with quiet():
            failures = np.where(x == 0, 0.0, x * np.log1p(-self.p))
            return np.where((x >= 0) & (x == np.floor(x)), np.log(self.p) + failures, -np.inf)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Binomial(Family):
    r"""Binomial distribution of the number of successes in n trials, $P(k) = \binom nk p^k (1-p)^{n-k}$."""

    n: Array = parameter(NATURAL)
    p: Array = parameter(PROBABILITY)

    def frozen(self) -> Any:
        return _stats().binom(int(self.n), self.p)

    def support(self) -> Support:
        return Support(float(self.n * (self.p == 1)), float(self.n * (self.p > 0)), lattice=True)


@final
@dataclass(frozen=True, eq=False, repr=False)
class NegativeBinomial(Family):
    r"""Number of failures before n successes of probability p, $P(k) = \frac{\Gamma(n+k)}{k!\,\Gamma(n)} p^n (1-p)^k$."""

    n: Array = parameter(POSITIVE)
    p: Array = parameter(SUCCESS)

    def frozen(self) -> Any:
        return _stats().nbinom(self.n, self.p)

    def support(self) -> Support:
        return COUNTS if self.p < 1 else Support(0.0, 0.0, lattice=True)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Bernoulli(Family):
    r"""Bernoulli distribution: 1 with probability p, else 0."""

    p: Array = parameter(PROBABILITY)

    def frozen(self) -> Any:
        return _stats().bernoulli(self.p)

    def support(self) -> Support:
        return Support(float(self.p == 1), float(self.p > 0), lattice=True)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Categorical(Family):
    r"""Distribution on 0, 1, ..., n - 1 with these probabilities along the last axis."""

    probabilities: Array = parameter(SIMPLEX)

    def frozen(self) -> Any:
        return _stats().rv_discrete(values=(np.arange(self.probabilities.shape[-1]), self.probabilities))

    def support(self) -> Support:
        places = np.flatnonzero(self.probabilities)
        return Support(float(places[0]), float(places[-1]), lattice=True)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the probability of k."""
        k = np.asarray(x)
        last = self.probabilities.shape[-1] - 1
        inside = (k == np.floor(k)) & (k >= 0) & (k <= last)
        with quiet():
            log_p = np.log(self.probabilities)[np.where(inside, k, 0).astype(int)]
        return np.where(inside, log_p, -np.inf)
