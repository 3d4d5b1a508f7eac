"""Points that coincide and points without mass: solved as one, or not at all, and given back afterwards."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from divergences.transport.result import Floats, Indices, Integers

__all__ = ["Merged"]


@final
@dataclass(frozen=True, eq=False)
class Merged:
    """Distinct points with positive mass. ``place[i]`` is where point i of `members` (those with mass) went."""

    points: Floats
    mass: Integers
    members: Indices
    place: Indices

    @classmethod
    def of(cls, points: Floats, mass: Integers) -> Self:
        """Sums over equal points are exact."""
        members = np.flatnonzero(mass)
        distinct, place = np.unique(points[members] + 0.0, axis=0, return_inverse=True)  # -0.0 is 0.0
        place = place.reshape(-1)
        if len(distinct) == len(members):
            return cls(points[members], mass[members], members, np.arange(len(members)))
        order = np.argsort(place, kind="stable")
        start = np.searchsorted(place[order], np.arange(len(distinct)))
        return cls(distinct, np.add.reduceat(mass[members][order], start), members, place)

    @property
    def listed(self) -> Indices:
        """Indices of the points with mass, those that coincide one after the other."""
        return self.members[np.argsort(self.place, kind="stable")]
