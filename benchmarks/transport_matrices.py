"""Transport of given cost matrices: how right, and how fast, beside POT and HiGHS in one process and one thread.

Three tables. Errors on integer instances and on the ill-conditioned cases, against the rational optimum (the value of a
plan and of potentials that meet in rational arithmetic). Times for matrices given whole. Many histograms under one cost.
Times are those of the processor, the least of several runs; `ot.emd2` has its pivot limit raised.

    python benchmarks/transport_matrices.py [--quick] [--out benchmarks/results]
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # read when numpy is imported
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

import numpy as np
import ot
from scipy.optimize import linprog
from scipy.spatial.distance import cdist

from divergences.transport import emd
from divergences.transport.histograms import SharedCost

Row = dict[str, Any]
LIMIT = 10**12
RATIO_GOAL = 1.2


def clouds(n: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Weighted normal clouds in the plane; masses are multiples of 2**-20, so that both totals are exactly 1."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) + 1
    a, b = (rng.multinomial(2**20 - n, np.full(n, 1 / n)) + 1.0 for _ in "ab")
    return a / 2**20, b / 2**20, cdist(x, y)


def hard_cases(n: int) -> Iterator[tuple[str, Any, Any, Any]]:
    """The cases on which absolute tolerances fail."""
    (a, b, c), rng = clouds(n), np.random.default_rng(1)
    rare = rng.random((n, n)) < 0.3
    units = np.round(100 * c)
    yield "integers", np.round(a * 2**20), np.round(b * 2**20), units
    yield "plain", a, b, c
    yield "uniform", np.full(n, 1 / n), np.full(n, 1 / n), c
    for s in (1e-200, 1e-12, 1e-10, 1e-8, 1e-4, 1e4, 1e8, 1e12):
        yield f"cost x {s:g}", a, b, s * c
    yield "costs over 1e-8..1e8", a, b, 10.0 ** rng.uniform(-8, 8, (n, n))
    yield "entries of 1e32 that forbid", a, b, np.where(rare, 1e32, 1000 * c)
    for s in (1e6, 1e12, np.inf):
        yield f"30 % of pairs at {s:g}", a, b, np.where(rare, s, c)
    for s in (1e9, 1e12, 1e-6, 1e-12):
        yield f"total mass {s:g}", s * a, s * b, c
    few = np.where(np.arange(n) % 2, a, 1e-12)
    yield "half of the masses 1e-12", few / few.sum(), b, c
    wide = np.exp(-rng.uniform(0, 60, (2, n)))
    yield "masses exp(-U(0, 60))", *(wide / wide.sum(axis=1, keepdims=True)), c
    twins = np.arange(n) // 3
    yield "duplicates", a, b, c[np.ix_(twins, twins)]
    yield "equal costs", a, b, np.full((n, n), 0.7)
    yield "negative costs", a, b, -c
    yield "zero masses", *((w := np.where(np.arange(n) % 3, v, 0)) / w.sum() for v in (a, b)), c


def rational_optimum(a: Any, b: Any, cost: Any) -> tuple[Fraction, float]:
    """Cost of our plan and the gap to our potentials, in rational arithmetic, relative to the cost without signs."""
    t = emd(a, b, cost)
    f, g = (list(map(Fraction, v.tolist())) for v in t.potentials)
    if any(f[i] + g[j] > Fraction(float(cost[i, j])) for i, j in np.argwhere(np.isfinite(cost)).tolist()):
        msg = "expected feasible potentials; the certificate is wrong"
        raise RuntimeError(msg)
    masses = [list(map(Fraction, w.tolist())) for w in (a, b)]
    total = (sum(masses[0]) + sum(masses[1])) / 2
    dual = sum(
        sum(u * v for u, v in zip(h, w, strict=True)) * total / sum(w) for h, w in zip((f, g), masses, strict=True)
    )
    flows = zip(t.plan.data.tolist(), cost[t.plan.row, t.plan.col].tolist(), strict=True)
    terms = [Fraction(m) * Fraction(c) for m, c in flows]
    return Fraction(t.value), float((sum(terms) - dual) / sum(map(abs, terms)))


def pot(a: Any, b: Any, cost: Any) -> float:
    """The value of POT, whatever it warns of."""
    return float(ot.emd2(a, b, cost, numItermax=LIMIT))


def highs(a: Any, b: Any, cost: Any) -> float:
    """The value of HiGHS, without the pairs of infinite cost; NaN if it finds none."""
    (i, j), n = np.nonzero(np.isfinite(cost)), len(a)
    marginals = np.zeros((n + len(b), len(i)))
    marginals[i, np.arange(len(i))] = marginals[n + j, np.arange(len(i))] = 1
    value = linprog(cost[i, j], A_eq=marginals, b_eq=np.concatenate([a, b]), method="highs-ds").fun
    return float("nan") if value is None else float(value)


def errors(n: int) -> list[Row]:
    """Relative errors of the values, and the rational gap of ours."""
    rows = []
    for name, a, b, cost in hard_cases(n):
        truth, gap = rational_optimum(a, b, cost)
        row: Row = {"case": name, "value": float(truth), "rational gap": gap}
        for peer in (pot, highs):
            try:
                row[peer.__name__] = float((Fraction(peer(a, b, cost)) - truth) / abs(truth))
            except (AssertionError, ValueError) as error:  # a NaN is refused by Fraction
                row[peer.__name__] = str(error)[:30].replace("\n", " ")
        rows.append(row)
    return rows


def matrices(n: int) -> Iterator[tuple[str, Any, Any, Any]]:
    """Costs of many kinds, uniform and weighted."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 10)), rng.normal(size=(n, 10)) + 1
    side = int(np.ceil(n**0.5))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)[:n].astype(float)
    uniform, (a, b) = np.full(n, 1 / n), (w / w.sum() for w in rng.random((2, n)) + 0.1)
    for name, cost in (
        ("independent", rng.random((n, n))),
        ("plane", cdist(x[:, :2], y[:, :2])),
        ("plane, squared", cdist(x[:, :2], y[:, :2], "sqeuclidean")),
        ("10-D", cdist(x, y)),
        ("grid", cdist(grid, grid)),
        ("grid, squared", cdist(grid, grid, "sqeuclidean")),
    ):
        yield f"{name}, weighted", a, b, cost
        yield f"{name}, uniform", uniform, b if name.startswith("grid") else uniform, cost


