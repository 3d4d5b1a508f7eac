r"""Monge costs: :math:`c_{ij} + c_{i+1,j+1} \le c_{i,j+1} + c_{i+1,j}`, for which the north-west corner rule is optimal.

Summation by parts writes the cost of a plan as a part that the marginals fix and
:math:`\sum_{ij} \Delta_{ij} \Gamma_{ij}`, where :math:`\Delta_{ij} = c_{ij} + c_{i+1,j+1} - c_{i,j+1} - c_{i+1,j}` and
:math:`\Gamma_{ij}` is the mass of the rows up to i and the columns up to j. Any plan has
:math:`\max(0, F_i + G_j - 1) \le \Gamma_{ij} \le \min(F_i, G_j)` (Fréchet's bounds), and the monotone plan attains the
upper one (Hoffman 1963, On simple linear programming problems). If some :math:`\Delta_{ij}` are positive by rounding, the
monotone plan is above the optimum by at most half of their sum.

For distances on the line the sum has one term per gap: :math:`\sum_i (x_{i+1} - x_i) |F_i - G_i|`.
"""

from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from divergences.transport.exact import two_sum
from divergences.transport.mass_rows import BITS, MassRows
from divergences.transport.result import Floats, Indices

__all__ = ["excess", "line_cost", "line_gaps", "monotone_cost"]

_UNIT = 2.0**-53


def excess(cost: Floats) -> float:
    """How much the monotone plan may cost above the optimum, per unit of mass; infinite if the cost is not Monge.

    Violations that the rounding of the entries explains, 8 units in the last place, are forgiven and counted.
    """
    if min(cost.shape) == 1:
        return 0.0  # there is only one plan
    if not np.isfinite(cost).all():
        return float("inf")
    high, low = two_sum(cost[:-1, :-1], cost[1:, 1:])
    other, rest = two_sum(cost[:-1, 1:], cost[1:, :-1])
    total, error = two_sum(high, -other)
    size = np.maximum(np.abs(high), np.abs(other))
    delta = total + (error + (low - rest))
    positive = np.where(delta > 0, delta * (1 + 4 * _UNIT) + 2.0**-100 * size, 0.0)
    if (positive > 16 * _UNIT * np.abs(cost).max()).any():
        return float("inf")
    return float(positive.sum()) / 2 * (1 + 2.0**-20)


def line_gaps(cost: Floats) -> tuple[Floats, float] | None:
    """Gaps between points on a line, and how far their distances may be from the costs; None if that is visible."""
    if cost.shape[0] != cost.shape[1] or not np.isfinite(cost).all() or (np.diagonal(cost) != 0).any():
        return None
    gaps, most = np.diagonal(cost, 1), float(cost.max())
    points = [Fraction(0), *accumulate(map(Fraction, gaps.tolist()))]
    high = np.array([float(x) for x in points])
    low = np.array([float(x - Fraction(h)) for x, h in zip(points, high.tolist(), strict=True)])
    distance, rest = two_sum(high, -high[:, None])
    upper = np.triu_indices(len(cost), 1)
    far, rest = distance[upper], (rest + (low - low[:, None]))[upper]
    error = 0.0
    for half in (cost[upper], cost.T[upper]):
        near, lost = two_sum(half, -far)
        error = max(error, float(np.abs(near + (lost - rest)).max(initial=0)))
    if error or rest.any() or low.any():
        error = error * (1 + 4 * _UNIT) + 2.0**-96 * most
    return (gaps, error) if (gaps >= 0).all() and error <= 16 * _UNIT * most else None


def line_cost(gaps: Floats, p: MassRows, q: MassRows) -> tuple[Floats, Floats]:
    """Areas between the distribution functions of pairs of rows, and bounds of their rounding errors."""
    apart = np.subtract(p.units[:, :-1], q.units[:, :-1])
    np.cumsum(apart, axis=1, out=apart)
    value = np.ldexp(np.abs(apart) @ gaps, -BITS)
    return value, (len(gaps) + 2) * _UNIT * value


def monotone_cost(cost: Floats, p: MassRows, q: MassRows) -> tuple[Floats, Floats]:
    """Costs of the monotone plans of pairs of rows in units of mass 1, and bounds of their rounding errors."""
    mass, row, column = _staircases(p.units, q.units)
    used = cost.ravel()[row * cost.shape[1] + column]
    value = np.ldexp(np.einsum("bk,bk->b", mass, used), -BITS)
    size = np.ldexp(np.einsum("bk,bk->b", mass, np.abs(used)), -BITS) if cost.min() < 0 else value
    return value, (mass.shape[1] + 4) * _UNIT * size


def _staircases(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> tuple[Floats, Indices, Indices]:
    """Masses, rows and columns of the cells of the monotone plans, one plan a row."""
    (pairs, n), m = a.shape, b.shape[1]
    ends = np.empty((pairs, n + m - 2), dtype=np.int64)
    np.cumsum(a[:, :-1], axis=1, out=ends[:, : n - 1])
    np.cumsum(b[:, :-1], axis=1, out=ends[:, n - 1 :])
    if n + m == 2:
        return np.full((pairs, 1), 2.0**BITS), *np.zeros((2, pairs, 1), dtype=np.intp)
    order = ends.argsort(axis=1)
    down = order < n - 1
    order += np.arange(0, ends.size, n + m - 2)[:, None]
    ends = ends.ravel()[order]
    row = np.zeros((pairs, n + m - 1), dtype=np.intp)
    np.cumsum(down, axis=1, out=row[:, 1:])
    column = np.arange(n + m - 1) - row
    mass = np.empty((pairs, n + m - 1))
    mass[:, 0], mass[:, -1] = ends[:, 0], 2**BITS - ends[:, -1]
    np.subtract(ends[:, 1:], ends[:, :-1], out=mass[:, 1:-1])
    return mass, row, column
