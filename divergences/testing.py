"""Hypothesis strategies for distributions: use them to test your own divergences and critics.

>>> from hypothesis import given
>>> import divergences as dv
>>> from divergences.testing import pairs
>>> @given(pairs())
... def test_pinsker(pair):
...     assert dv.tv(*pair) ** 2 <= dv.kl(*pair) / 2 + 1e-15  # both sides are rounded
>>> test_pinsker()
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import divergences as dv

__all__ = [
    "channels",
    "close_pairs",
    "continuous_pairs",
    "convex_functions",
    "divergences",
    "pairs",
    "point_clouds",
    "simplexes",
    "sparse_pairs",
]

Vector = NDArray[np.float64]
Pair = tuple[Vector, Vector]


@st.composite
def simplexes(draw: st.DrawFn, *, size: int | None = None, zeros: bool = True) -> Vector:
    """Probability vectors: comparable entries, entries over hundreds of decades, and (if asked) exact zeros.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    size : int, optional
        Number of outcomes; 1 to 12 if not given.
    zeros : bool, default: True
        Whether some outcomes may have probability 0.

    Returns
    -------
    strategy of array (n,)
        Non-negative, of mass 1 up to rounding.
    """
    n = draw(st.integers(1, 12)) if size is None else size
    decades = draw(st.sampled_from([0.0, 2.0, 300.0]))
    digits = draw(hnp.arrays(np.float64, n, elements=st.floats(0.0, 1.0)))
    weights = 10.0 ** (-decades * digits) * (1.0 + digits)
    if zeros:
        keep = draw(hnp.arrays(np.bool_, n))
        keep[draw(st.integers(0, n - 1))] = True
        weights = np.where(keep, weights, 0.0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@st.composite
def pairs(draw: st.DrawFn, *, size: int | None = None, zeros: bool = True) -> Pair:
    """Two probability vectors on one space.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    size : int, optional
        Number of outcomes; 1 to 12 if not given.
    zeros : bool, default: True
        Whether outcomes of probability 0 may occur, each vector having its own.

    Returns
    -------
    strategy of (array (n,), array (n,))
        The vectors p and q.
    """
    n = draw(st.integers(1, 12)) if size is None else size
    return draw(simplexes(size=n, zeros=zeros)), draw(simplexes(size=n, zeros=zeros))


@st.composite
def continuous_pairs(draw: st.DrawFn, *, size: int | None = None) -> Pair:
    """Two probability vectors, the first absolutely continuous with respect to the second: p = 0 where q = 0.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    size : int, optional
        Number of outcomes; 1 to 12 if not given.

    Returns
    -------
    strategy of (array (n,), array (n,))
        The vectors p and q, of which KL and chi-squared are finite.
    """
    q = draw(simplexes(size=size))
    p = np.zeros_like(q)
    p[q > 0] = draw(simplexes(size=int(np.count_nonzero(q))))
    return p, q


@st.composite
def sparse_pairs(draw: st.DrawFn, *, size: int = 40) -> Pair:
    """Two probability vectors with few outcomes of positive probability each, in common or not.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    size : int, default: 40
        Number of outcomes.

    Returns
    -------
    strategy of (array (n,), array (n,))
        The vectors p and q, at most five entries of each positive.
    """
    places = st.lists(st.integers(0, size - 1), min_size=1, max_size=5, unique=True)
    pair = np.zeros((2, size))
    for row in pair:
        support = draw(places)
        row[support] = draw(simplexes(size=len(support), zeros=False))
    return pair[0], pair[1]


def divergences() -> st.SearchStrategy[dv.FDivergence]:
    """f-divergences of the catalogue, of the families members with any parameter of [-3, 3] in their domain that a half-precision number holds.

    ``st.from_type(FDivergence)`` is this strategy.

    Returns
    -------
    strategy of FDivergence
        Declared divergences.
    """
    return st.one_of(st.sampled_from(dv.FDIVERGENCES), _members())


@st.composite
def _members(draw: st.DrawFn) -> dv.FDivergence:
    family = draw(st.sampled_from(dv.FAMILIES))
    return family(*[draw(st.floats(-3.0, 3.0, width=16).filter(family.admits))])


@st.composite
def close_pairs(draw: st.DrawFn) -> Pair:
    """Two probability vectors 1e-1 to 1e-13 apart: where formulas that cancel lose everything.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.

    Returns
    -------
    strategy of (array (n,), array (n,))
        The vectors p and q, different ones.
    """
    q = draw(simplexes(size=draw(st.integers(2, 12)), zeros=False))
    noise = draw(hnp.arrays(np.float64, len(q), elements=st.floats(-1.0, 1.0)))
    p = q * (1.0 + 10.0 ** -draw(st.integers(1, 13)) * noise)
    return p / p.sum(), q


@st.composite
def convex_functions(draw: st.DrawFn) -> dv.FDivergence:
    r"""f-divergences of piecewise affine convex functions $f(u) = a(u - 1) + \sum_k w_k (|u - c_k| - |1 - c_k|)$.

    Every convex function with f(1) = 0 is a limit of such ones, so that what holds for them and is continuous holds for all.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.

    Returns
    -------
    strategy of FDivergence
        Made by ``divergences.from_function``; ``f`` is the function, ``kinks`` are the c.
    """
    kinks = sorted(draw(st.lists(st.integers(1, 40).map(lambda k: k / 8), min_size=1, max_size=4, unique=True)))
    weights = draw(st.lists(st.integers(1, 16).map(lambda k: k / 8), min_size=len(kinks), max_size=len(kinks)))
    slope = draw(st.integers(-8, 8)) / 4

    def f(u: Any) -> Any:
        bends = [w * (abs(u - c) - abs(1 - c)) for w, c in zip(weights, kinks, strict=True)]
        return slope * (u - 1) + sum(bends)

    ends = {"f0": f(0.0), "slope": slope + sum(weights)}
    return dv.from_function(f, name="piecewise_affine", kinks=tuple(kinks), **ends)


@st.composite
def channels(draw: st.DrawFn, inputs: int) -> NDArray[np.float64]:
    """Markov kernels (stochastic matrices) from a space of `inputs` outcomes to one of 1 to 6.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    inputs : int
        Number of rows.

    Returns
    -------
    strategy of array (inputs, m)
        Rows are probability vectors.
    """
    outputs = draw(st.integers(1, 6))
    return np.stack([draw(simplexes(size=outputs)) for _ in range(inputs)])


@st.composite
def point_clouds(draw: st.DrawFn, *, dimension: int | None = None) -> Pair:
    """Weighted points: up to 8 points of dimension 1 to 3, ties and repetitions among them, and their weights.

    Parameters
    ----------
    draw : callable
        Given by hypothesis.
    dimension : int, optional
        Length of a point.

    Returns
    -------
    strategy of (array (n, d), array (n,))
        Points and their probabilities.
    """
    d = draw(st.integers(1, 3)) if dimension is None else dimension
    n = draw(st.integers(1, 8))
    coordinates = st.one_of(st.integers(-4, 4).map(float), st.floats(-10.0, 10.0, width=32))
    return draw(hnp.arrays(np.float64, (n, d), elements=coordinates)), draw(simplexes(size=n))
