r"""Critics: networks $T: \mathbb R^d \to \mathbb R$, shapes (n, d) -> (n,).

An architecture is a frozen value; `build` makes the network for the points at hand. Inputs are centred and divided by
one length s; where the critic is to be measured in units of distance its output is multiplied by s again, so that
neither step changes a Lipschitz constant.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from gan.expectations import at_least

__all__ = [
    "MLP",
    "Architecture",
    "Cones",
    "FourierMLP",
    "GroupSortMLP",
    "MaxMin",
    "linear_layers",
    "lipschitz_constant",
]


class Architecture(ABC):
    """A critic that can be built for given points."""

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
    """Fully connected network with the MaxMin activation, which keeps the length of gradients.

    Under an orthogonal constraint it is exactly 1-Lipschitz, and with enough units can approximate any such function.
    Anil, Lucas & Grosse (2019), section 4.

    Parameters
    ----------
    width : int
        Units of a hidden layer, an even number.
    depth : int
        Number of hidden layers.
    """

    width: int = 64
    depth: int = 3

    def __post_init__(self) -> None:
        """Refuse networks without units, and a width that does not fall into pairs."""
        at_least(2, width=self.width)
        at_least(1, depth=self.depth)
        if self.width % 2:
            msg = f"expected an even width, because MaxMin sorts units in pairs, got {self.width}"
            raise ValueError(msg)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the network."""
        return _fully_connected(self, MaxMin, x, y, generator, unit)


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
    r"""Upper envelope of cones $T(x) = \max_k (h_k - |x - z_k|)$ with tips at points of P: 1-Lipschitz whatever h is.

    McShane's extension: every 1-Lipschitz function on the tips has this form. The heights are trained, the tips stay.

    Parameters
    ----------
    tips : int
        Largest number of cones; where P has more points, as many of them drawn at random.
    """

    tips: int = 512

    def __post_init__(self) -> None:
        """Refuse an envelope of nothing."""
        at_least(1, tips=self.tips)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> nn.Module:
        """Make the critic; it is in units of distance whatever `unit` says."""
        order = torch.randperm(len(x), generator=generator, device=x.device)[: self.tips]
        return ConeEnvelope(x[order], torch.cdist(x[order], y).mean(1))


@final
class ConeEnvelope(nn.Module):
    """The critic of `Cones`, 1-Lipschitz by construction."""

    def __init__(self, tips: Tensor, heights: Tensor) -> None:
        super().__init__()
        self.register_buffer("tips", tips.clone())
        self.heights = nn.Parameter(heights.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        # distances by differences: the expanded square loses the tips in rounding
        distance = torch.cdist(x, self.get_buffer("tips"), compute_mode="donot_use_mm_for_euclid_dist")
        return (self.heights - distance).amax(1)


@final
class MaxMin(nn.Module):
    """Sorts units in pairs: (a, b) -> (max, min). A permutation of its inputs, hence 1-Lipschitz without loss."""

    def forward(self, h: Tensor) -> Tensor:
        """Values of the same shape; the last axis is of even length."""
        a, b = h.chunk(2, dim=-1)
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=-1)


@final
class Standardised(nn.Module):
    """A network on centred and scaled inputs, its output in the unit asked for."""

    def __init__(self, network: nn.Module, x: Tensor, y: Tensor, unit: float | None) -> None:
        super().__init__()
        pooled = torch.cat([x, y])
        centre = pooled.mean(0)
        deviation = (pooled - centre).double().abs()
        largest = float(deviation.max()) or 1.0  # taken out before squaring, which over- or underflows
        spread = largest * float((deviation / largest).square().mean().sqrt()) or 1.0
        self.network, self.spread, self.unit = network, spread, spread if unit is None else unit
        self.register_buffer("centre", centre)

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        out: Tensor = self.network((x - self.get_buffer("centre")) / self.spread)
        return self.unit * out.squeeze(-1)


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
    r"""A proven Lipschitz constant of a network with respect to Euclidean distance, ``inf`` if a part is not known here.

    Constants of layers in a row multiply: the spectral norm of a linear one, 1 for ReLU, tanh and MaxMin, and
    $\sqrt{1 + |F|^2}$ for the coordinates beside the sine and cosine of projections F.
    """
    if isinstance(module, nn.Sequential):
        return math.prod(lipschitz_constant(part) for part in module)
    if isinstance(module, Standardised):
        return lipschitz_constant(module.network) * module.unit / module.spread
    if isinstance(module, nn.Linear):
        return _spectral_norm(module.weight)
    if isinstance(module, _Fourier):
        return math.hypot(1.0, _spectral_norm(module.get_buffer("frequencies")))
    return 1.0 if isinstance(module, nn.ReLU | nn.Tanh | MaxMin | ConeEnvelope) else math.inf


def _spectral_norm(weight: Tensor) -> float:
    with torch.no_grad():
        return float(torch.linalg.matrix_norm(weight, 2))


def linear_layers(critic: nn.Module) -> list[nn.Linear]:
    """All fully connected layers of a critic, in order."""
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]


def _fully_connected(
    shape: MLP | GroupSortMLP,
    activation: type[nn.Module],
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    unit: float | None,
) -> Standardised:
    sizes = [x.shape[1], *[shape.width] * shape.depth, 1]
    return Standardised(_stack(sizes, activation, x, generator), x, y, unit)


def _stack(sizes: list[int], activation: type[nn.Module], like: Tensor, generator: torch.Generator) -> nn.Sequential:
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
