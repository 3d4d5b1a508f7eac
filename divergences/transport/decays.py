r"""How slowly distributions fall off: which of them have too few moments to be reached at a finite cost.

If $P(X > x) \sim c\,x^{-\alpha}$, then $F^{-1}(1-s) \sim (c/s)^{1/\alpha}$, and $\int_0 |F^{-1} - G^{-1}|^p ds$ is infinite for
$\alpha \le p$, unless G falls off with the same power and the same constant.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from divergences.families import (
    Beta,
    Cauchy,
    Distribution,
    Exponential,
    Gamma,
    Gumbel,
    HalfNormal,
    InverseGamma,
    Laplace,
    Logistic,
    LogNormal,
    Mixture,
    Normal,
    Pareto,
    StudentT,
    Uniform,
    VonMises,
    Weibull,
)

__all__ = ["Decay", "decays", "is_infinitely_far"]

EQUAL = 1e-9
"""Constants of tails nearer to each other than this may be equal."""

LIGHT = (Beta, Exponential, Gamma, Gumbel, HalfNormal, Laplace, Logistic, LogNormal, Normal, Uniform, VonMises, Weibull)
"""Families with all moments."""


@final
@dataclass(frozen=True, slots=True)
class Decay:
    """A tail of mass ``exp(log_constant) * x ** -power`` beyond x, in the limit; an infinite power if lighter than any."""

    power: float
    log_constant: float = 0.0


NONE = Decay(math.inf)


def decays(P: Distribution) -> tuple[Decay | None, Decay | None]:
    """How a single distribution on the line falls off downwards and upwards; None where that is not known.

    Parameters
    ----------
    P : Distribution
        A record.

    Returns
    -------
    tuple of two Decay or None
        Lower tail, upper tail.
    """
    found = _of_mixture(P) if isinstance(P, Mixture) else _of_family(P)
    support = P.support()
    bounded = math.isfinite(support.lower), math.isfinite(support.upper)
    return NONE if bounded[0] else found[0], NONE if bounded[1] else found[1]


def is_infinitely_far(P: Distribution, Q: Distribution, p: float) -> bool:
    """Whether tails that are known make W_p infinite.

    Parameters
    ----------
    P, Q : Distribution
        Records on the line.
    p : float
        Order.

    Returns
    -------
    bool
        False also where that is not known.
    """
    for ours, theirs in zip(decays(P), decays(Q), strict=True):
        if ours is None or theirs is None or min(ours.power, theirs.power) > p:
            continue
        if ours.power != theirs.power or abs(ours.log_constant - theirs.log_constant) > EQUAL:
            return True
    return False


def _of_family(P: Distribution) -> tuple[Decay | None, Decay | None]:
    from scipy.special import gammaln

    if isinstance(P, Cauchy):
        both = Decay(1.0, math.log(P.scale) - math.log(math.pi))
        return both, both
    if isinstance(P, StudentT):
        n = float(P.df)
        norm = float(gammaln((n + 1) / 2) - gammaln(n / 2)) - math.log(math.pi) / 2
        both = Decay(n, norm + (n / 2 - 1) * math.log(n) + n * math.log(P.scale))
        return both, both
    if isinstance(P, Pareto):
        return NONE, Decay(float(P.shape), float(P.shape) * math.log(P.scale))
    if isinstance(P, InverseGamma):
        k = float(P.shape)
        return NONE, Decay(k, k * math.log(P.scale) - float(gammaln(k + 1)))
    return (NONE, NONE) if isinstance(P, LIGHT) else (None, None)


def _of_mixture(P: Mixture) -> tuple[Decay | None, Decay | None]:
    each = [decays(part) for part in P.components]
    return _heaviest([x for x, _ in each], P.weights), _heaviest([x for _, x in each], P.weights)


def _heaviest(parts: "list[Decay | None]", weights: "list[float] | tuple[float, ...] | object") -> Decay | None:
    """The components that fall off slowest, together."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    power = min(part.power for part in known)
    if power == math.inf:
        return NONE
    masses = np.asarray(weights, dtype=np.float64)
    logs = [math.log(w) + part.log_constant for part, w in zip(known, masses, strict=True) if part.power == power]
    return Decay(power, float(np.logaddexp.reduce(logs)))
