r"""
Thousands of points, and still a proof
======================================

Two samples of n points each make a linear program of :math:`n^2` unknowns. By complementary slackness only a few pairs
matter. ``wasserstein`` finds them, keeps its memory linear in n where n is large, and proves its answer: the upper bound is the cost of a plan
with exactly the marginals asked for, the lower one the dual value of potentials that are feasible on *all* pairs.

The samples come from two normal distributions in the plane, whose :math:`W_2` is known. The exact distance of samples is not
that of the distributions: its difference is an error of sampling, which no solver can remove. The gap of the bounds is
what the solver leaves open, and it is at the level of rounding.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.families import MultivariateNormal

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# The truth for the distributions, by the formula for normals.

means = np.array([[0.0, 0.0], [1.0, 0.5]])
covariances = np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.6, -0.4], [-0.4, 1.2]]])
P, Q = (MultivariateNormal(m, s) for m, s in zip(means, covariances, strict=True))
truth = dv.wasserstein(P, Q, p=2).value

# %%
# The times are those of the machine that made this page, on one core.

rng = np.random.default_rng(0)
dv.wasserstein(np.eye(2), 2 * np.eye(2))  # loads the solver, which takes seconds once
sizes = (125, 250, 500, 1000, 2000, 4000)
found, seconds = [], []
for n in sizes:
    x, y = (rng.multivariate_normal(m, s, n) for m, s in zip(means, covariances, strict=True))
    start = time.perf_counter()
    found.append(dv.wasserstein(x, y, p=2))
    seconds.append(time.perf_counter() - start)
    b = found[-1].bounds
    print(f"n = {n:5d}: {b.lower:.15f} <= W2 <= {b.upper:.15f}   {seconds[-1]:6.2f} s   {found[-1].method}")

# %%
# Two errors, more than ten decades apart.

sampling = [abs(t.value - truth) / truth for t in found]
gap = [max(t.bounds.relative_gap, 1e-17) for t in found]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.loglog(sizes, sampling, "o-", color=VERMILION, lw=2, label="sample against distribution")
left.loglog(sizes, gap, "s-", color=BLUE, lw=2, label="gap of the proven bounds")
left.set(xlabel="points of each sample, n", ylabel="relative to $W_2$", ylim=(1e-18, 1e1), title="Two kinds of error")
left.legend(frameon=False, loc="center right")
right.loglog(sizes, seconds, "o-", color=GREEN, lw=2)
right.set(xlabel="points of each sample, n", ylabel="seconds", title="Time to value, plan and proof")
for axis in (left, right):
    axis.set_xticks(sizes, [str(n) for n in sizes])
    axis.minorticks_off()
    axis.spines[["top", "right"]].set_visible(False)
