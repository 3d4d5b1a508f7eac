r"""Pairs whose optimal critic is a minimum of funnels, $u(x) = \min_n |x - a_n| + b_n$, in any dimension.

Korotin, Kolesov & Burnaev (2022), Kantorovich strikes back! Wasserstein GANs are not optimal transport?, NeurIPS.
In the cell where funnel n attains the minimum, u grows by 1 per unit of length along the rays from $a_n$, up to the point
where the ray leaves the cell or the cube. Let L be the length of the ray through y and $y = a_n + t L v$, |v| = 1. Then
$x = a_n + t^p L v$ lies on the same ray, nearer to its tip, and

$$u(y) - u(x) = |x - y| = L\,(t - t^p).$$

u is 1-Lipschitz, so this plan and the critic -u prove each other optimal. With y uniform on the cube the cell is filled
evenly: t is independent of the ray and $t^d$ is uniform on [0, 1]. Hence

$$W_1 = \mathbb E[L]\left(\frac d{d+1} - \frac d{d+p}\right) = \mathbb E[L]\,\frac{d\,(p-1)}{(d+1)(d+p)}$$

and only the mean length of a ray is left to be computed by sampling.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from gan.expectations import at_least
from gan.known import KnownProblem
from gan.sources import Sampler

__all__ = ["FunnelPotential", "min_funnels"]

HALF = 2.5
"""Half the side of the cube of Q; centres are uniform on the same cube."""

SPREAD = 0.1
"""Standard deviation of the heights b."""

NETS = 16
"""Independently scrambled nets, whose spread is the standard error of their mean."""

POINTS = 2**13
"""Points of a net, 131072 in all: standard errors of 3e-4 of the distance and less were seen."""

BLOCK = 2**18
"""Numbers that are held at a time: coordinates of points, and their distances to the funnels."""

Rng = int | np.random.Generator | np.random.SeedSequence


@final
@dataclass(frozen=True, eq=False)
class FunnelPotential:
    r"""The function $u(x) = \min_n |x - a_n| + b_n$ on the cube $[-2.5, 2.5]^d$.

    Parameters
    ----------
    centres : Tensor (N, d)
        The points $a_n$, inside the cube.
    heights : Tensor (N,)
        The numbers $b_n$.

    Examples
    --------
    >>> import torch
    >>> from gan.funnels import FunnelPotential
    >>> one = FunnelPotential(torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))
    >>> one(torch.tensor([[0.3, 0.4]], dtype=torch.float64)).tolist()
    [0.5]
    """

    centres: Tensor
    heights: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Values (n,) at points (n, d), in their dtype and on their device."""
        return self._each(x).amin(1)

    def active(self, x: Tensor) -> Tensor:
        """For each point (n, d) the number (n,) of the funnel that attains the minimum."""
        return self._each(x).argmin(1)

    def rays(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        r"""The ray through each point y: tip (n, d), direction (n, d) of length 1, and length (n,).

        On a ray from the tip $a_n$ funnel k takes over after another $s \ge 0$ past y where $|y + sv - a_k| + b_k = u(y) + s$.
        With $w = y - a_k$ and $D = u(y) - b_k$ that is $s = (|w|^2 - D^2) / 2(D - \langle w, v\rangle)$ if
        $D > \langle w, v\rangle$, and never if not, because $|w + sv| - s$ falls from |w| to $\langle w, v\rangle$.

        Parameters
        ----------
        y : Tensor (n, d)
            Double points of the cube, none of them a tip.

        Returns
        -------
        tuple of Tensor
            Tips, directions and lengths.
        """
        values = self._each(y)
        u, n = values.min(1)
        tip = self.centres[n]
        start = (y - tip).norm(dim=1)
        v = (y - tip) / start[:, None]
        to_face = torch.where(v == 0, math.inf, (v.sign() * HALF - y) / v).amin(1)
        rise = u[:, None] - self.heights  # D
        along = (y * v).sum(1, keepdim=True) - v @ self.centres.T  # <w, v>
        # |w|² − D² as a product whose first factor is not negative even when rounded
        crossing = (values - u[:, None]) * (values - self.heights + rise) / (2 * (rise - along))
        other = torch.arange(len(self.centres)) != n[:, None]  # of its own funnel a ray is never at an end
        to_cell = torch.where(other & (rise > along), crossing, math.inf).amin(1)
        return tip, v, start + torch.minimum(to_face, to_cell)

    def _each(self, x: Tensor) -> Tensor:
        """The funnels (n, N), with distances by differences: the expanded square loses the tips in rounding."""
        distance = torch.cdist(x, self.centres.to(x), compute_mode="donot_use_mm_for_euclid_dist")
        return distance + self.heights.to(x)


def min_funnels(dimension: int, funnels: int, *, rng: Rng = 0, power: float = 8.0) -> KnownProblem:
    r"""A pair of Korotin, Kolesov & Burnaev (2022): Q uniform on the cube $[-2.5, 2.5]^d$, P pulled towards the tips.

    Centres are uniform on the cube and heights N(0, 0.01), as in the paper; the numbers are drawn here.

    Parameters
    ----------
    dimension : int
        The number d of coordinates; the paper takes 2, 4, ..., 128.
    funnels : int
        Their number N; the paper takes 4, 16, 64 and 256.
    rng : int, numpy Generator or SeedSequence
        Randomness of centres and heights.
    power : float
        The exponent p > 1 by which points move on their rays; the paper's is 8.

    Returns
    -------
    KnownProblem
        With the critic -u. The distance comes with its standard error, and is computed on first use.

    Examples
    --------
    >>> from gan.funnels import min_funnels
    >>> problem = min_funnels(2, 4)
    >>> problem.distance_error < 1e-3 * problem.distance
    True
    """
    at_least(1, dimension=dimension, funnels=funnels)
    if not 1 < power < math.inf:
        msg = f"expected power above 1, got {power!r}; with 1 nothing moves"
        raise ValueError(msg)
    numbers = np.random.default_rng(rng)
    centres = torch.tensor(numbers.uniform(-HALF, HALF, (funnels, dimension)))
    u = FunnelPotential(centres, torch.tensor(numbers.normal(0.0, SPREAD, funnels)))
    seeds = numbers.integers(2**31, size=NETS)
    block = max(1, BLOCK // (funnels + dimension))

    def pull(y: Tensor) -> Tensor:
        tip, v, length = u.rays(y)
        share: Tensor = (y - tip).norm(dim=1) / length
        return tip + (share.pow(power) * length)[:, None] * v

    def plan(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        y = cube(n, generator)
        return torch.cat([pull(part) for part in torch.split(y, block)]), y

    def cube(n: int, generator: torch.Generator) -> Tensor:
        return HALF * (2 * torch.rand(n, dimension, generator=generator, dtype=torch.float64) - 1)

    def answer() -> tuple[float, float]:
        share = dimension * (power - 1) / ((dimension + 1) * (dimension + power))
        means, ranges = share * np.array([_mean_ray(u, int(seed), block) for seed in seeds]).T
        # cells that differ by one point of a net need not show in the spread of a few nets: at most 1/2 a point each
        unseen = float(ranges.max()) / (2 * POINTS)
        return float(means.mean()), math.hypot(float(means.std(ddof=1)), unseen) / math.sqrt(NETS)

    name = f"{funnels} funnels, d = {dimension}"
    P = Sampler(lambda n, generator: plan(n, generator)[0], dimension, f"P of {name}")
    return KnownProblem(name, P, Sampler(cube, dimension, f"Q of {name}"), lambda x: -u(x), plan, answer)


def _mean_ray(u: FunnelPotential, seed: int, block: int) -> tuple[float, float]:
    """Mean and range of the lengths of the rays through the points of one scrambled net on the cube."""
    net = SobolEngine(u.centres.shape[1], scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    points = HALF * (2 * net.draw(POINTS, dtype=torch.float64) - 1)
    lengths = torch.cat([u.rays(part)[2] for part in torch.split(points, block)])
    return float(lengths.mean()), float(lengths.max() - lengths.min())
