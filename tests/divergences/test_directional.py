"""Distributions on the sphere and on matrices, against integrals over the sphere and 110 digits of Bessel functions."""

import math

import mpmath
import numpy as np
import pytest
import scipy.stats
import torch

import divergences as dv
from divergences.closed_forms import affinity_gap
from divergences.families import (
    MatrixNormal,
    MultivariateNormal,
    PowerSpherical,
    SphericalUniform,
    VonMises,
    VonMisesFisher,
    as_distribution,
)

torch.set_num_threads(1)
ULP = float(np.finfo(np.float64).eps)
ORDERS = [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.3, 0.7), (2.0, -1.0), (-1.0, 2.0)]
CLOSENESS = [1.0, 1e-4, 1e-8, 1e-12]


def unit(x):
    return x / np.linalg.norm(x)


# -------------------------------------------------------------------- von Mises-Fisher, by Bessel functions at 110 digits


def log_partition(x):
    """log of 0F1(; d/2; |x|**2/4), the mean of exp(<x, u>) over the sphere."""
    d = mpmath.mpf(len(x))
    square = mpmath.fsum(z * z for z in x)
    if square < 10**6:
        return mpmath.log(mpmath.hyp0f1(d / 2, square / 4))
    r = mpmath.sqrt(square)
    nu = d / 2 - 1
    return mpmath.log(mpmath.besseli(nu, r)) + mpmath.loggamma(nu + 1) - nu * mpmath.log(r / 2)


def textbook_gap(p, q, a):
    """By the log-partition; the limits KL by the order 1 - 1e-30."""
    with mpmath.workdps(110):
        natural = []
        for mean, k in (p, q):
            x = [mpmath.mpf(float(z)) for z in mean]
            length = mpmath.sqrt(mpmath.fsum(z * z for z in x))
            natural.append([mpmath.mpf(float(k)) * z / length for z in x])
        e = mpmath.mpf(10) ** -30
        a = 1 - e if a == 1 else e if a == 0 else mpmath.mpf(a)
        b = 1 - a
        mixed = [a * x + b * y for x, y in zip(*natural, strict=True)]
        s, t = map(log_partition, natural)
        return (a * s + b * t - log_partition(mixed)) / (a * b)


@pytest.mark.parametrize("closeness", CLOSENESS)
@pytest.mark.parametrize(("d", "k"), [(2, 3.0), (3, 1e-3), (3, 1e6), (4, 40.0), (100, 2.0), (100, 300.0)])
def test_every_order_of_von_mises_fisher_has_its_digits(d, k, closeness):
    """The relative error is some units in the last place of the differences of concentrations and directions."""
    rng = np.random.default_rng(d)
    mean = unit(rng.normal(size=d))
    # directions a standard deviation apart, and not quite of length 1
    other = unit(mean + closeness / (1 + math.sqrt(k)) * rng.normal(size=d)) * (1 + 1e-9 * closeness)
    j = k * (1 + closeness * rng.uniform(0.3, 0.6))
    P, Q = VonMisesFisher(mean, k), VonMisesFisher(other, j)
    for a, b in ORDERS:
        exact = textbook_gap((mean, k), (other, j), a)
        assert abs(float(affinity_gap(P, Q, a, b)) - exact) <= 8e-15 * (abs(a) + abs(b)) * exact, (a, b)
    assert float(dv.kl(P, P)) == 0.0


