r"""The best single Gaussian for a mixture of two, under five divergences.

The experiment of the f-GAN paper (Nowozin, Cseke & Tomioka 2016, section 2.5 and table 2): the mixture of 0.33 N(-1, sd 0.25)
and 0.67 N(2, sd sqrt 2) is fitted by one normal distribution under KL, reverse KL, Jensen-Shannon, Jeffreys and Pearson. Here the
fit is exact, by `divergences.project`: quadrature with an error bound, and as certificate that gradient and curvature of the divergence
with respect to (mu, log sigma) are zero and positive. The paper's own exact fits and its trained ones stand beside it; its
Jensen-Shannon divergence is twice the one here, and its figures are smoothed a little, so they agree to about 2e-2.

The same fits are then found by playing. On a grid the critic is a table that is always at its optimum, and the generator descends its own
loss against it. From samples `gan.train` trains an affine generator against a neural critic, in stages of falling rates and growing
batches. F is the variational bound of that critic, integrated on the grid, so that it is at most the divergence at the trained (mu,
sigma), whose exact value stands beside it. It is given as the game leaves the critic, which is always a little behind, and after
`gan.estimate` has brought the same critic to its best against the generator at rest, on a coarse grid.

Prints the tables, and writes CSV, JSON and pictures under benchmarks/results/.

    python benchmarks/fgan_mixture.py [--quick] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import torch
from torch import Tensor, nn

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt

import divergences as dv
import gan
from divergences.families import Mixture, Normal
from gan.datasets import gaussian_modes

COMPONENTS, WEIGHTS = [Normal(-1.0, 0.25), Normal(2.0, 2.0**0.5)], [0.33, 0.67]
MIXTURE = Mixture(COMPONENTS, WEIGHTS)

RESULTS = Path(__file__).parent / "results"


@final
@dataclass(frozen=True, slots=True)
class Published:
    """A column of the paper's table 2.

    Parameters
    ----------
    multiple : float
        The paper's divergence over the one of this library.
    value, mu, sigma : float
        Its exact fit.
    trained_mu, trained_sigma : float
        What its f-GAN learned.
    """

    multiple: float
    value: float
    mu: float
    sigma: float
    trained_mu: float
    trained_sigma: float


PAPER = {
    dv.kl: Published(1.0, 0.2831, 1.0100, 1.8308, 1.0335, 1.8236),
    dv.reverse_kl: Published(1.0, 0.2480, 1.5782, 1.6319, 1.5624, 1.6403),
    dv.js: Published(2.0, 0.1280, 1.3070, 1.7542, 1.2854, 1.7659),
    dv.jeffreys: Published(1.0, 0.5705, 1.3218, 1.7034, 1.2295, 1.8087),
    dv.pearson_chi2: Published(1.0, 0.6457, 0.5737, 1.9274, 0.6157, 1.9031),
}

NAMES = {
    "kl": "KL",
    "reverse_kl": "reverse KL",
    "js": "Jensen-Shannon",
    "jeffreys": "Jeffreys",
    "pearson_chi2": "Pearson",
}

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""Okabe and Ito's colours, which the colour-blind can tell apart."""

STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Only KL and reverse KL, and a short training.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def divergences(self) -> list[dv.FDivergence]:
        """What the mixture is fitted under."""
        return list(PAPER)[: 2 if self.quick else None]

    @property
    def stages(self) -> tuple["Stage", ...]:
        """The training."""
        return (Stage(20, 128, 2e-3, 5e-3), Stage(10, 128, 1e-3, 1e-3)) if self.quick else STAGES


@final
@dataclass(frozen=True)
class Stage:
    """A part of a training, which goes on with the networks of the part before.

    Parameters
    ----------
    steps, batch : int
        Steps of either player; points in a batch.
    critic_rate, generator_rate : float
        Learning rates.
    average : float
        Decay of the moving average of mu and log sigma, with which the next stage begins.
    """

    steps: int
    batch: int
    critic_rate: float
    generator_rate: float
    average: float = 0.0


STAGES = (
    Stage(1000, 512, 2e-3, 5e-3, average=0.99),
    Stage(1000, 1024, 1e-3, 1e-3, average=0.995),
    Stage(2000, 2048, 3e-4, 2e-4, average=0.999),
)

