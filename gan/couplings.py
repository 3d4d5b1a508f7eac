r"""Couplings of exactly the marginals asked for: monotone plans, and entropic plans rounded onto them.

Mass is counted in integers: of :class:`divergences.transport.masses.Balanced` for sparse plans, and of units of
$2^{-52}$ for entropic ones, in which sums of doubles are exact in any order. What a plan leaves over is placed by the
north-west corner rule. Costs are added up exactly or upwards.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np
from scipy.sparse import csr_array

from divergences.transport.exact import exact_dot
from divergences.transport.masses import Balanced, exact_total
from divergences.transport.result import Indices, Integers
from divergences.transport.staircase import staircase
from gan.expectations import Floats

__all__ = [
    "Plan",
    "WarmProgram",
    "feasible",
    "monotone_costs",
    "monotone_pairs",
    "rounded_cost",
    "scaled_plan",
    "warmed",
]

Plan = csr_array[Any, tuple[int, int]]

_LEAST, _LARGEST = 2.0**-900, 2.0**900  # of the largest cost: nothing over- or underflows
_BITS = 52  # units of 2**-52: counts of them up to twice the whole mass are exact in float64
_WHOLE = 1 << _BITS
_SHRINK = 1 - 2.0**-51  # outweighs the three roundings of a ratio, of its product with this, and with a count
_LOOKS = 20  # scalings between two looks at the marginals
_NEGLIGIBLE = 40.0  # e**-40 is 4e-18
_NEAR = 1e-4  # mass in the wrong place at which scaling stops: what is left is placed by the north-west corner rule


@final
@dataclass(frozen=True, eq=False)
class WarmProgram:
    r"""A transport program whose dual is nearly known.

    Parameters
    ----------
    masses : Balanced
        Exact masses of the atoms with mass, of total 1.
    cost : array (n, m)
        Finite costs, none negative.
    f, g : array (n,), (m,)
        Feasible potentials, $f_i + g_j \le c_{ij}$ up to rounding, each as large as the other allows.
    orders : tuple of (array of int, array of int)
        Orders of the atoms of both sides along which monotone plans are worth trying.
    """

    masses: Balanced
    cost: Floats
    f: Floats
    g: Floats
    orders: tuple[tuple[Indices, Indices], ...]


def warmed(
    masses: Balanced, cost: Floats, f: Floats, g: Floats, orders: tuple[tuple[Indices, Indices], ...]
) -> WarmProgram:
    """Potentials made feasible from the side that is worth more, and one more monotone order: theirs."""
    top = float(cost.max())
    if top > 0 and not _LEAST <= top <= _LARGEST:
        msg = f"expected a largest cost between 2**-900 and 2**900, got {top}; divide all costs by a common factor"
        raise ValueError(msg)
    p, q = masses.to_mass(masses.source), masses.to_mass(masses.target)
    candidates = feasible(cost, (cost - f[:, None]).min(0)), feasible(cost, g)
    f, g = max(candidates, key=lambda pair: float(p @ pair[0] + q @ pair[1]))
    # potentials of feasible pairs vary no more than costs do; once more, without an offset that costs digits
    f, g = feasible(cost, g - g.max())
    return WarmProgram(masses, cost, f, g, (*orders, (np.argsort(f, kind="stable"), np.argsort(-g, kind="stable"))))


def monotone_pairs(program: WarmProgram, a: Integers, b: Integers) -> list[Indices]:
    """The pairs of the monotone plans, as places in the flattened matrix."""
    width, found = len(b), []
    for i, j in program.orders:
        path = staircase(a[i], b[j])
        found.append(i[path.row] * width + j[path.column])
    return found


def monotone_costs(program: WarmProgram, source: Integers, target: Integers) -> list[Fraction]:
    """Costs of the monotone plans between integer masses of one total, in units of them."""
    costs = []
    for i, j in program.orders:
        path = staircase(source[i], target[j])
        costs.append(exact_dot(path.mass, program.cost[i[path.row], j[path.column]]))
    return costs


def feasible(cost: Floats, g: Floats) -> tuple[Floats, Floats]:
    """The largest f that is feasible with g, and the largest g that is feasible with it, but for rounding."""
    f = (cost - g).min(1)
    return f, (cost - f[:, None]).min(0)


def scaled_plan(
    program: WarmProgram, f: Floats, g: Floats, epsilon: float, iterations: int
) -> tuple[Plan, Floats, Floats]:
    """Plan of the entropic program, nearly of its marginals, and the potentials it belongs to."""
    p, q = (program.masses.to_mass(side) for side in (program.masses.source, program.masses.target))
    rest = iterations
    while True:
        kernel, f, g = _kernel(program.cost, f, g, p, q, epsilon)
        u, v, steps, wrong = _scalings(kernel, p, q, min(rest, _LOOKS))
        f, g, rest = f + epsilon * np.log(u), g + epsilon * np.log(v), rest - steps
        if steps == 0 or rest <= 0 or wrong <= _NEAR:
            kernel.data *= np.repeat(u, np.diff(kernel.indptr))
            kernel.data *= v[kernel.indices]
            return kernel, f, g


def _kernel(cost: Floats, f: Floats, g: Floats, p: Floats, q: Floats, epsilon: float) -> tuple[Plan, Floats, Floats]:
    """Entries exp((f[i] + g[j] - cost[i, j]) / epsilon) that count in their row or column; and the potentials.

    Any potentials may be scaled. These are moved where a largest entry would be above 1, or negligible beside its mass.
    """
    with np.errstate(divide="ignore"):  # a mass too small for a float bounds nothing
        log_p, log_q = np.log(p), np.log(q)
    power = np.subtract(f[:, None], cost)
    power += g
    power /= epsilon
    row = power.max(1)
    up = np.clip(row, log_p - _NEGLIGIBLE, 0.0) - row
    power += up[:, None]
    column = power.max(0)
    across = np.clip(column, log_q - _NEGLIGIBLE, 0.0) - column
    power += across
    of_rows = np.minimum(log_p, power.max(1)) - _NEGLIGIBLE
    of_columns = np.minimum(log_q, power.max(0)) - _NEGLIGIBLE
    kept = (power >= of_rows[:, None]) | (power >= of_columns)
    start = np.concatenate([[0], np.cumsum(kept.sum(1))])
    kernel = csr_array((np.exp(power[kept]), np.nonzero(kept)[1], start), cost.shape)
    return kernel, f + epsilon * up, g + epsilon * across


def _scalings(kernel: Plan, p: Floats, q: Floats, steps: int) -> tuple[Floats, Floats, int, float]:
    """Factors of rows and columns after some steps, as long as floats hold them; the mass that was in wrong rows."""
    u, v, wrong, across = np.ones_like(p), np.ones_like(q), np.inf, kernel.T.tocsr()
    for k in range(steps):
        rows = kernel @ v
        wrong = float(np.abs(u * rows - p).sum())
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # what comes of it is not taken
            new_u = p / rows
            new_v = q / (across @ new_u)
        if not (_usable(new_u) and _usable(new_v)):
            return u, v, k, wrong
        u, v = new_u, new_v
    return u, v, steps, wrong


def _usable(x: Floats) -> bool:
    """Whether all are positive and finite."""
    return bool(x.min() > 0 and x.max() < np.inf)


def rounded_cost(program: WarmProgram, plan: Plan) -> Fraction:
    """Cost of a coupling near the plan, not below it.

    Counts of units of 2**-52 are kept in doubles, so that rows and columns add up exactly.
    """
    masses, (n, m) = program.masses, program.cost.shape
    row, column = np.repeat(np.arange(n, dtype=np.intp), np.diff(plan.indptr)), np.asarray(plan.indices, dtype=np.intp)
    rows, columns = (_limits(side, masses.units) for side in (masses.source, masses.target))
    count = np.floor(plan.data / max(1.0, float(plan.data.sum())) * _WHOLE)
    count = np.floor(count * _shares(_sums(row, count, n), rows)[row])
    count = np.floor(count * _shares(_sums(column, count, m), columns)[column])
    # no term is negative: at most m products and sums of each row lose at most m units in the last place
    paid = exact_total(_sums(row, count * program.cost[row, column], n)) * (1 + Fraction(m + 4, 2**52))
    supply = _left(masses.source, masses.units, _sums(row, count, n))
    demand = _left(masses.target, masses.units, _sums(column, count, m))
    rest = min(monotone_costs(program, supply, demand)) / masses.units
    return Fraction(paid + rest) / _WHOLE


def _sums(index: Indices, x: Floats, size: int) -> Floats:
    """Sums of the numbers with one index."""
    return np.asarray(np.bincount(index, x, size), dtype=np.float64)


def _limits(side: Integers, units: int) -> Floats:
    """Whole units of 2**-52 in each mass."""
    return np.array([(int(v) << _BITS) // units for v in side.tolist()], dtype=np.float64)


def _shares(held: Floats, limit: Floats) -> Floats:
    """Factors after which counts, rounded down, do not exceed the limit."""
    over = held > limit
    return np.where(over, limit / np.where(over, held, 1.0) * _SHRINK, 1.0)


def _left(side: Integers, units: int, held: Floats) -> Integers:
    """What masses have left beside whole units that are placed, exact, in parts of a unit of 2**-52."""
    left = [(int(v) << _BITS) - int(h) * units for v, h in zip(side.tolist(), held.tolist(), strict=True)]
    return np.array(left, dtype=object)
