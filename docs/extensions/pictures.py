"""Pictures of the gallery: their look, and what is said of them to those who do not see them."""

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from docutils import nodes
from sphinx.application import Sphinx

__all__ = ["RC", "house_style", "setup"]

THUMBNAIL = re.compile(r"(auto_examples/.*)/images/thumb/sphx_glr_(.*)_thumb\.\w+")
"""A small picture, and the page that it leads to."""

RC = Path(__file__).parents[1] / "matplotlibrc"


def house_style(gallery: dict[str, Any], example: str) -> None:
    """Set the style anew before each example."""
    del gallery, example
    mpl.rcParams.update(mpl.rc_params_from_file(RC, use_default_template=False))
    mpl.use("agg")


def describe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say of the gallery's pictures which example they belong to.

    Sphinx-Gallery leaves the text of small pictures empty, and of others it says the titles of their axes, or the name
    of the file where there are none.
    """
    if not docname.startswith("auto_examples/"):
        return
    for picture in doctree.findall(nodes.Element):
        if "alt" not in picture.attributes:
            continue
        small = THUMBNAIL.fullmatch(picture.get("uri", ""))
        if small:
            picture["alt"] = f"Small picture of: {_title(app, '/'.join(small.groups()))}"
        elif picture["alt"] in ("", docname.rpartition("/")[2].replace("_", " ")):
            picture["alt"] = f"Figure of: {_title(app, docname)}"


def _title(app: Sphinx, docname: str) -> str:
    return str(app.env.titles[docname].astext())


def setup(app: Sphinx) -> None:
    """Describe the pictures of each page when all titles are known."""
    app.connect("doctree-resolved", describe)
