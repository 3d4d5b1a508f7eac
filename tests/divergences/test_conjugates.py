"""Conjugates and hulls on grids, against closed forms, scipy's optimisers and its convex hull, and 50 digits."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog, minimize_scalar

import divergences as dv
from divergences.conjugates import biconjugate, convex_hull, legendre_transform

EPS = np.finfo(float).eps
RATIOS = np.geomspace(1e-6, 1e6, 400)

CONVEX = [
    (lambda u: u * np.log(u), lambda t: math.exp(t - 1), [-3.0, 0.0, 1.0, 4.0]),
    (lambda u: (u - 1) ** 2, lambda t: t + t**2 / 4, [-1.9, 0.0, 1.0, 10.0]),
    (lambda u: -np.log(u), lambda t: -1 - math.log(-t), [-5.0, -1.0, -1e-2]),
    (lambda u: np.abs(u - 1) / 2, lambda t: t, [-0.4, 0.0, 0.4]),
    (lambda u: np.maximum(u - 3, 0.0), lambda t: 3 * t, [0.1, 0.5, 0.9]),
]


@pytest.mark.parametrize(("f", "conjugate", "slopes"), CONVEX)
def test_the_search_encloses_the_closed_conjugate(f, conjugate, slopes):
    found = legendre_transform(f, slopes, u=RATIOS)
    exact = np.array([conjugate(t) for t in slopes])
    rounding = 8 * EPS * (1 + np.abs(exact) + np.abs(found.argument * slopes))
    assert np.all(found.lower <= exact + rounding)
    assert np.all(exact <= found.upper + rounding)
    assert np.all(found.error <= 1e-9 * (1 + np.abs(exact)))
    assert np.all(found.lower == found.argument * slopes - f(found.argument))


@pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
def test_the_search_encloses_the_conjugate_of_every_divergence(d):
    """A second road to the catalogue: a search against the closed or inverted conjugate."""
    slopes = [float(d.optimal_critic(v)) for v in (-3.0, -0.5, 0.3, 2.0)]
    found = legendre_transform(d.f, slopes, u=RATIOS)
    exact = np.array([d.conjugate(t) for t in slopes])
    rounding = 32 * EPS * (1 + np.abs(exact) + np.abs(found.argument * slopes) + np.abs(d.f(found.argument)))
    assert np.all(found.lower <= exact + rounding)
    assert np.all(exact <= found.upper + rounding)


@given(t=st.floats(-5.0, 5.0))
def test_scipy_finds_the_same_supremum(t):
    def f(u):
        return (u - 1) ** 4 + np.exp(u)

    found = legendre_transform(f, t, u=np.linspace(0.0, 5.0, 50))
    best = minimize_scalar(lambda u: f(u) - u * t, bounds=(0.0, 5.0), method="bounded", options={"xatol": 1e-10})
    assert found.lower.shape == ()
    assert found.lower == pytest.approx(-best.fun, abs=1e-9)
    assert -best.fun <= found.upper + 8 * EPS * (1 + abs(best.fun))


def test_fifty_digits_lie_between_the_bounds_of_jeffreys():
    """Its conjugate needs Lambert's function: w + 1/w + t - 2, w = W(exp(1 - t))."""
    slopes = np.array([-4.0, 0.0, 0.5, 3.0])
    found = legendre_transform(lambda u: (u - 1) * np.log(u), slopes, u=RATIOS)
    with mpmath.workdps(50):
        for t, lower, upper in zip(slopes, found.lower, found.upper, strict=True):
            w = mpmath.lambertw(mpmath.exp(1 - mpmath.mpf(t))).real
            exact = w + 1 / w + t - 2
            assert lower - 16 * EPS <= exact <= upper + 16 * EPS


def test_the_error_bound_is_no_ornament():
    """On a coarse grid, before it is refined, the true supremum is far above the best point, and below the bound."""
    from divergences.conjugates import _best, _upper_bound

    u = np.linspace(0.1, 10, 7)
    for t in np.linspace(-2, 3, 40):
        values = u * np.log(u)
        best = _best(t, u, values)
        exact = t * np.exp(t - 1) - np.exp(t - 1) * (t - 1) if 0.1 <= np.exp(t - 1) <= 10 else -math.inf
        bound = _upper_bound(t, u, values, best)
        assert exact <= bound
        assert bound >= t * u[best] - values[best]


