"""Enclosures contain the truth and are two units in the last place wide: against sums in 60 digits and textbook sums."""

import math
import sys
from dataclasses import dataclass
from fractions import Fraction

import array_api_strict
import flint
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import divergences as dv
from divergences.balls import Balls, enclose
from divergences.testing import close_pairs, pairs
from tests.oracles.textbook import BITS, values

EPS = sys.float_info.epsilon
LARGEST = sys.float_info.max
ORDERS = [-2.0, -1e-12, 1e-300, 1.0, 1 + 1e-12, 2.5]
INEXACT = [
    dv.cressie_read(0.1),
    dv.amari_alpha(0.3),
    dv.t_power(0.3),
    dv.weighted_js(0.3),
    dv.skew_kl(0.1),
    dv.hockey_stick(1.1),
]
"""What a declaration makes of these parameters, such as 1 + 0.1, is no double: it must be a ball."""
CATALOGUE = [*dv.FDIVERGENCES, *map(dv.alpha, ORDERS), *INEXACT, dv.marton.reverse, dv.skew_kl(0.25).reverse]
every = pytest.mark.parametrize("d", CATALOGUE, ids=str)


def narrow(bounds):
    """Whether two steps from double to double lead from one end to the other."""
    return bounds.upper <= math.nextafter(math.nextafter(bounds.lower, math.inf), math.inf)


def holds(bounds, d, p, q):
    """Whether the textbook sum, a ball of hundreds of digits (or infinite), is between the bounds."""
    truth = values([d.name], p, q, BITS)[d.name]
    return not (truth < bounds.lower or truth > bounds.upper)


def dirichlet(rng, n):
    weights = rng.exponential(size=n)
    return weights / weights.sum()


@every
@given(pair=st.one_of(pairs(), close_pairs()))
def test_an_enclosure_holds_the_textbook_sum(d, pair):
    bounds = d.enclose(*pair)
    assert holds(bounds, d, *pair)
    assert narrow(bounds)


@every
@given(pair=st.one_of(pairs(), close_pairs()))
def test_the_value_is_beside_its_enclosure(d, pair):
    """Where masses are 1e-16 apart, digits of what is of second order are lost; of the hockey stick below TV too."""
    bounds = d.enclose(*pair)
    floor = EPS**2 if d.kinks else 8 * min(bounds.value, 1.0) ** 0.5 * EPS**2 + EPS**4
    absolute = 4e-15 * dv.tv(*pair) if isinstance(d, dv.hockey_stick) else 0.0
    near = pytest.approx(bounds.value, rel=4e-15, abs=floor + absolute)
    assert d(*pair) == near or d(*pair) == bounds.upper == math.inf


SUMS = {
    dv.kl: lambda p, q: p * mpmath.log(p / q),
    dv.reverse_kl: lambda p, q: q * mpmath.log(q / p),
    dv.jeffreys: lambda p, q: (p - q) * mpmath.log(p / q),
    dv.js: lambda p, q: (p * mpmath.log(2 * p / (p + q)) + q * mpmath.log(2 * q / (p + q))) / 2,
    dv.tv: lambda p, q: abs(p - q) / 2,
    dv.pearson_chi2: lambda p, q: (p - q) ** 2 / q,
    dv.squared_hellinger: lambda p, q: (mpmath.sqrt(p) - mpmath.sqrt(q)) ** 2,
    dv.alpha(0.3): lambda p, q: (
        (p ** mpmath.mpf(0.3) * q ** (1 - mpmath.mpf(0.3)) - q) / (mpmath.mpf(0.3) * (mpmath.mpf(0.3) - 1))
    ),
}


@pytest.mark.parametrize("closeness", [1.0, 1e-4, 1e-8])
@pytest.mark.parametrize("d", SUMS, ids=str)
def test_an_enclosure_holds_the_sum_in_sixty_digits(d, closeness):
    rng = np.random.default_rng(5)
    q = dirichlet(rng, 1000)
    p = dirichlet(rng, 1000) if closeness == 1 else q * (1 + closeness * rng.normal(size=1000))
    bounds = d.enclose(p, q, normalize=True)
    with mpmath.workdps(60):
        numbers = [[mpmath.mpf(float(x)) for x in w] for w in (p, q)]
        mass_p, mass_q = map(mpmath.fsum, numbers)
        truth = mpmath.fsum(SUMS[d](a / mass_p, b / mass_q) for a, b in zip(*numbers, strict=True))
        assert bounds.lower <= truth <= bounds.upper
    assert narrow(bounds)


