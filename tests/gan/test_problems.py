"""Finite pairs: what each family is for is so."""

import itertools
import math
import re

import numpy as np
import pytest
import torch

import divergences as dv
from gan.expectations import joint_support
from gan.problems import (
    RANDOM_PAIRS,
    battery,
    heavy_tails,
    independent_points,
    on_a_line,
    partial_overlap,
    rings,
    shared_support,
    shift,
    smooth_weights,
)

torch.set_num_threads(1)


def distance(problem):
    P, Q = problem.P, problem.Q
    return dv.wasserstein(P.points, Q.points, P.weights, Q.weights).bounds


def divergence(f, problem):
    joint = joint_support(problem.P, problem.Q)
    return float(f(joint.p, joint.q, normalize=True))


def same(first, second):
    pairs = ((first.P, second.P), (first.Q, second.Q))
    return all(np.array_equal(a.points, b.points) and np.array_equal(a.weights, b.weights) for a, b in pairs)


@pytest.mark.parametrize("d", [1, 2, 16])
def test_battery_has_one_of_each_family(d):
    problems = list(battery(sizes=(8, 4096), dimensions=(d,)))
    kinds = len(RANDOM_PAIRS) + (d == 1)
    assert len({problem.name for problem in problems}) == len(problems) == 2 * kinds
    for problem, n in zip(problems, [8] * kinds + [4096] * kinds, strict=True):
        assert problem.name.endswith(f", n = {n}, d = {d}")
        for side in (problem.P, problem.Q):
            assert (side.size, side.dimension) == (n, d)
            assert math.fsum(side.weights) == pytest.approx(1, abs=n * 1e-16)


def test_problems_of_a_battery_do_not_depend_on_the_others():
    whole = {problem.name: problem for problem in battery(sizes=(8, 16), dimensions=(1, 2), rng=3)}
    part = list(battery(sizes=(16,), dimensions=(2,), rng=3))
    assert all(same(problem, whole[problem.name]) for problem in part)
    other = list(battery(sizes=(16,), dimensions=(2,), rng=4))
    assert not any(same(problem, whole[problem.name]) for problem in other)
    generator = list(battery(sizes=(16,), dimensions=(2,), rng=np.random.default_rng(3)))
    assert all(same(problem, whole[problem.name]) for problem in generator)


@pytest.mark.parametrize("family", RANDOM_PAIRS)
def test_families_depend_on_their_randomness_alone(family):
    assert same(family(12, 3, rng=5), family(12, 3, rng=np.random.default_rng(5)))
    assert not same(family(12, 3, rng=5), family(12, 3, rng=6))


@pytest.mark.parametrize(("n", "d", "by"), [(8, 1, 0.3), (64, 2, -2.0), (40, 16, 1e-3), (5, 2, 0.0)])
def test_shift_has_its_length_as_distance(n, d, by):
    assert distance(shift(n, d, by=by)).value == pytest.approx(abs(by), rel=1e-12, abs=1e-15)


def test_moving_a_far_pile():
    """JS sees nothing until the piles meet: ln 2, ln 2, 0; W1 falls with every step."""
    far, near, there = (shift(30, 2, by=by) for by in (50.0, 7.0, 0.0))
    assert [divergence(dv.js, pile) for pile in (far, near, there)] == [pytest.approx(math.log(2))] * 2 + [0]
    assert [distance(pile).value for pile in (far, near, there)] == [pytest.approx(50), pytest.approx(7), 0]


@pytest.mark.parametrize("d", [1, 2, 16])
def test_independent_points_meet_nowhere(d):
    problem = independent_points(50, d)
    assert len(joint_support(problem.P, problem.Q).points) == 100
    assert divergence(dv.tv, problem) == pytest.approx(1)
    assert 0 < distance(problem).lower <= math.sqrt(d)


