"""Distances between distributions: formulas, quantiles, sums and normals, each against another road."""

import math
import pickle
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import linprog

import divergences as dv
from divergences import families as fam
from divergences.transport.atoms import Steps, steps_distance
from divergences.transport.between_distributions import Coordinates, between
from divergences.transport.bures import Bures, bures_distance
from divergences.transport.inverses import Inverse
from divergences.transport.known_distances import KNOWN, ClosedForm, affine
from divergences.transport.quantiles import Quantiles, quantile_distance

EPS = float(np.finfo(float).eps)


def by_quadrature(P, Q, p):
    """The general road, which knows nothing of formulas or of affine maps."""
    f, g = Inverse.of(P), Inverse.of(Q)

    def gap(u, above):
        (x, x_error), (y, y_error) = f.at(u, upper=above), g.at(u, upper=above)
        return x - y, x_error + y_error

    jumps = [np.union1d(x, y) for x, y in zip(f.jumps, g.jumps, strict=True)]
    return quantile_distance(gap, p, tuple(jumps))


def by_area(P, Q, points):
    """The integral of |F - G|, by QUADPACK between given points."""
    f, g = P.frozen(), Q.frozen()

    def distance(x):
        return abs(f.cdf(x) - g.cdf(x)) if f.cdf(x) < 1 / 2 else abs(f.sf(x) - g.sf(x))

    parts = [quad(distance, a, b, epsabs=1e-13, epsrel=1e-11) for a, b in pairwise(points)]
    return math.fsum(x for x, _ in parts), math.fsum(error for _, error in parts)


# ------------------------------------------------------------------------------------------------------------ formulas

FORMULAS = [
    (fam.Normal(0.0, 1.0), fam.Normal(1.0, 1.0), 3.0),
    (fam.Normal(0.0, 1.0), fam.Normal(1.0, 2.5), 2.0),
    (fam.Normal(0.0, 1.0), fam.Normal(1.0, 2.5), 1.0),
    (fam.Normal(0.0, 1.0), fam.Normal(0.0, 2.5), 2.7),
    (fam.Laplace(0.0, 1.0), fam.Laplace(2.0, 0.5), 1.0),
    (fam.Laplace(0.0, 1.0), fam.Laplace(2.0, 0.5), 2.0),
    (fam.Laplace(0.0, 1.0), fam.Laplace(0.0, 0.5), 1.5),
    (fam.Logistic(0.0, 1.0), fam.Logistic(2.0, 0.5), 2.0),
    (fam.Gumbel(0.0, 1.0), fam.Gumbel(2.0, 0.5), 2.0),
    (fam.Cauchy(0.0, 1.0), fam.Cauchy(3.0, 1.0), 1.0),
    (fam.StudentT(3.0, 0.0, 1.0), fam.StudentT(3.0, 2.0, 4.0), 2.0),
    (fam.StudentT(3.5, 0.0, 1.0), fam.StudentT(3.5, 0.0, 4.0), 2.5),
    (fam.Exponential(1.0), fam.Exponential(0.25), 1.5),
    (fam.Gamma(2.5, 1.0), fam.Gamma(2.5, 3.0), 3.0),
    (fam.Gamma(2.5, 2.0), fam.Gamma(3.5, 1.0), 1.0),
    (fam.HalfNormal(1.0), fam.HalfNormal(3.0), 2.2),
    (fam.InverseGamma(4.5, 1.0), fam.InverseGamma(4.5, 2.0), 2.0),
    (fam.LogNormal(0.0, 0.8), fam.LogNormal(1.0, 0.8), 2.0),
    (fam.Pareto(3.5, 1.0), fam.Pareto(3.5, 2.0), 2.0),
    (fam.Weibull(0.7, 1.0), fam.Weibull(0.7, 3.0), 2.0),
    (fam.Uniform(0.0, 1.0), fam.Uniform(0.5, 3.0), 3.0),
    (fam.Uniform(0.0, 4.0), fam.Uniform(1.0, 2.0), 1.5),
    (fam.Beta(2.0, 3.0), fam.Beta(2.5, 1.0), 1.0),
]


