"""Pieces of reStructuredText."""

import re
from collections.abc import Iterable, Sequence

__all__ = ["WIDE", "code", "display", "escaped", "heading", "indented", "math", "table"]


WIDE = ":html_theme.sidebar_secondary.remove:\n\n"
"""Begins a page that needs the room beside it."""


def heading(title: str, line: str = "=") -> str:
    """A title, underlined."""
    return f"{title}\n{line * len(title)}\n\n"


def math(formula: str) -> str:
    """A formula within a line; nothing where there is none."""
    return f":math:`{formula}`" if formula else ""


def display(formula: str) -> str:
    """A formula of its own."""
    return f".. math:: {formula}\n\n"


def code(text: str) -> str:
    """A word as it is typed."""
    return f"``{text}``"


def escaped(text: str) -> str:
    """Words whose stars, bars and the like mean nothing."""
    return re.sub(r"([\\*_`|])", r"\\\1", text)


def indented(text: str, by: int = 3) -> str:
    """Text moved to the right."""
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, label: str) -> str:
    """A table that scrolls by itself where it is wide.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns; none of them empty, or the table has no header.
    rows : iterable of sequences of str
        What stands in them, a line each; may be empty.
    label : str
        What the table is: its caption, which it need not have.

    Returns
    -------
    str
        The directive.
    """
    titled = any(header)
    lines = [f".. list-table:: {label}".rstrip(), f"   :header-rows: {int(titled)}", "   :class: wide"]
    lines += [] if titled else ["   :stub-columns: 1"]
    for row in [header] * titled + list(rows):
        first, *rest = (cell or r"\ " for cell in row)
        lines += ["", f"   * - {first}", *(f"     - {cell}" for cell in rest)]
    return "\n".join(lines) + "\n\n"
