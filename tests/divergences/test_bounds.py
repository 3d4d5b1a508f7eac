"""Certificates and intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divergences import Bounds, Interval
from divergences.elementary import Numeric

finite = st.floats(-1e6, 1e6)


@given(xs=st.lists(finite, min_size=3, max_size=3).map(sorted), ys=st.lists(finite, min_size=3, max_size=3).map(sorted))
def test_the_intersection_of_two_certificates_is_in_both(xs, ys):
    a, b = Bounds(*xs), Bounds(*ys)
    if max(a.lower, b.lower) > min(a.upper, b.upper):
        with pytest.raises(ValueError, match="expected certificates of one number to overlap"):
            _ = a & b
    else:
        both = a & b
        for end in (both.lower, both.value, both.upper):
            assert a.contains(end)
            assert b.contains(end)
        assert both.gap <= min(a.gap, b.gap)


@pytest.mark.parametrize("numbers", [(1.0, 0.0, 2.0), (0.0, 3.0, 2.0), (0.0, math.nan, 1.0), (math.nan, 0.0, 1.0)])
def test_bounds_out_of_order_are_refused(numbers):
    with pytest.raises(ValueError, match="expected lower <= value <= upper, got"):
        Bounds(*numbers)


def test_gaps():
    assert Bounds.exact(3.0).gap == 0
    assert Bounds.exact(math.inf).gap == 0
    assert Bounds(1.0, 2.0, 3.0).relative_gap == 1.0
    assert Bounds(0.0, 0.0, 1.0).relative_gap == math.inf
    assert Bounds(0.0, 0.0, 0.0).relative_gap == 0.0


INTERVALS = [
    Interval(),
    Interval(-math.inf, 1.0),
    Interval(-math.inf, 0.5, closed_upper=True),
    Interval(-2.0, math.inf, closed_lower=True),
    Interval(-0.5, 0.5, closed_lower=True),
]


@pytest.mark.parametrize("interval", INTERVALS, ids=str)
def test_an_interval_contains_its_test_points_and_its_closed_ends_only(interval):
    assert all(interval.contains(x) for x in interval.grid(40))
    assert interval.contains(interval.lower) == interval.closed_lower
    assert interval.contains(interval.upper) == interval.closed_upper
    assert not interval.contains(math.nan)


@pytest.mark.parametrize("interval", INTERVALS, ids=str)
def test_the_map_from_the_reals_is_increasing_and_lands_inside(interval):
    image = interval.map_from_reals(np.linspace(-15, 15, 301), Numeric(np))
    assert np.all(np.diff(image) > 0)
    assert np.all(interval.contains(image))


def test_intervals_are_written_as_in_a_text():
    assert str(INTERVALS[2]) == "(-inf, 0.5]"
    assert INTERVALS[3].latex() == r"\left[-2, \infty\right)"


def test_bad_intervals_are_refused():
    with pytest.raises(ValueError, match=r"expected lower < upper, got 1\.0 and 1\.0"):
        Interval(1.0, 1.0)
    with pytest.raises(ValueError, match=r"expected infinite ends to be open, got \[-inf, 0\)"):
        Interval(-math.inf, 0.0, closed_lower=True)
