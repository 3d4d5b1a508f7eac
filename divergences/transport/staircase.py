"""The north-west corner rule: the monotone plan between two mass vectors, in linear time."""

from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.result import Indices, Integers

__all__ = ["Staircase", "staircase"]


@final
@dataclass(frozen=True, eq=False)
class Staircase:
    """A path of ``n + m - 1`` cells from (0, 0) to (n - 1, m - 1); each step goes down a row or right a column.

    The steps pass through every row and column, those without mass included (their cells carry 0).
    """

    row: Indices
    column: Indices
    mass: Integers


def staircase(a: Integers, b: Integers) -> Staircase:
    """Monotone plan of integer masses of one total: cells change where a cumulative sum of either side is reached."""
    levels = np.cumsum(a)
    ends = np.concatenate([levels[:-1], np.cumsum(b)[:-1]])
    order = np.argsort(ends, kind="stable")  # two sorted runs: a merge
    down = order < len(a) - 1
    row = np.zeros(len(down) + 1, dtype=np.int64)
    np.cumsum(down, out=row[1:])
    column = np.arange(len(row)) - row
    levels = np.concatenate([[0], ends[order], levels[-1:]])
    return Staircase(row, column, np.diff(levels))
