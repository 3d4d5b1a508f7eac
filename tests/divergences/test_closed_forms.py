"""Closed forms against 110 digits of the textbook's formulas, and against scipy's and torch's, for every closeness."""

import itertools
import math
import warnings

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences.closed_forms import affinity_gap, closed_form
from divergences.families import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Chi,
    ContinuousBernoulli,
    Dirichlet,
    ExpGamma,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    HalfNormal,
    InverseGamma,
    Laplace,
    LogitNormal,
    LogNormal,
    Monotone,
    Moyal,
    Multinomial,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Pareto,
    Poisson,
    Product,
    Pushforward,
    Uniform,
    VonMises,
    Weibull,
    Wishart,
    as_distribution,
)

torch.set_num_threads(1)
DIGITS = 110

CLOSENESS = [1.0, 1e-2, 1e-4, 1e-8, 1e-12]
ORDERS = [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.3, 0.7), (2.0, -1.0), (-1.0, 2.0), (1.25, -0.25), (1e-9, 1 - 1e-9)]

# ------------------------------------------------------------------ textbook formulas of log int p^a q^b, at 110 digits


def log_partition_affinity(log_partition, natural, p, q, a, b):
    """A(a s + b t) - a A(s) - b A(t) of the natural parameters s and t."""
    s, t = natural(*p), natural(*q)
    mixed = [a * x + b * y for x, y in zip(s, t, strict=True)]
    return log_partition(*mixed) - a * log_partition(*s) - b * log_partition(*t)


lg, log = mpmath.loggamma, mpmath.log

# family: (its constructor, log-partition, natural parameters); parameters are positive numbers
EXPONENTIAL_FAMILIES = {
    "normal": (Normal, lambda h, j: h * h / (2 * j) - log(j) / 2, lambda m, s: (m / s**2, 1 / s**2)),
    "log-normal": (LogNormal, lambda h, j: h * h / (2 * j) - log(j) / 2, lambda m, s: (m / s**2, 1 / s**2)),
    "logit-normal": (LogitNormal, lambda h, j: h * h / (2 * j) - log(j) / 2, lambda m, s: (m / s**2, 1 / s**2)),
    "exponential": (Exponential, lambda r: -log(r), lambda r: (r,)),
    "gamma": (Gamma, lambda k, r: lg(k) - k * log(r), lambda k, r: (k, r)),
    "inverse gamma": (InverseGamma, lambda k, r: lg(k) - k * log(r), lambda k, r: (k, r)),
    "exp-gamma": (ExpGamma, lambda k, r: lg(k) - k * log(r), lambda k, r: (k, r)),
    "chi": (Chi, lambda k, r: lg(k) - k * log(r), lambda n, s: (n / 2, 1 / (2 * s**2))),
    "moyal of one scale": (lambda m: Moyal(m, 0.5), lambda r: -log(r) / 2, lambda m: (mpmath.exp(2 * m),)),
    "beta": (Beta, lambda a, b: lg(a) + lg(b) - lg(a + b), lambda a, b: (a, b)),
    "pareto of one scale": (lambda a: Pareto(a, 2.0), lambda a: -log(a), lambda a: (a,)),
    "weibull of one shape": (lambda s: Weibull(1.5, s), lambda r: -log(r), lambda s: (s ** mpmath.mpf(-1.5),)),
    "gumbel of one scale": (lambda m: Gumbel(m, 0.5), lambda r: -log(r), lambda m: (mpmath.exp(2 * m),)),
    "laplace of one location": (lambda s: Laplace(0.0, s), lambda r: -log(r), lambda s: (1 / s,)),
    "half-normal": (HalfNormal, lambda j: -log(j) / 2, lambda s: (s**-2,)),
    "poisson": (Poisson, mpmath.exp, lambda r: (log(r),)),
    "dirichlet": (
        lambda *a: Dirichlet(np.array(a)),
        lambda *a: sum(map(lg, a)) - lg(sum(a)),
        lambda *a: a,
    ),
}
COUNTS = {
    "geometric": (Geometric, lambda t: -log(-mpmath.expm1(t)), lambda p: (log(1 - p),)),
    "negative binomial": (
        lambda p: NegativeBinomial(2.5, p),
        lambda t: -2.5 * log(-mpmath.expm1(t)),
        lambda p: (log(1 - p),),
    ),
    "continuous bernoulli": (
        ContinuousBernoulli,
        lambda t: log(mpmath.expm1(t) / t),
        lambda p: (log(p / (1 - p)),),
    ),
    "bernoulli": (Bernoulli, lambda t: log(1 + mpmath.exp(t)), lambda p: (log(p / (1 - p)),)),
    "binomial": (lambda p: Binomial(7, p), lambda t: 7 * log(1 + mpmath.exp(t)), lambda p: (log(p / (1 - p)),)),
}
ARITY = dict.fromkeys(
    ["normal", "log-normal", "logit-normal", "gamma", "inverse gamma", "exp-gamma", "chi", "beta"], 2
) | {"dirichlet": 4}


def gap(log_partition, natural, p, q, a, b):
    """The gap by its definition, or its limit by a difference quotient of the affinity at 110 digits."""
    with mpmath.workdps(DIGITS):
        p, q = ([mpmath.mpf(float(x)) for x in z] for z in (p, q))
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        a, b = (a, 1 - a) if abs(a) < abs(b) else (1 - b, b)  # doubles of sum 1, exactly
        if a * b == 0:  # G(1 - e, e) = G(1, 0) + O(e)
            e = mpmath.mpf(10) ** -30
            a, b = (1 - e, e) if a == 1 else (e, 1 - e)
        value = -log_partition_affinity(log_partition, natural, p, q, a, b) / (a * b)
        return value.real if mpmath.im(value) == 0 else mpmath.inf


def drawn(name, rng, closeness):
    p = np.exp(rng.uniform(-2, 2, size=ARITY.get(name, 1)))
    q = p * np.exp(closeness * rng.normal(size=p.shape))
    return p, q


def mixed_parameter(natural, p, q, a, b):
    """The natural parameter of the order; it belongs to the family where its scale is positive."""
    with mpmath.workdps(30):
        s, t = natural(*map(mpmath.mpf, map(float, p))), natural(*map(mpmath.mpf, map(float, q)))
        return [a * x + b * y for x, y in zip(s, t, strict=True)]


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("name", EXPONENTIAL_FAMILIES)
def test_every_order_has_its_digits_at_every_closeness(name, closeness):
    """Relative error 4e-15, or what two units in the last place of the parameters' differences leave."""
    make, log_partition, natural = EXPONENTIAL_FAMILIES[name]
    rng = np.random.default_rng(int(-math.log10(closeness)))
    positive_from = int("normal" in name and name != "half-normal")
    checked = 0
    for _ in range(3):
        p, q = drawn(name, rng, closeness)
        for a, b in ORDERS:
            value = float(affinity_gap(make(*p), make(*q), a, b))
            mixed = mixed_parameter(natural, p, q, a, b)
            if name != "poisson" and any(x <= 0 for x in mixed[positive_from:]):
                assert value == math.inf
                continue
            exact = gap(log_partition, natural, p, q, a, b)
            # near the edge of the family the mixed parameter itself is a difference
            edge = (
                1.0
                if name == "poisson"
                else max(1.0, *(float(abs(x / y)) for x, y in zip(natural(*p), mixed, strict=True)))
            )
            assert abs(value - exact) <= 4e-15 * edge * (abs(a) + abs(b)) * exact, (p, q, a, b)
            checked += 1
    assert checked >= 12


