"""The only file that knows array libraries: namespaces, promotion, validation of simplexes, exact masses.

Every public function takes arrays of one library (numpy, torch, or any other of the array API standard) and returns
arrays of that library, dtype and device. Inside, all arithmetic is double precision.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self, final

import array_api_compat
import numpy as np

__all__ = ["Array", "Pair", "double", "measures", "namespace", "quiet", "result", "simplex_pair"]

Array = Any
"""An array of any library of the array API standard, or whatever ``numpy.asarray`` takes."""

LIFT = 2.0**106
"""Exact factor that lifts subnormal entries, and the rounding errors of their products, into the normal range."""

BLOCK = 1 << 14
"""Elements evaluated at once in numpy: some ten temporaries of this size stay in a second-level cache."""


def namespace(**arrays: Array) -> tuple[Any, list[Array]]:
    """Array namespace of the arguments and the arguments as arrays of it; sequences and scalars follow the arrays."""
    given = [x for x in arrays.values() if array_api_compat.is_array_api_obj(x)]
    try:
        xp = array_api_compat.array_namespace(*given) if given else array_api_compat.array_namespace(np.zeros(0))
    except TypeError as error:
        kinds = ", ".join(f"{name}: {type(x).__module__}.{type(x).__name__}" for name, x in arrays.items())
        msg = f"expected arrays of one library, got {kinds}; convert one, as in torch.as_tensor(p) or numpy.asarray(p)"
        raise TypeError(msg) from error
    device = array_api_compat.device(given[0]) if given else None
    return xp, [_as_floating(xp, name, x, device) for name, x in arrays.items()]


def _as_floating(xp: Any, name: str, x: Array, device: Any) -> Array:
    """Array of a real floating dtype; integers and Python numbers become double precision."""
    try:
        is_array = array_api_compat.is_array_api_obj(x)
        array = x if is_array else xp.asarray(np.asarray(x, dtype=np.float64), device=device)
    except (TypeError, ValueError) as error:
        msg = f"expected {name} to be an array of numbers, got {type(x).__name__} ({error})"
        raise ValueError(msg) from error
    if _is_floating(xp, array):
        return array
    if xp.isdtype(array.dtype, "integral"):
        return xp.astype(array, xp.float64)
    msg = f"expected {name} to hold real numbers, got dtype {array.dtype}; convert it to a floating dtype"
    raise TypeError(msg)


def _is_floating(xp: Any, array: Array) -> bool:
    try:
        return bool(xp.isdtype(array.dtype, "real floating"))
    except (TypeError, ValueError):  # half formats outside the standard (bfloat16 of some libraries)
        return "float" in str(array.dtype)


def double(*arrays: Array) -> tuple[Any, Any, list[Array]]:
    """Namespace, the dtype that results are returned in, and the arrays in double precision."""
    xp, floating = namespace(**{f"argument {k}": x for k, x in enumerate(arrays)})
    return xp, xp.result_type(*floating), [xp.astype(x, xp.float64) for x in floating]


def result(xp: Any, x: Array, dtype: Any) -> Array:
    """Array in the dtype of the input; numbers, where the library (numpy) tells them from arrays without axes."""
    x = xp.astype(x, dtype)
    return x if x.ndim else x[()]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let numpy make the infinities that the mathematics asks for without a warning; NaN still warns."""
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        yield


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

    def lowered(self) -> Self:
        """The pair without the lift, for sums so large that the lift made them overflow."""
        return replace(self, p=self.p / LIFT, q=self.q / LIFT, mass=self.mass / LIFT)

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
    p, q = _aligned(xp, p, q, axis)
    checked = [_checked(xp, name, x, normalize=normalize) * LIFT for name, x in (("p", p), ("q", q))]
    batch, n = checked[0].shape[:-1], checked[0].shape[-1]
    p, q = (xp.reshape(x, (math.prod(batch), n)) for x in checked)
    none = xp.zeros_like(p[:, :1])
    return Pair(xp, p, q, None, none, none, dtype).balanced(), batch


