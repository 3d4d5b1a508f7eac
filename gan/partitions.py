r"""Finite views of a space: each point falls into one cell, and is of high quality there or not.

A measure becomes its masses on the cells. By the data processing inequality no divergence of the masses is above that of
the measures themselves, and how many cells have mass is how many modes are covered.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from divergences._extras import require
from gan.datasets import DataSet, Labelled
from gan.expectations import Floats, at_least

__all__ = ["Bins", "Cells", "ClassCells", "ModeCells", "Partition", "bins_of", "classes_of", "modes_of"]


@final
@dataclass(frozen=True, eq=False)
class Cells:
    """Where points fall.

    Parameters
    ----------
    index : array of int (n,)
        The cell of each point.
    good : array of bool (n,)
        Whether it is of high quality.
    """

    index: npt.NDArray[np.intp]
    good: npt.NDArray[np.bool_]


class Partition(ABC):
    """Cells that a space is divided into."""

    mass: Floats
    """Masses of the data on the cells, (k,)."""

    @abstractmethod
    def assign(self, points: Floats) -> Cells:
        """Cell and quality of points (n, d)."""


@final
@dataclass(frozen=True, eq=False)
class ModeCells(Partition):
    """A point belongs to its nearest mode; it is of high quality within `radius` standard deviations of it.

    Parameters
    ----------
    modes : array (k, d)
        Centres.
    scales : array (k,)
        Standard deviation of each mode.
    mass : array (k,)
        Weights of the modes: the masses of the data where modes are far apart compared with their scale.
    radius : float
        3 is usual: Srivastava et al. (2017).
    """

    modes: Floats
    scales: Floats
    mass: Floats
    radius: float

    def assign(self, points: Floats) -> Cells:
        """Cell and quality of points (n, d)."""
        from scipy.spatial.distance import cdist

        distances = cdist(points, self.modes)
        index = distances.argmin(1)
        return Cells(index, distances[np.arange(len(points)), index] <= self.radius * self.scales[index])


def modes_of(data: DataSet, *, radius: float = 3.0) -> ModeCells:
    """The cells of a data set's own modes.

    Parameters
    ----------
    data : DataSet
        One with modes.
    radius : float
        Standard deviations within which a point is of high quality.

    Returns
    -------
    ModeCells
        One for each mode.

    Raises
    ------
    ValueError
        If the data have no known modes.

    Examples
    --------
    >>> import gan
    >>> from gan.datasets import ring
    >>> cells = gan.modes_of(ring(4)).assign([[2.0, 0.01], [0.0, 1.0]])  # at a mode; halfway to another
    >>> cells.index.tolist(), cells.good.tolist()
    ([0, 1], [True, False])
    """
    at_least(0, radius=radius)
    if not len(data.modes):
        msg = f"expected data with known modes, got {data!r}; take bins_of or classes_of instead"
        raise ValueError(msg)
    return ModeCells(data.modes, data.scales, data.weights, radius)


@final
@dataclass(frozen=True, eq=False)
class Bins(Partition):
    """Boxes between given edges on each axis, those at the ends without end; every point is of high quality.

    Parameters
    ----------
    edges : tuple of array
        For each axis, the ascending inner edges; b of them make b + 1 intervals, an edge in the one above.
    mass : array (k,)
        Masses of the data, the last axis running fastest.
    """

    edges: tuple[Floats, ...]
    mass: Floats

    def assign(self, points: Floats) -> Cells:
        """Cell and quality of points (n, d)."""
        return Cells(_boxes(self.edges, points), np.ones(len(points), dtype=bool))


def bins_of(sample: Tensor, *, bins: int = 20) -> Bins:
    """Boxes with edges at the quantiles of a sample of the data, on each axis for itself; masses are its frequencies.

    Parameters
    ----------
    sample : Tensor (n, d)
        A large sample of the data.
    bins : int
        Intervals on each axis; bins ** d boxes in all, which are to be far fewer than points.

    Returns
    -------
    Bins
        The boxes.

    Raises
    ------
    ValueError
        If there are not more points than boxes.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> bins = gan.bins_of(torch.arange(8.0)[:, None], bins=4)
    >>> bins.edges[0].tolist(), bins.mass.tolist()
    ([1.75, 3.5, 5.25], [0.25, 0.25, 0.25, 0.25])
    """
    at_least(2, bins=bins)
    points = _array(sample)
    if not len(points) > bins ** points.shape[1]:
        msg = f"expected more points than boxes, got {len(points)} and {bins}**{points.shape[1]}; take fewer bins"
        raise ValueError(msg)
    shares = np.arange(1, bins) / bins
    edges = tuple(np.quantile(column, shares) for column in points.T)
    counts = np.bincount(_boxes(edges, points), minlength=bins ** len(edges))
    return Bins(edges, counts / len(points))


@final
@dataclass(frozen=True, eq=False)
class ClassCells(Partition):
    r"""Images fall into the class that a multinomial logistic regression gives them; channels are classified one by one.

    The cell of c channels with classes $y_1, \dots, y_c$ out of K is $\sum_i y_i K^{c - i}$. An image is of high quality
    where the probability of the class is at least `confidence` in every channel.

    Parameters
    ----------
    coefficients : array (pixels, K)
        Of the regression.
    intercepts : array (K,)
        Of the regression.
    mass : array (k,)
        Masses of the data.
    confidence : float
        Least probability of an image of high quality.
    """

    coefficients: Floats
    intercepts: Floats
    mass: Floats
    confidence: float

    def assign(self, points: Floats) -> Cells:
        """Cell and quality of images (n, channels * pixels)."""
        from scipy.special import softmax

        pixels, k = self.coefficients.shape
        channels = points.shape[1] // pixels
        scores = points.reshape(len(points), channels, pixels) @ self.coefficients + self.intercepts
        best = scores.argmax(2)
        sure = softmax(scores, axis=2).max(2) >= self.confidence
        return Cells(best @ k ** np.arange(channels)[::-1], sure.all(1))


def classes_of(training: Labelled, *, channels: int = 1, confidence: float = 0.9) -> ClassCells:
    """Classes as a logistic regression learns them from real images.

    Parameters
    ----------
    training : Labelled
        Real images of one channel; all labels 0, ..., K - 1 occur.
    channels : int
        Channels of the images to be classified, each an independent image like those of `training`.
    confidence : float
        Least probability of an image of high quality, in [0, 1].

    Returns
    -------
    ClassCells
        One cell for each combination of classes, its mass the product of the classes' frequencies in `training`.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    ValueError
        If a label does not occur, or there are fewer than three.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> images = gan.Labelled(torch.eye(3).repeat(20, 1), torch.arange(3).repeat(20))
    >>> gan.classes_of(images).assign(torch.eye(3).numpy()).index.tolist()
    [0, 1, 2]
    """
    require("sklearn", "estimators", "a classifier of images")
    from sklearn.linear_model import LogisticRegression

    at_least(1, channels=channels)
    points, labels = _array(training.points), training.labels.numpy(force=True)
    counts = np.bincount(labels)
    if len(counts) < 3 or not counts.all():
        msg = f"expected labels 0, ..., K - 1 that all occur, K at least 3, got counts {counts.tolist()}; number them anew"
        raise ValueError(msg)
    fitted = LogisticRegression(max_iter=2000).fit(points, labels)
    mass = np.ones(1)
    for _ in range(channels):
        mass = np.outer(mass, counts / len(labels)).ravel()
    return ClassCells(np.asarray(fitted.coef_).T, np.asarray(fitted.intercept_), mass, confidence)


def _boxes(edges: tuple[Floats, ...], points: Floats) -> npt.NDArray[np.intp]:
    """Number of the box of each point."""
    places = [np.searchsorted(edge, column, side="right") for edge, column in zip(edges, points.T, strict=True)]
    index: npt.NDArray[np.intp] = np.ravel_multi_index(places, [len(edge) + 1 for edge in edges])
    return index


def _array(points: Tensor) -> Floats:
    return points.detach().to(torch.float64).numpy(force=True)
