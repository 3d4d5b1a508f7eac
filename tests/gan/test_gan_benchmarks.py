"""The benchmarks of trained GANs: short runs write what they promise, and what they compute exactly is exact."""

import csv
import dataclasses
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import divergences as dv
import gan
from divergences.families import Normal

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import baselines
import fgan_mixture
import gan_progress
import labels_and_codes


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def written(out, *names):
    for name in names:
        record = json.loads((out / f"{name}.json").read_text())
        with (out / f"{name}.csv").open() as file:
            assert len(list(csv.DictReader(file))) == len(record["rows"]) > 0


def drawn(out, *names):
    for name in names:
        assert (out / f"{name}.png").stat().st_size > 10_000


def test_the_game_on_a_grid_finds_the_moments_under_kl():
    mu, sigma, value = fgan_mixture.table_game(gan.variational(dv.kl))
    mean = 0.33 * -1 + 0.67 * 2
    deviation = math.sqrt(0.33 * (0.25**2 + 1) + 0.67 * (2 + 4) - mean**2)
    assert (mu, sigma) == pytest.approx((mean, deviation), rel=1e-9)
    assert value == pytest.approx(dv.kl(fgan_mixture.MIXTURE, Normal(mean, deviation)), rel=1e-9)


@pytest.mark.parametrize("d", list(fgan_mixture.PAPER)[1:], ids=lambda d: d.name)
def test_no_gaussian_nearby_is_closer_than_that_of_the_grid(d):
    mu, sigma, value = fgan_mixture.table_game(gan.variational(d))
    for moved in (
        Normal(mu + 0.01, sigma),
        Normal(mu - 0.01, sigma),
        Normal(mu, sigma * 1.01),
        Normal(mu, sigma / 1.01),
    ):
        objective = gan.variational(d)
        log_q = fgan_mixture.log_masses(moved)
        best = objective.optimal_critic(fgan_mixture.log_masses(fgan_mixture.MIXTURE) - log_q)
        assert float(fgan_mixture.on_grid(objective, best, log_q)) > value


def test_a_training_of_the_mixture_reports_a_bound_of_the_divergence_where_it_is():
    d = dv.kl
    mu, sigma, value = fgan_mixture.table_game(gan.variational(d))
    exact = SimpleNamespace(divergence="KL", mu=mu, sigma=sigma, value=value)  # what is read of an exact fit
    row = fgan_mixture.played(d, exact, (fgan_mixture.Stage(60, 256, 5e-3, 5e-3),)).row
    assert row.exact_value == pytest.approx(float(d(fgan_mixture.MIXTURE, Normal(row.trained_mu, row.trained_sigma))))
    assert 0 < row.trained_value <= row.rested_value <= row.exact_value * (1 + 1e-9)
    assert row.excess > 0


def test_every_model_is_judged_on_the_line_and_in_the_plane(tmp_path, capsys):
    assert baselines.main(["--quick", "--out", str(tmp_path)]) == 0
    written(tmp_path, "baselines", "pushforwards")
    drawn(tmp_path, "baselines", "pushforwards")
    printed = capsys.readouterr().out
    assert all(name in printed for name in baselines.models(2, baselines.Settings(True, "")))
    assert "MISSED" not in printed


def test_the_bandwidth_of_held_out_points_does_not_smear_the_ring():
    points = gan.datasets.ring().sampler(400, torch.Generator().manual_seed(0))
    for kernel in (baselines.Gaussian(), baselines.Epanechnikov()):
        scott, held_out = gan.KernelDensity(kernel), baselines.HeldOutKernel(kernel)
        quality = [
            gan.metrics.cell_quality(
                model.fit(points, torch.Generator().manual_seed(1))(1000, torch.Generator().manual_seed(2)),
                gan.modes_of(gan.datasets.ring()),
            ).high_quality
            for model in (scott, held_out)
        ]
        assert quality[0] < 0.1
        assert quality[1] > 0.8


def test_labels_codes_and_energies_are_measured(tmp_path, capsys):
    assert labels_and_codes.main(["--quick", "--out", str(tmp_path)]) == 0
    written(tmp_path, "labels", "codes", "energies")
    drawn(tmp_path, "labels", "codes", "energies")
    assert "MISSED" not in capsys.readouterr().out


