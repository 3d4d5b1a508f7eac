"""Exact optimal transport, each value with its certificate."""

from divergences.transport.dense import DenseSimplex
from divergences.transport.line import Line
from divergences.transport.problems import emd, wasserstein
from divergences.transport.result import Method, Transport, TransportError
from divergences.transport.weak_duality import dual_bound

__all__ = ["DenseSimplex", "Line", "Method", "Transport", "TransportError", "dual_bound", "emd", "wasserstein"]
