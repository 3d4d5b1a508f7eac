r"""Dual potentials in twice the precision of float64, feasible without any rounding.

A potential is an unevaluated sum of two floats. One float would not do: where the cost of the plan is far below the
potentials (:math:`W_2` of a cloud and its shift by 1e-9 has a cost of 1e-18 and potentials of order 1) the rounding of
the potentials alone would be larger than the value.
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

from divergences.transport.exact import two_sum
from divergences.transport.result import Floats, Indices

__all__ = ["Potential", "c_transform", "difference_down", "reduced_cost", "reduced_matrix", "slack_bound"]

_BLOCK = 2**17  # pairs handled at once: the temporaries stay in the cache
_UNIT, _TINY = 2.0**-53, 2.0**-1074  # rounding of floats, and the least float
_ROUNDING = 2.0**-49  # sixteen units in the last place: above the error of two float64 subtractions


@final
@dataclass(frozen=True, eq=False)
class Potential:
    """The numbers ``high + low``, with `low` at most half a unit in the last place of `high`."""

    high: Floats
    low: Floats

    @classmethod
    def of(cls, x: Floats) -> Self:
        """The floats `x` themselves."""
        return cls(x, np.zeros_like(x))

    def __add__(self, x: Floats) -> "Potential":
        """Shift by floats, rounded to the double length."""
        s, e = two_sum(self.high, x)
        return Potential(*two_sum(s, e + self.low))

    def __getitem__(self, k: Indices) -> "Potential":
        """Chosen entries."""
        return Potential(self.high[k], self.low[k])

    def round_down(self) -> Floats:
        """The nearest floats that are not above."""
        return np.where(self.low < 0, np.nextafter(self.high, -np.inf), self.high)


def c_transform(cost: Floats, g: Potential) -> Potential:
    r"""The largest potential of the rows that is feasible with `g`: :math:`f_i = \min_j c_{ij} - g_j`, rounded down.

    Exactly ``f[i] + g[j] <= cost[i, j]`` holds, as real numbers (Villani 2009, definition 5.2; Peyré & Cuturi 2019,
    section 5.1). A pair of infinite cost asks nothing; a row without any other has no largest potential, and gets 0.
    """
    size = max(1, _BLOCK // cost.shape[1])
    if size >= len(cost):
        return _row_minima(cost, g)
    blocks = [_row_minima(cost[k : k + size], g) for k in range(0, len(cost), size)]
    return Potential(np.concatenate([b.high for b in blocks]), np.concatenate([b.low for b in blocks]))


def reduced_matrix(cost: Floats, f: Potential, g: Potential, cap: float) -> Floats:
    """Reduced costs of all pairs, capped: in float64 first, and accurately where that is not clearly above the cap."""
    out = np.empty_like(cost)
    size = max(1, _BLOCK // cost.shape[1])
    for k in range(0, len(cost), size):
        rows, part = slice(k, k + size), out[k : k + size]
        np.subtract(cost[rows], f.high[rows, None], out=part)
        part -= g.high
        error = _ROUNDING * float(np.abs(f.high[rows]).max() + np.abs(g.high).max())
        i, j = np.nonzero((part <= 2 * (cap + error)) & (part < np.inf))
        np.minimum(part, cap, out=part)
        part[i, j] = np.minimum(reduced_cost(cost[rows][i, j], f[i + k], g[j]), cap)
    return out


def reduced_cost(cost: Floats, f: Potential, g: Potential) -> Floats:
    """Reduced costs of listed pairs: `cost`, `f` and `g` of one length, accurate however much cancels."""
    s, e = two_sum(cost, -f.high)
    t, d = two_sum(s, -g.high)
    return np.maximum(t + (d + (e - f.low - g.low)), 0.0)


def slack_bound(cost: Floats, f: Potential, g: Potential) -> Floats:
    """Numbers not below the reduced costs of listed pairs; the reduced costs themselves where nothing is rounded."""
    s, e = two_sum(cost, -f.high)
    t, d = two_sum(s, -g.high)
    rest = d + (e - f.low - g.low)
    slack = t + rest
    # exact terms, all of them but t mostly 0: three roundings of sums of the small ones, and one of the whole
    small = np.abs(e) + np.abs(d) + np.abs(f.low) + np.abs(g.low)
    error = 4 * _UNIT * (small + np.abs(slack)) * (1 + 8 * _UNIT) + _TINY
    return np.maximum(np.where(small > 0, slack + error * (1 + 4 * _UNIT), t), 0.0)


def _row_minima(cost: Floats, g: Potential) -> Potential:
    """Minima over the columns: rounded ones choose the few pairs in question, exact ones decide."""
    rough = cost - g.high
    least = np.minimum.reduce(rough, axis=1)
    if math.isinf(np.maximum.reduce(least)):
        return _finite_minima(cost, g, np.isfinite(least))
    # the low parts, left out on both sides of the comparison, and the rounding of the differences
    in_question = least + (_ROUNDING * np.abs(least) + 3 * np.maximum.reduce(np.abs(g.low)))
    pair = np.flatnonzero(rough <= in_question[:, None])
    row, column = np.divmod(pair, cost.shape[1])
    high, low = difference_down(cost.ravel()[pair], g[column])
    if len(pair) == len(cost):
        return Potential(high, low)
    # every row has at least its own minimum in question
    start = np.concatenate([[0], np.flatnonzero(row[1:] != row[:-1]) + 1])
    top = np.minimum.reduceat(high, start)
    return Potential(top, np.minimum.reduceat(np.where(high == top[row], low, np.inf), start))


def _finite_minima(cost: Floats, g: Potential, finite: npt.NDArray[np.bool_]) -> Potential:
    """Minima of the rows that have one, 0 for the others."""
    out = Potential.of(np.zeros(len(cost)))
    if finite.any():
        some = _row_minima(cost[finite], g)
        out.high[finite], out.low[finite] = some.high, some.low
    return out


def difference_down(cost: Floats, g: Potential) -> tuple[Floats, Floats]:
    """Exact difference ``cost - g`` rounded down to double length."""
    s, e = two_sum(cost, -g.high)
    if not g.low.any():
        return s, e
    t, lost = two_sum(e, -g.low)
    return two_sum(s, np.where(lost < 0, np.nextafter(t, -np.inf), t))
