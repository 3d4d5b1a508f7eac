"""Integral probability metrics against linear programs, scipy, POT, scikit-learn, 40 digits and each other."""

import itertools
import math

import mpmath
import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise as sk

import divergences as dv
from divergences.integral_metrics import (
    Energy,
    FortetMourier,
    Gaussian,
    InverseMultiquadric,
    Laplacian,
    Linear,
    Polynomial,
    RationalQuadratic,
    bounded_lipschitz,
    energy_distance,
    max_sliced_wasserstein,
    median_bandwidth,
    mmd,
    sliced_wasserstein,
    total_variation,
)
from divergences.integral_metrics.slices import line_lengths, random_directions
from divergences.transport import wasserstein

EPS = float(np.finfo(np.float64).eps)
LIGHT = settings(deadline=None, max_examples=25)
KERNELS = [
    Gaussian(0.7),
    Laplacian(1.3),
    RationalQuadratic(0.8, 2.5),
    InverseMultiquadric(0.6),
    Energy(),
    Energy(0.5),
    Energy(1.7),
    Linear(),
    Polynomial(3, 0.5, 1.0),
]


def clouds(seed=0, n=5, m=6, d=2):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, m)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.7, a / a.sum(), b / b.sum()


@st.composite
def overlapping(draw):
    """Two measures on points of a small lattice, so that many are shared."""

    def side():
        points = draw(st.lists(st.tuples(*[st.integers(-2, 2)] * 2), min_size=1, max_size=6))
        weights = np.array(draw(st.lists(st.integers(1, 9), min_size=len(points), max_size=len(points))), dtype=float)
        return np.array(points, dtype=float), weights / weights.sum()

    (x, a), (y, b) = side(), side()
    return x, y, a, b


# ------------------------------------------------------------------------------------------------- total variation


@LIGHT
@given(overlapping())
def test_total_variation_is_that_of_the_merged_masses(pair):
    x, y, a, b = pair
    points = sorted({*map(tuple, x.tolist()), *map(tuple, y.tolist())})
    p, q = ([sum(w[np.all(z == t, axis=1)]) for t in points] for z, w in ((x, a), (y, b)))
    t = total_variation(x, y, a, b)
    assert t.value == pytest.approx(float(dv.tv(p, q)), abs=8 * EPS)
    assert t.bounds.gap <= 2 * EPS
    assert t.witness(x) @ a - t.witness(y) @ b == pytest.approx(t.value, abs=16 * EPS)


@LIGHT
@given(overlapping())
def test_order_one_lies_between_multiples_of_total_variation(pair):
    x, y, a, b = pair
    z = np.unique(np.concatenate([x, y]), axis=0)
    apart = cdist(z, z)[~np.eye(len(z), dtype=bool)]
    least, most = (apart.min(), apart.max()) if len(apart) else (0.0, 0.0)
    tv, w = total_variation(x, y, a, b).bounds, wasserstein(x, y, a, b).bounds
    assert least * tv.lower <= w.upper * (1 + 4 * EPS)
    assert w.lower <= most * tv.upper * (1 + 4 * EPS)


def test_zeros_of_both_signs_are_one_point():
    assert total_variation([0.0], [-0.0]).bounds.upper == 0
    assert total_variation([0.0, 1], [-0.0, 2]).witness([-0.0, 1, 2]).tolist() == [0, 1, 0]
    assert total_variation([[0, 0]], [[0, 0]]).witness([[0, 0]]).tolist() == [0]


# ----------------------------------------------------------------------------------------------- bounded Lipschitz


