"""Is a certified bound ever on the wrong side? Random estimates of random pairs against exact values of another road.

Pairs of random sizes and dimensions with coinciding atoms, atoms without weight, heavy tails, tiny and huge units; random
constraints, objectives, architectures and precisions; trainings of a few steps, one by one and in stacks. Distances are
held against the transport program (on the line: against the difference of the distribution functions), divergences against
enclosures by ball arithmetic. Prints a table by kind of critic and writes it as CSV and JSON, with a picture, under
benchmarks/results/.

    python benchmarks/soundness.py [--quick] [--count 100000] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch

mpl.use("Agg")

from divergence_report import Target, announce, save, show
from matplotlib import pyplot as plt

import divergences as dv
import gan

RESULTS = Path(__file__).parent / "results"

TOLERANCE = 1e-12
"""How far beyond the exact value, relative to it, a certified bound may be."""

Floats = npt.NDArray[np.float64]
Pair = tuple[gan.Discrete, gan.Discrete]
T = TypeVar("T")


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer estimates.
    out : str
        Folder of the files.
    count : int
        Number of estimates, at least.
    stack : int
        Pairs of a stack.
    most : int
        Largest number of atoms of a measure.
    steps : int
        Largest number of steps of a training.
    seed : int
        Of everything.
    """

    quick: bool
    out: str
    count: int = 100_000
    stack: int = 64
    most: int = 24
    steps: int = 12
    seed: int = 0


# ------------------------------------------------------------------------------------------------------- the random pairs


def random_pair(r: np.random.Generator, dimension: int, *, most: int, decades: float) -> Pair:
    """Two measures, with a chance of each thing that is known to break bounds.

    Parameters
    ----------
    r : numpy Generator
        Randomness.
    dimension : int
        Of the space.
    most : int
        Largest number of atoms.
    decades : float
        The unit of length is 10 to a power up to this, either way.
    """
    x, y = (_points(r, int(r.integers(1, most + 1)), dimension) for _ in range(2))
    if r.random() < 0.4:  # all atoms in common
        y = x.copy()
    elif r.random() < 0.3:  # some
        k = int(r.integers(1, min(len(x), len(y)) + 1))
        y[:k] = x[:k]
    unit = 10.0 ** r.uniform(-decades, decades) if r.random() < 0.5 else 1.0
    offset = r.choice([0.0, 0.0, 1.0, 1e4]) * r.standard_normal(dimension)
    P, Q = (gan.Discrete((z + offset) * unit, _weights(r, len(z))) for z in (x, y))
    return (P, P) if r.random() < 0.01 else (P, Q)


def _points(r: np.random.Generator, n: int, d: int) -> Floats:
    """Points of a cube, of a grid with ties, of heavy tails, or repeated ones."""
    kind = r.integers(5)
    if kind == 0:
        return r.random((n, d))
    if kind == 1:
        return r.integers(0, 4, (n, d)).astype(float)
    if kind == 2:
        return np.asarray(r.standard_cauchy((n, d)))
    if kind == 3:
        return np.asarray(r.standard_normal((n, d))[r.integers(0, n, n)])
    return np.asarray(r.standard_normal((n, d)) * 10.0 ** r.uniform(-6, 6, (n, 1)))


def _weights(r: np.random.Generator, n: int) -> Floats:
    """Equal, uniform on the simplex, heavy-tailed, or extremely uneven ones, with zeros among them now and then."""
    kind = r.integers(4)
    w = (
        np.ones(n)
        if kind == 0
        else r.dirichlet(np.ones(n))
        if kind == 1
        else r.pareto(0.7, n) + 1e-3
        if kind == 2
        else 10.0 ** r.uniform(-14, 0, n)
    )
    if n > 1 and r.random() < 0.3:
        w[r.integers(0, n, int(r.integers(1, n)))] = 0.0
    if not w.sum() > 0:
        w[0] = 1.0
    return np.asarray(w / w.sum())


# --------------------------------------------------------------------------------------------------- the exact values


