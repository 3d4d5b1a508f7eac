"""Sorting numbers together with their places: the index of each rides in the last bits of its significand.

Sorting float64 takes a quarter of the time of sorting indices. Dropping the last k bits of a number keeps the order, up to
ties; so only numbers that tie in what is left, if they came out in the wrong order, are sorted again.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from divergences.transport.result import Floats, Indices

__all__ = ["sort_packed", "stable_order"]


def sort_packed(x: Floats) -> tuple[Floats, Indices] | None:
    """Rows (r, n) in ascending order, and the flat index of each entry; equal ones in any order.

    None if entries are not finite, or differ by more than the largest float64.
    """
    rows, n = x.shape
    bits = (n - 1).bit_length()
    mask = (1 << bits) - 1
    keys: npt.NDArray[Any] = x.view(np.int64) & ~mask
    keys |= np.arange(n)
    numbers = keys.view(np.float64)
    numbers.sort(axis=-1)
    if not np.all(numbers[:, -1] - numbers[:, 0] < np.inf):  # NaN come last
        return None
    order = keys & mask
    if rows > 1:
        order += np.arange(0, rows * n, n)[:, None]
    y = x.take(order)
    wrong = y[:, 1:] < y[:, :-1]
    if wrong.any():
        for k in np.flatnonzero(wrong.any(axis=-1)):
            _mend(y[k], order[k], keys[k] >> bits)
    return y, order


def _mend(y: Floats, order: Indices, keys: Indices) -> None:
    """Sort, in place, the entries whose keys are not unique: each group of equal keys keeps its range of places."""
    same = keys[1:] == keys[:-1]
    tied = np.zeros(len(y), dtype=bool)
    tied[1:] = same
    tied[:-1] |= same
    places = np.flatnonzero(tied)
    right = places[np.argsort(y[places])]
    y[places], order[places] = y[right], order[right]


def stable_order(x: Floats) -> Indices:
    """Order of the points (n,), equal ones as they came; where none are equal a faster sort finds the same."""
    found = sort_packed(x[None])
    if found is None:
        return np.argsort(x, kind="stable")
    y, order = found
    return np.argsort(x, kind="stable") if np.any(y[:, 1:] == y[:, :-1]) else order[0]
