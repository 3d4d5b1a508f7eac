r"""
Layers that cannot be too steep
===============================

The largest slope of a network is at most the product of the norms of its layers. If each weight is divided by its largest
singular value (Miyato et al., 2018), the product is 1: the critic is 1-Lipschitz whatever training does, and its value is a
lower bound of

.. math:: W_1(P, Q) = \sup_{|T|_{Lip} \le 1} \mathbb E_P[T] - \mathbb E_Q[T].

A bound of 1 is one thing, slope 1 is another. ReLU sets units to zero, and the gradient loses length on its way back.
Orthogonal weights with sorted units in place of ReLU (Anil, Lucas & Grosse, 2019) keep the length exactly.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan

torch.set_num_threads(1)
RULES = {
    "spectral norm, ReLU": (gan.SpectralNorm(), "#CC79A7", "--"),
    "orthogonal, sorted pairs": (gan.Orthogonal(), "#009E73", "-"),
}

# %%
# On the line the best slope is known: 1 where Q has more mass to the left, -1 where it has more to the right. P has three
# bumps, Q has two, so that it changes its sign several times.

x = np.linspace(-3, 3, 241)
p = sum(np.exp(-((x - c) ** 2) / 0.06) for c in (-2.0, 0.0, 2.0))
q = sum(np.exp(-((x - c) ** 2) / 0.06) for c in (-1.0, 1.0))
P, Q = gan.Discrete(x, p / p.sum()), gan.Discrete(x, q / q.sum())
w1 = dv.wasserstein_1d(x, x, P.weights, Q.weights)
best_slope = np.sign(np.cumsum(Q.weights) - np.cumsum(P.weights))[:-1]
best = np.concatenate([[0], np.cumsum(best_slope * np.diff(x))])

# %%
# The product of norms is proven in exact arithmetic; a free network of the same shape has it too, but not 1.

free = gan.MLP().build(torch.tensor(x)[:, None], torch.tensor(x)[:, None], torch.Generator().manual_seed(0), unit=None)
print(f"{'free weights, untrained':26} proven constant {gan.GradientPenalty().bound(free):.3f}")
found = {}
for name, (rule, _, _) in RULES.items():
    e = found[name] = gan.estimate(P, Q, constraint=rule, budget=gan.Budget(steps=800), rng=0, device="cpu")
    print(f"{name:26} proven constant {e.lipschitz_bound:.6f}, says {e.raw:.4f} of W1 = {w1:.4f}")

# %%
# Both critics are held below slope 1. Under the spectral norm the slopes stay below 0.8, and the middle bump is missed. The
# orthogonal critic has slopes near 1 between the bumps, as the optimal potential has; it is flat at the ends, where turning
# away from the right slope costs little.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.5, 4.4), layout="constrained")
line = torch.tensor(x)[:, None]
left.fill_between(x, 25 * P.weights, color="#0072B2", alpha=0.3, lw=0, label="P")
left.fill_between(x, -25 * Q.weights, color="#D55E00", alpha=0.3, lw=0, label="Q (downwards)")
left.plot(x, best - best.mean(), color="black", lw=1, label="exact")
for name, (_, colour, style) in RULES.items():
    e = found[name]
    at = line.clone().requires_grad_()
    (slope,) = torch.autograd.grad(e.critic(at).sum(), at)
    with torch.no_grad():
        values = e.critic(line).numpy()
    left.plot(x, values - values.mean(), color=colour, ls=style, lw=2, label=name)
    middle.hist(slope.abs().numpy(), np.linspace(0, 1.05, 43), color=colour, alpha=0.75, label=name)
    right.plot([r.step for r in e.history], [r.raw / w1 for r in e.history], color=colour, ls=style, lw=2, label=name)
middle.axvline(1, color="black", lw=1, ls="--")
right.axhline(1, color="black", lw=1, ls="--")
left.set(xlabel="x", ylabel="T(x), centred", title="Critics and the exact potential")
middle.set(xlabel="|T'(x)| on the grid", ylabel="points", title="Slopes")
right.set(xlabel="steps", ylabel="value of the critic / exact $W_1$", title="Never above 1", ylim=(0, 1.08))
left.set_ylim(-0.9, 1.9)
left.legend(frameon=False, ncols=2, loc="upper center", fontsize=9)
middle.legend(frameon=False, loc="upper left")
for axis in (left, middle, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
