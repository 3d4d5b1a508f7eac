r"""Wasserstein distances between members of one family in closed form, each with its source.

Most families are the images $a + bZ$ of one standard Z. Between two of them the monotone map is affine, the gap of the
quantile functions is $\Delta a + \Delta b\,z(t)$, and

$$W_p = \bigl(\mathbb E|\Delta a + \Delta b\,Z|^p\bigr)^{1/p}.$$
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from divergences import families
from divergences.families import Distribution
from divergences.transport.result import Method

__all__ = ["KNOWN", "Affine", "ClosedForm", "affine", "known_distance", "same"]

LARGEST_POWER = 32
"""Moments of whole orders up to this are products."""

LARGEST_EXPONENT = 16.0
"""Up to this the rounding of an exponent does not count."""

LARGEST_SHAPE = 60.0
"""Up to this a ratio of gamma functions has all its digits."""


@final
@dataclass(frozen=True)
class ClosedForm(Method):
    """A formula."""

    source: str


@final
@dataclass(frozen=True, slots=True)
class Affine:
    """Two distributions $a + bZ$ of one standard Z: the differences of a and b, and what maps the first to the second."""

    shift: float
    stretch: float
    standard: Any
    first: tuple[float, float]
    second: tuple[float, float]


@final
@dataclass(frozen=True, slots=True)
class _Known:
    """A formula with its source; it is None where it does not apply."""

    formula: Callable[[Any, Any, float], float | None]
    source: str


def same(P: Distribution, Q: Distribution) -> bool:
    """Whether two records are one distribution by their parameters."""
    if P is Q:
        return True
    if not (isinstance(P, families.Family) and type(P) is type(Q)):
        return False
    return all(np.array_equal(x, y) for x, y in zip(P.parameters.values(), Q.parameters.values(), strict=True))


# ------------------------------------------------------------------------------------------- images of one standard

Located = families.Cauchy | families.Gumbel | families.Laplace | families.Logistic | families.Normal | families.StudentT
"""Families with a location and a scale."""

SCALES: dict[type, Callable[[Any], float]] = {
    families.HalfNormal: lambda P: float(P.scale),
    families.InverseGamma: lambda P: float(P.scale),
    families.Pareto: lambda P: float(P.scale),
    families.Weibull: lambda P: float(P.scale),
}
"""Families on the half-line with a scale."""

RATES = (families.Exponential, families.Gamma)
"""Those with a rate, its inverse."""


def affine(P: Distribution, Q: Distribution) -> Affine | None:
    """Two distributions as images of one standard, or None if they are not, by their parameters.

    Parameters
    ----------
    P, Q : Distribution
        Single records on the line.

    Returns
    -------
    Affine or None
        Differences P less Q, each rounded a few times at most.
    """
    p: Any = P
    q: Any = Q
    if type(P) is not type(Q):
        return None
    if isinstance(P, Located):
        one, other = (_standard(x, loc=0.0, scale=1.0) for x in (p, q))
        ours, theirs = (float(p.loc), float(p.scale)), (float(q.loc), float(q.scale))
        return Affine(ours[0] - theirs[0], ours[1] - theirs[1], one, ours, theirs) if same(one, other) else None
    if type(P) in SCALES:
        a, b = SCALES[type(P)](p), SCALES[type(P)](q)
        one, other = (_standard(x, scale=1.0) for x in (p, q))
        return Affine(0.0, a - b, one, (0.0, a), (0.0, b)) if same(one, other) else None
    if isinstance(P, RATES):
        a, b = float(p.rate), float(q.rate)
        one, other = (_standard(x, rate=1.0) for x in (p, q))
        return Affine(0.0, (b - a) / a / b, one, (0.0, 1 / a), (0.0, 1 / b)) if same(one, other) else None
    if isinstance(P, families.LogNormal):
        one, other = (_standard(x, loc=0.0) for x in (p, q))
        return _of_log_normals(float(p.loc), float(q.loc), one) if same(one, other) else None
    return None


def _of_log_normals(ours: float, theirs: float, one: Any) -> Affine | None:
    if max(ours, theirs) > 700 or min(ours, theirs) < -700:
        return None
    a, b = math.exp(ours), math.exp(theirs)
    return Affine(0.0, b * math.expm1(ours - theirs) if abs(ours - theirs) < 1 else a - b, one, (0.0, a), (0.0, b))


def _standard(P: Any, **values: float) -> Any:
    """The same member of a family with other parameters."""
    return type(P)(**(P.parameters | values))


def _shifted(P: Any, Q: Any, _: float) -> float | None:
    pair = affine(P, Q)
    return abs(pair.shift) if pair is not None and pair.stretch == 0 else None


def _second_moment(P: Any, Q: Any, p: float) -> float | None:
    pair = affine(P, Q)
    if pair is None or p != 2 or type(P) not in MOMENTS:
        return None
    mean, variance = MOMENTS[type(P)](P)
    if variance is None:
        return None
    return math.hypot(pair.shift + mean * pair.stretch, math.sqrt(variance) * pair.stretch)


MOMENTS: dict[type, Callable[[Any], tuple[float, float | None]]] = {
    families.Normal: lambda P: (0.0, 1.0),
    families.Laplace: lambda P: (0.0, 2.0),
    families.Logistic: lambda P: (0.0, math.pi**2 / 3),
    families.Gumbel: lambda P: (np.euler_gamma, math.pi**2 / 6),
    families.StudentT: lambda P: (0.0, float(P.df / (P.df - 2)) if P.df > 2 else None),
}
"""Mean and variance of the standard members; the variance is None where it is infinite."""


def _stretched(P: Any, Q: Any, p: float) -> float | None:
    pair = affine(P, Q)
    if pair is None or pair.shift != 0 or type(P) not in ABSOLUTE_MOMENTS:
        return None
    moment = ABSOLUTE_MOMENTS[type(P)](pair.standard, p)
    return None if moment is None else abs(pair.stretch) * moment ** (1 / p)


def _gamma_ratio(k: float, p: float) -> float | None:
    r"""$\Gamma(k + p)/\Gamma(k)$, where it has all its digits."""
    if p == int(p) and p <= LARGEST_POWER:
        return math.prod(k + j for j in range(int(p)))
    return math.gamma(k + p) / math.gamma(k) if k > 1e-300 and k + p < LARGEST_SHAPE else None


def _of_student(P: Any, p: float) -> float | None:
    n = float(P.df)
    if not p < n or not n < LARGEST_SHAPE:
        return None
    ratio = math.gamma((p + 1) / 2) / math.gamma(0.5) * math.gamma((n - p) / 2) / math.gamma(n / 2)
    return float(n ** (p / 2) * ratio)


def _of_inverse_gamma(P: Any, p: float) -> float | None:
    k = float(P.shape)
    if k <= p:
        return None
    ratio = _gamma_ratio(k - p, p)
    return None if ratio is None else 1 / ratio


def _of_log_normal(P: Any, p: float) -> float | None:
    exponent = p * float(P.scale) ** 2 / 2
    return math.exp(exponent * p) if exponent < LARGEST_EXPONENT and exponent * p < 700 else None


ABSOLUTE_MOMENTS: dict[type, Callable[[Any, float], float | None]] = {
    families.Exponential: lambda P, p: _gamma_ratio(1.0, p),
    families.Gamma: lambda P, p: _gamma_ratio(float(P.shape), p),
    families.HalfNormal: lambda P, p: 2 ** (p / 2) * math.gamma((p + 1) / 2) / math.gamma(0.5) if p < 100 else None,
    families.InverseGamma: _of_inverse_gamma,
    families.Laplace: lambda P, p: _gamma_ratio(1.0, p),
    families.LogNormal: _of_log_normal,
    families.Normal: lambda P, p: 2 ** (p / 2) * math.gamma((p + 1) / 2) / math.gamma(0.5) if p < 100 else None,
    families.Pareto: lambda P, p: float(P.shape / (P.shape - p)) if P.shape > p else None,
    families.StudentT: _of_student,
    families.Weibull: lambda P, p: math.gamma(1 + p / float(P.shape)) if p / float(P.shape) < LARGEST_SHAPE else None,
}
r"""$\mathbb E|Z|^p$ of the standard members; None where it is infinite, or has lost digits."""


def _folded_normal(P: Any, Q: Any, p: float) -> float | None:
    if p != 1 or not (isinstance(P, families.Normal) and isinstance(Q, families.Normal)):
        return None
    a, b = abs(float(P.loc) - float(Q.loc)), abs(float(P.scale) - float(Q.scale))
    if b == 0:
        return a
    z = a / b
    return b * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + a * math.erf(z / math.sqrt(2))


def _folded_laplace(P: Any, Q: Any, p: float) -> float | None:
    if p != 1 or not (isinstance(P, families.Laplace) and isinstance(Q, families.Laplace)):
        return None
    a, b = abs(float(P.loc) - float(Q.loc)), abs(float(P.scale) - float(Q.scale))
    return a + b * math.exp(-a / b) if b else a


# ------------------------------------------------------------------------------------------------------ other formulas


def _uniform(P: Any, Q: Any, p: float) -> float | None:
    if not (isinstance(P, families.Uniform) and isinstance(Q, families.Uniform)):
        return None
    a, b = float(P.lower - Q.lower), float(P.upper - Q.upper)
    a, b = (a, b) if abs(a) <= abs(b) else (b, a)
    if b == 0:
        return 0.0
    r = a / b  # in [-1, 1]: the mean of |r + (1 - r) u|^p over u in (0, 1), times |b|^p
    if r < 0:
        mean = (1 + (-r) ** (p + 1)) / (1 - r)
    elif r < 1 / 2:
        mean = (1 - r ** (p + 1)) / (1 - r)
    else:
        mean = -math.expm1((p + 1) * math.log1p(r - 1)) / (1 - r) if r < 1 else p + 1
    return float(abs(b) * (mean / (p + 1)) ** (1 / p))


def _bernoulli(P: Any, Q: Any, p: float) -> float | None:
    if not (isinstance(P, families.Bernoulli) and isinstance(Q, families.Bernoulli)):
        return None
    return float(abs(float(P.p) - float(Q.p)) ** (1 / p))


def _ordered(P: Any, Q: Any, p: float) -> float | None:
    if p != 1 or type(P) is not type(Q) or type(P) not in ORDERED:
        return None
    return ORDERED[type(P)](*({name: float(x) for name, x in D.parameters.items()} for D in (P, Q)))


Numbers = dict[str, float]


def _geometric(p: Numbers, q: Numbers) -> float | None:
    return abs(p["p"] - q["p"]) / p["p"] / q["p"]


def _binomial(p: Numbers, q: Numbers) -> float | None:
    return p["n"] * abs(p["p"] - q["p"]) if p["n"] == q["n"] else None


def _negative_binomial(p: Numbers, q: Numbers) -> float | None:
    if p["n"] == q["n"]:
        return p["n"] * abs(p["p"] - q["p"]) / p["p"] / q["p"]
    return abs(p["n"] - q["n"]) * (1 - p["p"]) / p["p"] if p["p"] == q["p"] else None


def _gamma(p: Numbers, q: Numbers) -> float | None:
    more, slower = p["shape"] - q["shape"], q["rate"] - p["rate"]
    if more * slower < 0:
        return None
    return (abs(more) * q["rate"] + q["shape"] * abs(slower)) / p["rate"] / q["rate"]


def _beta(p: Numbers, q: Numbers) -> float | None:
    more, less = p["a"] - q["a"], q["b"] - p["b"]
    if more * less < 0:
        return None
    return (abs(more) * q["b"] + q["a"] * abs(less)) / (p["a"] + p["b"]) / (q["a"] + q["b"])


ORDERED: dict[type, Callable[[Numbers, Numbers], float | None]] = {
    families.Beta: _beta,
    families.Binomial: _binomial,
    families.Gamma: _gamma,
    families.Geometric: _geometric,
    families.NegativeBinomial: _negative_binomial,
    families.Poisson: lambda p, q: abs(p["rate"] - q["rate"]),
}
"""The difference of the means, of terms of one sign, where the likelihood ratio is monotone."""


_QUANTILES = "Villani (2003), Topics in optimal transportation, theorem 2.18"

KNOWN = (
    _Known(_shifted, f"{_QUANTILES}: a translation"),
    _Known(
        _second_moment, f"{_QUANTILES}, and E|a + bZ|^2; for normals Dowson and Landau (1982), J. Multivariate Anal. 12"
    ),
    _Known(_stretched, f"{_QUANTILES}, and |b|^p E|Z|^p"),
    _Known(
        _folded_normal,
        f"{_QUANTILES}; the mean of a folded normal: Leone, Nelson and Nottingham (1961), Technometrics 3",
    ),
    _Known(_folded_laplace, f"{_QUANTILES}; E|a + bZ| = |a| + |b| exp(-|a/b|) of a standard Laplace Z"),
    _Known(_uniform, f"{_QUANTILES}; the integral of |a + (b - a) u|^p over (0, 1)"),
    _Known(_bernoulli, "the mass |p - q| moves by 1"),
    _Known(
        _ordered,
        "Vallender (1974), Theory Probab. Appl. 18; distribution functions do not cross where the likelihood ratio is "
        "monotone: Shaked and Shanthikumar (2007), Stochastic orders, section 1.C",
    ),
)
"""The formulas, in the order in which they are tried."""

ROUNDINGS = 64
"""Units in the last place that a formula may be off by."""


def known_distance(P: Distribution, Q: Distribution, p: float) -> tuple[float, ClosedForm] | None:
    """W_p in closed form with its source, or None.

    Parameters
    ----------
    P, Q : Distribution
        Single records on the line.
    p : float
        Order.

    Returns
    -------
    tuple of float and ClosedForm, or None
        Right to 64 units in the last place.
    """
    for known in KNOWN:
        value = known.formula(P, Q, p)
        if value is not None and math.isfinite(value):
            return value, ClosedForm(known.source)
    return None
