r"""Critics: networks $T: \mathbb R^d \to \mathbb R$, shapes (n, d) -> (n,).

An architecture is a frozen value; `build` makes the network for the points at hand. Inputs are centred and divided by
one length s; where the critic is to be measured in units of distance its output is multiplied by s again, so that
neither step changes a Lipschitz constant.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from divergences.transport.exact import round_up
from gan.envelopes import ConeEnvelope, CTransformed, Envelope, FunnelEnvelope
from gan.expectations import at_least
from gan.perceptrons import Frame, Framed, calls_forward_of
from gan.spectral import Certified, spectral_bound

__all__ = [
    "MLP",
    "Architecture",
    "Cones",
    "FourierMLP",
    "Funnels",
    "GroupSort",
    "GroupSortMLP",
    "MaxMin",
    "Standardised",
    "lipschitz_constant",
]


class Architecture(ABC):
    """A critic that can be built for given points.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, y = torch.Generator().manual_seed(0), torch.zeros(4, 2), torch.ones(3, 2)
    >>> for architecture in (gan.MLP(), gan.Cones(), gan.Table()):
    ...     print(tuple(architecture.build(x, y, rng, unit=1.0)(y).shape))
    (3,)
    (3,)
    (3,)
    """

    @abstractmethod
    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network.

        Parameters
        ----------
        x, y : Tensor (n, d), (m, d)
            Points of P and of Q: they set the scale of the inputs, the dtype and the device.
        generator : torch.Generator
            Randomness of the initial weights.
        unit : float or None
            What one unit of the network's output is worth; None for the length scale of the points.

        Returns
        -------
        torch.nn.Module
            A critic (n, d) -> (n,).
        """


@final
@dataclass(frozen=True)
class MLP(Architecture):
    """Fully connected network with ReLU, the critic of the papers on weight clipping and on the gradient penalty.

    Parameters
    ----------
    width : int
        Units of a hidden layer.
    depth : int
        Number of hidden layers.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(5)
    >>> critic = gan.MLP(width=16, depth=2).build(x, x, rng, unit=1.0)
    >>> tuple(critic(x).shape), sum(p.numel() for p in critic.parameters())  # (5 + 1) 16 + (16 + 1) 16 + (16 + 1)
    ((5,), 385)
    """

    width: int = 64
    depth: int = 2

    def __post_init__(self) -> None:
        """Refuse networks without units."""
        at_least(1, width=self.width, depth=self.depth)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network."""
        return _fully_connected(self, nn.ReLU, x, y, generator, unit)


@final
@dataclass(frozen=True)
class GroupSortMLP(Architecture):
    """Fully connected network whose activation sorts units in groups, which keeps the length of gradients.

    Under an orthogonal constraint it is exactly 1-Lipschitz, and with enough units can approximate any such function.
    Anil, Lucas & Grosse (2019), section 4.

    Parameters
    ----------
    width : int
        Units of a hidden layer, a multiple of `group`.
    depth : int
        Number of hidden layers.
    group : int or None
        How many units are sorted together: 2 is MaxMin, None sorts the whole layer.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(5)
    >>> critic = gan.GroupSortMLP(width=16).build(x, x, rng, unit=None)
    >>> gan.AlmostOrthogonal().bound(gan.AlmostOrthogonal().attach(critic, rng)) <= 1 + 1e-5
    True
    """

    width: int = 64
    depth: int = 3
    group: int | None = 2

    def __post_init__(self) -> None:
        """Refuse networks without units, and a width that does not fall into groups."""
        at_least(2, width=self.width, group=self.group)
        at_least(1, depth=self.depth)
        if self.group is not None and self.width % self.group:
            pairs, groups = (
                "an even width, because MaxMin sorts units in pairs",
                f"a width that is a multiple of {self.group}",
            )
            msg = f"expected {pairs if self.group == 2 else groups}, got {self.width}"
            raise ValueError(msg)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network."""
        return _fully_connected(self, MaxMin if self.group == 2 else self._sorting, x, y, generator, unit)

    def _sorting(self) -> nn.Module:
        return GroupSort(self.group or self.width)


