r"""Costs of all pairs, tile by tile, to find the pairs of small reduced cost :math:`c_{ij} - f_i - g_j`.

No tile outlives its turn, so memory stays at O(n + m). For squared distances reduced costs are bilinear in the points,

.. math:: |x - y|^2 - f - g = (-2x, 1, |x|^2 - f) \cdot (y, |y|^2 - g, 1),

so that a tile is one matrix product; for distances :math:`c < f + g` is :math:`|x - y|^2 - (f + g)^2 < 0` where f + g is
positive, bilinear again. Both products have a known rounding error; pairs that are within it count as found, and their
costs are then computed from differences of coordinates.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.transport.clouds.arcs import Arcs, Integer64
from divergences.transport.clouds.progress import Stalled
from divergences.transport.ground import FLOOR, Metric, distances, power
from divergences.transport.result import Floats

__all__ = ["Tiles", "tiles"]

_ROWS, _COLUMNS = 64, 2048  # of a tile: it stays in the cache
_NOISE = 1e-6  # of single precision, relative to squared distances from the centre
_U = 2.0**-53


@dataclass(frozen=True, eq=False)
class Tiles(ABC):
    """All pairs of two sets of points, (n, d) and (m, d)."""

    x: Floats
    y: Floats
    p: float
    metric: Metric
    threads: int

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of points."""
        return len(self.x), len(self.y)

    def transposed(self) -> "Tiles":
        """The same pairs with sides exchanged."""
        return type(self)(self.y, self.x, self.p, self.metric, self.threads)

    def cost(self, row: Integer64, column: Integer64) -> Floats:
        """Costs of listed pairs; powers that underflow are lifted, so that they are upper bounds."""
        distance = _listed(self.x, self.y, row, column, self.metric)
        cost = power(distance, self.p)
        if not cost.max(initial=0.0) < math.inf:
            msg = "expected finite distances, but some pair is forbidden or has none"
            raise Stalled(msg)
        return cost if self.p in (1, 2) else np.where(distance > 0, np.maximum(cost, FLOOR), cost)

    def near(self, f: Floats, g: Floats, below: float, limit: int) -> Arcs | None:
        """Every pair with ``c - f - g < below``, and some that are not much above; None if there are more than `limit`."""
        factors, error = self._factors(f + below / 2, g + below / 2, np.float64), self._error(f, g, below)
        return self._scan(*factors, error, None, limit)

    def rough(self, f: Floats, g: Floats, most: int) -> Arcs:
        """Pairs with ``c - f - g < 0``, in single precision, at most so many in a row of a tile."""
        return self._found(*self._factors(f, g, np.float32), -self._noise(), most)

    def least(self, f: Floats, g: Floats, most: int) -> Arcs:
        """Pairs with ``c - f - g < 0``, in double precision, at most so many in a row of a tile."""
        return self._found(*self._factors(f, g, np.float64), 0.0, most)

    def transform(self, g: Floats) -> Floats:
        """The least ``c - g`` in each row, up to the rounding of a tile."""
        left, right = self._distance_factors()

        def work(start: int) -> Floats:
            least = np.full(min(_ROWS, len(self.x) - start), np.inf)
            for column in range(0, len(self.y), _COLUMNS):
                part = slice(column, column + _COLUMNS)
                block = self._tile_cost(left[start : start + _ROWS], right[:, part])
                block -= g[part]
                np.minimum(least, block.min(axis=1), out=least)
            return least

        return np.concatenate(self._map(work))

    @abstractmethod
    def _factors(self, f: Floats, g: Floats, dtype: Any) -> tuple[Any, Any]:
        """Matrices whose product, by `_tile`, has the sign of the reduced costs."""

    @abstractmethod
    def _error(self, f: Floats, g: Floats, below: float) -> float:
        """Bound of the rounding error of `_tile` in double precision."""

    @abstractmethod
    def _distance_factors(self) -> tuple[Any, Any]:
        """Matrices for `_tile_cost`."""

    @abstractmethod
    def _tile_cost(self, left: Any, right: Any) -> Floats:
        """Costs of a tile."""

    def _unit(self) -> float:
        """A power of two near the largest distance from the centre: in this unit nothing overflows in single precision."""
        return math.ldexp(1.0, math.frexp(math.sqrt(_size(self.x, self.y)) or 1.0)[1])

    def _in_units(self, f: Floats, g: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Centred points and potentials in this unit."""
        (x, y), unit = centred(self.x, self.y), self._unit()
        return x / unit, y / unit, f / unit**self.p, g / unit**self.p

    def _tile(self, left: Any, right: Any) -> Any:
        """Numbers that are negative where reduced costs are."""
        return np.matmul(left, right)

    def _noise(self) -> float:
        """Size of the rounding of a tile in single precision, in squared units."""
        return _NOISE

    def _found(self, left: Any, right: Any, below: float, most: int) -> Arcs:
        """Pairs whose tile value is under `below`, at most so many in a row of a tile."""
        found = self._scan(left, right, below, most, self.shape[0] * self.shape[1])
        nothing = np.empty(0, dtype=np.int64)
        return Arcs.of(nothing, nothing, len(self.y)) if found is None else found

    def _scan(self, left: Any, right: Any, below: float, most: int | None, largest: int) -> Arcs | None:
        """Pairs whose tile value is under `below`; None if there are more than the largest number."""
        limit = left.dtype.type(below)
        counts = [0]

        def work(start: int) -> list[tuple[Integer64, Integer64]]:
            found: list[tuple[Integer64, Integer64]] = []
            if sum(counts) > largest:
                return found
            for column in range(0, len(self.y), _COLUMNS):
                tile = self._tile(left[start : start + _ROWS], right[:, column : column + _COLUMNS])
                rows = np.flatnonzero(tile.min(axis=1) < limit)
                if len(rows):
                    i, j = _under(tile[rows], limit, most)
                    found.append((rows[i] + start, j + column))
            counts.append(sum(len(i) for i, _ in found))
            return found

        found = [pair for block in self._map(work) for pair in block]
        if sum(counts) > largest:
            return None
        rows, columns = ([pair[k] for pair in found] for k in (0, 1))
        empty = np.empty(0, dtype=np.int64)
        return Arcs.of(np.concatenate([empty, *rows]), np.concatenate([empty, *columns]), len(self.y))

    def _map(self, work: Callable[[int], Any]) -> list[Any]:
        """The work of every block of rows, in threads: products and minima leave the interpreter free."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, range(0, len(self.x), _ROWS)))


def tiles(x: Floats, y: Floats, p: float, metric: Metric, threads: int) -> Tiles:
    """The fastest way to price these costs."""
    kind = _Squared if (p, metric) == (2, "euclidean") else _Plain if (p, metric) == (1, "euclidean") else _Any
    return kind(x, y, p, metric, threads)


@final
class _Squared(Tiles):
    """Squared Euclidean distances."""

    def _factors(self, f: Floats, g: Floats, dtype: Any) -> tuple[Any, Any]:
        x, y, f, g = self._in_units(f, g)
        one, other = np.ones((len(x), 1)), np.ones((len(y), 1))
        left = np.hstack([-2 * x, one, (np.square(x).sum(axis=1) - f)[:, None]])
        right = np.hstack([y, (np.square(y).sum(axis=1) - g)[:, None], other])
        return left.astype(dtype), np.ascontiguousarray(right.T.astype(dtype))

    def _error(self, f: Floats, g: Floats, below: float) -> float:
        size = _size(self.x, self.y)
        top = float(np.abs(f).max() + np.abs(g).max()) + abs(below)
        return float(
            self._unit() ** -2 * (2 * self.x.shape[1] + 16) * _U * (4 * size + 2 * top + _offset(self.x, self.y, size))
        )

    def _distance_factors(self) -> tuple[Any, Any]:
        left, right = self._factors(np.zeros(len(self.x)), np.zeros(len(self.y)), np.float64)
        return left * self._unit() ** 2, right

    def _tile_cost(self, left: Any, right: Any) -> Floats:
        return np.asarray(np.matmul(left, right))


@final
class _Plain(Tiles):
    """Euclidean distances."""

    def _factors(self, f: Floats, g: Floats, dtype: Any) -> tuple[Any, Any]:
        x, y, f, g = self._in_units(f, g)
        middle = (f.mean() - g.mean()) / 2
        f, g = f - middle, g + middle
        one, other = np.ones((len(x), 1)), np.ones((len(y), 1))
        left = np.hstack([-2 * x, -2 * f[:, None], one, (np.square(x).sum(axis=1) - f * f)[:, None]])
        right = np.hstack([y, g[:, None], (np.square(y).sum(axis=1) - g * g)[:, None], other])
        return left.astype(dtype), np.ascontiguousarray(right.T.astype(dtype))

    def _error(self, f: Floats, g: Floats, below: float) -> float:
        size = _size(self.x, self.y)
        middle = abs(float(f.mean() - g.mean()))
        top = float(np.abs(f).max() + np.abs(g).max()) + abs(below) + middle
        return float(
            self._unit() ** -2
            * (2 * self.x.shape[1] + 24)
            * _U
            * (4 * size + 4 * top * top + _offset(self.x, self.y, size))
        )

    def _distance_factors(self) -> tuple[Any, Any]:
        squared = _Squared(self.x, self.y, 2, self.metric, self.threads)
        return squared._distance_factors()

    def _tile_cost(self, left: Any, right: Any) -> Floats:
        square = np.matmul(left, right)
        np.maximum(square, 0, out=square)
        return np.asarray(np.sqrt(square, out=square))


@final
class _Any(Tiles):
    """Powers of any metric, by scipy: slower, and without a difference between the two precisions."""

    def _factors(self, f: Floats, g: Floats, dtype: Any) -> tuple[Any, Any]:
        left, right = self._distance_factors()
        return np.hstack([left, f[:, None]]), np.vstack([right, g[None]])

    def _error(self, f: Floats, g: Floats, below: float) -> float:
        return 8 * _U * (float(np.abs(f).max() + np.abs(g).max()) + abs(below))

    def _distance_factors(self) -> tuple[Any, Any]:
        return self.x, np.ascontiguousarray(self.y.T)

    def _tile_cost(self, left: Any, right: Any) -> Floats:
        tile = power(distances(left, np.ascontiguousarray(right.T), self.metric), self.p)
        if np.isnan(tile.min()):
            msg = "expected distances, but some pair has none"
            raise Stalled(msg)
        return tile

    def _tile(self, left: Any, right: Any) -> Any:
        tile = self._tile_cost(left[:, :-1], right[:-1])
        tile -= left[:, -1:]
        tile -= right[-1:]
        return tile

    def _noise(self) -> float:
        return 0.0


def centred(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points relative to the mean of x, where products cancel least."""
    middle = x.mean(axis=0)
    return x - middle, y - middle


def _size(x: Floats, y: Floats) -> float:
    """Largest squared distance from the centre."""
    return max(float(np.square(v).sum(axis=1).max()) for v in centred(x, y))


def _offset(x: Floats, y: Floats, size: float) -> float:
    """Share of the error that the rounding of centred coordinates has in a squared distance, in units of roundoff."""
    top = max(float(np.abs(x).max()), float(np.abs(y).max()))
    return 4 * math.sqrt(x.shape[1] * max(size, 0.0)) * top


def _under(tile: npt.NDArray[Any], limit: Any, most: int | None) -> tuple[Integer64, Integer64]:
    """Entries of a tile under the limit; of each row the least ones."""
    if most is None or most >= tile.shape[1]:
        rows, columns = np.nonzero(tile < limit)
        return rows.astype(np.int64, copy=False), columns.astype(np.int64, copy=False)
    column = np.argpartition(tile, most - 1, axis=1)[:, :most]
    i, k = np.nonzero(np.take_along_axis(tile, column, axis=1) < limit)
    return i.astype(np.int64, copy=False), column[i, k]


def _listed(x: Floats, y: Floats, row: Integer64, column: Integer64, metric: Metric) -> Floats:
    """Distances of listed pairs."""
    if metric == "euclidean":
        return np.sqrt(squared(x, y, row, column))
    if metric == "cityblock":
        return sum((np.abs(u[row] - v[column]) for u, v in zip(x.T, y.T, strict=True)), np.zeros(len(row)))
    out, order = np.empty(len(row)), np.argsort(row, kind="stable")
    for start in range(0, len(row), _ROWS):
        chosen = order[start : start + _ROWS]
        (i, at_i), (j, at_j) = (np.unique(v[chosen], return_inverse=True) for v in (row, column))
        out[chosen] = distances(x[i], y[j], metric)[at_i, at_j]
    return out


def squared(x: Floats, y: Floats, row: Integer64, column: Integer64) -> Floats:
    """Squared distances of listed pairs."""
    total = np.zeros(len(row))
    for u, v in zip(x.T, y.T, strict=True):
        difference = u[row] - v[column]
        total += difference * difference
    return total
