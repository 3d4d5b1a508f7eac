r"""What is a function of an f-divergence: Renyi, Tsallis, Bhattacharyya, Chernoff.

All rest on one sum, the affinity $S_s = \sum p^s q^{1-s}$. Near p = q, and for orders near 0 and 1, it is 1 up to
rounding, so there its distance from 1 is formed instead. With $v = \log(p/q)$, $d = p - q$ and the convex functions
$\psi(z) = e^z - 1 - z$ and $\varphi(z) = \psi(z)/z^2$ it is

$$1 - S_s = \sum s p + (1-s) q - p^s q^{1-s} = \sum q\,s v^2 (\varphi(v) - s\,\varphi(sv)),\quad 0 \le s \le \tfrac12,$$

$$(S_{1+e} - 1)/e = \sum p\,\psi(-v) + \tfrac pe\,\psi(ev),\qquad e \ge 0,$$

sums of non-negative terms, because the masses agree; for $\tfrac12 < s < 1$ p and q change places. Where S is below 1/2
its logarithm is that of the sum itself; where it is beyond the range of doubles the largest ratio is taken out.

References
----------
van Erven, T. and Harremoes, P. (2014). Renyi divergence and Kullback-Leibler divergence.
IEEE Transactions on Information Theory 60(7), 3797-3820.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, final

from divergences._arrays import Array, blockwise, constant, known, namespace, quiet, result
from divergences._objects import are_distributions
from divergences._pairs import Pair, scaled_difference, simplex_pair, two_product
from divergences.catalogue import alpha, squared_hellinger
from divergences.elementary import Numeric

if TYPE_CHECKING:
    from divergences._between import Gaps

__all__ = ["bhattacharyya", "chernoff", "renyi", "tsallis"]

CURVE = tuple(1 / math.factorial(k) for k in range(24, 1, -1))
"""(exp(z) - 1 - z) / z**2 as a polynomial, highest power first: for |z| <= 2 the remainder is below 1e-18."""

CLOSE = 0.1
"""Where 1 - S at s = 1/2 is below this, the slope of S is found from the differences of p and q."""

STEPS = 30
"""Newton steps to the Chernoff exponent, at most; 2 to 8 are usual. More are taken only where p and q differ by less
than the rounding of their masses."""

LAST = 1e-9
"""A Newton step below this is the last: what it leaves, some hundred times its square, is below rounding."""

# ------------------------------------------------------------------------------------------------- the public objects


class Derived(ABC):
    """A function of an f-divergence of two distributions, called like one."""

    @property
    def symmetric(self) -> bool:
        """Whether P and Q may be exchanged."""
        return False

    def __call__(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""Value in nats, of the exactly normalised pair.

        Parameters
        ----------
        p, q : array (..., n)
            Probabilities of one array library; shapes broadcast. Mass 1 along `axis` is asked for within the square
            root of the dtype's epsilon, and the remaining error of the mass is corrected exactly. Or two distributions,
            as for the f-divergences.
        axis : int, default: -1
            The axis that is the space.
        normalize : bool, default: False
            Take any positive mass: the value is that of ``p / p.sum()`` and ``q / q.sum()`` without their rounding.

        Returns
        -------
        array (...)
            Same library, dtype and device. Never NaN, never negative, 0 exactly for equal arrays, ``inf`` only where
            the value is infinite. At outcomes of probability 0 gradients are not NaN: an infinite slope is left out,
            and the gradient of an infinite value is 0.

        Raises
        ------
        ValueError
            On negative, NaN or infinite entries, a wrong mass, shapes that do not broadcast, an empty axis.
        TypeError
            On arrays of two libraries or of a dtype that is not real.
        """
        if are_distributions(p, q, axis=axis, normalize=normalize):
            from divergences._between import derived_between

            return derived_between(self, self._of_gaps, alpha, p, q)
        return _evaluated(self._value, p, q, axis=axis, normalize=normalize)

    @abstractmethod
    def _of_gaps(self, gaps: "Gaps") -> Array:
        r"""From the gap $G_{a,b} = -\frac1{ab}\log\int p^a q^b$, a + b = 1, of two distributions."""

    @abstractmethod
    def _value(self, pair: Pair) -> Array:
        """A number per row of the pair."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The public name, as it is called."""

    @property
    def metric_power(self) -> float | None:
        """The power of it that is a metric, if one is."""
        return None

    def distance(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        """Metric: the power ``metric_power`` of the value.

        Parameters
        ----------
        p, q, axis, normalize
            As for the value itself.

        Returns
        -------
        array (...)
            The distance: symmetric, 0 only for equal distributions, with the triangle inequality.

        Raises
        ------
        TypeError
            If no power of it is a metric.
        """
        if self.metric_power is None:
            msg = (
                f"expected a divergence with a metric power, got {self.name}; no power of it is a metric, "
                "use squared_hellinger.distance or js.distance"
            )
            raise TypeError(msg)
        return self(p, q, axis=axis, normalize=normalize) ** self.metric_power

    def __repr__(self) -> str:
        """As it is called: ``divergences.renyi(0.5)``."""
        return f"divergences.{self.name}"


@final
@dataclass(frozen=True, repr=False)
class renyi(Derived):
    r"""Renyi divergence $R_a = \frac{1}{a-1}\log\sum p^a q^{1-a}$, a in $[0, \infty]$, by limits at 0, 1 and inf.

    $R_0 = -\log Q(p > 0)$, $R_{1/2}$ is twice Bhattacharyya, $R_1 = KL$, $R_2 = \log(1 + \chi^2)$ and
    $R_\infty = \log\max p/q$; non-decreasing in a. Infinite where p > 0 = q if a >= 1, and for disjoint supports. No
    power of it is a metric. Renyi (1961), eq. 3.3; van Erven & Harremoes (2014).

    Parameters
    ----------
    a : float
        The order.

    Raises
    ------
    ValueError
        If a is negative or NaN.
    TypeError
        If a is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> float(dv.renyi(2)([0.5, 0.5], [0.25, 0.75]))
    0.2876820724517809
    """

    a: float

    def __post_init__(self) -> None:
        """Refuse orders outside the domain."""
        object.__setattr__(self, "a", _order("renyi", self.a, "0 <= a <= inf", math.inf))

    @property
    def symmetric(self) -> bool:
        """Of order 1/2 it is."""
        return self.a == 1 / 2

    @property
    def name(self) -> str:
        """The name it is called by: ``renyi(0.5)``."""
        return f"renyi({self.a!r})"

    def _of_gaps(self, gaps: "Gaps") -> Array:
        if self.a == math.inf:
            msg = "expected a finite order of renyi for distributions with densities; its limit at inf is not computed"
            raise ValueError(msg)
        return self.a * gaps(self.a, 1 - self.a) if self.a else gaps.escaped()

    def _value(self, pair: Pair) -> Array:
        if self.a < 1:
            return _minus_log(pair.xp, *_affinity(*_of_small_order(pair, self.a))) / (1 - self.a)
        if self.a == math.inf:
            return pair.xp.maximum(_largest_ratio(_balanced(pair))[:, 0], 0.0 * pair.mass[:, 0])  # below 0 by rounding
        e, m = self.a - 1, Numeric(pair.xp)
        return _rescued(
            pair,
            lambda pair: m.log1p_ratio(_excess(_balanced(pair), e), e),
            lambda pair: _log_mean_power(_balanced(pair), e),
        )


@final
@dataclass(frozen=True, repr=False)
class tsallis(Derived):
    r"""Tsallis divergence $T_a = \frac{1}{a-1}\left(\sum p^a q^{1-a} - 1\right)$ of order a >= 0, by limits at 0 and 1.

    $T_0 = Q(p = 0)$, $T_{1/2}$ is squared Hellinger, $T_1 = KL$, $T_2 = \chi^2$: a times the $\alpha$-divergence.
    Infinite where p > 0 = q if a >= 1. The root of $T_{1/2}$ is a metric. At large orders, where the sum is a power of
    the masses, a times their rounding is the relative error: 1e-14 at a = 100. Tsallis (1998), eq. 9.

    Parameters
    ----------
    a : float
        The order.

    Raises
    ------
    ValueError
        If a is negative, infinite or NaN.
    TypeError
        If a is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> float(dv.tsallis(2)([0.5, 0.5], [0.25, 0.75]))
    0.3333333333333333
    """

    a: float

    def __post_init__(self) -> None:
        """Refuse orders outside the domain."""
        object.__setattr__(self, "a", _order("tsallis", self.a, "0 <= a < inf", math.nextafter(math.inf, 0)))

    @property
    def symmetric(self) -> bool:
        """Of order 1/2 it is."""
        return self.a == 1 / 2

    @property
    def name(self) -> str:
        """The name it is called by: ``tsallis(0.5)``."""
        return f"tsallis({self.a!r})"

    @property
    def metric_power(self) -> float | None:
        """Of order 1/2 it is squared Hellinger, whose root is a metric."""
        return 1 / 2 if self.a == 1 / 2 else None

    def _of_gaps(self, gaps: "Gaps") -> Array:
        if not self.a:
            escaped = gaps.escaped()
            xp, _ = namespace(x=escaped)
            return -xp.expm1(-escaped)
        xp, (value,) = namespace(gap=gaps(self.a, 1 - self.a))
        return self.a * Numeric(xp).expm1_ratio(value, self.a * (self.a - 1))

    def _value(self, pair: Pair) -> Array:
        if self.a < 1:
            return _affinity(*_of_small_order(pair, self.a))[0] / (1 - self.a)
        return _rescued(pair, lambda pair: _excess(_balanced(pair), self.a - 1), lambda _: math.inf)


@final
@dataclass(frozen=True, repr=False)
class Bhattacharyya(Derived):
    r"""Bhattacharyya divergence $-\log\sum\sqrt{pq}$, in $[0, \infty]$: $-\log(1 - H^2/2)$ of squared Hellinger $H^2$.

    Half of the Renyi divergence of order 1/2. Symmetric; infinite for disjoint supports, of which a third distribution
    is at a finite value from both: no power of it is a metric. Bhattacharyya (1943).

    Examples
    --------
    >>> import divergences as dv
    >>> float(dv.bhattacharyya([1.0, 0.0], [0.5, 0.5]))
    0.3465735902799726
    """

    symmetric = True

    @property
    def name(self) -> str:
        """The public name."""
        return "bhattacharyya"

    def _of_gaps(self, gaps: "Gaps") -> Array:
        return gaps(1 / 2, 1 / 2) / 4

    def _value(self, pair: Pair) -> Array:
        m = Numeric(pair.xp)
        defect = pair.total(lambda p, q, gap: squared_hellinger.perspective(p, q, Numeric(pair.xp, gap))) / 2
        return _minus_log(pair.xp, defect, pair.total(lambda p, q, _: m.sqrt(p) * m.sqrt(q)))


@final
@dataclass(frozen=True, repr=False)
class Chernoff(Derived):
    r"""Chernoff information $\max_{0 \le s \le 1} -\log\sum p^s q^{1-s}$, the sum over outcomes where p > 0 and q > 0.

    The best exponent of the error of testing P against Q on many observations. Symmetric; at least Bhattacharyya, at
    most either KL; infinite for disjoint supports, and no power of it a metric for the same reason as Bhattacharyya.
    Chernoff (1952), theorem 1; Cover & Thomas (2006), section 11.9.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]
    >>> float(dv.chernoff(p, q)), float(dv.chernoff.exponent(p, q))
    (0.04384031466636464, 0.5)
    """

    symmetric = True

    @property
    def name(self) -> str:
        """The public name."""
        return "chernoff"

    def exponent(self, p: Array, q: Array, *, axis: int = -1, normalize: bool = False) -> Array:
        r"""The s in [0, 1] at which $-\log\sum p^s q^{1-s}$ is largest, the sum over outcomes where p > 0 and q > 0.

        There the distributions $\propto p^s q^{1-s}$ are equally far, in KL, from P and from Q.

        Parameters
        ----------
        p, q, axis, normalize
            As for the value itself.

        Returns
        -------
        array (...)
            One exponent per pair, through which no gradient flows. Between distributions of one support it is inside
            (0, 1); where supports differ it may be an end, 0 or 1, of which the value is the limit. Where every s gives
            the same value, as for P = Q (0) and for disjoint supports (inf), it is 1/2.
        """
        return _evaluated(lambda pair: _exponent(_balanced(pair)), p, q, axis=axis, normalize=normalize)

    def _of_gaps(self, gaps: "Gaps") -> Array:
        from scipy.optimize import minimize_scalar

        def loss(s: float) -> float:
            value = s * (1 - s) * gaps(s, 1 - s)
            if getattr(value, "shape", ()) != ():
                msg = "expected single distributions for the Chernoff information, got batches; ask one by one"
                raise ValueError(msg)
            return -float(value)

        s = float(minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-9}).x)
        return s * (1 - s) * gaps(s, 1 - s)  # at a maximum the gradient of the value is that with s fixed

    def _value(self, pair: Pair) -> Array:
        xp, rows = pair.xp, _balanced(pair)
        s = _exponent(rows)[:, None]  # at a maximum the gradient of the value is that of the sum with s fixed
        mostly_p = s > 1 / 2
        (p, q), d = (xp.where(mostly_p, *x) for x in ((rows.q, rows.p), (rows.p, rows.q))), -rows.d
        rows = replace(rows, p=p, q=q, d=xp.where(mostly_p, d, rows.d))
        return _minus_log(xp, *_affinity(rows, xp.where(mostly_p, 1 - s, s)))


