r"""The declared f-divergences: one short class each, read like the table in a textbook.

Conventions: $D(P\|Q)$ in this order, natural logarithms, and for every entry its $f$ as printed in its first line.
Others differ: JS here has both halves (at most $\ln 2$), TV is half the L1 norm, squared Hellinger has no half.
"""

from dataclasses import dataclass
from typing import Any, final

from divergences.elementary import Vocabulary
from divergences.fdivergence import FDivergence

__all__ = ["FDIVERGENCES", "js", "kl", "neyman_chi2", "pearson_chi2", "reverse_kl", "squared_hellinger", "tv"]


@final
@dataclass(frozen=True, repr=False)
class KL(FDivergence):
    r"""Kullback-Leibler divergence $\sum p \log(p/q)$, in $[0, \infty]$: $f(u) = u\log u$, $f^*(t) = e^{t-1}$.

    Infinite as soon as p > 0 where q = 0. Kullback & Leibler (1951), eq. 2.4.
    """

    tangent = 1

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.relative_entropy(p, q, m.difference(p, q))

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return 1 + v

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return m.exp(t - 1)

    @property
    def reverse(self) -> FDivergence:
        return reverse_kl


@final
@dataclass(frozen=True, repr=False)
class ReverseKL(FDivergence):
    r"""Reverse Kullback-Leibler divergence $\sum q \log(q/p)$: $f(u) = -\log u$, $f^*(t) = -1 - \log(-t)$, t < 0.

    Infinite as soon as q > 0 where p = 0. Kullback & Leibler (1951), eq. 2.4, with P and Q exchanged.
    """

    tangent = -1

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.relative_entropy(q, p, -m.difference(p, q))

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return -m.exp(-v)

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return -1 - m.log(-t)

    @property
    def reverse(self) -> FDivergence:
        return kl


@final
@dataclass(frozen=True, repr=False)
class JS(FDivergence):
    r"""Jensen-Shannon divergence $\tfrac12 KL(P\|M) + \tfrac12 KL(Q\|M)$, $M = \tfrac12(P+Q)$, in $[0, \ln 2]$.

    $f(u) = \tfrac12 u\log u - \tfrac12 (u+1)\log\tfrac{u+1}2$, $f^*(t) = -\tfrac12\log(2 - e^{2t})$, $t < \tfrac12\ln 2$.
    Its square root is a metric. Lin (1991), section 4; Endres & Schindelin (2003).
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        d, mean = m.difference(p, q), (p + q) / 2
        return (m.relative_entropy(p, mean, d / 2) + m.relative_entropy(q, mean, -d / 2)) / 2

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return -m.log_mean_exp(-v) / 2

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return -m.log1p(-m.expm1(2 * t)) / 2

    @property
    def reverse(self) -> FDivergence:
        return self


@final
@dataclass(frozen=True, repr=False)
class TV(FDivergence):
    r"""Total variation $\tfrac12\sum|p - q| = \sup_A |P(A) - Q(A)|$, in [0, 1]: $f(u) = \tfrac12|u - 1|$.

    $f^*(t) = \max(t, -\tfrac12)$ for $t \le \tfrac12$. A metric. Its optimal critic is a sign: half of sign(p - q).
    Tsybakov (2009), definition 2.4.
    """

    symmetric = True
    metric_power = 1
    kinks = (1,)

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.abs(m.difference(p, q)) / 2

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return m.sign(v) / 2

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return t

    @property
    def reverse(self) -> FDivergence:
        return self


@final
@dataclass(frozen=True, repr=False)
class PearsonChi2(FDivergence):
    r"""Pearson chi-squared $\sum (p-q)^2/q$: $f(u) = (u-1)^2$, $f^*(t) = t + t^2/4$ for $t \ge -2$, else $-1$.

    Infinite as soon as p > 0 where q = 0. Pearson (1900).
    """

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.quotient(m.difference(p, q), m.sqrt(q)) ** 2

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return 2 * m.expm1(v)

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return t + t**2 / 4

    @property
    def reverse(self) -> FDivergence:
        return neyman_chi2


@final
@dataclass(frozen=True, repr=False)
class NeymanChi2(FDivergence):
    r"""Neyman chi-squared $\sum (p-q)^2/p$: $f(u) = (u-1)^2/u$, $f^*(t) = 2 - 2\sqrt{1-t}$ for $t \le 1$.

    Infinite as soon as q > 0 where p = 0. Neyman (1949).
    """

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.quotient(m.difference(p, q), m.sqrt(p)) ** 2

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return -m.expm1(-2 * v)

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return t / (1 + m.sqrt(1 - t)) * 2

    @property
    def reverse(self) -> FDivergence:
        return pearson_chi2


@final
@dataclass(frozen=True, repr=False)
class SquaredHellinger(FDivergence):
    r"""Squared Hellinger divergence $\sum(\sqrt p - \sqrt q)^2$, in [0, 2]: $f(u) = (\sqrt u - 1)^2$.

    $f^*(t) = t/(1-t)$, $t < 1$. Its square root is a metric. Tsybakov (2009), definition 2.3; others put a half
    before the sum.
    """

    symmetric = True
    metric_power = 1 / 2

    def perspective(self, p: Any, q: Any, m: Vocabulary) -> Any:
        return m.quotient(m.difference(p, q), m.sqrt(p) + m.sqrt(q)) ** 2

    def critic(self, v: Any, m: Vocabulary) -> Any:
        return -m.expm1(-v / 2)

    def legendre(self, t: Any, m: Vocabulary) -> Any:
        return t / (1 - t)

    @property
    def reverse(self) -> FDivergence:
        return self


kl = KL()
reverse_kl = ReverseKL()
js = JS()
tv = TV()
pearson_chi2 = PearsonChi2()
neyman_chi2 = NeymanChi2()
squared_hellinger = SquaredHellinger()

FDIVERGENCES: tuple[FDivergence, ...] = tuple(d for d in list(globals().values()) if isinstance(d, FDivergence))
