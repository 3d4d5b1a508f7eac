r"""
Hours of the day: the circle and the line
=========================================

On the line the optimal plan keeps the order of the points, and

.. math:: W_1 = \int |F(x) - G(x)|\,dx .

On a circle mass may go round either way. Then :math:`W_1 = \min_c \int |F - G - c|` over one turn, where the constant c is the
mass that crosses midnight; the best c is a median of :math:`F - G` (Rabin, Delon and Gousseau 2011). Hours, angles and
phases belong on the circle: 23 h is close to 1 h.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

BLUE, VERMILION = "#0072B2", "#D55E00"

# %%
# Arrivals at night, centred at 22 h, have to be turned into arrivals that are two and a half hours later.

rng = np.random.default_rng(5)
early = np.sort((22.0 + 1.2 * rng.standard_normal(14)) % 24)
late = np.sort((24.5 + 1.2 * rng.standard_normal(14)) % 24)
line = dv.wasserstein(early, late)
circle = dv.wasserstein_circle(early, late, period=24)
print(f"line   {line.value:.4f} hours, circle {circle.value:.4f} hours")
print(circle.bounds)

# %%
# Each arc is a pair of the plan. The line drags arrivals through the whole day.

figure, axes = plt.subplots(1, 2, figsize=(9, 4.9), layout="constrained", subplot_kw={"projection": "polar"})
words = (f"Line: $W_1 = {line.value:.2f}$ hours", f"Circle: $W_1 = {circle.value:.2f}$ hours")
for axis, plan, title in zip(axes, (line.plan, circle.plan), words, strict=True):
    for k, (i, j) in enumerate(zip(*plan.coords, strict=True)):
        way = late[j] - early[i]
        if plan is circle.plan:
            way = (way + 12) % 24 - 12
        hours = early[i] + way * np.linspace(0, 1, 200)
        axis.plot(hours * np.pi / 12, np.linspace(0.78, 0.78, 200) - 0.03 * k, color="0.55", lw=1.4)
        axis.plot([early[i] * np.pi / 12] * 2, [0.78 - 0.03 * k, 1.0], color=BLUE, lw=0.5, alpha=0.5)
        axis.plot(late[j] * np.pi / 12, 0.78 - 0.03 * k, ">", color=VERMILION, ms=3)
    axis.plot(early * np.pi / 12, np.full(14, 1.0), "o", color=BLUE, ms=7, label="early")
    axis.plot(late * np.pi / 12, np.full(14, 0.88), "s", color=VERMILION, ms=6, label="late")
    axis.set_theta_zero_location("N")
    axis.set_theta_direction(-1)
    axis.set_xticks(np.arange(0, 24, 3) * np.pi / 12, [f"{h} h" for h in range(0, 24, 3)])
    axis.set(yticks=[], ylim=(0, 1.08), title=title)
    axis.grid(alpha=0.3)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