@pytest.mark.parametrize("smallest", [1e-12, 1e-300])
@every
def test_a_thousand_outcomes_over_all_magnitudes(d, smallest):
    rng = np.random.default_rng(6)
    p, q = (np.exp(rng.uniform(np.log(smallest), 0.0, size=1000)) for _ in range(2))
    bounds = d.enclose(p, q, normalize=True)
    assert holds(bounds, d, p, q)
    assert narrow(bounds)


@pytest.mark.parametrize(("p", "q"), [
    ([0.5, 0.5, 0], [0.25, 0.5, 0.25]),
    ([0.25, 0.5, 0.25], [0.5, 0.5, 0]),
    ([0.5, 0.5, 0], [0, 0.5, 0.5]),
    ([1, 0, 0], [0, 1, 0]),
    ([5e-324, 1, 0], [0, 1, 5e-324]),
    ([5e-324, 1], [1e-323, 1]),
    ([1, 1e-310], [1, 1e-310 * (1 + 1e-9)]),
    ([0.75, 0.25], [0.25, 0.75]),
])  # fmt: skip
@every
def test_zeros_infinities_and_subnormal_numbers(d, p, q):
    bounds = d.enclose(p, q)
    assert holds(bounds, d, p, q)
    assert narrow(bounds)


@every
def test_an_enclosure_is_infinite_exactly_where_the_divergence_is(d):
    for p, q, end in (([0.5, 0.5], [1, 0], d.slope), ([1, 0], [0.5, 0.5], d.f0)):
        assert math.isinf(d.enclose(p, q).lower) == math.isinf(d.enclose(p, q).upper) == math.isinf(end)


@every
def test_an_enclosure_is_0_for_proportional_weights(d):
    for p in ([0.1, 0.2, 0.7], [5e-324, 0.0, 1.0], [1.0]):
        assert d.enclose(p, p) == dv.Bounds(0, 0, 0)
    assert d.enclose([1, 2, 4], [3, 6, 12], normalize=True) == dv.Bounds(0, 0, 0)
    assert d.enclose([0.1, 0.3], [0.2, 0.6], normalize=True) == dv.Bounds(0, 0, 0)


def test_an_enclosure_is_not_0_for_weights_that_are_almost_proportional():
    """0.3 is not three times 0.1."""
    assert 3 * Fraction(0.1) != Fraction(0.3)
    assert 0 < dv.kl.enclose([0.1, 1.0], [0.3, 3.0], normalize=True).lower < 1e-31


def test_rational_values_are_exact():
    assert dv.tv.enclose([0.75, 0.25], [0.25, 0.75]) == dv.Bounds(0.5, 0.5, 0.5)
    assert dv.hockey_stick(3.0).enclose([0.75, 0.25], [0.25, 0.75]) == dv.Bounds(0, 0, 0)
    assert dv.hockey_stick(0.5).enclose([0.25, 0.75], [0.5, 0.5]) == dv.Bounds(0, 0, 0)


def test_a_finite_value_beyond_the_largest_double():
    assert dv.alpha(3.0).enclose([0.5, 0.5], [1, 1e-300]) == dv.Bounds(LARGEST, LARGEST, math.inf)


def test_a_positive_value_below_the_smallest_double():
    bounds = dv.kl.enclose([1, 1e-300], [1, 1.0001e-300])
    assert holds(bounds, dv.kl, [1, 1e-300], [1, 1.0001e-300])
    assert dv.pearson_chi2.enclose([1, 1e-320], [1, 2e-320]).lower == pytest.approx(1e-320, rel=1e-3)
    assert dv.kl.enclose([1, 1e-200, 0], [1, 1e-200 * (1 + 1e-80), 0]) == dv.Bounds(0, 0, 0)  # 1 + 1e-80 is 1
    assert dv.kl.enclose([1, 5e-324], [1, 5e-324]).upper == 0
    tiny = dv.kl.enclose([1, 0, 1e-315], [1, 0, 1e-315 + 5e-324])
    assert (tiny.lower, tiny.upper) == (0, 5e-324)


@every
def test_an_enclosure_of_the_reverse_exchanges_p_and_q(d):
    p, q = [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]
    assert d.reverse.enclose(p, q).contains(d.enclose(q, p).value)


@pytest.mark.parametrize(
    "convert", [list, np.asarray, torch.tensor, array_api_strict.asarray], ids=["list", "numpy", "torch", "strict"]
)
def test_an_enclosure_takes_what_the_divergence_takes(convert):
    p, q = [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]
    assert dv.kl.enclose(convert(p), convert(q)) == dv.kl.enclose(p, q)


