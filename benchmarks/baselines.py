r"""Models without a game beside GANs, on a sample of the line and one of the plane; and pushforwards against their densities.

Kernel densities (Gaussian, Epanechnikov; bandwidth by Scott's rule and by the likelihood of held-out points), a mixture of
Gaussians by E-M, a VAE, WGAN with a two- and a one-sided gradient penalty, and the non-saturating GAN are fitted to the same sample: of the mixture that the f-GAN paper fits,
and of a ring of eight Gaussians. Each is then judged by the exact W1 between its draws and fresh points of the data, beside that
between two fresh samples of the data. E-M is told how many components there are, the others are not.

On the line the two-sided penalty of WGAN-GP asks for the slope 1 or -1 at every place between the samples, where the best critic
changes its sign and, once the samples agree, has slope 0: the game does not come to rest. The one-sided penalty allows all slopes up to 1.

The second half draws the law of g(U), U uniform on (0, 1), for the identity, the square and the quantiles of N(0, 1), and holds the
largest distance of its distribution function from the integral of the exact density against the bound of Massart (1990).

Prints the tables, and writes CSV, JSON and pictures under benchmarks/results/.

    python benchmarks/baselines.py [--quick] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy import integrate, stats

import gan
from gan.baselines import Baseline, Epanechnikov, Gaussian, Kernel
from gan.datasets import Pushforward, fgan_mixture, of_stock, pushforwards, ring
from gan.sources import Sampler

RESULTS = Path(__file__).parent / "results"

BLUE, ORANGE = "#0072B2", "#D55E00"
"""Okabe and Ito's colours, which the colour-blind can tell apart."""

