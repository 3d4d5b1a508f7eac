r"""Matrices of divergences: $D_{ij} = d(x_i, y_j)$ for all rows of two matrices.

The pairs are cut into tiles, a grid that depends on the shapes alone, and tiles are what workers get: the same numbers
come out wherever they are computed. A tile is cut into blocks of pairs that stay in the cache.

An f-divergence is summed here from its declaration. Its call balances the masses of every pair anew; in a matrix each
row meets many others, so that it pays to give every row mass 1 once, exactly, as sums of two doubles (`_Rows`): the
difference of two rows is then known to full relative precision at once. Pairs whose sum may not be trusted (nearly
equal, or near the ends of the range of doubles) and any other function of two distributions are left to its call.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, final

import array_api_compat
import numpy as np

from divergences._arrays import Array, checked, namespace, quiet
from divergences._extras import require
from divergences._pairs import LIFT, two_product
from divergences.elementary import Numeric
from divergences.fdivergence import FDivergence

__all__ = ["pairwise"]

BLOCK = 1 << 15
"""Elements evaluated at once in numpy, and the longest row that is summed here."""

TILE, STRIP = 1 << 22, 1 << 17
"""Pairs times outcomes in one tile, some 30 milliseconds of work, and the most entries of its rows on either side."""

BROADCAST = 1 << 20
"""Pairs times outcomes that other libraries evaluate at once."""

UNIT = LIFT * BLOCK
"""Mass of the rows: no entry is smaller than it was after it was lifted, so that none becomes subnormal."""

Slices = tuple[slice, slice]
"""Rows and columns of the matrix."""


def pairwise(
    d: Callable[..., Array],
    X: Array,
    Y: Array | None = None,
    *,
    n_jobs: int | None = None,
    normalize: bool = False,
    progress: bool = False,
) -> Array:
    r"""Matrix $D_{ij} = d(x_i, y_j)$ of the divergences of all rows of X from all rows of Y.

    Parameters
    ----------
    d : callable
        A divergence ``d(p, q, *, axis=-1, normalize=False)``: those of this package, their ``distance``, or a function
        that takes arrays (..., k) and returns (...). One with an attribute ``symmetric`` that is true is evaluated once
        for each pair when Y is None, and is taken to vanish on the diagonal.
    X : array (n, k)
        Distributions, one in each row, of any array library that `d` takes.
    Y : array (m, k), optional
        Others, of the same library; X itself by default.
    n_jobs : int, optional
        None: this process alone. A number: ``joblib.Parallel(n_jobs=n_jobs)``, which runs processes on this machine
        unless ``joblib.parallel_config`` names another backend, such as "dask" for the workers of a
        ``dask.distributed.Client``. For numpy only.
    normalize : bool, default: False
        Take rows of any positive mass.
    progress : bool, default: False
        Show a progress bar (tqdm) on the standard error.

    Returns
    -------
    array (n, m)
        Same library, dtype and device. The same bits for every `n_jobs` and backend; ``d(X[i], Y[j])`` up to a few units
        in the last place. Memory beside the matrix is a few megabytes in numpy, never n m k (but where gradients are
        recorded, torch keeps what they need).

    Raises
    ------
    ValueError
        On shapes other than (n, k) and (m, k), and on rows that `d` refuses: the message names the matrix and the row.
    TypeError
        On arrays of two libraries.
    ModuleNotFoundError
        If `n_jobs` or `progress` ask for joblib or tqdm and it is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> X = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 0.0, 1.0]])
    >>> dv.pairwise(dv.tv, X)
    array([[0. , 0.5, 1. ],
           [0.5, 0. , 0.5],
           [1. , 0.5, 0. ]])
    >>> dv.pairwise(dv.kl, X, X[:2])
    array([[0.        , 0.69314718],
           [       inf, 0.        ],
           [       inf, 0.69314718]])
    """
    xp, (x, y) = namespace(X=X, Y=X if Y is None else Y)
    _require_matrices(x, y)
    _require_function(d)
    if 0 in (x.shape[0], y.shape[0]):
        return xp.zeros((x.shape[0], y.shape[0]), dtype=xp.result_type(x, y), device=array_api_compat.device(x))
    comparison = _Comparison(d, normalize=normalize, alone=Y is None)
    try:
        if array_api_compat.is_numpy_namespace(xp):
            return _filled(comparison, x, y, n_jobs=n_jobs, progress=progress)
        _require_no_jobs(xp, n_jobs)
        return _broadcast(xp, comparison, x, y, progress=progress)
    except ValueError:
        for name, rows in (("X", x), ("Y", y)):
            comparison.refuse(name, rows)
        raise


def _require_matrices(x: Array, y: Array) -> None:
    shapes = f"got shapes {tuple(x.shape)} and {tuple(y.shape)}"
    if x.ndim != 2 or y.ndim != 2:
        msg = f"expected X and Y of shapes (n, k) and (m, k), a distribution in each row, {shapes}"
        raise ValueError(msg)
    if x.shape[1] != y.shape[1] or not x.shape[1]:
        msg = f"expected rows of X and Y on the same space of at least one outcome, {shapes}"
        raise ValueError(msg)


def _require_function(d: Any) -> None:
    if isinstance(d, type) or not callable(d):
        given = d.__name__ if isinstance(d, type) else repr(d)
        hint = f"{given}(0.5)" if isinstance(d, type) else "divergences.kl"
        msg = f"expected d to be a function of two distributions, such as {hint}, got {given}"
        raise TypeError(msg)


def _require_no_jobs(xp: Any, n_jobs: int | None) -> None:
    if n_jobs is not None:
        msg = f"expected numpy arrays beside n_jobs, got arrays of {xp.__name__}; leave n_jobs out, or pass numpy.asarray(X)"
        raise ValueError(msg)


@final
@dataclass(frozen=True, slots=True)
class _Comparison:
    """What is done with every pair of rows; `alone` if the rows of one matrix are compared with each other."""

    d: Callable[..., Array]
    normalize: bool
    alone: bool

    @property
    def power(self) -> float | None:
        """The power of an f-divergence that is asked for; None for any other function."""
        bound = getattr(self.d, "__func__", None) is FDivergence.distance
        return self._owner.metric_power if bound else 1.0 if isinstance(self.d, FDivergence) else None

    @property
    def _owner(self) -> Any:
        return getattr(self.d, "__self__", self.d)

    @property
    def triangular(self) -> bool:
        """Whether the half above the diagonal tells all."""
        return self.alone and getattr(self._owner, "symmetric", False) is True

    def call(self, p: Array, q: Array) -> Array:
        """Values of pairs of rows by the call of the divergence, one for each."""
        values = self._value(p, q)
        expected, shape = np.broadcast_shapes(p.shape, q.shape)[:-1], getattr(values, "shape", None)
        if shape != expected:
            msg = f"expected d to return one value per pair, shape {expected}, got {shape}; sum over the last axis only"
            raise TypeError(msg)
        return values

    def _value(self, p: Array, q: Array) -> Array:
        return self.d(p, q, normalize=True) if self.normalize else self.d(p, q)

    def refuse(self, name: str, rows: Array) -> None:
        """Raise an error that names the first row which the divergence does not even compare with itself."""
        for i in range(rows.shape[0]):
            try:
                self._value(rows[i, :], rows[i, :])
            except ValueError as error:
                msg = f"expected rows of {name} that {self.d!r} takes, got row {i}; with p = q = {name}[{i}] it says: {error}"
                raise ValueError(msg) from error

    def tile(self, x: Array, y: Array, where: Slices) -> Array:
        """One tile of the matrix, for numpy."""
        rows, columns = x[where[0]], y[where[1]]
        on_diagonal = self.alone and where[0] == where[1]
        half = on_diagonal and self.triangular
        values = np.zeros((len(rows), len(columns)))
        width = min(len(columns), max(1, BLOCK // x.shape[1]))
        height = max(1, BLOCK // (x.shape[1] * width))
        with quiet():
            block = self._block(rows, columns, half=half)
            for place in _grid(*values.shape, height, width, above=1 if half else None):
                values[place] = block(*place)
            if isinstance(block, _Sums):
                known: Array | bool = False
                if on_diagonal:
                    known = np.tri(len(values), dtype=bool) if half else np.eye(len(values), dtype=bool)
                values = block.settled(values, known) ** self.power
        return _mirrored(np, values) if half else values

    def _block(self, x: Array, y: Array, *, half: bool) -> Callable[[slice, slice], Array]:
        """The function that evaluates a block of pairs of these rows."""
        if self.power is not None and x.shape[1] <= BLOCK:
            return _Sums.of(self._owner, x, y, normalize=self.normalize)
        if half:
            self.call(x, x)  # so that bad rows are refused where they meet no other

        def called(rows: slice, columns: slice) -> Array:
            return self.call(*_crossed(x[rows], y[columns])).reshape(len(x[rows]), -1)

        return called


# ------------------------------------------------------------------------------------------ sums of an f-divergence


@final
@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of mass UNIT: each entry is the sum of two doubles, right to twice their precision."""

    high: Array
    low: Array

    @classmethod
    def of(cls, name: str, x: Array, *, normalize: bool) -> Self:
        """Rows divided by their mass, after they are validated and lifted."""
        x = checked(np, name, x, normalize=normalize, lift=LIFT)
        mass, rest = (total / LIFT for total in _exact_sum(x))
        x = x * (UNIT / LIFT)
        high = x / mass
        product, error = two_product(high, mass)
        return cls(high, ((x - product) - error - high * rest) / mass)


