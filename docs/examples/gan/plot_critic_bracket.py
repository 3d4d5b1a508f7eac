r"""
What a critic says, and what it proves
======================================

Kantorovich duality makes every pair of functions with :math:`f(x) + g(y) \le |x - y|` a lower bound of :math:`W_1`, and every
coupling an upper bound:

.. math:: \mathbb E_P[f] + \mathbb E_Q[g] \;\le\; W_1(P, Q) \;\le\; \mathbb E_\pi |X - Y|.

A critic that is too steep somewhere has no such pair, and its value may be on either side of the truth. From its values a
feasible pair can always be made, so that at each step of training there is a number that is proven.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import gan

torch.set_num_threads(1)
BLUE, GREEN = "#0072B2", "#009E73"

# %%
# Three critics of the same pair: 150 points of three clusters against 150 of a wide cloud.

rng = np.random.default_rng(1)
centres = np.array([[-1.0, 0.0], [1.0, 0.5], [0.2, 1.4]])
P = gan.Discrete(centres[rng.integers(3, size=150)] + 0.15 * rng.normal(size=(150, 2)))
Q = gan.Discrete(0.9 * rng.normal(size=(150, 2)) + [0.3, 0.2])

RULES = {
    "gradient penalty, weight 0.2": gan.GradientPenalty(weight=0.2),
    "orthogonal layers": gan.Orthogonal(),
    "c-transform": gan.CTransform(),
}

# %%
# The history of an estimate has what the critic says (raw), and the bracket at that time. The upper bound here is the exact
# value of the linear program; of pairs too large for it a feasible plan takes its place.

figure, axes = plt.subplots(2, 3, figsize=(12, 6.6), sharex=True, sharey="row", layout="constrained")
for axis, below, (name, rule) in zip(*axes, RULES.items(), strict=True):
    e = gan.estimate(P, Q, constraint=rule, budget=gan.Budget(steps=400), rng=0, device="cpu")
    print(f"{name:29} says {e.raw:.5f}, proves {e.lower:.5f} <= W1 <= {e.upper:.5f}")
    steps = [r.step for r in e.history]
    lower, raw = [r.lower for r in e.history], [r.raw for r in e.history]
    axis.fill_between(steps, lower, e.upper, color=GREEN, alpha=0.2, lw=0, label="proven bracket")
    axis.plot(steps, lower, color=GREEN, lw=2, label="proven lower bound")
    axis.plot(steps, raw, color=BLUE, lw=1.5, ls="--", label="what the critic says")
    axis.axhline(e.upper, color="black", lw=1, label="exact $W_1$")
    axis.set(title=f"{name}\nsays {e.raw:.4f}, proves {e.lower:.4f} of {e.upper:.4f}", ylim=(0, 1.6 * e.upper))
    below.semilogy(steps, [abs(r / e.upper - 1) for r in raw], color=BLUE, lw=1.5, ls="--")
    below.semilogy(steps, [1 - r / e.upper for r in lower], color=GREEN, lw=2)
    below.set(xlabel="steps", ylim=(1e-8, 2))
for axis in axes.flat:
    axis.spines[["top", "right"]].set_visible(False)
axes[0, 0].set_ylabel("distance")
axes[1, 0].set_ylabel("relative error")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
plt.show()
