r"""Wasserstein distances on the line from quantile functions, for many pairs at once.

.. math:: W_p(P, Q) = \Bigl( \int_0^1 |F^{-1}(t) - G^{-1}(t)|^p \, dt \Bigr)^{1/p}, \qquad
          W_\infty(P, Q) = \sup_{0 < t < 1} |F^{-1}(t) - G^{-1}(t)|

for p >= 1 (Villani 2003, theorem 2.18; Santambrogio 2015, proposition 2.17). Equal weights and sizes need two sorts and
no plan; other weights a merge of running sums. Values only: plans, potentials and proven bounds are what ``wasserstein``
returns.
"""

import math
from fractions import Fraction
from typing import Any, SupportsFloat

import array_api_compat
import numpy as np

from divergences._arrays import Array, checked, constant, namespace, quiet, result, wide
from divergences.transport.area import area
from divergences.transport.levels import UNIT, Merged, balanced, merged, pick
from divergences.transport.masses import balance
from divergences.transport.result import Floats
from divergences.transport.staircase import staircase

__all__ = ["wasserstein_1d"]

_MODERATE = 64  # orders up to which powers of numbers between 1 and 2 are far from overflow
_ALL = 2.0**-8  # above the deviations of masses from 1 that reading has let pass
_CHUNK = 2**18  # points handled at once: the temporaries stay in the cache


