r"""Records from the objects of scipy.stats (frozen distributions and the newer classes) and torch.distributions.

Neither library is imported here: an object names the module it comes from. Parameters keep their library, so that torch
tensors stay tensors and record gradients.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from divergences.families.composed import Functions, Mixture, Wrapped
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
from divergences.families.discrete import Bernoulli, Binomial, Categorical, Geometric, NegativeBinomial, Poisson
from divergences.families.distribution import Distribution, Family, Support
from divergences.families.multivariate import Dirichlet, MultivariateNormal, Product, Wishart

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
        "scipy's are to be frozen, as in scipy.stats.norm(0, 1)"
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
    }
    made = several.get(type(x).__name__)
    if made is not None:
        return made()
    if not hasattr(x, "dist") or not hasattr(x, "ppf"):
        msg = f"expected a distribution on the line, or a multivariate normal, Dirichlet or Wishart, got {type(x).__name__}"
        raise TypeError(msg)
    shapes, loc, scale = x.dist._parse_args(*x.args, **x.kwds)
    lattice = hasattr(x.dist, "pmf")
    maker = FROZEN.get(x.dist.name)
    if maker is not None:
        record = maker(*shapes, loc=loc) if lattice else maker(*shapes, loc=loc, scale=scale)
        if record is not None:
            return record
    if np.ndim(x.mean()):
        msg = f"expected a single distribution {x.dist.name}, got a batch of shape {np.shape(x.mean())}; compare one by one"
        raise TypeError(msg)
    lower, upper = map(float, x.support())
    density = x.logpmf if lattice else x.logpdf
    return Wrapped(x, Support(lower, upper, lattice), Functions(density, x.cdf, x.ppf))


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
    return Wrapped(x, Support(lower, upper, lattice), Functions(density, x.cdf, x.icdf))


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
    base = _from_torch(x.base_dist)
    if x.reinterpreted_batch_ndims != 1 or not isinstance(base, Family) or base.dimension != 1:
        msg = f"expected torch's Independent with one axis of distributions on the line, got {x!r}"
        raise TypeError(msg)
    return Product(base)


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
    "MultivariateNormal": lambda x: MultivariateNormal(x.loc, x.covariance_matrix),
    "LowRankMultivariateNormal": lambda x: MultivariateNormal(x.loc, x.covariance_matrix),
    "Dirichlet": lambda x: Dirichlet(x.concentration),
    "Wishart": lambda x: Wishart(x.df, x.covariance_matrix),
    "MixtureSameFamily": _torch_mixture,
    "Independent": _torch_independent,
}
"""By the name of the torch class."""
