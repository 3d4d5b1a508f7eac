r"""Fenchel conjugates and the proof, by sympy, that a declared divergence is consistent.

A declaration states $f$ (through its perspective), $f'$ (through the critic) and $f^*$ independently. Run on symbols
they must agree: the critic is the derivative, the conjugate is the supremum $\sup_u (ut - f(u))$ at its stationary
point, the biconjugate is $f$ again, and the limits that the numbers use are the limits of the formula.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import sympy

from divergences.contexts import Symbolic
from divergences.elementary import Vocabulary
from divergences.interval import Interval

__all__ = ["Declaration", "DisprovedError", "Formulas", "Proof", "Step", "formulas", "prove"]

DIGITS = 60
"""Digits of the numeric check that stands in where sympy cannot decide."""

GRID = tuple(sympy.Rational(3, 2) ** k for k in range(-40, 41, 2))
"""Points of that check, from 1e-7 to 1e7."""


class Declaration(Protocol):
    """What is proved about: the declared part of an f-divergence and the limits derived from it."""

    @property
    def tangent(self) -> int: ...  # noqa: D102
    @property
    def symmetric(self) -> bool: ...  # noqa: D102
    @property
    def kinks(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def f0(self) -> float: ...  # noqa: D102
    @property
    def slope(self) -> float: ...  # noqa: D102
    @property
    def critic_range(self) -> Interval: ...  # noqa: D102
    @property
    def reverse(self) -> "Declaration": ...  # noqa: D102
    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any: ...  # noqa: D102
    def critic(self, v: Any, m: Vocabulary) -> Any: ...  # noqa: D102
    def legendre(self, t: Any, m: Vocabulary) -> Any: ...  # noqa: D102


class DisprovedError(ArithmeticError):
    """A declaration contradicts itself."""


@final
@dataclass(frozen=True)
class Formulas:
    """A divergence in symbols: f(u), f'(u) and the conjugate f*(t) on the range of f'."""

    u: sympy.Symbol
    t: sympy.Symbol
    f: sympy.Expr
    derivative: sympy.Expr
    conjugate: sympy.Expr

    def latex(self) -> str:
        """Formula of f, without dollar signs."""
        return str(sympy.latex(self.f))


@final
@dataclass(frozen=True)
class Step:
    """One step of a proof: what is claimed, the expression that decides it, and how it was decided."""

    claim: str
    expression: sympy.Expr
    decided_by: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.claim}  [{self.decided_by}]"


@final
@dataclass(frozen=True)
class Proof:
    """All steps, each decided by sympy, or checked with many digits where it says so; a false one has raised instead."""

    name: str
    steps: tuple[Step, ...]

    @property
    def symbolic(self) -> bool:
        """Whether sympy decided every step, without a numeric stand-in."""
        return all(step.decided_by == "sympy" for step in self.steps)

    def __str__(self) -> str:
        """A line per step."""
        return "\n".join([f"{self.name}:", *(f"  {k}. {step}" for k, step in enumerate(self.steps, 1))])


def formulas(d: Declaration) -> Formulas:
    """Run a declaration on symbols.

    Parameters
    ----------
    d : Declaration
        Any f-divergence.

    Returns
    -------
    Formulas
        Its expressions in u > 0 and real t.
    """
    u, t, m = sympy.Symbol("u", positive=True), sympy.Symbol("t", real=True), Symbolic()
    f = sympy.expand_log(_tidy(d.perspective(u, sympy.Integer(1), m) + d.tangent * (u - 1)), force=True)
    # the conjugate is not tidied: the logarithms in it are of positive numbers only for t in the range of f'
    return Formulas(u, t, f, _tidy(d.critic(sympy.log(u), m)), sympy.sympify(d.legendre(t, m)))


def prove(d: Declaration) -> Proof:
    r"""Prove a declaration: normal form, convexity, critic, conjugate, biconjugate, limits and reverse.

    Parameters
    ----------
    d : Declaration
        Any f-divergence.

    Returns
    -------
    Proof
        Its steps, in order.

    Raises
    ------
    DisprovedError
        At the first false step.
    """
    steps = [*_normal_form(d), *_convexity(d), *_duality(d), *_limits(d), *_reversal(d)]
    return Proof(d.name, tuple(steps))


def _normal_form(d: Declaration) -> Iterator[Step]:
    p, q = sympy.symbols("p q", positive=True)
    m, one = Symbolic(), sympy.Integer(1)
    yield _zero(d, "q g(p/q) is the declared perspective", d.perspective(p, q, m) - q * d.perspective(p / q, one, m))
    yield _zero(d, "f(1) = 0", formulas(d).f.subs(formulas(d).u, 1))


def _convexity(d: Declaration) -> Iterator[Step]:
    """On every smooth piece f'' >= 0 and the declared critic is f'; at a kink the one-sided slopes are in order."""
    previous: sympy.Expr | None = None
    for where, w, piece in _pieces(d):
        f, critic = _on(d, piece)
        slope = _tidy(sympy.diff(f, w) / sympy.diff(piece, w))
        yield _zero(d, f"f'(u) = critic(log u){where}", critic - slope)
        yield _nonnegative(d, f"f''(u) >= 0{where}", sympy.diff(slope, w) / sympy.diff(piece, w))
        if previous is not None:
            left, right = sympy.limit(previous, w, 0), sympy.limit(slope, w, 0)
            yield _nonnegative(
                d, "the declared tangent is not below the slope of f on the left of the kink", d.tangent - left
            )
            yield _nonnegative(d, "nor above that on the right, so that g >= 0 there", right - d.tangent)
        previous = slope
    if not d.kinks:
        yield _zero(d, "f'(1) is the declared tangent", formulas(d).derivative.subs(formulas(d).u, 1) - d.tangent)


