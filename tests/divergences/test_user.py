"""f-divergences of one's own: the laws of all, agreement with the catalogue, and what is refused."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.integrate import quad
from scipy.special import xlogy

import divergences as dv
from divergences.testing import channels, close_pairs, pairs, simplexes
from divergences.user import from_function

EPS = np.finfo(float).eps

OURS = {
    dv.kl: from_function(lambda u: u * np.log(u), name="my_kl"),
    dv.reverse_kl: from_function(lambda u: -np.log(u), name="my_reverse_kl"),
    dv.js: from_function(
        lambda u: (u * np.log(u) - (u + 1) * np.log((u + 1) / 2)) / 2, name="my_js", symmetric=True, metric_power=0.5
    ),
    dv.squared_hellinger: from_function(
        lambda u: (np.sqrt(u) - 1) ** 2, name="my_hellinger", symmetric=True, metric_power=0.5
    ),
    dv.pearson_chi2: from_function(lambda u: u**2 - 1 - 2 * (u - 1), name="my_chi2"),
    dv.tv: from_function(lambda u: abs(u - 1) / 2, name="my_tv", kinks=(1,), symmetric=True, metric_power=1),
    dv.hockey_stick(2.0): from_function(lambda u: np.maximum(u - 2, 0), name="my_hockey_stick", kinks=(2,)),
    dv.marton: from_function(lambda u: np.where(u < 1, (1 - u) ** 2, 0), name="my_marton", joints=(1,)),
    dv.le_cam: from_function(lambda u: (u - 1) ** 2 / (u + 1) / 2, name="my_le_cam", symmetric=True, metric_power=0.5),
    dv.skew_kl(0.6): from_function(lambda u: xlogy(u, u / (0.4 * u + 0.6)), name="my_skew_kl"),
    dv.alpha(3.0): from_function(lambda u: (u**3 - 1) / 6 - (u - 1) / 2, name="my_alpha"),
}
QUARTIC = from_function(lambda u: (u - 1) ** 4 + np.exp(-u) - np.exp(-1.0), name="quartic")
OPAQUE = from_function(np.vectorize(lambda u: u * math.log(u)), name="opaque_kl")
GIVEN = from_function(np.vectorize(lambda u: u * math.log(u)), derivative=lambda u: np.log(u) + 1, name="given_kl")

EVERY = [*OURS.values(), QUARTIC, OPAQUE, GIVEN]
every = pytest.mark.parametrize("d", EVERY, ids=lambda d: d.name)
ours = pytest.mark.parametrize(("theirs", "d"), OURS.items(), ids=lambda d: d.name)
readable = pytest.mark.parametrize("d", [*OURS.values(), QUARTIC], ids=lambda d: d.name)


@st.composite
def ordinary(draw, *, size=None):
    """Pairs whose ratios, where not 0 or infinite, are within 60 decades: f is a number there, and not beyond doubles."""
    pair = draw(pairs(size=size))
    assume(are_ordinary(*pair))
    return pair


def are_ordinary(p, q):
    both = (p > 0) & (q > 0)
    return np.all(np.abs(np.log10(p[both]) - np.log10(q[both])) < 60)


def rounding(d, p, q):
    """What the rounding of f makes of the sum: 1e-16 of f, its logarithms and its tangent at every outcome."""
    p, q = p / p.sum(), q / q.sum()
    both = (p > 0) & (q > 0)
    u = np.where(both, p, 1.0) / np.where(both, q, 1.0)
    sizes = q * np.abs(d.f(u)) * (1 + np.abs(np.log(u))) + (p + q) * (1 + abs(d.tangent))
    limits = sum(x for x in (abs(d.f0), abs(d.slope)) if x < math.inf)  # estimated to 1e-14
    return 16 * EPS * float(np.sum(sizes)) + 64 * EPS * limits


# -------------------------------------------------------------------------------------------- as good as a declaration


@ours
@given(pair=ordinary())
def test_a_function_gives_the_divergence_of_the_catalogue(theirs, d, pair):
    assert d(*pair) == pytest.approx(theirs(*pair), rel=1e-9, abs=rounding(d, *pair))


@pytest.mark.parametrize("theirs", [d for d in OURS if not d.joints and not d.kinks], ids=str)
@given(pair=close_pairs())
def test_small_divergences_of_smooth_functions_keep_their_digits(theirs, pair):
    """The curvature is integrated near 1: no rounding of f is left."""
    value = float(theirs(*pair))
    assume(value > 1e-290)
    assert OURS[theirs](*pair) == pytest.approx(value, rel=1e-13)


@ours
def test_limits_and_ranges_are_those_of_the_catalogue(theirs, d):
    for mine, exact in (
        (d.f0, theirs.f0),
        (d.slope, theirs.slope),
        (d.range.upper, theirs.range.upper),
        (d.critic_range.lower, theirs.critic_range.lower),
        (d.critic_range.upper, theirs.critic_range.upper),
        (d.conjugate_domain.upper, theirs.conjugate_domain.upper),
    ):
        assert mine == pytest.approx(exact, rel=1e-13, abs=1e-15)
    assert d.conjugate_domain.closed_upper == theirs.conjugate_domain.closed_upper


@ours
@given(v=st.floats(-12.0, 12.0))
def test_derivatives_and_conjugates_are_those_of_the_catalogue(theirs, d, v):
    u = math.exp(v)
    assume(all(abs(u - k) > 1e-9 for k in (*theirs.kinks, *theirs.joints)))
    t = float(theirs.optimal_critic(v))
    scale = 1 + abs(t)
    assert d.optimal_critic(v) == pytest.approx(t, abs=64 * EPS * scale * (1 + abs(v)))
    assert d.f(u) == pytest.approx(theirs.f(u), abs=64 * EPS * (1 + u * scale))
    assert d.second_derivative(u) == pytest.approx(theirs.second_derivative(u), rel=1e-9, abs=64 * EPS)
    assert d.conjugate(t) == pytest.approx(theirs.conjugate(t), rel=1e-12, abs=256 * EPS * (1 + u * scale))
    low, high = d.subgradient(u)
    assert low == high == pytest.approx(t, abs=64 * EPS * scale * (1 + abs(v)))


def test_slopes_on_both_sides_of_a_kink():
    d = OURS[dv.hockey_stick(2.0)]
    assert [float(x) for x in d.subgradient(2.0)] == [0.0, 1.0]
    assert d.conjugate(0.25) == pytest.approx(0.5, rel=1e-15)
    assert [float(x) for x in OURS[dv.tv].subgradient(1.0)] == [-0.5, 0.5]


@readable
def test_functions_made_of_numpy_are_proved_by_sympy(d):
    proof = d.prove()
    assert proof.symbolic or d is QUARTIC, proof.undecided
    assert d.symbolic().conjugate is None


@ours
def test_symbols_are_those_of_the_catalogue(theirs, d):
    mine, exact = d.symbolic(), theirs.symbolic()
    for u in (0.25, 3.0):
        assert float(mine.f.subs(mine.u, u)) == pytest.approx(float(exact.f.subs(exact.u, u)), rel=1e-14)


@ours
def test_enclosures_are_those_of_the_catalogue(theirs, d):
    p, q = [0.5, 0.25, 0.25, 0.0], [0.125, 0.5, 0.25, 0.125]
    mine, exact = d.enclose(p, q), theirs.enclose(p, q)
    if math.isinf(theirs.f0):
        assert mine.lower == exact.lower == math.inf
    else:
        assert mine.lower == pytest.approx(exact.lower, rel=1e-14)
        assert mine.upper == pytest.approx(exact.upper, rel=1e-14)


def test_a_false_limit_is_disproved():
    from divergences.proofs import DisprovedError

    slow = from_function(lambda u: u**0.999 * -1 + u, name="slow", f0=0.0, slope=0.5)
    with pytest.raises(DisprovedError, match=r"f'\(inf\) = 1, got 0.5"):
        slow.prove()


def test_a_kink_that_nobody_declared_is_found_by_the_proof():
    from divergences.proofs import DisprovedError

    undeclared = from_function(lambda u: np.maximum(u - 2, 0), name="undeclared")
    with pytest.raises(DisprovedError, match="declare the point where it does in kinks or joints"):
        undeclared.prove()


# ------------------------------------------------------------------------------------------------------------ the laws


@every
@given(pair=pairs())
def test_a_divergence_is_non_negative_and_never_nan(d, pair):
    assert d(*pair) >= 0


@every
@given(p=simplexes())
def test_it_vanishes_at_equal_distributions(d, p):
    assert d(p, p) == 0


@pytest.mark.parametrize("d", [OURS[dv.kl], OURS[dv.js], OURS[dv.tv], QUARTIC], ids=lambda d: d.name)
@given(pair=close_pairs())
def test_it_vanishes_only_there(d, pair):
    p, q = pair
    a, b = ([Fraction(float(t)) for t in x] for x in pair)
    ratios = [u / v * sum(b) / sum(a) - 1 for u, v in zip(a, b, strict=True)]
    assume(any(x * x * v > 1e-300 for x, v in zip(ratios, b, strict=True)))
    assert d(p, q) > 0


@every
@given(pair=pairs())
def test_it_stays_in_its_range_and_singular_pairs_attain_the_end(d, pair):
    assert d.range.contains(d(*pair)) or d(*pair) == d.range.upper
    p, q = (np.concatenate(x) for x in ((pair[0], 0 * pair[1]), (0 * pair[0], pair[1])))
    assert d(p, q) == pytest.approx(d.range.upper, rel=8 * EPS)


@every
@given(pair=ordinary())
def test_the_reverse_exchanges_the_arguments(d, pair):
    assert d.reverse(*pair) == pytest.approx(d(*pair[::-1]), rel=20 * EPS, abs=rounding(d, *pair[::-1]))
    assert d.reverse.reverse is d
    assert (d.reverse is d) == d.symmetric


@every
@given(data=st.data(), pair=ordinary())
def test_data_processing_inequality(d, data, pair):
    channel = data.draw(channels(len(pair[0])))
    images = [x @ channel for x in pair]
    assume(are_ordinary(*images))
    before, after = d(*pair), d(*images, normalize=True)
    slack = rounding(d, *pair) + rounding(d, *images) + 20 * EPS * (before if before < math.inf else 0.0)
    assert after <= before * (1 + 20 * EPS) + slack + 8 * len(pair[0]) * EPS


@every
@given(n=st.integers(1, 8), weight=st.floats(0.0, 1.0), data=st.data())
def test_joint_convexity(d, n, weight, data):
    first, second = data.draw(ordinary(size=n)), data.draw(ordinary(size=n))
    mixture = [weight * a + (1 - weight) * b for a, b in zip(first, second, strict=True)]
    assume(are_ordinary(*mixture))
    parts = [w * d(*pair) for w, pair in ((weight, first), (1 - weight, second)) if w > 0]
    slack = sum(rounding(d, *pair) for pair in (first, second, mixture)) + 8 * n * EPS
    assert d(*mixture) <= sum(parts) * (1 + 20 * EPS) + slack


@pytest.mark.parametrize("d", [d for d in EVERY if d.metric_power], ids=lambda d: d.name)
@given(n=st.integers(1, 8), data=st.data())
def test_the_stated_power_is_a_metric(d, n, data):
    p, q, r = (data.draw(simplexes(size=n)) for _ in range(3))
    pq, qr, pr = d.distance(p, q), d.distance(q, r), d.distance(p, r)
    slack = max(rounding(d, *x) for x in ((p, q), (q, r), (p, r))) ** d.metric_power
    assert d.distance(q, p) == pytest.approx(pq, rel=20 * EPS, abs=slack)
    assert pr <= pq + qr + 3 * slack


@every
@given(v=st.floats(-12, 12), t=st.floats(-20, 20))
def test_fenchel_young(d, v, t):
    """f(u) + f*(t) >= ut for all t, with equality at t = f'(u); differences give f' to ten digits."""
    u = math.exp(v)
    f, critic = float(d.f(u)), float(d.optimal_critic(v))
    relative = 1e-9 if d is OPAQUE else 256 * EPS
    scale = 1 + abs(f) + abs(u * critic)
    assert f + d.conjugate(t) >= u * t - relative * (scale + abs(u * t) + abs(d.conjugate(min(t, critic))))
    assert f + d.conjugate(critic) == pytest.approx(u * critic, abs=relative * scale)


@every
@given(data=st.data(), pair=pairs())
def test_any_critic_gives_a_lower_bound(d, data, pair):
    critic = data.draw(hnp.arrays(np.float64, len(pair[0]), elements=st.floats(-30, 30)))
    value, bound = float(d(*pair)), float(d.variational(*pair, critic))
    conjugate = d.conjugate(critic)
    sizes = 1 + np.abs(critic).max() + np.abs(np.where(np.isfinite(conjugate), conjugate, 0.0)).max()
    relative = 1e-9 if d is OPAQUE else 256 * EPS
    assert bound <= value * (1 + relative) + relative * sizes


@every
@given(ts=st.lists(st.floats(-50, 50), min_size=2, max_size=2).map(sorted))
def test_conjugate_never_decreases_and_is_convex(d, ts):
    low, high = d.conjugate(np.array(ts))
    middle = d.conjugate((ts[0] + ts[1]) / 2)
    relative = 1e-9 if d is OPAQUE else 1e-10  # u f'(u) cancels f(u), u being e^22 where f' is within 1e-10 of its end
    size = 1 + (abs(low) + abs(high) if high < math.inf else abs(low))
    assert low <= high + relative * size
    assert middle <= (low + high) / 2 + relative * size


# ----------------------------------------------------------------------------------------------------- accuracy and use


@given(pair=pairs(zeros=False))
def test_fifty_digits_agree_with_a_function_of_no_name(pair):
    p, q = pair
    with mpmath.workdps(50):
        a, b = ([mpmath.mpf(float(t)) for t in x] for x in pair)
        a, b = ([t / sum(x) for t in x] for x in (a, b))
        terms = [y * ((x / y - 1) ** 4 + mpmath.exp(-x / y) - mpmath.exp(-1)) for x, y in zip(a, b, strict=True)]
        exact = float(sum(terms))
    assert QUARTIC(p, q) == pytest.approx(exact, rel=1e-12, abs=rounding(QUARTIC, p, q))


def test_differences_give_derivatives_to_ten_digits():
    v = np.linspace(-10, 10, 41)
    assert OPAQUE.optimal_critic(v) == pytest.approx(1 + v, rel=1e-10, abs=1e-10)
    assert OPAQUE.second_derivative(np.exp(v)) == pytest.approx(np.exp(-v), rel=1e-5)


def test_differences_do_not_reach_across_kinks():
    f = np.vectorize(lambda u: max(u - 2, 0.0) + (u - 1) ** 2)
    d = from_function(f, name="kinked", kinks=(2,))
    for u in (1.9, 1.999, 2.001, 2.1):
        assert d.optimal_critic(math.log(u)) == pytest.approx(2 * (u - 1) + (u > 2), rel=1e-8)


def test_the_critic_is_the_integral_back_to_f():
    """By quadrature: f(u) is the integral of f' from 1."""
    for u in (0.3, 4.0):
        integral, error = quad(lambda s: float(QUARTIC.optimal_critic(math.log(s))), 1.0, u)
        assert QUARTIC.f(u) == pytest.approx(integral, abs=error + 1e-13 * (1 + abs(integral)))