@pytest.mark.parametrize(("P", "Q", "p"), FORMULAS, ids=lambda x: repr(x)[:24])
def test_formulas_agree_with_quadrature(P, Q, p):
    known, found = between(P, Q, p=p), by_quadrature(P, Q, p)
    assert isinstance(known.method, ClosedForm)
    assert found.relative_gap < 1e-9
    assert found.lower <= known.bounds.upper
    assert known.bounds.lower <= found.upper
    assert known.value == pytest.approx(found.value, rel=1e-12)


def test_every_formula_is_tried_and_has_a_source():
    used = {between(P, Q, p=p).method.source for P, Q, p in FORMULAS}
    used.add(between(fam.Bernoulli(0.25), fam.Bernoulli(0.75)).method.source)
    assert used == {known.source for known in KNOWN}


@pytest.mark.parametrize("e", [1e-3, 1e-8, 1e-13])
def test_formulas_keep_their_digits_near_equality(e):
    """Against 40 digits."""
    with mp.workdps(40):
        one, other = mp.mpf(1), mp.mpf(1 + e)
        shift, stretch = mp.mpf(e), mp.mpf(1 + e) - 1
        exact = {
            (fam.Normal(0.0, 1.0), fam.Normal(e, 1 + e), 2.0): mp.sqrt(shift**2 + stretch**2),
            (fam.Exponential(1.0), fam.Exponential(1 + e), 1.0): one - one / other,
            (fam.Gumbel(0.0, 1.0), fam.Gumbel(-e, 1 + e), 2.0): mp.sqrt(
                (mp.euler * stretch - shift) ** 2 + mp.pi**2 / 6 * stretch**2
            ),
            (fam.Gamma(2.0, 1.0), fam.Gamma(2.0, 1 + e), 2.0): (one - one / other) * mp.sqrt(6),
            (fam.LogNormal(0.0, 1.0), fam.LogNormal(e, 1.0), 1.0): mp.expm1(shift) * mp.exp(mp.mpf(1) / 2),
        }
        for (P, Q, p), value in exact.items():
            bounds = between(P, Q, p=p).bounds
            assert bounds.lower <= value <= bounds.upper
            assert abs(bounds.value - value) <= 32 * EPS * value


def test_images_of_one_standard_do_not_cancel_without_a_formula():
    """p = 3 of normals has none, and the relative error stays small as they come together; against 30 digits."""
    for e in (1.0, 1e-6, 1e-12):
        bounds = between(fam.Normal(0.0, 1.0), fam.Normal(e, 1 + e), p=3).bounds
        with mp.workdps(30):
            a, b = mp.mpf(e), mp.mpf(1 + e) - 1
            ratio = b / a
            moment = mp.quad(lambda z: abs(1 + ratio * z) ** 3 * mp.npdf(z), [-mp.inf, -a / b, mp.inf])  # noqa: B023
            assert bounds.lower <= a * mp.cbrt(moment) <= bounds.upper
        assert bounds.relative_gap < 1e-12


# ----------------------------------------------------------------------------------------------------------- quantiles

