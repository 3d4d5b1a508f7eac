r"""The distance $W_2$ of normal distributions, also of nearly equal ones, with a proven bound of its error.

$$W_2^2 = |m_1 - m_2|^2 + B^2, \qquad B^2 = \operatorname{tr}\bigl(S_1 + S_2 - 2 (S_1^{1/2} S_2 S_1^{1/2})^{1/2}\bigr).$$

The traces cancel where the covariances are close. Instead the optimal map $A = I + H$ is found, which solves
$A S_1 A = S_2$, that is

$$H S_1 + S_1 H + H S_1 H = E, \qquad E = S_2 - S_1,$$

and $B^2 = \operatorname{tr} H S_1 H$. Everything here is of the size of the difference. A first A, by eigenvectors, is mended by
Newton's method on this equation until the residual R is rounding.

The error needs no analysis of the algorithm. Whatever symmetric H came out with $I + H \ge 0$, the distance from $S_1$ to
$\hat S_2 = A S_1 A$ is exactly $\sqrt{\operatorname{tr} H S_1 H}$, and by the triangle inequality B differs from it by no more than
$B(\hat S_2, S_2) \le \|\hat S_2^{1/2} - S_2^{1/2}\|_F$, which is at most each of

$$\frac{\|R\|_F}{\sqrt{\lambda_{\min}(S_2)}}, \qquad \sqrt{\|R\|_*} .$$

References
----------
Dowson, D. C. and Landau, B. V. (1982). The Fréchet distance between multivariate normal distributions. J. Multivariate
Anal. 12, 450-455.

Bhatia, R., Jain, T. and Lim, Y. (2019). On the Bures-Wasserstein distance between positive definite matrices. Expo. Math.
37, 165-191.

Powers, R. T. and Størmer, E. (1970). Free states of the canonical anticommutation relations. Comm. Math. Phys. 16, 1-33,
lemma 4.1. (The bound by the trace norm.)
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences._arrays import quiet
from divergences.bounds import Bounds
from divergences.transport.result import Floats, Method

__all__ = ["Bures", "BuresSolution", "bures_distance"]

Wide = npt.NDArray[np.longdouble]

EPS = float(np.finfo(np.float64).eps)
FINE = float(np.finfo(np.longdouble).eps)

LOOSE = 1e-8
"""Bounds wider than this, relatively, are compared with those by factors, which do not mind a singular matrix."""

MENDED = 8
"""Steps of Newton's method at most."""


@final
@dataclass(frozen=True)
class Bures(Method):
    """The affine map between normal distributions, and the metric of Bures between their covariances."""


@final
@dataclass(frozen=True, eq=False)
class BuresSolution:
    """The distance of Bures between two covariances, and the symmetric matrix that maps the first to the second."""

    bounds: Bounds
    map: Floats


