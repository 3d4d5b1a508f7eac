"""Laws of the distances: metric axioms, monotonicity, scaling, comparison with total variation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from transport_problems import EPS, measures, problems, random_problem

from divergences.transport import emd, wasserstein

LIGHT = settings(deadline=None, max_examples=40)
ORDERS = st.sampled_from([1, 1.5, 2, 3])
DIMENSIONS = st.sampled_from([1, 2])
PAIRS = DIMENSIONS.flatmap(lambda d: st.tuples(measures(d), measures(d)))
TRIPLES = DIMENSIONS.flatmap(lambda d: st.tuples(measures(d), measures(d), measures(d)))


def distance(p, q, order=1):
    return wasserstein(p[0], q[0], p[1], q[1], p=order)


@LIGHT
@given(PAIRS, ORDERS)
def test_distance_is_symmetric(pair, order):
    p, q = pair
    there, back = distance(p, q, order), distance(q, p, order)
    assert there.bounds.lower <= back.bounds.upper
    assert back.bounds.lower <= there.bounds.upper


@LIGHT
@given(DIMENSIONS.flatmap(measures), ORDERS)
def test_distance_of_a_measure_to_itself_is_0(p, order):
    assert distance(p, p, order).bounds.upper == 0


@LIGHT
@given(TRIPLES, ORDERS)
def test_triangle_inequality(triple, order):
    p, q, r = triple
    direct, first, second = distance(p, r, order), distance(p, q, order), distance(q, r, order)
    assert direct.bounds.lower <= (first.bounds.upper + second.bounds.upper) * (1 + EPS)


@LIGHT
@given(PAIRS)
def test_distance_does_not_decrease_with_the_order(pair):
    values = [distance(*pair, order).bounds for order in (1, 1.5, 2, 3)]
    assert all(u.lower <= v.upper for u, v in pairwise(values))


@LIGHT
@given(PAIRS, ORDERS, st.sampled_from([-4.0, 0.25, 2.0**-40, 2.0**40]))
def test_scaling_the_points_scales_the_distance(pair, order, s):
    (x, a), (y, b) = pair
    plain, scaled = distance((x, a), (y, b), order).bounds, distance((s * x, a), (s * y, b), order).bounds
    assert scaled.lower <= abs(s) * plain.upper
    assert abs(s) * plain.lower <= scaled.upper


@LIGHT
@given(PAIRS, ORDERS)
def test_order_of_the_points_is_of_no_account(pair, order):
    (x, a), (y, b) = pair
    plain, turned = distance((x, a), (y, b), order).bounds, distance((x[::-1], a[::-1]), (y, b), order).bounds
    assert plain.lower <= turned.upper
    assert turned.lower <= plain.upper


@LIGHT
@given(st.integers(1, 8).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 9), min_size=n, max_size=n)] * 2)))
def test_discrete_metric_gives_total_variation(counts):
    a, b = (np.array(c, dtype=float) + np.eye(len(c))[0] for c in counts)
    a, b = a / a.sum(), b / b.sum()
    tv = np.abs(a - b).sum() / 2
    assert emd(a, b, 1 - np.eye(len(a))).value == pytest.approx(tv, abs=8 * EPS)


def test_adding_potentials_to_the_cost_shifts_the_value():
    p = random_problem(seed=2)
    u, v = np.random.default_rng(0).normal(size=len(p.a)), np.random.default_rng(1).normal(size=len(p.b))
    shifted = emd(p.a, p.b, p.cost + u[:, None] + v).value
    assert shifted == pytest.approx(emd(p.a, p.b, p.cost).value + u @ p.a + v @ p.b, abs=1e-14)


def test_splitting_a_mass_changes_nothing():
    p = random_problem(seed=4)
    a = np.concatenate([p.a[:1] / 2, p.a[:1] / 2, p.a[1:]])
    split = emd(a, p.b, np.concatenate([p.cost[:1], p.cost]))
    assert split.value == pytest.approx(emd(p.a, p.b, p.cost).value, rel=4 * EPS)


def test_weights_are_normalised_exactly():
    x, y = [0.0, 1.0], [0.0, 2.0]
    off = 1 + 1e-9
    assert wasserstein(x, y, [0.5 * off, 0.5 * off], [0.5, 0.5]).value == 0.5


def test_totals_that_differ_by_rounding_are_balanced():
    p = random_problem()
    t = emd(p.a, p.b * (1 + 1e-10), p.cost)
    assert t.value == pytest.approx(emd(p.a, p.b, p.cost).value * (1 + 0.5e-10), rel=1e-14)


@st.composite
def finite_spaces(draw):
    """An integer metric, by shortest paths, and three measures with masses in sixteenths."""
    n = draw(st.integers(1, 5))
    length = np.array(draw(st.lists(st.integers(1, 9), min_size=n * n, max_size=n * n)), dtype=float).reshape(n, n)
    length = np.minimum(length, length.T)
    np.fill_diagonal(length, 0)
    for k in range(n):
        length = np.minimum(length, length[:, k, None] + length[k])
    places = st.lists(st.integers(0, n - 1), min_size=16, max_size=16)
    return length, *(np.bincount(draw(places), minlength=n) / 16 for _ in range(3))


@LIGHT
@given(finite_spaces())
def test_emd_is_a_metric_on_measures_of_a_finite_space(space):
    d, a, b, c = space
    assert emd(a, a, d).bounds.upper == 0
    assert emd(a, b, d).bounds == emd(b, a, d).bounds
    assert (emd(a, b, d).value == 0) == (a == b).all()
    assert emd(a, c, d).value <= emd(a, b, d).value + emd(b, c, d).value


@LIGHT
@given(finite_spaces(), st.sampled_from([1, 2, 3]))
def test_plans_are_glued_along_their_common_marginal(space, p):
    """The composition of two plans is a plan; Minkowski's inequality in its three variables is the triangle inequality."""
    d, a, b, c = space
    first, second = emd(a, b, d**p), emd(b, c, d**p)
    share = np.divide(1, b, out=np.zeros_like(b), where=b > 0)
    glued = first.plan.toarray() @ (share[:, None] * second.plan.toarray())
    np.testing.assert_allclose(glued.sum(axis=1), a, atol=8 * EPS)
    np.testing.assert_allclose(glued.sum(axis=0), c, atol=8 * EPS)
    cost = (glued * d**p).sum()
    assert emd(a, c, d**p).value <= cost * (1 + 32 * EPS)
    assert cost ** (1 / p) <= (first.value ** (1 / p) + second.value ** (1 / p)) * (1 + 32 * EPS)


