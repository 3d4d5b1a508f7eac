"""From samples to the bracket: which points train, which choose, which are measured, and what is read from the last."""

import copy
import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

import divergences as dv
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.confidence import LARGEST, Confidence, standard_error
from gan.expectations import Floats
from gan.finite_w1 import diverged
from gan.sources import Source, Split, split

__all__ = ["Measured", "Samples", "bracket", "doubled", "evaluated", "measured"]

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

    @property
    def unit(self) -> float:
        """A length that losses are divided by in training, so that steps do not depend on the unit of the points."""
        both = torch.cat([self.P.training, self.Q.training])
        return float((both - both.mean(0)).abs().amax()) or 1.0

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
        return evaluated(critic, self.P.validation), evaluated(critic, self.Q.validation)

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
        return evaluated(critic, self.P.test), evaluated(critic, self.Q.test)


def doubled(critic: nn.Module) -> nn.Module:
    """The critic that is measured: a double copy on the CPU. In single precision rounded points are further apart than points.

    Parameters
    ----------
    critic : torch.nn.Module
        Any; it is left as it is.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; weights that a parametrization makes are made in double precision.
    """
    return copy.deepcopy(critic).double().cpu().eval()


def evaluated(critic: nn.Module, points: Tensor) -> Floats:
    """Outputs of a critic, as doubles, in chunks.

    Parameters
    ----------
    critic : torch.nn.Module
        Any, (n, d) -> (n,).
    points : Tensor (n, d)
        On the CPU.

    Returns
    -------
    array (n,)
        Finite numbers.
    """
    exact = doubled(critic)
    with torch.no_grad():
        parts = [exact(part.double()).numpy() for part in torch.split(points, CHUNK)]
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
        The objective on them, of the critic as it is wherever its values are finite, else of the clipped one.
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
        Mean and standard error of the critic, and the bound of the clipped one, which is at least 0. With few samples a
        critic that is clipped to a constant may prove the most; it says nothing about the value.
    """
    limits = clip_limits(reading, *chosen_on, confidence)
    lower = held_out_bound(confidence, reading, *test, limits)
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = reading.gain(test[0]), reading.loss(test[1])
    if not (np.abs(a) <= LARGEST).all() or not (np.abs(b) <= LARGEST).all():
        clipped = reading.clipped(*test, limits)
        a, b = clipped.a, clipped.b
    mean = math.fsum(a.tolist()) / len(a) - math.fsum(b.tolist()) / len(b)
    return Measured(mean, standard_error(a, b), max(lower, 0.0))


def bracket(lower: float, value: float, upper: float) -> dv.Bounds:
    """Bounds at a confidence level, the value brought between them.

    Either bound may fail, and they may contradict each other then; the upper gives way, which is the weaker of the two.
    """
    high = max(lower, upper)
    return dv.Bounds(lower, min(max(value, lower), high), high)
