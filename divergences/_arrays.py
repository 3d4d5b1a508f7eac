"""The only file that knows array libraries: namespaces, promotion, validation of probabilities.

Every public function takes arrays of one library (numpy, torch, or any other of the array API standard) and returns
arrays of that library, dtype and device. Inside, all arithmetic is double precision.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import array_api_compat
import numpy as np

__all__ = ["Array", "aligned", "as_double", "checked", "double", "namespace", "quiet", "result"]

Array = Any
"""An array of any library of the array API standard, or whatever ``numpy.asarray`` takes."""


def namespace(**arrays: Array) -> tuple[Any, list[Array]]:
    """Array namespace of the arguments and the arguments as arrays of it; sequences and scalars follow the arrays."""
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
    return xp, xp.result_type(*floating), [as_double(xp, x) for x in floating]


def as_double(xp: Any, x: Array) -> Array:
    """Array in double precision, which some libraries only have when told so."""
    converted = xp.astype(x, xp.float64, copy=False)
    if converted.dtype != xp.float64:
        msg = f"expected double precision, got {converted.dtype}; switch it on, as by jax.config.update('jax_enable_x64', True)"
        raise TypeError(msg)
    return converted


def result(xp: Any, x: Array, dtype: Any) -> Array:
    """Array in the dtype of the input; numbers, where the library (numpy) tells them from arrays without axes."""
    with quiet():  # a double may be beyond the range of the input's dtype
        x = xp.astype(x, dtype)
    return x if x.ndim else x[()]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let numpy make the infinities that the mathematics asks for without a warning; NaN still warns."""
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        yield


def aligned(xp: Any, p: Array, q: Array, axis: Any) -> tuple[Array, Array]:
    """Both arrays with `axis` moved last and of one shape."""
    if not hasattr(axis, "__index__"):
        msg = f"expected axis to be an integer, got {axis!r}; a distribution lies along one axis"
        raise TypeError(msg)
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


def checked(xp: Any, name: str, x: Array, *, normalize: bool, lift: float) -> Array:
    """Non-negative, finite weights of mass 1 (or positive mass, if to be normalised) in double precision, times `lift`.

    With `normalize` the factor is another power of two, the one after which the largest weight is about `lift`.
    """
    tolerance = math.sqrt(float(xp.finfo(x.dtype).eps))
    x = as_double(xp, x)
    if not normalize:
        mass = xp.sum(x, axis=-1)
        if bool(xp.all((xp.min(x, axis=-1) >= 0) & (xp.abs(mass - 1) <= tolerance))):  # NaN fails every comparison
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
    lost = (x > 0) & (scaled < float(np.finfo(np.float64).tiny))
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
