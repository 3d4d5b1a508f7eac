"""Every divergence to the last digits: against textbook sums in ball arithmetic of 180 digits."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences.catalogue import PowerDivergence
from divergences.elementary import Numeric
from divergences.testing import close_pairs, pairs
from tests.oracles.textbook import relative_error, relative_errors, term_of, value

EPS = np.finfo(float).eps
ORDERS = [-2, -1, -1e-12, 0, 1e-12, 0.3, 0.5, 1 - 1e-3, 1 - 1e-12, 1, 1 + 1e-12, 1 + 1e-3, 1.5, 2, 3]
CATALOGUE = list(dict.fromkeys([*dv.FDIVERGENCES, *map(dv.alpha, ORDERS)]))
every = pytest.mark.parametrize("d", CATALOGUE, ids=str)
CLOSENESS = [10.0**-k for k in range(2, 13)]


def tolerance(d):
    """9 rounding units, and twice as many where the term is a power of the ratio."""
    return 4e-15 if isinstance(d, PowerDivergence) else 2e-15


@pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
def test_the_oracle_knows_every_declaration(d):
    """A new one needs its defining sum there."""
    assert callable(term_of(d.name))


def dirichlet(rng, n):
    weights = rng.exponential(size=n)
    return weights / weights.sum()


def log_uniform(rng, n, smallest):
    return np.exp(rng.uniform(np.log(smallest), 0.0, size=n))


@pytest.mark.parametrize("n", [2, 10, 100, 1000])
@every
def test_ordinary_pairs(d, n):
    rng = np.random.default_rng(n)
    p, q = dirichlet(rng, n), dirichlet(rng, n)
    assert relative_error(d(p, q), d.name, p, q) <= tolerance(d)


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("n", [10, 300])
@every
def test_pairs_that_nearly_agree(d, closeness, n):
    rng = np.random.default_rng(n)
    q = dirichlet(rng, n)
    p = q * (1 + closeness * rng.normal(size=n))
    p /= p.sum()
    assert 0 < dv.tv(p, q) < closeness
    assert relative_error(d(p, q), d.name, p, q) <= tolerance(d)


@pytest.mark.parametrize("closeness", CLOSENESS)
@every
def test_weights_of_any_mass_that_nearly_agree_after_normalisation(d, closeness):
    rng = np.random.default_rng(1)
    q = dirichlet(rng, 50) * 7e5
    p = q * (1 + closeness * rng.normal(size=50)) / 3.3
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= tolerance(d)


@pytest.mark.parametrize("smallest", [1e-300, 5e-324])
@pytest.mark.parametrize("seed", range(4))
@every
def test_entries_over_all_magnitudes(d, smallest, seed):
    rng = np.random.default_rng(seed)
    p, q = log_uniform(rng, 50, smallest), log_uniform(rng, 50, smallest)
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= tolerance(d)


@pytest.mark.parametrize("seed", range(4))
@every
def test_subnormal_entries(d, seed):
    rng = np.random.default_rng(seed)
    p, q = dirichlet(rng, 20), dirichlet(rng, 20)
    p[:5] = 5e-324 * rng.integers(1, 1000, size=5)
    q[3:9] = 5e-324 * rng.integers(1, 1000, size=6)
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= tolerance(d)


@every
def test_subnormal_entries_that_nearly_agree(d):
    p, q = np.array([1.0, 1e-310, 3e-312]), np.array([1.0, 1e-310 * (1 + 1e-3), 3.1e-312])
    big = 2.0**1000  # the same pair without the large entry, so that the tiny ones decide
    assert relative_error(d(p[1:], q[1:], normalize=True), d.name, p[1:], q[1:]) <= tolerance(d)
    scaled = d(p[1:] * big, q[1:] * big, normalize=True)
    assert d(p[1:], q[1:], normalize=True) == scaled


@pytest.mark.parametrize(("zeros_in_p", "zeros_in_q"), [(3, 0), (0, 3), (3, 5), (30, 30)])
@every
def test_zeros_on_either_side(d, zeros_in_p, zeros_in_q):
    rng = np.random.default_rng(7)
    p, q = dirichlet(rng, 60), dirichlet(rng, 60)
    p[:zeros_in_p] = 0
    q[60 - zeros_in_q :] = 0
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= tolerance(d)


@every
def test_values_near_the_largest_double(d):
    p, q = np.array([0.5, 0.5]), np.array([1.0 - 1e-16, 1e-300])
    assert np.isfinite(d(p, q)) == np.isfinite(value(d.name, p, q))
    assert relative_error(d(p, q), d.name, p, q) <= tolerance(d)


@every
@given(pair=st.one_of(pairs(), close_pairs()))
def test_any_pair(d, pair):
    """Differences are right up to the square of eps, as far as masses are told apart: 1e-16 apart, digits are lost."""
    truth = value(d.name, *pair)
    floor = EPS**2 if d.kinks else 8 * min(truth, 1.0) ** 0.5 * EPS**2 + EPS**4
    absolute = tolerance(d) * dv.tv(*pair) if isinstance(d, dv.hockey_stick) else 0.0
    assert d(*pair) == pytest.approx(truth, rel=tolerance(d), abs=floor + absolute)


@pytest.fixture(scope="module", params=[1.0, 1e-8], ids=str)
def a_million_outcomes(request):
    """Twenty thousand different pairs of entries, each fifty times, and the errors of the catalogue at them."""
    rng = np.random.default_rng(3)
    closeness, (p, q) = request.param, (dirichlet(rng, 20_000) for _ in range(2))
    if closeness < 1:
        p = q * (1 + closeness * rng.normal(size=20_000))
    order = rng.permutation(10**6)
    p, q = (np.repeat(x, 50)[order] for x in (p, q))
    p, q = p / p.sum(), q / q.sum()
    return relative_errors({d.name: float(d(p, q)) for d in CATALOGUE}, p, q, bits=300)


@every
def test_a_million_outcomes(d, a_million_outcomes):
    assert a_million_outcomes[d.name] <= tolerance(d)


@every
def test_two_outcomes_at_every_ratio(d):
    """Where the logarithm changes from series to logarithm, and on either side of it."""
    for ratio in np.exp(np.linspace(-1.2, 1.2, 241)):
        q = np.array([1e-4, 1 - 1e-4])
        p = np.array([1e-4 * ratio, 1 - 1e-4 * ratio])
        assert relative_error(d(p, q), d.name, p, q) <= tolerance(d)


@pytest.mark.parametrize("probability", [1e-10, 1e-12, 1e-15])
def test_chi_squared_near_the_largest_double(probability):
    """The quotient p/q is no double, the divergence is."""
    p, q = [1 - probability, probability], [1.0, 5e-324]
    assert relative_error(dv.pearson_chi2(p, q), "pearson_chi2", p, q) <= tolerance(dv.pearson_chi2)
    assert relative_error(dv.neyman_chi2(q, p), "neyman_chi2", q, p) <= tolerance(dv.neyman_chi2)


@pytest.mark.parametrize("order", [-2.0, 3.0])
def test_powers_of_ratios_near_the_largest_double(order):
    """The square of the ratio is no double, its product with the probability is."""
    rare, rarer = 1e-150, 1e-307
    assert 2 * np.log(rare / rarer) > np.log(np.finfo(float).max)
    p, q = ([1.0, x] for x in ((rare, rarer) if order > 0 else (rarer, rare)))
    d = dv.alpha(order)
    assert np.isfinite(value(d.name, p, q))
    assert relative_error(d(p, q), d.name, p, q) <= tolerance(d)


def test_weights_of_very_different_masses():
    p, q = np.array([1.0, 2.0]), np.array([1e-30, 1e-30])
    assert relative_error(dv.kl(p, q, normalize=True), "kl", p, q) <= tolerance(dv.kl)
    assert dv.kl(q, 3 * q, normalize=True) == 0


def test_chi_squared_of_weights_with_subnormal_ones():
    p, q = [1e-300, 0, 1e-20, 0.25], [1e-300, 0.5, 5e-324, 0.25]
    assert relative_error(dv.pearson_chi2(p, q, normalize=True), "pearson_chi2", p, q) <= tolerance(dv.pearson_chi2)


def test_the_function_and_the_critic_at_the_ends():
    assert dv.reverse_kl.f(5e-324) == pytest.approx(744.4400719213812, rel=1e-15)
    assert dv.reverse_kl.f(1e-310) == pytest.approx(-np.log(1e-310), rel=1e-15)
    assert dv.neyman_chi2.conjugate(-1e308) == pytest.approx(-2e154, rel=1e-15)
    for v in (1e-5, 1e-17, -1e-9):
        assert dv.js.optimal_critic(v) == pytest.approx(v / 4 - v * v / 16, rel=1e-15)


# ---------------------------------------------------------------------- wrong values that other software gives today


def test_kl_of_a_ratio_beyond_the_largest_double():
    """At 4 and the smallest normal double scipy.special.kl_div is infinite."""
    tiny = float(np.finfo(float).tiny)
    with mpmath.workdps(50):
        truth = float(4 * mpmath.log(mpmath.mpf(4) / tiny) - 4 + mpmath.mpf(tiny))
    with np.errstate(over="ignore"):
        one_term = Numeric(np).relative_entropy(*(np.array([x]) for x in (4.0, tiny, 4.0)))
    assert truth == pytest.approx(2835.1308, abs=1e-4)
    assert one_term == pytest.approx(truth, rel=4 * EPS)
    p, q = [4, 0], [tiny, 1]
    assert relative_error(dv.kl(p, q, normalize=True), "kl", p, q) <= tolerance(dv.kl)


def test_js_of_the_smallest_double_against_nothing():
    """Here scipy's jensenshannon is infinite (scipy 19436)."""
    p, q = [0, 1], [5e-324, 1]
    assert dv.js(p, q) == value("js", p, q) == 0  # log(2) / 2 of the smallest double
    assert dv.gan_divergence(p, q) == value("gan_divergence", p, q) == 5e-324


