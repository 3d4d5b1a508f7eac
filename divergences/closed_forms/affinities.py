r"""The affinity $\int p^a q^b$, $a + b = 1$, of two members of one family, for every order at once.

What is computed is the *gap* $G_{a,b} = -\frac{1}{ab}\log\int p^a q^b \ge 0$ with its limits $G_{1,0} = KL(P\|Q)$ and
$G_{0,1} = KL(Q\|P)$; it is ``inf`` where the integral diverges. In an exponential family with log-partition A of the
natural parameter it is a Jensen gap, $-\log\int p^a q^b = aA(\theta_p) + bA(\theta_q) - A(a\theta_p + b\theta_q)$, and is
never formed as that difference: here, where A is made of logarithms and powers, their gaps serve; the other families are
in `divergences.closed_forms.geodesics`.
"""

import math
from typing import Any

import array_api_compat
import numpy as np

from divergences import families
from divergences._arrays import Array
from divergences._special import gamma_bregman, log_gap, log_minus_one, psi_exp
from divergences.closed_forms.formulas import EULER, GIL, NIELSEN, Formula, Parameters, collector, tied
from divergences.elementary import Numeric

__all__ = ["AFFINITIES", "exponents", "relative_excess"]

AFFINITIES: dict[type, Formula] = {}
"""By family: ``function(xp, p, q, a, b)`` is the gap."""

gap_of = collector(AFFINITIES)

SMALL = 0.06
"""From here on v - 1 - log v is right to a relative 2e-15 as it stands."""

NEAR_SHARE = 0.186
"""There |x/(2 + x)| of x = v - 1 is below this."""

NEAR_SERIES = (
    0.14856731500860784,
    0.153105741406066,
    0.18183582713909943,
    0.2222220073448694,
    0.28571428695727735,
    0.39999999999730795,
    0.6666666666666676,
)
"""2 (artanh y - y) / y**3 as a polynomial in y**2, highest power first: interpolated at the Chebyshev nodes of
|y| <= 0.186; y times its error is 7e-17."""

TINIEST = float(np.finfo(np.float64).tiny)

DIGAMMA_THREE_HALVES = 2 - EULER - 2 * math.log(2)

NEAR = 0.3
"""Where |x| is below this, x - log(1 + x) cancels by more than a digit."""


# ---------------------------------------------------------------------------------------------------- normal families


@gap_of(families.Normal, GIL)
def _normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    if array_api_compat.is_numpy_namespace(xp) and (a, b) == (1.0, 0.0):
        arrays: tuple[Array, ...] = (p.loc, p.scale, q.loc, q.scale)
        if any(x.shape != p.loc.shape for x in arrays):
            arrays = np.broadcast_arrays(*arrays)
        shape = arrays[0].shape
        return _numpy_normal_kl(*(x.reshape(-1) for x in arrays)).reshape(shape)
    return _normal_gap(xp, (p.loc - q.loc) / q.scale, p.scale / q.scale, (p.scale - q.scale) / q.scale, a, b)


