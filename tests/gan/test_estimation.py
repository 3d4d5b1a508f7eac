"""Estimates: always sound, tight where the critic can be, the same again for the same seed, clear when misused."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import divergences as dv
import gan
from divergences.testing import point_clouds
from gan.ascent import lbfgs

torch.set_num_threads(1)

CONSTRAINTS = [
    gan.WeightClipping(limit=0.05),
    gan.GradientPenalty(),
    gan.SpectralNorm(),
    gan.Orthogonal(),
    gan.CTransform(),
    gan.ByConstruction(),
]
every_f = pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)


def random_pair(seed, n=40, m=50, d=2):
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=n)
    return gan.Discrete(rng.normal(size=(n, d)), weights / weights.sum()), gan.Discrete(rng.normal(size=(m, d)) + 1)


def histograms(seed, n=40):
    rng = np.random.default_rng(seed)
    points = rng.uniform(size=(n, 2))
    return [gan.Discrete(points, w / w.sum()) for w in rng.exponential(size=(2, n))]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)
@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2), seed=st.integers(0, 9))
@settings(max_examples=8)
def test_soundness_of_w1(constraint, first, second, seed):
    """However short the training: the proven bound is below the exact value."""
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    e = gan.estimate(P, Q, constraint=constraint, budget=gan.Budget(steps=3, batch=4), rng=seed)
    exact = gan.wasserstein.exact(P, Q)
    assert 0 <= e.lower <= exact.upper
    assert e.upper == exact.upper


@every_f
@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2))
@settings(max_examples=8)
def test_soundness_of_f_divergences(f, first, second):
    """Also where supports differ and the divergence is infinite."""
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    objective = gan.variational(f)
    e = gan.estimate(P, Q, objective, budget=gan.Budget(steps=3, polish=3))
    assert 0 <= e.lower <= objective.exact(P, Q).upper == e.upper


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("constraint", [gan.CTransform(), gan.ByConstruction()], ids=str)
def test_tightness_of_w1(constraint, seed):
    P, Q = random_pair(seed)
    e = gan.estimate(P, Q, constraint=constraint, budget=gan.Budget(steps=400))
    assert e.lower >= 0.98 * e.upper
    assert e.raw <= e.upper * (1 + 1e-9)  # both report feasible values throughout
    assert all(record.raw <= e.upper * (1 + 1e-9) for record in e.history)


@every_f
@pytest.mark.parametrize("seed", range(2))
def test_tightness_of_f_divergences(f, seed):
    P, Q = histograms(seed)
    e = gan.estimate(P, Q, gan.variational(f))
    assert e.lower >= 0.99 * e.upper
    assert e.raw == pytest.approx(e.lower, rel=1e-9)


def test_translation_is_found_by_every_constraint():
    """A shift has a linear optimal critic, which all networks hold: the c-transform of each proves |shift|."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    P, Q = gan.Discrete(x + np.array([3.0, 4.0])), gan.Discrete(x)
    for constraint in CONSTRAINTS:
        e = gan.estimate(P, Q, constraint=constraint, budget=gan.Budget(steps=150))
        assert e.lower == pytest.approx(5.0, rel=0.02), constraint
        assert e.upper == pytest.approx(5.0, rel=1e-14)


def test_the_gradient_penalty_overshoots_and_its_certificate_does_not():
    """The raw estimate of a penalised critic is above the exact value; what it proves is not."""
    lines = gan.parallel_lines(0.5, size=50)
    e = gan.estimate(lines.P, lines.Q, constraint=gan.GradientPenalty(), budget=gan.Budget(steps=400))
    assert e.raw > e.upper
    assert e.lower <= 0.5 * (1 + 1e-15)
    assert e.lipschitz > 1


def test_clipping_measures_some_multiple_and_the_slope_says_which():
    """Raw is about K W1 with K the measured slope."""
    lines = gan.parallel_lines(0.5, size=50)
    e = gan.estimate(lines.P, lines.Q, constraint=gan.WeightClipping(limit=0.05), budget=gan.Budget(steps=400))
    assert e.raw < 0.9 * e.lower
    assert e.raw / e.lipschitz == pytest.approx(0.5, rel=0.1)


