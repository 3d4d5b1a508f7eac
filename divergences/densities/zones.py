r"""Coordinates in which the line is cut into panels.

Between the landmarks of two distributions panels lie on the line itself. Towards an end of the support, and towards
infinity, the coordinate is a logarithm, so that what falls off as a power falls off exponentially:

- towards infinity $x = e \pm w (e^t - 1)$ from the last landmark e on, w the scale there;
- towards a finite end $x = \ell \pm w e^{-t}$, $w = |e - \ell|$.

Neighbouring panels are of similar width, so that no scale between the landmarks is stepped over.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.landmarks import Line

__all__ = ["Region", "Zone", "zones"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

GROWTH = 3.0
"""At most by this factor are neighbouring panels of different width at first."""

LARGEST, SMALLEST = 1e308, 1e-307

FARTHEST = 2000.0
"""Of the logarithmic coordinate."""

NEAREST = 64 * EPS
"""Relative distance to an end other than 0 below which points are too few to speak of a density."""

PROPORTION = 0.25
"""Of the distance from the centre, a scale that grows like it."""

TOGETHER = 0.1
"""Landmarks nearer to each other than this part of their scale are one."""


@final
@dataclass(frozen=True, slots=True)
class Region:
    """An interval of the line that is integrated over; an end is `cut` where another region goes on."""

    lower: float
    upper: float
    cut_below: bool = False
    cut_above: bool = False
    together: float = TOGETHER
    grain: float = 0.0
    """How far a density may be from the point that it is said to be at, besides rounding."""


@final
@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the line with its coordinate t, and the edges of its first panels in it, increasing outwards."""

    edges: Vector
    place: Callable[[Vector], tuple[Vector, Vector, Vector]]
    """The points x at t, the logarithms of |dx/dt|, and how far rounding may have moved x."""
    outward: bool


def _linear(edges: Sequence[float], grain: float) -> Zone:
    def place(t: Vector) -> tuple[Vector, Vector, Vector]:
        return t, np.zeros_like(t), EPS * np.abs(t) + grain

    return Zone(np.asarray(edges, dtype=np.float64), place, outward=False)


def _to_infinity(origin: float, width: float, sign: int, edges: Iterable[float], grain: float) -> Zone:
    def place(t: Vector) -> tuple[Vector, Vector, Vector]:
        with quiet():
            way = width * np.expm1(t)
            x = origin + sign * way
            return x, math.log(width) + t, EPS * np.abs(x) + (1 + t) * (EPS * way) + grain

    return Zone(np.asarray(list(edges)), place, outward=True)


def _to_end(end: float, width: float, sign: int, edges: Iterable[float], grain: float) -> Zone:
    def place(t: Vector) -> tuple[Vector, Vector, Vector]:
        way = width * np.exp(-t)
        return end + sign * way, math.log(width) - t, EPS * (abs(end) + (1 + t) * way) + grain

    return Zone(np.asarray(list(edges)), place, outward=True)


def zones(region: Region, P: Line, Q: Line) -> list[Zone]:
    """The zones of a region, from below."""
    points, scales, breaks = _landmarks(region, P, Q)
    lower, upper = _ends(region, points, scales)
    first, last = points[lower], points[upper]
    made = []
    if not region.cut_below:
        made.append(_outer(region, -1, points[: lower + 1][::-1], points[lower : lower + 2], breaks))
    inner = points[lower : upper + 1]
    if region.cut_below and region.lower < first:
        inner = [region.lower, *inner]
    if region.cut_above and region.upper > last:
        inner = [*inner, region.upper]
    inner = sorted({*inner, *(b for b in breaks if inner[0] < b < inner[-1])})
    if len(inner) > 1:
        # towards a cut, panels grow from the width of those beyond the first or the last landmark
        before = points[lower - 1 : lower] if region.cut_above else []
        after = points[upper + 1 : upper + 2] if region.cut_below else []
        edges = _graded([*before, *inner, *after], lambda _: math.inf)
        made.append(_linear([x for x in edges if inner[0] <= x <= inner[-1]], region.grain))
    if not region.cut_above:
        made.append(_outer(region, 1, points[upper:], points[max(upper - 1, 0) : upper + 1][::-1], breaks))
    return made


def _landmarks(region: Region, P: Line, Q: Line) -> tuple[list[float], list[float], list[float]]:
    """Those of both inside a region, without near doubles, their scales, and the breaks inside."""
    inside = {x for line in (P, Q) for x in line.breaks if region.lower < x < region.upper}
    each = np.concatenate([P.points, Q.points])
    scales = np.concatenate([P.scales, Q.scales])
    within = (each > region.lower) & (each < region.upper)
    each, scales = each[within], scales[within]
    order = np.argsort(each)
    points: list[float] = []
    kept: list[float] = []
    for x, s in zip(each[order].tolist(), scales[order].tolist(), strict=True):
        if not points or x - points[-1] > region.together * min(s, kept[-1]):
            points.append(x)
            kept.append(s)
        else:
            kept[-1] = min(s, kept[-1])
    if len(points) < 2:
        points = sorted({*points, *_some_points(region, points)})
        kept = [0.0] * len(points)
    return points, kept, sorted(inside)


