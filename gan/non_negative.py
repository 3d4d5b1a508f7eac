"""Critics whose outputs are energies or losses, never below 0."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gan.critics import Architecture

__all__ = ["NonNegative", "NonNegativeCritic"]


@final
@dataclass(frozen=True)
class NonNegative(Architecture):
    r"""Any critic with $\log(1 + e^z)$ at its end, as energy-based and loss-sensitive objectives need.

    Softplus is 1-Lipschitz, but no constant is proven for it here: `gan.lipschitz` knows layers in a row only.

    Parameters
    ----------
    of : Architecture
        The critic.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.non_negative import NonNegative
    >>> x = torch.linspace(-3, 3, 5)[:, None]
    >>> critic = NonNegative(gan.MLP(width=8)).build(x, x, torch.Generator().manual_seed(0), unit=1.0)
    >>> bool((critic(x) >= 0).all())
    True
    """

    of: Architecture

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network."""
        return NonNegativeCritic(self.of.build(x, y, generator, unit=unit))


@final
class NonNegativeCritic(nn.Module):
    """A critic followed by softplus.

    Parameters
    ----------
    critic : torch.nn.Module
        The critic (n, d) -> (n,).
    """

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d), at least 0."""
        return softplus(self.critic(x))
