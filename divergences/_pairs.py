"""Pairs of measures on one space, balanced to equal mass without losing what tells them apart.

Dividing p and q by their sums rounds every entry, and where p and q nearly agree the rounding is larger than their
difference. Here neither is divided: q is multiplied by the ratio of the masses, and what that rounds is carried along.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self, final

import array_api_compat
import numpy as np

from divergences._arrays import Array, aligned, as_double, checked, namespace

__all__ = ["STEP", "STEPS", "Pair", "measures", "simplex_pair"]

STEP, STEPS = 2.0**-27, 4
LIFT = STEP**-STEPS
"""Exact factor that lifts subnormal entries, and the rounding errors of their products, into the normal range.

Where the sum then overflows, the lift is taken back in steps.
"""

BLOCK = 1 << 14
"""Elements evaluated at once in numpy: some ten temporaries of this size stay in a second-level cache."""


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Two measures p and q, to be compared after q is scaled to the mass of p; the last axis is the space.

    The factor is ``scale * (1 + rest)``: a double, and what is left of the mass after it. Products with `scale` are kept
    exactly, so that p - q of the *balanced* pair comes out to full relative precision, however close the two are. A
    `scale` of None is 1.
    """

    xp: Any
    p: Array
    q: Array
    scale: Array | None
    rest: Array
    mass: Array
    dtype: Any

    def total(self, term: Callable[[Array, Array, Array], Array]) -> Array:
        """Sum of ``term(p, q, p - q)`` over the space, q balanced; a number per row and unit of mass."""
        (total,) = self._sums(lambda p, q, scale, rest: (term(p, *_balanced(p, q, scale, rest)),))
        return total / self.mass[:, 0]

    def lowered(self, factor: Array) -> Self:
        """The pair with each row times a factor, for sums so large that the lift made them overflow."""
        factor = factor[:, None]
        return replace(self, p=self.p * factor, q=self.q * factor, mass=self.mass * factor)

    def keeping(self, rows: Array) -> Self:
        """The pair with every other row replaced by ones, so that no gradient flows through what is discarded."""
        kept = rows[:, None]
        p, q, mass = (self.xp.where(kept, x, 1.0) for x in (self.p, self.q, self.mass))
        scale = None if self.scale is None else self.xp.where(kept, self.scale, 1.0)
        return replace(self, p=p, q=q, scale=scale, rest=self.xp.where(kept, self.rest, 0.0), mass=mass)

    def balanced(self) -> Self:
        """The pair with the scale and rest that give q the mass of p.

        The product of q with the rest is rounded, which is harmless where the rest is below the differences: the scale
        stays 1 where the masses differ by little, and by less than the entries do; else it is the ratio of the masses.
        """
        xp = self.xp
        mass, other, excess, variation = self._sums(lambda p, q, *_: (p, q, p - q, xp.abs(p - q)))
        if bool(xp.all(xp.abs(excess) <= xp.minimum(variation / 2, other / 8))):
            return replace(self, mass=mass[:, None], rest=(excess / other)[:, None])
        ratio = xp.where(xp.abs(excess) < other / 2, 1.0 + excess / other, mass / other)[:, None]
        scaled = replace(self, mass=mass[:, None], scale=ratio)
        gap, held = scaled._sums(lambda p, q, scale, _: (_scaled_difference(p, q, scale)[2], q * scale))
        return replace(scaled, rest=(gap / held)[:, None])

    def _sums(self, terms: Callable[[Array, Array, Array | None, Array], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Sums of ``terms(p, q, scale, rest)`` over the space, in pieces that stay in the cache (numpy) or at once."""
        rows, n = self.p.shape
        if not array_api_compat.is_numpy_namespace(self.xp) or rows * n <= BLOCK:
            return tuple(self.xp.sum(x, axis=-1) for x in terms(self.p, self.q, self.scale, self.rest))
        height, width = max(1, BLOCK // n), min(n, BLOCK)
        sums = [np.array([x.sum(axis=-1) for x in terms(*block)]) for block in self._blocks(height, width)]
        columns = -(-n // width)
        bands = [np.sum(sums[k : k + columns], axis=0) for k in range(0, len(sums), columns)]
        return tuple(np.concatenate(bands, axis=-1))

    def _blocks(self, height: int, width: int) -> Iterator[tuple[Array, Array, Array | None, Array]]:
        """Pieces of p and q, row by row, with the scale and rest of their rows."""
        rows, n = self.p.shape
        for top in range(0, rows, height):
            row = slice(top, top + height)
            scale = None if self.scale is None else self.scale[row]
            for left in range(0, n, width):
                column = slice(left, left + width)
                yield self.p[row, column], self.q[row, column], scale, self.rest[row]


def simplex_pair(p: Array, q: Array, *, axis: int, normalize: bool) -> tuple[Pair, tuple[int, ...]]:
    """Validate two probability arrays along `axis`; the pair, flat in its batch, and the batch's shape."""
    xp, (p, q) = namespace(p=p, q=q)
    dtype = xp.result_type(p, q)
    p, q = aligned(xp, p, q, axis)
    weights = [checked(xp, name, x, normalize=normalize, lift=LIFT) for name, x in (("p", p), ("q", q))]
    batch, n = weights[0].shape[:-1], weights[0].shape[-1]
    p, q = (xp.reshape(x, (math.prod(batch), n)) for x in weights)
    none = xp.zeros_like(p[:, :1])
    return Pair(xp, p, q, None, none, none, dtype).balanced(), batch


def measures(p: Array, q: Array, critic: Array, *, axis: int, normalize: bool) -> tuple[Any, Any, list[Array]]:
    """Validated p, q, normalised by their sums, beside a third array on the same space; `axis` is moved last."""
    xp, (p, q, critic) = namespace(p=p, q=q, critic=critic)
    dtype = xp.result_type(p, q, critic)
    p, q = aligned(xp, p, q, axis)
    critic = as_double(xp, _values_on(xp, critic, p, axis))
    p, q = (checked(xp, name, x, normalize=normalize, lift=1.0) for name, x in (("p", p), ("q", q)))
    return xp, dtype, [*(x / xp.sum(x, axis=-1, keepdims=True) for x in (p, q)), critic]


def _values_on(xp: Any, critic: Array, p: Array, axis: int) -> Array:
    """Critic values in the shape of p (whose space is its last axis), none of them NaN."""
    if bool(xp.any(xp.isnan(critic))):
        msg = "expected T to be a number at each outcome, got NaN; train the critic with a smaller step"
        raise ValueError(msg)
    try:
        moved = xp.moveaxis(critic, axis, -1) if critic.ndim else critic
        return xp.broadcast_to(moved, p.shape)
    except (ValueError, RuntimeError) as error:
        msg = f"expected one value of T per outcome, shape {tuple(p.shape)}, got {tuple(critic.shape)}"
        raise ValueError(msg) from error


# An error-free product (Dekker 1971; Ogita, Rump & Oishi 2005): the rounding error of one operation is a double.


def _balanced(p: Array, q: Array, scale: Array | None, rest: Array) -> tuple[Array, Array]:
    """Q scaled to the mass of p, and the difference of p from it."""
    high, low, difference = _scaled_difference(p, q, scale)
    correction = rest * high
    return high + (correction + low), difference - correction


def _scaled_difference(p: Array, q: Array, scale: Array | None) -> tuple[Array, Array | float, Array]:
    """The exact product of q and its scale as a sum of two doubles, and p minus it: right to its own last place."""
    if scale is None:
        return q, 0.0, p - q
    high, low = _two_product(q, scale)
    return high, low, (p - high) - low


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    product = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Array) -> tuple[Array, Array]:
    """Upper and lower 26 bits (Veltkamp)."""
    c = 134217729.0 * a
    high = c - (c - a)
    return high, a - high
