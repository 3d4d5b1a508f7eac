r"""The certificate that every number of the library can carry: ``lower <= value <= upper``."""

import math
from dataclasses import dataclass
from typing import Self, final

__all__ = ["Bounds"]


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    r"""A number enclosed by proven bounds, $\ell \le x \le u$.

    Parameters
    ----------
    lower : float
        A proven lower bound, ``-inf`` if none is known.
    value : float
        The best single number, inside the bounds.
    upper : float
        A proven upper bound, ``inf`` if none is known.

    Raises
    ------
    ValueError
        If a number is NaN or the three are not in order: a certificate that contradicts itself is never made.

    Examples
    --------
    >>> from divergences import Bounds
    >>> b = Bounds(6.5, 7.0, 7.25)
    >>> b.gap
    0.75
    >>> b.contains(7)
    True
    >>> b & Bounds(6.75, 7.0, 9.0)
    Bounds(lower=6.75, value=7.0, upper=7.25)
    """

    lower: float
    value: float
    upper: float

    def __post_init__(self) -> None:
        """Refuse bounds out of order."""
        if not self.lower <= self.value <= self.upper:
            msg = (
                f"expected lower <= value <= upper, got {self.lower!r}, {self.value!r}, {self.upper!r}; "
                "two certificates that exclude each other mean that one of them was not a proof"
            )
            raise ValueError(msg)

    @classmethod
    def exact(cls, value: float) -> Self:
        """Bounds of a number that is known exactly."""
        return cls(value, value, value)

    @property
    def gap(self) -> float:
        """Width ``upper - lower``; 0 where both are the same infinity."""
        return 0.0 if self.lower == self.upper else self.upper - self.lower

    @property
    def relative_gap(self) -> float:
        """Width over magnitude, ``gap / |value|``; 0 for a width of 0, ``inf`` for a positive width around 0."""
        if self.gap in (0.0, math.inf):
            return self.gap
        return self.gap / abs(self.value) if self.value else math.inf

    def contains(self, x: float) -> bool:
        """Whether ``lower <= x <= upper``."""
        return self.lower <= x <= self.upper

    def __and__(self, other: Self) -> Self:
        """Intersection of two certificates of one number, around this one's value moved into it if need be."""
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        if lower > upper:
            msg = f"expected certificates of one number to overlap, got {self} and {other}"
            raise ValueError(msg)
        return type(self)(lower, min(max(self.value, lower), upper), upper)
