"""The best shift of a monotone plan on the circle: a search in float64, then a walk on integers to where the slope turns."""

from fractions import Fraction
from typing import Any

import numpy as np

from divergences.transport.cycle import Circles, Cycle, breakpoints, cycle

__all__ = ["best", "uncertainty"]

_QUANTILES = 1024
_WIDEST = 100.0  # turns
_STEPS, _QUICK = 80, 20  # of the search in float64, and those of false position before bisection only
_WALK = 8  # breakpoints passed one by one before the steps are doubled


def best(circles: Circles) -> tuple[Cycle, Cycle]:
    """The plan of least cost, with its path first down and first right: slopes of either sign, up to `uncertainty`.

    Ends because the bracket holds integers only, and adjacent ones have no kink between them.
    """
    total = int(circles.total)
    alpha = round(Fraction(_approximate(circles)) * total)
    low = high = None  # shifts at which the cost still falls, and at which it rises
    step, count = 0, 0
    while True:
        down, right = (cycle(circles, alpha, down_first=d, dtype=np.longdouble) for d in (True, False))
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


def _approximate(circles: Circles) -> float:
    """Shift near the best, as a share of the mass: from a thousand quantiles first, if there are many more points."""
    share = [np.asarray(v / circles.total, dtype=np.float64) for v in (circles.source, circles.target)]
    rough = Circles(circles.x, circles.y, share[0], share[1], circles.period, circles.p)
    if min(len(circles.x), len(circles.y)) <= 4 * _QUANTILES:
        return _root(rough, -1.0, 1.0)
    near, width = _root(_thinned(rough), -1.0, 1.0), 4 / _QUANTILES
    return _root(rough, near - width, near + width)


def _thinned(circles: Circles) -> Circles:
    """The quantiles of both measures, of equal masses."""
    middle = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    x, y = (
        v[np.minimum(np.searchsorted(levels, middle), len(v) - 1)]
        for v, levels in ((circles.x, circles.source), (circles.y, circles.target))
    )
    ends = np.arange(1.0, _QUANTILES + 1) / _QUANTILES
    return Circles(x, y, ends, ends, circles.period, circles.p)


def _root(circles: Circles, low: float, high: float) -> float:
    """Where the slope turns, by false position with halving (the Illinois rule) and bisection where that is slow."""

    def slope(alpha: float) -> float:
        return float(cycle(circles, alpha, down_first=True, dtype=np.float64).slope)

    falls, rises, width = slope(low), slope(high), high - low
    while falls >= 0 or rises <= 0:  # outside what the quantiles promised
        low, high, width = low - width, high + width, 3 * width
        falls, rises = slope(low), slope(high)
        if width > _WIDEST:  # no slope at all: one point, or equal ones
            return low
    last = 0
    for k in range(_STEPS):
        if high - low <= 2.0**-52:
            break
        middle = (low + high) / 2 if k % 4 == 3 or k > _QUICK else low + (high - low) * (falls / (falls - rises))
        if not low < middle < high:
            break
        s = slope(middle)
        if s < 0:
            low, falls, rises, last = middle, s, rises / 2 if last == 1 else rises, 1
        else:
            high, rises, falls, last = middle, s, falls / 2 if last == -1 else falls, -1
    return high
