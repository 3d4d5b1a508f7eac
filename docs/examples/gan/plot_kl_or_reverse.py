r"""
Cover the modes or drop one: KL and reverse KL
==============================================

:math:`KL(P \| Q) = \mathbb E_P \log(p/q)` is large where the data have mass and the model has none: its best model covers.
:math:`KL(Q \| P)` is large where the model has mass and the data have none: its best model drops modes. For normal Q the
first is least at the mean and the variance of the data, between the modes; the second is least on a single mode if the
modes are far enough apart.

The f-GAN (Nowozin, Cseke & Tomioka, 2016) reaches both without densities. The generator :math:`z \mapsto \mu + \sigma z`
minimises what a critic v, right at :math:`v = \log p/q`, maximises:

.. math:: \mathbb E_P[f'(e^v)] - \mathbb E_Q[f^*(f'(e^v))].
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan
from divergences.families import Mixture, Normal
from gan.datasets import gaussian_modes

torch.set_num_threads(1)
BLUE, ORANGE = "#0072B2", "#D55E00"

# %%
# The exact answers first: the closest normal law, by minimisation of the divergence itself.

centres, scales, weights = np.array([-1.5, 1.5]), np.array([0.5, 0.5]), np.array([0.4, 0.6])
mixture = Mixture([Normal(c, s) for c, s in zip(centres, scales, strict=True)], weights.tolist())
exact = {
    "KL(P || Q)": dv.project(mixture, Normal, dv.kl),
    "KL(Q || P)": dv.project(mixture, Normal, dv.reverse_kl),
}

# %%
# Then two games from the same start, on the right of the middle, in which only f differs. One backward pass moves both players
# (algorithm 1 of that paper).

data = gaussian_modes("two modes", centres[:, None], scales, weights)
settings = gan.Settings(
    steps=900,
    every=100,
    batch=512,
    average=0.98,
    critic_optimizer=gan.Adam(1e-2, (0.5, 0.99)),
    generator_optimizer=gan.Adam(5e-3, (0.5, 0.99)),
)
trained = {
    name: gan.train(
        gan.variational(f),
        data,
        generator=gan.Affine(location=1.0, scale=0.7),
        critic=gan.MLP(width=64),
        game=gan.SingleStep(),
        settings=settings,
        rng=0,
        device="cpu",
    )
    for name, f in {"KL(P || Q)": dv.kl, "KL(Q || P)": dv.reverse_kl}.items()
}

# %%
# Steps are few and batches finite, so that trained parameters are a little off. The start matters as well: from
# :math:`\mu = 0.5` and :math:`\sigma = 1` the second game was still between the modes after 600 steps.

x = np.linspace(-5, 5.5, 701)
figure, axes = plt.subplots(1, 3, figsize=(12.5, 4.1), layout="constrained", width_ratios=(1.3, 1.3, 1))
for axis, (name, done) in zip(axes, trained.items(), strict=False):
    mu, log_sigma = (float(p.detach()) for p in done.generator.parameters())
    best, quality = exact[name].distribution, done.history[-1].quality
    print(f"{name}: trained mu {mu:.3f}, sigma {np.exp(log_sigma):.3f}", end="; ")
    print(f"exact {best.loc:.3f}, {best.scale:.3f}; exact W1 of its points to the data {quality.w1.value:.3f}")
    axis.fill_between(x, np.exp(mixture.log_density(x)), color="0.85", lw=0, label="data P")
    axis.plot(x, np.exp(best.log_density(x)), color=BLUE, lw=3, label="exact best Q")
    learned = Normal(mu, np.exp(log_sigma))
    axis.plot(x, np.exp(learned.log_density(x)), color=ORANGE, lw=2, ls="--", label="trained Q")
    axis.set(title=f"least {name}", xlabel="x", ylabel="density", ylim=(0, 0.86))
    axis.legend(frameon=False, loc="upper left")
places = np.arange(2)
for k, (name, done) in enumerate(trained.items()):
    mass = done.history[-1].quality.cells.mass
    colour, hatch = (("#56B4E9", ""), ("#CC79A7", "//"))[k]
    bars = axes[2].bar(places + 0.27 * (k - 1), mass, 0.25, color=colour, hatch=hatch, label=f"least {name}")
    axes[2].bar_label(bars, fmt="%.2f", fontsize=9)
bars = axes[2].bar(places + 0.27, weights, 0.25, color="0.75", label="data")
axes[2].bar_label(bars, fmt="%.2f", fontsize=9)
axes[2].set(
    xticks=places, xticklabels=["left mode", "right mode"], ylabel="mass", title="Mass per mode", ylim=(0, 1.45)
)
axes[2].legend(frameon=False, loc="upper left")
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
