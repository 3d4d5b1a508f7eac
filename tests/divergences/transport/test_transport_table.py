"""The worked table: masses 3, 1, 2 at 1, 2, 3 go to masses 1, 1, 2, 2 at 7, 8, 9, 10 at a cost of 42."""

import numpy as np
import pytest

from divergences.bounds import Bounds
from divergences.transport import emd, wasserstein

X, A = np.array([1, 2, 3]), np.array([3, 1, 2])
Y, B = np.array([7, 8, 9, 10]), np.array([1, 1, 2, 2])
COST = np.abs(X[:, None] - Y)
PLANS = [[[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 2, 0]], [[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1]]]


def test_value_and_both_bounds_are_exactly_42():
    assert emd(A, B, COST).bounds == Bounds.exact(42.0)


@pytest.mark.parametrize("plan", PLANS)
def test_optimal_plan_is_not_unique(plan):
    plan = np.array(plan)
    assert (plan.sum(axis=1) == A).all()
    assert (plan.sum(axis=0) == B).all()
    assert (plan * COST).sum() == emd(A, B, COST).value


def test_plan_has_exactly_the_marginals_and_the_cost():
    plan = emd(A, B, COST).plan.toarray()
    assert (plan.sum(axis=1) == A).all()
    assert (plan.sum(axis=0) == B).all()
    assert (plan * COST).sum() == 42


def test_distance_per_unit_mass_is_7_on_the_line_and_as_a_program():
    line = wasserstein(X, Y, A / 6, B / 6)
    dense = wasserstein(X, Y, A / 6, B / 6, metric=lambda u, v: np.abs(u - v.T))
    assert [str(t.method) for t in (line, dense)] == ["Line", "DenseSimplex"]
    for t in (line, dense):
        assert t.bounds.contains(7)
        assert t.bounds.relative_gap <= 4 * np.finfo(float).eps


def test_result_says_how_it_came_about():
    t = emd(A, B, COST)
    assert "42.0" in repr(t)
    assert "DenseSimplex" in repr(t)
    assert t.iterations == 0
    assert t.cost == t.value
