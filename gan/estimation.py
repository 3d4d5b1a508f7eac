r"""`estimate`: train a critic, and say what it proves.

The number a critic reports means little by itself. Here it comes between two that are proven: what the trained critic
shows to be a lower bound (its values on the supports, made feasible, in exact arithmetic), and the exact value of the
linear program or the divergence from above.
"""

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn

import divergences as dv
from gan.ascent import Clock, Record, TrainingError, adam, lbfgs
from gan.certificates import fenchel_bound, kantorovich_bound, lipschitz_on_support
from gan.critics import Architecture, FourierMLP
from gan.expectations import Discrete, Expectation, Floats, at_least, joint_support
from gan.lipschitz import CTransform, LipschitzConstraint
from gan.objectives import Objective, Variational, Wasserstein, variational, wasserstein

__all__ = ["Budget", "Estimate", "estimate"]

LEARNING_RATE = 1e-2
"""First step size of Adam for a log-ratio, a number without units."""

Rng = int | np.random.Generator | np.random.SeedSequence | None


@final
@dataclass(frozen=True)
class Budget:
    """How long a critic is trained.

    Parameters
    ----------
    steps : int
        Steps of Adam, its step size falling to 0 along a cosine.
    batch : int or None
        Points of either side per step, drawn by their weights; None for all atoms with exact weights.
    polish : int
        Iterations of L-BFGS on the whole support afterwards; for f-divergences only, whose objective is smooth.
    learning_rate : float or None
        First step size of Adam; None for that of the constraint.
    """

    steps: int = 600
    batch: int | None = None
    polish: int = 200
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        """Refuse lengths that train nothing."""
        at_least(1, steps=self.steps, batch=self.batch)
        at_least(0, polish=self.polish, learning_rate=self.learning_rate)


@final
@dataclass(frozen=True, eq=False)
class Estimate:
    """A trained critic and what it proves.

    Parameters
    ----------
    bounds : divergences.Bounds
        Lower: proven by the critic. Upper: the exact value, from the optimal plan or the divergence itself. The value is
        the lower bound, the best that the critic shows.
    raw : float
        The objective as the critic reports it, an estimate without a sign: penalties overshoot, clipping rescales.
    critic : torch.nn.Module
        The trained critic, (n, d) -> (n,).
    lipschitz : float
        Its largest slope from an atom of P to an atom of Q, measured; NaN where no constant is asked for.
    lipschitz_bound : float
        A proven Lipschitz constant on the whole space, ``inf`` if none is known.
    history : tuple of Record
        The objective during training.
    device : str
        Where it was trained.
    seconds : float
        Time of the training, without the exact value.
    """

    bounds: dv.Bounds
    raw: float
    critic: nn.Module = field(repr=False)
    lipschitz: float
    lipschitz_bound: float
    history: tuple[Record, ...] = field(repr=False)
    device: str
    seconds: float

    @property
    def value(self) -> float:
        """The best number that the critic proves."""
        return self.bounds.value

    @property
    def lower(self) -> float:
        """The proven lower bound."""
        return self.bounds.lower

    @property
    def upper(self) -> float:
        """The exact value from above."""
        return self.bounds.upper