def test_at_the_end_of_a_domain_the_bound_still_holds():
    """f is infinite below 0 and above 1; the supremum is at an end between two grid points."""
    found = legendre_transform(
        lambda u: np.where((u >= 0) & (u <= 1), u**2, np.inf), [-1.0, 5.0], u=np.linspace(-2, 2, 40)
    )
    for exact, lower, upper in zip([0.0, 4.0], found.lower, found.upper, strict=True):
        assert lower <= exact <= upper
        assert upper - lower < 1e-9


@given(
    slopes=hnp.arrays(np.float64, 12, elements=st.floats(-10, 10)),
    heights=hnp.arrays(np.float64, 12, elements=st.floats(-10, 10)),
)
def test_the_conjugate_is_the_envelope_of_lines_and_convex(slopes, heights):
    """Of any f at all: max of ut - f(u) over the grid, by brute force, is convex and above each line."""
    u = np.arange(12.0)
    hull = convex_hull(lambda _: heights, u)
    envelope = np.max(slopes[:, None] * u - heights, axis=1)
    assert np.all(envelope[:, None] >= slopes[:, None] * u - heights)
    # f and its hull have the same conjugate
    assert envelope == pytest.approx(np.max(slopes[:, None] * u - hull.values, axis=1), abs=100 * EPS * 130)


@given(heights=hnp.arrays(np.float64, st.integers(3, 25), elements=st.floats(-10, 10)), data=st.data())
def test_the_hull_is_the_largest_convex_function_below(heights, data):
    """Below f, convex, f where it touches; its value elsewhere is the least of all mixtures, by linear programming."""
    steps = data.draw(hnp.arrays(np.float64, len(heights), elements=st.floats(0.1, 3.0)))
    u = np.cumsum(steps)
    hull = convex_hull(lambda _: heights, u)
    rounding = 100 * EPS * 10 * len(u)
    assert np.all(hull.values <= heights + rounding)
    assert np.all(hull.values[hull.touching] == heights[hull.touching])
    assert hull.touching[0]
    assert hull.touching[-1]
    chords = np.diff(hull.values) / np.diff(u)
    assert np.all(np.diff(chords) >= -rounding / steps.min())
    k = data.draw(st.integers(0, len(u) - 1))
    mixture = linprog(heights, A_eq=[u, np.ones_like(u)], b_eq=[u[k], 1.0])
    assert mixture.fun == pytest.approx(hull.values[k], abs=1e-6)


def test_biconjugate_of_a_convex_function_is_the_function():
    """Fenchel-Moreau: with the slopes f'(u) among those tried, f** = f."""
    u = np.geomspace(1e-2, 1e2, 60)
    for f, slopes in (
        (lambda u: u * np.log(u), 1 + np.log(u)),
        (lambda u: (u - 1) ** 2, 2 * (u - 1)),
        (lambda u: -np.log(u), -1 / u),
        (lambda u: np.abs(u - 1) / 2, np.array([-0.5, 0.5])),
    ):
        rounding = 8 * EPS * (1 + np.abs(f(u)) + np.abs(u) * np.abs(slopes).max())
        assert np.all(np.abs(biconjugate(f, u, t=slopes) - f(u)) <= rounding)
        assert np.all(np.abs(convex_hull(f, u).values - f(u)) <= rounding)


def test_biconjugate_of_a_double_well_is_its_hull():
    """(u^2 - 1)^2 is not convex between -1 and 1, where the hull is 0."""

    def f(u):
        return (u**2 - 1) ** 2

    u = np.linspace(-2, 2, 201)
    hull = convex_hull(f, u)
    exact = np.where(np.abs(u) < 1, 0.0, f(u))
    assert hull.values == pytest.approx(exact, abs=1e-15)
    assert np.array_equal(hull.touching, np.abs(u) >= 1 - 1e-12)
    slopes = np.diff(hull.values) / np.diff(u)
    assert biconjugate(f, u, t=slopes) == pytest.approx(exact, abs=1e-13)


def test_biconjugate_with_few_slopes_is_below_the_hull():
    u = np.linspace(0.1, 3, 20)
    few = biconjugate(lambda u: u * np.log(u), u, t=[0.0, 1.0])
    assert np.all(few <= u * np.log(u) + 4 * EPS)
    assert np.any(few < u * np.log(u) - 0.1)


