r"""Rigorous enclosures of a divergence: the vocabulary on balls, intervals [m ± r] of arbitrary precision (Arb).

Doubles are exact rational numbers, and so are their sums. With $p_i' = p_i \sum q$ and $q_i' = q_i \sum p$, both of mass
$\sum p \sum q$, nothing is rounded before the declaration itself runs, and a zero is a zero:

$$D_f(P\|Q) = \frac{\sum_i q_i'\, f(p_i' / q_i')}{\sum p \sum q}.$$

Every operation on balls encloses the result for all numbers in its arguments, so that the last ball contains the
divergence; the precision is raised until its ends, rounded outward to doubles, are two units in the last place apart.
Johansson (2017), Arb: efficient arbitrary-precision midpoint-radius interval arithmetic.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self, final

import flint
import numpy as np

from divergences._arrays import Array, aligned, checked, constant, namespace, quiet
from divergences._pairs import LIFT
from divergences.bounds import Bounds
from divergences.elementary import Vocabulary

__all__ = ["Balls", "enclose"]

EXACT = 4500
"""Bits in which sums of doubles, their products with doubles, and differences of these are exact: 2 * 2200, and spare."""

FIRST = 128
"""Bits of the first attempt: 53 of a double, and 75 to lose."""

ENOUGH = 64
"""Bits that a ball must be right to; then its ends, rounded outward to doubles, are at most two units apart."""

LAST = 1 << 15
"""Bits after which a divergence is given up: 30 times what tells the smallest double from 0."""

ZERO = flint.arb(0)
INFINITY = flint.arb("inf")


class Declared(Protocol):
    """What is enclosed: a declaration, by its perspective and name."""

    @property
    def name(self) -> str: ...

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any: ...


@final
@dataclass(frozen=True, slots=True)
class Balls:
    """The vocabulary on balls, none of p and q below 0; `gap` is p - q of the pair at hand, to full relative precision.

    Zeros are exact, and so are the choices made by them. Where sums cancel, the ball grows: that is seen, not avoided.
    """

    gap: Any = None

    def reversed(self) -> Self:
        """The same vocabulary for the pair (q, p)."""
        return type(self)(None if self.gap is None else -self.gap)

    # ------------------------------------------------------------------------------------------ functions of a number

    def exp(self, x: Any) -> Any:
        """Exponential."""
        return flint.arb(x).exp()

    def expm1(self, x: Any) -> Any:
        """exp(x) - 1."""
        return flint.arb(x).expm1()

    def log(self, x: Any) -> Any:
        """Natural logarithm, of balls and of the plain constants of a declaration."""
        return flint.arb(x).log()

    def log1p(self, x: Any) -> Any:
        """log(1 + x)."""
        return flint.arb(x).log1p()

    def sqrt(self, x: Any) -> Any:
        """Square root."""
        return flint.arb(x).sqrt()

    def abs(self, x: Any) -> Any:
        """Absolute value."""
        return abs(x)

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1."""
        return x.sgn()

    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent."""
        return x.tanh()

    def number(self, x: float) -> Any:
        """A constant: the rational number that a double is."""
        return flint.arb(x)

    def positive_part(self, x: Any) -> Any:
        """max(x, 0)."""
        return x.max(ZERO)

    def maximum(self, x: Any, y: float) -> Any:
        """max(x, y), y a number."""
        return x.max(flint.arb(y))

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x))."""
        return x.exp().log1p()

    def log_mean_exp(self, x: Any, a: Any = 1 / 2, b: Any = 1 / 2) -> Any:
        """log(a exp(x) + b) for weights a + b = 1, which makes b redundant."""
        return (a * x.expm1()).log1p()

    def expm1_ratio(self, x: Any, a: Any) -> Any:
        """(exp(a x) - 1) / a, and x for a = 0."""
        return x if a == 0 else (a * x).expm1() / a

    def log1p_ratio(self, x: Any, a: Any) -> Any:
        """log(1 + a x) / a, and x for a = 0."""
        return x if a == 0 else (a * x).log1p() / a

    def quotient(self, a: Any, b: Any) -> Any:
        """a / b with 0/0 = 0 and a/0 = inf."""
        if a == 0:
            return ZERO
        return INFINITY if b == 0 else a / b

    def square_quotient(self, a: Any, b: Any) -> Any:
        """a**2 / b with 0/0 = 0 and a/0 = inf."""
        return self.quotient(a * a, b)

    # ------------------------------------------------------------------------------------------- functions of a pair

    def difference(self, p: Any, q: Any) -> Any:
        """p - q of the exactly normalised pair, to full relative precision."""
        return p - q if self.gap is None else self.gap

    def log_ratio(self, p: Any, q: Any, d: Any) -> Any:
        """log(p/q), where d = p - q is given; ± inf at zeros, and 0 where both are 0."""
        if q == 0:
            return ZERO if p == 0 else INFINITY
        if p == 0:
            return -INFINITY
        return (d / q).log1p() if d > 0 else -(-d / p).log1p()

    def relative_entropy(self, p: Any, q: Any, d: Any) -> Any:
        """p log(p/q) - d, where d = p - q is given."""
        return -d if p == 0 else p * self.log_ratio(p, q, d) - d

    def entropy_gap(self, p: Any, q: Any, d: Any) -> Any:
        """(p log(p/m) + q log(q/m)) / 2, m = (p + q)/2, where d = p - q is given."""
        mean, half = (p + q) / 2, d / 2
        first = ZERO if p == 0 else p * self.log_ratio(p, mean, half)
        second = ZERO if q == 0 else q * self.log_ratio(q, mean, -half)
        return (first + second) / 2

    def power_gap(self, p: Any, q: Any, d: Any, a: Any, b: Any) -> Any:
        """(a p + b q - p**a q**b) / (a b) = (d - q ((p/q)**a - 1)/a) / b, a + b = 1, with its limits at 0 and 1."""
        if a == 0:
            return self.relative_entropy(q, p, -d)
        if b == 0:
            return self.relative_entropy(p, q, d)
        if p == 0:
            return q / a if a > 0 else INFINITY
        if q == 0:
            return p / b if b > 0 else INFINITY
        return (d - q * self.expm1_ratio(self.log_ratio(p, q, d), a)) / b


