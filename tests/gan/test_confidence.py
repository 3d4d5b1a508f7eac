"""Confidence bounds: right as often as they say, exactly counted where that can be, never above their formula."""

import itertools
import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
from divergences.families import Normal
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.confidence import Betting, CentralLimit, EmpiricalBernstein, standard_error
from gan.plug_in import plug_in_upper

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import coverage

torch.set_num_threads(1)

EPS = float(np.finfo(float).eps)
ANY = (-math.inf, math.inf)
UNIT = (0.0, 1.0)
PROBABILITIES = (0.0, 0.02, 0.05, 0.1, 0.3, 0.5, 0.8, 0.95, 1.0)

finite_sample = pytest.mark.parametrize("kind", [EmpiricalBernstein, Betting])
all_kinds = pytest.mark.parametrize("kind", [CentralLimit, EmpiricalBernstein, Betting])


def samples(low, high):
    return hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(low, high, allow_subnormal=False))


@st.composite
def two_samples(draw):
    """Two samples with ranges that hold them."""
    sides = []
    for _ in range(2):
        low = draw(st.floats(-5, 5))
        high = low + draw(st.floats(0.01, 5))
        sides.append((draw(samples(low, high)), (low, high)))
    (a, range_a), (b, range_b) = sides
    return a, b, range_a, range_b


# ------------------------------------------------------------------------------------------------- coverage, counted


def zeros_and_ones(successes, n):
    return (np.arange(n) < successes).astype(float)


def counted(kind, level, n, m):
    """Bounds of all outcomes of two Bernoulli samples; exact coverage as a function of their probabilities."""
    sides = [[zeros_and_ones(k, size) for k in range(size + 1)] for size in (n, m)]
    bounds = np.array([[kind(level).lower(a, b, UNIT, UNIT) for b in sides[1]] for a in sides[0]])

    def right(p, q):
        chances = np.outer(*(scipy.stats.binom.pmf(np.arange(k + 1), k, r) for k, r in ((n, p), (m, q))))
        return float(chances[bounds <= p - q].sum())

    return bounds, right


@pytest.mark.parametrize(("n", "m", "level"), [(2, 2, 0.5), (5, 30, 0.9), (40, 40, 0.5), (60, 20, 0.95)])
def test_empirical_bernstein_covers_every_pair_of_coins(n, m, level):
    bounds, right = counted(EmpiricalBernstein, level, n, m)
    assert bounds.max() > (0 if n * m > 100 else -1)  # not vacuous
    for p, q in itertools.product(PROBABILITIES, repeat=2):
        assert right(p, q) >= level


def test_the_normal_approximation_does_fail_on_rare_events():
    """So the test above can fail, and the approximation is rightly called one."""
    _, right = counted(CentralLimit, 0.95, 40, 40)
    assert right(0.95, 0.0) < 0.95
    assert right(0.0, 0.05) < 0.9
    assert 0.93 < right(0.5, 0.5) < 0.97


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_betting_covers_every_coin_in_every_order(level):
    """All 1024 orders of ten throws; the other side is the constant 0 and has no range."""
    n, zeros = 10, np.zeros(10)
    throws = np.array(list(itertools.product((0.0, 1.0), repeat=n)))
    bounds = np.array([Betting(level).lower(x, zeros, UNIT, (0.0, 0.0)) for x in throws])
    heads = throws.sum(axis=1)
    missed = []
    for p in np.linspace(0.01, 0.99, 33):
        chances = p**heads * (1 - p) ** (n - heads)
        missed.append(float(chances[bounds > p].sum()))
    assert max(missed) <= 1 - level
    assert max(missed) > (1 - level) / 10  # and it does not get there by saying nothing