@final
@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of the terms of an f-divergence, for pairs of the rows of x and y."""

    d: FDivergence
    x: Array
    y: Array
    p: _Rows
    q: _Rows
    normalize: bool

    @classmethod
    def of(cls, d: FDivergence, x: Array, y: Array, *, normalize: bool) -> Self:
        """After the rows are brought to mass 1."""
        p, q = (_Rows.of(name, rows, normalize=normalize) for name, rows in (("X", x), ("Y", y)))
        return cls(d, x, y, p, q, normalize)

    def __call__(self, rows: slice, columns: slice) -> Array:
        """The sums for a block of pairs."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        p, q = _crossed(self.p.high[rows], self.q.high[columns])
        low, other = _crossed(self.p.low[rows], self.q.low[columns])
        gap = p - q
        gap += low - other
        return np.add.reduce(self.d.perspective(p, q, Numeric(np, gap)), axis=-1).reshape(shape)

    def settled(self, sums: Array, known: Array | bool) -> Array:
        """The values: sums per unit of mass, 0 where that is `known`, other means where they may not be trusted."""
        values = np.where(known, 0.0, np.minimum(sums / UNIT, self.d.range.upper))
        least = 1e-15 if self.d.kinks else 1e-30  # where differences are not much above the rounding of their rests
        sure = ((sums > least * UNIT) & (sums < 1e200)) | known
        for i in np.flatnonzero(~sure.all(axis=1)):
            j = np.flatnonzero(~sure[i])
            values[i, j] = self._careful(i, j)
        return values

    def _careful(self, i: Any, j: Array) -> Array:
        """Values of a row of x and rows of y: infinite by their zeros, or by the call."""
        p, q, infinite = self.p.high[i], self.q.high[j], np.zeros(len(j), dtype=bool)
        for end, other, weight in ((self.d.slope, q, p), (self.d.f0, p, q)):
            if math.isinf(end):
                infinite |= ((other == 0) & (weight > 0)).any(axis=-1)
        values = np.where(infinite, math.inf, 0.0)
        rest = j[~infinite]
        if rest.size:
            p, q = np.broadcast_arrays(self.x[i], self.y[rest])
            values[~infinite] = self.d(p, q, normalize=self.normalize)
        return values