def enclose(d: Declared, p: Array, q: Array, *, normalize: bool = False) -> Bounds:
    r"""Rigorous bounds of the divergence $D_f(P\|Q)$ of two probability vectors.

    Parameters
    ----------
    d : FDivergence
        The divergence.
    p, q : array (n,)
        Probabilities, taken as the exact rational numbers that their doubles are, and normalised exactly.
    normalize : bool, default: False
        Take any positive mass.

    Returns
    -------
    Bounds
        Doubles around the exact value, at most two units in the last place apart; 0 for proportional weights, and
        ``inf`` exactly where the divergence is infinite. A finite value beyond the largest double is bounded by that
        and ``inf``.

    Raises
    ------
    ValueError
        On negative, NaN or infinite entries, a wrong mass, shapes that differ, or more axes than one.
    ArithmeticError
        If the perspective of a divergence is no number at some pair of entries, in any precision.
    """
    weights = _vectors(p, q, normalize=normalize)
    if _proportional(*weights):
        return Bounds.exact(0.0)
    with flint.ctx.workprec(EXACT):
        pairs, mass = _balanced(*weights)
    bits = FIRST
    while bits <= LAST:
        with flint.ctx.workprec(bits):
            total = sum(_terms(d, pairs), ZERO) / mass
            if total == INFINITY:
                return Bounds.exact(math.inf)
            bounds = _outward(total)
        if bounds is not None:
            return bounds
        right = total.rel_accuracy_bits()
        bits = bits + ENOUGH - right if 0 < right < ENOUGH else 2 * bits
    msg = (
        f"expected the perspective of {d.name} to be a number at each pair of entries, got {total}; evaluate it at them"
    )
    raise ArithmeticError(msg)


def _vectors(p: Array, q: Array, *, normalize: bool) -> list[list[Any]]:
    """Both arguments as exact numbers, after the checks that every value of a divergence makes."""
    xp, (p, q) = namespace(p=p, q=q)
    p, q = aligned(xp, p, q, -1)
    if p.ndim != 1:
        msg = f"expected p and q to be vectors, got shape {tuple(p.shape)}; enclose one pair of rows at a time"
        raise ValueError(msg)
    with quiet():
        for name, x in (("p", p), ("q", q)):
            checked(xp, name, x, normalize=normalize, lift=LIFT)
    return [[flint.arb(number) for number in _numbers(x)] for x in (p, q)]


def _numbers(x: Array) -> list[float]:
    """The entries as Python numbers, from any device."""
    array = constant(x)
    return list(array.tolist() if hasattr(array, "tolist") else np.asarray(array).tolist())


def _proportional(p: list[Any], q: list[Any]) -> bool:
    """Whether p and q agree after normalisation: p_i q_k = q_i p_k for one k with p_k > 0, exact in 106 bits."""
    with flint.ctx.workprec(FIRST):
        base, other = next((a, b) for a, b in zip(p, q, strict=True) if a > 0)
        return all(a * other == b * base for a, b in zip(p, q, strict=True)) and other > 0


def _balanced(p: list[Any], q: list[Any]) -> tuple[list[tuple[Any, Any, Any]], Any]:
    """Pairs of equal mass with their differences, where not both are 0, and that mass: all exact."""
    mass_p, mass_q = (sum(x, ZERO) for x in (p, q))
    scaled = ((a * mass_q, b * mass_p) for a, b in zip(p, q, strict=True) if not (a == b == 0))
    return [(a, b, a - b) for a, b in scaled], mass_p * mass_q


def _terms(d: Declared, pairs: list[tuple[Any, Any, Any]]) -> Iterator[Any]:
    """Every q g(p/q) in the precision at hand, to which exact numbers are rounded first (the unary plus)."""
    for p, q, gap in pairs:
        yield d.perspective(+p, +q, Balls(+gap))


def _outward(ball: Any) -> Bounds | None:
    """The doubles next to a ball, below and above; None if there are more than two units between them."""
    if not ball.is_finite():
        return None
    value = min(max(float(ball.mid()), 0.0), sys.float_info.max)
    lower = next(
        (x for x in (value, math.nextafter(value, 0.0)) if x == 0 or ball >= x), None
    )  # no divergence is below 0
    upper = next((x for x in (value, math.nextafter(value, math.inf)) if ball <= x), None)
    return None if lower is None or upper is None else Bounds(lower, value, upper)
