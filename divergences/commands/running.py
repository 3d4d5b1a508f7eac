"""How a command ends: its exit code, and its one line of error."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

__all__ = ["FAILED", "INTERRUPTED", "OK", "REFUSED", "CommandError", "Parser", "finished", "number"]

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; not done, though asked for properly; asked for wrongly; stopped from the keyboard."""


class CommandError(Exception):
    """What a command says in one line before it ends.

    Parameters
    ----------
    text : str
        What was expected, what came, and what to do.
    code : int
        The exit code.
    """

    def __init__(self, text: str, code: int = REFUSED) -> None:
        super().__init__(text)
        self.code = code


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Parameters
        ----------
        message : str
            What is wrong with them.

        Raises
        ------
        CommandError
            Always.
        """
        text = f"{message}; {self.prog} --help says what there is"
        raise CommandError(text)


def number(text: str) -> float:
    """Read an argument that is a number.

    Parameters
    ----------
    text : str
        The argument.

    Returns
    -------
    float
        The number.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    try:
        return float(text)
    except ValueError as error:
        msg = f"expected a number, got {text!r}"
        raise argparse.ArgumentTypeError(msg) from error


def finished(command: Callable[[], None], name: str) -> int:
    """Run a command, and turn its errors into one line on stderr.

    Parameters
    ----------
    command : callable
        What to run.
    name : str
        What the line begins with.

    Returns
    -------
    int
        The exit code. A reader that has closed the pipe ends the command without a line.
    """
    try:
        try:
            command()
        finally:  # of --help too, which leaves by SystemExit
            sys.stdout.flush()
    except BrokenPipeError:
        _close_quietly()
        return FAILED
    except CommandError as error:
        return _told(name, str(error), error.code)
    except KeyboardInterrupt:
        return _told(name, "interrupted", INTERRUPTED)
    except MemoryError:
        return _told(name, "expected the arrays to fit into memory; take fewer points or rows", FAILED)
    except ValueError as error:
        return _told(name, str(error), REFUSED)
    except (ArithmeticError, ModuleNotFoundError, OSError) as error:
        return _told(name, str(error), FAILED)
    return OK


def _told(name: str, text: str, code: int) -> int:
    """Print the line; nobody may be there to read it."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{name}: {' '.join(text.split())}", file=sys.stderr, flush=True)
    return code


def _close_quietly() -> None:
    """Send what is still buffered nowhere, or Python would complain at its exit."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # not a file, as under a test
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
