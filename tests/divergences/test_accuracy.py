"""Every divergence to the last digits: against textbook sums in ball arithmetic of 180 digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences.testing import close_pairs, pairs
from tests.oracles.textbook import relative_error, relative_errors, value

TOLERANCE = 4e-15
EPS = np.finfo(float).eps
every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
CLOSENESS = [10.0**-k for k in range(2, 13)]


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
    assert relative_error(d(p, q), d.name, p, q) <= TOLERANCE


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize("n", [10, 300])
@every
def test_pairs_that_nearly_agree(d, closeness, n):
    rng = np.random.default_rng(n)
    q = dirichlet(rng, n)
    p = q * (1 + closeness * rng.normal(size=n))
    p /= p.sum()
    assert 0 < d(p, q) < closeness * 100
    assert relative_error(d(p, q), d.name, p, q) <= TOLERANCE


@pytest.mark.parametrize("closeness", CLOSENESS)
@every
def test_weights_of_any_mass_that_nearly_agree_after_normalisation(d, closeness):
    rng = np.random.default_rng(1)
    q = dirichlet(rng, 50) * 7e5
    p = q * (1 + closeness * rng.normal(size=50)) / 3.3
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= TOLERANCE


@pytest.mark.parametrize("smallest", [1e-300, 5e-324])
@pytest.mark.parametrize("seed", range(4))
@every
def test_entries_over_all_magnitudes(d, smallest, seed):
    rng = np.random.default_rng(seed)
    p, q = log_uniform(rng, 50, smallest), log_uniform(rng, 50, smallest)
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= TOLERANCE


@pytest.mark.parametrize("seed", range(4))
@every
def test_subnormal_entries(d, seed):
    rng = np.random.default_rng(seed)
    p, q = dirichlet(rng, 20), dirichlet(rng, 20)
    p[:5] = 5e-324 * rng.integers(1, 1000, size=5)
    q[3:9] = 5e-324 * rng.integers(1, 1000, size=6)
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= TOLERANCE


@every
def test_subnormal_entries_that_nearly_agree(d):
    p, q = np.array([1.0, 1e-310, 3e-312]), np.array([1.0, 1e-310 * (1 + 1e-3), 3.1e-312])
    big = 2.0**1000  # the same pair without the large entry, so that the tiny ones decide
    assert relative_error(d(p[1:], q[1:], normalize=True), d.name, p[1:], q[1:]) <= TOLERANCE
    scaled = d(p[1:] * big, q[1:] * big, normalize=True)
    assert d(p[1:], q[1:], normalize=True) == scaled


@pytest.mark.parametrize(("zeros_in_p", "zeros_in_q"), [(3, 0), (0, 3), (3, 5), (30, 30)])
@every
def test_zeros_on_either_side(d, zeros_in_p, zeros_in_q):
    rng = np.random.default_rng(7)
    p, q = dirichlet(rng, 60), dirichlet(rng, 60)
    p[:zeros_in_p] = 0
    q[60 - zeros_in_q :] = 0
    assert relative_error(d(p, q, normalize=True), d.name, p, q) <= TOLERANCE


@every
def test_values_near_the_largest_double(d):
    p, q = np.array([0.5, 0.5]), np.array([1.0 - 1e-16, 1e-300])
    assert np.isfinite(d(p, q))
    assert relative_error(d(p, q), d.name, p, q) <= TOLERANCE


@every
@given(pair=st.one_of(pairs(), close_pairs()))
def test_any_pair(d, pair):
    """Differences are right up to the square of eps, as far as masses are told apart: 1e-16 apart, digits are lost."""
    truth = value(d.name, *pair)
    floor = EPS**2 if d.kinks else 8 * min(truth, 1.0) ** 0.5 * EPS**2 + EPS**4
    assert d(*pair) == pytest.approx(truth, rel=TOLERANCE, abs=floor)


@pytest.mark.parametrize("closeness", [1.0, 1e-8])
def test_a_million_outcomes(closeness):
    rng = np.random.default_rng(3)
    q = dirichlet(rng, 10**6)
    p = dirichlet(rng, 10**6) if closeness == 1 else q * (1 + closeness * rng.normal(size=10**6))
    p /= p.sum()
    errors = relative_errors({d.name: float(d(p, q)) for d in dv.FDIVERGENCES}, p, q, bits=300)
    assert max(errors.values()) <= TOLERANCE, errors


@every
def test_two_outcomes_at_every_ratio(d):
    """Where the logarithm changes from series to logarithm, and on either side of it."""
    for ratio in np.exp(np.linspace(-1.2, 1.2, 241)):
        q = np.array([1e-4, 1 - 1e-4])
        p = np.array([1e-4 * ratio, 1 - 1e-4 * ratio])
        assert relative_error(d(p, q), d.name, p, q) <= TOLERANCE / 2


@pytest.mark.parametrize("probability", [1e-10, 1e-12, 1e-15])
def test_chi_squared_near_the_largest_double(probability):
    """The quotient p/q is no double, the divergence is."""
    p, q = [1 - probability, probability], [1.0, 5e-324]
    assert relative_error(dv.pearson_chi2(p, q), "pearson_chi2", p, q) <= TOLERANCE
    assert relative_error(dv.neyman_chi2(q, p), "neyman_chi2", q, p) <= TOLERANCE


def test_chi_squared_of_weights_with_subnormal_ones():
    p, q = [1e-300, 0, 1e-20, 0.25], [1e-300, 0.5, 5e-324, 0.25]
    assert relative_error(dv.pearson_chi2(p, q, normalize=True), "pearson_chi2", p, q) <= TOLERANCE


def test_the_function_and_the_critic_at_the_ends():
    assert dv.reverse_kl.f(5e-324) == pytest.approx(744.4400719213812, rel=1e-15)
    assert dv.reverse_kl.f(1e-310) == pytest.approx(-np.log(1e-310), rel=1e-15)
    assert dv.neyman_chi2.conjugate(-1e308) == pytest.approx(-2e154, rel=1e-15)
    for v in (1e-5, 1e-17, -1e-9):
        assert dv.js.optimal_critic(v) == pytest.approx(v / 4 - v * v / 16, rel=1e-15)