def test_the_information_of_a_code_is_its_entropy_where_cells_tell_it_and_nothing_where_they_do_not():
    code = np.arange(1200) % 4
    log_posterior = np.log(np.full((1200, 4), 0.25))
    data = labels_and_codes.Coded(np.zeros((1200, 2)), code, log_posterior)
    told = labels_and_codes.code_row("told", data, code, code)
    assert told.information == pytest.approx(math.log(4), rel=1e-12)
    assert (told.bound, told.gap, told.purity) == pytest.approx((0, math.log(4), 1), abs=1e-12)
    hidden = labels_and_codes.code_row("hidden", data, code // 4, code // 4)
    assert (hidden.information, hidden.bound, hidden.gap) == pytest.approx((0, 0, 0), abs=1e-12)
    assert hidden.purity == pytest.approx(0.25)


def test_squares_of_the_plane_hold_their_points():
    points = np.array([[0.05, 0.05], [0.09, 0.01], [0.11, 0.05], [99.0, -99.0], [3.95, -3.95]])
    cell = labels_and_codes.squares(points)
    assert cell[0] == cell[1] != cell[2]
    assert cell[3] == cell[4]


SHORT = gan_progress.Settings(
    True, "", steps=9, every=3, batch=16, critic_steps=2, width=8, samples=40, pairs=2, seeds=(1, 2), jobs=1
)


def test_a_training_measured_between_its_legs_is_one_training():
    for case in gan_progress.CASES:
        measured = gan_progress.run(case, gan_progress.measure_of(SHORT, 1), SHORT, 1)
        whole = dataclasses.replace(SHORT, every=9)
        (last,) = gan_progress.run(case, gan_progress.measure_of(SHORT, 1), whole, 1).history
        assert [p.step for p in measured.history] == [3, 6, 9]
        assert measured.history[-1] == last


def test_value_and_distance_of_a_measurement_are_of_the_same_points():
    """A coordinate is 1-Lipschitz: its value is at most W1 of the very points, and is W1 where they are shifted along it."""
    rng = torch.Generator().manual_seed(0)
    x, shift = torch.randn(50, 2, generator=rng), torch.tensor([3.0, 0.0])
    coordinate = Coordinate()
    assert gan_progress.value_on(gan.wasserstein, coordinate, x, x - shift) == pytest.approx(3, rel=1e-6)
    y = torch.randn(50, 2, generator=rng)
    assert gan_progress.value_on(gan.wasserstein, coordinate, x, y) <= gan.metrics.exact_w1(x, y).value * (1 + 1e-6)
    for objective in (gan.minimax, gan.non_saturating):
        undecided = gan_progress.value_on(objective, Nothing(), x, y)
        assert undecided == pytest.approx(-2 * math.log(2), rel=1e-6)


class Coordinate(torch.nn.Module):
    def forward(self, x):
        return x[:, 0]


class Nothing(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(len(x))


def test_the_worst_seed_is_judged():
    row = gan_progress.Row("WGAN-GP", 1, 10, 0.95, 0.8, 0.9, 0.7, 2.0, 0.3, 0.1, 1.0)
    other = dataclasses.replace(row, system="GAN, saturating", spearman=0.93)
    low = dataclasses.replace(row, seed=2, spearman=0.85)
    assert [t.met for t in gan_progress.judged([row, other])] == [True, True]
    assert [t.met for t in gan_progress.judged([row, low, other])] == [False, True]
    assert [t.met for t in gan_progress.judged([row, low, dataclasses.replace(other, seed=2)])] == [False, False]


def test_every_seed_is_written_and_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gan_progress, "parsed", lambda _: dataclasses.replace(SHORT, out=str(tmp_path)))
    assert gan_progress.main([]) == 0
    written(tmp_path, "gan_progress")
    drawn(tmp_path, "gan_progress")
    with (tmp_path / "gan_progress_points.csv").open() as file:
        points = list(csv.DictReader(file))
    assert len(points) == 3 * len(SHORT.seeds) * len(gan_progress.CASES)
    printed = capsys.readouterr().out
    assert all(case.name in printed for case in gan_progress.CASES)
