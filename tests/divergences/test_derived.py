"""Renyi, Tsallis, Bhattacharyya and Chernoff: against ball arithmetic of 780 digits, and the theorems about them."""

import itertools
import math

import array_api_strict
import flint
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import divergences as dv
from divergences.derived import bhattacharyya, chernoff, renyi, tsallis
from divergences.testing import channels, close_pairs, pairs, simplexes

EPS = np.finfo(float).eps
TOLERANCE = 18 * EPS  # 4e-15
BITS = 2600  # beside 1 they see a 5e-324, and its square
ORDERS = [0, 1e-12, 0.1, 0.5, 0.7, 1 - 1e-3, 1 - 1e-12, 1, 1 + 1e-12, 1 + 1e-3, 1.5, 2, 3, 10, 100, 1e9, math.inf]
MODERATE = [a for a in ORDERS if a <= 10]
CALLED = [*map(renyi, ORDERS), *map(tsallis, MODERATE), bhattacharyya, chernoff]
every = pytest.mark.parametrize("d", CALLED, ids=str)

# ----------------------------------------------------------------------------------------------------------- the oracle


class Exact:
    """The exactly normalised pair in balls, its affinity and what follows from it by the definitions."""

    def __init__(self, p, q):
        weights = [[flint.arb(float(x)) for x in w] for w in (p, q)]
        p, q = ([x / sum(w, flint.arb(0)) for x in w] for w in weights)
        self.logs = [(x.log(), y.log()) for x, y in zip(p, q, strict=True) if x > 0 and y > 0]
        self.escapes = any(x > 0 and y == 0 for x, y in zip(p, q, strict=True))
        self.kl = sum((x * (x / y).log() for x, y in zip(p, q, strict=True) if x > 0 and y > 0), flint.arb(0))

    def affinity(self, s, power=0):
        """Sum of p^s q^(1-s) log(p/q)^power over the common support."""
        s = flint.arb(s)
        return sum(((s * x + (1 - s) * y).exp() * (x - y) ** power for x, y in self.logs), flint.arb(0))

    def renyi(self, a):
        if (a >= 1 and self.escapes) or not self.logs:
            return math.inf
        if a == 1:
            return self.kl
        if a == math.inf:
            ratios = [x - y for x, y in self.logs]
            return max(ratios, key=float)
        return self.affinity(a).log() / (flint.arb(a) - 1)

    def tsallis(self, a):
        if a == 1 or (a > 1 and self.escapes):
            return self.renyi(a)
        return (self.affinity(a) - 1) / (flint.arb(a) - 1)

    def exponent(self):
        """By 80 halvings of [0, 1]; 1/2 where the affinity is constant."""
        if all((x - y).contains(0) for x, y in self.logs):
            return flint.arb(1) / 2
        low, high = flint.arb(0), flint.arb(1)
        if self.affinity(low, 1) >= 0:
            return low
        if self.affinity(high, 1) <= 0:
            return high
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (low, middle) if self.affinity(middle, 1) > 0 else (middle, high)
        return low

    def chernoff(self):
        return -self.affinity(self.exponent()).log() if self.logs else math.inf


def error(value, truth):
    """Relative; 0 for the same infinity."""
    value = float(value)
    if not isinstance(truth, flint.arb):
        return 0.0 if value == truth else math.inf
    if float(truth) in {0.0, math.inf} or not math.isfinite(value):  # exact zeros, and what no double can hold
        return 0.0 if value == float(truth) else math.inf
    return abs(float((flint.arb(value) - truth) / truth))


def log_uniform(rng, n, smallest):
    return np.exp(rng.uniform(np.log(smallest), 0.0, size=n))


def dirichlet(rng, n):
    weights = rng.exponential(size=n)
    return weights / weights.sum()


