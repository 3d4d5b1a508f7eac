"""The transport program on a list of arcs: POT's sparse network simplex in reduced costs, and potentials of its plans."""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from divergences.transport.clouds.arcs import Arcs, Integer64
from divergences.transport.clouds.splitting import Plan
from divergences.transport.clouds.tiles import Tiles
from divergences.transport.exact import two_sum
from divergences.transport.potentials import Potential
from divergences.transport.result import Floats, TransportError
from divergences.transport.simplex import PIVOT_LIMIT

__all__ = ["Optimum", "levelling", "solve_arcs", "tight_potentials"]

_OPTIMAL = 1  # status of POT
_TOTAL_BITS, _COST_BITS = 20, 10  # where POT is safe with masses, and most accurate with costs


@final
@dataclass(frozen=True, eq=False)
class Optimum:
    """An optimal plan on the arcs, and optimal potentials."""

    plan: Plan
    f: Floats
    g: Floats


def solve_arcs(a: Integer64, b: Integer64, row: Integer64, column: Integer64, reduced: Floats) -> Optimum:
    """Plan and *changes* of the potentials, started at the arcs of least reduced cost, a plan being among them.

    In reduced costs the program has the smallest numbers, and with them the simplex the smallest errors.
    """
    unit = math.ldexp(1.0, _TOTAL_BITS - int(a.sum()).bit_length())
    top = float(np.abs(reduced).max())
    scale = _COST_BITS - math.frexp(top)[1] if top else 0
    arguments = (
        a * unit,
        b * unit,
        row.astype(np.uint64),
        column.astype(np.uint64),
        np.ldexp(reduced, scale),
        PIVOT_LIMIT,
    )
    i, j, mass, f, g = _started(arguments, len(a), len(b))
    middle = (np.median(f) - np.median(g)) / 2
    flow = np.rint(mass / unit).astype(np.int64)
    plan = i.astype(np.int64), j.astype(np.int64), flow
    return Optimum(plan, np.ldexp(f - middle, -scale), np.ldexp(g + middle, -scale))


def _started(arguments: tuple[Any, ...], rows: int, columns: int) -> tuple[Any, ...]:
    """The simplex from the given potentials; from nothing where POT cannot make a basis of them."""
    from ot.lp.emd_wrap import emd_c_sparse

    for start in ((np.zeros(rows), np.zeros(columns)), ()):
        i, j, mass, _, f, g, status = emd_c_sparse(*arguments, *start)
        if status == _OPTIMAL:
            return i, j, mass, f, g
    msg = f"expected the sparse network simplex to end at an optimal basis, but it ended at status {status}"
    raise TransportError(msg)


def levelling(optimum: Optimum, f: Floats, g: Floats, arcs: Arcs, reduced: Floats) -> tuple[Floats, Floats]:
    """Changes of the potentials of an optimum: among all optimal ones to those near `f` and `g`.

    A plan that falls into parts leaves the shifts of the parts against each other free within the reduced costs of the
    arcs between them, and the simplex returns an extreme choice. The largest shifts that are feasible and nowhere above
    the wanted ones are lengths of shortest paths. `reduced` are the reduced costs of the arcs with the potentials of the
    optimum.
    """
    rows, columns, _ = optimum.plan
    n, m = len(f), len(g)
    parts, part = _parts(rows, columns, n, m)
    if parts == 1:
        return np.zeros(n), np.zeros(m)
    wanted = np.bincount(part, np.concatenate([f - optimum.f, optimum.g - g]), parts) / np.bincount(part)
    shift = _shifts(part[:n][arcs.row], part[n:][arcs.column], np.maximum(reduced, 0), wanted - np.median(wanted))
    return shift[part[:n]], -shift[part[n:]]


def _shifts(to: Integer64, start: Integer64, length: Floats, wanted: Floats) -> Floats:
    """The largest shifts with ``shift[to] - shift[start] <= length`` that are at most those wanted."""
    parts = len(wanted)
    between = to != start
    key, length = start[between].astype(np.int64) * parts + to[between], length[between]
    order = np.lexsort((length, key))
    key, length = key[order], length[order]
    first = np.diff(key, prepend=-1) > 0
    key, length = key[first], length[first]
    low = wanted.min()
    tail = np.concatenate([key // parts, np.full(parts, parts)])
    head = np.concatenate([key % parts, np.arange(parts)])
    # a sparse graph cannot hold an arc of length 0
    weight = np.maximum(np.concatenate([length, wanted - low]), np.finfo(float).tiny)
    ends = np.searchsorted(tail, np.arange(parts + 2))
    graph = csr_array((weight, head, ends), shape=(parts + 1, parts + 1))
    return np.asarray(dijkstra(graph, indices=np.array([parts]))[0, :parts] + low)


def tight_potentials(plan: Plan, tiles: Tiles, f: Floats, g: Floats) -> tuple[Potential, Potential]:
    """Potentials with ``f + g = c`` along the plan to twice the precision; each of its parts keeps its mean level.

    Sums along the branches of a tree are taken by pointer doubling, in a logarithmic number of steps.
    """
    row, column, _ = plan
    n, m = len(f), len(g)
    parts, part = _parts(row, column, n, m)
    child, parent = _forest(row, column, part, parts, n)
    cost = np.zeros(len(child))
    inner = parent < n + m
    ends = np.where(child < n, child, parent)[inner], np.where(child < n, parent, child)[inner] - n
    cost[inner] = np.where(child[inner] < n, 1, -1) * tiles.cost(*ends)
    above = np.full(n + m + 1, n + m)
    above[child] = parent
    high, low = np.zeros(n + m + 1), np.zeros(n + m + 1)
    high[child] = cost
    while not (above[child] == n + m).all():
        total, error = two_sum(high, high[above])
        high, low = two_sum(total, error + (low + low[above]))
        above = above[above]
    level = np.concatenate([f, -g]) - high[:-1]
    z = Potential(high[:-1], low[:-1]) + (np.bincount(part, level, parts) / np.bincount(part))[part]
    return Potential(z.high[:n], z.low[:n]), Potential(-z.high[n:], -z.low[n:])


def _parts(row: Integer64, column: Integer64, n: int, m: int) -> tuple[int, Integer64]:
    """Number of parts that the plan falls into, and the part of every row and column."""
    graph = coo_array((np.ones(len(row), dtype=bool), (row, column + n)), shape=(n + m, n + m))
    parts, part = connected_components(graph, directed=False)
    return int(parts), part.astype(np.int64)


def _forest(row: Integer64, column: Integer64, part: Integer64, parts: int, n: int) -> tuple[Integer64, Integer64]:
    """Children and parents of a spanning forest, under one root beside all nodes."""
    root = len(part)
    first = np.zeros(parts, dtype=np.int64)
    first[part[::-1]] = np.arange(root)[::-1]
    tail, head = np.concatenate([row, np.full(parts, root)]), np.concatenate([column + n, first])
    graph = coo_array((np.ones(len(tail), dtype=bool), (tail, head)), shape=(root + 1, root + 1)).tocsr()
    order, parent = breadth_first_order(graph, root, directed=False)
    return order[1:].astype(np.int64), parent[order[1:]].astype(np.int64)
