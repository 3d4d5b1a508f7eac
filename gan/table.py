"""The table: one free number per atom, a critic that can be any function on a finite space.

It has no error of approximation, so that what it misses is the optimiser's; and it says nothing between the atoms.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gan.critics import Architecture, Standardised

__all__ = ["Table", "TableCritic"]


@final
@dataclass(frozen=True)
class Table(Architecture):
    """One free parameter for each distinct atom of P and Q, all 0 at first.

    Every function on the atoms is in this class, the optimal critic of every objective among them. Atoms that the training
    never looks at stay at 0.

    Examples
    --------
    >>> import torch
    >>> from gan.table import Table
    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    >>> critic = Table().build(x, y, torch.Generator(), unit=1.0)
    >>> critic(y), len(critic.values)
    (tensor([0., 0.], grad_fn=<MulBackward0>), 3)
    """

    def build(self, x: Tensor, y: Tensor, generator: torch.Generator, *, unit: float | None) -> "TableCritic":
        """Make the table; nothing about it is random."""
        del generator
        return TableCritic(torch.cat([x, y]), Standardised(nn.Identity(), x, y, unit).get_buffer("unit"))


@final
class TableCritic(nn.Module):
    """The critic of `Table`, known at its atoms alone.

    Atoms are in lexicographic order, and are found by bisection: by the first coordinate, then among those that agree in
    it by the second, until all are told apart, which is mostly at once.

    Parameters
    ----------
    points : Tensor (n, d)
        The atoms; those that occur twice share their value.
    unit : Tensor ()
        What one unit of a parameter is worth.
    """

    def __init__(self, points: Tensor, unit: Tensor) -> None:
        super().__init__()
        atoms = torch.unique(points, dim=0)
        self.columns = 0
        self.register_buffer("atoms", atoms)
        self.register_buffer("unit", unit)
        self.values = nn.Parameter(torch.zeros(len(atoms), dtype=atoms.dtype, device=atoms.device))
        place, told_apart = torch.zeros(len(atoms), dtype=torch.int64, device=atoms.device), 1
        while told_apart < len(atoms):
            levels, digit = torch.unique(atoms[:, self.columns], return_inverse=True)
            keys, place = torch.unique(place * len(levels) + digit, return_inverse=True)
            self.register_buffer(f"levels{self.columns}", levels)
            self.register_buffer(f"keys{self.columns}", keys)
            self.columns, told_apart = self.columns + 1, len(keys)

    def index(self, x: Tensor) -> Tensor:
        """Which atoms points are.

        Parameters
        ----------
        x : Tensor (..., d)
            Points, equal to atoms in every digit.

        Returns
        -------
        Tensor (...)
            Numbers of rows of `atoms` and of `values`.

        Raises
        ------
        ValueError
            If a point is not an atom, with that point.
        """
        atoms = self.get_buffer("atoms")
        if x.shape[-1:] != atoms.shape[1:]:
            msg = f"expected points of dimension {atoms.shape[1]}, as those of the table, got shape {tuple(x.shape)}"
            raise ValueError(msg)
        place = torch.zeros(x.shape[:-1], dtype=torch.int64, device=x.device)
        for k in range(self.columns):
            levels = self.get_buffer(f"levels{k}")
            place = _position(self.get_buffer(f"keys{k}"), place * len(levels) + _position(levels, x[..., k]))
        strange = (atoms[place] != x).any(-1)
        if bool(strange.any()):
            msg = (
                f"expected points among the {len(atoms)} atoms that the table was built for, got {x[strange][0].tolist()}; "
                "a table has no value elsewhere, build it for all points or take a network, as gan.FourierMLP()"
            )
            raise ValueError(msg)
        return place

    def forward(self, x: Tensor) -> Tensor:
        """Values at atoms (n, d)."""
        return self.get_buffer("unit") * self.values[self.index(x)]


def _position(ascending: Tensor, x: Tensor) -> Tensor:
    """Where each number is in an ascending list, if it is there; else some place."""
    return torch.searchsorted(ascending, x.contiguous()).clamp(max=len(ascending) - 1)