def bounded_lipschitz_program(x, y, a, b, metric, dudley):
    """The supremum by HiGHS: a variable a point, the height and the slope; a constraint an ordered pair."""
    z = np.concatenate([x, y])
    n = len(z)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    pairs = np.zeros((len(i), n + 2))
    pairs[np.arange(len(i)), i], pairs[np.arange(len(i)), j], pairs[:, n + 1] = 1, -1, -cdist(z, z, metric)[i, j]
    heights = np.concatenate([np.eye(n, n + 2), -np.eye(n, n + 2)])
    heights[:, n] = -1
    limits = np.zeros((1 if dudley else 2, n + 2))
    limits[0, n], limits[-1, n + 1] = 1, 1
    rows = np.concatenate([pairs, heights, limits])
    right = np.concatenate([np.zeros(len(pairs) + 2 * n), np.ones(len(limits))])
    return -linprog(-np.concatenate([a, -b, [0, 0]]), A_ub=rows, b_ub=right, bounds=(None, None)).fun


@pytest.mark.parametrize("ball", [None, FortetMourier()], ids=["Dudley", "FortetMourier"])
@pytest.mark.parametrize("metric", ["euclidean", "cityblock"])
@pytest.mark.parametrize("seed", range(4))
def test_bounded_lipschitz_against_the_linear_program(ball, metric, seed):
    x, y, a, b = clouds(seed, d=1 + seed % 3)
    options = {} if ball is None else {"ball": ball}
    d = bounded_lipschitz(x, y, a, b, metric=metric, **options)
    assert d.value == pytest.approx(bounded_lipschitz_program(x, y, a, b, metric, ball is None), rel=1e-9)
    assert d.bounds.relative_gap <= 256 * EPS


@LIGHT
@given(overlapping())
def test_bounded_lipschitz_lies_below_the_others_and_its_witness_attains_it(pair):
    x, y, a, b = pair
    dudley, fortet = bounded_lipschitz(x, y, a, b), bounded_lipschitz(x, y, a, b, ball=FortetMourier())
    w, tv = wasserstein(x, y, a, b).bounds, total_variation(x, y, a, b).bounds
    assert dudley.bounds.lower <= fortet.bounds.upper <= min(w.upper, 2 * tv.upper) * (1 + 64 * EPS)
    assert fortet.bounds.lower <= 2 * dudley.bounds.upper
    for d, limit in ((dudley, dudley.lipschitz + dudley.height), (fortet, max(fortet.lipschitz, fortet.height))):
        assert limit <= 1
        z = np.concatenate([x, y, np.random.default_rng(0).normal(size=(40, 2)) * 3])
        f = d.witness(z)
        assert np.abs(f).max() <= d.height
        assert (np.abs(f[:, None] - f) <= d.lipschitz * cdist(z, z) + 16 * EPS * 20).all()
        assert d.witness(x) @ a - d.witness(y) @ b == pytest.approx(d.value, abs=64 * EPS)
        assert d.bounds.gap <= 64 * EPS


@pytest.mark.parametrize("distance", [1e-200, 1e-20, 1e-9, 0.3, 1.0, 2.0, 7.0, 1e9, 1e150])
def test_bounded_lipschitz_of_two_atoms(distance):
    """max over L of min(L d, 2 (1 - L)) = 2 d / (2 + d); and min(d, 2)."""
    for d, truth in (
        (bounded_lipschitz([0], [distance]), 2 / (1 + 2 / distance)),
        (bounded_lipschitz([0], [distance], ball=FortetMourier()), min(distance, 2)),
    ):
        assert d.value == pytest.approx(truth, rel=16 * EPS)
        assert d.bounds.relative_gap <= 64 * EPS


def test_weak_convergence_is_seen_by_bounded_lipschitz_and_not_by_total_variation():
    for shift in (1, 1e-3, 1e-9):
        x, y = [[0.0], [1.0]], [[shift], [1 + shift]]
        assert bounded_lipschitz(x, y).value <= shift + EPS  # 1 + shift is rounded
        assert total_variation(x, y).value == (0.5 if shift == 1 else 1)


