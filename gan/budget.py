"""How long critics are trained, and what stops them."""

from dataclasses import dataclass
from typing import final

from gan.expectations import at_least

__all__ = ["Budget"]


@final
@dataclass(frozen=True)
class Budget:
    """How long a critic is trained: until its steps, its seconds or its tolerance are reached, whichever is first.

    Parameters
    ----------
    steps : int or None
        Steps of Adam, its step size falling to 0 along a cosine; None for a number that suits the problem, or for no
        limit where `seconds` are given. On samples those of the critic of W1 that is reported, a quarter of them its
        trial, which the others get as well.
    seconds : float or None
        Time on the clock. The schedule then follows the clock, so that results differ a little from run to run.
    rtol : float
        Stop as soon as the bracket is this narrow: upper - lower <= rtol * upper. Finite measures only.
    batch : int or None
        Points of either side per step, drawn by their weights; None for all atoms with exact weights, or for a number of
        samples that suits the problem.
    polish : int
        Iterations of L-BFGS on the whole support afterwards; for f-divergences of finite measures only, whose objective
        is smooth.
    learning_rate : float or None
        First step size of Adam; None for that of the constraint.
    samples : tuple of int
        Where distributions are only seen through samples: how many points are for training, for choosing among critics,
        and for measuring. An array of samples is divided in these proportions.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> estimate = gan.estimate(P, Q, budget=gan.Budget(steps=20))
    >>> estimate.history[-1].step <= 20
    True
    """

    steps: int | None = None
    seconds: float | None = None
    rtol: float = 0.0
    batch: int | None = None
    polish: int = 200
    learning_rate: float | None = None
    samples: tuple[int, int, int] = (120_000, 20_000, 60_000)

    def __post_init__(self) -> None:
        """Refuse lengths that train nothing."""
        at_least(1, steps=self.steps, batch=self.batch)
        at_least(0, seconds=self.seconds, polish=self.polish, learning_rate=self.learning_rate, rtol=self.rtol)
        counts = {"steps": self.steps, "batch": self.batch, "polish": self.polish}
        counts |= {f"samples[{k}]": count for k, count in enumerate(self.samples)}
        for name, count in counts.items():
            given: object = count
            if given is not None and not isinstance(given, int):
                msg = f"expected {name} to be a whole number, got {given!r}"
                raise TypeError(msg)
        sizes: tuple[int, ...] = self.samples
        if len(sizes) != 3 or min(sizes) < 2:
            msg = f"expected samples to be three numbers of at least 2 points (train, choose, measure), got {self.samples!r}"
            raise ValueError(msg)
