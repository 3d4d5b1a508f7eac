"""Pictures of the zoo: the final points of every system, one panel each, as clouds or as grids of images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

__all__ = ["Panel", "draw_panels"]

Floats = npt.NDArray[np.float64]

BLUE, GREY = "#0072B2", "0.6"

COLUMNS = 5


@final
@dataclass(frozen=True, eq=False)
class Panel:
    """Points of one system.

    Parameters
    ----------
    title : str
        Name and figures.
    points : array (n, d)
        Generated, or real, points; none where training failed.
    """

    title: str
    points: Floats


def draw_panels(panels: Sequence[Panel], shape: tuple[int, ...], title: str, path: Path) -> None:
    """Draw all panels; the first has the real points, which stand behind each of the others in the plane.

    Parameters
    ----------
    panels : sequence of Panel
        The first of them with real points.
    shape : tuple of int
        Shape of a point: (2,), or channels, height and width of an image.
    title : str
        Above all.
    path : Path
        The PNG file.
    """
    plt.rcParams.update({"font.size": 9})
    rows = math.ceil(len(panels) / COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(12, 2.55 * rows + 0.6), layout="constrained", squeeze=False)
    real = panels[0].points
    for k, (axis, panel) in enumerate(zip(axes.flat, panels, strict=False)):
        axis.set_title(panel.title, fontsize=9)
        if len(shape) == 3:
            draw_images(axis, panel.points, shape)
        else:
            draw_cloud(axis, panel.points, real)
            axis.set(xlabel="$x_1$" if k + COLUMNS >= len(panels) else "", ylabel="" if k % COLUMNS else "$x_2$")
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_cloud(axis: Axes, points: Floats, real: Floats) -> None:
    """Real points in grey, those of the panel over them; points outside of the frame are not seen."""
    reach = 1.25 * float(np.abs(real).max())
    axis.scatter(real[:, 0], real[:, 1], s=5, color=GREY, linewidths=0)
    axis.scatter(points[:, 0], points[:, 1], s=1.5, color=BLUE, alpha=0.5, linewidths=0)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    if not len(points):
        axis.text(0, 0, "stopped", ha="center", va="center")


def draw_images(axis: Axes, points: Floats, shape: tuple[int, ...]) -> None:
    """A square grid of the first images, of one channel."""
    axis.set_axis_off()
    if not len(points):
        axis.text(0.5, 0.5, "stopped", ha="center", va="center", transform=axis.transAxes)
        return
    _, height, width = shape
    side = min(7, math.isqrt(len(points)))
    images = points[: side * side].reshape(side, side, height, width)
    framed = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    canvas = framed.swapaxes(1, 2).reshape(side * (height + 1), side * (width + 1))
    axis.imshow(canvas, cmap="gray", vmin=-1, vmax=1)