def exact_distance(P: gan.Discrete, Q: gan.Discrete) -> float:
    """W1: the program and its certificate, or on the line the area between the two distribution functions."""
    if P.dimension > 1:
        return float(dv.wasserstein(P.points, Q.points, P.weights, Q.weights).bounds.upper)
    z = np.concatenate([P.points[:, 0], Q.points[:, 0]])
    w = np.concatenate([P.weights / math.fsum(P.weights), -Q.weights / math.fsum(Q.weights)])
    order = np.argsort(z, kind="stable")
    z, w = z[order], w[order].astype(np.longdouble)
    exact = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).bounds
    area = float(np.abs(np.cumsum(w)[:-1]) @ np.diff(z.astype(np.longdouble)))
    if not exact.lower * (1 - 1e-9) - 1e-12 * np.ptp(z) <= area <= exact.upper * (1 + 1e-9) + 1e-12 * np.ptp(z):
        msg = f"expected one distance from two roads, got {area!r} and {exact}; P = {P.points!r}, Q = {Q.points!r}"
        raise ArithmeticError(msg)
    return float(exact.upper)


def exact_divergence(f: dv.FDivergence, P: gan.Discrete, Q: gan.Discrete) -> float:
    """The upper end of an enclosure of the divergence; ``inf`` where supports make it infinite."""
    joint = gan.joint_support(P, Q)
    return float(f.enclose(joint.p, joint.q, normalize=True).upper)


# ------------------------------------------------------------------------------------------------------ the estimates


@final
@dataclass
class Tally:
    """What is known of one kind of critic.

    Parameters
    ----------
    count : int
        Estimates.
    lower_violations, upper_violations : int
        Bounds beyond the tolerance on the wrong side.
    highest, lowest : float
        The largest lower bound over exact, less 1; the least upper bound over exact, less 1.
    certified : int
        Raw values of the kind "certified".
    certified_above : int
        Those of them that exceed exact by more than the tolerance; the critic's own precision is all that they have.
    excess : list of float
        How far raw exceeds exact, relative, where it is of the kind "estimate" and does by more than the tolerance.
    estimates : int
        Raw values of the kind "estimate".
    errors : list of float
        1 - lower / exact of each that is neither 0 nor infinite.
    infinite : int
        Divergences that are infinite because of the supports.
    refused : int
        Pairs whose training left the finite numbers, where an error was raised and nothing reported.
    """

    count: int = 0
    lower_violations: int = 0
    upper_violations: int = 0
    highest: float = -math.inf
    lowest: float = math.inf
    certified: int = 0
    certified_above: int = 0
    certified_excess: float = 0.0
    excess: list[float] = field(default_factory=list)
    estimates: int = 0
    errors: list[float] = field(default_factory=list)
    infinite: int = 0
    refused: int = 0

    def add(self, e: gan.Estimate, exact: float) -> None:
        """One estimate."""
        self.count += 1
        over, under = _beyond(e.lower, exact), _beyond(e.upper, exact)
        self.highest, self.lowest = max(self.highest, over), min(self.lowest, under)
        self.lower_violations += not over <= TOLERANCE
        self.upper_violations += not under >= -TOLERANCE
        self.infinite += math.isinf(exact)
        if 0 < exact < math.inf:
            self.errors.append(-over)
        raw = _beyond(e.raw, exact)
        if e.raw_kind is gan.Kind.CERTIFIED:
            self.certified += 1
            self.certified_above += raw > TOLERANCE
            self.certified_excess = max(self.certified_excess, raw)
        else:
            self.estimates += 1
            if raw > TOLERANCE:
                self.excess.append(raw)


def _beyond(bound: float, exact: float) -> float:
    """How far a number is above the exact one, relative to it."""
    if bound == exact:
        return 0.0
    if exact == 0 or math.isinf(exact):
        return math.copysign(math.inf, bound - exact)
    return bound / exact - 1


ARCHITECTURES: tuple[gan.Architecture, ...] = (
    gan.MLP(width=8),
    gan.MLP(width=16, depth=1),
    gan.FourierMLP(features=8, width=8),
    gan.FourierMLP(features=16, width=16, highest=40.0),
    gan.GroupSortMLP(width=8, depth=2),
    gan.GroupSortMLP(width=8, depth=2, group=4),
)

