"""Check the built pages: statements, alternative texts, links, records, and nothing that needs the network.

``python docs/check_pages.py docs/_build/html`` prints every fault and ends with 1 if there are any.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from extensions.claims import PAGE, STATEMENTS, anchor_of

LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
"""Elements whose address is fetched to show the page; `link` is another, by its relation."""

FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "manifest", "apple-touch-icon"}
"""Relations of `link` that fetch."""


NO_RECORD = re.compile(r"\bNo records? here\b")
"""What pages write in the place of figures that nobody has measured."""


@dataclass
class Page(HTMLParser):
    """What a page loads, links to and offers as anchors."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    """Images without an alternative text."""
    shown: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Links inside the block of a statement, by its anchor."""
    inside: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What the page says instead of a record that is not there."""
    quoted: int = 0
    """How many blocks of code are open."""

    def __post_init__(self) -> None:
        """Start the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to."""
        found = {name: value or "" for name, value in attrs}
        self.quoted += tag == "pre"
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "div":
            self.inside.append(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
            for statement in self.inside:
                if statement.startswith("statement-"):
                    self.shown[statement].append(found["href"])
        if tag == "img" and not _says_something(found.get("alt", "")):
            self.silent.append(found.get("src", ""))
        if LOADS.get(tag) in found:
            self.loads.append(found[LOADS[tag]])
        if tag == "link" and FETCHED & set(found.get("rel", "").split()):
            self.loads.append(found.get("href", ""))
        self.loads += [part.split()[0] for part in found.get("srcset", "").split(",") if part.strip()]

    def handle_endtag(self, tag: str) -> None:
        """Leave a block."""
        self.quoted -= tag == "pre"
        if tag == "div" and self.inside:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        """Note where a table of a record should stand; the code that says so is no fault."""
        if NO_RECORD.search(data) and not self.quoted:
            self.missing.append(data.strip())


def _says_something(text: str) -> bool:
    """Whether a text describes a picture; the name of its file, which Sphinx writes where there is none, does not."""
    return bool(text.strip()) and not re.search(r"\.(png|svg|jpe?g|gif)$", text.strip())


def read(folder: Path) -> dict[Path, Page]:
    """All pages of a folder.

    Parameters
    ----------
    folder : Path
        Where Sphinx wrote them.

    Returns
    -------
    dict of Page
        By their files.
    """
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        if "_static" in path.relative_to(folder).parts:
            continue  # templates of the theme
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path.resolve()] = page
    return pages


def faults(folder: Path) -> list[str]:
    """Everything that is wrong, a line each.

    Parameters
    ----------
    folder : Path
        Where Sphinx wrote the pages.

    Returns
    -------
    list of str
        Empty if all is well.
    """
    folder = folder.resolve()
    pages = read(folder)
    if not pages:
        return [f"expected pages in {folder}, found none; run `make docs`"]
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        found += [f"{name}: an image without alternative text, {source}" for source in page.silent]
        found += [f"{name}: figures are missing, {words}" for words in page.missing]
        found += [f"{name}: needs the network, {address}" for address in page.loads if _is_remote(address)]
        found += [f"{name}: no such file, {address}" for address in page.loads if _is_missing(path, address)]
        found += [f"{name}: {fault}" for link in page.links if (fault := _broken(path, link, pages))]
    return [*found, *_remote_styles(folder), *_unshown(folder, pages)]


def _is_remote(address: str) -> bool:
    return urlsplit(address).scheme in ("http", "https") or address.startswith("//")


def _is_missing(page: Path, address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme or address.startswith("//") or not parts.path:
        return False
    return not (page.parent / unquote(parts.path)).exists()


def _broken(page: Path, link: str, pages: dict[Path, Page]) -> str:
    """What is wrong with a link within the pages; nothing for a link elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or link.startswith("//"):
        return ""
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return f"a link to nothing, {link}"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"a link to an anchor that is not there, {link}"
    return ""


def _remote_styles(folder: Path) -> list[str]:
    """Style sheets that fetch fonts or pictures."""
    faults = []
    for path in sorted(folder.rglob("*.css")):
        fetched = re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(folder)}: needs the network, {address}" for address in fetched]
    return faults


def _unshown(folder: Path, pages: dict[Path, Page]) -> list[str]:
    """Statements without a link to a page that carries their badge."""
    page = pages.get(folder / f"{PAGE}.html")
    if page is None:
        return [f"{PAGE}.html: the page of the statements is not there"]
    missing = []
    for statement in STATEMENTS:
        anchor = anchor_of(statement)
        if anchor not in page.anchors:
            missing.append(f"{PAGE}.html: statement {statement} is not on the page")
        elif not any("#claim-" in link for link in page.shown[anchor]):
            missing.append(f"{PAGE}.html: statement {statement} is shown on no page")
    return missing


def main(arguments: list[str]) -> int:
    """Print the faults of the pages in a folder.

    Parameters
    ----------
    arguments : list of str
        The folder; that of `make docs` if there is none.

    Returns
    -------
    int
        1 if there are faults.
    """
    folder = Path(arguments[0] if arguments else Path(__file__).parent / "_build" / "html")
    found = faults(folder)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} faults in {len(read(folder))} pages")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
