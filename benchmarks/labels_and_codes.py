r"""Labels, codes and energies: conditional GAN, InfoGAN and EBGAN, on digits and on a ring of eight Gaussians.

The conditional GAN is asked for each digit; a logistic regression that has only seen real digits says how often it got one. It is
asked the same of held-out real digits, which is as much as can be expected.

InfoGAN has a bound, $E[\log Q(c|x)] + H(c) \le I(c; x)$. Here x is made discrete, by cells of the plane or by the digit that the
classifier sees, so that I(c; x) is a finite sum, the KL divergence of the joint law from the product of its margins; the posterior of
a cell is the mean of Q over its points. The gap is then $E\,KL(P(c|x) \| Q(c|x))$, which is computed by itself and must be
the difference of the other two. The joint law is that of a large number of generated points, each of the same weight.

EBGAN's autoencoder is trained on real digits alone first, or is not, and the generator's points pull away from one another, or do
not: an autoencoder gives smooth images back better than digits, and the mean image is where a generator of little energy goes. Feature matching and minibatch discrimination stand beside the
plain system. W1 is exact, to digits that no network has seen, beside that between two samples of real digits. In 64 dimensions
samples of hundreds are far apart even if both are real; how little that distance says alone is seen from the mean image, which
stands in the table with them.

Prints the tables, and writes CSV, JSON and pictures under benchmarks/results/.

    python benchmarks/labels_and_codes.py [--quick] [--out benchmarks/results]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import divergences as dv
import gan
from gan.datasets import ImageSplit, digits, ring
from gan.image_networks import AutoencoderCritic
from gan.partitions import ClassCells
from gan.terms import CodedCritic

Floats = npt.NDArray[np.float64]

RESULTS = Path(__file__).parent / "results"

SHAPE = (1, 8, 8)
CATEGORIES = 10

NOISE = gan.NormalLatent(32)
DIGIT_LATENT = gan.CodedLatent(noise=22, categories=(CATEGORIES,))
RING_LATENT = gan.CodedLatent(noise=4, categories=(8,))


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Trainings of a few steps, which learn nothing.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def steps(self) -> int:
        """Steps of the generator on digits."""
        return 3 if self.quick else 4000

    @property
    def ring_steps(self) -> int:
        """Steps of the generator on the ring."""
        return 20 if self.quick else 3000

    @property
    def pretraining(self) -> int:
        """Steps of EBGAN's autoencoder on real digits alone."""
        return 10 if self.quick else 2000

    @property
    def samples(self) -> int:
        """Points of the samples between which W1 is computed."""
        return 50 if self.quick else 400

    @property
    def points(self) -> int:
        """Generated points that classes, codes and masses are counted on."""
        return 500 if self.quick else 20_000

    def gauge(self, split: ImageSplit, classes: ClassCells) -> gan.Yardstick:
        """What digits are held against."""
        return gan.yardstick(
            split.training, classes, numbers(80), reference=split.test, samples=self.samples, points=self.points
        )

    def training(self, steps: int, optimizer: gan.Adam, *, average: float = 0.99) -> gan.Settings:
        """Settings of one training, which returns a moving average of the generator's weights, unless the decay is 0."""
        return gan.Settings(
            steps=steps,
            every=steps,
            batch=64,
            average=average if steps > 100 else 0.0,
            critic_optimizer=optimizer,
            generator_optimizer=optimizer,
        )


DIGIT_ADAM = gan.Adam(5e-4, (0.5, 0.9))
"""Of all systems on digits."""

RING_ADAM = gan.Adam(5e-4, (0.0, 0.9))

CRITIC = gan.FeatureMLP(width=256)
"""Of all systems on digits but EBGAN: images of 8 x 8 pixels need no convolutions, and without them a step is ten times as fast."""


def generator(latent: gan.NormalLatent | gan.CodedLatent) -> gan.GeneratorMLP:
    """Of all systems on digits."""
    return gan.GeneratorMLP(latent=latent, width=256)


def numbers(seed: int) -> torch.Generator:
    """Randomness."""
    return torch.Generator().manual_seed(seed)


# --------------------------------------------------------------------------------------------------- labels: conditional GAN


