"""Command line: ``divergences compare p.npy q.csv``, or ``python -m divergences compare p.npy q.csv``."""

import argparse
import sys
from collections.abc import Sequence

from divergences._version import __version__
from divergences.commands import bounding, comparing, listing, proving, transporting
from divergences.commands.running import Parser, finished

__all__ = ["main"]

EPILOG = """\
exit codes: 0 done; 2 wrong arguments or files; 1 not done for another reason, such as a package that is missing;
130 stopped by Ctrl-C. Errors are one line on stderr. In JSON infinities are the strings "inf" and "-inf".
"""

COMMANDS = {
    "compare": (comparing, "divergences of two probability vectors or batches of them"),
    "wasserstein": (transporting, "exact Wasserstein distance of two sets of points, with its certificate"),
    "table": (listing, "all declared divergences: f, f*, domain, range, metric, source"),
    "prove": (proving, "proof of a declaration, step by step"),
    "bound": (bounding, "sharp bounds on a divergence, given another"),
}
"""The commands: a module with `declare` and `run`, and a line of help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line if not given.

    Returns
    -------
    int
        The exit code: 0, 2 for wrong arguments or files, 1 for other failures, 130 after Ctrl-C.
    """
    given = argparse.Namespace(command="")

    def command() -> None:
        _parser().parse_args(arguments, given)
        COMMANDS[given.command][0].run(given)

    return finished(command, "divergences")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="divergences",
        description="Divergences between distributions and exact optimal transport, each number with its certificate.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"divergences {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (module, line) in COMMANDS.items():
        module.declare(commands.add_parser(name, help=line, epilog=EPILOG))
    return parser


if __name__ == "__main__":
    sys.exit(main())
