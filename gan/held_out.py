"""From samples to the bracket: which points train, which choose, which are measured, and what is read from the last."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

import divergences as dv
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.confidence import Confidence, standard_error
from gan.expectations import Floats
from gan.finite_w1 import diverged
from gan.sources import Source, Split, split

__all__ = ["Measured", "Samples", "evaluated", "measured"]

CHUNK = 8192
"""Points that a critic is evaluated on at once."""

Outputs = tuple[Floats, Floats]
"""A critic's outputs on points of P and of Q."""


@final
@dataclass(frozen=True, eq=False)
class Samples:
    """The points of P and of Q for all three steps, and batches of those for training.

    Parameters
    ----------
    P, Q : Split
        Doubles on the CPU.
    x, y : Tensor (n, d), (m, d)
        The points for training, in the precision and on the device of the training.
    generator : torch.Generator
        Randomness of the batches.
    """

    P: Split
    Q: Split
    x: Tensor
    y: Tensor
    generator: torch.Generator

    @classmethod
    def of(
        cls, P: Source, Q: Source, sizes: tuple[int, int, int], like: Tensor, generator: torch.Generator
    ) -> "Samples":
        """Draw, or divide what there is.

        Parameters
        ----------
        P, Q : Sampler or Tensor
            Where points come from.
        sizes : tuple of int
            Numbers for training, choice and measurement.
        like : Tensor
            Has the dtype and the device of the training.
        generator : torch.Generator
            All randomness comes from it.

        Returns
        -------
        Samples
            Independent parts.
        """
        seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        draw = torch.Generator().manual_seed(seed)
        p, q = split(P, sizes, draw), split(Q, sizes, draw)
        x, y = (part.training.to(like.device, like.dtype) for part in (p, q))
        return cls(p, q, x, y, generator)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Points of P and of Q, drawn with replacement from those for training.

        Parameters
        ----------
        size : int
            How many of each.

        Returns
        -------
        tuple of Tensor (size, d)
            The points.
        """
        x, y = (
            points[torch.randint(len(points), (size,), generator=self.generator, device=points.device)]
            for points in (self.x, self.y)
        )
        return x, y

    def validation(self, critic: nn.Module) -> Outputs:
        """Outputs on the points that choose.

        Parameters
        ----------
        critic : torch.nn.Module
            Any.

        Returns
        -------
        tuple of array
            On P and on Q.
        """
        return evaluated(critic, self.P.validation, self.x), evaluated(critic, self.Q.validation, self.x)

    def test(self, critic: nn.Module) -> Outputs:
        """Outputs on the points that measure.

        Parameters
        ----------
        critic : torch.nn.Module
            Trained, and chosen, without them.

        Returns
        -------
        tuple of array
            On P and on Q.
        """
        return evaluated(critic, self.P.test, self.x), evaluated(critic, self.Q.test, self.x)


def evaluated(critic: nn.Module, points: Tensor, like: Tensor) -> Floats:
    """Outputs of a critic, as doubles, in chunks.

    Parameters
    ----------
    critic : torch.nn.Module
        Any, (n, d) -> (n,).
    points : Tensor (n, d)
        On the CPU.
    like : Tensor
        Has the dtype and the device that the critic takes.

    Returns
    -------
    array (n,)
        Finite numbers.
    """
    with torch.no_grad():
        parts = [critic(part.to(like.device, like.dtype)).double().cpu().numpy() for part in torch.split(points, CHUNK)]
    outputs: Floats = np.concatenate(parts)
    if not np.isfinite(outputs).all():
        when = "on held-out samples"
        raise diverged(when)
    return outputs


@final
@dataclass(frozen=True)
class Measured:
    """What held-out samples say about a critic.

    Parameters
    ----------
    mean : float
        The objective on them.
    standard_error : float
        Of the mean.
    lower : float
        Confidence bound of the population's divergence from below.
    """

    mean: float
    standard_error: float
    lower: float


def measured(confidence: Confidence, reading: Reading, chosen_on: Outputs, test: Outputs) -> Measured:
    """Read a divergence from outputs on samples, clipped where other samples say.

    Parameters
    ----------
    confidence : Confidence
        The kind and the level of the bound.
    reading : Reading
        How outputs become a bound.
    chosen_on, test : tuple of array
        Outputs on the points that choose the clipping, and on those that measure.

    Returns
    -------
    Measured
        Mean, standard error and bound of the clipped critic; of the bound at least 0.
    """
    limits = clip_limits(reading, *chosen_on, confidence)
    values = reading.clipped(*test, limits)
    mean = math.fsum(values.a.tolist()) / len(values.a) - math.fsum(values.b.tolist()) / len(values.b)
    lower = held_out_bound(confidence, reading, *test, limits)
    return Measured(mean, standard_error(values.a, values.b), max(lower, 0.0))


def bracket(lower: float, value: float, upper: float) -> dv.Bounds:
    """Bounds at a confidence level, the value brought between them.

    Either bound may fail, and they may contradict each other then; the upper gives way, which keeps the level of both.
    """
    high = max(lower, upper)
    return dv.Bounds(lower, min(max(value, lower), high), high)
