"""Plans made of approximate potentials are couplings: never below the optimal value, equal to it where potentials are."""

from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog

import divergences as dv
import gan
from divergences.testing import point_clouds
from gan import couplings, primal

EPS = np.finfo(float).eps
RULES = (
    primal.ExactValue(),
    primal.MonotonePlan(),
    primal.RoundedPlan(),
    primal.ListedPlan(),
    primal.ListedPlan(nearest=1, rounds=1),
    primal.LeastOf(),
    primal.BySize(limit=9),
)
every = pytest.mark.parametrize("rule", RULES, ids=str)


def numbers(data, n, limit=20.0):
    return data.draw(hnp.arrays(np.float64, n, elements=st.floats(-limit, limit)))


def exactly(a, b, cost):
    """The least cost of moving counts a onto counts b, as a rational number: all assignments of single units."""
    i, j = np.repeat(np.arange(len(a)), a), np.repeat(np.arange(len(b)), b)
    c = [[Fraction(v) for v in row] for row in cost[np.ix_(i, j)].tolist()]
    best = min(sum(c[k][v] for k, v in enumerate(order)) for order in permutations(range(len(j))))
    return best / len(i)


def uneven(rng, n):
    """Weights of any size, some of them 0."""
    w = rng.exponential(size=n) * (rng.random(n) < 0.8)
    w[0] += 0.1
    return w / w.sum()


def linear_program(p, q, cost):
    """The value by an interior point method of HiGHS, of which nothing is used here."""
    n, m = cost.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    marginals = np.concatenate([p / p.sum(), q / q.sum()])
    return linprog(cost.ravel(), A_eq=np.vstack([rows, columns])[:-1], b_eq=marginals[:-1], method="highs-ipm").fun


@every
@given(data=st.data(), first=point_clouds(), seed=st.integers(0, 9))
@settings(max_examples=15)
def test_no_plan_is_cheaper_than_the_optimal_one(rule, data, first, seed):
    """Whatever the potentials say: with atoms that coincide and atoms without mass, of both sides as many as come."""
    P = gan.Discrete(*first)
    rng = np.random.default_rng(seed)
    Q = gan.Discrete(rng.integers(-4, 5, size=(rng.integers(1, 9), P.dimension)), None)
    bound = rule.of_points(P, Q, numbers(data, P.size), numbers(data, Q.size))
    assert gan.wasserstein.exact(P, Q).lower <= bound <= _farthest(P, Q) * (1 + 1e-12)


def _farthest(P, Q):
    return np.linalg.norm(P.points[:, None] - Q.points, axis=2).max()


@every
@given(data=st.data(), n=st.integers(1, 4), m=st.integers(1, 4), size=st.integers(4, 5))
@settings(max_examples=15)
def test_no_plan_is_cheaper_than_all_assignments(rule, data, n, m, size):
    """Any costs, against rational arithmetic."""
    a, b = (np.bincount(data.draw(hnp.arrays(int, size, elements=st.integers(0, k - 1))), minlength=k) for k in (n, m))
    cost = data.draw(hnp.arrays(np.float64, (n, m), elements=st.floats(0, 100, width=32)))
    cost[cost < 1e-30] = 0.0
    bound = rule.of_cost(a.astype(float), b.astype(float), cost, numbers(data, n), numbers(data, m))
    assert Fraction(bound) >= exactly(a, b, cost)


@pytest.mark.parametrize("rule", [primal.ListedPlan(), primal.LeastOf(), primal.RoundedPlan()], ids=str)
@pytest.mark.parametrize(("n", "m", "d"), [(1, 6, 2), (7, 7, 2), (30, 45, 2), (40, 25, 5)])
def test_optimal_potentials_lead_to_the_optimal_plan(rule, n, m, d):
    """Against a linear program by another method; the entropic plan is off by its regularisation times log(n m)."""
    rng = np.random.default_rng(n)
    P, Q = (
        gan.Discrete(rng.normal(size=(n, d)), uneven(rng, n)),
        gan.Discrete(rng.normal(size=(m, d)) + 0.5, uneven(rng, m)),
    )
    cost = np.linalg.norm(P.points[:, None] - Q.points, axis=2)
    f, g = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).potentials
    value = linear_program(P.weights, Q.weights, cost)
    entropic = isinstance(rule, primal.RoundedPlan)
    # relative entropy of a plan with respect to its marginals' product is at most log min(n, m); the mass that is left
    # over where scaling stops travels at most the largest distance
    tolerance = cost.mean() * 5e-4 * np.log(n * m) + 2e-4 * cost.max() if entropic else 1e-9 * cost.max()
    assert -1e-9 * cost.max() <= rule.of_points(P, Q, f, g) - value <= tolerance


