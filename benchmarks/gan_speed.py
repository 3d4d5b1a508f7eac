"""Steps per second of `gan.train` beside a plain loop of the same algorithm in PyTorch.

The plain loop is what a reader of the paper writes: sequential networks, the default optimizer of torch, one pass of
the critic for real and one for generated points, gradients of the critic that the generator's step leaves behind and
throws away. Beside it stands the same loop with the fused optimizer (foreach for RMSProp, which has no fused form on
the CPU). Widths, batch, data and game are the same, and so is the algorithm; the library's networks standardise their
points, which the plain ones do not, and have their gradients written out (`gan.perceptrons`). Runs take turns in one process of one thread; each figure is the best CPU time of
several.

Prints a table, and writes it as CSV and JSON, with a picture, under benchmarks/results/.

    python benchmarks/gan_speed.py [--quick] [--out benchmarks/results]
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import matplotlib as mpl
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from torch import Tensor, nn
from torch.nn import functional as F

from gan.critics import MLP
from gan.datasets import ring
from gan.latents import NormalLatent
from gan.metrics import Yardstick, yardstick
from gan.networks import GeneratorMLP
from gan.partitions import modes_of
from gan.presets import PRESETS, Preset
from gan.training import train

RESULTS = Path(__file__).parent / "results"

GOAL = 1.3
"""Steps per second of `gan.train` over those of the plain loop."""

LATENT, POOL = 8, 50_000
"""Coordinates of the generator's input, and points drawn once, which batches are taken from."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer steps and rounds; the goal is then only reported.
    out : str
        Folder of the files.
    steps : int
        Steps of the generator that are timed; as many come before them.
    rounds : int
        How often each system is run, in turns.
    width, depth : int
        Units of a hidden layer of either network; number of them.
    batch : int
        Points of either kind in a loss.
    seed : int
        Of points and weights.
    """

    quick: bool
    out: str
    steps: int = 200
    rounds: int = 7
    width: int = 128
    depth: int = 2
    batch: int = 64
    seed: int = 0


@final
@dataclass(frozen=True)
class Row:
    """A system by three loops.

    Parameters
    ----------
    system : str
        Name of the preset.
    critic_steps : int
        Steps of the critic in one of the game.
    plain, fused, ours : float
        Steps of the game per CPU second: of the plain loop, of it with the fused optimizer, and of `gan.train`.
    over_plain, over_fused : float
        Quotients.
    """

    system: str
    critic_steps: int
    plain: float
    fused: float
    ours: float
    over_plain: float
    over_fused: float


# ------------------------------------------------------------------------------------------------------ the plain loops


def plain_network(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@final
@dataclass(frozen=True, eq=False)
class Plain:
    """Networks, optimizers and points of a plain loop."""

    generator: nn.Module
    critic: nn.Module
    generator_optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer
    points: Tensor
    batch: int

    def real(self) -> Tensor:
        """A batch of real points."""
        return self.points[torch.randint(len(self.points), (self.batch,))]

    def generated(self) -> Tensor:
        """A batch of generated points."""
        made: Tensor = self.generator(torch.randn(self.batch, LATENT))
        return made


Make = Callable[[Any], torch.optim.Optimizer]


def plain(settings: Settings, make: Make) -> Plain:
    """A fresh start."""
    torch.manual_seed(settings.seed)  # noqa: TID251  (what the loop of a user draws from)
    hidden = [settings.width] * settings.depth
    generator, critic = plain_network([LATENT, *hidden, 2]), plain_network([2, *hidden, 1])
    points = ring().sampler(POOL, torch.Generator().manual_seed(settings.seed)).float()
    return Plain(
        generator, critic, make(generator.parameters()), make(critic.parameters()), points, settings.batch
    )  # fmt: skip


def wgan_gp_step(loop: Plain) -> None:
    """Gulrajani et al. (2017), algorithm 1."""
    for _ in range(5):
        x, y = loop.real(), loop.generated().detach()
        mix = torch.rand(loop.batch, 1)
        between = (mix * x + (1 - mix) * y).requires_grad_()
        (gradient,) = torch.autograd.grad(loop.critic(between).sum(), between, create_graph=True)
        penalty = 10 * ((gradient.norm(2, dim=1) - 1) ** 2).mean()
        loss = loop.critic(y).mean() - loop.critic(x).mean() + penalty
        loop.critic_optimizer.zero_grad()
        loss.backward()
        loop.critic_optimizer.step()
    loss = -loop.critic(loop.generated()).mean()
    loop.generator_optimizer.zero_grad()
    loss.backward()
    loop.generator_optimizer.step()


def wgan_step(loop: Plain) -> None:
    """Arjovsky, Chintala & Bottou (2017), algorithm 1."""
    for _ in range(5):
        loss = loop.critic(loop.generated().detach()).mean() - loop.critic(loop.real()).mean()
        loop.critic_optimizer.zero_grad()
        loss.backward()
        loop.critic_optimizer.step()
        for p in loop.critic.parameters():
            p.data.clamp_(-0.01, 0.01)
    loss = -loop.critic(loop.generated()).mean()
    loop.generator_optimizer.zero_grad()
    loss.backward()
    loop.generator_optimizer.step()


def non_saturating_step(loop: Plain) -> None:
    """Goodfellow et al. (2014), algorithm 1, k = 1, with the loss of section 3."""
    real, fake = torch.ones(loop.batch, 1), torch.zeros(loop.batch, 1)
    loss = F.binary_cross_entropy_with_logits(loop.critic(loop.real()), real)
    loss = loss + F.binary_cross_entropy_with_logits(loop.critic(loop.generated().detach()), fake)
    loop.critic_optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    loop.critic_optimizer.step()
    loss = F.binary_cross_entropy_with_logits(loop.critic(loop.generated()), real)
    loop.generator_optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    loop.generator_optimizer.step()


@final
@dataclass(frozen=True)
class System:
    """An algorithm as a plain loop: its step, the optimizer as users write it, and the fast form of that."""

    step: Callable[[Plain], None]
    critic_steps: int
    plain: Make
    fused: Make


SYSTEMS: Mapping[str, System] = {
    "wgan-gp": System(
        wgan_gp_step,
        5,
        lambda p: torch.optim.Adam(p, lr=1e-4, betas=(0.0, 0.9)),
        lambda p: torch.optim.Adam(p, lr=1e-4, betas=(0.0, 0.9), fused=True),
    ),
    "wgan": System(
        wgan_step,
        5,
        lambda p: torch.optim.RMSprop(p, lr=5e-5),
        lambda p: torch.optim.RMSprop(p, lr=5e-5, foreach=True),
    ),
    "non-saturating": System(
        non_saturating_step,
        1,
        lambda p: torch.optim.Adam(p, lr=2e-4, betas=(0.5, 0.999)),
        lambda p: torch.optim.Adam(p, lr=2e-4, betas=(0.5, 0.999), fused=True),
    ),
}


def plain_rate(system: System, make: Make, settings: Settings) -> float:
    """Steps per CPU second of the plain loop."""
    loop = plain(settings, make)
    for _ in range(settings.steps):
        system.step(loop)
    start = time.process_time()
    for _ in range(settings.steps):
        system.step(loop)
    return settings.steps / (time.process_time() - start)


# ------------------------------------------------------------------------------------------------------------------ ours


@final
class Clock:
    """A log that keeps the CPU time at which it was called."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, row: Mapping[str, float]) -> None:
        """Look at the clock."""
        self.times.append(time.process_time())

    def rewind(self, step: float) -> None:
        """Nothing is kept of steps."""


