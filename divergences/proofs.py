r"""The proof, by sympy, that a declared divergence is consistent.

A declaration states $f$ (through its perspective), $f'$ (the critic), $f^*$ (in closed form, or only its value at the
critic, the level) and points where the formula of f changes, all independently. Run on symbols they must agree:

- f(1) = 0; f is convex, for $f'' \ge 0$ on every piece and the slopes of two pieces are in order where they meet; with
  the declared tangent at 1 the normal form g is then never negative;
- the conjugate: $ut - f(u)$ is stationary where $f'(u) = t$. That equation is solved for u, a step at a time, and the
  value there is the declared $f^*$; at a kink it is the value of a whole interval of t;
- without a closed form, the level is $u f'(u) - f(u)$, which is $f^*(t)$ at $t = f'(u)$, and its derivative is $u f''$,
  so that $f^{**} = f$ all the same;
- the limits that the numbers use are the limits of the formula; the reverse is $u f(1/u)$.

Each is shown on every piece of the half line between kinks and joints. Parameters of families are exact rational numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import sympy

from divergences._deciding import canonical, expanded, limit, shortest, vanishes
from divergences._pieces import (
    CHOICES,
    ONE,
    Declaration,
    M,
    Piece,
    Q,
    T,
    U,
    W,
    around,
    exact_points,
    pieces_of,
    without_choices,
)
from divergences._steps import SYMPY, DisprovedError, Step, equal, is_the_double, nonnegative, numerically, positive
from divergences.contexts import exactly

__all__ = ["Declaration", "DisprovedError", "Formulas", "Proof", "Step", "formulas", "prove"]


@final
@dataclass(frozen=True)
class Formulas:
    """A divergence in symbols: f(u), f'(u), f* at f'(u), and f*(t) on the range of f', None if it has no closed form."""

    u: sympy.Symbol
    t: sympy.Symbol
    f: sympy.Expr
    derivative: sympy.Expr
    level: sympy.Expr
    conjugate: sympy.Expr | None

    def latex(self) -> str:
        """Formula of f, without dollar signs."""
        return str(sympy.latex(self.f))


@final
@dataclass(frozen=True)
class Proof:
    """All steps, each decided by sympy, or checked with many digits where it says so; a false one has raised instead."""

    name: str
    steps: tuple[Step, ...]

    @property
    def symbolic(self) -> bool:
        """Whether sympy decided every step, without a numeric stand-in."""
        return not self.undecided

    @property
    def undecided(self) -> tuple[Step, ...]:
        """The steps that sympy could not decide; each says which numeric check stands in."""
        return tuple(step for step in self.steps if not step.symbolic)

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
    v = sympy.log(U)
    f = shortest(d.perspective(U, ONE, M) + exactly(d.tangent) * (U - 1))
    conjugate = shortest(d.legendre(T, M)) if d.has_closed_conjugate else None
    return Formulas(U, T, f, shortest(d.critic(v, M)), shortest(d.level(v, M)), conjugate)


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

    Examples
    --------
    >>> import divergences as dv
    >>> proof = dv.kl.prove()
    >>> proof.symbolic
    True
    >>> print(next(step for step in proof.steps if "stationary" in step.claim))
    ut - f(u) is stationary where f'(u) = t  [sympy]
    """
    pieces = pieces_of(d)
    parts = (
        _one_formula,
        _normal_form,
        _convexity,
        _nonnegativity,
        _conjugate,
        _biconjugate,
        _limits,
        _outside,
        _reversal,
    )
    return Proof(d.name, tuple(step for part in parts for step in part(d, pieces)))


def _one_formula(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    """Between kinks and joints every choice that the declaration makes is made."""
    for piece in pieces:
        choices = [x for expression in piece.raw for x in expression.atoms(*CHOICES)]
        left = [x for expression in piece.resolved for x in expression.atoms(*CHOICES)]
        if left:
            msg = (
                f"{d.name}: expected one formula{piece.where or ' for u > 0'}, got {piece.in_u(left[0])}, which changes; "
                "declare the point where it does in kinks or joints"
            )
            raise DisprovedError(msg)
        for choice in choices:
            yield Step(f"every choice is the same{piece.where}", piece.in_u(choice), numerically())


def _normal_form(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    for piece in pieces:
        declared, homogeneous = d.perspective(Q * piece.u, Q, M), Q * d.perspective(piece.u, ONE, M)
        yield equal(d, f"q g(p/q) is the declared perspective{piece.where}", declared, homogeneous)
    for piece in around(pieces, ONE):
        yield equal(d, f"f(1) = 0{_by(piece, pieces)}", piece.at(piece.f, ONE), sympy.Integer(0))


def _convexity(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    """On every smooth piece f'' >= 0 and the declared critic is f'; where two meet the one-sided slopes are in order."""
    for piece in pieces:
        yield equal(d, f"f'(u) = critic(log u){piece.where}", piece.slope, piece.critic, piece)
        yield nonnegative(d, f"f''(u) >= 0{piece.where}", piece.curvature, piece)
    kinks = exact_points(d, "kinks")
    for left, right in pairwise(pieces):
        k = left.upper
        yield equal(d, f"f is continuous at u = {k}", left.at(left.f, k), right.at(right.f, k))
        below, above = left.at(left.slope, k), right.at(right.slope, k)
        if k in kinks:
            yield positive(d, f"f'({k}-) < f'({k}+), a convex kink", above - below)
        else:
            yield equal(d, f"f'({k}-) = f'({k}+), a smooth joint", below, above)


