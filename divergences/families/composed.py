r"""Distributions made of others: mixtures, images under monotone maps, and objects of other libraries."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from divergences._arrays import quiet
from divergences.families.distribution import Distribution, Support, Vector

__all__ = ["Mixture", "Monotone", "Pushforward", "Wrapped"]

STEPS = 200
"""Halvings of an interval, at most, until its ends are neighbours among doubles."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class Mixture(Distribution):
    r"""Mixture $\sum_i w_i P_i$ of single distributions on one space.

    Parameters
    ----------
    components : sequence of Distribution
        The parts.
    weights : sequence of float
        Their positive weights, of sum 1.

    Raises
    ------
    ValueError
        On other weights, or on components of different dimension or kind.

    Examples
    --------
    >>> from divergences.families import Mixture, Normal
    >>> two = Mixture([Normal(-1, 0.25), Normal(2, 2**0.5)], [0.33, 0.67])
    >>> float(two.cdf(0.0))
    0.3826847828520406
    """

    components: Sequence[Distribution]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        """Refuse weights that are no probabilities, and components that do not belong together."""
        weights = np.asarray(self.weights, dtype=np.float64)
        parts = tuple(self.components)
        if weights.shape != (len(parts),) or not parts:
            msg = f"expected one weight per component, got {weights.shape} weights for {len(parts)} components"
            raise ValueError(msg)
        if not (np.all(weights > 0) and abs(weights.sum() - 1) < 1e-8):
            msg = (
                f"expected positive weights of sum 1, got {weights.tolist()}; divide them by their sum, leave out zeros"
            )
            raise ValueError(msg)
        self._require_records(parts)
        kinds = {(d.dimension, d.dimension == 1 and d.support().lattice) for d in parts}
        if len(kinds) > 1 or any(d.batch_shape for d in parts):
            msg = (
                f"expected single distributions on one space, all with densities or all on integers, got {list(parts)}"
            )
            raise ValueError(msg)
        object.__setattr__(self, "components", parts)
        object.__setattr__(self, "weights", tuple((weights / weights.sum()).tolist()))

    def _require_records(self, parts: tuple[object, ...]) -> None:
        for part in parts:
            if not isinstance(part, Distribution):
                msg = f"expected components that are records, got {type(part).__name__}; as_distribution makes them"
                raise TypeError(msg)

    @property
    def dimension(self) -> int:
        """Dimension of the space."""
        return self.components[0].dimension

    def support(self) -> Support:
        """The smallest interval around all supports."""
        parts = [d.support() for d in self.components]
        return Support(min(s.lower for s in parts), max(s.upper for s in parts), parts[0].lattice)

    def breaks(self) -> tuple[float, ...]:
        """Those of the components, and the ends of their supports inside."""
        whole = self.support()
        points = {x for d in self.components for x in (*d.breaks(), d.support().lower, d.support().upper)}
        return tuple(sorted(x for x in points if whole.lower < x < whole.upper))

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the sum of the weighted densities."""
        parts = [d.log_density(x) + np.log(w) for d, w in zip(self.components, self.weights, strict=True)]
        with quiet():
            return np.asarray(np.logaddexp.reduce(parts, axis=0), dtype=np.float64)

    def cdf(self, x: Vector) -> Vector:
        """Weighted sum of the distribution functions."""
        parts = (w * d.cdf(x) for d, w in zip(self.components, self.weights, strict=True))
        return np.asarray(sum(parts), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """Weighted sum of the probabilities P(X > x) of the components."""
        parts = (w * d.survival(x) for d, w in zip(self.components, self.weights, strict=True))
        return np.asarray(sum(parts), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles by bisection between those of the components."""
        u = np.asarray(u, dtype=np.float64)
        each = np.asarray([d.quantile(u) for d in self.components])
        low, high = each.min(axis=0) - self.support().lattice, each.max(axis=0)
        for _ in range(STEPS):
            with quiet():
                middle = np.where(np.isfinite(low) & np.isfinite(high), low / 2 + high / 2, low)
            if self.support().lattice:
                middle = np.floor(middle)
            if np.all((middle == low) | (middle == high)):
                break
            enough = self.cdf(middle) >= u
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.asarray(high, dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """Draws, each of a component drawn first."""
        counts = rng.multinomial(size, self.weights)
        parts = [d.sample(int(n), rng) for d, n in zip(self.components, counts, strict=True)]
        return np.asarray(rng.permutation(np.concatenate(parts)), dtype=np.float64)

    def __repr__(self) -> str:
        """As it is made."""
        return f"Mixture({list(self.components)!r}, {list(self.weights)!r})"


@final
@dataclass(frozen=True, slots=True)
class Monotone:
    r"""A strictly monotone, differentiable map g of an interval of the line.

    Parameters
    ----------
    forward, inverse : callable
        $g$ and $g^{-1}$, on arrays.
    log_slope : callable
        $\log|g'(x)|$, on arrays.
    increasing : bool, default: True
        Whether g increases.
    name : str, default: "g"
        What to call it.
    """

    forward: Callable[[Vector], Vector]
    inverse: Callable[[Vector], Vector]
    log_slope: Callable[[Vector], Vector]
    increasing: bool = True
    name: str = "g"

    def __repr__(self) -> str:
        """Its name: functions have none."""
        return f"<Monotone: {self.name}>"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Pushforward(Distribution):
    r"""The distribution $g_\#P$ of g(X) for X with distribution P: density $p(x)/|g'(x)|$ at $g(x)$.

    Two images under one and the same map have the divergences of the originals.

    Parameters
    ----------
    base : Distribution
        A distribution with a density on the line, or a batch of them.
    map : Monotone
        The map, monotone on the support of the base.

    Examples
    --------
    >>> import numpy as np
    >>> from divergences.families import Monotone, Pushforward, Uniform
    >>> square = Monotone(np.square, np.sqrt, lambda x: np.log(2 * x), name="x^2")
    >>> float(np.exp(Pushforward(Uniform(0, 1), square).log_density(np.asarray(0.25))))
    1.0
    """

    base: Distribution
    map: Monotone

    def __post_init__(self) -> None:
        """Refuse what has no density on the line."""
        first = next(iter(self.base.singles(self.base.batch_shape)), None)
        if self.base.dimension != 1 or (first is not None and first.support().lattice):
            msg = f"expected a distribution with a density on the line, got {self.base!r}"
            raise ValueError(msg)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return self.base.batch_shape

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the base, by name."""
        return dict(getattr(self.base, "parameters", {}))

    def singles(self, shape: tuple[int, ...]) -> Iterator[Self]:
        """The single distributions of the batch, broadcast to a shape, in row-major order."""
        for base in self.base.singles(shape):
            yield type(self)(base, self.map)

    def _in_order(self, low: Any, high: Any) -> tuple[Any, Any]:
        return (low, high) if self.map.increasing else (high, low)

    def support(self) -> Support:
        """The image of the support."""
        inner = self.base.support()
        with quiet():
            ends = [float(self.map.forward(np.asarray(x))) for x in (inner.lower, inner.upper)]
        return Support(*self._in_order(*ends))

    def breaks(self) -> tuple[float, ...]:
        """The images of those of the base."""
        return tuple(float(self.map.forward(np.asarray(x))) for x in self.base.breaks())

    def log_density(self, x: Vector) -> Vector:
        """That of the base at the inverse image, less the logarithm of the slope there."""
        support = self.support()
        inside = (x >= support.lower) & (x <= support.upper)
        with quiet():
            original = self.map.inverse(x)
            value = self.base.log_density(original) - self.map.log_slope(original)
        return np.asarray(np.where(inside & ~np.isnan(value), value, -np.inf), dtype=np.float64)

    def cdf(self, x: Vector) -> Vector:
        """That of the base at the inverse image, or what is left of 1."""
        return self.base.cdf(self._original(x)) if self.map.increasing else self.base.survival(self._original(x))

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x), likewise."""
        return self.base.survival(self._original(x)) if self.map.increasing else self.base.cdf(self._original(x))

    def _original(self, x: Vector) -> Vector:
        support = self.support()
        with quiet():
            return self.map.inverse(np.clip(x, support.lower, support.upper))

    def quantile(self, u: Vector) -> Vector:
        """The images of the quantiles of the base."""
        return self.map.forward(self.base.quantile(u if self.map.increasing else 1 - np.asarray(u)))

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """The images of draws of the base."""
        return self.map.forward(self.base.sample(size, rng))

    def __repr__(self) -> str:
        """As it is made."""
        return f"Pushforward({self.base!r}, {self.map.name})"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Wrapped(Distribution):
    """A distribution of another library that has no record here, asked through its own functions."""

    original: Any
    interval: Support
    functions: "Functions"
    points: tuple[float, ...] = ()

    def support(self) -> Support:
        """The interval that its library states."""
        return self.interval

    def log_density(self, x: Vector) -> Vector:
        """By its library, and ``-inf`` outside the support."""
        x = np.asarray(x, dtype=np.float64)
        inside = (x >= self.interval.lower) & (x <= self.interval.upper)
        if self.interval.lattice:
            inside &= x == np.floor(x)
        somewhere = self.quantile(np.asarray(0.5))
        with quiet():
            value = self.functions.log_density(np.where(inside, x, somewhere))
        return np.asarray(np.where(inside, value, -np.inf), dtype=np.float64)

    def cdf(self, x: Vector) -> Vector:
        """By its library."""
        return np.asarray(self.functions.cdf(x), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """By its library."""
        return np.asarray(self.functions.survival(x), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        """By its library."""
        return np.asarray(self.functions.quantile(u), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """By quantiles of uniform draws."""
        return self.quantile(rng.random(size))

    def breaks(self) -> tuple[float, ...]:
        """As they were stated."""
        return self.points

    def singles(self, shape: tuple[int, ...]) -> Iterator[Self]:
        """Itself, again and again."""
        for _ in range(int(np.prod(shape, dtype=int))):
            yield self

    def __repr__(self) -> str:
        """That of the original."""
        return repr(self.original)


@final
@dataclass(frozen=True, slots=True)
class Functions:
    """What an object of another library answers."""

    log_density: Callable[[Vector], Any]
    cdf: Callable[[Vector], Any]
    survival: Callable[[Vector], Any]
    quantile: Callable[[Vector], Any]
