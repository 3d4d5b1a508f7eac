"""The only file that knows array libraries: namespaces, promotion, validation of probabilities.

Every public function takes arrays of one library (numpy, torch, jax, cupy, dask, or any other of the array API standard)
and returns arrays of that library, dtype and device. Inside, all arithmetic is double precision, or single where the
library has no other (jax without ``jax_enable_x64``).

Where a library traces (jax.jit, jax.vmap, torch.func.vmap), numbers cannot be looked at: `known` then answers None, and
arguments that would have been refused give NaN instead.
"""

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

__all__ = [
    "Array",
    "aligned",
    "blockwise",
    "checked",
    "constant",
    "double",
    "elementwise",
    "known",
    "last_axis",
    "namespace",
    "quiet",
    "result",
    "wide",
]

Array = Any
"""An array of any library of the array API standard, or whatever ``numpy.asarray`` takes."""


def namespace(**arrays: Array) -> tuple[Any, list[Array]]:
    """Array namespace of the arguments and the arguments as arrays of it; sequences and scalars follow the arrays."""
    for name, x in arrays.items():
        if isinstance(x, np.ma.MaskedArray):
            msg = (
                f"expected {name} without a mask, which has no meaning here, got a masked array; pass {name}.filled(0)"
            )
            raise TypeError(msg)
    given = [x for x in arrays.values() if array_api_compat.is_array_api_obj(x)]
    try:
        xp = array_api_compat.array_namespace(*given) if given else array_api_compat.array_namespace(np.zeros(0))
    except TypeError as error:
        kinds = ", ".join(f"{name}: {type(x).__module__}.{type(x).__name__}" for name, x in arrays.items())
        msg = f"expected arrays of one library, got {kinds}; convert one, as in torch.as_tensor(p) or numpy.asarray(p)"
        raise TypeError(msg) from error
    return xp, [_as_floating(xp, name, x, given) for name, x in arrays.items()]


def _as_floating(xp: Any, name: str, x: Array, given: list[Array]) -> Array:
    """Array of a real floating dtype: integers become doubles, sequences and numbers follow the first array."""
    if x is None:
        msg = f"expected {name} to be an array of numbers, got None"
        raise ValueError(msg)
    try:
        array = x if array_api_compat.is_array_api_obj(x) else _like(xp, np.asarray(x, dtype=np.float64), given)
    except (TypeError, ValueError) as error:
        msg = f"expected {name} to be an array of numbers, got {type(x).__name__} ({error})"
        raise ValueError(msg) from error
    if _is_floating(xp, array):
        return array
    if xp.isdtype(array.dtype, "integral"):
        return xp.astype(array, xp.float64)
    msg = f"expected {name} to hold real numbers, got dtype {array.dtype}; convert it to a floating dtype"
    raise TypeError(msg)


def _like(xp: Any, x: np.ndarray[Any, Any], given: list[Array]) -> Array:
    """Array of the namespace, on the device and of the floating dtype of the first array given, if there is one."""
    if not given:
        return xp.asarray(x)
    array = xp.asarray(x, device=array_api_compat.device(given[0]))
    return xp.astype(array, given[0].dtype) if _is_floating(xp, given[0]) else array


def _is_floating(xp: Any, array: Array) -> bool:
    try:
        return bool(xp.isdtype(array.dtype, "real floating"))
    except (TypeError, ValueError):  # half formats outside the standard (bfloat16 of some libraries)
        return "float" in str(array.dtype)


def double(**arrays: Array) -> tuple[Any, Any, list[Array]]:
    """Namespace, the dtype that results are returned in, and the arrays in double precision."""
    xp, floating = namespace(**arrays)
    return xp, xp.result_type(*floating), [wide(xp, x) for x in floating]


def wide(xp: Any, x: Array) -> Array:
    """Array in double precision, or in single where the library has no other: jax, unless told so."""
    if x.dtype == xp.float64:
        return x
    if array_api_compat.is_jax_namespace(xp) and "float64" not in xp.__array_namespace_info__().dtypes():
        return xp.astype(x, xp.float32, copy=False)
    return xp.astype(x, xp.float64, copy=False)


def known(xp: Any, condition: Array) -> bool | None:
    """Whether a condition holds everywhere; None where the library is tracing and the numbers are not there yet."""
    try:
        return bool(xp.all(condition))
    except (TypeError, RuntimeError) as error:
        if "Tracer" in type(error).__name__ or "data-dependent control flow" in str(error):
            return None
        raise


def constant(x: Array) -> Array:
    """The same numbers, through which no gradient flows."""
    if array_api_compat.is_torch_array(x):
        return x.detach()
    if array_api_compat.is_jax_array(x):
        from jax import lax

        return lax.stop_gradient(x)
    return x


def elementwise(method: Callable[..., Array]) -> Callable[..., Array]:
    """A method that takes one array, for dask arrays left lazy: evaluated chunk by chunk."""

    @functools.wraps(method)
    def lazily(self: Any, x: Array) -> Array:
        if array_api_compat.is_dask_array(x):
            chunks: Any = x
            return chunks.map_blocks(
                functools.partial(method, self), dtype=x.dtype if x.dtype.kind == "f" else np.float64
            )
        return method(self, x)

    return lazily


