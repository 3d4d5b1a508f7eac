"""Large clouds: the road without the cost matrix agrees with the dense program, and proves it."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info
from transport_problems import EPS

from divergences.transport import DenseSimplex, Infeasible, TransportError, wasserstein
from divergences.transport.clouds import Clouds, Interrupted, LazySimplex, arcs, columns, hierarchy, road
from divergences.transport.clouds.arcs import Arcs
from divergences.transport.clouds.finish import certified
from divergences.transport.clouds.program import Optimum, levelling, tight_potentials
from divergences.transport.clouds.progress import Stalled
from divergences.transport.clouds.splitting import split
from divergences.transport.clouds.tiles import tiles
from divergences.transport.roads import PointPair

POINTS = 240


@pytest.fixture(autouse=True)
def _small_levels(monkeypatch):
    """Several levels and blocks already for some hundred points."""
    monkeypatch.setattr(hierarchy, "COARSEST", 40)
    monkeypatch.setattr(road, "settings_for", lambda p: replace(columns.settings_for(p), block=30))
    monkeypatch.setattr(columns, "_LARGE", 100)


def normals(n, d, seed, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def weights(n, seed, spread=1.0):
    w = np.exp(-spread * np.random.default_rng(seed).random(n))
    return w / w.sum()


def lattice(side, shift=0.0):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) + shift


X, Y, W, Z = normals(POINTS, 2, 0), normals(POINTS, 2, 1, 1.0), weights(POINTS, 2), weights(POINTS, 3)
SOME = np.where(np.arange(POINTS) % 3, W, 0) / W[np.arange(POINTS) % 3 != 0].sum()
CIRCLE = np.stack([np.cos(np.arange(POINTS) * 1.7), np.sin(np.arange(POINTS) * 1.7)], axis=1)

CLOUDS = {
    "uniform": (X, Y, None, None),
    "weighted": (X, Y, W, Z),
    "of unequal size": (X, Y[:70], None, None),
    "of very unequal size": (X, Y[:3], W, None),
    "one of a single point": (X, Y[:1], W, None),
    "in ten dimensions": (normals(POINTS, 10, 4), normals(POINTS, 10, 5, 0.5), None, None),
    "with points repeated": (X[: POINTS // 4].repeat(4, axis=0), Y[: POINTS // 3].repeat(3, axis=0), W, Z),
    "of one place": (np.ones((POINTS, 2)), np.ones((POINTS, 2)), W, None),
    "with points without mass": (X, Y, SOME, Z),
    "on lattices": (lattice(15), lattice(15, 0.5), weights(225, 6), None),
    "on one lattice": (lattice(15), lattice(15), weights(225, 6), weights(225, 7)),
    "on far lattices": (lattice(15), lattice(15, 100.0), None, None),
    "on two circles": (CIRCLE, 2 * CIRCLE, None, Z),
    "with heavy tails": (np.tan(X), np.tan(Y), None, None),
    "of masses over nine decades": (X, Y, weights(POINTS, 8, 20.0), weights(POINTS, 9, 20.0)),
    "far apart": (X, Y + 1e3, None, None),
    "in clusters": (1e-3 * X + X.round(), 1e-3 * Y + Y.round(), W, Z),
    "tiny": (1e-6 * X, 1e-6 * Y, None, None),
    "huge": (1e60 * X, 1e60 * Y, None, W),
    "equal": (X, X, None, None),
    "nearly equal": (X, X + 1e-9, None, None),
}


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("name", list(CLOUDS))
def test_the_optimum_is_that_of_the_dense_program(name, p):
    x, y, a, b = CLOUDS[name]
    t, dense = (wasserstein(x, y, a, b, p=p, method=method) for method in (Clouds(threads=2), DenseSimplex()))
    assert t.method in (Clouds(threads=2), DenseSimplex())  # ties may stall the search; then it says so
    assert t.bounds.lower <= dense.bounds.upper
    assert dense.bounds.lower <= t.bounds.upper
    # what the rounding of the costs allows, p times (d / 2 + 2) units each way, that of the root, and twice as much
    assert t.bounds.gap <= 2 * (p * (x.shape[1] + 4) + 20 + abs(np.log(t.value or 1))) * EPS * t.value


@pytest.mark.parametrize("metric", ["cityblock", "chebyshev"])
def test_the_optimum_under_other_metrics_is_that_of_the_dense_program(metric):
    t, dense = (wasserstein(X, Y, W, Z, p=1.5, metric=metric, method=m) for m in (Clouds(), DenseSimplex()))
    assert t.bounds.lower <= dense.bounds.upper
    assert dense.bounds.lower <= t.bounds.upper
    assert t.bounds.gap <= 100 * EPS * t.value


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("name", ["weighted", "with points without mass", "with points repeated", "on lattices"])
def test_plans_have_the_marginals_and_potentials_violate_no_pair(name, p):
    x, y, a, b = CLOUDS[name]
    t = wasserstein(x, y, a, b, p=p, method=Clouds())
    for axis, w, n in ((1, a, len(x)), (0, b, len(y))):
        masses = np.full(n, 1 / n) if w is None else w / w.sum()
        assert np.abs(t.plan.sum(axis=axis) - masses).max() <= 4 * EPS * masses.max()
    f, g = t.potentials
    slack = np.linalg.norm(x[:, None] - y, axis=-1) ** p - f[:, None] - g
    assert slack.min() >= -8 * EPS * np.linalg.norm(x[:, None] - y, axis=-1).max() ** p
    assert slack[t.plan.row, t.plan.col].max() <= 64 * EPS * max(np.abs(f).max(), np.abs(g).max())


def test_points_without_mass_get_the_best_potential():
    x, y, a, b = CLOUDS["with points without mass"]
    f, g = wasserstein(x, y, a, b, p=2, method=Clouds()).potentials
    idle = a == 0
    best = (((x[idle, None] - y) ** 2).sum(axis=-1) - g).min(axis=1)
    np.testing.assert_allclose(f[idle], best, rtol=0, atol=16 * EPS * np.abs(g).max())


@pytest.mark.parametrize("name", ["uniform", "weighted", "on lattices", "equal", "with points repeated"])
@pytest.mark.parametrize("p", [1, 2])
def test_the_simplex_on_all_pairs_without_their_matrix_agrees(name, p):
    x, y, a, b = CLOUDS[name]
    t, dense = (wasserstein(x, y, a, b, p=p, method=method) for method in (LazySimplex(), DenseSimplex()))
    assert str(t.method) == "LazySimplex"
    assert t.bounds.lower <= dense.bounds.upper
    assert dense.bounds.lower <= t.bounds.upper


def test_a_search_that_stalls_leaves_the_problem_to_the_dense_program(monkeypatch):
    monkeypatch.setattr(road, "settings_for", lambda p: replace(columns.settings_for(p), rounds=0))
    t = wasserstein(X, Y, p=2, method=Clouds())
    assert str(t.method) == "DenseSimplex"
    monkeypatch.setattr(road, "FITS", 100)
    t = wasserstein(X, Y, p=2, method=Clouds())
    assert str(t.method) == "LazySimplex"
    with pytest.raises(Stalled, match="expected column generation to end within 0 rounds"):
        wasserstein(X, Y, p=3, method=Clouds())


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_an_interruption_leaves_proven_bounds(p, step):
    told = []

    def stop(progress):
        told.append(progress)
        if len(told) == step:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="is proven") as caught:
        wasserstein(X, Y, W, Z, p=p, method=Clouds(progress=stop))
    bounds, true = caught.value.bounds, wasserstein(X, Y, W, Z, p=p, method=DenseSimplex()).bounds
    assert bounds.lower <= true.upper
    assert true.lower <= bounds.upper
    assert 0 < bounds.gap < 0.4 * bounds.value  # from the level that was complete


@pytest.mark.parametrize("p", [1, 2])
def test_an_interruption_at_the_end_loses_nothing(p):
    def stop(progress):
        if progress.stage == "all" and not progress.violated:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        wasserstein(X, Y, W, Z, p=p, method=Clouds(progress=stop))
    bounds = pickle.loads(pickle.dumps(caught.value)).bounds
    assert bounds.gap <= 1e-9 * bounds.value
    assert bounds.contains(wasserstein(X, Y, W, Z, p=p, method=DenseSimplex()).value)


def test_an_interruption_before_any_solution_leaves_the_bounds_of_any_plan():
    calls = []

    def metric(u, v):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return np.abs(u[:, None] - v).sum(axis=-1)

    with pytest.raises(Interrupted) as caught:
        wasserstein(X, Y, W, Z, metric=metric, method=Clouds())
    true = wasserstein(X, Y, W, Z, metric="cityblock", method=DenseSimplex()).bounds
    assert caught.value.bounds.lower <= true.lower <= true.upper <= caught.value.bounds.upper < math.inf


def test_powers_that_underflow_are_not_taken_for_zero():
    """1e-5 to the power 100 is below the smallest number: nothing is known but an upper bound, and that is an error."""
    for method in (Clouds(), DenseSimplex()):
        with pytest.raises(TransportError, match=r"value >= 0\.0 and value <= 0\.0009765625"):
            wasserstein(1e-5 * np.abs(X), 1e-5 * np.abs(X + 1e-3), p=100, method=method)
    t = wasserstein(X, Y, p=20, method=Clouds())
    assert t.bounds.contains(wasserstein(X, Y, p=20, method=DenseSimplex()).value)


def test_answers_that_are_not_narrow_are_left_to_the_dense_program():
    """p = 100 spreads costs over hundreds of decades."""
    t, dense = (wasserstein(X, Y, p=100, method=method) for method in (Clouds(), DenseSimplex()))
    assert t.bounds.gap <= 1e-12 * t.value
    assert t.bounds.contains(dense.value)


@pytest.mark.parametrize("metric", ["seuclidean", "mahalanobis"])
def test_metrics_scaled_by_all_points_are_left_to_the_matrix(metric):
    with pytest.raises(ValueError, match="expected a problem that Clouds solves"):
        wasserstein(X, Y, metric=metric, method=Clouds())
    assert str(wasserstein(X, Y, metric=metric).method) == "DenseSimplex"


def test_forbidden_pairs_are_left_to_the_matrix():
    def far(limit):
        def metric(u, v):
            distance = np.linalg.norm(u[:, None] - v, axis=-1)
            return np.where(distance <= limit, distance, np.inf)

        return metric

    t = wasserstein(X, Y, metric=far(4.0), method=Clouds())
    assert str(t.method) == "DenseSimplex"
    assert t.value >= wasserstein(X, Y).bounds.lower
    with pytest.raises(Infeasible, match="expected masses that the pairs of finite cost can carry"):
        wasserstein(X, Y, metric=far(0.01), method=Clouds())
    with pytest.raises(ValueError, match="distances must be non-negative numbers"):
        wasserstein(X, Y, metric=lambda u, v: np.where(u[:, :1] > 1, np.nan, 1 + 0 * v[:, 0]), method=Clouds())


def test_threads_are_a_positive_number():
    for threads in (0, -1, 2.5, "a"):
        with pytest.raises(ValueError, match="expected a positive integer of threads"):
            Clouds(threads=threads)


def test_progress_tells_levels_arcs_costs_and_violations():
    told = []
    t = wasserstein(X, Y, W, Z, p=2, method=Clouds(progress=told.append))
    assert [q.level for q in told] == sorted(q.level for q in told)
    assert told[-1].level == told[-1].levels
    assert told[-1].points == (POINTS, POINTS)
    assert told[-1].stage == "all"
    assert told[-1].violated == 0
    np.testing.assert_allclose(told[-1].cost, t.cost, rtol=1e-9)  # before the last refinement


def test_many_points_in_general_position_choose_this_method_and_ties_do_not():
    big, lattice_points = normals(2000, 2, 0), lattice(60)
    masses = None  # the choice does not look at them
    assert Clouds().pays(PointPair(big, big + 1, masses, 2, "euclidean"))
    assert not Clouds().pays(PointPair(big[:300], big, masses, 2, "euclidean"))
    assert not Clouds().pays(PointPair(lattice_points, lattice_points, masses, 2, "euclidean"))
    assert not Clouds().pays(PointPair(big, big, masses, 2, "cosine"))


def test_solutions_at_once_leave_the_threads_of_the_matrix_library_as_they_were():
    before = [pool["num_threads"] for pool in threadpool_info()]
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda seed: wasserstein(X, normals(POINTS, 2, seed), method=Clouds()).value, range(8)))
    assert [pool["num_threads"] for pool in threadpool_info()] == before
    alone = [wasserstein(X, normals(POINTS, 2, seed), method=DenseSimplex()).value for seed in range(8)]
    assert values == pytest.approx(alone, rel=1e-14)


def test_points_whose_squares_underflow_are_refused():
    with pytest.raises(ValueError, match="expected a problem that Clouds solves"):
        wasserstein(1e-200 * X, 1e-200 * Y, method=Clouds())


# ---------------------------------------------------------------------------------------------------------- the parts


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1), st.data())
def test_arcs_are_a_set_of_pairs_in_order(pairs, data):
    row, column = np.array(pairs).T
    listed = Arcs.of(row, column, 4)
    assert list(zip(listed.row.tolist(), listed.column.tolist(), strict=True)) == sorted(set(pairs))
    other = data.draw(st.lists(st.sampled_from(pairs), min_size=1))
    both = Arcs.of(*np.array(other).T, 4)
    assert both in listed
    assert list((listed | both).key) == list(listed.key)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_best_of_each_group_are_the_least(seed, size):
    rng = np.random.default_rng(seed)
    group, value = rng.integers(0, 6, 40), rng.integers(0, 9, 40).astype(float)
    chosen = arcs.best_in_group(group, value, size, 6)
    assert len(set(chosen.tolist())) == len(chosen)
    for k in range(6):
        inside = chosen[group[chosen] == k]
        assert sorted(value[inside]) == sorted(value[group == k])[:size]


@given(st.integers(0, 2**32 - 1))
def test_a_plan_between_cells_splits_into_a_forest_between_points_with_exact_marginals(seed):
    rng = np.random.default_rng(seed)
    cells = rng.integers(1, 6, 3), rng.integers(1, 6, 4)  # points in each cell
    source, target = rng.integers(1, 50, cells[0].sum()), rng.integers(1, 50, cells[1].sum())
    source[0] += max(0, target.sum() - source.sum())
    target[0] += max(0, source.sum() - target.sum())
    starts = [np.cumsum(c) - c for c in cells]
    a, b = np.add.reduceat(source, starts[0]), np.add.reduceat(target, starts[1])
    row, column, flow = split((np.zeros(1, int), np.zeros(1, int), np.array([a.sum()])), a, b)
    i, j, mass = split((row, column, flow), source, target)
    assert (mass > 0).all()
    assert (np.bincount(i, mass, len(source)) == source).all()
    assert (np.bincount(j, mass, len(target)) == target).all()
    where = [np.repeat(np.arange(len(c)), c) for c in cells]
    assert set(zip(where[0][i], where[1][j], strict=True)) == set(zip(row, column, strict=True))
    assert len(mass) < len(source) + len(target)  # a forest has fewer arcs than nodes


def test_levels_keep_mass_and_centre_and_end_with_few_cells():
    order = hierarchy.kd_order(X)
    fine = hierarchy.Level(X[order], np.arange(1, POINTS + 1))
    levels = hierarchy.hierarchy(fine, fine)
    assert levels[-1][0] is fine
    assert len(levels[0][0].mass) <= hierarchy.COARSEST
    for level, _ in levels:
        assert level.mass.sum() == fine.mass.sum()
        np.testing.assert_allclose(level.mass @ level.points, fine.mass @ fine.points, atol=1e-9)
    assert len(set(order.tolist())) == POINTS


@pytest.mark.parametrize(("p", "metric"), [(1, "euclidean"), (2, "euclidean"), (3, "euclidean"), (1, "cityblock")])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_every_pair_of_small_reduced_cost_is_found(p, metric, offset):
    rng = np.random.default_rng(0)
    x, y = X + offset, Y[:100] + offset
    all_pairs = tiles(x, y, p, metric, 2)
    i, j = np.divmod(np.arange(POINTS * 100), 100)
    cost = all_pairs.cost(i, j)
    f, g = rng.normal(size=POINTS), rng.normal(size=100)
    f = (cost.reshape(POINTS, 100) - g).min(axis=1)
    reduced = cost - f[i] - g[j]
    for below in (0.0, 1e-9, 0.1):
        found = all_pairs.near(f, g, below, 24000)
        assert Arcs.of(i[reduced <= below], j[reduced <= below], 100) in found  # those that are exactly tight, too
        if p == 2 and not offset:
            assert len(found) <= np.count_nonzero(reduced <= below + 1e-12)
        assert all_pairs.near(f, g, below, len(found) - 1) is None


def test_least_costs_of_rows_are_those_of_the_matrix():
    for p, metric in ((1, "euclidean"), (2, "euclidean"), (3, "euclidean"), (2, "chebyshev")):
        all_pairs, g = tiles(X, Y, p, metric, 2), np.linspace(0, 1, POINTS)
        i, j = np.divmod(np.arange(POINTS**2), POINTS)
        expected = (all_pairs.cost(i, j).reshape(POINTS, POINTS) - g).min(axis=1)
        np.testing.assert_allclose(all_pairs.transform(g), expected, atol=1e-7)  # roots of cancelled squares


def test_potentials_along_a_plan_are_tight_to_twice_the_precision():
    t = wasserstein(X, Y, W, Z, p=2, method=DenseSimplex())
    plan = t.plan.row.astype(int), t.plan.col.astype(int), np.ones(t.plan.nnz, int)
    all_pairs = tiles(X, Y, 2, "euclidean", 1)
    f, g = tight_potentials(plan, all_pairs, *t.potentials)
    cost = all_pairs.cost(*plan[:2])
    for i, j, c in zip(plan[0], plan[1], cost, strict=True):
        total = sum((Fraction(v) for v in (f.high[i], f.low[i], g.high[j], g.low[j])), Fraction(0))
        assert abs(total - Fraction(c)) <= Fraction(EPS) ** 2 * 1000


def test_parts_of_a_plan_are_levelled_within_what_the_arcs_allow():
    # two matched pairs at 0 and 10: the second pair may be shifted against the first by up to the slack between them
    row, column = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    listed, plan = Arcs.of(row, column, 2), (np.array([0, 1]), np.array([0, 1]), np.array([1, 1]))
    f, g = np.zeros(2), np.zeros(2)
    reduced = np.array([0.0, 3.0, 2.0, 0.0])  # of the pairs 00, 01, 10, 11
    for wanted in (-9.0, -1.0, 0.5, 9.0):
        df, dg = levelling(Optimum(plan, f, g), np.array([0, wanted]), -np.array([0, wanted]), listed, reduced)
        assert (reduced - df[row] - dg[column] >= -1e-12).all()
        assert df[1] - df[0] == pytest.approx(np.clip(wanted, -3, 2), abs=1e-12)
        assert (df == -dg).all()


def test_the_finish_mends_potentials_that_are_slightly_infeasible():
    t = wasserstein(X, Y, W, Z, p=2, method=DenseSimplex())
    noise = 1e-10 * np.random.default_rng(0).normal(size=(2, POINTS))
    flow = np.rint(t.plan.data * 2.0**52).astype(np.int64)
    found = columns.Found((t.plan.row.astype(int), t.plan.col.astype(int), flow), *(np.array(t.potentials) + noise))
    done = certified(tiles(X, Y, 2, "euclidean", 1), found)
    cost = ((X[:, None] - Y) ** 2).sum(axis=-1)
    assert (cost - done.f.high[:, None] - done.g.high >= -16 * EPS * cost.max()).all()
    assert done.gap <= 2.0**-50 * t.cost * 2.0**52
