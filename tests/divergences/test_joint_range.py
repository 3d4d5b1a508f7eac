"""The sharp bounds of one f-divergence by another: closed forms, other roads, and pairs of distributions that attain them."""

import math

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given as draws
from hypothesis import settings
from hypothesis import strategies as st
from scipy import optimize

import divergences as dv
from divergences.balls import Balls
from divergences.relations import bound, joint_range
from divergences.relations.joint import _grid
from divergences.relations.proof import proven
from divergences.relations.search import around, walk
from divergences.testing import close_pairs, divergences, pairs

EPS = np.finfo(float).eps
SHARP = 1e-10
"""Relative width of the bounds, and distance at which a pair attains them."""

NEARLY_KL = dv.alpha(1 - 1e-12)
"""Of an order so near to 1 that it differs from KL only at ratios that are no doubles, where its bounds are wide."""

USUAL = [d for d in dv.FDIVERGENCES if d != NEARLY_KL]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


def middle(d):
    """A value in the range of a divergence: half of its largest, or 1/2."""
    return 0.5 * min(d.range.upper, 1.0)


def holds(extreme, truth, *, gap=SHARP):
    """The proven bounds are sharp, and the number that theory gives is between them."""
    return extreme.bounds.contains(float(truth)) and extreme.bounds.relative_gap <= gap


def attains(extreme, d, given, value):
    """The pair has the given value, and the extreme one of the other divergence."""
    p, q = extreme.p, extreme.q
    assert len(p) == len(q) <= 4
    return given(p, q) == pytest.approx(value, rel=SHARP) and d(p, q) == pytest.approx(extreme.bounds.value, rel=SHARP)


# --------------------------------------------------------------------------------------------------------- closed forms


def least_kl(tv):
    """Least KL of a total variation by the curve of Fedotov, Harremoes & Topsoe (2003), in 50 digits."""
    v = 2 * mpmath.mpf(tv)

    def variation(t):
        return t * (1 - (mpmath.coth(t) - 1 / t) ** 2)

    start = 2 * math.atanh(tv) if tv < 0.9 else 1 / (1 - tv)
    t = mpmath.findroot(lambda t: variation(t) - v, start)
    return mpmath.log(t / mpmath.sinh(t)) + t * mpmath.coth(t) - (t / mpmath.sinh(t)) ** 2