@given(data=st.data(), first=point_clouds(dimension=1), second=point_clouds(dimension=1))
@settings(max_examples=50)
def test_the_monotone_plan_is_optimal_on_the_line(data, first, second):
    """The integral of the difference of both distribution functions, in rational arithmetic."""
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    bound = primal.MonotonePlan().of_points(P, Q, numbers(data, P.size), numbers(data, Q.size))
    truth = _between_functions(P, Q)
    assert truth <= Fraction(bound) <= truth * (1 + Fraction(8 * EPS)) + Fraction(1, 2**1074)


def _between_functions(P, Q):
    """Dall'Aglio's formula."""
    sides = [([*map(Fraction, M.points[:, 0].tolist())], [*map(Fraction, M.weights.tolist())]) for M in (P, Q)]
    places = sorted({x for points, _ in sides for x in points})
    total = Fraction(0)
    for left, right in pairwise(places):
        below = [
            sum((w for x, w in zip(*side, strict=True) if x <= left), Fraction(0)) / sum(side[1]) for side in sides
        ]
        total += abs(below[0] - below[1]) * (right - left)
    return total


@every
def test_weights_are_normalised_exactly(rule):
    """Masses that are off by 1e-12, on either side of 1, with a distance that is a rational number."""
    p, q = np.array([0.1, 0.2, 0.7]) * (1 + 1e-12), np.array([0.25, 0.75]) * (1 - 1e-12)
    a, b = ([Fraction(w) / sum(map(Fraction, v.tolist())) for w in v.tolist()] for v in (p, q))
    # all of P is left of all of Q, so that W1 is the difference of the means
    truth = sum(w * y for w, y in zip(b, (10, 12), strict=True)) - sum(w * x for w, x in zip(a, (0, 3, 4), strict=True))
    P, Q = gan.Discrete([0.0, 3.0, 4.0], p), gan.Discrete([10.0, 12.0], q)
    bound = Fraction(rule.of_points(P, Q, [0.0, -3.0, -4.0], [10.0, 12.0]))
    slack = 1e-3 if isinstance(rule, primal.RoundedPlan) else 1e-13
    assert truth <= bound <= truth * (1 + Fraction(slack))


@every
def test_every_coupling_costs_a_constant_cost(rule):
    """No rounding downwards: the cost 0.1 is a number that sums and products of doubles miss."""
    rng = np.random.default_rng(7)
    for n, m in ((1, 1), (3, 2), (20, 31)):
        cost = np.full((n, m), 0.1)
        bound = rule.of_cost(uneven(rng, n), uneven(rng, m), cost, rng.normal(size=n), rng.normal(size=m))
        assert 0.1 <= bound <= 0.1 * (1 + 64 * EPS)


@every
def test_the_last_unit_of_mass_is_paid_for(rule):
    """0.1 + 0.2 is not 0.3 in doubles: what is left over has to change groups, at a cost."""
    a, b = np.array([0.3, 0.7]), np.array([0.1, 0.2, 0.7])
    cost = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    p, q = ([Fraction(w) / sum(map(Fraction, v.tolist())) for w in v.tolist()] for v in (a, b))
    truth = abs(p[0] - q[0] - q[1])
    bound = Fraction(rule.of_cost(a, b, cost, np.zeros(2), np.zeros(3)))
    assert 0 < truth <= bound
    if isinstance(rule, primal.ListedPlan) and rule.nearest > 1:
        assert bound <= truth * (1 + Fraction(4 * EPS))


@every
def test_equal_measures_are_at_distance_zero(rule):
    """Optimal potentials of a measure and a permutation of it are 0, wherever the atoms without mass lie."""
    rng = np.random.default_rng(0)
    x, w, order = rng.normal(size=(12, 1)), uneven(rng, 12), rng.permutation(12)
    bound = rule.of_points(gan.Discrete(x, w), gan.Discrete(x[order], w[order]), np.zeros(12), np.zeros(12))
    assert 0 <= bound <= (1e-4 if isinstance(rule, primal.RoundedPlan) else 0.0)
    assert rule.of_points(gan.Discrete([1.0, 1.0]), gan.Discrete([1.0]), [3.0, -3.0], [7.0]) == 0


@every
def test_atoms_without_mass_do_not_count(rule):
    rng = np.random.default_rng(1)
    x, y, f, g = rng.normal(size=(6, 2)), rng.normal(size=(5, 2)), rng.normal(size=6), rng.normal(size=5)
    p, q = np.array([0.0, 0.3, 0.0, 0.2, 0.5, 0.0]), np.array([0.5, 0.0, 0.25, 0.25, 0.0])
    i, j = np.flatnonzero(p), np.flatnonzero(q)
    fewer = rule.of_points(gan.Discrete(x[i], p[i]), gan.Discrete(y[j], q[j]), f[i], g[j])
    x[p == 0], y[q == 0], f[p == 0], g[q == 0] = 1e3, -1e3, 1e6, -1e6
    assert rule.of_points(gan.Discrete(x, p), gan.Discrete(y, q), f, g) == fewer


