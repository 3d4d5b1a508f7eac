"""Bounds in doubles: below the truth whatever the critic, and what exact arithmetic proves up to their slack."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog, minimize_scalar
from scipy.spatial.distance import cdist

import divergences as dv
import gan
from divergences.testing import pairs, point_clouds
from gan import brackets

EPS = np.finfo(float).eps


def numbers(data, n, limit=20.0):
    return data.draw(hnp.arrays(np.float64, n, elements=st.floats(-limit, limit)))


def batch(P, Q, tx, ty):
    """One pair as a stack of one."""
    parts = (tx, ty, cdist(P.points, Q.points), P.weights, Q.weights)
    return [torch.tensor(np.array(part, dtype=float))[None] for part in parts]


def bound(P, Q, tx, ty):
    return brackets.kantorovich_bounds(*batch(P, Q, tx, ty), error=brackets.distance_error(P.dimension)).item()


def slack(P, Q, tx, ty):
    """What is allowed for: 2 (2 sqrt(n) + 4) + 16 half units per side, of potentials in the range of values and costs."""
    size = np.ptp(tx) + np.ptp(ty) + cdist(P.points, Q.points).max()
    return 4 * (2 * math.isqrt(max(P.size, Q.size)) + 12 + P.dimension) * EPS * size


@settings(max_examples=60)
@given(data=st.data(), first=point_clouds(dimension=2), second=point_clouds(dimension=2), off=st.floats(-1e-12, 1e-12))
def test_any_critic_proves_a_lower_bound_of_w1(data, first, second, off):
    """Also of masses that are off, of atoms without mass, and of critics that are nowhere near Lipschitz."""
    P, Q = gan.Discrete(first[0], first[1] * (1 + off)), gan.Discrete(*second)
    tx, ty = numbers(data, P.size), numbers(data, Q.size)
    lower = bound(P, Q, tx, ty)
    assert 0 <= lower <= gan.wasserstein.exact(P, Q).upper
    assert lower == pytest.approx(gan.kantorovich_bound(P, Q, tx, ty), abs=slack(P, Q, tx, ty))


@pytest.mark.parametrize(("n", "m", "d"), [(20, 30, 1), (256, 256, 2), (100, 64, 16)])
def test_doubles_prove_what_exact_arithmetic_proves(n, m, d):
    """To 1e-12, for critics near the potential and far from it."""
    rng = np.random.default_rng(n)
    P, Q = gan.Discrete(rng.random((n, d))), gan.Discrete(rng.random((m, d)) + 0.3, rng.dirichlet(np.ones(m)))
    f, g = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).potentials
    for scale, noise in ((1, 0), (0.3, 0.01), (20, 1)):
        tx, ty = scale * f + noise * rng.normal(size=n), -scale * g + noise * rng.normal(size=m)
        exact = gan.kantorovich_bound(P, Q, tx, ty)
        lower = bound(P, Q, tx, ty)
        assert exact > 0
        assert lower == pytest.approx(exact, rel=1e-12)
    optimal = bound(P, Q, f, -g)
    assert optimal == pytest.approx(gan.wasserstein.exact(P, Q).value, rel=1e-12)
    assert optimal <= gan.wasserstein.exact(P, Q).lower


def test_the_slack_is_needed():
    """On equal points of the line the truth is a rational number; sums as they come are above it now and then."""
    rng = np.random.default_rng(0)
    above = 0
    for _ in range(50):
        x, y = rng.random((2, 40))
        P, Q = gan.Discrete(x, rng.dirichlet(np.ones(40))), gan.Discrete(y + 1, rng.dirichlet(np.ones(40)))
        a, b = ([Fraction(w) for w in M.weights.tolist()] for M in (P, Q))
        means = [
            sum(w * Fraction(z) for w, z in zip(v, M.points[:, 0].tolist(), strict=True)) / sum(v)
            for v, M in ((a, P), (b, Q))
        ]
        truth = means[1] - means[0]  # P lies left of Q
        tx, ty = -P.points[:, 0], -Q.points[:, 0]
        assert Fraction(bound(P, Q, tx, ty)) <= truth
        g = (cdist(P.points, Q.points) - tx[:, None]).min(0)
        above += Fraction(float(P.weights @ tx + Q.weights @ g)) > truth
    assert above > 5


def test_pairs_of_several_sizes_share_a_stack(monkeypatch):
    """Atoms without mass, at infinite cost, change nothing; nor do blocks of a few rows."""
    rng = np.random.default_rng(1)
    alone, stack = (
        [],
        [torch.zeros(3, 9), torch.zeros(3, 8), torch.full((3, 9, 8), math.inf), torch.zeros(3, 9), torch.zeros(3, 8)],
    )
    stack = [t.double() for t in stack]
    stack[0][:], stack[1][:] = 1e5, -1e5
    sizes = ((9, 8), (4, 8), (1, 3))
    for k, (n, m) in enumerate(sizes):
        P, Q = gan.Discrete(rng.random((n, 2)), rng.dirichlet(np.ones(n))), gan.Discrete(rng.random((m, 2)))
        one = batch(P, Q, rng.normal(size=n), rng.normal(size=m))
        alone.append([call(*one, error=1e-15) for call in (brackets.kantorovich_bounds, _lower_of_best)])
        for whole, part in zip(stack, one, strict=True):
            whole[k][tuple(slice(s) for s in part.shape[1:])] = part[0]
    for block in (brackets._BLOCK, 30):
        monkeypatch.setattr(brackets, "_BLOCK", block)
        for k, call in enumerate((brackets.kantorovich_bounds, _lower_of_best)):
            together = call(*stack, error=1e-15)
            assert together.numpy() == pytest.approx([one[k].item() for one in alone], abs=1e-13)


def _lower_of_best(*parts, error):
    return brackets.best_scale(*parts, error=error).lower


@settings(max_examples=25)
@given(data=st.data(), first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_the_best_scale_is_the_best(data, first, second):
    """Never below the bound of the critic as it is, never above W1, and not below what a fine search finds."""
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    tx, ty = numbers(data, P.size), numbers(data, Q.size)
    parts = batch(P, Q, tx, ty)
    best = brackets.best_scale(*parts, error=brackets.distance_error(2))
    assert 0 <= best.scale.item() < math.inf
    assert best.lower.item() <= gan.wasserstein.exact(P, Q).upper
    assert best.lower.item() >= dv_bound(P, Q, tx) - slack(P, Q, tx, ty)
    i, j = P.weights > 0, Q.weights > 0
    cost = cdist(P.points[i], Q.points[j])
    value = _semidual(P.weights[i], Q.weights[j], tx[i], cost)
    assert best.lower.item() >= value - slack(P, Q, tx, ty) - 1e-9 * cost.max()


def dv_bound(P, Q, tx):
    return dv.transport.dual_bound(P.points, Q.points, tx, P.weights, Q.weights)


def _semidual(p, q, f, cost):
    """The maximum over s >= 0 of s E_P[f] + E_Q[min_i c - s f], as a linear program in s and the minima."""
    n, m = cost.shape
    # minimise -(s E_P[f] + q g) subject to g_j + s f_i <= c_ij
    constraints = np.hstack([np.tile(f[:, None], (1, m)).reshape(-1, 1), np.tile(np.eye(m), (n, 1))])
    answer = linprog(
        -np.r_[p @ f / p.sum(), q / q.sum()], constraints, cost.ravel(), bounds=[(0, 1e6)] + [(None, None)] * m
    )
    return -answer.fun


@pytest.mark.parametrize("factor", [1e-6, 0.02, 1.0, 37.0, 1e5])
def test_scales_recover_a_clipped_or_inflated_critic(factor):
    """A multiple of the potential proves the distance itself."""
    rng = np.random.default_rng(2)
    P, Q = gan.Discrete(rng.normal(size=(40, 2))), gan.Discrete(rng.normal(size=(50, 2)) + 0.3)
    t = dv.wasserstein(P.points, Q.points)
    f, g = t.potentials
    parts = batch(P, Q, factor * (f + 3), -factor * (g - 3))
    best = brackets.best_scale(*parts, error=brackets.distance_error(2))
    assert best.lower.item() == pytest.approx(t.value, rel=1e-12)
    assert best.scale.item() == pytest.approx(1 / factor, rel=1e-6)


def test_scales_beat_the_slope_of_a_noisy_critic():
    """The measured slope is that of the worst pair; against a bounded search by scipy."""
    rng = np.random.default_rng(3)
    P, Q = gan.Discrete(rng.normal(size=(60, 2))), gan.Discrete(rng.normal(size=(60, 2)) + np.array([1.0, 0.0]))
    tx, ty = (-0.05 * (M.points[:, 0] + 0.3 * rng.normal(size=60)) for M in (P, Q))
    best = brackets.best_scale(*batch(P, Q, tx, ty), error=brackets.distance_error(2)).lower.item()
    assert bound(P, Q, tx, ty) < 0.99 * best

    def minus(s):
        return -max(dv_bound(P, Q, s * tx), dv.transport.dual_bound(Q.points, P.points, -s * ty))

    # which is as good as the best of all scales but for what lies between those that are tried
    assert best >= -minimize_scalar(minus, bounds=(0, 60), method="bounded").fun * 0.98


every = pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)


@every
@settings(max_examples=12)
@given(data=st.data(), pair=pairs(), off=st.floats(-1e-12, 1e-12))
def test_any_log_ratio_proves_a_lower_bound_of_a_divergence(f, data, pair, off):
    """As in exact arithmetic, up to twice the error that is allowed for there and for sums."""
    p, q = pair[0] * (1 + off), pair[1]
    v = numbers(data, len(p), 30.0)
    P, Q = gan.Discrete(np.arange(len(p)), p), gan.Discrete(np.arange(len(q)), q)
    lower = brackets.fenchel_bounds(f, *(torch.tensor(t)[None] for t in (v, p, q))).item()
    assert 0 <= lower <= gan.variational(f).exact(P, Q).upper
    size = sum(
        np.abs(w[w > 0] * np.asarray(c)[w > 0]).sum()
        for w, c in ((p, f.optimal_critic(v)), (q, f.reverse.optimal_critic(-v)))
    )
    assert lower == pytest.approx(gan.fenchel_bound(f, P, Q, v), abs=400 * EPS * (2 + size))


@every
def test_the_true_log_ratio_proves_the_divergence(f):
    rng = np.random.default_rng(4)
    p, q = (torch.tensor(rng.dirichlet(np.ones(50), size=3)) for _ in range(2))
    p[1, 30:] = q[1, 30:] = 0.0  # atoms that fill up
    lower = brackets.fenchel_bounds(
        f, torch.where(p > 0, p / q, 1.0).log(), p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
    )
    exact = f(p.numpy(), q.numpy(), normalize=True)
    if f.kinks:  # a sign of log-ratios proves it too, at the kink
        assert np.all(lower.numpy() <= exact)
    v = (p[1, :30] / p[1].sum() / (q[1, :30] / q[1].sum())).log()
    second = brackets.fenchel_bounds(f, v[None], p[1:2, :30], q[1:2, :30]).item()
    assert second == pytest.approx(float(exact[1]), rel=1e-11, abs=1e-12)


def test_critics_that_overflow_prove_nothing():
    p, q = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.5, 0.5]]).double()
    v = torch.tensor([[0.0, math.inf]]).double()
    assert brackets.fenchel_bounds(dv.kl, v, p, q).item() == 0.0
    assert brackets.fenchel_bounds(dv.pearson_chi2, torch.tensor([[800.0, 0.0]]), p, q).item() == 0.0


def test_what_would_not_be_proven_is_refused():
    one, two = torch.ones(1, 1, dtype=torch.float64), torch.full((1, 2), 0.5, dtype=torch.float64)
    cost = torch.ones(1, 1, 2, dtype=torch.float64)
    for call in (brackets.kantorovich_bounds, brackets.best_scale):
        assert call(one.float(), two.float(), cost, one, two, error=0.0) is not None  # any critic
        with pytest.raises(TypeError, match="expected cost in double precision"):
            call(one, two, cost.float(), one, two, error=0.0)
        with pytest.raises(ValueError, match="expected tx and p of shape"):
            call(two, one, cost, one, two, error=0.0)
        with pytest.raises(ValueError, match="expected finite critic values on atoms with mass"):
            call(one * math.nan, two, cost, one, two, error=0.0)
        with pytest.raises(ValueError, match="expected finite costs between atoms with mass"):
            call(one, two, cost * math.inf, one, two, error=0.0)
    with pytest.raises(TypeError, match="expected p in double precision"):
        brackets.fenchel_bounds(dv.kl, two, two.float(), two)
    with pytest.raises(ValueError, match="expected log-ratios and weights of one shape"):
        brackets.fenchel_bounds(dv.kl, two * math.nan, two, two)
