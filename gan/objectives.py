r"""Objectives: what a critic maximises, declared once over two expectation operators.

`value(E_p, E_q)` is the same line for a proof (exact weights) and for training (means over a batch); `exact` is the
supremum over all admissible critics, computed by :mod:`divergences` on another road.

For f-divergences the supremum is Fenchel's: $D_f(P\|Q) = \sup_T \mathbb E_P[T] - \mathbb E_Q[f^*(T)]$, attained at
$T = f'(dP/dQ)$. Objectives differ in what the output z of the network stands for: a log-ratio (`variational`,
`donsker_varadhan`), the critic T itself (`nwj`), or T before an activation (`fgan`). Each `lower` is what z proves.

Where Q is made by a generator, it minimises `generator_loss`: the value itself unless an objective says otherwise, so
that one backward pass through the value has the gradients of both players.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import divergences as dv
from gan.certificates import completed, conjugate_bound, divergence_bounds, fenchel_bound, support
from gan.expectations import Discrete, Expectation

__all__ = [
    "FGAN",
    "Contest",
    "DonskerVaradhan",
    "FenchelObjective",
    "MeanDifference",
    "NguyenWainwrightJordan",
    "Objective",
    "Payoff",
    "Separable",
    "Variational",
    "Wasserstein",
    "donsker_varadhan",
    "fgan",
    "nwj",
    "variational",
    "wasserstein",
]


class Contest(ABC):
    """What a critic and a generator compete for; the points at hand settle the payoff.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x, y = torch.zeros(1, 1), torch.tensor([[3.0]])
    >>> gan.minimax.on(x, y) is gan.minimax
    True
    >>> gan.LossSensitive().on(x, y).margins.item()
    3.0
    """

    @abstractmethod
    def on(self, x: Tensor, y: Tensor) -> "Payoff":
        """The payoff for outputs of a critic on these points.

        Parameters
        ----------
        x, y : Tensor (n, d), (m, d)
            Points of P and of Q.

        Returns
        -------
        Payoff
            What the critic maximises and the generator minimises.
        """


class Payoff(Contest):
    """What a critic maximises and a generator minimises, from the outputs of the critic alone.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> class Squares(gan.Payoff):
    ...     def value(self, E_p, E_q):
    ...         return E_p(lambda z: z) - E_q(lambda z: z.square())
    >>> half = torch.full((2,), 0.5)
    >>> E_p, E_q = gan.Expectation(torch.tensor([1.0, 3.0]), half), gan.Expectation(torch.tensor([0.0, 2.0]), half)
    >>> Squares().value(E_p, E_q).item()
    0.0
    """

    generator_reads_real: ClassVar[bool] = True
    """Whether `generator_loss` looks at `E_p`; where not, any expectation may stand there."""

    @abstractmethod
    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """The objective, from the expectations of functions of the critic under P and under Q."""

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """What a generator of Q minimises: the value, or as much of it as depends on Q, unless the objective says else."""
        return self.value(E_p, E_q)

    def on(self, x: Tensor, y: Tensor) -> Self:
        """Itself, whatever the points are."""
        return self


class Objective(Payoff):
    """What a critic maximises, its supremum known exactly.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> for objective in (gan.wasserstein, gan.hinge):
    ...     print(objective, round(objective.exact(P, Q).value, 12))
    gan.wasserstein 0.25
    gan.hinge -1.5
    """

    @abstractmethod
    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """Proven bounds of the supremum over all admissible critics, with P and Q finite measures."""

    def optimal_critic(self, v: Tensor) -> Tensor:
        r"""Output z of the network at which the objective has its supremum, from the log-ratio $v = \log dP/dQ$.

        Parameters
        ----------
        v : Tensor
            Log-ratios; infinite ones are those of atoms that one measure has alone.

        Returns
        -------
        Tensor
            An optimal output for each.

        Raises
        ------
        TypeError
            If the optimum is not a function of the ratio alone, or has no closed form.
        """
        msg = (
            f"expected an objective whose optimal critic is a known function of the ratio dP/dQ, got {self!r}; "
            "divergences.kantorovich has the optimal potential of Wasserstein distance, and f.optimal_critic the critic T"
        )
        raise TypeError(msg)


class Separable(Objective):
    r"""An objective $\mathbb E_P[g(z)] - \mathbb E_Q[\ell(z)]$: what an output gains under P, less what it costs under Q.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> z = torch.tensor([-2.0, 0.0, 0.5])
    >>> gan.hinge.gain(z).tolist(), gan.hinge.loss(z).tolist()
    ([-3.0, -1.0, -0.5], [0.0, 1.0, 1.5])
    """

    generator_reads_real = False

    @abstractmethod
    def gain(self, z: Tensor) -> Tensor:
        """What the output is worth under P."""

    @abstractmethod
    def loss(self, z: Tensor) -> Tensor:
        """What the output costs under Q."""

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Mean gain less mean loss."""
        return E_p(self.gain) - E_q(self.loss)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """The part of the value that depends on Q, minus the mean loss."""
        return -E_q(self.loss)


