"""The benchmark runs from its command line to its files, with critics that are hardly trained."""

import csv
import json
import re
import sys
from pathlib import Path

import pytest

import divergences as dv
import gan

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import critics_vs_exact


@pytest.fixture
def short(monkeypatch, tmp_path):
    monkeypatch.setattr(critics_vs_exact, "RESULTS", tmp_path)
    monkeypatch.setattr(
        critics_vs_exact.Settings, "budget", lambda _, steps, batch=None: gan.Budget(steps=3, batch=batch, polish=2)
    )
    return tmp_path


def test_a_quick_run(short, capsys):
    assert critics_vs_exact.main(["--quick", "--seed", "3"]) == 0
    out = short / "quick"
    printed = capsys.readouterr().out
    assert re.match(r"device: (cpu|cuda)", printed)
    assert "worked table: 42 in all, proven in [42, 42]; 7 per unit mass" in printed
    assert "js = 0.693147, tv = 1, kl = inf" in printed
    with (out / "w1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert all(float(row["proven_lower"]) <= float(row["exact_upper"]) for row in rows)
    assert {row["problem"] for row in rows} >= {"photographs", "digits 3 and 8", "worked table"}
    record = json.loads((out / "critics_vs_exact.json").read_text())
    assert record["settings"] == {"full": False, "quick": True, "seed": 3, "device": record["settings"]["device"]}
    assert len(record["fdivergences"]) == len(dv.FDIVERGENCES)
    assert all(row["slope"] is None for row in record["w1"] if row["constraint"] == "CTransform")
    assert (out / "training.png").stat().st_size > 20_000
    assert (out / "surfaces.png").stat().st_size > 20_000


def test_a_full_run_that_misses_its_goals_says_so(short, capsys):
    """Three steps are not enough for the f-divergences: the exit status is 1 and the miss is printed."""
    assert critics_vs_exact.main([]) == 1
    assert re.search(r"goals missed .*kl: -", capsys.readouterr().out)
    assert (short / "w1.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "--device gpu: torch does not find it here"),
        (["--seed", "-1"], "expected a whole number of at least 0, got '-1'"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments, message, capsys):
    with pytest.raises(SystemExit):
        critics_vs_exact.main(arguments)
    assert message in capsys.readouterr().err


def test_a_bound_above_the_exact_value_stops_the_run():
    P, Q = gan.Discrete([0.0]), gan.Discrete([1.0])
    e = gan.estimate(P, Q, budget=gan.Budget(steps=1))
    with pytest.raises(ArithmeticError, match=r"expected the proven lower bound 1\.0 not to be above"):
        critics_vs_exact.hold(e, dv.Bounds.exact(0.5))
