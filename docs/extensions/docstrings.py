r"""Docstrings as reStructuredText: formulas stand between dollars there, as in LaTeX, and bars are bars."""

import re

from sphinx.application import Sphinx

from extensions import rst

__all__ = ["setup", "with_math"]

DISPLAY = re.compile(
    r"^(?P<indent> *)(?P<before>.*?)\$\$(?P<formula>.*?)\$\$(?P<after>[ .,;:]*)$", re.MULTILINE | re.DOTALL
)
TABLE = re.compile(r"^(?P<header>\|.+\|)\n\|[-| ]+\|\n(?P<rows>(?:\|.+\|(?:\n|\Z))+)", re.MULTILINE)
PIECES = re.compile(
    r"(?P<literal>^(?P<indent> *)\.\. math::[^\n]*(?:\n(?:(?P=indent) +[^\n]*| *(?=\n|\Z)))*"
    r"|``.*?``|:[\w:]+:`[^`]*`|`[^`]*`|^ *(?:>>>|\.\.\.) [^\n]*$)"
    r"|(?<![\\$\w])\$(?P<formula>[^$]+?)\$(?!\d)"
    r"|(?P<bar>\|)",
    re.MULTILINE | re.DOTALL,
)
BEFORE, AFTER = " \n([{\"'-/", " \n)]}\"'-/.,:;!?"
"""Characters that a role may stand between."""


def with_math(text: str) -> str:
    """Text with its formulas between dollars as roles and directives.

    Parameters
    ----------
    text : str
        A docstring.

    Returns
    -------
    str
        The same in reStructuredText. What is literal keeps its dollars.
    """
    return PIECES.sub(_piece, DISPLAY.sub(_directive, TABLE.sub(_table, text)))


def _piece(match: re.Match[str]) -> str:
    if match["bar"]:
        return r"\|"  # no substitution begins here
    if match["literal"]:
        return match["literal"]
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    # a role must begin and end where a word does, which "\ " marks and does not show
    left = "" if not before or before in BEFORE else r"\ "
    right = "" if not after or after in AFTER else r"\ "
    return f"{left}{rst.math(' '.join(match['formula'].split()))}{right}"


def _directive(match: re.Match[str]) -> str:
    indent, formula = match["indent"], " ".join((match["formula"] + match["after"].strip()).split())
    before = f"{indent}{match['before'].rstrip()}\n\n" if match["before"].strip() else ""
    return f"{before}{indent}.. math:: {formula}\n"


def _table(match: re.Match[str]) -> str:
    """A table of pipes and dashes as a directive."""
    header, *rows = (
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in [match["header"], *match["rows"].splitlines()]
    )
    return rst.table(header, rows, label="")


def convert(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Convert a docstring in place, before numpydoc reads its sections."""
    del app, what, name, obj, options
    lines[:] = with_math("\n".join(lines)).split("\n")


def setup(app: Sphinx) -> None:
    """Convert each docstring that is read."""
    app.connect("autodoc-process-docstring", convert, priority=100)
