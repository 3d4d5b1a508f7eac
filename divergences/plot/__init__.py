"""Pictures of transport plans and of Kantorovich potentials; the extra ``plot`` brings matplotlib, which they need.

Every function draws into ``ax=`` or into a figure of its own and returns the axes; nothing is shown or saved.
"""

from divergences.plot.plans import plan_arrows, plan_matrix
from divergences.plot.potentials import potential_surface

__all__ = ["plan_arrows", "plan_matrix", "potential_surface"]