def test_bounded_lipschitz_of_equal_measures_and_of_no_metric():
    d = bounded_lipschitz([1, 2, 2], [2, 1, 2])
    assert (d.bounds.lower, d.bounds.upper) == (0, 0)
    with pytest.raises(ValueError, match="expected a metric, with"):
        bounded_lipschitz([0, 0.1], [0.4, 0.5], [0.25, 0.75], [0.5, 0.5], metric="sqeuclidean")


# ------------------------------------------------------------------------------------- kernels and energy distance


def scalar(kernel):
    """The kernel at 40 digits, written from its definition."""
    mp = mpmath.mpf
    dot = lambda x, y: mpmath.fsum(s * t for s, t in zip(x, y, strict=True))
    square = lambda x, y: mpmath.fsum((s - t) ** 2 for s, t in zip(x, y, strict=True))
    match kernel:
        case Gaussian(s):
            return lambda x, y: mpmath.exp(-square(x, y) / (2 * mp(s) ** 2))
        case Laplacian(s):
            return lambda x, y: mpmath.exp(-mpmath.sqrt(square(x, y)) / mp(s))
        case RationalQuadratic(s, t):
            return lambda x, y: (1 + square(x, y) / (2 * mp(t) * mp(s) ** 2)) ** -mp(t)
        case InverseMultiquadric(s):
            return lambda x, y: mp(s) / mpmath.sqrt(mp(s) ** 2 + square(x, y))
        case Energy(s):
            norm = lambda x, y: square(x, y) ** (mp(s) / 2) if x != y else mp(0)
            return lambda x, y: norm(x, [0] * len(x)) + norm(y, [0] * len(y)) - norm(x, y)
        case Linear():
            return dot
        case Polynomial(k, s, t):
            return lambda x, y: (mp(s) * dot(x, y) + mp(t)) ** int(k)


def exact_mmd(kernel, x, y, a, b, *, unbiased=False):
    k = scalar(kernel)
    sides = [
        ([[mpmath.mpf(t) for t in p] for p in z.tolist()], [mpmath.mpf(t) for t in w.tolist()])
        for z, w in ((x, a), (y, b))
    ]

    def mean(first, second, *, apart):
        terms = [
            (v * w, v * w * k(p, q))
            for i, (p, v) in enumerate(zip(*first, strict=True))
            for j, (q, w) in enumerate(zip(*second, strict=True))
            if not (apart and i == j)
        ]
        return mpmath.fsum(t for _, t in terms) / mpmath.fsum(m for m, _ in terms)

    own = sum(mean(side, side, apart=unbiased) for side in sides)
    return own - 2 * mean(*sides, apart=False)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_discrepancies_against_40_digits(kernel):
    with mpmath.workdps(40):
        for seed, closeness in ((0, 1.0), (1, 1e-4), (2, 1e-9)):
            x, _, a, _ = clouds(seed, n=5)
            y = x + closeness * clouds(seed + 10, n=5)[0]
            truth = exact_mmd(kernel, x, y, a, a)
            d = mmd(x, y, a, a, kernel=kernel)
            assert d.bounds.lower <= truth <= d.bounds.upper
            assert d.bounds.gap <= 1e-12 * max(1, float(truth))
            y = clouds(seed + 20)[1]
            uniform = np.ones(5), np.ones(6)
            truth = exact_mmd(kernel, x, y, *uniform, unbiased=True)
            d = mmd(x, y, kernel=kernel, unbiased=True)
            assert d.bounds.lower <= truth <= d.bounds.upper
            assert d.bounds.gap <= 1e-11 * max(1, abs(float(truth)))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_the_witness_of_a_discrepancy(kernel):
    x, y, a, b = clouds(3)
    d = mmd(x, y, a, b, kernel=kernel)
    assert d.value > 1e-3
    assert d.witness(x) @ a - d.witness(y) @ b == pytest.approx(d.value, rel=1e-12)
    z = np.random.default_rng(0).normal(size=(7, 2))
    direct = kernel(z, x) @ a - kernel(z, y) @ b
    np.testing.assert_allclose(np.diff(d.witness(z)), np.diff(direct), atol=1e-13)
    assert d.distance.contains(math.sqrt(d.value))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_kernels_are_positive_definite(kernel):
    x = np.random.default_rng(4).normal(size=(40, 3))
    matrix = kernel(x, x)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-14, atol=1e-14)
    assert np.linalg.eigvalsh(matrix).min() >= -40 * 8 * EPS * np.abs(matrix).max()


