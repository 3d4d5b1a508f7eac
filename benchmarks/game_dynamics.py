r"""How the rules of stepping turn around the equilibrium of $\min_x \max_y xy$: away, on a closed orbit, or inwards.

Every rule is run by `gan.games` from (1, 0), with automatic differentiation and SGD, and stands beside its closed form, the powers of
its matrix in whole numbers. Simultaneous steps spiral outwards at any rate, be it smaller or different for the two players; alternating
ones go round on an ellipse; extragradient, predictive and optimistic steps come to rest.

Prints a table, and writes every point as CSV, the table as CSV and JSON, and a picture under benchmarks/results/.

    python benchmarks/game_dynamics.py [--quick] [--out benchmarks/results]
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from gan import bilinear
from gan.games import Alternating, Game, Simultaneous, SingleStep, TwoTimeScale
from gan.lookahead import Extragradient, Optimistic, Predictive

RESULTS = Path(__file__).parent / "results"

GOAL = 1e-12
"""Largest distance of a run from its closed form, relatively to the orbit."""

ETA = 0.2


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        A quarter of the time.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def time(self) -> float:
        """Steps times rate, in radians of the slow rotation."""
        return 5.0 if self.quick else 20.0


@final
@dataclass(frozen=True)
class Case:
    """A rule and a rate, and how its curve looks."""

    label: str
    game: Game
    eta: float
    colour: str
    dashes: str


CASES = (
    Case("simultaneous", Simultaneous(), ETA, "#D55E00", "-"),
    Case("single step", SingleStep(), ETA, "#D55E00", ":"),
    Case("simultaneous, a quarter of the rate", Simultaneous(), ETA / 4, "#E69F00", "-"),
    Case("simultaneous, critic 4 times as fast", TwoTimeScale(Simultaneous(), 4.0), ETA, "#CC79A7", "-"),
    Case("alternating", Alternating(), ETA, "#000000", "-"),
    Case("alternating, 5 critic steps", Alternating(5), ETA, "#000000", "--"),
    Case("extragradient", Extragradient(), ETA, "#0072B2", "-"),
    Case("predictive", Predictive(), ETA, "#009E73", "--"),
    Case("optimistic", Optimistic(), ETA, "#56B4E9", "-."),
)
"""Colours of Okabe and Ito, which the colour-blind can tell apart; the dashes differ where curves meet."""


@final
@dataclass(frozen=True)
class Row:
    """A rule on the bilinear game.

    Parameters
    ----------
    game : str
        The rule.
    eta : float
        Learning rate of the generator.
    steps : int
        Length of the run.
    modulus : float
        Largest modulus of an eigenvalue.
    measured : float
        The factor of the distance per step, between a quarter of the run and its end.
    distance : float
        From the equilibrium at the end.
    error : float
        Largest distance of a coordinate of the run from its closed form, over the largest coordinate.
    seconds : float
        Of the run.
    """

    game: str
    eta: float
    steps: int
    modulus: float
    measured: float
    distance: float
    error: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class Orbit:
    """A case with its orbit, as run and in closed form."""

    case: Case
    run: npt.NDArray[np.float64]
    exact: npt.NDArray[np.float64]
    seconds: float

    @property
    def row(self) -> Row:
        """What the table says about it."""
        distances, steps = np.hypot(*self.exact.T), len(self.exact) - 1
        quarter = steps // 4
        return Row(
            game=self.case.label,
            eta=self.case.eta,
            steps=steps,
            modulus=bilinear.modulus(self.case.game, self.case.eta),
            measured=float(distances[-1] / distances[quarter]) ** (1 / (steps - quarter)),
            distance=float(distances[-1]),
            error=float(np.abs(self.run - self.exact).max() / np.abs(self.exact).max()),
            seconds=self.seconds,
        )


def played(case: Case, duration: float) -> Orbit:
    """The run and its closed form."""
    steps = round(duration / case.eta)
    exact = bilinear.trajectory(case.game, case.eta, steps=steps)
    start = time.perf_counter()
    run = bilinear.simulated(case.game, case.eta, steps=steps)
    return Orbit(case, run, exact, time.perf_counter() - start)


def judged(orbits: Sequence[Orbit]) -> list[Target]:
    """What must hold."""
    of = {orbit.case.label: orbit for orbit in orbits}
    rows = {label: orbit.row for label, orbit in of.items()}
    error = max(row.error for row in rows.values())
    second = of["simultaneous"].run[2] - (1 - ETA**2, 2 * ETA)
    outwards = abs(rows["simultaneous"].modulus - math.sqrt(1 + ETA**2))
    inwards = abs(rows["extragradient"].modulus - math.sqrt(1 - ETA**2 + ETA**4))
    x, y = of["alternating"].run.T
    drift = float(np.abs(x**2 + ETA * x * y + y**2 - 1).max())
    ahead = max(rows[label].distance for label in ("extragradient", "predictive", "optimistic"))
    away = min(row.distance for label, row in rows.items() if label.startswith(("simultaneous", "single")))
    return [
        Target(f"every run is its closed form, relatively to {GOAL:.0e}", f"{error:.1e}", error <= GOAL),
        Target(
            "the second simultaneous step is (1 - eta^2, 2 eta)",
            f"{np.abs(second).max():.1e}",
            bool(np.abs(second).max() <= 1e-15),
        ),
        Target("simultaneous modulus sqrt(1 + eta^2)", f"{outwards:.1e}", outwards <= 1e-15),
        Target("extragradient modulus sqrt(1 - eta^2 + eta^4)", f"{inwards:.1e}", inwards <= 1e-15),
        Target("alternating steps conserve x^2 + eta x y + y^2", f"{drift:.1e}", drift <= GOAL),
        Target("rules that look ahead come nearer", f"distance at most {ahead:.2g} of 1", ahead < 1),
        Target("simultaneous steps go away at every rate", f"distance at least {away:.2f}", away > 1),
    ]


# ----------------------------------------------------------------------------------------------------------- the picture

RULES = tuple(case for case in CASES if case.eta == ETA and not isinstance(case.game, TwoTimeScale))
"""One case per rule, for what depends on the rate."""


def draw(orbits: Sequence[Orbit], path: Path) -> None:
    """The orbits, the distances, and the moduli over the rate."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    panels = [orbit for orbit in orbits if not isinstance(orbit.case.game, SingleStep)]  # that of simultaneous steps
    figure = plt.figure(figsize=(13, 11), layout="constrained")
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.5, 1])[:, 0]
    for axis, orbit in zip(top.subplots(2, 4).flat, panels, strict=True):
        draw_orbit(axis, orbit)
    left, right = bottom.subplots(1, 2)
    draw_distances(left, orbits)
    draw_moduli(right)
    bottom.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, handlelength=3)
    top.suptitle(rf"$\min_x \max_y\, xy$ from (1, 0), rate {ETA}: closed form (line) and run (dots)")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_orbit(axis: Axes, orbit: Orbit) -> None:
    """One orbit in the plane."""
    axis.axhline(0, color="0.85", lw=0.8)
    axis.axvline(0, color="0.85", lw=0.8)
    axis.plot(*orbit.exact.T, color=orbit.case.colour, lw=0.9)
    axis.plot(*orbit.run.T, ".", color=orbit.case.colour, ms=3.5)
    axis.plot(0, 0, "+", color="0.3", ms=9)
    axis.plot(*orbit.exact[0], "o", mfc="none", color="0.3", ms=6)
    reach = 1.12 * float(np.abs(orbit.exact).max())
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=orbit.case.label, xlabel="x", ylabel="y")
    axis.title.set_fontsize(10)