def test_js_of_close_pairs_in_single_precision():
    """Here scipy's jensenshannon is the root of a negative number (scipy 20083)."""
    p = np.array([0.027501475, 0.055202297], dtype=np.float32)
    q = np.array([0.027537677, 0.055334348], dtype=np.float32)
    got = dv.js(p, q, normalize=True)
    assert got.dtype == np.float32
    assert relative_error(got, "js", p, q) <= np.finfo(np.float32).eps / 2
    assert dv.js.distance(p, q, normalize=True) == pytest.approx(
        value("js", p, q) ** 0.5, rel=float(np.finfo(np.float32).eps)
    )


def test_js_of_neighbours_of_a_half():
    """Here scipy's jensenshannon is the root of a negative number too (scipy 20779)."""
    x = np.nextafter(0.5, 0)
    p, q = [x, 1 - x], [1 - x, x]
    assert relative_error(dv.js(p, q), "js", p, q) <= tolerance(dv.js)


def test_kl_of_probabilities_below_the_rounding_unit():
    """torch's Categorical takes 1e-30 for 1.2e-7 or 2.2e-16."""
    p, q = np.array([1e-30, 1.0]), np.array([1e-20, 1.0])
    assert relative_error(dv.kl(p, q), "kl", p, q) <= tolerance(dv.kl)
    assert relative_error(dv.kl(q, p), "kl", q, p) <= tolerance(dv.kl)


