r"""Bounds at a confidence level from held-out samples: what the values of a fixed critic say about the population.

A critic that was trained on other data gives independent numbers $a_i = g(v(x_i))$, $i \le n$, from P and
$b_j = h(v(y_j))$, $j \le m$, from Q, and $\mathbb E[a] - \mathbb E[b]$ is a lower bound of the divergence. A lower bound
of that difference of means, which fails with probability $\delta = 1 - \text{level}$ at most, is one of the divergence.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gan.expectations import Floats

__all__ = [
    "Betting",
    "CentralLimit",
    "Confidence",
    "EmpiricalBernstein",
    "standard_error",
]

EPS = float(np.finfo(np.float64).eps)

ROUNDING = 32 * EPS
"""Relative to the terms of a bound: more than its two means and its margin can be wrong by, each a few roundings."""

LARGEST = 2.0**1000
"""Values up to this have sums and widths that do not overflow."""

STAKE = 1 / 2
"""The largest share of the wealth that one bet may lose. Any share below 1 is sound."""

HALVINGS = 40
"""Steps of a bisection; what they leave open is a share of 1e-12 of the range, on the safe side."""

Limits = tuple[float, float]


def standard_error(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    r"""Standard error of the difference of two independent sample means, $\sqrt{s_a^2 / n + s_b^2 / m}$.

    Parameters
    ----------
    a, b : array_like (n,), (m,)
        Finite numbers, two or more of each.

    Returns
    -------
    float
        From the unbiased variances $s^2$.
    """
    return _error(_Side.of("a", a), _Side.of("b", b))


@dataclass(frozen=True)
class Confidence(ABC):
    r"""A way to bound a difference of means $\mathbb E[a] - \mathbb E[b]$ from below, by two independent samples.

    Parameters
    ----------
    level : float
        Probability that the bound is below the difference, at least 1/2 and below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import gan
    >>> rng = np.random.default_rng(0)
    >>> a, b = (rng.random(500) + 1) / 2, rng.random(500) / 2  # of means 3/4 and 1/4
    >>> for method in (gan.Betting(0.95), gan.EmpiricalBernstein(0.95), gan.CentralLimit(0.95)):
    ...     print(f"{method.lower(a, b, (0.0, 1.0), (0.0, 1.0)):.3f} of 0.5")
    0.491 of 0.5
    0.462 of 0.5
    0.499 of 0.5
    """

    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a level that is none."""
        if not 0.5 <= self.level < 1:
            msg = f"expected a level of at least 0.5 and below 1, got {self.level!r}; 0.95 is 95 per cent"
            raise ValueError(msg)

    def lower(self, a: npt.ArrayLike, b: npt.ArrayLike, range_a: Limits, range_b: Limits) -> float:
        r"""Lower bound of $\mathbb E[a] - \mathbb E[b]$.

        Rounding is accounted for: the bound is not above what the formula gives in real arithmetic, or is the least
        difference that the ranges allow.

        Parameters
        ----------
        a, b : array_like (n,), (m,)
            Independent draws of either variable, two or more of each.
        range_a, range_b : tuple of float
            Interval (lo, hi) that holds all values the variable can take, fixed before the draws were seen.

        Returns
        -------
        float
            The bound.

        Raises
        ------
        ValueError
            If values are fewer than two, not finite or outside their range, or if the method needs a finite range.
        """
        first, second = _Side.of("a", a, range_a), _Side.of("b", b, range_b)
        least = math.nextafter(first.low - second.high, -math.inf)
        return max(self._bound(first, second), least)

    @property
    def risk(self) -> float:
        """Probability with which the bound may fail; the subtraction is exact from 1/2 on."""
        return 1 - self.level

    @abstractmethod
    def _bound(self, a: "_Side", b: "_Side") -> float:
        """The bound of two samples that have been looked at."""


@final
@dataclass(frozen=True)
class CentralLimit(Confidence):
    r"""The normal approximation: $\bar a - \bar b - z \sqrt{s_a^2/n + s_b^2/m}$ with z the normal quantile of the level.

    Right in the limit of many samples (central limit theorem and Slutsky's lemma, for finite variances) and for no
    number in particular: of rare large values it knows nothing until they are seen. Of Pearson's chi-squared between unit
    normals 1.2 apart, by 1000 samples a side, the bound at level 95 % was right 83 % of the time; there, and wherever a
    conjugate grows fast, use `Betting`. Ranges may be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from gan.confidence import CentralLimit, standard_error
    >>> a, b = np.array([1.0, 2.0, 3.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> standard_error(a, b)
    0.5
    >>> CentralLimit(0.95).lower(a, b, (-np.inf, np.inf), (-np.inf, np.inf))
    0.6775731865242587
    """

    def _bound(self, a: "_Side", b: "_Side") -> float:
        return _below(a, b, float(ndtri(self.level)) * _error(a, b))


