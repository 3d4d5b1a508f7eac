"""Checkpoints: all that a training needs to go on bit for bit, in one safetensors file that is written whole or not at all.

Tensors of the state stand under the path that leads to them, as ``critic/network.0.weight``; everything else is JSON in
the metadata of the file. Nothing is pickled, so that a file of unknown origin can be looked at without running it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from divergences._extras import require

__all__ = ["latest", "load", "save"]

State = dict[str, Any]

TENSOR = "tensor:"
"""What stands for a tensor in the JSON part."""

NAME = re.compile(r"step-(\d{9})\.safetensors")


def save(folder: Path, step: int, state: State) -> Path:
    """Write a checkpoint.

    Parameters
    ----------
    folder : Path
        Where; made if it is not there.
    step : int
        Steps done, part of the name of the file.
    state : dict
        Nested dicts and lists of tensors, numbers, strings, booleans and None.

    Returns
    -------
    Path
        The file, which is there in full or not at all, whenever the process is killed.
    """
    require("safetensors", "gan", "checkpoints")
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    rest = _without_tensors(state, "", tensors)
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / f"step-{step:09d}.safetensors", folder / f"step-{step:09d}.partial"
    save_file(tensors, str(partial), metadata={"state": json.dumps(rest)})
    partial.replace(path)
    return path


def load(path: Path) -> State:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        A file that `save` wrote.

    Returns
    -------
    dict
        The state, its tensors on the CPU.

    Raises
    ------
    ValueError
        If the file is not one of these.
    """
    require("safetensors", "gan", "checkpoints")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            rest = (file.metadata() or {}).get("state")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (the file is no dict)
    except SafetensorError as error:
        msg = f"expected a checkpoint in {path}, got a file that safetensors cannot read: {error}"
        raise ValueError(msg) from error
    if rest is None:
        msg = f"expected a checkpoint of a training in {path}, got weights alone; give the folder of a training"
        raise ValueError(msg)
    state: State = _with_tensors(json.loads(rest), tensors)
    return state


def latest(folder: Path) -> Path | None:
    """The last checkpoint in a folder, if there is one.

    Parameters
    ----------
    folder : Path
        Where checkpoints are written to; it need not exist.

    Returns
    -------
    Path or None
        The file with the most steps.
    """
    found = [path for path in folder.glob("step-*.safetensors") if NAME.fullmatch(path.name)]
    return max(found, default=None, key=lambda path: path.name)


def _without_tensors(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """The same structure with a note in the place of each tensor."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return TENSOR + path
    if isinstance(value, Mapping):
        # JSON has only strings for keys; optimizers number their parameters
        return {
            "dict": [
                [key, _without_tensors(part, f"{path}/{key}" if path else str(key), tensors)]
                for key, part in value.items()
            ]
        }
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_without_tensors(part, f"{path}/{k}", tensors) for k, part in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    msg = (
        f"expected tensors, numbers, strings and containers of them in the state, got {type(value).__name__} at {path}"
    )
    raise TypeError(msg)


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, str) and value.startswith(TENSOR):
        return tensors[value.removeprefix(TENSOR)]
    if isinstance(value, dict):
        ((kind, parts),) = value.items()
        if kind == "dict":
            return {key: _with_tensors(part, tensors) for key, part in parts}
        made = [_with_tensors(part, tensors) for part in parts]
        return made if kind == "list" else tuple(made)
    return value
