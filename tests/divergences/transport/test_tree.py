"""Transport on trees against the dense linear program and paths walked edge by edge in rationals."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from transport_problems import EPS

from divergences.transport import wasserstein
from divergences.transport.tree import Tree
from divergences.transport.tree_metric import TreeMetric

LIGHT = settings(deadline=None, max_examples=60)


@st.composite
def trees(draw, largest=10):
    """Parents in any numbering and lengths, zeros included."""
    n = draw(st.integers(1, largest))
    above = [-1] + [draw(st.integers(0, k - 1)) for k in range(1, n)]
    name = draw(st.permutations(range(n)))
    parents = np.empty(n, dtype=int)
    for k, up in enumerate(above):
        parents[name[k]] = -1 if up < 0 else name[up]
    length = st.one_of(st.just(0.0), st.integers(1, 4).map(float), st.floats(1e-9, 10))
    return parents, np.array(draw(st.lists(length, min_size=n, max_size=n)))


@st.composite
def nodes(draw, count):
    """Nodes, with repetitions, and weights, with zeros."""
    n = draw(st.integers(1, 7))
    x = draw(st.lists(st.integers(0, count - 1), min_size=n, max_size=n))
    w = np.array(draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1)), min_size=n, max_size=n)))
    w[draw(st.integers(0, n - 1))] += 0.5
    return np.array(x), w / w.sum()


def walk(parents, lengths, u, v):
    """The length of the path between two nodes in rationals: the edges above one of them only."""

    def above(k):
        return {k} | above(parents[k]) if k >= 0 else set()

    return sum((Fraction(float(lengths[k])) for k in above(u) ^ above(v)), Fraction(0))


@LIGHT
@given(trees())
def test_distances_are_the_lengths_of_paths(tree):
    n, every = len(tree[0]), np.arange(len(tree[0]))[:, None]
    distance = TreeMetric(*tree)(every, every)
    for u, v in np.ndindex(n, n):
        path = walk(*tree, u, v)
        assert abs(Fraction(distance[u, v]) - path) <= 5 * n.bit_length() * Fraction(EPS / 2) * path


@LIGHT
@given(trees(), st.data())
def test_plan_potentials_and_bounds_certify_each_other_in_rationals(tree, data):
    (x, a), (y, b) = data.draw(nodes(len(tree[0]))), data.draw(nodes(len(tree[0])))
    t = wasserstein(x, y, a, b, metric=TreeMetric(*tree), method=Tree())
    distance = [[walk(*tree, u, v) for v in y] for u in x]
    f, g = ([Fraction(float(v)) for v in side] for side in t.potentials)
    assert all(u + v <= d for row, u in zip(distance, f, strict=True) for d, v in zip(row, g, strict=True))
    plan = t.plan.toarray()
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=4 * EPS)
    np.testing.assert_allclose(plan.sum(axis=0), b, rtol=4 * EPS)
    cost = float((plan * np.array(distance, dtype=float)).sum())
    assert t.value == pytest.approx(cost, rel=32 * EPS)
    top = max(map(abs, [*t.potentials[0], *t.potentials[1]]))
    assert t.potentials[0] @ a + t.potentials[1] @ b == pytest.approx(t.value, abs=32 * EPS * top)
    assert t.bounds.gap <= EPS * t.value


@settings(deadline=None, max_examples=25)
@given(trees(), st.data())
def test_value_equals_the_linear_program(tree, data):
    (x, a), (y, b) = data.draw(nodes(len(tree[0]))), data.draw(nodes(len(tree[0])))
    cost, (n, m) = TreeMetric(*tree)(x[:, None], y[:, None]), (len(x), len(y))
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    least = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b])).fun
    assert wasserstein(x, y, a, b, metric=TreeMetric(*tree), method=Tree()).value == pytest.approx(least, abs=1e-7)


def test_path_of_a_hundred_thousand_nodes_is_the_line():
    n, rng = 100_000, np.random.default_rng(0)
    tree = TreeMetric(np.arange(-1, n - 1), np.full(n, 0.5))
    x, y = rng.integers(0, n, (2, 2000))
    t = wasserstein(x, y, metric=tree, method=Tree())
    assert t.value == 0.5 * np.abs(np.sort(x) - np.sort(y)).mean()
    assert t.bounds.gap <= 2 * EPS * t.value
    np.testing.assert_allclose(tree(x[:50, None], y[:50, None]), 0.5 * np.abs(x[:50, None] - y[:50]), rtol=0)


def test_star_carries_every_mass_through_its_centre():
    tree = TreeMetric([-1, 0, 0, 0], [9, 1, 2, 4])
    t = wasserstein([1, 2], [3, 0], [0.25, 0.75], [0.5, 0.5], metric=tree, method=Tree())
    assert t.value == 0.25 * 1 + 0.75 * 2 + 0.5 * 4
    assert str(t.method) == "Tree"


def test_only_order_one_is_a_sum_over_edges():
    with pytest.raises(ValueError, match="expected a problem that Tree solves"):
        wasserstein([0], [1], p=2, metric=TreeMetric([-1, 0], [0, 1]), method=Tree())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TreeMetric([1, 0], [1, 1]), "numbers from 0 to 1 and -1 for the one root, got 0 roots"),
        (lambda: TreeMetric([-1, -1], [1, 1]), "-1 for the one root, got 2 roots"),
        (lambda: TreeMetric([-1, 2, 1], [1, 1, 1]), "lead from every node to the root, got a cycle above node 1"),
        (lambda: TreeMetric([-1, 5], [1, 1]), "expected parents to be node numbers from 0 to 1"),
        (lambda: TreeMetric([-1.0], [1]), "expected parents to be whole numbers of shape (N,)"),
        (lambda: TreeMetric([-1, 0], [1, -1]), "expected lengths to be one non-negative number per node"),
        (lambda: TreeMetric([-1, 0], [1]), "one non-negative number per node, shape (2,), up to 1e300, got shape (1,)"),
        (
            lambda: wasserstein([0.5], [1], metric=TreeMetric([-1, 0], [0, 1]), method=Tree()),
            "expected points x to be node numbers, whole numbers from 0 to 1",
        ),
    ],
)
def test_errors_teach(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
