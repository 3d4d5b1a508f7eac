"""Pairs of measures on one space, balanced to equal mass without losing what tells them apart.

Dividing p and q by their sums rounds every entry, and where p and q nearly agree the rounding is larger than their
difference. Here neither is divided: q is multiplied by the ratio of the masses, and what that rounds is carried along.

`quick_totals` takes the pairs that need little of this: numpy doubles whose masses differ by no more than rounding, with
a value far from the ends of the range of doubles. Almost all pairs are such; the others are left to `Pair`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self, final

import array_api_compat
import numpy as np

from divergences._arrays import Array, aligned, checked, known, last_axis, namespace, wide

__all__ = ["LIFT", "STEP", "Pair", "measures", "quick_totals", "scaled_difference", "simplex_pair", "two_product"]

STEP, STEPS = 2.0**-27, 4
LIFT = STEP**-STEPS
"""Exact factor that lifts subnormal entries, and the rounding errors of their products, into the normal range.

Where the sum then overflows, the lift is taken back in steps.
"""

BLOCK = 1 << 14
"""Elements evaluated at once in numpy: some ten temporaries of this size stay in a second-level cache."""

TOLERANCE = math.sqrt(float(np.finfo(np.float64).eps))
ULP = float(np.finfo(np.float64).eps)
DOUBLE = np.dtype(np.float64)
ONES = np.ones(BLOCK)

# A C library that has once freed a large array keeps the memory of smaller ones, instead of handing it back to the system
# after every block and faulting it in again. This one is never touched, so it costs nothing.
np.empty(1 << 21)

Term = Callable[[Array, Array, Array], Array]


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

    @property
    def steps(self) -> int:
        """How many steps the entries are lifted by."""
        return STEPS if self.p.dtype == self.xp.float64 else 0

    def total(self, term: Term) -> Array:
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
        nearly = xp.abs(excess) <= xp.minimum(variation / 2, other / 8)
        if known(xp, nearly):
            return replace(self, mass=mass[:, None], rest=(excess / other)[:, None])
        ratio = xp.where(xp.abs(excess) < other / 2, 1.0 + excess / other, mass / other)
        scaled = replace(self, mass=mass[:, None], scale=xp.where(nearly, 1.0, ratio)[:, None])
        gap, held = scaled._sums(lambda p, q, scale, _: (scaled_difference(p, q, scale)[2], q * scale))
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


def quick_totals(
    term: Term, p: Array, q: Array, *, axis: int, normalize: bool, kinks: bool, sensitivity: float
) -> tuple[Array, Any] | None:
    """Sums of ``term(p, q, p - q)`` per unit of mass, for numpy doubles, and where they are sure; None where care is needed.

    Let m be the relative difference of the masses. Where it counts, m q is taken from the differences, which is exact if
    m is small beside the relative differences of p and q, whose size is the root of the sum (the sum itself, where f has
    kinks). It does not count if `sensitivity` times m, the relative error to first order, is a rounding error, and m**2
    beside the sum, the error to second order, is too.
    """
    if not (type(p) is type(q) is np.ndarray and p.dtype == q.dtype == DOUBLE and p.shape == q.shape and p.size):
        return None
    if axis != -1 and axis != p.ndim - 1:
        return None
    shape, n = p.shape[:-1], p.shape[-1]
    if len(shape) > 1:
        p, q = p.reshape(-1, n), q.reshape(-1, n)
    least, mass, excess = _blocked(_masses, p, q)
    if p.ndim == 1:
        least, mass, excess = float(least), float(mass), float(excess)  # arithmetic of numpy's numbers is slow
    other = mass - excess
    proper = (least >= 0) & (abs(excess) <= other / 16)  # NaN fails every comparison
    if normalize:
        proper &= (mass > 1e-200) & (mass < 1e200)
    else:
        proper &= (abs(mass - 1) <= TOLERANCE) & (abs(other - 1) <= TOLERANCE)
    if not _all(proper):
        return None
    shift = excess / other
    value = None
    if _all(abs(shift) * sensitivity <= 2 * ULP):  # never where the sensitivity is infinite, unless the masses agree
        (total,) = _blocked(lambda p, q: (np.add.reduce(term(p, q, p - q), axis=-1),), p, q)
        value = total / mass
    if value is None or not _all(shift * shift <= ULP * value):
        try:
            (total,) = _blocked(lambda *block: (_shifted_sum(term, *block),), p, q, shift)
        except FloatingPointError:
            return None
        value = total / mass
    size = value if kinks else value**0.5
    sure = (value > 1e-200) & (value < 1e200) & (abs(shift) <= size / 16)
    return (value, sure) if len(shape) < 2 else (value.reshape(shape), sure.reshape(shape))


def _all(condition: Any) -> bool:
    return condition if isinstance(condition, bool) else bool(condition.all())


def _blocked(sums: Callable[..., tuple[Array, ...]], p: Array, q: Array, *rows: Array) -> tuple[Array, ...]:
    """Sums over the last axis, and minima (which come first), in blocks that stay in the cache; `rows` have one value a row."""
    n = p.shape[-1]
    if p.size <= BLOCK:
        return sums(p, q, *rows)
    if p.ndim == 2 and n > BLOCK:
        return tuple(
            np.array(x) for x in zip(*(_blocked(sums, *row) for row in zip(p, q, *rows, strict=True)), strict=True)
        )
    if p.ndim == 2:
        bands = [slice(k, k + BLOCK // n) for k in range(0, len(p), BLOCK // n)]
        return tuple(map(np.concatenate, zip(*(sums(*(x[k] for x in (p, q, *rows))) for k in bands), strict=True)))
    parts = [sums(p[k : k + BLOCK], q[k : k + BLOCK], *rows) for k in range(0, n, BLOCK)]
    first, *others = (np.array(x) for x in zip(*parts, strict=True))
    return (first.min(), *(x.sum() for x in others)) if others else (first.sum(),)


def _masses(p: Array, q: Array) -> tuple[Array, Array, Array]:
    """The least entry, and the sums of p and of p - q."""
    ones = ONES[: p.shape[-1]]
    return np.minimum.reduce(np.minimum(p, q), axis=-1), p.dot(ones), (p - q).dot(ones)


def _shifted_sum(term: Term, p: Array, q: Array, shift: Array) -> Array:
    with np.errstate(
        under="raise" if np.max(np.abs(shift)) > ULP else "ignore"
    ):  # subnormal q cannot be shifted by less
        shifted = (shift if p.ndim == 1 else shift[:, None]) * q
    difference = p - q
    difference -= shifted
    shifted += q
    return np.add.reduce(term(p, shifted, difference), axis=-1)


def simplex_pair(p: Array, q: Array, *, axis: int, normalize: bool) -> tuple[Pair, tuple[int, ...]]:
    """Validate two probability arrays along `axis`; the pair, flat in its batch, and the batch's shape."""
    xp, (p, q) = namespace(p=p, q=q)
    dtype = xp.result_type(p, q)
    p, q = aligned(xp, p, q, axis)
    lift = LIFT if wide(xp, p).dtype == xp.float64 else 1.0
    weights = [checked(xp, name, x, normalize=normalize, lift=lift) for name, x in (("p", p), ("q", q))]
    batch, n = weights[0].shape[:-1], weights[0].shape[-1]
    p, q = (xp.reshape(x, (math.prod(batch), n)) for x in weights)
    none = xp.zeros_like(p[:, :1])
    return Pair(xp, p, q, None, none, none, dtype).balanced(), batch


