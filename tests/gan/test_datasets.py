"""Data sets: draws have the law that is written beside them."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.datasets import load_digits

import divergences as dv
from divergences.families import Mixture, Normal
from gan.datasets import (
    Labelled,
    digits,
    fgan_mixture,
    gaussian_modes,
    grid,
    of_stock,
    parallel_line,
    pushforwards,
    ring,
    spiral,
    stacked_digits,
)

torch.set_num_threads(1)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def deviation_of(n):
    """What the empirical distribution function of n points differs by, but for a chance of 1e-9: Massart (1990)."""
    return math.sqrt(math.log(2 / 1e-9) / (2 * n))


SETS = [ring(), grid(), spiral(), fgan_mixture(), parallel_line(0.5), *(law.data for law in pushforwards())]
SETS += [digits().training, digits().test, stacked_digits(digits().training)]


@pytest.mark.parametrize("data", SETS, ids=lambda data: data.name)
def test_draws_come_from_the_generator_alone_and_have_the_shape_that_is_said(data):
    before = torch.random.get_rng_state()
    first, second, other = data.draw(50, rng(1)), data.draw(50, rng(1)), data.draw(50, rng(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.points, second.points)
    assert torch.equal(first.labels, second.labels)
    assert not torch.equal(first.points, other.points)
    assert first.points.shape == (50, data.dimension) == (50, math.prod(data.shape))
    assert first.points.dtype == torch.float64
    assert 0 <= int(first.labels.min()) <= int(first.labels.max()) < data.classes
    assert torch.equal(data.sampler(50, rng(1)), first.points)


@pytest.mark.parametrize("data", SETS[:4], ids=lambda data: data.name)
def test_points_of_a_mode_are_normal_about_it(data):
    n = 20_000
    drawn = data.draw(n, rng())
    of = drawn.labels.numpy()
    standard = (drawn.points.numpy() - data.modes[of]) / data.scales[of, None]
    for column in standard.T:
        assert scipy.stats.kstest(column, scipy.stats.norm.cdf).statistic < deviation_of(n)
    shares = np.bincount(of, minlength=len(data.modes)) / n
    assert np.abs(shares - data.weights).max() < deviation_of(n)
    assert math.fsum(data.weights) == pytest.approx(1, abs=1e-15)


def test_modes_of_the_ring_are_a_regular_polygon():
    modes = ring(8, radius=2.0).modes
    assert np.linalg.norm(modes, axis=1) == pytest.approx(2.0, rel=1e-15)
    sides = np.linalg.norm(modes - np.roll(modes, 1, axis=0), axis=1)
    assert sides == pytest.approx(4 * math.sin(math.pi / 8), rel=1e-14)


def test_modes_of_the_grid_are_its_crossings():
    modes = grid(5, spacing=2.0).modes
    assert {tuple(mode) for mode in modes} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert len(modes) == 25


def test_the_radius_of_the_spiral_grows_in_proportion_to_its_angle():
    modes = spiral(40, turns=1.5, radius=2.0).modes
    radii, angles = np.linalg.norm(modes, axis=1), np.unwrap(np.arctan2(modes[:, 1], modes[:, 0]))
    assert radii[-1] == pytest.approx(2.0, rel=1e-15)
    assert angles[-1] == pytest.approx(3 * math.pi, rel=1e-14)
    assert radii / angles == pytest.approx(2.0 / (3 * math.pi), rel=1e-13)


def test_the_mixture_has_the_moments_and_the_distribution_of_the_papers_fit():
    """KL is least for the normal with the moments of the data: the paper's fit is mean 1.0100 and deviation 1.8308, up to 6e-4."""
    data, n = fgan_mixture(), 50_000
    mean = float(data.weights @ data.modes[:, 0])
    variance = float(data.weights @ (data.scales**2 + data.modes[:, 0] ** 2) - mean**2)
    assert (mean, math.sqrt(variance)) == pytest.approx((1.0100, 1.8308), abs=6e-4)
    law = Mixture([Normal(-1.0, 0.2548), Normal(2.0, 1.4154)], [0.33, 0.67])
    points = data.sampler(n, rng()).numpy()[:, 0]
    assert scipy.stats.kstest(points, lambda x: np.asarray(law.cdf(x))).statistic < deviation_of(n)


