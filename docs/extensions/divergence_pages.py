"""A page for each divergence: definition, curves, values at the extremes, proof, inequalities, closed forms."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from types import FunctionType
from typing import Any

import divergences as dv
from divergences import derived
from divergences.closed_forms import GAPS, VARIATIONS
from divergences.proofs import Step
from divergences.relations import RELATIONS, Relation
from extensions import rst
from extensions.curves import curves
from extensions.declared import interval, is_readable, number, reverse_of, text_of
from extensions.tables import catalogue

__all__ = ["pages"]

Content = dict[str, str | bytes]

LISTS = """.. py:data:: divergences.FDIVERGENCES
   :canonical: divergences.catalogue.FDIVERGENCES

   All of them: those without a parameter, and of every family the members that it names as examples.

.. py:data:: divergences.FAMILIES
   :canonical: divergences.catalogue.FAMILIES

   The families with a parameter, as classes.

"""


CALL = "Shapes, types and errors: see :meth:`FDivergence.__call__ <divergences.FDivergence.__call__>`."

SYMBOLS = (
    ("g(u) = f(u) - f'(1)\\,(u - 1)", "the normal form: q g(p/q) is the declared perspective"),
    (r"\mathrm{critic}(v) = f'(e^v)", "the declared optimal critic at the log-ratio v = log u"),
    (r"\mathrm{level}(v) = f^*(f'(e^v))", "the conjugate at that critic"),
)
"""What the steps of a proof speak of."""


def pages() -> Content:
    """All pages and pictures, by the names of their files.

    Returns
    -------
    dict of str or bytes
        reStructuredText and PNG.
    """
    singles = [d for d in dv.FDIVERGENCES if not isinstance(d, dv.FFamily)]
    families = [kind for kind in dv.FAMILIES if all(map(is_readable, kind.examples[:1]))]
    written: Content = {}
    for d in singles:
        written |= _page(d.name, [d], _signature(d), type(d))
    for kind in families:
        members = [kind(*[x]) for x in kind.examples]
        written |= _page(kind.__name__, [d for d in members if is_readable(d)], _constructor(kind), kind)
    for name in derived.__all__:
        written[f"divergence/{name}.rst"] = _derived_page(name)
    names = [*(d.name for d in singles), *(kind.__name__ for kind in families), *derived.__all__]
    written["divergences.rst"] = _index(names)
    return written


def _index(names: list[str]) -> str:
    entries = "\n".join(f"   divergence/{name}" for name in names)
    return (
        rst.WIDE
        + rst.heading("Divergences")
        + "Each row is computed from one declaration; each name leads to its page, with curves and proof. Members of\n"
        + "families stand for all parameters. :math:`f^*` is the formula on the range of :math:`f'`; below it the conjugate\n"
        + "is :math:`-f(0)`, above it :math:`\\infty`. The activation maps any output z of a network into that range.\n\n"
        + catalogue()
        + LISTS
        + f".. toctree::\n   :maxdepth: 1\n   :caption: Pages\n\n{entries}\n"
    )


# ---------------------------------------------------------------------------------------------------- the parts of a page


def _page(name: str, members: list[dv.FDivergence], declaration: str, kind: type) -> Content:
    picture = f"divergence/{name}.png"
    labels = [d.name for d in members]
    text = (
        rst.WIDE
        + rst.heading(name)
        + declaration
        + rst.indented(text_of(kind.__doc__)).rstrip()
        + f"\n\n{CALL}\n\n"
        + _facts(members)
        + f".. figure:: {name}.png\n   :alt: Three curves of {name}: f over the likelihood ratio, its conjugate over the value\n"
        + "      of the critic, and the optimal critic over the log-ratio\n\n"
        + "   The function, its conjugate, and the critic that attains the supremum.\n\n"
        + "".join(_proof(d, named=len(members) > 1) for d in members[:1])
        + _inequalities(lambda x: any(x is d or type(x) is kind for d in members))
        + _closed(members[0])
    )
    return {f"divergence/{name}.rst": text, picture: curves(members, labels)}


def _signature(d: dv.FDivergence) -> str:
    return (
        f".. py:function:: divergences.{d.name}(p, q, *, axis=-1, normalize=False)\n"
        f"   :canonical: divergences.catalogue.{d.name}\n\n"
    )


def _constructor(kind: type[dv.FFamily]) -> str:
    (parameter,) = (field.name for field in fields(kind))  # type: ignore[arg-type]
    return (
        f".. py:class:: divergences.{kind.__name__}({parameter})\n"
        f"   :canonical: divergences.catalogue.{kind.__name__}\n\n"
        f"   The parameter {rst.code(parameter)} is {kind.domain}. Its members are called like functions:\n"
        f"   ``divergences.{kind.__name__}({kind.examples[0]:.6g})(p, q)``.\n\n"
    )


def _facts(members: list[dv.FDivergence]) -> str:
    symbols = [d.symbolic() for d in members]
    no_form = "no closed form; computed by inversion of :math:`f'`"
    rows: list[tuple[str, list[str]]] = [
        (rst.math("f(u)"), [rst.math(s.latex()) for s in symbols]),
        (rst.math("f'(u)"), [rst.math(_latex(s.derivative)) for s in symbols]),
        (rst.math("f^*(t)") + " on the range of " + rst.math("f'"), [rst.math(_latex(s.conjugate)) if s.conjugate is not None else no_form for s in symbols]),
        ("where " + rst.math("f^*") + " is finite", [rst.math(interval(d.conjugate_domain)) for d in members]),
        ("range of " + rst.math("f'"), [rst.math(interval(d.critic_range)) for d in members]),
        (rst.math("f(0)") + ", the price of mass of Q where P has none", [rst.math(number(d.f0)) for d in members]),
        (rst.math(r"f'(\infty)") + ", the price of mass of P where Q has none", [rst.math(number(d.slope)) for d in members]),
        (rst.math("f'(1)"), [rst.math(number(d.tangent)) for d in members]),
        ("values", [rst.math(interval(d.range)) for d in members]),
        ("symmetric", ["yes" if d.symmetric else "no" for d in members]),
        ("a metric is its power", ["none known" if d.metric_power is None else rst.math(number(d.metric_power)) for d in members]),
        ("reverse", [rst.code(reverse_of(d)) for d in members]),
        ("at (0.5, 0.3, 0.2) and (0.2, 0.2, 0.6)", [rst.code(f"{float(d([0.5, 0.3, 0.2], [0.2, 0.2, 0.6])):.12g}") for d in members]),
    ]  # fmt: skip
    header = ("", *(rst.code(d.name) for d in members)) if len(members) > 1 else ("", "")
    if len(members) > 1:
        header = ("member", *header[1:])
    return rst.table(header, [(first, *rest) for first, rest in rows], label="Formulas and extremes")


def _latex(expression: Any) -> str:
    import sympy

    return str(sympy.latex(expression))


def _proof(d: dv.FDivergence, *, named: bool) -> str:
    proof = d.prove()
    of = f" of {d.name}" if named else ""
    steps = "".join(
        f"#. {rst.escaped(step.claim)}"
        + ("" if step.symbolic else f" ({rst.escaped(step.decided_by)})")
        + f"\n\n   .. math:: {_shown(step)}\n\n"
        for step in proof.steps
    )
    how = "each decided by sympy" if proof.symbolic else "decided by sympy where nothing else is said"
    call = rst.code(f"divergences.{d.name}.prove()")
    return rst.heading(f"Proof{of}", "-") + f"The steps of {call}, {how}. In them\n\n{_symbols(d)}{steps}"


def _shown(step: Step) -> str:
    """The equation of a step; where both sides came out as one expression, that expression."""
    import sympy

    x = step.expression
    if isinstance(x, sympy.Equality) and x.lhs == x.rhs:
        return rf"\text{{both sides are}}\quad {_latex(x.lhs)}"
    return step.latex()


def _symbols(d: dv.FDivergence) -> str:
    """What the symbols of a proof stand for."""
    return "".join(f"- {rst.math(formula)}, {words};\n" for formula, words in SYMBOLS) + f"- {_ratio(d)}.\n\n"


def _ratio(d: dv.FDivergence) -> str:
    """What w is: the ratio, or a number by which the ratios of a piece are written."""
    if not (d.kinks or d.joints):
        return f"{rst.math('w = u = p/q > 0')}, the ratio"
    below, above, between = map(rst.math, ("u = k/(1 + w)", "u = k + w", "u = (k + k' w)/(1 + w)"))
    return (
        f"{rst.math('w > 0')}, by which the ratios of a piece are written: {below} below the first kink\n"
        f"  or joint k, {above} above the last, {between} between two"
    )


def _inequalities(concerns: Callable[[object], bool]) -> str:
    rows = [
        (rst.escaped(x.name), rst.math(x.statement), rst.escaped(x.condition), x.reference)
        for x in RELATIONS
        if any(map(concerns, _mentioned(x)))
    ]
    if not rows:
        return ""
    return rst.heading("Inequalities", "-") + rst.table(
        ("name", "inequality", "for", "source"), rows, label="Those of `divergences.relations` in which it stands"
    )


def _mentioned(relation: Relation) -> list[object]:
    """The divergences that the sides of an inequality compute."""
    return [*_used(relation.smaller), *_used(relation.larger)]


def _used(thing: object) -> Iterator[object]:
    """What a function calls, from what it encloses and from the names in its code."""
    if isinstance(thing, dv.FDivergence | derived.Derived):
        yield thing
    elif isinstance(thing, FunctionType):
        for cell in thing.__closure__ or ():
            yield from _used(cell.cell_contents)
        for name in thing.__code__.co_names:
            yield from _used(thing.__globals__.get(name))


def _closed(d: dv.FDivergence) -> str:
    """The families between whose members there is a closed form."""
    by_powers = dict.fromkeys(GAPS) if d.powers else {}
    known = [*by_powers, *(kind for kind in VARIATIONS if d.variation and kind not in by_powers)]
    always = "Uniform, Bernoulli and categorical distributions are a few atoms to every divergence."
    if not known:
        return rst.heading("Closed forms", "-") + always + " Between others it is integrated.\n\n"
    links = ", ".join(f":obj:`~divergences.families.{kind.__name__}`" for kind in known)
    return (
        rst.heading("Closed forms", "-")
        + f"Between members of {links}; :doc:`the table <../tables/closed_forms>` says for which parameters, and the source.\n"
        + f"{always}\n\n"
    )


# --------------------------------------------------------------------------------------------------------------- derived


def _derived_page(name: str) -> str:
    thing = getattr(derived, name)
    kind = thing if isinstance(thing, type) else type(thing)
    directive, signature = (
        ("class", f"({fields(kind)[0].name})") if kind is thing else ("function", "(p, q, *, axis=-1, normalize=False)")
    )
    return (
        rst.WIDE
        + rst.heading(name)
        + f".. py:{directive}:: divergences.{name}{signature}\n   :canonical: divergences.derived.{name}\n\n"
        + rst.indented(text_of(kind.__doc__)).rstrip()
        + "\n\n"
        + _inequalities(lambda x: x is thing or type(x) is kind)
    )