QUANTILES = {
    "exponential": (fam.Exponential(0.5), lambda t: -2 * mp.log1p(-t)),
    "weibull": (fam.Weibull(0.75, 2.0), lambda t: 2 * (-mp.log1p(-t)) ** (mp.mpf(4) / 3)),
    "gumbel": (fam.Gumbel(0.5, 1.0), lambda t: 0.5 - mp.log(-mp.log(t))),
    "logistic": (fam.Logistic(-1.0, 0.5), lambda t: -1 + (mp.log(t) - mp.log1p(-t)) / 2),
    "pareto": (fam.Pareto(6.0, 1.0), lambda t: (1 - t) ** (-mp.mpf(1) / 6)),
    "beta": (fam.Beta(0.5, 1.0), lambda t: t**2),
}


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0])
@pytest.mark.parametrize(("one", "two"), [("exponential", "weibull"), ("gumbel", "logistic"), ("pareto", "beta")])
def test_quantiles_against_25_digits(one, two, p):
    """Exact quantile functions integrated by mpmath, in the logarithms of the distances from both ends."""
    (P, f), (Q, g) = QUANTILES[one], QUANTILES[two]
    result = between(P, Q, p=p)
    with mp.workdps(25):

        def power(t):
            return abs(f(t) - g(t)) ** mp.mpf(p)

        grid = [mp.mpf(k) / 200 for k in range(1, 200)]
        signs = [mp.sign(f(t) - g(t)) for t in grid]
        roots = [
            mp.findroot(lambda t: f(t) - g(t), (grid[i], grid[i + 1]), solver="anderson")
            for i in range(len(grid) - 1)
            if signs[i] * signs[i + 1] < 0
        ]
        value = mp.quad(power, [0, *roots, 1]) ** (1 / mp.mpf(p))
        assert result.bounds.lower <= value * (1 + mp.mpf(10) ** -13)
        assert value * (1 - mp.mpf(10) ** -13) <= result.bounds.upper
    assert isinstance(result.method, Quantiles)
    assert result.bounds.relative_gap < 1e-11


AREAS = [
    (fam.Gamma(2.0, 1.0), fam.LogNormal(0.5, 0.5), [0, 0.5, 1, 2, 4, 8, 16, 40, 200, 2000]),
    (
        fam.StudentT(2.5, 0.0, 1.0),
        fam.Normal(0.5, 2.0),
        [-1e8, -1e5, -1e3, -100, -20, -5, -1, 0, 1, 5, 20, 100, 1e3, 1e5, 1e8],
    ),
    (fam.Beta(0.3, 0.4), fam.Uniform(0.0, 1.0), [0, 1e-9, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-4, 1 - 1e-9, 1]),
]


@pytest.mark.parametrize(("P", "Q", "points"), AREAS, ids=["gamma", "t", "beta"])
def test_w1_is_the_area_between_distribution_functions(P, Q, points):
    found, (area, error) = between(P, Q).bounds, by_area(P, Q, points)
    beyond = 2e-11 if isinstance(P, fam.StudentT) else 1e-15  # what a tail like x ** -2.5 leaves beyond 1e8
    assert error < 1e-8
    assert found.lower - error - beyond <= area <= found.upper + error
    assert found.relative_gap < 1e-11


@pytest.mark.parametrize("p", [1, 2])
def test_quantiles_agree_with_points_drawn_evenly(p):
    """The exact distance of n quantiles of each: their means over strata of mass 1/n are off by O(1/n)."""
    P, Q, n = fam.Gumbel(0.0, 1.0), fam.Normal(1.0, 2.0), 20_000
    t = (np.arange(n) + 0.5) / n
    assert between(P, Q, p=p).value == pytest.approx(
        dv.wasserstein(P.quantile(t), Q.quantile(t), p=p).value, rel=20 / n
    )


def test_mixtures_and_gaps_in_a_support():
    """Two uniforms apart against one: the pieces of the monotone map are affine."""
    apart = fam.Mixture([fam.Uniform(0.0, 1.0), fam.Uniform(5.0, 6.0)], [0.25, 0.75])
    low = between(apart, fam.Uniform(0.0, 1.0), p=2)
    first = quad(lambda t: (4 * t - t) ** 2, 0, 0.25)[0]
    second = quad(lambda t: (5 + (t - 0.25) / 0.75 - t) ** 2, 0.25, 1)[0]
    assert low.bounds.contains(math.sqrt(first + second))
    assert low.bounds.relative_gap < 1e-12
    wide = between(fam.Mixture([fam.Normal(-50.0, 1.0), fam.Normal(50.0, 1.0)], [0.5, 0.5]), fam.Normal(0.0, 1.0))
    # each half of the normal is carried to a whole one: 50 less E|Z|, and no gap changes its sign
    assert wide.bounds.contains(50 - math.sqrt(2 / math.pi))
    assert wide.bounds.relative_gap < 1e-12


