"""Are confidence bounds from held-out samples right as often as they say? And how far from the truth are they.

On pairs of continuous distributions with known divergences, the optimal critic is held against fresh samples again and
again. Prints the share of repetitions whose bound is on the right side of the exact value, and its mean distance from it;
writes every row as CSV and JSON under benchmarks/results/.

    python benchmarks/coverage.py [--quick] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from divergence_report import Target, announce, save, show
from scipy.special import gamma

import divergences as dv
from divergences.families import Normal
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.confidence import Betting, CentralLimit, Confidence, EmpiricalBernstein
from gan.plug_in import plug_in_upper

RESULTS = Path(__file__).parent / "results"

LEVEL = 0.95

GOAL = (0.93, 1.0)
"""Shares of right bounds that are within the noise of 1 000 repetitions of a level of 0.95, or above it."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer repetitions.
    out : str
        Folder of the files.
    repetitions : int
        Bounds per pair and method.
    samples : int
        Held-out samples of either side.
    batches, batch : int
        Independent batches of an upper bound, and the samples of either side in each.
    seed : int
        Of all draws.
    """

    quick: bool
    out: str
    repetitions: int = 1000
    samples: int = 1000
    batches: int = 8
    batch: int = 40
    seed: int = 0


@final
@dataclass(frozen=True)
class Pair:
    r"""Two distributions $\mu + \sigma Z$ of $\mathbb R^d$, Z standard normal, an optimal critic and its exact value.

    Parameters
    ----------
    name : str
        What they are.
    dimension : int
        The number d.
    shifts, scales : tuple of float
        First coordinate of the means, and the standard deviations, of P and of Q.
    critic : callable
        Points (n, d) to outputs (n,).
    reading : Reading
        How outputs become a bound.
    exact : float
        The divergence.
    metric : bool
        Whether it is a Wasserstein distance, which batches of samples bound from above.
    heavy : bool
        Whether rare values of the critic are so large that means are far from normal.
    """

    name: str
    dimension: int
    shifts: tuple[float, float]
    scales: tuple[float, float]
    critic: Callable[[Floats], Floats]
    reading: Reading
    exact: float
    metric: bool = False
    heavy: bool = False

    def draw(self, side: int, shape: tuple[int, ...], generator: torch.Generator) -> Floats:
        """Independent points of P (0) or Q (1), of a shape (..., d)."""
        z = torch.randn(*shape, self.dimension, generator=generator, dtype=torch.float64).numpy()
        points: Floats = self.scales[side] * z
        points[..., 0] += self.shifts[side]
        return points


@final
@dataclass(frozen=True)
class Row:
    """What one method does on one pair.

    Parameters
    ----------
    pair, method : str
        Their names.
    heavy : bool
        Whether the pair has a heavy tail.
    exact : float
        The divergence.
    coverage : float
        Share of repetitions whose bound is on the right side of it.
    width : float
        Mean distance of bound and divergence.
    relative_width : float
        The same over the divergence.
    repetitions : int
        Bounds made.
    seconds : float
        Mean time of one.
    """

    pair: str
    method: str
    heavy: bool
    exact: float
    coverage: float
    width: float
    relative_width: float
    repetitions: int
    seconds: float


def pairs() -> list[Pair]:
    """The pairs, whose optimal critics are known functions."""
    narrow, wide = Normal(0.0, 1.0), Normal(1.0, 1.5)
    ratio = (0.0, 1.0), (1.0, 1.5), _log_ratio
    far = (1.2, 0.0), (1.0, 1.0), lambda x: 1.2 * x[:, 0] - 0.72
    root = math.sqrt(2) * gamma(2.5) / gamma(2.0)  # mean length of a standard normal vector in 4 dimensions
    read = Reading.of_log_ratio
    return [
        Pair("W1, shift", 2, (1.0, 0.0), (1.0, 1.0), lambda x: x[:, 0], Reading.of_critic(), 1.0, metric=True),
        Pair("W1, scale", 4, (0.0, 0.0), (1.0, 2.0), _minus_length, Reading.of_critic(), float(root), metric=True),
        Pair("KL", 1, *ratio, read(dv.kl), float(dv.kl(narrow, wide))),
        Pair("JS", 1, *ratio, read(dv.js), dv.js.bounds(narrow, wide).value),
        Pair("Pearson chi2, heavy tail", 1, *far, read(dv.pearson_chi2), math.expm1(1.44), heavy=True),
    ]


def _log_ratio(x: Floats) -> Floats:
    """Of N(0, 1) against N(1, 1.5^2)."""
    y: Floats = math.log(1.5) - x[:, 0] ** 2 / 2 + (x[:, 0] - 1) ** 2 / 4.5
    return y


def _minus_length(x: Floats) -> Floats:
    y: Floats = -np.linalg.norm(x, axis=1)
    return y


def held_out(pair: Pair, method: Confidence, settings: Settings) -> Row:
    """Lower bounds on fresh samples again and again, clipped where samples of their own suggest."""
    generator = torch.Generator().manual_seed(settings.seed)
    shape = settings.repetitions + 1, settings.samples
    drawn = (pair.draw(side, shape, generator) for side in (0, 1))
    (v_p, v_q) = (pair.critic(x.reshape(-1, pair.dimension)).reshape(shape) for x in drawn)
    limits = clip_limits(pair.reading, v_p[0], v_q[0], method)
    start = time.perf_counter()
    bounds = np.array(
        [held_out_bound(method, pair.reading, p, q, limits) for p, q in zip(v_p[1:], v_q[1:], strict=True)]
    )
    return _row(pair, type(method).__name__, pair.exact - bounds, time.perf_counter() - start)


def plugged_in(pair: Pair, settings: Settings) -> Row:
    """Upper bounds from the distances of batches again and again."""
    generator = torch.Generator().manual_seed(settings.seed)
    shape = settings.repetitions, settings.batches, settings.batch
    x, y = (pair.draw(side, shape, generator) for side in (0, 1))
    start = time.perf_counter()
    bounds = np.array([plug_in_upper(p, q, level=LEVEL) for p, q in zip(x, y, strict=True)])
    return _row(pair, "plug_in_upper", bounds - pair.exact, time.perf_counter() - start)


def _row(pair: Pair, method: str, widths: Floats, seconds: float) -> Row:
    width, count = float(widths.mean()), len(widths)
    coverage = float(np.mean(widths >= 0))
    return Row(pair.name, method, pair.heavy, pair.exact, coverage, width, width / pair.exact, count, seconds / count)


def judged(rows: Sequence[Row]) -> list[Target]:
    """What must hold: for every pair, but of the normal approximation only where no tail is heavy."""
    targets = []
    for method in dict.fromkeys(row.method for row in rows):
        asked = [row for row in rows if row.method == method and not (row.heavy and method == CentralLimit.__name__)]
        shares = [row.coverage for row in asked]
        figure = f"{100 * min(shares):.1f} to {100 * max(shares):.1f} % on {len(asked)} pairs"
        met = GOAL[0] <= min(shares) and max(shares) <= GOAL[1]
        targets.append(Target(f"{method} is right in 93 to 100 % of the repetitions", figure, met))
    return targets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a target is missed."""
    settings = parsed(arguments)
    methods = Betting(LEVEL), EmpiricalBernstein(LEVEL), CentralLimit(LEVEL)
    rows = []
    for pair in pairs():
        rows += [held_out(pair, method, settings) for method in methods]
        rows += [plugged_in(pair, settings)] if pair.metric else []
    table = [
        [
            row.pair,
            row.method,
            f"{row.exact:.5g}",
            f"{100 * row.coverage:.1f}",
            f"{row.width:.4g}",
            f"{100 * row.relative_width:.3g}",
            f"{1e3 * row.seconds:.2f}",
        ]
        for row in rows
    ]
    title = f"bounds at level {LEVEL:.0%}, {settings.samples} samples a side, {settings.repetitions} repetitions"
    show(title, ["pair", "method", "exact", "right, %", "mean width", "in % of exact", "ms"], table)
    targets = judged(rows)
    met = announce(targets)
    save(Path(settings.out), "coverage", settings, rows, targets)
    return 0 if met else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    return Settings(True, out, repetitions=200, samples=400, batch=20) if options.quick else Settings(False, out)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