def test_functions_made_of_numpy_run_in_every_library():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.5, 0.25])
    for d in OURS.values():
        value = d(p, q)
        tensor = d(torch.tensor(p), torch.tensor(q))
        assert isinstance(tensor, torch.Tensor)
        assert tensor.dtype == torch.float64
        assert float(tensor) == pytest.approx(value, rel=1e-15)
        assert float(d(jnp.asarray(p), jnp.asarray(q))) == pytest.approx(value, rel=1e-6)


def test_gradients_by_torch_are_those_of_the_catalogue():
    torch = pytest.importorskip("torch")
    for theirs, d in OURS.items():
        gradients = []
        for divergence in (theirs, d):
            p = torch.tensor([0.5, 0.0, 0.3, 0.2], dtype=torch.float64, requires_grad=True)
            q = torch.tensor([0.2, 0.3, 0.3, 0.2], dtype=torch.float64)
            value = divergence(p, q)
            if torch.isfinite(value):
                value.backward()
                gradients.append(p.grad[torch.tensor([0, 2, 3])])  # at p = 0 the slope may be infinite
        if gradients:
            assert not torch.any(torch.isnan(gradients[1]))
            assert torch.allclose(*gradients, rtol=1e-10, atol=1e-12)


def test_overflow_on_the_way_is_not_taken_for_infinity():
    """(u - 1)^2 overflows at u = 1e160, where f is u / 2."""
    d = OURS[dv.le_cam]
    assert d([1 - 1e-200, 1e-200], [1e-200, 1 - 1e-200]) == pytest.approx(1.0, rel=1e-15)
    assert OURS[dv.kl]([0.5, 0.5], [1e-305, 1.0]) == pytest.approx(dv.kl([0.5, 0.5], [1e-305, 1.0]), rel=1e-15)


