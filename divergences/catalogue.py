r"""The declared f-divergences: one short class each, read like the table in a textbook.

Conventions: $D(P\|Q)$ in this order, natural logarithms, and for every entry its $f$ as printed in its first line.
Others differ: JS here has both halves (at most $\ln 2$), TV is half the L1 norm, squared Hellinger has no half.

A family is a class, such as `alpha`; ``alpha(0.5)`` is one of its members, a frozen value. `FDIVERGENCES` lists the
divergences without parameter and the `examples` that each family declares.

Examples
--------
>>> import divergences as dv
>>> dv.kl in dv.FDIVERGENCES, dv.alpha in dv.FAMILIES, dv.alpha(0.5) in dv.FDIVERGENCES
(True, True, True)
>>> all(d([0.5, 0.5], [0.5, 0.5]) == 0 for d in dv.FDIVERGENCES)
True
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, final

from divergences.elementary import Numeric, Scalars, Vocabulary
from divergences.fdivergence import FDivergence, FFamily

__all__ = [
    "FAMILIES",
    "FDIVERGENCES",
    "alpha",
    "amari_alpha",
    "arithmetic_geometric",
    "cressie_read",
    "gan_divergence",
    "hockey_stick",
    "jeffreys",
    "js",
    "kl",
    "le_cam",
    "log1p_abs",
    "marton",
    "modified_gan",
    "neyman_chi2",
    "pearson_chi2",
    "reverse_kl",
    "skew_kl",
    "squared_hellinger",
    "t_power",
    "triangular",
    "tv",
    "weighted_js",
]

# ------------------------------------------------------------------------------------------------- relative entropies


@final
@dataclass(frozen=True, repr=False)
class KL(FDivergence):
    r"""Kullback-Leibler divergence $\sum p \log(p/q)$, in $[0, \infty]$: $f(u) = u\log u$, $f^*(t) = e^{t-1}$.

    Infinite as soon as p > 0 where q = 0. Kullback & Leibler (1951), eq. 2.4.

    Examples
    --------
    >>> import divergences as dv
    >>> round(float(dv.kl([0.5, 0.5], [0.25, 0.75])), 12)  # log(4/3)/2
    0.143841036226
    >>> float(dv.kl([0.5, 0.5], [1, 0]))
    inf
    >>> float(dv.kl.conjugate(1.0))  # exp(t - 1)
    1.0
    """

    tangent = 1
    powers = ((1, 1, 0),)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.relative_entropy(p, q, m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        return 1 + v

    def legendre(self, t: Any, m: Scalars) -> Any:
        return m.exp(t - 1)

    @property
    def reverse(self) -> FDivergence:
        return reverse_kl


@final
@dataclass(frozen=True, repr=False)
class ReverseKL(FDivergence):
    r"""Reverse Kullback-Leibler divergence $\sum q \log(q/p)$: $f(u) = -\log u$, $f^*(t) = -1 - \log(-t)$, t < 0.

    Infinite as soon as q > 0 where p = 0. Kullback & Leibler (1951), eq. 2.4, with P and Q exchanged.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> float(dv.reverse_kl(p, q)) == float(dv.kl(q, p))
    True
    >>> print(dv.reverse_kl.conjugate_domain)
    (-inf, 0)
    """

    tangent = -1
    powers = ((1, 0, 1),)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.relative_entropy(q, p, -m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.exp(-v)

    def legendre(self, t: Any, m: Scalars) -> Any:
        return -1 - m.log(-t)

    @property
    def reverse(self) -> FDivergence:
        return kl


@final
@dataclass(frozen=True, repr=False)
class Jeffreys(FDivergence):
    r"""Jeffreys divergence $\sum (p - q)\log(p/q) = KL(P\|Q) + KL(Q\|P)$: $f(u) = (u - 1)\log u$.

    Infinite unless P and Q have the same support. The conjugate needs Lambert's function: $f^*(t) = w + 1/w + t - 2$,
    $w = W(e^{1-t})$. Jeffreys (1946), eq. 1.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.jeffreys(p, q)), 12)  # log(3)/4
    0.274653072167
    >>> round(float(dv.kl(p, q) + dv.kl(q, p)), 12)
    0.274653072167
    >>> round(float(dv.jeffreys.conjugate(1.0)), 12)  # W(1) + 1/W(1) - 1
    1.330366124762
    """

    symmetric = True
    powers = ((1, 1, 0), (1, 0, 1))

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d = m.difference(p, q)
        return m.quotient(d, 1 / m.log_ratio(p, q, d))

    def critic(self, v: Any, m: Scalars) -> Any:
        return v - m.expm1(-v)


@final
@dataclass(frozen=True, repr=False)
class JS(FDivergence):
    r"""Jensen-Shannon divergence $\tfrac12 KL(P\|M) + \tfrac12 KL(Q\|M)$, $M = \tfrac12(P+Q)$, in $[0, \ln 2]$.

    $f(u) = \tfrac12 u\log u - \tfrac12 (u+1)\log\tfrac{u+1}2$, $f^*(t) = -\tfrac12\log(2 - e^{2t})$, $t < \tfrac12\ln 2$.
    Its square root is a metric. Lin (1991), section 4; Endres & Schindelin (2003).

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> round(float(dv.js([0.5, 0.5], [0.25, 0.75])), 12)
    0.033822075569
    >>> math.isclose(dv.js([1, 0], [0, 1]), math.log(2))  # no common outcome: its largest value
    True
    >>> round(float(dv.js.distance([1, 0], [0, 1])) ** 2, 12)  # log(2): the metric is the root
    0.69314718056
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.entropy_gap(p, q, m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.log_mean_exp(-v) / 2

    def legendre(self, t: Any, m: Scalars) -> Any:
        return -m.log1p(-m.expm1(2 * t)) / 2


@final
@dataclass(frozen=True, repr=False)
class GanDivergence(FDivergence):
    r"""Twice the Jensen-Shannon divergence, what the minimax GAN minimises up to $2\ln 2$: in $[0, 2\ln 2]$.

    $f(u) = u\log u - (u+1)\log\tfrac{u+1}2$, $f^*(t) = -\log(2 - e^t)$, $t < \ln 2$; without the $2\ln 2$ that makes
    $f(1) = 0$ it is the "GAN" of the f-GAN paper. Goodfellow et al. (2014), theorem 1; Nowozin et al. (2016), table 1.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> math.isclose(dv.gan_divergence(p, q), 2 * dv.js(p, q))
    True
    >>> round(float(dv.gan_divergence(p, p)) - 2 * math.log(2), 12)  # value of the minimax game at P = Q: -log(4)
    -1.38629436112
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return 2 * m.entropy_gap(p, q, m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.log_mean_exp(-v)

    def legendre(self, t: Any, m: Scalars) -> Any:
        return -m.log1p(-m.expm1(t))


@final
@dataclass(frozen=True, repr=False)
class ModifiedGAN(FDivergence):
    r"""$KL(Q\|P) - KL(Q\|\tfrac12(P+Q)) = \sum q \log\tfrac{p+q}{2p}$: $f(u) = \log\tfrac{1+u}{2u}$.

    The generator's side of the non-saturating game, as an f-divergence. $f^*(t) = \log\frac{2u}{1+u} - \frac1{1+u}$ at
    $u = (\sqrt{1 - 4/t} - 1)/2$, t < 0. "Modified GAN" of TensorFlow Probability's variational divergences, less the
    $\log 2$ that makes $f(1) = 0$.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q, middle = [0.5, 0.5], [0.25, 0.75], [0.375, 0.625]
    >>> round(float(dv.modified_gan(p, q)), 12)
    0.095437145373
    >>> round(float(dv.kl(q, p) - dv.kl(q, middle)), 12)
    0.095437145373
    """

    tangent = -1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d = m.difference(p, q)
        return m.relative_entropy(q, p, -d) - m.relative_entropy(q, (p + q) / 2, -d / 2)

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.exp(-v - m.softplus(v))

    def level(self, v: Any, m: Scalars) -> Any:
        return -m.log_mean_exp(-v) - m.exp(-m.softplus(v))

    def legendre(self, t: Any, m: Scalars) -> Any:
        root = m.sqrt(-t)
        u = 2 / root / (root + m.sqrt(4 - t))
        return m.log(2 * u / (1 + u)) - 1 / (1 + u)


@final
@dataclass(frozen=True, repr=False)
class ArithmeticGeometric(FDivergence):
    r"""Arithmetic-geometric divergence $\tfrac12 KL(M\|P) + \tfrac12 KL(M\|Q)$, $M = \tfrac12(P+Q)$, in $[0, \infty]$.

    $f(u) = \tfrac{1+u}2\log\tfrac{1+u}{2\sqrt u}$. Infinite unless P and Q have the same support; its conjugate has no
    closed form. Taneja (1995), eq. 1.6; TensorFlow Probability's is twice this.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q, middle = [0.5, 0.5], [0.25, 0.75], [0.375, 0.625]
    >>> round(float(dv.arithmetic_geometric(p, q)), 12)
    0.034841192473
    >>> round(float(dv.kl(middle, p) + dv.kl(middle, q)) / 2, 12)
    0.034841192473
    """

    symmetric = True

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d, mean = m.difference(p, q), (p + q) / 2
        return (m.relative_entropy(mean, p, -d / 2) + m.relative_entropy(mean, q, d / 2)) / 2

    def critic(self, v: Any, m: Scalars) -> Any:
        return (m.log_mean_exp(v) + m.log_mean_exp(-v) - m.expm1(-v)) / 4


# ------------------------------------------------------------------------------------------------------- total variation


@final
@dataclass(frozen=True, repr=False)
class TV(FDivergence):
    r"""Total variation $\tfrac12\sum|p - q| = \sup_A |P(A) - Q(A)|$, in [0, 1]: $f(u) = \tfrac12|u - 1|$.

    $f^*(t) = \max(t, -\tfrac12)$ for $t \le \tfrac12$. A metric. Its optimal critic is a sign: half of sign(p - q).
    Tsybakov (2009), definition 2.4.

    Examples
    --------
    >>> import divergences as dv
    >>> float(dv.tv([0.5, 0.5], [0.25, 0.75]))
    0.25
    >>> float(dv.tv([1, 0], [0, 1]))
    1.0
    >>> print(dv.tv.conjugate_domain, float(dv.tv.conjugate(-3.0)))
    (-inf, 0.5] -0.5
    """

    symmetric = True
    metric_power = 1
    variation = 1
    kinks = (1,)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.abs(m.difference(p, q)) / 2

    def critic(self, v: Any, m: Scalars) -> Any:
        return m.sign(v) / 2

    def legendre(self, t: Any, m: Scalars) -> Any:
        return t


@final
@dataclass(frozen=True, repr=False)
class Log1pAbs(FDivergence):
    r"""$\sum_{p>q} (p - q) + \sum_{p<q} (q-p)\,q/p$: $f(u) = e^{|\log u|} - 1$, in $[0, \infty]$.

    $f^*(t) = t$ for $-1 \le t \le 1$ and $1 - 2\sqrt{-t}$ below. So called in TensorFlow Probability, since
    $\log(1 + f(u)) = |\log u|$.

    Examples
    --------
    >>> import divergences as dv
    >>> round(float(dv.log1p_abs([0.5, 0.5], [0.25, 0.75])), 12)
    0.625
    >>> round(float(dv.log1p_abs.f(4.0)), 12), round(float(dv.log1p_abs.f(1 / 4)), 12)  # exp(log(4)) - 1, both
    (3.0, 3.0)
    """

    kinks = (1,)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d = m.difference(p, q)
        root = m.sqrt(p)
        return m.positive_part(d) + m.quotient(m.positive_part(-d), root) * m.quotient(q, root)

    def critic(self, v: Any, m: Scalars) -> Any:
        below = m.positive_part(-v)
        return m.sign(v) - m.expm1(2 * below)

    def level(self, v: Any, m: Scalars) -> Any:
        below = m.positive_part(-v)
        return m.sign(v) - 2 * m.expm1(below)

    def legendre(self, t: Any, m: Scalars) -> Any:
        excess = m.positive_part(-1 - t)
        return m.maximum(t, -1) - 2 * excess / (1 + m.sqrt(1 + excess))


# ------------------------------------------------------------------------------------------------------------ chi-squared


@final
@dataclass(frozen=True, repr=False)
class PearsonChi2(FDivergence):
    r"""Pearson chi-squared $\sum (p-q)^2/q$: $f(u) = (u-1)^2$, $f^*(t) = t + t^2/4$ for $t \ge -2$, else $-1$.

    Infinite as soon as p > 0 where q = 0. Pearson (1900).

    Examples
    --------
    >>> import divergences as dv
    >>> round(float(dv.pearson_chi2([0.5, 0.5], [0.25, 0.75])), 12)  # 1/3
    0.333333333333
    >>> float(dv.pearson_chi2.conjugate(2.0)), float(dv.pearson_chi2.conjugate(-3.0))  # constant below -2
    (3.0, -1.0)
    """

    powers = ((2, 2, -1),)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.square_quotient(m.difference(p, q), q)

    def critic(self, v: Any, m: Scalars) -> Any:
        return 2 * m.expm1(v)

    def legendre(self, t: Any, m: Scalars) -> Any:
        return t + t**2 / 4

    @property
    def reverse(self) -> FDivergence:
        return neyman_chi2


@final
@dataclass(frozen=True, repr=False)
class NeymanChi2(FDivergence):
    r"""Neyman chi-squared $\sum (p-q)^2/p$: $f(u) = (u-1)^2/u$, $f^*(t) = 2 - 2\sqrt{1-t}$ for $t \le 1$.

    Infinite as soon as q > 0 where p = 0. Neyman (1949).

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.neyman_chi2(p, q)), 12)
    0.25
    >>> dv.neyman_chi2.reverse  # Pearson's, with P and Q exchanged
    divergences.pearson_chi2
    >>> print(dv.neyman_chi2.conjugate_domain, float(dv.neyman_chi2.conjugate(1.0)))
    (-inf, 1] 2.0
    """

    powers = ((2, -1, 2),)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.square_quotient(m.difference(p, q), p)

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.expm1(-2 * v)

    def legendre(self, t: Any, m: Scalars) -> Any:
        return t / (1 + m.sqrt(1 - t)) * 2

    @property
    def reverse(self) -> FDivergence:
        return pearson_chi2


@final
@dataclass(frozen=True, repr=False)
class LeCam(FDivergence):
    r"""Le Cam divergence $\tfrac12\sum (p-q)^2/(p+q)$, in [0, 1]: $f(u) = \tfrac12 (u-1)^2/(u+1)$.

    $f^*(t) = \tfrac12 (1-s)(3-s)$, $s = \sqrt{1-2t}$, $t \le \tfrac12$. Its square root is a metric. Vincze (1981);
    Le Cam (1986), p. 47; Polyanskiy & Wu (2025), section 7.1.

    Examples
    --------
    >>> import divergences as dv
    >>> round(float(dv.le_cam([0.5, 0.5], [0.25, 0.75])), 12)  # 1/15
    0.066666666667
    >>> float(dv.le_cam([1, 0], [0, 1]))
    1.0
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.square_quotient(m.difference(p, q), p + q) / 2

    def critic(self, v: Any, m: Scalars) -> Any:
        w = m.tanh(v / 2)
        return w * (2 - w) / 2

    def legendre(self, t: Any, m: Scalars) -> Any:
        rise = 2 * t / (1 + m.sqrt(1 - 2 * t))
        return rise * (2 + rise) / 2