def test_single_precision_is_taken_as_it_is():
    p, q = np.array([0.1, 0.9], dtype=np.float32), np.array([0.2, 0.8], dtype=np.float32)
    assert dv.kl.enclose(p, q) == dv.kl.enclose(p.astype(float), q.astype(float), normalize=True)
    tensors = [torch.tensor(x, requires_grad=True) for x in (p, q)]
    assert dv.kl.enclose(*tensors) == dv.kl.enclose(p, q)


@pytest.mark.parametrize(("p", "q", "message"), [
    ([0.5, 0.6], [0.5, 0.5], "expected p to have mass 1 within .*, got mass 1.1"),
    ([0.5, 0.5], [0.5, -0.5], "expected q to be non-negative, got value -0.5 at index 1"),
    ([0.5, 0.5], [0.5, float("nan")], "expected q to be finite, got value nan at index 1"),
    ([0.5, float("inf")], [0.5, 0.5], "expected p to be finite, got value inf at index 1"),
    ([0.5, 0.5], [1.0], "expected p and q on the same space, got 2 and 1 outcomes"),
    ([], [], "expected at least one outcome"),
    ([[0.5, 0.5]], [0.5, 0.5], r"expected p and q to be vectors, got shape \(1, 2\); enclose one pair of rows"),
])  # fmt: skip
def test_wrong_arguments_are_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        dv.kl.enclose(p, q)


def test_nothing_is_normalised_without_mass():
    with pytest.raises(ValueError, match="expected q to have positive mass"):
        dv.kl.enclose([1, 2], [0, 0], normalize=True)


@dataclass(frozen=True)
class LogarithmOfAZero:
    """No perspective: NaN wherever p is 0."""

    name = "log_of_zero"

    def perspective(self, p, q, m):
        return q * (p - p) / p


def test_a_perspective_that_is_no_number_is_reported():
    with pytest.raises(ArithmeticError, match="expected the perspective of log_of_zero to be a number at each pair"):
        enclose(LogarithmOfAZero(), [0, 1], [0.5, 0.5])


def ball(x):
    return flint.arb(x)


FUNCTIONS = {
    "exp": (lambda x, m: m.exp(x), 0.7, mpmath.exp),
    "expm1": (lambda x, m: m.expm1(x), 1e-20, mpmath.expm1),
    "log": (lambda x, m: m.log(x), 0.7, mpmath.log),
    "log1p": (lambda x, m: m.log1p(x), 1e-20, mpmath.log1p),
    "sqrt": (lambda x, m: m.sqrt(x), 0.7, mpmath.sqrt),
    "tanh": (lambda x, m: m.tanh(x), 0.7, mpmath.tanh),
    "abs": (lambda x, m: m.abs(x), -0.7, abs),
    "sign": (lambda x, m: m.sign(x), -0.7, lambda x: -1),
    "positive_part": (lambda x, m: m.positive_part(x), -0.7, lambda x: 0),
    "maximum": (lambda x, m: m.maximum(x, 2.0), 0.7, lambda x: 2),
    "softplus": (lambda x, m: m.softplus(x), 0.7, lambda x: mpmath.log(1 + mpmath.exp(x))),
    "log_mean_exp": (lambda x, m: m.log_mean_exp(x), 1e-20, lambda x: mpmath.log((mpmath.exp(x) + 1) / 2)),
    "weighted": (lambda x, m: m.log_mean_exp(x, 0.25, 0.75), 0.7, lambda x: mpmath.log((mpmath.exp(x) + 3) / 4)),
    "expm1_ratio": (lambda x, m: m.expm1_ratio(x, m.number(-2.5)), 0.7, lambda x: (1 - mpmath.exp(-2.5 * x)) / 2.5),
    "its limit": (lambda x, m: m.expm1_ratio(x, m.number(0.0)), 0.7, lambda x: x),
    "log1p_ratio": (lambda x, m: m.log1p_ratio(x, m.number(-0.5)), 0.7, lambda x: -2 * mpmath.log(1 - x / 2)),
    "its limit too": (lambda x, m: m.log1p_ratio(x, m.number(0.0)), 0.7, lambda x: x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_balls_hold_their_values(name):
    function, x, truth = FUNCTIONS[name]
    with flint.ctx.workprec(128), mpmath.workdps(60):
        value = function(ball(x), Balls())
        exact = truth(mpmath.mpf(x))
        assert float(value.rad()) <= 1e-36
        assert value.overlaps(ball(mpmath.nstr(exact, 50)))


def test_a_vocabulary_without_a_gap_subtracts():
    assert Balls().difference(ball(0.75), ball(0.25)) == ball(0.5)
    assert Balls().reversed() == Balls()
    assert Balls(ball(0.5)).reversed().difference(ball(0.25), ball(0.75)) == ball(-0.5)
