r"""Distributions on the unit sphere of $\mathbb R^d$: von Mises-Fisher, power spherical, uniform.

Von Mises-Fisher is an exponential family with natural parameter $k\mu$ and log-partition
$\varphi(k) = \log I_\nu(k) - \nu\log k$, $\nu = \frac d2 - 1$, of its length. With the cosine $t = \langle\mu, x\rangle$,

$$A = \varphi' = \mathbb E[t] = \frac{k\,\mathbb E[1 - t^2]}{d - 1},\qquad \varphi'' = \operatorname{Var}[t],$$

and both are quadratures of positive terms: nothing cancels, for small and for large concentrations.
"""

import math
from typing import Any

import array_api_compat
import numpy as np

from divergences import families
from divergences._arrays import Array, constant, known
from divergences._special import NODES, WEIGHTS, log_minus_one, psi_exp
from divergences.closed_forms.formulas import Formula, Parameters, collector, tied
from divergences.closed_forms.geodesics import by_geodesic, dirichlet_gap, plane_kl
from divergences.closed_forms.tilts import even_bregman
from divergences.elementary import Numeric

__all__ = ["SPHERES", "SPHERICAL_KL", "as_directed", "require_known_on_sphere"]

SPHERES: dict[type, Formula] = {}
"""By family: ``function(xp, p, q, a, b)`` is the gap."""

gap_of = collector(SPHERES)

PANELS = 4
"""In which the angles are divided that have more than a negligible mass, each for a Gauss-Legendre rule of 24 nodes."""

GRADES, GRADE = 15, 8.0
"""Towards the other end panels are divided further, each this much shorter than the last, where logarithms are singular."""


def _rule(lengths: list[float]) -> tuple[Any, Any]:
    """What is left of [0, 1] beyond each node, and the weights, for panels of these lengths from 1 down."""
    lefts = np.cumsum([0.0, *lengths[::-1]])[:-1][::-1]  # beyond each panel
    rest = [left + length * (1 - NODES) for left, length in zip(lefts, lengths, strict=True)]
    return np.concatenate(rest), np.concatenate([length * WEIGHTS for length in lengths])


EVEN = _rule([1 / PANELS] * PANELS)
SHORTER = [GRADE**-k / PANELS for k in range(GRADES)]
GRADED = _rule([1 / PANELS] * (PANELS - 1) + [x - y for x, y in zip(SHORTER, [*SHORTER[1:], 0.0], strict=True)])

NEGLIGIBLE = 44.0
"""Minus the logarithm of a mass, relative to the whole, that is left out."""

CANCELLED = 0.1
"""Below this share of its terms a sum has lost a digit."""

CLOSE = 4.0
"""Below this KL two densities are not small where the other is large, so that one rule serves both."""


# ----------------------------------------------------------------------------------------- the cosine and its moments


def _mode(xp: Any, rate: Array, d: int) -> tuple[Array, Array]:
    r"""Height $1 - t$ of the mode in angles, of the density $\sin^{d-2}\theta\,e^{-\text{rate}\,(1 - \cos\theta)}$, and the slope.

    There $t = 2\,\text{rate}/(n + s)$, n = d - 2, with the slope $s = \sqrt{n^2 + 4\,\text{rate}^2}$.
    """
    n = d - 2
    slope = xp.sqrt(n * n + 4 * rate * rate)
    return (n + n * n / (slope + 2 * rate)) / (n + slope) if n else 0.0 * rate, slope


def _window(xp: Any, slow: Array, fast: Array, d: int) -> tuple[Array, Array]:
    r"""Angles from and up to which the mass is not negligible, for densities as above of rates between two.

    Above: the height is stochastically below a gamma variable of shape a = (d - 1)/2 in units of 1/rate, whose mass
    beyond $a + \sqrt{2ax} + x$ is below $e^{-x}$ (Boucheron, Lugosi & Massart 2013, Concentration Inequalities, section
    2.4), and below that of a uniform point, whose density falls from the equator like $e^{-n\theta^2/2}$ or faster.
    Below the mode the density falls faster than with the curvature that it has there.
    """
    n, shape = d - 2, (d - 1) / 2
    far = shape + math.sqrt(2 * shape * NEGLIGIBLE) + NEGLIGIBLE
    beyond = math.sqrt(2 * NEGLIGIBLE / n) if n else math.inf
    highest = 1 + math.sin(beyond) if beyond < math.pi / 2 else 2.0
    sharp = slow * highest > far
    end = 2 * xp.asin(xp.sqrt(xp.where(sharp, far / xp.where(sharp, slow, 1.0), highest) / 2))
    if not n:
        return 0.0 * end, end
    mode, slope = _mode(xp, fast, d)
    curvature = n / (mode * (2 - mode)) + 2 * fast * fast / (n + slope)
    start = 2 * xp.asin(xp.sqrt(mode / 2)) - xp.sqrt(2 * NEGLIGIBLE / curvature)
    return xp.where(start > 0, start, 0.0), end


