r"""Sliced Wasserstein distance: the mean over all directions of the distance between the projections to a line.

The mean is estimated from random directions. Two exact facts about it are used and tested: with the vector t between the
means, :math:`W_2^2(\theta) = \langle \theta, t \rangle^2 + W_2^2` of the centred projections, whose first part has mean
:math:`|t|^2 / d`; and :math:`\mathbb E |\langle \theta, t \rangle|^p = c_p^p |t|^p`.
"""

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from divergences.bounds import Bounds
from divergences.integral_metrics.measures import centred, read_count, read_measures, read_number, scaled_back
from divergences.transport.inputs import read_order
from divergences.transport.result import Floats

__all__ = ["Sliced", "line_lengths", "random_directions", "sliced_wasserstein"]

_NUMBERS = 2**21  # projected numbers handled at once


@final
@dataclass(frozen=True, eq=False)
class Sliced:
    r"""An estimate of a sliced Wasserstein distance.

    Parameters
    ----------
    confidence : Bounds
        A confidence interval around the estimate: *no proof*. Student's interval for the mean of the p-th powers over
        the directions, and the root of its ends: its coverage tends to `level` as the number of directions grows.
    level : float
        Probability that the interval holds the distance, in the limit of many directions.
    directions : ndarray of shape (k, d)
        The unit vectors that were drawn.
    costs : ndarray of shape (k,)
        The p-th powers :math:`W_p^p(\theta)` for each of them; 0 or infinite where they are beyond the range of doubles,
        which `confidence` does not suffer from.
    """

    confidence: Bounds
    level: float
    directions: Floats = field(repr=False)
    costs: Floats = field(repr=False)

    @property
    def value(self) -> float:
        """The estimate."""
        return self.confidence.value


def sliced_wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 2,
    directions: int = 1000,
    level: float = 0.99,
    rng: np.random.Generator | int | None = None,
) -> Sliced:
    r"""Sliced Wasserstein distance of two weighted sets of points, by Monte Carlo.

    .. math:: SW_p = \Bigl( \mathbb E_{\theta}\, W_p^p(\langle \theta, X \rangle, \langle \theta, Y \rangle) \Bigr)^{1/p}

    with :math:`\theta` uniform on the sphere. At most :math:`c_p W_p \le W_p`, where
    :math:`c_p^p = \mathbb E |\theta_1|^p`, which is 1/d for p = 2. The part that the means contribute is exact for p = 2,
    so that a translation by t has :math:`|t| / \sqrt d` without sampling error; in one dimension nothing is random.

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
    directions : int, default 1000
        Number of directions, at least 2.
    level : float, default 0.99
        Confidence level of the interval, between 0 and 1.
    rng : numpy.random.Generator or int, optional
        Source of the directions.

    Returns
    -------
    Sliced
        The estimate with its confidence interval.

    Raises
    ------
    TypeError
        If `directions` or `level` is no number.
    ValueError
        As for :func:`divergences.wasserstein`; for fewer than two directions or a level outside (0, 1).

    References
    ----------
    N. Bonneel, J. Rabin, G. Peyré and H. Pfister (2015), Sliced and Radon Wasserstein barycenters of measures, Journal
    of Mathematical Imaging and Vision 51, definition 2.

    Examples
    --------
    >>> from divergences.integral_metrics import sliced_wasserstein
    >>> x = [[0, 0], [1, 0], [0, 1]]
    >>> s = sliced_wasserstein(x, [[3, 4], [4, 4], [3, 5]], rng=0)
    >>> round(s.value * 2**0.5, 12)
    5.0
    """
    order = read_order(p)
    k = read_count("directions", directions, 2)
    if not 0 < read_number("level", level) < 1:
        msg = f"expected a confidence level between 0 and 1, got {level!r}"
        raise ValueError(msg)
    u, v, masses = read_measures(x, y, a, b)
    w, z = masses.to_mass(masses.source), masses.to_mass(masses.target)
    theta = random_directions(k, u.shape[1], np.random.default_rng(rng))
    u, v, exponent = centred(u, v)
    along, known = np.zeros(k), 0.0
    if order == 2:
        shift = w @ u - z @ v
        along, known = theta @ shift, math.hypot(*shift) / math.sqrt(len(shift))
        u, v = u - w @ u, v - z @ v
    lengths = _lengths(theta, u, v, w, z, order)
    confidence = scaled_back(_interval(lengths, known, order, level), exponent)
    with np.errstate(over="ignore"):
        costs = np.ldexp(np.hypot(lengths, along), exponent) ** order
    return Sliced(confidence, level, theta, costs)


