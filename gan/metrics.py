r"""Generated points against real ones, measured exactly.

$W_1$ between two samples is a linear program, solved with its certificate; its yardstick is $W_1$ between two samples that
are both real, which is not 0 and which no generator can be expected to undercut by learning. On the cells of a partition
(modes, bins, classes) the divergences JS and TV of the masses are finite sums, and each mode is there or is not.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

import divergences as dv
from gan.datasets import DataSet, Labelled, of_stock
from gan.expectations import Floats, at_least
from gan.partitions import Partition
from gan.sources import Sampler

__all__ = ["CellQuality", "Progress", "Quality", "Yardstick", "cell_quality", "exact_w1", "yardstick"]


def exact_w1(x: Tensor, y: Tensor) -> dv.Bounds:
    r"""The distance $W_1$ of two samples, each point of the same weight, within proven bounds.

    Parameters
    ----------
    x : Tensor (n, d)
        Points of the first, on any device.
    y : Tensor (m, d)
        Points of the second.

    Returns
    -------
    divergences.Bounds
        A lower bound, the value and an upper bound.

    Examples
    --------
    >>> import torch
    >>> from gan.metrics import exact_w1
    >>> exact_w1(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])).value
    5.0
    """
    first, second = (points.detach().to(torch.float64).numpy(force=True) for points in (x, y))
    return dv.wasserstein(first, second).bounds


@final
@dataclass(frozen=True, eq=False)
class CellQuality:
    """Points seen through a partition.

    Parameters
    ----------
    mass : array (k,)
        Share of the points in each cell.
    good : array (k,)
        Number of points of high quality in each cell.
    high_quality : float
        Share of the points that are of high quality.
    js, tv : float
        Jensen-Shannon divergence (nats, at most log 2) and total variation distance (at most 1) between the masses and those
        of the data: lower bounds of those between the two distributions, up to the error of sampling.
    """

    mass: Floats
    good: Floats
    high_quality: float
    js: float
    tv: float

    def covered(self, enough: int = 1) -> int:
        """Number of cells with at least so many points of high quality."""
        return int((self.good >= enough).sum())


def cell_quality(points: Tensor, partition: Partition) -> CellQuality:
    """Masses, coverage and quality of points on the cells of a partition.

    Parameters
    ----------
    points : Tensor (n, d)
        Generated points.
    partition : Partition
        The cells, and the masses of the data on them.

    Returns
    -------
    CellQuality
        What is to be seen of them.

    Raises
    ------
    ValueError
        If there are no points, or one is not finite.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> from gan.metrics import cell_quality
    >>> found = cell_quality(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), gan.modes_of(ring(4)))
    >>> found.mass.tolist(), found.covered(), found.high_quality, found.tv
    ([0.5, 0.5, 0.0, 0.0], 1, 0.5, 0.5)
    """
    array = points.detach().to(torch.float64).numpy(force=True)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        msg = f"expected finite points (n, d), got shape {array.shape} or NaN or infinity among them; was training stopped?"
        raise ValueError(msg)
    cells, k = partition.assign(array), len(partition.mass)
    mass = np.bincount(cells.index, minlength=k) / len(array)
    good = np.bincount(cells.index[cells.good], minlength=k).astype(np.float64)
    js, tv = float(dv.js(mass, partition.mass)), float(dv.tv(mass, partition.mass))
    return CellQuality(mass, good, float(cells.good.mean()), js, tv)


@final
@dataclass(frozen=True, eq=False)
class Quality:
    """How generated points compare with the data.

    Parameters
    ----------
    w1 : divergences.Bounds
        Exact W1 between samples of generated and of real points, the mean over the pairs of samples of the yardstick.
    floor : float
        Exact W1 between two real samples of that size, the mean over as many pairs.
    cells : CellQuality
        The points seen through the partition of the yardstick.
    covered : int
        Number of its cells that are covered.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> quality = gan.yardstick(data, gan.modes_of(data), rng, samples=100).measure(data.sampler, rng)
    >>> quality.covered, sorted(quality.row())
    (8, ['high_quality', 'js', 'modes', 'tv', 'w1', 'w1_lower', 'w1_real', 'w1_upper'])
    """

    w1: dv.Bounds
    floor: float
    cells: CellQuality
    covered: int

    @property
    def ratio(self) -> float:
        """W1 in units of the yardstick; ``inf`` where the yardstick is 0 and W1 is not, 1 where both are."""
        if self.floor:
            return self.w1.value / self.floor
        return math.inf if self.w1.value else 1.0

    def row(self) -> dict[str, float]:
        """The numbers as columns of a log."""
        return {
            "w1": self.w1.value,
            "w1_lower": self.w1.lower,
            "w1_upper": self.w1.upper,
            "w1_real": self.floor,
            "js": self.cells.js,
            "tv": self.cells.tv,
            "modes": float(self.covered),
            "high_quality": self.cells.high_quality,
        }

    def masses(self) -> dict[str, float]:
        """The mass of each cell as a column of a log."""
        return {f"mass_{i}": float(mass) for i, mass in enumerate(self.cells.mass)}


@final
@dataclass(frozen=True, eq=False)
class Progress:
    """One point of the history of a GAN training.

    Parameters
    ----------
    step : int
        Steps of the generator done.
    seconds : float
        Since the start.
    critic_loss, generator_loss : float
        What either player minimises, at that step.
    quality : Quality
        The generated points at that time.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> quality = gan.yardstick(data, gan.modes_of(data), rng, samples=100).measure(data.sampler, rng)
    >>> progress = gan.Progress(step=10, seconds=0.5, critic_loss=1.25, generator_loss=0.75, quality=quality)
    >>> list(progress.row().items())[:4]
    [('step', 10.0), ('seconds', 0.5), ('critic_loss', 1.25), ('generator_loss', 0.75)]
    """

    step: int
    seconds: float
    critic_loss: float
    generator_loss: float
    quality: Quality

    def row(self) -> dict[str, float]:
        """The numbers as columns of a log, but for the mass of each cell."""
        losses = {"critic_loss": self.critic_loss, "generator_loss": self.generator_loss}
        return {"step": float(self.step), "seconds": self.seconds} | losses | self.quality.row()


@final
@dataclass(frozen=True, eq=False)
class Yardstick:
    """Real samples that generated ones are held against, always the same ones.

    Parameters
    ----------
    real : Tensor (pairs, n, d)
        One real sample for each comparison.
    floor : float
        Mean W1 between each of them and a sample of the data of the same size.
    partition : Partition
        Cells of the data.
    points : int
        Generated points that are seen through the partition.
    enough : int
        Points of high quality that cover a cell.

    Examples
    --------
    A generator that makes a single point covers one mode of eight:

    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> measure = gan.yardstick(data, gan.modes_of(data), rng, samples=100)
    >>> collapsed = gan.Sampler(lambda n, generator: torch.tensor([[2.0, 0.0]]).repeat(n, 1), 2, "one point")
    >>> quality = measure.measure(collapsed, rng)
    >>> quality.covered, quality.cells.tv, quality.ratio > 1
    (1, 0.875, True)
    """

    real: Tensor
    floor: float
    partition: Partition
    points: int
    enough: int

    def measure(self, generated: Sampler, generator: torch.Generator) -> Quality:
        """Compare generated points with the data.

        Parameters
        ----------
        generated : Sampler
            Draws of the generator, see `gan.networks.pushforward`.
        generator : torch.Generator
            Randomness of the draws, on the CPU.

        Returns
        -------
        Quality
            The comparison.
        """
        w1 = _mean([exact_w1(generated(len(sample), generator), sample) for sample in self.real])
        cells = cell_quality(generated(self.points, generator), self.partition)
        return Quality(w1, self.floor, cells, cells.covered(self.enough))


def yardstick(
    data: DataSet,
    partition: Partition,
    generator: torch.Generator,
    *,
    reference: DataSet | None = None,
    samples: int = 1000,
    pairs: int = 1,
    points: int = 2000,
    enough: int = 1,
) -> Yardstick:
    """Draw the real samples of a yardstick, and measure how far apart real samples are.

    Parameters
    ----------
    data : DataSet
        The data.
    partition : Partition
        Cells of the data: `gan.partitions.modes_of`, `bins_of` or `classes_of`.
    generator : torch.Generator
        Randomness of the draws, on the CPU.
    reference : DataSet, optional
        Where the real samples of comparison come from: held-out points, if the data are a stock of finitely many. Not
        given, it is `data` itself; a stock is then divided into halves, as samples with points in common are too close.
    samples : int
        Size n of the samples between which W1 is computed, in time like n^2 or more.
    pairs : int
        Number of pairs of samples that W1 is the mean over.
    points : int
        Generated points that are seen through the partition.
    enough : int
        Points of high quality that cover a cell.

    Returns
    -------
    Yardstick
        Ready to measure.

    Raises
    ------
    ValueError
        If the data are a stock of a single point and there is no reference.

    Examples
    --------
    >>> import torch
    >>> from gan.datasets import ring
    >>> from gan.metrics import yardstick
    >>> from gan.partitions import modes_of
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> real = yardstick(data, modes_of(data), rng, samples=200).measure(data.sampler, rng)
    >>> real.covered, real.cells.high_quality > 0.95, real.ratio < 3
    (8, True, True)
    """
    at_least(1, samples=samples, pairs=pairs, points=points, enough=enough)
    first, second = _apart(data, generator) if reference is None else (reference, data)
    draws = [(first.sampler(samples, generator), second.sampler(samples, generator)) for _ in range(pairs)]
    floor = _mean([exact_w1(x, y) for x, y in draws]).value
    return Yardstick(torch.stack([x for x, _ in draws]), floor, partition, points, enough)


def _apart(data: DataSet, generator: torch.Generator) -> tuple[DataSet, DataSet]:
    """Two data sets of the same law; of a stock its halves, so that no point is in both."""
    stock = data.stock
    if not len(stock.points):
        return data, data
    if len(stock.points) < 2:
        msg = f"expected a reference for the single point of {data!r}; give a stock of held-out points"
        raise ValueError(msg)
    order = torch.randperm(len(stock.points), generator=generator)
    parts = (Labelled(stock.points[half], stock.labels[half]) for half in order.tensor_split(2))
    first, second = (of_stock(data.name, part, data.shape, data.classes) for part in parts)
    return first, second


def _mean(bounds: list[dv.Bounds]) -> dv.Bounds:
    """Bounds of the mean; the rounding of sum and quotient, half a unit in the last place each, is directed outward."""
    if len(bounds) == 1:
        return bounds[0]
    lower, value, upper = (math.fsum(side) / len(bounds) for side in zip(*map(_sides, bounds), strict=True))
    lower, upper = (_two_units(end, towards) for end, towards in ((lower, -math.inf), (upper, math.inf)))
    return dv.Bounds(max(0.0, lower), value, upper)


def _two_units(x: float, towards: float) -> float:
    return math.nextafter(math.nextafter(x, towards), towards)


def _sides(bounds: dv.Bounds) -> tuple[float, float, float]:
    return bounds.lower, bounds.value, bounds.upper
