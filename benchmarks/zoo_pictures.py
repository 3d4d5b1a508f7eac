"""Pictures of the zoo: the final points of every system, one panel each, and what mass they put on every mode."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

__all__ = ["Masses", "Panel", "draw_masses", "draw_panels"]

Floats = npt.NDArray[np.float64]

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "0.6"

COLUMNS = 7


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


@final
@dataclass(frozen=True, eq=False)
class Masses:
    """What a system puts on the modes.

    Parameters
    ----------
    system : str
        Its name.
    mass, expected : array (k,)
        Shares of its points, NaN where training failed, and of the real ones.
    """

    system: str
    mass: Floats
    expected: Floats


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
    plt.rcParams.update({"font.size": 9, "figure.constrained_layout.h_pad": 0.08})
    rows = math.ceil(len(panels) / COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(16, 2.5 * rows + 0.6), layout="constrained", squeeze=False)
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
    """Real points in grey, those of the panel over them; how many points the frame leaves out is written in it."""
    reach = 1.25 * float(np.abs(real).max())
    axis.scatter(real[:, 0], real[:, 1], s=5, color=GREY, linewidths=0)
    axis.scatter(points[:, 0], points[:, 1], s=1.5, color=BLUE, alpha=0.5, linewidths=0)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    if not len(points):
        axis.text(0, 0, "stopped", ha="center", va="center")
    elif (outside := float((np.abs(points) > reach).any(axis=1).mean())) >= 0.005:
        axis.text(0.5, 0.01, f"{outside:.0%} outside", ha="center", va="bottom", transform=axis.transAxes)


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


def draw_masses(found: Mapping[str, Sequence[Masses]], path: Path) -> None:
    """Draw the mass of every mode in units of that of the data: a row per system, a column per mode.

    Points are counted at the mode that is nearest to them, however far it is.

    Parameters
    ----------
    found : mapping
        Systems of each data set.
    path : Path
        The PNG file.
    """
    plt.rcParams.update({"font.size": 9})
    widths = [len(systems[0].mass) + 6 for systems in found.values()]
    tallest = max(map(len, found.values()))
    colours = LinearSegmentedColormap.from_list("shares", [BLUE, "white", VERMILION]).with_extremes(bad="0.8")
    figure, axes = plt.subplots(
        1, len(found), figsize=(13, 0.26 * tallest + 1.8), layout="constrained", squeeze=False, width_ratios=widths
    )
    for axis, (name, systems) in zip(axes.flat, found.items(), strict=True):
        shares = np.array([one.mass / one.expected for one in systems])
        image = axis.imshow(shares, cmap=colours, vmin=0, vmax=2, aspect="auto", interpolation="nearest")
        modes = shares.shape[1]
        axis.set(
            title=name,
            xlabel="class" if name == "digits" else "mode",
            xticks=range(0, modes, 5 if modes > 10 else 1),
            yticks=range(len(systems)),
            yticklabels=[one.system for one in systems],
        )
    bar = figure.colorbar(image, ax=axes, extend="max", ticks=[0, 0.5, 1, 1.5, 2], shrink=0.8)
    bar.set_label("generated mass / real mass (white: as it should be; grey: stopped)")
    figure.savefig(path, dpi=130)
    plt.close(figure)