@pytest.mark.parametrize("family", [shared_support, smooth_weights])
@pytest.mark.parametrize("d", [1, 2, 16])
def test_divergences_on_one_support_are_finite(family, d):
    problem = family(100, d)
    assert len(joint_support(problem.P, problem.Q).points) == 100
    assert all(0 < divergence(f, problem) < math.inf for f in (dv.kl, dv.reverse_kl, dv.js, dv.pearson_chi2))


@pytest.mark.parametrize("d", [1, 2, 16, 128])
def test_smooth_weights_neither_even_out_nor_gather(d):
    """The number of atoms that hold the mass, 1 / sum w², is between a tenth and nine tenths of all."""
    problem = smooth_weights(500, d)
    assert all(0.1 < 1 / (500 * np.sum(side.weights**2)) < 0.9 for side in (problem.P, problem.Q))


def roughness(problem):
    """Mean square jump of the log-ratio between neighbours on the line, over its variance."""
    order = np.argsort(problem.P.points[:, 0])
    v = np.log(problem.P.weights / problem.Q.weights)[order]
    return np.mean(np.diff(v) ** 2) / np.var(v)


def test_smooth_weights_are_smooth_and_those_of_a_simplex_are_not():
    """For independent log-ratios the jumps have twice the variance."""
    assert roughness(smooth_weights(300, 1)) < 0.01
    assert roughness(shared_support(300, 1)) == pytest.approx(2, rel=0.25)


@pytest.mark.parametrize(("n", "d"), [(4, 1), (8, 2), (100, 16)])
def test_partial_overlap_is_infinite_for_kl_alone(n, d):
    problem = partial_overlap(n, d)
    lacking = [int(np.count_nonzero(side.weights == 0)) for side in (problem.P, problem.Q)]
    assert lacking == [n // 4, n // 4]
    assert divergence(dv.kl, problem) == divergence(dv.reverse_kl, problem) == math.inf
    assert 0 < divergence(dv.js, problem) < math.log(2)
    assert 0 < divergence(dv.tv, problem) < 1


def test_rings_are_eight_blobs_around_one():
    """No coordinate is six standard deviations off, and no blob is empty."""
    problem = rings(400, 3)
    angles = 2 * np.pi / 8 * np.arange(8)
    blobs = np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=1)
    off = problem.P.points[:, None] - blobs
    nearest = np.linalg.norm(off, axis=2).argmin(axis=1)
    assert set(nearest) == set(range(8))
    assert np.abs(off[np.arange(400), nearest]).max() < 6 * 0.05
    assert np.abs(problem.Q.points).max() < 6 * 0.3
    assert rings(10, 1).P.dimension == 1


def test_tails_are_heavy():
    """P(|X| < 1) is 1/2 for Cauchy, 1/sqrt 3 for t with two degrees; half of Pareto weights exceed twice the least."""
    n = 4096
    problem = heavy_tails(n, 1)
    for side, share in ((problem.P, 1 / 2), (problem.Q, 1 / math.sqrt(3))):
        inside = np.mean(np.abs(side.points) < 1)
        assert inside == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / n))
        assert np.mean(side.weights > 2 * side.weights.min()) == pytest.approx(1 / 2, abs=2.5 / math.sqrt(n) + 8 / n)
    assert np.abs(problem.P.points).max() > 100


@pytest.mark.parametrize("n", [1, 8, 1000])
def test_on_a_line_the_distance_is_that_of_sorted_samples(n):
    problem = on_a_line(n)
    x, y = np.sort(problem.P.points[:, 0]), np.sort(problem.Q.points[:, 0])
    assert distance(problem).value == pytest.approx(np.abs(x - y).mean(), rel=1e-12)


@pytest.mark.parametrize("family", RANDOM_PAIRS)
def test_pairs_of_nothing_are_refused(family):
    least = 4 if family is partial_overlap else 1
    for (n, d), message in (
        ((0, 1), f"expected n to be at least {least}, got 0"),
        ((5, 0), "expected d to be at least 1"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            family(n, d)


def test_names_are_told_apart():
    names = [problem.name for problem in battery(sizes=(8, 9), dimensions=(1, 2))]
    assert all(a != b for a, b in itertools.combinations(names, 2))
