r"""Running sums of masses without rounding, and the merge of two of them: the monotone plan in float64.

A mass is split into a multiple of :math:`2^{-52}` and a rest on a grid so fine that the running sums of both parts are
exact in float64, in whatever order a library adds. The sum of the two is a running sum of about 85 binary digits behind
the point for a million masses, 95 for a thousand; float64 alone would lose up to n units of the 53rd.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import Array

__all__ = ["UNIT", "Merged", "Twofold", "balanced", "excess", "merged", "pick"]

UNIT = 2.0**-53
"""Unit roundoff."""


@final
@dataclass(frozen=True, eq=False)
class Twofold:
    """Masses ``high + low`` (..., n), both parts on grids on which sums are exact."""

    high: Array
    low: Array

    def picked(self, xp: Any, order: Array) -> "Twofold":
        """The masses in another order, one for each row."""
        return Twofold(pick(xp, self.high, order), pick(xp, self.low, order))

    def running(self, xp: Any) -> "Twofold":
        """Running sums, the high part being the sum rounded to float64."""
        return _normal(xp.cumulative_sum(self.high, axis=-1), xp.cumulative_sum(self.low, axis=-1))

    def total(self, xp: Any) -> "Twofold":
        """Sums (..., 1), the high part being the sum rounded to float64."""
        return _normal(xp.sum(self.high, axis=-1, keepdims=True), xp.sum(self.low, axis=-1, keepdims=True))


@final
@dataclass(frozen=True, eq=False)
class Merged:
    """The monotone plan: cells (..., n + m - 1) along the staircase, the masses in them and the place of each step.

    `place` is the index, in the levels of x followed by those of y, of the level at which a cell ends.
    """

    row: Array
    column: Array
    mass: Array
    place: Array


def pick(xp: Any, x: Array, index: Array) -> Array:
    """Entries along the last axis: one list of them for each row, or one row for all lists."""
    return x[index] if x.ndim == 1 else xp.take_along_axis(x, index, axis=-1)


def balanced(xp: Any, a: Array, b: Array) -> tuple[Twofold, Twofold, Array]:
    """Masses of about 1 as twofold ones, and how far a running sum, brought to the total of `a`, may be off."""
    digits = 105 - max(3, max(a.shape[-1], b.shape[-1]).bit_length())
    source, lost_a = _split(xp, a, digits)
    target, lost_b = _split(xp, b, digits)
    lost = 2.0 ** -(digits + 1) * (a.shape[-1] * lost_a + b.shape[-1] * lost_b)
    return source, target, lost + 6 * UNIT * xp.abs(excess(xp, source, target)[..., 0])


def merged(xp: Any, a: Twofold, b: Twofold) -> Merged:
    """Merge the running sums of two balanced masses, the cells changing where a level of either side is reached."""
    n, top = a.high.shape[-1], a.total(xp)
    levels = [a.running(xp), _scaled(b.running(xp), excess(xp, a, b))]
    high, low = (_joined(xp, [getattr(v, part)[..., :-1] for v in levels]) for part in ("high", "low"))
    order = xp.argsort(high, axis=-1, stable=True)  # two sorted runs
    mass = _steps(xp, high, low, order, top)
    if bool(xp.any(mass < 0)):  # levels that only the low part tells apart
        first = xp.argsort(low, axis=-1, stable=True)
        order = pick(xp, first, xp.argsort(pick(xp, high, first), axis=-1, stable=True))
        mass = xp.maximum(_steps(xp, high, low, order, top), xp.zeros_like(mass))  # negative within the error at most
    row = xp.cumulative_sum(xp.astype(order < n - 1, xp.int64), axis=-1, include_initial=True)
    return Merged(row, xp.arange(row.shape[-1]) - row, mass, order)


def excess(xp: Any, a: Twofold, b: Twofold) -> Array:
    r"""The number :math:`\delta` by which the total of `a` is :math:`1 + \delta` times that of `b`."""
    m, n = a.total(xp), b.total(xp)
    return ((m.high - n.high) + (m.low - n.low)) / n.high


def _scaled(levels: Twofold, delta: Array) -> Twofold:
    r"""The levels times :math:`1 + \delta`; the product rounds by few units of :math:`\delta`."""
    return _normal(levels.high, levels.low + levels.high * delta)


def _split(xp: Any, mass: Array, digits: int) -> tuple[Twofold, Array]:
    """Masses of at most 1.5 on the two grids, and whether the finer one has lost something."""
    high = (mass + 1.0) - 1.0
    low = mass - high
    shift = 1.5 * 2.0 ** (52 - digits)  # adding it rounds to a multiple of 2**-digits
    grid = (low + shift) - shift
    return Twofold(high, grid), xp.astype(xp.any(grid != low, axis=-1), xp.float64)


def _normal(high: Array, low: Array) -> Twofold:
    """The same sum, its high part rounded to nearest (Dekker 1971, for a low part that is the smaller)."""
    s = high + low
    return Twofold(s, low - (s - high))


def _joined(xp: Any, parts: list[Array]) -> Array:
    """Concatenation along the last axis of arrays whose leading axes broadcast."""
    shape = np.broadcast_shapes(*(tuple(x.shape[:-1]) for x in parts))
    return xp.concat([xp.broadcast_to(x, (*shape, x.shape[-1])) for x in parts], axis=-1)


def _steps(xp: Any, high: Array, low: Array, order: Array, top: Twofold) -> Array:
    """Masses between successive levels, from 0 to the total."""
    ends = (_joined(xp, [xp.zeros_like(end), pick(xp, x, order), end]) for x, end in ((high, top.high), (low, top.low)))
    h, v = (x[..., 1:] - x[..., :-1] for x in ends)
    return h + v
