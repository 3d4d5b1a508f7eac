"""The benchmarks of critics on finite pairs: small runs are right, and what they count as wrong is wrong."""

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import divergences as dv
import gan

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import discrete_pairs
import many_critics
import soundness


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def written(out, *names):
    for name in names:
        assert json.loads((out / f"{name}.json").read_text())["rows"]
        assert rows_of(out / f"{name}.csv")


def test_every_critic_has_its_place_on_the_leaderboard(tmp_path):
    assert discrete_pairs.main(["--quick", "--part", "w1", "--out", str(tmp_path)]) == 0
    written(tmp_path, "discrete_w1")
    rows = rows_of(tmp_path / "discrete_w1.csv")
    assert {row["critic"] for row in rows} == set(discrete_pairs.CRITICS)
    assert (tmp_path / "discrete_w1.png").stat().st_size > 10_000
    for row in rows:
        assert float(row["lower"]) <= float(row["exact"]) * (1 + 1e-12)
        assert float(row["upper"]) >= float(row["exact"]) * (1 - 1e-12)
        assert row["raw_kind"] == "estimate" or float(row["raw_excess"]) <= 1e-12


def test_every_divergence_is_read_off_one_critic_and_the_infinite_ones_are_found(tmp_path, capsys):
    assert discrete_pairs.main(["--quick", "--part", "ratios", "--out", str(tmp_path)]) == 0
    written(tmp_path, "discrete_ratios")
    rows = rows_of(tmp_path / "discrete_ratios.csv")
    assert {row["divergence"] for row in rows} == {f.name for f in dv.FDIVERGENCES}
    infinite = [row for row in rows if math.isinf(float(row["exact"]))]
    assert infinite
    assert all(math.isinf(float(row["lower"])) for row in infinite)
    assert "infinite ones are inf" in capsys.readouterr().out


def test_estimators_from_samples_stand_beside_critics(tmp_path):
    assert discrete_pairs.main(["--quick", "--part", "samples", "--out", str(tmp_path)]) == 0
    rows = rows_of(tmp_path / "sampled_divergences.csv")
    assert {row["method"] for row in rows} == {"critic", "kernel plug-in", "histogram", "nearest neighbours"}
    assert {row["divergence"] for row in rows} == {f.name for f in discrete_pairs.SAMPLED}


def test_a_stack_is_timed_beside_a_loop(tmp_path, capsys):
    assert many_critics.main(["--quick", "--out", str(tmp_path)]) == 0
    written(tmp_path, "many_critics", "many_critics_speed")
    assert all(float(row["faster"]) > 1 for row in rows_of(tmp_path / "many_critics_speed.csv"))
    assert "times as fast as the loop" in capsys.readouterr().out


def test_random_estimates_are_sound(tmp_path, capsys):
    soundness.main(["--quick", "--count", "300", "--out", str(tmp_path)])
    written(tmp_path, "soundness")
    rows = rows_of(tmp_path / "soundness.csv")
    assert sum(int(row["count"]) for row in rows) >= 300
    assert all(int(row["lower_violations"]) == int(row["upper_violations"]) == 0 for row in rows)
    assert "MISSED  no lower" not in capsys.readouterr().out


def test_a_bound_beyond_exact_is_counted():
    lines = gan.parallel_lines(0.5, size=4)
    e = gan.estimate(lines, budget=gan.Budget(steps=2))
    tally = soundness.Tally()
    tally.add(e, e.lower / (1 + 1e-11))
    assert (tally.lower_violations, tally.upper_violations) == (1, 0)
    tally.add(e, e.upper * (1 + 1e-11))
    assert (tally.lower_violations, tally.upper_violations) == (1, 1)
    assert not any(target.met for target in soundness.judged([soundness.row("W1", tally)], 1))


def test_random_pairs_hold_what_breaks_bounds():
    r = np.random.default_rng(0)
    pairs = [soundness.random_pair(r, 2, most=12, decades=60) for _ in range(300)]
    measures = [measure for pair in pairs for measure in pair]
    assert any((m.weights == 0).any() for m in measures)
    assert any(len(np.unique(m.points, axis=0)) < m.size for m in measures)
    assert any(P is Q for P, Q in pairs)
    sizes = [np.abs(m.points).max() for m in measures if np.any(m.points)]
    assert min(sizes) < 1e-30
    assert max(sizes) > 1e30


def test_the_distance_on_the_line_has_two_roads():
    P, Q = gan.Discrete([0.0, 1.0, 1.0, 3.0]), gan.Discrete([5.0, 2.0], [0.25, 0.75])
    assert soundness.exact_distance(P, Q) == pytest.approx(1.5, rel=1e-15)
