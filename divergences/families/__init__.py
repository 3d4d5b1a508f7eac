"""Families of distributions as records, and what makes them of scipy's and torch's objects.

>>> from divergences.families import Normal, as_distribution
>>> Normal(loc=0, scale=2)
Normal(loc=0.0, scale=2.0)
"""

from divergences.families.composed import Mixture, Monotone, Pushforward
from divergences.families.continuous import *
from divergences.families.continuous import __all__ as _continuous
from divergences.families.conversion import as_distribution, is_distribution
from divergences.families.directional import *
from divergences.families.directional import __all__ as _directional
from divergences.families.discrete import *
from divergences.families.discrete import __all__ as _discrete
from divergences.families.distribution import Distribution, Family, Support
from divergences.families.images import *
from divergences.families.images import __all__ as _images
from divergences.families.multivariate import *
from divergences.families.multivariate import __all__ as _multivariate
from divergences.families.tilted import *
from divergences.families.tilted import __all__ as _tilted

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
__all__ += _continuous + _directional + _discrete + _images + _multivariate + _tilted  # noqa: PLE0605  (lists of names)
