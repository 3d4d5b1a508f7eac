r"""Generators $G: z \mapsto x$, shapes (n, latent size) -> (n, d), and a critic that shows its features.

A generator is a frozen value; `build` makes the network for the data at hand, all of its weights from one torch generator.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from gan.critics import Architecture, Standardised
from gan.expectations import at_least
from gan.latents import Latent, NormalLatent
from gan.perceptrons import Frame, Framed
from gan.sources import Sampler

__all__ = [
    "Affine",
    "FeatureCritic",
    "FeatureMLP",
    "GeneratorArchitecture",
    "GeneratorMLP",
    "LocationScale",
    "Placed",
    "fully_connected",
    "pushforward",
]


NORMAL = NormalLatent()
"""The default law of a generator's input."""


class GeneratorArchitecture(ABC):
    """A generator that can be built for given data.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, data = torch.Generator().manual_seed(0), torch.eye(3)
    >>> for architecture in (gan.GeneratorMLP(), gan.Affine(dimension=3)):
    ...     network = architecture.build(data, rng)
    ...     print(tuple(network(architecture.latent.draw(5, data, rng)).shape))
    (5, 3)
    (5, 3)
    """

    latent: Latent
    """The law of its input."""

    @abstractmethod
    def network(self, inputs: int, data: Tensor, generator: torch.Generator) -> nn.Module:
        """Make a network of any number of inputs.

        Parameters
        ----------
        inputs : int
            Number of its inputs: those of the latent variable, and of labels if it has them.
        data : Tensor (n, d)
            Points that the generated ones shall be like: they set dimension, dtype and device.
        generator : torch.Generator
            Randomness of the initial weights.

        Returns
        -------
        torch.nn.Module
            Takes rows (n, inputs) to points (n, d).
        """

    def build(self, data: Tensor, generator: torch.Generator) -> nn.Module:
        """Make the generator of points like `data`, from latent rows alone."""
        return self.network(self.latent.size, data, generator)


@final
@dataclass(frozen=True)
class GeneratorMLP(GeneratorArchitecture):
    """Fully connected network with ReLU. Its points are moved and scaled to the mean and the spread of the data.

    Parameters
    ----------
    latent : Latent
        The law of its input.
    width, depth : int
        Units of a hidden layer; number of hidden layers.

    Examples
    --------
    >>> import torch
    >>> from gan.networks import GeneratorMLP, pushforward
    >>> rng = torch.Generator().manual_seed(0)
    >>> architecture = GeneratorMLP(width=16)
    >>> network = architecture.build(torch.randn(100, 2, generator=rng, dtype=torch.float64), rng)
    >>> generated = pushforward(network, architecture.latent, 2)
    >>> tuple(generated(5, rng).shape)
    (5, 2)
    """

    latent: Latent = NORMAL
    width: int = 128
    depth: int = 2

    def __post_init__(self) -> None:
        """Refuse networks without units."""
        at_least(1, width=self.width, depth=self.depth)

    def network(self, inputs: int, data: Tensor, generator: torch.Generator) -> nn.Module:
        """Make a network of any number of inputs."""
        sizes = [inputs, *[self.width] * self.depth, data.shape[1]]
        return Placed(fully_connected(sizes, nn.ReLU, data, generator), data)


@final
@dataclass(frozen=True)
class Affine(GeneratorArchitecture):
    r"""The location-scale generator $G(z) = \mu + \sigma z$, $z \sim N(0, I_d)$: its points are $N(\mu, \sigma^2 I_d)$.

    Nowozin, Cseke & Tomioka (2016), section 2.5 fits it to a mixture; all of its divergences are known exactly.

    Parameters
    ----------
    location : float
        Where $\mu$ starts, in every coordinate.
    scale : float
        Where $\sigma > 0$ starts; training moves its logarithm.
    dimension : int
        Number d of coordinates.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> network = gan.Affine(location=1.0, scale=2.0).build(torch.zeros(4, 1), torch.Generator())
    >>> [round(x, 4) for x in network(torch.tensor([[0.0], [1.0]])).flatten().tolist()]
    [1.0, 3.0]
    """

    location: float = 0.0
    scale: float = 1.0
    dimension: int = 1

    def __post_init__(self) -> None:
        """Refuse a scale that is not positive, and an infinite start."""
        at_least(1, dimension=self.dimension)
        if not (0 < self.scale < math.inf and math.isfinite(self.location)):
            msg = f"expected a finite location and a finite scale > 0, got {self.location!r} and {self.scale!r}"
            raise ValueError(msg)

    @property
    def latent(self) -> NormalLatent:  # type: ignore[override]  # it follows from the dimension
        """Standard normal, as many coordinates as the points have."""
        return NormalLatent(self.dimension)

    def network(self, inputs: int, data: Tensor, generator: torch.Generator) -> nn.Module:
        """Make the map; nothing in it is random."""
        if inputs != self.dimension or data.shape[1] != self.dimension:
            msg = (
                f"expected {self.dimension} inputs and points of {self.dimension} coordinates, got {inputs} and "
                f"{data.shape[1]}; set dimension, and take another generator for labels"
            )
            raise ValueError(msg)
        start = torch.full_like(data[0], self.location)
        return LocationScale(start, math.log(self.scale))


