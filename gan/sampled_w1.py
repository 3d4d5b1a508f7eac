r"""Critics of W1 from samples: several are trained, the best on points set aside is measured on others.

A 1-Lipschitz critic that has not seen the points shows a mean that is below W1 in expectation, however it was found. No
class of critics wins alone: cones at P, funnels at Q and an orthogonal network have different weak sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gan.ascent import Schedule, adam
from gan.budget import Budget
from gan.clipping import Reading
from gan.confidence import Confidence
from gan.expectations import Expectation
from gan.finite_w1 import diverged
from gan.held_out import Samples, bracket, measured
from gan.lipschitz import LipschitzConstraint, admissible
from gan.objectives import Objective
from gan.plug_in import plug_in_upper
from gan.result import Estimate, Kind, Record

__all__ = ["sampled_distance"]

STEPS = 2000
"""Steps for each of the critics."""

BATCH = 1024
"""Samples of either side per step."""

PLUG_IN = (8, 1000)
"""Batches of held-out samples, and points in each at most, whose exact distances bound W1 from above."""

Builder = Callable[[Tensor, Tensor], nn.Module]


def sampled_distance(
    samples: Samples,
    objective: Objective,
    contestants: Sequence[tuple[Builder, LipschitzConstraint]],
    *,
    budget: Budget,
    confidence: Confidence,
) -> Estimate:
    """Train the critics one after another, choose, and measure.

    Parameters
    ----------
    samples : Samples
        The points.
    objective : Objective
        What is maximised.
    contestants : sequence of (callable, LipschitzConstraint)
        Each makes a network for points of P and of Q, and keeps it Lipschitz.
    budget : Budget
        For all together: seconds are divided among them.
    confidence : Confidence
        How the lower bound is made.

    Returns
    -------
    Estimate
        Of the critic with the best mean on the points that choose.
    """
    schedule = Schedule(Budget(), STEPS)  # the clock of all
    trained = [_trained(samples, objective, *one, budget, len(contestants)) for one in contestants]
    seconds = schedule.seconds()
    best = max(trained, key=lambda t: t.validated)
    test = samples.test(best.critic)
    found = measured(confidence, Reading.of_critic(), samples.validation(best.critic), test)
    raw = float(test[0].mean() - test[1].mean())
    proven = best.bound < math.inf
    scale = max(best.bound, 1.0) if proven else 1.0
    lower = found.lower / scale * (1 - 1e-15) if proven else 0.0
    upper = _plug_in(samples, confidence.level)
    return Estimate(
        bounds=bracket(lower, raw / scale, upper),
        level=confidence.level,
        kind=Kind.EXPECTED if proven else Kind.ESTIMATE,
        standard_error=found.standard_error / scale,
        raw=raw,
        raw_kind=Kind.EXPECTED if admissible(best.bound, samples.x) else Kind.ESTIMATE,
        critic=best.critic,
        lipschitz=math.nan,
        lipschitz_bound=best.bound,
        history=tuple(best.history),
        device=str(samples.x.device),
        seconds=seconds,
    )


@final
@dataclass(frozen=True, eq=False)
class _Trained:
    """A critic, its proven constant, and what it shows on the points that choose, in units of that constant."""

    critic: nn.Module
    bound: float
    validated: float
    history: list[Record]


def _trained(
    samples: Samples,
    objective: Objective,
    build: Builder,
    rule: LipschitzConstraint,
    budget: Budget,
    count: int,
) -> _Trained:
    critic = rule.attach(build(samples.x, samples.y), samples.generator)
    share = Budget(steps=budget.steps, seconds=None if budget.seconds is None else budget.seconds / count)
    schedule = Schedule(share, STEPS)
    history: list[Record] = []

    def loss() -> Tensor:
        x, y = samples.batch(budget.batch or BATCH)
        values = critic(torch.cat([x, y]))
        return rule.penalty(critic, x, y, samples.generator) - objective.value(*map(_mean, values.chunk(2)))

    def look(step: int) -> bool:
        number = _shown(samples, critic)
        if not math.isfinite(number):
            when = f"after {step} steps"
            raise diverged(when, number)
        history.append(Record(step, schedule.seconds(), number, -math.inf, math.inf))
        return False

    adam(
        critic.parameters(),
        loss,
        schedule=schedule,
        learning_rate=rule.learning_rate if budget.learning_rate is None else budget.learning_rate,
        look=look,
        looks=10,
        after=lambda: rule.project(critic),
    )
    critic.eval()
    bound = rule.bound(critic)
    scale = bound if 1 < bound < math.inf else 1.0
    return _Trained(critic, bound, _shown(samples, critic) / scale, history)


def _shown(samples: Samples, critic: nn.Module) -> float:
    """The objective on the points that choose."""
    p, q = samples.validation(critic)
    return float(p.mean() - q.mean())


def _mean(values: Tensor) -> Expectation:
    return Expectation(values, torch.full_like(values, 1 / len(values)))


def _plug_in(samples: Samples, level: float) -> float:
    """Exact distances between batches of the points that measure; infinite where there are too few."""
    batches, most = PLUG_IN
    size = min(len(samples.P.test), len(samples.Q.test)) // batches
    if size < 2:
        return math.inf
    x, y = ([part.numpy()[:most] for part in torch.split(side.test, size)[:batches]] for side in (samples.P, samples.Q))
    return plug_in_upper(x, y, level=level)
