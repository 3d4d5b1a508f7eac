"""A function in the plane, as a Kantorovich potential: level sets, and its gradient along coupled segments."""

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from divergences.families.distribution import Vector
from divergences.plot.canvas import SHEET, add_legend, add_scale, canvas, colours, pairs_of, read_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["potential_surface"]

LEVELS = 14
"""Level sets."""


def potential_surface(
    potential: Callable[[Vector], npt.ArrayLike] | Any,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    transport: Any = None,
    margin: float = 0.15,
    resolution: int = 161,
    ax: "Axes | None" = None,
) -> "Axes":
    r"""A potential in the plane by its level sets, with its gradient at the middle of coupled segments.

    An optimal potential falls by the distance along every segment that the plan couples: its gradient there is a unit
    vector, from the point of Q to the point of P, and the level sets cross the segments at right angles.

    Parameters
    ----------
    potential : callable or record with a `potential`
        From points (n, 2) to values (n,). Where it has a method ``gradient`` from points (n, 2) to vectors (n, 2), this
        is what the arrows show; else differences of values.
    x : array_like of shape (n, 2)
        Points of P.
    y : array_like of shape (m, 2)
        Points of Q.
    transport : Transport or matrix (n, m), optional
        A plan whose pairs are the segments; by default that of the record, if it has one, else there are none.
    margin : float, default: 0.15
        How far the picture reaches beyond the points, in parts of their extent.
    resolution : int, default: 161
        Points of the grid along either axis, at least 2.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes. The arrows are its collection with the gid ``"gradient"``, one for each pair in use of the plan.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing; the extra ``plot`` brings it.
    TypeError
        If there is nothing to call, or `resolution` is no integer.
    ValueError
        If the points are not in the plane, the values are not one finite number for each point, or `resolution` is below
        2.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from divergences.plot import potential_surface
    >>> ax = potential_surface(lambda z: np.hypot(*z.T), [[1.0, 0.0]], [[0.0, 0.0]], transport=[[1.0]])
    >>> arrows = next(c for c in ax.collections if c.get_gid() == "gradient")
    >>> float(arrows.U[0].round(6)), float(abs(arrows.V[0]).round(6))
    (1.0, 0.0)
    """
    function = getattr(potential, "potential", potential)
    if not callable(function):
        msg = f"expected a function of points (n, 2), or a record with one as its potential, got {type(potential).__name__}"
        raise TypeError(msg)
    _check_resolution(resolution)
    u, v = (read_points(name, z, len(np.atleast_1d(z))) for name, z in (("x", x), ("y", y)))
    if u.shape[1] != 2 or v.shape[1] != 2:
        msg = f"expected points in the plane, got {u.shape[1]} and {v.shape[1]} coordinates"
        raise ValueError(msg)
    ax = canvas(ax, (5.6, 4.6))
    axes = _grid(np.concatenate([u, v]), margin, resolution)
    plane = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    z = _values(function, plane).reshape(len(axes[1]), len(axes[0]))
    filled = ax.contourf(*axes, z, levels=LEVELS, cmap=SHEET)
    ax.contour(*axes, z, levels=filled.levels, colors="white", linewidths=0.4, alpha=0.6)
    plan = getattr(potential, "transport", None) if transport is None else transport
    if plan is not None:
        _segments(ax, function, u, v, plan)
    source, target = colours(ax)
    ax.scatter(u[:, 0], u[:, 1], s=34, c=source, edgecolors="white", linewidths=0.9, label="P", zorder=4)
    ax.scatter(v[:, 0], v[:, 1], s=34, c=target, marker="s", edgecolors="white", linewidths=0.9, label="Q", zorder=4)
    add_scale(ax, filled, "potential $f(x)$, in units of length")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", xlim=axes[0][[0, -1]], ylim=axes[1][[0, -1]])
    add_legend(ax)
    return ax


def _check_resolution(resolution: Any) -> None:
    """Level sets need two points of the grid along either axis."""
    msg = f"expected resolution to be an integer of at least 2, got {resolution!r}; 161 is the default"
    if not isinstance(resolution, Integral):
        raise TypeError(msg)
    if resolution < 2:
        raise ValueError(msg)


def _grid(points: Vector, margin: float, resolution: int) -> tuple[Vector, Vector]:
    low, high = points.min(axis=0), points.max(axis=0)
    reach = margin * (float((high - low).max()) or 1.0)
    first, second = (np.linspace(a - reach, b + reach, resolution) for a, b in zip(low, high, strict=True))
    return first, second


def _values(function: Callable[[Vector], npt.ArrayLike], points: Vector) -> Vector:
    """The values, one for each point."""
    out = np.asarray(function(points), dtype=np.float64)
    if out.shape != (len(points),) or not np.isfinite(out).all():
        msg = f"expected one finite value for each of {len(points)} points, got an array of shape {out.shape}"
        raise ValueError(msg)
    return out


def _segments(ax: "Axes", function: Any, u: Vector, v: Vector, plan: Any) -> None:
    """Coupled segments, and the gradient at the middle of each."""
    row, column, _, shape = pairs_of(plan)
    if shape != (len(u), len(v)):
        msg = f"expected a plan of shape {(len(u), len(v))}, as many as points, got {shape}"
        raise ValueError(msg)
    from matplotlib.collections import LineCollection

    ends = np.stack([u[row], v[column]], axis=1)
    ax.add_collection(LineCollection(list(ends), colors="white", linewidths=1.0, alpha=0.9, zorder=2))
    middle = ends.mean(axis=1)
    slope = _gradient(function, middle, float(np.ptp(np.concatenate([u, v]), axis=0).max()))
    arrows = ax.quiver(
        *middle.T,
        *slope.T,
        color="white",
        edgecolor="black",
        linewidth=0.5,
        width=0.006,
        headwidth=4.5,
        headlength=5.5,
        headaxislength=5.5,
        scale=13,
        zorder=3,
    )
    arrows.set_gid("gradient")


def _gradient(function: Any, points: Vector, extent: float) -> Vector:
    """Its own gradient, or central differences."""
    if hasattr(function, "gradient"):
        return np.asarray(function.gradient(points), dtype=np.float64)
    step = 1e-6 * (extent or 1.0)
    sides = [_values(function, points + s * step * e) for e in np.eye(2) for s in (1, -1)]
    return np.stack([sides[0] - sides[1], sides[2] - sides[3]], axis=1) / (2 * step)