@final
@dataclass(frozen=True)
class Wasserstein(Separable):
    r"""Kantorovich-Rubinstein: $W_1(P, Q) = \sup_{|T|_{Lip} \le 1} \mathbb E_P[T] - \mathbb E_Q[T]$.

    Villani (2009), theorem 5.10 and remark 6.5. Needs a Lipschitz constraint: without one there is no supremum.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> round(gan.wasserstein.exact(P, Q).value, 12)
    2.0
    """

    def gain(self, z: Tensor) -> Tensor:
        """The critic itself."""
        return z

    def loss(self, z: Tensor) -> Tensor:
        """The critic itself."""
        return z

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """W1 by the linear program, with its certificate."""
        return _transport_bounds(P, Q)

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.wasserstein"


class FenchelObjective(Objective):
    r"""A lower bound of an f-divergence that some critic attains: $\sup_z$ of the objective is $D_f(P\|Q)$.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> objective = gan.variational(dv.kl)
    >>> objective.lower(P, Q, [0.7, -0.4]) < objective.exact(P, Q).value
    True
    """

    f: dv.FDivergence
    """The divergence."""

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """The divergence itself on the joint support, within the error that its tests assert."""
        return divergence_bounds(self.f, P, Q)

    @abstractmethod
    def lower(self, P: Discrete, Q: Discrete, z: npt.ArrayLike) -> float:
        """Proven lower bound of the divergence of finite measures, from outputs of a network.

        Parameters
        ----------
        P, Q : Discrete
            Two finite measures.
        z : array_like (k,)
            Outputs on the points of ``joint_support(P, Q)``. Where only one measure has mass they are not looked at:
            the best value there is known, the end of the critic's range.

        Returns
        -------
        float
            A number that is not above the divergence, at least 0; ``inf`` where supports make the divergence infinite.

        Raises
        ------
        ValueError
            If there is not one output per point, or one on a common atom is not finite.
        """

    @abstractmethod
    def fixed(self, E_q: Expectation) -> "MeanDifference":
        """The objective as a difference of two means, such as held-out samples give confidence bounds for.

        Itself where it is one. Otherwise a lower bound of it that agrees with it at the critic at hand, under the measure
        of `E_q`; that must be of points which the means are not taken over.
        """

    @property
    def trains(self) -> "FenchelObjective":
        """The objective that Adam maximises first: one with the same optimal network, and gradients that are mild."""
        return self

    @property
    def polished(self) -> tuple["FenchelObjective", ...]:
        """The smooth objectives that L-BFGS maximises afterwards, in this order."""
        return (self,)


