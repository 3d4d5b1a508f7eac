r"""Where the statements of the lectures are shown.

The role ``{claim}`B1` `` marks the place on a page that shows a statement, and the directive ``statement`` on the page
`statements` says what it is; the links between them are made here. A statement that no page shows is a warning, and so
an error of the build.
"""

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_id

__all__ = ["STATEMENTS", "setup"]

COUNTS = {"A": 7, "B": 5, "C": 9, "D": 5, "E": 15, "F": 3}
STATEMENTS = (*(f"{part}{k + 1}" for part, count in COUNTS.items() for k in range(count)), "G")
"""All statements: seven of part A, and so on."""

PAGE = "statements"

logger = logging.getLogger(__name__)


class Badge(nodes.General, nodes.Inline, nodes.Element):
    """A link to a statement, made once all pages are read."""


class ShownIn(nodes.General, nodes.Element):
    """The links to the pages that show a statement, made once all pages are read."""


class Claim(SphinxRole):
    """Mark the place that shows a statement."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the badge, with an anchor."""
        if self.text not in STATEMENTS:
            logger.warning("expected a statement from A1 to G, got %r", self.text, location=self.get_location())
        document = self.inliner.document
        anchor = make_id(self.env, document, "claim", self.text)
        badge = Badge(statement=self.text, ids=[anchor])
        document.note_explicit_target(badge)
        places(self.env).append((self.text, self.env.docname, anchor))
        return [badge], []


class Statement(SphinxDirective):
    """Say what a statement is, and where it is shown."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make a block with an anchor, the words, and room for the links."""
        name = self.arguments[0]
        block = nodes.container(classes=["statement"], ids=[anchor_of(name)])
        block += nodes.paragraph("", "", nodes.strong("", name))
        block += self.parse_content_to_nodes()
        block += ShownIn(statement=name)
        return [block]


def anchor_of(statement: str) -> str:
    """Where on the page of the statements it stands."""
    return f"statement-{statement.lower()}"


def places(env: BuildEnvironment) -> list[tuple[str, str, str]]:
    """Statement, page and anchor of every badge that was read."""
    found: list[tuple[str, str, str]] = vars(env).setdefault("claim_places", [])  # kept with the pages, and so by name
    return found


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the badges of a page that is read anew."""
    del app
    places(env)[:] = [place for place in places(env) if place[1] != docname]


def merge(app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment) -> None:
    """Take over the badges that another process read."""
    del app
    places(env).extend(place for place in places(other) if place[1] in set(docnames))


def rewritten(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the page that depends on all others."""
    del app
    return [PAGE] if PAGE in env.all_docs else []


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put links in the place of badges and of the lists of pages."""
    for badge in list(doctree.findall(Badge)):
        name = badge["statement"]
        uri = app.builder.get_relative_uri(docname, PAGE) + "#" + anchor_of(name)
        link = nodes.reference("", name, internal=True, refuri=uri, reftitle=f"Statement {name}")
        badge.replace_self(nodes.inline("", "", link, classes=["claim"], ids=badge["ids"]))
    for shown in list(doctree.findall(ShownIn)):
        shown.replace_self(_links(app, docname, shown["statement"]))


def _links(app: Sphinx, docname: str, name: str) -> nodes.Element:
    """Every page once, at its first badge."""
    pages: dict[str, str] = {}
    for statement, page, anchor in sorted(places(app.env)):
        if statement == name:
            pages.setdefault(page, anchor)
    if not pages:
        logger.warning("expected a page that shows statement %s, got none", name, location=docname, type="claims")
    line = nodes.paragraph("", "Shown in: " if pages else "Shown nowhere.", classes=["shown-in"])
    for k, (page, anchor) in enumerate(pages.items()):
        uri = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        title = app.env.titles[page].astext()
        line += [nodes.Text(", ")] * bool(k)
        line += nodes.reference("", title, internal=True, refuri=uri)
    return line


def complete(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of statements that the page does not have."""
    del app
    if PAGE not in env.all_docs:
        return
    present: set[Any] = {shown["statement"] for shown in env.get_doctree(PAGE).findall(ShownIn)}
    if present != set(STATEMENTS):
        wrong = sorted(present ^ set(STATEMENTS))
        logger.warning("expected statements %s on the page, got others: %s", "A1 to G", wrong, location=PAGE)


def setup(app: Sphinx) -> None:
    """Register role, directive and what links them."""
    app.add_role("claim", Claim())
    app.add_directive("statement", Statement)
    app.add_node(Badge)
    app.add_node(ShownIn)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewritten)
    app.connect("env-check-consistency", complete)
    app.connect("doctree-resolved", resolve)
