"""Reading the arguments: each error says what was expected, what came and what to do."""

import math
from collections.abc import Iterator
from typing import Any, SupportsFloat

import numpy as np
import numpy.typing as npt

from divergences.transport.result import Floats

__all__ = [
    "MASS_TOLERANCE",
    "pair_tolerance",
    "read_cost",
    "read_floats",
    "read_masses",
    "read_order",
    "read_pair",
    "read_points",
    "read_values",
    "read_weights",
    "weight_tolerance",
]

MASS_TOLERANCE = 1e-9
"""Relative difference of two totals that passes for rounding: float64 sums of a million masses agree to 1e-10."""


def weight_tolerance(value: npt.ArrayLike) -> float:
    """Distance from 1 that passes for rounding in weights: half the digits of the dtype they come in."""
    dtype = np.asarray(value).dtype
    return math.sqrt(np.finfo(dtype if np.issubdtype(dtype, np.floating) else np.float64).eps)


def pair_tolerance(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Relative difference of the totals of two masses that passes for rounding in the dtypes they come in."""
    coarse = [weight_tolerance(v) for v in (a, b) if getattr(v, "dtype", np.float64) in (np.float32, np.float16)]
    return max([MASS_TOLERANCE, *coarse])


_LARGEST = 1e300  # of masses and costs: room for their sums


def read_floats(what: str, value: npt.ArrayLike) -> Floats:
    """Real numbers as float64, which has to hold them."""
    if type(value) is np.ndarray and value.dtype == np.float64:
        return value
    if isinstance(value, np.ma.MaskedArray):
        msg = (
            f"{what} must be a plain array, got a masked one, whose mask would be ignored; pass x[~mask] or x.filled(0)"
        )
        raise TypeError(msg)
    try:
        given = np.asarray(value)
        _require_real(what, given)
        numbers = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # whatever another library says to a conversion
        msg = f"{what} must be an array of real numbers, got {type(value).__name__} ({error})"
        raise ValueError(msg) from error
    if given.dtype.kind in "iu" and any(int(v) != w for v, w in _beyond_exact(given, numbers)):
        msg = f"{what} must be numbers that float64 holds, got integers beyond 2**53; subtract a common offset first"
        raise ValueError(msg)
    return numbers


def _require_real(what: str, given: npt.NDArray[Any]) -> None:
    """Refuse complex numbers, dates and texts, which numpy would turn into numbers."""
    kind = given.dtype.kind
    if kind not in "bifuO":
        fix = "pass the real or the imaginary part" if kind == "c" else "convert them to numbers in one unit"
        msg = f"{what} must be real numbers, got {'complex ones' if kind == 'c' else given.dtype}; {fix}"
        raise ValueError(msg)


def _beyond_exact(given: npt.NDArray[Any], numbers: Floats) -> Iterator[tuple[Any, int]]:
    """The integers that float64 need not hold, and what became of them."""
    far = np.abs(numbers) >= 2.0**53
    return zip(given[far].tolist(), map(int, numbers[far].tolist()), strict=True)


def read_masses(name: str, value: npt.ArrayLike) -> Floats:
    """Masses of one side as float64."""
    mass = read_floats(f"masses {name}", value)
    if mass.ndim != 1 or not len(mass):
        msg = (
            f"masses {name} must be a non-empty one-dimensional array, got shape {mass.shape}; pass one mass per point"
        )
        raise ValueError(msg)
    if mass.min() >= 0 and 0 < mass.max() <= _LARGEST:  # false for NaN
        return mass
    finite = np.abs(mass) <= _LARGEST
    _check_entries(
        f"masses {name} must be finite (up to {_LARGEST:g})", name, mass, finite, "repair or remove the entry"
    )
    _check_entries(
        f"masses {name} must be non-negative",
        name,
        mass,
        mass >= 0,
        "a signed difference is not transported: pass its positive and negative parts as a and b",
    )
    if not mass.any():
        msg = f"masses {name} must have a positive total, but all {len(mass)} are 0; give some point a positive mass"
        raise ValueError(msg)
    return mass


def read_pair(a: Floats, b: Floats, tolerance: float = MASS_TOLERANCE) -> None:
    """Refuse masses whose totals differ by more than rounding."""
    m, n = math.fsum(a.tolist()), math.fsum(b.tolist())
    if abs(m - n) > tolerance * max(m, n):
        msg = (
            f"masses a and b must have equal totals (within {tolerance:.2g}, relative), got sum(a) = {m!r} and "
            f"sum(b) = {n!r}; divide each by its sum to compare shapes, or add a point that holds the difference"
        )
        raise ValueError(msg)


def read_cost(value: npt.ArrayLike, shape: tuple[int, int]) -> Floats:
    """Cost matrix as float64 in C order, finite but for pairs forbidden by +inf."""
    cost = np.ascontiguousarray(read_floats("cost", value))
    if cost.shape != shape:
        msg = (
            f"cost must have one row per mass in a and one column per mass in b, shape {shape}, got {cost.shape}; "
            "cost[i, j] is the price of moving a unit of mass from i to j"
        )
        raise ValueError(msg)
    if cost.min() >= -_LARGEST and cost.max() <= _LARGEST:  # false for NaN
        return cost
    usable = (np.abs(cost) <= _LARGEST) | (cost == np.inf)
    _check_entries(
        f"cost must be a number of magnitude at most {_LARGEST:g}, or +inf",
        "cost",
        cost,
        usable,
        "+inf forbids a pair; to make one unattractive give it a large finite cost",
    )
    return cost


def read_order(p: SupportsFloat, *, concave: bool = False) -> float:
    """Order of a Wasserstein distance; below 1, where costs are concave in the distance, only where that is allowed."""
    try:
        order = float(p)
    except (TypeError, ValueError):
        order = math.nan
    if not (0 if concave else 1) < order < math.inf and order != 1:
        expected = "a finite positive number" if concave else "a finite number of at least 1"
        msg = f"p must be {expected}, got {p!r}; for p = inf take a large p, or wasserstein_1d on the line"
        raise ValueError(msg)
    return order


def read_points(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Points of both sides as arrays (n, d) and (m, d)."""
    u, v = _read_cloud("x", x), _read_cloud("y", y)
    if u.shape[1] != v.shape[1]:
        msg = (
            f"points x and y must have the same number of coordinates, got {u.shape[1]} (x has shape {np.shape(x)}) and "
            f"{v.shape[1]} (y has shape {np.shape(y)}); rows are points, columns are coordinates"
        )
        raise ValueError(msg)
    return u, v


def read_weights(name: str, value: npt.ArrayLike | None, n: int) -> Floats:
    """Weights of one side, of mass 1; uniform (ones, not yet normalised) by default."""
    if value is None:
        return np.ones(n)
    weights = read_masses(name, value)
    if len(weights) != n:
        msg = f"weights {name} must hold one weight per point, {n}, got {len(weights)}; pass None for uniform weights"
        raise ValueError(msg)
    total = math.fsum(weights)
    tolerance = weight_tolerance(value)
    if abs(total - 1) > tolerance:
        msg = (
            f"weights {name} must have mass 1 (within {tolerance:.2g}), got mass {total!r}; divide them by their "
            "sum, or use emd for masses of any total"
        )
        raise ValueError(msg)
    return weights


def read_values(name: str, value: npt.ArrayLike, n: int) -> Floats:
    """Values of a function on n points."""
    values = read_floats(f"values {name}", value)
    if values.shape != (n,):
        msg = f"values {name} must hold one number per point, shape ({n},), got shape {values.shape}"
        raise ValueError(msg)
    usable = np.abs(values) <= _LARGEST
    fix = "a potential is a finite function: train the critic with a smaller step"
    _check_entries(f"values {name} must be finite, of magnitude at most {_LARGEST:g}", name, values, usable, fix)
    return values


def _read_cloud(name: str, value: npt.ArrayLike) -> Floats:
    """Points of one side as an array (n, d)."""
    points = read_floats(f"points {name}", value)
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or not points.size:
        msg = (
            f"points {name} must be a non-empty array of shape (n,) or (n, d), got shape {np.shape(value)}; rows are "
            "points, columns are coordinates"
        )
        raise ValueError(msg)
    _check_entries(f"points {name} must be finite", name, points, np.isfinite(points), "repair or remove the point")
    return np.ascontiguousarray(points)


def _check_entries(expected: str, name: str, array: Floats, good: npt.NDArray[np.bool_], fix: str) -> None:
    """Raise at the first entry that is not good."""
    if good.all():
        return
    index = np.argwhere(~good)[0]
    place = ", ".join(str(k) for k in index)
    msg = f"{expected}, but {name}[{place}] = {float(array[tuple(index)])!r}; {fix}"
    raise ValueError(msg)
