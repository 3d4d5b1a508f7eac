"""What both divergence benchmarks do with their rows: print a table, write CSV and JSON, say which targets are met."""

import csv
import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import scipy
import torch

import divergences as dv

__all__ = ["Target", "announce", "save", "show"]


@final
@dataclass(frozen=True, slots=True)
class Target:
    """Something that must hold, the figure that says whether it does, and whether it does."""

    claim: str
    figure: str
    met: bool


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, its columns as wide as they need to be."""
    cells = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    rule = "-" * max(map(len, lines))
    print(f"\n{title}\n{rule}", *lines, sep="\n", flush=True)


def announce(targets: Sequence[Target]) -> bool:
    """Print one line per target; whether all are met."""
    print("\ntargets")
    for target in targets:
        print(f"  {'met' if target.met else 'MISSED':<6}  {target.claim}: {target.figure}")
    return all(target.met for target in targets)


def save(out: Path, name: str, settings: Any, rows: Sequence[Any], targets: Sequence[Target]) -> None:
    """The rows as CSV, and with settings, versions and targets as JSON."""
    out.mkdir(parents=True, exist_ok=True)
    flat = [asdict(row) for row in rows]
    with (out / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(flat[0]))
        writer.writeheader()
        writer.writerows(flat)
    versions = {module.__name__: module.__version__ for module in (dv, np, scipy, torch)}
    record = {
        "settings": asdict(settings),
        "versions": {"python": platform.python_version(), **versions},
        "targets": [asdict(target) for target in targets],
        "rows": flat,
    }
    (out / f"{name}.json").write_text(json.dumps(_finite(record), indent=1, allow_nan=False) + "\n")
    print(f"\nwritten to {os.path.relpath(out)}{os.sep}")


def _finite(x: Any) -> Any:
    """The record with "inf", "-inf" and "nan" as words, since JSON has no such numbers."""
    if isinstance(x, dict):
        return {key: _finite(value) for key, value in x.items()}
    if isinstance(x, list):
        return [_finite(value) for value in x]
    return str(float(x)) if isinstance(x, float) and not math.isfinite(x) else x
