r"""Pairs of continuous distributions whose Wasserstein distance is known, with an optimal critic and an optimal plan.

A critic f with Lipschitz constant 1 and a coupling (x, y) of P and Q with $f(x) - f(y) = |x - y|$ almost surely prove
each other optimal: $W_1 \le \mathbb E|x - y| = \mathbb E_P f - \mathbb E_Q f \le W_1$. Every problem here is made of such
a pair, so that what is left to know is one mean, $W_1 = \mathbb E|x - y|$.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from divergences.transport.inputs import read_floats
from gan.expectations import at_least
from gan.sources import Sampler

__all__ = [
    "KnownProblem",
    "known_problems",
    "linear_bump",
    "normal_scale",
    "normal_shift",
    "sphere",
    "three_cones",
]

Plan = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
Critic = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True, eq=False)
class KnownProblem:
    r"""Two distributions, their Wasserstein distance, and what attains it from either side.

    Parameters
    ----------
    name : str
        What the distributions are.
    P, Q : Sampler
        Independent draws from either: from one generator after the other, or from generators of different seeds. With one
        seed for both the draws may be pairs of the plan.
    critic : callable
        The optimal critic $f^*$, (n, d) -> (n,) in the dtype and on the device of its points: 1-Lipschitz,
        $\mathbb E_P f^* - \mathbb E_Q f^* = W_1$. It is differentiable almost everywhere, by torch.
    plan : callable
        ``plan(n, generator)`` draws n independent pairs of an optimal plan, two double tensors (n, d) on the CPU, with
        $f^*(x) - f^*(y) = |x - y|$.
    answer : callable
        Makes the distance and its standard error, asked once, on first use; the error of a closed form is 0.

    Examples
    --------
    >>> import torch
    >>> from gan.known import normal_shift
    >>> problem = normal_shift(3, shift=2.0)
    >>> problem.distance, problem.distance_error
    (2.0, 0.0)
    >>> x, y = problem.plan(4, torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(problem.critic(x) - problem.critic(y), (x - y).norm(dim=1)))
    True
    """

    name: str
    P: Sampler
    Q: Sampler
    critic: Critic = field(repr=False)
    plan: Plan = field(repr=False)
    answer: Callable[[], tuple[float, float]] = field(repr=False)

    @cached_property
    def _known(self) -> tuple[float, float]:
        return self.answer()

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""
        return self.P.dimension

    @property
    def distance(self) -> float:
        """The distance $W_1(P, Q)$."""
        return self._known[0]

    @property
    def distance_error(self) -> float:
        """Standard error of `distance`, 0 for a closed form."""
        return self._known[1]


def normal_shift(dimension: int, *, shift: float | npt.ArrayLike = 1.0) -> KnownProblem:
    r"""N(0, I) against N(s, I): $W_1 = |s|$, for any translation of any distribution.

    The critic is $f^*(x) = -\langle s, x\rangle / |s|$.

    Parameters
    ----------
    dimension : int
        The number d of coordinates.
    shift : float or array_like (d,)
        The vector s; a number is a shift along the first axis.

    Returns
    -------
    KnownProblem
        With P around the origin.

    Raises
    ------
    ValueError
        If s is 0, where there is nothing to estimate, or not of d finite numbers.
    """
    at_least(1, dimension=dimension)
    s = np.zeros(dimension)
    if np.ndim(shift) == 0:
        s[0] = read_floats("shift", shift)
    else:
        s = read_floats("shift", shift)
    length = math.hypot(*s.ravel())
    if s.shape != (dimension,) or not 0 < length < math.inf:
        msg = f"expected shift to be a number or a vector of {dimension} finite numbers, not 0, got {shift!r}"
        raise ValueError(msg)
    vector, direction = torch.tensor(s), torch.tensor(s / length)

    def plan(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = _normal(n, dimension, generator)
        return x, x + vector

    return _closed(f"normal shift by {length:g}, d = {dimension}", dimension, _linear(-direction), plan, length)


def linear_bump(dimension: int, *, height: float = 2.0) -> KnownProblem:
    r"""N(0, I) against itself with mass lifted along the first axis by $h e^{-|x'|^2 / 2(d-1)}$, x' the other coordinates.

    $W_1 = h\,\mathbb E e^{-|x'|^2 / 2(d-1)} = h\,(1 + \frac1{d-1})^{-(d-1)/2}$, between 0.6 h and 0.71 h in all dimensions:
    all of P moves along parallel rays, the further the nearer to the axis. The critic is $f^*(x) = -x_1$.

    Parameters
    ----------
    dimension : int
        The number d of coordinates, 2 or more.
    height : float
        The largest displacement h.

    Returns
    -------
    KnownProblem
        With P the normal.
    """
    at_least(2, dimension=dimension)
    _require_positive("height", height)
    others = dimension - 1
    first = torch.eye(dimension, dtype=torch.float64)[0]

    def plan(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = _normal(n, dimension, generator)
        lift = height * torch.exp(-x[:, 1:].square().sum(1, keepdim=True) / (2 * others))
        return x, x + lift * first

    distance = height * math.exp(-others / 2 * math.log1p(1 / others))
    return _closed(f"linear bump of {height:g}, d = {dimension}", dimension, _linear(-first), plan, distance)


def normal_scale(dimension: int, *, scale: float = 2.0) -> KnownProblem:
    r"""N(0, I) against $N(0, \sigma^2 I)$: $W_1 = |\sigma - 1|\,\mathbb E|z| = |\sigma - 1|\sqrt2\,\Gamma(\frac{d+1}2)/\Gamma(\frac d2)$.

    Mass moves along the rays from the origin: $f^*(x) = -|x|$ where $\sigma > 1$, and |x| where it is below.

    Parameters
    ----------
    dimension : int
        The number d of coordinates.
    scale : float
        The standard deviation $\sigma$ of Q, not 1.

    Returns
    -------
    KnownProblem
        With P the standard normal.
    """
    at_least(1, dimension=dimension)
    _require_positive("scale", scale)
    if scale == 1:
        msg = "expected scale to differ from 1, where both are one distribution, got 1"
        raise ValueError(msg)
    sign = -1.0 if scale > 1 else 1.0
    origin = torch.zeros(1, dimension, dtype=torch.float64)

    def plan(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = _normal(n, dimension, generator)
        return x, scale * x

    mean = math.sqrt(2) * math.exp(math.lgamma((dimension + 1) / 2) - math.lgamma(dimension / 2))
    name = f"N(0, I) against N(0, {scale:g}² I), d = {dimension}"
    return _closed(name, dimension, _nearest(origin, sign), plan, abs(scale - 1) * mean)


def three_cones() -> KnownProblem:
    r"""Three unit circles in the plane against their centres (-2, 0), (0, 0), (2, 0): $W_1 = 1$.

    The circles touch; $f^*(x) = \min_k |x - c_k|$ has three tips. Anil, Lucas & Grosse (2019) use such pairs to see
    which networks can keep the length of gradients.

    Returns
    -------
    KnownProblem
        With P on the circles.
    """
    centres = torch.tensor([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    return _spheres("three cones", centres, 1.0)


def sphere(dimension: int = 128, *, radius: float = 1.0) -> KnownProblem:
    r"""The uniform distribution on a sphere against its centre: $W_1$ is the radius, $f^*(x) = |x|$.

    Parameters
    ----------
    dimension : int
        The number d of coordinates.
    radius : float
        Radius of the sphere.

    Returns
    -------
    KnownProblem
        With P on the sphere, and Q in one point.
    """
    at_least(1, dimension=dimension)
    _require_positive("radius", radius)
    return _spheres(
        f"sphere of radius {radius:g}, d = {dimension}", torch.zeros(1, dimension, dtype=torch.float64), radius
    )


def known_problems(*, dimensions: tuple[int, ...] = (2, 16), sphere_dimension: int = 128) -> Iterator[KnownProblem]:
    """The pairs with closed forms: shift, bump and scale of normals in each dimension, the cones, the sphere.

    Parameters
    ----------
    dimensions : tuple of int
        Dimensions of the normals, 2 or more.
    sphere_dimension : int
        Dimension of the sphere.

    Yields
    ------
    KnownProblem
        One pair after the other.

    Examples
    --------
    >>> import gan
    >>> for problem in gan.known_problems(dimensions=(2,)):
    ...     print(problem.name)
    normal shift by 1, d = 2
    linear bump of 2, d = 2
    N(0, I) against N(0, 2² I), d = 2
    three cones
    sphere of radius 1, d = 128
    """
    for family in (normal_shift, linear_bump, normal_scale):
        for d in dimensions:
            yield family(d)
    yield three_cones()
    yield sphere(sphere_dimension)


def _closed(name: str, dimension: int, critic: Critic, plan: Plan, distance: float) -> KnownProblem:
    """A problem whose distributions are the sides of its plan."""
    P = Sampler(lambda n, generator: plan(n, generator)[0], dimension, f"P of {name}")
    Q = Sampler(lambda n, generator: plan(n, generator)[1], dimension, f"Q of {name}")
    return KnownProblem(name, P, Q, critic, plan, lambda: (distance, 0.0))


def _spheres(name: str, centres: Tensor, radius: float) -> KnownProblem:
    """Spheres of one radius, none with a centre nearer to it than its own, against their centres."""

    def plan(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        y = centres[torch.randint(len(centres), (n,), generator=generator)]
        z = _normal(n, centres.shape[1], generator)
        return y + radius * z / z.norm(dim=1, keepdim=True), y

    return _closed(name, centres.shape[1], _nearest(centres, 1.0), plan, radius)


def _normal(n: int, dimension: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, dimension, generator=generator, dtype=torch.float64)


def _linear(direction: Tensor) -> Critic:
    """The inner product with a direction."""
    return lambda x: x @ direction.to(x)


def _nearest(centres: Tensor, sign: float) -> Critic:
    """The distance to the nearest of some points, times a sign; where it vanishes torch takes 0 for the gradient."""

    def critic(x: Tensor) -> Tensor:
        # by differences: the expanded square loses small distances in rounding
        return sign * torch.cdist(x, centres.to(x), compute_mode="donot_use_mm_for_euclid_dist").amin(1)

    return critic


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        msg = f"expected {name} to be a positive number, got {value!r}"
        raise ValueError(msg)
