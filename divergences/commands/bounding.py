"""``divergences bound``: what the value of one divergence says about another."""

import argparse
from typing import TYPE_CHECKING, Any

from divergences.commands.printing import print_columns, print_json
from divergences.commands.running import CommandError

if TYPE_CHECKING:
    from divergences.relations import SharpBound
    from divergences.relations.joint import Extreme

__all__ = ["declare", "run"]

DESCRIPTION = """\
Sharp bounds on an f-divergence, given the value of another: the smallest and the largest that any two distributions with
that value have, proven, and a pair of distributions that attains each, or comes near where none attains it."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("divergence", help="the one to bound: kl, or alpha:0.5 of a family")
    parser.add_argument("--given", required=True, metavar="NAME=VALUE", help="the one that is known, as tv=0.3")
    parser.add_argument("--json", action="store_true", help='strict JSON; infinities are "inf"')


def run(given: argparse.Namespace) -> None:
    """Compute and print.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    from divergences.commands.naming import f_divergence
    from divergences.relations import bound

    name, sign, text = given.given.rpartition("=")
    try:
        value = float(text) if sign else None
    except ValueError:
        value = None
    if value is None:
        msg = f"expected --given to be a name and a number, got {given.given!r}; write --given tv=0.3"
        raise CommandError(msg)
    found = bound(f_divergence(given.divergence), given=f_divergence(name), value=value)
    if given.json:
        print_json(_as_json(found))
    else:
        _show(found)


def _as_json(found: "SharpBound") -> dict[str, Any]:
    ends = {name: _end(end) for name, end in (("smallest", found.smallest), ("largest", found.largest))}
    return {
        "divergence": found.d.name,
        "given": found.given.name,
        "value": found.value,
        "lower": found.lower,
        "upper": found.upper,
        **ends,
    }


def _end(end: "Extreme") -> dict[str, Any]:
    bounds = {name: getattr(end.bounds, name) for name in ("lower", "value", "upper")}
    return {**bounds, "p": end.p.tolist(), "q": end.q.tolist(), "attained": end.attained}


def _show(found: "SharpBound") -> None:
    print(f"{found.d.name} of all pairs with {found.given.name} = {found.value!r}\n")
    rows: list[tuple[object, ...]] = [
        ("at least", found.lower, "proven"),
        ("at most", found.upper, "proven" if found.upper < float("inf") else "there is no bound"),
    ]
    for name, end in (("smallest", found.smallest), ("largest", found.largest)):
        how = "attained by" if end.attained else "approached, for example by"
        rows += [(name, end.bounds.value, how), ("  p", _vector(end.p), ""), ("  q", _vector(end.q), "")]
    print_columns(rows)


def _vector(p: Any) -> str:
    return "(" + ", ".join(f"{x:.12g}" for x in p) + ")"
