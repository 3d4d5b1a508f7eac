"""Critics of convolutions under Lipschitz constraints: no layer stays free unseen, and what is proven holds."""

import copy
import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import gan
from gan.datasets import digits
from gan.image_networks import ConvolutionalCritic, DCGANCritic, DCGANGenerator
from gan.lipschitz import AlmostOrthogonal, Bjorck
from gan.spectral import SpectralMap, convolution_bound

torch.set_num_threads(1)
LINEAR_ONLY = [gan.Orthogonal(), gan.Orthogonal(by=Bjorck(iterations=5)), AlmostOrthogonal()]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=30, d=64, seed=0):
    return torch.rand(n, d, generator=rng(seed), dtype=torch.float64) * 2 - 1


def critic_of(norm=nn.Identity, labels=0, seed=0):
    x = images(4, 64 + labels)
    return DCGANCritic(width=4, norm=norm).build(x, x, rng(seed), unit=2.0)


def slopes(critic, x):
    """Lengths of the gradients at points, each by itself."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x)
    return gradient.norm(dim=1)


def norm_on_images(layer, side):
    """The largest singular value of the map of images of this side, as a matrix."""
    units = torch.eye(layer.in_channels * side * side, dtype=torch.float64)
    shaped = units.reshape(-1, layer.in_channels, side, side)
    columns = F.conv2d(shaped, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return matrix_norm(columns)


def matrix_norm(weight):
    return float(torch.linalg.matrix_norm(weight.detach().flatten(1), 2))


def layer_with(weight, **settings):
    groups = settings.get("groups", 1)
    layer = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2:], **settings, dtype=torch.float64)
    layer.weight.data.copy_(weight)
    return layer


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 3),
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 1000),
)
def test_no_image_is_stretched_by_more_than_the_bound(kernel, stride, dilation, padding, groups, seed):
    weight = torch.randn(4, 2, *kernel, generator=rng(seed), dtype=torch.float64)
    layer = layer_with(weight, stride=stride, dilation=dilation, padding=padding, groups=groups)
    side = 1 + dilation * (max(kernel) - 1) + 2  # at least one place for the kernel without any padding
    assert norm_on_images(layer, side) <= convolution_bound(layer) * (1 + 1e-12)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 3), (2, 2)])
def test_where_patches_are_disjoint_the_bound_is_the_norm(kernel, stride):
    layer = layer_with(torch.randn(3, 2, kernel, kernel, generator=rng(), dtype=torch.float64), stride=stride)
    assert convolution_bound(layer) == pytest.approx(norm_on_images(layer, 2 * kernel), rel=1e-12)


def test_a_convolution_stretches_by_more_than_its_norm_as_a_matrix():
    """The root of the number of patches that share a pixel is needed: large images come as near to it as one likes."""
    layer = layer_with(torch.full((1, 1, 4, 4), 0.25, dtype=torch.float64), stride=2, padding=1)
    assert matrix_norm(layer.weight) == pytest.approx(1.0)
    assert 1.95 < norm_on_images(layer, 24) <= convolution_bound(layer) <= 2.0 * (1 + 1e-12)


def test_what_pads_with_the_image_itself_has_no_bound():
    assert convolution_bound(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")) == math.inf


def test_spectral_norm_holds_convolutions_too():
    """Weights of any size give the same critic: without the constraint its slope would be a million times larger."""
    rule, x = gan.SpectralNorm(), images()
    critic = rule.attach(critic_of(), rng())
    layers = [part for part in critic.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == 3
    before = slopes(critic.eval(), x)
    for layer in layers:
        layer.parametrizations.weight.original.data.mul_(100.0)
        assert 1 - 1e-12 <= matrix_norm(layer.weight) <= 1.01
    assert torch.allclose(slopes(critic, x), before, rtol=1e-9)
    assert 0 < float(before.max()) <= rule.bound(critic) <= 2 * 4 * 1.03  # unit, and twice a root of 4 patches


def test_the_bound_counts_a_label_once_per_pixel():
    rule, x = gan.SpectralNorm(), images(d=67)
    critic = rule.attach(critic_of(labels=3), rng()).eval()
    assert rule.bound(critic) == pytest.approx(8 * rule.bound(rule.attach(critic_of(), rng())), rel=0.05)
    first = critic.body[0].parametrizations.weight.original.data
    first[:, 0] = 0.0  # looks at labels only
    assert float(slopes(critic, x).max()) <= rule.bound(critic)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, partial(nn.GroupNorm, 1)], ids=["batch", "layer"])
def test_layers_of_norm_have_no_proven_constant(norm):
    assert gan.SpectralNorm().bound(gan.SpectralNorm().attach(critic_of(norm), rng())) == math.inf


def test_reading_the_bound_moves_nothing():
    critic = gan.SpectralNorm(iterations=1).attach(critic_of(), rng()).train()
    before = copy.deepcopy(critic.state_dict())
    assert gan.SpectralNorm(iterations=1).bound(critic) == gan.SpectralNorm(iterations=1).bound(critic)
    assert all(torch.equal(value, before[name]) for name, value in critic.state_dict().items())
    assert all(part.training for part in critic.modules())


@pytest.mark.parametrize("rule", LINEAR_ONLY, ids=str)
def test_constraints_of_matrices_refuse_convolutions(rule):
    with pytest.raises(TypeError, match=r"expected layers Linear.*got Conv2d.*take SpectralNorm\(\)"):
        rule.attach(critic_of(), rng())


def test_spectral_norm_refuses_convolutions_that_it_does_not_know():
    critic = nn.Sequential(nn.ConvTranspose2d(1, 1, 3), nn.Flatten(), nn.Linear(100, 1))
    with pytest.raises(TypeError, match=r"expected layers Linear and Conv2d.*got ConvTranspose2d"):
        gan.SpectralNorm().attach(critic, rng())


def test_attaching_to_convolutions_twice_changes_nothing():
    rule, x = gan.SpectralNorm(), images()
    critic = rule.attach(critic_of(), rng()).eval()
    before = critic(x)
    assert rule.attach(critic, rng(1)) is critic
    assert torch.equal(critic(x), before)
    with pytest.raises(ValueError, match="expected a critic with free weights or under SpectralNorm"):
        gan.SpectralNorm(iterations=7).attach(critic, rng())
    with pytest.raises(ValueError, match="expected a critic with free weights to clip"):
        gan.WeightClipping().attach(critic, rng())


def test_the_map_of_a_matrix_is_that_of_its_reshaped_kernel():
    kernel = torch.randn(5, 3, 2, 2, generator=rng(), dtype=torch.float64)
    of_kernel, of_matrix = (SpectralMap(w, 2, rng(1)) for w in (kernel, kernel.flatten(1)))
    assert torch.equal(of_kernel(kernel).flatten(1), of_matrix(kernel.flatten(1)))


def test_clipping_clips_convolutions_and_claims_nothing_false():
    rule = gan.WeightClipping(limit=0.05)
    critic = rule.attach(critic_of(), rng())
    for parameter in critic.parameters():
        parameter.data.fill_(3.0)
    rule.project(critic)
    assert all(float(p.detach().abs().max()) <= 0.05 for p in critic.parameters())
    assert float(slopes(critic, images()).max()) <= rule.bound(critic)


def test_a_critic_of_images_stays_in_its_bound_while_it_is_trained():
    rule, data = gan.SpectralNorm(iterations=1), digits().training
    trained = gan.train(
        gan.hinge,
        data,
        generator=DCGANGenerator(width=4),
        critic=DCGANCritic(width=4, norm=nn.Identity),
        constraint=rule,
        settings=gan.Settings(steps=10, every=10, batch=16),
        device="cpu",
    )
    critic = trained.critic.eval()
    assert 0 < float(slopes(critic, images().float()).max()) <= rule.bound(critic) < 5


class Residual(nn.Module):
    """More than its parts."""

    def __init__(self):
        super().__init__()
        self.part = nn.Conv2d(1, 1, 1, bias=False)

    def forward(self, x):
        return (x + 5 * self.part(x)).flatten(1)


def test_a_body_whose_forward_is_not_known_has_no_bound_and_a_layer_counts_as_often_as_it_is_used():
    layer = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    head = nn.Linear(64, 1)
    twice = ConvolutionalCritic(nn.Sequential(layer, layer, nn.Flatten()), head, (1, 8, 8), 1.0)
    once = ConvolutionalCritic(nn.Sequential(layer, nn.Flatten()), head, (1, 8, 8), 1.0)
    assert twice.constant() == pytest.approx(3 * once.constant())
    assert ConvolutionalCritic(Residual(), head, (1, 8, 8), 1.0).constant() == math.inf
    layer.forward = lambda x: 9 * x
    assert once.constant() == math.inf
