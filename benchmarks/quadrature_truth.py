r"""Whether the bounds of quadrature hold the closed forms, on random pairs of random families at every closeness.

The two roads have nothing in common: divergences between densities are integrated or summed with a bound of the error,
closed forms come from log-partition functions and moments. Parameters are drawn over decades, the second distribution
at a relative distance of 1 down to 1e-8 from the first, or independently of it.

Prints a table by family and every pair that is outside its bounds, and writes CSV and JSON under benchmarks/results/.

    python benchmarks/quadrature_truth.py [--quick] [--draws 3000] [--seed 0] [--out benchmarks/results]
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

if __name__ == "__main__":  # read when numpy is imported
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

import numpy as np
from divergence_report import Target, announce, save, show

import divergences as dv
from divergences import families
from divergences.bounds import Bounds
from divergences.closed_forms import closed_form
from divergences.densities import divergence_bounds

RESULTS = Path(__file__).parent / "results"

QUICK = 300

ROUNDING = 1e-13
"""Relative error that a closed form is allowed."""

CLOSENESS = (math.inf, 1e-8, 1e-4, 0.1, 1.0)
"""Relative distance of the second distribution from the first; at ``inf`` it is drawn independently."""

DIVERGENCES: tuple[Any, ...] = (
    dv.kl,
    dv.reverse_kl,
    dv.jeffreys,
    dv.squared_hellinger,
    dv.pearson_chi2,
    dv.neyman_chi2,
    dv.tv,
    dv.alpha(0.3),
    dv.alpha(-0.5),
    dv.alpha(1.4),
)

Parameter = Callable[[np.random.Generator], float]


def positive(rng: np.random.Generator) -> float:
    """Over a decade, or over many."""
    return float(np.exp(rng.normal() * rng.choice([0.3, 1.0, 3.0])))


def real(rng: np.random.Generator) -> float:
    """Of either sign."""
    return float(rng.normal() * rng.choice([0.1, 1.0, 10.0]))


def share(rng: np.random.Generator) -> float:
    """A probability that is neither 0 nor 1."""
    return float(rng.uniform(0.01, 0.99))


FAMILIES: dict[Any, tuple[Parameter, ...]] = {
    families.Normal: (real, positive),
    families.LogNormal: (real, positive),
    families.HalfNormal: (positive,),
    families.Exponential: (positive,),
    families.Gamma: (positive, positive),
    families.InverseGamma: (positive, positive),
    families.Weibull: (positive, positive),
    families.Beta: (positive, positive),
    families.Laplace: (real, positive),
    families.Cauchy: (real, positive),
    families.Gumbel: (real, positive),
    families.Pareto: (positive, positive),
    families.Chi: (positive, positive),
    families.ExpGamma: (positive, positive),
    families.Moyal: (real, positive),
    families.LogitNormal: (real, positive),
    families.ContinuousBernoulli: (share,),
    families.Poisson: (positive,),
    families.Geometric: (share,),
}
"""And how their parameters are drawn."""


@final
@dataclass(frozen=True)
class Settings:
    """One run.

    Parameters
    ----------
    quick : bool
        Few pairs.
    draws : int
        Pairs, each under one divergence.
    seed : int
        Of the random numbers.
    out : str
        Folder of the files.
    """

    quick: bool
    draws: int
    seed: int
    out: str


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair, its divergence by the closed form, and the bounds of the other road."""

    d: Any
    P: Any
    Q: Any
    closed: float
    bounds: Bounds
    seconds: float

    @property
    def inside(self) -> bool:
        """Whether the closed form, but for its rounding, is within the bounds."""
        if self.closed == math.inf:
            return self.bounds.upper == math.inf
        slack = ROUNDING * self.closed
        return self.bounds.lower <= self.closed + slack and self.closed - slack <= self.bounds.upper

    @property
    def width(self) -> float:
        """Relative width of the bounds of a finite divergence; 0 for an infinite one that is known to be."""
        if self.closed == math.inf:
            return 0.0 if self.bounds.lower == math.inf else math.inf
        return self.bounds.gap / self.closed if self.closed > 0 else 0.0


