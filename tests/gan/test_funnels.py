"""Minima of funnels: rays, the plan along them, and the distance."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats

import divergences as dv
from gan.funnels import HALF, FunnelPotential, min_funnels

torch.set_num_threads(1)

EPS = torch.finfo(torch.float64).eps

CELLS = [(1, 3), (2, 4), (2, 64), (4, 256), (16, 16), (64, 64)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def funnels(dimension, count):
    g = seeded(dimension * 1000 + count)
    centres = HALF * (2 * torch.rand(count, dimension, generator=g, dtype=torch.float64) - 1)
    return FunnelPotential(centres, 0.1 * torch.randn(count, generator=g, dtype=torch.float64)), g


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_minimum_of_funnels_is_1_lipschitz(dimension, count):
    u, g = funnels(dimension, count)
    x = 2 * HALF * torch.randn(300, dimension, generator=g, dtype=torch.float64)
    rounding = 8 * (dimension + 4) * EPS * float(x.norm(dim=1).max())
    assert bool(
        (
            (u(x)[:, None] - u(x)).abs() <= torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist") + rounding
        ).all()
    )


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_function_rises_at_rate_1_to_the_end_of_the_ray_and_not_beyond(dimension, count):
    """On the ray u(a + rv) = b + r, inside the cube; a little beyond its end another funnel is lower, or the cube ends."""
    u, g = funnels(dimension, count)
    y = HALF * (2 * torch.rand(400, dimension, generator=g, dtype=torch.float64) - 1)
    tip, v, length = u.rays(y)
    rounding = 16 * (dimension + 4) * EPS * HALF * math.sqrt(dimension)
    bottom = u(y) - (y - tip).norm(dim=1)
    assert float(((y - tip) - (y - tip).norm(dim=1, keepdim=True) * v).abs().max()) <= rounding
    assert torch.equal(tip, u.centres[u.active(y)])
    assert bool((length >= (y - tip).norm(dim=1) - rounding).all())
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        at = tip + share * length[:, None] * v
        assert float((u(at) - bottom - share * length).abs().max()) <= rounding
        assert float(at.abs().max()) <= HALF + rounding
    step = 1e-4 * length
    beyond = tip + (length + step)[:, None] * v
    outside = beyond.abs().amax(1) > HALF
    below = bottom + length + step - u(beyond)
    assert bool((outside | (below > rounding)).all())
    assert bool(outside.any())
    assert not bool(outside.all()) or count < 5 or dimension > 32  # both kinds of end are met


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_place_on_a_ray_is_independent_of_the_ray(dimension, count):
    """t^d is uniform, on the shorter rays as on the longer."""
    u, g = funnels(dimension, count)
    y = HALF * (2 * torch.rand(4000, dimension, generator=g, dtype=torch.float64) - 1)
    tip, _, length = u.rays(y)
    t = ((y - tip).norm(dim=1) / length).numpy()
    shorter = length.numpy() < np.median(length)
    for part in (t[shorter], t[~shorter]):
        assert stats.kstest(part**dimension, stats.uniform.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_critic_and_plan_prove_each_other(dimension, count):
    """f(x) - f(y) = |x - y| for every pair, with x on the way from y to the tip."""
    problem = min_funnels(dimension, count)
    x, y = problem.plan(2000, seeded())
    rounding = 16 * (dimension + 4) * EPS * HALF * math.sqrt(dimension)
    gap = problem.critic(x) - problem.critic(y) - (x - y).norm(dim=1)
    assert float(gap.abs().max()) <= rounding
    assert float(x.abs().max()) <= HALF + rounding
    assert float(y.abs().max()) <= HALF


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_distance_is_the_mean_cost_of_the_plan(dimension, count):
    """The mean over rays, integrated along them by formula, against the mean of |x - y| over points."""
    problem = min_funnels(dimension, count, rng=1)
    x, y = problem.plan(10_000, seeded(1))
    cost = (x - y).norm(dim=1)
    error = math.hypot(float(cost.std()) / math.sqrt(len(cost)), problem.distance_error)
    assert float(cost.mean()) == pytest.approx(problem.distance, abs=5 * error)
    assert 0 < problem.distance_error < 1e-3 * problem.distance


@pytest.mark.parametrize(("dimension", "count"), CELLS)
def test_expectations_of_the_critic_differ_by_the_distance(dimension, count):
    problem = min_funnels(dimension, count, rng=2, power=3.0)
    n = 10_000
    fx, fy = (torch.cat([problem.critic(z) for z in torch.split(side(n, seeded(k)), 3000)])
              for k, side in enumerate((problem.P, problem.Q)))  # fmt: skip
    error = math.hypot(math.sqrt(float(fx.var() + fy.var()) / n), problem.distance_error)
    assert float(fx.mean() - fy.mean()) == pytest.approx(problem.distance, abs=5 * error)


@pytest.mark.parametrize("power", [8.0, 1.5])
def test_points_move_to_a_power_of_their_share_of_the_ray(power):
    """On the line and of one funnel: |x - a| / L = (|y - a| / L)^p, on the side of y."""
    problem = min_funnels(1, 1, rng=3, power=power)
    far = problem.critic(torch.tensor([[-9.0], [9.0]], dtype=torch.float64))
    a = float(far[1] - far[0]) / 2
    x, y = (side[:, 0] - a for side in problem.plan(500, seeded()))
    length = HALF - a * y.sign()
    assert float((x - y.sign() * length * (y.abs() / length) ** power).abs().max()) <= 64 * power * EPS * HALF


@pytest.mark.parametrize("seed", range(5))
def test_distance_of_one_funnel_on_the_line(seed):
    """Two rays, of lengths 5/2 + a and 5/2 - a, met as often as they are long."""
    problem = min_funnels(1, 1, rng=seed)
    far = problem.critic(torch.tensor([[-9.0], [9.0]], dtype=torch.float64))
    a = float(far[1] - far[0]) / 2
    assert abs(a) <= HALF
    mean = ((HALF + a) ** 2 + (HALF - a) ** 2) / (2 * HALF)
    assert problem.distance == pytest.approx(mean * (1 / 2 - 1 / 9), abs=5 * problem.distance_error)


@pytest.mark.parametrize(("dimension", "count"), [(2, 4), (2, 64), (16, 16)])
def test_linear_program_finds_no_better_plan(dimension, count):
    problem = min_funnels(dimension, count)
    x, y = problem.plan(200, seeded(3))
    solved = dv.wasserstein(x.numpy(), y.numpy())
    assert solved.bounds.lower == pytest.approx(float((x - y).norm(dim=1).mean()), rel=1e-11)


def test_samples_are_further_apart_than_the_distributions():
    """f bounds the distance of samples from below; from above it exceeds W1 by that of two samples of one side at most."""
    problem, n = min_funnels(2, 16), 600
    x, y, x2, y2 = (side(n, seeded(k)) for k, side in enumerate((problem.P, problem.Q, problem.P, problem.Q)))
    solved = dv.wasserstein(x.numpy(), y.numpy()).value
    fx, fy = problem.critic(x), problem.critic(y)
    assert solved >= float(fx.mean() - fy.mean()) - 1e-12
    error = math.sqrt(float(fx.var() + fy.var()) / n)
    own = dv.wasserstein(x.numpy(), x2.numpy()).value + dv.wasserstein(y.numpy(), y2.numpy()).value
    assert problem.distance - 5 * error <= solved <= problem.distance + own + 5 * error


@pytest.mark.parametrize(("dimension", "count"), [(2, 256), (128, 16)])
def test_distance_is_known_to_a_thousandth_and_only_where_asked(dimension, count):
    problem = min_funnels(dimension, count)
    assert "_known" not in vars(problem)
    assert 0 < problem.distance_error < 1e-3 * problem.distance


def test_pairs_depend_on_their_randomness_alone():
    first, same, other = (min_funnels(3, 5, rng=rng) for rng in (4, np.random.default_rng(4), 5))
    x = torch.randn(10, 3, generator=seeded(), dtype=torch.float64)
    assert torch.equal(first.critic(x), same.critic(x))
    assert not torch.equal(first.critic(x), other.critic(x))
    assert first.distance == same.distance != other.distance
    assert torch.equal(first.P(7, seeded(1)), same.P(7, seeded(1)))


def test_q_is_uniform_on_the_cube():
    y = min_funnels(3, 5).Q(4000, seeded(2)).numpy()
    for coordinate in y.T:
        assert stats.kstest(coordinate, stats.uniform(-HALF, 2 * HALF).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dimension": 0, "funnels": 1}, "expected dimension to be at least 1, got 0"),
        ({"dimension": 2, "funnels": 0}, "expected funnels to be at least 1, got 0"),
        ({"dimension": 2, "funnels": 3, "power": 1.0}, "expected power above 1, got 1.0; with 1 nothing moves"),
    ],
)
def test_pairs_that_move_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        min_funnels(**arguments)
