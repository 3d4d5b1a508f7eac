r"""A distribution on the line as quadrature sees it: its density, where its mass is, and where it is not smooth."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.families import (
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    Family,
    Geometric,
    LogitNormal,
    Mixture,
    Pushforward,
    Support,
    Uniform,
)
from divergences.families.composed import Wrapped

__all__ = ["Line", "mirrored"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

LEVELS = np.asarray([1e-13, 1e-8, 1e-4, 0.01, 0.07, 0.25, 0.5, 0.75, 0.93, 0.99, 1 - 1e-4, 1 - 1e-8, 1 - 1e-13])
"""Quantiles at these levels say where the mass is, and on which scale the density changes there."""

CORE = np.asarray([0.497, 0.503])
"""Levels next to the median: very heavy tails have their core between quantiles that are far apart."""

HEAVY = 1e3
"""Only where quartiles are farther apart than these by this factor."""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A single distribution on the line."""

    log_density: Callable[[Vector], Vector]
    support: Support
    points: Vector
    """Increasing quantiles, of every component of a mixture."""
    scales: Vector
    """At each the distance to the nearer neighbour of the same component."""
    breaks: tuple[float, ...]
    below: Callable[[float], float]
    """P(X < x) of a density, P(X <= x) on a lattice."""
    above: Callable[[float], float]
    """P(X > x)."""
    bulk: tuple[tuple[float, float], ...]
    """The first and last landmark of every component."""
    spans: tuple[Support, ...]
    """The supports of the components: outside of them there is nothing."""
    at_end: Callable[[float], float]
    """How far off ``below`` and ``above`` may be by the rounding of where they are asked, as at an end of a support."""
    size: float
    """On the integers the largest parameter; factorials of it and of k may be what a probability is made of."""

    @classmethod
    def of(cls, P: Distribution) -> Self:
        """Ask a distribution."""
        if isinstance(P, Mixture):
            return cls._of_mixture(P)
        functions = _Functions.of(P)
        points, scales = _quantiles(P, functions.quantile)
        return cls(
            functions.log_density,
            P.support(),
            points,
            scales,
            P.breaks(),
            functions.below,
            functions.above,
            ((float(points[0]), float(points[-1])),) if points.size else (),
            (P.support(),),
            _end_error(P, functions.log_density),
            _largest_parameter(P),
        )

    @classmethod
    def _of_mixture(cls, P: Mixture) -> Self:
        parts = [cls.of(component) for component in P.components]
        weights = [float(w) for w in P.weights]
        logarithms = [math.log(w) for w in weights]

        def log_density(x: Vector) -> Vector:
            with quiet():
                each = [part.log_density(x) + w for part, w in zip(parts, logarithms, strict=True)]
                return np.asarray(np.logaddexp.reduce(each, axis=0), dtype=np.float64)

        def below(x: float) -> float:
            return math.fsum(w * part.below(x) for part, w in zip(parts, weights, strict=True))

        def above(x: float) -> float:
            return math.fsum(w * part.above(x) for part, w in zip(parts, weights, strict=True))

        def at_end(x: float) -> float:
            return math.fsum(w * part.at_end(x) for part, w in zip(parts, weights, strict=True))

        points = np.concatenate([part.points for part in parts])
        scales = np.concatenate([part.scales for part in parts])
        order = np.argsort(points)
        size = max(part.size for part in parts)
        bulk = tuple(run for part in parts for run in part.bulk)
        spans = tuple(span for part in parts for span in part.spans)
        return cls(
            log_density,
            P.support(),
            points[order],
            scales[order],
            P.breaks(),
            below,
            above,
            bulk,
            spans,
            at_end,
            size,
        )

    def size_of(self, k: Vector) -> Vector:
        """The size of log-factorials whose difference a log-probability may be; 0 for a density."""
        largest = np.maximum(np.abs(k), self.size) if self.size else np.zeros_like(k)
        return np.asarray(largest * np.log1p(largest), dtype=np.float64)

    def smeared(self) -> Self:
        """A distribution on the integers as the density that is constant around each."""

        def log_density(x: Vector) -> Vector:
            return self.log_density(np.rint(x))

        support, *spans = (Support(span.lower - 0.5, span.upper + 0.5) for span in (self.support, *self.spans))
        return replace(self, log_density=log_density, support=support, spans=tuple(spans))

    @property
    def reference(self) -> float:
        """The finite end of the support, or else the median: a scale parameter multiplies distances from it."""
        for end in (self.support.lower, self.support.upper):
            if math.isfinite(end):
                return end
        return float(self.points[len(self.points) // 2]) if len(self.points) else 0.0


@final
@dataclass(frozen=True, slots=True)
class _Functions:
    """What is asked of a distribution that is no mixture; a frozen one of scipy is made once."""

    log_density: Callable[[Vector], Vector]
    quantile: Callable[[Vector], Vector]
    below: Callable[[float], float]
    above: Callable[[float], float]

    @classmethod
    def of(cls, P: Distribution) -> Self:
        log_density, quantile = P.log_density, P.quantile
        below, above = P.cdf, P.survival
        kind: Any = type(P)
        if isinstance(P, Family) and any(
            own is scipys
            for own, scipys in (
                (kind.log_density, Family.log_density),
                (kind.quantile, Family.quantile),
                (kind.cdf, Family.cdf),
            )
        ):
            frozen = P.frozen()
            if kind.log_density is Family.log_density:
                log_density = frozen.logpmf if P.support().lattice else frozen.logpdf
            if kind.quantile is Family.quantile:
                quantile = frozen.ppf
            if kind.cdf is Family.cdf:
                below, above = frozen.cdf, frozen.sf

        def quietly(x: Vector) -> Vector:
            with quiet():
                value = np.asarray(log_density(x), dtype=np.float64)
            return np.where(np.isnan(value) | (value == np.inf), -np.inf, value)

        return cls(quietly, quantile, _number(below), _number(above))


def _number(function: Callable[[Any], Any]) -> Callable[[float], float]:
    def at(x: float) -> float:
        with quiet():
            return min(max(float(function(np.asarray(x))), 0.0), 1.0)

    return at


def _end_error(P: Distribution, log_density: Callable[[Vector], Vector]) -> Callable[[float], float]:
    r"""$\epsilon\,|x|\,p(x)$: a family knows the distance from the end of its support, other functions may round x itself."""
    if isinstance(P, Family) or P.support().lattice:
        return lambda x: 0.0

    def error(x: float) -> float:
        with quiet():
            density = float(np.exp(log_density(np.asarray([x]))[0]))
        return EPS * abs(x) * density if math.isfinite(x * density) else 0.0

    return error


def _largest_parameter(P: Distribution) -> float:
    if not P.support().lattice or isinstance(P, Bernoulli | Categorical | Geometric):
        return 0.0
    return max((float(np.abs(x)) for x in P.parameters.values()), default=1.0) if isinstance(P, Family) else 1.0


def _quantiles(P: Distribution, quantile: Callable[[Vector], Vector]) -> tuple[Vector, Vector]:
    """Distinct finite quantiles inside the support, and at each the distance to the nearer neighbour."""
    if isinstance(P, Pushforward):
        base = Line.of(P.base)
        with quiet():
            points = np.asarray(P.map.forward(base.points), dtype=np.float64)
    else:
        with quiet():
            if P.support().lattice:  # quantiles far out may be sums of very many terms
                points = np.asarray(quantile(LEVELS[3:-3] if isinstance(P, Wrapped) else LEVELS), dtype=np.float64)
            else:
                points, core = np.split(np.asarray(quantile(np.concatenate([LEVELS, CORE]))), [len(LEVELS)])
                if np.ptp(points[5:8]) > HEAVY * np.ptp(core):
                    points = np.concatenate([points, core])
    support = P.support()
    inside = np.isfinite(points)
    if not support.lattice:
        inside &= (points > support.lower) & (points < support.upper)
    points = np.unique(points[inside])
    gaps = np.diff(points, prepend=-np.inf, append=np.inf)
    return points, np.minimum(gaps[1:], gaps[:-1])


def mirrored(P: Distribution) -> Distribution | None:
    """The distribution of 1 - X on the unit interval, where a record knows it exactly; else None.

    Near its upper end a density is then asked by the distance from it, to all digits.
    """
    if isinstance(P, Beta):
        return Beta(P.b, P.a)
    if isinstance(P, LogitNormal):
        return LogitNormal(-P.loc, P.scale)
    if isinstance(P, Uniform) and P.lower == 0 and P.upper == 1:
        return P
    if isinstance(P, Mixture):
        parts = [mirrored(component) for component in P.components]
        return None if None in parts else Mixture([part for part in parts if part is not None], P.weights)
    return None
