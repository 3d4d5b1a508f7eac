"""Distances on the line against rational arithmetic, the certified plan, POT and finite differences."""

import importlib
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_problems import EPS, measures

from divergences.transport import wasserstein
from divergences.transport.area import area
from divergences.transport.exact import exact_dot
from divergences.transport.masses import balance
from divergences.transport.packed import sort_packed, stable_order
from divergences.transport.quantile_line import wasserstein_1d

LIGHT = settings(deadline=None, max_examples=40)
ORDERS = (1, 2, 3, math.inf)


def unit(n, m):
    """The relative error that is promised."""
    return (48 + math.log2(n + m)) * EPS / 2


def rational(x, y, a, b, p):
    """Largest difference or p-th power of the distance in rationals, by walking along both quantile functions."""
    left, right = (
        sorted(
            (Fraction(float(v)), Fraction(float(w)) / sum(map(Fraction, map(float, ws))))
            for v, w in zip(vs, ws, strict=True)
        )
        for vs, ws in ((x, a), (y, b))
    )
    cost, i, j = Fraction(0), 0, 0
    r, s = left[0][1], right[0][1]
    while i < len(left) and j < len(right):
        mass, d = min(r, s), abs(left[i][0] - right[j][0])
        if mass > 0:
            cost = max(cost, d) if p == math.inf else cost + mass * d**p
        r, s = r - mass, s - mass
        if r == 0:
            i, r = i + 1, left[i + 1][1] if i + 1 < len(left) else 0
        else:
            j, s = j + 1, right[j + 1][1] if j + 1 < len(right) else 0
    return cost


def agrees(value, cost, p, tolerance):
    """Whether ``value`` is the root of ``cost`` within a relative tolerance, judged without taking a root."""
    power, slack = (1, 1) if p == math.inf else (p, p)
    v = Fraction(float(value)) ** power
    return abs(v - cost) <= Fraction(tolerance) * slack * cost * Fraction(101, 100)


@LIGHT
@given(measures(), measures(), st.sampled_from(ORDERS))
def test_value_equals_the_one_in_rationals(first, second, p):
    (x, a), (y, b) = first, second
    cost = rational(x[:, 0], y[:, 0], a, b, p)
    assert agrees(wasserstein_1d(x[:, 0], y[:, 0], a, b, p=p), cost, p, unit(len(x), len(y)))


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 7), (12, 4), (4, 12), (15, 21), (100, 99)])
def test_equal_weights_of_any_sizes(n, m, p):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.normal(size=m)
    cost = rational(x, y, np.ones(n), np.ones(m), p)
    assert agrees(wasserstein_1d(x, y, p=p), cost, p, unit(n, m))
    assert agrees(wasserstein_1d(x, y, np.full(n, 1 / n), np.full(m, 1 / m), p=p), cost, p, unit(n, m))


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("change", [0.0, 1e-15, 1e-9])
@pytest.mark.parametrize("shift", [0.0, 1e-12])
def test_relative_error_does_not_grow_as_measures_approach_each_other(p, change, shift):
    rng = np.random.default_rng(3)
    x, a = rng.uniform(1, 2, 100), rng.uniform(0.1, 1, 100)
    y, b = x + shift * rng.normal(size=100), a * (1 + change * rng.normal(size=100))
    a, b = a / a.sum(), b / b.sum()
    cost = rational(x, y, a, b, p)
    assert agrees(wasserstein_1d(x, y, a, b, p=p), cost, p, unit(100, 100))
    assert (cost == 0) == (np.array_equal(x, y) and np.array_equal(a, b))


@pytest.mark.parametrize("p", ORDERS)
def test_hardly_any_mass_that_moves_very_far(p):
    x, y, a = [0.0, 1.0], [0.0, 1e20], [1 - 2.0**-53, 1e-20]
    cost = rational(x, y, a, a, p)
    assert agrees(wasserstein_1d(x, y, a, a, p=p), cost, p, unit(2, 2))


@pytest.mark.parametrize(("p", "spread"), [(1, 0), (1, 40), (3, 40), (math.inf, 40)])
def test_weights_over_many_decades(p, spread):
    rng = np.random.default_rng(4)
    (x, a), (y, b) = ((rng.normal(size=n), np.exp(-spread * rng.uniform(size=n))) for n in (150, 90))
    a, b = a / a.sum(), b / b.sum()
    assert agrees(wasserstein_1d(x, y, a, b, p=p), rational(x, y, a, b, p), p, unit(150, 90))


