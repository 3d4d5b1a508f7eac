"""What an estimate is: a critic, the numbers it shows, and of what kind each of them is."""

import enum
from dataclasses import dataclass, field
from typing import final

from torch import nn

import divergences as dv

__all__ = ["Estimate", "Kind", "Record"]


@final
class Kind(enum.Enum):
    """How much a reported number may be trusted.

    Examples
    --------
    >>> import gan
    >>> gan.Kind("expected")
    <Kind.EXPECTED: 'expected'>
    >>> [kind.value for kind in gan.Kind]
    ['certified', 'expected', 'estimate']
    """

    CERTIFIED = "certified"
    """Computed on the whole support of finite measures by an admissible critic: below the supremum, a raw number up to the
    rounding of the precision that the critic was trained in, bounds without exception."""

    EXPECTED = "expected"
    """Mean of an admissible critic over samples that training has not seen: below the supremum in expectation."""

    ESTIMATE = "estimate"
    """Of a critic that nothing proves to be admissible (penalised, clipped, unconverged): on either side of the truth."""


@final
@dataclass(frozen=True)
class Record:
    """One point of the history of a training.

    Parameters
    ----------
    step : int
        Steps done.
    seconds : float
        Since the start.
    raw : float
        The objective, as the critic reports it.
    lower, upper : float
        The bracket at that time; ``-inf`` and ``inf`` where none is computed.

    Examples
    --------
    >>> import gan
    >>> table = gan.worked_table()
    >>> estimate = gan.estimate(table.P, table.Q, budget=gan.Budget(steps=50))
    >>> last = estimate.history[-1]
    >>> last.step, last.lower <= 7.0 <= last.upper
    (50, True)
    """

    step: int
    seconds: float
    raw: float
    lower: float
    upper: float


@final
@dataclass(frozen=True, eq=False)
class Estimate:
    """A trained critic and what it proves.

    Parameters
    ----------
    bounds : divergences.Bounds
        The bracket and the best point estimate in it. Of finite measures both sides are proven: the lower by the critic,
        the upper by the exact value or a feasible plan. Of samples the lower holds for the distributions that they come
        from, with probability `level` whatever these are (unless `gan.CentralLimit` was asked for). No upper bound can do
        that, since samples do not show rare mass far away: of W1 it is an approximation by Student's t (`plug_in_upper`),
        of f-divergences the end of their range. The value is brought between the two.
    level : float
        1 for finite measures, else the probability of the lower bound.
    kind : Kind
        Of what kind the value in `bounds` is.
    standard_error : float
        Of the value; 0 for finite measures.
    raw : float
        The objective as the critic reports it, without a sign: penalties overshoot, clipping of weights rescales.
    raw_kind : Kind
        Of what kind `raw` is.
    critic : torch.nn.Module
        The trained critic, (n, d) -> (n,).
    lipschitz : float
        Its largest slope from an atom of P to an atom of Q, measured; NaN where no constant is asked for or no finite
        support is there to measure on.
    lipschitz_bound : float
        A proven Lipschitz constant on the whole space, ``inf`` if none is known.
    history : tuple of Record
        The objective and the bracket during training.
    device : str
        Where it was trained.
    seconds : float
        Time of the training, without the exact value.

    Examples
    --------
    >>> import gan
    >>> table = gan.worked_table()
    >>> estimate = gan.estimate(table.P, table.Q, budget=gan.Budget(steps=50))
    >>> estimate.lower <= 7.0 <= estimate.upper, estimate.level, estimate.kind.value
    (True, 1.0, 'certified')
    """

    bounds: dv.Bounds
    level: float
    kind: Kind
    standard_error: float
    raw: float
    raw_kind: Kind
    critic: nn.Module = field(repr=False)
    lipschitz: float
    lipschitz_bound: float
    history: tuple[Record, ...] = field(repr=False)
    device: str
    seconds: float

    @property
    def value(self) -> float:
        """The best point estimate."""
        return self.bounds.value

    @property
    def lower(self) -> float:
        """The lower bound."""
        return self.bounds.lower

    @property
    def upper(self) -> float:
        """The upper bound."""
        return self.bounds.upper
