"""What the declarations say, in reStructuredText."""

import inspect
import math
import re
from fractions import Fraction
from typing import Any

from numpydoc.docscrape_sphinx import SphinxDocString

from divergences import FDivergence, Interval
from extensions.docstrings import with_math

__all__ = ["first_line", "interval", "is_readable", "number", "reverse_of", "sources", "text_of"]

PLACE = r"(?:, (?:and )?(?:equations?|eqs?\.|tables?|sections?|theorems?|lemmas?|definitions?|propositions?|algorithms?|appendix) [\w. ,]*?\w)*"
NAME = r"(?:(?:van |von |de |Le |De )?[A-ZÀ-Ý][\w’\-]+(?: et al\.)?)"
CITATION = re.compile(rf"{NAME}(?:(?:,| &| and|, and|, &)\s+{NAME})*\s+\(\d{{4}}\){PLACE}")
"""Authors (year), and the place in the work."""


def sources(text: str | None) -> list[str]:
    """The works that a docstring rests on, as it names them."""
    return [" ".join(match.group().split()) for match in CITATION.finditer(text or "")]


def text_of(docstring: str | None) -> str:
    """A docstring with its sections, ready for a page."""
    return str(SphinxDocString(with_math(inspect.cleandoc(docstring or "")))).strip() + "\n\n"


def first_line(obj: object) -> str:
    """The summary of a docstring, ready for a page."""
    return with_math((inspect.getdoc(obj) or "").split("\n\n", 1)[0].replace("\n", " "))


def number(x: float) -> str:
    """A number as a formula: a small fraction, a multiple of ln 2, or six digits."""
    if math.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    for unit, word in ((1.0, ""), (math.log(2), r"\ln 2")):
        share = Fraction(x / unit).limit_denominator(100)
        if math.isclose(x / unit, float(share), rel_tol=1e-14, abs_tol=1e-300):
            return _fraction(share, word)
    return f"{x:.6g}"


def _fraction(share: Fraction, unit: str) -> str:
    if share == 0:
        return "0"
    sign, top, below = "-" if share < 0 else "", abs(share.numerator), share.denominator
    if below == 1:
        return f"{sign}{unit}" if unit and top == 1 else f"{sign}{top} {unit}".strip()
    return rf"{sign}\tfrac{{{top}}}{{{below}}} {unit}".strip()


def is_readable(d: Any) -> bool:
    """Whether a member of a family has a parameter to be shown: no example for tests, such as 1 - 1e-12."""
    parameter = getattr(d, "parameter", 0.0)
    return math.isclose(parameter, Fraction(parameter).limit_denominator(100), rel_tol=1e-14)


def interval(i: Interval) -> str:
    """An interval with its ends as formulas."""
    left, right = "[" if i.closed_lower else "(", "]" if i.closed_upper else ")"
    return rf"\left{left}{number(i.lower)},\, {number(i.upper)}\right{right}"


def reverse_of(d: FDivergence) -> str:
    """How the divergence with P and Q exchanged is called."""
    return repr(d.reverse).removeprefix("divergences.")
