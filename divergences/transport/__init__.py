"""Exact optimal transport, each value with its certificate."""

from divergences.transport.line import Line
from divergences.transport.matrix import DenseSimplex, emd
from divergences.transport.points import ROADS, wasserstein
from divergences.transport.result import Method, Transport, TransportError
from divergences.transport.roads import Road
from divergences.transport.weak_duality import dual_bound

__all__ = [
    "ROADS",
    "DenseSimplex",
    "Line",
    "Method",
    "Road",
    "Transport",
    "TransportError",
    "dual_bound",
    "emd",
    "wasserstein",
]
