r"""What is integrated: terms of two densities that are given by their logarithms.

A *kernel* is a function $k(p, q) \ge 0$ with $k(cp, cq) = c\,k(p, q)$: the perspective $q\,g(p/q)$ of an f-divergence in
its normal form, or the product $p^a q^b$, a + b = 1. Because it is homogeneous, the larger of p and q is taken out: a term
is a mantissa times an exponential, right also where p and q are both far below the smallest double.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences._convex import ConvexFunction
from divergences.elementary import Numeric

__all__ = ["Affinity", "Kernel", "Terms"]

Vector = NDArray[np.float64]

REACH = 600.0
"""Log-ratios beyond are not asked of the perspective: the smaller of p and q would vanish beside the larger."""

PARTS = np.arange(600, 0, -1) / 600
"""Of REACH: where the tail of a divergence is looked for, if it overflows at its end."""


class Kernel(ABC):
    """A homogeneous, non-negative function of two densities."""

    at_zero: float
    """k(0, 1): what mass of Q costs where p = 0."""

    at_infinity: float
    """k(1, 0): what mass of P costs where q = 0."""

    convex: bool = True
    """Whether it is convex; else it is concave, or convex in neither."""

    joints: tuple[float, ...] = ()
    """Log-ratios where the kernel is not smooth."""

    @abstractmethod
    def terms(self, log_p: Vector, log_q: Vector) -> tuple[Vector, Vector]:
        """Terms as mantissa and exponent, ``mantissa * exp(exponent)``.

        An infinite mantissa says that the term is infinite, or not known.
        """

    def log_terms(self, log_p: Vector, log_q: Vector) -> Vector:
        """Logarithms of the terms; NaN where a term is infinite or not known."""
        mantissa, exponent = self.terms(log_p, log_q)
        with quiet():
            return np.where(mantissa < np.inf, np.log(mantissa) + exponent, np.nan)

    def noise(self, log_p: Vector, log_q: Vector, spread_p: Vector, spread_q: Vector) -> Vector:
        """How far the logarithms of the terms may be off, if those of the densities are by so much; 0 where there is none."""
        with quiet():
            value = self.log_terms(log_p, log_q)
            moved = [self.log_terms(log_p + i * spread_p, log_q - i * spread_q) - value for i in (-1, 1)]
            largest = np.maximum(np.abs(moved[0]), np.abs(moved[1]))
        return np.where(np.isfinite(value), np.where(np.isnan(largest), np.inf, largest), 0.0)


@final
@dataclass(frozen=True)
class Terms(Kernel):
    r"""The terms $q\,g(p/q)$ of an f-divergence in its normal form $g(u) = f(u) - f'(1)(u - 1)$."""

    d: ConvexFunction

    @cached_property
    def at_zero(self) -> float:  # type: ignore[override]
        """g(0)."""
        return self.d.f0 + self.d.tangent

    @cached_property
    def at_infinity(self) -> float:  # type: ignore[override]
        """g'(inf)."""
        return self.d.slope - self.d.tangent

    @cached_property
    def joints(self) -> tuple[float, ...]:  # type: ignore[override]
        """Logarithms of the kinks and joints of f."""
        return tuple(math.log(u) for u in (*self.d.kinks, *self.d.joints))

    def terms(self, log_p: Vector, log_q: Vector) -> tuple[Vector, Vector]:
        """Terms by the perspective, where the ratio is out of its reach by the limits at 0 and infinity."""
        with quiet():
            v = log_p - log_q
            near = np.abs(v) <= REACH
            inner = v if (all_near := bool(near.all())) else np.where(near, v, 0.0)
            # the larger of the two is 1, and their difference is known to the digits of v
            p, q = np.exp(np.minimum(inner, 0.0)), np.exp(-np.maximum(inner, 0.0))
            gap = -np.sign(inner) * np.expm1(-np.abs(inner))
            mantissa = np.asarray(self.d.perspective(p, q, Numeric(np, gap)), dtype=np.float64)
            exponent = np.maximum(log_p, log_q)
            known = near & np.isfinite(mantissa)
            if all_near and known.all():
                return mantissa, exponent
            return self._beyond(log_p, log_q, v, known, mantissa, exponent)

    def _beyond(
        self, log_p: Vector, log_q: Vector, v: Vector, known: NDArray[np.bool_], mantissa: Vector, exponent: Vector
    ) -> tuple[Vector, Vector]:
        mantissa, exponent = mantissa.copy(), exponent.copy()
        for mask, log_mass, limit in (
            (log_q == -np.inf, log_p, self.at_infinity),
            (log_p == -np.inf, log_q, self.at_zero),
        ):
            mantissa[mask], exponent[mask] = limit, log_mass[mask]
        nothing = (log_p == -np.inf) & (log_q == -np.inf)
        mantissa[nothing], exponent[nothing] = 0.0, 0.0
        for mask, log_mass, d, ratio in (
            (~known & np.isfinite(v) & (v > 0), log_p, self.d, v),
            (~known & np.isfinite(v) & (v < 0), log_q, self.d.reverse, -v),
        ):
            if mask.any():
                mantissa[mask] = 1.0
                exponent[mask] = log_mass[mask] + _log_tail(d, ratio[mask])
        unknown = np.isnan(exponent)
        mantissa[unknown], exponent[unknown] = np.inf, 0.0
        nothing = exponent == -np.inf
        mantissa[nothing], exponent[nothing] = 0.0, 0.0
        return mantissa, exponent


