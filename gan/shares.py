"""Parts of a joint batch, where several processes train one pair of networks together."""

from dataclasses import dataclass
from typing import final

from torch import Tensor

__all__ = ["Share", "alone"]


@final
@dataclass(frozen=True)
class Share:
    """The part of a joint batch that this process works on.

    Parameters
    ----------
    rank : int
        Number of the process, from 0.
    processes : int
        How many there are.
    """

    rank: int
    processes: int

    def of(self, rows: Tensor) -> Tensor:
        """Every row whose number leaves the rank when divided by the number of processes.

        Parameters
        ----------
        rows : Tensor (n, ...)
            The joint batch.

        Returns
        -------
        Tensor (n / processes, ...)
            This process's part.
        """
        return rows if self.processes == 1 else rows[self.rank :: self.processes]


alone = Share(0, 1)
