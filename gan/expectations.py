r"""Finite measures, and expectations under them as values.

An objective is written once, over two operators $h \mapsto \mathbb E[h(T(X))]$. With exact weights the lines prove a
bound; with equal weights on a batch of samples the same lines train a critic.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from divergences.transport.inputs import read_floats, weight_tolerance

__all__ = ["Discrete", "Expectation", "JointSupport", "at_least", "joint_support"]

Floats = npt.NDArray[np.float64]


def at_least(least: float, **settings: float | None) -> None:
    """Refuse settings that are smaller than `least` or NaN; None is the absence of one.

    Parameters
    ----------
    least : float
        The smallest admissible value.
    **settings
        Settings by name.
    """
    for name, value in settings.items():
        if value is not None and not value >= least:
            msg = f"expected {name} to be at least {least:g}, got {value!r}"
            raise ValueError(msg)


@final
@dataclass(frozen=True, eq=False)
class Discrete:
    r"""A probability measure $\sum_i w_i \delta_{x_i}$ on finitely many points.

    Parameters
    ----------
    points : array_like (n, d) or (n,)
        The atoms $x_i$; a one-dimensional array is n points of the line. Atoms may coincide.
    weights : array_like (n,), optional
        Their probabilities $w_i$, of mass 1 within the root of the epsilon of their dtype; uniform if not given. The
        measure is that of the exactly normalised weights; those of a smaller float are divided by their sum first.

    Raises
    ------
    ValueError
        If a point or weight is not finite, a weight negative, the mass not 1, or the shapes do not fit.

    Examples
    --------
    >>> from gan import Discrete
    >>> P = Discrete([[0.0, 0.0], [3.0, 4.0]])
    >>> P.size, P.dimension, P.weights.tolist()
    (2, 2, [0.5, 0.5])
    """

    points: Floats
    weights: Floats

    def __init__(self, points: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> None:
        x = np.array(read_floats("points", points))
        x = x[:, None] if x.ndim == 1 else x
        if x.ndim != 2 or not x.size:
            msg = f"expected points of shape (n, d) or (n,), got {np.shape(points)}; rows are points"
            raise ValueError(msg)
        w = np.full(len(x), 1 / len(x)) if weights is None else np.array(read_floats("weights", weights))
        if w.shape != (len(x),):
            msg = f"expected one weight per point, shape ({len(x)},), got {w.shape}; leave weights out for uniform ones"
            raise ValueError(msg)
        if not (np.isfinite(x).all() and np.isfinite(w).all()):
            msg = "expected finite points and weights, got NaN or infinity; remove such atoms first"
            raise ValueError(msg)
        mass, tolerance = math.fsum(w), weight_tolerance(w if weights is None else weights)
        if (w < 0).any() or abs(mass - 1) > tolerance:
            k = int(w.argmin())
            what = f"weights[{k}] = {float(w[k])!r}" if w[k] < 0 else f"mass {mass!r}"
            msg = f"expected non-negative weights of mass 1 (within {tolerance:.2g}), got {what}; divide by the sum"
            raise ValueError(msg)
        if abs(mass - 1) > weight_tolerance(w):  # of a smaller float, whose rounding is no part of the measure
            w = w / mass
        for name, array in (("points", x), ("weights", w)):
            array.setflags(write=False)  # answers are kept per measure
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        """Size and dimension."""
        return f"Discrete({self.size} points of dimension {self.dimension})"

    @property
    def size(self) -> int:
        """Number of atoms."""
        return len(self.points)

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return int(self.points.shape[1])


@final
@dataclass(frozen=True, eq=False)
class Expectation:
    r"""The operator $h \mapsto \mathbb E[h(T(X))] = \sum_i w_i h(T(x_i))$, given the critic's values on the atoms.

    Parameters
    ----------
    values : Tensor (..., n)
        Critic values $T(x_i)$, with their gradient; leading axes are those of a stack of critics.
    weights : Tensor (..., n)
        Probabilities: exact ones, or 1/n each for the mean over a batch of samples.
    uniform : bool
        Whether they are known to be 1/n each; the mean is then taken without looking at them.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> E = gan.Expectation(torch.tensor([1.0, 3.0]), torch.tensor([0.75, 0.25]))
    >>> E(lambda z: z).item(), E(torch.square).item()
    (1.5, 3.0)
    """

    values: Tensor
    weights: Tensor
    uniform: bool = False

    def __call__(self, h: Callable[[Tensor], Tensor]) -> Tensor:
        """Expectation of h of the critic; atoms without mass do not count, whatever h makes of them."""
        if self.uniform:
            return h(self.values).mean(-1)
        return torch.where(self.weights > 0, self.weights * h(self.values), 0.0).sum(-1)


@final
@dataclass(frozen=True, eq=False)
class JointSupport:
    """The distinct atoms of two measures.

    Parameters
    ----------
    points : array (n, d)
        The atoms, each once.
    p, q : array (n,)
        Their weights under P and under Q, added up with one rounding; not normalised.
    rounded : bool
        Whether adding up has rounded anything.
    of_p, of_q : array of int
        For each atom of P and of Q, where it is in `points`.

    Examples
    --------
    >>> import gan
    >>> joint = gan.joint_support(gan.Discrete([0.0, 1.0]), gan.Discrete([1.0, 2.0]))
    >>> joint.of_p.tolist(), joint.of_q.tolist(), joint.rounded
    ([0, 1], [1, 2], False)
    """

    points: Floats
    p: Floats
    q: Floats
    rounded: bool
    of_p: npt.NDArray[np.intp]
    of_q: npt.NDArray[np.intp]


def joint_support(P: Discrete, Q: Discrete) -> JointSupport:
    """Distinct atoms of both measures, and the weight of each under P and under Q.

    Parameters
    ----------
    P, Q : Discrete
        Two finite measures of one dimension.

    Returns
    -------
    JointSupport
        The atoms, in ascending order, and where those of P and of Q are among them.

    Examples
    --------
    >>> import gan
    >>> joint = gan.joint_support(gan.Discrete([0.0, 1.0]), gan.Discrete([1.0, 2.0], [0.25, 0.75]))
    >>> joint.points.ravel().tolist(), (joint.q / joint.q.sum()).tolist()
    ([0.0, 1.0, 2.0], [0.0, 0.25, 0.75])
    """
    points, index = np.unique(np.concatenate([P.points, Q.points]), axis=0, return_inverse=True)
    of_p, of_q = np.split(index.reshape(-1), [P.size])
    p, lost_p = _added(P.weights, of_p, len(points))
    q, lost_q = _added(Q.weights, of_q, len(points))
    return JointSupport(points, p, q, lost_p or lost_q, of_p, of_q)


def _added(weights: Floats, index: npt.NDArray[np.intp], size: int) -> tuple[Floats, bool]:
    """Sums of the weights with one index, each rounded once, and whether any was rounded.

    Equal weights are counted instead of added; sums are then exact in another unit, which normalisation takes out.
    """
    if np.all(weights == weights[0]):
        return np.bincount(index, minlength=size).astype(np.float64), False
    parts: list[list[float]] = [[] for _ in range(size)]
    for k, w in zip(index, weights, strict=True):
        parts[k].append(float(w))
    sums = [math.fsum(part) for part in parts]
    lost = any(math.fsum([*part, -total]) != 0 for part, total in zip(parts, sums, strict=True))
    return np.array(sums), lost
