r"""
The joint range: Pinsker's inequality and the sharp bound
=========================================================

What does the total variation of a pair say about its KL divergence? The pairs of values

.. math:: \bigl(TV(P,Q),\ KL(P\|Q)\bigr)

of all distributions P and Q fill a convex region, the joint range. It is the convex hull of the values of
pairs on two outcomes (Harremoës and Vajda 2011). Pinsker's inequality :math:`KL \ge 2\,TV^2` is a curve
below. The lower boundary of the region is the best inequality there can be.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"

# %%
# Random pairs on two to four outcomes fall into the region. Dirichlet parameters below 1 take them to its corners.

rng = np.random.default_rng(7)
pairs = [rng.dirichlet(np.full(n, a), size=(2, 600)) for n in (2, 3, 4) for a in (0.15, 0.5, 1.5)]


def values(d):
    """A divergence of all pairs."""
    return np.concatenate([d(p, q) for p, q in pairs])


figure, axis = plt.subplots(figsize=(6.6, 4.5), layout="constrained")
sharp = dv.joint_range(dv.kl, dv.tv, points=41)
axis.fill_between(sharp.values, np.minimum(sharp.lower, 9), 9, color=BLUE, alpha=0.12, lw=0, label="joint range")
axis.plot(values(dv.tv), values(dv.kl), ".", color="0.45", ms=2.5, label="random pairs")
axis.plot(sharp.values, sharp.lower, color=BLACK, lw=2.4, label="sharp bound")
axis.plot(sharp.values, 2 * sharp.values**2, color=VERMILION, lw=2, ls="--", label="Pinsker, $2\\,TV^2$")
axis.set(xlabel="total variation", ylabel="KL divergence, nats", xlim=(0, 1), ylim=(0, 4), title="KL: no upper bound")
axis.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="0.8")
axis.spines[["top", "right"]].set_visible(False)

# %%
# The squared Hellinger divergence is bounded on both sides. Both boundaries are known, by Le Cam's inequalities
# :math:`2 - 2\sqrt{1 - TV^2} \le H^2 \le 2\,TV`. They are sharp: the computed boundary lies on them.

figure, axis = plt.subplots(figsize=(6.6, 4.5), layout="constrained")
region = dv.joint_range(dv.squared_hellinger, dv.tv, points=41)
axis.fill_between(region.values, region.lower, region.upper, color=BLUE, alpha=0.12, lw=0, label="joint range")
axis.plot(values(dv.tv), values(dv.squared_hellinger), ".", color="0.45", ms=2.5)
axis.plot(region.values, region.lower, color=BLACK, lw=2.4)
axis.plot(region.values, region.upper, color=BLACK, lw=2.4)
tv = np.linspace(0, 1, 200)
axis.plot(tv, 2 - 2 * np.sqrt(1 - tv**2), color=VERMILION, lw=2, ls="--", label="Le Cam, both sides")
axis.plot(tv, 2 * tv, color=VERMILION, lw=2, ls="--")
axis.set(xlabel="total variation", ylabel="squared Hellinger divergence", xlim=(0, 1), ylim=(0, 2))
axis.set_title("Squared Hellinger: bounded on both sides")
axis.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="0.8")
axis.spines[["top", "right"]].set_visible(False)

# %%
# One value of the curve, with the pair of distributions that attains it.

known = dv.bound(dv.kl, given=dv.tv, value=0.5)
print(f"TV = 0.5: KL is at least {known.lower:.10f}; Pinsker says {2 * 0.5**2:.1f}")
print(f"attained by P = {known.smallest.p.round(6).tolist()}, Q = {known.smallest.q.round(6).tolist()}")
