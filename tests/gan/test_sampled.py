"""Estimates from samples: bounds of the population, each number with its kind, its level and its standard error."""

import math
import re

import numpy as np
import pytest
import torch

import divergences as dv
import gan
from gan.known import known_problems, linear_bump, normal_shift, three_cones
from gan.known_ratios import exponentials, normals, two_humps

torch.set_num_threads(1)

SHORT = gan.Budget(steps=40, batch=128, samples=(2000, 500, 1200))
JS, KL = gan.variational(dv.js), gan.variational(dv.kl)


def clouds(n=400, shift=1.0, d=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d)) + shift


@pytest.mark.parametrize("problem", list(known_problems(dimensions=(4,), sphere_dimension=16)), ids=lambda p: p.name)
def test_w1_of_known_pairs_is_between_its_bounds(problem):
    e = gan.estimate(problem, budget=SHORT)
    assert 0 <= e.lower <= problem.distance <= e.upper
    assert e.lower <= e.value <= e.upper
    assert e.raw <= problem.distance + 5 * e.standard_error
    assert (e.level, e.kind, e.raw_kind) == (0.95, gan.Kind.EXPECTED, gan.Kind.EXPECTED)
    assert 1 <= e.lipschitz_bound <= 1 + 1e-5
    assert math.isnan(e.lipschitz)


@pytest.mark.parametrize(
    "problem", [normals(2), normals(4, shift=0.0, scale=1.5), exponentials(2), two_humps()], ids=lambda p: p.name
)
def test_divergences_of_known_pairs_are_above_their_bounds(problem):
    """All read off one log-ratio."""
    ratio = gan.log_ratio(problem, budget=SHORT)
    for f in (dv.js, dv.tv, dv.kl, dv.reverse_kl, dv.squared_hellinger, dv.pearson_chi2):
        e = ratio.estimate(f)
        exact = problem.exact(f)
        assert 0 <= e.lower <= exact.upper <= e.upper == f.range.upper, f
        assert e.lower <= e.value <= e.upper
        assert e.value <= exact.upper + 5 * e.standard_error
        assert e.standard_error > 0
        assert (e.level, e.kind) == (0.95, gan.Kind.EXPECTED)


@pytest.mark.parametrize("objective", [JS, KL, gan.fgan(dv.kl), gan.nwj, gan.donsker_varadhan], ids=repr)
def test_every_objective_from_samples(objective):
    problem = normals(2)
    e = gan.estimate(problem, objective=objective, budget=SHORT)
    exact = problem.exact(objective.f)
    assert 0.3 * exact.lower <= e.lower <= exact.upper
    assert e.history[-1].step == 40
    assert math.isnan(e.lipschitz)


def test_measures_come_as_arrays_distributions_and_samplers():
    """The same pair, N(0, I) against N((1, 0), I), in every form, and in two different ones."""
    x, y = clouds(4000, np.array([1.0, 0.0]))
    normal = torch.distributions.MultivariateNormal
    P, Q = (normal(torch.tensor([s, 0.0]), torch.eye(2)) for s in (0.0, 1.0))
    problem = normal_shift(2)
    forms = [
        (x, y),
        (torch.tensor(x), y.tolist()),
        (P, Q),
        (problem.P, problem.Q),
        (P, y),
        (gan.Discrete(x), problem.Q),
    ]
    for one, other in forms:
        e = gan.estimate(one, other, constraint=gan.Orthogonal(), budget=SHORT)
        assert 0.5 < e.lower <= 1.0 <= e.upper
        assert 0.7 < e.raw < 1.0 + 5 * e.standard_error


def test_one_dimensional_samples_are_points_of_the_line():
    x, y = clouds(1000, d=1)
    e = gan.estimate(x[:, 0], y[:, 0], constraint=gan.Orthogonal(), budget=SHORT)
    assert e.critic(torch.zeros(3, 1)).shape == (3,)
    assert e.lower <= 1 <= e.upper


def test_a_record_of_any_kind_is_a_pair():
    for problem, objective in ((normals(2), gan.wasserstein), (normal_shift(2), JS)):
        assert gan.estimate(problem, objective=objective, budget=SHORT).kind is gan.Kind.EXPECTED


def test_no_class_of_critics_wins_alone():
    """The best of the portfolio differs from pair to pair, and its constituents lose on some."""
    winners = {}
    for problem in (linear_bump(8), three_cones()):
        e = gan.estimate(problem, budget=gan.Budget(steps=100, batch=256, samples=(2000, 1000, 400)))
        network = e.critic.network
        winners[problem.name] = type(network).__name__
        assert e.lower <= problem.distance
    assert list(winners.values()) == ["Sequential", "FunnelEnvelope"]


