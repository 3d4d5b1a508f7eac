"""Which critic proves the most on finite pairs, and how near to f-divergences are critics and classical estimators.

Three leaderboards: every Lipschitz constraint on random pairs of finite measures, held against the exact W1; one log-ratio
critic for all f-divergences of finite pairs; and critics beside nearest neighbours, histograms and kernel densities on
samples of continuous pairs with known divergences. CPU seconds of one thread. Prints tables; writes each as CSV, JSON and a
picture under benchmarks/results/.

    python benchmarks/discrete_pairs.py [--quick] [--part w1|ratios|samples] [--large] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import matplotlib as mpl
import numpy as np
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt

import divergences as dv
import gan
from divergences.estimators import histogram_divergence, kernel_divergence, nearest_neighbor_kl
from gan.known_ratios import KnownDivergence, exponentials, normals, two_humps
from gan.problems import battery, partial_overlap, shared_support, smooth_weights

RESULTS = Path(__file__).parent / "results"
PARTS = ("w1", "ratios", "samples")

GOAL_WORST, GOAL_MEDIAN, GOAL_SECONDS, GOAL_BRACKET = 1e-2, 1e-4, 4.0, 2.5e-2
"""W1 in up to two dimensions and 256 atoms, the default critic: errors of its proven bound, CPU seconds, own bracket."""
GOAL_LARGE, GOAL_LARGE_SECONDS = 2e-2, 60.0
"""The same at 4096 atoms."""
GOAL_RATIO = ((1e-3, 2.0), (1e-4, 5.0))
"""Errors of all smooth divergences from one log-ratio, and the CPU seconds within which it has them."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Few small pairs and short trainings, the goals then only reported.
    out : str
        Folder of the files.
    parts : tuple of str
        Which leaderboards.
    sizes, dimensions : tuple of int
        Atoms and dimensions of the pairs that the default critic is trained on.
    rival_sizes : tuple of int
        Atoms of those that every critic is trained on.
    ratio_sizes : tuple of int
        Atoms of the pairs of f-divergences.
    samples : int
        Points of either side that estimators from samples get.
    repetitions : int
        Draws of samples.
    steps : int or None
        Steps of Adam; None for the defaults, and `rival_steps` for the other critics.
    rival_steps : int
        Steps of the critics that are not the default.
    polish, patient : int
        Iterations of L-BFGS for log-ratios, the default and a long one.
    seed : int
        Of pairs, weights and samples.
    """

    quick: bool
    out: str
    parts: tuple[str, ...] = PARTS
    sizes: tuple[int, ...] = (8, 32, 64, 256)
    dimensions: tuple[int, ...] = (1, 2, 16)
    rival_sizes: tuple[int, ...] = (64,)
    ratio_sizes: tuple[int, ...] = (8, 32, 64, 128, 256)
    samples: int = 2000
    repetitions: int = 3
    steps: int | None = None
    rival_steps: int = 600
    polish: int = 200
    patient: int = 600
    seed: int = 0


# ------------------------------------------------------------------------------------------------------ W1, every critic

CRITICS: dict[str, gan.LipschitzConstraint] = {
    "c-transform": gan.CTransform(),
    "cones": gan.ByConstruction(gan.Cones()),
    "funnels": gan.ByConstruction(gan.Funnels()),
    "Cayley + MaxMin": gan.Orthogonal(),
    "Björck + MaxMin": gan.Orthogonal(by=gan.Bjorck()),
    "AOL + MaxMin": gan.AlmostOrthogonal(),
    "spectral norm": gan.SpectralNorm(),
    "clipping 0.1": gan.WeightClipping(limit=0.1),
    "gradient penalty": gan.GradientPenalty(),
    "one-sided penalty": gan.GradientPenalty(one_sided=True),
}
DEFAULT = "c-transform"


@final
@dataclass(frozen=True)
class W1Row:
    """One critic on one pair.

    Parameters
    ----------
    problem : str
        The pair.
    atoms, dimension : int
        Its size.
    critic : str
        The constraint.
    exact : float
        W1.
    lower, error : float
        The proven bound, and 1 - lower / exact.
    raw, raw_excess : float
        What the critic says, and raw / exact - 1.
    raw_kind : str
        Of what kind it is.
    slope, proven_slope : float
        Largest slope between atoms, measured, and the constant that is proven.
    upper, bracket : float
        Upper bound by a plan from the same critic, without the exact program; 1 - lower / upper.
    seconds : float
        CPU seconds, both bounds included.
    """

    problem: str
    atoms: int
    dimension: int
    critic: str
    exact: float
    lower: float
    error: float
    raw: float
    raw_excess: float
    raw_kind: str
    slope: float
    proven_slope: float
    upper: float
    bracket: float
    seconds: float


def w1_rows(settings: Settings) -> Iterator[W1Row]:
    """The default critic on all pairs, every critic on some."""
    gan.estimate(gan.worked_table(), budget=gan.Budget(steps=2), upper=gan.LeastOf(), device="cpu")  # imports
    for problem in battery(sizes=settings.sizes, dimensions=settings.dimensions, rng=settings.seed):
        rivals = problem.P.size in settings.rival_sizes
        exact = gan.wasserstein.exact(problem.P, problem.Q)
        for name in CRITICS if rivals else (DEFAULT,):
            steps = settings.steps if name == DEFAULT else settings.steps or settings.rival_steps
            start = time.process_time()
            e = gan.estimate(
                problem,
                constraint=CRITICS[name],
                budget=gan.Budget(steps=steps),
                upper=gan.LeastOf(),
                rng=settings.seed,
                device="cpu",
            )
            seconds = time.process_time() - start
            if not (e.lower <= exact.upper and exact.lower <= e.upper):
                msg = f"expected bounds around {exact}, got {e.bounds} by {name} on {problem.name}"
                raise ArithmeticError(msg)
            row = W1Row(
                problem.name, problem.P.size, problem.P.dimension, name, exact.value, e.lower, 1 - e.lower / exact.value,
                e.raw, e.raw / exact.value - 1, e.raw_kind.value, e.lipschitz, e.lipschitz_bound, e.upper,
                1 - e.lower / e.upper, seconds,
            )  # fmt: skip
            print(f"  {row.problem:40} {name:18} error {row.error:.1e}  {seconds:.1f} s", flush=True)
            yield row


def w1_table(rows: Sequence[W1Row]) -> None:
    """Per critic and dimension, then the default by size."""
    rivals = {row.problem for row in rows if row.critic != DEFAULT}
    table = []
    for name in CRITICS:
        for d in sorted({row.dimension for row in rows}):
            some = [row for row in rows if row.critic == name and row.dimension == d and row.problem in rivals]
            if some:
                table.append([name, f"{d}", *_figures(some)])
    head = [
        "pairs",
        "median",
        "worst",
        "bracket",
        "raw - exact, from",
        "to",
        "above",
        "raw is",
        "slope",
        "proven",
        "CPU s",
    ]
    if table:
        show("W1: all critics on the same pairs, errors of proven bounds", ["critic", "d", *head], table)
    table = [
        [f"{n}", f"{d}", *_figures(some)]
        for n in sorted({row.atoms for row in rows})
        for d in sorted({row.dimension for row in rows})
        if (some := [r for r in rows if r.critic == DEFAULT and (r.atoms, r.dimension) == (n, d)])
    ]
    show(f"W1: the default critic ({DEFAULT}) by size", ["atoms", "d", *head], table)


def _figures(rows: Sequence[W1Row]) -> list[str]:
    errors, excess = [row.error for row in rows], [row.raw_excess for row in rows]
    slopes = [row.slope for row in rows]
    return [
        f"{len(rows)}",
        f"{np.median(errors):.1e}",
        f"{max(errors):.1e}",
        f"{max(row.bracket for row in rows):.1e}",
        f"{min(excess):+.1%}",
        f"{max(excess):+.1%}",
        f"{sum(x > 1e-12 for x in excess)}",
        "/".join(sorted({row.raw_kind for row in rows})),
        f"{max(slopes):.2f}",
        f"{max(row.proven_slope for row in rows):.3g}",
        f"{max(row.seconds for row in rows):.1f}",
    ]


def w1_targets(rows: Sequence[W1Row]) -> list[Target]:
    """What the default critic must reach."""
    small = [r for r in rows if r.critic == DEFAULT and r.dimension <= 2 and r.atoms <= 256]
    worst, median = max(r.error for r in small), float(np.median([r.error for r in small]))
    seconds, bracket = max(r.seconds for r in small), max(r.bracket for r in small)
    targets = [
        Target(f"W1, d <= 2, n <= 256: every bound within {GOAL_WORST:.0%}", f"{worst:.1e}", worst <= GOAL_WORST),
        Target(f"their median error <= {GOAL_MEDIAN:.0e}", f"{median:.1e}", median <= GOAL_MEDIAN),
        Target(f"each in <= {GOAL_SECONDS:.0f} CPU s", f"{seconds:.1f} s at most", seconds <= GOAL_SECONDS),
        Target(f"own bracket <= {GOAL_BRACKET:.1%}", f"{bracket:.1e}", bracket <= GOAL_BRACKET),
    ]
    if large := [r for r in rows if r.critic == DEFAULT and r.atoms == 4096]:
        worst, seconds = max(r.error for r in large), max(r.seconds for r in large)
        what = f"W1, 4096 atoms: within {GOAL_LARGE:.0%} in <= {GOAL_LARGE_SECONDS:.0f} CPU s"
        met = worst <= GOAL_LARGE and seconds <= GOAL_LARGE_SECONDS
        targets.append(Target(what, f"{worst:.1e}, {seconds:.0f} s at most", met))
    return targets


def draw_w1(rows: Sequence[W1Row], path: Path) -> None:
    """Errors of all critics, and of the default over the number of atoms."""
    _style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    rivals = {row.problem for row in rows if row.critic != DEFAULT}
    dimensions = sorted({row.dimension for row in rows})
    for d, colour, marker in zip(dimensions, COLOURS, MARKERS, strict=False):
        for k, name in enumerate(CRITICS):
            some = [r.error for r in rows if r.critic == name and r.dimension == d and r.problem in rivals]
            place = k + 0.22 * (dimensions.index(d) - (len(dimensions) - 1) / 2)
            left.plot(np.maximum(some, 1e-16), [place] * len(some), marker, color=colour, ms=4, alpha=0.8)
        default = [r for r in rows if r.critic == DEFAULT and r.dimension == d]
        spread = 1.06 ** (dimensions.index(d) - 1)
        right.plot(
            [r.atoms * spread for r in default],
            [max(r.error, 1e-16) for r in default],
            marker,
            color=colour,
            ms=5,
            label=f"d = {d}",
        )
    left.set_yticks(range(len(CRITICS)), list(CRITICS))
    left.invert_yaxis()
    left.set(xscale="log", xlabel="1 - proven lower bound / exact $W_1$", title="All critics, a point per pair")
    right.axhline(GOAL_WORST, color="black", ls="--", lw=1)
    right.set(
        xscale="log",
        yscale="log",
        xlabel="atoms of each measure",
        ylabel="1 - proven lower bound / exact $W_1$",
        title=f"The default ({DEFAULT}), a point per pair",
    )
    right.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


# --------------------------------------------------------------------------------- f-divergences of finite pairs, one critic


@final
@dataclass(frozen=True)
class RatioRow:
    """One divergence read off the log-ratio of one pair.

    Parameters
    ----------
    problem : str
        The pair.
    atoms, dimension : int
        Its size.
    polish : int
        Iterations of L-BFGS.
    divergence : str
        Which.
    smooth : bool
        Whether f has no kink.
    exact, lower : float
        The divergence and the proven bound.
    error : float
        1 - lower / exact; 0 where both are infinite, or both 0, and infinite where only one is.
    seconds : float
        CPU seconds of the one training.
    """

    problem: str
    atoms: int
    dimension: int
    polish: int
    divergence: str
    smooth: bool
    exact: float
    lower: float
    error: float
    seconds: float


def ratio_rows(settings: Settings) -> Iterator[RatioRow]:
    """Every declared divergence on pairs with rough, smooth and partly common weights."""
    gan.log_ratio(gan.worked_table(), budget=gan.Budget(steps=2), device="cpu")  # imports
    for n in settings.ratio_sizes:
        for d in (1, 2):
            for k, family in enumerate((shared_support, smooth_weights, partial_overlap)):
                problem = family(n, d, rng=np.random.default_rng([settings.seed, k, n, d]))
                for polish in (settings.polish, settings.patient):
                    start = time.process_time()
                    budget = gan.Budget(steps=settings.steps, polish=polish)
                    ratio = gan.log_ratio(problem, budget=budget, rng=settings.seed, device="cpu")
                    seconds = time.process_time() - start
                    rows = [_read(problem, ratio, f, polish, seconds) for f in dv.FDIVERGENCES]
                    worst = max(row.error for row in rows if row.smooth)
                    print(f"  {problem.name:36} smooth divergences within {worst:.1e}  {seconds:.1f} s", flush=True)
                    yield from rows


def _read(
    problem: gan.Problem, ratio: gan.FiniteRatio | gan.SampledRatio, f: dv.FDivergence, polish: int, seconds: float
) -> RatioRow:
    exact, lower = gan.variational(f).exact(problem.P, problem.Q), ratio.estimate(f).lower
    if not lower <= exact.upper:
        msg = f"expected {lower!r} not to be above {exact.upper!r} for {f.name} on {problem.name}"
        raise ArithmeticError(msg)
    value = exact.value
    error = 0.0 if lower == value else math.inf if math.isinf(value) or value == 0 else 1 - lower / value
    size, d = problem.P.size, problem.P.dimension
    return RatioRow(problem.name, size, d, polish, f.name, not f.kinks, value, lower, error, seconds)


def ratio_table(rows: Sequence[RatioRow]) -> None:
    """A line per pair."""
    table = []
    for name, polish in dict.fromkeys((row.problem, row.polish) for row in rows):
        some = [row for row in rows if (row.problem, row.polish) == (name, polish)]
        smooth = [row for row in some if row.smooth and math.isfinite(row.exact)]
        worst, tv = max(smooth, key=lambda row: row.error), next(row for row in some if row.divergence == "tv")
        infinite = [row for row in some if math.isinf(row.exact)]
        table.append(
            [name, f"{polish}", f"{np.median([row.error for row in smooth]):.1e}", f"{worst.error:.1e}", worst.divergence,
             f"{tv.error:.1e}", f"{sum(row.lower == math.inf for row in infinite)} of {len(infinite)}",
             f"{some[0].seconds:.1f}"]
        )  # fmt: skip
    title = "f-divergences of finite pairs from one log-ratio critic: errors of proven bounds"
    show(title, ["pair", "polish", "median", "worst smooth", "which", "TV", "infinite, found", "CPU s"], table)


def ratio_targets(rows: Sequence[RatioRow]) -> list[Target]:
    """What one critic must reach on all pairs."""
    smooth = [row for row in rows if row.smooth and math.isfinite(row.exact)]
    targets = []
    for (goal, seconds), polish in zip(GOAL_RATIO, sorted({row.polish for row in rows}), strict=True):
        asked = [row for row in smooth if row.polish == polish]
        worst, pairs = max(asked, key=lambda row: row.error), {row.problem for row in asked}
        met = {p for p in pairs if all(r.error <= goal and r.seconds <= seconds for r in asked if r.problem == p)}
        what = f"all smooth divergences within {goal:.0e} in <= {seconds:.0f} CPU s"
        figure = f"on {len(met)} of {len(pairs)} pairs; worst {worst.error:.1e} ({worst.divergence}, {worst.problem}), "
        figure += f"{max(row.seconds for row in asked):.1f} s at most"
        targets.append(Target(what, figure, met == pairs))
    tv = max(row.error for row in rows if row.divergence == "tv")
    infinite = [row for row in rows if math.isinf(row.exact)]
    found = sum(row.lower == math.inf for row in infinite)
    targets.append(Target("TV within 1e-3", f"{tv:.1e}", tv <= 1e-3))
    targets.append(Target("infinite ones are inf", f"{found} of {len(infinite)}", found == len(infinite)))
    return targets


def draw_ratios(rows: Sequence[RatioRow], path: Path) -> None:
    """Errors by divergence."""
    _style()
    figure, axis = plt.subplots(figsize=(9, 8), layout="constrained")
    names = list(dict.fromkeys(row.divergence for row in rows))
    longest = max(row.polish for row in rows)
    families = ("shared support", "smooth weights", "partial overlap")
    for j, (family, colour, marker) in enumerate(zip(families, COLOURS, MARKERS, strict=False)):
        some = [
            r
            for r in rows
            if r.polish == longest
            and r.problem.startswith(family)
            and math.isfinite(r.error)
            and math.isfinite(r.exact)
        ]
        places = [names.index(r.divergence) + 0.22 * (j - 1) for r in some]
        errors = [max(r.error, 1e-16) for r in some]
        axis.plot(errors, places, marker, color=colour, ms=4, alpha=0.8, label=family)
    axis.axvline(GOAL_RATIO[1][0], color="black", ls="--", lw=1)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="1 - proven bound / exact (at least $10^{-16}$; infinite ones left out)")
    axis.set_title("All divergences from one log-ratio critic, a point per pair")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


# ---------------------------------------------------------------------------------------- samples, beside classical estimators


@final
@dataclass(frozen=True)
class SampleRow:
    """One estimator of one divergence from samples of a continuous pair.

    Parameters
    ----------
    problem, divergence, method : str
        What is estimated, and how.
    samples : int
        Points of either side, all that the estimator gets.
    exact : float
        The divergence.
    value : float
        Mean of the estimates.
    error : float
        Root of the mean square of value / exact - 1.
    lower : float
        Mean of the lower confidence bounds; NaN where the method has none.
    seconds : float
        CPU seconds of one estimate.
    """

    problem: str
    divergence: str
    method: str
    samples: int
    exact: float
    value: float
    error: float
    lower: float
    seconds: float


Draws = tuple[np.ndarray, np.ndarray]
SAMPLED = (dv.kl, dv.js, dv.squared_hellinger, dv.tv)


def sampled_pairs() -> list[KnownDivergence]:
    """Continuous pairs with known divergences."""
    return [two_humps(), normals(1), normals(2, shift=1.0, scale=1.5), normals(8), exponentials(2)]


def sample_rows(settings: Settings) -> Iterator[SampleRow]:
    """All estimators from the same points."""
    n = settings.samples
    parts = (3 * n // 5, n // 5, n - 3 * n // 5 - n // 5)
    budget = gan.Budget(steps=settings.steps, samples=parts)
    for problem in sampled_pairs():
        generator = torch.Generator().manual_seed(settings.seed)
        draws = [
            (problem.P.draw(n, generator).numpy(), problem.Q.draw(n, generator).numpy())
            for _ in range(settings.repetitions)
        ]
        start = time.process_time()
        ratios = [gan.log_ratio(x, y, budget=budget, rng=settings.seed, device="cpu") for x, y in draws]
        seconds = (time.process_time() - start) / len(draws)
        for f in SAMPLED:
            exact = problem.exact(f).value
            read = [ratio.estimate(f) for ratio in ratios]
            lower = float(np.mean([e.lower for e in read]))
            yield _sample_row(problem, f, "critic", n, exact, [e.value for e in read], lower, seconds)
            for name, method in classical(problem, f).items():
                start = time.process_time()
                values = [method(*draw) for draw in draws]
                spent = (time.process_time() - start) / len(draws)
                yield _sample_row(problem, f, name, n, exact, values, math.nan, spent)


def classical(problem: KnownDivergence, f: dv.FDivergence) -> dict[str, Callable[..., float]]:
    """The classical estimators that can do it."""
    methods: dict[str, Callable[..., float]] = {"kernel plug-in": lambda x, y: kernel_divergence(f, x, y)}
    if problem.dimension == 1:
        methods["histogram"] = lambda x, y: histogram_divergence(f, x[:, 0], y[:, 0])
    if f is dv.kl:
        methods["nearest neighbours"] = nearest_neighbor_kl
    return methods


def _sample_row(
    problem: KnownDivergence,
    f: dv.FDivergence,
    method: str,
    n: int,
    exact: float,
    values: Sequence[float],
    lower: float,
    seconds: float,
) -> SampleRow:
    error = float(np.sqrt(np.mean((np.array(values) / exact - 1) ** 2)))
    return SampleRow(problem.name, f.name, method, n, exact, float(np.mean(values)), error, lower, seconds)


def sample_table(rows: Sequence[SampleRow]) -> None:
    """A line per estimator."""
    table = [
        [r.problem, r.divergence, r.method, f"{r.exact:.5g}", f"{r.value:.5g}", f"{r.error:.1%}",
         "-" if math.isnan(r.lower) else f"{r.lower:.5g}", f"{r.seconds:.2f}"]
        for r in rows
    ]  # fmt: skip
    title = f"f-divergences from {rows[0].samples} samples of either side"
    head = ["pair", "divergence", "method", "exact", "mean", "rms error", "lower bound at 95 %", "CPU s"]
    show(title, head, table)


def draw_samples(rows: Sequence[SampleRow], path: Path) -> None:
    """Errors by pair and divergence."""
    _style()
    figure, axis = plt.subplots(figsize=(9, 7), layout="constrained")
    places = list(dict.fromkeys((r.problem, r.divergence) for r in rows))
    methods = list(dict.fromkeys(r.method for r in rows))
    for method, colour, marker in zip(methods, COLOURS, MARKERS, strict=False):
        some = [r for r in rows if r.method == method and math.isfinite(r.error)]
        errors = [r.error for r in some]
        axis.plot(errors, [places.index((r.problem, r.divergence)) for r in some], marker, color=colour, label=method)
    axis.set_yticks(range(len(places)), [f"{problem}: {name}" for problem, name in places], fontsize=8)
    axis.invert_yaxis()
    axis.grid(axis="y", lw=0.3)
    axis.set(xscale="log", xlabel="root mean square of estimate / exact - 1 (infinite estimates left out)")
    axis.set_title(f"f-divergences from {rows[0].samples} samples of either side")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


# ----------------------------------------------------------------------------------------------------------- the command

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Of Okabe and Ito, which the colour-blind can tell apart; the markers differ too."""
MARKERS = ("o", "^", "s", "D")


