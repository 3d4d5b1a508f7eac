"""How fast? Divergences by this library and its peers, in one process and one thread, in turns.

Prints nanoseconds per element, and ratios to this library and to two floors: one logarithm per element, and one product
per element, which is as fast as memory goes. Times are those of the processor, so that other work on the machine counts
as little as it can. Writes the rows as CSV and JSON, and a picture, under benchmarks/results/.

    python benchmarks/divergence_speed.py [--quick] [--out benchmarks/results]
"""

import argparse
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

if __name__ == "__main__":  # read when numpy is imported
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch

mpl.use("Agg")

from divergence_accuracy import RESULTS, close, folder, short
from divergence_peers import OURS, declared, missing, routes
from divergence_report import Target, announce, save, show
from divergence_truth import Quantity, relative_error, truths
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy.spatial import distance

import divergences as dv

LOG, STREAM = "floor: one log", "floor: one product"
ENCLOSE, TRUTH = "enclose", "balls of 192 bits and more"

KL, JS, TV, HELLINGER, CHI2 = map(Quantity, ("kl", "js", "tv", "squared_hellinger", "pearson_chi2"))
ALPHA = Quantity("alpha", 0.3)
QUANTITIES = (KL, JS, TV, HELLINGER, CHI2, ALPHA)

LARGE, SMALL = "large", "small"
GOALS = (
    (LARGE, KL, "scipy entropy", 2.0),
    (LARGE, JS, "scipy js²", 5.0),
    (LARGE, HELLINGER, "numpy line", 1.0),
    (LARGE, CHI2, "numpy line", 1.0),
    (SMALL, KL, "scipy entropy", 4.0),
    (SMALL, JS, "scipy js²", 2.0),
)
"""How many times as fast as a peer this library must be."""

PAIRWISE_GOAL, ENCLOSE_GOAL, WIDTH_GOAL, ERROR_GOAL = 1.5, 0.010, 2, 2e-15
"""Of the matrix: times as fast as cdist. Of enclosures: seconds and units in the last place. Of any value: the error."""

LONG = 10.0
"""Seconds: a race is run in fewer turns, three at least, rather than for longer."""

Floats = npt.NDArray[np.float64]
Call = Callable[[], Any]


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Smaller arrays and fewer rounds; targets are then said and not asserted.
    out : str
        Folder of the files.
    """

    quick: bool
    out: str

    @property
    def many(self) -> int:
        """Outcomes of the large pairs."""
        return 10**5 if self.quick else 10**6

    @property
    def batch(self) -> tuple[int, int]:
        """Pairs of a batch, and their outcomes."""
        return (100, 1000) if self.quick else (1000, 1000)

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows on either side of a matrix, and their outcomes."""
        return (100, 256) if self.quick else (1000, 256)

    @property
    def rounds(self) -> int:
        """Turns of every route."""
        return 5 if self.quick else 15

    @property
    def sample(self) -> float:
        """Seconds, about, of one turn: calls are repeated until it is filled."""
        return 0.002 if self.quick else 0.01


@final
@dataclass(frozen=True)
class Race:
    """Functions that are to be called in turns on the same data.

    Parameters
    ----------
    shape : str
        The data, as it stands in the table.
    quantity : Quantity
        What is computed.
    elements : int
        Number of outcomes, over which time is divided.
    calls : mapping
        By route, this library first.
    floors : mapping
        The floors, by name.
    floor_elements : int
        Number of outcomes that these go through.
    """

    shape: str
    quantity: Quantity
    elements: int
    calls: Mapping[str, Call]
    floors: Mapping[str, Call]
    floor_elements: int