def bures_distance(first: npt.ArrayLike, second: npt.ArrayLike) -> BuresSolution:
    r"""The distance of Bures between two symmetric positive semidefinite matrices.

    Parameters
    ----------
    first, second : array_like of shape (d, d)
        Covariances. Their symmetric parts are taken; singular ones are allowed.

    Returns
    -------
    BuresSolution
        Proven bounds of $B(S_1, S_2)$, and the matrix of the optimal map (one of them, for a singular first covariance).

    Raises
    ------
    ValueError
        If the matrices are not of one square shape, finite, symmetric and positive semidefinite, up to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.transport.bures import bures_distance
    >>> bures_distance(np.diag([1.0, 4.0]), np.diag([9.0, 4.0])).bounds.value
    2.0
    """
    s, t = _covariance("first", first), _covariance("second", second)
    if s.shape != t.shape:
        msg = f"expected covariances of one shape, got {s.shape} and {t.shape}"
        raise ValueError(msg)
    if np.array_equal(s, t):
        return BuresSolution(Bounds.exact(0.0), np.eye(len(s)))
    unit = math.ldexp(1.0, 2 * (math.frexp(float(max(np.trace(s), np.trace(t))))[1] // 2))  # an even power of two
    s, t = s / unit, t / unit
    forward, backward = _solved(s, t), _solved(t, s)
    best = min((x for x in (forward, backward) if x is not None), key=lambda x: x[0].gap, default=None)
    bounds = _by_factors(s, t) if best is None else best[0]
    if best is not None and bounds.relative_gap > LOOSE:
        bounds = bounds & _by_factors(s, t)
    root = math.sqrt(unit)
    scaled = Bounds(*(x * root for x in (bounds.lower, bounds.value, bounds.upper)))
    return BuresSolution(scaled, np.eye(len(s)) + forward[1] if forward is not None else _any_map(s, t))


def _covariance(name: str, matrix: npt.ArrayLike) -> Floats:
    x = np.asarray(matrix, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != x.shape[1] or not x.size or not np.isfinite(x).all():
        msg = f"expected the {name} covariance to be a square matrix of finite numbers, got shape {x.shape}"
        raise ValueError(msg)
    close = 16 * EPS * float(np.abs(x).max())
    if np.abs(x - x.T).max() > close:
        msg = f"expected the {name} covariance to be symmetric, got asymmetry {float(np.abs(x - x.T).max()):g}; take (S + S.T) / 2"
        raise ValueError(msg)
    x = x / 2 + x.T / 2
    least = float(np.linalg.eigvalsh(x)[0])
    if least < -close * len(x):
        msg = f"expected the {name} covariance to be positive semidefinite, got an eigenvalue {least:g}; shift it, S - least * I"
        raise ValueError(msg)
    return x


def _solved(s: Floats, t: Floats) -> tuple[Bounds, Floats] | None:
    """Bounds of B and H, the optimal map less the identity; None for a singular s."""
    values, vectors = np.linalg.eigh(s)
    if not values[0] > len(s) * EPS * values[-1]:
        return None
    root, inverse = (vectors * np.sqrt(values)) @ vectors.T, (vectors / np.sqrt(values)) @ vectors.T
    middle, turned = np.linalg.eigh(_symmetric(root @ t @ root))
    middle = np.sqrt(np.maximum(middle, 0.0))  # of a positive semidefinite matrix, but for rounding
    to, back = inverse @ turned, turned.T @ root
    h = _symmetric((to * middle) @ to.T - np.eye(len(s))).astype(np.longdouble)
    sums = middle[:, None] + middle
    sums = np.where(sums > 0, sums, 1.0)
    best, least = h, math.inf
    for _ in range(MENDED):
        residual = _residual(s, t, h)[0].astype(np.float64)
        size = float(np.linalg.norm(residual))
        if not size < least / 2:
            break
        best, least = h, size
        h = _symmetric(h + to @ ((back @ residual @ back.T) / sums) @ to.T)
    bounds = _certified(s, t, best)
    return None if bounds is None else (bounds, best.astype(np.float64))


def _symmetric(x: Any) -> Any:
    return x / 2 + x.T / 2


def _residual(s: Floats, t: Floats, h: Wide) -> tuple[Wide, Wide]:
    """E - H S - S H - H S H, and what rounding may do to its entries."""
    wide = s.astype(np.longdouble)
    product = h @ wide
    e = t - wide
    residual = e - product - product.T - product @ h
    size, n = np.abs(h) @ np.abs(wide), len(s)
    error = (n + 4) * FINE * (size + size.T + 2 * size @ np.abs(h)) + 2 * FINE * np.abs(e)
    return _symmetric(residual), _symmetric(error)


def _certified(s: Floats, t: Floats, h: Wide) -> Bounds | None:
    """Bounds of B by the triangle inequality, None if I + H might not be positive semidefinite."""
    n = len(s)
    values = np.linalg.eigvalsh(np.eye(n) + h.astype(np.float64))
    if not values[0] > 4 * n * EPS * values[-1]:
        return None
    residual, error = _residual(s, t, h)
    away = min(_plain(t, residual, error), _graded(t, np.asarray(np.abs(residual) + error, dtype=np.float64)))
    with quiet():
        square = float(np.sum((h @ s) * h))
        rounding = (n * n + n + 8) * FINE * float(np.sum((np.abs(h) @ np.abs(s)) * np.abs(h)))
    value = math.sqrt(max(square, 0.0))
    slack = min(math.sqrt(rounding), rounding / value) + 4 * EPS * value if value else math.sqrt(rounding)
    return Bounds(max(value - away - slack, 0.0), value, value + away + slack)


def _plain(t: Floats, residual: Wide, error: Wide) -> float:
    """How far t may be from t less a residual, by the two bounds above."""
    n = len(t)
    frobenius = float(np.linalg.norm(residual) + np.linalg.norm(error)) * (1 + 4 * n * n * EPS)
    spectrum = np.linalg.eigvalsh(t)
    least = float(spectrum[0]) - 4 * n * EPS * float(spectrum[-1])
    trace = math.sqrt(math.sqrt(n) * frobenius)  # the trace norm is at most sqrt(n) times that of Frobenius
    return min(frobenius / math.sqrt(least) if least > 0 else math.inf, trace) * (1 + 4 * EPS)


def _graded(t: Floats, error: Floats) -> float:
    r"""Another bound of the distance of t from t - R, |R| at most `error`, for variances of different size.

    With $t = D C D$, C of unit diagonal, $\|t^{-1/2} R\,t^{-1/2}\| \le \delta = \|D^{-1} R D^{-1}\| / \lambda_{\min}(C)$; the factor
    $t^{1/2}(I - t^{-1/2} R\,t^{-1/2})^{1/2}$ of t - R shows that the distance is at most $\delta\sqrt{\operatorname{tr} t}$ for
    $\delta \le 1$.
    """
    scale = np.sqrt(np.diag(t))
    if not scale.min() > 0:
        return math.inf
    outer = np.multiply.outer(scale, scale)
    n = len(t)
    least = float(np.linalg.eigvalsh(t / outer)[0]) - 8 * n * EPS * n
    delta = float(np.linalg.norm(error / outer)) / least if least > 0 else math.inf
    return delta * math.sqrt(float(np.trace(t))) * (1 + 16 * n * EPS) if delta <= 1 else math.inf


def _by_factors(s: Floats, t: Floats) -> Bounds:
    r"""Bounds from $B = \min_U \|L_1 - L_2 U\|_F$ over orthogonal U, $S_i = L_i L_i^T$: also for singular matrices."""
    n = len(s)
    factors, away = [], 0.0
    for x in (s, t):
        values, vectors = np.linalg.eigh(x)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))
        size = np.abs(factor) @ np.abs(factor).T
        error = np.abs(x - factor @ factor.T) + (n + 4) * EPS * size
        away += math.sqrt(math.sqrt(n) * float(np.linalg.norm(error))) * (1 + 4 * n * EPS)
        factors.append(factor)
    left, singular, right = np.linalg.svd(factors[1].T @ factors[0])
    value = float(np.linalg.norm(factors[0] - factors[1] @ (left @ right)))
    # the polar factor is orthogonal, and optimal, but for rounding
    slack = 8 * n * EPS * float(np.linalg.norm(factors[1])) + math.sqrt(16 * n * n * EPS * float(singular.sum()))
    total = away + slack
    return Bounds(max(value - total, 0.0), value, value + total)


def _any_map(s: Floats, t: Floats) -> Floats:
    """An optimal map for a singular s: by the pseudo-inverse of its root."""
    values, vectors = np.linalg.eigh(s)
    there = values > len(s) * EPS * values[-1]
    roots = np.sqrt(np.where(there, values, 0.0))
    inverse = (vectors * np.where(there, 1 / np.where(there, roots, 1.0), 0.0)) @ vectors.T
    root = (vectors * roots) @ vectors.T
    middle, turned = np.linalg.eigh(_symmetric(root @ t @ root))
    to = inverse @ turned
    return np.asarray((to * np.sqrt(np.maximum(middle, 0.0))) @ to.T, dtype=np.float64)
