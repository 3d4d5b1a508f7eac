"""From a plan between cells to a plan between their points, with exact marginals."""

import numpy as np

from divergences.transport.clouds.arcs import Integer64

__all__ = ["Plan", "split"]

Plan = tuple[Integer64, Integer64, Integer64]
"""Rows, columns and positive integer flows."""


def split(plan: Plan, source: Integer64, target: Integer64) -> Plan:
    """Three north-west corners: rows to the pairs of cells, pairs of cells to columns, and both joined in each pair.

    Points are listed cell by cell, `source` and `target` are their masses. What comes out is a forest if `plan` is one.
    """
    row, column, flow = plan
    by_row, by_column = np.lexsort((column, row)), np.lexsort((row, column))
    i, pair_i, mass_i = _corner(source, flow[by_row])
    pair_j, j, mass_j = _corner(flow[by_column], target)
    pair_i, pair_j = by_row[pair_i], by_column[pair_j]
    first, second = np.argsort(pair_i, kind="stable"), np.argsort(pair_j, kind="stable")
    at_i, at_j, mass = _corner(mass_i[first], mass_j[second])
    return i[first][at_i], j[second][at_j], mass


def _corner(a: Integer64, b: Integer64) -> Plan:
    """North-west corner rule for positive masses of one total."""
    ends_a, ends_b = np.cumsum(a), np.cumsum(b)
    ends = np.union1d(ends_a, ends_b)
    return np.searchsorted(ends_a, ends), np.searchsorted(ends_b, ends), np.diff(ends, prepend=0)
