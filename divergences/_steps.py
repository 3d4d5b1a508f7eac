"""Steps of a proof: a claim, decided by sympy, or checked with many digits and marked so, or refused as false."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import sympy

from divergences._deciding import canonical, expanded, is_nonnegative, vanishes
from divergences._pieces import DIGITS, GRID, Declaration, Piece

__all__ = ["SYMPY", "DisprovedError", "Step", "equal", "is_the_double", "nonnegative", "numerically", "positive"]

SYMPY = "sympy"

ULPS = 4 / 2**53
"""Relative difference allowed to a double that stands for an exact limit."""


class DisprovedError(ArithmeticError):
    """A declaration contradicts itself."""


@final
@dataclass(frozen=True)
class Step:
    """One step of a proof: what is claimed, in words and as an equation or inequality, and how it was decided."""

    claim: str
    expression: sympy.Basic
    decided_by: str

    @property
    def symbolic(self) -> bool:
        """Whether sympy decided it, without a numeric stand-in."""
        return self.decided_by == SYMPY

    def latex(self) -> str:
        """The equation or inequality, without dollar signs."""
        return str(sympy.latex(self.expression))

    def __str__(self) -> str:
        """One line."""
        return f"{self.claim}  [{self.decided_by}]"


def equal(
    d: Declaration,
    claim: str,
    x: sympy.Expr,
    y: sympy.Expr,
    piece: Piece | None = None,
    *,
    shown: sympy.Basic | None = None,
) -> Step:
    """Decide x = y by sympy, else with `DIGITS` digits on a grid; it is shown in u."""
    sides = [piece.in_u(sympy.sympify(z)) if piece else sympy.sympify(z) for z in (x, y)]
    shown = sympy.Eq(*sides, evaluate=False) if shown is None else shown
    difference = canonical(x - y)
    if vanishes(difference):
        return Step(claim, shown, SYMPY)
    return _numeric(d, claim, difference, lambda value, error: abs(value) <= error, shown)


def nonnegative(d: Declaration, claim: str, x: sympy.Expr, piece: Piece | None = None) -> Step:
    """Decide x >= 0 by the assumptions of sympy, else with `DIGITS` digits on a grid."""
    shown = sympy.Ge(piece.in_u(x) if piece else x, 0, evaluate=False)
    if is_nonnegative(x):
        return Step(claim, shown, SYMPY)
    return _numeric(d, claim, x, lambda value, error: value >= -error, shown)


def positive(d: Declaration, claim: str, x: sympy.Expr) -> Step:
    """Decide x > 0 for a number."""
    return _numeric(
        d,
        claim,
        x,
        lambda value, error: value > error,
        sympy.Gt(x, 0, evaluate=False),
        SYMPY if x.is_positive else None,
    )


def is_the_double(d: Declaration, name: str, exact: sympy.Expr, number: float) -> Step:
    """Decide that a double is an exact number, rounded a few times.

    What a parameter was rounded by counts in the measure of 1, and of a large result: think of 1 / (1 - a) for a near 1.
    """
    if exact.is_infinite or not math.isfinite(number):
        agrees = bool(exact.is_infinite) and float(exact) == number
    else:
        size = abs(exact)
        agrees = bool(
            abs(sympy.N(exact - sympy.Rational(number), DIGITS)) <= (_rounding(d) * (1 + size + size**2) if size else 0)
        )
    if not agrees:
        msg = f"{d.name}: expected {name} = {exact}, got {number} from the declaration"
        raise DisprovedError(msg)
    return Step(f"{name} = {exact}, the number in use", exact, SYMPY)


def _rounding(d: Declaration) -> float:
    """Four units in the last place, or what a declaration that estimates its limits says."""
    return float(getattr(getattr(d, "original", d), "rounding", ULPS))


def _numeric(
    d: Declaration,
    claim: str,
    x: sympy.Expr,
    holds: Callable[[Any, Any], Any],
    shown: sympy.Basic,
    decided_by: str | None = None,
) -> Step:
    symbols = sorted(sympy.sympify(x).free_symbols, key=str)
    for k, point in enumerate(GRID if symbols else GRID[:1]):
        # several symbols take different points, so that no identity holds by coincidence of equal values
        values = {s: GRID[(k + 7 * i) % len(GRID)] for i, s in enumerate(symbols)}
        value, size = _evaluated(sympy.sympify(x), values)
        if not (value.is_real and holds(value, size * sympy.Float(10) ** -DIGITS)):
            msg = f"{d.name}: expected {claim}, got a difference of {sympy.N(value, 8)} at {values or point}"
            raise DisprovedError(msg)
    return Step(claim, shown, decided_by or numerically(len(GRID) if symbols else 1))


def _evaluated(x: sympy.Expr, values: dict[sympy.Symbol, sympy.Rational]) -> tuple[Any, Any]:
    """Value of a quotient at a point, with digits to spare, and that of the quotient without the signs of its terms."""
    floats = {s: sympy.Float(y, 3 * DIGITS) for s, y in values.items()}
    numerator, denominator = x.as_numer_denom()
    terms = [sympy.N(term.subs(floats), 2 * DIGITS) for term in sympy.Add.make_args(expanded(numerator))]
    below = sympy.N(denominator.subs(floats), 2 * DIGITS)
    return sympy.N(sympy.Add(*terms) / below, 2 * DIGITS), sympy.Add(*map(abs, terms)) / abs(below)


def numerically(points: int = len(GRID)) -> str:
    """How a step was decided without sympy."""
    grid = f" at {points} points from {float(GRID[0]):.0e} to {float(GRID[-1]):.0e}" if points > 1 else ""
    return f"not by sympy, but with {DIGITS} digits{grid}"
