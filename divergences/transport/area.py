r"""The distance of order 1 as an area, :math:`W_1 = \int |F(z) - G(z)| \, dz`: one sort of all points and no plan.

Quicker than quantile functions, and as accurate where the measures are not too close to each other. With totals A and B,
their sum S and their difference D, the normalised distribution functions differ by

.. math:: \frac{F}{A} - \frac{G}{B} = \frac{2 S}{S^2 - D^2} \Bigl( F - G - \frac{D}{S} (F + G) \Bigr) .
"""

import math

import numpy as np

from divergences.transport.levels import UNIT
from divergences.transport.packed import sort_packed
from divergences.transport.result import Floats, Indices

__all__ = ["area"]

_TOLERANCE = math.sqrt(2.0**-52)  # of masses, as everywhere for float64
_BLOCK = 2**15  # points of many rows handled at once: the temporaries stay in the cache


def area(x: Floats, y: Floats, a: Floats | None, b: Floats | None, *, tolerance: float = _TOLERANCE) -> Floats | None:
    """Distances between points (..., n) and (..., m) of masses that are 1 within a tolerance; None stands for uniform ones.

    The answer is None wherever this is not the way: for what is to be refused, and where rounding could show.
    """
    n, m = x.shape[-1], y.shape[-1]
    if (a is not None and a.shape[-1:] != (n,)) or (b is not None and b.shape[-1:] != (m,)):
        return None
    sides = [x, y, np.full(1, 1 / n) if a is None else a, np.full(1, 1 / m) if b is None else b]
    if all(v.ndim == 1 for v in sides):
        value = _rows(sides, 1, tolerance)
        return None if value is None else value[0]
    try:
        shape = np.broadcast_shapes(*(v.shape[:-1] for v in sides))
    except ValueError:
        return None
    return _chunks(sides, shape, tolerance)


def _chunks(sides: list[Floats], shape: tuple[int, ...], tolerance: float) -> Floats | None:
    """The same for many pairs, some at a time; what is broadcast is never copied as a whole."""
    count, step = math.prod(shape), max(1, _BLOCK // (sides[0].shape[-1] + sides[1].shape[-1]))
    flat = [v if v.ndim == 1 else v.reshape(-1, v.shape[-1]) for v in sides]
    index = [None if v.shape[:-1] in {(), shape} else _origin(v.shape[:-1], shape) for v in sides]
    value = np.empty(count)
    for k in range(0, count, step):
        rows = slice(k, min(k + step, count))
        some = [v if v.ndim == 1 else v[rows if i is None else i[rows]] for v, i in zip(flat, index, strict=True)]
        part = _rows(some, rows.stop - k, tolerance)
        if part is None:
            return None
        value[rows] = part
    return value.reshape(shape)


def _origin(lead: tuple[int, ...], shape: tuple[int, ...]) -> Indices:
    """For each pair, the row of an array with these leading axes."""
    return np.broadcast_to(np.arange(math.prod(lead)).reshape(lead), shape).reshape(-1)


def _rows(sides: list[Floats], rows: int, tolerance: float) -> Floats | None:
    """Distances of a few pairs."""
    x, y, a, b = sides
    n, m = x.shape[-1], y.shape[-1]
    points, masses = np.empty((rows, n + m)), np.empty((rows, n + m))
    points[:, :n], points[:, n:] = x, y
    masses[:, :n] = a
    np.negative(b, out=masses[:, n:])
    found = sort_packed(points)
    if found is None or not (masses[:, :n].min() >= 0 and masses[:, n:].max() <= 0):
        return None
    z, order = found
    return _integral(z, masses.take(order), tolerance)


def _integral(z: Floats, w: Floats, tolerance: float) -> Floats | None:
    r"""Area below :math:`|F - G|`, for sorted points and masses that are positive for F and negative for G.

    A mass is a multiple of :math:`2^{-52}`, of which running sums are exact, and a rest, of which they round by a square
    of the units.
    """
    part, size = np.empty(w.shape, dtype=np.complex128), np.abs(w)
    high, low = part.real, part.imag
    np.add(w, 3.0, out=high)
    high -= 3.0
    np.subtract(w, high, out=low)
    coarse = np.abs(high)
    total = coarse.sum(axis=-1) + (size - coarse).sum(axis=-1)  # every digit of it counts for the value
    excess = high.sum(axis=-1) + low.sum(axis=-1)
    size *= (excess / total)[:, None]
    low -= size
    np.cumsum(part, axis=-1, out=part)
    height = high[:, :-1] + low[:, :-1]
    np.abs(height, out=height)
    width = z[:, 1:] - z[:, :-1]
    height *= width
    value = height.sum(axis=-1)
    count = z.shape[-1]
    error = (8 * count * UNIT) * (count * UNIT) + (count + 64) * UNIT * np.abs(excess)
    fine = (error * (z[:, -1] - z[:, 0]) <= 16 * UNIT * value) & (value < np.inf)
    fine &= np.abs(total - 2) + np.abs(excess) <= 2 * tolerance  # so that neither mass is farther from 1
    return value * (2 / total) / (1 - (excess / total) ** 2) if fine.all() else None
