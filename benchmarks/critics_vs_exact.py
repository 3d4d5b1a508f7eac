"""What do neural critics say, and what is true? Estimates of W1 and of seven f-divergences beside exact values.

Prints two tables; writes them as CSV and JSON, and two pictures, under benchmarks/results/.

    python benchmarks/critics_vs_exact.py [--quick] [--seed 0] [--device auto] [--full]

`--full` goes on with the leaderboards of random finite pairs (discrete_pairs.py) and of continuous pairs whose distance is
known (known_pairs.py), which take hours on one core.
"""

import argparse
import csv
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import discrete_pairs
import known_pairs
import numpy as np
import torch
from pictures import draw_surfaces, draw_training
from real_data import colour_histograms, digits, photographs

import divergences as dv
import gan

RESULTS = Path(__file__).parent / "results"
W1_GOAL, FENCHEL_GOAL = 0.02, 0.01
"""What the full run must reach: the best W1 critic of each problem, and every smooth f-divergence critic."""


@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        A quarter of the steps; the goals are then not asserted.
    seed : int
        Of the pixels drawn, of initial weights and of batches.
    device : str
        Where critics are trained.
    full : bool
        Whether the leaderboards follow.
    """

    quick: bool
    seed: int
    device: str
    full: bool

    def budget(self, steps: int, batch: int | None = None) -> gan.Budget:
        """Length of a training."""
        share = 4 if self.quick else 1
        return gan.Budget(steps=steps // share, batch=batch, polish=300 // share)


@dataclass(frozen=True)
class W1Row:
    """One critic on one problem."""

    problem: str
    n: int
    m: int
    d: int
    exact: float
    exact_lower: float
    exact_upper: float
    critic: str
    constraint: str
    raw: float
    proven_lower: float
    relative_error: float
    slope: float
    raw_over_slope: float
    seconds: float


@dataclass(frozen=True)
class FenchelRow:
    """One f-divergence."""

    divergence: str
    n: int
    d: int
    exact: float
    raw: float
    critic_bound: float
    relative_error: float
    seconds: float


def critics(settings: Settings) -> Iterator[tuple[gan.LipschitzConstraint, gan.Budget]]:
    """The contestants, each with the budget that it needs on two thousand points."""
    yield gan.WeightClipping(limit=0.05), settings.budget(800, batch=128)
    yield gan.GradientPenalty(weight=10.0), settings.budget(600, batch=128)
    yield gan.SpectralNorm(), settings.budget(500, batch=128)
    yield gan.Orthogonal(), settings.budget(400, batch=128)
    yield gan.ByConstruction(), settings.budget(600)
    yield gan.CTransform(), settings.budget(240)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; 0 if every proven bound holds and, in a full run, the goals are met."""
    settings = read(arguments)
    out = RESULTS / "quick" if settings.quick else RESULTS
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # critics this small lose time to a second thread
    print(f"device: {settings.device}, torch {torch.__version__}, seed {settings.seed}\n", flush=True)
    start = time.perf_counter()
    rng = np.random.default_rng(settings.seed)
    problems = [photographs(rng), digits(), gan.parallel_lines(0.5), gan.worked_table()]
    w1, histories = run_w1(problems, settings)
    fenchel = run_fenchel(colour_histograms(np.random.default_rng(settings.seed)), settings)
    show("W1: neural critics between a proven lower bound and the exact value", w1, W1_COLUMNS)
    show("f-divergences of the colour histograms (4 x 4 x 4 cubes, half a count added)", fenchel, FENCHEL_COLUMNS)
    say_exact_facts()
    save(out, settings, w1, fenchel)
    print("\ndrawing the training and four critics in the plane ...", flush=True)
    draw_training(histories, {row.problem: row.exact for row in w1}, out / "training.png")
    draw_surfaces(settings.budget(800, batch=128), settings.seed, settings.device, out / "surfaces.png")
    print(f"\nwritten to {os.path.relpath(out)}{os.sep}")
    print(f"total: {time.perf_counter() - start:.0f} s on {settings.device}")
    failed = judge(w1, fenchel, settings)
    if settings.full:
        others = ["--quick"] if settings.quick else []
        failed = max(failed, discrete_pairs.main(others), known_pairs.main(others))
    return failed


