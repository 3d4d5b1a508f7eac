"""What a way to solve transport between points is: the problem it is given, when it applies, what it returns."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from scipy.sparse import coo_array

from divergences.transport.ground import Metric
from divergences.transport.masses import Balanced
from divergences.transport.result import Floats, Indices, Integers, Method, Transport

if TYPE_CHECKING:
    from typing import Any

__all__ = ["PointPair", "Road", "sparse_plan"]


@final
@dataclass(frozen=True, eq=False)
class PointPair:
    """Two weighted sets of points, (n, d) and (m, d), and the cost ``metric ** p`` of moving a unit between them."""

    x: Floats
    y: Floats
    masses: Balanced
    p: float
    metric: Metric


@dataclass(frozen=True)
class Road(Method):
    """A method for points, chosen by the problem or forced by the caller."""

    @abstractmethod
    def suits(self, pair: PointPair) -> bool:
        """Whether the method solves this problem exactly."""

    def pays(self, pair: PointPair) -> bool:
        """Whether to choose it where it comes first in the table; by default wherever it suits."""
        return self.suits(pair)

    @abstractmethod
    def solve(self, pair: PointPair) -> Transport:
        """The certified answer; only asked for where it `suits`."""


def sparse_plan(masses: Balanced, row: Indices, column: Indices, flow: Integers) -> "coo_array[Any, tuple[int, int]]":
    """The plan as a sparse matrix, each mass rounded once."""
    shape = (len(masses.source), len(masses.target))
    return coo_array((masses.to_mass(flow), (row, column)), shape=shape)
