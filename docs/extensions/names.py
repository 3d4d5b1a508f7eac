"""The role of a word in single backticks: a link where there is an object of that name, code otherwise."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole

__all__ = ["setup"]


class NameRole(XRefRole):
    """A cross reference that need not have a target; parameters and formulas stand in backticks as well."""

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Refer to a Python object, and mark the reference as one that may fail."""
        del has_explicit_title
        refnode.attributes.update({
            "refdomain": "py", "reftype": "obj", "may_fail": True,
            "py:module": env.ref_context.get("py:module"), "py:class": env.ref_context.get("py:class"),
        })  # fmt: skip
        return title, target.removesuffix("()")


def as_code(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.TextElement | None:
    """What stands in for a reference that may fail: its own text."""
    del app, env
    return contnode if node.get("may_fail") else None


def setup(app: Sphinx) -> None:
    """Register the role."""
    app.add_role("name", NameRole(innernodeclass=nodes.literal))
    app.connect("missing-reference", as_code, priority=900)