def read(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the training steps")
    parser.add_argument("--seed", type=natural, default=0, help="seed of pixels, weights and batches (default 0)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: the GPU if there is one (default)")
    parser.add_argument("--full", action="store_true", help="and the leaderboards of finite and of continuous pairs")
    given = parser.parse_args(arguments)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if given.device == "auto" else given.device
    try:
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError) as error:
        parser.error(f"--device {device}: torch does not find it here ({str(error).splitlines()[0]})")
    return Settings(given.quick, given.seed, device, given.full)


def natural(text: str) -> int:
    """A seed."""
    if not text.isdecimal():
        msg = f"expected a whole number of at least 0, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


Histories = dict[str, dict[str, tuple[gan.Record, ...]]]


def run_w1(problems: Sequence[gan.Problem], settings: Settings) -> tuple[list[W1Row], Histories]:
    """Every critic on every problem, and what each said while it was trained."""
    rows: list[W1Row] = []
    histories: Histories = {}
    for problem in problems:
        exact = gan.wasserstein.exact(problem.P, problem.Q)
        for constraint, budget in critics(settings):
            e = gan.estimate(
                problem.P,
                problem.Q,
                constraint=constraint,
                budget=budget,
                rng=settings.seed,
                device=settings.device,
            )
            hold(e, exact)
            # the c-transform makes a pair of potentials: what it reports is not a difference of critic values
            slope = math.nan if constraint.whole_support else e.lipschitz
            row = W1Row(
                problem.name,
                problem.P.size,
                problem.Q.size,
                problem.P.dimension,
                exact.value,
                exact.lower,
                exact.upper,
                type(constraint.architecture).__name__,
                type(constraint).__name__,
                e.raw,
                e.lower,
                e.lower / exact.value - 1,
                slope,
                e.raw / slope if slope else math.nan,  # a critic that clipping has flattened says nothing
                e.seconds,
            )
            progress(f"{row.problem}: {row.constraint}", row.raw, row.proven_lower, row.exact, row.seconds)
            rows.append(row)
            histories.setdefault(problem.name, {})[row.constraint] = e.history
    return rows, histories


def run_fenchel(problem: gan.Problem, settings: Settings) -> list[FenchelRow]:
    """Every declared divergence on one discrete pair."""
    rows = []
    for f in dv.FDIVERGENCES:
        objective = gan.variational(f)
        exact = objective.exact(problem.P, problem.Q)
        e = gan.estimate(
            problem.P,
            problem.Q,
            objective,
            budget=settings.budget(400),
            rng=settings.seed,
            device=settings.device,
        )
        hold(e, exact)
        error = e.lower / exact.value - 1
        size, dimension = problem.P.size, problem.P.dimension
        rows.append(FenchelRow(f.name, size, dimension, exact.value, e.raw, e.lower, error, e.seconds))
        progress(f"{problem.name}: {f.name}", e.raw, e.lower, exact.value, e.seconds)
    return rows


def hold(e: gan.Estimate, exact: dv.Bounds) -> None:
    """What every row must satisfy, against the exact value of its own road."""
    if not e.lower <= exact.upper:
        msg = f"expected the proven lower bound {e.lower!r} not to be above the exact value {exact.upper!r}"
        raise ArithmeticError(msg)


def progress(what: str, raw: float, lower: float, exact: float, seconds: float) -> None:
    """One line per trained critic, as soon as it is trained."""
    print(f"  {what:<44} says {raw:10.5f}, proves {lower:10.5f}, exact {exact:10.5f}  ({seconds:.1f} s)", flush=True)


Columns = Mapping[str, Callable[[Any], str]]

