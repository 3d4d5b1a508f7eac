"""The dual of the Wasserstein distance of order 1: the Lipschitz function that tells two measures apart the most."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.transport.exact import exact_dot, round_down, round_up
from divergences.transport.extension import LipschitzExtension, check_metric, proven_gain
from divergences.transport.ground import Metric, is_line
from divergences.transport.inputs import read_points, read_weights
from divergences.transport.masses import Balanced, balance
from divergences.transport.points import wasserstein
from divergences.transport.result import Floats, Transport

__all__ = ["Kantorovich", "kantorovich"]

_FEW = 2**22  # pairs that are looked at one by one even on the line, where sorting would do


@final
@dataclass(frozen=True, eq=False)
class Kantorovich:
    r"""An optimal K-Lipschitz function of the Kantorovich-Rubinstein dual, with the certificate of its value.

    Parameters
    ----------
    bounds : Bounds
        Proven bounds of the supremum :math:`K W_1`. Below it is what `potential` itself attains, rounded down; above it
        the cost of the plan. They differ by the rounding of the potential, some units in the last place of max abs(f).
    lipschitz : float
        The constant K.
    potential : LipschitzExtension
        A maximiser f, K-Lipschitz on the whole space and callable; of all functions that are K-Lipschitz and agree with
        it on the points it is the largest, and ``potential.smallest`` the smallest. For infinite K it is the
        1-Lipschitz maximiser: its multiples k f are worth :math:`k W_1`.
    values : tuple of ndarray, shapes (n,) and (m,)
        Values of the potential on `x` and on `y`.
    transport : Transport
        Optimal plan and potentials of the primal problem, for K = 1.

    Examples
    --------
    >>> import divergences as dv
    >>> k = dv.kantorovich([0, 1], [3], [0.5, 0.5])
    >>> k.value, k.transport.value
    (2.5, 2.5)
    >>> f, g = k.values
    >>> float(f @ [0.5, 0.5] - g @ [1.0])  # the potential attains the value
    2.5
    """

    bounds: Bounds
    lipschitz: float
    potential: LipschitzExtension = field(repr=False)
    values: tuple[Floats, Floats] = field(repr=False)
    transport: Transport = field(repr=False)

    @property
    def value(self) -> float:
        """The supremum, inside its bounds."""
        return self.bounds.value


def kantorovich(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    lipschitz: float = 1,
    metric: Metric = "euclidean",
) -> Kantorovich:
    r"""Supremum of the difference of means over all K-Lipschitz functions, and a function that attains it.

    .. math:: \sup_{|f(z) - f(w)| \le K d(z, w)} \sum_i a_i f(x_i) - \sum_j b_j f(y_j) = K\, W_1

    The optimal potential g of `y` in the primal problem gives the function :math:`f(z) = \min_j K d(z, y_j) - K g_j`,
    which is K-Lipschitz on the whole space and attains the supremum.

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
    lipschitz : float, default 1
        The constant K, positive. For ``math.inf`` nothing limits f, and the supremum is infinite unless the two measures
        are equal: with two atoms at distance d the function of slope k is worth k d.
    metric : str or callable, default "euclidean"
        As for :func:`divergences.wasserstein`. It must satisfy the triangle inequality, which is checked on the points
        where its name does not say so; without it the two sides of the equation differ.

    Returns
    -------
    Kantorovich
        Value with proven bounds, potential and plan.

    Raises
    ------
    ValueError
        As for :func:`divergences.wasserstein`; if `lipschitz` is not positive; if `metric` is no metric on the points.
    TransportError
        As for :func:`divergences.wasserstein`.

    References
    ----------
    C. Villani (2009), Optimal transport: old and new, theorem 5.10 and remark 6.5.
    E. J. McShane (1934), Extension of range of functions, Bulletin of the AMS 40, 837-842.

    Examples
    --------
    >>> from divergences.transport.kantorovich_dual import kantorovich
    >>> k = kantorovich([1, 2, 3], [7, 8, 9, 10], [3 / 6, 1 / 6, 2 / 6], [1 / 6, 1 / 6, 2 / 6, 2 / 6], lipschitz=2)
    >>> k.value
    14.0
    >>> k.potential([1, 4, 7]) - k.potential([7])
    array([12.,  6.,  0.])
    >>> k.potential.gradient([4])
    array([-2.])
    >>> kantorovich([0], [3], lipschitz=float("inf")).value
    inf
    """
    steepness = _read_lipschitz(lipschitz)
    u, v = read_points(x, y)
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    masses = balance(w, z, Fraction(1))
    t = wasserstein(u, v, a, b, p=1, metric=metric)
    slope = steepness if steepness < math.inf else 1.0
    potential, gain = _potential(u, v, masses, t, slope, metric)
    bounds = _bounds(gain, slope, t.bounds)
    if steepness == math.inf:
        bounds = Bounds.exact(0.0 if t.bounds.upper == 0 or _equal(u, v, masses) else math.inf)
    return Kantorovich(bounds, steepness, potential, (potential(u), potential(v)), t)


def _potential(
    x: Floats, y: Floats, masses: Balanced, t: Transport, slope: float, metric: Metric
) -> tuple[LipschitzExtension, Fraction]:
    """The potential from those of the plan, and a number it is proven to attain."""
    f, g = t.potentials
    base = slope * -g if math.frexp(slope)[0] == 1 / 2 else np.nextafter(slope * -g, math.inf)  # at least -K g
    i, j = np.flatnonzero(masses.source), np.flatnonzero(masses.target)
    height = LipschitzExtension(y[j], base[j], slope, metric)(x[i])
    points, largest = np.concatenate([y[j], x[i]]), float(max(np.abs(height).max(), np.abs(base[j]).max()))
    if not largest < math.inf:
        msg = (
            f"expected values of the potential within float64, got lipschitz = {slope!r}; take 1 and multiply the value"
        )
        raise ValueError(msg)
    check_metric(points, np.concatenate([base[j], height]), slope, metric)
    raised = height + (x.shape[1] + 8) * 2.0**-52 * largest  # above the true height: these cones then lower nothing
    potential = LipschitzExtension(points, np.concatenate([base[j], raised]), slope, metric)
    if is_line(x, metric) and len(x) * len(y) > _FEW:  # f + g <= d on all pairs makes the potential at least K f on x
        difference = Fraction(slope) * exact_dot(masses.source, f) - exact_dot(masses.target, base)
        return potential, difference * masses.unit
    return potential, proven_gain(x, y, masses, base, slope, metric)


def _bounds(gain: Fraction, slope: float, distance: Bounds) -> Bounds:
    """Bounds of K times the distance: what the potential attains, at least 0 as constants do, and the cost of the plan."""
    lower = max(round_down(gain), 0.0)
    upper = round_up(Fraction(slope) * Fraction(distance.upper))
    return Bounds(lower, min(max(slope * distance.value, lower), upper), upper)


def _equal(x: Floats, y: Floats, masses: Balanced) -> bool:
    """Whether the two measures are one."""
    _, place = np.unique(np.concatenate([x, y]) + 0.0, axis=0, return_inverse=True)
    difference = np.zeros(int(place.max()) + 1, dtype=masses.source.dtype)
    np.add.at(difference, place.reshape(-1), np.concatenate([masses.source, -masses.target]))
    return not difference.any()


def _read_lipschitz(value: float) -> float:
    """The constant K."""
    slope = float(value)
    if not slope > 0:
        msg = f"expected lipschitz to be positive, got {value!r}; over constants, K = 0, the supremum is 0"
        raise ValueError(msg)
    return slope
