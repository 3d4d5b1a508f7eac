r"""$W_p$ where one distribution or both live on the integers: quantile functions that are steps.

Between two such distributions the integral is a sum over the stretches between their ranks,

$$W_p^p = \sum_i (t_i - t_{i-1})\,|F^{-1}(t_i) - G^{-1}(t_i)|^p,$$

taken from both ends so that small probabilities keep their digits. Where there are too many integers some are left out:
their mass moves to the middle of a block, which by Minkowski's inequality moves $W_p$ by at most the norm of the way.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from divergences._arrays import quiet
from divergences.bounds import Bounds
from divergences.densities.tails import continued
from divergences.families import Bernoulli, Categorical, Distribution, Mixture
from divergences.families.composed import Wrapped
from divergences.families.distribution import Vector
from divergences.transport.inverses import Inverse
from divergences.transport.quantiles import quantile_distance

__all__ = ["Steps", "mixed_distance", "steps_distance"]

EPS = float(np.finfo(np.float64).eps)

DIGITS = 1e-12
"""Relative error of a distribution function of scipy on the integers."""

NOTHING = 1e-290
"""Less mass than this is left out at an end."""

REMOTE = 1e-60
"""Beyond this mass not every integer is kept, unless there are few."""

SHORT, DENSE, EVEN, GROWTH = 1 << 12, 1 << 17, 1 << 16, 1 / 256
"""Few integers; most that are all kept; those kept at even steps where there are more; the part by which steps grow far out."""

MIXED = 6000
"""Integers kept beside a density."""

NEGLIGIBLE = 1e-18
"""Ranks below this do not part an integral."""

Function = Callable[[Vector], Vector]


@final
@dataclass(frozen=True, eq=False)
class Steps:
    """A distribution on the integers: points that stand for blocks of them, the mass up to each and above each."""

    k: Vector
    below: Vector
    above: Vector
    moved: Vector
    """How far mass has been moved to such a point."""
    digits: float
    endless: tuple[bool, bool]

    @classmethod
    def of(cls, P: Distribution) -> Self:
        """Ask a distribution."""
        support = P.support()
        endless = not math.isfinite(support.lower), not math.isfinite(support.upper)
        k = _grid(P)
        if isinstance(P, Bernoulli | Categorical):
            mass = np.exp(P.log_density(k))
            below, above = np.cumsum(mass), np.append(np.cumsum(mass[:0:-1])[::-1], 0.0)
            return cls(k, below, above, np.zeros(len(k)), (len(k) + 8) * EPS, endless)
        with quiet():
            below, above = (mass(k) for mass in _masses(P))
        below, above = np.maximum.accumulate(below), np.minimum.accumulate(above)
        moved = (np.diff(k, prepend=k[0] - 1) - 1) / 2
        return cls(k - moved, below, above, moved, DIGITS, endless)

    def thinned(self, count: int) -> Self:
        """With fewer integers, spread evenly where most of the mass is."""
        inside = np.flatnonzero((self.below > NEGLIGIBLE) & (self.above > NEGLIGIBLE))
        if inside.size <= count:
            return self
        kept = np.ones(len(self.k), dtype=bool)
        kept[inside] = False
        kept[np.unique(np.linspace(inside[0], inside[-1], count).astype(int))] = True
        starts = np.append(0, np.flatnonzero(kept)[:-1] + 1)
        first = np.minimum.reduceat(self.k - self.moved, starts)
        last = np.maximum.reduceat(self.k + self.moved, starts)
        return type(self)(
            first / 2 + last / 2, self.below[kept], self.above[kept], last / 2 - first / 2, self.digits, self.endless
        )

    def ranks(self, *, upper: bool) -> Vector:
        """Increasing probabilities in (0, 1/2) below, or above, at which the quantile function jumps."""
        u = self.above[::-1] if upper else self.below
        return np.unique(u[(u > 0) & (u < 1 / 2)])

    def index(self, u: Vector, *, upper: bool) -> "np.ndarray[tuple[int, ...], np.dtype[np.intp]]":
        """Number of the quantile at probabilities below, or above: the least integer with enough mass."""
        if upper:
            found = len(self.k) - np.searchsorted(self.above[::-1], u, side="right")
        else:
            found = np.searchsorted(self.below, u, side="left")
        return np.minimum(found, len(self.k) - 1)

    def at(self, u: Vector, *, upper: bool) -> tuple[Vector, Vector]:
        """Quantiles, and how far their mass has been moved."""
        place = self.index(u, upper=upper)
        return self.k[place], self.moved[place]


def _masses(P: Distribution) -> tuple[Function, Function]:
    """The mass up to a point and above it, both with their own digits."""
    if isinstance(P, Mixture):
        parts = [_masses(part) for part in P.components]

        def total(x: Vector, side: int) -> Vector:
            return np.asarray(
                sum(w * part[side](x) for part, w in zip(parts, P.weights, strict=True)), dtype=np.float64
            )

        return lambda x: total(x, 0), lambda x: total(x, 1)
    original = P.original if isinstance(P, Wrapped) else None
    if _adds_up(original) and not math.isfinite(P.support().upper - P.support().lower):
        msg = (
            f"expected a distribution on the integers whose distribution function has a formula, got {P!r}, which adds up "
            "endlessly many probabilities; pass a Categorical of as many of them as matter"
        )
        raise ValueError(msg)
    above = getattr(original, "sf", None) or getattr(original, "ccdf", None) or P.survival
    return lambda x: np.asarray(P.cdf(x), dtype=np.float64), lambda x: np.asarray(above(x), dtype=np.float64)


def _adds_up(original: Any) -> bool:
    """Whether scipy has no formula for the distribution function of an object of its own."""
    kind: Any = type(getattr(original, "dist", None))
    bases: tuple[Any, ...] = kind.__mro__
    return any(base.__name__ == "rv_discrete" and kind._cdf is base._cdf for base in bases)


def _grid(P: Distribution) -> Vector:
    """The integers that are kept."""
    support = P.support()
    masses = _masses(P)
    middle = _median(P, masses[0])
    low, left, left_most = _reach(middle, -1, support.lower, masses[0])
    high, right, right_most = _reach(middle, 1, support.upper, masses[1])
    if high - low <= SHORT:
        return np.arange(low, high + 1)
    if right_most - left_most <= DENSE:
        near = max(right_most - middle, middle - left_most, 1.0)
        parts: list[Vector | list[float]] = [np.arange(left_most, right_most + 1), [low, high]]
    else:
        near = DENSE / 8
        parts = [np.arange(middle - near, middle + near + 1), np.floor(np.linspace(left, right, EVEN)), [low, high]]
    for sign, end in ((-1, low), (1, high)):
        doublings = math.log2(max(abs(end - middle) / near, 1.0))
        parts.append(np.floor(middle + sign * near * np.exp2(np.arange(0, doublings, GROWTH))))
    k = np.unique(np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]))
    return np.asarray(k[(k >= low) & (k <= high)], dtype=np.float64)


def _median(P: Distribution, below: Function) -> float:
    """An integer near the median; where quantiles are not known, by halving."""
    support = P.support()
    with quiet():
        found = float(P.quantile(np.asarray(0.5)))
    if math.isfinite(found):
        return float(math.floor(min(max(found, support.lower), support.upper)))
    way = np.exp2(np.arange(1023))
    low, high = max(support.lower, -float(way[-1])), min(support.upper, float(way[-1]))
    for _ in range(2 * len(way)):
        middle = math.floor(low / 2 + high / 2) if min(abs(low), abs(high)) * 4 > high - low else _between(low, high)
        if middle in (low, high):
            break
        low, high = (low, middle) if float(below(np.asarray(middle))) >= 1 / 2 else (middle, high)
    return float(high)


def _between(low: float, high: float) -> float:
    """A number between two of different size: the geometric mean of their sizes."""
    if low < -1 < 1 < high:
        return 0.0
    sign = -1.0 if high <= 0 else 1.0
    small, large = sorted((abs(low), abs(high)))
    return float(math.floor(sign * math.sqrt(max(small, 1.0)) * math.sqrt(large)))


def _reach(middle: float, sign: int, end: float, mass: Function) -> tuple[float, float, float]:
    """The integers on one side beyond which there is less than `NOTHING`, `NEGLIGIBLE` and `REMOTE`."""
    way = np.minimum(np.exp2(np.arange(0, 1000)), abs(end - middle))
    with quiet():
        left = mass(middle + sign * way)
        found = []
        for limit in (NOTHING, NEGLIGIBLE, REMOTE):
            j = min(int(np.count_nonzero(left > limit)), len(way) - 1)
            finer = np.ceil(np.linspace(way[max(j - 1, 0)], way[j], 33))
            enough = mass(middle + sign * finer) <= limit
            found.append(middle + sign * float(finer[int(np.argmax(enough))] if enough.any() else way[j]))
    return found[0], found[1], found[2]


def steps_distance(P: Steps, Q: Steps, p: float) -> Bounds:
    r"""$W_p$ between two distributions on the integers.

    Parameters
    ----------
    P, Q : Steps
        The distributions.
    p : float
        Order.

    Returns
    -------
    Bounds
        Rounding of the distribution functions and the tails beyond the last integer included.
    """
    lower = value = upper = moved = 0.0
    for above in (False, True):
        ours = [steps.ranks(upper=above) for steps in (P, Q)]
        # below the least rank of one that goes on, nothing more is known of it
        known = [
            _known(ranks) for steps, ranks in zip((P, Q), ours, strict=True) if steps.endless[above] and ranks.size
        ]
        floor = max(known, default=np.finfo(np.float64).tiny)
        u = np.sort(np.concatenate([*ours, [1 / 2]]))
        u = u[u >= floor]
        asked = np.maximum(np.append(0.0, u[:-1]), floor) if above else u
        (x, x_moved), (y, y_moved) = P.at(asked, upper=above), Q.at(asked, upper=above)
        width = np.diff(u, prepend=0.0)
        with quiet():
            cost, way = np.abs(x - y) ** p, (x_moved + y_moved) ** p
        # a rank that is off by a part of itself moves mass from one cost to the next
        jumps = np.abs(np.diff(cost))
        error = max(P.digits, Q.digits) * float(u[:-1] @ jumps) + 8 * EPS * float(width @ cost)
        value += float(width @ cost)
        moved += float(width @ way)
        lower, upper = lower - error, upper + error
        if known and len(u) > 1:
            tail = _tail(u, cost, p)
            lower, value, upper = lower + tail[0], value + tail[1], upper + tail[2]
    lower, upper = lower + value, upper + value
    low, middle, high = (max(x, 0.0) ** (1 / p) for x in (lower, value, upper))
    norm = moved ** (1 / p) * (1 + DIGITS)
    slack = 8 * EPS
    low = max(low * (1 - slack) - norm, 0.0) if low < math.inf else low
    return Bounds(min(low, middle), middle, max(middle, high * (1 + slack) + norm))


def _known(ranks: Vector) -> float:
    """The least rank that has all its digits: what is nearly out of range has been made of numbers that have not."""
    least = float(ranks[0])
    return float(ranks[np.searchsorted(ranks, min(least / EPS, 1e-100))]) if least < 1e-150 else least


def _tail(u: Vector, cost: Vector, p: float) -> tuple[float, float, float]:
    """What is beyond the last integer that is kept, less what the sum has of it, from how the terms fall off."""
    with quiet():
        t = -np.log(u)
        logs = np.log(cost) - t
    last = float(t[0])
    if last < 300 and float(cost[0]) == 0:
        return 0.0, 0.0, 0.0
    chosen = np.unique(np.searchsorted(-t, -np.linspace(last / 2, last, 9)).clip(0, len(t) - 1))[::-1]
    chosen = chosen[np.isfinite(logs[chosen])]
    if len(chosen) < 5:
        return 0.0, 0.0, float(u[0] * (4 * cost[0]))
    lower, value, upper = continued(t[chosen], logs[chosen], p * 2 * GROWTH)
    return (lower, value, upper) if lower == math.inf else (0.0, value if value == math.inf else 0.0, upper)


def mixed_distance(P: Steps, Q: Inverse, p: float) -> Bounds:
    r"""$W_p$ between a distribution on the integers and one with a density.

    Parameters
    ----------
    P : Steps
        On the integers.
    Q : Inverse
        With a density.
    p : float
        Order.

    Returns
    -------
    Bounds
        As of `divergences.transport.quantiles.quantile_distance`.
    """
    few = P.thinned(MIXED)
    lost = 0.0
    smooth = []
    for above in (False, True):
        u = few.ranks(upper=above)
        u = u[u > NEGLIGIBLE]
        place = few.index(u, upper=above)
        y = Q.at(u, upper=above)[0] if u.size else u
        here, after = few.k[place], few.k[np.minimum(place + 1, len(few.k) - 1)]
        before = few.k[np.maximum(place - 1, 0)]
        with quiet():
            costs = np.abs(np.stack([here, after, before]) - y) ** p
        lost += few.digits * float(u @ np.ptp(costs, axis=0)) if u.size else 0.0
        met = Q.rank(few.k)[above]
        met = met[(met > NEGLIGIBLE) & (met < 1 / 2)]
        smooth.append(np.union1d(u, met))

    def gap(u: Vector, above: bool) -> tuple[Vector, Vector]:
        (x, moved), (y, error) = few.at(u, upper=above), Q.at(u, upper=above)
        return x - y, moved + error + EPS * np.abs(x - y)

    return quantile_distance(gap, p, Q.jumps, (smooth[0], smooth[1]), lost=lost)
