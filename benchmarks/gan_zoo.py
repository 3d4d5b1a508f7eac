"""Every GAN of the library on 8 Gaussians, on 25 and on the 8x8 digits: how near to the data, and how many modes.

The systems of the papers (`gan.PRESETS`) and f-GANs of further divergences, all with the same networks, batch,
learning rate and number of steps, so that they differ in what they compete for and in their game. In this they
deviate from the papers: optimizers are of the paper's kind and momentum, at the common rate; WGAN has a lower rate
and a wider box of weights, so that it moves within the given steps; the generator is measured as the moving average
of its weights. On digits the networks are those of DCGAN, and an autoencoder of EBGAN; critics under a gradient
penalty have layer norm in place of batch norm, those that are clipped or under spectral norm none.

The minimax game is played twice on the ring: with one step of the critic, and as gan-k20 with twenty, so that the
critic comes near its optimum. There the theory of its failure applies: where D tells real from generated points,
log(1 - D) is flat, and the generator is told nothing.

For each: exact W1 between generated and real samples (of digits, held-out ones), its ratio to that between two real
samples of the same size, modes covered, mass per mode and the share of points of high quality; and the pull, the mean
length of the gradient of the generator's loss by its points: 1 of an exact W1 critic, 0 of a game that has saturated.
A training that ends with a loss that is not finite is a row of its own.

A row says what a training under these settings comes to, not what an objective can do: f-GANs in single steps do not
reach the minimisers of their divergences, of which that of KL would cover all modes.

Prints a table per data set and what KL and reverse KL, and the two minimax games, make of the modes; writes the rows
and the mass of every mode as CSV and JSON, a picture of the points per data set, and one of all masses, under
benchmarks/results/.

    python benchmarks/gan_zoo.py [--quick] [--only NAME ...] [--data NAME ...] [--steps N] [--seed N] [--jobs N]
                                 [--out FOLDER]
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from divergence_report import Target, announce, save, show
from torch import Tensor, nn
from zoo_pictures import Masses, Panel, draw_masses, draw_panels

import divergences as dv
from gan.adversarial import EnergyBased
from gan.ascent import TrainingError
from gan.critics import MLP, Architecture
from gan.datasets import DataSet, digits, grid, ring
from gan.expectations import Expectation
from gan.games import Alternating, SingleStep
from gan.image_networks import AutoencoderEnergy, DCGANGenerator
from gan.latents import NormalLatent
from gan.lipschitz import WeightClipping
from gan.metrics import Quality, Yardstick, yardstick
from gan.networks import GeneratorArchitecture, GeneratorMLP
from gan.non_negative import NonNegative
from gan.objectives import Contest, fgan, variational
from gan.optimizers import Adam, OptimizerChoice, RMSProp
from gan.partitions import Partition, classes_of, modes_of
from gan.presets import PRESETS, Preset
from gan.training import Settings as Training
from gan.training import train

RESULTS = Path(__file__).parent / "results"

GOAL_RATIO, GOAL_QUALITY = 1.5, 0.8
"""Of WGAN-GP on the ring: W1 over that of real samples, and the share within three standard deviations of a mode."""

Floats = npt.NDArray[np.float64]

SYSTEMS: Mapping[str, Preset] = {
    "gan": PRESETS["gan"],
    "gan-k20": replace(PRESETS["gan"], source="Goodfellow et al. (2014), algorithm 1, k = 20", game=Alternating(20)),
    **PRESETS,
    "fgan-pearson": Preset(fgan(dv.pearson_chi2), "Nowozin et al. (2016), table 1", game=SingleStep()),
    "fgan-hellinger": Preset(fgan(dv.squared_hellinger), "Nowozin et al. (2016), table 1", game=SingleStep()),
    "fgan-jeffreys": Preset(variational(dv.jeffreys), "Nowozin et al. (2016), table 1", game=Alternating(1)),
    "fgan-tv": Preset(fgan(dv.tv), "Nowozin et al. (2016), table 1", game=SingleStep()),
}
"""The presets, the minimax game with a critic near its optimum, and f-GANs of the other divergences of that paper."""

DATA = ("ring", "grid", "digits")

WHERE: Mapping[str, tuple[str, ...]] = {"gan-k20": ("ring",)}
"""Data sets of the systems that are not on all."""

COMPARED = (("fgan-kl", "fgan-reverse-kl"), ("gan", "gan-k20"), ("gan", "non-saturating"))
"""Pairs of systems whose modes are told side by side."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        A few steps of everything; goals are then only reported.
    out : str
        Folder of the files.
    only, data : tuple of str
        Systems and data sets.
    plane_steps, image_steps : int
        Steps of the generator in the plane and on digits.
    plane_rate, image_rate : float
        Learning rate of both players.
    clipped_rate, clipped_limit : float
        Of WGAN: its rate over that of the others, and the largest magnitude of its weights.
    average : float
        Decay of the moving average of the generator's weights.
    batch : int
        Points of either kind in a loss.
    width, depth : int
        Units of a hidden layer of both networks in the plane; number of them.
    channels : int
        Of the images behind the first convolution.
    samples, pairs : int
        Size of the samples between which W1 is computed, and pairs that it is the mean over.
    points : int
        Generated points that are counted in modes.
    jobs : int
        Processes, of one thread each.
    seed : int
        Of points and weights.
    """

    quick: bool
    out: str
    only: tuple[str, ...] = tuple(SYSTEMS)
    data: tuple[str, ...] = DATA
    plane_steps: int = 6000
    image_steps: int = 1500
    plane_rate: float = 1e-3
    image_rate: float = 5e-4
    clipped_rate: float = 0.2
    clipped_limit: float = 0.05
    average: float = 0.997
    batch: int = 128
    width: int = 128
    depth: int = 3
    channels: int = 32
    samples: int = 1000
    pairs: int = 4
    points: int = 5000
    jobs: int = 2
    seed: int = 0

    def steps(self, data: str) -> int:
        """Steps of the generator on a data set."""
        return self.image_steps if data == "digits" else self.plane_steps

    def pairs_of_names(self) -> list[tuple[str, str]]:
        """What is run: data sets and systems."""
        return [(name, system) for name in self.data for system in self.only if name in WHERE.get(system, DATA)]


@final
@dataclass(frozen=True)
class Row:
    """A system on a data set.

    Parameters
    ----------
    data, system : str
        Their names.
    steps : int
        Steps of the generator; where training stopped, none.
    w1 : float
        Exact W1 between generated and real samples, the mean of several pairs.
    w1_lower, w1_upper : float
        Proven bounds of it.
    floor : float
        Exact W1 between real samples.
    ratio : float
        Of the two.
    covered, modes : int
        Modes (digits: classes) with at least a tenth of their share, in points of high quality; number of them.
    reached : int
        Modes with at least a tenth of their share, in points of any quality that are nearest to them.
    high_quality : float
        Share of points within three standard deviations of a mode (digits: of a class that is 90 % sure).
    tv : float
        Total variation between the masses of the modes and those of the data.
    pull : float
        Mean length of the gradient of the generator's loss by its points, times their number.
    seconds : float
        Processor time of training on one thread, measurement at its end included: what others do meanwhile is not in it.
    failure : str
        What stopped it; empty if nothing did.
    """

    data: str
    system: str
    steps: int
    w1: float
    w1_lower: float
    w1_upper: float
    floor: float
    ratio: float
    covered: int
    modes: int
    reached: int
    high_quality: float
    tv: float
    pull: float
    seconds: float
    failure: str = ""


@final
@dataclass(frozen=True, eq=False)
class Result:
    """A row, the masses behind it, and some points."""

    row: Row
    mass: Floats
    expected: Floats
    points: Floats = field(repr=False)


# ---------------------------------------------------------------------------------------------------------- what is run


@final
@dataclass(frozen=True, eq=False)
class Task:
    """A data set with what is measured on it.

    Parameters
    ----------
    data : DataSet
        What is trained on.
    reference : DataSet
        What is measured against.
    gauge : Yardstick
        Real samples and modes.
    """

    data: DataSet
    reference: DataSet
    gauge: Yardstick


@cache
def task(name: str, settings: Settings) -> Task:
    """A data set by its name."""
    numbers = torch.Generator().manual_seed(settings.seed)
    cells: Partition
    if name == "digits":
        split = digits()
        data, reference, cells = split.training, split.test, classes_of(split.training.stock)
        samples = min(settings.samples, len(reference.stock.points))
    else:
        data = reference = ring() if name == "ring" else grid()
        cells, samples = modes_of(data), settings.samples
    gauge = yardstick(
        data,
        cells,
        numbers,
        reference=reference,
        samples=samples,
        pairs=settings.pairs,
        points=settings.points,
        enough=max(1, settings.points // (10 * len(cells.mass))),
    )
    return Task(data, reference, gauge)


def adapted(preset: Preset, settings: Settings, *, images: bool) -> Preset:
    """The system with the networks and the rate of the zoo."""
    rate = settings.image_rate if images else settings.plane_rate
    constraint = preset.constraint
    if isinstance(constraint, WeightClipping):
        rate, constraint = rate * settings.clipped_rate, WeightClipping(settings.clipped_limit)
    optimizer = at_rate(preset.optimizer, rate)
    critic = preset.on_images(settings.channels).critic if images else plane_critic(preset, settings)
    return replace(preset, constraint=constraint, critic=critic, optimizer=optimizer, batch=settings.batch)


def at_rate(choice: OptimizerChoice, rate: float) -> OptimizerChoice:
    """The optimizer at another learning rate."""
    if not isinstance(choice, Adam | RMSProp):
        msg = f"expected Adam or RMSProp, got {choice!r}; say here what its rate is called"
        raise TypeError(msg)
    return replace(choice, learning_rate=rate)


def plane_critic(preset: Preset, settings: Settings) -> Architecture:
    """A fully connected critic, and what energies or losses are made of."""
    if isinstance(preset.objective, EnergyBased):
        return AutoencoderEnergy(width=settings.width, depth=settings.depth - 1, code=1)
    plain = MLP(settings.width, settings.depth)
    return NonNegative(plain) if isinstance(preset.critic, NonNegative) else plain


def result(name: str, system: str, settings: Settings) -> Result:
    """Train one system on one data set, and measure it."""
    torch.set_num_threads(1)
    at, images = task(name, settings), name == "digits"
    preset = adapted(SYSTEMS[system], settings, images=images)
    steps = settings.steps(name)
    generator: GeneratorArchitecture = (
        DCGANGenerator(width=settings.channels)
        if images
        else GeneratorMLP(NormalLatent(8), settings.width, settings.depth)
    )
    chosen: Training = preset.settings(steps=steps, every=steps, average=settings.average)
    start = time.process_time()
    try:
        trained = train(
            preset.objective,
            at.data,
            generator=generator,
            critic=preset.critic,
            constraint=preset.constraint,
            game=preset.game,
            settings=chosen,
            measure=at.gauge,
            rng=settings.seed,
            device="cpu",
        )
    except TrainingError as error:
        return failed(name, system, at, time.process_time() - start, str(error))
    seconds, quality = time.process_time() - start, trained.history[-1].quality
    points = trained.sampler(1000, torch.Generator().manual_seed(settings.seed))
    real = at.gauge.real[0]
    slope = pull(trained.critic, preset.objective, real, points[: len(real)])
    expected = at.gauge.partition.mass
    found = row(name, system, steps, quality, expected, slope, seconds)
    return Result(found, quality.cells.mass, expected, points.double().numpy())


def pull(critic: nn.Module, objective: Contest, real: Tensor, generated: Tensor) -> float:
    """Mean length of the gradient of the generator's loss by its points, times their number."""
    critic = critic.double().eval()  # so that small slopes are not lost
    x, y = real.double(), generated.double().requires_grad_()
    p, q = (Expectation(values, torch.full_like(values, 1 / len(values))) for values in (critic(x), critic(y)))
    (slope,) = torch.autograd.grad(objective.on(x, y).generator_loss(p, q), y)
    return float(slope.norm(dim=1).sum())


