r"""Clipping a critic, so that its values lie in a known interval, as finite-sample bounds need.

Clipping keeps the bound a bound. Cut to an interval, a 1-Lipschitz critic stays 1-Lipschitz, and a log-ratio v stays a
log-ratio: T = f'(e^v) is an admissible critic whatever v is. Clipped values lie in a known interval, as finite-sample
bounds need, and what clipping costs is contained in the number. The limits must not depend on the held-out samples.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

import divergences as dv
from gan.certificates import CRITIC_ERROR
from gan.confidence import LARGEST, Confidence, Limits
from gan.expectations import Floats

__all__ = ["Clipped", "Reading", "clip_limits", "held_out_bound"]

QUANTILES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Shares of the values that may be clipped on one side; 0 is the extreme value."""


@final
@dataclass(frozen=True, eq=False)
class Clipped:
    """Values of a clipped critic on two samples, and the intervals they can be in.

    Parameters
    ----------
    a, b : array (n,), (m,)
        The numbers whose means are subtracted.
    range_a, range_b : tuple of float
        Their intervals.
    """

    a: Floats
    b: Floats
    range_a: Limits
    range_b: Limits


@final
@dataclass(frozen=True)
class Reading:
    r"""How the outputs v of a critic become a lower bound, $\mathbb E_P[g(v)] - \mathbb E_Q[h(v)]$.

    The bound must hold for every v; g and h never fall, so that the range of a clipped v gives theirs.

    Parameters
    ----------
    gain, loss : callable
        Functions g and h, from arrays of doubles to arrays of the same shape.
    error : float
        Largest error of g and h, relative to their magnitude plus 1, and for each 8 of v once more.

    Examples
    --------
    >>> import divergences as dv
    >>> import gan
    >>> gan.Reading.of_critic().ranges((-1.0, 2.0))
    ((-1.0, 2.0), (-1.0, 2.0))
    >>> gain, loss = gan.Reading.of_log_ratio(dv.kl).ranges((-1.0, 2.0))
    >>> gain  # 1 + v, the critic T of KL
    (0.0, 3.0)
    """

    gain: Callable[[Floats], Floats]
    loss: Callable[[Floats], Floats]
    error: float = 0.0

    @classmethod
    def of_critic(cls) -> Self:
        r"""Both means of the critic itself, as for $W_1$ with a 1-Lipschitz one."""
        return cls(_as_it_is, _as_it_is)

    @classmethod
    def of_log_ratio(cls, f: dv.FDivergence) -> Self:
        r"""The variational bound of an f-divergence, $g(v) = f'(e^v)$ and $h(v) = f^*(f'(e^v)) = -f^{\circ\prime}(e^{-v})$.

        Parameters
        ----------
        f : divergences.FDivergence
            The divergence.

        Returns
        -------
        Reading
            For any log-ratios v; the bound is attained at $v = \log dP/dQ$.
        """
        # a power of e^v of exponent above 4 makes more of the rounding of v than the critics of the catalogue do
        power = max((abs(e) for _, *ab in (*f.powers, *f.reverse.powers) for e in ab), default=0.0)
        return cls(
            lambda v: np.asarray(f.optimal_critic(v)),
            lambda v: -np.asarray(f.reverse.optimal_critic(-v)),
            CRITIC_ERROR * max(1.0, (1 + power) / 4),
        )

    def ranges(self, limits: Limits) -> tuple[Limits, Limits]:
        """Intervals of gain and loss where v is within the limits.

        Parameters
        ----------
        limits : tuple of float
            The interval (lo, hi) of v.

        Returns
        -------
        tuple
            The two intervals; ends may be infinite.
        """
        low, high = limits
        if not -math.inf < low <= high < math.inf:
            msg = f"expected finite limits (lo, hi) with lo <= hi, got ({low!r}, {high!r})"
            raise ValueError(msg)
        ends = np.array([low, high], dtype=np.float64)
        (a, c), (b, d) = self.gain(ends).tolist(), self.loss(ends).tolist()
        return (a, c), (b, d)

    def clipped(self, v_p: npt.ArrayLike, v_q: npt.ArrayLike, limits: Limits) -> Clipped:
        """Gains on P and losses on Q of the critic, clipped.

        Parameters
        ----------
        v_p, v_q : array_like (n,), (m,)
            Outputs of the critic on the two samples; infinite ones are clipped as others are.
        limits : tuple of float
            Where to clip, chosen without these samples.

        Returns
        -------
        Clipped
            Values and their ranges.

        Raises
        ------
        ValueError
            If an output is NaN, or the limits leave no finite range.
        """
        range_a, range_b = self.ranges(limits)
        if not np.isfinite([*range_a, *range_b]).all():
            msg = f"expected limits that leave finite values, got {limits}, which give {range_a} and {range_b}; use closer ones"
            raise ValueError(msg)
        # the functions never fall, but their rounded values may, by a last place
        a = np.clip(self.gain(np.clip(_outputs("v_p", v_p), *limits)), *range_a)
        b = np.clip(self.loss(np.clip(_outputs("v_q", v_q), *limits)), *range_b)
        return Clipped(a, b, range_a, range_b)

    def slack(self, limits: Limits) -> float:
        """What rounding in gain and loss can add to the difference of their means, with v within the limits.

        Parameters
        ----------
        limits : tuple of float
            The interval of v.

        Returns
        -------
        float
            Not negative.
        """
        magnitude = sum(1 + max(map(abs, ends)) for ends in self.ranges(limits))
        return self.error * magnitude * (1 + max(map(abs, limits)) / 8)