def test_of_several_constraints_the_best_on_other_points_is_reported():
    problem = three_cones()
    rules = (gan.ByConstruction(gan.Cones()), gan.ByConstruction(gan.Funnels()))
    alone = [gan.estimate(problem, constraint=rule, budget=SHORT).raw for rule in rules]
    both = gan.estimate(problem, constraint=rules, budget=SHORT).raw
    assert both == pytest.approx(max(alone), abs=0.05)
    assert gan.estimate(problem, constraint=[rules[0]], budget=SHORT).raw == alone[0]


def test_penalised_critics_are_divided_by_what_is_proven_of_them():
    """Their raw estimate is no bound and not called one; the bound that is reported holds."""
    problem = normal_shift(2)
    for rule in (gan.GradientPenalty(), gan.WeightClipping(limit=0.5)):
        e = gan.estimate(problem, constraint=rule, budget=SHORT)
        assert e.lipschitz_bound > 1
        assert e.raw_kind is gan.Kind.ESTIMATE
        assert e.lower <= e.value <= e.raw / e.lipschitz_bound * (1 + 1e-6)
        assert e.lower <= problem.distance


class Own(torch.nn.Module):
    """A network of whose layers nothing is known."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(2, 16), torch.nn.Linear(16, 1)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)))[:, 0]


def own():
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return Own()


def test_of_an_unknown_network_nothing_is_proven():
    e = gan.estimate(normal_shift(2), critic=own(), constraint=gan.GradientPenalty(), budget=SHORT)
    assert (e.lower, e.lipschitz_bound) == (0.0, math.inf)
    assert e.kind is e.raw_kind is gan.Kind.ESTIMATE
    e = gan.estimate(normals(2), objective=JS, critic=own(), budget=SHORT)
    assert 0 < e.lower <= normals(2).exact(dv.js).upper  # of a log-ratio nothing has to be known


@pytest.mark.parametrize(
    "confidence", [gan.Betting(0.8), gan.EmpiricalBernstein(0.99), gan.CentralLimit(0.9)], ids=repr
)
def test_kinds_and_levels_of_confidence(confidence):
    e = gan.estimate(normal_shift(2), constraint=gan.Orthogonal(), budget=SHORT, confidence=confidence)
    assert e.level == confidence.level
    assert e.lower <= 1 <= e.upper


def test_higher_levels_have_lower_bounds():
    bounds = [
        gan.estimate(normal_shift(2), constraint=gan.Orthogonal(), budget=SHORT, confidence=gan.Betting(level)).bounds
        for level in (0.6, 0.95, 0.999)
    ]
    assert bounds[0].lower > bounds[1].lower > bounds[2].lower
    assert bounds[0].upper < bounds[1].upper < bounds[2].upper


def test_standard_errors_shrink_with_the_root_of_the_samples():
    errors = [
        gan.estimate(
            normal_shift(2),
            constraint=gan.Orthogonal(),
            budget=gan.Budget(steps=60, batch=256, samples=(4000, 1000, n)),
        ).standard_error
        for n in (1000, 16000)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[0] <= 1.1 * math.sqrt(2 / 1000)  # Poincaré: a 1-Lipschitz function of a normal has variance 1 at most


def test_the_standard_error_is_that_of_the_value():
    """Of few samples too: on six points a side a critic is not known without error."""
    x, y = clouds(20)
    e = gan.estimate(x, y, constraint=gan.Orthogonal(), budget=gan.Budget(steps=30))
    assert e.value == pytest.approx(e.raw, rel=1e-5)
    assert e.standard_error > 0.1


def test_few_samples_have_a_point_estimate():
    """Where nothing can be proven of JS the best estimate is not 0 without error: it is what the critic shows."""
    x, y = clouds(600, np.array([1.0, 0.0]))
    e = gan.estimate(x, y, JS, budget=gan.Budget(steps=60, batch=256))
    assert e.lower <= normals(2).exact(dv.js).upper
    assert e.standard_error > 0


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e8])
def test_bounds_hold_far_from_the_origin(offset):
    """Points are compared in double precision, whatever the training's: rounded ones would be further apart."""

    def near(centre):
        def draw(n, generator):
            return centre + 0.1 * torch.rand(n, 1, generator=generator, dtype=torch.float64)

        return gan.Sampler(draw, 1, f"near {centre}")

    e = gan.estimate(near(offset + 3.0), near(offset + 4.1), budget=SHORT)
    assert e.lower <= 1.1 <= e.upper * (1 + 1e-9)


