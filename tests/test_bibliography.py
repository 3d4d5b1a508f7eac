"""One bibliography: every work that is cited, in a docstring, a table or a page, has an entry there."""

import re
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCES = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
ENTRIES = [line.removeprefix("- ") for line in REFERENCES.splitlines() if line.startswith("- ")]

CITATION = re.compile(
    r"\b(?P<name>[A-ZÀ-Ý][\w’'\-]+)(?:,(?: [A-Z]\.-?)+)?(?: et al\.)?,?\s+\(?(?P<year>(?:19|20)\d\d)\b(?![-.\d])"
)
"""The last name before a year: "Kingma & Ba (2015)", "Mao et al. (2017)", "Villani 2009", "Verdu, S. (2016)"."""

FILES = sorted(
    path
    for folder in ("divergences", "gan", "benchmarks", "docs/examples", "docs/guide")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md", ".rst"}
)


def plain(name: str) -> str:
    """A name without accents, which the docstrings leave out here and there."""
    return unicodedata.normalize("NFKD", name.replace("ø", "o")).encode("ascii", "ignore").decode()


def authors_and_years(entry: str) -> tuple[set[str], set[str]]:
    """Last names and years of an entry; a work that came out twice has two."""
    authors, _, _ = entry.partition(" (")
    return set(re.findall(r"[\w\-]{2,}", plain(authors))), set(re.findall(r"\((\d{4})\)", entry))


KNOWN = {
    (name, year) for entry in ENTRIES for names, years in [authors_and_years(entry)] for name in names for year in years
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_citation_has_an_entry(path: Path) -> None:
    cited = {(plain(m["name"]), m["year"]) for m in CITATION.finditer(path.read_text(encoding="utf-8"))}
    assert cited - KNOWN == set(), "add the works to docs/references.md"


def test_the_packages_cite_works() -> None:
    """The premise of the test above: its pattern finds them."""
    cited = {match["name"] for path in FILES for match in CITATION.finditer(path.read_text(encoding="utf-8"))}
    assert len(cited) > 100


def test_entries_are_complete() -> None:
    for entry in ENTRIES:
        assert re.match(r"[^()]+ \(\d{4}\)\. .+\.$", entry), entry


def test_entries_are_in_order() -> None:
    keys = [(plain(entry.removeprefix("van ")).split(",")[0].lower(), entry[: entry.index("(")]) for entry in ENTRIES]
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)
