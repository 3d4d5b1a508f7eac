"""Fenchel duality, numerically: conjugates by brute force, Fenchel-Young with equality, the variational bound."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
from divergences.elementary import Numeric
from divergences.testing import pairs

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
EPS = np.finfo(float).eps
RATIOS = np.exp(np.linspace(-30, 30, 60_001))


def brute_force_conjugate(d, t):
    """sup over a fine grid of u >= 0, its rounding, and how much higher f, being convex, lets it be between points."""
    u = np.concatenate([[0.0], RATIOS])
    gains = u * t - d.f(u)
    best = int(np.argmax(gains))
    left, right = gains[max(best - 1, 0)], gains[min(best + 1, len(u) - 1)]
    rounding = 16 * EPS * (1 + u[best] * abs(t) + abs(float(d.f(u[best]))))
    return gains[best], rounding, max(gains[best] - left, gains[best] - right)


@every
@given(share=st.floats(0.02, 0.98))
def test_conjugate_is_the_supremum(d, share):
    """f* against the supremum over a grid, for critics f'(e^v) with v in [-12, 12]."""
    t = float(d.optimal_critic(24 * share - 12))
    best, rounding, between = brute_force_conjugate(d, t)
    assert best - rounding <= d.conjugate(t) <= best + between + rounding


@every
def test_conjugate_below_the_range_of_the_derivative_is_minus_f0(d):
    if math.isfinite(d.critic_range.lower):
        for t in (d.critic_range.lower, d.critic_range.lower - 1.0, -1e300, -math.inf):
            assert d.conjugate(t) == -d.f0


def test_pearson_conjugate_is_not_a_parabola_everywhere():
    """The usual table says t + t^2/4 for all t; the supremum over u >= 0 at t = -5 is -1, not 1.25."""
    assert dv.pearson_chi2.conjugate(-5.0) == -1.0


@every
@given(ts=st.lists(st.floats(-50, 50), min_size=2, max_size=2).map(sorted))
def test_conjugate_never_decreases_and_is_convex(d, ts):
    low, high = d.conjugate(np.array(ts))
    middle = d.conjugate((ts[0] + ts[1]) / 2)
    assert low <= high + (0 if d.has_closed_conjugate else 4 * EPS * abs(high))  # inverted numerically
    assert middle <= (low + high) / 2 + 8 * EPS * (1 + (abs(low) + abs(high) if high < math.inf else 0.0))


@every
def test_conjugate_is_infinite_exactly_outside_its_domain(d):
    domain = d.conjugate_domain
    for t in (t for t in domain.grid(50) if t < 700):  # e^t is no double beyond
        assert math.isfinite(d.conjugate(t)), t
    if math.isfinite(domain.upper):
        assert d.conjugate(np.nextafter(domain.upper, math.inf)) == math.inf
        assert math.isfinite(d.conjugate(domain.upper)) == domain.closed_upper
    assert math.isnan(d.conjugate(math.nan))


@every
@given(v=st.floats(-20, 20), t=st.floats(-20, 20))
def test_fenchel_young(d, v, t):
    """f(u) + f*(t) >= ut for all t, with equality at t = f'(u)."""
    u = math.exp(v)
    f, critic = float(d.f(u)), float(d.optimal_critic(v))
    scale = 1 + abs(f) + abs(u * critic)
    assert f + d.conjugate(t) >= u * t - 8 * EPS * (scale + abs(u * t))
    assert f + d.conjugate(critic) == pytest.approx(u * critic, abs=64 * EPS * scale)


@every
def test_limits(d):
    """f(0+), f'(0+), f'(inf) are the limits of the functions themselves."""
    tiny, huge = 1e-300, 1e300
    assert d.f(0.0) == d.f0
    assert d.f(-1.0) == math.inf
    assert math.isnan(d.f(math.nan))
    assert d.f(1.0) == 0
    if math.isfinite(d.f0):
        assert d.f(tiny) == pytest.approx(d.f0, rel=1e-15, abs=1e-15)
    if math.isfinite(d.slope) and d.slope and d.optimal_critic(math.log(1e250)) == pytest.approx(d.slope, rel=1e-13):
        assert d.f(1e250) / 1e250 == pytest.approx(d.slope, rel=1e-12)
    assert d.critic_range.upper == pytest.approx(d.slope, rel=1e-15)
    assert d.f(math.inf) == (math.inf if d.slope > 0 else -math.inf)
    assert d.optimal_critic(math.log(huge)) <= d.critic_range.upper


@every
@given(z=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2).map(sorted))
def test_activation_maps_the_reals_increasingly_onto_the_critic_range(d, z):
    low, high = d.activation(np.array(z))
    closure = (d.critic_range.lower, d.critic_range.upper)
    assert closure[0] <= low <= high <= closure[1]
    assert d.conjugate_domain.contains(low) or low == closure[1]
    far = d.activation(np.array([-1e9, 1e9]))
    for end, reached in zip(closure, far, strict=True):
        assert reached == pytest.approx(end, abs=1e-8) if math.isfinite(end) else abs(reached) > 1e8


