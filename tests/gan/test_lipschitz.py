"""Lipschitz constraints keep what they promise, measured through `bound` and on pairs of points."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from torch import nn
from torch.func import functional_call, stack_module_state

import divergences as dv
import gan
from gan.critics import Funnels, MaxMin, Standardised
from gan.envelopes import CTransformed, FunnelEnvelope
from gan.lipschitz import PORTFOLIO, AlmostOrthogonal, Bjorck

torch.set_num_threads(1)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

CONSTRAINTS = [
    gan.WeightClipping(limit=0.1),
    gan.GradientPenalty(),
    gan.GradientPenalty(one_sided=True),
    gan.GradientPenalty(one_sided=True, power=1),
    gan.SpectralNorm(),
    gan.Orthogonal(),
    gan.Orthogonal(by=Bjorck(iterations=5)),
    AlmostOrthogonal(),
    gan.CTransform(),
    gan.ByConstruction(),
    gan.ByConstruction(Funnels()),
]
PARAMETRISED = [gan.SpectralNorm(), gan.Orthogonal(), gan.Orthogonal(by=Bjorck(iterations=5)), AlmostOrthogonal()]
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
    assert 0 < e.lipschitz <= e.lipschitz_bound * (1 + 1e-12) < math.inf  # values and distances are rounded


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


@pytest.mark.parametrize("constraint", PORTFOLIO, ids=str)
def test_exactly_one_lipschitz(constraint):
    """By Cayley's transform, or by the triangle inequality."""
    assert trained(constraint)[0].lipschitz_bound == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("constraint", [gan.Orthogonal(by=Bjorck(iterations=2)), AlmostOrthogonal()], ids=str)
def test_at_most_one_lipschitz(constraint):
    """Björck's iteration stays below 1 however short it is, and almost orthogonal layers do by dominance."""
    assert 0 < trained(constraint)[0].lipschitz_bound <= 1 + 1e-12


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
    """D3: lambda (k - 1)^2, lambda max(0, k - 1)^2 and lambda max(0, k - 1), per sample and not per batch."""
    x, y = clouds()
    g = torch.Generator(DEVICE).manual_seed(0)
    two = gan.GradientPenalty(weight=7.0).penalty(_Slope(k), x, y, g)
    one = gan.GradientPenalty(weight=7.0, one_sided=True).penalty(_Slope(k), x, y, g)
    assert two.item() == pytest.approx(7 * (k - 1) ** 2, abs=1e-12)
    assert one.item() == pytest.approx(7 * max(0.0, k - 1) ** 2, abs=1e-12)
    hinge = gan.GradientPenalty(weight=7.0, one_sided=True, power=1).penalty(_Slope(k), x, y, g)
    assert hinge.item() == pytest.approx(7 * max(0.0, k - 1), abs=1e-12)


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


@pytest.mark.parametrize("power", [1, 1.5, 2])
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_gradient_penalty_has_a_gradient_where_the_norm_or_the_power_has_a_corner(slope, one_sided, power):
    layer = nn.Linear(2, 1, dtype=torch.float64, device=DEVICE)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[slope, 0.0]]))
    x, y = clouds(d=2)
    penalty = gan.GradientPenalty(one_sided=one_sided, power=power)
    penalty.penalty(layer, x, y, torch.Generator(DEVICE).manual_seed(0)).backward()
    assert not layer.weight.grad.isnan().any()


def test_powers_below_one_are_refused():
    with pytest.raises(ValueError, match=r"expected power to be at least 1, got 0.5"):
        gan.GradientPenalty(power=0.5)


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


def network(architecture, seed=0, x=None):
    x = clouds()[0] if x is None else x
    return architecture.build(x, x - 1, torch.Generator(DEVICE).manual_seed(seed), unit=None)


def attached(constraint, seed=0):
    return constraint.attach(network(constraint.architecture, seed), torch.Generator(DEVICE).manual_seed(seed))


