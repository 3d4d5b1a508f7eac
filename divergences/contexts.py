"""The vocabulary on other kinds of numbers: sympy symbols. Imported only where it is asked for."""

from dataclasses import dataclass
from typing import Any, final

import sympy

__all__ = ["Symbolic"]


@final
@dataclass(frozen=True, slots=True)
class Symbolic:
    """The vocabulary on sympy expressions: a declaration run on it *is* its formula."""

    def exp(self, x: Any) -> Any:
        """Exponential."""
        return sympy.exp(x)

    def expm1(self, x: Any) -> Any:
        """exp(x) - 1."""
        return sympy.exp(x) - 1

    def log(self, x: Any) -> Any:
        """Natural logarithm."""
        return sympy.log(x)

    def log1p(self, x: Any) -> Any:
        """log(1 + x)."""
        return sympy.log(1 + x)

    def sqrt(self, x: Any) -> Any:
        """Square root."""
        return sympy.sqrt(x)

    def abs(self, x: Any) -> Any:
        """Absolute value."""
        return sympy.Abs(x)

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1."""
        return sympy.sign(x)

    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent."""
        return sympy.tanh(x)

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x))."""
        return sympy.log(1 + sympy.exp(x))

    def log_mean_exp(self, x: Any) -> Any:
        """log((1 + exp(x)) / 2)."""
        return sympy.log((1 + sympy.exp(x)) / 2)

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b."""
        return a / b

    def difference(self, p: Any, q: Any) -> Any:
        """p - q."""
        return p - q

    def relative_entropy(self, p: Any, q: Any, d: Any) -> Any:
        """p log(p/q) - d."""
        return p * sympy.log(p / q) - d