@every
@given(data=st.data(), pair=pairs())
def test_any_critic_gives_a_lower_bound(d, data, pair):
    """Weak duality."""
    critic = data.draw(hnp.arrays(np.float64, len(pair[0]), elements=st.floats(-30, 30)))
    value, bound = float(d(*pair)), float(d.variational(*pair, critic))
    assert bound <= value + 50 * EPS * (1 + value + np.abs(critic).max() + np.abs(_finite(d.conjugate(critic))).max())


@every
@given(pair=pairs())
def test_the_optimal_critic_attains_the_divergence(d, pair):
    """Strong duality: T = f'(p/q), also where one of the two vanishes."""
    p, q = pair
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.where((p == 0) & (q == 0), 0.0, np.log(p) - np.log(q))
    assume(np.all((np.abs(v) < 30) | np.isinf(v)))  # a critic at log-ratio 700 is rounded to the end of its range
    value = float(d(p, q))
    if math.isfinite(value):
        critic = np.asarray(d.optimal_critic(v))
        terms = p @ np.abs(_finite(critic)) + q @ np.abs(_finite(d.conjugate(critic)))
        assert d.variational(p, q, critic) == pytest.approx(value, abs=200 * EPS * (1 + terms))


def _finite(x):
    return np.where(np.isfinite(x), x, 0.0)


def test_a_critic_outside_the_domain_proves_nothing():
    assert dv.js.variational([0.5, 0.5], [0.25, 0.75], [10.0, 0.0]) == -math.inf
    assert dv.kl.variational([0.5, 0.5], [0.25, 0.75], [1e6, 1e6]) == -math.inf


@pytest.mark.parametrize("d", dict.fromkeys([*dv.FDIVERGENCES, *(d.reverse for d in dv.FDIVERGENCES)]), ids=str)
def test_functions_at_the_ends_of_the_range_of_numbers(d):
    """Never NaN; f* and its gradient never decrease, on a grid to the largest double and about both ends of the critic."""
    t = [-1e308, -1e160, -1e10, -1.0, -1e-300, -5e-324, 0.0, 5e-324, 1e-300, 1.0, 1e10, 1e160, 1e308]
    ends = [end for end in (d.critic_range.lower, d.critic_range.upper) if math.isfinite(end)]
    t = np.sort([*t, *ends, *(np.nextafter(end, towards) for end in ends for towards in (-math.inf, math.inf))])
    for function, noise in ((d.conjugate, 1e-15), (d.conjugate_gradient, 1e-12)):
        values = function(t)
        assert not np.isnan(values).any()
        for low, high in itertools.pairwise(values):
            assert low <= high or low - high <= noise * (1 + abs(low))
    u = np.array([0, 5e-324, 1e-308, 1e-200, 1e-10, 0.5, 1, 2, 1e10, 1e200, 1e300, 1.7e308, math.inf])
    for values in (d.f(u), d.second_derivative(u), *d.subgradient(u)):
        assert not np.isnan(values).any()


@every
def test_gradient_of_the_conjugate_is_the_inverse_of_the_critic(d):
    for v in (-3.0, -0.4, 0.3, 2.5):
        t = float(d.optimal_critic(v))
        if float(d.second_derivative(math.exp(v))) > 0:
            assert d.conjugate_gradient(t) == pytest.approx(math.exp(v), rel=1e-11)


@every
def test_gradient_of_the_conjugate_beyond_the_range_of_the_critic(d):
    """0 up to the lower end, where the supremum is at u = 0; infinite from the upper one on."""
    lower, upper = d.critic_range.lower, d.critic_range.upper
    if math.isfinite(lower):
        assert [float(d.conjugate_gradient(t)) for t in (-math.inf, lower - 1, lower)] == [0, 0, 0]
    if math.isfinite(upper):
        assert [float(d.conjugate_gradient(t)) for t in (upper, upper + 1, math.inf)] == [math.inf] * 3
    assert math.isnan(d.conjugate_gradient(math.nan))


@every
@given(v=st.floats(-8, 8))
def test_curvature_is_the_derivative_of_the_critic(d, v):
    assume(all(abs(v - math.log(kink)) > 1e-3 for kink in (*d.kinks, *d.joints)))
    h = 1e-4
    slope = (d.optimal_critic(v + h) - d.optimal_critic(v - h)) / (2 * h)
    size = abs(float(d.optimal_critic(v))) + abs(slope)
    assert d.second_derivative(math.exp(v)) * math.exp(v) == pytest.approx(slope, abs=1e-6 * size + 1e-11)