@pytest.mark.parametrize("closeness", [*CLOSENESS, 3.0])
@pytest.mark.parametrize("orders", ORDERS)
def test_every_order_of_the_circle_has_its_digits(orders, closeness):
    """The natural parameters are vectors in the plane, any vector is one."""
    rng = np.random.default_rng(6)
    for _ in range(3):
        p = np.array([rng.uniform(-3, 3), math.exp(rng.normal())])
        q = p + closeness * rng.normal(size=2) * np.array([1.0, p[1] / 4])

        def natural(m, k):
            return k * mpmath.cos(m), k * mpmath.sin(m)

        q[1] = abs(q[1])
        exact = gap(lambda x, y: log(mpmath.besseli(0, mpmath.hypot(x, y))), natural, p, q, *orders)
        value = float(affinity_gap(VonMises(*p), VonMises(*q), *orders))
        assert abs(value - exact) <= 8e-15 * (abs(orders[0]) + abs(orders[1])) * exact
    opposite = affinity_gap(VonMises(0.0, 2.0), VonMises(math.pi, 2.0), 0.5, 0.5)
    assert opposite == pytest.approx(4 * float(mpmath.log(mpmath.besseli(0, 2))), rel=1e-14)  # the middle is uniform


def test_orders_beyond_one_have_their_digits_far_apart():
    P, Q = Normal(10.87, 41.2), Normal(0.07, 1.04)
    _, log_partition, natural = EXPONENTIAL_FAMILIES["normal"]
    for a, b in ((-1.0, 2.0), (-0.5, 1.5)):
        exact = gap(log_partition, natural, (10.87, 41.2), (0.07, 1.04), a, b)
        assert abs(float(affinity_gap(P, Q, a, b)) - exact) <= 4e-15 * (abs(a) + abs(b)) * exact


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("name", COUNTS)
def test_every_order_of_counts_has_its_digits(name, closeness):
    make, log_partition, natural = COUNTS[name]
    rng = np.random.default_rng(7)
    for _ in range(3):
        p = rng.uniform(0.05, 0.6)
        q = p * math.exp(-closeness * rng.uniform(0.3, 1))
        for a, b in ORDERS:
            value = float(affinity_gap(make(p), make(q), a, b))
            mixed = a * math.log1p(-p) + b * math.log1p(-q)
            if name in ("geometric", "negative binomial") and mixed >= 0:
                assert value == math.inf
                continue
            exact = gap(log_partition, natural, [p], [q], a, b)
            edge = max(1.0, abs(math.log1p(-p) / mixed)) if name in ("geometric", "negative binomial") else 1.0
            assert abs(value - exact) <= 8e-15 * edge * (abs(a) + abs(b)) * exact, (p, q, a, b)


# ------------------------------------------------------------------- KL of location-scale families, by textbook formulas


def gumbel_kl(m, s, n, t):
    return log(t / s) + mpmath.euler * (s / t - 1) + mpmath.exp((n - m) / t) * mpmath.gamma(s / t + 1) - 1 - (n - m) / t


def moyal_kl(m, s, n, t):
    """With exp(-z) a square of a standard normal variable under the first, whose powers and logarithm have known means."""
    r, mean = s / t, mpmath.euler + log(2)
    power = mpmath.exp((n - m) / t) * 2**r * mpmath.gamma(r + mpmath.mpf(1) / 2) / mpmath.sqrt(mpmath.pi)
    return log(t / s) + ((m - n) / t + r * mean - mean + power - 1) / 2


def weibull_kl(k, s, j, t):
    return (
        log(k / s**k)
        - log(j / t**j)
        + (k - j) * (log(s) - mpmath.euler / k)
        + (s / t) ** j * mpmath.gamma(j / k + 1)
        - 1
    )


def von_mises_kl(m, k, n, j):
    ratio = mpmath.besseli(1, k) / mpmath.besseli(0, k)
    return log(mpmath.besseli(0, j) / mpmath.besseli(0, k)) + ratio * (k - j * mpmath.cos(m - n))


RELATIVE_ENTROPIES = {
    "gumbel": (Gumbel, gumbel_kl),
    "weibull": (Weibull, weibull_kl),
    "moyal": (Moyal, moyal_kl),
    "laplace": (Laplace, lambda m, s, n, t: log(t / s) + abs(m - n) / t + s / t * mpmath.exp(-abs(m - n) / s) - 1),
    "cauchy": (Cauchy, lambda m, s, n, t: log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t))),
    "von mises": (VonMises, von_mises_kl),
}


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("name", RELATIVE_ENTROPIES)
def test_relative_entropy_has_its_digits_at_every_closeness(name, closeness):
    make, formula = RELATIVE_ENTROPIES[name]
    rng = np.random.default_rng(5)
    for _ in range(5):
        p = np.exp(rng.uniform(-1, 1, size=2))
        q = p * np.exp(closeness * rng.normal(size=2))
        with mpmath.workdps(DIGITS):
            exact, reverse = formula(*map(mpmath.mpf, [*p, *q])), formula(*map(mpmath.mpf, [*q, *p]))
        P, Q = make(*p), make(*q)
        assert abs(float(dv.kl(P, Q)) - exact) <= 6e-15 * exact
        assert abs(float(dv.reverse_kl(P, Q)) - reverse) <= 6e-15 * reverse
        assert float(dv.jeffreys(P, Q)) == pytest.approx(float(exact + reverse), rel=1e-14)
    assert dv.kl(P, P) == 0.0


# --------------------------------------------------------------------------------------------------------- matrices


def multivariate_normal_affinity(p, q, a, b):
    """log int p^a q^b of means and covariances, at 110 digits."""
    (m, v), (n, w) = p, q
    first, second = v**-1, w**-1
    mixed = a * first + b * second
    h = a * first * m + b * second * n
    exponent = (h.T * mixed**-1 * h - a * m.T * first * m - b * n.T * second * n)[0] / 2
    return exponent - (log(mpmath.det(mixed)) - a * log(mpmath.det(first)) - b * log(mpmath.det(second))) / 2


def wishart_affinity(p, q, a, b):
    (n, v), (k, w) = p, q
    size = v.rows

    def log_partition(n, precision):
        multi = sum(lg((n - j) / 2) for j in range(size))
        return multi - n / 2 * log(mpmath.det(precision))

    first, second = v**-1, w**-1
    return (
        log_partition(a * n + b * k, a * first + b * second)
        - a * log_partition(n, first)
        - b * log_partition(k, second)
    )


def definite(rng, closeness=None, near=None):
    root = rng.normal(size=(3, 3))
    if near is None:
        return root @ root.T + 0.5 * np.eye(3)
    noise = closeness * root * np.abs(near).mean()
    return near + (noise + noise.T) / 2 * 0.2


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("orders", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.25, 0.75)])
def test_matrices_have_their_digits(closeness, orders):
    """Times the condition of the covariances: eigenvalues of a difference carry that."""
    rng = np.random.default_rng(3)
    v = definite(rng)
    w = definite(rng, closeness, v)
    m = rng.normal(size=3)
    n = m + closeness * rng.normal(size=3)
    condition = np.linalg.cond(v) + np.linalg.cond(w)
    df, dg = 4.5, 4.5 + closeness
    with mpmath.workdps(DIGITS):
        a = mpmath.mpf(orders[0])
        e = mpmath.mpf(10) ** -30
        a = a - e if a == 1 else a + e if a == 0 else a
        matrices = [mpmath.matrix(x.tolist()) for x in (v, w)]
        vectors = [mpmath.matrix(x.tolist()) for x in (m, n)]
        normals, wisharts = zip(vectors, matrices, strict=True), zip(map(mpmath.mpf, (df, dg)), matrices, strict=True)
        exact = [
            -affinity(*pair, a, 1 - a) / (a * (1 - a))
            for affinity, pair in ((multivariate_normal_affinity, tuple(normals)), (wishart_affinity, tuple(wisharts)))
        ]
    pairs = (MultivariateNormal(m, v), MultivariateNormal(n, w)), (Wishart(df, v), Wishart(dg, w))
    for pair, truth in zip(pairs, exact, strict=True):
        assert abs(float(affinity_gap(*pair, *orders)) - truth) <= 4e-15 * condition * truth