# --------------------------------------------------------------------------------------------------- infinite distances


@pytest.mark.parametrize(
    ("P", "Q", "p"),
    [
        (fam.Cauchy(0.0, 1.0), fam.Normal(0.0, 1.0), 1),
        (fam.Cauchy(0.0, 1.0), fam.Cauchy(0.0, 1.0 + 1e-6), 1),
        (fam.Pareto(2.0, 1.0), fam.Exponential(1.0), 2),
        (fam.Pareto(2.0, 1.0), fam.Pareto(2.5, 1.0), 2),
        (fam.StudentT(2.0, 0.0, 1.0), fam.Logistic(0.0, 1.0), 2),
        (fam.InverseGamma(1.0, 1.0), fam.Beta(1.0, 2.0), 1),
        (fam.Mixture([fam.Cauchy(0.0, 1.0), fam.Normal(0.0, 1.0)], [0.01, 0.99]), fam.Normal(0.0, 1.0), 1),
        (fam.Cauchy(0.0, 1.0), fam.Poisson(3.0), 1),
    ],
    ids=repr,
)
def test_a_missing_moment_is_an_infinite_distance(P, Q, p):
    for one, two in ((P, Q), (Q, P)):
        result = between(one, two, p=p)
        assert result.bounds == dv.Bounds.exact(math.inf)
        assert result.cost == math.inf


def test_an_infinite_distance_is_seen_in_the_numbers_of_an_unknown_family():
    levy = stats.levy()  # its tail is x ** -1/2
    assert between(levy, stats.norm()).bounds == dv.Bounds.exact(math.inf)


@pytest.mark.parametrize("p", [1, 1.5, 2.5])
def test_just_enough_moments_are_a_finite_distance(p):
    """Pareto tails of power p + 1/10: a scale moves the distance by the moment."""
    a = p + 0.1
    found = by_quadrature(fam.Pareto(a, 1.0), fam.Pareto(a, 3.0), p)
    assert found.contains(2 * (a / (a - p)) ** (1 / p))
    assert found.relative_gap < 1e-9


def test_equal_tails_are_a_finite_distance():
    """Neither mean exists; the difference of the quantile functions is bounded."""
    assert between(fam.Cauchy(0.0, 1.0), fam.Cauchy(3.0, 1.0)).value == 3.0
    unlike = between(fam.StudentT(1.0, 0.0, 1.0), fam.Cauchy(3.0, 1.0))  # the same family under another name
    assert unlike.bounds.contains(3.0)
    assert unlike.bounds.gap < 1e-9
    parts = [fam.Mixture([fam.Cauchy(m, 1.0), fam.Cauchy(m, 2.0)], [0.5, 0.5]) for m in (0.0, 1.0)]
    shifted = between(*parts)
    assert shifted.bounds.contains(1.0)
    assert shifted.bounds.gap < 1e-9


# ------------------------------------------------------------------------------------------------------------- integers


def by_linear_program(a, b, p):
    """The least cost between masses on 0, 1, ..., by HiGHS."""
    n, m = len(a), len(b)
    cost = np.abs(np.subtract.outer(np.arange(n), np.arange(m))) ** float(p)
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    solved = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b]), method="highs")
    assert solved.status == 0
    return solved.fun ** (1 / p)


@pytest.mark.parametrize("p", [1, 1.5, 3])
def test_sums_on_the_integers_against_a_linear_program(p):
    P, Q = fam.Binomial(8.0, 0.3), fam.Categorical([0.3, 0.05, 0.05, 0.1, 0.0, 0.5])
    a, b = np.exp(P.log_density(np.arange(9.0))), np.exp(Q.log_density(np.arange(6.0)))
    found = between(P, Q, p=p)
    assert found.value == pytest.approx(by_linear_program(a, b, p), rel=1e-9)
    assert found.bounds.relative_gap < 1e-10