class MeanDifference(Separable, FenchelObjective):
    r"""A separable bound $\mathbb E_P[T] - \mathbb E_Q[f^*(T)]$, whose sample mean is unbiased for a critic held fixed.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> gains, losses = gan.nwj.pieces(torch.tensor([2.0, 3.0]), torch.tensor([1.0]))  # T at x, exp(T - 1) at y
    >>> gains.tolist(), losses.tolist()
    ([2.0, 3.0], [1.0])
    """

    def pieces(self, z_p: Tensor, z_q: Tensor) -> tuple[Tensor, Tensor]:
        """Gains at points of P and losses at points of Q, one for each output, of which the objective takes means."""
        return self.gain(z_p), self.loss(z_q)

    def fixed(self, E_q: Expectation) -> "MeanDifference":
        """Itself."""
        return self


@final
@dataclass(frozen=True)
class Variational(MeanDifference):
    r"""Fenchel duality, $D_f(P\|Q) = \sup_T \mathbb E_P[T] - \mathbb E_Q[f^*(T)]$, over log-ratios $T = f'(e^v)$.

    The network's output v is any real number and is read as a log-ratio, right where $v = \log dP/dQ$; T is then in the
    domain of $f^*$ whatever the network says, and one network serves every f. With $f^\circ(u) = u f(1/u)$ of the
    reverse divergence, $f^*(f'(u)) = u f'(u) - f(u) = -f^{\circ\prime}(1/u)$, so that the bound is

    $$\mathbb E_P[f'(e^v)] + \mathbb E_Q[f^{\circ\prime}(e^{-v})],$$

    a critic for either side, without a conjugate that overflows near the end of its domain. At a kink of f the critic is
    a step: TV is proven by the sign of v alone.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.

    Examples
    --------
    >>> import math
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> bound = gan.Variational(dv.kl).lower(P, Q, [math.log(2), math.log(2 / 3)])  # the log-ratio
    >>> print(f"{bound:.6f} of {dv.kl(P.weights, Q.weights):.6f}")
    0.143841 of 0.143841
    """

    f: dv.FDivergence

    def gain(self, z: Tensor) -> Tensor:
        """The optimal critic at log-ratio z."""
        gain: Tensor = self.f.optimal_critic(z)
        return gain

    def loss(self, z: Tensor) -> Tensor:
        """Minus the optimal critic of the reverse divergence at -z."""
        gain: Tensor = self.f.reverse.optimal_critic(-z)
        return -gain

    def optimal_critic(self, v: Tensor) -> Tensor:
        """The log-ratio itself."""
        return v

    def lower(self, P: Discrete, Q: Discrete, z: npt.ArrayLike) -> float:
        """The Fenchel bound at log-ratio z."""
        return fenchel_bound(self.f, P, Q, completed(P, Q, z))

    @property
    def trained_as(self) -> "Variational":
        """The objective whose gradient trains the log-ratio: itself, or JS where f has a kink and the critic is a sign."""
        return variational(dv.js) if self.f.kinks else self

    @property
    def trains(self) -> FenchelObjective:
        """The logistic loss, JS: every f has its optimum at the same log-ratio."""
        return variational(dv.js)

    @property
    def polished(self) -> tuple[FenchelObjective, ...]:
        """Itself, or JS where f has a kink."""
        return (self.trained_as,)

    def __repr__(self) -> str:
        """As it is called."""
        return f"gan.variational({self.f!r})"


