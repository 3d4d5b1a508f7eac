"""Transport plans as matrices, and as arrows on the line and in the plane."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from divergences.families.distribution import Vector
from divergences.plot.canvas import (
    SHEET,
    add_legend,
    add_scale,
    canvas,
    colours,
    pairs_of,
    read_heaviest,
    read_masses,
    read_points,
    read_scale,
    shown,
)
from divergences.transport.result import Transport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plan_arrows", "plan_matrix"]

NUMBERED = 12
"""Matrices up to this size show their numbers."""

WIDEST, AREA = 5.0, 200.0
"""Width of the heaviest arrow, in points, and area of the largest disc, in square points."""

ARROW = "0.5"
"""A grey that stands out on white and on black."""

LIFT = 0.6
"""Where bars begin, above and below the middle of a picture on the line, whose bars have height 1 at most."""


def plan_matrix(
    transport: Transport | Any,
    x: npt.ArrayLike | None = None,
    y: npt.ArrayLike | None = None,
    *,
    scale: float = 1.0,
    heaviest: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    r"""A plan as a matrix: rows are the points of P, columns those of Q, colours the masses that move.

    Parameters
    ----------
    transport : Transport or matrix (n, m)
        A solved problem, or a plan, dense or sparse.
    x, y : array_like of shape (n,) and (m,), optional
        Names of the rows and columns, as words or as the points on the line; their numbers by default.
    scale : float, default: 1
        What the masses are multiplied with before they are shown, as the total of masses that were normalised.
    heaviest : float, optional
        The mass that the end of the scale of colours stands for, as it is shown; the largest of the plan by default.
        Pictures of several plans with one value can be compared.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; their first image holds the matrix.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing; the extra ``plot`` brings it.
    TypeError
        If `scale` or `heaviest` is no number.
    ValueError
        If the plan is no matrix of masses, the names are not as many as rows and columns, `scale` or
        `heaviest` is not positive and finite, or the plan has a mass above `heaviest`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import divergences as dv
    >>> from divergences.plot import plan_matrix
    >>> ax = plan_matrix(dv.wasserstein([0.0, 1.0], [5.0, 6.0]), [0, 1], [5, 6])
    >>> ax.images[0].get_array().tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    row, column, mass, shape = pairs_of(transport)
    matrix = np.zeros(shape)
    np.add.at(matrix, (row, column), mass * read_scale(scale))
    n, m = shape
    top = read_heaviest(heaviest, matrix)
    ax = canvas(ax, (1.6 + 0.55 * min(max(m, 3), 10), 1.2 + 0.5 * min(max(n, 2), 9)))
    image = ax.imshow(matrix, cmap=SHEET, vmin=0, vmax=top, aspect="auto", interpolation="nearest")
    add_scale(ax, image, "mass moved")
    if max(shape) <= NUMBERED:
        for i, j in np.ndindex(shape):
            if matrix[i, j]:
                dark = matrix[i, j] < 0.47 * top  # there white and black have the same contrast
                ax.text(j, i, shown(float(matrix[i, j])), ha="center", va="center", color="white" if dark else "black")
    _name(ax.set_yticks, "x", x, n)
    _name(ax.set_xticks, "y", y, m)
    ax.set(ylabel="from $x_i$" if x is not None else "row $i$", xlabel="to $y_j$" if y is not None else "column $j$")
    return ax


