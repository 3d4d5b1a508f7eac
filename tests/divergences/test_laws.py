"""The theorems about f-divergences, over the whole catalogue: a new declaration gets every one of them."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import divergences as dv
from divergences.testing import (
    channels,
    close_pairs,
    continuous_pairs,
    convex_functions,
    divergences,
    pairs,
    simplexes,
    sparse_pairs,
)

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
separating = [d for d in dv.FDIVERGENCES if d.subgradient(1 - 1e-3)[0] < d.subgradient(1 + 1e-3)[1]]
metrics = pytest.mark.parametrize("d", [d for d in dv.FDIVERGENCES if d.metric_power], ids=str)
EPS = np.finfo(float).eps


def slack(*values):
    """Rounding of a few values, each right to a few units in the last place."""
    return 20 * EPS * sum(abs(v) for v in values if math.isfinite(v))


@every
@given(pair=pairs())
def test_a_divergence_is_non_negative_and_never_nan(d, pair):
    assert d(*pair) >= 0


@every
@given(p=simplexes())
def test_it_vanishes_exactly_at_equal_distributions(d, p):
    assert d(p, p) == 0
    assert d(p, p.copy() * 2, normalize=True) == 0


@pytest.mark.parametrize("d", separating, ids=str)
@given(pair=close_pairs())
def test_it_vanishes_only_there(d, pair):
    """Where f is strictly convex at 1."""
    p, q = pair
    a, b = ([Fraction(float(t)) for t in x] for x in pair)
    ratios = [u / v * sum(b) / sum(a) - 1 for u, v in zip(a, b, strict=True)]
    for sign in (1, -1):  # less than the square is no double; differences are known to squares of the rounding unit
        assume(any(sign * x > 1e-31 and x * x * v > 1e-300 for x, v in zip(ratios, b, strict=True)))
    assert d(p, q) > 0


@pytest.mark.parametrize("d", sorted({*dv.FDIVERGENCES} - {*separating}, key=str), ids=str)
def test_where_f_is_affine_about_1_it_vanishes_nearby(d):
    assert d([0.5, 0.5], [0.5 + 1e-3, 0.5 - 1e-3]) == 0
    assert d([0.9, 0.1], [0.1, 0.9]) > 0


@every
@given(pair=pairs())
def test_it_stays_in_its_range_and_singular_pairs_attain_the_end(d, pair):
    assert d.range.contains(d(*pair)) or d(*pair) == d.range.upper
    p, q = (np.concatenate(x) for x in ((pair[0], 0 * pair[1]), (0 * pair[0], pair[1])))
    assert d(p, q) == pytest.approx(d.range.upper, rel=4 * EPS)


@every
@given(pair=pairs())
def test_the_reverse_exchanges_the_arguments(d, pair):
    assert d.reverse(*pair) == pytest.approx(d(*pair[::-1]), rel=20 * EPS)
    assert d.reverse.reverse is d
    assert (d.reverse is d) == d.symmetric


@every
@given(data=st.data(), pair=pairs())
def test_data_processing_inequality(d, data, pair):
    """A channel cannot make two distributions easier to tell apart."""
    channel = data.draw(channels(len(pair[0])))
    assume(all(np.array_equal(x @ channel > 0, (x > 0) @ (channel > 0)) for x in pair))  # products may underflow to 0
    before, after = d(*pair), d(*(x @ channel for x in pair), normalize=True)
    # x @ channel is itself rounded: near-equal images are as far apart as their rounding
    assert after <= before + slack(before) + 8 * len(pair[0]) * EPS


@every
@given(pair=pairs(), data=st.data())
def test_splitting_an_outcome_changes_nothing(d, pair, data):
    """Equality in data processing: outcomes split in proportion carry no information."""
    halves = data.draw(st.lists(st.sampled_from([0.5, 0.25]), min_size=len(pair[0]), max_size=len(pair[0])))
    split = [np.concatenate([x * halves, x * (1 - np.array(halves))]) for x in pair]
    assume(all(np.all((x == 0) | (x > 1e-290)) for x in pair))  # halves of subnormals are rounded
    assert d(*split) == pytest.approx(d(*pair), rel=20 * EPS)


@every
@given(n=st.integers(1, 8), weight=st.floats(0.0, 1.0), data=st.data())
def test_joint_convexity(d, n, weight, data):
    first, second = data.draw(pairs(size=n)), data.draw(pairs(size=n))
    mixture = [weight * a + (1 - weight) * b for a, b in zip(first, second, strict=True)]
    for a, b, mixed in zip(first, second, mixture, strict=True):  # products may underflow to 0
        assume(np.array_equal(mixed > 0, (a > 0) * (weight > 0) | (b > 0) * (weight < 1)))
    parts = [w * d(*pair) for w, pair in ((weight, first), (1 - weight, second)) if w > 0]
    assert d(*mixture) <= sum(parts) + slack(*parts) + 8 * n * EPS


@metrics
@given(n=st.integers(1, 8), data=st.data())
def test_the_declared_power_is_a_metric(d, n, data):
    p, q, r = (data.draw(simplexes(size=n)) for _ in range(3))
    pq, qr, pr = d.distance(p, q), d.distance(q, r), d.distance(p, r)
    assert d.distance(q, p) == pytest.approx(pq, rel=8 * EPS)
    assert pr <= pq + qr + slack(pr, pq, qr)


@every
def test_other_divergences_refuse_to_be_distances(d):
    if d.metric_power is None:
        with pytest.raises(TypeError, match=re.escape(f"expected a divergence with a metric power, got {d.name}")):
            d.distance([0.5, 0.5], [0.25, 0.75])


@given(pair=pairs())
def test_total_variation_is_the_largest_difference_of_probabilities(pair):
    """TV = sup over sets, attained by {p > q}; the supremum is taken over all 2^n sets."""
    p, q = pair
    n = min(len(p), 8)
    p, q = (np.append(x[: n - 1], x[n - 1 :].sum()) for x in (p, q))
    sets = np.array([[(k >> i) & 1 for i in range(n)] for k in range(2**n)])
    differences = sets @ (p - q)
    tv = dv.tv(p, q, normalize=True)
    assert tv == pytest.approx(differences.max(), abs=8 * n * EPS)
    assert (p - q)[p > q].sum() == pytest.approx(tv, abs=8 * n * EPS)


@given(pair=pairs())
def test_jensen_shannon_is_the_mean_relative_entropy_to_the_mixture(pair):
    """With both halves; another road than the declaration: entropies by scipy."""
    from scipy.stats import entropy

    p, q = pair
    mean = entropy((p + q) / 2) - entropy(p) / 2 - entropy(q) / 2
    assert dv.js(p, q) == pytest.approx(mean, abs=50 * EPS)
    assert dv.js(p, q) <= math.log(2)


@given(pair=pairs(zeros=False))
def test_scipy_agrees_where_it_is_accurate(pair):
    from scipy.special import rel_entr

    p, q = pair
    assert dv.kl(p, q) == pytest.approx(rel_entr(p, q).sum(), abs=50 * EPS * (1 + dv.kl(p, q)))
    assert dv.pearson_chi2(p, q) == pytest.approx(np.sum(p * (p / q)) - 1, rel=1e-13, abs=1e-14)


@given(pair=pairs())
def test_kl_is_infinite_exactly_where_q_misses_mass(pair):
    p, q = pair
    assert math.isinf(dv.kl(p, q)) == bool(np.any((p > 0) & (q == 0)))
    assert math.isinf(dv.reverse_kl(p, q)) == bool(np.any((q > 0) & (p == 0)))


def test_values_of_a_worked_example():
    p, q = [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]
    assert dv.kl(p, q) == pytest.approx(math.log(2), rel=1e-15)
    assert dv.tv(p, q) == 0.5
    assert dv.pearson_chi2(p, q) == pytest.approx(1, rel=1e-15)
    assert dv.neyman_chi2(p, q) == math.inf
    assert dv.squared_hellinger(p, q) == pytest.approx(2 - math.sqrt(2), rel=1e-15)


@given(d=divergences(), pair=pairs())
def test_laws_of_any_member_of_any_family(d, pair):
    """Non-negative, 0 at equality, in its range, the reverse with arguments exchanged; for any parameter."""
    value = d(*pair)
    assert value >= 0
    assert d(pair[0], pair[0]) == 0
    assert value <= d.range.upper
    assert d.reverse(*pair[::-1]) == pytest.approx(value, rel=20 * EPS, abs=EPS**2)
    assert d.reverse.reverse == d


@given(d=divergences(), v=st.floats(-20, 20))
def test_fenchel_young_with_equality_for_any_member_of_any_family(d, v):
    u, critic = math.exp(v), float(d.optimal_critic(v))
    f = float(d.f(u))
    scale = 1 + abs(f) + abs(u * critic)
    assert f + d.conjugate(critic) == pytest.approx(u * critic, abs=64 * EPS * scale)


@given(d=convex_functions(), pair=pairs())
def test_jensen_for_any_convex_function(d, pair):
    assert d(*pair) >= 0
    assert d(*pair) <= d.range.upper * (1 + 1e-12)


@given(pair=st.one_of(continuous_pairs(), sparse_pairs()))
def test_kl_is_finite_exactly_under_absolute_continuity(pair):
    p, q = pair
    assert math.isfinite(dv.kl(p, q)) == (not np.any((p > 0) & (q == 0)))
