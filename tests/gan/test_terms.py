"""Losses beside the objective: feature means, legible codes, and critics that see their batch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

import divergences as dv
import gan
from divergences.integral_metrics import kernels
from gan.adversarial import minimax
from gan.conditional import CodeHead, CodePosterior
from gan.latents import CodedLatent
from gan.minibatch import MinibatchDiscrimination, closeness
from gan.networks import FeatureMLP
from gan.terms import (
    CodedCritic,
    Context,
    FeatureMatching,
    MutualInformation,
    PullingAway,
    ShowsFeatures,
    Term,
    critic_features,
    information_bound,
)

torch.set_num_threads(1)

EPS = np.finfo(float).eps
POINTS = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-4, 4))


class Linear(nn.Module):
    """Features A x, of which the critic is the sum."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = torch.as_tensor(matrix)

    def features(self, x):
        return x @ self.matrix.T

    def forward(self, x):
        return self.features(x).sum(-1)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def context(critic, real, fake, latent=None):
    fake = torch.as_tensor(fake)
    return Context(nn.Identity(), critic, torch.as_tensor(real), fake, fake if latent is None else latent)


# --------------------------------------------------------------------------------------------------------- feature matching


@given(
    real=POINTS, fake=POINTS, matrix=hnp.arrays(np.float64, (3, 2), elements=st.floats(-2, 2)), weight=st.floats(0, 9)
)
def test_feature_matching_is_the_squared_discrepancy_under_the_kernel_of_the_features(real, fake, matrix, weight):
    """Claim E10: by the sum over pairs of kernel values, which the term never forms."""
    kernel = matrix.T @ matrix
    pairs = (real @ kernel @ real.T).mean() + (fake @ kernel @ fake.T).mean() - 2 * (real @ kernel @ fake.T).mean()
    loss = FeatureMatching(weight).generator_loss(context(Linear(matrix), real, fake))
    size = weight * 12 * 4 * (4 * 2 * 2) ** 2  # of coordinates of 4 under features of 2 and 2
    assert float(loss) == pytest.approx(weight * pairs, abs=16 * EPS * (1 + size))
    assert loss >= 0


def test_feature_matching_is_divergences_mmd_with_the_linear_kernel():
    real, fake = (torch.randn(n, 3, generator=rng(n), dtype=torch.float64) for n in (20, 30))
    loss = FeatureMatching().generator_loss(context(Linear(np.eye(3)), real, fake))
    metric = dv.mmd(real.numpy(), fake.numpy(), kernel=kernels.Linear())
    assert float(loss) == pytest.approx(metric.value, abs=64 * EPS * 9)


def test_feature_matching_moves_the_generator_only_and_along_the_difference_of_means():
    """Features x: the gradient at each of m generated points is 2/m of the difference, by hand."""
    real, fake = torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.zeros(4, 2, requires_grad=True)
    at, term = Context(nn.Identity(), Linear(torch.eye(2)), real, fake, fake), FeatureMatching(weight=0.5)
    (slope,) = torch.autograd.grad(term.generator_loss(at), fake)
    assert slope.tolist() == [[-0.5, 0.0]] * 4
    assert term.critic_loss(at) == 0


# ------------------------------------------------------------------------------------------------------------- pulling away


@given(fake=hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.just(2)), elements=st.floats(-4, 4)))
def test_pulling_away_is_the_mean_squared_cosine_of_pairs(fake):
    """By the angle between each two points, found from arctangents."""
    lengths = np.hypot(*fake.T)
    fake = fake[(lengths == 0) | (lengths > 1e-6)]  # in between, the length is lost below that of normalisation
    assume(len(fake) > 1)
    angles = np.arctan2(fake[:, 1], fake[:, 0])
    squares = np.cos(angles[:, None] - angles) ** 2 * np.outer(fake.any(1), fake.any(1))
    pairs = squares[~np.eye(len(fake), dtype=bool)]
    loss = PullingAway(weight=3.0).generator_loss(context(Linear(np.eye(2)), fake[:1], fake))
    assert float(loss) == pytest.approx(3 * pairs.mean(), abs=64 * EPS)


