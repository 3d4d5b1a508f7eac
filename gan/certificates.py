r"""What a critic proves: rigorous lower bounds from its values on finite supports, in double precision on the CPU."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

import divergences as dv
from divergences.transport import dual_bound
from divergences.transport.exact import round_down
from gan.expectations import Discrete, Floats, joint_support

__all__ = ["fenchel_bound", "kantorovich_bound", "lipschitz_on_support"]

CRITIC_ERROR = 16 * float(np.finfo(np.float64).eps)
"""Largest error of a critic f'(e^v), relative to its magnitude plus 1: a few roundings of exp, log1p and sums.

For each 8 of the log-ratio once more, since a power of e^v amplifies the rounding of its exponent.
"""


def lipschitz_on_support(P: Discrete, Q: Discrete, tx: npt.ArrayLike, ty: npt.ArrayLike) -> float:
    r"""Largest slope $\max_{ij} (T(x_i) - T(y_j)) / |x_i - y_j|$, all that feasibility asks of a critic.

    One-sided, from atoms of P to atoms of Q with positive mass; ``inf`` if two atoms coincide and T differs there.

    Parameters
    ----------
    P, Q : Discrete
        Two finite measures.
    tx, ty : array_like (n,), (m,)
        Finite critic values on the atoms of P and of Q.

    Returns
    -------
    float
        The slope, 0 if the critic never rises from Q to P.
    """
    tx, ty = values_on("tx", tx, P.size), values_on("ty", ty, Q.size)
    i, j = P.weights > 0, Q.weights > 0
    rise, distance = tx[i, None] - ty[j], cdist(P.points[i], Q.points[j])
    if np.any(rise[distance == 0] > 0):
        return math.inf
    apart = distance > 0
    return max(float(np.max(rise[apart] / distance[apart], initial=0.0)), 0.0)


def kantorovich_bound(P: Discrete, Q: Discrete, tx: npt.ArrayLike, ty: npt.ArrayLike) -> float:
    r"""Proven lower bound of $W_1(P, Q)$ from critic values on the atoms, whatever the critic is.

    The best of four: the values on P, or on Q, completed by the c-transform; each as it is, or divided by the measured
    Lipschitz constant. By McShane's extension the c-transform is never worse than that division alone.

    Parameters
    ----------
    P, Q : Discrete
        Two finite measures.
    tx, ty : array_like (n,), (m,)
        Finite critic values on the atoms of P and of Q.

    Returns
    -------
    float
        A number that is not above $W_1(P, Q)$.
    """
    tx, ty = values_on("tx", tx, P.size), values_on("ty", ty, Q.size)
    constant = lipschitz_on_support(P, Q, tx, ty)
    scales = [1.0] if constant == 0 or not math.isfinite(1 / constant) or constant == math.inf else [1.0, 1 / constant]
    bounds = [dual_bound(P.points, Q.points, s * tx, P.weights, Q.weights) for s in scales]
    bounds += [dual_bound(Q.points, P.points, -s * ty, Q.weights, P.weights) for s in scales]
    return max(bounds)


def fenchel_bound(f: dv.FDivergence, P: Discrete, Q: Discrete, v: npt.ArrayLike) -> float:
    r"""Proven lower bound of $D_f(P\|Q)$ from any log-ratios, less what rounding may have added.

    $\mathbb E_P[f'(e^v)] + \mathbb E_Q[f^{\circ\prime}(e^{-v})]$ with both expectations exact rational numbers; both
    critics are taken to be right to a few units in the last place of their magnitude or of 1. 0 is always a lower bound.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.
    P, Q : Discrete
        Two finite measures.
    v : array_like (k,)
        A log-ratio for each of the points of ``joint_support(P, Q)``; infinite ones are allowed.

    Returns
    -------
    float
        A number that is not above the divergence.
    """
    joint = joint_support(P, Q)
    v = np.asarray(v, dtype=np.float64)
    if v.shape != (len(joint.points),) or np.isnan(v).any():
        msg = f"expected a log-ratio for each of the {len(joint.points)} points of joint_support(P, Q), got {v!r}"
        raise ValueError(msg)
    gain, loss = np.asarray(f.optimal_critic(v)), np.asarray(f.reverse.optimal_critic(-v))
    amplified = 1 + np.where(np.isfinite(v), np.abs(v), 0.0) / 8
    first = _expectation(P.weights, gain[joint.of_p], amplified[joint.of_p])
    second = _expectation(Q.weights, loss[joint.of_q], amplified[joint.of_q])
    if first is None or second is None:
        return 0.0
    bound = first[0] + second[0] - Fraction(CRITIC_ERROR) * (first[1] + second[1])
    return round_down(max(bound, Fraction(0)))


def _expectation(weights: Floats, values: Floats, errors: Floats) -> tuple[Fraction, Fraction] | None:
    """Exact mean of the values, and of the errors times their magnitudes plus 1; None if it is not finite."""
    held = weights > 0
    if not np.isfinite(values[held]).all():
        return None
    w, x, e = ([Fraction(number) for number in array[held].tolist()] for array in (weights, values, errors))
    mean = sum((a * b for a, b in zip(w, x, strict=True)), Fraction(0))
    error = sum((a * (abs(b) + 1) * c for a, b, c in zip(w, x, e, strict=True)), Fraction(0))
    return mean / sum(w, Fraction(0)), error / sum(w, Fraction(0))


def values_on(name: str, values: npt.ArrayLike, size: int) -> Floats:
    """Finite values, one per atom."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        msg = f"expected {name} to hold {size} finite numbers, one per atom, got {array!r}"
        raise ValueError(msg)
    return array