CONSTRAINTS: tuple[tuple[str, gan.LipschitzConstraint, tuple[gan.Architecture, ...]], ...] = (
    ("c-transform", gan.CTransform(), ARCHITECTURES),
    ("cones", gan.ByConstruction(), (gan.Cones(tips=8), gan.Cones(trained=False))),
    ("funnels", gan.ByConstruction(), (gan.Funnels(tips=8), gan.Funnels(trained=False))),
    ("Cayley", gan.Orthogonal(), ARCHITECTURES[4:]),
    ("Björck", gan.Orthogonal(by=gan.Bjorck(iterations=5)), ARCHITECTURES[4:]),
    ("AOL", gan.AlmostOrthogonal(), ARCHITECTURES[4:]),
    ("spectral norm", gan.SpectralNorm(), ARCHITECTURES),
    ("clipping", gan.WeightClipping(limit=0.1), ARCHITECTURES),
    ("gradient penalty", gan.GradientPenalty(), ARCHITECTURES),
    ("one-sided penalty", gan.GradientPenalty(one_sided=True), ARCHITECTURES),
)

UPPERS: tuple[gan.UpperBound, ...] = (
    gan.ExactValue(),
    gan.MonotonePlan(),
    gan.LeastOf(),
    gan.ListedPlan(nearest=2, rounds=1),
    gan.RoundedPlan(regularisations=(1e-2,), iterations=20),
)


def budget(r: np.random.Generator, settings: Settings, **more: Any) -> gan.Budget:
    """A few steps, of any size."""
    steps, rate = int(r.integers(1, settings.steps + 1)), float(10.0 ** r.uniform(-3, 0))
    return gan.Budget(steps=steps, learning_rate=rate, **more)


def one_of(r: np.random.Generator, choices: Sequence[T]) -> T:
    """One of several values."""
    return choices[int(r.integers(len(choices)))]


Found = tuple[str, gan.Estimate | None, float]
"""The kind of critic, what it said (None: an error), and the exact value."""


def distances(r: np.random.Generator, settings: Settings, *, stacked: bool) -> Iterator[Found]:
    """Estimates of W1 under one constraint, in a stack or one alone."""
    name, rule, shapes = one_of(r, CONSTRAINTS)
    single = r.random() < 0.5
    decades, dimension = (10 if single else 60), one_of(r, (1, 2, 3, 16))
    count = settings.stack if stacked else 1
    pairs = [random_pair(r, dimension, most=settings.most, decades=decades) for _ in range(count)]
    kind: dict[str, Any] = {
        "critic": one_of(r, shapes),
        "constraint": rule,
        "upper": one_of(r, UPPERS),
        "rng": int(r.integers(2**31)),
        "device": "cpu",
        "dtype": torch.float32 if single else torch.float64,
    }
    batch = {} if rule.whole_support or r.random() < 0.7 else {"batch": int(r.integers(1, 9))}
    plan = budget(r, settings, **batch)
    label = f"W1, {name}"
    try:
        found = (
            gan.estimate_many(pairs, budget=plan, **kind) if stacked else [gan.estimate(*pairs[0], budget=plan, **kind)]
        )
    except gan.TrainingError:
        yield from ((label, None, 0.0) for _ in pairs)
        return
    for (P, Q), e in zip(pairs, found, strict=True):
        yield label, e, exact_distance(P, Q)


