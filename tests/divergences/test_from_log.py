"""Divergences of distributions that are given by their logarithms."""

import math

import flint
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
EPS = np.finfo(float).eps
LOGITS = hnp.arrays(np.float64, 5, elements=st.floats(-30, 30))


def in_balls(x, y):
    """The divergence of two softmaxes: weights of 400 bits, rounded to doubles whose ratios are as good as exact."""
    with flint.ctx.workprec(400):
        weights = [[flint.arb(float(t)).exp() for t in row] for row in (x, y)]
        p, q = ([w / sum(row, flint.arb(0)) for w in row] for row in weights)
        return p, q


@given(x=LOGITS, y=LOGITS)
def test_kl_of_softmaxes(x, y):
    """Against sum p log(p/q) with 400 bits."""
    p, q = in_balls(x, y)
    with flint.ctx.workprec(400):
        truth = float(sum((a * (a / b).log() for a, b in zip(p, q, strict=True)), flint.arb(0)).mid())
    assert dv.kl.from_log(x, y, normalize=True) == pytest.approx(truth, rel=4e-15, abs=EPS**2)


TEXTBOOK = {
    dv.kl: lambda p, q: p * (p / q).log(),
    dv.reverse_kl: lambda p, q: q * (q / p).log(),
    dv.jeffreys: lambda p, q: (p - q) * (p / q).log(),
    dv.js: lambda p, q: (p * (2 * p / (p + q)).log() + q * (2 * q / (p + q)).log()) / 2,
    dv.tv: lambda p, q: abs(p - q) / 2,
    dv.squared_hellinger: lambda p, q: p + q - 2 * (p * q).sqrt(),
}


@pytest.mark.parametrize("d", TEXTBOOK, ids=str)
@given(
    x=hnp.arrays(np.float64, 5, elements=st.floats(-1500, 0)), y=hnp.arrays(np.float64, 5, elements=st.floats(-1500, 0))
)
def test_probabilities_and_ratios_below_the_range_of_doubles_count(d, x, y):
    """Where p is a number but q = p exp(-v) is none, its logarithm still is one."""
    x[0] = y[1] = 0
    with flint.ctx.workprec(3000):
        weights = [[flint.arb(float(t)).exp() for t in row] for row in (x, y)]
        p, q = ([w / sum(row, flint.arb(0)) for w in row] for row in weights)
        truth = float(sum((TEXTBOOK[d](a, b) for a, b in zip(p, q, strict=True)), flint.arb(0)).mid())
    assert d.from_log(x, y, normalize=True) == pytest.approx(truth, rel=4e-15, abs=EPS**2)


@every
@given(x=LOGITS, y=LOGITS)
def test_the_value_is_that_of_the_probabilities(d, x, y):
    p, q = (np.array([float(t.mid()) for t in row]) for row in in_balls(x, y))
    expected = float(d(p, q))
    # probabilities are rounded, which their divergence sees near p = q, and powers of them amplify
    assert d.from_log(x, y, normalize=True) == pytest.approx(
        expected, rel=1e-13, abs=64 * EPS * math.sqrt(expected) + EPS
    )


@every
@pytest.mark.parametrize("offset", [1e3, 1e6, 2.0**50])
def test_an_offset_of_logits_changes_nothing(d, offset):
    x, y = np.array([0.0, -1.0, -3.0]), np.array([0.0, -2.0, -1.0])
    value = d.from_log(x, y, normalize=True)
    assert d.from_log(x + offset, y - offset, normalize=True) == pytest.approx(value, rel=4 * EPS)


def test_the_largest_logits():
    assert dv.kl.from_log([1.7e308, -1.7e308], [0.0, 0.0], normalize=True) == math.log(2)


@pytest.mark.parametrize(
    ("d", "log_p", "log_q", "value"),
    [
        (dv.kl, [math.log(0.5), math.log(0.5)], [-1e9, 0.0], 0.5 * 1e9 - math.log(2)),
        (dv.reverse_kl, [-1e9, 0.0], [math.log(0.5), math.log(0.5)], 0.5 * 1e9 - math.log(2)),
        (dv.jeffreys, [-2000.0, 0.0], [0.0, -2000.0], 4000.0),
        (dv.alpha(0.99), [0.0, -1000.0], [-1000.0, 0.0], (math.exp(-10) - 1) / (0.99 * -0.01)),
        (dv.alpha(0.999), [0.0, -1000.0], [-1000.0, 0.0], (math.exp(-1) - 1) / (0.999 * -0.001)),
        (dv.alpha(1.001), [0.0, -1000.0], [-1000.0, 0.0], (math.exp(1) - 1) / (1.001 * 0.001)),
        (dv.alpha(1.5), [-700.0, 0.0], [-1500.0, 0.0], 4 / 3 * math.exp(-300)),
        (dv.js, [0.0, -1e30], [-1e30, 0.0], math.log(2)),
    ],
)
def test_ratios_beyond_the_exponential(d, log_p, log_q, value):
    """KL of 1/2 against exp(-1e9) is finite; powers of such ratios are what they are."""
    assert d.from_log(log_p, log_q) == pytest.approx(value, rel=1e-12)


@every
def test_zeros(d):
    assert d.from_log([0.0, -math.inf], [0.0, -math.inf]) == 0
    assert d.from_log([0.0, -math.inf], [-math.inf, 0.0]) == d([1.0, 0.0], [0.0, 1.0])
    assert d.from_log(np.log([0.5, 0.5]), [0.0, -math.inf]) == d([0.5, 0.5], [1.0, 0.0])


@every
def test_gradients_are_those_of_the_softmax_and_never_nan(d):
    x = torch.tensor([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([[0.3, 0.0, 0.1], [0.0, 0.0, -torch.inf]], dtype=torch.float64)
    d.from_log(x, y, normalize=True).sum().backward()
    z = torch.tensor([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    d(z.softmax(-1), y.softmax(-1)).sum().backward()
    assert not x.grad.isnan().any()
    torch.testing.assert_close(x.grad, z.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("log_p", "message"),
    [
        ([0.0, math.nan], "expected log_p to be finite or -inf, got NaN or inf"),
        ([0.0, math.inf], "expected log_p to be finite or -inf"),
        ([-math.inf, -math.inf], "expected log_p to have positive mass, got -inf everywhere"),
        ([0.0, 0.0], r"expected exp\(log_p\) to have mass 1 within 1.5e-08, got log-mass 0.69.*; pass normalize=True"),
    ],
)
def test_improper_logarithms_are_refused(log_p, message):
    with pytest.raises(ValueError, match=message):
        dv.kl.from_log(log_p, np.log([0.5, 0.5]))
