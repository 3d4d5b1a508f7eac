"""``python -m gan estimate``: train a critic between two files of points, and print the bracket."""

import argparse
import difflib
import math
from collections.abc import Mapping
from typing import Any

from divergences.commands.naming import f_divergence
from divergences.commands.printing import print_columns, print_json
from divergences.commands.reading import read_points, read_vectors
from divergences.commands.running import FAILED, CommandError, number
from gan.ascent import TrainingError
from gan.budget import Budget
from gan.confidence import Betting
from gan.critics import MLP, Architecture, Cones, FourierMLP, Funnels, GroupSortMLP
from gan.estimation import estimate
from gan.expectations import Discrete
from gan.lipschitz import (
    AlmostOrthogonal,
    ByConstruction,
    CTransform,
    GradientPenalty,
    LipschitzConstraint,
    Orthogonal,
    SpectralNorm,
    WeightClipping,
)
from gan.objectives import Objective, donsker_varadhan, nwj, variational, wasserstein
from gan.result import Estimate, Kind

__all__ = ["CONSTRAINTS", "CRITICS", "OBJECTIVES", "declare", "run"]

DESCRIPTION = """\
Estimate a divergence of P and Q by training a critic, between bounds. P and Q are files of points: text or CSV (a line is
a point), npy, npz (file.npz:name), or - for standard input. They are taken as samples, whose lower bound holds for the
distributions they come from with the probability --level; or with --finite, or with weights, as finite measures, whose
bounds are proven."""

OBJECTIVES: Mapping[str, Objective] = {"wasserstein": wasserstein, "donsker_varadhan": donsker_varadhan, "nwj": nwj}
"""Objectives besides those of the f-divergences."""

CONSTRAINTS: Mapping[str, LipschitzConstraint] = {
    "c-transform": CTransform(),
    "gradient-penalty": GradientPenalty(),
    "one-sided-penalty": GradientPenalty(one_sided=True),
    "weight-clipping": WeightClipping(),
    "spectral-norm": SpectralNorm(),
    "orthogonal": Orthogonal(),
    "almost-orthogonal": AlmostOrthogonal(),
    "cones": ByConstruction(Cones()),
    "funnels": ByConstruction(Funnels()),
}
"""What keeps a Wasserstein critic Lipschitz."""

CRITICS: Mapping[str, Architecture] = {
    "mlp": MLP(),
    "group-sort": GroupSortMLP(),
    "fourier": FourierMLP(),
    "cones": Cones(),
    "funnels": Funnels(),
}
"""Networks."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("P", help="file of the points of P")
    parser.add_argument("Q", help="file of the points of Q")
    names = ", ".join(OBJECTIVES)
    parser.add_argument(
        "--objective",
        default="wasserstein",
        help=f"{names}, or an f-divergence as kl, js, alpha:0.5 (default wasserstein)",
    )
    parser.add_argument("--finite", action="store_true", help="the points are all there is, not samples")
    parser.add_argument("--weights-p", metavar="FILE", help="weights of the points of P, of mass 1")
    parser.add_argument("--weights-q", metavar="FILE", help="weights of the points of Q, of mass 1")
    parser.add_argument(
        "--constraint",
        metavar="NAMES",
        help=f"with commas between several, of which the best counts: {', '.join(CONSTRAINTS)}",
    )
    parser.add_argument("--critic", metavar="NAME", help=f"the network: {', '.join(CRITICS)}")
    parser.add_argument("--steps", type=_count, help="steps of the training (default: what suits the problem)")
    parser.add_argument("--seconds", type=number, help="time of the training (default: no limit)")
    parser.add_argument("--level", type=number, help="probability of the lower bound from samples (default 0.95)")
    parser.add_argument("--seed", type=_seed, default=0, help="randomness (default 0)")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto (default)")
    parser.add_argument("--json", action="store_true", help='strict JSON; infinities are "inf"')


def _count(text: str) -> int:
    return _whole(text, least=1)


def _seed(text: str) -> int:
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        msg = f"expected a whole number of at least {least}, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def run(given: argparse.Namespace) -> None:
    """Train and print.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    options = _options(given)
    try:
        P, Q = _measures(given)
        found = estimate(P, Q, **options)
    except TrainingError as error:
        raise CommandError(str(error), FAILED) from error
    except (ValueError, TypeError) as error:
        msg = f"{_spoken(str(error))} (P is {given.P}, Q is {given.Q})"
        raise CommandError(msg) from error
    _show(found, given)


