"""Continuous pairs with known Wasserstein distances: critic and plan prove each other optimal."""

import itertools
import math
import re

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

import divergences as dv
from divergences.families import Normal
from gan.known import KnownProblem, known_problems, linear_bump, normal_scale, normal_shift, sphere, three_cones

torch.set_num_threads(1)

EPS = torch.finfo(torch.float64).eps

PROBLEMS = [
    normal_shift(1),
    normal_shift(3, shift=[1.0, -2.0, 0.5]),
    normal_shift(16, shift=-0.25),
    linear_bump(2),
    linear_bump(7, height=0.5),
    normal_scale(1),
    normal_scale(8),
    normal_scale(3, scale=0.25),
    three_cones(),
    sphere(),
    sphere(2, radius=3.0),
    sphere(1),
]
NAMES = [problem.name for problem in PROBLEMS]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def gradient(f, x):
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    return slope


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_critic_and_plan_prove_each_other(problem):
    """f(x) - f(y) = |x - y| for every pair of the plan, to the rounding of sums of d coordinates."""
    x, y = problem.plan(1000, seeded())
    size = float(torch.cat([x, y]).norm(dim=1).max())
    gap = problem.critic(x) - problem.critic(y) - (x - y).norm(dim=1)
    assert float(gap.abs().max()) <= 4 * (problem.dimension + 4) * EPS * size


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_critic_is_1_lipschitz(problem):
    """On pairs of points far and near, and by the length of its gradient at points of P and Q and elsewhere."""
    g = seeded(1)
    x = torch.cat([problem.P(150, g), problem.Q(150, g), 5 * torch.randn(150, problem.dimension, generator=g).double()])
    f = problem.critic(x)
    rounding = 4 * (problem.dimension + 4) * EPS * float(x.norm(dim=1).max())
    assert bool(
        ((f[:, None] - f).abs() <= torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist") + rounding).all()
    )
    lengths = gradient(problem.critic, x).norm(dim=1)
    assert float(lengths.max()) <= 1 + 4 * (problem.dimension + 4) * EPS
    at_p = gradient(problem.critic, problem.P(150, g)).norm(dim=1)
    assert float((at_p - 1).abs().max()) <= 4 * (problem.dimension + 4) * EPS


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_expectations_of_the_critic_differ_by_the_distance(problem):
    """On independent draws, within five standard errors."""
    n = 40_000 if problem.dimension < 100 else 4000
    fx, fy = problem.critic(problem.P(n, seeded(2))), problem.critic(problem.Q(n, seeded(3)))
    error = math.sqrt(float(fx.var() + fy.var()) / n)
    assert float(fx.mean() - fy.mean()) == pytest.approx(problem.distance, abs=5 * error + 1e-12)
    assert problem.distance_error == 0


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_plan_has_the_distance_as_its_mean_cost(problem):
    n = 20_000 if problem.dimension < 100 else 2000
    x, y = problem.plan(n, seeded(4))
    cost = (x - y).norm(dim=1)
    assert float(cost.mean()) == pytest.approx(problem.distance, abs=5 * float(cost.std()) / math.sqrt(n) + 1e-12)


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_linear_program_finds_no_better_plan(problem):
    """Pairs drawn from an optimal plan are optimally matched among themselves: cyclical monotonicity."""
    x, y = problem.plan(60, seeded(5))
    solved = dv.wasserstein(x.numpy(), y.numpy())
    assert solved.bounds.lower == pytest.approx(float((x - y).norm(dim=1).mean()), rel=1e-11)


@pytest.mark.parametrize(
    ("problem", "Q"), [(normal_shift(1), Normal(1, 1)), (normal_scale(1), Normal(0, 2))], ids=["shift", "scale"]
)
def test_on_the_line_it_is_the_distance_of_the_quantile_functions(problem, Q):
    assert dv.wasserstein(Normal(0, 1), Q, p=1).bounds.contains(problem.distance)


def radial(d, h):
    """E h(|z|) for a standard normal z in d dimensions, by quadrature over spheres to 30 digits."""
    with mpmath.workdps(30):
        surface = 2 * mpmath.pi ** (mpmath.mpf(d) / 2) / mpmath.gamma(mpmath.mpf(d) / 2)
        weight = surface / (2 * mpmath.pi) ** (mpmath.mpf(d) / 2)
        return float(weight * mpmath.quad(lambda r: h(r) * r ** (d - 1) * mpmath.exp(-r * r / 2), [0, 1, 4, 10, 40]))


@pytest.mark.parametrize("d", [1, 2, 3, 16, 128])
def test_scale_moves_mass_by_the_mean_length_of_a_normal(d):
    assert normal_scale(d, scale=3.5).distance == pytest.approx(2.5 * radial(d, lambda r: r), rel=64 * d * EPS)


@pytest.mark.parametrize("d", [2, 3, 16, 128])
def test_bump_moves_mass_by_its_mean_height(d):
    mean = radial(d - 1, lambda r: mpmath.exp(-r * r / (2 * (d - 1))))
    assert linear_bump(d, height=3.0).distance == pytest.approx(3 * mean, rel=64 * d * EPS)
    assert 0.6 < mean < 0.71


@pytest.mark.parametrize(
    ("problem", "along", "law"),
    [
        (normal_shift(3, shift=[1.0, -2.0, 0.5]), 1, stats.norm(-2, 1)),
        (normal_scale(5), 4, stats.norm(0, 2)),
        (linear_bump(4), 2, stats.norm(0, 1)),
        # by Archimedes a coordinate on the sphere in three dimensions is uniform
        (sphere(3), 1, stats.uniform(-1, 2)),
        # of a circle the coordinate has the arcsine distribution
        (three_cones(), 1, stats.arcsine(-1, 2)),
    ],
)
def test_coordinates_have_the_law_that_they_should(problem, along, law):
    side = problem.Q if problem.name.startswith(("normal", "N(", "linear")) else problem.P
    assert stats.kstest(side(5000, seeded(6))[:, along].numpy(), law.cdf).pvalue > 1e-3
    if "normal" in problem.name or "bump" in problem.name:
        assert stats.kstest(problem.P(5000, seeded(7))[:, along].numpy(), stats.norm.cdf).pvalue > 1e-3


def test_bump_lifts_along_the_first_axis_only():
    x, y = linear_bump(5).plan(100, seeded(8))
    assert bool(((y - x)[:, 0] > 0).all())
    assert torch.equal(x[:, 1:], y[:, 1:])


def test_centres_are_the_centres():
    centres = {tuple(c) for c in three_cones().Q(300, seeded()).tolist()}
    assert centres == {(-2.0, 0.0), (0.0, 0.0), (2.0, 0.0)}
    assert not sphere(4).Q(10, seeded()).any()
    assert float((sphere(4).P(100, seeded()).norm(dim=1) - 1).abs().max()) <= 4 * EPS


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_draws_depend_on_the_generator_alone(problem):
    before = torch.random.get_rng_state()
    assert torch.equal(problem.P(5, seeded(9)), problem.P(5, seeded(9)))
    assert torch.equal(problem.Q(5, seeded(9)), problem.Q(5, seeded(9)))
    assert not torch.equal(problem.P(5, seeded(9)), problem.P(5, seeded(10))) or problem.dimension == 1
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_critic_keeps_the_precision_of_its_points(problem):
    x = problem.P(20, seeded(11))
    single = problem.critic(x.float())
    assert single.dtype is torch.float32
    assert float((single.double() - problem.critic(x)).abs().max()) <= (problem.dimension + 8) * 1e-6


def test_answer_is_asked_once():
    asked = itertools.count()
    base = sphere(2)
    problem = KnownProblem("counted", base.P, base.Q, base.critic, base.plan, lambda: (float(next(asked)), 0.5))
    assert (problem.distance, problem.distance_error, problem.distance) == (0.0, 0.5, 0.0)


def test_all_pairs_with_closed_forms_are_listed():
    problems = list(known_problems(dimensions=(2, 5), sphere_dimension=9))
    assert len({problem.name for problem in problems}) == len(problems) == 8
    assert [problem.dimension for problem in problems] == [2, 5, 2, 5, 2, 5, 2, 9]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: normal_shift(0), "expected dimension to be at least 1, got 0"),
        (lambda: normal_shift(2, shift=0.0), "expected shift to be a number or a vector of 2 finite numbers, not 0"),
        (lambda: normal_shift(2, shift=[1.0]), "a vector of 2 finite numbers, not 0, got [1.0]"),
        (lambda: normal_shift(1, shift=math.nan), "expected shift to be a number or a vector of 1 finite numbers"),
        (lambda: linear_bump(1), "expected dimension to be at least 2, got 1"),
        (lambda: linear_bump(2, height=0.0), "expected height to be a positive number, got 0.0"),
        (lambda: normal_scale(2, scale=1.0), "expected scale to differ from 1, where both are one distribution"),
        (lambda: normal_scale(2, scale=math.inf), "expected scale to be a positive number, got inf"),
        (lambda: sphere(3, radius=-1.0), "expected radius to be a positive number, got -1.0"),
    ],
)
def test_pairs_without_a_distance_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_shift_in_any_direction_is_its_length():
    s = np.array([2.0, 3.0, 6.0])
    assert normal_shift(3, shift=s).distance == 7.0
    assert normal_shift(3, shift=-4).distance == 4.0
