"""What a critic proves is never above the truth, and reaches it where the critic is optimal."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
import gan
from divergences.testing import close_pairs, pairs, point_clouds
from gan.certificates import conjugate_bound, known_log_ratios
from tests.oracles.textbook import BITS, values

every = pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)
EPS = np.finfo(float).eps


def numbers(data, n, limit=20.0):
    return data.draw(hnp.arrays(np.float64, n, elements=st.floats(-limit, limit)))


@given(data=st.data(), first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_any_critic_proves_a_lower_bound_of_w1(data, first, second):
    """Weak duality, for critics that are nowhere near Lipschitz."""
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


def measures(p, q):
    """Two measures on the points 0, 1, 2, ..., in this order."""
    return gan.Discrete(np.arange(len(p)), p), gan.Discrete(np.arange(len(q)), q)


def below(bound, f, p, q):
    """Whether a bound is below the divergence of the exactly normalised pair, by ball arithmetic."""
    truth = values([f.name], p, q, BITS)[f.name]
    return bound <= truth if isinstance(truth, float) else bool(flint.arb(bound) <= truth + flint.arb(2) ** -2000)


def true_log_ratio(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((p == 0) & (q == 0), 0.0, np.log(p) - np.log(q))


off_by_rounding = st.floats(-1.4e-8, 1.4e-8)


@every
@given(data=st.data(), pair=pairs(), error=off_by_rounding)
def test_any_log_ratio_proves_a_lower_bound(f, data, pair, error):
    """Also of measures whose mass is off by as much as is let through."""
    p, q = pair[0] * (1 + error), pair[1]
    bound = gan.fenchel_bound(f, *measures(p, q), numbers(data, len(p), 300.0))
    assert bound >= 0
    assert below(bound, f, p, q)


@every
@given(pair=st.one_of(pairs(), close_pairs()), error=off_by_rounding)
def test_the_true_log_ratio_proves_the_divergence(f, pair, error):
    p, q = pair[0] * (1 + error), pair[1]
    v = true_log_ratio(p / p.sum(), q / q.sum())
    value = float(f(p, q))
    bound = gan.fenchel_bound(f, *measures(p, q), v)
    assert below(bound, f, p, q)
    if math.isfinite(value):
        gain, loss = np.asarray(f.optimal_critic(v)), np.asarray(f.reverse.optimal_critic(-v))
        size = np.abs(p[p > 0] * gain[p > 0]).sum() + np.abs(q[q > 0] * loss[q > 0]).sum()
        decades = 1 + np.abs(v[np.isfinite(v)]).max(initial=0.0)  # a log-ratio of 700 is rounded to 700 eps
        assert bound == pytest.approx(value, abs=32 * EPS * (2 + size) * decades)


@every
@given(pair=st.one_of(pairs(), close_pairs()), error=off_by_rounding)
def test_exact_bounds_hold(f, pair, error):
    p, q = pair[0] * (1 + error), pair[1]
    bounds = gan.variational(f).exact(*measures(p, q))
    truth = values([f.name], p, q, BITS)[f.name]
    if isinstance(truth, float):
        assert bounds.value == truth
    else:
        tiny = flint.arb(2) ** -2000
        assert flint.arb(bounds.lower) <= truth + tiny
        assert truth - tiny <= flint.arb(bounds.upper) or float(truth) == math.inf


def test_a_value_alone_is_not_a_bound():
    """The slack of the exact bounds is needed: without it some bound is on the wrong side of the truth."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(50):
        p, q = (w / w.sum() for w in rng.exponential(size=(2, 10)))
        wrong += not below(float(dv.kl(p, q)), dv.kl, p, q)
    assert wrong > 5