def _name(set_ticks: Any, name: str, labels: npt.ArrayLike | None, count: int) -> None:
    """Ticks at rows or columns: all of them where they are few."""
    if labels is not None and np.shape(labels) != (count,):
        msg = f"expected {name} to be {count} names, one of each row or column, got shape {np.shape(labels)}"
        raise ValueError(msg)
    step = -(-count // NUMBERED)
    places = np.arange(0, count, step)
    names = places if labels is None else np.asarray(labels)[places]
    set_ticks(places, [shown(float(v)) if names.dtype.kind in "iuf" else str(v) for v in names])


def plan_arrows(
    transport: Transport | Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    scale: float = 1.0,
    heaviest: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    r"""A plan as arrows from the points of P to those of Q, as wide as the mass they move.

    On the line P stands above and Q hangs below as bars, as long as their masses; the arrows run between the two. In the
    plane the points are discs, as large in area as their masses.

    Parameters
    ----------
    transport : Transport or matrix (n, m)
        A solved problem, or a plan, dense or sparse.
    x : array_like of shape (n,), (n, 1) or (n, 2)
        Points of P.
    y : array_like of shape (m,), (m, 1) or (m, 2)
        Points of Q.
    scale : float, default: 1
        What the masses are multiplied with before they are shown, as the total of masses that were normalised.
    heaviest : float, optional
        The mass that the widest arrow stands for, as it is shown; the largest of the plan by default. Pictures of
        several plans with one value can be compared.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes. The arrows are its patches with the gid ``"pair"``, in the order of the plan, with line widths
        proportional to the masses; pairs with a billionth of the largest mass of the plan are not drawn.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing; the extra ``plot`` brings it.
    TypeError
        If `scale` or `heaviest` is no number.
    ValueError
        If the plan is no matrix of masses, moves none, or does not fit the points, `scale` or `heaviest` is not positive
        and finite, or the plan has a mass above `heaviest`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import divergences as dv
    >>> from divergences.plot import plan_arrows
    >>> x, y = [0.0, 1.0], [5.0, 6.0]
    >>> ax = plan_arrows(dv.wasserstein(x, y, [0.25, 0.75], [0.5, 0.5]), x, y)
    >>> [round(patch.get_linewidth(), 2) for patch in ax.patches if patch.get_gid() == "pair"]
    [2.5, 2.5, 5.0]
    """
    row, column, mass, shape = pairs_of(transport)
    if not mass.size:
        msg = f"expected a plan that moves some mass, got one of shape {shape} without any; there is no arrow to draw"
        raise ValueError(msg)
    factor = read_scale(scale)
    widths = WIDEST * mass * factor / read_heaviest(heaviest, mass * factor)
    u, v = read_points("x", x, shape[0]), read_points("y", y, shape[1])
    if u.shape[1] != v.shape[1]:
        msg = f"expected x and y in one space, got {u.shape[1]} and {v.shape[1]} coordinates"
        raise ValueError(msg)
    a, b = read_masses(row, mass, shape[0]) * factor, read_masses(column, mass, shape[1]) * factor
    if u.shape[1] == 1:
        return _on_the_line(canvas(ax, (6.4, 3.8)), u[:, 0], v[:, 0], a, b, row, column, widths)
    # many arrows are thinner; with `heaviest`, by the number of points, which plans to be compared share
    crowd = max(shape) if heaviest is not None else len(mass)
    return _in_the_plane(
        canvas(ax, (5.2, 4.8)), u, v, a, b, row, column, widths * min(1.0, (16 / max(crowd, 1)) ** 0.5)
    )


def _arrow(ax: "Axes", start: Any, end: Any, width: float, **style: Any) -> None:
    """An arrow of a width, its head grown with it."""
    from matplotlib.patches import FancyArrowPatch

    head = f"-|>,head_length={3.5 + 0.9 * width:.3f},head_width={1.3 + 0.55 * width:.3f}"
    patch = FancyArrowPatch(start, end, arrowstyle=head, mutation_scale=1, linewidth=width, joinstyle="miter", **style)
    patch.set_gid("pair")
    ax.add_patch(patch)


def _on_the_line(
    ax: "Axes",
    u: Vector,
    v: Vector,
    a: Vector,
    b: Vector,
    row: npt.NDArray[np.intp],
    column: npt.NDArray[np.intp],
    widths: Vector,
) -> "Axes":
    """Bars of P above, of Q below, arrows from the feet of the first to the heads of the second."""
    source, target = colours(ax)
    unit = 1 / max(a.max(initial=0.0), b.max(initial=0.0))
    everything = np.concatenate([u, v])
    span = float(np.ptp(everything)) or 1.0
    thick = min(0.32 * _spacing(u, span), 0.32 * _spacing(v, span), 0.04 * span)
    ax.bar(u, a * unit, thick, bottom=LIFT, color=source, label="P", zorder=3)
    ax.bar(v, -b * unit, thick, bottom=-LIFT, color=target, label="Q", zorder=3)
    for place, height, values, align in ((u, LIFT + a * unit, a, "bottom"), (v, -LIFT - b * unit, b, "top")):
        if len(place) <= NUMBERED:
            for k in np.flatnonzero(values):
                gap = 3 if align == "bottom" else -3
                ax.annotate(
                    shown(float(values[k])),
                    (place[k], height[k]),
                    (0, gap),
                    textcoords="offset points",
                    ha="center",
                    va=align,
                )
    for i, j, width in zip(row, column, widths, strict=True):
        _arrow(ax, (u[i], LIFT), (v[j], -LIFT), float(width), color=ARROW, alpha=0.9, shrinkA=2, shrinkB=2, zorder=2)
    ax.axhline(LIFT, color=source, lw=0.8, zorder=1)
    ax.axhline(-LIFT, color=target, lw=0.8, zorder=1)
    ax.set(
        xlabel="position",
        ylim=(-1.25 - LIFT, 1.25 + LIFT),
        xlim=(everything.min() - 0.06 * span, everything.max() + 0.06 * span),
    )
    ax.set_yticks([LIFT + 0.5, -LIFT - 0.5], ["mass of P", "mass of Q"], rotation=90, va="center")
    ax.tick_params(axis="y", length=0)
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _spacing(x: Vector, span: float) -> float:
    """The least distance of distinct points."""
    steps = np.diff(np.unique(x))
    return float(steps.min()) if steps.size else span


def _in_the_plane(
    ax: "Axes",
    u: Vector,
    v: Vector,
    a: Vector,
    b: Vector,
    row: npt.NDArray[np.intp],
    column: npt.NDArray[np.intp],
    widths: Vector,
) -> "Axes":
    """Discs, and arrows between them."""
    source, target = colours(ax)
    largest = max(a.max(initial=0.0), b.max(initial=0.0))
    crowd = AREA / max(1.0, max(len(u), len(v)) / 8)
    for i, j, width in zip(row, column, widths, strict=True):
        shrink = [float(np.sqrt(crowd * side[k] / largest)) / 2 for side, k in ((a, i), (b, j))]
        _arrow(ax, u[i], v[j], float(width), color=ARROW, alpha=0.9, shrinkA=shrink[0], shrinkB=shrink[1], zorder=2)
    edge = ax.get_facecolor()
    ax.scatter(
        u[:, 0], u[:, 1], s=crowd * a / largest, c=source, edgecolors=[edge], linewidths=0.6, label="P", zorder=3
    )
    ax.scatter(
        v[:, 0],
        v[:, 1],
        s=crowd * b / largest,
        c=target,
        marker="s",
        edgecolors=[edge],
        linewidths=0.6,
        label="Q",
        zorder=3,
    )
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.margins(0.08)
    add_legend(ax)
    return ax