def random_directions(k: int, d: int, rng: np.random.Generator) -> Floats:
    """Unit vectors, uniform on the sphere."""
    normal = rng.standard_normal((k, d))
    unit: Floats = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return unit


def line_lengths(x: Floats, y: Floats, a: Floats, b: Floats, p: float) -> Floats:
    r"""The distances :math:`W_p` between rows of points on the line, ``x`` (k, n) and ``y`` (k, m).

    The weights are those of all rows, of equal total. Each quantile function is a step function: between any two levels at
    which one of them jumps, both are constant.
    """
    if len(a) == len(b) and np.all(a == a[0]) and np.all(b == b[0]):
        distance = np.abs(np.sort(x, axis=1) - np.sort(y, axis=1))
        return _power_means(distance, np.full(distance.shape, 1 / len(a)), p)
    by_x, by_y = np.argsort(x, axis=1), np.argsort(y, axis=1)
    ends = [np.cumsum(a[by_x], axis=1)[:, :-1], np.cumsum(b[by_y], axis=1)[:, :-1]]
    levels = np.concatenate(ends, axis=1)
    order = np.argsort(levels, axis=1, kind="stable")
    zero, total = np.zeros((len(x), 1)), np.full((len(x), 1), a.sum())
    steps = np.diff(np.concatenate([zero, np.take_along_axis(levels, order, axis=1), total], axis=1), axis=1)
    passed = np.concatenate([zero, np.cumsum(order < len(a) - 1, axis=1)], axis=1).astype(np.intp)
    row = np.take_along_axis(np.take_along_axis(x, by_x, axis=1), passed, axis=1)
    column = np.take_along_axis(np.take_along_axis(y, by_y, axis=1), np.arange(passed.shape[1]) - passed, axis=1)
    return _power_means(np.abs(row - column), np.maximum(steps, 0.0), p)


def _power_means(distance: Floats, mass: Floats, p: float) -> Floats:
    """The roots of the mean p-th powers of each row, relative to the largest, so that no power overflows."""
    top = np.max(np.where(mass > 0, distance, 0.0), axis=1, keepdims=True)
    relative = np.divide(distance, top, out=np.zeros_like(distance), where=(top > 0) & (mass > 0))
    means: Floats = top[:, 0] * np.sum(mass * relative**p, axis=1) ** (1 / p)
    return means


def _lengths(theta: Floats, x: Floats, y: Floats, a: Floats, b: Floats, p: float) -> Floats:
    """Distances in all directions, some at a time."""
    size = max(1, _NUMBERS // (len(x) + len(y)))
    parts = [theta[k : k + size] for k in range(0, len(theta), size)]
    return np.concatenate([line_lengths(t @ x.T, t @ y.T, a, b, p) for t in parts])


def _interval(lengths: Floats, known: float, p: float, level: float) -> Bounds:
    """Student's interval for the mean of the p-th powers, shifted by that of the length known, and the root of it.

    All are relative to the largest, which makes their mean with the known part at least 1 / k.
    """
    k, top = len(lengths), max(float(lengths.max()), known)
    if top == 0:
        return Bounds.exact(0.0)
    costs, exact = (lengths / top) ** p, (known / top) ** p
    mean, error = float(np.mean(costs)), float(np.std(costs, ddof=1)) / math.sqrt(k)
    half = float(stdtrit(k - 1, (1 + level) / 2)) * error
    low, middle, high = (top * (max(m, 0.0) + exact) ** (1 / p) for m in (mean - half, mean, mean + half))
    return Bounds(min(low, middle), middle, max(middle, high))
