"""The public names that nearly every program uses, loaded together when the first of them is asked for."""

from divergences import catalogue, derived
from divergences.bounds import Bounds
from divergences.catalogue import *
from divergences.derived import *
from divergences.fdivergence import FDivergence, FFamily
from divergences.interval import Interval
from divergences.matrices import pairwise
from divergences.user import from_function

__all__ = ["Bounds", "FDivergence", "FFamily", "Interval", "from_function", "pairwise"]
__all__ += catalogue.__all__ + derived.__all__
