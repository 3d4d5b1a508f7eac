"""Pairs of probability vectors given by their logarithms, which may be far beyond the range of the exponential."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self, final

from divergences._arrays import Array, aligned, constant, known, namespace, wide

__all__ = ["LogPair", "log_pair", "log_sum_exp"]


@final
@dataclass(frozen=True, slots=True)
class LogPair:
    """Normalised p and q whose log-ratio is cut off at the range of doubles, p - q, and the log-ratios beyond (else 0).

    A pair whose smaller member would leave that range is divided by the larger one, its scale; scale is 1 elsewhere.
    """

    xp: Any
    p: Array
    q: Array
    gap: Array
    beyond: Array
    scale: Array
    dtype: Any

    def keeping(self, rows: Array) -> Self:
        """The pair with every other row replaced by equal ones, so that no gradient flows through what is discarded."""
        where, kept = self.xp.where, rows[..., None]
        p, q = where(kept, self.p, 1.0), where(kept, self.q, 1.0)
        gap, beyond, scale = where(kept, self.gap, 0.0), where(kept, self.beyond, 0.0), where(kept, self.scale, 1.0)
        return replace(self, p=p, q=q, gap=gap, beyond=beyond, scale=scale)


def log_pair(log_p: Array, log_q: Array, *, axis: int, normalize: bool) -> LogPair:
    """Validate two arrays of log-probabilities along `axis`, which is moved last.

    The difference p - q is p (1 - exp(-v)) by the log-ratio v, in which the masses are balanced to first order in what
    they differ by: log sum p - log sum q is found from the differences too, where they are small.
    """
    xp, (log_p, log_q) = namespace(log_p=log_p, log_q=log_q)
    dtype = xp.result_type(log_p, log_q)
    tolerance = math.sqrt(float(xp.finfo(dtype).eps))
    log_p, log_q = (wide(xp, x) for x in aligned(xp, log_p, log_q, axis))
    for name, x in (("log_p", log_p), ("log_q", log_q)):
        if known(xp, x < xp.inf) is False:
            msg = f"expected {name} to be finite or -inf, got NaN or inf; a logarithm of a probability is at most 0"
            raise ValueError(msg)
        mass = log_sum_exp(xp, x)
        if known(xp, mass > -xp.inf) is False:
            msg = f"expected {name} to have positive mass, got -inf everywhere"
            raise ValueError(msg)
        if not normalize and known(xp, xp.abs(mass) <= tolerance) is False:
            msg = (
                f"expected exp({name}) to have mass 1 within {tolerance:.1e}, got log-mass {_worst(xp, mass)!r}; "
                "pass normalize=True if these are logits"
            )
            raise ValueError(msg)
    return _balanced(xp, log_p, log_q, dtype)


def _balanced(xp: Any, log_p: Array, log_q: Array, dtype: Any) -> LogPair:
    (log_p, low_p), (log_q, low_q) = _shifted(xp, log_p), _shifted(xp, log_q)
    mass_p, mass_q = (log_sum_exp(xp, x)[..., None] for x in (log_p, log_q))
    p, q = _exp_difference(xp, log_p, low_p, mass_p), _exp_difference(xp, log_q, low_q, mass_q)
    common = (log_p > -xp.inf) & (log_q > -xp.inf)
    v, low = _two_difference(xp.where(common, log_p, 0.0), xp.where(common, log_q, 0.0))
    v, lower = _two_difference(v, mass_p - mass_q)
    low = xp.where(common, low + lower + (low_p - low_q), 0.0)
    # what is left of log(sum p / sum q), by the differences
    low = low - xp.sum(_gap(xp, p, q, v, low, common), axis=-1, keepdims=True)
    # the smaller of the two is the larger times the ratio, cut off where the exponential would vanish
    reach = 700.0 if "64" in str(p.dtype) else 80.0
    inside = xp.where(xp.abs(v) < reach, v, xp.sign(v) * reach)
    larger = xp.where(v < 0, q, p)
    small = common & (larger * xp.exp(-xp.abs(inside)) < float(xp.finfo(p.dtype).smallest_normal))
    scale = xp.where(small, larger, 1.0)
    p, q = xp.where(small, 1.0, p), xp.where(small, 1.0, q)
    gap = _gap(xp, p, q, v, low, common)
    p, q = (
        xp.where(common & (v < 0), q * (xp.exp(xp.where(v < 0, inside, 0.0)) * (1.0 + low)), p),
        xp.where(common & (v > 0), p * (xp.exp(xp.where(v > 0, -inside, 0.0)) * (1.0 - low)), q),
    )
    return LogPair(xp, p, q, gap, xp.where(common & (v != inside), v, 0.0), scale, dtype)


def _shifted(xp: Any, x: Array) -> tuple[Array, Array]:
    """Logarithms less the largest of each row, as a sum of two numbers: an offset of logits costs no digits."""
    shifted, low = _two_difference(x, constant(xp.max(x, axis=-1, keepdims=True)))
    return shifted, xp.where(shifted > -xp.inf, low, 0.0)


def _two_difference(a: Array, b: Array) -> tuple[Array, Array]:
    """The difference of two numbers as a sum of two, exactly (Knuth)."""
    high = a - b
    part = high - a
    return high, (a - (high - part)) - (b + part)


def _gap(xp: Any, p: Array, q: Array, v: Array, low: Array, common: Array) -> Array:
    """p - q, by the larger of the two and the log-ratio v + low."""
    decay = xp.exp(-xp.abs(v))
    below = q * (xp.expm1(xp.where(v > 0, 0.0, v)) + low * decay)
    above = -p * (xp.expm1(xp.where(v > 0, -v, 0.0)) - low * decay)
    return xp.where(common, xp.where(v > 0, above, below), p - q)


def _exp_difference(xp: Any, x: Array, low: Array, mass: Array) -> Array:
    """exp(x + low - mass), what the subtraction rounds included."""
    finite = x > -xp.inf
    high, lower = _two_difference(xp.where(finite, x, 0.0), mass)
    return xp.where(finite, xp.exp(xp.where(finite, high, 0.0)) * (1.0 + (lower + low)), 0.0)


def log_sum_exp(xp: Any, x: Array) -> Array:
    """log of the sum of exponentials over the last axis."""
    largest = xp.max(x, axis=-1, keepdims=True)
    largest = xp.where(largest > -xp.inf, largest, 0.0)
    return xp.log(xp.sum(xp.exp(x - largest), axis=-1)) + largest[..., 0]


def _worst(xp: Any, mass: Array) -> float:
    flat = xp.reshape(mass, (-1,))
    return float(flat[int(xp.argmax(xp.abs(flat)))])
