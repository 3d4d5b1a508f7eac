r"""Accuracy and speed of divergences between distributions, beside torch.distributions.

Accuracy: KL in closed form of members of one family whose parameters differ by a relative 1 down to 1e-12, against the
textbook's formula at 110 digits. Speed: a batch of 100 000 KL of normals, with and without making the objects, in turns
with torch in one thread; one Jensen-Shannon divergence of two normals by quadrature, with its bounds.

Prints the tables, and writes CSV, JSON and a picture under benchmarks/results/.

    python benchmarks/distributions.py [--quick] [--out benchmarks/results]
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

if __name__ == "__main__":  # read when numpy is imported
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

import matplotlib as mpl
import mpmath
import numpy as np
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from torch import distributions as td

import divergences as dv
from divergences.families import Beta, Exponential, Gamma, Normal, Poisson

RESULTS = Path(__file__).parent / "results"

DIGITS = 110

lg, psi, log = mpmath.loggamma, mpmath.digamma, mpmath.log


def _log_beta(a: Any, b: Any) -> Any:
    return lg(a) + lg(b) - lg(a + b)


FAMILIES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], tuple[float, ...]]] = {
    "normal": (
        Normal,
        td.Normal,
        lambda m, s, n, t: log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - mpmath.mpf(1) / 2,
        (0.7, 1.3),
    ),
    "exponential": (Exponential, td.Exponential, lambda x, y: log(x / y) + y / x - 1, (1.3,)),
    "gamma": (
        Gamma,
        td.Gamma,
        lambda k, r, j, t: (k - j) * psi(k) - lg(k) + lg(j) + j * log(r / t) + k * (t / r - 1),
        (2.5, 1.3),
    ),
    "beta, sharp": (
        Beta,
        td.Beta,
        lambda a, b, c, d: (
            _log_beta(c, d) - _log_beta(a, b) + (a - c) * psi(a) + (b - d) * psi(b) + (c - a + d - b) * psi(a + b)
        ),
        (1e6, 1.1e6),
    ),
    "Poisson": (Poisson, td.Poisson, lambda x, y: x * log(x / y) + y - x, (3.5,)),
}
"""Here, in torch, at any number of digits, and where."""

normal: Any = td.Normal

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer draws and turns.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str


@final
@dataclass(frozen=True, slots=True)
class Row:
    """The largest relative errors of KL over some draws; ours also over the condition of KL in its parameters."""

    family: str
    closeness: float
    divergences: float
    conditioned: float
    torch: float


def measured(family: str, closeness: float, draws: int, rng: np.random.Generator) -> Row:
    """Errors at one closeness."""
    ours, theirs, formula, center = FAMILIES[family]
    worst = [0.0, 0.0, 0.0]
    for _ in range(draws):
        p = np.array(center) * np.exp(0.3 * rng.normal(size=len(center)))
        q = p * np.exp(closeness * rng.normal(size=len(center)))
        with mpmath.workdps(DIGITS):
            truth = formula(*map(mpmath.mpf, [*p.tolist(), *q.tolist()]))
            tensors = [[torch.tensor(x, dtype=torch.float64) for x in z] for z in (p, q)]
            values = dv.kl(ours(*p), ours(*q)), td.kl_divergence(*(theirs(*z) for z in tensors))
            mine, other = (abs(float((mpmath.mpf(float(x)) - truth) / truth)) for x in values)
            errors = [mine, mine / max(1.0, condition(formula, [*p.tolist(), *q.tolist()], truth)), other]
        worst = [max(pair) for pair in zip(worst, errors, strict=True)]
    return Row(family, closeness, *worst)


def condition(formula: Callable[..., Any], parameters: list[float], truth: Any) -> float:
    """Relative change of KL per relative change of its parameters."""
    exact = [mpmath.mpf(x) for x in parameters]
    step = mpmath.mpf(10) ** -40
    changes = []
    for k in range(len(exact)):
        moved = [x * (1 + step) if i == k else x for i, x in enumerate(exact)]
        changes.append(abs((formula(*moved) - truth) / (step * truth)))
    return float(sum(changes))


def race(calls: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Lower quartile of the seconds of each call, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.quantiles(times, n=4)[0] for name, times in seconds.items()}


def batch(turns: int) -> dict[str, float]:
    """KL of 100 000 pairs of normals."""
    rng = np.random.default_rng(0)
    arrays = [f(rng.normal(size=100_000)) for f in (np.asarray, np.exp, np.asarray, np.exp)]
    tensors = [torch.from_numpy(x) for x in arrays]
    P, Q = Normal(*arrays[:2]), Normal(*arrays[2:])
    T, S = normal(*tensors[:2]), normal(*tensors[2:])
    return race(
        {
            "divergences": lambda: dv.kl(P, Q),
            "torch": lambda: td.kl_divergence(T, S),
            "divergences, with the objects": lambda: dv.kl(Normal(*arrays[:2]), Normal(*arrays[2:])),
            "torch, with the objects": lambda: td.kl_divergence(normal(*tensors[:2]), normal(*tensors[2:])),
            "divergences on torch's objects": lambda: dv.kl(T, S),
        },
        turns,
    )


def draw(rows: list[Row], path: Path) -> None:
    """Errors against closeness."""
    figure, axis = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
    for name, colour in zip(FAMILIES, COLOURS, strict=True):
        mine = [row for row in rows if row.family == name]
        x = [row.closeness for row in mine]
        axis.plot(x, [max(row.torch, 1e-17) for row in mine], color=colour, ls="--", marker="o", ms=3, lw=1.4)
        axis.plot(x, [max(row.divergences, 1e-17) for row in mine], color=colour, marker="s", ms=3, lw=1.8, label=name)
    axis.axhline(1, color="0.6", lw=0.8)
    axis.text(1e-12, 1.6, "nothing right", color="0.4", fontsize=8, va="bottom")
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="relative difference of the parameters",
        ylabel="largest relative error of KL",
        title="Closed-form KL of nearly equal distributions",
    )
    axis.spines[["top", "right"]].set_visible(False)
    handles, _ = axis.get_legend_handles_labels()
    styles = [
        Line2D([], [], color="0.3", lw=1.8, label="this library"),
        Line2D([], [], color="0.3", ls="--", label="torch"),
    ]
    axis.legend(handles=handles + styles, frameon=False, loc="upper right", ncols=2)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> int:
    """Run, print, write; 1 if the accuracy is missed (speeds are said, not asserted)."""
    parser = argparse.ArgumentParser(description="Closed forms and quadrature beside torch.distributions.")
    parser.add_argument("--quick", action="store_true", help="fewer draws and turns")
    parser.add_argument("--out", default=str(RESULTS), help="folder of the files")
    settings = Settings(**vars(parser.parse_args()))
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    levels = [10.0**-k for k in range(0, 13, 4 if settings.quick else 1)]
    rows = [measured(name, level, 3 if settings.quick else 20, rng) for name in FAMILIES for level in levels]
    show(
        "largest relative error of KL against 110 digits",
        ("family", "parameters differ by", "divergences", "torch"),
        [(r.family, f"{r.closeness:.0e}", f"{r.divergences:.1e}", f"{r.torch:.1e}") for r in rows],
    )
    turns = 15 if settings.quick else 60
    seconds = batch(turns)
    show("KL of 100 000 pairs of normals", ("route", "ms"), [(name, f"{1e3 * s:.2f}") for name, s in seconds.items()])
    P, Q = Normal(0.0, 1.0), Normal(1.0, 2.0)
    bounds = dv.js.bounds(P, Q)
    one = race({"js": lambda: dv.js.bounds(P, Q)}, turns)["js"]
    conditioned = max(row.conditioned for row in rows)
    near = max(row.divergences for row in rows if row.closeness < 0.09)
    bare = seconds["torch"] / seconds["divergences"]
    made = seconds["torch, with the objects"] / seconds["divergences, with the objects"]
    judged = [
        Target("closed forms within 4e-15 times the condition", f"{conditioned:.1e}", conditioned <= 4e-15),
        Target("and without it for parameters closer than 0.1", f"{near:.1e}", near <= 4e-15),
        Target("KL of a batch of normals no slower than torch's", f"{bare:.2f} times as fast", bare >= 1),
        Target("the same, with the objects made", f"{made:.2f} times as fast", made >= 1),
        Target("JS of two normals by quadrature in 5 ms", f"{1e3 * one:.1f} ms, width {bounds.gap:.0e}", one <= 5e-3),
    ]
    announce(judged)
    out = Path(settings.out)
    save(out, "distributions", settings, rows, judged)
    draw(rows, out / "distributions.png")
    return 0 if judged[0].met and judged[1].met else 1


if __name__ == "__main__":
    sys.exit(main())