def test_limits_that_are_given_are_used():
    slow = from_function(lambda u: -(u**0.999) + u, name="slow", f0=0.0, slope=1.0)
    assert (slow.f0, slow.slope) == (0.0, 1.0)
    assert slow([1.0, 0.0], [0.0, 1.0]) == 1.0


def test_names_and_representations():
    assert OURS[dv.kl].name == "my_kl"
    assert repr(OURS[dv.kl]) == "<divergences.from_function: my_kl>"
    assert OURS[dv.kl].reverse.name == "reverse_my_kl"
    assert hash(OURS[dv.kl]) != hash(OURS[dv.js])


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("f", "options", "message"),
    [
        (lambda u: u * np.log(u) + 1, {}, r"expected f\(1\) = 0, got 1.0 for mine; subtract it"),
        (lambda u: (u - 1) ** 2 * (u - 3) ** 2, {}, r"to be convex, got f\(.*above the chord from .*convex_hull"),
        (lambda u: -((u - 1) ** 2), {}, "to be convex"),
        (lambda u: np.sqrt(u - 0.5) - np.sqrt(0.5), {}, "to be finite for u > 0, got nan at u = "),
        (lambda u: np.where(u > 5, np.inf, (u - 1) ** 2), {}, "to be finite for u > 0, got inf at u = 5"),
        (lambda u: 0 * u, {}, "to be curved or bent, got an affine f"),
        (lambda u: 3 * (u - 1), {}, "to be curved or bent, got an affine f"),
        (lambda u: 0.0, {}, r"one value per ratio, shape \(\d+,\), got \(\)"),
        (
            lambda u: u * np.log(u),
            {"f0": 1.0},
            r"expected f0 to be the limit f\(0\+\) of mine, which is near 0.0, got 1.0",
        ),
        (lambda u: u * np.log(u), {"slope": 7.0}, r"slope to be the limit f'\(inf\) of mine, which is near inf"),
        (lambda u: u * np.log(u), {"f0": math.nan}, "expected f0 to be a number or inf, got nan"),
        (lambda u: (u - 1) ** 2 / (u + 1), {"slope": math.inf}, "which is near 1.0, got inf"),
        (lambda u: -(u**0.999) + u, {}, r"the limit f'\(inf\) of mine to show far out.* pass slope="),
        (lambda u: u * np.log(u), {"derivative": np.log}, r"expected derivative to be f' of mine, .* got"),
        (lambda u: u * np.log(u), {"kinks": (0.0,)}, r"expected kinks to be positive numbers, got \(0.0,\)"),
        (lambda u: u * np.log(u), {"joints": (math.inf,)}, "expected joints to be positive"),
        (lambda u: u * np.log(u), {"symmetric": True}, r"expected u f\(1/u\) = f\(u\) of mine"),
        (lambda u: u * np.log(u), {"metric_power": 0.5}, "mine symmetric, got 0.5; pass symmetric=True"),
        (lambda u: abs(u - 1), {"kinks": (1,), "symmetric": True, "metric_power": -1.0}, "to be positive"),
    ],
)
def test_what_is_no_divergence_is_refused(f, options, message):
    with pytest.raises(ValueError, match=message):
        from_function(f, name="mine", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": 3}, "expected name to be a string, .* got 3"),
        ({"name": "mine", "kinks": 1}, "expected kinks to be a tuple of positive numbers, got 1"),
        ({"name": "mine", "joints": "1"}, "expected joints to be a tuple of positive numbers, got '1'"),
    ],
)
def test_what_is_no_name_or_point_is_refused(options, message):
    with pytest.raises(TypeError, match=message):
        dv.from_function(lambda u: (u - 1) ** 2, **options)


