"""Error-free arithmetic: sums of floats that keep what rounding drops, dot products as rationals, outward rounding."""

import math
from fractions import Fraction
from operator import mul

import numpy as np

from divergences.transport.result import Floats, Integers

__all__ = ["exact_dot", "nearest", "round_down", "round_up", "two_sum"]

_DIGITS = 53  # bits in the significand of float64
_EXPONENTS = 1000  # floats below 2 to this power do not overflow
_ROOM = 10  # digits that a significand can be shifted by in int64
_SHORT = 4096  # numbers so few that calls of numpy would take longer than a loop


def two_sum(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Rounded sum and its rounding error, ``s + e == x + y`` exactly (Knuth 1969, section 4.2.2, theorem B)."""
    s = x + y
    t = s - x
    return s, (x - (s - t)) + (y - t)


def nearest(x: Fraction) -> float:
    """Float64 nearest to `x`, infinite beyond the largest."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def round_down(x: Fraction) -> float:
    """Largest float64 that is not above `x`."""
    close = nearest(x)
    if math.isinf(close):
        return math.nextafter(close, -math.inf) if close > 0 else close
    top, bottom = close.as_integer_ratio()
    return math.nextafter(close, -math.inf) if top * x.denominator > x.numerator * bottom else close


def round_up(x: Fraction) -> float:
    """Smallest float64 that is not below `x`."""
    return 0.0 - round_down(-x)


def exact_dot(q: Integers, x: Floats) -> Fraction:
    r"""The sum :math:`\sum_k q_k x_k` of integers times floats, without any rounding."""
    if len(x) <= _SHORT and (short := _short_dot(q, x)) is not None:
        return short
    mantissa, exponent = _significands(x)
    lowest = int(exponent.min())
    if q[0] == q[-1] and np.all(q == q[0]):
        return Fraction(int(q[0]) * _bucket_sum(mantissa, exponent - lowest)) * Fraction(2) ** lowest
    shift = exponent - lowest
    if shift.max() <= _ROOM:
        terms = (mantissa << shift).astype(object)
    else:
        terms = mantissa.astype(object) << shift.astype(object)
    return Fraction(int(np.dot(q.astype(object), terms))) * Fraction(2) ** lowest


def _short_dot(q: Integers, x: Floats) -> Fraction | None:
    """The same for a few numbers, in a loop: floats times a power of two are integers; None if that would overflow."""
    if not len(x):
        return Fraction(0)
    exponent = np.frexp(x)[1]
    power = _DIGITS - int(exponent.min())
    if int(exponent.max()) + power > _EXPONENTS:
        return None
    total = sum(map(mul, q.tolist(), map(int, np.ldexp(x, power).tolist())))
    return Fraction(total, 1 << power) if power > 0 else Fraction(total << -power)


def _significands(x: Floats) -> tuple[Integers, Integers]:
    """Integers with ``x == mantissa * 2**exponent``; a zero takes the lowest exponent of the others."""
    fraction, exponent = np.frexp(x)
    mantissa = np.ldexp(fraction, _DIGITS).astype(np.int64)
    power = exponent.astype(np.int64) - _DIGITS
    used = mantissa != 0
    lowest = power[used].min() if used.any() else 0
    return mantissa, np.where(used, power, lowest)


def _bucket_sum(mantissa: Integers, shift: Integers) -> int:
    """The integer ``sum(mantissa << shift)``: halves of 27 bits, added up per shift, stay exact in float64."""
    half = 27
    # whatever the sign, mantissa == (mantissa >> half) * 2**half + (mantissa & (2**half - 1))
    low = np.bincount(shift, weights=mantissa & ((1 << half) - 1))
    high = np.bincount(shift, weights=mantissa >> half)
    return sum(((int(h) << half) + int(v)) << s for s, (h, v) in enumerate(zip(high, low, strict=True)) if h or v)
