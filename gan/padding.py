"""Finite measures of different sizes as one tensor: filled up with atoms that are there already, of weight 0."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan.expectations import Discrete, Floats

__all__ = ["Atoms", "atoms", "padded", "tensor"]

Atoms = tuple[Floats, Floats]
"""Points (n, d) and weights (n,)."""


def atoms(measure: Discrete) -> Atoms:
    """The atoms with mass; those without take no part in a divergence, and would only constrain a critic."""
    held = measure.weights > 0
    return measure.points[held], measure.weights[held]


def tensor(array: Floats, like: Tensor) -> Tensor:
    """A copy of an array in the precision and on the device of the training."""
    return torch.tensor(array, dtype=like.dtype, device=like.device)


def padded(points: Sequence[Floats], *weights: Sequence[Floats], like: Tensor) -> list[Tensor]:
    """Points (E, n, d) and weights (E, n), n that of the largest set.

    A repeated atom of weight 0 changes nothing: no mean, no minimum over atoms, no Lipschitz constant.

    Parameters
    ----------
    points : sequence of arrays (n_e, d)
        The sets.
    *weights : sequences of arrays (n_e,)
        Weights on them.
    like : Tensor
        Has the dtype and the device.

    Returns
    -------
    list of Tensor
        Points, then the weights.
    """
    size = max(map(len, points))
    filled = [tensor(np.stack([_repeated(x, size) for x in points]), like)]
    return filled + [tensor(np.stack([np.pad(w, (0, size - len(w))) for w in several]), like) for several in weights]


def _repeated(points: Floats, size: int) -> Floats:
    """The points, the first of them as often as is needed."""
    return points[np.pad(np.arange(len(points)), (0, size - len(points)))]
