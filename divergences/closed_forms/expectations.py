r"""KL between members of two different families: $KL(P\|Q) = \mathbb E_P[\log p] - \mathbb E_P[\log q]$.

The log-density of a family is a sum of coefficients times *statistics*, functions of x such as $\log x$ or
$(x - c)^2$; another family knows their expectations. Each family states both once, so that every pair follows: it is
``inf`` where P has mass outside the support of Q, or an expectation is infinite, and None where one is not known here.
"""

import math
from collections.abc import Callable
from typing import Any

from divergences import families
from divergences._arrays import Array, known
from divergences._special import digamma, erf, excess_trigamma, lgamma
from divergences.closed_forms.formulas import EULER, Parameters
from divergences.closed_forms.tilts import tilt_of, tilted_log_partition, tilted_mean, tilted_variance

__all__ = ["cross_entropy_gap"]

CANCELLED = 1e-5
"""Below this share of its terms KL has lost 5 digits."""

ROUNDING = 1e-12
"""Below zero by no more than this, relative to its terms, KL is 0."""

Expectation = Callable[..., Array]
"""``function(xp, p, *constants)``: the expectation of a statistic under p."""

Term = tuple[Array, str, tuple[Array, ...]]
"""A coefficient, the name of a statistic, and its constants."""

# The statistics are: "mean" x, "square" (x - c)**2, "log" log x, "log square" (log x - c)**2, "power" x**k,
# "log complement" log(1 - x), "exponential" exp(c (x - m)), "distance" |x - c|; of counts "log factorial" log x!.


def cross_entropy_gap(xp: Any, kinds: tuple[type, type], p: Parameters, q: Parameters) -> Array | None:
    """KL of a member of one family from a member of another, or None."""
    first, second = kinds
    if first not in SUPPORTS or second not in SUPPORTS:
        return None
    shape = sum(0.0 * x for z in (p, q) for x in vars(z).values())
    if (first in COUNTS) != (second in COUNTS):
        return shape + math.inf
    lower, upper = SUPPORTS[first](p)
    low, high = SUPPORTS[second](q)
    inside = (lower >= low + shape) & (upper <= high + shape)
    if known(xp, ~inside):
        return shape + math.inf
    if first not in DENSITIES or second not in DENSITIES:
        return None
    mine, theirs = (_mean_log_density(xp, first, p, kind, z) for kind, z in ((first, p), (second, q)))
    if mine is None or theirs is None:
        return None
    (own, own_size), (other, other_size) = mine, theirs
    value = own - other + shape
    tracked = any(getattr(x, "requires_grad", False) for z in (p, q) for x in vars(z).values())
    cancelled = inside & (xp.abs(value) < CANCELLED * (own_size + other_size))
    if not tracked and known(xp, ~cancelled) is False:  # quadrature keeps more digits
        return None
    if known(xp, ~(inside & xp.isnan(value))) is False:  # a difference of infinities tells nothing
        return None
    rounding = (value < 0) & (value > -ROUNDING * (xp.abs(own) + 1))
    return xp.where(inside, xp.where(rounding, 0.0 * value, value), xp.inf)


def _mean_log_density(xp: Any, first: type, p: Parameters, kind: type, z: Parameters) -> tuple[Array, Array] | None:
    """The mean of a log-density under p, and the sum of the sizes of its terms."""
    constant, terms = DENSITIES[kind](xp, z)
    total, size = constant, xp.abs(constant)
    for coefficient, name, constants in terms:
        expectation = EXPECTATIONS.get(first, {}).get(name)
        if expectation is None:
            return None
        value = expectation(xp, p, *constants)
        # a statistic without weight counts for nothing, even if its expectation is infinite; gradients of an infinite
        # one are 0
        finite = xp.isfinite(value)
        term = coefficient * xp.where(finite, value, 0.0)
        term = xp.where(finite | (coefficient == 0), term, xp.sign(coefficient) * xp.inf)
        total, size = total + term, size + xp.abs(term)
    return total, size


# ----------------------------------------------------------------------------------------------------- log-densities

Density = Callable[[Any, Parameters], tuple[Array, list[Term]]]

HALF_LOG_2PI = math.log(2 * math.pi) / 2


def _log_beta(a: Array, b: Array) -> Array:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


