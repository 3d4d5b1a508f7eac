"""Two weighted sets of points read as two measures on one set of distinct points."""

from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport.inputs import read_points, read_weights
from divergences.transport.masses import Balanced, balance
from divergences.transport.result import Floats, Integers

__all__ = ["JointSupport", "read_measures", "united"]


@final
@dataclass(frozen=True, eq=False)
class JointSupport:
    """Distinct points, and the exact difference P - Q of the masses on them in multiples of ``unit``."""

    points: Floats
    difference: Integers
    masses: Balanced

    @property
    def signed(self) -> Floats:
        """The difference of the masses, each rounded once; their exact sum is 0."""
        return self.masses.to_mass(self.difference)


def read_measures(
    x: npt.ArrayLike, y: npt.ArrayLike, a: npt.ArrayLike | None, b: npt.ArrayLike | None
) -> tuple[Floats, Floats, Balanced]:
    """Points (n, d) and (m, d), and their weights as integers of one total that stands for 1."""
    u, v = read_points(x, y)
    w, z = read_weights("a", a, len(u)), read_weights("b", b, len(v))
    return u, v, balance(w, z, Fraction(1))


def united(x: Floats, y: Floats, masses: Balanced) -> JointSupport:
    """The two measures on their distinct points; those where both have the same mass are left out."""
    both = np.concatenate([x, y]) + 0.0  # makes -0.0 a 0.0
    axis = 0 if both.shape[1] > 1 else None  # sorting numbers is faster than sorting rows
    points, place = np.unique(both, axis=axis, return_inverse=True)
    points = points.reshape(-1, both.shape[1])
    difference = np.zeros(len(points), dtype=masses.source.dtype)
    np.add.at(difference, place.reshape(-1), np.concatenate([masses.source, -masses.target]))
    apart = difference != 0
    return JointSupport(points[apart], difference[apart], masses)
