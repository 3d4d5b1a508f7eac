"""The contestants: this library, and every other way to the same number, one small function each.

A route takes p and q of shape (..., n) and gives values of shape (...), in nats and with the factors of this library.
A peer that is not installed is left out, and named by `missing`.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

import numpy as np
import torch
from divergence_truth import Quantity
from scipy import special, stats
from scipy.spatial import distance

import divergences as dv

__all__ = ["OURS", "Route", "missing", "routes"]

Array = Any
Call = Callable[[Array, Array], Array]
Maker = TypeVar("Maker", bound=Callable[..., Call | None])

OURS = "divergences"
"""The name of this library's route on numpy arrays; others follow a comma."""

ALWAYS = "numpy"
"""A package that is there."""


@final
@dataclass(frozen=True, slots=True)
class Route:
    """One way to a divergence.

    Parameters
    ----------
    quantity : str
        Name of the divergence or family.
    name : str
        As it stands in the tables.
    make : callable
        Takes the order, if there is one, and gives the function of p and q, or None if there is none of that order.
    package : str
        What has to be installed.
    normalises : bool
        Whether it divides by the sums itself. The others are given p/sum(p) and q/sum(q), whose rounding is part of
        their error.
    rows : bool
        Whether it takes batches.
    largest : int
        Number of outcomes beyond which it is too slow to be asked.
    single : bool
        Whether it is asked in single precision only.
    """

    quantity: str
    name: str
    make: Callable[..., Call | None]
    package: str = ALWAYS
    normalises: bool = False
    rows: bool = True
    largest: int = 10**9
    single: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is this library."""
        return self.name.startswith(OURS)

    @property
    def installed(self) -> bool:
        """Whether its package is here."""
        return importlib.util.find_spec(self.package) is not None

    def takes(self, p: Array) -> bool:
        """Whether it is asked for arrays such as this one."""
        return p.shape[-1] <= self.largest and (p.dtype == np.float32 or not self.single)


REGISTERED: list[Route] = []


def routes(quantity: Quantity) -> dict[Route, Call]:
    """The functions for one quantity, by every route that is installed and has it."""
    installed = [route for route in REGISTERED if route.quantity == quantity.name and route.installed]
    made = {route: route.make(*quantity.parameters) for route in installed}
    return {route: call for route, call in made.items() if call is not None}


def missing() -> list[str]:
    """Packages that some route needs and that are not installed."""
    return sorted({route.package for route in REGISTERED if not route.installed})


def peer(quantity: str, name: str, **facts: Any) -> Callable[[Maker], Maker]:
    """Register the maker of a route."""

    def register(make: Maker) -> Maker:
        REGISTERED.append(replace(Route(quantity, name, make), **facts))
        return make

    return register


def optional(module: str) -> Any:
    """A module that may not be installed, and whose types are not looked at."""
    return importlib.import_module(module)


# --------------------------------------------------------------------------------------------------------- this library


def declared(name: str, *parameters: float) -> Any:
    """The divergence, or the member of the family, of this library."""
    found = getattr(dv, name)
    return found(*parameters) if parameters else found


def ours(name: str) -> None:
    """Register this library's routes to one divergence: numpy, torch, and jax without doubles (jax32)."""

    def on_torch(*parameters: float) -> Call:
        d = declared(name, *parameters)
        return lambda p, q: d(torch.as_tensor(p), torch.as_tensor(q))

    def on_jax(*parameters: float) -> Call:
        jnp = optional("jax.numpy")
        d = declared(name, *parameters)
        return lambda p, q: d(jnp.asarray(p), jnp.asarray(q))

    peer(name, OURS, normalises=True)(lambda *parameters: declared(name, *parameters))
    peer(name, f"{OURS}, torch", normalises=True)(on_torch)

    def of_rows(*parameters: float) -> Call:
        d = declared(name, *parameters)
        return lambda p, q: dv.pairwise(d, p[None], q[None])[0, 0]

    peer(name, f"{OURS}, pairwise", normalises=True, rows=False)(of_rows)
    peer(name, f"{OURS}, jax32", normalises=True, package="jax", single=True)(on_jax)


