"""Tables of what is declared: divergences, objectives, constraints, games, settings, inequalities, closed forms, families."""

from collections.abc import Iterator

import divergences as dv
import gan
from divergences import families
from divergences.closed_forms import GAPS, VARIATIONS
from divergences.relations import RELATIONS
from divergences.tables import Row, catalogue_table
from extensions import rst
from extensions.declared import first_line, interval, is_readable, number, reverse_of, sources

__all__ = ["catalogue", "pages"]

P = gan.Discrete([0.0, 1.0, 2.0], [0.5, 0.3, 0.2])
Q = gan.Discrete([0.0, 1.0, 2.0], [0.2, 0.2, 0.6])
"""The pair at which suprema are shown as numbers: that of the first example everywhere."""


def pages() -> dict[str, str]:
    """All tables, by the names of their files.

    Returns
    -------
    dict of str
        The pages in reStructuredText.
    """
    parts = {
        "objectives": ("Objectives", _objectives()),
        "constraints": ("Lipschitz constraints", _constraints()),
        "games": ("Games", _games()),
        "presets": ("Settings of the papers", _presets()),
        "relations": ("Inequalities", _relations()),
        "families": ("Families of distributions", _families()),
        "closed_forms": ("Closed forms", _closed_forms()),
    }
    written = {f"tables/{name}.rst": rst.WIDE + rst.heading(title) + text for name, (title, text) in parts.items()}
    entries = "\n".join(f"   tables/{name}" for name in parts)
    written["tables.rst"] = (
        rst.heading("Tables")
        + "Each is made from the declarations when these pages are built, as is that of all\n"
        + f":doc:`divergences <divergences>`.\n\n.. toctree::\n   :maxdepth: 1\n\n{entries}\n"
    )
    return written


def catalogue() -> str:
    """The table of all declared divergences."""
    header = (
        "name", rst.math("f(u)"), rst.math("f^*(t)"), rst.math(r"\operatorname{dom} f^*"), "range of " + rst.math("f'"),
        rst.math("f'(1)"), "activation", "largest value", "symmetric", "metric power", "reverse", "source",
    )  # fmt: skip
    members = {d.name: d for d in dv.FDIVERGENCES if is_readable(d)}
    rows = (_catalogue_row(row, members[row.name]) for row in catalogue_table() if row.name in members)
    return rst.table(header, rows, label="All declared f-divergences")


def _catalogue_row(row: Row, d: dv.FDivergence) -> tuple[str, ...]:
    power = "" if row.metric_power is None else rst.math(number(row.metric_power))
    page = row.name if row.name.isidentifier() else row.name.split("(")[0]
    return (
        f":doc:`{row.name} <divergence/{page}>`",
        rst.math(row.f),
        "no closed form" if row.conjugate == "-" else rst.math(row.conjugate),
        rst.math(interval(d.conjugate_domain)),
        rst.math(interval(d.critic_range)),
        rst.math(number(row.tangent)),
        rst.math(row.activation),
        rst.math(number(row.largest)),
        "yes" if row.symmetric else "no",
        power,
        rst.code(reverse_of(d)),
        "; ".join(sources(type(d).__doc__)),
    )


def _objectives() -> str:
    intro = (
        "What a critic maximises and a generator minimises. The last column is the supremum over all critics between\n"
        "P = (0.5, 0.3, 0.2) and Q = (0.2, 0.2, 0.6) on the points 0, 1, 2, computed by `divergences` without a critic.\n\n"
    )
    rows = (
        (rst.code(name), first_line(type(objective)), "; ".join(sources(type(objective).__doc__)), _supremum(objective))
        for name, objective in _contests()
    )
    classes = (
        (f":obj:`gan.{kind.__name__}`", first_line(kind), "; ".join(sources(kind.__doc__)))
        for kind in _kinds(gan.Contest)
    )
    return (
        intro
        + rst.table(("name", "what it is", "source", "supremum"), rows, label="Objectives ready to use")
        + "Others are made: :obj:`gan.variational` and :obj:`gan.fgan` turn any f-divergence into an objective, and the\n"
        + "classes below take labels, margins or other objectives.\n\n"
        + rst.table(("class", "what it is", "source"), classes, label="Kinds of objectives")
    )