def test_the_order_of_matrices_is_limited_where_the_mixed_one_is_not_definite():
    P, Q = MultivariateNormal([0, 0], 3 * np.eye(2)), MultivariateNormal([0, 1], np.eye(2))
    assert dv.pearson_chi2(P, Q) == math.inf
    assert dv.pearson_chi2(Q, P) < math.inf
    assert dv.kl(P, Q) == pytest.approx(0.5 * (1 + 2 * 3 - 2 - 2 * math.log(3)), rel=1e-14)


def test_a_product_is_the_sum_of_its_coordinates():
    loc, scale = np.array([0.3, -1.0]), np.array([1.0, 0.4])
    P, Q = Product(Normal(loc, scale)), Product(Normal([0.0, 0.0], [1.0, 2.0]))
    each = dv.kl(Normal(loc, scale), Normal([0.0, 0.0], [1.0, 2.0]))
    assert dv.kl(P, Q) == pytest.approx(each.sum(), rel=1e-15)
    whole = MultivariateNormal(loc, np.diag(scale**2)), MultivariateNormal([0.0, 0.0], np.diag([1.0, 4.0]))
    assert dv.squared_hellinger(P, Q) == pytest.approx(dv.squared_hellinger(*whole), rel=1e-14)
    correlated = MultivariateNormal([0.0, 0.0], [[1.0, 0.5], [0.5, 2.0]])
    assert dv.kl(P, correlated) == dv.kl(whole[0], correlated)
    single = torch.distributions.Independent(torch.distributions.Normal(*map(torch.tensor, (loc, scale))), 1)
    assert float(dv.kl(single, single)) == 0.0


# -------------------------------------------------------------------------------------------------------- total variation


def normal_variation(m, s, n, t):
    """From the roots of the quadratic, at 110 digits."""
    if s == t:
        return mpmath.erf(abs(m - n) / (2 * mpmath.sqrt(2) * s))
    a, b = 1 / t**2 - 1 / s**2, m / s**2 - n / t**2
    c = n**2 / t**2 - m**2 / s**2 - 2 * log(s / t)
    root = mpmath.sqrt(b**2 - a * c)
    x, y = sorted(((-b - root) / a, (-b + root) / a))
    return abs(
        (mpmath.ncdf((y - m) / s) - mpmath.ncdf((x - m) / s)) - (mpmath.ncdf((y - n) / t) - mpmath.ncdf((x - n) / t))
    )


@pytest.mark.parametrize("closeness", [*CLOSENESS, 3.0])
def test_total_variation_of_normals_has_its_digits(closeness):
    rng = np.random.default_rng(1)
    for same in ((), (0,), (1,)):
        for _ in range(4):
            p = np.array([rng.normal(), math.exp(rng.normal())])
            q = p + closeness * rng.normal(size=2) * np.array([1, 0.3])
            q[1] = abs(q[1])
            for k in same:
                q[k] = p[k]
            with mpmath.workdps(DIGITS):
                exact = normal_variation(*map(mpmath.mpf, [*p, *q]))
            assert abs(float(dv.tv(Normal(*p), Normal(*q))) - exact) <= 4e-15 * exact
            assert dv.tv(LogNormal(*p), LogNormal(*q)) == dv.tv(Normal(*q), Normal(*p))
    assert dv.tv(Normal(*p), Normal(*p)) == 0.0


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize(
    "make",
    [Exponential, lambda s: Weibull(2.0, s), lambda s: Laplace(0.5, s), lambda m: Gumbel(m, 2.0)],
    ids=["exponential", "weibull", "laplace", "gumbel"],
)
def test_total_variation_of_one_rate_has_its_digits(make, closeness):
    x = 1.3
    y = x * (1 + closeness)
    with mpmath.workdps(DIGITS):
        x_, y_ = mpmath.mpf(x), mpmath.mpf(y)
        probe = make(x)
        if isinstance(probe, Weibull):
            x_, y_ = x_**-2, y_**-2
        if isinstance(probe, Laplace):
            x_, y_ = 1 / x_, 1 / y_
        if isinstance(probe, Gumbel):
            x_, y_ = mpmath.exp(x_ / 2), mpmath.exp(y_ / 2)
        crossing = log(x_ / y_) / (x_ - y_)
        exact = abs(mpmath.exp(-x_ * crossing) - mpmath.exp(-y_ * crossing))
    assert abs(float(dv.tv(make(x), make(y))) - exact) <= 4e-15 * exact


def test_total_variation_of_cauchy_and_shifted_laplace():
    P, Q = Cauchy(0.0, 1.0), Cauchy(1.0, 1.0)
    assert dv.tv(P, Q) == pytest.approx(2 / math.pi * math.atan(0.5), rel=1e-15)  # by symmetry about 1/2
    crossing = scipy.stats.cauchy(0, 1), scipy.stats.cauchy(0.5, 2.5)
    grid = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 400_001)[1:-1])
    measure = np.diff(grid)
    middle = (grid[1:] + grid[:-1]) / 2
    rough = np.sum(np.abs(crossing[0].pdf(middle) - crossing[1].pdf(middle)) * measure) / 2
    assert dv.tv(*crossing) == pytest.approx(rough, rel=1e-4)
    assert dv.tv(Laplace(0.0, 2.0), Laplace(3.0, 2.0)) == pytest.approx(1 - math.exp(-0.75), rel=1e-15)


# ----------------------------------------------------------------------------------------- supports, moments, infinities


@pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
def test_uniforms_are_three_atoms(d):
    P, Q = Uniform(0.0, 2.0), Uniform(1.0, 5.0)
    assert d(P, Q) == d([0.5, 0.5, 0.0], [0.25, 0.0, 0.75])
    assert d(P, Uniform(2.0, 3.0)) == pytest.approx(d.range.upper, rel=1e-15)
    inner = d(P, Uniform(-1.0, 3.0))
    assert inner == pytest.approx(float(d([1.0, 0.0], [0.5, 0.5])), rel=1e-15)


def test_uniforms_that_nearly_agree():
    x = 1 + 2.0**-40
    assert dv.tv(Uniform(0, 1), Uniform(0, x)) == pytest.approx(2.0**-40 / x, rel=1e-15)
    assert dv.kl(Uniform(0, 1), Uniform(0, x)) == pytest.approx(math.log1p(2.0**-40), rel=1e-15)
    assert dv.kl(Uniform(0, x), Uniform(0, 1)) == math.inf


@pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
def test_bernoulli_and_categorical_are_their_probabilities(d):
    assert d(Bernoulli(0.3), Bernoulli(0.6)) == pytest.approx(float(d([0.7, 0.3], [0.4, 0.6])), rel=1e-14)
    p, q = [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]
    assert d(Categorical(p), Categorical(q)) == pytest.approx(float(d(p, q)), rel=1e-15)