@every
def test_attaching_twice_changes_nothing(constraint):
    """A warm start: a critic that carries the constraint, or its deep copy, comes back as it is."""
    critic = attached(constraint).eval()
    x, _ = clouds()
    before, again = critic(x), copy.deepcopy(critic)
    for c in (critic, again):
        assert constraint.attach(c, torch.Generator(DEVICE).manual_seed(1)) is c
        assert torch.equal(c(x), before)
    if any(isinstance(part, nn.Linear) for part in critic.modules()):
        with torch.no_grad():
            next(again.parameters()).add_(1.0)
        assert torch.equal(critic(x), before)  # the copy is no view of it


@pytest.mark.parametrize("present", PARAMETRISED, ids=str)
@pytest.mark.parametrize(
    "wanted",
    [gan.WeightClipping(), gan.SpectralNorm(iterations=7), gan.Orthogonal(by=Bjorck(iterations=6)), *PARAMETRISED],
    ids=str,
)
def test_a_critic_under_another_map_is_refused(wanted, present):
    critic, generator = present.attach(network(gan.MLP(8, 1)), torch.Generator(DEVICE)), torch.Generator(DEVICE)
    if wanted == present:
        assert wanted.attach(critic, generator) is critic
        return
    with pytest.raises(ValueError, match=r"expected a critic with free weights.*; build a new critic"):
        wanted.attach(critic, generator)


def test_a_c_transformed_critic_is_unwrapped_to_its_network():
    x, y = clouds()
    inner = network(gan.FourierMLP(8, 8))
    critic = CTransformed(inner, y, torch.zeros(len(y), dtype=torch.float64, device=DEVICE))
    assert gan.CTransform().attach(critic, torch.Generator(DEVICE)) is inner
    assert gan.ByConstruction().attach(critic, torch.Generator(DEVICE)) is critic
    assert gan.ByConstruction().bound(critic) == 1.0
    with pytest.raises(TypeError, match="got an envelope of cones"):
        gan.GradientPenalty().attach(critic, torch.Generator(DEVICE))
    del x


def test_any_envelope_is_one_lipschitz_by_construction():
    tips = torch.tensor([[0.0], [1.0]])
    bare = FunnelEnvelope(tips, torch.zeros(2))
    assert gan.ByConstruction().attach(bare, torch.Generator()) is bare
    assert gan.ByConstruction(Funnels(tips=3)).architecture == Funnels(tips=3)


@pytest.mark.parametrize("constraint", [*PARAMETRISED, gan.ByConstruction(), gan.ByConstruction(Funnels())], ids=str)
def test_stacked_critics_are_the_critics_one_by_one(constraint):
    """Values and gradients under vmap over weights and buffers; the power iteration of each goes on as alone."""
    x, _ = clouds(n=20)
    critics = [attached(constraint, seed) for seed in range(3)]
    alone = [copy.deepcopy(critic) for critic in critics]
    params, buffers = stack_module_state(critics)

    def value(p, b):
        t = functional_call(critics[0], (p, b), (x,))
        return t[:10].mean() - t[10:].mean()

    slopes, values = torch.vmap(torch.func.grad_and_value(value))(params, buffers)
    for i, critic in enumerate(alone):
        t = critic(x)
        loss = t[:10].mean() - t[10:].mean()
        loss.backward()
        torch.testing.assert_close(values[i], loss.detach(), rtol=1e-10, atol=1e-12)
        for name, parameter in critic.named_parameters():
            torch.testing.assert_close(slopes[name][i], parameter.grad, rtol=1e-8, atol=1e-10)
        for name, buffer in critic.named_buffers():
            torch.testing.assert_close(buffers[name][i], buffer, rtol=1e-10, atol=1e-12)


def finite_pair(seed=0, n=10, m=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))


@pytest.mark.parametrize("k", [0.25, 1.0, 3.0])
def test_kantorovich_rubinstein_over_k_lipschitz_functions(k):
    """C5: sup E_P f - E_Q f over all f with |f(u) - f(v)| <= k |u - v| on the atoms is k W1, with no gap."""
    x, y, a, b = finite_pair()
    z, gain = np.concatenate([x, y]), np.concatenate([a, -b])
    cost, n = k * cdist(z, z), len(z)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    rows = np.zeros((len(i), n))
    rows[np.arange(len(i)), i], rows[np.arange(len(i)), j] = 1, -1
    program = linprog(-gain, A_ub=rows, b_ub=cost[i, j], bounds=[(0, 0)] + [(None, None)] * (n - 1))
    assert -program.fun == pytest.approx(k * dv.wasserstein(x, y, a, b).value, rel=1e-7)  # tolerance of the solver


