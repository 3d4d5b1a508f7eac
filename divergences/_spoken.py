"""Numbers that answer numpy's functions with those of a vocabulary.

A user writes f with operators and numpy: ``u * np.log(u)``. Given a `Spoken` number, numpy asks it what its logarithm is
(``__array_ufunc__``), and it answers in its own vocabulary. So the same f runs on arrays of every library, on dual
numbers, which give its derivative to the last digits, on sympy symbols and on balls.
"""

import numbers
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from divergences._arrays import wide
from divergences._dual import Dual, Dually
from divergences.elementary import Numeric

__all__ = ["Spoken", "choose"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A number x of a vocabulary m, or a condition on one."""

    value: Any
    m: Any

    def _of(self, other: Any) -> Any:
        """Another number in the same terms; constants are those of the vocabulary."""
        if isinstance(other, Spoken):
            return other.value
        if isinstance(other, numbers.Real) or (isinstance(other, np.ndarray) and other.ndim == 0):
            return _number(self.m, float(other))
        msg = f"expected constants and functions of u, got {type(other).__name__}; write f with operators and numpy"
        raise TypeError(msg)

    def _say(self, value: Any) -> Self:
        return type(self)(value, self.m)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """What numpy asks for in ``np.log(x)``."""
        answer = ANSWERS.get(ufunc.__name__)
        if answer is None or method != "__call__" or options:
            return NotImplemented
        return self._say(answer(self.m, *map(self._of, inputs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What numpy asks for in ``np.where(x > 1, x, 1)``."""
        answer = FUNCTIONS.get(function.__name__)
        if answer is None or kwargs:
            return NotImplemented
        return self._say(answer(self.m, *map(self._of, args)))

    def __neg__(self) -> Self:
        return self._say(-self.value)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._say(_abs(self.m, self.value))

    def __add__(self, other: Any) -> Self:
        return self._say(self.value + self._of(other))

    def __sub__(self, other: Any) -> Self:
        return self._say(self.value - self._of(other))

    def __mul__(self, other: Any) -> Self:
        return self._say(self.value * self._of(other))

    def __truediv__(self, other: Any) -> Self:
        return self._say(self.value / self._of(other))

    def __pow__(self, other: Any) -> Self:
        return self._say(_power(self.m, self.value, self._of(other)))

    def __radd__(self, other: Any) -> Self:
        return self._say(self._of(other) + self.value)

    def __rsub__(self, other: Any) -> Self:
        return self._say(self._of(other) - self.value)

    def __rmul__(self, other: Any) -> Self:
        return self._say(self._of(other) * self.value)

    def __rtruediv__(self, other: Any) -> Self:
        return self._say(self._of(other) / self.value)

    def __rpow__(self, other: Any) -> Self:
        return self._say(_power(self.m, self._of(other), self.value))

    def __gt__(self, other: Any) -> Self:
        return self._say(_compared(operator.gt, self.value, self._of(other)))

    def __ge__(self, other: Any) -> Self:
        return self._say(_compared(operator.ge, self.value, self._of(other)))

    def __lt__(self, other: Any) -> Self:
        return self._say(_compared(operator.lt, self.value, self._of(other)))

    def __le__(self, other: Any) -> Self:
        return self._say(_compared(operator.le, self.value, self._of(other)))

    def __bool__(self) -> bool:
        msg = "expected f to treat all numbers of an array alike, got a condition; write numpy.where(u > 1, ..., ...)"
        raise TypeError(msg)


def _number(m: Any, x: float) -> Any:
    """A constant: for dual numbers one of the numbers that they are made of."""
    return _number(m.m, x) if isinstance(m, Dually) else m.number(x)


def choose(m: Any, condition: Any, then: Any, otherwise: Any) -> Any:
    """One of two numbers of a vocabulary, by a condition; both of them, where a ball leaves it open."""
    if isinstance(condition, tuple):
        holds, fails = condition
        return then if holds else otherwise if fails else then.union(otherwise)
    if isinstance(m, Numeric):
        if not (hasattr(then, "shape") or hasattr(otherwise, "shape")):
            one = wide(m.xp, m.xp.astype(condition, m.xp.float32))
            return then * one + otherwise * (1 - one)
        return m.xp.where(condition, then, otherwise)
    if isinstance(m, Dually):
        first, second = (x if isinstance(x, Dual) else Dual(x, 0.0) for x in (then, otherwise))
        value = choose(m.m, condition, first.value, second.value)
        return Dual(value, choose(m.m, condition, first.slope, second.slope))
    return m.choose(condition, then, otherwise)


def _compared(relation: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """A relation of two numbers, of duals that of their values; of balls whether it holds surely, and whether it fails so."""
    while isinstance(x, Dual) or isinstance(y, Dual):
        x, y = (z.value if isinstance(z, Dual) else z for z in (x, y))
    answer = relation(x, y)
    return (answer, OPPOSITE[relation](x, y)) if isinstance(answer, bool) else answer


OPPOSITE = {operator.gt: operator.le, operator.ge: operator.lt, operator.lt: operator.ge, operator.le: operator.gt}


def _abs(m: Any, x: Any) -> Any:
    return m.sign(x) * x if isinstance(m, Dually) else m.abs(x)


def _power(m: Any, base: Any, exponent: Any) -> Any:
    """A positive number, or any if the exponent is a constant, to a power."""
    if isinstance(exponent, Dual) or (isinstance(base, float) and not isinstance(exponent, float)):
        return m.exp(exponent * m.log(base))
    return base**exponent


def _largest(m: Any, x: Any, y: Any) -> Any:
    return choose(m, _compared(operator.gt, x, y), x, y)


def _smallest(m: Any, x: Any, y: Any) -> Any:
    return choose(m, _compared(operator.lt, x, y), x, y)


def _relation(relation: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda m, x, y: _compared(relation, x, y)


ANSWERS: dict[str, Callable[..., Any]] = {
    "absolute": _abs,
    "add": lambda m, x, y: x + y,
    "bitwise_and": lambda m, x, y: x & y,
    "bitwise_or": lambda m, x, y: x | y,
    "cosh": lambda m, x: (m.exp(x) + m.exp(-x)) / _number(m, 2.0),
    "divide": lambda m, x, y: x / y,
    "exp": lambda m, x: m.exp(x),
    "exp2": lambda m, x: m.exp(x * m.log(_number(m, 2.0))),
    "expm1": lambda m, x: m.expm1(x),
    "fabs": _abs,
    "float_power": _power,
    "fmax": _largest,
    "fmin": _smallest,
    "greater": _relation(operator.gt),
    "greater_equal": _relation(operator.ge),
    "less": _relation(operator.lt),
    "less_equal": _relation(operator.le),
    "log": lambda m, x: m.log(x),
    "log10": lambda m, x: m.log(x) / m.log(_number(m, 10.0)),
    "log1p": lambda m, x: m.log1p(x),
    "log2": lambda m, x: m.log(x) / m.log(_number(m, 2.0)),
    "logaddexp": lambda m, x, y: y + m.softplus(x - y),
    "maximum": _largest,
    "minimum": _smallest,
    "multiply": lambda m, x, y: x * y,
    "negative": lambda m, x: -x,
    "positive": lambda m, x: x,
    "power": _power,
    "reciprocal": lambda m, x: _number(m, 1.0) / x,
    "rel_entr": lambda m, x, y: x * m.log(x / y),
    "sign": lambda m, x: m.sign(x),
    "sinh": lambda m, x: (m.expm1(x) - m.expm1(-x)) / _number(m, 2.0),
    "sqrt": lambda m, x: m.sqrt(x),
    "square": lambda m, x: x * x,
    "subtract": lambda m, x, y: x - y,
    "tanh": lambda m, x: m.tanh(x),
    "xlogy": lambda m, x, y: x * m.log(y),
}
"""numpy's (and scipy's) functions of numbers, for u > 0, in the terms of a vocabulary."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "clip": lambda m, x, low, high: _smallest(m, _largest(m, x, low), high),
    "ones_like": lambda m, _: _number(m, 1.0),
    "where": choose,
    "zeros_like": lambda m, _: _number(m, 0.0),
}
"""Those that are not element by element to numpy."""