def _numpy_normal_kl(mean: Array, scale: Array, center: Array, unit: Array) -> Array:
    r"""$\tfrac12(z^2 + v - 1 - \log v)$ of numbers along one axis, v the ratio of the variances, in few passes.

    An error of v moves $v - 1 - \log v$ by its share v - 1 only: that is good as it stands, unless it is small or v is
    beyond the range of normal numbers. The few entries concerned are done again with care.
    """
    value = scale / unit
    value *= value
    work = np.log(value)
    underflow = value < TINIEST if value.min(initial=1.0) < TINIEST else None
    value -= 1.0
    value -= work
    # numpy finds true entries with less guessing where more than a tenth are: as many are added behind
    n = len(value)
    bad = np.ones(n + n // 8 + 1, dtype=bool)
    np.logical_not(np.greater(value, SMALL, out=bad[:n]), out=bad[:n])  # and where it is NaN
    if underflow is not None:
        bad[:n] |= underflow
    rest = np.flatnonzero(bad)[: -(n // 8 + 1)]
    if rest.size:
        value.put(rest, _scale_excess(scale.take(rest), unit.take(rest)))
    np.subtract(mean, center, out=work)
    work /= unit
    work *= work
    value += work
    value *= 0.5
    return value


def _scale_excess(scale: Array, unit: Array) -> Array:
    r"""$x - \log(1 + x)$, $x = v - 1 = \epsilon(2 + \epsilon)$ by the relative difference of the scales.

    With y = x/(2 + x) it is $y(x - 2y^2 S)$, S = (artanh y - y)/y**3, where x is small.
    """
    excess = scale - unit
    excess /= unit
    x = excess + 2
    x *= excess
    y = x / (x + 2)
    square = y * y
    series = square * NEAR_SERIES[0]
    for coefficient in NEAR_SERIES[1:]:
        series += coefficient
        series *= square
    value = np.subtract(x, series, out=series)
    value *= y
    far = ~(np.abs(y) < NEAR_SHARE)
    if far.any():
        value[far] = x[far] - 2 * np.log(scale[far] / unit[far])
    return value


@gap_of(families.LogNormal, f"{GIL}; the divergences of log-normals are those of the normals")
def _log_normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return _normal(xp, p, q, a, b)


def _normal_gap(xp: Any, shift: Array, ratio: Array, excess: Array, a: float, b: float) -> Array:
    """With q of variance 1: p has mean `shift` and standard deviation `ratio` = 1 + `excess`."""
    if (a, b) == (1.0, 0.0):
        x = excess * (ratio + 1)
        near = xp.abs(x) < NEAR
        small = xp.where(near, x, 0.0)
        close = Numeric(xp).relative_entropy_near(2 + small, -small / (2 + small))
        return (shift * shift + xp.where(near, close, x - 2 * xp.log(ratio))) / 2
    variance = ratio * ratio
    mean = a + b * variance  # of the variances with exchanged weights
    proper = mean > 0
    spread = log_gap(xp, xp.ones_like(variance), variance, -excess * (ratio + 1), a, b)
    return xp.where(proper, shift * shift / xp.where(proper, mean, 1.0) + spread, xp.inf) / 2


@gap_of(families.LogitNormal, f"{GIL}; the divergences of the normals of log(x/(1 - x))")
def _logit_normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return _normal(xp, p, q, a, b)


@gap_of(families.HalfNormal, "that of the normals with mean 0, of which it is the absolute value")
def _half_normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    ratio = p.scale / q.scale
    return _normal_gap(xp, 0.0 * ratio, ratio, (p.scale - q.scale) / q.scale, a, b)


@gap_of(
    families.MultivariateNormal,
    f"{GIL} (for d = 1); Pardo (2006), Statistical Inference Based on Divergence Measures, p. 45",
)
def _multivariate_normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    excess = relative_excess(xp, p.covariance, q.covariance)
    proper = xp.min(1 + b * excess, axis=-1) > 0
    mixed = a * q.covariance + b * p.covariance
    mixed = xp.where(proper[..., None, None], mixed, xp.eye(mixed.shape[-1], dtype=mixed.dtype))
    difference = p.mean - q.mean
    scaled = xp.linalg.solve(mixed, difference[..., None])[..., 0]
    distance = xp.sum(difference * scaled, axis=-1)
    spread = xp.sum(log_gap(xp, xp.ones_like(excess), 1 + excess, -excess, a, b), axis=-1)
    return xp.where(proper, distance + spread, xp.inf) / 2


@gap_of(
    families.MatrixNormal,
    "Pardo (2006), p. 45, of multivariate normals of Kronecker covariance: Gupta & Nagar (2000), theorem 2.2.1",
)
def _matrix_normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    r"""Along common axes the covariances differ by $(1 + e_i)(1 + f_j) - 1$, and the means by $x_{ij}$."""
    if tuple(p.loc.shape[-2:]) != tuple(q.loc.shape[-2:]):
        msg = f"expected matrices of one shape, got {tuple(p.loc.shape[-2:])} and {tuple(q.loc.shape[-2:])}"
        raise ValueError(msg)
    rows = relative_excess(xp, p.row_covariance, q.row_covariance)[..., :, None]
    columns = relative_excess(xp, p.column_covariance, q.column_covariance)[..., None, :]
    excess = rows + columns + rows * columns
    excess = xp.reshape(excess, (*excess.shape[:-2], -1))
    proper = xp.min(1 + b * excess, axis=-1) > 0
    spread = xp.sum(log_gap(xp, xp.ones_like(excess), 1 + excess, -excess, a, b), axis=-1)
    distance = _matrix_distance(xp, p, q, a, b, proper)
    return xp.where(proper, distance + spread, xp.inf) / 2


def _matrix_distance(xp: Any, p: Parameters, q: Parameters, a: float, b: float, proper: Array) -> Array:
    r"""$x^T(aU_q\otimes V_q + bU_p\otimes V_p)^{-1}x$ of the difference x of the means: of small matrices for KL."""
    difference = p.loc - q.loc
    if a * b == 0:
        unit = q if b == 0 else p
        left = xp.linalg.solve(unit.row_covariance, difference)
        right = xp.linalg.solve(unit.column_covariance, xp.matrix_transpose(difference))
        return xp.sum(left * xp.matrix_transpose(right), axis=(-2, -1))
    mixed = a * _kronecker(xp, q) + b * _kronecker(xp, p)
    mixed = xp.where(proper[..., None, None], mixed, xp.eye(mixed.shape[-1], dtype=mixed.dtype))
    flat = xp.reshape(difference, (*difference.shape[:-2], -1))
    return xp.sum(flat * xp.linalg.solve(mixed, flat[..., None])[..., 0], axis=-1)


def _kronecker(xp: Any, z: Parameters) -> Array:
    """The covariance of the entries row by row."""
    u, v = z.row_covariance, z.column_covariance
    size = u.shape[-1] * v.shape[-1]
    product = u[..., :, None, :, None] * v[..., None, :, None, :]
    return xp.reshape(product, (*product.shape[:-4], size, size))


def relative_excess(xp: Any, first: Array, second: Array) -> Array:
    """Eigenvalues of S^-1 (F - S) of positive definite matrices F and S: how much F is larger, along common axes."""
    inverse = xp.linalg.inv(xp.linalg.cholesky(second))
    return xp.linalg.eigvalsh(inverse @ (first - second) @ xp.matrix_transpose(inverse))


# ----------------------------------------------------------------------------------------- families of one scale or rate


@gap_of(families.Exponential, GIL)
def _exponential(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return log_gap(xp, p.rate, q.rate, p.rate - q.rate, a, b)


@gap_of(
    families.Weibull,
    f"{GIL}, of equal shapes: of exponentials of rate scale**-shape; KL of others: Bauckhage (2013), eq. 10",
)
def _weibull(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    distance = Numeric(xp).log_ratio(p.scale, q.scale, p.scale - q.scale)
    if (a, b) == (1.0, 0.0):
        return _gumbel_kl(xp, q.shape, p.shape, q.shape - p.shape, distance * q.shape)
    if (a, b) == (0.0, 1.0):
        return _gumbel_kl(xp, p.shape, q.shape, p.shape - q.shape, -distance * p.shape)
    if tied(xp, shape=(p.shape, q.shape)):
        return log_gap(xp, *exponents(xp, -p.shape * distance), a, b)
    return None


@gap_of(families.Gumbel, f"{GIL}, of equal scales: of exponentials of rate exp(loc/scale); KL of others by its moments")
def _gumbel(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    if (a, b) == (1.0, 0.0):
        return _gumbel_kl(xp, p.scale, q.scale, p.scale - q.scale, (q.loc - p.loc) / q.scale)
    if (a, b) == (0.0, 1.0):
        return _gumbel_kl(xp, q.scale, p.scale, q.scale - p.scale, (p.loc - q.loc) / p.scale)
    if tied(xp, scale=(p.scale, q.scale)):
        return log_gap(xp, *exponents(xp, (p.loc - q.loc) / p.scale), a, b)
    return None


def exponents(xp: Any, log_ratio: Array) -> tuple[Array, Array, Array]:
    """Two positive numbers of a ratio that is known by its logarithm, the larger one 1, and their difference."""
    below = xp.where(log_ratio < 0, log_ratio, 0.0 * log_ratio)
    above = xp.where(log_ratio > 0, -log_ratio, 0.0 * log_ratio)
    return xp.exp(below), xp.exp(above), xp.expm1(below) - xp.expm1(above)


def _gumbel_kl(
    xp: Any, x: Array, y: Array, d: Array, shift: Array, shape: float = 1.0, slope: float = 1 - EULER
) -> Array:
    r"""KL of $-\log Y$ in units x from it in units y, d = x - y, shifted, Y of a gamma distribution of this shape k.

    By the ratio r = x/y it is $-\log r - k\delta - k(r-1)\psi(k) + e^\delta\Gamma(k+r)/\Gamma(k) - k$. With
    $\log\frac{\Gamma(k+r)}{\Gamma(k+1)} = \psi(k+1)(r-1) + B$, B the Bregman gap of $\log\Gamma$ at k + 1 and
    $\psi(k+1)$ the `slope`, it is $(r - 1 - \log r) + kB + k(e^z - 1 - z)$, $z = \delta + \psi(k+1)(r-1) + B$: nothing
    cancels.
    """
    excess = d / y
    whole = shape + 1 + 0.0 * excess
    bregman = gamma_bregman(xp, whole + excess, whole, excess)
    bregman = bregman + Numeric(xp).relative_entropy(whole + excess, whole, excess)
    rest = bregman + psi_exp(xp, shift + slope * excess + bregman)
    return log_minus_one(xp, x, y, d) + (rest if shape == 1 else shape * rest)


@gap_of(
    families.Moyal,
    "KL by the moments of the logarithm of a gamma variable of shape 1/2; of equal scales, of these gammas",
)
def _moyal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    if (a, b) == (1.0, 0.0):
        return _moyal_kl(xp, p, q)
    if (a, b) == (0.0, 1.0):
        return _moyal_kl(xp, q, p)
    if tied(xp, scale=(p.scale, q.scale)):
        return log_gap(xp, *exponents(xp, (p.loc - q.loc) / p.scale), a, b) / 2
    return None


def _moyal_kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    r"""That of $\mu - \sigma\log 2Y$, Y of shape 1/2: the shift is that of the locations and of the log 2."""
    difference = p.scale - q.scale
    shift = ((q.loc - p.loc) + math.log(2) * difference) / q.scale
    return _gumbel_kl(xp, p.scale, q.scale, difference, shift, 1 / 2, DIGAMMA_THREE_HALVES)


@gap_of(families.Laplace, f"{GIL}, of equal locations; KL of others: its table 1 with the order to 1")
def _laplace(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    if (a, b) == (1.0, 0.0):
        return _laplace_kl(xp, p, q)
    if (a, b) == (0.0, 1.0):
        return _laplace_kl(xp, q, p)
    if tied(xp, loc=(p.loc, q.loc)):
        return log_gap(xp, q.scale + 0.0 * p.loc, p.scale + 0.0 * q.loc, q.scale - p.scale + 0.0 * p.loc, a, b)
    return None


def _laplace_kl(xp: Any, p: Parameters, q: Parameters) -> Array:
    spread = log_minus_one(xp, p.scale, q.scale, p.scale - q.scale)
    return spread + p.scale / q.scale * psi_exp(xp, -xp.abs(p.loc - q.loc) / p.scale)


@gap_of(families.Pareto, GIL)
def _pareto(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    spread = log_gap(xp, p.shape, q.shape, p.shape - q.shape, a, b)
    distance = Numeric(xp).log_ratio(p.scale, q.scale, p.scale - q.scale)
    # beyond the larger end the two are Pareto of one scale; what is below it is lost, and infinite if the order says so
    above = q.shape * distance / a if a > 0 else xp.inf + 0.0 * distance
    below = -p.shape * distance / b if b > 0 else xp.inf + 0.0 * distance
    return spread + xp.where(distance > 0, above, xp.where(distance < 0, below, 0.0))


@gap_of(
    families.Cauchy, "Chyzak & Nielsen (2019), A closed-form formula for the KL divergence between Cauchy distributions"
)
def _cauchy(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    return xp.log1p(_cauchy_chi(p, q) / 2) if (a, b) in ((1.0, 0.0), (0.0, 1.0)) else None


def _cauchy_chi(p: Parameters, q: Parameters) -> Array:
    """The chi-squared divergence, of which all f-divergences of Cauchy distributions are functions."""
    return ((p.loc - q.loc) ** 2 + (p.scale - q.scale) ** 2) / (2 * p.scale * q.scale)


# ------------------------------------------------------------------------------------------------------------ counts


@gap_of(families.Poisson, NIELSEN)
def _poisson(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return Numeric(xp).power_gap(p.rate, q.rate, p.rate - q.rate, a, b)


@gap_of(families.Bernoulli, "by definition")
def _bernoulli(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    m, d = Numeric(xp), p.p - q.p
    return m.log1p_ratio(m.power_gap(p.p, q.p, d, a, b) + m.power_gap(1 - p.p, 1 - q.p, -d, a, b), -a * b)


@gap_of(families.Binomial, f"{NIELSEN}; n times that of one trial, for equal n")
def _binomial(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    return p.n * _bernoulli(xp, p, q, a, b) if tied(xp, n=(p.n, q.n)) else None


@gap_of(families.Multinomial, f"{NIELSEN}; n times that of one draw, for equal n")
def _multinomial(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    """Infinite for different n, since no outcome is possible under both."""
    return xp.where(p.n == q.n, p.n * _categorical(xp, p, q, a, b), xp.inf)


@gap_of(families.Categorical, "by definition, of the exactly normalised pair")
def _categorical(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    m = Numeric(xp)
    d, mass = p.probabilities - q.probabilities, xp.sum(q.probabilities, axis=-1, keepdims=True)
    excess = xp.sum(d, axis=-1, keepdims=True) / mass
    x, y = p.probabilities / (mass * (1 + excess)), q.probabilities / mass
    share = xp.sum(m.power_gap(x, y, (d - excess * q.probabilities) / (mass * (1 + excess)), a, b), axis=-1)
    apart = 1 - a * b * share <= 0  # no draw is possible under both
    return xp.where(apart, xp.inf, m.log1p_ratio(xp.where(apart, 0.0, share), -a * b))


@gap_of(families.Geometric, f"{NIELSEN}; by the geometric series")
def _geometric(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    m, d = Numeric(xp), p.p - q.p
    mean = a * p.p + b * q.p
    near = mean > 0
    x, y, safe_d = (xp.where(near, z, safe) for z, safe in ((p.p, 0.5), (q.p, 0.5), (d, 0.0)))
    share = m.power_gap(1 - x, 1 - y, -safe_d, a, b) / xp.where(near, mean, 1.0)
    small = log_gap(xp, x, y, safe_d, a, b) + xp.where(1 + a * b * share > 0, m.log1p_ratio(share, a * b), xp.inf)
    if 0 <= a <= 1:
        return small
    sure, other_sure = p.p == 1, q.p == 1  # then no failures: both are 0
    failures = [xp.where(z == 1, -xp.inf, xp.log1p(-xp.where(z == 1, 0.5, z))) for z in (p.p, q.p)]
    log_power = xp.where(sure & other_sure, -xp.inf, a * failures[0] + b * failures[1])
    finite = log_power < 0
    rest = -xp.expm1(xp.where(finite, log_power, -1.0))
    large = (xp.log(rest) - a * xp.log(p.p) - b * xp.log(q.p)) / (a * b)
    return xp.where(finite, xp.where(near, small, large), xp.inf)


@gap_of(families.NegativeBinomial, f"{NIELSEN}; n times that of the geometric distributions, for equal n")
def _negative_binomial(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array | None:
    return p.n * _geometric(xp, p, q, a, b) if tied(xp, n=(p.n, q.n)) else None