@pytest.mark.parametrize("p", [1, 1.5, 2, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_value_is_within_the_bounds_of_the_certified_plan(p, weighted):
    rng = np.random.default_rng(5)
    x, y, a, b = rng.normal(size=500), rng.normal(size=300), *(rng.exponential(size=n) for n in (500, 300))
    weights = (a / a.sum(), b / b.sum()) if weighted else ()
    bounds = wasserstein(x, y, *weights, p=p).bounds
    slack = unit(500, 300)
    assert bounds.lower * (1 - slack) <= wasserstein_1d(x, y, *weights, p=p) <= bounds.upper * (1 + slack)


def test_order_infinity_is_the_limit_and_not_fooled_by_ties_of_levels():
    w = np.array([1, 2, 2, 3]) / 8
    x, y = np.array([0.0, 1.0, 2.0, 100.0]), np.array([0.5, 1.5, 2.5, 100.5])
    shuffle = np.array([2, 0, 3, 1])
    assert wasserstein_1d(x, y[shuffle], w, w[shuffle], p=math.inf) == 0.5
    assert wasserstein_1d(x, y[shuffle], w, w[shuffle] * (1 + 2.0**-30), p=math.inf) == 0.5
    assert wasserstein_1d(x, y**1.01, w, w, p=400) == pytest.approx(
        wasserstein_1d(x, y**1.01, w, w, p=math.inf), rel=0.01
    )


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
@pytest.mark.parametrize("p", [1, 2, 30])
def test_scaling_neither_overflows_nor_underflows(scale, p):
    x, y = np.array([0.25, 0.5, 1.0]), np.array([0.125, 1.5])
    assert wasserstein_1d(x * scale, y * scale, p=p) == pytest.approx(scale * wasserstein_1d(x, y, p=p), rel=1e-13)


def test_means_of_differences_do_not_overflow():
    assert wasserstein_1d([1.5e308] * 4, [0, 0]) == wasserstein_1d(np.full(2, 1.5e308), np.zeros(2)) == 1.5e308


@pytest.mark.parametrize("sloppy", [0.0, 1e-9])
def test_area_of_hundreds_of_weighted_points(sloppy):
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=400), np.round(rng.normal(0.1, 1, 300), 2)  # with ties
    a, b = rng.exponential(size=400), rng.exponential(size=300)
    a, b = a / a.sum(), b / b.sum() * (1 + sloppy)
    value = area(x, y, a, b)
    assert value is not None
    assert agrees(value, rational(x, y, a, b, 1), 1, unit(400, 300))


@LIGHT
@given(st.integers(1, 4), st.integers(1, 20), st.data())
def test_packed_sort_is_a_permutation_in_order(rows, n, data):
    close = st.integers(-9, 9).map(lambda k: math.copysign(1 + abs(k) * EPS, k))
    numbers = st.one_of(close, st.sampled_from([0.0, -0.0, 5e-324, -5e-324]), st.floats(-1e300, 1e300))
    x = np.array(data.draw(st.lists(numbers, min_size=rows * n, max_size=rows * n))).reshape(rows, n)
    y, order = sort_packed(x)
    np.testing.assert_array_equal(y, np.sort(x, axis=-1))
    np.testing.assert_array_equal(x.take(order), y)
    np.testing.assert_array_equal(np.sort(order, axis=-1), np.arange(rows * n).reshape(rows, n))
    np.testing.assert_array_equal(stable_order(x[0]), np.argsort(x[0], kind="stable"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 2])
def test_packed_sort_declines_what_is_not_finite(value, place):
    x = np.arange(6.0).reshape(2, 3)
    x[1, place] = value
    assert sort_packed(x) is None


@pytest.mark.parametrize("spread", [0, 2, 40])
def test_many_masses_and_their_products_are_as_exact_as_few(spread):
    rng = np.random.default_rng(11)
    n = 20_000
    a, b = np.exp(-spread * rng.uniform(size=n)) * rng.uniform(1, 2, n), rng.integers(0, 3, n) / 4
    a[7] = 0
    masses = balance(a, b, Fraction(3))
    for q, w in ((masses.source, a), (masses.target, b)):
        exact = [Fraction(v) for v in w.tolist()]
        total = sum(exact)
        assert sum(q.tolist()) == masses.units
        assert all(int(q[k]) * total == exact[k] * masses.units for k in range(0, n, 97))
        flow = masses.to_mass(q)
        assert all(flow[k] == float(3 * exact[k] / total) for k in range(0, n, 97))
        assert exact_dot(q, a) == sum(int(k) * Fraction(v) for k, v in zip(q, a.tolist(), strict=True))


def test_batches_broadcast():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(5, 1, 30)), rng.normal(size=(4, 20))
    a, b = rng.uniform(size=(30,)), rng.uniform(size=(4, 20))
    a, b = a / a.sum(), b / b.sum(axis=-1, keepdims=True)
    for p in (1, 2.5, math.inf):
        plain, weighted = wasserstein_1d(x, y, p=p), wasserstein_1d(x, y, a, b, p=p)
        assert plain.shape == weighted.shape == (5, 4)
        for i, j in np.ndindex(5, 4):
            assert plain[i, j] == pytest.approx(wasserstein_1d(x[i, 0], y[j], p=p), rel=8 * EPS)
            assert weighted[i, j] == pytest.approx(wasserstein_1d(x[i, 0], y[j], a, b[j], p=p), rel=8 * EPS)


