"""Every GAN of the library on 8 Gaussians, on 25 and on the 8x8 digits: how near to the data, and how many modes.

The systems of the papers (`gan.PRESETS`) and f-GANs of further divergences, all with the same networks, batch,
learning rate and number of steps, so that they differ in what they compete for and in their game. In this they
deviate from the papers: optimizers are of the paper's kind and momentum, at the common rate; WGAN has a lower rate
and a wider box of weights, so that it moves within the given steps; the generator is measured as the moving average
of its weights. On digits the networks are those of DCGAN; critics under a gradient penalty have layer norm in place
of batch norm, clipped ones none, and those that are made of linear layers, under spectral norm or an autoencoder, are
fully connected.

For each: exact W1 between generated and real samples (of digits, held-out ones), its ratio to that between two real
samples of the same size, modes covered, mass per mode and the share of points of high quality. A training that ends
with a loss that is not finite is a row of its own.

Prints a table per data set, and writes it with the mass of every mode as CSV and JSON, and a picture per data set,
under benchmarks/results/.

    python benchmarks/gan_zoo.py [--quick] [--only NAME ...] [--data NAME ...] [--steps N] [--jobs N] [--out FOLDER]
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from divergence_report import Target, announce, save, show
from torch import nn
from zoo_pictures import Panel, draw_panels

import divergences as dv
from gan.adversarial import EnergyBased
from gan.ascent import TrainingError
from gan.critics import MLP, Architecture
from gan.datasets import DataSet, digits, grid, ring
from gan.games import Alternating, SingleStep
from gan.image_networks import AutoencoderEnergy, DCGANCritic, DCGANGenerator
from gan.latents import NormalLatent
from gan.lipschitz import GradientPenalty, SpectralNorm, WeightClipping
from gan.metrics import Quality, Yardstick, yardstick
from gan.networks import GeneratorArchitecture, GeneratorMLP
from gan.non_negative import NonNegative
from gan.objectives import fgan, variational
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
    **PRESETS,
    "fgan-pearson": Preset(fgan(dv.pearson_chi2), "Nowozin et al. (2016), table 1", game=SingleStep()),
    "fgan-hellinger": Preset(fgan(dv.squared_hellinger), "Nowozin et al. (2016), table 1", game=SingleStep()),
    "fgan-jeffreys": Preset(variational(dv.jeffreys), "Nowozin et al. (2016), table 1", game=Alternating(1)),
    "fgan-tv": Preset(fgan(dv.tv), "Nowozin et al. (2016), table 1", game=SingleStep()),
}
"""The presets, and f-GANs of the other divergences of that paper."""

DATA = ("ring", "grid", "digits")


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
        Exact W1 between generated and real samples.
    floor : float
        Exact W1 between real samples.
    ratio : float
        Of the two.
    covered, modes : int
        Modes (digits: classes) with at least a tenth of their share, in points of high quality; number of them.
    high_quality : float
        Share of points within three standard deviations of a mode (digits: of a class that is 90 % sure).
    tv : float
        Total variation between the masses of the modes and those of the data.
    seconds : float
        Of training, without measurement.
    failure : str
        What stopped it; empty if nothing did.
    """

    data: str
    system: str
    steps: int
    w1: float
    floor: float
    ratio: float
    covered: int
    modes: int
    high_quality: float
    tv: float
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
    critic = image_critic(preset, settings) if images else plane_critic(preset, settings)
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


def image_critic(preset: Preset, settings: Settings) -> Architecture:
    """DCGAN's critic where the system admits it."""
    if isinstance(preset.objective, EnergyBased):
        return AutoencoderEnergy(width=settings.width, depth=1, code=16)
    if isinstance(preset.constraint, SpectralNorm):
        return MLP(settings.width, settings.depth)
    if isinstance(preset.constraint, GradientPenalty):
        return DCGANCritic(width=settings.channels, norm=partial(nn.GroupNorm, 1))
    if isinstance(preset.constraint, WeightClipping):
        return DCGANCritic(width=settings.channels, norm=nn.Identity)
    critic = DCGANCritic(width=settings.channels)
    return NonNegative(critic) if isinstance(preset.critic, NonNegative) else critic


