"""The only file that knows array libraries: namespaces, promotion, validation of simplexes, exact masses.

Every public function takes arrays of one library (numpy, torch, or any other of the array API standard) and returns
arrays of that library, dtype and device. Inside, all arithmetic is double precision.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    """Two measures of exactly equal mass: p, and q plus its rounding `correction`; the last axis is the space.

    With masses P and Q in double-double arithmetic, q is replaced by ``q * (P/Q)`` in double-double too, so that
    ``(p - q) - correction`` is the difference of the *exactly* normalised pair to full relative precision.
    """

    xp: Any
    p: Array
    q: Array
    ratio: tuple[Array, Array]
    mass: Array
    dtype: Any

    def total(self, term: Callable[[Array, Array, Array], Array]) -> Array:
        """Sum of ``term(p, q, correction)`` over the space, a number per row, per unit of mass."""
        xp = self.xp
        rows: dict[int, list[Array]] = {}
        for top, *block in self.blocks():
            rows.setdefault(top, []).append(xp.sum(term(*block), axis=-1))
        sums = [xp.sum(xp.stack(parts), axis=0) for parts in rows.values()]
        return (xp.concat(sums) if sums else xp.zeros_like(self.mass[:, 0])) / self.mass[:, 0]

    def lowered(self) -> Self:
        """The pair without the lift, for sums so large that the lift made them overflow."""
        return type(self)(self.xp, self.p / LIFT, self.q / LIFT, self.ratio, self.mass / LIFT, self.dtype)

    def keeping(self, rows: Array) -> Self:
        """The pair with every other row replaced by ones, so that no gradient flows through what is discarded."""
        kept = rows[:, None]
        p, q, mass, *ratio = (self.xp.where(kept, x, 1.0) for x in (self.p, self.q, self.mass, *self.ratio))
        return type(self)(self.xp, p, q, (ratio[0], ratio[1]), mass, self.dtype)

    def blocks(self) -> Iterator[tuple[int, Array, Array, Array]]:
        """Row of the batch, p, balanced q and its correction, in pieces that stay in the cache (numpy) or whole."""
        if not array_api_compat.is_numpy_namespace(self.xp):
            yield (0, self.p, *_times(self.q, self.ratio))
            return
        rows, n = self.p.shape
        height, width = max(1, BLOCK // n), min(n, BLOCK)
        for top in range(0, rows, height):
            row = slice(top, top + height)
            ratio = (self.ratio[0][row], self.ratio[1][row])
            for left in range(0, n, width):
                column = slice(left, left + width)
                yield (top, self.p[row, column], *_times(self.q[row, column], ratio))


def simplex_pair(p: Array, q: Array, *, axis: int, normalize: bool) -> tuple[Pair, tuple[int, ...]]:
    """Validate two probability arrays along `axis`; the balanced pair, flat in its batch, and the batch's shape."""
    xp, (p, q) = namespace(p=p, q=q)
    dtype = xp.result_type(p, q)
    p, q = _aligned(xp, p, q, axis)
    checked = [_checked(xp, name, x, normalize=normalize) * LIFT for name, x in (("p", p), ("q", q))]
    batch, n = checked[0].shape[:-1], checked[0].shape[-1]
    p, q = (xp.reshape(x, (math.prod(batch), n)) for x in checked)
    mass = exact_sum(xp, p)
    return Pair(xp, p, q, _divided(mass, exact_sum(xp, q)), mass[0], dtype), batch


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
    """Double-precision copy of non-negative, finite weights whose mass is 1 (or, to be normalised, positive)."""
    tolerance = math.sqrt(float(xp.finfo(x.dtype).eps))
    x = xp.astype(x, xp.float64)
    _refuse(xp, name, x, ~xp.isfinite(x), "to be finite", "replace or drop such entries first")
    _refuse(xp, name, x, x < 0, "to be non-negative", "a probability cannot be negative; clip rounding errors at 0")
    if normalize:
        return _power_of_two_scaled(xp, name, x)
    mass = xp.sum(x, axis=-1)
    _refuse(
        xp, name, mass, ~(xp.abs(mass - 1) <= tolerance), f"to have mass 1 within {tolerance:.1e}",
        f"pass normalize=True, or {name} / {name}.sum(), if these are weights", what="mass",
    )  # fmt: skip
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


# Error-free transformations (Dekker 1971; Ogita, Rump & Oishi 2005): the rounding error of one operation is a double.


def exact_sum(xp: Any, x: Array) -> tuple[Array, Array]:
    """Sum along the last axis (kept) as an unevaluated sum of two doubles, by pairwise error-free additions."""
    low = xp.zeros_like(x[..., :1])
    while (n := x.shape[-1]) > 1:
        half = n // 2
        total, error = _two_sum(x[..., :half], x[..., half : 2 * half])
        low = low + xp.sum(error, axis=-1, keepdims=True)
        x = xp.concat([total, x[..., 2 * half :]], axis=-1) if n % 2 else total
    return _two_sum(x, low)


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    product = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _split(a: Array) -> tuple[Array, Array]:
    """Upper and lower 26 bits (Veltkamp)."""
    c = 134217729.0 * a
    high = c - (c - a)
    return high, a - high


def _divided(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Quotient of two double-doubles."""
    high = a[0] / b[0]
    product, error = _two_product(high, b[0])
    return high, (((a[0] - product) - error) + a[1] - high * b[1]) / b[0]


def _times(q: Array, ratio: tuple[Array, Array]) -> tuple[Array, Array]:
    """Q times a double-double ratio: the product and what rounding it lost."""
    product, error = _two_product(q, ratio[0])
    error = error + q * ratio[1]
    balanced = product + error
    return balanced, (product - balanced) + error
