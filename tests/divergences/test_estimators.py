"""Classical estimators from samples, against the exact divergence and against their formulas in plain loops."""

import math

import numpy as np
import pytest

import divergences as dv
from divergences.estimators import (
    histogram_divergence,
    kernel_divergence,
    nearest_neighbor_kl,
    nearest_neighbor_renyi,
)
from divergences.families import MultivariateNormal, Normal


def samples(seed, n, m, d=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 0.7 + 1.4 * rng.normal(size=(m, d))


def by_loops(x, y, k):
    """Distances to the k-th neighbours by sorting all of them."""
    own = [sorted(math.dist(a, b) for j, b in enumerate(x) if j != i)[k - 1] for i, a in enumerate(x)]
    other = [sorted(math.dist(a, b) for b in y)[k - 1] for a in x]
    return own, other


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("d", [1, 2])
def test_neighbours_follow_the_formula(k, d):
    x, y = samples(0, 20, 30, d)
    own, other = by_loops(x, y, k)
    n, m = len(x), len(y)
    plain = d / n * math.fsum(math.log(b / a) for a, b in zip(own, other, strict=True)) + math.log(m / (n - 1))
    assert nearest_neighbor_kl(x, y, k=k) == pytest.approx(plain, rel=1e-12)
    a = 0.6
    mean = math.fsum(((n - 1) * r**d / (m * v**d)) ** (1 - a) for r, v in zip(own, other, strict=True)) / n
    correction = math.gamma(k) ** 2 / (math.gamma(k - a + 1) * math.gamma(k + a - 1))
    assert nearest_neighbor_renyi(x, y, a, k=k) == pytest.approx(math.log(mean * correction) / (a - 1), rel=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_neighbours_find_the_divergence_of_normals(d):
    """Within four standard errors over repetitions, and the bias of 4000 points in d dimensions."""
    P, Q = MultivariateNormal(np.zeros(d), np.eye(d)), MultivariateNormal(np.full(d, 0.7), 1.96 * np.eye(d))
    kl, renyi = float(dv.kl(P, Q)), float(dv.renyi(0.7)(P, Q))
    found = np.array(
        [
            (nearest_neighbor_kl(x, y), nearest_neighbor_renyi(x, y, 0.7))
            for x, y in (samples(seed, 4000, 4000, d) for seed in range(6))
        ]
    )
    error = 4 * found.std(axis=0, ddof=1) / math.sqrt(len(found)) + 0.02 * d
    assert np.all(np.abs(found.mean(axis=0) - [kl, renyi]) <= error)


def test_renyi_of_order_one_is_kl():
    x, y = samples(1, 50, 60)
    assert nearest_neighbor_renyi(x, y, 1.0) == nearest_neighbor_kl(x, y)
    assert nearest_neighbor_renyi(x, y, 1 + 1e-7) == pytest.approx(nearest_neighbor_kl(x, y), abs=1.0)


def test_histograms_have_the_stated_bias():
    """Equal distributions: the mean is half f''(1) (B - 1)(1/n + 1/m)."""
    rng = np.random.default_rng(4)
    edges, n, m = np.linspace(0, 1, 11), 3000, 5000
    for d in (dv.js, dv.squared_hellinger, dv.pearson_chi2):
        values = [histogram_divergence(d, rng.random(n), rng.random(m), bins=edges) for _ in range(200)]
        expected = float(d.second_derivative(1.0)) / 2 * 9 * (1 / n + 1 / m)
        assert np.mean(values) == pytest.approx(
            expected, rel=4 * np.std(values) / np.mean(values) / math.sqrt(200) + 0.02
        )


def test_histograms_lose_at_most():
    """Many points in coarse bins: below the exact value (the data-processing inequality), but near it."""
    x, y = samples(2, 400_000, 400_000)
    exact = float(dv.squared_hellinger(Normal(0, 1), Normal(0.7, 1.4)))
    coarse, fine = (histogram_divergence(dv.squared_hellinger, x, y, bins=bins) for bins in (8, 60))
    assert coarse < fine < exact + 1e-3
    assert fine == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_kernels_find_a_smoothed_divergence(kernel):
    """The kernel adds its variance to both normals: the estimate is that of the wider ones."""
    x, y = samples(3, 4000, 8000)
    width = 0.4
    variance = width**2 * (1 if kernel == "gaussian" else 1 / 5)
    smooth = [Normal(m, math.sqrt(s**2 + variance)) for m, s in ((0.0, 1.0), (0.7, 1.4))]
    found = kernel_divergence(dv.js, x, y, bandwidth=width, kernel=kernel)
    assert found == pytest.approx(float(dv.js(*smooth)), rel=0.2)
    assert kernel_divergence(dv.js, x, x + 0.0, bandwidth=width) < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest_neighbor_kl([1.0, 2.0], [[1.0, 2.0], [1.0, 3.0]]), "in one space, got dimensions 1 and 2"),
        (lambda: nearest_neighbor_kl([1.0, 2.0], [1.5, 2.5], k=5), "got k = 5"),
        (lambda: nearest_neighbor_kl([1.0, 1.0, 2.0], [1.5, 2.5], k=1), "got repeated points"),
        (lambda: nearest_neighbor_kl([1.0, math.nan], [1.5, 2.5], k=1), "at least two finite points"),
        (lambda: nearest_neighbor_renyi([1.0, 2.0], [1.5, 2.5], 0.0, k=1), "an order a > 0 with"),
        (lambda: nearest_neighbor_renyi([1.0, 2.0], [1.5, 2.5], 4.0, k=2), r"\|a - 1\| < k = 2, got 4.0"),
        (lambda: histogram_divergence(dv.js, np.zeros((3, 2)), np.ones((3, 2))), "on the line, got dimension 2"),
        (lambda: histogram_divergence(dv.js, [0.0, 2.0], [0.5, 0.7], bins=[0, 1]), "got 1 points outside"),
    ],
)
def test_bad_samples_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