def measures(p: Array, q: Array, critic: Array, *, axis: int, normalize: bool) -> tuple[Any, Any, list[Array]]:
    """Validated p, q, normalised by their sums, beside a third array on the same space; `axis` is moved last."""
    xp, (p, q, critic) = namespace(p=p, q=q, T=critic)
    dtype = xp.result_type(p, q, critic)
    p, q = aligned(xp, p, q, axis)
    critic = wide(xp, _values_on(xp, critic, p, axis))
    p, q = (checked(xp, name, x, normalize=normalize, lift=1.0) for name, x in (("p", p), ("q", q)))
    return xp, dtype, [*(x / xp.sum(x, axis=-1, keepdims=True) for x in (p, q)), critic]


def _values_on(xp: Any, critic: Array, p: Array, axis: int) -> Array:
    """Critic values on the space of p (its last axis), none of them NaN; leading axes of both are broadcast."""
    if known(xp, ~xp.isnan(critic)) is False:
        msg = "expected T to be a number at each outcome, got NaN; train the critic with a smaller step"
        raise ValueError(msg)
    try:
        moved = last_axis(xp, critic, axis) if critic.ndim else critic
        shape = np.broadcast_shapes(tuple(moved.shape), tuple(p.shape))
        if shape[-1] == p.shape[-1]:
            return xp.broadcast_to(moved, shape)
        msg = f"expected one value of T per outcome, shape {tuple(p.shape)}, got {tuple(critic.shape)}"
    except (ValueError, RuntimeError) as error:
        msg = f"expected one value of T per outcome, shape {tuple(p.shape)}, got {tuple(critic.shape)}"
        raise ValueError(msg) from error
    raise ValueError(msg)


# An error-free product (Dekker 1971; Ogita, Rump & Oishi 2005): the rounding error of one operation is a double.


def _balanced(p: Array, q: Array, scale: Array | None, rest: Array) -> tuple[Array, Array]:
    """Q scaled to the mass of p, and the difference of p from it."""
    high, low, difference = scaled_difference(p, q, scale)
    correction = rest * high
    return high + (correction + low), difference - correction


def scaled_difference(p: Array, q: Array, scale: Array | None) -> tuple[Array, Array | float, Array]:
    """The exact product of q and its scale as a sum of two doubles, and p minus it: right to its own last place."""
    if scale is None:
        return q, 0.0, p - q
    high, low = two_product(q, scale)
    return high, low, (p - high) - low


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """The product of two doubles as a sum of two, exactly."""
    product = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Array) -> tuple[Array, Array]:
    """Upper and lower 26 bits (Veltkamp)."""
    c = (4097.0 if "32" in str(a.dtype) else 134217729.0) * a
    high = c - (c - a)
    return high, a - high
