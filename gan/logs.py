"""Where numbers of a training are written: a CSV file that survives a kill and a resume, or TensorBoard."""

import csv
import math
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, final

__all__ = ["CsvLog", "Log", "TensorBoardLog"]


class Log(Protocol):
    """Takes one row of numbers at a time, a step among them."""

    def __call__(self, row: Mapping[str, float]) -> None:
        """Write a row."""

    def rewind(self, step: float) -> None:
        """Drop the rows of later steps, which a run resumed from a checkpoint will write again."""


@final
class CsvLog:
    """Rows of numbers, appended to a CSV file; the header is written once, with the first row.

    Each row is on the disk before the call returns. A last line that a kill has cut off is dropped when the file is opened
    again. `rewind` drops what a run resumed from a checkpoint will write again.

    Parameters
    ----------
    path : path-like
        The file; it is made with its folder if it is not there.

    Raises
    ------
    ValueError
        When a row has other columns than the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from gan.logs import CsvLog
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CsvLog(pathlib.Path(folder) / "run.csv")
    ...     log({"step": 0, "w1": 1.5})
    ...     log({"step": 10, "w1": 0.25})
    ...     log.rewind(0)
    ...     print(log.rows())
    [{'step': 0.0, 'w1': 1.5}]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._drop_unfinished_line()

    def __call__(self, row: Mapping[str, float]) -> None:
        """Append a row.

        Parameters
        ----------
        row : mapping of str to float
            Numbers by the names of their columns, in any order after the first row.
        """
        columns = self._columns()
        if columns and set(columns) != set(row):
            msg = f"expected the columns {columns} of {self.path}, got {sorted(row)}; log other numbers to another file"
            raise ValueError(msg)
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not columns:
                writer.writerow(row)
            writer.writerow([repr(float(row[name])) for name in columns or row])
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, float]]:
        """All rows that the file has."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]

    def rewind(self, step: float) -> None:
        """Drop the rows of later steps, all at once or not at all.

        Parameters
        ----------
        step : float
            The last step to keep, by the column "step".
        """
        kept, columns = [row for row in self.rows() if row["step"] <= step], self._columns()
        if not columns:
            return
        draft = self.path.with_name(self.path.name + ".part")
        with draft.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([repr(value) for value in row.values()] for row in kept)
        draft.replace(self.path)

    def _columns(self) -> list[str]:
        """The header, empty if there is none yet."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return next(csv.reader(file), [])

    def _drop_unfinished_line(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)


@final
class TensorBoardLog:
    """Rows of numbers as curves of TensorBoard, against their column "step"; what is infinite is left out.

    Parameters
    ----------
    folder : path-like
        Where TensorBoard looks for the run.

    Raises
    ------
    ModuleNotFoundError
        If the package tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if find_spec("tensorboard") is None:
            msg = "expected tensorboard to be installed, which TensorBoardLog needs; `pip install tensorboard`, or take CsvLog"
            raise ModuleNotFoundError(msg, name="tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, row: Mapping[str, float]) -> None:
        """Write a row."""
        for name, value in row.items():
            if name != "step" and math.isfinite(value):
                self._writer.add_scalar(name, value, int(row["step"]))
        self._writer.flush()

    def rewind(self, step: float) -> None:
        """Nothing: TensorBoard keeps what it was given, and shows the later of two numbers for one step.

        Parameters
        ----------
        step : float
            The last step to keep.
        """