@final
class LocationScale(nn.Module):
    r"""The map $z \mapsto \mu + \sigma z$, its parameters $\mu$ (d,) and $\log \sigma$ ().

    Parameters
    ----------
    location : Tensor (d,)
        Start of $\mu$.
    log_scale : float
        Start of $\log \sigma$.
    """

    def __init__(self, location: Tensor, log_scale: float) -> None:
        super().__init__()
        self.location = nn.Parameter(location.clone())
        self.log_scale = nn.Parameter(location.new_tensor(log_scale))

    def forward(self, z: Tensor) -> Tensor:
        """Points (n, d) from latent rows (n, d)."""
        return self.location + self.log_scale.exp() * z


@final
class Placed(Framed):
    """A network whose points are moved and scaled to the mean and the spread of data: the mirror of `Standardised`.

    Parameters
    ----------
    network : torch.nn.Module
        Takes rows to points (n, d) about 0, of size about 1.
    data : Tensor (m, d)
        The points that set centre and spread.
    """

    def __init__(self, network: nn.Module, data: Tensor) -> None:
        super().__init__()
        frame = Standardised(nn.Identity(), data, data, None)
        self.network = network
        self.register_buffer("centre", frame.get_buffer("centre"))
        self.register_buffer("spread", frame.get_buffer("spread"))

    @property
    def frame(self) -> Frame:
        """Spread and centre of the data."""
        return Frame(scale=self.get_buffer("spread"), shift=self.get_buffer("centre"))

    def forward(self, rows: Tensor) -> Tensor:
        """Points (n, d)."""
        points: Tensor = self.get_buffer("centre") + self.get_buffer("spread") * self.network(rows)
        return points


@final
@dataclass(frozen=True)
class FeatureMLP(Architecture):
    """Fully connected critic with leaky ReLU, which shows the units of its last hidden layer as features.

    Feature matching, minibatch discrimination and the code posterior of InfoGAN are built on these.

    Parameters
    ----------
    width, depth : int
        Units of a hidden layer; number of hidden layers.
    slope : float
        Slope of the activation below 0, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(5)
    >>> critic = gan.FeatureMLP(width=16).build(x, x, rng, unit=1.0)
    >>> tuple(critic(x).shape), tuple(critic.features(x).shape)
    ((5,), (5, 16))
    """

    width: int = 128
    depth: int = 2
    slope: float = 0.2

    def __post_init__(self) -> None:
        """Refuse networks without units, and slopes that are not in [0, 1]."""
        at_least(1, width=self.width, depth=self.depth)
        if not 0 <= self.slope <= 1:
            msg = f"expected a slope in [0, 1], got {self.slope!r}; 0.2 is usual"
            raise ValueError(msg)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> "FeatureCritic":
        """Make the network."""
        sizes = [x.shape[1], *[self.width] * self.depth, 1]
        layers = fully_connected(sizes, lambda: nn.LeakyReLU(self.slope), x, generator)
        return FeatureCritic(layers[:-1], layers[-1], Standardised(nn.Identity(), x, y, unit))


@final
class FeatureCritic(nn.Module):
    """A critic, and what its last layer sees.

    Parameters
    ----------
    body : torch.nn.Module
        Takes standardised points (n, d) to features (n, k).
    head : torch.nn.Module
        Takes features to values (n, 1).
    frame : Standardised
        Centre and spread of the points, and the unit of the values.
    """

    def __init__(self, body: nn.Module, head: nn.Module, frame: Standardised) -> None:
        super().__init__()
        self.body, self.head, self.frame = body, head, frame

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at points (n, d)."""
        values: Tensor = self.frame.get_buffer("unit") * self.head(self.features(x)).squeeze(-1)
        return values

    def features(self, x: Tensor) -> Tensor:
        """Units of the last hidden layer, (n, width), at points (n, d)."""
        units: Tensor = self.body(self.frame.standard(x))
        return units


def pushforward(network: nn.Module, latent: Latent, dimension: int, name: str = "generated") -> Sampler:
    r"""Draws from $G_\# \mu$, the law of G(z) for z of the latent law.

    Parameters
    ----------
    network : torch.nn.Module
        The generator G, on the CPU or elsewhere; it is used in the mode (training or evaluation) that it is in.
    latent : Latent
        The law of z.
    dimension : int
        Number of coordinates of the points.
    name : str
        What the points are.

    Returns
    -------
    Sampler
        Its draws; the latent rows are made on the CPU, so that they do not depend on the device.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> sampler = gan.pushforward(torch.nn.Identity(), gan.NormalLatent(2), 2, "normal")
    >>> sampler, tuple(sampler(5, torch.Generator().manual_seed(0)).shape)
    (Sampler(normal, dimension 2), (5, 2))
    """
    like = next((t for t in (*network.parameters(), *network.buffers()) if t.is_floating_point()), torch.empty(0))

    def draw(n: int, generator: torch.Generator) -> Tensor:
        with torch.no_grad():
            points: Tensor = network(latent.draw(n, like.cpu(), generator).to(like.device))
        return points.double().cpu()

    return Sampler(draw, dimension, name)


def fully_connected(
    sizes: list[int], activation: Callable[[], nn.Module], like: Tensor, generator: torch.Generator
) -> nn.Sequential:
    r"""Linear layers with an activation between them, weights and biases uniform on $\pm 1/\sqrt{inputs}$.

    Parameters
    ----------
    sizes : list of int
        Inputs of the first layer, then outputs of each.
    activation : callable
        Makes an activation.
    like : Tensor
        A tensor of the dtype and device of the weights.
    generator : torch.Generator
        Their randomness.

    Returns
    -------
    torch.nn.Sequential
        The layers.
    """
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
        for weights in (layer.weight, layer.bias):
            weights.uniform_(-bound, bound, generator=generator)
    return layer
