"""Transport on the circle against the dense linear program, brute force over cuts, weighted medians and POT."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from transport_problems import EPS, measures

from divergences.transport import wasserstein, wasserstein_circle
from divergences.transport.arc import Arc
from divergences.transport.circle import Circle

LIGHT = settings(deadline=None, max_examples=50)


def highs(a, b, cost):
    n, m = cost.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    return linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b])).fun


def tight(t, p):
    """Width of the bounds: of both roots, and of arcs and powers that are off by 3 p + 8 units of roundoff."""
    root = 2 * (4 + abs(math.log(t.cost)) / p) if t.cost else 0
    return (root + (3 * p + 8) / p + 4) * EPS * t.value


def arc(x, y, period):
    """The distance as an exact rational, of points given in [0, period)."""
    d = abs(Fraction(float(x)) - Fraction(float(y)))
    return min(d, Fraction(period) - d)


def best_cut(x, y, period, p):
    """Least p-th power of the distance of uniform measures of one size over all cyclic shifts, in rationals."""
    x, y, n = np.sort(x), np.sort(y), len(x)
    return min(sum(arc(u, v, period) ** p for u, v in zip(x, np.roll(y, k), strict=True)) / n for k in range(n))


@LIGHT
@given(measures(), measures(), st.sampled_from([1, 1.5, 2, 3]), st.sampled_from([1.0, 7.0, 2 * math.pi]))
def test_plan_and_potentials_certify_the_value(first, second, p, period):
    (x, a), (y, b) = first, second
    metric = Arc(period)
    t = wasserstein(x, y, a, b, p=p, metric=metric, method=Circle())
    cost = metric(x, y) ** p
    f, g = t.potentials
    slack = [
        Fraction(c) - Fraction(u) - Fraction(v)
        for row, u in zip(cost, f, strict=True)
        for c, v in zip(row, g, strict=True)
    ]
    assert min(slack) >= 0
    scale = (period / 2) ** p
    assert f @ a + g @ b == pytest.approx(t.cost, abs=64 * EPS * scale)
    plan = t.plan.toarray()
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=4 * EPS)
    np.testing.assert_allclose(plan.sum(axis=0), b, rtol=4 * EPS)
    assert (plan * cost).sum() == pytest.approx(t.cost, rel=64 * EPS)
    assert t.bounds.gap <= tight(t, p) + (64 * EPS) ** (1 / p) * period * (t.cost < 1e-12 * scale)


@settings(deadline=None, max_examples=25)
@given(measures(largest=6), measures(largest=6), st.sampled_from([1, 2, 2.5]))
def test_value_equals_the_linear_program(first, second, p):
    (x, a), (y, b) = first, second
    t = wasserstein_circle(x[:, 0], y[:, 0], a, b, p=p, period=7.0)
    assert t.cost == pytest.approx(highs(a, b, Arc(7.0)(x, y) ** p), abs=1e-7)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 5, 17])
def test_bounds_hold_the_least_value_of_all_cuts(n, p):
    rng = np.random.default_rng(n)
    for x, y in (
        rng.uniform(size=(2, n)),
        rng.integers(0, 8, (2, n)) / 8,
        (rng.uniform(size=n) / 9, 0.9 + rng.uniform(size=n) / 10),
    ):
        cost, t = best_cut(x, y, 1.0, p), wasserstein_circle(x, y, p=p)
        assert Fraction(t.bounds.lower) ** p <= cost <= Fraction(t.bounds.upper) ** p
        assert t.bounds.gap <= tight(t, p) + 1e-15 * (p == 1)


@pytest.mark.parametrize("atom", [0, 1e6, 1e14])
@pytest.mark.parametrize(("n", "m"), [(70, 50), (3000, 3000)])
def test_order_one_is_the_mean_distance_of_the_difference_of_cumulative_masses_from_its_median(n, m, atom):
    rng = np.random.default_rng(0)
    x, y, a, b = rng.uniform(size=n), rng.uniform(size=m), rng.exponential(size=n), rng.exponential(size=m)
    a[0], b[0] = a[0] + atom * n, b[0] + atom * m  # the levels of all others crowd
    a, b = a / a.sum(), b / b.sum()
    z = np.concatenate([x, y])
    order = np.argsort(z)
    difference, gap = np.cumsum(np.concatenate([a, -b])[order]), np.diff(z[order], append=1 + z.min())
    k = np.argsort(difference)
    median = difference[k][np.searchsorted(np.cumsum(gap[k]), gap.sum() / 2)]
    least = gap @ np.abs(difference - median)
    assert wasserstein_circle(x, y, a, b).value == pytest.approx(least, rel=1e-13)


@pytest.mark.parametrize("p", [1, 1.5, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_thousands_of_points_agree_with_pot(p, weighted):
    ot = pytest.importorskip("ot")
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=5000), np.mod(rng.normal(0.3, 0.2, size=6000), 1)
    a, b = (rng.exponential(size=n) if weighted else np.ones(n) for n in (5000, 6000))
    a, b = a / a.sum(), b / b.sum()
    t = wasserstein_circle(x, y, a, b, p=p)
    peer = float(ot.wasserstein_circle(x, y, a, b, p=p)[0])
    assert t.cost == pytest.approx(peer, rel=1e-9)
    assert t.bounds.gap <= tight(t, p)
    i, j = rng.integers(0, 5000, 100_000), rng.integers(0, 6000, 100_000)
    assert np.all(t.potentials[0][i] + t.potentials[1][j] <= Arc().between(x[i], y[j]) ** p)


def test_levels_that_crowd_below_the_digits_of_float64():
    rng = np.random.default_rng(1)
    a, b = np.full(6000, 1e-18), np.full(5000, 1e-18)
    a[0], b[:2] = 1, 0.5
    for _ in range(3):
        x, y = rng.uniform(size=6000), rng.uniform(size=5000) ** 2
        t = wasserstein_circle(x, y, a / a.sum(), b / b.sum(), p=2)
        assert t.cost == pytest.approx(sum(float(arc(x[0], v, 1.0)) ** 2 for v in y[:2]) / 2, rel=1e-12)
        assert t.bounds.gap <= tight(t, 2)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_rotation_costs_its_angle(p):
    rng = np.random.default_rng(2)
    x, w = rng.integers(0, 2**20, 200) / 2**20, rng.exponential(size=200)
    w /= w.sum()
    for angle in (2.0**-20, 0.25, 0.5, 0.75):
        t = wasserstein_circle(x, x + angle, w, w, p=p)
        assert t.value <= min(angle, 1 - angle) * (1 + 8 * EPS)
        assert wasserstein_circle(x + angle, np.flip(x) + angle, w, np.flip(w), p=p).value == 0
    even = np.arange(8) / 8
    assert wasserstein_circle(even, even + 2.0**-9, p=p).value == pytest.approx(2.0**-9, rel=8 * EPS)


@pytest.mark.parametrize("p", [1, 2])
def test_a_shift_by_1e_9_is_resolved_at_the_exact_integers(p):
    rng = np.random.default_rng(3)
    x, w = np.sort(rng.uniform(0.1, 0.9, 400)), rng.exponential(size=400)
    y, w = x + 1e-9 * rng.uniform(-1, 1, 400), w / w.sum()
    assert np.all(np.diff(y) > 0)
    least = sum(Fraction(float(v)) * arc(s, t, 1.0) ** p for v, s, t in zip(w, x, y, strict=True)) / sum(
        map(Fraction, w.tolist())
    )
    bounds = wasserstein_circle(x, y, w, w, p=p).bounds
    assert Fraction(bounds.lower) ** p <= least <= Fraction(bounds.upper) ** p
    assert bounds.relative_gap <= 1e-12


def test_distance_is_the_shorter_arc_to_two_units():
    rng = np.random.default_rng(4)
    x, y = np.concatenate([rng.uniform(size=50), 1e-9 * rng.uniform(size=50)]), 1 - 1e-9 * rng.uniform(size=100)
    for u, v, d in zip(x, y, Arc().between(x, y), strict=True):
        assert abs(Fraction(float(d)) - arc(u, v, 1.0)) <= Fraction(EPS) * arc(u, v, 1.0)
    np.testing.assert_array_equal(
        Arc(24.0)(np.array([[-1.0], [25.0]]), np.array([[-1e-30], [12.0]])), [[1, 11], [1, 11]]
    )


def test_circle_and_line_agree_on_less_than_half_a_turn():
    rng = np.random.default_rng(5)
    x, y = rng.uniform(10, 11, 40), rng.uniform(10, 11, 30)
    for p in (1, 2, 3):
        assert wasserstein_circle(x, y, p=p, period=64.0).value == pytest.approx(
            wasserstein(x, y, p=p).value, rel=1e-13
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Arc(0.0), "expected period to be a positive number, got 0.0; pass the length of the whole circle"),
        (lambda: wasserstein_circle([0], [1], period=math.inf), "expected period to be a positive number, got inf"),
        (lambda: wasserstein_circle([[0, 1]], [[1, 2]]), "expected points on a circle to have one coordinate"),
        (lambda: wasserstein_circle([0], [1], [2]), "weights a must have mass 1"),
    ],
)
def test_errors_teach(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
