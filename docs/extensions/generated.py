"""The pages under ``generated/``, written anew by every build from what the packages declare."""

from collections.abc import Mapping
from pathlib import Path

from sphinx.application import Sphinx

from extensions import api, divergence_pages, tables

__all__ = ["setup"]

FOLDER = "generated"

Files = Mapping[str, str | bytes]


def write(app: Sphinx) -> None:
    """Write what has changed, and delete what is no longer made."""
    folder = Path(app.srcdir) / FOLDER
    files: Files = {**tables.pages(), **divergence_pages.pages(), **api.pages()}
    for name, content in files.items():
        _update(folder / name, content if isinstance(content, bytes) else content.encode())
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in files:
            path.unlink()


def _update(path: Path, content: bytes) -> None:
    """Leave an unchanged file alone, so that Sphinx need not read it again."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def setup(app: Sphinx) -> None:
    """Write them before Sphinx looks for pages, after the gallery is known."""
    app.connect("builder-inited", write)
