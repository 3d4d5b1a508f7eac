r"""A log-ratio trained on samples, from which every f-divergence of the populations is bounded.

A fixed log-ratio v gives $\mathbb E_P[f'(e^v)] - \mathbb E_Q[f^*(f'(e^v))] \le D_f(P\|Q)$, a difference of two means, and
clipping v keeps it one. Nothing is known above but the range of f.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

import divergences as dv
from gan.ascent import Schedule, adam
from gan.budget import Budget
from gan.certificates import CRITIC_ERROR
from gan.clipping import Reading
from gan.confidence import Confidence
from gan.expectations import Expectation, Floats
from gan.finite_w1 import diverged
from gan.held_out import Outputs, Samples, bracket, measured
from gan.objectives import FenchelObjective, Variational, variational
from gan.result import Estimate, Kind, Record

__all__ = ["SampledRatio", "sampled_ratio"]

STEPS = 2000
"""Steps of a log-ratio."""

BATCH = 1024
"""Samples of either side per step."""


@final
@dataclass(frozen=True, eq=False)
class SampledRatio:
    """A trained log-ratio and what it says on held-out samples: every divergence is read off it.

    Parameters
    ----------
    chosen_on, test : tuple of array
        Outputs on samples of P and of Q: those that choose where to clip, those that are measured.
    confidence : Confidence
        How lower bounds are made.
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
    >>> import torch
    >>> import gan
    >>> x, y = torch.randn(2, 1000, 1, generator=torch.Generator().manual_seed(0)) + torch.tensor([[[2.0]], [[0.0]]])
    >>> ratio = gan.log_ratio(x.numpy(), y.numpy(), budget=gan.Budget(steps=50))
    >>> estimate = ratio.estimate(dv.js)
    >>> estimate.level, estimate.kind.value, estimate.lower > 0
    (0.95, 'expected', True)
    """

    chosen_on: Outputs = field(repr=False)
    test: Outputs = field(repr=False)
    confidence: Confidence
    critic: nn.Module = field(repr=False)
    history: tuple[Record, ...] = field(repr=False)
    device: str
    seconds: float

    def estimate(self, objective: FenchelObjective | dv.FDivergence) -> Estimate:
        """Read one divergence of the populations off the log-ratio.

        Parameters
        ----------
        objective : FenchelObjective or divergences.FDivergence
            Which: an objective whose critic is a log-ratio, or an f-divergence f, which stands for `variational(f)`.

        Returns
        -------
        Estimate
            The confidence bound below, the largest value of the divergence above.
        """
        goal = variational(objective) if isinstance(objective, dv.FDivergence) else objective
        found = measured(self.confidence, _reading(goal, self.chosen_on), self.chosen_on, self.test)
        return Estimate(
            bounds=bracket(found.lower, found.mean, goal.f.range.upper),
            level=self.confidence.level,
            kind=Kind.EXPECTED,
            standard_error=found.standard_error,
            raw=found.mean,
            raw_kind=Kind.EXPECTED,
            critic=self.critic,
            lipschitz=math.nan,
            lipschitz_bound=math.inf,
            history=self.history,
            device=self.device,
            seconds=self.seconds,
        )


def sampled_ratio(
    samples: Samples,
    objective: FenchelObjective,
    build: Callable[[Tensor, Tensor], nn.Module],
    *,
    budget: Budget,
    confidence: Confidence,
    learning_rate: float,
) -> SampledRatio:
    """Train a log-ratio, or another head, on batches, and keep the weights that are best on the points that choose.

    A log-ratio that is trained for long on few points learns them by heart, and is then wrong everywhere else.

    Parameters
    ----------
    samples : Samples
        The points.
    objective : FenchelObjective
        What is maximised; of log-ratios the logistic loss stands for all.
    build : callable
        Makes a network for points of P and of Q.
    budget : Budget
        Length of the training.
    confidence : Confidence
        How lower bounds are made.
    learning_rate : float
        First step size of Adam where the budget names none.

    Returns
    -------
    SampledRatio
        The critic and its outputs on the points that it has not seen.
    """
    critic = build(samples.x, samples.y)
    schedule = Schedule(budget, STEPS)
    history: list[Record] = []
    best: dict[float, dict[str, Tensor]] = {}

    def value(goal: FenchelObjective, p: Tensor, q: Tensor) -> Tensor:
        return goal.value(*(Expectation(z, torch.full_like(z, 1 / len(z))) for z in (p, q)))

    def loss() -> Tensor:
        x, y = samples.batch(budget.batch or BATCH)
        return -value(objective.trains, *critic(torch.cat([x, y])).chunk(2))

    def look(step: int) -> bool:
        outputs = [torch.tensor(z) for z in samples.validation(critic)]
        number, reached = float(value(objective, *outputs)), float(value(objective.trains, *outputs))
        if math.isnan(number):
            when = f"after {step} steps"
            raise diverged(when, number)
        history.append(Record(step, schedule.seconds(), number, -math.inf, math.inf))
        if reached > max(best, default=-math.inf):
            best.clear()
            best[reached] = copy.deepcopy(critic.state_dict())
        return False

    adam(
        critic.parameters(),
        loss,
        schedule=schedule,
        learning_rate=learning_rate if budget.learning_rate is None else budget.learning_rate,
        look=look,
        looks=20,
        longest=1.0,
    )
    seconds = schedule.seconds()
    critic.load_state_dict(best[max(best)])
    critic.eval()
    chosen_on, test = samples.validation(critic), samples.test(critic)
    return SampledRatio(chosen_on, test, confidence, critic, tuple(history), str(samples.x.device), seconds)


def _reading(goal: FenchelObjective, chosen_on: Outputs) -> Reading:
    """How outputs become a lower bound; a constant that the objective leaves free is fixed by the points that choose."""
    if isinstance(goal, Variational):
        return Reading.of_log_ratio(goal.f)
    z = torch.tensor(chosen_on[1])
    means = goal.fixed(Expectation(z, torch.full_like(z, 1 / len(z))))
    return Reading(_on_arrays(means.gain), _on_arrays(means.loss), CRITIC_ERROR)


def _on_arrays(h: Callable[[Tensor], Tensor]) -> Callable[[Floats], Floats]:
    return lambda z: np.asarray(h(torch.tensor(z)).numpy())
