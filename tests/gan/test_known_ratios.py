"""Continuous pairs with known f-divergences: a sufficient statistic loses nothing."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import divergences as dv
from divergences.families import MultivariateNormal
from gan.known_ratios import exponentials, normals, two_humps

torch.set_num_threads(1)

FINITE = (dv.kl, dv.reverse_kl, dv.jeffreys, dv.js, dv.tv, dv.squared_hellinger, dv.le_cam)

NORMALS = [
    (1, 1.0, 1.0),
    (16, -2.0, 1.0),
    (1, 0.0, 0.5),
    (8, 0.0, 1.25),
    (2, 1.0, 1.5),
    (5, 1.0, 2.0),
    (16, 0.5, 0.9),
    (3, 0.2, 1.01),
]

PROBLEMS = [
    *(normals(d, shift=m, scale=s) for d, m, s in NORMALS),
    exponentials(1),
    exponentials(4, rate=0.6),
    two_humps(),
]
NAMES = [problem.name for problem in PROBLEMS]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal_densities(d, m, s):
    mean = np.zeros(d)
    mean[0] = m
    return stats.multivariate_normal(mean, np.eye(d)), stats.multivariate_normal(np.zeros(d), s**2 * np.eye(d))


@pytest.mark.parametrize(("d", "m", "s"), NORMALS)
def test_statistic_of_normals_keeps_every_divergence_with_a_closed_form(d, m, s):
    """Quadrature over the statistic against the formulas of normals in d dimensions."""
    P = MultivariateNormal([m] + [0.0] * (d - 1), np.eye(d))
    Q = MultivariateNormal(np.zeros(d), s**2 * np.eye(d))
    for f in (dv.kl, dv.reverse_kl, dv.jeffreys, dv.squared_hellinger, dv.pearson_chi2, dv.neyman_chi2):
        seen, whole = normals(d, shift=m, scale=s).exact(f), f.bounds(P, Q)
        assert seen.lower <= whole.upper
        assert whole.lower <= seen.upper
        assert seen.value == pytest.approx(whole.value, rel=1e-11)


@pytest.mark.parametrize(("d", "m", "s"), NORMALS)
def test_log_ratio_of_normals_is_that_of_the_densities(d, m, s):
    p, q = normal_densities(d, m, s)
    problem = normals(d, shift=m, scale=s)
    x = torch.cat([problem.P(50, seeded()), problem.Q(50, seeded(1))])
    expected = (p.logpdf(x.numpy()) - q.logpdf(x.numpy())).reshape(-1)
    assert problem.log_ratio(x).numpy() == pytest.approx(expected, rel=1e-12, abs=1e-12 * (d + float(x.square().max())))


def test_log_ratio_of_exponentials_is_that_of_the_densities():
    problem = exponentials(4, rate=0.6)
    x = problem.P(50, seeded())
    expected = sum(stats.expon.logpdf(x[:, i]) - stats.expon(scale=1 / 0.6).logpdf(x[:, i]) for i in range(4))
    assert problem.log_ratio(x).numpy() == pytest.approx(expected, rel=1e-12, abs=1e-13)


def humps(x):
    return stats.norm.pdf(x, -1, 0.25) / 3 + 2 * stats.norm.pdf(x, 2, 1.4) / 3


def humps_below(x):
    return stats.norm.cdf(x, -1, 0.25) / 3 + 2 * stats.norm.cdf(x, 2, 1.4) / 3


def test_two_humps_by_another_quadrature():
    problem = two_humps(loc=0.5, scale=2.0)
    q = stats.norm(0.5, 2.0)
    x = torch.linspace(-6, 8, 200, dtype=torch.float64)[:, None]
    expected = np.log(humps(x[:, 0].numpy())) - q.logpdf(x[:, 0].numpy())
    assert problem.log_ratio(x).numpy() == pytest.approx(expected, rel=1e-11, abs=1e-12)
    kl, error = integrate.quad(
        lambda x: humps(x) * (np.log(humps(x)) - q.logpdf(x)), -16, 16, points=[-1, 0, 2], limit=200
    )
    assert problem.exact(dv.kl).value == pytest.approx(kl, abs=10 * error + 1e-12)
    drawn = problem.P(5000, seeded(2))[:, 0].numpy()
    assert stats.kstest(drawn, humps_below).pvalue > 1e-3
    assert stats.kstest(problem.Q(5000, seeded(3))[:, 0].numpy(), q.cdf).pvalue > 1e-3


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_means_over_draws_give_the_divergences(problem):
    """E_P of bounded functions of the log-ratio: with u = p/q, TV = E_P (1 - 1/u)+, JS and Le Cam likewise; KL = E_P log u."""
    n = 20_000
    v = problem.log_ratio(problem.P(n, seeded(4)))
    w = problem.log_ratio(problem.Q(n, seeded(5)))
    means = {
        dv.tv: (torch.relu(-torch.expm1(-v)), torch.zeros(n)),
        dv.js: (
            math.log(2) / 2 - torch.nn.functional.softplus(-v) / 2,
            math.log(2) / 2 - torch.nn.functional.softplus(w) / 2,
        ),
        dv.le_cam: (1 - 2 * torch.sigmoid(-v), torch.zeros(n)),
        dv.kl: (v, torch.zeros(n)),
        dv.reverse_kl: (torch.zeros(n), -w),
    }
    for f, (over_p, over_q) in means.items():
        error = math.sqrt(float(over_p.var() + over_q.var()) / n)
        assert float(over_p.mean() + over_q.mean()) == pytest.approx(problem.exact(f).value, abs=5 * error)


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_bounds_are_tight(problem):
    for f in FINITE:
        bounds = problem.exact(f)
        assert 0 < bounds.value < math.inf
        assert bounds.relative_gap < 1e-10


def test_chi_squared_is_infinite_where_the_tails_say_so():
    """Of N(m, I) against N(0, s² I) the one diverges for s² <= 1/2, the other for s² >= 2."""
    assert normals(3, shift=1.0, scale=0.5).exact(dv.pearson_chi2).lower == math.inf
    assert normals(3, shift=1.0, scale=1.5).exact(dv.neyman_chi2).lower == math.inf


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_draws_depend_on_the_generator_alone(problem):
    for side in (problem.P, problem.Q):
        assert torch.equal(side(5, seeded(6)), side(5, seeded(6)))
        assert not torch.equal(side(5, seeded(6)), side(5, seeded(7)))
        assert side.dimension == problem.dimension


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_log_ratio_is_differentiable_and_keeps_the_precision(problem):
    x = problem.P(10, seeded(8)).float().requires_grad_()
    v = problem.log_ratio(x)
    (slope,) = torch.autograd.grad(v.sum(), x)
    assert v.dtype is torch.float32
    assert bool(slope.isfinite().all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: normals(0), "expected dimension to be at least 1, got 0"),
        (lambda: normals(2, shift=math.inf), "expected a finite shift and a positive scale, got inf and 1.0"),
        (lambda: normals(2, scale=0.0), "expected a finite shift and a positive scale, got 1.0 and 0.0"),
        (lambda: exponentials(2, rate=-1.0), "expected a positive rate, got -1.0"),
        (lambda: two_humps(scale=0.0), "expected a finite loc and a positive scale, got 1.0 and 0.0"),
    ],
)
def test_what_is_no_distribution_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