def battery():
    """Pairs by name; weights of any mass."""
    rng = np.random.default_rng(0)
    found = {f"ordinary {n}": (dirichlet(rng, n), dirichlet(rng, n)) for n in (2, 10, 50)}
    for k in range(2, 13):
        q = dirichlet(rng, 20)
        p = q * (1 + 10.0**-k * rng.normal(size=20))
        found[f"1e-{k} apart"] = (p / p.sum(), q)
        found[f"1e-{k} apart, any mass"] = (p * 7e5, q / 3.3)
    for smallest in (1e-5, 1e-30, 1e-300, 5e-324):
        found[f"magnitudes to {smallest}"] = (log_uniform(rng, 20, smallest), log_uniform(rng, 20, smallest))
        q = log_uniform(rng, 20, smallest)
        changed = np.where((rng.random(20) < 0.5) & (q < q.max()), np.exp(rng.normal(size=20)), 1.0)
        found[f"small entries to {smallest} differ"] = (q * changed, q)
    p, q = dirichlet(rng, 20), dirichlet(rng, 20)
    p[:5], q[3:9] = 5e-324 * rng.integers(1, 1000, size=5), 5e-324 * rng.integers(1, 1000, size=6)
    found["subnormal"] = (p, q)
    for name, left, right in (("in p", 3, 0), ("in q", 0, 3), ("in both", 3, 5), ("disjoint", 15, 15)):
        p, q = dirichlet(rng, 30), dirichlet(rng, 30)
        p[:left], q[30 - right :] = 0, 0
        found[f"zeros {name}"] = (p, q)
    q[20] = 1e-200
    found["nearly disjoint"] = (p, q)
    found["largest double"] = (np.array([0.5, 0.5]), np.array([1 - 1e-16, 1e-300]))
    found["beyond the largest double"] = (np.array([0.5, 0.5]), np.array([1.0, 5e-324]))
    found["rare and likelier"] = (np.array([1e-31, 1.0]), np.array([0.49e-31, 1.0 + 1e-9]))
    found["rare by far likelier"] = (np.array([1e-200, 1.0]), np.array([3.3e-300, 1.0]))
    found["one inside the other"] = (np.array([1.0, 0.0]), np.array([0.25, 0.75]))
    found["equal where common"] = (np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.0, 0.5]))
    return found


BATTERY = battery()
pair_of = pytest.mark.parametrize("name", BATTERY)


@pytest.fixture(autouse=True)
def precision():
    with flint.ctx.workprec(BITS):
        yield


# -------------------------------------------------------------------------------------------------------- to all digits


@pair_of
def test_renyi_of_every_order_to_the_last_digits(name):
    p, q = BATTERY[name]
    exact = Exact(p, q)
    for a in ORDERS:
        assert error(renyi(a)(p, q, normalize=True), exact.renyi(a)) <= TOLERANCE, a


@pair_of
def test_tsallis_to_the_last_digits(name):
    """At large orders the rounding of the masses counts a times: beside the tolerance, log(n) units for each."""
    p, q = BATTERY[name]
    exact = Exact(p, q)
    for a in ORDERS[:-1]:
        allowed = TOLERANCE + (a * math.log2(len(p)) * EPS / 2 if a > 10 else 0.0)
        assert error(tsallis(a)(p, q, normalize=True), exact.tsallis(a)) <= allowed, a


@pair_of
def test_bhattacharyya_and_chernoff_to_the_last_digits(name):
    p, q = BATTERY[name]
    exact = Exact(p, q)
    half = exact.renyi(0.5)
    assert error(2 * bhattacharyya(p, q, normalize=True), half) <= TOLERANCE
    assert error(chernoff(p, q, normalize=True), exact.chernoff()) <= TOLERANCE
    assert chernoff.exponent(p, q, normalize=True) == pytest.approx(float(exact.exponent()), abs=1e-12)


@given(st.one_of(pairs(), close_pairs()))
def test_any_pair(pair):
    """Differences are right up to the square of eps: of what is closer, digits are lost."""
    exact = Exact(*pair)
    for a in (0, 1e-12, 0.3, 0.5, 1 - 1e-12, 1, 1 + 1e-12, 2, 3, 10):
        truth = float(exact.renyi(a))
        floor = 8 * max(a, 1) * (min(truth, 1.0) ** 0.5 * EPS**2 + EPS**4)
        assert renyi(a)(*pair) == pytest.approx(truth, rel=TOLERANCE, abs=floor), a
    truth = float(exact.chernoff())
    assert chernoff(*pair) == pytest.approx(truth, rel=TOLERANCE, abs=8 * min(truth, 1.0) ** 0.5 * EPS**2 + EPS**4)