def _exact_sum(x: Array) -> tuple[Array, Array]:
    """Row sums as two doubles: halves are added without error (Knuth's two-sum), the errors are summed apart."""
    rest = np.zeros_like(x[:, :1])
    while x.shape[1] > 1:
        half = x.shape[1] // 2
        a, b, odd = x[:, :half], x[:, half : 2 * half], x[:, 2 * half :]
        total = a + b
        share = total - a
        rest += np.sum((a - (total - share)) + (b - share), axis=-1, keepdims=True)
        x = np.concatenate([total, odd], axis=1)
    return x, rest


# --------------------------------------------------------------------------------------------------------- the grid


def _grid(n: int, m: int, height: int, width: int, *, above: int | None) -> Iterator[Slices]:
    """The pieces of a matrix (n, m); with `above`, those that begin so many columns above the diagonal or further."""
    for i in range(0, n, height):
        for j in range(0 if above is None else i + above, m, width):
            yield slice(i, min(i + height, n)), slice(j, min(j + width, m))


def _crossed(x: Array, y: Array) -> tuple[Array, Array]:
    """Every row of x beside every row of y, as two matrices."""
    return np.repeat(x, len(y), axis=0), y if len(x) == 1 else np.tile(y, (len(x), 1))


def _mirrored(xp: Any, values: Array) -> Array:
    """The symmetric matrix with this upper half and a diagonal of zeros."""
    upper = xp.triu(values, k=1)
    return upper + xp.matrix_transpose(upper)