INFINITE = [
    (dv.kl, Pareto(2.0, 1.0), Pareto(2.0, 2.0)),
    (dv.reverse_kl, Pareto(2.0, 2.0), Pareto(2.0, 1.0)),
    (dv.pearson_chi2, Normal(0.0, 1.5), Normal(0.0, 1.0)),
    (dv.pearson_chi2, Exponential(1.0), Exponential(2.0)),
    (dv.neyman_chi2, Exponential(2.0), Exponential(1.0)),
    (dv.pearson_chi2, Geometric(0.2), Geometric(0.5)),
    (dv.kl, Normal(0.0, 1.0), Exponential(1.0)),
    (dv.kl, Exponential(1.0), Uniform(0.0, 1.0)),
    (dv.kl, Pareto(1.5, 1.0), Normal(0.0, 1.0)),  # no second moment
    (dv.kl, Pareto(0.5, 1.0), Exponential(1.0)),  # no mean
    (dv.kl, InverseGamma(0.5, 1.0), Exponential(1.0)),
    (dv.kl, Gamma(0.5, 1.0), InverseGamma(1.0, 1.0)),  # no mean of 1/x
    (dv.kl, Laplace(0.0, 3.0), Gumbel(0.0, 1.0)),
    (dv.kl, Geometric(0.5), Geometric(1.0)),
    (dv.kl, Bernoulli(0.5), Bernoulli(1.0)),
]
FINITE = [
    (dv.pearson_chi2, Normal(0.0, 1.4), Normal(0.0, 1.0)),
    (dv.pearson_chi2, Exponential(1.01), Exponential(2.0)),
    (dv.kl, Exponential(1.0), Normal(0.0, 1.0)),
    (dv.kl, Pareto(2.5, 1.0), Normal(0.0, 1.0)),
    (dv.kl, Pareto(2.0, 2.0), Pareto(2.0, 1.0)),
    (dv.kl, Gamma(1.5, 1.0), InverseGamma(1.0, 1.0)),
    (dv.kl, Uniform(0.0, 1.0), Exponential(1.0)),
]


@pytest.mark.parametrize(("d", "P", "Q"), INFINITE, ids=repr)
def test_infinite_by_support_or_moments(d, P, Q):
    assert closed_form(d, P, Q) == math.inf


@pytest.mark.parametrize(("d", "P", "Q"), FINITE, ids=repr)
def test_finite_at_the_border(d, P, Q):
    assert 0 < closed_form(d, P, Q) < math.inf


# ------------------------------------------------------------------------------------------------ two different families

CROSSED = [
    Normal(0.3, 0.8),
    LogNormal(0.2, 0.5),
    Exponential(1.7),
    Gamma(2.3, 1.1),
    InverseGamma(3.4, 1.2),
    Weibull(1.6, 0.9),
    Beta(2.2, 1.4),
    Laplace(0.2, 0.4),
    Gumbel(0.1, 0.7),
    Pareto(3.3, 0.6),
    Uniform(0.2, 0.9),
    HalfNormal(0.8),
    ContinuousBernoulli(0.3),
    ContinuousBernoulli(0.5),
]


def expected_log_ratio(P, Q):
    """KL by adaptive quadrature of the densities, in pieces between quantiles."""
    support = P.support()
    # scipy's objects are made once
    p, q = (z.log_density if isinstance(z, ContinuousBernoulli) else z.frozen().logpdf for z in (P, Q))
    levels = (1e-9, 1e-5, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-5, 1 - 1e-9)
    inner = {float(P.quantile(u)) for u in levels} | set(Q.breaks()) | set(P.breaks())
    ends = [support.lower, *sorted(x for x in inner if support.lower < x < support.upper), support.upper]

    def integrand(x):
        log_p = float(p(x))
        return math.exp(log_p) * (log_p - float(q(x))) if log_p > -700 else 0.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.integrate.IntegrationWarning)
        parts = [
            scipy.integrate.quad(integrand, a, b, epsabs=1e-14, epsrel=1e-11)[0] for a, b in itertools.pairwise(ends)
        ]
    return math.fsum(parts)


def test_two_families_by_quadrature():
    """All pairs with a closed form, and how many they are, so that none is lost."""
    finite = infinite = 0
    for P, Q in itertools.permutations(CROSSED, 2):
        if type(P) is type(Q):
            continue
        value = closed_form(dv.kl, P, Q)
        if value is not None and value < math.inf:
            finite += 1
            assert float(value) == pytest.approx(expected_log_ratio(P, Q), rel=1e-8), (P, Q)
        elif value is not None:
            infinite += 1
            outside = P.support().lower < Q.support().lower or P.support().upper > Q.support().upper
            no_mean_of_inverse = isinstance(P, Exponential | HalfNormal) and isinstance(Q, InverseGamma)
            assert outside or no_mean_of_inverse, (P, Q)
    assert (finite, infinite) == (76, 76)


def torch_pairs():
    normal, gamma, continuous = (getattr(torch.distributions, x) for x in ("Normal", "Gamma", "ContinuousBernoulli"))
    t = tensor
    return [
        (torch.distributions.Beta(t(2.0), t(1.5)), torch.distributions.Exponential(t(0.7))),
        (torch.distributions.Beta(t(2.0), t(1.5)), gamma(t(2.2), t(0.7))),
        (torch.distributions.Beta(t(2.0), t(1.5)), normal(t(0.2), t(0.7))),
        (torch.distributions.Exponential(t(2.0)), torch.distributions.Gumbel(t(0.3), t(0.8))),
        (torch.distributions.Exponential(t(2.0)), normal(t(0.3), t(0.8))),
        (gamma(t(2.0), t(3.0)), torch.distributions.Gumbel(t(0.3), t(0.8))),
        (gamma(t(2.0), t(3.0)), normal(t(0.3), t(0.8))),
        (torch.distributions.Gumbel(t(0.3), t(0.8)), normal(t(0.3), t(0.8))),
        (torch.distributions.Laplace(t(0.3), t(0.8)), normal(t(0.1), t(1.3))),
        (normal(t(0.1), t(1.3)), torch.distributions.Gumbel(t(0.3), t(0.8))),
        (normal(t(0.1), t(1.3)), torch.distributions.Laplace(t(0.3), t(0.8))),
        (torch.distributions.Pareto(t(1.2), t(3.1)), torch.distributions.Exponential(t(0.8))),
        (torch.distributions.Pareto(t(1.2), t(3.1)), gamma(t(1.5), t(0.8))),
        (torch.distributions.Pareto(t(1.2), t(3.1)), normal(t(1.5), t(0.8))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), torch.distributions.Beta(t(2.0), t(1.5))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), torch.distributions.Exponential(t(2.0))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), gamma(t(2.0), t(1.4))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), torch.distributions.Gumbel(t(0.3), t(0.8))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), normal(t(0.3), t(0.8))),
        (torch.distributions.Uniform(t(1.2), t(1.9)), torch.distributions.Pareto(t(1.1), t(0.8))),
        (continuous(t(0.3)), continuous(t(0.8))),
        (continuous(t(0.3)), torch.distributions.Exponential(t(0.8))),
        (continuous(t(0.3)), normal(t(0.1), t(0.8))),
        (continuous(t(0.3)), torch.distributions.Uniform(t(-0.1), t(1.1))),
        (torch.distributions.Beta(t(2.0), t(1.5)), continuous(t(0.3))),
        (torch.distributions.Uniform(t(0.2), t(0.9)), continuous(t(0.3))),
        (torch.distributions.HalfNormal(t(2.0)), torch.distributions.HalfNormal(t(1.5))),
        (torch.distributions.Bernoulli(t(0.3)), torch.distributions.Poisson(t(0.8))),
        (torch.distributions.Poisson(t(0.8)), torch.distributions.Bernoulli(t(0.3))),
        (torch.distributions.Poisson(t(0.8)), torch.distributions.Binomial(5, t(0.3))),
        (normal(t(0.1), t(0.8)), continuous(t(0.3))),
        (torch.distributions.Bernoulli(t(0.3)), torch.distributions.Bernoulli(t(0.4))),
        (torch.distributions.Geometric(t(0.3)), torch.distributions.Geometric(t(0.4))),
        (torch.distributions.Dirichlet(t([0.3, 2.0])), torch.distributions.Dirichlet(t([0.4, 1.0]))),
    ]


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


