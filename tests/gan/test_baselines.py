"""Baselines: draws follow the density that scikit-learn gives, and the moments that theory gives."""

import math

import numpy as np
import pytest
import scipy.integrate
import torch

from gan.baselines import Epanechnikov, Gaussian, KernelDensity, MixtureEM, TrainedVAE
from gan.datasets import fgan_mixture, ring
from gan.metrics import exact_w1
from gan.vae import VAE

torch.set_num_threads(1)

KERNELS = [Gaussian(), Epanechnikov()]
kernels = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
BASELINES = [*map(KernelDensity, KERNELS), MixtureEM(3), TrainedVAE(VAE(width=8), steps=20)]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: str(baseline)[:40])
@pytest.mark.parametrize("data", [ring(3), fgan_mixture()], ids=lambda data: data.name)
def test_fit_and_draws_come_from_their_generators_alone(baseline, data):
    points = data.sampler(200, rng())
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (baseline.fit(points, rng(1))(30, rng(2)) for _ in range(2))
    assert torch.equal(first, second)
    assert (first.shape, first.dtype) == ((30, data.dimension), torch.float64)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert not torch.equal(baseline.fit(points, rng(1))(30, rng(3)), first)


@kernels
def test_draws_on_the_line_follow_scikit_learns_density(kernel):
    n = 20_000
    points = fgan_mixture().sampler(40, rng())
    baseline = KernelDensity(kernel)
    drawn = np.sort(baseline.fit(points, rng(1))(n, rng(2)).numpy()[:, 0])
    x = np.linspace(float(points.min()) - 8, float(points.max()) + 8, 20_001)
    density = np.exp(baseline.estimator(points).score_samples(x[:, None]))
    cdf = scipy.integrate.cumulative_trapezoid(density, x, initial=0)
    assert cdf[-1] == pytest.approx(1, abs=1e-6)
    difference = np.abs(np.interp(drawn, x, cdf) - (np.arange(n) + 0.5) / n).max()
    assert difference < math.sqrt(math.log(2 / 1e-9) / (2 * n)) + 1 / n + 1e-6  # Massart (1990)


@kernels
def test_draws_in_the_plane_follow_scikit_learns_density(kernel):
    """Masses of squares, by integrating the density."""
    n, side = 40_000, 0.5
    points = torch.tensor([[0.0, 0.0], [0.3, 0.9], [1.0, -0.2]], dtype=torch.float64)
    baseline = KernelDensity(kernel, bandwidth=0.7)
    drawn = baseline.fit(points, rng(1))(n, rng(2)).numpy()
    estimator = baseline.estimator(points)
    fine = (np.arange(50) + 0.5) / 50 * side
    for corner in np.array([(-0.5, -0.5), (0.0, 0.0), (0.5, -0.5), (0.0, 0.5), (1.0, 0.0)]):
        mesh = corner + np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
        mass = np.exp(estimator.score_samples(mesh)).mean() * side**2
        share = ((drawn >= corner) & (drawn < corner + side)).all(1).mean()
        assert mass > 0.01
        assert abs(share - mass) < 6 * math.sqrt(mass / n) + 1e-3 * mass  # the midpoint rule


@kernels
@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_deviation_of_a_kernel_is_the_integral_of_its_density(kernel, d):
    def radial(power):
        shape = {"gaussian": lambda r: math.exp(-r * r / 2), "epanechnikov": lambda r: max(0.0, 1 - r * r)}[kernel.name]
        return scipy.integrate.quad(lambda r: r**power * shape(r), 0, 1 if kernel.name == "epanechnikov" else 40)[0]

    assert kernel.deviation(d) ** 2 == pytest.approx(radial(d + 1) / radial(d - 1) / d, rel=1e-8)
    drawn, n = kernel.draw(40_000, d, rng()), 40_000
    assert drawn.var(0, correction=0).numpy() == pytest.approx(kernel.deviation(d) ** 2, rel=6 * math.sqrt(2 / n))


def test_scotts_rule_gives_both_kernels_the_same_deviation():
    points = 3 * torch.randn(500, 2, generator=rng(), dtype=torch.float64)
    widths = [KernelDensity(kernel).width(points) * kernel.deviation(2) for kernel in KERNELS]
    spread = math.sqrt(points.var(0, correction=0).mean())
    assert widths == pytest.approx([spread * 500 ** (-1 / 6)] * 2, rel=1e-14)


def test_a_fit_by_maximum_likelihood_has_the_moments_of_the_sample():
    """Of a mixture at a stationary point of the likelihood, mean and covariance are those of the sample."""
    n = 60_000
    sample = ring(3, scale=0.3).sampler(600, rng()) @ torch.tensor([[1.0, 0.5], [0.0, 1.0]], dtype=torch.float64)
    drawn = MixtureEM(3).fit(sample, rng(1))(n, rng(2))
    deviations = sample.std(0)
    assert ((drawn.mean(0) - sample.mean(0)).abs() < 6 * deviations / math.sqrt(n)).all()
    difference = (torch.cov(drawn.T, correction=0) - torch.cov(sample.T, correction=0)).abs()
    # n^-1/2 for the draws; E-M stops when a step gains less than 1e-3 of log-likelihood per point
    assert (difference < (6 * math.sqrt(2 / n) + 1e-3) * torch.outer(deviations, deviations)).all()


def test_a_mixture_of_its_own_components_is_found():
    data, n = ring(3, scale=0.1), 30_000
    drawn = MixtureEM(3).fit(data.sampler(600, rng()), rng(1))(n, rng(2)).numpy()
    nearest = np.linalg.norm(drawn[:, None] - data.modes, axis=2).min(1)
    assert (nearest < 5 * 0.1).mean() > 1 - 1e-3
    assert abs((nearest**2).mean() / (2 * 0.1**2) - 1) < 6 / math.sqrt(600)


def test_training_brings_the_vae_closer_to_the_data_than_the_best_normal_is():
    data = ring(4, scale=0.05)
    sample, fresh = data.sampler(500, rng()), data.sampler(300, rng(5))
    models = (TrainedVAE(VAE(width=32), steps=1), MixtureEM(1), TrainedVAE(VAE(width=32), steps=800))
    untrained, normal, trained = (exact_w1(model.fit(sample, rng(1))(300, rng(2)), fresh) for model in models)
    assert trained.upper < normal.lower < untrained.lower


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: KernelDensity(bandwidth=0.0), "bandwidth > 0, or None for Scott's rule, got 0.0"),
        (lambda: KernelDensity().fit(torch.ones(5, 2), rng()), "5 copies; set bandwidth"),
        (lambda: KernelDensity().fit(torch.tensor([[math.nan]]), rng()), "expected points of shape"),
        (lambda: MixtureEM(0), "components to be at least 1, got 0"),
        (lambda: TrainedVAE(steps=0), "steps to be at least 1, got 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()
