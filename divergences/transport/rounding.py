"""Rounding of potentials computed in more than float64."""

import numpy as np
import numpy.typing as npt

from divergences.transport.result import Floats

__all__ = ["lowered"]


def lowered(x: npt.NDArray[np.longdouble]) -> Floats:
    """The largest float64 that is not above."""
    close = x.astype(np.float64)
    return np.where(close > x, np.nextafter(close, -np.inf), close)
