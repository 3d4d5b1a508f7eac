"""Does the loss of the critic say how the generator is doing? That of WGAN-GP beside that of the GAN discriminator.

Both are trained on the ring of 8 Gaussians with the same networks, batch, rates and number of critic steps; one more GAN
is trained with one critic step and equal rates, as is more usual. Every few steps samples of real and of generated
points are drawn, and two numbers are taken of the very same points: exact W1, and the value of the objective at the
critic as it stands. The value is minus the loss without its penalty: for WGAN-GP the critic's estimate of W1, for a
discriminator that of 2 JS - 2 ln 2. Spearman's rank correlation of the two over the whole run says how far progress can
be read off the loss. It is given for each of several seeds, none of which was used to choose the settings of WGAN-GP,
and the worst of them is judged. Beside it stand Kendall's, that over the second half of the run, and that of minus the
loss that training itself reports: one batch at the critic's last step, penalty included. Nothing is smoothed; the
generator is the one that is being trained, not an average.

A critic can only say how far the generator is if it keeps up with it. Therefore it takes 10 steps for each of the
generator's, at 10 times its rate, and its penalty has weight 1. While the settings were chosen, weight 10 (with networks
twice as wide and a critic of half the rate) let the critic fall behind in the first few hundred steps, in which generated
points spread out from the middle: its value was low where W1 was high. Weight 1 lets slopes exceed 1, so that the value is
larger than W1, about twice as large at first. It tells the order of distances, not the distance.

In these settings the GANs do not learn the ring, so this is no comparison of GANs at their best. The saturating one
stands still under a discriminator that has won, its value 0 to three digits; the non-saturating ones lose modes, and
their values move without regard to W1, or against it.

Prints a table, and writes every point as CSV, the table as CSV and JSON, and a picture under benchmarks/results/.

    python benchmarks/gan_progress.py [--quick] [--jobs N] [--out benchmarks/results]
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import matplotlib as mpl
import torch
from scipy import stats
from torch import Tensor, nn

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

from gan.adversarial import minimax, non_saturating
from gan.critics import MLP
from gan.datasets import ring
from gan.expectations import Expectation
from gan.games import Alternating
from gan.latents import NormalLatent
from gan.lipschitz import GradientPenalty, LipschitzConstraint
from gan.metrics import Yardstick, exact_w1, yardstick
from gan.networks import GeneratorMLP
from gan.objectives import Objective, Wasserstein, wasserstein
from gan.optimizers import Adam
from gan.partitions import modes_of
from gan.training import Settings as Training
from gan.training import Trained, train

RESULTS = Path(__file__).parent / "results"

GOAL = 0.9
"""Rank correlation of the value of WGAN-GP's critic and exact W1, over a run."""


@final
@dataclass(frozen=True)
class Settings:
    """All runs.

    Parameters
    ----------
    quick : bool
        Fewer steps and one seed; the goal is then only reported.
    out : str
        Folder of the files.
    steps : int
        Of the generator.
    every : int
        Steps from one measurement to the next.
    batch : int
        Points of either kind in a loss.
    rate : float
        Of the critic.
    slower : float
        Rate of the generator over that of the critic.
    critic_steps : int
        In a step of the game.
    even_rate : float
        Of both players where they take one step each.
    penalty : float
        Weight of WGAN-GP's gradient penalty.
    width, depth : int
        Units of a hidden layer of both networks; number of them.
    samples, pairs : int
        Size of the samples between which W1 is computed; number of pairs that it is the mean over.
    seeds : tuple of int
        Of points and weights, one run each.
    jobs : int
        Processes.
    """

    quick: bool
    out: str
    steps: int = 1200
    every: int = 24
    batch: int = 128
    rate: float = 2e-3
    slower: float = 0.1
    critic_steps: int = 10
    even_rate: float = 1e-3
    penalty: float = 1.0
    width: int = 64
    depth: int = 3
    samples: int = 1000
    pairs: int = 4
    seeds: tuple[int, ...] = (11, 12, 13)
    jobs: int = 2


