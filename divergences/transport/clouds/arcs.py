"""Lists of pairs (i, j): the arcs that a sparse transport program is restricted to."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from divergences.transport.result import Floats

__all__ = ["Arcs", "Integer64", "best_in_group"]

Integer64 = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Arcs:
    """Distinct pairs in lexicographic order; ``key = row * width + column``."""

    row: Integer64
    column: Integer64
    key: Integer64
    width: int

    @classmethod
    def of(cls, row: npt.NDArray[np.integer], column: npt.NDArray[np.integer], width: int) -> Self:
        """The distinct ones among the listed pairs."""
        return cls.of_keys(row.astype(np.int64) * width + column, width)

    @classmethod
    def of_keys(cls, key: Integer64, width: int) -> Self:
        """The distinct ones among the listed keys."""
        key = np.sort(key)
        key = key[np.diff(key, prepend=-1) > 0]
        row = key // width
        return cls(row, key - row * width, key, width)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.key)

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> "Arcs":
        """Chosen pairs."""
        return Arcs(self.row[chosen], self.column[chosen], self.key[chosen], self.width)

    def __or__(self, other: "Arcs") -> "Arcs":
        """The pairs of both."""
        return Arcs.of_keys(np.concatenate([self.key, other.key]), self.width)

    def __contains__(self, other: object) -> bool:
        """Whether all pairs of another list are here."""
        return isinstance(other, Arcs) and bool(self.holds(other).all())

    def holds(self, other: "Arcs") -> npt.NDArray[np.bool_]:
        """Which pairs of another list are here."""
        place = np.minimum(np.searchsorted(self.key, other.key), len(self.key) - 1)
        return np.asarray(self.key[place] == other.key)

    def best(self, value: Floats, size: int, *, height: int) -> npt.NDArray[np.bool_]:
        """Which pairs are among the `size` of least value in their row or in their column."""
        chosen = np.zeros(len(self), dtype=bool)
        chosen[best_in_group(self.row, value, size, height)] = True
        chosen[best_in_group(self.column, value, size, self.width)] = True
        return chosen


def best_in_group(group: Integer64, value: Floats, size: int, groups: int) -> Integer64:
    """Indices of the `size` entries of least value in each group."""
    order = np.argsort(value)
    rank = np.arange(len(order))
    # a sort by counting that keeps the order within the groups
    table = coo_array((order, (group[order], rank)), shape=(groups, max(len(order), 1))).tocsr()
    place = rank - np.repeat(table.indptr[:-1], np.diff(table.indptr))
    return np.asarray(table.data[place < size], dtype=np.int64)