def _filled(comparison: _Comparison, x: Array, y: Array, *, n_jobs: int | None, progress: bool) -> Array:
    """The matrix for numpy."""
    (n, k), m = x.shape, len(y)
    side = max(1, min(math.isqrt(TILE // k), STRIP // k))
    places = list(_grid(n, m, side, side, above=0 if comparison.triangular else None))
    matrix = np.empty((n, m), dtype=np.result_type(x, y))
    with _bar(n * m, shown=progress) as advance, quiet():
        for (rows, columns), values in zip(places, _computed(comparison, x, y, places, n_jobs), strict=True):
            matrix[rows, columns] = values
            if comparison.triangular:
                matrix[columns, rows] = values.T
            advance(values.size if rows == columns or not comparison.triangular else 2 * values.size)
    return matrix


def _computed(comparison: _Comparison, x: Array, y: Array, places: list[Slices], n_jobs: int | None) -> Iterable[Array]:
    """The tiles in their order, each as soon as it is there."""
    if n_jobs is None:
        return (comparison.tile(x, y, place) for place in places)
    require("joblib", "cluster", "n_jobs")
    from joblib import Parallel, delayed

    tiles = (delayed(comparison.tile)(x, y, place) for place in places)
    return Parallel(n_jobs=n_jobs, return_as="generator")(tiles)  # type: ignore[no-any-return]


def _broadcast(xp: Any, comparison: _Comparison, x: Array, y: Array, *, progress: bool) -> Array:
    """The matrix for libraries whose arrays may not be written to, or record gradients: tiles joined together."""
    (n, k), m = x.shape, y.shape[0]
    side, half = max(1, math.isqrt(BROADCAST // k)), comparison.triangular
    tiles = {}
    with _bar(n * m, shown=progress) as advance:
        for rows, columns in _grid(n, m, side, side, above=0 if half else None):
            values = comparison.call(xp.expand_dims(x[rows, :], axis=1), xp.expand_dims(y[columns, :], axis=0))
            i, j = rows.start, columns.start
            tiles[i, j] = _mirrored(xp, values) if half and i == j else values
            if half and i < j:
                tiles[j, i] = xp.matrix_transpose(values)
            advance((2 if half and i < j else 1) * math.prod(values.shape))
    bands = [xp.concat([tiles[i, j] for j in range(0, m, side)], axis=1) for i in range(0, n, side)]
    return xp.concat(bands, axis=0)


@contextmanager
def _bar(pairs: int, *, shown: bool) -> Iterator[Callable[[int], Any]]:
    """What is called with the number of pairs that were done."""
    if not shown:
        yield lambda done: None
        return
    require("tqdm", "cluster", "a progress bar")
    from tqdm import tqdm

    with tqdm(total=pairs, unit="pair", unit_scale=True) as bar:
        yield bar.update
