"""Metrics: on samples made by hand every answer is known."""

import importlib.util
import math

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

import divergences as dv
from divergences.families import Normal
from gan.datasets import Labelled, digits, grid, of_stock, parallel_line, ring, stacked_digits
from gan.expectations import Discrete
from gan.logs import CsvLog, TensorBoardLog
from gan.metrics import Progress, cell_quality, exact_w1, yardstick
from gan.partitions import Bins, bins_of, classes_of, modes_of
from gan.sources import Sampler

torch.set_num_threads(1)
EPS = float(np.finfo(np.float64).eps)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def always(point):
    """The generator that has collapsed onto one point."""
    return Sampler.of(Discrete(np.atleast_2d(point)), "collapsed")


def test_the_distance_of_two_point_masses_is_that_of_the_points():
    x, y = torch.full((7, 2), 1.0), torch.tensor([[4.0, 5.0]] * 3)
    assert exact_w1(x, y).value == pytest.approx(5.0, rel=4 * EPS)
    assert exact_w1(x.requires_grad_(), y.float()).contains(5.0)


def test_the_distance_of_samples_is_the_best_assignment():
    x, y = (torch.randn(60, 3, generator=rng(seed), dtype=torch.float64) for seed in (0, 1))
    costs = cdist(x, y)
    assert exact_w1(x, y).value == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=60 * EPS)


def test_modes_are_counted_by_hand():
    data = grid(2, spacing=2.0, scale=0.1)  # modes at (-1, -1), (-1, 1), (1, -1), (1, 1)
    points = torch.tensor(
        [[-1.0, -1.0], [-1.0, -1.29], [-1.0, -1.31], [1.0, 1.0], [0.9, 0.8], [0.5, -1.0], [9.0, 9.0], [1.2, 1.2]],
        dtype=torch.float64,
    )
    seen = cell_quality(points, modes_of(data))
    assert seen.mass.tolist() == [3 / 8, 0, 1 / 8, 4 / 8]
    assert seen.good.tolist() == [2, 0, 0, 3]  # those within 0.3
    assert seen.high_quality == 5 / 8
    assert [seen.covered(enough) for enough in (1, 2, 3, 4)] == [2, 2, 1, 0]
    assert seen.tv == (abs(3 - 2) + abs(0 - 2) + abs(1 - 2) + abs(4 - 2)) / 8 / 2
    assert cell_quality(points, modes_of(data, radius=1e9)).high_quality == 1.0


def test_a_collapsed_generator_is_as_far_as_all_points_are_from_it():
    """One plan only: W1 is the mean distance; JS and TV of a point against k equal masses are known."""
    data, k = ring(8), 8
    measured = yardstick(data, modes_of(data), rng(), samples=200)
    quality = measured.measure(always(data.modes[3]), rng(1))
    expected = np.linalg.norm(measured.real[0].numpy() - data.modes[3], axis=1).mean()
    assert quality.w1.value == pytest.approx(expected, rel=200 * EPS)
    assert quality.covered == 1
    assert quality.cells.high_quality == 1.0
    assert quality.cells.tv == pytest.approx(1 - 1 / k, rel=8 * EPS)
    js = 0.5 * math.log(2 / (1 + 1 / k)) + 0.5 * (math.log(2 / (1 + k)) / k + (k - 1) / k * math.log(2))
    assert quality.cells.js == pytest.approx(js, rel=64 * EPS)
    assert quality.ratio > 10
    assert quality.masses() == {f"mass_{i}": float(i == 3) for i in range(k)}


def test_the_data_themselves_cover_every_mode():
    data = ring(8)
    measured = yardstick(data, modes_of(data), rng(), samples=300, pairs=3, points=4000)
    quality = measured.measure(data.sampler, rng(1))
    inside = scipy.stats.chi2(2).cdf(9)  # within three deviations in the plane
    assert quality.covered == 8
    assert abs(quality.cells.high_quality - inside) < 6 * math.sqrt(inside * (1 - inside) / 4000)
    assert quality.cells.tv < math.sqrt(8 / 4000)  # twice its mean, and far beyond its deviation
    assert quality.w1.lower <= quality.w1.value <= quality.w1.upper
    assert quality.w1.gap <= 1e-9 * quality.w1.value
    # the mean over pairs is that of its pairs
    draws = rng(1)
    each = [exact_w1(data.sampler(300, draws), real).value for real in measured.real]
    assert quality.w1.value == pytest.approx(np.mean(each), rel=4 * EPS)