DENSITIES: dict[type, Density] = {
    families.Normal: lambda xp, z: (
        -HALF_LOG_2PI - xp.log(z.scale),
        [(-0.5 / z.scale**2, "square", (z.loc,))],
    ),
    families.LogNormal: lambda xp, z: (
        -HALF_LOG_2PI - xp.log(z.scale),
        [(-1 + 0.0 * z.loc, "log", ()), (-0.5 / z.scale**2, "log square", (z.loc,))],
    ),
    families.Exponential: lambda xp, z: (xp.log(z.rate), [(-z.rate, "mean", ())]),
    families.Gamma: lambda xp, z: (
        z.shape * xp.log(z.rate) - lgamma(z.shape),
        [(z.shape - 1, "log", ()), (-z.rate, "mean", ())],
    ),
    families.InverseGamma: lambda xp, z: (
        z.shape * xp.log(z.scale) - lgamma(z.shape),
        [(-z.shape - 1, "log", ()), (-z.scale, "power", (-1.0 + 0.0 * z.shape,))],
    ),
    families.Weibull: lambda xp, z: (
        xp.log(z.shape) - z.shape * xp.log(z.scale),
        [(z.shape - 1, "log", ()), (-(z.scale**-z.shape), "power", (z.shape,))],
    ),
    families.Beta: lambda xp, z: (
        -_log_beta(z.a, z.b),
        [(z.a - 1, "log", ()), (z.b - 1, "log complement", ())],
    ),
    families.Laplace: lambda xp, z: (-xp.log(2 * z.scale), [(-1 / z.scale, "distance", (z.loc,))]),
    families.Gumbel: lambda xp, z: (
        z.loc / z.scale - xp.log(z.scale),
        [(-1 / z.scale, "mean", ()), (-1 + 0 * z.scale, "exponential", (-1 / z.scale, z.loc))],
    ),
    families.Pareto: lambda xp, z: (
        xp.log(z.shape) + z.shape * xp.log(z.scale),
        [(-z.shape - 1, "log", ())],
    ),
    families.Uniform: lambda xp, z: (-xp.log(z.upper - z.lower), []),
    families.HalfNormal: lambda xp, z: (
        math.log(2) - HALF_LOG_2PI - xp.log(z.scale),
        [(-0.5 / z.scale**2, "square", (0.0 * z.scale,))],
    ),
    families.ContinuousBernoulli: lambda xp, z: (
        -tilted_log_partition(xp, tilt_of(xp, z.p)),
        [(tilt_of(xp, z.p), "mean", ())],
    ),
    families.Bernoulli: lambda xp, z: (
        xp.log1p(-z.p),
        [(tilt_of(xp, z.p), "mean", ())],
    ),
    families.Geometric: lambda xp, z: (xp.log(z.p), [(xp.log1p(-z.p), "mean", ())]),
    families.Poisson: lambda xp, z: (-z.rate, [(xp.log(z.rate), "mean", ()), (-1 + 0 * z.rate, "log factorial", ())]),
}
"""A constant and terms whose sum is the log-density."""

LARGEST = 1.7e308
"""The upper end of all integers, as a number that can be multiplied by 0."""

SUPPORTS: dict[type, Callable[[Parameters], tuple[Any, Any]]] = {
    families.Normal: lambda z: (-math.inf, math.inf),
    families.LogNormal: lambda z: (0.0, math.inf),
    families.Exponential: lambda z: (0.0, math.inf),
    families.Gamma: lambda z: (0.0, math.inf),
    families.InverseGamma: lambda z: (0.0, math.inf),
    families.Weibull: lambda z: (0.0, math.inf),
    families.Beta: lambda z: (0.0, 1.0),
    families.Laplace: lambda z: (-math.inf, math.inf),
    families.Gumbel: lambda z: (-math.inf, math.inf),
    families.Pareto: lambda z: (z.scale, math.inf),
    families.Uniform: lambda z: (z.lower, z.upper),
    families.HalfNormal: lambda z: (0.0, math.inf),
    families.ContinuousBernoulli: lambda z: (0.0, 1.0),
    families.Bernoulli: lambda z: (1.0 * (z.p == 1), 1.0 * (z.p > 0)),
    families.Binomial: lambda z: (z.n * (z.p == 1), z.n * (z.p > 0)),
    families.Geometric: lambda z: (0.0, LARGEST * (z.p < 1)),
    families.NegativeBinomial: lambda z: (0.0, LARGEST * (z.p < 1)),
    families.Poisson: lambda z: (0.0, LARGEST),
}

COUNTS = {
    families.Bernoulli,
    families.Binomial,
    families.Geometric,
    families.NegativeBinomial,
    families.Poisson,
}
"""On the integers: mutually singular to what has a density."""

