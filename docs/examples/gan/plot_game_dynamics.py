r"""
Who spirals out, who converges
==============================

In the game :math:`\min_x \max_y xy` the gradients rotate around the equilibrium (0, 0). Every rule of stepping is a
linear map. Simultaneous steps of length :math:`\eta` have the matrix

.. math:: \begin{pmatrix} 1 & -\eta \\ \eta & 1 \end{pmatrix}, \qquad
   \text{eigenvalues } 1 \pm i\eta, \qquad \text{modulus } \sqrt{1 + \eta^2} > 1,

so that they spiral outwards at every step size: from (1, 0) the second step is at :math:`(1 - \eta^2, 2\eta)`. Alternating
steps stay on an ellipse. Extragradient (Korpelevich, 1976) steps with the gradient of a predicted point and has the modulus
:math:`\sqrt{1 - \eta^2 + \eta^4}`, below 1 for :math:`0 < \eta < 1`; optimistic steps (Daskalakis et al., 2018) remember
the last gradient and converge for :math:`\eta < 1/\sqrt 3`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import gan
from gan import bilinear

torch.set_num_threads(1)
GAMES = {
    "simultaneous": (gan.Simultaneous(), "#D55E00", "-"),
    "alternating": (gan.Alternating(), "#E69F00", "--"),
    "two time scales, r = 4": (gan.TwoTimeScale(gan.Alternating(), ratio=4.0), "#000000", ":"),
    "extragradient": (gan.Extragradient(), "#0072B2", "-"),
    "optimistic": (gan.Optimistic(), "#009E73", "--"),
}

# %%
# ``trajectory`` applies powers of the matrix in whole numbers, each coordinate rounded once. ``simulated`` runs the very
# rules that train networks, on two parameters. They agree to the last digits.

eta, steps = 0.4, 60
for name, (game, _, _) in GAMES.items():
    exact = bilinear.trajectory(game, eta, steps=steps)
    run = bilinear.simulated(game, eta, steps=steps)
    print(f"{name:23} modulus {bilinear.modulus(game, eta):.6f}   simulated - exact {np.abs(run - exact).max():.0e}")
print("second simultaneous step:", bilinear.trajectory(gan.Simultaneous(), eta, steps=2)[2], "=", [1 - eta**2, 2 * eta])

# %%
# Left, the orbits. Right, the largest modulus of an eigenvalue: below 1 a rule converges. Shorter steps spiral out more
# slowly, but they do spiral out.

figure, (plane, rates) = plt.subplots(1, 2, figsize=(10.5, 4.8), layout="constrained")
h = np.linspace(0.005, 1.1, 220)
for name, (game, colour, style) in GAMES.items():
    orbit = bilinear.trajectory(game, eta, steps=steps if name != "simultaneous" else 14)
    plane.plot(*orbit.T, color=colour, ls=style, lw=1, marker=".", ms=4, label=name)
    rates.plot(h, [bilinear.modulus(game, s) for s in h], color=colour, ls=style, lw=2)
plane.plot(0, 0, "k*", ms=11, label="equilibrium")
plane.set(
    xlabel="x, of the generator",
    ylabel="y, of the critic",
    aspect="equal",
    title=rf"Orbits from (1, 0), $\eta$ = {eta}",
)
rates.axhline(1, color="0.6", lw=1, zorder=0)
rates.axvline(eta, color="0.6", lw=1, zorder=0)
rates.set(xlabel=r"learning rate $\eta$", ylabel="largest modulus of an eigenvalue", ylim=(0.65, 1.5), xlim=(0, 1.1))
rates.set_title("Below 1 a rule converges")
figure.legend(*plane.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
for axis in (plane, rates):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()