@every
def test_repeated_atoms_are_added_up_exactly(f):
    """A hundred thousand samples on four points."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(4, size=100_000), rng.choice(4, size=100_000, p=[0.1, 0.2, 0.3, 0.4])
    counts = np.array([np.bincount(x), np.bincount(y)], dtype=float)
    P, Q = gan.Discrete(x), gan.Discrete(y)
    assert gan.variational(f).exact(P, Q).value == float(f(*counts, normalize=True))
    v = true_log_ratio(*counts) - math.log(counts[0].sum() / counts[1].sum())
    bound = gan.fenchel_bound(f, P, Q, v)
    assert below(bound, f, *counts)
    assert bound == pytest.approx(float(f(*counts, normalize=True)), rel=1e-12)


def test_atoms_that_coincide_widen_the_bounds_by_their_rounding():
    """Three atoms at 0 whose weights do not add up in binary, against nearly the same measure."""
    P = gan.Discrete([0.0, 0.0, 0.0, 1.0], [0.1, 0.1, 0.1, 0.7])
    w = np.array([0.3 * (1 + 1e-13), 0.7])
    Q = gan.Discrete([0.0, 1.0], w / w.sum())
    bounds = gan.variational(dv.kl).exact(P, Q)
    a = [3 * Fraction(0.1), Fraction(0.7)]
    b = [Fraction(t) for t in Q.weights.tolist()]
    x = [u / sum(a) / (t / sum(b)) - 1 for u, t in zip(a, b, strict=True)]
    truth = sum(t / sum(b) * (r**2 / 2 - r**3 / 6) for r, t in zip(x, b, strict=True))  # the rest is below 1e-50
    assert Fraction(bounds.lower) < truth < Fraction(bounds.upper)
    assert 0 < bounds.lower < bounds.upper < 1.2 * bounds.lower


def test_the_side_of_q_proves_too():
    """With nonsense on P and the optimal potential on Q the bound is the distance."""
    rng = np.random.default_rng(0)
    P, Q = gan.Discrete(rng.normal(size=(20, 2))), gan.Discrete(rng.normal(size=(25, 2)) + 1)
    t = dv.wasserstein(P.points, Q.points)
    nonsense = 50 * rng.normal(size=20)
    assert gan.kantorovich_bound(P, Q, nonsense, -t.potentials[1]) == pytest.approx(t.value, rel=1e-13)
    assert gan.kantorovich_bound(P, Q, t.potentials[0], 50 * rng.normal(size=25)) == pytest.approx(t.value, rel=1e-13)


def test_slopes_too_small_to_divide_by():
    P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    assert gan.kantorovich_bound(P, Q, [1e-322, 0.0], [0.0, 0.0]) == 2.0


def test_bad_values_are_refused_with_a_reason():
    P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    with pytest.raises(ValueError, match="expected tx to hold 2 finite numbers, one per atom, got"):
        gan.kantorovich_bound(P, Q, [0.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="expected ty to hold 2 finite numbers, one per atom, got"):
        gan.lipschitz_on_support(P, Q, [0.0, 1.0], [0.0, np.nan])
    with pytest.raises(
        ValueError, match=r"expected a log-ratio for each of the 4 points of joint_support\(P, Q\), got"
    ):
        gan.fenchel_bound(dv.kl, P, Q, [0.0])


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


def test_log_ratios_whose_critics_nearly_overflow():
    P, Q = gan.Discrete([0.0]), gan.Discrete([1.0])
    assert 1e307 < gan.fenchel_bound(dv.pearson_chi2, P, Q, [709.0, 354.8]) < math.inf  # of an infinite divergence
    assert gan.fenchel_bound(dv.pearson_chi2, Q, P, [709.0, 354.8]) == 0.0


@every
@given(data=st.data(), pair=pairs(), error=off_by_rounding)
@settings(max_examples=10)
def test_any_critic_proves_a_lower_bound(f, data, pair, error):
    """Values of T all over the range of f', its ends and its kinks among them."""
    p, q = pair[0] * (1 + error), pair[1]
    t = np.asarray(f.activation(numbers(data, len(p), 50.0)))
    corners = [t.min(), *(slope for kink in f.kinks for slope in np.ravel(f.subgradient(kink)).tolist())]
    chosen = data.draw(hnp.arrays(np.bool_, len(p)))
    t = np.where(chosen, data.draw(st.sampled_from([*corners, f.critic_range.lower, f.critic_range.upper])), t)
    bound = conjugate_bound(f, *measures(p, q), t)
    assert bound >= 0
    assert below(bound, f, p, q)


@every
@given(data=st.data(), pair=pairs(zeros=False))
@settings(max_examples=10)
def test_the_bound_of_a_critic_is_the_mean_of_it_less_that_of_its_conjugate(f, data, pair):
    """Also at kinks, where T is no slope of f but between two; by the conjugate, which the certificate does not use."""
    p, q = pair
    t = np.asarray(f.activation(numbers(data, len(p), 5.0)))
    value = math.fsum(p * t) / math.fsum(p) - math.fsum(q * np.asarray(f.conjugate(t))) / math.fsum(q)
    size = math.fsum(p * np.abs(t)) + math.fsum(q * np.abs(np.asarray(f.conjugate(t))))
    # T is found again as f'(u), and off by about EPS times its size or that of what it is the logarithm of: as is f*, u times it
    moved = math.fsum(np.abs(p - q * np.asarray(f.conjugate_gradient(t))) * (1 + np.abs(t)))
    assert conjugate_bound(f, *measures(p, q), t) == pytest.approx(max(value, 0.0), abs=64 * EPS * (2 + size + moved))


@given(pair=pairs(), data=st.data())
def test_total_variation_is_proven_by_the_sign_of_any_log_ratio_of_the_right_sign(pair, data):
    """However wrong its size: the critic is a step, and P(A) - Q(A) of the right A is the supremum."""
    p, q = pair
    sizes = data.draw(hnp.arrays(np.float64, len(p), elements=st.floats(1e-300, 700.0)))
    ps, qs = ([Fraction(x) / sum(map(Fraction, w.tolist())) for x in w.tolist()] for w in (p, q))
    sign = np.array([(a > b) - (a < b) for a, b in zip(ps, qs, strict=True)])
    bound = gan.fenchel_bound(dv.tv, *measures(p, q), sign * sizes)
    assert below(bound, dv.tv, p, q)
    assert bound == pytest.approx(float(dv.tv(p, q)), abs=2 * 21 * EPS * 1.5 * (1 + 700 / 8))
    assert gan.fenchel_bound(dv.tv, *measures(p, q), -sign * sizes) == 0.0


