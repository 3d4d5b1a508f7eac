"""f-divergences between densities, by numerical integration with an error bound.

>>> import divergences as dv
>>> from divergences.densities import divergence_bounds
>>> from divergences.families import Logistic, Normal
>>> divergence_bounds(dv.js, Normal(0.0, 1.0), Logistic(0.0, 1.0)).relative_gap < 1e-10
True
"""

from divergences.densities.value import divergence_bounds, log_affinity_bounds

__all__ = ["divergence_bounds", "log_affinity_bounds"]
