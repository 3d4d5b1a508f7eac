r"""
A conjugate is an envelope of lines
===================================

The Fenchel conjugate of :math:`f` is

.. math:: f^*(t) = \sup_{u \ge 0}\, \bigl(u t - f(u)\bigr) .

For each :math:`u` the map :math:`t \mapsto u t - f(u)` is a line of slope :math:`u`. The conjugate is their upper envelope,
so it is convex, and non-decreasing because no slope is negative. It touches the line of :math:`u` at
:math:`t = f'(u)` (Rockafellar 1970, section 12). Each line alone is a lower bound; this is what makes a critic that is
not optimal a lower bound of a divergence.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# Left: :math:`f(u) = u \log u`, whose conjugate is :math:`e^{t-1}`. The library knows it in closed form; the lines are
# drawn from :math:`f` alone. Right: :math:`f(u) = (u-1)^2` of the Pearson divergence. The parabola :math:`t^2/4 + t` that
# many tables give is right only for :math:`t \ge -2`. Further left it would need lines of negative slope, and ratios
# :math:`u = p/q` are not negative: the envelope stays at the line of :math:`u = 0`.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
panels = [
    (axes[0], dv.kl, np.linspace(-2.5, 2.5, 400), np.geomspace(0.02, 6, 26), (-1.5, 4.5)),
    (axes[1], dv.pearson_chi2, np.linspace(-5, 3, 400), np.linspace(0, 3, 21), (-2.2, 5)),
]
for axis, d, t, ratios, limits in panels:
    for u in ratios:
        axis.plot(t, u * t - d.f(u), color="0.72", lw=0.8, zorder=1)
    u = 1.5
    axis.plot(t, u * t - d.f(u), color=BLUE, lw=1.6, label="the line of $u = 1.5$")
    slope = d.subgradient(u)[0]
    axis.plot(t, d.conjugate(t), color="black", lw=2.6, label="$f^*$, the library's formula")
    axis.plot(slope, d.conjugate(slope), "o", color=BLUE, ms=8, zorder=5, label="touches at $t = f'(1.5)$")
    axis.set(ylim=limits, xlim=t[[0, -1]], xlabel="$t$", ylabel="$ut - f(u)$")
    axis.set_title(f"{d.name}: $f(u) = {d.latex()}$")
    axis.spines[["top", "right"]].set_visible(False)
t = np.linspace(-5, -2, 200)
axes[1].plot(t, t**2 / 4 + t, color=VERMILION, ls="--", lw=2, label="$t^2/4 + t$ beyond its place")
for axis in axes:
    axis.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="0.8")

# %%
# The highest of a few hundred lines is the conjugate, up to the distance between neighbouring lines.

t = np.linspace(-2, 2, 9)
u = np.linspace(0, 10, 2001)
for d in (dv.kl, dv.pearson_chi2):
    highest = np.max(np.outer(t, u) - d.f(u), axis=1)
    print(f"{d.name}: the lines stay below f* by at most {np.max(d.conjugate(t) - highest):.1e}")