@final
@dataclass(frozen=True)
class Row:
    """One route of one race: nanoseconds per element, and how many times as long as this library and as the floors."""

    shape: str
    quantity: str
    order: float | None
    route: str
    elements: int
    median: float
    least: float
    times_ours: float
    times_log: float
    times_product: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; 0 if, in a full run, every target is met."""
    settings = read(arguments)
    out = Path(settings.out)
    torch.set_num_threads(1)
    start = time.perf_counter()
    if missing():
        print(f"not installed, and left out: {', '.join(missing())}")
    rows: list[Row] = []
    for entry in races(settings):
        print(f"  {entry.shape}: {entry.quantity.name}", flush=True)
        rows += run(entry, settings.rounds, settings.sample)
    for shape in dict.fromkeys(row.shape for row in rows):
        show(f"{shape}: ns per element", HEADER, [written(row) for row in rows if row.shape == shape])
    targets = [*speed_targets(rows, settings), *matrix_targets(settings), *enclosure_targets(rows)]
    met = announce(targets)
    save(out, "divergence_speed", settings, rows, targets)
    draw(rows, settings, out / "divergence_speed.png")
    print(f"total: {time.perf_counter() - start:.0f} s")
    return 0 if met or settings.quick else 1


def read(arguments: Sequence[str] | None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller arrays and fewer rounds")
    parser.add_argument("--out", type=folder, help="folder of the files (default: results/ here, or results/quick/)")
    given = parser.parse_args(arguments)
    return Settings(given.quick, given.out or str(RESULTS / "quick" if given.quick else RESULTS))


# -------------------------------------------------------------------------------------------------------------- the races


def large(settings: Settings) -> str:
    """Name of the large ordinary pair."""
    return f"n = {short(settings.many)}"


def batch(settings: Settings) -> str:
    """Name of the batch."""
    return " x ".join(map(str, settings.batch))


SMALL_SHAPE = "n = 1000"
ENCLOSURES = "enclosures, n = 1000"


def races(settings: Settings) -> Iterator[Race]:
    """Everything that is timed."""
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(settings.many), 2)
    near = close(settings.many, 1e-4, rng)
    rows, n = settings.batch
    first, second = (rng.dirichlet(np.ones(n), rows) for _ in range(2))
    shapes = {
        large(settings): (p, q),
        f"{large(settings)}, close 1e-4": near,
        batch(settings): (first, second),
        SMALL_SHAPE: (first[0].copy(), second[0].copy()),
    }
    for shape, pair in shapes.items():
        for quantity in QUANTITIES:
            yield race(shape, quantity, *pair)
    yield matrix_race(settings)
    small = shapes[SMALL_SHAPE]
    for quantity in QUANTITIES:
        yield enclosure_race(quantity, *small)


def race(shape: str, quantity: Quantity, p: Floats, q: Floats) -> Race:
    """Every route that takes such arrays, and the floors."""
    calls: dict[str, Call] = {
        route.name: bound(call, p, q)
        for route, call in routes(quantity).items()
        if route.takes(p) and (route.rows or p.ndim == 1) and not (route.ours and "," in route.name)
    }
    return Race(shape, quantity, p.size, calls, floors(p, q), p.size)


def bound(call: Callable[..., Any], *arguments: Any) -> Call:
    """The call with its arguments."""
    return lambda: call(*arguments)


def floors(p: Floats, q: Floats) -> dict[str, Call]:
    """One logarithm per element into memory that is there, and one product of two streams."""
    held, x, y = np.empty_like(p), p.reshape(-1), q.reshape(-1)
    return {LOG: lambda: np.log(p, out=held), STREAM: lambda: np.dot(x, y)}


def matrix_pair(settings: Settings) -> tuple[Floats, Floats]:
    """Rows of two matrices; the first few of one are close to those of the other."""
    rng = np.random.default_rng(1)
    rows, n = settings.matrix
    X, Y = (rng.dirichlet(np.ones(n), rows) for _ in range(2))
    for k, closeness in enumerate((1e-2, 1e-4, 1e-6, 1e-8, 1e-10)):
        Y[k], X[k] = close(n, closeness, rng)
    return X, Y


def matrix_race(settings: Settings) -> Race:
    """The matrix of all Jensen-Shannon divergences of two sets of rows."""
    X, Y = matrix_pair(settings)
    rows, n = settings.matrix
    calls = {
        OURS: bound(dv.pairwise, dv.js, X, Y),
        "scipy cdist": lambda: distance.cdist(X, Y, "jensenshannon"),
    }
    return Race(f"pairwise {rows} x {rows} x {n}", JS, rows * rows * n, calls, floors(X, Y), X.size)


def enclosure_race(quantity: Quantity, p: Floats, q: Floats) -> Race:
    """The enclosure of one divergence."""
    calls: dict[str, Call] = {
        ENCLOSE: bound(declared(quantity.name, *quantity.parameters).enclose, p, q),
        TRUTH: lambda: truths(p, q, [quantity]),
    }
    return Race(ENCLOSURES, quantity, p.size, calls, floors(p, q), p.size)


# ------------------------------------------------------------------------------------------------------- the measurement


def run(entry: Race, rounds: int, sample: float) -> list[Row]:
    """Every route in turns, so that what slows the machine for a while slows all; medians and minima over the turns."""
    calls = {**entry.calls, **entry.floors}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        once = {name: seconds(call, 1) for name, call in calls.items()}
        if sum(once.values()) < LONG:  # the first call may have set things up
            once = {name: seconds(call, 1) for name, call in calls.items()}
        turns = max(3, min(rounds, math.ceil(LONG / sum(once.values()))))
        repeats = {name: max(1, math.ceil(sample / max(t, 1e-7))) for name, t in once.items()}
        times = [{name: seconds(call, repeats[name]) for name, call in calls.items()} for _ in range(turns)]
    elements = {name: entry.floor_elements if name in entry.floors else entry.elements for name in calls}
    samples = {name: [turn[name] / elements[name] * 1e9 for turn in times] for name in calls}
    median = {name: statistics.median(values) for name, values in samples.items()}
    ours = median[next(iter(entry.calls))]
    return [
        Row(
            entry.shape,
            entry.quantity.name,
            entry.quantity.order,
            name,
            elements[name],
            median[name],
            min(values),
            median[name] / ours,
            median[name] / median[LOG],
            median[name] / median[STREAM],
        )
        for name, values in samples.items()
    ]


def seconds(call: Call, repeats: int) -> float:
    """Time of the processor for one call, on average."""
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


# ------------------------------------------------------------------------------------------------------------ the results

HEADER = ("divergence", "route", "median", "least", "times ours", "times one log", "times one product", "per call")


def written(row: Row) -> list[str]:
    """A line of the table."""
    name = row.quantity if row.order is None else f"{row.quantity}({row.order:g})"
    numbers = [row.median, row.least, row.times_ours, row.times_log, row.times_product]
    return [name, row.route, *(f"{x:.3g}" for x in numbers), per_call(row)]


def per_call(row: Row) -> str:
    """Time of one call, in the unit that fits."""
    t = row.median * row.elements
    return f"{t / 1e3:.1f} µs" if t < 1e6 else f"{t / 1e6:.1f} ms"


def speed_targets(rows: Sequence[Row], settings: Settings) -> Iterator[Target]:
    """What must hold of single calls, and of the matrix."""
    shapes = {LARGE: large(settings), SMALL: SMALL_SHAPE}
    found = {(row.shape, row.quantity, row.route): row for row in rows}
    for shape, quantity, route, goal in GOALS:
        yield ratio_target(found[shapes[shape], quantity.name, route], goal)
    (cdist,) = (row for row in rows if row.route == "scipy cdist")
    yield ratio_target(cdist, PAIRWISE_GOAL)


def ratio_target(row: Row, goal: float) -> Target:
    """That this library is so many times as fast as a peer."""
    ours = row.median / row.times_ours
    figure = f"{row.times_ours:.2f} times ({ours:.3g} against {row.median:.3g} ns per element)"
    return Target(
        f"{row.quantity}, {row.shape}: >= {goal:g} times as fast as {row.route}", figure, row.times_ours >= goal
    )


def matrix_targets(settings: Settings) -> Iterator[Target]:
    """That the matrix is right where rows are close, beside what cdist says there."""
    X, Y = (x[:6] for x in matrix_pair(settings))
    with np.errstate(all="ignore"):
        by_route = {OURS: dv.pairwise(dv.js, X, Y), "cdist": distance.cdist(X, Y, "jensenshannon") ** 2}
    exact = [[truths(x, y, [JS])[JS] for y in Y] for x in X]
    worst = {
        name: max(relative_error(float(matrix[i, j]), exact[i][j]) for i in range(len(X)) for j in range(len(Y)))
        for name, matrix in by_route.items()
    }
    figure = f"{worst[OURS]:.1e} (cdist: {worst['cdist']:.1e})"
    claim = f"js, pairwise, rows as close as 1e-10: relative error <= {ERROR_GOAL:.0e}"
    yield Target(claim, figure, worst[OURS] <= ERROR_GOAL)


def enclosure_targets(rows: Sequence[Row]) -> Iterator[Target]:
    """That enclosures are fast, narrow and right, close pairs included."""
    timed = [row for row in rows if row.route == ENCLOSE]
    slowest = max(timed, key=lambda row: row.median)
    t = slowest.median * slowest.elements / 1e9
    yield Target(
        f"enclose, n = 1000: <= {ENCLOSE_GOAL * 1e3:g} ms", f"{t * 1e3:.2f} ms ({slowest.quantity})", t <= ENCLOSE_GOAL
    )
    rng = np.random.default_rng(2)
    pairs = [
        tuple(rng.dirichlet(np.ones(1000), 2)),
        *(close(1000, closeness, rng) for closeness in (1e-4, 1e-8, 1e-12)),
    ]
    widths, contained, asked = [0.0], 0, 0
    for p, q in pairs:
        for quantity, truth in truths(p, q, QUANTITIES).items():
            bounds = declared(quantity.name, *quantity.parameters).enclose(p, q)
            widths.append((bounds.upper - bounds.lower) / np.spacing(bounds.lower))
            contained += bool(truth >= bounds.lower) and bool(truth <= bounds.upper)
            asked += 1
    widest = max(widths)
    yield Target(f"enclose, n = 1000: <= {WIDTH_GOAL} ulp wide", f"{widest:g} ulp", bool(widest <= WIDTH_GOAL))
    yield Target("enclose, n = 1000: contains the truth", f"{contained} of {asked}", contained == asked)


# ------------------------------------------------------------------------------------------------------------ the picture

MARKS = (("o", "#0072B2", 0.17), ("s", "#D55E00", 0.0), ("^", "#009E73", -0.17))
"""Okabe and Ito's colours; the markers differ too, and none covers another."""

