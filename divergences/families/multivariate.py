r"""Families on vectors, simplexes and matrices, and products of independent coordinates."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from divergences._arrays import Array, constant, known, quiet
from divergences.families.distribution import (
    NATURAL,
    POSITIVE,
    REAL,
    SIMPLEX,
    Distribution,
    Domain,
    Family,
    Support,
    Vector,
    parameter,
)

__all__ = ["Dirichlet", "MatrixNormal", "Multinomial", "MultivariateNormal", "Product", "Wishart"]


def _stats() -> Any:
    import scipy.stats

    return scipy.stats


def _is_definite(xp: Any, x: Array) -> Array:
    """Whether matrices are symmetric and positive definite."""
    close = float(xp.finfo(x.dtype).eps) * 16 * xp.max(xp.abs(x), axis=(-2, -1), keepdims=True)
    symmetric = xp.all(xp.abs(x - xp.matrix_transpose(x)) <= close, axis=(-2, -1))
    return symmetric & (xp.linalg.eigvalsh(x)[..., 0] > 0)


REAL_MATRIX = Domain("finite numbers along the last two axes", REAL.admits, 2)
REAL_VECTOR = Domain("finite numbers along the last axis", REAL.admits, 1)
POSITIVE_VECTOR = Domain("positive numbers along the last axis", POSITIVE.admits, 1)
DEFINITE = Domain("a symmetric positive definite matrix along the last two axes", _is_definite, 2)


class _Several(Family):
    """A family on vectors or matrices: it has no quantiles."""

    def support(self) -> Support:
        msg = f"expected a distribution on the line, got {self!r}; it has no interval as support"
        raise TypeError(msg)

    def quantile(self, u: Vector) -> Vector:
        msg = f"expected a distribution on the line, got {self!r}; it has no quantiles"
        raise TypeError(msg)

    def cdf(self, x: Vector) -> Vector:
        msg = f"expected a distribution on the line, got {self!r}; it has no distribution function of one number"
        raise TypeError(msg)

    def log_density(self, x: Vector) -> Vector:
        with quiet():
            return np.asarray(self.frozen().logpdf(x), dtype=np.float64).reshape(np.shape(x)[:-1])


@final
@dataclass(frozen=True, eq=False, repr=False)
class MultivariateNormal(_Several):
    r"""Normal distribution on $\mathbb R^d$: mean (..., d), covariance (..., d, d), positive definite."""

    mean: Array = parameter(REAL_VECTOR)
    covariance: Array = parameter(DEFINITE)

    def _check_together(self, xp: Any) -> None:
        d = self.mean.shape[-1]
        if tuple(self.covariance.shape[-2:]) != (d, d):
            msg = (
                f"expected a covariance of shape (..., {d}, {d}) beside a mean of {d} numbers, "
                f"got shape {tuple(self.covariance.shape)}"
            )
            raise ValueError(msg)

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return int(self.mean.shape[-1])

    def frozen(self) -> Any:
        return _stats().multivariate_normal(self.mean, self.covariance)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        noise = rng.standard_normal((size, self.dimension))
        return np.asarray(self.mean + noise @ np.linalg.cholesky(self.covariance).T, dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class MatrixNormal(_Several):
    r"""Normal distribution on matrices (m, n), entries of covariance $\operatorname{Cov}[x_{ij}, x_{kl}] = U_{ik} V_{jl}$.

    Here loc is (..., m, n), U = row_covariance (..., m, m), V = column_covariance (..., n, n). Row by row it is a
    multivariate normal of covariance $U \otimes V$ (Gupta & Nagar 2000, Matrix Variate Distributions, theorem 2.2.1).
    """

    loc: Array = parameter(REAL_MATRIX)
    row_covariance: Array = parameter(DEFINITE)
    column_covariance: Array = parameter(DEFINITE)

    def _check_together(self, xp: Any) -> None:
        m, n = self.loc.shape[-2:]
        found = tuple(self.row_covariance.shape[-2:]), tuple(self.column_covariance.shape[-2:])
        if found != ((m, m), (n, n)):
            msg = f"expected covariances of shapes {(m, m)} and {(n, n)} beside a loc of {m} rows and {n} columns, got {found[0]} and {found[1]}"
            raise ValueError(msg)

    @property
    def dimension(self) -> int:
        """Number m n of entries."""
        return int(self.loc.shape[-2] * self.loc.shape[-1])

    def frozen(self) -> Any:
        return _stats().matrix_normal(self.loc, self.row_covariance, self.column_covariance)

    def _by_rows(self) -> MultivariateNormal:
        """A single one of vectors."""
        return MultivariateNormal(
            np.reshape(self.loc, (-1,)), np.kron(np.asarray(self.row_covariance), np.asarray(self.column_covariance))
        )

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density at matrices (..., m, n)."""
        x = np.asarray(x, dtype=np.float64)
        if x.shape[-2:] != tuple(self.loc.shape[-2:]):
            msg = f"expected matrices of shape {tuple(self.loc.shape[-2:])}, got an array of shape {x.shape}"
            raise ValueError(msg)
        return self._by_rows().log_density(x.reshape(*x.shape[:-2], self.dimension))

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        rows, columns = (np.linalg.cholesky(x) for x in (self.row_covariance, self.column_covariance))
        noise = rng.standard_normal((size, *self.loc.shape))
        return np.asarray(self.loc + rows @ noise @ columns.T, dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Dirichlet(_Several):
    r"""Dirichlet distribution on the simplex, density $\propto \prod x_i^{a_i - 1}$, a = concentration (..., n)."""

    concentration: Array = parameter(POSITIVE_VECTOR)

    @property
    def dimension(self) -> int:
        """Dimension n - 1 of the simplex."""
        return int(self.concentration.shape[-1]) - 1

    def frozen(self) -> Any:
        return _stats().dirichlet(self.concentration)

    def log_density(self, x: Vector) -> Vector:
        from scipy.special import gammaln, xlogy

        a = self.concentration
        return np.asarray(np.sum(xlogy(a - 1, x), axis=-1) + gammaln(a.sum()) - np.sum(gammaln(a)), dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        return rng.dirichlet(np.asarray(self.concentration), size=size)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Multinomial(_Several):
    r"""Counts of n independent draws with these probabilities (..., m): $P(k) = \frac{n!}{\prod k_i!}\prod p_i^{k_i}$, $\sum k_i = n$."""

    n: Array = parameter(NATURAL)
    probabilities: Array = parameter(SIMPLEX)

    @property
    def dimension(self) -> int:
        """Number m of counts."""
        return int(self.probabilities.shape[-1])

    def frozen(self) -> Any:
        return _stats().multinomial(int(self.n), self.probabilities)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the probability of counts (..., m)."""
        from scipy.special import gammaln, xlogy

        k = np.asarray(x, dtype=np.float64)
        inside = np.all((k >= 0) & (k == np.floor(k)), axis=-1) & (np.sum(k, axis=-1) == self.n)
        k = np.where(inside[..., None], k, 0.0)
        value = gammaln(self.n + 1) + np.sum(xlogy(k, self.probabilities) - gammaln(k + 1), axis=-1)
        return np.where(inside, value, -np.inf)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        return np.asarray(rng.multinomial(int(self.n), self.probabilities, size=size), dtype=np.float64)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Wishart(_Several):
    r"""Wishart distribution of $\sum_{i\le\nu} x_i x_i^T$, $x_i \sim N(0, V)$: $\nu$ = df > d - 1, V = scale (..., d, d)."""

    df: Array = parameter(POSITIVE)
    scale: Array = parameter(DEFINITE)

    def _check_together(self, xp: Any) -> None:
        d = self.scale.shape[-1]
        if known(xp, self.df > d - 1) is False:
            msg = f"expected df of Wishart above d - 1 = {d - 1}, got {np.asarray(constant(self.df))}"
            raise ValueError(msg)

    @property
    def dimension(self) -> int:
        """Dimension d(d + 1)/2 of the cone of symmetric matrices."""
        d = int(self.scale.shape[-1])
        return d * (d + 1) // 2

    def frozen(self) -> Any:
        return _stats().wishart(self.df, self.scale)

    def log_density(self, x: Vector) -> Vector:
        """Logarithm of the density at matrices (..., d, d)."""
        from scipy.special import multigammaln

        d, n = self.scale.shape[-1], float(self.df)
        value = (n - d - 1) * np.linalg.slogdet(x)[1] - np.trace(np.linalg.solve(self.scale, x), axis1=-2, axis2=-1)
        norm = n * d * math.log(2) + n * np.linalg.slogdet(self.scale)[1] + 2 * multigammaln(n / 2, d)
        return np.asarray((value - norm) / 2, dtype=np.float64)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        d = self.scale.shape[-1]
        return np.asarray(self.frozen().rvs(size=size, random_state=rng), dtype=np.float64).reshape(size, d, d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Product(Distribution):
    """Independent coordinates: the last axis of a batch on the line becomes the axis of the space."""

    factors: Family

    def __post_init__(self) -> None:
        """Refuse a single distribution."""
        if not self.factors.batch_shape:
            msg = f"expected a batch of distributions, one per coordinate, got {self.factors!r}; give it parameters of shape (d,)"
            raise ValueError(msg)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return self.factors.batch_shape[:-1]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.factors.batch_shape[-1]

    def singles(self, shape: tuple[int, ...]) -> Iterator[Self]:
        """The single distributions of the batch, broadcast to a shape, in row-major order."""
        d = self.dimension
        each = list(self.factors.singles((*shape, d)))
        for k in range(0, len(each), d):
            parts = [x.parameters for x in each[k : k + d]]
            yield type(self)(type(self.factors)(**{name: np.stack([x[name] for x in parts]) for name in parts[0]}))

    def _coordinates(self) -> list[Family]:
        return list(self.factors.singles(self.factors.batch_shape))

    def support(self) -> Support:
        msg = f"expected a distribution on the line, got a product of {self.dimension}"
        raise TypeError(msg)

    def log_density(self, x: Vector) -> Vector:
        parts = [d.log_density(x[..., i]) for i, d in enumerate(self._coordinates())]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def quantile(self, u: Vector) -> Vector:
        msg = f"expected a distribution on the line, got a product of {self.dimension}"
        raise TypeError(msg)

    def cdf(self, x: Vector) -> Vector:
        msg = f"expected a distribution on the line, got a product of {self.dimension}"
        raise TypeError(msg)

    def sample(self, size: int, rng: np.random.Generator) -> Vector:
        return np.stack([d.sample(size, rng) for d in self._coordinates()], axis=-1)

    def __repr__(self) -> str:
        """As it is made."""
        return f"Product({self.factors!r})"