bhattacharyya = Bhattacharyya()
chernoff = Chernoff()


def _order(family: str, given: Any, domain: str, largest: float) -> float:
    try:
        a = float(given)
    except (TypeError, ValueError) as error:
        msg = f"expected a of {family} to be a number, got {given!r}"
        raise TypeError(msg) from error
    if not 0 <= a <= largest:
        msg = f"expected a of {family} to be in its domain, {domain}, got {a!r}"
        raise ValueError(msg)
    return a


# ------------------------------------------------------------------------------------------------ rows of two measures


@final
@dataclass(frozen=True, slots=True)
class _Rows:
    """Measures p and q of one mass, p - q, and what q lacks of its exact value; the last axis is the space."""

    xp: Any
    p: Array
    q: Array
    rest: Array
    d: Array
    mass: Array

    def swapped(self) -> Self:
        """The rows of (q, p)."""
        return replace(self, p=self.q, q=self.p, d=-self.d)

    @property
    def common(self) -> Array:
        """Where both have mass."""
        return (self.p > 0) & (self.q > 0)

    def log_ratio(self) -> Array:
        """log(p/q), and 0 outside the common support; gradients are those of log p and log q, which do not overflow."""
        xp, p, q = self.xp, *(self.xp.where(self.common, x, 1.0) for x in (self.p, self.q))
        d = xp.where(self.common, self.d, 0.0)
        v = Numeric(xp).log_ratio(constant(p), constant(q), constant(d))
        if constant(p) is p:
            return v  # a library without gradients
        return v + (xp.log(p) - constant(xp.log(p))) - (xp.log(q) - constant(xp.log(q)))

    def per_mass(self, terms: Array) -> Array:
        """Sum over the space per unit of mass."""
        return self.xp.sum(terms, axis=-1) / self.mass[:, 0]


