"""Exact optimal transport, each value with its certificate."""

from divergences.transport.arc import Arc
from divergences.transport.assignment import Assignment
from divergences.transport.between_distributions import Coordinates, DistributionTransport, between
from divergences.transport.bures import Bures
from divergences.transport.circle import Circle
from divergences.transport.clouds import Clouds, Interrupted, LazySimplex, Progress
from divergences.transport.extension import LipschitzExtension
from divergences.transport.feasibility import Infeasible
from divergences.transport.gradients import Gradient, gradient, wasserstein_loss
from divergences.transport.histograms import ManyBounds, SharedCost
from divergences.transport.kantorovich_dual import Kantorovich, kantorovich
from divergences.transport.known_distances import ClosedForm
from divergences.transport.line import Line
from divergences.transport.matrix import MATRIX_ROADS, emd
from divergences.transport.matrix_roads import DenseSimplex, MatrixRoad
from divergences.transport.points import ROADS, wasserstein, wasserstein_circle
from divergences.transport.quantile_line import wasserstein_1d
from divergences.transport.quantiles import Quantiles
from divergences.transport.result import Method, Transport, TransportError
from divergences.transport.roads import Road
from divergences.transport.tree import Tree
from divergences.transport.tree_metric import TreeMetric
from divergences.transport.weak_duality import dual_bound

__all__ = [
    "MATRIX_ROADS",
    "ROADS",
    "Arc",
    "Assignment",
    "Bures",
    "Circle",
    "ClosedForm",
    "Clouds",
    "Coordinates",
    "DenseSimplex",
    "DistributionTransport",
    "Gradient",
    "Infeasible",
    "Interrupted",
    "Kantorovich",
    "LazySimplex",
    "Line",
    "LipschitzExtension",
    "ManyBounds",
    "MatrixRoad",
    "Method",
    "Progress",
    "Quantiles",
    "Road",
    "SharedCost",
    "Transport",
    "TransportError",
    "Tree",
    "TreeMetric",
    "between",
    "dual_bound",
    "emd",
    "gradient",
    "kantorovich",
    "wasserstein",
    "wasserstein_1d",
    "wasserstein_circle",
    "wasserstein_loss",
]