@final
@dataclass(frozen=True)
class FGAN(MeanDifference):
    r"""Fenchel duality with an output activation, $T = g_f(z)$: $\mathbb E_P[g_f(z)] - \mathbb E_Q[f^*(g_f(z))]$.

    Nowozin, Cseke & Tomioka (2016), section 3. Activations here map onto the range of $f'$ and grow linearly
    (``f.activation``); the paper's map onto the domain of $f^*$, where they differ. A bounded activation saturates: with
    TV's tanh a critic that should be a sign stays short of it, which `variational` is not.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> objective = gan.FGAN(dv.js)
    >>> 0 <= objective.lower(P, Q, [0.5, -0.5]) <= objective.exact(P, Q).value
    True
    """

    f: dv.FDivergence

    def gain(self, z: Tensor) -> Tensor:
        """The critic T: the activation of z."""
        gain: Tensor = self.f.activation(z)
        return gain

    def loss(self, z: Tensor) -> Tensor:
        """The conjugate at T."""
        loss: Tensor = self.f.conjugate(self.f.activation(z))
        return loss

    def lower(self, P: Discrete, Q: Discrete, z: npt.ArrayLike) -> float:
        """The Fenchel bound at T."""
        z = completed(P, Q, z)
        t = np.asarray(self.f.activation(np.where(np.isfinite(z), z, 0.0)))
        ends = self.f.critic_range
        t = np.where(z == np.inf, ends.upper, np.where(z == -np.inf, ends.lower, t))
        return conjugate_bound(self.f, P, Q, t)

    def __repr__(self) -> str:
        """As it is called."""
        return f"gan.fgan({self.f!r})"


@final
@dataclass(frozen=True)
class NguyenWainwrightJordan(MeanDifference):
    r"""KL by a free critic: $\mathbb E_P[T] - \mathbb E_Q[e^{T - 1}]$ with $T = z - s$, right where $T = 1 + \log dP/dQ$.

    Nguyen, Wainwright & Jordan (2010), with $f^*(t) = e^{t-1}$ of KL; Belghazi et al. (2018) call it MINE-f.

    Parameters
    ----------
    shift : float, default: 0
        The constant s, any number; the best one makes the bound that of Donsker and Varadhan.

    Examples
    --------
    >>> import math
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> print(f"{gan.nwj.lower(P, Q, [1 + math.log(2), 1 + math.log(2 / 3)]):.6f}")  # 1 + log dP/dQ
    0.143841
    """

    shift: float = 0.0
    f: dv.FDivergence = field(default=dv.kl, init=False, repr=False)

    def gain(self, z: Tensor) -> Tensor:
        """The critic T."""
        return z - self.shift

    def loss(self, z: Tensor) -> Tensor:
        """The conjugate at T; it overflows where T is above 710."""
        return (z - self.shift - 1).exp()

    def optimal_critic(self, v: Tensor) -> Tensor:
        """The log-ratio plus 1 and the shift."""
        return v + 1 + self.shift

    def lower(self, P: Discrete, Q: Discrete, z: npt.ArrayLike) -> float:
        """The Fenchel bound at log-ratio T - 1."""
        return fenchel_bound(dv.kl, P, Q, completed(P, Q, z) - self.shift - 1)

    def __repr__(self) -> str:
        """As it is called."""
        return f"gan.NguyenWainwrightJordan(shift={self.shift!r})" if self.shift else "gan.nwj"


