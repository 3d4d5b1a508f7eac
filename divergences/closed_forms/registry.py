r"""Divergences between members of parametric families in closed form, each with its source.

What is registered: the gap $-\frac1{ab}\log\int p^a q^b$ of a family for every order (`divergences.closed_forms.affinities`), from
which KL both ways, Jeffreys, Renyi, Tsallis, Bhattacharyya, squared Hellinger, chi-squared and all power divergences
follow at once; KL of two different families, by the expectations of one under the other (`divergences.closed_forms.expectations`);
total variation; and families that are a few atoms to every divergence (Bernoulli, categorical, uniform).
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import array_api_compat
import numpy as np

from divergences import families
from divergences._arrays import Array, namespace, quiet, result, wide
from divergences._convex import ConvexFunction
from divergences.closed_forms.affinities import AFFINITIES
from divergences.closed_forms.expectations import cross_entropy_gap
from divergences.closed_forms.formulas import Parameters, of_product
from divergences.closed_forms.geodesics import GEODESICS
from divergences.closed_forms.spheres import SPHERES, SPHERICAL_KL, as_directed, require_known_on_sphere
from divergences.closed_forms.tilts import TILTS
from divergences.closed_forms.variations import VARIATIONS
from divergences.elementary import Numeric
from divergences.families import Distribution, Family, Product, Pushforward

__all__ = ["GAPS", "affinity_gap", "closed_form", "on_atoms"]

NUMPY = array_api_compat.array_namespace(np.zeros(0))
DOUBLE = np.dtype(np.float64)
PLAIN = (np.ndarray, np.float64)
"""Parameters of these kinds, in double precision, need no conversion: there are few steps to a value."""

GAPS = AFFINITIES | GEODESICS | TILTS | SPHERES
"""By family: ``function(xp, p, q, a, b)`` is the gap."""


def closed_form(d: ConvexFunction, P: Distribution, Q: Distribution) -> Array | None:
    r"""The divergence of two records in closed form, or None where there is none.

    Parameters
    ----------
    d : ConvexFunction
        The divergence.
    P, Q : Distribution
        Records, or batches of them that broadcast.

    Returns
    -------
    array or None
        Of the library of the parameters, with gradients where it records them; ``inf`` where it is infinite.
    """
    P, Q = _without_common_maps(P, Q)
    atoms = on_atoms(d, P, Q)
    if atoms is not None:
        return atoms
    if d.powers:
        parts = [_power(*power, P, Q) for power in d.powers]
        found = [x for x in parts if x is not None]
        if len(found) == len(parts):
            return sum(found[1:], start=found[0])
    if d.variation and type(P) is type(Q) and type(P) in VARIATIONS:
        value = _evaluated(VARIATIONS[type(P)].function, P, Q)
        return None if value is None else d.variation * value
    return None


def _power(factor: float, a: float, b: float, P: Distribution, Q: Distribution) -> Array | None:
    r"""$c\,(1 - \int p^a q^b)/ab = c\,(1 - e^{-ab G})/ab$."""
    gap = affinity_gap(P, Q, a, b)
    if gap is None:
        return None
    if a * b == 0:
        return gap if factor == 1 else factor * gap
    xp, (gap,) = namespace(gap=gap)
    with quiet():
        value = Numeric(xp).expm1_ratio(gap, -a * b)
        return value if factor == 1 else factor * value


def affinity_gap(P: Distribution, Q: Distribution, a: float, b: float) -> Array | None:
    r"""The gap $-\frac1{ab}\log\int p^a q^b \ge 0$ for $a + b = 1$, with the limits KL at (1, 0) and reverse KL at (0, 1).

    Parameters
    ----------
    P, Q : Distribution
        Records, or batches of them that broadcast.
    a, b : float
        The powers of p and q.

    Returns
    -------
    array or None
        ``inf`` where the integral diverges, or is 0; None where no closed form is registered.
    """
    P, Q = _without_common_maps(P, Q)
    if type(P) is not type(Q):
        P, Q = _of_one_family(P, Q)
    if isinstance(P, Product) and isinstance(Q, Product) and type(P.factors) is type(Q.factors):
        if type(P.factors) not in GAPS:
            return None
        formula = GAPS[type(P.factors)]
        return _evaluated(lambda xp, p, q: of_product(formula.function, xp, p, q, a, b), P.factors, Q.factors)
    if type(P) is type(Q) and type(P) in GAPS:
        formula = GAPS[type(P)]
        return _evaluated(lambda xp, p, q: formula.function(xp, p, q, a, b), P, Q)
    if (
        type(P) is not type(Q)
        and isinstance(P, Family)
        and isinstance(Q, Family)
        and (a, b) in ((1.0, 0.0), (0.0, 1.0))
    ):
        first, second = (P, Q) if a == 1 else (Q, P)
        kinds = type(first), type(second)
        if kinds in SPHERICAL_KL:
            return _evaluated(SPHERICAL_KL[kinds].function, first, second)
        require_known_on_sphere(P, Q)
        return _evaluated(lambda xp, p, q: cross_entropy_gap(xp, kinds, p, q), first, second)
    require_known_on_sphere(P, Q)
    return None


def _without_common_maps(P: Distribution, Q: Distribution) -> tuple[Distribution, Distribution]:
    """The originals of two images under the same maps, where they are of one kind."""
    while isinstance(P, Pushforward) and isinstance(Q, Pushforward):
        if type(P.base) is not type(Q.base) or P.map != Q.map:
            break
        P, Q = P.base, Q.base
    return P, Q


WITHIN: dict[tuple[type, type], Callable[[Any], Family]] = {
    (families.Exponential, families.Gamma): lambda P: families.Gamma(1 + 0 * P.rate, P.rate),
    (families.Exponential, families.Weibull): lambda P: families.Weibull(1 + 0 * P.rate, 1 / P.rate),
    (families.Bernoulli, families.Binomial): lambda P: families.Binomial(1 + 0 * P.p, P.p),
    (families.Geometric, families.NegativeBinomial): lambda P: families.NegativeBinomial(1 + 0 * P.p, P.p),
}
"""Members of a family that belong to a larger one, by the two."""


def _of_one_family(P: Distribution, Q: Distribution) -> tuple[Distribution, Distribution]:
    """The same two, one of them as a member of the larger family of the other."""
    if (type(P), type(Q)) in WITHIN:
        return WITHIN[type(P), type(Q)](P), Q
    if (type(Q), type(P)) in WITHIN:
        return P, WITHIN[type(Q), type(P)](Q)
    kinds = {type(P), type(Q)}
    if kinds == {Product, families.MultivariateNormal}:
        return _as_normal(P), _as_normal(Q)
    return as_directed(P, Q)


def _as_normal(P: Any) -> Any:
    """A product of normals as a multivariate normal, anything else as it is."""
    if not (isinstance(P, Product) and isinstance(P.factors, families.Normal)):
        return P
    xp, (loc, scale) = namespace(loc=P.factors.loc, scale=P.factors.scale)
    loc, scale = xp.broadcast_arrays(loc, scale)
    return families.MultivariateNormal(loc, xp.eye(loc.shape[-1], dtype=scale.dtype) * (scale**2)[..., None])


def _evaluated(function: Callable[..., Array | None], P: Any, Q: Any) -> Array | None:
    """A formula of the parameters in double precision, returned in their dtype."""
    mine, theirs = P.parameters, Q.parameters
    if all(type(x) in PLAIN and x.dtype == DOUBLE for each in (mine, theirs) for x in each.values()):
        with quiet():
            value = function(NUMPY, SimpleNamespace(**mine), SimpleNamespace(**theirs))
        return value if value is None or value.ndim else value[()]
    named = {f"{name} of P": x for name, x in mine.items()} | {f"{name} of Q": x for name, x in theirs.items()}
    xp, arrays = namespace(**_of_one_library(named))
    dtype = xp.result_type(*arrays)
    numbers = [wide(xp, x) for x in arrays]
    with quiet():
        value = function(
            xp,
            SimpleNamespace(**dict(zip(mine, numbers, strict=False))),
            SimpleNamespace(**dict(zip(theirs, numbers[len(mine) :], strict=True))),
        )
    return None if value is None else result(xp, value, dtype)


def _of_one_library(named: dict[str, Array]) -> dict[str, Array]:
    """numpy's numbers, which scipy's objects hold, follow the other side's library."""
    others = [x for x in named.values() if not isinstance(x, np.ndarray | np.generic)]
    if not others or len(others) == len(named):
        return named
    xp, _ = namespace(x=others[0])
    device = array_api_compat.device(others[0])
    dtype = xp.result_type(*others)
    return {
        name: xp.asarray(np.asarray(x), dtype=None if np.ndim(x) else dtype, device=device)
        if isinstance(x, np.ndarray | np.generic)
        else x
        for name, x in named.items()
    }


