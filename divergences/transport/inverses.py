r"""Quantile functions seen from both ends of the line, each value with how far it may be off.

Near the upper end 1 - u has no digits left, so that a quantile is asked for by the probability *above* it there:
``at(u, upper=False)`` is $F^{-1}(u)$ and ``at(u, upper=True)`` is $F^{-1}(1-u)$, both for $0 < u \le 1/2$. Every value is put
back into the distribution function; by what that misses u it is mended (a step of Newton's method) and its error judged.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.families import Beta, Distribution, Family, Mixture, Pushforward, StudentT, VonMises
from divergences.families.composed import Wrapped
from divergences.families.distribution import Vector

__all__ = ["Inverse", "Sides"]

EPS = float(np.finfo(np.float64).eps)

DIGITS = 64 * EPS
"""Relative error of a distribution function of scipy near the end it is asked from."""

MENDED = 3
"""Steps of Newton's method at most."""

STEPS = 200
"""Steps of a bracketed search at most, until the ends are neighbours among doubles."""

POWER_LAW = 1e-5
"""So near to its ends the distribution function of a beta distribution is a power, to begin with."""

FAR = 1e9
"""So many scales and degrees of freedom away, Student's t falls off as a power."""

SMALLEST = 1e-290
"""Nearer to the end of a support than this is at the end."""

Function = Callable[[Vector], Vector]


@final
@dataclass(frozen=True, slots=True)
class Sides:
    """What a distribution with a density answers from either side, lower first: quantiles and probabilities."""

    quantile: tuple[Function, Function]
    mass: tuple[Function, Function]
    log_density: Function

    @classmethod
    def of(cls, P: Distribution) -> Self:
        """Ask a distribution."""
        low: Function
        high: Function
        below: Function
        above: Function
        log_density: Function
        if isinstance(P, Mixture):
            return cls._of_mixture([cls.of(part) for part in P.components], P.weights)
        if isinstance(P, Pushforward):
            return cls._of_pushforward(cls.of(P.base), P)
        if isinstance(P, VonMises):
            return cls._of_von_mises(P)
        if isinstance(P, StudentT):
            return cls._of_student(P)
        low, high = P.quantile, _turned(P.quantile)
        below, above, log_density = P.cdf, P.survival, P.log_density
        if isinstance(P, Wrapped):
            high = _first_of(P.original, ("isf", "iccdf"), high)
            above = _first_of(P.original, ("sf", "ccdf"), above)
        if isinstance(P, Family):  # scipy's object is made once
            original: Any = P.frozen()
            high = original.isf
            low = original.ppf if type(P).quantile is Family.quantile else low
            if isinstance(P, Beta):
                a, b = float(P.a), float(P.b)
                low = _beta_quantile(low, a, b, turned=False)
                high = _beta_quantile(high, b, a, turned=True)
            if type(P).cdf is Family.cdf:
                below, above = original.cdf, original.sf
            if type(P).log_density is Family.log_density:
                log_density = original.logpdf
        return cls((low, high), (below, above), log_density)

    @classmethod
    def _of_mixture(cls, parts: "list[Sides]", weights: Sequence[float]) -> Self:
        logarithms = [math.log(w) for w in weights]

        def log_density(x: Vector) -> Vector:
            each = [part.log_density(x) + w for part, w in zip(parts, logarithms, strict=True)]
            return np.asarray(np.logaddexp.reduce(each, axis=0), dtype=np.float64)

        def mass(side: int) -> Function:
            def total(x: Vector) -> Vector:
                terms = (w * part.mass[side](x) for part, w in zip(parts, weights, strict=True))
                return np.asarray(sum(terms), dtype=np.float64)

            return total

        masses = mass(0), mass(1)

        def quantile(side: int) -> Function:
            def solved(u: Vector) -> Vector:
                ends = np.asarray([part.quantile[side](u) for part in parts], dtype=np.float64)
                return _bracketed(masses[side], log_density, u, ends.min(axis=0), ends.max(axis=0), 1 - 2 * side)

            return solved

        return cls((quantile(0), quantile(1)), masses, log_density)

    @classmethod
    def _of_pushforward(cls, base: "Sides", P: Pushforward) -> Self:
        order = (0, 1) if P.map.increasing else (1, 0)

        def quantile(side: int) -> Function:
            return lambda u: P.map.forward(base.quantile[side](u))

        def mass(side: int) -> Function:
            return lambda x: base.mass[side](P.map.inverse(x))

        return cls((quantile(order[0]), quantile(order[1])), (mass(order[0]), mass(order[1])), P.log_density)

    @classmethod
    def _of_student(cls, P: StudentT) -> Self:
        r"""Far out by the power $P(|Z| > z) = 2 c z^{-\nu}$, right to the last digit there, where scipy's functions give up."""
        from scipy.special import gammaln

        n, loc, scale = float(P.df), float(P.loc), float(P.scale)
        near = P.frozen()
        constant = float(gammaln((n + 1) / 2) - gammaln(n / 2)) - math.log(math.pi) / 2 + (n / 2 - 1) * math.log(n)
        far = FAR * max(n, 1.0)
        rare = constant - n * math.log(far)  # the logarithm of the mass beyond

        def size(x: Vector) -> Vector:
            return np.abs(x - loc) / scale

        def quantile(side: int) -> Function:
            sign, inside = 2 * side - 1, (near.ppf, near.isf)[side]

            def at(u: Vector) -> Vector:
                log_u = np.log(u)
                out = loc + sign * scale * np.exp((constant - log_u) / n)
                return np.where(log_u < rare, out, inside(np.where(log_u < rare, 1 / 2, u)))

            return at

        def mass(side: int) -> Function:
            sign, inside = 2 * side - 1, (near.cdf, near.sf)[side]

            def at(x: Vector) -> Vector:
                beyond = (sign * (x - loc) > 0) & (size(x) > far)
                return np.where(beyond, np.exp(constant - n * np.log(size(x))), inside(np.where(beyond, loc, x)))

            return at

        def log_density(x: Vector) -> Vector:
            beyond = size(x) > far
            power = constant + math.log(n) - (n + 1) * np.log(size(x)) - math.log(scale)
            return np.where(beyond, power, near.logpdf(np.where(beyond, loc, x)))

        return cls((quantile(0), quantile(1)), (mass(0), mass(1)), log_density)

    @classmethod
    def _of_von_mises(cls, P: VonMises) -> Self:
        """Masses by the series of the density."""
        masses = (P.cdf, P.survival)
        return cls((P.quantile, _turned(P.quantile)), masses, P.log_density)