def test_kernels_are_those_of_scikit_learn():
    x, y, _, _ = clouds(5)
    np.testing.assert_allclose(Gaussian(0.7)(x, y), sk.rbf_kernel(x, y, gamma=1 / (2 * 0.7**2)), rtol=1e-14)
    np.testing.assert_allclose(
        Polynomial(3, 0.5, 1)(x, y), sk.polynomial_kernel(x, y, 3, 0.5, 1), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_allclose(Linear()(x, y), sk.linear_kernel(x, y), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("power", [0.5, 1, 1.5, 2])
def test_energy_distance_is_a_discrepancy(d, power):
    x, y, a, b = clouds(6, 30, 40, d)
    e, m = energy_distance(x, y, a, b, power=power), mmd(x, y, a, b, kernel=Energy(power))
    assert max(e.bounds.lower, m.bounds.lower) <= min(e.bounds.upper, m.bounds.upper)
    direct = 2 * a @ cdist(x, y) ** power @ b - a @ cdist(x, x) ** power @ a - b @ cdist(y, y) ** power @ b
    assert e.value == pytest.approx(direct, rel=1e-12)
    if power == 2:
        assert e.value == pytest.approx(2 * np.sum((a @ x - b @ y) ** 2), rel=1e-12)


@LIGHT
@given(st.integers(0, 10**6))
def test_energy_distance_on_the_line_against_scipy(seed):
    x, y, a, b = clouds(seed, 20, 30, 1)
    y[:5] = x[:5]
    theirs = stats.energy_distance(x[:, 0], y[:, 0], a, b)
    e = energy_distance(x[:, 0], y[:, 0], a, b)
    assert e.distance.value == pytest.approx(theirs, rel=1e-12)
    assert e.bounds.relative_gap <= 32 * EPS


def test_energy_distance_on_the_line_is_fast_and_accurate_for_close_measures():
    x = np.random.default_rng(0).normal(size=200_000)
    shift = 2.0**-30
    e = energy_distance(x, x + shift)
    assert e.bounds.relative_gap <= 32 * EPS
    assert 0 < e.value <= 2 * shift


def test_equal_measures_have_distance_zero():
    for kernel in KERNELS:
        assert mmd([1, 2, 2], [2, 1, 2], kernel=kernel).bounds.upper == 0
    assert energy_distance([1, 2], [2, 1]).distance.value == 0
    assert mmd([1, 2], [2, 1], kernel=Linear()).witness([0, 1]).tolist() == [0, 0]


@pytest.mark.parametrize("kernel", [Gaussian(1.0), Energy(), Polynomial(2)], ids=str)
def test_the_unbiased_estimate_has_the_right_mean(kernel):
    """Over all samples of two and of two, drawn with replacement from two small populations."""
    p, q = np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0])
    truth = mmd(p, q, kernel=kernel).value
    pairs = [(list(s), list(t)) for s in itertools.product(p, repeat=2) for t in itertools.product(q, repeat=2)]
    mean = np.mean([mmd(s, t, kernel=kernel, unbiased=True).value for s, t in pairs])
    assert mean == pytest.approx(truth, rel=1e-12)
    assert np.mean([mmd(s, t, kernel=kernel).value for s, t in pairs]) > truth + 1e-3


def test_an_estimate_below_zero_has_no_root():
    d = mmd([0, 1], [0, 1], kernel=Gaussian(1), unbiased=True)
    assert d.value < 0
    with pytest.raises(ValueError, match="has no root"):
        _ = d.distance


