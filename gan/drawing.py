"""Pictures of generated points: beside the real ones in the plane or on the line, or as a grid of images."""

import math
from pathlib import Path

import numpy as np
from torch import Tensor

from divergences._extras import require

__all__ = ["draw_images", "draw_points"]

BLUE, ORANGE = "#0072b2", "#d55e00"
"""Told apart with any colour vision."""


def draw_points(real: Tensor, generated: Tensor, path: str | Path, *, title: str = "") -> None:
    """Draw real and generated points of the line, as densities, or of the plane, as clouds.

    Parameters
    ----------
    real, generated : Tensor (n, d), (m, d)
        Points of one or two coordinates.
    path : path-like
        The PNG file.
    title : str
        Above the picture.

    Raises
    ------
    ValueError
        If points have more than two coordinates.
    """
    require("matplotlib", "plot", "pictures")
    from matplotlib.figure import Figure

    x, y = (np.asarray(points.detach().cpu(), dtype=np.float64) for points in (real, generated))
    if x.shape[1] != y.shape[1] or x.shape[1] > 2:
        msg = f"expected points of one or two coordinates, got shapes {x.shape} and {y.shape}; draw_images draws images"
        raise ValueError(msg)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    parts = ((x, BLUE, "real"), (y, ORANGE, "generated"))
    if x.shape[1] == 1:
        edges = np.histogram_bin_edges(np.concatenate([x, y]).ravel(), bins=80)
        for points, colour, label in parts:
            axes.hist(points.ravel(), bins=edges.tolist(), density=True, histtype="step", color=colour, label=label)
        axes.set(xlabel="x", ylabel="density", title=title)
    else:
        for points, colour, label in parts:
            axes.scatter(points[:, 0], points[:, 1], s=4, alpha=0.5, linewidths=0, color=colour, label=label)
        axes.set(xlabel="$x_1$", ylabel="$x_2$", title=title, aspect="equal")
    axes.legend(markerscale=3)
    figure.savefig(path, dpi=150)


def draw_images(rows: Tensor, shape: tuple[int, ...], path: str | Path, *, title: str = "") -> None:
    """Draw rows of pixels as a square grid of images.

    Parameters
    ----------
    rows : Tensor (n, c h w)
        Images with pixels in [-1, 1]; pixels outside are drawn as the nearest end.
    shape : tuple of int
        Channels (1 or 3), height and width.
    path : path-like
        The PNG file.
    title : str
        Above the picture.

    Raises
    ------
    ValueError
        If the rows are not images of this shape.
    """
    require("matplotlib", "plot", "pictures")
    from matplotlib.figure import Figure

    pixels = np.asarray(rows.detach().cpu(), dtype=np.float64)
    if len(shape) != 3 or shape[0] not in (1, 3) or pixels.ndim != 2 or pixels.shape[1] != math.prod(shape):
        msg = f"expected rows of images of shape {shape}, with 1 or 3 channels, got an array of shape {pixels.shape}"
        raise ValueError(msg)
    channels, height, width = shape
    side = math.ceil(math.sqrt(len(pixels)))
    canvas = np.ones((side * (height + 1), side * (width + 1), channels))  # a line of the background between images
    for k, image in enumerate(pixels.reshape(-1, *shape)):
        i, j = divmod(k, side)
        place = slice(i * (height + 1), i * (height + 1) + height), slice(j * (width + 1), j * (width + 1) + width)
        canvas[place] = np.moveaxis(image, 0, -1)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(canvas.squeeze(-1) if channels == 1 else (canvas.clip(-1, 1) + 1) / 2, cmap="gray", vmin=-1, vmax=1)
    axes.set(title=title)
    axes.set_axis_off()
    figure.savefig(path, dpi=150)