def test_a_million_outcomes():
    """Each of a thousand pairs of entries a thousand times: the sum has a thousand terms."""
    rng = np.random.default_rng(1)
    p, q = dirichlet(rng, 1000), dirichlet(rng, 1000)
    exact, order = Exact(p, q), rng.permutation(10**6)
    p, q = (np.repeat(x, 1000)[order] for x in (p, q))
    for a in (0.3, 1 - 1e-12, 2, math.inf):
        assert error(renyi(a)(p, q, normalize=True), exact.renyi(a)) <= TOLERANCE


@pytest.mark.parametrize("name", ["ordinary 10", "1e-9 apart", "zeros in p", "magnitudes to 1e-30"])
@pytest.mark.parametrize("order", [0, 1, math.inf])
def test_continuity_in_the_order(name, order):
    """R_0, R_1 and R_inf are the limits, approached at the rate of the change of the order."""
    p, q = BATTERY[name]
    limit = renyi(order)(p, q, normalize=True)
    assert 0 < limit < math.inf or name == "magnitudes to 1e-30" or order == 0
    steps = [1e-9, 1e-12, 1e-15] if order != math.inf else [1e-7, 1e-10, 1e-13]
    for step in steps:
        near = renyi(order + step if order != math.inf else 1 / step)(p, q, normalize=True)
        assert near == pytest.approx(limit, rel=1e4 * step + TOLERANCE, abs=1e4 * step)


# ------------------------------------------------------------------------------------------------------------ relations


@pair_of
def test_known_orders(name):
    p, q = BATTERY[name]

    def of(d):
        return float(d(p, q, normalize=True))

    close = {"rel": 2 * TOLERANCE, "abs": 0.0}
    assert of(renyi(1)) == pytest.approx(of(dv.kl), **close)
    assert of(renyi(0.5)) == pytest.approx(2 * of(bhattacharyya), **close)
    chi2 = of(dv.pearson_chi2)
    assert chi2 == math.inf or of(renyi(2)) == pytest.approx(math.log1p(chi2), **close)
    for a in (0.3, 0.5, 1 - 1e-12, 1, 1 + 1e-12, 2, 3):
        assert of(tsallis(a)) == pytest.approx(a * of(dv.alpha(a)), **close)
    assert of(tsallis(0.5)) == pytest.approx(of(dv.squared_hellinger), **close)
    assert of(tsallis(0)) == pytest.approx(-math.expm1(-of(renyi(0))), **close)


@pair_of
def test_skew_symmetry(name):
    """(1 - a) R_a(P, Q) = a R_{1-a}(Q, P)."""
    p, q = BATTERY[name]
    for a in (2.0**-40, 0.25, 0.5, 0.75):
        left, right = (1 - a) * renyi(a)(p, q, normalize=True), a * renyi(1 - a)(q, p, normalize=True)
        assert left == pytest.approx(right, rel=2 * TOLERANCE, abs=0.0)


@given(st.one_of(pairs(), close_pairs()))
def test_renyi_never_decreases_in_the_order(pair):
    values = [float(renyi(a)(*pair)) for a in ORDERS]
    for below, above in itertools.pairwise(values):
        assert below <= above * (1 + 2 * TOLERANCE) + 1e-30


@every
@given(st.data())
def test_data_processing_inequality(d, data):
    p, q = data.draw(pairs())
    channel = data.draw(channels(len(p)))
    assume(all(np.array_equal(x @ channel > 0, (x > 0) @ (channel > 0)) for x in (p, q)))  # products may underflow to 0
    before, after = d(p, q, normalize=True), d(p @ channel, q @ channel, normalize=True)
    rounding = 16 * len(p) * EPS  # of the outputs, which is a change of p and q
    power = d.a if isinstance(d, tsallis) and d.a > 1 else 1
    assert after <= before * (1 + 2 * power * rounding) + rounding


