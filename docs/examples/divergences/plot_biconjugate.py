r"""
The biconjugate is the convex hull
==================================

Conjugating twice gives

.. math:: f^{**}(u) = \sup_t\, \bigl(u t - f^*(t)\bigr) ,

the largest closed convex function below :math:`f`. If :math:`f` is convex and closed then :math:`f^{**} = f` (Fenchel-Moreau;
Rockafellar 1970, theorem 12.2). If it is not, :math:`f^{**}` replaces every stretch that is not convex by a chord. The
conjugate does not see the difference, :math:`f^* = (f^{**})^*`. It shows it as a kink: the slope of the chord, where
the best :math:`u` jumps from one end of the chord to the other.
"""

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.conjugates import biconjugate, convex_hull

BLUE, VERMILION = "#0072B2", "#D55E00"


def wavy(u):
    """A function of ratios that is not convex: (u - 1)^2 with two waves on it."""
    return 0.25 * (u - 1) ** 2 + 0.5 * np.cos(3 * (u - 1)) - 0.5


# %%
# ``convex_hull`` finds :math:`f^{**}` from the points of the graph. ``biconjugate`` takes the two suprema. The conjugate is
# the highest of all lines :math:`ut - f(u)`.

u = np.linspace(0, 4.6, 1841)
t = np.linspace(-1.5, 3.5, 2001)
hull = convex_hull(wavy, u)
conjugate = np.max(np.outer(t, u) - wavy(u), axis=1)
best = u[np.argmax(np.outer(t, u) - wavy(u), axis=1)]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.3), layout="constrained")
left.plot(u, wavy(u), color="0.55", lw=2, label="$f$")
left.plot(u, np.where(hull.touching, np.nan, hull.values), color=VERMILION, lw=3, label="$f^{**}$, a chord")
left.plot(u, np.where(hull.touching, hull.values, np.nan), color=BLUE, lw=3, label="$f^{**} = f$")
left.set(xlabel="$u$", ylabel="$f(u)$", title="A function and its convex hull")
left.legend(loc="upper center", frameon=False)
right.plot(t, conjugate, color="black", lw=2.4, label="$f^*(t)$")
jumps = np.flatnonzero(np.diff(best) > 0.5)
right.plot(t[jumps], conjugate[jumps], "o", color=VERMILION, ms=9, label="kink: the slope of a chord")
twin = right.twinx()
twin.plot(t, np.where(np.gradient(best) > 0.2, np.nan, best), color=BLUE, lw=2, ls="--")
twin.set_ylabel("the best $u$, dashed", color=BLUE)
twin.spines["top"].set_visible(False)
right.plot([], [], color=BLUE, lw=2, ls="--", label="the $u$ that attains it")
right.set(xlabel="$t$", ylabel="$f^*(t)$", title="Its conjugate", xlim=(-1.5, 2), ylim=(0.5, 7))
twin.set_ylim(-0.3, 5)
right.legend(loc="upper left", frameon=False)
for axis in (left, right):
    axis.spines["top"].set_visible(False)
left.spines["right"].set_visible(False)

# %%
# Both roads give one hull, up to the distance of the slopes. (Here :math:`f^{**}(1) < 0 = f(1)`: the hull of such a
# function need not vanish at 1.) For a convex :math:`f`, as that of Jensen-Shannon, nothing changes.

print(f"hull and double supremum differ by {np.max(hull.values - biconjugate(wavy, u, t=t)):.1e} at most")
print(f"js: f** differs from f by {np.max(np.abs(convex_hull(dv.js.f, u).values - dv.js.f(u))):.1e} at most")