def test_infinite_divergences_are_recognised():
    """Supports are part of the data: a critic may grow without cost where only one measure has mass."""
    lines = gan.parallel_lines(0.5, size=20)
    for f in (dv.kl, dv.reverse_kl, dv.pearson_chi2, dv.neyman_chi2):
        e = gan.estimate(lines.P, lines.Q, gan.variational(f), budget=gan.Budget(steps=40, polish=20))
        assert e.lower == e.value == e.upper == e.raw == math.inf
    e = gan.estimate(lines.P, lines.Q, gan.variational(dv.js), budget=gan.Budget(steps=100))
    assert e.lower == pytest.approx(math.log(2), rel=0.01)


def test_the_same_seed_gives_the_same_estimate():
    P, Q = random_pair(0)
    budget = gan.Budget(steps=20, batch=16)
    for constraint in CONSTRAINTS:
        runs = [gan.estimate(P, Q, constraint=constraint, budget=budget, rng=rng).raw for rng in (5, 5, 6)]
        assert runs[0] == runs[1] != runs[2]
    state = torch.random.get_rng_state()
    gan.estimate(P, Q, constraint=gan.SpectralNorm(), budget=budget)
    assert torch.equal(state, torch.random.get_rng_state())  # the global generator is left alone


def test_history_device_and_precision():
    P, Q = random_pair(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    e = gan.estimate(P, Q, budget=gan.Budget(steps=120), dtype=torch.float32)
    assert e.device.startswith(device)
    assert next(e.critic.parameters()).dtype == torch.float32
    assert [record.step for record in e.history] == list(range(2, 121, 2))
    assert e.history[-1].seconds <= e.seconds
    assert e.history[-1].raw == pytest.approx(e.raw, rel=1e-6)
    assert e.value == e.lower <= e.upper
    x = torch.zeros(7, 2, device=device)
    assert e.critic(x).shape == (7,)


def test_another_network_for_the_same_constraint():
    P, Q = random_pair(1)
    e = gan.estimate(
        P, Q, constraint=gan.Orthogonal(), critic=gan.GroupSortMLP(width=16, depth=1), budget=gan.Budget(steps=5)
    )
    assert sum(p.numel() for p in e.critic.parameters()) < 1000


def test_misuse_is_refused_with_a_reason_and_a_remedy():
    P, Q = random_pair(0)
    with pytest.raises(
        TypeError, match=r"expected P to be a gan.Discrete, an array of samples, a torch distribution or"
    ):
        gan.estimate("P", Q)
    with pytest.raises(ValueError, match="expected points of one dimension, got 2 for P and 1 for Q"):
        gan.estimate(P, gan.Discrete([0.0, 1.0]))
    with pytest.raises(TypeError, match=r"expected no Lipschitz constraint for gan.variational\(divergences.js\), got"):
        gan.estimate(P, Q, gan.variational(dv.js), constraint=gan.Orthogonal())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"objective": dv.kl}, TypeError, "expected objective to be gan.wasserstein, or gan.variational(f) for an"),
        (
            {"critic": gan.MLP},
            TypeError,
            "expected critic to be a value as gan.MLP(width=64), or a network (n, d) -> (n,)",
        ),
        ({"constraint": gan.Orthogonal}, TypeError, "expected constraint to be a value as gan.Orthogonal(), with the"),
        ({"budget": 100}, TypeError, "expected budget to be gan.Budget(steps=600); got 100"),
        (
            {"device": "gpu"},
            ValueError,
            "expected device to be 'auto', 'cpu' or another that torch finds here, got 'gpu'",
        ),
        (
            {"dtype": torch.float16},
            ValueError,
            "expected dtype to be torch.float64 or torch.float32, got torch.float16",
        ),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments, error, message):
    P, Q = random_pair(0)
    with pytest.raises(error, match=re.escape(message)):
        gan.estimate(P, Q, **arguments)


def test_a_variational_bound_is_of_an_f_divergence():
    with pytest.raises(TypeError, match=r"expected an f-divergence, as divergences\.kl, got 'kl'"):
        gan.variational("kl")


