"""``divergences prove``: the proof of a declaration, step by step."""

import argparse
from typing import TYPE_CHECKING

from divergences.commands.printing import print_json

if TYPE_CHECKING:
    import sympy

    from divergences.proofs import Proof

__all__ = ["declare", "run"]

DESCRIPTION = """\
Proof by sympy that a declaration is consistent: f is convex, f' its derivative, f* its conjugate, the limits right.
A step that sympy could not decide says which numeric check stands in. With w = p/q, u the ratio and t the slope."""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of the command.
    """
    parser.description = DESCRIPTION
    parser.add_argument("divergence", help="its name: kl, or alpha:0.5 of a family")
    parser.add_argument("--json", action="store_true", help="strict JSON, a list of steps")


def run(given: argparse.Namespace) -> None:
    """Prove and print.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments.
    """
    from divergences.commands.naming import f_divergence

    d = f_divergence(given.divergence)
    proof = d.prove()
    if given.json:
        steps = [
            {"claim": step.claim, "expression": _written(step.expression), "decided_by": step.decided_by}
            for step in proof.steps
        ]
        print_json({"divergence": proof.name, "f": str(d.symbolic().f), "symbolic": proof.symbolic, "steps": steps})
        return
    print(f"{proof.name}: f(u) = {d.symbolic().f}")
    _show(proof)


def _show(proof: "Proof") -> None:
    import sympy

    for k, step in enumerate(proof.steps, 1):
        print(f"{k:4}. {step.claim}" + ("" if step.symbolic else f"  [{step.decided_by}]"))
        sides = step.expression.args if isinstance(step.expression, sympy.Eq) else ()
        if isinstance(step.expression, sympy.core.relational.Relational) and len(set(map(str, sides))) != 1:
            print(f"        {_written(step.expression)}")
    open_steps = len(proof.undecided)
    ending = "all decided by sympy" if not open_steps else f"all but {open_steps} decided by sympy"
    print(f"{len(proof.steps)} steps, {ending}")


def _written(expression: "sympy.Basic") -> str:
    """An equation with its sign."""
    import sympy

    if isinstance(expression, sympy.Eq):
        return f"{expression.lhs} = {expression.rhs}"
    return str(expression)