def test_large_batches_are_done_in_chunks_of_the_same_values():
    rng = np.random.default_rng(7)
    x, y, w = rng.normal(size=(300, 1000)), rng.normal(size=1000), np.full(1000, 1e-3)
    whole = wasserstein_1d(x, y, w)
    np.testing.assert_allclose(whole, wasserstein_1d(x, y), rtol=1e-13)
    np.testing.assert_allclose(whole[[0, -1]], [wasserstein_1d(v, y, w) for v in x[[0, -1]]], rtol=8 * EPS)


def test_dtype_and_library_follow_the_arguments():
    torch = pytest.importorskip("torch")
    x, y = np.array([0.1, 0.7, 0.4], dtype=np.float32), np.array([0.3, 0.2], dtype=np.float32)
    assert wasserstein_1d(x, y).dtype == np.float32
    assert wasserstein_1d([0, 1], [2, 4]).dtype == np.float64
    for dtype in (torch.float32, torch.float64):
        value = wasserstein_1d(torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype), p=2)
        assert value.dtype == dtype
        assert value.shape == ()
        assert float(value) == pytest.approx(float(wasserstein_1d(x, y, p=2)), rel=1e-6)


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
@pytest.mark.parametrize("sizes", [(4, 4), (6, 3), (5, 4)])
def test_gradient_is_that_of_finite_differences(p, sizes):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(8)
    x, y = (torch.tensor(rng.normal(size=n), requires_grad=True) for n in sizes)
    a, b = (torch.tensor(w / w.sum(), requires_grad=True) for w in (rng.uniform(0.2, 1, n) for n in sizes))
    assert torch.autograd.gradcheck(lambda *z: wasserstein_1d(*z, p=p), (x, y))
    shares = lambda u, v: wasserstein_1d(x, y, u / u.sum(), v / v.sum(), p=p)
    assert torch.autograd.gradcheck(shares, (a, b))


def test_gradient_of_the_weights_is_the_potential_without_its_mean():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(9)
    x, y, a, b = rng.normal(size=30), rng.normal(size=20), rng.uniform(0, 1, 30), rng.uniform(0, 1, 20)
    a[:2] = 0
    a, b = a / a.sum(), b / b.sum()
    w = torch.tensor(a, requires_grad=True)
    wasserstein_1d(torch.tensor(x), torch.tensor(y), w, torch.tensor(b)).backward()
    f = wasserstein(x, y, a, b).potentials[0]
    np.testing.assert_allclose(w.grad, f - f @ a, atol=1e-13)


@pytest.mark.parametrize("p", [1, 1.5, 2, math.inf])
def test_gradient_is_zero_where_the_distance_is(p):
    torch = pytest.importorskip("torch")
    x = torch.tensor([0.0, 2.0, 2.0, 1.0], requires_grad=True, dtype=torch.float64)
    wasserstein_1d(x, torch.tensor([1.0, 2.0, 0.0, 2.0], dtype=torch.float64), p=p).backward()
    assert not x.grad.any()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([0.0], [1.0]), {"p": 0.5}, ValueError, "expected p to be a number of at least 1, or math.inf, got 0.5"),
        (([0.0], [1.0]), {"p": "2x"}, ValueError, "expected p to be a number of at least 1, or math.inf, got '2x'"),
        (([], [1.0]), {}, ValueError, "expected x to hold points along its last axis, shape (..., n), got shape (0,)"),
        (([0.0, math.nan], [1.0]), {}, ValueError, "expected points x to be finite, got x[1] = nan; repair or remove"),
        (([0.0], [[1.0], [math.inf]]), {}, ValueError, "expected points y to be finite, got y[1, 0] = inf"),
        (([-1.7e308], [1.7e308]), {}, ValueError, "expected points whose differences are below 1.8e308"),
        (([0.0, 1.0], [1.0], [1.0]), {}, ValueError, "expected a to hold one weight per point, shape (2,) or (..., 2)"),
        (([0.0, 1.0], [1.0], [0.5, 0.6]), {}, ValueError, "expected a to have mass 1 within 1.5e-08, got mass 1.1"),
        (([0.0, 1.0], [1.0], [-0.5, 1.5]), {}, ValueError, "expected a to be non-negative, got value -0.5 at index 0"),
        ((np.zeros((2, 3)), np.zeros((4, 3))), {}, ValueError, "expected shapes that broadcast up to the last axis"),
    ],
)
def test_errors_teach(arguments, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wasserstein_1d(*arguments, **options)


def test_arrays_of_another_library_are_refused():
    jax = pytest.importorskip("jax")
    with pytest.raises(TypeError, match="expected numpy arrays or torch tensors"):
        wasserstein_1d(jax.numpy.zeros(3), jax.numpy.ones(3))


def test_benchmark_runs_and_its_ways_agree(monkeypatch, capsys):
    pytest.importorskip("ot")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    assert importlib.import_module("transport_line").main(["--quick"]) == 0
    apart = [float(v) for v in re.findall(r"apart (\S+)", capsys.readouterr().out)]
    assert len(apart) == 28
    assert max(apart) < 1e-8
