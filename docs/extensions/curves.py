"""The picture of a divergence: f, its conjugate and the optimal critic."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import divergences as dv
from extensions.pictures import RC

__all__ = ["curves"]

U = np.linspace(0.0, 4.0, 801)
V = np.linspace(-3.0, 3.0, 601)


def curves(members: Sequence[dv.FDivergence], labels: Sequence[str]) -> bytes:
    """Draw one divergence, or some members of a family.

    Parameters
    ----------
    members : sequence of FDivergence
        What is drawn.
    labels : sequence of str
        Their names in the legend, which a single one does not need.

    Returns
    -------
    bytes
        A picture in the format PNG.
    """
    with mpl.rc_context(fname=str(RC)):
        figure = Figure(figsize=(9.6, 3.1))
        left, middle, right = figure.subplots(1, 3)
        for d, label in zip(members, labels, strict=True):
            left.plot(U, _finite(d.f(U)), label=label)
            t = _slopes(d)
            middle.plot(t, _finite(d.conjugate(t)), label=label)
            right.plot(V, _finite(d.optimal_critic(V)), label=label)
        _dress(left, "likelihood ratio $u = p/q$", "$f(u)$", (-1.0, 4.0))
        _dress(middle, "value $t$ of the critic", "$f^*(t)$", (-3.0, 5.0))
        _dress(right, r"log-ratio $v = \log(p/q)$", "optimal critic $f'(e^v)$", (-5.0, 5.0))
        left.plot([1], [0], "o", color="black", ms=4)
        if len(members) > 1:
            left.legend(fontsize=9)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=160, metadata={"Software": None})
    return out.getvalue()


def _slopes(d: dv.FDivergence) -> np.ndarray:
    """From below the range of f' to its end, or to where it no longer fits."""
    upper = min(d.slope, 4.0)
    lower = max(d.critic_range.lower, -4.0) - 1.5
    return np.linspace(lower, upper, 601)


def _finite(y: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(y), y, np.nan)


def _dress(axis: Axes, x: str, y: str, limits: tuple[float, float]) -> None:
    """Labels, and limits no wider than the curves need."""
    low, high = axis.dataLim.intervaly
    pad = 0.05 * (min(high, limits[1]) - max(low, limits[0]))
    axis.set(xlabel=x, ylabel=y, ylim=(max(low, limits[0]) - pad, min(high, limits[1]) + pad))
    axis.axhline(0.0, color="0.6", lw=0.8, zorder=0)
    axis.grid(alpha=0.25)