def result(name: str, system: str, settings: Settings) -> Result:
    """Train one system on one data set, and measure it."""
    torch.set_num_threads(1)
    at, images = task(name, settings), name == "digits"
    preset = adapted(SYSTEMS[system], settings, images=images)
    steps = settings.image_steps if images else settings.plane_steps
    generator: GeneratorArchitecture = (
        DCGANGenerator(width=settings.channels)
        if images
        else GeneratorMLP(NormalLatent(8), settings.width, settings.depth)
    )
    chosen: Training = preset.settings(steps=steps, every=steps, average=settings.average)
    start = time.perf_counter()
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
        return failed(name, system, at, time.perf_counter() - start, str(error))
    quality = trained.history[-1].quality
    points = trained.sampler(1000, torch.Generator().manual_seed(settings.seed)).double().numpy()
    return Result(
        row(name, system, steps, quality, trained.seconds), quality.cells.mass, at.gauge.partition.mass, points
    )


def row(name: str, system: str, steps: int, quality: Quality, seconds: float) -> Row:
    """What the table says."""
    return Row(
        data=name,
        system=system,
        steps=steps,
        w1=quality.w1.value,
        floor=quality.floor,
        ratio=quality.ratio,
        covered=quality.covered,
        modes=len(quality.cells.mass),
        high_quality=quality.cells.high_quality,
        tv=quality.cells.tv,
        seconds=seconds,
    )


def failed(name: str, system: str, at: Task, seconds: float, failure: str) -> Result:
    """A training that stopped: nothing is known of its points."""
    expected, nan = at.gauge.partition.mass, math.nan
    missing = Row(name, system, 0, nan, at.gauge.floor, nan, 0, len(expected), nan, nan, seconds, failure)
    return Result(missing, np.full(len(expected), nan), expected, np.zeros((0, at.data.dimension)))


def all_results(settings: Settings) -> list[Result]:
    """Everything, on as many processes as asked for; slow games first, so that none is left alone at the end."""
    pairs = [(name, system) for name in settings.data for system in settings.only]
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
        [r.system, f"{r.w1:.3f}", f"{r.ratio:.2f}", f"{r.covered}/{r.modes}", f"{r.high_quality:.1%}", f"{r.tv:.3f}",
         f"{r.seconds:.1f}"]
        for r in rows
    ]  # fmt: skip
    title = f"{name}: {max(r.steps for r in rows)} steps, W1 between real samples {rows[0].floor:.3f}"
    show(title, ["system", "W1", "ratio", "modes", "high quality", "TV of masses", "seconds"], lines)
    for r in rows:
        if r.failure:
            print(f"  {r.system}: {r.failure}")


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
        steps = settings.image_steps if name == "digits" else settings.plane_steps
        grey = "" if name == "digits" else "; real points in grey"
        draw_panels(panels, at.data.shape, f"{name}, after {steps} steps{grey}", out / f"gan_zoo_{name}.png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of the full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    start = time.perf_counter()
    results = all_results(settings)
    for name in settings.data:
        table(name, results)
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
    parser.add_argument("--jobs", type=positive, default=2, help="processes")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    settings = Settings(
        quick=options.quick,
        out=str(options.out or (RESULTS / "quick" if options.quick else RESULTS)),
        only=tuple(options.only),
        data=tuple(options.data),
        jobs=options.jobs,
    )
    if options.quick:
        settings = replace(settings, plane_steps=100, image_steps=20, average=0.9, samples=200, pairs=1, points=1000)
    if options.steps:
        settings = replace(settings, plane_steps=options.steps, image_steps=options.steps)
    return settings


def positive(text: str) -> int:
    """A number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number of at least 1, got {text!r}"
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
