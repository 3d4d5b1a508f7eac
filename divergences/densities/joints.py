"""Panels that end where the ratio of two densities passes a point at which a kernel is not smooth."""

import itertools

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.panels import NODES, Panels, Problem

__all__ = ["split_at_joints"]

Vector = NDArray[np.float64]

ROOTS = 50
"""More changes of sign of log(p/q) than this are rounding."""

STEPS = 10
"""Steps to such a root, each to an eighth of the bracket; what it is off by counts squared."""

EIGHTHS = np.arange(1, 8) / 8


def split_at_joints(problem: Problem, panels: Panels) -> Panels:
    """Panels that end where log(p/q) passes a point at which the kernel is not smooth."""
    for joint in problem.kernel.joints:
        panels = _split_at(problem, panels, joint)
    return panels


def _split_at(problem: Problem, panels: Panels, joint: float) -> Panels:
    """Cut panels where log(p/q) - joint changes its sign, inside or next to one of their ends."""
    ends = problem.nodes(np.concatenate([panels.zone] * 2)[:, None], np.concatenate([panels.a, panels.b])[:, None])
    count = len(panels.a)
    with quiet():
        inner = panels.nodes.log_p - panels.nodes.log_q - joint
        outer = (ends.log_p - ends.log_q - joint)[:, 0]
        values = np.concatenate([outer[:count, None], inner, outer[count:, None]], axis=1)
        changes = np.sign(values[:, :-1]) * np.sign(values[:, 1:]) < 0
    rows, columns = np.nonzero(changes)
    if not 0 < len(rows) <= ROOTS:
        return panels
    half = (panels.b - panels.a) / 2
    stations = np.concatenate([[-1.0], NODES, [1.0]])
    t = (panels.a / 2 + panels.b / 2)[:, None] + half[:, None] * stations
    roots = _roots(problem, panels.zone[rows], t[rows, columns], t[rows, columns + 1], values[rows, columns], joint)
    kept = panels.at(~np.isin(np.arange(count), rows))
    zone, a, b, counts = [], [], [], []
    for row in np.unique(rows):
        cuts = [panels.a[row], *np.sort(roots[rows == row]), panels.b[row]]
        for low, high in itertools.pairwise(cuts):
            if high > low:
                zone.append(panels.zone[row])
                a.append(low)
                b.append(high)
                counts.append(panels.counts[row])
    pieces = problem.panels(
        np.asarray(zone), np.asarray(a), np.asarray(b), np.asarray(counts), np.zeros(len(a), dtype=np.int64)
    )
    return kept + pieces


def _roots(
    problem: Problem, zone: NDArray[np.int64], low: Vector, high: Vector, at_low: Vector, joint: float
) -> Vector:
    """Where log(p/q) passes a joint between low and high."""
    low, high = low.copy(), high.copy()
    sign = np.sign(at_low)
    for _ in range(STEPS):
        middle = low[:, None] + (high - low)[:, None] * EIGHTHS
        nodes = problem.nodes(zone, middle)
        with quiet():
            same = np.sign(nodes.log_p - nodes.log_q - joint) == sign[:, None]
        steps = np.where(same.all(axis=1), 7, np.argmin(same, axis=1))  # how many points are still before the root
        grid = np.concatenate([low[:, None], middle, high[:, None]], axis=1)
        each = np.arange(len(low))
        low, high = grid[each, steps], grid[each, steps + 1]
    return low / 2 + high / 2