def estimate(
    P: Discrete,
    Q: Discrete,
    objective: Objective = wasserstein,
    *,
    critic: Architecture | None = None,
    constraint: LipschitzConstraint | None = None,
    budget: Budget | None = None,
    rng: Rng = 0,
    device: str | torch.device = "auto",
    dtype: torch.dtype | None = None,
) -> Estimate:
    r"""Estimate a divergence by training a critic, between a proven lower bound and the exact value.

    Parameters
    ----------
    P, Q : Discrete
        Two finite measures on one space.
    objective : Objective
        `gan.wasserstein`, or `gan.variational(f)` for an f-divergence f.
    critic : Architecture, optional
        The network: that of the constraint, or a Fourier network for f-divergences, if not given.
    constraint : LipschitzConstraint, optional
        What keeps a Wasserstein critic Lipschitz; the c-transform if not given. Not used by f-divergences.
    budget : Budget, optional
        Length of the training.
    rng : int, numpy Generator, SeedSequence or None
        Randomness of weights and batches; the same number gives the same estimate on the same machine.
    device : str or torch.device
        "cpu", "cuda", or "auto": the GPU if there is one.
    dtype : torch.dtype, optional
        Precision of the training, double by default; certificates are always double.

    Returns
    -------
    Estimate
        The critic, its raw estimate, and bounds that are proven.

    Raises
    ------
    TypeError
        If P or Q is not a `Discrete`, or a constraint is given for an f-divergence.
    ValueError
        If P and Q have points of different dimensions.
    TrainingError
        If the critic becomes NaN or infinite.

    Examples
    --------
    >>> import gan
    >>> lines = gan.parallel_lines(0.5, size=20)
    >>> estimate = gan.estimate(lines.P, lines.Q, budget=gan.Budget(steps=100))
    >>> 0.49 < estimate.lower <= 0.5 <= estimate.upper
    True
    """
    _kinds(objective, critic, constraint, budget)
    _check(P, Q, objective, constraint)
    like = torch.zeros((), dtype=_precision(dtype), device=_device(device))
    generator = torch.Generator(like.device).manual_seed(int(np.random.default_rng(rng).integers(2**62)))
    if isinstance(objective, Variational):
        return _estimate_divergence(P, Q, objective, critic or FourierMLP(), budget or Budget(), like, generator)
    rule = constraint or CTransform()
    return _estimate_distance(P, Q, objective, critic or rule.architecture, rule, budget or Budget(), like, generator)


def _measure(name: str, x: object) -> Discrete:
    """The measure, or a reason why it is none."""
    if isinstance(x, Discrete):
        return x
    msg = (
        f"expected {name} to be a gan.Discrete, got {type(x).__name__}; "
        "gan.Discrete(samples) is the empirical distribution of an array of samples"
    )
    raise TypeError(msg)


def _check(P: Discrete, Q: Discrete, objective: Objective, constraint: LipschitzConstraint | None) -> None:
    if _measure("P", P).dimension != _measure("Q", Q).dimension:
        msg = f"expected points of one dimension, got {P.dimension} for P and {Q.dimension} for Q"
        raise ValueError(msg)
    if constraint is not None and not isinstance(objective, Wasserstein):
        msg = f"expected no Lipschitz constraint for {objective}, got {constraint}; only gan.wasserstein has one"
        raise TypeError(msg)


def _kinds(objective: object, critic: object, constraint: object, budget: object) -> None:
    """Refuse what is not of the kind that it stands for, with the usual slip named."""
    hints = {
        "objective": (objective, Objective, "gan.wasserstein, or gan.variational(f) for an f-divergence f"),
        "critic": (critic, Architecture, "a value as gan.MLP(width=64); its network is built for the points"),
        "constraint": (constraint, LipschitzConstraint, "a value as gan.Orthogonal(), with the brackets"),
        "budget": (budget, Budget, "gan.Budget(steps=600)"),
    }
    for name, (value, kind, hint) in hints.items():
        if value is not None and not isinstance(value, kind):
            msg = f"expected {name} to be {hint}; got {value!r}"
            raise TypeError(msg)


