"""Kantorovich-Rubinstein duality: value, potential, extension and gradient, against linear programs and 50 digits."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from transport_problems import EPS, measures

from divergences.transport import wasserstein
from divergences.transport.extension import LipschitzExtension
from divergences.transport.kantorovich_dual import kantorovich

LIGHT = settings(deadline=None, max_examples=30)
UNITS = ([1, 1, 1, 2, 3, 3], [7, 8, 9, 9, 10, 10])  # masses 3, 1, 2 and 1, 1, 2, 2, unit by unit


def clouds(seed, n=6, m=7, d=2):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, m)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 1, a / a.sum(), b / b.sum()


def dual_program(x, y, a, b, metric, slope=1.0):
    """The supremum by HiGHS: one variable a point, one constraint an ordered pair of points of the union."""
    z = np.concatenate([x, y])
    distance = cdist(z, z, metric)
    i, j = np.nonzero(~np.eye(len(z), dtype=bool))
    rows = np.zeros((len(i), len(z)))
    rows[np.arange(len(i)), i], rows[np.arange(len(i)), j] = 1, -1
    weights = np.concatenate([a, -b])
    return -linprog(-weights, A_ub=rows, b_ub=slope * distance[i, j], bounds=(None, None)).fun


def at_50_digits(potential, z):
    """F(z) = min v + K |z - w| from the data of the potential, without its code."""
    with mpmath.workdps(50):
        cones = (
            mpmath.mpf(v)
            + mpmath.mpf(potential.lipschitz)
            * mpmath.sqrt(mpmath.fsum((mpmath.mpf(s) - mpmath.mpf(t)) ** 2 for s, t in zip(z, w, strict=True)))
            for v, w in zip(potential.values.tolist(), potential.points.tolist(), strict=True)
        )
        return min(cones)


def attained(k, x, y, a, b):
    """E_a F - E_b F at 50 digits for the exactly normalised weights."""
    with mpmath.workdps(50):
        means = [
            mpmath.fsum(
                mpmath.mpf(m) * at_50_digits(k.potential, p) for p, m in zip(z.tolist(), w.tolist(), strict=True)
            )
            / mpmath.fsum(w.tolist())
            for z, w in ((x, a), (y, b))
        ]
        return means[0] - means[1]


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
@pytest.mark.parametrize("slope", [1, 2.5])
def test_both_linear_programs_meet(metric, slope):
    x, y, a, b = clouds(0)
    k = kantorovich(x, y, a, b, lipschitz=slope, metric=metric)
    assert k.value == pytest.approx(dual_program(x, y, a, b, metric, slope), rel=1e-9)
    assert k.bounds.relative_gap <= 64 * EPS
    assert k.bounds.contains(k.value)


def test_worked_table_is_exact():
    k = kantorovich(*UNITS, lipschitz=2)
    assert (k.bounds.lower, k.bounds.upper) == (14, 14)


@LIGHT
@given(measures(d=2), measures(d=2), st.sampled_from([1, 0.5, 3.7]))
def test_the_potential_attains_a_value_between_the_bounds(p, q, slope):
    (x, a), (y, b) = p, q
    k = kantorovich(x, y, a, b, lipschitz=slope)
    value = attained(k, x, y, a, b)
    assert k.bounds.lower <= value <= k.bounds.upper


@LIGHT
@given(measures(d=2), measures(d=2))
def test_the_bounds_are_tight_up_to_the_rounding_of_the_potential(p, q):
    (x, a), (y, b) = p, q
    k = kantorovich(x, y, a, b)
    assert k.bounds.gap <= 16 * EPS * (np.abs(k.potential.values).max() + k.value)
    assert k.bounds.contains(k.transport.value) or k.bounds.gap == 0


@pytest.mark.parametrize("slope", [1, 3.7])
def test_no_slope_between_any_points_exceeds_the_constant(slope):
    x, y, a, b = clouds(1, 20, 20)
    k = kantorovich(x, y, a, b, lipschitz=slope)
    z = np.concatenate([x, y, np.random.default_rng(0).normal(size=(200, 2)) * 3])
    f, distance = k.potential(z), cdist(z, z)
    noise = 16 * EPS * (np.abs(f).max() + slope * distance.max())
    assert (np.abs(f[:, None] - f) <= slope * distance * (1 + 8 * EPS) + noise).all()
    assert np.max(np.abs(f[:, None] - f)[distance > 0.1] / distance[distance > 0.1]) >= slope * (1 - 1e-12)


@LIGHT
@given(measures(d=1), measures(d=1))
def test_value_is_the_constant_times_the_distance(p, q):
    (x, a), (y, b) = p, q
    t = wasserstein(x, y, a, b)
    for slope in (0.25, 4.0, 1e-3):
        k = kantorovich(x, y, a, b, lipschitz=slope)
        assert Fraction(k.bounds.upper) >= Fraction(slope) * Fraction(t.bounds.lower)
        noise = 16 * EPS * slope * (np.abs(t.potentials[1]).max() + np.abs(x).max() + np.abs(y).max())
        assert k.value == pytest.approx(slope * t.value, rel=8 * EPS, abs=noise)


def test_long_lines_are_certified_by_sorting():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=3000), rng.normal(size=2500) + 0.5
    k = kantorovich(x, y)
    grid = np.sort(np.concatenate([x, y]))
    F, G = (np.searchsorted(np.sort(s), grid[:-1], side="right") / len(s) for s in (x, y))
    assert k.value == pytest.approx(np.sum(np.abs(F - G) * np.diff(grid)), rel=1e-12)
    assert k.bounds.gap <= 64 * EPS * np.abs(k.potential.values).max()
    assert np.mean(k.values[0]) - np.mean(k.values[1]) == pytest.approx(k.value, rel=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_along_coupled_segments_is_the_unit_vector(seed):
    x, y, a, b = clouds(seed, 12, 9, d=3)
    k = kantorovich(x, y, a, b)
    i, j = k.transport.plan.coords
    assert len(i) >= 12
    for t in (0.1, 0.5, 0.9):
        gradient = k.potential.gradient(y[j] + t * (x[i] - y[j]))
        unit = (x[i] - y[j]) / np.linalg.norm(x[i] - y[j], axis=1, keepdims=True)
        # a cone within rounding of the lowest one may be taken: its direction is off by the root of that
        np.testing.assert_allclose(gradient, unit, rtol=0, atol=100 * math.sqrt(EPS))


def test_gradient_is_the_limit_of_differences():
    x, y, a, b = clouds(5)
    k = kantorovich(x, y, a, b, lipschitz=3)
    z, h = np.random.default_rng(1).normal(size=(50, 2)), 1e-6
    differences = [(k.potential(z + h * e) - k.potential(z - h * e)) / (2 * h) for e in np.eye(2)]
    gradient = k.potential.gradient(z)
    np.testing.assert_allclose(gradient, np.stack(differences, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(gradient, axis=1), 3, rtol=8 * EPS)


def test_gradient_at_cusps_and_at_tiny_distances():
    F = LipschitzExtension(np.array([[0.0, 0.0], [10.0, 0.0]]), np.zeros(2), 2.0)
    np.testing.assert_array_equal(F.gradient([[0, 0], [3e-200, 0], [5, 0]]), [[0, 0], [2, 0], [2, 0]])


@given(st.floats(1e-3, 1e3), st.floats(1, 1e6))
@LIGHT
def test_without_a_bound_on_the_slope_two_atoms_are_told_apart_without_limit(d, k):
    assert kantorovich([0], [d], lipschitz=k).value == pytest.approx(k * d, rel=4 * EPS)
    unlimited = kantorovich([0], [d], lipschitz=math.inf)
    assert (unlimited.bounds.lower, unlimited.bounds.upper) == (math.inf, math.inf)
    assert unlimited.potential([0])[0] - unlimited.potential([d])[0] == d


def test_without_a_bound_on_the_slope_equal_measures_are_not_told_apart():
    assert kantorovich([1, 2, 2], [2, 1], b=[2 / 3, 1 / 3], lipschitz=math.inf).value in (0, math.inf)  # 2/3 rounds
    assert kantorovich([1, 2, 2, 3], [2, 3, 1], b=[0.5, 0.25, 0.25], lipschitz=math.inf).value == 0
    assert kantorovich([0.0], [-0.0], lipschitz=math.inf).value == 0


def test_extensions_enclose_every_lipschitz_function_of_the_same_values():
    rng = np.random.default_rng(2)
    points, z, c = rng.normal(size=(15, 3)), rng.normal(size=(300, 3)) * 2, rng.normal(size=3)
    h = lambda w: 2.5 * np.abs(np.linalg.norm(w - c, axis=1) - 1)
    F = LipschitzExtension(points, h(points), 2.5)
    noise = 32 * EPS * (1 + np.abs(F(z)))
    assert (F.smallest(z) <= h(z) + noise).all()
    assert (h(z) <= F(z) + noise).all()
    np.testing.assert_allclose(F(points), h(points), rtol=0, atol=32 * EPS)
    np.testing.assert_allclose(F.smallest(points), h(points), rtol=0, atol=32 * EPS)
    assert (F(z) - F.smallest(z)).max() > 1


def test_points_without_mass_change_nothing():
    x, y, a, b = clouds(3)
    far = np.array([[100.0, 0.0]])
    k = kantorovich(np.concatenate([x, far]), np.concatenate([far, y]), np.append(a, 0), np.append(0, b))
    assert k.value == pytest.approx(kantorovich(x, y, a, b).value, rel=16 * EPS)
    assert k.values[0].shape == (7,)


def test_what_is_no_metric_is_refused():
    x, y, a, b = clouds(4)
    for metric in ("sqeuclidean", lambda u, v: cdist(u, v) ** 2, lambda u, v: cdist(u, v) + 1):
        with pytest.raises(ValueError, match="expected a metric, with"):
            kantorovich(x, y, a, b, metric=metric)
    with pytest.raises(ValueError, match="does not depend on the points"):
        kantorovich(x, y, a, b, metric="seuclidean")


def test_metrics_given_as_functions_are_taken():
    x, y, a, b = clouds(4)
    k = kantorovich(x, y, a, b, metric=lambda u, v: np.sqrt(cdist(u, v)))
    assert k.value == pytest.approx(dual_program(x, y, a, b, lambda s, t: math.sqrt(math.dist(s, t))), rel=1e-9)
    with pytest.raises(ValueError, match="expected the metric 'euclidean' for a gradient"):
        k.potential.gradient(x)


def test_arguments_that_are_refused():
    with pytest.raises(ValueError, match="expected lipschitz to be positive, got 0"):
        kantorovich([0], [1], lipschitz=0)
    with pytest.raises(ValueError, match="expected values of the potential within float64"):
        kantorovich([0, 1e200], [1, 5], lipschitz=1e250)
    k = kantorovich([[0, 0]], [[1, 0]])
    with pytest.raises(ValueError, match=r"points z must have shape \(k, 2\), got shape \(3,\)"):
        k.potential([1, 2, 3])
    with pytest.raises(ValueError, match=r"points z must be finite, but z\[0, 1\] = nan"):
        k.potential([[1, math.nan]])


@LIGHT
@given(measures(d=1), st.sampled_from([1.0, 2.5]), st.integers(0, 99))
def test_extensions_on_the_line_are_those_of_any_space(measure, slope, seed):
    """By sorting, against all pairs in the plane that holds the line."""
    points, values = measure
    z = np.concatenate([points, np.random.default_rng(seed).normal(size=(20, 1)) * 6])
    flat = lambda w: np.concatenate([w, np.zeros_like(w)], axis=1)
    F, G = LipschitzExtension(points, values, slope), LipschitzExtension(flat(points), values, slope)
    noise = 8 * EPS * (1 + slope * np.abs(z).max())
    np.testing.assert_allclose(F(z), G(flat(z)), rtol=0, atol=noise)
    np.testing.assert_allclose(F.smallest(z), G.smallest(flat(z)), rtol=0, atol=noise)
    sharp = np.diff(np.sort(values + slope * np.abs(z - points.T), axis=1)[:, :2], axis=1)[:, 0:1] > 2 * noise
    if len(points) > 1:
        np.testing.assert_array_equal(F.gradient(z)[sharp], G.gradient(flat(z))[:, :1][sharp])
