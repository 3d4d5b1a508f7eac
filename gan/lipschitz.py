r"""Lipschitz constraints: how a critic is kept from growing without limit.

The Wasserstein distance is a supremum over 1-Lipschitz critics; without the constraint two points at distance d are
separated by any amount. Each constraint says how it is attached to a critic, what it adds to the loss, what it does
after a step, and which Lipschitz constant it *proves* (by layer norms), so that an estimate can be divided by it.

Attaching is idempotent: a critic that carries the constraint already, a trained one or its copy, is returned as it is.
"""

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gan.critics import (
    MLP,
    Architecture,
    Cones,
    FourierMLP,
    Funnels,
    GroupSortMLP,
    Standardised,
    lipschitz_constant,
)
from gan.envelopes import CTransformed, Envelope
from gan.expectations import at_least
from gan.perceptrons import perceptron
from gan.shares import Share, alone
from gan.spectral import AlmostOrthogonalMap, BjorckMap, CayleyMap, SpectralMap

__all__ = [
    "PORTFOLIO",
    "AlmostOrthogonal",
    "Bjorck",
    "ByConstruction",
    "CTransform",
    "Cayley",
    "GradientPenalty",
    "LipschitzConstraint",
    "Orthogonal",
    "SpectralNorm",
    "WeightClipping",
    "admissible",
]


Layer = nn.Linear | nn.Conv2d

