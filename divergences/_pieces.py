"""A divergence in symbols, on each interval of ratios where it has one formula.

On a piece (a, b) of the half line the ratio is u = (a + b w) / (1 + w) with a symbol w > 0, so that every absolute value,
sign and maximum that a declaration asks for is known there.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol, final

import sympy

from divergences._deciding import canonical, limit, shortest, vanishes
from divergences.contexts import Symbolic, exactly
from divergences.elementary import Scalars, Vocabulary
from divergences.interval import Interval

__all__ = [
    "CHOICES",
    "DIGITS",
    "GRID",
    "ONE",
    "Declaration",
    "M",
    "Piece",
    "Q",
    "T",
    "U",
    "W",
    "around",
    "exact_points",
    "pieces_of",
    "without_choices",
]

DIGITS = 60
"""Digits of the numeric check that stands in where sympy cannot decide."""

GRID = tuple(sympy.Rational(3, 2) ** k for k in range(-40, 41, 2))
"""Points of that check, from 1e-7 to 1e7."""

U, T = sympy.Symbol("u", positive=True), sympy.Symbol("t", real=True)
W, Q = sympy.Symbol("w", positive=True), sympy.Symbol("q", positive=True)
ONE = sympy.Integer(1)
M = Symbolic()

CHOICES = (sympy.Abs, sympy.Max, sympy.Min, sympy.sign, sympy.Heaviside, sympy.Piecewise)
"""Functions whose formula depends on where they are."""


class Declaration(Protocol):
    """What is proved about: the declared part of an f-divergence and the limits derived from it."""

    @property
    def tangent(self) -> float: ...
    @property
    def symmetric(self) -> bool: ...
    @property
    def kinks(self) -> tuple[float, ...]: ...
    @property
    def joints(self) -> tuple[float, ...]: ...
    @property
    def name(self) -> str: ...
    @property
    def f0(self) -> float: ...
    @property
    def slope(self) -> float: ...
    @property
    def critic_range(self) -> Interval: ...
    @property
    def reverse(self) -> "Declaration": ...
    @property
    def has_closed_conjugate(self) -> bool: ...
    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any: ...
    def critic(self, v: Any, m: Scalars) -> Any: ...
    def level(self, v: Any, m: Scalars) -> Any: ...
    def legendre(self, t: Any, m: Scalars) -> Any: ...


@final
@dataclass(frozen=True)
class Piece:
    """An open interval of ratios on which f has one formula, written by the symbol w > 0."""

    d: Declaration
    lower: sympy.Expr
    upper: sympy.Expr

    @property
    def where(self) -> str:
        if self.lower == 0:
            return "" if self.upper == sympy.oo else f" for u < {self.upper}"
        return f" for u > {self.lower}" if self.upper == sympy.oo else f" for {self.lower} < u < {self.upper}"

    @property
    def u(self) -> sympy.Expr:
        """The ratio as a function of w; at w = 0 it is the lower end, on the first piece the upper one."""
        if self.upper == sympy.oo:
            return self.lower + W
        return self.upper / (1 + W) if self.lower == 0 else (self.lower + self.upper * W) / (1 + W)

    def in_u(self, x: sympy.Expr) -> sympy.Expr:
        """An expression in w as one in u."""
        if self.upper == sympy.oo:
            w = U - self.lower
        else:
            w = self.upper / U - 1 if self.lower == 0 else (U - self.lower) / (self.upper - U)
        return shortest(x.subs(W, w))

    @property
    def _v(self) -> sympy.Expr:
        return canonical(sympy.log(self.u))

    @cached_property
    def raw(self) -> tuple[sympy.Expr, ...]:
        """The declared f, critic and level, as they come."""
        d = self.d
        f = d.perspective(self.u, ONE, M) + exactly(d.tangent) * (self.u - 1)
        return tuple(sympy.sympify(x) for x in (f, d.critic(self._v, M), d.level(self._v, M)))

    @cached_property
    def resolved(self) -> tuple[sympy.Expr, ...]:
        """The same without choices, each by the sign that it has on this piece."""
        return tuple(canonical(without_choices(x)) for x in self.raw)

    @property
    def f(self) -> sympy.Expr:
        return self.resolved[0]

    @property
    def critic(self) -> sympy.Expr:
        return self.resolved[1]

    @property
    def level(self) -> sympy.Expr:
        return self.resolved[2]

    def derivative(self, x: sympy.Expr) -> sympy.Expr:
        """Of an expression in w with respect to u."""
        return canonical(sympy.diff(x, W) / sympy.diff(self.u, W))

    @cached_property
    def slope(self) -> sympy.Expr:
        """The derivative of f with respect to u, found by sympy."""
        return self.derivative(self.f)

    @cached_property
    def curvature(self) -> sympy.Expr:
        return self.derivative(self.slope)

    @cached_property
    def is_affine(self) -> bool:
        return vanishes(self.curvature)

    def at(self, x: sympy.Expr, u: sympy.Expr) -> sympy.Expr:
        """The value of an expression in w at a ratio in the closed piece."""
        if self.upper == sympy.oo:
            return canonical(x.subs(W, u - self.lower))
        if self.lower == 0:
            return canonical(x.subs(W, self.upper / u - 1))
        return limit(x, W, sympy.oo) if u == self.upper else canonical(x.subs(W, (u - self.lower) / (self.upper - u)))


def pieces_of(d: Declaration) -> tuple[Piece, ...]:
    """The intervals between kinks and joints."""
    ends = [sympy.Integer(0), *sorted({*exact_points(d, "kinks"), *exact_points(d, "joints")}), sympy.oo]
    return tuple(Piece(d, lower, upper) for lower, upper in pairwise(ends))


def exact_points(d: Declaration, points: str) -> list[sympy.Rational]:
    """Kinks or joints as rational numbers; those of a reverse are the reciprocals of exact ones."""
    original = getattr(d, "original", None)
    if original is not None:
        return [1 / k for k in reversed(exact_points(original, points))]
    return [exactly(float(k)) for k in getattr(d, points)]


def without_choices(x: sympy.Expr) -> sympy.Expr:
    """Absolute values, signs and choices replaced by what they are all over the grid."""
    for choice in sorted(x.atoms(*CHOICES), key=sympy.count_ops):
        branches = {branch for point in GRID if (branch := _branch(choice, point)) is not None}
        if len(branches) == 1:
            x = x.xreplace({choice: branches.pop()})
    return x


def _branch(choice: sympy.Expr, point: sympy.Rational) -> sympy.Expr:
    """The expression that a choice is equal to at a point."""
    if isinstance(choice, sympy.Piecewise):
        return next(value for value, condition in choice.args if condition.subs(W, point) == sympy.true)
    if isinstance(choice, sympy.Max | sympy.Min):
        best = max if isinstance(choice, sympy.Max) else min
        return best(choice.args, key=lambda y: sympy.N(y.subs(W, point), DIGITS))
    (argument, *_) = choice.args
    sign = sympy.sign(sympy.N(argument.subs(W, point), DIGITS))
    if isinstance(choice, sympy.Abs):
        return sign * argument
    return sign if isinstance(choice, sympy.sign) else (1 + sign) / 2


def around(pieces: tuple[Piece, ...], u: sympy.Expr) -> tuple[Piece, ...]:
    """The one or two pieces whose closures contain a ratio, from left to right."""
    return tuple(piece for piece in pieces if piece.lower <= u <= piece.upper)