def _supremum(objective: gan.Contest) -> str:
    if not isinstance(objective, gan.Objective):
        return "none known in closed form"
    bounds = objective.exact(P, Q)
    return rst.code(f"{bounds.value:.12g}")


def _contests() -> Iterator[tuple[str, gan.Contest]]:
    """The objectives among the public names of `gan`."""
    return ((f"gan.{name}", x) for name in sorted(gan.__all__) if isinstance(x := getattr(gan, name), gan.Contest))


def _kinds(base: type) -> Iterator[type]:
    """The concrete classes among the public names of `gan` that derive from a base."""
    for name in sorted(gan.__all__):
        kind = getattr(gan, name)
        if isinstance(kind, type) and issubclass(kind, base) and not getattr(kind, "__abstractmethods__", None):
            yield kind


def _constraints() -> str:
    kinds = (kind for kind in _kinds(gan.LipschitzConstraint) if kind is not gan.LipschitzConstraint)
    rows = (
        (
            f":obj:`gan.{kind.__name__}`",
            first_line(kind),
            rst.code(repr(kind().architecture)),
            "; ".join(sources(kind.__doc__)),
        )
        for kind in kinds
    )
    return rst.table(
        ("name", "what it does", "the critic that goes with it", "source"), rows, label="How a critic is kept Lipschitz"
    )


def _games() -> str:
    rows = (
        (f":obj:`gan.{kind.__name__}`", first_line(kind), "; ".join(sources(kind.__doc__))) for kind in _kinds(gan.Game)
    )
    return rst.table(("name", "rule", "source"), rows, label="Rules by which critic and generator step")


def _presets() -> str:
    rows = (
        (
            rst.code(name), rst.code(repr(preset.objective)), rst.code(repr(preset.constraint)), rst.code(repr(preset.game)),
            rst.code(repr(preset.optimizer)), str(preset.batch), preset.source,
        )
        for name, preset in gan.PRESETS.items()
    )  # fmt: skip
    header = ("name", "objective", "constraint", "game", "optimizer of both", "batch", "source")
    return "``gan.PRESETS[name].train(data)`` trains one of them.\n\n" + rst.table(
        header, rows, label="Settings of the papers"
    )


def _relations() -> str:
    intro = (
        "The left side is never the larger one. :obj:`divergences.bound` needs none of them: it gives the sharp bound of\n"
        "one f-divergence by another.\n\n"
    )
    rows = (
        (
            rst.escaped(x.name),
            rst.math(x.statement),
            rst.escaped(x.condition),
            rst.escaped(x.equality.statement),
            x.reference,
        )
        for x in RELATIONS
    )
    header = ("name", "inequality", "for", "equality", "source")
    return intro + rst.table(header, rows, label=f"{len(RELATIONS)} inequalities, each tested")


def _families() -> str:
    rows = ((f":obj:`divergences.families.{kind.__name__}`", first_line(kind)) for kind in _family_kinds())
    return rst.table(("name", "distribution"), rows, label="Records of parametric families")


def _family_kinds() -> Iterator[type]:
    for name in families.__all__:
        kind = getattr(families, name)
        if isinstance(kind, type) and issubclass(kind, families.Family) and kind is not families.Family:
            yield kind


def _closed_forms() -> str:
    intro = (
        "Between two members of one family. The gap :math:`-\\frac1{ab}\\log\\int p^a q^b` gives KL both ways, Jeffreys,\n"
        "Renyi, Tsallis, Bhattacharyya, squared Hellinger, both :math:`\\chi^2` and all power divergences at once. Where a\n"
        "source names a case, such as equal scales, other cases are integrated.\n\n"
    )
    rows = (
        (
            f":obj:`divergences.families.{kind.__name__}`",
            rst.escaped(GAPS[kind].source) if kind in GAPS else "",
            rst.escaped(VARIATIONS[kind].source) if kind in VARIATIONS else "",
        )
        for kind in dict.fromkeys([*GAPS, *VARIATIONS])
    )
    return intro + rst.table(
        ("family", "the gap, of every order", "total variation"), rows, label="Closed forms and their sources"
    )
