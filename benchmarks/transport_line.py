"""How fast is transport on the line? This library, scipy and POT in one process and one thread, in turns.

Prints seconds and ratios (how many times as fast this library is), and the goals that are met or missed.

    python benchmarks/transport_line.py [--quick]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

if __name__ == "__main__":  # read when numpy is imported
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

import numpy as np
import ot
from scipy.stats import wasserstein_distance

from divergences.transport import wasserstein_circle
from divergences.transport.quantile_line import wasserstein_1d

Call = Callable[[], Any]

SCIPY, POT, POT_LP = "scipy", "ot.wasserstein_1d", "ot.emd2_1d"


@final
@dataclass(frozen=True)
class Race:
    """A problem, the ways to solve it, and how many times as fast as a peer this library is to be."""

    name: str
    ours: Call
    peers: dict[str, Call]
    goals: dict[str, float]


def pairs(n: int, rng: np.random.Generator, *, weighted: bool, rows: int | None = None) -> list[Any]:
    """Normal points half a unit apart, and weights from 0.1 to 1.1."""
    shape = (n,) if rows is None else (rows, n)
    x, y = rng.normal(size=shape), rng.normal(size=shape) + 0.5
    weights = [rng.uniform(0.1, 1.1, size=shape) for _ in range(2)] if weighted else []
    return [x, y, *(w / w.sum(axis=-1, keepdims=True) for w in weights)]


def single(n: int, goal: float, rng: np.random.Generator, *, weighted: bool) -> Race:
    """One pair on the line."""
    z = pairs(n, rng, weighted=weighted)
    peers = {
        SCIPY: lambda: wasserstein_distance(*z),
        POT: lambda: ot.wasserstein_1d(*z),
        POT_LP: lambda: ot.emd2_1d(*z, metric="euclidean"),
    }
    name = f"{n} {'weighted' if weighted else 'uniform'}"
    return Race(name, lambda: wasserstein_1d(*z), peers, {SCIPY: goal, POT: 1.0, POT_LP: 1.0})


def batch(rows: int, n: int, rng: np.random.Generator, *, weighted: bool) -> Race:
    """Many pairs at once, against a loop."""
    z = pairs(n, rng, weighted=weighted, rows=rows)
    name = f"{rows} x {n} {'weighted' if weighted else 'uniform'}"
    loop = {SCIPY: lambda: [wasserstein_distance(*row) for row in zip(*z, strict=True)]}
    return Race(name, lambda: wasserstein_1d(*z), loop, {SCIPY: 5.0})


def circle(n: int, p: int, rng: np.random.Generator, *, weighted: bool) -> Race:
    """One pair on the circle, with plan, potentials and bounds on our side and the value alone on the other."""
    x, y, *w = pairs(n, rng, weighted=weighted)
    x, y = np.mod(x, 1), np.mod(0.2 * y, 1)
    name = f"circle {n} p={p} {'weighted' if weighted else 'uniform'}"
    peers = {"ot.wasserstein_circle": lambda: ot.wasserstein_circle(x, y, *w, p=p)[0] ** (1 / p)}
    return Race(name, lambda: wasserstein_circle(x, y, *w, p=p).value, peers, {"ot.wasserstein_circle": 1.0})


def races(*, quick: bool) -> list[Race]:
    """All problems."""
    rng = np.random.default_rng(0)
    large, rows, turn = (20_000, 20, 2_000) if quick else (1_000_000, 1000, 100_000)
    return [
        *(single(1000, 1.0, rng, weighted=w) for w in (False, True)),
        *(single(large, 2.5 if w else 8.0, rng, weighted=w) for w in (False, True)),
        *(batch(rows, 1000, rng, weighted=w) for w in (False, True)),
        *(circle(turn, p, rng, weighted=w) for p in (1, 2) for w in (False, True)),
    ]


def run(race: Race, *, rounds: int) -> list[str]:
    """Print a row per way and return the goals missed; the least of several processor times counts."""
    calls = {"ours": race.ours, **race.peers}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    values = {}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            values[name] = call()
            seconds[name].append(time.process_time() - start)
    ours, missed = min(seconds["ours"]), []
    for name, taken in seconds.items():
        ratio, goal = min(taken) / ours, race.goals.get(name)
        apart = float(np.max(np.abs(np.asarray(values[name]) / np.asarray(values["ours"]) - 1)))
        told = "" if goal is None else f"  goal {goal:g}{'' if ratio >= goal else ' MISSED'}"
        print(f"{race.name:28s} {name:22s} {min(taken):10.6f} s {ratio:8.2f} x  apart {apart:.0e}{told}")
        if goal is not None and ratio < goal:
            missed.append(f"{race.name} {name}: {ratio:.2f} < {goal:g}")
    return missed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all races; 1 if a goal is missed, unless the run is a quick one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="smaller problems, two rounds, goals said and not asserted"
    )
    quick = parser.parse_args(arguments).quick
    missed = [m for race in races(quick=quick) for m in run(race, rounds=2 if quick else 7)]
    print("all goals met" if not missed else "goals missed: " + "; ".join(missed))
    return int(bool(missed) and not quick)


if __name__ == "__main__":
    sys.exit(main())
