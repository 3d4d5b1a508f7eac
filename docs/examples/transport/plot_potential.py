r"""
The Kantorovich potential and its gradient
==========================================

The Wasserstein distance is also a supremum over 1-Lipschitz functions (Kantorovich and Rubinstein 1958; Villani 2009,
remark 6.5),

.. math:: W_1(P, Q) = \sup_{|f(z) - f(w)| \le \|z - w\|} \mathbb E_P f - \mathbb E_Q f .

If :math:`f^*` is optimal and the plan moves mass from x to y, then :math:`f^*(x) - f^*(y) = \|x - y\|`. So :math:`f^*` falls at
full slope along the whole segment: at :math:`x_t = (1-t)x + ty` its gradient is :math:`(x - y)/\|x - y\|`, of norm 1
(Gulrajani et al. 2017, proposition 1). This is what a critic with gradient penalty is trained towards.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.plot import potential_surface

BLUE, VERMILION = "#0072B2", "#D55E00"

# %%
# Both programs are solved: the plan gives an upper bound, the potential a lower one. There is no gap but rounding. Over
# K-Lipschitz functions the supremum is :math:`K\,W_1`.

rng = np.random.default_rng(11)
x = rng.normal((-1.2, 0.3), (0.6, 1.2), (14, 2))
y = rng.normal((1.4, 0.0), (0.7, 1.2), (14, 2))
dual = dv.kantorovich(x, y)
print(f"primal {dual.transport.bounds}")
print(f"dual   {dual.bounds}")
print(f"3-Lipschitz functions: {dv.kantorovich(x, y, lipschitz=3).value / dual.value:.12f} times as much")

# %%
# The level sets of the potential cross the coupled segments at right angles; the arrows are its gradient.

figure = potential_surface(dual, x, y).get_figure()
figure.suptitle("Level sets and gradient of the potential")

# %%
# Along each segment the potential falls at full slope, and its gradient is the unit vector from y to x. Over all pairs of
# points the drop is at most the distance, :math:`f(x_i) - f(y_j) \le \|x_i - y_j\|`; the plan uses only pairs where the two are
# equal (complementary slackness).

i, j = dual.transport.plan.coords
share = np.linspace(0.02, 0.98, 49)[:, None]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
errors = []
for start, end in zip(x[i], y[j], strict=True):
    points = (1 - share) * start + share * end
    unit = (start - end) / np.linalg.norm(start - end)
    drop = dual.potential([start]) - dual.potential(points)
    left.plot(np.linalg.norm(points - start, axis=1), drop, color=BLUE, lw=1.4)
    errors.append(np.abs(dual.potential.gradient(points) - unit).max())
left.set(xlabel="distance from x along the segment", ylabel="drop of the potential since x")
left.set_title("Full slope on coupled segments")
for start, end in zip(x[rng.permutation(14)], y[rng.permutation(14)], strict=True):
    points = (1 - share) * start + share * end
    drop = dual.potential([start]) - dual.potential(points)
    left.plot(np.linalg.norm(points - start, axis=1), drop, color="0.6", lw=0.9, zorder=1)
left.plot([], [], color=BLUE, lw=1.4, label="pairs in the plan")
left.plot([], [], color="0.6", lw=0.9, label="other pairs")
left.legend(loc="upper left", frameon=False)
f, g = dual.values
drops, distances = f[:, None] - g, np.linalg.norm(x[:, None] - y, axis=-1)
right.plot(distances, drops, "o", color="0.6", ms=4)
right.plot(distances[i, j], drops[i, j], "s", color=VERMILION, ms=7, label="pairs in the plan")
right.plot([], [], "o", color="0.6", ms=4, label="all other pairs")
right.axline((0, 0), slope=1, color="black", lw=1, zorder=0)
right.set(xlabel=r"distance $\|x_i - y_j\|$", ylabel="drop $f(x_i) - f(y_j)$", title="No drop is above the distance")
right.legend(loc="upper left", frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
print(f"largest error of the gradient along the segments: {max(errors):.0e}")
