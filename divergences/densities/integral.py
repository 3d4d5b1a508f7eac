r"""The integral or sum of a kernel, and what rounding of the densities may have done to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.kernels import Kernel

__all__ = ["Integral", "Sample", "rounding"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


@final
@dataclass(frozen=True, slots=True)
class Integral:
    """The integral of a kernel over a region, in units of ``exp(log_scale)``, and those of p and q.

    The bounds do not hold rounding yet: `noise` bounds it, given common errors of log p and of log q.
    """

    log_scale: float
    lower: float
    value: float
    upper: float
    mass_p: tuple[float, float]
    """The mass of P and its error."""
    mass_q: tuple[float, float]
    """The mass of Q and its error."""
    noise: Callable[[float, float], float]


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """The points of a rule, sorted: their weights, both densities there, and how far log p and log q may be off."""

    weights: Vector
    log_jacobian: Vector
    slack: Vector
    """How far rounding may have moved the point."""
    log_p: Vector
    log_q: Vector
    mantissa: Vector
    exponent: Vector
    spread_p: Vector
    spread_q: Vector


def rounding(kernel: Kernel, sample: Sample, log_scale: float, shift_p: float, shift_q: float) -> float:
    r"""How far rounding of densities and points may have moved an integral, in its units.

    Because a kernel is convex or monotone in p and q, it is largest at a corner of what p and q may be, and convexity
    turns the largest rise into a bound of the fall. Points that moved to the side count by how the terms change there.

    Parameters
    ----------
    kernel : Kernel
        What was integrated.
    sample : Sample
        The points.
    log_scale : float
        The unit of the integral.
    shift_p, shift_q : float
        Common errors of the logarithms of the densities, besides those of the sample.

    Returns
    -------
    float
        A bound.
    """
    s = sample
    with quiet():
        spread_p, spread_q = s.spread_p + shift_p, s.spread_q + shift_q
        shift = s.log_jacobian - log_scale
        mantissa = np.where(s.mantissa < np.inf, s.mantissa, 0.0)
        terms = _scaled(mantissa, s.exponent + shift)
        largest = terms
        for sign_p in (-1, 1):
            for sign_q in (-1, 1):
                corner, exponent = kernel.terms(s.log_p + sign_p * spread_p, s.log_q + sign_q * spread_q)
                known = (corner < np.inf) & (s.mantissa < np.inf)
                largest = np.maximum(largest, np.where(known, _scaled(corner, exponent + shift), terms))
        moved = np.sum(s.weights * (largest - terms)) + 8 * EPS * np.sum(s.weights * terms)
        aside = _variation(mantissa, s.exponent - log_scale, s.slack)
    return float(moved + aside)


def _scaled(mantissa: Vector, exponent: Vector) -> Vector:
    """The mantissa times an exponential; 0 where it is 0."""
    return np.where(mantissa > 0, mantissa * np.exp(exponent), 0.0)


def _variation(mantissa: Vector, exponent: Vector, slack: Vector) -> float:
    """The sum of |change of the terms from point to point| * slack, terms as mantissa and exponent."""
    wide = np.log(np.maximum(slack[1:], slack[:-1]))
    left, right = _scaled(mantissa[:-1], exponent[:-1] + wide), _scaled(mantissa[1:], exponent[1:] + wide)
    ends = _scaled(mantissa[[0, -1]], (exponent + np.log(slack))[[0, -1]])
    return float(np.sum(np.abs(right - left)) + np.sum(ends))
