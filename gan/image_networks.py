r"""Networks for images, whose points are rows of pixels in [-1, 1]: DCGAN's pair, and the autoencoder energy of EBGAN.

Images are rows (n, d), $d = c \cdot h \cdot w$, everywhere outside of these networks, so that distances, objectives and
constraints need not know of them. Radford, Metz & Chintala (2016), section 3; Zhao, Mathieu & LeCun (2017), section 2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar, final

import torch
from torch import Tensor, nn

from divergences.transport.exact import round_up
from gan.critics import Architecture, Standardised
from gan.expectations import at_least
from gan.fitting import minimise
from gan.latents import Latent, UniformLatent
from gan.networks import GeneratorArchitecture, fully_connected
from gan.perceptrons import calls_forward_of
from gan.sources import Sampler
from gan.spectral import Certified, convolution_bound, spectral_bound

__all__ = ["AutoencoderCritic", "AutoencoderEnergy", "ConvolutionalCritic", "DCGANCritic", "DCGANGenerator", "pretrain"]

DEVIATION = 0.02
"""Of initial weights: Radford, Metz & Chintala (2016), section 4."""

NOISE = UniformLatent(32)
"""The default law of the generator's input."""

M = TypeVar("M", bound=nn.Module)

Norm = Callable[[int], nn.Module]
"""Makes the layer that normalises a number of channels."""


