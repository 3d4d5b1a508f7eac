"""Laws of the distances: metric axioms, monotonicity, scaling, comparison with total variation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_problems import EPS, measures, random_problem

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
