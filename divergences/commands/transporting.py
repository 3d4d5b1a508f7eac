"""``divergences wasserstein``: the exact distance of two sets of points, with its certificate."""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from divergences.commands.printing import print_columns, print_json
from divergences.commands.running import FAILED, INTERRUPTED, CommandError, number

if TYPE_CHECKING:
    from divergences.transport import Transport

__all__ = ["declare", "run"]

DESCRIPTION = """\
Exact Wasserstein distance W_p between two weighted sets of points, with proven bounds. x and y are text or CSV (a line is
a point, whatever their number), npy (n,) or (n, d), npz (file.npz:name), or - for standard input."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("x", help="file of the first points")
    parser.add_argument("y", help="file of the second ones")
    parser.add_argument("--p", type=number, default=1.0, help="order, positive and finite (default 1)")
    parser.add_argument("--weights-x", metavar="FILE", help="weights of x, of mass 1 (default uniform)")
    parser.add_argument("--weights-y", metavar="FILE", help="weights of y, of mass 1 (default uniform)")
    parser.add_argument(
        "--metric", default="euclidean", help="a name that scipy.spatial.distance.cdist knows (default euclidean)"
    )
    parser.add_argument("--plan", metavar="FILE", help="save the optimal plan there, for scipy.sparse.load_npz")
    parser.add_argument("--json", action="store_true", help='strict JSON; infinities are "inf"')


def run(given: argparse.Namespace) -> None:
    """Compute, print, and save the plan.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    from divergences.commands.reading import read_points, read_vectors

    if given.plan is not None:
        _require_writable(given.plan)
    places = {"--weights-x": given.weights_x, "--weights-y": given.weights_y}
    asked = {name: place for name, place in places.items() if place is not None}
    _require_one_stdin(given.x, given.y, *asked.values())
    points = read_points({"x": given.x, "y": given.y})
    weights = read_vectors(asked)
    try:
        transport = _solved(points, weights, given)
    except ValueError as error:
        msg = f"{_spoken(str(error))} (x is {given.x}, y is {given.y})"
        raise CommandError(msg) from error
    if given.plan is not None:
        _save(transport.plan, given.plan)
    _show(transport, points, given)


def _require_one_stdin(*places: str) -> None:
    if places.count("-") > 1:
        msg = "expected at most one array from standard input, got several '-'; save the others to files"
        raise CommandError(msg)


def _require_writable(plan: str) -> None:
    """Look before the computation, so that it is not lost."""
    path = Path(plan)
    usable = not path.is_dir() and path.parent.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)
    if not usable:
        kind = "a folder" if path.is_dir() else "a place that cannot be written"
        msg = (
            f"expected --plan to be a file that can be written, got {kind}, {plan!r}; name a file in a folder of yours"
        )
        raise CommandError(msg)


def _solved(points: dict[str, Any], weights: dict[str, Any], given: argparse.Namespace) -> "Transport":
    from divergences.transport import Interrupted, TransportError, wasserstein

    a, b = weights.get("--weights-x"), weights.get("--weights-y")
    try:
        return wasserstein(points["x"], points["y"], a, b, p=given.p, metric=given.metric)
    except Interrupted as error:
        raise CommandError(str(error), INTERRUPTED) from error
    except TransportError as error:
        raise CommandError(str(error), FAILED) from error


def _spoken(message: str) -> str:
    """An error of the library in the words of the command line."""
    message = re.sub(r"^(?:weights|masses) ([ab])\b", lambda name: f"--weights-{'xy'['ab'.index(name[1])]}", message)
    message = message.replace("pass None for", "leave it out for")
    message = message.replace("sum, or use emd for masses of any total", "sum")
    message = message.replace(", or a function from arrays (n, d) and (m, d) to distances (n, m)", "")
    message = message.replace(", or wasserstein_1d on the line", "")
    return message.replace(", or pass a cost of any sign to emd", "")


def _save(plan: Any, where: str) -> None:
    from scipy.sparse import save_npz

    try:
        with Path(where).open("wb") as file:
            save_npz(file, plan)
    except OSError as error:
        msg = f"expected --plan to be a file that can be written, got {where!r}: {error.strerror}; name another"
        raise CommandError(msg) from error


def _show(transport: "Transport", points: dict[str, Any], given: argparse.Namespace) -> None:
    bounds = transport.bounds
    sizes = {name: len(array) for name, array in points.items()}
    result: dict[str, Any] = {
        "p": given.p,
        "value": bounds.value,
        "lower": bounds.lower,
        "upper": bounds.upper,
        "gap": bounds.gap,
        "cost": transport.cost,
        "method": str(transport.method),
        "points": [sizes["x"], sizes["y"]],
        "dimension": points["x"].shape[1] if points["x"].ndim == 2 else 1,
        "plan": given.plan,
    }
    if given.json:
        print_json({"x": given.x, "y": given.y, **result})
        return
    n, m = sizes["x"], sizes["y"]
    result["points"] = f"{n} and {m}"
    result["plan"] = "not saved; --plan FILE saves it"
    if given.plan is not None:
        result["plan"] = f"{transport.plan.nnz} entries of {n} x {m}, in {given.plan}"
    print_columns(list(result.items()))
