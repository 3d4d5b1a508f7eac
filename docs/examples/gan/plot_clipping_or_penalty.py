r"""
What clipping the weights does to a critic
==========================================

The critic of a WGAN has to be Lipschitz. Arjovsky, Chintala & Bottou (2017) clip every weight to :math:`[-c, c]`: the critic
is then K-Lipschitz for a K that nobody knows, and what it says is at most :math:`K\,W_1`. Gulrajani et al. (2017) add

.. math:: \lambda\, \mathbb E\, (|\nabla T(\hat x)| - 1)^2, \qquad \hat x \text{ between points of } P \text{ and } Q,

which asks for slope 1 and proves nothing. Here both stand beside the exact potential: the values as level sets, the slopes
where the penalty looks, and the weights.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan

torch.set_num_threads(1)
BLUE, ORANGE, PINK = "#0072B2", "#D55E00", "#CC79A7"

# %%
# Eight blobs on a circle against one in the middle.

rng = np.random.default_rng(0)
angle = np.arange(160) * 2 * np.pi / 8
ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.06 * rng.normal(size=(160, 2))
blob = 0.25 * rng.normal(size=(160, 2))
P, Q = gan.Discrete(ring), gan.Discrete(blob)
exact = dv.kantorovich(ring, blob)

# %%
# What the clipped critic says is a number in unknown units, a fraction of :math:`W_1`. The slope is the largest between an
# atom of P and one of Q. The proven bound is that of the best feasible pair of functions made from the critic's values.

RULES = {
    "weight clipping, c = 0.05": (gan.WeightClipping(limit=0.05), BLUE),
    "gradient penalty": (gan.GradientPenalty(weight=10.0), ORANGE),
}
found = {}
for name, (rule, _) in RULES.items():
    found[name] = gan.estimate(P, Q, constraint=rule, budget=gan.Budget(steps=600), rng=0, device="cpu")
    e = found[name]
    print(f"{name:26} says {e.raw:.4f}, slope {e.lipschitz:.3f}, proves {e.lower:.4f} of W1 = {exact.value:.4f}")

# %%
# The clipped critic has about the right shape here, which is why it proves nearly as much, but its slopes are around an eighth
# of the best one, and most of its weights have gone to the ends of the interval.

side = np.linspace(-1.6, 1.6, 121)
plane = torch.tensor(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2))
mix = torch.rand(4000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
between = mix * torch.tensor(ring).repeat(25, 1) + (1 - mix) * torch.tensor(blob[rng.permutation(160)]).repeat(25, 1)


def slopes(critic: torch.nn.Module) -> np.ndarray:
    """Lengths of the gradient at points between P and Q."""
    at = between.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(at).sum(), at)
    return gradient.norm(dim=1).numpy()


def level_sets(axis: plt.Axes, values: np.ndarray, title: str) -> None:
    """Values, scaled to [0, 1], and the points."""
    values = (values - values.min()) / np.ptp(values)
    axis.contourf(side, side, values.reshape(121, 121), levels=np.linspace(0, 1, 17), cmap="cividis")
    axis.scatter(*ring.T, s=9, c="white", edgecolors="black", linewidths=0.4, label="P")
    axis.scatter(*blob.T, s=10, c=ORANGE, marker="x", linewidths=0.8, label="Q")
    axis.set(title=title, xlabel="$x_1$", aspect="equal", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))


figure, axes = plt.subplot_mosaic("aabbcc;dddeee", figsize=(11, 7.4), layout="constrained", height_ratios=(1.35, 1))
level_sets(axes["a"], exact.potential(plane.numpy()), f"exact potential\n$W_1$ = {exact.value:.3f}")
for key, (name, e) in zip("bc", found.items(), strict=True):
    with torch.no_grad():
        values = e.critic(plane).numpy()
    level_sets(axes[key], values, f"{name}\nsays {e.raw:.3f}, proves {e.lower:.3f}")
axes["a"].set_ylabel("$x_2$")
axes["a"].legend(loc="upper right", frameon=True, framealpha=0.95)
for (name, e), (_, colour) in zip(found.items(), RULES.values(), strict=True):
    weights = torch.cat([w.detach().flatten() for w in e.critic.parameters()])
    axes["d"].hist(slopes(e.critic), np.linspace(0, 1.6, 65), color=colour, alpha=0.7, label=name)
    axes["e"].hist(weights.clamp(-0.5, 0.5), np.linspace(-0.5, 0.5, 101), color=colour, alpha=0.7, label=name, log=True)
axes["d"].axvline(1, color="black", lw=1, ls="--")
axes["d"].set(xlabel="length of the gradient between P and Q", ylabel="points", title="Slopes (the optimal one is 1)")
axes["e"].set(xlabel="weight (outer bins: and beyond)", ylabel="weights", title="Weights of the critic")
axes["d"].legend(frameon=False)
for key in "de":
    axes[key].spines[["top", "right"]].set_visible(False)
plt.show()
