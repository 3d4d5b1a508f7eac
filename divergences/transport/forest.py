"""Exact flows on the arcs a simplex has chosen.

The arcs of a basic solution form a forest, and on a forest the marginals determine the flows: a leaf sends all it has.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences.transport.result import Indices, Integers
from divergences.transport.staircase import staircase

__all__ = ["Flows", "completed", "exact_flows"]


@final
@dataclass(frozen=True, eq=False)
class Flows:
    """Positive integer flows on listed pairs, and what of the masses they leave where it is."""

    row: Indices
    column: Indices
    flow: Integers
    supply: Integers
    demand: Integers


def exact_flows(row: Indices, column: Indices, a: Integers, b: Integers) -> Flows:
    """Flows for exactly the masses `a` and `b` on the arcs given, from the leaves inwards.

    The arcs were optimal for masses rounded to 52 bits. Where the exact masses do not fit them to the last unit,
    something like 1e-16 of the total is left over.
    """
    left = [*a.tolist(), *b.tolist()]
    flow = np.array(_peel(row.tolist(), (column + len(a)).tolist(), left), dtype=a.dtype)
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


def _peel(tail: list[int], head: list[int], left: list[Any]) -> list[Any]:
    """Flow of each arc; `left` becomes what the nodes could not place."""
    flow = [0] * len(tail)
    degree, link = _incidence(tail, head, len(left))
    leaves = [v for v, d in enumerate(degree) if d == 1]
    while leaves:
        v = leaves.pop()
        if degree[v] != 1:
            continue  # its only arc went with the leaf at the other end
        k = link[v]
        w = tail[k] + head[k] - v
        flow[k] = min(left[v], left[w])
        left[v] -= flow[k]
        left[w] -= flow[k]
        degree[v], degree[w], link[w] = 0, degree[w] - 1, link[w] ^ k
        if degree[w] == 1:
            leaves.append(w)
    return flow


def _incidence(tail: list[int], head: list[int], nodes: int) -> tuple[list[int], list[int]]:
    """Degree of each node and the exclusive or of its arcs, which for a leaf is its only arc."""
    degree, link = [0] * nodes, [0] * nodes
    for k, (u, v) in enumerate(zip(tail, head, strict=True)):
        degree[u] += 1
        degree[v] += 1
        link[u] ^= k
        link[v] ^= k
    return degree, link
