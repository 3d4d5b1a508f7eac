"""Inversion of a non-decreasing function on the real line, elementwise, by bisection."""

from collections.abc import Callable
from typing import Any

from divergences._arrays import Array

__all__ = ["solve"]

FARTHEST = 746.0
"""Beyond, exp(-v) is 0."""

HALVINGS = 64
"""After them the interval is shorter than the spacing of doubles around 1."""


def solve(xp: Any, function: Callable[[Array], Array], value: Array) -> Array:
    """The v in [-746, 746] at which a non-decreasing function takes a value, or steps over it."""
    low, high = xp.full_like(value, -FARTHEST), xp.full_like(value, FARTHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = function(middle) < value
        low, high = xp.where(below, middle, low), xp.where(below, high, middle)
    middle, reached = (low + high) / 2, function((low + high) / 2)
    # a step to infinity is between numbers: the finite side of it
    inner = xp.where(reached == -xp.inf, high, low)
    return xp.where(xp.abs(reached) < xp.inf, middle, inner)
