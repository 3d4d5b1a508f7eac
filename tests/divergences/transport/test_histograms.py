"""Many pairs of histograms under one cost: the values of single problems, whatever road the cost is given."""

import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from transport_problems import EPS

import divergences as dv
from divergences.transport import emd
from divergences.transport.feasibility import Infeasible
from divergences.transport.histograms import SharedCost
from divergences.transport.mass_rows import BITS, MassRows
from divergences.transport.monge import excess, line_gaps

LIGHT = settings(deadline=None, max_examples=60)
GRID = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0)), -1).reshape(-1, 2)
LINE = np.sort(np.random.default_rng(7).random(12))[:, None]
COSTS = {
    "distances in the plane": cdist(GRID, GRID),
    "squared distances": cdist(GRID, GRID, "sqeuclidean"),
    "no structure": np.random.default_rng(0).normal(size=(12, 7)),
    "distances on the line": cdist(LINE, LINE),
    "squares on the line": cdist(LINE, LINE, "sqeuclidean"),
    "between lines": np.exp(-np.add.outer(np.arange(9.0), np.arange(12.0)[::-1]) / 5),
}


def histograms(count, n, seed=0):
    """Rows of mass 1, with entries of 0 and of very different size."""
    rng = np.random.default_rng(seed)
    w = rng.exponential(size=(count, n)) ** 3 * (rng.random((count, n)) < 0.8)
    w[:, 0] += 1e-3
    return w / w.sum(axis=1, keepdims=True)


@st.composite
def small(draw):
    """Masses in sixteenths and integer costs: every value is a dyadic number, found exactly."""
    n, m, pairs = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    cost = np.array(draw(st.lists(st.integers(-6, 9), min_size=n * m, max_size=n * m)), dtype=float).reshape(n, m)
    rng = np.random.default_rng(draw(st.integers(0, 2**30)))
    return cost, rng.multinomial(16, np.full(n, 1 / n), pairs) / 16, rng.multinomial(16, np.full(m, 1 / m), pairs) / 16


@LIGHT
@given(small())
def test_values_of_dyadic_problems_are_enclosed(problem):
    cost, p, q = problem
    b = SharedCost(cost).bounds(p, q)
    for k, truth in enumerate(emd(*pair, cost).bounds for pair in zip(p, q, strict=True)):
        assert truth.gap == 0
        assert b.lower[k] <= truth.value <= b.upper[k]
        assert b.value[k] == pytest.approx(truth.value, abs=4 * EPS * np.abs(cost).max())


@pytest.mark.parametrize("name", COSTS)
def test_bounds_agree_with_those_of_single_problems(name):
    cost = COSTS[name]
    n, m = cost.shape
    p, q = histograms(30, n), histograms(30, m, seed=1)
    b = SharedCost(cost).bounds(p, q)
    assert (b.lower <= b.value).all()
    assert (b.value <= b.upper).all()
    for k in range(30):
        one = emd(p[k], q[k], cost)
        total = (p[k].sum() + q[k].sum()) / 2  # emd gives a total, the other a mean
        size = float(np.abs(one.plan.multiply(cost)).sum())
        assert b.gap[k] <= 1e-12 * size
        assert b[k].lower - 4 * EPS * size <= one.value / total <= b[k].upper + 4 * EPS * size


def test_kinds_of_cost_are_told_apart():
    """The premise of the test above: each road is taken by some cost."""
    on_line = {name for name, cost in COSTS.items() if line_gaps(cost) is not None}
    monge = {name for name, cost in COSTS.items() if excess(cost) < np.inf}
    still = {name for name, cost in COSTS.items() if SharedCost(cost)._program.at_rest}
    assert on_line == {"distances on the line"}
    assert monge == {"distances on the line", "squares on the line", "between lines"}
    assert still == {"distances in the plane", "distances on the line"}


@pytest.mark.parametrize("name", ["distances on the line", "squares on the line", "between lines"])
def test_order_of_the_targets_is_of_no_account(name):
    """A permuted cost is not Monge: the simplex answers, and agrees with the north-west corner."""
    cost = COSTS[name]
    order = np.random.default_rng(2).permutation(cost.shape[1])
    p, q = histograms(20, cost.shape[0]), histograms(20, cost.shape[1], seed=1)
    assert excess(cost[:, order]) == np.inf
    sorted_, mixed = SharedCost(cost).bounds(p, q), SharedCost(cost[:, order]).bounds(p, q[:, order])
    assert (sorted_.lower <= mixed.upper).all()
    assert (mixed.lower <= sorted_.upper).all()


