"""What a critic proves is never above the truth, and reaches it where the critic is optimal."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
import gan
from divergences.testing import pairs, point_clouds

every = pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)
EPS = np.finfo(float).eps


def numbers(data, n, limit=20.0):
    return data.draw(hnp.arrays(np.float64, n, elements=st.floats(-limit, limit)))


@given(data=st.data(), first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_any_critic_proves_a_lower_bound_of_w1(data, first, second):
    """C5, weak duality, for critics that are nowhere near Lipschitz."""
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    bound = gan.kantorovich_bound(P, Q, numbers(data, P.size), numbers(data, Q.size))
    assert 0 <= bound <= gan.wasserstein.exact(P, Q).upper


@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_the_optimal_potential_proves_w1(first, second):
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    transport = dv.wasserstein(P.points, Q.points, P.weights, Q.weights)
    f, g = transport.potentials
    bound = gan.kantorovich_bound(P, Q, f, -g)
    scale = 1 + np.abs(f).max() + np.abs(g).max()
    assert bound == pytest.approx(transport.value, abs=64 * EPS * scale)


@given(data=st.data(), first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_dividing_by_the_measured_slope_is_never_better_than_the_bound(data, first, second):
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    tx, ty = numbers(data, P.size), numbers(data, Q.size)
    slope = gan.lipschitz_on_support(P, Q, tx, ty)
    if 0 < slope < math.inf:
        divided = (P.weights @ tx - Q.weights @ ty) / slope
        assert divided <= gan.kantorovich_bound(P, Q, tx, ty) + 1e-12 * (1 + abs(divided))
        assert np.all(tx[:, None] - ty <= slope * (1 + 8 * EPS) * _distances(P, Q) + 64 * EPS * 40 + _massless(P, Q))


def _distances(P, Q):
    return np.linalg.norm(P.points[:, None] - Q.points, axis=2)


def _massless(P, Q):
    """Pairs with an atom of no mass are not asked to be feasible."""
    return np.where((P.weights[:, None] > 0) & (Q.weights > 0), 0.0, math.inf)


def test_critics_that_differ_at_one_point_have_no_slope():
    P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([0.0, 3.0])
    assert gan.lipschitz_on_support(P, Q, np.array([1.0, 0.0]), np.array([0.0, 0.0])) == math.inf
    assert gan.lipschitz_on_support(P, Q, np.array([0.0, 4.0]), np.array([0.0, 0.0])) == 4.0
    assert gan.lipschitz_on_support(P, Q, np.array([-1.0, -1.0]), np.array([0.0, 0.0])) == 0.0


@every
@given(v=st.floats(-30, 30))
def test_the_conjugate_of_the_critic_is_the_critic_of_the_reverse(f, v):
    """f*(f'(u)) = u f'(u) - f(u) = -(f°)'(1/u): what the objective uses instead of a conjugate."""
    t = float(f.optimal_critic(v))
    ratio = math.exp(v)  # how much f* moves with t, so how far rounding t may move it
    expected = -float(f.reverse.optimal_critic(-v))
    assert f.conjugate(t) == pytest.approx(expected, abs=64 * EPS * (1 + ratio * (1 + abs(t)) + abs(expected)))


@every
@given(data=st.data(), pair=pairs())
def test_any_log_ratio_proves_a_lower_bound(f, data, pair):
    bound = gan.fenchel_bound(f, *pair, numbers(data, len(pair[0]), 300.0))
    assert 0 <= bound <= float(f(*pair)) * (1 + 4e-15)


@every
@given(pair=pairs())
def test_the_true_log_ratio_proves_the_divergence(f, pair):
    p, q = pair
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.where((p == 0) & (q == 0), 0.0, np.log(p) - np.log(q))
    value = float(f(p, q))
    if math.isfinite(value):
        gain, loss = np.asarray(f.optimal_critic(v)), np.asarray(f.reverse.optimal_critic(-v))
        size = np.abs(p[p > 0] * gain[p > 0]).sum() + np.abs(q[q > 0] * loss[q > 0]).sum()
        decades = 1 + np.abs(v[np.isfinite(v)]).max(initial=0.0)  # a log-ratio of 700 is rounded to 700 eps
        assert gan.fenchel_bound(f, p, q, v) == pytest.approx(value, abs=32 * EPS * (2 + size) * decades)


@every
@given(data=st.data(), pair=pairs(zeros=False))
def test_the_objective_that_trains_is_the_bound_that_proves(f, data, pair):
    """One line, two expectation operators: with exact weights `value` is the Fenchel bound of `divergences`."""
    p, q = pair
    v = numbers(data, len(p), 5.0)
    E_p, E_q = (gan.Expectation(torch.tensor(v), torch.tensor(w)) for w in pair)
    value = float(gan.variational(f).value(E_p, E_q))
    critic = np.asarray(f.optimal_critic(v))
    assert value == pytest.approx(float(f.variational(p, q, critic)), abs=1e-10 * (1 + abs(value)))