def test_opposite_directions_and_the_uniform_limit():
    """Halfway between opposite directions is the uniform distribution, which is concentration 0."""
    mean = np.array([0.0, 0.6, 0.8])
    up, down, flat = VonMisesFisher(mean, 2.0), VonMisesFisher(-mean, 2.0), VonMisesFisher(mean, 0.0)
    uniform = SphericalUniform(3)
    height = mpmath.log(mpmath.sinh(2) / 2)  # of the log-partition above 0
    assert float(affinity_gap(up, down, 0.5, 0.5)) == pytest.approx(float(8 * height / 2), rel=4 * ULP, abs=0)
    assert float(dv.kl(uniform, up)) == pytest.approx(float(height), rel=4 * ULP, abs=0)
    assert float(dv.kl(up, uniform)) == pytest.approx(float(2 * (mpmath.coth(2) - 0.5) - height), rel=4 * ULP, abs=0)
    for a, b in ORDERS:
        assert affinity_gap(up, uniform, a, b) == affinity_gap(up, flat, a, b)
        assert affinity_gap(uniform, flat, a, b) == affinity_gap(flat, flat, a, b) == 0.0
    assert dv.kl(uniform, SphericalUniform(3)) == dv.kl.bounds(uniform, SphericalUniform(3)).upper == 0.0
    tiny = VonMisesFisher(mean, 1e-9)
    assert float(dv.kl(tiny, uniform)) == pytest.approx(1e-18 / 6, rel=1e-15, abs=0)


@pytest.mark.parametrize("orders", ORDERS)
def test_on_the_circle_it_is_von_mises(orders):
    angles, k = (0.3, 2.5), (1.2, 4.0)
    there = [VonMisesFisher([math.cos(t), math.sin(t)], c) for t, c in zip(angles, k, strict=True)]
    here = [VonMises(t, c) for t, c in zip(angles, k, strict=True)]
    assert float(affinity_gap(*there, *orders)) == pytest.approx(float(affinity_gap(*here, *orders)), rel=2e-15, abs=0)


# ---------------------------------------------------------------------- by integrals of densities along the mean direction


def along(d, log_p, log_q, term):
    """The integral over t of a term of two densities with respect to (1 - t**2)**((d - 3)/2), at 40 digits.

    In t = cos of an angle; log-densities are functions of 1 - t and 1 + t, to be normalised.
    """
    with mpmath.workdps(40):

        def integral(g):
            def at(angle, turned):  # from either pole, where densities may have a singularity
                heights = 2 * mpmath.sin(angle / 2) ** 2, 2 * mpmath.cos(angle / 2) ** 2
                return mpmath.sin(angle) ** (d - 2) * g(*(heights[::-1] if turned else heights))

            ends = [0, 0.03, 0.3, 1, mpmath.pi / 2]
            return sum(mpmath.quad(lambda x, t=t: at(x, t), ends, maxdegree=6) for t in (False, True))

        masses = [integral(lambda low, high, f=f: mpmath.exp(f(low, high))) for f in (log_p, log_q)]
        shift = mpmath.log(masses[0] / masses[1])

        def g(low, high):
            p, q = log_p(low, high), log_q(low, high)
            return term(mpmath.exp(p) / masses[0], mpmath.exp(q) / masses[1], p - q - shift)

        return integral(g)


def fisher(k):
    return lambda low, high: -k * low


def power(k):
    return lambda low, high: k * mpmath.log(high / 2)


def entropy(p, _, log_ratio):
    return p * log_ratio


@pytest.mark.parametrize(("d", "k", "j"), [(3, 2.0, 5.0), (6, 0.5, 0.7), (20, 40.0, 0.0)])
def test_relative_entropy_is_its_integral(d, k, j):
    mean = unit(np.arange(1.0, d + 1))
    exact = along(d, fisher(k), fisher(j), entropy)
    assert float(dv.kl(VonMisesFisher(mean, k), VonMisesFisher(mean, j))) == pytest.approx(
        float(exact), rel=4e-15, abs=0
    )
    exact = along(d, power(k), power(j), entropy)
    assert float(dv.kl(PowerSpherical(mean, k), PowerSpherical(mean, j))) == pytest.approx(
        float(exact), rel=4e-15, abs=0
    )