@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize(
    ("P", "Q"), [(fam.Poisson(3.0), fam.Poisson(7.5)), (fam.Geometric(0.3), fam.NegativeBinomial(2.5, 0.4))], ids=repr
)
def test_endless_integers_against_the_exact_distance_of_a_piece(P, Q, p):
    """What lies beyond 400 is below 1e-30; weights are normalised exactly by the solver on the line."""
    k = np.arange(400.0)
    a, b = np.exp(P.log_density(k)), np.exp(Q.log_density(k))
    piece = dv.wasserstein(k, k, a / a.sum(), b / b.sum(), p=p)
    assert steps_distance(Steps.of(P), Steps.of(Q), p).value == pytest.approx(piece.value, rel=1e-11)


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (fam.Poisson(3.0), fam.Poisson(3.5)),
        (fam.Poisson(1e5), fam.Poisson(1e5 + 10)),
        (fam.Geometric(0.3), fam.Geometric(0.01)),
        (fam.Binomial(50.0, 0.2), fam.Binomial(50.0, 0.3)),
        (fam.NegativeBinomial(2.5, 0.4), fam.NegativeBinomial(4.0, 0.4)),
        (fam.Bernoulli(0.2), fam.Bernoulli(0.7)),
    ],
    ids=repr,
)
def test_formulas_on_the_integers_agree_with_sums(P, Q):
    known, summed = between(P, Q), steps_distance(Steps.of(P), Steps.of(Q), 1.0)
    assert isinstance(known.method, ClosedForm)
    assert summed.lower <= known.value <= summed.upper
    assert summed.relative_gap < 1e-8


def test_where_integers_are_left_out_the_bounds_still_hold():
    P, Q = fam.Poisson(1e11), fam.Poisson(3e11)
    summed = steps_distance(Steps.of(P), Steps.of(Q), 1.0)
    assert summed.contains(2e11)
    assert 0 < summed.relative_gap < 1e-6


def test_a_lattice_with_a_power_tail():
    """Yule and Simon: mean a / (a - 1), all above the coin, P(X > k) ~ k ** -a."""
    found = between(stats.yulesimon(3.5), fam.Bernoulli(0.5))
    assert found.bounds.contains(3.5 / 2.5 - 0.5)
    assert found.bounds.relative_gap < 1e-6
    heavy = steps_distance(Steps.of(fam.as_distribution(stats.yulesimon(3.5))), Steps.of(fam.Bernoulli(0.5)), 3.6)
    assert heavy == dv.Bounds.exact(math.inf)


def test_a_sum_without_end_is_refused():
    with pytest.raises(ValueError, match="adds up endlessly many probabilities"):
        between(stats.zipf(4.5), fam.Poisson(1.0))


@pytest.mark.parametrize(("p", "value"), [(1, 1 / 4), (2, 1 / math.sqrt(12)), (3, (1 / 32) ** (1 / 3))])
def test_a_coin_and_the_unit_interval(p, value):
    """The integral of t ** p over (0, 1/2), twice."""
    assert between(fam.Bernoulli(0.5), fam.Uniform(0.0, 1.0), p=p).bounds.contains(value)
    assert between(fam.Uniform(0.0, 1.0), fam.Bernoulli(0.5), p=p).value == pytest.approx(value, rel=1e-14)


def test_a_lattice_beside_a_density_against_the_area():
    P, Q = fam.Poisson(4.0), fam.Normal(4.0, 2.0)
    area, error = by_area(P, Q, [-20, *np.arange(0.0, 40.0)])
    found = between(P, Q).bounds
    assert found.lower - error <= area * (1 + 1e-12)
    assert area * (1 - 1e-12) <= found.upper + error


# -------------------------------------------------------------------------------------------------------------- normals


