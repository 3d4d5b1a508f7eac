"""One cost matrix, many pairs of mass vectors: the simplex pair by pair, the certificates for all pairs together."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from divergences.transport.mass_rows import MassRows
from divergences.transport.result import Floats, TransportError
from divergences.transport.simplex import PIVOT_LIMIT

__all__ = ["SharedProgram"]

_UNIT = 2.0**-53
_BITS = 52  # of the total mass: all flows are integers that float64 adds and subtracts exactly
_MASS = 2.0**-32  # of a unit of mass as handed to POT: the total is 2**20
_OPTIMAL = 1  # status of POT
_BLOCK = 2**15  # cells at once in the c-transforms

Answer = tuple[Floats, Floats, Floats, Floats]


@final
@dataclass(frozen=True, eq=False)
class SharedProgram:
    """The cost and the same scaled for POT; `at_rest` if common mass may stay, because the cost is a distance."""

    cost: Floats
    scaled: Floats
    scale: float
    at_rest: bool

    @classmethod
    def of(cls, cost: Floats, *, at_rest: bool) -> Self:
        """Examine the cost once."""
        finite = np.isfinite(cost)
        least, most = float(cost[finite].min()), float(cost[finite].max())
        scale = 2.0 ** (10 - np.frexp(max(most - least, 2.0**-1000))[1])
        scaled = np.where(finite, cost - least, 4 * max(cost.shape) * (most - least)) * scale
        return cls(cost, scaled, scale, at_rest and _is_distance(cost))

    def solve(self, p: MassRows, q: MassRows) -> Answer:
        """Lower bounds, values, upper bounds and costs of the plans without signs, for pairs of rows."""
        (supply, more), (demand, added) = p.coarse(_BITS), q.coarse(_BITS)
        common = np.minimum(supply, demand) if self.at_rest else None
        if common is not None:
            supply, demand = supply - common, demand - common
        f, pair, i, j, flow = self._plans(supply, demand)
        f, g = _feasible(self.cost, f)
        # the potentials are feasible as floats, so that their means are lower bounds
        (u, du), (v, dv) = p.mean(f), q.mean(g)
        value, error = u + v, du + dv + 2 * _UNIT * np.abs(u + v)
        moved = np.bincount(pair, weights=flow * self._slack(f, g, pair, i, j), minlength=len(f))
        size = np.asarray(np.bincount(pair, weights=flow * np.abs(self.cost[i, j]), minlength=len(f)) * 2.0**-_BITS)
        if common is not None:
            moved = moved + np.einsum("bi,bi->b", common, np.maximum(-f - g, 0) + 2 * _UNIT * (np.abs(f) + np.abs(g)))
        # mass that rounding has added is taken from where it is, and put anywhere
        widest: Floats = self.cost.max() - f.min(axis=1) - g.min(axis=1)
        spare = (moved * 2.0**-_BITS + (more + added) * widest) * (1 + 2.0**-20)
        return value - error, value, value + error + spare, size

    def _slack(self, f: Floats, g: Floats, pair: Any, i: Any, j: Any) -> Floats:
        """Numbers not below the reduced costs of the pairs in use."""
        c, u, v = self.cost[i, j], f[pair, i], g[pair, j]
        return np.asarray(np.maximum(c - u - v, 0) + 4 * _UNIT * (np.abs(c) + np.abs(u) + np.abs(v)))

    def _plans(self, supply: npt.NDArray[np.int64], demand: npt.NDArray[np.int64]) -> tuple[Floats, Any, Any, Any, Any]:
        """Potentials of the sources in use, -inf at others, and the cells of all plans with their flows."""
        from ot.lp.emd_wrap import emd_c

        a, b, cost, status = supply * _MASS, demand * _MASS, self.scaled, _OPTIMAL
        plans, f = np.empty((len(a), *cost.shape)), np.empty(a.shape)
        for k in range(len(a)):
            # points without mass are left out by POT, which sets their potentials and flows to 0
            plans[k], _, f[k], _, status = emd_c(a[k], b[k], cost, PIVOT_LIMIT, 1)
            if status != _OPTIMAL and supply[k].any():
                msg = f"expected the network simplex to end at an optimal basis, but it ended with status {status}"
                raise TransportError(msg)
        f = np.where(supply > 0, (f - f[:, :1]) / self.scale, -np.inf)
        f[~supply.any(axis=1)] = 0
        cell = np.flatnonzero(plans != 0)  # numpy finds what is true several times faster than what is not 0
        pair, cell_of_pair = np.divmod(cell, cost.size)
        i, j = np.divmod(cell_of_pair, cost.shape[1])
        return f, pair, i, j, plans.ravel()[cell] / _MASS


def _is_distance(cost: Floats) -> bool:
    """Whether the triangle inequality holds up to a few units in the last place."""
    n, room = len(cost), 8 * _UNIT * float(cost.max())
    return bool(np.isfinite(room)) and all(bool((cost[i, :, None] + cost >= cost[i] - room).all()) for i in range(n))


def _feasible(cost: Floats, f: Floats) -> tuple[Floats, Floats]:
    """Two c-transforms of each row of `f`, rounded down: potentials that are feasible on all pairs, as floats."""
    columns = np.empty((len(f), cost.shape[1]))
    rows = np.empty_like(f)
    size = max(1, _BLOCK // cost.size)
    across = np.ascontiguousarray(cost.T)
    for k in range(0, len(f), size):
        block = slice(k, k + size)
        # minima over the middle axis, which numpy takes for many columns at once
        columns[block] = np.nextafter((cost - f[block, :, None]).min(axis=1), -np.inf)
        rows[block] = np.nextafter((across - columns[block, :, None]).min(axis=1), -np.inf)
    return rows, columns
