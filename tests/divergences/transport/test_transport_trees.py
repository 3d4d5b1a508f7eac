"""Trees of pairs, on which masses determine flows and costs determine potentials; bounds of what a pair has to spare."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divergences.transport import emd
from divergences.transport.forest import Forest
from divergences.transport.masses import balance, exact_total
from divergences.transport.potentials import Potential, slack_bound

LIGHT = settings(deadline=None, max_examples=60)
SMALL = st.one_of(st.just(0.0), st.floats(-1e-30, 1e-30), st.floats(-10, 10))


def random_tree(n, m, rng):
    """Pairs that join n rows and m columns: each new node to one of the other side that is there already."""
    pairs, rows, columns = [(0, 0)], 1, 1
    for row in rng.permutation([True] * (n - 1) + [False] * (m - 1)):
        pairs.append((rows, rng.integers(columns)) if row else (rng.integers(rows), columns))
        rows, columns = rows + row, columns + (not row)
    return np.array(pairs)[rng.permutation(len(pairs))].T


@LIGHT
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_tree_returns_the_flows_and_potentials_it_was_made_of(n, m, seed):
    rng = np.random.default_rng(seed)
    row, column = random_tree(n, m, rng)
    forest = Forest.of(row, column, n, m)
    assert forest.spans
    flow = [v * 3**40 for v in rng.integers(1, 2**40, len(row)).tolist()]  # beyond int64
    left = [0] * (n + m)
    for i, j, v in zip(row, column, flow, strict=True):
        left[i] += v
        left[n + j] += v
    assert forest.flows(len(row), left) == flow
    assert not any(left)
    f, g = rng.integers(-(2**30), 2**30, n), rng.integers(-(2**30), 2**30, m)
    change = forest.corrections((f[row] + g[column]).astype(float))
    assert np.array_equal(change[row] + change[n + column], f[row] + g[column])


def test_pairs_on_a_cycle_or_apart_are_no_tree():
    square = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert not Forest.of(*square, 2, 2).spans
    assert not Forest.of(np.arange(2), np.arange(2), 2, 2).spans


@LIGHT
@given(SMALL, SMALL, SMALL, st.floats(-1, 1), st.floats(-1, 1))
def test_slack_is_not_below_the_rational_one_and_hardly_above(cost, f, g, part_f, part_g):
    low = [part * np.spacing(abs(v)) / 2 for part, v in ((part_f, f), (part_g, g))]
    potentials = (Potential(np.array([v]), np.array([w])) for v, w in zip((f, g), low, strict=True))
    bound = Fraction(float(slack_bound(np.array([cost]), *potentials)[0]))
    truth = max(Fraction(cost) - sum(map(Fraction, (f, g, *low))), Fraction(0))
    rests = sum(Fraction(np.spacing(abs(v))) for v in (cost, f, g))  # rounded parts are no larger than these
    assert truth <= bound <= truth + (truth + 4 * rests) * Fraction(2) ** -50 + Fraction(2) ** -1073


@pytest.mark.parametrize("seed", range(4))
def test_the_common_total_is_the_mean_without_rounding(seed):
    a, b = np.random.default_rng(seed).random((2, 50))
    masses = balance(a, b)
    assert 2 * masses.units * masses.unit == exact_total(a) + exact_total(b)


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("n", [10, 100])
def test_the_basis_of_the_simplex_is_certified_without_refinement(n, uniform):
    rng = np.random.default_rng(n)
    a, b = np.full((2, n), 1 / n) if uniform else rng.random((2, n)) + 0.1
    t = emd(a / a.sum(), b / b.sum(), rng.random((n, n)))
    assert t.iterations == 0
    assert t.bounds.gap <= 2 * np.spacing(t.value)
