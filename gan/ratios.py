r"""One critic for all f-divergences: the log-ratio $v = \log dP/dQ$, from which every bound is read.

On finite pairs atoms of one measure alone have $v = \pm\infty$, which is part of the data; the critic is trained on the
common atoms. All f have their optimum at the same v, so it is trained on the one with the mildest gradients, JS: the
logistic loss of a classifier that tells P from Q.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

import divergences as dv
from gan.ascent import Schedule, adam, lbfgs
from gan.budget import Budget
from gan.certificates import known_log_ratios
from gan.expectations import Discrete, Expectation, Floats, JointSupport, joint_support
from gan.finite_w1 import diverged, drawn, numbers
from gan.objectives import DonskerVaradhan, FenchelObjective, Variational, variational
from gan.padding import padded
from gan.result import Estimate, Kind, Record
from gan.stacks import Stack, stack

__all__ = ["LEARNING_RATE", "FiniteRatio", "finite_ratios"]

LEARNING_RATE = 1e-2
"""First step size of Adam for a log-ratio, a number without units."""

STEPS = 350
"""Steps of Adam before L-BFGS takes over."""


@final
@dataclass(frozen=True, eq=False)
class FiniteRatio:
    """A log-ratio trained on the joint support of two finite measures: every divergence is read off it.

    Parameters
    ----------
    P, Q : Discrete
        The measures.
    output : array (k,)
        Outputs of the critic on the points of ``joint_support(P, Q)``; plus or minus infinity where only one has mass.
    critic : torch.nn.Module
        The trained network.
    history : tuple of Record
        Its training.
    device : str
        Where it was trained.
    seconds : float
        How long.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0, 1, 2], [0.5, 0.3, 0.2]), gan.Discrete([0, 1, 2], [0.2, 0.3, 0.5])
    >>> ratio = gan.log_ratio(P, Q, budget=gan.Budget(steps=50))
    >>> for f in (dv.kl, dv.js):
    ...     print(ratio.estimate(f).lower <= f(P.weights, Q.weights) <= ratio.estimate(f).upper)
    True
    True
    """

    P: Discrete
    Q: Discrete
    output: Floats = field(repr=False)
    critic: nn.Module = field(repr=False)
    history: tuple[Record, ...] = field(repr=False)
    device: str
    seconds: float

    def estimate(self, objective: FenchelObjective | dv.FDivergence) -> Estimate:
        """Read one divergence off the log-ratio.

        Parameters
        ----------
        objective : FenchelObjective or divergences.FDivergence
            Which: an objective whose critic is a log-ratio, or an f-divergence f, which stands for `variational(f)`.

        Returns
        -------
        Estimate
            The proven bound of this critic below, the exact value above.
        """
        goal = variational(objective) if isinstance(objective, dv.FDivergence) else objective
        lower, exact = goal.lower(self.P, self.Q, self.output), goal.exact(self.P, self.Q)
        return Estimate(
            bounds=dv.Bounds(lower, lower, exact.upper),
            level=1.0,
            kind=Kind.CERTIFIED,
            standard_error=0.0,
            raw=shown(goal, joint_support(self.P, self.Q), self.output),
            raw_kind=Kind.CERTIFIED,
            critic=self.critic,
            lipschitz=math.nan,
            lipschitz_bound=math.inf,
            history=self.history,
            device=self.device,
            seconds=self.seconds,
        )


def finite_ratios(
    pairs: Sequence[tuple[Discrete, Discrete]],
    objective: FenchelObjective,
    build: Callable[[Tensor, Tensor], nn.Module],
    *,
    budget: Budget,
    like: Tensor,
    generator: torch.Generator,
) -> list[FiniteRatio]:
    """Train a log-ratio, or another head, for each pair, all at once.

    Parameters
    ----------
    pairs : sequence of (Discrete, Discrete)
        The measures.
    objective : FenchelObjective
        What the history shows, and what L-BFGS ends on.
    build : callable
        Makes the network for points (n, d), twice the same.
    budget : Budget
        Length of the training.
    like : Tensor
        Has the dtype and the device of the training.
    generator : torch.Generator
        Randomness of batches.

    Returns
    -------
    list of FiniteRatio
        In the order of the pairs.
    """
    training = _Training.of(pairs, objective, build, like)
    schedule = Schedule(budget, STEPS)

    def look(step: int) -> bool:
        return training.look(step, schedule.seconds(), budget.rtol)

    step = adam(
        training.critics.parameters(),
        lambda: -training.batched(objective.trains, budget.batch, generator).sum(),
        schedule=schedule,
        learning_rate=LEARNING_RATE if budget.learning_rate is None else budget.learning_rate,
        look=look,
        looks=20 if len(pairs) == 1 else 5,
    )
    goals = _polished(objective)
    share = -(-budget.polish // len(goals))
    for goal in goals if budget.polish else ():
        if not training.within(budget.rtol):
            lbfgs(training.critics.parameters(), _loss(training, goal), iterations=share)
            step += share
            with torch.no_grad():
                look(step)
    return training.trained(schedule.seconds(), like)


@final
@dataclass(frozen=True)
class _Common:
    """The atoms with mass under both measures, the only ones that have a finite log-ratio."""

    joint: JointSupport
    known: Floats
    """Log-ratios that the supports decide, 0 on common atoms."""

    @property
    def held(self) -> npt.NDArray[np.bool_]:
        """Which atoms those are."""
        return np.isfinite(self.known)

    def part(self, array: Floats) -> Floats:
        """An array on all atoms, on the common ones; its first entry, which gets no weight, where there is none."""
        return array[self.held] if self.held.any() else array[:1]

    def weights(self, array: Floats) -> Floats:
        """Probabilities of the common atoms; their sum is below 1 where a measure has mass elsewhere."""
        normalised = array / array.sum()
        return self.part(normalised) * self.held.any()

    def filled(self, z: Floats) -> Floats:
        """Outputs on all atoms."""
        v = self.known.copy()
        v[self.held] = z[: int(self.held.sum())]
        return v


@final
@dataclass(frozen=True)
class _Training:
    """Outputs of a stack of critics on common atoms, and what they are worth."""

    pairs: Sequence[tuple[Discrete, Discrete]]
    objective: FenchelObjective
    common: list[_Common]
    critics: Stack
    x: Tensor
    p: Tensor
    q: Tensor
    uppers: list[float]
    history: list[list[Record]]

    @classmethod
    def of(
        cls,
        pairs: Sequence[tuple[Discrete, Discrete]],
        objective: FenchelObjective,
        build: Callable[[Tensor, Tensor], nn.Module],
        like: Tensor,
    ) -> "_Training":
        """Tensors of common atoms, and a network for each pair."""
        common = [_Common(joint, known_log_ratios(joint)) for joint in (joint_support(P, Q) for P, Q in pairs)]
        x, p, q = padded(
            [c.part(c.joint.points) for c in common],
            [c.weights(c.joint.p) for c in common],
            [c.weights(c.joint.q) for c in common],
            like=like,
        )
        critics = stack([build(points, points) for points in x])
        uppers = [objective.exact(P, Q).upper for P, Q in pairs]
        return cls(pairs, objective, common, critics, x, p, q, uppers, [[] for _ in pairs])

    def value(self, goal: FenchelObjective) -> Tensor:
        """An objective on common atoms (E,); what the other atoms add does not depend on the critic."""
        z = self.critics(self.x)
        return goal.value(Expectation(z, self.p), Expectation(z, self.q))

    def batched(self, goal: FenchelObjective, batch: int | None, generator: torch.Generator) -> Tensor:
        """The same from a batch of atoms of either side; from all of them without one, or if a pair has none in common."""
        masses = [weights.sum(-1, keepdim=True) for weights in (self.p, self.q)]
        if batch is None or not all(bool((mass > 0).all()) for mass in masses):
            return self.value(goal)
        points = [drawn(self.x, weights, batch, generator) for weights in (self.p, self.q)]
        outputs = self.critics(torch.cat(points, 1)).split(batch, 1)
        return goal.value(*(Expectation(z, (m / batch).expand_as(z)) for z, m in zip(outputs, masses, strict=True)))

    def look(self, step: int, seconds: float, rtol: float) -> bool:
        """Add to the histories; whether all brackets are as narrow as was asked."""
        outputs = self.critics(self.x).double().cpu().numpy()
        for k, (P, Q) in enumerate(self.pairs):
            z = self.common[k].filled(outputs[k])
            if np.isnan(z).any():
                when = f"after {step} steps"
                raise diverged(when)
            raw, lower = shown(self.objective, self.common[k].joint, z), self.objective.lower(P, Q, z)
            self.history[k].append(Record(step, seconds, raw, lower, self.uppers[k]))
        return self.within(rtol)

    def within(self, rtol: float) -> bool:
        """Whether the last look found every bracket narrow enough."""
        last = [records[-1] for records in self.history]
        return all(r.lower == r.upper or r.upper - r.lower <= rtol * r.upper < math.inf for r in last)

    def trained(self, seconds: float, like: Tensor) -> list[FiniteRatio]:
        """The results, one by one."""
        return [
            FiniteRatio(
                P, Q, common.filled(numbers(critic, common.part(common.joint.points), like)), critic.eval(),
                tuple(records), str(like.device), seconds,
            )
            for (P, Q), common, critic, records in zip(
                self.pairs, self.common, self.critics.unstacked(), self.history, strict=True
            )
        ]  # fmt: skip


BALANCED = variational(dv.jeffreys)
"""Of log-ratios L-BFGS maximises it first.

