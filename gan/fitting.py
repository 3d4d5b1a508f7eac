"""Minimising one loss of one network, where there is no game: autoencoders, variational or not."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from gan.ascent import Schedule, TrainingError, adam
from gan.budget import Budget

__all__ = ["minimise"]


def minimise(
    parameters: Iterable[nn.Parameter], loss: Callable[[], Tensor], *, steps: int, learning_rate: float
) -> Tensor:
    """Minimise a loss by Adam, its step size falling to 0 along a cosine.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is moved.
    loss : callable
        Makes the loss of a step, drawing its batch.
    steps : int
        Number of steps.
    learning_rate : float
        Largest step size.

    Returns
    -------
    Tensor (steps,)
        The loss of each step, before it, as doubles on the CPU.

    Raises
    ------
    TrainingError
        If a loss is not finite; parameters are then those of the step before.
    """
    losses: list[float] = []

    def finite() -> Tensor:
        value = loss()
        losses.append(float(value.detach()))
        if not math.isfinite(losses[-1]):
            msg = f"expected a finite loss, got {losses[-1]!r} at step {len(losses)}; take a smaller learning_rate"
            raise TrainingError(msg)
        return value

    schedule = Schedule(Budget(steps=steps), steps)
    adam(parameters, finite, schedule=schedule, learning_rate=learning_rate, look=lambda _: False, looks=1)
    return torch.tensor(losses, dtype=torch.float64)
