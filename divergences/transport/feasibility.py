r"""Forbidden pairs: when no plan exists, and the proof of it.

By the theorem of maximum flow and minimum cut a plan on the allowed pairs exists if and only if no set S of sources holds
more mass than all targets N(S) that it may reach (Gale 1957; Hall 1935 for unit masses). The sources and targets that a
failed search for an augmenting path has reached are such a set, with integer masses an exact one.
"""

from fractions import Fraction
from typing import final

import numpy as np

from divergences.transport.exact import nearest
from divergences.transport.masses import Balanced
from divergences.transport.result import Floats, Indices, Integers, TransportError

__all__ = ["Blocked", "Infeasible", "infeasible"]

_SHOWN = 8  # numbers of points spelt out in the message
_ROUNDING = 1e-9  # relative excess that is called rounding, as with totals


@final
class Infeasible(TransportError):
    r"""No plan exists: some sources hold more mass than all targets that they are allowed to reach.

    Parameters
    ----------
    message : str
        What was found, and what to do.
    sources : ndarray of int
        A set S of sources.
    targets : ndarray of int
        N(S), all targets with mass to which some source of S may send.
    excess : Fraction
        Mass of S less mass of N(S), exact and positive.

    References
    ----------
    D. Gale (1957), A theorem on flows in networks, Pacific Journal of Mathematics 7(2).

    Examples
    --------
    >>> import divergences as dv
    >>> inf = float("inf")
    >>> try:
    ...     dv.emd([1, 1], [1, 1], [[0, inf], [1, inf]])
    ... except dv.Infeasible as error:
    ...     print(error.sources, error.targets, error.excess)
    [0 1] [0] 1
    """

    def __init__(self, message: str, sources: Indices, targets: Indices, excess: Fraction) -> None:
        """Keep the violated condition beside the message."""
        super().__init__(message)
        self.sources, self.targets, self.excess = sources, targets, excess

    def __reduce__(self) -> tuple[type["Infeasible"], tuple[str, Indices, Indices, Fraction]]:
        """All of it survives the way between processes."""
        return type(self), (str(self), self.sources, self.targets, self.excess)


@final
class Blocked(Exception):
    """A search for an augmenting path has ended at `sources`, with mass left over."""

    def __init__(self, sources: Indices) -> None:
        """Keep the sources that were reached."""
        super().__init__(sources)
        self.sources = sources


def infeasible(masses: Balanced, cost: Floats, sources: Indices) -> Infeasible:
    """The error that names the set `sources`, after its condition is evaluated in integers."""
    allowed = np.isfinite(cost[sources]).any(axis=0)
    targets = np.flatnonzero(allowed & (masses.target > 0))
    held, room = _mass(masses, masses.source[sources]), _mass(masses, masses.target[targets])
    excess = held - room
    if excess <= 0:  # the search is at fault, not the problem
        msg = f"expected the search to end at sources that hold more than their targets, got {held} and {room}"
        raise TransportError(msg)
    return Infeasible(_message(sources, targets, held, room), sources, targets, excess)


def _mass(masses: Balanced, q: Integers) -> Fraction:
    """Total of integer masses."""
    return int(q.sum()) * masses.unit


def _message(sources: Indices, targets: Indices, held: Fraction, room: Fraction) -> str:
    """The violated condition in words."""
    excess = held - room
    small = excess <= _ROUNDING * held
    fix = (
        "the difference is one of rounding: transport each group of points that may reach each other on its own, or pass "
        "integer masses, which balance exactly"
        if small
        else "allow one of these sources another target, or move mass from the sources to the others"
    )
    return (
        f"expected masses that the pairs of finite cost can carry, but the sources {_numbers(sources)} hold "
        f"{nearest(held)!r} and all the targets they may reach, {_numbers(targets)}, take {nearest(room)!r}, less by "
        f"{nearest(excess):.3g}; {fix}"
    )


def _numbers(k: Indices) -> str:
    """The first few numbers of a set."""
    first = ", ".join(map(str, k[:_SHOWN].tolist()))
    return f"[{first}, ... {len(k)} in all]" if len(k) > _SHOWN else f"[{first}]"
