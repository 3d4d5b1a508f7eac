"""Records of families: densities, quantiles and samples agree; objects of scipy and torch become them."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences import families
from divergences.families import (
    Categorical,
    Dirichlet,
    Exponential,
    Family,
    Laplace,
    Mixture,
    Monotone,
    MultivariateNormal,
    Normal,
    Poisson,
    Product,
    Pushforward,
    Uniform,
    Wishart,
    as_distribution,
    is_distribution,
)

LINE = [
    families.Normal(0.3, 1.2),
    families.HalfNormal(1.2),
    families.LogNormal(0.1, 0.6),
    families.Exponential(1.4),
    families.Chi(2.5, 1.2),
    families.ExpGamma(1.5, 0.7),
    families.Moyal(0.3, 0.8),
    families.LogitNormal(0.3, 1.2),
    families.ContinuousBernoulli(0.2),
    families.ContinuousBernoulli(0.5),
    families.ContinuousBernoulli(0.999),
    families.Gamma(2.3, 1.1),
    families.InverseGamma(3.1, 2.0),
    families.Weibull(1.7, 0.8),
    families.Beta(2.0, 3.5),
    families.Laplace(-0.4, 0.7),
    families.Logistic(0.2, 0.5),
    families.Cauchy(1.0, 0.3),
    families.Gumbel(0.5, 1.2),
    families.Pareto(2.5, 0.7),
    families.Uniform(-1.0, 2.5),
    families.StudentT(4.0, 0.5, 1.3),
    families.VonMises(0.4, 3.0),
    Mixture([Normal(-1.0, 0.25), Normal(2.0, math.sqrt(2))], [0.33, 0.67]),
    Pushforward(Normal(0.0, 0.5), Monotone(np.exp, np.log, lambda x: x, name="exp")),
]
LATTICE = [
    families.Poisson(3.4),
    families.Geometric(0.3),
    families.Binomial(9, 0.4),
    families.NegativeBinomial(2.5, 0.4),
    families.Bernoulli(0.2),
    families.Categorical([0.2, 0.0, 0.5, 0.3]),
    Mixture([Poisson(1.0), Poisson(9.0)], [0.25, 0.75]),
]
LEVELS = np.array([1e-3, 0.05, 0.3, 0.5, 0.8, 0.99])


@pytest.mark.parametrize("P", LINE, ids=repr)
def test_the_density_integrates_to_the_distribution_function(P):
    quantiles = P.quantile(LEVELS)
    support = P.support()
    assert np.all((quantiles > support.lower) & (quantiles < support.upper))
    for a, b in itertools.pairwise(quantiles):
        points = [x for x in P.breaks() if a < x < b]
        mass = scipy.integrate.quad(lambda x: math.exp(P.log_density(np.asarray(x))), a, b, points=points or None)[0]
        assert mass == pytest.approx(float(P.cdf(np.asarray(b)) - P.cdf(np.asarray(a))), rel=1e-8)
    # the quantiles of the circle are interpolated in a table
    assert P.cdf(quantiles) == pytest.approx(LEVELS, rel=1e-3 if isinstance(P, families.VonMises) else 1e-9)


@pytest.mark.parametrize("P", [*LINE, *LATTICE], ids=repr)
def test_what_is_beyond_is_what_is_left(P):
    """Far out it keeps its digits where a record knows it: that of -X is the distribution function."""
    x = P.quantile(LEVELS)
    assert P.survival(x) == pytest.approx(1 - P.cdf(x), rel=1e-12, abs=1e-15)
    turned = Monotone(lambda x: -x, lambda x: -x, np.zeros_like, increasing=False, name="-x")
    if not P.support().lattice:
        image = Pushforward(P, turned)
        assert np.array_equal(image.cdf(-x), P.survival(x))
        assert np.array_equal(image.survival(-x), P.cdf(x))


def test_distribution_functions_keep_their_digits_where_they_are_small():
    pareto = families.Pareto(40.0, 0.3)
    excess = 1e-9
    x = np.asarray(0.3 * (1 + excess))
    step = (float(x) - 0.3) / 0.3
    assert pareto.cdf(x) == pytest.approx(-math.expm1(-40 * math.log1p(step)), rel=1e-14)
    assert pareto.quantile(pareto.cdf(x)) - 0.3 == pytest.approx(float(x) - 0.3, rel=1e-6)
    assert pareto.survival(np.asarray(3e4)) == pytest.approx(1e-200, rel=1e-11)
    assert pareto.log_density(np.asarray(1e300)) == pytest.approx(
        math.log(40 / 0.3) - 41 * math.log(1e300 / 0.3), rel=1e-14
    )
    assert Laplace(0.0, 1.0).log_density(np.asarray(1e5)) == pytest.approx(-1e5 - math.log(2), rel=1e-15)
    chi = families.Chi(0.01, 2.0)  # at 1e-200 the square is no number
    scaled = 0.01 * math.log(1e-200 / 2 / math.sqrt(2)) - math.lgamma(1.005)
    assert chi.cdf(np.asarray(1e-200)) == pytest.approx(math.exp(scaled), rel=1e-13)
    assert chi.quantile(chi.cdf(np.asarray(1e-200))) == pytest.approx(1e-200, rel=1e-9)


@pytest.mark.parametrize("P", LATTICE, ids=repr)
def test_the_probabilities_add_up_to_the_distribution_function(P):
    k = np.arange(0.0, 200.0)
    probabilities = np.exp(P.log_density(k))
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-12)
    assert P.cdf(k) == pytest.approx(np.cumsum(probabilities), rel=1e-12)
    assert np.all(P.log_density(k + 0.5) == -np.inf)
    assert P.support().lattice
    assert probabilities[k > P.support().upper].sum() == probabilities[k < P.support().lower].sum() == 0
    for u in LEVELS:
        x = float(P.quantile(np.asarray(u)))
        assert P.cdf(np.asarray(x)) >= u > P.cdf(np.asarray(x - 1))


@pytest.mark.parametrize("P", [*LINE, *LATTICE], ids=repr)
def test_samples_follow_the_distribution_function(P):
    """Share of draws below three quantiles, within five standard deviations."""
    draws = P.sample(20_000, np.random.default_rng(0))
    assert draws.shape == (20_000,)
    assert np.array_equal(draws, P.sample(20_000, np.random.default_rng(0)))
    for x in P.quantile(np.array([0.2, 0.5, 0.9])):
        u = float(P.cdf(np.asarray(x)))
        assert np.mean(draws <= x) == pytest.approx(u, abs=5 * math.sqrt(u * (1 - u) / 20_000) + 1e-12)


@pytest.mark.parametrize(
    ("P", "mean"),
    [
        (MultivariateNormal([1.0, -2.0], [[2.0, 0.6], [0.6, 1.0]]), [1.0, -2.0]),
        (Dirichlet([1.0, 2.0, 5.0]), [0.125, 0.25, 0.625]),
        (Wishart(5.0, [[1.0, 0.3], [0.3, 0.5]]), [[5.0, 1.5], [1.5, 2.5]]),
        (Product(Normal([1.0, 2.0], [0.5, 2.0])), [1.0, 2.0]),
        (families.Multinomial(4, [0.5, 0.2, 0.3]), [2.0, 0.8, 1.2]),
    ],
    ids=repr,
)
def test_vectors_and_matrices(P, mean):
    """Sampled means, and densities against scipy's."""
    draws = P.sample(40_000, np.random.default_rng(1))
    assert draws.mean(axis=0) == pytest.approx(np.array(mean), abs=0.1)
    density = P.log_density(draws[:5])
    assert density.shape == (5,)
    if isinstance(P, Dirichlet):
        other = [P.frozen().logpdf(x) for x in draws[:5]]
    elif isinstance(P, families.Multinomial):
        other = P.frozen().logpmf(draws[:5])
        assert np.all(P.log_density(draws[:5] + np.array([1.0, 0.0, 0.0])) == -np.inf)
        assert np.all(P.log_density(draws[:5] + np.array([0.5, -0.5, 0.0])) == -np.inf)
    elif isinstance(P, Product):
        other = scipy.stats.norm([1.0, 2.0], [0.5, 2.0]).logpdf(draws[:5]).sum(axis=1)
    else:
        other = P.frozen().logpdf(np.moveaxis(draws[:5], 0, -1) if isinstance(P, Wishart) else draws[:5])
    assert density == pytest.approx(np.asarray(other), rel=1e-12)
    with pytest.raises(TypeError, match="expected a distribution on the line"):
        P.quantile(np.asarray(0.5))


