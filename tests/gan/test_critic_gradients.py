"""The measures of a critic beside the optimal one."""

import math

import pytest
import torch
from torch import nn

from gan.funnels import min_funnels
from gan.gradients import critic_errors
from gan.known import linear_bump, normal_scale, normal_shift, sphere, three_cones

torch.set_num_threads(1)

PROBLEMS = [
    normal_shift(4),
    linear_bump(3),
    normal_scale(5),
    three_cones(),
    sphere(32),
    min_funnels(2, 16),
    min_funnels(16, 4),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("problem", PROBLEMS, ids=[problem.name for problem in PROBLEMS])
def test_optimal_critic_has_no_errors(problem):
    errors = critic_errors(problem.critic, problem, seeded(), size=20_000)
    assert errors.cosine == pytest.approx(1, abs=1e-12)
    assert errors.squared == 0
    assert errors.largest == pytest.approx(1, abs=1e-12)
    tolerance = 5 * (errors.standard_error + problem.distance_error) + 1e-12
    assert errors.value == pytest.approx(problem.distance, abs=tolerance)
    assert abs(errors.relative) <= tolerance / problem.distance


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, 3.0])
@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_tilted_linear_critic(angle, slope):
    """Of length k at an angle a: cosine cos a, squared 1 + k² - 2k cos a, value k cos a."""
    direction = -slope * torch.tensor([math.cos(angle), math.sin(angle), 0.0], dtype=torch.float64)
    errors = critic_errors(lambda x: x @ direction, normal_shift(3, shift=3.0), seeded(1))
    assert errors.cosine == pytest.approx(math.cos(angle), abs=1e-12)
    assert errors.squared == pytest.approx(1 + slope**2 - 2 * slope * math.cos(angle), rel=1e-12)
    assert errors.largest == pytest.approx(slope, rel=1e-12)
    assert errors.standard_error == pytest.approx(slope * math.sqrt(2 / 4096), rel=0.1)
    assert 3 * errors.relative + 3 == pytest.approx(3 * slope * math.cos(angle), abs=5 * errors.standard_error)


def test_critic_without_a_gradient_points_nowhere():
    errors = critic_errors(lambda x: 0 * x.sum(1), normal_shift(2), seeded(2))
    assert (errors.cosine, errors.squared, errors.value, errors.relative) == (0, pytest.approx(1), 0, -1)


def test_gradient_of_the_optimal_critic_points_along_the_plan():
    """From y to x, up to the rounding of x over its distances from y and, of t^8 L with t > 1/10, from the tip."""
    problem = min_funnels(6, 16)
    x, y = problem.plan(500, seeded(3))
    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(problem.critic(at).sum(), at)
    away = (y - x).norm(dim=1)
    apart = away > 1e-3
    assert int(apart.sum()) > 450
    assert float((slope - (x - y) / away[:, None])[apart].norm(dim=1).max()) < 1e-6


def test_module_is_asked_in_its_own_precision():
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).float()
    double = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).double()
    double.load_state_dict(network.state_dict())
    first, second = (critic_errors(f, normal_shift(3), seeded(4), size=500) for f in (network, double))
    for name in ("cosine", "squared", "largest", "value"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-5)


def test_critics_that_are_not_finite_or_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="expected a critic"):
        critic_errors(lambda x: x.log().sum(1), normal_shift(2), seeded(5))
    with pytest.raises(ValueError, match="expected a critic"):
        critic_errors(lambda x: x, normal_shift(2), seeded(5))
    with pytest.raises(ValueError, match="expected size to be at least 2, got 1"):
        critic_errors(lambda x: x.sum(1), normal_shift(2), seeded(5), size=1)