def _balanced(pair: Pair) -> _Rows:
    high, low, difference = scaled_difference(pair.p, pair.q, pair.scale)
    correction = pair.rest * high
    q = high + (correction + low)
    return _Rows(pair.xp, pair.p, q, (high - q) + (correction + low), difference - correction, pair.mass)


def _of_small_order(pair: Pair, a: float) -> tuple[_Rows, float]:
    """Rows and the power s <= 1/2 of their p."""
    rows = _balanced(pair)
    return (rows, a) if a <= 1 / 2 else (rows.swapped(), 1 - a)


def _evaluated(value: Callable[[Pair], Array], p: Array, q: Array, *, axis: int, normalize: bool) -> Array:
    """The function of a pair, at two arrays of any library."""

    def evaluated(p: Array, q: Array, axis: int = -1) -> Array:
        with quiet():
            pair, batch = simplex_pair(p, q, axis=axis, normalize=normalize)
            return result(pair.xp, pair.xp.reshape(value(pair), batch), pair.dtype)

    lazy = blockwise(evaluated, p, q, axis)
    return evaluated(p, q, axis) if lazy is None else lazy


def _rescued(pair: Pair, value: Callable[[Pair], Array], beyond: Callable[[Pair], Array | float]) -> Array:
    """A function of the pair, and another on the rows where it is infinite; neither gradient sees the other's rows."""
    xp, direct = pair.xp, value(pair)
    finite = direct < math.inf
    if known(xp, finite):
        return direct
    return xp.where(finite, value(pair.keeping(finite)), beyond(pair.keeping(~finite)))


