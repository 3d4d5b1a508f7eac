r"""
On the line, W1 is an area
==========================

On the line the monotone plan is optimal for every convex cost: it couples quantiles at the same level. Therefore

.. math:: W_p^p = \int_0^1 |F^{-1}(u) - G^{-1}(u)|^p\,du , \qquad W_1 = \int_{-\infty}^{\infty} |F(x) - G(x)|\,dx

(Vallender 1974; Santambrogio 2015, section 2.1). For p = 1 both are the area between the graphs of the two distribution
functions: the first cuts it into horizontal strips, each as long as the way of a bit of mass, the second into vertical
ones.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.families import Gamma, Mixture, Normal

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# Two distributions given as such. Where the graphs cross, mass changes its
# direction. The distance comes with bounds, and with the optimal map :math:`G^{-1} \circ F`.

P = Mixture([Normal(0.5, 0.5), Normal(5.5, 0.7)], [0.6, 0.4])
Q = Gamma(3.0, 1.0)
transport = dv.wasserstein(P, Q)
print(transport.bounds)

x = np.linspace(-1.5, 9.5, 1200)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
left.fill_between(x, P.cdf(x), Q.cdf(x), color="0.88", lw=0)
left.plot(x, P.cdf(x), color=BLUE, lw=2.4, label="F, of P")
left.plot(x, Q.cdf(x), color=VERMILION, lw=2.4, ls="--", label="G, of Q")
for u in np.linspace(0.1, 0.9, 9):
    ends = float(P.quantile(np.asarray(u))), float(Q.quantile(np.asarray(u)))
    left.annotate("", (ends[1], u), (ends[0], u), arrowprops={"arrowstyle": "->", "color": "0.35", "lw": 1})
left.set(
    xlabel="x", ylabel="distribution function", title=f"The area is $W_1$ = {transport.value:.4f}", xlim=(-1.5, 9.5)
)
left.legend(loc="lower right", frameon=False)
inside = np.linspace(-0.8, 7.5, 400)
right.plot(inside, transport.map(inside), color=GREEN, lw=2.4, label="$T = G^{-1} \\circ F$")
right.plot(inside, inside, color="0.5", lw=1, ls=":", label="staying where it is")
right.set(xlabel="from x", ylabel="to T(x)", title="The optimal map")
right.legend(loc="upper left", frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)

# %%
# The distance of samples is the same integral of their step functions. With more points it comes closer to the
# distance of the distributions.

rng = np.random.default_rng(1)
for n in (10**2, 10**4, 10**6):
    print(f"{n:8d} points each: {dv.wasserstein(P.sample(n, rng), Q.sample(n, rng)).value:.4f}")