@pytest.mark.parametrize("constraint", PORTFOLIO, ids=str)
@pytest.mark.parametrize("k", [0.25, 3.0])
def test_k_lipschitz_critics_never_exceed_k_times_the_distance(constraint, k):
    """C5, whatever their weights are: networks with output in units of k times the spread."""
    for seed in range(8):
        x, y, a, b = finite_pair(seed)
        tx, ty = torch.tensor(x), torch.tensor(y)
        critic = constraint.attach(
            constraint.architecture.build(tx, ty, torch.Generator().manual_seed(seed), unit=None), torch.Generator()
        )
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
            critic.get_buffer("unit").mul_(k)
            value = abs(float(critic.eval()(tx) @ torch.tensor(a) - critic(ty) @ torch.tensor(b)))
        assert constraint.bound(critic) == pytest.approx(k, rel=1e-12)
        assert 0 < value <= k * dv.wasserstein(x, y, a, b).value * (1 + 1e-12)


@pytest.mark.parametrize("architecture", [gan.Cones(), Funnels()], ids=str)
@pytest.mark.parametrize("k", [0.25, 3.0])
def test_trained_cones_scaled_by_k_reach_k_times_the_distance(architecture, k):
    """C5, the supremum: within half a percent, and never above."""
    x, y, a, b = finite_pair()
    tx, ty, wa, wb = (torch.tensor(z) for z in (x, y, a, b))
    critic = architecture.build(tx, ty, torch.Generator().manual_seed(0), unit=None)
    critic.get_buffer("unit").mul_(k)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    for step in range(400):
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 + math.cos(math.pi * step / 400)) / 2
        optimizer.zero_grad()
        (wb @ critic(ty) - wa @ critic(tx)).backward()
        optimizer.step()
    with torch.no_grad():
        value = float(wa @ critic.eval()(tx) - wb @ critic(ty))
    supremum = k * dv.wasserstein(x, y, a, b).value
    assert 0.995 * supremum <= value <= supremum * (1 + 1e-12)


@pytest.mark.parametrize("distance", [0.1, 1.0, 7.0])
def test_two_atoms_without_a_bound_and_with_one(distance):
    """C7: gradient ascent on T(x) = k x raises k d by d^2 each unit of time for ever; with a constraint the value is d."""
    layer, values = nn.Linear(1, 1, bias=False, dtype=torch.float64), []
    with torch.no_grad():
        layer.weight.zero_()
    atoms = torch.tensor([[distance], [0.0]], dtype=torch.float64)
    for _ in range(40):
        t = layer(atoms).squeeze(1)
        (slope,) = torch.autograd.grad(t[0] - t[1], layer.parameters())
        with torch.no_grad():
            layer.weight.add_(slope)
        values.append((t[0] - t[1]).item())
    assert values == pytest.approx([step * distance**2 for step in range(40)], rel=1e-12)
    P, Q = gan.Discrete([distance]), gan.Discrete([0.0])
    for constraint in PORTFOLIO:
        e = gan.estimate(P, Q, constraint=constraint, budget=gan.Budget(steps=100))
        assert 0.999 * distance <= e.raw <= distance * (1 + 1e-12)


def test_the_constant_under_clipping_grows_with_the_limit():
    """D2: the clipped critic measures some K W1; K is larger for a larger limit, and only the division by it is a bound."""
    x, y = clouds(d=2)
    P, Q = gan.Discrete(x.cpu().numpy()), gan.Discrete(y.cpu().numpy())
    estimates = [
        gan.estimate(P, Q, constraint=gan.WeightClipping(limit=limit), budget=gan.Budget(steps=40, batch=32))
        for limit in (0.02, 0.05, 0.1, 0.3)
    ]
    measured, proven = [e.lipschitz for e in estimates], [e.lipschitz_bound for e in estimates]
    assert measured == sorted(measured)
    assert proven == sorted(proven)
    assert measured[-1] > 100 * measured[0]
    assert all(e.raw <= e.lipschitz * e.upper * (1 + 1e-12) for e in estimates)