def _nonnegativity(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    """The declared tangent touches f at 1, so that g, being convex, is nowhere negative."""
    beside = around(pieces, ONE)
    left, right = (piece.at(piece.slope, ONE) for piece in (beside[0], beside[-1]))
    tangent = exactly(d.tangent)
    if ONE in exact_points(d, "kinks"):
        yield nonnegative(d, "f'(1-) is not above the declared tangent", tangent - left)
        yield nonnegative(d, "nor f'(1+) below it, so that g(u) >= g(1) = 0", right - tangent)
    elif vanishes(right - tangent):
        yield equal(d, "f'(1) is the declared tangent, so that g(u) >= g(1) = 0", right, tangent)
    else:
        yield is_the_double(d, "f'(1)", right, d.tangent)


def _conjugate(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    r"""f* by stationarity, and its value at the critic."""
    for piece in pieces:
        if d.has_closed_conjugate:
            yield from _stationary_point(d, piece)
            attained = _legendre(d, piece.critic)
            yield equal(
                d, f"f*(t) = ut - f(u) at t = f'(u){piece.where}", attained, piece.u * piece.critic - piece.f, piece
            )
            yield equal(d, f"and it is level(log u){piece.where}", attained, piece.level, piece)
        else:
            claim = f"level(log u) = u f'(u) - f(u), which is f*(t) at t = f'(u){piece.where}"
            yield equal(d, claim, piece.level, piece.u * piece.critic - piece.f, piece)
    for left, right in pairwise(pieces):
        if d.has_closed_conjugate and left.upper in exact_points(d, "kinks"):
            yield from _kink(d, left, right)


def _stationary_point(d: Declaration, piece: Piece) -> Iterator[Step]:
    """f'(u) = t is solved for u, and ut - f(u) taken there."""
    if piece.is_affine:
        return  # t is one number, to which all u belong
    f, derivative = piece.in_u(piece.f), piece.in_u(piece.critic)
    equations = _isolated(piece, derivative)
    if not equations:
        return
    yield Step(f"ut - f(u) is stationary where f'(u) = t{piece.where}", sympy.Eq(derivative, T, evaluate=False), SYMPY)
    for left, right in equations:
        solved = left == U
        claim = f"that is at u = {right}{piece.where}" if solved else f"that is, where {left} = {right}{piece.where}"
        back = sympy.sympify(right).subs(T, piece.critic)
        yield equal(d, claim, left.subs(U, piece.u), back, shown=sympy.Eq(left, right, evaluate=False))
    u = equations[-1][1]
    value, conjugate = u * T - f.subs(U, u), sympy.sympify(d.legendre(T, M))
    difference = value.subs(T, piece.critic) - _legendre(d, piece.critic)
    shown = sympy.Eq(value, conjugate, evaluate=False)
    claim = f"the supremum, ut - f(u) at that u, is {conjugate} = f*(t){piece.where}"
    yield equal(d, claim, difference, sympy.Integer(0), shown=shown)


def _isolated(piece: Piece, derivative: sympy.Expr) -> list[tuple[sympy.Expr, sympy.Expr]]:
    """The equations that lead from f'(u) = t to u = ..., by undoing one operation at a time; none if that fails."""
    rational = derivative.is_rational_function(U)
    for way in (
        piece.in_u(without_choices(piece.raw[1])),
        derivative,
        sympy.apart(derivative, U) if rational else derivative,
    ):
        left, right, equations = way, sympy.sympify(T), []
        while left != U and (undone := _undone(left, right)) is not None:
            left, right = undone
            equations.append((left, right))
        if left == U:
            return equations
    x = sympy.Symbol("x")
    roots = sympy.solve(sympy.Eq(derivative.subs(U, x), T), x) if rational else []
    return [(U, root) for root in roots if vanishes(root.subs(T, piece.critic) - piece.u)][:1]


def _undone(left: sympy.Expr, right: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr] | None:
    """An equation without the outermost operation of its left side, u and its powers being positive."""
    if left.is_Add or left.is_Mul:
        free, bound = left.as_independent(U, as_Add=left.is_Add)
        if free == (0 if left.is_Add else 1):
            return None
        return bound, expanded(right - free) if left.is_Add else expanded(right / free)
    if isinstance(left, sympy.log):
        return left.args[0], sympy.exp(right)
    if isinstance(left, sympy.exp):
        return left.args[0], sympy.log(right)
    if left.is_Pow and not left.exp.has(U) and left.base.is_positive:
        return left.base, sympy.Pow(right, 1 / left.exp)
    return None


def _kink(d: Declaration, left: Piece, right: Piece) -> Iterator[Step]:
    """At a kink k the supremum is tk - f(k) for every t between the two slopes."""
    k = left.upper
    below, above = left.at(left.slope, k), right.at(right.slope, k)
    between, value = (below + above * W) / (1 + W), left.at(left.f, k)
    claim = f"for t from {below} to {above} the supremum is at the kink: f*(t) = {T * k - value}"
    shown = sympy.Eq(d.legendre(T, M), T * k - value, evaluate=False)
    yield equal(d, claim, _legendre(d, between), between * k - value, shown=shown)


def _legendre(d: Declaration, t: sympy.Expr) -> sympy.Expr:
    return sympy.sympify(d.legendre(canonical(t), M))


def _biconjugate(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    r"""(f*)'(f'(u)) = u, so that ut - f*(t) is stationary, and by convexity of f* largest, at t = f'(u)."""
    for piece in pieces:
        if piece.is_affine:
            claim = f"f is affine{piece.where}: f**(u) = ut - f*(t) = f(u) at its slope t"
            attained = _legendre(d, piece.critic) if d.has_closed_conjugate else piece.level
            yield equal(d, claim, piece.u * piece.critic - attained, piece.f, piece)
        elif d.has_closed_conjugate:
            rate = sympy.diff(_legendre(d, piece.critic), W) / sympy.diff(piece.critic, W)
            claim = f"(f*)'(f'(u)) = u{piece.where}, where ut - f*(t) is largest: f**(u) = f(u)"
            yield equal(d, claim, canonical(rate), piece.u, piece)
        else:
            claim = f"d/du level(log u) = u f''(u){piece.where}, so (f*)'(f'(u)) = u, where ut - f*(t) is largest: f**(u) = f(u)"
            yield equal(d, claim, piece.derivative(piece.level), piece.u * piece.curvature, piece)


def _limits(d: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    first, last = pieces[0], pieces[-1]
    at_infinity = limit(last.slope, W, sympy.oo)
    for name, exact, number in (
        ("f(0+)", _at_zero(first, first.f), d.f0),
        ("f'(inf)", at_infinity, d.slope),
        ("f'(0+)", _at_zero(first, first.slope), d.critic_range.lower),
        ("f'(inf), the end of the critic's range,", at_infinity, d.critic_range.upper),
    ):
        yield is_the_double(d, name, _joined(exact), number)


def _outside(_: Declaration, pieces: tuple[Piece, ...]) -> Iterator[Step]:
    """f* beyond the range of f', which only grows."""
    lower, upper = (_joined(x) for x in (_at_zero(pieces[0], pieces[0].slope), limit(pieces[-1].slope, W, sympy.oo)))
    conjugate = sympy.Function("f^*")(T)
    if lower.is_finite:
        value = -_joined(_at_zero(pieces[0], pieces[0].f))
        shown = sympy.Implies(sympy.Le(T, lower), sympy.Eq(conjugate, value))
        yield Step(f"f*(t) = -f(0+) = {value} for t <= f'(0+) = {lower}, as ut - f(u) falls in u", shown, SYMPY)
    if upper.is_finite:
        shown = sympy.Implies(sympy.Gt(T, upper), sympy.Eq(conjugate, sympy.oo))
        yield Step(
            f"f*(t) = oo for t > f'(inf) = {upper}, as ut - f(u) grows at least at the rate t - f'(inf)", shown, SYMPY
        )


def _at_zero(first: Piece, x: sympy.Expr) -> sympy.Expr:
    """The limit for u to 0; on the first of several pieces w then goes to infinity."""
    return limit(x, W, 0 if first.upper == sympy.oo else sympy.oo)


def _reversal(d: Declaration, _: tuple[Piece, ...]) -> Iterator[Step]:
    """Both up to a multiple of u - 1, which no divergence sees."""
    multiple = "up to a multiple of u - 1"
    yield from _same_divergence(d, d.reverse, f"u f(1/u) is, {multiple}, the f of {d.reverse.name}")
    if d.symmetric:
        yield from _same_divergence(d, d, f"it is f itself, {multiple}, so that D is symmetric")


def _same_divergence(d: Declaration, other: Declaration, claim: str) -> Iterator[Step]:
    points = ("kinks", "joints")
    ends = {
        *(1 / k for name in points for k in exact_points(d, name)),
        *(k for name in points for k in exact_points(other, name)),
    }
    multiple = None
    for lower, upper in pairwise([sympy.Integer(0), *sorted(ends), sympy.oo]):
        piece = Piece(d, lower, upper)
        g, reverse = (canonical(without_choices(x)) for x in _both(d, other, piece.u))
        if multiple is None:
            multiple = ((g - reverse) / (piece.u - 1)).subs(W, sympy.Rational(7, 5))
        yield equal(d, f"{claim}{piece.where}", g, reverse + canonical(multiple) * (piece.u - 1), piece)


def _both(d: Declaration, other: Declaration, u: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    return sympy.sympify(other.perspective(u, ONE, M)), sympy.sympify(d.perspective(ONE, u, M))


def _by(piece: Piece, pieces: tuple[Piece, ...]) -> str:
    return f", by the formula{piece.where}" if len(pieces) > 1 else ""


def _joined(x: sympy.Expr) -> sympy.Expr:
    """A number with its logarithms joined."""
    return sympy.logcombine(x) if x.has(sympy.log) else x