def test_points_outside_the_domain_are_outside_the_hull():
    hull = convex_hull(lambda u: np.where(np.abs(u) <= 1, -(u**2), np.inf), np.linspace(-2, 2, 9))
    assert np.array_equal(np.isinf(hull.values), np.abs(hull.u) > 1)
    assert hull.values[2:7] == pytest.approx([-1.0] * 5)
    assert hull.touching.tolist() == [False, False, True, False, False, False, True, False, False]


def test_a_function_that_is_not_convex_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"above the chord from u = -?\d.* take divergences.conjugates.convex_hull"):
        legendre_transform(lambda u: (u**2 - 1) ** 2, 0.0, u=np.linspace(-2, 2, 21))


@pytest.mark.parametrize(
    ("f", "u", "message"),
    [
        (lambda u: u, [1.0, 2.0], r"at least three numbers, got shape \(2,\)"),
        (lambda u: u, [[1.0, 2.0, 3.0]], r"got shape \(1, 3\)"),
        (lambda u: u, [1.0, 3.0, 2.0], "increasing"),
        (lambda u: u, [1.0, 2.0, 2.0], "increasing"),
        (lambda u: u, [1.0, 2.0, math.inf], "finite"),
        (lambda u: 1.0, [1.0, 2.0, 3.0], "an array of the shape of its argument"),
        (np.log, [-1.0, 0.5, 2.0], "got nan at u = "),
        (lambda u: -1 / (u - 1) ** 2, [1.0, 2.0, 3.0], "got -inf at u = "),
    ],
)
def test_bad_grids_and_values_are_refused(f, u, message):
    for function in (
        lambda: convex_hull(f, u),
        lambda: legendre_transform(f, 0.0, u=u),
        lambda: biconjugate(f, u, t=[0.0]),
    ):
        with pytest.raises(ValueError, match=message):
            function()


def test_a_function_infinite_nearly_everywhere_has_no_hull():
    with pytest.raises(ValueError, match="finite at two points of u at least, got 1"):
        convex_hull(lambda u: np.where(u == 1, 0.0, np.inf), [0.0, 1.0, 2.0])


@pytest.mark.parametrize("corner", [1.3, 2.5, 3.9, 5.5])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.1, 3.0), (2.0, 0.5)])
def test_the_error_bound_is_attained_at_a_corner(corner, left, right):
    """Of a function with one corner the chords on both sides, prolonged, meet in it: the bound is the supremum."""
    from divergences.conjugates import _best, _upper_bound

    u = np.array([-3.0, -1.0, 0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 9.0])
    values = np.where(u < corner, left * (corner - u), right * (u - corner))
    assert _upper_bound(0.0, u, values, _best(0.0, u, values)) == pytest.approx(0.0, abs=1e-14)


def test_the_error_bound_at_the_ends_of_the_grid_uses_the_one_chord_there_is():
    from divergences.conjugates import _upper_bound

    u = np.array([0.0, 1.0, 2.0])
    # the best point is an end: only the chord beyond its neighbour bounds what is between them
    assert _upper_bound(0.0, u, np.array([0.0, 0.5, 2.0]), 0) == 1.0
    assert _upper_bound(0.0, u, np.array([2.0, 0.5, 0.0]), 2) == 1.0
    # outside the domain f is infinite: then the chord before the best point, prolonged
    assert _upper_bound(0.0, np.arange(4.0), np.array([2.0, 1.0, 0.0, np.inf]), 2) == 1.0
    assert _upper_bound(0.0, u, np.array([1.0, 0.0, np.inf]), 1) == math.inf  # there is none
    # between two equal ones there may be a peak, within a flat stretch there is none
    assert _upper_bound(0.0, np.arange(4.0), np.array([1.0, 0.0, 0.0, 1.0]), 1) == 0.5
    assert _upper_bound(0.0, np.arange(5.0), np.zeros(5), 2) == 0.0


def test_the_refusal_names_the_three_points():
    with pytest.raises(ValueError, match=r"got f\(2\) = 5, above the chord from u = 1 to 4;"):
        legendre_transform(lambda u: np.where(u == 2, 5.0, 0.0), 0.0, u=[0.0, 1.0, 2.0, 4.0, 5.0])


def test_two_points_are_their_own_hull():
    hull = convex_hull(lambda u: np.where(u < 1.5, 3.0 - u, np.inf), [0.0, 1.0, 2.0])
    assert hull.values.tolist() == [3.0, 2.0, math.inf]
    assert hull.touching.tolist() == [True, True, False]
