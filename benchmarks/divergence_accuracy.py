"""How many digits are right? Divergences by this library and its peers, against ball arithmetic, on a hard battery.

Prints a table per divergence: the largest relative error per class of inputs and route, and what came out wrong
altogether; writes the rows as CSV and JSON, and a picture, under benchmarks/results/.

    python benchmarks/divergence_accuracy.py [--quick] [--seed 0] [--out benchmarks/results]
"""

import argparse
import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("Agg")

from divergence_peers import OURS, Route, missing, routes
from divergence_report import Target, announce, save, show
from divergence_truth import Quantity, is_infinite, relative_error, truths
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"

FIXED = tuple(map(Quantity, ("kl", "js", "tv", "squared_hellinger", "pearson_chi2")))
NEAR_ONE = (1 - 1e-3, 1 - 1e-12, 1.0, 1 + 1e-12, 1 + 1e-3)
ALPHAS = tuple(Quantity("alpha", a) for a in (-2.0, -1.0, 0.0, 0.3, 0.5, *NEAR_ONE, 2.0, 3.0))
RENYIS = tuple(Quantity("renyi", a) for a in (0.3, 0.5, *NEAR_ONE, 2.0, 3.0))
FEW_ORDERS = (-2.0, 0.5, 1 + 1e-12, 3.0)
"""What is asked of a million outcomes, whose truth is slow."""

GOAL_FIXED, GOAL_ORDERS, GOAL_SINGLE, GOAL_PLAIN_SINGLE = 2e-15, 4e-15, 6e-8, 5e-7
"""Relative errors that must not be exceeded: of five divergences, of families, of single precision by way of double, and
of single precision alone."""

Floats = npt.NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Fewer pairs of each class, and ten thousand outcomes where a full run has a million.
    seed : int
        Of all pairs.
    out : str
        Folder of the files.
    """

    quick: bool
    seed: int
    out: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of outcomes."""
        return (10, 100) if self.quick else (10, 100, 1000)

    @property
    def single_sizes(self) -> tuple[int, ...]:
        """The same, for single precision; jax compiles anew for each."""
        return self.sizes[1:] if self.quick else self.sizes

    @property
    def trials(self) -> int:
        """Pairs of each size."""
        return 1 if self.quick else 3

    @property
    def many(self) -> int:
        """The largest number of outcomes."""
        return 10**4 if self.quick else 10**6

    @property
    def closenesses(self) -> tuple[float, ...]:
        """Sizes of the relative difference of p and q."""
        return tuple(10.0**-k for k in ((4, 8, 12) if self.quick else range(1, 13)))


@final
@dataclass(frozen=True, eq=False)
class Case:
    """A pair, and its class; `closeness` is 1 for an ordinary pair, and none where the picture does not show it."""

    group: str
    p: Floats
    q: Floats
    closeness: float | None = field(default=None, kw_only=True)

    @property
    def quantities(self) -> Iterator[Quantity]:
        """What is asked of it."""
        for quantity in (*FIXED, *ALPHAS, *RENYIS):
            if len(self.p) < 10**5 or quantity.order is None or quantity.order in FEW_ORDERS:
                yield quantity


@final
@dataclass(frozen=True)
class Row:
    """One route on one class.

    Parameters
    ----------
    quantity, order, group, closeness, route
        What was computed, of which pairs, by whom.
    cases : int
        How many pairs.
    error : float
        Largest relative error of the finite values, of finite divergences.
    negative, nan, infinite, finite, nonzero : int
        How many values were below 0, not a number, infinite though the divergence is finite, finite though it is not, and
        not 0 for equal distributions.
    """

    quantity: str
    order: float | None
    group: str
    closeness: float | None
    route: str
    cases: int
    error: float
    negative: int
    nan: int
    infinite: int
    finite: int
    nonzero: int

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that are not 0, by a short name."""
        counts = {
            "neg": self.negative,
            "nan": self.nan,
            "inf": self.infinite,
            "fin": self.finite,
            "not 0": self.nonzero,
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def ours(self) -> bool:
        """Whether it is a route of this library."""
        return self.route.startswith(OURS)

    @property
    def single(self) -> bool:
        """Whether the arrays were of single precision."""
        return self.group.startswith("float32")


@final
@dataclass
class Tally:
    """What a route has done so far on one class."""

    cases: int = 0
    error: float = math.nan
    wrong: Counter[str] = field(default_factory=Counter)

    def add(self, got: float, truth: Any) -> None:
        """Judge one value."""
        self.cases += 1
        verdict = judge(got, truth)
        if verdict:
            self.wrong[verdict] += 1
        if math.isfinite(got) and not is_infinite(truth) and verdict != "nonzero":
            self.error = float(np.fmax(self.error, relative_error(got, truth)))


def judge(got: float, truth: Any) -> str:
    """What is wrong with a value whatever its digits; nothing if it is empty."""
    if math.isnan(got):
        return "nan"
    if is_infinite(truth):
        return "" if got == math.inf else "finite"
    if math.isinf(got):
        return "infinite"
    if got < 0:
        return "negative"
    return "nonzero" if truth == 0 and got != 0 else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; 0 if every target is met."""
    settings = read(arguments)
    out = Path(settings.out)
    start = time.perf_counter()
    if missing():
        print(f"not installed, and left out: {', '.join(missing())}")
    rows = measure(battery(settings))
    for name in dict.fromkeys(row.quantity for row in rows):
        show(*table(name, [row for row in rows if row.quantity == name]))
    targets = list(judged(rows))
    met = announce(targets)
    save(out, "divergence_accuracy", settings, rows, targets)
    draw(rows, out / "divergence_accuracy.png")
    print(f"total: {time.perf_counter() - start:.0f} s")
    return 0 if met else 1


