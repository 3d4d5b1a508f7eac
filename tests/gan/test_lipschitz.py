"""Lipschitz constraints keep what they promise, measured through `bound` and on pairs of points."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import gan
from gan.critics import MaxMin, Standardised

torch.set_num_threads(1)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

CONSTRAINTS = [
    gan.WeightClipping(limit=0.1),
    gan.GradientPenalty(),
    gan.GradientPenalty(one_sided=True),
    gan.SpectralNorm(),
    gan.Orthogonal(),
    gan.CTransform(),
    gan.ByConstruction(),
]
every = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)


def clouds(n=80, d=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=g, dtype=torch.float64)
    return (5 + 2 * x).to(DEVICE), (4 + torch.randn(n, d, generator=g, dtype=torch.float64)).to(DEVICE)


def trained(constraint, steps=30):
    x, y = clouds()
    P, Q = gan.Discrete(x.cpu().numpy()), gan.Discrete(y.cpu().numpy())
    return gan.estimate(P, Q, constraint=constraint, budget=gan.Budget(steps=steps, batch=32)), x, y


@every
def test_the_proven_constant_holds_for_all_pairs_of_points(constraint):
    e, x, y = trained(constraint)
    z = torch.cat([x, y, 100 * x, y + 1e-4])
    with torch.no_grad():
        t = e.critic(z)
    rise, distance = (t[:, None] - t).abs(), torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
    assert e.lipschitz <= e.lipschitz_bound * (1 + 1e-12)
    assert torch.all(rise <= e.lipschitz_bound * distance * (1 + 1e-9) + 1e-9)


@pytest.mark.parametrize("architecture", [gan.MLP(), gan.GroupSortMLP(), gan.FourierMLP()], ids=str)
@pytest.mark.parametrize("constraint", [c for c in CONSTRAINTS if not isinstance(c, gan.ByConstruction)], ids=str)
def test_the_proven_constant_holds_for_every_network(constraint, architecture):
    """The constant is of the whole network, its Fourier features included."""
    x, y = clouds()
    P, Q = gan.Discrete(x.cpu().numpy()), gan.Discrete(y.cpu().numpy())
    e = gan.estimate(P, Q, constraint=constraint, critic=architecture, budget=gan.Budget(steps=5))
    assert 0 < e.lipschitz <= e.lipschitz_bound < math.inf


def test_unknown_networks_have_no_proven_constant():
    assert gan.Orthogonal().bound(nn.Sequential(nn.Linear(1, 1), nn.Softplus())) == math.inf


@every
def test_a_trained_critic_is_one_function(constraint):
    """It says the same each time: no power iteration goes on behind the reader's back."""
    e, x, _ = trained(constraint, steps=5)
    with torch.no_grad():
        assert torch.equal(e.critic(x), e.critic(x))
    assert constraint.bound(e.critic) == e.lipschitz_bound


def test_a_penalty_takes_no_envelope_of_cones():
    P = gan.Discrete([0.0, 1.0])
    with pytest.raises(TypeError, match="expected a network, got an envelope of cones, which has gradient 1"):
        gan.estimate(P, P, constraint=gan.GradientPenalty(), critic=gan.Cones(), budget=gan.Budget(steps=1))


def test_shared_atoms_have_one_value():
    """Three points among fifty: seen in two batches the critic would differ in its last digit, and jump."""
    x = np.random.default_rng(0).normal(size=(50, 2))
    e = gan.estimate(gan.Discrete(x[:3]), gan.Discrete(x), constraint=gan.SpectralNorm(), budget=gan.Budget(steps=4))
    assert e.lipschitz <= e.lipschitz_bound


@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e150])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_points_of_any_unit(scale, dtype):
    if scale > 1e38 and dtype == torch.float32:
        scale = 1e15
    P, Q = gan.Discrete(np.array([1.0, 2.0]) * scale), gan.Discrete(np.array([3.0, 5.0]) * scale)
    e = gan.estimate(P, Q, constraint=gan.Orthogonal(), budget=gan.Budget(steps=50), dtype=dtype)
    assert e.lower == pytest.approx(2.5 * scale, rel=1e-3)
    assert 0 < e.lipschitz <= e.lipschitz_bound * (1 + 1e-5)


def test_by_construction_takes_no_other_critic():
    P = gan.Discrete([0.0, 1.0])
    with pytest.raises(
        TypeError, match=r"expected a critic that is 1-Lipschitz by construction, got Standardised; pass"
    ):
        gan.estimate(P, P, constraint=gan.ByConstruction(), critic=gan.MLP(), budget=gan.Budget(steps=1))


