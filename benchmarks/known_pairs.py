"""How near do critics of W1 come that are trained on samples, and what do they prove? Pairs with known distances.

Minima of funnels (Korotin, Kolesov & Burnaev 2022) in 2 to 128 dimensions, the pairs with closed forms, and two
handwritten digits, sampled, whose distance is a linear program. Contestants: the portfolio that `gan.estimate` trains by
default, each of its members alone, and the constraints of the literature. Prints a leaderboard per family; writes it
beside every row as CSV and JSON, and two pictures, under benchmarks/results/.

    python benchmarks/known_pairs.py [--quick] [--families funnels shift ...] [--only portfolio cones ...]
        [--dimensions 2 16 ...] [--seconds 40] [--out benchmarks/results]
"""

import argparse
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

import matplotlib as mpl
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from real_data import digits

import divergences as dv
import gan
from gan.known import KnownProblem, linear_bump, normal_scale, normal_shift, sphere, three_cones

RESULTS = Path(__file__).parent / "results"

FUNNELS = (4, 64, 256)
"""Numbers of funnels."""

COSINES = {4: 0.97, 64: 0.94, 256: 0.87}
ERRORS = {4: 0.012, 64: 0.012, 256: 0.04}
"""Goals for funnels in up to 16 dimensions: the least cosine of gradients, the largest relative error of W1."""

FUNNEL_SECONDS, SECONDS = 60.0, 40.0
"""Most CPU seconds of an estimate: of funnels, and of the other families."""

CLOSED_ERROR = 0.01
"""Goal for the portfolio on the other families: the relative error beyond three standard errors."""

BASELINE = gan.MLP(width=128, depth=2)
"""Network of the constraints of the literature."""

