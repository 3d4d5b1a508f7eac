"""Optimizers as frozen values: what a paper's table of settings says, made when parameters exist."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gan.expectations import at_least

__all__ = ["SGD", "Adam", "OptimizerChoice", "RMSProp"]


class OptimizerChoice(ABC):
    """An optimizer and its settings."""

    @abstractmethod
    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer.

        Parameters
        ----------
        parameters : iterable of Parameter
            What it moves.

        Returns
        -------
        torch.optim.Optimizer
            In its fused form, one kernel for all parameters.
        """


@final
@dataclass(frozen=True)
class Adam(OptimizerChoice):
    """Adam. Kingma & Ba (2015), algorithm 1.

    Parameters
    ----------
    learning_rate : float
        Step size alpha.
    betas : tuple of float
        Decay of the two moments; the papers on Wasserstein GANs with a gradient penalty take 0 and 0.9.

    Examples
    --------
    The first step is of the length of the learning rate, whatever the gradient is:

    >>> import torch
    >>> import gan
    >>> x = torch.nn.Parameter(torch.tensor(1.0))
    >>> optimizer = gan.Adam(learning_rate=0.5).make([x])
    >>> (100 * x).backward()
    >>> optimizer.step()
    >>> round(x.item(), 4)
    0.5
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)

    def __post_init__(self) -> None:
        """Refuse steps backwards."""
        at_least(0, learning_rate=self.learning_rate)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        return torch.optim.Adam(parameters, lr=self.learning_rate, betas=self.betas, fused=True)


@final
@dataclass(frozen=True)
class RMSProp(OptimizerChoice):
    """RMSProp. Tieleman & Hinton (2012); the optimizer of Arjovsky, Chintala & Bottou (2017), algorithm 1.

    Parameters
    ----------
    learning_rate : float
        Step size alpha.
    decay : float
        Of the mean square.

    Examples
    --------
    The first step is the learning rate over the root of 1 - decay, whatever the gradient is:

    >>> import torch
    >>> import gan
    >>> x = torch.nn.Parameter(torch.tensor(1.0))
    >>> optimizer = gan.RMSProp(learning_rate=0.25, decay=0.75).make([x])
    >>> (100 * x).backward()
    >>> optimizer.step()
    >>> round(x.item(), 4)
    0.5
    """

    learning_rate: float = 5e-5
    decay: float = 0.99

    def __post_init__(self) -> None:
        """Refuse steps backwards."""
        at_least(0, learning_rate=self.learning_rate, decay=self.decay)
        if self.decay >= 1:
            msg = f"expected decay below 1, got {self.decay!r}; 0.99 is usual"
            raise ValueError(msg)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        return _RMSProp(parameters, self.learning_rate, self.decay)


@final
@dataclass(frozen=True)
class SGD(OptimizerChoice):
    """Plain gradient descent.

    Parameters
    ----------
    learning_rate : float
        Step size eta.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x = torch.nn.Parameter(torch.tensor(1.0))
    >>> optimizer = gan.SGD(learning_rate=0.25).make([x])
    >>> x.square().backward()
    >>> optimizer.step()
    >>> x.item()
    0.5
    """

    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        """Refuse steps backwards."""
        at_least(0, learning_rate=self.learning_rate)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        return torch.optim.SGD(parameters, lr=self.learning_rate, fused=True)


@final
class _RMSProp(torch.optim.Optimizer):
    r"""The rule $v \leftarrow \rho v + (1 - \rho) g^2$, $\theta \leftarrow \theta - \alpha g / (\sqrt v + \epsilon)$.

    That of torch without momentum or centring, and without what it costs there to look for them at each step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no game has closures
        """Take a step with the gradients that are there."""
        del closure
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            gradients = [p.grad for p in moved]
            squares = [self._square(p) for p in moved]
            torch._foreach_mul_(squares, group["decay"])
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["decay"])
            lengths = torch._foreach_sqrt(squares)
            torch._foreach_add_(lengths, 1e-8)
            torch._foreach_addcdiv_(moved, gradients, lengths, -float(group["lr"]))

    def _square(self, p: Tensor) -> Tensor:
        """The moving average of the squared gradient, 0 at first."""
        state = self.state[p]
        if not state:
            state["square"] = torch.zeros_like(p)
        square: Tensor = state["square"]
        return square
