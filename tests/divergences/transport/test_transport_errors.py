"""Every message says what was expected, what came and how to go on."""

import re

import numpy as np
import pytest

from divergences.transport import TransportError, emd, simplex, wasserstein

NAN, INF = float("nan"), float("inf")
ONE, TWO, C12, C22 = [1.0], [0.5, 0.5], [[1.0, 2.0]], [[0.0, 1.0], [1.0, 0.0]]

EMD = [
    (([-0.5, 1.5], ONE, [[1], [1]]), "masses a must be non-negative, but a[0] = -0.5; a signed difference"),
    ((ONE, [0.5, NAN], C12), "masses b must be finite (up to 1e+300), but b[1] = nan; repair or remove the entry"),
    (([INF], ONE, [[1]]), "masses a must be finite (up to 1e+300), but a[0] = inf; repair or remove"),
    (([], ONE, [[1]]), "masses a must be a non-empty one-dimensional array, got shape (0,); pass one mass per point"),
    (([ONE], ONE, [[1]]), "masses a must be a non-empty one-dimensional array, got shape (1, 1)"),
    (
        ([0, 0], [0], [[1], [1]]),
        "masses a must have a positive total, but all 2 are 0; give some point a positive mass",
    ),
    ((TWO, [0.5, 0.6], C22), "masses a and b must have equal totals (within 1e-09, relative), got sum(a) = 1.0 and"),
    ((TWO, [0.5, 0.6], C22), "sum(b) = 1.1; divide each by its sum"),
    ((TWO, TWO, C12), "cost must have one row per mass in a and one column per mass in b, shape (2, 2), got (1, 2)"),
    (
        (TWO, TWO, [[0, -INF], [1, 0]]),
        "cost must be a number of magnitude at most 1e+300, or +inf, but cost[0, 1] = -inf",
    ),
    ((TWO, TWO, [[0, 1], [NAN, 0]]), "but cost[1, 0] = nan; +inf forbids a pair; to make one unattractive give it"),
]

POINTS = [
    (([0, NAN], ONE), {}, "points x must be finite, but x[1, 0] = nan; repair or remove the point"),
    (([0.0], [[INF]]), {}, "points y must be finite, but y[0, 0] = inf"),
    (([], [0]), {}, "points x must be a non-empty array of shape (n,) or (n, d), got shape (0,); rows are points"),
    ((3.0, [0]), {}, "points x must be a non-empty array of shape (n,) or (n, d), got shape ()"),
    (([[0, 1]], [[0, 1, 2]]), {}, "same number of coordinates, got 2 (x has shape (1, 2)) and 3 (y has shape (1, 3))"),
    (
        ([0, 1], [0], [0.5, 0.6]),
        {},
        "weights a must have mass 1 (within 1.5e-08), got mass 1.1; divide them by their sum",
    ),
    (([0], [0, 1], None, [1]), {}, "weights b must hold one weight per point, 2, got 1; pass None for uniform weights"),
    (([0], [0, 1], None, [-1, 2]), {}, "masses b must be non-negative, but b[0] = -1.0"),
    (([0], [1]), {"p": -1}, "p must be a finite positive number, got -1"),
    (([0], [1]), {"p": NAN}, "p must be a finite positive number, got nan"),
    (([0], [1]), {"p": INF}, "p must be a finite positive number, got inf"),
    (([0], [1]), {"metric": "euclidian"}, "metric must be 'euclidean', another name that scipy.spatial.distance.cdist"),
    (([0], [1]), {"metric": lambda u, v: u @ v.T - 1}, "distances must be non-negative numbers, but metric"),
    (
        ([0], [1]),
        {"metric": lambda u, v: u[:, 0]},
        "must return the distances of all pairs, shape (1, 1); got shape (1,)",
    ),
    (
        ([0], [1e200]),
        {"p": 2},
        "d(x, y)**2 must stay below 1e+301, but the largest distance does not; divide all points",
    ),
    (([-1.7e308], [1.7e308]), {}, "d(x, y)**1 must stay below"),
]


@pytest.mark.parametrize(("arguments", "message"), EMD)
def test_emd_teaches(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        emd(*arguments)


@pytest.mark.parametrize(("arguments", "options", "message"), POINTS)
def test_wasserstein_teaches(arguments, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wasserstein(*arguments, **options)


def test_a_solver_at_its_limit_is_an_error(monkeypatch):
    monkeypatch.setattr(simplex, "PIVOT_LIMIT", 3)
    cost = np.random.default_rng(0).uniform(size=(30, 30))
    message = "expected the network simplex to end at an optimal basis, but it ended at its limit of 3 pivots; raise"
    with pytest.raises(TransportError, match=re.escape(message)):
        emd(np.ones(30), np.ones(30), cost)


def test_any_other_status_is_an_error():
    with pytest.raises(TransportError, match="status 0; raise"):
        simplex._check(0)


def test_a_gap_too_wide_is_an_error():
    """With p = 1000 the powers of distances of 0.1 underflow: nothing is known but that the value is below 0.5."""
    message = "expected primal and dual to meet within 1e-09 of the cost of the plan"
    with pytest.raises(TransportError, match=message):
        wasserstein([0.0, 0.1], [0.05, 0.2], p=1000)


def test_a_value_beyond_float64_is_an_error():
    with pytest.raises(TransportError, match="inf is proven"):
        emd([1e300], [1e300], [[1e300]])


def test_transport_error_is_a_runtime_error():
    assert issubclass(TransportError, RuntimeError)