def _device(device: str | torch.device) -> torch.device:
    """Where to train; "auto" is the GPU if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros((), device=device).device
    except (RuntimeError, AssertionError) as error:
        msg = f"expected device to be 'auto', 'cpu' or another that torch finds here, got {device!r}: {error}"
        raise ValueError(msg) from error


def _precision(dtype: torch.dtype | None) -> torch.dtype:
    if dtype in (None, torch.float64):
        return torch.float64
    if dtype == torch.float32:
        return torch.float32
    msg = f"expected dtype to be torch.float64 or torch.float32, got {dtype}; smaller floats lose the critic's slopes"
    raise ValueError(msg)


def _estimate_divergence(
    P: Discrete,
    Q: Discrete,
    objective: Variational,
    architecture: Architecture,
    budget: Budget,
    like: Tensor,
    generator: torch.Generator,
) -> Estimate:
    """All on the joint support, on which both measures are weights."""
    joint = joint_support(P, Q)
    x, wp, wq = (_tensor(a, like) for a in (joint.points, joint.p / joint.p.sum(), joint.q / joint.q.sum()))
    network = architecture.build(x, x, generator, unit=1.0)
    logistic, smooth = variational(dv.js), objective.trained_as

    def value(goal: Variational) -> Tensor:
        v = network(x)
        return goal.value(Expectation(v, wp), Expectation(v, wq))

    clock = Clock()
    adam(
        network,
        lambda: -value(logistic),  # every f has its optimum at the same log-ratio; JS has the mildest gradients
        steps=budget.steps,
        learning_rate=LEARNING_RATE if budget.learning_rate is None else budget.learning_rate,
        look=lambda: float(value(objective)),
        clock=clock,
    )
    if budget.polish:
        lbfgs(network, lambda: -value(smooth), iterations=budget.polish)
        with torch.no_grad():
            clock.note(budget.steps + budget.polish, float(value(objective)))
    seconds = clock.seconds()
    log_ratio = _numbers(network.eval(), joint.points, like)
    bounds = _bracket(fenchel_bound(objective.f, P, Q, log_ratio), objective.exact(P, Q))
    raw = clock.records[-1].raw
    return Estimate(bounds, raw, network, math.nan, math.inf, tuple(clock.records), str(like.device), seconds)


def _estimate_distance(
    P: Discrete,
    Q: Discrete,
    objective: Objective,
    architecture: Architecture,
    rule: LipschitzConstraint,
    budget: Budget,
    like: Tensor,
    generator: torch.Generator,
) -> Estimate:
    """The primal-dual pair (f, g) that the constraint makes of the critic's values on both supports."""
    x, y, wp, wq, cost = (
        _tensor(a, like) for a in (P.points, Q.points, P.weights, Q.weights, cdist(P.points, Q.points))
    )
    network = rule.attach(architecture.build(x, y, generator, unit=None), generator)
    whole, most = budget.batch is None or rule.whole_support, max(P.size, Q.size)

    def value() -> Tensor:
        f, g = rule.potentials(network(x), network(y), cost)
        return objective.value(Expectation(f, wp), Expectation(-g, wq))

    def loss() -> Tensor:
        bx, by = (_drawn(points, w, budget.batch or most, generator) for points, w in ((x, wp), (y, wq)))
        if whole:  # a penalty is a mean over pairs of points, which are drawn in any case
            return rule.penalty(network, bx, by, generator) - value()
        return rule.penalty(network, bx, by, generator) - objective.value(_mean(network(bx)), _mean(network(by)))

    clock = Clock()
    adam(
        network,
        loss,
        steps=budget.steps,
        learning_rate=rule.learning_rate if budget.learning_rate is None else budget.learning_rate,
        look=lambda: float(value()),
        clock=clock,
        after=lambda: rule.project(network),
    )
    seconds = clock.seconds()
    network.eval()  # a power iteration goes on, and changes the critic, as long as it is trained
    with torch.no_grad():
        raw = float(value())
    joint = joint_support(P, Q)  # each atom is seen once: the last digit depends on the batch it is seen in
    t = _numbers(network, joint.points, like)
    tx, ty = t[joint.of_p], t[joint.of_q]
    bounds = _bracket(kantorovich_bound(P, Q, tx, ty), objective.exact(P, Q))
    measured, proven = lipschitz_on_support(P, Q, tx, ty), rule.bound(network)
    return Estimate(bounds, raw, network, measured, proven, tuple(clock.records), str(like.device), seconds)


def _bracket(lower: float, exact: dv.Bounds) -> dv.Bounds:
    """The critic's bound below, the exact value above; they contradict each other only if one of them is wrong."""
    return dv.Bounds(lower, lower, exact.upper)


def _mean(values: Tensor) -> Expectation:
    return Expectation(values, torch.full_like(values, 1 / len(values)))


def _drawn(points: Tensor, weights: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """A batch of points, independent draws by their weights."""
    return points[torch.multinomial(weights, batch, replacement=True, generator=generator)]


def _tensor(array: Floats, like: Tensor) -> Tensor:
    """A copy of an array in the precision and on the device of the training."""
    return torch.tensor(array, dtype=like.dtype, device=like.device)


def _numbers(network: nn.Module, points: Floats, like: Tensor) -> Floats:
    """Critic values on points, in double precision on the CPU."""
    with torch.no_grad():
        values: Floats = network(_tensor(points, like)).double().cpu().numpy()
    if not np.isfinite(values).all():
        msg = "expected finite critic values after training, got NaN or infinity; lower budget.learning_rate"
        raise TrainingError(msg)
    return values
