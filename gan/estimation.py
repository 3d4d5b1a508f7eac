r"""`estimate` and `estimate_many`: train critics, and say what they prove.

The number a critic reports means little by itself. Here it comes between two that are proven: on finite measures what
the trained critic shows on the supports, in exact arithmetic, and the exact value or a feasible plan above; on samples
confidence bounds of the population's divergence from points that training has not seen.
"""

import copy
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from divergences import js
from gan.budget import Budget
from gan.confidence import Betting, Confidence
from gan.critics import Architecture, FourierMLP
from gan.expectations import Discrete
from gan.finite_w1 import distances
from gan.held_out import Samples
from gan.known import KnownProblem
from gan.known_ratios import KnownDivergence
from gan.lipschitz import PORTFOLIO, CTransform, LipschitzConstraint
from gan.objectives import FenchelObjective, Objective, Wasserstein, variational, wasserstein
from gan.primal import UpperBound, default_upper
from gan.problems import Problem
from gan.ratios import FiniteRatio, finite_ratios
from gan.result import Estimate
from gan.sampled_ratio import SampledRatio, sampled_ratio
from gan.sampled_w1 import sampled_distance
from gan.sources import Sampler, Source, sampler, stock

__all__ = ["estimate", "estimate_many", "log_ratio"]

Rng = int | np.random.Generator | np.random.SeedSequence | None
Record = Problem | KnownProblem | KnownDivergence
Measure = Discrete | Sampler | Distribution | npt.ArrayLike
Constraints = LipschitzConstraint | Sequence[LipschitzConstraint]

COARSE = 1e-3
"""Spread of points over their largest coordinate, below which single precision has fewer than four digits of them."""

SAMPLED_RATE = 2e-3
"""First step size of Adam for a log-ratio from batches of samples."""


