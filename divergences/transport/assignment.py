r"""The assignment problem: as many equal masses on either side, whose plan is a permutation.

The shortest augmenting paths of `scipy.optimize.linear_sum_assignment` (Crouse 2016) find the permutation. They are
faster than the simplex where costs have no structure (independent entries), and many times slower where costs are
distances. Potentials are recovered from the permutation by shortest paths: with :math:`f_i = c_{i\sigma(i)} -
g_{\sigma(i)}` feasibility reads :math:`g_{\sigma(j)} - g_{\sigma(i)} \le c_{i\sigma(j)} - c_{i\sigma(i)}`, which the
distances of the Bellman-Ford recursion fulfil.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from divergences.transport.dense import Solution, certified
from divergences.transport.feasibility import Blocked
from divergences.transport.masses import Balanced
from divergences.transport.matrix_roads import MatrixRoad
from divergences.transport.result import Floats, Indices
from divergences.transport.simplex import Basis

__all__ = ["Assignment"]

_ARCS = 16  # cheapest pairs of each row, among which nearly all shortest paths run


@final
@dataclass(frozen=True)
class Assignment(MatrixRoad):
    """Shortest augmenting paths for equal masses; fastest for thousands of points whose costs have no structure."""

    def suits_masses(self, masses: Balanced) -> bool:
        """As many equal masses on either side; zeros do not count."""
        a, b = masses.source[masses.source > 0], masses.target[masses.target > 0]
        return len(a) == len(b) and bool((a == a[0]).all() and (b == b[0]).all())

    def optimum(self, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], cost: Floats) -> Solution:
        """A cheapest permutation and its potentials."""
        try:
            row, column = linear_sum_assignment(cost)
        except ValueError:  # scipy's word for forbidden pairs; all else has been checked
            raise Blocked(_blocking(np.isfinite(cost))) from None
        used = cost[row, column]
        step = cost[:, column] - used[:, None]  # of moving the mass of row i to the target of row j
        g = np.empty(len(b))
        g[column] = _shortest(step)
        f = used - g[column]
        finite = cost[np.isfinite(cost)]
        return certified(a, b, cost, Basis(row, column, a, f, g), float(np.ptp(finite)) + float(np.abs(g).max()))


def _shortest(step: Floats) -> Floats:
    """Distances ``d[j] <= d[i] + step[i, j]`` from a source beside all nodes: over a few arcs first, then over all."""
    n = len(step)
    keep = min(_ARCS, n - 1)
    tail, head = np.arange(n).repeat(keep + 1), np.argpartition(step, keep, axis=1)[:, : keep + 1].ravel()
    head = np.concatenate([head, np.arange(n)])  # every node is the head of an arc, if only of its own
    tail = np.concatenate([tail, np.arange(n)])
    order = np.argsort(head, kind="stable")
    tail, head = tail[order], head[order]
    length, start = step[tail, head], np.flatnonzero(np.diff(head, prepend=-1))
    d = _settled(np.zeros(n), lambda d: np.minimum.reduceat(d[tail] + length, start))
    return _settled(d, lambda d: (step + d[:, None]).min(axis=0))


def _settled(d: Floats, relax: Callable[[Floats], Floats]) -> Floats:
    """Repeat until nothing changes; a path has at most as many arcs as there are nodes."""
    for _ in range(len(d)):
        new = np.minimum(relax(d), d)
        if (new == d).all():
            break
        d = new
    return d


def _blocking(allowed: npt.NDArray[np.bool_]) -> Indices:
    """Rows that reach fewer columns than they are: those an alternating search from an unmatched row comes to."""
    graph = csr_array(allowed)
    match = maximum_bipartite_matching(graph, perm_type="column")
    rows = match < 0
    while True:
        columns = allowed[rows].any(axis=0)
        more = rows | np.isin(match, np.flatnonzero(columns))
        if (more == rows).all():
            return np.flatnonzero(rows)
        rows = more
