r"""f-divergences between densities, by numerical integration with an error bound.

$$D_f(P\|Q) = \int_{p, q > 0} q\,g(p/q)\,dx + g'(\infty)\,P(q = 0) + g(0)\,Q(p = 0)$$

with the normal form $g \ge 0$ of f. Densities on the line are integrated by adaptive quadrature, probabilities on the
integers are summed, both with tails by how fast the terms fall off. Pairs of normal distributions and of products are
integrated in up to three dimensions; all others there are estimated by sampling.

The bounds hold the difference of two rules on every panel, the tails, what rounding may do to both densities, and by how
much the computed masses of P and Q differ from 1: they are honest estimates, not proofs in interval arithmetic.
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from divergences._convex import ConvexFunction
from divergences.bounds import Bounds
from divergences.densities.integral import Integral
from divergences.densities.kernels import Affinity, Kernel, Terms
from divergences.densities.landmarks import Line, mirrored
from divergences.densities.lattice import is_short, lattice_sum
from divergences.densities.monte_carlo import sampled_bounds
from divergences.densities.quadrature import integrate
from divergences.densities.several import axes_of, product_bounds
from divergences.densities.zones import Region
from divergences.families import Distribution, Family, Multinomial, PowerSpherical

__all__ = ["divergence_bounds", "log_affinity_bounds"]

EPS = float(np.finfo(np.float64).eps)
LARGEST = float(np.finfo(np.float64).max)

CLOSE = 0.7
"""Where |log S| is below this it is found from 1 - S."""

LOST = 1e-8
"""More mass than this must not be missing: something was stepped over, and the value is worth nothing."""

MOST_AXES = 3
"""More coordinates than this are sampled."""

MINIMUM, MAXIMUM = float(np.finfo(np.float64).smallest_normal), float(np.finfo(np.float64).max)

UNCERTAIN = 1e-3
"""A larger uncertainty of a mass, as where much of it is beyond the range of doubles, makes the value worth nothing."""

DIGITS = 1e-11
"""Relative error of a distribution function of scipy, generously."""


def divergence_bounds(
    d: ConvexFunction, P: Distribution, Q: Distribution, *, rng: int | np.random.Generator = 0
) -> Bounds:
    r"""Bounds of an f-divergence of two distributions, by quadrature, summation or sampling.

    Parameters
    ----------
    d : ConvexFunction
        The divergence.
    P, Q : Distribution
        Single distributions on one space.
    rng : int or numpy.random.Generator, default: 0
        The source of randomness, used only where nothing but sampling is left: above three dimensions, and for
        multivariate distributions other than normals and products.

    Returns
    -------
    Bounds
        ``value`` is infinite where the divergence is; so is ``lower``, if that is sure. Where sampling was used, the
        bounds are a confidence interval at level 99.9 %, and no proof: an empirical Bernstein interval if the divergence
        is bounded, else that of the central limit theorem.

    Raises
    ------
    ValueError
        On batches of distributions, or on distributions on spaces of different dimension.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.densities import divergence_bounds
    >>> from divergences.families import Normal
    >>> bounds = divergence_bounds(dv.js, Normal(0.0, 1.0), Normal(1.0, 2.0))
    >>> round(bounds.value, 12)
    0.128174973054
    >>> bounds.gap < 1e-14
    True
    """
    _check(P, Q)
    if _same(P, Q):
        return Bounds.exact(0.0)
    if P.dimension > 1:
        return _several_bounds(d, P, Q, np.random.default_rng(rng))
    kernel = Terms(d)
    measured = _measured(kernel, P, Q)
    return _as_bounds(measured, d.range.upper)


def log_affinity_bounds(
    P: Distribution, Q: Distribution, a: float, b: float, *, power: ConvexFunction | None = None
) -> Bounds:
    r"""Bounds of $\log\int p^a q^b$, a + b = 1, of two distributions on the line or the integers.

    Parameters
    ----------
    P, Q : Distribution
        Single distributions.
    a, b : float
        The powers, of sum 1; both are given because 1 - a rounds a small one off. For a = 0 it is the logarithm of the
        mass of Q on the support of P.
    power : ConvexFunction, optional
        The divergence of order a, ``alpha(a)``, by which the relative error stays small near P = Q.

    Returns
    -------
    Bounds
        ``-inf`` for mutually singular distributions and positive powers, ``inf`` where the integral diverges.

    Raises
    ------
    ValueError
        On batches of distributions, on distributions that are not on the line, and on powers of another sum.
    """
    _check(P, Q)
    if P.dimension > 1:
        msg = f"expected distributions on the line, got dimension {P.dimension}; use divergence_bounds"
        raise ValueError(msg)
    if not abs(a + b - 1) <= 4 * EPS * (abs(a) + abs(b)):
        msg = f"expected powers of sum 1, got a = {a!r} and b = {b!r}; give b = 1 - a"
        raise ValueError(msg)
    if _same(P, Q):
        return Bounds.exact(0.0)
    if a == 0 or b == 0:
        return _log_of_support(*((P, Q) if a == 0 else (Q, P)))
    measured = _measured(Affinity(a, b), P, Q)
    bounds = measured.logarithm()
    if power is None or abs(bounds.value) > CLOSE:
        return bounds
    # S = 1 - a b D_a, with no cancellation where S is near 1
    near = divergence_bounds(power, P, Q)
    ends = sorted(_log1p(-a * b * x) for x in (near.lower, near.upper))
    closer = Bounds(ends[0], min(max(_log1p(-a * b * near.value), ends[0]), ends[1]), ends[1])
    return closer if closer.gap < bounds.gap else bounds


def _log_of_support(P: Distribution, Q: Distribution) -> Bounds:
    """The logarithm of the mass of Q on the support of P."""
    p, q = Line.of(P), Line.of(Q)
    if p.support.lattice != q.support.lattice:
        return Bounds.exact(-math.inf)
    low, high = max(p.support.lower, q.support.lower), min(p.support.upper, q.support.upper)
    if low > high or (low == high and not p.support.lattice):
        return Bounds.exact(-math.inf)
    outside = _Outside.of(p, q, low, high)
    if not outside.has_q:
        return Bounds.exact(0.0)
    error = DIGITS * outside.q + 4 * EPS + outside.error_q
    return Bounds(*(min(_log1p(-outside.q + shift), 0.0) for shift in (-error, 0.0, error)))


def _log1p(x: float) -> float:
    return math.log1p(x) if x > -1 else -math.inf


def _check(P: Distribution, Q: Distribution) -> None:
    for name, distribution in (("P", P), ("Q", Q)):
        if distribution.batch_shape:
            msg = f"expected {name} to be a single distribution, got a batch of shape {distribution.batch_shape}; take one by one"
            raise ValueError(msg)
    if P.dimension != Q.dimension:
        msg = f"expected distributions on one space, got dimensions {P.dimension} and {Q.dimension}"
        raise ValueError(msg)


def _same(P: Distribution, Q: Distribution) -> bool:
    """Whether both are one distribution by their parameters."""
    if P is Q:
        return True
    if not (isinstance(P, Family) and type(P) is type(Q)):
        return False
    return all(np.array_equal(x, y) for x, y in zip(P.parameters.values(), Q.parameters.values(), strict=True))


# ---------------------------------------------------------------------------------------------------------- on vectors


def _several_bounds(d: ConvexFunction, P: Distribution, Q: Distribution, rng: np.random.Generator) -> Bounds:
    if isinstance(P, Multinomial) != isinstance(Q, Multinomial):  # counts have no density
        return Bounds.exact(Terms(d).at_zero + Terms(d).at_infinity)
    if any(isinstance(z, PowerSpherical) for z in (P, Q)) and Terms(d).at_zero + Terms(d).at_infinity == math.inf:
        msg = (
            f"expected a bounded divergence or a pair with a closed form, got {P!r} and {Q!r}; power spherical densities "
            "vanish at a point, which no sampling finds: take a bounded one, as dv.tv"
        )
        raise TypeError(msg)
    axes = axes_of(P, Q)
    if axes is None:
        return sampled_bounds(Terms(d), P, Q, rng)
    if not axes.pairs:
        return Bounds(0.0, 0.0, axes.error)
    along = [divergence_bounds(d, p, q) for p, q in axes.pairs]
    least = max(x.lower for x in along)
    if any(x.value == math.inf for x in along):
        return Bounds(least, math.inf, math.inf)
    if len(along) == 1:
        (only,) = along
        slack = axes.error * only.value
        return Bounds(max(only.lower - slack, 0.0), only.value, only.upper + slack)
    found = product_bounds(d, axes, least) if len(along) <= MOST_AXES else None
    return sampled_bounds(Terms(d), P, Q, rng) if found is None else found


# ------------------------------------------------------------------------------------------- the integral on the line


@final
@dataclass(frozen=True, slots=True)
class _Measured:
    """A total in units of ``exp(log_scale)``."""

    log_scale: float
    lower: float
    value: float
    upper: float

    def logarithm(self) -> Bounds:
        """Bounds of the logarithm."""
        if self.value == math.inf:
            return Bounds(_log(self.lower) + self.log_scale if self.lower < math.inf else math.inf, math.inf, math.inf)
        lower, value, upper = (_log(x) + self.log_scale for x in (self.lower, self.value, self.upper))
        # rounding of the sum with the scale
        slack = 4 * EPS * (abs(self.log_scale) + (abs(value) if math.isfinite(value) else 0.0))
        return Bounds(lower - slack, value, upper + slack)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _as_bounds(measured: _Measured, largest: float) -> Bounds:
    """In units of 1, inside the range of the divergence."""
    if measured.lower == math.inf:
        return Bounds.exact(math.inf)
    lower, value, upper = (_scaled(x, measured.log_scale) for x in (measured.lower, measured.value, measured.upper))
    if measured.value < math.inf:
        value = min(value, LARGEST)
    lower = min(lower, LARGEST)
    # the largest value of the divergence is itself rounded
    upper = min(upper, largest * (1 + 8 * EPS))
    return Bounds(min(lower, largest * (1 - 8 * EPS)) if largest < math.inf else lower, min(value, largest), upper)


def _scaled(x: float, log_scale: float) -> float:
    """x exp(log_scale), also where the factor alone is out of range."""
    if x in (0, math.inf):
        return x
    with np.errstate(all="ignore"):
        half = np.exp(log_scale / 2)
        return float(x * half * half) if abs(log_scale) > 700 else x * math.exp(log_scale)


def _measured(kernel: Kernel, P: Distribution, Q: Distribution) -> _Measured:
    """The whole of a kernel: over the common support, and what is outside of it."""
    p, q = Line.of(P), Line.of(Q)
    ours, theirs = p.support, q.support
    low, high = max(ours.lower, theirs.lower), min(ours.upper, theirs.upper)
    lattice = ours.lattice
    if ours.lattice != theirs.lattice or (low > high if lattice else low >= high):
        total = kernel.at_zero + kernel.at_infinity  # mutually singular
        return _Measured(0.0, total, total, total)
    outside = _Outside.of(p, q, low, high)
    sides = ((outside.has_p, kernel.at_infinity), (outside.has_q, kernel.at_zero))
    if any(there and price == math.inf for there, price in sides):
        return _Measured(0.0, math.inf, math.inf, math.inf)
    parts = [_summed(kernel, p, q, low, high)] if lattice else _parts(kernel, P, Q, p, q, low, high)
    return _combined(kernel, parts, outside) if lattice else _reached(_combined(kernel, parts, outside), kernel, p, q)


def _reached(measured: _Measured, kernel: Kernel, p: Line, q: Line) -> _Measured:
    """With what may be missing: masses beyond the range of doubles, at most what they cost if kept apart."""
    prices = ((_unreached(p), kernel.at_infinity), (_unreached(q), kernel.at_zero))
    missing = math.fsum(mass * price for mass, price in prices if mass)
    if not missing or measured.upper == math.inf:
        return measured
    upper = measured.upper + _scaled(missing, -measured.log_scale)
    return _Measured(measured.log_scale, measured.lower, measured.value, upper)


def _unreached(line: Line) -> float:
    """Mass beyond the largest double and, where the support begins at 0, below the smallest normal one; 0 within rounding."""
    mass = 0.0
    if line.support.upper == math.inf:
        mass += line.above(MAXIMUM)
    if line.support.lower == -math.inf:
        mass += line.below(-MAXIMUM)
    elif line.support.lower == 0:
        mass += line.below(MINIMUM)
    return mass if mass > 4 * EPS else 0.0


@final
@dataclass(frozen=True, slots=True)
class _Outside:
    """Masses outside of the common support, and whether there are any, which may be too small for a number."""

    p: float
    q: float
    has_p: bool
    has_q: bool
    error_p: float
    error_q: float
    """How far the masses may be off, but for the last digits of 1 and of themselves."""

    @classmethod
    def of(cls, P: Line, Q: Line, low: float, high: float) -> Self:
        """Of the part of the supports below and above an interval."""
        masses: list[float] = []
        there: list[bool] = []
        errors: list[float] = []
        for line in (P, Q):
            below, above = line.support.lower < low, line.support.upper > high
            under = line.below(low - 1 if line.support.lattice else low) if below else 0.0
            masses.append(under + (line.above(high) if above else 0.0))
            there.append(below or above)
            errors.append(4 * math.fsum(line.at_end(x) for x, inner in ((low, below), (high, above)) if inner))
        return cls(masses[0], masses[1], there[0], there[1], errors[0], errors[1])


def _summed(kernel: Kernel, p: Line, q: Line, low: float, high: float) -> Integral:
    """The sum over the integers from low to high; as an integral where they are too many."""
    if is_short(p, q, low, high):
        return lattice_sum(kernel, p, q, low, high)
    region = Region(low - 0.5, high + 0.5, grain=1.0)
    return integrate(kernel, p.smeared(), q.smeared(), region)


def _parts(
    kernel: Kernel, P: Distribution, Q: Distribution, p: Line, q: Line, low: float, high: float
) -> list[Integral]:
    """The integral over the common support, from both of its ends where densities know the distance from the upper."""
    if (low, high) == (0.0, 1.0):
        turned = mirrored(P), mirrored(Q)
        if turned[0] is not None and turned[1] is not None:
            p_turned, q_turned = (Line.of(x) for x in turned if x is not None)
            return [
                integrate(kernel, p, q, Region(0.0, 0.5, cut_above=True)),
                integrate(kernel, p_turned, q_turned, Region(0.0, 0.5, cut_above=True)),
            ]
    return [integrate(kernel, p, q, Region(low, high))]


def _combined(kernel: Kernel, parts: list[Integral], outside: _Outside) -> _Measured:
    """The parts together, with what rounding may do to them and what the masses that were found say about them."""
    if any(part.lower == math.inf for part in parts):
        return _Measured(0.0, math.inf, math.inf, math.inf)
    shifts, spreads = [], []
    for outer, masses in ((outside.p, [x.mass_p for x in parts]), (outside.q, [x.mass_q for x in parts])):
        shifts.append(abs(math.fsum([outer, -1.0, *(mass for mass, _ in masses)])))
        spreads.append(math.fsum(error for _, error in masses))
    resolved = all(spread < UNCERTAIN and shift <= LOST + spread for shift, spread in zip(shifts, spreads, strict=True))
    scale = max(part.log_scale for part in parts)
    beyond = outside.p * kernel.at_infinity if outside.p else 0.0
    beyond += outside.q * kernel.at_zero if outside.q else 0.0
    if beyond:
        scale = max(scale, math.log(beyond))
    lower, value, upper = 0.0, 0.0, 0.0
    for part in parts:
        factor = math.exp(part.log_scale - scale)
        noise = part.noise(min(shifts[0], LOST), min(shifts[1], LOST))
        if not noise < math.inf:
            resolved, noise = False, 0.0
        lower += (part.lower - noise) * factor
        value += part.value * factor
        upper += (part.upper + noise) * factor
    if outside.has_p or outside.has_q:
        rest = _scaled(beyond, -scale)
        # a distribution function is right to some digits, and near 1 its complement to the last digit of 1
        sides = (
            (kernel.at_infinity, outside.has_p, outside.error_p),
            (kernel.at_zero, outside.has_q, outside.error_q),
        )
        loss = math.fsum(price * (4 * EPS + error) for price, there, error in sides if there)
        slack = DIGITS * rest + _scaled(loss, -scale)
        lower, value, upper = lower + rest - slack, value + rest, upper + rest + slack
    if not resolved:
        lower, upper = 0.0, math.inf
    return _Measured(scale, min(max(lower, 0.0), value), value, max(upper, value))