@contextmanager
def _unwarned() -> Iterator[None]:
    """Let scipy's libraries give up on a quantile without a warning: it is put to the test here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _beta_quantile(inverse: Function, a: float, b: float, *, turned: bool) -> Function:
    r"""Quantiles of a beta distribution: $(u\,a\,B(a, b))^{1/a}$ where that is small, and scipy's need not be asked."""
    from scipy.special import betaln

    log_factor = math.log(a) + float(betaln(a, b))

    def quantile(u: Vector) -> Vector:
        near = np.exp((np.log(u) + log_factor) / a)
        small = near * max(b, 1.0) < POWER_LAW
        x = np.asarray(inverse(np.where(small, 1 / 2, u)), dtype=np.float64)
        return np.where(small, 1 - near if turned else near, x)

    return quantile


def _turned(quantile: Function) -> Function:
    """Quantiles by the probability above them, which lose their digits near the upper end."""
    return lambda s: quantile(1 - s)


def _first_of(original: Any, names: tuple[str, ...], other: Function) -> Function:
    """The method of an object of another library, under the name that it has there."""
    for name in names:
        if hasattr(original, name):
            method: Function = getattr(original, name)
            return method
    return other


def _bracketed(mass: Function, log_density: Function, u: Vector, low: Vector, high: Vector, sign: int) -> Vector:
    """Where a distribution function (sign 1) or what it leaves of 1 (sign -1) is u: Newton's method on its logarithm."""
    x = low / 2 + high / 2
    for _ in range(STEPS):
        with quiet():
            found = mass(x)
            step = sign * np.log(found / u) * found / np.exp(log_density(x))
            beyond = (found >= u) == (sign > 0)
            low, high = np.where(beyond, low, x), np.where(beyond, x, high)
            newton = x - step
            inside = (newton > low) & (newton < high)
            following = np.where(inside, newton, low / 2 + high / 2)
        done = (np.abs(following - x) <= 2 * EPS * np.abs(x)) | (following == low) | (following == high) | (found == u)
        x = np.where(found == u, x, following)
        if done.all():
            break
    return x


