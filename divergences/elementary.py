r"""The vocabulary ``m`` in which every divergence is declared, for arrays of numbers.

A declaration calls only these functions and ``+ - * / **``; the same lines then run on arrays (here), on sympy symbols,
on balls and on dual numbers (:mod:`divergences.contexts`). Limits are exact (0 log 0 = 0, 0/0 = 0 as a perspective has
it), gradients through them are never NaN: the unused branch of a `select` never sees a bad argument.

Three functions of a pair carry the digits. They take ``d = p - q`` beside p and q, because the difference is known more
precisely than by subtraction, and they are non-negative sums without cancellation:

- ``relative_entropy``: p log(p/q) - d, of second order near p = q;
- ``entropy_gap``: the entropy of (p + q)/2 above the mean of the two entropies;
- ``power_gap``: the weighted arithmetic mean above the geometric one, for every order, the logarithmic limits included.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, Self, final

import array_api_compat
import numpy as np

from divergences._arrays import Array, constant

__all__ = ["Numeric", "Scalars", "Vocabulary"]

NEAR = 0.3
"""Where |p-q|/(p+q) is below this the logarithm is a series; beyond, u log u - u + 1 is at least 0.1 max(1, u - 1)."""

ATANH = (
    0.07287056230099767,
    0.047404960361193606,
    0.05939904382173758,
    0.06662897294946267,
    0.07692459261543648,
    0.09090905398256222,
    0.11111111162619802,
    0.14285714285350268,
    0.20000000000000995,
    0.3333333333333333,
)
"""(artanh s - s) / s**3 as a polynomial in s**2, highest power first: interpolated at the Chebyshev nodes of
s**2 in [0, 0.0901], relative error 1.4e-17."""

MIXED = 0.92
"""Where the square of (p-q)/(p+q) is below this, the entropy gap is written in (p-q)/(p+q); beyond, in p and q."""

GAP_NEAR = 0.75
"""Where max(1, |2a-1|) |log(p/q)| / 2 is below this, the gap of order a is a series."""

GAP_TERMS = 21
"""Its last power: 0.75**21 / 21! is below 1e-22."""

NORMAL = float(np.finfo(np.float64).tiny)

LARGEST_EXPONENT = 300.0
"""Beyond, 1 is less than the last digit of exp(x)."""

TINY_ORDER = 1e-20
"""Below this, (exp(x) - 1) / x is 1."""


class Scalars(Protocol):
    """Functions of a number: what critics and conjugates are declared in."""

    def exp(self, x: Any) -> Any: ...  # noqa: D102
    def expm1(self, x: Any) -> Any: ...  # noqa: D102
    def log(self, x: Any) -> Any: ...  # noqa: D102
    def log1p(self, x: Any) -> Any: ...  # noqa: D102
    def sqrt(self, x: Any) -> Any: ...  # noqa: D102
    def sign(self, x: Any) -> Any: ...  # noqa: D102
    def tanh(self, x: Any) -> Any: ...  # noqa: D102

    def number(self, x: float) -> Any:
        """A constant, such as the parameter of a family."""

    def positive_part(self, x: Any) -> Any:
        """max(x, 0)."""

    def maximum(self, x: Any, y: float) -> Any:
        """max(x, y), y a number."""

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x)), without overflow."""

    def log_mean_exp(self, x: Any, a: Any = ..., b: Any = ...) -> Any:
        """log(a exp(x) + b) for weights a + b = 1, halves by default, right to the last digits near 0."""

    def expm1_ratio(self, x: Any, a: Any) -> Any:
        """(exp(a x) - 1) / a for a number a, and x for a = 0: the Box-Cox transform of exp(x)."""

    def log1p_ratio(self, x: Any, a: Any) -> Any:
        """log(1 + a x) / a for a number a, and x for a = 0: the inverse of `expm1_ratio`."""