# --------------------------------------------------------------------------------------------------------- pushforwards


def test_the_square_of_a_uniform_has_density_one_over_two_roots():
    square = Monotone(np.square, np.sqrt, lambda x: np.log(2 * x), name="x^2")
    P, x = Pushforward(Uniform(0, 1), square), np.linspace(0.01, 0.99, 50)
    assert np.exp(P.log_density(x)) == pytest.approx(1 / (2 * np.sqrt(x)), rel=1e-14)
    assert P.cdf(x) == pytest.approx(np.sqrt(x), rel=1e-14)


def test_the_identity_changes_nothing():
    identity = Monotone(lambda x: x, lambda x: x, np.zeros_like)
    P, x = Pushforward(Laplace(0.3, 1.0), identity), np.linspace(-3, 3, 7)
    assert np.array_equal(P.log_density(x), Laplace(0.3, 1.0).log_density(x))
    assert P.breaks() == (0.3,)


def test_the_inverse_distribution_function_makes_a_normal_of_a_uniform():
    normal = scipy.stats.norm
    probit = Monotone(normal.ppf, normal.cdf, lambda u: -normal.logpdf(normal.ppf(u)), name="probit")
    P, x = Pushforward(Uniform(0, 1), probit), np.linspace(-4, 4, 33)
    assert P.log_density(x) == pytest.approx(normal.logpdf(x), rel=1e-12)
    assert (P.support().lower, P.support().upper) == (-math.inf, math.inf)


