"""Does the loss of the critic say how the generator is doing? That of WGAN-GP beside that of the GAN discriminator.

Both are trained on the ring of 8 Gaussians with the same networks, batch and rate. Again and again the loss that the
critic minimises is written down beside exact W1 between generated and real samples. Spearman's rank correlation of
minus the loss, which a critic of W1 makes an estimate of W1, and of the value of the minimax game, whose supremum is
2 JS - 2 ln 2, with exact W1, says how far progress can be read off the loss. The loss is that of one batch; the
generator is the one that is being trained, not an average.

Prints a table, and writes every point as CSV, the table as CSV and JSON, and a picture under benchmarks/results/.

    python benchmarks/gan_progress.py [--quick] [--out benchmarks/results]
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import torch
from scipy import stats

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt

from gan.adversarial import minimax, non_saturating
from gan.critics import MLP
from gan.datasets import ring
from gan.games import Alternating
from gan.latents import NormalLatent
from gan.lipschitz import GradientPenalty, LipschitzConstraint
from gan.metrics import Progress, Yardstick, yardstick
from gan.networks import GeneratorMLP
from gan.objectives import Contest, wasserstein
from gan.optimizers import Adam, OptimizerChoice
from gan.partitions import modes_of
from gan.training import Settings as Training
from gan.training import train

RESULTS = Path(__file__).parent / "results"

GOAL = 0.9
"""Rank correlation of minus the loss of WGAN-GP's critic and exact W1, over a run."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer steps; the goal is then only reported.
    out : str
        Folder of the files.
    steps : int
        Of the generator.
    every : int
        Steps from one measurement to the next.
    batch : int
        Points of either kind in a loss.
    rate : float
        Of the critic, and of both players of the minimax games.
    slower : float
        Rate of WGAN-GP's generator over that of its critic.
    critic_steps : int
        Of WGAN-GP in a step of the game.
    width, depth : int
        Units of a hidden layer of both networks; number of them.
    samples : int
        Size of the samples between which W1 is computed.
    seed : int
        Of points and weights.
    """

    quick: bool
    out: str
    steps: int = 2500
    every: int = 50
    batch: int = 128
    rate: float = 1e-3
    slower: float = 0.5
    critic_steps: int = 5
    width: int = 128
    depth: int = 3
    samples: int = 1000
    seed: int = 0


@final
@dataclass(frozen=True)
class Case:
    """A system, and how its points look."""

    name: str
    objective: Contest
    constraint: LipschitzConstraint | None
    colour: str
    marker: str


CASES = (
    Case("WGAN-GP", wasserstein, GradientPenalty(), "#0072B2", "o"),
    Case("GAN, non-saturating", non_saturating, None, "#D55E00", "^"),
    Case("GAN, saturating", minimax, None, "#009E73", "s"),
)
"""Colours of Okabe and Ito, which the colour-blind can tell apart."""


@final
@dataclass(frozen=True)
class Row:
    """A run.

    Parameters
    ----------
    system : str
        Its name.
    measurements : int
        Number of pairs of a loss and a distance.
    spearman : float
        Rank correlation of minus the loss and exact W1.
    kendall : float
        Kendall's, the share of pairs in the same order less that of those in the other.
    late : float
        Spearman's over the second half of the run.
    first, last : float
        Exact W1 at the first measurement and at the last.
    seconds : float
        Of training.
    """

    system: str
    measurements: int
    spearman: float
    kendall: float
    late: float
    first: float
    last: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class Run:
    """A case with its history."""

    case: Case
    history: tuple[Progress, ...]
    seconds: float

    @property
    def values(self) -> list[float]:
        """Minus the losses of the critic."""
        return [-p.critic_loss for p in self.history]

    @property
    def distances(self) -> list[float]:
        """Exact W1."""
        return [p.quality.w1.value for p in self.history]

    @property
    def row(self) -> Row:
        """What the table says about it."""
        values, distances, half = self.values, self.distances, len(self.history) // 2
        return Row(
            system=self.case.name,
            measurements=len(values),
            spearman=float(stats.spearmanr(values, distances).statistic),
            kendall=float(stats.kendalltau(values, distances).statistic),
            late=float(stats.spearmanr(values[half:], distances[half:]).statistic),
            first=distances[0],
            last=distances[-1],
            seconds=self.seconds,
        )


def run(case: Case, measure: Yardstick, settings: Settings) -> Run:
    """Train one system."""
    penalised = case.constraint is not None
    usual = Adam(settings.rate, (0.0, 0.9) if penalised else (0.5, 0.999))
    slower: OptimizerChoice = Adam(settings.rate * settings.slower, (0.0, 0.9)) if penalised else usual
    trained = train(
        case.objective,
        ring(),
        generator=GeneratorMLP(NormalLatent(8), settings.width, settings.depth),
        critic=MLP(settings.width, settings.depth),
        constraint=case.constraint,
        game=Alternating(settings.critic_steps if penalised else 1),
        settings=Training(
            steps=settings.steps,
            batch=settings.batch,
            critic_optimizer=usual,
            generator_optimizer=slower,
            every=settings.every,
        ),
        measure=measure,
        rng=settings.seed,
        device="cpu",
    )
    return Run(case, trained.history, trained.seconds)


def judged(rows: Sequence[Row]) -> list[Target]:
    """What must hold."""
    wgan, *others = rows
    best = max(row.spearman for row in others)
    return [
        Target(f"WGAN-GP: rank correlation at least {GOAL}", f"{wgan.spearman:.3f}", wgan.spearman >= GOAL),
        Target("GAN discriminators: lower", f"at most {best:.3f}", best < wgan.spearman),
    ]


def draw(runs: Sequence[Run], path: Path) -> None:
    """For each run both curves over the steps, and below one against the other."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False})
    figure, axes = plt.subplots(2, len(runs), figsize=(13, 7.4), layout="constrained")
    for k, (over, against, r) in enumerate(zip(*axes, runs, strict=True)):
        steps = [p.step for p in r.history]
        (exact,) = over.plot(steps, r.distances, color="black", lw=1.5, label="exact $W_1$ (left)")
        over.set(xlabel="steps", title=f"{r.case.name}: rank correlation {r.row.spearman:.2f}", ylim=(0, None))
        twin = over.twinx()
        (loss,) = twin.plot(steps, r.values, color=r.case.colour, lw=1.2, ls="--", label="minus critic's loss (right)")
        over.legend(handles=[exact, loss], frameon=False, loc="upper right")
        against.plot(r.values, r.distances, r.case.marker, color=r.case.colour, ms=4)
        against.set(xlabel="minus the critic's loss", ylim=(0, None))
        if k == 0:
            over.set_ylabel("exact $W_1$")
            against.set_ylabel("exact $W_1$")
            against.axline((0, 0), slope=1, color="0.6", lw=1, label="equal")
            against.legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def save_points(runs: Sequence[Run], path: Path) -> None:
    """Every measurement."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["system", "step", "critic_loss", "w1", "w1_real"])
        for r in runs:
            writer.writerows(
                [r.case.name, p.step, p.critic_loss, p.quality.w1.value, p.quality.floor] for p in r.history
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    data, numbers = ring(), torch.Generator().manual_seed(settings.seed)
    measure = yardstick(data, modes_of(data), numbers, samples=settings.samples)
    runs = [run(case, measure, settings) for case in CASES]
    rows = [r.row for r in runs]
    show(
        f"critic's loss and exact W1 on the ring, every {settings.every} of {settings.steps} steps",
        ["system", "pairs", "Spearman", "Kendall", "second half", "W1 first", "W1 last", "seconds"],
        [
            [r.system, f"{r.measurements}", *(f"{x:.3f}" for x in (r.spearman, r.kendall, r.late, r.first, r.last)),
             f"{r.seconds:.1f}"]
            for r in rows
        ],
    )  # fmt: skip
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
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    return Settings(True, out, steps=200, every=10, samples=300) if options.quick else Settings(False, out)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