def wasserstein_1d(x: Array, y: Array, a: Array | None = None, b: Array | None = None, *, p: float = 1) -> Any:
    r"""Wasserstein distance of order p between weighted points on the line, for one pair or an array of pairs.

    .. math:: W_p = \Bigl( \int_0^1 |F^{-1}(t) - G^{-1}(t)|^p \, dt \Bigr)^{1/p}

    with the quantile functions of the two measures; the supremum of the difference for p = inf.

    Parameters
    ----------
    x : array_like of shape (..., n)
        Points of the first measure along the last axis, in any order.
    y : array_like of shape (..., m)
        Points of the second; the leading axes of all arguments broadcast.
    a : array_like of shape (n,) or (..., n), optional
        Weights of `x`, by default uniform: non-negative, of mass 1 within the root of the epsilon of their dtype. The
        distance is that of the exactly normalised pair.
    b : array_like of shape (m,) or (..., m), optional
        Weights of `y`, by default uniform.
    p : float, default 1
        Order, at least 1; ``math.inf`` is one.

    Returns
    -------
    array of shape (...)
        :math:`W_p`, the root and not the power, in the library, dtype and device of the arguments.

    Raises
    ------
    ValueError
        If points are not finite or missing, their differences overflow, weights are negative, not finite, not of mass
        1 or not one per point, shapes do not broadcast, or p is below 1.
    TypeError
        If the arguments are arrays of another library than numpy and torch, or of two libraries.

    Notes
    -----
    Arithmetic is in float64. The relative error, by counting roundings, is at most
    :math:`(48 + \log_2(n + m)) 2^{-53}`, 8e-15 for a million points, before the result is rounded to the dtype of the
    arguments; orders other than 1 and 2 add :math:`|\log(W_p / D)|` units for the root, D being the largest difference
    that carries mass. It does not grow as the measures approach each other, because the running sums of the weights
    carry 85 binary digits or more. Where even these would not do (a
    mass of 1e-20 moved by 1e20, a tie of levels that decides the supremum), the pair is done again in integers.

    Torch tensors carry gradients to the points and to the weights, the latter of the normalised weights and so of mean
    0 under them. Where the distance has a kink the gradient is that of the plan chosen: points that tie are matched in
    their order, levels that tie step in `x` first, and a pair of points at one place pulls neither for p = 1. Where the
    distance is 0 the gradient is 0. For p = inf it belongs to the pairs that are farthest apart, evenly.

    References
    ----------
    C. Villani (2003), Topics in optimal transportation, theorem 2.18.
    F. Santambrogio (2015), Optimal transport for applied mathematicians, proposition 2.17.

    Examples
    --------
    >>> import math
    >>> from divergences.transport import wasserstein_1d
    >>> wasserstein_1d([0, 1, 3], [5, 6, 8])
    np.float64(5.0)
    >>> wasserstein_1d([[0, 1], [0, 4]], [0, 2], p=2)
    array([0.70710678, 1.41421356])
    >>> wasserstein_1d([1, 2, 3], [7, 8, 9, 10], [1 / 2, 1 / 6, 1 / 3], [1 / 6, 1 / 6, 1 / 3, 1 / 3], p=math.inf)
    np.float64(8.0)
    """
    order = _order(p)
    if order == 1 and all(v is None or _plain(v) for v in (x, y, a, b)):
        quick = _quick(x, y, a, b)
        if quick is not None:
            return quick
    xp, dtype, (x, y), weights = _read(x, y, a, b)
    if weights is None:
        with quiet():
            return result(xp, _uniform(xp, x, y, order), dtype)
    arrays = (x, y, *weights)
    shape = np.broadcast_shapes(*(tuple(v.shape[:-1]) for v in arrays))
    count, points = math.prod(shape), x.shape[-1] + y.shape[-1]
    with quiet():
        if count * points <= _CHUNK or count <= 1:
            return result(xp, _weighted(xp, arrays, order), dtype)
        flat = [v if v.ndim == 1 else _rows(xp, v, shape) for v in arrays]
        step = max(1, _CHUNK // points)
        chunks = (slice(k, k + step) for k in range(0, count, step))
        parts = [_weighted(xp, [v if v.ndim == 1 else v[rows] for v in flat], order) for rows in chunks]
    return result(xp, xp.reshape(xp.concat(parts), shape), dtype)


def _plain(x: Any) -> bool:
    """Whether this is an array of numpy's own, of doubles."""
    return type(x) is np.ndarray and x.dtype == np.float64 and x.ndim > 0 and x.size > 0


def _quick(x: Floats, y: Floats, a: Floats | None, b: Floats | None) -> Any:
    """Distance of order 1 between doubles of numpy; None where the longer way must find it, or what is wrong."""
    with quiet():
        if a is None and b is None:
            return _quick_uniform(x, y)
        value = area(x, y, a, b)
    return value if value is None or value.ndim else value[()]


def _quick_uniform(x: Floats, y: Floats) -> Any:
    """The same for uniform measures of one size and one shape."""
    if x.shape != y.shape:
        return None
    d, other = np.sort(x, axis=-1), np.sort(y, axis=-1)
    d -= other
    np.abs(d, out=d)
    value = d.sum(axis=-1) / x.shape[-1]
    return value if np.all(value < np.inf) else None  # NaN and infinite points show in the value


def _rows(xp: Any, x: Array, shape: tuple[int, ...]) -> Array:
    """Array (count, n) of all rows."""
    return xp.reshape(xp.broadcast_to(x, (*shape, x.shape[-1])), (-1, x.shape[-1]))


def _order(p: SupportsFloat) -> float:
    """Order of the distance."""
    try:
        order = float(p)
    except (TypeError, ValueError):
        order = math.nan
    if not order >= 1:
        msg = f"expected p to be a number of at least 1, or math.inf, got {p!r}; below 1 sorting is not optimal: use wasserstein"
        raise ValueError(msg)
    return order


def _read(x: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any, list[Array], list[Array] | None]:
    """Namespace, dtype of the result, points and weights in float64; no weights where both are uniform."""
    given = {name: v for name, v in (("x", x), ("y", y), ("a", a), ("b", b)) if v is not None or name in "xy"}
    xp, arrays = namespace(**given)
    if not (array_api_compat.is_numpy_namespace(xp) or array_api_compat.is_torch_namespace(xp)):
        msg = (
            f"expected numpy arrays or torch tensors, got arrays of {xp.__name__}; convert them, as in numpy.asarray(x)"
        )
        raise TypeError(msg)
    named = dict(zip(given, arrays, strict=True))
    points = [_points(xp, name, named[name]) for name in "xy"]
    shapes = {name: tuple(v.shape) for name, v in named.items()}
    try:
        np.broadcast_shapes(*(s[:-1] for s in shapes.values()))
    except ValueError as error:
        told = ", ".join(f"{name}: {s}" for name, s in shapes.items())
        msg = (
            f"expected shapes that broadcast up to the last axis, got {told}; insert axes of length 1 for all pairs, as "
            "in x[:, None, :] against y[None, :, :]"
        )
        raise ValueError(msg) from error
    dtype = xp.result_type(*arrays)
    if len(given) == 2:
        return xp, dtype, points, None
    pairs = zip("ab", points, strict=True)
    return xp, dtype, points, [_weights(xp, name, named.get(name), v) for name, v in pairs]


def _points(xp: Any, name: str, x: Array) -> Array:
    """Points of one side in float64."""
    if x.ndim == 0 or x.shape[-1] == 0:
        msg = f"expected {name} to hold points along its last axis, shape (..., n), got shape {tuple(x.shape)}"
        raise ValueError(msg)
    x = wide(xp, x)
    finite = xp.isfinite(x)
    if not bool(xp.all(finite)):
        k = np.unravel_index(int(xp.argmin(xp.astype(xp.reshape(finite, (-1,)), xp.int8))), tuple(x.shape))
        place = tuple(int(i) for i in k)
        at = ", ".join(map(str, place))
        msg = f"expected points {name} to be finite, got {name}[{at}] = {float(x[place])!r}; repair or remove the point"
        raise ValueError(msg)
    return x


def _weights(xp: Any, name: str, w: Array | None, x: Array) -> Array:
    """Weights of one side in float64, of mass 1 within rounding."""
    n = x.shape[-1]
    if w is None:
        return xp.full((n,), 1 / n, dtype=x.dtype, device=array_api_compat.device(x))
    if w.ndim == 0 or w.shape[-1] != n:
        msg = f"expected {name} to hold one weight per point, shape ({n},) or (..., {n}), got shape {tuple(w.shape)}; pass None for uniform weights"
        raise ValueError(msg)
    return checked(xp, name, w, normalize=False, lift=1.0)


def _uniform(xp: Any, x: Array, y: Array, p: float) -> Array:
    """Distance between uniform measures: sorted points against each other, each of the shorter side repeated."""
    x, y = (xp.sort(v, axis=-1, stable=_stable(v)) for v in (x, y))
    n, m = x.shape[-1], y.shape[-1]
    if n == m:
        return _length(xp, x - y, None, p)
    if n % m == 0 or m % n == 0:
        k = min(n, m)
        d = xp.reshape(x, (*x.shape[:-1], k, n // k)) - xp.reshape(y, (*y.shape[:-1], k, m // k))
        return _length(xp, xp.reshape(d, (*d.shape[:-2], max(n, m))), None, p)
    units = math.lcm(n, m)
    path = staircase(np.full(n, units // n), np.full(m, units // m))
    used, device = path.mass > 0, array_api_compat.device(x)
    row, column, mass = (xp.asarray(v[used], device=device) for v in (path.row, path.column, path.mass / units))
    d = xp.take(x, row, axis=-1) - xp.take(y, column, axis=-1)
    return _length(xp, d, mass, p)


def _weighted(xp: Any, arrays: Any, p: float) -> Array:
    """Distance between weighted measures, their quantile functions compared between successive levels."""
    x, y, a, b = arrays
    if p == 1 and isinstance(x, np.ndarray):
        quick = area(x, y, a, b, tolerance=_ALL)
        if quick is not None:
            return quick
    source, target, error = balanced(xp, constant(a), constant(b))
    sort_x, sort_y = xp.argsort(x, axis=-1, stable=_stable(x)), xp.argsort(y, axis=-1, stable=_stable(y))
    plan = merged(xp, source.picked(xp, sort_x), target.picked(xp, sort_y))
    d = _along(xp, pick(xp, x, sort_x), plan.row) - _along(xp, pick(xp, y, sort_y), plan.column)
    mass = plan.mass / source.total(xp).high
    if getattr(a, "requires_grad", False) or getattr(b, "requires_grad", False):
        smooth = _differentiable(xp, pick(xp, a, sort_x), pick(xp, b, sort_y), plan)
        mass = mass + (smooth - constant(smooth))
    value = _length(xp, d, mass, p)
    doubtful = _doubtful(xp, constant(d), constant(mass), error, p)
    return value if doubtful is None else _mended(xp, value, doubtful, arrays, p)


def _stable(x: Array) -> bool:
    """Numpy sorts faster where ties may be permuted, which no value depends on; torch's gradients do."""
    return not isinstance(x, np.ndarray)


def _along(xp: Any, x: Array, index: Array) -> Array:
    """Entries of each row, one row standing for all or one list for all."""
    if x.ndim == 1 or index.ndim == 1:
        return x[..., index]
    shape = np.broadcast_shapes(tuple(x.shape[:-1]), tuple(index.shape[:-1]))
    x, index = (xp.broadcast_to(v, (*shape, v.shape[-1])) for v in (x, index))
    return xp.take_along_axis(x, index, axis=-1)


def _length(xp: Any, d: Array, mass: Array | None, p: float) -> Array:
    """The p-mean of differences under masses of total 1; scaled by a power of two, so that no power overflows."""
    d = xp.abs(d)
    largest = xp.max(constant(d), axis=-1, keepdims=True)
    if not bool(xp.all(xp.isfinite(largest))):
        msg = (
            "expected points whose differences are below 1.8e308, but some are not; divide all points by a common factor "
            "s and multiply the distance by s"
        )
        raise ValueError(msg)
    if p == math.inf:
        return xp.max(d if mass is None else xp.where(mass > 0, d, xp.zeros_like(d)), axis=-1)
    if p == 1:
        return _mean(xp, d) if mass is None else xp.sum(mass * d, axis=-1)
    power, unit = _powers(xp, d, mass, p)
    cost = xp.mean(power, axis=-1) if mass is None else xp.sum(mass * power, axis=-1)
    safe = xp.where(cost > 0, cost, xp.ones_like(cost))
    root = xp.sqrt(safe) if p == 2 else safe ** (1 / p)
    return xp.where(cost > 0, root, xp.zeros_like(cost)) * unit


def _mean(xp: Any, d: Array) -> Array:
    """Mean of differences, of halves of units where their sum overflows."""
    mean = xp.mean(d, axis=-1)
    return mean if bool(xp.all(xp.isfinite(constant(mean)))) else xp.mean(d * 2.0**-64, axis=-1) * 2.0**64


def _powers(xp: Any, d: Array, mass: Array | None, p: float) -> tuple[Array, Array]:
    """Powers of differences over their unit (...), about the largest that carries mass: they do not over- or underflow.

    What carries none counts for the gradients of weights only, and not where it is beyond the range of doubles.
    """
    size = constant(d) if mass is None else xp.where(constant(mass) > 0, constant(d), xp.zeros_like(d))
    largest = xp.max(size, axis=-1, keepdims=True)
    unit = xp.where(largest > 0, largest, xp.ones_like(largest))
    if p <= _MODERATE:
        unit = xp.exp2(xp.floor(xp.log2(unit)))
    d = d / unit
    if mass is not None:
        d = xp.where((constant(mass) > 0) | (constant(d) < 2.0 ** (900 / p)), d, xp.zeros_like(d))
    return d * d if p == 2 else d**p, unit[..., 0]


def _differentiable(xp: Any, a: Array, b: Array, plan: Merged) -> Array:
    """Masses of the cells again, from normalised weights, through which gradients flow."""
    levels = [xp.cumulative_sum(w / xp.sum(w, axis=-1, keepdims=True), axis=-1)[..., :-1] for w in (a, b)]
    lead = plan.place.shape[:-1]
    joined = xp.concat([xp.broadcast_to(v, (*lead, v.shape[-1])) for v in levels], axis=-1)
    sorted_levels = pick(xp, joined, plan.place)
    ends = [xp.zeros_like(sorted_levels[..., :1]), sorted_levels, xp.ones_like(sorted_levels[..., :1])]
    together = xp.concat(ends, axis=-1)
    return together[..., 1:] - together[..., :-1]


def _doubtful(xp: Any, d: Array, mass: Array, error: Array, p: float) -> Array | None:
    """Rows where an error of every level by `error` could show in the value; None if there are none."""
    if not bool(xp.any(error > 0)):
        return None
    d, error = xp.abs(d), error[..., None]
    if p == math.inf:
        none = xp.zeros_like(d)
        sure, possible = xp.where(mass > 4 * error, d, none), xp.where((error > 0) | (mass > 0), d, none)
        doubtful = xp.max(sure, axis=-1) < xp.max(possible, axis=-1)
    else:
        sure = mass > 4 * error
        largest = xp.max(xp.where(sure, d, xp.zeros_like(d)), axis=-1, keepdims=True)
        cost = (d / xp.where(largest > 0, largest, xp.ones_like(largest))) ** p
        variation = xp.sum(xp.abs(cost[..., 1:] - cost[..., :-1]), axis=-1)
        total = xp.sum(xp.where(sure, mass * cost, xp.zeros_like(d)), axis=-1)
        fine = 2 * error[..., 0] * variation <= 16 * UNIT * total  # False where a power is infinite
        doubtful = (error[..., 0] > 0) & ~fine
    return doubtful if bool(xp.any(doubtful)) else None


def _mended(xp: Any, value: Array, doubtful: Array, arrays: Any, p: float) -> Array:
    """The values with those in doubt replaced by the ones of integer masses; the gradients stay."""
    shape, device = tuple(doubtful.shape), array_api_compat.device(value)
    x, y, a, b = (np.broadcast_to(_numpy(v), (*shape, v.shape[-1])) for v in arrays)
    old = _numpy(value)
    exact = np.array(old)
    for k in np.argwhere(_numpy(doubtful)):
        i = tuple(k)
        exact[i] = _in_integers(x[i], y[i], a[i], b[i], p)
    return value + xp.asarray(exact - old, device=device)


def _numpy(x: Array) -> Floats:
    """The numbers in numpy."""
    return np.asarray(constant(x).cpu() if array_api_compat.is_torch_array(x) else x)


def _in_integers(x: Floats, y: Floats, a: Floats, b: Floats, p: float) -> float:
    """Distance of one pair with masses that are exact until each flow is rounded once."""
    sort_x, sort_y = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    masses = balance(a, b, Fraction(1))
    path = staircase(masses.source[sort_x], masses.target[sort_y])
    used = path.mass > 0
    d = x[sort_x][path.row[used]] - y[sort_y][path.column[used]]
    return float(_length(array_api_compat.array_namespace(d), d, masses.to_mass(path.mass[used]), p))