def divergences(r: np.random.Generator, settings: Settings, *, stacked: bool) -> Iterator[Found]:
    """Estimates of f-divergences: of one for a stack of pairs, or of all of them by one critic."""
    single = r.random() < 0.5
    dimension, count = one_of(r, (1, 2, 3, 16)), settings.stack if stacked else 1
    pairs = [_with_common_atoms(r, dimension, settings, 10 if single else 60) for _ in range(count)]
    kind: dict[str, Any] = {
        "critic": one_of(r, ARCHITECTURES[:4]),
        "budget": budget(r, settings, polish=int(r.integers(0, 4))),
        "rng": int(r.integers(2**31)),
        "device": "cpu",
        "dtype": torch.float32 if single else torch.float64,
    }
    f = one_of(r, dv.FDIVERGENCES)
    head = one_of(r, ("log-ratio", "log-ratio", "f-GAN", "NWJ", "Donsker-Varadhan"))
    if head == "f-GAN" and f == dv.alpha(1 - 1e-12):  # its activation is refused, because doubles are too coarse for it
        head = "log-ratio"
    objective: gan.FenchelObjective = {
        "log-ratio": gan.variational(f),
        "NWJ": gan.nwj,
        "Donsker-Varadhan": gan.donsker_varadhan,
    }.get(head) or gan.fgan(f)
    try:
        if stacked:
            for (P, Q), e in zip(pairs, gan.estimate_many(pairs, objective, **kind), strict=True):
                yield f"f, {head}", e, exact_divergence(objective.f, P, Q)
        else:
            ratio = gan.log_ratio(*pairs[0], **kind)
            for g in dv.FDIVERGENCES:
                yield "f, one log-ratio", ratio.estimate(g), exact_divergence(g, *pairs[0])
    except gan.TrainingError:
        yield from ((f"f, {head}" if stacked else "f, one log-ratio", None, 0.0) for _ in pairs)


def _with_common_atoms(r: np.random.Generator, dimension: int, settings: Settings, decades: float) -> Pair:
    """A pair that has atoms in common, mostly: without any there is nothing to train."""
    for _ in range(4):
        P, Q = random_pair(r, dimension, most=settings.most, decades=decades)
        joint = gan.joint_support(P, Q)
        if np.any((joint.p > 0) & (joint.q > 0)):
            break
    return P, Q


def collected(settings: Settings) -> dict[str, Tally]:
    """Random estimates until there are enough: nine tenths in stacks."""
    r = np.random.default_rng(settings.seed)
    tallies: dict[str, Tally] = defaultdict(Tally)
    done, start = 0, time.process_time()
    while done < settings.count:
        stacked = r.random() < 0.12
        family = distances if r.random() < 0.8 else divergences
        for label, e, exact in family(r, settings, stacked=stacked):
            if e is None:
                tallies[label].refused += 1
            else:
                tallies[label].add(e, exact)
                done += 1
        if done // 10_000 > (done - 1) // 10_000:
            print(f"  {done} estimates, {time.process_time() - start:.0f} s", flush=True)
    return dict(sorted(tallies.items()))


# ----------------------------------------------------------------------------------------------------------- the report


@final
@dataclass(frozen=True)
class Row:
    """A tally as figures; see `Tally`.

    Parameters
    ----------
    critic : str
        Kind of the critic.
    count, infinite, refused, lower_violations, upper_violations : int
        Estimates; infinite divergences; trainings that raised an error; bounds on the wrong side.
    highest, lowest : float
        Lower bounds over exact less 1 at most, upper bounds over exact less 1 at least.
    median_error : float
        Median of 1 - lower / exact.
    raw_certified, raw_certified_above : int
        Raw values called certified, and those above exact.
    raw_certified_excess : float
        How far at most, relative.
    raw_estimates, raw_above : int
        Raw values called estimates, and those above exact.
    raw_excess_median, raw_excess_largest : float
        How far those are above, relative.
    """

    critic: str
    count: int
    infinite: int
    refused: int
    lower_violations: int
    upper_violations: int
    highest: float
    lowest: float
    median_error: float
    raw_certified: int
    raw_certified_above: int
    raw_certified_excess: float
    raw_estimates: int
    raw_above: int
    raw_excess_median: float
    raw_excess_largest: float


def row(name: str, t: Tally) -> Row:
    """Figures of a tally."""
    return Row(
        name, t.count, t.infinite, t.refused, t.lower_violations, t.upper_violations, t.highest, t.lowest,
        float(np.median(t.errors)) if t.errors else math.nan,
        t.certified, t.certified_above, t.certified_excess, t.estimates, len(t.excess),
        float(np.median(t.excess)) if t.excess else 0.0, max(t.excess, default=0.0),
    )  # fmt: skip


