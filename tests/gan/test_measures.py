"""Finite measures, expectations under them, and the problems with known answers."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given

import divergences as dv
import gan
from divergences.testing import point_clouds

torch.set_num_threads(1)


@given(cloud=point_clouds())
def test_expectation_with_exact_weights(cloud):
    P = gan.Discrete(*cloud)
    values = P.points.sum(axis=1)
    E = gan.Expectation(torch.tensor(values), torch.tensor(P.weights))
    assert float(E(lambda t: t)) == pytest.approx(P.weights @ values, abs=1e-12)
    assert float(E(torch.ones_like)) == pytest.approx(1.0)


def test_atoms_without_mass_do_not_count():
    E = gan.Expectation(torch.tensor([1.0, math.inf]), torch.tensor([1.0, 0.0]))
    assert float(E(lambda t: t)) == 1.0


@given(first=point_clouds(dimension=2), second=point_clouds(dimension=2))
def test_joint_support_has_the_masses_of_both(first, second):
    P, Q = gan.Discrete(*first), gan.Discrete(*second)
    joint = gan.joint_support(P, Q)
    assert len(np.unique(joint.points, axis=0)) == len(joint.points)
    for measure, weights, place in ((P, joint.p, joint.of_p), (Q, joint.q, joint.of_q)):
        assert np.array_equal(joint.points[place], measure.points)
        share = weights / weights.sum()
        for x, k in zip(measure.points, place, strict=True):
            here = measure.weights[np.all(measure.points == x, axis=1)].sum()
            assert share[k] == pytest.approx(here / measure.weights.sum())


def test_weights_of_single_precision_are_let_through_as_such():
    w = np.random.default_rng(1).exponential(size=100).astype(np.float32)
    w /= w.sum()
    assert abs(w.astype(float).sum() - 1) > 1.5e-8
    P = gan.Discrete(np.arange(100.0), w)
    assert dv.wasserstein(np.arange(100.0), np.arange(100.0) + 1, w, w).value == pytest.approx(1)
    assert gan.wasserstein.exact(P, P).value == 0


def test_measures_cannot_be_changed():
    """Exact answers are kept per measure, so its arrays are read-only, and copies."""
    x = np.array([0.0, 1.0])
    P = gan.Discrete(x)
    x[0] = 5
    assert P.points[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        P.points[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        P.weights[0] = 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "expected points of shape (n, d) or (n,), got (0,); rows are points"),
        ((np.zeros((2, 2, 2)),), "expected points of shape (n, d) or (n,), got (2, 2, 2)"),
        (([0.0, 1.0], [1.0]), "expected one weight per point, shape (2,), got (1,); leave weights out"),
        ((["a"],), "points must be an array of real numbers, got list"),
        (([0.0], [1j]), "weights must be real numbers, got complex ones; pass the real or the imaginary part"),
        (([0.0, math.nan],), "expected finite points and weights, got NaN or infinity; remove"),
        (([0.0, 1.0], [0.5, 0.6]), "expected non-negative weights of mass 1 (within 1.5e-08), got mass 1.1; divide by"),
        (([0.0, 1.0], [-0.5, 1.5]), "expected non-negative weights of mass 1 (within 1.5e-08), got weights[0] = -0.5"),
    ],
)
def test_bad_measures_are_refused_with_a_reason_and_a_remedy(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        gan.Discrete(*arguments)


@pytest.mark.parametrize("theta", [0.25, 1.0, -3.0])
def test_parallel_lines(theta):
    """W1 = |theta|, JS = ln 2, TV = 1, KL infinite both ways; all 0 at theta = 0."""
    lines = gan.parallel_lines(theta, size=50)
    exact = {f.name: gan.variational(f).exact(lines.P, lines.Q).value for f in dv.FDIVERGENCES}
    assert gan.wasserstein.exact(lines.P, lines.Q).value == pytest.approx(abs(theta), rel=1e-14)
    assert exact["js"] == pytest.approx(math.log(2), rel=1e-15)
    assert exact["tv"] == pytest.approx(1, rel=1e-15)
    assert exact["kl"] == exact["reverse_kl"] == math.inf
    same = gan.parallel_lines(0.0, size=50)
    assert gan.wasserstein.exact(same.P, same.Q).value == 0
    assert all(gan.variational(f).exact(same.P, same.Q).value == 0 for f in dv.FDIVERGENCES)


def test_worked_table():
    table = gan.worked_table()
    bounds = gan.wasserstein.exact(table.P, table.Q)
    assert bounds.value == pytest.approx(7, rel=1e-15)
    assert bounds.contains(7.0)