def test_a_decreasing_map_turns_the_line_around():
    turned = Monotone(lambda x: -x, lambda x: -x, np.zeros_like, increasing=False, name="-x")
    P = Pushforward(Exponential(2.0), turned)
    assert (P.support().lower, P.support().upper) == (-math.inf, 0.0)
    assert P.cdf(np.asarray(-1.0)) == pytest.approx(math.exp(-2), rel=1e-14)
    assert P.quantile(np.asarray(0.25)) == pytest.approx(math.log(0.25) / 2, rel=1e-14)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=4), st.floats(0.001, 0.999))
def test_quantiles_of_mixtures_invert_their_distribution_functions(weights, u):
    parts = [Normal(3.0 * k, 0.5 + k) for k in range(len(weights))]
    P = Mixture(parts, np.array(weights) / np.sum(weights))
    assert P.cdf(P.quantile(np.asarray(u))) == pytest.approx(u, rel=1e-9)


# ---------------------------------------------------------------------------------------------------------- conversions

FROZEN = [
    scipy.stats.norm(0.2, 1.3),
    scipy.stats.halfnorm(scale=1.3),
    scipy.stats.lognorm(0.5, scale=2.0),
    scipy.stats.expon(scale=2.0),
    scipy.stats.chi(2.5, scale=1.2),
    scipy.stats.loggamma(1.5, loc=0.3),
    scipy.stats.moyal(0.3, 0.8),
    scipy.stats.gamma(1.5, scale=0.4),
    scipy.stats.erlang(3, scale=0.4),
    scipy.stats.chi2(3),
    scipy.stats.invgamma(2.5, scale=1.4),
    scipy.stats.weibull_min(1.5, scale=0.4),
    scipy.stats.rayleigh(scale=0.4),
    scipy.stats.beta(1.5, 2.5),
    scipy.stats.laplace(0.3, 2.0),
    scipy.stats.logistic(0.3, 2.0),
    scipy.stats.cauchy(0.3, 2.0),
    scipy.stats.gumbel_r(0.3, 2.0),
    scipy.stats.pareto(2.5, scale=0.3),
    scipy.stats.uniform(-1, 3),
    scipy.stats.t(3, 0.3, 2.0),
    scipy.stats.poisson(2.5),
    scipy.stats.geom(0.3, loc=-1),
    scipy.stats.binom(7, 0.3),
    scipy.stats.nbinom(3.5, 0.3),
    scipy.stats.bernoulli(0.3),
    # these have no record: a location, another scale, another distribution
    scipy.stats.expon(1.0, 2.0),
    scipy.stats.geom(0.3),
    scipy.stats.beta(1.5, 2.5, loc=1, scale=2),
    scipy.stats.norminvgauss(1.0, 0.5),
    scipy.stats.loggamma(1.5, loc=0.3, scale=2.0),
    scipy.stats.zipf(3.5),
]


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda x: f"{x.dist.name}{x.args}{x.kwds}")
def test_frozen_distributions_keep_their_densities(frozen):
    P = as_distribution(frozen)
    assert is_distribution(frozen)
    record = frozen.dist.name not in ("norminvgauss", "zipf") and frozen.support()[0] not in (1, 1.0)
    record &= frozen.kwds != {"loc": 0.3, "scale": 2.0}
    assert isinstance(P, Family) == record
    x = np.asarray(frozen.ppf(LEVELS))
    density = frozen.logpmf if P.support().lattice else frozen.logpdf
    assert P.log_density(x) == pytest.approx(density(x), rel=1e-12)
    assert P.cdf(x) == pytest.approx(frozen.cdf(x), rel=1e-12)
    assert (P.support().lower, P.support().upper) == pytest.approx(frozen.support())
    below = frozen.support()[0] - 1.5
    assert math.isinf(below) or P.log_density(np.array([below]))[0] == -np.inf