# --------------------------------------------------------------------------------------------- the affinity and its log


def _affinity(rows: _Rows, s: Any) -> tuple[Array, Array]:
    """1 - S and S for powers 0 <= s <= 1/2 of p, a number or an array (rows, 1)."""
    xp, p, q, common, v = rows.xp, rows.p, rows.q, rows.common, rows.log_ratio()
    near = xp.abs(v) < 1
    x, y = xp.where(near, v, 0.0), xp.where(near, 1.0, v)
    defect = xp.where(near, q * s * (x * x) * (_curve(x) - s * _curve(s * x)), s * rows.d - q * xp.expm1(s * y))
    defect = xp.where(common, defect, xp.where(p > 0, s * p, (1 - s) * q))
    return rows.per_mass(defect), rows.per_mass(xp.where(common, q * xp.exp(s * v), 0.0))


def _minus_log(xp: Any, defect: Array, affinity: Array) -> Array:
    """-log S, by 1 - S or by S, whichever is smaller."""
    near, apart = defect <= 1 / 2, (defect > 1 / 2) & (affinity > 0)
    far = xp.where(apart, -xp.log(xp.where(apart, affinity, 1.0)), math.inf)
    return xp.where(near, -xp.log1p(-xp.where(near, defect, 0.0)), far)


