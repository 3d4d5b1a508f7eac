r"""What is left beyond the last panel of an integral, from how fast the integrand falls off there.

In the coordinate t of an outer zone a power of x is an exponential. Where the logarithm L of the integrand has slope
-s < 0 and that slope changes by c per unit of t,

$$\int_{t_0}^\infty e^{L(t)}\,dt \approx \frac{e^{L(t_0)}}{s}\Bigl(1 + \frac c{s^2}\Bigr),$$

and how far this may be off is judged by $c/s^2$. A slope of 0 or above means that the integral diverges.
"""

import math
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEGLIGIBLE", "Tail", "continued", "is_known"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

NEGLIGIBLE = 60.0
"""Panels on which the integrand is below exp(-60) of its largest value are left out."""

PRECISION = 1e-3
"""Relative, where a logarithm is known."""

LOGARITHMS = 5.0
"""Powers of logarithms that may multiply an integrand."""

NOTHING = -1e300
"""In place of the logarithm of 0."""

FLAT = 1e-6
"""A slope nearer to 0 decides nothing."""

GENTLE = 0.05
"""Where c/s**2 is below this, the fall is nearly exponential."""

LARGEST = 700.0
"""The exponential of more is out of range."""

FAR_ON = 10.0
"""A rise that would end, as it bends, before the coordinate is so many times as far is not sure to go on."""

BACK = 2
"""Edges from one point at which a slope is found to the next."""


def is_known(log_terms: Vector, noise: Vector) -> NDArray[np.bool_]:
    """Whether logarithms are finite and more than noise.

    Parameters
    ----------
    log_terms, noise : array
        The logarithms, and how far they may be off.

    Returns
    -------
    array of bool
        Same shape.
    """
    finite = np.isfinite(log_terms)
    return finite & (noise <= PRECISION * np.maximum(1.0, np.abs(np.where(finite, log_terms, 0.0))))


@final
@dataclass(frozen=True, slots=True)
class Tail:
    """An integral over a tail, in bounds, and where it begins: at the edge of that index."""

    start: int
    lower: float
    value: float
    upper: float
    open: bool = False
    """Whether the integrand is not small yet where the tail begins."""

    @classmethod
    def of(cls, t: Vector, log_terms: Vector, largest: float, noise: Vector) -> Self:
        """The tail of an integrand known by logarithms, but for a noise, at the edges of a zone, in units of ``exp(largest)``.

        ``value`` is infinite where the integral diverges, and ``lower`` too if that is sure. Beyond the last edge at
        which the integrand is known it is continued as it was; where it is NaN before, it is nothing.
        """
        log_terms = np.where(log_terms == -np.inf, NOTHING, log_terms)
        finite = np.isfinite(log_terms)
        small = log_terms + noise < largest - NEGLIGIBLE
        known = np.flatnonzero(finite & (is_known(log_terms, noise) | small))
        if not known.size:
            return cls(0, 0.0, 0.0, math.inf)
        count = int(known[-1]) + 1
        log_terms = np.where(finite, log_terms, NOTHING)
        t, log_terms = t[:count], log_terms[:count]
        high = np.flatnonzero(log_terms >= largest - NEGLIGIBLE)
        start = int(high[-1]) + 1 if high.size else 1
        if start < count:
            if count > start + 1 and log_terms[-1] > log_terms[-2]:
                # it may grow on where it is not known any more
                onward = continued(t, log_terms - log_terms[-1], float(np.max(noise[:count][-5:])))
                return cls(start, 0.0, math.inf if onward[0] == math.inf else 0.0, math.inf)
            return cls(start, 0.0, 0.0, 2 * _exponential(t, log_terms - largest, start))
        return cls(count - 1, *continued(t, log_terms - largest, float(np.max(noise[:count][-5:]))), open=True)

    def capped(self, cap: float) -> Self:
        """The same tail, known to be no larger than this."""
        return replace(self, lower=min(self.lower, cap), value=min(self.value, cap), upper=min(self.upper, cap))


def _exponential(t: Vector, log_terms: Vector, start: int) -> float:
    fall = (log_terms[start - 1] - log_terms[start]) / (t[start] - t[start - 1])
    return (
        math.exp(log_terms[start]) / float(fall) if fall > 0 else math.exp(log_terms[start]) * float(t[-1] - t[start])
    )


def continued(t: Vector, log_terms: Vector, noise: float) -> tuple[float, float, float]:
    """Bounds and value of a tail that begins at the last of some points, where the integrand is not small yet.

    Parameters
    ----------
    t : array (n,)
        Points, at which the slope is found, of which there are to be five or more.
    log_terms : array (n,)
        Logarithms of the integrand.
    noise : float
        How far these may be off.

    Returns
    -------
    tuple of float
        Lower bound, value, upper bound; ``inf`` where the integral diverges, as a lower bound only where that is sure.
    """
    if len(t) <= 2 * BACK:
        return 0.0, 0.0, math.inf
    here, before, long_before = (-1, -1 - BACK, -1 - 2 * BACK)
    slope = float((log_terms[here] - log_terms[before]) / (t[here] - t[before]))
    earlier = float((log_terms[before] - log_terms[long_before]) / (t[before] - t[long_before]))
    doubt = FLAT + 2 * noise / float(t[here] - t[before])
    # a power of t, as of a logarithm of x, may still make an integrand grow that falls off in the end
    change = (slope - earlier) / float(t[here] - t[long_before]) * 2
    if slope > doubt + LOGARITHMS / max(abs(float(t[here])), 1.0):
        # a slope that lessens may turn where there are no doubles any more
        turns = slope + change * FAR_ON * max(abs(float(t[here])), 1.0) < 0
        return 0.0 if turns else math.inf, math.inf, math.inf
    if slope > -doubt or log_terms[here] > LARGEST:
        return 0.0, math.inf, math.inf
    height = math.exp(log_terms[here])
    last = slope + change * float(t[here] - t[before]) / 2
    bend = abs(change) / slope**2
    if bend < GENTLE and last < 0:
        value = height / -last * (1 + math.copysign(bend, change))
        wrong = 2 * (noise + 16 * EPS) / (float(t[here] - t[before]) * -slope)
        # all of what the slope still changes, four times over: the rest of the bend is not known
        error = value * (2 * bend + 4 * abs(slope - earlier) / -slope + 4 * wrong)
        return max(value - error, 0.0), value, value + error
    if change < 0:  # steeper and steeper
        return 0.0, height / -slope / 2, height / -slope
    power = -slope * float(t[here])  # no slower than a power of t, as it seems
    upper = height * float(t[here]) / (power - 1) * 2 if power > 1.5 else math.inf
    return 0.0, min(height / -slope, upper), upper