@pytest.mark.parametrize("d", [2, 8])
def test_every_order_of_power_spherical_beside_uniform_is_its_integral(d):
    mean, k = np.eye(d)[0], 0.1 * (d - 1)
    P, U = PowerSpherical(mean, k), SphericalUniform(d)
    for a, b in ORDERS:
        if a == 0 or b == 0:
            pair = (power(k), fisher(0.0)) if b == 0 else (fisher(0.0), power(k))
            exact = along(d, *pair, entropy)
        else:
            with mpmath.workdps(40):
                x, y = mpmath.mpf(a), 1 - mpmath.mpf(a)
                affinity = along(d, power(k), fisher(0.0), lambda p, q, _, x=x, y=y: p**x * q**y)
                exact = -mpmath.log(affinity) / (x * y)
        assert float(affinity_gap(P, U, a, b)) == pytest.approx(float(exact), rel=8e-15, abs=0)
        assert affinity_gap(U, P, b, a) == affinity_gap(P, U, a, b)
    # the density vanishes at one point like a power, too fast for chi-squared from (d - 1)/2 on
    edge = (d - 1) / 2
    assert dv.pearson_chi2(U, PowerSpherical(mean, 0.999 * edge)) < math.inf
    assert dv.pearson_chi2(U, PowerSpherical(mean, edge)) == math.inf
    near = PowerSpherical(mean, 1e-9)  # the logarithm of 1 + t has that variance, to first order
    variance = float(mpmath.psi(1, edge) - mpmath.psi(1, 2 * edge))
    assert float(dv.kl(near, U)) == pytest.approx(1e-18 * variance / 2, rel=1e-8, abs=0)


@pytest.mark.parametrize(
    ("d", "power_concentration", "k"),
    [
        (3, 1.0, 1.0),
        (3, 0.01, 0.01),
        (2, 5.0, 2.2),
        (5, 300.0, 150.0),
        (5, 300.0, 10.0),
        (30, 60.0, 25.0),
        (4, 0.2, 9.0),
    ],
)
def test_power_spherical_from_von_mises_fisher_is_its_integral(d, power_concentration, k):
    mean = unit(np.arange(1.0, d + 1))
    exact = along(d, power(power_concentration), fisher(k), entropy)
    value = float(dv.kl(PowerSpherical(mean, power_concentration), VonMisesFisher(mean, k)))
    assert value == pytest.approx(float(exact), rel=2e-14, abs=0)


@pytest.mark.parametrize("d", [2, 3, 100])
def test_sharp_power_spherical_is_nearly_von_mises_fisher_of_half_the_concentration(d):
    """There 2k (1 - t)/2 is nearly a gamma variable: KL by the exact means of the logarithms, at 60 digits."""
    mean, c = np.eye(d)[0], 1e6
    for k in (c / 2, 0.4 * c, 3 * c):
        with mpmath.workdps(60):
            half, power_, conc = mpmath.mpf(d - 1) / 2, mpmath.mpf(c), mpmath.mpf(k)
            norm = mpmath.log(mpmath.beta(half, half) / mpmath.beta(half + power_, half))
            log_share = mpmath.psi(0, half + power_) - mpmath.psi(0, 2 * half + power_)
            partition = log_partition([conc] + [0] * (d - 1))
            exact = norm + power_ * log_share + partition - conc * power_ / (power_ + d - 1)
        value = float(dv.kl(PowerSpherical(mean, c), VonMisesFisher(mean, k)))
        assert value == pytest.approx(float(exact), rel=2e-14, abs=0)


# --------------------------------------------------------------------------------- two directions, over the whole sphere


def on_the_sphere(n=120):
    """Points of the sphere in three dimensions, and the weights of a product rule."""
    height, weights = np.polynomial.legendre.leggauss(n)
    angle = np.arange(n) * 2 * math.pi / n
    ring = np.sqrt(1 - height**2)[:, None]
    points = np.stack([ring * np.cos(angle), ring * np.sin(angle), height[:, None] + 0 * angle], axis=-1)
    return points, weights[:, None] * np.full(n, 2 * math.pi / n)