@final
@dataclass(frozen=True)
class Case:
    """A system, and how its points look; `even` if both players take one step each, at one rate."""

    name: str
    objective: Objective
    colour: str
    even: bool = False

    @property
    def estimates(self) -> bool:
        """Whether the objective is an estimate of W1."""
        return isinstance(self.objective, Wasserstein)

    def constraint(self, settings: Settings) -> LipschitzConstraint | None:
        """What the objective needs."""
        return GradientPenalty(settings.penalty) if self.estimates else None


CASES = (
    Case("WGAN-GP", wasserstein, "#0072B2"),
    Case("GAN, non-saturating", non_saturating, "#D55E00"),
    Case("GAN, saturating", minimax, "#009E73"),
    Case("GAN, non-saturating, even", non_saturating, "#CC79A7", even=True),
)
"""Colours of Okabe and Ito, which the colour-blind can tell apart."""

MARKERS = "o^sDv"
"""Of the seeds, in their order."""


@final
@dataclass(frozen=True)
class Point:
    """A measurement.

    Parameters
    ----------
    step : int
        Of the generator.
    value : float
        The objective at the critic, on the points between which W1 is computed.
    batch_value : float
        Minus the loss that training reports.
    w1, w1_real : float
        Exact W1 between generated and real points, and between real and real points.
    """

    step: int
    value: float
    batch_value: float
    w1: float
    w1_real: float


@final
@dataclass(frozen=True)
class Row:
    """A run.

    Parameters
    ----------
    system : str
        Its name.
    seed : int
        Of the run.
    measurements : int
        Number of pairs of a value and a distance.
    spearman : float
        Rank correlation of the value and exact W1.
    kendall : float
        Kendall's tau-b.
    late : float
        Spearman's over the second half of the run.
    batch : float
        Spearman's of minus the loss of one batch and exact W1.
    first, last, real : float
        Exact W1 at the first measurement and at the last, and between real samples.
    seconds : float
        Of training.
    """

    system: str
    seed: int
    measurements: int
    spearman: float
    kendall: float
    late: float
    batch: float
    first: float
    last: float
    real: float
    seconds: float


