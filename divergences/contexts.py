"""The vocabulary on sympy symbols: a declaration run on it *is* its formula. Imported only where it is asked for."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self, final

import sympy

__all__ = ["Symbolic", "exactly"]

HALF = sympy.Rational(1, 2)

LARGEST_DENOMINATOR = 1000
"""Of the fractions that a parameter is taken for: 2/3 is meant by 0.6666666666666666."""


def exactly(x: float) -> sympy.Rational:
    """The rational number that stands for a double.

    The fraction with a denominator of at most 1000 that rounds to it, if there is one; else its exact binary value.
    """
    simple = Fraction(x).limit_denominator(LARGEST_DENOMINATOR)
    exact = simple if float(simple) == x else Fraction(x)
    return sympy.Rational(exact.numerator, exact.denominator)


@final
@dataclass(frozen=True, slots=True)
class Symbolic:
    """The vocabulary on sympy expressions; choices are made where the assumptions on the symbols decide them."""

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
        return _by_sign(x, x, 0, -x, sympy.Abs)

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1."""
        return _by_sign(x, 1, 0, -1, sympy.sign)

    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent, by exponentials: of a logarithm it is a rational function."""
        square = sympy.exp(2 * x)
        return (square - 1) / (square + 1)

    def number(self, x: float) -> Any:
        """A constant: the simple fraction that a double stands for, or its exact binary value."""
        return exactly(x)

    def positive_part(self, x: Any) -> Any:
        """max(x, 0)."""
        return _by_sign(x, x, 0, 0, lambda x: sympy.Max(x, 0))

    def maximum(self, x: Any, y: Any) -> Any:
        """max(x, y)."""
        return _by_sign(sympy.sympify(x) - y, x, y, y, lambda _: sympy.Max(x, y))

    def choose(self, condition: Any, then: Any, otherwise: Any) -> Any:
        """One of two expressions, by a relation of a third to 0."""
        relation = type(condition)(sympy.factor(condition.lhs - condition.rhs), 0) if condition.args else condition
        return sympy.Piecewise((then, relation), (otherwise, True))

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x))."""
        return sympy.log(1 + sympy.exp(x))

    def log_mean_exp(self, x: Any, a: Any = HALF, b: Any = HALF) -> Any:
        """log(a exp(x) + b)."""
        return sympy.log(a * sympy.exp(x) + b)

    def expm1_ratio(self, x: Any, a: Any) -> Any:
        """(exp(a x) - 1) / a, and x for a = 0."""
        return (sympy.exp(a * x) - 1) / a if a else x

    def log1p_ratio(self, x: Any, a: Any) -> Any:
        """log(1 + a x) / a, and x for a = 0."""
        return sympy.log(1 + a * x) / a if a else x

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b."""
        return a / b

    def square_quotient(self, a: Any, b: Any) -> Any:
        """a**2 / b."""
        return a**2 / b

    def difference(self, p: Any, q: Any) -> Any:
        """p - q."""
        return p - q

    def log_ratio(self, p: Any, q: Any, d: Any) -> Any:
        """log(p/q)."""
        return sympy.log(p / q)

    def relative_entropy(self, p: Any, q: Any, d: Any) -> Any:
        """p log(p/q) - d."""
        return p * sympy.log(p / q) - d

    def entropy_gap(self, p: Any, q: Any, d: Any) -> Any:
        """(p log(p/m) + q log(q/m)) / 2, m = (p + q)/2."""
        return (p * sympy.log(2 * p / (p + q)) + q * sympy.log(2 * q / (p + q))) / 2

    def power_gap(self, p: Any, q: Any, d: Any, a: Any, b: Any) -> Any:
        """(a p + b q - p**a q**b) / (a b), a + b = 1, at 0 and 1 the relative entropies."""
        if a == 0:
            return self.relative_entropy(q, p, -d)
        if a == 1:
            return self.relative_entropy(p, q, d)
        return (a * p + b * q - p**a * q**b) / (a * b)

    def reversed(self) -> Self:
        """The same vocabulary: no difference is known better than by subtraction."""
        return self


def _by_sign(x: Any, positive: Any, zero: Any, negative: Any, undecided: Any) -> Any:
    """One of three values by the sign of x, or a function of x where its symbols leave that open."""
    simple = _same_sign(sympy.sympify(x))
    if simple.is_zero:
        return zero
    if simple.is_positive:
        return positive
    if simple.is_negative:
        return negative
    return undecided(x)


def _same_sign(x: sympy.Expr) -> sympy.Expr:
    """A factored expression of the same sign; that of log(y) is the sign of y - 1."""
    if x.has(sympy.log):
        combined = sympy.logcombine(x)
        coefficient, rest = combined.as_coeff_Mul()
        if isinstance(rest, sympy.log):
            x = coefficient * (rest.args[0] - 1)
    return sympy.factor(x)