NEWER = [
    scipy.stats.Normal(mu=0.3, sigma=2.0),
    scipy.stats.Normal(),
    scipy.stats.Uniform(a=-1.0, b=3.0),
    scipy.stats.Logistic(),
    scipy.stats.Mixture(
        [scipy.stats.Normal(mu=-1.0, sigma=0.5), scipy.stats.Normal(mu=2.0, sigma=1.0)], weights=[0.3, 0.7]
    ),
    scipy.stats.exp(scipy.stats.Normal(mu=0.3, sigma=0.5)),
    2 * scipy.stats.Normal(mu=0.3, sigma=0.5) + 1,
    scipy.stats.truncate(scipy.stats.Normal(), lb=-1.0, ub=2.0),
]


@pytest.mark.parametrize("newer", NEWER, ids=[str(k) for k in range(len(NEWER))])
def test_newer_objects_keep_their_densities(newer):
    P = as_distribution(newer)
    assert is_distribution(newer)
    x = np.array([float(P.quantile(np.asarray(u))) for u in LEVELS])
    assert P.log_density(x) == pytest.approx(newer.logpdf(x), rel=1e-10)
    assert P.cdf(x) == pytest.approx(LEVELS, rel=1e-8)


def test_newer_binomials_are_records():
    P = as_distribution(scipy.stats.Binomial(n=7, p=0.3))
    assert isinstance(P, families.Binomial)
    assert (float(P.n), float(P.p)) == (7.0, 0.3)


def torch_objects():
    D, t = torch.distributions, lambda *x: torch.tensor(x if len(x) > 1 else x[0], dtype=torch.float64)
    return [
        D.Normal(t(0.3), t(2.0)),
        D.HalfNormal(t(1.3)),
        D.LogNormal(t(0.3), t(0.5)),
        D.Exponential(t(0.7)),
        D.Gamma(t(2.0), t(0.7)),
        D.Chi2(t(3.0)),
        D.InverseGamma(t(2.5), t(0.7)),
        D.Weibull(t(2.0), t(1.5)),  # scale, concentration
        D.Beta(t(2.0), t(0.7)),
        D.Laplace(t(0.3), t(2.0)),
        D.Cauchy(t(0.3), t(2.0)),
        D.Gumbel(t(0.3), t(2.0)),
        D.Pareto(t(0.7), t(2.5)),  # scale, alpha
        D.Uniform(t(-1.0), t(2.0)),
        D.StudentT(t(3.0), t(0.3), t(2.0)),
        D.VonMises(t(0.3), t(2.0)),
        D.Poisson(t(3.0)),
        D.Geometric(t(0.3)),
        D.Binomial(7, t(0.3)),
        D.NegativeBinomial(t(3.0), t(0.3)),
        D.Bernoulli(t(0.3)),
        D.ContinuousBernoulli(t(0.3)),
        D.ContinuousBernoulli(t(0.5)),
        D.TransformedDistribution(D.Gamma(t(2.0), t(0.7)), [D.PowerTransform(t(-1.5)), D.AffineTransform(0.3, -2.0)]),
        D.TransformedDistribution(D.Normal(t(0.3), t(0.7)), [D.SigmoidTransform()]),
        D.Categorical(t(0.2, 0.5, 0.3)),
        D.MixtureSameFamily(D.Categorical(t(0.3, 0.7)), D.Normal(t(0.0, 2.0), t(1.0, 0.5))),
    ]


