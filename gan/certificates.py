r"""What a critic proves: rigorous lower bounds from its values on finite supports, in double precision on the CPU.

Expectations are correctly rounded sums of rounded products: with u half the machine epsilon, n numbers t of weights w
have a mean that is off by at most 6u times that of |t|, one u each for adding up weights of coinciding atoms (above and
below the line), the products, both sums and the quotient. What the critic's own rounding may have added is larger.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

import divergences as dv
from divergences.transport import dual_bound
from gan.expectations import Discrete, Floats, JointSupport, joint_support

__all__ = [
    "conjugate_bound",
    "divergence_bounds",
    "fenchel_bound",
    "kantorovich_bound",
    "known_log_ratios",
    "lipschitz_on_support",
]

EPS = float(np.finfo(np.float64).eps)
LARGEST = float(np.finfo(np.float64).max)

CRITIC_ERROR = 16 * EPS
"""Largest error of a critic f'(e^v), relative to its magnitude plus 1: a few roundings of exp, log1p and sums.

More where the exponent is rounded, whose error a power of e^v amplifies: see `_amplified`.
"""

MEAN_ERROR = 5 * EPS
"""Largest error of a mean, relative to that of magnitudes: 3 as above, and 2 for mixing a critic at a kink."""

ACCURACY = 4e-15
"""Relative error within which every divergence is computed, which its tests assert; the bounds allow for it."""

TESTED_POWER = 3.0
"""Largest exponent for which they do; see `divergence_bounds` for larger ones."""

FLOOR = 8 * EPS**2
"""Difference of two measures below which their masses are not told apart; smooth divergences are of its square."""

ROOM = 900
"""Values above 2 to this power are scaled down before they are weighted and added up."""


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

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> gan.lipschitz_on_support(P, Q, [0.0, -5.0], [-10.0, -15.0])  # the critic -5x
    5.0
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

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> print(f"{gan.kantorovich_bound(P, Q, [0.0, -1.0], [-2.0, -3.0]):.6f}")  # the critic -x, which is optimal
    2.000000
    >>> print(f"{gan.kantorovich_bound(P, Q, [0.0, -5.0], [-10.0, -15.0]):.6f}")  # the critic -5x
    2.000000
    """
    tx, ty = values_on("tx", tx, P.size), values_on("ty", ty, Q.size)
    constant = lipschitz_on_support(P, Q, tx, ty)
    scales = [1.0] if constant == 0 or not math.isfinite(1 / constant) or constant == math.inf else [1.0, 1 / constant]
    bounds = [dual_bound(P.points, Q.points, s * tx, P.weights, Q.weights) for s in scales]
    bounds += [dual_bound(Q.points, P.points, -s * ty, Q.weights, P.weights) for s in scales]
    return max(bounds)


def known_log_ratios(joint: JointSupport) -> Floats:
    r"""The log-ratios $\log dP/dQ$ that the supports alone tell, which no critic has to learn.

    Parameters
    ----------
    joint : JointSupport
        The distinct atoms of two finite measures.

    Returns
    -------
    array (k,)
        ``inf`` where only P has mass, ``-inf`` where only Q has, 0 elsewhere.

    Examples
    --------
    >>> from gan import Discrete, joint_support
    >>> from gan.certificates import known_log_ratios
    >>> known_log_ratios(joint_support(Discrete([0.0, 1.0]), Discrete([1.0, 2.0]))).tolist()
    [inf, 0.0, -inf]
    """
    return np.where((joint.p > 0) & (joint.q == 0), np.inf, np.where((joint.q > 0) & (joint.p == 0), -np.inf, 0.0))


def completed(P: Discrete, Q: Discrete, z: npt.ArrayLike) -> Floats:
    """Critic values on the points of ``joint_support(P, Q)``, with infinite ones where only one measure has mass.

    Parameters
    ----------
    P, Q : Discrete
        Two finite measures.
    z : array_like (k,)
        Values of the critic, finite where both measures have mass; those elsewhere are not looked at.

    Returns
    -------
    array (k,)
        The values; where only P has mass ``inf``, where only Q has ``-inf``, where neither has 0.
    """
    joint = support(P, Q)
    common = (joint.p > 0) & (joint.q > 0)
    z = np.asarray(z, dtype=np.float64)
    if z.shape != common.shape or not np.isfinite(z[common]).all():
        msg = (
            f"expected a critic value for each of the {len(common)} points of joint_support(P, Q), finite where both "
            f"measures have mass, got {z!r}"
        )
        raise ValueError(msg)
    return np.where(common, z, known_log_ratios(joint))


