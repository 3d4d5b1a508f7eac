"""Exact transport between large clouds of points, without the matrix of costs."""

from divergences.transport.clouds.lazy import LazySimplex
from divergences.transport.clouds.progress import Interrupted, Progress
from divergences.transport.clouds.road import Clouds

__all__ = ["Clouds", "Interrupted", "LazySimplex", "Progress"]
