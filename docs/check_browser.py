"""Open the built pages in headless Chromium: no errors on the console, no formula left as text; pictures of the pages.

``python docs/check_browser.py FOLDER --screenshots PLACE`` opens a sample, with ``--all`` every page, and ends with 1 if a
page has a fault.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

SAMPLE = (
    "index.html", "statements.html", "references.html", "guide/start.html", "guide/conjugates.html", "guide/gan_zoo.html",
    "generated/divergences.html", "generated/divergence/kl.html", "generated/divergence/alpha.html",
    "generated/tables/relations.html", "generated/api/divergences.fdivergence.html", "generated/api/gan.objectives.html",
    "auto_examples/index.html",
)  # fmt: skip
"""A page of each kind."""

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=6000",
    "--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND",  # no page may reach the network
)  # fmt: skip

CONSOLE = re.compile(r":CONSOLE[:(]\d+\)?\] \"(?P<message>.*)\", source: (?P<source>\S*)")
NOISE = re.compile(r"\[PST\]: ")
"""What the theme says where nothing is wrong."""


@dataclass(frozen=True)
class Settings:
    """How pages are opened.

    Parameters
    ----------
    browser : str
        The program.
    folder, screenshots : Path
        The pages, and where their pictures go.
    size : str
        Width and height of the window in pixels.
    """

    browser: str
    folder: Path
    screenshots: Path
    size: str = "1280,2400"


def faults(page: Path, settings: Settings) -> list[str]:
    """Open a page, save its picture, and say what is wrong.

    Parameters
    ----------
    page : Path
        A file.
    settings : Settings
        How.

    Returns
    -------
    list of str
        A line each.
    """
    name = page.relative_to(settings.folder)
    picture = settings.screenshots / f"{str(name.with_suffix('')).replace('/', '.')}.png"
    said, html = _open(page, picture, settings)
    found = [
        f"{name}: on the console, {m['message'][:200]}"
        for m in CONSOLE.finditer(said)
        if not NOISE.search(m["message"])
    ]
    found += [
        f"{name}: a formula that MathJax refuses, {text}" for text in re.findall(r'data-mjx-error="([^"]*)"', html)
    ]
    if 'class="math' in html and "<mjx-container" not in html:
        found.append(f"{name}: formulas are left as text")
    if not picture.exists():
        found.append(f"{name}: no picture; does {settings.browser} start?")
    return found


def _open(page: Path, picture: Path, settings: Settings) -> tuple[str, str]:
    """What the browser said, and the page when its scripts have run."""
    with TemporaryDirectory() as profile:
        command = [
            settings.browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={settings.size}",
            f"--screenshot={picture}", "--dump-dom", page.as_uri(),
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return run.stderr, run.stdout


def main(arguments: list[str] | None = None) -> int:
    """Open pages and print their faults.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the command line.

    Returns
    -------
    int
        1 if there are faults, 2 if there is no browser.
    """
    parser = argparse.ArgumentParser(description="open the built pages in headless Chromium")
    here = Path(__file__).parent / "_build"
    parser.add_argument(
        "folder", nargs="?", type=Path, default=here / "html", help="the pages (default docs/_build/html)"
    )
    parser.add_argument("--screenshots", type=Path, default=here / "screenshots", help="where pictures of the pages go")
    parser.add_argument("--all", action="store_true", help="every page, not a sample")
    given = parser.parse_args(arguments)
    browser = which("chromium") or which("chromium-browser") or which("google-chrome")
    if browser is None:
        print("expected chromium on the path, found none; install it (apt-get install chromium)", file=sys.stderr)
        return 2
    settings = Settings(browser, given.folder.resolve(), given.screenshots.resolve())
    settings.screenshots.mkdir(parents=True, exist_ok=True)
    pages = [page for page in sorted(settings.folder.rglob("*.html")) if "_static" not in page.parts]
    chosen = pages if given.all else [page for page in pages if str(page.relative_to(settings.folder)) in SAMPLE]
    found = [fault for page in chosen for fault in faults(page, settings)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} faults in {len(chosen)} pages, their pictures in {settings.screenshots}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
