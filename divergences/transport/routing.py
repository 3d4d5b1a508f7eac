"""Shortest augmenting paths: the last units of mass, where an ordinary pair may be too dear for them.

Masses such as counts divided by their sum balance in groups up to rounding only. The units that rounding leaves over,
1e-16 of the total, must travel between the groups; if pairs between groups cost 1e15 times the others, their way decides
the value, and which of the optimal potentials is the right one. Successive shortest paths settle both (Ahuja, Magnanti
and Orlin 1993, Network flows, section 9.7).
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.transport.feasibility import Blocked
from divergences.transport.forest import Flows
from divergences.transport.potentials import Potential, c_transform, reduced_matrix
from divergences.transport.result import Floats, Indices, Integers

__all__ = ["route"]

_Plan = dict[tuple[int, int], Any]


@final
@dataclass(frozen=True, eq=False)
class _Tree:
    """Distances from the rows with supply, and the pair by which each node is reached."""

    row: Floats
    column: Floats
    into_row: Indices
    into_column: Indices


def route(cost: Floats, f: Potential, g: Potential, flows: Flows) -> tuple[Flows, Potential, Potential]:
    """Complete an optimal partial plan by what it has left over, so that it stays optimal; `Blocked` if that cannot be."""
    pairs = zip(flows.row.tolist(), flows.column.tolist(), strict=True)
    plan: _Plan = dict(zip(pairs, flows.flow.tolist(), strict=True))
    supply, demand = flows.supply.astype(object), flows.demand.astype(object)
    while supply.any():
        tree = _shortest(
            reduced_matrix(cost, f, g, math.inf),
            np.flatnonzero(supply),
            np.array([*plan], dtype=np.intp).reshape(-1, 2),
        )
        end = int(np.where(demand > 0, tree.column, np.inf).argmin())
        if tree.column[end] == np.inf or not demand[end]:
            raise Blocked(np.flatnonzero(tree.row < np.inf))
        far = tree.column[end]  # what lies beyond stays, so that potentials move as little as they can
        f, g = f + -np.minimum(tree.row, far), g + np.minimum(tree.column, far)
        _push(plan, tree, supply, demand, end)
    f = c_transform(cost, g)
    row, column = np.array([*plan]).T
    done = Flows(row, column, np.array([*plan.values()], dtype=object), supply, demand)
    return done, f, c_transform(np.ascontiguousarray(cost.T), f)


def _shortest(reduced: Floats, sources: Indices, pairs: npt.NDArray[np.intp]) -> _Tree:
    """Distances where a pair costs its reduced cost forwards, and pairs in use cost nothing backwards."""
    n, m = reduced.shape
    tree = _Tree(np.full(n, np.inf), np.full(m, np.inf), np.full(n, -1), np.full(m, -1))
    tree.row[sources] = 0
    front = sources
    while len(front):
        reached = tree.row[front, None] + reduced[front]
        best = reached.argmin(axis=0)
        near = reached[best, np.arange(m)]
        nearer = near < tree.column
        tree.column[nearer], tree.into_column[nearer] = near[nearer], front[best[nearer]]
        front = _backwards(tree, pairs[nearer[pairs[:, 1]]])
    return tree


def _backwards(tree: _Tree, pairs: npt.NDArray[np.intp]) -> Indices:
    """Rows that come nearer by taking flow back."""
    pairs = pairs[tree.column[pairs[:, 1]] < tree.row[pairs[:, 0]]]
    row, column = pairs[np.argsort(-tree.column[pairs[:, 1]], kind="stable")].T  # the nearest is written last
    tree.row[row], tree.into_row[row] = tree.column[column], column
    return np.unique(row)


def _push(plan: _Plan, tree: _Tree, supply: Integers, demand: Integers, end: int) -> None:
    """Send as much as possible along the path to the column `end`."""
    column, forward, backward = end, [], []
    while True:
        row = int(tree.into_column[column])
        forward.append((row, column))
        if tree.into_row[row] < 0:
            break
        column = int(tree.into_row[row])
        backward.append((row, column))
    amount = min([supply[row], demand[end], *(plan[k] for k in backward)])
    supply[row] -= amount
    demand[end] -= amount
    for k in forward:
        plan[k] = plan.get(k, 0) + amount
    for k in backward:
        plan[k] -= amount
        if not plan[k]:
            del plan[k]
