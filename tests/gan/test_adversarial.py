"""Objectives of the GAN papers: their suprema are the divergences they are said to be, on finite spaces, by the lines that
train; what generators minimise is what the papers say."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from scipy.special import expit
from torch import nn

import divergences as dv
import gan
from divergences.testing import pairs
from gan.adversarial import (
    EnergyBased,
    LeastSquares,
    NonSaturating,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    pearson_least_squares,
)
from gan.certificates import ACCURACY
from gan.conditional import with_labels
from gan.objectives import Payoff, donsker_varadhan, fgan, nwj, variational, wasserstein
from gan.pairwise_games import LossSensitive, _dual, relativistic, relativistic_pairs

torch.set_num_threads(1)

EPS = np.finfo(float).eps
FGAN_OF_GAN = NonSaturating(fgan(dv.gan_divergence))
SCALES = {
    minimax: 2 * math.log(2),
    non_saturating: 2 * math.log(2),
    least_squares: 1 / 4,
    pearson_least_squares: 1.0,
    LeastSquares(a=0.25, b=-3.0, c=7.0): 3.25**2 / 4,
    hinge: 2.0,
    EnergyBased(): 1.0,
    EnergyBased(margin=0.3): 0.3,
    EnergyBased(margin=1e3): 1e3,
}
"""Of each objective how far its supremum is below 0 at most, which is where P = Q."""
every = pytest.mark.parametrize("objective", SCALES, ids=repr)
TRAINED = [*SCALES, variational(dv.js), fgan(dv.kl), FGAN_OF_GAN, nwj, donsker_varadhan, wasserstein]


def measures(p, q):
    points = np.arange(float(len(p)))
    return gan.Discrete(points, p), gan.Discrete(points, q)


def on(z, w):
    return gan.Expectation(torch.as_tensor(z), torch.as_tensor(w))


def value(objective, z, p, q):
    return float(objective.value(on(z, p), on(z, q)))


def log_ratio(p, q):
    """Log-ratios of masses, infinite where one is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.log(p) - np.log(q)
    return torch.tensor(np.where((p == 0) & (q == 0), 0.0, v))


# ------------------------------------------------------------------------------------------------ suprema, on finite spaces


@every
@given(pair=pairs())
def test_the_optimal_critic_attains_the_supremum_that_is_declared(objective, pair):
    """The value by the lines that train, at most 12 atoms, against the divergence by its own sum."""
    p, q = pair
    attained = value(objective, objective.optimal_critic(log_ratio(p, q)), p, q)
    assert attained == pytest.approx(objective.exact(*measures(p, q)).value, rel=0, abs=32 * EPS * SCALES[objective])
    assert 32 * EPS < 1e-14


@every
@given(data=st.data(), pair=pairs())
@settings(max_examples=12)
def test_no_critic_exceeds_the_supremum(objective, data, pair):
    """Random ones, and small changes of the optimal one, about which every objective is flat or falls."""
    p, q = pair
    z = data.draw(hnp.arrays(np.float64, len(p), elements=st.floats(-9, 9))) * SCALES[objective]
    best = objective.optimal_critic(log_ratio(p, q)).clamp(-99, 99).numpy()
    upper = objective.exact(*measures(p, q)).upper
    for critic in (z, best + 1e-3 * z, best + 1e-7 * z):
        outputs = np.abs(critic) if isinstance(objective, EnergyBased) else critic
        assert value(objective, outputs, p, q) <= upper + 32 * EPS * SCALES[objective]


@every
def test_the_supremum_runs_from_that_of_equal_measures_to_that_of_disjoint_ones(objective):
    """Claim B5 for the minimax game: from -2 ln 2 up to 0."""
    p, far = np.array([0.25, 0.75, 0.0]), np.array([0.0, 0.0, 1.0])
    same, apart = objective.exact(*measures(p, p)), objective.exact(*measures(p, far))
    assert same.value == pytest.approx(-SCALES[objective], rel=2 * EPS)
    assert apart.lower <= 0 <= apart.upper
    assert apart.gap <= (2 * ACCURACY + 4 * EPS) * SCALES[objective]
    assert minimax.optimal_critic(log_ratio(p, p)).sigmoid().tolist() == [0.5] * 3


