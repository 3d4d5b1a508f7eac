"""The network simplex of POT, called so that its answers can be trusted as a starting point.

Measured behaviour it has to be protected from: a stopping tolerance of about 2e-15 (max cost + 1) (points), so costs must
be scaled; a silent stop at its pivot limit, so the status is read; masses with unequal sums or large totals, so it is
handed integers times a power of two.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.transport.result import Floats, Indices, Integers, TransportError

__all__ = ["PIVOT_LIMIT", "Basis", "coarse", "cost_power", "solve_dense", "solve_listed"]

PIVOT_LIMIT = 10**15
"""Pivots after which the simplex gives up; large enough that only a defect reaches it."""

_OPTIMAL, _LIMIT = 1, 3  # status codes of POT
_TOTAL_BITS = 20  # total mass handed to POT lies in [2**19, 2**20]: far above its cut-off of flows below 1e-15
_MASS_BITS = 52  # all flows are integers of at most 52 bits, so float64 adds and subtracts them exactly
_COST_BITS = 10  # largest cost handed to POT, whose tolerance is relative to 1 + that
_LARGE_COST = 2.0**20  # costs up to this, if not all below 1, are no less accurate
_FACTOR = 1000  # powers of two below this, and their inverses, are normal floats


@final
@dataclass(frozen=True, eq=False)
class Basis:
    """Arcs in use, their integer flows and the dual potentials of both sides."""

    row: Indices
    column: Indices
    flow: npt.NDArray[np.int64]
    f: Floats
    g: Floats


def coarse(q: Integers, units: int) -> npt.NDArray[np.int64]:
    """Positive integers of total 2**52 nearly proportional to `q`; `q` itself where its total is no larger."""
    if units <= 2**_MASS_BITS:
        return q if q.dtype == np.int64 else q.astype(np.int64)
    double = 2 * units
    out = np.array([((v << _MASS_BITS + 1) + units) // double or 1 for v in q.tolist()], dtype=np.int64)
    out[out.argmax()] += 2**_MASS_BITS - int(out.sum())
    return out


def solve_dense(
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    cost: Floats,
    *,
    largest: float | None = None,
    warm: bool = False,
    scratch: bool = False,
) -> Basis:
    """Optimal basis up to the tolerance of POT; `warm` starts at the pairs of least cost, a plan being among them.

    The `largest` cost without sign is found out where it is not known. With `scratch` the cost matrix may be overwritten.
    """
    from ot.lp.emd_wrap import emd_c

    unit, scale = _mass_unit(a), _cost_scale(cost) if largest is None else cost_power(largest)
    scaled = _times_power(cost, scale, out=cost if scratch else None) if scale else cost
    start = (np.zeros(len(a)), np.zeros(len(b))) if warm else (None, None)
    plan, _, f, g, status = emd_c(a * unit, b * unit, scaled, PIVOT_LIMIT, 1, *start)
    _check(status)
    pair = np.flatnonzero(plan != 0)  # numpy finds what is true several times faster than what is not 0
    row, column = np.divmod(pair, len(b))
    if scale:
        f, g = np.ldexp(f, -scale), np.ldexp(g, -scale)
    return Basis(row, column, _flows(plan.ravel()[pair], unit), f, g)


def solve_listed(
    a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], row: Indices, column: Indices, cost: Floats
) -> Basis:
    """Optimal basis of the program restricted to listed pairs, started at those of least cost, a plan being among them."""
    from ot.lp.emd_wrap import emd_c_sparse

    unit, scale = _mass_unit(a), _cost_scale(cost)
    pairs = row.astype(np.uint64), column.astype(np.uint64), _times_power(cost, scale)
    start = np.zeros(len(a)), np.zeros(len(b))
    i, j, flow, _, f, g, status = emd_c_sparse(a * unit, b * unit, *pairs, PIVOT_LIMIT, *start)
    _check(status)
    ends = i.astype(np.intp), j.astype(np.intp)
    return Basis(*ends, _flows(flow, unit), np.ldexp(f, -scale), np.ldexp(g, -scale))


def _mass_unit(a: npt.NDArray[np.int64]) -> float:
    """Power of two that brings the total mass to the range POT is safe in."""
    return math.ldexp(1.0, _TOTAL_BITS - int(a.sum()).bit_length())


def _cost_scale(cost: Floats) -> int:
    """Power of two that brings the largest cost to the range POT is most accurate in."""
    return cost_power(max(float(cost.max()), -float(cost.min())))


def cost_power(largest: float) -> int:
    """Power of two for a largest cost; 0 where it is in a safe range as it is, and need not be copied."""
    return 0 if 1 <= largest <= _LARGE_COST else _COST_BITS - math.frexp(largest)[1]


def _times_power(x: Floats, power: int, out: Floats | None = None) -> Floats:
    """The product ``x * 2**power``; as a multiplication, which is faster, where the factor is a float64."""
    return np.multiply(x, math.ldexp(1.0, power), out=out) if abs(power) < _FACTOR else np.ldexp(x, power, out=out)


def _flows(mass: Floats, unit: float) -> npt.NDArray[np.int64]:
    """Masses back to integers; they are exact multiples of the unit."""
    return np.rint(mass / unit).astype(np.int64)


def _check(status: Any) -> None:
    """Raise unless POT has reached the optimum."""
    if status == _OPTIMAL:
        return
    reached = f"its limit of {PIVOT_LIMIT} pivots" if status == _LIMIT else f"status {status}"
    msg = (
        f"expected the network simplex to end at an optimal basis, but it ended at {reached}; raise "
        "divergences.transport.simplex.PIVOT_LIMIT, or solve a smaller problem"
    )
    raise TransportError(msg)