class Vocabulary(Scalars, Protocol):
    """And of a pair: what a divergence may be declared in."""

    def abs(self, x: Any) -> Any: ...  # noqa: D102

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b with 0/0 = 0 and a/0 = inf."""

    def square_quotient(self, a: Any, b: Any) -> Any:
        """a**2 / b with 0/0 = 0 and a/0 = inf."""

    def difference(self, p: Any, q: Any) -> Any:
        """p - q of the exactly normalised pair, to full relative precision."""

    def log_ratio(self, p: Any, q: Any, d: Any) -> Any:
        """log(p/q), where d = p - q is given, to full relative precision; 0 where both are 0."""

    def relative_entropy(self, p: Any, q: Any, d: Any) -> Any:
        """p log(p/q) - d, where d = p - q is given: non-negative, to full relative precision."""

    def entropy_gap(self, p: Any, q: Any, d: Any) -> Any:
        """(p log(p/m) + q log(q/m)) / 2, m = (p + q)/2, where d = p - q is given."""

    def power_gap(self, p: Any, q: Any, d: Any, a: Any, b: Any) -> Any:
        """(a p + b q - p**a q**b) / (a b) for numbers a + b = 1, with its limits at 0 and 1; d = p - q is given."""

    def reversed(self) -> Self:
        """The same vocabulary for the pair (q, p)."""


@final
@dataclass(frozen=True, slots=True)
class Numeric:
    """The vocabulary on arrays of a namespace; `gap` is p - q of the pair at hand, where it is known better than that."""

    xp: Any
    gap: Array | None = None

    def reversed(self) -> Self:
        """The same vocabulary for the pair (q, p)."""
        return replace(self, gap=None if self.gap is None else -self.gap)

    # ------------------------------------------------------------------------------------------ functions of a number

    def exp(self, x: Array) -> Array:
        """Exponential."""
        return self.xp.exp(x)

    def expm1(self, x: Array) -> Array:
        """exp(x) - 1."""
        return self.xp.expm1(x)

    def log(self, x: Array) -> Array:
        """Natural logarithm, of arrays and of the plain constants of a declaration."""
        return math.log(x) if type(x) in (int, float) else self.xp.log(x)

    def log1p(self, x: Array) -> Array:
        """log(1 + x)."""
        return self.xp.log1p(x)

    def sqrt(self, x: Array) -> Array:
        """Square root, with gradient 0 at 0."""
        if self._is_numpy:
            return np.sqrt(x)
        return self._select(x > 0, _Branch(self.xp.sqrt, (x,), (1.0,)), _Branch(lambda x: 0.0 * x, (x,), (0.0,)))

    def abs(self, x: Array) -> Array:
        """Absolute value."""
        return self.xp.abs(x)

    def sign(self, x: Array) -> Array:
        """-1, 0 or 1."""
        return self.xp.sign(x)

    def tanh(self, x: Array) -> Array:
        """Hyperbolic tangent."""
        return self.xp.tanh(x)

    def number(self, x: float) -> float:
        """A constant."""
        return x

    def positive_part(self, x: Array) -> Array:
        """max(x, 0)."""
        return self.xp.where(x > 0, x, 0.0)

    def maximum(self, x: Array, y: float) -> Array:
        """max(x, y)."""
        return self.xp.where(x > y, x, y)

    def softplus(self, x: Array) -> Array:
        """log(1 + exp(x)), without overflow."""
        return self.xp.logaddexp(x, self.xp.zeros_like(x))

    def log_mean_exp(self, x: Array, a: float = 1 / 2, b: float = 1 / 2) -> Array:
        """log(a exp(x) + b) for weights a + b = 1, halves by default, right to the last digits near 0."""
        near = self.xp.abs(x) < 1
        small = self.xp.log1p(a * self.xp.expm1(self.xp.where(near, x, 0.0)))
        return self.xp.where(near, small, self.xp.logaddexp(x + math.log(a), self.xp.zeros_like(x) + math.log(b)))

    def expm1_ratio(self, x: Array, a: float) -> Array:
        """(exp(a x) - 1) / a, and x for a = 0."""
        if a == 0:
            return x
        z = a * x
        return self._select(
            self.xp.abs(z) < TINY_ORDER,
            _Branch(lambda x: x, (x,), (0.0,)),
            _Branch(lambda x: self.xp.expm1(a * x) / a, (x,), (1.0 / a,)),
        )

    def log1p_ratio(self, x: Array, a: float) -> Array:
        """log(1 + a x) / a, and x for a = 0."""
        if a == 0:
            return x
        z = a * x
        return self._select(
            self.xp.abs(z) < TINY_ORDER,
            _Branch(lambda x: x, (x,), (0.0,)),
            _Branch(lambda x: self.xp.log1p(a * x) / a, (x,), (1.0 / a,)),
        )

    def quotient(self, a: Array, b: Array) -> Array:
        """a / b with 0/0 = 0 and a/0 = inf."""
        if self._is_numpy and not np.count_nonzero(b == 0):
            return a / b
        vanishes = a == 0
        return self.xp.where(vanishes, 0.0, a / self.xp.where(vanishes, 1.0, b))

    def square_quotient(self, a: Array, b: Array) -> Array:
        """a**2 / b with 0/0 = 0 and a/0 = inf."""
        if self._is_numpy:
            direct = a * (a / b)
            if np.isfinite(direct).all():
                return direct
        return self.quotient(a, self.sqrt(b)) ** 2

    # ------------------------------------------------------------------------------------------- functions of a pair

    def difference(self, p: Array, q: Array) -> Array:
        """p - q of the exactly normalised pair, to full relative precision."""
        return p - q if self.gap is None else self.gap

    def log_ratio(self, p: Array, q: Array, d: Array) -> Array:
        """log(p/q) = 2 artanh(d/(p+q)) near p = q, directly beyond."""
        s = self._share(d, p + q)
        return self._select(
            self.xp.abs(s) < NEAR,
            _Branch(lambda s: 2.0 * self.xp.atanh(s), (s,), (0.0,)),
            _Branch(self._log_quotient, (p, q), (2.0, 1.0)),
        )

    def relative_entropy(self, p: Array, q: Array, d: Array) -> Array:
        r"""p log(p/q) - d by series near p = q, directly beyond.

        With s = d / (p + q) it is (p + q) [s artanh s + (artanh s - s)]: two sums without cancellation.
        """
        total = p + q
        s = self._share(d, total)
        return self._select(
            self.xp.abs(s) < NEAR,
            _Branch(self.relative_entropy_near, (total, s), (0.0, 0.0)),
            _Branch(lambda p, q, d: self._times_log(p, q) - d, (p, q, d), (2.0, 1.0, 1.0)),
        )

    def relative_entropy_near(self, total: Array, s: Array) -> Array:
        """p log(p/q) - d for a small share s = d / total of the sum p + q."""
        square = s * s
        series = square * ATANH[0]
        for term in ATANH[1:-1]:
            series = (series + term) * square
        series = series + ATANH[-1]
        return total * square * (1.0 + s * (1.0 + s) * series)

    def entropy_gap(self, p: Array, q: Array, d: Array) -> Array:
        r"""By s = d / (p + q): (p + q)/2 [s artanh s + log(1 - s**2)/2]; near |s| = 1 by p and q themselves."""
        total = p + q
        s = self._share(d, total)
        square = s * s
        return self._select(
            square < MIXED,
            _Branch(self._mixed, (total, s, square), (0.0, 0.0, 0.0)),
            _Branch(self._apart, (p, q), (1.0, 0.0)),
        )

    def _mixed(self, total: Array, s: Array, square: Array) -> Array:
        if self._is_numpy and s.ndim:  # in place
            logarithm = np.negative(square)
            np.log1p(logarithm, out=logarithm)
            logarithm *= 0.5
            value = np.atanh(s)
            value *= s
            value += logarithm
            value *= total
            value *= 0.5
            return value
        return total * (s * self.xp.atanh(s) + 0.5 * self.xp.log1p(-square)) / 2

    def _apart(self, p: Array, q: Array) -> Array:
        mean = (p + q) / 2
        if self._is_numpy:  # a quotient cut off, or 0/0, weighs nothing
            return (p * np.log(np.fmax(p / mean, NORMAL)) + q * np.log(np.fmax(q / mean, NORMAL))) / 2
        return (self._times_log(p, mean) + self._times_log(q, mean)) / 2

    def power_gap(self, p: Array, q: Array, d: Array, a: float, b: float) -> Array:
        r"""(a p + b q - p**a q**b) / (a b), a + b = 1: uniform in the order a, through 0 and 1.

        With h = log(p/q)/2 and c = a - b it is sqrt(pq) [cosh h + c sinh h - exp(c h)] / (a b), whose power series
        in h has the factor a b in every term. Beyond it is [p ((p/q)**(-b) - 1)/(-b) - d] / a for a >= 1/2; for
        smaller orders p and q change places. Both weights are given, because 1 - a rounds a small one off.
        """
        if a < 1 / 2:
            return self._power_gap(q, p, -d, b, -a)
        return self._power_gap(p, q, d, a, -b)

    def _power_gap(self, p: Array, q: Array, d: Array, a: float, e: float) -> Array:
        s = self._share(d, p + q)
        c = 2 * a - 1
        return self._select(
            self.xp.abs(s) < math.tanh(GAP_NEAR / max(1.0, abs(c))),
            _Branch(lambda p, q, s: self._gap_series(p, q, s, c), (p, q, s), (1.0, 1.0, 0.0)),
            _Branch(lambda p, q, d: (self._gap_power(p, q, e) - d) / a, (p, q, d), (1.0, 0.5, 0.5)),
        )

    def _gap_series(self, p: Array, q: Array, s: Array, c: float) -> Array:
        h = self.xp.atanh(s)
        series: Any = 0.0
        for coefficient in _gap_coefficients(c):
            series = series * h + coefficient
        return self.sqrt(p) * self.sqrt(q) * (h * h) * series

    def _gap_power(self, p: Array, q: Array, e: float) -> Array:
        """p ((p/q)**e - 1) / e, with its limits at zeros of p or q and at e = 0."""
        if e == 0:
            return self._times_log(p, q)
        limit = -1 / e if e < 0 else math.inf
        return self._select(
            (p > 0) & (q > 0),
            _Branch(lambda p, q: self._gap_power_inside(p, q, e), (p, q), (1.0, 1.0)),
            _Branch(lambda p: self.xp.where(p > 0, limit, 0.0 * p) * (p if e < 0 else 1.0), (p,), (0.0,)),
        )

    def _gap_power_inside(self, p: Array, q: Array, e: float) -> Array:
        logarithm = self._log_quotient(p, q)
        if abs(e) < TINY_ORDER:
            return p * logarithm
        z = e * logarithm
        return self._select(
            self.xp.abs(z) < 1,
            _Branch(lambda p, z: p * self.xp.expm1(z) / e, (p, z), (1.0, 0.0)),
            _Branch(lambda p, q, z: self._gap_power_far(p, q, z, e), (p, q, z), (1.0, 1.0, 0.0)),
        )

    def _gap_power_far(self, p: Array, q: Array, z: Array, e: float) -> Array:
        """The power itself, or its root where it may be beyond the range of doubles and p brings it back."""
        return self._select(
            z < LARGEST_EXPONENT,
            _Branch(lambda p, q: p * (self._power(p, q, e) - 1.0) / e, (p, q), (1.0, 1.0)),
            _Branch(lambda p, q: (self.xp.sqrt(p) * self._power(p, q, e / 2)) ** 2 / e, (p, q), (1.0, 1.0)),
        )

    def _power(self, p: Array, q: Array, e: float) -> Array:
        """(p/q)**e of positive p and q; by roots where the ratio itself leaves the range of normal numbers."""
        roots = _Branch(lambda p, q: (self.xp.sqrt(p) / self.xp.sqrt(q)) ** (2 * e), (p, q), (1.0, 1.0))
        return self._by_ratio(lambda u, slope, p: u**e if slope is None else u**e * self.xp.exp(e * slope), p, q, roots)

    def _share(self, d: Array, total: Array) -> Array:
        """The quotient d / total; where both are 0 it is 0, or NaN in numpy, which `_select` then sends to the far side."""
        return d / total if self._is_numpy else self.quotient(d, total)

    def _log_quotient(self, p: Array, q: Array) -> Array:
        """log(p/q), 0 where both are 0; by two logarithms where the ratio leaves the range of normal numbers."""
        return self._by_ratio(self._log_of, p, q, _Branch(self._two_logs, (p, q), (1.0, 1.0)))

    def _log_of(self, ratio: Array, slope: Array | None, *_: Array) -> Array:
        return self.xp.log(ratio) if slope is None else self.xp.log(ratio) + slope

    def _two_logs(self, p: Array, q: Array) -> Array:
        zeros = self.xp.where(p > 0, self.xp.inf, self.xp.where(q > 0, -self.xp.inf, 0.0 * p))
        return self._select(
            (p > 0) & (q > 0),
            _Branch(lambda p, q: self.xp.log(p) - self.xp.log(q), (p, q), (1.0, 1.0)),
            _Branch(lambda zeros: zeros, (zeros,), (0.0,)),
        )

    def _times_log(self, p: Array, q: Array) -> Array:
        """p log(p/q): 0 where p = 0, infinite where q = 0 < p."""
        otherwise = _Branch(self._times_two_logs, (p, q), (1.0, 1.0))
        return self._by_ratio(lambda u, slope, p: p * self._log_of(u, slope), p, q, otherwise)

    def _times_two_logs(self, p: Array, q: Array) -> Array:
        return self.quotient(p, 1.0 / self._two_logs(p, q))

    def _by_ratio(self, direct: Callable[..., Array], p: Array, q: Array, otherwise: "_Branch") -> Array:
        """``direct(p/q, slope, p)`` where the ratio is a normal number, as it is not where p or q is 0; else the other.

        The derivative of p/q by q is no number where the ratio is large. Therefore gradients go through logarithms: the
        ratio is a constant beside a `slope`, a 0 whose gradient is that of log(p/q). In numpy the slope is None.
        """
        if self._is_numpy:
            ratio = p / q
            normal = (ratio >= NORMAL) & (ratio < np.inf)
            return self._select(normal, _Branch(lambda u, p: direct(u, None, p), (ratio, p), ()), otherwise)
        ratio = constant(p) / constant(q)
        normal = (ratio >= float(self.xp.finfo(ratio.dtype).smallest_normal)) & (ratio < self.xp.inf)

        def with_slope(p: Array, q: Array) -> Array:
            log_p, log_q = self.xp.log(p), self.xp.log(q)
            return direct(constant(p) / constant(q), (log_p - constant(log_p)) - (log_q - constant(log_q)), p)

        return self._select(normal, _Branch(with_slope, (p, q), (1.0, 1.0)), otherwise)

    # -------------------------------------------------------------------------------------------------- two branches

    @property
    def _is_numpy(self) -> bool:
        return _is_numpy(self.xp)

    def _select(self, mask: Array, then: "_Branch", otherwise: "_Branch") -> Array:
        """One branch where the mask holds, the other elsewhere; neither sees the arguments that belong to the other.

        They are replaced by safe numbers, so that no gradient is NaN. In numpy, which has no gradients, a branch that
        is needed nowhere is not evaluated, and none is given other numbers.
        """
        if self._is_numpy:
            return _select_in_numpy(mask, then, otherwise)
        return self.xp.where(mask, then.within(self.xp, mask), otherwise.within(self.xp, ~mask))


@final
@dataclass(slots=True)
class _Branch:
    """A function, its arguments, and the numbers it is given where it does not count."""

    function: Callable[..., Array]
    args: tuple[Array, ...]
    safe: tuple[float, ...]

    def everywhere(self) -> Array:
        return self.function(*self.args)

    def at(self, places: Array) -> Array:
        return self.function(*(x.take(places) for x in self.args))

    def within(self, xp: Any, mask: Array) -> Array:
        return self.function(*(xp.where(mask, x, s) for x, s in zip(self.args, self.safe, strict=True)))


@cache
def _is_numpy(xp: Any) -> bool:
    return array_api_compat.is_numpy_namespace(xp)


def _select_in_numpy(mask: Array, then: _Branch, otherwise: _Branch) -> Array:
    """The branch that most entries need is evaluated everywhere, the other only where it is needed."""
    holds, size = np.count_nonzero(mask), mask.size
    if holds == size:
        return then.everywhere()
    if holds == 0:
        return otherwise.everywhere()
    often, seldom, rare = (then, otherwise, ~mask) if 2 * holds > size else (otherwise, then, mask)
    places = np.flatnonzero(rare)
    value = often.everywhere()
    if any(value is x for x in often.args):
        value = value.copy()
    np.put(value, places, seldom.at(places))
    return value


def _gap_coefficients(c: float) -> list[float]:
    """Of 4 [cosh h + c sinh h - exp(c h)] / ((1 - c**2) h**2) in powers of h, the highest first."""
    coefficients = []
    geometric, power = 1.0, 1.0  # 1 + c**2 + ... + c**(2k-2), and its last term
    for n in range(2, GAP_TERMS + 1):
        coefficients.append(4.0 * geometric * (c if n % 2 else 1.0) / math.factorial(n))
        if n % 2:
            power *= c * c
            geometric += power
    return coefficients[::-1]