def row(name: str, system: str, steps: int, quality: Quality, expected: Floats, slope: float, seconds: float) -> Row:
    """What the table says."""
    return Row(
        data=name,
        system=system,
        steps=steps,
        w1=quality.w1.value,
        w1_lower=quality.w1.lower,
        w1_upper=quality.w1.upper,
        floor=quality.floor,
        ratio=quality.ratio,
        covered=quality.covered,
        modes=len(expected),
        reached=int((quality.cells.mass >= expected / 10).sum()),
        high_quality=quality.cells.high_quality,
        tv=quality.cells.tv,
        pull=slope,
        seconds=seconds,
    )


def failed(name: str, system: str, at: Task, seconds: float, failure: str) -> Result:
    """A training that stopped: nothing is known of its points."""
    expected, nan = at.gauge.partition.mass, math.nan
    missing = Row(
        name, system, 0, nan, nan, nan, at.gauge.floor, nan, 0, len(expected), 0, nan, nan, nan, seconds, failure
    )
    return Result(missing, np.full(len(expected), nan), expected, np.zeros((0, at.data.dimension)))


def all_results(settings: Settings) -> list[Result]:
    """Everything, on as many processes as asked for; slow games first, so that none is left alone at the end."""
    pairs = settings.pairs_of_names()
    slow = sorted(pairs, key=lambda pair: -critic_steps(SYSTEMS[pair[1]]))
    if settings.jobs == 1:
        found = [told(result(*pair, settings)) for pair in slow]
    else:
        with ProcessPoolExecutor(settings.jobs, get_context("spawn")) as pool:
            found = [told(r) for r in pool.map(result, *zip(*slow, strict=True), [settings] * len(slow))]
    of = dict(zip(slow, found, strict=True))
    return [of[pair] for pair in pairs]


