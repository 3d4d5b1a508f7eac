r"""Masses as exact integers.

Every float64 is an integer times a power of two, so the normalised pair :math:`a / \sum a`, :math:`b / \sum b` is a
pair of integer vectors in the unit :math:`1 / \operatorname{lcm}(\sum a, \sum b)`: both sides have *exactly* the same
total, and every flow that is a sum or difference of masses is exact. Nothing is quantised.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, final

import numpy as np

from divergences.transport.exact import exact_dot
from divergences.transport.result import Floats, Integers

__all__ = ["Balanced", "balance", "exact_total"]

_SAFE = 2**62  # totals below this are kept in int64: cumulative sums and differences cannot overflow
_DIGITS = 53  # bits in the significand of float64
_HIGHEST = 1024  # exponent of the largest float64
_ROOM = 10  # digits that a significand can be shifted by in int64
_MANY = 2**14  # masses so many that numpy is faster than a loop
_FLOAT = 2**53  # integers up to this are exact in float64


@final
@dataclass(frozen=True, eq=False)
class Balanced:
    """Two integer mass vectors of one total, and the mass of one unit."""

    source: Integers
    target: Integers
    unit: Fraction

    @cached_property
    def units(self) -> int:
        """Number of units on either side."""
        return int(self.source.sum())

    def to_mass(self, q: Integers) -> Floats:
        """Integer flows as masses, each rounded once."""
        top, bottom = self.unit.numerator, self.unit.denominator
        if q.dtype != object and max(self.units * top, bottom) < _FLOAT:
            return np.asarray((q * top) / bottom, dtype=np.float64)
        flows = q.tolist()
        return np.array(
            [v / bottom for v in flows] if top == 1 else [v * top / bottom for v in flows], dtype=np.float64
        )


def balance(a: Floats, b: Floats, total: Fraction | None = None) -> Balanced:
    """Integer masses proportional to `a` and to `b` exactly, with one common total.

    It stands for the mass `total`, by default for the mean of both totals, without rounding.
    """
    p, q = _primitive(a), _primitive(b)
    units = p.units if p.units == q.units else math.lcm(p.units, q.units)
    if total is None:
        top = p.units * p.top * q.bottom + q.units * q.top * p.bottom
        unit = Fraction(top, 2 * p.bottom * q.bottom * units)
    else:
        unit = total / units
    return Balanced(p.times(units), q.times(units), unit)


def exact_total(a: Floats) -> Fraction:
    """The sum of `a` without rounding."""
    return exact_dot(np.ones(len(a), dtype=np.int64), a)


@final
class _Primitive(NamedTuple):
    """Integers without a common divisor, their sum, and the mass of one as ``top / bottom``."""

    numbers: list[int] | Integers
    units: int
    top: int
    bottom: int

    def times(self, total: int) -> Integers:
        """Multiples of that total, in int64 where it allows it."""
        factor = total // self.units
        if isinstance(self.numbers, np.ndarray):
            return self.numbers * factor if total < _SAFE else self.numbers.astype(object) * factor
        numbers = self.numbers if factor == 1 else [v * factor for v in self.numbers]
        return np.array(numbers, dtype=np.int64 if total < _SAFE else object)


def _primitive(a: Floats) -> _Primitive:
    """Integers proportional to `a`; equal masses become ones."""
    if len(a) > _MANY:
        return _many_primitive(a)
    if a[0] == a[-1] and (a == a[0]).all():
        return _Primitive(np.ones(len(a), dtype=np.int64), len(a), *a[0].as_integer_ratio())
    fraction, exponent = np.frexp(a)
    power = exponent.astype(np.int64)
    if not a.all():
        power[a == 0] = power[a > 0].min()
    lowest = int(power.min())
    mantissa = np.ldexp(fraction, _DIGITS).astype(np.int64).tolist()
    numbers = [v << s for v, s in zip(mantissa, (power - lowest).tolist(), strict=True)]
    divisor = math.gcd(*numbers)
    numbers = [v // divisor for v in numbers] if divisor > 1 else numbers
    shift = lowest - _DIGITS
    return _Primitive(numbers, sum(numbers), divisor << max(shift, 0), 1 << max(-shift, 0))


def _many_primitive(a: Floats) -> _Primitive:
    """The same by numpy, in int64 where the largest and the least mass are not far apart."""
    if a[0] == a[-1] and np.all(a == a[0]):
        return _Primitive(np.ones(len(a), dtype=np.int64), len(a), *float(a[0]).as_integer_ratio())
    fraction, exponent = np.frexp(a)
    power = exponent.astype(np.int64)
    used = fraction != 0
    lowest = int(power.min(where=used, initial=_HIGHEST))
    shift = np.where(used, power - lowest, 0)
    mantissa = np.ldexp(fraction, _DIGITS).astype(np.int64)
    q: Integers = mantissa << shift if shift.max() <= _ROOM else mantissa.astype(object) << shift.astype(object)
    divisor = int(np.gcd.reduce(q))
    q = q // divisor if divisor > 1 else q
    units = _sum(q)
    q = q.astype(np.int64) if units < _SAFE else q
    return _Primitive(q, units, divisor << max(lowest - _DIGITS, 0), 1 << max(_DIGITS - lowest, 0))


def _sum(q: Integers) -> int:
    """Sum without overflow: of the upper and of the lower halves."""
    half = 31
    return int(q.sum()) if q.dtype == object else (int((q >> half).sum()) << half) + int((q & ((1 << half) - 1)).sum())
