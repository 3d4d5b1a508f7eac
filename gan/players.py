"""Players: what one side of a game moves, what it minimises, and how a gradient becomes a step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

__all__ = ["Losses", "Player", "differentiate_both", "named_parameters"]


def _nothing() -> None:
    """The hook of a player that has none."""


@final
@dataclass(frozen=True, eq=False)
class Player:
    """One side of a game: what it moves, what it minimises, and how a gradient becomes a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Takes the steps. What it was given and requires a gradient are the player's parameters.
    loss : callable
        Draws a fresh batch and returns the scalar that is minimised; the critic's is minus the value that it maximises.
    before : callable
        Done between a gradient and the step: shortening the gradient, or averaging it over processes.
    after : callable
        Done after every step: a projection, such as clipping of weights.

    Raises
    ------
    ValueError
        If the optimizer moves nothing that requires a gradient.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x = torch.tensor(1.0, requires_grad=True)
    >>> player = gan.Player(torch.optim.SGD([x], lr=0.25), lambda: x.square())
    >>> rival = gan.Player(torch.optim.SGD([torch.tensor(0.0, requires_grad=True)]), lambda: -x.square())
    >>> loss = player.differentiate(rival)
    >>> player.update()
    >>> loss.item(), x.item()
    (1.0, 0.5)
    """

    optimizer: torch.optim.Optimizer
    loss: Callable[[], Tensor]
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    parameters: tuple[Tensor, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Collect the parameters."""
        given = [p for group in self.optimizer.param_groups for p in group["params"]]
        moved = tuple(p for p in given if p.requires_grad)
        if not moved:
            msg = f"expected an optimizer of parameters that require a gradient, got {len(given)} that do not"
            raise ValueError(msg)
        object.__setattr__(self, "parameters", moved)

    def clear(self) -> None:
        """Forget gradients."""
        for p in self.parameters:
            p.grad = None

    def differentiate(self, opponent: "Player") -> Tensor:
        """Put the gradient of the loss into the parameters, those of the opponent being constants; returns the loss."""
        self.clear()
        with opponent.constant():
            loss = self.loss()
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def update(self) -> None:
        """Take the optimizer's step with the gradient that the parameters hold."""
        self.before()
        self.optimizer.step()
        self.after()

    @contextmanager
    def constant(self) -> Iterator[None]:
        """A context in which the parameters do not require a gradient."""
        for p in self.parameters:
            p.requires_grad = False
        try:
            yield
        finally:
            for p in self.parameters:
                p.requires_grad = True

    def saved(self) -> list[Tensor]:
        """A copy of the parameters."""
        return [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def restore(self, saved: list[Tensor]) -> None:
        """Put a copy back."""
        for p, old in zip(self.parameters, saved, strict=True):
            p.copy_(old)


@final
@dataclass(frozen=True, eq=False)
class Losses:
    """Losses of both players, where they were first looked at in a step.

    Parameters
    ----------
    critic, generator : Tensor ()
        Without a graph, and still on the device: reading them waits for it.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x, y = (torch.tensor(z, requires_grad=True) for z in (1.0, 0.5))
    >>> critic = gan.Player(torch.optim.SGD([y], lr=0.5), lambda: -x * y)
    >>> generator = gan.Player(torch.optim.SGD([x], lr=0.5), lambda: x * y)
    >>> losses = gan.Simultaneous().start(critic, generator).step()
    >>> losses.critic.item(), losses.generator.item()
    (-0.5, 0.5)
    """

    critic: Tensor
    generator: Tensor


def named_parameters(critic: Player, generator: Player) -> Iterator[tuple[str, Tensor]]:
    """All parameters under the names that a memory has for them."""
    for side, player in (("critic", critic), ("generator", generator)):
        for k, p in enumerate(player.parameters):
            yield f"{side}.{k}", p


def differentiate_both(critic: Player, generator: Player) -> Losses:
    """Both gradients at the same point."""
    return Losses(critic.differentiate(generator), generator.differentiate(critic))