def told(found: Result) -> Result:
    """Say that it is done, as all of them take long."""
    r = found.row
    print(f"{r.data} {r.system}: {r.failure or f'{r.ratio:.2f} times real W1'}, {r.seconds:.0f} s", flush=True)
    return found


def critic_steps(preset: Preset) -> int:
    """Steps of the critic in one of the game."""
    return preset.game.critic_steps if isinstance(preset.game, Alternating) else 1


# ----------------------------------------------------------------------------------------------------------- the report


def judged(results: Sequence[Result]) -> list[Target]:
    """What must hold of WGAN-GP on the ring."""
    targets = []
    for r in (result.row for result in results):
        if (r.data, r.system) == ("ring", "wgan-gp"):
            share = f"WGAN-GP, ring: at least {GOAL_QUALITY:.0%} within 3 sd of a mode"
            near = f"WGAN-GP, ring: W1 at most {GOAL_RATIO} times that of real samples"
            targets += [
                Target("WGAN-GP, ring: all modes", f"{r.covered} of {r.modes}", r.covered == r.modes),
                Target(share, f"{r.high_quality:.1%}", r.high_quality >= GOAL_QUALITY),
                Target(near, f"{r.ratio:.2f}", r.ratio <= GOAL_RATIO),
            ]
    return targets


