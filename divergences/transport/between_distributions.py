r"""Wasserstein distances between distributions given as such, by the method that fits the pair."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import array_api_compat
import numpy as np
import numpy.typing as npt

from divergences.bounds import Bounds
from divergences.families import Distribution, Family, MultivariateNormal, Normal, Product, as_distribution
from divergences.families.distribution import Vector
from divergences.transport.atoms import Steps, mixed_distance, steps_distance
from divergences.transport.bures import Bures, bures_distance
from divergences.transport.decays import is_infinitely_far
from divergences.transport.inputs import read_order
from divergences.transport.inverses import Inverse
from divergences.transport.known_distances import ROUNDINGS, Affine, ClosedForm, affine, known_distance, same
from divergences.transport.quantiles import Quantiles, quantile_distance
from divergences.transport.result import Floats, Method

__all__ = ["Coordinates", "DistributionTransport", "between"]

EPS = float(np.finfo(np.float64).eps)


@final
@dataclass(frozen=True)
class Coordinates(Method):
    """Independent coordinates, each on its own: for p = 2 squares of distances add up."""


@final
@dataclass(frozen=True, eq=False)
class DistributionTransport:
    r"""Optimal transport between two distributions.

    Parameters
    ----------
    bounds : Bounds
        Bounds of $W_p$. By the method of `Bures` they are proven. By formulas and quantiles they hold rounding, the
        difference of two rules of integration, tails and the errors of the distribution functions: honest estimates, not
        proofs in interval arithmetic. Where $W_p$ is infinite, so is ``value``, and ``lower`` if that is sure.
    cost : float
        The p-th power of the value.
    map : callable
        The optimal map, from arrays (...) of points on the line or (..., d) to arrays of the same shape:
        $G^{-1}\circ F$ on the line, affine between normals. It carries P to Q where P has no atoms; a point that has mass is
        sent to the upper end of where its mass goes.
    method : Method
        How the value was found.
    """

    bounds: Bounds
    cost: float
    map: Callable[[npt.ArrayLike], Floats] = field(repr=False)
    method: Method

    @property
    def value(self) -> float:
        """The distance $W_p$, inside its bounds."""
        return self.bounds.value


# Maps are records of this module, not local functions, so that a transport can be pickled.


@final
@dataclass(frozen=True, eq=False)
class _Map:
    """A rule for float64 arrays, on anything like an array."""

    rule: Callable[[Vector], Vector]

    def __call__(self, x: npt.ArrayLike) -> Floats:
        return np.asarray(self.rule(np.asarray(x, dtype=np.float64)), dtype=np.float64)


@final
@dataclass(frozen=True, eq=False)
class _Translation:
    """The map of x to x + shift."""

    shift: Floats | float

    def __call__(self, x: Vector) -> Vector:
        return np.asarray(x + self.shift)


@final
@dataclass(frozen=True, eq=False)
class _Stretch:
    """The map of a + b z to c + d z."""

    first: tuple[float, float]
    second: tuple[float, float]

    def __call__(self, x: Vector) -> Vector:
        (a, b), (c, d) = self.first, self.second
        return np.asarray(c + d * ((x - a) / b))


@final
@dataclass(frozen=True, eq=False)
class _Ranks:
    """The monotone map of P to Q, by the distribution function of P and the quantiles of Q."""

    P: Distribution
    Q: Distribution

    def __call__(self, x: Vector) -> Vector:
        below, above = _lattice_rank(self.P, x) if self.P.support().lattice else Inverse.of(self.P).rank(x)
        y = np.where(below <= above, _quantile(self.Q, below, upper=False), _quantile(self.Q, above, upper=True))
        return np.where(np.isnan(x), np.nan, y)


@final
@dataclass(frozen=True, eq=False)
class _Linear:
    """The affine map of one mean to the other, by a symmetric matrix."""

    mean: Floats
    other: Floats
    matrix: Floats

    def __call__(self, x: Vector) -> Vector:
        return np.asarray(self.other + (x - self.mean) @ self.matrix)


@final
@dataclass(frozen=True, eq=False)
class _Coordinatewise:
    """A map of each coordinate by itself."""

    maps: tuple[Callable[[npt.ArrayLike], Floats], ...]

    def __call__(self, x: Vector) -> Vector:
        return np.stack([one(x[..., i]) for i, one in enumerate(self.maps)], axis=-1)


def between(P: Any, Q: Any, *, p: float = 1) -> DistributionTransport:
    r"""The Wasserstein distance of two distributions and the optimal map.

    On the line, with quantile functions (Villani 2003, theorem 2.18; for p = 1 Vallender 1974),

    .. math:: W_p(P, Q)^p = \int_0^1 |F^{-1}(t) - G^{-1}(t)|^p \,dt, \qquad W_1(P, Q) = \int |F(x) - G(x)| \,dx;

    between normal distributions on vectors, for p = 2 (Dowson and Landau 1982),

    .. math:: W_2^2 = |m_1 - m_2|^2 + \operatorname{tr}\bigl(S_1 + S_2 - 2(S_1^{1/2} S_2 S_1^{1/2})^{1/2}\bigr).

    A registered formula is taken first; a distance that is infinite for want of a moment is named so.

    Parameters
    ----------
    P, Q : Distribution, scipy.stats or torch.distributions object
        Single distributions on one space. On the line and the integers any; on vectors normals and products of
        distributions on the line, with the Euclidean distance and p = 2, or for any p normals of one covariance.
    p : float, default: 1
        Order, at least 1 and finite.

    Returns
    -------
    DistributionTransport
        Bounds of $W_p$, the optimal map and the method.

    Raises
    ------
    TypeError
        If an argument is no distribution, or its parameters record gradients.
    ValueError
        If p is not a finite number of at least 1, on batches, on spaces of different dimension, and where no method is
        known in several dimensions.
    TransportError
        If quantiles are beyond the range of doubles, as for Student's t with a hundredth of a degree of freedom.

    References
    ----------
    C. Villani (2003), Topics in optimal transportation, AMS, theorem 2.18.

    S. S. Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the line, Theory
    Probab. Appl. 18, 784-786.

    D. C. Dowson and B. V. Landau (1982), The Fréchet distance between multivariate normal distributions, J. Multivariate
    Anal. 12, 450-455.

    Examples
    --------
    >>> from divergences.families import Cauchy, Exponential, Gamma, MultivariateNormal
    >>> from divergences.transport.between_distributions import between
    >>> between(Exponential(1.0), Exponential(0.5)).value
    1.0
    >>> transport = between(Exponential(1.0), Gamma(2.0, 3.0), p=2)
    >>> round(transport.value, 12), transport.bounds.gap < 1e-12, str(transport.method)
    (0.630527484108, True, 'Quantiles')
    >>> float(transport.map(1.0).round(12))
    0.715397740207
    >>> between(Cauchy(0.0, 1.0), Cauchy(0.0, 2.0)).value
    inf
    >>> one = MultivariateNormal([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])
    >>> round(between(one, MultivariateNormal([3.0, 0.0], [[4.0, 0.0], [0.0, 25.0]]), p=2).cost, 12)
    26.0
    """
    order = read_order(p)
    first, second = _single("P", P), _single("Q", Q)
    if first.dimension != second.dimension:
        msg = f"expected distributions on one space, got dimensions {first.dimension} and {second.dimension}"
        raise ValueError(msg)
    if first.dimension > 1:
        return _of_vectors(first, second, order)
    return _on_the_line(first, second, order)


def _single(name: str, x: Any) -> Distribution:
    """A single record with numpy parameters, of one coordinate as a record on the line."""
    record = as_distribution(x)
    parts = record.factors if isinstance(record, Product) else record
    parameters = parts.parameters if isinstance(parts, Family) else {}
    for key, value in parameters.items():
        if array_api_compat.is_torch_array(value) and value.requires_grad:
            msg = (
                f"expected parameters of {name} that record no gradients, got {key} with requires_grad; detach them, or "
                "take the distance of samples, whose gradient is known"
            )
            raise TypeError(msg)
    if record.batch_shape:
        msg = f"expected {name} to be a single distribution, got a batch of shape {record.batch_shape}; take one by one"
        raise ValueError(msg)
    single = next(iter(record.singles(())))
    if isinstance(single, MultivariateNormal) and single.dimension == 1:
        return Normal(float(single.mean[0]), math.sqrt(float(single.covariance[0, 0])))
    if isinstance(single, Product) and single.dimension == 1:
        return next(iter(single.factors.singles((1,))))
    return single


def _result(bounds: Bounds, p: float, mapping: Callable[[Vector], Vector], method: Method) -> DistributionTransport:
    """The record, its map on anything like an array."""
    return DistributionTransport(bounds, _power(bounds.value, p), _Map(mapping), method)


def _power(x: float, p: float) -> float:
    """The p-th power, infinite beyond the range of doubles."""
    return x if p == 1 else x * x if p == 2 else x**p if not x or p * math.log(x) < 709 else math.inf


def _widened(value: float, roundings: float) -> Bounds:
    slack = roundings * EPS * value
    return Bounds(max(value - slack, 0.0), value, value + slack)


# --------------------------------------------------------------------------------------------------------- on the line


def _on_the_line(P: Distribution, Q: Distribution, p: float) -> DistributionTransport:
    if same(P, Q):
        return _result(Bounds.exact(0.0), p, _Translation(0.0), ClosedForm("equal parameters"))
    pair = affine(P, Q)
    known = known_distance(P, Q, p)
    if known is not None:
        return _result(_widened(known[0], ROUNDINGS), p, _line_map(P, Q, pair), known[1])
    if is_infinitely_far(P, Q, p):
        return _result(Bounds.exact(math.inf), p, _line_map(P, Q, pair), Quantiles())
    return _result(_by_quantiles(P, Q, p, pair), p, _line_map(P, Q, pair), Quantiles())


def _by_quantiles(P: Distribution, Q: Distribution, p: float, pair: Affine | None) -> Bounds:
    """By the steps, the densities, or one of each."""
    lattice = P.support().lattice, Q.support().lattice
    if all(lattice):
        return steps_distance(Steps.of(P), Steps.of(Q), p)
    if lattice[0]:
        return mixed_distance(Steps.of(P), Inverse.of(Q), p)
    if lattice[1]:
        return mixed_distance(Steps.of(Q), Inverse.of(P), p)
    if pair is not None:
        return _of_one_standard(pair, p)
    first, second = Inverse.of(P), Inverse.of(Q)

    def gap(u: Vector, above: bool) -> tuple[Vector, Vector]:
        (x, x_error), (y, y_error) = first.at(u, upper=above), second.at(u, upper=above)
        return x - y, x_error + y_error

    jumps = [np.union1d(x, y) for x, y in zip(first.jumps, second.jumps, strict=True)]
    return quantile_distance(gap, p, (jumps[0], jumps[1]))


def _of_one_standard(pair: Affine, p: float) -> Bounds:
    """The gap of two images of one standard, which does not cancel."""
    standard = Inverse.of(pair.standard)

    def gap(u: Vector, above: bool) -> tuple[Vector, Vector]:
        z, error = standard.at(u, upper=above)
        stretched = pair.stretch * z
        rounding = 4 * EPS * (abs(pair.shift) + np.abs(stretched))
        return pair.shift + stretched, abs(pair.stretch) * error + rounding

    return quantile_distance(gap, p, standard.jumps)


def _line_map(P: Distribution, Q: Distribution, pair: Affine | None) -> Callable[[Vector], Vector]:
    """The monotone map of P to Q."""
    return _Ranks(P, Q) if pair is None else _Stretch(pair.first, pair.second)


def _lattice_rank(P: Distribution, x: Vector) -> tuple[Vector, Vector]:
    return np.asarray(P.cdf(x), dtype=np.float64), np.asarray(P.survival(x), dtype=np.float64)


def _quantile(Q: Distribution, u: Vector, *, upper: bool) -> Vector:
    """Quantiles at probabilities below or above, those of 0 being the end of the support."""
    support = Q.support()
    end = support.upper if upper else support.lower
    inside = (u > 0) & (u <= 1 / 2)
    asked = np.where(inside, u, 1 / 2)
    if support.lattice:
        found = Steps.of(Q).at(asked, upper=upper)[0]
    else:
        found = Inverse.of(Q).at(asked.ravel(), upper=upper)[0].reshape(asked.shape)
    return np.where(inside, found, end)


# ---------------------------------------------------------------------------------------------------------- on vectors


def _of_vectors(P: Distribution, Q: Distribution, p: float) -> DistributionTransport:
    if isinstance(P, Product) and isinstance(Q, Product) and p == 2:
        return _of_products(P, Q)
    first, second = _as_normal(P), _as_normal(Q)
    if first is None or second is None:
        msg = (
            f"expected normals, or products for p = 2, in {P.dimension} dimensions, got {P!r} and {Q!r} with p = {p:g}; "
            "draw samples of both and take the distance of the points"
        )
        raise ValueError(msg)
    (mean, s), (other, t) = first, second
    shift = np.asarray(other - mean, dtype=np.float64)
    if np.array_equal(s, t):
        length = float(np.linalg.norm(shift))
        source = ClosedForm("a translation, Jensen's inequality")
        return _result(_widened(length, 4 + len(mean)), p, _Translation(shift), source)
    if p != 2:
        msg = (
            f"expected p = 2 between normals of different covariance in several dimensions, got p = {p:g}; no formula is "
            "known: draw samples of both and take the distance of the points"
        )
        raise ValueError(msg)
    solution = bures_distance(s, t)
    squares = [math.hypot(*shift, x) for x in (solution.bounds.lower, solution.bounds.value, solution.bounds.upper)]
    slack = (4 + len(mean)) * EPS
    bounds = Bounds(squares[0] * (1 - slack), squares[1], squares[2] * (1 + slack))
    return _result(bounds, p, _Linear(mean, other, solution.map), Bures())


def _as_normal(P: Distribution) -> tuple[Floats, Floats] | None:
    """Mean and covariance of a normal distribution on vectors."""
    if isinstance(P, MultivariateNormal):
        return np.asarray(P.mean), np.asarray(P.covariance)
    if isinstance(P, Product) and isinstance(P.factors, Normal):
        loc, scale = np.broadcast_arrays(np.asarray(P.factors.loc), np.asarray(P.factors.scale))
        return loc, np.diag(scale**2)
    return None


def _of_products(P: Product, Q: Product) -> DistributionTransport:
    d = P.dimension
    pairs = zip(P.factors.singles((d,)), Q.factors.singles((d,)), strict=True)
    along = [_on_the_line(x, y, 2.0) for x, y in pairs]
    slack = (4 + d) * EPS
    lower, value, upper = (
        math.hypot(*(getattr(x.bounds, name) for x in along)) for name in ("lower", "value", "upper")
    )
    mapping = _Coordinatewise(tuple(one.map for one in along))
    return _result(Bounds(lower * (1 - slack), value, upper * (1 + slack)), 2.0, mapping, Coordinates())