def blockwise(function: Callable[..., Array], p: Array, q: Array, axis: int) -> Array | None:
    """The function of two dask arrays, left lazy: evaluated chunk by chunk, the space in one chunk. None for others."""
    if not (array_api_compat.is_dask_array(p) or array_api_compat.is_dask_array(q)):
        return None
    from dask import array as da

    library: Any = da  # it is typed in part
    arrays = [library.moveaxis(library.asarray(x), axis, -1) for x in (p, q)]
    dtype = np.result_type(*(x.dtype if x.dtype.kind == "f" else np.float64 for x in arrays))
    return library.apply_gufunc(function, "(n),(n)->()", *arrays, output_dtypes=dtype, allow_rechunk=True)


def result(xp: Any, x: Array, dtype: Any) -> Array:
    """Array in the dtype of the input; numbers, where the library (numpy) tells them from arrays without axes."""
    with quiet():  # a double may be beyond the range of the input's dtype
        x = xp.astype(x, dtype)
    return x if x.ndim else x[()]


def quiet() -> contextlib.AbstractContextManager[None]:
    """Let numpy make the infinities that the mathematics asks for, and what a branch not taken makes, without a warning."""
    return np.errstate(all="ignore")


def aligned(xp: Any, p: Array, q: Array, axis: Any) -> tuple[Array, Array]:
    """Both arrays with `axis` moved last and of one shape."""
    if not hasattr(axis, "__index__"):
        msg = f"expected axis to be an integer, got {axis!r}; a distribution lies along one axis"
        raise TypeError(msg)
    for name, x in (("p", p), ("q", q)):
        if not -x.ndim <= axis < x.ndim:
            msg = f"expected {name} to have an axis {axis}, got shape {tuple(x.shape)}; pass probabilities of shape (..., n)"
            raise ValueError(msg)
    moved = [last_axis(xp, x, axis) for x in (p, q)]
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


def last_axis(xp: Any, x: Array, axis: int) -> Array:
    """Array with an axis moved last (by a permutation, which libraries can batch)."""
    axis = axis % x.ndim
    return x if axis == x.ndim - 1 else xp.permute_dims(x, (*(k for k in range(x.ndim) if k != axis), axis))


def checked(xp: Any, name: str, x: Array, *, normalize: bool, lift: float) -> Array:
    """Non-negative, finite weights of mass 1 (or positive mass, if to be normalised) in double precision, times `lift`.

    With `normalize` the factor is another power of two, the one after which the largest weight is about `lift`.
    """
    tolerance = math.sqrt(float(xp.finfo(x.dtype).eps))
    x = wide(xp, x)
    mass = xp.sum(x, axis=-1)
    proper = (xp.min(x, axis=-1) >= 0) & (
        (mass > 0) & (mass < xp.inf) if normalize else (xp.abs(mass - 1) <= tolerance)
    )
    holds = known(xp, proper)  # NaN fails every comparison
    if holds is None:
        return xp.where(proper[..., None], x if normalize else x * lift, xp.nan)
    if holds and not normalize:
        return x * lift
    _refuse(xp, name, x, ~xp.isfinite(x), "to be finite", "replace or drop such entries first")
    _refuse(xp, name, x, x < 0, "to be non-negative", "a probability cannot be negative; clip rounding errors at 0")
    if normalize:
        return _power_of_two_scaled(xp, name, x, lift)
    expected = f"to have mass 1 within {tolerance:.1e}"
    fix = f"pass normalize=True, or {name} / {name}.sum(), if these are weights"
    _refuse(xp, name, mass, ~(xp.abs(mass - 1) <= tolerance), expected, fix, what="mass")
    return x * lift


def _power_of_two_scaled(xp: Any, name: str, x: Array, lift: float) -> Array:
    """Weights times an exact power of two, the largest then about `lift`, so that no mass over- or underflows."""
    largest = xp.max(x, axis=-1, keepdims=True)
    _refuse(xp, name, largest[..., 0], largest[..., 0] == 0, "to have positive mass", "all weights are 0", what="mass")
    exponent = xp.floor(xp.log2(largest)) - math.log2(lift)
    half = xp.floor(exponent / 2)  # two factors: the power itself may lie outside the range of doubles
    scaled = (x * 2.0 ** (-half)) * 2.0 ** (half - exponent)
    lost = (x > 0) & (scaled < float(xp.finfo(x.dtype).smallest_normal))
    _refuse(xp, name, x, lost, "to span fewer than 338 decades", "set such entries to 0, or give probabilities")
    return scaled


def _refuse(xp: Any, name: str, x: Array, bad: Array, expected: str, fix: str, *, what: str = "value") -> None:
    """Raise a ValueError that names the first offending entry and how to mend it."""
    if not bool(xp.any(bad)):
        return
    index = np.unravel_index(int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int8))), tuple(x.shape))
    place = tuple(int(k) for k in index)
    where = f" at index {place if len(place) > 1 else place[0]}" if place else ""
    msg = f"expected {name} {expected}, got {what} {float(x[place])!r}{where}; {fix}"
    raise ValueError(msg)