Record = KnownProblem | gan.Problem


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Few steps and samples, one pair of a family: does everything run? The goals are then not asked for.
    out : str
        Folder of the files.
    families, only : tuple of str
        Which families of pairs, and which contestants.
    dimensions : tuple of int
        Those of the families that come in several; none for all that a family has.
    seconds : float or None
        Time on the clock for each estimate, divided among the members of the portfolio, instead of numbers of steps.
    steps_on_funnels, steps : int
        Steps of the critic reported on funnels, and on the other families: what fits the seconds of the goals.
    samples : tuple of int
        Points of either side to train on, to choose by, and to measure on.
    gradients : int
        Fresh points of P at which gradients are compared.
    seed : int
        Of the pairs, and of all training.
    """

    quick: bool
    out: str
    families: tuple[str, ...]
    only: tuple[str, ...]
    dimensions: tuple[int, ...] = ()
    seconds: float | None = None
    steps_on_funnels: int = 4000
    steps: int = 2000
    samples: tuple[int, int, int] = gan.Budget().samples
    gradients: int = 8192
    seed: int = 0

    def budget(self, family: "Family", contestant: "Contestant") -> gan.Budget:
        """Length of one estimate."""
        steps = self.steps_on_funnels if family.funnels else self.steps
        return gan.Budget(
            steps=steps if self.seconds is None else None,
            seconds=self.seconds,
            learning_rate=contestant.rate,
            samples=self.samples,
        )


@final
@dataclass(frozen=True)
class Contestant:
    """One way to estimate.

    Parameters
    ----------
    name : str
        Of the table.
    rules : tuple of LipschitzConstraint
        What keeps the critic Lipschitz; of several the best critic is reported.
    critic : gan.Architecture or None
        The network; none for that of the constraint.
    rate : float or None
        First step size of Adam; none for that of the constraint.
    """

    name: str
    rules: tuple[gan.LipschitzConstraint, ...]
    critic: gan.Architecture | None = None
    rate: float | None = None


PORTFOLIO = "portfolio"

CONTESTANTS = {
    one.name: one
    for one in (
        Contestant(PORTFOLIO, gan.PORTFOLIO),
        Contestant("cones", gan.PORTFOLIO[:1]),
        Contestant("funnels", gan.PORTFOLIO[1:2]),
        Contestant("orthogonal", gan.PORTFOLIO[2:]),
        Contestant("AOL", (gan.AlmostOrthogonal(),)),
        Contestant("GP", (gan.GradientPenalty(),), BASELINE, 2e-3),
        Contestant("LP", (gan.GradientPenalty(one_sided=True),), BASELINE, 2e-3),
        Contestant("spectral norm", (gan.SpectralNorm(),), BASELINE),
        Contestant("clipping", (gan.WeightClipping(limit=0.04),), BASELINE),
    )
}
"""The portfolio and its members with the settings of the library; the networks, the step size 2e-3 of the penalties and
the limit of clipping are near those of the paper on funnels, with longer first steps, as schedules fall to 0."""


@final
@dataclass(frozen=True)
class Family:
    """Pairs of one kind.

    Parameters
    ----------
    name : str
        Of the table.
    make : callable
        The pair of a dimension.
    dimensions : tuple of int
        Those that are run; of a family that has one dimension only that one.
    quick : int
        The one of a quick run.
    funnels : int
        Their number, 0 for another family.
    """

    name: str
    make: Callable[[int], Record]
    dimensions: tuple[int, ...]
    quick: int
    funnels: int = 0

    def chosen(self, settings: Settings) -> tuple[int, ...]:
        """The dimensions of this run."""
        if settings.quick:
            return (self.quick,)
        return tuple(d for d in self.dimensions if d in settings.dimensions or not settings.dimensions)


def _funnels(count: int, dimension: int) -> KnownProblem:
    return gan.min_funnels(dimension, count)


FAMILIES = {
    family.name: family
    for family in (
        *(Family(f"funnels {n}", partial(_funnels, n), (2, 4, 8, 16, 32, 64, 128), 2, n) for n in FUNNELS),
        Family("shift", normal_shift, (2, 16), 2),
        Family("bump", linear_bump, (2, 8), 2),
        Family("scale", normal_scale, (2, 8), 2),
        Family("three cones", lambda _: three_cones(), (2,), 2),
        Family("sphere", sphere, (128,), 128),
        Family("digits", lambda _: digits(), (64,), 64),
    )
}


@final
@dataclass(frozen=True)
class Row:
    """What one contestant says of one pair.

    Parameters
    ----------
    family, pair, contestant : str
        Their names.
    dimension, funnels : int
        Of the pair; 0 funnels in the other families.
    exact, exact_error : float
        W1, and the standard error of it where it is a mean over points.
    estimate, standard_error : float
        The critic's mean difference on points that training has not seen, and its standard error.
    kind : str
        Of what kind it is: expected below W1, or an estimate on either side.
    relative_error : float
        estimate / exact - 1.
    lower, upper : float
        Confidence bounds of W1.
    lipschitz_bound : float
        The constant that is proven of the critic.
    cosine, squared : float
        Of the critic's gradients and those of the optimal critic, on points of P: mean cosine, mean squared difference;
        NaN where the optimal critic is not known.
    steepest : float
        The longest gradient seen at these points.
    critic : str
        The network reported, of the portfolio that of its best member.
    cpu_seconds : float
        Of the estimate, drawing of samples, bounds and all.
    peak_mebibytes : float
        Peak memory of the process so far, its libraries and earlier rows included.
    """

    family: str
    pair: str
    contestant: str
    dimension: int
    funnels: int
    exact: float
    exact_error: float
    estimate: float
    standard_error: float
    kind: str
    relative_error: float
    lower: float
    upper: float
    lipschitz_bound: float
    cosine: float
    squared: float
    steepest: float
    critic: str
    cpu_seconds: float
    peak_mebibytes: float


def measured(family: Family, pair: Record, contestant: Contestant, settings: Settings) -> Row:
    """Train one contestant on one pair."""
    start = time.process_time()
    P, Q = (x if isinstance(x, gan.Sampler) else gan.Sampler.of(x) for x in (pair.P, pair.Q))
    e = gan.estimate(
        P,
        Q,
        critic=contestant.critic,
        constraint=contestant.rules,
        budget=settings.budget(family, contestant),
        rng=settings.seed,
        device="cpu",
    )
    seconds = time.process_time() - start
    exact, exact_error = known(pair)
    cosine, squared, steepest = gradients(e.critic, pair, P, settings)
    inner = getattr(e.critic, "network", e.critic)
    return Row(
        family=family.name,
        pair=pair.name,
        contestant=contestant.name,
        dimension=P.dimension,
        funnels=family.funnels,
        exact=exact,
        exact_error=exact_error,
        estimate=e.raw,
        standard_error=e.standard_error * (max(1.0, e.lipschitz_bound) if e.lipschitz_bound < math.inf else 1.0),
        kind=e.raw_kind.value,
        relative_error=e.raw / exact - 1,
        lower=e.lower,
        upper=e.upper,
        lipschitz_bound=e.lipschitz_bound,
        cosine=cosine,
        squared=squared,
        steepest=steepest,
        critic=type(inner).__name__,
        cpu_seconds=seconds,
        peak_mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def known(pair: Record) -> tuple[float, float]:
    """W1, and its standard error."""
    if isinstance(pair, KnownProblem):
        return pair.distance, pair.distance_error
    bounds = dv.wasserstein(pair.P.points, pair.Q.points, pair.P.weights, pair.Q.weights).bounds
    return bounds.value, 0.0


def gradients(critic: torch.nn.Module, pair: Record, P: gan.Sampler, settings: Settings) -> tuple[float, float, float]:
    """Cosine, squared difference, and the longest gradient."""
    fresh = torch.Generator().manual_seed(settings.seed + 1)
    if isinstance(pair, KnownProblem):
        errors = gan.critic_errors(critic, pair, fresh, size=settings.gradients)
        return errors.cosine, errors.squared, errors.largest
    points = P(settings.gradients, fresh).to(torch.float32).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(points).sum(), points)
    return math.nan, math.nan, float(slopes.norm(dim=1).max())


# ------------------------------------------------------------------------------------------------------- the leaderboard

HEADER = (
    "contestant",
    "estimate ± s.e.",
    "kind",
    "error, %",
    "95 % bounds",
    "proven K",
    "cosine",
    "L2",
    "longest",
    "CPU s",
    "MiB",
)


def leaderboards(rows: Sequence[Row]) -> str:
    """A table for each pair, the contestants in the order of their errors."""
    return "\n".join(
        f"\n{family}: {pair}, W1 = {exact:.5g}" + (f" ± {error:.1g}" if error else "") + "\n" + _table(rows, pair)
        for family, pair, exact, error in dict.fromkeys((r.family, r.pair, r.exact, r.exact_error) for r in rows)
    )


def _table(rows: Sequence[Row], pair: str) -> str:
    """The rows of one pair."""
    ranked = sorted((row for row in rows if row.pair == pair), key=lambda row: abs(row.relative_error))
    cells = [HEADER, *map(_cells, ranked)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _cells(row: Row) -> tuple[str, ...]:
    known_slope = math.isfinite(row.cosine)
    return (
        row.contestant + (f" ({row.critic})" if row.contestant == PORTFOLIO else ""),
        f"{row.estimate:.5f} ± {row.standard_error:.5f}",
        row.kind,
        f"{100 * row.relative_error:+.2f}",
        f"[{row.lower:.5f}, {row.upper:.5f}]",
        f"{row.lipschitz_bound:.7g}",
        f"{row.cosine:.4f}" if known_slope else "-",
        f"{row.squared:.4f}" if known_slope else "-",
        f"{row.steepest:.5f}",
        f"{row.cpu_seconds:.1f}",
        f"{row.peak_mebibytes:.0f}",
    )


# ------------------------------------------------------------------------------------------------------------- the goals


def judged(rows: Sequence[Row], settings: Settings) -> list[Target]:
    """What must hold of every row, and in a full run of the portfolio and of cones."""
    inside = [row for row in rows if row.lower <= row.exact * (1 + 1e-9) <= row.upper * (1 + 2e-9)]
    admissible = [row for row in rows if row.kind == gan.Kind.EXPECTED.value]
    targets = [
        Target("no gradient of an admissible critic is longer than 1", _steepest(admissible), _at_most_one(admissible)),
        # each side fails in one of twenty, and rows of one pair measure on the same points
        Target("W1 is within the bounds of level 95 % in nine rows of ten", f"{len(inside)} of {len(rows)}",
               len(inside) >= 0.9 * len(rows)),
    ]  # fmt: skip
    if settings.quick:
        return targets
    targets += _of_funnels([row for row in rows if row.funnels and row.dimension <= 16])
    others = [row for row in rows if row.contestant == PORTFOLIO and not row.funnels]
    if others:
        beyond = {r.pair: abs(r.relative_error) - 3 * r.standard_error / r.exact for r in others}
        targets += [
            _least("portfolio, other families: |error| - 3 standard errors at most 1 %", beyond, CLOSED_ERROR),
            _least(f"portfolio, other families: at most {SECONDS:g} CPU seconds",
                   {r.pair: r.cpu_seconds for r in others}, SECONDS),
        ]  # fmt: skip
    return targets


def _of_funnels(rows: Sequence[Row]) -> Iterator[Target]:
    """The goals on funnels in up to 16 dimensions, of cones and of the portfolio."""
    for name in ("cones", PORTFOLIO):
        for count in FUNNELS:
            asked = [row for row in rows if row.contestant == name and row.funnels == count]
            if asked:
                where = f"{name}, {count} funnels"
                low = {r.pair: -r.cosine for r in asked}
                errors = {r.pair: abs(r.relative_error) for r in asked}
                seconds = {r.pair: r.cpu_seconds for r in asked}
                yield _least(f"{where}: cosine at least {COSINES[count]}", low, -COSINES[count], sign=-1)
                yield _least(f"{where}: |error| at most {ERRORS[count]:.1%}", errors, ERRORS[count])
                yield _least(f"{where}: at most {FUNNEL_SECONDS:g} CPU seconds", seconds, FUNNEL_SECONDS)


def _least(claim: str, figures: dict[str, float], limit: float, *, sign: int = 1) -> Target:
    """That no figure is above the limit; the worst is named."""
    worst = max(figures, key=lambda name: figures[name])
    missed = sum(not x <= limit for x in figures.values())
    figure = f"worst {sign * figures[worst]:.4g} on {worst}" + (
        f"; {missed} of {len(figures)} pairs miss" if missed else ""
    )
    return Target(claim, figure, not missed)


def _steepest(rows: Sequence[Row]) -> str:
    return f"longest {max((row.steepest for row in rows), default=math.nan):.7f} in {len(rows)} rows"


def _at_most_one(rows: Sequence[Row]) -> bool:
    return all(row.steepest <= 1 + 1e-5 for row in rows)  # of float32


# ---------------------------------------------------------------------------------------------------------- the pictures

STYLES = {
    PORTFOLIO: ("#000000", "o"),
    "cones": ("#0072B2", "^"),
    "funnels": ("#56B4E9", "v"),
    "orthogonal": ("#009E73", "s"),
    "AOL": ("#999999", "D"),
    "GP": ("#D55E00", "P"),
    "LP": ("#E69F00", "X"),
    "spectral norm": ("#CC79A7", "<"),
    "clipping": ("#F0E442", ">"),
}
"""Okabe and Ito's colours, which the colour-blind can tell apart; the markers differ too."""

plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})


def draw_funnels(rows: Sequence[Row], path: Path) -> None:
    """Error of W1 and cosine of the gradients over the dimension, a column for each number of funnels."""
    counts = sorted({row.funnels for row in rows if row.funnels})
    figure, axes = plt.subplots(
        2, len(counts), figsize=(1.5 + 3.3 * len(counts), 6.6), sharex=True, sharey="row", squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for (top, bottom), count in zip(axes.T, counts, strict=True):
        for name, (colour, marker) in STYLES.items():
            mine = sorted((r for r in rows if r.funnels == count and r.contestant == name), key=lambda r: r.dimension)
            d = [row.dimension for row in mine]
            style = {"color": colour, "marker": marker, "ms": 6, "lw": 1.4, "mec": "black", "mew": 0.4}
            top.plot(d, [100 * row.relative_error for row in mine], **style)
            bottom.plot(d, [row.cosine for row in mine], **style)
        top.axhspan(-100 * ERRORS[count], 100 * ERRORS[count], color="#009E73", alpha=0.2, lw=0)
        bottom.axhline(COSINES[count], color="black", ls=":", lw=1)
        bottom.text(0.02, COSINES[count] + 0.01, f"goal {COSINES[count]}", transform=bottom.get_yaxis_transform())
        top.axhline(0, color="black", lw=0.8)
        top.set_title(f"{count} funnels")
        top.set_yscale("symlog", linthresh=1.0)
        _error_axis(top.yaxis)
        bottom.set(xlabel="dimension d", xscale="log", ylim=(min(0.0, bottom.get_ylim()[0]), 1.04))
        ticks = sorted({row.dimension for row in rows if row.funnels})
        bottom.set_xticks(ticks, [str(t) for t in ticks])
        bottom.minorticks_off()
    axes[0, 0].set_ylabel("error of $W_1$, % (shaded: goal)")
    axes[1, 0].set_ylabel("mean cosine with the optimal gradient")
    _legend(figure, rows)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def draw_closed(rows: Sequence[Row], path: Path) -> None:
    """Errors of all contestants and the proven brackets of the portfolio, a line for each pair of the other families."""
    pairs = list(dict.fromkeys(row.pair for row in rows if not row.funnels))[::-1]
    places = {pair: k for k, pair in enumerate(pairs)}
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 1.8 + 0.42 * len(pairs)), sharey=True, width_ratios=(3, 2), layout="constrained"
    )
    for name, (colour, marker) in STYLES.items():
        mine = [row for row in rows if row.contestant == name and not row.funnels]
        left.scatter(
            [100 * row.relative_error for row in mine], [places[row.pair] for row in mine], s=46, color=colour,
            marker=marker, edgecolors="black", linewidths=0.5, zorder=3, alpha=0.9,
        )  # fmt: skip
    left.axvspan(-100 * CLOSED_ERROR, 100 * CLOSED_ERROR, color="#009E73", alpha=0.2, lw=0)
    left.axvline(0, color="black", lw=0.8)
    left.set_xscale("symlog", linthresh=1.0)
    _error_axis(left.xaxis)
    left.set(xlabel="error of $W_1$, %\n(shaded: goal of the portfolio)", yticks=range(len(pairs)), yticklabels=pairs)
    left.grid(axis="y", lw=0.4)
    for row in rows:
        if row.contestant == PORTFOLIO and not row.funnels:
            k, ends = places[row.pair], [row.lower / row.exact, row.upper / row.exact]
            right.plot(ends, [k, k], color="#0072B2", lw=5, solid_capstyle="butt")
            right.plot(row.estimate / row.exact, k, "o", color="black", ms=6)
    right.axvline(1, color="black", lw=0.8)
    right.set(xlabel="portfolio: 95 % bounds and estimate (dot),\ndivided by exact $W_1$", xscale="log")
    right.grid(axis="y", lw=0.4)
    _plain_ratios(right)
    _legend(figure, rows)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _error_axis(axis: Axis) -> None:
    """Ticks of a scale that is linear within 1 %, and logarithmic beyond."""
    axis.set_major_locator(FixedLocator([-100, -10, -1, 0, 1, 10, 100, 1000]))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+g}" if x else "0"))
    axis.set_minor_locator(NullLocator())