def _density(
    xp: Any, k: Array, d: int, window: tuple[Array, Array], rule: tuple[Any, Any] = EVEN
) -> tuple[Array, Array, Array, Array]:
    """Heights 1 - t and 1 + t along a new last axis, masses relative to the density at its mode, and the mode's height."""
    start, end = (x[..., None] for x in window)
    rest, weights = (xp.asarray(x, dtype=end.dtype, device=array_api_compat.device(end)) for x in rule)
    way = end - start
    low = 2 * xp.sin((start + way * (1 - rest)) / 2) ** 2
    high = 2 * xp.sin(((math.pi - end) + way * rest) / 2) ** 2
    mode = _mode(xp, constant(k), d)[0][..., None]
    logs = -k[..., None] * (low - mode)  # relative to the mode, where rounding of heights does no harm
    if d > 2:
        logs = logs + (d - 2) / 2 * xp.log(low / mode * (high / (2 - mode)))
    return low, high, way * weights * xp.exp(logs), mode[..., 0]


def _law(
    xp: Any, k: Array, d: int, window: tuple[Array, Array], rule: tuple[Any, Any] = EVEN
) -> tuple[Array, Array, Array]:
    """Heights 1 - t and 1 + t along a new last axis, and their probabilities for concentration k."""
    low, high, mass, _ = _density(xp, k, d, window, rule)
    return low, high, mass / xp.sum(mass, axis=-1, keepdims=True)


def _log_mass(xp: Any, k: Array, d: int) -> Array:
    r"""$\log\int_0^\pi \sin^{d-2}\theta\,e^{-k(1 - \cos\theta)}\,d\theta$."""
    _, _, mass, mode = _density(xp, k, d, _window(xp, constant(k), constant(k), d))
    height = (d - 2) / 2 * xp.log(mode * (2 - mode)) if d > 2 else 0.0
    return xp.log(xp.sum(mass, axis=-1)) + height - k * mode


def _mean(xp: Any, k: Array, d: int) -> Array:
    """The mean cosine, a sum of positive terms."""
    low, high, mass = _law(xp, k, d, _window(xp, constant(k), constant(k), d))
    return k * xp.sum(mass * (low * high), axis=-1) / (d - 1)


def _variance(xp: Any, k: Array, d: int) -> Array:
    """The variance of the cosine."""
    height, _, mass = _law(xp, k, d, _window(xp, constant(k), constant(k), d))
    mean = xp.sum(mass * height, axis=-1, keepdims=True)
    return xp.sum(mass * (height - mean) ** 2, axis=-1)


def _length_gap(xp: Any, y: Array, x: Array, gap: Array, d: int) -> Array:
    r"""$\varphi(y) - \varphi(x) - \varphi'(x)(y - x)$ of concentrations whose difference y - x is given.

    The singularities of the log-partition are at the zeros of the Bessel function on the imaginary axis, the first of
    them beyond (d + 2)/2.
    """
    return even_bregman(xp, y, x, gap, lambda t: _variance(xp, t, d), (d + 2) / 2)


# ------------------------------------------------------------------------------------------------------- von Mises-Fisher


def _common_dimension(p: Parameters, q: Parameters) -> int:
    d, other = (int(z.mean_direction.shape[-1]) for z in (p, q))
    if d != other:
        msg = f"expected mean directions in one space, got {d} and {other} coordinates"
        raise ValueError(msg)
    return d


