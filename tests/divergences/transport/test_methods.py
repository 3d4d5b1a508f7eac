"""One problem, many roads: every method that suits gives the same certified value, and the table chooses among them."""

import subprocess
import sys

import numpy as np
import pytest

import divergences as dv
from divergences.transport import (
    ROADS,
    Arc,
    Assignment,
    Clouds,
    DenseSimplex,
    LazySimplex,
    Line,
    Road,
    Tree,
    TreeMetric,
    wasserstein,
)
from divergences.transport.points import chosen
from divergences.transport.roads import PointPair

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2)) + 0.5
W, Z = (w / w.sum() for w in RNG.uniform(0.1, 1.1, (2, 60)))
ANGLES = RNG.random((2, 60))
NODES = RNG.integers(0, 12, (2, 60))
TREE = TreeMetric(np.array([-1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6]), np.linspace(0, 2, 12))

PROBLEMS = {
    "the line": (X[:, 0], Y[:, 0], W, Z, {"p": 1}),
    "the line, squares": (X[:, 0], Y[:, 0], W, Z, {"p": 2}),
    "the line, below 1": (X[:, 0], Y[:, 0], None, None, {"p": 0.5}),
    "the line, equal masses": (X[:, 0], Y[:, 0], None, None, {"p": 3}),
    "the plane": (X, Y, W, Z, {"p": 1}),
    "the plane, squares": (X, Y, None, None, {"p": 2}),
    "the plane, city blocks": (X, Y, W, Z, {"p": 1, "metric": "cityblock"}),
    "the circle": (*ANGLES, W, Z, {"p": 1, "metric": Arc()}),
    "the circle, squares": (*ANGLES, W, Z, {"p": 2, "metric": Arc()}),
    "a tree": (*NODES, W, Z, {"p": 1, "metric": TREE}),
    "a tree, squares": (*NODES, W, Z, {"p": 2, "metric": TREE}),
}


def methods():
    return [*ROADS, LazySimplex()]


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_all_methods_that_suit_agree(name):
    x, y, a, b, options = PROBLEMS[name]
    found = []
    for method in methods():
        try:
            found.append(wasserstein(x, y, a, b, method=method, **options))
        except ValueError as error:
            assert "leave method out" in str(error)  # noqa: PT017 - what a method that does not suit says
    assert len(found) >= 2
    assert all(s.bounds.lower <= t.bounds.upper for s in found for t in found)
    assert max(t.bounds.gap for t in found) <= 1e-13 * found[0].value


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("the line", "Line"),
        ("the line, below 1", "DenseSimplex"),
        ("the circle", "Circle"),
        ("a tree", "Tree"),
        ("a tree, squares", "DenseSimplex"),
        ("the plane", "DenseSimplex"),
        ("the plane, squares", "DenseSimplex"),
    ],
)
def test_the_table_chooses(name, method):
    x, y, a, b, options = PROBLEMS[name]
    assert str(wasserstein(x, y, a, b, **options).method) == method


def test_many_points_go_to_the_method_for_clouds():
    many = RNG.normal(size=(4000, 2))
    assert chosen(PointPair(many, many + 1, None, 1, "euclidean"), None) == Clouds()
    assert chosen(PointPair(many[:300], many, None, 1, "euclidean"), None) == DenseSimplex()


def test_every_method_of_the_table_is_a_value():
    assert all(isinstance(road, Road) for road in ROADS)
    assert (Line(), Tree()) == (Line(), Tree())
    assert len(set(map(str, ROADS))) == len(ROADS)


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="expected method to be one of Line, Circle, Tree, Clouds, DenseSimplex"):
        wasserstein(X, Y, method="dense")
    with pytest.raises(ValueError, match="expected a problem that Assignment solves"):
        wasserstein(X, Y, W, Z, method=Assignment())


def test_coordinates_in_which_all_points_agree_do_not_count():
    line = np.column_stack([np.full(60, 0.3), X[:, 0]]), np.column_stack([np.full(60, 0.3), Y[:, 0]])
    t = wasserstein(*line, W, Z, p=2)
    assert str(t.method) == "Line"
    assert t.bounds == wasserstein(X[:, 0], Y[:, 0], W, Z, p=2).bounds
    assert wasserstein(np.ones((3, 2)), np.ones((4, 2))).value == 0.0


def test_below_order_one_the_value_is_the_cost_and_a_metric():
    """For p < 1 crossing pays: mass that both share stays where it is."""
    x, y = [0.0, 1.0], [1.0, 10.0]
    t = wasserstein(x, y, p=0.5)
    assert t.value == pytest.approx(10**0.5 / 2, rel=1e-14)
    assert t.plan.toarray()[1, 0] == 0.5
    assert wasserstein(x, y).value == 5.0
    u, v, w = X, Y, X[::-1] * 2
    distance = [wasserstein(*pair, p=0.5).bounds for pair in ((u, w), (u, v), (v, w))]
    assert distance[0].lower <= distance[1].upper + distance[2].upper


def test_distributions_take_no_options_of_points():
    P, Q = dv.families.Normal(0.0, 1.0), dv.families.Normal(2.0, 1.0)
    assert dv.wasserstein(P, Q).value == 2.0
    with pytest.raises(TypeError, match="expected no metric beside distributions"):
        dv.wasserstein(P, Q, metric="cityblock")
    with pytest.raises(TypeError, match="expected two distributions, got list"):
        dv.wasserstein(P, [1.0, 2.0])


def test_a_method_that_cannot_bring_its_bounds_together_hands_over():
    """On the circle the float potentials of high powers cancel; the dense program has them in twice the precision."""
    t = dv.wasserstein_circle([0.1, 0.2], [0.9], p=100)
    assert str(t.method) == "DenseSimplex"
    assert t.value == pytest.approx((0.5 * 0.2**100 + 0.5 * 0.3**100) ** 0.01, rel=1e-13)


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, "must be a plain array, got a masked one"),
        (np.array(["2020", "2021"], dtype="datetime64[Y]"), ValueError, "must be real numbers, got datetime64"),
        (["1", "2"], ValueError, "must be real numbers, got <U1"),
        ([2**60 + 1, 0], ValueError, "must be numbers that float64 holds, got integers beyond"),
        ([[1.0, 2.0], [3.0]], ValueError, "must be an array of real numbers, got list"),
    ],
    ids=["masked", "dates", "texts", "large integers", "ragged"],
)
def test_what_float64_does_not_hold_is_refused(x, error, text):
    with pytest.raises(error, match=text):
        wasserstein(x, [0.0, 1.0])


def test_integers_that_float64_holds_are_taken():
    assert wasserstein([2**60], [0]).value == 2.0**60


def test_histograms_in_single_precision_balance_to_half_their_digits():
    a, b = np.full(10, 0.1, dtype=np.float32), np.full(2, 0.5, dtype=np.float32)
    assert dv.emd(a, b, np.ones((10, 2))).value == pytest.approx(1.0, rel=1e-7)
    with pytest.raises(ValueError, match="equal totals"):
        dv.emd(a * np.float32(1.01), b, np.ones((10, 2)))


def test_packages_are_found_by_name():
    code = "import divergences as dv; print(dv.integral_metrics.__name__, dv.transport.__name__, dv.families.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["divergences.integral_metrics", "divergences.transport", "divergences.families"]