@final
@dataclass(frozen=True, slots=True)
class LabelRow:
    """Images of one digit.

    Parameters
    ----------
    digit : int
        The label.
    agreement : float
        Share of generated images of that label which the classifier takes for it.
    real_agreement : float
        The same of held-out real images.
    most_frequent_error : int
        The other digit that it sees most often in generated ones.
    """

    digit: int
    agreement: float
    real_agreement: float
    most_frequent_error: int


def conditional(split: ImageSplit, settings: Settings) -> gan.Trained:
    """A conditional GAN: one-hot labels are behind z, and behind the pixels that the critic sees."""
    return gan.train(
        gan.non_saturating,
        split.training,
        generator=gan.Conditional(generator(NOISE), classes=10),
        critic=CRITIC,
        settings=settings.training(settings.steps, DIGIT_ADAM),
        device="cpu",
    )


def of_digit(trained: gan.Trained, digit: int, n: int, rng: torch.Generator) -> Tensor:
    """Generated images of one digit, by the generator in evaluation mode."""
    trained.generator.eval()
    with torch.no_grad():
        images: Tensor = trained.generator(trained.latent.draw(n, torch.zeros(1), rng), torch.full((n,), digit))
    return images.double()


def label_rows(trained: gan.Trained, split: ImageSplit, classes: ClassCells, settings: Settings) -> list[LabelRow]:
    """What the classifier sees, digit by digit."""
    real = split.test.stock
    of_real = classes.assign(real.points.numpy()).index
    rows = []
    for digit in range(10):
        seen = classes.assign(of_digit(trained, digit, settings.points // 10, numbers(digit)).numpy()).index
        counts = np.bincount(seen, minlength=10)
        agreement = counts[digit] / len(seen)
        counts[digit] = -1
        held_out = of_real[real.labels.numpy() == digit]
        rows.append(LabelRow(digit, float(agreement), float((held_out == digit).mean()), int(counts.argmax())))
    return rows


# ------------------------------------------------------------------------------------------------------- codes: InfoGAN


@final
@dataclass(frozen=True, slots=True)
class CodeRow:
    """A generator with a categorical code, and what its points tell of the code.

    Parameters
    ----------
    case : str
        Data and when.
    points, cells : int
        Generated points of the joint law; cells with any of them.
    entropy : float
        H(c) of the joint law.
    information : float
        I(c; cell), exact for the joint law.
    bound : float
        E log Q(c | cell) + H(c).
    gap : float
        E KL(P(c | cell) || Q(c | cell)).
    residual : float
        The information less bound and gap, which is 0.
    pointwise : float
        The bound with Q(c | x) of points instead of cells: at most I(c; x), which is at least I(c; cell).
    purity : float
        Share of points whose code is the most frequent one of their mode or digit.
    """

    case: str
    points: int
    cells: int
    entropy: float
    information: float
    bound: float
    gap: float
    residual: float
    pointwise: float
    purity: float


@final
@dataclass(frozen=True, eq=False)
class Coded:
    """Generated points with their codes, and the posterior of every code at each."""

    points: Floats
    code: npt.NDArray[np.intp]
    log_posterior: Floats


def coded(trained: gan.Trained, latent: gan.CodedLatent, n: int) -> Coded:
    """Points of the generator in evaluation mode, and what the trained posterior says of them."""
    critic = trained.critic
    if not isinstance(critic, CodedCritic):
        msg = f"expected a critic with a posterior, got {type(critic).__name__}; train with gan.MutualInformation"
        raise TypeError(msg)
    z = latent.draw(n, torch.zeros(1), numbers(20))
    trained.generator.eval()
    critic.eval()
    with torch.no_grad():
        points = trained.generator(z)
        scores = critic.posterior(critic.features(points)).double().log_softmax(1)
    return Coded(points.double().numpy(), latent.codes(z).argmax(1).numpy(), scores.numpy())


def code_row(case: str, data: Coded, cell: npt.NDArray[np.intp], group: npt.NDArray[np.intp]) -> CodeRow:
    """The finite joint law of code and cell against the bound; `group` is what a code should be: mode or digit."""
    k, n = data.log_posterior.shape[1], len(data.code)
    used, cell = np.unique(cell, return_inverse=True)
    counts = np.zeros((len(used), k))
    np.add.at(counts, (cell, data.code), 1.0)
    q = np.zeros_like(counts)
    np.add.at(q, cell, np.exp(data.log_posterior))
    q /= q.sum(1, keepdims=True)
    joint, of_cell, of_code = counts / n, counts.sum(1) / n, counts.sum(0) / n
    entropy = float(-of_code @ np.log(of_code))
    information = float(dv.kl(joint.ravel(), np.outer(of_cell, of_code).ravel()))
    bound = float(np.sum(joint[joint > 0] * np.log(q[joint > 0]))) + entropy
    gap = float(of_cell @ dv.kl(counts / counts.sum(1, keepdims=True), q))
    table = np.zeros((int(group.max()) + 1, k))
    np.add.at(table, (group, data.code), 1.0)
    return CodeRow(
        case=case,
        points=n,
        cells=len(used),
        entropy=entropy,
        information=information,
        bound=bound,
        gap=gap,
        residual=information - bound - gap,
        pointwise=float(data.log_posterior[np.arange(n), data.code].mean()) + entropy,
        purity=float(table.max(1).sum() / n),
    )


def squares(points: Floats, *, side: float = 0.1, reach: float = 4.0) -> npt.NDArray[np.intp]:
    """Number of the square that a point of the plane is in; those at the border are without end."""
    count = round(2 * reach / side)
    i, j = np.floor((points + reach) / side).astype(np.intp).clip(0, count - 1).T
    return np.asarray(i * count + j, dtype=np.intp)


def nearest_mode(points: Floats) -> npt.NDArray[np.intp]:
    """Number of the nearest Gaussian of the ring."""
    return gan.modes_of(ring()).assign(points).index


def ring_infogan(settings: Settings, steps: int) -> gan.Trained:
    """InfoGAN on the ring, whose code of eight values may find the eight Gaussians.

    The generator is the last one, as in `digit_infogan`: the posterior has learned to read that one, and not an average.
    """
    return gan.train(
        gan.non_saturating,
        ring(),
        generator=gan.GeneratorMLP(latent=RING_LATENT),
        critic=gan.FeatureMLP(),
        terms=(gan.MutualInformation(gan.CodeHead(RING_LATENT)),),
        settings=settings.training(steps, RING_ADAM, average=0.0),
        device="cpu",
    )


def digit_infogan(split: ImageSplit, settings: Settings) -> gan.Trained:
    """InfoGAN on digits, a code of ten values."""
    return gan.train(
        gan.non_saturating,
        split.training,
        generator=generator(DIGIT_LATENT),
        critic=CRITIC,
        terms=(gan.MutualInformation(gan.CodeHead(DIGIT_LATENT)),),
        settings=settings.training(settings.steps, DIGIT_ADAM, average=0.0),
        device="cpu",
    )


# ----------------------------------------------------------------------------------------------- energies, features, batches


@final
@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system on digits.

    Parameters
    ----------
    system : str
        What was trained.
    w1, floor, ratio : float
        Exact W1 from held-out digits, that of training digits from them, and the quotient.
    classes : int
        Digits that the classifier sees with confidence.
    js : float
        Jensen-Shannon divergence of the frequencies of digits, in nats.
    high_quality : float
        Share of images whose digit the classifier is sure of.
    seconds : float
        Time of the training.
    """

    system: str
    w1: float
    floor: float
    ratio: float
    classes: int
    js: float
    high_quality: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class System:
    """Something that makes digits, and the seconds of its training."""

    name: str
    sampler: gan.Sampler
    seconds: float


def system_row(system: System, gauge: gan.Yardstick) -> SystemRow:
    """A system, held against real digits."""
    quality = gauge.measure(system.sampler, numbers(30))
    return SystemRow(
        system=system.name,
        w1=quality.w1.value,
        floor=quality.floor,
        ratio=quality.ratio,
        classes=quality.covered,
        js=quality.cells.js,
        high_quality=quality.cells.high_quality,
        seconds=system.seconds,
    )


def autoencoder(split: ImageSplit, steps: int) -> AutoencoderCritic:
    """EBGAN's critic, trained on real digits alone for so many steps."""
    x = split.training.stock.points.float()
    critic = gan.AutoencoderEnergy().build(x, x, numbers(40), unit=1.0)
    if steps:
        gan.pretrain(critic, split.training.sampler, numbers(41), steps=steps)
    return critic


def ebgan(split: ImageSplit, settings: Settings, critic: nn.Module, *terms: gan.Term) -> gan.Trained:
    """EBGAN with a fully connected generator; margin 1 is the energy of answering the mean of the data whatever is shown."""
    return gan.train(
        gan.EnergyBased(margin=1.0),
        split.training,
        generator=generator(NOISE),
        critic=critic,
        terms=terms,
        settings=settings.training(settings.steps, DIGIT_ADAM),
        device="cpu",
    )


def plain(split: ImageSplit, settings: Settings, critic: gan.Architecture, *terms: gan.Term) -> gan.Trained:
    """The non-saturating GAN, with other terms or another critic."""
    return gan.train(
        gan.non_saturating,
        split.training,
        generator=generator(NOISE),
        critic=critic,
        terms=terms,
        settings=settings.training(settings.steps, DIGIT_ADAM),
        device="cpu",
    )


MEAN_IMAGE = "the mean image"


def systems(split: ImageSplit, settings: Settings) -> list[System]:
    """Everything on digits that is not conditional and has no codes, after two references."""
    mean = split.training.stock.points.mean(0)
    start = time.perf_counter()
    known = autoencoder(split, settings.pretraining)
    before = time.perf_counter() - start
    ready, raw = ebgan(split, settings, known), ebgan(split, settings, autoencoder(split, 0))
    apart = ebgan(split, settings, known, gan.PullingAway())
    alone = plain(split, settings, CRITIC)
    matched = plain(split, settings, CRITIC, gan.FeatureMatching())
    seeing = plain(split, settings, gan.MinibatchDiscrimination(CRITIC))
    return [
        System("real training digits", split.training.sampler, 0.0),
        System(MEAN_IMAGE, gan.Sampler(lambda n, _: mean.expand(n, -1), len(mean), MEAN_IMAGE), 0.0),
        System("EBGAN, pre-trained", ready.sampler, before + ready.seconds),
        System("EBGAN, pre-trained, pulling away", apart.sampler, before + apart.seconds),
        System("EBGAN, not pre-trained", raw.sampler, raw.seconds),
        System("non-saturating", alone.sampler, alone.seconds),
        System("non-saturating, feature matching", matched.sampler, matched.seconds),
        System("non-saturating, minibatch discrimination", seeing.sampler, seeing.seconds),
    ]


# ------------------------------------------------------------------------------------------------------------- the pictures


def sheet(axis: Axes, rows: Tensor, across: int, title: str) -> None:
    """Images in rows, white lines between them."""
    images = rows.numpy().reshape(-1, across, *SHAPE[1:]).clip(-1, 1)
    canvas = np.ones((9 * len(images) - 1, 9 * across - 1))
    for i, line in enumerate(images):
        for j, image in enumerate(line):
            canvas[9 * i : 9 * i + 8, 9 * j : 9 * j + 8] = image
    axis.imshow(canvas, cmap="gray", vmin=-1, vmax=1)
    axis.set(title=title, xticks=[], yticks=[])


def draw_digits(label: gan.Trained, code: gan.Trained, split: ImageSplit, path: Path) -> None:
    """Real digits, those of each label, and those of each code."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
    real = split.test.stock
    sheet(axes[0], torch.cat([real.points[real.labels == k][:10] for k in range(10)]), 10, "held-out real digits")
    asked = torch.cat([of_digit(label, k, 10, numbers(50 + k)) for k in range(10)])
    sheet(axes[1], asked, 10, "conditional GAN: one label per row")
    noise = torch.randn(10, DIGIT_LATENT.noise, generator=numbers(60)).repeat(CATEGORIES, 1)
    codes = torch.eye(CATEGORIES).repeat_interleave(10, 0)
    with torch.no_grad():
        coded_images = code.generator.eval()(torch.cat([noise, codes], 1)).double()
    sheet(axes[2], coded_images, 10, "InfoGAN: one code per row")
    ticks = [9 * k + 3.5 for k in range(10)]
    for axis, name in zip(axes, ("digit", "label", "code"), strict=True):
        axis.set_yticks(ticks, [str(k) for k in range(10)])
        axis.set_ylabel(name)
    figure.savefig(path, dpi=130)
    plt.close(figure)


COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Okabe and Ito's colours, which the colour-blind can tell apart; each code also has its number."""


def draw_ring(before: Coded, after: Coded, rows: Sequence[CodeRow], path: Path) -> None:
    """Points of the generator by their code, early and at the end, and the bound beside the information."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
    for axis, data, title in ((axes[0], before, rows[0].case), (axes[1], after, rows[1].case)):
        axis.plot(*ring().modes.T, "o", ms=18, mfc="none", color="0.75")
        for code, colour in enumerate(COLOURS):
            x = data.points[data.code == code][:200]
            axis.plot(*x.T, ".", ms=3, color=colour, rasterized=True)
            axis.annotate(
                str(code), np.median(x, 0), xytext=(9, 9), textcoords="offset points", fontweight="bold", fontsize=9
            )
        axis.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    place = np.arange(len(rows))
    axes[2].bar(place - 0.2, [row.information for row in rows], 0.38, color="0.6", label="I(c; cell), exact")
    axes[2].bar(place + 0.2, [row.bound for row in rows], 0.38, color="#0072B2", label="bound with Q(c | cell)")
    axes[2].plot(place, [row.entropy for row in rows], "_", ms=40, color="#D55E00", label="H(c)")
    axes[2].set_xticks(place, [row.case.replace(", ", "\n") for row in rows])
    axes[2].axhline(0, color="0.3", lw=0.8)
    axes[2].set(ylabel="nats", title="Mutual information of code and point")
    axes[2].set_ylim(top=1.45 * max(row.entropy for row in rows))
    axes[2].legend(frameon=False, loc="upper left", markerscale=0.4)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_systems(found: Sequence[System], rows: Sequence[SystemRow], path: Path) -> None:
    """Sixty-four images of each system."""
    figure, axes = plt.subplots(1, len(found), figsize=(2.9 * len(found), 3.4), layout="constrained")
    for axis, system, row in zip(axes, found, rows, strict=True):
        sheet(axis, system.sampler(64, numbers(70)), 8, f"{system.name}\nW1 {row.ratio:.2f} of real, JS {row.js:.3f}")
        axis.title.set_fontsize(8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


# -------------------------------------------------------------------------------------------------------------- the command


def label_targets(rows: Sequence[LabelRow]) -> list[Target]:
    """Of the conditional GAN."""
    made, real = (float(np.mean(side)) for side in zip(*((r.agreement, r.real_agreement) for r in rows), strict=True))
    return [Target("generated digits are those asked for: 90 %", f"{made:.1%}, real ones {real:.1%}", made >= 0.9)]


def code_targets(rows: Sequence[CodeRow], *, full: bool) -> list[Target]:
    """Of InfoGAN."""
    wrong = max(abs(row.residual) for row in rows)
    above = max(row.bound - row.information for row in rows)
    exact = [
        Target("information = bound + gap, to 1e-12", f"{wrong:.1e}", wrong <= 1e-12),
        Target("no bound is above the information", f"highest by {above:.3g}", above <= 1e-12),
    ]
    trained = next(row for row in rows if row.case == "ring, trained")
    tight = trained.bound / trained.information
    return [
        *exact,
        *([Target("bound at least 95 % of the information, ring", f"{tight:.1%}", tight >= 0.95)] if full else []),
    ]


def system_targets(rows: Sequence[SystemRow]) -> list[Target]:
    """Of the others."""
    of = {row.system: row for row in rows}
    known, mean = of["EBGAN, pre-trained, pulling away"], of[MEAN_IMAGE]
    named = {"pre-trained EBGAN that pulls away": known, "the non-saturating GAN": of["non-saturating"]}
    return [
        Target(
            "pre-trained EBGAN that pulls away is nearer to real digits than the mean image",
            f"W1 {known.w1:.3f} and {mean.w1:.3f}",
            known.w1 < mean.w1,
        ),
        *(Target(f"{name} makes all ten digits", f"{row.classes}", row.classes == 10) for name, row in named.items()),
    ]


def run_labels(split: ImageSplit, classes: ClassCells, settings: Settings, out: Path) -> tuple[gan.Trained, bool]:
    """The conditional GAN."""
    label = conditional(split, settings)
    rows = label_rows(label, split, classes, settings)
    show(
        f"conditional GAN: {settings.points // 10} images of each digit, {label.seconds:.0f} s of training",
        ("digit", "agreement", "of real ones", "most frequent error"),
        [(str(r.digit), f"{r.agreement:.1%}", f"{r.real_agreement:.1%}", str(r.most_frequent_error)) for r in rows],
    )
    asked = [] if settings.quick else label_targets(rows)
    met = announce(asked)
    save(out, "labels", settings, rows, asked)
    return label, met


def run_codes(split: ImageSplit, classes: ClassCells, settings: Settings, out: Path) -> tuple[gan.Trained, bool]:
    """InfoGAN on the ring, early and at the end, and on digits."""
    early, late = (ring_infogan(settings, steps) for steps in (settings.ring_steps // 20, settings.ring_steps))
    before, after = (coded(trained, RING_LATENT, settings.points) for trained in (early, late))
    shown = digit_infogan(split, settings)
    of_digits = coded(shown, DIGIT_LATENT, settings.points)
    seen = classes.assign(of_digits.points).index
    rows = [
        code_row("ring, early", before, squares(before.points), nearest_mode(before.points)),
        code_row("ring, trained", after, squares(after.points), nearest_mode(after.points)),
        code_row("digits, trained", of_digits, seen, seen),
    ]
    show(
        "InfoGAN: what cells tell of the code, in nats",
        ("case", "cells", "H(c)", "I(c; cell)", "bound", "gap", "residual", "bound at points", "purity"),
        [
            (
                r.case,
                str(r.cells),
                *(f"{z:.4f}" for z in (r.entropy, r.information, r.bound, r.gap)),
                f"{r.residual:.0e}",
                f"{r.pointwise:.4f}",
                f"{r.purity:.1%}",
            )
            for r in rows
        ],
    )
    asked = code_targets(rows, full=not settings.quick)
    met = announce(asked)
    save(out, "codes", settings, rows, asked)
    draw_ring(before, after, rows, out / "codes.png")
    return shown, met


def run_systems(split: ImageSplit, classes: ClassCells, settings: Settings, out: Path) -> bool:
    """EBGAN, feature matching and minibatch discrimination."""
    gauge = settings.gauge(split, classes)
    found = systems(split, settings)
    rows = [system_row(system, gauge) for system in found]
    show(
        "systems on digits, held against held-out ones",
        ("system", "W1", "real", "ratio", "digits", "JS", "high quality", "seconds"),
        [
            (
                r.system,
                *(f"{z:.3f}" for z in (r.w1, r.floor)),
                f"{r.ratio:.2f}",
                str(r.classes),
                f"{r.js:.4f}",
                f"{r.high_quality:.1%}",
                f"{r.seconds:.0f}",
            )
            for r in rows
        ],
    )
    asked = [] if settings.quick else system_targets(rows)
    met = announce(asked)
    save(out, "energies", settings, rows, asked)
    draw_systems(found, rows, out / "energies.png")
    return met


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description="Conditional GAN, InfoGAN and EBGAN, measured.")
    parser.add_argument("--quick", action="store_true", help="trainings of a few steps")
    parser.add_argument("--out", default=None, help="folder of the files")
    given = parser.parse_args(arguments)
    settings = Settings(given.quick, given.out or str(RESULTS / "quick" if given.quick else RESULTS))
    torch.set_num_threads(1)  # networks this small lose time to a second thread
    out = Path(settings.out)
    split = digits()
    classes = gan.classes_of(split.training.stock)
    label, labels_met = run_labels(split, classes, settings, out)
    code, codes_met = run_codes(split, classes, settings, out)
    systems_met = run_systems(split, classes, settings, out)
    draw_digits(label, code, split, out / "labels.png")
    return 0 if labels_met and codes_met and systems_met else 1


if __name__ == "__main__":
    sys.exit(main())
