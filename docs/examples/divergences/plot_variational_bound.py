r"""
The capacity of a critic decides the gap
========================================

For every function :math:`T`,

.. math:: \mathbb E_P[T] - \mathbb E_Q[f^*(T)] \le D_f(P\|Q) ,

with equality at :math:`T = f'(p/q)` (Nguyen, Wainwright and Jordan 2010; Nowozin, Cseke and Tomioka 2016). A richer set
of critics cannot give a worse bound. Here the critics are :math:`T = f'(e^v)` with a polynomial :math:`v` in place of the
log-ratio :math:`\log p/q`. Its degree is their capacity.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

import divergences as dv

# %%
# Two distributions on 81 points: P has two modes, Q has one.

x = np.linspace(-1, 1, 81)
p = np.exp(-(((x + 0.45) / 0.16) ** 2) / 2) + 1.5 * np.exp(-(((x - 0.4) / 0.22) ** 2) / 2)
q = np.exp(-((x / 0.45) ** 2) / 2)
p, q = p / p.sum(), q / q.sum()
DIVERGENCES = {dv.kl: ("#0072B2", "o"), dv.js: ("#009E73", "s"), dv.squared_hellinger: ("#CC79A7", "^")}


# %%
# The derivative of the bound along :math:`v` is :math:`(p - q e^v)\, e^v f''(e^v)`: zero where :math:`e^v = p/q`.


def best_critic(d, degree):
    """Bound and log-ratio of the best polynomial of a degree."""
    basis = np.polynomial.legendre.legvander(x, degree)

    def loss(c):
        u = np.exp(np.clip(basis @ c, -30, 30))
        gradient = basis.T @ ((p - q * u) * u * d.second_derivative(u))
        return -float(d.variational(p, q, d.subgradient(u)[0])), -gradient

    found = minimize(loss, np.zeros(degree + 1), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000})
    return -found.fun, basis @ found.x


degrees = np.arange(11)
bounds = {d: [best_critic(d, k)[0] for k in degrees] for d in DIVERGENCES}

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
left.plot(x, dv.kl.optimal_critic(np.log(p / q)), color="black", lw=3, label="optimal, $f'(p/q)$")
for degree, colour, dashes in ((1, "#E69F00", "-."), (2, "#56B4E9", "--"), (4, "#D55E00", "-"), (8, "#0072B2", "-")):
    critic = dv.kl.optimal_critic(best_critic(dv.kl, degree)[1])
    left.plot(x, critic, color=colour, ls=dashes, lw=1.8, label=f"degree {degree}")
left.set(xlabel="$x$", ylabel="critic $T(x)$", ylim=(-5, 3.4), title="Best critics for KL")
left.legend(frameon=False, loc="lower center", ncols=2)
for d, (colour, marker) in DIVERGENCES.items():
    gap = float(d(p, q)) - np.array(bounds[d])
    right.semilogy(degrees, gap / float(d(p, q)), color=colour, marker=marker, lw=1.8, label=d.name)
right.set(xlabel="degree of the polynomial", ylabel="gap, as a share of the divergence", title="What capacity buys")
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)

# %%
# The bound of each degree, and the value that all of them stay below.

for d, found in bounds.items():
    print(f"{d.name:18s} " + "  ".join(f"{found[k]:.5f}" for k in (1, 2, 4, 8)) + f"   exact {float(d(p, q)):.5f}")