def _plain_ratios(axis: Axes) -> None:
    """Ratios as numbers."""
    low, high = axis.get_xlim()
    ticks = [
        x
        for x in (0.1, 0.2, 0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
        if low <= x <= high
    ]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_locator(NullLocator())


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    """The contestants that are there."""
    there = {row.contestant for row in rows}
    handles = [
        Line2D([], [], color=colour, marker=marker, mec="black", mew=0.4, label=name)
        for name, (colour, marker) in STYLES.items()
        if name in there
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5), frameon=False)


# ----------------------------------------------------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a target is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # CPU seconds of one thread
    out = Path(settings.out)
    rows: list[Row] = []
    for family in (FAMILIES[name] for name in settings.families):
        for pair in map(family.make, family.chosen(settings)):
            rows += [_announced(measured(family, pair, CONTESTANTS[name], settings)) for name in settings.only]
            print(leaderboards([row for row in rows if row.pair == pair.name]), "\n", flush=True)
    if not rows:
        print("expected a family with one of these dimensions, got none")
        return 2
    targets = judged(rows, settings)
    met = announce(targets)
    save(out, "known_pairs", settings, rows, targets)
    (out / "known_pairs.txt").write_text(leaderboards(rows).lstrip() + "\n")
    if any(row.funnels for row in rows):
        draw_funnels(rows, out / "known_pairs_funnels.png")
    if any(not row.funnels for row in rows):
        draw_closed(rows, out / "known_pairs_closed.png")
    return 0 if met else 1


