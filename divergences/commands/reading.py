"""Arrays from files: text, CSV, npy, npz, or any of them from standard input.

The beginning of a file says which of them it is, and its name need not. Nothing is ever unpickled.
"""

import io
import lzma
import struct
import sys
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from divergences.commands.running import CommandError

__all__ = ["STDIN", "Table", "read_points", "read_vectors"]

Real = npt.NDArray[Any]

STDIN = "-"
BEGINNINGS = frozenset("0123456789+-.")
_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"
_BROKEN = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    EOFError,
    OSError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What numpy and the readers of archives raise on bytes that are no array."""


@final
@dataclass(frozen=True, eq=False)
class Table:
    """An array, and whether it was written as lines of text.

    Parameters
    ----------
    array : array
        Real numbers; those of text have two axes, lines and columns.
    is_text : bool
        Whether it was text.
    """

    array: Real
    is_text: bool


def read_vectors(where: Mapping[str, str]) -> dict[str, Real]:
    """Read vectors, or batches of them: text of one line or of one column is one vector.

    Parameters
    ----------
    where : mapping of str to str
        For each name, which errors use, the place of its array: a file, ``file.npz:array``, or "-" for standard input.

    Returns
    -------
    dict of str to array
        The arrays.
    """
    return {name: _vector(table) for name, table in _read_all(where).items()}


def read_points(where: Mapping[str, str]) -> dict[str, Real]:
    """Read points: a line of text is a point, whatever their number.

    Parameters
    ----------
    where : mapping of str to str
        As for `read_vectors`.

    Returns
    -------
    dict of str to array
        The arrays (n, d), or (n,) as they were saved.
    """
    return {name: table.array for name, table in _read_all(where).items()}


def _vector(table: Table) -> Real:
    return table.array.reshape(-1) if table.is_text and 1 in table.array.shape else table.array


def _read_all(where: Mapping[str, str]) -> dict[str, Table]:
    if list(where.values()).count(STDIN) > 1:
        names = ", ".join(name for name, place in where.items() if place == STDIN)
        msg = f"expected one array from standard input, got '-' for {names}; save the others to files"
        raise CommandError(msg)
    return {name: _read(name, place) for name, place in where.items()}


def _read(name: str, place: str) -> Table:
    path, member = _split(place)
    content = _bytes_of(name, path)
    shown = f"{name} ({'standard input' if path == STDIN else path})"
    if content.startswith(_NPY):
        found = Table(_loaded(shown, content), is_text=False)
    elif content.startswith(_ZIP):
        found = Table(_member(shown, content, member), is_text=False)
    elif path.endswith((".npy", ".npz")):
        msg = f"expected {shown} to be the {path[-3:]} file of its name, got other content; write it by numpy.save or savez"
        raise CommandError(msg)
    else:
        found = Table(_lines(shown, content), is_text=True)
    if member and not content.startswith(_ZIP):
        msg = f"expected {shown} to be an npz file, which holds arrays by name, got another; leave ':{member}' out"
        raise CommandError(msg)
    return found


def _split(place: str) -> tuple[str, str]:
    """The file and the array's name in it, which follows ``.npz:``."""
    head, colon, member = place.rpartition(".npz:")
    return (f"{head}.npz", member) if colon and not Path(place).exists() else (place, "")


def _bytes_of(name: str, path: str) -> bytes:
    if path == STDIN:
        return _standard_input(name)
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"expected {name} to be a file that can be read, got {path!r}: {reason}; check the path"
        raise CommandError(msg) from error


def _standard_input(name: str) -> bytes:
    given: object = sys.stdin  # None where the caller has closed it
    if given is None:
        msg = f"expected {name} from standard input, got it closed; name a file"
        raise CommandError(msg)
    return sys.stdin.buffer.read()


