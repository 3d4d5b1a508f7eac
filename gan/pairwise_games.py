r"""Objectives over pairs of a real and a generated point, each pair with the product of both probabilities.

`LossSensitive` compares losses by a margin that grows with the distance of the points, `Relativistic` and
`RelativisticPairs` ask whether real points are more real than generated ones. None is separable: the generator's loss
of a relativistic one needs real points too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.nn import functional as F

import divergences as dv
from gan.adversarial import require_non_negative
from gan.certificates import EPS, support
from gan.expectations import Discrete, Expectation, Floats, at_least
from gan.objectives import Contest, Payoff

Indices = npt.NDArray[np.intp]

__all__ = [
    "LossSensitive",
    "MarginPayoff",
    "Relativistic",
    "RelativisticPairs",
    "over_pairs",
    "relativistic",
    "relativistic_pairs",
]


def over_pairs(E_p: Expectation, E_q: Expectation, h: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    r"""Expectation $\sum_{ij} p_i q_j h(s_i, t_j)$ of a function of two independent outputs.

    Parameters
    ----------
    E_p, E_q : Expectation
        Outputs s (..., n) under P and t (..., m) under Q.
    h : callable
        Takes outputs (..., n, 1) and (..., 1, m) to (..., n, m).

    Returns
    -------
    Tensor (...)
        The mean; pairs without mass do not count, whatever h makes of them.
    """
    weights = E_p.weights[..., :, None] * E_q.weights[..., None, :]
    return torch.where(weights > 0, weights * h(E_p.values[..., :, None], E_q.values[..., None, :]), 0.0).sum((-2, -1))


@final
@dataclass(frozen=True)
class RelativisticPairs(Payoff):
    r"""Real is more real than generated, pair by pair: $\mathbb E_{x \sim P, y \sim Q}[\log s(T(x) - T(y))]$.

    The generator minimises $-\mathbb E[\log s(T(y) - T(x))]$. Jolicoeur-Martineau (2019), the relativistic standard GAN;
    here over all pairs of a batch, of which pairing by position takes a few. Constants added to T change nothing. Where
    P = Q no critic is above $-\ln 2$, the value at a constant critic; the supremum in general, the likelihood of a
    Bradley-Terry model, has no closed form.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> E_p, E_q = (gan.Expectation(torch.full((2,), 7.0), torch.full((2,), 0.5)) for _ in range(2))
    >>> print(f"{gan.relativistic_pairs.value(E_p, E_q).item():.4f}")  # of a constant critic, -ln 2
    -0.6931
    """

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Mean log-probability that the real point of a pair is the more real one."""
        return over_pairs(E_p, E_q, lambda s, t: F.logsigmoid(s - t))

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Minus the mean log-probability that the generated point is."""
        return -over_pairs(E_p, E_q, lambda s, t: F.logsigmoid(t - s))

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.relativistic_pairs"


relativistic_pairs = RelativisticPairs()


@final
@dataclass(frozen=True)
class Relativistic(Payoff):
    r"""Real is more real than generated points are on average, and they less than real ones.

    $\mathbb E_P[\log s(T - \mathbb E_Q T)] + \mathbb E_Q[\log s(\mathbb E_P T - T)]$; the generator minimises minus the
    same with P and Q exchanged. Jolicoeur-Martineau (2019), the relativistic average GAN. Constants added to T change
    nothing; a constant critic has the value $-2 \ln 2$. The supremum has no closed form.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> E_p, E_q = (gan.Expectation(torch.full((2,), 7.0), torch.full((2,), 0.5)) for _ in range(2))
    >>> print(f"{gan.relativistic.value(E_p, E_q).item():.4f}")  # of a constant critic, -2 ln 2
    -1.3863
    """

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Both mean log-probabilities."""
        mean_p, mean_q = _mean(E_p)[..., None], _mean(E_q)[..., None]
        return E_p(lambda t: F.logsigmoid(t - mean_q)) + E_q(lambda t: F.logsigmoid(mean_p - t))

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Minus both with real and generated points exchanged."""
        return -self.value(E_q, E_p)

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.relativistic"


relativistic = Relativistic()


@final
@dataclass(frozen=True, eq=False)
class MarginPayoff(Payoff):
    r"""Minus $\mathbb E_P[z] + \lambda\,\mathbb E_{x \sim P, y \sim Q}[\max(0, \Delta(x, y) + z(x) - z(y))]$.

    Parameters
    ----------
    weight : float
        The factor lambda.
    margins : Tensor (n, m)
        By how much the loss of each generated point should be above that of each real one.
    """

    weight: float
    margins: Tensor
    generator_reads_real = False

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Minus the mean loss of real points and what margins fall short."""
        for E in (E_p, E_q):
            require_non_negative("losses", E.values)
        short = over_pairs(E_p, E_q, lambda s, t: F.relu(self.margins + s - t))
        return -(E_p(lambda z: z) + self.weight * short)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Mean loss of generated points."""
        return E_q(lambda z: z)


@final
@dataclass(frozen=True)
class LossSensitive(Contest):
    r"""Losses $z \ge 0$, those of generated points above those of real ones by a margin that grows with their distance.

    The critic maximises $-\mathbb E_P[z] - \lambda\,\mathbb E_{x \sim P, y \sim Q}[\max(0, \Delta(x, y) + z(x) - z(y))]$
    with $\Delta(x, y) = \mu |x - y|_r$, the generator minimises $\mathbb E_Q[z]$. Qi (2020), loss-sensitive GAN. A point
    that is close to the data may have a loss that is close to that of the data. On finite spaces the supremum over losses
    is a linear program: without a sign there is none, for all losses could fall by any constant. It is no divergence.

    Parameters
    ----------
    weight : float
        The factor lambda, positive.
    scale : float
        The margin mu of points at distance 1.
    order : float
        The distance is the norm of this order r, at least 1; ``inf`` is the largest difference of coordinates.

    Raises
    ------
    ValueError
        If a setting is out of its range; on evaluation, if an output is negative.

    Examples
    --------
    The loss of the generated atom at 3 rises to the margin without cost; nothing is left to gain.

    >>> from gan import Discrete
    >>> from gan.pairwise_games import LossSensitive
    >>> bounds = LossSensitive().exact(Discrete([0.0]), Discrete([3.0]))
    >>> bounds.lower <= 0.0 <= bounds.upper
    True
    """

    weight: float = 1.0
    scale: float = 1.0
    order: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a comparison that does not count, and what is no norm."""
        for name, setting in (("weight", self.weight), ("scale", self.scale)):
            if not 0 < setting < math.inf:
                msg = f"expected {name} to be positive and finite, got {setting!r}; 1 is a good start"
                raise ValueError(msg)
        at_least(1, order=self.order)

    def on(self, x: Tensor, y: Tensor) -> MarginPayoff:
        """The payoff with the margins between these points.

        Parameters
        ----------
        x, y : Tensor (n, d), (m, d)
            Points of P and of Q.

        Returns
        -------
        MarginPayoff
            For outputs on these points.
        """
        exactly = "donot_use_mm_for_euclid_dist"  # squares of norms less products lose the digits of close points
        return MarginPayoff(self.weight, self.scale * torch.cdist(x, y, p=self.order, compute_mode=exactly))

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """Proven bounds of the supremum over losses on the joint support, by a linear program of one row per pair of atoms.

        From below by the losses that the program finds, from above by its multipliers, made feasible.

        Parameters
        ----------
        P, Q : Discrete
            Two finite measures, of hundreds of atoms at most.

        Returns
        -------
        divergences.Bounds
            Of a number that is not above 0.
        """
        return _program(self, P, Q)[0]

    def optimal_losses(self, P: Discrete, Q: Discrete) -> Floats:
        """Losses at which the supremum is attained, up to the tolerance of the linear program.

        Parameters
        ----------
        P, Q : Discrete
            Two finite measures.

        Returns
        -------
        array (k,)
            One per point of ``joint_support(P, Q)``.
        """
        return _program(self, P, Q)[1].copy()