def _announced(row: Row) -> Row:
    """The row, told at once."""
    print(f"  {row.pair}: {row.contestant} {100 * row.relative_error:+.2f} % in {row.cpu_seconds:.1f} s", flush=True)
    return row


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="few steps, one pair of a family")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, metavar="NAME", help=", ".join(FAMILIES))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, metavar="NAME", help=", ".join(CONTESTANTS))
    parser.add_argument("--dimensions", nargs="+", type=int, default=[], help="those of families that have several")
    parser.add_argument("--seconds", type=positive, help="time of each estimate, instead of a number of steps")
    parser.add_argument("--seed", type=int, default=0, help="of all training (default 0)")
    parser.add_argument("--out", help="where the files go")
    given = parser.parse_args(arguments)
    families, only = tuple(given.families or FAMILIES), tuple(given.only or CONTESTANTS)
    out = str(given.out or (RESULTS / "quick" if given.quick else RESULTS))
    settings = Settings(given.quick, out, families, only, tuple(given.dimensions), given.seconds, seed=given.seed)
    few = replace(settings, samples=(4000, 1000, 2000), gradients=512, steps_on_funnels=40, steps=40)
    return few if given.quick else settings


def positive(text: str) -> float:
    """A time."""
    seconds = float(text)
    if not 0 < seconds < math.inf:
        msg = f"expected a positive number of seconds, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
