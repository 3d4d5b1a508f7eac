r"""
The straight way between two Gaussians
======================================

Between normal distributions the optimal map for squared distances is affine, :math:`T(x) = m_2 + A(x - m_1)`, and

.. math:: W_2^2 = \|m_1 - m_2\|^2 + \operatorname{tr}\bigl(S_1 + S_2 - 2 (S_1^{1/2} S_2 S_1^{1/2})^{1/2}\bigr)

(Dowson and Landau 1982). Moving each point along its straight way, :math:`x \mapsto (1-t)x + t\,T(x)`, gives a path of normal
distributions, the geodesic (McCann 1997): :math:`W_2(P_0, P_t) = t\, W_2(P_0, P_1)`. Averaging the parameters instead gives
another path. It is longer, its speed is not constant, and its covariances swell on the way.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import divergences as dv
from divergences.families import MultivariateNormal

BLUE, VERMILION = "#0072B2", "#D55E00"

# %%
# The matrix A can be read off the map: it is what the map does to the unit vectors.

means = np.array([[0.0, 0.0], [6.0, 1.5]])
covariances = np.array([[[0.15, 0.0], [0.0, 2.5]], [[2.2, 0.5], [0.5, 0.25]]])
P, Q = (MultivariateNormal(m, s) for m, s in zip(means, covariances, strict=True))
transport = dv.wasserstein(P, Q, p=2)
A = (transport.map(np.eye(2)) - transport.map(np.zeros((1, 2)))).T
print(transport.bounds)


def geodesic(t):
    """Mean and covariance on the geodesic."""
    B = (1 - t) * np.eye(2) + t * A
    return (1 - t) * means[0] + t * means[1], B @ covariances[0] @ B.T


def average(t):
    """Mean and covariance, averaged."""
    return (1 - t) * means[0] + t * means[1], (1 - t) * covariances[0] + t * covariances[1]


# %%
# Ellipses of one standard deviation. On the geodesic they turn and keep slim; averaged covariances are round in the middle.

circle = np.stack([np.cos(angle := np.linspace(0, 2 * np.pi, 200)), np.sin(angle)])
shares = np.linspace(0, 1, 9)
shades = plt.get_cmap("cividis")(shares * 0.9)
figure, axes = plt.subplots(2, 1, figsize=(7.5, 6.4), layout="constrained", sharex=True, sharey=True)
for axis, path, words in zip(axes, (geodesic, average), ("Geodesic of $W_2$", "Averaged parameters"), strict=True):
    for t, shade in zip(shares, shades, strict=True):
        mean, covariance = path(t)
        outline = mean[:, None] + np.linalg.cholesky(covariance) @ circle
        axis.plot(*outline, color=shade, lw=3 if t in (0, 1) else 1.6)
        axis.plot(*mean, ".", color=shade)
    axis.set(aspect="equal", ylabel="$x_2$", title=words)
    axis.spines[["top", "right"]].set_visible(False)
axes[1].set_xlabel("$x_1$")

# %%
# Measured on either path: the speed, from the distances of neighbours on it, and the area of the ellipse.

shares = np.linspace(0, 1, 41)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for path, colour, dashes, words in (
    (geodesic, BLUE, "-", "geodesic"),
    (average, VERMILION, "--", "averaged parameters"),
):
    laws = [MultivariateNormal(*path(t)) for t in shares]
    pieces = [dv.wasserstein(one, other, p=2).value for one, other in pairwise(laws)]
    speed = np.array(pieces) / np.diff(shares) / transport.value
    left.plot((shares[:-1] + shares[1:]) / 2, speed, color=colour, ls=dashes, lw=2.4, label=words)
    areas = [np.pi * np.sqrt(np.linalg.det(path(t)[1])) for t in shares]
    right.plot(shares, areas, color=colour, ls=dashes, lw=2.4, label=words)
    print(f"{words}: length of the path {np.sum(pieces) / transport.value:.6f} times the distance")
left.set(xlabel="$t$", ylabel="speed, in units of $W_2$", title="Speed on the path", ylim=(0.9, 1.25))
right.set(xlabel="$t$", ylabel="area of the ellipse", title="Swelling", ylim=(0, None))
left.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
