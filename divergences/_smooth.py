"""A function of a ratio that somebody else wrote, its derivatives, and its limits at 0 and infinity.

If it is made of operators and numpy's functions it is *readable*: it runs in every vocabulary, and on dual numbers gives
its derivatives as exactly as itself. Otherwise it is *opaque*: it runs on arrays only, and derivatives are differences.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import constant
from divergences._dual import Dual, Dually
from divergences._spoken import Spoken
from divergences.elementary import Numeric

__all__ = ["Opaque", "Readable", "Smooth", "limit_of", "smooth"]

STEP = 1 / 8
"""Largest step of the logarithm of u in a difference."""

LEVELS = 5
"""Halvings of that step; the error of the extrapolation is of order 2 LEVELS in it."""

EPS = float(np.finfo(np.float64).eps)

NEGLIGIBLE = 1e-30
"""A limit below this is 0: what is left of u log u at the end of the range of doubles."""


class Smooth(ABC):
    """A function of u > 0 in a vocabulary, and its derivative."""

    @abstractmethod
    def value(self, u: Any, m: Any) -> Any:
        """The function at u in the vocabulary m."""

    @property
    @abstractmethod
    def derivative(self) -> "Smooth":
        """The derivative with respect to u."""


@final
@dataclass(frozen=True)
class Readable(Smooth):
    """A function made of operators and numpy's functions, or its derivative of some order, by dual numbers."""

    function: Callable[[Any], Any]
    order: int = 0

    def value(self, u: Any, m: Any) -> Any:
        if self.order:
            slope = Readable(self.function, self.order - 1).value(Dual(u, 1), Dually(m)).slope
            return slope + 0 * u  # the slope of an affine function is the same number for all u
        answer = self.function(Spoken(u, m))
        return answer.value if isinstance(answer, Spoken) else float(answer) + 0 * u

    @property
    def derivative(self) -> "Readable":
        return Readable(self.function, self.order + 1)


@final
@dataclass(frozen=True)
class Opaque(Smooth):
    r"""A function that runs on arrays only, or its derivative of some order, by symmetric differences.

    They are extrapolated to step 0 (Richardson), in steps of log u that do not reach beyond the next kink. For functions
    that change little when u doubles the first derivative has a relative accuracy of about 1e-10.
    """

    function: Callable[[Any], Any]
    kinks: tuple[float, ...]
    order: int = 0

    def value(self, u: Any, m: Any) -> Any:
        if isinstance(m, Dually) and isinstance(u, Dual):
            return Dual(self.value(u.value, m.m), self.derivative.value(u.value, m.m) * u.slope)
        if isinstance(m, Numeric):
            return self._difference(u, m) if self.order else _called(self.function, u)
        msg = (
            "expected f to be made of operators and numpy's elementary functions, which also run on symbols and balls, got "
            "one that runs on arrays only; write it as in lambda u: u * numpy.log(u)"
        )
        raise TypeError(msg)

    @property
    def derivative(self) -> "Opaque":
        return Opaque(self.function, self.kinks, self.order + 1)

    def _difference(self, u: Any, m: Numeric) -> Any:
        """Derivative of the function of the order before."""
        before, v = Opaque(self.function, self.kinks, self.order - 1), m.xp.log(u)
        step = constant(self._step(v, m))
        rows = []
        for k in range(LEVELS):
            h = step / 2**k
            right, left = (before.value(m.xp.exp(v + x), m) for x in (h, -h))
            rows.append((right - left) / (2 * h))
        for k in range(1, LEVELS):
            rows = [finer + (finer - coarse) / (4**k - 1) for coarse, finer in pairwise(rows)]
        return rows[0] / u

    def _step(self, v: Any, m: Numeric) -> Any:
        """The largest step, or the distance to the next kink; at a kink a small one, for the mean of its slopes."""
        step = m.xp.full_like(v, STEP / self.order)
        for kink in self.kinks:
            distance = m.xp.abs(v - math.log(kink)) / self.order
            step = m.xp.where(distance < step, distance, step)
        return m.xp.where(step > 1e-6, step, 1e-6)


def _called(function: Callable[[Any], Any], u: Any) -> Any:
    """f(u); where Python's own numbers overflow, which is an error to them, it is infinite as it is to numpy."""
    try:
        return function(u)
    except OverflowError:
        if not isinstance(u, np.ndarray):
            raise
        return np.array([_one(function, x) for x in u.reshape(-1, 1)]).reshape(u.shape)


def _one(function: Callable[[Any], Any], u: NDArray[np.float64]) -> float:
    try:
        return float(np.asarray(function(u)).item())
    except OverflowError:
        return math.inf


def smooth(function: Callable[[Any], Any], kinks: tuple[float, ...]) -> Smooth:
    """Whether a function is readable is tried."""
    u = np.array([0.25, 0.75, 1.0, 1.5, 5.0])
    with np.errstate(all="ignore"):
        direct = np.asarray(function(u))
        try:
            read = Readable(function).value(u, Numeric(np))
        except (TypeError, AttributeError):  # a function that numpy, or this vocabulary, does not pass on
            return Opaque(function, kinks)
        agrees = np.shape(read) == u.shape and np.allclose(read, direct, rtol=1e-12, atol=1e-14)
    return Readable(function) if agrees else Opaque(function, kinks)


def limit_of(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], end: float, start: float = 0.0
) -> float | None:
    """The limit of a function of u as log u goes from `start` towards `end`; None if its values do not tell.

    The first scale at which it stands still gives the limit, since rounding grows with log u. What approaches its limit
    like a power of u is extrapolated (Aitken). Steps that do not become smaller, as those of a logarithm, lead to infinity.
    """
    for scale in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1):
        first, second, third = function(np.exp(start + scale * (end - start) * np.array([1 / 3, 2 / 3, 1]))).tolist()
        before, after = second - first, third - second
        if abs(after) <= 4 * EPS * (1 + scale * abs(end)) * abs(third) and abs(before) < 1e-6 * abs(third):
            return float(third)
    if math.isinf(third) or max(abs(first), abs(second), abs(third)) < NEGLIGIBLE:
        return float(third) if math.isinf(third) else 0.0
    ratio = after / before if before else math.inf if after else 0.0
    if ratio > 0.9:
        return math.copysign(math.inf, after)
    if abs(ratio) > 0.5 and abs(after) > 1e-12 * abs(third):
        return None
    limit = third + after * ratio / (1 - ratio) if abs(ratio) < 0.5 else third
    return 0.0 if abs(limit) < NEGLIGIBLE else float(limit)
