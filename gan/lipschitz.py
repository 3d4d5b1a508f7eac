r"""Lipschitz constraints: how a critic is kept from growing without limit.

The Wasserstein distance is a supremum over 1-Lipschitz critics; without the constraint two points at distance d are
separated by any amount. Each constraint says how it is attached to a critic, what it adds to the loss, what it does
after a step, and which Lipschitz constant it *proves* (by layer norms), so that an estimate can be divided by it.
"""

from abc import ABC
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gan.critics import (
    MLP,
    Architecture,
    ConeEnvelope,
    Cones,
    FourierMLP,
    GroupSortMLP,
    linear_layers,
    lipschitz_constant,
)
from gan.expectations import at_least

__all__ = [
    "ByConstruction",
    "CTransform",
    "GradientPenalty",
    "LipschitzConstraint",
    "Orthogonal",
    "SpectralNorm",
    "WeightClipping",
]


class LipschitzConstraint(ABC):  # noqa: B024  (each method has a default that is right for some constraint)
    """What keeps a critic Lipschitz."""

    architecture: ClassVar[Architecture] = MLP()
    """The critic that goes with the constraint where none is given."""

    whole_support: ClassVar[bool] = False
    """Whether `potentials` must see all atoms, so that batches are of no use."""

    learning_rate: ClassVar[float] = 1e-2
    """Step size of Adam that suits it, in the units of standardised points."""

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Critic with the constraint built into its layers; the critic itself where nothing is built in."""
        del generator
        return critic

    def penalty(self, critic: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """What is added to the loss on a batch x of P and y of Q."""
        del critic, y, generator
        return x.new_zeros(())

    def project(self, critic: nn.Module) -> None:
        """Move the weights back into the admissible set after a step."""
        del critic

    def potentials(self, tx: Tensor, ty: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        """The dual pair (f, g) that critic values stand for: the critic and its negative."""
        del cost
        return tx, -ty

    def bound(self, critic: nn.Module) -> float:
        """A proven Lipschitz constant of a critic, by the norms of its layers; ``inf`` if one is not known."""
        return lipschitz_constant(critic)


@final
@dataclass(frozen=True)
class WeightClipping(LipschitzConstraint):
    """Every weight is clipped to [-limit, limit] after each step. Arjovsky, Chintala & Bottou (2017), algorithm 1.

    The critic is Lipschitz with *some* constant K, so its value is an estimate of K times the distance.

    Parameters
    ----------
    limit : float
        Largest magnitude of a weight or bias; the paper's is 0.01.
    """

    limit: float = 0.01

    def __post_init__(self) -> None:
        """Refuse a limit that leaves no critic."""
        at_least(np.finfo(float).tiny, limit=self.limit)

    def project(self, critic: nn.Module) -> None:
        """Clip all parameters."""
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.clamp_(-self.limit, self.limit)


@final
@dataclass(frozen=True)
class GradientPenalty(LipschitzConstraint):
    r"""$\lambda\,\mathbb E(|\nabla T(\hat x)| - 1)^2$ at points $\hat x$ between samples of P and of Q.

    Gulrajani et al. (2017), equation 3; the one-sided form $\max(0, |\nabla T| - 1)^2$ is that of Petzka et al. (2018).
    It bounds nothing: critics with gradients above 1 are common, and then overestimate.

    Parameters
    ----------
    weight : float
        The factor lambda; the paper's is 10.
    one_sided : bool
        Punish only gradients longer than 1.
    """

    weight: float = 10.0
    one_sided: bool = False
    learning_rate = 3e-3

    def __post_init__(self) -> None:
        """Refuse a reward for long gradients."""
        at_least(0, weight=self.weight)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Refuse a critic whose gradient cannot be differentiated, and need not be."""
        if not isinstance(critic, ConeEnvelope):
            return critic
        msg = "expected a network, got an envelope of cones, which has gradient 1 by construction; use ByConstruction()"
        raise TypeError(msg)

    def penalty(self, critic: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over as many interpolates as the smaller batch has points, one share per point."""
        n = min(len(x), len(y))
        share = torch.rand(n, 1, dtype=x.dtype, device=x.device, generator=generator)
        between = (share * x[:n] + (1 - share) * y[:n]).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        square = gradient.square().sum(1)
        # the norm is not differentiable at 0, where ReLU networks are flat
        norm = torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)
        excess = torch.relu(norm - 1) if self.one_sided else norm - 1
        return self.weight * excess.square().mean()


@final
@dataclass(frozen=True)
class SpectralNorm(LipschitzConstraint):
    """Every layer divided by its largest singular value. Miyato et al. (2018), equation 8.

    1-Lipschitz up to the error of the power iteration; `bound` measures that by singular values.

    Parameters
    ----------
    iterations : int
        Power iterations per step.
    """

    iterations: int = 3

    def __post_init__(self) -> None:
        """Refuse a norm that is never computed."""
        at_least(1, iterations=self.iterations)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Parametrise all layers."""
        with _seeded(generator):  # the iteration starts from a random vector
            for layer in linear_layers(critic):
                parametrizations.spectral_norm(layer, n_power_iterations=self.iterations)
        return critic


@final
@dataclass(frozen=True)
class Orthogonal(LipschitzConstraint):
    """Every layer has orthonormal rows or columns (Cayley transform): exactly 1-Lipschitz, gradients keep their length.

    Anil, Lucas & Grosse (2019); Trockman & Kolter (2021). It goes with the GroupSort activation.
    """

    architecture = GroupSortMLP()

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Parametrise all layers."""
        with _seeded(generator):  # a frame of fewer columns than rows is completed at random
            for layer in linear_layers(critic):
                parametrizations.orthogonal(layer, orthogonal_map="cayley")
        return critic


@final
@dataclass(frozen=True)
class CTransform(LipschitzConstraint):
    r"""No constraint on the network: its values f on P are completed by $g_j = \min_i c_{ij} - f_i$ on Q.

    The pair is feasible whatever the network does, so each step of training is a proven lower bound; what is maximised
    is the semi-dual of optimal transport. The minimum runs over the whole support of P, hence finite measures only.
    Peyré & Cuturi (2019), section 5.1.
    """

    architecture = FourierMLP()
    learning_rate = 2e-2
    whole_support = True

    def potentials(self, tx: Tensor, ty: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        """The values on P and their c-transform."""
        with torch.no_grad():  # the gradient flows through the pair that attains the minimum only
            nearest = (cost - tx[:, None]).argmin(0)
        return tx, cost[nearest, torch.arange(cost.shape[1], device=cost.device)] - tx[nearest]


@final
@dataclass(frozen=True)
class ByConstruction(LipschitzConstraint):
    """The critic is 1-Lipschitz for all parameters, as an envelope of cones is; no other is taken."""

    architecture = Cones()

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Refuse a critic that is not."""
        if isinstance(critic, ConeEnvelope):
            return critic
        msg = f"expected a critic that is 1-Lipschitz by construction, got {type(critic).__name__}; pass critic=gan.Cones()"
        raise TypeError(msg)


@contextmanager
def _seeded(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global generator, which its parametrizations draw from, follow ours for a while."""
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        yield
