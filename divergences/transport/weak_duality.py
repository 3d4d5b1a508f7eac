"""A proven lower bound of a Wasserstein distance from any function on the points: what a critic is worth."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from divergences.transport.certificate import dual_value, root_down
from divergences.transport.ground import Metric, ground, is_line
from divergences.transport.inputs import read_order, read_points, read_values, read_weights
from divergences.transport.masses import balance
from divergences.transport.potentials import Potential, c_transform

__all__ = ["dual_bound"]


def dual_bound(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    f: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 1,
    metric: Metric = "euclidean",
) -> float:
    r"""Lower bound of $W_p$ from any values `f` on the points `x`, by weak duality.

    The values are completed by $g_j = \min_i d(x_i, y_j)^p - f_i$ and improved by $f_i = \min_j d(x_i, y_j)^p - g_j$;
    the pair is exactly feasible, so that

    .. math:: W_p^p \ge \sum_i a_i f_i + \sum_j b_j g_j,

    with equality where `f` is an optimal potential. Nothing is asked of `f`: a poor choice gives a poor bound.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    f : array_like of shape (n,)
        Finite values on `x`, for example those of a critic; those at points without mass do not matter.
    a : array_like of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default.
    b : array_like of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    p : float, default 1
        Order, at least 1 and finite.
    metric : str or callable, default "euclidean"
        As for :func:`divergences.wasserstein`.

    Returns
    -------
    float
        A number that is not above $W_p$: sums are exact and every rounding is downward.

    Raises
    ------
    ValueError
        As for :func:`divergences.wasserstein`, and if `f` is not n finite numbers.

    References
    ----------
    G. Peyré and M. Cuturi (2019), Computational optimal transport, section 5.1.

    Examples
    --------
    >>> from divergences.transport import dual_bound
    >>> dual_bound([0, 4, 8], [1, 5, 12], [0, -4, -8])
    2.0
    >>> dual_bound([0, 4, 8], [1, 5, 12], [0, 4, 8])
    1.3333333333333333
    """
    order = read_order(p)
    u, v = read_points(x, y)
    values = read_values("f", f, len(u))
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    i, j = np.flatnonzero(w), np.flatnonzero(z)  # points without mass take no part, and ask nothing of f
    u, v = u[i], v[j]
    masses = balance(w[i], z[j], Fraction(1))
    costs = ground(u, v, order, "cityblock" if is_line(u, metric) else metric)  # on the line fewer roundings
    g = c_transform(np.ascontiguousarray(costs.cost.T), Potential.of(values[i]))
    lower = dual_value(masses, c_transform(costs.cost, g), g, costs.cost)
    low = max(lower * (1 - Fraction(costs.relative)) - Fraction(costs.absolute), Fraction(0))
    return root_down(low, order)