@final
@dataclass(frozen=True)
class Run:
    """A case with its history."""

    case: Case
    seed: int
    history: tuple[Point, ...]
    seconds: float

    @property
    def values(self) -> list[float]:
        """Of the objective."""
        return [p.value for p in self.history]

    @property
    def distances(self) -> list[float]:
        """Exact W1."""
        return [p.w1 for p in self.history]

    @property
    def row(self) -> Row:
        """What the table says about it."""
        values, distances, half = self.values, self.distances, len(self.history) // 2
        return Row(
            system=self.case.name,
            seed=self.seed,
            measurements=len(values),
            spearman=spearman(values, distances),
            kendall=float(stats.kendalltau(values, distances).statistic),
            late=spearman(values[half:], distances[half:]),
            batch=spearman([p.batch_value for p in self.history], distances),
            first=distances[0],
            last=distances[-1],
            real=self.history[-1].w1_real,
            seconds=self.seconds,
        )


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Rank correlation."""
    return float(stats.spearmanr(x, y).statistic)


def measure_of(settings: Settings, seed: int) -> Yardstick:
    """Real samples that generated ones are held against, drawn with a seed."""
    data, numbers = ring(), torch.Generator().manual_seed(seed)
    return yardstick(data, modes_of(data), numbers, samples=settings.samples, pairs=settings.pairs)


def run(case: Case, measure: Yardstick, settings: Settings, seed: int = 0) -> Run:
    """Train one system leg by leg; its checkpoint makes that one training, and between legs it is measured."""
    history: list[Point] = []
    seconds = 0.0
    unmeasured = replace(measure, real=measure.real[:, :1], points=1)  # what it would cost to measure twice
    with TemporaryDirectory() as folder:
        for step in range(settings.every, settings.steps + 1, settings.every):
            trained = leg(case, step, unmeasured, settings, seed, folder)
            seconds = trained.seconds
            history.append(measured(case.objective, trained, measure, seed))
    return Run(case, seed, tuple(history), seconds)


def leg(case: Case, step: int, measure: Yardstick, settings: Settings, seed: int, folder: str) -> Trained:
    """Go on from the checkpoint in the folder up to a step."""
    constraint = case.constraint(settings)
    betas = (0.5, 0.999) if constraint is None else (0.0, 0.9)
    rates = (settings.even_rate,) * 2 if case.even else (settings.rate, settings.rate * settings.slower)
    of_critic, of_generator = (Adam(rate, betas) for rate in rates)
    return train(
        case.objective,
        ring(),
        generator=GeneratorMLP(NormalLatent(8), settings.width, settings.depth),
        critic=MLP(settings.width, settings.depth),
        constraint=constraint,
        game=Alternating(1 if case.even else settings.critic_steps),
        settings=Training(
            steps=step,
            batch=settings.batch,
            critic_optimizer=of_critic,
            generator_optimizer=of_generator,
            every=settings.every,
        ),
        measure=measure,
        rng=seed,
        device="cpu",
        checkpoints=folder,
    )


def measured(objective: Objective, trained: Trained, measure: Yardstick, seed: int) -> Point:
    """Value and distance on the same points: the means over the pairs of samples of the yardstick."""
    numbers = torch.Generator().manual_seed(seed + trained.step)
    pairs = [(x, trained.sampler(len(x), numbers)) for x in measure.real]
    return Point(
        step=trained.step,
        value=sum(value_on(objective, trained.critic, x, y) for x, y in pairs) / len(pairs),
        batch_value=-trained.history[-1].critic_loss,
        w1=sum(exact_w1(x, y).value for x, y in pairs) / len(pairs),
        w1_real=measure.floor,
    )


@torch.no_grad()
def value_on(objective: Objective, critic: nn.Module, x: Tensor, y: Tensor) -> float:
    """The objective at a critic, x being real and y generated."""
    return float(objective.value(mean(critic(x.float())), mean(critic(y.float()))))


def mean(outputs: Tensor) -> Expectation:
    """That of functions of a critic's outputs."""
    return Expectation(outputs, torch.full_like(outputs, 1 / len(outputs)))


def all_runs(settings: Settings) -> list[Run]:
    """Every case with every seed, case by case."""
    tasks = [(case, seed) for case in CASES for seed in settings.seeds]
    if settings.jobs == 1:
        return [task(pair, settings) for pair in tasks]
    with ProcessPoolExecutor(settings.jobs, get_context("spawn")) as pool:
        return list(pool.map(task, tasks, repeat(settings)))


def task(pair: tuple[Case, int], settings: Settings) -> Run:
    """One run in a process of its own."""
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    case, seed = pair
    return run(case, measure_of(settings, seed), settings, seed)


def judged(rows: Sequence[Row]) -> list[Target]:
    """What must hold on every seed."""
    wgan = {row.seed: row.spearman for row in rows if row.system == CASES[0].name}
    others = [row for row in rows if row.system != CASES[0].name]
    worst, best = min(wgan.values()), max(row.spearman for row in others)
    seeds = f"worst of {len(wgan)} seeds" if len(wgan) > 1 else "one seed"
    return [
        Target(f"WGAN-GP: rank correlation at least {GOAL}, {seeds}", f"{worst:.3f}", worst >= GOAL),
        Target(
            "GAN discriminators: lower, seed by seed",
            f"at most {best:.3f}",
            all(row.spearman < wgan[row.seed] for row in others),
        ),
    ]