def held_out_bound(
    method: Confidence, reading: Reading, v_p: npt.ArrayLike, v_q: npt.ArrayLike, limits: Limits
) -> float:
    r"""Lower confidence bound of a divergence between populations, from a critic's outputs on held-out samples.

    Parameters
    ----------
    method : Confidence
        How to bound a difference of means, and the level.
    reading : Reading
        How outputs become a lower bound of the divergence.
    v_p, v_q : array_like (n,), (m,)
        Outputs of one critic on independent samples of P and of Q that neither the critic nor the limits have seen.
    limits : tuple of float
        Where outputs are clipped, as chosen by `clip_limits` on other samples.

    Returns
    -------
    float
        A number that is above the divergence with probability 1 - level at most (in the limit, for `CentralLimit`).

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import divergences as dv
    >>> from gan.clipping import Reading, clip_limits, held_out_bound
    >>> from gan.confidence import Betting
    >>> draw = torch.Generator().manual_seed(0)
    >>> x, y = torch.randn(2, 2, 4000, generator=draw, dtype=torch.float64).numpy() + np.array([[[1.0]], [[0.0]]])
    >>> reading, method = Reading.of_log_ratio(dv.kl), Betting(0.95)
    >>> limits = clip_limits(reading, x[0] - 0.5, y[0] - 0.5, method)  # the log-ratio is x - 1/2, the divergence 1/2
    >>> 0.4 < held_out_bound(method, reading, x[1] - 0.5, y[1] - 0.5, limits) < 0.5
    True
    """
    values = reading.clipped(v_p, v_q, limits)
    bound = method.lower(values.a, values.b, values.range_a, values.range_b)
    return math.nextafter(bound - reading.slack(limits), -math.inf)


def clip_limits(
    reading: Reading,
    v_p: npt.ArrayLike,
    v_q: npt.ArrayLike,
    method: Confidence,
    *,
    quantiles: Sequence[float] = QUANTILES,
) -> Limits:
    """Where to clip a critic, so that the confidence bound on these samples is largest.

    Both limits run over quantiles of all outputs together, from either end, and over 0. The samples must be others than
    those of the bound: from the training or for the choice among critics.

    Parameters
    ----------
    reading : Reading
        How outputs become a lower bound.
    v_p, v_q : array_like (n,), (m,)
        Outputs of the critic on samples of P and of Q.
    method : Confidence
        The bound that is made largest.
    quantiles : sequence of float
        Shares of the outputs that may be clipped on one side, from 0 (the extreme output) to below 1/2.

    Returns
    -------
    tuple of float
        Finite limits (lo, hi) at which gain and loss are finite. Where the critic tells nothing, clipping all to one
        number is best.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> v_p, v_q = torch.randn(2, 500, generator=torch.Generator().manual_seed(0)).numpy() + [[1.0], [0.0]]
    >>> reading, method = gan.Reading.of_critic(), gan.Betting(0.95)
    >>> low, high = gan.clip_limits(reading, v_p, v_q, method)
    >>> bool(min(v_p.min(), v_q.min()) <= low < high <= max(v_p.max(), v_q.max()))
    True
    """
    p, q = _outputs("v_p", v_p), _outputs("v_q", v_q)
    if not quantiles or not all(0 <= share < 0.5 for share in quantiles):
        msg = f"expected quantiles of at least 0 and below 0.5, got {quantiles!r}"
        raise ValueError(msg)
    order = np.sort(np.concatenate([p, q]))
    places = {math.floor(share * (len(order) - 1)) for share in quantiles}
    lows, highs = ({0.0, *(float(order[s * k - (s < 0)]) for k in places)} for s in (1, -1))
    pairs = [(low, high) for low in sorted(lows) for high in sorted(highs) if _usable(reading, low, high)]
    return max(pairs, key=lambda limits: held_out_bound(method, reading, p, q, limits))


def _usable(reading: Reading, low: float, high: float) -> bool:
    """Whether limits are in order and leave values that can be summed; an infinite output is no limit."""
    if not -math.inf < low <= high < math.inf:
        return False
    return all(max(map(abs, ends)) <= LARGEST for ends in reading.ranges((low, high)))


def _outputs(name: str, values: npt.ArrayLike) -> Floats:
    v = np.asarray(values, dtype=np.float64)
    if v.ndim != 1 or len(v) < 2 or np.isnan(v).any():
        msg = f"expected two or more outputs {name}, of shape (n,), none of them NaN, got {v!r}"
        raise ValueError(msg)
    return v


def _as_it_is(v: Floats) -> Floats:
    return v
