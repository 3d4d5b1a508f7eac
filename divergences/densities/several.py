r"""f-divergences of distributions on vectors.

Two normal distributions become products in coordinates in which both covariances are diagonal; with equal covariances
they differ in one coordinate only. Products are integrated over the coordinates in which they differ, up to three of
them, by Gauss-Legendre rules on panels along every axis. A divergence is at least that of each coordinate: where one of
these is infinite, so is the whole. Everything else is sampled.
"""

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences._convex import ConvexFunction
from divergences.bounds import Bounds
from divergences.densities.kernels import Terms
from divergences.densities.landmarks import Line
from divergences.densities.quadrature import product_rule
from divergences.densities.zones import Region
from divergences.families import Distribution, MultivariateNormal, Normal, Product

__all__ = ["Axes", "axes_of", "product_bounds"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

ORDERS = (4, 6, 8, 11, 15, 20, 25)
"""Points per panel of one rule after the other."""

GRID = 12_000_000
"""Points of a rule, at most."""

CHUNK = 2**16
"""Points at once."""

TARGET = 1e-12
"""Relative difference of two rules that is enough."""

SAFETY, CAUTION = 2.0, 10.0
"""What the difference of two rules is multiplied with, for smooth kernels and for others."""

APART = 0.8
"""Landmarks nearer to each other than this part of their scale are one."""

DIGITS = 1e-12
"""Relative error of a distribution function."""

LOST = 1e-8
"""More mass than this must not be missing."""


@final
@dataclass(frozen=True, slots=True)
class Axes:
    """Coordinates in which two distributions are products and differ, and the relative error of changing to them."""

    pairs: list[tuple[Distribution, Distribution]]
    error: float


def axes_of(P: Distribution, Q: Distribution) -> Axes | None:
    """Coordinates for two distributions on vectors, or None where there are none.

    Parameters
    ----------
    P, Q : Distribution
        Single distributions on one space.

    Returns
    -------
    Axes or None
        For two normals, and for two products.
    """
    if isinstance(P, Product) and isinstance(Q, Product):
        (d,) = P.factors.batch_shape
        pairs = list(zip(P.factors.singles((d,)), Q.factors.singles((d,)), strict=True))
        return Axes([(p, q) for p, q in pairs if not _equal(p, q)], 0.0)
    normals = _as_normal(P), _as_normal(Q)
    return None if normals[0] is None or normals[1] is None else _of_normals(normals[0], normals[1])


def _equal(p: Distribution, q: Distribution) -> bool:
    return type(p) is type(q) and repr(p) == repr(q)  # with all digits of the parameters


def _as_normal(P: Distribution) -> MultivariateNormal | None:
    if isinstance(P, MultivariateNormal):
        return P
    if isinstance(P, Product) and isinstance(P.factors, Normal):
        loc, scale = np.broadcast_arrays(P.factors.loc, P.factors.scale)
        return MultivariateNormal(loc, np.diag(scale**2))
    return None


def _of_normals(P: MultivariateNormal, Q: MultivariateNormal) -> Axes | None:
    """Whitened by Q and turned to the axes of P; along the difference of the means for equal covariances."""
    factor = np.linalg.cholesky(Q.covariance)
    error = 8 * EPS * float(np.linalg.cond(Q.covariance)) * P.dimension
    way = np.linalg.solve(factor, P.mean - Q.mean)
    if np.array_equal(P.covariance, Q.covariance):
        length = float(np.linalg.norm(way))
        return Axes([(Normal(length, 1.0), Normal(0.0, 1.0))] if length else [], error)
    whitened = np.linalg.solve(factor, np.linalg.solve(factor, P.covariance).T)
    variances, axes = np.linalg.eigh((whitened + whitened.T) / 2)
    if not variances[0] > 0:
        return None
    means = axes.T @ way
    pairs = [
        (Normal(mean, math.sqrt(variance)), Normal(0.0, 1.0))
        for mean, variance in zip(means.tolist(), variances.tolist(), strict=True)
        if mean != 0 or variance != 1
    ]
    return Axes(list(pairs), error * max(1.0, 1 / float(variances[0])))


def product_bounds(d: ConvexFunction, axes: Axes, least: float) -> Bounds | None:
    """Bounds of a divergence of two products that differ in two or three coordinates, or None if that is too much.

    Parameters
    ----------
    d : ConvexFunction
        The divergence, finite on every axis.
    axes : Axes
        The coordinates.
    least : float
        A lower bound that is known.

    Returns
    -------
    Bounds or None
        None if a rule would have too many points.
    """
    kernel = Terms(d)
    lines = [(Line.of(p), Line.of(q)) for p, q in axes.pairs]
    if any(line.support.lattice for pair in lines for line in pair):
        return None
    boxes = [(max(p.support.lower, q.support.lower), min(p.support.upper, q.support.upper)) for p, q in lines]
    values: list[float] = []
    rules: list[list[Rule]] = []
    for order in ORDERS:
        finer = [
            product_rule(kernel, p, q, Region(*box, together=APART), order)
            for (p, q), box in zip(lines, boxes, strict=True)
        ]
        if math.prod(len(rule[0]) for rule in finer) > GRID:
            break
        rules.append(finer)
        values.append(_evaluated(kernel, finer))
        if len(values) > 2 and abs(values[-1] - values[-2]) <= TARGET * values[-1]:
            break
    if len(values) < 3:
        return None
    steps = [abs(after - before) for before, after in itertools.pairwise(values)]
    error = CAUTION * max(steps[-2:]) if kernel.joints else SAFETY * steps[-1]
    outside = [_outside(lines, boxes, which) for which in (0, 1)]
    prices = (kernel.at_infinity, kernel.at_zero)
    beyond = sum(mass * price for mass, price in zip(outside, prices, strict=True) if mass)
    value, largest = values[-1] + beyond, d.range.upper
    shift = _lost_mass(rules[-1], lines, boxes)
    if shift > LOST:
        value = min(max(value, least), largest)
        return Bounds(least, value, largest)
    error += _noise(kernel, rules[1], shift + axes.error) + DIGITS * beyond + 64 * EPS * value
    middle = min(max(value, least), largest)
    return Bounds(min(max(value - error, least), middle), middle, max(min(value + error, largest), middle))


Rule = tuple[Vector, Vector, Vector]


def _outside(lines: list[tuple[Line, Line]], boxes: list[tuple[float, float]], which: int) -> float:
    """The mass of P or of Q outside of the common support."""
    inside = 0.0
    for pair, (low, high) in zip(lines, boxes, strict=True):
        line = pair[which]
        below = line.below(low) if line.support.lower < low else 0.0
        above = line.above(high) if line.support.upper > high else 0.0
        inside += math.log1p(-min(below + above, 1.0)) if below + above < 1 else -math.inf
    return -math.expm1(inside)


def _lost_mass(rules: list[Rule], lines: list[tuple[Line, Line]], boxes: list[tuple[float, float]]) -> float:
    """By how much the masses that a rule finds differ from those that are there."""
    lost = []
    for which in (0, 1):
        found = math.prod(float(np.sum(rule[0] * np.exp(rule[1 + which]))) for rule in rules)
        lost.append(abs(found + _outside(lines, boxes, which) - 1))
    return max(lost)


def _chunks(rules: list[Rule]) -> Iterator[tuple[Vector, Vector, Vector]]:
    """Weights, log p and log q at all points of a product rule, some at a time."""
    first, *rest = rules
    weights = functools.reduce(lambda x, y: (x[:, None] * y).ravel(), [rule[0] for rule in rest])
    log_p, log_q = (functools.reduce(lambda x, y: (x[:, None] + y).ravel(), [rule[k] for rule in rest]) for k in (1, 2))
    step = max(CHUNK // len(weights), 1)
    for start in range(0, len(first[0]), step):
        rows = slice(start, start + step)
        yield (
            (first[0][rows, None] * weights).ravel(),
            (first[1][rows, None] + log_p).ravel(),
            (first[2][rows, None] + log_q).ravel(),
        )


def _evaluated(kernel: Terms, rules: list[Rule]) -> float:
    """The value of a product rule."""
    return math.fsum(float(w @ _terms(kernel, p, q)) for w, p, q in _chunks(rules))


def _noise(kernel: Terms, rules: list[Rule], shift: float) -> float:
    """What errors of the logarithms of the densities may do to it: a term is largest at a corner of what they may be."""
    moved = []
    for w, p, q in _chunks(rules):
        terms = _terms(kernel, p, q)
        spreads = [EPS * (8 + 2 * np.where(np.isfinite(x), np.abs(x), 0.0)) + min(shift, LOST) for x in (p, q)]
        corners = [_terms(kernel, p + i * spreads[0], q + j * spreads[1]) for i in (-1, 1) for j in (-1, 1)]
        moved.append(float(w @ (np.max([terms, *corners], axis=0) - terms)))
    return math.fsum(moved)


def _terms(kernel: Terms, log_p: Vector, log_q: Vector) -> Vector:
    mantissa, exponent = kernel.terms(log_p, log_q)
    with quiet():
        return np.where(mantissa < np.inf, mantissa * np.exp(exponent), 0.0)
