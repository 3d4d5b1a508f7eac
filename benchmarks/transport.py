"""Exact transport between clouds of points beside POT and scipy: seconds, peak memory, and the certificate.

Each row runs in a process of its own, this library first and then the peer, so that the peak of either is known: memory
is what the process holds above its imports and data. The peer gets the matrix of costs it needs, and time to make it;
`ot.emd2` has its pivot limit raised. Rows without a peer are too large for a matrix.

    python benchmarks/transport.py [--quick] [--only large] [--out benchmarks/results]
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import ot
from divergence_report import Target, announce, save, show
from scipy.stats import wasserstein_distance_nd

import divergences as dv
from divergences.transport import Transport

RESULTS = Path(__file__).parent / "results"
LIMIT = 10**12
MEBI = 2**20


@final
@dataclass(frozen=True, slots=True)
class Case:
    """A problem, what it is compared with, and what is to hold."""

    group: str
    kind: str
    n: int
    d: int
    p: int
    weighted: bool
    peer: str
    least: float
    """Times as fast as the peer, or for rows without one the most seconds."""
    memory: float = 0.0
    """Times less memory than the peer, or for rows without one the most MiB."""

    def __str__(self) -> str:
        """The problem in words."""
        masses = "weighted" if self.weighted else "uniform"
        return f"{self.kind} n={self.n} d={self.d} p={self.p} {masses}"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """What was measured."""

    group: str
    case: str
    method: str
    seconds: float
    mebibytes: float
    peer: str
    peer_seconds: float
    peer_mebibytes: float
    difference: float
    """Relative difference of the peer's cost from ours; not negative up to rounding where the peer found no better plan."""
    gap: float
    """Relative width of the proven bounds."""
    marginals: float
    """Largest deviation of a marginal of the plan."""


def cases(*, quick: bool) -> list[Case]:
    """All rows."""
    if quick:
        return [
            Case("dense", "normals", 1600, 2, 2, True, "ot.emd2", 1.0),
            Case("small", "lattice", 400, 2, 1, True, "ot.emd2", 1 / 1.2),
            Case("nd", "normals", 50, 2, 1, False, "scipy nd", 10.0),
        ]
    small = [
        Case("small", kind, n, 2, p, weighted, "ot.emd2", 1 / 1.2)
        for kind, n in (
            ("normals", 100),
            ("normals", 1000),
            ("lattice", 2500),
            ("repeated", 2000),
            ("line in plane", 1000),
        )
        for p in (1, 2)
        for weighted in (False, True)
    ]
    return [
        Case("dense", "normals", 8_000, 2, 2, True, "ot.emd2", 8.0, 20.0),
        Case("dense", "normals", 12_000, 2, 2, True, "ot.emd2", 12.0, 20.0),
        Case("dense", "normals", 8_000, 2, 1, True, "ot.emd2", 3.0),
        Case("dense", "normals", 12_000, 2, 1, True, "ot.emd2", 3.5),
        Case("dense", "normals", 8_000, 2, 1, False, "ot.emd2", 3.0),
        Case("dense", "normals", 8_000, 10, 2, False, "ot.emd2", 7.0),
        Case("dense", "normals", 8_000, 10, 1, False, "ot.emd2", 7.0),
        Case("lazy", "normals", 8_000, 2, 2, False, "ot.emd2_lazy", 15.0),
        *small,
        Case("nd", "normals", 200, 2, 1, False, "scipy nd", 100.0),
        Case("nd", "normals", 400, 2, 1, False, "scipy nd", 400.0),
        Case("large", "normals", 50_000, 2, 2, False, "", 60.0, 1024.0),
        Case("large", "normals", 50_000, 2, 2, True, "", 60.0, 1024.0),
        Case("large", "normals", 32_000, 2, 1, False, "", 90.0, 1024.0),
        Case("large", "normals", 32_000, 2, 1, True, "", 90.0, 1024.0),
        Case("large", "normals", 100_000, 2, 2, False, "", 180.0, 1024.0),
        Case("large", "normals", 100_000, 2, 2, True, "", 180.0, 1024.0),
    ]


def points(case: Case) -> tuple[Any, Any, Any, Any]:
    """Both clouds and their weights."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((case.n, case.d)), rng.standard_normal((case.n, case.d)) + 1.0
    if case.kind == "lattice":
        side = math.isqrt(case.n)
        x = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2).astype(float)
        y = x[rng.permutation(len(x))]
    elif case.kind == "repeated":
        x, y = (v[: case.n // 4].repeat(4, axis=0) for v in (x, y))
    elif case.kind == "line in plane":
        x[:, 1] = y[:, 1] = x[:, 0].mean()
    a, b = (rng.random(len(v)) + 0.1 if case.weighted else np.ones(len(v)) for v in (x, y))
    return x, y, a / a.sum(), b / b.sum()


def by_dense_pot(x: Any, y: Any, a: Any, b: Any, p: int) -> float:
    """The network simplex on the matrix."""
    return float(ot.emd2(a, b, ot.dist(x, y, "sqeuclidean" if p == 2 else "euclidean"), numItermax=LIMIT))


def by_lazy_pot(x: Any, y: Any, a: Any, b: Any, p: int) -> float:
    """The network simplex without the matrix."""
    metric = "sqeuclidean" if p == 2 else "euclidean"
    return float(ot.emd2_lazy(x, y, a, b, metric=metric, numItermax=LIMIT, return_matrix=False))


def by_scipy(x: Any, y: Any, a: Any, b: Any, p: int) -> float:
    """The dual program by HiGHS, for p = 1."""
    if p != 1:
        msg = f"expected p = 1, the only order that scipy has, got {p}"
        raise ValueError(msg)
    return float(wasserstein_distance_nd(x, y, a, b))


PEERS: dict[str, Callable[..., float]] = {"ot.emd2": by_dense_pot, "ot.emd2_lazy": by_lazy_pot, "scipy nd": by_scipy}


def peak() -> float:
    """Most memory this process has ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBI


def timed(call: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Least wall time of some calls, and what the last returned."""
    least, result = math.inf, None
    for _ in range(repeat):
        start = time.perf_counter()
        result = call()
        least = min(least, time.perf_counter() - start)
    return least, result


def measured(case: Case) -> Row:
    """One row, in this process."""
    x, y, a, b = points(case)
    masses = (a, b) if case.weighted else (None, None)
    repeat = 1 if case.n > 3000 else max(3, min(20, 2_000_000 // case.n**2))  # the first call has fresh memory to claim
    dv.wasserstein(x[:5], y[:5], p=case.p)  # imports what is imported on first use
    base = peak()
    seconds, t = timed(lambda: dv.wasserstein(x, y, *masses, p=case.p), repeat)
    above = peak() - base
    peer_seconds, value, peer_above = math.nan, math.nan, math.nan
    if case.peer:
        peer_seconds, value = timed(lambda: PEERS[case.peer](x, y, a, b, case.p), repeat)
        peer_above = peak() - base
    difference = value / t.cost - 1 if t.cost else value
    return Row(
        case.group,
        str(case),
        str(t.method),
        seconds,
        above,
        case.peer,
        peer_seconds,
        peer_above,
        difference,
        t.bounds.gap / (t.value or 1),
        marginal_error(t, a, b),
    )


def marginal_error(t: Transport, a: Any, b: Any) -> float:
    """Largest deviation of the plan's sums from the weights."""
    return max(float(np.abs(t.plan.sum(axis=k) - w).max()) for k, w in ((1, a), (0, b)))


def apart(case: Case) -> Row:
    """One row, in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def goals(case: Case, row: Row) -> list[Target]:
    """What a row was to reach."""
    if not case.peer:
        speed = Target(f"{case}: at most {case.least:g} s", f"{row.seconds:.1f} s", row.seconds <= case.least)
        space = Target(f"{case}: at most {case.memory:g} MiB", f"{row.mebibytes:.0f} MiB", row.mebibytes <= case.memory)
    else:
        ratio, less = row.peer_seconds / row.seconds, row.peer_mebibytes / max(row.mebibytes, 1.0)
        claim = f"{case}: {case.least:.3g} times as fast as {case.peer}"
        speed = Target(claim, f"{ratio:.2f}", ratio >= case.least)
        space = Target(f"{case}: {case.memory:g} times less memory", f"{less:.1f}", less >= case.memory)
    gap = Target(f"{case}: relative gap at most 1e-14", f"{row.gap:.1e}", row.gap <= 1e-14)
    marginals = Target(f"{case}: marginals within 1e-15", f"{row.marginals:.1e}", row.marginals <= 1e-15)
    return [speed, *([space] if case.memory else []), gap, marginals]


def told(row: Row) -> list[str]:
    """A line of the table."""
    peer = ["", "", "", ""]
    if row.peer:
        ratio, less = row.peer_seconds / row.seconds, row.peer_mebibytes / max(row.mebibytes, 1.0)
        peer = [row.peer, f"{row.peer_seconds:.3g}", f"{ratio:.2f}", f"{less:.1f}"]
    seconds, space = f"{row.seconds:.3g}", f"{row.mebibytes:.0f}"
    return [
        row.case,
        row.method,
        seconds,
        space,
        *peer,
        f"{row.difference:.1e}",
        f"{row.gap:.1e}",
        f"{row.marginals:.0e}",
    ]


HEADER = ["case", "method", "s", "MiB", "peer", "s", "times as fast", "less memory", "difference", "gap", "marginals"]


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """How the benchmark ran."""

    quick: bool
    only: str


def main(arguments: list[str] | None = None) -> int:
    """Run all rows; 1 if a goal is missed, unless the run is a quick one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three small rows, goals said and not asserted")
    parser.add_argument("--only", default="", help="one group of rows: dense, lazy, small, nd or large")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the tables")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(asdict(measured(Case(**json.loads(options.case))))))
        return 0
    rows, targets = [], []
    for case in cases(quick=options.quick):
        if options.only in ("", case.group):
            rows.append(apart(case))
            targets += goals(case, rows[-1])
            print("  ".join(told(rows[-1])), flush=True)
    show("exact transport between clouds of points", HEADER, [told(row) for row in rows])
    met = announce(targets)
    save(options.out, "transport", Settings(options.quick, options.only), rows, targets)
    return int(not (met or options.quick))


if __name__ == "__main__":
    sys.exit(main())
