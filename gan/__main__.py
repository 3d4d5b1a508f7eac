"""Command line: ``python -m gan train --preset wgan-gp --data ring``, ``python -m gan estimate P.npy Q.csv``.

With ``torchrun --nproc-per-node 2 -m gan train ...`` processes share each batch and train one pair of networks.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
import torch.distributed

from divergences.commands.running import FAILED, CommandError, Parser, finished
from gan import command_estimate
from gan.ascent import TrainingError
from gan.datasets import DataSet, digits, fgan_mixture, grid, parallel_line, ring, spiral, stacked_digits
from gan.drawing import draw_images, draw_points
from gan.image_networks import DCGANGenerator
from gan.logs import CsvLog
from gan.metrics import Yardstick, yardstick
from gan.partitions import classes_of
from gan.presets import PRESETS
from gan.training import Trained

__all__ = ["main"]


@final
@dataclass(frozen=True, eq=False)
class Choice:
    """Data, and what generated points are held against: the usual yardstick of the data if there is none."""

    data: DataSet
    measure: Yardstick | None = None


def _digits() -> Choice:
    """Digits, held against those that are not trained on."""
    split, numbers = digits(), torch.Generator().manual_seed(0)
    cells = classes_of(split.training.stock)
    held_out = len(split.test.stock.points)
    return Choice(split.training, yardstick(split.training, cells, numbers, reference=split.test, samples=held_out))


def _stacked_digits() -> Choice:
    split, numbers = digits(), torch.Generator().manual_seed(0)
    data, cells = stacked_digits(split.training), classes_of(split.training.stock, channels=3)
    return Choice(data, yardstick(data, cells, numbers, reference=stacked_digits(split.test), points=20_000))


DATA: dict[str, Callable[[], Choice]] = {
    "ring": lambda: Choice(ring()),
    "grid": lambda: Choice(grid()),
    "spiral": lambda: Choice(spiral()),
    "parallel-line": lambda: Choice(parallel_line(0.5)),
    "fgan-mixture": lambda: Choice(fgan_mixture()),
    "digits": _digits,
    "stacked-digits": _stacked_digits,
}
"""What can be trained on, by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line if not given.

    Returns
    -------
    int
        The exit code: 0, 2 for wrong arguments or files, 1 for other failures, 130 after Ctrl-C.
    """

    def command() -> None:
        given = _parser().parse_args(arguments)
        given.run(given)

    return finished(command, "gan")


def _run_train(given: argparse.Namespace) -> None:
    with _processes() as first:
        try:
            _train(given, first=first)
        except TrainingError as error:
            raise CommandError(str(error), FAILED) from error


EPILOG = """\
exit codes: 0 done; 2 wrong arguments or files; 1 not done for another reason, such as a training that has left the finite
numbers; 130 stopped by Ctrl-C. Errors are one line on stderr.
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m gan",
        description="Estimate divergences by neural critics, and train generative adversarial networks.",
        epilog=EPILOG,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    estimate = commands.add_parser(
        "estimate", help="a divergence of two files of points, between bounds", epilog=EPILOG
    )
    estimate.set_defaults(run=command_estimate.run)
    command_estimate.declare(estimate)
    train = commands.add_parser("train", help="train a generator against a critic, measured against the data")
    train.set_defaults(run=_run_train)
    train.add_argument("--preset", choices=sorted(PRESETS), default="wgan-gp", help="system (default wgan-gp)")
    train.add_argument("--data", choices=sorted(DATA), default="ring", help="what is real (default ring)")
    train.add_argument("--steps", type=_positive, default=2000, help="steps of the generator (default 2000)")
    train.add_argument("--every", type=_positive, default=500, help="steps between measurements (default 500)")
    train.add_argument("--average", type=float, default=0.0, help="decay of the average of the weights (default none)")
    train.add_argument("--seed", type=int, default=0, help="randomness (default 0)")
    train.add_argument("--device", default="auto", help="cpu, cuda or auto (default)")
    train.add_argument("--progress", action="store_true", help="show a progress bar (needs tqdm)")
    train.add_argument("--out", type=Path, default=Path("gan-run"), help="folder of log, checkpoints and picture")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number of at least 1, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _train(given: argparse.Namespace, *, first: bool) -> None:
    """Train, saying at each measurement how far it is; a second call with the same folder goes on."""
    preset, choice = PRESETS[given.preset], DATA[given.data]()
    data = choice.data
    shape = (data.shape[0], data.shape[1], data.shape[2]) if len(data.shape) == 3 else None
    given.out.mkdir(parents=True, exist_ok=True)
    if first:
        print(f"{given.preset} ({preset.source}) on {data.name}")
    trained = (preset.on_images(shape=shape) if shape else preset).train(
        data,
        generator=DCGANGenerator(shape=shape) if shape else None,
        measure=choice.measure,
        settings=preset.settings(steps=given.steps, every=given.every, average=given.average),
        rng=given.seed,
        device=given.device,
        log=_Told(CsvLog(given.out / "log.csv")) if first else None,
        checkpoints=given.out / "checkpoints",
        progress=given.progress,
    )
    if first:
        _draw(trained, data, given.out / "generated.png")
        print(f"{trained.step} steps, the last in {trained.seconds:.1f} s on {trained.device}; see {given.out}{os.sep}")


@final
@dataclass(frozen=True)
class _Told:
    """A log that is printed as well."""

    log: CsvLog

    def __call__(self, row: Mapping[str, float]) -> None:
        """Write a row."""
        shown = {name: row[name] for name in ("step", "critic_loss", "generator_loss", "w1", "w1_real", "modes")}
        print("  ".join(f"{name} {value:.6g}" for name, value in shown.items()), flush=True)
        self.log(row)

    def rewind(self, step: float) -> None:
        """Drop rows of later steps."""
        self.log.rewind(step)


def _draw(trained: Trained, data: DataSet, path: Path) -> None:
    """A picture, where points have one or two coordinates or are images."""
    numbers = torch.Generator().manual_seed(0)
    if len(data.shape) == 3:
        draw_images(trained.sampler(100, numbers), data.shape, path, title=data.name)
    elif data.dimension <= 2:
        draw_points(data.sampler(2000, numbers), trained.sampler(2000, numbers), path, title=data.name)


@contextmanager
def _processes() -> Iterator[bool]:
    """Join the processes that torchrun has started; whether this is the first of them."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    torch.distributed.init_process_group("gloo")
    try:
        yield torch.distributed.get_rank() == 0
    finally:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    sys.exit(main())