def judged(rows: Sequence[Row], warned: int) -> list[Target]:
    """What must hold."""
    count = sum(r.count for r in rows)
    below, above = sum(r.lower_violations for r in rows), sum(r.upper_violations for r in rows)
    high, low = max(r.highest for r in rows), min(r.lowest for r in rows)
    return [
        Target(
            f"no lower bound exceeds exact by more than {TOLERANCE:.0e}",
            f"{below} of {count}, nearest {high:+.1e}",
            below == 0,
        ),
        Target("no warning is issued on the way", f"{warned}", warned == 0),
        Target(
            f"no upper bound is below exact by more than {TOLERANCE:.0e}",
            f"{above} of {count}, nearest {low:+.1e}",
            above == 0,
        ),
    ]


def draw(tallies: dict[str, Tally], path: Path) -> None:
    """Distances of lower bounds from exact, and shares of raw values above it."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), sharey=True, layout="constrained")
    names = list(tallies)
    for k, name in enumerate(names):
        errors = np.clip(tallies[name].errors, 1e-16, 1.0)
        quantiles = np.quantile(errors, [0, 0.25, 0.5, 0.75, 1]) if len(errors) else np.ones(5)
        left.plot(quantiles[[0, 4]], [k, k], color="#56B4E9", lw=1.5)
        left.plot(quantiles[[1, 3]], [k, k], color="#0072B2", lw=5, solid_capstyle="butt")
        left.plot(quantiles[2], k, "o", color="white", mec="black", ms=5)
        t = tallies[name]
        above, asked = (len(t.excess), t.estimates) if t.estimates else (t.certified_above, t.certified)
        right.barh(k, 100 * above / max(asked, 1), color="#D55E00" if t.estimates else "#009E73")
        if t.excess:
            text = f"median {100 * float(np.median(t.excess)):.3g} % above"
            right.annotate(text, (100 * above / asked, k), (4, 0), textcoords="offset points", va="center", fontsize=8)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set(
        xscale="log",
        xlabel="1 - lower bound / exact  (all, quartiles, median; at least $10^{-16}$)",
        title="Certified bounds: none is beyond exact",
    )
    right.set(xlabel="share of raw values above exact, %", title="Raw values: what the critics say", xlim=(0, 15))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a target is missed."""
    settings = parsed(arguments)
    torch.set_num_threads(1)  # critics this small lose time to a second thread
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tallies = collected(settings)
    warned = Counter(f"{w.message} ({Path(w.filename).name}:{w.lineno})" for w in caught)
    for message, times in warned.most_common(8):
        print(f"  warned {times} times: {message}")
    rows = [row(*item) for item in tallies.items()]
    table = [
        [
            r.critic, f"{r.count}", f"{r.infinite}", f"{r.refused}", f"{r.lower_violations}", f"{r.upper_violations}", f"{r.highest:+.1e}",
            f"{r.lowest:+.1e}", f"{r.median_error:.1e}",
            f"{r.raw_certified_above} of {r.raw_certified}" + (f", by {r.raw_certified_excess:.0e}" if r.raw_certified_above else ""),
            f"{r.raw_above} of {r.raw_estimates}" + (f", by {r.raw_excess_median:.1e} (largest {r.raw_excess_largest:.1e})" if r.raw_above else ""),
        ]
        for r in rows
    ]  # fmt: skip
    show(
        f"{sum(r.count for r in rows)} random estimates in {time.process_time() - start:.0f} s of one core",
        ["critic", "estimates", "infinite", "errors raised", "lower wrong", "upper wrong", "highest lower", "lowest upper",
         "median error", "certified raw above", "other raw above"],
        table,
    )  # fmt: skip
    targets = judged(rows, sum(warned.values()))
    met = announce(targets)
    out = Path(settings.out)
    save(out, "soundness", settings, rows, targets)
    draw(tallies, out / "soundness.png")
    return 0 if met else 1


def parsed(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="2000 estimates")
    parser.add_argument("--count", type=int, help="how many estimates")
    parser.add_argument("--out", type=folder, help="where the files go")
    options = parser.parse_args(arguments)
    out = str(options.out or (RESULTS / "quick" if options.quick else RESULTS))
    return Settings(options.quick, out, options.count or (2000 if options.quick else 100_000))


def folder(text: str) -> Path:
    """A folder, or a path where one can be made."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        msg = f"expected a folder, got the file {text}"
        raise argparse.ArgumentTypeError(msg)
    return path


if __name__ == "__main__":
    sys.exit(main())