def test_a_yardstick_of_equal_samples_has_a_ratio():
    """Data of one point: real samples are at distance 0, generated ones there at ratio 1, all others at infinity."""
    data = of_stock("point", Labelled(torch.zeros(1, 2).double(), torch.zeros(1, dtype=torch.long)), (2,), 1)
    quadrants = Bins((np.zeros(1), np.zeros(1)), np.array([0.0, 0.0, 0.0, 1.0]))
    measured = yardstick(data, quadrants, rng(), reference=data, samples=5, points=10)
    assert measured.floor == 0
    there, away = (measured.measure(always(point), rng()) for point in ([0.0, 0.0], [-3.0, 4.0]))
    assert (there.ratio, there.cells.tv, there.cells.js) == (1.0, 0.0, 0.0)
    assert (away.ratio, away.cells.tv, away.w1.value) == (math.inf, 1.0, 5.0)
    assert away.cells.js == pytest.approx(math.log(2), rel=2 * EPS)


def test_finite_data_are_held_against_points_that_they_do_not_have():
    """Two samples of one stock share points: their distance is less than that to held-out points, which is the floor."""
    split = digits()
    parts = {"reference": split.test, "samples": 200, "points": 50}
    cells = classes_of(split.training.stock)
    measured = yardstick(split.training, cells, rng(), **parts)
    known = {tuple(x.tolist()) for x in split.test.stock.points}
    assert all(tuple(x.tolist()) in known for x in measured.real[0])
    with_itself = yardstick(split.training, cells, rng(), **parts | {"reference": split.training})
    assert with_itself.floor < measured.floor
    # the ratio of real points to the floor has a standard deviation of about 0.03 at this size
    assert measured.measure(split.training.sampler, rng(1)).ratio == pytest.approx(1.0, abs=0.1)
    halved = yardstick(split.training, cells, rng(), samples=200)
    assert halved.floor == pytest.approx(measured.floor, rel=0.1)
    point = of_stock("point", Labelled(torch.zeros(1, 2).double(), torch.zeros(1, dtype=torch.long)), (2,), 1)
    with pytest.raises(ValueError, match="a reference for the single point"):
        yardstick(point, cells, rng())


def test_masses_of_bins_approach_those_of_the_law_and_lose_by_binning():
    """Data processing: what the bins show is below the divergence of the normals, and is their exact masses' in the limit."""
    n, edges = (
        40_000,
        (np.linspace(-2, 2, 8),),
    )  # not at 1/2, where the densities cross: such bins would lose nothing of TV
    masses = [np.diff(np.concatenate([[0.0], scipy.stats.norm(m, 1).cdf(edges[0]), [1.0]])) for m in (0.0, 1.0)]
    points = 1 + torch.randn(n, 1, generator=rng(), dtype=torch.float64)
    seen = cell_quality(points, Bins(edges, masses[0]))
    exact_tv, exact_js = float(dv.tv(masses[1], masses[0])), float(dv.js(masses[1], masses[0]))
    close = 6 * math.sqrt(len(masses[0]) / n) / 2  # of the total variation between masses and frequencies
    assert seen.tv == pytest.approx(exact_tv, abs=close)
    assert seen.js == pytest.approx(exact_js, abs=close)
    assert exact_tv < float(dv.tv(Normal(0.0, 1.0), Normal(1.0, 1.0)))
    assert exact_js < float(dv.js(Normal(0.0, 1.0), Normal(1.0, 1.0)))
    assert seen.high_quality == 1.0


def test_boxes_of_several_axes_are_numbered_with_the_last_running_fastest():
    boxes = Bins((np.array([0.0]), np.array([0.0, 1.0])), np.full(6, 1 / 6))
    points = np.array([[-1, -1], [-1, 0], [-1, 5], [0, -1], [1, 0.5], [1, 1]])
    assert boxes.assign(points).index.tolist() == [0, 1, 2, 3, 4, 5]
    made = bins_of(torch.rand(5000, 2, generator=rng()), bins=3)
    assert made.mass.shape == (9,)
    assert math.fsum(made.mass) == pytest.approx(1, abs=9 * EPS)
    assert np.abs(made.mass - 1 / 9).max() < 6 * math.sqrt(1 / 9 / 5000)


def test_classes_of_digits_are_those_of_scikit_learn_and_of_the_labels():
    from sklearn.linear_model import LogisticRegression

    split = digits()
    training, test = split.training.stock, split.test.stock
    classes = classes_of(training)
    fitted = LogisticRegression(max_iter=2000).fit(training.points.numpy(), training.labels.numpy())
    seen = classes.assign(test.points.numpy())
    assert np.array_equal(seen.index, fitted.predict(test.points.numpy()))
    sure = fitted.predict_proba(test.points.numpy()).max(1)
    assert np.array_equal(seen.good[np.abs(sure - 0.9) > 1e-9], (sure >= 0.9)[np.abs(sure - 0.9) > 1e-9])
    assert (seen.index == test.labels.numpy()).mean() > 0.93
    assert classes.mass == pytest.approx(np.bincount(training.labels) / len(training.labels))
    noise = classes.assign(2 * np.random.default_rng(0).random((400, 64)) - 1)
    assert noise.good.mean() < seen.good.mean()


