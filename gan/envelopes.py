r"""Envelopes of cones: critics that are 1-Lipschitz whatever their parameters are.

A cone $x \mapsto h - |x - z|$ with tip z is 1-Lipschitz by the triangle inequality, and so is the maximum of cones; by
McShane (1934) every 1-Lipschitz function is such a maximum over its own graph, and the minimum of the funnels
$h + |x - z|$ as well. A few tips make an approximation that never leaves the admissible set.
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn

__all__ = ["CTransformed", "ConeEnvelope", "Envelope", "FunnelEnvelope"]

BLOCK = 2**20
"""Distances that are held at once, a few megabytes."""

GROUP = 64
"""Scores whose largest is found together."""


class Envelope(nn.Module, ABC):
    """Cones or funnels over tips z with heights h.

    In evaluation mode, and wherever no gradient is asked for, the active tip of a point is found by distances from
    differences of coordinates. A step of training finds it by the expanded square |x|^2 - 2 x z + |z|^2, a product of
    matrices: several times faster, and near ties a tip that is active up to rounding. The value is that of the tip found,
    its distance by differences in either case, and gradients flow through that one pair.

    Parameters
    ----------
    tips : Tensor (k, d)
        The points $z_k$.
    heights : Tensor (k,)
        The values $h_k$, parameters to be trained.
    trained : bool
        Whether the tips are parameters as well.
    """

    def __init__(self, tips: Tensor, heights: Tensor, *, trained: bool = False) -> None:
        super().__init__()
        if tips.ndim != 2 or not len(tips) or heights.shape != tips.shape[:1]:
            msg = (
                f"expected tips of shape (k, d) and a height for each, shape (k,) with k at least 1, "
                f"got {tuple(tips.shape)} and {tuple(heights.shape)}"
            )
            raise ValueError(msg)
        self.heights = nn.Parameter(heights.clone())
        if trained:
            self.tips = nn.Parameter(tips.clone())
        else:
            self.register_buffer("tips", tips.clone())

    def fill(self, size: int) -> None:
        """Add tips that are never active, so that envelopes of different sizes can be stacked.

        Parameters
        ----------
        size : int
            Number of tips, not below the present one. The added ones have an infinite height on the far side, get no
            gradient, and stay so.
        """
        more = size - len(self.heights)
        if more > 0:
            tips, never = cast("Tensor", self.tips), self.heights.new_full((more,), self.never)
            filled = torch.cat([tips.detach(), tips.detach()[:1].expand(more, -1)])
            self.heights = nn.Parameter(torch.cat([self.heights.detach(), never]))
            if isinstance(tips, nn.Parameter):
                self.tips = nn.Parameter(filled)
            else:
                self.register_buffer("tips", filled)

    never: ClassVar[float]
    """The height of a tip that is nowhere active."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""

    def _highest(self, x: Tensor, heights: Tensor) -> tuple[Tensor, Tensor]:
        r"""Distance to the tip that attains $\max_k h_k - |x - z_k|$, and which one it is."""
        tips: Tensor = self.tips  # a parameter or a buffer
        quick = self.training and torch.is_grad_enabled()
        with torch.no_grad():
            active = _active(x, tips, heights, quick)
        return torch.linalg.vector_norm(x - tips.index_select(0, active), dim=1), active


@final
class ConeEnvelope(Envelope):
    r"""Maximum of cones $T(x) = \max_k (h_k - |x - z_k|)$, 1-Lipschitz for all tips and heights.

    The gradient has length 1 except at the tips, where 0 is taken from the superdifferential.

    Examples
    --------
    >>> import torch
    >>> from gan.envelopes import ConeEnvelope
    >>> cones = ConeEnvelope(torch.tensor([[0.0], [4.0]]), torch.tensor([0.0, 1.0]))
    >>> cones(torch.tensor([[0.0], [1.0], [4.0], [9.0]])).tolist()
    [0.0, -1.0, 1.0, -4.0]
    """

    never = -math.inf

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        distance, active = self._highest(x, self.heights)
        return self.heights.index_select(0, active) - distance


@final
class FunnelEnvelope(Envelope):
    r"""Minimum of funnels $T(x) = \min_k (h_k + |x - z_k|)$, 1-Lipschitz for all tips and heights.

    The gradient has length 1 except at the tips, where 0 is taken from the subdifferential.

    Examples
    --------
    >>> import torch
    >>> from gan.envelopes import FunnelEnvelope
    >>> funnels = FunnelEnvelope(torch.tensor([[0.0], [4.0]]), torch.tensor([0.0, 1.0]))
    >>> funnels(torch.tensor([[0.0], [1.0], [4.0], [9.0]])).tolist()
    [0.0, 1.0, 1.0, 6.0]
    """

    never = math.inf

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        distance, active = self._highest(x, -self.heights)
        return self.heights.index_select(0, active) + distance


@final
class CTransformed(nn.Module):
    r"""The c-transform of dual values on atoms, $T(x) = \min_j (h_j + |x - y_j|)$: 1-Lipschitz on the whole space.

    With $h_j = -g_j = \max_i (f_i - |x_i - y_j|)$ it is at least f on the atoms of P and at most h on those of Q, so
    that it loses nothing of the bound that the pair (f, g) proves. Peyré & Cuturi (2019), section 5.1.

    Parameters
    ----------
    network : torch.nn.Module
        The free network whose values were transformed, kept for a warm start; it has no part in the values.
    tips : Tensor (m, d)
        The atoms $y_j$ of Q.
    heights : Tensor (m,)
        The values $h_j$ on them.

    Examples
    --------
    >>> import torch
    >>> from gan.envelopes import CTransformed
    >>> critic = CTransformed(torch.nn.Linear(1, 1), torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, 3.0]))
    >>> critic(torch.tensor([[0.0], [1.0], [5.0]])).tolist()
    [0.0, 1.0, 5.0]
    """

    def __init__(self, network: nn.Module, tips: Tensor, heights: Tensor) -> None:
        super().__init__()
        self.network, self.envelope = network, FunnelEnvelope(tips, heights).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Values at points (n, d)."""
        return self.envelope(x)  # type: ignore[no-any-return]


def _active(x: Tensor, tips: Tensor, heights: Tensor, quick: bool) -> Tensor:
    """Index of the highest cone at each point, block by block."""
    scores = _scores_by_products if quick else _scores_by_differences
    blocks = torch.split(x, max(1, BLOCK // len(tips)))
    return torch.cat([_argmax(scores(block, tips, heights)) for block in blocks])


def _argmax(scores: Tensor) -> Tensor:
    """Place of the largest of each row: first the group it is in, as torch's amax is much faster than its argmax."""
    n, k = scores.shape
    if k % GROUP:
        return scores.argmax(1)
    groups = scores.reshape(n, k // GROUP, GROUP)
    best = groups.amax(2).argmax(1)
    return GROUP * best + groups[torch.arange(n, device=scores.device), best].argmax(1)


def _scores_by_differences(x: Tensor, tips: Tensor, heights: Tensor) -> Tensor:
    return heights - torch.cdist(x, tips, compute_mode="donot_use_mm_for_euclid_dist")


def _scores_by_products(x: Tensor, tips: Tensor, heights: Tensor) -> Tensor:
    square = torch.addmm(tips.square().sum(1), x, tips.mT, alpha=-2) + x.square().sum(1, keepdim=True)
    return heights - square.clamp_min(0).sqrt()  # rounding makes some squares of short distances negative