def test_pulling_away_is_the_weight_on_a_single_point_and_refuses_to_judge_one():
    one = np.tile([[3.0, 4.0]], (5, 1))
    assert float(PullingAway(2.0).generator_loss(context(Linear(np.eye(2)), one, one))) == pytest.approx(2)
    with pytest.raises(ValueError, match="expected batch to be at least 2"):
        PullingAway().generator_loss(context(Linear(np.eye(2)), one, one[:1]))


# -------------------------------------------------------------------------------------------------------- mutual information


class Given(nn.Module):
    """Features (n, k), one-hot rows of a point of a finite space, to the row of numbers declared for it."""

    def __init__(self, rows):
        super().__init__()
        self.rows = torch.as_tensor(rows)

    def forward(self, features):
        return features @ self.rows


def pairs_of(counts):
    """Codes and points of a discrete channel, each pair as often as it is counted, so that means are expectations."""
    code, point = (torch.as_tensor(i) for i in np.nonzero(counts))
    often = torch.as_tensor(counts[np.nonzero(counts)])
    code, point = code.repeat_interleave(often), point.repeat_interleave(often)
    return torch.eye(len(counts)).double()[code], torch.eye(counts.shape[1]).double()[point]


@given(data=st.data())
@settings(max_examples=30)
def test_the_information_bound_is_below_the_mutual_information_and_reaches_it_at_the_true_posterior(data):
    """Claim E9 on a discrete channel: I(c; x) = KL of the joint law from the product of its margins, by divergences."""
    codes, points = data.draw(st.integers(2, 4)), data.draw(st.integers(2, 5))
    rows = data.draw(hnp.arrays(np.int64, (codes, points), elements=st.integers(0, 3)))
    rows[:, 0] += 12 * points - rows.sum(1)  # codes are uniform: each is counted equally often
    joint = rows / rows.sum()
    exact = float(dv.kl(joint.ravel(), np.outer(joint.sum(1), joint.sum(0)).ravel(), normalize=True))
    c, x = pairs_of(rows)
    latent = CodedLatent(noise=0, categories=(codes,))
    true = np.log(np.maximum(rows, 1e-300)).T  # logits of P(c | x), up to the constants that softmax takes out
    other = data.draw(hnp.arrays(np.float64, (points, codes), elements=st.floats(-5, 5)))
    bound = [float(information_bound(CodePosterior(Given(logits), latent), x, c)) for logits in (true, other)]
    rounding = 64 * EPS * (2 * 5 + math.log(codes) + 10)
    assert bound[0] == pytest.approx(exact, abs=rounding)
    assert bound[1] <= exact + rounding
    seen = joint.sum(0) > 0
    law, guess = (
        (joint / np.where(seen, joint.sum(0), 1))[:, seen],
        np.exp(other.T - np.logaddexp.reduce(other.T))[:, seen],
    )
    gap = sum(
        m * float(dv.kl(a, b, normalize=True)) for m, a, b in zip(joint.sum(0)[seen], law.T, guess.T, strict=True)
    )
    assert exact - bound[1] == pytest.approx(gap, abs=rounding)


def coded(seed=0, weight=0.5):
    latent = CodedLatent(noise=1, categories=(3,), continuous=1)
    term, data = MutualInformation(CodeHead(latent, width=8), weight), torch.randn(20, 5, generator=rng(seed))
    plain = FeatureMLP(width=8).build(data, data, rng(seed), unit=1.0)
    return term, plain, term.attach(plain, data, rng(seed)), latent.draw(20, data, rng(seed + 1)), data


def test_the_posterior_is_trained_with_the_critic_and_the_critic_says_what_it_said():
    term, plain, critic, z, data = coded()
    assert isinstance(critic, CodedCritic)
    assert isinstance(critic, ShowsFeatures)
    assert torch.equal(critic(data), plain(data))
    assert term.attach(critic, data, rng()) is critic
    fake = z.clone().requires_grad_()
    at = context(critic, data, fake, z)
    loss = term.critic_loss(at)
    assert torch.equal(loss, term.generator_loss(at))
    assert float(loss.detach()) == pytest.approx(
        -0.5 * float(information_bound(critic.posterior, plain.features(z), z[:, 1:]).detach()), rel=1e-6
    )
    slopes = torch.autograd.grad(loss, [*critic.posterior.parameters(), *plain.body.parameters(), fake])
    assert all(bool(slope.abs().sum() > 0) for slope in slopes)


