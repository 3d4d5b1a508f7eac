r"""
What the objectives of GANs measure
===================================

At one point of the space the best output of a critic depends on the ratio p/q alone. So the supremum over all critics is
an f-divergence, stretched and moved:

.. math::
   \sup \mathbb E_P[\log D] + \mathbb E_Q[\log(1 - D)] &= 2\,JS(P, Q) - 2 \ln 2, \\
   \sup -\tfrac12 \mathbb E_P[(z - 1)^2] - \tfrac12 \mathbb E_Q[z^2] &= -\tfrac14 (1 - LeCam(P, Q)), \\
   \sup -\mathbb E_P[(1 - z)_+] - \mathbb E_Q[(1 + z)_+] &= -2 (1 - TV(P, Q)), \\
   \sup_{z \ge 0} -\mathbb E_P[z] - \mathbb E_Q[(m - z)_+] &= -m (1 - TV(P, Q)).

The first is theorem 1 of Goodfellow et al. (2014); least squares are those of Mao et al. (2017), the hinge that of Lim &
Ye (2017), and the last line is the energy-based GAN of Zhao, Mathieu & LeCun (2017) with margin m.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import gan

torch.set_num_threads(1)
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.65"
PANELS = {
    "minimax": (gan.minimax, r"$2\,JS - 2 \ln 2$"),
    "least squares": (gan.least_squares, r"$-(1 - LeCam)/4$"),
    "hinge": (gan.hinge, r"$-2 (1 - TV)$"),
    "energy-based, m = 1": (gan.EnergyBased(margin=1.0), r"$-(1 - TV)$"),
}

# %%
# Six points, and the mixture Q = (1 - t) P + t R with a measure R that shares only two of them with P. The same line, ``objective.value``,
# trains networks on batches and is evaluated here with exact weights.

points = np.arange(6.0)
p = np.array([0.4, 0.3, 0.2, 0.1, 0.0, 0.0])
r = np.array([0.0, 0.0, 0.1, 0.2, 0.3, 0.4])
P, shares = gan.Discrete(points, p), np.linspace(0, 1, 21)
rng = np.random.default_rng(0)


def value(objective: gan.Objective, z: torch.Tensor, q: np.ndarray) -> float:
    """The objective of outputs z under exact weights."""
    return float(objective.value(gan.Expectation(z, torch.tensor(p)), gan.Expectation(z, torch.tensor(q))))


# %%
# The line is the divergence, computed without any critic. The circles are the objective at the optimal critic, the dots
# at random ones: none is above the line.

figure, axes = plt.subplots(1, 4, figsize=(12, 4.2), layout="constrained")
for axis, (name, (objective, formula)) in zip(axes, PANELS.items(), strict=True):
    exact, attained = [], []
    for t in shares:
        q = (1 - t) * p + t * r
        exact.append(objective.exact(P, gan.Discrete(points, q)))
        ratio = torch.tensor(np.log(np.where(p > 0, p, 1)) - np.log(np.where(q > 0, q, 1)))
        ratio[(p == 0) & (q > 0)], ratio[(q == 0) & (p > 0)] = -torch.inf, torch.inf
        attained.append(value(objective, objective.optimal_critic(ratio), q))
        for _ in range(12):
            z = torch.tensor(rng.normal(size=6) * rng.uniform(0, 1))
            z = z.abs() if isinstance(objective, gan.EnergyBased) else z
            z = z / 2 + 0.5 if isinstance(objective, gan.LeastSquares) else z  # about the labels 0 and 1
            reached = value(objective, z, q)
            assert reached <= exact[-1].upper
            axis.plot(t, reached, ".", color=GREY, ms=3)
    gap = max(abs(a - e.value) for a, e in zip(attained, exact, strict=True))
    print(f"{name:20} optimal critic - exact supremum: at most {gap:.0e}")
    best = [e.value for e in exact]
    axis.plot(shares, best, color=BLUE, lw=2, label="exact supremum")
    axis.plot(shares, attained, "o", color=ORANGE, mfc="none", ms=6, label="at the optimal critic")
    axis.plot([], [], ".", color=GREY, label="random critics")
    axis.set(title=f"{name}\n{formula}", xlabel="share t of the other measure", ylim=(2 * min(best), 0))
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("value of the objective")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()