def table(name: str, results: Sequence[Result]) -> None:
    """Print the rows of a data set, the nearest first, and what stopped the others."""
    rows = sorted((r.row for r in results if r.row.data == name), key=lambda r: (bool(r.failure), r.ratio))
    lines = [
        [r.system, f"{r.w1:.3f}", f"{r.ratio:.2f}", f"{r.covered}/{r.modes}", f"{r.reached}/{r.modes}",
         f"{r.high_quality:.1%}", f"{r.tv:.3f}", f"{r.pull:.1e}", str(r.steps), f"{r.seconds:.1f}"]
        for r in rows
    ]  # fmt: skip
    title = f"{name}, W1 between real samples {rows[0].floor:.3f}"
    header = ["system", "W1", "ratio", "modes", "reached", "high quality", "TV of masses", "pull", "steps", "seconds"]
    show(title, header, lines)
    for r in rows:
        if r.failure:
            print(f"  {r.system}: {r.failure}")


def compare(results: Sequence[Result]) -> None:
    """Print what pairs of systems make of the modes."""
    found = {(r.row.data, r.row.system): r.row for r in results}
    for pair in COMPARED:
        both = [name for name in DATA if all((name, system) in found for system in pair)]
        if both:
            print(f"\n{pair[0]} and {pair[1]}")
        for name in both:
            print(f"  {name}: {'; '.join(modes_in_words(found[name, system]) for system in pair)}")