@every
@given(pair=pairs())
@settings(max_examples=10)
def test_bounds_enclose_the_supremum_by_its_textbook_sum(objective, pair):
    """Exact rationals where the formula is rational, 50 digits for the logarithm; the certificate is narrow."""
    p, q = ([rational(x) for x in w] for w in pair)
    total_p, total_q = sum(p), sum(q)
    p, q = [x / total_p for x in p], [x / total_q for x in q]
    exact = objective.exact(*measures(*pair))
    assert exact.lower <= textbook(objective, p, q) <= exact.upper
    assert exact.gap <= (2 * ACCURACY + 4 * EPS) * SCALES[objective]


def rational(x):
    return Fraction(float(x))


def textbook(objective, p, q):
    """The supremum atom by atom, never through a divergence."""
    if isinstance(objective, LeastSquares):
        labels = rational(objective.b) - rational(objective.a)
        return -(labels**2) / 2 * sum((x * y / (x + y) for x, y in zip(p, q, strict=True) if x + y), start=0)
    if isinstance(objective, EnergyBased):
        return -rational(objective.margin) * sum(map(min, p, q))
    if objective == hinge:
        return -2 * sum(map(min, p, q))
    with mpmath.workdps(50):
        numbers = [(mpmath.mpf(x.numerator) / x.denominator, mpmath.mpf(y.numerator) / y.denominator)
                   for x, y in zip(p, q, strict=True)]  # fmt: skip
        return sum(a * mpmath.log(a / (x + y)) for x, y in numbers for a in (x, y) if a)


@given(data=st.data(), pair=pairs())
def test_flipped_outputs_of_probabilities_make_the_hinge_an_integral_metric(data, pair):
    """Claim E5: with z = 2D - 1 both margins hold, and the best of the functions |z| <= 1 has 2 TV."""
    p, q = pair
    probability = data.draw(hnp.arrays(np.float64, len(p), elements=st.floats(0, 1)))
    flipped = 2 * probability - 1
    assert value(hinge, flipped, p, q) == pytest.approx(flipped @ p - flipped @ q - 2, abs=32 * EPS)
    assert value(hinge, flipped, p, q) <= 2 * float(dv.tv(p, q)) - 2 + 32 * EPS


@given(pair=pairs(size=4), other=pairs(size=4), share=st.floats(0.1, 0.9))
@settings(max_examples=10)
def test_a_conditional_game_is_the_game_of_each_label_weighted(pair, other, share):
    """Points with their label behind them: the chain rule, on the product space, by the objective as it stands."""
    labels = torch.tensor([0] * 4 + [1] * 4)
    points = with_labels(torch.arange(8.0, dtype=torch.float64)[:, None] % 4, labels, 2).numpy()
    joint = [np.concatenate([share * a, (1 - share) * b]) for a, b in zip(pair, other, strict=True)]
    together = minimax.exact(*(gan.Discrete(points, w / w.sum()) for w in joint))
    parts = [minimax.exact(*measures(*each)).value for each in (pair, other)]
    assert together.value == pytest.approx(share * parts[0] + (1 - share) * parts[1], abs=32 * EPS)


# ------------------------------------------------------------------------------------------------- what generators minimise


def test_the_two_losses_of_a_generator_that_is_found_out():
    """Claim E2 at D = 0.01: nearly nothing against much, and so are their gradients, -D and -(1 - D)."""
    z = torch.tensor([math.log(0.01 / 0.99)], dtype=torch.float64, requires_grad=True)
    E = on(z, torch.ones(1, dtype=torch.float64))
    losses = [objective.generator_loss(E, E) for objective in (minimax, non_saturating)]
    assert [round(loss.item(), 5) for loss in losses] == [-0.01005, 4.60517]
    gradients = [float(torch.autograd.grad(loss, z, retain_graph=True)[0]) for loss in losses]
    assert gradients == pytest.approx([-0.01, -0.99], rel=16 * EPS * 1 / 0.01)


def test_the_minimax_gradient_vanishes_as_the_critic_improves_and_the_other_does_not():
    """Claim D5: at D = s(z) for z = -1, ..., -700, in closed form by scipy."""
    z = -torch.logspace(0, math.log10(700), 40, dtype=torch.float64).requires_grad_()
    E = on(z, torch.ones(40, dtype=torch.float64))
    for objective, expected in ((minimax, -expit(z.detach().numpy())), (non_saturating, -expit(-z.detach().numpy()))):
        (gradient,) = torch.autograd.grad(objective.generator_loss(E, E), z)
        assert gradient.numpy() == pytest.approx(expected, rel=16 * EPS)


