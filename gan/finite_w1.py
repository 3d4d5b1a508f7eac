r"""Critics of W1 on finite pairs: one, or a stack of them, from the whole supports with exact weights.

What is trained is the objective of the constraint, $\mathbb E_P[f] + \mathbb E_Q[g]$ for the potentials (f, g) that it
makes of the critic's values; what is reported is what the critic proves on the supports, in double precision.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn

import divergences as dv
from gan.ascent import Schedule, TrainingError, adam
from gan.brackets import distance_error, kantorovich_bounds
from gan.budget import Budget
from gan.certificates import kantorovich_bound, lipschitz_on_support
from gan.envelopes import CTransformed
from gan.expectations import Discrete, Expectation, Floats, joint_support
from gan.lipschitz import CTransform, LipschitzConstraint, admissible
from gan.objectives import Objective
from gan.padding import atoms, padded, tensor
from gan.primal import BySize, ExactValue, UpperBound
from gan.result import Estimate, Kind, Record
from gan.stacks import Stack, stack

__all__ = ["distances", "diverged", "drawn", "numbers"]

STEPS = 1200
"""Steps that bring the default critic within about 1e-4 on a few hundred atoms."""

PAIRS = 2**20
"""Pairs of atoms that one step of the c-transform may look at, before it draws atoms of Q."""

FEWER = 8
"""How many looks of the history go by from one upper bound by a plan to the next."""

Pair = tuple[Discrete, Discrete]
Builder = Callable[[Tensor, Tensor], nn.Module]


def distances(
    pairs: Sequence[Pair],
    objective: Objective,
    build: Builder,
    rule: LipschitzConstraint,
    *,
    budget: Budget,
    upper: UpperBound,
    like: Tensor,
    generator: torch.Generator,
) -> list[Estimate]:
    """Train a critic for each pair under one constraint, all at once.

    Parameters
    ----------
    pairs : sequence of (Discrete, Discrete)
        The measures; for several, what is smaller is filled up with atoms of no weight.
    objective : Objective
        What is maximised.
    build : callable
        Makes the network for points (n, d) of P and (m, d) of Q.
    rule : LipschitzConstraint
        Keeps it Lipschitz.
    budget : Budget
        Length of the training.
    upper : UpperBound
        What stands above.
    like : Tensor
        Has the dtype and the device of the training.
    generator : torch.Generator
        Randomness of batches.

    Returns
    -------
    list of Estimate
        In the order of the pairs.
    """
    problem = _Problem.of(pairs, like)
    critics = stack([rule.attach(build(x, y), generator) for x, y in zip(problem.x, problem.y, strict=True)])
    training = _Training(
        problem, objective, rule, critics, budget, generator, upper, pairs, [_beforehand(upper, P, Q) for P, Q in pairs]
    )
    schedule = Schedule(budget, STEPS)
    history: list[list[Record]] = [[] for _ in pairs]

    def look(step: int) -> bool:
        return training.look(step, schedule.seconds(), history, budget.rtol)

    adam(
        critics.parameters(),
        training.loss,
        schedule=schedule,
        learning_rate=rule.learning_rate if budget.learning_rate is None else budget.learning_rate,
        look=look,
        looks=60 if len(pairs) == 1 and problem.cost.numel() <= PAIRS else 12,
        after=lambda: rule.project(critics),
    )
    seconds = schedule.seconds()
    critics.eval()  # a power iteration goes on, and changes the critic, as long as it is trained
    with torch.no_grad():
        raw = training.value().double().cpu().tolist()
    return [
        _measured(P, Q, critic, rule, value, records, seconds, upper, like)
        for (P, Q), critic, value, records in zip(pairs, critics.unstacked(), raw, history, strict=True)
    ]


@final
@dataclass(frozen=True)
class _Problem:
    """Atoms (E, n, d) and (E, m, d), their weights, and distances (E, n, m), as training sees them and as doubles."""

    x: Tensor
    y: Tensor
    wp: Tensor
    wq: Tensor
    cost: Tensor
    exact: tuple[Tensor, Tensor, Tensor]

    @cached_property
    def unit(self) -> Tensor:
        """A length (E,) that the objective is divided by in training: steps do not depend on the unit of the points."""
        largest = self.cost.amax((1, 2))
        return torch.where(largest > 0, largest, 1.0)

    @classmethod
    def of(cls, pairs: Sequence[Pair], like: Tensor) -> "_Problem":
        (xs, ps), (ys, qs) = (zip(*[atoms(pair[side]) for pair in pairs], strict=True) for side in (0, 1))
        double = like.new_zeros((), dtype=torch.float64)
        (x, wp), (y, wq) = padded(xs, ps, like=double), padded(ys, qs, like=double)
        cost = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
        dtype = like.dtype
        by_columns = cost.mT.contiguous().to(dtype).mT  # see CTransform.potentials
        return cls(x.to(dtype), y.to(dtype), wp.to(dtype), wq.to(dtype), by_columns, (cost, wp, wq))


@final
@dataclass(frozen=True)
class _Training:
    """The loss of a step, and the look at the whole support."""

    problem: _Problem
    objective: Objective
    rule: LipschitzConstraint
    critics: Stack
    budget: Budget
    generator: torch.Generator
    upper: UpperBound
    pairs: Sequence[Pair]
    uppers: list[float]

    def value(self) -> Tensor:
        """The objective of every critic (E,), on the whole supports."""
        at = self.problem
        f, g = self.rule.potentials(self.critics(at.x), self.critics(at.y), at.cost)
        return self.objective.value(Expectation(f, at.wp), Expectation(-g, at.wq))

    def loss(self) -> Tensor:
        """Minus the objective of a step, summed over the stack."""
        at = self.problem
        if self.rule.whole_support:
            return -(self._semidual() / at.unit).sum()
        most = max(self.problem.x.shape[1], self.problem.y.shape[1])
        batch = self.budget.batch or most
        # a penalty is a mean over pairs of points, which are drawn in any case
        x, y = (drawn(points, w, batch, self.generator) for points, w in ((at.x, at.wp), (at.y, at.wq)))
        penalty = self.rule.penalty(self.critics, x, y, self.generator)
        if self.budget.batch is None:
            return penalty - (self.value() / at.unit).sum()
        return penalty - (self.objective.value(_mean(self.critics(x)), _mean(self.critics(y))) / at.unit).sum()

    def _semidual(self) -> Tensor:
        """The objective with all atoms of P, which a c-transform needs, and of Q as many as the step may look at."""
        at = self.problem
        n, m = at.cost.shape[1:]
        batch = self.budget.batch or max(PAIRS // n, 64)
        tx = self.critics(at.x)
        if batch >= m:
            f, g = self.rule.potentials(tx, tx, at.cost)
            return self.objective.value(Expectation(f, at.wp), Expectation(-g, at.wq))
        index = torch.multinomial(at.wq, batch, replacement=True, generator=self.generator)
        f, g = self.rule.potentials(tx, tx, at.cost.mT.gather(1, index[..., None].expand(-1, -1, n)).mT)
        return self.objective.value(Expectation(f, at.wp), _mean(-g))

    def look(self, step: int, seconds: float, history: list[list[Record]], rtol: float) -> bool:
        """Add to the histories; whether all brackets are as narrow as was asked."""
        at = self.problem
        tx, ty = self.critics(at.x), self.critics(at.y)
        f, g = self.rule.potentials(tx, ty, at.cost)
        raw = self.objective.value(Expectation(f, at.wp), Expectation(-g, at.wq)).tolist()
        for number in raw:
            if not math.isfinite(number):
                when = f"after {step} steps"
                raise diverged(when, number)
        if rtol and (len(history[0]) % FEWER == FEWER - 1):
            self._lower_uppers(f.double().cpu().numpy(), g.double().cpu().numpy())
        lower = kantorovich_bounds(f, -g, *at.exact, error=distance_error(at.x.shape[2])).tolist()
        for records, number, low, high in zip(history, raw, lower, self.uppers, strict=True):
            records.append(Record(step, seconds, number, low, high))
        return all(high - low <= rtol * high for low, high in zip(lower, self.uppers, strict=True))

    def _lower_uppers(self, f: Floats, g: Floats) -> None:
        """Ask for upper bounds that need potentials, for pairs that have not been solved beforehand."""
        for k, (P, Q) in enumerate(self.pairs):
            if _exact(self.upper, P, Q) is None:
                potentials = []
                for measure, values in ((P, f[k]), (Q, g[k])):
                    held = np.flatnonzero(measure.weights)
                    potentials.append(np.zeros(measure.size))
                    potentials[-1][held] = values[: len(held)]
                self.uppers[k] = min(self.uppers[k], self.upper.of_points(P, Q, *potentials))


def _exact(upper: UpperBound, P: Discrete, Q: Discrete) -> ExactValue | None:
    """The rule if it solves this pair exactly, and so needs no critic."""
    rule = upper.small if isinstance(upper, BySize) and P.size * Q.size <= upper.limit else upper
    return rule if isinstance(rule, ExactValue) else None


def _beforehand(upper: UpperBound, P: Discrete, Q: Discrete) -> float:
    """The upper bound if it needs no critic, ``inf`` until there is one."""
    exact = _exact(upper, P, Q)
    return math.inf if exact is None else exact.of_points(P, Q, np.zeros(P.size), np.zeros(Q.size))


def diverged(when: str, value: float = math.nan) -> TrainingError:
    """The error of a training that left the finite numbers."""
    return TrainingError(f"expected finite critic values {when}, got {value}; lower budget.learning_rate")


def _measured(
    P: Discrete,
    Q: Discrete,
    critic: nn.Module,
    rule: LipschitzConstraint,
    raw: float,
    records: list[Record],
    seconds: float,
    upper: UpperBound,
    like: Tensor,
) -> Estimate:
    """What the trained critic proves on the supports."""
    critic = _completed(critic, P, Q, like) if isinstance(rule, CTransform) else critic
    joint = joint_support(P, Q)  # each atom is seen once: the last digit depends on the batch it is seen in
    t = numbers(critic, joint.points, like)
    tx, ty = t[joint.of_p], t[joint.of_q]
    proven = rule.bound(critic)
    lower = kantorovich_bound(P, Q, tx, ty)
    above = upper.of_points(P, Q, tx, -ty)
    return Estimate(
        bounds=dv.Bounds(lower, lower, above),
        level=1.0,
        kind=Kind.CERTIFIED,
        standard_error=0.0,
        raw=raw,
        raw_kind=Kind.CERTIFIED if admissible(proven, like) else Kind.ESTIMATE,
        critic=critic,
        lipschitz=lipschitz_on_support(P, Q, tx, ty),
        lipschitz_bound=proven,
        history=tuple(records),
        device=str(like.device),
        seconds=seconds,
    )


def _completed(network: nn.Module, P: Discrete, Q: Discrete, like: Tensor) -> CTransformed:
    """The 1-Lipschitz function that the values of a free network on the atoms of P stand for."""
    (x, _), (y, _) = atoms(P), atoms(Q)
    f = numbers(network, x, like)
    g = np.concatenate([(cdist(part, x) - f).min(1) for part in np.array_split(y, max(1, len(x) * len(y) // 2**24))])
    return CTransformed(network, tensor(y, like), tensor(-g, like)).eval()


def numbers(network: nn.Module, points: Floats, like: Tensor) -> Floats:
    """Critic values on points, as doubles."""
    with torch.no_grad():
        values: Floats = network(tensor(points, like)).double().cpu().numpy()
    if not np.isfinite(values).all():
        when = "after training"
        raise diverged(when)
    return values


def _mean(values: Tensor) -> Expectation:
    return Expectation(values, torch.full_like(values, 1 / values.shape[-1]))


def drawn(points: Tensor, weights: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """A batch of points, independent draws by their weights.

    Parameters
    ----------
    points : Tensor (E, n, d)
        The atoms of each measure.
    weights : Tensor (E, n)
        Their weights, of any positive mass.
    batch : int
        How many.
    generator : torch.Generator
        Randomness of the draws.

    Returns
    -------
    Tensor (E, batch, d)
        The points.
    """
    index = torch.multinomial(weights, batch, replacement=True, generator=generator)
    return points.gather(1, index[..., None].expand(-1, -1, points.shape[2]))
