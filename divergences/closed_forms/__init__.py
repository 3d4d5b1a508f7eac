"""Divergences between members of parametric families in closed form, each with its source.

>>> import divergences as dv
>>> from divergences.closed_forms import closed_form
>>> from divergences.families import Normal
>>> float(closed_form(dv.kl, Normal(1.0, 2.0), Normal(0.0, 2.0)))
0.125
"""

from divergences.closed_forms.formulas import Formula
from divergences.closed_forms.registry import GAPS, affinity_gap, closed_form, on_atoms
from divergences.closed_forms.variations import VARIATIONS

__all__ = ["GAPS", "VARIATIONS", "Formula", "affinity_gap", "closed_form", "on_atoms"]