FIRST, SECOND = np.array([0.6, 0.0, 0.8]), np.array([-0.48, 0.64, 0.6])


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        (VonMisesFisher(FIRST, 2.0), VonMisesFisher(SECOND, 5.0)),
        (PowerSpherical(FIRST, 4.0), VonMisesFisher(SECOND, 3.0)),
        (PowerSpherical(FIRST, 4.0), SphericalUniform(3)),
        (SphericalUniform(3), VonMisesFisher(SECOND, 7.0)),
    ],
)
def test_two_directions_by_a_rule_on_the_sphere(P, Q):
    points, weights = on_the_sphere()
    log_p, log_q = (D.log_density(points) for D in (P, Q))
    assert np.sum(weights * np.exp(log_p)) == pytest.approx(1.0, rel=1e-13, abs=0)
    terms = np.exp(log_p) * np.where(np.isfinite(log_p), log_p - log_q, 0.0)
    assert float(dv.kl(P, Q)) == pytest.approx(float(np.sum(weights * terms)), rel=1e-12, abs=0)


def test_all_orders_of_two_directions_by_a_rule_on_the_sphere():
    P, Q = VonMisesFisher(FIRST, 2.0), VonMisesFisher(SECOND, 5.0)
    points, weights = on_the_sphere()
    p, q = (np.exp(D.log_density(points)) for D in (P, Q))
    for a, b in ORDERS[2:]:
        exact = -math.log(np.sum(weights * p**a * q**b)) / (a * b)
        assert float(affinity_gap(P, Q, a, b)) == pytest.approx(exact, rel=1e-12, abs=0)
    assert float(dv.squared_hellinger(P, Q)) == pytest.approx(
        np.sum(weights * (p**0.5 - q**0.5) ** 2), rel=1e-12, abs=0
    )
    assert float(dv.pearson_chi2(P, Q)) == pytest.approx(np.sum(weights * (p - q) ** 2 / q), rel=1e-12, abs=0)
    sampled, exact = dv.tv.bounds(P, Q), float(np.sum(weights * np.abs(p - q))) / 2
    assert sampled.lower < exact < sampled.upper < exact + 0.05  # a kink of the integrand costs the rule 1e-3
    assert sampled.lower < exact - 1e-3
    assert exact + 1e-3 < sampled.upper


# -------------------------------------------------------------------------------------------------- densities and draws


@pytest.mark.parametrize("d", [2, 3, 7])
def test_density_and_draws(d):
    rng = np.random.default_rng(0)
    mean = unit(rng.normal(size=d))
    points = SphericalUniform(d).sample(5, rng)
    for k in (1e-3, 2.0, 60.0, 500.0):
        frozen = scipy.stats.vonmises_fisher(mean, k)
        np.testing.assert_allclose(as_distribution(frozen).log_density(points), frozen.logpdf(points), rtol=1e-11)
    k, n = 3.0, 20_000
    tilt = float(mpmath.besseli(d / 2, k) / mpmath.besseli(d / 2 - 1, k))
    for D, cosine in (
        (VonMisesFisher(mean, k), tilt),
        (PowerSpherical(mean, k), k / (d - 1 + k)),
        (SphericalUniform(d), 0.0),
        (VonMisesFisher(mean, 0.0), 0.0),
    ):
        draws = D.sample(n, rng)
        assert draws.shape == (n, d)
        np.testing.assert_allclose(np.linalg.norm(draws, axis=-1), 1.0, rtol=4 * ULP)
        np.testing.assert_allclose(draws.mean(axis=0), cosine * mean, atol=5 / math.sqrt(n))


def test_density_at_any_order_and_concentration():
    """The normaliser by power series, or by the scaled Bessel function, in high dimension."""
    for d, k in ((100, 1e-9), (100, 900.0), (100, 1100.0), (1000, 3.0), (1000, 2e4)):
        P = VonMisesFisher(np.eye(d)[0], k)
        with mpmath.workdps(50):
            area = mpmath.log(2) + mpmath.mpf(d) / 2 * mpmath.log(mpmath.pi) - mpmath.loggamma(mpmath.mpf(d) / 2)
            exact = mpmath.mpf(k) - log_partition([mpmath.mpf(k)] + [0] * (d - 1)) - area
        assert float(P.log_density(np.eye(d)[0])) == pytest.approx(float(exact), rel=1e-12, abs=0)


