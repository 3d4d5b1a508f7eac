"""Many small transport problems that share one cost matrix."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from numbers import Integral
from os import cpu_count
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.transport import shared_simplex
from divergences.transport.feasibility import Infeasible
from divergences.transport.inputs import read_cost, read_floats
from divergences.transport.mass_rows import MassRows, read_rows
from divergences.transport.masses import balance
from divergences.transport.matrix_roads import DenseSimplex
from divergences.transport.monge import excess, line_cost, line_gaps, monotone_cost
from divergences.transport.result import Floats

__all__ = ["ManyBounds", "SharedCost"]

_CELLS = 2**18  # of cost matrix times pairs in one piece of work: some milliseconds
_ENOUGH = 1e-12  # a wider gap, relative to the cost of the plan, is left to emd


@final
@dataclass(frozen=True, eq=False)
class ManyBounds:
    """Proven bounds of many numbers: ``lower <= value <= upper``, arrays of one shape.

    Parameters
    ----------
    lower : ndarray
        Lower bounds.
    value : ndarray
        The best single numbers, inside the bounds.
    upper : ndarray
        Upper bounds.
    """

    lower: Floats
    value: Floats
    upper: Floats

    @property
    def gap(self) -> Floats:
        """Widths ``upper - lower``."""
        return self.upper - self.lower

    def __getitem__(self, k: Any) -> Bounds:
        """The bounds of one number."""
        return Bounds(float(self.lower[k]), float(self.value[k]), float(self.upper[k]))


@final
@dataclass(frozen=True, eq=False)
class SharedCost:
    r"""Least transport cost between probability vectors under one cost matrix, a function of arrays of them.

    .. math:: d(p, q) = \min \Bigl\{ \sum_{ij} c_{ij} \gamma_{ij} : \gamma \ge 0,\ \gamma 1 = p,\ \gamma^T 1 = q \Bigr\} .

    The cost is examined once. Monge costs (for sorted points on a line any convex function of the difference) are solved
    for all pairs together by the north-west corner rule. For distances, mass that p and q have in common stays where it
    is, which leaves a smaller program. All others go to the network simplex, pair by pair, in threads. Every value is
    checked by potentials that are feasible on all pairs of points; the few pairs whose bounds are not within 1e-12 of
    the cost (p and q nearly equal) are given to :func:`divergences.emd`.

    Parameters
    ----------
    cost : array_like of shape (n, m)
        Cost of moving a unit of mass from point i to point j; +inf forbids a pair.
    threads : int, optional
        Threads at work at once, at least 1; by default as many as there are processors, for few pairs only one.

    Raises
    ------
    TypeError
        If the cost is a masked array, or `threads` no integer.
    ValueError
        If the cost is no matrix, has no finite entry, or one that is NaN or -inf; if `threads` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import divergences as dv
    >>> from divergences.transport.histograms import SharedCost
    >>> x = np.arange(4)
    >>> d = SharedCost(abs(x[:, None] - x))
    >>> p = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0.25, 0.25, 0.25, 0.25]])
    >>> d(p[0], p)
    array([0., 2., 1.])
    >>> dv.pairwise(d, p)
    array([[0., 2., 1.],
           [2., 0., 1.],
           [1., 1., 0.]])
    >>> certificate = d.bounds(p[0], p)[1]
    >>> certificate.contains(2.0), certificate.gap < 1e-12
    (True, True)
    """

    cost: Floats = field(repr=False)
    threads: int | None = None

    def __post_init__(self) -> None:
        """Keep a copy of the cost that nobody can change."""
        _check_threads(self.threads)
        cost = _read_matrix(self.cost)
        cost.flags.writeable = False
        object.__setattr__(self, "cost", cost)

    @property
    def symmetric(self) -> bool:
        """Whether ``d(p, q) == d(q, p)`` and ``d(p, p) == 0``, by the symmetry of a cost that is 0 on the diagonal."""
        return self.at_rest and bool((self.cost == self.cost.T).all())

    @cached_property
    def at_rest(self) -> bool:
        """Whether mass stays for nothing and never gains: a square cost, not negative, 0 on the diagonal."""
        square = self.cost.shape[0] == self.cost.shape[1]
        return square and bool((np.diagonal(self.cost) == 0).all() and (self.cost >= 0).all())

    @cached_property
    def _excess(self) -> float:
        """What the monotone plan may cost too much; infinite if the cost is not Monge."""
        return excess(self.cost)

    @cached_property
    def _line(self) -> tuple[Floats, float] | None:
        """The gaps, if the costs are distances on a line, and by how much they are not."""
        return line_gaps(self.cost)

    @cached_property
    def _program(self) -> "shared_simplex.SharedProgram":
        """The cost, prepared for the simplex."""
        return shared_simplex.SharedProgram.of(self.cost, at_rest=self.at_rest)

    def __call__(self, p: npt.ArrayLike, q: npt.ArrayLike, *, normalize: bool = False) -> Floats:
        """Least costs.

        Parameters
        ----------
        p : array_like of shape (..., n)
            Masses of the sources, of mass 1 within 1.5e-8; the values are those of the exactly normalised pair.
        q : array_like of shape (..., m)
            Masses of the targets; leading axes broadcast against those of `p`.
        normalize : bool, default False
            Take vectors of any positive mass.

        Returns
        -------
        ndarray of shape (...)
            The values of :meth:`bounds`.
        """
        return self.bounds(p, q, normalize=normalize).value

    def bounds(self, p: npt.ArrayLike, q: npt.ArrayLike, *, normalize: bool = False) -> ManyBounds:
        """Least costs with proven bounds.

        Parameters
        ----------
        p : array_like of shape (..., n)
            Masses of the sources.
        q : array_like of shape (..., m)
            Masses of the targets; leading axes broadcast against those of `p`.
        normalize : bool, default False
            Take vectors of any positive mass.

        Returns
        -------
        ManyBounds
            Lower bounds, values and upper bounds, arrays of shape (...).

        Raises
        ------
        ValueError
            If a mass is negative or not finite, a vector has another length than the cost or does not have mass 1.
        TransportError
            If a pair cannot be certified to 1e-9; `Infeasible` if forbidden pairs leave no plan, which names the first
            such pair by its index.
        """
        x, y = (read_rows(s, v, n, normalize=normalize) for s, v, n in zip("pq", (p, q), self.cost.shape, strict=True))
        shape = _joint_shape(x, y)
        rows = [MassRows.of(np.ascontiguousarray(v.reshape(-1, v.shape[-1]))) for v in (x, y)]
        if x.shape[:-1] != y.shape[:-1]:
            places = (np.arange(v[..., 0].size).reshape(v.shape[:-1]) for v in (x, y))
            rows = [r[np.broadcast_to(k, shape).ravel()] for r, k in zip(rows, places, strict=True)]
        three = self._many(rows[0], rows[1], shape)
        return ManyBounds(*(v.reshape(shape) for v in three))

    def _many(self, p: MassRows, q: MassRows, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Lower bounds, values and upper bounds of pairs of rows, piece by piece."""
        out = np.empty((3, len(p.mass)))

        def work(piece: slice) -> None:
            out[:, piece] = self._piece(p[piece], q[piece], piece.start, shape)

        pieces = list(self._pieces(len(p.mass)))
        workers = min(len(pieces), self.threads or cpu_count() or 1)
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(work, pieces))
        else:
            for piece in pieces:
                work(piece)
        return out

    def _pieces(self, pairs: int) -> Iterator[slice]:
        """Pairs that are worked on together."""
        cells = sum(self.cost.shape) if self._excess < np.inf else self.cost.size
        size = max(1, _CELLS // cells)
        return (slice(k, k + size) for k in range(0, pairs, size))

    def _piece(self, p: MassRows, q: MassRows, start: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Lower bounds, values and upper bounds of pairs of rows, which begin at `start` in an array of this shape."""
        if not np.isfinite(self.cost).all():
            size = np.zeros(len(p.mass))  # the mass that rounding adds may have no way, so that nothing is known
            lower, value, upper = size - np.inf, size, size + np.inf
        elif self._excess < np.inf:
            lower, value, upper, size = self._monotone(p, q)
        else:
            lower, value, upper, size = self._program.solve(p, q)
        out = np.stack([lower, value, upper])
        if self.at_rest:
            out[:, (p.mass == q.mass).all(axis=1)] = 0.0  # no rounding at all
        gap = out[2] - out[0]
        for k in np.flatnonzero((gap > 0) & ~(gap <= _ENOUGH * size)):
            try:
                exact = DenseSimplex().solve_matrix(balance(p.mass[k], q.mass[k], Fraction(1)), self.cost).bounds
            except Infeasible as error:
                raise _at_pair(error, np.unravel_index(start + int(k), shape)) from error
            out[:, k] = exact.lower, exact.value, exact.upper
        return out

    def _monotone(self, p: MassRows, q: MassRows) -> tuple[Floats, Floats, Floats, Floats]:
        """The monotone plans; rounding has moved some mass, which costs at most the span of the costs."""
        if self._line is not None:
            (value, error), excess = line_cost(self._line[0], p, q), self._line[1]
        else:
            (value, error), excess = monotone_cost(self.cost, p, q), self._excess
        least, most = float(self.cost.min()), float(self.cost.max())
        wide = error + (p.added + q.added) * (most - least) * (1 + 2.0**-20)
        lower, upper = np.maximum(value - wide - excess, least), np.minimum(value + wide + excess, most)
        return lower, np.clip(value, lower, upper), upper, np.abs(value)


def _check_threads(threads: Any) -> None:
    """Refuse what is no number of threads."""
    if threads is None:
        return
    msg = f"expected threads to be an integer of at least 1, got {threads!r}; leave it out for one per processor"
    if not isinstance(threads, Integral):
        raise TypeError(msg)
    if threads < 1:
        raise ValueError(msg)


def _read_matrix(value: npt.ArrayLike) -> Floats:
    """A copy of a cost matrix, in C order."""
    if np.ma.isMaskedArray(value):
        msg = (
            "expected the cost as an array without a mask, got a masked one; cost.filled(np.inf) forbids what is masked"
        )
        raise TypeError(msg)
    cost = np.array(read_floats("cost", value), order="C")
    if cost.ndim != 2:
        msg = f"cost must be a matrix, one row per source and one column per target, got shape {cost.shape}"
        raise ValueError(msg)
    cost = read_cost(cost, cost.shape) if cost.size else cost
    if not np.isfinite(cost).any():
        msg = f"cost must have a finite entry, got shape {cost.shape} without any"
        raise ValueError(msg)
    return cost


def _joint_shape(p: Floats, q: Floats) -> tuple[int, ...]:
    """The shape of the array of pairs."""
    try:
        return np.broadcast_shapes(p.shape[:-1], q.shape[:-1])
    except ValueError as error:
        msg = (
            f"masses p and q must have leading axes that broadcast, one pair for each place, got shapes {p.shape} and "
            f"{q.shape}; for all pairs pass p[:, None, :] and q[None, :, :], or use divergences.pairwise"
        )
        raise ValueError(msg) from error


def _at_pair(error: Infeasible, place: tuple[Any, ...]) -> Infeasible:
    """The error with the index of its pair, if there are several."""
    if not place:
        return error
    index = ", ".join(str(int(k)) for k in place)
    return Infeasible(f"pair [{index}]: {error}", error.sources, error.targets, error.excess)
