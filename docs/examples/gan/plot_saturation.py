r"""
The best discriminator saturates, the Wasserstein critic does not
=================================================================

The discriminator of a GAN tends to :math:`D = p/(p + q)`. Where P and Q are far apart that is a step: 1 on the data and 0 on
the generated points, and flat at both. The generator learns from :math:`\nabla_y \log(1 - D(y)) = -D(y) \nabla z(y)`, with z
the logit, which vanishes as the discriminator becomes good (Arjovsky & Bottou, 2017, theorem 2.4). A critic of

.. math:: W_1(P, Q) = \sup_{|T|_{Lip} \le 1} \mathbb E_P[T] - \mathbb E_Q[T]

has slope 1 along the way from the generated points to the data, the more exactly the better it is trained.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import divergences as dv
import gan

torch.set_num_threads(1)
BLUE, ORANGE = "#0072B2", "#D55E00"

# %%
# Data around 2, generated points around -2. Both critics see the same samples; each loss is one line of the library, the
# loop around it is written out.

numbers = torch.Generator().manual_seed(0)
x = 2 + 0.6 * torch.randn(256, 1, generator=numbers, dtype=torch.float64)
y = -2 + 0.6 * torch.randn(256, 1, generator=numbers, dtype=torch.float64)
line = torch.linspace(-4, 4, 321, dtype=torch.float64)[:, None]
equal = torch.full((256,), 1 / 256, dtype=torch.float64)
w1 = dv.wasserstein_1d(x.numpy()[:, 0], y.numpy()[:, 0])


def slope(loss: torch.Tensor, at: torch.Tensor) -> float:
    """Mean length of the gradient that each generated point receives."""
    (gradient,) = torch.autograd.grad(loss.sum(), at)
    return float(gradient.abs().mean())


def train(
    objective: gan.Separable, constraint: gan.LipschitzConstraint | None, shown: tuple[int, ...]
) -> tuple[dict[int, torch.Tensor], list[float], float]:
    """Values on the line at the steps to be shown, the gradient at generated points at every step, and the last value."""
    architecture = gan.MLP(width=64) if constraint is None else constraint.architecture
    critic = architecture.build(x, y, numbers, unit=1.0 if constraint is None else None)
    critic = critic if constraint is None else constraint.attach(critic, numbers)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    curves, slopes = {}, []
    for step in range(max(shown) + 1):
        points = y.clone().requires_grad_()
        slopes.append(slope(-objective.loss(critic(points)), points))
        if step in shown:
            with torch.no_grad():
                curves[step] = critic(line)
        optimizer.zero_grad()
        value = objective.value(gan.Expectation(critic(x), equal), gan.Expectation(critic(y), equal))
        (-value).backward()
        optimizer.step()
    return curves, slopes, float(value.detach())


shown = (0, 10, 40, 160, 600)
logits, vanishing, payoff = train(gan.minimax, None, shown)
critics, steady, distance = train(gan.wasserstein, gan.Orthogonal(), shown)
print(f"minimax value {payoff:.4f}, its supremum on separate samples is 0")
print(f"critic's value {distance:.4f}, exact W1 {w1:.4f}")
print(f"mean gradient at generated points after {shown[-1]} steps: GAN {vanishing[-1]:.1e}, W1 {steady[-1]:.4f}")

# %%
# Left and middle, both critics as they are trained. Right, what a generated point receives: the gradient of the GAN
# falls as the discriminator becomes better, that of the Wasserstein critic tends to 1.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
shades = plt.get_cmap("cividis")(np.linspace(0.9, 0, len(shown)))
for shade, step in zip(shades, shown, strict=True):
    left.plot(line, logits[step].sigmoid(), color=shade, lw=2, label=f"{step} steps")
    middle.plot(line, critics[step] - critics[step][160], color=shade, lw=2)
for axis in (left, middle):
    low = axis.get_ylim()[0]
    axis.plot(y, np.full(256, low), "|", color=ORANGE, ms=9, alpha=0.5)
    axis.plot(x, np.full(256, low), "|", color=BLUE, ms=9, alpha=0.5)
    axis.set_xlabel("x (ticks: generated left, data right)")
left.set(ylabel="D(x)", title="Discriminator")
left.legend(frameon=False, loc="upper left", fontsize=9)
middle.set(ylabel="T(x) - T(0)", title=f"Critic of $W_1$ = {w1:.3f}")
right.semilogy(vanishing, color=ORANGE, lw=2, label=r"GAN: $|\nabla \log(1 - D)|$")
right.semilogy(steady, color=BLUE, lw=2, ls="--", label=r"WGAN: $|\nabla T|$")
right.set(xlabel="steps of the critic", ylabel="mean gradient at generated points", title="What the generator receives")
right.legend(frameon=False, loc="center right")
for axis in (left, middle, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
