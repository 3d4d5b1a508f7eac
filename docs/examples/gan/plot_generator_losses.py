r"""
Two losses of the generator
===========================

With D(y) the probability that the discriminator gives a generated point y of being real, the generator of the minimax
game minimises :math:`\mathbb E_Q \log(1 - D)`, and the non-saturating one :math:`-\mathbb E_Q \log D` (Goodfellow et al.,
2014, section 3). Both fall as D grows. They differ in where they are steep: with the logit z, :math:`D = s(z) = 1/(1 +
e^{-z})`,

.. math:: \frac{d}{dz} \log(1 - s(z)) = -s(z) = -D, \qquad \frac{d}{dz} (-\log s(z)) = -(1 - s(z)) = -(1 - D).

At the start of training generated points are found out, D is near 0, and the first gradient is near 0 as well.
"""

import matplotlib.pyplot as plt
import torch

import gan

torch.set_num_threads(1)
BLUE, VERMILLION = "#0072B2", "#D55E00"

# %%
# A loss is a function of the expectations under data and generator. Under a point mass at one generated point it is a
# function of the logit there, and automatic differentiation gives its slope.


def loss_and_slope(objective: gan.Payoff, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The generator's loss where the discriminator says d, and its derivative by the logit."""
    z = torch.logit(d).requires_grad_()
    at_each = gan.Expectation(z[:, None], torch.ones(len(z), 1, dtype=z.dtype))
    loss = objective.generator_loss(at_each, at_each)
    (slope,) = torch.autograd.grad(loss.sum(), z)
    return loss.detach(), slope


d = torch.linspace(0.002, 0.998, 997, dtype=torch.float64)
saturating, saturating_slope = loss_and_slope(gan.minimax, d)
heuristic, heuristic_slope = loss_and_slope(gan.non_saturating, d)

# %%
# The numbers of the lectures, for a generated point that is real with probability 0.01:

found_out = torch.tensor([0.01], dtype=torch.float64)
for objective in (gan.minimax, gan.non_saturating):
    loss, slope = loss_and_slope(objective, found_out)
    print(f"{objective!s:20} loss {loss.item():+.5f}   slope by the logit {slope.item():+.4f}")

# %%
# On the right the two slopes are mirror images: what one gains where the generator is found out, the other gains where it
# deceives the discriminator.

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.9), layout="constrained")
left.plot(d, saturating, color=BLUE, lw=2, label=r"minimax: $\log(1 - D)$")
left.plot(d, heuristic, color=VERMILLION, lw=2, ls="--", label=r"non-saturating: $-\log D$")
left.set(xlabel="D at a generated point", ylabel="loss of the generator", title="Both fall as D grows")
right.plot(d, saturating_slope, color=BLUE, lw=2, label="minimax: $-D$")
right.plot(d, heuristic_slope, color=VERMILLION, lw=2, ls="--", label="non-saturating: $-(1 - D)$")
right.axvspan(0, 0.1, color="0.9", zorder=0)
right.text(0.16, -0.02, "generated points\nare found out", va="top")
right.set(
    xlabel="D at a generated point", ylabel="derivative by the logit", title="The minimax loss is flat on the left"
)
for axis in (left, right):
    axis.set_xlim(0, 1)
    axis.legend(frameon=False, loc="upper right" if axis is left else "lower center")
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