@pytest.mark.parametrize(("P", "Q"), torch_pairs(), ids=lambda x: type(x).__name__)
def test_torch_agrees_on_the_pairs_that_it_registers(P, Q):
    ours = dv.kl(P, Q)
    assert isinstance(ours, torch.Tensor)
    assert ours.dtype == torch.float64
    assert float(ours) == pytest.approx(float(torch.distributions.kl_divergence(P, Q)), rel=1e-12)


def test_a_batch_of_normals_is_one_by_one_what_the_textbook_says():
    """Few passes over many numbers, and few numbers done again: no seam shows, out to the ends of the doubles."""
    rng = np.random.default_rng(0)
    ratio = np.concatenate(
        [
            1 + np.linspace(-0.5, 0.7, 400),  # across where the series takes over
            np.exp(rng.normal(size=100) * 10.0 ** rng.uniform(-12, 1, size=100)),
            [1.0, 1e-160, 1e-300, 1e150, 1e-154, 1.5e-154, 0.5, 2.0],
        ]
    )
    scale = np.exp(rng.normal(size=ratio.shape))
    first = ratio * scale
    values = dv.kl(Normal(0.0, first), Normal(0.0, scale))
    with mpmath.workdps(700):
        for s, t, value in zip(first.tolist(), scale.tolist(), values.tolist(), strict=True):
            r = mpmath.mpf(s) / mpmath.mpf(t)
            exact = (r * r - 1) / 2 - log(r)
            assert abs(value - exact) <= 2e-15 * exact
    assert np.array_equal(
        values.reshape(4, -1), dv.kl(Normal(0.0, first.reshape(4, -1)), Normal(0.0, scale.reshape(4, -1)))
    )


# ---------------------------------------------------------------------------------------------- images, counts, products


@pytest.mark.parametrize("closeness", CLOSENESS)
def test_multinomials_are_so_many_draws(closeness):
    """n times the gap of the exactly normalised probabilities, at 110 digits."""
    rng = np.random.default_rng(4)
    for _ in range(3):
        p = rng.dirichlet(np.ones(4))
        q = p * np.exp(closeness * rng.normal(size=4))
        q /= q.sum()
        with mpmath.workdps(DIGITS):
            x, y = ([mpmath.mpf(z) / mpmath.fsum(map(mpmath.mpf, w.tolist())) for z in w.tolist()] for w in (p, q))
            for a, b in ((1.0, 0.0), (0.5, 0.5), (2.0, -1.0), (-1.0, 2.0)):
                if b == 0:
                    exact = mpmath.fsum(u * log(u / v) for u, v in zip(x, y, strict=True))
                else:
                    power = mpmath.fsum(u**a * v**b for u, v in zip(x, y, strict=True))
                    exact = -log(power) / (mpmath.mpf(a) * b)
                value = float(affinity_gap(Multinomial(7, p), Multinomial(7, q), a, b))
                assert abs(value - 7 * exact) <= 8e-15 * (abs(a) + abs(b)) * 7 * exact


def test_multinomials_by_all_their_outcomes():
    p, q, n = [0.2, 0.3, 0.5], [0.4, 0.5, 0.1], 5
    outcomes = np.array([k for k in itertools.product(range(n + 1), repeat=3) if sum(k) == n])
    P, Q = (scipy.stats.multinomial(n, z).pmf(outcomes) for z in (p, q))
    for d in (dv.kl, dv.reverse_kl, dv.squared_hellinger, dv.pearson_chi2, dv.alpha(0.3)):
        assert d(Multinomial(n, p), Multinomial(n, q)) == pytest.approx(float(d(P, Q, normalize=True)), rel=1e-13)
    certain = Multinomial(n, [1.0, 0.0, 0.0])
    assert dv.kl(certain, Multinomial(n, p)) == pytest.approx(-n * math.log(0.2), rel=1e-14)
    assert dv.kl(Multinomial(n, p), certain) == math.inf
    assert dv.squared_hellinger(certain, Multinomial(n, [0.0, 0.5, 0.5])) == 2.0
    assert dv.squared_hellinger(Multinomial(n, p), Multinomial(n + 1, p)) == 2.0
    assert dv.js.bounds(Multinomial(n, p), Multinomial(n, q)).contains(float(dv.js(P, Q, normalize=True)))
    assert dv.tv.bounds(Multinomial(n, p), MultivariateNormal(np.zeros(3), np.eye(3))).value == 1.0


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (Bernoulli(0.3), Poisson(0.7)),
        (Bernoulli(0.3), Geometric(0.7)),
        (Bernoulli(0.0), Poisson(0.7)),
        (Bernoulli(1.0), Geometric(0.7)),
        (Binomial(4, 0.0), Bernoulli(0.3)),
        (Geometric(1.0), Poisson(2.0)),
    ],
    ids=repr,
)
def test_two_families_of_counts_by_their_sums(P, Q):
    k = np.arange(5.0)
    p, q = (np.exp(z.log_density(k)) for z in (P, Q))
    assert p.sum() == pytest.approx(1.0, rel=1e-15)
    exact = math.fsum(x * math.log(x / y) for x, y in zip(p.tolist(), q.tolist(), strict=True) if x > 0)
    assert dv.kl(P, Q) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (Poisson(3.0), Binomial(9, 0.5)),
        (Geometric(0.5), Bernoulli(0.5)),
        (Normal(0.0, 1.0), Poisson(1.0)),
        (Poisson(1.0), Normal(0.0, 1.0)),
        (Bernoulli(0.5), ContinuousBernoulli(0.5)),
    ],
    ids=repr,
)
def test_counts_beyond_those_of_the_other_or_beside_a_density_are_infinitely_far(P, Q):
    assert closed_form(dv.kl, P, Q) == dv.kl(P, Q) == math.inf


def test_images_under_one_map_have_the_divergences_of_the_originals():
    square = Monotone(np.square, np.sqrt, lambda x: np.log(2 * x), name="x^2")
    other = Monotone(np.square, np.sqrt, lambda x: np.log(2 * x), name="x^2")
    P, Q = Gamma(2.0, 1.5), Gamma(2.5, 1.1)
    mapped = Pushforward(P, square), Pushforward(Q, square)
    for d in (dv.kl, dv.squared_hellinger, dv.renyi(0.3), dv.chernoff):
        assert d(*mapped) == d(P, Q)
    assert closed_form(dv.kl, mapped[0], Pushforward(Q, other)) is None  # it cannot be known to be the same
    assert dv.kl.bounds(mapped[0], Pushforward(Q, other)).contains(float(dv.kl(P, Q)))
    # a chi variable is the root of a gamma one
    root = Monotone(np.sqrt, np.square, lambda x: -np.log(2 * np.sqrt(x)), name="root")
    assert dv.kl.bounds(Chi(4.0, 1 / math.sqrt(3)), Pushforward(Q, root)).contains(float(dv.kl(P, Q)))
    uniform = Pushforward(Uniform(0.0, 1.0), square), Pushforward(Uniform(0.5, 2.0), square)
    assert dv.js(*uniform) == dv.js(Uniform(0.0, 1.0), Uniform(0.5, 2.0))


