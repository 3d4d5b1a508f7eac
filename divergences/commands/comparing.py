"""``divergences compare``: divergences of two probability vectors, or of batches of them."""

import argparse
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from divergences.commands.printing import print_columns, print_csv, print_json
from divergences.commands.running import CommandError

if TYPE_CHECKING:
    from divergences.bounds import Bounds
    from divergences.commands.naming import Divergence

__all__ = ["declare", "run"]

DESCRIPTION = """\
Divergences D(p||q) in nats between two probability vectors, or between the rows of two arrays. p and q are text or CSV
(one line or one column is one vector, else each line is one), npy, npz (file.npz:name), or - for standard input."""

_Row = tuple[str, str, float, float | None, float | None]
_Result = tuple["Divergence", Any, "list[Bounds] | None"]


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("p", help="file of the first distribution")
    parser.add_argument("q", help="file of the second one")
    parser.add_argument(
        "-d",
        "--divergence",
        metavar="NAMES",
        help="names with commas between them, families with a parameter: kl,js,alpha:0.5,renyi:inf (default: all)",
    )
    parser.add_argument("--normalize", action="store_true", help="take any positive mass")
    parser.add_argument(
        "--axis", type=int, default=-1, help="axis of an array that is the space (default -1, the last)"
    )
    parser.add_argument("--bounds", action="store_true", help="rigorous bounds beside the values (needs python-flint)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help='strict JSON; infinities are "inf"')
    form.add_argument("--csv", action="store_true", help="a line per value")


def run(given: argparse.Namespace) -> None:
    """Compute and print.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    from divergences.commands.naming import all_divergences, divergences
    from divergences.commands.reading import read_vectors
    from divergences.fdivergence import FDivergence

    chosen = divergences(given.divergence) if given.divergence is not None else all_divergences()
    if given.bounds and given.divergence is None:
        chosen = [d for d in chosen if isinstance(d, FDivergence)]
    arrays = read_vectors({"p": given.p, "q": given.q})
    try:
        p, q, normalize = _doubles(arrays["p"], arrays["q"], given)
        found = [_bounded(d, p, q, normalize, given) for d in chosen]
    except ValueError as error:
        msg = f"{_spoken(str(error))} (p is {given.p}, q is {given.q})"
        raise CommandError(msg) from error
    _show(found, given)


def _doubles(p: Any, q: Any, given: argparse.Namespace) -> tuple[Any, Any, bool]:
    """Both in double precision, after the library has checked them in the precision that they came in."""
    import numpy as np

    from divergences.catalogue import tv

    tv(p, q, axis=given.axis, normalize=given.normalize)
    if p.dtype == q.dtype == np.float64:
        return p, q, given.normalize
    return p.astype(np.float64), q.astype(np.float64), True


def _spoken(message: str) -> str:
    """An error of the library in the words of the command line."""
    return re.sub(r"pass normalize=True, or (\w+) / \1\.sum\(\), if", "pass --normalize if", message)


def _bounded(d: "Divergence", p: Any, q: Any, normalize: bool, given: argparse.Namespace) -> _Result:
    """The values, and bounds if asked for; a value that rounding has moved out of them is brought back."""
    import numpy as np

    value = d(p, q, axis=given.axis, normalize=normalize)
    if not given.bounds:
        return d, value, None
    bounds = _bounds(d, p, q, given.axis)
    inside = [min(max(x, b.lower), b.upper) for x, b in zip(np.ravel(value).tolist(), bounds, strict=True)]
    return d, np.reshape(inside, np.shape(value)), bounds


def _bounds(d: "Divergence", p: Any, q: Any, axis: int) -> "list[Bounds]":
    """Of every pair of rows, which have been checked; what their masses lack of 1 is corrected exactly."""
    import numpy as np

    from divergences.fdivergence import FDivergence

    if not isinstance(d, FDivergence):
        msg = f"expected f-divergences beside --bounds, got {d.name}, which has none; leave one of them out"
        raise CommandError(msg)
    first, second = np.broadcast_arrays(np.moveaxis(p, axis, -1), np.moveaxis(q, axis, -1))
    n = first.shape[-1]
    pairs = zip(first.reshape(-1, n), second.reshape(-1, n), strict=True)
    return [d.enclose(x, y, normalize=True) for x, y in pairs]


# ---------------------------------------------------------------------------------------------------------- printing


def _show(found: list[_Result], given: argparse.Namespace) -> None:
    import numpy as np

    if given.json:
        print_json(_as_json(found, given))
        return
    several = any(np.ndim(value) for _, value, _ in found)
    keep = [several, True, True, given.bounds, given.bounds]
    header, *rows = [
        [entry for entry, kept in zip(row, keep, strict=True) if kept]
        for row in [("row", "divergence", "value", "lower", "upper"), *_rows(found)]
    ]
    if given.csv:
        print_csv([str(name) for name in header], rows)
    else:
        print_columns([[f"D({given.p}||{given.q})" if x == "divergence" else x for x in header], *rows])


def _rows(found: list[_Result]) -> Iterator[_Row]:
    import numpy as np

    for d, value, bounds in found:
        for k, index in enumerate(np.ndindex(np.shape(value))):
            lower, upper = (bounds[k].lower, bounds[k].upper) if bounds else (None, None)
            yield " ".join(map(str, index)), d.name, float(value[index]), lower, upper


def _as_json(found: list[_Result], given: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    result: dict[str, Any] = {"p": given.p, "q": given.q, "values": {d.name: value.tolist() for d, value, _ in found}}
    if given.bounds:
        for name in ("lower", "upper"):
            result[name] = {
                d.name: np.reshape([getattr(b, name) for b in bounds or ()], np.shape(value)).tolist()
                for d, value, bounds in found
            }
    return result