def estimate(
    P: Measure | Record,
    Q: Measure | None = None,
    objective: Objective = wasserstein,
    *,
    critic: Architecture | nn.Module | None = None,
    constraint: Constraints | None = None,
    budget: Budget | None = None,
    upper: UpperBound | None = None,
    confidence: Confidence | None = None,
    rng: Rng = 0,
    device: str | torch.device = "auto",
    dtype: torch.dtype | None = None,
) -> Estimate:
    r"""Estimate a divergence by training a critic, and bracket it.

    Of two finite measures both sides of the bracket are proven. Otherwise both measures are sampled: part of the points
    train, part choose, part measure, and the lower bound holds for the populations with the probability of `confidence`.

    Parameters
    ----------
    P, Q : Discrete, array_like (n, d), torch.distributions.Distribution, or Sampler
        Two measures on one space: finite ones, samples, or distributions that can be sampled. Or a single problem of
        `gan.problems`, which holds both.
    objective : Objective
        `gan.wasserstein`, or an objective of an f-divergence f, as `gan.variational(f)`.
    critic : Architecture or torch.nn.Module, optional
        The network: that of the constraint, or a Fourier network for f-divergences, if not given. A module is copied and
        trained on, for example the critic of a previous estimate.
    constraint : LipschitzConstraint or sequence of them, optional
        What keeps a Wasserstein critic Lipschitz; of several the best is reported. If not given, the c-transform on
        finite measures, and `gan.PORTFOLIO` on samples. Not used by f-divergences.
    budget : Budget, optional
        Length of the training.
    upper : UpperBound, optional
        What stands above W1 of finite measures; if not given, the exact value unless it is too large to compute.
    confidence : Confidence, optional
        Kind and level of the bound from samples, `gan.Betting(0.95)` if not given.
    rng : int, numpy Generator, SeedSequence or None
        Randomness of weights, batches and samples; the same number gives the same estimate on the same machine, unless
        the budget is in seconds.
    device : str or torch.device
        "cpu", "cuda", or "auto": the GPU if there is one.
    dtype : torch.dtype, optional
        Precision of the training: by default double on finite measures, single on samples, unless these are too far from
        the origin for it. Certificates are double.

    Returns
    -------
    Estimate
        The critic, its raw estimate, and the bracket.

    Raises
    ------
    TypeError
        If P or Q is no measure, or a constraint is given for an f-divergence.
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
    p, q = _measures(P, Q)
    _kinds(objective, critic, constraint, budget, upper, confidence)
    if isinstance(objective, FenchelObjective):
        _no_constraint(objective, constraint)
        _no_upper(f"{objective}, whose upper bound is the divergence itself or the end of its range", upper)
        ratio = _ratio(p, q, objective, critic, budget, confidence, rng, device, dtype)
        return ratio.estimate(objective)
    plan = budget or Budget()
    if isinstance(p, Discrete) and isinstance(q, Discrete):
        _no_confidence(confidence)
        like, generator = _training(rng, device, dtype, torch.float64)
        chosen = _rules(constraint, (CTransform(),))
        found = [
            distances([(p, q)], objective, network_of(critic or rule.architecture, generator), rule,
                      budget=plan, upper=upper or default_upper, like=like, generator=generator)[0]
            for rule in chosen
        ]  # fmt: skip
        return max(found, key=lambda one: one.lower)
    _no_upper("samples, whose upper bound is that of gan.plug_in_upper", upper)
    like, generator = _training(rng, device, dtype, _fine_enough(p, q))
    samples = Samples.of(_source(p), _source(q), plan.samples, like, generator)
    rules = _rules(constraint, PORTFOLIO)
    _refuse_whole_support(rules)
    contestants = [(network_of(critic or rule.architecture, generator), rule) for rule in rules]
    return sampled_distance(samples, objective, contestants, budget=plan, confidence=confidence or Betting())


def log_ratio(
    P: Measure | Record,
    Q: Measure | None = None,
    *,
    critic: Architecture | nn.Module | None = None,
    budget: Budget | None = None,
    confidence: Confidence | None = None,
    rng: Rng = 0,
    device: str | torch.device = "auto",
    dtype: torch.dtype | None = None,
) -> FiniteRatio | SampledRatio:
    r"""Train one critic for all f-divergences: the log-ratio $\log dP/dQ$, by the logistic loss.

    Parameters
    ----------
    P, Q : Discrete, array_like (n, d), torch.distributions.Distribution, or Sampler
        As for `estimate`.
    critic : Architecture or torch.nn.Module, optional
        The network, a Fourier network if not given.
    budget : Budget, optional
        Length of the training.
    confidence : Confidence, optional
        Kind and level of bounds from samples.
    rng, device, dtype
        As for `estimate`.

    Returns
    -------
    FiniteRatio or SampledRatio
        Its method `estimate(f)` reads any divergence off the critic: an `Estimate` of finite measures, or of samples.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> P, Q = gan.Discrete([0, 1, 2], [0.5, 0.3, 0.2]), gan.Discrete([0, 1, 2], [0.2, 0.3, 0.5])
    >>> ratio = gan.log_ratio(P, Q, budget=gan.Budget(steps=100))
    >>> kl, js = ratio.estimate(dv.kl), ratio.estimate(dv.js)
    >>> 0.27 < kl.lower <= dv.kl([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]) <= kl.upper
    True
    """
    p, q = _measures(P, Q)
    _kinds(variational(js), critic, None, budget, None, confidence)
    return _ratio(p, q, variational(js), critic, budget, confidence, rng, device, dtype)


def estimate_many(
    pairs: Iterable[tuple[Discrete, Discrete] | Problem],
    objective: Objective = wasserstein,
    *,
    critic: Architecture | None = None,
    constraint: LipschitzConstraint | None = None,
    budget: Budget | None = None,
    upper: UpperBound | None = None,
    rng: Rng = 0,
    device: str | torch.device = "auto",
    dtype: torch.dtype | None = None,
) -> list[Estimate]:
    r"""Estimate a divergence of many finite pairs, their critics trained as one stack.

    As `estimate` for each pair, and as sound, but small critics cost little more together than one of them alone.

    Parameters
    ----------
    pairs : iterable of (Discrete, Discrete) or Problem
        Finite measures in one dimension of space; of any sizes, but time is that of the largest.
    objective : Objective
        As for `estimate`.
    critic : Architecture, optional
        The network of each; if not given a smaller one than that of `estimate`, 32 units wide.
    constraint : LipschitzConstraint, optional
        As for `estimate`.
    budget : Budget, optional
        Length of the training of all.
    upper : UpperBound, optional
        As for `estimate`.
    rng, device : optional
        As for `estimate`.
    dtype : torch.dtype, optional
        Precision of the training, single by default, which is enough for brackets of 1e-4.

    Returns
    -------
    list of Estimate
        In the order of the pairs; `seconds` and steps are those of the whole stack.

    Examples
    --------
    >>> import gan
    >>> problems = [gan.parallel_lines(theta, size=10) for theta in (0.25, 0.5, 1.0)]
    >>> [round(e.value, 2) for e in gan.estimate_many(problems, budget=gan.Budget(steps=200))]
    [0.25, 0.5, 1.0]
    """
    given: tuple[object, object] = pairs, constraint
    if isinstance(given[0], Problem):
        msg = "expected several pairs, got one problem; gan.estimate takes one, or put it in a list"
        raise TypeError(msg)
    found = [_finite(pair) for pair in pairs]
    if not found:
        return []
    if len({measure.dimension for pair in found for measure in pair}) > 1:
        msg = "expected all pairs in one dimension of space; group them by dimension"
        raise ValueError(msg)
    _kinds(objective, critic, constraint, budget, upper, None)
    if isinstance(given[1], list | tuple):
        msg = f"expected one constraint for all pairs, got {constraint}; gan.estimate takes several, of which it reports the best"
        raise TypeError(msg)
    like, generator = _training(rng, device, dtype, _fine_enough(*(measure for pair in found for measure in pair)))
    if isinstance(objective, FenchelObjective):
        _no_constraint(objective, constraint)
        _no_upper(f"{objective}, whose upper bound is the divergence itself", upper)
        build = network_of(critic or SMALL, generator, unit=1.0)
        ratios = finite_ratios(found, objective, build, budget=budget or Budget(), like=like, generator=generator)
        return [ratio.estimate(objective) for ratio in ratios]
    rule = constraint or CTransform()
    build = network_of(critic or (SMALL if constraint is None else rule.architecture), generator)
    return distances(
        found, objective, build, rule,
        budget=budget or Budget(), upper=upper or default_upper, like=like, generator=generator,
    )  # fmt: skip


SMALL = FourierMLP(features=32, width=32, highest=200.0)
"""The critic of a stack."""

ROUGH = FourierMLP(highest=2000.0)
"""The log-ratio of a finite pair, whose weights may be unrelated at atoms that almost coincide."""


def _ratio(
    p: Discrete | Source,
    q: Discrete | Source,
    objective: FenchelObjective,
    critic: Architecture | nn.Module | None,
    budget: Budget | None,
    confidence: Confidence | None,
    rng: Rng,
    device: str | torch.device,
    dtype: torch.dtype | None,
) -> FiniteRatio | SampledRatio:
    """A trained head, on a finite pair or from samples."""
    plan = budget or Budget()
    if isinstance(p, Discrete) and isinstance(q, Discrete):
        _no_confidence(confidence)
        like, generator = _training(rng, device, dtype, torch.float64)
        build = network_of(critic or ROUGH, generator, unit=1.0)
        return finite_ratios([(p, q)], objective, build, budget=plan, like=like, generator=generator)[0]
    like, generator = _training(rng, device, dtype, _fine_enough(p, q))
    samples = Samples.of(_source(p), _source(q), plan.samples, like, generator)
    build = network_of(critic or FourierMLP(highest=3.0), generator, unit=1.0)
    return sampled_ratio(
        samples, objective, build, budget=plan, confidence=confidence or Betting(), learning_rate=SAMPLED_RATE
    )


def network_of(
    critic: Architecture | nn.Module, generator: torch.Generator, *, unit: float | None = None
) -> Callable[[Tensor, Tensor], nn.Module]:
    """Makes the network for points, or copies the one that is given.

    Parameters
    ----------
    critic : Architecture or torch.nn.Module
        What to build, or what to copy.
    generator : torch.Generator
        Randomness of initial weights.
    unit : float or None
        As for `Architecture.build`.

    Returns
    -------
    callable
        From points (n, d) of P and (m, d) of Q to a module in their precision and on their device.
    """
    if isinstance(critic, nn.Module):
        return lambda x, y: _checked(copy.deepcopy(critic).to(x.device, x.dtype).train(), x[:2])
    return lambda x, y: critic.build(x, y, generator, unit=unit)


def _checked(critic: nn.Module, x: Tensor) -> nn.Module:
    """A network that somebody else made, if its outputs have the shape that is needed."""
    with torch.no_grad():
        shape = tuple(critic(x).shape)
    if shape != (len(x),):
        msg = (
            f"expected a critic that takes points (n, d) to outputs (n,), got outputs of shape {shape} for points of shape "
            f"{tuple(x.shape)}; end it in squeeze(-1), as torch.nn.Flatten(0) does"
        )
        raise ValueError(msg)
    return critic


def _fine_enough(*measures: Discrete | Source) -> torch.dtype:
    """Single precision, unless the points are so far from the origin that it could not tell them apart."""
    draw = torch.Generator().manual_seed(0)
    parts = []
    for measure in measures:
        if isinstance(measure, Discrete):
            parts.append(torch.tensor(measure.points))
        else:
            parts.append(measure(256, draw) if isinstance(measure, Sampler) else measure)
    points = torch.cat(parts)
    largest = points.abs().max()
    spread = ((points - points.mean(0)) / largest.clamp_min(torch.finfo(torch.float64).tiny)).square().mean().sqrt()
    return torch.float32 if spread >= COARSE or largest == 0 else torch.float64


def _measures(P: object, Q: object) -> tuple[Discrete | Source, Discrete | Source]:
    """Both measures, of one dimension."""
    if isinstance(P, Problem | KnownProblem | KnownDivergence):
        if Q is not None:
            msg = f"expected nothing beside a problem, which holds P and Q, got {Q!r}; name the argument, as objective="
            raise TypeError(msg)
        return P.P, P.Q
    if Q is None:
        msg = "expected a second measure Q, got none; only a problem of gan.problems stands for both"
        raise TypeError(msg)
    p, q = _measure("P", P), _measure("Q", Q)
    dimensions = [x.shape[1] if isinstance(x, Tensor) else x.dimension for x in (p, q)]
    if dimensions[0] != dimensions[1]:
        msg = f"expected points of one dimension, got {dimensions[0]} for P and {dimensions[1]} for Q"
        raise ValueError(msg)
    return p, q


def _measure(name: str, x: object) -> Discrete | Source:
    """A measure in one of its three forms, or a reason why it is none."""
    if isinstance(x, Discrete | Sampler):
        return x
    if isinstance(x, Distribution):
        return sampler(x)
    if isinstance(x, Tensor):
        return stock(name, x.detach().cpu().numpy())
    if isinstance(x, np.ndarray | list | tuple):
        return stock(name, x)
    msg = (
        f"expected {name} to be a gan.Discrete, an array of samples, a torch distribution or a gan.Sampler, "
        f"got {type(x).__name__}"
    )
    raise TypeError(msg)


def _finite(pair: object) -> tuple[Discrete, Discrete]:
    both = (pair.P, pair.Q) if isinstance(pair, Problem) else pair
    if isinstance(both, tuple) and len(both) == 2 and all(isinstance(x, Discrete) for x in both):
        _measures(*both)
        return both
    msg = f"expected pairs of gan.Discrete, got {pair!r}; gan.estimate takes samples, one pair at a time"
    raise TypeError(msg)


def _source(measure: Discrete | Source) -> Source:
    return Sampler.of(measure) if isinstance(measure, Discrete) else measure


def _rules(constraint: Constraints | None, default: Sequence[LipschitzConstraint]) -> Sequence[LipschitzConstraint]:
    if constraint is None:
        return default
    return (constraint,) if isinstance(constraint, LipschitzConstraint) else tuple(constraint)


def _refuse_whole_support(rules: Sequence[LipschitzConstraint]) -> None:
    for rule in rules:
        if rule.whole_support:
            msg = (
                f"expected a constraint for samples, got {rule}, which looks at the whole support; "
                "gan.Discrete(samples) is the empirical distribution, a finite measure"
            )
            raise TypeError(msg)


def _no_constraint(objective: Objective, constraint: object) -> None:
    if constraint is not None:
        msg = f"expected no Lipschitz constraint for {objective}, got {constraint}; only gan.wasserstein has one"
        raise TypeError(msg)


def _no_upper(where: str, upper: UpperBound | None) -> None:
    if upper is not None:
        msg = f"expected no upper= for {where}, got {upper}; it is for W1 of finite measures"
        raise TypeError(msg)


def _no_confidence(confidence: Confidence | None) -> None:
    if confidence is not None:
        msg = (
            f"expected no confidence= for finite measures, whose bounds are proven, got {confidence}; it is for samples"
        )
        raise TypeError(msg)


def _kinds(
    objective: object, critic: object, constraint: object, budget: object, upper: object, confidence: object
) -> None:
    """Refuse what is not of the kind that it stands for, with the usual slip named."""
    hints: dict[str, tuple[object, type | tuple[type, ...], str]] = {
        "objective": (
            objective,
            (Wasserstein, FenchelObjective),
            "gan.wasserstein, or gan.variational(f) for an f-divergence f",
        ),
        "critic": (critic, (Architecture, nn.Module), "a value as gan.MLP(width=64), or a network (n, d) -> (n,)"),
        "budget": (budget, Budget, "gan.Budget(steps=600)"),
        "upper": (upper, UpperBound, "a value as gan.RoundedPlan(), with the brackets"),
        "confidence": (confidence, Confidence, "a value as gan.Betting(0.95)"),
    }
    several = constraint if isinstance(constraint, list | tuple) else (constraint,)
    if not several:
        msg = "expected at least one constraint, got none of them; leave constraint out for the usual one"
        raise TypeError(msg)
    for one in several:
        hints[f"constraint {one!r}"] = (one, LipschitzConstraint, "a value as gan.Orthogonal(), with the brackets")
    for name, (value, kind, hint) in hints.items():
        if value is not None and not isinstance(value, kind):
            msg = f"expected {name.split()[0]} to be {hint}; got {value!r}"
            raise TypeError(msg)


def _training(
    rng: Rng, device: str | torch.device, dtype: torch.dtype | None, usual: torch.dtype
) -> tuple[Tensor, torch.Generator]:
    """Where, in which precision and with which randomness."""
    like = torch.zeros((), dtype=_precision(dtype, usual), device=training_device(device))
    given: object = rng
    if isinstance(given, torch.Generator):
        msg = "expected rng to be a number or a numpy Generator, got a torch Generator; pass its initial_seed()"
        raise TypeError(msg)
    return like, torch.Generator(like.device).manual_seed(int(np.random.default_rng(rng).integers(2**62)))


def training_device(device: str | torch.device) -> torch.device:
    """Where to train.

    Parameters
    ----------
    device : str or torch.device
        "auto" is the GPU if there is one.

    Returns
    -------
    torch.device
        One that torch finds here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros((), device=device).device
    except (RuntimeError, AssertionError) as error:
        msg = f"expected device to be 'auto', 'cpu' or another that torch finds here, got {device!r}: {error}"
        raise ValueError(msg) from error


def _precision(dtype: torch.dtype | None, usual: torch.dtype) -> torch.dtype:
    if dtype in (None, torch.float64, torch.float32):
        return usual if dtype is None else dtype
    msg = f"expected dtype to be torch.float64 or torch.float32, got {dtype!r}; smaller floats lose the critic's slopes"
    raise ValueError(msg)