def test_modes_of_stacked_digits_are_triples_of_classes():
    source = digits().training
    data = stacked_digits(source)
    cells = classes_of(source.stock, channels=3)
    drawn = data.draw(2000, rng())
    seen = cells.assign(drawn.points.numpy())
    single = classes_of(source.stock).assign(source.stock.points.numpy())
    accuracy = (single.index == source.stock.labels.numpy()).mean()
    assert (seen.index == drawn.labels.numpy()).mean() > accuracy**3 - 6 * math.sqrt(1 / 4 / 2000)
    shares = np.bincount(source.stock.labels) / len(source.stock.labels)
    assert cells.mass.shape == (1000,)
    assert cells.mass[123] == pytest.approx(shares[1] * shares[2] * shares[3], rel=8 * EPS)
    collapsed = cell_quality(drawn.points[:1].expand(50, -1), cells)
    assert collapsed.covered() <= 1
    assert collapsed.tv > 0.99


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: modes_of(parallel_line(0.0)), "data with known modes"),
        (lambda: bins_of(torch.zeros(9, 2), bins=3), r"more points than boxes, got 9 and 3\*\*2"),
        (lambda: classes_of(Labelled(torch.zeros(3, 1), torch.tensor([0, 2, 3]))), r"got counts \[1, 0, 1, 1\]"),
        (lambda: cell_quality(torch.full((3, 2), math.nan), modes_of(ring())), "NaN or infinity among them"),
        (lambda: cell_quality(torch.zeros(0, 2), modes_of(ring())), r"got shape \(0, 2\)"),
        (lambda: yardstick(ring(), modes_of(ring()), rng(), pairs=0), "pairs to be at least 1, got 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_a_row_of_progress_names_step_losses_and_quality():
    data = ring(3)
    quality = yardstick(data, modes_of(data), rng(), samples=20).measure(data.sampler, rng())
    row = Progress(step=7, seconds=1.5, critic_loss=-0.5, generator_loss=0.25, quality=quality).row()
    assert (row["step"], row["seconds"], row["critic_loss"], row["generator_loss"]) == (7.0, 1.5, -0.5, 0.25)
    assert row["w1_lower"] <= row["w1"] <= row["w1_upper"]
    assert row["modes"] == 3
    assert not set(row) & set(quality.masses())


def test_a_log_reads_back_what_was_written(tmp_path):
    path = tmp_path / "new" / "run.csv"
    rows = [{"step": 0, "w1": 1 / 3}, {"w1": math.inf, "step": 10}, {"step": 20, "w1": -1e-300}]
    for row in rows:
        CsvLog(path)(row)  # opened anew each time, as by a resumed run
    assert CsvLog(path).rows() == [{"step": float(row["step"]), "w1": row["w1"]} for row in rows]
    assert path.read_text().count("step") == 1
    with pytest.raises(ValueError, match=r"expected the columns \['step', 'w1'\].*got \['step', 'w2'\]"):
        CsvLog(path)({"step": 30, "w2": 0.0})


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_killed_run_loses_at_most_the_line_that_it_was_writing(tmp_path, cut):
    path = tmp_path / "run.csv"
    log = CsvLog(path)
    for step in range(3):
        log({"step": step, "loss": 0.123456})
    path.write_bytes(path.read_bytes()[:-cut])
    resumed = CsvLog(path)
    assert [row["step"] for row in resumed.rows()] == [0, 1]
    resumed({"step": 2, "loss": 0.5})
    assert [row["step"] for row in resumed.rows()] == [0, 1, 2]


def test_a_resumed_run_writes_later_steps_again(tmp_path):
    path = tmp_path / "run.csv"
    CsvLog(path).rewind(0)  # nothing there yet
    assert CsvLog(path).rows() == []
    log = CsvLog(path)
    for step in range(5):
        log({"step": step, "loss": step / 10})
    before = path.read_bytes()
    log.rewind(2)
    assert [row["step"] for row in log.rows()] == [0, 1, 2]
    for step in (3, 4):
        log({"step": step, "loss": step / 10})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.csv"]


def test_tensorboard_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("gan.logs.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        TensorBoardLog(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_gets_a_file(tmp_path):
    TensorBoardLog(tmp_path)({"step": 1, "w1": 0.5, "bad": math.inf})
    assert any(tmp_path.iterdir())
