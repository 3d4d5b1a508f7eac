r"""Integral probability metrics :math:`\sup_{f \in F} \mathbb E_P f - \mathbb E_Q f`, exact on finite sets of points.

The class F makes the metric: measurable functions with values in [0, 1] (total variation), Lipschitz functions
(:func:`divergences.kantorovich`), bounded Lipschitz functions, the unit ball of a reproducing
kernel Hilbert space (maximum mean discrepancy, energy distance). Each comes with a witness, the function that tells the
two measures apart the most. Beside them stand Wasserstein distances of projections to lines.

References
----------
A. Müller (1997), Integral probability metrics and their generating classes of functions, Advances in Applied
Probability 29, 429-443.
"""

from divergences.integral_metrics.balls import BoundedLipschitz, Dudley, FortetMourier, bounded_lipschitz
from divergences.integral_metrics.directions import MaxSliced, max_sliced_wasserstein
from divergences.integral_metrics.embeddings import KernelMetric, energy_distance, mmd
from divergences.integral_metrics.kernels import (
    Energy,
    Gaussian,
    InverseMultiquadric,
    Kernel,
    Laplacian,
    Linear,
    Polynomial,
    RationalQuadratic,
    median_bandwidth,
)
from divergences.integral_metrics.slices import Sliced, sliced_wasserstein
from divergences.integral_metrics.variation import Variation, total_variation

__all__ = [
    "BoundedLipschitz",
    "Dudley",
    "Energy",
    "FortetMourier",
    "Gaussian",
    "InverseMultiquadric",
    "Kernel",
    "KernelMetric",
    "Laplacian",
    "Linear",
    "MaxSliced",
    "Polynomial",
    "RationalQuadratic",
    "Sliced",
    "Variation",
    "bounded_lipschitz",
    "energy_distance",
    "max_sliced_wasserstein",
    "median_bandwidth",
    "mmd",
    "sliced_wasserstein",
    "total_variation",
]
