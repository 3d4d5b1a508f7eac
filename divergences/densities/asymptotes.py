r"""Tails of a kernel where both densities fall off as powers to the end of the range of doubles, and far beyond.

A gamma distribution of shape 0.001 has half of its mass below the smallest double. In the logarithmic coordinate t both
densities are exponentials there, $e^{-at}$ and $e^{-bt}$, and so they are continued: the kernel is integrated over these,

$$\int_0^\infty k(p_0 e^{-at}, q_0 e^{-bt})\,dt.$$

How exactly exponential they are is seen before; the integral is repeated for slopes that differ by as much.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.kernels import Kernel
from divergences.densities.tails import Tail

__all__ = ["Asymptote", "asymptotic_tail"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

BACK = 2
"""Edges from one point at which a slope is found to the next."""

LINEAR = 1e-6
"""Relative change of a slope that stays the same."""

FAR, FARTHEST = 1e5, 2e5
"""In units of the slower fall, where the kernel has the slope that it keeps."""

UNDECIDED = 1e-3
"""A slope of the kernel below this, in these units, may be that of a logarithm."""

RATIO = 1.4
"""Of the ends of one panel."""

FINE, COARSE = 20, 14
"""Points of two Gauss rules on every panel."""


@final
@dataclass(frozen=True, slots=True)
class Asymptote:
    """A density that falls off exponentially from a point on: the logarithm there, the rate, and its error."""

    log_density: float
    rate: float
    error: float

    @classmethod
    def of(cls, t: Vector, log_density: Vector, noise: Vector) -> Self | None:
        """That of the last of some points, or None if the fall is not exponential there."""
        if len(t) <= 2 * BACK or not np.all(np.isfinite(log_density[-1 - 2 * BACK :])):
            return None
        now, before, then = -1, -1 - BACK, -1 - 2 * BACK
        rates = [-float((log_density[j] - log_density[i]) / (t[j] - t[i])) for i, j in ((before, now), (then, before))]
        doubt = 2 * float(np.max(noise[then:])) / float(min(t[now] - t[before], t[before] - t[then]))
        change = abs(rates[0] - rates[1])
        if not (rates[0] > 0 and change <= LINEAR * rates[0] + 2 * doubt):
            return None
        # what is accepted as the same slope is known no better than that
        return cls(float(log_density[now]), rates[0], min(change + doubt + 2 * LINEAR * rates[0], rates[0] / 2))

    def shifted(self, sign: int) -> Self:
        """With its rate moved by its error."""
        return type(self)(self.log_density, self.rate + sign * self.error, 0.0)


def asymptotic_tail(kernel: Kernel, start: int, p: Asymptote, q: Asymptote, largest: float) -> Tail:
    """The integral of a kernel over two exponentials, in units of ``exp(largest)``.

    Parameters
    ----------
    kernel : Kernel
        What is integrated.
    start : int
        Where the tail begins.
    p, q : Asymptote
        The densities beyond.
    largest : float
        The unit.

    Returns
    -------
    Tail
        ``value`` is infinite where the integral diverges or may do so, ``lower`` too where that is sure.
    """
    value, error = _integral(kernel, p, q, largest)
    if value == math.inf:
        return Tail(start, error, value, value, open=True)
    moved = [_integral(kernel, p.shifted(i), q.shifted(j), largest)[0] for i in (-1, 1) for j in (-1, 1)]
    spread = 2 * max(abs(x - value) for x in moved) + error + 64 * EPS * value
    return Tail(start, max(value - spread, 0.0), value, value + spread, open=True)


def _integral(kernel: Kernel, p: Asymptote, q: Asymptote, largest: float) -> tuple[float, float]:
    """Value and error; of an infinite one inf and a lower bound."""

    def log_terms(t: Vector) -> Vector:
        return kernel.log_terms(p.log_density - p.rate * t, q.log_density - q.rate * t)

    unit = 1 / min(p.rate, q.rate)
    ends = log_terms(np.asarray([FAR, FARTHEST]) * unit)
    if not np.all(ends < np.inf):
        return math.inf, 0.0
    fall = -float(ends[1] - ends[0]) / (FARTHEST - FAR) if np.all(np.isfinite(ends)) else 1.0
    if fall < UNDECIDED:
        return math.inf, math.inf if fall < -UNDECIDED else 0.0
    edges = _edges(kernel, p, q, unit, 80 / fall)
    fine, coarse = (_by_gauss(log_terms, edges, n, largest) for n in (FINE, COARSE))
    return fine, 2 * abs(fine - coarse)


def _edges(kernel: Kernel, p: Asymptote, q: Asymptote, unit: float, reach: float) -> Vector:
    """Panels that grow with the distance, and end where the kernel is not smooth."""
    last = unit * reach
    first = 1e-2 / max(p.rate, q.rate)
    count = max(math.ceil(math.log(last / first) / math.log(RATIO)), 1)
    edges = np.concatenate([[0.0], np.geomspace(first, last, count + 1)])
    difference = p.rate - q.rate
    if difference:
        crossings = [(p.log_density - q.log_density - joint) / difference for joint in (0.0, *kernel.joints)]
        edges = np.concatenate([edges, [t for t in crossings if 0 < t < last]])
    return np.unique(edges)


def _by_gauss(log_terms: Callable[[Vector], Vector], edges: Vector, count: int, largest: float) -> float:
    points, weights = np.polynomial.legendre.leggauss(count)
    half = np.diff(edges) / 2
    t = (edges[:-1] + half)[:, None] + half[:, None] * points
    with quiet():
        terms = np.exp(log_terms(t.ravel()) - largest)
    terms = np.where(np.isfinite(terms), terms, 0.0).reshape(t.shape)
    return float(half @ (terms @ weights))
