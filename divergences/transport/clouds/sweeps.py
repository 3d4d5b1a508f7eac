"""Domain decomposition: blocks of rows, each with the masses it sends now, are made optimal one by one.

A global simplex pays for every pivot with the size of the whole tree. Blocks are small, independent and run in threads;
they settle the local order, and leave to the global simplex what reaches further.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from divergences.transport.clouds.arcs import Arcs, Integer64
from divergences.transport.clouds.program import solve_arcs
from divergences.transport.clouds.splitting import Plan
from divergences.transport.result import Floats

__all__ = ["sweep"]


def sweep(
    plan: Plan, arcs: Arcs, cost: Floats, f: Floats, g: Floats, *, block: int, threads: int
) -> tuple[Plan, Floats]:
    """A cheaper plan, and potentials of its rows; each block keeps its mean level. The plan lies on the arcs."""
    order = np.argsort(plan[0], kind="stable")
    row, column, flow = (v[order] for v in plan)
    edges = np.unique(np.append(np.arange(0, len(f), block), len(f)))
    in_plan, in_arcs = np.searchsorted(row, edges), np.searchsorted(arcs.row, edges)
    new = f.copy()

    def work(k: int) -> Plan:
        here, there = slice(in_plan[k], in_plan[k + 1]), slice(in_arcs[k], in_arcs[k + 1])
        low, high = edges[k], edges[k + 1]
        used, local = np.unique(column[here], return_inverse=True)
        source, target = _sums(row[here] - low, flow[here], high - low), _sums(local, flow[here], len(used))
        place = np.minimum(np.searchsorted(used, arcs.column[there]), len(used) - 1)
        inside = used[place] == arcs.column[there]
        i, j = (arcs.row[there] - low)[inside], place[inside]
        reduced = cost[there][inside] - f[low:high][i] - g[used][j]
        best = solve_arcs(source, target, i, j, reduced)
        new[low:high] += best.f - best.f.mean()
        return best.plan[0] + low, used[best.plan[1]], best.plan[2]

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(work, range(len(edges) - 1)))
    rows, columns, flows = (np.concatenate([p[k] for p in parts]) for k in range(3))
    return (rows, columns, flows), new


def _sums(group: Integer64, flow: Integer64, size: int) -> Integer64:
    """Exact sums of the flows of each group."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, group, flow)
    return total