def _some_points(region: Region, points: list[float]) -> list[float]:
    """A few points of a region in which there are no landmarks."""
    low, high = region.lower, region.upper
    if math.isfinite(low) and math.isfinite(high):
        return [x for x in (low / 4 * 3 + high / 4, low / 2 + high / 2, low / 4 + high / 4 * 3) if low < x < high]
    centre = points[0] if points else next((x for x in (low, high) if math.isfinite(x)), 0.0)
    step = max(abs(centre), 1.0) / 2
    return [x for x in (centre - step, centre + step, centre + 2 * step) if low < x < high]


def _ends(region: Region, points: list[float], scales: list[float]) -> tuple[int, int]:
    """The landmarks at which the middle zone begins and ends: beyond, scales grow like distances."""
    last = len(points) - 1
    lower, upper = 0, last
    centre = points[len(points) // 2]
    if not region.cut_below:
        lower = _end(region.lower, region.upper, points, scales, centre)
    if not region.cut_above:
        mirrored = ([-x for x in reversed(points)], scales[::-1])
        upper = last - _end(-region.upper, -region.lower, *mirrored, -centre)
    if lower > upper:
        lower = upper = (lower + upper) // 2
    return lower, upper


def _end(lower: float, upper: float, points: list[float], scales: list[float], centre: float) -> int:
    """From below, the landmark from which the middle zone begins."""
    count = len(points)
    if math.isinf(lower):
        k = 0
        while k + 2 < count and points[k] < centre and scales[k] > PROPORTION * (centre - points[k]):
            k += 1
        return k if points[k] < centre else max(k - 1, 0)
    middle = lower / 2 + upper / 2
    k = 0
    for i in range(count - 1):
        if points[i + 1] - lower > 2 * (points[i] - lower) and points[i + 1] <= middle:
            k = i + 1
    return k


def _outer(region: Region, sign: int, outside: list[float], inside: list[float], breaks: list[float]) -> Zone:
    """A zone from its landmark ``outside[0]`` towards an end, through the others; `inside` is the way back."""
    end = region.upper if sign > 0 else region.lower
    origin = outside[0]
    step = abs(inside[-1] - inside[0]) if len(inside) > 1 else math.inf
    marks = [x for x in outside[1:] + breaks if (x - origin) * sign > 0]
    if math.isinf(end):
        width = step if step < math.inf else max(abs(origin), 1.0)
        times = sorted({math.log1p(abs(x - origin) / width) for x in marks})
        farthest = min(math.log(LARGEST) - math.log(width), FARTHEST)
        return _to_infinity(origin, width, sign, _extended([0.0, *times], 0.5, farthest), region.grain)
    width = abs(origin - end)
    times = sorted({math.log(width / abs(x - end)) for x in marks if x != end})
    nearest = max(NEAREST * abs(end), SMALLEST)
    farthest = math.log(width) - math.log(nearest) if width > nearest else 0.0
    return _to_end(end, width, -sign, _extended([0.0, *times], min(0.7, step / width), farthest), region.grain)


def _extended(times: list[float], step: float, farthest: float) -> list[float]:
    """Edges of panels through the landmarks of an outer zone and on to its farthest point."""
    times = [t for t in times if t < farthest] or [0.0]
    if len(times) == 1:
        times.append(min(times[0] + step, farthest))
    edges = _graded([times[0] - step, *times], _widest)[1:]
    edges = [t for t in edges if t >= times[0]]
    width = edges[-1] - edges[-2] if len(edges) > 1 else step
    while edges[-1] < farthest:
        width = min(GROWTH * width, _widest(edges[-1]))
        edges.append(min(edges[-1] + width, farthest))
    return [t for t, after in itertools.pairwise([*edges, math.inf]) if t < after]


def _widest(t: float) -> float:
    """The widest panel of an outer zone: some tens of them go to the largest number."""
    return min(0.7 + t / 10, 30.0)


def _graded(edges: Sequence[float], widest: Callable[[float], float]) -> list[float]:
    """The edges and more, so that neighbouring panels are of similar width."""
    widths = [b - a for a, b in itertools.pairwise(edges)]
    graded = [edges[0]]
    for i, (a, b) in enumerate(itertools.pairwise(edges)):
        left = GROWTH * widths[i - 1] if i else math.inf
        right = GROWTH * widths[i + 1] if i + 1 < len(widths) else math.inf
        rising, falling = [], []
        x, y = a, b
        while True:
            left, right = min(left, widest(x)), min(right, widest(y))
            if y - x <= min(left, right) or not x < (x + min(left, right)) < y:
                break
            if left <= right:
                x += left
                rising.append(x)
                left *= GROWTH
            else:
                y -= right
                falling.append(y)
                right *= GROWTH
        graded += [*rising, *reversed(falling), b]
    return graded
