"""Maximising an objective over the parameters of one critic: Adam with a cosine schedule, then L-BFGS."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

__all__ = ["Clock", "Record", "TrainingError", "adam", "lbfgs"]

LOOKS = 60
"""How often the history looks at the whole support."""


class TrainingError(RuntimeError):
    """Training left the finite numbers; nothing is reported in its place."""


@final
@dataclass(frozen=True)
class Record:
    """One point of the history of a training.

    Parameters
    ----------
    step : int
        Steps done.
    seconds : float
        Since the start.
    raw : float
        The objective on the whole support, as the critic reports it.
    """

    step: int
    seconds: float
    raw: float


@final
class Clock:
    """The history of a training and the time since its start."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.records: list[Record] = []

    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self.start

    def note(self, step: int, raw: float) -> None:
        """Add to the history."""
        if not math.isfinite(raw):
            msg = f"expected a finite objective, got {raw} after {step} steps; lower budget.learning_rate"
            raise TrainingError(msg)
        self.records.append(Record(step, self.seconds(), raw))


def adam(
    critic: nn.Module,
    loss: Callable[[], Tensor],
    *,
    steps: int,
    learning_rate: float,
    look: Callable[[], float],
    clock: Clock,
    after: Callable[[], None] = lambda: None,
) -> None:
    """Minimise `loss` by Adam, its step size falling to 0 along a cosine, which small critics need to settle.

    Parameters
    ----------
    critic : torch.nn.Module
        Its parameters are moved.
    loss : callable
        Makes the loss of a step, drawing its batch if it has one.
    steps : int
        Number of steps.
    learning_rate : float
        First step size.
    look : callable
        The objective on the whole support, for the history.
    clock : Clock
        Takes the history.
    after : callable
        Done after each step: a projection.
    """
    optimizer = torch.optim.Adam(critic.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    every = max(1, steps // LOOKS)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 20) * (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        after()
        if (step + 1) % every == 0 or step + 1 == steps:
            with torch.no_grad():
                clock.note(step + 1, look())


def lbfgs(critic: nn.Module, loss: Callable[[], Tensor], *, iterations: int) -> None:
    """Minimise a smooth loss on the whole support by L-BFGS with a strong Wolfe line search, or leave it as it was.

    Parameters
    ----------
    critic : torch.nn.Module
        Its parameters are moved.
    loss : callable
        The loss, the same function every time.
    iterations : int
        Upper limit of iterations; fewer where the gradient vanishes first.
    """
    with torch.no_grad():
        before, start = float(loss()), [p.clone() for p in critic.parameters()]
    optimizer = torch.optim.LBFGS(
        critic.parameters(),
        max_iter=iterations,
        history_size=20,
        tolerance_grad=1e-12,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )
    scale = max(abs(before), torch.finfo(start[0].dtype).tiny)  # the first step is one unit of the loss long

    def closure() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss() / scale
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        if not float(loss()) <= before:  # a line search that left the finite numbers has improved nothing
            for parameter, old in zip(critic.parameters(), start, strict=True):
                parameter.copy_(old)