def _duality(d: Declaration) -> Iterator[Step]:
    r"""f* by stationarity, Fenchel-Young with equality at t = f'(u), and f** = f."""
    form = formulas(d)
    yield from _stationary_point(d, form)
    for where, _, piece in _pieces(d):
        f, critic = _on(d, piece)
        equality = form.conjugate.subs(form.t, critic) - (piece * critic - f)
        yield _zero(d, f"f*(t) = ut - f(u) at t = f'(u){where}", equality)
        if not d.kinks:
            inverse = sympy.diff(form.conjugate, form.t).subs(form.t, critic) - piece
            yield _zero(d, f"(f*)'(f'(u)) = u, so f**(u) = u f'(u) - f*(f'(u)) = f(u){where}", inverse)
            curvature = sympy.diff(form.conjugate, form.t, 2).subs(form.t, critic)
            yield _nonnegative(d, f"(f*)'' >= 0{where}, so that supremum is the stationary value", curvature)


def _stationary_point(d: Declaration, form: Formulas) -> Iterator[Step]:
    if d.kinks:
        for kink in d.kinks:
            value = form.t * kink - form.f.subs(form.u, kink)
            yield _zero(
                d, f"between the slopes at u = {kink} the supremum is there: f*(t) = {value}", form.conjugate - value
            )
        return
    # the derivative is solved for u; the root that is f' inverted is found by putting t = f'(u) back
    x = sympy.Symbol("x")
    for root in sympy.solve(sympy.Eq(form.derivative.subs(form.u, x), form.t), x):
        if _vanishes(root.subs(form.t, form.derivative) - form.u):
            value = root * form.t - form.f.subs(form.u, root)
            difference = (form.conjugate - value).subs(form.t, form.derivative)
            yield _zero(d, f"f'(u) = t at u = {root}, where ut - f(u) = {form.conjugate} = f*(t)", difference)