MULTIPLYING = (
    nn.Linear,
    nn.Bilinear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
"""Layers that multiply by a weight, which can be of any size."""


class LipschitzConstraint(ABC):  # noqa: B024  (each method has a default that is right for some constraint)
    """What keeps a critic Lipschitz.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(3)
    >>> for constraint in (gan.Orthogonal(), gan.AlmostOrthogonal(), gan.ByConstruction()):
    ...     critic = constraint.attach(constraint.architecture.build(x, x, rng, unit=None), rng)
    ...     print(constraint.bound(critic) <= 1 + 1e-5)
    True
    True
    True
    """

    architecture: Architecture = MLP()
    """The critic that goes with the constraint where none is given."""

    whole_support: ClassVar[bool] = False
    """Whether `potentials` must see all atoms, so that batches are of no use."""

    learning_rate: ClassVar[float] = 1e-2
    """Step size of Adam that suits it, in the units of standardised points."""

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Critic with the constraint built into its layers; the critic itself where nothing is built in."""
        del generator
        return critic

    def penalty(
        self, critic: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator, *, share: Share = alone
    ) -> Tensor:
        """What is added to the loss on a batch x of P and y of Q, or on this process's share of one."""
        del critic, y, generator, share
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
    r"""Every weight is clipped to [-limit, limit] after each step. Arjovsky, Chintala & Bottou (2017), algorithm 1.

    The critic is Lipschitz with *some* constant K, so its value is an estimate of K times the distance. A critic of
    layers with m inputs and n outputs each has at most the product of all $c\sqrt{mn}$.

    Parameters
    ----------
    limit : float
        Largest magnitude of a weight or bias; the paper's is 0.01.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, constraint = torch.Generator().manual_seed(0), torch.eye(3), gan.WeightClipping(limit=0.25)
    >>> critic = gan.MLP(width=8).build(x, x, rng, unit=1.0)
    >>> constraint.project(critic)
    >>> max(p.abs().max().item() for p in critic.parameters())
    0.25
    """

    limit: float = 0.01
    learning_rate = 3e-3

    def __post_init__(self) -> None:
        """Refuse a limit that leaves no critic."""
        at_least(np.finfo(float).tiny, limit=self.limit)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Refuse layers whose parameters are not their weights."""
        del generator
        for part in critic.modules():
            if (present := _map_of(part)) is not None:
                msg = f"expected a critic with free weights to clip, got one under {present}; build a new critic"
                raise ValueError(msg)
        return critic

    def project(self, critic: nn.Module) -> None:
        """Clip all parameters."""
        with torch.no_grad():
            parameters: list[Tensor] = list(critic.parameters())
            torch._foreach_clamp_min_(parameters, -self.limit)
            torch._foreach_clamp_max_(parameters, self.limit)


@final
@dataclass(frozen=True)
class GradientPenalty(LipschitzConstraint):
    r"""$\lambda\,\mathbb E(|\nabla T(\hat x)| - 1)^2$ at points $\hat x$ between samples of P and of Q.

    Gulrajani et al. (2017), equation 3. One-sided it is $\lambda\,\mathbb E\max(0, |\nabla T| - 1)^2$, that of Petzka et al.
    (2018), and with power 1 the hinge $\lambda\,\mathbb E\max(0, |\nabla T| - 1)$. It bounds nothing: critics with gradients
    above 1 are common, and then overestimate. Two-sided it asks for slope 1 wherever it looks; on the line, where optimal
    critics turn between slopes 1 and -1, training may stay far from them, and the one-sided form is better.

    Parameters
    ----------
    weight : float
        The factor lambda; the paper's is 10.
    one_sided : bool
        Punish only gradients longer than 1.
    power : float
        Of the excess, at least 1.

    Examples
    --------
    >>> import gan
    >>> gan.GradientPenalty(one_sided=True, power=1)
    GradientPenalty(weight=10.0, one_sided=True, power=1)
    """

    weight: float = 10.0
    one_sided: bool = False
    power: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a reward for long gradients."""
        at_least(0, weight=self.weight)
        at_least(1, power=self.power)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Refuse a critic whose gradient cannot be differentiated, and need not be."""
        del generator
        if not any(isinstance(part, Envelope) for part in critic.modules()):
            return critic
        msg = "expected a network, got an envelope of cones, which has gradient 1 by construction; use ByConstruction()"
        raise TypeError(msg)

    def penalty(
        self, critic: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator, *, share: Share = alone
    ) -> Tensor:
        """Mean over as many interpolates as the smaller batch has points, each of a random mix, summed over a stack."""
        n = min(x.shape[-2], y.shape[-2])
        joint = torch.rand(n * share.processes, *x.shape[:-2], 1, dtype=x.dtype, device=x.device, generator=generator)
        mix = share.of(joint).movedim(0, -2)
        between = torch.lerp(y[..., :n, :], x[..., :n, :], mix)
        # ReLU networks are flat in places, where torch takes the derivative of a norm for 0
        norm = torch.linalg.vector_norm(_slopes(critic, between), dim=-1)
        excess = torch.relu(norm - 1) if self.one_sided else (norm - 1).abs()
        return self.weight * excess.pow(self.power).mean(-1).sum()


@final
@dataclass(frozen=True)
class SpectralNorm(LipschitzConstraint):
    """Every layer divided by its largest singular value. Miyato et al. (2018), equation 8.

    A fully connected critic is 1-Lipschitz up to the error of the power iteration; `bound` takes that into account. The
    weight of a convolution is divided by its norm as a matrix, as there; as a map of images it may be larger by the
    root of the number of patches that share a pixel (`gan.spectral.convolution_bound`), and `bound` counts that too. It
    is ``inf`` where layers are normalised in any other way as well.

    Parameters
    ----------
    iterations : int
        Power iterations per step.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, constraint = torch.Generator().manual_seed(0), torch.eye(3), gan.SpectralNorm(iterations=100)
    >>> critic = constraint.attach(gan.MLP(width=8).build(x, x, rng, unit=None), rng)
    >>> 1.0 <= constraint.bound(critic) < 1.01
    True
    """

    iterations: int = 3

    def __post_init__(self) -> None:
        """Refuse a norm that is never computed."""
        at_least(1, iterations=self.iterations)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Parametrise all layers, convolutions of images among them."""
        return _parametrised(
            critic, self, lambda weight: SpectralMap(weight, self.iterations, generator), (nn.Linear, nn.Conv2d)
        )


@final
@dataclass(frozen=True)
class Cayley:
    """Orthonormal frames by Cayley's transform, exact up to rounding. Trockman & Kolter (2021).

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> frame = gan.Cayley().matrix_map()(torch.tensor([[3.0, 1.0], [1.0, 2.0]]))
    >>> torch.allclose(frame @ frame.T, torch.eye(2), atol=1e-5)
    True
    """

    def matrix_map(self) -> nn.Module:
        """The parametrization of one weight."""
        return CayleyMap()


@final
@dataclass(frozen=True)
class Bjorck:
    """Nearly orthonormal frames by Björck's iteration: norms never above 1, and 1 in the limit. Anil et al. (2019).

    Parameters
    ----------
    iterations : int
        Steps of the iteration; with few of them small singular values stay small.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> frame = gan.Bjorck(iterations=30).matrix_map()(torch.tensor([[3.0, 1.0], [1.0, 2.0]]))
    >>> torch.allclose(frame @ frame.T, torch.eye(2), atol=1e-4)
    True
    """

    iterations: int = 12

    def __post_init__(self) -> None:
        """Refuse an iteration that does nothing."""
        at_least(1, iterations=self.iterations)

    def matrix_map(self) -> nn.Module:
        """The parametrization of one weight."""
        return BjorckMap(self.iterations)


@final
@dataclass(frozen=True)
class Orthogonal(LipschitzConstraint):
    """Every layer has orthonormal rows or columns: exactly 1-Lipschitz, and gradients keep their length backwards.

    Anil, Lucas & Grosse (2019). It goes with the GroupSort activation.

    Parameters
    ----------
    by : Cayley or Bjorck
        How the weight is made orthonormal.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> generator, points = torch.Generator().manual_seed(0), torch.eye(5)
    >>> critic = gan.GroupSortMLP().build(points, points, generator, unit=None)
    >>> critic = gan.Orthogonal().attach(critic, generator)
    >>> 1.0 <= gan.Orthogonal().bound(critic) <= 1.0 + 1e-5
    True
    """

    by: Cayley | Bjorck = Cayley()
    architecture = GroupSortMLP()

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Parametrise all layers."""
        del generator
        return _parametrised(critic, self, lambda _: self.by.matrix_map())


@final
@dataclass(frozen=True)
class AlmostOrthogonal(LipschitzConstraint):
    """Every weight rescaled column by column so that its norm is at most 1. Prach & Lampert (2022).

    Cheaper than an orthonormal frame, which training approaches where that serves the objective.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, constraint = torch.Generator().manual_seed(0), torch.eye(3), gan.AlmostOrthogonal()
    >>> critic = constraint.attach(gan.GroupSortMLP(width=8).build(x, x, rng, unit=None), rng)
    >>> constraint.bound(critic) <= 1 + 1e-5
    True
    """

    architecture = GroupSortMLP()
    learning_rate = 3e-2

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Parametrise all layers."""
        del generator
        return _parametrised(critic, self, lambda _: AlmostOrthogonalMap())


@final
@dataclass(frozen=True)
class CTransform(LipschitzConstraint):
    r"""No constraint on the network: its values f on P are completed by $g_j = \min_i c_{ij} - f_i$ on Q.

    The pair is feasible whatever the network does, so each step of training is a proven lower bound; what is maximised
    is the semi-dual of optimal transport. The minimum runs over the whole support of P, hence finite measures only.
    Peyré & Cuturi (2019), section 5.1.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> f, g = gan.CTransform().potentials(torch.tensor([0.0, 1.0]), torch.zeros(2), torch.tensor([[1.0, 2.0], [3.0, 1.0]]))
    >>> f.tolist(), g.tolist()  # min(1 - 0, 3 - 1) and min(2 - 0, 1 - 1)
    ([0.0, 1.0], [1.0, 0.0])
    """

    architecture = FourierMLP(highest=200.0)  # potentials between hundreds of atoms turn at neighbouring ones
    learning_rate = 2e-2
    whole_support = True

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """The free network, also where its c-transform stands for it."""
        del generator
        return critic.network if isinstance(critic, CTransformed) else critic

    def potentials(self, tx: Tensor, ty: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        """The values on P and their c-transform."""
        with torch.no_grad():  # the gradient flows through the pair that attains the minimum only
            # costs are stored column by column, because torch's argmin is several times as fast along what is contiguous
            nearest = (cost.mT - tx[..., None, :]).argmin(-1)
        least = cost.mT.gather(-1, nearest[..., None]).squeeze(-1)
        return tx, least - tx.gather(-1, nearest)


@final
@dataclass(frozen=True)
class ByConstruction(LipschitzConstraint):
    """The critic is 1-Lipschitz for all parameters, as an envelope of cones or funnels is; no other is taken.

    Parameters
    ----------
    architecture : Architecture
        The critic where none is given.

    Examples
    --------
    >>> import gan
    >>> table = gan.worked_table()
    >>> constraint = gan.ByConstruction(gan.Funnels(tips=8))
    >>> estimate = gan.estimate(table.P, table.Q, constraint=constraint, budget=gan.Budget(steps=50))
    >>> estimate.lipschitz_bound, estimate.lower <= 7.0 <= estimate.upper
    (1.0, True)
    """

    architecture: Architecture = field(default_factory=Cones)

    def attach(self, critic: nn.Module, generator: torch.Generator) -> nn.Module:
        """Refuse a critic that is not."""
        del generator
        inner = critic.network if isinstance(critic, Standardised) else critic
        if isinstance(inner, Envelope | CTransformed):
            return critic
        msg = f"expected a critic that is 1-Lipschitz by construction, got {type(critic).__name__}; pass critic=gan.Cones()"
        raise TypeError(msg)


def admissible(bound: float, like: Tensor) -> bool:
    """Whether a proven constant is 1 but for the rounding of weights in the precision of `like`.

    Parameters
    ----------
    bound : float
        A proven Lipschitz constant.
    like : Tensor
        Has the dtype of the weights.

    Returns
    -------
    bool
        Whether the critic counts as 1-Lipschitz.
    """
    return bound <= 1 + 64 * torch.finfo(like.dtype).eps


PORTFOLIO: tuple[LipschitzConstraint, ...] = (
    ByConstruction(Cones(tips=1024)),
    ByConstruction(Funnels(tips=1024)),
    Orthogonal(),
)
"""Critics to train side by side on samples, each 1-Lipschitz whatever its weights are: none is the best on all pairs."""


def _parametrised(
    critic: nn.Module,
    rule: LipschitzConstraint,
    make: Callable[[Tensor], nn.Module],
    kinds: tuple[type[Layer], ...] = (nn.Linear,),
) -> nn.Module:
    """The critic with a map on the weight of each layer, those left as they are that have it already."""
    for layer in _weighted_layers(critic, rule, kinds):
        new, present = make(layer.weight), _map_of(layer)
        if present is None:
            parametrize.register_parametrization(layer, "weight", new)
        elif repr(present) != repr(new):  # the kind of the map and its settings
            msg = f"expected a critic with free weights or under {rule}, got one under {present}; build a new critic"
            raise ValueError(msg)
    return critic


def _weighted_layers(critic: nn.Module, rule: LipschitzConstraint, kinds: tuple[type[Layer], ...]) -> list[Layer]:
    """All layers of these kinds, in order; others, whose weights would stay free, are refused."""
    for part in critic.modules():
        if isinstance(part, MULTIPLYING) and not isinstance(part, kinds):
            known = " and ".join(kind.__name__ for kind in kinds)
            msg = (
                f"expected layers {known}, which {rule} can constrain, got {part}; "
                "take SpectralNorm() for convolutions of images, other constraints for critics such as GroupSortMLP()"
            )
            raise TypeError(msg)
    return [part for part in critic.modules() if isinstance(part, kinds)]


def _slopes(critic: nn.Module, points: Tensor) -> Tensor:
    """Gradients of a critic at points, which can be differentiated by its parameters."""
    if points.ndim == 2 and (network := perceptron(critic)) is not None and network.outputs == 1:
        return network.slope(points)
    points = points.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient


def _map_of(layer: nn.Module) -> nn.Module | None:
    """What the weight of a layer is made by."""
    if not parametrize.is_parametrized(layer, "weight"):
        return None
    maps = layer.get_submodule("parametrizations.weight")
    return next(iter(maps.children()))
