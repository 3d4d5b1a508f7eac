r"""Pairs of distributions of two or three likelihood ratios, as probability vectors."""

from collections.abc import Iterable

import numpy as np

from divergences.relations.nodes import Point, Vector
from divergences.relations.search import Chord, Corner

__all__ = ["FINE", "mixture", "pair_over"]

FINE = 1e-7
"""Relative distance of points around a corner; the height of the hull is then right to its square."""


def pair_over(chord: Chord, value: float) -> tuple[Vector, Vector]:
    """The pair of distributions on the chord that has the given value."""
    first, second = chord.first, chord.second
    if second is None:
        return mixture([(1.0, first)])
    share = min((value - first.G) / (second.G - first.G), 1.0)
    return mixture([(1 - share, first), (share, second)])


def mixture(parts: Iterable[tuple[float, Corner]]) -> tuple[Vector, Vector]:
    """A mixture of pairs of distributions; outcomes whose ratios hardly differ are made one."""
    outcomes: list[tuple[bool, Point, float]] = []
    equal = 0.0
    for share, corner in parts:
        if corner.points:
            l, r = corner.points
            determinant = l.gap + r.gap - l.gap * r.gap
            outcomes += [(False, l, share * r.gap / determinant), (True, r, share * l.gap / determinant)]
        else:
            equal += share
    merged: list[tuple[bool, Point, float, float]] = []
    for right, point, mass in sorted((x for x in outcomes if x[2] > 0), key=lambda x: (x[0], x[1].gap, -x[1].far)):
        p, q = (mass, mass * point.far) if right else (mass * point.far, mass)
        if merged and merged[-1][0] == right and _alike(merged[-1][1], point):
            _, _, p0, q0 = merged.pop()
            p, q = p + p0, q + q0
        merged.append((right, point, p, q))
    pairs = [(p, q) for _, _, p, q in merged] + ([(equal, equal)] if equal > 0 else [])
    p, q = np.array(pairs).T
    return p, q


def _alike(x: Point, y: Point) -> bool:
    return abs(x.gap - y.gap) <= 8 * FINE * y.gap if y.gap < 1 / 2 else abs(x.far - y.far) <= 8 * FINE * x.far