START = (0.5, 2.0)
"""Where mu and sigma begin, for every divergence."""

POOL = 1_000_000
"""Points of the mixture that batches are drawn from: their mean is within 2e-3 of its own."""

GRID = torch.linspace(-14.0, 16.0, 30_001, dtype=torch.float64)[:-1] + 5e-4
"""Midpoints of intervals that bear all mass but 1e-13; sums over them are integrals to many more digits than are shown."""


@final
@dataclass(frozen=True, slots=True)
class Row:
    """The best Gaussian under one divergence, exact here and as published."""

    divergence: str
    mu: float
    sigma: float
    lower: float
    value: float
    upper: float
    gradient: float
    curvature: float
    other_minima: int
    seconds: float
    paper_mu: float
    paper_sigma: float
    paper_value: float
    trained_mu: float
    trained_sigma: float
    trained_value: float


def fitted(d: dv.FDivergence) -> Row:
    """The projection of the mixture on the normals."""
    start = time.perf_counter()
    found = dv.project(MIXTURE, Normal, d)
    seconds = time.perf_counter() - start
    paper, best, bounds = PAPER[d], found.distribution.parameters, found.bounds
    return Row(
        divergence=NAMES[d.name],
        mu=float(best["loc"]),
        sigma=float(best["scale"]),
        lower=bounds.lower,
        value=bounds.value,
        upper=bounds.upper,
        gradient=float(np.abs(found.gradient).max()),
        curvature=float(found.curvature.min()),
        other_minima=len(found.others),
        seconds=seconds,
        paper_mu=paper.mu,
        paper_sigma=paper.sigma,
        paper_value=paper.value / paper.multiple,
        trained_mu=paper.trained_mu,
        trained_sigma=paper.trained_sigma,
        trained_value=float(d(MIXTURE, Normal(paper.trained_mu, paper.trained_sigma))),
    )


# ---------------------------------------------------------------------------------------------------------- the games


@final
@dataclass(frozen=True, slots=True)
class PlayedRow:
    """The Gaussian that a game has found, beside the exact optimum.

    Parameters
    ----------
    divergence : str
        The objective.
    mu, sigma : float
        The exact optimum.
    table_mu, table_sigma, table_value : float
        What the game on the grid comes to, and the value of the objective there.
    trained_mu, trained_sigma, trained_value : float
        What `gan.train` comes to, and F, the bound of the divergence there by the critic as the game leaves it.
    rested_value : float
        F after the critic has come to its best against the generator at rest.
    exact_value : float
        The divergence at the trained (mu, sigma), by quadrature.
    mu_error, sigma_error, value_error, rested_error : float
        Relative errors of the trained mu and sigma, and of both F from the divergence where they are.
    excess : float
        The divergence at the trained (mu, sigma) over the least one, less 1.
    seconds : float
        Time of the training.
    """

    divergence: str
    mu: float
    sigma: float
    table_mu: float
    table_sigma: float
    table_value: float
    trained_mu: float
    trained_sigma: float
    trained_value: float
    rested_value: float
    exact_value: float
    mu_error: float
    sigma_error: float
    value_error: float
    rested_error: float
    excess: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class Played:
    """A row, and the critic's log-ratio on the grid."""

    row: PlayedRow
    critic: Tensor


def mixture_data() -> gan.DataSet:
    """Draws of the mixture."""
    parts = [component.parameters for component in COMPONENTS]
    modes = np.array([[float(part["loc"])] for part in parts])
    scales = np.array([float(part["scale"]) for part in parts])
    return gaussian_modes("mixture", modes, scales, np.array(WEIGHTS))


def log_masses(distribution: Mixture | Normal) -> Tensor:
    """Logarithms of the masses of the cells of the grid, of density times width."""
    return torch.as_tensor(distribution.log_density(GRID.numpy())) + math.log(1e-3)


def on_grid(objective: gan.Variational, v: Tensor, log_q: Tensor) -> Tensor:
    """The objective of a log-ratio v on the grid, by the code that trains it, with exact masses."""
    p, q = log_masses(MIXTURE).exp(), log_q.exp()
    return objective.value(gan.Expectation(v, p), gan.Expectation(v, q))


