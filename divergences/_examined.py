"""What a function must be to make an f-divergence: a number, convex, and what its user says about it."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences._smooth import Smooth
from divergences.conjugates import above_chord
from divergences.elementary import Numeric

__all__ = [
    "check_convex",
    "check_derivative",
    "check_name",
    "check_not_affine",
    "check_symmetric",
    "points_of",
    "values_of",
]

Vector = NDArray[np.float64]

M = Numeric(np)

GRID = np.unique(np.concatenate([np.geomspace(1e-30, 1e30, 1801), np.linspace(0.01, 10.0, 1000)]))
"""Ratios at which convexity is checked."""


def check_name(name: object) -> None:
    """Refuse what cannot be printed as a name."""
    if not isinstance(name, str):
        msg = f"expected name to be a string, what to call the divergence, got {name!r}"
        raise TypeError(msg)


def points_of(argument: str, points: Iterable[float]) -> tuple[float, ...]:
    """Kinks or joints in increasing order."""
    try:
        found = tuple(sorted(float(x + 0.0) for x in points))
    except TypeError as error:
        msg = f"expected {argument} to be a tuple of positive numbers, got {points!r}"
        raise TypeError(msg) from error
    if not all(0 < x < math.inf for x in found):
        msg = f"expected {argument} to be positive numbers, got {found}"
        raise ValueError(msg)
    return found


def values_of(f: Callable[[Any], Any], name: str) -> Vector:
    """f over the grid, after the checks that need nothing else."""
    try:
        with quiet():
            values = np.asarray(f(GRID), dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"expected f of {name} to take an array of ratios, got {error}; write it with numpy, or wrap it in numpy.vectorize"
        raise TypeError(msg) from error
    if values.shape != GRID.shape:
        msg = f"expected f of {name} to return one value per ratio, shape {GRID.shape}, got {values.shape}"
        raise ValueError(msg)
    ordinary, middle = (np.abs(np.log10(GRID)) <= decades for decades in (3.0, 1.0))
    wrong = (ordinary & ~(values > -np.inf)) | (middle & ~np.isfinite(values))
    if np.any(wrong):
        k = int(np.argmax(wrong))
        msg = f"expected f of {name} to be finite for u > 0, got {values[k]} at u = {GRID[k]:.6g}"
        raise ValueError(msg)
    return values


def check_convex(values: Vector, name: str) -> None:
    """Refuse an f that is above a chord, within the ratios around 1 at which it is a number."""
    proper = np.isfinite(values)
    one = int(np.searchsorted(GRID, 1.0))
    start = one - int(np.argmin(proper[one::-1])) + 1 if not proper[:one].all() else 0
    stop = one + int(np.argmin(proper[one:])) if not proper[one:].all() else len(GRID)
    u, f = GRID[start:stop], values[start:stop]
    k = above_chord(u, f, 1 + u)
    if k is not None:
        msg = (
            f"expected f of {name} to be convex, got f({u[k]:.6g}) = {f[k]:.6g}, above the chord from "
            f"f({u[k - 1]:.6g}) = {f[k - 1]:.6g} to f({u[k + 1]:.6g}) = {f[k + 1]:.6g}; "
            "divergences.conjugates.convex_hull(f, u) makes it convex"
        )
        raise ValueError(msg)


def check_not_affine(values: Vector, tangent: float, name: str) -> None:
    """Refuse an f that is its own tangent at 1: every divergence would be 0."""
    rest, scale = values - tangent * (GRID - 1), np.abs(values) + np.abs(tangent) * (GRID + 1)
    if np.all((np.abs(rest) <= 1e-14 * scale) | ~np.isfinite(rest)):
        msg = f"expected f of {name} to be curved or bent, got an affine f, which makes every divergence 0"
        raise ValueError(msg)


def check_derivative(function: Smooth, gradient: Smooth, kinks: tuple[float, ...], name: str) -> None:
    """Refuse a derivative that is not that of f, for ratios from 1/20 to 20."""
    v = np.linspace(-3.0, 3.0, 61)
    away = np.all([np.abs(v - math.log(k)) > 1e-3 for k in kinks], axis=0) if kinks else np.ones_like(v, dtype=bool)
    u = np.exp(v[away])
    stated, found = gradient.value(u, M), function.derivative.value(u, M)
    scale = 1 + np.abs(found) + np.abs(function.value(u, M)) / u
    wrong = ~(np.abs(stated - found) <= 1e-6 * scale)
    if np.any(wrong):
        k = int(np.argmax(wrong))
        msg = f"expected derivative to be f' of {name}, {found[k]:.6g} at u = {u[k]:.6g}, got {stated[k]:.6g}; leave it out"
        raise ValueError(msg)


def check_symmetric(values: Vector, f: Callable[[Any], Any], name: str) -> None:
    """Refuse a claim of symmetry unless u f(1/u) = f(u) + c (u - 1), for ratios from 1e-3 to 1e3."""
    part = np.abs(np.log10(GRID)) <= 3
    u, values = GRID[part], values[part]
    with quiet():
        reverse = u * np.asarray(f(1 / u), dtype=np.float64)
    difference = reverse - values
    multiple = difference[-1] / (u[-1] - 1)
    wrong = ~(np.abs(difference - multiple * (u - 1)) <= 1e-9 * (1 + u + np.abs(reverse) + np.abs(values)))
    if np.any(wrong):
        k = int(np.argmax(wrong))
        msg = (
            f"expected u f(1/u) = f(u) of {name}, which symmetric=True states, up to a multiple of u - 1, "
            f"got {reverse[k]:.6g} and {values[k]:.6g} at u = {u[k]:.6g}; leave symmetric out"
        )
        raise ValueError(msg)