def _style() -> None:
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a goal of a full run is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # critics this small lose time to a second thread
    out, met = Path(settings.out), True
    if "w1" in settings.parts:
        w1 = list(w1_rows(settings))
        w1_table(w1)
        targets = w1_targets(w1)
        met &= announce(targets)
        save(out, "discrete_w1", settings, w1, targets)
        draw_w1(w1, out / "discrete_w1.png")
    if "ratios" in settings.parts:
        ratios = list(ratio_rows(settings))
        ratio_table(ratios)
        targets = ratio_targets(ratios)
        met &= announce(targets)
        save(out, "discrete_ratios", settings, ratios, targets)
        draw_ratios(ratios, out / "discrete_ratios.png")
    if "samples" in settings.parts:
        samples = list(sample_rows(settings))
        sample_table(samples)
        save(out, "sampled_divergences", settings, samples, [])
        draw_samples(samples, out / "sampled_divergences.png")
    return 0 if met or settings.quick else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="few small pairs, short trainings")
    parser.add_argument("--part", choices=PARTS, action="append", help="one leaderboard only")
    parser.add_argument("--large", action="store_true", help="1024 and 4096 atoms too, an hour")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    parts = tuple(options.part or PARTS)
    if options.quick:
        return Settings(
            True, out, parts, sizes=(8,), dimensions=(2,), rival_sizes=(8,), ratio_sizes=(8,), samples=300,
            repetitions=1, steps=8, polish=20, patient=40,
        )  # fmt: skip
    sizes = (*Settings.sizes, 1024, 4096) if options.large else Settings.sizes
    return Settings(False, out, parts, sizes=sizes)


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
