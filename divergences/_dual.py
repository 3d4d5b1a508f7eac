"""Dual numbers: the vocabulary on pairs (value, slope), so that a declared formula gives its derivative as well."""

from dataclasses import dataclass
from typing import Any, Self, final

from divergences.elementary import Numeric

__all__ = ["Dual", "Dually"]


@final
@dataclass(frozen=True, slots=True)
class Dual:
    """A number a + b e with e**2 = 0: a value and its derivative, both arrays."""

    value: Any
    slope: Any

    def __neg__(self) -> Self:
        return type(self)(-self.value, -self.slope)

    def __add__(self, other: Any) -> Self:
        value, slope = _parts(other)
        return type(self)(self.value + value, self.slope + slope)

    def __sub__(self, other: Any) -> Self:
        value, slope = _parts(other)
        return type(self)(self.value - value, self.slope - slope)

    def __rsub__(self, other: Any) -> Self:
        return type(self)(other - self.value, -self.slope)

    def __mul__(self, other: Any) -> Self:
        if not isinstance(other, Dual):  # 0 times an infinite value would be no slope
            return type(self)(self.value * other, self.slope * other)
        return type(self)(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Any) -> Self:
        if not isinstance(other, Dual):
            return type(self)(self.value / other, self.slope / other)
        value, slope = other.value, other.slope
        quotient = self.value / value
        return type(self)(quotient, (self.slope - quotient * slope) / value)

    def __rtruediv__(self, other: Any) -> Self:
        quotient = other / self.value
        return type(self)(quotient, -quotient * self.slope / self.value)

    def __pow__(self, exponent: int) -> Self:
        return type(self)(self.value**exponent, exponent * self.value ** (exponent - 1) * self.slope)

    __radd__, __rmul__ = __add__, __mul__


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.slope) if isinstance(x, Dual) else (x, 0.0)


@final
@dataclass(frozen=True, slots=True)
class Dually:
    """The part of the vocabulary that critics and conjugates are declared in, on dual numbers."""

    m: Numeric

    def number(self, x: float) -> float:
        """A constant."""
        return x

    def exp(self, x: Dual) -> Dual:
        """Exponential."""
        value = self.m.exp(x.value)
        return Dual(value, value * x.slope)

    def expm1(self, x: Dual) -> Dual:
        """exp(x) - 1."""
        return Dual(self.m.expm1(x.value), self.m.exp(x.value) * x.slope)

    def log(self, x: Any) -> Any:
        """Natural logarithm."""
        return Dual(self.m.log(x.value), x.slope / x.value) if isinstance(x, Dual) else self.m.log(x)

    def log1p(self, x: Dual) -> Dual:
        """log(1 + x)."""
        return Dual(self.m.log1p(x.value), x.slope / (1.0 + x.value))

    def sqrt(self, x: Dual) -> Dual:
        """Square root."""
        root = self.m.sqrt(x.value)
        return Dual(root, x.slope / (2.0 * root))

    def sign(self, x: Dual) -> Dual:
        """-1, 0 or 1."""
        return Dual(self.m.sign(x.value), 0.0 * x.value)

    def tanh(self, x: Dual) -> Dual:
        """Hyperbolic tangent."""
        decay = self.m.exp(-2.0 * self.m.abs(x.value))
        return Dual(self.m.tanh(x.value), 4.0 * decay / (1.0 + decay) ** 2 * x.slope)

    def positive_part(self, x: Dual) -> Dual:
        """max(x, 0)."""
        return Dual(self.m.positive_part(x.value), (1.0 + self.m.sign(x.value)) / 2.0 * x.slope)

    def maximum(self, x: Dual, y: float) -> Dual:
        """max(x, y)."""
        return Dual(self.m.maximum(x.value, y), (1.0 + self.m.sign(x.value - y)) / 2.0 * x.slope)

    def softplus(self, x: Dual) -> Dual:
        """log(1 + exp(x))."""
        return Dual(self.m.softplus(x.value), self.m.exp(-self.m.softplus(-x.value)) * x.slope)

    def log_mean_exp(self, x: Dual, a: float = 1 / 2, b: float = 1 / 2) -> Dual:
        """log(a exp(x) + b)."""
        share = a * self.m.exp(-self.m.log_mean_exp(-x.value, b, a))
        return Dual(self.m.log_mean_exp(x.value, a, b), share * x.slope)

    def expm1_ratio(self, x: Dual, a: float) -> Dual:
        """(exp(a x) - 1) / a."""
        return Dual(self.m.expm1_ratio(x.value, a), self.m.exp(a * x.value) * x.slope)

    def log1p_ratio(self, x: Dual, a: float) -> Dual:
        """log(1 + a x) / a."""
        return Dual(self.m.log1p_ratio(x.value, a), x.slope / (1.0 + a * x.value))