# ---------------------------------------------------------------------------------------------- refusals and conversions


def test_what_is_not_known_is_refused():
    mean, other = np.eye(3)[0], np.eye(3)[1]
    with pytest.raises(TypeError, match="of one mean direction"):
        dv.kl(PowerSpherical(mean, 1.0), PowerSpherical(other, 1.0))
    for d in (dv.kl, dv.pearson_chi2, dv.renyi(0.5)):
        with pytest.raises(TypeError, match="with a closed form"):
            d(VonMisesFisher(mean, 1.0), PowerSpherical(mean, 1.0))
    with pytest.raises(ValueError, match="points on the unit sphere"):
        dv.kl(VonMisesFisher(mean, 1.0), MultivariateNormal(mean, np.eye(3)))
    with pytest.raises(ValueError, match="3 and 2"):
        dv.kl(VonMisesFisher(mean, 1.0), VonMisesFisher(np.eye(2)[0], 1.0))
    with pytest.raises(ValueError, match="a vector of length 1"):
        VonMisesFisher([1.0, 1.0], 1.0)
    with pytest.raises(ValueError, match="a non-negative number"):
        PowerSpherical(mean, -1.0)
    with pytest.raises(ValueError, match="2 coordinates or more"):
        PowerSpherical([1.0], 1.0)
    with pytest.raises(ValueError, match="an integer of 2 or more"):
        SphericalUniform(1)
    for ask in (
        SphericalUniform(3).support,
        lambda: SphericalUniform(3).quantile(0.5),
        lambda: VonMisesFisher(mean, 1.0).cdf(0.0),
    ):
        with pytest.raises(TypeError, match="on the line"):
            ask()
    with pytest.raises(ValueError, match="3 coordinates"):
        SphericalUniform(3).log_density(np.ones(2))


def test_scipys_objects_are_converted():
    first, second = scipy.stats.vonmises_fisher(FIRST, 2.0), scipy.stats.vonmises_fisher(SECOND, 5.0)
    assert dv.kl(first, second) == dv.kl(VonMisesFisher(FIRST, 2.0), VonMisesFisher(SECOND, 5.0))
    frozen = scipy.stats.matrix_normal(np.ones((2, 3)), np.diag([1.0, 2.0]), np.eye(3))
    record = as_distribution(frozen)
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_allclose(record.log_density(x), frozen.logpdf(x), rtol=1e-13)


def test_gradients_agree_with_difference_quotients():
    start = np.array([0.6, 0.0, 0.8, -0.48, 0.64, 0.6, 2.0, 5.0])

    def fishers(x, direction):
        return VonMisesFisher(direction(x[:3]), x[6]), VonMisesFisher(direction(x[3:6]), x[7])

    def powered(x, direction):
        return PowerSpherical(direction(x[:3]), x[6]), VonMisesFisher(direction(x[3:6]), x[7])

    h = 1e-5
    for d, make in ((dv.kl, fishers), (dv.squared_hellinger, fishers), (dv.kl, powered)):
        x = torch.tensor(start, requires_grad=True)
        value = d(*make(x, lambda z: z))
        assert float(value.detach()) == pytest.approx(float(d(*make(start, unit))), rel=8e-15, abs=0)
        (gradient,) = torch.autograd.grad(value, x)
        quotient = [(d(*make(start + s, unit)) - d(*make(start - s, unit))) / (2 * h) for s in h * np.eye(8)]
        np.testing.assert_allclose(gradient.numpy(), quotient, atol=1e-8)
    x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    mean = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64, requires_grad=True)
    for pair in ((SphericalUniform(3), VonMisesFisher(mean, x)), (PowerSpherical(mean, x), SphericalUniform(3))):
        for d in (dv.kl, dv.reverse_kl, dv.squared_hellinger):
            slopes = torch.autograd.grad(d(*pair), (x, mean))
            assert slopes[0] > 0
            assert float(slopes[1].norm()) < 1e-12