@pytest.mark.parametrize("n", [2, 10, 100])
def test_sample_deviations_are_rarely_far_too_small(n):
    """Maurer & Pontil's theorem 10, which the bound rests on: exactly counted for coins."""
    for growth in (0.5, 1.0, 3.0):
        k = np.arange(n + 1)
        seen = np.sqrt(k * (n - k) / (n * (n - 1)))
        for p in PROBABILITIES:
            small = math.sqrt(p * (1 - p)) > seen + math.sqrt(2 * growth / (n - 1))
            assert scipy.stats.binom.pmf(k, n, p)[small].sum() <= math.exp(-growth)


# ---------------------------------------------------------------------------------------------------- the formulas


def moments(values):
    """Exact mean and variance."""
    x = [Fraction(v) for v in values.tolist()]
    mean = sum(x) / len(x)
    return mean, sum((v - mean) ** 2 for v in x) / (len(x) - 1)


def real(x):
    return mpmath.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else mpmath.mpf(x)


def bernstein_formula(a, b, range_a, range_b, level):
    """The documented formula with 60 digits, from exact moments."""
    growth = mpmath.log(3 / real(1 - level))
    total, jumps = 0, []
    for x, (low, high) in ((a, range_a), (b, range_b)):
        _, variance = moments(x)
        width = real(Fraction(high) - Fraction(low))
        u = min(mpmath.sqrt(real(variance)) + width * mpmath.sqrt(2 * growth / (len(x) - 1)), width / 2)
        total, jumps = total + u**2 / len(x), [*jumps, width / len(x)]
    means = real(moments(a)[0] - moments(b)[0])
    margin = mpmath.sqrt(2 * growth * total) + growth / 3 * max(jumps)
    least = real(Fraction(range_a[0]) - Fraction(range_b[1]))
    return max(means - margin, least), sum(abs(real(moments(x)[0])) for x in (a, b)) + margin + abs(least)


@given(drawn=two_samples(), level=st.sampled_from([0.5, 0.9, 0.999999]))
def test_empirical_bernstein_is_just_below_its_formula(drawn, level):
    with mpmath.workdps(60):
        truth, size = bernstein_formula(*drawn, level)
        bound = EmpiricalBernstein(level).lower(*drawn)
        assert truth - 80 * EPS * size <= bound <= truth


