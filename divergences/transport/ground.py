r"""Ground costs :math:`d(x, y)^p`, with a bound on how far float64 is from the true power of the true distance."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from divergences.transport.result import Floats

__all__ = [
    "FLOOR",
    "SCALED_BY_DATA",
    "Ground",
    "Metric",
    "distances",
    "ground",
    "is_line",
    "line_ground",
    "power",
    "relative_error",
    "without_constant_coordinates",
]

Metric = str | Callable[[Floats, Floats], npt.ArrayLike]

_U = 2.0**-53  # unit roundoff
FLOOR = 2.0**-1000  # powers below this have lost digits to underflow
_CEILING = 2.0**1000  # powers above this leave no room for sums
SCALED_BY_DATA = frozenset({"seuclidean", "mahalanobis"})
"""Names of distances whose scale scipy takes from all points at once."""
_ON_THE_LINE = frozenset({"euclidean", "cityblock", "chebyshev", "minkowski"})


@final
@dataclass(frozen=True, eq=False)
class Ground:
    """Costs in float64 whose true values lie within ``cost * (1 - relative) - absolute`` and ``cost * (1 + relative)``."""

    cost: Floats
    relative: float
    absolute: float


def is_line(x: Floats, metric: Metric) -> bool:
    """Whether the metric is the absolute difference of single coordinates."""
    return x.shape[1] == 1 and isinstance(metric, str) and metric in _ON_THE_LINE


def without_constant_coordinates(x: Floats, y: Floats, metric: Metric) -> tuple[Floats, Floats]:
    """The points without coordinates in which all agree, where these do not count; one coordinate stays."""
    if x.shape[1] == 1 or not isinstance(metric, str) or metric not in _ON_THE_LINE:
        return x, y
    moving = ~((x == x[0]).all(axis=0) & (y == x[0]).all(axis=0))
    moving[0] |= not moving.any()
    return (x, y) if moving.all() else (np.ascontiguousarray(x[:, moving]), np.ascontiguousarray(y[:, moving]))


def ground(x: Floats, y: Floats, p: float, metric: Metric) -> Ground:
    """Costs of all pairs of points (n, d) and (m, d).

    The error bound is that of the points for ``"euclidean"`` and ``"cityblock"``; for any other metric the distances
    are taken as they are computed. Euclidean distances of different points below 2**-500, whose squares underflow, are
    bounded by 0 and 2**-500.
    """
    if metric == "euclidean" and p == 2:
        square = _lifted(cdist(x, y, "sqeuclidean"), x, y, FLOOR)
        return _checked(square.cost, square.cost, relative_error(x, y, p, "euclidean"), p, square.absolute)
    distance = Ground(distances(x, y, metric), 0.0, 0.0)
    _check_distance(distance.cost, (len(x), len(y)), metric)
    if metric == "euclidean":
        distance = _lifted(distance.cost, x, y, math.sqrt(FLOOR))
    cost = power(distance.cost, p)
    return _checked(
        distance.cost, cost, relative_error(x, y, p, metric), p, distance.absolute**p, may_forbid=callable(metric)
    )


def _lifted(distance: Floats, x: Floats, y: Floats, floor: float) -> Ground:
    """Distances with those that squares of tiny differences have spoilt lifted to `floor`, an upper bound of them.

    Coordinates that are 0 or above 2**-430 differ by nothing or by more than 2**-483, whose square is a normal number.
    """
    if min(_smallest(x), _smallest(y)) >= 2.0**-430:
        return Ground(distance, 0.0, 0.0)
    _, kind = np.unique(np.concatenate([x, y]), axis=0, return_inverse=True)
    same = kind.reshape(-1)[: len(x), None] == kind.reshape(-1)[len(x) :]
    spoilt = (distance < floor) & ~same
    return Ground(np.where(spoilt, floor, distance), 0.0, floor if spoilt.any() else 0.0)


def _smallest(x: Floats) -> float:
    """Smallest magnitude of a coordinate that is not 0."""
    return float(np.min(np.abs(x), where=x != 0, initial=np.inf))


def line_ground(x: Floats, y: Floats, p: float) -> Ground:
    """Costs of matched pairs on the line: ``x`` and ``y`` of one length."""
    with np.errstate(over="ignore"):
        distance = np.abs(x - y)
    return _checked(distance, power(distance, p), relative_error(x[:, None], y[:, None], p, "cityblock"), p)


def power(distance: npt.NDArray[Any], p: float) -> npt.NDArray[Any]:
    """``distance ** p``; correctly rounded for p = 1 and 2."""
    with np.errstate(over="ignore", under="ignore"):
        return distance if p == 1 else distance * distance if p == 2 else distance**p


def relative_error(x: Floats, y: Floats, p: float, metric: Metric) -> float:
    """Relative error of the costs, by counting the roundings of differences, products, sums, roots and powers."""
    d: int = x.shape[1]
    if metric == "euclidean":
        exact, roundings = p == 2, 0.5 * d + 2
    elif metric == "cityblock":
        exact, roundings = p == 1 or (p == 2 and d == 1), float(d)
    else:
        exact, roundings = p == 1, 0.0
    if exact and (roundings == 0 or _on_lattice(x, y, p)):
        return 0.0
    last = 0.0 if p == 1 else 1.0 if p == 2 else 8.0  # of the power itself
    return 1.01 * _U * (p * roundings + last)


def _on_lattice(x: Floats, y: Floats, p: float) -> bool:
    """Whether all differences, their p-th powers and sums over coordinates are integers float64 holds exactly."""
    top = max(float(np.abs(x).max()), float(np.abs(y).max()))
    if top == 0:
        return True
    bits = int((53 - np.log2(x.shape[1])) / p) - 1
    shift = bits - int(np.frexp(top)[1])
    return all(bool(np.all(v == np.rint(v))) for v in (np.ldexp(x, shift), np.ldexp(y, shift)))


def distances(x: Floats, y: Floats, metric: Metric) -> Floats:
    """Distances of all pairs."""
    if callable(metric):
        return np.ascontiguousarray(metric(x, y), dtype=np.float64)
    try:
        return np.asarray(cdist(x, y, cast("Any", metric)), dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = (
            "metric must be 'euclidean', another name that scipy.spatial.distance.cdist knows, or a function from "
            f"arrays (n, d) and (m, d) to distances (n, m); got {metric!r}: {error}"
        )
        raise ValueError(msg) from error


def _check_distance(distance: Floats, shape: tuple[int, int], metric: Metric) -> None:
    """Refuse what is no matrix of distances."""
    if distance.shape != shape:
        msg = f"metric {metric!r} must return the distances of all pairs, shape {shape}; got shape {distance.shape}"
        raise ValueError(msg)
    if not distance.min() >= 0:  # true for NaN
        bad = np.argwhere(np.isnan(distance) | (distance < 0))
        i, j = bad[0]
        msg = (
            f"distances must be non-negative numbers, but metric {metric!r} gave {distance[i, j]} for the pair "
            f"x[{i}], y[{j}]; check the points and the metric, or pass a cost of any sign to emd"
        )
        raise ValueError(msg)


def _checked(
    distance: Floats, cost: Floats, relative: float, p: float, absolute: float = 0.0, *, may_forbid: bool = False
) -> Ground:
    """Refuse overflow, unless an infinite distance may forbid its pair; lift what underflows to the floor, an upper bound."""
    if not cost.max() <= _CEILING and np.any((cost > _CEILING) & ~(np.isposinf(distance) & may_forbid)):
        msg = (
            f"d(x, y)**{p:g} must stay below {_CEILING:.0e}, but the largest distance does not; divide all points by a "
            "common factor s and multiply the value by s: W_p(s x, s y) = s W_p(x, y)"
        )
        raise ValueError(msg)
    lost = (distance > 0) & (cost < FLOOR) if p != 1 else np.zeros(1, dtype=bool)
    if not lost.any():
        return Ground(cost, relative, absolute)
    return Ground(np.where(lost, FLOOR, cost), relative, max(absolute, FLOOR))