def draw(runs: Sequence[Run], path: Path) -> None:
    """For each system the curves of all seeds over the steps, and below one number against the other."""
    cases = [case for case in CASES if any(r.case.name == case.name for r in runs)]
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False})
    figure, axes = plt.subplots(2, len(cases), figsize=(4.5 * len(cases), 7.6), layout="constrained", squeeze=False)
    for case, over, against in zip(cases, *axes, strict=True):
        same = [r for r in runs if r.case.name == case.name]
        draw_curves(same, over)
        draw_scatter(same, against)
    axes[0, 0].set_ylabel("exact $W_1$")
    axes[1, 0].set_ylabel("exact $W_1$")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_curves(runs: Sequence[Run], axis: Any) -> None:
    """Distance and value over the steps, each with its own axis unless both are distances."""
    case = runs[0].case
    other = axis if case.estimates else axis.twinx()
    for r in runs:
        steps = [p.step for p in r.history]
        axis.plot(steps, r.distances, color="black", lw=1.4, alpha=0.8)
        other.plot(steps, r.values, color=case.colour, lw=1.1, ls="--", alpha=0.9)
    low, high = min(r.row.spearman for r in runs), max(r.row.spearman for r in runs)
    over = f"{low:.3f} to {high:.3f}" if len(runs) > 1 else f"{low:.3f}"
    axis.set(xlabel="steps of the generator", title=f"{case.name}\nrank correlation {over}")
    for each in {axis, other}:  # room for the legend
        bottom, top = each.get_ylim()
        bottom = 0.0 if each is axis else bottom
        each.set_ylim(bottom, top + 0.3 * (top - bottom))
    handles = [
        Line2D([], [], color="black", lw=1.4, label="exact $W_1$" if case.estimates else "exact $W_1$ (left)"),
        Line2D(
            [],
            [],
            color=case.colour,
            lw=1.1,
            ls="--",
            label="value at the critic" + ("" if case.estimates else " (right)"),
        ),
    ]
    axis.legend(handles=handles, frameon=False, loc="upper right")
    if case.estimates:
        axis.spines["right"].set_visible(False)
    else:
        other.tick_params(axis="y", colors=case.colour)


def draw_scatter(runs: Sequence[Run], axis: Any) -> None:
    """Distance against value, a marker for each seed."""
    case = runs[0].case
    for k, r in enumerate(runs):
        axis.plot(
            r.values,
            r.distances,
            MARKERS[k % len(MARKERS)],
            color=case.colour,
            ms=4.5,
            mfc="none",
            label=f"seed {r.seed}: {r.row.spearman:.3f}",
        )
    axis.set(xlabel="value of the objective at the critic", ylim=(0, 1.05 * max(max(r.distances) for r in runs)))
    axis.locator_params(axis="x", nbins=4)
    axis.spines["right"].set_visible(False)
    if case.estimates:
        axis.axline((0, 0), slope=1, color="0.6", lw=1, label="equal")
    axis.legend(frameon=False, loc="best")


def save_points(runs: Sequence[Run], path: Path) -> None:
    """Every measurement."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["system", "seed", "step", "value", "batch_value", "w1", "w1_real"])
        for r in runs:
            writer.writerows([r.case.name, r.seed, p.step, p.value, p.batch_value, p.w1, p.w1_real] for p in r.history)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    start = time.perf_counter()
    runs = all_runs(settings)
    rows = [r.row for r in runs]
    show(
        f"value of the objective at the critic, and exact W1, on the ring, every {settings.every} of {settings.steps} steps",
        ["system", "seed", "points", "Spearman", "Kendall", "2nd half", "one batch", "W1 first", "W1 last", "real", "s"],
        [
            [r.system, f"{r.seed}", f"{r.measurements}",
             *(f"{x:.3f}" for x in (r.spearman, r.kendall, r.late, r.batch, r.first, r.last, r.real)), f"{r.seconds:.0f}"]
            for r in rows
        ],
    )  # fmt: skip
    print(
        f"\n{time.perf_counter() - start:.0f} s on {settings.jobs} {'process' if settings.jobs == 1 else 'processes'}"
    )
    targets = judged(rows)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "gan_progress", settings, rows, targets)
    save_points(runs, out / "gan_progress_points.csv")
    draw(runs, out / "gan_progress.png")
    return 0 if met or settings.quick else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="fewer steps, one seed")
    parser.add_argument("--jobs", type=positive, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    settings = Settings(options.quick, out, jobs=options.jobs)
    if not options.quick:
        return settings
    return replace(settings, steps=100, every=10, samples=300, pairs=1, seeds=settings.seeds[:1])


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number of at least 1, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
