"""Hypothesis strategies for distributions: use them to test your own divergences and critics.

>>> from hypothesis import given
>>> import divergences as dv
>>> from divergences.testing import pairs
>>> @given(pairs())
... def test_pinsker(pair):
...     assert dv.tv(*pair) ** 2 <= dv.kl(*pair) / 2 + 1e-15  # both sides are rounded
>>> test_pinsker()
"""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

__all__ = ["channels", "close_pairs", "pairs", "point_clouds", "simplexes"]

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
