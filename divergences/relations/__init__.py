"""What one divergence says about another: the classical inequalities, and the sharp bounds of any two f-divergences.

>>> import divergences as dv
>>> b = dv.bound(dv.kl, given=dv.tv, value=0.3)
>>> round(b.lower, 6), b.upper  # Pinsker says 0.18
(0.183785, inf)
"""

from divergences.relations.extremes import Extreme
from divergences.relations.inequalities import RELATIONS, Equality, Relation
from divergences.relations.joint import JointRange, SharpBound, bound, joint_range

__all__ = ["RELATIONS", "Equality", "Extreme", "JointRange", "Relation", "SharpBound", "bound", "joint_range"]