def our_rate(preset: Preset, measure: Yardstick, settings: Settings) -> float:
    """Steps per CPU second of `gan.train`, the small measurement at the end of them included."""
    clock = Clock()
    train(
        preset.objective,
        ring(),
        generator=GeneratorMLP(NormalLatent(LATENT), settings.width, settings.depth),
        critic=MLP(settings.width, settings.depth),
        constraint=preset.constraint,
        game=preset.game,
        settings=preset.settings(steps=2 * settings.steps, every=settings.steps, batch=settings.batch, pool=POOL),
        measure=measure,
        rng=settings.seed,
        device="cpu",
        log=clock,
    )
    return settings.steps / (clock.times[1] - clock.times[0])


def measured(settings: Settings) -> list[Row]:
    """All systems, the loops in turns."""
    data, numbers = ring(), torch.Generator().manual_seed(settings.seed)
    gauge = yardstick(data, modes_of(data), numbers, samples=4, points=8)
    rows = []
    for name, system in SYSTEMS.items():
        rates: list[tuple[float, float, float]] = [
            (
                plain_rate(system, system.plain, settings),
                plain_rate(system, system.fused, settings),
                our_rate(PRESETS[name], gauge, settings),
            )
            for _ in range(settings.rounds)
        ]
        usual, fused, ours = (max(column) for column in zip(*rates, strict=True))
        rows.append(Row(name, system.critic_steps, usual, fused, ours, ours / usual, ours / fused))
    return rows


def judged(rows: Sequence[Row]) -> list[Target]:
    """What must hold."""
    return [
        Target(f"{row.system}: at least {GOAL} times the plain loop", f"{row.over_plain:.2f}", row.over_plain >= GOAL)
        for row in rows
    ]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Steps per second by system, and the quotient."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    bars = (
        ("plain", "0.65", "plain loop"),
        ("fused", "#E69F00", "plain loop, fused optimizer"),
        ("ours", "#0072B2", "gan.train"),
    )
    for k, (name, colour, label) in enumerate(bars):
        places = [n + 0.27 * (k - 1) for n in range(len(rows))]
        heights = [float(getattr(row, name)) for row in rows]
        axis.bar(places, heights, 0.25, color=colour, label=label)
        for place, height, row in zip(places, heights, rows, strict=True):
            axis.annotate(f"{height / row.plain:.2f}", (place, height), (0, 2), textcoords="offset points", ha="center")
    axis.set_xticks(range(len(rows)), [f"{row.system}, k = {row.critic_steps}" for row in rows])
    axis.set(ylabel="steps of the game per CPU second", title="One thread; over the bars: times the plain loop")
    axis.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    rows = measured(settings)
    show(
        f"steps per CPU second, batch {settings.batch}, width {settings.width}, {settings.depth} hidden layers",
        ["system", "k", "plain", "fused", "gan.train", "over plain", "over fused"],
        [
            [row.system, f"{row.critic_steps}", *(f"{x:.0f}" for x in (row.plain, row.fused, row.ours)),
             f"{row.over_plain:.2f}", f"{row.over_fused:.2f}"]
            for row in rows
        ],
    )  # fmt: skip
    targets = judged(rows)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "gan_speed", settings, rows, targets)
    draw(rows, out / "gan_speed.png")
    return 0 if met or settings.quick else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    return Settings(True, out, steps=40, rounds=3) if options.quick else Settings(False, out)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
