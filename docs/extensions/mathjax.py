"""MathJax beside the pages: one file, fetched once, so that readers need no network."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

__all__ = ["setup"]

PACKAGE = "mathjax@3.2.2"
MEMBER = "package/es5/tex-svg.js"
"""Draws formulas as pictures, and so needs no fonts."""


def provide(app: Sphinx) -> None:
    """Put the script where pages look for it, unless it is there."""
    target = Path(app.srcdir) / "_static" / app.config.mathjax_path
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("MATHJAX")
    if given:
        shutil.copyfile(given, target)
    else:
        _fetch(target)


def _fetch(target: Path) -> None:
    """Take it out of the npm package."""
    with TemporaryDirectory() as folder:
        try:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or error
            msg = (
                f"expected npm to fetch {PACKAGE}, got {str(detail).strip()!r}; without npm or a network, copy "
                f"es5/tex-svg.js of that package to {target}, or set MATHJAX to the path of that file"
            )
            raise ExtensionError(msg) from error
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            script = package.extractfile(MEMBER)
            if script is None:
                msg = f"expected {MEMBER} in {PACKAGE}, got none; is it another version?"
                raise ExtensionError(msg)
            target.write_bytes(script.read())


def setup(app: Sphinx) -> None:
    """Fetch it before the pages are read."""
    app.connect("builder-inited", provide)
