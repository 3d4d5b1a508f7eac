r"""What a critic proves: rigorous lower bounds from its values on finite supports, in double precision on the CPU."""

import math

import numpy as np
from scipy.spatial.distance import cdist

import divergences as dv
from divergences.transport import dual_bound
from gan.expectations import Discrete, Floats

__all__ = ["fenchel_bound", "kantorovich_bound", "lipschitz_on_support"]


def lipschitz_on_support(P: Discrete, Q: Discrete, tx: Floats, ty: Floats) -> float:
    r"""Largest slope $\max_{ij} (T(x_i) - T(y_j)) / |x_i - y_j|$, all that feasibility asks of a critic.

    One-sided, from atoms of P to atoms of Q with positive mass; ``inf`` if two atoms coincide and T differs there.
    """
    i, j = P.weights > 0, Q.weights > 0
    rise, distance = tx[i, None] - ty[j], cdist(P.points[i], Q.points[j])
    if np.any(rise[distance == 0] > 0):
        return math.inf
    apart = distance > 0
    return max(float(np.max(rise[apart] / distance[apart], initial=0.0)), 0.0)


def kantorovich_bound(P: Discrete, Q: Discrete, tx: Floats, ty: Floats) -> float:
    r"""Proven lower bound of $W_1(P, Q)$ from critic values on the atoms, whatever the critic is.

    The best of four: the values on P, or on Q, completed by the c-transform; each as it is, or divided by the measured
    Lipschitz constant. By McShane's extension the c-transform is never worse than that division alone.
    """
    constant = lipschitz_on_support(P, Q, tx, ty)
    scales = [1.0] if constant in (0.0, math.inf) else [1.0, 1 / constant]
    bounds = [dual_bound(P.points, Q.points, s * tx, P.weights, Q.weights) for s in scales]
    bounds += [dual_bound(Q.points, P.points, -s * ty, Q.weights, P.weights) for s in scales]
    return max(bounds)


def fenchel_bound(f: dv.FDivergence, p: Floats, q: Floats, v: Floats) -> float:
    r"""Proven lower bound of $D_f(P\|Q)$ from any log-ratios v, less what rounding may have added.

    Both critics are right to a few units in the last place of their magnitude or of 1, products and normalisation add
    one each, and the sum is exact. 0 is always a lower bound.
    """
    gain, loss = np.asarray(f.optimal_critic(v)), np.asarray(f.reverse.optimal_critic(-v))
    # atoms without mass do not count, whatever a critic says there
    terms = [*(p[p > 0] * gain[p > 0]), *(q[q > 0] * loss[q > 0])]
    if not np.all(np.isfinite(terms)):
        return 0.0
    size = math.fsum(map(abs, terms)) + 2
    return max(math.fsum(terms) - 16 * np.finfo(np.float64).eps * size, 0.0)