@given(pairs(size=3), pairs(size=4), st.sampled_from([0, 0.3, 0.5, 1, 2, 10, math.inf]))
def test_renyi_of_independent_pairs_is_the_sum(first, second, a):
    p, q = (np.outer(x, y).ravel() for x, y in zip(first, second, strict=True))
    terms = [float(renyi(a)(*pair)) for pair in (first, second)]
    lost = any(
        (w == 0).sum() > (np.outer(x == 0, [1] * 4) | (y == 0)).sum()
        for w, x, y in ((p, first[0], second[0]), (q, first[1], second[1]))
    )  # products below the smallest double
    if not lost and min(p[p > 0].min(), q[q > 0].min()) > np.finfo(float).tiny:
        # each product is rounded: q by EPS, which changes log(p/q) by as much
        assert renyi(a)(p, q, normalize=True) == pytest.approx(sum(terms), rel=1e-13, abs=8 * EPS)


# ------------------------------------------------------------------------------------------------------------- Chernoff


@given(st.one_of(pairs(), close_pairs()))
def test_chernoff_between_bhattacharyya_and_either_kl(pair):
    p, q = pair
    value = chernoff(p, q)
    slack = 1 + TOLERANCE
    assert bhattacharyya(p, q) <= value * slack + EPS**2
    assert value <= min(dv.kl(p, q), dv.kl(q, p)) * slack + EPS**2
    assert value == pytest.approx(chernoff(q, p), rel=TOLERANCE, abs=EPS**2)


@pytest.mark.parametrize("name", ["ordinary 2", "ordinary 10", "zeros in p", "zeros in both", "one inside the other"])
def test_chernoff_is_the_maximum_over_a_grid(name):
    p, q = (x / x.sum() for x in BATTERY[name])
    s = np.linspace(0, 1, 100_001)[1:-1, None]
    common = (p > 0) & (q > 0)
    powers = -np.log((p[common] ** s * q[common] ** (1 - s)).sum(axis=-1))
    best = powers.max()
    assert best <= chernoff(p, q) * (1 + TOLERANCE)
    slope = np.abs(np.log(p[common] / q[common])).max()  # between two points of the grid, and before its ends
    assert chernoff(p, q) <= best + slope * 1e-5
    assert chernoff.exponent(p, q) == pytest.approx(float(s[powers.argmax(), 0]), abs=1.1e-5)


@pytest.mark.parametrize("name", ["ordinary 2", "ordinary 50", "1e-2 apart", "1e-5 apart", "magnitudes to 1e-05"])
def test_at_the_exponent_both_are_equally_far(name):
    """KL(P_s || P) = KL(P_s || Q) = C(P, Q) for P_s proportional to p^s q^(1-s)."""
    p, q = (x / x.sum() for x in BATTERY[name])
    s = float(chernoff.exponent(p, q))
    assert 0 < s < 1
    mixed = p**s * q ** (1 - s)
    mixed /= mixed.sum()
    apart = float(np.abs(np.log(p / q)).max())
    for end in (p, q):
        assert dv.kl(mixed, end) == pytest.approx(chernoff(p, q), rel=1e-12, abs=100 * EPS * apart)


def test_exponents_where_they_are_not_inside():
    assert chernoff.exponent([0.3, 0.7], [0.3, 0.7]) == 0.5
    assert chernoff.exponent([1, 0], [0, 1]) == 0.5
    assert chernoff([1, 0], [0, 1]) == math.inf
    assert chernoff.exponent([1, 0], [0.25, 0.75]) == 0
    assert chernoff([1, 0], [0.25, 0.75]) == pytest.approx(math.log(4), rel=TOLERANCE)
    assert chernoff.exponent([0.25, 0.75], [1, 0]) == 1
    assert chernoff.exponent([0.5, 0.5, 0], [0.5, 0, 0.5]) == 0.5
    assert chernoff([0.5, 0.5, 0], [0.5, 0, 0.5]) == pytest.approx(math.log(2), rel=TOLERANCE)
    assert chernoff.exponent(np.array([[1, 0], [0.5, 0.5]]).T, np.array([[0.25, 0.75]] * 2).T, axis=0)[0] == 0


# ------------------------------------------------------------------------------------------- totality, distances, names


@every
@given(pair=st.one_of(pairs(), close_pairs()))
def test_never_negative_nor_nan_and_zero_at_equal_arrays(d, pair):
    assert d(*pair) >= 0
    assert d(pair[0], pair[0]) == 0
    assert not math.copysign(1, d(pair[1], pair[1])) < 0