for known in ("kl", "js", "tv", "squared_hellinger", "pearson_chi2", "alpha", "renyi"):
    ours(known)


# ----------------------------------------------------------------------------------------------------- relative entropy


@peer("kl", "scipy entropy", normalises=True)
def scipy_entropy() -> Call:
    return lambda p, q: stats.entropy(p, q, axis=-1)


@peer("kl", "scipy rel_entr")
def scipy_rel_entr() -> Call:
    return lambda p, q: special.rel_entr(p, q).sum(axis=-1)


@peer("kl", "scipy kl_div")
def scipy_kl_div() -> Call:
    return lambda p, q: special.kl_div(p, q).sum(axis=-1)


@peer("kl", "numpy line")
def numpy_kl() -> Call:
    return lambda p, q: np.sum(p * np.log(p / q), axis=-1)


@peer("kl", "torch kl_div")
def torch_kl_div() -> Call:
    def call(p: Array, q: Array) -> Array:
        p, q = torch.as_tensor(p), torch.as_tensor(q)
        return torch.nn.functional.kl_div(q.log(), p, reduction="none").sum(dim=-1)

    return call


@peer("kl", "torch Categ.", normalises=True)
def torch_categorical() -> Call:
    from torch.distributions import Categorical, kl_divergence

    def call(p: Array, q: Array) -> Array:
        return kl_divergence(Categorical(torch.as_tensor(p)), Categorical(torch.as_tensor(q)))

    return call


@peer("kl", "torchmetrics", package="torchmetrics", normalises=True)
def torchmetrics_kl() -> Call:
    kl_divergence = optional("torchmetrics.functional.regression").kl_divergence

    def call(p: Array, q: Array) -> Array:
        return kl_divergence(*(torch.as_tensor(np.atleast_2d(x)) for x in (p, q)), reduction="none")

    return call


@peer("kl", "POT kl_div", rows=False)
def pot_kl_div() -> Call:
    from ot.backend import NumpyBackend

    kl_div: Call = NumpyBackend().kl_div
    return kl_div


@peer("kl", "dit", package="dit", rows=False, largest=100)
def dit_kl() -> Call:
    kullback_leibler_divergence = optional("dit.divergences").kullback_leibler_divergence
    return in_dit(kullback_leibler_divergence, np.log(2))


def in_dit(function: Callable[..., float], unit: float) -> Call:
    """A function of two dit distributions, times a unit: dit's is the bit."""
    Distribution = optional("dit").Distribution

    def distribution(x: Array) -> Any:
        return Distribution([(k,) for k in range(len(x))], x.tolist())

    return lambda p, q: function(distribution(p), distribution(q)) * unit


# ------------------------------------------------------------------------------------------------------- Jensen-Shannon


@peer("js", "scipy js²", normalises=True)
def scipy_jensenshannon() -> Call:
    return lambda p, q: distance.jensenshannon(p, q, axis=-1) ** 2


@peer("js", "scipy cdist²", rows=False)
def scipy_cdist() -> Call:
    return lambda p, q: distance.cdist(p[None], q[None], "jensenshannon")[0, 0] ** 2


@peer("js", "numpy line")
def numpy_js() -> Call:
    def call(p: Array, q: Array) -> Array:
        m = (p + q) / 2
        return np.sum(p * np.log(p / m) + q * np.log(q / m), axis=-1) / 2

    return call


@peer("js", "numpy entropies")
def numpy_entropies() -> Call:
    def entropy(p: Array) -> Array:
        return -np.sum(p * np.log(p), axis=-1)

    return lambda p, q: entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


@peer("js", "torchmetrics", package="torchmetrics", normalises=True)
def torchmetrics_js() -> Call:
    jensen_shannon_divergence = optional("torchmetrics.functional.regression").jensen_shannon_divergence

    def call(p: Array, q: Array) -> Array:
        return jensen_shannon_divergence(*(torch.as_tensor(np.atleast_2d(x)) for x in (p, q)), reduction="none")

    return call