@pytest.mark.parametrize(
    "original", torch_objects(), ids=[f"{k} {type(x).__name__}" for k, x in enumerate(torch_objects())]
)
def test_torch_distributions_keep_their_densities(original):
    P = as_distribution(original)
    assert is_distribution(original)
    single = next(P.singles(()))
    x = single.quantile(LEVELS[1:])
    x = np.maximum(x, 1e-3) if single.support().lower == 0 and not single.support().lattice else x
    assert single.log_density(x) == pytest.approx(original.log_prob(torch.from_numpy(x)).numpy(), rel=1e-6)
    assert all(isinstance(z, torch.Tensor) for z in getattr(P, "parameters", {}).values())


def test_torch_distributions_of_several_dimensions():
    D = torch.distributions
    x = torch.tensor([[0.3, 0.7]])
    pairs = [
        D.MultivariateNormal(torch.zeros(2), torch.tensor([[2.0, 0.3], [0.3, 1.0]])),
        D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)),
        D.Dirichlet(torch.tensor([0.5, 2.0])),
        D.Independent(D.Normal(torch.zeros(2), torch.ones(2)), 1),
    ]
    for original in pairs:
        single = next(as_distribution(original).singles(()))
        assert single.log_density(x.numpy()) == pytest.approx(original.log_prob(x).numpy(), rel=1e-5)
    wishart = D.Wishart(torch.tensor(4.0), torch.eye(2))
    matrix = torch.tensor([[[2.0, 0.5], [0.5, 1.0]]])
    assert next(as_distribution(wishart).singles(())).log_density(matrix.numpy()) == pytest.approx(
        wishart.log_prob(matrix).numpy(), rel=1e-5
    )


def test_singles_of_a_batch_in_row_major_order():
    P = Normal([[0.0], [1.0]], [1.0, 2.0, 3.0])
    assert P.batch_shape == (2, 3)
    found = [(float(x.loc), float(x.scale)) for x in P.singles((2, 3))]
    assert found == [(m, s) for m in (0.0, 1.0) for s in (1.0, 2.0, 3.0)]
    rows = Categorical([[0.5, 0.5], [0.25, 0.75]])
    assert rows.batch_shape == (2,)
    assert [x.probabilities.tolist() for x in rows.singles((2,))] == [[0.5, 0.5], [0.25, 0.75]]