@final
@dataclass(frozen=True, eq=False)
class Inverse:
    """The quantile function of a single distribution with a density on the line."""

    sides: Sides
    ends: tuple[float, float]
    jumps: tuple[Vector, Vector]
    """Probabilities up to 1/2, from the lower and from the upper end, at which the quantile function is not smooth."""
    absolute: float
    """Absolute error of the distribution function, besides the relative one."""

    @classmethod
    def of(cls, P: Distribution) -> Self:
        """Ask a distribution."""
        sides, support = Sides.of(P), P.support()
        absolute = 64 * EPS if isinstance(P, VonMises) else 0.0
        return cls(sides, (support.lower, support.upper), _jumps(P, sides), absolute)

    def at(self, u: Vector, *, upper: bool) -> tuple[Vector, Vector]:
        """Quantiles that have a probability u below them, or above, and their errors; NaN where they are not known."""
        low, high = self.ends
        side, sign = int(upper), 1 - 2 * int(upper)
        with quiet(), _unwarned():
            x = np.asarray(self.sides.quantile[side](u), dtype=np.float64)
            if upper and np.isnan(x).any():
                x = np.where(np.isnan(x), self.sides.quantile[0](1 - u), x)
            x = np.where(np.isfinite(x), np.minimum(np.maximum(x, low), high), np.nan)
            step, slope = self._missed(x, u, side)
            for _ in range(MENDED):
                off = np.abs(step) > 4 * EPS * (np.abs(x) + slope)
                if not off.any():
                    break
                mended = np.where(off, np.minimum(np.maximum(x - sign * step, low), high), x)
                again, other = self._missed(mended, u, side)
                better = np.abs(again) < np.abs(step)
                if not better.any():
                    break
                x, step = np.where(better, mended, x), np.where(better, again, step)
                slope = np.where(better, other, slope)
            error = np.abs(step) + (DIGITS + self.absolute / u) * slope + 4 * EPS * np.abs(x)
            error = np.minimum(error, high - low)
            error = np.where(self._at_end(x, u, side), SMALLEST + 4 * EPS * np.abs(x), error)
            error = np.where(np.isfinite(error), error, self._enclosed(x, u, side))
        known = np.isfinite(error)
        return np.where(known, x, np.nan), np.where(known, error, np.inf)

    def _missed(self, x: Vector, u: Vector, side: int) -> tuple[Vector, Vector]:
        """How far x is beyond the quantile, to first order, and the slope dx / d log u."""
        mass, log_density = self.sides.mass[side](x), self.sides.log_density(x)
        ratio, slope = mass / u, np.exp(np.log(u) - log_density)
        steep = slope * np.maximum(ratio, 1)
        return np.where(ratio > 1, steep * np.log(ratio), slope * (ratio - 1)), steep

    def _enclosed(self, x: Vector, u: Vector, side: int) -> Vector:
        """An error by trying neighbours, for where the density tells nothing: at the very end of a support."""
        width = 4 * EPS * np.abs(x)
        outward, inward = ((x - width, x + width), (x + width, x - width))[side]
        mass = self.sides.mass[side]
        return np.where((mass(outward) <= u) & (mass(inward) >= u), width, np.inf)

    def _at_end(self, x: Vector, u: Vector, side: int) -> NDArray[np.bool_]:
        """Where all of u lies so near the end of the support that doubles do not tell."""
        end = self.ends[side]
        if not math.isfinite(end):
            return np.zeros(x.shape, dtype=bool)
        near = (end + SMALLEST) if side == 0 else (end - SMALLEST)
        if near == end:
            near = math.nextafter(end, -math.inf if side else math.inf)
        return np.asarray((np.abs(x - end) <= abs(near - end)) & (self.sides.mass[side](np.asarray(near)) >= u))

    def rank(self, x: Vector) -> tuple[Vector, Vector]:
        """Probabilities below and above points."""
        with quiet(), _unwarned():
            below, above = (np.asarray(mass(x), dtype=np.float64) for mass in self.sides.mass)
        return below, above


def _jumps(P: Distribution, sides: Sides) -> tuple[Vector, Vector]:
    """Ranks of the points where the density breaks, and of what separates the components of a mixture."""
    points = np.asarray(P.breaks(), dtype=np.float64)
    found: list[Vector] = []
    with quiet(), _unwarned():
        for side in (0, 1):
            u = np.asarray(sides.mass[side](points), dtype=np.float64) if points.size else points
            found.append(np.unique(u[(u > 0) & (u <= 1 / 2)]))
    if isinstance(P, Mixture):
        order = np.argsort([float(part.quantile(np.asarray(0.5))) for part in P.components])
        weights = np.asarray(P.weights)[order]
        for side, cumulative in enumerate((np.cumsum(weights), np.cumsum(weights[::-1]))):
            u = cumulative[cumulative <= 1 / 2]
            found[side] = np.unique(np.concatenate([found[side], u]))
    return found[0], found[1]
