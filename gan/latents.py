r"""Laws of the latent variable z that a generator pushes forward, codes of InfoGAN among them.

A latent law is a frozen value: it knows its dimension and draws rows (n, dimension) from a torch generator. Laws that
carry codes also know where in a row these are, and their entropy, which the bound
$I(c; x) \ge \mathbb E[\log Q(c | x)] + H(c)$ needs.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gan.expectations import at_least

__all__ = ["CodedLatent", "Latent", "NormalLatent", "UniformLatent"]


class Latent(ABC):
    """The law of a generator's input."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of coordinates of a draw."""

    @abstractmethod
    def draw(self, n: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw independent rows.

        Parameters
        ----------
        n : int
            How many.
        like : Tensor
            A tensor of the dtype and device that the rows shall have.
        generator : torch.Generator
            Randomness, on the device of `like`.

        Returns
        -------
        Tensor (n, size)
            The rows.
        """


@final
@dataclass(frozen=True)
class NormalLatent(Latent):
    """Independent standard normal coordinates.

    Parameters
    ----------
    dimension : int
        How many.

    Examples
    --------
    >>> import torch
    >>> from gan.latents import NormalLatent
    >>> tuple(NormalLatent(3).draw(5, torch.empty(0), torch.Generator().manual_seed(0)).shape)
    (5, 3)
    """

    dimension: int = 8

    def __post_init__(self) -> None:
        """Refuse a latent space without coordinates."""
        at_least(1, dimension=self.dimension)

    @property
    def size(self) -> int:
        """Number of coordinates of a draw."""
        return self.dimension

    def draw(self, n: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw independent rows."""
        return torch.randn(n, self.dimension, generator=generator, dtype=like.dtype, device=like.device)


@final
@dataclass(frozen=True)
class UniformLatent(Latent):
    """Independent coordinates, uniform on [-1, 1], as in Radford, Metz & Chintala (2016).

    Parameters
    ----------
    dimension : int
        How many.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> z = gan.UniformLatent(3).draw(5, torch.empty(0), torch.Generator().manual_seed(0))
    >>> tuple(z.shape), bool((z.abs() <= 1).all())
    ((5, 3), True)
    """

    dimension: int = 100

    def __post_init__(self) -> None:
        """Refuse a latent space without coordinates."""
        at_least(1, dimension=self.dimension)

    @property
    def size(self) -> int:
        """Number of coordinates of a draw."""
        return self.dimension

    def draw(self, n: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw independent rows."""
        return _symmetric(n, self.dimension, like, generator)


@final
@dataclass(frozen=True)
class CodedLatent(Latent):
    r"""Noise beside codes: $z = (\varepsilon, c)$ as in InfoGAN, Chen et al. (2016), section 5 and appendix C.

    Noise is standard normal. A categorical code is uniform on K values and written as a one-hot row of length K; a
    continuous code is uniform on [-1, 1]. All are independent, so that their entropies add up.

    Parameters
    ----------
    noise : int
        Coordinates of noise.
    categories : tuple of int
        Number of values of each categorical code.
    continuous : int
        Number of continuous codes.

    Examples
    --------
    >>> import math, torch
    >>> from gan.latents import CodedLatent
    >>> latent = CodedLatent(noise=2, categories=(3,), continuous=1)
    >>> z = latent.draw(4, torch.empty(0), torch.Generator().manual_seed(0))
    >>> tuple(z.shape), tuple(latent.codes(z).shape), latent.entropy == math.log(3) + math.log(2)
    ((4, 6), (4, 4), True)
    """

    noise: int = 8
    categories: tuple[int, ...] = (10,)
    continuous: int = 0

    def __post_init__(self) -> None:
        """Refuse negative counts, codes of one value, and a latent space without codes."""
        at_least(0, noise=self.noise, continuous=self.continuous)
        at_least(2, **{f"categories[{i}]": k for i, k in enumerate(self.categories)})
        if not self.code_size:
            msg = "expected at least one code, got none; without codes the latent variable is NormalLatent(dimension)"
            raise ValueError(msg)

    @property
    def code_size(self) -> int:
        """Number of coordinates of all codes."""
        return sum(self.categories) + self.continuous

    @property
    def size(self) -> int:
        """Number of coordinates of a draw."""
        return self.noise + self.code_size

    @property
    def entropy(self) -> float:
        r"""Entropy of the codes in nats: $\sum_i \log K_i$, and log 2 for each continuous one."""
        return math.fsum(map(math.log, self.categories)) + self.continuous * math.log(2)

    def draw(self, n: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw independent rows: noise first, then categorical, then continuous codes."""
        noise = torch.randn(n, self.noise, generator=generator, dtype=like.dtype, device=like.device)
        chosen = [torch.randint(k, (n,), generator=generator, device=like.device) for k in self.categories]
        rows = [one_hot(c, k).to(like.dtype) for c, k in zip(chosen, self.categories, strict=True)]
        return torch.cat([noise, *rows, _symmetric(n, self.continuous, like, generator)], dim=1)

    def codes(self, z: Tensor) -> Tensor:
        """The codes within rows, (n, size) -> (n, code_size)."""
        return z[:, self.noise :]


def _symmetric(n: int, k: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Independent numbers (n, k), uniform on [-1, 1]."""
    return 2 * torch.rand(n, k, generator=generator, dtype=like.dtype, device=like.device) - 1