def _chords(xp: Any, p: Parameters, q: Parameters) -> tuple[Array, Array]:
    r"""$\|u - v\|^2$ and $\|u + v\|^2$ of the directions $u = x/\|x\|$ and $v = y/\|y\|$ of two vectors.

    By $u \mp v = \frac{x \mp y}{\|x\|} \pm y\,(\frac1{\|x\|} - \frac1{\|y\|})$ the first has its digits where they nearly
    agree, and where they are not quite of length 1.
    """
    x, y = p.mean_direction, q.mean_direction
    difference, total = x - y, x + y
    a, b = (xp.sqrt(xp.sum(z * z, axis=-1, keepdims=True)) for z in (x, y))
    excess = y * (xp.sum(difference * total, axis=-1, keepdims=True) / (a * b * (a + b)))
    apart, together = difference / a - excess, total / a + excess
    return xp.sum(apart * apart, axis=-1), xp.sum(together * together, axis=-1)


@gap_of(
    families.VonMisesFisher,
    "Kitagawa & Rowley (2022), von Mises-Fisher distributions and their statistical divergence, eq. 9; its log-partition",
)
def _von_mises_fisher(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    d = _common_dimension(p, q)
    apart, together = _chords(xp, p, q)
    zero = 0.0 * (apart + p.concentration + q.concentration)
    k, j = p.concentration + zero, q.concentration + zero
    if b == 0:
        return _directed_kl(xp, k, j, k - j, apart / 2, d)
    if a == 0:
        return _directed_kl(xp, j, k, j - k, apart / 2, d)
    # all members between are in the plane of the two directions, with the second as its first axis
    m = Numeric(xp)
    turned, across = k * apart / 2, k * m.sqrt(apart) * m.sqrt(together) / 2
    x, y = (k - turned, across), (j, zero)
    return by_geodesic(
        xp,
        lambda x, y, z: plane_kl(
            xp, x, y, z, lambda s, t, gap: _length_gap(xp, s, t, gap, d), lambda t: _mean(xp, t, d)
        ),
        lambda x: x[0] == x[0] + 0 * x[1],
        x,
        y,
        ((k - j) - turned, across),
        a,
        b,
    )


def _directed_kl(xp: Any, k: Array, j: Array, gap: Array, fall: Array, d: int) -> Array:
    r"""$B(j; k) + A(k)\,j\,(1 - \cos\Delta)$, the last factor given as the fall."""
    return _length_gap(xp, j, k, -gap, d) + _mean(xp, k, d) * j * fall


# ------------------------------------------------------------------------------------------- uniform and power spherical


@gap_of(families.SphericalUniform, "they are the same")
def _uniform(xp: Any, *_: Any) -> Array:
    return xp.asarray(0.0)


@gap_of(
    families.PowerSpherical,
    "De Cao & Aziz (2020), The power spherical distribution: of one direction, that of the beta distributions of (1 + t)/2",
)
def _power_spherical(xp: Any, p: Parameters, q: Parameters, a: float, b: float) -> Array:
    """Of one direction, or where one of the two is uniform."""
    d = _common_dimension(p, q)
    flat = known(xp, (p.concentration == 0) | (q.concentration == 0))
    if not flat and not _tied_directions(xp, p, q):
        msg = (
            "expected power spherical distributions of one mean direction, of which a closed form is known, got two; "
            "compare von Mises-Fisher distributions, which have one for all"
        )
        raise TypeError(msg)
    return _beta_gap(xp, p.concentration, q.concentration, 0.0 * p.mean_direction[..., 0], d, a, b)


def _tied_directions(xp: Any, p: Parameters, q: Parameters) -> bool:
    return tied(xp, mean_direction=(p.mean_direction, q.mean_direction))


def _beta_gap(xp: Any, k: Array, j: Array, zero: Array, d: int, a: float, b: float) -> Array:
    """Of the beta distributions; the difference of the concentrations is known better than that of the shapes."""
    half = (d - 1) / 2
    zero = zero + 0.0 * (k + j)
    x, y, gap = (
        xp.stack([z + zero, rest + zero], axis=-1) for z, rest in ((half + k, half), (half + j, half), (k - j, 0.0))
    )
    return dirichlet_gap(xp, x, y, gap, a, b)


def as_directed(P: Any, Q: Any) -> tuple[Any, Any]:
    """The uniform distribution, beside one with a direction, as the member of its family of concentration 0."""
    for one, other in ((P, Q), (Q, P)):
        if isinstance(one, families.SphericalUniform) and isinstance(
            other, families.VonMisesFisher | families.PowerSpherical
        ):
            if one.dimension != other.dimension:
                msg = f"expected spheres of one space, got {one.dimension} and {other.dimension} coordinates"
                raise ValueError(msg)
            flat = type(other)(constant(other.mean_direction), 0 * constant(other.concentration))
            return (flat, other) if one is P else (other, flat)
    return P, Q


def require_known_on_sphere(P: Any, Q: Any) -> None:
    """Refuse a pair of which one is power spherical: the densities vanish at a point, which no sampling finds."""
    if any(isinstance(z, families.PowerSpherical) for z in (P, Q)):
        msg = (
            f"expected a pair with a closed form, got {P!r} and {Q!r}; known are KL of power spherical from von "
            "Mises-Fisher, and all orders of power spherical ones of one direction, or beside the uniform distribution"
        )
        raise TypeError(msg)


# ------------------------------------------------------------------------------- power spherical from von Mises-Fisher


def _power_from_von_mises_fisher(xp: Any, p: Parameters, q: Parameters) -> Array:
    r"""$KL(P\|Q') + k\,\mathbb E_P[t]\,(1 - \cos\Delta)$, Q' turned to the direction of P, $\mathbb E_P[t] = \frac\kappa{d - 1 + \kappa}$."""
    d = _common_dimension(p, q)
    apart, _ = _chords(xp, p, q)
    zero = 0.0 * (apart + p.concentration + q.concentration)
    power, k = p.concentration + zero, q.concentration + zero
    mean = power / (d - 1 + power)
    return _aligned_kl(xp, power, k, mean, d) + k * mean * (apart / 2)


def _aligned_kl(xp: Any, power: Array, k: Array, mean: Array, d: int) -> Array:
    r"""By the uniform distribution U: $KL(P\|U) + KL(U\|Q) - k\,\mathbb E_P[t]$, where that does not cancel.

    The rest is $B - kA$ with $B = KL(U\|Q) = \varphi(k) - \varphi(0)$ and A the mean, or $k(1 - A) - F$ with
    $F = k - B = -\log\mathbb E_U[e^{-k(1 - t)}]$, whichever terms are smaller. Else by the logarithm r of p/q.
    """
    own, other = _beta_gap(xp, power, 0 * power, 0 * power, d, 1.0, 0.0), _length_gap(xp, k, 0 * k, k, d)
    fall, rise = _log_mass(xp, 0 * k, d) - _log_mass(xp, k, d), k * ((d - 1) / (d - 1 + power))
    flat = constant(other + k * mean) < constant(fall + rise)
    direct = own + xp.where(flat, other - k * mean, rise - fall)
    size = constant(own + xp.where(flat, other + k * mean, fall + rise))
    cancelled = (constant(direct) <= CANCELLED * size) & (constant(direct) < CLOSE)
    if known(xp, ~cancelled):
        return direct
    close = _near_kl(xp, xp.where(cancelled, power, 1.0), xp.where(cancelled, k, 1.0), d)
    return xp.where(cancelled, close, direct)


def _near_kl(xp: Any, power: Array, k: Array, d: int) -> Array:
    r"""With r of mean 0 under Q it is $\frac{\mathbb E_Q[r(e^r - 1)]}{1 + M} - \log(1 + M)$, $M = \mathbb E_Q[e^r - 1 - r]$."""
    mine, theirs = constant(power), constant(k)  # (1 - h/2)**power falls like rates from power/2 to power, near t = 1
    window = _window(xp, xp.minimum(theirs, mine / 2), xp.maximum(theirs, mine), d)
    low, high, mass = _law(xp, k, d, window, GRADED)
    bend = log_minus_one(xp, high / 2, xp.ones_like(high), -low / 2)  # -log((1 + t)/2) - (1 - t)/2
    r = (k - power / 2)[..., None] * low - power[..., None] * bend
    r = r - xp.sum(mass * r, axis=-1, keepdims=True)
    moment = xp.sum(mass * psi_exp(xp, r), axis=-1)
    return xp.sum(mass * r * xp.expm1(r), axis=-1) / (1 + moment) - xp.log1p(moment)


SPHERICAL_KL: dict[tuple[type, type], Formula] = {
    (families.PowerSpherical, families.VonMisesFisher): Formula(
        _power_from_von_mises_fisher,
        "De Cao & Aziz (2020), The power spherical distribution: by its entropy and its mean",
    )
}
"""KL of a member of one family from one of another: ``function(xp, p, q)``."""