def _mean(E: Expectation) -> Tensor:
    return E(lambda t: t)


@lru_cache(maxsize=16)
def _program(game: LossSensitive, P: Discrete, Q: Discrete) -> tuple[dv.Bounds, Floats]:
    r"""Bounds of the supremum, and losses that attain it.

    Least $\sum_i p_i z_i + \lambda \sum_{ij} p_i q_j s_{ij}$ with $s_{ij} \ge \Delta_{ij} + z_i - z_j$, all at least 0. Where
    only Q has mass the loss may be as large as it likes at no cost: only atoms i of P, and j of both, are in the program.
    """
    joint = support(P, Q)
    p, q = joint.p / math.fsum(joint.p), joint.q / math.fsum(joint.q)
    real = np.flatnonzero(p > 0)
    common = np.flatnonzero(q[real] > 0)  # positions among the atoms of P
    norm = {"metric": "chebyshev"} if game.order == math.inf else {"metric": "minkowski", "p": game.order}
    margins = game.scale * cdist(joint.points, joint.points[real], **norm)
    z, y = _solved(p[real], game.weight * np.outer(p[real], q[real][common]), margins[real][:, common], common)
    units = (
        len(real) + len(common) + P.dimension + 32
    ) * EPS  # of rounding, in a sum of non-negative terms of this many
    caps = game.weight * np.outer(p[real], q[real][common])
    most = _primal(p[real], caps, margins[real][:, common], z, common, units)
    least = _dual(p[real], caps, margins[real][:, common], y, common, units)
    losses = np.max(margins + z, axis=1)  # high enough to be short of no margin
    losses[real] = z
    return dv.Bounds(-most[1], 0.0 - max(most[0], least), 0.0 - least), losses


