r"""The affinity $\int p^a q^b$, $a + b = 1$, of two members of one family, for every order at once.

What is computed is the *gap* $G_{a,b} = -\frac{1}{ab}\log\int p^a q^b \ge 0$ with its limits $G_{1,0} = KL(P\|Q)$ and
$G_{0,1} = KL(Q\|P)$; it is ``inf`` where the integral diverges. In an exponential family with log-partition A of the
natural parameter it is a Jensen gap, $-\log\int p^a q^b = aA(\theta_p) + bA(\theta_q) - A(a\theta_p + b\theta_q)$, and is
never formed as that difference: a gap of logarithms or powers serves where A is made of them, and otherwise the identity

$$-\log\int p^a q^b = a\,KL(R\|P) + b\,KL(R\|Q),\qquad \theta_R = a\theta_p + b\theta_q,$$

for 0 < a < 1, and $\log\int p^a q^b = KL(P\|R) - b\,KL(P\|Q)$ for a > 1, with KL from the known differences of parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, final

import array_api_compat
import numpy as np

from divergences import families
from divergences._arrays import Array, known
from divergences._pairs import two_product
from divergences._special import (
    bessel0,
    bessel1,
    bessel_log_gap,
    excess_trigamma,
    gamma_bregman,
    log_gap,
    log_minus_one,
    psi_exp,
)
from divergences.elementary import Numeric

__all__ = ["GAPS", "Formula", "gap_of"]

Parameters = SimpleNamespace
"""The parameters of a record by name, in double precision."""

EULER = 0.57721566490153286

BLOCK = 1 << 17
"""Numbers evaluated at once."""

TINY = 1e-17
"""Of two vectors in the plane, one that is shorter by this factor is as good as 0."""

FEW = 16
"""Numbers that are compared pair by pair."""

NEAR = 0.3
"""Where |x| is below this, x - log(1 + x) cancels by more than a digit."""


@final
@dataclass(frozen=True, slots=True)
class Formula:
    """A closed form: of which pair of families, and where it comes from.

    The function returns None where it does not apply to the parameters given.
    """

    function: Callable[..., Array | None]
    source: str


GAPS: dict[type, Formula] = {}
"""By family: ``function(xp, p, q, a, b)`` is the gap."""


def gap_of(family: type, source: str) -> Callable[[Callable[..., Array | None]], Callable[..., Array | None]]:
    """Register the gap of a family."""

    def register(function: Callable[..., Array | None]) -> Callable[..., Array | None]:
        GAPS[family] = Formula(function, source)
        return function

    return register


NIELSEN = "Nielsen & Nock (2011), The Burbea-Rao and Bhattacharyya centroids, IEEE Trans. Inf. Theory 57(8), eq. 51"
GIL = "Gil, Alajaji & Linder (2013), Renyi divergence measures for commonly used univariate continuous distributions, table 2"

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
    excess = _relative_excess(xp, p.covariance, q.covariance)
    proper = xp.min(1 + b * excess, axis=-1) > 0
    mixed = a * q.covariance + b * p.covariance
    mixed = xp.where(proper[..., None, None], mixed, xp.eye(mixed.shape[-1], dtype=mixed.dtype))
    difference = p.mean - q.mean
    scaled = xp.linalg.solve(mixed, difference[..., None])[..., 0]
    distance = xp.sum(difference * scaled, axis=-1)
    spread = xp.sum(log_gap(xp, xp.ones_like(excess), 1 + excess, -excess, a, b), axis=-1)
    return xp.where(proper, distance + spread, xp.inf) / 2


def _relative_excess(xp: Any, first: Array, second: Array) -> Array:
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


def tied(xp: Any, **pairs: tuple[Array, Array]) -> bool:
    """Whether parameters are equal, as a formula needs them to be: it has no derivative with respect to these."""
    ((name, (x, y)),) = pairs.items()
    if not known(xp, x == y):
        return False
    if any(getattr(z, "requires_grad", False) for z in (x, y)):
        msg = (
            f"expected {name} to record no gradients where the closed form needs equal ones on both sides; "
            f"detach {name}, or take KL"
        )
        raise TypeError(msg)
    return True


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


# ---------------------------------------------------------------------------------- families with the gamma function

Natural = tuple[Array, ...]
"""Parameters in which the natural ones are affine."""


def _by_geodesic(
    xp: Any,
    kl: Callable[[Natural, Natural, Natural], Array],
    proper: Callable[[Natural], Array],
    p: Natural,
    q: Natural,
    d: Natural,
    a: float,
    b: float,
) -> Array:
    """The gap by KL(x, y, x - y) of members x and y, from d = p - q; `proper` tells which parameters belong to one."""
    if b == 0:
        return kl(p, q, d)
    if a == 0:
        return kl(q, p, _times(-1.0, d))
    mixed = tuple(a * x + b * y for x, y in zip(p, q, strict=True))
    inside = proper(mixed)
    r = tuple(xp.where(_beside(xp, inside, z), z, x) for z, x in zip(mixed, p if a > 1 else q, strict=True))
    if 0 < a < 1:
        return kl(r, p, _times(-b, d)) / b + kl(r, q, _times(a, d)) / a
    if a > 1:
        value = (kl(p, r, _times(b, d)) / -b + kl(p, q, d)) / a
    else:
        value = (kl(q, r, _times(-a, d)) / -a + kl(q, p, _times(-1.0, d))) / b
    return xp.where(inside, value, xp.inf)


def _times(c: float, d: Natural) -> Natural:
    return tuple(c * x for x in d)


def _minor(a: Array, b: Array, c: Array, d: Array) -> Array:
    """a b - c d, with the rounding of the products made good, since they may nearly agree."""
    first, rest = two_product(a, b)
    second, other = two_product(c, d)
    return (first - second) + (rest - other)


def _sum_of_minors(xp: Any, x: Array, d: Array) -> Array:
    r"""$x_i \sum_j d_j - d_i \sum_j x_j$ along the last axis; by $x_i d_j - d_i x_j$ where they are few."""
    if x.shape[-1] > FEW:
        return x * xp.sum(d, axis=-1, keepdims=True) - d * xp.sum(x, axis=-1, keepdims=True)
    total: Any = 0.0
    for j in range(x.shape[-1]):
        total = total + _minor(x, d[..., j : j + 1], d, x[..., j : j + 1])
    return total


def _less(p: Natural, q: Natural) -> Natural:
    return tuple(x - y for x, y in zip(p, q, strict=True))


def _beside(xp: Any, mask: Array, x: Array) -> Array:
    """A mask over the batch beside an array that may have an axis more."""
    return xp.expand_dims(mask, axis=-1) if x.ndim > mask.ndim else mask


@gap_of(families.Gamma, GIL)
def _gamma(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = ((z.shape + 0.0 * z.rate, z.rate + 0.0 * z.shape) for z in (p, q))
    return _gamma_gap(xp, x, y, a, b)


@gap_of(families.InverseGamma, f"{GIL}; the divergences of the gammas of 1/x")
def _inverse_gamma(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = ((z.shape + 0.0 * z.scale, z.scale + 0.0 * z.shape) for z in (p, q))
    return _gamma_gap(xp, x, y, a, b)


def _gamma_gap(xp: Any, p: Natural, q: Natural, a: float, b: float) -> Array:
    def kl(x: Natural, y: Natural, d: Natural) -> Array:
        r"""Of shapes, and of means: $B_\varphi(k_y; k_x) + k_y(r - 1 - \log r)$, r the ratio of the means."""
        means = log_minus_one(xp, x[0] * y[1], y[0] * x[1], _minor(d[0], y[1], y[0], d[1]))
        return gamma_bregman(xp, y[0], x[0], -d[0]) + y[0] * means

    return _by_geodesic(xp, kl, lambda x: (x[0] > 0) & (x[1] > 0), p, q, _less(p, q), a, b)


@gap_of(families.Beta, GIL)
def _beta(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = (xp.stack(xp.broadcast_arrays(z.a, z.b), axis=-1) for z in (p, q))
    return _dirichlet_gap(xp, x, y, a, b)


@gap_of(
    families.Dirichlet,
    "Rauber, Braun & Berns (2008), Probabilistic distance measures of the Dirichlet and Beta distributions",
)
def _dirichlet(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return _dirichlet_gap(xp, p.concentration, q.concentration, a, b)


def _dirichlet_gap(xp: Any, p: Array, q: Array, a: float, b: float) -> Array:
    def kl(x: Natural, y: Natural, d: Natural) -> Array:
        r"""$\sum_i B_\varphi(y_i; x_i) - B_\varphi(\sum y; \sum x)$ and the relative entropy of y from x of the same mass."""
        (x1,), (y1,), (d1,) = x, y, d
        mass, other, gap = (xp.sum(z, axis=-1, keepdims=True) for z in (x1, y1, d1))
        total = gamma_bregman(xp, other, mass, -gap)[..., 0]
        ratio = other / mass
        entropy = Numeric(xp).relative_entropy(y1, x1 * ratio, _sum_of_minors(xp, x1, d1) / mass)
        return xp.sum(gamma_bregman(xp, y1, x1, -d1), axis=-1) - total + xp.sum(entropy, axis=-1)

    return _by_geodesic(xp, kl, lambda x: xp.min(x[0], axis=-1) > 0, (p,), (q,), (p - q,), a, b)


@gap_of(
    families.Wishart,
    "Penny (2001), KL-divergences of normal, gamma, Dirichlet and Wishart densities; its log-partition",
)
def _wishart(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    size = p.scale.shape[-1]
    if size != q.scale.shape[-1]:
        msg = f"expected matrices of one size, got {size} and {q.scale.shape[-1]}"
        raise ValueError(msg)
    excess = _relative_excess(xp, p.scale, q.scale)  # along common axes the precisions are 1 / (1 + excess) and 1
    axes, ones = xp.zeros_like(excess), xp.ones_like(excess)
    df = [z.df + 0.0 * axes[..., 0] for z in (p, q)]

    def kl(x: Natural, y: Natural, d: Natural) -> Array:
        """As of gammas of shape df/2, one per axis, whose log-gamma functions are shifted by halves."""
        n, k, step = (z[0][..., None] for z in (x, y, d))
        means = log_minus_one(xp, n * y[1], k * x[1], _minor(step, y[1], k, d[1]))
        shapes = gamma_bregman(xp, y[0] - (size - 1), x[0] - (size - 1), -d[0], lambda t: _multivariate_excess(t, size))
        return shapes + y[0] / 2 * xp.sum(means, axis=-1)

    def proper(x: Natural) -> Array:
        return (x[0] > size - 1) & (xp.min(x[1], axis=-1) > 0)

    # the difference of the precisions is known better than by subtraction
    d = (df[0] - df[1], -excess / (1 + excess))
    return _by_geodesic(xp, kl, proper, (df[0], 1 / (1 + excess)), (df[1], ones), d, a, b)


def _multivariate_excess(t: Array, size: int) -> Array:
    r"""$\frac14\sum_j \psi'(\frac{n-j}2) - \frac{d}{2n}$, n = t + d - 1, a sum of positive terms."""
    n = t + (size - 1)
    value: Any = 0.0
    for j in range(size):
        value = value + excess_trigamma((n - j) / 2) + 2 * j / (n * (n - j))
    return value / 4


