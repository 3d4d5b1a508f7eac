r"""`train`: a generator against a critic, the loop of the papers, measured against the truth while it runs.

Each step the players of a game move by their losses: the critic minimises minus the objective, penalties and terms added,
the generator its own loss. Everything else stands around this loop: exact distances to the data now and then, a log, and
checkpoints from which a killed run goes on bit for bit.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from divergences._extras import require
from gan.ascent import TrainingError
from gan.checkpoints import latest, load, save
from gan.conditional import Conditional
from gan.critics import MLP, Architecture
from gan.datasets import DataSet
from gan.estimation import Rng, network_of, training_device
from gan.expectations import Expectation, at_least
from gan.games import Alternating, Dynamics, Game
from gan.latents import Latent
from gan.lipschitz import LipschitzConstraint
from gan.logs import Log
from gan.metrics import Progress, Yardstick, yardstick
from gan.minibatch import MinibatchCritic
from gan.networks import GeneratorArchitecture, GeneratorMLP
from gan.objectives import Contest, DonskerVaradhan, Payoff, Separable, Wasserstein
from gan.optimizers import Adam, OptimizerChoice
from gan.partitions import Partition, bins_of, classes_of, modes_of
from gan.perceptrons import perceptron
from gan.players import Losses, Player
from gan.shares import Share, alone
from gan.sources import Sampler
from gan.supply import Supply
from gan.terms import Context, Term

__all__ = ["Settings", "Trained", "train"]


PENALISED = Adam()
"""Of Gulrajani et al. (2017)."""

OF_THE_VALUE = (Payoff.generator_loss, Separable.generator_loss, DonskerVaradhan.generator_loss)
"""Losses of the generator that are the value, or the part of it that depends on the generator."""


@final
@dataclass(frozen=True)
class Settings:
    """How long and how fast a GAN is trained.

    Parameters
    ----------
    steps : int
        Steps of the game, each with one of the generator.
    batch : int
        Real points, and generated points, in each loss.
    critic_optimizer, generator_optimizer : OptimizerChoice
        What makes steps of gradients.
    average : float
        Decay of the moving average of the generator's weights, which is what is measured and returned; 0 for none. The
        posterior of a `MutualInformation` is trained beside the weights as they are, and judges the average less well.
    pool : int
        Points drawn once from data that never end; batches are drawn from them.
    every : int
        Steps from one measurement, row of the log and checkpoint to the next.

    Examples
    --------
    >>> import gan
    >>> settings = gan.Settings(steps=100, critic_optimizer=gan.RMSProp())
    >>> settings.batch, settings.critic_optimizer
    (64, RMSProp(learning_rate=5e-05, decay=0.99))
    """

    steps: int = 2000
    batch: int = 64
    critic_optimizer: OptimizerChoice = PENALISED
    generator_optimizer: OptimizerChoice = PENALISED
    average: float = 0.0
    pool: int = 50_000
    every: int = 500

    def __post_init__(self) -> None:
        """Refuse a training of nothing."""
        at_least(1, steps=self.steps, batch=self.batch, pool=self.pool, every=self.every)
        if not 0 <= self.average < 1:
            msg = f"expected average of at least 0 and below 1, got {self.average!r}; 0.999 is usual"
            raise ValueError(msg)


@final
@dataclass(frozen=True, eq=False)
class Trained:
    """A trained pair of networks and how it went.

    Parameters
    ----------
    generator : torch.nn.Module
        Takes latent rows (n, k), and labels (n,) if it is conditional, to points (n, d); the average if there is one.
    critic : torch.nn.Module
        Takes points, with one-hot labels behind them if there are any, to outputs (n,).
    latent : Latent
        The law of the generator's input.
    sampler : Sampler
        Draws of the generator.
    history : tuple of Progress
        What was measured in this call; the log has also what came before a checkpoint.
    step : int
        Steps done.
    device : str
        Where.
    seconds : float
        Time of the steps of this call, without measurements and checkpoints.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> from gan.datasets import ring
    >>> rng, data = torch.Generator().manual_seed(0), ring()
    >>> measure = gan.yardstick(data, gan.modes_of(data), rng, samples=50, points=100)
    >>> trained = gan.train(gan.minimax, data, settings=gan.Settings(steps=5, pool=1000), measure=measure)
    >>> trained.step, tuple(trained.sampler(3, rng).shape)
    (5, (3, 2))
    """

    generator: nn.Module = field(repr=False)
    critic: nn.Module = field(repr=False)
    latent: Latent
    sampler: Sampler = field(repr=False)
    history: tuple[Progress, ...] = field(repr=False)
    step: int
    device: str
    seconds: float


def train(
    objective: Contest,
    data: DataSet,
    *,
    generator: GeneratorArchitecture | Conditional | None = None,
    critic: Architecture | nn.Module | None = None,
    constraint: LipschitzConstraint | None = None,
    game: Game | None = None,
    terms: Sequence[Term] = (),
    settings: Settings | None = None,
    measure: Yardstick | None = None,
    rng: Rng = 0,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    log: Log | None = None,
    checkpoints: str | Path | None = None,
    progress: bool = False,
) -> Trained:
    r"""Train a generator against a critic.

    Parameters
    ----------
    objective : Contest
        What they compete for: `gan.minimax`, `gan.wasserstein`, `gan.variational(f)`, ...
    data : DataSet
        What is real, `gan.datasets.ring()` for example.
    generator : GeneratorArchitecture or Conditional, optional
        The generator; a fully connected network if not given. A `Conditional` one is trained with the labels.
    critic : Architecture or torch.nn.Module, optional
        The critic; that of the constraint, or a fully connected network, if not given. A module, such as a pre-trained
        autoencoder, is copied.
    constraint : LipschitzConstraint, optional
        What keeps the critic Lipschitz; `gan.wasserstein` needs one.
    game : Game, optional
        How they step, ``Alternating(critic_steps=1)`` if not given.
    terms : sequence of Term
        Losses beside the objective.
    settings : Settings, optional
        Length, batch and optimizers.
    measure : Yardstick, optional
        What generated points are held against; if not given a thousand real points, and the modes, the classes or bins of
        the data.
    rng : int, numpy Generator, SeedSequence or None
        Randomness; the same number trains the same networks, bit for bit on the same device.
    device : str or torch.device
        "cpu", "cuda", or "auto": the GPU if there is one.
    dtype : torch.dtype
        Precision of the networks.
    log : Log, optional
        Takes a row of numbers at each measurement; `gan.CsvLog(path)`.
    checkpoints : path-like, optional
        A folder; training goes on from the last checkpoint in it, and writes one at each measurement.
    progress : bool, default: False
        Show a progress bar (tqdm) on the standard error.

    Returns
    -------
    Trained
        The networks and the history.

    Raises
    ------
    TypeError
        If the data are no data set, the objective needs a constraint and there is none, or the game has one value for both
        players and the generator minimises another.
    ModuleNotFoundError
        If `progress` asks for tqdm and it is not installed.
    ValueError
        If the checkpoints are of another training.
    TrainingError
        If a loss, a weight or a generated point is NaN or infinite; it names the step. On a GPU losses are looked at when the
        training is measured, and the step is that of the measurement.

    Examples
    --------
    >>> import gan
    >>> from gan.datasets import ring
    >>> trained = gan.train(gan.non_saturating, ring(), settings=gan.Settings(steps=20, every=20))
    >>> trained.step, trained.history[-1].quality.w1.value > 0
    (20, True)
    """
    settings = settings or Settings()
    given: object = data
    if not isinstance(given, DataSet):
        msg = f"expected data to be a DataSet, got {type(given).__name__}; gan.datasets has some, and of_stock makes one of points"
        raise TypeError(msg)
    if isinstance(objective, Wasserstein) and constraint is None:
        msg = "expected a Lipschitz constraint for gan.wasserstein, got None; gan.GradientPenalty() is usual"
        raise TypeError(msg)
    like = torch.zeros((), dtype=dtype, device=training_device(device))
    seeds = np.random.default_rng(rng).integers(2**62, size=4).tolist()
    share = _share(settings)
    made = generator or GeneratorMLP()
    supply = Supply(
        data,
        pool=settings.pool,
        latent=made.latent,
        conditional=isinstance(made, Conditional),
        like=like,
        generator=torch.Generator(like.device).manual_seed(seeds[0]),
        draws=torch.Generator().manual_seed(seeds[1]),
        share=share,
    )
    weights = torch.Generator(like.device).manual_seed(seeds[2])
    network = made.build(supply.points, weights)
    rule = constraint or _Free()
    unit = None if constraint else 1.0
    chosen = critic or (constraint.architecture if constraint else MLP())
    against = rule.attach(network_of(chosen, weights, unit=unit)(supply.rows, supply.rows), weights)
    for term in terms:
        against = term.attach(against, supply.rows, weights)
    game = game or Alternating()
    if game.zero_sum:
        _require_one_value(game, objective, terms, supply.rows[:2])
    contest = _Contest(objective, rule, tuple(terms), supply, network, against, settings.batch)
    run = _Run(contest, game, settings, share)
    numbers = torch.Generator().manual_seed(seeds[3])
    gauge = measure or yardstick(data, _partition(data, numbers), numbers)
    identity = repr(
        (objective, data.name, made, critic, constraint, game, terms, replace(settings, steps=1), dtype, seeds)
    )
    folder = None if checkpoints is None else Path(checkpoints)
    return run.complete(gauge, seeds[3], log, folder, identity, shown=progress and share.rank == 0)


@final
class _Free(LipschitzConstraint):
    """No constraint."""


@final
@dataclass(frozen=True, eq=False)
class _Contest:
    """The losses of both players."""

    objective: Contest
    rule: LipschitzConstraint
    terms: tuple[Term, ...]
    supply: Supply
    generator: nn.Module
    critic: nn.Module
    batch: int
    penalised: bool = field(init=False)
    separate: bool = field(init=False)
    make: Callable[..., Tensor] = field(init=False)
    read: Callable[[Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Look once at what does not change from step to step."""
        penalty = type(self.rule).penalty
        object.__setattr__(self, "penalised", penalty is not LipschitzConstraint.penalty)
        object.__setattr__(self, "separate", _sees_batches(self.critic))
        object.__setattr__(self, "make", perceptron(self.generator) or self.generator)
        object.__setattr__(self, "read", perceptron(self.critic) or self.critic)

    def critic_loss(self) -> Tensor:
        """Minus the objective, and what else the critic minimises."""
        x, given = self.supply.real(self.batch), self.supply.input(self.batch)
        y = self.supply.made(self.make, given)
        p, q = self._outputs(x, y)
        penalty = self._penalty(x, y) if self.penalised else 0.0
        loss = penalty - self.objective.on(x, y).value(_mean(p), _mean(q))
        for term in self.terms:
            loss = loss + term.critic_loss(Context(self.generator, self.critic, x, y, given.points))
        return loss

    def generator_loss(self) -> Tensor:
        """What the objective says, and the terms; real points are only looked at where they matter."""
        given = self.supply.input(self.batch)
        y = self.supply.made(self.make, given)
        x = self.supply.real(self.batch)
        payoff = self.objective.on(x, y)
        p, q = self._outputs(x, y) if payoff.generator_reads_real else (y.new_zeros(1), self.read(y))
        loss = payoff.generator_loss(_mean(p), _mean(q))
        for term in self.terms:
            loss = loss + term.generator_loss(Context(self.generator, self.critic, x, y, given.points))
        return loss

    def _penalty(self, x: Tensor, y: Tensor) -> Tensor:
        """What the constraint adds."""
        return self.rule.penalty(self.critic, x, y, self.supply.generator, share=self.supply.share)

    def _outputs(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs on real and on generated rows, in one pass unless the critic looks at its batch as a whole."""
        if self.separate:
            return self.read(x), self.read(y)
        p, q = self.read(torch.cat([x, y])).split([len(x), len(y)])  # type: ignore[no-untyped-call]
        return p, q


def _sees_batches(critic: nn.Module) -> bool:
    """Whether outputs depend on other points of the batch, which must not be of both kinds then."""
    return any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | MinibatchCritic) for part in critic.modules())


def _mean(values: Tensor) -> Expectation:
    return Expectation(values, _weights(len(values), values.dtype, values.device), uniform=True)


@lru_cache(maxsize=16)
def _weights(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Those of a batch, made once; nothing writes to them."""
    return torch.full((n,), 1 / n, dtype=dtype, device=device)


@final
class _Run:
    """A training that can be measured, saved and gone on with."""

    def __init__(self, contest: _Contest, game: Game, settings: Settings, share: Share) -> None:
        self.contest, self.settings, self.share = contest, settings, share
        self.optimizers = [
            choice.make([p for p in network.parameters() if p.requires_grad])
            for choice, network in (
                (settings.critic_optimizer, contest.critic),
                (settings.generator_optimizer, contest.generator),
            )
        ]
        critic = Player(
            self.optimizers[0],
            contest.critic_loss,
            before=lambda: _average_gradients(contest.critic, share),
            after=lambda: contest.rule.project(contest.critic),
        )
        generator = Player(
            self.optimizers[1], contest.generator_loss, before=lambda: _average_gradients(contest.generator, share)
        )
        self.dynamics: Dynamics = game.start(critic, generator)
        self.average = (
            AveragedModel(
                contest.generator,
                multi_avg_fn=get_ema_multi_avg_fn(settings.average),  # type: ignore[no-untyped-call]
                use_buffers=True,
            )
            if settings.average
            else None
        )
        self.step, self.seconds = 0, 0.0

    @property
    def best(self) -> nn.Module:
        """The generator that is measured."""
        if self.average is None:
            return self.contest.generator
        module: nn.Module = self.average.module
        return module

    def complete(
        self, gauge: Yardstick, seed: int, log: Log | None, folder: Path | None, identity: str, *, shown: bool = False
    ) -> Trained:
        """The loop."""
        self._resume(folder, identity, log)
        history, before = list[Progress](), self.seconds
        with _bar(self.step, self.settings.steps, shown=shown) as advance:
            while self.step < self.settings.steps:
                start = time.perf_counter()
                losses = self._steps(min(self.settings.every, self.settings.steps - self.step), advance)
                self.seconds += time.perf_counter() - start
                history.append(self._measured(losses, gauge, seed))
                if self.share.rank == 0:
                    if log is not None:
                        log(history[-1].row() | history[-1].quality.masses())
                    if folder is not None:
                        save(folder, self.step, self._state(identity))
        supply = self.contest.supply
        return Trained(
            generator=self.best,
            critic=self.contest.critic,
            latent=supply.latent,
            sampler=supply.generated(self.best),
            history=tuple(history),
            step=self.step,
            device=str(supply.like.device),
            seconds=self.seconds - before,
        )

    def _steps(self, number: int, advance: Callable[[], Any]) -> Losses:
        """Steps of the game; the losses of the last."""
        for _ in range(number):
            losses = self.dynamics.step()
            if self.average is not None:
                self.average.update_parameters(self.contest.generator)
            self.step += 1
            if losses.critic.device.type == "cpu":  # elsewhere reading a loss would wait for the device
                _require_finite(losses, self.step)
            advance()
        _require_finite(losses, self.step)
        return losses

    def _measured(self, losses: Losses, gauge: Yardstick, seed: int) -> Progress:
        """The generated points at this step, with randomness of their own that a resumed run has again."""
        self._require_finite_networks()
        numbers = torch.Generator().manual_seed(seed + self.step)
        quality = gauge.measure(self.contest.supply.generated(self.best), numbers)
        return Progress(self.step, self.seconds, float(losses.critic), float(losses.generator), quality)

    def _require_finite_networks(self) -> None:
        """The last update may have left the finite numbers after the losses were looked at."""
        supply = self.contest.supply
        for name, network in (("critic", self.contest.critic), ("generator", self.best)):
            if not all(bool(torch.isfinite(p).all()) for p in network.parameters()):
                msg = f"expected finite weights of the {name}, got infinity or NaN after step {self.step}; lower its learning rate"
                raise TrainingError(msg)
        try:
            supply.generated(self.best)(64, torch.Generator().manual_seed(0))
        except ValueError as error:  # a sampler's answer to points that are not finite
            msg = (
                f"expected finite generated points after step {self.step}, got infinity or NaN; lower the learning rate"
            )
            raise TrainingError(msg) from error

    def _state(self, identity: str) -> dict[str, Any]:
        return {
            "training": identity,
            "step": self.step,
            "seconds": self.seconds,
            "critic": self.contest.critic.state_dict(),
            "generator": self.contest.generator.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "game": self.dynamics.state_dict(),
            "random": self.contest.supply.generator.get_state(),
        }

    def _resume(self, folder: Path | None, identity: str, log: Log | None) -> None:
        """Go on from the last checkpoint, if there is one."""
        path = None if folder is None else latest(folder)
        if path is None:
            return
        state = load(path)
        if state["training"] != identity:
            msg = (
                f"expected a checkpoint of this training in {path}, got one of {state['training']}; "
                "give another folder, or the arguments of that training"
            )
            raise ValueError(msg)
        self.step, self.seconds = state["step"], state["seconds"]
        self.contest.critic.load_state_dict(state["critic"])
        self.contest.generator.load_state_dict(state["generator"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.dynamics.load_state_dict(state["game"])
        self.contest.supply.generator.set_state(state["random"])
        if log is not None and self.share.rank == 0:
            log.rewind(self.step)


def _require_finite(losses: Losses, step: int) -> None:
    for name, loss in (("critic", losses.critic), ("generator", losses.generator)):
        if not math.isfinite(loss):
            msg = f"expected a finite loss of the {name}, got {float(loss)} at step {step}; lower its learning rate"
            raise TrainingError(msg)


@contextmanager
def _bar(done: int, steps: int, *, shown: bool) -> Iterator[Callable[[], Any]]:
    """What is called after each step."""
    if not shown:
        yield lambda: None
        return
    require("tqdm", "cluster", "a progress bar")
    from tqdm import tqdm

    with tqdm(total=steps, initial=done, unit="step") as bar:
        yield bar.update


def _require_one_value(game: Game, objective: Contest, terms: Sequence[Term], rows: Tensor) -> None:
    """Refuse losses of the generator that a game with one value for both players would leave out."""
    payoff = objective.on(rows, rows)
    if type(payoff).generator_loss not in OF_THE_VALUE:
        msg = (
            f"expected an objective whose generator minimises its value for {game}, got {objective!r}, where it has "
            "a loss of its own; take Alternating() or Simultaneous()"
        )
        raise TypeError(msg)
    for term in terms:
        if type(term).generator_loss is not Term.generator_loss:
            msg = (
                f"expected terms without a loss of the generator for {game}, which has one value for both players, "
                f"got {term!r}; take Alternating() or Simultaneous()"
            )
            raise TypeError(msg)


def _share(settings: Settings) -> Share:
    """Which part of each batch is this process's."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return alone
    share = Share(torch.distributed.get_rank(), torch.distributed.get_world_size())
    if settings.batch % share.processes:
        msg = f"expected a batch that {share.processes} processes can share, got {settings.batch}; take a multiple"
        raise ValueError(msg)
    return share


def _average_gradients(network: nn.Module, share: Share) -> None:
    """The mean over processes, which is the gradient of the joint batch where losses are means."""
    if share.processes == 1:
        return
    for p in network.parameters():
        if p.grad is not None:
            torch.distributed.all_reduce(p.grad)
            p.grad /= share.processes


def _partition(data: DataSet, numbers: torch.Generator) -> Partition:
    """Cells that suit the data: its modes, the classes of its images, or bins."""
    if len(data.modes):
        return modes_of(data)
    if len(data.stock.labels) and data.classes > 1:
        return classes_of(data.stock)
    return bins_of(data.sampler(10_000, numbers))
