"""Two weighted sets of points read as two measures on one set of distinct points, and other arguments."""

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.transport.inputs import read_points, read_weights
from divergences.transport.masses import Balanced, balance
from divergences.transport.result import Floats, Integers

__all__ = ["JointSupport", "centred", "read_count", "read_measures", "read_number", "scaled", "scaled_back", "united"]


@final
@dataclass(frozen=True, eq=False)
class JointSupport:
    """Distinct points, and the exact difference P - Q of the masses on them in multiples of ``unit``."""

    points: Floats
    difference: Integers
    masses: Balanced

    @property
    def signed(self) -> Floats:
        """The difference of the masses, each rounded once; their exact sum is 0."""
        return self.masses.to_mass(self.difference)


def read_measures(
    x: npt.ArrayLike, y: npt.ArrayLike, a: npt.ArrayLike | None, b: npt.ArrayLike | None
) -> tuple[Floats, Floats, Balanced]:
    """Points (n, d) and (m, d), and their weights as integers of one total that stands for 1."""
    u, v = read_points(x, y)
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    return u, v, balance(w, z, Fraction(1))


def united(x: Floats, y: Floats, masses: Balanced) -> JointSupport:
    """The two measures on their distinct points; those where both have the same mass are left out."""
    both = np.concatenate([x, y]) + 0.0  # makes -0.0 a 0.0
    axis = 0 if both.shape[1] > 1 else None  # sorting numbers is faster than sorting rows
    points, place = np.unique(both, axis=axis, return_inverse=True)
    points = points.reshape(-1, both.shape[1])
    difference = np.zeros(len(points), dtype=masses.source.dtype)
    np.add.at(difference, place.reshape(-1), np.concatenate([masses.source, -masses.target]))
    apart = difference != 0
    return JointSupport(points[apart], difference[apart], masses)


def centred(x: Floats, y: Floats) -> tuple[Floats, Floats, int]:
    """Points about the middle of all of them, divided by a power of two near the largest coordinate, and its exponent.

    Neither sums nor squares of the coordinates overflow then, and differences do not underflow unless they are negligible.
    """
    first = _exponent(x, y)  # before the middle is taken, whose sum may overflow
    u, v = np.ldexp(x, -first), np.ldexp(y, -first)
    middle = (np.minimum(u.min(axis=0), v.min(axis=0)) + np.maximum(u.max(axis=0), v.max(axis=0))) / 2
    u, v = u - middle, v - middle
    second = _exponent(u, v)
    return np.ldexp(u, -second), np.ldexp(v, -second), first + second


def scaled(x: Floats, y: Floats) -> tuple[Floats, Floats, int]:
    """Points divided by a power of two near the largest coordinate, and its exponent: 0 if a digit were lost by that."""
    exponent = _exponent(x, y)
    u, v = np.ldexp(x, -exponent), np.ldexp(y, -exponent)
    exact = np.array_equal(np.ldexp(u, exponent), x) and np.array_equal(np.ldexp(v, exponent), y)
    return (u, v, exponent) if exact else (x, y, 0)


def scaled_back(bounds: Bounds, exponent: int) -> Bounds:
    """Bounds times a power of two, rounded outward where they are so small that this rounds."""
    with np.errstate(over="ignore"):
        lower, value, upper = (float(np.ldexp(x, exponent)) for x in (bounds.lower, bounds.value, bounds.upper))
        lower = math.nextafter(lower, -math.inf) if np.ldexp(lower, -exponent) > bounds.lower else lower
        upper = math.nextafter(upper, math.inf) if np.ldexp(upper, -exponent) < bounds.upper else upper
    if not math.isfinite(upper):
        msg = "expected a distance within the range of doubles, got a larger one; divide all points by a common factor"
        raise ValueError(msg)
    return Bounds(lower, value, upper)


def read_number(name: str, value: Any) -> float:
    """A real number; its range is for the caller to check."""
    if not isinstance(value, Real):
        msg = f"expected {name} to be a real number, got {value!r}; pass an int or a float"
        raise TypeError(msg)
    return float(value)


def read_count(name: str, value: Any, least: int) -> int:
    """An integer number of things."""
    number = read_number(name, value)
    if not (number >= least and number % 1 == 0):  # false for NaN, and for inf, whose remainder is NaN
        msg = f"expected an integer number of at least {least} {name}, got {value!r}"
        raise ValueError(msg)
    return int(number)


def _exponent(x: Floats, y: Floats) -> int:
    """That of the power of two above the largest coordinate."""
    return int(np.frexp(max(np.abs(x).max(), np.abs(y).max()))[1])