def root_of(matrix):
    values, vectors = mp.eigsy(matrix)
    return vectors * mp.diag([mp.sqrt(max(x, 0)) for x in values]) * vectors.T


def bures_in_50_digits(s, t):
    with mp.workdps(50):
        s, t = mp.matrix(s.tolist()), mp.matrix(t.tolist())
        root = root_of(s)
        middle = root_of(root * t * root)
        return mp.sqrt(sum(s[i, i] + t[i, i] - 2 * middle[i, i] for i in range(s.rows)))


def covariances(d, closeness, spread, seed=0):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** -np.linspace(0, spread, d)
    s, e = (stats.wishart(2 * d, np.eye(d)).rvs(random_state=rng) * np.multiply.outer(scale, scale) for _ in range(2))
    t = s + closeness * e
    return s, t / 2 + t.T / 2


@pytest.mark.parametrize("spread", [0, 2])
@pytest.mark.parametrize("closeness", [1, 1e-4, 1e-8, 1e-12])
def test_bures_keeps_its_digits_near_equality(closeness, spread):
    s, t = covariances(4, closeness, spread)
    exact, found = bures_in_50_digits(s, t), bures_distance(s, t).bounds
    assert found.lower <= exact <= found.upper
    assert abs(found.value / exact - 1) < 1e-13
    assert found.relative_gap < 1e-9


def test_bures_of_singular_covariances():
    """Of commuting ones it is the distance of the roots of the eigenvalues."""
    for s, t in (
        ([1.0, 0.0], [4.0, 1.0]),
        ([1.0, 0.0], [0.0, 1.0]),
        ([1.0, 1e-20], [1.0, 4e-20]),
        ([0.0, 0.0], [1.0, 3.0]),
    ):
        found = bures_distance(np.diag(s), np.diag(t)).bounds
        exact = math.dist(np.sqrt(s), np.sqrt(t))
        assert found.lower <= exact * (1 + 4 * EPS)
        assert exact <= found.upper
        assert found.gap < 1e-6 * math.sqrt(sum(s) + sum(t))
    assert bures_distance(np.eye(2), np.eye(2)).bounds == dv.Bounds.exact(0.0)


def test_w2_of_normals_and_its_map():
    """The affine map carries one covariance to the other, and its cost is the distance."""
    s, t = covariances(3, 1.0, 0)
    P, Q = fam.MultivariateNormal([1.0, 0.0, -1.0], s), fam.MultivariateNormal([0.0, 2.0, 0.0], t)
    transport = between(P, Q, p=2)
    images = transport.map(np.concatenate([np.zeros((1, 3)), np.eye(3)]))
    offset, matrix = images[0], images[1:] - images[0]
    np.testing.assert_allclose(matrix @ s @ matrix.T, t, rtol=1e-12)
    np.testing.assert_allclose(offset + P.mean @ matrix, Q.mean, atol=1e-14)
    moved = np.eye(3) - matrix
    assert transport.cost == pytest.approx(np.trace(moved @ s @ moved.T) + np.sum((P.mean - Q.mean) ** 2), rel=1e-13)
    assert isinstance(transport.method, Bures)


def test_normals_of_one_covariance_are_shifted_for_any_p():
    s, _ = covariances(3, 1.0, 0)
    P, Q = fam.MultivariateNormal([1.0, 0.0, -1.0], s), fam.MultivariateNormal([1.0, 3.0, 3.0], s)
    assert between(P, Q, p=1).bounds.contains(5.0)


def test_products_add_up_and_agree_with_bures():
    P = fam.Product(fam.Normal(np.asarray([0.0, 1.0]), np.asarray([1.0, 3.0])))
    Q = fam.Product(fam.Normal(np.asarray([2.0, 1.0]), np.asarray([0.5, 1.0])))
    apart = between(P, Q, p=2)
    together = between(
        fam.MultivariateNormal(P.factors.loc, np.diag(P.factors.scale**2)),
        fam.MultivariateNormal(Q.factors.loc, np.diag(Q.factors.scale**2)),
        p=2,
    )
    assert isinstance(apart.method, Coordinates)
    assert apart.value == pytest.approx(together.value, rel=4 * EPS)
    x = np.asarray([[0.0, 1.0], [1.0, 4.0]])
    np.testing.assert_allclose(apart.map(x), together.map(x), rtol=1e-13)


