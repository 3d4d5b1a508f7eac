"""Each line of docs/guide/conventions.md that names another library or a factor."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import kl_div
from scipy.stats import power_divergence

import divergences as dv
from divergences.testing import pairs

P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
X, Y = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[3.0, 1.0], [4.0, 4.0]])


def test_kl_and_torch_and_scipy():
    swapped = torch.nn.functional.kl_div(torch.tensor(Q).log(), torch.tensor(P), reduction="sum")
    assert dv.kl(P, Q) == pytest.approx(swapped.item(), rel=1e-14)
    assert kl_div(P, Q)[0] == pytest.approx(P[0] * math.log(P[0] / Q[0]) - P[0] + Q[0])


def test_js_is_the_square_of_what_scipy_calls_jensenshannon():
    assert dv.js.distance(P, Q) == pytest.approx(jensenshannon(P, Q), rel=1e-14)
    assert dv.js([1, 0], [0, 1]) == math.log(2)


def test_total_variation_is_half_the_l1_norm():
    assert dv.tv(P, Q) == pytest.approx(np.abs(P - Q).sum() / 2, rel=1e-15)


def test_squared_hellinger_has_no_half():
    assert dv.squared_hellinger([1, 0], [0, 1]) == 2


def test_chi_squared_is_named():
    assert dv.pearson_chi2(P, Q) == pytest.approx(((P - Q) ** 2 / Q).sum(), rel=1e-14)
    assert dv.neyman_chi2(P, Q) == pytest.approx(((P - Q) ** 2 / P).sum(), rel=1e-14)


def test_wasserstein_is_a_root_and_pot_gives_the_power():
    weights = np.array([0.5, 0.5])
    t = dv.wasserstein(X, Y, p=2)
    power = ot.emd2(weights, weights, ot.dist(X, Y))
    assert t.cost == pytest.approx(power, rel=1e-14)
    assert t.value == pytest.approx(math.sqrt(power), rel=1e-14)


def test_emd_is_a_total():
    cost = np.array([[1.0, 2.0], [3.0, 1.0]])
    assert dv.emd([2, 4], [4, 2], cost).value == 2 * dv.emd([1, 2], [2, 1], cost).value
    a, b = np.array([0.5, 0.5]), np.array([0.5, 0.5])
    assert ot.emd2(a * (1 + 1e-8), b, cost) == pytest.approx(1.0, rel=1e-7)
    with pytest.raises(AssertionError):
        ot.emd2(a * 1.1, b, cost)
    with pytest.raises(ValueError, match="must have equal totals"):
        dv.emd(a * (1 + 1e-8), b, cost)


def test_jeffreys_is_the_sum_of_both_kl():
    assert dv.jeffreys(P, Q) == pytest.approx(dv.kl(P, Q) + dv.kl(Q, P), rel=1e-14)


def test_le_cam_is_half_the_triangular_discrimination():
    assert dv.triangular(P, Q) == pytest.approx(((P - Q) ** 2 / (P + Q)).sum(), rel=1e-14)
    assert dv.le_cam(P, Q) == dv.triangular(P, Q) / 2


def test_arithmetic_geometric_is_the_mean_relative_entropy_of_the_mixture():
    mean = (P + Q) / 2
    assert dv.arithmetic_geometric(P, Q) == pytest.approx((dv.kl(mean, P) + dv.kl(mean, Q)) / 2, rel=1e-14)


@pytest.mark.parametrize("a", [-1.5, 0.0, 0.3, 1.0, 2.0])
def test_orders_of_the_power_divergences(a):
    alpha = dv.alpha(a)(P, Q)
    assert dv.amari_alpha(1 - 2 * a)(P, Q) == pytest.approx(alpha, rel=1e-14)
    assert dv.cressie_read(a - 1)(P, Q) == pytest.approx(alpha, rel=1e-14)
    # scipy's statistic of counts is twice the sum, at both limits too
    assert power_divergence(P, Q, lambda_=a - 1).statistic == pytest.approx(2 * alpha, rel=1e-13)
    if a > 0:
        assert dv.tsallis(a)(P, Q) == pytest.approx(a * alpha, rel=1e-14)
    if a not in (0, 1):
        assert dv.t_power(a)(P, Q) == pytest.approx(abs(a * (a - 1)) * alpha, rel=1e-14)


def test_limits_and_special_members_of_the_families():
    assert dv.alpha(1)(P, Q) == pytest.approx(dv.kl(P, Q), rel=1e-14)
    assert dv.alpha(0)(P, Q) == pytest.approx(dv.reverse_kl(P, Q), rel=1e-14)
    assert dv.alpha(2)(P, Q) == pytest.approx(dv.pearson_chi2(P, Q) / 2, rel=1e-14)
    assert dv.alpha(-1)(P, Q) == pytest.approx(dv.neyman_chi2(P, Q) / 2, rel=1e-14)
    assert dv.alpha(1 / 2)(P, Q) == pytest.approx(2 * dv.squared_hellinger(P, Q), rel=1e-14)
    assert dv.weighted_js(1 / 2)(P, Q) == pytest.approx(dv.js(P, Q), rel=1e-14)
    assert dv.skew_kl(1)(P, Q) == dv.kl(P, Q)
    assert dv.hockey_stick(1)(P, Q) == pytest.approx(dv.tv(P, Q), rel=1e-14)


@given(pair=pairs(zeros=False), a=st.sampled_from([0.0, 1.0]), step=st.sampled_from([1e-3, 1e-6, 1e-12, 1e-300]))
def test_the_order_is_continuous_through_its_limits(pair, a, step):
    """By the mean value theorem: the derivative in the order is at most the divergence times the largest log-ratio."""
    limit = dv.alpha(a)(*pair)
    largest = np.abs(np.log(pair[0]) - np.log(pair[1])).max()
    for sign in (1, -1):
        near = dv.alpha(a + sign * step)(*pair)
        if step * largest < 1e-2:
            assert near == pytest.approx(limit, rel=4 * step * (1 + largest) + 8e-15, abs=1e-30)


def test_weights_and_skews():
    w, mean = 0.3, 0.3 * P + 0.7 * Q
    assert dv.weighted_js(w)(P, Q) == pytest.approx(w * dv.kl(P, mean) + (1 - w) * dv.kl(Q, mean), rel=1e-14)
    assert dv.skew_kl(0.7)(P, Q) == pytest.approx(dv.kl(P, mean), rel=1e-14)


def test_the_gan_divergence_has_no_constant():
    assert dv.gan_divergence(P, Q) == pytest.approx(2 * dv.js(P, Q), rel=1e-14)
    assert dv.gan_divergence.f(1.0) == 0
    u = 3.0
    of_the_paper = u * math.log(u) - (u + 1) * math.log(u + 1)
    assert dv.gan_divergence.f(u) == pytest.approx(of_the_paper + (u + 1) * math.log(2), rel=1e-14)
    assert dv.modified_gan.f(u) == pytest.approx(math.log1p(u) - math.log(u) - math.log(2), rel=1e-14)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7])
def test_the_hockey_stick(gamma):
    expected = np.maximum(P - gamma * Q, 0).sum() - max(1 - gamma, 0)
    assert dv.hockey_stick(gamma)(P, Q) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("family", "parameter", "message"),
    [
        (dv.weighted_js, 0, r"expected w of weighted_js to be in its domain, 0 < w < 1, got 0.0"),
        (dv.weighted_js, 1.5, r"0 < w < 1, got 1.5"),
        (dv.skew_kl, 0, r"expected t of skew_kl to be in its domain, 2\*\*-52 <= t <= 1, got 0.0"),
        (
            dv.hockey_stick,
            -1,
            r"expected gamma of hockey_stick to be in its domain, 2\*\*-52 <= gamma <= 2\*\*52, got -1.0",
        ),
        (dv.t_power, 1, r"expected t of t_power to be in its domain, t other than 0 and 1, got 1.0"),
        (dv.alpha, math.inf, r"expected a of alpha to be in its domain, any real number, got inf"),
    ],
)
def test_parameters_outside_the_domain_are_refused(family, parameter, message):
    with pytest.raises(ValueError, match=message):
        family(parameter)
    with pytest.raises(TypeError, match="to be a number, got 'a'"):
        family("a")
