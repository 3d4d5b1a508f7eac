"""Statements of the lectures about divergences, likelihood and topology, each computed on both sides."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences.families import Exponential, Gamma, Laplace, Mixture, Normal, Uniform
from divergences.testing import pairs

# ------------------------------------------------------------------------------------- maximum likelihood (claim A5)


@pytest.mark.parametrize(
    "Q", [Normal(0.5, 1.5), Laplace(0.0, 1.0), Mixture([Normal(-1, 1), Normal(1, 1)], [0.5, 0.5])], ids=repr
)
def test_the_mean_log_likelihood_tends_to_minus_entropy_minus_kl(Q):
    """Of a sample of P under Q: within five standard errors of -H(P) - KL(P || Q)."""
    P = Normal(0.0, 1.0)
    entropy = math.log(2 * math.pi * math.e) / 2
    log_likelihoods = Q.log_density(P.sample(200_000, np.random.default_rng(0)))
    error = 5 * log_likelihoods.std() / math.sqrt(len(log_likelihoods))
    assert log_likelihoods.mean() == pytest.approx(-entropy - float(dv.kl(P, Q)), abs=error)


def test_likelihood_is_largest_where_kl_is_least():
    """Among exponentials, for a sample of a gamma: the rate that KL chooses is that of maximum likelihood."""
    P = Gamma(2.0, 1.0)
    x = P.sample(100_000, np.random.default_rng(1))
    rates = np.linspace(0.3, 0.8, 101)
    likely = rates[np.argmax([Exponential(r).log_density(x).mean() for r in rates])]
    close = rates[np.argmin(dv.kl(P, Exponential(rates)))]
    assert close == pytest.approx(0.5, abs=1e-9)
    assert likely == pytest.approx(close, abs=0.0051)


def test_kl_is_infinite_as_soon_as_mass_is_outside_the_support():
    assert dv.kl([0.5, 0.5 - 1e-12, 1e-12], [0.5, 0.5, 0.0]) == math.inf
    assert dv.kl(Uniform(0.0, 1 + 1e-12), Uniform(0.0, 1.0)) == math.inf
    assert dv.kl(Uniform(0.0, 1.0), Uniform(0.0, 1 + 1e-12)) == pytest.approx(1e-12, rel=1e-3)


# ------------------------------------------------------------------------------------------- parallel lines (claim C3)


@pytest.mark.parametrize("theta", [1.0, 0.25, 1e-6, 0.0])
def test_parallel_lines(theta):
    """(0, Z) and (theta, Z) on a grid of Z: W1 is |theta|, all divergences are at their ends until the lines meet."""
    z = np.linspace(0, 1, 21)
    left, right = (np.column_stack([np.full_like(z, x), z]) for x in (0.0, theta))
    space, index = np.unique(np.concatenate([left, right]), axis=0, return_inverse=True)
    p, q = (np.bincount(k, minlength=len(space)) / len(z) for k in (index[: len(z)], index[len(z) :]))
    assert dv.wasserstein(left, right).value == pytest.approx(abs(theta), rel=1e-12, abs=1e-15)
    if theta:
        assert (dv.tv(p, q), dv.kl(p, q), dv.reverse_kl(p, q)) == (pytest.approx(1.0), math.inf, math.inf)
        assert dv.js(p, q) == pytest.approx(math.log(2), rel=1e-15)
    else:
        assert [float(d(p, q)) for d in (dv.tv, dv.js, dv.kl, dv.reverse_kl)] == [0.0] * 4


# ----------------------------------------------------------------------------------------- moving a far pile (claim C4)


def test_a_pile_that_comes_nearer_is_seen_by_w1_alone():
    """A pile of three atoms carried onto P, from 0 % of the way to 100 %: JS jumps at the end, W1 falls all the way."""
    pile = np.arange(3.0)
    js, w1 = [], []
    for done in (0.0, 0.5, 0.9, 1.0):
        moved = pile + 10 * (1 - done)
        space, index = np.unique(np.concatenate([moved, pile]), return_inverse=True)
        js.append(float(dv.js(*(np.bincount(k, minlength=len(space)) / 3 for k in (index[:3], index[3:])))))
        w1.append(dv.wasserstein(moved, pile).value)
    assert js == [pytest.approx(math.log(2), rel=1e-15)] * 3 + [0.0]
    assert w1 == pytest.approx([10.0, 5.0, 1.0, 0.0], abs=1e-14)


# --------------------------------------------------------------------------------------------- continuity (claim C9)


def test_w1_is_continuous_and_differentiable_in_the_shift_where_the_divergences_jump():
    """Parallel lines: |W1(s) - W1(t)| <= |s - t|, its derivative is the sign of theta; JS and KL jump at 0."""
    z = np.linspace(0, 1, 5)
    left = np.column_stack([np.zeros_like(z), z])
    shifts = [-0.5, -1e-3, 0.0, 1e-9, 0.25]
    values, slopes = [], []
    for theta in shifts:
        right = torch.tensor(left, requires_grad=True)
        loss = dv.wasserstein_loss(torch.tensor(left), right + torch.tensor([theta, 0.0], dtype=torch.float64))
        loss.backward()
        values.append(loss.item())
        slopes.append(right.grad[:, 0].sum().item())
    for (s, v), (t, w) in itertools.pairwise(zip(shifts, values, strict=True)):
        assert abs(v - w) <= abs(s - t) * (1 + 1e-12)
    assert slopes == pytest.approx([-1.0, -1.0, 0.0, 1.0, 1.0], abs=1e-12)  # at 0 the choice is 0
    jumps = [float(dv.js([1.0, 0.0], [0.0, 1.0] if theta else [1.0, 0.0])) for theta in shifts]
    assert jumps == [pytest.approx(math.log(2)) if theta else 0.0 for theta in shifts]


# -------------------------------------------------------------------------------------------------- topology (claim C8)

SMALL = [10.0**-k for k in range(1, 11)]


def test_total_variation_and_js_tend_to_zero_together():
    """The sharp bounds of each by the other, over all pairs of distributions, tend to 0."""
    for given_, d in ((dv.tv, dv.js), (dv.js, dv.tv)):
        largest = [dv.bound(d, given=given_, value=x).upper for x in SMALL]
        assert largest == sorted(largest, reverse=True)
        assert largest[-1] < 2e-5
    assert dv.bound(dv.js, given=dv.tv, value=1e-10).upper == pytest.approx(1e-10 * math.log(2), rel=1e-9)


@pytest.mark.parametrize("given_", [dv.kl, dv.reverse_kl], ids=str)
def test_kl_to_zero_either_way_brings_total_variation_to_zero_and_not_the_other_way_round(given_):
    for x in SMALL:
        assert dv.bound(dv.tv, given=given_, value=x).upper <= math.sqrt(x / 2) * (1 + 1e-9)
        assert dv.bound(given_, given=dv.tv, value=x).upper == math.inf


@given(pairs(), st.floats(0.1, 10))
def test_on_a_bounded_set_w1_is_at_most_diameter_times_total_variation(pair, diameter):
    p, q = (x / x.sum() for x in pair)
    points = diameter * np.linspace(0, 1, len(p))[:, None] if len(p) > 1 else np.zeros((1, 1))
    distance = dv.wasserstein(points, points, p, q).value
    assert distance <= diameter * float(dv.tv(p, q)) * (1 + 1e-9) + 1e-12


def test_w1_tends_to_zero_while_the_divergences_stay():
    """A shrinking shift of an atom."""
    for shift in SMALL:
        assert dv.wasserstein([0.0], [shift]).value == pytest.approx(shift)
        p, q = [1.0, 0.0], [0.0, 1.0]
        assert (dv.tv(p, q), dv.kl(p, q)) == (1.0, math.inf)