@every
@given(u=st.floats(1e-3, 1e3), w=st.floats(1e-3, 1e3))
def test_subgradients_support_f_from_below(d, u, w):
    """f(w) >= f(u) + s (w - u) for both ends s of the subdifferential, which are in order."""
    low, high = d.subgradient(u)
    assert low <= high
    for s in (low, high):
        scale = abs(float(d.f(u))) + abs(float(d.f(w))) + abs(s) * (u + w)
        assert d.f(w) >= d.f(u) + s * (w - u) - 16 * EPS * scale


def test_subdifferentials_at_kinks_and_ends():
    assert [float(x) for x in dv.tv.subgradient(1.0)] == [-0.5, 0.5]
    assert [float(x) for x in dv.hockey_stick(3).subgradient(3.0)] == [0.0, 1.0]
    assert [float(x) for x in dv.log1p_abs.subgradient(1.0)] == [-1.0, 1.0]
    assert [float(x) for x in dv.kl.subgradient(0.0)] == [-math.inf, -math.inf]
    assert [float(x) for x in dv.pearson_chi2.subgradient(0.0)] == [-math.inf, -2.0]
    assert [float(x) for x in dv.kl.subgradient(-1.0)] == [math.inf, -math.inf]


# ------------------------------------------------------------------------- facts that other statements do not depend on


def test_the_roots_of_members_of_families_that_are_metrics():
    assert dv.hockey_stick(1).metric_power == 1
    assert dv.hockey_stick(2).metric_power is dv.hockey_stick(0.5).metric_power is None
    assert dv.weighted_js(0.5).symmetric
    assert not dv.weighted_js(0.25).symmetric
    assert dv.weighted_js(0.5).reverse == dv.weighted_js(0.5)


def test_the_orders_of_the_hockey_stick_are_powers_of_two_that_doubles_resolve():
    assert dv.hockey_stick(2.0**52).gamma == 2.0**52
    assert dv.hockey_stick(2.0**-52).gamma == 2.0**-52
    for gamma in (2.0**53, 2.0**-53):
        with pytest.raises(ValueError, match="in its domain"):
            dv.hockey_stick(gamma)


@pytest.mark.parametrize("gamma", [0.25, 0.8, 1.0, 1.5, 4.0])
def test_the_critic_of_the_hockey_stick_is_a_step(gamma):
    """Slopes of $(u - \\gamma)_+ - (1 - \\gamma)_+$ on both sides of the kink."""
    d = dv.hockey_stick(gamma)
    assert d.critic_range == dv.Interval(0.0, 1.0)
    assert d.kinks == (gamma,)
    assert d.reverse.kinks == pytest.approx((1 / gamma,))
    assert float(d.optimal_critic(math.log(gamma) + 0.1)) == 1.0
    assert float(d.optimal_critic(math.log(gamma) - 0.1)) == 0.0
    lower, upper = d.subgradient(np.array([gamma * 0.9, gamma, gamma * 1.1]))
    assert lower.tolist() == [0.0, 0.0, 1.0]
    assert upper.tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("d", [d for d in dv.FDIVERGENCES if d.has_closed_conjugate], ids=str)
def test_the_level_is_the_conjugate_at_the_critic(d):
    m, v = Numeric(np), np.linspace(-6, 6, 49)[1::2]
    level, conjugate = d.level(v, m), d.legendre(d.critic(v, m), m)
    assert level == pytest.approx(conjugate, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("d", "at_zero", "at_infinity"),
    [
        (dv.kl, math.inf, 0.0),
        (dv.pearson_chi2, 2.0, 2.0),
        (dv.squared_hellinger, math.inf, 0.0),
        (dv.alpha(3.0), 0.0, math.inf),
        (dv.le_cam, 4.0, 0.0),
        (dv.alpha(2.5), 0.0, math.inf),
    ],
    ids=str,
)
def test_curvatures_at_the_ends(d, at_zero, at_infinity):
    """The limits of f'' at 0 and infinity."""
    assert d.second_derivative(np.array([0.0, math.inf])).tolist() == pytest.approx([at_zero, at_infinity])


def test_f_near_the_largest_double():
    u = 1e305
    assert dv.kl.f(u) == pytest.approx(u * math.log(u), rel=1e-14)
    assert dv.le_cam.f(u) == pytest.approx(u / 2, rel=1e-14)
    assert dv.js.f(u) == pytest.approx(u * math.log(2) / 2, rel=1e-14)
    assert dv.reverse_kl.f(u) == pytest.approx(-math.log(u), rel=1e-13)


def test_a_critic_at_the_open_end_of_the_conjugate_proves_nothing_where_q_has_mass():
    end = math.log(2) / 2
    assert dv.js.variational([0.5, 0.5], [0.5, 0.5], [end, 0.0]) == -math.inf
    assert dv.js.variational([1.0, 0.0], [0.0, 1.0], [end, -1.0]) == pytest.approx(end - float(dv.js.conjugate(-1.0)))
