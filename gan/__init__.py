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

from gan.ascent import TrainingError
from gan.budget import Budget
from gan.certificates import fenchel_bound, kantorovich_bound, lipschitz_on_support
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.confidence import Betting, CentralLimit, Confidence, EmpiricalBernstein
from gan.critics import MLP, Architecture, Cones, FourierMLP, Funnels, GroupSortMLP
from gan.estimation import estimate, estimate_many, log_ratio
from gan.expectations import Discrete, Expectation, JointSupport, joint_support
from gan.funnels import min_funnels
from gan.gradients import CriticErrors, critic_errors
from gan.known import KnownProblem, known_problems
from gan.known_ratios import KnownDivergence
from gan.lipschitz import (
    PORTFOLIO,
    AlmostOrthogonal,
    Bjorck,
    ByConstruction,
    Cayley,
    CTransform,
    GradientPenalty,
    LipschitzConstraint,
    Orthogonal,
    SpectralNorm,
    WeightClipping,
)
from gan.objectives import (
    FGAN,
    DonskerVaradhan,
    FenchelObjective,
    MeanDifference,
    NguyenWainwrightJordan,
    Objective,
    Variational,
    Wasserstein,
    donsker_varadhan,
    fgan,
    nwj,
    variational,
    wasserstein,
)
from gan.plug_in import plug_in_upper
from gan.primal import BySize, ExactValue, LeastOf, ListedPlan, MonotonePlan, RoundedPlan, UpperBound, default_upper
from gan.problems import Problem, battery, parallel_lines, worked_table
from gan.ratios import FiniteRatio
from gan.result import Estimate, Kind, Record
from gan.sampled_ratio import SampledRatio
from gan.sources import Sampler
from gan.table import Table

__all__ = [
    "FGAN",
    "MLP",
    "PORTFOLIO",
    "AlmostOrthogonal",
    "Architecture",
    "Betting",
    "Bjorck",
    "Budget",
    "ByConstruction",
    "BySize",
    "CTransform",
    "Cayley",
    "CentralLimit",
    "Cones",
    "Confidence",
    "CriticErrors",
    "Discrete",
    "DonskerVaradhan",
    "EmpiricalBernstein",
    "Estimate",
    "ExactValue",
    "Expectation",
    "FenchelObjective",
    "FiniteRatio",
    "FourierMLP",
    "Funnels",
    "GradientPenalty",
    "GroupSortMLP",
    "JointSupport",
    "Kind",
    "KnownDivergence",
    "KnownProblem",
    "LeastOf",
    "LipschitzConstraint",
    "ListedPlan",
    "MeanDifference",
    "MonotonePlan",
    "NguyenWainwrightJordan",
    "Objective",
    "Orthogonal",
    "Problem",
    "Reading",
    "Record",
    "RoundedPlan",
    "SampledRatio",
    "Sampler",
    "SpectralNorm",
    "Table",
    "TrainingError",
    "UpperBound",
    "Variational",
    "Wasserstein",
    "WeightClipping",
    "battery",
    "clip_limits",
    "critic_errors",
    "default_upper",
    "donsker_varadhan",
    "estimate",
    "estimate_many",
    "fenchel_bound",
    "fgan",
    "held_out_bound",
    "joint_support",
    "kantorovich_bound",
    "known_problems",
    "lipschitz_on_support",
    "log_ratio",
    "min_funnels",
    "nwj",
    "parallel_lines",
    "plug_in_upper",
    "variational",
    "wasserstein",
    "worked_table",
]
