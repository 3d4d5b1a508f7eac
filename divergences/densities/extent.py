"""How far out panels are needed: the first panels of an integral, and its tails beyond them."""

import math

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.asymptotes import Asymptote, asymptotic_tail
from divergences.densities.panels import Nodes, Panels, Problem
from divergences.densities.tails import Tail
from divergences.densities.zones import Zone

__all__ = ["first_panels", "gentle_slope"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

CAPPED = 1e-13
"""A tail larger than this is compared with the masses in it."""

LARGEST = float(np.finfo(np.float64).max)


def first_panels(problem: Problem) -> tuple[Panels, list[list[Tail]], list[float]]:
    """The panels on which one of the three integrands is not negligible, the tails beyond of each, and their units."""
    index = np.concatenate([np.full(len(z.edges), k) for k, z in enumerate(problem.zones)])
    edges = np.concatenate([z.edges for z in problem.zones])
    nodes = problem.nodes(index, edges)
    with quiet():
        known = nodes.mantissa < np.inf
        kernel = np.where(known, np.log(nodes.mantissa) + nodes.exponent + nodes.log_jacobian, np.nan)
        # where both densities vanish they are out of range, not 0
        kernel = np.where((nodes.log_p == -np.inf) & (nodes.log_q == -np.inf), np.nan, kernel)
        logs = [kernel, *(np.where(np.isfinite(y), y + nodes.log_jacobian, np.nan) for y in (nodes.log_p, nodes.log_q))]
        spreads = [_edge_spread(problem, index, edges, nodes, y) for y in (nodes.log_p, nodes.log_q)]
        noise = problem.kernel.noise(nodes.log_p, nodes.log_q, *spreads)
    noises = [np.where(kernel == -np.inf, 0.0, noise), *spreads]
    largest = [_largest(y, z) for y, z in zip(logs, noises, strict=True)]
    tails: list[list[Tail]] = [[], [], []]
    parts = []
    for k, zone in enumerate(problem.zones):
        here = index == k
        starts = [len(zone.edges) - 1] * 3
        if zone.outward:
            found = _zone_tails(problem, zone, [y[here] for y in logs], [y[here] for y in noises], largest)
            starts = [tail.start for tail in found]
            for of_kind, tail in zip(tails, found, strict=True):
                of_kind.append(tail)
        last = max(starts)
        numbers = np.arange(last)
        counts = numbers[:, None] < np.asarray(starts)
        parts.append((np.full(last, k), zone.edges[:last], zone.edges[1 : last + 1], counts))
    zone_index, a, b, all_counts = (np.concatenate(x) for x in zip(*parts, strict=True))
    return problem.panels(zone_index, a, b, all_counts, np.zeros(len(a), dtype=np.int64)), tails, largest


def _edge_spread(problem: Problem, index: NDArray[np.int64], edges: Vector, nodes: Nodes, log_p: Vector) -> Vector:
    """How far the logarithm of a density at edges may be off: by rounding of it, and of the point next to an end."""
    spread = 4 * EPS * np.where(np.isfinite(log_p), 1 + np.abs(log_p), 1.0)
    with quiet():
        moved = np.where(nodes.log_jacobian != 0, nodes.slack * np.exp(-nodes.log_jacobian), 0.0)  # of t
        for k, zone in enumerate(problem.zones):
            here = index == k
            if zone.outward and np.count_nonzero(here) > 1:
                spread[here] += gentle_slope(edges[here], log_p[here]) * moved[here]
    return np.where(np.isfinite(spread), spread, np.inf)


def _zone_tails(
    problem: Problem, zone: Zone, logs: list[Vector], noises: list[Vector], largest: list[float]
) -> list[Tail]:
    """The tails of kernel, P and Q beyond a zone."""
    tails = [Tail.of(zone.edges, y, top, z) for y, top, z in zip(logs, largest, noises, strict=True)]
    if tails[1].open or tails[2].open:
        # masses that go on beyond the range of doubles: so does the kernel, even if it is small just here
        both = np.flatnonzero(np.isfinite(logs[1]) & np.isfinite(logs[2]))
        last = int(both[-1]) + 1 if both.size else 0
        p, q = (Asymptote.of(zone.edges[:last], logs[j][:last], noises[j][:last]) for j in (1, 2))
        if p is not None and q is not None:
            tails[0] = asymptotic_tail(problem.kernel, last - 1, p, q, largest[0])
    if tails[0].upper > CAPPED:
        tails[0] = tails[0].capped(_cap(problem, zone, float(zone.edges[tails[0].start]), largest[0]))
    return tails


def _largest(logs: Vector, noise: Vector) -> float:
    """The largest of some logarithms, of which noise might only be large."""
    with quiet():
        sure = logs - noise
    for known in (sure[np.isfinite(sure)], logs[np.isfinite(logs)]):
        if known.size:
            return float(known.max())
    return 0.0


def _cap(problem: Problem, zone: Zone, t: float, largest: float) -> float:
    """The most that a tail beyond t may be: the kernel is convex, so at most what its masses cost if kept apart."""
    kernel = problem.kernel
    if not (kernel.at_zero < math.inf and kernel.at_infinity < math.inf and kernel.convex):
        return math.inf
    (x,), _, _ = zone.place(np.asarray([t]))
    outwards = zone.place(zone.edges[-1:])[0][0] > zone.place(zone.edges[:1])[0][0]
    masses = ((line.above if outwards else line.below)(float(x)) for line in (problem.P, problem.Q))
    most = math.fsum(price * mass for price, mass in zip((kernel.at_infinity, kernel.at_zero), masses, strict=True))
    # with what a complement may have lost
    return min((most * (1 + 1e-9) + 4 * EPS * (kernel.at_zero + kernel.at_infinity)) * _exp(-largest), LARGEST)


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else LARGEST


def gentle_slope(x: Vector, y: Vector) -> Vector:
    """Twice the lesser of the slopes |dy/dx| on both sides: towards an end y may grow beyond all numbers in one step."""
    with quiet():
        slope = np.abs(np.diff(y) / np.diff(x))
    slope = np.where(np.isfinite(slope), slope, 0.0)
    return np.asarray(2 * np.minimum(np.append(slope, slope[-1:]), np.insert(slope, 0, slope[:1])))
