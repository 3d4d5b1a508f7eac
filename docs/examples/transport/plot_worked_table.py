r"""
A plan is a matrix: two optimal ones
====================================

A transport plan of masses :math:`a` at points x to masses :math:`b` at points y is a matrix :math:`\gamma \ge 0` with row sums
:math:`a` and column sums :math:`b`. Its cost is :math:`\sum_{ij} \gamma_{ij} |x_i - y_j|`, and the earth mover's distance is
the least cost, a linear program (Kantorovich 1942). The value is unique, the plan need not be.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.plot import plan_arrows, plan_matrix

# %%
# Masses 3, 1, 2 at 1, 2, 3 go to masses 1, 1, 2, 2 at 7, 8, 9, 10. The solver returns a plan with its certificate: the
# lower bound is the dual value of feasible potentials, the upper one the cost of the plan.

x, y = np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0, 9.0, 10.0])
a, b = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, 2.0])
cost = np.abs(x[:, None] - y)
solved = dv.emd(a, b, cost)
print(solved.bounds)

# %%
# Here are two plans from a lecture. Both have the right marginals, and both cost 42: each is optimal, and so is every
# mixture of them. On the line all plans that move everything to the right cost the same,
# :math:`\sum_j b_j y_j - \sum_i a_i x_i`.

plans = [
    np.array([[1.0, 0, 0, 2], [0, 1, 0, 0], [0, 0, 2, 0]]),
    np.array([[1.0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1]]),
]
for plan in plans:
    fits = np.array_equal(plan.sum(1), a) and np.array_equal(plan.sum(0), b)
    print(f"marginals fit: {fits}, cost {np.sum(plan * cost):g}, per unit of mass {np.sum(plan * cost) / a.sum():g}")

figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained", height_ratios=(1, 1.5))
for (top, bottom), plan, words in zip(axes.T, plans, ("One optimal plan", "Another"), strict=True):
    # one scale of colours and of widths for both, up to the largest mass of all
    plan_matrix(plan, x, y, heaviest=2, ax=top).set_title(words)
    plan_arrows(plan, x, y, heaviest=2, ax=bottom)