def test_functions_of_one_number_are_refused_with_advice():
    for f in (lambda u: u * math.log(u), lambda u: 0.0 if u < 1 else u - 1):
        with pytest.raises(TypeError, match=r"to take an array of ratios, got .* numpy.vectorize"):
            from_function(f, name="mine")


def test_functions_that_symbols_cannot_enter_say_so():
    for ask in (OPAQUE.symbolic, OPAQUE.prove, OPAQUE.latex, lambda: OPAQUE.enclose([0.5, 0.5], [0.25, 0.75])):
        with pytest.raises(TypeError, match="made of operators and numpy's elementary functions"):
            ask()


def test_the_hull_of_a_function_that_is_refused_is_accepted():
    """The advice works: the convex hull of a double well that vanishes at 1 is a divergence, its corners declared."""
    from divergences.conjugates import convex_hull

    def well(u):
        return np.minimum((u - 1) ** 2, (u - 3) ** 2 + 1)

    with pytest.raises(ValueError, match="convex_hull"):
        from_function(well, name="well")
    u = np.linspace(0.0, 5.0, 2001)
    hull = convex_hull(well, u)

    def mended(x):
        return np.where(x > 5, hull.values[-1] + 4 * (x - 5), np.interp(x, hull.u, hull.values))

    d = from_function(mended, name="mended", f0=1.0, slope=4.0)
    assert d([0.5, 0.5], [0.25, 0.75]) >= 0


def test_gradients_where_the_ratio_is_large():
    """Numbers, and those by p are right; f - u f' of a function that is only known by its values cancels in those by q."""
    root = dv.from_function(lambda u: (u**0.5 - 1) ** 2, name="root")
    p, q = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([1.0, 1e-200], [1e-200, 1.0]))
    root(p, q).backward()
    slopes = torch.tensor([0.0, -5e99], dtype=torch.float64)  # 1 - sqrt(q/p), less its mean
    torch.testing.assert_close(p.grad, slopes, rtol=1e-12, atol=1e-12)
    assert not q.grad.isnan().any()
