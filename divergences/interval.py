r"""Intervals of the real line: domains of conjugates and ranges of critics."""

import math
from dataclasses import dataclass
from typing import Any, final

from divergences.elementary import Vocabulary

__all__ = ["Interval", "number_latex"]


@final
@dataclass(frozen=True, slots=True)
class Interval:
    r"""An interval with ends ``lower < upper``, each open or closed; infinite ends are open.

    It knows four things: what it contains, how it is written, how to draw test points of it, and a smooth map
    of the real line onto its interior (which is what the last layer of a critic needs).

    Parameters
    ----------
    lower, upper : float
        The ends; ``-inf`` and ``inf`` are allowed.
    closed_lower, closed_upper : bool
        Whether an end belongs to the interval.

    Examples
    --------
    >>> import math
    >>> from divergences import Interval
    >>> half_line = Interval(-math.inf, 1.0, closed_upper=True)
    >>> half_line.contains(1.0), half_line.contains(1.5)
    (True, False)
    >>> print(half_line)
    (-inf, 1]
    """

    lower: float = -math.inf
    upper: float = math.inf
    closed_lower: bool = False
    closed_upper: bool = False

    def __post_init__(self) -> None:
        """Refuse empty intervals and closed infinite ends."""
        if not self.lower < self.upper:
            msg = f"expected lower < upper, got {self.lower!r} and {self.upper!r}"
            raise ValueError(msg)
        if (self.closed_lower and math.isinf(self.lower)) or (self.closed_upper and math.isinf(self.upper)):
            msg = f"expected infinite ends to be open, got {self}; only a finite end can be closed"
            raise ValueError(msg)

    def contains(self, x: Any) -> Any:
        """Whether x lies in the interval (elementwise for arrays)."""
        above = x >= self.lower if self.closed_lower else x > self.lower
        below = x <= self.upper if self.closed_upper else x < self.upper
        return above & below

    def map_from_reals(self, z: Any, m: Vocabulary) -> Any:
        r"""Increasing smooth map of $\mathbb R$ onto the interior: identity, softplus or tanh.

        On a half line it is $b - \operatorname{softplus}(-z)$ or $a + \operatorname{softplus}(z)$, whose growth is
        linear, so that a critic cannot overflow; on a bounded interval it is $\tfrac{a+b}2 + \tfrac{b-a}2\tanh z$.
        """
        if math.isinf(self.lower) and math.isinf(self.upper):
            return z
        if math.isinf(self.lower):
            return self.upper - m.softplus(-z)
        if math.isinf(self.upper):
            return self.lower + m.softplus(z)
        return (self.lower + self.upper) / 2 + (self.upper - self.lower) / 2 * m.tanh(z)

    def grid(self, count: int) -> list[float]:
        """Test points: `count` interior points, dense near finite ends, and the closed ends themselves."""
        lower = math.atan(self.lower) if math.isinf(self.upper) or math.isinf(self.lower) else self.lower
        upper = math.atan(self.upper) if math.isinf(self.upper) or math.isinf(self.lower) else self.upper
        warp = math.tan if math.isinf(self.upper) or math.isinf(self.lower) else float
        inner = [lower + (upper - lower) * (1 - math.cos(math.pi * (k + 0.5) / count)) / 2 for k in range(count)]
        ends = [self.lower] * self.closed_lower + [self.upper] * self.closed_upper
        return [*ends, *map(warp, inner)]

    def __str__(self) -> str:
        """Written as in a text: ``(-inf, 1]``."""
        return f"{'[' if self.closed_lower else '('}{self.lower:g}, {self.upper:g}{']' if self.closed_upper else ')'}"

    def latex(self) -> str:
        r"""Written for a table: ``\left(-\infty, 1\right]``."""
        left, right = ("[" if self.closed_lower else "("), ("]" if self.closed_upper else ")")
        return rf"\left{left}{number_latex(self.lower)}, {number_latex(self.upper)}\right{right}"


def number_latex(x: float) -> str:
    r"""A number as a formula has it: ``\infty``, multiples of log 2 as such, six digits of the others.

    Parameters
    ----------
    x : float
        The number, not NaN.

    Returns
    -------
    str
        LaTeX without dollar signs.
    """
    if math.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    for factor, text in ((1, ""), (2, "2"), (0.5, r"\tfrac{1}{2}")):
        if x and math.isclose(abs(x), factor * math.log(2), rel_tol=4e-16):
            return ("-" if x < 0 else "") + text + r"\log 2"
    return f"{x:g}"
