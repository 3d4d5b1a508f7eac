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

from gan.adversarial import (
    EnergyBased,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    pearson_least_squares,
)
from gan.ascent import TrainingError
from gan.baselines import KernelDensity, MixtureEM, TrainedVAE
from gan.budget import Budget
from gan.certificates import fenchel_bound, kantorovich_bound, lipschitz_on_support
from gan.clipping import Reading, clip_limits, held_out_bound
from gan.conditional import CodeHead, Conditional, with_labels
from gan.confidence import Betting, CentralLimit, Confidence, EmpiricalBernstein
from gan.critics import MLP, Architecture, Cones, FourierMLP, Funnels, GroupSortMLP
from gan.datasets import DataSet, Labelled
from gan.estimation import estimate, estimate_many, log_ratio
from gan.expectations import Discrete, Expectation, JointSupport, joint_support
from gan.funnels import min_funnels
from gan.games import Alternating, Dynamics, Game, Simultaneous, SingleStep, TwoTimeScale
from gan.gradients import CriticErrors, critic_errors
from gan.image_networks import AutoencoderEnergy, DCGANCritic, DCGANGenerator, pretrain
from gan.known import KnownProblem, known_problems
from gan.known_ratios import KnownDivergence
from gan.latents import CodedLatent, NormalLatent, UniformLatent
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
from gan.logs import CsvLog, TensorBoardLog
from gan.lookahead import Extragradient, Optimistic, Predictive
from gan.metrics import Progress, Quality, Yardstick, exact_w1, yardstick
from gan.minibatch import MinibatchDiscrimination
from gan.networks import Affine, FeatureMLP, GeneratorArchitecture, GeneratorMLP, pushforward
from gan.non_negative import NonNegative
from gan.objectives import (
    FGAN,
    Contest,
    DonskerVaradhan,
    FenchelObjective,
    MeanDifference,
    NguyenWainwrightJordan,
    Objective,
    Payoff,
    Separable,
    Variational,
    Wasserstein,
    donsker_varadhan,
    fgan,
    nwj,
    variational,
    wasserstein,
)
from gan.optimizers import SGD, Adam, RMSProp
from gan.pairwise_games import LossSensitive, Relativistic, RelativisticPairs, relativistic, relativistic_pairs
from gan.partitions import bins_of, classes_of, modes_of
from gan.players import Losses, Player
from gan.plug_in import plug_in_upper
from gan.presets import PRESETS, Preset
from gan.primal import BySize, ExactValue, LeastOf, ListedPlan, MonotonePlan, RoundedPlan, UpperBound, default_upper
from gan.problems import Problem, battery, parallel_lines, worked_table
from gan.ratios import FiniteRatio
from gan.result import Estimate, Kind, Record
from gan.sampled_ratio import SampledRatio
from gan.sources import Sampler
from gan.table import Table
from gan.terms import Context, FeatureMatching, MutualInformation, PullingAway, Term
from gan.training import Settings, Trained, train
from gan.vae import VAE

__all__ = [
    "FGAN",
    "MLP",
    "PORTFOLIO",
    "PRESETS",
    "SGD",
    "VAE",
    "Adam",
    "Affine",
    "AlmostOrthogonal",
    "Alternating",
    "Architecture",
    "AutoencoderEnergy",
    "Betting",
    "Bjorck",
    "Budget",
    "ByConstruction",
    "BySize",
    "CTransform",
    "Cayley",
    "CentralLimit",
    "CodeHead",
    "CodedLatent",
    "Conditional",
    "Cones",
    "Confidence",
    "Contest",
    "Context",
    "CriticErrors",
    "CsvLog",
    "DCGANCritic",
    "DCGANGenerator",
    "DataSet",
    "Discrete",
    "DonskerVaradhan",
    "Dynamics",
    "EmpiricalBernstein",
    "EnergyBased",
    "Estimate",
    "ExactValue",
    "Expectation",
    "Extragradient",
    "FeatureMLP",
    "FeatureMatching",
    "FenchelObjective",
    "FiniteRatio",
    "FourierMLP",
    "Funnels",
    "Game",
    "GeneratorArchitecture",
    "GeneratorMLP",
    "GradientPenalty",
    "GroupSortMLP",
    "Hinge",
    "JointSupport",
    "KernelDensity",
    "Kind",
    "KnownDivergence",
    "KnownProblem",
    "Labelled",
    "LeastOf",
    "LeastSquares",
    "LipschitzConstraint",
    "ListedPlan",
    "LossSensitive",
    "Losses",
    "MeanDifference",
    "MinibatchDiscrimination",
    "Minimax",
    "MixtureEM",
    "MonotonePlan",
    "MutualInformation",
    "NguyenWainwrightJordan",
    "NonNegative",
    "NonSaturating",
    "NormalLatent",
    "Objective",
    "Optimistic",
    "Orthogonal",
    "Payoff",
    "Player",
    "Predictive",
    "Preset",
    "Problem",
    "Progress",
    "PullingAway",
    "Quality",
    "RMSProp",
    "Reading",
    "Record",
    "Relativistic",
    "RelativisticPairs",
    "RoundedPlan",
    "SampledRatio",
    "Sampler",
    "Separable",
    "Settings",
    "Simultaneous",
    "SingleStep",
    "SpectralNorm",
    "Table",
    "TensorBoardLog",
    "Term",
    "Trained",
    "TrainedVAE",
    "TrainingError",
    "TwoTimeScale",
    "UniformLatent",
    "UpperBound",
    "Variational",
    "Wasserstein",
    "WeightClipping",
    "Yardstick",
    "battery",
    "bins_of",
    "classes_of",
    "clip_limits",
    "critic_errors",
    "default_upper",
    "donsker_varadhan",
    "estimate",
    "estimate_many",
    "exact_w1",
    "fenchel_bound",
    "fgan",
    "held_out_bound",
    "hinge",
    "joint_support",
    "kantorovich_bound",
    "known_problems",
    "least_squares",
    "lipschitz_on_support",
    "log_ratio",
    "min_funnels",
    "minimax",
    "modes_of",
    "non_saturating",
    "nwj",
    "parallel_lines",
    "pearson_least_squares",
    "plug_in_upper",
    "pretrain",
    "pushforward",
    "relativistic",
    "relativistic_pairs",
    "train",
    "variational",
    "wasserstein",
    "with_labels",
    "worked_table",
    "yardstick",
]