def fenchel_bound(f: dv.FDivergence, P: Discrete, Q: Discrete, v: npt.ArrayLike) -> float:
    r"""Proven lower bound of $D_f(P\|Q)$ from any log-ratios, less what rounding may have added.

    $\mathbb E_P[f'(e^v)] + \mathbb E_Q[f^{\circ\prime}(e^{-v})]$, where both critics are taken to be right to a few units
    in the last place of their magnitude or of 1. 0 is always a lower bound. Where P alone has an atom, $v = \infty$ there,
    and $f'(\infty) = \infty$, the critic grows without cost, the divergence is infinite, and so is the bound; likewise
    where Q alone has an atom, $v = -\infty$ there, and $f(0) = \infty$.

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

    Examples
    --------
    >>> import divergences as dv
    >>> from gan import Discrete, fenchel_bound
    >>> P, Q = Discrete([0.0, 1.0], [0.5, 0.5]), Discrete([0.0, 1.0], [0.25, 0.75])
    >>> print(f"{fenchel_bound(dv.js, P, Q, [0.7, -0.4]):.6f} of {dv.js(P.weights, Q.weights):.6f}")
    0.033818 of 0.033822
    """
    joint = support(P, Q)
    v = _per_point("a log-ratio", v, joint)
    if _proves_infinity(f, joint, v):
        return math.inf
    gain, loss = np.asarray(f.optimal_critic(v)), np.asarray(f.reverse.optimal_critic(-v))
    return _bound(P, Q, _amplified(f, v), (gain, np.abs(gain)), (loss, np.abs(loss)))


def conjugate_bound(f: dv.FDivergence, P: Discrete, Q: Discrete, t: npt.ArrayLike) -> float:
    r"""Proven lower bound $\mathbb E_P[T] - \mathbb E_Q[f^*(T)]$ of $D_f(P\|Q)$ from any values T of a critic.

    No conjugate is computed: T is a slope of f at the ratio $(f^*)'(T)$, of which `fenchel_bound` takes the logarithm.
    Between the two slopes at a kink of f, T is the mean of both with some shares, and so is $f^*$, which is affine there.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.
    P, Q : Discrete
        Two finite measures.
    t : array_like (k,)
        A value for each of the points of ``joint_support(P, Q)``; those beyond the range of $f'$ count as its ends.

    Returns
    -------
    float
        A number that is not above the divergence; 0 if nothing is proven.

    Examples
    --------
    >>> import divergences as dv
    >>> from gan import Discrete
    >>> from gan.certificates import conjugate_bound
    >>> P, Q = Discrete([0.0, 1.0], [0.5, 0.5]), Discrete([0.0, 1.0], [0.25, 0.75])
    >>> print(f"{conjugate_bound(dv.tv, P, Q, [0.5, -0.3]):.6f}")  # 0.5 (0.5 - 0.25) - 0.3 (0.5 - 0.75)
    0.200000
    """
    joint = support(P, Q)
    t = _per_point("a critic value", t, joint)
    with np.errstate(divide="ignore"):
        left = np.log(np.asarray(f.conjugate_gradient(t)))
    right, share = left, np.zeros_like(t)
    for kink in f.kinks:
        ends = math.log(kink) + 4 * np.spacing(abs(math.log(kink))) * np.array([-1.0, 1.0])
        low, high = np.asarray(f.optimal_critic(ends)).tolist()
        between = (low <= t) & (t <= high) & (low < high)
        left, right = (np.where(between, end, v) for end, v in zip(ends, (left, right), strict=True))
        share[between] = (t[between] - low) / (high - low)
    if _proves_infinity(f, joint, left):
        return math.inf
    sides = []
    for critic, sign in ((f.optimal_critic, 1), (f.reverse.optimal_critic, -1)):
        one, other = np.asarray(critic(sign * left)), np.asarray(critic(sign * right))
        sides.append((_mixed(one, other, share), _mixed(np.abs(one), np.abs(other), share)))
    return _bound(P, Q, np.maximum(_amplified(f, left), _amplified(f, right)), *sides)


def divergence_bounds(f: dv.FDivergence, P: Discrete, Q: Discrete) -> dv.Bounds:
    """The divergence itself on the joint support, within the error that its tests assert.

    Where weights of coinciding atoms had to be rounded, each by half a unit, the bounds are wider by what that moves
    the divergence: its derivatives in p and q are the two critics (of the normal form, which moves least).

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.
    P, Q : Discrete
        Two finite measures.

    Returns
    -------
    divergences.Bounds
        Around the value; both ends ``inf`` where the divergence is infinite because of the supports.
    """
    joint = support(P, Q)
    p, q = joint.p / joint.p.sum(), joint.q / joint.q.sum()
    value = float(f(joint.p, joint.q, normalize=True))
    if not math.isfinite(value):
        return dv.Bounds(value if _proves_infinity(f, joint, known_log_ratios(joint)) else LARGEST, value, value)
    # a difference wrong by the floor changes TV by it, and what is of second order by twice its root times that
    slack = ACCURACY * value + (FLOOR if f.kinks else 8 * math.sqrt(value) * FLOOR + FLOOR**2)
    power = _power(f)
    if power > TESTED_POWER:  # e^(a v) is wrong by the rounding of its exponent, and of a ratio near 1 by a times that
        common = (p > 0) & (q > 0)
        decades = float(np.abs(np.log(p[common]) - np.log(q[common])).max(initial=0.0))
        slack += ACCURACY * value * power * (1 + decades) / 4
    if set(f.kinks) - {1}:  # beyond a kink elsewhere only the differences are right
        slack += ACCURACY * max(f.kinks) * float(dv.tv(joint.p, joint.q, normalize=True))
    if joint.rounded:
        with np.errstate(divide="ignore", invalid="ignore"):
            v = np.where(p == q, 0.0, np.log(p) - np.log(q))
        gain, loss = (np.asarray(c(s * v)) for c, s in ((f.optimal_critic, 1), (f.reverse.optimal_critic, -1)))
        i, j = p > 0, q > 0
        moved = np.abs(p[i] * (gain[i] - f.tangent)).sum() + np.abs(q[j] * (loss[j] + f.tangent)).sum()
        slack += 4 * EPS * float(moved)
    return dv.Bounds(max(value - slack, 0.0), value, value + slack)


