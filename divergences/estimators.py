r"""Classical estimates of divergences from samples of P and Q: nearest neighbours, histograms, kernel densities.

All are biased, and say how; none comes with a certificate. They are what a neural critic has to beat.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from divergences._arrays import quiet
from divergences._extras import require
from divergences.elementary import Numeric
from divergences.fdivergence import FDivergence

__all__ = ["histogram_divergence", "kernel_divergence", "nearest_neighbor_kl", "nearest_neighbor_renyi"]

Sample = NDArray[np.float64]


def nearest_neighbor_kl(x: ArrayLike, y: ArrayLike, *, k: int = 5) -> float:
    r"""Estimate of $KL(P\|Q)$ from samples of both, by the distances to the k-th nearest neighbours.

    With $\rho_k(i)$ the distance of $x_i$ to its k-th neighbour among the other x, and $\nu_k(i)$ among the y,

    $$\frac dn\sum_i \log\frac{\nu_k(i)}{\rho_k(i)} + \log\frac m{n-1}.$$

    Consistent; its bias falls like $n^{-1/d}$ where densities are smooth, so it is slow in many dimensions, and it may
    be negative. Ties (repeated points) have no densities and are refused.

    Parameters
    ----------
    x : array (n,) or (n, d)
        Sample of P.
    y : array (m,) or (m, d)
        Sample of Q.
    k : int, default: 5
        The neighbour: a larger one has less variance and more bias.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        On samples of different dimension, fewer than k + 1 points, or repeated points.

    References
    ----------
    Wang, Q., Kulkarni, S. R. and Verdu, S. (2009). Divergence estimation for multidimensional densities via k-nearest-
    neighbor distances. IEEE Transactions on Information Theory 55(5), 2392-2405, eq. 14.
    """
    x, y = _samples(x, y)
    own, other = _neighbor_distances(x, y, k)
    return float(x.shape[1] * np.mean(np.log(other / own)) + math.log(len(y) / (len(x) - 1)))


def nearest_neighbor_renyi(x: ArrayLike, y: ArrayLike, a: float, *, k: int = 5) -> float:
    r"""Estimate of the Renyi divergence of order a, by the distances to the k-th nearest neighbours.

    $$\frac1{a-1}\log\frac1n\sum_i \Bigl(\frac{(n-1)\rho_k(i)^d}{m\,\nu_k(i)^d}\Bigr)^{1-a}
      \frac{\Gamma(k)^2}{\Gamma(k-a+1)\Gamma(k+a-1)}$$

    Consistent for $|a - 1| < k$ under the conditions of its source; at a = 1 it is `nearest_neighbor_kl`.

    Parameters
    ----------
    x, y : array (n,) or (n, d)
        Samples of P and of Q.
    a : float
        The order, other than 0 (the support is not seen by neighbours).
    k : int, default: 5
        The neighbour.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        As for `nearest_neighbor_kl`, and unless 0 < a < k + 1 and a > 1 - k.

    References
    ----------
    Poczos, B. and Schneider, J. (2011). On the estimation of alpha-divergences. AISTATS, eq. 5.
    """
    if a == 1:
        return nearest_neighbor_kl(x, y, k=k)
    if not (a > 0 and abs(a - 1) < k):
        msg = f"expected an order a > 0 with |a - 1| < k = {k}, got {a!r}; take a larger k"
        raise ValueError(msg)
    x, y = _samples(x, y)
    own, other = _neighbor_distances(x, y, k)
    log_ratio = math.log((len(x) - 1) / len(y)) + x.shape[1] * np.log(own / other)
    log_correction = 2 * math.lgamma(k) - math.lgamma(k - a + 1) - math.lgamma(k + a - 1)
    powers = (1 - a) * log_ratio
    largest = float(powers.max())
    return (largest + math.log(float(np.mean(np.exp(powers - largest)))) + log_correction) / (a - 1)


def histogram_divergence(d: FDivergence, x: ArrayLike, y: ArrayLike, *, bins: int | ArrayLike = 30) -> float:
    r"""The divergence of the histograms of two samples: a plug-in estimate.

    Coarse bins lose: the divergence of the binned distributions is at most that of P and Q. Small samples gain: with
    B bins the expectation is too large by about $\tfrac12 f''(1)(B-1)(1/n + 1/m)$, and where a bin of y is empty and one of x
    is not, KL is ``inf``.

    Parameters
    ----------
    d : FDivergence
        The divergence.
    x, y : array (n,)
        Samples on the line.
    bins : int or array of edges, default: 30
        Equal bins over both samples, or their edges, which must hold all points.

    Returns
    -------
    float
        ``d`` of the two histograms.

    Raises
    ------
    ValueError
        On samples in more than one dimension, or points outside the edges.
    """
    x, y = _samples(x, y)
    if x.shape[1] != 1:
        msg = f"expected samples on the line, got dimension {x.shape[1]}; use nearest_neighbor_kl or a critic"
        raise ValueError(msg)
    edges = np.histogram_bin_edges(np.concatenate([x, y]), bins=bins)
    p, q = (np.histogram(z, bins=edges)[0].astype(np.float64) for z in (x, y))
    for name, counts, sample in (("x", p, x), ("y", q, y)):
        if counts.sum() != len(sample):
            msg = f"expected edges around all of {name}, got {len(sample) - int(counts.sum())} points outside [{edges[0]}, {edges[-1]}]"
            raise ValueError(msg)
    return float(d(p, q, normalize=True))


def kernel_divergence(
    d: FDivergence, x: ArrayLike, y: ArrayLike, *, bandwidth: float | None = None, **options: Any
) -> float:
    r"""The mean of $q f(p/q)/m$ over points of $M = (P + Q)/2$, with kernel density estimates of p, q and $m = (p+q)/2$.

    The densities are smoothed by the kernel, which makes them more alike: the bias is of the order of the squared
    bandwidth, and the estimate is too small for sharp densities; far from the data the ratio of two tails is noise.
    Half of each sample makes the densities, the other halves are averaged over; points where both densities vanish, by a
    kernel of bounded support, are left out.

    Parameters
    ----------
    d : FDivergence
        The divergence.
    x, y : array (n,) or (n, d)
        Samples of P and of Q.
    bandwidth : float, optional
        That of both estimates; Scott's rule for each by default.
    **options
        Passed to ``sklearn.neighbors.KernelDensity``, such as ``kernel="epanechnikov"``.

    Returns
    -------
    float
        In nats; ``inf`` where the estimate of a density vanishes and f says so.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-learn.
    ValueError
        On samples of different dimension.
    """
    require("sklearn", "estimators", "a kernel density estimate")
    x, y = _samples(x, y)
    places = np.concatenate([x[::2], y[::2]])
    log_p, log_q = (_log_density(z[1::2], places, bandwidth, options) for z in (x, y))
    with quiet():
        log_m = np.logaddexp(log_p, log_q) - math.log(2)
        p, q = (np.exp(z - log_m) for z in (log_p, log_q))
        terms = d.perspective(p, q, Numeric(np))
    weights = np.where(np.arange(len(places)) < len(x[::2]), len(y[::2]), len(x[::2])) * (log_m > -np.inf)
    return float(np.average(np.where(weights > 0, terms, 0.0), weights=weights))


def _log_density(sample: Sample, places: Sample, bandwidth: float | None, options: dict[str, Any]) -> Sample:
    from sklearn.neighbors import KernelDensity

    scott = float(np.mean(sample.std(axis=0)) * len(sample) ** (-1 / (sample.shape[1] + 4)))
    fitted = KernelDensity(bandwidth=bandwidth or scott, **options).fit(sample)
    return np.asarray(fitted.score_samples(places), dtype=np.float64)


def _samples(x: ArrayLike, y: ArrayLike) -> tuple[Sample, Sample]:
    pair = []
    for name, sample in (("x", x), ("y", y)):
        points = np.asarray(sample, dtype=np.float64)
        points = points[:, None] if points.ndim == 1 else points
        if points.ndim != 2 or len(points) < 2 or not np.all(np.isfinite(points)):
            msg = f"expected {name} to be at least two finite points, shape (n,) or (n, d), got shape {points.shape}"
            raise ValueError(msg)
        pair.append(points)
    if pair[0].shape[1] != pair[1].shape[1]:
        msg = f"expected samples in one space, got dimensions {pair[0].shape[1]} and {pair[1].shape[1]}"
        raise ValueError(msg)
    return pair[0], pair[1]


def _neighbor_distances(x: Sample, y: Sample, k: int) -> tuple[Sample, Sample]:
    """Distances of every x to its k-th neighbour among the other x, and among the y."""
    if not (1 <= k < len(x) and k <= len(y)):
        msg = f"expected 1 <= k, k < {len(x)} points of x and k <= {len(y)} points of y, got k = {k!r}"
        raise ValueError(msg)
    from scipy.spatial import KDTree

    own, other = (
        np.asarray(KDTree(among).query(x, k=[rank])[0], dtype=np.float64)[:, 0] for among, rank in ((x, k + 1), (y, k))
    )
    if not (np.all(own > 0) and np.all(other > 0)):
        msg = "expected samples of densities, got repeated points; take a larger k, or compare the counts as probabilities"
        raise ValueError(msg)
    return own, other
