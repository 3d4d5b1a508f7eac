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

import gan_speed
import gan_zoo

import divergences as dv
import gan
from gan.ascent import TrainingError
from gan.metrics import CellQuality, Quality
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


def test_the_critic_near_its_optimum_plays_on_the_ring_alone():
    settings = gan_zoo.parsed([])
    assert settings.data == ("ring", "grid", "digits")
    assert [name for name, system in settings.pairs_of_names() if system == "gan-k20"] == ["ring"]
    assert len(settings.pairs_of_names()) == 3 * len(gan_zoo.SYSTEMS) - 2
    assert gan_zoo.parsed(["--only", "gan-k20"]).data == ("ring",)


def test_a_run_of_nothing_is_refused(capsys):
    with pytest.raises(SystemExit):
        gan_zoo.parsed(["--only", "gan-k20", "--data", "digits"])
    assert "expected a system that is on digits, got gan-k20" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--seed", "-1"], ["--jobs", "0"], ["--steps", "x"], ["--out", __file__]])
def test_senseless_settings_are_refused(option):
    with pytest.raises(SystemExit):
        gan_zoo.parsed(option)


def test_a_quick_run_writes_a_row_a_mass_per_mode_and_pictures(tmp_path):
    systems = ["gan", "ebgan"]
    out = ["--out", str(tmp_path)]
    assert gan_zoo.main([*SMALL, "--only", *systems, "--data", "ring", "digits", *out]) == 0
    rows = rows_of(tmp_path / "gan_zoo.csv")
    assert [(row["data"], row["system"]) for row in rows] == [(d, s) for d in ("ring", "digits") for s in systems]
    for row in rows:
        assert float(row["ratio"]) == pytest.approx(float(row["w1"]) / float(row["floor"]))
        assert float(row["w1_lower"]) <= float(row["w1"]) <= float(row["w1_upper"])
        assert 0 <= int(row["covered"]) <= int(row["reached"]) <= int(row["modes"])
    masses = rows_of(tmp_path / "gan_zoo_masses.csv")
    assert len(masses) == len(systems) * (8 + 10)
    for column in ("mass", "expected"):
        assert math.fsum(float(row[column]) for row in masses) == pytest.approx(2 * len(systems), abs=1e-9)
    assert len(json.loads((tmp_path / "gan_zoo.json").read_text())["rows"]) == len(rows)
    for name in ("ring", "digits", "masses"):
        assert (tmp_path / f"gan_zoo_{name}.png").stat().st_size > 10_000


def test_what_divergences_make_of_the_modes_is_told_side_by_side(capsys):
    uniform, one = np.full(8, 1 / 8), np.eye(8)[0]
    masses = {"fgan-kl": uniform, "fgan-reverse-kl": one, "gan": one}
    results = [gan_zoo.Result(row_of(system, mass), mass, uniform, np.zeros((0, 2))) for system, mass in masses.items()]
    gan_zoo.compare(results)
    told = capsys.readouterr().out
    assert "fgan-kl covers 8 of 8 modes and reaches 8" in told
    assert "fgan-reverse-kl covers 1 of 8 modes and reaches 1, TV of masses 0.88" in told
    assert "gan-k20" not in told


def row_of(system, mass):
    cells = CellQuality(mass, 100 * mass, 1.0, 0.0, float(np.abs(mass - 1 / 8).sum() / 2))
    quality = Quality(dv.Bounds(1.0, 1.0, 1.0), 0.5, cells, cells.covered())
    return gan_zoo.row("ring", system, 7, quality, np.full(8, 1 / 8), 0.0, 0.0)


def test_the_pull_of_a_critic_of_slope_one_is_one_and_that_of_a_sure_discriminator_is_nothing():
    x, y = torch.zeros(20, 2), torch.randn(20, 2, generator=torch.Generator().manual_seed(0))

    class Slope(torch.nn.Module):
        def forward(self, points):
            return points[:, 0] - self.low

        low = 0.0

    assert gan_zoo.pull(Slope(), gan.wasserstein, x, y) == pytest.approx(1.0)
    sure = Slope()
    sure.low = 20.0
    assert 0 < gan_zoo.pull(sure, gan.minimax, x, y) < 1e-7
    assert gan_zoo.pull(sure, gan.non_saturating, x, y) == pytest.approx(1.0)


def test_spectral_norm_is_on_the_convolutions_of_digits():
    """No layer of norm is among them, so that the critic has a proven constant."""
    preset = gan_zoo.SYSTEMS["sn-gan"]
    critic, x = preset.on_images(4).critic, torch.zeros(2, 64)
    network = preset.constraint.attach(
        critic.build(x, x, torch.Generator().manual_seed(0), unit=None), torch.Generator()
    )
    layers = [part for part in network.modules() if isinstance(part, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 3
    assert all(torch.nn.utils.parametrize.is_parametrized(layer, "weight") for layer in layers)
    assert preset.constraint.bound(network) < math.inf


@pytest.mark.parametrize("system", ["sn-gan", "wgan", "loss-sensitive", "fgan-jeffreys"])
def test_systems_with_networks_of_their_own_train_on_images(system, tmp_path):
    settings = gan_zoo.parsed([*SMALL, "--out", str(tmp_path)])
    settings = replace(settings, points=200, samples=50, image_steps=1)
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
