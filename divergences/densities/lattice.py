r"""Sums of a kernel of two probability functions over the integers.

Around the bulk of both distributions every term is added, outwards in blocks until the terms are negligible. What is
left is found from how fast they fall off: geometrically, in k, or as a power, in log k.
"""

import math
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.integral import Integral, Sample, rounding
from divergences.densities.kernels import Kernel
from divergences.densities.landmarks import Line
from divergences.densities.tails import NEGLIGIBLE, Tail, continued, is_known

__all__ = ["is_short", "lattice_sum"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

MOST = 2**20
"""Terms of the bulk that are added, at most."""

MORE = 2**16
"""And about so many beyond on either side."""

BLOCK = 64
"""Terms of the first block beyond the bulk; every next one is twice as long."""

DOUBLINGS = 1000
"""From the last term to the largest integers that terms are looked for at."""


@final
class _Terms:
    """Logarithms of the three summands, kernel, p and q, on a run of integers."""

    def __init__(self, kernel: Kernel, P: Line, Q: Line, k: Vector) -> None:
        self.k = k
        self.log_p, self.log_q = P.log_density(k), Q.log_density(k)
        self.mantissa, self.exponent = kernel.terms(self.log_p, self.log_q)
        with quiet():
            known = np.where(self.mantissa < np.inf, np.log(self.mantissa) + self.exponent, np.inf)
        self.logs = np.stack([known, self.log_p, self.log_q])

    def noise(self, kernel: Kernel, P: Line, Q: Line) -> Vector:
        """How far each may be off by rounding."""
        spreads = [
            EPS * (4 + np.where(np.isfinite(logs), 4 * np.abs(logs), 0.0) + line.size_of(self.k))
            for line, logs in ((P, self.log_p), (Q, self.log_q))
        ]
        return np.stack([kernel.noise(self.log_p, self.log_q, *spreads), *spreads])


def lattice_sum(kernel: Kernel, P: Line, Q: Line, low: float, high: float) -> Integral:
    """The sum of a kernel over the integers from low to high, either of which may be infinite.

    Parameters
    ----------
    kernel : Kernel
        What is summed.
    P, Q : Line
        Two distributions on the integers.
    low, high : float
        The ends of the common support.

    Returns
    -------
    Integral
        With bounds but for rounding; ``value`` and ``upper`` are infinite where it diverges, and ``lower`` too where
        that is sure.
    """
    blocks = [_Terms(kernel, P, Q, np.arange(first, last + 1)) for first, last in _runs(P, Q, low, high)]
    largest = np.max([block.logs.max(axis=1, initial=-np.inf, where=block.logs < np.inf) for block in blocks], axis=0)
    tails: list[list[Tail]] = [[], [], []]
    for sign, end, first in ((-1, low, blocks[0]), (1, high, blocks[-1])):
        added, largest = _outwards(kernel, P, Q, first, sign, end, largest)
        blocks += added
        last = (added or [first])[-1]
        for j in range(3):
            tails[j].append(_tail(kernel, P, Q, last, j, sign, end, largest[j]))
    return _total(kernel, P, Q, blocks, tails, largest)


def is_short(P: Line, Q: Line, low: float, high: float) -> bool:
    """Whether the bulk of both distributions has few enough integers to add all terms.

    Parameters
    ----------
    P, Q : Line
        Two distributions on the integers.
    low, high : float
        The ends of the common support.

    Returns
    -------
    bool
        If not, they are as good as densities.
    """
    return sum(last - first + 1 for first, last in _runs(P, Q, low, high)) <= MOST


def _runs(P: Line, Q: Line, low: float, high: float) -> list[tuple[float, float]]:
    """The first and last of runs of integers that hold the landmarks of both."""
    if high - low < MOST / 4:
        return [(low, high)]
    nearest = low if math.isfinite(low) else high if math.isfinite(high) else 0.0
    runs: list[tuple[float, float]] = []
    for run in sorted((*P.bulk, *Q.bulk)):
        first, last = (min(max(x, low), high) for x in run)
        if runs and first <= runs[-1][1] + MOST / 4:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return runs or [(nearest, nearest)]


def _outwards(
    kernel: Kernel, P: Line, Q: Line, block: _Terms, sign: int, end: float, largest: Vector
) -> tuple[list[_Terms], Vector]:
    """Blocks beyond a first one, until all three summands are negligible, or the end is reached."""
    added: list[_Terms] = []
    size, count = BLOCK, 0
    while count < MORE:
        edge = block.k[-1] if sign > 0 else block.k[0]
        if edge == end or abs(edge) > 2.0**52 or not np.any(_at_edge(block, sign) > largest - NEGLIGIBLE):
            break
        way = np.arange(1, size + 1)
        k = edge + sign * way[way <= abs(end - edge)]
        block = _Terms(kernel, P, Q, np.sort(k))
        largest = np.maximum(largest, block.logs.max(axis=1, initial=-np.inf, where=block.logs < np.inf))
        added.append(block)
        count, size = count + size, 2 * size
    return added, largest


def _at_edge(block: _Terms, sign: int) -> Vector:
    edge = block.logs[:, -2:] if sign > 0 else block.logs[:, :2]
    return np.asarray(np.max(edge, axis=1), dtype=np.float64)


def _tail(kernel: Kernel, P: Line, Q: Line, block: _Terms, j: int, sign: int, end: float, largest: float) -> Tail:
    """The sum of the summand j beyond a block, in units of ``exp(largest)``."""
    edge = float(block.k[-1] if sign > 0 else block.k[0])
    if edge == end:
        return Tail(0, 0.0, 0.0, 0.0)
    verdict = _far_out(kernel, P, Q, edge, j, sign, end, largest)
    if verdict is not None:
        return verdict
    with quiet():
        logs = block.logs[j][::-sign] - largest  # outermost first
    noise = float(np.max(block.noise(kernel, P, Q)[j]))
    if not np.isfinite(logs[0]):
        return Tail(0, 0.0, 0.0, 0.0 if logs[0] == -np.inf else math.inf)
    way = np.abs(block.k[::-sign] - edge)
    if logs[0] < -NEGLIGIBLE:
        fall = float(logs[1] - logs[0]) if len(logs) > 1 and math.isfinite(logs[1]) else math.inf
        return Tail(0, 0.0, 0.0, 2 * math.exp(logs[0]) / math.expm1(fall) if fall > 0 else math.inf)
    return min(
        _by_geometry(way, logs, noise),
        _by_power(edge, block.k[::-sign], logs, noise),
        key=lambda tail: tail.upper - tail.lower,
    )


def _far_out(
    kernel: Kernel, P: Line, Q: Line, edge: float, j: int, sign: int, end: float, largest: float
) -> Tail | None:
    """An infinite tail, if the summand times k still grows, or does not fall, at the largest integers."""
    k = edge + sign * np.exp2(np.arange(DOUBLINGS))
    k = k[np.abs(k - edge) < abs(end - edge)] if math.isfinite(end) else k[np.abs(k) < 1e300]
    if math.isfinite(end) or len(k) < 8:
        return None
    t = np.log(np.abs(k - edge))
    far = _Terms(kernel, P, Q, k)
    logs, noise = far.logs[j] + t, far.noise(kernel, P, Q)[j]
    known = np.flatnonzero(~is_known(logs, noise))
    count = int(known[0]) if known.size else len(logs)
    if count < 8 or logs[count - 1] < largest - NEGLIGIBLE:
        return None
    tail = continued(t[:count], logs[:count] - largest, float(np.max(noise[:count][-5:])))
    return Tail(0, *tail) if math.isinf(tail[1]) else None


def _by_geometry(way: Vector, logs: Vector, noise: float) -> Tail:
    """A tail that falls off as exp(-s k): the integral, and what a sum has that an integral has not."""
    step = max((len(logs) - 1) // 6, 1)
    chosen = slice(0, 5 * step, step)
    if len(logs[chosen]) < 5 or not np.all(np.isfinite(logs[chosen])):
        return Tail(0, 0.0, 0.0, math.inf)
    length = float(way[chosen][-1])
    lower, value, upper = (length * x for x in continued(-way[chosen][::-1] / length, logs[chosen][::-1], noise))
    fall = float(logs[step] - logs[0]) / step
    if not 0 < fall < 700:
        return Tail(0, 0.0, value, math.inf)
    share = fall / math.expm1(fall)
    return Tail(0, lower * share, value * share, upper * share)


def _by_power(edge: float, k: Vector, logs: Vector, noise: float) -> Tail:
    """A tail that falls off as a power of k: the integral in log k from the last term, less half of that."""
    size = np.abs(k)
    ratio = (size[-1] / size[0]) ** (1 / 5)
    places = np.unique(np.minimum(np.searchsorted(-size, -size[0] * ratio ** np.arange(6)), len(k) - 1))
    if len(places) < 6 or abs(edge) < 1000 or not np.all(np.isfinite(logs[places])):
        return Tail(0, 0.0, 0.0, math.inf)
    t = np.log(size[places])[::-1]
    lower, value, upper = continued(t, (logs[places] + np.log(size[places]))[::-1], noise)
    half = math.exp(float(logs[0])) / 2
    slack = half / abs(edge)  # more than the next term of the formula of Euler and Maclaurin
    return Tail(0, max(lower - half - slack, 0.0), max(value - half, 0.0), max(upper - half + slack, 0.0))


def _total(
    kernel: Kernel, P: Line, Q: Line, blocks: list[_Terms], tails: list[list[Tail]], largest: Vector
) -> Integral:
    blocks = sorted(blocks, key=lambda block: float(block.k[0]))
    log_p, log_q, mantissa, exponent, k = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("log_p", "log_q", "mantissa", "exponent", "k")
    )
    if any(math.isinf(tail.lower) for tail in tails[0]) or np.any((mantissa == np.inf) & (k == np.floor(k))):
        return Integral(0.0, math.inf, math.inf, math.inf, (1.0, 0.0), (1.0, 0.0), lambda *_: 0.0)
    scale = float(largest[0]) if math.isfinite(largest[0]) else 0.0
    masses = []
    for logs, found, unit in ((log_p, tails[1], largest[1]), (log_q, tails[2], largest[2])):
        factor = math.exp(unit) if math.isfinite(unit) else 0.0
        value = math.fsum([float(np.sum(np.exp(logs))), *(tail.value * factor for tail in found)])
        masses.append((value, math.fsum((tail.upper - tail.lower) * factor for tail in found)))
    with quiet():
        total = float(np.sum(mantissa * np.exp(exponent - scale)))
    lower, value, upper = (
        total + math.fsum(getattr(tail, name) for tail in tails[0]) for name in ("lower", "value", "upper")
    )

    def noise(shift_p: float, shift_q: float) -> float:
        zero = np.zeros_like(k)
        spreads = [EPS * (4 + np.where(np.isfinite(logs), np.abs(logs), 0.0) + line.size_of(k)) for line, logs in both]
        sample = Sample(zero + 1.0, zero, zero, log_p, log_q, mantissa, exponent, *spreads)
        return rounding(kernel, sample, scale, shift_p, shift_q)

    both = ((P, log_p), (Q, log_q))
    return Integral(scale, lower, value, upper, masses[0], masses[1], noise)