def _options(given: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `estimate`."""
    objective = _objective(given.objective)
    budget = Budget(steps=given.steps, seconds=given.seconds)
    options: dict[str, Any] = {"objective": objective, "budget": budget, "rng": given.seed, "device": given.device}
    if given.constraint is not None:
        options["constraint"] = [_named("constraint", name, CONSTRAINTS) for name in given.constraint.split(",")]
    if given.critic is not None:
        options["critic"] = _named("critic", given.critic, CRITICS)
    if given.level is not None:
        options["confidence"] = Betting(given.level)
    return options


def _objective(name: str) -> Objective:
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    near = difflib.get_close_matches(name.lower(), OBJECTIVES, 1, 0.75)
    if near:
        msg = f"expected the name of an objective, got {name!r}; did you mean {near[0]}?"
        raise CommandError(msg)
    return variational(f_divergence(name))


def _named(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name.strip() in known:
        return known[name.strip()]
    near = difflib.get_close_matches(name.lower(), known, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    msg = f"expected the name of a {what}, got {name!r}; {hint}"
    raise CommandError(msg)


def _measures(given: argparse.Namespace) -> tuple[Any, Any]:
    """Finite measures, or samples."""
    points = {"P": given.P, "Q": given.Q}
    weights = {"--weights-p": given.weights_p, "--weights-q": given.weights_q}
    asked = {name: place for name, place in weights.items() if place is not None}
    if [*points.values(), *asked.values()].count("-") > 1:
        msg = "expected at most one array from standard input, got several '-'; save the others to files"
        raise CommandError(msg)
    x, w = read_points(points), read_vectors(asked)
    if not (given.finite or asked):
        return x["P"], x["Q"]
    return Discrete(x["P"], w.get("--weights-p")), Discrete(x["Q"], w.get("--weights-q"))


def _spoken(message: str) -> str:
    """An error of the library in the words of the command line."""
    message = message.replace("gan.Discrete(samples) is the empirical distribution, a finite measure", "pass --finite")
    message = message.replace("of budget.samples", "for training, choosing and measuring")
    message = message.replace("expected no confidence= for", "expected no --level for")
    return message.replace("only gan.wasserstein has one", "only wasserstein has one")


def _show(found: Estimate, given: argparse.Namespace) -> None:
    slopes = {"lipschitz": found.lipschitz, "lipschitz_bound": found.lipschitz_bound}
    result: dict[str, Any] = {
        "objective": given.objective,
        "lower": found.lower,
        "value": found.value,
        "upper": found.upper,
        "level": found.level,
        "kind": found.kind.value,
        "standard_error": found.standard_error,
        "raw": found.raw,
        "raw_kind": found.raw_kind.value,
        **{name: None if math.isnan(slope) else slope for name, slope in slopes.items()},
        "steps": found.history[-1].step if found.history else None,
        "seconds": found.seconds,
        "device": found.device,
    }
    if given.json:
        print_json({"P": given.P, "Q": given.Q, **result})
        return
    finite = found.level == 1
    rows: list[tuple[object, ...]] = [
        ("objective", given.objective, ""),
        ("says", found.raw, _kind(found.raw_kind)),
        ("lower", found.lower, "proven" if finite else f"with probability {found.level:g}"),
        ("value", found.value, _kind(found.kind) if found.value == found.raw else "moved between the bounds"),
        ("upper", found.upper, "proven" if finite else _upper(found)),
    ]
    if math.isfinite(found.lipschitz):
        rows.append(("slope", found.lipschitz, "largest between points of P and Q"))
    if math.isfinite(found.lipschitz_bound):
        rows.append(("slope bound", found.lipschitz_bound, "Lipschitz constant, proven"))
    print_columns([*rows, ("steps", result["steps"], f"{found.seconds:.2f} s on {found.device}")])


def _kind(kind: Kind) -> str:
    return {
        Kind.CERTIFIED: "of an admissible critic",
        Kind.EXPECTED: "mean of an admissible critic over new samples",
        Kind.ESTIMATE: "an estimate, on either side of the truth",
    }[kind]


def _upper(found: Estimate) -> str:
    return "nothing proves one from samples" if math.isinf(found.upper) else "by Student's t, or the end of the range"
