r"""$\int_0^1 |F^{-1}(t) - G^{-1}(t)|^p\,dt$ by adaptive quadrature from both ends.

Each half of (0, 1) is integrated in the distance u from its end. Toward the ends, and toward points where a quantile
function breaks or the difference changes sign, the coordinate is $\tau = -\log$ of the distance: powers and logarithms of it
become exponentials. On every panel the 21-point Kronrod rule is compared with the 10-point Gauss rule in it, and panels
on which they differ are halved. What lies beyond the last double is continued as it falls off.

Errors of the quantiles need no derivative: by Minkowski's inequality they move $W_p$ by at most their norm in $L^p(0, 1)$.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.bounds import Bounds
from divergences.densities.panels import GAUSS, KRONROD, NODES
from divergences.densities.tails import NEGLIGIBLE, Tail
from divergences.families.distribution import Vector
from divergences.transport.result import Method, TransportError

__all__ = ["Gap", "Quantiles", "quantile_distance"]

EPS = float(np.finfo(np.float64).eps)

TARGET = 1e-14
"""Relative error of the cost that panels are halved for."""

ROUNDS, PANELS = 60, 20000
"""Halvings, one after the other, and panels at most."""

STALLS = 3
"""A panel halved so many times in a row without gain shows rounding and is left."""

FINE = 0.02
"""Errors of the rules are not made smaller than this part of those of the quantiles."""

SAFETY = 2.0
"""The difference of the two rules is counted so many times."""

_FAR = (64, 72, 84, 100, 124, 160, 200, 240, 280, 320, 380, 440, 500, 560, 620, 680)
OUTER = np.asarray([*range(4), *range(4, 20, 2), *range(20, 64, 4), *_FAR], dtype=np.float64)
"""Edges of panels in tau toward an end of the line."""

UNCLEAR = 1e-6
"""Toward an end nothing is concluded from differences that are known less well than this, relatively, and less well than most."""

INNER = np.asarray([0.0, 1, 2, 4, 6, 8, 11, 14, 18, 22, 27, 32, 37])
"""Edges of panels in tau toward a point inside, as far as doubles tell it from its neighbours."""

SEARCHES = 80
"""Steps of a search for a change of sign at most."""

PLACED = 1e-8
"""How well a change of sign is placed, relatively."""

Gap = Callable[[Vector, bool], tuple[Vector, Vector]]
"""The difference of two quantile functions at probabilities below or, if true, above, and how far it may be off."""


@final
@dataclass(frozen=True)
class Quantiles(Method):
    r"""The monotone coupling of the line, $W_p^p = \int_0^1 |F^{-1} - G^{-1}|^p dt$; a sum between distributions on integers."""


@final
@dataclass(frozen=True, eq=False)
class _Zones:
    """Stretches of (0, 1/2] in coordinates: u = origin + sign * length * exp(-tau), tau from 0 to a reach."""

    upper: NDArray[np.bool_]
    origin: Vector
    sign: Vector
    length: Vector
    reach: Vector

    def place(self, zone: NDArray[np.int64], tau: Vector) -> tuple[Vector, Vector]:
        """Probabilities at coordinates, each row in its zone, and the logarithm of |du/dtau|."""
        length, origin, sign = (x[zone][:, None] for x in (self.length, self.origin, self.sign))
        u = origin + sign * length * np.exp(-tau)
        u = np.where(sign > 0, np.maximum(u, np.nextafter(origin, 1)), np.minimum(u, np.nextafter(origin, 0)))
        return u, np.log(length) - tau

    @classmethod
    def between(cls, rough: tuple[Vector, Vector], smooth: tuple[Vector, Vector]) -> Self:
        """The zones of both halves: coordinates run up to `rough` points, and past `smooth` ones as toward the end."""
        rows: list[tuple[bool, float, float, float, float]] = []
        for upper in (False, True):
            hard = set(rough[upper].tolist())
            for a, b in pairwise(sorted({0.0, 0.5, *hard, *smooth[upper].tolist()})):
                middle = a + (b - a) / 2 if a in hard or b in hard else b
                if a in hard:
                    rows.append((upper, a, 1.0, middle - a, INNER[-1]))
                else:
                    rows.append((upper, 0.0, 1.0, middle, math.log(middle / a) if a else math.inf))
                if b in hard:
                    rows.append((upper, b, -1.0, b - middle, INNER[-1]))
                elif middle < b:
                    rows.append((upper, 0.0, 1.0, b, math.log(b / middle)))
        sides, origin, sign, length, reach = (np.asarray(x) for x in zip(*rows, strict=True))
        return cls(sides, origin, sign, length, reach)

    def edges(self, k: int) -> Vector:
        """Where the first panels of a zone meet."""
        inner, reach = self.origin[k] > 0, float(self.reach[k])
        if inner or reach == math.inf:
            return INNER if inner else OUTER
        return np.append(OUTER[reach - OUTER > reach / 4], reach)


@final
@dataclass(frozen=True, eq=False)
class _Panels:
    """Panels in coordinates of their zones, and at their nodes log |gap|^p du/dt, its sign, and the log of the error."""

    zone: NDArray[np.int64]
    a: Vector
    b: Vector
    stalls: NDArray[np.int64]
    u: Vector
    logs: Vector
    sign: Vector
    errors: Vector

    def at(self, rows: NDArray[np.bool_]) -> Self:
        """Some of them."""
        return type(self)(*(x[rows] for x in vars(self).values()))

    def __add__(self, other: Self) -> Self:
        """And others."""
        return type(self)(*map(np.concatenate, zip(vars(self).values(), vars(other).values(), strict=True)))

    def values(self, logs: Vector, scale: float) -> tuple[Vector, Vector]:
        """The integrals of exponentials of `logs`, in units of ``exp(scale)``, and their errors."""
        with quiet():
            y = np.where(logs > -np.inf, np.exp(logs - scale), 0.0)
        half = self.b / 2 - self.a / 2
        fine, coarse = (y @ KRONROD) * half, (y @ GAUSS) * half
        return fine, SAFETY * np.abs(fine - coarse)


@final
class _Problem:
    """A gap, an order and the zones."""

    def __init__(self, gap: Gap, p: float, zones: _Zones) -> None:
        self.gap, self.p, self.zones = gap, p, zones

    def sampled(self, zone: NDArray[np.int64], t: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """Probabilities, log |gap|^p du/dt, the sign of the gap (0 where it is not known), log error^p du/dt."""
        u, stretch = self.zones.place(zone, t)
        gap, error = np.empty_like(u), np.empty_like(u)
        for upper in (False, True):
            rows = self.zones.upper[zone] == upper
            if rows.any():
                found = self.gap(u[rows].ravel(), upper)
                gap[rows], error[rows] = (x.reshape(-1, t.shape[1]) for x in found)
        with quiet():
            logs = self.p * np.log(np.abs(gap)) + stretch
            off = self.p * np.log(error) + stretch
        return u, logs, np.where(np.abs(gap) > error, np.sign(gap), 0.0), off

    def panels(self, zone: NDArray[np.int64], a: Vector, b: Vector, stalls: NDArray[np.int64]) -> _Panels:
        """Panels between a and b."""
        t = (a / 2 + b / 2)[:, None] + (b / 2 - a / 2)[:, None] * NODES
        return _Panels(zone, a, b, stalls, *self.sampled(zone, t))


def quantile_distance(
    gap: Gap,
    p: float,
    breaks: tuple[Vector, Vector],
    smooth: tuple[Vector, Vector] | None = None,
    *,
    lost: float = 0.0,
) -> Bounds:
    r"""The norm of a gap in $L^p(0, 1)$.

    Parameters
    ----------
    gap : callable
        ``gap(u, upper)``: the difference at probabilities u in (0, 1/2] below or above, and its error; NaN and an
        infinite error where it is not known.
    p : float
        Order.
    breaks : tuple of two arrays
        Probabilities in (0, 1/2], from below and from above, near which the gap is not smooth.
    smooth : tuple of two arrays, optional
        Probabilities at which it jumps, smooth on either side.
    lost : float, default: 0
        What the p-th power may be off by because these probabilities are.

    Returns
    -------
    Bounds
        Infinite where the norm is; ``lower`` too if that is sure. They are honest estimates, not proofs in interval
        arithmetic.

    Raises
    ------
    TransportError
        If no difference of quantiles is known.
    """
    smooth = smooth or (np.zeros(0), np.zeros(0))
    for _ in range(3):
        problem = _Problem(gap, p, _Zones.between(breaks, smooth))
        panels, tails, scale = _first(problem)
        crossings = _crossings(gap, panels, problem.zones, breaks, smooth) if p % 2 else (np.zeros(0), np.zeros(0))
        if any(tail.lower == math.inf for tail in tails):
            return Bounds.exact(math.inf)
        if not panels.zone.size:
            msg = (
                "expected quantiles within the range of doubles, but those that carry the distance are not, or cancel; rescale "
                "the distributions, or draw samples and take the distance of the points"
            )
            raise TransportError(msg)
        if not any(x.size for x in crossings):
            break
        breaks, smooth = _joined(breaks, smooth, crossings, rough=bool(p % 1))
    panels, scale = _refined(problem, panels, scale)
    return _total(problem, panels, tails, scale, lost)


def _joined(
    breaks: tuple[Vector, Vector], smooth: tuple[Vector, Vector], found: tuple[Vector, Vector], *, rough: bool
) -> tuple[tuple[Vector, Vector], tuple[Vector, Vector]]:
    """Changes of sign among the points that part the integral; powers that are not whole are rough there."""
    more = [np.union1d(x, y) for x, y in zip(breaks if rough else smooth, found, strict=True)]
    return ((more[0], more[1]), smooth) if rough else (breaks, (more[0], more[1]))


def _first(problem: _Problem) -> tuple[_Panels, list[Tail], float]:
    """The panels on which the integrand is not negligible, the tails beyond them, and the unit, a logarithm."""
    zones = problem.zones
    edges = [zones.edges(k) for k in range(len(zones.length))]
    index = np.concatenate([np.full(len(e), k) for k, e in enumerate(edges)])
    _, logs, _, off = (x[:, 0] for x in problem.sampled(index, np.concatenate(edges)[:, None]))
    with quiet():
        noise = problem.p * np.exp((off - logs) / problem.p)
    noise = np.where(np.isnan(noise), np.inf, noise)
    bulk = noise[zones.length[index] * np.exp(-np.concatenate(edges)) > UNCLEAR]
    clear = noise < max(UNCLEAR, min(32 * float(np.median(bulk)), 0.1))
    sure = logs[clear & np.isfinite(logs)]
    scale = float(sure.max()) if sure.size else 0.0
    tails, zone, a, b = [], [], [], []
    for k, e in enumerate(edges):
        here = index == k
        last = len(e) - 1
        if e is OUTER:
            tail = _outer_tail(e, logs[here], off[here], clear[here], scale, problem.p)
            tails.append(tail)
            last = tail.start
        zone += [k] * last
        a += e[:last].tolist()
        b += e[1 : last + 1].tolist()
    count = np.zeros(len(zone), dtype=np.int64)
    return problem.panels(np.asarray(zone, dtype=np.int64), np.asarray(a), np.asarray(b), count), tails, scale


def _outer_tail(tau: Vector, logs: Vector, off: Vector, clear: NDArray[np.bool_], scale: float, p: float) -> Tail:
    """The tail beyond an outer zone. Where the gap is not clear, all that counts is that it is small, or will be."""
    with quiet():
        most = p * np.logaddexp(np.where(np.isnan(logs), np.inf, logs) / p, off / p)
        noise = np.where(clear, p * np.exp((off - logs) / p), 0.0)
    ends = np.flatnonzero(clear | (most < scale - NEGLIGIBLE))
    # where nothing is clear, the most that it may be stands for all of it
    count = int(ends[-1]) + 1 if ends.size else len(tau)
    known = np.where(clear, logs, most)
    known[count:] = np.nan
    return Tail.of(tau, known, scale, np.where(np.isfinite(noise), noise, 0.0))


def _crossings(
    gap: Gap, panels: _Panels, zones: _Zones, breaks: tuple[Vector, Vector], smooth: tuple[Vector, Vector]
) -> tuple[Vector, Vector]:
    """Probabilities at which the gap changes sign without a jump that is known."""
    found = []
    for upper in (False, True):
        rows = zones.upper[panels.zone] == upper
        u, sign = panels.u[rows].ravel(), panels.sign[rows].ravel()
        order = np.argsort(u)
        u, sign = u[order], sign[order]
        u, sign = u[sign != 0], sign[sign != 0]
        turns = np.flatnonzero(sign[1:] != sign[:-1])
        known = np.sort(np.concatenate([breaks[upper], smooth[upper]]))
        between = np.searchsorted(known, u[turns]) != np.searchsorted(known, u[turns + 1])
        turns = turns[~between]
        found.append(np.unique(_halved(gap, upper, u[turns], u[turns + 1])))
    return found[0], found[1]


def _halved(gap: Gap, upper: bool, low: Vector, high: Vector) -> Vector:
    """Changes of sign between points, by the method of false position (Illinois), now and then halving."""
    if not low.size:
        return low
    y_low, y_high = gap(low, upper)[0], gap(high, upper)[0]
    kept = np.zeros(low.shape)
    for step in range(SEARCHES):
        with quiet():
            secant = high - y_high * (high - low) / (y_high - y_low)
        inside = (secant > low) & (secant < high) & (step % 5 < 4)
        middle = np.where(inside, secant, np.where(high > 4 * low, np.sqrt(low) * np.sqrt(high), low / 2 + high / 2))
        y, error = gap(middle, upper)
        y = np.where(np.isnan(y), 0.0, y)
        # a misplaced change of sign counts by the square of the distance
        if np.all((np.abs(y) <= np.maximum(error, 1e-8 * np.abs(y_high - y_low))) | (high - low <= PLACED * high)):
            break
        left = np.sign(y) == np.sign(y_low)
        y_high = np.where(left, np.where(kept == 1, y_high / 2, y_high), y)
        y_low = np.where(left, y, np.where(kept == -1, y_low / 2, y_low))
        low, high = np.where(left, middle, low), np.where(left, high, middle)
        kept = np.where(left, 1.0, -1.0)
    return np.asarray(middle, dtype=np.float64)


def _refined(problem: _Problem, panels: _Panels, scale: float) -> tuple[_Panels, float]:
    """Halve panels until their errors are below the target, or rounding, or there are too many."""
    scale = _unit(panels, scale)
    values, errors = panels.values(panels.logs, scale)
    noise = _noise(panels, scale, problem.p)
    for _ in range(ROUNDS):
        total = float(values.sum())
        # no finer than what the errors of the quantiles leave of it
        limit = max(TARGET * total, FINE * problem.p * total ** (1 - 1 / problem.p) * noise) if total > 0 else math.inf
        wide = panels.b - panels.a > 64 * EPS * np.abs(panels.b)
        halved = (
            (errors > limit / 4 / len(errors))
            & (panels.stalls < STALLS)
            & wide
            & (errors > _blur(panels, scale, problem.p))
        )
        if errors.sum() <= limit or len(errors) > PANELS or not halved.any():
            break
        kept, parents = panels.at(~halved), panels.at(halved)
        middle = parents.a / 2 + parents.b / 2
        children = problem.panels(
            np.tile(parents.zone, 2),
            np.concatenate([parents.a, middle]),
            np.concatenate([middle, parents.b]),
            np.tile(parents.stalls, 2),
        )
        before, panels = errors[halved], kept + children
        scale = _unit(panels, scale)
        values, errors = panels.values(panels.logs, scale)
        n = len(before)
        useless = errors[-2 * n : -n] + errors[-n:] > 0.7 * before
        panels.stalls[-2 * n :] = np.where(np.tile(useless, 2), panels.stalls[-2 * n :] + 1, 0)
    return panels, scale


def _blur(panels: _Panels, scale: float, p: float) -> Vector:
    """What the errors of the gap may do to the difference of two rules on each panel."""
    with quiet():
        terms = p * np.exp(((p - 1) * panels.logs + panels.errors) / p - scale)
    return np.asarray(np.where(np.isfinite(terms), terms, 0.0) @ KRONROD * (panels.b - panels.a) / 4)


def _unit(panels: _Panels, scale: float) -> float:
    """The unit, unless the panels show that it is far too small."""
    finite = panels.logs[np.isfinite(panels.logs)]
    largest = float(finite.max()) if finite.size else scale
    return largest if largest > scale + 300 else scale


def _total(problem: _Problem, panels: _Panels, tails: list[Tail], scale: float, lost: float) -> Bounds:
    """Panels and tails together; the root; and what the errors of the quantiles add."""
    logs = np.where(np.isnan(panels.logs), -np.inf, panels.logs)
    values, errors = panels.values(logs, scale)
    total, error = float(values.sum()), float(errors.sum()) + _beyond_inner(problem, panels, scale)
    error += lost * math.exp(-scale) if lost else 0.0
    lower, value, upper = total - error, total, total + error
    for tail in tails:
        lower, value, upper = lower + tail.lower, value + tail.value, upper + tail.upper
    low, middle, high = (_root(max(x, 0.0), scale, problem.p) for x in (lower, value, upper))
    noise = _noise(panels, 0.0, problem.p) * (1 + 1e-3)
    slack = 8 * EPS * (1 + abs(scale) / problem.p)
    low, high = max(low * (1 - slack) - noise, 0.0) if low < math.inf else low, high * (1 + slack) + noise
    return Bounds(min(low, middle), middle, max(middle, high))


def _noise(panels: _Panels, scale: float, p: float) -> float:
    """The norm of the errors of the gap in L^p, in units of ``exp(scale / p)``."""
    if np.any(np.isnan(panels.logs) | np.isnan(panels.errors) | (panels.errors == np.inf)):
        return math.inf
    unit = float(panels.errors.max(initial=-math.inf))
    return _root(float(panels.values(panels.errors, unit)[0].sum()), unit - scale, p) if unit > -math.inf else 0.0


def _beyond_inner(problem: _Problem, panels: _Panels, scale: float) -> float:
    """At most what is between the last panels toward a point inside and that point: the gap is monotone or nearly so."""
    zones = problem.zones
    inner = (zones.origin[panels.zone] > 0) & (panels.b == INNER[-1])
    with quiet():
        last = panels.logs[inner].max(axis=1, initial=-np.inf)
        lost = 8 * EPS * zones.origin[panels.zone[inner]] / zones.length[panels.zone[inner]]
        return float(np.sum(np.exp(last - scale) * (2 + lost * np.exp(INNER[-2]))))


def _root(x: float, scale: float, p: float) -> float:
    """``(x exp(scale)) ** (1 / p)``, infinite beyond the range of doubles."""
    if x in (0.0, math.inf):
        return x
    exponent = (math.log(x) + scale) / p
    if abs(scale) < 300 and abs(exponent) < 300:
        return float((x * math.exp(scale)) ** (1 / p))
    return math.exp(exponent) if exponent < 709.7 else math.inf