@pytest.mark.parametrize("value", [1e-6, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_kl_given_tv_is_the_tight_bound_of_vajda(value):
    known = bound(dv.kl, given=dv.tv, value=value)
    assert holds(known.smallest, least_kl(value))
    assert known.upper == math.inf
    assert known.largest.attained
    assert dv.kl(known.largest.p, known.largest.q) == math.inf
    assert dv.tv(known.largest.p, known.largest.q) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("value", [1e-6, 0.01, 0.3, 0.5, 0.8, 0.95])
def test_the_square_of_a_sum_bounds_chi2_by_tv(value):
    least = 4 * mpmath.mpf(value) ** 2 if value <= 1 / 2 else mpmath.mpf(value) / (1 - mpmath.mpf(value))
    assert holds(bound(dv.pearson_chi2, given=dv.tv, value=value).smallest, least)


@pytest.mark.parametrize("value", [1e-6, 0.1, 0.5, 1.0, 1.9])
def test_le_cams_range_of_tv_given_hellinger(value):
    h = mpmath.mpf(value)
    known = bound(dv.tv, given=dv.squared_hellinger, value=value)
    assert holds(known.smallest, h / 2)
    assert holds(known.largest, mpmath.sqrt(h * (1 - h / 4)))


@pytest.mark.parametrize("value", [1e-6, 0.1, 0.5, 0.9, 0.999])
def test_le_cams_range_of_hellinger_given_tv(value):
    t = mpmath.mpf(value)
    known = bound(dv.squared_hellinger, given=dv.tv, value=value)
    assert holds(known.smallest, 2 - 2 * mpmath.sqrt(1 - t**2))
    assert holds(known.largest, 2 * t)


@pytest.mark.parametrize("value", [1e-6, 0.1, 0.5, 0.9, 0.999])
def test_the_range_of_js_given_tv(value):
    t = mpmath.mpf(value)
    least = ((1 + t) * mpmath.log(1 + t) + (1 - t) * mpmath.log(1 - t)) / 2
    known = bound(dv.js, given=dv.tv, value=value)
    assert holds(known.smallest, least)
    assert holds(known.largest, t * mpmath.log(2))


@pytest.mark.parametrize("value", [1e-6, 0.1, 1.0, 10.0, 100.0])
def test_hellinger_given_kl(value):
    """The affinity is at least exp(-KL/2); and KL may come from ratios that Hellinger does not see."""
    known = bound(dv.squared_hellinger, given=dv.kl, value=value)
    assert holds(known.largest, 2 * (1 - mpmath.exp(-mpmath.mpf(value) / 2)))
    assert known.smallest.bounds == dv.Bounds.exact(0.0)
    assert not known.smallest.attained


ORDERS = [0.25, 0.5, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize(("a", "b"), [(a, b) for a in ORDERS for b in ORDERS if a != b])
def test_alpha_divergences_are_bounded_as_renyi_divergences_grow(a, b, share):
    """R_a <= R_b for a < b, with equality for P conditioned: one side of each joint range in closed form."""
    d, given = dv.alpha(a), dv.alpha(b)
    value = share * min(given.range.upper, 5.0)
    x = mpmath.mpf(value)
    order = x if b == 1 else mpmath.log(1 + b * (b - 1) * x) / (b - 1)
    truth = order if a == 1 else mpmath.expm1((a - 1) * order) / (a * (a - 1))
    known = bound(d, given=given, value=value)
    assert holds(known.largest if a < b else known.smallest, truth)


def test_kl_given_no_hockey_stick_excess():
    """P <= 3 Q bounds KL by log 3, TV by 2/3, and reverse KL not at all."""
    given = dv.hockey_stick(3.0)
    for d, largest in ((dv.kl, math.log(3)), (dv.tv, 2 / 3), (dv.reverse_kl, math.inf), (dv.pearson_chi2, 2.0)):
        known = bound(d, given=given, value=0)
        assert known.smallest.bounds == dv.Bounds.exact(0.0)
        assert known.largest.bounds.value == pytest.approx(largest, rel=1e-15)
        assert given(known.largest.p, known.largest.q) <= EPS
        assert d(known.largest.p, known.largest.q) == pytest.approx(largest, rel=1e-14)


@pytest.mark.parametrize(
    "given", [d for d in dv.FDIVERGENCES if not isinstance(d, dv.hockey_stick) or d.gamma == 1], ids=str
)
def test_zero_says_that_the_distributions_are_equal(given):
    for d in (dv.kl, dv.tv, dv.marton):
        assert bound(d, given=given, value=0.0).bounds == dv.Bounds.exact(0.0)


@pytest.mark.parametrize("given", [d for d in dv.FDIVERGENCES if d.range.upper < math.inf], ids=str)
def test_the_largest_value_says_that_they_share_no_outcome(given):
    for d in dv.FDIVERGENCES:
        known = bound(d, given=given, value=given.range.upper)
        assert known.bounds.contains(d.range.upper)
        assert known.smallest.bounds.relative_gap <= SHARP
        assert d(known.smallest.p, known.smallest.q) == pytest.approx(d.range.upper, rel=4 * EPS)


# ---------------------------------------------------------------------------------------------------------- infinities


@pytest.mark.parametrize(
    ("d", "given", "attained"),
    [
        (dv.kl, dv.tv, True),
        (dv.jeffreys, dv.kl, True),
        (dv.neyman_chi2, dv.js, True),
        (dv.reverse_kl, dv.kl, True),
        (dv.pearson_chi2, dv.kl, False),
        (dv.alpha(3.0), dv.pearson_chi2, False),
        (dv.neyman_chi2, dv.reverse_kl, False),
        (dv.alpha(1 + 1e-12), dv.kl, False),
    ],
    ids=str,
)
def test_suprema_that_are_infinite(d, given, attained):
    largest = bound(d, given=given, value=0.3).largest
    assert largest.bounds == dv.Bounds.exact(math.inf)
    assert largest.attained == attained
    assert given(largest.p, largest.q) == pytest.approx(0.3, rel=SHARP)
    assert (d(largest.p, largest.q) == math.inf) == attained


@pytest.mark.parametrize(
    ("d", "given", "infimum"),
    [
        (dv.kl, dv.pearson_chi2, 0.0),
        (dv.tv, dv.kl, 0.0),
        (dv.reverse_kl, dv.kl, 0.0),
        (dv.jeffreys, dv.kl, 0.3),
        (dv.arithmetic_geometric, dv.jeffreys, 0.15 / 2),
    ],
    ids=str,
)
def test_infima_that_no_pair_attains(d, given, infimum):
    """The given value comes from ratios that go to infinity, of which the other divergence sees less, or a share."""
    smallest = bound(d, given=given, value=0.3).smallest
    if d != dv.arithmetic_geometric:
        assert holds(smallest, infimum)
    assert smallest.bounds.lower <= d(smallest.p, smallest.q)
    assert given(smallest.p, smallest.q) == pytest.approx(0.3, rel=SHARP)


# -------------------------------------------------------------------------------------------------- the whole catalogue


@pytest.mark.parametrize("given", dv.FDIVERGENCES, ids=str)
@pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
def test_every_bound_is_sharp_and_attained(d, given):
    value = middle(given)
    known = bound(d, given=given, value=value)
    assert 0 <= known.lower <= known.upper <= d.range.upper * (1 + SHARP)
    for extreme in (known.smallest, known.largest):
        if NEARLY_KL not in (d, given):  # a hockey stick has the absolute error of total variation
            rounding = 512 * EPS if isinstance(d, dv.hockey_stick) else 0.0
            assert extreme.bounds.gap <= SHARP * extreme.bounds.value + rounding
        if extreme.attained and extreme.bounds.value > 512 * EPS:
            assert attains(extreme, d, given, value)


@pytest.mark.parametrize("d", USUAL, ids=str)
def test_a_divergence_bounds_itself_by_its_value(d):
    known = bound(d, given=d, value=middle(d))
    assert holds(known.smallest, middle(d))
    assert holds(known.largest, middle(d))


@pytest.mark.parametrize(
    ("d", "given"),
    [(dv.kl, dv.marton), (dv.alpha(3.0), dv.js), (dv.neyman_chi2, dv.hockey_stick(3.0)), (dv.tv, dv.skew_kl(0.6))],
    ids=str,
)
def test_reversing_both_changes_nothing(d, given):
    one = bound(d, given=given, value=middle(given))
    other = bound(d.reverse, given=given.reverse, value=middle(given))
    assert one.lower == pytest.approx(other.lower, rel=SHARP)
    assert one.upper == pytest.approx(other.upper, rel=SHARP)
    assert one.smallest.attained == other.smallest.attained


# --------------------------------------------------------------------------------------------------- independent roads


@settings(max_examples=300)
@draws(d=divergences(), given=divergences(), pair=st.one_of(pairs(), close_pairs()))
def test_no_pair_is_outside(d, given, pair):
    """By rigorous values of both divergences: neither boundary decreases, so their bounds may stand for the values."""
    known, x = given.enclose(*pair, normalize=True), d.enclose(*pair, normalize=True)
    top = given.range.upper
    if not 1e-250 < known.lower <= known.upper < min(top, 200.0) or known.upper * (1 + 8 * EPS) > top:
        return
    try:
        below, above = (bound(d, given=given, value=v) for v in (known.lower, known.upper))
    except ValueError as error:  # of orders near 0 and 1, which need ratios that are no doubles
        if "beyond the range of doubles" in str(error):
            return
        raise
    assert below.lower <= x.upper
    assert above.upper >= x.lower


@pytest.mark.parametrize(
    ("d", "given"),
    [(dv.kl, dv.tv), (dv.js, dv.squared_hellinger), (dv.tv, dv.kl), (dv.kl, dv.pearson_chi2), (dv.skew_kl(0.6), dv.js)],
    ids=str,
)
def test_the_linear_program_on_a_grid_agrees(d, given):
    """Measures on 2001 likelihood ratios, by HiGHS: pairs of distributions, and nearly all that matter."""
    s = (1 - np.cos(np.pi * np.arange(1, 2001) / 2001)) / 2
    pairs_of_points = np.stack([s, 1 - s])
    F, G = (x._numpy_term(*pairs_of_points, 2 * s - 1) for x in (d, given))
    value = middle(given)
    known = bound(d, given=given, value=value)
    for sign, extreme in ((1, known.smallest), (-1, known.largest)):
        constraints = {"A_eq": np.stack([s, 1 - s, G]), "b_eq": [1.0, 1.0, value], "method": "highs"}
        found = sign * optimize.linprog(sign * F, **constraints).fun
        assert sign * found >= sign * extreme.bounds.value - 1e-6
        if extreme.attained and extreme.bounds.value < math.inf:
            assert found == pytest.approx(extreme.bounds.value, rel=5e-3)  # the ends are not on the grid


def perspective_of(d, p, q):
    return d.perspective(p, q, Balls(p - q))


@pytest.mark.parametrize(
    ("d", "given", "sign"),
    [
        (dv.kl, dv.tv, 1),
        (dv.js, dv.squared_hellinger, 1),
        (dv.js, dv.squared_hellinger, -1),
        (dv.jeffreys, dv.arithmetic_geometric, 1),
        (dv.kl, dv.pearson_chi2, -1),
        (dv.alpha(3.0), dv.pearson_chi2, 1),
        (dv.neyman_chi2, dv.log1p_abs, 1),
        (dv.neyman_chi2, dv.log1p_abs, -1),
        (dv.hockey_stick(3.0), dv.js, -1),
        (dv.js, dv.hockey_stick(3.0), 1),
        (dv.tv, dv.hockey_stick(0.5), 1),
        (dv.tv, dv.hockey_stick(0.5), -1),
        (dv.skew_kl(0.01), dv.kl, -1),
    ],
    ids=str,
)
def test_the_proven_line_is_below_by_balls(d, given, sign):
    """At ratios from exp(-10000) to exp(10000), far beyond doubles, none of them on the grid."""
    left, right = _grid(d, given)
    with np.errstate(all="ignore"):
        chord = walk(left, right, middle(given), sign, None, around(left, right, middle(given)))
        line, slope = proven(left, right, chord.slope, sign, is_ray=False)
    assert line.total > -math.inf
    rng = np.random.default_rng(0)
    sizes = ((5, 100), (700, 20), (1e4, 10))
    logarithms = [
        *(rng.uniform(-size, size, count) for size, count in sizes),
        *(10.0 ** rng.uniform(-12, 0, (2, 20)) * [[1], [-1]]),
    ]
    rounding = 4 * EPS * (abs(line.a) + abs(line.b))
    for v in np.concatenate(logarithms).tolist():
        with flint.ctx.workprec(int(500 + 10 * abs(v))):
            one, small = flint.arb(1), (-abs(flint.arb(v))).exp()
            p, q = (one, small) if v > 0 else (small, one)
            F, G = perspective_of(d, p, q), perspective_of(given, p, q)
            assert sign * (F - slope * G) >= line.a * p + line.b * q - rounding


def test_boundaries_are_convex_and_concave_and_grow():
    for d, given in ((dv.kl, dv.tv), (dv.tv, dv.kl), (dv.js, dv.squared_hellinger)):
        region = joint_range(d, given, points=25)
        values, finite = region.values, np.isfinite(region.upper)
        assert np.all(np.diff(values) > 0)
        assert values[0] == 0
        assert region.lower[0] == region.upper[0] == 0
        for curve, sign in ((region.lower, 1), (region.upper[finite], -1)):
            x = values[: len(curve)] if sign > 0 else values[finite]
            inner = np.isfinite(curve)
            slopes = np.diff(curve[inner]) / np.diff(x[inner])
            assert np.all(slopes >= -SHARP)
            assert np.all(sign * np.diff(slopes) >= -1e-8)
        assert np.all(region.lower <= region.upper)


def test_the_end_of_a_bounded_range_is_a_point_of_the_curve():
    region = joint_range(dv.tv, dv.squared_hellinger, points=5)
    assert region.values[-1] == 2
    assert region.lower[-1] == pytest.approx(1, rel=1e-13)
    assert region.upper[-1] == pytest.approx(1, rel=1e-13)


# ------------------------------------------------------------------------------------------------- functions of users


def test_a_function_of_a_user_is_bounded_like_the_catalogues():
    mine = dv.from_function(lambda u: u * np.log(u), name="mine")
    truth = least_kl(0.3)
    for extreme in (bound(mine, given=dv.tv, value=0.3).smallest,):
        assert holds(extreme, truth, gap=1e-6)
    exact, coarse = (bound(dv.tv, given=d, value=0.3).largest.bounds for d in (dv.kl, mine))
    assert coarse.contains(exact.value)
    assert coarse.relative_gap <= 1e-6


def test_a_function_with_a_flat_part_says_nothing_there():
    """f = ((u - 1)^2 - 1/4)_+ vanishes for 1/2 <= u <= 3/2."""
    flat = dv.from_function(
        lambda u: np.maximum(np.abs(u - 1) - 1 / 2, 0.0), name="flat", kinks=(0.5, 1.5), f0=0.5, slope=1.0
    )
    largest = bound(dv.tv, given=flat, value=0).largest
    assert largest.bounds.value == pytest.approx(0.25, rel=1e-12)
    assert flat(largest.p, largest.q) <= 1e-15


# ---------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("value", [-0.1, 1.5, math.nan, math.inf])
def test_a_value_out_of_range_is_refused_with_the_range(value):
    with pytest.raises(ValueError, match=r"expected a value in the range of tv, \[0, 1\], got"):
        bound(dv.kl, given=dv.tv, value=value)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match="expected the value of tv to be a number, got 'much'"):
        bound(dv.kl, given=dv.tv, value="much")


def test_a_value_beyond_the_range_of_doubles_is_refused():
    with pytest.raises(ValueError, match=r"expected a value of kl up to 4\d\d\.\d+, got 800\.0; the likelihood ratios"):
        bound(dv.pearson_chi2, given=dv.kl, value=800.0)
    assert bound(dv.tv, given=dv.kl, value=800.0).upper == pytest.approx(1, rel=1e-13)


def test_a_curve_needs_two_points():
    with pytest.raises(ValueError, match="expected at least 2 points, got 1"):
        joint_range(dv.kl, dv.tv, points=1)


def test_contains_and_bounds_of_a_record():
    known = bound(dv.tv, given=dv.squared_hellinger, value=1.0)
    assert known.contains(0.6)
    assert not known.contains(0.4)
    assert not known.contains(0.9)
    assert known.bounds.lower == known.lower
    assert known.bounds.upper == known.upper