@pytest.mark.parametrize("theta", [0.0, 0.5, -2.0])
def test_the_distance_of_parallel_lines_is_theta(theta):
    """The same draws of Z on both lines: the horizontal plan is optimal."""
    p, q = (parallel_line(t).sampler(100, rng()).numpy() for t in (0.0, theta))
    assert dv.wasserstein(p, q).value == pytest.approx(abs(theta), rel=1e-14, abs=0)
    assert scipy.stats.kstest(q[:, 1], scipy.stats.uniform.cdf).statistic < deviation_of(100)


def test_digits_are_all_there_once_and_in_range():
    split, source = digits(), load_digits()
    parts = (split.training.stock, split.test.stock)
    assert [len(part.points) for part in parts] == [1348, 449]
    rows = {(*image.tolist(), label) for image, label in zip(source.data, source.target.tolist(), strict=True)}
    ours = [
        {(*(8 * (x + 1)).tolist(), y) for x, y in zip(part.points, part.labels.tolist(), strict=True)} for part in parts
    ]
    assert ours[0] | ours[1] == rows
    assert not ours[0] & ours[1]
    assert all(float(part.points.min()) == -1 and float(part.points.max()) == 1 for part in parts)
    other = digits(rng=1).training.stock.points
    assert not torch.equal(other, parts[0].points)


def test_every_channel_of_a_stacked_digit_is_an_image_of_its_label():
    source = digits().training
    data = stacked_digits(source)
    drawn = data.draw(30, rng())
    known = {tuple(x.tolist()): y for x, y in zip(source.stock.points, source.stock.labels.tolist(), strict=True)}
    for x, y in zip(drawn.points.reshape(30, 3, 64), drawn.labels.tolist(), strict=True):
        assert "".join(str(known[tuple(channel.tolist())]) for channel in x) == f"{y:03d}"
    assert (data.shape, data.classes) == ((3, 8, 8), 1000)


@pytest.mark.parametrize(
    ("index", "law"),
    [(0, scipy.stats.uniform()), (1, scipy.stats.beta(0.5, 1.0)), (2, scipy.stats.norm())],
)
def test_pushforwards_have_their_exact_density(index, law):
    n, pushed = 20_000, pushforwards()[index]
    x = np.array([-1.0, 1e-6, 0.1, 0.25, 0.9, 3.0])
    assert pushed.density(x) == pytest.approx(law.pdf(x), rel=1e-12)
    points = pushed.data.sampler(n, rng()).numpy()[:, 0]
    assert scipy.stats.kstest(points, law.cdf).statistic < deviation_of(n)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ring(scale=0.0), "one finite scale > 0"),
        (lambda: ring(0), "modes to be at least 1, got 0"),
        (lambda: gaussian_modes("x", np.zeros((2, 1)), np.ones(3), np.full(2, 0.5)), "for each of 2 modes"),
        (lambda: gaussian_modes("x", np.zeros((2, 1)), np.ones(2), np.ones(2)), "mass 1"),
        (lambda: parallel_line(math.inf), "finite theta, got inf"),
        (lambda: digits(test_share=0.0), "0 < test_share < 1"),
        (lambda: stacked_digits(ring()), r"one channel in ten classes, got shape \(2,\)"),
        (lambda: Labelled(torch.zeros(2, 1), torch.zeros(2)), r"integer labels \(n,\)"),
        (lambda: of_stock("x", Labelled(torch.zeros(2, 1), torch.zeros(2).long()), (2,), 1), "point of shape"),
    ],
)
def test_what_is_no_data_set_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