def _curve(z: Array) -> Array:
    """(exp(z) - 1 - z) / z**2 for |z| <= 2."""
    value: Any = CURVE[0]
    for term in CURVE[1:]:
        value = value * z + term
    return value


# ------------------------------------------------------------------------------------------------------ orders above 1


def _excess(rows: _Rows, e: float) -> Array:
    """(S - 1) / e for the order 1 + e >= 1; infinite where p > 0 = q, and beyond the range of doubles."""
    xp, p, common, v = rows.xp, rows.p, rows.common, rows.log_ratio()
    near = xp.abs(v) < 1
    x = xp.where(near, v, 0.0)
    entropy = xp.where(near, p * (x * x) * _curve(-x), p * v - rows.d)  # p log(p/q) - d
    entropy = xp.where(common, entropy, xp.where(p > 0, math.inf, rows.q))
    if e == 0:
        return rows.per_mass(entropy)
    near, above = (e * v > -1) & (e * v < 2), e * v >= 2
    x, low = xp.where(near, v, 0.0), xp.where(near | above, 0.0, v)
    other = p * xp.where(near, x * (e * x) * _curve(e * x), xp.expm1(e * low) / e - low)
    root = _root_power(rows, v, e, above)
    grown = (p * root / rows.mass) * (root / e) - (p / rows.mass) * (1 / e + v)  # in this order nothing overflows early
    return rows.per_mass(entropy + xp.where(above, 0.0, other)) + xp.sum(xp.where(above, grown, 0.0), axis=-1)


def _root_power(rows: _Rows, v: Array, e: float, where: Array) -> Array:
    """(p/q)**(e/2), 1 outside the mask: what the quotient rounds, which a large power would multiply, is found exactly.

    Gradients flow through v = log(p/q), for that of the quotient may overflow.
    """
    xp, double = rows.xp, rows.p.dtype == rows.xp.float64
    p, q, rest = (constant(xp.where(where, x, safe)) for x, safe in ((rows.p, 1.0), (rows.q, 1.0), (rows.rest, 0.0)))
    shift, most = (600.0, 1020.0) if double else (60.0, 120.0)
    extreme = p / q > 2.0**shift  # an exact power of two is set aside, for the quotient or its product may overflow
    p = xp.where(extreme, p * 2.0**-shift, p)
    ratio = p / q
    high, low = two_product(ratio, q)
    lost = (((p - high) - low) - ratio * rest) / p
    power = ratio ** (e / 2) * xp.exp(e / 2 * lost)
    power = xp.where(extreme, power * 2.0 ** min(shift * e / 2, most), power)
    return power * xp.exp(e / 2 * xp.where(where, v - constant(v), 0.0))