@given(drawn=two_samples(), level=st.sampled_from([0.6, 0.9, 0.999999]))
def test_central_limit_is_just_below_its_formula(drawn, level):
    a, b, *_ = drawn
    with mpmath.workdps(60):
        (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
        error = mpmath.sqrt(real(var_a / len(a) + var_b / len(b)))
        quantile = mpmath.sqrt(2) * mpmath.erfinv(2 * real(level) - 1)
        truth = real(mean_a - mean_b) - quantile * error
        size = abs(real(mean_a)) + abs(real(mean_b)) + quantile * error
        assert truth - 80 * EPS * size <= CentralLimit(level).lower(a, b, ANY, ANY) <= truth
        assert abs(standard_error(a, b) - error) <= 16 * EPS * error + 4 * EPS * size


@given(drawn=two_samples(), level=st.sampled_from([0.5, 0.9, 0.999999]))
def test_one_bernstein_bound_is_not_below_the_two_of_maurer_and_pontil(drawn, level):
    """Their theorem 4 for either side with half the risk, and the margins added."""
    a, b, *ranges = drawn
    bound, growth = a.mean() - b.mean(), math.log(4 / (1 - level))
    for x, (low, high) in zip((a, b), ranges, strict=True):
        n = len(x)
        bound -= math.sqrt(2 * x.var(ddof=1) * growth / n) + 7 * (high - low) * growth / (3 * (n - 1))
    assert EmpiricalBernstein(level).lower(*drawn) >= bound - 256 * EPS * 10


def wealth(x, k, growth):
    """The largest wealth of the gambler who bets on means above k, step by step, as the documentation has it."""
    capital = largest = mpmath.mpf(1)
    seen, squares = mpmath.mpf(1) / 2, mpmath.mpf(1) / 4
    for t, value in enumerate(x, start=1):
        bet = min(mpmath.sqrt(2 * growth / (len(x) * squares / t)), 1 / (2 * k))
        capital *= 1 + bet * (value - k)
        largest = max(largest, capital)
        seen += value
        squares += (value - seen / (t + 1)) ** 2
    return largest


@given(drawn=two_samples(), level=st.sampled_from([0.5, 0.9]))
def test_betting_stops_where_the_wealth_does(drawn, level):
    a, b, range_a, range_b = drawn
    a, b = a[: min(len(a), len(b))], b[: min(len(a), len(b))]
    bound = Betting(level).lower(a, b, range_a, range_b)
    with mpmath.workdps(30):
        low = real(Fraction(range_a[0]) - Fraction(range_b[1]))
        width = real(Fraction(range_a[1]) - Fraction(range_b[0])) - low
        x = [(real(Fraction(u) - Fraction(v)) - low) / width for u, v in zip(a.tolist(), b.tolist(), strict=True)]
        goal = 1 / real(1 - level)
        share = (bound - low) / width
        near = 1e-11  # the bisection's 2^-40, and rounding a hundred times over at a range of 1/1000 of the values
        if share > near:
            assert wealth(x, share, mpmath.log(goal)) >= goal
        if share < 1 - near:
            assert wealth(x, max(share, 0) + near, mpmath.log(goal)) < goal


def test_betting_takes_means_of_blocks_of_the_larger_sample():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=50), rng.uniform(size=175)
    blocks = np.array([block.mean() for block in np.split(b, np.arange(1, 50) * 175 // 50)])
    assert {len(block) for block in np.split(b, np.arange(1, 50) * 175 // 50)} == {3, 4}
    bound = Betting(0.9).lower(a, b, UNIT, UNIT)
    assert bound == pytest.approx(Betting(0.9).lower(a, blocks, UNIT, UNIT), abs=1e-12)
    assert bound < Betting(0.9).lower(a, b[:50], UNIT, UNIT) + 1  # and the other way round
    assert Betting(0.9).lower(1 - b, 1 - a, UNIT, UNIT) == pytest.approx(bound, abs=1e-12)


# ----------------------------------------------------------------------------------------------- what bounds must do


@all_kinds
@given(drawn=two_samples())
def test_a_higher_level_has_a_lower_bound(kind, drawn):
    bounds = [kind(level).lower(*drawn) for level in (0.5, 0.75, 0.95, 0.999)]
    assert all(low <= high + 64 * EPS * 30 for high, low in itertools.pairwise(bounds))


@all_kinds
@given(drawn=two_samples(), shift=st.floats(-3, 3), power=st.integers(-30, 30))
def test_bounds_move_with_shifts_and_units(kind, drawn, shift, power):
    """Both sides shifted alike change nothing, units are those of the values, and either side can be the negative one."""
    a, b, range_a, range_b = drawn
    bound, unit = kind(0.9).lower(*drawn), 2.0**power
    size = 100 * EPS * 30 + 1e-11  # roundings of shifted values of up to 13, and of a step of the bisection
    scaled = kind(0.9).lower(unit * a, unit * b, *(tuple(unit * end for end in r) for r in (range_a, range_b)))
    assert scaled == pytest.approx(unit * bound, rel=1e-15, abs=1e-300)
    low, high = (tuple(end + shift for end in r) for r in (range_a, range_b))
    assert kind(0.9).lower(a + shift, b + shift, low, high) == pytest.approx(bound, abs=size)
    flipped = [(-r[1], -r[0]) for r in (range_b, range_a)]
    assert kind(0.9).lower(-b, -a, *flipped) == pytest.approx(bound, abs=size)


@all_kinds
def test_margins_fall_like_the_root_of_the_number_of_samples(kind):
    """In the mean over 60 pairs of samples of one law, so that the margins are the distances from the difference 0."""
    rng = np.random.default_rng(1)
    mean, noise = [], []
    for n in (1000, 4000, 16000):
        bounds = [kind(0.95).lower(*rng.uniform(size=(2, n)), UNIT, UNIT) for _ in range(60)]
        mean, noise = [*mean, -np.mean(bounds)], [*noise, np.std(bounds) / math.sqrt(60)]
    for k in range(2):
        error = 4 * math.hypot(noise[k] / mean[k], noise[k + 1] / mean[k + 1])
        # terms of order 1/n fall by 4 instead of 2; they are below (1/4, 1/8) of the margin
        assert 2 * (1 - error) <= mean[k] / mean[k + 1] <= 2 * (1 + error + 2.0 ** -(k + 2))


@finite_sample
def test_constant_values_say_what_they_can(kind):
    """Nothing has varied: the normal approximation is sure, a bound for all variables of that range cannot be."""
    a, b = np.full(50, 0.75), np.full(50, 0.25)
    assert CentralLimit().lower(a, b, UNIT, UNIT) == pytest.approx(0.5, abs=64 * EPS)
    assert 0 < kind().lower(a, b, UNIT, UNIT) < 0.45
    assert kind().lower(a, b, (0.75, 0.75), (0.25, 0.25)) == pytest.approx(0.5, abs=64 * EPS)


def test_what_cannot_be_bounded_is_refused():
    x = np.array([0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match=r"level of at least 0\.5"):
        Betting(95)
    with pytest.raises(ValueError, match="two or more values b"):
        CentralLimit().lower(x, x[:1], UNIT, UNIT)
    with pytest.raises(ValueError, match=r"a\[1\] = nan"):
        CentralLimit().lower(np.array([0, math.nan]), x, UNIT, UNIT)
    with pytest.raises(ValueError, match="values b in their range"):
        CentralLimit().lower(x, x, UNIT, (0.0, 0.9))
    with pytest.raises(ValueError, match="finite range of the values a for EmpiricalBernstein"):
        EmpiricalBernstein().lower(x, x, ANY, UNIT)
    with pytest.raises(ValueError, match="finite range of the values b for Betting"):
        Betting().lower(x, x, UNIT, ANY)
    with pytest.raises(ValueError, match="lo <= hi"):
        Reading.of_critic().clipped(x, x, (1.0, 0.0))
    with pytest.raises(ValueError, match="limits that leave finite values"):
        Reading.of_log_ratio(dv.kl).clipped(x, x, (0.0, 800.0))
    with pytest.raises(ValueError, match="outputs v_q"):
        clip_limits(Reading.of_critic(), x, x * math.nan, Betting())
    with pytest.raises(ValueError, match="expected quantiles"):
        clip_limits(Reading.of_critic(), x, x, Betting(), quantiles=(0.5,))


# ------------------------------------------------------------------------------------------------------------ clipping


@pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)
@given(data=st.data())
def test_clipped_log_ratios_bound_every_divergence(f, data):
    """Of any critic, with exact expectations; the bound is the Fenchel bound by the conjugate."""
    masses = st.integers(1, 20)
    p, q = (data.draw(hnp.arrays(np.float64, 5, elements=masses)) for _ in range(2))
    v = data.draw(hnp.arrays(np.float64, 5, elements=st.floats(-50, 50)))
    low, high = sorted(data.draw(st.tuples(st.floats(-8, 8), st.floats(-8, 8))))
    reading = Reading.of_log_ratio(f)
    values = reading.clipped(v, v, (low, high))
    for x, (least, most) in ((values.a, values.range_a), (values.b, values.range_b)):
        assert least <= x.min() <= x.max() <= most
    p, q = p / p.sum(), q / q.sum()
    bound, slack = float(p @ values.a - q @ values.b), reading.slack((low, high))
    assert bound - slack <= float(f(p, q, normalize=True)) + 16 * EPS
    conjugate = f.conjugate(f.optimal_critic(np.clip(v, low, high)))
    # f* moves by e^v for each unit of t, whose rounding is relative to its magnitude
    moved = 64 * EPS * (1 + math.exp(max(high, 0))) * (1 + np.abs(values.a).max() + np.abs(values.b).max())
    assert np.abs(values.b - conjugate).max() <= moved + slack


@pytest.mark.parametrize("a", [-9.0, 0.3, 2.0, 12.0])
@given(v=st.floats(-40, 40))
def test_readings_are_as_near_the_real_functions_as_they_say(a, v):
    """The alpha divergences, whose f'(u) is (u^(a-1) - 1)/(a - 1) and f*(f'(u)) is (u^a - 1)/a, both plus one constant."""
    f = dv.alpha(a)
    reading, output = Reading.of_log_ratio(f), np.array([v])
    with mpmath.workdps(200):
        for read, power in ((reading.gain, a - 1), (reading.loss, a)):
            real_value = mpmath.expm1(mpmath.mpf(power) * mpmath.mpf(v)) / mpmath.mpf(power) + f.tangent
            error = abs(float(read(output)[0]) - real_value)
            assert error <= reading.error * (abs(real_value) + 1) * (1 + abs(v) / 8)


def test_heavy_tails_come_out_finite():
    """Chi-squared between unit normals 2 apart: losses e^2v / 2 of variance e^24; infinite and huge outputs too."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 2, 3000)) + np.array([[[2.0]], [[0.0]]])
    reading, exact = Reading.of_log_ratio(dv.pearson_chi2), math.expm1(4)
    for kind in (Betting, EmpiricalBernstein):
        limits = clip_limits(reading, 2 * x[0] - 2, 2 * y[0] - 2, kind(0.95))
        assert 0 < held_out_bound(kind(0.95), reading, 2 * x[1] - 2, 2 * y[1] - 2, limits) < exact
    wild = np.concatenate([2 * x[0] - 2, [math.inf, 2000.0, -2000.0, -math.inf]])
    low, high = clip_limits(reading, wild, wild, Betting())
    assert math.isfinite(held_out_bound(Betting(), reading, wild, wild, (low, high)))


def test_a_critic_that_tells_nothing_is_clipped_to_one_number():
    noise = np.random.default_rng(3).normal(size=(2, 100))
    reading = Reading.of_log_ratio(dv.kl)
    limits = clip_limits(reading, *noise, EmpiricalBernstein())
    assert limits == (0.0, 0.0)
    assert held_out_bound(EmpiricalBernstein(), reading, *noise, limits) == pytest.approx(0, abs=1e-13)


def test_clipping_is_chosen_where_the_bound_is_largest():
    rng = np.random.default_rng(4)
    v_p, v_q = rng.standard_t(3, size=(2, 500)) + np.array([[1.5], [0.0]])
    reading, method = Reading.of_critic(), EmpiricalBernstein(0.9)
    best = held_out_bound(method, reading, v_p, v_q, clip_limits(reading, v_p, v_q, method))
    whole = min(v_p.min(), v_q.min()), max(v_p.max(), v_q.max())
    assert best > held_out_bound(method, reading, v_p, v_q, whole)
    for shares in ((0.0, 1.0), (0.01, 0.99), (0.1, 0.9)):
        ends = np.quantile(np.concatenate([v_p, v_q]), shares)
        # between neighbouring quantiles of the sample the bound is nearly flat
        assert best >= held_out_bound(method, reading, v_p, v_q, tuple(ends)) - 0.01


# -------------------------------------------------------------------------------------- coverage on continuous pairs


REPETITIONS, SIZE = 1000, 250

OPTIMAL = {pair.name: pair for pair in coverage.pairs()}


@pytest.fixture(scope="module")
def drawn():
    """Outputs of the optimal critics on samples of P and Q, the first row of each for the choice of limits."""
    outputs = {}
    for pair in OPTIMAL.values():
        generator = torch.Generator().manual_seed(5)
        points = [pair.draw(side, (REPETITIONS + 1, SIZE), generator) for side in (0, 1)]
        outputs[pair.name] = [pair.critic(x.reshape(-1, x.shape[-1])).reshape(x.shape[:2]) for x in points]
    return outputs


def test_the_exact_values_of_the_pairs_are_right():
    """By Monte Carlo with their own critics, or by quadrature."""
    p, q = (scipy.stats.norm(*at).pdf for at in ((0, 1), (1, 1.5)))
    for f in ("KL", "JS"):
        term = getattr(dv, f.lower())
        value, error = scipy.integrate.quad(lambda x: q(x) * float(term.f(p(x) / q(x))), -12, 12)  # noqa: B023
        assert OPTIMAL[f].exact == pytest.approx(value, abs=10 * error)
    for name in ("W1, shift", "W1, scale"):
        pair, generator = OPTIMAL[name], torch.Generator().manual_seed(6)
        a, b = (pair.critic(pair.draw(side, (100_000,), generator)) for side in (0, 1))
        assert abs(a.mean() - b.mean() - pair.exact) <= 4 * standard_error(a, b)
    assert OPTIMAL["W1, scale"].exact == pytest.approx(scipy.stats.chi(4).mean(), rel=1e-14)


@pytest.mark.parametrize("name", ["W1, shift", "W1, scale", "KL", "JS"])
def test_the_normal_approximation_of_unclipped_critics_covers_as_often_as_it_says(name, drawn):
    """Within the three standard deviations of 1000 repetitions and the error of the approximation; not vacuous."""
    pair, (v_p, v_q) = OPTIMAL[name], drawn[name]
    a, b = pair.reading.gain(v_p[1:]), pair.reading.loss(v_q[1:])
    bounds = np.array([CentralLimit(0.95).lower(x, y, ANY, ANY) for x, y in zip(a, b, strict=True)])
    assert 0.93 <= np.mean(bounds <= pair.exact) <= 0.975


@all_kinds
@pytest.mark.parametrize("name", ["W1, shift", "W1, scale", "KL"])
def test_bounds_by_clipped_critics_cover_the_divergence(name, kind, drawn):
    assert 0.93 <= covered(OPTIMAL[name], kind(0.95), drawn[name]) <= 1


@finite_sample
def test_finite_sample_bounds_cover_heavy_tails_too(kind, drawn):
    name = "Pearson chi2, heavy tail"
    assert 0.93 <= covered(OPTIMAL[name], kind(0.95), drawn[name], repetitions=300) <= 1


def test_the_normal_approximation_does_not(drawn):
    """Of unclipped losses; twenty standard deviations of 1000 repetitions below its level."""
    pair, (v_p, v_q) = OPTIMAL["Pearson chi2, heavy tail"], drawn["Pearson chi2, heavy tail"]
    a, b = pair.reading.gain(v_p[1:]), pair.reading.loss(v_q[1:])
    bounds = np.array([CentralLimit(0.95).lower(x, y, ANY, ANY) for x, y in zip(a, b, strict=True)])
    assert np.mean(bounds <= pair.exact) < 0.95 - 20 * math.sqrt(0.95 * 0.05 / REPETITIONS)


def covered(pair, method, outputs, repetitions=REPETITIONS):
    """Share of bounds that are below the divergence, clipped where the first row suggests; in the mean they say more than 0."""
    v_p, v_q = outputs
    limits = clip_limits(pair.reading, v_p[0], v_q[0], method, quantiles=(0.0, 0.01, 0.1))
    rows = zip(v_p[1 : repetitions + 1], v_q[1 : repetitions + 1], strict=True)
    bounds = np.array([held_out_bound(method, pair.reading, x, y, limits) for x, y in rows])
    assert bounds.mean() > 0
    return np.mean(bounds <= pair.exact)


def test_betting_is_narrower_than_bernstein(drawn):
    """Twice ln 20 against twice ln 60 under the root, and no terms of order 1/n to speak of."""
    for name, (v_p, v_q) in drawn.items():
        reading, limits = OPTIMAL[name].reading, (-3.0, 3.0)
        narrow, wide = (
            np.mean(
                [held_out_bound(kind(0.95), reading, x, y, limits) for x, y in zip(v_p[:50], v_q[:50], strict=True)]
            )
            for kind in (Betting, EmpiricalBernstein)
        )
        assert narrow > wide


# ---------------------------------------------------------------------------------------------------- from above


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.3), (0.2, 0.7), (0.0, 1.0), (0.5, 0.6)])
def test_the_mean_distance_of_samples_is_not_below_the_distance(p, q):
    """Exactly counted for coins, whose distance is |p - q|, as it is of their frequencies."""
    for n, m in ((1, 1), (3, 5), (20, 20)):
        chances = np.outer(*(scipy.stats.binom.pmf(np.arange(k + 1), k, r) for k, r in ((n, p), (m, q))))
        distances = [
            [dv.wasserstein(zeros_and_ones(i, n), zeros_and_ones(j, m)).value for j in range(m + 1)]
            for i in range(n + 1)
        ]
        assert (chances * distances).sum() >= abs(p - q) - 64 * EPS


def test_plug_in_bound_is_student_s_interval_of_distances():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(6, 30, 1)), rng.normal(1, 2, size=(6, 20, 1))
    distances = [scipy.stats.wasserstein_distance(u[:, 0], v[:, 0]) for u, v in zip(x, y, strict=True)]
    interval = scipy.stats.ttest_1samp(distances, 0).confidence_interval(0.9)
    assert plug_in_upper(x, y, level=0.95) == pytest.approx(interval.high, rel=1e-13)
    with pytest.raises(ValueError, match=r"two or more, got 6 and 5"):
        plug_in_upper(x, y[:5])
    with pytest.raises(ValueError, match="two or more, got 1 and 1"):
        plug_in_upper(x[:1], y[:1])
    with pytest.raises(ValueError, match="level"):
        plug_in_upper(x, y, level=0.05)


def test_plug_in_bound_covers_the_distance_of_normals():
    """On the line N(0, 1) and N(2, 1): at that distance samples overshoot little, so that the test can fail."""
    generator = torch.Generator().manual_seed(8)
    x, y = (
        torch.randn(2, 300, 4, 10, generator=generator, dtype=torch.float64).numpy()
        + np.array([0.0, 2.0])[:, None, None, None]
    )
    bounds = np.array([plug_in_upper(u, v, level=0.95) for u, v in zip(x, y, strict=True)])
    assert 0.91 <= np.mean(bounds >= 2) < 1  # 0.95 less three standard deviations of 300 repetitions
    assert dv.wasserstein(Normal(0.0, 1.0), Normal(2.0, 1.0)).value == pytest.approx(2)


# ---------------------------------------------------------------------------------------------------- the benchmark


def test_the_benchmark_meets_its_targets(tmp_path, capsys, monkeypatch):
    small = coverage.Settings(quick=True, out=str(tmp_path), repetitions=30, samples=100, batches=3, batch=8)
    monkeypatch.setattr(coverage, "parsed", lambda arguments: small)
    assert coverage.main([]) in (0, 1)  # thirty repetitions are too few for the level
    assert "W1, shift" in capsys.readouterr().out
    record = json.loads((tmp_path / "coverage.json").read_text())
    assert len(record["rows"]) == 3 * len(OPTIMAL) + 2
    assert (
        min(row["coverage"] for row in record["rows"]) >= 0.7
    )  # what the approximation gets of heavy tails, and twice the noise of the others
    assert all(row["width"] > 0 for row in record["rows"])
    assert (tmp_path / "coverage.csv").read_text().count("\n") == len(record["rows"]) + 1
