"""The parts alone: error-free arithmetic, integer masses, staircases, forests, c-transforms."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divergences.transport.certificate import _root_up, root_down
from divergences.transport.exact import exact_dot, round_down, round_up, two_sum
from divergences.transport.forest import completed, exact_flows
from divergences.transport.masses import balance, exact_total
from divergences.transport.potentials import Potential, c_transform, reduced_cost
from divergences.transport.routing import route
from divergences.transport.simplex import coarse
from divergences.transport.staircase import staircase

LIGHT = settings(deadline=None, max_examples=60)
FLOATS = st.floats(-1e100, 1e100)
MASSES = st.lists(st.one_of(st.just(0.0), st.floats(1e-200, 1e3), st.integers(1, 9).map(float)), min_size=1, max_size=9)


@LIGHT
@given(FLOATS, FLOATS)
def test_two_sum_loses_nothing(x, y):
    s, e = two_sum(np.array([x]), np.array([y]))
    assert Fraction(s[0]) + Fraction(e[0]) == Fraction(x) + Fraction(y)


@LIGHT
@given(st.lists(st.tuples(st.integers(0, 2**70), FLOATS), max_size=12), st.booleans())
def test_exact_dot_is_the_rational_sum(pairs, constant):
    q, x = [3 if constant else p[0] for p in pairs], [p[1] for p in pairs]
    expected = sum((Fraction(u) * Fraction(v) for u, v in zip(q, x, strict=True)), Fraction(0))
    assert exact_dot(np.array(q, dtype=object), np.array(x, dtype=float)) == expected


@LIGHT
@given(st.fractions())
def test_rounding_is_outward_and_tight(x):
    low, high = round_down(x), round_up(x)
    assert Fraction(low) <= x <= Fraction(high)
    assert high in {low, math.nextafter(low, math.inf)}


@LIGHT
@given(st.fractions(0, 10**20), st.sampled_from([1, 1.5, 2, 3, 7.3]))
def test_roots_are_enclosed(x, p):
    low, high = root_down(x, p), _root_up(x, p)
    assert low <= high <= low * (1 + 1e-13)
    if float(p).is_integer():
        assert Fraction(low) ** int(p) <= x <= Fraction(high) ** int(p)


@LIGHT
@given(MASSES.filter(any), MASSES.filter(any))
def test_balanced_masses_are_exactly_proportional_with_one_total(a, b):
    m = balance(np.array(a), np.array(b), Fraction(1))
    assert m.source.sum() == m.target.sum() == m.units
    assert m.units * m.unit == 1
    for q, w in ((m.source, a), (m.target, b)):
        total = sum(map(Fraction, w))
        assert all(Fraction(int(k)) * total == Fraction(v) * m.units for k, v in zip(q, w, strict=True))
    assert exact_total(np.array(a)) == sum(map(Fraction, a))


def test_uniform_masses_become_small_integers():
    m = balance(np.full(4, 0.1), np.full(6, 1 / 3), Fraction(1))
    assert m.source.tolist() == [3] * 4
    assert m.target.tolist() == [2] * 6
    assert m.to_mass(m.source).tolist() == [0.25] * 4


@LIGHT
@given(MASSES.filter(any), MASSES.filter(any))
def test_staircase_meets_the_marginals_through_every_row_and_column(a, b):
    m = balance(np.array(a), np.array(b), Fraction(1))
    path = staircase(m.source, m.target)
    assert len(path.row) == len(a) + len(b) - 1
    assert (np.diff(path.row) + np.diff(path.column) == 1).all()
    assert (path.mass >= 0).all()
    assert [path.mass[path.row == i].sum() for i in range(len(a))] == m.source.tolist()
    assert [path.mass[path.column == j].sum() for j in range(len(b))] == m.target.tolist()


@LIGHT
@given(st.lists(st.integers(1, 2**70), min_size=1, max_size=8), st.data())
def test_flows_meet_the_marginals_on_whatever_arcs_they_are_given(a, data):
    cuts = sorted(data.draw(st.lists(st.integers(1, max(sum(a) - 1, 1)), max_size=6, unique=True)))
    b = [v for v in np.diff(np.array([0, *cuts, sum(a)], dtype=object)).tolist() if v > 0]
    assert sum(a) == sum(b)
    pairs = st.tuples(st.integers(0, len(a) - 1), st.integers(0, len(b) - 1))
    arcs = np.array(data.draw(st.lists(pairs, max_size=9, unique=True)), dtype=int).reshape(-1, 2)
    a, b = np.array(a, dtype=object), np.array(b, dtype=object)
    cost = np.ones((len(a), len(b)))
    f, g = Potential.of(np.ones(len(a))), Potential.of(np.zeros(len(b)))
    partial = exact_flows(arcs[:, 0], arcs[:, 1], a, b)
    for plan in (completed(partial), route(cost, f, g, partial)[0]):
        assert (plan.flow > 0).all()
        assert [sum(plan.flow[plan.row == i]) for i in range(len(a))] == a.tolist()
        assert [sum(plan.flow[plan.column == j]) for j in range(len(b))] == b.tolist()


def test_coarse_masses_are_positive_integers_of_total_two_to_the_52():
    q = np.array([1, 10**40, 3 * 10**40, 7], dtype=object)
    out = coarse(q, int(q.sum()))
    assert out.sum() == 2**52
    assert (out > 0).all()
    assert coarse(np.array([3, 1, 2]), 6).tolist() == [3, 1, 2]


@LIGHT
@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_c_transform_is_the_largest_feasible_potential(n, m, data):
    numbers = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e8, 1e8), st.floats(-1e-8, 1e-8))
    cost = np.array(data.draw(st.lists(numbers, min_size=n * m, max_size=n * m))).reshape(n, m)
    g = Potential.of(np.array(data.draw(st.lists(numbers, min_size=m, max_size=m)))) + np.full(m, 1e-20)
    f = c_transform(cost, g)
    exact_g = [Fraction(u) + Fraction(v) for u, v in zip(g.high, g.low, strict=True)]
    for i in range(n):
        best = min(Fraction(c) - v for c, v in zip(cost[i], exact_g, strict=True))
        ours = Fraction(f.high[i]) + Fraction(f.low[i])
        assert ours <= best
        assert best - ours <= Fraction(2.0**-100) * (abs(best) + max(map(abs, exact_g)) + 1)


def test_reduced_cost_survives_cancellation():
    f, g = Potential(np.array([1.0]), np.array([2.0**-60])), Potential(np.array([-1.0]), np.array([2.0**-61]))
    assert reduced_cost(np.array([2.0**-59]), f, g)[0] == 2.0**-59 - 2.0**-60 - 2.0**-61


@pytest.mark.parametrize("module", ["ot", "torch", "jax", "matplotlib", "sympy"])
def test_import_is_light(module):
    code = f"import sys, divergences.transport; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