@LIGHT
@given(st.integers(0, 2**30))
def test_excess_is_that_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    cost = rng.integers(-3, 4, size=(4, 3)).astype(float)
    i, j = np.arange(3)[:, None], np.arange(2)
    monge = (cost[i, j] + cost[i + 1, j + 1] <= cost[i, j + 1] + cost[i + 1, j]).all()
    assert excess(cost) == (0 if monge else np.inf)
    assert excess(np.add.outer(np.arange(4.0), np.arange(3.0)) ** 2 * -1) == 0


def test_line_equals_scipy():
    p, q = histograms(40, 12), histograms(40, 12, seed=1)
    x = LINE[:, 0]
    expected = [wasserstein_distance(x, x, u, v) for u, v in zip(p, q, strict=True)]
    np.testing.assert_allclose(SharedCost(COSTS["distances on the line"])(p, q), expected, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name, cost in COSTS.items() if cost.shape[0] == cost.shape[1]])
def test_nearly_equal_histograms_keep_their_digits(name):
    """Both sides scaled by 1 + 1e-13 here and there: the value is judged by the rational one of emd."""
    cost = COSTS[name]
    p = histograms(3, 12)
    q = p * (1 + 1e-13 * np.random.default_rng(3).integers(-5, 6, p.shape))
    b = SharedCost(cost).bounds(p, q)
    for k in range(3):
        u, v = ([Fraction(w) for w in row.tolist()] for row in (p[k], q[k]))
        apart = sum(abs(s / sum(u) - t / sum(v)) for s, t in zip(u, v, strict=True)) / 2
        assert apart > 0
        assert Fraction(b.upper[k]) >= apart * Fraction(float(np.min(cost[cost > 0])))
        assert Fraction(b.lower[k]) <= apart * Fraction(float(cost.max()))
        assert b.gap[k] <= 1e-9 * b.value[k]


def test_equal_histograms_are_at_distance_0():
    p = histograms(5, 12)
    b = SharedCost(COSTS["distances in the plane"]).bounds(p, p)
    assert not np.concatenate([b.lower, b.value, b.upper]).any()


@LIGHT
@given(st.integers(1, 40), st.integers(0, 2**30))
def test_rounded_rows_are_what_they_say(n, seed):
    rng = np.random.default_rng(seed)
    w = np.exp(-40 * rng.random((1, n)))
    w /= w.sum() * (1 + 1e-8 * rng.random())
    rows = MassRows.of(w)
    exact = [Fraction(v) for v in w[0].tolist()]
    for units, added, bits in ((rows.units[0], rows.added[0], BITS), (*(v[0] for v in rows.coarse(52)), 52)):
        assert units.sum() == 2**bits
        assert (units >= 0).all()
        more = sum(max(Fraction(int(k), 2**bits) - v / sum(exact), 0) for k, v in zip(units, exact, strict=True))
        assert more <= Fraction(added)
        assert added <= n * 2.0 ** (1 - bits) + n * 2.0**-58
    f = rng.normal(size=(1, n))
    mean, error = rows.mean(f)
    truth = sum(Fraction(s) * t for s, t in zip(f[0].tolist(), exact, strict=True)) / sum(exact)
    assert abs(Fraction(mean[0]) - truth) <= Fraction(error[0])


def test_leading_axes_broadcast():
    cost = COSTS["no structure"]
    d, p, q = SharedCost(cost), histograms(6, 12).reshape(2, 3, 12), histograms(3, 7)
    assert d(p[0, 0], q[0]).shape == ()
    assert d(p, q).shape == (2, 3)
    table = d(p[:, :, None], q)
    assert table.shape == (2, 3, 3)
    assert table[1, 2, 0] == d(p[1, 2], q[0])
    assert d(np.empty((0, 12)), q[:1]).shape == (0,)


