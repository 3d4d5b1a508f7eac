r"""
Eight f-divergences side by side
================================

For a convex function :math:`f` with :math:`f(1) = 0`,

.. math:: D_f(P\|Q) = \sum_x q(x)\, f\Bigl(\frac{p(x)}{q(x)}\Bigr) \ge 0

by Jensen's inequality (Csiszár 1967; Ali and Silvey 1966). A multiple of :math:`u - 1` may be added to :math:`f` without
changing any value, because :math:`\sum q\,(p/q - 1) = 0`. Once its tangent at 1 is subtracted, a smooth :math:`f` is
:math:`\tfrac12 f''(1)(u-1)^2` near :math:`u = 1`. So all smooth divergences agree on pairs that are close, up to a factor.
They differ in what they charge for ratios near 0 and near infinity.

The second picture shows this price for each unit of mass :math:`p + q`, over the logarithm of :math:`u`. Exchanging P and Q
mirrors it. A divergence is symmetric if its curve is, and bounded if its curve has finite ends.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv

STYLES = {
    dv.kl: ("#0072B2", "-"),
    dv.reverse_kl: ("#D55E00", "-"),
    dv.jeffreys: ("#000000", "--"),
    dv.js: ("#009E73", "-"),
    dv.squared_hellinger: ("#CC79A7", "-"),
    dv.pearson_chi2: ("#0072B2", ":"),
    dv.neyman_chi2: ("#D55E00", ":"),
    dv.tv: ("#E69F00", "-."),
}

# %%
# Subtract the tangent at 1 and divide by the curvature there. Total variation has a kink at 1 instead of a curvature; it
# is drawn as it is.


def normal_form(d, u):
    """The term of one outcome per unit of p + q, without the tangent at 1 and in units of the curvature there."""
    if d is dv.tv:
        return d.f(u) / (1 + u)
    return (d.f(u) - d.subgradient(1.0)[0] * (u - 1)) / d.second_derivative(1.0) / (1 + u)


u = np.geomspace(1e-3, 1e3, 1201)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for d, (colour, dashes) in STYLES.items():
    left.plot(u, d.f(u), color=colour, ls=dashes, lw=2, label=d.name)
    right.plot(u, normal_form(d, u), color=colour, ls=dashes, lw=2)
left.set(xlim=(0, 4), ylim=(-1, 3), xlabel="ratio $u = p/q$", ylabel="$f(u)$", title="As declared")
right.set(
    xscale="log",
    xlim=(1e-3, 1e3),
    ylim=(0, 2.5),
    xlabel="ratio $u = p/q$, logarithmic",
    ylabel="price, in units of the curvature",
    title="Price of a unit of mass $p + q$",
)
for axis in (left, right):
    axis.axvline(1, color="0.6", lw=0.8, zorder=0)
    axis.spines[["top", "right"]].set_visible(False)
left.axhline(0, color="0.6", lw=0.8, zorder=0)
figure.legend(loc="outside lower center", ncols=4, frameon=False)

# %%
# The price of the two ends is :math:`f(0)` (mass of Q where P has none) and :math:`f'(\infty)` (mass of P where Q has
# none). Their sum is the largest value that the divergence can have.

print(f"{'':18s} {'f(0)':>8s} {'slope':>8s} {'largest':>8s}")
for d in STYLES:
    print(f"{d.name:18s} {float(d.f0):8.4f} {float(d.slope):8.4f} {d.range.upper:8.4f}")