# ------------------------------------------------------------------------------------------------------- expectations


def _around(mean: Array, variance: Array, c: Array) -> Array:
    return variance + (mean - c) ** 2


def _finite_if(xp: Any, condition: Array, value: Callable[..., Array], *args: Array) -> Array:
    """The value where the condition holds, else ``inf``; arguments elsewhere are replaced, for the gradients."""
    safe = (xp.where(condition, x, 3.0 + k) for k, x in enumerate(args))
    return xp.where(condition, value(*safe), xp.inf)


def _gamma_power(xp: Any, shape: Array, rate: Array, k: Array) -> Array:
    if known(xp, k == -1):
        return _finite_if(xp, shape > 1, lambda s, r: r / (s - 1), shape + 0 * rate, rate + 0 * shape)
    proper = shape + k > 0
    safe = xp.where(proper, shape + k, 1.0)
    return xp.where(proper, xp.exp(lgamma(safe) - lgamma(shape) - k * xp.log(rate)), xp.inf)


def _gamma_exponential(xp: Any, shape: Array, rate: Array, c: Array, m: Array) -> Array:
    c, m, rate, shape = xp.broadcast_arrays(c, m, rate, shape)
    return _finite_if(
        xp, c < rate, lambda c, rate, shape, m: xp.exp(-shape * xp.log1p(-c / rate) - c * m), c, rate, shape, m
    )


def _trigamma(x: Array) -> Array:
    return excess_trigamma(x) + 1 / x


def _normal_distance(xp: Any, z: Parameters, c: Array) -> Array:
    shift = (z.loc - c) / z.scale
    return z.scale * (math.sqrt(2 / math.pi) * xp.exp(-(shift**2) / 2) + shift * erf(shift / math.sqrt(2)))


def _uniform_log(xp: Any, z: Parameters) -> Array:
    """Mean of log x between two non-negative ends."""
    lower, upper = z.lower, z.upper
    inner = xp.where(lower > 0, lower, 1.0)
    below = xp.where(lower > 0, inner * xp.log(inner), 0.0)
    proper = (lower >= 0) & (upper > 0)
    above = xp.where(proper, upper, 1.0)
    return xp.where(proper, (above * xp.log(above) - below) / (upper - lower) - 1, xp.nan)


def _uniform_log_complement(xp: Any, z: Parameters) -> Array:
    return _uniform_log(xp, Parameters(lower=1 - z.upper, upper=1 - z.lower))


def _uniform_power(xp: Any, z: Parameters, k: Array) -> Array:
    """Mean of x**k between two non-negative ends."""
    proper = (z.lower > 0) | ((z.lower == 0) & (k > -1))
    lower, upper = (xp.where(proper, x, 1.0 + i) for i, x in enumerate((z.lower + 0 * k, z.upper + 0 * k)))
    logarithmic = k == -1
    order = xp.where(logarithmic, 1.0, k + 1)
    positive = xp.where(lower > 0, lower, 1.0)
    start = xp.where(lower > 0, positive**order, 0.0)
    plain = (upper**order - start) / (order * (upper - lower))
    log = xp.log(upper / positive) / (upper - lower)
    return xp.where(proper, xp.where(logarithmic, log, plain), xp.where(z.lower < 0, xp.nan, xp.inf))


def _uniform_exponential(xp: Any, z: Parameters, c: Array, m: Array) -> Array:
    return xp.exp(c * (z.lower - m)) * xp.expm1(c * (z.upper - z.lower)) / (c * (z.upper - z.lower))


def _uniform_distance(xp: Any, z: Parameters, c: Array) -> Array:
    left, right = z.lower - c, z.upper - c
    return (right * xp.abs(right) - left * xp.abs(left)) / (2 * (z.upper - z.lower))


def _pareto_moment(xp: Any, z: Parameters, k: Any) -> Array:
    k = k + 0.0 * z.shape
    proper = z.shape > k
    return xp.where(proper, z.shape * z.scale**k / xp.where(proper, z.shape - k, 1.0), xp.inf)


def _pareto_square(xp: Any, z: Parameters, c: Array) -> Array:
    second = _pareto_moment(xp, z, 2.0)
    first = xp.where(second < xp.inf, _pareto_moment(xp, z, 1.0), 0.0)
    return second - 2 * c * first + c * c


def _inverse_gamma_mean(xp: Any, z: Parameters) -> Array:
    return _finite_if(xp, z.shape > 1, lambda k, scale: scale / (k - 1), z.shape + 0 * z.scale, z.scale + 0 * z.shape)


