"""Any function on the points proves a lower bound; the optimal potential proves the distance."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
from divergences.testing import point_clouds
from divergences.transport import dual_bound

orders = st.sampled_from([1, 1.5, 2, 3])


@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2), p=orders, data=st.data())
def test_any_values_prove_a_lower_bound(first, second, p, data):
    (x, a), (y, b) = first, second
    f = data.draw(hnp.arrays(np.float64, len(x), elements=st.floats(-100, 100)))
    assert 0 <= dual_bound(x, y, f, a, b, p=p) <= dv.wasserstein(x, y, a, b, p=p).bounds.upper


@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2), p=orders)
def test_an_optimal_potential_proves_the_distance(first, second, p):
    (x, a), (y, b) = first, second
    t = dv.wasserstein(x, y, a, b, p=p)
    bound = dual_bound(x, y, t.potentials[0], a, b, p=p)
    # potentials are rounded once to float64; the cost of p = 3 is lowered by what its power may be wrong by, 8 units
    error = 32 * np.finfo(float).eps * (np.abs(t.potentials[0]).max() + t.cost + 1)
    assert bound**p == pytest.approx(t.cost, abs=error)


@given(cloud=point_clouds(dimension=1), shift=st.floats(-5, 5))
def test_a_linear_function_proves_a_translation(cloud, shift):
    x, a = cloud
    assert dual_bound(x + shift, x, np.sign(shift) * (x + shift)[:, 0], a, a) == pytest.approx(abs(shift), abs=1e-13)


def test_points_without_mass_ask_nothing():
    assert dual_bound([0.0, 1.0], [1.0], [1.0, 50.0], [1.0, 0.0], [1.0]) == 1.0


@pytest.mark.parametrize(
    ("f", "message"),
    [
        ([1.0], "values f must hold one number per point, shape (2,), got shape (1,)"),
        (
            [0.0, np.nan],
            "values f must be finite, of magnitude at most 1e+300, but f[1] = nan; a potential is a finite",
        ),
    ],
)
def test_bad_values_are_refused_with_a_reason_and_a_remedy(f, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        dual_bound([0.0, 1.0], [2.0], f)
