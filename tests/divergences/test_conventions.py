"""Each line of docs/conventions.md that names another library or a factor."""

import math

import numpy as np
import ot
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import kl_div

import divergences as dv

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