def test_training_the_bound_makes_codes_legible_up_to_their_entropy():
    """A generator that shows its code: the bound rises to H(c), which is I(c; x) here, and is never above."""
    latent = CodedLatent(noise=0, categories=(4,))
    term, z = MutualInformation(CodeHead(latent, width=16)), torch.eye(4).repeat(8, 1)
    critic = term.attach(FeatureMLP(width=16, depth=1).build(z, z, rng(), unit=1.0), z, rng())
    step, bounds = torch.optim.Adam(critic.parameters(), lr=0.03), []
    for _ in range(60):
        loss = term.critic_loss(context(critic, z, z))
        bounds.append(-loss.item())
        step.zero_grad()
        loss.backward()
        step.step()
    assert bounds[0] < 0.1
    assert math.log(4) - 0.05 < bounds[-1] <= math.log(4) + 64 * torch.finfo(torch.float32).eps
    assert max(bounds) <= math.log(4) + 64 * torch.finfo(torch.float32).eps


# -------------------------------------------------------------------------------------------------- minibatch discrimination


@given(rows=hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(3), st.just(2)), elements=st.floats(-3, 3)))
def test_closeness_is_the_mean_over_the_batch_of_kernels_of_distances(rows):
    """Against loops over single numbers."""
    n = len(rows)
    loops = [
        [sum(math.exp(-sum(abs(rows[i, b] - rows[j, b]))) for j in range(n)) / n for b in range(3)] for i in range(n)
    ]
    found = closeness(torch.tensor(rows)).numpy()
    assert found == pytest.approx(np.array(loops), abs=32 * EPS)
    assert np.all((found >= 1 / n - 4 * EPS) & (found <= 1 + 4 * EPS))


def minibatch_critic(double=True):
    data = torch.randn(12, 2, generator=rng(), dtype=torch.float64 if double else torch.float32)
    return MinibatchDiscrimination(FeatureMLP(width=8), kernels=4, dimension=3).build(data, data, rng(), unit=1.0), data


def test_a_collapsed_batch_is_as_close_as_can_be_and_a_scattered_one_is_not():
    """What a critic of single points cannot see: the same point, alone in its batch or among its like."""
    critic, data = minibatch_critic()
    collapsed, scattered = data[:1].repeat(12, 1), data * 1e4
    assert torch.allclose(critic.closeness(collapsed), torch.ones(12, 4, dtype=torch.float64), rtol=0, atol=4 * EPS)
    assert torch.allclose(critic.closeness(scattered), torch.full((12, 4), 1 / 12, dtype=torch.float64), atol=1e-3)
    inner = critic.critic
    assert torch.allclose(inner(collapsed)[:1], inner(data)[:1], rtol=64 * EPS, atol=64 * EPS)
    assert not torch.allclose(critic(collapsed)[:1], critic(data)[:1])


def test_the_critic_is_linear_in_features_and_closeness_together_and_follows_the_order_of_its_batch():
    critic, data = minibatch_critic()
    assert critic.features(data).shape == (12, 8 + 4)
    head = critic.critic.head
    weights = torch.cat([head.weight[0], critic.weights])
    expected = critic.features(data) @ weights + head.bias
    assert torch.allclose(critic(data), expected, rtol=0, atol=64 * EPS * (1 + expected.abs().max().item()))
    order = torch.randperm(12, generator=rng(3))
    assert torch.allclose(
        critic(data[order]), critic(data)[order], rtol=0, atol=64 * EPS * (1 + expected.abs().max().item())
    )


def test_minibatch_critics_come_from_the_generator_alone_and_bear_a_gradient_penalty():
    (one, data), (other, _) = minibatch_critic(), minibatch_critic()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    penalty = gan.GradientPenalty().penalty(one, data, data + 1, rng())
    slopes = torch.autograd.grad(penalty, [one.tensor, one.weights])
    assert all(bool(slope.isfinite().all()) and bool(slope.abs().sum() > 0) for slope in slopes)
    single, points = minibatch_critic(double=False)
    assert single(points).dtype == torch.float32