def test_kl_where_q_vanishes_and_p_does_not():
    """With f(u) = u log u, dit's f_divergence drops the outcome and is negative."""
    assert dv.kl([0.5, 0.5], [1, 0]) == np.inf
    assert dv.cressie_read(0)([0.5, 0.5], [1, 0]) == np.inf


def test_outcomes_that_neither_knows():
    """0 log(0/0) is NaN in torch's kl_div and POT's, and with logarithms in torchmetrics."""
    p, q = np.array([0.5, 0.5, 0]), np.array([0.25, 0.75, 0])
    for d in CATALOGUE:
        assert d(p, q) == pytest.approx(d(p[:2], q[:2]), rel=2 * EPS, abs=0)
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    assert dv.kl.from_log(log_p, log_q) == pytest.approx(value("kl", p, q), rel=4 * EPS)
    assert dv.js.from_log(log_p, log_q) == pytest.approx(value("js", p, q), rel=4 * EPS)


def test_gradient_of_js_with_one_zero():
    """In torchmetrics every entry is NaN; here it is log(p/m)/2 less its mean, and an infinite slope is left out."""
    p = torch.tensor([0.0, 0.25, 0.75], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    dv.js(p, q).backward()
    with mpmath.workdps(30):
        slopes = [mpmath.log(2 * mpmath.mpf(a) / (a + b)) / 2 for a, b in ((0.25, 0.25), (0.75, 0.25))]
        mean = slopes[0] / 4 + 3 * slopes[1] / 4
        truth = [float(slope - mean) for slope in slopes]
    assert torch.isfinite(p.grad).all()
    assert p.grad[1:].tolist() == pytest.approx(truth, rel=8 * EPS)


def test_gradient_of_the_distance_at_equal_distributions():
    """The root of JS has no derivative there; automatic differentiation makes NaN of it."""
    p = torch.tensor([0.25, 0.75], dtype=torch.float64, requires_grad=True)
    dv.js.distance(p, p.detach()).backward()
    assert not torch.isnan(p.grad).any()


def test_conjugates_where_the_supremum_is_at_the_end():
    """The f-GAN paper's t + t**2/4 at -5 is 1.25, its conjugate of TV at -1 is -1; Divergences.jl has inf at -1."""
    assert dv.pearson_chi2.conjugate(-5.0) == -1
    assert dv.tv.conjugate(-1.0) == -0.5
    assert dv.cressie_read(2).conjugate(-1.0) == pytest.approx(-1 / 3, rel=EPS)


@pytest.mark.parametrize(("d", "f"), [
    (dv.gan_divergence, lambda u: u * mpmath.log(u) - (u + 1) * mpmath.log((u + 1) / 2)),
    (dv.arithmetic_geometric, lambda u: (1 + u) / 2 * mpmath.log((1 + u) / (2 * mpmath.sqrt(u)))),
    (dv.kl, lambda u: u * mpmath.log(u)),
    (dv.reverse_kl, lambda u: -mpmath.log(u)),
])  # fmt: skip
def test_the_function_beside_1(d, f):
    """TensorFlow Probability's jensen_shannon and arithmetic_geometric are 0 at 1 + 1e-8, its kl_forward has 8 digits."""
    for u in (1 + 1e-8, 1 - 1e-4, 1.0):
        with mpmath.workdps(60):
            truth = float(f(mpmath.mpf(u)))
        assert d.f(u) == pytest.approx(truth, rel=8 * EPS, abs=0)


def test_critics_at_ratios_beyond_the_largest_double():
    """At a log-ratio of 800, TensorFlow Probability's kl_forward and triangular are NaN."""
    assert dv.kl.optimal_critic(800.0) == 801
    assert dv.triangular.optimal_critic(800.0) == 1
    assert dv.kl.f(np.inf) == dv.triangular.f(np.inf) == np.inf
