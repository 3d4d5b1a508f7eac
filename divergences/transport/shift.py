r"""The best shift of a monotone plan on the circle: a search in float64, and the proof of its end on integers.

The slope of the cost jumps where a level of x meets one of y, by

.. math:: c(x_i, y_{j+1}) + c(x_{i+1}, y_j) - c(x_i, y_j) - c(x_{i+1}, y_{j+1}) \ge 0

if :math:`x_i` and :math:`y_j` are the points that end there. Once a bracket holds few of these kinks they are summed in
order, and the one where the slope turns is a pair of levels, whose difference is known as an integer. Should rounding
have chosen a wrong one, a walk on integers goes on from there.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from divergences.transport.cycle import Circles, Cycle, breakpoints, paths, shares, slope
from divergences.transport.ground import power

__all__ = ["best", "uncertainty"]

_QUANTILES = 1024
_WIDEST = 100.0  # turns
_STEPS, _QUICK = 80, 20  # of the search in float64, and those of false position before bisection only
_FEW = 2  # kinks per point in a bracket that are summed rather than searched
_NARROW = 2.0**-50  # as near as float64 comes to a shift
_WALK = 8  # breakpoints passed one by one before the steps are doubled


def best(circles: Circles) -> tuple[Cycle, Cycle]:
    """The plan of least cost, with its path first down and first right: slopes of either sign, up to `uncertainty`.

    Ends because the bracket holds integers only, and adjacent ones have no kink between them.
    """
    total = int(circles.total)
    alpha = _approximate(circles)
    low = high = None  # shifts at which the cost still falls, and at which it rises
    step, count = 0, 0
    while True:
        down, right = paths(circles, alpha, dtype=np.longdouble)
        doubt = uncertainty(down, circles.p)
        if down.slope < -doubt:
            low, sign = alpha, 1
        elif right.slope > doubt:
            high, sign = alpha, -1
        else:
            return down, right
        count += 1
        if count <= _WALK:
            alpha = int(breakpoints(circles, alpha)[sign > 0])
        elif low is not None and high is not None:
            alpha = (low + high) // 2
        else:
            step = 2 * step + max(1, total >> 50)
            alpha += sign * step


def uncertainty(path: Cycle, p: float) -> Any:
    """Bound on the rounding error of a slope: of costs, of their differences and of the sum."""
    eps = np.finfo(path.cost.dtype).eps
    return 2 * (2 * p + 6 + np.log2(len(path.cost))) * eps * path.cost.sum()


def _approximate(circles: Circles) -> int:
    """Shift near the best: from a thousand quantiles first, if there are many more points."""
    rough, total = shares(circles), int(circles.total)
    few = min(_FEW / min(len(circles.x), len(circles.y)), 0.5)
    if min(len(circles.x), len(circles.y)) <= 4 * _QUANTILES:
        low, high, falls = _bracket(rough, -1.0, 1.0, few)
    else:
        low, high, _ = _bracket(_thinned(rough), -1.0, 1.0, 0.25 / _QUANTILES)
        middle, width = (low + high) / 2, 1 / _QUANTILES
        low, high, falls = _bracket(rough, middle - width, middle + width, few)
    pair = _kink(rough, low, high, falls)
    width = math.inf
    while pair is None and _NARROW < high - low <= width / 2:  # tiny masses, whose levels crowd
        width = high - low
        low, high, falls = _bracket(rough, low, high, width / 16)
        pair = _kink(rough, low, high, falls)
    if pair is None:
        return round(Fraction(high) * total)
    i, j = pair
    turns = round(float(high - (rough.source[i] - rough.target[j])))
    return int(circles.source[i]) - int(circles.target[j]) + total * turns


def _thinned(circles: Circles) -> Circles:
    """The quantiles of both measures, of equal masses."""
    middle = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    x, y = (
        v[np.minimum(np.searchsorted(levels, middle), len(v) - 1)]
        for v, levels in ((circles.x, circles.source), (circles.y, circles.target))
    )
    ends = np.arange(1.0, _QUANTILES + 1) / _QUANTILES
    return Circles(x, y, ends, ends, circles.period, circles.p)


def _bracket(circles: Circles, low: float, high: float, enough: float) -> tuple[float, float, float]:
    """Where the slope turns, up to a width that is enough, and the slope at the left end.

    By false position with halving (the Illinois rule) and bisection where that is slow.
    """
    falls, rises, width = slope(circles, low), slope(circles, high), high - low
    while falls >= 0 or rises <= 0:  # outside what the quantiles promised
        low, high, width = low - width, high + width, 3 * width
        falls, rises = slope(circles, low), slope(circles, high)
        if width > _WIDEST:  # no slope at all: one point, or equal ones
            return low, low, 0.0
    last, left = 0, falls
    for k in range(_STEPS):
        if high - low <= max(enough, 2.0**-52):
            break
        middle = (low + high) / 2 if k % 4 == 3 or k > _QUICK else low + (high - low) * (falls / (falls - rises))
        if not low < middle < high:
            break
        s = slope(circles, middle)
        if s < 0:
            low, falls, rises, last, left = middle, s, rises / 2 if last == 1 else rises, 1, s
        else:
            high, rises, falls, last = middle, s, falls / 2 if last == -1 else falls, -1
    return low, high, left


def _kink(circles: Circles, low: float, high: float, falls: float) -> tuple[int, int] | None:
    """Points of both sides whose levels meet where the slope, `falls` at `low`, turns; None if there are too many."""
    n, m = len(circles.x), len(circles.y)
    ends, levels = circles.target + low, np.concatenate([circles.source, circles.source + 1])
    turn = np.floor(ends)
    ends -= turn
    first = np.searchsorted(levels, ends, side="right")
    count = np.searchsorted(levels, ends + (high - low), side="right") - first
    size = int(count.sum())
    if not 0 < size <= 4 * _FEW * (n + m):
        return None
    j = np.repeat(np.arange(m), count)
    i = np.arange(size) + np.repeat(first - (np.cumsum(count) - count), count)
    x = np.concatenate([circles.x + k * circles.period for k in range(3)])
    x, following = x[i], x[i + 1]
    y = np.append(circles.y, circles.y[0] + circles.period)
    lift = turn[j] * circles.period
    y, later = y[j] - lift, y[j + 1] - lift
    p = circles.p
    jump = power(np.abs(x - later), p) + power(np.abs(following - y), p)
    jump -= power(np.abs(x - y), p) + power(np.abs(following - later), p)
    order = np.argsort(levels[i] - ends[j])
    k = order[min(int(np.searchsorted(np.cumsum(jump[order]), -falls)), size - 1)]
    return int(i[k]) % n, int(j[k])
