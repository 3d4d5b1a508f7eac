r"""Upper bounds of a Wasserstein distance between populations, at a confidence level, from the distances of samples."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

import divergences as dv

__all__ = ["plug_in_upper"]


def plug_in_upper(
    x_batches: Sequence[npt.ArrayLike], y_batches: Sequence[npt.ArrayLike], *, level: float = 0.95
) -> float:
    r"""Upper confidence bound of $W_1(P, Q)$ from exact distances between independent batches of samples.

    The distance of two empirical measures is too large in the mean, $\mathbb E[W_1(P_n, Q_m)] \ge W_1(P, Q)$: it is a
    supremum over 1-Lipschitz T of $\bar T(x) - \bar T(y)$, and the mean of a supremum is at least the supremum of the
    means $\mathbb E_P[T] - \mathbb E_Q[T]$. From the B independent distances $w_k$, with mean $\bar w$ and standard
    deviation s, an upper bound of their expectation by Student's t,

    $$\bar w + t_{B-1}(\text{level})\, s / \sqrt B,$$

    is one of $W_1(P, Q)$. It is approximate, as the distances are only nearly normal, and by the excess of the
    expectation on the safe side; that excess falls as $n^{-1/d}$ (Weed & Bach 2019, theorem 1): in many dimensions the
    bound is loose.

    Parameters
    ----------
    x_batches : sequence of array_like (n, d) or (n,)
        Independent samples of P, two batches or more. Larger batches lower the excess, more of them the margin.
    y_batches : sequence of array_like (m, d) or (m,)
        As many samples of Q.
    level : float
        Probability that the bound is above the distance, at least 1/2 and below 1.

    Returns
    -------
    float
        The bound.

    Raises
    ------
    ValueError
        If there are fewer than two batches, unequally many of either, or the level is none.

    References
    ----------
    J. Weed and F. Bach (2019), Sharp asymptotic and finite-sample rates of convergence of empirical measures in
    Wasserstein distance, Bernoulli 25(4A), 2620-2648.

    Examples
    --------
    >>> import torch
    >>> from gan.plug_in import plug_in_upper
    >>> draw = torch.Generator().manual_seed(0)
    >>> x, y = torch.randn(2, 8, 100, 2, generator=draw, dtype=torch.float64).numpy()
    >>> 1 < plug_in_upper(x, y + [1.0, 0.0]) < 1.2
    True
    """
    if not 0.5 <= level < 1:
        msg = f"expected a level of at least 0.5 and below 1, got {level!r}; 0.95 is 95 per cent"
        raise ValueError(msg)
    count = len(x_batches)
    if count < 2 or len(y_batches) != count:
        msg = f"expected as many batches of x as of y, two or more, got {count} and {len(y_batches)}"
        raise ValueError(msg)
    distances = [_distance(x, y) for x, y in zip(x_batches, y_batches, strict=True)]
    mean = math.fsum(distances) / count
    deviation = math.sqrt(math.fsum((w - mean) ** 2 for w in distances) / (count - 1))
    bound = mean + float(stdtrit(count - 1, level)) * deviation / math.sqrt(count)
    return bound * (1 + 64 * float(np.finfo(np.float64).eps))  # outwards, by more than these roundings


def _distance(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """The distance of two empirical measures from above; points that were drawn repeatedly, as of finite measures, once."""
    (u, a), (v, b) = (np.unique(np.asarray(z), axis=0, return_counts=True) for z in (x, y))
    bounds: dv.Bounds = dv.wasserstein(u, v, a / a.sum(), b / b.sum()).bounds
    return bounds.upper * (1 + 4 * float(np.finfo(np.float64).eps))  # weights k / n are rounded
