r"""Objectives: what a critic maximises, declared once over two expectation operators.

`value(E_p, E_q)` is the same line for a proof (exact weights) and for training (means over a batch); `exact` is the
supremum over all admissible critics, computed by :mod:`divergences` on another road.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from torch import Tensor

import divergences as dv
from gan.expectations import Discrete, Expectation, joint_support

__all__ = ["Objective", "Variational", "Wasserstein", "variational", "wasserstein"]

ACCURACY = 4e-15
"""Relative error within which every divergence is computed, which its tests assert; the bounds allow for it."""

FLOOR = 8 * float(np.finfo(np.float64).eps) ** 2
"""Difference of two measures below which their masses are not told apart; smooth divergences are of its square."""


class Objective(ABC):
    """What a critic maximises."""

    @abstractmethod
    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """The objective, from the expectations of functions of the critic under P and under Q."""

    @abstractmethod
    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """Proven bounds of the supremum over all admissible critics, with P and Q finite measures."""


@final
@dataclass(frozen=True)
class Wasserstein(Objective):
    r"""Kantorovich-Rubinstein: $W_1(P, Q) = \sup_{|T|_{Lip} \le 1} \mathbb E_P[T] - \mathbb E_Q[T]$.

    Villani (2009), theorem 5.10 and remark 6.5. Needs a Lipschitz constraint: without one there is no supremum.
    """

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Difference of the mean critic values."""
        return E_p(lambda t: t) - E_q(lambda t: t)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """W1 by the linear program, with its certificate."""
        return _transport_bounds(P, Q)

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.wasserstein"


@final
@dataclass(frozen=True)
class Variational(Objective):
    r"""Fenchel duality, $D_f(P\|Q) = \sup_T \mathbb E_P[T] - \mathbb E_Q[f^*(T)]$, over log-ratios $T = f'(e^v)$.

    The network's output v is any real number and is read as a log-ratio, right where $v = \log dP/dQ$; T is then in the
    domain of $f^*$ whatever the network says, and one network serves every f. With $f^\circ(u) = u f(1/u)$ of the
    reverse divergence, $f^*(f'(u)) = u f'(u) - f(u) = -f^{\circ\prime}(1/u)$, so that the bound is

    $$\mathbb E_P[f'(e^v)] + \mathbb E_Q[f^{\circ\prime}(e^{-v})],$$

    a critic for either side, without a conjugate that overflows near the end of its domain.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.
    """

    f: dv.FDivergence

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """The variational bound."""
        return E_p(self.f.optimal_critic) + E_q(lambda v: self.f.reverse.optimal_critic(-v))

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """The divergence itself on the joint support, within the error that its tests assert.

        Where weights of coinciding atoms had to be rounded, each by half a unit, the bounds are wider by what that moves
        the divergence: its derivatives in p and q are the two critics (of the normal form, which moves least).
        """
        joint = joint_support(P, Q)
        p, q = joint.p / joint.p.sum(), joint.q / joint.q.sum()
        value = float(self.f(joint.p, joint.q, normalize=True))
        if not math.isfinite(value):
            alone = np.any((p > 0) & (q == 0)), np.any((q > 0) & (p == 0))
            infinite = any(a and math.isinf(cost) for a, cost in zip(alone, (self.f.slope, self.f.f0), strict=True))
            return dv.Bounds(value if infinite else float(np.finfo(np.float64).max), value, value)
        # a difference wrong by the floor changes TV by it, and what is of second order by twice its root times that
        slack = ACCURACY * value + (FLOOR if self.f.kinks else 8 * math.sqrt(value) * FLOOR + FLOOR**2)
        if set(self.f.kinks) - {1}:  # beyond a kink elsewhere only the differences are right
            slack += ACCURACY * max(self.f.kinks) * float(dv.tv(joint.p, joint.q, normalize=True))
        if joint.rounded:
            with np.errstate(divide="ignore", invalid="ignore"):
                v = np.where(p == q, 0.0, np.log(p) - np.log(q))
            gain, loss = (
                np.asarray(c(s * v)) for c, s in ((self.f.optimal_critic, 1), (self.f.reverse.optimal_critic, -1))
            )
            i, j = p > 0, q > 0
            moved = np.abs(p[i] * (gain[i] - self.f.tangent)).sum() + np.abs(q[j] * (loss[j] + self.f.tangent)).sum()
            slack += 4 * float(np.finfo(np.float64).eps) * float(moved)
        return dv.Bounds(max(value - slack, 0.0), value, value + slack)

    @property
    def trained_as(self) -> "Variational":
        """The objective whose gradient trains the log-ratio: itself, or JS where f has a kink and the critic is a sign."""
        return variational(dv.js) if self.f.kinks else self

    def __repr__(self) -> str:
        """As it is called."""
        return f"gan.variational({self.f!r})"


def variational(f: dv.FDivergence) -> Variational:
    r"""Variational bound of an f-divergence as an objective.

    Parameters
    ----------
    f : divergences.FDivergence
        Any f-divergence, for example ``divergences.js``.

    Returns
    -------
    Variational
        The objective.

    Raises
    ------
    TypeError
        If f is not an f-divergence.
    """
    given: object = f
    if not isinstance(given, dv.FDivergence):
        msg = f"expected an f-divergence, as divergences.kl, got {f!r}; divergences.FDIVERGENCES lists them"
        raise TypeError(msg)
    return Variational(f)


wasserstein = Wasserstein()


@lru_cache(maxsize=16)
def _transport_bounds(P: Discrete, Q: Discrete) -> dv.Bounds:
    """One linear program per pair, however many critics are held against it."""
    bounds: dv.Bounds = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).bounds
    return bounds