def pairs(rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """Random pairs of one family, without end."""
    kinds = list(FAMILIES)
    while True:
        kind = kinds[rng.integers(len(kinds))]
        drawn = FAMILIES[kind]
        closeness = float(rng.choice(CLOSENESS))
        first = [parameter(rng) for parameter in drawn]
        if closeness == math.inf:
            second = [parameter(rng) for parameter in drawn]
        else:
            moved = closeness * rng.normal(size=len(drawn))
            second = [
                x + step if parameter is real else x * (1 + step)
                for x, step, parameter in zip(first, moved, drawn, strict=True)
            ]
        try:
            yield kind(*first), kind(*second)
        except ValueError:  # outside of the family: another pair
            continue


def comparisons(rng: np.random.Generator, count: int) -> Iterator[Comparison]:
    """So many pairs that have a closed form under a divergence drawn with them."""
    drawn = pairs(rng)
    while count:
        P, Q = next(drawn)
        d = DIVERGENCES[rng.integers(len(DIVERGENCES))]
        closed = closed_form(d, P, Q)
        if closed is None:
            continue
        count -= 1
        start = time.perf_counter()
        bounds = divergence_bounds(d, P, Q)
        yield Comparison(d, P, Q, float(closed), bounds, time.perf_counter() - start)


@final
@dataclass(frozen=True, slots=True)
class Row:
    """The comparisons of one family."""

    family: str
    comparisons: int
    outside: int
    infinite: int
    infinite_unknown: int
    median_width: float
    wide: int
    slowest: float


def row_of(family: str, found: list[Comparison]) -> Row:
    """Count them; bounds wider than 1e-8 are called wide."""
    widths = [x.width for x in found if x.closed < math.inf]
    unbounded = [x for x in found if x.closed == math.inf]
    return Row(
        family,
        len(found),
        sum(not x.inside for x in found),
        len(unbounded),
        sum(x.width == math.inf for x in unbounded),
        float(np.median(widths)) if widths else 0.0,
        sum(width > 1e-8 for width in widths),
        max(x.seconds for x in found),
    )


def main() -> int:
    """Run, print, write; 1 if a closed form is outside the bounds."""
    parser = argparse.ArgumentParser(description="Quadrature against closed forms on random pairs.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} pairs")
    parser.add_argument("--draws", type=int, default=3000, help="pairs")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--out", default=str(RESULTS), help="folder of the files")
    settings = Settings(**vars(parser.parse_args()))
    by_family: dict[str, list[Comparison]] = {}
    outside = 0
    for x in comparisons(np.random.default_rng(settings.seed), QUICK if settings.quick else settings.draws):
        by_family.setdefault(type(x.P).__name__, []).append(x)
        if not x.inside:
            outside += 1
            print(f"outside: {x.d} of {x.P} and {x.Q}: {x.closed!r}, {x.bounds}", flush=True)
    rows = [row_of(family, found) for family, found in sorted(by_family.items())]
    show(
        "bounds of quadrature against closed forms",
        ("family", "pairs", "outside", "infinite", "not seen to be", "median width", "wider than 1e-8", "slowest"),
        [
            (
                r.family,
                str(r.comparisons),
                str(r.outside),
                str(r.infinite),
                str(r.infinite_unknown),
                f"{r.median_width:.0e}",
                str(r.wide),
                f"{r.slowest:.2f} s",
            )
            for r in rows
        ],
    )
    total = sum(r.comparisons for r in rows)
    judged = [Target("every closed form within the bounds of quadrature", f"{total - outside} of {total}", not outside)]
    announce(judged)
    save(Path(settings.out), "quadrature_truth", settings, rows, judged)
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
