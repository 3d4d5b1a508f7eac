r"""
One Gaussian for two modes
==========================

Which normal distribution :math:`Q_\theta` is closest to a mixture P of two? It depends on the divergence (Minka 2005).

* :math:`KL(P\|Q_\theta)` punishes a lack of mass of Q where P has some. Its minimum has the mean and the variance of P: it
  covers both modes, and its peak is where P has hardly any mass. This is maximum likelihood.
* :math:`KL(Q_\theta\|P)` punishes mass of Q where P has none. Its minimum sits on one mode. A second local minimum may sit on
  the other.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.families import Mixture, Normal

BLUE, VERMILION = "#0072B2", "#D55E00"
P = Mixture([Normal(-3.0, 0.6), Normal(3.0, 0.9)], [0.4, 0.6])

# %%
# ``project`` finds the closest member of a family. Its certificate is the gradient of the divergence, 0 at a minimum. For KL
# the answer is known: the moments of P.

seeking = dv.project(P, Normal, dv.reverse_kl)
mean = 0.4 * -3.0 + 0.6 * 3.0
variance = 0.4 * (0.6**2 + 3.0**2) + 0.6 * (0.9**2 + 3.0**2) - mean**2
covering = Normal(mean, np.sqrt(variance))
print(f"KL          mean {mean:.4f}  sd {np.sqrt(variance):.4f}  divergence {float(dv.kl(P, covering)):.6f}")
found = seeking.distribution
print(f"reverse KL  mean {found.loc:.4f}  sd {found.scale:.4f}  divergence {seeking.bounds.value:.6f}")
print(f"its gradient there: at most {np.abs(seeking.gradient).max():.0e}; other minima found: {list(seeking.others)}")

x = np.linspace(-8, 8, 600)
figure, axis = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
axis.fill_between(x, np.exp(P.log_density(x)), color="0.8", lw=0, label="P, the mixture")
axis.plot(x, np.exp(covering.log_density(x)), color=BLUE, lw=2.4, label="closest by KL(P‖Q): covers")
axis.plot(x, np.exp(found.log_density(x)), color=VERMILION, lw=2.4, ls="--", label="closest by KL(Q‖P): sits on a mode")
axis.set(xlabel="$x$", ylabel="density", xlim=(-8, 8), ylim=(0, 0.6), title="Two answers")
axis.legend(frameon=False, loc="upper left")
axis.spines[["top", "right"]].set_visible(False)

# %%
# The landscapes tell why. Over all means and standard deviations KL has one valley, reverse KL has two. The values come
# from P and Q on a grid of 281 cells, the whole landscape in one call.

places = np.linspace(-4.5, 4.5, 81)
widths = np.geomspace(0.5, 4, 60)
cells = np.linspace(-14, 14, 281)
p = np.exp(P.log_density(cells))
log_q = -(((cells - places[:, None]) / widths[:, None, None]) ** 2) / 2
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
levels = np.geomspace(0.4, 80, 18)
best = {dv.kl: covering, dv.reverse_kl: found}
for axis, d, words in zip(axes, best, ("KL(P‖Q): one valley", "KL(Q‖P): two valleys"), strict=True):
    value = d.from_log(np.log(p / p.sum()), log_q - np.log(np.exp(log_q).sum(-1, keepdims=True)))
    filled = axis.contourf(places, widths, value, levels=levels, cmap="cividis_r", norm="log", extend="max")
    axis.contour(places, widths, value, levels=levels, colors="white", linewidths=0.5)
    axis.plot(best[d].loc, best[d].scale, "o", color=VERMILION, mec="white", ms=9)
    axis.set(xlabel="mean of Q", yscale="log", title=words)
    axis.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    axis.minorticks_off()
axes[0].set_ylabel("standard deviation of Q")
bar = figure.colorbar(filled, ax=axes, ticks=[0.5, 1, 3, 10, 30], label="divergence, nats")
bar.ax.set_yticklabels(["0.5", "1", "3", "10", "30"])
bar.ax.minorticks_off()
