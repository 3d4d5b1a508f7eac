r"""
The optimal discriminator, and 2 JS - 2 ln 2
============================================

The discriminator of a GAN maximises

.. math:: V(D) = \mathbb E_P[\log D] + \mathbb E_Q[\log(1 - D)] .

The maximum is attained at :math:`D^* = p/(p+q)` and equals :math:`2\,JS(P,Q) - 2\ln 2` (Goodfellow et al. 2014, proposition 1
and theorem 1). It is :math:`-\ln 4` if and only if :math:`P = Q`, where :math:`D^* = \tfrac12`, and it rises to 0 as the two
separate. Every other discriminator stays below.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.families import Normal

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"

# %%
# Real and generated points are normal with variance 1, at distance s. Then :math:`D^*(x)` is the logistic function of
# :math:`s x`: the further apart, the steeper. Where almost all points lie it becomes flat, and its gradient vanishes.

x = np.linspace(-6, 6, 401)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained", sharey=True)
for axis, s in zip(axes, (0.5, 2.0, 6.0), strict=True):
    P, Q = Normal(s / 2, 1.0), Normal(-s / 2, 1.0)
    p, q = np.exp(P.log_density(x)), np.exp(Q.log_density(x))
    axis.fill_between(x, p, color=BLUE, alpha=0.35, lw=0, label="$p$, real")
    axis.fill_between(x, q, color=VERMILION, alpha=0.35, lw=0, label="$q$, generated")
    axis.plot(x, p / (p + q), color=BLACK, lw=2.2, label="$D^* = p/(p+q)$")
    value = 2 * float(dv.js(P, Q)) - 2 * np.log(2)
    axis.set(title=f"$s = {s:g}$,  $V(D^*) = {value:.3f}$", xlabel="$x$", ylim=(0, 1.05), xlim=(-6, 6))
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("density, probability")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)

# %%
# Now the discriminator :math:`D_k(x) = 1/(1 + e^{-kx})` is held fixed and s is varied. Its value is a curve below
# :math:`2\,JS - 2 \ln 2`, and it touches at :math:`s = k`, where it is the optimal one. The optimum is the upper envelope of
# all discriminators. The expectations are sums over a fine grid.

grid = np.linspace(-16, 16, 1601)
distances = np.linspace(0, 8, 65)


def probabilities(loc):
    """A normal distribution of variance 1 on the grid."""
    weights = np.exp(-((grid - loc) ** 2) / 2)
    return weights / weights.sum()


p = np.stack([probabilities(s / 2) for s in distances])
q = np.stack([probabilities(-s / 2) for s in distances])
best = 2 * dv.js(p, q) - 2 * np.log(2)

figure, axis = plt.subplots(figsize=(7, 4.4), layout="constrained")
axis.plot(distances, best, color=BLACK, lw=3, label=r"$\max_D V = 2\,JS - 2\,\ln 2$")
steepness = {0.5: ("#E69F00", "-."), 1.5: ("#56B4E9", "--"), 3.0: ("#009E73", "-"), 5.0: ("#CC79A7", ":")}
for k, (colour, dashes) in steepness.items():
    value = -(p @ np.logaddexp(0, -k * grid)) - q @ np.logaddexp(0, k * grid)
    axis.plot(distances, value, color=colour, ls=dashes, lw=2, label=f"$V(D_k)$, $k = {k:g}$")
    axis.plot(k, np.interp(k, distances, best), "o", color=colour, mec="black", ms=7, zorder=5)
for level, words in ((0.0, "0: separated"), (-np.log(4), r"$-\ln 4$: equal")):
    axis.axhline(level, color="0.6", lw=0.8, zorder=0)
    axis.annotate(words, (8, level), (-2, 3), textcoords="offset points", ha="right", color="0.3")
axis.set(xlabel="distance $s$ of the two means", ylabel="value of the discriminator", ylim=(-2.4, 0.25), xlim=(0, 8))
axis.set_title("The optimum is the envelope of all discriminators")
axis.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.37))
axis.spines[["top", "right"]].set_visible(False)