@final
@dataclass(frozen=True)
class FourierMLP(Architecture):
    """Tanh network on random Fourier features: it can bend quickly, which plain networks learn very slowly.

    Tancik et al. (2020). The features stand beside the coordinates themselves.

    Parameters
    ----------
    features : int
        Number of random frequencies, each with a sine and a cosine.
    width, depth : int
        Units of a hidden layer; number of hidden layers.
    lowest, highest : float
        Frequencies are log-uniform between these, in radians per standard deviation of the points.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(5)
    >>> critic = gan.FourierMLP(features=8, width=16).build(x, x, rng, unit=1.0)
    >>> tuple(critic(x).shape)
    (5,)
    """

    features: int = 64
    width: int = 64
    depth: int = 2
    lowest: float = 0.3
    highest: float = 10.0

    def __post_init__(self) -> None:
        """Refuse networks without units, and an empty range of frequencies."""
        at_least(1, features=self.features, width=self.width, depth=self.depth)
        if not 0 < self.lowest <= self.highest:
            msg = f"expected 0 < lowest <= highest, got {self.lowest!r} and {self.highest!r}"
            raise ValueError(msg)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network."""
        d = x.shape[1]
        share = torch.rand(self.features, generator=generator, dtype=x.dtype, device=x.device)
        length = self.lowest * (self.highest / self.lowest) ** share
        directions = torch.randn(d, self.features, generator=generator, dtype=x.dtype, device=x.device)
        frequencies = directions / math.sqrt(d) * length
        sizes = [d + 2 * self.features, *[self.width] * self.depth, 1]
        return Standardised(nn.Sequential(_Fourier(frequencies), _stack(sizes, nn.Tanh, x, generator)), x, y, unit)


@final
@dataclass(frozen=True)
class Cones(Architecture):
    r"""Maximum of cones $T(x) = \max_k (h_k - |x - z_k|)$ with tips at points of P: 1-Lipschitz whatever h and z are.

    McShane's extension: with fixed tips every 1-Lipschitz function on them has this form. Best where mass of Q lies around
    that of P: critics of this form have their sharp peaks on P.

    Parameters
    ----------
    tips : int
        Largest number of cones; where P has more points, as many of them drawn at random.
    trained : bool
        Whether the tips are trained too, beside the heights.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, y = torch.Generator().manual_seed(0), torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])
    >>> critic = gan.Cones(tips=2).build(x, y, rng, unit=None)
    >>> [round(value, 4) for value in critic(torch.cat([x, y])).tolist()]  # minus the distance from the nearest tip
    [0.0, 0.0, -2.0]
    >>> gan.ByConstruction().bound(critic)
    1.0
    """

    tips: int = 512
    trained: bool = True

    def __post_init__(self) -> None:
        """Refuse an envelope of nothing."""
        at_least(1, tips=self.tips)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the critic; it is in units of distance whatever `unit` says."""
        del unit
        return _envelope(ConeEnvelope, self, x, x, y, generator)


@final
@dataclass(frozen=True)
class Funnels(Architecture):
    r"""Minimum of funnels $T(x) = \min_k (h_k + |x - z_k|)$ with tips at points of Q: the mirror of `Cones`.

    The c-transform of any values on atoms of Q has this form, the optimal critic among them.

    Parameters
    ----------
    tips : int
        Largest number of funnels; where Q has more points, as many of them drawn at random.
    trained : bool
        Whether the tips are trained too, beside the heights.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, y = torch.Generator().manual_seed(0), torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])
    >>> critic = gan.Funnels(tips=2).build(x, y, rng, unit=None)
    >>> [round(value, 4) for value in critic(torch.cat([x, y])).tolist()]  # the distance from the tip at 3
    [3.0, 2.0, 0.0]
    """

    tips: int = 512
    trained: bool = True

    def __post_init__(self) -> None:
        """Refuse an envelope of nothing."""
        at_least(1, tips=self.tips)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the critic; it is in units of distance whatever `unit` says."""
        del unit
        return _envelope(FunnelEnvelope, self, y, x, y, generator)


@final
class MaxMin(nn.Module):
    """Sorts units in pairs: (a, b) -> (max, min). A permutation of its inputs, hence 1-Lipschitz without loss."""

    def forward(self, h: Tensor) -> Tensor:
        """Values of the same shape; the last axis is of even length."""
        a, b = h.chunk(2, dim=-1)
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=-1)


@final
class GroupSort(nn.Module):
    """Sorts units in groups of neighbours: a permutation of its inputs, hence 1-Lipschitz without loss.

    Parameters
    ----------
    group : int
        Units of a group; the last axis is a multiple of it long.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, h: Tensor) -> Tensor:
        """Values of the same shape, ascending within each group."""
        groups = h.reshape(*h.shape[:-1], -1, self.group)
        return groups.sort(-1).values.flatten(-2)


@final
class Standardised(Framed):
    """A network on centred and scaled inputs, its output in the unit asked for.

    Parameters
    ----------
    network : torch.nn.Module
        Takes points (n, d) of mean 0 and mean square 1 per coordinate to values (n,) or (n, 1).
    x, y : Tensor (n, d), (m, d)
        The points that set centre and scale.
    unit : float or None
        What one unit of the network's output is worth; None for the length scale of the points.
    """

    def __init__(self, network: nn.Module, x: Tensor, y: Tensor, unit: float | None) -> None:
        super().__init__()
        pooled = torch.cat([x, y])
        centre = pooled.mean(0)
        deviation = (pooled - centre).double().abs()
        largest = float(deviation.max()) or 1.0  # taken out before squaring, which over- or underflows
        spread = float(x.new_tensor(largest * float((deviation / largest).square().mean().sqrt()))) or 1.0
        self.network = network
        # tensors of the state, not numbers: stacks of critics are then standardised each in its own way
        self.register_buffer("centre", centre)
        self.register_buffer("spread", x.new_tensor(spread))
        self.register_buffer("unit", x.new_tensor(spread if unit is None else unit))

    @property
    def frame(self) -> Frame:
        """Centre and spread of the points, and the unit of the values."""
        centre, spread, unit = map(self.get_buffer, ("centre", "spread", "unit"))
        return Frame(centre, spread, unit, flat=True)

    def standard(self, x: Tensor) -> Tensor:
        """The points as the network sees them."""
        return (x - self.get_buffer("centre")) / self.get_buffer("spread")

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        out: Tensor = self.network(self.standard(x))
        return self.get_buffer("unit") * out.reshape(x.shape[:-1])


