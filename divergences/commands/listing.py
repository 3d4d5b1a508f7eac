"""``divergences table``: the catalogue as a table, from the declarations."""

import argparse

from divergences.commands.printing import cell, print_columns, print_csv, print_json

__all__ = ["declare", "run"]

DESCRIPTION = """\
All declared divergences: f and its conjugate f* on the range of f', the domain of f*, the range of values, and the power
that is a metric; families by their examples. Formulas are those of sympy."""

WIDTH = 38
"""Longest cell of the table for people."""


TITLES = {"f": "f(u)", "conjugate": "f*(t)", "domain": "domain of f*"}
"""Headings of columns, where they differ from the names in JSON and CSV."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("-d", "--divergence", metavar="NAMES", help="only these, as for compare (default: all)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="strict JSON, a list of rows")
    form.add_argument("--csv", action="store_true", help="a line per divergence")


def run(given: argparse.Namespace) -> None:
    """Print the table.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    from dataclasses import asdict

    from divergences.catalogue import FDIVERGENCES
    from divergences.commands.entries import entry
    from divergences.commands.naming import f_divergence

    chosen = FDIVERGENCES if given.divergence is None else [f_divergence(x) for x in given.divergence.split(",")]
    rows = [asdict(entry(d)) for d in chosen]
    header = list(rows[0])
    if given.json:
        print_json({"divergences": rows})
    elif given.csv:
        print_csv(header, [list(row.values()) for row in rows])
    else:
        shown = [[*map(_cut, list(row.values())[:-1]), row["source"]] for row in rows]
        print_columns([[TITLES.get(name, name) for name in header], *shown])
        if any(x.endswith("...") for row in shown for x in row[:-1]):
            print(f"\n... cut at {WIDTH} characters; --json and --csv have all of it")


def _cut(x: object) -> str:
    text = cell(x)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