Near the optimum an error at an atom costs JS p q / (p + q), next to nothing where either is rare, and chi-squared up to
p^2 / q. Jeffreys' p + q leaves out no atom that has mass under either, so that all divergences are right.
"""


def _polished(objective: FenchelObjective) -> tuple[FenchelObjective, ...]:
    """What L-BFGS maximises, one after the other, each in an equal part of its iterations."""
    if not isinstance(objective, Variational | DonskerVaradhan):  # the output is no log-ratio
        return objective.polished
    return (BALANCED, *(goal for goal in objective.polished if goal not in (BALANCED, variational(dv.js))))


def _loss(training: _Training, goal: FenchelObjective) -> Callable[[], Tensor]:
    return lambda: -training.value(goal).sum()


def shown(objective: FenchelObjective, joint: JointSupport, z: Floats) -> float:
    """The objective on the joint support, in double precision; atoms of one measure alone count with the best output."""
    common = _Common(joint, known_log_ratios(joint))
    alone = (
        ((joint.q == 0) @ joint.p / joint.p.sum(), objective.f.slope),
        ((joint.p == 0) @ joint.q / joint.q.sum(), objective.f.f0),
    )
    rest = sum(mass * worth for mass, worth in alone if mass)
    if not common.held.any() or math.isinf(rest):
        return float(rest)
    output = torch.tensor(common.part(z))
    weights = (torch.tensor(common.weights(side)) for side in (joint.p, joint.q))
    return float(objective.value(*(Expectation(output, w) for w in weights))) + float(rest)
