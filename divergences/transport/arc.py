"""The geodesic distance of a circle, as a metric for points given by one angle or time of day each."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.transport.result import Floats

__all__ = ["Arc"]


@final
@dataclass(frozen=True)
class Arc:
    r"""Length of the shorter arc between points of a circle.

    .. math:: d(x, y) = \min_{k \in \mathbb{Z}} |x - y + k P| .

    A value for ``metric=``: called with points (n, 1) and (m, 1) it returns the distances (n, m), each within two units
    in the last place. Points outside [0, P) are brought into it first, those below 0 by one rounding.

    Parameters
    ----------
    period : float, default 1.0
        Length P of the whole circle, positive and finite.

    Raises
    ------
    ValueError
        If the period is not positive and finite, or points have more than one coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.transport import Arc
    >>> Arc(24.0)(np.array([[23.0], [1.0]]), np.array([[1.0], [12.0]]))
    array([[ 2., 11.],
           [ 0., 11.]])
    """

    period: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no length."""
        if not 0 < self.period < math.inf:
            msg = f"expected period to be a positive number, got {self.period!r}; pass the length of the whole circle"
            raise ValueError(msg)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Distances of all pairs."""
        return self.between(self.reduced(x)[:, None], self.reduced(y))

    def reduced(self, x: Floats) -> Floats:
        """Points (n, 1) as n numbers in [0, P)."""
        if x.ndim != 2 or x.shape[1] != 1:
            msg = f"expected points on a circle to have one coordinate, shape (n,) or (n, 1), got shape {x.shape}"
            raise ValueError(msg)
        r = np.mod(x[:, 0], self.period)
        return np.where(r < self.period, r, 0.0)  # a negative number near 0 rounds up to the period

    def between(self, x: Floats, y: Floats) -> Floats:
        """Distances of points in [0, P), pair by pair; both arcs are sums without cancellation."""
        low, high = np.minimum(x, y), np.maximum(x, y)
        arc: Floats = np.minimum(high - low, (self.period - high) + low)
        return arc