@final
@dataclass(frozen=True)
class EmpiricalBernstein(Confidence):
    r"""Bernstein's inequality with sample variances, right for every number of samples and every bounded variable.

    With $\delta$ = 1 - level, $L = \ln(3/\delta)$ and ranges of widths $R_a, R_b$,

    $$\bar a - \bar b - \sqrt{2L\,(u_a^2/n + u_b^2/m)} - \tfrac L3 \max(R_a/n, R_b/m), \qquad
      u_a = \min\bigl(s_a + R_a \sqrt{2L/(n-1)},\ R_a/2\bigr).$$

    Three events of probability $\delta/3$ each are excluded: that the standard deviation of a, or that of b, is above u
    (Maurer & Pontil 2009, theorem 10; it is never above half the range), and that the difference of means, a sum of
    independent terms that exceed their mean by at most $\max(R_a/n, R_b/m)$, is beyond Bernstein's bound (Boucheron,
    Lugosi & Massart 2013, theorem 2.10). It is the argument of Maurer & Pontil's theorem 4 made for both samples at once;
    their theorem applied to either side with $\delta/2$, so with $\ln(4/\delta)$, adds the two margins and is wider.

    References
    ----------
    A. Maurer and M. Pontil (2009), Empirical Bernstein bounds and sample variance penalization, COLT.

    S. Boucheron, G. Lugosi and P. Massart (2013), Concentration inequalities, Oxford University Press.

    Examples
    --------
    >>> import numpy as np
    >>> import gan
    >>> rng = np.random.default_rng(0)
    >>> a, b = (rng.random(500) + 1) / 2, rng.random(500) / 2  # of means 3/4 and 1/4
    >>> print(f"{gan.EmpiricalBernstein(0.95).lower(a, b, (0.0, 1.0), (0.0, 1.0)):.3f} of 0.5")
    0.462 of 0.5
    """

    def _bound(self, a: "_Side", b: "_Side") -> float:
        n, m, growth = a.size, b.size, math.log(3 / self.risk)
        u, w = (
            min(side.deviation + side.width * math.sqrt(2 * growth / (side.size - 1)), side.width / 2)
            for side in (a.bounded(self), b.bounded(self))
        )
        spread = math.hypot(u / math.sqrt(n), w / math.sqrt(m))
        return _below(a, b, math.sqrt(2 * growth) * spread + growth / 3 * max(a.width / n, b.width / m))


@final
@dataclass(frozen=True)
class Betting(Confidence):
    r"""A bet against every smaller difference, right for every number of samples and every bounded variable.

    Differences $d_t = a_t - b_t$, scaled to $x_t \in [0, 1]$, are independent and of one mean $\mu$. Whoever starts with
    1 and at each t stakes $\lambda_t \ge 0$, chosen before $x_t$ is seen, on values above k owns

    $$K_t(k) = \prod_{s \le t} \bigl(1 + \min(\lambda_s, c/k)\,(x_s - k)\bigr), \qquad c = \tfrac12 .$$

    For $k \ge \mu$ this is a non-negative supermartingale, which ever reaches $1/\delta$ with probability $\delta$ at most
    (Ville's inequality), and it falls as k grows. So the largest k at which it did reach $1/\delta$ is the lower bound. The
    stakes $\lambda_t = \sqrt{2 \ln(1/\delta) / (n \hat\sigma_{t-1}^2)}$ suit n samples with the variance seen so far
    (Waudby-Smith & Ramdas 2024, section 4). Of two samples of different sizes, the larger is averaged in as many blocks
    as the smaller has values. The bound depends on the order of the samples, which must not depend on their values.

    References
    ----------
    I. Waudby-Smith and A. Ramdas (2024), Estimating means of bounded random variables by betting, Journal of the Royal
    Statistical Society B 86(1), 1-27.

    Examples
    --------
    >>> import numpy as np
    >>> import gan
    >>> rng = np.random.default_rng(0)
    >>> a, b = (rng.random(500) + 1) / 2, rng.random(500) / 2  # of means 3/4 and 1/4
    >>> print(f"{gan.Betting(0.95).lower(a, b, (0.0, 1.0), (0.0, 1.0)):.3f} of 0.5")
    0.491 of 0.5
    """

    def _bound(self, a: "_Side", b: "_Side") -> float:
        low, width = a.bounded(self).low - b.bounded(self).high, a.width + b.width
        if width == 0:
            return math.nextafter(low, -math.inf)
        count = min(a.size, b.size)
        largest = max(map(abs, (a.low, a.high, b.low, b.high)))
        block = math.ceil(max(a.size, b.size) / count)
        error = (8 + block) * EPS * largest / width
        # less than the values in real arithmetic, whose wealth is then larger than what is computed
        x = np.maximum((_block_means(a.values, count) - _block_means(b.values, count) - low) / width - error, 0.0)
        share = _betting_bound(x, math.log(1 / self.risk))
        return low + width * share - ROUNDING * (abs(a.low) + abs(b.high) + width)


