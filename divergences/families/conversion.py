r"""Records from the objects of scipy.stats (frozen distributions and the newer classes) and torch.distributions.

Neither library is imported here: an object names the module it comes from. Parameters keep their library, so that torch
tensors stay tensors and record gradients.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences.families.composed import Functions, Mixture, Monotone, Pushforward, Wrapped
from divergences.families.continuous import (
    Beta,
    Cauchy,
    Exponential,
    Gamma,
    Gumbel,
    HalfNormal,
    InverseGamma,
    Laplace,
    Logistic,
    LogNormal,
    Normal,
    Pareto,
    StudentT,
    Uniform,
    VonMises,
    Weibull,
)
from divergences.families.directional import VonMisesFisher
from divergences.families.discrete import Bernoulli, Binomial, Categorical, Geometric, NegativeBinomial, Poisson
from divergences.families.distribution import Distribution, Family, Support, Vector
from divergences.families.images import Chi, ExpGamma, Moyal
from divergences.families.multivariate import Dirichlet, MatrixNormal, Multinomial, MultivariateNormal, Product, Wishart
from divergences.families.tilted import ContinuousBernoulli

__all__ = ["as_distribution", "is_distribution"]


def is_distribution(x: Any) -> bool:
    """Whether an object is a distribution of this package, of scipy.stats or of torch.distributions.

    Parameters
    ----------
    x : object
        Anything.

    Returns
    -------
    bool
        False for arrays, sequences and numbers.
    """
    return isinstance(x, Distribution) or _origin(x) in ("torch", "scipy", "newer scipy")


def _origin(x: Any) -> str:
    for kind in type(x).__mro__:
        module, name = kind.__module__, kind.__name__
        if module.startswith("torch.distributions") and name == "Distribution":
            return "torch"
        if module.startswith("scipy.stats"):
            if name in ("rv_frozen", "multi_rv_frozen"):
                return "scipy"
            if name in ("UnivariateDistribution", "_ProbabilityDistribution", "Mixture"):
                return "newer scipy"
    return ""


def as_distribution(x: Any) -> Distribution:
    """The record of a distribution.

    Parameters
    ----------
    x : Distribution, scipy.stats or torch.distributions object
        What is to be compared.

    Returns
    -------
    Distribution
        A record of a family where there is one; else the object itself, asked for its densities.

    Raises
    ------
    TypeError
        If x is none of these, or has no density that could be asked for.

    Examples
    --------
    >>> import scipy.stats
    >>> from divergences.families import as_distribution
    >>> as_distribution(scipy.stats.gamma(2.0, scale=4.0))
    Gamma(shape=2.0, rate=0.25)
    """
    if isinstance(x, Distribution):
        return x
    origin = _origin(x)
    if origin == "torch":
        return _from_torch(x)
    if origin == "scipy":
        return _from_frozen(x)
    if origin == "newer scipy":
        return _from_newer(x)
    msg = (
        f"expected a distribution of divergences.families, scipy.stats or torch.distributions, got {type(x).__name__}; "
        "scipy's are to be frozen, as in scipy.stats.norm(0, 1), and vectors of probabilities go to enclose(p, q)"
    )
    raise TypeError(msg)


# -------------------------------------------------------------------------------------------------------- scipy.stats

Maker = Callable[..., Distribution | None]


def _located(make: Callable[..., Distribution]) -> Maker:
    """A maker for families without location: None where there is one."""
    return lambda *shapes, loc, scale: make(*shapes, scale) if np.all(np.asarray(loc) == 0) else None


FROZEN: dict[str, Maker] = {
    "norm": Normal,
    "halfnorm": _located(HalfNormal),
    "lognorm": _located(lambda s, scale: LogNormal(np.log(scale), s)),
    "expon": _located(lambda scale: Exponential(1 / np.asarray(scale))),
    "gamma": _located(lambda a, scale: Gamma(a, 1 / np.asarray(scale))),
    "erlang": _located(lambda a, scale: Gamma(a, 1 / np.asarray(scale))),
    "chi": _located(Chi),
    "loggamma": lambda c, loc, scale: ExpGamma(c, np.exp(-np.asarray(loc))) if np.all(scale == 1) else None,
    "moyal": Moyal,
    "chi2": _located(lambda df, scale: Gamma(np.asarray(df) / 2, 0.5 / np.asarray(scale))),
    "invgamma": _located(InverseGamma),
    "weibull_min": _located(Weibull),
    "rayleigh": _located(lambda scale: Weibull(2.0, math.sqrt(2) * np.asarray(scale))),
    "beta": lambda a, b, loc, scale: Beta(a, b) if np.all(loc == 0) and np.all(scale == 1) else None,
    "laplace": Laplace,
    "logistic": Logistic,
    "cauchy": Cauchy,
    "gumbel_r": Gumbel,
    "pareto": _located(Pareto),
    "uniform": lambda loc, scale: Uniform(loc, np.asarray(loc) + scale),
    "t": StudentT,
    "vonmises": lambda kappa, loc, scale: VonMises(loc, kappa) if np.all(scale == 1) else None,
    "poisson": lambda mu, loc: Poisson(mu) if np.all(loc == 0) else None,
    "geom": lambda p, loc: Geometric(p) if np.all(loc == -1) else None,
    "binom": lambda n, p, loc: Binomial(n, p) if np.all(loc == 0) else None,
    "nbinom": lambda n, p, loc: NegativeBinomial(n, p) if np.all(loc == 0) else None,
    "bernoulli": lambda p, loc: Bernoulli(p) if np.all(loc == 0) else None,
}
"""By the name of the scipy distribution; with a location or scale that a family does not have there is no record."""


def _from_frozen(x: Any) -> Distribution:
    several: dict[str, Callable[[], Distribution]] = {
        "multivariate_normal_frozen": lambda: MultivariateNormal(x.mean, x.cov),
        "dirichlet_frozen": lambda: Dirichlet(x.alpha),
        "wishart_frozen": lambda: Wishart(x.df, x.scale),
        "multinomial_frozen": lambda: Multinomial(x.n, x.p),
        "vonmises_fisher_frozen": lambda: VonMisesFisher(x.mu, x.kappa),
        "matrix_normal_frozen": lambda: MatrixNormal(x.mean, x.rowcov, x.colcov),
    }
    made = several.get(type(x).__name__)
    if made is not None:
        return made()
    if not hasattr(x, "dist") or not hasattr(x, "ppf"):
        msg = (
            "expected a distribution on the line, or a multivariate normal, matrix normal, Dirichlet, Wishart, multinomial or "
            f"von Mises-Fisher, got {type(x).__name__}"
        )
        raise TypeError(msg)
    shapes, loc, scale = x.dist._parse_args(*x.args, **x.kwds)
    lattice = hasattr(x.dist, "pmf")
    maker = FROZEN.get(x.dist.name)
    if maker is not None:
        record = maker(*shapes, loc=loc) if lattice else maker(*shapes, loc=loc, scale=scale)
        if record is not None:
            return record
    shape = np.broadcast_shapes(*(np.shape(v) for v in (*shapes, loc) + (() if lattice else (scale,))))
    if shape:
        msg = f"expected a single distribution {x.dist.name}, got a batch of shape {shape}; compare one by one"
        raise TypeError(msg)
    lower, upper = map(float, x.support())
    density = x.logpmf if lattice else x.logpdf
    return Wrapped(x, Support(lower, upper, lattice), Functions(density, x.cdf, x.sf, x.ppf))


def _from_newer(x: Any) -> Distribution:
    name = type(x).__name__
    if name == "Mixture":
        return Mixture([as_distribution(part) for part in x.components], [float(w) for w in x.weights])
    known: dict[str, Callable[[], Distribution]] = {
        "Normal": lambda: Normal(x.mu, x.sigma),
        "StandardNormal": lambda: Normal(0.0, 1.0),
        "Uniform": lambda: Uniform(x.a, x.b),
        "Binomial": lambda: Binomial(x.n, x.p),
    }
    if name in known:
        return known[name]()
    if np.ndim(x.mean()):
        msg = f"expected a single distribution {name}, got a batch; compare one by one"
        raise TypeError(msg)
    lower, upper = (float(end) for end in x.support())
    lattice = any(kind.__name__ == "DiscreteDistribution" for kind in type(x).__mro__)
    density = x.logpmf if lattice else x.logpdf
    return Wrapped(x, Support(lower, upper, lattice), Functions(density, x.cdf, x.ccdf, x.icdf))


# ------------------------------------------------------------------------------------------------ torch.distributions


def _from_torch(x: Any) -> Distribution:
    make = TORCH.get(type(x).__name__)
    if make is None:
        msg = (
            f"expected a torch distribution among {', '.join(sorted(TORCH))}, got {type(x).__name__}; "
            "compare tensors of its probabilities, or samples of it"
        )
        raise TypeError(msg)
    return make(x)


def _torch_independent(x: Any) -> Distribution:
    """Axes of the batch become coordinates; of vectors, the coordinates of all one after the other."""
    base, axes = _from_torch(x.base_dist), x.reinterpreted_batch_ndims
    if not axes:
        return base
    if isinstance(base, Product):
        return Product(_flattened(base.factors, axes + 1))
    if isinstance(base, MultivariateNormal):
        whole = _flattened(base, axes)
        return MultivariateNormal(*_side_by_side(whole.mean, whole.covariance))
    if not isinstance(base, Family) or base.dimension != 1:
        msg = f"expected torch's Independent of distributions on the line or of normal vectors, got {x!r}"
        raise TypeError(msg)
    return Product(_flattened(base, axes))


def _flattened(base: Any, axes: int) -> Any:
    """A family with the last axes of its batch as one."""
    shape = base.batch_shape
    arrays = {}
    for name, domain in base._domains():
        x = getattr(base, name)
        own = tuple(x.shape)[x.ndim - domain.axes :]
        arrays[name] = x.broadcast_to(shape + own).reshape(*shape[: len(shape) - axes], -1, *own)
    return type(base)(**arrays)


def _side_by_side(mean: Any, covariance: Any) -> tuple[Any, Any]:
    """Means (..., n, d) and covariances (..., n, d, d) of independent vectors as those of one vector of n d coordinates."""
    n, d = mean.shape[-2:]
    blocks = covariance[..., :, :, None, :] * covariance.new_ones(n).diag()[:, None, :, None]
    return mean.reshape(*mean.shape[:-2], n * d), blocks.reshape(*mean.shape[:-2], n * d, n * d)


def _torch_transformed(x: Any) -> Distribution:
    """The image of a distribution on the line under maps that are the same for the whole batch."""
    base, maps = _from_torch(x.base_dist), tuple(x.transforms)
    if base.dimension != 1 or not all(_is_monotone(each) for each in maps):
        msg = (
            "expected torch's TransformedDistribution of a distribution on the line by strictly monotone maps with the "
            f"same numbers for the whole batch, got {x!r}"
        )
        raise TypeError(msg)
    rising = math.prod(int(each.sign) for each in maps) > 0
    name = " then ".join(type(each).__name__ for each in maps)
    return Pushforward(base, Monotone(_Forward(maps), _Inverse(maps), _LogSlope(maps), rising, name))


def _is_monotone(each: Any) -> bool:
    if not each.bijective or each.domain.event_dim or each.codomain.event_dim:
        return False
    import torch

    probe = torch.as_tensor(0.5, dtype=torch.float64)
    return bool(each(probe).numel() == 1 and torch.as_tensor(each.sign).numel() == 1)


@final
@dataclass(frozen=True)
class _Forward:
    """Maps of torch one after the other, on arrays of numpy."""

    maps: tuple[Any, ...]

    def __call__(self, x: Vector) -> Vector:
        value, back = _tensor(x)
        for each in self.maps:
            value = each(value)
        return back(value)


@final
@dataclass(frozen=True)
class _Inverse:
    """And back."""

    maps: tuple[Any, ...]

    def __call__(self, x: Vector) -> Vector:
        value, back = _tensor(x)
        for each in self.maps[::-1]:
            value = each.inv(value)
        return back(value)


@final
@dataclass(frozen=True)
class _LogSlope:
    """The sum of the logarithms of their slopes."""

    maps: tuple[Any, ...]

    def __call__(self, x: Vector) -> Vector:
        here, back = _tensor(x)
        total = 0.0 * here
        for each in self.maps:
            image = each(here)
            total, here = total + each.log_abs_det_jacobian(here, image), image
        return back(total)


def _tensor(x: Vector) -> tuple[Any, Callable[[Any], Vector]]:
    """An array as a tensor with an axis, and what makes an array of its shape of a tensor again."""
    import torch

    array = np.asarray(x, dtype=np.float64)

    def back(value: Any) -> Vector:
        if value.requires_grad:
            msg = (
                "expected maps whose parameters record no gradients, where there is no closed form; detach them, or "
                "compare two images under the same maps"
            )
            raise TypeError(msg)
        return np.asarray(value.numpy(), dtype=np.float64).reshape(array.shape)

    return torch.from_numpy(array.reshape(-1).copy()), back


def _torch_mixture(x: Any) -> Distribution:
    parts = _from_torch(x.component_distribution)
    probabilities = x.mixture_distribution.probs
    tracked = any(
        getattr(z, "requires_grad", False) for z in (probabilities, *getattr(parts, "parameters", {}).values())
    )
    if tracked:
        msg = "expected a mixture whose parameters record no gradients, since it has no closed form; detach them"
        raise TypeError(msg)
    weights = probabilities.double().cpu().numpy()
    if weights.ndim != 1:
        msg = f"expected a single mixture, got a batch of shape {weights.shape[:-1]}; compare one by one"
        raise TypeError(msg)
    kept = [(part, w) for part, w in zip(parts.singles(parts.batch_shape), weights.tolist(), strict=True) if w > 0]
    return Mixture([part for part, _ in kept], [w / sum(w for _, w in kept) for _, w in kept])


TORCH: dict[str, Callable[[Any], Distribution]] = {
    "Normal": lambda x: Normal(x.loc, x.scale),
    "HalfNormal": lambda x: HalfNormal(x.scale),
    "LogNormal": lambda x: LogNormal(x.loc, x.scale),
    "Exponential": lambda x: Exponential(x.rate),
    "Gamma": lambda x: Gamma(x.concentration, x.rate),
    "Chi2": lambda x: Gamma(x.concentration, x.rate),
    "InverseGamma": lambda x: InverseGamma(x.base_dist.concentration, x.base_dist.rate),
    "Weibull": lambda x: Weibull(x.concentration, x.scale),
    "Beta": lambda x: Beta(x.concentration1, x.concentration0),
    "Laplace": lambda x: Laplace(x.loc, x.scale),
    "Cauchy": lambda x: Cauchy(x.loc, x.scale),
    "Gumbel": lambda x: Gumbel(x.loc, x.scale),
    "Pareto": lambda x: Pareto(x.alpha, x.scale),
    "Uniform": lambda x: Uniform(x.low, x.high),
    "StudentT": lambda x: StudentT(x.df, x.loc, x.scale),
    "VonMises": lambda x: VonMises(x.loc, x.concentration),
    "Poisson": lambda x: Poisson(x.rate),
    "Geometric": lambda x: Geometric(x.probs),
    "Binomial": lambda x: Binomial(x.total_count, x.probs),
    "NegativeBinomial": lambda x: NegativeBinomial(x.total_count, 1 - x.probs),
    "Bernoulli": lambda x: Bernoulli(x.probs),
    "Categorical": lambda x: Categorical(x.probs),
    "OneHotCategorical": lambda x: Categorical(x.probs),
    "ContinuousBernoulli": lambda x: ContinuousBernoulli(x.probs),
    "Multinomial": lambda x: Multinomial(x.total_count, x.probs),
    "MultivariateNormal": lambda x: MultivariateNormal(x.loc, x.covariance_matrix),
    "LowRankMultivariateNormal": lambda x: MultivariateNormal(x.loc, x.covariance_matrix),
    "Dirichlet": lambda x: Dirichlet(x.concentration),
    "Wishart": lambda x: Wishart(x.df, x.covariance_matrix),
    "MixtureSameFamily": _torch_mixture,
    "Independent": _torch_independent,
    "TransformedDistribution": _torch_transformed,
}
"""By the name of the torch class."""