@given(pair=pairs(zeros=False), offset=st.floats(-2, 2))
def test_least_squares_with_pearson_labels_meets_the_pearson_divergence(pair, offset):
    """With b - c = 1 and b - a = 2 at the optimal critic, the like term under P added: chi2(P + Q || 2Q), twice that of Q
    from the middle."""
    p, q = pair
    objective = LeastSquares(a=offset - 1, b=offset + 1, c=offset)
    z = objective.optimal_critic(log_ratio(p, q))
    under_p, under_q = on(z, p), on(z, q)
    total = objective.generator_loss(under_p, under_p) + objective.generator_loss(under_p, under_q)
    middle = (p + q) / 2
    rounding = 32 * EPS * (1 + abs(offset))  # of z, about the label
    assert 2 * float(total) == pytest.approx(2 * float(dv.pearson_chi2(q, middle, normalize=True)), abs=2 * rounding)


def test_labels_of_the_lectures():
    """Claim E4: 1/2 E(D - 1)^2 + 1/2 E D(G)^2, and 1/2 E(D(G) - 1)^2."""
    real, fake = np.array([0.9, 0.4]), np.array([0.2, 0.7])
    E_p, E_q = (on(z, np.array([0.5, 0.5])) for z in (real, fake))
    assert float(-least_squares.value(E_p, E_q)) == pytest.approx(((real - 1) ** 2 + fake**2).mean() / 2, rel=8 * EPS)
    assert float(least_squares.generator_loss(E_p, E_q)) == pytest.approx(((fake - 1) ** 2).mean() / 2, rel=8 * EPS)


def test_losses_that_are_means_of_the_outputs():
    """Hinge and energies, by hand."""
    E_p, E_q = on([5.0, 5.0], np.array([0.5, 0.5])), on([1.0, 4.0], np.array([0.25, 0.75]))
    assert float(hinge.generator_loss(E_p, E_q)) == -3.25
    assert float(EnergyBased(2.0).generator_loss(E_p, E_q)) == 3.25
    assert float(EnergyBased(2.0).value(E_p, E_q)) == -5.25  # 5 and 1/4 of 2 - 1


@pytest.mark.parametrize("objective", TRAINED, ids=repr)
def test_a_generator_loss_that_does_not_read_real_points_is_the_same_whatever_they_are(objective):
    assert not objective.generator_reads_real
    fake = on(torch.linspace(0.1, 0.9, 5, dtype=torch.float64), np.full(5, 0.2))
    one, other = (objective.generator_loss(on(np.full(3, real), np.full(3, 1 / 3)), fake) for real in (0.5, 2.0))
    assert torch.equal(one, other)


ZERO_SUM = [minimax, variational(dv.js), fgan(dv.kl), nwj, donsker_varadhan, wasserstein, fgan(dv.gan_divergence)]