# -------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, -1.0), r"expected scale of Normal to be a positive number, got \[-1.\]"),
        (lambda: Normal(math.nan, 1.0), "expected loc of Normal to be a finite number"),
        (lambda: Normal([0.0, 1.0], [1.0, 1.0, 1.0]), r"that broadcast, got loc \(2,\), scale \(3,\)"),
        (lambda: Uniform(1.0, 1.0), "expected lower < upper of Uniform"),
        (lambda: families.Binomial(2.5, 0.5), "expected n of Binomial to be a positive integer"),
        (lambda: families.Geometric(0.0), "a probability above 0"),
        (lambda: Categorical([0.5, 0.6]), "non-negative numbers of sum 1"),
        (lambda: Categorical(0.5), "at least 1 axes"),
        (lambda: MultivariateNormal([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "symmetric positive definite"),
        (lambda: MultivariateNormal([0.0, 0.0], np.eye(3)), r"covariance of shape \(..., 2, 2\)"),
        (lambda: Wishart(0.5, np.eye(2)), "df of Wishart above d - 1 = 1"),
        (lambda: Product(Normal(0.0, 1.0)), "expected a batch of distributions, one per coordinate"),
        (lambda: Mixture([Normal(0.0, 1.0)], [0.5]), "positive weights of sum 1"),
        (lambda: Mixture([Normal(0.0, 1.0), Poisson(1.0)], [0.5, 0.5]), "on one space"),
        (lambda: Pushforward(Poisson(1.0), Monotone(np.exp, np.log, lambda x: x)), "with a density on the line"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("x", [3, "norm", scipy.stats.norm, [0.5, 0.5]], ids=["number", "word", "not frozen", "list"])
def test_what_is_no_distribution_is_refused(x):
    assert not is_distribution(x)
    with pytest.raises(TypeError, match=r"expected a distribution of divergences\.families"):
        as_distribution(x)


def test_libraries_that_are_not_known_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"expected a torch distribution among .*, got RelaxedBernoulli"):
        as_distribution(torch.distributions.RelaxedBernoulli(torch.tensor(1.0), torch.tensor(0.5)))
    with pytest.raises(TypeError, match="expected a single distribution norminvgauss, got a batch"):
        as_distribution(scipy.stats.norminvgauss([1.0, 2.0], 0.5))
    with pytest.raises(TypeError, match=r"or a multivariate normal"):
        as_distribution(scipy.stats.dirichlet_multinomial([0.5, 0.5], 3))
    D, one = torch.distributions, torch.ones(2)
    normal = D.Normal(0.0, 1.0)
    for maps in ([D.AffineTransform(one, 2.0)], [D.AbsTransform()], [D.SoftmaxTransform()]):
        with pytest.raises(TypeError, match="by strictly monotone maps with the same numbers"):
            as_distribution(D.TransformedDistribution(D.Normal(one, one), maps))
    with pytest.raises(TypeError, match="of distributions on the line or of normal vectors"):
        as_distribution(D.Independent(D.Wishart(torch.tensor([4.0, 5.0]), torch.eye(2)), 1))
    assert repr(as_distribution(D.TransformedDistribution(normal, [D.ExpTransform()]))).endswith("ExpTransform)")
    assert isinstance(as_distribution(D.Multinomial(3, one / 2)), families.Multinomial)
    assert isinstance(as_distribution(scipy.stats.multinomial(3, [0.5, 0.5])), families.Multinomial)
    for name in ("LogitNormal", "ContinuousBernoulli"):
        with pytest.raises(TypeError, match=f"expected a family that scipy.stats has, got {name}"):
            getattr(families, name)(*([0.5] if name[0] == "C" else [0.0, 1.0])).frozen()


def test_representations():
    assert repr(Normal(0, 2)) == "Normal(loc=0.0, scale=2.0)"
    assert repr(Normal([0.0, 1.0], 2)) == "Normal(loc=<array (2,)>, scale=2.0)"
    assert repr(Mixture([Normal(0, 1)], [1.0])) == "Mixture([Normal(loc=0.0, scale=1.0)], [1.0])"
    assert dv.kl(Normal(0, 2), Normal(0, 2)) == 0.0


@pytest.mark.parametrize("concentration", [0.3, 49.0, 60.0, 500.0])
def test_the_von_mises_distribution_function_integrates_the_density(concentration):
    P = families.VonMises(0.4, concentration)
    for x in (-3.0, 0.1, 0.4, 0.6, 3.0):
        with mpmath.workdps(30):
            total = 2 * mpmath.pi * mpmath.besseli(0, concentration)
            density = lambda t: mpmath.exp(concentration * mpmath.cos(t - mpmath.mpf(0.4))) / total  # noqa: B023
            near = [0.4 + s / math.sqrt(concentration) for s in (-8, -4, -1, 0, 1, 4, 8)]
            cuts = [-mpmath.pi, *(t for t in near if -math.pi < t < x), x]
            exact = float(mpmath.quad(density, cuts))
        assert P.cdf(np.asarray(x)) == pytest.approx(exact, rel=0, abs=1e-15 * (8 + math.sqrt(concentration)))
        assert P.survival(np.asarray(x)) == pytest.approx(1 - exact, rel=0, abs=1e-15 * (8 + math.sqrt(concentration)))


def test_a_frozen_distribution_without_mean_is_taken_without_a_warning():
    assert families.as_distribution(scipy.stats.yulesimon(1.2)).support().lower == 1.0
