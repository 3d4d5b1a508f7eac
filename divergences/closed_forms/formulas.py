r"""Closed forms as records with their sources, collected by family.

Names of papers that several entries rest on stand here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, final

from divergences._arrays import Array, known

__all__ = ["EULER", "GIL", "NIELSEN", "Formula", "Parameters", "collector", "of_product", "tied"]

Parameters = SimpleNamespace
"""The parameters of a record by name, in double precision."""

EULER = 0.57721566490153286


@final
@dataclass(frozen=True, slots=True)
class Formula:
    """A closed form: of which pair of families, and where it comes from.

    The function returns None where it does not apply to the parameters given.
    """

    function: Callable[..., Array | None]
    source: str


Function = Callable[..., Array | None]


def collector(table: dict[type, Formula]) -> Callable[[type, str], Callable[[Function], Function]]:
    """What registers functions in a table, by family and with their sources."""

    def of_family(family: type, source: str) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            table[family] = Formula(function, source)
            return function

        return register

    return of_family


NIELSEN = "Nielsen & Nock (2011), The Burbea-Rao and Bhattacharyya centroids, IEEE Trans. Inf. Theory 57(8), eq. 51"
GIL = "Gil, Alajaji & Linder (2013), Renyi divergence measures for commonly used univariate continuous distributions, table 2"


def tied(xp: Any, **pairs: tuple[Array, Array]) -> bool:
    """Whether parameters are equal, as a formula needs them to be: it has no derivative with respect to these."""
    ((name, (x, y)),) = pairs.items()
    if not known(xp, x == y):
        return False
    if any(getattr(z, "requires_grad", False) for z in (x, y)):
        msg = (
            f"expected {name} to record no gradients where the closed form needs equal ones on both sides; "
            f"detach {name}, or take KL"
        )
        raise TypeError(msg)
    return True


def of_product(
    function: Callable[..., Array | None], xp: Any, p: Parameters, q: Parameters, a: float, b: float
) -> Array | None:
    """The gap of products: the sum over the coordinates."""
    each = function(xp, p, q, a, b)
    return None if each is None else xp.sum(each, axis=-1)