def _betting_bound(x: Floats, growth: float) -> float:
    """The largest mean in [0, 1], to a bisection, against which betting has made e^growth; 0 if there is none."""
    bets = _bets(x, growth)
    lost, open_ = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (lost + open_) / 2
        terms = np.log1p(np.minimum(bets, STAKE / middle) * (x - middle))
        # each term is wrong by a few roundings, and the sums by one more per term
        slack = (len(x) + 16) * EPS * float(np.abs(terms).sum())
        reached = float(terms.cumsum().max()) - slack > growth * (1 + ROUNDING)
        lost, open_ = (middle, open_) if reached else (lost, middle)
    return lost


def _bets(x: Floats, growth: float) -> Floats:
    """Stakes, each from the values before it; the variance starts at the largest of [0, 1], with the weight of one."""
    t = np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    return np.asarray(np.sqrt(2 * growth / (len(x) * before)))


def _block_means(x: Floats, count: int) -> Floats:
    """Means over `count` blocks of as equal a size as can be, in their order."""
    starts = np.arange(count) * len(x) // count
    return np.asarray(np.add.reduceat(x, starts) / np.diff(starts, append=len(x)))


def _below(a: "_Side", b: "_Side", margin: float) -> float:
    """The difference of the means less a margin, less what rounding may have added."""
    return a.mean - b.mean - margin - ROUNDING * (abs(a.mean) + abs(b.mean) + margin)


def _error(a: "_Side", b: "_Side") -> float:
    return math.hypot(a.deviation / math.sqrt(a.size), b.deviation / math.sqrt(b.size))


@final
@dataclass(frozen=True, eq=False)
class _Side:
    """One sample, the range it is in, its mean and its standard deviation."""

    name: str
    values: Floats
    low: float
    high: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, name: str, values: npt.ArrayLike, limits: Limits = (-math.inf, math.inf)) -> Self:
        """A sample that has been looked at."""
        x = np.asarray(values, dtype=np.float64)
        if x.ndim != 1 or len(x) < 2:
            msg = f"expected two or more values {name}, of shape (n,), got shape {x.shape}; draw more samples"
            raise ValueError(msg)
        if not np.all(np.abs(x) <= LARGEST):
            k = int(np.argmin(np.abs(x) <= LARGEST))
            msg = f"expected finite values {name} (below 2^1000), got {name}[{k}] = {x[k]}; clip the critic first"
            raise ValueError(msg)
        low, high = map(float, limits)
        if not (low <= x.min() and x.max() <= high):
            msg = (
                f"expected values {name} in their range [{low!r}, {high!r}], got some from {float(x.min())!r} "
                f"to {float(x.max())!r}; clip them to it"
            )
            raise ValueError(msg)
        mean = math.fsum(x.tolist()) / len(x)
        gaps = x - mean
        unit = float(np.abs(gaps).max()) or 1.0  # so that no square underflows
        variance = math.fsum(((gaps / unit) ** 2).tolist()) / (len(x) - 1)
        return cls(name, x, low, high, mean, unit * math.sqrt(variance))

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def width(self) -> float:
        return self.high - self.low

    def bounded(self, method: Confidence) -> Self:
        """Itself, if its range is finite."""
        if not max(abs(self.low), abs(self.high)) <= LARGEST:
            msg = (
                f"expected a finite range of the values {self.name} for {type(method).__name__}, got "
                f"[{self.low!r}, {self.high!r}]; clip them (clip_limits chooses where), or use CentralLimit"
            )
            raise ValueError(msg)
        return self
