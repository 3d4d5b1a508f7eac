r"""Pairs (P, Q) of finite measures: those whose answers are known in closed form, and a battery of random ones.

A random family is a function of the number of atoms n, the dimension d and the randomness; the battery runs through all of
them. Their exact distances are linear programs, their exact divergences sums: what an estimate is held against.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from gan.expectations import Discrete, Floats, at_least

__all__ = [
    "RANDOM_PAIRS",
    "Problem",
    "battery",
    "heavy_tails",
    "independent_points",
    "on_a_line",
    "parallel_lines",
    "partial_overlap",
    "rings",
    "shared_support",
    "shift",
    "smooth_weights",
    "worked_table",
]

Rng = int | np.random.Generator | np.random.SeedSequence


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """Two finite measures with a name.

    Parameters
    ----------
    name : str
        What the points are.
    P, Q : Discrete
        The measures.

    Examples
    --------
    >>> import gan
    >>> problem = gan.Problem("a step", gan.Discrete([0.0]), gan.Discrete([1.0]))
    >>> problem.name, problem.P
    ('a step', Discrete(1 points of dimension 1))
    """

    name: str
    P: Discrete
    Q: Discrete


def parallel_lines(theta: float, *, size: int = 200) -> Problem:
    r"""Two vertical segments at distance theta: $P_0 = (0, Z)$ and $P_\theta = (\theta, Z)$, Z uniform on [0, 1].

    $W_1 = |\theta|$, while JS = ln 2, TV = 1 and KL is infinite both ways as soon as theta is not 0. Arjovsky, Chintala
    & Bottou (2017), example 1. Z is taken at the midpoints of `size` equal intervals, which keeps all of this exact.

    Parameters
    ----------
    theta : float
        Distance of the lines.
    size : int
        Number of points on each.

    Returns
    -------
    Problem
        P on the first line, Q on the second.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> lines = gan.parallel_lines(0.5, size=20)
    >>> round(gan.wasserstein.exact(lines.P, lines.Q).value, 12)
    0.5
    >>> gan.variational(dv.kl).exact(lines.P, lines.Q).value
    inf
    """
    z = (np.arange(size) + 0.5) / size
    first, second = (np.stack([np.full(size, x), z], axis=1) for x in (0.0, theta))
    return Problem(f"parallel lines, theta = {theta:g}", Discrete(first), Discrete(second))


def worked_table() -> Problem:
    r"""The moving table of the lectures: masses 3, 1, 2 at 1, 2, 3 against 1, 1, 2, 2 at 7, 8, 9, 10.

    42 in all, $W_1 = 7$ per unit mass, and more than one optimal plan.

    Returns
    -------
    Problem
        Both sides divided by their mass 6.

    Examples
    --------
    >>> import gan
    >>> table = gan.worked_table()
    >>> round(gan.wasserstein.exact(table.P, table.Q).value, 12)
    7.0
    """
    here, there = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, 2.0])
    return Problem("worked table", Discrete([1.0, 2.0, 3.0], here / 6), Discrete([7.0, 8.0, 9.0, 10.0], there / 6))


def independent_points(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Independent uniform points of the unit cube on either side, with weights uniform on the simplex.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        No atom in common.
    """
    r = _randomness(n, d, rng)
    return _problem("independent points", r.random((n, d)), _simplex(r, n), r.random((n, d)), _simplex(r, n))


def shift(n: int, d: int, *, by: float = 0.3, rng: Rng = 0) -> Problem:
    """A random measure on the unit cube and its translate along the first axis, with the same weights: W1 = |by|.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension.
    by : float
        Length of the shift.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        The measure and its translate.
    """
    r = _randomness(n, d, rng)
    x, w = r.random((n, d)), _simplex(r, n)
    return _problem("shift", x, w, x + by * np.eye(d)[0], w)


def shared_support(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Two independent weightings, uniform on the simplex, of one set of uniform points of the unit cube.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        All f-divergences are finite, and neighbouring atoms have unrelated ratios of weights.
    """
    r = _randomness(n, d, rng)
    x = r.random((n, d))
    return _problem("shared support", x, _simplex(r, n), x, _simplex(r, n))


def rings(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Eight narrow blobs around a unit circle in the first two coordinates, against one wide blob at its centre.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension. In one dimension the circle is seen from its side.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        P on the ring, of standard deviation 0.05 around it, and Q of 0.3, in each coordinate.
    """
    r = _randomness(n, d, rng)
    angle = 2 * np.pi / 8 * r.integers(8, size=n)
    x = 0.05 * r.standard_normal((n, d))
    x[:, :2] += np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, :d]
    return _problem("rings", x, _simplex(r, n), 0.3 * r.standard_normal((n, d)), _simplex(r, n))


