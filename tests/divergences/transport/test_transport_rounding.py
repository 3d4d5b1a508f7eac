"""Bounds are rounded outward: the distance of two points is a square root, known exactly by its square."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
from divergences.transport import TransportError, dual_bound

coordinates = hnp.arrays(np.float64, 3, elements=st.floats(-1e3, 1e3).filter(lambda t: t == 0 or abs(t) > 1e-100))


def squared_distance(x, y):
    return sum((Fraction(float(a)) - Fraction(float(b))) ** 2 for a, b in zip(x, y, strict=True))


@given(x=coordinates, y=coordinates, p=st.sampled_from([1, 2]))
def test_bounds_of_one_pair_hold_for_the_points_themselves(x, y, p):
    bounds = dv.wasserstein([x], [y], p=p).bounds
    truth = squared_distance(x, y)
    assert Fraction(bounds.lower) ** 2 <= truth <= Fraction(bounds.upper) ** 2
    assert Fraction(dual_bound([x], [y], [0.0], p=p)) ** 2 <= truth


def test_the_computed_distance_alone_is_not_a_bound():
    """The premise of the test above: without outward rounding some bound would be on the wrong side."""
    rng = np.random.default_rng(0)
    above = below = 0
    for x, y in rng.normal(size=(200, 2, 3)):
        value, truth = dv.wasserstein([x], [y]).value, squared_distance(x, y)
        above += Fraction(value) ** 2 > truth
        below += Fraction(value) ** 2 < truth
    assert above > 20
    assert below > 20


@pytest.mark.parametrize("scale", [1e-140, 1e-155, 1e-162, 1e-170, 5e-324])
@pytest.mark.parametrize("p", [1, 2])
def test_distances_whose_squares_underflow(scale, p):
    """Certified, or refused; never a bound on the wrong side."""
    x, y = [[0.0, 0.0]], [[3 * scale, 4 * scale]]
    truth = squared_distance(x[0], y[0])
    assert Fraction(dual_bound(x, y, [0.0], p=p)) ** 2 <= truth
    try:
        bounds = dv.wasserstein(x, y, p=p).bounds
    except TransportError as error:
        assert scale < 1e-150
        assert "rescale the points" in str(error)  # noqa: PT017
    else:
        assert Fraction(bounds.lower) ** 2 <= truth <= Fraction(bounds.upper) ** 2


def test_tiny_coordinates_beside_ordinary_ones_cost_nothing():
    x, y = [[0.0, 1e-300], [1.0, 1.0]], [[0.0, 1e-300], [2.0, 1.0]]
    assert dv.wasserstein(x, y).bounds.relative_gap < 1e-14
    assert dv.wasserstein(x, x).bounds == dv.Bounds(0.0, 0.0, 0.0)
    assert str(dv.wasserstein([0.0], [0.0]).bounds) == "Bounds(lower=0.0, value=0.0, upper=0.0)"