# ----------------------------------------------------------------------------------------------------------------- maps


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (fam.Gamma(2.0, 1.0), fam.Normal(0.0, 1.0)),
        (fam.Beta(0.5, 0.5), fam.StudentT(3.0, 1.0, 2.0)),
        (fam.Gumbel(0.0, 1.0), fam.Gumbel(1.0, 3.0)),
        (fam.LogNormal(0.0, 1.0), fam.LogNormal(1.0, 1.0)),
    ],
    ids=repr,
)
def test_the_map_carries_ranks_to_ranks(P, Q):
    u = np.asarray([1e-9, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9])
    x = P.quantile(u)
    y = between(P, Q).map(x)
    assert np.all(np.diff(y) > 0)
    np.testing.assert_allclose(Q.cdf(y), P.cdf(x), rtol=1e-10)


def test_the_map_sends_an_atom_to_the_end_of_its_share():
    map_ = between(fam.Bernoulli(0.5), fam.Uniform(0.0, 1.0)).map
    assert map_([0.0, 1.0]).tolist() == [0.5, 1.0]


# ----------------------------------------------------------------------------------------------------------------- laws

located = st.builds(
    lambda kind, loc, scale: kind(loc, scale),
    st.sampled_from([fam.Normal, fam.Logistic, fam.Laplace, fam.Gumbel]),
    st.floats(-3, 3),
    st.floats(0.25, 4),
)


@settings(max_examples=15)
@given(located, located, located, st.sampled_from([1.0, 1.5, 2.0, 3.0]))
def test_a_metric(P, Q, R, p):
    one, back, onward, whole = (between(*pair, p=p).bounds for pair in ((P, Q), (Q, P), (Q, R), (P, R)))
    assert one.lower <= back.upper
    assert back.lower <= one.upper
    assert whole.lower <= one.upper + onward.upper
    assert between(P, P, p=p).value == 0
    assert one.value > 0 or (type(P) is type(Q) and affine(P, Q).shift == affine(P, Q).stretch == 0)


@settings(max_examples=15)
@given(located, located)
def test_it_grows_with_p(P, Q):
    values = [between(P, Q, p=p).bounds for p in (1, 1.5, 2, 4)]
    assert all(a.lower <= b.upper for a, b in pairwise(values))


@pytest.mark.parametrize("p", [1, 2.5])
def test_affine_images_scale_the_distance(p):
    """Under x -> 3 - 2 x, made by pushforward, so that quantiles turn around."""
    turn = fam.Monotone(
        lambda x: 3 - 2 * x, lambda y: (3 - y) / 2, lambda x: np.full(np.shape(x), math.log(2)), increasing=False
    )
    P, Q = fam.Gamma(2.0, 1.0), fam.Normal(1.0, 0.5)
    straight, turned = (
        between(P, Q, p=p).bounds,
        between(fam.Pushforward(P, turn), fam.Pushforward(Q, turn), p=p).bounds,
    )
    assert turned.lower <= 2 * straight.upper
    assert 2 * straight.lower <= turned.upper
    assert turned.value == pytest.approx(2 * straight.value, rel=1e-11)


def test_on_an_interval_w1_is_at_most_its_length_times_total_variation():
    P, Q = fam.Beta(2.0, 3.0), fam.Beta(3.0, 1.5)
    assert 0 < between(P, Q).value <= dv.tv(P, Q)


# ----------------------------------------------------------------------------------------------------- what is refused


