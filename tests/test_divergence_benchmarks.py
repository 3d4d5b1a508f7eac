"""The divergence benchmarks: their truth is true, their routes compute one thing, and quick runs meet the targets."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import divergence_accuracy
import divergence_peers
import divergence_speed
from divergence_accuracy import ALPHAS, FIXED, RENYIS, Row, judge, judged
from divergence_peers import missing, routes
from divergence_report import Target, announce, save
from divergence_truth import Quantity, is_infinite, relative_error, truths

ALL = (*FIXED, *ALPHAS, *RENYIS)


def run_script(name, out, *arguments):
    """Run a script as a user does; standard output."""
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick", "--out", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for suffix in ("csv", "json", "png"):
        assert (out / f"{name}.{suffix}").stat().st_size > 400
    return done.stdout


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------------------------------------------------- quick runs


@pytest.mark.parametrize("name", ["fgan_mixture", "game_dynamics", "pinsker_gap"])
def test_projections_orbits_and_sharp_bounds_meet_their_targets(name, tmp_path):
    assert "MISSED" not in run_script(name, tmp_path)


@pytest.mark.parametrize("name", ["transport", "transport_matrices"])
def test_transport_runs_beside_its_peers_and_is_certified(name, tmp_path):
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    missed = [line for line in done.stdout.splitlines() if "MISSED" in line]
    assert not [line for line in missed if "times as fast" not in line]  # machines are noisy; certificates are not
    assert json.loads((tmp_path / f"{name}.json").read_text())


def test_closed_forms_are_right_where_torch_is_not(tmp_path):
    printed = run_script("distributions", tmp_path)
    assert not [line for line in printed.splitlines() if "MISSED" in line and "within 4e-15" in line]
    rows = rows_of(tmp_path / "distributions.csv")
    assert len({row["family"] for row in rows}) == 5
    near = [row for row in rows if float(row["closeness"]) < 1e-7]
    assert max(float(row["divergences"]) for row in near) <= 4e-15
    assert min(float(row["torch"]) for row in near) > 1e-3


def test_the_library_meets_every_target_of_accuracy_and_peers_do_not(tmp_path):
    printed = run_script("divergence_accuracy", tmp_path)
    assert "MISSED" not in printed
    rows = rows_of(tmp_path / "divergence_accuracy.csv")
    ours = [row for row in rows if row["route"].startswith("divergences")]
    assert {row["quantity"] for row in ours} == {quantity.name for quantity in ALL}
    for row in ours:
        goal = (
            5e-7 if "jax" in row["route"] else 6e-8 if "float32" in row["group"] else 4e-15 if row["order"] else 2e-15
        )
        infinite_everywhere = row["error"] == "nan"
        assert infinite_everywhere or float(row["error"]) <= goal, row
        assert not any(int(row[kind]) for kind in ("negative", "nan", "infinite", "finite", "nonzero")), row
    near = {row["route"]: row for row in rows if row["quantity"] == "kl" and row["group"] == "close 1e-12"}
    assert float(near["scipy entropy"]["error"]) > 1  # what the battery is for
    record = json.loads((tmp_path / "divergence_accuracy.json").read_text())
    assert record["settings"] == {"quick": True, "seed": 0, "out": str(tmp_path)}
    assert len(record["rows"]) == len(rows)
    assert all(target["met"] for target in record["targets"])


def test_a_quick_run_times_every_route_and_says_every_target(tmp_path):
    printed = run_script("divergence_speed", tmp_path)
    assert len([line for line in printed.splitlines() if line.startswith(("  met", "  MISSED"))]) == 11
    assert "  met     enclose, n = 1000: contains the truth: 24 of 24" in printed
    rows = rows_of(tmp_path / "divergence_speed.csv")
    assert all(0 < float(row["least"]) <= float(row["median"]) < math.inf for row in rows)
    for shape in ("n = 1e5", "n = 1e5, close 1e-4", "100 x 1000", "n = 1000"):
        for quantity in ("kl", "js", "tv", "squared_hellinger", "pearson_chi2", "alpha"):
            found = {row["route"] for row in rows if (row["shape"], row["quantity"]) == (shape, quantity)}
            assert found >= {"divergences", "numpy line", "floor: one log", "floor: one product"}
    assert {row["route"] for row in rows if row["shape"].startswith("pairwise")} >= {"divergences", "scipy cdist"}


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        (divergence_accuracy, ["--seed", "-1"], "argument --seed: expected a whole number of at least 0, got '-1'"),
        (divergence_accuracy, ["--out", __file__], "argument --out: expected a folder, got the file"),
        (divergence_accuracy, ["--fast"], "unrecognized arguments: --fast"),
        (divergence_speed, ["--out", __file__], "argument --out: expected a folder, got the file"),
        (divergence_speed, ["--seed", "1"], "unrecognized arguments: --seed 1"),
    ],
)
def test_a_wrong_command_line_is_explained_on_one_line(script, arguments, message, capsys):
    with pytest.raises(SystemExit):
        script.main(arguments)
    (explanation,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert message in explanation


# ----------------------------------------------------------------------------------------------------------- the truth


def in_digits(quantity, p, q):
    """The quantity by 60 digits, from the perspective or from the power mean of the ratio, on positive entries."""
    with mpmath.workdps(60):
        p, q = ([mpmath.mpf(float(x)) for x in w] for w in (p, q))
        p, q = ([x / sum(w) for x in w] for w in (p, q))
        u = [a / b for a, b in zip(p, q, strict=True)]
        a = quantity.order
        functions = {
            "kl": lambda u: u * mpmath.log(u),
            "js": lambda u: (u * mpmath.log(u) - (u + 1) * mpmath.log((u + 1) / 2)) / 2,
            "tv": lambda u: abs(u - 1) / 2,
            "squared_hellinger": lambda u: (mpmath.sqrt(u) - 1) ** 2,
            "pearson_chi2": lambda u: (u - 1) ** 2,
        }
        if a in (0, 1):
            f = functions["kl"] if a else lambda u: -mpmath.log(u)
        elif a is not None:
            f = lambda u: u ** mpmath.mpf(a)
        else:
            f = functions[quantity.name]
        total = mpmath.fsum(b * f(r) for b, r in zip(q, u, strict=True))
        if a is None or a in (0, 1):
            return total
        a = mpmath.mpf(a)
        return (total - 1) / (a * (a - 1)) if quantity.name == "alpha" else mpmath.log(total) / (a - 1)


@pytest.mark.parametrize("closeness", [1.0, 1e-4, 1e-8])
def test_the_balls_contain_the_value_of_sixty_digits(closeness):
    rng = np.random.default_rng(5)
    q = rng.dirichlet(np.ones(20))
    p = q * (1 + closeness * rng.uniform(-0.9, 0.9, size=20))
    for quantity, ball in truths(p, q, ALL).items():
        with flint.ctx.workprec(400):
            digits = flint.arb(mpmath.nstr(in_digits(quantity, p, q), 60))
            # orders that differ from 1 by 1e-12 lose 12 digits twice, closeness 16
            assert abs(digits / ball - 1) < flint.arb("1e-18"), quantity
        assert ball.rel_accuracy_bits() >= 80


def test_the_balls_of_a_point_against_two_are_the_closed_forms():
    """P = (1, 0) against Q = (1/2, 1/2): the Renyi divergence is log 2 at every order, the power sum 2**(a-1)."""
    point, halves = np.array([3.0, 0.0]), np.array([0.25, 0.25])
    found = truths(point, halves, ALL)
    with mpmath.workdps(40):
        js = mpmath.log(mpmath.mpf(4) / 3) / 2 + mpmath.log(mpmath.mpf(2) / 3) / 4 + mpmath.log(2) / 4
        expected = {
            "kl": mpmath.log(2),
            "js": js,
            "tv": 0.5,
            "squared_hellinger": 2 - mpmath.sqrt(2),
            "pearson_chi2": 1,
        }
        for quantity, ball in found.items():
            a = quantity.order
            if quantity.name == "alpha" and a <= 0:
                assert is_infinite(ball)
                continue
            if quantity.name == "alpha" and a != 1:
                value = (mpmath.mpf(2) ** (mpmath.mpf(a) - 1) - 1) / (mpmath.mpf(a) * (mpmath.mpf(a) - 1))
            else:
                value = expected[quantity.name] if a is None else mpmath.log(2)
            assert relative_error(float(value), ball) < 2e-16, quantity


def test_a_truth_below_the_smallest_double_is_found():
    """JS of (0, 1) against (5e-324, 1) is half of log 2 times 5e-324: 2400 bits are needed, and the nearest double is 0."""
    ball = truths(np.array([0.0, 1.0]), np.array([5e-324, 1.0]), [Quantity("js")])[Quantity("js")]
    with flint.ctx.workprec(200):
        assert abs(ball / (flint.arb(2) ** -1074 * flint.arb(2).log() / 2) - 1) < 1e-20
    assert relative_error(0.0, ball) < 2e-16
    assert relative_error(math.inf, ball) == math.inf


def test_equal_arrays_have_the_truth_zero_and_proportional_ones_none():
    p = np.array([1.0, 2.0])
    assert all(ball == 0 for ball in truths(p, p.copy(), ALL).values())
    with pytest.raises(ArithmeticError, match="expected balls of 80 bits within 16384"):
        truths(p, 2 * p, [Quantity("tv")])


@pytest.mark.parametrize(
    ("got", "truth", "verdict"),
    [
        (0.5, 0.5, ""),
        (math.nan, 0.5, "nan"),
        (-1e-20, 1e-20, "negative"),
        (math.inf, 0.5, "infinite"),
        (-math.inf, 0.5, "infinite"),
        (math.inf, math.inf, ""),
        (1e300, math.inf, "finite"),
        (1e-30, 0.0, "nonzero"),
        (-1e-30, 0.0, "negative"),
        (0.0, 0.0, ""),
    ],
)
def test_wrong_values_are_told_apart(got, truth, verdict):
    assert judge(got, flint.arb(truth)) == verdict


def test_a_bad_value_misses_its_target():
    good = Row("kl", None, "ordinary", 1.0, "divergences", 1, 1e-16, 0, 0, 0, 0, 0)
    bad = Row("js", None, "ordinary", 1.0, "divergences", 1, 1e-14, 1, 0, 0, 0, 0)
    families = [Row(name, 0.5, "ordinary", 1.0, "divergences", 1, 1e-16, 0, 0, 0, 0, 0) for name in ("alpha", "renyi")]
    single = Row("kl", None, "float32 ordinary", None, "divergences", 1, 1e-8, 0, 0, 0, 0, 0)
    assert [target.met for target in judged([good, *families, single])] == [True] * 5
    assert [target.met for target in judged([good, bad, *families, single])] == [False, True, True, True, False]


# ---------------------------------------------------------------------------------------------------------- the routes


@pytest.mark.parametrize("quantity", ALL, ids=lambda quantity: f"{quantity.name}-{quantity.order}")
def test_every_route_computes_the_same_quantity(quantity):
    """On ordinary pairs all agree, up to the digits that orders near 1 cost the peers."""
    p, q = np.random.default_rng(3).dirichlet(np.ones(10), 2)
    truth = truths(p, q, [quantity])[quantity]
    lost = 1.0 if quantity.order in (0, 1, None) else abs(quantity.order - 1)
    found = routes(quantity)
    assert len(found) >= 4
    for route, call in found.items():
        swapped = route.name == "dit" and quantity.name == "alpha" and quantity.order in (0, 1)
        if route.takes(p) and not swapped:  # dit's two limits have P and Q exchanged
            assert relative_error(float(call(p, q)), truth) < (4e-15 if route.ours else 1e-14 / lost), route.name


def test_a_peer_that_is_not_installed_is_left_out_and_named(monkeypatch):
    here = divergence_peers.importlib.util.find_spec
    monkeypatch.setattr(
        divergence_peers.importlib.util,
        "find_spec",
        lambda name: None if name in ("dit", "torchmetrics") else here(name),
    )
    assert {"dit", "torchmetrics"} <= set(missing())
    names = {route.name for quantity in ALL for route in routes(quantity)}
    assert "dit" not in names
    assert "torchmetrics" not in names
    assert "scipy entropy" in names


# ------------------------------------------------------------------------------------------------- times and records


def test_a_race_takes_turns_and_compares_with_the_first_route():
    p, q = np.random.default_rng(0).dirichlet(np.ones(1000), 2)
    turns = []
    calls = {
        "divergences": lambda: (turns.append("a"), np.log(p)),
        "slow": lambda: (turns.append("b"), [np.log(p) for _ in range(20)]),
    }
    entry = divergence_speed.Race("n = 1000", Quantity("kl"), 1000, calls, divergence_speed.floors(p, q), 1000)
    rows = {row.route: row for row in divergence_speed.run(entry, 3, 0.002)}
    first, slow = rows["divergences"], rows["slow"]
    assert first.times_ours == rows["floor: one log"].times_log == rows["floor: one product"].times_product == 1
    assert slow.times_ours == pytest.approx(slow.median / first.median)
    assert slow.times_ours > 2  # 20, but for what else the machine does
    assert "".join(turns).count("ba") >= 3  # one after the other, not one after all of the other


def test_a_missed_target_is_said_and_the_record_has_no_bare_infinities(tmp_path, capsys):
    targets = [Target("x <= 1", "2", met=False), Target("y <= 1", "0.5", met=True)]
    assert not announce(targets)
    assert capsys.readouterr().out.split("\n")[2:4] == ["  MISSED  x <= 1: 2", "  met     y <= 1: 0.5"]
    row = Row("kl", None, "g", None, "r", 1, math.nan, 0, 0, 0, 0, 0)
    settings = divergence_accuracy.Settings(quick=True, seed=0, out=str(tmp_path))
    save(tmp_path, "record", settings, [row], targets)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["rows"][0]["error"] == "nan"
    assert record["targets"][0] == {"claim": "x <= 1", "figure": "2", "met": False}
