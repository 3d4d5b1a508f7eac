r"""Data with known answers: mixtures of Gaussians whose modes are known, lines, digits, and pushforwards of U(0, 1).

A data set draws labelled points, as many as are asked for, from a torch generator alone. Its label is what a conditional
model is given: the number of the mode that a point was drawn from, or the digit that an image shows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from divergences._extras import require
from gan.expectations import Discrete, Floats, at_least
from gan.sources import Sampler

__all__ = [
    "DataSet",
    "ImageSplit",
    "Labelled",
    "Pushforward",
    "digits",
    "fgan_mixture",
    "gaussian_modes",
    "grid",
    "of_stock",
    "parallel_line",
    "pushforwards",
    "ring",
    "spiral",
    "stacked_digits",
]


@final
@dataclass(frozen=True, eq=False)
class Labelled:
    """Points and their labels.

    Parameters
    ----------
    points : Tensor (n, d)
        The points.
    labels : Tensor of int (n,)
        The label of each.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> batch = gan.Labelled(torch.zeros(3, 2), torch.tensor([0, 1, 1]))
    >>> tuple(batch.points.shape), batch.labels.tolist()
    ((3, 2), [0, 1, 1])
    """

    points: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        """Refuse points and labels that do not fit."""
        if self.points.ndim != 2 or self.labels.shape != self.points.shape[:1] or self.labels.is_floating_point():
            shapes = f"points {tuple(self.points.shape)} and labels {tuple(self.labels.shape)} of {self.labels.dtype}"
            msg = f"expected points (n, d) and integer labels (n,), got {shapes}"
            raise ValueError(msg)


@final
@dataclass(frozen=True, eq=False)
class DataSet:
    r"""A distribution of labelled points, and what is known of it.

    Parameters
    ----------
    name : str
        What the points are.
    draw : callable
        ``draw(n, generator)`` makes n independent labelled points: doubles on the CPU, from the torch generator alone.
    shape : tuple of int
        Shape of a point: (d,), or channels, height and width of an image whose pixels are a row of the points.
    classes : int
        Labels are 0, ..., classes - 1.
    modes : array (k, d)
        Centres of the modes; (0, d) where the data have none that are known.
    scales : array (k,)
        Standard deviation of each mode in every coordinate.
    weights : array (k,)
        Probability of each mode.
    stock : Labelled
        All the points that draws are taken from, with replacement; none where each draw is new.

    Examples
    --------
    >>> import torch
    >>> from gan.datasets import ring
    >>> data = ring()
    >>> batch = data.draw(5, torch.Generator().manual_seed(0))
    >>> data, tuple(batch.points.shape), tuple(batch.labels.shape)
    (DataSet(ring of 8, dimension 2), (5, 2), (5,))
    """

    name: str
    draw: Callable[[int, torch.Generator], Labelled]
    shape: tuple[int, ...]
    classes: int
    modes: Floats
    scales: Floats
    weights: Floats
    stock: Labelled

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return math.prod(self.shape)

    @property
    def sampler(self) -> Sampler:
        """Draws of points without their labels."""
        return Sampler(lambda n, generator: self.draw(n, generator).points, self.dimension, self.name)

    def __repr__(self) -> str:
        """Name and dimension."""
        return f"DataSet({self.name}, dimension {self.dimension})"


def gaussian_modes(name: str, modes: Floats, scales: Floats, weights: Floats) -> DataSet:
    r"""The mixture $\sum_j w_j N(c_j, s_j^2 I_d)$; labels are the numbers of the components.

    Parameters
    ----------
    name : str
        What the points are.
    modes : array (k, d)
        Centres $c_j$.
    scales : array (k,)
        Standard deviations $s_j > 0$.
    weights : array (k,)
        Probabilities $w_j$.

    Returns
    -------
    DataSet
        Its draws.

    Raises
    ------
    ValueError
        If shapes do not fit, a scale is not positive, or weights are no probabilities.
    """
    measure = Discrete(modes, weights)
    deviations = np.array(scales, dtype=np.float64)
    if deviations.shape != (measure.size,) or not ((deviations > 0) & (deviations < math.inf)).all():
        msg = f"expected one finite scale > 0 for each of {measure.size} modes, got {scales!r}"
        raise ValueError(msg)
    deviations.setflags(write=False)
    centres, s, w = torch.tensor(measure.points), torch.tensor(deviations), torch.tensor(measure.weights)

    def draw(n: int, generator: torch.Generator) -> Labelled:
        labels = torch.multinomial(w, n, replacement=True, generator=generator)
        noise = torch.randn(n, measure.dimension, generator=generator, dtype=torch.float64)
        return Labelled(centres[labels] + s[labels, None] * noise, labels)

    shape = (measure.dimension,)
    return DataSet(name, draw, shape, measure.size, measure.points, deviations, measure.weights, _nothing(shape))


def ring(modes: int = 8, *, radius: float = 2.0, scale: float = 0.02) -> DataSet:
    r"""Gaussians of equal weight, evenly spaced on a circle, the first at (radius, 0).

    Parameters
    ----------
    modes : int
        Their number.
    radius : float
        Of the circle.
    scale : float
        Standard deviation of each.

    Returns
    -------
    DataSet
        In the plane.

    Examples
    --------
    >>> import torch
    >>> from gan.datasets import ring
    >>> data = ring()
    >>> data.modes.shape, tuple(data.sampler(5, torch.Generator().manual_seed(0)).shape)
    ((8, 2), (5, 2))
    """
    at_least(1, modes=modes)
    angles = 2 * math.pi * np.arange(modes) / modes
    centres = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _equal(f"ring of {modes}", centres, scale)


def grid(side: int = 5, *, spacing: float = 2.0, scale: float = 0.05) -> DataSet:
    """Gaussians of equal weight on a square grid about the origin.

    Parameters
    ----------
    side : int
        Number of columns and of rows.
    spacing : float
        Distance of neighbours.
    scale : float
        Standard deviation of each.

    Returns
    -------
    DataSet
        In the plane.

    Examples
    --------
    >>> from gan.datasets import grid
    >>> grid(2).modes.tolist()
    [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    at_least(1, side=side)
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    centres = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return _equal(f"grid of {side} x {side}", centres, scale)


def spiral(modes: int = 20, *, turns: float = 1.5, radius: float = 2.0, scale: float = 0.05) -> DataSet:
    r"""Gaussians of equal weight along the Archimedean spiral $r = R \varphi / (2 \pi t)$, equally spaced in angle.

    The centres are at angles $2 \pi t j / k$, j = 1, ..., k, so that the last is at distance R from the origin.

    Parameters
    ----------
    modes : int
        Their number k.
    turns : float
        Number t of turns.
    radius : float
        Distance R of the last from the origin.
    scale : float
        Standard deviation of each.

    Returns
    -------
    DataSet
        In the plane.

    Examples
    --------
    >>> import numpy as np
    >>> from gan.datasets import spiral
    >>> np.linalg.norm(spiral(4).modes, axis=1).round(12).tolist()
    [0.5, 1.0, 1.5, 2.0]
    """
    at_least(1, modes=modes)
    share = np.arange(1, modes + 1) / modes
    angles = 2 * math.pi * turns * share
    centres = radius * share[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _equal(f"spiral of {modes}", centres, scale)


def fgan_mixture() -> DataSet:
    r"""The mixture $0.33\, N(-1, 0.2548^2) + 0.67\, N(2, 1.4154^2)$ that Gaussians are fitted to.

    Nowozin, Cseke & Tomioka (2016), table 2 fits it under five divergences. They do not print the mixture; these numbers
    reproduce their exact fits to 6e-4.

    Returns
    -------
    DataSet
        On the line.

    Examples
    --------
    >>> from gan.datasets import fgan_mixture
    >>> data = fgan_mixture()
    >>> data.modes.ravel().tolist(), data.weights.tolist()
    ([-1.0, 2.0], [0.33, 0.67])
    """
    centres, deviations, weights = np.array([[-1.0], [2.0]]), np.array([0.2548, 1.4154]), np.array([0.33, 0.67])
    return gaussian_modes("f-GAN mixture", centres, deviations, weights)


def parallel_line(theta: float) -> DataSet:
    r"""A vertical segment: $(\theta, Z)$ with Z uniform on [0, 1]. Arjovsky, Chintala & Bottou (2017), example 1.

    Parameters
    ----------
    theta : float
        Its distance from the line at 0, and its W1 distance from the data set there.

    Returns
    -------
    DataSet
        In the plane, without modes; all labels are 0.

    Examples
    --------
    >>> import torch
    >>> from gan.datasets import parallel_line
    >>> points = parallel_line(0.5).sampler(100, torch.Generator().manual_seed(0))
    >>> points[:, 0].unique().tolist()
    [0.5]
    """
    if not math.isfinite(theta):
        msg = f"expected a finite theta, got {theta!r}"
        raise ValueError(msg)

    def draw(n: int, generator: torch.Generator) -> Labelled:
        z = torch.rand(n, 1, generator=generator, dtype=torch.float64)
        return Labelled(torch.cat([torch.full_like(z, theta), z], dim=1), torch.zeros(n, dtype=torch.long))

    return _unimodal(f"parallel line, theta = {theta:g}", draw, (2,), 1, _nothing((2,)))


def of_stock(name: str, stock: Labelled, shape: tuple[int, ...], classes: int) -> DataSet:
    """Draws, with replacement, from finitely many labelled points.

    Parameters
    ----------
    name : str
        What the points are.
    stock : Labelled
        The points, doubles on the CPU.
    shape : tuple of int
        Shape of a point.
    classes : int
        Number of labels.

    Returns
    -------
    DataSet
        Every point has the same probability.

    Raises
    ------
    ValueError
        If there are no points, or they are not of this shape.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import of_stock
    >>> data = of_stock("two points", gan.Labelled(torch.eye(2).double(), torch.tensor([0, 1])), (2,), 2)
    >>> tuple(data.sampler(5, torch.Generator().manual_seed(0)).shape)
    (5, 2)
    """
    if not len(stock.points) or stock.points.shape[1] != math.prod(shape):
        msg = f"expected at least one point of shape {shape}, a row of the stock, got {tuple(stock.points.shape)}"
        raise ValueError(msg)

    def draw(n: int, generator: torch.Generator) -> Labelled:
        index = torch.randint(len(stock.points), (n,), generator=generator)
        return Labelled(stock.points[index], stock.labels[index])

    return _unimodal(name, draw, shape, classes, stock)


@final
@dataclass(frozen=True, eq=False)
class ImageSplit:
    """Images to train on, and others of the same kind that are held out.

    Parameters
    ----------
    training, test : DataSet
        The two parts; no image is in both.
    """

    training: DataSet
    test: DataSet


def digits(*, test_share: float = 0.25, rng: int = 0) -> ImageSplit:
    r"""The 1797 handwritten digits of scikit-learn, 8x8 pixels in [-1, 1], divided at random.

    Parameters
    ----------
    test_share : float
        Share of the images that are held out, in (0, 1).
    rng : int
        Seed of the division.

    Returns
    -------
    ImageSplit
        Images of shape (1, 8, 8), their labels the ten digits.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    ValueError
        If a part would be empty.

    Examples
    --------
    >>> from gan.datasets import digits
    >>> split = digits()
    >>> split.training.shape, len(split.training.stock.points), len(split.test.stock.points)
    ((1, 8, 8), 1348, 449)
    """
    points, labels = _load_digits()
    held_out = round(test_share * len(points))
    if not 0 < held_out < len(points):
        msg = f"expected 0 < test_share < 1 with images on either side, got {test_share!r}; 0.25 is usual"
        raise ValueError(msg)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(rng))
    parts = (("digits", order[held_out:]), ("held-out digits", order[:held_out]))
    return ImageSplit(*(of_stock(name, Labelled(points[i], labels[i]), (1, 8, 8), 10) for name, i in parts))


def stacked_digits(source: DataSet) -> DataSet:
    r"""Three independent digits as the channels of one image: 1000 modes, labelled 100 a + 10 b + c.

    What Metz et al. (2017) do with MNIST to count the modes that a generator drops.

    Parameters
    ----------
    source : DataSet
        Images of one channel with labels of ten classes, such as a part of `digits`.

    Returns
    -------
    DataSet
        Images of three channels.

    Raises
    ------
    ValueError
        If the images have more than one channel, or other than ten classes.

    Examples
    --------
    >>> from gan.datasets import digits, stacked_digits
    >>> data = stacked_digits(digits().training)
    >>> data.shape, data.classes
    ((3, 8, 8), 1000)
    """
    if len(source.shape) != 3 or source.shape[0] != 1 or source.classes != 10:
        msg = f"expected images of one channel in ten classes, got shape {source.shape}, {source.classes} classes"
        raise ValueError(msg)

    def draw(n: int, generator: torch.Generator) -> Labelled:
        channels = source.draw(3 * n, generator)
        a, b, c = channels.labels.reshape(n, 3).unbind(1)
        return Labelled(channels.points.reshape(n, -1), 100 * a + 10 * b + c)

    shape = (3, *source.shape[1:])
    return _unimodal(f"stacked {source.name}", draw, shape, 1000, _nothing(shape))


@final
@dataclass(frozen=True, eq=False)
class Pushforward:
    r"""The law $g_\# \mu$ of g(U), U uniform on (0, 1), with its density $\sum_{g(u) = x} 1 / |g'(u)|$.

    Parameters
    ----------
    name : str
        The map in words.
    transform : callable
        The map g, of tensors.
    density : callable
        Its exact density, of arrays: 0 outside the range of g.
    """

    name: str
    transform: Callable[[Tensor], Tensor]
    density: Callable[[Floats], Floats]

    @property
    def data(self) -> DataSet:
        """Draws of g(U) on the line, all labels 0."""

        def draw(n: int, generator: torch.Generator) -> Labelled:
            # midpoints of 2^52 equal intervals: never 0 or 1, where g or its density may be infinite
            u = (torch.randint(2**52, (n, 1), generator=generator).double() + 0.5) / 2**52
            return Labelled(self.transform(u), torch.zeros(n, dtype=torch.long))

        return _unimodal(self.name, draw, (1,), 1, _nothing((1,)))


def pushforwards() -> tuple[Pushforward, Pushforward, Pushforward]:
    r"""Three maps of U(0, 1): the identity, $x^2$ with density $1 / (2 \sqrt x)$, and the quantiles of N(0, 1).

    Returns
    -------
    tuple of Pushforward
        In this order.

    Examples
    --------
    >>> from gan.datasets import pushforwards
    >>> [law.name for law in pushforwards()]
    ['identity', 'square', 'normal quantiles']
    """

    def square_density(x: Floats) -> Floats:
        inside = (x > 0) & (x < 1)
        return np.where(inside, 0.5 / np.sqrt(np.where(inside, x, 1.0)), 0.0)

    return (
        Pushforward("identity", lambda u: u, lambda x: ((x > 0) & (x < 1)).astype(np.float64)),
        Pushforward("square", torch.square, square_density),
        Pushforward("normal quantiles", torch.special.ndtri, lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi)),
    )


def _equal(name: str, centres: Floats, scale: float) -> DataSet:
    """Modes of equal weight and scale."""
    k = len(centres)
    return gaussian_modes(name, centres, np.full(k, scale), np.full(k, 1 / k))


def _unimodal(
    name: str,
    draw: Callable[[int, torch.Generator], Labelled],
    shape: tuple[int, ...],
    classes: int,
    stock: Labelled,
) -> DataSet:
    """A data set without known modes."""
    return DataSet(name, draw, shape, classes, np.zeros((0, math.prod(shape))), np.zeros(0), np.zeros(0), stock)


def _nothing(shape: tuple[int, ...]) -> Labelled:
    """No points of this shape."""
    return Labelled(torch.zeros(0, math.prod(shape), dtype=torch.float64), torch.zeros(0, dtype=torch.long))


def _load_digits() -> tuple[Tensor, Tensor]:
    """All images as rows of [-1, 1], and what they show."""
    require("sklearn", "estimators", "the data set of digits")
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return torch.tensor(data.data / 8 - 1, dtype=torch.float64), torch.tensor(data.target, dtype=torch.long)
