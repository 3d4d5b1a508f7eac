r"""
Moving a far pile
=================

A generator starts with its pile :math:`P_{G_0}` far from the pile P of the data. After 50 steps it is closer, after 100 it
is there. The Jensen-Shannon divergence says :math:`\ln 2, \ln 2, 0`: no step of the first 50 counts as progress, because the
piles do not overlap. The distance :math:`W_1` says :math:`d_0 > d_{50} > 0`, and each step counts.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# The pile has nine columns and moves by one place of the line in each step.

pile = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0]) / 25
places = np.arange(109.0)
steps = np.arange(101)
starts = 100 - steps


def placed(start):
    """The pile with its left end at a place."""
    mass = np.zeros(len(places))
    mass[start : start + len(pile)] = pile
    return mass


data = placed(0)
generated = np.stack([placed(start) for start in starts])
js = dv.js(generated, data)
distance = np.array([dv.wasserstein(places, places, g, data).value for g in generated])
for k in (0, 50, 100):
    print(f"step {k:3d}: JS = {js[k]:.4f}   W1 = {distance[k]:.4f}")

# %%
# Left: the pile at three steps. Right: both measures at all steps. JS is flat until the last few places, where the piles
# begin to overlap.

figure = plt.figure(figsize=(10, 4.6), layout="constrained")
rows = figure.subplot_mosaic([["0", "curve"], ["50", "curve"], ["100", "curve"]], width_ratios=(1.15, 1))
for k in (0, 50, 100):
    axis = rows[str(k)]
    axis.bar(places, data, 0.9, color=BLUE, label="data P")
    axis.bar(places, -generated[k], 0.9, color=VERMILION, label=f"generated, step {k}")
    axis.axhline(0, color="0.4", lw=0.8)
    axis.set(ylim=(-0.24, 0.4), yticks=[], xlim=(-3, 110))
    axis.legend(loc="upper right", frameon=False, ncols=2, borderaxespad=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    if distance[k] > 0:
        axis.annotate("", (9, 0.05), (starts[k] + 5, 0.05), arrowprops={"arrowstyle": "-|>", "color": "0.3"})
        axis.annotate(f"$d_{{{k}}} = {distance[k]:.0f}$", (starts[k] / 2 + 6, 0.08), ha="center", color="0.2")
rows["100"].set_xlabel("place")
curve = rows["curve"]
curve.plot(steps, distance / distance[0], color=GREEN, lw=2.4, label="$W_1 / d_0$")
curve.plot(steps, js / np.log(2), color="black", lw=2.4, ls="--", label=r"JS $/ \ln 2$")
for k in (0, 50, 100):
    curve.plot(k, distance[k] / distance[0], "o", color=GREEN, ms=7)
    curve.plot(k, js[k] / np.log(2), "o", color="black", ms=7)
curve.set(xlabel="step", ylabel="share of the value at the start", ylim=(-0.03, 1.12), title="Who sees the progress?")
curve.legend(loc="lower left", frameon=False)
curve.spines[["top", "right"]].set_visible(False)
