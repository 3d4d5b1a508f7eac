"""Pairs of infinite cost carry nothing; where the others cannot carry all, the answer is a set that Hall's condition fails."""

import pickle
import re
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import divergences as dv
from divergences.transport import emd
from divergences.transport.assignment import Assignment
from divergences.transport.feasibility import Infeasible

INF = np.inf
LIGHT = settings(deadline=None, max_examples=120)


@st.composite
def forbidding(draw):
    """Integer masses of one total, zeros included, and integer costs of which many are infinite."""
    n, m, units = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 12))
    a, b = (
        np.bincount(draw(st.lists(st.integers(0, k - 1), min_size=units, max_size=units)), minlength=k).astype(float)
        for k in (n, m)
    )
    costs = st.one_of(st.integers(-5, 5).map(float), st.just(INF))
    cost = draw(st.lists(costs, min_size=n * m, max_size=n * m))
    return a, b, np.array(cost).reshape(n, m)


def violated(a, b, cost):
    """Whether any set of sources holds more than all targets it may reach: all sets are tried."""
    sets = (list(s) for k in range(1, len(a) + 1) for s in combinations(range(len(a)), k))
    return any(a[s].sum() > b[np.isfinite(cost[s]).any(axis=0)].sum() for s in sets)


def highs(a, b, cost):
    (i, j), (n, m) = np.nonzero(np.isfinite(cost)), cost.shape
    marginals = np.zeros((n + m, len(i)))
    marginals[i, np.arange(len(i))] = marginals[n + j, np.arange(len(i))] = 1
    return linprog(cost[i, j], A_eq=marginals, b_eq=np.concatenate([a, b])).fun


def check_violation(error, a, b, cost):
    """The set named is one, and the message names it."""
    targets = np.flatnonzero(np.isfinite(cost[error.sources]).any(axis=0) & (b > 0))
    assert error.targets.tolist() == targets.tolist()
    held, room = (sum(map(Fraction, w.tolist()), Fraction(0)) for w in (a[error.sources], b[targets]))
    assert error.excess > 0
    assert error.excess == held - room
    assert f"sources [{', '.join(map(str, error.sources[:8].tolist()))}" in str(error)


@LIGHT
@given(forbidding())
def test_plans_exist_exactly_under_halls_condition(problem):
    a, b, cost = problem
    if violated(a, b, cost):
        with pytest.raises(Infeasible) as caught:
            emd(a, b, cost)
        check_violation(caught.value, a, b, cost)
    else:
        t = emd(a, b, cost)
        f, g = t.potentials
        assert t.bounds.gap == 0
        assert t.value == pytest.approx(highs(a, b, cost), abs=1e-7)
        assert np.isfinite(cost[t.plan.row, t.plan.col]).all()
        assert np.isfinite(np.concatenate([f, g])).all()
        assert (f[:, None] + g <= cost).all()
        assert f @ a + g @ b == t.value


@LIGHT
@given(forbidding())
def test_both_methods_agree_on_permutations(problem):
    cost = problem[2][: min(problem[2].shape), : min(problem[2].shape)]
    ones = np.ones(len(cost))
    if violated(ones, ones, cost):
        with pytest.raises(Infeasible) as caught:
            emd(ones, ones, cost, method=Assignment())
        check_violation(caught.value, ones, ones, cost)
    else:
        assert emd(ones, ones, cost, method=Assignment()).bounds == emd(ones, ones, cost).bounds


@pytest.mark.parametrize("n", [30, 150])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_random_masses_on_few_pairs(n, share):
    rng = np.random.default_rng(n)
    cost = np.where(rng.random((n, n)) < share, INF, rng.random((n, n)))
    cost[0], cost[:, 0] = 50, 60
    a, b = rng.random((2, n)) + 0.1
    a[0] = b[0] = 2 * n  # so that a plan exists
    a, b = a / a.sum(), b / b.sum()
    t = emd(a, b, cost)
    assert t.bounds.relative_gap <= 1e-14
    assert t.value == pytest.approx(highs(a, b, cost), rel=1e-7)
    np.testing.assert_allclose(t.plan.sum(axis=1), a, rtol=1e-13)


def test_a_band_carries_what_lies_near():
    """On a band of width 0.3 the plan between close samples exists, and costs what it costs without the band."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.random(80))
    full = np.abs(x[:, None] - x[::-1] - 0.01 * rng.random(80)) ** 2
    assert (
        emd(np.ones(80), np.ones(80), np.where(full > 0.09, INF, full)).bounds
        == emd(np.ones(80), np.ones(80), full).bounds
    )


def test_the_set_in_words():
    cost = [[1.0, INF, INF], [2.0, INF, INF], [0.0, 0.0, 0.0]]
    message = (
        "the sources [0, 1] hold 4.0 and all the targets they may reach, [0], take 3.0, less by 1; allow one of these "
        "sources another target"
    )
    with pytest.raises(Infeasible, match=re.escape(message)) as caught:
        emd([2, 2, 2], [3, 1, 2], cost)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.sources.tolist(), again.targets.tolist(), again.excess) == ([0, 1], [0], 1)
    assert isinstance(again, dv.TransportError)


def test_a_source_without_any_target():
    with pytest.raises(
        Infeasible, match=re.escape("sources [1] hold 1.0 and all the targets they may reach, [], take 0.0")
    ):
        emd([1, 1], [1, 1], [[0, 1], [INF, INF]])
    with pytest.raises(Infeasible, match=re.escape("sources [0, 1]")):
        emd([1, 1], [1, 1], np.full((2, 2), INF))


def test_groups_that_balance_up_to_rounding_are_told_so():
    cost = np.where(np.arange(4)[:, None] // 2 == np.arange(4) // 2, 1.0, INF)
    with pytest.raises(Infeasible, match="the difference is one of rounding"):
        emd([0.1, 0.2, 0.3, 0.4], [0.3, 1e-300, 0.3, 0.4], cost)
    assert emd([1, 2, 3, 4], [2, 1, 4, 3], cost).value == 10


def test_points_that_nothing_joins_to_mass_have_the_potential_0():
    cost = np.array([[1.0, 2.0, INF], [INF, INF, INF], [INF, INF, 3.0]])
    t = emd([1, 0, 0], [0.5, 0.5, 0], cost)
    f, g = t.potentials
    assert t.value == 1.5
    assert f[1] == f[2] == 0
    assert g[2] == 3
    assert (f[:, None] + g <= cost).all()