@pytest.mark.parametrize("f", [f for f in dv.FDIVERGENCES if f.kinks], ids=str)
@given(pair=pairs(zeros=False), noise=st.floats(-0.4, 0.4))
def test_divergences_with_a_kink_are_proven_by_any_log_ratio_on_the_right_side_of_it(f, pair, noise):
    """Where f is affine on both sides of its kink; log1p_abs is not, and its bound is only a bound."""
    p, q = pair
    v = true_log_ratio(p / p.sum(), q / q.sum())
    (kink,) = f.kinks
    away = v - math.log(kink)
    bound = gan.fenchel_bound(f, *measures(p, q), math.log(kink) + away * (1 + noise))
    assert below(bound, f, p, q)
    if f is not dv.log1p_abs and np.all(np.abs(away) > 1e-9):
        size = 2 + max(f.kinks) * 2
        assert bound == pytest.approx(float(f(p, q)), abs=32 * EPS * (2 + size) * (1 + np.abs(v).max() / 4))


@every
@given(pair=pairs(), data=st.data())
@settings(max_examples=10)
def test_infinite_divergences_are_proven_to_be_infinite_by_the_supports(f, pair, data):
    """The known log-ratios and any numbers elsewhere prove inf if, and only if, an atom of one measure alone costs it."""
    p, q = pair
    joint = gan.joint_support(*measures(p, q))
    known = known_log_ratios(joint)
    assert known.tolist() == [
        math.inf if b == 0 < a else -math.inf if a == 0 < b else 0.0 for a, b in zip(p, q, strict=True)
    ]
    v = np.where(known == 0, numbers(data, len(p)), known)
    infinite = (f.slope == math.inf and np.inf in known) or (f.f0 == math.inf and -np.inf in known)
    for bound in (gan.fenchel_bound(f, *measures(p, q), v), conjugate_bound(f, *measures(p, q), f.optimal_critic(v))):
        assert (bound == math.inf) == infinite
        if infinite:
            assert float(f(p, q)) == math.inf
    finite = np.where(
        np.isinf(known), 0.0, v
    )  # an atom that the critic says nothing infinite about proves nothing infinite
    assert gan.fenchel_bound(f, *measures(p, q), finite) < math.inf


@pytest.mark.parametrize("a", [4, 40, 200])
def test_bounds_are_sound_for_powers_that_amplify_rounding(a):
    """Of order 200 the exponent 200 v is rounded, and e to it wrong by 100 |v| EPS; against rational arithmetic."""
    rng = np.random.default_rng(0)
    f = dv.alpha(float(a))
    for _ in range(60):
        p, q = rng.dirichlet(np.ones(rng.integers(2, 6)), size=2)
        q = p + (q - p) * rng.choice([1.0, 0.5, 0.01])
        P, Q = measures(p, q)
        ps, qs = ([Fraction(x) / sum(map(Fraction, w.tolist())) for x in w.tolist()] for w in (p, q))
        truth = (sum(y * (x / y) ** a for x, y in zip(ps, qs, strict=True)) - 1) / (a * (a - 1))
        bound, exact = gan.fenchel_bound(f, P, Q, np.log(p) - np.log(q)), gan.variational(f).exact(P, Q)
        assert Fraction(bound) <= truth
        assert Fraction(exact.lower) <= truth
        assert exact.upper == math.inf or truth <= Fraction(exact.upper)
        if truth < 1e250:  # else the critic may be beyond the range of doubles
            size = math.fsum(p * np.abs(np.asarray(f.optimal_critic(np.log(p) - np.log(q)))))
            assert bound == pytest.approx(
                float(truth), abs=64 * EPS * a * (1 + size) * (1 + np.abs(np.log(p / q)).max())
            )


def test_a_critic_that_leaves_the_domain_of_the_conjugate_proves_nothing():
    P, Q = gan.Discrete([0.0, 1.0], [0.3, 0.7]), gan.Discrete([0.0, 1.0])
    assert conjugate_bound(dv.squared_hellinger, P, Q, [1.0, 0.0]) == 0.0  # f*(1) = inf, and Q has mass there
    # by hand, f*(t) = t + t**2/4: 0.3 (-1) + 0.7 / 2 - (-0.75 + 0.5625) / 2
    assert conjugate_bound(dv.pearson_chi2, P, Q, [-1.0, 0.5]) == pytest.approx(0.14375, abs=32 * EPS * 4)
