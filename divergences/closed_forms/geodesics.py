r"""The affinities of exponential families whose log-partition is a special function: gamma, beta, Dirichlet, Wishart, von Mises.

By the member R on the geodesic, $\theta_R = a\theta_p + b\theta_q$, the gap is a sum of relative entropies,

$$-\log\int p^a q^b = a\,KL(R\|P) + b\,KL(R\|Q)$$

for 0 < a < 1, and $\log\int p^a q^b = KL(P\|R) - b\,KL(P\|Q)$ for a > 1, each found from the known differences of the
parameters by an integral of the curvature of the log-partition: nothing cancels.
"""

from collections.abc import Callable
from typing import Any

from divergences import families
from divergences._arrays import Array
from divergences._pairs import two_product
from divergences._special import bessel0, bessel1, bessel_log_gap, excess_trigamma, gamma_bregman, log_minus_one
from divergences.closed_forms.affinities import relative_excess
from divergences.closed_forms.formulas import GIL, Formula, Parameters, collector
from divergences.elementary import Numeric

__all__ = ["GEODESICS", "Natural", "by_geodesic", "dirichlet_gap", "plane_kl"]

GEODESICS: dict[type, Formula] = {}
"""By family: ``function(xp, p, q, a, b)`` is the gap."""

gap_of = collector(GEODESICS)

TINY = 1e-17
"""Of two vectors in the plane, one that is shorter by this factor is as good as 0."""

FEW = 16
"""Numbers that are compared pair by pair."""


# ---------------------------------------------------------------------------------- families with the gamma function

Natural = tuple[Array, ...]
"""Parameters in which the natural ones are affine."""


def by_geodesic(
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
    return _gamma_gap(xp, x, y, _less(x, y), a, b)


@gap_of(families.ExpGamma, f"{GIL}; the divergences of the gammas of exp(x)")
def _exp_gamma(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    return _gamma(xp, p, q, a, b)


@gap_of(families.Chi, f"{GIL}; the divergences of the gammas of x**2")
def _chi(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    """Of shapes df/2 and of rates in units of the second."""
    ratio, narrower = q.scale / p.scale, (q.scale - p.scale) / p.scale
    zero = 0.0 * (p.df + q.df + ratio)
    x, y = (p.df / 2 + zero, ratio * ratio + zero), (q.df / 2 + zero, 1.0 + zero)
    return _gamma_gap(xp, x, y, ((p.df - q.df) / 2 + zero, narrower * (ratio + 1) + zero), a, b)


@gap_of(families.InverseGamma, f"{GIL}; the divergences of the gammas of 1/x")
def _inverse_gamma(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = ((z.shape + 0.0 * z.scale, z.scale + 0.0 * z.shape) for z in (p, q))
    return _gamma_gap(xp, x, y, _less(x, y), a, b)


def _gamma_gap(xp: Any, p: Natural, q: Natural, d: Natural, a: float, b: float) -> Array:
    def kl(x: Natural, y: Natural, d: Natural) -> Array:
        r"""Of shapes, and of means: $B_\varphi(k_y; k_x) + k_y(r - 1 - \log r)$, r the ratio of the means."""
        means = log_minus_one(xp, x[0] * y[1], y[0] * x[1], _minor(d[0], y[1], y[0], d[1]))
        return gamma_bregman(xp, y[0], x[0], -d[0]) + y[0] * means

    return by_geodesic(xp, kl, lambda x: (x[0] > 0) & (x[1] > 0), p, q, d, a, b)


@gap_of(families.Beta, GIL)
def _beta(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = (xp.stack(xp.broadcast_arrays(z.a, z.b), axis=-1) for z in (p, q))
    return dirichlet_gap(xp, x, y, x - y, a, b)


@gap_of(
    families.Dirichlet,
    "Rauber, Braun & Berns (2008), Probabilistic distance measures of the Dirichlet and Beta distributions",
)
def _dirichlet(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    x, y = p.concentration, q.concentration
    return dirichlet_gap(xp, x, y, x - y, a, b)


def dirichlet_gap(xp: Any, p: Array, q: Array, d: Array, a: float, b: float) -> Array:
    """Of concentrations along the last axis whose difference d = p - q is given."""

    def kl(x: Natural, y: Natural, d: Natural) -> Array:
        r"""$\sum_i B_\varphi(y_i; x_i) - B_\varphi(\sum y; \sum x)$ and the relative entropy of y from x of the same mass."""
        (x1,), (y1,), (d1,) = x, y, d
        mass, other, gap = (xp.sum(z, axis=-1, keepdims=True) for z in (x1, y1, d1))
        total = gamma_bregman(xp, other, mass, -gap)[..., 0]
        ratio = other / mass
        entropy = Numeric(xp).relative_entropy(y1, x1 * ratio, _sum_of_minors(xp, x1, d1) / mass)
        return xp.sum(gamma_bregman(xp, y1, x1, -d1), axis=-1) - total + xp.sum(entropy, axis=-1)

    return by_geodesic(xp, kl, lambda x: xp.min(x[0], axis=-1) > 0, (p,), (q,), (d,), a, b)


@gap_of(
    families.Wishart,
    "Penny (2001), KL-divergences of normal, gamma, Dirichlet and Wishart densities; its log-partition",
)
def _wishart(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    size = p.scale.shape[-1]
    if size != q.scale.shape[-1]:
        msg = f"expected matrices of one size, got {size} and {q.scale.shape[-1]}"
        raise ValueError(msg)
    excess = relative_excess(xp, p.scale, q.scale)  # along common axes the precisions are 1 / (1 + excess) and 1
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
    return by_geodesic(xp, kl, proper, (df[0], 1 / (1 + excess)), (df[1], ones), d, a, b)


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
    return by_geodesic(xp, lambda x, y, d: _von_mises_kl(xp, x, y, d), lambda x: x[0] == x[0] + 0 * x[1], x, y, d, a, b)


def _von_mises_kl(xp: Any, x: Natural, y: Natural, d: Natural) -> Array:
    return plane_kl(xp, x, y, d, lambda k, j, gap: bessel_log_gap(xp, k, j, gap), lambda k: bessel1(k) / bessel0(k))


def plane_kl(
    xp: Any,
    x: Natural,
    y: Natural,
    d: Natural,
    length_gap: Callable[[Array, Array, Array], Array],
    mean: Callable[[Array], Array],
) -> Array:
    r"""$B(k_y; k_x) + A(k_x)\,k_y(1 - \cos\Delta)$ of the lengths and the angle of two vectors of difference d = x - y."""
    length, shortest = _length(xp, y), _length(xp, x)
    other = xp.where(shortest > TINY * length, shortest, TINY * length)  # the vector 0 has no direction
    whole = xp.where(other > 0, other, 1.0)
    gap = -(d[0] * (x[0] + y[0]) + d[1] * (x[1] + y[1])) / (length + whole)
    dot = x[0] * y[0] + x[1] * y[1]
    near = dot > 0
    across = _minor(x[1], d[0], x[0], d[1]) ** 2 / (whole * xp.where(near, length * whole + dot, 1.0))
    turned = xp.where(near, across, length - dot / whole)
    return length_gap(length, whole, gap) + mean(whole) * turned


def _length(xp: Any, x: Natural) -> Array:
    """Of a vector in the plane, with gradient 0 at 0."""
    zero = (x[0] == 0) & (x[1] == 0)
    return xp.where(zero, 0.0 * x[0], xp.hypot(xp.where(zero, 1.0, x[0]), x[1]))
