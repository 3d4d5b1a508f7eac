"""Families of distributions as records, and what makes them of scipy's and torch's objects.

>>> from divergences.families import Normal, as_distribution
>>> Normal(loc=0, scale=2)
Normal(loc=0.0, scale=2.0)
"""

from divergences.families import continuous, discrete, multivariate
from divergences.families.composed import Mixture, Monotone, Pushforward
from divergences.families.continuous import *
from divergences.families.conversion import as_distribution, is_distribution
from divergences.families.discrete import *
from divergences.families.distribution import Distribution, Family, Support
from divergences.families.multivariate import *

__all__ = [
    "Distribution",
    "Family",
    "Mixture",
    "Monotone",
    "Pushforward",
    "Support",
    "as_distribution",
    "is_distribution",
]
__all__ += continuous.__all__ + discrete.__all__ + multivariate.__all__
