"""Many critics at once: what a stack of 64 costs beside a loop, and how near its bounds are.

The same architecture and the same steps for `gan.estimate_many` and for a loop of `gan.estimate`; and 64 pairs of 48 atoms
in the plane within a fixed time. CPU seconds of one thread, exact values left out. Prints tables; writes them as CSV and
JSON, and a picture, under benchmarks/results/.

    python benchmarks/many_critics.py [--quick] [--out benchmarks/results]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt

import divergences as dv
import gan
from gan.problems import RANDOM_PAIRS

RESULTS = Path(__file__).parent / "results"

GOAL_ERROR, GOAL_SECONDS, GOAL_SPEED = 1e-3, 10.0, 8.0
"""Largest relative error of a stack of 64 pairs, its CPU seconds, and how many times faster than the loop it is."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer pairs and steps; the goals are then only reported.
    out : str
        Folder of the files.
    pairs : int
        Of a stack.
    atoms : int
        Of each measure in the stack that must be near.
    speed_steps : int
        Steps of Adam where only time counts, in the stack and in the loop.
    looped : int
        Pairs of the loop, whose time is scaled to that of all.
    seed : int
        Of pairs and weights.
    """

    quick: bool
    out: str
    pairs: int = 64
    atoms: int = 48
    speed_steps: int = 200
    looped: int = 8
    seed: int = 0


@final
@dataclass(frozen=True)
class Accuracy:
    """One pair of the stack.

    Parameters
    ----------
    objective, problem : str
        What is estimated, of what.
    exact, lower : float
        The exact value and the proven bound.
    error : float
        1 - lower / exact.
    seconds : float
        CPU seconds of the whole stack, exact values left out.
    """

    objective: str
    problem: str
    exact: float
    lower: float
    error: float
    seconds: float


@final
@dataclass(frozen=True)
class Speed:
    """Stack against loop.

    Parameters
    ----------
    objective : str
        What is estimated.
    atoms, width : int
        Of each measure; units of a layer.
    dtype : str
        Precision of the training of both.
    stack_seconds, loop_seconds : float
        CPU seconds for all pairs.
    faster : float
        Their ratio.
    """

    objective: str
    atoms: int
    width: int
    dtype: str
    stack_seconds: float
    loop_seconds: float
    faster: float


def problems(settings: Settings, atoms: int) -> list[gan.Problem]:
    """Pairs in the plane, of all families in turn."""
    r = np.random.default_rng(settings.seed)
    return [RANDOM_PAIRS[k % len(RANDOM_PAIRS)](atoms, 2, rng=r) for k in range(settings.pairs)]


def common(settings: Settings, atoms: int) -> list[gan.Problem]:
    """Pairs whose divergences are finite: rough and smooth weights in turn."""
    r = np.random.default_rng(settings.seed)
    families = [f for f in RANDOM_PAIRS if f.__name__ in ("shared_support", "smooth_weights")]
    return [families[k % 2](atoms, 2, rng=r) for k in range(settings.pairs)]


def cheapest(objective: gan.Objective) -> gan.UpperBound | None:
    """The cheapest upper bound of W1, so that what is timed is the critics."""
    return gan.MonotonePlan() if objective is gan.wasserstein else None


def timed(run: Callable[[], list[gan.Estimate]]) -> tuple[list[gan.Estimate], float]:
    """Estimates, and their CPU seconds."""
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


def accuracy(settings: Settings) -> list[Accuracy]:
    """The default stack, of W1 and of JS."""
    budget = gan.Budget(steps=60, polish=20) if settings.quick else None
    rows = []
    for objective, pairs in (
        (gan.wasserstein, problems(settings, settings.atoms)),
        (gan.variational(dv.js), common(settings, settings.atoms)),
    ):
        found, seconds = timed(
            lambda pairs=pairs, objective=objective: gan.estimate_many(  # type: ignore[misc]
                pairs, objective, budget=budget, upper=cheapest(objective), rng=settings.seed, device="cpu"
            )
        )
        for pair, e in zip(pairs, found, strict=True):
            exact = objective.exact(pair.P, pair.Q)
            if not e.lower <= exact.upper:
                msg = f"expected the proven bound {e.lower!r} not to be above {exact.upper!r} on {pair.name}"
                raise ArithmeticError(msg)
            name = "W1" if objective is gan.wasserstein else "JS"
            rows.append(Accuracy(name, pair.name, exact.value, e.lower, 1 - e.lower / exact.value, seconds))
    return rows


def speed(settings: Settings, atoms: int, width: int, dtype: torch.dtype, name: str) -> Speed:
    """The same trainings in a stack, and one after the other."""
    pairs = problems(settings, atoms) if name == "W1" else common(settings, atoms)
    objective: gan.Objective = gan.wasserstein if name == "W1" else gan.variational(dv.js)
    budget = gan.Budget(steps=settings.speed_steps, polish=0)
    kind = {
        "critic": gan.FourierMLP(features=width, width=width),
        "budget": budget,
        "upper": cheapest(objective),
        "rng": settings.seed,
        "device": "cpu",
        "dtype": dtype,
    }
    _, stacked = timed(lambda: gan.estimate_many(pairs, objective, **kind))  # type: ignore[arg-type]
    some = pairs[: settings.looped]
    _, looped = timed(lambda: [gan.estimate(pair, None, objective, **kind) for pair in some])  # type: ignore[arg-type]
    loop = looped * len(pairs) / len(some)
    return Speed(name, atoms, width, str(dtype).removeprefix("torch."), stacked, loop, loop / stacked)


def judged(near: Sequence[Accuracy], fast: Sequence[Speed]) -> list[Target]:
    """What must hold."""
    w1 = [row for row in near if row.objective == "W1"]
    worst, seconds = max(row.error for row in w1), w1[0].seconds
    small = [row for row in fast if row.atoms <= 64 and row.width == 32 and row.dtype == "float32"]
    slowest = min(row.faster for row in small)
    return [
        Target(f"all {len(w1)} pairs within {GOAL_ERROR:.1%}, proven", f"{worst:.1e}", worst <= GOAL_ERROR),
        Target(f"in at most {GOAL_SECONDS:.0f} CPU s", f"{seconds:.1f} s", seconds <= GOAL_SECONDS),
        Target(
            f"small critics at least {GOAL_SPEED:.0f} times as fast as the loop",
            f"{slowest:.1f} times at least",
            slowest >= GOAL_SPEED,
        ),
    ]


def draw(near: Sequence[Accuracy], fast: Sequence[Speed], path: Path) -> None:
    """Errors in order, and the factors."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for name, colour, marker in (("W1", "#0072B2", "o"), ("JS", "#D55E00", "^")):
        rows = [row for row in near if row.objective == name]
        errors = np.maximum(np.sort([row.error for row in rows]), 1e-16)
        label = f"{name}, {rows[0].seconds:.1f} CPU s in all"
        left.plot(np.arange(1, len(errors) + 1), errors, marker, color=colour, ms=4, label=label)
    left.axhline(GOAL_ERROR, color="black", ls="--", lw=1, label="goal for W1")
    left.set(yscale="log", xlabel="pair, in order of its error", ylabel="1 - proven bound / exact")
    left.set_title("A stack of critics beside exact values")
    left.legend(frameon=False)
    for k, row in enumerate(fast):
        right.barh(k, row.faster, color="#0072B2" if row.objective == "W1" else "#D55E00")
        right.annotate(f"{row.faster:.1f}", (row.faster, k), (4, 0), textcoords="offset points", va="center")
    right.axvline(GOAL_SPEED, color="black", ls="--", lw=1)
    right.set_yticks(range(len(fast)), [f"{r.objective}, n = {r.atoms}, h = {r.width}, {r.dtype}" for r in fast])
    right.invert_yaxis()
    right.set(xlabel="time of the loop / time of the stack", title="How many times as fast as a loop")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # critics this small lose time to a second thread
    warm = gan.Budget(steps=2, polish=1)
    for objective in (gan.wasserstein, gan.variational(dv.js)):  # what the first call imports
        gan.estimate_many(common(settings, 4)[:2], objective, budget=warm, upper=cheapest(objective), device="cpu")
    near = accuracy(settings)
    sizes = ((16, 32),) if settings.quick else ((16, 32), (64, 32), (64, 64), (256, 64))
    types = (torch.float32,) if settings.quick else (torch.float32, torch.float64)
    fast = [speed(settings, n, h, dtype, name) for name in ("W1", "JS") for n, h in sizes for dtype in types]
    table = []
    for name in ("W1", "JS"):
        rows = [row for row in near if row.objective == name]
        errors = [row.error for row in rows]
        worst = max(rows, key=lambda row: row.error)
        table.append(
            [
                name,
                f"{len(rows)}",
                f"{np.median(errors):.1e}",
                f"{worst.error:.1e}",
                worst.problem,
                f"{rows[0].seconds:.1f}",
            ]
        )
    show(
        "the default stack, errors of proven bounds",
        ["", "pairs", "median", "worst", "worst pair", "CPU s in all"],
        table,
    )
    show(
        f"{settings.pairs} pairs, {settings.speed_steps} steps, CPU s",
        ["", "atoms", "width", "precision", "stack", "loop", "times as fast"],
        [
            [r.objective, f"{r.atoms}", f"{r.width}", r.dtype, f"{r.stack_seconds:.1f}", f"{r.loop_seconds:.1f}", f"{r.faster:.1f}"]
            for r in fast
        ],
    )  # fmt: skip
    targets = judged(near, fast)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "many_critics", settings, near, targets)
    save(out, "many_critics_speed", settings, fast, targets)
    draw(near, fast, out / "many_critics.png")
    return 0 if met or settings.quick else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="fewer pairs and steps")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    if options.quick:
        return Settings(True, out, pairs=16, speed_steps=20, looped=2)
    return Settings(False, out)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
