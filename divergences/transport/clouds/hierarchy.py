"""Clouds of points from coarse to fine: cells of a balanced k-d tree, each stood for by its centre of mass."""

from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.clouds.arcs import Integer64
from divergences.transport.result import Floats

__all__ = ["COARSEST", "Level", "hierarchy", "kd_order"]

COARSEST = 700
"""Most cells a side that are solved densely: some tenths of a second."""

_FACTOR = 4  # points to a cell


@final
@dataclass(frozen=True, eq=False)
class Level:
    """Points and their integer masses."""

    points: Floats
    mass: Integer64


def kd_order(points: Floats) -> Integer64:
    """Permutation that lists the points cell by cell: each cell is halved at the median of its widest axis."""
    order, ends = np.arange(len(points)), np.array([0, len(points)])
    while np.diff(ends).max() > 1:
        start, size = ends[:-1], np.diff(ends)
        listed = points[order]
        widths = np.maximum.reduceat(listed, start, axis=0) - np.minimum.reduceat(listed, start, axis=0)
        cell = np.repeat(np.arange(len(start)), size)
        along = listed[np.arange(len(points)), widths.argmax(axis=1)[cell]]
        order = order[np.lexsort((along, cell))]
        ends = np.unique(np.concatenate([ends, start + (size + 1) // 2]))
    return order


def hierarchy(x: Level, y: Level) -> list[tuple[Level, Level]]:
    """Levels of both sides, from the coarsest to the points themselves, which come in k-d order."""
    out = [(x, y)]
    while max(len(x.mass), len(y.mass)) > COARSEST:
        x, y = _coarser(x), _coarser(y)
        out.append((x, y))
    return out[::-1]


def _coarser(fine: Level) -> Level:
    """Cells of four points, unless there are few points."""
    n = len(fine.mass)
    if n <= COARSEST:
        return fine
    cells = -(-n // _FACTOR)
    start = np.arange(cells) * n // cells
    total = np.add.reduceat(fine.mass, start)
    share = fine.mass / np.repeat(total, np.diff(start, append=n))
    return Level(np.add.reduceat(fine.points * share[:, None], start, axis=0), total)
