r"""The distance of order 1 as an area, :math:`W_1 = \int |F(z) - G(z)| \, dz`: one sort of all points and no plan.

Quicker than quantile functions, and as accurate where the measures are not too close to each other. With totals A and B,
their sum S and their difference D, the normalised distribution functions differ by

.. math:: \frac{F}{A} - \frac{G}{B} = \frac{2 S}{S^2 - D^2} \Bigl( F - G - \frac{D}{S} (F + G) \Bigr) .
"""

import math

import numpy as np
import numpy.typing as npt

from divergences.transport.levels import UNIT
from divergences.transport.packed import sort_packed
from divergences.transport.result import Floats

__all__ = ["area"]

_TOLERANCE = math.sqrt(2.0**-52)  # of masses, as everywhere for float64
_BLOCK = 2**15  # points of many rows handled at once: the temporaries stay in the cache


def area(x: Floats, y: Floats, a: Floats | None, b: Floats | None) -> Floats | None:
    """Distances between points (..., n) and (..., m) of masses of either shape; None for uniform ones.

    The answer is None wherever this is not the way: for what is to be refused, and where rounding could show.
    """
    n, m = x.shape[-1], y.shape[-1]
    if (a is not None and a.shape[-1:] != (n,)) or (b is not None and b.shape[-1:] != (m,)):
        return None
    masses: list[npt.ArrayLike] = [1 / n if a is None else a, 1 / m if b is None else b]
    if x.ndim == y.ndim == 1 and all(np.ndim(v) <= 1 for v in masses):
        value = _rows(x, y, *masses, 1)
        return None if value is None else value[0]
    shape = np.broadcast_shapes(*(v.shape[:-1] for v in (x, y, a, b) if v is not None))
    step, count = max(1, _BLOCK // (n + m)), math.prod(shape)
    if count == 0:
        return None
    flat = [v if np.ndim(v) <= 1 else np.broadcast_to(v, (*shape, np.shape(v)[-1])) for v in (x, y, *masses)]
    flat = [v if np.ndim(v) <= 1 else np.reshape(v, (count, -1)) for v in flat]
    value = np.empty(count)
    for k in range(0, count, step):
        part = _rows(*(v if np.ndim(v) <= 1 else v[k : k + step] for v in flat), min(step, count - k))
        if part is None:
            return None
        value[k : k + step] = part
    return value.reshape(shape)


def _rows(x: Floats, y: Floats, a: npt.ArrayLike, b: npt.ArrayLike, rows: int) -> Floats | None:
    """Distances of a few pairs."""
    n, m = x.shape[-1], y.shape[-1]
    points, masses = np.empty((rows, n + m)), np.empty((rows, n + m))
    points[:, :n], points[:, n:] = x, y
    masses[:, :n] = a
    np.negative(b, out=masses[:, n:])
    found = sort_packed(points)
    if found is None or not (masses[:, :n].min() >= 0 and masses[:, n:].max() <= 0):
        return None
    z, order = found
    return _integral(z, masses.take(order))


def _integral(z: Floats, w: Floats) -> Floats | None:
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
    fine &= (np.abs(total - 2) + np.abs(excess) <= 2 * _TOLERANCE)  # both masses are 1
    return value * (2 / total) / (1 - (excess / total) ** 2) if fine.all() else None