def test_median_bandwidth():
    x, y, _, _ = clouds(7)
    z = np.concatenate([x, y])
    assert median_bandwidth(x, y) == np.median([math.dist(s, t) for s, t in itertools.combinations(z.tolist(), 2)])
    with pytest.raises(ValueError, match="most of which differ"):
        median_bandwidth([1, 1], [1, 1])


def test_arguments_that_kernels_refuse():
    for make in (lambda: Gaussian(0), lambda: Laplacian(-1), lambda: RationalQuadratic(1, math.inf)):
        with pytest.raises(ValueError, match="to be positive and finite"):
            make()
    for make, text in (
        (lambda: Energy(2.5), "at most 2"),
        (lambda: Polynomial(1.5), "integer degree"),
        (lambda: Polynomial(2, 1, -1), "offset of at least 0"),
        (lambda: mmd([0, 1], [1], kernel=Linear(), unbiased=True), "two samples of at least two points"),
        (lambda: mmd([0, 1], [1, 2], [0.5, 0.5], kernel=Linear(), unbiased=True), "with weights"),
    ):
        with pytest.raises(ValueError, match=text):
            make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: bounded_lipschitz([0], [2], ball=FortetMourier), r"Dudley\(\) or FortetMourier\(\), got <class"),
        (lambda: bounded_lipschitz([0], [2], ball="dudley"), "got 'dudley'"),
        (lambda: mmd([0], [1], kernel="rbf"), "expected kernel to be a Kernel, a value such as .*, got 'rbf'"),
        (lambda: mmd([0], [1], kernel=Gaussian, unbiased=True), "got <class"),
        (lambda: energy_distance([0], [1], power="a"), "expected power to be a real number, got 'a'"),
        (lambda: Gaussian("a"), "expected bandwidth to be a real number, got 'a'"),
        (lambda: Polynomial("a"), "expected degree to be a real number, got 'a'"),
        (lambda: sliced_wasserstein([0], [1], directions="a"), "expected directions to be a real number, got 'a'"),
        (lambda: sliced_wasserstein([0], [1], level="a"), "expected level to be a real number, got 'a'"),
        (lambda: max_sliced_wasserstein([0], [1], starts="a"), "expected starts to be a real number, got 'a'"),
    ],
)
def test_values_of_another_type_are_refused(make, text):
    with pytest.raises(TypeError, match=text):
        make()


SCALES = [(-700, 3), (-100, 100), (0, 2000), (30, 100), (600, 1), (1018, 3)]


@pytest.mark.parametrize(("exponent", "p"), SCALES)
def test_sliced_distances_scale_with_the_points(exponent, p):
    """One step along the first axis: |theta_1|^p has the mean Gamma(p / 2 + 1 / 2) / (sqrt(pi) Gamma(p / 2 + 1))."""
    unit = math.ldexp(1.0, exponent)
    s = sliced_wasserstein([[unit, 0.0]], [[0.0, 0.0]], p=p, directions=4000, rng=0).confidence
    mean = math.lgamma(p / 2 + 0.5) - math.lgamma(p / 2 + 1) - math.log(math.pi) / 2
    assert s.lower / unit <= math.exp(mean / p) <= s.upper / unit
    assert s.lower < s.upper < 1.1 * unit
    exact = sliced_wasserstein([[unit, 0.0]], [[0.0, 0.0]], p=2, directions=5, rng=0).value
    assert exact / unit == pytest.approx(math.sqrt(1 / 2), rel=8 * EPS)


