r"""A line under the difference of two convex functions, proven: weak duality for the joint range.

If $A(p, q) - B(p, q) \ge a p + b q$ for all p, q >= 0, with A = F, B = $\lambda G$, then
$D_f \ge \lambda D_g + a + b$ for all pairs of distributions; with A = $\lambda G$, B = F likewise
$D_f \le \lambda D_g - a - b$. The left-hand side is not convex, but A and B are. On a cell between two points A is above
the secants through the points next to it, continued into the cell, and B is below its chord. What that loses is of the
order of the square of the width, and cells where it is too much are divided. Only values at points are used, with the
errors that they have.

So that the line may touch in the limit and yet be proven in steps, it is laid under $(1-\tau) A - (1+\tau) B$ instead.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, final

import numpy as np

from divergences.relations.ends import stays_above
from divergences.relations.nodes import Indices, Side, Vector, errors_of
from divergences.relations.search import bridge

__all__ = ["Line", "proven"]

EPS = float(np.finfo(np.float64).eps)

FIRST_MARGIN, LAST_MARGIN, WIDENING = 2.0**-42, 2.0**-7, 8.0
"""The margin tau, from the first that is tried to the last, and the factor between them."""

MANY = 200_000
"""Points of a side, at which a larger margin is tried instead of more points."""

UNDERFLOW = 2.0**-480
"""Numbers up to this are given up near u = 1, where the smallest gaps are 2**-500."""

ROUNDS = 60
"""Divisions of cells for one margin; each makes failing cells two to 64 times smaller."""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """The linear function a p + b q, with the sum a + b, which is not known from a and b where they nearly cancel."""

    a: float
    b: float
    total: float

    @classmethod
    def of(cls, a: float, b: float, total: float) -> Self:
        """Of the three numbers the largest is made of the other two, so that each is exact up to its own rounding."""
        largest = max(abs(a), abs(b), abs(total))
        if largest == abs(total):
            return cls(a, b, a + b)
        return cls(total - b, b, total) if largest == abs(a) else cls(a, total - a, total)

    def near(self, *, right: bool) -> tuple[float, float]:
        """Value at u = 1, and slope in the gap."""
        return self.total, -(self.b if right else self.a)

    def far(self, *, right: bool) -> tuple[float, float]:
        """Value at the end of a side, and slope in far."""
        return (self.a, self.b) if right else (self.b, self.a)


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """The function A - B of one side, up to a multiple of the gap, and the errors of A and B.

    Where F = rho G + kappa gap on the side, what F and G have in common is taken out of both.
    """

    side: Side
    sign: int
    slope: float
    relation: tuple[float, float] | None

    @property
    def multiple(self) -> float:
        """The multiple of the gap that is to be added to A - B."""
        return self.sign * self.relation[1] if self.relation else 0.0

    def split(self, F: Any, G: Any) -> tuple[Any, Any]:
        """A and B, of F and G."""
        nothing = np.zeros_like(G)  # and not 0 times what may be infinite
        if self.relation:
            rest = self.sign * (self.relation[0] - self.slope)
            return rest * G if rest > 0 else nothing, -rest * G if rest < 0 else nothing
        G = self.slope * G if self.slope else nothing
        return (F, G) if self.sign > 0 else (G, F)

    @property
    def convex(self) -> tuple[Vector, Vector]:
        """A and B at the points."""
        return self.split(self.side.F, self.side.G)

    @property
    def size(self) -> Vector:
        """What errors are relative to."""
        return self.side.F + self.slope * self.side.G

    @property
    def end(self) -> tuple[float, float]:
        """A and B at the end."""
        A, B = self.split(*self.side.end)
        return float(A), float(B)

    @property
    def relative(self) -> float:
        """Relative error of a value."""
        return max(errors_of(self.side.d).relative, errors_of(self.side.given).relative)

    def absolute(self, gap: Vector | float) -> Any:
        """Absolute error of A and B together."""
        f, g = errors_of(self.side.d), errors_of(self.side.given)
        return f.constant + self.slope * g.constant + gap * (f.growing + self.slope * g.growing)

    def nothing(self, line: Line) -> float:
        """What the line may be wrong by in the cell next to u = 1: more than all that is there."""
        return float(
            2 * (self.size[0] + abs(self.multiple) * self.side.gap[0] + (abs(line.a) + abs(line.b)) * self.side.gap[0])
        )

    def reduced(self, margin: float) -> Vector:
        """What the line is laid under."""
        A, B = self.convex
        margin = margin / 4 if self.relation else margin  # less is lost there than a change of the slope gives
        return np.asarray(
            A - B + self.multiple * self.side.gap - margin * self.size - 16 * self.absolute(self.side.gap)
        )


def proven(left: Side, right: Side, slope: float, sign: int, *, is_ray: bool) -> tuple[Line, float]:
    """A line that is proven to be under ``sign (F - slope G)``, with that slope.

    Parameters
    ----------
    left, right : Side
        Points, dense where the line will touch.
    slope : float
        The multiplier, not negative.
    sign : int
        1 or -1.
    is_ray : bool
        Whether the slope is the limit of F/G at an end, where it is moved by the margin to the safe side.

    Returns
    -------
    Line, float
        The line, and the slope that it belongs to; a line at minus infinity, if none is proven.
    """
    margin = max(FIRST_MARGIN, 32 * max(errors_of(x).relative for x in (left.d, left.given)))
    relations = [side.relation for side in (left, right)]
    while margin <= LAST_MARGIN:
        moved = slope * ((1 - margin) / (1 + margin)) ** (sign * (4 if is_ray else 1))
        for _ in range(ROUNDS):
            differences = [Difference(side, sign, moved, x) for side, x in zip((left, right), relations, strict=True)]
            line = _under(differences[0].reduced(margin), differences[1].reduced(margin), left, right)
            failing = [x for x in (_failing(x, line) for x in differences) if x is not None]
            if len(failing) < len(differences):
                break
            if not any(len(x.cells) for x in failing):
                return Line(line.a, line.b, line.total - 2 * sum(x.given_up for x in failing)), moved
            more = [int(np.sum(x.parts)) for x in failing]
            if max(len(side.gap) + n for side, n in zip((left, right), more, strict=True)) > MANY:
                break
            left, right = (
                side.joined(*side.divided(x.cells, x.parts)) if len(x.cells) else side
                for side, x in zip((left, right), failing, strict=True)
            )
        margin *= WIDENING
    return Line(-math.inf, -math.inf, -math.inf), slope


def _under(lower: Vector, upper: Vector, left: Side, right: Side) -> Line:
    """The line under a function on both sides that is highest at u = 1, where the function is 0."""
    l, r, least = bridge(lower, upper, left.gap, right.gap)
    if least < 0:
        d_l, d_r, h_l, h_r = left.gap[l], right.gap[r], lower[l], upper[r]
        determinant = d_l + d_r - d_l * d_r
        a, b = (h_r - h_l + h_l * d_r) / determinant, (h_l - h_r + h_r * d_l) / determinant
        return Line.of(float(a), float(b), least)
    highest, lowest = float(np.min(upper / right.gap)), -float(np.min(lower / left.gap))
    middle = (highest + lowest) / 2
    return Line(middle, -middle, 0.0)


class Failing(NamedTuple):
    """Cells in which the line is not proven to be below, into how many parts to divide each, what was given up beside 1."""

    cells: Indices
    parts: Indices
    given_up: float


def _failing(x: Difference, line: Line) -> Failing | None:
    """What is not proven yet; None says that no division will help."""
    side = x.side
    half = int(np.searchsorted(side.gap, 0.5))
    (A, B), size = x.convex, x.size
    last = min(half + 2, len(side.gap))
    value, slope = line.near(right=side.right)
    gap, A1, B1, size1 = (np.concatenate(([0.0], y[:last])) for y in (side.gap, A, B, size))
    near = _Piece(gap, A1, B1, size1, (value, slope - x.multiple), starts_flat=True)
    first = max(half - 1, 0)
    n = int(np.count_nonzero(side.far))  # the end itself is looked at apart
    value, slope = line.far(right=side.right)
    away, A2, B2, size2 = (y[first:n][::-1] for y in (side.far, A, B, size))
    far = _Piece(away, A2, B2, size2, (value - x.multiple, slope + x.multiple), starts_flat=False)
    short, parts = near.losses(x)
    short, parts = short[: half + 1], parts[: half + 1]  # cell k is between points k - 1 and k of the side
    nothing = x.nothing(line)
    lost = short > min(nothing, UNDERFLOW)
    if short[0] <= nothing:
        lost[0] = False
    given_up = max(0.0, float(np.max(short[~lost], initial=0.0)))
    short_far, parts_far = far.losses(x)
    keep = len(short_far) - (half - first)
    lost_far, parts_far = short_far[:keep] > 0, parts_far[:keep]
    hopeless = lost[0] or not (np.all(parts[lost]) and np.all(parts_far[lost_far]))
    to_end = far.holds_to_zero(x) or stays_above(side, x.sign, x.slope, line.far(right=side.right)[0], far.x[0])
    if hopeless or not to_end:
        return None
    cells = np.flatnonzero(lost) - 1
    cells_far = n - 2 - np.flatnonzero(lost_far)  # cell j of the piece is between points n - 1 - j - 1 and n - 1 - j
    return Failing(np.concatenate((cells, cells_far)), np.concatenate((parts[lost], parts_far[lost_far])), given_up)


@final
@dataclass(frozen=True, slots=True)
class _Piece:
    """Points in one coordinate x that increases, A, B and what errors are relative to there, the line as value and slope."""

    x: Vector
    A: Vector
    B: Vector
    size: Vector
    line: tuple[float, float]
    starts_flat: bool

    def losses(self, errors: Difference) -> tuple[Vector, Indices]:
        """How much each cell lacks to be proven, and into how many parts to divide it; 0 parts if that does not help."""
        x, A, B = self.x, self.A, self.B
        value, slope = self.line
        absolute = np.broadcast_to(errors.absolute(x if self.starts_flat else 1 - x), x.shape)
        error = 2 * (errors.relative * self.size + absolute + 4 * EPS * (abs(value) + abs(slope) * x))
        sure = A - B - (value + slope * x) - error
        w, rise = np.diff(x), np.diff(A)
        falls = np.diff(B) + slope * w  # of what is subtracted, along its chord
        share = w[1:] / w[:-1]
        error_of_secant = errors.relative * (A[:-1] + A[1:]) + 2 * absolute[1:]
        ahead, behind = np.full((2, len(w)), -math.inf)
        # from the left the secant of the cell before, from the right that of the cell after, both less their errors
        ahead[1:] = sure[1:-1] + (rise[:-1] - error_of_secant[:-1]) * share - falls[1:] - error[2:]
        if self.starts_flat:
            ahead[0] = sure[0] - falls[0] - error[1]
        behind[:-1] = sure[1:-1] - (rise[1:] + error_of_secant[1:]) / share + falls[:-1] - error[:-2]
        lowest, at_points = _lowest(sure[:-1], ahead, behind, sure[1:]), np.minimum(sure[:-1], sure[1:])
        parts = np.ceil(np.sqrt(2 * (at_points - lowest) / at_points))
        parts = np.where(at_points > 0, np.where(np.isfinite(parts), np.clip(parts, 2, 64), 2), 0).astype(np.int64)
        return np.where(np.isnan(lowest), math.inf, -lowest), parts

    def holds_to_zero(self, errors: Difference) -> bool:
        """Whether the line is proven in the cell from x = 0 to the first point, by the values at 0."""
        A0, B0 = errors.end
        if math.isinf(B0):
            return False
        x, A, (value, _) = self.x, self.A, self.line
        at_zero = A[0] - (A[1] - A[0]) * (x[0] / (x[1] - x[0])) - B0 - value
        error = (
            errors.relative * (self.size[0] + self.size[1] + A[0] + A[1] + B0) * 4
            + 4 * errors.absolute(1.0)
            + 4 * EPS * abs(value)
        )
        return bool(at_zero >= error and A0 - B0 - value >= error)


def _lowest(start: Vector, ahead: Vector, behind: Vector, stop: Vector) -> Vector:
    """Least value over a cell of the larger of two affine functions, from `start` to `ahead` and from `behind` to `stop`."""
    falls, rises = start - behind, stop - ahead
    crossing = start + (ahead - start) * (falls / (falls + rises))
    crossing = np.where(ahead == -math.inf, behind, np.where(behind == -math.inf, ahead, crossing))
    inside = (falls > 0) & (rises > 0)
    return np.minimum(np.minimum(start, stop), np.where(inside, crossing, math.inf))