@final
@dataclass(frozen=True)
class DCGANGenerator(GeneratorArchitecture):
    r"""Transposed convolutions of stride 2, each doubling the image; batch norm and ReLU between them, tanh at the end.

    The latent row becomes $2^{k-1} w$ channels of the smallest size $s / 2^k$, k the number of doublings; each doubling
    halves the channels, and the last makes the image. With shape (3, 64, 64), width 128 and 4 doublings it is the
    network of figure 1 of its source; the defaults are for 8x8 images.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of an image; both sides are multiples of 2 to the number of doublings.
    latent : Latent
        The law of its input.
    width : int
        Channels before the last layer.
    doublings : int
        Number of transposed convolutions of stride 2.

    Examples
    --------
    >>> import torch
    >>> from gan.image_networks import DCGANGenerator
    >>> rng = torch.Generator().manual_seed(0)
    >>> architecture = DCGANGenerator(width=4)
    >>> network = architecture.build(torch.zeros(1, 64), rng)
    >>> tuple(network(architecture.latent.draw(5, torch.zeros(1), rng)).shape)
    (5, 64)
    """

    shape: tuple[int, int, int] = (1, 8, 8)
    latent: Latent = NOISE
    width: int = 32
    doublings: int = 2

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be reached by doubling."""
        at_least(1, width=self.width)
        _smallest(self.shape, self.doublings)

    def network(self, inputs: int, data: Tensor, generator: torch.Generator) -> nn.Module:
        """Make a network of any number of inputs."""
        _require_rows(data, self.shape, more=False)
        channels = self.width << (self.doublings - 1)
        layers: list[nn.Module] = [
            nn.Unflatten(1, (inputs, 1, 1)),
            _blank(nn.ConvTranspose2d, inputs, channels, _smallest(self.shape, self.doublings), bias=False),
        ]
        for _ in range(self.doublings - 1):
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            layers += [_blank(nn.ConvTranspose2d, channels, channels // 2, 4, stride=2, padding=1, bias=False)]
            channels //= 2
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [_blank(nn.ConvTranspose2d, channels, self.shape[0], 4, stride=2, padding=1)]
        return _initialised(nn.Sequential(*layers, nn.Tanh(), nn.Flatten()), data, generator)


@final
@dataclass(frozen=True)
class DCGANCritic(Architecture):
    """Convolutions of stride 2, each halving the image: the mirror of `DCGANGenerator`, with leaky ReLU of slope 0.2.

    Neither its first nor its last layer is normalised. Rows that are longer than an image carry a label behind it
    (`gan.conditional.with_labels`): its entries become further channels, constant over the image.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of an image.
    width : int
        Channels after the first layer.
    doublings : int
        Number of convolutions of stride 2.
    norm : callable
        Makes the normalisation of a number of channels: ``torch.nn.BatchNorm2d`` as in its source. Batch norm makes the
        critic of a batch more than one of points, so that a gradient penalty needs another one:
        ``torch.nn.Identity``, or ``functools.partial(torch.nn.GroupNorm, 1)``, which is layer norm.

    Examples
    --------
    >>> import torch
    >>> from gan.image_networks import DCGANCritic
    >>> x = torch.zeros(5, 64)
    >>> critic = DCGANCritic(width=4).build(x, x, torch.Generator().manual_seed(0), unit=1.0)
    >>> tuple(critic(x).shape), tuple(critic.features(x).shape)
    ((5,), (5, 32))
    """

    shape: tuple[int, int, int] = (1, 8, 8)
    width: int = 32
    doublings: int = 2
    norm: Norm = nn.BatchNorm2d

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be halved so often."""
        at_least(1, width=self.width)
        _smallest(self.shape, self.doublings)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> "ConvolutionalCritic":
        """Make the network; pixels are in [-1, 1] and are not scaled. Where `unit` is None its output is in units of 1."""
        _require_rows(x, self.shape, more=True)
        labels = x.shape[1] - math.prod(self.shape)
        body: list[nn.Module] = [
            _blank(nn.Conv2d, self.shape[0] + labels, self.width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        channels = self.width
        for _ in range(self.doublings - 1):
            body += [_blank(nn.Conv2d, channels, 2 * channels, 4, stride=2, padding=1, bias=False)]
            body += [self.norm(2 * channels), nn.LeakyReLU(0.2)]
            channels *= 2
        h, w = _smallest(self.shape, self.doublings)
        head = _blank(nn.Linear, channels * h * w, 1)
        critic = ConvolutionalCritic(
            nn.Sequential(*body, nn.Flatten()), head, self.shape, 1.0 if unit is None else unit
        )
        return _initialised(critic, x, generator)


@final
class ConvolutionalCritic(Certified):
    """A critic on rows of pixels, and of a label if there is one.

    Parameters
    ----------
    body : torch.nn.Module
        Takes images (n, c + labels, h, w) to features (n, k).
    head : torch.nn.Linear
        Takes features to values.
    shape : tuple of int
        Channels, height and width of an image.
    unit : float
        What one unit of the output of the head is worth.
    """

    def __init__(self, body: nn.Module, head: nn.Module, shape: tuple[int, int, int], unit: float) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.shape = shape
        self.register_buffer("unit", torch.tensor(unit))

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at rows (n, d)."""
        values: Tensor = self.get_buffer("unit") * self.head(self.features(x)).squeeze(1)
        return values

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, (n, k), at rows (n, d)."""
        pixels = math.prod(self.shape)
        labels = x[:, pixels:, None, None].expand(-1, -1, *self.shape[1:])
        features: Tensor = self.body(torch.cat([x[:, :pixels].reshape(-1, *self.shape), labels], dim=1))
        return features

    def constant(self) -> float:
        r"""A proven Lipschitz constant in the rows; ``inf`` where none is known, as of layers of norm.

        The constants of the layers multiply: those of `gan.spectral` and 1 for leaky ReLU. The entries of a label count
        $\sqrt{hw}$ times, as each is written on every pixel.
        """
        if not (isinstance(self.body, nn.Sequential) and calls_forward_of(self.body, nn.Sequential)):
            return math.inf
        learning = [part for part in self.modules() if part.training]
        self.eval()  # reading a weight in training would move a power iteration on
        try:
            parts = [_constant(part) for part in (*self.body, self.head)]
        finally:
            for part in learning:
                part.training = True
        if not all(map(math.isfinite, parts)):
            return math.inf
        copies = math.isqrt(self.shape[1] * self.shape[2] - 1) + 1 if self._labelled() else 1
        scale = Fraction(abs(float(self.get_buffer("unit")))) * copies
        return round_up(math.prod(map(Fraction, parts), start=scale))

    def _labelled(self) -> bool:
        """Whether there is a label behind the pixels."""
        first = next(part for part in self.body.modules() if isinstance(part, nn.Conv2d))
        return first.in_channels > self.shape[0]


@final
@dataclass(frozen=True)
class AutoencoderEnergy(Architecture):
    r"""EBGAN's critic: the reconstruction error of an autoencoder as energy, $D(x) = |x - Dec(Enc(x))|^2 / d \ge 0$.

    Zhao, Mathieu & LeCun (2017), section 2.3; they take the norm, whose square is smooth where the energy is 0. Points
    are standardised first, so that an energy of 1 is that of answering the mean of the data whatever is shown.

    Parameters
    ----------
    width, depth : int
        Units of a hidden layer of either half; number of hidden layers of either half.
    code : int
        Units in the middle: fewer than coordinates, or else all energies can be 0.

    Examples
    --------
    >>> import torch
    >>> from gan.image_networks import AutoencoderEnergy
    >>> x = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    >>> critic = AutoencoderEnergy().build(x, x, torch.Generator().manual_seed(0), unit=1.0)
    >>> tuple(critic(x).shape), bool((critic(x) >= 0).all()), tuple(critic.features(x).shape)
    ((5,), True, (5, 16))
    """

    width: int = 64
    depth: int = 1
    code: int = 16

    def __post_init__(self) -> None:
        """Refuse networks without units."""
        at_least(1, width=self.width, depth=self.depth, code=self.code)

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> "AutoencoderCritic":
        """Make the network; where `unit` is None an energy is a mean square of standardised coordinates, as with 1."""
        hidden = [self.width] * self.depth
        encoder = fully_connected([x.shape[1], *hidden, self.code], nn.ReLU, x, generator)
        decoder = fully_connected([self.code, *hidden[::-1], x.shape[1]], nn.ReLU, x, generator)
        return AutoencoderCritic(encoder, decoder, Standardised(nn.Identity(), x, y, 1.0 if unit is None else unit))


@final
class AutoencoderCritic(nn.Module):
    """Energies of points, their codes and their reconstructions.

    Parameters
    ----------
    encoder, decoder : torch.nn.Module
        Take standardised points (n, d) to codes (n, k), and back.
    frame : Standardised
        Centre and spread of the points, and the unit of the energy.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, frame: Standardised) -> None:
        super().__init__()
        self.encoder, self.decoder, self.frame = encoder, decoder, frame

    def forward(self, x: Tensor) -> Tensor:
        """Energies (n,), at least 0."""
        standard = self.frame.standard(x)
        error: Tensor = self.decoder(self.encoder(standard)) - standard
        return self.frame.get_buffer("unit") * error.square().mean(1)

    def features(self, x: Tensor) -> Tensor:
        """Codes (n, k); the pulling-away term of EBGAN is made of these."""
        codes: Tensor = self.encoder(self.frame.standard(x))
        return codes

    def reconstruct(self, x: Tensor) -> Tensor:
        """Points (n, d) as the autoencoder gives them back."""
        points: Tensor = self.decoder(self.features(x))
        return self.frame.get_buffer("centre") + self.frame.get_buffer("spread") * points


def pretrain(
    critic: AutoencoderCritic,
    data: Sampler,
    generator: torch.Generator,
    *,
    steps: int = 1000,
    batch: int = 64,
    learning_rate: float = 1e-3,
) -> Tensor:
    r"""Train an autoencoder on real data alone, by Adam on the mean energy $\mathbb E_P[D(x)]$ of fresh batches.

    What EBGAN's critic knows before it has seen a generated point.

    Parameters
    ----------
    critic : AutoencoderCritic
        The autoencoder; it is trained in place.
    data : Sampler
        The real data.
    generator : torch.Generator
        Randomness of the batches, on the CPU.
    steps, batch : int
        Number of steps; points of each.
    learning_rate : float
        Largest step size of Adam.

    Returns
    -------
    Tensor (steps,)
        Mean energy of each batch, before its step.

    Raises
    ------
    TrainingError
        If a mean energy is not finite.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> x = data.sampler(100, rng).float()
    >>> critic = gan.AutoencoderEnergy(width=16, code=1).build(x, x, rng, unit=1.0)
    >>> energies = gan.pretrain(critic, data.sampler, rng, steps=50, learning_rate=1e-2)
    >>> bool(energies[-1] < energies[0])
    True
    """
    at_least(1, steps=steps, batch=batch)
    like = next(critic.parameters())

    def loss() -> Tensor:
        energies: Tensor = critic(data(batch, generator).to(like))
        return energies.mean()

    return minimise(critic.parameters(), loss, steps=steps, learning_rate=learning_rate)


def _constant(layer: nn.Module) -> float:
    """A proven Lipschitz constant of a layer on whole images, ``inf`` if none is known here."""
    if isinstance(layer, nn.Conv2d) and calls_forward_of(layer, nn.Conv2d):
        return convolution_bound(layer)
    if isinstance(layer, nn.Linear) and calls_forward_of(layer, nn.Linear):
        return spectral_bound(layer.weight)
    if isinstance(layer, nn.LeakyReLU):
        return max(1.0, abs(layer.negative_slope))
    return 1.0 if isinstance(layer, nn.Flatten | nn.Identity | nn.ReLU) else math.inf


def _smallest(shape: tuple[int, int, int], doublings: int) -> tuple[int, int]:
    """Height and width after all halvings."""
    at_least(1, doublings=doublings, channels=shape[0], height=shape[1], width=shape[2])
    if shape[1] % 2**doublings or shape[2] % 2**doublings:
        msg = (
            f"expected height and width to be multiples of 2**{doublings}, got {shape[1]} and {shape[2]}; "
            "take fewer doublings, or pad the images"
        )
        raise ValueError(msg)
    return shape[1] >> doublings, shape[2] >> doublings


def _require_rows(rows: Tensor, shape: tuple[int, int, int], *, more: bool) -> None:
    """Refuse rows that are no images of this shape."""
    pixels = math.prod(shape)
    if rows.ndim != 2 or rows.shape[1] < pixels or (rows.shape[1] > pixels and not more):
        msg = f"expected rows of {pixels} pixels, images of shape {shape}, got shape {tuple(rows.shape)}; set shape"
        raise ValueError(msg)


def _blank(kind: type[nn.Module], *sizes: int | tuple[int, int], **settings: int | bool) -> nn.Module:
    """A layer whose weights are not set yet: torch would draw them from its global generator."""
    layer: nn.Module = nn.utils.skip_init(kind, *sizes, **settings)  # type: ignore[no-untyped-call]
    return layer


def _initialised(network: M, like: Tensor, generator: torch.Generator) -> M:
    """Weights normal of mean 0 and deviation 0.02, scales of norms likewise about 1, biases 0; dtype and device of `like`."""
    network.to(like)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                part.weight.normal_(0.0, DEVIATION, generator=generator)
                if part.bias is not None:
                    part.bias.zero_()
            elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm) and part.weight is not None:
                part.weight.normal_(1.0, DEVIATION, generator=generator)
    return network
