r"""The sharp bounds on one f-divergence by another: the joint range of the two.

For two f-divergences the values $(D_g(P\|Q), D_f(P\|Q))$ of all pairs of distributions, on any space, fill a convex set,
the convex hull of those of pairs on two outcomes (Harremoes & Vajda 2011). Given $D_g = x$ the smallest and the largest
$D_f$ are

$$L(x) = \max_{\lambda, a, b} \{\lambda x + a + b: F \ge \lambda G + a p + b q\},\qquad
U(x) = \min_{\lambda, a, b} \{\lambda x + a + b: F \le \lambda G + a p + b q\}$$

with the perspectives $F = q f(p/q)$ and G, for all $p, q \ge 0$: a linear program and its dual. L is convex, U concave,
and neither decreases. Pairs on at most three outcomes attain them, if any do: one side of each certificate is such a
pair, the other is a triple $(\lambda, a, b)$ of which the inequality is proven.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np

from divergences._arrays import quiet
from divergences.bounds import Bounds
from divergences.fdivergence import FDivergence
from divergences.relations.extremes import Extreme, beside_zero, equal, extreme, singular
from divergences.relations.nodes import Side, Vector, sides

__all__ = ["Extreme", "JointRange", "SharpBound", "bound", "joint_range"]

TV_LIKE = 3.0
"""Half of the largest log-ratio of the pairs that place the points of an unbounded range."""


@final
@dataclass(frozen=True, eq=False)
class SharpBound:
    r"""All that the value of one divergence says about another.

    Parameters
    ----------
    d, given : FDivergence
        The divergence bounded and the one given.
    value : float
        The value of `given`.
    smallest, largest : Extreme
        The ends of the interval of values that `d` has.

    Examples
    --------
    >>> import divergences as dv
    >>> known = dv.bound(dv.tv, given=dv.squared_hellinger, value=1.0)
    >>> round(known.lower, 9), round(known.upper, 9)  # H^2/2 and H (1 - H^2/4)^(1/2)
    (0.5, 0.866025404)
    >>> known.contains(0.9)
    False
    >>> p, q = known.smallest.p, known.smallest.q  # a pair that attains the lower bound
    >>> round(float(dv.tv(p, q)), 9), round(float(dv.squared_hellinger(p, q)), 9)
    (0.5, 1.0)
    """

    d: FDivergence
    given: FDivergence
    value: float
    smallest: Extreme
    largest: Extreme

    @property
    def lower(self) -> float:
        """A proven lower bound on all values of the divergence."""
        return self.smallest.bounds.lower

    @property
    def upper(self) -> float:
        """A proven upper bound on all values of the divergence."""
        return self.largest.bounds.upper

    @property
    def bounds(self) -> Bounds:
        """Proven bounds around all values of the divergence; the number inside is the smallest of them."""
        return Bounds(self.lower, self.smallest.bounds.value, self.upper)

    def contains(self, x: float) -> bool:
        """Whether the proven bounds leave a value possible."""
        return self.lower <= x <= self.upper


@final
@dataclass(frozen=True, eq=False)
class JointRange:
    r"""The boundary of the set of pairs of values of two divergences.

    Parameters
    ----------
    d, given : FDivergence
        The divergence bounded and the one given.
    values : array (n,)
        Values of `given`, increasing.
    lower, upper : array (n,)
        Proven bounds on `d` there, sharp; ``inf`` where there is none.

    Examples
    --------
    >>> import divergences as dv
    >>> region = dv.joint_range(dv.le_cam, dv.tv, points=3)
    >>> region.values
    array([0. , 0.5, 1. ])
    >>> region.lower.round(9)  # the square of total variation
    array([0.  , 0.25, 1.  ])
    >>> region.upper.round(9)  # total variation itself
    array([0. , 0.5, 1. ])
    """

    d: FDivergence
    given: FDivergence
    values: Vector
    lower: Vector
    upper: Vector


def _require_fdivergences(**given: object) -> None:
    for name, d in given.items():
        if not isinstance(d, FDivergence):
            msg = f"expected {name} to be an f-divergence, got {d!r}; a function of one, such as renyi, goes by alpha"
            raise TypeError(msg)


def bound(d: FDivergence, *, given: FDivergence, value: float) -> SharpBound:
    r"""Sharp bounds on a divergence $D_f(P\|Q)$ of all pairs of distributions with $D_g(P\|Q) = x$.

    Parameters
    ----------
    d : FDivergence
        The divergence to bound: of the catalogue, a member of a family, or from a function.
    given : FDivergence
        The divergence that is known.
    value : float
        Its value.

    Returns
    -------
    SharpBound
        The smallest and the largest value of `d`, each with proven bounds and a pair of distributions. The relative gap
        between the bounds is some 1e-12, more where one divergence is nearly a multiple of the other, and where the
        value is near the end of its range; for functions of users it is 1e-7. Suprema that are infinite are ``inf``.

    Raises
    ------
    ValueError
        If the value is not in the range of `given`, or so large that the likelihood ratios it needs are no doubles.
    ArithmeticError
        If both divergences are infinite at an end of the ratios and their quotient shows no limit there; this may
        happen with functions of users.

    Notes
    -----
    The bounds are proven by values of both declarations at some thousand likelihood ratios, their documented accuracy,
    convexity between the ratios, and monotone quotients beyond 1e150, or where doubles end.

    References
    ----------
    Harremoes, P. and Vajda, I. (2011). On pairs of f-divergences and their joint range. IEEE Transactions on
    Information Theory 57(6), 3230-3235.

    Guntuboyina, A., Saha, S. and Schiebinger, G. (2014). Sharp inequalities for f-divergences. IEEE Transactions on
    Information Theory 60(1), 104-121.

    Examples
    --------
    >>> import divergences as dv
    >>> known = dv.bound(dv.kl, given=dv.tv, value=0.3)
    >>> known.lower > 2 * 0.3**2  # Pinsker's inequality is less
    True
    >>> known.upper  # and above there is no bound
    inf
    >>> round(known.smallest.bounds.value, 10)
    0.1837845653
    """
    _require_fdivergences(d=d, given=given)
    value = _checked(given, value)
    with quiet():
        if value == given.range.upper:
            return SharpBound(d, given, value, *[singular(d)] * 2)
        left, right = _grid(d, given)
        if value == 0:
            return SharpBound(d, given, value, equal(), beside_zero(left, right))
        return SharpBound(d, given, value, *(extreme(left, right, value, sign) for sign in (1, -1)))


def joint_range(d: FDivergence, given: FDivergence, *, points: int = 65) -> JointRange:
    r"""The set of values $(D_g, D_f)$ of all pairs of distributions, by its lower and its upper boundary.

    Parameters
    ----------
    d : FDivergence
        The divergence on the vertical axis.
    given : FDivergence
        The divergence on the horizontal axis.
    points : int, default: 65
        How many values of `given`, at least 2. They are dense at both ends of a finite range; of an infinite one they
        are the values of symmetric pairs on two outcomes, with total variations up to 0.995.

    Returns
    -------
    JointRange
        The values and both boundaries, as `bound` finds them.

    Raises
    ------
    ValueError
        If there are fewer than 2 points.

    Examples
    --------
    >>> import divergences as dv
    >>> region = dv.joint_range(dv.tv, dv.squared_hellinger, points=3)
    >>> region.values
    array([0., 1., 2.])
    >>> region.upper
    array([0.       , 0.8660254, 1.       ])
    """
    _require_fdivergences(d=d, given=given)
    if not points >= 2:
        msg = f"expected at least 2 points, got {points!r}; a curve has two ends"
        raise ValueError(msg)
    values = _spread(given, points)
    found = [bound(d, given=given, value=float(x)) for x in values]
    return JointRange(d, given, values, np.array([x.lower for x in found]), np.array([x.upper for x in found]))


def _spread(given: FDivergence, points: int) -> Vector:
    top, share = given.range.upper, np.linspace(0.0, 1.0, points)
    if top < math.inf:
        values = top * np.sin(np.pi / 2 * share) ** 2
        values[-1] = top
        return values
    y = np.tanh(TV_LIKE * share)
    return np.array(given(np.stack([(1 + y) / 2, (1 - y) / 2], -1), np.stack([(1 - y) / 2, (1 + y) / 2], -1)))


def _checked(given: FDivergence, value: float) -> float:
    try:
        x = float(value)
    except (TypeError, ValueError) as error:
        msg = f"expected the value of {given.name} to be a number, got {value!r}"
        raise TypeError(msg) from error
    if not (given.range.contains(x) or x == given.range.upper < math.inf):
        msg = (
            f"expected a value in the range of {given.name}, {given.range}, got {x!r}; no pair of distributions has it"
        )
        raise ValueError(msg)
    return x


@lru_cache(maxsize=64)
def _grid(d: FDivergence, given: FDivergence) -> tuple[Side, Side]:
    return sides(d, given)