# ------------------------------------------------------------------------------------------------------- the circle


@gap_of(
    families.VonMises,
    "Kitagawa & Rowley (2022), von Mises-Fisher distributions and their statistical divergence, eq. 9",
)
def _von_mises(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    """By the natural parameters, which are vectors in the plane of length the concentration."""
    zero = 0.0 * (p.loc + p.concentration + q.loc + q.concentration)
    x, y = ((z.concentration * xp.cos(z.loc) + zero, z.concentration * xp.sin(z.loc) + zero) for z in (p, q))
    middle, chord = (p.loc + q.loc) / 2, 2 * xp.sin((p.loc - q.loc) / 2) * q.concentration
    longer = p.concentration - q.concentration
    d = (longer * xp.cos(p.loc) - chord * xp.sin(middle), longer * xp.sin(p.loc) + chord * xp.cos(middle))
    return _by_geodesic(
        xp, lambda x, y, d: _von_mises_kl(xp, x, y, d), lambda x: x[0] == x[0] + 0 * x[1], x, y, d, a, b
    )


def _von_mises_kl(xp: Any, x: Natural, y: Natural, d: Natural) -> Array:
    r"""$B(k_y; k_x) + A(k_x)\,k_y(1 - \cos\Delta)$ of the lengths and the angle of two vectors of difference d."""
    longest = xp.hypot(*y)
    shortest = xp.hypot(*x)
    other = xp.where(shortest > TINY * longest, shortest, TINY * longest)  # the vector 0 has no direction
    gap = -(d[0] * (x[0] + y[0]) + d[1] * (x[1] + y[1])) / (longest + other)
    product, dot = longest * other, x[0] * y[0] + x[1] * y[1]
    near = dot > 0
    across = _minor(x[1], d[0], x[0], d[1]) ** 2 / (product * (product + xp.where(near, dot, 0.0)))
    turned = xp.where(near, across, (product - dot) / product)
    return bessel_log_gap(xp, longest, other, gap) + bessel1(other) / bessel0(other) * longest * turned


# --------------------------------------------------------------------------------------------- independent coordinates


def of_product(
    function: Callable[..., Array | None], xp: Any, p: Parameters, q: Parameters, a: float, b: float
) -> Array | None:
    """The gap of products: the sum over the coordinates."""
    each = function(xp, p, q, a, b)
    return None if each is None else xp.sum(each, axis=-1)