@LIGHT
@given(problems())
def test_supports_of_plans_are_cyclically_monotone(problem):
    """No permutation of the targets of the pairs in use is cheaper (Villani 2009, definition 5.1)."""
    plan = emd(problem.a, problem.b, problem.cost).plan
    among = problem.cost[plan.row[:, None], plan.col]
    assert np.trace(among) == among[linear_sum_assignment(among)].sum()


@LIGHT
@given(problems(), st.data())
def test_ties_leave_value_and_certificate_alone(problem, data):
    """Points in another order: the plan may be another one, all that is unique stays."""
    i, j = (data.draw(st.permutations(range(len(w)))) for w in (problem.a, problem.b))
    plain = emd(problem.a, problem.b, problem.cost)
    turned = emd(problem.a[i], problem.b[j], problem.cost[np.ix_(i, j)])
    assert turned.bounds == plain.bounds
    other = np.zeros(problem.cost.shape)
    other[np.ix_(i, j)] = turned.plan.toarray()
    half = (other + plain.plan.toarray()) / 2  # optimal plans form a convex set
    assert (half.sum(axis=1) == problem.a).all()
    assert (half.sum(axis=0) == problem.b).all()
    assert (half * problem.cost).sum() == plain.value


@LIGHT
@given(problems(), st.data())
def test_any_feasible_potentials_and_any_plan_enclose_the_value(problem, data):
    g = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=len(problem.b), max_size=len(problem.b))))
    f = (problem.cost - g).min(axis=1)
    product = np.outer(problem.a, problem.b) / problem.a.sum()
    assert f @ problem.a + g @ problem.b <= emd(problem.a, problem.b, problem.cost).bounds.lower
    assert emd(problem.a, problem.b, problem.cost).bounds.upper <= (product * problem.cost).sum() + 1e-12