def _loaded(shown: str, content: bytes) -> Real:
    """An npy file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as that a header is of Python 2
            array = np.load(io.BytesIO(content), allow_pickle=False)
    except _BROKEN as error:
        msg = (
            f"expected {shown} to be an array of numbers saved by numpy, got a file that numpy refuses: {_brief(error)}"
        )
        raise CommandError(msg) from error
    return _real(shown, array)


def _member(shown: str, content: bytes, member: str) -> Real:
    """One array of an npz file."""
    try:
        with warnings.catch_warnings(), np.load(io.BytesIO(content), allow_pickle=False) as archive:
            warnings.simplefilter("ignore")
            names = list(archive.files)
            wanted = member or (names[0] if len(names) == 1 else None)
            array = archive[wanted] if wanted in names else None
    except _BROKEN as error:
        msg = f"expected {shown} to be arrays saved by numpy.savez, got a file that numpy refuses: {_brief(error)}"
        raise CommandError(msg) from error
    if array is None:
        expected = f"to hold an array {member!r}" if member else "to hold one array, or its name after a colon"
        fix = f"write file.npz:{names[0]}" if names else "save one with numpy.savez"
        msg = f"expected {shown} {expected}, got {', '.join(names) or 'none'}; {fix}"
        raise CommandError(msg)
    if not isinstance(array, np.ndarray):
        msg = f"expected {shown} to hold arrays saved by numpy.savez, got other files in it; save them again"
        raise CommandError(msg)
    return _real(shown, array)


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def _real(shown: str, array: Real) -> Real:
    if array.dtype.kind not in "buif":
        fix = "take the real part" if array.dtype.kind == "c" else "convert them to floats"
        msg = f"expected {shown} to hold real numbers, got dtype {array.dtype}; {fix}"
        raise CommandError(msg)
    if array.size == 0:
        msg = f"expected {shown} to hold numbers, got an empty array of shape {array.shape}"
        raise CommandError(msg)
    native = array.dtype.newbyteorder("=")
    return array.astype(native if array.dtype.kind == "f" and array.dtype.itemsize <= 8 else np.float64)


# ------------------------------------------------------------------------------------------------------------- text


def _lines(shown: str, content: bytes) -> Real:
    """Numbers in lines, one array (lines, columns)."""
    rows: list[list[float]] = []
    first = 0
    for count, line in enumerate(_decoded(shown, content).splitlines(), 1):
        fields = _fields(line.partition("#")[0])
        if not fields or (not rows and not first and _is_header(fields)):
            first = first or (count if fields else 0)
            continue
        rows.append([_value(shown, count, column, field) for column, field in enumerate(fields, 1)])
        if len(rows[-1]) != len(rows[0]):
            msg = (
                f"expected {shown} to have rows of one length, got {len(rows[0])} numbers in the first and "
                f"{len(rows[-1])} in line {count}; fill or remove the short ones"
            )
            raise CommandError(msg)
    if not rows:
        msg = f"expected {shown} to hold numbers, got {'none below a header' if first else 'an empty file'}"
        raise CommandError(msg)
    return np.array(rows)


def _decoded(shown: str, content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"expected {shown} to be text, CSV, npy or npz, got bytes that are none of these ({error.reason})"
        raise CommandError(msg) from error
    if "\0" in text:
        msg = f"expected {shown} to be text, CSV, npy or npz, got null characters; convert it to one of these"
        raise CommandError(msg)
    return text


def _fields(line: str) -> list[str]:
    """Split at semicolons where there are any, else at commas, else at white space."""
    line = line.strip()
    for mark in (";", ","):
        if mark in line:
            return [field.strip().strip("\"'") for field in line.split(mark)]
    return line.split()


def _is_header(fields: list[str]) -> bool:
    """Whether some field is a word, and none is a number or begins like one."""
    return any(fields) and not any(_is_number(field) or field[:1] in BEGINNINGS for field in fields if field)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return field.isascii() and "_" not in field


def _value(shown: str, line: int, column: int, field: str) -> float:
    if _is_number(field):
        return float(field)
    got = repr(field if len(field) <= 40 else field[:40] + "...") if field else "an empty field"
    msg = f"expected {shown} to hold a number in line {line}, column {column}, got {got}; write numbers as 0.5 or 5e-1"
    raise CommandError(msg)
