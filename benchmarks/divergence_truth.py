"""The truth of a benchmark: divergences by their textbook sums in ball arithmetic, on the exactly normalised inputs.

The sums cancel, so they are evaluated with twice the bits until the ball is small. What the ball contains is then proven,
and nothing is shared with the library.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import flint
import numpy as np
import numpy.typing as npt

__all__ = ["Quantity", "is_infinite", "relative_error", "truths"]

Ball = Any
"""A flint.arb: a number between two bounds."""

Floats = npt.NDArray[np.floating[Any]]

FIRST_BITS, LAST_BITS = 192, 1 << 14
ACCURACY = 80
"""Bits that a ball must have, 27 more than a double."""

SMALLEST = float(np.finfo(np.float64).smallest_normal)
LARGEST = float(np.finfo(np.float64).max)


@final
@dataclass(frozen=True, slots=True)
class Quantity:
    """A divergence, or the member of a family: its name in the library and its order."""

    name: str
    order: float | None = None

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the family is called with; nothing for a divergence without parameter."""
        return () if self.order is None else (self.order,)


def truths(p: Floats, q: Floats, quantities: Iterable[Quantity]) -> Mapping[Quantity, Ball]:
    """A ball of at least 80 bits for each quantity; infinite where the divergence is.

    Parameters
    ----------
    p, q : array (n,)
        Non-negative numbers of positive mass, taken as they are and divided by their exact sums.
    quantities : iterable of Quantity
        What is asked for.

    Returns
    -------
    dict
        The balls.

    Raises
    ------
    ArithmeticError
        If 16384 bits are not enough, as where a divergence is zero for p other than q.
    """
    wanted = list(quantities)
    if np.array_equal(p, q):
        return dict.fromkeys(wanted, flint.arb(0))
    found: dict[Quantity, Ball] = {}
    bits = FIRST_BITS
    while missing := [quantity for quantity in wanted if quantity not in found]:
        if bits > LAST_BITS:
            msg = f"expected balls of {ACCURACY} bits within {LAST_BITS}, got none for {missing}"
            raise ArithmeticError(msg)
        with flint.ctx.workprec(bits):
            balls = _evaluated(p, q, missing)
        found |= {quantity: ball for quantity, ball in balls.items() if _is_accurate(ball)}
        bits *= 2
    return found


def _is_accurate(ball: Ball) -> bool:
    return not ball.mid().is_finite() or ball.rel_accuracy_bits() >= ACCURACY


def relative_error(got: float, truth: Ball) -> float:
    """|got - truth| / truth; in units of the smallest normal double below it, where doubles have no more digits."""
    with flint.ctx.workprec(4 * ACCURACY):
        return float(abs(flint.arb(got) - truth).mid() / max(float(truth.mid()), SMALLEST))


def is_infinite(truth: Ball) -> bool:
    """Whether the divergence is infinite, or above the largest double."""
    return bool(truth > LARGEST)


# ---------------------------------------------------------------------------------------------- sums over the outcomes


@final
class Outcome:
    """Balls for one outcome: its probabilities and, where they are not zero, their logarithms."""

    __slots__ = ("log_p", "log_q", "p", "q")

    def __init__(self, p: Ball, q: Ball) -> None:
        self.p, self.q = p, q
        self.log_p = p.log() if p != 0 else None
        self.log_q = q.log() if q != 0 else None


def _relative_entropy(p: Ball, log_p: Ball, log_q: Ball) -> Ball:
    """p log(p/q), with its limits at 0."""
    if log_p is None:
        return flint.arb(0)
    return flint.arb("inf") if log_q is None else p * (log_p - log_q)


def _to_the_mean(o: Outcome) -> Ball:
    log_mean = ((o.p + o.q) / 2).log()
    return (_relative_entropy(o.p, o.log_p, log_mean) + _relative_entropy(o.q, o.log_q, log_mean)) / 2


def _root_gap(o: Outcome) -> Ball:
    gap = o.p.sqrt() - o.q.sqrt()
    return gap * gap


def _chi2(o: Outcome) -> Ball:
    gap = o.p - o.q
    return gap * gap / o.q if o.q != 0 else flint.arb("inf")


def _power(o: Outcome, a: float) -> Ball:
    """p**a q**(1-a)."""
    if o.log_p is None or o.log_q is None:
        infinite = a > 1 if o.log_q is None else a < 0
        return flint.arb("inf") if infinite else flint.arb(0)
    return (o.log_q + a * (o.log_p - o.log_q)).exp()


SUMS: Mapping[str, Callable[..., Ball]] = {
    "kl": lambda o: _relative_entropy(o.p, o.log_p, o.log_q),
    "reverse_kl": lambda o: _relative_entropy(o.q, o.log_q, o.log_p),
    "js": _to_the_mean,
    "tv": lambda o: abs(o.p - o.q) / 2,
    "squared_hellinger": _root_gap,
    "pearson_chi2": _chi2,
    "power": _power,
}


def _sum_of(quantity: Quantity) -> Quantity:
    """The sum that a quantity is a function of: both relative entropies are limits of powers."""
    if quantity.order is None:
        return quantity
    if quantity.order in (0, 1):
        return Quantity("kl" if quantity.order else "reverse_kl")
    return Quantity("power", quantity.order)


def _finished(quantity: Quantity, total: Ball) -> Ball:
    """The quantity, from its sum."""
    a = quantity.order
    if a is None or a in (0, 1) or not total.mid().is_finite():
        return total
    order = flint.arb(a)
    return (total - 1) / (order * (order - 1)) if quantity.name == "alpha" else total.log() / (order - 1)


def _evaluated(p: Floats, q: Floats, quantities: Iterable[Quantity]) -> dict[Quantity, Ball]:
    sums = {quantity: _sum_of(quantity) for quantity in quantities}
    totals: dict[Quantity, Ball] = dict.fromkeys(sums.values(), flint.arb(0))
    masses = [sum(map(flint.arb, x.tolist()), flint.arb(0)) for x in (p, q)]
    for x, y in zip(p.tolist(), q.tolist(), strict=True):
        if x or y:
            outcome = Outcome(flint.arb(x) / masses[0], flint.arb(y) / masses[1])
            for key in totals:
                totals[key] += SUMS[key.name](outcome, *key.parameters)
    return {quantity: _finished(quantity, totals[key]) for quantity, key in sums.items()}
