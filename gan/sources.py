r"""Distributions that are only seen through samples: fresh draws, or a stock of them that cannot grow."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.distributions import Distribution

from divergences.transport.inputs import read_floats
from gan.expectations import Discrete

__all__ = ["Sampler", "Source", "Split", "sampler", "split", "stock"]


@final
@dataclass(frozen=True, eq=False)
class Sampler:
    r"""A probability measure on $\mathbb R^d$ given by independent draws, as many as are asked for.

    Parameters
    ----------
    draw : callable
        ``draw(n, generator)`` makes n independent points: a double tensor (n, d) on the CPU, its randomness from the
        torch generator alone.
    dimension : int
        The number d of coordinates.
    name : str
        What the points are.

    Examples
    --------
    >>> import torch
    >>> from gan import Sampler
    >>> normal = Sampler(lambda n, g: torch.randn(n, 2, generator=g, dtype=torch.float64), 2, "normal")
    >>> tuple(normal(5, torch.Generator().manual_seed(0)).shape)
    (5, 2)
    """

    draw: Callable[[int, torch.Generator], Tensor]
    dimension: int
    name: str

    def __call__(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n points.

        Parameters
        ----------
        n : int
            How many.
        generator : torch.Generator
            A generator on the CPU.

        Returns
        -------
        Tensor (n, d)
            The points, finite doubles on the CPU.

        Raises
        ------
        ValueError
            If `draw` gave another shape or a number that is not finite.
        """
        points = self.draw(n, generator).double()
        if points.shape != (n, self.dimension) or not bool(points.isfinite().all()):
            msg = f"expected {n} finite points of dimension {self.dimension} from {self.name}, got {points!r}"
            raise ValueError(msg)
        return points

    @classmethod
    def of(cls, measure: Discrete, name: str = "discrete") -> "Sampler":
        """Independent draws from a finite measure.

        Parameters
        ----------
        measure : Discrete
            The measure; an atom is drawn with its probability.
        name : str
            What the points are.

        Returns
        -------
        Sampler
            Its draws.
        """
        points, weights = torch.tensor(measure.points), torch.tensor(measure.weights)

        def draw(n: int, generator: torch.Generator) -> Tensor:
            return points[torch.multinomial(weights, n, replacement=True, generator=generator)]

        return cls(draw, measure.dimension, name)

    def __repr__(self) -> str:
        """Name and dimension."""
        return f"Sampler({self.name}, dimension {self.dimension})"


Source = Sampler | Tensor
"""Fresh draws, or a stock of points (n, d)."""


def sampler(distribution: Distribution) -> Sampler:
    """Independent draws from a distribution of torch, its points flattened to vectors.

    Parameters
    ----------
    distribution : torch.distributions.Distribution
        One distribution: of empty batch shape, or of batch shape (1,).

    Returns
    -------
    Sampler
        Its draws; the global generator of torch, which they take their randomness from, is left as it was.

    Raises
    ------
    ValueError
        On a batch of several distributions.
    """
    if math.prod(distribution.batch_shape) != 1:
        msg = (
            f"expected one distribution, got a batch of shape {tuple(distribution.batch_shape)}; "
            "torch.distributions.Independent makes one of independent coordinates"
        )
        raise ValueError(msg)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        seed = int(torch.randint(2**62, (1,), generator=generator))
        with torch.random.fork_rng():
            torch.random.manual_seed(seed)
            return distribution.sample((n,)).reshape(n, -1).double().cpu()

    return Sampler(draw, max(math.prod(distribution.event_shape), 1), repr(distribution))


@final
@dataclass(frozen=True, eq=False)
class Split:
    """What a distribution gives for the three steps of an estimate, independent of one another.

    Parameters
    ----------
    training : Tensor (n, d)
        Points that critics are trained on.
    validation : Tensor (k, d)
        Points that choose among trained critics, and where to clip them.
    test : Tensor (m, d)
        Points that the reported numbers are means over, seen by nothing before.
    """

    training: Tensor
    validation: Tensor
    test: Tensor


def split(source: Source, sizes: tuple[int, int, int], generator: torch.Generator) -> Split:
    """Three independent samples: fresh draws of these sizes, or a stock of points divided in their proportion.

    Parameters
    ----------
    source : Sampler or Tensor (n, d)
        Where points come from.
    sizes : tuple of int
        Numbers of points for training, validation and test.
    generator : torch.Generator
        Randomness of the draws, or of who goes where.

    Returns
    -------
    Split
        Double tensors on the CPU.
    """
    if isinstance(source, Sampler):
        return Split(*(source(n, generator) for n in sizes))
    order = torch.randperm(len(source), generator=generator)
    shares = np.cumsum(sizes) / sum(sizes)
    first, second = (math.floor(share * len(source)) for share in shares[:2].tolist())
    if min(first, second - first, len(source) - second) < 2:
        msg = (
            f"expected enough samples to train on some and measure on others, got {len(source)}, "
            f"divided in the proportion {sizes} of budget.samples"
        )
        raise ValueError(msg)
    return Split(*(source[part] for part in (order[:first], order[first:second], order[second:])))


def stock(name: str, samples: npt.ArrayLike) -> Tensor:
    """Points (n, d) of an array of samples, finite doubles; one of shape (n,) is n points of the line."""
    x = np.array(read_floats(name, samples))
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        msg = f"expected {name} of shape (n, d) or (n,), all finite, got shape {np.shape(samples)}; rows are points"
        raise ValueError(msg)
    return torch.tensor(x)
