r"""Transport on a tree for p = 1: every edge carries the difference of the masses below it, and no other.

.. math:: W_1 = \sum_e \ell_e \, |a(T_e) - b(T_e)|, \qquad T_e \text{ the subtree below the edge } e

(Evans & Matsen 2012, Journal of the Royal Statistical Society B 74, equation 5). The dual potential rises along each
edge by its length against the flow. Masses and lengths are integers inside, so both sides are one rational number.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from divergences.transport.certificate import root_bounds
from divergences.transport.exact import exact_dot, nearest, round_down
from divergences.transport.ground import Ground
from divergences.transport.result import Integers, Transport
from divergences.transport.roads import PointPair, Road, sparse_plan
from divergences.transport.tree_metric import TreeMetric

__all__ = ["Tree"]


@final
@dataclass(frozen=True)
class Tree(Road):
    """Sums of masses over subtrees and matching from the leaves up, O((N + n + m) log(n + m)) time."""

    def suits(self, pair: PointPair) -> bool:
        """Node numbers under ``TreeMetric(parents, lengths)``, for p = 1."""
        return isinstance(pair.metric, TreeMetric) and pair.x.shape[1] == 1 and pair.p == 1

    def solve(self, pair: PointPair) -> Transport:
        """The plan that crosses each edge in one direction only, and potentials whose slope is the sign of the flow."""
        tree, masses = pair.metric, pair.masses
        assert isinstance(tree, TreeMetric)
        x, y = tree.nodes("x", pair.x), tree.nodes("y", pair.y)
        order = np.argsort(-tree.depth, kind="stable").tolist()  # children before parents
        flow, cells = _upwards(tree, order, (x.tolist(), masses.source.tolist()), (y.tolist(), masses.target.tolist()))
        lengths = np.asarray(tree.lengths, dtype=np.float64)
        cost = exact_dot(_integers([abs(v) for v in flow]), lengths) * masses.unit
        potential, unit = _potential(tree, order, flow)
        f = np.array([round_down(Fraction(potential[v], unit)) for v in x.tolist()])
        g = np.array([round_down(Fraction(-potential[v], unit)) for v in y.tolist()])
        row, column, mass = (list(part) for part in zip(*cells, strict=True))
        plan = sparse_plan(masses, np.array(row), np.array(column), _integers(mass))
        return Transport(root_bounds(cost, cost, Ground(lengths, 0.0, 0.0), 1), nearest(cost), plan, (f, g), self, 0)


Side = tuple[list[int], list[int]]  # nodes and masses of the points of one side
Pool = list[tuple[int, int]]  # points and masses not yet matched
Cells = list[tuple[int, int, int]]  # source, target and mass of each match


def _upwards(tree: TreeMetric, order: list[int], source: Side, target: Side) -> tuple[list[int], Cells]:
    """Net mass that leaves each subtree upwards, and the matches made at each node from what its subtrees left over."""
    parents = np.asarray(tree.parents).tolist()
    supply, demand = _pools(source), _pools(target)
    cells: Cells = []
    flow = [0] * len(parents)
    for side, sign in ((source, 1), (target, -1)):
        for node, mass in zip(*side, strict=True):
            flow[node] += sign * mass
    for node in order:
        up, down = supply.pop(node, []), demand.pop(node, [])
        _match(up, down, cells)
        parent = parents[node]
        if parent >= 0:
            flow[parent] += flow[node]
        if up:
            supply[parent] = _together(supply.get(parent, []), up)
        if down:
            demand[parent] = _together(demand.get(parent, []), down)
    return flow, cells


def _pools(side: Side) -> dict[int, Pool]:
    """The points of each node that carry mass."""
    pools: dict[int, Pool] = {}
    for k, (node, mass) in enumerate(zip(*side, strict=True)):
        if mass:
            pools.setdefault(node, []).append((k, mass))
    return pools


def _match(up: Pool, down: Pool, cells: Cells) -> None:
    """Match what is left on both sides until one of them is empty."""
    while up and down:
        (i, supply), (j, demand) = up.pop(), down.pop()
        moved = min(supply, demand)
        cells.append((i, j, moved))
        if supply > moved:
            up.append((i, supply - moved))
        if demand > moved:
            down.append((j, demand - moved))


def _together(one: Pool, other: Pool) -> Pool:
    """Both pools, the smaller appended to the larger, so that no point is moved more than log2(n + m) times."""
    small, large = sorted((one, other), key=len)
    large.extend(small)
    return large


def _potential(tree: TreeMetric, order: list[int], flow: list[int]) -> tuple[list[int], int]:
    """The exact potential of each node over a common denominator: along each edge it rises towards the surplus."""
    parents = np.asarray(tree.parents).tolist()
    ratios = [length.as_integer_ratio() for length in np.asarray(tree.lengths).tolist()]
    denominator = max(d for _, d in ratios)  # all are powers of two
    potential = [0] * len(order)
    for node in reversed(order):
        if parents[node] >= 0:
            n, d = ratios[node]
            sign = (flow[node] > 0) - (flow[node] < 0)
            potential[node] = potential[parents[node]] + sign * n * (denominator // d)
    return potential, denominator


def _integers(values: list[int]) -> Integers:
    """Integers in int64 where their total fits."""
    return np.array(values, dtype=np.int64 if sum(values) < 2**62 else object)
