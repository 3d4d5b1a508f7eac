r"""Pairs (P, Q) whose answers are known in closed form: what an estimate can be held against without a solver."""

from dataclasses import dataclass
from typing import final

import numpy as np

from gan.expectations import Discrete

__all__ = ["Problem", "parallel_lines", "worked_table"]


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """Two finite measures with a name.

    Parameters
    ----------
    name : str
        What the points are.
    P, Q : Discrete
        The measures.
    """

    name: str
    P: Discrete
    Q: Discrete


def parallel_lines(theta: float, *, size: int = 200) -> Problem:
    r"""Two vertical segments at distance theta: $P_0 = (0, Z)$ and $P_\theta = (\theta, Z)$, Z uniform on [0, 1].

    $W_1 = |\theta|$, while JS = ln 2, TV = 1 and KL is infinite both ways as soon as theta is not 0. Arjovsky, Chintala
    & Bottou (2017), example 1. Z is taken at the midpoints of `size` equal intervals, which keeps all of this exact.

    Parameters
    ----------
    theta : float
        Distance of the lines.
    size : int
        Number of points on each.

    Returns
    -------
    Problem
        P on the first line, Q on the second.
    """
    z = (np.arange(size) + 0.5) / size
    first, second = (np.stack([np.full(size, x), z], axis=1) for x in (0.0, theta))
    return Problem(f"parallel lines, theta = {theta:g}", Discrete(first), Discrete(second))


def worked_table() -> Problem:
    r"""The moving table of the lectures: masses 3, 1, 2 at 1, 2, 3 against 1, 1, 2, 2 at 7, 8, 9, 10.

    42 in all, $W_1 = 7$ per unit mass, and more than one optimal plan.

    Returns
    -------
    Problem
        Both sides divided by their mass 6.
    """
    here, there = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, 2.0])
    return Problem("worked table", Discrete([1.0, 2.0, 3.0], here / 6), Discrete([7.0, 8.0, 9.0, 10.0], there / 6))
