"""``python -m gan estimate``: brackets around what the library computes, and one line for what is wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import divergences as dv
from gan import command_estimate
from gan.__main__ import main
from gan.ascent import TrainingError
from gan.command_estimate import CONSTRAINTS, CRITICS, OBJECTIVES

torch.set_num_threads(1)

ROOT = Path(__file__).parents[2]
FEW = ("--steps", "20", "--device", "cpu")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.save("P.npy", rng.random((12, 2)))
    np.savetxt("Q.csv", rng.random((10, 2)), delimiter=",", header="x,y", comments="")
    np.save("many.npy", rng.random((200, 2)))
    np.save("w.npy", rng.dirichlet(np.ones(12)))


@pytest.fixture
def run(capsys):
    def ended(*arguments):
        code = main(["estimate", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return ended


@pytest.fixture
def found(run):
    def record(*arguments):
        code, out, err = run(*arguments, *FEW, "--json")
        assert (code, err) == (0, "")
        return json.loads(out, parse_constant=pytest.fail)

    return record


@pytest.fixture
def refused(run):
    def line(*arguments, code=2):
        ended, out, err = run(*arguments)
        assert (ended, out) == (code, ""), err
        assert re.fullmatch(r"gan: [^\n]+\n", err)
        return err

    return line


def exact():
    return dv.wasserstein(np.load("P.npy"), np.loadtxt("Q.csv", delimiter=",", skiprows=1)).value


def test_help_names_objectives_constraints_and_critics(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["estimate", "--help"])
    text = "".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert all(name in text for name in ("exitcodes", *OBJECTIVES, *CONSTRAINTS, *CRITICS))


def test_the_bracket_of_finite_measures_holds_the_exact_value(found):
    record = found("P.npy", "Q.csv", "--finite")
    assert 0 < record["lower"] <= exact() * (1 + 1e-12)
    assert record["upper"] >= exact() * (1 - 1e-12)
    assert (record["level"], record["objective"], record["device"], record["steps"]) == (1, "wasserstein", "cpu", 20)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_every_constraint_has_a_name_that_works(constraint, found):
    record = found("P.npy", "Q.csv", "--finite", "--constraint", constraint)
    assert record["lower"] <= exact() * (1 + 1e-12)


@pytest.mark.parametrize("critic", CRITICS)
def test_every_critic_has_a_name_that_works(critic, found):
    rule = critic if critic in CONSTRAINTS else "gradient-penalty"
    assert found("P.npy", "Q.csv", "--finite", "--critic", critic, "--constraint", rule)["lower"] <= exact() * (
        1 + 1e-12
    )


def test_several_constraints_are_tried(found):
    best = found("P.npy", "Q.csv", "--finite", "--constraint", "spectral-norm,c-transform")
    assert best["lower"] >= found("P.npy", "Q.csv", "--finite", "--constraint", "spectral-norm")["lower"]


def test_weights_make_the_measures_finite(found):
    points, weights = np.load("P.npy"), np.load("w.npy")
    record = found("P.npy", "P.npy", "--weights-p", "w.npy", "--objective", "js")
    assert record["lower"] <= dv.js(weights, np.full(12, 1 / 12)) * (1 + 1e-12)
    assert record["upper"] >= dv.js(weights, np.full(12, 1 / 12)) * (1 - 1e-12)
    assert record["lipschitz"] is None
    assert len(points) == len(weights)


@pytest.mark.parametrize("objective", [*OBJECTIVES, "kl", "alpha:0.5"])
def test_points_are_samples_otherwise(objective, found):
    rng = np.random.default_rng(0)
    np.save("P.npy", rng.normal(size=(400, 1)))
    np.save("Q.npy", rng.normal(size=(400, 1)) + 1)
    rule = ("--constraint", "cones") if objective == "wasserstein" else ()
    record = found("P.npy", "Q.npy", "--objective", objective, "--level", "0.9", *rule)
    assert record["level"] == 0.9
    assert record["lower"] <= record["value"]


def test_the_same_seed_gives_the_same_numbers(found):
    arguments = ("P.npy", "Q.csv", "--finite", "--constraint", "orthogonal", "--seed")
    first, second, other = (found(*arguments, seed) for seed in ("1", "1", "2"))
    assert first["raw"] == second["raw"] != other["raw"]


def test_a_table_says_what_each_number_is(run):
    code, out, _ = run("P.npy", "Q.csv", "--finite", *FEW)
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert code == 0
    assert rows["lower"].split()[1:] == ["proven"]
    assert rows["upper"].split()[1:] == ["proven"]
    assert rows["slope bound"].endswith("Lipschitz constant, proven")
    assert rows["steps"].endswith("s on cpu")


ARGUMENTS = {
    ("P.npy",): "required: Q",
    ("P.npy", "nosuch"): "to be a file that can be read, got 'nosuch': No such file",
    ("P.npy", "Q.csv", "--objective", "wassertein"): "did you mean wasserstein?",
    ("P.npy", "Q.csv", "--objective", "kll"): "did you mean kl?",
    ("P.npy", "Q.csv", "--objective", "renyi:2"): "an f-divergence, got renyi(2.0)",
    ("P.npy", "Q.csv", "--constraint", "gradient"): "did you mean gradient-penalty?",
    ("P.npy", "Q.csv", "--critic", "xyz"): "there are mlp",
    ("many.npy", "many.npy", "--constraint", "c-transform"): "which looks at the whole support; pass --finite",
    ("P.npy", "Q.csv"): "enough samples to train on some and measure on others, got 12, divided in the proportion",
    ("P.npy", "Q.csv", "--finite", "--objective", "js", "--constraint", "cones"): "only wasserstein has one",
    ("P.npy", "Q.csv", "--finite", "--level", "0.9"): "expected no --level for finite measures",
    ("P.npy", "Q.csv", "--level", "2"): "expected",
    ("P.npy", "w.npy", "--finite"): "points of one dimension, got 2 for P and 1 for Q",
    ("P.npy", "Q.csv", "--weights-q", "w.npy"): "one weight per point",
    ("P.npy", "Q.csv", "--weights-q", "Q.csv"): "one weight per point",
    ("P.npy", "-", "--weights-q", "-"): "several '-'",
    ("P.npy", "Q.csv", "--steps", "0"): "whole number of at least 1, got '0'",
    ("P.npy", "Q.csv", "--seed", "-1"): "whole number of at least 0, got '-1'",
    ("P.npy", "Q.csv", "--seconds", "-1"): "seconds",
    ("P.npy", "Q.csv", "--device", "abacus"): "torch finds here, got 'abacus'",
}


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_wrong_arguments_are_refused_in_one_line(arguments, refused):
    assert ARGUMENTS[arguments] in refused(*arguments)


def test_points_that_are_none_are_refused(refused):
    np.save("Q.npy", [[0.0, np.nan]])
    assert "finite" in refused("P.npy", "Q.npy", "--finite")
    assert "finite" in refused("P.npy", "Q.npy")


@pytest.mark.parametrize(("error", "code"), [(TrainingError, 1), (KeyboardInterrupt, 130), (ValueError, 2)])
def test_other_endings_are_one_line_too(error, code, refused, monkeypatch):
    said = "expected to go on"

    def stopped(*_, **__):
        raise error(said)

    monkeypatch.setattr(command_estimate, "estimate", stopped)
    refused("P.npy", "Q.csv", code=code)


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "gan", "estimate", str(Path("P.npy").resolve()), "nosuch"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"gan: expected Q to be a file that can be read, got 'nosuch': [^\n]*\n", ended.stderr)
