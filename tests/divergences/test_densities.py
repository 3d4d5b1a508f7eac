"""Divergences between densities lie inside their bounds, and the bounds are narrow wherever the problem allows it.

The other road is 30-digit arithmetic: closed forms from the literature typed here, tanh-sinh sums over densities typed
here with the sympy formula of each f, and plain sums over the integers.
"""

import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mpf

import divergences as dv
from divergences.bounds import Bounds
from divergences.closed_forms import closed_form
from divergences.densities import divergence_bounds, log_affinity_bounds
from divergences.families import (
    Beta,
    Binomial,
    Cauchy,
    Chi,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    InverseGamma,
    Laplace,
    Logistic,
    LogitNormal,
    LogNormal,
    Mixture,
    Monotone,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Pareto,
    Poisson,
    Product,
    Pushforward,
    StudentT,
    Uniform,
    VonMises,
    Weibull,
    Wishart,
    as_distribution,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from quadrature_truth import FAMILIES, comparisons

EPS = float(np.finfo(np.float64).eps)
REACHED = 1e-10
"""Relative width of the bounds that is promised for problems which double precision can answer."""
ORACLE = mpf(10) ** -15
"""Relative error of the sums in 30 digits."""

INF = math.inf
FINITE_EVERYWHERE = [d for d in dv.FDIVERGENCES if d.range.upper < INF]


def holds(bounds: Bounds, truth: Any) -> bool:
    """Whether a number of 30 digits is inside."""
    slack = ORACLE * abs(truth)
    return bool(bounds.lower <= truth + slack and truth - slack <= bounds.upper)


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:
    with mpmath.workdps(30):
        yield


# ------------------------------------------------------------------------ every divergence, by sums in 30 digits


@functools.cache
def tanh_sinh() -> list[tuple[Any, Any, Any]]:
    """Distances from -1 and from 1, and weights."""
    with mpmath.workdps(30):
        step, rule = mpf(1) / 24, []
        for k in range(-110, 111):
            a = mpmath.pi / 2 * mpmath.sinh(k * step)
            c = mpmath.cosh(a)
            rule.append((mpmath.exp(a) / c, mpmath.exp(-a) / c, step * mpmath.pi / 2 * mpmath.cosh(k * step) / c**2))
        return rule


def points_between(cuts: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Points and weights of the tanh-sinh rule on every interval between cuts, which may be infinite."""
    for a, b in itertools.pairwise(map(mpf, cuts)):
        for low, high, w in tanh_sinh():
            if a == -mpmath.inf:
                x, weight = b - high / low, 2 * w / low**2
            elif b == mpmath.inf:
                x, weight = a + low / high, 2 * w / high**2
            else:
                x, weight = (a + (b - a) * low / 2 if low < high else b - (b - a) * high / 2), w * (b - a) / 2
            if a < x < b:
                yield x, weight


LogDensity = Callable[[Any], Any]


def log_normal_density(m: float, s: float) -> LogDensity:
    return lambda x: -((x - mpf(m)) ** 2) / (2 * mpf(s) ** 2) - mpmath.log(mpf(s) * mpmath.sqrt(2 * mpmath.pi))


def log_cauchy_density(m: float, s: float) -> LogDensity:
    return lambda x: -mpmath.log(mpmath.pi * s * (1 + ((x - m) / s) ** 2))


def log_t_density(n: int) -> LogDensity:
    half = mpf(n) / 2
    c = mpmath.loggamma(half + mpf(1) / 2) - mpmath.loggamma(half) - mpmath.log(n * mpmath.pi) / 2
    return lambda x: c - (half + mpf(1) / 2) * mpmath.log1p(x * x / n)


def log_gamma_density(k: float, rate: float) -> LogDensity:
    c = mpf(k) * mpmath.log(rate) - mpmath.loggamma(mpf(k))
    return lambda x: c + (mpf(k) - 1) * mpmath.log(x) - rate * x


def log_inverse_gamma_density(k: float, scale: float) -> LogDensity:
    c = mpf(k) * mpmath.log(scale) - mpmath.loggamma(mpf(k))
    return lambda x: c - (mpf(k) + 1) * mpmath.log(x) - scale / x


def log_beta_density(a: float, b: float) -> LogDensity:
    c = mpmath.loggamma(mpf(a) + mpf(b)) - mpmath.loggamma(mpf(a)) - mpmath.loggamma(mpf(b))
    return lambda x: c + (mpf(a) - 1) * mpmath.log(x) + (mpf(b) - 1) * mpmath.log1p(-x)


def log_uniform_density(a: float, b: float) -> LogDensity:
    return lambda x: -mpmath.log(mpf(b) - mpf(a)) if a < x < b else -mpmath.inf


def log_mixture_density(*parts: tuple[Any, LogDensity]) -> LogDensity:
    return lambda x: mpmath.log(mpmath.fsum(w * mpmath.exp(f(x)) for w, f in parts))


@dataclass(frozen=True)
class Pair:
    """Two records, the same densities in 30 digits, and cuts between which these are smooth."""

    name: str
    P: Distribution
    Q: Distribution
    log_p: LogDensity
    log_q: LogDensity
    cuts: list[float]
    narrow: float = REACHED
    """The relative width of bounds that is asked for."""


SMALL = mpf(1e-6)

PAIRS = [
    Pair(
        "normals",
        Normal(0.0, 1.0),
        Normal(1.0, 2.0),
        log_normal_density(0, 1),
        log_normal_density(1, 2),
        [-60, -15, -7, -3, 0, 1, 4, 8, 20, 60],
    ),
    Pair(
        "a narrow normal in a wide one",
        Normal(0.0, 1e-6),
        Normal(0.0, 1.0),
        log_normal_density(0, 1e-6),
        log_normal_density(0, 1),
        [-40, -8, -1, -1e-3, -4e-5, -1.2e-5, -4e-6, 0, 4e-6, 1.2e-5, 4e-5, 1e-3, 1, 8, 40],
    ),
    Pair(
        "normals far apart",
        Normal(0.0, 1.0),
        Normal(30.0, 1.0),
        log_normal_density(0, 1),
        log_normal_density(30, 1),
        [-60, -30, -8, 0, 8, 15, 22, 30, 38, 60, 90],
    ),
    Pair(
        "a tiny component far out",
        Mixture([Normal(0.0, 1.0), Normal(50.0, 0.01)], [1 - 1e-6, 1e-6]),
        Normal(0.0, 1.0),
        log_mixture_density((1 - SMALL, log_normal_density(0, 1)), (SMALL, log_normal_density(50, 0.01))),
        log_normal_density(0, 1),
        [-40, -8, 0, 5.2, 8, 30, 49.5, 50, 50.5, 60],
        1e-6,
    ),
    Pair(
        "Cauchy",
        Cauchy(0.0, 1.0),
        Cauchy(3.0, 2.0),
        log_cauchy_density(0, 1),
        log_cauchy_density(3, 2),
        [-INF, -5, 0, 3, 8, INF],
    ),
    Pair(
        "Student t of 1 and 2 degrees of freedom",
        StudentT(1.0, 0.0, 1.0),
        StudentT(2.0, 0.0, 1.0),
        log_t_density(1),
        log_t_density(2),
        [-INF, -3, 0, 3, INF],
    ),
    Pair(
        "gammas with singular densities",
        Gamma(0.75, 1.0),
        Gamma(0.875, 2.0),
        log_gamma_density(0.75, 1),
        log_gamma_density(0.875, 2),
        [0, 1e-3, 1, 5, INF],
    ),
    Pair(
        "betas with a singular density",
        Beta(0.75, 1.5),
        Beta(1.25, 2.0),
        log_beta_density(0.75, 1.5),
        log_beta_density(1.25, 2.0),
        [0, 0.2, 0.5, 0.9, 1],
    ),
    Pair(
        "uniform against beta",
        Uniform(0.0, 1.0),
        Beta(2.0, 3.0),
        log_uniform_density(0, 1),
        log_beta_density(2, 3),
        [0, 0.5, 1],
    ),
    Pair(
        "Laplace against normal",
        Laplace(0.0, 1.0),
        Normal(0.5, 1.0),
        lambda x: -abs(x) - mpmath.log(2),
        log_normal_density(0.5, 1),
        [-90, -20, -5, 0, 3, 10, 30, 90],
    ),
    Pair(
        "normal against uniform",
        Normal(0.0, 1.0),
        Uniform(-1.0, 2.0),
        log_normal_density(0, 1),
        log_uniform_density(-1, 2),
        [-40, -8, -1, 2, 8, 40],
    ),
    Pair(
        "Gumbel against logistic",
        Gumbel(0.0, 1.0),
        Logistic(0.0, 1.0),
        lambda x: -x - mpmath.exp(-x),
        lambda x: -x - 2 * mpmath.log1p(mpmath.exp(-x)),
        [-120, -40, -20, -5, -2, 0, 2, 6, 20, 120],
    ),
    Pair(
        "log-normal against Weibull",
        LogNormal(0.0, 1.0),
        Weibull(1.5, 1.0),
        lambda x: -(mpmath.log(x) ** 2) / 2 - mpmath.log(x) - mpmath.log(2 * mpmath.pi) / 2,
        lambda x: mpmath.log(mpf(3) / 2) + mpmath.log(x) / 2 - x ** mpf("1.5"),
        [0, 0.1, 0.5, 1, 2, 6, 30, INF],
    ),
    Pair(
        "inverse gamma against gamma",
        InverseGamma(3.0, 1.0),
        Gamma(2.0, 1.0),
        log_inverse_gamma_density(3, 1),
        log_gamma_density(2, 1),
        [0, 0.05, 0.3, 1, 3, 10, 60, INF],
    ),
    Pair(
        "von Mises against uniform",
        VonMises(0.0, 3.0),
        Uniform(-math.pi, math.pi),
        lambda x: 3 * mpmath.cos(x) - mpmath.log(2 * mpmath.pi * mpmath.besseli(0, 3)),
        lambda x: -mpmath.log(2 * mpmath.pi),
        [-mpf(math.pi), -1, 0, 1, mpf(math.pi)],
    ),
    Pair(
        "normals that nearly agree",
        Normal(0.0, 1.0),
        Normal(1e-6, 1.0),
        log_normal_density(0, 1),
        log_normal_density(1e-6, 1),
        [-40, -8, -2, 5e-7, 2, 8, 40],
        1e-7,
    ),
    Pair(
        "normals a million away from 0",
        Normal(1e6, 1.0),
        Normal(1e6 + 1, 1.0),
        log_normal_density(0, 1),
        log_normal_density(1, 1),
        [-40, -8, -2, 0.5, 2, 8, 40],
        2e-9,
    ),
]


@functools.cache
def formulas() -> list[tuple[dv.FDivergence, Callable[[Any], Any]]]:
    made = []
    for d in dv.FDIVERGENCES:
        symbolic = d.symbolic()
        made.append((d, sympy.lambdify(symbolic.u, symbolic.f, "mpmath")))
    return made


def crossings(pair: Pair, sorted_points: list[Any], level: Any) -> list[Any]:
    """Where log(p/q) passes a level, by bisection."""

    def above(x: Any) -> Any:
        return pair.log_p(x) - pair.log_q(x) - level

    inside = [x for x in sorted_points if abs(x) < 1e4 and pair.log_p(x) > -mpmath.inf and pair.log_q(x) > -mpmath.inf]
    values = [above(x) for x in inside]
    found = []
    for (low, at_low), (high, at_high) in itertools.pairwise(zip(inside, values, strict=True)):
        if at_low * at_high < 0:
            left, right = low, high
            for _ in range(100):
                middle = (left + right) / 2
                left, right = (middle, right) if above(middle) * at_low > 0 else (left, middle)
            found.append(left)
    return found


def sums(pair: Pair, chosen: list[dv.FDivergence]) -> dict[str, Any]:
    """Divergences of a pair in 30 digits; infinite ones come out as what they are up to the ends of the sum."""
    levels = {mpf(0), *(mpmath.log(u) for d in dv.FDIVERGENCES for u in (*d.kinks, *d.joints))}
    grid = sorted(x for x, _ in points_between(pair.cuts))
    cuts = sorted({*map(mpf, pair.cuts), *(x for level in levels for x in crossings(pair, grid, level))})
    terms = []
    for x, w in points_between(cuts):
        term = (w, pair.log_p(x), pair.log_q(x))
        if max(term[1:]) > -1000:
            terms.append(term)
    for of in (1, 2):
        assert abs(mpmath.fsum(t[0] * mpmath.exp(t[of]) for t in terms) - 1) < ORACLE
    values = {}
    for d, f in formulas():
        if d not in chosen:
            continue
        tangent, parts = mpf(d.tangent), []
        for w, a, b in terms:
            # beyond 1e14 the logarithm of the ratio has not the digits for its exponential: the limits, or nothing
            if a - b > 1e14:
                parts.append(w * mpmath.exp(a) * (mpf(d.slope) - tangent) if d.slope < INF or b == -mpmath.inf else 0)
            elif b - a > 1e14:
                parts.append(w * mpmath.exp(b) * (mpf(d.f0) + tangent) if d.f0 < INF or a == -mpmath.inf else 0)
            else:
                u = mpmath.exp(a - b)
                parts.append(w * mpmath.exp(b) * (f(u) - tangent * (u - 1)))
        values[d.name] = mpmath.re(mpmath.fsum(parts))
    return values


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_bounds_hold_the_divergence(pair):
    # the named ones on every pair, the members of families in turn
    turn = PAIRS.index(pair) % 3
    chosen = [*dv.FDIVERGENCES[:15], *dv.FDIVERGENCES[15 + turn :: 3]]
    truth = sums(pair, chosen)
    finite = 0
    for d in chosen:
        bounds = divergence_bounds(d, pair.P, pair.Q)
        if bounds.upper == INF:
            continue  # infinite ones have their own table
        assert holds(bounds, truth[d.name]), (d, bounds, truth[d.name])
        assert bounds.relative_gap <= pair.narrow or bounds.value < 1e-300, (d, bounds)
        finite += 1
    assert finite >= sum(d in FINITE_EVERYWHERE for d in chosen)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
@pytest.mark.parametrize("d", dv.FDIVERGENCES[:15], ids=lambda d: d.name)
def test_the_reverse_divergence_exchanges_the_arguments(d, pair):
    there, back = divergence_bounds(d, pair.P, pair.Q), divergence_bounds(d.reverse, pair.Q, pair.P)
    assert there.value == back.value == INF or (there.lower <= back.upper and back.lower <= there.upper)


# ----------------------------------------------------------------------------------------- closed forms in 30 digits

parameters = st.floats(-3, 3).map(lambda x: 10.0**x)
locations = st.floats(-100, 100).map(lambda x: round(x, 6))


def affinity_of_normals(P: Normal, Q: Normal, a: Any) -> Any:
    """Of p**a q**(1-a): Gil, Alajaji & Linder (2013), table 2."""
    m, s, n, t = (mpf(float(x)) for x in (P.loc, P.scale, Q.loc, Q.scale))
    v = (1 - a) * s**2 + a * t**2
    if v <= 0:
        return mpmath.inf
    return s ** (1 - a) * t**a / mpmath.sqrt(v) * mpmath.exp(-a * (1 - a) * (m - n) ** 2 / (2 * v))


def kl_of_normals(P: Normal, Q: Normal) -> Any:
    m, s, n, t = (mpf(float(x)) for x in (P.loc, P.scale, Q.loc, Q.scale))
    return mpmath.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - mpf(1) / 2


@given(locations, parameters, locations, parameters)
def test_kl_hellinger_and_chi2_of_normals(m, s, n, t):
    P, Q = Normal(m, s), Normal(n, t)
    assume((m, s) != (n, t))
    with mpmath.workdps(60):
        assert holds(divergence_bounds(dv.kl, P, Q), kl_of_normals(P, Q))
        assert holds(divergence_bounds(dv.squared_hellinger, P, Q), 2 - 2 * affinity_of_normals(P, Q, mpf(1) / 2))
        chi2, truth = divergence_bounds(dv.pearson_chi2, P, Q), affinity_of_normals(P, Q, mpf(2)) - 1
        assert chi2.value == INF if truth == mpmath.inf else holds(chi2, truth)


@given(parameters, parameters, parameters, parameters)
def test_kl_and_hellinger_of_gammas(k, r, h, s):
    assume((k, r) != (h, s))
    P, Q = Gamma(k, r), Gamma(h, s)
    with mpmath.workdps(60):
        k, h = mpf(k), mpf(h)
        # the record is that of scale 1/rate, rounded
        r, s = (1 / mpf(1 / np.float64(x)) for x in (r, s))
        kl = (
            (k - h) * mpmath.digamma(k)
            - mpmath.loggamma(k)
            + mpmath.loggamma(h)
            + h * mpmath.log(r / s)
            + k * (s - r) / r
        )
        assert holds(divergence_bounds(dv.kl, P, Q), kl)
        a, b = (k + h) / 2, (r + s) / 2
        log_affinity = (
            mpmath.loggamma(a)
            - a * mpmath.log(b)
            + (k * mpmath.log(r) + h * mpmath.log(s) - mpmath.loggamma(k) - mpmath.loggamma(h)) / 2
        )
        assert holds(divergence_bounds(dv.squared_hellinger, P, Q), -2 * mpmath.expm1(log_affinity))


@given(parameters, parameters, parameters, parameters)
def test_kl_and_hellinger_of_betas(a, b, c, d):
    assume((a, b) != (c, d))
    P, Q = Beta(a, b), Beta(c, d)
    with mpmath.workdps(60):
        a, b, c, d = map(mpf, (a, b, c, d))

        def log_beta(x: Any, y: Any) -> Any:
            return mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(x + y)

        kl = (
            log_beta(c, d)
            - log_beta(a, b)
            + (a - c) * mpmath.digamma(a)
            + (b - d) * mpmath.digamma(b)
            + (c - a + d - b) * mpmath.digamma(a + b)
        )
        assert holds(divergence_bounds(dv.kl, P, Q), kl)
        log_affinity = log_beta((a + c) / 2, (b + d) / 2) - (log_beta(a, b) + log_beta(c, d)) / 2
        assert holds(divergence_bounds(dv.squared_hellinger, P, Q), -2 * mpmath.expm1(log_affinity))


@given(locations, parameters, locations, parameters)
def test_kl_of_cauchys_is_symmetric_and_known(m, s, n, t):
    """Chyzak & Nielsen (2019), theorem 1."""
    P, Q = Cauchy(m, s), Cauchy(n, t)
    assume((m, s) != (n, t))
    with mpmath.workdps(60):
        m, s, n, t = map(mpf, (m, s, n, t))
        truth = mpmath.log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t))
        assert holds(divergence_bounds(dv.kl, P, Q), truth)
        assert holds(divergence_bounds(dv.kl, Q, P), truth)


@pytest.mark.parametrize(("m", "n"), [(0.0, 1.0), (0.0, 1e-3), (-20.0, 20.0), (1.0, 1.0 + 2.0**-30)])
def test_total_variation_of_two_normals_of_one_scale_is_an_error_function(m, n):
    bounds = divergence_bounds(dv.tv, Normal(m, 1.0), Normal(n, 1.0))
    assert holds(bounds, mpmath.erf((mpf(n) - mpf(m)) / mpmath.sqrt(8)))


@pytest.mark.parametrize("scale", [1.4, 1.414, 1.41421])
def test_chi2_of_centred_normals_up_to_the_border_of_convergence(scale):
    bounds = divergence_bounds(dv.pearson_chi2, Normal(0.0, scale), Normal(0.0, 1.0))
    s = mpf(scale)
    assert holds(bounds, 1 / (s * mpmath.sqrt(2 - s**2)) - 1)
    assert bounds.relative_gap < 1e-8


def test_kl_of_paretos_is_exact_although_their_means_are_infinite():
    truth = mpf("0.5") * 0 + mpmath.log(mpf(1) / 2) + 2 * mpmath.log(2) + 2 - 1
    assert holds(divergence_bounds(dv.kl, Pareto(1.0, 2.0), Pareto(2.0, 1.0)), truth)


# ------------------------------------------------------------------------------------------------ finite and infinite


@pytest.mark.parametrize(
    ("d", "P", "Q"),
    [
        (dv.kl, Cauchy(0.0, 1.0), Normal(0.0, 1.0)),
        (dv.kl, StudentT(2.0, 0.0, 1.0), Normal(0.0, 1.0)),
        (dv.kl, Cauchy(0.0, 1.0), Gumbel(0.0, 1.0)),
        (dv.reverse_kl, Gumbel(0.0, 1.0), Logistic(0.0, 1.0)),
        (dv.kl, Normal(0.0, 1.0), Uniform(-50.0, 50.0)),
        (dv.kl, Normal(60.0, 1.0), Exponential(1.0)),
        (dv.pearson_chi2, Normal(0.0, 2.0), Normal(0.0, 1.0)),
        (dv.pearson_chi2, Normal(0.0, math.sqrt(2)), Normal(0.0, 1.0)),
        (dv.neyman_chi2, Normal(0.0, 1.0), Normal(1.0, 2.0)),
        (dv.pearson_chi2, StudentT(1.0, 0.0, 1.0), StudentT(2.0, 0.0, 1.0)),
        (dv.pearson_chi2, Gamma(0.3, 1.0), Gamma(0.6, 1.0)),
        (dv.pearson_chi2, Gamma(0.3, 1.0), Gamma(0.7, 1.0)),
        (dv.pearson_chi2, Gamma(0.3, 1.0), Gamma(0.5, 2.0)),
        (dv.pearson_chi2, Beta(2.0, 1.0), Beta(2.0, 2.0)),
        (dv.t_power(1.5), Uniform(0.0, 1.0), Beta(2.0, 3.0)),
        (dv.pearson_chi2, LogNormal(0.0, 1.0), Weibull(1.5, 1.0)),
        (dv.alpha(3.0), Laplace(0.0, 1.0), Laplace(0.0, 0.5)),
        (dv.kl, Normal(0.0, 1.0), Mixture([Uniform(-90.0, -8.0), Uniform(8.0, 90.0)], [0.5, 0.5])),
        (dv.pearson_chi2, Geometric(0.5), Geometric(0.8)),
        (dv.pearson_chi2, Geometric(0.5), Geometric(0.75)),
        (dv.kl, Poisson(3.0), Binomial(10.0, 0.3)),
    ],
    ids=lambda x: repr(x)[:60],
)
def test_infinite_divergences_are_infinite(d, P, Q):
    bounds = divergence_bounds(d, P, Q)
    assert bounds.value == bounds.upper == INF
    assert divergence_bounds(d.reverse, Q, P).value == INF


@pytest.mark.parametrize(
    ("d", "P", "Q"),
    [
        (dv.kl, StudentT(1.0, 0.0, 1.0), StudentT(2.0, 0.0, 1.0)),
        (dv.kl, Normal(0.0, 1.0), Gumbel(0.0, 1.0)),
        (dv.kl, Normal(0.0, 1.0), StudentT(0.01, 0.0, 1.0)),
        (dv.pearson_chi2, Normal(0.0, 1.0), Cauchy(0.0, 1.0)),
        (dv.pearson_chi2, Gamma(0.3, 1.0), Gamma(0.5, 1.0)),
        (dv.pearson_chi2, Beta(2.0, 1.0), Beta(2.0, 1.5)),
        (dv.pearson_chi2, Geometric(0.5), Geometric(0.7)),
        (dv.kl, as_distribution(scipy.stats.zipf(2.5)), as_distribution(scipy.stats.zipf(3.5))),
        (dv.reverse_kl, Normal(0.0, 1.0), Mixture([Uniform(-9.0, -8.0), Uniform(8.0, 9.0)], [0.5, 0.5])),
    ],
    ids=lambda x: repr(x)[:60],
)
def test_finite_divergences_are_finite(d, P, Q):
    assert divergence_bounds(d, P, Q).upper < INF


@pytest.mark.parametrize("d", FINITE_EVERYWHERE, ids=lambda d: d.name)
def test_mutually_singular_distributions_are_as_far_apart_as_can_be(d):
    for P, Q in (
        (Uniform(0.0, 1.0), Uniform(1.0, 2.0)),
        (Poisson(3.0), Normal(0.0, 1.0)),
    ):
        bounds = divergence_bounds(d, P, Q)
        assert bounds.value == pytest.approx(d.range.upper, rel=16 * EPS)
        assert bounds.relative_gap < 32 * EPS


@pytest.mark.parametrize("d", FINITE_EVERYWHERE, ids=lambda d: d.name)
def test_bounds_of_very_heavy_tails_are_wide_rather_than_wrong(d):
    P, Q = Pareto(0.01, 1.0), Pareto(0.02, 1.0)
    bounds = divergence_bounds(d, P, Q)
    # with x = exp(s) these are exponentials with the same rates
    same = divergence_bounds(d, Exponential(0.01), Exponential(0.02))
    assert bounds.lower <= same.upper
    assert same.lower <= bounds.upper
    assert same.relative_gap < REACHED


@pytest.mark.parametrize("far", [1e3, 1e6, 1e9])
def test_two_modes_far_apart_are_both_seen(far):
    P = Mixture([Normal(0.0, 1.0), Normal(far, 1.0)], [0.75, 0.25])
    bounds = divergence_bounds(dv.tv, P, Normal(0.0, 1.0))
    assert bounds.contains(0.25)
    assert bounds.relative_gap < 8 * EPS * far + REACHED


# ------------------------------------------------------------------------------------------------------- invariance

SQUARE = Monotone(np.square, np.sqrt, lambda x: np.log(2 * x), name="x^2")
EXP = Monotone(np.exp, np.log, lambda x: x, name="exp")
INVERSE = Monotone(lambda x: 1 / x, lambda y: 1 / y, lambda x: -2 * np.log(x), increasing=False, name="1/x")


@pytest.mark.parametrize("d", [dv.kl, dv.js, dv.tv, dv.squared_hellinger, dv.hockey_stick(3.0)], ids=lambda d: d.name)
@pytest.mark.parametrize(
    ("map_", "P", "Q"),
    [
        (SQUARE, Gamma(2.0, 1.0), Gamma(3.0, 2.0)),
        (SQUARE, Gamma(0.5, 1.0), LogNormal(0.0, 1.0)),
        (SQUARE, Uniform(0.0, 1.0), Beta(2.0, 3.0)),
        (EXP, Normal(0.0, 1.0), Normal(1.0, 2.0)),
        (EXP, Logistic(0.0, 1.0), Gumbel(0.0, 1.0)),
        (INVERSE, Gamma(2.0, 1.0), InverseGamma(3.0, 1.0)),
    ],
    ids=lambda x: repr(x)[:40],
)
def test_a_common_monotone_map_changes_nothing(d, map_, P, Q):
    before, after = divergence_bounds(d, P, Q), divergence_bounds(d, Pushforward(P, map_), Pushforward(Q, map_))
    if before.value == INF:
        assert after.value == INF
        return
    assert before.lower <= after.upper
    assert after.lower <= before.upper
    assert after.relative_gap < REACHED


def test_equal_distributions_have_divergence_zero_exactly():
    for P in (Normal(0.5, 2.0), Poisson(3.0), MultivariateNormal(np.zeros(2), np.eye(2))):
        for d in (dv.kl, dv.tv, dv.js):
            assert divergence_bounds(d, P, P) == Bounds.exact(0.0)
    mixture = Mixture([Normal(0.0, 1.0)], [1.0])
    bounds = divergence_bounds(dv.kl, mixture, Normal(0.0, 1.0))
    assert bounds.lower == 0 <= bounds.upper < 1e-25


# ---------------------------------------------------------------------------------------------------------- lattices


@given(parameters, parameters)
def test_kl_chi2_and_hellinger_of_poissons(rate, other):
    assume(rate != other)
    P, Q = Poisson(rate), Poisson(other)
    with mpmath.workdps(60):
        a, b = mpf(rate), mpf(other)
        assert holds(divergence_bounds(dv.kl, P, Q), a * mpmath.log(a / b) + b - a)
        truth = -2 * mpmath.expm1(-((mpmath.sqrt(a) - mpmath.sqrt(b)) ** 2) / 2)
        assert holds(divergence_bounds(dv.squared_hellinger, P, Q), truth)
        chi2 = divergence_bounds(dv.pearson_chi2, P, Q)
        assert holds(chi2, mpmath.expm1((a - b) ** 2 / b))


def log_of_pmf(P: Distribution) -> Callable[[int], Any]:
    """Probabilities in 30 digits."""
    if isinstance(P, Poisson):
        rate = mpf(float(P.rate))
        return lambda k: k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1)
    if isinstance(P, NegativeBinomial):
        n, p = mpf(float(P.n)), mpf(float(P.p))
        return lambda k: (
            mpmath.loggamma(n + k)
            - mpmath.loggamma(k + 1)
            - mpmath.loggamma(n)
            + n * mpmath.log(p)
            + k * mpmath.log1p(-p)
        )
    assert isinstance(P, Binomial)
    n, p = int(P.n), mpf(float(P.p))
    return lambda k: (
        mpmath.log(mpmath.binomial(n, k)) + k * mpmath.log(p) + (n - k) * mpmath.log1p(-p) if k <= n else -mpmath.inf
    )


@pytest.mark.parametrize("d", [dv.js, dv.tv, dv.reverse_kl, dv.le_cam, dv.hockey_stick(3.0)], ids=lambda d: d.name)
@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (Poisson(3.0), Poisson(5.5)),
        (Poisson(0.1), NegativeBinomial(2.5, 0.3)),
        (Binomial(10.0, 0.3), Poisson(3.0)),
        (Binomial(10.0, 0.3), Binomial(25.0, 0.5)),
        (NegativeBinomial(2.5, 0.3), NegativeBinomial(2.0, 0.35)),
    ],
    ids=repr,
)
def test_sums_over_the_integers(d, P, Q):
    bounds = divergence_bounds(d, P, Q)
    log_p, log_q = log_of_pmf(P), log_of_pmf(Q)
    f, total = {x.name: f for x, f in formulas()}[d.name], []
    for k in range(250):
        a, b = log_p(k), log_q(k)
        if a == b == -mpmath.inf:
            continue
        u = mpmath.exp(a - b)
        if a == -mpmath.inf:
            total.append(mpmath.exp(b) * (mpf(d.f0) + mpf(d.tangent)))
        elif b == -mpmath.inf:
            total.append(mpmath.exp(a) * (mpf(d.slope) - mpf(d.tangent)))
        else:
            total.append(mpmath.exp(b) * (f(u) - mpf(d.tangent) * (u - 1)))
    truth = mpmath.fsum(total)
    assert bounds.value == INF if truth == mpmath.inf else holds(bounds, truth)
    assert bounds.value == INF or bounds.relative_gap < REACHED


def test_a_lattice_too_long_to_sum_is_still_bounded():
    p, q = mpf(1e-9), mpf(2e-9)
    bounds = divergence_bounds(dv.kl, Geometric(1e-9), Geometric(2e-9))
    assert holds(bounds, mpmath.log(p / q) + (1 - p) / p * (mpmath.log1p(-p) - mpmath.log1p(-q)))
    assert bounds.relative_gap < 1e-7


def test_power_laws_on_the_integers():
    a, b = mpf("2.5"), mpf("3.5")
    zeta = mpmath.zeta
    truth = mpmath.log(zeta(b) / zeta(a)) - (b - a) * mpmath.zeta(a, derivative=1) / zeta(a)
    bounds = divergence_bounds(dv.kl, *(as_distribution(scipy.stats.zipf(float(x))) for x in (a, b)))
    assert holds(bounds, truth)
    assert bounds.relative_gap < 1e-7


# --------------------------------------------------------------------------------------------------------- affinities


@given(locations, parameters, locations, parameters, st.floats(-2, 3))
def test_affinities_of_normals(m, s, n, t, a):
    P, Q = Normal(m, s), Normal(n, t)
    b = 1 - a
    assume((m, s) != (n, t) and min(abs(a), abs(b)) > 1e-3)
    bounds = log_affinity_bounds(P, Q, a, b, power=dv.alpha(a))
    with mpmath.workdps(60):
        truth = affinity_of_normals(P, Q, mpf(a))
        # powers are given rounded, which the logarithm feels by as much as its derivative
        shift = abs(mpf(a) + mpf(b) - 1)
        assert shift <= EPS
        if truth == mpmath.inf:
            assert bounds.value == INF
        else:
            assert holds(bounds, mpmath.log(truth)) or shift > 0


@pytest.mark.parametrize(
    ("P", "Q", "a", "truth"),
    [
        (Normal(0.0, 1.0), Normal(1e6, 1.0), 0.5, -1.25e11),
        (Normal(0.0, 1.0), Normal(50.0, 1.0), 2.0, 2500.0),
        (Normal(0.0, 1.0), Normal(2.0**-20, 1.0), 0.5, -(2.0**-43)),
        (Uniform(0.0, 1.0), Uniform(2.0, 3.0), 0.5, -INF),
        (Uniform(0.0, 1.0), Uniform(0.5, 3.0), 2.0, INF),
        (Uniform(0.0, 1.0), Uniform(0.5, 3.0), 0.0, math.log(0.2)),
        (Uniform(0.0, 1.0), Uniform(0.5, 3.0), 1.0, math.log(0.5)),
        (Poisson(2.0), Poisson(8.0), 0.5, -1.0),
        (Poisson(2.0), Normal(0.0, 1.0), 0.5, -INF),
    ],
    ids=repr,
)
def test_affinities_far_apart_near_and_disjoint(P, Q, a, truth):
    bounds = log_affinity_bounds(P, Q, a, 1 - a, power=dv.alpha(a))
    assert bounds.lower <= truth <= bounds.upper
    assert bounds.gap <= 1e-6 * abs(truth) or math.isinf(truth)


# ------------------------------------------------------------------------------------------------- several dimensions


def normal_pair(dimension: int) -> tuple[MultivariateNormal, MultivariateNormal]:
    rng = np.random.default_rng(dimension)

    def one() -> MultivariateNormal:
        factor = np.eye(dimension) + 0.4 * rng.normal(size=(dimension, dimension))
        return MultivariateNormal(rng.normal(size=dimension) / 2, factor @ factor.T)

    return one(), one()


def kl_of_vectors(P: MultivariateNormal, Q: MultivariateNormal) -> Any:
    p, q = (mpmath.matrix(x.covariance.tolist()) for x in (P, Q))
    inverse, gap = q**-1, mpmath.matrix(P.mean.tolist()) - mpmath.matrix(Q.mean.tolist())
    product = inverse * p
    trace = mpmath.fsum(product[i, i] for i in range(p.rows))
    return ((gap.T * inverse * gap)[0] + trace - p.rows - mpmath.log(mpmath.det(product))) / 2


def hellinger_of_vectors(P: MultivariateNormal, Q: MultivariateNormal) -> Any:
    p, q = (mpmath.matrix(x.covariance.tolist()) for x in (P, Q))
    mean, gap = (p + q) / 2, mpmath.matrix(P.mean.tolist()) - mpmath.matrix(Q.mean.tolist())
    spread = (mpmath.det(p) * mpmath.det(q)) ** mpf("0.25") / mpmath.sqrt(mpmath.det(mean))
    return 2 - 2 * spread * mpmath.exp(-(gap.T * mean**-1 * gap)[0] / 8)


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_kl_and_hellinger_of_normal_vectors(dimension):
    P, Q = normal_pair(dimension)
    for d, truth in ((dv.kl, kl_of_vectors(P, Q)), (dv.squared_hellinger, hellinger_of_vectors(P, Q))):
        bounds = divergence_bounds(d, P, Q)
        assert holds(bounds, truth)
        assert bounds.relative_gap < {2: 1e-9, 3: 1e-9, 6: 0.1}[dimension]


def test_total_variation_of_normal_vectors_of_one_covariance_is_an_error_function():
    P, _ = normal_pair(6)
    Q = MultivariateNormal(P.mean + 0.5, P.covariance)
    inverse = mpmath.matrix(P.covariance.tolist()) ** -1
    length = mpmath.sqrt(mpmath.fsum(inverse)) / 2
    bounds = divergence_bounds(dv.tv, P, Q)
    assert holds(bounds, mpmath.erf(length / mpmath.sqrt(8)))
    assert bounds.relative_gap < REACHED


def test_infinite_chi2_of_normal_vectors():
    P, Q = MultivariateNormal([0.0, 0.0], np.diag([1.0, 3.0])), MultivariateNormal([0.0, 0.0], np.eye(2))
    assert divergence_bounds(dv.pearson_chi2, P, Q).value == INF


def test_a_common_coordinate_changes_nothing():
    for d in (dv.tv, dv.js, dv.hockey_stick(0.5)):
        together = divergence_bounds(d, Product(Gamma([2.0, 3.0], [1.0, 1.0])), Product(Gamma([2.5, 3.0], [1.0, 1.0])))
        alone = divergence_bounds(d, Gamma(2.0, 1.0), Gamma(2.5, 1.0))
        assert together == alone


def test_kl_of_products_is_additive():
    P, Q = Product(Gamma([2.0, 3.0], [1.0, 2.0])), Product(Gamma([2.5, 0.5], [1.5, 1.0]))
    bounds = divergence_bounds(dv.kl, P, Q)
    parts = [divergence_bounds(dv.kl, Gamma(k, r), Gamma(h, s)) for k, r, h, s in ((2, 1, 2.5, 1.5), (3, 2, 0.5, 1))]
    assert bounds.lower <= sum(x.upper for x in parts)
    assert sum(x.lower for x in parts) <= bounds.upper
    assert bounds.relative_gap < REACHED


def test_uniform_boxes_that_overlap():
    P, Q = Product(Uniform([0.0, 0.0], [1.0, 1.0])), Product(Uniform([0.5, 0.5], [1.5, 1.5]))
    assert holds(divergence_bounds(dv.js, P, Q), mpf("0.75") * mpmath.log(2))
    assert holds(divergence_bounds(dv.tv, P, Q), mpf("0.75"))
    assert divergence_bounds(dv.kl, P, Q).value == INF


def test_total_variation_of_two_vectors_in_the_plane():
    """P and Q differ by a factor 2 in scale: the densities cross on a circle, and the radius has a known law."""
    bounds = divergence_bounds(dv.tv, *(MultivariateNormal([0.0, 0.0], s * np.eye(2)) for s in (1.0, 4.0)))
    square = 2 * mpmath.log(4) / (1 - mpf(1) / 4)
    assert holds(bounds, mpmath.exp(-square / 8) - mpmath.exp(-square / 2))


def test_samples_give_an_interval_around_the_divergence_of_dirichlets():
    a, b = np.asarray([1.0, 2.0, 3.0]), np.asarray([2.0, 2.0, 2.0])
    gap = scipy.special.digamma(a) - scipy.special.digamma(a.sum())
    truth = float(
        scipy.special.gammaln(a.sum())
        - scipy.special.gammaln(a).sum()
        - scipy.special.gammaln(b.sum())
        + scipy.special.gammaln(b).sum()
        + (a - b) @ gap
    )
    hits = [divergence_bounds(dv.kl, Dirichlet(a), Dirichlet(b), rng=seed).contains(truth) for seed in range(10)]
    assert all(hits)
    js = divergence_bounds(dv.js, Wishart(5.0, np.eye(2)), Wishart(6.0, np.eye(2)), rng=1)
    assert 0 < js.lower < js.value < js.upper < math.log(2)
    assert divergence_bounds(dv.kl, Dirichlet(a), Dirichlet(b), rng=3) == divergence_bounds(
        dv.kl, Dirichlet(a), Dirichlet(b), rng=np.random.default_rng(3)
    )


# ------------------------------------------------------------------------------------------------------------- errors


def test_errors_teach():
    batch, vector = Normal([0.0, 1.0], 1.0), MultivariateNormal([0.0, 0.0], np.eye(2))
    with pytest.raises(ValueError, match=r"expected P to be a single distribution, got a batch of shape \(2,\)"):
        divergence_bounds(dv.kl, batch, Normal(0.0, 1.0))
    with pytest.raises(ValueError, match="expected distributions on one space, got dimensions 1 and 2"):
        divergence_bounds(dv.kl, Normal(0.0, 1.0), vector)
    with pytest.raises(ValueError, match=r"expected powers of sum 1, got a = 0\.5 and b = 0\.6"):
        log_affinity_bounds(Normal(0.0, 1.0), Normal(1.0, 1.0), 0.5, 0.6)
    with pytest.raises(ValueError, match="expected distributions on the line, got dimension 2"):
        log_affinity_bounds(vector, vector, 0.5, 0.5)


def test_mass_beyond_the_range_of_doubles_makes_no_divergence_infinite():
    """Weibull distributions of shape 0.004: quantiles from 1e-800 to 1e800."""
    P, Q = Weibull(0.00367, 0.81), Weibull(0.0036697, 0.8099)
    assert divergence_bounds(dv.kl, P, Q).lower < math.inf
    assert divergence_bounds(dv.kl, Cauchy(0.0, 1.0), Normal(0.0, 1.0)).lower == math.inf


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (LogNormal(9.94711160841868, 867.0111936567748), LogNormal(11.465782419832822, 878.6090296261232)),
        (Weibull(0.02212171556829258, 0.384908620544679), Weibull(0.04756397685773724, 0.6542904260342292)),
        (Laplace(0.17813206828903436, 1.2770602108401776), Laplace(0.3862219414396623, 0.09847384860310451)),
    ],
    ids=["mass beyond doubles", "a tail to the end of doubles", "two kinks"],
)
@pytest.mark.parametrize("d", [dv.kl, dv.reverse_kl, dv.jeffreys, dv.tv, dv.alpha(0.3), dv.pearson_chi2], ids=str)
def test_the_bounds_hold_closed_forms_where_quadrature_is_hard(d, P, Q):
    exact = closed_form(d, P, Q)
    if exact is not None and exact < math.inf:
        bounds = divergence_bounds(d, P, Q)
        assert bounds.lower <= float(exact) * (1 + 1e-14)
        assert bounds.upper >= float(exact) * (1 - 1e-14)


# ------------------------------------------------------------------------------------------------- beside closed forms


def test_the_bounds_hold_closed_forms_of_random_pairs_at_every_closeness():
    """Families and parameters over decades, a second distribution near or far: no closed form is outside of the bounds."""
    found = list(comparisons(np.random.default_rng(7), 300))
    assert [(x.d, x.P, x.Q, x.closed, x.bounds) for x in found if not x.inside] == []
    assert {type(x.P) for x in found} == set(FAMILIES)
    infinite = [x for x in found if x.closed == INF]
    assert 10 <= len(infinite) <= 100
    assert sum(x.width == INF for x in infinite) <= len(infinite) // 10
    assert np.median([x.width for x in found]) <= REACHED / 10


def test_a_density_below_the_smallest_number_is_no_gap():
    """A thousand scales apart: log p is in range, and KL is what it is."""
    P, Q = Laplace(0.0, 1e-3), Laplace(1.0, 1e-3)
    assert holds(divergence_bounds(dv.kl, P, Q), 1000 - 1 + mpmath.exp(-1000))
    # of another library, whose log-density is that of a number that underflows: unknown, but not infinite
    other = as_distribution(scipy.stats.laplace_asymmetric(1.0, loc=1.0, scale=1e-3))
    mixed = Mixture([other, Uniform(0.9, 1.0)], [0.5, 0.5])
    assert divergence_bounds(dv.kl, P, mixed).lower < INF
    gap = Mixture([Uniform(0.0, 1.0), Uniform(2.0, 3.0)], [0.5, 0.5])
    assert divergence_bounds(dv.kl, Uniform(0.0, 3.0), gap).lower == INF
    assert divergence_bounds(dv.reverse_kl, Uniform(0.0, 3.0), gap).value == pytest.approx(math.log(1.5), rel=1e-12)


@pytest.mark.parametrize("d", [dv.kl, dv.squared_hellinger, dv.pearson_chi2], ids=str)
def test_a_little_mass_at_the_end_of_a_support_keeps_its_digits(d):
    P, Q = Pareto(41.24347194467517, 0.15938341073739345), Pareto(41.243471392909875, 0.15938341041580797)
    bounds = divergence_bounds(d, P, Q)
    assert bounds.contains(float(closed_form(d, P, Q)))
    reverse = divergence_bounds(d.reverse, Q, P)
    assert reverse.lower <= bounds.upper
    assert bounds.lower <= reverse.upper
    # a distribution function that rounds the place it is asked at allows for that
    shifted = [as_distribution(scipy.stats.pareto(40.0, loc=0.5, scale=s)) for s in (1.0, 1.0 + 1e-9)]
    exact = 40 * math.log1p(shifted[1].support().lower - shifted[0].support().lower)
    bounds = divergence_bounds(dv.kl, *shifted[::-1])
    assert bounds.lower <= exact * (1 + 1e-6)
    assert exact * (1 - 1e-6) <= bounds.upper


def test_a_distribution_far_from_the_middle_of_the_unit_interval_is_not_stepped_over():
    parameters_of = (17.67526397678514, 1.0012184029408133), (17.713250143600526, 1.1488249388160083)
    for sign in (1, -1):
        P, Q = (LogitNormal(sign * m, s) for m, s in parameters_of)
        normals = tuple(Normal(sign * m, s) for m, s in parameters_of)
        for d in (dv.kl, dv.alpha(1.4), dv.jeffreys):
            assert divergence_bounds(d, P, Q).contains(float(closed_form(d, *normals)))


def test_mass_whose_squares_are_below_the_smallest_number_is_seen():
    P, Q = Chi(0.01, 1.0), Chi(300.0, 1.0)
    assert divergence_bounds(dv.squared_hellinger, P, Q).contains(2.0)
    assert divergence_bounds(dv.squared_hellinger, P, Q).lower > 1.999999


def test_an_infinite_tail_beside_a_panel_of_another_size_is_infinite():
    """The largest value of the integrand is that of a far panel, e to the power of a million."""
    P = LogNormal(0.1896720935845594, 0.33897000091309304)
    Q = LogNormal(-0.01967717754360144, 1.1084346883511724)
    assert closed_form(dv.neyman_chi2, P, Q) == INF
    assert divergence_bounds(dv.neyman_chi2, P, Q).upper == INF


@pytest.mark.parametrize("d", [dv.alpha(0.3), dv.tv, dv.squared_hellinger, dv.js, dv.kl], ids=repr)
def test_a_mass_beyond_the_range_of_doubles_is_in_the_bounds(d):
    """A log-normal of scale 100 has 1.6e-12 of its mass there; its logarithm is normal, and nothing is lost."""
    P, Q = (0.046324453075701655, 100.41881836865774), (18.404476113632132, 0.6910320960030085)
    bounds = divergence_bounds(d, LogNormal(*P), LogNormal(*Q))
    exact = divergence_bounds(d, Normal(*P), Normal(*Q))
    assert bounds.lower <= exact.value <= bounds.upper
    assert bounds.lower >= exact.value * (1 - 1e-9)
