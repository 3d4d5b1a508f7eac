r"""What two convex functions do where the likelihood ratio goes to infinity, or to 0 (which is infinity of the reverses).

Beyond the range of doubles the derivatives $f'(e^v)$ and $g'(e^v)$ still are numbers, as functions of v. Two statements
are made of them.

- The limit of F/G, where both are infinite at the end, is that of $\frac{d}{dv} f'(e^v)$ over $\frac{d}{dv} g'(e^v)$
  (de L'Hospital, twice), and is read at v = 2, 4, 8, ... as far as both are numbers.
- $k(u) = A(u) - B(u) - au - b \ge 0$ for all $u \ge U$, if $k \ge 0$, $k' \ge 0$ and $A'' \ge B''$ at U, and $A''/B''$ does
  not decrease beyond: then k' is a convex function of B' that does not decrease.

That the ratio is monotone is asked at the same points. Between and beyond them it rests on a theorem of Hardy: a
function made of exponentials, logarithms and arithmetic is monotone in the end.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences._arrays import quiet
from divergences.fdivergence import FDivergence
from divergences.relations.nodes import Side, Vector, errors_of

__all__ = ["Tail", "limit_of_ratio", "stays_above", "tolerance_of"]

FIRST, LAST = -3, 1020
"""Logarithms by 2 of the first and last v that is looked at."""

SAME = 1e-12
"""Relative change from v to 2v of a ratio that has reached its limit, which is therefore known to twice as much."""

ARITHMETIC = 1e-9
"""Relative rounding of a ratio of two slopes."""


@final
@dataclass(frozen=True, slots=True)
class Tail:
    """A multiple of a perspective far out on one side: its derivative by the large one of (p, q), and the slope of that."""

    d: FDivergence
    factor: float

    def derivative(self, v: float) -> float:
        """Derivative at the ratio exp(v)."""
        return self.factor * (float(self.d.optimal_critic(v)) - self.d.tangent) if self.factor else 0.0

    def slopes(self, v: Any) -> Vector:
        """Derivative of the derivative by v."""
        with quiet():
            return self.factor * np.asarray(self.d._critic_slope(np, v)) if self.factor else 0.0 * v


def _facing(d: FDivergence, side: Side) -> FDivergence:
    """The divergence, or on the left its reverse, so that the ratio goes to infinity."""
    return d if side.right else d.reverse


def limit_of_ratio(side: Side) -> float:
    """The limit of F/G at the end of a side where G is infinite."""
    if side.end[0] < math.inf:
        return 0.0
    v = 2.0 ** np.arange(FIRST, LAST)
    f, g = (Tail(_facing(d, side), 1.0).slopes(v) for d in (side.d, side.given))
    usable = (f > 0) & (f < math.inf) & (g > 0) & (g < math.inf)
    count = len(v) if usable.all() else int(np.argmin(usable))
    logarithms = np.log(f[:count]) - np.log(g[:count])
    changes = np.diff(logarithms)[-2:]
    tolerance = tolerance_of(side)
    if len(changes) == 2:
        before, last = changes
        if abs(last) <= tolerance:
            return float(f[count - 1] / g[count - 1])
        if before * last > 0 and abs(last) > 0.9 * abs(before):
            return math.inf if last > 0 else 0.0
    msg = (
        f"expected the ratio of {side.d.name} to {side.given.name} to approach a limit where both are infinite, "
        "got values that do not settle; no bound follows"
    )
    raise ArithmeticError(msg)


def tolerance_of(side: Side) -> float:
    """What a limit may be wrong by: more, if it is that of a function that its user wrote."""
    return max([SAME, *(100 * errors_of(d).relative for d in (side.d, side.given) if errors_of(d).constant)])


def stays_above(side: Side, sign: int, slope: float, coefficient: float, far: float) -> bool:
    """Whether ``sign (F - slope G)``, above a line at a point of a side, stays above it from there to the end.

    `coefficient` is that of the larger of (p, q) in the line.
    """
    f = Tail(_facing(side.d, side), 1.0)
    g = Tail(_facing(side.given, side), slope)
    upper, lower = (f, g) if sign > 0 else (g, f)
    v = -math.log(far)
    if not upper.derivative(v) - lower.derivative(v) >= coefficient:
        return False
    points = v * 2.0 ** np.arange(0.0, LAST - math.log2(v), 0.5)
    a, b = (x.slopes(points) for x in (upper, lower))
    if not a[0] >= b[0]:
        return False
    usable = np.isfinite(a) & (a > 0) & np.isfinite(b) & ((b > 0) | (b[0] == 0))
    count = len(usable) if usable.all() else int(np.argmin(usable))
    a, b = a[:count], b[:count]
    return bool(np.all(a[1:] * (b[:-1] / a[:-1]) >= b[1:] * (1 - ARITHMETIC)))