@pytest.mark.parametrize("name", ["distances in the plane", "distances on the line"])
def test_pairwise_takes_it(name):
    d, p = pickle.loads(pickle.dumps(SharedCost(COSTS[name], threads=1))), histograms(9, 12)
    matrix = dv.pairwise(d, p)
    with parallel_config(backend="threading"):
        assert (dv.pairwise(d, p, n_jobs=2) == matrix).all()
    expected = [[emd(u / u.sum(), v / v.sum(), COSTS[name]).value for v in p] for u in p]
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-15)
    assert (matrix == matrix.T).all()


def test_pairwise_does_not_mirror_what_is_not_symmetric():
    cost = np.random.default_rng(4).random((5, 5))
    d, p = SharedCost(cost), histograms(4, 5)
    matrix = dv.pairwise(d, p)
    assert not d.symmetric
    assert matrix[1, 2] == d(p[1], p[2]) != matrix[2, 1]
    assert matrix[3, 3] == d(p[3], p[3]) > 0


def test_threads_give_the_same_bits():
    cost = np.random.default_rng(4).random((40, 40))
    p, q = histograms(400, 40), histograms(400, 40, seed=1)
    assert (SharedCost(cost, threads=1)(p, q) == SharedCost(cost, threads=2)(p, q)).all()


def test_any_positive_mass_on_request():
    d, p, q = SharedCost(COSTS["squares on the line"]), histograms(4, 12), histograms(4, 12, seed=1)
    np.testing.assert_allclose(d(8 * p, q / 8, normalize=True), d(p, q), rtol=1e-14)


def test_forbidden_pairs():
    cost = np.array([[0.0, np.inf], [3.0, 1.0]])
    assert SharedCost(cost)([0.25, 0.75], [0.5, 0.5]) == 1.25
    with pytest.raises(Infeasible):
        SharedCost(cost)([0.75, 0.25], [0.5, 0.5])


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.4], "masses p must have mass 1 (within 1.5e-08), got mass 0.9 in p; divide by the sum"),
        ([[1, 0], [1.5, -0.5]], "masses p must be non-negative and finite (up to 1e+300), but p[1, 1] = -0.5"),
        ([np.nan, 1], "but p[0] = nan; repair or remove"),
        ([1, 0, 0], "masses p must have shape (..., 2), one mass per point of the cost, got shape (3,)"),
    ],
)
def test_bad_rows_are_refused_with_a_reason(p, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SharedCost([[0, 1], [1, 0]])(p, [1, 0])


def test_a_cost_without_entries_is_refused():
    with pytest.raises(ValueError, match="must have a finite entry"):
        SharedCost([[np.inf]])
    with pytest.raises(ValueError, match="cost must be a number"):
        SharedCost([[np.nan]])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SharedCost(5), ValueError, "cost must be a matrix, one row per source and one column per target"),
        (lambda: SharedCost([1, 2]), ValueError, "got shape (2,)"),
        (lambda: SharedCost([]), ValueError, "got shape (0,)"),
        (lambda: SharedCost([[]]), ValueError, "must have a finite entry, got shape (1, 0)"),
        (lambda: SharedCost(np.ma.masked_array([[0.0]], [[True]])), TypeError, "cost.filled(np.inf) forbids"),
        (lambda: SharedCost([[0]], threads=0), ValueError, "threads to be an integer of at least 1, got 0"),
        (lambda: SharedCost([[0]], threads=2.5), TypeError, "threads to be an integer of at least 1, got 2.5"),
        (
            lambda: SharedCost(np.zeros((2, 2)))(np.eye(2), np.full((3, 2), 0.5)),
            ValueError,
            "leading axes that broadcast, one pair for each place, got shapes (2, 2) and (3, 2)",
        ),
    ],
)
def test_costs_threads_and_shapes_are_checked(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_the_pair_without_a_plan_is_named():
    d = SharedCost([[0.0, np.inf], [3.0, 1.0]])
    p = np.array([[[0.25, 0.75]], [[0.75, 0.25]]])
    with pytest.raises(Infeasible, match=r"^pair \[1, 2\]: expected masses") as caught:
        d(p, [[1.0, 0.0], [0.75, 0.25], [0.5, 0.5]])
    assert (caught.value.sources.tolist(), caught.value.excess) == ([0], Fraction(1, 4))