@pytest.mark.parametrize("objective", ZERO_SUM, ids=repr)
def test_one_backward_pass_through_the_value_has_both_players_gradients(objective):
    """Claim E3, the single step of f-GAN: central differences of the value, and the gradients of each player's own loss."""
    rng = torch.Generator().manual_seed(5)
    x, z = (torch.randn(16, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    critic, generator = (nn.Linear(2, k).double() for k in (1, 2))
    for weights in (*critic.parameters(), *generator.parameters()):
        weights.data.normal_(0, 0.3, generator=rng)
    players = [list(critic.parameters()), list(generator.parameters())]
    even = torch.full((16,), 1 / 16, dtype=torch.float64)

    def outputs():
        return (gan.Expectation(critic(points).squeeze(-1), even) for points in (x, generator(z)))

    def differences(weight, step=1e-5):
        flat, slopes = weight.data.view(-1), []
        for k in range(len(flat)):
            start, ends = float(flat[k]), []
            for at in (start + step, start - step):
                flat[k] = at
                ends.append(objective.value(*outputs()).item())
            flat[k] = start
            slopes.append((ends[0] - ends[1]) / (2 * step))
        return torch.tensor(slopes, dtype=torch.float64).view_as(weight)

    together = torch.autograd.grad(objective.value(*outputs()), [*players[0], *players[1]])
    (by_critic, by_generator) = together[: len(players[0])], together[len(players[0]) :]
    for slope, weight in zip(together, [*players[0], *players[1]], strict=True):
        # rounding of a value of size 1 over the step, and its third derivative, of size 1 to 100 here, times its square
        assert torch.allclose(slope, differences(weight), rtol=0, atol=1e2 * EPS / 1e-5 + 1e2 * 1e-10)
    own = torch.autograd.grad(objective.generator_loss(*outputs()), players[1])
    for a, b in zip(by_generator, own, strict=True):
        assert torch.allclose(a, b, rtol=64 * EPS, atol=64 * EPS)
    own = torch.autograd.grad(-objective.value(*outputs()), players[0])
    for a, b in zip(by_critic, own, strict=True):
        assert torch.equal(a, -b)


@pytest.mark.parametrize("f", [dv.kl, dv.js, dv.squared_hellinger, dv.pearson_chi2], ids=str)
def test_the_minimax_generator_of_an_f_gan_descends_the_divergence(f):
    """At the optimal critic of finite measures the gradient of the loss in q is that of D_f(P || Q), by the envelope."""
    p, start = np.array([0.2, 0.3, 0.5]), np.array([0.1, -0.2, 0.3])

    def q_of(theta):
        return torch.softmax(theta, 0)

    theta = torch.tensor(start, requires_grad=True)
    best = variational(f).optimal_critic(torch.tensor(p).log() - q_of(theta).detach().log())
    (slope,) = torch.autograd.grad(variational(f).generator_loss(on(best, p), on(best, q_of(theta))), theta)
    step = 1e-5
    for k in range(3):
        ends = [float(f(p, q_of(torch.tensor(start + s * np.eye(3)[k])).numpy())) for s in (step, -step)]
        assert float(slope[k]) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=16 * EPS / step + 10 * step**2)


# -------------------------------------------------------------------------------------------------- pairs: loss-sensitive


def cheapest_by_vertices(game, points, p, q):
    """Least cost over all vertices of the arrangement of planes z_k = 0 and z_i - z_j = -margin, where its minimum is.

    The cost is convex and linear in each cell, and falls in no direction of the cone z >= 0: a vertex has the least.
    """
    n = len(p)
    margins = game.scale * np.array([[np.linalg.norm(x - y, ord=game.order) for y in points] for x in points])
    planes = [(np.eye(n)[k], 0.0) for k in range(n)]
    planes += [(np.eye(n)[i] - np.eye(n)[j], -margins[i, j]) for i in range(n) for j in range(n) if i != j]
    costs = []
    for chosen in itertools.combinations(planes, n):
        rows, right = np.array([row for row, _ in chosen]), np.array([r for _, r in chosen])
        if abs(np.linalg.det(rows)) > 0.5:  # of matrices of 0, 1 and -1 with at most two per row: 0, 1 or -1
            z = np.linalg.solve(rows, right)
            if z.min() >= -1e-9:
                z = np.maximum(z, 0)
                short = sum(p[i] * q[j] * max(margins[i, j] + z[i] - z[j], 0) for i in range(n) for j in range(n))
                costs.append(float(z @ p + game.weight * short))
    return min(costs)


GAMES = st.builds(
    LossSensitive, weight=st.sampled_from([0.1, 1.0, 10.0]), scale=st.sampled_from([0.5, 2.0]),
    order=st.sampled_from([1.0, 2.0, math.inf]),
)  # fmt: skip


@given(game=GAMES, data=st.data())
@settings(max_examples=15)
def test_the_linear_program_of_loss_sensitive_agrees_with_all_vertices(game, data):
    n = data.draw(st.integers(1, 3))
    p, q = (
        w / w.sum()
        for w in data.draw(hnp.arrays(np.float64, (2, n), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])).filter(
            lambda w: w.sum(1).min() > 0))
    )  # fmt: skip
    points = data.draw(hnp.arrays(np.float64, (n, 2), elements=st.integers(-3, 3), unique=False).filter(
        lambda x: len({tuple(row) for row in x.tolist()}) == len(x)))  # fmt: skip
    exact = game.exact(gan.Discrete(points, p), gan.Discrete(points, q))
    least = -cheapest_by_vertices(game, points, p, q)
    size = 12 * game.scale * (1 + game.weight)  # the largest margin, and its weight
    assert exact.lower - 64 * EPS * size <= least <= exact.upper + 64 * EPS * size
    assert exact.gap <= 1e-7 * size  # the tolerance of the solver, and what feasible multipliers cost


