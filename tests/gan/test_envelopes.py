"""Envelopes of cones are 1-Lipschitz, hold every 1-Lipschitz function on their tips, and lose nothing of a dual bound."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import divergences as dv
import gan
from gan.envelopes import ConeEnvelope, CTransformed, FunnelEnvelope

torch.set_num_threads(1)
EPS = float(np.finfo(np.float64).eps)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_force(sign, tips, heights, x):
    """max (sign 1) or min (sign -1) over all tips, coordinate by coordinate."""
    pick = max if sign > 0 else min
    return [
        pick(float(h) - sign * float(np.sqrt(np.sum((a - z) ** 2))) for z, h in zip(tips, heights, strict=True))
        for a in x
    ]


KINDS = [(ConeEnvelope, 1), (FunnelEnvelope, -1)]
kinds = pytest.mark.parametrize(("kind", "sign"), KINDS, ids=["cones", "funnels"])


@kinds
@pytest.mark.parametrize("training", [False, True])
def test_values_are_the_envelope(kind, sign, training):
    tips, heights, x = random(7, 3), random(7, seed=1), random(50, 3, seed=2)
    envelope = kind(tips, heights).train(training)
    expected = brute_force(sign, tips.numpy(), heights.numpy(), x.numpy())
    assert envelope(x).tolist() == pytest.approx(expected, abs=16 * EPS)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.floats(1e-3, 1e3), st.integers(0, 10**6))
def test_one_lipschitz_for_any_parameters(k, d, scale, seed):
    """Whatever the heights are, between all pairs of points, near ones and the tips themselves included."""
    tips, heights = random(k, d, seed=seed), scale * random(k, seed=seed + 1)
    x = torch.cat([3 * random(20, d, seed=seed + 2), tips, tips + 1e-7])
    for kind, _ in KINDS:
        with torch.no_grad():
            t = kind(tips, heights)(x)
        rise, distance = (t[:, None] - t).abs(), torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
        assert torch.all(rise <= distance + 8 * EPS * (10 + 4 * scale))


@kinds
def test_mcshane_every_lipschitz_function_on_the_tips_is_an_envelope(kind, sign):
    tips = random(30, 2)
    function = 0.6 * tips[:, 0] + 0.8 * tips[:, 1].abs() - 1  # of constant 1
    values = kind(tips, function)(tips)
    torch.testing.assert_close(values, function, rtol=0, atol=8 * EPS)
    assert sign * (values - function).max() >= -8 * EPS


@kinds
def test_the_mirror_image(kind, sign):
    """min_k (h_k + |x - z_k|) = -max_k (-h_k - |x - z_k|)."""
    tips, heights, x = random(5, 2), random(5, seed=1), random(9, 2, seed=2)
    other = FunnelEnvelope if sign > 0 else ConeEnvelope
    assert torch.equal(kind(tips, heights)(x), -other(tips, -heights)(x))


@kinds
def test_gradients_against_finite_differences(kind, sign):
    """In the points, the heights and the tips; away from ties, of which random points have none."""
    tips, heights, x = random(6, 3), random(6, seed=1), random(8, 3, seed=2).requires_grad_()
    envelope = kind(tips, heights, trained=True)

    def values(x, tips, heights):
        return torch.func.functional_call(envelope, {"tips": tips, "heights": heights}, (x,))

    inputs = (x, tips.clone().requires_grad_(), heights.clone().requires_grad_())
    assert torch.autograd.gradcheck(values, inputs)
    assert sign in (1, -1)


@kinds
def test_gradients_have_length_one_and_vanish_at_the_tips(kind, sign):
    tips = random(5, 3)
    x = torch.cat([random(40, 3, seed=1), tips]).requires_grad_()
    envelope = kind(tips, torch.zeros(5, dtype=torch.float64), trained=True)
    values = envelope(x)
    (slope,) = torch.autograd.grad(values.sum(), x, retain_graph=True)
    length = torch.linalg.vector_norm(slope, dim=1)
    torch.testing.assert_close(length[:40], torch.ones(40, dtype=torch.float64), rtol=0, atol=8 * EPS)
    assert torch.equal(length[40:], torch.zeros(5, dtype=torch.float64))
    values.sum().backward()
    assert all(p.grad.isfinite().all() for p in envelope.parameters())
    assert envelope.heights.grad.sum().item() == 45  # each value follows one height
    assert sign * values.detach()[40:].abs().max() == 0


def test_in_single_precision_far_from_the_origin_the_tips_are_not_lost():
    """Distances by differences: the expanded square would err by the root of eps times 1e3, here about 0.3."""
    tips = torch.tensor([[1000.0, 1000.0], [1001.0, 1000.0]])
    cones = ConeEnvelope(tips, torch.tensor([0.0, 0.0])).eval()
    x = tips + torch.tensor([2.0**-10, 0.0])
    assert cones(x).tolist() == [-(2.0**-10), -(2.0**-10)]


def test_blocks_do_not_change_values(monkeypatch):
    tips, heights, x = random(20, 3), random(20, seed=1), random(57, 3, seed=2)
    whole = ConeEnvelope(tips, heights)(x)
    monkeypatch.setattr("gan.envelopes.BLOCK", 100)
    assert torch.equal(ConeEnvelope(tips, heights)(x), whole)


def test_heights_must_fit_the_tips():
    for tips, heights in ((torch.zeros(2, 1), torch.zeros(3)), (torch.zeros(0, 1), torch.zeros(0))):
        with pytest.raises(ValueError, match=r"expected tips of shape \(k, d\) and a height for each"):
            ConeEnvelope(tips, heights)


def dual_pair(seed=0):
    x, y, f = random(12, 2, seed=seed), random(9, 2, seed=seed + 1) + 1, random(12, seed=seed + 2)
    cost = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    return x, y, f, (cost - f[:, None]).min(0).values


def test_the_c_transform_loses_nothing_of_the_dual_bound():
    """Above f on P and below -g on Q: E_P T - E_Q T is at least the value of the feasible pair, and at most W1."""
    x, y, f, g = dual_pair()
    critic = CTransformed(nn.Identity(), y, -g)
    with torch.no_grad():
        tx, ty = critic(x), critic(y)
    assert torch.all(tx >= f - 8 * EPS)
    assert torch.all(ty <= -g + 8 * EPS)
    distance = dv.wasserstein(x.numpy(), y.numpy()).value
    assert f.mean() + g.mean() - 16 * EPS <= tx.mean() - ty.mean() <= distance + 16 * EPS


def test_the_c_transform_of_optimal_duals_is_optimal_on_the_whole_space():
    x, y, *_ = dual_pair()
    transport = dv.wasserstein(x.numpy(), y.numpy())
    g = torch.tensor(np.asarray(transport.potentials[1]))
    critic = CTransformed(nn.Identity(), y, -g)
    with torch.no_grad():
        value = (critic(x).mean() - critic(y).mean()).item()
    assert value == pytest.approx(transport.value, abs=1e-12)
    assert gan.CTransform().bound(critic) == 1.0


def test_the_network_of_a_c_transform_is_kept_and_the_rest_is_fixed():
    network = nn.Linear(2, 1, dtype=torch.float64)
    critic = CTransformed(network, random(3, 2), random(3))
    assert gan.CTransform().attach(critic, torch.Generator()) is network
    assert [p for p in critic.parameters() if p.requires_grad] == list(network.parameters())