# --------------------------------------------------------------------------------------------------------- a few atoms


def on_atoms(d: Any, P: Distribution, Q: Distribution) -> Array | None:
    """Where two distributions are a few atoms to every divergence: the divergence of these."""
    P, Q = _without_common_maps(P, Q)
    if type(P) is not type(Q):
        return None
    if isinstance(P, families.Uniform):
        return _evaluated(lambda xp, p, q: d(*_uniform_atoms(xp, p, q), normalize=True), P, Q)
    if isinstance(P, families.Bernoulli):
        return _evaluated(
            lambda xp, p, q: d(*(xp.stack([1 - z.p, z.p], axis=-1) for z in (p, q)), normalize=True), P, Q
        )
    if isinstance(P, families.Categorical):
        return _evaluated(lambda xp, p, q: d(p.probabilities, q.probabilities, normalize=True), P, Q)
    return None


def _uniform_atoms(xp: Any, p: Parameters, q: Parameters) -> tuple[Array, Array]:
    """Lengths of the common part, the rest of p, the rest of q: on each the densities are constant."""
    low = xp.where(p.lower > q.lower, p.lower, q.lower)
    high = xp.where(p.upper < q.upper, p.upper, q.upper)
    meet = high > low
    common = xp.where(meet, high - low, 0.0 * low)
    rests = [xp.where(meet, (low - z.lower) + (z.upper - high), z.upper - z.lower) for z in (p, q)]
    zero = 0.0 * common
    return xp.stack([common, rests[0], zero], axis=-1), xp.stack([common, zero, rests[1]], axis=-1)