def heavy_tails(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Cauchy points against points with Student's t of two degrees of freedom, all with Pareto weights.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        A few atoms are far away, and a few hold most of the mass.
    """
    r = _randomness(n, d, rng)
    (x, v), (y, w) = ((r.standard_t(degrees, (n, d)), r.pareto(1.0, n) + 1) for degrees in (1, 2))
    return _problem("heavy tails", x, v / v.sum(), y, w / w.sum())


def smooth_weights(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Uniform points of the unit cube, weighted by one normal density and by a mixture of two.

    Parameters
    ----------
    n, d : int
        Atoms of either measure; dimension.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        All f-divergences are finite, and the log-ratio is a smooth function of the points.
    """
    r = _randomness(n, d, rng)
    x = r.random((n, d))
    p, q = _smooth(r, x)
    return _problem("smooth weights", x, p / p.sum(), x, q / q.sum())


def partial_overlap(n: int, d: int, *, rng: Rng = 0) -> Problem:
    """Smooth weights of which P has none on the lowest quarter of the points by their first coordinate, Q on the highest.

    Parameters
    ----------
    n, d : int
        Atoms, 4 or more; dimension.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        KL is infinite both ways; JS, TV and Hellinger are not. The atoms without mass stay, with weight 0.
    """
    at_least(4, n=n)
    r = _randomness(n, d, rng)
    x = r.random((n, d))
    p, q = _smooth(r, x)
    order = np.argsort(x[:, 0])
    p[order[: n // 4]] = q[order[-(n // 4) :]] = 0
    return _problem("partial overlap", x, p / p.sum(), x, q / q.sum())


def on_a_line(n: int, *, rng: Rng = 0) -> Problem:
    """Samples on the line: of a normal, and of a mixture of two, all of weight 1/n.

    Parameters
    ----------
    n : int
        Atoms of either measure.
    rng : int, numpy Generator or SeedSequence
        Randomness.

    Returns
    -------
    Problem
        Many atoms, whose distance sorting gives at once.
    """
    r = _randomness(n, 1, rng)
    y = np.where(r.random(n) < 1 / 3, r.normal(-2.0, 0.3, n), r.normal(1.5, 1.0, n))
    uniform = np.full(n, 1 / n)
    return _problem("on a line", r.standard_normal((n, 1)), uniform, y[:, None], uniform)


RANDOM_PAIRS: tuple[Callable[..., Problem], ...] = (
    independent_points,
    shift,
    shared_support,
    rings,
    heavy_tails,
    smooth_weights,
    partial_overlap,
)
"""The random families in any dimension, each a function of (n, d, rng)."""


def battery(
    *, sizes: tuple[int, ...] = (8, 32, 64, 256), dimensions: tuple[int, ...] = (1, 2, 16), rng: Rng = 0
) -> Iterator[Problem]:
    """One problem of each random family, size and dimension; what it is does not depend on which others are asked for.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of atoms, 4 or more.
    dimensions : tuple of int
        Dimensions; in dimension 1 `on_a_line` is there too.
    rng : int, numpy Generator or SeedSequence
        Randomness of all.

    Yields
    ------
    Problem
        Smaller ones first.

    Examples
    --------
    >>> from gan.problems import battery
    >>> [problem.name for problem in battery(sizes=(8,), dimensions=(2,))][:2]
    ['independent points, n = 8, d = 2', 'shift, n = 8, d = 2']
    """
    seed = int(np.random.default_rng(rng).integers(2**62))
    for n in sizes:
        for d in dimensions:
            for k, family in enumerate(RANDOM_PAIRS):
                yield family(n, d, rng=np.random.default_rng([seed, k, n, d]))
            if d == 1:
                yield on_a_line(n, rng=np.random.default_rng([seed, len(RANDOM_PAIRS), n, d]))


def _randomness(n: int, d: int, rng: Rng) -> np.random.Generator:
    at_least(1, n=n, d=d)
    return np.random.default_rng(rng)


def _problem(name: str, x: Floats, p: Floats, y: Floats, q: Floats) -> Problem:
    n, d = x.shape
    return Problem(f"{name}, n = {n}, d = {d}", Discrete(x, p), Discrete(y, q))


def _simplex(r: np.random.Generator, n: int) -> Floats:
    """A probability vector, uniform on the simplex."""
    return r.dirichlet(np.ones(n))


def _smooth(r: np.random.Generator, x: Floats) -> tuple[Floats, Floats]:
    """One bump and the sum of two at points of the cube, not normalised.

    Squared distances vary by the root of the dimension, and so do the squared widths: weights neither even out nor
    gather in one atom as the dimension grows.
    """
    width = x.shape[1] ** 0.25
    first, second, third = 0.3 + 0.4 * r.random((3, x.shape[1]))
    p = _bump(x, first, 0.2 * width)
    q = _bump(x, second, 0.3 * width) + 0.5 * _bump(x, third, 0.15 * width)
    return p, q


def _bump(x: Floats, centre: Floats, width: float) -> Floats:
    """A normal density, 1 at the point nearest to its centre."""
    exponent = -np.sum((x - centre) ** 2, axis=1) / (2 * width**2)
    bump: Floats = np.exp(exponent - exponent.max())
    return bump