def _limits(d: Declaration) -> Iterator[Step]:
    form = formulas(d)
    for name, expression, end, number in (
        ("f(0+)", form.f, 0, d.f0),
        ("f'(inf)", form.derivative, sympy.oo, d.slope),
        ("f'(0+)", form.derivative, 0, d.critic_range.lower),
        ("f'(inf)", form.derivative, sympy.oo, d.critic_range.upper),
    ):
        limit = sympy.limit(expression, form.u, end, "+" if end == 0 else "-")
        infinite = limit in (sympy.oo, -sympy.oo)
        agrees = float(limit) == number if infinite else abs(float(limit) - number) <= 4e-16 * abs(number)
        if not agrees:
            msg = f"{d.name}: expected the limit {name} = {limit}, got {number} from the declaration"
            raise DisprovedError(msg)
        yield Step(f"{name} = {limit}, the number in use", limit, "sympy")


def _reversal(d: Declaration) -> Iterator[Step]:
    u, one, m = sympy.Symbol("u", positive=True), sympy.Integer(1), Symbolic()
    difference = d.reverse.perspective(u, one, m) - d.perspective(one, u, m)
    yield _zero(d, f"u f(1/u) is, up to a multiple of u - 1, the f of {d.reverse.name}", difference)
    if d.symmetric:
        yield _zero(d, "and f itself, so that D is symmetric", d.perspective(u, one, m) - d.perspective(one, u, m))


def _pieces(d: Declaration) -> Iterator[tuple[str, sympy.Symbol, sympy.Expr]]:
    """Where f is smooth: all u > 0, or either side of the kink at 1, written with a positive symbol."""
    w = sympy.Symbol("w", positive=True)
    if not d.kinks:
        yield "", w, w
    elif d.kinks == (1,):
        yield " for u < 1", w, 1 / (1 + w)
        yield " for u > 1", w, 1 + w
    else:
        msg = f"expected no kink or one at u = 1, got {d.kinks}"
        raise ValueError(msg)


def _on(d: Declaration, piece: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The function f and its declared derivative on a piece."""
    m = Symbolic()
    f = d.perspective(piece, sympy.Integer(1), m) + d.tangent * (piece - 1)
    return _tidy(f), _tidy(d.critic(sympy.log(piece), m))


def _tidy(x: Any) -> sympy.Expr:
    return sympy.simplify(sympy.expand_log(sympy.sympify(x), force=True))


def _vanishes(x: sympy.Expr) -> bool:
    return bool(_tidy(x) == 0)


def _zero(d: Declaration, claim: str, x: sympy.Expr) -> Step:
    """Decide x = 0 by sympy, else with `DIGITS` digits on a grid."""
    if _vanishes(x):
        return Step(claim, sympy.sympify(x), "sympy")
    return _numeric(d, claim, x, lambda value: abs(value) < sympy.Float(10) ** (10 - DIGITS))


def _nonnegative(d: Declaration, claim: str, x: sympy.Expr) -> Step:
    """Decide x >= 0 by the assumptions of sympy, else with `DIGITS` digits on a grid."""
    simple = sympy.factor(_tidy(x))
    if simple.is_nonnegative:
        return Step(claim, simple, "sympy")
    if simple.is_negative:
        msg = f"{d.name}: expected {claim}, got {simple} < 0"
        raise DisprovedError(msg)
    return _numeric(d, claim, simple, lambda value: value >= 0)


def _numeric(d: Declaration, claim: str, x: sympy.Expr, holds: Any) -> Step:
    symbols = sorted(sympy.sympify(x).free_symbols, key=str)
    points = GRID if symbols else GRID[:1]
    for k, point in enumerate(points):
        # several symbols take different points, so that no identity holds by coincidence of equal values
        values = {s: points[(k + 7 * i) % len(points)] for i, s in enumerate(symbols)}
        value = sympy.N(sympy.sympify(x).subs(values), DIGITS)
        if not (value.is_real and holds(value)):
            msg = f"{d.name}: expected {claim}, got {sympy.N(value, 8)} at {values or point}"
            raise DisprovedError(msg)
    return Step(claim, sympy.sympify(x), f"{DIGITS} digits at {len(points)} points")
