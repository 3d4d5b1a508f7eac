r"""Masses as exact integers.

Every float64 is an integer times a power of two, so the normalised pair :math:`a / \sum a`, :math:`b / \sum b` is a
pair of integer vectors in the unit :math:`1 / \operatorname{lcm}(\sum a, \sum b)`: both sides have *exactly* the same
total, and every flow that is a sum or difference of masses is exact. Nothing is quantised.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from divergences.transport.exact import exact_dot
from divergences.transport.result import Floats, Integers

__all__ = ["Balanced", "balance", "exact_total"]

_SAFE = 2**62  # totals below this are kept in int64: cumulative sums and differences cannot overflow
_FLOAT = 2**53  # integers up to this are exact in float64


@final
@dataclass(frozen=True, eq=False)
class Balanced:
    """Two integer mass vectors of one total, and the mass of one unit."""

    source: Integers
    target: Integers
    unit: Fraction

    @property
    def units(self) -> int:
        """Number of units on either side."""
        return int(self.source.sum())

    def to_mass(self, q: Integers) -> Floats:
        """Integer flows as masses, each rounded once."""
        top, bottom = self.unit.numerator, self.unit.denominator
        if q.dtype != object and max(self.units * top, bottom) < _FLOAT:
            return np.asarray((q * top) / bottom, dtype=np.float64)
        return np.asarray((q.astype(object) * top) / bottom, dtype=np.float64)


def balance(a: Floats, b: Floats, total: Fraction) -> Balanced:
    """Integer masses proportional to `a` and to `b` exactly, with one common total that stands for `total`."""
    source, target = _primitive(_integers(a)), _primitive(_integers(b))
    m, n = int(source.sum()), int(target.sum())
    units = math.lcm(m, n)
    return Balanced(_times(source, units // m, units), _times(target, units // n, units), total / units)


def exact_total(a: Floats) -> Fraction:
    """The sum of `a` without rounding."""
    return exact_dot(np.ones(len(a), dtype=np.int64), a)


def _integers(a: Floats) -> Integers:
    """Integers proportional to `a`: significands shifted to the lowest exponent in use."""
    fraction, exponent = np.frexp(a)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    used = mantissa != 0
    shift = np.where(used, exponent - exponent[used].min(), 0).astype(np.int64)
    if not shift.any():
        return mantissa
    return np.asarray(mantissa.astype(object) << shift.astype(object))


def _primitive(q: Integers) -> Integers:
    """The integers divided by their greatest common divisor; equal masses become ones."""
    q = q // np.gcd.reduce(q)
    total = int(q.sum(dtype=object))
    return q.astype(np.int64) if total < _SAFE else q.astype(object)


def _times(q: Integers, factor: int, total: int) -> Integers:
    """Integer vector times `factor`, in int64 where its `total` allows it."""
    return q.astype(np.int64) * factor if total < _SAFE else q.astype(object) * factor
