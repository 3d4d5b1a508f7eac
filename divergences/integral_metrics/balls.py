r"""Metrics of bounded Lipschitz functions, by transport at a truncated cost.

Functions with :math:`|f| \le s` and Lipschitz constant L are, up to a constant, those that are 1-Lipschitz for the metric
:math:`\min(L d, 2 s)`. The supremum over them is therefore a transport problem,

.. math:: \varphi(L, s) = \min_\gamma \sum_{ij} \gamma_{ij} \min(L d_{ij}, 2 s),

a plan that may give pairs up at the price 2 s. Any plan bounds the function :math:`\varphi` from above for *all* L and s:
by A L + B s, where A is the distance travelled by the pairs for which L d is the smaller and B twice the mass of the
others. Over Dudley's ball, L + s = 1, the supremum is that of a concave piecewise linear function of L, and two such lines
that cross above it bound it; solving at the crossing gives the next line, until nothing is left to gain (Kelley 1960,
cutting planes).
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.integral_metrics.measures import read_measures, united
from divergences.integral_metrics.variation import exact_variation
from divergences.transport import wasserstein
from divergences.transport.exact import round_down, round_up
from divergences.transport.extension import LipschitzExtension, check_metric, distances, proven_gain
from divergences.transport.ground import Metric
from divergences.transport.masses import Balanced
from divergences.transport.result import Floats, Transport

__all__ = ["BoundedLipschitz", "Dudley", "FortetMourier", "bounded_lipschitz"]

_ENOUGH = Fraction(1, 2**50)  # relative gap at which float64 could show little improvement
_ROUNDED = Fraction(1) + Fraction(1, 2**51)  # the masses of a plan are rounded once


@final
@dataclass(frozen=True)
class Dudley:
    r"""The ball :math:`\sup |f| + \operatorname{Lip} f \le 1`."""


@final
@dataclass(frozen=True)
class FortetMourier:
    r"""The ball :math:`\max(\sup |f|, \operatorname{Lip} f) \le 1`."""


@final
@dataclass(frozen=True, eq=False)
class BoundedLipschitz:
    r"""A bounded Lipschitz distance, with the function that attains it.

    Parameters
    ----------
    bounds : Bounds
        Proven bounds: below, what the witness attains, rounded down; above, the cost of a plan, rounded up.
    lipschitz : float
        Lipschitz constant of the witness.
    height : float
        Largest absolute value of the witness.
    extension : LipschitzExtension
        The witness before it is cut off at `height`.
    """

    bounds: Bounds
    lipschitz: float
    height: float
    extension: LipschitzExtension = field(repr=False)

    @property
    def value(self) -> float:
        """The distance, inside its bounds."""
        return self.bounds.value

    def witness(self, z: npt.ArrayLike) -> Floats:
        """The function that attains the supremum, in the ball on the whole space.

        Parameters
        ----------
        z : array_like of shape (k, d), or (k,) where d is 1
            Any points.

        Returns
        -------
        ndarray of shape (k,)
            The values.
        """
        return np.minimum(self.extension(z), self.height)


@final
@dataclass(frozen=True)
class _Line:
    """An upper bound ``travelled * L + left * s`` of the supremum, for all L and s."""

    travelled: Fraction
    left: Fraction

    @property
    def slope(self) -> Fraction:
        """Along L + s = 1."""
        return self.travelled - self.left

    def at(self, steepness: Fraction, height: Fraction) -> Fraction:
        """The bound for one L and one s."""
        return self.travelled * steepness + self.left * height


@final
@dataclass(frozen=True, eq=False)
class _Solution:
    """A function of the ball, what it attains at least, and the line of a plan that is optimal there."""

    gain: Fraction
    line: _Line
    extension: LipschitzExtension
    height: float


@final
@dataclass(frozen=True, eq=False)
class _Problem:
    """Two measures under a metric."""

    x: Floats
    y: Floats
    masses: Balanced
    weights: tuple[npt.ArrayLike | None, npt.ArrayLike | None]
    metric: Metric

    def solve(self, steepness: float, height: float) -> _Solution:
        """The supremum over functions of this Lipschitz constant and height, and a plan."""

        def truncated(u: Floats, v: Floats) -> Floats:
            return np.minimum(steepness * distances(u, v, self.metric).cost, 2 * height)

        t = wasserstein(self.x, self.y, *self.weights, p=1, metric=truncated)
        i, j = np.flatnonzero(self.masses.source), np.flatnonzero(self.masses.target)
        f, g = t.potentials[0][i], t.potentials[1][j]
        half = min((max(f.max(), -g.min()) + g.max()) / 2, height)  # the function lies around 0, as low as it can
        base = np.maximum((g.max() - g) - half, -height)
        extension = LipschitzExtension(self.y[j], base, steepness, self.metric)
        whole = np.full(len(self.y), height)
        whole[j] = base
        union = np.concatenate([self.x, self.y])
        check_metric(union, np.minimum(extension(union), height), steepness, self.metric)
        gain = proven_gain(self.x, self.y, self.masses, whole, steepness, self.metric, height)
        return _Solution(gain, self.line(t, steepness, height), extension, height)

    def line(self, t: Transport, steepness: float, height: float) -> _Line:
        """The line of a plan, each pair taken where it is tight."""
        g = distances(self.x, self.y, self.metric)
        distance, mass = g.cost[t.plan.coords], t.plan.data
        near = steepness * distance <= 2 * height
        travelled = _exact(mass[near], distance[near]) * (1 + Fraction(g.relative))
        return _Line(travelled * _ROUNDED, 2 * _exact(mass[~near], np.ones(int((~near).sum()))) * _ROUNDED)


def bounded_lipschitz(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    ball: Dudley | FortetMourier = Dudley(),
    metric: Metric = "euclidean",
) -> BoundedLipschitz:
    r"""Bounded Lipschitz distance of two weighted sets of points, which metrises weak convergence.

    .. math:: \beta(P, Q) = \sup \{ \mathbb E_P f - \mathbb E_Q f : \sup |f| + \operatorname{Lip} f \le 1 \}

    for the ball of Dudley, and with :math:`\max(\sup |f|, \operatorname{Lip} f) \le 1` for that of Fortet and Mourier,
    which gives the value between :math:`\beta` and :math:`2 \beta`. Both are at most :math:`W_1` and at most 2 TV.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    a : array_like of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default.
    b : array_like of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    ball : Dudley or FortetMourier, default Dudley()
        How height and Lipschitz constant are limited together.
    metric : str or callable, default "euclidean"
        As for :func:`divergences.wasserstein`; it must satisfy the triangle inequality, which is checked on the points
        where its name does not say so.

    Returns
    -------
    BoundedLipschitz
        Value with proven bounds, and the witness.

    Raises
    ------
    TypeError
        If `ball` is not one of the two values.
    ValueError
        As for :func:`divergences.wasserstein`; if `metric` is no metric on the points.
    TransportError
        As for :func:`divergences.wasserstein`.

    Notes
    -----
    One dense transport problem for Fortet and Mourier, a few for Dudley. The plan behind the upper bound moves what is
    near and gives up the rest at a fixed price. Transport of a given part of the mass, or at a price for created mass, is
    not part of this library; POT has it, without a certificate: ``ot.partial.partial_wasserstein(a, b, C, m=0.8)`` moves
    0.8 of the mass at least cost (exactly, by an added point), ``ot.unbalanced.mm_unbalanced(a, b, C, reg_m=1.0)``
    relaxes both marginals by a penalty (iteratively), where ``C`` is the matrix of costs.

    References
    ----------
    R. M. Dudley (2002), Real analysis and probability, section 11.2 and theorem 11.3.3.
    R. Fortet and E. Mourier (1953), Convergence de la répartition empirique vers la répartition théorique, Annales
    scientifiques de l'École Normale Supérieure 70, 267-285.

    Examples
    --------
    >>> from divergences.integral_metrics import FortetMourier, bounded_lipschitz
    >>> round(bounded_lipschitz([0], [2]).value, 9)
    1.0
    >>> far = bounded_lipschitz([0], [10], ball=FortetMourier())
    >>> far.value, far.witness([0, 9, 10])
    (2.0, array([ 1.,  0., -1.]))
    """
    _require_ball(ball)
    u, v, masses = read_measures(x, y, a, b)
    problem = _Problem(u, v, masses, (a, b), metric)
    if isinstance(ball, FortetMourier):
        best = problem.solve(1.0, 1.0)
        return _certified(best, best.line.at(Fraction(1), Fraction(1)))
    return _over_dudley(problem, exact_variation(united(u, v, masses)))


def _require_ball(ball: Any) -> None:
    """Refuse names and classes."""
    if not isinstance(ball, Dudley | FortetMourier):
        msg = f"expected ball to be a value, Dudley() or FortetMourier(), got {ball!r}; the parentheses are needed"
        raise TypeError(msg)


def _over_dudley(problem: _Problem, variation: Fraction) -> BoundedLipschitz:
    """Cutting planes in the Lipschitz constant L, with s = 1 - L."""
    left = problem.solve(1.0, _reach(problem)).line  # the supremum of Lipschitz functions
    right = _Line(Fraction(0), 2 * variation)  # that of bounded functions: leave in place what both measures share
    best, last = None, None
    while True:
        steepness, upper = _crossing(left, right)
        L, s = _floats(steepness)
        solution = problem.solve(L, s)
        best = solution if best is None or solution.gain > best.gain else best
        line = solution.line
        if line.slope == 0:
            return _certified(best, min(line.left, upper))
        closed = upper - best.gain <= _ENOUGH * upper
        stuck = last is not None and upper >= last * (1 - _ENOUGH)
        if closed or stuck or line.at(Fraction(L), Fraction(s)) >= upper:
            return _certified(best, upper)
        left, right = (line, right) if line.slope > 0 else (left, line)
        last = upper


def _reach(problem: _Problem) -> float:
    """A height above all distances, at which nothing is cut off."""
    return float(distances(problem.x, problem.y, problem.metric).cost.max()) or 1.0


def _crossing(left: _Line, right: _Line) -> tuple[Fraction, Fraction]:
    """Where a rising line meets a falling one: the constant, and the bound there, which holds for every L."""
    if not left.slope > 0 > right.slope:  # equal measures, or nothing to travel: one line is 0
        return Fraction(1, 2), min(left.travelled, right.left)
    crossing = (right.left - left.left) / (left.slope - right.slope)
    return crossing, left.at(crossing, 1 - crossing)


def _floats(steepness: Fraction) -> tuple[float, float]:
    """L and s as floats of sum at most 1, the smaller of the two the more accurate."""
    if steepness <= 1 / 2:
        small = float(steepness)
        return small, round_down(1 - Fraction(small))
    small = float(1 - steepness)
    return round_down(1 - Fraction(small)), small


def _certified(best: _Solution, upper: Fraction) -> BoundedLipschitz:
    """Bounds around the larger of what the witness attains and 0, which constants do."""
    low, high = max(round_down(best.gain), 0.0), max(round_up(upper), 0.0)
    return BoundedLipschitz(Bounds(low, low, high), best.extension.lipschitz, best.height, best.extension)


def _exact(mass: Floats, distance: Floats) -> Fraction:
    """The sum of products, without rounding."""
    pairs = zip(mass.tolist(), distance.tolist(), strict=True)
    return sum((Fraction(m) * Fraction(d) for m, d in pairs), Fraction(0))
