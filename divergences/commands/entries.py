"""Rows of the table of divergences, each from its declaration."""

import inspect
import re
from dataclasses import dataclass
from typing import final

from divergences.fdivergence import FDivergence

__all__ = ["Entry", "entry", "source"]

_CITED = re.compile(r"(?:[A-Z][\w'-]+(?:, | & | et al\.)? ?)+\(\d{4}\)")
_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z\"])")


@final
@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Parameters
    ----------
    divergence : str
        As it is called.
    f : str
        The convex function of u.
    conjugate : str or None
        Its Fenchel conjugate at t in the range of f', None where it has no closed form.
    domain : str
        Where the conjugate is finite.
    range : str
        The values.
    symmetric : bool
        Whether p and q may be exchanged.
    metric : float or None
        The power that is a metric, if one is known.
    source : str
        Where it is from.
    """

    divergence: str
    f: str
    conjugate: str | None
    domain: str
    range: str
    symmetric: bool
    metric: float | None
    source: str


def entry(d: FDivergence) -> Entry:
    """Make the row of a divergence (needs sympy).

    Parameters
    ----------
    d : FDivergence
        The divergence.

    Returns
    -------
    Entry
        Its row.
    """
    formulas = d.symbolic()
    return Entry(
        divergence=d.name,
        f=str(formulas.f),
        conjugate=None if formulas.conjugate is None else str(formulas.conjugate),
        domain=str(d.conjugate_domain),
        range=str(d.range),
        symmetric=d.symmetric,
        metric=None if d.metric_power is None else float(d.metric_power),
        source=source(type(d)),
    )


def source(declaration: type) -> str:
    """Where a declaration is from: the end of its documentation, from the first citation on.

    Parameters
    ----------
    declaration : type
        A class of divergences.

    Returns
    -------
    str
        The citations in plain text; the last sentence where there are none.

    Examples
    --------
    >>> from divergences import kl
    >>> from divergences.commands.entries import source
    >>> source(type(kl))
    'Kullback & Leibler (1951), eq. 2.4.'
    """
    text = re.split(r"\n\n(?=\w+\n---)", inspect.getdoc(declaration) or "")[0]
    text = " ".join(text.split())
    cited = _CITED.search(text)
    found = text[cited.start() :] if cited else _SENTENCE.split(text)[-1]
    return found.replace("$", "").replace("\\", "")
