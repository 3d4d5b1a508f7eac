"""Divergences between probability distributions and exact optimal transport, each value with its certificate.

>>> import divergences as dv
>>> float(dv.kl([0.5, 0.5], [0.25, 0.75]))
0.14384103622589045
>>> dv.wasserstein([0.0, 1.0], [5.0, 6.0]).value
5.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from divergences import catalogue, derived
from divergences._version import __version__
from divergences.bounds import Bounds
from divergences.catalogue import *
from divergences.derived import *
from divergences.fdivergence import FDivergence, FFamily
from divergences.interval import Interval
from divergences.matrices import pairwise
from divergences.user import from_function

if TYPE_CHECKING:
    from divergences.projections import Projection, project
    from divergences.relations import JointRange, SharpBound, bound, joint_range
    from divergences.transport import Transport, TransportError, emd, wasserstein

__all__ = [
    "Bounds",
    "FDivergence",
    "FFamily",
    "Interval",
    "JointRange",
    "Projection",
    "SharpBound",
    "Transport",
    "TransportError",
    "__version__",
    "bound",
    "emd",
    "from_function",
    "joint_range",
    "pairwise",
    "project",
    "wasserstein",
]
__all__ += catalogue.__all__ + derived.__all__

_LAZY = (
    dict.fromkeys(("Transport", "TransportError", "emd", "wasserstein"), "transport")
    | dict.fromkeys(("Projection", "project"), "projections")
    | dict.fromkeys(("JointRange", "SharpBound", "bound", "joint_range"), "relations")
)
"""Names by the modules that they come from, which are imported when first asked for."""


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name in _LAZY:
        return getattr(import_module(f"divergences.{_LAZY[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
