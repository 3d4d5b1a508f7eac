r"""
Parallel lines: which divergences see the distance?
===================================================

Let Z be uniform on [0, 1], :math:`P_0` the law of :math:`(0, Z)` and :math:`P_\theta` that of :math:`(\theta, Z)`. For
:math:`\theta \ne 0` the two lines are disjoint, so that

.. math:: W_1 = |\theta|, \qquad JS = \ln 2, \qquad TV = 1, \qquad KL = \infty ,

and all are 0 at :math:`\theta = 0` (Arjovsky, Chintala and Bottou 2017, example 1). Only :math:`W_1` is continuous there, and
only its slope tells a generator where to go: that of JS and TV is 0 wherever it exists, and KL has none.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.transport import gradient

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"

# %%
# Each line becomes 32 points of equal mass. The f-divergences live on the union of the points; the Wasserstein distance
# takes the points themselves.

heights = (np.arange(32) + 0.5) / 32
thetas = np.linspace(-1, 1, 41)


def line(theta):
    """Points of a line."""
    return np.column_stack([np.full(32, theta), heights])


def on_the_union(theta):
    """Probabilities of both lines on all points of either."""
    p = np.full(32, 1 / 32)
    return (p, p) if theta == 0 else (np.append(p, np.zeros(32)), np.append(np.zeros(32), p))


transports = [dv.wasserstein(line(0.0), line(theta)) for theta in thetas]
distance = np.array([t.value for t in transports])
js, tv, kl = (np.array([float(d(*on_the_union(theta))) for theta in thetas]) for d in (dv.js, dv.tv, dv.kl))
print(f"W1 is |theta| within {np.max(np.abs(distance - np.abs(thetas))):.0e}")
print(f"its bounds are at most {max(t.bounds.upper - t.bounds.lower for t in transports):.0e} apart")

# %%
# The slope of :math:`W_1` in :math:`\theta` is the sum of its derivatives by the first coordinate of all points of the moving
# line, which the optimal plan gives.

slope = [gradient(t, line(0.0), line(theta)).y[:, 0].sum() for t, theta in zip(transports, thetas, strict=True)]
slope = np.array(slope)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
zero = thetas == 0
left.plot(thetas, distance, color=BLUE, lw=2.6, label="$W_1$")
for value, colour, dashes, words in ((tv, ORANGE, "--", "TV"), (js, GREEN, "-", "JS")):
    left.plot(thetas, np.where(zero, np.nan, value), color=colour, ls=dashes, lw=2.4, label=words)
    left.plot(0, value[~zero][0], "o", mfc="white", mec=colour, ms=7)
left.plot(thetas[~zero], np.full(40, 1.25), color=VERMILION, ls=":", lw=2.4, label="KL, both ways: $\\infty$")
left.plot(0, 1.25, "o", mfc="white", mec=VERMILION, ms=7)
left.plot(0, 0, "o", color="black", ms=7, label="all of them at $\\theta = 0$", zorder=5)
left.set_yticks([0, 0.5, np.log(2), 1, 1.25], ["0", "0.5", "ln 2", "1", r"$\infty$"])
left.set(xlabel=r"$\theta$", ylabel="value", ylim=(-0.08, 1.95), title="Values")
left.legend(loc="upper center", ncols=2, frameon=False)

right.plot(thetas, np.where(zero, np.nan, slope), color=BLUE, lw=2.6, label="$W_1$")
right.plot(thetas, np.where(zero, np.nan, 0.0), color=ORANGE, ls="--", lw=3.4, label="TV")
right.plot(thetas, np.where(zero, np.nan, 0.0), color=GREEN, lw=1.6, label="JS")
for level in (-1, 1):
    right.plot(0, level, "o", mfc="white", mec=BLUE, ms=7)
right.plot(0, 0, "o", mfc="white", mec=GREEN, ms=7)
right.set(xlabel=r"$\theta$", ylabel=r"derivative by $\theta$", ylim=(-1.3, 1.3), title="Slopes")
right.legend(loc="upper left", frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
