"""Error-free arithmetic: sums of floats that keep what rounding drops, dot products as rationals, outward rounding."""

import math
from fractions import Fraction

import numpy as np

from divergences.transport.result import Floats, Integers

__all__ = ["exact_dot", "nearest", "round_down", "round_up", "two_sum"]

_DIGITS = 53  # bits in the significand of float64
_SHORT = 64  # numbers so few that calls of numpy would take longer than a loop


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
    return math.nextafter(close, -math.inf) if close > x else close


def round_up(x: Fraction) -> float:
    """Smallest float64 that is not below `x`."""
    return 0.0 - round_down(-x)


def exact_dot(q: Integers, x: Floats) -> Fraction:
    r"""The sum :math:`\sum_k q_k x_k` of integers times floats, without any rounding."""
    if len(x) <= _SHORT:
        return _short_dot(q.tolist(), x.tolist())
    mantissa, exponent = _significands(x)
    lowest = int(exponent.min())
    if np.all(q == q[0]):
        return Fraction(int(q[0]) * _bucket_sum(mantissa, exponent - lowest)) * Fraction(2) ** lowest
    terms = (q.astype(object) * mantissa.astype(object)) << (exponent - lowest).astype(object)
    return Fraction(int(terms.sum())) * Fraction(2) ** lowest


def _short_dot(q: list[int], x: list[float]) -> Fraction:
    """The same for a few numbers: floats are integers over powers of two."""
    ratios = [v.as_integer_ratio() for v in x]
    bits = max((d.bit_length() for _, d in ratios), default=1)
    total = sum(k * n << (bits - d.bit_length()) for k, (n, d) in zip(q, ratios, strict=True))
    return Fraction(total, 1 << (bits - 1))


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
