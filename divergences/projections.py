r"""The member of a family that is closest to a distribution under a divergence: $\min_\theta D(P\|Q_\theta)$.

KL matches moments and covers all of P; reverse KL seeks a mode. A minimum is found from several starts (the divergence
need not be convex in the parameters) over coordinates without bounds, logarithms of positive parameters, and shown by
its certificate: at an optimum

$$\frac{\partial}{\partial\theta} D_f(P\|Q_\theta) = -\int f^*(f'(p/q_\theta))\,q_\theta\,\partial_\theta\log q_\theta\,dx = 0.$$
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from divergences.bounds import Bounds
from divergences.densities import divergence_bounds
from divergences.families import Distribution, Family, as_distribution
from divergences.families.distribution import POSITIVE, REAL
from divergences.fdivergence import FDivergence

__all__ = ["Projection", "project"]

Vector = NDArray[np.float64]

GRID = np.concatenate([[1e-4, 1e-3], np.linspace(0.01, 0.99, 197), [1 - 1e-3, 1 - 1e-4]])
"""Levels at which the density of P is looked at for modes."""

STARTS = 4
"""Local searches, from the best starts."""

STEP = 1e-4
"""Of the central differences in the certificate, in the coordinates without bounds."""


@final
@dataclass(frozen=True, slots=True)
class Projection:
    """The closest member of a family that was found.

    Parameters
    ----------
    distribution : Family
        The member.
    bounds : Bounds
        Its divergence.
    gradient : array (number of parameters,)
        Derivatives of the divergence there, with respect to parameters on the line and to logarithms of positive ones:
        0 but for the rounding of a central difference.
    curvature : array (number of parameters,)
        Eigenvalues of the matrix of second derivatives in the same coordinates: positive at a strict local minimum; NaN
        at the edge of where the divergence is finite, as under KL for a family with an end of its own.
    others : tuple of Family
        Other local minima that were found, from the best on.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.families import Laplace, Normal
    >>> found = dv.project(Laplace(0.0, 1.0), Normal, dv.kl)
    >>> round(float(found.distribution.scale) ** 2, 6)  # the variance of P
    2.0
    >>> bool(abs(found.gradient).max() < 1e-6 and found.curvature.min() > 0)  # a local minimum
    True
    """

    distribution: Family
    bounds: Bounds
    gradient: Vector
    curvature: Vector
    others: tuple[Family, ...]


def project(P: Any, family: type[Family], d: FDivergence) -> Projection:
    r"""The member Q of a family on the line with the smallest $D(P\|Q)$.

    Parameters
    ----------
    P : distribution
        A single distribution on the line.
    family : type
        A family of `divergences.families` with real and positive parameters, such as ``Normal``.
    d : FDivergence
        The divergence; ``d.reverse`` exchanges P and Q.

    Returns
    -------
    Projection
        With its value, the optimality condition, and other local minima. Local minima are proved, to rounding, by
        gradient and curvature; that no better one exists is not proved.

    Raises
    ------
    TypeError
        If the family has other parameters.
    ValueError
        If the divergence is infinite at every start.

    Examples
    --------
    >>> import divergences as dv
    >>> from divergences.families import Mixture, Normal
    >>> P = Mixture([Normal(-2.0, 0.5), Normal(2.0, 0.5)], [0.5, 0.5])
    >>> found = dv.project(P, Normal, dv.kl)
    >>> round(float(found.distribution.scale) ** 2, 6)  # the variance of P
    4.25
    """
    P = as_distribution(P)
    domains = family._domains()
    if any(domain not in (REAL, POSITIVE) for _, domain in domains):
        shown = ", ".join(f"{name}: {domain.words}" for name, domain in domains)
        msg = f"expected a family with real and positive parameters, got {family.__name__} ({shown})"
        raise TypeError(msg)
    positive = np.array([domain is POSITIVE for _, domain in domains])

    def member(z: Vector) -> Family:
        values = np.where(positive, np.exp(np.where(positive, z, 0.0)), z)
        return family(*values.tolist())

    def value(z: Vector) -> float:
        if not np.all(np.abs(z) < 300):
            return math.inf
        try:
            Q = member(z)
        except ValueError:  # parameters that do not fit each other, as ends of an interval
            return math.inf
        return divergence_bounds(d, P, Q).value

    found = _minima(value, list(_starts(P, positive)), family, d)
    best = found[0][1]
    gradient, curvature = _derivatives(value, best)
    others = tuple(member(z) for _, z in found[1:])
    return Projection(member(best), divergence_bounds(d, P, member(best)), gradient, curvature, others)


def _starts(P: Distribution, positive: NDArray[np.bool_]) -> Iterator[Vector]:
    """Combinations of places and widths of P: of the whole and of each mode."""
    x = P.quantile(GRID)
    middle, width = float(P.quantile(np.asarray(0.5))), float(np.subtract(*P.quantile(np.array([0.84, 0.16])))) / 2
    log_p = P.log_density(x)
    peak = np.flatnonzero((log_p[1:-1] > log_p[:-2]) & (log_p[1:-1] >= log_p[2:])) + 1
    pairs = [(middle, width)]
    for k in peak:
        high = x[log_p > log_p[k] - 0.5]
        beside = high[np.abs(high - x[k]) < 3 * width]
        pairs.append((float(x[k]), max(float(np.abs(beside - x[k]).max(initial=0.0)), 1e-3 * width)))
    pairs = pairs[:4]
    sizes = {width, abs(middle), 1.0, 1 / width, *(w for _, w in pairs)}
    if np.array_equal(positive, [False, True]):  # a place and a width
        yield from (np.array([m, math.log(w * c)]) for m, w in pairs for c in (1.0, 2.0))
    places = sorted(
        {x for m, w in pairs for x in (m, m - 2 * w, m + 2 * w)} if not positive.any() else {m for m, _ in pairs}
    )
    choices = [sorted(s for s in sizes if s > 0) if is_positive else places for is_positive in positive]
    for combination in itertools.product(*choices):
        z = np.array(combination)
        yield np.where(positive, np.log(np.where(positive, z, 1.0)), z)


def _minima(
    value: Callable[[Vector], float], starts: list[Vector], family: type[Family], d: FDivergence
) -> list[tuple[float, Vector]]:
    """Local minima, the best first."""
    from scipy.optimize import minimize

    ranked = sorted(((value(z), k) for k, z in enumerate(starts)), key=lambda pair: pair[0])
    finite = [starts[k] for v, k in ranked if math.isfinite(v)][:STARTS]
    if not finite:
        msg = f"expected a member of {family.__name__} at a finite divergence {d.name}, got inf at all {len(starts)} starts"
        raise ValueError(msg)
    found: list[tuple[float, Vector]] = []
    for start in finite:
        rough = minimize(value, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-10, "maxfev": 400})
        z = _polished(value, np.asarray(rough.x, dtype=np.float64))
        if not any(np.allclose(z, other, atol=1e-4) for _, other in found):
            found.append((value(z), z))
    return sorted(found, key=lambda pair: pair[0])


def _polished(value: Callable[[Vector], float], z: Vector) -> Vector:
    """Newton steps, each as long as it lowers the value."""
    for _ in range(6):
        gradient, matrix = _differences(value, z)
        if not (np.all(np.isfinite(gradient)) and np.all(np.isfinite(matrix))):
            break  # at the edge of where the divergence is finite
        step = np.linalg.lstsq(matrix, gradient, rcond=None)[0]
        if not np.all(np.isfinite(step)) or np.abs(step).max() > 0.1 or not value(z - step) <= value(z) + 1e-15:
            break
        z = z - step
        if np.abs(step).max() < 1e-9:
            break
    return z


def _differences(value: Callable[[Vector], float], z: Vector) -> tuple[Vector, NDArray[np.float64]]:
    """Gradient and matrix of second derivatives by central differences."""
    n = len(z)
    units = STEP * np.eye(n)
    center = value(z)
    ahead, behind = (np.array([value(z + s * u) for u in units]) for s in (1, -1))
    gradient = (ahead - behind) / (2 * STEP)
    matrix = np.diag((ahead - 2 * center + behind) / STEP**2)
    for i, j in itertools.combinations(range(n), 2):
        corners = [s * t * value(z + s * units[i] + t * units[j]) for s, t in itertools.product((1, -1), repeat=2)]
        matrix[i, j] = matrix[j, i] = sum(corners) / (4 * STEP**2)
    return gradient, matrix


def _derivatives(value: Callable[[Vector], float], z: Vector) -> tuple[Vector, Vector]:
    gradient, matrix = _differences(value, z)
    if not np.all(np.isfinite(matrix)):
        return gradient, np.full(len(z), np.nan)
    return gradient, np.linalg.eigvalsh(matrix).astype(np.float64)
