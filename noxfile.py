#!/usr/bin/env python3
# /// script
# dependencies = ["nox"]
# ///
"""The Makefile's targets in fresh environments: ``nox``, or ``nox -s tests --force-python 3.13``.

The commands themselves are written once, in the Makefile.
"""

from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "virtualenv"


@nox.session
def tests(session: nox.Session) -> None:
    """Run unit tests, property tests and doctests."""
    make(session, "unit", "doctest")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, docstrings, types and packaging."""
    make(session, "lint", "types")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation, run its doctests, and check the pages."""
    make(session, "docs", "docs-check")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist, and use the wheel as a user without torch would."""
    out = session.create_tmp()
    session.install("build")
    session.run("python", "-m", "build", "--outdir", out)
    session.install(*map(str, Path(out).glob("*.whl")))
    session.chdir(out)  # away from the checkout, whose packages would be imported instead
    session.run("python", "-c", "import divergences; print(divergences.kl([0.5, 0.5], [0.25, 0.75]))")


def make(session: nox.Session, *targets: str) -> None:
    """Let make install into the session's environment and run the targets there."""
    session.run("make", *targets, f"VENV={session.virtualenv.location}", external=True)


if __name__ == "__main__":
    nox.main()
