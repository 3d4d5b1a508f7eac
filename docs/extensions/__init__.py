"""The part of the documentation that is made of the declarations, as a Sphinx extension."""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from extensions import claims, docstrings, generated, mathjax, names, pictures

__all__ = ["setup"]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect the parts with Sphinx."""
    for part in (names, docstrings, claims, pictures, mathjax, generated):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