@lru_cache(maxsize=64)
def support(P: Discrete, Q: Discrete) -> JointSupport:
    """Remembered `joint_support`: many bounds are proven for one pair."""
    return joint_support(P, Q)


@lru_cache(maxsize=64)
def _masses(P: Discrete, Q: Discrete) -> tuple[float, float]:
    """Masses of the weights on the joint support, correctly rounded."""
    joint = support(P, Q)
    return math.fsum(joint.p), math.fsum(joint.q)


def _per_point(what: str, values: npt.ArrayLike, joint: JointSupport) -> Floats:
    """One number per point, infinite ones among them."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(joint.points),) or np.isnan(array).any():
        msg = f"expected {what} for each of the {len(joint.points)} points of joint_support(P, Q), got {array!r}"
        raise ValueError(msg)
    return array


def _proves_infinity(f: dv.FDivergence, joint: JointSupport, v: Floats) -> bool:
    """Whether log-ratios are infinite at an atom of one measure alone whose mass costs infinitely much."""
    only_p, only_q = (joint.p > 0) & (joint.q == 0), (joint.q > 0) & (joint.p == 0)
    by_p = math.isinf(f.slope) and bool(np.any(v[only_p] == np.inf))
    return by_p or (math.isinf(f.f0) and bool(np.any(v[only_q] == -np.inf)))


def _amplified(f: dv.FDivergence, v: Floats) -> Floats:
    """How many times its error the critic may have at a log-ratio: a rounded exponent a v is off by |a v| / 2 EPS."""
    return 1 + np.where(np.isfinite(v), np.abs(v), 0.0) * max(4.0, 1 + _power(f)) / 32


def _power(f: dv.FDivergence) -> float:
    """The largest exponent of p or q in its terms, where it is made of powers."""
    return max((abs(e) for _, a, b in f.powers for e in (a, b)), default=0.0)


def _mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """The mean of two values with shares 1 - share and share; the first where that is 0, whatever the second is."""
    mixed = share > 0
    mean = one.copy()
    mean[mixed] = (1 - share[mixed]) * one[mixed] + share[mixed] * other[mixed]
    return mean


def _bound(P: Discrete, Q: Discrete, amplified: Floats, *sides: tuple[Floats, Floats]) -> float:
    """Mean of the first (values, sizes) under P plus that of the second under Q, less the largest error of both.

    The values are wrong by at most the critic's error of the size plus 1; 0 where one of them is infinite.
    """
    joint = support(P, Q)
    held = [
        (w[w > 0], x[w > 0], s[w > 0], amplified[w > 0]) for w, (x, s) in zip((joint.p, joint.q), sides, strict=True)
    ]
    if not all(np.isfinite(x).all() for _, x, _, _ in held):
        return 0.0
    shift = max(math.frexp(max(float(s.max()) for _, _, s, _ in held))[1] - ROOM, 0)
    terms = []
    for mass, (w, x, s, a) in zip(_masses(P, Q), held, strict=True):
        with np.errstate(over="ignore", under="ignore"):  # what underflows is far below the error of 1 that is counted
            size = float(np.sum(w * np.ldexp(s + 1, -shift) * a)) / mass
            terms.append(math.fsum(w * np.ldexp(x, -shift)) / mass)
        # a sum of n positive numbers, in whatever order, is off by at most n units
        terms.append(-(CRITIC_ERROR + MEAN_ERROR) * size * (1 + (len(w) + 8) * EPS))
    below = math.nextafter(math.fsum(terms), -math.inf)
    return max(math.ldexp(min(below, math.ldexp(LARGEST, -shift)), shift), 0.0)


def values_on(name: str, values: npt.ArrayLike, size: int) -> Floats:
    """Finite values, one per atom."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        msg = f"expected {name} to hold {size} finite numbers, one per atom, got {array!r}"
        raise ValueError(msg)
    return array