def table_game(objective: gan.Variational) -> tuple[float, float, float]:
    """Mu, sigma and value where the generator's gradient vanishes against the best critic, a number for each cell.

    The critic's best answer is known, the log-ratio. It is a constant to the generator, whose masses move. That gradient is also the one
    of the value at the best critic, so that L-BFGS may take it.
    """
    theta = torch.tensor([START[0], math.log(START[1])], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [theta], max_iter=200, tolerance_grad=1e-11, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )
    log_p = log_masses(MIXTURE)

    def loss() -> Tensor:
        optimizer.zero_grad()
        log_q = math.log(1e-3 / math.sqrt(2 * math.pi)) - theta[1] - ((GRID - theta[0]) / theta[1].exp()).square() / 2
        v = objective.optimal_critic(log_p - log_q.detach())
        value = on_grid(objective, v, log_q)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        mu, log_sigma = theta.tolist()
    return mu, math.exp(log_sigma), float(loss().detach())


def trained(objective: gan.Variational, stages: Sequence[Stage]) -> tuple[float, float, nn.Module, float]:
    """Mu, sigma, critic and seconds of a training by samples."""
    data = mixture_data()
    gauge = gan.yardstick(data, gan.modes_of(data), torch.Generator().manual_seed(0), samples=10, points=10)
    (mu, sigma), seconds = START, 0.0
    critic: gan.Architecture | nn.Module = gan.MLP(width=64)
    for seed, stage in enumerate(stages):
        done = gan.train(
            objective,
            data,
            generator=gan.Affine(mu, sigma),
            critic=critic,
            game=gan.SingleStep(),
            settings=gan.Settings(
                steps=stage.steps,
                batch=stage.batch,
                every=stage.steps,
                pool=POOL,
                average=stage.average,
                critic_optimizer=gan.Adam(stage.critic_rate, (0.5, 0.99)),
                generator_optimizer=gan.Adam(stage.generator_rate, (0.5, 0.99)),
            ),
            measure=gauge,
            rng=seed,
            device="cpu",
        )
        location, log_scale = (p.detach().double() for p in done.generator.parameters())
        mu, sigma, critic, seconds = float(location), float(log_scale.exp()), done.critic, seconds + done.seconds
    return mu, sigma, done.critic, seconds


def outputs(critic: nn.Module) -> Tensor:
    """The critic on the grid."""
    with torch.no_grad():
        return torch.cat([critic(x[:, None]) for x in GRID.tensor_split(6)])


def at_rest(objective: gan.Variational, critic: nn.Module, mu: float, sigma: float) -> nn.Module:
    """The same network, trained on against a generator that rests, with exact masses on every tenth place of the grid."""
    places = GRID[5::10]
    p, q = (torch.as_tensor(law.log_density(places.numpy())).exp().numpy() for law in (MIXTURE, Normal(mu, sigma)))
    P, Q = (gan.Discrete(places.numpy(), masses / masses.sum()) for masses in (p, q))
    budget = gan.Budget(steps=20, polish=200)
    found = gan.estimate(P, Q, objective, critic=critic, budget=budget, device="cpu", dtype=torch.float64)
    return found.critic


def played(d: dv.FDivergence, exact: Row, stages: Sequence[Stage]) -> Played:
    """Both games under one divergence."""
    objective = gan.variational(d)
    table_mu, table_sigma, table_value = table_game(objective)
    mu, sigma, critic, seconds = trained(objective, stages)
    critic = critic.double()
    v = outputs(critic)
    log_q = log_masses(Normal(mu, sigma))
    value = float(on_grid(objective, v, log_q))
    rested = float(on_grid(objective, outputs(at_rest(objective, critic, mu, sigma)), log_q))
    there = float(d(MIXTURE, Normal(mu, sigma)))
    row = PlayedRow(
        divergence=exact.divergence,
        mu=exact.mu,
        sigma=exact.sigma,
        table_mu=table_mu,
        table_sigma=table_sigma,
        table_value=table_value,
        trained_mu=mu,
        trained_sigma=sigma,
        trained_value=value,
        rested_value=rested,
        exact_value=there,
        mu_error=mu / exact.mu - 1,
        sigma_error=sigma / exact.sigma - 1,
        value_error=value / there - 1,
        rested_error=rested / there - 1,
        excess=there / exact.value - 1,
        seconds=seconds,
    )
    return Played(row, v)


