"""How much does Pinsker's inequality give away? The lower bounds of KL by total variation, against the sharp one.

The sharp bound is that of the joint range, proven from below and attained by a pair from above. Prints a table, writes
every point as CSV and JSON, and a picture of the bounds and of what each gives away, under benchmarks/results/.

    python benchmarks/pinsker_gap.py [--quick] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import divergences as dv
from divergences.relations import RELATIONS, bound

RESULTS = Path(__file__).parent / "results"

CLASSICAL = ("pinsker", "pinsker_series", "bretagnolle_huber", "vajda", "gilardoni")

GOAL_GAP, GOAL_SECONDS = 1e-10, 0.05
"""Relative width of the proven bounds, and the median time of one sharp bound."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer points.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def variations(self) -> list[float]:
        """Values of total variation: dense near 1, where the bounds part."""
        count = 24 if self.quick else 120
        small = np.geomspace(1e-3, 0.1, count // 3, endpoint=False)
        large = 1 - np.geomspace(0.9, 1e-3, count - count // 3)
        return [float(x) for x in (*small, *large)]


@final
@dataclass(frozen=True)
class Row:
    """All bounds at one total variation.

    Parameters
    ----------
    tv : float
        The total variation.
    lower, upper : float
        Proven bounds on the least KL.
    p, q : float
        Probabilities of the first outcome of the pair that attains it.
    pinsker, pinsker_series, bretagnolle_huber, vajda, gilardoni : float
        The classical lower bounds of KL.
    seconds : float
        Time of the sharp bound, both ends of the range.
    """

    tv: float
    lower: float
    upper: float
    p: float
    q: float
    pinsker: float
    pinsker_series: float
    bretagnolle_huber: float
    vajda: float
    gilardoni: float
    seconds: float

    def given_away(self, name: str) -> float:
        """The share of the sharp bound that a classical one gives away."""
        return 1 - float(getattr(self, name)) / self.upper


def classical(p: np.ndarray, q: np.ndarray) -> Mapping[str, float]:
    """The classical bounds at a pair of distributions, whose left sides are functions of its total variation."""
    sides = {x.name: float(x.sides(p, q)[0]) for x in RELATIONS if x.name in CLASSICAL}
    return {**sides, "bretagnolle_huber": -math.log1p(-sides["bretagnolle_huber"])}


def measured(tv: float) -> Row:
    """All bounds at one total variation."""
    start = time.perf_counter()
    least = bound(dv.kl, given=dv.tv, value=tv).smallest
    seconds = time.perf_counter() - start
    pair = np.array([tv, 1 - tv]), np.array([0.0, 1.0])  # any pair of that total variation
    lower, upper = least.bounds.lower, least.bounds.upper
    return Row(tv, lower, upper, float(least.p[0]), float(least.q[0]), **classical(*pair), seconds=seconds)


def judged(rows: Sequence[Row]) -> list[Target]:
    """What must hold."""
    widest = max(row.upper / row.lower - 1 for row in rows)
    nearest = min(row.given_away(name) for row in rows for name in CLASSICAL)
    median = float(np.median([row.seconds for row in rows]))
    return [
        Target(f"relative width of the proven bounds <= {GOAL_GAP:.0e}", f"{widest:.1e}", widest <= GOAL_GAP),
        Target(
            "no classical bound is above the sharp one", f"least share given away {nearest:.1e}", nearest >= -GOAL_GAP
        ),
        Target(
            f"median time of a sharp bound <= {1e3 * GOAL_SECONDS:.0f} ms",
            f"{1e3 * median:.1f} ms",
            median <= GOAL_SECONDS,
        ),
    ]


# ----------------------------------------------------------------------------------------------------------- the picture

STYLES = {
    "sharp": ("#000000", "-", "sharp (joint range)"),
    "gilardoni": ("#0072B2", "--", "Gilardoni"),
    "vajda": ("#009E73", "-.", "Vajda"),
    "pinsker_series": ("#CC79A7", (0, (5, 1, 1, 1, 1, 1)), "Pinsker, four terms"),
    "pinsker": ("#D55E00", ":", "Pinsker"),
    "bretagnolle_huber": ("#E69F00", (0, (7, 2)), "Bretagnolle-Huber"),
}
"""Okabe and Ito's colours, which the colour-blind can tell apart; the dashes differ too."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """The bounds over total variation, and what they give away."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.9), layout="constrained")
    rows = sorted(rows, key=lambda row: row.tv)
    tv = [row.tv for row in rows]
    for name in STYLES:
        curve(left, tv, [row.upper if name == "sharp" else float(getattr(row, name)) for row in rows], name)
    left.set(
        xlabel="total variation",
        ylabel="lower bound of KL, nats",
        xlim=(0, 1),
        ylim=(0, 6),
        title="What TV says about KL",
    )
    for name in CLASSICAL:
        curve(right, tv, [100 * row.given_away(name) for row in rows], name)
    right.set(
        xlabel="total variation",
        ylabel="share of the sharp bound given away, %",
        xlim=(0, 1),
        ylim=(0, 100),
        title="What each bound gives away",
    )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, handlelength=3)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def curve(axis: Axes, x: Sequence[float], y: Sequence[float], name: str) -> None:
    """One bound."""
    colour, dashes, label = STYLES[name]
    axis.plot(x, y, color=colour, ls=dashes, lw=2.4 if name == "sharp" else 1.7, label=label)


# ----------------------------------------------------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a target is missed."""
    settings = parsed(arguments)
    bound(dv.kl, given=dv.tv, value=0.5)  # what is computed once for all
    rows = [measured(tv) for tv in settings.variations]
    shown = [min(rows, key=lambda row: abs(row.tv - x)) for x in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)]
    table = [
        [f"{r.tv:.4f}", f"{r.lower:.10g}", *(f"{100 * r.given_away(name):.3g}" for name in CLASSICAL)] for r in shown
    ]
    show(
        "least KL of a total variation, and how many per cent of it the classical bounds give away",
        ["TV", "sharp", *CLASSICAL],
        table,
    )
    targets = judged(rows)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "pinsker_gap", settings, rows, targets)
    draw(rows, out / "pinsker_gap.png")
    return 0 if met else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="fewer points")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    default = RESULTS / "quick" if options.quick else RESULTS
    return Settings(quick=options.quick, out=str(options.out or default))


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
