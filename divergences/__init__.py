"""Divergences between probability distributions and exact optimal transport, each value with its certificate.

>>> import divergences as dv
>>> float(dv.kl([0.5, 0.5], [0.25, 0.75]))
0.14384103622589045
>>> dv.wasserstein([0.0, 1.0], [5.0, 6.0]).value
5.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from divergences._version import __version__

if TYPE_CHECKING:
    from divergences.bounds import Bounds
    from divergences.catalogue import *
    from divergences.derived import *
    from divergences.fdivergence import FDivergence, FFamily
    from divergences.integral_metrics import (
        bounded_lipschitz,
        energy_distance,
        max_sliced_wasserstein,
        mmd,
        sliced_wasserstein,
    )
    from divergences.interval import Interval
    from divergences.matrices import pairwise
    from divergences.projections import Projection, project
    from divergences.relations import JointRange, SharpBound, bound, joint_range
    from divergences.transport import (
        Infeasible,
        Kantorovich,
        SharedCost,
        Transport,
        TransportError,
        emd,
        kantorovich,
        wasserstein,
        wasserstein_1d,
        wasserstein_circle,
        wasserstein_loss,
    )
    from divergences.user import from_function

    __all__ = [
        "Bounds",
        "FDivergence",
        "FFamily",
        "Infeasible",
        "Interval",
        "JointRange",
        "Kantorovich",
        "Projection",
        "SharedCost",
        "SharpBound",
        "Transport",
        "TransportError",
        "__version__",
        "bound",
        "bounded_lipschitz",
        "emd",
        "energy_distance",
        "from_function",
        "joint_range",
        "kantorovich",
        "max_sliced_wasserstein",
        "mmd",
        "pairwise",
        "project",
        "sliced_wasserstein",
        "wasserstein",
        "wasserstein_1d",
        "wasserstein_circle",
        "wasserstein_loss",
    ]

_LAZY = (
    dict.fromkeys(
        (
            "Infeasible",
            "Kantorovich",
            "SharedCost",
            "Transport",
            "TransportError",
            "emd",
            "kantorovich",
            "wasserstein",
            "wasserstein_1d",
            "wasserstein_circle",
            "wasserstein_loss",
        ),
        "transport",
    )
    | dict.fromkeys(
        ("bounded_lipschitz", "energy_distance", "max_sliced_wasserstein", "mmd", "sliced_wasserstein"),
        "integral_metrics",
    )
    | dict.fromkeys(("Projection", "project"), "projections")
    | dict.fromkeys(("JointRange", "SharpBound", "bound", "joint_range"), "relations")
)
"""Names by the modules that they come from, which are imported when first asked for."""


_PACKAGES = ("estimators", "families", "integral_metrics", "plot", "projections", "relations", "testing", "transport")
"""Modules for names that are not here, imported when first asked for."""


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: one of the module `_names` together with all others of them."""
    if name in _LAZY:
        return getattr(import_module(f"divergences.{_LAZY[name]}"), name)
    if name in _PACKAGES:
        return import_module(f"divergences.{name}")
    names = import_module("divergences._names")
    public = {"__all__": sorted([*_LAZY, "__version__", *names.__all__])}
    globals().update(public | {each: getattr(names, each) for each in names.__all__})
    if name in globals():
        return globals()[name]
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__getattr__("__all__"))