@final
class _Fourier(nn.Module):
    """Coordinates beside sines and cosines of random projections."""

    def __init__(self, frequencies: Tensor) -> None:
        super().__init__()
        self.register_buffer("frequencies", frequencies)

    def forward(self, x: Tensor) -> Tensor:
        phase = x @ self.get_buffer("frequencies")
        return torch.cat([x, phase.sin(), phase.cos()], dim=-1)


def lipschitz_constant(module: nn.Module) -> float:
    r"""A proven Lipschitz constant of a critic with respect to Euclidean distance, ``inf`` if a part is not known here.

    Constants of layers in a row multiply: a bound of the spectral norm of a linear one (`spectral_bound`), 1 for ReLU,
    tanh, sorting units and envelopes of cones, and $\sqrt{1 + |F|^2}$ for the coordinates beside the sine and cosine of
    projections F. The product is exact and rounded up once.

    Parameters
    ----------
    module : torch.nn.Module
        The critic; it is looked at as it is in evaluation mode, and left in the mode that it was in.

    Returns
    -------
    float
        A number that is not below the constant of the function of real numbers that the weights describe.

    Raises
    ------
    ValueError
        If a weight is not finite.

    Examples
    --------
    >>> import torch
    >>> from gan.critics import lipschitz_constant
    >>> layer = torch.nn.Linear(2, 1)
    >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> 5.0 <= lipschitz_constant(torch.nn.Sequential(layer, torch.nn.ReLU())) <= 5.0 * (1 + 1e-14)
    True
    >>> lipschitz_constant(torch.nn.Sequential(layer, torch.nn.Softplus()))
    inf
    """
    learning = [part for part in module.modules() if part.training]
    module.eval()  # reading a weight in training would move a power iteration on
    try:
        constant = _constant(module)
    finally:
        for part in learning:
            part.training = True
    return math.inf if constant is None else round_up(constant)


def _constant(module: nn.Module) -> Fraction | None:
    """The constant as a rational number, None if there is none."""
    if isinstance(module, nn.Sequential) and calls_forward_of(module, nn.Sequential):
        parts = [_constant(part) for part in module]
        known = [part for part in parts if part is not None]
        return math.prod(known, start=Fraction(1)) if len(known) == len(parts) else None
    if isinstance(module, Standardised):
        inner = _constant(module.network)
        unit, spread = (Fraction(float(module.get_buffer(name))) for name in ("unit", "spread"))
        return None if inner is None else inner * unit / spread
    if isinstance(module, Certified):
        return _rational(module.constant())
    if isinstance(module, nn.Linear) and calls_forward_of(module, nn.Linear):
        return _rational(spectral_bound(module.weight))
    if isinstance(module, _Fourier):  # hypot errs by less than one unit in the last place
        return _rational(math.nextafter(math.hypot(1.0, spectral_bound(module.get_buffer("frequencies"))), math.inf))
    exactly_one = nn.ReLU | nn.Tanh | MaxMin | GroupSort | Envelope | CTransformed
    return Fraction(1) if isinstance(module, exactly_one) else None


def _rational(x: float) -> Fraction | None:
    return Fraction(x) if math.isfinite(x) else None


def _envelope(
    kind: type[ConeEnvelope | FunnelEnvelope],
    shape: Cones | Funnels,
    points: Tensor,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
) -> Standardised:
    """Tips at some of the points, all of height 0: each cone is the highest at its own tip, so that none is dead."""
    order = torch.randperm(len(points), generator=generator, device=points.device)[: shape.tips]
    drawn = points[order]
    # of tips that coincide one is active, and where it is lowered the next, which has to be lowered as well
    distinct = torch.unique(drawn, dim=0)
    tips = drawn if len(distinct) == len(drawn) else distinct
    critic = Standardised(nn.Identity(), x, y, None)
    critic.network = kind(critic.standard(tips), points.new_zeros(len(tips)), trained=shape.trained)
    return critic


def _fully_connected(
    shape: MLP | GroupSortMLP,
    activation: Callable[[], nn.Module],
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    unit: float | None,
) -> Standardised:
    sizes = [x.shape[1], *[shape.width] * shape.depth, 1]
    return Standardised(_stack(sizes, activation, x, generator), x, y, unit)


def _stack(
    sizes: list[int], activation: Callable[[], nn.Module], like: Tensor, generator: torch.Generator
) -> nn.Sequential:
    """Linear layers of these sizes with an activation between them, initialised by `generator` alone."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [_linear(inputs, outputs, like, generator), activation()]
    return nn.Sequential(*layers[:-1])


def _linear(inputs: int, outputs: int, like: Tensor, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, inputs, outputs, dtype=like.dtype, device=like.device
    )
    bound = 1 / math.sqrt(inputs)
    with torch.no_grad():
        nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
