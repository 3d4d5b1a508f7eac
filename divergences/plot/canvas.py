"""What the pictures share: axes to draw into, colours, and how plans and points are read."""

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from divergences._extras import require
from divergences.families.distribution import Vector
from divergences.transport.result import Transport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "SHEET",
    "add_legend",
    "add_scale",
    "canvas",
    "colours",
    "ink",
    "pairs_of",
    "read_masses",
    "read_points",
    "read_scale",
    "shown",
]

ON_WHITE, ON_BLACK = ("#0072B2", "#D55E00"), ("#56B4E9", "#E69F00")
"""Colours of P and Q, those of Okabe and Ito, which the colour-blind tell apart: blue and vermilion, sky blue and orange."""

FAINT = 1e-9
"""Pairs with less mass than this part of the heaviest are rounding, and not drawn."""

SHEET = "cividis"
"""A map of colours whose lightness alone carries the order; it is read the same with and without red and green."""


def canvas(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """The axes given, or those of a new figure of this size in inches."""
    require("matplotlib", "plot", "a picture")
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def ink(ax: "Axes") -> str:
    """The colour of lines and text that stands out against the background of axes: black or white."""
    from matplotlib.colors import to_rgba

    background = ax.get_facecolor()
    if to_rgba(background)[3] == 0:
        background = ax.get_figure(root=True).get_facecolor()  # type: ignore[union-attr]
    red, green, blue, _ = to_rgba(background)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 1 / 2 else "white"


def colours(ax: "Axes") -> tuple[str, str]:
    """The colours of P and Q on the background of axes."""
    return ON_WHITE if ink(ax) == "black" else ON_BLACK


def add_scale(ax: "Axes", mappable: Any, words: str) -> None:
    """A scale of colours beside axes, as high as they are."""
    bar = ax.get_figure(root=True).colorbar(mappable, cax=ax.inset_axes((1.03, 0.0, 0.045, 1.0)))  # type: ignore[union-attr]
    bar.set_label(words)


def add_legend(ax: "Axes") -> None:
    """The names of P and Q above axes, out of the way of what is drawn, in one size."""
    legend = ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    for handle in legend.legend_handles:
        if handle is not None and hasattr(handle, "set_sizes"):
            handle.set_sizes([40.0])


def pairs_of(transport: Any) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Vector, tuple[int, int]]:
    """Rows, columns and masses of the pairs in use of a plan, which may be a Transport or a matrix, and its shape."""
    plan = transport.plan if isinstance(transport, Transport) else transport
    if hasattr(plan, "tocoo"):
        sparse = plan.tocoo()
        row, column, mass = sparse.row, sparse.col, np.asarray(sparse.data, dtype=np.float64)
        shape = (int(sparse.shape[0]), int(sparse.shape[1]))
    else:
        dense = np.asarray(plan, dtype=np.float64)
        if dense.ndim != 2:
            msg = f"expected a Transport or a plan of shape (n, m), got shape {dense.shape}"
            raise ValueError(msg)
        row, column = np.nonzero(dense)
        mass, shape = dense[row, column], (dense.shape[0], dense.shape[1])
    if not (np.isfinite(mass).all() and (mass >= 0).all()):
        msg = "expected a plan of finite masses of at least 0; a signed or infinite one moves nothing anywhere"
        raise ValueError(msg)
    used = mass > FAINT * mass.max(initial=0.0)
    return np.asarray(row)[used], np.asarray(column)[used], mass[used], shape


def read_points(name: str, points: npt.ArrayLike, count: int) -> Vector:
    """Points (n,) or (n, d), d at most 2, as an array (n, d)."""
    x = np.asarray(points, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.shape[1] not in (1, 2) or len(x) != count or not np.isfinite(x).all():
        msg = (
            f"expected {name} to be {count} finite points on the line or in the plane, as many as the plan has, got shape "
            f"{np.shape(points)}; in more dimensions draw plan_matrix, or a projection of the points"
        )
        raise ValueError(msg)
    return x


def read_masses(row: npt.NDArray[np.intp], mass: Vector, count: int) -> Vector:
    """The masses of one side of a plan."""
    return np.bincount(row, weights=mass, minlength=count).astype(np.float64)


def read_scale(scale: Any) -> float:
    """What masses are multiplied with."""
    return _positive("scale", scale, "pass what the masses add up to, or leave it out")


def read_heaviest(heaviest: Any, mass: Vector) -> float:
    """The mass that is drawn darkest and widest: that of the plan, or a larger one of several plans."""
    own = float(mass.max(initial=0.0))
    if heaviest is None:
        return own or 1.0
    common = _positive("heaviest", heaviest, "pass the largest mass of all plans to be compared, or leave it out")
    if own > common * (1 + FAINT):
        msg = (
            f"expected heaviest to be no less than any mass of the plan, whose largest is {own:.6g}, got {heaviest!r}; "
            "pass the largest mass of all plans to be compared"
        )
        raise ValueError(msg)
    return common


def _positive(name: str, x: Any, advice: str) -> float:
    msg = f"expected {name} to be a positive finite number, got {x!r}; {advice}"
    if not isinstance(x, Real):
        raise TypeError(msg)
    number = float(x)
    if not 0 < number < math.inf:
        raise ValueError(msg)
    return number


def shown(x: float) -> str:
    """A number as a label: no more than three digits."""
    if not math.isfinite(x):
        return str(x)
    return f"{x:.3g}" if not math.isclose(x, round(x), rel_tol=1e-9, abs_tol=1e-12) else f"{round(x)}"
