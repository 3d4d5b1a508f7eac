"""Optimizers as frozen values: what a paper's table of settings says, made when parameters exist."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

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
    """

    learning_rate: float = 5e-5
    decay: float = 0.99

    def __post_init__(self) -> None:
        """Refuse steps backwards."""
        at_least(0, learning_rate=self.learning_rate, decay=self.decay)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        return torch.optim.RMSprop(parameters, lr=self.learning_rate, alpha=self.decay, foreach=True)


@final
@dataclass(frozen=True)
class SGD(OptimizerChoice):
    """Plain gradient descent.

    Parameters
    ----------
    learning_rate : float
        Step size eta.
    """

    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        """Refuse steps backwards."""
        at_least(0, learning_rate=self.learning_rate)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        return torch.optim.SGD(parameters, lr=self.learning_rate, fused=True)