DOUBT = 1e-6
"""Probability with which a right pushforward may miss its bound."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Small samples and short trainings, which learn little.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def points(self) -> int:
        """Points of the sample that every model is fitted to."""
        return 300 if self.quick else 2000

    @property
    def fresh(self) -> int:
        """Points of the samples between which W1 is computed."""
        return 100 if self.quick else 1000

    @property
    def pairs(self) -> int:
        """Pairs of samples that W1 is the mean over."""
        return 1 if self.quick else 5

    @property
    def vae_steps(self) -> int:
        """Steps of the VAE."""
        return 20 if self.quick else 4000

    @property
    def gan_steps(self) -> int:
        """Steps of the generators."""
        return 4 if self.quick else 2000

    @property
    def draws(self) -> int:
        """Points of a pushforward, and of the histograms."""
        return 2000 if self.quick else 50_000


# -------------------------------------------------------------------------------------------------------------- the models


@final
@dataclass(frozen=True)
class HeldOutKernel(Baseline):
    """A kernel density whose bandwidth maximises the likelihood of a held-out quarter of the sample.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    factors : tuple of float
        Candidates, in units of the bandwidth of Scott's rule.
    """

    kernel: Kernel
    factors: tuple[float, ...] = tuple(np.geomspace(0.01, 1.0, 25).tolist())

    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Choose the bandwidth, then take all points."""
        order = torch.randperm(len(points), generator=generator)
        held_out, rest = points[order[: len(points) // 4]], points[order[len(points) // 4 :]]
        scott = gan.KernelDensity(self.kernel).width(rest)
        candidates = [gan.KernelDensity(self.kernel, bandwidth=scott * factor) for factor in self.factors]
        # a held-out point out of reach of all others makes the likelihood 0: -inf, the least of all
        scores = [float(c.estimator(rest).score_samples(held_out.numpy()).sum()) for c in candidates]
        return candidates[int(np.argmax(scores))].fit(points, generator)


@final
@dataclass(frozen=True)
class TrainedGAN(Baseline):
    """The generator of a GAN, trained on the sample alone.

    Parameters
    ----------
    preset : gan.Preset
        Objective, constraint and game.
    settings : gan.Settings
        Length, batch and optimizers.
    """

    preset: gan.Preset
    settings: gan.Settings

    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Train on the CPU."""
        labels = torch.zeros(len(points), dtype=torch.long)
        data = of_stock("sample", gan.Labelled(points, labels), (points.shape[1],), 1)
        seed = int(torch.randint(2**31, (1,), generator=generator))
        return self.preset.train(data, settings=self.settings, rng=seed, device="cpu").sampler


def models(components: int, settings: Settings) -> dict[str, Baseline]:
    """Everything that is fitted; `components` is what E-M is told."""
    fast = gan.Adam(5e-4, (0.0, 0.9))  # five times the rate of WGAN-GP's paper, which is for images
    steps = gan.Settings(
        steps=settings.gan_steps,
        every=settings.gan_steps,
        batch=128,
        average=0.995 if settings.gan_steps > 1000 else 0.0,
        critic_optimizer=fast,
        generator_optimizer=fast,
    )
    return {
        "Gaussian kernel, Scott": gan.KernelDensity(Gaussian()),
        "Epanechnikov, Scott": gan.KernelDensity(Epanechnikov()),
        "Gaussian kernel, held-out": HeldOutKernel(Gaussian()),
        "Epanechnikov, held-out": HeldOutKernel(Epanechnikov()),
        f"{components} Gaussians by E-M": gan.MixtureEM(components),
        "VAE": gan.TrainedVAE(steps=settings.vae_steps),
        "WGAN-GP": TrainedGAN(gan.PRESETS["wgan-gp"], steps),
        "WGAN, one-sided penalty": TrainedGAN(gan.PRESETS["wgan-lp"], steps),
        "non-saturating GAN": TrainedGAN(gan.PRESETS["non-saturating"], steps),
    }


# -------------------------------------------------------------------------------------------------------------- the figures


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A model of one sample.

    Parameters
    ----------
    data, model : str
        Which.
    w1, floor, ratio : float
        Exact W1 between draws and fresh points of the data, between two fresh samples of the data, and their quotient.
    js : float
        Jensen-Shannon divergence of the masses of modes (plane) or of 20 bins (line), in nats.
    modes : int
        Modes, or bins, with at least one point of high quality.
    high_quality : float
        Share of points within 3 deviations of a mode; 1 on bins.
    seconds : float
        Time of the fit.
    """

    data: str
    model: str
    w1: float
    floor: float
    ratio: float
    js: float
    modes: int
    high_quality: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class Fitted:
    """A row, and points of the model."""

    row: Row
    points: npt.NDArray[np.float64]


def numbers(seed: int) -> torch.Generator:
    """Randomness."""
    return torch.Generator().manual_seed(seed)


def measured(data: gan.DataSet, components: int, settings: Settings) -> list[Fitted]:
    """Every model on one sample, and last the sample itself, drawn from with replacement."""
    cells = gan.modes_of(data) if data.dimension > 1 else gan.bins_of(data.sampler(100_000, numbers(0)))
    gauge = gan.yardstick(data, cells, numbers(1), samples=settings.fresh, pairs=settings.pairs)
    sample = data.sampler(settings.points, numbers(2))
    memory = of_stock("sample", gan.Labelled(sample, torch.zeros(len(sample), dtype=torch.long)), data.shape, 1)
    found = []
    for name, model in models(components, settings).items():
        start = time.perf_counter()
        # networks are trained in single precision
        sampler = model.fit(sample.float() if isinstance(model, gan.TrainedVAE) else sample, numbers(3))
        found.append(judged(data, name, sampler, gauge, time.perf_counter() - start, settings))
    return [*found, judged(data, "the sample itself", memory.sampler, gauge, 0.0, settings)]


def judged(
    data: gan.DataSet, name: str, sampler: Sampler, gauge: gan.Yardstick, seconds: float, settings: Settings
) -> Fitted:
    """A model held against fresh points."""
    quality = gauge.measure(sampler, numbers(4))
    row = Row(
        data=data.name,
        model=name,
        w1=quality.w1.value,
        floor=quality.floor,
        ratio=quality.ratio,
        js=quality.cells.js,
        modes=quality.covered,
        high_quality=quality.cells.high_quality,
        seconds=seconds,
    )
    return Fitted(row, sampler(settings.draws if data.dimension == 1 else 2000, numbers(5)).numpy())


@final
@dataclass(frozen=True, slots=True)
class PushforwardRow:
    """Draws of g(U) against the density of their law.

    Parameters
    ----------
    law : str
        The map g.
    points : int
        Number of draws.
    mass : float
        Integral of the density, by quadrature.
    distance : float
        The largest between the distribution functions of draws and density, at a hundred places.
    bound : float
        What it exceeds with probability of at most 1e-6 if the density is right.
    """

    law: str
    points: int
    mass: float
    distance: float
    bound: float


def pushforward_row(law: Pushforward, settings: Settings, seed: int) -> PushforwardRow:
    """One map, its density integrated by quadrature between neighbouring places of a grid."""
    x = np.sort(law.data.sampler(settings.draws, numbers(seed)).numpy()[:, 0])
    n = len(x)
    ends = (-np.inf, np.inf) if law.name == "normal quantiles" else (0.0, 1.0)
    places = [ends[0], *np.quantile(x, np.linspace(0.005, 0.995, 100)), ends[1]]
    pieces = [integrate.quad(lambda t: float(law.density(np.asarray(t))), a, b)[0] for a, b in pairwise(places)]
    exact = np.cumsum(pieces)
    share = np.searchsorted(x, places[1:-1], side="right") / n
    distance = float(np.abs(share - exact[:-1]).max())
    return PushforwardRow(law.name, n, float(exact[-1]), distance, math.sqrt(math.log(2 / DOUBT) / (2 * n)))


def targets(rows: Sequence[Row], laws: Sequence[PushforwardRow], *, full: bool) -> list[Target]:
    """What must hold; a quick run trains nothing long enough to be asked for more than exactness."""
    mass = max(abs(law.mass - 1) for law in laws)
    far = max(law.distance / law.bound for law in laws)
    exact = [
        Target("densities of the pushforwards have mass 1, to 1e-8", f"{mass:.1e}", mass < 1e-8),
        Target("pushforwards follow their densities: distance below Massart's bound", f"{far:.2f} of it", far < 1),
    ]
    if not full:
        return exact
    em = max(row.ratio for row in rows if row.model.endswith("E-M"))
    of = {(row.data, row.model): row for row in rows}
    line, plane = fgan_mixture().name, ring().name
    one_sided, covered = of[line, "WGAN, one-sided penalty"].ratio, of[plane, "WGAN-GP"].modes
    return [
        *exact,
        Target("E-M, which has the right family, is within 1.5 of real", f"{em:.2f}", em <= 1.5),
        Target("WGAN with a one-sided penalty is within 1.5 of real on the line", f"{one_sided:.2f}", one_sided <= 1.5),
        Target("WGAN-GP has points in 8 of 8 modes of the ring", f"{covered}", covered == 8),
    ]


# ------------------------------------------------------------------------------------------------------------- the pictures


def draw(line: Sequence[Fitted], plane: Sequence[Fitted], path: Path) -> None:
    """All models: two rows of densities on the line, two rows of clouds in the plane."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(4, 5, figsize=(15, 12), layout="constrained")
    for axis, fitted in zip(axes[:2].flat, line, strict=False):
        draw_density(axis, fitted)
    for axis, fitted in zip(axes[2:].flat, plane, strict=False):
        draw_cloud(axis, fitted)
    axes[0, 0].legend(frameon=False, loc="upper right")
    axes[2, 0].legend(frameon=False, loc="center", markerscale=4)
    figure.suptitle("Fitted to one sample: W1 to fresh points, in units of that between two fresh samples")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_density(axis: Axes, fitted: Fitted) -> None:
    """The exact density of the mixture, and a histogram of the model."""
    data, x = fgan_mixture(), np.linspace(-5, 7, 1201)
    parts = zip(data.modes[:, 0], data.scales, data.weights, strict=True)
    density = np.sum([w * stats.norm.pdf(x, c, s) for c, s, w in parts], axis=0)
    axis.fill_between(x, density, color="0.82", lw=0, label="data, exact")
    edges = np.linspace(-5, 7, 121)
    counts = np.histogram(fitted.points[:, 0], edges)[0] / len(fitted.points) / (edges[1] - edges[0])
    axis.stairs(counts, edges, color=BLUE, lw=1.1, label="model")
    axis.set(title=f"{fitted.row.model}: {fitted.row.ratio:.2f}", xlabel="x", ylabel="density", ylim=(0, 0.72))


def draw_cloud(axis: Axes, fitted: Fitted) -> None:
    """Points of the model over points of the data."""
    real = ring().sampler(2000, numbers(7)).numpy()
    axis.plot(*fitted.points.T, ".", ms=1.5, color=BLUE, label="model", rasterized=True)
    axis.plot(*real.T, ".", ms=1.5, color=ORANGE, label="data", rasterized=True)
    axis.set(title=f"{fitted.row.model}: {fitted.row.ratio:.2f}", xlabel="$x_1$", ylabel="$x_2$")
    axis.set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8), aspect="equal")


def draw_pushforwards(settings: Settings, path: Path) -> None:
    """Maps above, histograms of draws and exact densities below."""
    figure, axes = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained")
    u = (np.arange(2000) + 0.5) / 2000
    for (top, bottom), law in zip(axes.T, pushforwards(), strict=True):
        top.plot(u, law.transform(torch.tensor(u)), color=BLUE)
        top.set(title=law.name, xlabel="u", ylabel="g(u)")
        x = law.data.sampler(settings.draws, numbers(6)).numpy()[:, 0]
        low, high = (-3.5, 3.5) if law.name == "normal quantiles" else (0.0, 1.0)
        edges = np.linspace(low, high, 51)
        counts = np.histogram(x, edges)[0] / len(x) / (edges[1] - edges[0])
        bottom.stairs(counts, edges, fill=True, color="0.82", label=f"{len(x)} draws of g(U)")
        t = np.linspace(low, high, 2001)[1:-1]
        bottom.plot(t, law.density(t), color=ORANGE, lw=1.6, label="exact density")
        bottom.set(xlabel="x", ylabel="density", ylim=(0, 1.25 * float(counts.max())))
    axes[1, 1].legend(frameon=False, loc="upper right")
    figure.suptitle("Pushforwards of the uniform distribution on (0, 1)")
    figure.savefig(path, dpi=130)
    plt.close(figure)


# -------------------------------------------------------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Baselines and GANs on one sample; pushforwards and their densities.")
    parser.add_argument("--quick", action="store_true", help="small samples, short trainings")
    parser.add_argument("--out", default=None, help="folder of the files")
    given = parser.parse_args(arguments)
    settings = Settings(given.quick, given.out or str(RESULTS / "quick" if given.quick else RESULTS))
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    line, plane = measured(fgan_mixture(), 2, settings), measured(ring(), 8, settings)
    rows = [fitted.row for fitted in (*line, *plane)]
    show(
        f"fitted to {settings.points} points, judged by {settings.pairs} x {settings.fresh} fresh ones",
        ("data", "model", "W1", "real", "ratio", "JS", "modes or bins", "high quality", "seconds"),
        [
            (
                row.data,
                row.model,
                *(f"{z:.4f}" for z in (row.w1, row.floor)),
                f"{row.ratio:.2f}",
                f"{row.js:.4f}",
                str(row.modes),
                f"{row.high_quality:.1%}",
                f"{row.seconds:.2f}",
            )
            for row in rows
        ],
    )
    laws = [
        pushforward_row(law, settings, 8 + k) for k, law in enumerate(pushforwards())
    ]  # equal draws, equal distances
    show(
        "pushforwards of U(0, 1)",
        ("law", "draws", "mass", "distance", "bound"),
        [(p.law, str(p.points), f"{p.mass:.9f}", f"{p.distance:.5f}", f"{p.bound:.5f}") for p in laws],
    )
    asked = targets(rows, laws, full=not settings.quick)
    met = announce(asked)
    out = Path(settings.out)
    save(out, "baselines", settings, rows, asked)
    save(out, "pushforwards", settings, laws, asked[:2])
    draw(line, plane, out / "baselines.png")
    draw_pushforwards(settings, out / "pushforwards.png")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