def test_batches_follow_the_weights():
    from gan.finite_w1 import drawn

    points, weights = torch.arange(3.0).double()[None, :, None], torch.tensor([[0.5, 0.0, 0.5]], dtype=torch.float64)
    draws = drawn(points, weights, 10_000, torch.Generator().manual_seed(0))
    counts = torch.bincount(draws.flatten().int(), minlength=3)
    assert counts[1] == 0
    assert abs(counts[0].item() - 5000) < 250  # five standard deviations


@pytest.mark.parametrize("seed", range(3))
def test_many_samples_on_few_points(seed):
    """Repeated atoms: the bounds do not contradict each other by the rounding of a hundred thousand weights."""
    rng = np.random.default_rng(seed)
    P, Q = (
        gan.Discrete(rng.integers(4, size=100_000)),
        gan.Discrete(rng.choice(4, size=100_000, p=[0.1, 0.2, 0.3, 0.4])),
    )
    e = gan.estimate(P, Q, gan.variational(dv.tv), budget=gan.Budget(steps=50, polish=20))
    assert e.lower == pytest.approx(e.upper, rel=1e-12)


def test_training_that_leaves_the_finite_numbers_is_an_error():
    P, Q = random_pair(0)
    with pytest.raises(
        gan.TrainingError, match=r"expected finite critic values after 1 steps, got .*; lower budget\.l"
    ):
        gan.estimate(P, Q, constraint=gan.Orthogonal(), budget=gan.Budget(steps=4, learning_rate=1e300))


def test_a_critic_that_ends_outside_the_finite_numbers_is_an_error():
    from gan.finite_w1 import numbers

    with pytest.raises(gan.TrainingError, match="expected finite critic values after training, got nan; lower budget"):
        numbers(lambda x: x[:, 0] / 0, np.ones((2, 1)), torch.zeros((), dtype=torch.float64))


def test_polishing_never_makes_it_worse():
    """A loss whose line search runs into NaN leaves the parameters where they were."""
    layer = torch.nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(0.0)
    lbfgs(
        layer.parameters(), lambda: (layer.weight - 10).sum() * 1e3 + torch.sqrt(layer.weight - 0.4).sum(), iterations=5
    )
    assert layer.weight.item() == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gan.Budget(steps=0), "expected steps to be at least 1, got 0"),
        (lambda: gan.Budget(batch=0), "expected batch to be at least 1, got 0"),
        (lambda: gan.Budget(polish=-1), "expected polish to be at least 0, got -1"),
        (lambda: gan.Budget(learning_rate=math.nan), "expected learning_rate to be at least 0, got nan"),
        (lambda: gan.WeightClipping(limit=0), "expected limit to be at least 2.22507e-308, got 0"),
        (lambda: gan.GradientPenalty(weight=-1.0), "expected weight to be at least 0, got -1.0"),
        (lambda: gan.SpectralNorm(iterations=0), "expected iterations to be at least 1, got 0"),
        (lambda: gan.MLP(width=0), "expected width to be at least 1, got 0"),
        (lambda: gan.GroupSortMLP(width=7), "expected an even width, because MaxMin sorts units in pairs, got 7"),
        (lambda: gan.FourierMLP(lowest=3, highest=1), "expected 0 < lowest <= highest, got 3 and 1"),
        (lambda: gan.Cones(tips=0), "expected tips to be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_batches_train_log_ratios_too():
    """Of four atoms of either side at a time, and of none where nothing is common."""
    P, Q = histograms(0)
    budget = gan.Budget(steps=300, batch=16, polish=0)
    e = gan.estimate(P, Q, gan.variational(dv.js), budget=budget)
    untrained = gan.estimate(P, Q, gan.variational(dv.js), budget=gan.Budget(steps=1, batch=16, polish=0))
    assert untrained.lower < 0.5 * e.upper < 0.8 * e.upper < e.lower <= e.upper
    lines = gan.parallel_lines(0.5, size=5)
    apart = gan.estimate(lines.P, lines.Q, gan.variational(dv.js), budget=gan.Budget(steps=2, batch=3))
    assert apart.lower == pytest.approx(math.log(2), rel=1e-14)
