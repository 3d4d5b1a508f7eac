"""A divergence declared in one source file passes every law, appears in the table and is proved."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from divergences.tables import catalogue_table

ROOT = Path(__file__).parents[2]

DECLARATION = '''

@final
@dataclass(frozen=True, repr=False)
class SymmetricChi2(FDivergence):
    r"""Symmetric chi-squared $\\sum (p-q)^2 (p+q)/(pq)$, the sum of Pearson's and Neyman's."""

    symmetric = True

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d = m.difference(p, q)
        return m.square_quotient(d, p) + m.square_quotient(d, q)

    def critic(self, v: Any, m: Scalars) -> Any:
        return 2 * m.expm1(v) - m.expm1(-2 * v)


symmetric_chi2 = SymmetricChi2()
'''


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the package and its tests, with one declaration more in the catalogue and no other change."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("divergences", "tests", "pyproject.toml"):
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "gan")
        shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy(source, copy / name)
    catalogue = copy / "divergences" / "catalogue.py"
    text = catalogue.read_text()
    place = text.index("\n_DECLARED = ")
    catalogue.write_text(text[:place] + DECLARATION + text[place:])
    return copy


def run(house, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(house), "HYPOTHESIS_PROFILE": "dev"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True, check=False
    )


def test_it_passes_every_law(house):
    """Non-negativity, data processing, conjugates by brute force, duality, libraries, the proof."""
    files = [f"tests/divergences/test_{name}.py" for name in ("laws", "duality", "arrays", "libraries", "proofs")]
    done = run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "symmetric_chi2", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 40


def test_it_appears_in_the_catalogue_and_its_table(house):
    code = """
import divergences as dv
from divergences.tables import catalogue_table
d = dv.catalogue.symmetric_chi2
assert d in dv.FDIVERGENCES
(row,) = [row for row in catalogue_table() if row.name == "symmetric_chi2"]
print(row.f, "|", row.critic_range, "|", row.activation, "|", row.symmetric)
print(abs(d([0.5, 0.5], [0.25, 0.75]) - 7 / 12) < 1e-15, d.prove().symbolic)
"""
    done = run(house, "-c", code)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.endswith(r"| \left(-\infty, \infty\right) | z | True")
    assert second == "True True"


def test_the_table_has_a_row_for_every_divergence():
    import divergences as dv

    rows = catalogue_table()
    assert [row.name for row in rows] == [d.name for d in dv.FDIVERGENCES]
    for row in rows:
        assert row.title.endswith((".", "$"))
        assert row.f
    by_name = {row.name: row for row in rows}
    assert by_name["pearson_chi2"].activation == r"-2+\log(1+e^{z})"
    assert by_name["js"].activation == r"\tfrac{1}{2}\log 2-\log(1+e^{-z})"
    assert by_name["tv"].activation == r"0.5\tanh z"
    assert by_name["le_cam"].activation == r"-0.5+\tanh z"
    assert by_name["jeffreys"].conjugate == "-"
