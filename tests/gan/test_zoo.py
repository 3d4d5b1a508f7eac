"""The benchmarks of GAN training: small runs write what they measure, and a training that stops has a row of its own."""

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import gan_progress
import gan_speed
import gan_zoo

from gan.ascent import TrainingError
from gan.presets import PRESETS


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


SMALL = ["--quick", "--steps", "3", "--jobs", "1"]


def test_every_preset_is_in_the_zoo_and_kl_stands_beside_reverse_kl():
    assert set(PRESETS) <= set(gan_zoo.SYSTEMS)
    assert {"fgan-kl", "fgan-reverse-kl", "gan", "non-saturating"} <= set(gan_zoo.SYSTEMS)


def test_a_quick_run_writes_a_row_a_mass_per_mode_and_a_picture(tmp_path):
    systems = ["gan", "ebgan"]
    out = ["--out", str(tmp_path)]
    assert gan_zoo.main([*SMALL, "--only", *systems, "--data", "ring", "digits", *out]) == 0
    rows = rows_of(tmp_path / "gan_zoo.csv")
    assert [(row["data"], row["system"]) for row in rows] == [(d, s) for d in ("ring", "digits") for s in systems]
    for row in rows:
        assert float(row["ratio"]) == pytest.approx(float(row["w1"]) / float(row["floor"]))
    masses = rows_of(tmp_path / "gan_zoo_masses.csv")
    assert len(masses) == len(systems) * (8 + 10)
    for column in ("mass", "expected"):
        assert math.fsum(float(row[column]) for row in masses) == pytest.approx(2 * len(systems), abs=1e-9)
    assert len(json.loads((tmp_path / "gan_zoo.json").read_text())["rows"]) == len(rows)
    for name in ("ring", "digits"):
        assert (tmp_path / f"gan_zoo_{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize("system", ["sn-gan", "wgan", "loss-sensitive", "fgan-jeffreys"])
def test_systems_with_networks_of_their_own_train_on_images(system, tmp_path):
    settings = replace(gan_zoo.parsed([*SMALL, "--out", str(tmp_path)]), points=200, samples=50, image_steps=1)
    assert math.isfinite(gan_zoo.result("digits", system, settings).row.w1)


def test_a_training_that_stops_is_a_row(monkeypatch, tmp_path):
    def stopped(*_, **__):
        msg = "step 7"
        raise TrainingError(msg)

    monkeypatch.setattr(gan_zoo, "train", stopped)
    assert gan_zoo.main([*SMALL, "--only", "gan", "--data", "ring", "--out", str(tmp_path)]) == 0
    (row,) = rows_of(tmp_path / "gan_zoo.csv")
    assert row["failure"] == "step 7"
    assert row["w1"] == "nan"
    assert (tmp_path / "gan_zoo_ring.png").exists()


def test_loss_and_distance_are_written_side_by_side(tmp_path):
    settings = gan_progress.Settings(True, str(tmp_path), steps=6, every=2, samples=30)
    data, numbers = gan_progress.ring(), torch.Generator().manual_seed(0)
    measure = gan_progress.yardstick(data, gan_progress.modes_of(data), numbers, samples=30)
    runs = [gan_progress.run(case, measure, settings) for case in gan_progress.CASES]
    assert all(len(r.values) == len(r.distances) == 3 and -1 <= r.row.spearman <= 1 for r in runs)
    gan_progress.save_points(runs, tmp_path / "points.csv")
    assert len(rows_of(tmp_path / "points.csv")) == 3 * len(runs)
    gan_progress.draw(runs, tmp_path / "progress.png")


@pytest.mark.parametrize("name", list(gan_speed.SYSTEMS))
def test_the_plain_loops_train(name):
    """A step of each moves both networks, and clipped weights stay in their box."""
    settings = gan_speed.Settings(True, "", width=16)
    system = gan_speed.SYSTEMS[name]
    loop = gan_speed.plain(settings, system.plain)
    networks = loop.generator, loop.critic
    before = [p.detach().clone() for network in networks for p in network.parameters()]
    system.step(loop)
    after = [p.detach() for network in networks for p in network.parameters()]
    assert sum(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) >= len(after) - 1
    if name == "wgan":
        assert max(float(p.detach().abs().max()) for p in loop.critic.parameters()) <= np.float32(0.01)
