"""Values against independent roads: other solvers, closed forms, and enumeration in rationals."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from transport_problems import EPS, cheapest_assignment, measures, problems, random_problem

from divergences.transport import emd, wasserstein

LIGHT = settings(deadline=None, max_examples=50)


def highs(a, b, cost):
    n, m = cost.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    return linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b])).fun


@LIGHT
@given(problems(largest=5))
def test_emd_equals_the_linear_program(problem):
    assert emd(problem.a, problem.b, problem.cost).value == pytest.approx(
        highs(problem.a, problem.b, problem.cost), abs=1e-7
    )


def test_emd_equals_the_linear_program_on_clouds():
    p = random_problem(seed=5, n=25, m=30)
    assert emd(p.a, p.b, p.cost).value == pytest.approx(highs(p.a, p.b, p.cost), rel=1e-8)


@LIGHT
@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.floats(-5, 5), min_size=n * n, max_size=n * n)))
def test_uniform_masses_enclose_the_cheapest_permutation_in_rationals(entries):
    n = round(len(entries) ** 0.5)
    cost = np.array(entries).reshape(n, n)
    t, least = emd(np.ones(n), np.ones(n), cost), n * cheapest_assignment(cost)
    assert Fraction(t.bounds.lower) <= least <= Fraction(t.bounds.upper)


@pytest.mark.parametrize("n", [1, 2, 50, 300])
def test_uniform_masses_equal_the_assignment(n):
    cost = cdist(*np.random.default_rng(n).normal(size=(2, n, 3)), "sqeuclidean")
    row, column = linear_sum_assignment(cost)
    assert emd(np.ones(n), np.ones(n), cost).value == pytest.approx(cost[row, column].sum(), rel=n * EPS)


@LIGHT
@given(measures(), measures())
def test_w1_on_the_line_equals_the_area_between_the_distribution_functions(p, q):
    x, y = p[0][:, 0], q[0][:, 0]
    t = wasserstein(x, y, p[1], q[1])
    span = max(x.max(), y.max()) - min(x.min(), y.min())
    assert t.value == pytest.approx(wasserstein_distance(x, y, p[1], q[1]), rel=1e-13, abs=32 * EPS * span)


@LIGHT
@given(measures(), measures())
def test_line_and_dense_program_agree(p, q):
    for order in (1, 1.5, 2, 3):
        line = wasserstein(p[0], q[0], p[1], q[1], p=order)
        dense = wasserstein(p[0], q[0], p[1], q[1], p=order, metric=lambda u, v: np.abs(u - v.T))
        assert (str(line.method), str(dense.method)) == ("Line", "DenseSimplex")
        assert line.bounds.upper >= dense.bounds.lower * (1 - 8 * EPS)
        assert dense.bounds.upper >= line.bounds.lower * (1 - 8 * EPS)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 50])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_translation_costs_its_length(p, d):
    rng = np.random.default_rng(d)
    x, shift = rng.integers(-50, 50, size=(30, d)) / 8, np.full(d, 0.75)
    t = wasserstein(x, x + shift, p=p)
    assert t.value == pytest.approx(np.linalg.norm(shift), rel=8 * EPS)
    assert t.bounds.lower <= np.linalg.norm(shift) * (1 + EPS)
    assert t.bounds.upper >= np.linalg.norm(shift) * (1 - EPS)


@pytest.mark.parametrize("theta", [-2.0, -1e-9, 0.0, 1e-9, 0.5, 40.0])
@pytest.mark.parametrize("p", [1, 2])
def test_parallel_lines_are_theta_apart(theta, p):
    z = np.linspace(0, 1, 60)
    t = wasserstein(np.c_[np.zeros(60), z], np.c_[np.full(60, theta), z], p=p)
    assert t.value == pytest.approx(abs(theta), rel=8 * EPS)
    assert t.bounds.relative_gap <= 16 * EPS


def test_a_shift_by_1e_9_is_resolved_between_weighted_clouds():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(50, 2)), rng.uniform(0.1, 1, 50)
    y = x + np.array([1e-9, 0])
    least = float(np.average((y - x)[:, 0] ** 2, weights=w)) ** 0.5
    assert wasserstein(x, y, w / w.sum(), w / w.sum(), p=2).value == pytest.approx(least, rel=1e-13)


def test_lattice_points_give_exact_bounds():
    rng = np.random.default_rng(0)
    x, y = rng.integers(-9, 9, 16), rng.integers(-9, 9, 32)
    assert wasserstein(x, y).bounds.gap == 0
    assert wasserstein([[0, 0], [3, 0]], [[0, 4], [3, 4]], p=2).bounds.gap == 0


def test_ten_thousand_points_on_the_line_in_any_order():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=10_000), rng.normal(size=7_777)
    a, b = rng.exponential(size=10_000), rng.exponential(size=7_777)
    a, b = a / a.sum(), b / b.sum()
    t = wasserstein(x, y, a, b)
    assert t.value == pytest.approx(wasserstein_distance(x, y, a, b), rel=1e-12)
    assert t.bounds.relative_gap <= 1e-14
    assert t.plan.nnz <= 10_000 + 7_777 - 1
    np.testing.assert_allclose(t.plan.sum(axis=1), a, rtol=1e-12)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, rtol=1e-12)


@pytest.mark.parametrize("metric", ["cityblock", "chebyshev", "cosine", "canberra"])
def test_any_metric_of_scipy_serves(metric):
    x, y = np.random.default_rng(0).uniform(0.5, 1, size=(2, 20, 3))
    row, column = linear_sum_assignment(cdist(x, y, metric))
    least = cdist(x, y, metric)[row, column].mean()
    assert wasserstein(x, y, metric=metric).value == pytest.approx(least, rel=1e-13)


def test_large_orders_approach_the_bottleneck():
    x, y = np.array([[0, 0], [1, 0]]) * 1e-3, np.array([[0, 1], [1, 3]]) * 1e-3
    assert wasserstein(x, y, p=90).value == pytest.approx(3e-3 * 0.5 ** (1 / 90), rel=1e-12)
