r"""
What float arithmetic does to a small divergence
================================================

Let P and Q differ by a relative amount of about :math:`\varepsilon`. Then :math:`KL(P\|Q)` is of order
:math:`\varepsilon^2`, but the terms of

.. math:: \sum_x p(x) \log\frac{p(x)}{q(x)}

are of order :math:`\varepsilon`, of both signs, and each has a rounding error of about :math:`10^{-16}`. The sum cancels, and
once :math:`\varepsilon^2 \lesssim 10^{-16}` nothing is left of it. The masses, too, are 1 only up to rounding, which
adds an error of the first order. The cure is to sum terms that cannot cancel,
:math:`q\,g(p/q)` with :math:`g(u) = u \log u - (u - 1) \ge 0`, evaluated without cancellation near :math:`u = 1`, with the error
of the masses taken out.
"""

import matplotlib.pyplot as plt
import mpmath
import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

import divergences as dv

# %%
# The truth is the divergence of the exactly normalised vectors, from the definition with 50 digits.


def truth(p, q):
    """KL and Jensen-Shannon divergence with 50 digits."""
    with mpmath.workdps(50):
        p, q = ([mpmath.mpf(float(x)) for x in side] for side in (p, q))
        p, q = ([x / mpmath.fsum(side) for x in side] for side in (p, q))
        kl = mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(p, q, strict=True))
        halves = [
            mpmath.fsum(a * mpmath.log(2 * a / (a + b)) for a, b in pair)
            for pair in (zip(p, q, strict=True), zip(q, p, strict=True))
        ]
        return float(kl), float(mpmath.fsum(halves) / 2)


FORMULAS = {
    "KL": {
        "sum of p log(p/q)": (lambda p, q: np.sum(p * np.log(p / q)), "#D55E00", "s", ":"),
        "scipy.stats.entropy": (entropy, "#E69F00", "^", "--"),
        "dv.kl": (dv.kl, "#0072B2", "o", "-"),
    },
    "Jensen-Shannon": {
        "entropies, H(M) - (H(P) + H(Q))/2": (
            lambda p, q: entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2,
            "#D55E00",
            "s",
            ":",
        ),
        "scipy's jensenshannon squared": (lambda p, q: jensenshannon(p, q) ** 2, "#E69F00", "^", "--"),
        "dv.js": (dv.js, "#0072B2", "o", "-"),
    },
}

# %%
# Vectors of 200 probabilities. A relative error of 1 means that no digit is right; more than that can be a
# negative value. NaN, the root of a negative number, is drawn at 1, and an error of exactly 0 at :math:`10^{-17}`.

rng = np.random.default_rng(0)
closeness = np.geomspace(1e-14, 1, 29)
q = rng.dirichlet(np.full(200, 2.0))
direction = rng.standard_normal(200)
pairs = []
for size in closeness:
    p = q * np.exp(size * direction)
    pairs.append((p / p.sum(), q))
exact = np.array([truth(*pair) for pair in pairs])

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharey=True)
for k, (axis, (title, formulas)) in enumerate(zip(axes, FORMULAS.items(), strict=True)):
    for name, (formula, colour, marker, dashes) in formulas.items():
        with np.errstate(invalid="ignore"):
            value = np.array([float(formula(*pair)) for pair in pairs])
        error = np.nan_to_num(np.abs(value / exact[:, k] - 1), nan=1.0)
        axis.loglog(closeness, np.maximum(error, 1e-17), color=colour, marker=marker, ls=dashes, ms=5, label=name)
    axis.axhline(1, color="0.5", lw=0.8)
    axis.annotate("no digit is right", (1, 1), (-2, 4), textcoords="offset points", ha="right", color="0.3")
    axis.set(xlabel=r"closeness $\varepsilon$ of p and q", title=title, ylim=(3e-18, 1e18))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper right", frameon=True, framealpha=1, edgecolor="0.8")
axes[0].set_ylabel("relative error")

# %%
# One pair in numbers.

p, q = pairs[8]
print(f"closeness {closeness[8]:.0e}: truth {exact[8, 0]:.16e}, dv.kl {float(dv.kl(p, q)):.16e}")
print(f"sum of p log(p/q) {np.sum(p * np.log(p / q)):.16e}")
