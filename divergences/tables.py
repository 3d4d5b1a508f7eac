r"""The catalogue as a table: a row for each declared divergence, made from the declaration."""

import inspect
import math
from dataclasses import dataclass
from typing import final

from divergences.catalogue import FDIVERGENCES
from divergences.fdivergence import FDivergence
from divergences.interval import number_latex

__all__ = ["Row", "catalogue_table"]


@final
@dataclass(frozen=True)
class Row:
    """What a table of f-divergences says about one of them; formulas are LaTeX without dollar signs.

    Parameters
    ----------
    name : str
        As it is called.
    title : str
        First line of its documentation.
    f : str
        The convex function of u.
    conjugate : str
        The Fenchel conjugate of t on the range of f'; a dash where it has no closed form.
    conjugate_domain : str
        Where the conjugate is finite.
    critic_range : str
        The range of f', in which the optimal critic lies.
    tangent : float
        The slope f'(1), the value of the optimal critic where P = Q.
    activation : str
        Map of a network's output z onto the range of f'.
    largest : float
        The largest value of the divergence, reached by mutually singular P and Q.
    symmetric : bool
        Whether P and Q may be exchanged.
    metric_power : float or None
        The power that is a metric, if one is known.
    reverse : str
        Name of the divergence with P and Q exchanged.
    """

    name: str
    title: str
    f: str
    conjugate: str
    conjugate_domain: str
    critic_range: str
    tangent: float
    activation: str
    largest: float
    symmetric: bool
    metric_power: float | None
    reverse: str


def catalogue_table() -> tuple[Row, ...]:
    r"""A row for every divergence of ``divergences.FDIVERGENCES``, in that order (needs sympy).

    Returns
    -------
    tuple of Row
        The rows.

    Examples
    --------
    >>> from divergences.tables import catalogue_table
    >>> row = catalogue_table()[0]
    >>> row.name, row.f, row.conjugate
    ('kl', 'u \\log{\\left(u \\right)}', 'e^{t - 1}')
    """
    return tuple(map(_row, FDIVERGENCES))


def _row(d: FDivergence) -> Row:
    import sympy

    conjugate = d.symbolic().conjugate
    return Row(
        name=d.name,
        title=(inspect.getdoc(type(d)) or "").split("\n", 1)[0],
        f=d.latex(),
        conjugate="-" if conjugate is None else str(sympy.latex(conjugate)),
        conjugate_domain=d.conjugate_domain.latex(),
        critic_range=d.critic_range.latex(),
        tangent=d.tangent,
        activation=_activation(d),
        largest=d.range.upper,
        symmetric=d.symmetric,
        metric_power=d.metric_power,
        reverse=d.reverse.name,
    )


def _activation(d: FDivergence) -> str:
    """The formula of `Interval.map_from_reals` on the range of the critic."""
    lower, upper = d.critic_range.lower, d.critic_range.upper
    if math.isinf(lower) and math.isinf(upper):
        return "z"
    if math.isinf(lower):
        return rf"{_term(upper)}-\log(1+e^{{-z}})"
    if math.isinf(upper):
        return rf"{_term(lower)}+\log(1+e^{{z}})"
    middle, half = _term((lower + upper) / 2), (upper - lower) / 2
    return rf"{middle}{'+' if middle else ''}{'' if half == 1 else number_latex(half)}\tanh z"


def _term(x: float) -> str:
    return number_latex(x) if x else ""
