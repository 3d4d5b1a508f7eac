r"""What a distribution can be asked, and how the record of a parametric family is declared.

A family is a frozen dataclass whose fields are its parameters, each declared with its domain::

    class Gamma(Family):
        shape: Array = parameter(POSITIVE)
        rate: Array = parameter(POSITIVE)

Parameters are arrays of any array library; they broadcast, and a record of arrays is a batch of distributions.
Densities, quantiles and samples are asked of single distributions only and are computed by numpy and scipy.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import Array, constant, known, namespace, quiet

__all__ = [
    "NATURAL",
    "POSITIVE",
    "PROBABILITY",
    "REAL",
    "SIMPLEX",
    "Distribution",
    "Domain",
    "Family",
    "Support",
    "parameter",
]

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Support:
    """The smallest interval that carries a distribution on the line, and whether it carries the integers of it only."""

    lower: float
    upper: float
    lattice: bool = False


class Distribution(ABC):
    """A single probability distribution, or the record of a batch of them."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch; () for a single distribution."""
        return ()

    @property
    def dimension(self) -> int:
        """Dimension of the space: 1 on the line."""
        return 1

    @abstractmethod
    def support(self) -> Support:
        """Where a single distribution on the line lives.

        Returns
        -------
        Support
            The interval, or the integers in it.
        """

    @abstractmethod
    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, or of the probability on a lattice, of a single distribution.

        Parameters
        ----------
        x : array (...) or (..., d)
            Points of the space.

        Returns
        -------
        array (...)
            In double precision; ``-inf`` outside the support.
        """

    @abstractmethod
    def quantile(self, u: Vector) -> Vector:
        """Quantiles of a single distribution on the line.

        Parameters
        ----------
        u : array
            Probabilities.

        Returns
        -------
        array
            Same shape: the least x with P(X <= x) >= u.
        """

    @abstractmethod
    def cdf(self, x: Vector) -> Vector:
        """Distribution function P(X <= x) of a single distribution on the line.

        Parameters
        ----------
        x : array
            Points of the line.

        Returns
        -------
        array
            Same shape.
        """

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x) of a single distribution on the line.

        Parameters
        ----------
        x : array
            Points of the line.

        Returns
        -------
        array
            Same shape. Unless a distribution knows better it is what its distribution function leaves of 1, which has
            few digits where that is near 1.
        """
        return np.asarray(1 - self.cdf(x), dtype=np.float64)

    @abstractmethod
    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """Independent draws of a single distribution.

        Parameters
        ----------
        size : int
            How many.
        rng : numpy.random.Generator
            The source of randomness.

        Returns
        -------
        array (size,) or (size, d)
            The draws.
        """

    def breaks(self) -> tuple[float, ...]:
        """Points inside the support where the density is not smooth.

        Returns
        -------
        tuple of float
            In any order.
        """
        return ()

    def singles(self, shape: tuple[int, ...]) -> "Iterator[Distribution]":
        """The single distributions of the batch, broadcast to a shape, in row-major order.

        Parameters
        ----------
        shape : tuple of int
            The shape.

        Yields
        ------
        Distribution
            With numpy parameters.
        """
        for _ in range(int(np.prod(shape, dtype=int))):
            yield self


# ---------------------------------------------------------------------------------------------- declared parameters


@final
@dataclass(frozen=True, slots=True)
class Domain:
    """What a parameter may be: in words, as a test, and the number of axes that belong to one distribution."""

    words: str
    admits: Callable[[Any, Array], Array]
    axes: int = 0


def _finite(xp: Any, x: Array) -> Array:
    return xp.isfinite(x)


REAL = Domain("a finite number", _finite)
POSITIVE = Domain("a positive number", lambda xp, x: (x > 0) & xp.isfinite(x))
PROBABILITY = Domain("a probability, from 0 to 1", lambda xp, x: (x >= 0) & (x <= 1))
NATURAL = Domain("a positive integer", lambda xp, x: (x >= 1) & (x == xp.floor(x)) & xp.isfinite(x))
SIMPLEX = Domain(
    "non-negative numbers of sum 1 along the last axis",
    lambda xp, x: (xp.min(x, axis=-1) >= 0) & (xp.abs(xp.sum(x, axis=-1) - 1) <= float(xp.finfo(x.dtype).eps) ** 0.5),
    1,
)


def parameter(domain: Domain) -> Any:
    """A field of a family, with its domain.

    Parameters
    ----------
    domain : Domain
        What the parameter may be.

    Returns
    -------
    dataclasses.Field
        For the body of a class.
    """
    return field(metadata={"domain": domain})


