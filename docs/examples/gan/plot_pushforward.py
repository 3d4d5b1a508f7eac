r"""
A generator pushes a distribution forward
=========================================

A generator draws u from a law :math:`\mu` that is easy to sample and returns g(u). The law of its points is the
pushforward :math:`g_\# \mu`, with :math:`g_\#\mu(A) = \mu(g^{-1}(A))`. On the line and for u uniform on (0, 1) its density is

.. math:: \sum_{u\,:\,g(u) = x} \frac{1}{|g'(u)|},

which is :math:`1 / (2\sqrt x)` for :math:`g(u) = u^2`. If g is the inverse of a distribution function, the pushforward has
that distribution function: the quantiles of N(0, 1) turn uniform numbers into normal ones.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
from gan.datasets import pushforwards

torch.set_num_threads(1)
BLUE, ORANGE = "#0072B2", "#D55E00"
draws, seed = 20_000, 0

# %%
# Equal areas go to equal areas: where g is flat, points pile up, and the density is large. The last column of numbers is
# the exact :math:`W_1` between the draws and the midpoints of 20 000 equal shares of the law.

u = (np.arange(draws) + 0.5) / draws
figure, axes = plt.subplots(2, 3, figsize=(10.5, 6), layout="constrained")
for (top, bottom), law in zip(axes.T, pushforwards(), strict=True):
    x = law.data.sampler(draws, torch.Generator().manual_seed(seed)).numpy()[:, 0]
    ideal = law.transform(torch.tensor(u)).numpy()
    print(f"{law.name:17} W1 of {draws} draws to the law: {dv.wasserstein_1d(x, ideal):.5f}")
    for k in range(1, 10):  # nine places that divide the mass into ten equal shares
        at = float(law.transform(torch.tensor(k / 10, dtype=torch.float64)))
        top.plot([k / 10, k / 10, -0.02], [-9, at, at], color="0.8", lw=0.8)
    top.plot(u, ideal, color=BLUE, lw=2)
    low, high = (-3.5, 3.5) if law.name == "normal quantiles" else (-0.02, 1.02)
    top.set(title=law.name, xlabel="u, uniform on (0, 1)", ylabel="x = g(u)", xlim=(-0.02, 1.02), ylim=(low, high))
    edges = np.linspace(*((-3.5, 3.5) if low < -1 else (0.0, 1.0)), 41)
    bottom.hist(x, edges, density=True, color="0.8", label=f"{draws} draws of g(u)")
    t = np.linspace(edges[0], edges[-1], 1001)[1:-1]
    bottom.plot(t, law.density(t), color=ORANGE, lw=2, label="exact density")
    bottom.set(xlabel="x", ylabel="density", xlim=(low, high))
axes[1, 0].set_ylim(0, 1.5)
axes[1, 1].set_ylim(0, 4)
axes[1, 1].legend(frameon=False, loc="upper right")
for axis in axes.flat:
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
