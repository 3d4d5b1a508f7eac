r"""Adaptive integration of a kernel of two densities over a region of the line, with a bound of its error."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.extent import first_panels, gentle_slope
from divergences.densities.integral import Integral, Sample, rounding
from divergences.densities.joints import split_at_joints
from divergences.densities.kernels import Kernel
from divergences.densities.landmarks import Line
from divergences.densities.panels import KRONROD, Panels, Problem, refined, sums
from divergences.densities.tails import Tail
from divergences.densities.zones import Region, zones

__all__ = ["integrate", "product_rule"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

UNSEEN = 1e-3
"""Mass beyond the last double that makes all conclusions from the shape of a tail uncertain."""


def integrate(kernel: Kernel, P: Line, Q: Line, region: Region) -> Integral:
    """The integral of a kernel over a region inside the support of both.

    Parameters
    ----------
    kernel : Kernel
        What is integrated.
    P, Q : Line
        The two densities.
    region : Region
        The interval.

    Returns
    -------
    Integral
        With bounds but for rounding; ``value`` and ``upper`` are infinite where it diverges, and
        ``lower`` too where that is sure.
    """
    problem = Problem(kernel, P, Q, zones(region, P, Q))
    first, tails, largest = first_panels(problem)
    tails[0] = [_unless_masses_go_on(d, p, q, largest) for d, p, q in zip(tails[0], tails[1], tails[2], strict=True)]
    if any(math.isinf(tail.lower) for tail in tails[0]):
        return _infinite()
    panels = split_at_joints(problem, first)
    panels = refined(problem, panels)
    return _total(problem, panels, tails, largest)


def _unless_masses_go_on(tail: Tail, tail_p: Tail, tail_q: Tail, largest: list[float]) -> Tail:
    """A tail whose divergence is not sure where mass of P or Q is beyond the range of doubles."""
    masses = (mass.value * math.exp(min(unit, 0.0)) for mass, unit in ((tail_p, largest[1]), (tail_q, largest[2])))
    unseen = math.isinf(tail.lower) and any(mass > UNSEEN for mass in masses)
    return replace(tail, lower=0.0) if unseen else tail


def product_rule(kernel: Kernel, P: Line, Q: Line, region: Region, order: int) -> tuple[Vector, Vector, Vector]:
    """One axis of a product rule: Gauss-Legendre on every panel.

    Parameters
    ----------
    kernel : Kernel
        What is integrated, which says how far out panels are needed.
    P, Q : Line
        The two densities of this axis.
    region : Region
        The interval.
    order : int
        Points on every panel.

    Returns
    -------
    tuple of three arrays (n,)
        Weights, log p and log q.
    """
    problem = Problem(kernel, P, Q, zones(region, P, Q))
    panels = first_panels(problem)[0]
    points, weights = np.polynomial.legendre.leggauss(order)
    half = (panels.b - panels.a) / 2
    nodes = problem.nodes(panels.zone, (panels.a / 2 + panels.b / 2)[:, None] + half[:, None] * points)
    with quiet():
        measure = half[:, None] * weights * np.exp(nodes.log_jacobian)
    return measure.ravel(), nodes.log_p.ravel(), nodes.log_q.ravel()


def _total(problem: Problem, panels: Panels, tails: list[list[Tail]], largest: list[float]) -> Integral:
    """Panels and tails together."""
    scale, values, errors = sums(panels)
    totals, error = values.sum(axis=0), errors.sum(axis=0)
    masses = []
    for k, unit in ((1, largest[1]), (2, largest[2])):
        factor = math.exp(unit)
        value = float(totals[k]) + math.fsum(tail.value * factor for tail in tails[k])
        spread = float(error[k]) + math.fsum((tail.upper - tail.lower) * factor for tail in tails[k])
        masses.append((value, spread))
    verdict = _beyond_reach(problem, panels)
    if verdict == math.inf:
        return _infinite()
    with quiet():
        factor = float(np.exp(largest[0] - scale))
    lower, value, upper = (float(totals[0]) + shift * float(error[0]) for shift in (-1, 0, 1))
    for tail in tails[0]:
        lower, value, upper = (
            total + (part if part in (0, math.inf) else part * factor)  # infinite also in units that are out of range
            for total, part in zip((lower, value, upper), (tail.lower, tail.value, tail.upper), strict=True)
        )
    value, upper = (math.inf, math.inf) if verdict else (value, upper)
    return Integral(scale, max(lower, 0.0), value, upper, masses[0], masses[1], _noise(problem, panels, scale))


def _infinite() -> Integral:
    return Integral(0.0, math.inf, math.inf, math.inf, (1.0, 0.0), (1.0, 0.0), lambda *_: 0.0)


def _beyond_reach(problem: Problem, panels: Panels) -> float:
    """Infinity if a set on which the kernel is infinite has mass, 1 if that may be so, else 0."""
    lost = (panels.nodes.mantissa == np.inf) & panels.counts[:, :1]
    rows = np.flatnonzero(lost.any(axis=1))
    for row in rows:
        if lost[row].all():
            zone = problem.zones[panels.zone[row]]
            low, high = sorted(float(zone.place(np.asarray([t]))[0][0]) for t in (panels.a[row], panels.b[row]))
            for rich, poor in ((problem.P, problem.Q), (problem.Q, problem.P)):
                # inside the support of a component it is no gap, but a density below the smallest double
                gap = all(span.upper <= low or span.lower >= high for span in poor.spans)
                if gap and rich.below(high) > rich.below(low):
                    return math.inf
    return 1.0 if rows.size else 0.0


def _noise(problem: Problem, panels: Panels, log_scale: float) -> Callable[[float, float], float]:
    """What rounding may have done, as a function of common errors of log p and log q."""

    def noise(shift_p: float, shift_q: float) -> float:
        counted = panels.at(panels.counts[:, 0])
        if not len(counted.a):
            return 0.0
        order = np.argsort(counted.nodes.x, axis=None)
        x, slack, log_jacobian, log_p, log_q, mantissa, exponent = (y.ravel()[order] for y in counted.nodes.arrays())
        weights = (((counted.b - counted.a) / 2)[:, None] * KRONROD).ravel()[order]
        with quiet():
            spread_p, spread_q = _spread(x, log_p, problem.P), _spread(x, log_q, problem.Q)
        sample = Sample(weights, log_jacobian, slack, log_p, log_q, mantissa, exponent, spread_p, spread_q)
        return rounding(problem.kernel, sample, log_scale, shift_p, shift_q)

    return noise


def _spread(x: Vector, log_density: Vector, line: Line) -> Vector:
    """How far log p may be off by rounding, at sorted points.

    A few units in the last place of it, and of the distance from the reference point, which a scale multiplies. More
    than that shows as noise from point to point, and the two rules on a panel differ.
    """
    slope = gentle_slope(x, log_density)
    spread = EPS * (4 + np.abs(log_density) + np.abs(x - line.reference) * slope + line.size_of(x))
    return np.where(np.isfinite(spread), spread, 0.0)
