r"""How near a critic comes to the optimal one: the measures of the benchmark of Korotin, Kolesov & Burnaev (2022).

The value of a critic may be right by accident; its gradient, along which a generator is trained, is compared with that of
the optimal critic at points of P.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import final

import torch
from torch import Tensor, nn

from gan.expectations import at_least
from gan.known import KnownProblem

__all__ = ["CriticErrors", "critic_errors"]

BLOCK = 2**13
"""Points whose gradients are taken at a time."""


@final
@dataclass(frozen=True)
class CriticErrors:
    r"""A critic f beside the optimal one $f^*$.

    Parameters
    ----------
    cosine : float
        $\mathbb E_P \cos(\nabla f, \nabla f^*)$, 1 for the optimal critic; where $\nabla f$ vanishes the cosine counts as 0.
    squared : float
        $\mathbb E_P |\nabla f - \nabla f^*|^2$.
    largest : float
        The longest gradient of f that was seen, a lower bound of its Lipschitz constant.
    value : float
        $\mathbb E_P f - \mathbb E_Q f$ on the points drawn.
    standard_error : float
        Standard error of `value`.
    relative : float
        $\mathtt{value} / W_1 - 1$; the paper reports 100 times its magnitude.

    Examples
    --------
    Half of the optimal critic: its gradients point the right way and are half as long as they should be.

    >>> import torch
    >>> import gan
    >>> from gan.known import normal_shift
    >>> problem = normal_shift(3, shift=2.0)
    >>> errors = gan.critic_errors(lambda x: problem.critic(x) / 2, problem, torch.Generator().manual_seed(0))
    >>> round(errors.cosine, 6), round(errors.squared, 6), round(errors.largest, 6)
    (1.0, 0.25, 0.5)
    """

    cosine: float
    squared: float
    largest: float
    value: float
    standard_error: float
    relative: float


def critic_errors(
    critic: Callable[[Tensor], Tensor], problem: KnownProblem, generator: torch.Generator, *, size: int = 4096
) -> CriticErrors:
    r"""Measure a critic against the optimal one on fresh points.

    Parameters
    ----------
    critic : callable
        A function (n, d) -> (n,) that torch can differentiate; a module is given points in the dtype and on the device of
        its parameters.
    problem : KnownProblem
        The distributions and the optimal critic.
    generator : torch.Generator
        Randomness of the points, on the CPU.
    size : int
        Points of either distribution; the paper takes 4096.

    Returns
    -------
    CriticErrors
        All measures; those of gradients leave out points of P at which $f^*$ has no gradient of length 1, its tips.

    Raises
    ------
    ValueError
        If the critic is not finite on the points, or its gradient is not.

    Examples
    --------
    >>> import torch
    >>> from gan.gradients import critic_errors
    >>> from gan.known import sphere
    >>> errors = critic_errors(lambda x: x.norm(dim=1) / 2, sphere(3), torch.Generator().manual_seed(0))
    >>> round(errors.cosine, 9), round(errors.squared, 9), round(errors.largest, 9), round(errors.relative, 9)
    (1.0, 0.25, 0.5, -0.5)
    """
    at_least(2, size=size)
    x, y = problem.P(size, generator), problem.Q(size, generator)
    fx, slope = _values_and_slopes(critic, x)
    _, truth = _values_and_slopes(problem.critic, x)
    fy, _ = _values_and_slopes(critic, y)
    smooth = truth.norm(dim=1) > 1 / 2  # it is 1, or 0 at a tip
    lengths = slope.norm(dim=1)
    # dividing by infinity makes the cosine 0 where the gradient is
    divisor = torch.where(lengths > 0, lengths * truth.norm(dim=1), math.inf)
    cosine = (slope * truth).sum(1) / divisor
    value = float(fx.mean() - fy.mean())
    return CriticErrors(
        cosine=float(cosine[smooth].mean()),
        squared=float((slope - truth).square().sum(1)[smooth].mean()),
        largest=float(lengths.max()),
        value=value,
        standard_error=math.sqrt(float(fx.var() + fy.var()) / size),
        relative=value / problem.distance - 1,
    )


def _values_and_slopes(critic: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, Tensor]:
    """Values (n,) and gradients (n, d) at points, doubles on the CPU."""
    like = points
    if isinstance(critic, nn.Module):
        like = next(chain(critic.parameters(), critic.buffers()), points)
    values, slopes = [], []
    for part in torch.split(points.to(like), BLOCK):
        at = part.detach().requires_grad_()
        f = critic(at)
        (slope,) = torch.autograd.grad(f.sum(), at)
        values.append(f.detach().double().cpu())
        slopes.append(slope.double().cpu())
    value, gradient = torch.cat(values), torch.cat(slopes)
    if value.shape != (len(points),) or not bool(value.isfinite().all() and gradient.isfinite().all()):
        msg = f"expected a critic (n, d) -> (n,) with finite values and gradients, got {value!r}"
        raise ValueError(msg)
    return value, gradient
