"""Exact flows on the arcs a simplex has chosen.

The arcs of a basic solution form a forest, and on a forest the marginals determine the flows: a leaf sends all it has. In
the reverse order, on a tree, the costs determine the potentials.
"""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from divergences.transport.result import Floats, Indices, Integers
from divergences.transport.staircase import staircase

__all__ = ["Flows", "Forest", "completed", "exact_flows"]


@final
@dataclass(frozen=True, eq=False)
class Flows:
    """Positive integer flows on listed pairs, and what of the masses they leave where it is."""

    row: Indices
    column: Indices
    flow: Integers
    supply: Integers
    demand: Integers


@final
@dataclass(frozen=True, eq=False)
class Forest:
    """Arcs between `rows` + `columns` nodes, in an order in which a leaf of what is left is taken away with its arc.

    Parameters
    ----------
    leaf : list of int
        The leaf taken away; nodes are numbered rows first.
    arc : list of int
        Its arc; arcs on a cycle, which no basic solution has, never become one.
    parent : list of int
        The node at the other end.
    rows, columns : int
        Numbers of nodes.
    """

    leaf: list[int]
    arc: list[int]
    parent: list[int]
    rows: int
    columns: int

    @classmethod
    def of(cls, row: Indices, column: Indices, rows: int, columns: int) -> Self:
        """Take leaf after leaf away; the one arc of a leaf is the sum of its arcs."""
        ends = np.concatenate([row, column + rows])
        number = np.arange(len(row), dtype=np.float64)
        degree = np.bincount(ends, minlength=rows + columns).tolist()
        sums = np.bincount(ends, np.concatenate([number, number]), rows + columns).astype(np.intp).tolist()
        both = (ends[: len(row)] + ends[len(row) :]).tolist()
        leaf, arc, parent = [], [], []  # three lists: tuples would keep busy the garbage collector
        for start in [v for v, d in enumerate(degree) if d == 1]:
            v = start
            while degree[v] == 1:
                k = sums[v]
                w = both[k] - v
                leaf.append(v)
                arc.append(k)
                parent.append(w)
                degree[v] = 0
                degree[w] -= 1
                sums[w] -= k
                v = w
        return cls(leaf, arc, parent, rows, columns)

    @property
    def spans(self) -> bool:
        """Whether all nodes hang together: a tree, on which potentials are determined up to a constant."""
        return len(self.leaf) == self.rows + self.columns - 1

    def flows(self, arcs: int, left: list[Any]) -> list[Any]:
        """Flow of each of the arcs; `left`, the masses of all nodes, becomes what they could not place."""
        flow = [0] * arcs
        for v, k, w in zip(self.leaf, self.arc, self.parent, strict=True):
            flow[k] = x = min(left[v], left[w])
            left[v] -= x
            left[w] -= x
        return flow

    def corrections(self, rest: Floats) -> Floats:
        """Changes of the potentials of all nodes after which the reduced costs `rest` of the arcs vanish, roots kept."""
        change, r = [0.0] * (self.rows + self.columns), rest.tolist()
        for v, k, w in zip(reversed(self.leaf), reversed(self.arc), reversed(self.parent), strict=True):
            change[v] = r[k] - change[w]
        return np.array(change)


def exact_flows(row: Indices, column: Indices, a: Integers, b: Integers, forest: Forest | None = None) -> Flows:
    """Flows for exactly the masses `a` and `b` on the arcs given, from the leaves inwards.

    The arcs were optimal for masses rounded to 52 bits. Where the exact masses do not fit them to the last unit,
    something like 1e-16 of the total is left over.
    """
    forest = forest or Forest.of(row, column, len(a), len(b))
    left = [*a.tolist(), *b.tolist()]
    flow = np.array(forest.flows(len(row), left), dtype=a.dtype)
    if not any(left) and min(flow) > 0:
        return Flows(row, column, flow, np.zeros_like(a), np.zeros_like(b))
    rest = np.array(left, dtype=a.dtype)
    used = flow > 0
    return Flows(row[used], column[used], flow[used], rest[: len(a)], rest[len(a) :])


def completed(flows: Flows) -> Flows:
    """The flows, and the rest by the north-west corner rule: exact marginals, though not the cheapest way to them."""
    i, j = np.flatnonzero(flows.supply), np.flatnonzero(flows.demand)
    if not len(i):
        return flows
    rest = staircase(flows.supply[i], flows.demand[j])
    used = rest.mass > 0
    return Flows(
        np.concatenate([flows.row, i[rest.row[used]]]),
        np.concatenate([flows.column, j[rest.column[used]]]),
        np.concatenate([flows.flow, rest.mass[used]]),
        np.zeros_like(flows.supply),
        np.zeros_like(flows.demand),
    )