@every
@given(pair=pairs(size=4))
def test_infinite_only_where_true(d, pair):
    p, q = pair
    disjoint, escapes = not np.any((p > 0) & (q > 0)), bool(np.any((p > 0) & (q == 0)))
    if isinstance(d, tsallis) and d.a > 1:
        assert not escapes or d(p, q) == math.inf  # and beyond the largest double
    elif isinstance(d, renyi | tsallis) and d.a >= 1:
        assert math.isinf(d(p, q)) == escapes
    elif isinstance(d, tsallis):
        assert d(p, q) <= 1 / (1 - d.a) * (1 + TOLERANCE)
    else:
        assert math.isinf(d(p, q)) == disjoint


@given(simplexes(size=5), simplexes(size=5), simplexes(size=5))
def test_the_root_of_tsallis_one_half_is_a_metric(x, y, z):
    distance = tsallis(0.5).distance
    assert distance(x, z) <= distance(x, y) + distance(y, z) + 4 * EPS
    assert distance(x, y) == pytest.approx(dv.squared_hellinger.distance(x, y), rel=TOLERANCE, abs=EPS)


@pytest.mark.parametrize("d", [renyi(0.5), renyi(math.inf), tsallis(2), bhattacharyya, chernoff], ids=str)
def test_no_distance_is_given_where_there_is_none(d):
    with pytest.raises(
        TypeError, match=r"expected a divergence with a metric power, got .*; no power of it is a metric"
    ):
        d.distance([0.5, 0.5], [0.25, 0.75])


@pytest.mark.parametrize("d", [bhattacharyya, chernoff, renyi(0.5)], ids=str)
def test_no_power_is_a_metric(d):
    """A third distribution is at finite values from two at an infinite one."""
    p, middle, q = [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]
    assert d(p, q) == math.inf > max(d(p, middle), d(middle, q))


def test_orders_outside_the_domain_are_refused():
    for order in (-1, -math.inf, math.nan):
        with pytest.raises(ValueError, match="expected a of renyi to be in its domain, 0 <= a <= inf, got"):
            renyi(order)
    with pytest.raises(ValueError, match="expected a of tsallis to be in its domain, 0 <= a < inf, got inf"):
        tsallis(math.inf)
    with pytest.raises(TypeError, match="expected a of renyi to be a number, got 'two'"):
        renyi("two")


def test_names_and_values():
    assert repr(renyi(0.5)) == "divergences.renyi(0.5)"
    assert repr(tsallis(2)) == "divergences.tsallis(2.0)"
    assert (repr(bhattacharyya), chernoff.name) == ("divergences.bhattacharyya", "chernoff")
    assert renyi(2) == renyi(2.0) != tsallis(2)
    assert len({renyi(2), renyi(2.0)}) == 1


# ------------------------------------------------------------------------------------------------------ array libraries


P, Q = [0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25]


@every
def test_batches_and_axes(d):
    value = d(P, Q)
    assert isinstance(value, np.float64)
    assert d(np.array([P, Q]), np.array(Q)).tolist() == [value, 0.0]
    assert d(np.array([P, Q]).T, np.array([Q, Q]).T, axis=0).tolist() == [value, 0.0]
    assert d(np.array([P, Q])[:, None], np.array([P, Q])[None]).shape == (2, 2)
    assert d(np.zeros((0, 4)), np.array(Q)).shape == (0,)
    rng = np.random.default_rng(0)
    p, q = (log_uniform(rng, (6, 5), 1e-300) for _ in range(2))
    q[0], p[1, 0], q[2, :2] = p[0], 0, 0
    together = d(p, q, normalize=True)
    alone = [float(d(*rows, normalize=True)) for rows in zip(p, q, strict=True)]
    assert together.tolist() == pytest.approx(alone, rel=TOLERANCE, abs=0.0)


@every
def test_dtypes_and_libraries(d):
    p, q = np.array(P, np.float32), np.array(Q, np.float32)
    value = d(p, q)
    exact = float(d(p.astype(float), q.astype(float), normalize=True))
    assert value.dtype == np.float32
    assert value == pytest.approx(exact, rel=float(np.finfo(np.float32).eps) / 2)
    for kind in (torch.float32, torch.float64):
        x, y = (torch.tensor(w, dtype=kind) for w in (P, Q))
        assert d(x, y).dtype == kind
    assert d(x, y).item() == pytest.approx(float(d(P, Q)), rel=TOLERANCE)
    strict = d(*(array_api_strict.asarray(w) for w in (P, Q)))
    assert type(strict) is type(array_api_strict.asarray(0.0))
    assert float(strict) == pytest.approx(float(d(P, Q)), rel=TOLERANCE)