@pytest.mark.parametrize("rule", [primal.MonotonePlan(), primal.RoundedPlan(), primal.ListedPlan()], ids=str)
@pytest.mark.parametrize("size", [1e-250, 1.0, 1e12, 1e299])
def test_useless_potentials_cost_no_certainty(rule, size):
    """Also where the kernel of the entropic plan would over- or underflow."""
    rng = np.random.default_rng(2)
    a, b, cost = uneven(rng, 20), uneven(rng, 30), rng.random((20, 30)) ** 8
    a[3], b[4] = 1e-300, 5e-324
    for scale in (1e-250, 1.0, 1e250):
        bound = rule.of_cost(a, b, scale * cost, size * rng.normal(size=20), size * rng.normal(size=30))
        exact = dv.emd(a / a.sum(), b / b.sum(), scale * cost).bounds.lower
        assert exact * (1 - 1e-12) <= bound <= scale * cost.max()


def test_more_rounds_list_the_pairs_that_poor_potentials_miss():
    """From constant potentials, one program on the nearest pairs is 5 % off, several are optimal."""
    rng = np.random.default_rng(3)
    P, Q = gan.Discrete(rng.random((150, 2))), gan.Discrete(0.3 * rng.normal(size=(150, 2)) + 0.5)
    zeros, exact = np.zeros(150), gan.wasserstein.exact(P, Q).upper
    once, often = (primal.ListedPlan(3, rounds).of_points(P, Q, zeros, zeros) for rounds in (1, 20))
    assert often <= exact * 1.001 < exact * 1.05 < once


def test_entropic_plans_improve_with_less_entropy():
    rng = np.random.default_rng(4)
    P, Q = gan.Discrete(rng.random((60, 2))), gan.Discrete(rng.random((60, 2)))
    f, g = dv.wasserstein(P.points, Q.points).potentials
    values = [primal.RoundedPlan((e,), 2000).of_points(P, Q, f, g) for e in (1e-1, 1e-2, 1e-3)]
    exact = gan.wasserstein.exact(P, Q).upper
    assert exact < values[2] < values[1] < values[0]
    assert primal.RoundedPlan((1e-1, 1e-3), 2000).of_points(P, Q, f, g) < values[1]


def test_counts_never_exceed_the_masses():
    """Rows and columns of a plan that holds too much are cut to whole units of 2**-52, in exact integers."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        limit = rng.integers(1, 2**52, size=50).astype(float)
        counts = np.floor(rng.random((50, 40)) * rng.random((50, 1)) * 2.0**47)
        share = couplings._shares(counts.sum(1), limit)
        assert np.all(np.floor(counts * share[:, None]).sum(1) <= limit)
        assert np.all(share[counts.sum(1) <= limit] == 1)
    held = 3.0 * 2**50
    assert np.floor(held * couplings._shares(np.array([held]), np.array([held - 1])))[0] <= held - 1


def test_sizes_decide():
    small, large = primal.MonotonePlan(), primal.ListedPlan()
    rule = primal.BySize(limit=12, small=small, large=large)
    rng = np.random.default_rng(6)
    for n, chosen in ((4, small), (5, large)):
        P, Q = gan.Discrete(rng.random((3, 2))), gan.Discrete(rng.random((n, 2)))
        f, g, cost = rng.random(3), rng.random(n), rng.random((3, n))
        assert rule.of_points(P, Q, f, g) == chosen.of_points(P, Q, f, g)
        assert rule.of_cost(P.weights, Q.weights, cost, f, g) == chosen.of_cost(P.weights, Q.weights, cost, f, g)


def test_settings_and_problems_that_are_refused():
    P = gan.Discrete([0.0, 1.0])
    rule = primal.default_upper.large
    with pytest.raises(ValueError, match="values f must hold one number per point"):
        rule.of_points(P, P, [0.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="values g must be finite"):
        rule.of_points(P, P, [0.0, 1.0], [0.0, np.nan])
    with pytest.raises(ValueError, match="expected finite costs of at least 0"):
        rule.of_cost([1.0], [1.0], [[-1.0]], [0.0], [0.0])
    with pytest.raises(ValueError, match="expected finite costs of at least 0"):
        rule.of_cost([1.0], [1.0], [[np.inf]], [0.0], [0.0])
    with pytest.raises(ValueError, match=r"expected a largest cost between 2\*\*-900 and 2\*\*900"):
        rule.of_cost([1.0], [1.0], [[1e-290]], [0.0], [0.0])
    for make in (
        lambda: primal.RoundedPlan(()),
        lambda: primal.RoundedPlan((0.0,)),
        lambda: primal.RoundedPlan(iterations=0),
        lambda: primal.ListedPlan(0),
        lambda: primal.ListedPlan(rounds=0),
        lambda: primal.ListedPlan(tolerance=-1.0),
        lambda: primal.LeastOf(()),
    ):
        with pytest.raises(ValueError, match="to be at least"):
            make()