def game_targets(rows: Sequence[Row], found: Sequence[PlayedRow], *, full: bool) -> list[Target]:
    """What must hold of the games; a quick run is too short to be asked for more than soundness."""
    table = max(max(abs(r.table_mu - r.mu), abs(r.table_sigma - r.sigma)) for r in found)
    value = max(abs(r.table_value - exact.value) / exact.value for r, exact in zip(found, rows, strict=True))
    above = max(max(r.value_error, r.rested_error) for r in found)
    sound = [
        Target("the game on a grid finds the exact mu and sigma, to 1e-6", f"{table:.1e}", table < 1e-6),
        Target("and the exact value, relatively to 1e-9", f"{value:.1e}", value < 1e-9),
        Target("no F is above the divergence, relatively to 1e-9", f"highest {above:+.1e}", above <= 1e-9),
    ]
    if not full:
        return sound
    parameters = max(max(abs(r.mu_error), abs(r.sigma_error)) for r in found)
    short = max(abs(r.rested_error) for r in found)
    return [
        *sound,
        Target("trained mu and sigma within 3 % of exact", f"{parameters:.2%}", parameters <= 0.03),
        Target("F, the critic at rest, within 0.1 % of the divergence there", f"{short:.3%}", short <= 1e-3),
    ]


# --------------------------------------------------------------------------------------------------------- the targets


def targets(rows: list[Row]) -> list[Target]:
    """What must hold of the exact fits."""
    apart = max(max(abs(r.mu - r.paper_mu), abs(r.sigma - r.paper_sigma), abs(r.value - r.paper_value)) for r in rows)
    mean = 0.33 * -1 + 0.67 * 2
    variance = 0.33 * (0.25**2 + 1) + 0.67 * (2 + 4) - mean**2
    kl = rows[0]
    moments = max(abs(kl.mu - mean), abs(kl.sigma - variance**0.5))
    steepest, flattest = max(r.gradient for r in rows), min(r.curvature for r in rows)
    widest = max((r.upper - r.lower) / r.value for r in rows)
    gained = min(r.trained_value - r.upper for r in rows)
    return [
        Target("KL matches the moments, to 1e-8", f"{moments:.1e}", moments < 1e-8),
        Target("the gradient vanishes, to 1e-8", f"{steepest:.1e}", steepest < 1e-8),
        Target("the curvature is positive", f"at least {flattest:.2g}", flattest > 0),
        Target("the values are bracketed, relatively to 1e-10", f"{widest:.1e}", widest < 1e-10),
        Target("the published exact fits are within 2e-2", f"{apart:.1e}", apart < 2e-2),
        Target("no published trained fit is below the optimum", f"above by at least {gained:.1e}", gained > 0),
    ]


