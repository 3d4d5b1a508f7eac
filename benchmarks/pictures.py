"""Pictures of the benchmark: training curves, and critics as surfaces beside the exact potential."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.lines import Line2D

import divergences as dv
import gan

__all__ = ["draw_surfaces", "draw_training"]

Floats = npt.NDArray[np.float64]
Histories = Mapping[str, Mapping[str, tuple[gan.Record, ...]]]

LABELS = {
    "WeightClipping": "weight clipping",
    "GradientPenalty": "gradient penalty",
    "SpectralNorm": "spectral norm",
    "Orthogonal": "orthogonal + GroupSort",
    "ByConstruction": "envelope of cones",
    "CTransform": "c-transform",
}
COLOURS = dict(zip(LABELS, ["#0072B2", "#D55E00", "#CC79A7", "#009E73", "#E69F00", "#56B4E9"], strict=True))
"""Okabe and Ito's colours, which the colour-blind can tell apart."""

plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 150})


def draw_training(histories: Histories, exact: Mapping[str, float], path: Path) -> None:
    """Raw estimates, relative to exact W1, as training goes; a panel per problem."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.2), sharex=True, layout="constrained")
    for axis, (problem, runs) in zip(axes.flat, histories.items(), strict=True):
        for name, history in runs.items():
            steps = np.array([record.step for record in history])
            axis.plot(steps / steps[-1], [r.raw / exact[problem] for r in history], color=COLOURS[name], lw=1.6)
        axis.axhline(1.0, color="black", lw=1, ls="--", zorder=0)
        axis.set(title=f"{problem}, exact $W_1$ = {exact[problem]:.4g}", ylim=(-0.1, 1.7))
    for axis in axes[-1]:
        axis.set_xlabel("share of the training")
    for axis in axes[:, 0]:
        axis.set_ylabel("what the critic says / exact $W_1$")
    handles = [Line2D([], [], color=colour, lw=2, label=LABELS[name]) for name, colour in COLOURS.items()]
    handles.append(Line2D([], [], color="black", lw=1, ls="--", label="exact"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path)
    plt.close(figure)


def ring_and_blob(rng: np.random.Generator, *, size: int = 200) -> gan.Problem:
    """Eight small blobs on a circle against one in the middle: the usual toy of the GAN papers."""
    angles = 2 * np.pi * rng.integers(8, size=size) / 8
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.06 * rng.normal(size=(size, 2))
    return gan.Problem("ring and blob", gan.Discrete(ring), gan.Discrete(0.25 * rng.normal(size=(size, 2))))


def draw_surfaces(budget: gan.Budget, seed: int, device: str, path: Path) -> None:
    """Level sets of the exact potential and of three critics on a problem in the plane."""
    problem = ring_and_blob(np.random.default_rng(seed))
    transport = dv.wasserstein(problem.P.points, problem.Q.points)
    grid = np.linspace(-1.6, 1.6, 161)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    figure, axes = plt.subplots(1, 4, figsize=(13, 4.0), sharey=True, layout="constrained")
    potential = extended(transport.potentials[1], problem.Q.points, plane)
    surface(axes[0], grid, potential, problem, f"exact potential\n$W_1$ = {transport.value:.3f}\nslope 1.00")
    for axis, constraint in zip(
        axes[1:], (gan.WeightClipping(limit=0.05), gan.GradientPenalty(), gan.Orthogonal()), strict=True
    ):
        e = gan.estimate(problem.P, problem.Q, constraint=constraint, budget=budget, rng=seed, device=device)
        name = LABELS[type(constraint).__name__]
        title = f"{name}\nsays {e.raw:.3f}, proves {e.lower:.3f}\nslope {e.lipschitz:.2f}"
        image = surface(axis, grid, values(e, plane, device), problem, title)
    axes[0].set_ylabel("$x_2$")
    axes[0].legend(loc="upper right", framealpha=0.9)
    bar = figure.colorbar(image, ax=axes, shrink=0.85, ticks=[0, 0.5, 1])
    bar.set_label("critic, scaled to [0, 1] in each panel")
    figure.savefig(path)
    plt.close(figure)


def extended(g: Floats, tips: Floats, points: Floats) -> Floats:
    """The potential on the whole plane, by the cones that stand on the points of Q: 1-Lipschitz, optimal on P."""
    distances = np.linalg.norm(points[:, None] - tips[None], axis=2)
    return np.asarray(np.min(distances - g, axis=1))


def values(estimate: gan.Estimate, points: Floats, device: str) -> Floats:
    """A trained critic on points."""
    with torch.no_grad():
        out: Floats = estimate.critic(torch.as_tensor(points, device=device)).cpu().numpy()
    return out


def surface(axis: Axes, grid: Floats, z: Floats, problem: gan.Problem, title: str) -> QuadContourSet:
    """One panel: level sets at equal distances of the critic's value, and the points."""
    z = (z - z.min()) / (np.ptp(z) or 1.0)
    image = axis.contourf(grid, grid, z.reshape(len(grid), -1), levels=np.linspace(0, 1, 17), cmap="cividis")
    (px, py), (qx, qy) = problem.P.points.T, problem.Q.points.T
    axis.scatter(px, py, s=11, c="white", marker="o", edgecolors="black", linewidths=0.5, label="P")
    axis.scatter(qx, qy, s=11, c="#D55E00", marker="x", linewidths=0.8, label="Q")
    axis.set(title=title, xlabel="$x_1$", aspect="equal", xlim=(grid[0], grid[-1]), ylim=(grid[0], grid[-1]))
    return image
