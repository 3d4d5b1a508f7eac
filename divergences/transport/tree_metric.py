"""The distance along a tree, as a metric for points that are node numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.transport.result import Floats, Indices

__all__ = ["TreeMetric"]


@final
@dataclass(frozen=True, eq=False)
class TreeMetric:
    r"""Length of the path between two nodes of a tree.

    A value for ``metric=``: points are node numbers 0, ..., N - 1, as (n,) or (n, 1); called with points (n, 1) and
    (m, 1) it returns the distances (n, m). Each is a sum of partial sums of edges below their common ancestor, without
    cancellation: the relative error is at most :math:`5 \lceil \log_2 N \rceil 2^{-53}`.

    Parameters
    ----------
    parents : array_like of shape (N,)
        The parent of each node; -1 for the root.
    lengths : array_like of shape (N,)
        Length of the edge from each node to its parent, non-negative and finite; that of the root is not used.

    Raises
    ------
    ValueError
        If the parents make no tree, lengths are negative or not finite, or points are no node numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.transport import TreeMetric
    >>> star = TreeMetric([-1, 0, 0, 0], [0, 1, 2, 3])
    >>> star(np.array([[1], [2]]), np.array([[0], [2], [3]]))
    array([[1., 3., 4.],
           [2., 0., 5.]])
    """

    parents: npt.ArrayLike
    lengths: npt.ArrayLike
    root: int = field(init=False, repr=False)
    depth: Indices = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the arrays, and find the number of edges between each node and the root by doubling."""
        parents, lengths = _read_parents(self.parents), _read_lengths(self.lengths, np.shape(self.parents))
        root = int(np.flatnonzero(parents == -1)[0])
        up = np.where(parents == -1, root, parents)
        depth = (parents != -1).astype(np.intp)
        for _ in range(len(up).bit_length()):
            depth, up = depth + depth[up], up[up]
        if not np.all(up == root):
            node = int(np.flatnonzero(up != root)[0])
            msg = (
                f"expected parents to lead from every node to the root, got a cycle above node {node}; a tree has none"
            )
            raise ValueError(msg)
        lengths = np.where(parents == -1, 0.0, lengths)
        for name, value in (("parents", parents), ("lengths", lengths), ("root", root), ("depth", depth)):
            object.__setattr__(self, name, value)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Distances of all pairs."""
        u, v = self.nodes("x", x), self.nodes("y", y)
        distinct, i = np.unique(u, return_inverse=True)
        others, j = np.unique(v, return_inverse=True)
        return self._between(distinct, others)[np.ix_(i, j)]

    def nodes(self, name: str, x: npt.NDArray[Any]) -> Indices:
        """Points (n, 1) as node numbers (n,)."""
        count = len(self.depth)
        numbers = x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else None
        if numbers is None or not np.all((numbers == np.rint(numbers)) & (numbers >= 0) & (numbers < count)):
            msg = f"expected points {name} to be node numbers, whole numbers from 0 to {count - 1}, one per point; got {x!r:.200}"
            raise ValueError(msg)
        return numbers.astype(np.intp)

    def _between(self, u: Indices, v: Indices) -> Floats:
        """Distances of nodes: both ends are lifted to one depth, then together to below their common ancestor."""
        tables, shape = self._jumps(), (len(u), len(v))
        near, far = u[:, None], np.broadcast_to(v, shape)
        length, excess = np.zeros(shape), self.depth[u][:, None] - self.depth[v]
        for k, (up, jump) in reversed(list(enumerate(tables))):
            near, length = _climbed(near, length, (excess >> k) & 1 == 1, excess > 0, up, jump)
            far, length = _climbed(far, length, (-excess >> k) & 1 == 1, excess < 0, up, jump)
        for up, jump in reversed(tables):
            apart = up[near] != up[far]
            near, length = _climbed(near, length, apart, apart, up, jump)
            far, length = _climbed(far, length, apart, apart, up, jump)
        up, jump = tables[0]
        return length + np.where(near != far, jump[near] + jump[far], 0.0)

    def _jumps(self) -> Sequence[tuple[Indices, Floats]]:
        """For each power of two the ancestors that many edges up, and how far away they are."""
        up, length = np.asarray(self.parents, dtype=np.intp).copy(), np.asarray(self.lengths, dtype=np.float64)
        up[self.root] = self.root
        tables = [(up, length)]
        while 2 ** len(tables) <= self.depth.max():
            up, length = tables[-1]
            tables.append((up[up], length + length[up]))
        return tables


def _climbed(
    node: Indices, length: Floats, bit: npt.NDArray[np.bool_], side: npt.NDArray[np.bool_], up: Indices, jump: Floats
) -> tuple[Indices, Floats]:
    """Nodes, and the lengths climbed, after a jump where it is called for."""
    chosen = bit & side
    return np.where(chosen, up[node], node), length + np.where(chosen, jump[node], 0.0)


def _read_parents(value: npt.ArrayLike) -> Indices:
    """Parents, with one root."""
    parents = np.asarray(value)
    if parents.ndim != 1 or not np.issubdtype(parents.dtype, np.integer):
        msg = f"expected parents to be whole numbers of shape (N,), got shape {parents.shape} of dtype {parents.dtype}"
        raise ValueError(msg)
    roots = int(np.sum(parents == -1))
    if roots != 1 or parents.min() < -1 or parents.max() >= len(parents):
        msg = (
            f"expected parents to be node numbers from 0 to {len(parents) - 1} and -1 for the one root, got {roots} "
            f"roots in {parents!r:.200}"
        )
        raise ValueError(msg)
    return parents.astype(np.intp)


def _read_lengths(value: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Lengths of the edges."""
    lengths = np.asarray(value, dtype=np.float64)
    if lengths.shape != shape or not np.all((lengths >= 0) & (lengths <= 1e300)):
        msg = (
            f"expected lengths to be one non-negative number per node, shape {shape}, up to 1e300, got shape "
            f"{lengths.shape}: {value!r:.200}"
        )
        raise ValueError(msg)
    return lengths