def test_objects_of_other_libraries_are_read():
    torch = pytest.importorskip("torch")
    ours = between(fam.Normal(0.0, 1.0), fam.Normal(1.0, 2.0), p=2).value
    assert between(stats.norm(0, 1), stats.norm(1, 2), p=2).value == ours
    normals = [torch.distributions.Normal(*(torch.tensor(x) for x in xs)) for xs in ((0.0, 1.0), (1.0, 2.0))]
    assert between(*normals, p=2).value == ours
    tracked = torch.distributions.Normal(torch.tensor(0.0, requires_grad=True), torch.tensor(1.0))
    with pytest.raises(TypeError, match="record no gradients, got loc with requires_grad"):
        between(tracked, normals[1])


@pytest.mark.parametrize(
    ("P", "Q", "p", "error", "words"),
    [
        (fam.Normal([0.0, 1.0], 1.0), fam.Normal(0.0, 1.0), 1, ValueError, "P to be a single distribution"),
        (fam.Normal(0.0, 1.0), [0.5, 0.5], 1, TypeError, "expected a distribution"),
        (fam.Normal(0.0, 1.0), fam.Normal(1.0, 1.0), 0.5, ValueError, "at least 1"),
        (fam.Normal(0.0, 1.0), fam.MultivariateNormal([0.0, 0.0], np.eye(2)), 2, ValueError, "dimensions 1 and 2"),
        (
            fam.MultivariateNormal([0.0, 0.0], np.eye(2)),
            fam.MultivariateNormal([0.0, 0.0], 2 * np.eye(2)),
            1,
            ValueError,
            "draw samples",
        ),
        (fam.Dirichlet([1.0, 1.0, 2.0]), fam.Dirichlet([1.0, 1.0, 1.0]), 2, ValueError, "draw samples"),
    ],
    ids=["batch", "array", "p", "dimensions", "no formula", "no normal"],
)
def test_what_cannot_be_answered_is_said(P, Q, p, error, words):
    with pytest.raises(error, match=words):
        between(P, Q, p=p)


def test_quantiles_beyond_doubles_are_no_answer():
    with pytest.raises(dv.TransportError, match="within the range of doubles"):
        by_quadrature(fam.StudentT(0.02, 0.0, 1.0), fam.StudentT(0.02, 1e-3, 1.0), 2.0)


def test_covariances_that_are_none():
    for s, words in (
        ([[1.0, 2.0], [2.0, 1.0]], "positive semidefinite"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([[1.0, math.nan], [0.0, 1.0]], "square matrix of finite"),
    ):
        with pytest.raises(ValueError, match=words):
            bures_distance(s, np.eye(2))
    with pytest.raises(ValueError, match="one shape"):
        bures_distance(np.eye(2), np.eye(3))


@pytest.mark.parametrize(
    ("P", "Q", "p"),
    [
        (fam.Normal(0.0, 1.0), fam.Normal(0.0, 1.0), 1.0),
        (fam.Normal(0.0, 1.0), fam.Normal(1.0, 2.0), 2.0),
        (fam.Exponential(1.0), fam.Gamma(2.0, 3.0), 2.0),
        (fam.Poisson(2.0), fam.Normal(0.0, 1.0), 1.0),
        (fam.MultivariateNormal([0.0, 1.0], np.eye(2)), fam.MultivariateNormal([3.0, 0.0], np.eye(2)), 1.0),
        (fam.MultivariateNormal([0.0, 1.0], np.eye(2)), fam.MultivariateNormal([3.0, 0.0], np.diag([4.0, 9.0])), 2.0),
        (fam.Product(fam.Normal([0.0, 1.0], 1.0)), fam.Product(fam.Exponential([1.0, 2.0])), 2.0),
    ],
)
def test_a_transport_survives_the_way_between_processes(P, Q, p):
    transport = between(P, Q, p=p)
    copy = pickle.loads(pickle.dumps(transport))
    points = np.array([[0.5, 2.0], [1.0, 3.0]])
    np.testing.assert_array_equal(copy.map(points), transport.map(points))
    assert (copy.bounds, copy.method) == (transport.bounds, transport.method)