@peer("js", "dit", package="dit", rows=False, largest=100)
def dit_js() -> Call:
    jensen_shannon_divergence = optional("dit.divergences").jensen_shannon_divergence
    return in_dit(lambda p, q: jensen_shannon_divergence([p, q]), np.log(2))


# ------------------------------------------------------------------------------------------- powers of the differences


@peer("tv", "numpy line")
def numpy_tv() -> Call:
    return lambda p, q: np.sum(np.abs(p - q), axis=-1) / 2


@peer("tv", "scipy cityblock", rows=False)
def scipy_cityblock() -> Call:
    return lambda p, q: distance.cityblock(p, q) / 2


@peer("tv", "dit", package="dit", rows=False, largest=10)
def dit_tv() -> Call:
    variational_distance = optional("dit.divergences").variational_distance
    return in_dit(variational_distance, 1.0)


@peer("squared_hellinger", "numpy line")
def numpy_hellinger() -> Call:
    return lambda p, q: np.sum((np.sqrt(p) - np.sqrt(q)) ** 2, axis=-1)


@peer("squared_hellinger", "numpy 2 - 2 BC")
def numpy_bhattacharyya() -> Call:
    return lambda p, q: 2 - 2 * np.sum(np.sqrt(p * q), axis=-1)


@peer("squared_hellinger", "dit", package="dit", rows=False, largest=10)
def dit_hellinger() -> Call:
    hellinger_distance = optional("dit.divergences").hellinger_distance
    return in_dit(lambda p, q: 2 * hellinger_distance(p, q) ** 2, 1.0)


@peer("pearson_chi2", "numpy line")
def numpy_chi2() -> Call:
    return lambda p, q: np.sum((p - q) ** 2 / q, axis=-1)


@peer("pearson_chi2", "numpy Σp²/q - 1")
def numpy_second_moment() -> Call:
    return lambda p, q: np.sum(p**2 / q, axis=-1) - 1


@peer("pearson_chi2", "scipy chisquare", rows=False)
def scipy_chisquare() -> Call:
    return lambda p, q: stats.chisquare(p, q).statistic


# -------------------------------------------------------------------------------------------------------------- orders


@peer("alpha", "numpy line")
def numpy_alpha(a: float) -> Call:
    if a in (0, 1):
        kl = numpy_kl()
        return kl if a else lambda p, q: kl(q, p)
    return lambda p, q: (np.sum(p**a * q ** (1 - a), axis=-1) - 1) / (a * (a - 1))


@peer("alpha", "scipy power_div", rows=False)
def scipy_power_divergence(a: float) -> Call:
    return lambda p, q: stats.power_divergence(p, q, lambda_=a - 1).statistic / 2


@peer("alpha", "dit", package="dit", rows=False, largest=10)
def dit_alpha(a: float) -> Call:
    alpha_divergence = optional("dit.divergences").alpha_divergence
    unit = np.log(2) if a in (0, 1) else 1.0  # at its limits, it is in bits
    return in_dit(lambda p, q: alpha_divergence(p, q, alpha=1 - 2 * a), unit)


@peer("renyi", "numpy line")
def numpy_renyi(a: float) -> Call:
    if np.isinf(a):
        return lambda p, q: np.log(np.max(p / q, axis=-1))
    if a == 1:
        return numpy_kl()
    return lambda p, q: np.log(np.sum(p**a * q ** (1 - a), axis=-1)) / (a - 1)


@peer("renyi", "scipy logsumexp")
def scipy_logsumexp(a: float) -> Call | None:
    if a == 1 or np.isinf(a):
        return None
    return lambda p, q: special.logsumexp(a * np.log(p) + (1 - a) * np.log(q), axis=-1) / (a - 1)


@peer("renyi", "dit", package="dit", rows=False, largest=10)
def dit_renyi(a: float) -> Call | None:
    renyi_divergence = optional("dit.divergences").renyi_divergence
    return None if np.isinf(a) else in_dit(lambda p, q: renyi_divergence(p, q, alpha=a), np.log(2))
