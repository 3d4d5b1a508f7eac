"""Pictures: what is drawn carries the numbers of the plan, and matplotlib comes only when something is drawn."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import divergences as dv

mpl.use("Agg")

from matplotlib import pyplot as plt

from divergences.plot import plan_arrows, plan_matrix, potential_surface
from divergences.plot.canvas import ON_BLACK, ON_WHITE

X, Y = [1.0, 2.0, 3.0], [7.0, 8.0, 9.0, 10.0]
PLANS = [  # both are optimal between masses 3, 1, 2 and 1, 1, 2, 2
    np.asarray([[1.0, 0, 0, 2], [0, 1, 0, 0], [0, 0, 2, 0]]),
    np.asarray([[1.0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1]]),
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def arrows_of(ax):
    return [patch for patch in ax.patches if patch.get_gid() == "pair"]


def drawn(ax):
    """Draw it all: a picture that cannot be drawn is none."""
    ax.get_figure().canvas.draw()
    return ax


def cloud(seed=3, n=6, m=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + np.asarray([3.0, 1.0])


def envelope(transport, y):
    """The potential as the lower envelope of cones that stand on the points of Q."""
    g = transport.potentials[1]
    return lambda z: np.min(np.linalg.norm(z[:, None] - y, axis=2) - g, axis=1)


@pytest.mark.parametrize("plan", PLANS)
def test_the_matrix_shows_the_plan(plan):
    ax = drawn(plan_matrix(plan, X, Y))
    assert np.array_equal(ax.images[0].get_array(), plan)
    shown = {(round(t.get_position()[1]), round(t.get_position()[0])): float(t.get_text()) for t in ax.texts}
    assert shown == {(i, j): plan[i, j] for i, j in zip(*np.nonzero(plan), strict=True)}
    assert [t.get_text() for t in ax.get_xticklabels()] == ["7", "8", "9", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1", "2", "3"]


def test_masses_are_shown_in_the_units_asked_for():
    a, b = np.asarray([3, 1, 2]) / 6, np.asarray([1, 1, 2, 2]) / 6
    transport = dv.wasserstein(X, Y, a, b)
    ax = drawn(plan_matrix(transport, X, Y, scale=6))
    np.testing.assert_allclose(ax.images[0].get_array(), 6 * transport.plan.toarray(), atol=1e-8)
    assert all(t.get_text() in "123" for t in ax.texts)  # no pair of rounding is shown


def test_plans_with_one_heaviest_mass_can_be_compared():
    first, second = (plan_matrix(plan, X, Y, heaviest=2) for plan in PLANS)
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 2)
    assert {t.get_color() for t in second.texts} == {"black"}  # all are 1, half of the heaviest
    assert {t.get_color() for t in plan_matrix(PLANS[1], X, Y, heaviest=3).texts} == {"white"}
    assert {t.get_text(): t.get_color() for t in first.texts} == {"1": "black", "2": "black"}
    first, second = ([a.get_linewidth() for a in arrows_of(plan_arrows(plan, X, Y, heaviest=2))] for plan in PLANS)
    np.testing.assert_allclose(first, [2.5, 5, 2.5, 5])
    np.testing.assert_allclose(second, [2.5] * 6)
    scaled = arrows_of(plan_arrows(PLANS[1] / 6, X, Y, scale=6, heaviest=2))
    np.testing.assert_allclose([a.get_linewidth() for a in scaled], second)


def test_widths_in_the_plane_do_not_depend_on_the_number_of_arrows():
    x, y = cloud(n=20, m=20)
    few, many = np.eye(20), (np.eye(20) + np.roll(np.eye(20), 1, axis=1)) / 2
    few, many = (arrows_of(plan_arrows(plan, x, y, heaviest=1)) for plan in (few, many))
    np.testing.assert_allclose(few[0].get_linewidth(), 2 * many[0].get_linewidth())


def test_large_matrices_have_few_ticks_and_no_numbers():
    ax = drawn(plan_matrix(np.eye(100)))
    assert not ax.texts
    assert len(ax.get_xticks()) <= 12


@pytest.mark.parametrize("plan", PLANS)
def test_arrows_on_the_line_are_as_wide_as_their_mass(plan):
    ax = plan_arrows(plan, X, Y)
    row, column = np.nonzero(plan)
    widths = np.asarray([patch.get_linewidth() for patch in arrows_of(ax)])
    np.testing.assert_allclose(widths / widths.max(), plan[row, column] / plan.max())
    ends = np.asarray([[end[0] for end in patch._posA_posB] for patch in arrows_of(ax)])
    assert np.array_equal(ends, np.stack([np.asarray(X)[row], np.asarray(Y)[column]], axis=1))
    drawn(ax)


@pytest.mark.parametrize("plan", PLANS)
def test_bars_are_as_long_as_the_masses(plan):
    ax = drawn(plan_arrows(plan, X, Y))
    above, below = (np.asarray([bar.get_height() for bar in container]) for container in ax.containers)
    np.testing.assert_allclose(3 * above, plan.sum(axis=1))
    np.testing.assert_allclose(-3 * below, plan.sum(axis=0))
    assert [t.get_text() for t in ax.texts] == ["3", "1", "2", "1", "1", "2", "2"]


def test_arrows_in_the_plane_join_coupled_points():
    x, y = cloud()
    transport = dv.wasserstein(x, y)
    ax = plan_arrows(transport, x, y)
    plan = transport.plan.tocoo()
    ends = np.asarray([patch._posA_posB for patch in arrows_of(ax)])
    np.testing.assert_array_equal(ends, np.stack([x[plan.row], y[plan.col]], axis=1))
    widths = np.asarray([patch.get_linewidth() for patch in arrows_of(ax)])
    np.testing.assert_allclose(widths / widths.max(), plan.data / plan.data.max())
    p, q = ax.collections
    np.testing.assert_allclose(p.get_sizes() / q.get_sizes().max(), 7 / 6, rtol=1e-9)  # areas are masses
    drawn(ax)


def test_gradients_along_coupled_segments_point_from_q_to_p():
    """An optimal potential falls by one unit a unit length toward the point of Q."""
    x, y = cloud()
    transport = dv.wasserstein(x, y)
    ax = drawn(potential_surface(envelope(transport, y), x, y, transport=transport))
    arrows = next(c for c in ax.collections if c.get_gid() == "gradient")
    plan = transport.plan.tocoo()
    way = x[plan.row] - y[plan.col]
    unit = way / np.linalg.norm(way, axis=1, keepdims=True)
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=1), unit, atol=1e-6)
    np.testing.assert_allclose(arrows.XY, (x[plan.row] + y[plan.col]) / 2)


def test_a_gradient_that_is_known_is_used_and_a_record_brings_its_plan():
    class Potential:
        def __call__(self, z):
            return z[:, 0]

        def gradient(self, z):
            return np.tile([0.25, -0.5], (len(z), 1))

    class Record:
        potential = Potential()
        transport = PLANS[0]

    x, y = cloud(n=3, m=4)
    ax = drawn(potential_surface(Record(), x, y))
    arrows = next(c for c in ax.collections if c.get_gid() == "gradient")
    assert len(arrows.U) == 4
    assert set(zip(arrows.U, arrows.V, strict=True)) == {(0.25, -0.5)}


@pytest.mark.parametrize(("style", "pair"), [("default", ON_WHITE), ("dark_background", ON_BLACK)])
def test_colours_stand_out_on_white_and_on_black(style, pair):
    """Contrast of 3 and more, as WCAG 2.2 asks of graphics (success criterion 1.4.11)."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    with plt.style.context(style):
        ax = drawn(plan_arrows(PLANS[0], X, Y))
        background = luminance(ax.get_figure().get_facecolor())
        grey, alpha = to_rgb(arrows_of(ax)[0].get_facecolor()), arrows_of(ax)[0].get_alpha()
        mixed = tuple(
            alpha * c + (1 - alpha) * b for c, b in zip(grey, to_rgb(ax.get_figure().get_facecolor()), strict=True)
        )
        used = [container[0].get_facecolor()[:3] for container in ax.containers]
    assert used == [to_rgb(colour) for colour in pair]
    for colour in (*pair, mixed):
        low, high = sorted((luminance(colour), background))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_pictures_go_where_they_are_asked_to():
    figure, axes = plt.subplots(1, 4, figsize=(16, 4), layout="constrained")
    x, y = cloud()
    transport = dv.wasserstein(x, y)
    assert plan_matrix(transport, ax=axes[0]) is axes[0]
    assert plan_arrows(PLANS[0], X, Y, ax=axes[1]) is axes[1]
    assert plan_arrows(transport, x, y, ax=axes[2]) is axes[2]
    assert potential_surface(envelope(transport, y), x, y, ax=axes[3]) is axes[3]
    assert plt.get_fignums() == [figure.number]
    for ax in axes:
        assert ax.get_xlabel()
    figure.canvas.draw()


