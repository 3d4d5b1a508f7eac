"""The benchmark of pairs with known distances runs from its command line to its files, and judges what it sees."""

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gan
from gan.envelopes import ConeEnvelope, FunnelEnvelope
from gan.sampled_w1 import TRIAL, _stages

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import known_pairs
from known_pairs import CONTESTANTS, FAMILIES, PORTFOLIO, Row

torch.set_num_threads(1)

GOOD = Row(
    family="shift",
    pair="a shift",
    contestant=PORTFOLIO,
    dimension=2,
    funnels=0,
    exact=1.0,
    exact_error=0.0,
    estimate=0.98,
    standard_error=0.005,
    kind="expected",
    relative_error=-0.02,
    lower=0.9,
    upper=1.1,
    lipschitz_bound=1.0,
    cosine=0.99,
    squared=0.02,
    steepest=1.0,
    critic="Sequential",
    cpu_seconds=10.0,
    peak_mebibytes=600.0,
)
FULL = known_pairs.Settings(quick=False, out="", families=tuple(FAMILIES), only=tuple(CONTESTANTS))


def missed(*rows):
    return [target.claim for target in known_pairs.judged(rows, FULL) if not target.met]


def test_a_quick_run(tmp_path, capsys):
    few = ["--families", "funnels 4", "digits", "--only", "portfolio", "GP"]
    assert known_pairs.main(["--quick", *few, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    with (tmp_path / "known_pairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["family"], row["contestant"]) for row in rows] == [
        (family, name) for family in ("funnels 4", "digits") for name in ("portfolio", "GP")
    ]
    for row in rows:
        assert row["contestant"] in printed
        # a gradient of a critic that is 1-Lipschitz by construction has length 1 at most, whatever it has learned
        assert row["contestant"] == "GP" or float(row["steepest"]) <= 1 + 1e-5
        assert (row["kind"] == "estimate") == (row["contestant"] == "GP")
        assert math.isnan(float(row["cosine"])) == (row["family"] == "digits")
        assert float(row["estimate"]) / float(row["exact"]) - 1 == pytest.approx(float(row["relative_error"]))
    record = json.loads((tmp_path / "known_pairs.json").read_text())
    assert record["settings"]["only"] == ["portfolio", "GP"]
    assert (tmp_path / "known_pairs.txt").read_text().startswith("funnels 4: 4 funnels, d = 2, W1 = ")
    assert (tmp_path / "known_pairs_funnels.png").stat().st_size > 20_000
    assert (tmp_path / "known_pairs_closed.png").stat().st_size > 20_000


def test_an_error_of_one_per_cent_beyond_three_standard_errors_is_still_good():
    assert missed(GOOD) == []
    claim = "portfolio, other families: |error| - 3 standard errors at most 1 %"
    assert missed(replace(GOOD, relative_error=-0.026)) == [claim]
    assert missed(replace(GOOD, relative_error=+0.026)) == [claim]
    assert missed(replace(GOOD, standard_error=0.003)) == [claim]
    assert missed(replace(GOOD, relative_error=math.nan)) == [claim]
    assert missed(replace(GOOD, contestant="GP", relative_error=0.5)) == []


def test_goals_that_are_missed_are_named():
    assert missed(replace(GOOD, cpu_seconds=41.0)) == ["portfolio, other families: at most 40 CPU seconds"]
    assert missed(replace(GOOD, steepest=1.001)) == ["no gradient of an admissible critic is longer than 1"]
    assert missed(replace(GOOD, kind="estimate", steepest=1.001)) == []
    bounds = "W1 is within the bounds of level 95 % in nine rows of ten"
    assert missed(replace(GOOD, lower=1.01)) == [bounds]
    assert missed(replace(GOOD, upper=0.99)) == [bounds]


@pytest.mark.parametrize("name", ["cones", PORTFOLIO])
def test_goals_of_funnels_depend_on_their_number(name):
    row = replace(GOOD, contestant=name, family="funnels 256", funnels=256, cosine=0.88)
    assert missed(row) == []
    assert missed(replace(row, cosine=0.86)) == [f"{name}, 256 funnels: cosine at least 0.87"]
    assert missed(replace(row, relative_error=-0.05)) == [f"{name}, 256 funnels: |error| at most 4.0%"]
    assert missed(replace(row, funnels=4)) == [
        f"{name}, 4 funnels: cosine at least 0.97",
        f"{name}, 4 funnels: |error| at most 1.2%",
    ]
    assert missed(replace(row, dimension=32, cosine=0.0)) == []  # reported, without a goal


def test_every_contestant_of_the_library_is_there():
    assert CONTESTANTS[PORTFOLIO].rules == gan.PORTFOLIO
    assert tuple(CONTESTANTS[name].rules[0] for name in ("cones", "funnels", "orthogonal")) == gan.PORTFOLIO


def test_a_run_without_pairs_says_so(tmp_path, capsys):
    assert known_pairs.main(["--families", "shift", "--dimensions", "3", "--out", str(tmp_path)]) == 2
    assert "expected a family with one of these dimensions" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--families", "drift"], ["--only", "everyone"], ["--seconds", "0"]])
def test_arguments_that_mean_nothing_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        known_pairs.main(arguments)
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 100, 2000])
def test_a_trial_and_the_rest_are_all_steps_of_the_critic_reported(count, steps):
    trial, rest = _stages(gan.Budget(steps=steps), count)
    assert trial.steps >= 1
    assert trial.steps + (rest.steps if rest else 0) == steps


@pytest.mark.parametrize("count", [1, 3])
def test_trials_and_the_rest_take_all_seconds(count):
    trial, rest = _stages(gan.Budget(seconds=12.0), count)
    assert count * trial.seconds + rest.seconds == pytest.approx(12.0)
    # the critic reported trains in the same proportion as when steps are counted
    assert rest.seconds / trial.seconds == pytest.approx(1 / TRIAL - 1)


def test_the_history_goes_on_after_the_trial():
    pair = gan.known.three_cones()
    short = gan.Budget(steps=40, samples=(500, 100, 100))
    history = gan.estimate(pair, budget=short, device="cpu").history
    steps, seconds = [record.step for record in history], [record.seconds for record in history]
    assert steps[-1] == 40
    assert steps == sorted(set(steps))
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("tips", [64, 192, 100])
@pytest.mark.parametrize("kind", [ConeEnvelope, FunnelEnvelope])
def test_an_envelope_finds_its_active_tip_in_whichever_group_it_is(kind, tips):
    generator = torch.Generator().manual_seed(0)
    points, tops = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (500, tips))
    heights = 0.3 * torch.randn(tips, generator=generator, dtype=torch.float64)
    distance = torch.linalg.vector_norm(points[:, None] - tops, dim=2)
    expected = (heights - distance).amax(1) if kind is ConeEnvelope else (heights + distance).amin(1)
    assert torch.allclose(kind(tops, heights)(points), expected, rtol=0, atol=1e-12)
