r"""The vocabulary ``m`` in which every divergence is declared, for arrays of numbers.

A declaration calls only these functions and ``+ - * / **``; the same lines then run on arrays (here), on sympy symbols
(:mod:`divergences.contexts`) and on whatever else speaks the vocabulary. Limits are exact (0 log 0 = 0, 0/0 = 0 as a
perspective has it), gradients through them are never NaN: the unused branch of a ``where`` never sees a bad argument.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol, final

import array_api_compat
import numpy as np

from divergences._arrays import Array

__all__ = ["Numeric", "Vocabulary"]

NEAR = 0.3
"""Where |p-q|/(p+q) is below this the logarithm is a series; beyond, u log u - u + 1 is at least 0.1 max(1, u - 1)."""

ATANH_TERMS = tuple(1 / (2 * k + 3) for k in range(16))
"""(artanh s - s) / s**3 = sum of s**(2k) / (2k + 3); the next term is below 1e-18 for |s| < NEAR."""

NORMAL = float(np.finfo(np.float64).tiny)


class Vocabulary(Protocol):
    """What a declaration may say."""

    def exp(self, x: Any) -> Any: ...  # noqa: D102
    def expm1(self, x: Any) -> Any: ...  # noqa: D102
    def log(self, x: Any) -> Any: ...  # noqa: D102
    def log1p(self, x: Any) -> Any: ...  # noqa: D102
    def sqrt(self, x: Any) -> Any: ...  # noqa: D102
    def abs(self, x: Any) -> Any: ...  # noqa: D102
    def sign(self, x: Any) -> Any: ...  # noqa: D102
    def tanh(self, x: Any) -> Any: ...  # noqa: D102

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x)), without overflow."""

    def log_mean_exp(self, x: Any) -> Any:
        """log((1 + exp(x)) / 2), without overflow, and right to the last digits near 0."""

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b with 0/0 = 0 and a/0 = inf."""

    def difference(self, p: Any, q: Any) -> Any:
        """p - q of the exactly normalised pair, to full relative precision."""

    def relative_entropy(self, p: Any, q: Any, d: Any) -> Any:
        """p log(p/q) - d, where d = p - q is given: non-negative, to full relative precision."""


@final
@dataclass(frozen=True, slots=True)
class Numeric:
    """The vocabulary on arrays of a namespace; `gap` is p - q of the pair at hand, where it is known better than that."""

    xp: Any
    gap: Array | None = None

    def exp(self, x: Array) -> Array:
        """Exponential."""
        return self.xp.exp(x)

    def expm1(self, x: Array) -> Array:
        """exp(x) - 1."""
        return self.xp.expm1(x)

    def log(self, x: Array) -> Array:
        """Natural logarithm, of arrays and of the plain constants of a declaration."""
        return math.log(x) if isinstance(x, int) else self.xp.log(x)

    def log1p(self, x: Array) -> Array:
        """log(1 + x)."""
        return self.xp.log1p(x)

    def sqrt(self, x: Array) -> Array:
        """Square root, with gradient 0 at 0."""
        positive = x > 0
        return self.xp.where(positive, self.xp.sqrt(self.xp.where(positive, x, 1.0)), 0.0)

    def abs(self, x: Array) -> Array:
        """Absolute value."""
        return self.xp.abs(x)

    def sign(self, x: Array) -> Array:
        """-1, 0 or 1."""
        return self.xp.sign(x)

    def tanh(self, x: Array) -> Array:
        """Hyperbolic tangent."""
        return self.xp.tanh(x)

    def softplus(self, x: Array) -> Array:
        """log(1 + exp(x)), without overflow."""
        return self.xp.logaddexp(x, self.xp.zeros_like(x))

    def log_mean_exp(self, x: Array) -> Array:
        """log((1 + exp(x)) / 2), without overflow, and right to the last digits near 0."""
        near = self.xp.abs(x) < 1
        small = self.xp.log1p(self.xp.expm1(self.xp.where(near, x, 0.0)) / 2)
        return self.xp.where(near, small, self.softplus(x) - math.log(2))

    def quotient(self, a: Array, b: Array) -> Array:
        """a / b with 0/0 = 0 and a/0 = inf."""
        vanishes = a == 0
        return self.xp.where(vanishes, 0.0, a / self.xp.where(vanishes, 1.0, b))

    def difference(self, p: Array, q: Array) -> Array:
        """p - q of the exactly normalised pair, to full relative precision."""
        return p - q if self.gap is None else self.gap

    def relative_entropy(self, p: Array, q: Array, d: Array) -> Array:
        r"""p log(p/q) - d by series near p = q, directly beyond.

        With s = d / (p + q) it is (p + q) [s artanh s + (artanh s - s)]: two sums without cancellation.
        """
        s = self.quotient(d, p + q)
        near = self.xp.abs(s) < NEAR
        if self._holds(near):
            return self._near(p + q, s)
        return self.xp.where(near, self._near(p + q, self.xp.where(near, s, 0.0)), self._far(p, q, d, near))

    def _near(self, total: Array, s: Array) -> Array:
        square = s * s
        series = self.xp.zeros_like(s)
        for term in reversed(ATANH_TERMS):
            series = series * square + term
        return total * square * (1.0 + s * (1.0 + s) * series)

    def _far(self, p: Array, q: Array, d: Array, near: Array) -> Array:
        regular = (p > 0) & (q > 0) & ~near
        if self._holds(regular):
            return p * self._log_ratio(p, q) - d
        ratio = self._log_ratio(self.xp.where(regular, p, 2.0), self.xp.where(regular, q, 1.0))
        singular = self.xp.where(p > 0, self.xp.inf, -d)  # q = 0 < p, or p = 0
        return self.xp.where(regular, p * ratio - d, self.xp.where(near, 0.0, singular))

    def _log_ratio(self, p: Array, q: Array) -> Array:
        """log(p/q); by two logarithms where the ratio itself leaves the range of normal numbers."""
        u = p / q
        if self._holds((u >= NORMAL) & (u < self.xp.inf)):
            return self.xp.log(u)
        apart = self.xp.log(p) - self.xp.log(q)
        close = self.xp.abs(apart) < 700  # the quotient of others is no normal number
        return self.xp.where(close, self.xp.log(self.xp.where(close, p, 1.0) / self.xp.where(close, q, 1.0)), apart)

    def _holds(self, mask: Array) -> bool:
        """Whether a mask is known to hold everywhere, so that the other branch need not be evaluated (numpy only)."""
        return array_api_compat.is_numpy_array(mask) and bool(mask.all())