TITLES = {
    "kl": "Kullback-Leibler",
    "js": "Jensen-Shannon",
    "squared_hellinger": "squared Hellinger",
    "pearson_chi2": r"Pearson $\chi^2$",
}


def draw(rows: Sequence[Row], settings: Settings, path: Path) -> None:
    """Nanoseconds per element of every route; a panel per divergence, a marker per shape."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    shapes = (large(settings), batch(settings), SMALL_SHAPE)
    shown = [row for row in rows if row.shape in shapes]
    count = {name: len({row.route for row in shown if row.quantity == name}) for name in TITLES}
    heights = [max(count["kl"], count["js"]), max(count["squared_hellinger"], count["pearson_chi2"])]
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.6), sharex=True, height_ratios=heights, layout="constrained")
    for axis, (name, title) in zip(axes.flat, TITLES.items(), strict=True):
        panel(axis, [row for row in shown if row.quantity == name], shapes)
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("nanoseconds per element, one thread")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=200)
    plt.close(figure)


def panel(axis: Axes, rows: Sequence[Row], shapes: Sequence[str]) -> None:
    """One divergence: routes from slow to fast by the first shape, this library in bold, the floors last."""
    at = {row.route: row.median for row in rows[::-1]}
    order = [STREAM, LOG, *sorted(at.keys() - {STREAM, LOG}, key=at.__getitem__)]
    for shape, (marker, colour, shift) in zip(shapes, MARKS, strict=True):
        chosen = [row for row in rows if row.shape == shape]
        x, y = [row.median for row in chosen], [order.index(row.route) + shift for row in chosen]
        axis.plot(x, y, ls="none", marker=marker, color=colour, ms=5.5, mec="white", mew=0.5, label=shape, zorder=3)
    axis.axhspan(order.index(OURS) - 0.45, order.index(OURS) + 0.45, color="#DCE9F5", lw=0, zorder=0)
    axis.set(xscale="log", yticks=range(len(order)), yticklabels=["this library" if r == OURS else r for r in order])
    axis.xaxis.set_major_formatter("{x:g}")
    axis.grid(axis="x", which="major", color="#DDDDDD", lw=0.6)
    axis.tick_params(axis="y", length=0)
    axis.get_yticklabels()[order.index(OURS)].set_fontweight("bold")


if __name__ == "__main__":
    sys.exit(main())
