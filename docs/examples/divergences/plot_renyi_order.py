r"""
Rényi divergence as a function of its order
===========================================

The Rényi divergence of order :math:`a` is

.. math:: R_a(P\|Q) = \frac{1}{a - 1} \log \sum_x p(x)^a\, q(x)^{1-a} ,

continued to the orders 0, 1 and :math:`\infty` by limits (Rényi 1961). It never decreases in the order (van Erven and
Harremoës 2014, theorem 3), and one curve joins divergences that have names of their own.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# Three pairs. In the first both have full support. In the second P misses an outcome of Q: then
# :math:`R_0 = -\log Q(p > 0)` is positive. In the third Q misses an outcome of P: from order 1 on the divergence is infinite.
# The axis shows :math:`a/(1+a)`, so that all orders have room.

pairs = {
    "full support": ([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], BLUE, "-"),
    "p = 0 < q at one outcome": ([0.6, 0.4, 0.0], [0.3, 0.3, 0.4], GREEN, "--"),
    "q = 0 < p at one outcome": ([0.5, 0.4, 0.1], [0.4, 0.6, 0.0], VERMILION, "-."),
}
share = np.linspace(0, 1, 201)
orders = np.append(share[:-1] / (1 - share[:-1]), np.inf)

figure, axis = plt.subplots(figsize=(8, 4.8), layout="constrained")
for words, (p, q, colour, dashes) in pairs.items():
    value = np.array([float(dv.renyi(a)(p, q)) for a in orders])
    axis.plot(share, np.where(np.isfinite(value), value, np.nan), color=colour, ls=dashes, lw=2.4, label=words)

p, q, *_ = pairs["full support"]
NAMED = {
    r"$-\log Q(p > 0)$": (0.0, 0.0),
    "2 bhattacharyya": (0.5, 2 * dv.bhattacharyya(p, q)),
    "kl": (1.0, dv.kl(p, q)),
    r"$\log(1 + \chi^2)$": (2.0, np.log1p(dv.pearson_chi2(p, q))),
    r"$\log\,\max\, p/q$": (np.inf, np.log(np.max(np.divide(p, q)))),
}
for words, (a, value) in NAMED.items():
    place = 1.0 if np.isinf(a) else a / (1 + a)
    axis.plot(place, value, "o", color=BLUE, mec="white", ms=9, zorder=5)
    side = (-8, 6) if a > 0 else (10, -14)
    axis.annotate(words, (place, value), side, textcoords="offset points", ha="right" if a > 0 else "left", color=BLUE)
axis.annotate(r"infinite for $a \geq 1$", (0.5, 1.05), (8, 0), textcoords="offset points", color=VERMILION, va="center")
axis.axvline(0.5, color=VERMILION, lw=0.8, ls=":")
ticks = np.array([0, 0.25, 0.5, 1, 2, 4, np.inf])
axis.set_xticks(
    [1.0 if np.isinf(a) else a / (1 + a) for a in ticks], [r"$\infty$" if np.isinf(a) else f"{a:g}" for a in ticks]
)
axis.set(xlabel="order $a$, spaced as $a/(1+a)$", ylabel="$R_a(P\\|Q)$, nats", ylim=(-0.09, 1.15), xlim=(-0.01, 1.02))
axis.legend(loc="upper left", frameon=False)
axis.set_title("One curve through five named values")
axis.spines[["top", "right"]].set_visible(False)

# %%
# At the named orders the two ways agree to the last digits.

for a, value in NAMED.values():
    print(f"order {a:4g}: renyi {float(dv.renyi(a)(p, q)):.15f}   by name {float(value):.15f}")
