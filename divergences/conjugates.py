r"""Fenchel conjugates and biconjugates of any function on a grid, by their definitions: slow, and independent of the rest.

$$f^*(t) = \sup_u\,(ut - f(u)), \qquad f^{**}(u) = \sup_t\,(ut - f^*(t)).$$

The conjugate is the upper envelope of the lines $t \mapsto ut - f(u)$, one for every u. The biconjugate is the largest
convex function below f, whose graph is the lower convex hull of that of f: f itself where f is convex, and a chord
across every stretch where it is not. These functions are the second road to the closed conjugates of the catalogue,
and mend a function that is not convex.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Hull", "Transform", "biconjugate", "convex_hull", "legendre_transform"]

Vector = NDArray[np.float64]
Function = Callable[[Vector], Any]

ROUNDS = 12
"""Refinements of the best interval of a grid; each makes it `FINER` / 2 times shorter."""

FINER = 32
"""Intervals that one is divided into."""

EPS = float(np.finfo(np.float64).eps)


@final
@dataclass(frozen=True)
class Transform:
    r"""A conjugate found by search: ``lower <= f*(t) <= upper`` for convex f, and where the lower bound is attained.

    The upper bound holds up to the rounding of f itself. All have the shape of t.
    """

    t: Vector
    lower: Vector
    upper: Vector
    argument: Vector

    @property
    def error(self) -> Vector:
        """The distance of the bounds."""
        return self.upper - self.lower


@final
@dataclass(frozen=True)
class Hull:
    """The lower convex hull of a function on a grid: its values there, and whether they are those of the function."""

    u: Vector
    values: Vector
    touching: NDArray[np.bool_]


def legendre_transform(f: Function, t: ArrayLike, *, u: ArrayLike) -> Transform:
    r"""Conjugate $f^*(t) = \sup_u (ut - f(u))$ of a convex function, over the interval from the first to the last of u.

    The best point of a grid is a lower bound; around it the grid is made finer, a few times. Since $ut - f(u)$ is
    concave, it lies below the chords of its neighbours, prolonged: that is the upper bound.

    Parameters
    ----------
    f : callable
        Takes an array of numbers u and returns their f(u), ``inf`` outside the domain; convex.
    t : array
        Slopes.
    u : array (n,)
        Increasing numbers, at least three; their distances matter for speed only.

    Returns
    -------
    Transform
        Lower and upper bound for every t, and the u of the lower one.

    Raises
    ------
    ValueError
        If u is no increasing grid, f is NaN or ``-inf`` somewhere, or not convex on the grid: there take
        `convex_hull` first, which has the same conjugate.

    See Also
    --------
    divergences.FDivergence.conjugate : In closed form, or by solving f'(u) = t.

    Examples
    --------
    The conjugate of u log u is exp(t - 1).

    >>> import numpy as np
    >>> from divergences.conjugates import legendre_transform
    >>> found = legendre_transform(lambda u: u * np.log(u), [0.0, 1.0], u=np.geomspace(1e-3, 1e3, 100))
    >>> bool(np.all(found.lower <= np.exp([-1.0, 0.0])) and np.all(np.exp([-1.0, 0.0]) <= found.upper + 1e-15))
    True
    >>> bool(np.all(found.error < 1e-12))
    True
    """
    grid, values = _sampled(f, u)
    _refuse_concave(grid, values)
    slopes = np.asarray(t, dtype=np.float64)
    searched = [_supremum(f, float(slope), grid, values) for slope in slopes.ravel()]
    lower, upper, argument = (np.array(x, dtype=np.float64).reshape(slopes.shape) for x in zip(*searched, strict=True))
    return Transform(slopes, lower, upper, argument)


def _supremum(f: Function, t: float, u: Vector, values: Vector) -> tuple[float, float, float]:
    """Bounds of the supremum of ut - f(u), and the argument of the lower one, by finer and finer grids."""
    for _ in range(ROUNDS):
        best = _best(t, u, values)
        left, right = u[max(best - 1, 0)], u[min(best + 1, len(u) - 1)]
        bound = _upper_bound(t, u, values, best)
        gain = t * u[best] - values[best]
        if bound - gain <= EPS * abs(gain) or right - left <= 4 * EPS * abs(right):
            break
        u = np.unique(np.concatenate([np.linspace(a, b, FINER + 1) for a, b in ((left, u[best]), (u[best], right))]))
        values = _evaluated(f, u)
    return float(gain), float(bound), float(u[best])


def _best(t: float, u: Vector, values: Vector) -> int:
    return int(np.argmax(t * u - values))


def _upper_bound(t: float, u: Vector, values: Vector, best: int) -> float:
    """What a concave function with these values cannot exceed between the neighbours of its largest one."""
    gains = t * u - values
    bound = gains[best]
    for step in (-1, 1):
        beside, opposite, beyond = best + step, best - step, best + 2 * step
        if not 0 <= beside < len(u):
            continue
        width = abs(u[beside] - u[best])
        # from both ends of the interval the chords of the intervals before and after it
        rise = _rate(gains, u, opposite, best, step) if 0 <= opposite < len(u) else np.inf
        fall = _rate(gains, u, beside, beyond, step) if 0 <= beyond < len(u) else -np.inf
        bound = max(bound, _meeting(gains[best], gains[beside], rise, fall, width))
    return float(bound)


def _rate(gains: Vector, u: Vector, first: int, second: int, step: int) -> float:
    """Slope of a chord, seen in the direction of the step."""
    if not (np.isfinite(gains[first]) and np.isfinite(gains[second])):
        return np.inf if np.isfinite(gains[second]) else -np.inf
    return float((gains[second] - gains[first]) / (u[second] - u[first]) * step)


def _meeting(near: float, far: float, rise: float, fall: float, width: float) -> float:
    """The height at which two lines meet above an interval: from its near end rising, towards its far end falling."""
    if np.isinf(far) or (np.isinf(fall) and np.isfinite(rise)):
        return near + rise * width
    if np.isinf(rise):
        return far - fall * width
    if rise == fall:
        return near  # both are 0
    place = min(max((far - near - fall * width) / (rise - fall), 0.0), width)
    return near + rise * place


def biconjugate(f: Function, u: ArrayLike, *, t: ArrayLike) -> Vector:
    r"""Biconjugate $f^{**}(u) = \max_t (ut - f^*(t))$ with $f^*(t) = \max_u (ut - f(u))$, over two grids.

    Every slope in t gives a line below f; the result is their envelope. It is the convex hull of f on the grid if the
    slopes of that hull are among t, and below it if not.

    Parameters
    ----------
    f : callable
        Takes an array of numbers u and returns their f(u); ``inf`` outside the domain.
    u : array (n,)
        Increasing numbers.
    t : array (m,)
        Slopes.

    Returns
    -------
    array (n,)
        The envelope at u, found in n m operations.

    Raises
    ------
    ValueError
        If u is no increasing grid, or f is NaN or ``-inf`` somewhere.

    See Also
    --------
    divergences.conjugates.convex_hull : The same, faster, without choosing slopes.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.conjugates import biconjugate
    >>> u = np.linspace(-2, 2, 5)
    >>> biconjugate(lambda u: (u**2 - 1) ** 2, u, t=np.linspace(-30, 30, 61))
    array([9., 0., 0., 0., 9.])
    """
    grid, values = _sampled(f, u)
    slopes = np.asarray(t, dtype=np.float64).ravel()
    conjugate = np.max(slopes[:, None] * grid - values, axis=1)
    return np.asarray(np.max(grid[:, None] * slopes - conjugate, axis=1), dtype=np.float64)


def convex_hull(f: Function, u: ArrayLike) -> Hull:
    r"""Lower convex hull of f on a grid: the biconjugate $f^{**}$ of its values there, by Andrew's monotone chain.

    Parameters
    ----------
    f : callable
        Takes an array of numbers u and returns their f(u); ``inf`` outside the domain.
    u : array (n,)
        Increasing numbers, at least three.

    Returns
    -------
    Hull
        Its values at u, and where they are those of f. Between points where it touches f the hull is a chord. The
        hull of an f with f(1) = 0 need not vanish at 1.

    Raises
    ------
    ValueError
        If u is no increasing grid, f is NaN or ``-inf`` somewhere, or finite at fewer than two points.

    References
    ----------
    Andrew, A. M. (1979). Another efficient algorithm for convex hulls in two dimensions. Information Processing
    Letters 9(5), 216-219.

    Examples
    --------
    A double well becomes a basin with a flat floor.

    >>> import numpy as np
    >>> from divergences.conjugates import convex_hull
    >>> hull = convex_hull(lambda u: (u**2 - 1) ** 2, np.linspace(-2, 2, 5))
    >>> hull.values
    array([9., 0., 0., 0., 9.])
    >>> hull.touching
    array([ True,  True, False,  True,  True])
    """
    grid, values = _sampled(f, u)
    finite = np.flatnonzero(np.isfinite(values))
    if len(finite) < 2:
        msg = f"expected f to be finite at two points of u at least, got {len(finite)}; give a grid inside its domain"
        raise ValueError(msg)
    vertices = _lower_chain(grid.tolist(), values.tolist(), finite.tolist())
    inside = (grid >= grid[vertices[0]]) & (grid <= grid[vertices[-1]])
    hull = np.where(inside, np.interp(grid, grid[vertices], values[vertices]), np.inf)
    touching = np.isfinite(values) & (values <= hull + 2 * EPS * np.abs(hull))
    hull[touching] = values[touching]
    return Hull(grid, hull, touching)


def _lower_chain(u: list[float], values: list[float], points: list[int]) -> list[int]:
    """The points at which the hull turns: one that is not below the chord of its neighbours is dropped."""

    def slope(a: int, b: int) -> float:
        return (values[b] - values[a]) / (u[b] - u[a])

    vertices: list[int] = []
    for k in points:
        while len(vertices) > 1 and slope(vertices[-2], vertices[-1]) >= slope(vertices[-1], k):
            vertices.pop()
        vertices.append(k)
    return vertices


def _sampled(f: Function, u: ArrayLike) -> tuple[Vector, Vector]:
    """The grid, checked, and the values of f there."""
    grid = np.asarray(u, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 3:
        msg = f"expected u to be a grid of at least three numbers, got shape {grid.shape}"
        raise ValueError(msg)
    if not (np.all(np.isfinite(grid)) and np.all(np.diff(grid) > 0)):
        msg = "expected u to be finite and increasing, got a grid that is not; pass numpy.unique(u)"
        raise ValueError(msg)
    return grid, _evaluated(f, grid)


def _evaluated(f: Function, u: Vector) -> Vector:
    with np.errstate(all="ignore"):
        values = np.asarray(f(u), dtype=np.float64)
    if values.shape != u.shape:
        msg = f"expected f to return an array of the shape of its argument, {u.shape}, got {values.shape}"
        raise ValueError(msg)
    wrong = ~(values > -np.inf)
    if np.any(wrong):
        k = int(np.argmax(wrong))
        msg = f"expected f(u) to be a number or inf, got {values[k]} at u = {u[k]!r}; leave such points out of the grid"
        raise ValueError(msg)
    return values


def _refuse_concave(u: Vector, values: Vector) -> None:
    """Raise where a value is above the chord of its neighbours by more than rounding."""
    k = above_chord(u, values, 1.0)
    if k is not None:
        msg = (
            f"expected f to be convex, got f({u[k]:.6g}) = {values[k]:.6g}, above the chord from u = {u[k - 1]:.6g} to "
            f"{u[k + 1]:.6g}; take divergences.conjugates.convex_hull(f, u) in its place"
        )
        raise ValueError(msg)


def above_chord(u: Vector, values: Vector, scale: Vector | float) -> int | None:
    """The first point above the chord of its neighbours by more than the rounding of numbers as large as they or `scale`."""
    with np.errstate(invalid="ignore"):
        weight = (u[2:] - u[1:-1]) / (u[2:] - u[:-2])
        chord = weight * values[:-2] + (1 - weight) * values[2:]
        sizes = scale + np.abs(values)
        above = values[1:-1] > chord + 64 * EPS * (sizes[:-2] + sizes[1:-1] + sizes[2:])
    return int(np.argmax(above)) + 1 if np.any(above) else None