def _log_tail(d: ConvexFunction, v: Vector) -> Vector:
    """log(g(u)/u) at u = exp(v) for large v: by the critic, and where that overflows as the power of u that it is."""
    value = np.log(_tail(d, v))
    lost = ~(value < np.inf)
    if lost.any():
        grid = REACH * PARTS
        log_tails = np.log(_tail(d, grid))
        finite = np.flatnonzero(log_tails < np.inf)
        if finite.size:
            far, near = grid[finite[0]], grid[finite[0]] / 2
            log_far, log_near = np.log(_tail(d, np.asarray([far, near])))
            value = np.where(lost, log_far + (log_far - log_near) * (v - far) / (far - near), value)
    return value


def _tail(d: ConvexFunction, v: Vector) -> Vector:
    """g(u)/u at u = exp(v)."""
    if not d.far_from_its_end:
        return np.full_like(v, d.slope - d.tangent)
    return np.asarray(d.tail(np, v), dtype=np.float64)


@final
@dataclass(frozen=True)
class Affinity(Kernel):
    r"""The terms $p^a q^b$, a + b = 1; 0 where p or q with a positive power vanishes or both do."""

    a: float
    b: float
    convex = False

    @property
    def at_zero(self) -> float:  # type: ignore[override]
        """Infinite if a < 0, else nothing."""
        return math.inf if self.a < 0 else 0.0

    @property
    def at_infinity(self) -> float:  # type: ignore[override]
        """Infinite if b < 0, else nothing."""
        return math.inf if self.b < 0 else 0.0

    def terms(self, log_p: Vector, log_q: Vector) -> tuple[Vector, Vector]:
        """Terms by their logarithms."""
        with quiet():
            exponent = np.zeros_like(log_p)
            for power, logarithm in ((self.a, log_p), (self.b, log_q)):
                exponent = exponent + (power * logarithm if power else 0.0)
            # no mass of P and Q, or of the one whose power is positive
            nothing = (log_p == -np.inf) & (self.a >= 0) | (log_q == -np.inf) & (self.b >= 0)
            infinite = ~nothing & ~(exponent < np.inf)
            mantissa = np.where(nothing, 0.0, np.where(infinite, np.inf, 1.0))
            return mantissa, np.where(nothing | infinite, 0.0, exponent)
