r"""Special functions of an array library, and the convex gaps that closed forms are made of.

A *gap* of a convex function $\varphi$ is what Jensen's inequality leaves. Two are needed, for every order a, a + b = 1,
and right to the last digits also where x and y nearly agree:

- ``log_gap``: $\log(ax + by) - a\log x - b\log y$ over $ab$, for scalar orders;
- ``gamma_bregman``: $\varphi(y) - \varphi(x) - \varphi'(x)(y - x)$ for $\varphi(x) = \log\Gamma(x) - x\log x + x$, the
  part of the log-gamma function that its leading term leaves, as an integral of $\varphi'' = \psi'(x) - 1/x > 0$.
"""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from divergences._arrays import Array, known
from divergences.elementary import Numeric

__all__ = [
    "bessel_log_gap",
    "digamma",
    "erf",
    "excess_trigamma",
    "gamma_bregman",
    "lgamma",
    "log_gap",
    "log_minus_one",
    "psi_exp",
]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
"""Gauss-Legendre rule on [0, 1]."""

REACH = 6.0
"""Length in log x of a panel: psi' is analytic in a strip of half-width pi, where the error of 24 nodes is 1e-17."""

BESSEL_REACH = 2.5
"""Likewise for the logarithm of I_0, whose zeros on the imaginary axis leave a strip of half-width pi/2."""

SHIFT = 12
"""Steps of the recurrence before the asymptotic series of psi', whose last term is then below 1e-19."""

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _function(name: str, torch_name: str) -> Callable[[Array], Array]:
    def call(x: Array) -> Array:
        if array_api_compat.is_torch_array(x):
            import torch

            return getattr(torch.special, torch_name)(x)
        if array_api_compat.is_jax_array(x):
            import jax.scipy.special as jax_special

            return getattr(jax_special, name)(x)
        import scipy.special

        return getattr(scipy.special, name)(x)

    return call


lgamma = _function("gammaln", "gammaln")
digamma = _function("digamma", "digamma")
erf = _function("erf", "erf")
bessel0 = _function("i0e", "i0e")
bessel1 = _function("i1e", "i1e")


def log_minus_one(xp: Any, x: Array, y: Array, d: Array) -> Array:
    """r - 1 - log r of the ratio r = x / y, where d = x - y is given: non-negative, to full relative precision."""
    return Numeric(xp).relative_entropy(y, x, -d) / y


def psi_exp(xp: Any, x: Array) -> Array:
    """exp(x) - 1 - x, to full relative precision: a series near 0."""
    near = xp.abs(x) < 1
    small = xp.where(near, x, 0.0)
    series: Any = 0.0
    for k in range(19, 1, -1):
        series = series * small + 1 / math.factorial(k)
    far = xp.where(near, 1.0, x)
    return xp.where(near, series * small * small, xp.expm1(far) - far)


def log_gap(xp: Any, x: Array, y: Array, d: Array, a: float, b: float) -> Array:
    r"""$(\log(ax + by) - a\log x - b\log y)/ab$ for positive x, y with d = x - y given; ``inf`` where ax + by <= 0.

    The weighted mean is the geometric one and ab times the gap of powers, which keeps its digits.
    """
    m = Numeric(xp)
    inside = a * x + b * y > 0
    x, y, d = (xp.where(inside, z, safe) for z, safe in ((x, 1.0), (y, 1.0), (d, 0.0)))
    if a < 1 / 2:
        x, y, d, a, b = y, x, -d, b, a
    log_ratio = m.log_ratio(x, y, d)
    share = m.power_gap(x, y, d, a, b) / (x * xp.exp(-b * log_ratio))  # of the geometric mean
    if a * b >= 0:
        return xp.where(inside, m.log1p_ratio(share, a * b), xp.inf)
    far = a * b * share < -1 / 2  # the weighted mean is much smaller, and the gap its logarithm
    near = m.log1p_ratio(xp.where(far, 0.0, share), a * b)
    direct = (xp.log(xp.where(far, a + b * (y / x), 1.0)) + b * log_ratio) / (a * b)
    return xp.where(inside, xp.where(far, direct, near), xp.inf)


def excess_trigamma(x: Array) -> Array:
    r"""$\psi'(x) - 1/x$ for x > 0, by a recurrence of positive terms and the asymptotic series."""
    value: Any = 0.0
    for _ in range(SHIFT):
        value = value + 1 / x / (x * (x + 1))
        x = x + 1
    square = 1 / (x * x)
    series: Any = 0.0
    for coefficient in BERNOULLI[::-1]:
        series = (series + coefficient) * square
    return value + square / 2 + series / x


def _panels(xp: Any, distance: Array, reach: float) -> int:
    """How many panels of a moderate length in log x are enough; many where the numbers are not there yet."""
    for count in (1, 2, 4, 8):
        if known(xp, xp.abs(distance) <= reach * count):
            return count
    return 24


def gamma_bregman(
    xp: Any,
    y: Array,
    x: Array,
    d: Array,
    curvature: Callable[[Array], Array] = excess_trigamma,
    reach: float = REACH,
) -> Array:
    r"""$\varphi(y) - \varphi(x) - \varphi'(x)(y - x) = \int_x^y (y - t)\,\varphi''(t)\,dt$, where d = y - x is given.

    In $t = x e^{\ell s}$, $\ell = \log(y/x)$, the integrand is analytic near [0, 1] and of one sign.
    """
    distance = Numeric(xp).log_ratio(y, x, d)
    total: Any = 0.0
    count = _panels(xp, distance, reach)
    for panel in range(count):
        for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True):
            s = (panel + node) / count
            t = x * xp.exp(distance * s)
            total = total + (weight / count) * -xp.expm1((s - 1) * distance) * curvature(t) * t
    return y * distance * total


# ----------------------------------------------------------------------------------------------- the circle

CIRCLE = 192
"""Nodes of the trapezoidal rule on the circle."""

SHARP = 90.0
"""Concentration from which on the rule covers only where the density is not negligible."""


def bessel_log_gap(xp: Any, y: Array, x: Array, d: Array) -> Array:
    r"""$\varphi(y) - \varphi(x) - \varphi'(x)(y - x)$ for $\varphi = \log I_0$, where d = y - x is given."""
    return gamma_bregman(xp, y, x, d, lambda t: _cosine_variance(xp, t), BESSEL_REACH)


def _cosine_variance(xp: Any, k: Array) -> Array:
    r"""Variance of the cosine under the von Mises distribution of concentration k: $(\log I_0)''(k)$, by its integral.

    Of $h = 2\sin^2(x/2) = 1 - \cos x$ in fact, a sum of squares. Beyond |x| = w, $k h = 45$, the density is negligible.
    """
    width = 2 * xp.asin(xp.sqrt(22.5 / xp.where(k > SHARP, k, 22.5)))  # pi, or where k h = 45
    mass: Any = 0.0
    first: Any = 0.0
    points = [(i + 0.5) / CIRCLE for i in range(CIRCLE)]  # half the circle: all is even
    heights = [2 * xp.sin(width * p / 2) ** 2 for p in points]
    densities = [xp.exp(-k * h) for h in heights]
    for h, density in zip(heights, densities, strict=True):
        mass, first = mass + density, first + density * h
    mean, second = first / mass, 0.0 * mass
    for h, density in zip(heights, densities, strict=True):
        second = second + density * (h - mean) ** 2
    return second / mass
