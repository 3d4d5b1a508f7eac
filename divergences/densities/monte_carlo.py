r"""Divergences from samples of the distributions themselves, with a confidence interval.

With $M = (P + Q)/2$ the divergence is $\mathbb E_M[k(p/m, q/m)]$, where $p/m$ and $q/m$ are between 0 and 2: the
integrand is bounded if the divergence is, by twice the larger of k(1, 0) and k(0, 1).

References
----------
Maurer, A. and Pontil, M. (2009). Empirical Bernstein bounds and sample variance penalization. COLT. (Theorem 4.)

Hill, B. M. (1975). A simple general approach to inference about the tail of a distribution. Annals of Statistics 3(5).
"""

import math

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.bounds import Bounds
from divergences.densities.kernels import Kernel
from divergences.families import Distribution

__all__ = ["sampled_bounds"]

Vector = NDArray[np.float64]

SIZE = 2**17
"""Draws."""

RISK = 1e-3
"""The probability that the interval misses, at most or about."""

QUANTILE = 3.2905267314919255
"""Of the normal distribution at 1 - RISK/2."""

EDGE = 2.2
"""A tail index below this may be one of infinite variance, below 2."""


def sampled_bounds(kernel: Kernel, P: Distribution, Q: Distribution, rng: np.random.Generator) -> Bounds:
    """A confidence interval at level 99.9 %: no proof.

    Parameters
    ----------
    kernel : Kernel
        What is integrated.
    P, Q : Distribution
        Distributions that can be sampled.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    Bounds
        By an empirical Bernstein inequality if the kernel is bounded; else by the central limit theorem, without upper
        bound where the largest terms are those of a distribution of infinite variance.
    """
    of_p = int(rng.binomial(SIZE, 0.5))
    parts = [D.sample(n, rng) for D, n in ((P, of_p), (Q, SIZE - of_p)) if n]
    log_p, log_q = (np.concatenate([np.atleast_1d(D.log_density(x)) for x in parts]) for D in (P, Q))
    mantissa, exponent = kernel.terms(log_p, log_q)
    with quiet():
        terms = mantissa * np.exp(exponent - (np.logaddexp(log_p, log_q) - math.log(2)))
    if not np.all(np.isfinite(terms)):
        return Bounds(0.0, math.inf, math.inf)
    mean, variance = float(np.mean(terms)), float(np.var(terms, ddof=1))
    largest = kernel.at_zero + kernel.at_infinity
    if math.isfinite(largest):
        width, logarithm = 2 * max(kernel.at_zero, kernel.at_infinity), math.log(4 / RISK)
        half = math.sqrt(2 * variance * logarithm / SIZE) + 7 * width * logarithm / (3 * (SIZE - 1))
        return Bounds(max(mean - half, 0.0), min(mean, largest), min(mean + half, largest))
    half = QUANTILE * math.sqrt(variance / SIZE)
    upper = math.inf if _tail_index(terms) < EDGE else mean + half
    return Bounds(max(mean - half, 0.0), mean, upper)


def _tail_index(terms: Vector) -> float:
    """Hill's estimate of the power with which P(term > x) falls off."""
    order = np.sort(terms)[::-1]
    count = math.isqrt(len(order))
    if not order[count] > 0:
        return math.inf
    mean = float(np.mean(np.log(order[:count] / order[count])))
    return 1 / mean if mean > 0 else math.inf
