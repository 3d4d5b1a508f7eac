r"""Minibatch discrimination: a critic that sees how close the points of its batch are to one another.

A generator that has collapsed makes points that are close together, which no critic of single points can see.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gan.critics import Architecture
from gan.expectations import at_least
from gan.terms import critic_features, probed_features

__all__ = ["MinibatchCritic", "MinibatchDiscrimination", "closeness"]


def closeness(rows: Tensor) -> Tensor:
    r"""How close each row is to the batch, $o_{ib} = \frac1n \sum_j \exp(-|M_{ib} - M_{jb}|_1)$, in [1/n, 1].

    The sum of Salimans et al. (2016), section 3.2, as a mean, so that batches of any size are alike: 1 where all rows of
    the batch are equal, 1/n far from all others.

    Parameters
    ----------
    rows : Tensor (n, B, C)
        For each point B rows of C numbers.

    Returns
    -------
    Tensor (n, B)
        The means.
    """
    # not cdist, whose second derivative a gradient penalty would need
    distances = (rows[:, None] - rows).abs().sum(-1)
    return (-distances).exp().mean(1)


@final
@dataclass(frozen=True)
class MinibatchDiscrimination(Architecture):
    r"""A critic $T(x_i) + w \cdot o(x_i)$: T, with the closeness o of $x_i$ to its batch beside the features of T.

    Salimans et al. (2016), section 3.2: the features $f(x_i)$ are multiplied by a tensor (A, B, C) into B rows of C
    numbers, whose closeness is appended to the features; a linear layer on both is T plus a linear function of the new
    ones. Real and generated points must be given in batches of their own.

    Parameters
    ----------
    architecture : Architecture
        A critic that shows its features.
    kernels : int
        The number B of new features.
    dimension : int
        The number C of coordinates in which closeness is measured.

    Examples
    --------
    >>> import torch
    >>> from gan.minibatch import MinibatchDiscrimination
    >>> from gan.networks import FeatureMLP
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(3)
    >>> critic = MinibatchDiscrimination(FeatureMLP(width=8)).build(x, x, rng, unit=1.0)
    >>> alone, together = critic(x[:1]), critic(x)[:1]
    >>> bool(alone == together)
    False
    """

    architecture: Architecture
    kernels: int = 16
    dimension: int = 5

    def __post_init__(self) -> None:
        """Refuse a comparison of nothing."""
        at_least(1, kernels=self.kernels, dimension=self.dimension)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> "MinibatchCritic":
        """Make the network."""
        critic = self.architecture.build(x, y, generator, unit=unit)
        like = probed_features(critic, x)
        size = like.shape[1]
        tensor = like.new_empty(size, self.kernels, self.dimension).normal_(0, size**-0.5, generator=generator)
        weights = like.new_empty(self.kernels).uniform_(-1, 1, generator=generator)
        return MinibatchCritic(critic, tensor, weights / self.kernels**0.5)


@final
class MinibatchCritic(nn.Module):
    """A critic plus a linear function of the closeness of its features.

    Parameters
    ----------
    critic : torch.nn.Module
        A critic that shows its A features.
    tensor : Tensor (A, B, C)
        Takes features to B rows of C numbers.
    weights : Tensor (B,)
        Of the closeness in each.
    """

    def __init__(self, critic: nn.Module, tensor: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.critic = critic
        self.tensor = nn.Parameter(tensor)
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at a batch of points (n, d), each of which depends on the whole batch."""
        values: Tensor = self.critic(x)
        return values + self.closeness(x) @ self.weights

    def closeness(self, x: Tensor) -> Tensor:
        """The features (n, B) that tell how close a point is to its batch."""
        return closeness(torch.einsum("na,abc->nbc", critic_features(self.critic, x), self.tensor))

    def features(self, x: Tensor) -> Tensor:
        """Features of the critic and closeness, (n, A + B)."""
        return torch.cat([critic_features(self.critic, x), self.closeness(x)], dim=1)