def _inverse_gamma_square(xp: Any, z: Parameters, c: Array) -> Array:
    def square(shape: Array, scale: Array, c: Array) -> Array:
        mean = scale / (shape - 1)
        return _around(mean, mean**2 / (shape - 2), c)

    shape = z.shape + 0 * c
    return _finite_if(xp, shape > 2, square, shape + 0 * z.scale, z.scale + 0 * shape, c + 0 * shape)


def _weibull_power(xp: Any, z: Parameters, k: Array) -> Array:
    return z.scale**k * _gamma_power(xp, 1.0 + 0 * z.shape, 1.0 + 0 * z.shape, k / z.shape)


def _weibull_mean(xp: Any, z: Parameters) -> Array:
    return _weibull_power(xp, z, 1.0 + 0 * z.shape)


def _log_normal_power(xp: Any, z: Parameters, k: Array) -> Array:
    return xp.exp(k * z.loc + (k * z.scale) ** 2 / 2)


def _beta_power(xp: Any, z: Parameters, k: Array) -> Array:
    proper = z.a + k > 0
    a = xp.where(proper, z.a + k, 1.0)
    return xp.where(proper, xp.exp(_log_beta(a, z.b) - _log_beta(z.a, z.b)), xp.inf)


def _gumbel_exponential(xp: Any, z: Parameters, c: Array, m: Array) -> Array:
    proper = c * z.scale < 1
    inner = xp.where(proper, c * z.scale, 0.0)
    return xp.where(proper, xp.exp(c * (z.loc - m) + lgamma(1 - inner)), xp.inf)


def _laplace_exponential(xp: Any, z: Parameters, c: Array, m: Array) -> Array:
    proper = xp.abs(c * z.scale) < 1
    inner = xp.where(proper, c * z.scale, 0.0)
    return xp.where(proper, xp.exp(c * (z.loc - m)) / (1 - inner**2), xp.inf)


def _laplace_distance(xp: Any, z: Parameters, c: Array) -> Array:
    shift = xp.abs(z.loc - c)
    return shift + z.scale * xp.exp(-shift / z.scale)


def _tilted_exponential(xp: Any, z: Parameters, c: Array, m: Array) -> Array:
    theta = tilt_of(xp, z.p)
    return xp.exp(tilted_log_partition(xp, theta + c) - tilted_log_partition(xp, theta) - c * m)


HALF_LOG_TWICE_EULER = (EULER + math.log(2)) / 2
"""Minus the mean of log |X|, X standard normal."""

