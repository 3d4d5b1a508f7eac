r"""The direction in which two measures differ the most: max-sliced Wasserstein distance."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.integral_metrics.measures import centred, read_count, read_measures, scaled, scaled_back
from divergences.integral_metrics.slices import random_directions
from divergences.transport import wasserstein
from divergences.transport.inputs import read_order
from divergences.transport.masses import Balanced
from divergences.transport.result import Floats
from divergences.transport.staircase import staircase

__all__ = ["MaxSliced", "max_sliced_wasserstein"]

_U = 2.0**-53  # unit roundoff
_STEPS = 200  # of one ascent; what is reached by then is a lower bound as good as any
_SMALLEST_STEP = 1e-9


@final
@dataclass(frozen=True, eq=False)
class MaxSliced:
    r"""A direction in which two measures are far apart.

    Parameters
    ----------
    bounds : Bounds
        Proven bounds of the maximum: below, the distance in the direction found; above, :math:`W_p` itself. The two meet
        only if one direction explains the whole distance; the gap is not an error of rounding.
    direction : ndarray of shape (d,)
        The unit vector.
    """

    bounds: Bounds
    direction: Floats = field(repr=False)

    @property
    def value(self) -> float:
        """The largest distance found, a lower bound of the maximum up to rounding."""
        return self.bounds.value


def max_sliced_wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 2,
    starts: int = 8,
    rng: np.random.Generator | int | None = None,
) -> MaxSliced:
    r"""Largest Wasserstein distance between projections to a line, bounded from both sides.

    .. math:: \max_{|\theta| = 1} W_p(\langle \theta, X \rangle, \langle \theta, Y \rangle) \le W_p(X, Y)

    The maximum of a function that is not concave: gradient ascent on the sphere from several starts finds a local one,
    which is a proven lower bound of the global one, whatever it is.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default.
    b : array_like of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    p : float, default 2
        Order, at least 1 and finite.
    starts : int, default 8
        Number of random directions to start from, at least 1; the direction between the means is tried as well.
    rng : numpy.random.Generator or int, optional
        Source of the starts.

    Returns
    -------
    MaxSliced
        Bounds and direction.

    Raises
    ------
    TypeError
        If `starts` is no number.
    ValueError
        As for :func:`divergences.wasserstein`, and for less than one start.
    TransportError
        As for :func:`divergences.wasserstein`, which computes the upper bound.

    References
    ----------
    I. Deshpande et al. (2019), Max-sliced Wasserstein distance and its use for GANs, CVPR, definition 2.

    Examples
    --------
    >>> from divergences.integral_metrics import max_sliced_wasserstein
    >>> m = max_sliced_wasserstein([[0, 0], [1, 0], [0, 1]], [[3, 4], [4, 4], [3, 5]], rng=0)
    >>> round(m.bounds.lower, 9), round(m.bounds.upper, 9)
    (5.0, 5.0)
    """
    order = read_order(p)
    count = read_count("starts", starts, 1)
    u, v, masses = read_measures(x, y, a, b)
    u, v, exponent = scaled(u, v)
    upper = wasserstein(u, v, a, b, p=order).bounds.upper
    s, t, _ = centred(u, v)
    theta = _highest(s, t, masses, order, count, np.random.default_rng(rng))
    line = wasserstein(u @ theta, v @ theta, a, b, p=order).bounds
    lower = _true_lower(line.lower, theta, u, v)
    return MaxSliced(scaled_back(Bounds(lower, min(max(line.value, lower), upper), upper), exponent), theta)


def _true_lower(lower: float, theta: Floats, x: Floats, y: Floats) -> float:
    """Bound for the true projections on the true unit vector: both sides move by their rounding at most."""
    d = len(theta)
    moved = (d + 2) * _U * (np.abs(x) @ np.abs(theta)).max() + (d + 2) * _U * (np.abs(y) @ np.abs(theta)).max()
    length = float(np.linalg.norm(theta)) * (1 + (d + 4) * _U)
    return max(float((lower - moved) / length) * (1 - 4 * _U), 0.0)


def _highest(x: Floats, y: Floats, masses: Balanced, p: float, starts: int, rng: np.random.Generator) -> Floats:
    """The best direction of several ascents, for points whose largest coordinate is near 1."""
    shift = masses.to_mass(masses.source) @ x - masses.to_mass(masses.target) @ y
    first = [_unit(shift)] if shift.any() else []
    ascents = [_ascent(t, x, y, masses, p) for t in (*first, *random_directions(starts, x.shape[1], rng))]
    return max(ascents, key=lambda ascent: ascent[0])[1]


def _unit(vector: Floats) -> Floats:
    """Of length 1, whatever its size."""
    relative = vector / np.abs(vector).max()
    unit: Floats = relative / np.linalg.norm(relative)
    return unit


def _ascent(theta: Floats, x: Floats, y: Floats, masses: Balanced, p: float) -> tuple[float, Floats]:
    """Gradient ascent with steps that are halved until they gain."""
    height, slope = _climb(theta, x, y, masses, p)
    step = 1.0
    for _ in range(_STEPS):
        length = float(np.linalg.norm(slope))
        if length == 0 or step < _SMALLEST_STEP:
            break
        moved = theta + step / length * slope
        moved /= np.linalg.norm(moved)
        new, uphill = _climb(moved, x, y, masses, p)
        if new > height:
            theta, height, slope, step = moved, new, uphill, 2 * step
        else:
            step /= 4
    return height, theta


def _climb(theta: Floats, x: Floats, y: Floats, masses: Balanced, p: float) -> tuple[float, Floats]:
    """The distance of the projections, and a direction tangent to the sphere in which it grows."""
    s, t = x @ theta, y @ theta
    i, j = np.argsort(s, kind="stable"), np.argsort(t, kind="stable")
    path = staircase(masses.source[i], masses.target[j])
    row, column = i[path.row], j[path.column]
    difference, mass = s[row] - t[column], masses.to_mass(path.mass)
    scale = float(np.abs(difference).max())
    if scale == 0:
        return 0.0, np.zeros_like(theta)
    relative = np.abs(difference) / scale
    pull = mass * relative ** (p - 1) * np.sign(difference)
    apart = x[row] - y[column]
    uphill = pull @ (apart / np.abs(apart).max())  # only its direction counts
    return scale * float(mass @ relative**p) ** (1 / p), uphill - (uphill @ theta) * theta