@pytest.mark.parametrize("constraint", [gan.Orthogonal(), gan.ByConstruction()], ids=str)
def test_exactly_one_lipschitz(constraint):
    """By Cayley's transform, or by the triangle inequality."""
    assert trained(constraint)[0].lipschitz_bound == pytest.approx(1.0, abs=1e-12)


def test_spectral_norm_is_one_up_to_the_power_iteration():
    """D4; the iteration errs to one side: it underestimates the norm it divides by."""
    bound = trained(gan.SpectralNorm(iterations=20))[0].lipschitz_bound
    assert 1 - 1e-9 <= bound <= 1.02


def test_weight_clipping_clips():
    """Every parameter in [-c, c], and the constant that follows from the widths."""
    e, _, _ = trained(gan.WeightClipping(limit=0.02))
    assert max(p.abs().max().item() for p in e.critic.parameters()) <= 0.02
    assert 0 < e.lipschitz_bound <= (0.02 * 64) ** 2 * 0.02 * 3  # entries times dimensions bound every norm


class _Slope(nn.Module):
    """x -> k x_1."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        return self.k * x[:, 0]


@pytest.mark.parametrize("k", [0.0, 0.5, 1.0, 3.0])
def test_gradient_penalty_of_a_linear_critic(k):
    """lambda (k - 1)^2 two-sided, lambda max(0, k - 1)^2 one-sided, per sample and not per batch."""
    x, y = clouds()
    g = torch.Generator(DEVICE).manual_seed(0)
    two = gan.GradientPenalty(weight=7.0).penalty(_Slope(k), x, y, g)
    one = gan.GradientPenalty(weight=7.0, one_sided=True).penalty(_Slope(k), x, y, g)
    assert two.item() == pytest.approx(7 * (k - 1) ** 2, abs=1e-12)
    assert one.item() == pytest.approx(7 * max(0.0, k - 1) ** 2, abs=1e-12)


class _Square(nn.Module):
    def forward(self, x):
        return x.square().sum(1) / 2


def test_gradient_penalty_is_a_mean_over_points_between_the_samples():
    """For T = |x|^2 / 2 the gradient is x itself: between 0 and e_1 its length is the share, uniform on [0, 1]."""
    n = 40_000
    x = torch.zeros(n, 2, dtype=torch.float64, device=DEVICE)
    y = x.clone()
    y[:, 0] = 1
    penalty = gan.GradientPenalty(weight=1.0).penalty(_Square(), x, y, torch.Generator(DEVICE).manual_seed(0))
    assert penalty.item() == pytest.approx(1 / 3, abs=4 * math.sqrt(4 / 45 / n))  # E(U-1)^2 and four standard errors


def test_gradient_penalty_has_a_gradient_where_the_critic_is_flat():
    layer = nn.Linear(2, 1, dtype=torch.float64, device=DEVICE)
    with torch.no_grad():
        layer.weight.zero_()
    x, y = clouds(d=2)
    gan.GradientPenalty().penalty(layer, x, y, torch.Generator(DEVICE).manual_seed(0)).backward()
    assert not layer.weight.grad.isnan().any()


def test_c_transform_is_feasible_and_tight():
    """f_i + g_j <= c_ij for all pairs, with equality somewhere in each column; and it can be differentiated."""
    g = torch.Generator().manual_seed(0)
    cost = torch.rand(6, 9, generator=g, dtype=torch.float64)
    tx = torch.randn(6, generator=g, dtype=torch.float64, requires_grad=True)
    f, h = gan.CTransform().potentials(tx, torch.zeros(9), cost)
    slack = cost - f[:, None] - h
    assert slack.min().item() >= -1e-15
    assert torch.all(slack.min(0).values <= 1e-15)
    h.sum().backward()
    assert tx.grad.sum().item() == -9  # each column takes 1 from the row that attains its minimum


def test_maxmin_permutes():
    h = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(MaxMin()(h).sort(dim=1).values, h.sort(dim=1).values)


def test_standardisation_does_not_change_slopes():
    """The same network on points of another scale and origin says the same, in the new unit."""
    x, y = clouds()
    build = gan.MLP().build
    first = build(x, y, torch.Generator(DEVICE).manual_seed(1), unit=None)
    second = build(1000 * x - 7, 1000 * y - 7, torch.Generator(DEVICE).manual_seed(1), unit=None)
    assert isinstance(first, Standardised)
    torch.testing.assert_close(second(1000 * x - 7), 1000 * first(x), rtol=1e-9, atol=1e-9)
    assert gan.WeightClipping().bound(first) == pytest.approx(gan.WeightClipping().bound(second))