def least(f: Callable[[], Any], repeat: int) -> float:
    """Least processor time of some runs, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        f()
        times.append(time.process_time() - start)
    return min(times)


def speed(sizes: tuple[int, ...]) -> list[Row]:
    """Times of matrices given whole."""
    rows = []
    for n in sizes:
        repeat = min(max(3, 3 * 10**5 // n**2), 200)
        for name, a, b, cost in matrices(n):
            theirs, ours = (least(lambda f=f, p=(a, b, cost): f(*p), repeat) for f in (pot, emd))  # type: ignore[misc]
            rows.append({"n": n, "cost": name, "POT ms": 1e3 * theirs, "ours ms": 1e3 * ours, "ratio": ours / theirs})
    return rows


def histograms(pairs: int) -> list[Row]:
    """Pairs of 32-bin histograms under one cost, on one thread."""
    rng, x = np.random.default_rng(0), np.linspace(0, 1, 32)[:, None]
    p, q = rng.dirichlet(np.ones(32), (2, pairs))
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(4.0)), -1).reshape(-1, 2)
    rows = []
    for name, cost in (
        ("line", cdist(x, x)),
        ("line, squared", cdist(x, x, "sqeuclidean")),
        ("plane", cdist(grid, grid)),
        ("plane, squared", cdist(grid, grid, "sqeuclidean")),
        ("independent", rng.random((32, 32))),
    ):
        d = SharedCost(cost, threads=1)
        theirs = least(lambda c=cost: [ot.emd2(u, v, c) for u, v in zip(p, q, strict=True)], 2)  # type: ignore[misc]
        ours = least(lambda d=d: d(p, q), 5)  # type: ignore[misc]
        b = d.bounds(p, q)
        rows.append(
            {"cost": name, "POT ms": 1e3 * theirs, "ours ms": 1e3 * ours, "times as fast": theirs / ours}
            | {"widest relative gap": float((b.gap / b.value).max())}
        )
    return rows


def show(title: str, rows: list[Row]) -> None:
    """A table in plain text."""
    print(f"\n{title}")
    cells = [list(rows[0])] + [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in r.values()] for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def main(argv: list[str] | None = None) -> int:
    """Run all tables; the exit status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for a test of the script")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for the JSON")
    options = parser.parse_args(argv)
    quick = options.quick
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of POT, about what the tables show
        tables = {
            "errors": errors(16 if quick else 60),
            "speed": speed((10, 30) if quick else (10, 100, 300, 1000, 3000)),
            "histograms": histograms(50 if quick else 1000),
        }
    for title, rows in tables.items():
        show(title, rows)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "transport_matrices.json").write_text(json.dumps(tables, indent=1))
    worst = max(abs(r["rational gap"]) for r in tables["errors"])
    slow = [r for r in tables["speed"] if r["ratio"] > RATIO_GOAL]
    print(
        f"\nwidest rational gap {worst:.1e}; {len(slow)} of {len(tables['speed'])} matrices slower than {RATIO_GOAL} x POT"
    )
    return int(worst > 1e-13)


if __name__ == "__main__":
    raise SystemExit(main())