@final
@dataclass(frozen=True, repr=False)
class Triangular(FDivergence):
    r"""Triangular discrimination $\sum (p-q)^2/(p+q)$, in [0, 2], twice Le Cam's: $f(u) = (u-1)^2/(u+1)$.

    $f^*(t) = (1-s)(3-s)$, $s = \sqrt{1-t}$, $t \le 1$. Its square root is a metric. Topsoe (2000), eq. 3.

    Examples
    --------
    >>> import divergences as dv
    >>> round(float(dv.triangular([0.5, 0.5], [0.25, 0.75])), 12)  # 2/15, twice Le Cam's
    0.133333333333
    >>> print(dv.triangular.range, dv.triangular.conjugate_domain)
    [0, 2] (-inf, 1]
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.square_quotient(m.difference(p, q), p + q)

    def critic(self, v: Any, m: Scalars) -> Any:
        w = m.tanh(v / 2)
        return w * (2 - w)

    def legendre(self, t: Any, m: Scalars) -> Any:
        rise = t / (1 + m.sqrt(1 - t))
        return rise * (2 + rise)


@final
@dataclass(frozen=True, repr=False)
class Marton(FDivergence):
    r"""Marton's divergence $\sum (q - p)_+^2/q$, in [0, 1]: $f(u) = (1-u)_+^2$.

    $f^*(t) = t + t^2/4$ for $-2 \le t \le 0$, else $-1$ below. Half of what chi-squared sees: only where p < q.
    Marton (1996); Sason & Verdu (2016), eq. 46.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.marton(p, q)), 12)  # 1/12, the outcome with p < q alone
    0.083333333333
    >>> round(float(dv.pearson_chi2(p, q)), 12)  # 1/3, both outcomes
    0.333333333333
    """

    joints = (1,)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.square_quotient(m.positive_part(-m.difference(p, q)), q)

    def critic(self, v: Any, m: Scalars) -> Any:
        return 2 * m.expm1(-m.positive_part(-v))

    def level(self, v: Any, m: Scalars) -> Any:
        return m.expm1(-2 * m.positive_part(-v))

    def legendre(self, t: Any, m: Scalars) -> Any:
        return t + t**2 / 4


@final
@dataclass(frozen=True, repr=False)
class SquaredHellinger(FDivergence):
    r"""Squared Hellinger divergence $\sum(\sqrt p-\sqrt q)^2$, in [0, 2]: $f(u) = (\sqrt u - 1)^2$.

    $f^*(t) = t/(1-t)$, $t < 1$. Its square root is a metric. Tsybakov (2009), definition 2.3; others put a half
    before the sum.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.squared_hellinger(p, q)), 12)
    0.068148347422
    >>> round(2 - 2 * math.exp(-dv.bhattacharyya(p, q)), 12)
    0.068148347422
    >>> float(dv.squared_hellinger([1, 0], [0, 1]))
    2.0
    """

    powers = ((1 / 2, 1 / 2, 1 / 2),)
    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.quotient(m.difference(p, q), m.sqrt(p) + m.sqrt(q)) ** 2

    def critic(self, v: Any, m: Scalars) -> Any:
        return -m.expm1(-v / 2)

    def legendre(self, t: Any, m: Scalars) -> Any:
        return t / (1 - t)


# -------------------------------------------------------------------------------------------------------------- families


class PowerDivergence(FFamily):
    r"""Multiples $c\,D_a$ of the divergence of order a: $f_a(u) = \frac{u^a - 1 - a(u-1)}{a(a-1)}$, a real."""

    @abstractmethod
    def weights(self, m: Scalars) -> tuple[Any, Any]:
        """The powers a of p and b = 1 - a of q, each in terms of the parameter: a difference of the other would round."""

    def factor(self, m: Scalars) -> Any:
        """The multiple c."""
        return 1

    @property
    def powers(self) -> tuple[tuple[float, float, float], ...]:
        """Itself, with its multiple."""
        m = Numeric(None)
        return ((self.factor(m), *self.weights(m)),)

    @property
    def symmetric(self) -> bool:
        """Of order 1/2 it is."""
        a, b = self.weights(Numeric(None))
        return bool(a == b)

    @property
    def metric_power(self) -> float | None:
        """Of order 1/2 it is a multiple of squared Hellinger, whose root is a metric."""
        return 1 / 2 if self.symmetric else None

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return self.factor(m) * m.power_gap(p, q, m.difference(p, q), *self.weights(m))

    def critic(self, v: Any, m: Scalars) -> Any:
        _, b = self.weights(m)
        return self.factor(m) * m.expm1_ratio(v, -b)

    def level(self, v: Any, m: Scalars) -> Any:
        a, _ = self.weights(m)
        return self.factor(m) * m.expm1_ratio(v, a)

    def legendre(self, t: Any, m: Scalars) -> Any:
        a, b = self.weights(m)
        return self.factor(m) * m.expm1_ratio(m.log1p_ratio(t / self.factor(m), -b), a)


@final
@dataclass(frozen=True, repr=False)
class alpha(PowerDivergence):
    r"""$\alpha$-divergence $\frac{\sum p^\alpha q^{1-\alpha} - 1}{\alpha(\alpha-1)}$, $\alpha$ real; KL at 1, reverse KL at 0.

    $f(u) = \frac{u^\alpha - 1 - \alpha(u-1)}{\alpha(\alpha-1)}$; half of Pearson's chi-squared at 2, twice squared
    Hellinger at 1/2. Nowozin et al. (2016), table 5; Cichocki & Amari (2010), eq. 3.

    Parameters
    ----------
    a : float
        The order.

    Raises
    ------
    ValueError
        If a is infinite or NaN.
    TypeError
        If a is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.alpha(2)(p, q)), 12)  # 1/6, half of Pearson's
    0.166666666667
    >>> abs(float(dv.alpha(1 - 1e-12)(p, q) - dv.kl(p, q))) < 1e-12  # continuous through KL
    True
    """

    a: float
    examples = (-1.0, 0.0, 0.3, 0.5, 1.0 - 1e-12, 3.0)

    def weights(self, m: Scalars) -> tuple[Any, Any]:
        a = m.number(self.a)
        return a, 1 - a


@final
@dataclass(frozen=True, repr=False)
class cressie_read(PowerDivergence):
    r"""Cressie-Read power divergence $\frac{\sum p\,(p/q)^\lambda - 1}{\lambda(\lambda+1)}$, $\lambda$ real.

    The $\alpha$-divergence of order $\lambda + 1$: KL at 0, reverse KL at -1, Freeman-Tukey at -1/2, and 2/3 is
    recommended for tests. Half of theirs. Cressie & Read (1984), eq. 1.

    Parameters
    ----------
    lam : float
        The power $\lambda$.

    Raises
    ------
    ValueError
        If lam is infinite or NaN.
    TypeError
        If lam is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.cressie_read(1)(p, q)), 12)  # 1/6, half of Pearson's
    0.166666666667
    >>> math.isclose(dv.cressie_read(2 / 3)(p, q), dv.alpha(5 / 3)(p, q))
    True
    """

    lam: float
    examples = (2 / 3,)

    def weights(self, m: Scalars) -> tuple[Any, Any]:
        lam = m.number(self.lam)
        return 1 + lam, -lam


@final
@dataclass(frozen=True, repr=False)
class amari_alpha(PowerDivergence):
    r"""Amari's $\alpha$-divergence $\frac4{1-a^2}\left(1 - \sum p^{(1-a)/2} q^{(1+a)/2}\right)$, a real.

    The $\alpha$-divergence of order $(1-a)/2$: KL at -1, reverse KL at 1, twice squared Hellinger at 0.
    Amari (1985), eq. 3.22; Amari & Nagaoka (2000), eq. 3.25.

    Parameters
    ----------
    a : float
        Amari's order.

    Raises
    ------
    ValueError
        If a is infinite or NaN.
    TypeError
        If a is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> math.isclose(dv.amari_alpha(-1)(p, q), dv.kl(p, q)), math.isclose(dv.amari_alpha(1)(p, q), dv.kl(q, p))
    (True, True)
    >>> round(float(dv.amari_alpha(0)(p, q)), 12)  # twice squared Hellinger
    0.136296694844
    """

    a: float
    examples = (0.5,)

    def weights(self, m: Scalars) -> tuple[Any, Any]:
        a = m.number(self.a)
        return (1 - a) / 2, (1 + a) / 2


@final
@dataclass(frozen=True, repr=False)
class t_power(PowerDivergence):
    r"""$s\left(\sum p^t q^{1-t} - 1\right)$, s = -1 for 0 < t < 1 and else 1: $f(u) = s(u^t - 1 - t(u-1))$.

    The $\alpha$-divergence of order t times $|t(t-1)|$, zero at t = 0 and 1, which are refused. Called so in
    TensorFlow Probability.

    Parameters
    ----------
    t : float
        The power of p, neither 0 nor 1.

    Raises
    ------
    ValueError
        If t is outside its domain, infinite or NaN.
    TypeError
        If t is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> round(float(dv.t_power(2)(p, q)), 12)  # 1/3, Pearson's
    0.333333333333
    >>> round(float(dv.t_power(1 / 2)(p, q)), 12)  # half of squared Hellinger
    0.034074173711
    """

    t: float
    examples = (1.5,)
    domain = "t other than 0 and 1"

    @staticmethod
    def admits(parameter: float) -> bool:
        return parameter not in (0, 1)

    def weights(self, m: Scalars) -> tuple[Any, Any]:
        t = m.number(self.t)
        return t, 1 - t

    def factor(self, m: Scalars) -> Any:
        t = m.number(self.t)
        return t * (1 - t) if 0 < self.t < 1 else t * (t - 1)


@final
@dataclass(frozen=True, repr=False)
class weighted_js(FFamily):
    r"""Weighted Jensen-Shannon divergence $w\,KL(P\|M) + (1-w)\,KL(Q\|M)$, $M = wP + (1-w)Q$, 0 < w < 1.

    $f(u) = w u\log u - (wu + 1 - w)\log(wu + 1 - w)$, $f^*(t) = (1-w)\log\frac{1-w}{1 - we^{t/w}}$, $t < -w\log w$.
    At most the entropy of (w, 1-w). The f-GAN paper's $\pi$-weighted Jensen-Shannon divergence. Lin (1991), eq. 4.1.

    Parameters
    ----------
    w : float
        The weight of P, 0 < w < 1.

    Raises
    ------
    ValueError
        If w is outside its domain, infinite or NaN.
    TypeError
        If w is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> round(float(dv.weighted_js(1 / 4)([1, 0], [0, 1])), 12)  # the entropy of (1/4, 3/4), its largest value
    0.562335144619
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> math.isclose(dv.weighted_js(1 / 2)(p, q), dv.js(p, q))
    True
    """

    w: float
    examples = (0.1, 0.5)
    domain = "0 < w < 1"

    @staticmethod
    def admits(parameter: float) -> bool:
        return 0 < parameter < 1

    @property
    def symmetric(self) -> bool:
        return self.w == 1 / 2

    @property
    def metric_power(self) -> float | None:
        return 1 / 2 if self.symmetric else None

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        w, d = m.number(self.w), m.difference(p, q)
        mean = w * p + (1 - w) * q
        return w * m.relative_entropy(p, mean, (1 - w) * d) + (1 - w) * m.relative_entropy(q, mean, -w * d)

    def critic(self, v: Any, m: Scalars) -> Any:
        w = m.number(self.w)
        return -w * m.log_mean_exp(-v, 1 - w, w)

    def level(self, v: Any, m: Scalars) -> Any:
        w = m.number(self.w)
        return (1 - w) * m.log_mean_exp(v, w, 1 - w)

    def legendre(self, t: Any, m: Scalars) -> Any:
        w = m.number(self.w)
        return -(1 - w) * m.log1p(-w / (1 - w) * m.expm1(t / w))


@final
@dataclass(frozen=True, repr=False)
class skew_kl(FFamily):
    r"""Skew divergence $KL(P\,\|\,(1-t)P + tQ)$, $0 < t \le 1$: $f(u) = u\log\frac{u}{(1-t)u + t}$; KL at 1.

    Finite for t < 1, at most $-\log(1-t)$. Its conjugate needs Lambert's function. Lee (1999), eq. 5,
    with t = $\alpha$ and the arguments exchanged.

    Parameters
    ----------
    t : float
        The weight of Q in the mixture, $2^{-52} \le t \le 1$.

    Raises
    ------
    ValueError
        If t is outside its domain, infinite or NaN.
    TypeError
        If t is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> import math
    >>> round(float(dv.skew_kl(1 / 2)([1, 0], [0, 1])), 12)  # log(2), where KL is infinite
    0.69314718056
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> math.isclose(dv.skew_kl(1 / 2)(p, q) + dv.skew_kl(1 / 2)(q, p), 2 * dv.js(p, q))
    True
    """

    t: float
    examples = (0.01, 0.6, 1.0)
    domain = "2**-52 <= t <= 1"

    @staticmethod
    def admits(parameter: float) -> bool:
        return 2**-52 <= parameter <= 1

    @property
    def tangent(self) -> float:
        return self.t

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        t = m.number(self.t)
        return m.relative_entropy(p, (1 - t) * p + t * q, t * m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        t = m.number(self.t)
        if t == 1:
            return 1 + v
        return t * m.exp(-m.log_mean_exp(v, 1 - t, t)) - m.log_mean_exp(-v, t, 1 - t)

    def level(self, v: Any, m: Scalars) -> Any:
        t = m.number(self.t)
        return t * m.exp(v) if t == 1 else t * m.exp(-m.log_mean_exp(-v, t, 1 - t))


@final
@dataclass(frozen=True, repr=False)
class hockey_stick(FFamily):
    r"""Hockey-stick divergence $E_\gamma = \sum (p - \gamma q)_+ - (1-\gamma)_+$, $\gamma > 0$; total variation at 1.

    $f(u) = (u-\gamma)_+ - (1-\gamma)_+$, $f^*(t) = \gamma t + (1-\gamma)_+$ for $0 \le t \le 1$. At most min(1, $\gamma$).
    With $\gamma = e^\varepsilon$ it is the least $\delta$ of $(\varepsilon, \delta)$ differential privacy. Its absolute
    error is a few units in the last place of the total variation, below which it may be. Polyanskiy, Poor & Verdu
    (2010); Sason & Verdu (2016), eq. 53.

    Parameters
    ----------
    gamma : float
        The multiple $\gamma$ of Q, from $2^{-52}$ to $2^{52}$.

    Raises
    ------
    ValueError
        If gamma is outside its domain, infinite or NaN.
    TypeError
        If gamma is not a number.

    Examples
    --------
    >>> import divergences as dv
    >>> p, q = [0.75, 0.25], [0.25, 0.75]  # both answers to a question, made private by a coin
    >>> [float(dv.hockey_stick(gamma)(p, q)) for gamma in (1, 2, 3)]  # total variation first; 0 from the largest ratio on
    [0.5, 0.25, 0.0]
    """

    gamma: float
    examples = (0.5, 1.0, 3.0)
    domain = "2**-52 <= gamma <= 2**52"

    @staticmethod
    def admits(parameter: float) -> bool:
        return 2**-52 <= parameter <= 2**52

    @property
    def metric_power(self) -> float | None:
        """At 1 it is total variation, a metric; but this f is not its own reverse."""
        return 1 if self.gamma == 1 else None

    @property
    def kinks(self) -> tuple[float, ...]:
        return (self.gamma,)

    @property
    def tangent(self) -> float:
        return 1 if self.gamma < 1 else 0

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        gamma = m.number(self.gamma)
        if gamma >= 1:  # p - gamma q, by the form whose terms are the smaller ones
            return m.positive_part(m.difference(p, q) - (gamma - 1) * q)
        return m.positive_part((gamma - 1) * p - gamma * m.difference(p, q))

    def critic(self, v: Any, m: Scalars) -> Any:
        return (1 + m.sign(v - m.log(m.number(self.gamma)))) / 2

    def level(self, v: Any, m: Scalars) -> Any:
        gamma = m.number(self.gamma)
        return gamma * self.critic(v, m) + (1 - gamma if gamma < 1 else 0)

    def legendre(self, t: Any, m: Scalars) -> Any:
        gamma = m.number(self.gamma)
        return gamma * t + (1 - gamma if gamma < 1 else 0)


kl = KL()
reverse_kl = ReverseKL()
jeffreys = Jeffreys()
js = JS()
gan_divergence = GanDivergence()
modified_gan = ModifiedGAN()
arithmetic_geometric = ArithmeticGeometric()
tv = TV()
log1p_abs = Log1pAbs()
pearson_chi2 = PearsonChi2()
neyman_chi2 = NeymanChi2()
le_cam = LeCam()
triangular = Triangular()
marton = Marton()
squared_hellinger = SquaredHellinger()

_DECLARED = list(globals().values())

FAMILIES: tuple[type[FFamily], ...] = tuple(
    x for x in _DECLARED if isinstance(x, type) and x is not FFamily and issubclass(x, FFamily) and x.examples
)
"""The families of divergences with a parameter, each a class whose instances are divergences."""

FDIVERGENCES: tuple[FDivergence, ...] = (
    *(d for d in _DECLARED if isinstance(d, FDivergence)),
    *(family(*[parameter]) for family in FAMILIES for parameter in family.examples),
)
"""Every declared divergence, and of every family the members it names as examples."""