# --------------------------------------------------------------------------------------------------------------- contracts


@pytest.mark.parametrize("architecture", [FeatureMLP(width=8), MinibatchDiscrimination(FeatureMLP(width=8))], ids=repr)
def test_terms_compose_with_one_another_with_an_objective_and_with_critics_that_see_their_batch(architecture):
    """The losses of both players are sums, and one backward pass of each reaches its own parameters."""
    latent = CodedLatent(noise=2, categories=(2,))
    data, z = torch.randn(16, 2, generator=rng()), latent.draw(16, torch.empty(0), rng(1))
    generator = nn.Linear(4, 2)
    nn.init.normal_(generator.weight, generator=rng(2))
    terms: list[Term] = [FeatureMatching(0.1), MutualInformation(CodeHead(latent, width=4))]
    critic = architecture.build(data, data, rng(), unit=1.0)
    for term in terms:
        critic = term.attach(critic, data, rng())
    fake = generator(z)
    at = Context(generator, critic, data, fake, z)
    even = torch.full((16,), 1 / 16)
    E_p, E_q = gan.Expectation(critic(data), even), gan.Expectation(critic(fake), even)
    losses = [minimax.generator_loss(E_p, E_q) + sum(term.generator_loss(at) for term in terms)]
    losses += [-minimax.value(E_p, E_q) + sum(term.critic_loss(at) for term in terms)]
    for loss, player in zip(losses, (generator, critic), strict=True):
        slopes = torch.autograd.grad(loss, list(player.parameters()), retain_graph=True)
        assert all(bool(slope.isfinite().all()) for slope in slopes)
        assert sum(bool(slope.abs().sum() > 0) for slope in slopes) == len(slopes)


def test_features_are_computed_once_for_all_terms():
    calls = []

    class Counting(Linear):
        def features(self, x):
            calls.append(len(x))
            return super().features(x)

    at = context(Counting(np.eye(2)), np.zeros((3, 2)), np.ones((4, 2)))
    assert [float(FeatureMatching(w).generator_loss(at)) for w in (1.0, 2.0)] == [2.0, 4.0]
    assert calls == [3, 4]


def test_probing_a_critic_moves_no_statistics():
    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(5)

        def features(self, x):
            return self.norm(x)

        def forward(self, x):
            return self.features(x).sum(-1)

    critic, data = Normalised(), torch.randn(20, 5, generator=rng())
    coded_critic = MutualInformation(CodeHead(CodedLatent())).attach(critic, data, rng())
    assert critic.norm.num_batches_tracked == 0
    assert critic.norm.running_mean.tolist() == [0.0] * 5
    assert coded_critic.training
    assert critic.training
    assert critic.norm.training


def test_bad_arguments_are_refused_with_a_reason():
    for make in (
        lambda: FeatureMatching(-1.0),
        lambda: PullingAway(-1.0),
        lambda: MutualInformation(CodeHead(CodedLatent()), weight=math.nan),
    ):
        with pytest.raises(ValueError, match="expected weight to be at least 0"):
            make()
    with pytest.raises(ValueError, match="expected kernels to be at least 1"):
        MinibatchDiscrimination(FeatureMLP(), kernels=0)
    with pytest.raises(TypeError, match=r"expected a critic with a method features\(x\), got Linear; take FeatureMLP"):
        critic_features(nn.Linear(2, 1), torch.zeros(1, 2))
    term, plain, _, z, data = coded()
    with pytest.raises(TypeError, match="expected a critic with a posterior of the codes, got FeatureCritic; attach"):
        term.generator_loss(context(plain, data, z))


def test_terms_are_values():
    assert FeatureMatching() == FeatureMatching(1.0) != FeatureMatching(2.0)
    assert len({MutualInformation(CodeHead(CodedLatent())), MutualInformation(CodeHead(CodedLatent()))}) == 1
    at = context(Linear(np.eye(2)), np.zeros((3, 2)), np.ones((4, 2)))

    class Nothing(Term):
        pass

    assert Nothing().attach(at.critic, at.real, rng()) is at.critic
    assert Nothing().critic_loss(at) == Nothing().generator_loss(at) == 0
