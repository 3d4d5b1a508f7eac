r"""Proven lower bounds that are cheap enough to be looked at while critics train, for many pairs at once.

Each is a sum in doubles, less a bound, known before the sum is made, of what its roundings can amount to; minima are not
rounded. :mod:`gan.certificates` proves the same in exact arithmetic, once.

For any values f on P the pair $g_j = \min_i c_{ij} - f_i$, $f'_i = \min_j c_{ij} - g_j$ is feasible, hence
$\sum_i p_i f'_i + \sum_j q_j g_j \le W_1$ (Peyré & Cuturi 2019, section 5.1). In doubles $f'_i$ is a rounded difference
that is not above any other of its row, so that $f'_i - 2^{-52} |f'_i|$ and g are feasible as real numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import pad

import divergences as dv
from gan.certificates import CRITIC_ERROR

__all__ = ["ScaledBound", "best_scale", "distance_error", "fenchel_bounds", "kantorovich_bounds"]

_UNIT = 2.0**-53  # of rounding
_FLOOR = 2.0**-500  # below it a distance is lost with the squares of its coordinates
_MARGIN = 16  # roundings: two of feasibility, one quotient, and the last few sums and products, twice
_BLOCK = 2**20  # pairs looked at at once
_STEPS = 40  # of the search for a scale
_DOUBLINGS = 64
_AROUND = tuple(2.0 ** (k / 2) for k in range(-2, 7))  # multiples of the scale it finds


def distance_error(dimension: int) -> float:
    """Largest relative error of Euclidean distances in doubles, made from differences, their squares, sum and root.

    Parameters
    ----------
    dimension : int
        Number of coordinates.

    Returns
    -------
    float
        The bound that `divergences` uses: d / 2 + 2 roundings, and a hundredth for their products.
    """
    return 1.01 * _UNIT * (dimension / 2 + 2)


@final
@dataclass(frozen=True, eq=False)
class ScaledBound:
    """The multiple of a critic that proves the most, and what it proves.

    Parameters
    ----------
    scale : Tensor (E,)
        Non-negative factors.
    lower : Tensor (E,)
        Proven lower bounds of the distances.
    """

    scale: Tensor
    lower: Tensor


def kantorovich_bounds(tx: Tensor, ty: Tensor, cost: Tensor, p: Tensor, q: Tensor, *, error: float) -> Tensor:
    r"""Proven lower bounds of $W_1$ for E pairs of finite measures, from critic values on their atoms.

    As :func:`gan.kantorovich_bound`: the best of the c-transforms from either side, of the critic as it is and divided by
    its slope, and of constants. O(n m) each, in blocks.

    Parameters
    ----------
    tx, ty : Tensor (E, n), (E, m)
        Finite critic values on the atoms of P and of Q, of any floating type.
    cost : Tensor (E, n, m) of double
        Distances, at least 0. Those of atoms without mass do not count and may be infinite.
    p, q : Tensor (E, n), (E, m) of double
        Non-negative weights; the bounds are those of the exactly normalised ones. Weights of 0 fill up smaller pairs.
    error : float
        Largest relative error of `cost`, beside an absolute one of 2**-500 where it is positive:
        :func:`distance_error` for Euclidean distances, 0 if they are to be taken as they are.

    Returns
    -------
    Tensor (E,) of double
        Numbers that are not above the distances, at least 0.

    Raises
    ------
    TypeError
        If costs or weights are not of double precision.
    ValueError
        If shapes do not fit, critic values are not finite, or a pair of atoms with mass has an infinite cost.

    Examples
    --------
    >>> import torch
    >>> from gan.brackets import kantorovich_bounds
    >>> x, y = torch.tensor([[0.0, 4.0, 8.0]]).double(), torch.tensor([[1.0, 5.0, 12.0]]).double()
    >>> third = torch.full((1, 3), 1 / 3, dtype=torch.float64)
    >>> bound = kantorovich_bounds(-x, -y, (x[:, :, None] - y[:, None]).abs(), third, third, error=0.0)
    >>> bool(0 < 2 - bound.item() < 1e-13)
    True
    """
    pair = _read(tx, ty, cost, p, q)
    slope = _slopes(pair)
    usable = (slope > 0) & (slope < math.inf) & ((1 / slope) < math.inf)
    scale = torch.where(usable, 1 / slope, 1.0)
    bounds = [_certified(side, s, error) for side in pair.sides for s in (torch.ones_like(scale), scale)]
    return torch.stack([*bounds, _constants(pair, error)]).amax(0)


def best_scale(tx: Tensor, ty: Tensor, cost: Tensor, p: Tensor, q: Tensor, *, error: float) -> ScaledBound:
    r"""The multiple s T of each critic whose c-transform proves the most.

    $h(s) = s \sum_i p_i f_i + \sum_j q_j \min_i (c_{ij} - s f_i)$ is concave and piecewise linear in s, as a sum of
    minima of linear functions, with f = T on P, or -T on Q with the roles exchanged. Its maximum is enclosed by
    tangents, which meet above it. The transform back to P gains most from noisy critics, at other scales, and is not
    concave; so multiples from a half to eight are tried, too. This recovers critics that clipping or a penalty has made
    too flat or too steep.

    Parameters
    ----------
    tx, ty, cost, p, q : Tensor
        As for :func:`kantorovich_bounds`.
    error : float
        As there.

    Returns
    -------
    ScaledBound
        Scales, and bounds that are never below those of :func:`kantorovich_bounds`, except that of the slope by rounding.

    Raises
    ------
    TypeError, ValueError
        As for :func:`kantorovich_bounds`.
    """
    pair = _read(tx, ty, cost, p, q)
    scales, bounds = [], []
    for side in pair.sides:
        most = _search(side)
        for scale in (torch.ones_like(most), *(factor * most for factor in _AROUND)):
            scales.append(scale)
            bounds.append(_certified(side, scale, error))
    # constants are the multiple 0
    scales.append(torch.zeros_like(scales[0]))
    bounds.append(_constants(pair, error))
    lower, which = torch.stack(bounds).max(0)
    return ScaledBound(torch.stack(scales).gather(0, which[None])[0], lower)


def fenchel_bounds(f: dv.FDivergence, v: Tensor, p: Tensor, q: Tensor) -> Tensor:
    r"""Proven lower bounds of $D_f(P\|Q)$ for E pairs of measures on k common atoms each, from log-ratios.

    As :func:`gan.fenchel_bound`, in doubles: $\mathbb E_P[f'(e^v)] + \mathbb E_Q[f^{\circ\prime}(e^{-v})]$, less the
    errors of the critics and of the sums.

    Parameters
    ----------
    f : divergences.FDivergence
        The divergence.
    v : Tensor (E, k)
        Log-ratios, of any floating type.
    p, q : Tensor (E, k) of double
        Weights of the atoms under P and Q, as those of ``joint_support``: sums rounded once are allowed for. Atoms with
        neither weight fill up smaller pairs.

    Returns
    -------
    Tensor (E,) of double
        Numbers that are not above the divergences; 0 where a critic overflows.

    Raises
    ------
    TypeError
        If weights are not of double precision.
    ValueError
        If shapes do not fit, or log-ratios are NaN.
    """
    _doubles(p=p, q=q)
    if not v.shape == p.shape == q.shape or v.ndim != 2 or bool(v.isnan().any()):
        msg = f"expected log-ratios and weights of one shape (E, k), none NaN, got {v.shape}, {p.shape}, {q.shape}"
        raise ValueError(msg)
    v = v.double()
    decades = CRITIC_ERROR * (1 + torch.where(v.isfinite(), v.abs(), 0.0) / 8)
    total = slack = torch.zeros_like(p[:, 0])
    for w, critic in ((p, f.optimal_critic(v)), (q, f.reverse.optimal_critic(-v))):
        mean, error = _mean(w, critic)
        total, slack = total + mean, slack + error + _mean(w, decades * (1 + critic.abs()))[0] * (1 + 2.0**-20)
    bound = total - slack
    return torch.where(bound.isfinite(), bound.clamp_min(0.0), 0.0)


@final
@dataclass(frozen=True, eq=False)
class _Side:
    """Values f on the atoms of one measure, and the costs to those of the other."""

    f: Tensor
    cost: Tensor
    p: Tensor
    q: Tensor


@final
@dataclass(frozen=True, eq=False)
class _Pairs:
    """Critic values on both sides of E pairs, in doubles."""

    tx: Tensor
    ty: Tensor
    cost: Tensor
    p: Tensor
    q: Tensor

    @property
    def sides(self) -> tuple[_Side, _Side]:
        """The same seen from P and from Q, without offsets: any values are allowed, and these lose fewer digits."""
        fx, fy = (t - _mean(w, t)[0][:, None] for t, w in ((self.tx, self.p), (self.ty, self.q)))
        return _Side(fx, self.cost, self.p, self.q), _Side(-fy, self.cost.transpose(1, 2), self.q, self.p)


def _read(tx: Tensor, ty: Tensor, cost: Tensor, p: Tensor, q: Tensor) -> _Pairs:
    """Refuse what would not be proven."""
    _doubles(cost=cost, p=p, q=q)
    if cost.ndim != 3 or not (tx.shape == p.shape == cost.shape[:2] and ty.shape == q.shape == cost.shape[::2]):
        msg = (
            "expected tx and p of shape (E, n), ty and q of shape (E, m), cost of shape (E, n, m), got "
            f"{[tuple(t.shape) for t in (tx, p, ty, q, cost)]}"
        )
        raise ValueError(msg)
    held, present = p > 0, q > 0
    if not all(bool(torch.where(w, t, 0.0).isfinite().all()) for t, w in ((tx, held), (ty, present))):
        msg = "expected finite critic values on atoms with mass, got NaN or infinity; lower the step size"
        raise ValueError(msg)
    return _Pairs(torch.where(held, tx, 0.0).double(), torch.where(present, ty, 0.0).double(), cost, p, q)


def _doubles(**tensors: Tensor) -> None:
    """Refuse smaller floats, whose rounding is not allowed for."""
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float64:
            msg = f"expected {name} in double precision, got {tensor.dtype}; make it from the points, not by .double()"
            raise TypeError(msg)


def _mean(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means of the last axis under the normalised weights, and a bound of their rounding errors, feasibility included.

    Sums of k terms lose at most k - 1 roundings of the sum of their magnitudes, in any order (Higham 2002, section 4.2);
    made in two steps, of about sqrt(n) terms each, 2 sqrt(n) of them.
    """
    n = x.shape[-1]
    x = torch.where(w > 0, x, 0.0)
    mass = _sum(w)
    roundings = 2 * (2 * math.isqrt(n) + 4) + _MARGIN
    error = roundings * _UNIT * (_sum(w * x.abs()) / mass) + n * 2.0**-1074
    return _sum(w * x) / mass, error


def _sum(x: Tensor) -> Tensor:
    """Sum over the last axis in two steps."""
    n = x.shape[-1]
    width = math.isqrt(n - 1) + 1
    return pad(x, (0, -n % width)).reshape(*x.shape[:-1], -1, width).sum(-1).sum(-1)


def _certified(side: _Side, scale: Tensor, error: float) -> Tensor:
    """The bound that the multiples of f prove, at least 0."""
    g = torch.where(side.q > 0, _columns(side, scale[:, None] * side.f), -math.inf)
    f = torch.cat([(cost - g[:, None]).amin(2) for cost, _ in _blocks(side)], 1)
    (first, lost), (second, missed) = _mean(side.p, f), _mean(side.q, g)
    bound = (first + second - lost - missed) * (1 - error) - (_FLOOR if error else 0.0)
    if not bool(bound.isfinite().all()):
        msg = "expected finite costs between atoms with mass, and critic values whose sums are finite, got others"
        raise ValueError(msg)
    return bound.clamp_min(0.0)


def _constants(pair: _Pairs, error: float) -> Tensor:
    """What constant potentials prove: the least cost."""
    side, least = pair.sides[0], torch.full_like(pair.p[:, 0], math.inf)
    for cost, rows in _blocks(side):
        used = (pair.p[:, rows, None] > 0) & (pair.q[:, None] > 0)
        least = torch.minimum(least, torch.where(used, cost, math.inf).amin((1, 2)))
    bound = least * (1 - error) * (1 - _MARGIN * _UNIT) - (_FLOOR if error else 0.0)
    return bound.clamp_min(0.0)


def _slopes(pair: _Pairs) -> Tensor:
    """Largest slope from an atom of P to one of Q, both with mass; infinite where two coincide and differ."""
    slope = torch.zeros_like(pair.p[:, 0])
    for cost, rows in _blocks(pair.sides[0]):
        rise = pair.tx[:, rows, None] - pair.ty[:, None]
        rising = (pair.p[:, rows, None] > 0) & (pair.q[:, None] > 0) & (rise > 0)
        slope = torch.maximum(slope, torch.where(rising, rise / cost, 0.0).amax((1, 2)))
    return slope


def _columns(side: _Side, f: Tensor) -> Tensor:
    """The largest g that is feasible with f, by atoms with mass."""
    held = torch.where(side.p > 0, f, -math.inf)
    g = torch.full_like(side.q, math.inf)
    for cost, rows in _blocks(side):
        g = torch.minimum(g, (cost - held[:, rows, None]).amin(1))
    return g


def _blocks(side: _Side) -> Iterator[tuple[Tensor, slice]]:
    """Rows of the costs, so many that their pairs are about a block."""
    E, n, m = side.cost.shape
    size = max(1, _BLOCK // (E * m))
    for k in range(0, n, size):
        rows = slice(k, k + size)
        yield side.cost[:, rows], rows


def _search(side: _Side) -> Tensor:
    """The scale with the largest h, nearly; 1 where f is constant and all scales are worth the same."""
    held = side.p > 0
    top = torch.where(held, side.f, -math.inf).amax(1)
    spread = top - torch.where(held, side.f, math.inf).amin(1)
    used = held[:, :, None] & (side.q > 0)[:, None]
    most = torch.where(used, side.cost, 0.0).amax((1, 2))
    start = most / spread
    usable = (spread > 0) & (start > 0) & (start < math.inf)
    one = torch.ones_like(start)

    def at(s: Tensor) -> tuple[Tensor, Tensor]:
        return _worth(side, s)

    low = torch.zeros_like(start)
    h_low, d_low = at(low)
    high = torch.where(usable, start, one)
    h_high, d_high = at(high)
    best, h_best = torch.where(h_high > h_low, high, low), torch.maximum(h_high, h_low)
    for _ in range(_DOUBLINGS):
        rising = usable & (d_high > 0)
        if not bool(rising.any()):
            break
        high = torch.where(rising, 2 * high, high)
        h_high, d_high = at(high)
    for step in range(_STEPS):
        open_ = usable & (d_low > 0) & (d_high < 0) & (high > low)
        if not bool(open_.any()):
            break
        meet = (h_high - h_low + d_low * low - d_high * high) / torch.where(open_, d_low - d_high, one)
        inside = open_ & (meet > low) & (meet < high) & (step % 4 < 3)  # now and then the middle, lest one end stays
        s = torch.where(inside, meet, (low + high) / 2)
        h, d = at(s)
        better = usable & (h > h_best)
        best, h_best = torch.where(better, s, best), torch.where(better, h, h_best)
        left = d > 0
        low, h_low, d_low = (torch.where(left, new, old) for new, old in ((s, low), (h, h_low), (d, d_low)))
        high, h_high, d_high = (torch.where(left, old, new) for new, old in ((s, high), (h, h_high), (d, d_high)))
    return torch.where(usable, best, one)


def _worth(side: _Side, s: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers h(s) and slopes of h there."""
    held = torch.where(side.p > 0, s[:, None] * side.f, -math.inf)
    g, nearest = torch.full_like(side.q, math.inf), torch.zeros_like(side.q, dtype=torch.long)
    for cost, rows in _blocks(side):
        least, where = (cost - held[:, rows, None]).min(1)
        closer = least < g
        g, nearest = torch.where(closer, least, g), torch.where(closer, where + rows.start, nearest)
    mean = _mean(side.p, side.f)[0]
    return s * mean + _mean(side.q, g)[0], mean - _mean(side.q, side.f.gather(1, nearest))[0]