def test_transformed_distributions_of_torch():
    D = torch.distributions
    loc = torch.tensor([0.1, 0.2], dtype=torch.float64, requires_grad=True)
    maps = [D.ExpTransform(), D.AffineTransform(1.0, -2.0)]
    P = D.TransformedDistribution(D.Normal(loc, tensor(1.0)), maps)
    Q = D.TransformedDistribution(D.Normal(tensor(0.4), tensor(2.0)), [D.ExpTransform(), D.AffineTransform(1.0, -2.0)])
    ours, theirs = dv.kl(P, Q), D.kl_divergence(P, Q)
    assert torch.allclose(ours, theirs, rtol=1e-14)
    gradients = [torch.autograd.grad(x.sum(), loc)[0] for x in (ours, theirs)]
    assert torch.allclose(*gradients, rtol=1e-14)
    single = D.TransformedDistribution(D.Normal(tensor(0.1), tensor(1.0)), maps)
    moved = D.TransformedDistribution(
        D.Normal(tensor(0.4), tensor(2.0)), [D.ExpTransform(), D.AffineTransform(1.0, -3.0)]
    )
    # the maps differ by the scale of a log-normal: a shift of the normal
    scaled = D.Normal(tensor(0.4 + math.log(1.5)), tensor(2.0))
    value = dv.kl(single, moved)
    assert isinstance(value, torch.Tensor)
    assert float(value) == pytest.approx(float(dv.kl(D.Normal(tensor(0.1), tensor(1.0)), scaled)), rel=1e-10)
    with pytest.raises(TypeError, match="record no gradients where there is no closed form"):
        dv.kl(P, moved)
    tracked = torch.tensor(-2.0, dtype=torch.float64, requires_grad=True)
    learned = D.TransformedDistribution(D.Normal(tensor(0.1), tensor(1.0)), [D.AffineTransform(1.0, tracked)])
    with pytest.raises(TypeError, match="maps whose parameters record no gradients"):
        dv.js(learned, single)


def test_independent_coordinates_of_torch_over_any_number_of_axes():
    D = torch.distributions
    generator = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(2, 3, 4, generator=generator).double(), torch.rand(4, generator=generator).double() + 0.5
    pair = D.Normal(loc, scale), D.Normal(torch.zeros(2, 3, 4).double(), tensor(1.0))
    for axes in (0, 1, 2, 3):
        ours, theirs = (f(*(D.Independent(x, axes) for x in pair)) for f in (dv.kl, D.kl_divergence))
        assert ours.shape == theirs.shape == (2, 3, 4)[: 3 - axes]
        assert torch.allclose(ours, theirs, rtol=1e-13)
    nested = dv.kl(*(D.Independent(D.Independent(x, 1), 1) for x in pair))
    assert torch.allclose(nested, D.kl_divergence(*(D.Independent(x, 2) for x in pair)), rtol=1e-13)
    vectors = (
        D.MultivariateNormal(loc, torch.eye(4).double() + 0.3),
        D.MultivariateNormal(0 * loc, torch.eye(4).double()),
    )
    categories = D.Categorical(torch.softmax(loc, -1)), D.Categorical(torch.softmax(-loc, -1))
    for one in (vectors, categories):
        ours, theirs = (f(*(D.Independent(x, 1) for x in one)) for f in (dv.kl, D.kl_divergence))
        assert torch.allclose(ours, theirs, rtol=1e-12)


# ----------------------------------------------------------------------------------------------------------- gradients

DIFFERENTIABLE = [
    (dv.kl, Normal, (0.3, 0.8, -0.2, 1.1)),
    (dv.squared_hellinger, Normal, (0.3, 0.8, -0.2, 1.1)),
    (dv.pearson_chi2, Normal, (0.3, 0.8, -0.2, 1.1)),
    (dv.tv, Normal, (0.3, 0.8, -0.2, 1.1)),
    (dv.renyi(0.4), Gamma, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Gamma, (2.0, 0.8, 1.5, 1.1)),
    (dv.bhattacharyya, Beta, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Weibull, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Gumbel, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Laplace, (2.0, 0.8, 1.5, 1.1)),
    (dv.jeffreys, Pareto, (2.0, 1.1, 1.5, 1.1)),
    (dv.kl, VonMises, (2.0, 0.8, 1.5, 1.1)),
    (dv.js, Uniform, (0.0, 2.0, 0.5, 3.1)),
    (dv.tsallis(1.5), InverseGamma, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Cauchy, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, Moyal, (2.0, 0.8, 1.5, 1.1)),
    (dv.renyi(0.4), Chi, (2.0, 0.8, 1.5, 1.1)),
    (dv.kl, ExpGamma, (2.0, 0.8, 1.5, 1.1)),
    (dv.tv, LogitNormal, (0.3, 0.8, -0.2, 1.1)),
]


@pytest.mark.parametrize(("d", "family", "values"), DIFFERENTIABLE, ids=lambda x: getattr(x, "__name__", repr(x)))
def test_gradients_agree_with_finite_differences(d, family, values):
    def value(*x):
        return d(family(x[0], x[1]), family(x[2], x[3]))

    if family is Pareto:  # where the scales agree KL one way is infinite on one side
        values = (values[0], values[2])

        def value(*x):
            return d(Pareto(x[0], 1.1), Pareto(x[1], 1.1))

    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in values]
    assert torch.autograd.gradcheck(value, tensors, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("values", [(0.3, 0.7), (0.5, 0.7), (0.5, 0.5), (0.999, 1e-3)])
def test_gradients_of_continuous_bernoulli_agree_with_finite_differences_also_at_one_half(values):
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in values]
    for d in (dv.kl, dv.bhattacharyya):
        assert torch.autograd.gradcheck(
            lambda x, y, d=d: d(ContinuousBernoulli(x), ContinuousBernoulli(y)), tensors, eps=1e-7, rtol=1e-4, atol=1e-6
        )


def test_gradients_of_matrices_agree_with_finite_differences_also_at_equal_eigenvalues():
    root = torch.tensor([[1.0, 0.2], [0.0, 0.7]], dtype=torch.float64, requires_grad=True)
    mean = torch.tensor([0.3, -0.1], dtype=torch.float64, requires_grad=True)
    other = torch.eye(2, dtype=torch.float64)

    def value(mean, root):
        return dv.kl(MultivariateNormal(mean, root @ root.T + other), MultivariateNormal(torch.zeros_like(mean), other))

    assert torch.autograd.gradcheck(value, (mean, root), rtol=1e-5, atol=1e-8)
    scaled = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    P = MultivariateNormal(torch.zeros(2, dtype=torch.float64), scaled * other)
    dv.kl(P, MultivariateNormal(torch.zeros(2, dtype=torch.float64), other)).backward()
    assert float(scaled.grad) == pytest.approx(0.5, rel=1e-12)  # of s - 1 - log s