def read(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and smaller pairs")
    parser.add_argument("--seed", type=natural, default=0, help="seed of the pairs (default 0)")
    parser.add_argument("--out", type=folder, help="folder of the files (default: results/ here, or results/quick/)")
    given = parser.parse_args(arguments)
    return Settings(given.quick, given.seed, given.out or str(RESULTS / "quick" if given.quick else RESULTS))


def natural(text: str) -> int:
    """A seed."""
    if not text.isdecimal():
        msg = f"expected a whole number of at least 0, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def folder(text: str) -> str:
    """A folder, there or not."""
    if Path(text).exists() and not Path(text).is_dir():
        msg = f"expected a folder, got the file {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return text


# ------------------------------------------------------------------------------------------------------------- the pairs


def battery(settings: Settings) -> Iterator[Case]:
    """All pairs, class by class."""
    for n, rng in samples(settings):
        yield Case("ordinary", *rng.dirichlet(np.ones(n), 2), closeness=1.0)
    for closeness in settings.closenesses:
        for n, rng in samples(settings):
            yield Case(f"close {short(closeness)}", *close(n, closeness, rng), closeness=closeness)
    for n, rng in samples(settings):
        yield Case("last digit", *last_digit(n, rng))
    for n, rng in samples(settings):
        yield Case("log-uniform", *(unit(10.0 ** rng.uniform(-300, 0, n)) for _ in range(2)))
    for p, q in subnormal(np.random.default_rng(settings.seed)):
        yield Case("subnormal", p, q)
    for n, rng in samples(settings):
        yield from (Case("zeros", p, q) for p, q in zeros(n, rng))
    for n, rng in samples(settings):
        p = rng.dirichlet(np.ones(n))
        yield Case("equal", p, p.copy())
    n, rng = settings.many, np.random.default_rng(settings.seed)
    yield Case(f"n={short(n)} ordinary", *rng.dirichlet(np.ones(n), 2))
    for closeness in (1e-4, 1e-8):
        yield Case(f"n={short(n)} close {short(closeness)}", *close(n, closeness, rng))
    for n, rng in samples(settings):
        if n in settings.single_sizes:
            ordinary, near = rng.dirichlet(np.ones(n), 2), close(n, 1e-3, rng)
            yield Case("float32 ordinary", *(unit(x.astype(np.float32)) for x in ordinary))
            yield Case("float32 close 1e-3", *(unit(x.astype(np.float32)) for x in near))


def samples(settings: Settings) -> Iterator[tuple[int, np.random.Generator]]:
    """Numbers of outcomes, each some times, with a generator of its own."""
    for n in settings.sizes:
        for trial in range(settings.trials):
            yield n, np.random.default_rng([settings.seed, n, trial])


def unit(x: Floats) -> Floats:
    """The weights divided by their sum, as a user would."""
    scaled: Floats = x / x.sum()
    return scaled


def close(n: int, closeness: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Uniform q, and p = q (1 + closeness * normal noise)."""
    q = rng.dirichlet(np.ones(n))
    return unit(q * np.maximum(1 + closeness * rng.normal(size=n), 0)), q


def last_digit(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two halves exchanged that differ by a last digit, beside equal entries: masses are equal, p and q nearly."""
    half = unit(rng.dirichlet(np.ones(n - 2))) / 2
    x = np.nextafter(0.25, 0)
    return np.array([x, 0.5 - x, *half]), np.array([0.5 - x, x, *half])


def subnormal(rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Pairs with entries below the normal range: the reported ones, and some among ordinary entries."""
    smallest = 5e-324
    yield np.array([0.0, 1.0]), np.array([smallest, 1.0])
    yield np.array([0.5, 0.5]), np.array([smallest, 1.0])
    yield np.array([smallest, 1.0]), np.array([0.5, 0.5])
    tiny = smallest * rng.integers(1, 1 << 40, size=5)
    first, second = (np.concatenate([rng.dirichlet(np.ones(5)), tiny]) for _ in range(2))
    yield first, second[::-1].copy()
    yield first, rng.dirichlet(np.ones(10))
    yield rng.dirichlet(np.ones(10)), first
    yield first, np.concatenate([second[:5], tiny[::-1]])


def zeros(n: int, rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Some outcomes that P lacks; some that both lack; some that Q lacks."""
    p, q = rng.dirichlet(np.ones(n), 2)
    absent = np.arange(n) < max(1, n // 5)
    without_p, without_q = (unit(np.where(absent, 0.0, x)) for x in (p, q))
    yield without_p, q
    yield without_p, without_q
    yield p, without_q


# ------------------------------------------------------------------------------------------------------ the measurement


def measure(cases: Iterable[Case]) -> list[Row]:
    """Every quantity of every pair by every route, and what became of it, in the order of the battery."""
    tallies: dict[tuple[Quantity, str, float | None, str], Tally] = {}
    calls = {quantity: routes(quantity) for quantity in (*FIXED, *ALPHAS, *RENYIS)}
    for case in cases:
        progress(case.group, known=[key[1] for key in tallies])
        truth = truths(case.p, case.q, case.quantities)
        for quantity, ball in truth.items():
            for route, call in calls[quantity].items():
                if route.takes(case.p):
                    key = (quantity, case.group, case.closeness, route.name)
                    tallies.setdefault(key, Tally()).add(value(route, call, case), ball)
    return [as_row(*key, tally) for key, tally in tallies.items()]


def progress(group: str, known: Sequence[str]) -> None:
    """A line per class, as soon as it is begun."""
    if group not in known:
        print(f"  {group}", flush=True)


def value(route: Route, call: Any, case: Case) -> float:
    """What a route says; its warnings say no more than the value."""
    given = (case.p, case.q) if route.normalises else (unit(case.p), unit(case.q))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(call(*given))


def as_row(quantity: Quantity, group: str, closeness: float | None, route: str, tally: Tally) -> Row:
    """The record of a tally."""
    counts = (tally.wrong[kind] for kind in ("negative", "nan", "infinite", "finite", "nonzero"))
    return Row(quantity.name, quantity.order, group, closeness, route, tally.cases, tally.error, *counts)


# ----------------------------------------------------------------------------------------------------------- the results


def table(name: str, rows: Sequence[Row]) -> tuple[str, list[str], list[list[str]]]:
    """Title, header and lines: a line per class, a column per route; the worst over the orders of a family."""
    columns = list(dict.fromkeys(row.route for row in rows))
    groups = list(dict.fromkeys(row.group for row in rows))
    orders = sorted({row.order for row in rows if row.order is not None})
    title = f"{name}: largest relative error, and counts of wrong values" + (
        f"; orders {', '.join(f'{a:.13g}' for a in orders)}" if orders else ""
    )
    cells = {
        (group, route): cell([row for row in rows if (row.group, row.route) == (group, route)])
        for group in groups
        for route in columns
    }
    return title, ["class", *columns], [[group, *(cells[group, route] for route in columns)] for group in groups]


def cell(rows: Sequence[Row]) -> str:
    """The largest error, and what was wrong."""
    if not rows:
        return "-"
    error = np.fmax.reduce([row.error for row in rows])
    wrong: Counter[str] = sum((Counter(row.wrong) for row in rows), Counter())
    counts = [f"{count} {name}" for name, count in wrong.items()]
    return ", ".join([*([] if np.isnan(error) else [short(error)]), *counts]) or "ok"


def short(x: float) -> str:
    """One digit and its power of ten, as in 2e-7."""
    digit, _, power = f"{x:.0e}".partition("e")
    return digit + (f"e{int(power)}" if int(power) else "") if x else "0"


def judged(rows: Sequence[Row]) -> Iterator[Target]:
    """What must hold of this library."""
    ours = [row for row in rows if row.ours]
    double = [row for row in ours if not row.single]
    yield bounded("KL, JS, TV, H², χ², doubles", [row for row in double if row.order is None], GOAL_FIXED)
    for name in ("alpha", "renyi"):
        yield bounded(f"{name} of every order, doubles", [row for row in double if row.quantity == name], GOAL_ORDERS)
    upcast = [row for row in ours if row.single and "jax32" not in row.route]
    yield bounded("float32 arrays, numpy and torch", upcast, GOAL_SINGLE)
    plain = [row for row in ours if row.single and "jax32" in row.route]
    if plain:
        yield bounded("float32 without doubles, jax", plain, GOAL_PLAIN_SINGLE)
    wrong = [f"{total(row)} of {row.quantity} ({row.group}, {row.route})" for row in ours if row.wrong]
    figure = f"{sum(map(total, ours))} wrong of {sum(row.cases for row in ours)}"
    examples = f": {'; '.join(wrong[:4])}{' ...' if wrong[4:] else ''}" if wrong else ""
    yield Target("never < 0, never NaN, infinite exactly where true, 0 for equal arrays", figure + examples, not wrong)


def bounded(what: str, rows: Sequence[Row], goal: float) -> Target:
    """A bound on the errors of some rows."""
    worst = max(rows, key=lambda row: -1.0 if math.isnan(row.error) else row.error)
    order = "" if worst.order is None else f" of order {worst.order:.13g}"
    figure = f"{worst.error:.1e} ({worst.quantity}{order}, {worst.group}, {worst.route})"
    return Target(f"{what}: relative error <= {goal:.0e}", figure, worst.error <= goal)


def total(row: Row) -> int:
    """How many values of a row are wrong."""
    return sum(row.wrong.values())


# ----------------------------------------------------------------------------------------------------------- the picture

STYLES = {
    "scipy entropy": ("#D55E00", "s"),
    "scipy js²": ("#D55E00", "s"),
    "scipy rel_entr": ("#E69F00", "v"),
    "scipy cdist²": ("#E69F00", "v"),
    "scipy kl_div": ("#CC79A7", "^"),
    "numpy entropies": ("#CC79A7", "^"),
    "numpy line": ("#009E73", "D"),
    "torch kl_div": ("#56B4E9", "p"),
    "torch Categ.": ("#8C6D31", "<"),
    "torchmetrics": ("#882255", "h"),
    "POT kl_div": ("#7F7F7F", ">"),
    "dit": ("#000000", "X"),
    OURS: ("#0072B2", "o"),
}
"""Okabe and Ito's colours, and three that stay apart from them in grey; the markers differ too."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Error against closeness, of the Kullback-Leibler and the Jensen-Shannon divergence."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.8), sharey=True, layout="constrained")
    for axis, name, title in zip(axes, ("kl", "js"), ("Kullback-Leibler", "Jensen-Shannon"), strict=True):
        shown = [row for row in rows if row.quantity == name and row.closeness is not None]
        panel(
            axis,
            {route: [row for row in shown if row.route == route] for route in dict.fromkeys(r.route for r in shown)},
        )
        axis.set(title=f"{title} divergence", xlabel=r"closeness $\varepsilon$ of $p = q\,(1 + \varepsilon\cdot$noise)")
    axes[0].set_ylabel("largest relative error")
    figure.savefig(path, dpi=200)
    plt.close(figure)


def panel(axis: Axes, lines: Mapping[str, Sequence[Row]]) -> None:
    """One divergence: a line per route; a hollow marker where some value was negative, infinite or not a number."""
    for route in sorted((route for route in lines if route in STYLES), key=lambda route: route == OURS):
        curve(axis, lines[route], route)
    axis.plot([], [], "o", color="#555555", mfc="white", ms=4.5, label="some < 0 or NaN")
    axis.axhspan(1, 1e12, color="#F2E3D5", zorder=0, lw=0)
    axis.text(0.9, 3e11, "no digit is right", va="top", fontsize=8, color="#7A4A20")
    axis.axhline(2**-53, color="black", lw=0.8, ls=":", zorder=0)
    axis.text(0.9, 3e-17, "half a unit in the last place", va="top", fontsize=8)
    axis.set(xscale="log", yscale="log", xlim=(1.6, 6e-13), ylim=(1e-18, 1e12))
    axis.set_xticks([10.0**-k for k in range(0, 13, 2)])
    axis.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=3,
        frameon=False,
        fontsize=8,
        handlelength=1.6,
        columnspacing=1.2,
    )


def curve(axis: Axes, rows: Sequence[Row], route: str) -> None:
    """One route: its line, and its markers."""
    colour, marker = STYLES[route]
    width = 2.4 if route == OURS else 1.0
    x = np.array([row.closeness for row in rows], dtype=float)
    y = np.maximum([row.error for row in rows], 1e-18)
    axis.plot(x, y, color=colour, lw=width, zorder=width)
    for holds, face in ((True, colour), (False, "white")):
        chosen = np.array([not row.wrong for row in rows]) == holds
        axis.plot(x[chosen], y[chosen], marker, color=colour, mfc=face, ms=4.5, mew=1.0, zorder=width + 1)
    label = "this library" if route == OURS else route
    axis.plot([], [], color=colour, marker=marker, lw=width, ms=4.5, label=label)


if __name__ == "__main__":
    sys.exit(main())
