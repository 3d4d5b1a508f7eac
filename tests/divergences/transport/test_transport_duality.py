"""Strong duality, feasibility of the potentials on all pairs and the certificate, judged in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from transport_problems import EPS, Problem, dual_value, ill_scaled, least_slack, measures, problems, random_problem

from divergences.transport import emd, wasserstein

CASES = list(ill_scaled())
LIGHT = settings(deadline=None, max_examples=60)


def rational_cost(t, cost):
    entries = zip(t.plan.data.tolist(), t.plan.row, t.plan.col, strict=True)
    return sum(Fraction(mass) * Fraction(float(cost[i, j])) for mass, i, j in entries)


@LIGHT
@given(problems())
def test_strong_duality_holds_exactly_for_integers(problem):
    t = emd(problem.a, problem.b, problem.cost)
    f, g = t.potentials
    assert t.bounds.gap == 0
    assert least_slack(problem.cost, f, g) >= 0
    assert dual_value(problem.a, problem.b, f, g) == t.value == rational_cost(t, problem.cost)


@pytest.mark.parametrize("problem", CASES, ids=str)
def test_ill_scaled_problems_are_certified(problem):
    t = emd(problem.a, problem.b, problem.cost)
    size = float(np.abs(t.plan.multiply(problem.cost)).sum())
    assert t.bounds.gap <= 1e-13 * size
    assert t.bounds.lower <= t.value <= t.bounds.upper


@pytest.mark.parametrize("problem", CASES, ids=str)
def test_potentials_are_feasible_on_all_pairs_and_attain_the_value(problem):
    t = emd(problem.a, problem.b, problem.cost)
    f, g = t.potentials
    assert least_slack(problem.cost, f, g) >= 0
    # the potentials are rounded to float64 and the masses of the two sides agree up to rounding
    rounding = 4 * EPS * (np.abs(f) @ problem.a + np.abs(g) @ problem.b) * (len(f) + len(g))
    assert dual_value(problem.a, problem.b, f, g) <= Fraction(t.bounds.upper) + Fraction(rounding)
    assert dual_value(problem.a, problem.b, f, g) >= Fraction(t.bounds.lower) - Fraction(rounding)


@pytest.mark.parametrize("problem", CASES, ids=str)
def test_plan_has_the_marginals_and_the_cost(problem):
    t = emd(problem.a, problem.b, problem.cost)
    assert (t.plan.data >= 0).all()
    total = problem.a.sum()
    np.testing.assert_allclose(t.plan.sum(axis=1), problem.a, rtol=1e-13, atol=4 * EPS * total)
    np.testing.assert_allclose(t.plan.sum(axis=0), problem.b, rtol=1e-13, atol=4 * EPS * total)
    size = float(np.abs(t.plan.multiply(problem.cost)).sum())
    assert abs(rational_cost(t, problem.cost) - Fraction(t.cost)) <= Fraction(4 * EPS * size)


@pytest.mark.parametrize("name", ["cost x 1e-12", "cost x 1e+12", "mass 1e+09", "cost x 1e-200"])
def test_value_scales_with_cost_and_mass(name):
    base = random_problem()
    scaled = next(p for p in CASES if str(p) == name)
    factor = scaled.cost[0, 0] / base.cost[0, 0] * scaled.a[0] / base.a[0]
    ours, theirs = emd(scaled.a, scaled.b, scaled.cost).value, emd(base.a, base.b, base.cost).value
    assert ours == pytest.approx(factor * theirs, rel=8 * EPS)


def test_points_without_mass_carry_the_c_transform():
    p = random_problem()
    a, b = p.a.copy(), p.b.copy()
    a[::3], b[::4] = 0, 0
    a, b = a / a.sum(), b / b.sum()
    f, g = emd(a, b, p.cost).potentials
    assert least_slack(p.cost, f, g) >= 0
    np.testing.assert_allclose(f[::3], (p.cost - g)[::3][:, b > 0].min(axis=1), rtol=0, atol=1e-14)
    np.testing.assert_allclose(g[::4], (p.cost - f[:, None])[:, ::4].min(axis=0), rtol=0, atol=1e-14)


def test_gradient_at_a_point_without_mass_is_the_one_sided_difference():
    p = random_problem()
    a = p.a.copy()
    a[3] = 0
    a /= a.sum()
    f = emd(a, p.b, p.cost).potentials[0]
    h = 1e-7
    moved = a.copy()
    moved[3], moved[5] = h, moved[5] - h
    slope = (emd(moved, p.b, p.cost).value - emd(a, p.b, p.cost).value) / h
    assert slope == pytest.approx(f[3] - f[5], abs=1e-6)


@LIGHT
@given(measures(d=2), measures(d=2))
def test_bounds_of_distances_are_ordered_and_tight(p, q):
    for order in (1, 2, 3):
        t = wasserstein(p[0], q[0], p[1], q[1], p=order)
        assert t.bounds.lower <= t.value <= t.bounds.upper
        assert t.bounds.relative_gap <= 1e-13


@LIGHT
@given(measures(), measures())
def test_potentials_on_the_line_are_feasible_and_optimal(p, q):
    x, y = p[0][:, 0], q[0][:, 0]
    for order in (1, 1.5, 2, 3):
        t = wasserstein(x, y, p[1], q[1], p=order)
        cost = np.abs(x[:, None] - y) ** order
        f, g = t.potentials
        assert least_slack(cost, f, g) >= 0
        rounding = 32 * EPS * (len(x) + len(y)) * (np.abs(f).max() + np.abs(g).max() + cost.max())
        assert f @ p[1] + g @ q[1] == pytest.approx(t.cost, rel=0, abs=rounding)


def test_cyclical_monotonicity_of_the_support():
    p = random_problem(seed=3)
    t = emd(p.a, p.b, p.cost)
    c = p.cost[t.plan.row[:, None], t.plan.col]
    assert (np.diag(c)[:, None] + np.diag(c) <= c + c.T + 1e-14).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dear", [1e8, 1e15, 1e30])
def test_masses_that_balance_up_to_rounding_only(seed, dear):
    """Counts over their sum, added up in two orders: units of 1e-17 must cross pairs that decide the value."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 9, 24).astype(float)
    a, b = counts / counts.sum(), rng.permutation(counts) / (counts.sum() * (1 + EPS))
    cost = np.where(rng.random((24, 24)) < 0.5, dear, rng.uniform(size=(24, 24)))
    t = emd(a, b, cost)
    assert least_slack(cost, *t.potentials) >= 0
    assert t.bounds.relative_gap <= 1e-13


def test_named_case_set_is_not_empty():
    assert len(CASES) > 20
    assert all(isinstance(p, Problem) for p in CASES)
