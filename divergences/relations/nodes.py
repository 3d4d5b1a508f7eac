r"""Two convex perspectives on one grid of likelihood ratios, from u = 1 outward to 0 and to infinity.

A perspective is homogeneous, $F(cp, cq) = c F(p, q)$, so that a ratio is a ray, and one point stands for it: (1, q) on
the right side, where p > q, and (p, 1) on the left. The smaller of the two numbers is called ``far``, 1 minus it ``gap``.
Near u = 1 the gap is the exact number of the two, near the ends far is; the other is rounded once. F is a convex
function of either on each side.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.elementary import Numeric
from divergences.fdivergence import FDivergence

__all__ = ["ROUNDING", "Errors", "Indices", "Point", "Side", "Vector", "errors_of", "sides"]

Vector = NDArray[np.float64]
Indices = NDArray[np.int64]

EPS = float(np.finfo(np.float64).eps)

ROUNDING = 2.0**-47
"""Relative error allowed to a perspective of the catalogue; the largest measured one is 2**-48."""

USUAL_ORDER = 8.0
"""Powers up to this are within `ROUNDING`."""

SHORT = (0.05, 0.1, -0.1, -0.05)
"""Log-ratios, in pairs, between which the growth of a critic shows its order."""

SMALLEST = (2.0**-500, 2.0**-1010)
"""The smallest gap and far of the grid; their squares and inverses are still normal numbers."""

SMALLEST_OF_USERS = (2.0**-20, 2.0**-900)
"""Nearer to 1 the values of a function that its user wrote are mostly rounding; farther out its derivatives may end."""

SAME, SAME_DIGITS = 1e-3, 16 * EPS
"""Two quotients G/gap are apart by more than the first; two equal functions differ by rounding, the second."""

LARGEST = 1e200
"""Values beyond are left out."""


@final
@dataclass(frozen=True, slots=True)
class Point:
    """A likelihood ratio of one side, with the values of both perspectives."""

    far: float
    gap: float
    F: float
    G: float


@final
@dataclass(frozen=True, slots=True)
class Side:
    """The points (1, far) or (far, 1) with far + gap = 1, from u = 1 outward, with the values F and G of two perspectives.

    Parameters
    ----------
    d, given : FDivergence
        The divergences whose perspectives F and G are.
    right : bool
        Whether p > q.
    far, gap : array (n,)
        The points; gap increases.
    F, G : array (n,)
        Finite values.
    end : tuple of two floats
        F and G at far = 0, possibly infinite. If both are finite they are the last point too.
    """

    d: FDivergence
    given: FDivergence
    right: bool
    far: Vector
    gap: Vector
    F: Vector
    G: Vector
    end: tuple[float, float]

    def joined(self, far: Vector, gap: Vector) -> Self:
        """The side with more points; one that it has already is not taken twice."""
        F, G = (_values(x, self.right, far, gap) for x in (self.d, self.given))
        proper = (F < LARGEST) & (G < LARGEST)
        old = (self.far, self.gap, self.F, self.G)
        columns = [np.concatenate((x, y[proper])) for x, y in zip(old, (far, gap, F, G), strict=True)]
        order = np.lexsort((-columns[0], columns[1]))  # by the gap, and where that is 1 up to rounding by far
        far, gap, F, G = (x[order] for x in columns)
        new = np.concatenate(([True], (np.diff(gap) > 0) | (np.diff(far) < 0)))
        return replace(self, far=far[new], gap=gap[new], F=F[new], G=G[new])

    def up_to(self, far: float) -> Self:
        """The side without the ratios beyond one, but with its end, if values are finite there."""
        kept = (self.far >= far) | (self.far == 0)
        return replace(self, far=self.far[kept], gap=self.gap[kept], F=self.F[kept], G=self.G[kept])

    @property
    def relation(self) -> tuple[float, float] | None:
        """The two numbers with F = rho G + kappa gap on all of the side, if there are such.

        Two perspectives that agree so at all points, up to rounding, are taken for the same function.
        """
        one, other = (int(np.searchsorted(self.gap, x)) for x in (0.25, 0.75))
        g1, g2 = (self.G[k] / self.gap[k] for k in (one, other))
        f1, f2 = (self.F[k] / self.gap[k] for k in (one, other))
        curved = abs(g2 - g1) > SAME * (g1 + g2)
        rho = float((f2 - f1) / (g2 - g1) if curved else f1 / g1 if g1 else 0.0)
        for kappa in (0.0, float(f1 - rho * g1)):
            size = self.F + abs(rho) * self.G + abs(kappa) * self.gap
            if rho >= 0 and np.all(np.abs(self.F - rho * self.G - kappa * self.gap) <= SAME_DIGITS * size):
                return rho, kappa
        return None

    def point(self, k: int) -> Point:
        """Point number k."""
        return Point(*(float(x[k]) for x in (self.far, self.gap, self.F, self.G)))

    @property
    def last(self) -> Point:
        """The end, where values may be infinite."""
        return Point(0.0, 1.0, *self.end)

    def index(self, point: Point) -> int:
        """The number of a point."""
        first = int(np.searchsorted(self.gap, point.gap))
        last = int(np.searchsorted(self.gap, point.gap, side="right"))
        return first + int(np.searchsorted(-self.far[first:last], -point.far))

    def divided(self, cells: Indices, parts: Indices | int) -> tuple[Vector, Vector]:
        """Points (far, gap) that divide the cells between point k and k + 1 into equal parts, in the exact coordinate."""
        parts = np.broadcast_to(parts, cells.shape)
        cell = np.repeat(cells, parts - 1)
        step = np.concatenate([np.arange(1, n) / n for n in parts.tolist()]) if len(cells) else np.empty(0)
        near = self.gap[cell] < 1 / 2
        gap, far = (x[cell] + step * (x[cell + 1] - x[cell]) for x in (self.gap, self.far))
        return np.where(near, 1 - gap, far), np.where(near, gap, 1 - far)


def sides(d: FDivergence, given: FDivergence) -> tuple[Side, Side]:
    """Both sides with the points of a coarse grid: powers of the root of 2, and what f has kinks or joints at."""
    return _side(d, given, right=False), _side(d, given, right=True)


def _side(d: FDivergence, given: FDivergence, *, right: bool) -> Side:
    empty = np.empty(0)
    zero = np.zeros(1)
    end = tuple(float(_values(x, right, zero, zero + 1)[0]) for x in (d, given))
    coarse = any(errors_of(x).constant for x in (d, given))
    far, gap = _grid(*(SMALLEST_OF_USERS if coarse else SMALLEST))
    breaks = {1 / u if right else u for x in (d, given) for u in (*x.kinks, *x.joints) if (u > 1) == right and u != 1}
    special = np.array(sorted(breaks), dtype=np.float64)
    far, gap = np.concatenate((far, special)), np.concatenate((gap, 1 - special))
    if max(end) < math.inf:
        far, gap = np.append(far, 0.0), np.append(gap, 1.0)
    return Side(d, given, right, empty, empty, empty, empty, (end[0], end[1])).joined(far, gap)


def _grid(gap: float, far: float) -> tuple[Vector, Vector]:
    nearest, farthest = math.log2(gap), math.log2(far)
    near = 2.0 ** np.arange(nearest, -0.75, 0.5)
    small = 2.0 ** np.concatenate((np.arange(-1.5, -70, -0.5), np.arange(-70, farthest - 1, -1)))
    return np.concatenate((1 - near, small)), np.concatenate((near, 1 - small))


def _values(d: FDivergence, right: bool, far: Vector, gap: Vector) -> Vector:
    """The perspective at points of a side."""
    one = np.ones_like(far)
    with quiet():
        value = d.perspective(one, far, Numeric(np, gap)) if right else d.perspective(far, one, Numeric(np, -gap))
    return np.asarray(value, dtype=np.float64) + 0.0 * far


@final
@dataclass(frozen=True, slots=True)
class Errors:
    """What a perspective at (1, q) or (p, 1) may be wrong by: ``relative`` of it, and ``constant + growing * gap``."""

    relative: float
    constant: float
    growing: float


@cache
def errors_of(d: FDivergence) -> Errors:
    """Errors of a perspective.

    Powers of the ratio multiply its rounding by their order. Beyond a kink away from 1 the perspective is a difference
    of numbers as large as the gap. A function that its user wrote has the digits that it has, also near 1.
    """
    original: Any = getattr(d, "original", d)
    rounding = float(getattr(original, "rounding", 0.0))
    kinks = [max(u, 1 / u) for u in d.kinks if u != 1]
    constant = 8 * EPS * (1 + abs(d.tangent)) if rounding else 0.0
    relative = ROUNDING * max(1.0, _order(d) / USUAL_ORDER)
    return Errors(max(relative, rounding), constant, 8 * EPS * max(kinks, default=0.0))


def _order(d: FDivergence) -> float:
    """The power of u that the slope of the critic is like, near 1."""
    with quiet():
        slopes = np.asarray(d._critic_slope(np, np.array(SHORT)))
        order = float(np.max(np.abs(np.log(slopes[1::2] / slopes[::2])))) / (SHORT[1] - SHORT[0])
    return order if math.isfinite(order) else 0.0
