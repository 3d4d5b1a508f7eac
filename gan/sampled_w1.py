r"""Critics of W1 from samples: several are tried, the best on points set aside is trained on and measured on others.

A 1-Lipschitz critic that has not seen the points shows a mean that is below W1 in expectation, however it was found. No
class of critics wins alone: cones at P, funnels at Q and an orthogonal network have different weak sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn

from gan.ascent import Schedule, adam
from gan.budget import Budget
from gan.clipping import Reading
from gan.confidence import Confidence
from gan.expectations import Expectation
from gan.finite_w1 import diverged
from gan.held_out import Samples, bracket, doubled, evaluated, measured
from gan.lipschitz import LipschitzConstraint, admissible
from gan.objectives import Objective
from gan.plug_in import plug_in_upper
from gan.result import Estimate, Kind, Record

__all__ = ["sampled_distance"]

STEPS = 2000
"""Steps of the critic of W1 that is reported, its trial included."""

TRIAL = 1 / 4
"""Share of these steps that every critic gets, to choose one by."""

TRIAL_BATCH, BATCH = 1024, 2048
"""Samples of either side per step in a trial, and for the critic that is trained on."""

SETTLING = 0.4
"""First step size after the trial, by that of the trial: cones have found their places and now settle, as far as the noise
of batches lets them."""

LOOKED_AT = 4096
"""Points of either side, of those that choose, whose mean is the history."""

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
    """Try the critics one after another, train the best of them on, and measure it.

    Parameters
    ----------
    samples : Samples
        The points.
    objective : Objective
        What is maximised.
    contestants : sequence of (callable, LipschitzConstraint)
        Each makes a network for points of P and of Q, and keeps it Lipschitz.
    budget : Budget
        Steps are those of the critic reported, a quarter of them its trial, which the others get as well. Seconds are for
        all together, divided in the same way.
    confidence : Confidence
        How the lower bound is made.

    Returns
    -------
    Estimate
        Of the critic that had the best mean on the points that choose after its trial.
    """
    clock = Schedule(Budget(), STEPS)
    trial, rest = _stages(budget, len(contestants))
    fresh = [(rule.attach(build(samples.x, samples.y), samples.generator), rule) for build, rule in contestants]
    trained = [_trained(samples, objective, *one, trial, 1.0, ()) for one in fresh]
    best = max(trained, key=lambda t: t.validated)
    if rest is not None:
        best = _trained(samples, objective, best.critic, best.rule, rest, SETTLING, best.history)
    seconds = clock.seconds()
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
        history=best.history,
        device=str(samples.x.device),
        seconds=seconds,
    )


def _stages(budget: Budget, count: int) -> tuple[Budget, Budget | None]:
    """The trial of each of some critics, and what the best of them gets after it: None if no step is left."""
    unlimited = budget.steps is None and budget.seconds is None
    steps = STEPS if unlimited else budget.steps
    first = None if steps is None else max(1, round(TRIAL * steps))
    rest = None if steps is None or first is None else steps - first
    # trials are of equal length, and the rest is as long beside one of them as in steps
    short = None if budget.seconds is None else budget.seconds / (count + 1 / TRIAL - 1)
    long = None if budget.seconds is None or short is None else budget.seconds - count * short
    trial = replace(budget, steps=first, seconds=short, batch=budget.batch or TRIAL_BATCH)
    if rest == 0:
        return trial, None
    return trial, replace(budget, steps=rest, seconds=long, batch=budget.batch or BATCH)


@final
@dataclass(frozen=True, eq=False)
class _Trained:
    """A critic, its constraint and proven constant, and what it shows on the points that choose, divided by that."""

    critic: nn.Module
    rule: LipschitzConstraint
    bound: float
    validated: float
    history: tuple[Record, ...]


def _trained(
    samples: Samples,
    objective: Objective,
    critic: nn.Module,
    rule: LipschitzConstraint,
    budget: Budget,
    pace: float,
    before: tuple[Record, ...],
) -> _Trained:
    """The critic after a stage with a schedule of its own; the history goes on from where it was."""
    schedule = Schedule(budget, STEPS)
    done, spent = (before[-1].step, before[-1].seconds) if before else (0, 0.0)
    history, unit = list(before), samples.unit
    critic.train()

    def loss() -> Tensor:
        x, y = samples.batch(budget.batch or TRIAL_BATCH)
        values = critic(torch.cat([x, y]))
        return rule.penalty(critic, x, y, samples.generator) - objective.value(*map(_mean, values.chunk(2))) / unit

    def look(step: int) -> bool:
        number = _shown(samples, critic, LOOKED_AT)  # all of them would take as long as hundreds of steps
        if not math.isfinite(number):
            when = f"after {done + step} steps"
            raise diverged(when, number)
        history.append(Record(done + step, spent + schedule.seconds(), number, -math.inf, math.inf))
        return False

    adam(
        critic.parameters(),
        loss,
        schedule=schedule,
        learning_rate=pace * (rule.learning_rate if budget.learning_rate is None else budget.learning_rate),
        look=look,
        looks=10,
        after=lambda: rule.project(critic),
    )
    critic.eval()
    bound = rule.bound(doubled(critic))
    scale = bound if 1 < bound < math.inf else 1.0
    return _Trained(critic, rule, bound, _shown(samples, critic) / scale, tuple(history))


def _shown(samples: Samples, critic: nn.Module, most: int | None = None) -> float:
    """The objective on the points that choose, the first of them if a number is given."""
    p, q = (evaluated(critic, part.validation[:most]) for part in (samples.P, samples.Q))
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
