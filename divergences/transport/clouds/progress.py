"""What a long solution tells while it runs, and how it may end without the optimum."""

from dataclasses import dataclass
from typing import Any, final

from divergences.bounds import Bounds
from divergences.transport.result import Transport, TransportError

__all__ = ["Interrupted", "Progress", "Stalled"]


@final
@dataclass(frozen=True)
class Progress:
    """One step of the search.

    Parameters
    ----------
    level : int
        Level of the hierarchy, from 1 to `levels`; the last one holds the points themselves.
    levels : int
        Number of levels.
    points : tuple of int
        Points, or cells of points, on either side of this level.
    stage : str
        ``"pool"`` while only candidate pairs are priced, ``"rough"`` and ``"all"`` while all pairs are, in single and in
        double precision.
    arcs : int
        Pairs that the program was solved on.
    cost : float
        Cost of the plan on this level per unit of mass.
    violated : int
        Pairs of negative reduced cost that were found.
    seconds : float
        Since the start.
    """

    level: int
    levels: int
    points: tuple[int, int]
    stage: str
    arcs: int
    cost: float
    violated: int
    seconds: float


@final
class Stalled(TransportError):
    """The search does not get on, or not to a narrow answer; `answer` is a wide one where there is any."""

    def __init__(self, text: str, answer: Transport | None = None) -> None:
        super().__init__(text)
        self.answer = answer


@final
class Interrupted(TransportError):
    """The search was interrupted; `bounds` are proven bounds of the value, from the best plan and potentials so far."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(
            f"expected to end at the optimum, but was interrupted; so far {bounds.lower!r} <= value <= {bounds.upper!r} is "
            "proven (the attribute bounds of this error)"
        )
        self.bounds = bounds

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what it was made of."""
        return type(self), (self.bounds,)