def test_the_exponent_in_every_library():
    value = chernoff.exponent(P, Q)
    assert chernoff.exponent(torch.tensor(P, dtype=torch.float64), Q).item() == pytest.approx(value, abs=1e-12)
    strict = chernoff.exponent(*(array_api_strict.asarray(w) for w in (P, Q)))
    assert float(strict) == pytest.approx(value, abs=1e-12)


def test_dask_stays_lazy():
    import dask.array as da

    p, q = (da.from_array(np.array([w, Q]), chunks=(1, 4)) for w in (P, Q))
    for d in (renyi(2), chernoff, chernoff.exponent):
        lazy = d(p, q)
        assert isinstance(lazy, da.Array)
        assert lazy.compute().tolist() == [d(P, Q), d(Q, Q)]


ENDS = [
    (P, Q),
    (Q, P),
    (Q, Q),
    ([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]),
    ([0.5, 0.3, 0.2, 0], [0, 0.3, 0.5, 0.2]),
    ([0.25, 0.75, 0, 0], [0.25, 0.75, 0, 0]),
    ([0.4, 0.3, 0.2, 0.1], [0.4 + 1e-9, 0.3 - 1e-9, 0.2, 0.1]),
    ([0.5, 0.5, 0, 0], [1 - 1e-16, 1e-300, 0, 0]),
    ([1, 1e-300, 1e-310, 5e-324], [1, 1e-10, 5e-324, 1e-300]),
]


@pytest.mark.parametrize("d", [d for d in CALLED if not (isinstance(d, tsallis) and d.a > 1)], ids=str)
def test_gradients_are_never_nan(d):
    """At zeros, at p = q, at disjoint supports and over all magnitudes; alone and beside the others."""
    for chosen in (ENDS, *([end] for end in ENDS)):
        p, q = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in zip(*chosen, strict=True))
        value = d(p, q)
        value.sum().backward()
        for gradient in (p.grad, q.grad):
            assert not gradient.isnan().any()
            assert (gradient[value.isinf()] == 0).all()


@every
def test_gradients_are_those_of_differences(d):
    """Along differences of coordinates, which keep the mass; four points, whose error is of the fourth order."""
    points = [np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.15, 0.15, 0.3, 0.4])]
    tensors = [torch.tensor(x, requires_grad=True) for x in points]
    d(*tensors).backward()
    step = 1e-4
    for side in range(2):
        for k in range(3):
            direction = np.zeros(4)
            direction[[k, 3]] = 1, -1

            def along(t, side=side, direction=direction):
                moved = [x + t * direction * (side == i) for i, x in enumerate(points)]
                return float(d(*moved))

            slope = (8 * (along(step) - along(-step)) - (along(2 * step) - along(-2 * step))) / (12 * step)
            gradient = tensors[side].grad
            power = d.a if isinstance(d, tsallis) else 1  # the fifth derivative is that of a power
            scale = max(1.0, float(d(*points))) * max(1.0, power) ** 5
            assert float(gradient[k] - gradient[3]) == pytest.approx(slope, abs=2e-9 * scale, rel=1e-9)


@pytest.mark.parametrize("d", [renyi(0.3), renyi(1), renyi(2), tsallis(2), bhattacharyya, chernoff], ids=str)
def test_jax_compiles_and_differentiates(d):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        p, q = (jax.numpy.asarray(x) for x in zip((P, Q), (Q, P), (Q, Q), strict=True))
        compiled = jax.jit(d)(p, q)
        assert np.asarray(compiled).tolist() == pytest.approx([float(d(P, Q)), float(d(Q, P)), 0.0], rel=TOLERANCE)
        for gradient in jax.grad(lambda p, q: d(p, q)[0], argnums=(0, 1))(p, q):
            assert not np.isnan(np.asarray(gradient)).any()