def modes_in_words(r: Row) -> str:
    """Modes and masses of a row."""
    if r.failure:
        return f"{r.system} stopped"
    far = f"TV of masses {r.tv:.2f}, {r.ratio:.1f} times real W1, pull {r.pull:.0e}"
    return f"{r.system} covers {r.covered} of {r.modes} modes and reaches {r.reached}, {far}"


def save_masses(results: Sequence[Result], path: Path) -> None:
    """The mass of every mode, generated and real."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["data", "system", "mode", "mass", "expected"])
        for r in results:
            masses = zip(r.mass.tolist(), r.expected.tolist(), strict=True)
            writer.writerows([r.row.data, r.row.system, k, *pair] for k, pair in enumerate(masses))


def draw(results: Sequence[Result], settings: Settings, out: Path) -> None:
    """A picture per data set, its systems in the order of the table of settings."""
    for name in settings.data:
        at = task(name, settings)
        real = at.reference.sampler(1000, torch.Generator().manual_seed(settings.seed)).numpy()
        panels = [Panel("real" if name != "digits" else "real, held out", real)]
        for r in results:
            if r.row.data == name:
                figures = f"\n{r.row.ratio:.1f} x real W1, {r.row.covered}/{r.row.modes} modes" if len(r.points) else ""
                panels.append(Panel(r.row.system + figures, r.points))
        grey = "" if name == "digits" else "; real points in grey"
        title = f"{name}, after {settings.steps(name)} steps{grey}"
        draw_panels(panels, at.data.shape, title, out / f"gan_zoo_{name}.png")
    draw_masses(
        {
            name: [Masses(r.row.system, r.mass, r.expected) for r in results if r.row.data == name]
            for name in settings.data
        },
        out / "gan_zoo_masses.png",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    start = time.perf_counter()
    results = all_results(settings)
    for name in settings.data:
        table(name, results)
    compare(results)
    print(f"\n{time.perf_counter() - start:.0f} s on {settings.jobs} processes")
    targets = judged(results)
    met = announce(targets)
    out = Path(settings.out)
    save(out, "gan_zoo", settings, [r.row for r in results], targets)
    save_masses(results, out / "gan_zoo_masses.csv")
    draw(results, settings, out)
    return 0 if met or settings.quick else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="a few steps of everything")
    parser.add_argument("--only", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS), help="systems")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA), help="data sets")
    parser.add_argument("--steps", type=positive, help="of the generator, on all data sets")
    parser.add_argument("--seed", type=natural, default=0, help="of points and weights")
    parser.add_argument("--jobs", type=positive, default=2, help="processes")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    settings = Settings(
        quick=options.quick,
        out=str(options.out or (RESULTS / "quick" if options.quick else RESULTS)),
        only=tuple(options.only),
        data=tuple(options.data),
        jobs=options.jobs,
        seed=options.seed,
    )
    settings = replace(settings, data=tuple(dict.fromkeys(name for name, _ in settings.pairs_of_names())))
    if not settings.data:
        parser.error(f"expected a system that is on {' or '.join(options.data)}, got {' '.join(options.only)}")
    if options.quick:
        settings = replace(settings, average=0.9, samples=200, pairs=1, points=1000)
    if options.quick or options.steps:
        settings = replace(settings, plane_steps=options.steps or 60, image_steps=options.steps or 15)
    return settings


def natural(text: str, *, least: int = 0) -> int:
    """A number of at least 0."""
    if not text.isdecimal() or int(text) < least:
        msg = f"expected a whole number of at least {least}, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def positive(text: str) -> int:
    """A number of at least 1."""
    return natural(text, least=1)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