def test_what_cannot_be_drawn_is_said():
    x, y = cloud()
    with pytest.raises(ValueError, match=r"on the line or in the plane, as many as the plan has, got shape \(3, 3\)"):
        plan_arrows(PLANS[0], np.zeros((3, 3)), Y)
    with pytest.raises(ValueError, match="in one space, got 1 and 2 coordinates"):
        plan_arrows(PLANS[0], X, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="masses of at least 0"):
        plan_matrix(-PLANS[0])
    with pytest.raises(ValueError, match="expected x to be 3 names"):
        plan_matrix(PLANS[0], [1, 2])
    with pytest.raises(TypeError, match="expected a function of points"):
        potential_surface(None, x, y)
    with pytest.raises(ValueError, match="one finite value for each of"):
        potential_surface(lambda z: z, x, y)
    with pytest.raises(ValueError, match="expected a plan of shape"):
        potential_surface(lambda z: z[:, 0], x, y, transport=PLANS[0])
    with pytest.raises(ValueError, match="a plan that moves some mass"):
        plan_arrows([[0.0]], [0], [1])
    for scale, error in ((-1, ValueError), (0, ValueError), (np.nan, ValueError), ("2", TypeError)):
        for draw in (plan_matrix, plan_arrows):
            with pytest.raises(error, match="expected scale to be a positive finite number"):
                draw(PLANS[0], X, Y, scale=scale)
    for heaviest, error in ((-1, ValueError), (0, ValueError), (np.inf, ValueError), ("2", TypeError)):
        for draw in (plan_matrix, plan_arrows):
            with pytest.raises(error, match="expected heaviest to be a positive finite number"):
                draw(PLANS[0], X, Y, heaviest=heaviest)
    for draw in (plan_matrix, plan_arrows):
        with pytest.raises(ValueError, match=r"whose largest is 2, got 1\.5"):
            draw(PLANS[0], X, Y, heaviest=1.5)
    for resolution, error in ((1, ValueError), (20.5, TypeError)):
        with pytest.raises(error, match="expected resolution to be an integer of at least 2"):
            potential_surface(lambda z: z[:, 0], x, y, resolution=resolution)


def test_rows_and_columns_are_named_by_words_or_numbers():
    ax = drawn(plan_matrix(PLANS[0], ["Oslo", "Rome", "Bern"], [7, 8.5, np.inf, 10]))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Oslo", "Rome", "Bern"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["7", "8.5", "inf", "10"]


def test_matplotlib_comes_with_the_first_picture():
    code = "import divergences.plot, sys; print([m for m in ('matplotlib', 'torch', 'ot') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_absence_names_the_extra(monkeypatch):
    monkeypatch.setattr("divergences._extras.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'divergences\[plot\]'"):
        plan_matrix(PLANS[0])