def draw_distances(axis: Axes, orbits: Sequence[Orbit]) -> None:
    """Distance from the equilibrium over time."""
    for orbit in orbits:
        case, distances = orbit.case, np.hypot(*orbit.exact.T)
        axis.semilogy(
            case.eta * np.arange(len(distances)), distances, color=case.colour, ls=case.dashes, label=case.label
        )
    axis.set(
        xlabel="steps times rate of the generator", ylabel="distance from (0, 0)", title="How far from the equilibrium"
    )


def draw_moduli(axis: Axes) -> None:
    """Factor per step over the rate."""
    eta = np.linspace(1e-3, 1.25, 600)
    axis.axhline(1, color="0.85", lw=0.8)
    for case in RULES:
        axis.plot(eta, [bilinear.modulus(case.game, e) for e in eta], color=case.colour, ls=case.dashes)
    axis.set(
        xlabel="rate of both players",
        ylabel="largest modulus of an eigenvalue",
        title="Factor of the distance per step",
        xlim=(0, 1.25),
        ylim=(0, 2),
    )


# ----------------------------------------------------------------------------------------------------------- the command


def save_orbits(orbits: Sequence[Orbit], path: Path) -> None:
    """Every point, as run and in closed form."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["game", "eta", "step", "x", "y", "exact_x", "exact_y"])
        for orbit in orbits:
            points = zip(orbit.run.tolist(), orbit.exact.tolist(), strict=True)
            writer.writerows([orbit.case.label, orbit.case.eta, n, *a, *b] for n, (a, b) in enumerate(points))


def main() -> int:
    """Run, print, write; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Orbits of two players on a bilinear game.")
    parser.add_argument("--quick", action="store_true", help="a quarter of the time")
    parser.add_argument("--out", default=str(RESULTS), help="folder of the files")
    settings = Settings(**vars(parser.parse_args()))
    torch.set_num_threads(1)
    played(CASES[0], 1.0)  # what torch loads at the first step
    orbits = [played(case, settings.time) for case in CASES]
    rows = [orbit.row for orbit in orbits]
    show(
        "min_x max_y xy from (1, 0)",
        ("game", "eta", "steps", "modulus", "measured", "distance", "error", "us per step"),
        [
            (
                row.game,
                f"{row.eta:g}",
                str(row.steps),
                f"{row.modulus:.6f}",
                f"{row.measured:.6f}",
                f"{row.distance:.3g}",
                f"{row.error:.1e}",
                f"{1e6 * row.seconds / row.steps:.0f}",
            )
            for row in rows
        ],
    )
    targets = judged(orbits)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "game_dynamics", settings, rows, targets)
    save_orbits(orbits, out / "game_dynamics_orbits.csv")
    draw(orbits, out / "game_dynamics.png")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
