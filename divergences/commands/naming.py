"""Divergences by name: ``kl``, and ``alpha:0.5`` or ``alpha(0.5)`` of a family."""

import difflib
import re
from typing import Any, Protocol

from divergences import derived
from divergences.catalogue import FAMILIES, FDIVERGENCES
from divergences.commands.running import CommandError
from divergences.fdivergence import FDivergence, FFamily

__all__ = ["Divergence", "all_divergences", "divergence", "divergences", "f_divergence"]

_SYNTAX = re.compile(r"\s*(?P<name>[^:()\s]*)\s*(?::(?P<after>.*)|\((?P<inside>.*)\)\s*)?")


class Divergence(Protocol):
    """A function of two distributions that has a name."""

    @property
    def name(self) -> str:
        """As it is called."""

    def __call__(self, p: Any, q: Any, *, axis: int = -1, normalize: bool = False) -> Any:
        """Value for p and q."""


_DERIVED: dict[str, Any] = {name: getattr(derived, name) for name in derived.__all__}
_SINGLE: dict[str, Divergence] = {
    **{d.name: d for d in FDIVERGENCES if not isinstance(d, FFamily)},
    **{name: x for name, x in _DERIVED.items() if not isinstance(x, type)},
}
_FAMILY: dict[str, Any] = {
    **{family.__name__: family for family in FAMILIES},
    **{name: x for name, x in _DERIVED.items() if isinstance(x, type)},
}


def all_divergences() -> list[Divergence]:
    """List the catalogue, then what is derived from it and has no parameter.

    Returns
    -------
    list
        The divergences.
    """
    return [*FDIVERGENCES, *(x for name, x in _SINGLE.items() if name in _DERIVED)]


def divergences(text: str) -> list[Divergence]:
    """Find divergences by names with commas between them.

    Parameters
    ----------
    text : str
        The names.

    Returns
    -------
    list
        The divergences, each once.
    """
    return list({d.name: d for d in map(divergence, text.split(","))}.values())


def divergence(text: str) -> Divergence:
    """Find a divergence by its name.

    Parameters
    ----------
    text : str
        The name; that of a family with a parameter after a colon.

    Returns
    -------
    divergence
        The one of that name.

    Raises
    ------
    CommandError
        If there is none; the message names the nearest.
    """
    match = _SYNTAX.fullmatch(text)
    name = match["name"] if match else text
    parameter = None if match is None else next((x for x in (match["after"], match["inside"]) if x is not None), None)
    if match is not None and parameter is None and name in _SINGLE:
        return _SINGLE[name]
    if match is not None and parameter is not None and name in _FAMILY:
        return _member(name, parameter.strip())
    if match is not None and name in _SINGLE:
        msg = f"expected no parameter for {name}, got {text!r}; write {name}"
    elif match is not None and name in _FAMILY:
        msg = (
            f"expected a parameter for the family {name}, got {text!r}; write it after a colon, as in {_example(name)}"
        )
    else:
        msg = f"expected the name of a divergence, got {text!r}; {_nearest(name)}"
    raise CommandError(msg)


def f_divergence(text: str) -> FDivergence:
    """Find an f-divergence by its name.

    Parameters
    ----------
    text : str
        As for `divergence`.

    Returns
    -------
    FDivergence
        The one of that name.

    Raises
    ------
    CommandError
        If there is none, or it is a function of an f-divergence, which has no f of its own.
    """
    found = divergence(text)
    if isinstance(found, FDivergence):
        return found
    msg = (
        f"expected an f-divergence, got {found.name}, which is a function of one; write kl, or alpha:0.5 for its order"
    )
    raise CommandError(msg)


def _member(name: str, parameter: str) -> Divergence:
    """The member of a family, which refuses numbers outside of its domain."""
    try:
        number = float(parameter)
    except ValueError as error:
        msg = f"expected a number as parameter of {name}, got {parameter!r}; write {_example(name)}"
        raise CommandError(msg) from error
    found: Divergence = _FAMILY[name](number)
    return found


def _example(name: str) -> str:
    return f"{name}:{min(getattr(_FAMILY[name], 'examples', (0.5,)), key=lambda x: len(repr(x)))!r}"


def _nearest(name: str) -> str:
    """A suggestion, or all names."""
    known = [*_SINGLE, *_FAMILY]
    near = difflib.get_close_matches(name.lower(), known, 1, 0.5)
    if near:
        return f"did you mean {_example(near[0]) if near[0] in _FAMILY else near[0]}?"
    return f"there are {', '.join(_SINGLE)}, and with a parameter {', '.join(map(_example, _FAMILY))}"
