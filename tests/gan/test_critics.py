"""Critics: constants that are proven, activations that permute, tips where they belong, and initialisation from a seed."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from deel import torchlip
from torch import nn

import gan
from gan.critics import Funnels, GroupSort, MaxMin, Standardised, lipschitz_constant
from gan.envelopes import ConeEnvelope, FunnelEnvelope

torch.set_num_threads(1)
EPS = float(np.finfo(np.float64).eps)

ARCHITECTURES = [
    gan.MLP(8, 2),
    gan.GroupSortMLP(8, 2),
    gan.GroupSortMLP(8, 2, group=4),
    gan.GroupSortMLP(8, 2, group=None),
    gan.FourierMLP(4, 8),
    gan.Cones(6),
    gan.Cones(6, trained=False),
    Funnels(6),
    Funnels(6, trained=False),
]
every = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def built(architecture, x, y, seed=0, unit=None):
    return architecture.build(x, y, torch.Generator().manual_seed(seed), unit=unit)


@every
def test_the_seed_alone_makes_the_critic(architecture):
    x, y = random(20, 3), random(15, 3, seed=1)
    first = built(architecture, x, y)
    torch.rand(1)  # moves the global generator on
    second = built(architecture, x, y)
    assert torch.equal(first(x), second(x))
    assert first(x).shape == (20,)
    assert first(x[:1]).shape == (1,)
    assert not torch.equal(built(architecture, x, y, seed=1)(x), first(x))


@every
def test_no_slope_exceeds_the_proven_constant(architecture):
    x, y = random(20, 3), random(15, 3, seed=1)
    critic = built(architecture, x, y)
    z = (3 * random(400, 3, seed=2)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(z).sum(), z)
    constant = lipschitz_constant(critic)
    assert torch.linalg.vector_norm(slope, dim=1).max() <= constant * (1 + 16 * EPS)
    assert constant < math.inf


def test_the_constant_of_layers_is_never_below_the_exact_product():
    """Norms 0.1, 3 and 0.7 as floats: their rational product is no float, and the constant is just above it."""
    numbers = (0.1, 3.0, 0.7)
    layers = [nn.Linear(1, 1, dtype=torch.float64) for _ in numbers]
    for layer, number in zip(layers, numbers, strict=True):
        layer.weight.data.fill_(number)
    exact = math.prod(Fraction(number) for number in numbers)
    constant = Fraction(lipschitz_constant(nn.Sequential(*layers)))
    assert exact < constant < exact * (1 + Fraction(1, 10**13))


def test_the_constant_beside_fourier_features_is_that_of_the_jacobian():
    """At the origin the Jacobian of (x, sin Fx, cos Fx) is (I, F, 0), of norm sqrt(1 + |F|^2)."""
    x = random(50, 3)
    features = built(gan.FourierMLP(5), x, x).network[0]
    jacobian = torch.autograd.functional.jacobian(features, torch.zeros(3, dtype=torch.float64))
    exact = np.linalg.norm(jacobian.numpy(), 2)
    assert exact * (1 - 4 * EPS) <= lipschitz_constant(features) <= exact * (1 + 1e-13)


def test_the_constant_is_looked_at_without_a_change():
    """Neither the mode of the critic nor the power iteration moves."""
    x = random(30, 3)
    critic = gan.SpectralNorm().attach(built(gan.MLP(8, 2), x, x), torch.Generator().manual_seed(0))
    critic.network[0].eval()
    modes, state = [m.training for m in critic.modules()], {k: v.clone() for k, v in critic.state_dict().items()}
    lipschitz_constant(critic)
    assert [m.training for m in critic.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in critic.state_dict().items())
    assert True in modes
    assert False in modes


def test_unknown_parts_have_no_constant():
    unknown = nn.Sequential(nn.Linear(1, 1), nn.Softplus())
    assert lipschitz_constant(unknown) == math.inf
    assert lipschitz_constant(Standardised(unknown, random(3, 1), random(3, 1), None)) == math.inf
    layer = nn.Linear(1, 1)
    layer.weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="expected a matrix of finite numbers"):
        lipschitz_constant(layer)


@pytest.mark.parametrize("group", [2, 3, 4, 6, 12])
def test_group_sort_agrees_with_torchlip(group):
    h = random(7, 12)
    theirs = torchlip.FullSort() if group == 12 else torchlip.GroupSort(group)
    assert torch.equal(GroupSort(group)(h), theirs(h))


def test_maxmin_is_group_sort_of_pairs_in_another_order():
    h = random(7, 12)
    pairs = torch.stack([h[:, :6], h[:, 6:]], dim=2).flatten(1)  # unit i beside unit i + 6
    low_high = GroupSort(2)(pairs).unflatten(1, (6, 2))
    assert torch.equal(MaxMin()(h), torch.cat([low_high[..., 1], low_high[..., 0]], dim=1))


@pytest.mark.parametrize("group", [2, 4, None])
@pytest.mark.parametrize("inputs", [8, 11])
def test_gradients_keep_their_length_under_sorting_and_orthogonal_layers(group, inputs):
    """No layer is wider than its input, so that each Jacobian has orthonormal rows: |grad T| = 1 almost everywhere."""
    x = random(50, inputs)
    critic = built(gan.GroupSortMLP(8, 3, group), x, x)
    critic = gan.Orthogonal().attach(critic, torch.Generator().manual_seed(0))
    z = (5 * x).requires_grad_()
    (slope,) = torch.autograd.grad(critic(z).sum(), z)
    length = torch.linalg.vector_norm(slope, dim=1)
    torch.testing.assert_close(length, torch.ones(50, dtype=torch.float64), rtol=0, atol=64 * EPS)


@pytest.mark.parametrize(("width", "group"), [(6, 4), (8, 3), (10, 20)])
def test_a_width_that_does_not_fall_into_groups_is_refused(width, group):
    with pytest.raises(ValueError, match=f"expected a width that is a multiple of {group}, got {width}"):
        gan.GroupSortMLP(width, group=group)


@pytest.mark.parametrize(
    ("architecture", "kind", "on_p"), [(gan.Cones(50), ConeEnvelope, True), (Funnels(50), FunnelEnvelope, False)]
)
def test_tips_are_at_the_points_and_no_cone_is_dead(architecture, kind, on_p):
    """Each of the cones at P, of the funnels at Q, alone attains the envelope at its own tip."""
    x, y = 100 + 7 * random(30, 2), 90 + 3 * random(20, 2, seed=1)
    critic = built(architecture, x, y)
    envelope, points = critic.network, x if on_p else y
    assert isinstance(envelope, kind)
    values = critic(points)
    values.sum().backward()
    assert envelope.heights.grad.ne(0).all()
    assert len(envelope.heights) == len(points)
    assert values.abs().max() == 0


def test_at_most_so_many_tips():
    x = random(30, 2)
    assert built(gan.Cones(7), x, x).network.tips.shape == (7, 2)
    with pytest.raises(ValueError, match="expected tips to be at least 1, got 0"):
        Funnels(tips=0)


@every
def test_the_unit_of_the_points_does_not_matter(architecture):
    """The same critic on points of another scale and origin says the same, in the new unit."""
    x, y = random(20, 3), random(15, 3, seed=1)
    first, second = built(architecture, x, y), built(architecture, 1024 * x - 5, 1024 * y - 5)
    torch.testing.assert_close(second(1024 * x - 5), 1024 * first(x), rtol=1e-9, atol=1e-9)
    assert lipschitz_constant(second) == pytest.approx(lipschitz_constant(first), rel=1e-9)


@every
def test_a_stack_of_critics_of_different_pairs_is_the_critics_one_by_one(architecture):
    """Scale and centre are part of the state, and vmap runs over them with the weights."""
    pairs = [(s * random(20, 3, seed=i) + s, random(15, 3, seed=i + 9)) for i, s in enumerate((1.0, 10.0, 0.1))]
    critics = [built(architecture, x, y, seed=i) for i, (x, y) in enumerate(pairs)]
    params, buffers = torch.func.stack_module_state(critics)
    x = torch.stack([x for x, _ in pairs])
    together = torch.vmap(lambda p, b, x: torch.func.functional_call(critics[0], (p, b), (x,)))(params, buffers, x)
    one_by_one = torch.stack([critic(x) for critic, (x, _) in zip(critics, pairs, strict=True)])
    torch.testing.assert_close(together, one_by_one, rtol=1e-12, atol=1e-12)
