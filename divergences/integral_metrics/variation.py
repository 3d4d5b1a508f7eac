"""Total variation between weighted points: the metric of all functions with values in [0, 1]."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.integral_metrics.measures import JointSupport, read_measures, united
from divergences.transport.exact import nearest, round_down, round_up
from divergences.transport.inputs import read_points
from divergences.transport.result import Floats

__all__ = ["Variation", "exact_variation", "total_variation"]


@final
@dataclass(frozen=True, eq=False)
class Variation:
    r"""Total variation distance, with the set on which P exceeds Q the most.

    Parameters
    ----------
    bounds : Bounds
        The rational number, rounded outward.
    points : ndarray of shape (k, d)
        The distinct points where P has more mass than Q.
    """

    bounds: Bounds
    points: Floats = field(repr=False)

    @property
    def value(self) -> float:
        """The distance, rounded once."""
        return self.bounds.value

    def witness(self, z: npt.ArrayLike) -> Floats:
        """The function that attains the supremum: 1 where P has more mass than Q, 0 elsewhere.

        Parameters
        ----------
        z : array_like of shape (k, d), or (k,) where d is 1
            Any points.

        Returns
        -------
        ndarray of shape (k,)
            Ones and zeros.
        """
        u, v = read_points(z, self.points if len(self.points) else z)
        heavier = {tuple(row) for row in (v + 0.0).tolist()} if len(self.points) else set()
        return np.array([float(tuple(row) in heavier) for row in (u + 0.0).tolist()])


def total_variation(
    x: npt.ArrayLike, y: npt.ArrayLike, a: npt.ArrayLike | None = None, b: npt.ArrayLike | None = None
) -> Variation:
    r"""Total variation distance of two weighted sets of points.

    .. math:: \mathrm{TV} = \sup_{0 \le f \le 1} \mathbb E_P f - \mathbb E_Q f
              = \tfrac12 \sum_z |P(\{z\}) - Q(\{z\})|

    The masses of equal points are added up first, as exact rationals. In [0, 1]; 1 if no point is shared.

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

    Returns
    -------
    Variation
        The value, its bounds and the witness.

    Raises
    ------
    ValueError
        As for :func:`divergences.wasserstein`.

    See Also
    --------
    divergences.tv : The same for two vectors of probabilities on one space, differentiable and in batches.

    Examples
    --------
    >>> from divergences.integral_metrics import total_variation
    >>> t = total_variation([0, 1, 1, 2], [1, 2, 2, 3])
    >>> t.value, t.witness([0, 1, 2, 3])
    (0.5, array([1., 1., 0., 0.]))
    """
    u, v, masses = read_measures(x, y, a, b)
    union = united(u, v, masses)
    exact = exact_variation(union)
    bounds = Bounds(round_down(exact), nearest(exact), round_up(exact))
    return Variation(bounds, union.points[np.asarray(union.difference > 0, dtype=bool)])


def exact_variation(union: JointSupport) -> Fraction:
    """Half the sum of the absolute differences."""
    return int(np.abs(union.difference).sum()) * union.masses.unit / 2