@pytest.mark.parametrize(("exponent", "p"), [(-700, 2), (-600, 1), (600, 2), (1018, 1)])
def test_max_sliced_distances_scale_with_the_points(exponent, p):
    unit = math.ldexp(1.0, exponent)
    far = max_sliced_wasserstein([[3 * unit, 0.0], [0.0, 0.0]], [[0.0, unit]] * 2, p=p, rng=0).bounds
    near = max_sliced_wasserstein([[3.0, 0.0], [0.0, 0.0]], [[0.0, 1.0]] * 2, p=p, rng=0).bounds
    assert (far.lower / unit, far.upper / unit) == (near.lower, near.upper)


def test_bounds_of_the_smallest_numbers_stay_bounds():
    tiny = math.ulp(0.0)
    m = max_sliced_wasserstein([[tiny, 0.0]], [[0.0, tiny]], rng=0).bounds
    assert m.lower <= tiny * math.sqrt(2) <= m.upper
    assert m.lower < m.upper  # the root of 2 units is none


def test_powers_of_distances_that_overflow_are_rescued_or_refused():
    unit = math.ldexp(1.0, 600)
    x, y, *_ = clouds(12)
    near, far = energy_distance(x, y).bounds, energy_distance(unit * x, unit * y).bounds
    assert far.lower / unit <= near.upper
    assert near.lower <= far.upper / unit
    assert far.relative_gap < 1e-12
    assert mmd(unit * x, unit * y, kernel=Gaussian(unit)).value == pytest.approx(mmd(x, y, kernel=Gaussian(1)).value)
    # beside a point that is far, those that are near keep their distance
    mixed = mmd([[0.0, 0.0], [unit, 0.0]], [[1.0, 0.0], [unit, 0.0]], kernel=Gaussian(1)).value
    assert mixed == pytest.approx((1 - math.exp(-1 / 2)) / 2, rel=1e-12)
    assert median_bandwidth(unit * x, unit * y) == pytest.approx(unit * median_bandwidth(x, y), rel=1e-14)
    for refused in (
        lambda: mmd(unit * x, unit * y, kernel=Linear()),
        lambda: mmd(unit * x, unit * y, kernel=Polynomial(), unbiased=True),
        lambda: energy_distance(unit * x, unit * y, power=2),
        lambda: median_bandwidth([1.7e308], [-1.7e308]),
        lambda: sliced_wasserstein([1.7e308], [-1.7e308]),
    ):
        with pytest.raises(ValueError, match="within the range of doubles"):
            refused()


# ---------------------------------------------------------------------------------------------------------- slices


@pytest.mark.parametrize("p", [1, 2, 3])
def test_costs_of_projections(p):
    """Against the certified line, weighted and uniform, and against POT on the same directions."""
    x, y, a, b = clouds(8, 6, 9, 3)
    theta = random_directions(20, 3, np.random.default_rng(0))
    for u, v, w, z in ((x, y, a, b), (x, y[:6], np.full(6, 1 / 6), np.full(6, 1 / 6))):
        costs = line_lengths(theta @ u.T, theta @ v.T, w, z, p) ** p
        ours = [wasserstein(u @ t, v @ t, w, z, p=p).cost for t in theta]
        np.testing.assert_allclose(costs, ours, rtol=1e-13)
        pot = ot.sliced.sliced_wasserstein_distance(u, v, w, z, projections=theta.T, p=p)
        assert np.mean(costs) ** (1 / p) == pytest.approx(pot, rel=1e-12)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_on_the_line_nothing_is_random(p):
    x, y, a, b = clouds(9, d=1)
    s = sliced_wasserstein(x, y, a, b, p=p, directions=5, rng=0)
    assert s.value == pytest.approx(wasserstein(x, y, a, b, p=p).value, rel=64 * EPS)
    assert s.confidence.relative_gap <= 1e-14


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_translation_is_worth_its_length_over_the_root_of_the_dimension(d):
    rng = np.random.default_rng(d)
    x, t = rng.normal(size=(30, d)), rng.normal(size=d)
    s = sliced_wasserstein(x, x + t, p=2, directions=10, rng=rng)
    assert s.value == pytest.approx(np.linalg.norm(t) / math.sqrt(d), rel=1e-12)
    assert np.mean(s.costs) == pytest.approx(np.mean((s.directions @ t) ** 2), rel=1e-12)