def _solved(p: Floats, caps: Floats, margins: Floats, common: Indices) -> tuple[Floats, Floats]:
    """Losses of the atoms of P, non-negative, and the multiplier of each margin."""
    n, m = caps.shape
    if not m:
        return np.zeros(n), np.zeros((n, 0))
    row, i, j = np.arange(n * m), np.repeat(np.arange(n), m), np.tile(common, n)
    entries = np.concatenate([np.ones(n * m), -np.ones(n * m), -np.ones(n * m)])
    places = (np.tile(row, 3), np.concatenate([i, j, n + row]))
    left = coo_array((entries, places), shape=(n * m, n + n * m)).tocsr()
    costs = np.concatenate([p, caps.ravel()])
    solution = linprog(costs, A_ub=left, b_ub=-margins.ravel(), method="highs")  # type: ignore[call-overload]  # sparse
    if solution.status != 0:
        msg = f"expected the linear program of LossSensitive to be solved, got {solution.message!r}; use fewer atoms"
        raise RuntimeError(msg)
    return np.maximum(solution.x[:n], 0.0), -np.asarray(solution.ineqlin.marginals).reshape(n, m)


def _primal(p: Floats, caps: Floats, margins: Floats, z: Floats, common: Indices, units: float) -> tuple[float, float]:
    """What the losses cost, and a number that it is certainly not above."""
    cost = float(p @ z + np.sum(caps * np.maximum(margins + z[:, None] - z[common], 0.0)))
    size = float(p @ z + np.sum(caps * (margins + z[:, None] + z[common])))
    return cost, math.nextafter(cost + units * size, math.inf)


def _dual(p: Floats, caps: Floats, margins: Floats, y: Floats, common: Indices, units: float) -> float:
    r"""A number that no losses cost less than: $\sum_{ij} \Delta_{ij} y_{ij}$ for multipliers made feasible.

    Feasible are $0 \le y_{ij} \le \lambda p_i q_j$ with $\sum_i y_{ik} \le p_k + \sum_j y_{kj}$: a loss that is raised
    saves no more than it costs. Whatever is feasible remains so when it is scaled down.
    """
    y = np.clip(y, 0.0, caps * (1 - units))
    for _ in p:  # one atom's share of multipliers at a time, for all at once would suffer from the lightest atom
        into, out = y.sum(axis=0), y.sum(axis=1)[common]
        paid = p[common] + out
        if not np.any(into > paid):
            break
        y = y * np.divide(paid, into, out=np.ones_like(into), where=into > paid)
    arrived = np.zeros_like(p)
    arrived[common] = y.sum(axis=0)
    excess = arrived * (1 + units) - y.sum(axis=1) * (1 - units)
    least = p * (1 - units)
    above = excess > least
    share = float(np.min(least[above] / excess[above], initial=1.0))
    return max(float(np.sum(margins * y)) * share * (1 - units), 0.0)
