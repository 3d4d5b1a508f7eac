"""Neural critics that estimate divergences, each estimate between bounds that are proven.

>>> import divergences as dv
>>> import gan
>>> table = gan.worked_table()
>>> estimate = gan.estimate(table.P, table.Q, budget=gan.Budget(steps=100))
>>> 6.9 < estimate.lower <= 7.0 <= estimate.upper
True
"""

from divergences._extras import require

require("torch", "gan", "the package gan")

from gan.ascent import Record, TrainingError
from gan.certificates import fenchel_bound, kantorovich_bound, lipschitz_on_support
from gan.critics import MLP, Architecture, Cones, FourierMLP, GroupSortMLP
from gan.estimation import Budget, Estimate, estimate
from gan.expectations import Discrete, Expectation, JointSupport, joint_support
from gan.lipschitz import (
    ByConstruction,
    CTransform,
    GradientPenalty,
    LipschitzConstraint,
    Orthogonal,
    SpectralNorm,
    WeightClipping,
)
from gan.objectives import Objective, Variational, Wasserstein, variational, wasserstein
from gan.problems import Problem, parallel_lines, worked_table

__all__ = [
    "MLP",
    "Architecture",
    "Budget",
    "ByConstruction",
    "CTransform",
    "Cones",
    "Discrete",
    "Estimate",
    "Expectation",
    "FourierMLP",
    "GradientPenalty",
    "GroupSortMLP",
    "JointSupport",
    "LipschitzConstraint",
    "Objective",
    "Orthogonal",
    "Problem",
    "Record",
    "SpectralNorm",
    "TrainingError",
    "Variational",
    "Wasserstein",
    "WeightClipping",
    "estimate",
    "fenchel_bound",
    "joint_support",
    "kantorovich_bound",
    "lipschitz_on_support",
    "parallel_lines",
    "variational",
    "wasserstein",
    "worked_table",
]
