r"""
An f-GAN critic learns the slope of f
=====================================

For convex f with conjugate :math:`f^*` every critic T gives a lower bound of the divergence (Nguyen, Wainwright & Jordan,
2010; Nowozin, Cseke & Tomioka, 2016):

.. math:: D_f(P \| Q) = \sup_T \; \mathbb E_P[T] - \mathbb E_Q[f^*(T)], \qquad \text{attained at } T = f'(p/q).

T has to stay where :math:`f^*` is finite. An output activation that belongs to f maps the network's output there. So six
divergences need six critics, each with its own activation, but the truth is one function of the ratio p/q.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan

torch.set_num_threads(1)
BLUE, ORANGE = "#0072B2", "#D55E00"

# %%
# Two measures on 80 points of the line: a normal law and a mixture of two. They are finite, so the divergence is a sum and
# the bound of a critic can be proven.

x = np.linspace(-3, 3, 80)
p = np.exp(-((x + 0.8) ** 2) / 0.5) + 0.6 * np.exp(-((x - 1.4) ** 2) / 0.2) + 1e-3
q = np.exp(-(x**2) / 2)
P, Q = gan.Discrete(x, p / p.sum()), gan.Discrete(x, q / q.sum())

# %%
# One training for each f. The title shows the proven bound of the trained critic beside the exact divergence. A critic may be
# wrong where there is little mass, as that of Jeffreys at the right end, and the bound hardly notices.

FS = {
    "KL": dv.kl,
    "reverse KL": dv.reverse_kl,
    "Jensen-Shannon": dv.js,
    "squared Hellinger": dv.squared_hellinger,
    r"Pearson $\chi^2$": dv.pearson_chi2,
    "Jeffreys": dv.jeffreys,
}
figure, axes = plt.subplots(2, 3, figsize=(11, 6.2), sharex=True, layout="constrained")
for axis, (name, f) in zip(axes.flat, FS.items(), strict=True):
    objective = gan.fgan(f)
    found = gan.estimate(P, Q, objective, budget=gan.Budget(steps=200, polish=200), rng=0, device="cpu")
    with torch.no_grad():
        learned = objective.gain(found.critic(torch.tensor(x)[:, None]))
    exact = f.optimal_critic(np.log(P.weights / Q.weights))
    axis.plot(x, exact, color=BLUE, lw=3.5, label="exact $f'(p/q)$")
    axis.plot(x, learned, color=ORANGE, ls="--", lw=1.8, label="trained critic T")
    axis.set_title(f"{name}\nproves {found.lower:.4f} of {f(P.weights, Q.weights):.4f}", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
for axis in axes[1]:
    axis.set_xlabel("x")
for axis in axes[:, 0]:
    axis.set_ylabel("T(x)")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
plt.show()