class Family(Distribution):
    """A parametric family: a frozen dataclass whose fields are declared by `parameter`."""

    _shape: ClassVar[tuple[int, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse parameters outside their domains, or that do not broadcast."""
        names = [x.name for x in fields(self)]  # type: ignore[arg-type]
        xp, arrays = namespace(**{name: getattr(self, name) for name in names})
        for (name, domain), x in zip(self._domains(), arrays, strict=True):
            if x.ndim < domain.axes:
                msg = (
                    f"expected {name} of {type(self).__name__} to have at least {domain.axes} axes, got shape {x.shape}"
                )
                raise ValueError(msg)
            with quiet():
                admitted = domain.admits(xp, x)
            if known(xp, admitted) is False:
                wrong = x if domain.axes else x[~admitted]
                shown = np.array2string(np.asarray(constant(wrong)).ravel()[:3], separator=", ")
                msg = f"expected {name} of {type(self).__name__} to be {domain.words}, got {shown}"
                raise ValueError(msg)
            object.__setattr__(self, name, x if x.ndim else x[()])
        try:
            shape = self._broadcast_shape()
        except ValueError as error:
            shapes = ", ".join(f"{name} {tuple(x.shape)}" for name, x in zip(names, arrays, strict=True))
            msg = f"expected parameters of {type(self).__name__} that broadcast, got {shapes}"
            raise ValueError(msg) from error
        object.__setattr__(self, "_shape", shape)
        self._check_together(xp)

    def _check_together(self, xp: Any) -> None:
        """Refuse parameters that do not fit each other."""

    @classmethod
    def _domains(cls) -> list[tuple[str, Domain]]:
        return [(x.name, x.metadata["domain"]) for x in fields(cls)]  # type: ignore[arg-type]

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name."""
        return {x.name: getattr(self, x.name) for x in fields(self)}  # type: ignore[arg-type]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch: what the parameters broadcast to."""
        return self._shape

    def _broadcast_shape(self) -> tuple[int, ...]:
        shapes = [tuple(getattr(self, name).shape) for name, _ in self._domains()]
        return np.broadcast_shapes(
            *(s[: len(s) - domain.axes] for s, (_, domain) in zip(shapes, self._domains(), strict=True))
        )

    def singles(self, shape: tuple[int, ...]) -> Iterator[Self]:
        """The single distributions of the batch, with numpy parameters."""
        arrays = {}
        for name, domain in self._domains():
            x = np.asarray(constant(getattr(self, name)), dtype=np.float64)
            if domain is SIMPLEX:  # of a mass that single precision knows
                x = x / x.sum(axis=-1, keepdims=True)
            arrays[name] = np.broadcast_to(x, shape + x.shape[x.ndim - domain.axes :])
        for index in np.ndindex(*shape):
            yield replace(self, **{name: x[index] for name, x in arrays.items()})  # type: ignore[type-var]

    # ------------------------------------------------------------------------------------ what scipy.stats can be asked

    @abstractmethod
    def frozen(self) -> Any:
        """The same single distribution as an object of scipy.stats.

        Returns
        -------
        frozen distribution
            With ``cdf``, ``ppf``, ``rvs`` and so on.
        """

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density, or of the probability on a lattice, by scipy."""
        frozen = self.frozen()
        density: Callable[[Vector], Vector] = frozen.logpmf if self.support().lattice else frozen.logpdf
        with quiet():
            return density(x)

    def quantile(self, u: Vector) -> Vector:
        """Quantiles, by scipy."""
        return np.asarray(self.frozen().ppf(u), dtype=np.float64)

    def cdf(self, x: Vector) -> Vector:
        """Distribution function, by scipy."""
        return np.asarray(self.frozen().cdf(x), dtype=np.float64)

    def survival(self, x: Vector) -> Vector:
        """The probability P(X > x): scipy's where the distribution function is, else what that leaves of 1."""
        if type(self).cdf is not Family.cdf:
            return super().survival(x)
        return np.asarray(self.frozen().sf(x), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        """Independent draws, by scipy."""
        return np.asarray(self.frozen().rvs(size=size, random_state=rng), dtype=np.float64)

    def __repr__(self) -> str:
        """As it is made, arrays by their shapes."""
        shown = (
            f"{name}={float(constant(x))!r}" if not x.shape else f"{name}=<array {tuple(x.shape)}>"
            for name, x in self.parameters.items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"
