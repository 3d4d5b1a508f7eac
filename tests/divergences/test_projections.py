"""The closest member of a family: moments under KL, a mode under reverse KL, and a certificate."""

import math

import numpy as np
import pytest
import scipy.integrate

import divergences as dv
from divergences.families import Bernoulli, Exponential, Gamma, Laplace, LogNormal, Mixture, Normal, Uniform

TWO_MODES = Mixture([Normal(-3.0, 0.5), Normal(3.0, 0.8)], [0.4, 0.6])


def test_kl_matches_the_moments_and_lies_between_the_modes():
    found = dv.project(TWO_MODES, Normal, dv.kl)
    mean = 0.4 * -3 + 0.6 * 3
    variance = 0.4 * (9 + 0.25) + 0.6 * (9 + 0.64) - mean**2
    assert float(found.distribution.loc) == pytest.approx(mean, abs=1e-6)
    assert float(found.distribution.scale) == pytest.approx(math.sqrt(variance), rel=1e-6)
    assert -3 < float(found.distribution.loc) < 3
    assert found.others == ()


def test_reverse_kl_sits_on_one_mode_and_names_the_other():
    found = dv.project(TWO_MODES, Normal, dv.reverse_kl)
    assert float(found.distribution.loc) == pytest.approx(3.0, abs=0.05)
    assert float(found.distribution.scale) == pytest.approx(0.8, abs=0.05)
    places = [float(other.loc) for other in found.others]
    assert any(abs(place + 3) < 0.05 for place in places)
    assert all(float(dv.reverse_kl(TWO_MODES, other)) > found.bounds.upper for other in found.others)


@pytest.mark.parametrize("d", [dv.kl, dv.js, dv.squared_hellinger, dv.jeffreys], ids=str)
def test_the_optimality_condition_holds_under_the_integral(d):
    r"""$\int f^*(f'(p/q)) q\,\partial_\theta\log q = 0$, by another quadrature than the one that found it."""
    P = Mixture([Normal(-1.0, 0.25), Normal(2.0, math.sqrt(2))], [0.33, 0.67])
    found = dv.project(P, Normal, d)
    Q = found.distribution
    loc, scale = float(Q.loc), float(Q.scale)

    def integrand(x, score):
        log_p, log_q = (float(z.log_density(np.asarray(x))) for z in (P, Q))
        ratio = math.exp(log_p - log_q)
        critic = float(d.optimal_critic(log_p - log_q))
        return (ratio * critic - float(d.f(ratio))) * math.exp(log_q) * score((x - loc) / scale) / scale

    for score in (lambda z: z, lambda z: z * z - 1):
        parts = [
            scipy.integrate.quad(integrand, a, b, args=(score,), limit=200)[0] for a, b in ((-12, -1), (-1, 1), (1, 16))
        ]
        assert abs(math.fsum(parts)) < 1e-6
    assert np.abs(found.gradient).max() < 1e-8
    assert found.curvature.min() > 0


def test_a_member_of_the_family_is_its_own_projection():
    found = dv.project(Gamma(2.5, 0.7), Gamma, dv.js)
    assert found.bounds.value < 1e-12
    assert float(found.distribution.shape) == pytest.approx(2.5, rel=1e-5)
    assert float(found.distribution.rate) == pytest.approx(0.7, rel=1e-5)


def test_exponential_families_match_the_means_of_their_statistics():
    assert float(dv.project(Gamma(2.0, 0.5), Exponential, dv.kl).distribution.rate) == pytest.approx(0.25, rel=1e-6)
    found = dv.project(Gamma(2.0, 0.5), LogNormal, dv.kl).distribution
    digamma, trigamma = 1 - np.euler_gamma, math.pi**2 / 6 - 1
    assert float(found.loc) == pytest.approx(digamma + math.log(2), rel=1e-6)
    assert float(found.scale) == pytest.approx(math.sqrt(trigamma), rel=1e-6)


def test_the_median_is_kept_by_the_laplace_family():
    P = Mixture([Exponential(1.0), Exponential(0.2)], [0.5, 0.5])
    found = dv.project(P, Laplace, dv.kl).distribution
    assert float(found.loc) == pytest.approx(float(P.quantile(np.asarray(0.5))), abs=1e-4)


def test_no_member_near_it_is_closer():
    P = Mixture([Normal(-1.0, 0.25), Normal(2.0, math.sqrt(2))], [0.33, 0.67])
    found = dv.project(P, Normal, dv.pearson_chi2)
    rng = np.random.default_rng(0)
    for _ in range(30):
        z = rng.normal(size=2) * 0.1
        other = Normal(float(found.distribution.loc) + z[0], float(found.distribution.scale) * math.exp(z[1]))
        assert float(dv.pearson_chi2(P, other)) > found.bounds.lower


def test_what_cannot_be_projected_is_refused():
    with pytest.raises(TypeError, match="real and positive parameters, got Bernoulli"):
        dv.project(Normal(0.0, 1.0), Bernoulli, dv.kl)
    with pytest.raises(ValueError, match="got inf at all"):
        dv.project(Normal(0.0, 1.0), Exponential, dv.kl)
    with pytest.raises(TypeError, match="expected a distribution"):
        dv.project([0.5, 0.5], Normal, dv.kl)
    assert dv.project(Uniform(0.0, 1.0), Normal, dv.kl).distribution.loc == pytest.approx(0.5, abs=1e-6)