@final
@dataclass(frozen=True)
class DonskerVaradhan(FenchelObjective):
    r"""KL by its dual of Donsker and Varadhan: $\sup_v \mathbb E_P[v] - \log \mathbb E_Q[e^v]$.

    Constants added to v change nothing, and $\log x \le x/s - 1 + \log s$ with equality at $s = x$: it is the bound of
    `nwj` at the best shift, never below it. The logarithm of a mean over a batch is biased: on samples the shift is
    `fixed` on points of their own. Donsker & Varadhan (1975); Belghazi et al. (2018), where it is MINE.

    Examples
    --------
    >>> import math
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> for constant in (0, 5):
    ...     v = [math.log(2) + constant, math.log(2 / 3) + constant]
    ...     print(f"{gan.donsker_varadhan.lower(P, Q, v):.6f}")
    0.143841
    0.143841
    """

    f: dv.FDivergence = field(default=dv.kl, init=False, repr=False)
    generator_reads_real = False

    def value(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Mean of v under P less the logarithm of the mean of its exponential under Q."""
        return E_p(lambda v: v) - _log_mean_exp(E_q)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """The part of the value that depends on Q."""
        return -_log_mean_exp(E_q)

    def optimal_critic(self, v: Tensor) -> Tensor:
        """The log-ratio itself, or any that differs from it by a constant."""
        return v

    def lower(self, P: Discrete, Q: Discrete, z: npt.ArrayLike) -> float:
        """The Fenchel bound of KL at the shifted log-ratio whose exponential has mean 1 under Q."""
        v, joint = completed(P, Q, z), support(P, Q)
        common = np.isfinite(v) & (joint.q > 0)
        if not common.any():
            return fenchel_bound(dv.kl, P, Q, v)
        top = v[common].max()
        shift = top + np.log(np.sum(joint.q[common] * np.exp(v[common] - top)) / joint.q.sum())
        return fenchel_bound(dv.kl, P, Q, v - shift)

    def fixed(self, E_q: Expectation) -> MeanDifference:
        """The bound of Nguyen, Wainwright and Jordan at the best shift under the measure of `E_q`."""
        with torch.no_grad():
            return NguyenWainwrightJordan(shift=float(_log_mean_exp(E_q)) - 1)

    @property
    def trains(self) -> FenchelObjective:
        """The logistic loss, JS, which is right at the log-ratio too."""
        return variational(dv.js)

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.donsker_varadhan"


def _log_mean_exp(E: Expectation) -> Tensor:
    """log E[e^v], relative to the largest v that has mass, so that nothing overflows."""
    held = E.weights > 0
    top = torch.where(held, E.values.detach(), -torch.inf).amax(-1, keepdim=True)
    return E(lambda v: (torch.where(held, v, top) - top).exp()).log() + top.squeeze(-1)


def variational(f: dv.FDivergence) -> Variational:
    r"""Variational bound of an f-divergence as an objective of log-ratios.

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

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> round(gan.variational(dv.tv).lower(P, Q, [0.1, -3.0]), 12)  # the signs are right, and TV asks for no more
    0.25
    """
    return Variational(_checked(f))


def fgan(f: dv.FDivergence) -> FGAN:
    r"""Variational bound of an f-divergence with the output activation of the f-GAN paper.

    Parameters
    ----------
    f : divergences.FDivergence
        Any f-divergence, for example ``divergences.squared_hellinger``.

    Returns
    -------
    FGAN
        The objective.

    Raises
    ------
    TypeError
        If f is not an f-divergence.
    ValueError
        If the domain of the conjugate ends so far from 0 that the activation passes its end by rounding.

    Examples
    --------
    >>> import divergences as dv
    >>> import torch
    >>> import gan
    >>> objective = gan.fgan(dv.squared_hellinger)
    >>> bool((objective.gain(torch.tensor([-9.0, 0.0, 9.0])) < 1).all())  # the conjugate is finite below 1
    True
    """
    if not math.isfinite(_checked(f).conjugate(f.activation(0.0))):
        msg = (
            f"expected a conjugate that is finite on the activation's range, got {f!r}, whose domain ends at "
            f"{f.critic_range.upper:g}, where doubles are too coarse; take gan.variational(f)"
        )
        raise ValueError(msg)
    return FGAN(f)


def _checked(f: object) -> dv.FDivergence:
    if not isinstance(f, dv.FDivergence):
        msg = f"expected an f-divergence, as divergences.kl, got {f!r}; divergences.FDIVERGENCES lists them"
        raise TypeError(msg)
    return f


wasserstein = Wasserstein()
nwj = NguyenWainwrightJordan()
donsker_varadhan = DonskerVaradhan()


@lru_cache(maxsize=16)
def _transport_bounds(P: Discrete, Q: Discrete) -> dv.Bounds:
    """One linear program per pair, however many critics are held against it."""
    bounds: dv.Bounds = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).bounds
    return bounds
