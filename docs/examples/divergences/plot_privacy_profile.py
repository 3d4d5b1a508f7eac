r"""
Hockey-stick divergences are privacy profiles
=============================================

A mechanism is :math:`(\varepsilon, \delta)`-differentially private if
:math:`P(A) \le e^{\varepsilon} Q(A) + \delta` for all events A, where P and Q are its outputs on two neighbouring data sets.
The least such :math:`\delta` is a divergence, with :math:`\gamma = e^\varepsilon` (Barthe and Olmedo 2013),

.. math:: \delta(\varepsilon) = E_\gamma(P\|Q) = \sum_x \bigl(p(x) - \gamma\, q(x)\bigr)_+ ,

attained by :math:`A = \{p > \gamma q\}`. It is the total variation at :math:`\varepsilon = 0` and decreases with
:math:`\varepsilon`. (For pairs that are not symmetric one takes the larger of the two directions; these are.)
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binom, norm

import divergences as dv
from divergences.families import Laplace, Normal

# %%
# Noise added to a number that changes by 1 between neighbours. Laplace noise of scale 1 is
# :math:`(1, 0)`-private, and its profile ends there. Gaussian noise has a :math:`\delta` for each :math:`\varepsilon`; the dots
# are the closed formula of Balle and Wang (2018, theorem 8).

figure, axis = plt.subplots(figsize=(6.6, 4.3), layout="constrained")
epsilon = np.linspace(0, 3, 25)
noises = {
    "Laplace, scale 1": (Laplace(0.0, 1.0), Laplace(1.0, 1.0), "#D55E00", "--"),
    "Gaussian, sd 1": (Normal(0.0, 1.0), Normal(1.0, 1.0), "#0072B2", "-"),
    "Gaussian, sd 2": (Normal(0.0, 2.0), Normal(1.0, 2.0), "#009E73", "-."),
}
for words, (P, Q, colour, dashes) in noises.items():
    delta = [float(dv.hockey_stick(np.exp(e))(P, Q)) for e in epsilon]
    axis.plot(epsilon, delta, color=colour, ls=dashes, lw=2.4, label=words)
for scale, colour in ((1.0, "#0072B2"), (2.0, "#009E73")):
    shift = 0.5 / scale
    formula = norm.cdf(shift - epsilon * scale) - np.exp(epsilon) * norm.cdf(-shift - epsilon * scale)
    axis.plot(epsilon[::3], formula[::3], "o", color=colour, mec="white", ms=7)
axis.set(xlabel=r"$\varepsilon$", ylabel=r"$\delta(\varepsilon)$", ylim=(0, 0.42), title="Noise on a number")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)

# %%
# Randomised response, which tells the truth with probability 0.55, asked k times. All that matters is how
# often the answer is yes, so P and Q are binomial and :math:`\delta` is exact. Adding up gives
# :math:`\varepsilon = k \ln(0.55/0.45)` for :math:`\delta = 0`; the profile says how much less is true for a small :math:`\delta`.

epsilon = np.linspace(0, 8, 161)
figure, axis = plt.subplots(figsize=(6.6, 4.3), layout="constrained")
for k, colour, dashes in ((4, "#E69F00", ":"), (16, "#56B4E9", "--"), (64, "#0072B2", "-"), (256, "#000000", "-.")):
    count = np.arange(k + 1)
    p, q = binom.pmf(count, k, 0.55), binom.pmf(count, k, 0.45)
    delta = np.array([float(dv.hockey_stick(np.exp(e))(p, q, normalize=True)) for e in epsilon])
    label = f"k = {k}, adding up {k * np.log(0.55 / 0.45):.1f}"
    axis.semilogy(epsilon, np.where(delta > 1e-10, delta, np.nan), color=colour, ls=dashes, lw=2.4, label=label)
axis.set(xlabel=r"$\varepsilon$", ylabel=r"$\delta(\varepsilon)$", ylim=(1e-10, 2), xlim=(0, 8))
axis.set_title("Randomised response, k times")
axis.legend(frameon=False, loc="lower right")
axis.spines[["top", "right"]].set_visible(False)
