r"""
A generator that is told the class
==================================

A conditional GAN (Mirza & Osindero, 2014) gives the label c to both players: the generator makes :math:`G(z, c)`, the
critic sees pairs (x, c). On the product space it is an ordinary GAN, so that what it learns is the joint law:

.. math:: \max_D \; \mathbb E[\log D(x, c)] + \mathbb E[\log(1 - D(G(z, c), c))] = 2\,JS(P_{x, c}, Q_{x, c}) - 2 \ln 2.

The labels have the same law on both sides, and then the JS divergence of the joint laws is the mean of those of the classes:
each class has to be right on its own.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import gan
from gan.datasets import gaussian_modes

torch.set_num_threads(1)
COLOURS = ("#0072B2", "#D55E00", "#009E73")

# %%
# Three classes of different width, on which the networks are trained with the non-saturating loss.

centres = np.array([[-2.0, -1.0], [2.0, -1.0], [0.0, 2.0]])
data = gaussian_modes("three classes", centres, np.array([0.3, 0.6, 0.2]), np.full(3, 1 / 3))
rate = gan.Adam(1e-3, (0.5, 0.9))
trained = gan.train(
    gan.non_saturating,
    data,
    generator=gan.Conditional(gan.GeneratorMLP(gan.NormalLatent(2), width=64), classes=3),
    critic=gan.MLP(width=64),
    settings=gan.Settings(
        steps=1500, every=250, batch=128, average=0.99, critic_optimizer=rate, generator_optimizer=rate
    ),
    rng=0,
    device="cpu",
)

# %%
# Points of each class, asked for one by one, and their exact distance to fresh data of that class. The labels are obeyed, but
# the two narrow classes have collapsed to a part of their width: a failure of its own, which their distances show.

numbers = torch.Generator().manual_seed(1)
n = 400
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
fresh = data.draw(6 * n, numbers)
for c, colour in enumerate(COLOURS):
    real = fresh.points[fresh.labels == c]
    with torch.no_grad():
        made = trained.generator(trained.latent.draw(n, torch.empty(0), numbers), torch.full((n,), c))
    w1, floor = gan.exact_w1(made, real[:n]).value, gan.exact_w1(real[-n:], real[:n]).value
    print(f"class {c}: W1 {w1:.3f}, between two real samples {floor:.3f}")
    left.plot(*real[:n].T, "o", color="0.8", ms=4, mew=0, zorder=0)
    left.plot(*made.T, ".", color=colour, ms=3, label=f"c = {c}: $W_1$ = {w1:.3f}, real {floor:.3f}")
left.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="Generated (colours) and real (grey)", ylim=(-3.2, 4.6))
left.legend(frameon=False, loc="upper center", fontsize=9, markerscale=2)
steps = [h.step for h in trained.history]
right.plot(steps, [h.quality.w1.value for h in trained.history], color="black", lw=2, label="exact $W_1$, all classes")
right.axhline(trained.history[-1].quality.floor, color="0.4", ls="--", label="between two real samples")
right.set(
    xlabel="steps of the generator", ylabel="exact $W_1$ to the data", ylim=(0, None), title="Distance to the data"
)
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
