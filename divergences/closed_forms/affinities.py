r"""The affinity $\int p^a q^b$, $a + b = 1$, of two members of one family, for every order at once.

What is computed is the *gap* $G_{a,b} = -\frac{1}{ab}\log\int p^a q^b \ge 0$ with its limits $G_{1,0} = KL(P\|Q)$ and
$G_{0,1} = KL(Q\|P)$; it is ``inf`` where the integral diverges. In an exponential family with log-partition A of the
natural parameter it is a Jensen gap, $-\log\int p^a q^b = aA(\theta_p) + bA(\theta_q) - A(a\theta_p + b\theta_q)$, and is
never formed as that difference: here, where A is made of logarithms and powers, their gaps serve; the other families are
in `divergences.closed_forms.geodesics`.
"""

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

BLOCK = 1 << 17
"""Numbers evaluated at once."""

NEAR = 0.3
"""Where |x| is below this, x - log(1 + x) cancels by more than a digit."""


# ---------------------------------------------------------------------------------------------------- normal families


@gap_of(families.Normal, GIL)
def _normal(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    if array_api_compat.is_numpy_namespace(xp) and (a, b) == (1.0, 0.0):
        return _blocked_normal_kl(*np.broadcast_arrays(p.loc, p.scale, q.loc, q.scale))
    return _normal_gap(xp, (p.loc - q.loc) / q.scale, p.scale / q.scale, (p.scale - q.scale) / q.scale, a, b)


def _blocked_normal_kl(*arrays: Array) -> Array:
    """KL of normals in numpy, in blocks that stay in the cache."""
    if not arrays[0].ndim:
        return _normal_kl(*(x[None] for x in arrays))[0]
    flat = [x.reshape(-1) for x in arrays]
    value = np.empty(flat[0].shape)
    for start in range(0, len(value), BLOCK):
        value[start : start + BLOCK] = _normal_kl(*(x[start : start + BLOCK] for x in flat))
    return value.reshape(arrays[0].shape)


def _normal_kl(mean: Array, scale: Array, center: Array, unit: Array) -> Array:
    r"""$\tfrac12(z^2 + x - \log(1 + x))$ with $1 + x$ the ratio of the variances, again where x is small."""
    value = scale - unit
    value /= unit
    value *= value + 2
    small = np.flatnonzero(np.abs(value) < NEAR)
    ratio = scale / unit
    if small.size:
        x = value[small]
        rest = Numeric(np).relative_entropy_near(2 + x, -x / (2 + x))
    np.log(ratio, out=ratio)
    ratio *= 2
    value -= ratio
    if small.size:
        value[small] = rest
    np.subtract(mean, center, out=ratio)
    ratio /= unit
    ratio *= ratio
    value += ratio
    value *= 0.5
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


def _gumbel_kl(xp: Any, x: Array, y: Array, d: Array, shift: Array) -> Array:
    r"""$-\log r + \gamma(r-1) - \delta + e^\delta\Gamma(1+r) - 1$ of the ratio r = x/y of scales, d = x - y given.

    With $\log\Gamma(1+r) = (1-\gamma)(r-1) + B$, B the Bregman gap of $\log\Gamma$ at 2, it is
    $(r - 1 - \log r) + B + \psi(\delta + (1-\gamma)(r-1) + B)$, $\psi(z) = e^z - 1 - z$: nothing cancels.
    """
    excess = d / y
    two = 2 + 0.0 * excess
    bregman = gamma_bregman(xp, 2 + excess, two, excess) + Numeric(xp).relative_entropy(2 + excess, two, excess)
    return log_minus_one(xp, x, y, d) + bregman + psi_exp(xp, shift + (1 - EULER) * excess + bregman)


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