W1_COLUMNS: Columns = {
    "problem": lambda r: r.problem,
    "n": lambda r: f"{r.n}" if r.n == r.m else f"{r.n}, {r.m}",
    "d": lambda r: f"{r.d}",
    "exact W1": lambda r: f"{r.exact:.10f} ± {max(r.exact - r.exact_lower, r.exact_upper - r.exact):.0e}",
    "critic": lambda r: r.critic,
    "constraint": lambda r: r.constraint,
    "raw": lambda r: f"{r.raw:.5f}",
    "slope K": lambda r: "-" if math.isnan(r.slope) else f"{r.slope:.3f}",
    "raw / K": lambda r: "-" if math.isnan(r.raw_over_slope) else f"{r.raw_over_slope:.5f}",
    "proven lower": lambda r: f"{r.proven_lower:.5f}",
    "rel. error": lambda r: f"{r.relative_error:+.1e}",
    "s": lambda r: f"{r.seconds:.1f}",
}
FENCHEL_COLUMNS: Columns = {
    "divergence": lambda r: r.divergence,
    "n": lambda r: f"{r.n}",
    "d": lambda r: f"{r.d}",
    "exact": lambda r: f"{r.exact:.10f}",
    "raw": lambda r: f"{r.raw:.8f}",
    "critic bound": lambda r: f"{r.critic_bound:.8f}",
    "rel. error": lambda r: f"{r.relative_error:+.1e}",
    "s": lambda r: f"{r.seconds:.1f}",
}


def show(title: str, rows: Sequence[Any], columns: Columns) -> None:
    """Print a table, its columns as wide as they need to be."""
    cells = [list(columns), *([write(row) for write in columns.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    print(f"\n{title}\n{'-' * max(map(len, lines))}")
    print("\n".join(lines), flush=True)


def say_exact_facts() -> None:
    """Two lines of the lectures, computed: the worked table, and why W1 on parallel lines."""
    here, there = np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0, 9.0, 10.0])
    moved = dv.emd([3, 1, 2], [1, 1, 2, 2], np.abs(here[:, None] - there))
    lines = gan.parallel_lines(0.5)
    values = {f.name: gan.variational(f).exact(lines.P, lines.Q).value for f in (dv.js, dv.tv, dv.kl)}
    b = moved.bounds
    print(f"\nworked table: {moved.value:g} in all, proven in [{b.lower:g}, {b.upper:g}]; 7 per unit mass")
    print("parallel lines at distance 0.5: W1 = 0.5, but " + ", ".join(f"{k} = {v:.6g}" for k, v in values.items()))


def save(out: Path, settings: Settings, w1: Sequence[W1Row], fenchel: Sequence[FenchelRow]) -> None:
    """The tables as CSV, and both with their settings as JSON."""
    for name, kind, rows in (("w1.csv", W1Row, w1), ("fdivergences.csv", FenchelRow, fenchel)):
        with (out / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(kind)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
    record = {
        "settings": asdict(settings),
        "versions": versions,
        "w1": [asdict(row) for row in w1],
        "fdivergences": [asdict(row) for row in fenchel],
    }
    (out / "critics_vs_exact.json").write_text(json.dumps(finite(record), indent=1, allow_nan=False) + "\n")


def finite(x: Any) -> Any:
    """The record with null for what is not a finite number, as JSON has no other."""
    if isinstance(x, dict):
        return {key: finite(value) for key, value in x.items()}
    if isinstance(x, list):
        return [finite(value) for value in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


def judge(w1: Sequence[W1Row], fenchel: Sequence[FenchelRow], settings: Settings) -> int:
    """Say whether the goals are met; a quick run only has to be right, not close."""
    best = {row.problem: max(r.relative_error for r in w1 if r.problem == row.problem) for row in w1}
    kinks = {f.name: f.kinks for f in dv.FDIVERGENCES}
    smooth = {r.divergence: r.relative_error for r in fenchel if not kinks[r.divergence]}
    missed = [f"{name}: {error:.1%}" for name, error in best.items() if error < -W1_GOAL]
    missed += [f"{name}: {error:.1%}" for name, error in smooth.items() if error < -FENCHEL_GOAL]
    print(f"every proven lower bound is below the exact value; farthest best critic {min(best.values()):.1e}")
    if missed:
        print(f"goals missed ({W1_GOAL:.0%} for W1, {FENCHEL_GOAL:.0%} for smooth f): {', '.join(missed)}")
    return 0 if settings.quick or not missed else 1


if __name__ == "__main__":
    sys.exit(main())