def draw(rows: list[Row], path: Path) -> None:
    """The mixture and its best Gaussians."""
    x = np.linspace(-5, 7, 1201)
    figure, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    axis.fill_between(x, np.exp(MIXTURE.log_density(x)), color="0.85", lw=0, label="the mixture P")
    for row, colour, style in zip(rows, COLOURS, STYLES, strict=False):
        density = np.exp(Normal(row.mu, row.sigma).log_density(x))
        label = f"{row.divergence}: $\\mu$ = {row.mu:.3f}, $\\sigma$ = {row.sigma:.3f}"
        axis.plot(x, density, color=colour, ls=style, lw=1.8, label=label)
    axis.set(
        xlabel="x",
        ylabel="density",
        xlim=(-5, 7),
        ylim=(0, None),
        title="The closest normal distribution depends on the divergence",
    )
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, title="$\\min_Q\\, D(P\\,\\|\\,Q)$")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_games(found: Sequence[Played], path: Path) -> None:
    """The trained Gaussian on the exact one, and the trained log-ratio on the exact one, for each divergence."""
    figure, axes = plt.subplots(
        2, len(found), figsize=(3 * len(found), 5.4), layout="constrained", sharex=True, sharey="row", squeeze=False
    )
    x = GRID.numpy()
    log_p, p = MIXTURE.log_density(x), np.exp(MIXTURE.log_density(x))
    for (top, bottom), one in zip(axes.T, found, strict=True):
        row = one.row
        top.fill_between(x, p, color="0.85", lw=0, label="the mixture P")
        top.plot(x, np.exp(Normal(row.mu, row.sigma).log_density(x)), color=COLOURS[0], lw=2.5, label="exact Q")
        learned = Normal(row.trained_mu, row.trained_sigma).log_density(x)
        top.plot(x, np.exp(learned), color=COLOURS[4], ls="--", lw=1.5, label="trained Q")
        top.set(title=f"{row.divergence}\nF at rest = {row.rested_value:.5f} of {row.exact_value:.5f}", ylim=(0, None))
        bottom.plot(x, log_p - learned, color=COLOURS[0], lw=2.5, label="exact at the trained Q")
        bottom.plot(x, one.critic.numpy(), color=COLOURS[4], ls="--", lw=1.5, label="critic as the game leaves it")
        bottom.set(xlabel="x", xlim=(-5, 7), ylim=(-6, 3))
    axes[0, 0].set_ylabel("density")
    axes[1, 0].set_ylabel("log-ratio log p/q")
    axes[0, 0].legend(frameon=False, fontsize=8)
    axes[1, 0].legend(frameon=False, fontsize=8, loc="lower right")
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def show_games(found: Sequence[PlayedRow]) -> None:
    """The table of what the games have found."""
    show(
        "found by playing: on a grid, and trained from samples",
        (
            *("divergence", "mu", "grid", "trained", "", "sigma", "grid", "trained", ""),
            *("F", "", "F at rest", "", "exact there", "seconds"),
        ),
        [
            (
                r.divergence,
                *(f"{z:.6f}" for z in (r.mu, r.table_mu)),
                f"{r.trained_mu:.4f}",
                f"{r.mu_error:+.2%}",
                *(f"{z:.6f}" for z in (r.sigma, r.table_sigma)),
                f"{r.trained_sigma:.4f}",
                f"{r.sigma_error:+.2%}",
                f"{r.trained_value:.6f}",
                f"{r.value_error:+.2%}",
                f"{r.rested_value:.6f}",
                f"{r.rested_error:+.4%}",
                f"{r.exact_value:.6f}",
                f"{r.seconds:.1f}",
            )
            for r in found
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 if a target is missed."""
    parser = argparse.ArgumentParser(
        description="The best single Gaussian for a mixture of two, exactly and by playing."
    )
    parser.add_argument("--quick", action="store_true", help="only KL and reverse KL, and a short training")
    parser.add_argument("--out", default=None, help="folder of the files")
    given = parser.parse_args(arguments)
    settings = Settings(given.quick, given.out or str(RESULTS / "quick" if given.quick else RESULTS))
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    rows = [fitted(d) for d in settings.divergences]
    show(
        "the closest normal distribution to 0.33 N(-1, 0.25) + 0.67 N(2, sqrt 2)",
        ("divergence", "mu", "sigma", "value", "width", "gradient", "curvature", "other minima", "seconds"),
        [
            (
                r.divergence,
                f"{r.mu:.9f}",
                f"{r.sigma:.9f}",
                f"{r.value:.12f}",
                f"{r.upper - r.lower:.0e}",
                f"{r.gradient:.0e}",
                f"{r.curvature:.3f}",
                str(r.other_minima),
                f"{r.seconds:.1f}",
            )
            for r in rows
        ],
    )
    show(
        "beside the f-GAN paper's exact fits, and its trained ones",
        ("divergence", "mu", "paper", "trained", "sigma", "paper", "trained", "value", "paper", "at the trained"),
        [
            (
                r.divergence,
                *(f"{z:.4f}" for z in (r.mu, r.paper_mu, r.trained_mu, r.sigma, r.paper_sigma, r.trained_sigma)),
                *(f"{z:.4f}" for z in (r.value, r.paper_value, r.trained_value)),
            )
            for r in rows
        ],
    )
    games = [played(d, row, settings.stages) for d, row in zip(settings.divergences, rows, strict=True)]
    found = [game.row for game in games]
    show_games(found)
    judged, asked = targets(rows), game_targets(rows, found, full=not settings.quick)
    met = announce([*judged, *asked])
    out = Path(settings.out)
    save(out, "fgan_mixture", settings, rows, judged)
    save(out, "fgan_mixture_trained", settings, found, asked)
    draw(rows, out / "fgan_mixture.png")
    draw_games(games, out / "fgan_mixture_trained.png")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