@pytest.mark.parametrize("family", [Normal, Gamma, Beta, Gumbel, Weibull, Laplace, Cauchy, VonMises, Moyal, Chi])
def test_gradients_at_equal_parameters_are_zero_and_not_nan(family):
    x = [torch.tensor(1.5, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    y = [torch.tensor(1.5, dtype=torch.float64) for _ in range(2)]
    dv.kl(family(*x), family(*y)).backward()
    assert [float(t.grad) for t in x] == pytest.approx([0.0, 0.0], abs=1e-15)


# ---------------------------------------------------------------------------------------- derived ones, batches, objects


@given(st.floats(0.05, 0.95), st.floats(0.3, 3.0), st.floats(0.3, 3.0), st.floats(-2, 2))
def test_everything_follows_from_the_affinity(s, x, y, shift):
    P, Q = Normal(0.0, x), Normal(shift, y)
    log_affinity = -s * (1 - s) * float(affinity_gap(P, Q, s, 1 - s))
    assert dv.renyi(s)(P, Q) == pytest.approx(log_affinity / (s - 1), rel=1e-12, abs=1e-300)
    assert dv.tsallis(s)(P, Q) == pytest.approx(math.expm1(log_affinity) / (s - 1), rel=1e-12, abs=1e-300)
    assert dv.alpha(s)(P, Q) == pytest.approx(math.expm1(log_affinity) / (s * (s - 1)), rel=1e-12, abs=1e-300)
    half = math.exp(-float(dv.bhattacharyya(P, Q)))
    assert dv.squared_hellinger(P, Q) == pytest.approx(2 - 2 * half, rel=1e-9, abs=1e-14)
    assert dv.renyi(2)(P, Q) == pytest.approx(math.log1p(float(dv.pearson_chi2(P, Q))), rel=1e-12, abs=1e-300)
    assert dv.renyi(1)(P, Q) == dv.kl(P, Q)
    assert dv.renyi(0)(P, Q) == pytest.approx(0.0, abs=1e-12)


def test_chernoff_information_of_normals_of_one_scale_is_at_one_half():
    P, Q = Normal(0.0, 1.0), Normal(3.0, 1.0)
    assert dv.chernoff(P, Q) == pytest.approx(9 / 8, rel=1e-12)
    assert dv.chernoff(P, Q) >= dv.bhattacharyya(P, Q) * (1 - 1e-15)
    assert dv.chernoff(Exponential(1.0), Exponential(2.0)) <= dv.kl(Exponential(1.0), Exponential(2.0))


def test_batches_broadcast_and_keep_their_dtype():
    loc = np.linspace(-1, 1, 5, dtype=np.float32)
    value = dv.kl(Normal(loc, np.float32(1.0)), Normal(np.zeros((3, 1), dtype=np.float32), np.float32(1.0)))
    assert value.shape == (3, 5)
    assert value.dtype == np.float32
    assert np.array_equal(value, np.broadcast_to(loc**2 / 2, (3, 5)))
    assert isinstance(dv.kl(Normal(0.0, 1.0), Normal(1.0, 1.0)), np.float64)


def test_objects_of_scipy_and_torch_are_records():
    frozen = dv.kl(scipy.stats.norm(0.3, 1.2), scipy.stats.norm(loc=1, scale=2))
    assert frozen == dv.kl(Normal(0.3, 1.2), Normal(1.0, 2.0))
    newer = dv.kl(scipy.stats.Normal(mu=0.3, sigma=1.2), scipy.stats.Normal(mu=1.0, sigma=2.0))
    assert newer == frozen
    tensor = dv.kl(torch.distributions.Normal(0.3, 1.2), scipy.stats.norm(1, 2))
    assert isinstance(tensor, torch.Tensor)
    assert float(tensor) == pytest.approx(float(frozen), rel=1e-6)
    assert repr(as_distribution(scipy.stats.chi2(3))) == "Gamma(shape=1.5, rate=0.5)"


def test_an_object_beside_an_array_is_refused():
    with pytest.raises(TypeError, match="expected two distributions, got list as q"):
        dv.kl(Normal(0.0, 1.0), [0.5, 0.5])
    with pytest.raises(TypeError, match="neither axis nor normalize beside distributions, got axis=0"):
        dv.kl(Normal(0.0, 1.0), Normal(0.0, 2.0), axis=0)
    with pytest.raises(TypeError, match="neither axis nor normalize"):
        dv.renyi(2)(Normal(0.0, 1.0), Normal(0.0, 2.0), normalize=True)
    with pytest.raises(ValueError, match="on one space, got dimensions 1 and 2"):
        dv.kl(Normal(0.0, 1.0), MultivariateNormal([0.0, 0.0], np.eye(2)))
    with pytest.raises(ValueError, match="batches that broadcast"):
        dv.kl(Normal([0.0, 1.0], 1.0), Normal([0.0, 1.0, 2.0], 1.0))
    with pytest.raises(TypeError, match="expected two distributions"):
        dv.renyi(2)([0.5, 0.5], Normal(0.0, 1.0))


@pytest.mark.parametrize("d", [d for d in dv.FDIVERGENCES if d.powers], ids=str)
def test_a_sum_of_powers_is_what_it_declares(d):
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet(np.ones(6), size=2)
    parts = [c * float(dv.alpha(a)(p, q)) for c, a, b in d.powers]
    assert float(d(p, q)) == pytest.approx(sum(parts), rel=1e-13)
    assert all(a + b == pytest.approx(1, abs=1e-15) for _, a, b in d.powers)


# -------------------------------------------------------------------------------------------- far apart, and at the edges


def test_equal_scales_far_apart():
    """The ratio of the rates is below the rounding unit, or beyond the range of doubles."""
    assert dv.kl(Gumbel(0.0, 1.0), Gumbel(30.0, 1.0)) == pytest.approx(math.exp(30) - 31, rel=1e-14)
    assert dv.kl(Gumbel(30.0, 1.0), Gumbel(0.0, 1.0)) == pytest.approx(29 + math.exp(-30), rel=1e-14)
    exact = 25.0**10 - 1 - 10 * math.log(25)
    assert dv.kl(Weibull(10.0, 25.0), Weibull(10.0, 1.0)) == pytest.approx(exact, rel=1e-14)
    there, back = (dv.renyi(0.5)(Gumbel(x, 1.0), Gumbel(80 - x, 1.0)) for x in (0.0, 80.0))
    assert there == back == pytest.approx(80 - 2 * math.log(2), rel=1e-14)
    for distance in (50.0, 800.0):
        assert dv.tv(Gumbel(0.0, 1.0), Gumbel(distance, 1.0)) == pytest.approx(1.0, rel=1e-14)
    assert dv.tv(Exponential(1e-300), Exponential(1e300)) == 1.0


@pytest.mark.parametrize("concentrations", [(90.88, 0.242), (0.242, 90.88), (500.0, 3e-3)])
def test_von_mises_of_very_different_concentrations(concentrations):
    with mpmath.workdps(DIGITS):
        exact = von_mises_kl(0, mpmath.mpf(concentrations[0]), 0, mpmath.mpf(concentrations[1]))
    P, Q = (VonMises(0.0, k) for k in concentrations)
    assert abs(float(dv.kl(P, Q)) - exact) <= 6e-15 * exact
    assert dv.kl.bounds(P, Q).contains(float(exact))


def test_large_shapes_do_not_cancel_in_silence():
    r"""KL of Gamma(k, 1) from N(k, k): the closed form cancels, quadrature does not; about 1/(3k)."""
    for k in (1e2, 1e6):
        P, Q = Gamma(k, 1.0), Normal(k, math.sqrt(k))
        with mpmath.workdps(50):
            x = mpmath.mpf(k)
            sd = mpmath.mpf(math.sqrt(k))
            entropy = x + lg(x) + (1 - x) * mpmath.digamma(x)
            exact = -entropy + log(2 * mpmath.pi) / 2 + log(sd) + x / (2 * sd**2)
        assert float(dv.kl(P, Q)) == pytest.approx(float(exact), rel=1e-6)
        assert dv.kl.bounds(P, Q).contains(float(exact))
    for k in (1e4, 1e10):
        with mpmath.workdps(50):  # KL from Exponential(1) is the mean less the entropy
            x = mpmath.mpf(k)
            entropy = x + log(x) + lg(x) - (1 + x) * mpmath.digamma(x)
            exact = x / (x - 1) - entropy
        assert float(dv.kl(InverseGamma(k, k), Exponential(1.0))) == pytest.approx(float(exact), rel=1e-5)


@pytest.mark.parametrize(
    ("P", "Q", "same"),
    [
        (Exponential(1.0), Gamma(1 + 1e-9, 1.0), Gamma(1.0, 1.0)),
        (Exponential(0.5), Weibull(1 + 1e-9, 2.0), Weibull(1.0, 2.0)),
        (Geometric(0.3), NegativeBinomial(1.0, 0.3 + 1e-9), NegativeBinomial(1.0, 0.3)),
        (Bernoulli(0.3), Binomial(1, 0.3 + 1e-9), Binomial(1, 0.3)),
    ],
    ids=repr,
)
def test_a_member_of_a_larger_family_keeps_its_digits(P, Q, same):
    assert float(dv.kl(P, Q)) == pytest.approx(float(dv.kl(same, Q)), rel=1e-13)
    assert float(dv.squared_hellinger(Q, P)) == pytest.approx(float(dv.squared_hellinger(Q, same)), rel=1e-13)


def test_certain_counts():
    assert dv.renyi(2)(Geometric(1.0), Geometric(1.0)) == 0.0
    assert dv.pearson_chi2(Geometric(1.0), Geometric(0.5)) == pytest.approx(1.0, rel=1e-15)
    assert dv.pearson_chi2(Geometric(0.5), Geometric(1.0)) == math.inf


def test_gumbel_far_from_zero():
    near, far = (closed_form(dv.kl, Normal(x, 1.0), Gumbel(x, 1.0)) for x in (0.0, 1000.0))
    assert far == pytest.approx(float(near), rel=1e-11)


def test_the_bounds_of_matrices_allow_for_their_condition():
    rng = np.random.default_rng(0)
    for power in (3, 9):
        basis, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        v, w = (basis @ np.diag(d) @ basis.T for d in ([1.0, 10.0**-power, 1.0], [1.0, 2 * 10.0**-power, 3.0]))
        v, w = (v + v.T) / 2, (w + w.T) / 2
        with mpmath.workdps(DIGITS):
            first, second = (mpmath.matrix(x.tolist()) for x in (v, w))
            trace = sum((second**-1 * first)[i, i] for i in range(3))
            exact = (trace - 3 + log(mpmath.det(second) / mpmath.det(first))) / 2
        zero = np.zeros(3)
        assert dv.kl.bounds(MultivariateNormal(zero, v), MultivariateNormal(zero, w)).contains(float(exact))


@pytest.mark.parametrize(
    ("d", "P", "Q"),
    [
        (dv.kl, lambda x: Weibull(x, 1.0), lambda x: Weibull(x, 2.0)),
        (dv.kl, lambda x: Gumbel(0.0, x), lambda x: Gumbel(1.0, x)),
        (dv.kl, lambda x: Laplace(x, 1.0), lambda x: Laplace(x, 2.0)),
    ],
    ids=["weibull", "gumbel", "laplace"],
)
def test_gradients_where_parameters_happen_to_agree(d, P, Q):
    def value(x, y):
        return d(P(x), Q(y))

    x, y = (torch.tensor(1.5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    value(x, y).backward()
    step = 1e-6
    plain = lambda a, b: float(value(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)))
    for tensor_, ahead, behind in (
        (x, plain(1.5 + step, 1.5), plain(1.5 - step, 1.5)),
        (y, plain(1.5, 1.5 + step), plain(1.5, 1.5 - step)),
    ):
        # at a kink of the absolute value, as of Laplace, any slope between the two will do
        assert float(tensor_.grad) == pytest.approx((ahead - behind) / (2 * step), abs=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: dv.squared_hellinger(Weibull(x, 1.0), Weibull(x, 2.0)),
        lambda x: dv.tv(Laplace(0.0, x), Laplace(1.0, x)),
        lambda x: dv.kl(NegativeBinomial(x, 0.4), NegativeBinomial(x, 0.6)),
    ],
    ids=["weibull", "laplace", "negative binomial"],
)
def test_gradients_that_a_formula_does_not_have_are_refused(call):
    with pytest.raises(TypeError, match="to record no gradients where the closed form needs equal ones"):
        call(torch.tensor(1.5, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize(
    ("d", "P", "Q"),
    [
        (dv.kl, Bernoulli, lambda: Bernoulli(tensor([1.0, 0.4, 0.3]))),
        (dv.kl, Geometric, lambda: Geometric(tensor([0.2, 0.4, 0.3]))),
        (dv.kl, Exponential, lambda: Gumbel(tensor([0.0, 1.0, 2.0]), tensor([1e-3, 1.0, 2.0]))),
        (dv.kl, lambda x: Laplace(0 * x, x), lambda: Gumbel(tensor([0.0, 1.0, 2.0]), tensor([0.1, 1.0, 2.0]))),
        (
            dv.kl,
            lambda x: Pareto(8 * x, 0 * x + 1.0),
            lambda: Weibull(tensor([3.0, 1.0, 0.5]), tensor([1.0, 1.0, 1.0]) * 0 + 1),
        ),
        (
            dv.pearson_chi2,
            lambda x: Normal(0 * x, 3 * x),
            lambda: Normal(tensor([0.0, 0.0, 0.0]), tensor([0.1, 1.0, 2.0])),
        ),
    ],
    ids=["bernoulli", "geometric", "exponential", "laplace", "pareto", "normal"],
)
def test_an_infinite_entry_of_a_batch_leaves_the_gradients_of_the_others(d, P, Q):
    x = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    value = d(P(x), Q())
    torch.where(torch.isfinite(value), value, 0.0).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_single_precision_categoricals_of_torch():
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        P, Q = (torch.distributions.Categorical(logits=torch.randn(10, generator=generator)) for _ in range(2))
        assert float(dv.kl(P, Q)) == pytest.approx(float(torch.distributions.kl_divergence(P, Q)), rel=1e-5)
        assert dv.js.bounds(P, Q).gap < 1e-11


def test_values_are_numbers_of_the_dtype_of_the_parameters():
    assert isinstance(dv.js(Normal(0.0, 1.0), Normal(1.0, 1.0)), np.float64)
    assert isinstance(dv.kl(Bernoulli(0.5), Bernoulli(0.25)), np.float64)
    mixed = dv.kl(Normal(torch.tensor(0.0), torch.tensor(1.0)), scipy.stats.norm(0, 2))
    assert mixed.dtype == torch.float32


def test_what_is_not_a_distribution_yet_is_refused_with_advice():
    for P, Q in ((scipy.stats.norm, scipy.stats.norm), (Normal, Normal), (Normal(0, 1), scipy.stats.norm)):
        with pytest.raises(TypeError, match=r"with its parameters, got .*; make one, as in"):
            dv.kl(P, Q)
    with pytest.raises(TypeError, match=r"expected d to be an f-divergence, got divergences\.renyi"):
        dv.bound(dv.renyi(2), given=dv.kl, value=0.1)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(2)),
        torch.distributions.Normal(torch.zeros(2, requires_grad=True), torch.ones(2)),
    )
    with pytest.raises(TypeError, match="a mixture whose parameters record no gradients"):
        dv.kl(mixture, Normal(0.0, 1.0))
