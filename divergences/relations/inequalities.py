r"""The classical inequalities between divergences.

`RELATIONS` holds the inequalities, each declared once: two sides, of which the left one is never the larger, and where
they are equal. They are in the conventions of this library, where $TV = \tfrac12\sum|p - q| \le 1$,
$H^2 = \sum(\sqrt p - \sqrt q)^2 \le 2$, $JS \le \ln 2$, and logarithms are natural. `divergences.bound` needs no
inequality: it finds all values that one f-divergence can have, given another.

>>> import divergences as dv
>>> from divergences.relations import RELATIONS
>>> pinsker = next(x for x in RELATIONS if x.name == "pinsker")
>>> tuple(map(float, pinsker.sides([0.5, 0.5], [0.25, 0.75])))
(0.125, 0.14384103622589045)

References
----------
Boucheron, S., Lugosi, G. and Massart, P. (2013). Concentration Inequalities. Oxford University Press.

Bretagnolle, J. and Huber, C. (1979). Estimation des densites: risque minimax. Zeitschrift fuer
Wahrscheinlichkeitstheorie 47, 119-137.

Cover, T. M. and Thomas, J. A. (2006). Elements of Information Theory, 2nd ed. Wiley.

Crooks, G. E. (2008). Inequalities between the Jenson-Shannon and Jeffreys divergences. Technical note 004.

van Erven, T. and Harremoes, P. (2014). Renyi divergence and Kullback-Leibler divergence. IEEE Transactions on
Information Theory 60(7), 3797-3820.

Fedotov, A. A., Harremoes, P. and Topsoe, F. (2003). Refinements of Pinsker's inequality. IEEE Transactions on
Information Theory 49(6), 1491-1498.

Gilardoni, G. L. (2010). On Pinsker's and Vajda's type inequalities for Csiszar's f-divergences. IEEE Transactions on
Information Theory 56(11), 5377-5386.

Le Cam, L. (1973). Convergence of estimates under dimensionality restrictions. Annals of Statistics 1(1), 38-53.

Le Cam, L. (1986). Asymptotic Methods in Statistical Decision Theory. Springer.

Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Transactions on Information Theory 37(1), 145-151.

Samson, P.-M. (2000). Concentration of measure inequalities for Markov chains and Phi-mixing processes. Annals of
Probability 28(1), 416-461.

Sason, I. and Verdu, S. (2016). f-divergence inequalities. IEEE Transactions on Information Theory 62(11), 5973-6006.

Topsoe, F. (2000). Some inequalities for information divergence and related measures of discrimination. IEEE Transactions
on Information Theory 46(4), 1602-1609.

Tsybakov, A. B. (2009). Introduction to Nonparametric Estimation. Springer.

Vajda, I. (1970). Note on discrimination information and variation. IEEE Transactions on Information Theory 16(6),
771-773.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import Array, namespace, quiet
from divergences.catalogue import (
    jeffreys,
    js,
    kl,
    le_cam,
    marton,
    pearson_chi2,
    squared_hellinger,
    tv,
)
from divergences.derived import bhattacharyya, chernoff, renyi
from divergences.elementary import Numeric

__all__ = ["RELATIONS", "Equality", "Relation"]

Vector = NDArray[np.float64]
Side = Callable[[Array, Array, Numeric], Array]
Divergence = Callable[[Array, Array], Array]


@final
@dataclass(frozen=True, slots=True)
class Equality:
    """Pairs of distributions at which both sides of a relation are equal, or come to agree.

    Parameters
    ----------
    statement : str
        Where they are equal, in words.
    pairs : callable
        Makes a pair (p, q) of a number t between 0 and 1.
    exact : bool
        Whether the sides are equal for every t; if not, their quotient goes to 1 as t goes to 0.
    """

    statement: str
    pairs: Callable[[float], tuple[Vector, Vector]]
    exact: bool


@final
@dataclass(frozen=True, slots=True)
class Relation:
    """An inequality between functions of two distributions: the left side is at most the right one.

    Parameters
    ----------
    name : str
        What it is called.
    statement : str
        The inequality in LaTeX.
    smaller, larger : callable
        Both sides as functions of p, q and a vocabulary of elementary functions.
    condition : str
        For which pairs it holds.
    reference : str
        Where it is proven.
    equality : Equality
        Where both sides are equal.
    """

    name: str
    statement: str
    smaller: Side
    larger: Side
    condition: str
    reference: str
    equality: Equality

    def sides(self, p: Array, q: Array) -> tuple[Array, Array]:
        """Both sides of the inequality, the smaller one first.

        Parameters
        ----------
        p, q : array (..., n)
            Probabilities of one array library, along the last axis; shapes broadcast.

        Returns
        -------
        tuple of two arrays (...)
            The left and the right side, ``inf`` where they are infinite.
        """
        xp, (p, q) = namespace(p=p, q=q)
        with quiet():
            left, right = (side(p, q, Numeric(xp)) for side in (self.smaller, self.larger))
        return left, right

    def __repr__(self) -> str:
        """The name in brackets."""
        return f"<relation {self.name}>"


# -------------------------------------------------------------------------------------------------- pairs of equality


def _pair(p: list[float], q: list[float]) -> tuple[Vector, Vector]:
    return np.array(p), np.array(q)


EQUAL = Equality("P = Q only", lambda t: _pair([t, 1 - t], [t, 1 - t]), exact=True)
SINGULAR = Equality("P = Q, and P and Q without a common outcome", lambda _: _pair([1, 0], [0, 1]), exact=True)
DISJOINT = Equality("P and Q without a common outcome", lambda _: _pair([1, 0], [0, 1]), exact=True)
SYMMETRIC = Equality(
    "two outcomes that P and Q exchange",
    lambda t: _pair([(1 + t) / 2, (1 - t) / 2], [(1 - t) / 2, (1 + t) / 2]),
    exact=True,
)
SYMMETRIC_LIMIT = Equality(
    "in the limit, as two outcomes that P and Q exchange become equal", SYMMETRIC.pairs, exact=False
)
SPLIT = Equality(
    "at every outcome p = q, or one of them is 0", lambda t: _pair([t, 1 - t, 0], [0, 1 - t, t]), exact=True
)
CONDITIONED = Equality("P is Q conditioned on an event", lambda t: _pair([1, 0], [1 - t, t]), exact=True)
CONDITIONING = Equality("Q is P conditioned on an event", lambda t: _pair([1 - t, t], [1, 0]), exact=True)
HALVES_OR_CONDITIONED = Equality(
    "Q of two outcomes with probability 1/2 where TV <= 1/2, P conditioned Q beyond",
    lambda t: _pair([1 / 2 + t, 1 / 2 - t], [1 / 2, 1 / 2]) if t <= 1 / 2 else _pair([1, 0], [1 - t, t]),
    exact=True,
)
POINT_IN_HALVES = Equality(
    "one outcome against two of probability 1/2", lambda _: _pair([1, 0], [1 / 2, 1 / 2]), exact=True
)

# ---------------------------------------------------------------------------------------------------------- both sides


def _multiple(factor: float, d: Divergence) -> Side:
    return lambda p, q, m: factor * d(p, q)


def _of(d: Divergence, function: Callable[[Array], Array]) -> Side:
    return lambda p, q, m: function(d(p, q))


def _series(v: Array) -> Array:
    return v**2 / 2 + v**4 / 36 + v**6 / 270 + 221 * v**8 / 340200


def _shares(p: Array, q: Array, m: Numeric) -> tuple[Array, Array]:
    """TV, and 1 - TV as the sum of the smaller probabilities, which is right to the last digits where TV is nearly 1."""
    return tv(p, q), m.xp.sum(m.xp.minimum(p, q), axis=-1)


def _vajda(p: Array, q: Array, m: Numeric) -> Array:
    """The logarithm of (1 + t)/(1 - t) less 2t/(1 + t), which are nearly equal, as one relative entropy."""
    t, rest = _shares(p, q, m)
    return m.relative_entropy(1 + t, rest, 2 * t) / (1 + t)


def _gilardoni(p: Array, q: Array, m: Numeric) -> Array:
    """-log(1 - t) - (1 - t) log(1 + t), as a sum of terms of second order."""
    t, rest = _shares(p, q, m)
    one = m.xp.ones_like(t)
    return m.relative_entropy(one, rest, t) + rest * m.relative_entropy(one, 1 + t, -t) + t**2


def _exchanged_js(p: Array, q: Array, m: Numeric) -> Array:
    t = tv(p, q)
    return m.entropy_gap(1 + t, 1 - t, 2 * t)


def _exchanged_jeffreys(p: Array, q: Array, m: Numeric) -> Array:
    t, rest = _shares(p, q, m)
    return m.quotient(2 * t, 1 / m.log_ratio(1 + t, rest, 2 * t))


def _largest_tv(p: Array, q: Array, m: Numeric) -> Array:
    c = pearson_chi2(p, q)
    return m.xp.where(c < 1, m.sqrt(c) / 2, 1 / (1 + m.quotient(m.xp.ones_like(c), c)))


def _by_largest_ratio(p: Array, q: Array, m: Numeric) -> Array:
    """r/(1 - exp(-r)) TV of the logarithm r of the largest ratio; it is infinite where r is, and 0 where r is."""
    r = renyi(math.inf)(p, q)
    finite = r < m.xp.inf
    inner = m.xp.where(finite, r, 0.0)
    return m.xp.where(finite, m.quotient(inner, -m.expm1(-inner)) * tv(p, q), m.xp.inf)


def _by_least_probability(p: Array, q: Array, m: Numeric) -> Array:
    t = tv(p, q)
    return m.log1p(2 * t * m.quotient(t, m.xp.min(q, axis=-1)))


# ------------------------------------------------------------------------------------------------------------ families


def _renyi_grows(a: float, b: float) -> Relation:
    return Relation(
        f"renyi_grows({a:g}, {b:g})",
        rf"R_{{{a:g}}} \le R_{{{_order(b)}}}",
        _multiple(1, renyi(a)),
        _multiple(1, renyi(b)),
        f"every pair; orders a <= b, here {a:g} and {b:g}",
        "van Erven & Harremoes (2014), theorem 3",
        CONDITIONED,
    )


def _order(b: float) -> str:
    return r"\infty" if math.isinf(b) else f"{b:g}"


def _renyi_is_skew(a: float, b: float) -> Relation:
    return Relation(
        f"renyi_is_skew({a:g}, {b:g})",
        rf"\frac{{a (1-b)}}{{b (1-a)}} R_b \le R_a,\quad a = {a:g},\ b = {b:g}",
        _multiple(a * (1 - b) / (b * (1 - a)), renyi(b)),
        _multiple(1, renyi(a)),
        f"every pair; orders 0 < a <= b < 1, here {a:g} and {b:g}",
        "van Erven & Harremoes (2014), theorem 16",
        CONDITIONING,
    )


def _renyi_pinsker(a: float) -> Relation:
    return Relation(
        f"renyi_pinsker({a:g})",
        rf"2a\,TV^2 \le R_a,\quad a = {a:g}",
        _of(tv, lambda t: 2 * a * t**2),
        _multiple(1, renyi(a)),
        f"every pair; orders 0 < a <= 1, here {a:g}",
        "Gilardoni (2010); van Erven & Harremoes (2014), theorem 31",
        SYMMETRIC_LIMIT,
    )


def _renyi_gilardoni(a: float) -> Relation:
    return Relation(
        f"renyi_gilardoni({a:g})",
        rf"2a\,TV^2 + \tfrac49 a (1 + 5a - 5a^2)\,TV^4 \le R_a,\quad a = {a:g}",
        _of(tv, lambda t: 2 * a * t**2 + 4 / 9 * a * (1 + 5 * a - 5 * a**2) * t**4),
        _multiple(1, renyi(a)),
        f"every pair; orders 0 < a <= 1, here {a:g}",
        "Gilardoni (2010)",
        SYMMETRIC_LIMIT,
    )


ALWAYS = "every pair"

RELATIONS: tuple[Relation, ...] = (
    # ------------------------------------------------------------------------------------ Kullback-Leibler, total variation
    Relation(
        "pinsker",
        r"2\,TV^2 \le KL",
        _of(tv, lambda t: 2 * t**2),
        _multiple(1, kl),
        ALWAYS,
        "Pinsker (1964); Csiszar (1967); Tsybakov (2009), lemma 2.5",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "pinsker_series",
        r"2\,TV^2 + \tfrac49 TV^4 + \tfrac{32}{135} TV^6 + \tfrac{7072}{42525} TV^8 \le KL",
        _of(tv, lambda t: _series(2 * t)),
        _multiple(1, kl),
        ALWAYS,
        "Fedotov, Harremoes & Topsoe (2003)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "vajda",
        r"\log\frac{1 + TV}{1 - TV} - \frac{2\,TV}{1 + TV} \le KL",
        _vajda,
        _multiple(1, kl),
        ALWAYS,
        "Vajda (1970)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "gilardoni",
        r"-\log(1 - TV) - (1 - TV)\log(1 + TV) \le KL",
        _gilardoni,
        _multiple(1, kl),
        ALWAYS,
        "Gilardoni (2010)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "bretagnolle_huber",
        r"TV^2 \le 1 - e^{-KL}",
        _of(tv, lambda t: t**2),
        lambda p, q, m: -m.expm1(-kl(p, q)),
        ALWAYS,
        "Bretagnolle & Huber (1979)",
        SINGULAR,
    ),
    Relation(
        "bretagnolle_huber_tsybakov",
        r"TV \le 1 - \tfrac12 e^{-KL}",
        _multiple(1, tv),
        lambda p, q, m: 1 - m.exp(-kl(p, q)) / 2,
        ALWAYS,
        "Tsybakov (2009), lemma 2.6",
        DISJOINT,
    ),
    Relation(
        "largest_ratio",
        r"KL \le \frac{\log r}{1 - 1/r}\,TV,\quad r = \max p/q",
        _multiple(1, kl),
        _by_largest_ratio,
        "every pair; says something where p/q is bounded",
        "Sason & Verdu (2016), theorem 23",
        CONDITIONED,
    ),
    Relation(
        "least_probability",
        r"KL \le \log\left(1 + \frac{2\,TV^2}{\min q}\right)",
        _multiple(1, kl),
        _by_least_probability,
        "every pair; says something where q > 0",
        "Sason & Verdu (2016)",
        POINT_IN_HALVES,
    ),
    # ------------------------------------------------------------------------------------------ Hellinger, total variation
    Relation(
        "hellinger_below_tv",
        r"\tfrac12 H^2 \le TV",
        _multiple(1 / 2, squared_hellinger),
        _multiple(1, tv),
        ALWAYS,
        "Le Cam (1973); Tsybakov (2009), lemma 2.3",
        SPLIT,
    ),
    Relation(
        "tv_below_hellinger",
        r"TV^2 \le H^2 (1 - \tfrac14 H^2)",
        _of(tv, lambda t: t**2),
        _of(squared_hellinger, lambda h: h * (1 - h / 4)),
        ALWAYS,
        "Le Cam (1973); Tsybakov (2009), lemma 2.3",
        SYMMETRIC,
    ),
    Relation(
        "le_cam",
        r"TV \le 1 - \tfrac12 (1 - \tfrac12 H^2)^2",
        _multiple(1, tv),
        _of(squared_hellinger, lambda h: 1 - (1 - h / 2) ** 2 / 2),
        ALWAYS,
        "Le Cam (1973); Tsybakov (2009), lemma 2.3",
        DISJOINT,
    ),
    # ---------------------------------------------------------------------------------- Hellinger, Kullback-Leibler, chi2
    Relation(
        "hellinger_below_kl",
        r"H^2 \le KL",
        _multiple(1, squared_hellinger),
        _multiple(1, kl),
        ALWAYS,
        "Tsybakov (2009), lemma 2.4",
        EQUAL,
    ),
    Relation(
        "bhattacharyya_below_kl",
        r"-2\log(1 - \tfrac12 H^2) \le KL",
        _multiple(2, bhattacharyya),
        _multiple(1, kl),
        ALWAYS,
        "Tsybakov (2009), lemma 2.4",
        CONDITIONED,
    ),
    Relation(
        "kl_below_log_chi2",
        r"KL \le \log(1 + \chi^2)",
        _multiple(1, kl),
        lambda p, q, m: m.log1p(pearson_chi2(p, q)),
        ALWAYS,
        "Tsybakov (2009), lemma 2.7",
        CONDITIONED,
    ),
    Relation(
        "kl_below_chi2",
        r"KL \le \chi^2",
        _multiple(1, kl),
        _multiple(1, pearson_chi2),
        ALWAYS,
        "Tsybakov (2009), lemma 2.7",
        EQUAL,
    ),
    Relation(
        "tv_below_chi2",
        r"TV \le \tfrac12 \sqrt{\chi^2}\ \text{if}\ \chi^2 \le 1,\quad TV \le \frac{\chi^2}{1 + \chi^2}\ \text{else}",
        _multiple(1, tv),
        _largest_tv,
        ALWAYS,
        "Gilardoni (2010)",
        HALVES_OR_CONDITIONED,
    ),
    # ----------------------------------------------------------------------------------------------------- Jensen-Shannon
    Relation(
        "js_below_tv",
        r"JS \le \ln 2\;TV",
        _multiple(1, js),
        _multiple(math.log(2), tv),
        ALWAYS,
        "Lin (1991)",
        SPLIT,
    ),
    Relation(
        "tv_below_js",
        r"\tfrac12 [(1 + TV)\log(1 + TV) + (1 - TV)\log(1 - TV)] \le JS",
        _exchanged_js,
        _multiple(1, js),
        ALWAYS,
        "Lin (1991); Topsoe (2000)",
        SYMMETRIC,
    ),
    Relation(
        "js_pinsker",
        r"\tfrac12 TV^2 \le JS",
        _of(tv, lambda t: t**2 / 2),
        _multiple(1, js),
        ALWAYS,
        "Topsoe (2000)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "hellinger_below_js",
        r"\tfrac{\ln 2}2 H^2 \le JS",
        _multiple(math.log(2) / 2, squared_hellinger),
        _multiple(1, js),
        ALWAYS,
        "Topsoe (2000)",
        SPLIT,
    ),
    Relation(
        "js_below_hellinger",
        r"JS \le \tfrac12 H^2",
        _multiple(1, js),
        _multiple(1 / 2, squared_hellinger),
        ALWAYS,
        "Lin (1991); Topsoe (2000)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "le_cam_below_js",
        r"\tfrac12 LC \le JS",
        _multiple(1 / 2, le_cam),
        _multiple(1, js),
        ALWAYS,
        "Topsoe (2000)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "js_below_le_cam",
        r"JS \le \ln 2\;LC",
        _multiple(1, js),
        _multiple(math.log(2), le_cam),
        ALWAYS,
        "Topsoe (2000)",
        SPLIT,
    ),
    Relation(
        "js_below_jeffreys",
        r"JS \le \tfrac18 J",
        _multiple(1, js),
        _multiple(1 / 8, jeffreys),
        ALWAYS,
        "Crooks (2008)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "crooks",
        r"JS \le \log\frac2{1 + e^{-J/2}}",
        _multiple(1, js),
        lambda p, q, m: -m.log_mean_exp(-jeffreys(p, q) / 2),
        ALWAYS,
        "Crooks (2008)",
        SINGULAR,
    ),
    # ------------------------------------------------------------------------------------------------------------- Le Cam
    Relation(
        "hellinger_below_le_cam",
        r"\tfrac12 H^2 \le LC",
        _multiple(1 / 2, squared_hellinger),
        _multiple(1, le_cam),
        ALWAYS,
        "Le Cam (1986); Topsoe (2000)",
        SPLIT,
    ),
    Relation(
        "le_cam_below_hellinger",
        r"LC \le H^2",
        _multiple(1, le_cam),
        _multiple(1, squared_hellinger),
        ALWAYS,
        "Le Cam (1986); Topsoe (2000)",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "tv_below_le_cam",
        r"TV^2 \le LC",
        _of(tv, lambda t: t**2),
        _multiple(1, le_cam),
        ALWAYS,
        "Topsoe (2000)",
        SYMMETRIC,
    ),
    Relation(
        "le_cam_below_tv",
        r"LC \le TV",
        _multiple(1, le_cam),
        _multiple(1, tv),
        ALWAYS,
        "Topsoe (2000)",
        SPLIT,
    ),
    # ----------------------------------------------------------------------------------------------------------- Jeffreys
    Relation(
        "tv_below_jeffreys",
        r"2\,TV \log\frac{1 + TV}{1 - TV} \le J",
        _exchanged_jeffreys,
        _multiple(1, jeffreys),
        ALWAYS,
        "Gilardoni (2010)",
        SYMMETRIC,
    ),
    Relation(
        "jeffreys_pinsker",
        r"4\,TV^2 \le J",
        _of(tv, lambda t: 4 * t**2),
        _multiple(1, jeffreys),
        ALWAYS,
        "Pinsker's inequality for both relative entropies",
        SYMMETRIC_LIMIT,
    ),
    Relation(
        "hellinger_below_jeffreys",
        r"4 H^2 \le J",
        _multiple(4, squared_hellinger),
        _multiple(1, jeffreys),
        ALWAYS,
        r"$\tanh x \le x$ at $x = \tfrac14 \log(p/q)$, at every outcome",
        SYMMETRIC_LIMIT,
    ),
    # ------------------------------------------------------------------------------------------------------------- Marton
    Relation(
        "tv_below_marton",
        r"TV^2 \le d_2^2",
        _of(tv, lambda t: t**2),
        _multiple(1, marton),
        ALWAYS,
        "Boucheron, Lugosi & Massart (2013), chapter 8",
        SINGULAR,
    ),
    Relation(
        "samson",
        r"d_2^2(P\|Q) + d_2^2(Q\|P) \le 2\,KL(P\|Q)",
        lambda p, q, m: marton(p, q) + marton(q, p),
        _multiple(2, kl),
        ALWAYS,
        "Samson (2000); Boucheron, Lugosi & Massart (2013), chapter 8",
        SYMMETRIC_LIMIT,
    ),
    # ---------------------------------------------------------------------------------------------------- Renyi, Chernoff
    *(_renyi_grows(a, b) for a, b in ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 5.0), (5.0, math.inf))),
    *(_renyi_is_skew(a, b) for a, b in ((0.1, 0.5), (0.25, 0.75), (0.5, 0.9))),
    *(_renyi_pinsker(a) for a in (0.1, 0.5, 0.9, 1.0)),
    *(_renyi_gilardoni(a) for a in (0.1, 0.5, 0.9, 1.0)),
    Relation(
        "bhattacharyya_below_chernoff",
        r"-\log(1 - \tfrac12 H^2) \le C",
        _multiple(1, bhattacharyya),
        _multiple(1, chernoff),
        ALWAYS,
        "Cover & Thomas (2006), section 11.9",
        SYMMETRIC,
    ),
    Relation(
        "chernoff_below_kl",
        r"C \le KL",
        _multiple(1, chernoff),
        _multiple(1, kl),
        ALWAYS,
        "van Erven & Harremoes (2014)",
        CONDITIONED,
    ),
)
"""The classical inequalities, each with both sides, its condition, its reference, and where equality holds."""