def measures(p: Array, q: Array, critic: Array, *, axis: int, normalize: bool) -> tuple[Any, Any, list[Array]]:
    """Validated p, q, normalised by their sums, beside a third array on the same space; `axis` is moved last."""
    xp, (p, q, critic) = namespace(p=p, q=q, critic=critic)
    dtype = xp.result_type(p, q, critic)
    p, q = _aligned(xp, p, q, axis)
    critic = xp.moveaxis(critic, axis, -1) if critic.ndim else critic
    p, q = (_checked(xp, name, x, normalize=normalize) for name, x in (("p", p), ("q", q)))
    p, q = (x / xp.sum(x, axis=-1, keepdims=True) for x in (p, q))
    return xp, dtype, [p, q, xp.astype(critic, xp.float64)]


def _aligned(xp: Any, p: Array, q: Array, axis: int) -> tuple[Array, Array]:
    """Both arrays with `axis` moved last and of one shape."""
    for name, x in (("p", p), ("q", q)):
        if not -x.ndim <= axis < x.ndim:
            msg = f"expected {name} to have an axis {axis}, got shape {tuple(x.shape)}; pass probabilities of shape (..., n)"
            raise ValueError(msg)
    moved = [xp.moveaxis(x, axis, -1) for x in (p, q)]
    n, k = (x.shape[-1] for x in moved)
    if n == 0 or k == 0:
        msg = f"expected at least one outcome along axis {axis}, got shapes {tuple(p.shape)} and {tuple(q.shape)}"
        raise ValueError(msg)
    if n != k:
        msg = (
            f"expected p and q on the same space, got {n} and {k} outcomes along axis {axis} "
            f"(shapes {tuple(p.shape)} and {tuple(q.shape)}); pad the shorter one with zeros where an outcome is missing"
        )
        raise ValueError(msg)
    try:
        first, second = xp.broadcast_arrays(*moved)
    except (ValueError, RuntimeError) as error:
        msg = (
            f"expected shapes that broadcast, got {tuple(p.shape)} and {tuple(q.shape)}; "
            "insert axes of length 1, as in p[:, None, :] against q[None, :, :], for all pairs"
        )
        raise ValueError(msg) from error
    return first, second


def _checked(xp: Any, name: str, x: Array, *, normalize: bool) -> Array:
    """Non-negative, finite weights in double precision, whose mass is 1 (or, to be normalised, positive)."""
    tolerance = math.sqrt(float(xp.finfo(x.dtype).eps))
    x = xp.astype(x, xp.float64, copy=False)
    if not normalize:
        mass = xp.sum(x, axis=-1)
        if bool(xp.all((xp.min(x, axis=-1) >= 0) & (xp.abs(mass - 1) <= tolerance))):  # NaN fails every comparison
            return x
    _refuse(xp, name, x, ~xp.isfinite(x), "to be finite", "replace or drop such entries first")
    _refuse(xp, name, x, x < 0, "to be non-negative", "a probability cannot be negative; clip rounding errors at 0")
    if normalize:
        return _power_of_two_scaled(xp, name, x)
    expected = f"to have mass 1 within {tolerance:.1e}"
    fix = f"pass normalize=True, or {name} / {name}.sum(), if these are weights"
    _refuse(xp, name, mass, ~(xp.abs(mass - 1) <= tolerance), expected, fix, what="mass")
    return x


def _power_of_two_scaled(xp: Any, name: str, x: Array) -> Array:
    """Weights times an exact power of two, the largest then in [1/2, 2], so that no mass over- or underflows."""
    largest = xp.max(x, axis=-1, keepdims=True)
    _refuse(xp, name, largest[..., 0], largest[..., 0] == 0, "to have positive mass", "all weights are 0", what="mass")
    exponent = xp.floor(xp.log2(largest))
    half = xp.floor(exponent / 2)  # two factors: the power itself may lie outside the range of doubles
    return (x * 2.0 ** (-half)) * 2.0 ** (half - exponent)


def _refuse(xp: Any, name: str, x: Array, bad: Array, expected: str, fix: str, *, what: str = "value") -> None:
    """Raise a ValueError that names the first offending entry and how to mend it."""
    if not bool(xp.any(bad)):
        return
    index = np.unravel_index(int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int8))), tuple(x.shape))
    place = tuple(int(k) for k in index)
    where = f" at index {place if len(place) > 1 else place[0]}" if place else ""
    msg = f"expected {name} {expected}, got {what} {float(x[place])!r}{where}; {fix}"
    raise ValueError(msg)


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