@pytest.mark.parametrize("p", [1, 2])
def test_sliced_distances_stay_below(p):
    """SW_p <= c_p W_p with c_p^p = E|theta_1|^p, by the optimal plan; here by its confidence interval."""
    x, y, a, b = clouds(10, 15, 20, 3)
    factor = {1: 1 / 2, 2: 1 / math.sqrt(3)}[p]
    w = wasserstein(x, y, a, b, p=p).value
    s = sliced_wasserstein(x, y, a, b, p=p, directions=4000, level=0.9999, rng=1)
    assert s.confidence.lower <= factor * w
    assert s.costs.max() ** (1 / p) <= w * (1 + 8 * EPS)


@pytest.mark.parametrize("p", [1, 2])
def test_the_confidence_interval_covers_at_its_level(p):
    """In the plane the mean over directions is an integral over half a turn, here by 720 equidistant angles."""
    x, y, a, b = clouds(11)
    angle = np.pi * (np.arange(720) + 0.5) / 720
    theta = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    truth = np.mean(
        [
            stats.wasserstein_distance(x @ t, y @ t, a, b) if p == 1 else wasserstein(x @ t, y @ t, a, b, p=2).cost
            for t in theta[::p]
        ]
    ) ** (1 / p)
    runs = [sliced_wasserstein(x, y, a, b, p=p, directions=50, level=0.9, rng=s).confidence for s in range(300)]
    hits = sum(c.contains(truth) for c in runs)
    assert stats.binomtest(hits, 300, 0.9).pvalue > 1e-4
    assert np.mean([c.gap for c in runs]) < truth / 2


def test_sliced_arguments_that_are_refused():
    for options, text in (({"directions": 1}, "at least 2 directions"), ({"level": 1.0}, "between 0 and 1")):
        with pytest.raises(ValueError, match=text):
            sliced_wasserstein([0], [1], **options)
    with pytest.raises(ValueError, match="at least 1 start"):
        max_sliced_wasserstein([0], [1], starts=0)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_max_sliced_finds_the_best_direction_in_the_plane(p, seed):
    x, y, a, b = clouds(seed, 8, 9)
    m = max_sliced_wasserstein(x, y, a, b, p=p, rng=0)
    angle = np.pi * np.arange(2000) / 2000
    theta = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    grid = line_lengths(theta @ x.T, theta @ y.T, a, b, p).max()
    radius = np.abs(np.concatenate([x, y])).max() * math.sqrt(2)
    assert grid <= m.value + 1e-9  # nothing on the grid is better
    assert m.bounds.lower <= grid + 2 * radius * np.pi / 4000  # the distance is Lipschitz in the angle
    assert m.bounds.upper == wasserstein(x, y, a, b, p=p).bounds.upper
    assert wasserstein(x @ m.direction, y @ m.direction, a, b, p=p).value == pytest.approx(m.value, rel=64 * EPS)


@pytest.mark.parametrize("p", [1, 2])
def test_max_sliced_of_a_translation_is_the_whole_distance(p):
    x, t = np.random.default_rng(0).normal(size=(20, 4)), np.array([3.0, 0, -4, 0])
    m = max_sliced_wasserstein(x, x + t, p=p, rng=0)
    assert m.bounds.upper - m.bounds.lower <= 1e-13
    np.testing.assert_allclose(np.abs(m.direction), np.abs(t) / 5, atol=1e-7)
    assert m.bounds.contains(5)


def test_mean_of_the_absolute_first_coordinate():
    """The constants c_p used above: E|theta_1| in three dimensions is 1/2."""
    assert quad(lambda u: abs(u) / 2, -1, 1, points=[0])[0] == pytest.approx(1 / 2)