def _largest_ratio(rows: _Rows) -> Array:
    """Maximum of log(p/q) over p > 0."""
    xp = rows.xp
    escaped = xp.where(rows.p > 0, math.inf, -math.inf + 0.0 * rows.p)
    return xp.max(xp.where(rows.common, rows.log_ratio(), escaped), axis=-1, keepdims=True)


def _log_mean_power(rows: _Rows, e: float) -> Array:
    """log(S) / e, the largest ratio taken out of the sum: for sums beyond the range of doubles."""
    xp, common, largest = rows.xp, rows.common, _largest_ratio(rows)
    infinite = largest == math.inf
    below = xp.where(common & ~infinite, largest - rows.log_ratio(), 0.0)
    mean = rows.per_mass(xp.where(common, rows.p * xp.exp(-e * below), 0.0))
    infinite = infinite[:, 0]
    return xp.where(infinite, math.inf, largest[:, 0] + xp.log(xp.where(infinite, 1.0, mean)) / e)


# ------------------------------------------------------------------------------------------------ the Chernoff exponent


def _exponent(rows: _Rows) -> Array:
    """The s in [0, 1] of least S, one per row; 1/2 where S is constant. No gradient flows."""
    rows = replace(rows, p=constant(rows.p), q=constant(rows.q), d=constant(rows.d), mass=constant(rows.mass))
    xp, slope = rows.xp, _slope(rows)
    low, high = xp.zeros_like(rows.mass[:, 0]), xp.ones_like(rows.mass[:, 0])
    rises, falls = slope(low)[0] >= 0, slope(high)[0] <= 0
    settled, s = rises | falls, (low + high) / 2
    for _ in range(STEPS):
        rising, newton = slope(s)
        target, last = s - newton, xp.abs(newton) < LAST
        low, high = xp.where(rising > 0, low, s), xp.where(rising > 0, s, high)
        target = xp.where(last | ((target > low) & (target < high)), target, (low + high) / 2)
        s = xp.where(settled, s, target)
        settled = settled | last
        if known(xp, settled):
            break
    end = xp.where(rises & falls, 1 / 2, xp.where(rises, 0.0 * s, 0.0 * s + 1.0))
    return xp.where(rises | falls, end, s)


def _slope(rows: _Rows) -> Callable[[Array], tuple[Array, Array]]:
    r"""The function of s whose values are S'(s) and the Newton step for $\log(S'_+/S'_-)$, its parts by the sign of v.

    S' is the sum of $p^s q^{1-s} v$; of nearly equal p and q that of $p^s q^{1-s} v - d$ instead, of second order, to
    which is added what the masses outside the common support differ by. The logarithm of the ratio of the two parts is
    nearly linear in s, and linear for two outcomes.
    """
    xp, p, q, common, v = rows.xp, rows.p, rows.q, rows.common, rows.log_ratio()
    m, near, upward = Numeric(xp), xp.abs(v) < 1, v > 0
    larger = xp.where(common, xp.where(upward, p, q), 0.0)
    entropy = xp.where(common, m.relative_entropy(q, p, -rows.d), 0.0)
    outside = rows.per_mass(xp.where(common, 0.0, q - p))
    close = _affinity(rows, 1 / 2)[0] < CLOSE

    def slope(s: Array) -> tuple[Array, Array]:
        t = s[:, None]
        weight = larger * xp.exp(xp.where(upward, t - 1, t) * v)
        first, second = weight * v, weight * v * v
        up, down, up2, down2 = (
            rows.per_mass(xp.where(side, x, 0.0)) for x in (first, second) for side in (upward, ~upward)
        )
        shift = xp.where(near, q * xp.expm1(t * xp.where(near, v, 0.0)), weight - q)
        rising = xp.where(close, rows.per_mass(xp.where(common, v * shift - entropy, 0.0)) + outside, up + down)
        total = up - down
        share = m.quotient(rising, total)
        central = xp.abs(share) < 1 / 2
        log = xp.where(central, 2 * xp.atanh(xp.where(central, share, 0.0)), xp.log(up) - xp.log(-down))
        return rising, m.quotient(log, m.quotient(up2, up) + m.quotient(down2, -down))

    return slope
