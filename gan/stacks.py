"""One critic or many as one module (E, n, d) -> (E, n): what is written for a stack serves a single pair too."""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self, cast, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from gan.envelopes import Envelope

__all__ = ["Stack", "stack"]


class Stack(nn.Module):
    """Critics that are evaluated, and trained, together."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Values (E, n) at points (E, n, d), each critic at its own."""

    @abstractmethod
    def unstacked(self) -> list[nn.Module]:
        """The critics, one by one, with their present parameters."""


def stack(critics: Sequence[nn.Module]) -> Stack:
    """Put critics of one architecture together.

    Parameters
    ----------
    critics : sequence of torch.nn.Module
        At least one, each (n, d) -> (n,), all of the same structure.

    Returns
    -------
    Stack
        Their stack; of a single critic without the cost of batching.
    """
    if len(critics) == 1:
        return _Single(critics[0])
    envelopes = [part for critic in critics for part in critic.modules() if isinstance(part, Envelope)]
    for envelope in envelopes:  # tips that coincide count once, so that their number may differ
        envelope.fill(max(len(other.heights) for other in envelopes))
    return _Many(critics)


@final
class _Single(Stack):
    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.critic(x[0]))[None]

    def unstacked(self) -> list[nn.Module]:
        return [self.critic]


@final
class _Many(Stack):
    """Parameters and buffers with one more axis, evaluated by one vectorised call."""

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        values, fixed = stack_module_state(list(critics))
        self._kept = list(critics)
        self._model = [copy.deepcopy(critics[0])]  # in a list, because its parameters are none of the stack's
        self._values, self._fixed = list(values), list(fixed)
        self.values = nn.ParameterList(nn.Parameter(value.detach().clone()) for value in values.values())
        for k, value in enumerate(fixed.values()):
            self.register_buffer(f"fixed{k}", value)

    def forward(self, x: Tensor) -> Tensor:
        def one(values: dict[str, Tensor], fixed: dict[str, Tensor], points: Tensor) -> Tensor:
            return cast("Tensor", functional_call(self._model[0], (values, fixed), (points,)))

        values = dict(zip(self._values, self.values, strict=True))
        fixed = {name: self.get_buffer(f"fixed{k}") for k, name in enumerate(self._fixed)}
        return vmap(one)(values, fixed, x)

    def train(self, mode: bool = True) -> Self:
        """Switch the critics too, which are none of the stack's submodules."""
        for critic in (*self._model, *self._kept):
            critic.train(mode)
        return super().train(mode)

    def unstacked(self) -> list[nn.Module]:
        with torch.no_grad():
            for k, critic in enumerate(self._kept):
                buffers = dict(critic.named_buffers())
                for j, name in enumerate(self._fixed):
                    buffers[name].copy_(self.get_buffer(f"fixed{j}")[k])
                named = dict(critic.named_parameters())
                for name, value in zip(self._values, self.values, strict=True):
                    named[name].copy_(value[k])
        return self._kept