@given(game=GAMES, data=st.data(), pair=pairs(size=4))
@settings(max_examples=15)
def test_no_losses_exceed_the_linear_program_and_its_own_attain_it(game, data, pair):
    """By the lines that train, on atoms of each measure alone too, whatever the weights are."""
    p, q = pair
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    P, Q = gan.Discrete(points, p), gan.Discrete(points, q)
    joint = gan.joint_support(P, Q)
    p, q = joint.p / joint.p.sum(), joint.q / joint.q.sum()  # in its order of the points
    x = torch.tensor(joint.points)
    payoff, exact = game.on(x, x), game.exact(P, Q)
    rounding = 64 * EPS * 12 * game.scale * (1 + game.weight)
    losses = data.draw(hnp.arrays(np.float64, 4, elements=st.floats(0, 6)))
    assert value(payoff, losses, p, q) <= exact.upper + rounding
    assert value(payoff, game.optimal_losses(P, Q), p, q) == pytest.approx(exact.value, abs=rounding)


@given(y=hnp.arrays(np.float64, (3, 3), elements=st.floats(-1, 9)), weight=st.sampled_from([0.1, 1.0, 10.0]))
def test_any_multipliers_prove_no_more_than_the_least_cost(y, weight):
    """Weak duality after the repair, however infeasible they were."""
    p, q, points = np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.25, 0.25]), np.array([[0.0], [1.0], [3.0]])
    game = LossSensitive(weight=weight)
    proven = _dual(p, weight * np.outer(p, q), np.abs(points - points.T), y, np.arange(3), 64 * EPS)
    assert 0 <= proven <= cheapest_by_vertices(game, points, p, q) * (1 + 64 * EPS)


def test_loss_sensitive_by_hand():
    """A generated point at distance 2 of half the mass: its loss rises to the margin without cost, that of the common atom
    pays for one or the other."""
    P, Q = gan.Discrete([[0.0]]), gan.Discrete([[0.0], [2.0]], [0.5, 0.5])
    game = LossSensitive()
    assert game.exact(P, Q).contains(0.0)
    assert game.optimal_losses(P, Q).tolist() == [0.0, 2.0]
    x, y = torch.tensor([[0.0]]), torch.tensor([[0.0], [2.0]])
    E_p, E_q = on([1.0], [1.0]), on([1.0, 1.5], [0.5, 0.5])
    assert float(game.on(x, y).value(E_p, E_q)) == -(1.0 + 0.5 * (2.0 + 1.0 - 1.5))
    assert float(game.on(x, y).generator_loss(E_p, E_q)) == 1.25
    assert minimax.on(x, y) is minimax


# ---------------------------------------------------------------------------------------------------- pairs: relativistic


@given(data=st.data(), pair=pairs(size=5))
def test_relativistic_values_are_sums_over_pairs_and_blind_to_constants(data, pair):
    """Against loops over plain floats; the generator's loss is that of the critic with real and generated exchanged."""
    p, q = pair
    z, c = data.draw(hnp.arrays(np.float64, 5, elements=st.floats(-9, 9))), data.draw(st.floats(-9, 9))

    def log_s(t):
        return -math.log1p(math.exp(-t))

    loops = sum(p[i] * q[j] * log_s(z[i] - z[j]) for i in range(5) for j in range(5))
    means = sum(p[i] * log_s(z[i] - q @ z) + q[i] * log_s(p @ z - z[i]) for i in range(5))
    for payoff, expected in ((relativistic_pairs, loops), (relativistic, means)):
        rounding = 64 * EPS * 20
        assert value(payoff, z, p, q) == pytest.approx(expected, abs=rounding)
        assert value(payoff, z + c, p, q) == pytest.approx(expected, abs=2 * rounding)
        assert float(payoff.generator_loss(on(z, q), on(z, p))) == pytest.approx(-expected, abs=rounding)
        assert payoff.generator_reads_real


@given(data=st.data(), pair=pairs(size=5))
def test_where_both_measures_agree_nothing_beats_a_constant_critic(data, pair):
    p, _ = pair
    z = data.draw(hnp.arrays(np.float64, 5, elements=st.floats(-9, 9)))
    for payoff, best in ((relativistic_pairs, -math.log(2)), (relativistic, -2 * math.log(2))):
        assert value(payoff, np.full(5, 3.0), p, p) == pytest.approx(best, rel=16 * EPS)
        assert value(payoff, z, p, p) <= best + 64 * EPS * 20


