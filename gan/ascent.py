"""Maximising an objective over the parameters of critics: Adam with a cosine schedule, then L-BFGS."""

import math
import time
from collections.abc import Callable, Iterable
from typing import final

import torch
from torch import Tensor, nn

from gan.budget import Budget

__all__ = ["Schedule", "TrainingError", "adam", "lbfgs"]


SHARE = 1e-9
"""More than a share of the budget is wrong by, as a quotient of doubles."""


class TrainingError(RuntimeError):
    """Training left the finite numbers; nothing is reported in its place.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.fitting import minimise
    >>> p = torch.nn.Parameter(torch.zeros(()))
    >>> try:
    ...     _ = minimise([p], lambda: p / 0, steps=3, learning_rate=0.1)
    ... except gan.TrainingError as error:
    ...     print(type(error).__name__)
    TrainingError
    """


@final
class Schedule:
    """How far a training has come, by its steps and by the clock.

    Parameters
    ----------
    budget : Budget
        Its limits.
    steps : int
        Number of steps where the budget names neither steps nor seconds.
    """

    def __init__(self, budget: Budget, steps: int) -> None:
        limited = budget.steps is not None or budget.seconds is not None
        self.steps: float = (math.inf if limited else steps) if budget.steps is None else budget.steps
        self.limit = math.inf if budget.seconds is None else budget.seconds
        self.start = time.perf_counter()

    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self.start

    def progress(self, step: int) -> float:
        """Share of the budget that is spent, 1 at its end; at least one step is done."""
        if step == 0:
            return 0.0
        return max(step / self.steps, self.seconds() / self.limit if self.limit else 1.0)


def adam(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[], Tensor],
    *,
    schedule: Schedule,
    learning_rate: float,
    look: Callable[[int], bool],
    looks: int,
    after: Callable[[], None] = lambda: None,
    longest: float | None = None,
) -> int:
    """Minimise `loss` by Adam, its step size falling to 0 along a cosine, which small critics need to settle.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is moved.
    loss : callable
        Makes the loss of a step, drawing its batch if it has one.
    schedule : Schedule
        How long.
    learning_rate : float
        First step size.
    look : callable
        Given the number of steps, takes the history; True if training may stop.
    looks : int
        How often, in equal parts of the budget.
    after : callable
        Done after each step: a projection.
    longest : float, optional
        Norm to which a longer gradient is shortened.

    Returns
    -------
    int
        Number of steps done.
    """
    moved = list(parameters)
    optimizer = torch.optim.Adam(moved, lr=learning_rate, betas=(0.9, 0.99), fused=True)
    step, seen = 0, 0
    while (progress := schedule.progress(step)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 20) * (1 + math.cos(math.pi * progress)) / 2
        optimizer.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]
        if longest is not None:
            nn.utils.clip_grad_norm_(moved, longest)
        optimizer.step()
        after()
        step += 1
        done = schedule.progress(step)
        part = math.floor(done * looks + SHARE)
        if part > seen or done >= 1:
            seen = part
            with torch.no_grad():
                if look(step):
                    break
    return step


def lbfgs(parameters: Iterable[nn.Parameter], loss: Callable[[], Tensor], *, iterations: int) -> None:
    """Minimise a smooth loss on the whole support by L-BFGS with a strong Wolfe line search, or leave it as it was.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is moved.
    loss : callable
        The loss, the same function every time.
    iterations : int
        Upper limit of iterations; fewer where the gradient vanishes first.
    """
    moved = list(parameters)
    with torch.no_grad():
        before, start = float(loss()), [p.clone() for p in moved]
    optimizer = torch.optim.LBFGS(
        moved,
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
            for parameter, old in zip(moved, start, strict=True):
                parameter.copy_(old)
