r"""
InfoGAN's bound and the mutual information
==========================================

InfoGAN (Chen et al., 2016) asks that the code c can be read off the generated point x. It maximises the bound of Barber &
Agakov (2003), with any conditional law :math:`R(c | x)`:

.. math:: I(c; x) = \mathbb E[\log R(c | x)] + H(c) + \mathbb E_x\, KL\big(P(c | x) \,\|\, R(c | x)\big)
          \ge \mathbb E[\log R(c | x)] + H(c).

The gap is a divergence, so that the bound is exact when R is the posterior. Where c and x are finite, all three parts are
sums, and the mutual information is the KL divergence of the joint law from the product of its margins.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan
from gan.terms import information_bound

torch.set_num_threads(1)
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# A code of three values, uniform, and a noisy channel to five points.

channel = np.array([[0.6, 0.3, 0.1, 0.0, 0.0], [0.1, 0.2, 0.4, 0.2, 0.1], [0.0, 0.0, 0.1, 0.3, 0.6]])
joint = channel / 3
posterior = joint / joint.sum(0)
information = float(dv.kl(joint.ravel(), np.outer(joint.sum(1), joint.sum(0)).ravel()))

# %%
# The posterior network of the library sees the point as a one-hot row. With every pair (c, x) weighted by its exact
# probability, the bound has no error of sampling.

latent = gan.CodedLatent(noise=0, categories=(3,))
numbers = torch.Generator().manual_seed(0)
points = torch.eye(5, dtype=torch.float64)
codes = torch.eye(3, dtype=torch.float64)
network = gan.CodeHead(latent, width=16).build(points, numbers)
weights = torch.tensor(joint)
optimizer = torch.optim.Adam(network.parameters(), lr=0.02)


def log_posterior() -> torch.Tensor:
    """The table log R(c | x), three rows and five columns."""
    return torch.stack([network.log_density(points, code.expand(5, 3)) for code in codes])


bounds, gaps = [], []
for _ in range(121):
    table = log_posterior()
    bound = (weights * table).sum() + latent.entropy
    learned = table.detach().exp().numpy()
    bounds.append(float(bound.detach()))
    gaps.append(float(joint.sum(0) @ dv.kl(posterior, learned, axis=0, normalize=True)))
    optimizer.zero_grad()
    (-bound).backward()
    optimizer.step()

print(f"I(c; x) = {information:.12f} nats, of H(c) = {latent.entropy:.6f}")
print(f"bound + gap - I(c; x): at most {np.abs(np.add(bounds, gaps) - information).max():.0e} over the training")
print(f"bound at the end: {bounds[-1]:.6f}")

# %%
# In training the bound is a mean over a batch of generated points, which scatters around it. Here are means over 200 pairs
# at the end.

which = torch.multinomial(weights.flatten(), 200 * 50, replacement=True, generator=numbers).reshape(50, 200)
with torch.no_grad():
    batches = [float(information_bound(network, points[k % 5], codes[k // 5])) for k in which]
print(f"50 batches of 200: mean {np.mean(batches):.4f}, standard deviation {np.std(batches):.4f}")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", width_ratios=(1, 1, 1.5))
for axis, values, title in ((left, posterior, "Exact posterior P(c | x)"), (middle, learned, "Trained R(c | x)")):
    axis.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (c, k), value in np.ndenumerate(values):
        axis.text(k, c, f"{value:.2f}", ha="center", va="center", color="black" if value > 0.5 else "white")
    axis.set(xlabel="point x", ylabel="code c", title=title, xticks=range(5), yticks=range(3))
right.axhline(information, color="black", lw=1.2, ls="--", label=f"exact I(c; x) = {information:.4f}")
right.fill_between(range(121), bounds, information, color="0.88", label=r"gap: $\mathbb{E}_x KL(P \| R)$")
right.plot(bounds, color=BLUE, lw=2, label=r"bound: $\mathbb{E} \log R + H(c)$")
right.plot(np.full(50, 120), batches, ".", color=ORANGE, ms=5, alpha=0.7, label="bound on batches of 200")
right.set(xlabel="steps", ylabel="nats", title="The bound while R is trained")
right.legend(frameon=False, loc="lower right")
right.spines[["top", "right"]].set_visible(False)
plt.show()
