r"""Pairs of continuous distributions whose f-divergences are known, with their log-ratio.

A statistic t with $\log dP/dQ$ a function of t alone is sufficient, and keeps every f-divergence:
$D_f(P\|Q) = D_f(t_*P\|t_*Q)$. With t on the line, closed forms and quadrature with proven bounds give all of them, in
any number of dimensions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

import divergences as dv
from divergences.families import Distribution, Gamma, Mixture, Normal, as_distribution
from gan.expectations import at_least
from gan.sources import Sampler

__all__ = ["KnownDivergence", "exponentials", "normals", "two_humps"]


@final
@dataclass(frozen=True, eq=False)
class KnownDivergence:
    r"""Two distributions whose f-divergences are known.

    Parameters
    ----------
    name : str
        What the distributions are.
    P, Q : Sampler
        Independent draws from either.
    log_ratio : callable
        $\log dP/dQ$, (n, d) -> (n,): the optimal critic of every f-divergence, up to its own f'.
    laws : tuple of two distributions
        P and Q as seen through a sufficient statistic on the line.

    Examples
    --------
    >>> import divergences as dv
    >>> from gan.known_ratios import normals
    >>> problem = normals(16, shift=1.0)
    >>> round(problem.exact(dv.kl).value, 12), round(problem.exact(dv.js).value, 12)
    (0.5, 0.111421482185)
    """

    name: str
    P: Sampler
    Q: Sampler
    log_ratio: Callable[[Tensor], Tensor] = field(repr=False)
    laws: tuple[Distribution, Distribution]

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""
        return self.P.dimension

    def exact(self, f: dv.FDivergence) -> dv.Bounds:
        r"""The divergence $D_f(P\|Q)$.

        Parameters
        ----------
        f : divergences.FDivergence
            The divergence.

        Returns
        -------
        Bounds
            Those of ``f.bounds``: around a closed form, or by quadrature.
        """
        return f.bounds(*self.laws)


def normals(dimension: int, *, shift: float = 1.0, scale: float = 1.0) -> KnownDivergence:
    r"""N(m, I) against $N(0, \sigma^2 I)$ in d dimensions, m along the first axis.

    $\log\frac{dP}{dQ}(x) = d\log\sigma + \frac{|x|^2}{2\sigma^2} - \frac{|x - m|^2}2$ depends on $x_1$ alone where
    $\sigma = 1$, and else on $|x - x_0|^2$, $x_0 = \frac{\sigma^2}{\sigma^2-1} m$, which has a non-central $\chi^2$
    distribution under either: with centrality $(|m|/(\sigma^2-1))^2$ under P, and of scale $\sigma^2$ and centrality
    $(\sigma|m|/(\sigma^2-1))^2$ under Q.

    Parameters
    ----------
    dimension : int
        The number d of coordinates.
    shift : float
        The first coordinate of m.
    scale : float
        The standard deviation $\sigma$ of Q.

    Returns
    -------
    KnownDivergence
        With Q around the origin.
    """
    at_least(1, dimension=dimension)
    if not (math.isfinite(shift) and 0 < scale < math.inf):
        msg = f"expected a finite shift and a positive scale, got {shift!r} and {scale!r}"
        raise ValueError(msg)

    def draw_p(n: int, generator: torch.Generator) -> Tensor:
        x = torch.randn(n, dimension, generator=generator, dtype=torch.float64)
        x[:, 0] += shift
        return x

    def draw_q(n: int, generator: torch.Generator) -> Tensor:
        return scale * torch.randn(n, dimension, generator=generator, dtype=torch.float64)

    def log_ratio(x: Tensor) -> Tensor:
        # |x|² / 2σ² − |x − m|² / 2, multiplied out, so that no part is larger than the sum where σ is near 1
        bend = (1 - scale**2) / (2 * scale**2)
        return dimension * math.log(scale) + bend * x.square().sum(1) + shift * (x[:, 0] - shift / 2)

    name = f"N({shift:g}, I) against N(0, {scale:g}² I), d = {dimension}"
    P, Q = Sampler(draw_p, dimension, f"P of {name}"), Sampler(draw_q, dimension, f"Q of {name}")
    return KnownDivergence(name, P, Q, log_ratio, _laws_of_normals(dimension, shift, scale))


def exponentials(dimension: int, *, rate: float = 2.0) -> KnownDivergence:
    r"""d independent exponential variables of rate 1 against d of rate r: all mass in a corner, and a jump of the density.

    $\log\frac{dP}{dQ}(x) = (r - 1)\sum_i x_i - d\log r$ on the orthant, and the sum has a gamma distribution of shape d.

    Parameters
    ----------
    dimension : int
        The number d of coordinates.
    rate : float
        The rate r of Q.

    Returns
    -------
    KnownDivergence
        With P of rate 1.
    """
    at_least(1, dimension=dimension)
    if not 0 < rate < math.inf:
        msg = f"expected a positive rate, got {rate!r}"
        raise ValueError(msg)

    def draw(r: float) -> Callable[[int, torch.Generator], Tensor]:
        def drawn(n: int, generator: torch.Generator) -> Tensor:
            return torch.empty(n, dimension, dtype=torch.float64).exponential_(generator=generator) / r

        return drawn

    def log_ratio(x: Tensor) -> Tensor:
        return (rate - 1) * x.sum(1) - dimension * math.log(rate)

    name = f"exponentials of rates 1 and {rate:g}, d = {dimension}"
    P, Q = Sampler(draw(1.0), dimension, f"P of {name}"), Sampler(draw(rate), dimension, f"Q of {name}")
    return KnownDivergence(name, P, Q, log_ratio, (Gamma(dimension, 1.0), Gamma(dimension, rate)))


def two_humps(*, loc: float = 1.0, scale: float = 1.8) -> KnownDivergence:
    r"""The mixture $\frac13 N(-1, \frac14^2) + \frac23 N(2, 1.4^2)$ on the line against one normal.

    A log-ratio with three turns, between a narrow hump and a wide one, of the kind on which Nowozin, Cseke & Tomioka
    (2016) compare divergences.

    Parameters
    ----------
    loc, scale : float
        Mean and standard deviation of the normal Q.

    Returns
    -------
    KnownDivergence
        With P the mixture.
    """
    if not (math.isfinite(loc) and 0 < scale < math.inf):
        msg = f"expected a finite loc and a positive scale, got {loc!r} and {scale!r}"
        raise ValueError(msg)
    weights, locs, scales = ((1 / 3, 2 / 3), (-1.0, 2.0), (0.25, 1.4))

    def draw_p(n: int, generator: torch.Generator) -> Tensor:
        second = torch.rand(n, 1, generator=generator, dtype=torch.float64) >= weights[0]
        z = torch.randn(n, 1, generator=generator, dtype=torch.float64)
        return torch.where(second, locs[1] + scales[1] * z, locs[0] + scales[0] * z)

    def draw_q(n: int, generator: torch.Generator) -> Tensor:
        return loc + scale * torch.randn(n, 1, generator=generator, dtype=torch.float64)

    def log_ratio(x: Tensor) -> Tensor:
        parts = [math.log(w / s) - ((x[:, 0] - m) / s) ** 2 / 2 for w, m, s in zip(weights, locs, scales, strict=True)]
        return torch.logaddexp(*parts) + math.log(scale) + ((x[:, 0] - loc) / scale) ** 2 / 2

    name = f"two humps against N({loc:g}, {scale:g}²)"
    laws = (Mixture([Normal(m, s) for m, s in zip(locs, scales, strict=True)], weights), Normal(loc, scale))
    return KnownDivergence(
        name, Sampler(draw_p, 1, f"P of {name}"), Sampler(draw_q, 1, f"Q of {name}"), log_ratio, laws
    )


def _laws_of_normals(d: int, shift: float, scale: float) -> tuple[Distribution, Distribution]:
    """The distributions of the sufficient statistic of `normals` under P and Q."""
    if scale == 1:
        return Normal(shift, 1.0), Normal(0.0, 1.0)
    if shift == 0:
        return Gamma(d / 2, 0.5), Gamma(d / 2, 0.5 / scale**2)
    from scipy.stats import ncx2

    away = shift / (scale**2 - 1)
    return as_distribution(ncx2(d, away**2)), as_distribution(ncx2(d, (scale * away) ** 2, scale=scale**2))