def test_batches_broadcast_in_the_dtype_given():
    means, k = np.stack([FIRST, SECOND]), np.array([[1.0], [2.0], [300.0]])
    Q = VonMisesFisher(SECOND, 5.0)
    table = dv.kl(VonMisesFisher(means, k), Q)
    assert table.shape == (3, 2)
    each = [[dv.kl(VonMisesFisher(m, float(c)), Q) for m in means] for c in k[:, 0]]
    np.testing.assert_allclose(table, each, rtol=4e-15)
    single = VonMisesFisher(torch.tensor(FIRST, dtype=torch.float32), torch.tensor(2.0))
    assert dv.kl(single, SphericalUniform(3)).dtype == torch.float32


# ------------------------------------------------------------------------------------------------- normal on matrices


@pytest.mark.parametrize("closeness", CLOSENESS)
def test_matrix_normals_are_normals_of_kronecker_covariance(closeness):
    """Relative entropy at 60 digits; the error is that of the condition of the covariances."""
    rng = np.random.default_rng(1)
    m, n = 2, 3

    def definite(size):
        root = rng.normal(size=(size, size))
        return root @ root.T + np.eye(size)

    u, v, loc = definite(m), definite(n), rng.normal(size=(m, n))
    near = [x + closeness * 0.1 * np.diag(rng.uniform(size=len(x))) for x in (u, v)]
    shifted = loc + closeness * rng.normal(size=(m, n))
    with mpmath.workdps(60):
        first, second = (
            mpmath.matrix(
                [
                    [mpmath.mpf(a[i // n, j // n]) * mpmath.mpf(b[i % n, j % n]) for j in range(m * n)]
                    for i in range(m * n)
                ]
            )
            for a, b in ((u, v), near)
        )
        shift = mpmath.matrix(loc.ravel().tolist()) - mpmath.matrix(shifted.ravel().tolist())
        ratio = second**-1 * first
        exact = (
            sum(ratio[i, i] for i in range(m * n))
            - m * n
            - mpmath.log(mpmath.det(ratio))
            + (shift.T * second**-1 * shift)[0]
        ) / 2
    P, Q = MatrixNormal(loc, u, v), MatrixNormal(shifted, *near)
    condition = np.linalg.cond(u) * np.linalg.cond(v)
    assert abs(float(dv.kl(P, Q)) - exact) <= 4e-15 * condition * exact
    flat = [MultivariateNormal(z.loc.ravel(), np.kron(z.row_covariance, z.column_covariance)) for z in (P, Q)]
    if closeness == 1.0:
        for orders in ORDERS:
            assert float(affinity_gap(P, Q, *orders)) == pytest.approx(
                float(affinity_gap(*flat, *orders)), rel=1e-13, abs=0
            )
        assert dv.tv.bounds(P, Q).lower <= dv.tv(*flat)
    with pytest.raises(ValueError, match="of one shape"):
        dv.kl(P, MatrixNormal(loc.T, v, u))
    with pytest.raises(ValueError, match="beside a loc"):
        MatrixNormal(loc, v, u)


def test_draws_of_matrix_normals_have_their_covariance():
    loc, u, v = np.ones((2, 2)), np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 0.5]])
    draws = MatrixNormal(loc, u, v).sample(40_000, np.random.default_rng(0)).reshape(-1, 4)
    np.testing.assert_allclose(np.cov(draws.T), np.kron(u, v), atol=0.06)
    torch_loc = torch.tensor(loc, requires_grad=True)
    value = dv.kl(
        MatrixNormal(torch_loc, torch.tensor(u), torch.tensor(v)),
        MatrixNormal(torch.zeros(2, 2, dtype=torch.float64), torch.tensor(u), torch.tensor(v)),
    )
    (gradient,) = torch.autograd.grad(value, torch_loc)
    np.testing.assert_allclose(gradient.numpy(), np.linalg.solve(u, loc) @ np.linalg.inv(v), rtol=1e-13)