EXPECTATIONS: dict[type, dict[str, Expectation]] = {
    families.Normal: {
        "mean": lambda xp, z: z.loc,
        "square": lambda xp, z, c: _around(z.loc, z.scale**2, c),
        "exponential": lambda xp, z, c, m: xp.exp(c * (z.loc - m) + (c * z.scale) ** 2 / 2),
        "distance": _normal_distance,
    },
    families.LogNormal: {
        "mean": lambda xp, z: xp.exp(z.loc + z.scale**2 / 2),
        "square": lambda xp, z, c: (
            xp.exp(2 * z.loc + z.scale**2) * xp.expm1(z.scale**2) + (xp.exp(z.loc + z.scale**2 / 2) - c) ** 2
        ),
        "log": lambda xp, z: z.loc,
        "log square": lambda xp, z, c: _around(z.loc, z.scale**2, c),
        "power": _log_normal_power,
    },
    families.Exponential: {
        "mean": lambda xp, z: 1 / z.rate,
        "square": lambda xp, z, c: _around(1 / z.rate, 1 / z.rate**2, c),
        "log": lambda xp, z: -EULER - xp.log(z.rate),
        "log square": lambda xp, z, c: _around(-EULER - xp.log(z.rate), math.pi**2 / 6, c),
        "power": lambda xp, z, k: _gamma_power(xp, 1.0 + 0 * z.rate, z.rate, k),
        "exponential": lambda xp, z, c, m: _gamma_exponential(xp, 1.0 + 0 * z.rate, z.rate, c, m),
    },
    families.Gamma: {
        "mean": lambda xp, z: z.shape / z.rate,
        "square": lambda xp, z, c: _around(z.shape / z.rate, z.shape / z.rate**2, c),
        "log": lambda xp, z: digamma(z.shape) - xp.log(z.rate),
        "log square": lambda xp, z, c: _around(digamma(z.shape) - xp.log(z.rate), _trigamma(z.shape), c),
        "power": lambda xp, z, k: _gamma_power(xp, z.shape, z.rate, k),
        "exponential": lambda xp, z, c, m: _gamma_exponential(xp, z.shape, z.rate, c, m),
    },
    families.InverseGamma: {
        "mean": _inverse_gamma_mean,
        "square": _inverse_gamma_square,
        "log": lambda xp, z: xp.log(z.scale) - digamma(z.shape),
        "log square": lambda xp, z, c: _around(xp.log(z.scale) - digamma(z.shape), _trigamma(z.shape), c),
        "power": lambda xp, z, k: _gamma_power(xp, z.shape, z.scale, -k),
    },
    families.Weibull: {
        "mean": _weibull_mean,
        "square": lambda xp, z, c: _weibull_power(xp, z, 2.0 + 0 * z.shape) - 2 * c * _weibull_mean(xp, z) + c * c,
        "log": lambda xp, z: xp.log(z.scale) - EULER / z.shape,
        "log square": lambda xp, z, c: _around(xp.log(z.scale) - EULER / z.shape, math.pi**2 / (6 * z.shape**2), c),
        "power": _weibull_power,
    },
    families.Beta: {
        "mean": lambda xp, z: z.a / (z.a + z.b),
        "square": lambda xp, z, c: _around(z.a / (z.a + z.b), z.a * z.b / ((z.a + z.b) ** 2 * (z.a + z.b + 1)), c),
        "log": lambda xp, z: digamma(z.a) - digamma(z.a + z.b),
        "log square": lambda xp, z, c: _around(
            digamma(z.a) - digamma(z.a + z.b), _trigamma(z.a) - _trigamma(z.a + z.b), c
        ),
        "log complement": lambda xp, z: digamma(z.b) - digamma(z.a + z.b),
        "power": _beta_power,
    },
    families.Laplace: {
        "mean": lambda xp, z: z.loc,
        "square": lambda xp, z, c: _around(z.loc, 2 * z.scale**2, c),
        "exponential": _laplace_exponential,
        "distance": _laplace_distance,
    },
    families.Gumbel: {
        "mean": lambda xp, z: z.loc + EULER * z.scale,
        "square": lambda xp, z, c: _around(z.loc + EULER * z.scale, (math.pi * z.scale) ** 2 / 6, c),
        "exponential": _gumbel_exponential,
    },
    families.Pareto: {
        "mean": lambda xp, z: _pareto_moment(xp, z, 1.0),
        "square": _pareto_square,
        "log": lambda xp, z: xp.log(z.scale) + 1 / z.shape,
        "log square": lambda xp, z, c: _around(xp.log(z.scale) + 1 / z.shape, 1 / z.shape**2, c),
        "power": _pareto_moment,
    },
    families.Uniform: {
        "mean": lambda xp, z: (z.lower + z.upper) / 2,
        "square": lambda xp, z, c: _around((z.lower + z.upper) / 2, (z.upper - z.lower) ** 2 / 12, c),
        "log": _uniform_log,
        "log complement": _uniform_log_complement,
        "power": _uniform_power,
        "exponential": _uniform_exponential,
        "distance": _uniform_distance,
    },
    families.HalfNormal: {
        "mean": lambda xp, z: math.sqrt(2 / math.pi) * z.scale,
        "square": lambda xp, z, c: _around(math.sqrt(2 / math.pi) * z.scale, (1 - 2 / math.pi) * z.scale**2, c),
        "log": lambda xp, z: xp.log(z.scale) - HALF_LOG_TWICE_EULER,
        "log square": lambda xp, z, c: _around(xp.log(z.scale) - HALF_LOG_TWICE_EULER, math.pi**2 / 8, c),
        "power": lambda xp, z, k: (
            (math.sqrt(2) * z.scale) ** k * _gamma_power(xp, 0.5 + 0 * z.scale, 1.0 + 0 * z.scale, k / 2)
        ),
    },
    families.ContinuousBernoulli: {
        "mean": lambda xp, z: tilted_mean(xp, tilt_of(xp, z.p)),
        "square": lambda xp, z, c: _around(tilted_mean(xp, tilt_of(xp, z.p)), tilted_variance(xp, tilt_of(xp, z.p)), c),
        "exponential": _tilted_exponential,
    },
    families.Bernoulli: {"mean": lambda xp, z: z.p, "log factorial": lambda xp, z: 0.0 * z.p},
    families.Geometric: {"mean": lambda xp, z: (1 - z.p) / z.p},
}