def test_relativistic_pairs_are_a_bradley_terry_likelihood():
    """Two atoms: the best difference of scores is the log-odds of p0 q1 against p1 q0; scipy finds no more."""
    p, q = np.array([0.7, 0.3]), np.array([0.4, 0.6])
    wins, losses = p[0] * q[1], p[1] * q[0]
    best = value(relativistic_pairs, np.array([math.log(wins / losses), 0.0]), p, q)
    entropy = wins * math.log(wins / (wins + losses)) + losses * math.log(losses / (wins + losses))
    assert best == pytest.approx(entropy - (p @ q) * math.log(2), rel=16 * EPS)
    found = minimize(lambda d: -value(relativistic_pairs, np.array([d[0], 0.0]), p, q), [0.0])
    assert -found.fun == pytest.approx(best, abs=1e-8)
    assert -found.fun <= best + 16 * EPS


# --------------------------------------------------------------------------------------------------------------- contracts


def test_stacks_of_critics_have_one_value_each():
    z = torch.linspace(0, 1, 12, dtype=torch.float64).reshape(3, 4)
    w = torch.full((3, 4), 0.25, dtype=torch.float64)
    x = torch.arange(4.0, dtype=torch.float64)[:, None]
    for payoff in [*TRAINED, relativistic, relativistic_pairs, LossSensitive().on(x, x)]:
        alone = [payoff.value(on(row, w[0]), on(row.flip(0), w[0])) for row in z]
        together = payoff.value(on(z, w), on(z.flip(1), w))
        assert torch.allclose(together, torch.stack(alone), rtol=0, atol=16 * EPS * (1 + together.abs().max()))


def test_values_of_single_precision_stay_in_single_precision():
    z, w = torch.linspace(0, 1, 4), torch.full((4,), 0.25)
    for payoff in [*TRAINED, relativistic, relativistic_pairs, LossSensitive().on(z[:, None], z[:, None])]:
        assert payoff.value(on(z, w), on(z, w)).dtype == torch.float32
        assert payoff.generator_loss(on(z, w), on(z, w)).dtype == torch.float32


def test_outputs_that_are_large_neither_overflow_nor_lose_digits():
    """softplus(40) - 40 is e^-40 to full precision, which an approximation by 40 itself has lost."""
    one = np.ones(1)
    for z in (40.0, 700.0):
        assert value(minimax, np.array([z]), one, np.zeros(1)) == pytest.approx(-math.exp(-z), rel=16 * EPS)
        assert value(minimax, np.array([z]), np.zeros(1), one) == -z
    assert value(minimax, np.array([25.0]), np.zeros(1), one) == pytest.approx(-25 - math.exp(-25), rel=EPS)


def test_bad_settings_are_refused_with_a_reason():
    for make, message in (
        (lambda: LeastSquares(a=1.0, b=1.0), "different ones of generated and real points"),
        (lambda: LeastSquares(c=math.nan), "expected finite labels"),
        (lambda: EnergyBased(margin=0.0), "expected a positive finite margin, got 0.0"),
        (lambda: LossSensitive(weight=-1.0), "expected weight to be positive and finite, got -1.0"),
        (lambda: LossSensitive(scale=math.inf), "expected scale to be positive"),
        (lambda: LossSensitive(order=0.5), "expected order to be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    outputs = on(torch.tensor([-0.5, 1.0], requires_grad=True), [0.5, 0.5])
    with pytest.raises(ValueError, match=r"expected energies, at least 0, got -0.5; let the critic end in a square"):
        EnergyBased().value(outputs, outputs)
    x = torch.zeros(2, 1)
    with pytest.raises(ValueError, match=r"expected losses, at least 0, got -0.5"):
        LossSensitive().on(x, x).value(outputs, outputs)
    for objective in (wasserstein, fgan(dv.js), NonSaturating(fgan(dv.js))):
        with pytest.raises(
            TypeError, match="expected an objective whose optimal critic is a known function of the ratio"
        ):
            objective.optimal_critic(torch.zeros(1))


def test_objectives_are_values_with_names():
    assert [repr(x) for x in (minimax, non_saturating, hinge, relativistic, relativistic_pairs, FGAN_OF_GAN)] == [
        "gan.minimax", "gan.non_saturating", "gan.hinge", "gan.relativistic", "gan.relativistic_pairs",
        "gan.NonSaturating(gan.fgan(divergences.gan_divergence))",
    ]  # fmt: skip
    assert LeastSquares() == least_squares != pearson_least_squares
    assert len({*TRAINED, relativistic, LossSensitive(), LossSensitive()}) == len(TRAINED) + 2
    assert all(isinstance(x, Payoff) for x in TRAINED)
    assert not isinstance(LossSensitive(), Payoff)  # it has none before the points are known
    assert not hasattr(relativistic, "exact")
