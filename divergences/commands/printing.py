"""Results as aligned columns, CSV, or JSON."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["cell", "print_columns", "print_csv", "print_json"]


def print_json(result: Mapping[str, Any]) -> None:
    """Print strict JSON on one line; infinities are the strings "inf" and "-inf".

    Parameters
    ----------
    result : mapping
        Numbers, strings, lists and mappings.
    """
    import json

    print(json.dumps(_strict(result), allow_nan=False))


def print_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a line of names, and one per row.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequences
        Their entries.
    """
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if x is None else cell(x) for x in row] for row in rows)


def print_columns(rows: Iterable[Sequence[object]]) -> None:
    """Print rows with aligned columns, the last one as wide as it is.

    Parameters
    ----------
    rows : iterable of sequences
        Their entries.
    """
    cells = [[cell(x) for x in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(x.ljust(width) for x, width in zip(row, widths, strict=True)).rstrip())


def cell(x: object) -> str:
    """One entry as text: floats with all of their digits.

    Parameters
    ----------
    x : object
        The entry.

    Returns
    -------
    str
        Its text; "-" for what there is not, "yes" and "no" for truth.
    """
    if x is None:
        return "-"
    if isinstance(x, bool):
        return "yes" if x else "no"
    return repr(float(x)) if isinstance(x, float) else str(x)


def _strict(x: Any) -> Any:
    if isinstance(x, Mapping):
        return {key: _strict(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [_strict(value) for value in x]
    if isinstance(x, float) and not math.isfinite(x):
        return str(float(x))
    return x