def test_the_same_rng_gives_the_same_estimate():
    x, y = clouds()
    state = torch.random.get_rng_state()
    for objective, P, Q in ((gan.wasserstein, x, y), (JS, *(torch.distributions.Normal(s, 1.0) for s in (0.0, 1.0)))):
        runs = [
            gan.estimate(P, Q, objective, budget=gan.Budget(steps=3, samples=(400, 100, 100)), rng=rng)
            for rng in (7, 7, 8)
        ]
        assert runs[0].raw == runs[1].raw != runs[2].raw
        assert runs[0].bounds == runs[1].bounds
    assert torch.equal(state, torch.random.get_rng_state())


def test_precision_and_device():
    for dtype in (None, torch.float32, torch.float64):
        e = gan.estimate(normal_shift(2), constraint=gan.Orthogonal(), budget=SHORT, dtype=dtype)
        assert next(e.critic.parameters()).dtype == (dtype or torch.float32)
        assert torch.device(e.device).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_history_and_seconds_of_a_sampled_estimate():
    e = gan.estimate(normal_shift(2), budget=gan.Budget(seconds=0.6, batch=128, samples=(2000, 500, 500)))
    steps = [record.step for record in e.history]
    assert steps == sorted(set(steps))
    assert all(record.lower <= record.upper for record in e.history)
    assert e.history[-1].seconds <= 0.6 < e.seconds + 0.6 < 5  # a third for each critic of the portfolio


def test_a_sampled_critic_warms_the_next():
    problem = normals(2)
    first = gan.estimate(problem, objective=JS, budget=SHORT)
    next_ = gan.estimate(problem, objective=JS, budget=gan.Budget(steps=1, samples=SHORT.samples), critic=first.critic)
    assert next_.raw >= 0.9 * first.raw


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"P": "points"}, TypeError, "expected P to be a gan.Discrete, an array of samples, a torch distribution or a"),
        (
            {"Q": None},
            TypeError,
            "expected a second measure Q, got none; only a problem of gan.problems stands for both",
        ),
        ({"Q": np.zeros((50, 3))}, ValueError, "expected points of one dimension, got 2 for P and 3 for Q"),
        ({"P": np.full((50, 2), np.nan)}, ValueError, "expected P of shape (n, d) or (n,), all finite"),
        ({"P": np.zeros((5, 2, 2))}, ValueError, "expected P of shape (n, d) or (n,), all finite, got shape (5, 2, 2)"),
        ({"P": np.zeros((5, 2))}, ValueError, "expected enough samples to train on some and measure on others, got 5"),
        (
            {"constraint": gan.CTransform()},
            TypeError,
            "expected a constraint for samples, got CTransform(), which looks",
        ),
        (
            {"constraint": [gan.Orthogonal(), gan.CTransform()]},
            TypeError,
            "expected a constraint for samples, got CTransform(), which looks at the whole support; gan.Discrete(samples)",
        ),
        (
            {"constraint": [gan.Orthogonal]},
            TypeError,
            "expected constraint to be a value as gan.Orthogonal(), with the",
        ),
        (
            {"objective": JS, "constraint": gan.Orthogonal()},
            TypeError,
            "expected no Lipschitz constraint for gan.variat",
        ),
        ({"P": normals(2)}, TypeError, "expected nothing beside a problem, which holds P and Q, got"),
        ({"confidence": 0.95}, TypeError, "expected confidence to be a value as gan.Betting(0.95); got 0.95"),
        ({"critic": gan.Table(), "objective": JS}, ValueError, "a table has no value elsewhere"),
        (
            {"P": torch.distributions.Normal(torch.zeros(2), 1.0)},
            ValueError,
            "expected one distribution, got a batch of shape (2,); torch.distributions.Independent makes one",
        ),
        (
            {"P": gan.Sampler(lambda n, _: torch.zeros(n, 3), 2, "wrong")},
            ValueError,
            "finite points of dimension 2 from wrong, got",
        ),
    ],
)
def test_misuse_is_refused_with_a_reason(arguments, error, message):
    x, y = clouds(50)
    with pytest.raises(error, match=re.escape(message)):
        gan.estimate(**{"P": x, "Q": y, "budget": gan.Budget(steps=1), **arguments})


@pytest.mark.parametrize("samples", [(1, 2), (1, 100, 100), (100, 100, 100, 100)])
def test_budgets_name_three_numbers_of_samples(samples):
    with pytest.raises(ValueError, match=r"expected samples to be three numbers of at least 2 points"):
        gan.Budget(samples=samples)
