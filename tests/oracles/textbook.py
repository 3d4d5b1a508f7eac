"""The catalogue by its textbook sums, in ball arithmetic on the exactly normalised inputs.

Cancellation-prone formulas on purpose: with hundreds of digits they need no care, and they share nothing with the
library. 2400 bits see below the smallest double beside 1; where no entry is tiny, fewer do.

A term is a function of balls p and q, not both 0; None stands for an infinite term. Parameters of families are exact
numbers, the doubles in the name: ``alpha(0.3)`` is of the order 0.299999999999999988897769753748...
"""

from collections import Counter

import flint
import numpy as np

BITS = 2400


def _log_sum(weight, ratio):
    """Sum of w log(r) with 0 log 0 = 0; inf where w > 0 and r is x/0 or 0."""
    return weight * ratio.log() if weight != 0 else flint.arb(0)


def _square(x):
    """x * x, because the power of a ball around 0 is NaN."""
    return x * x


def _relative_entropy(p, q):
    """Kullback-Leibler: p log(p/q)."""
    if p == 0:
        return flint.arb(0)
    return _log_sum(p, p / q) if q != 0 else None


def _sum(*weighted):
    """Sum of w x over pairs (w, x), infinite if one x is."""
    return None if any(x is None for _, x in weighted) else sum((w * x for w, x in weighted), flint.arb(0))


def _mean(p, q):
    return (p + q) / 2


def _jeffreys(p, q):
    return (p - q) * (p / q).log() if p != 0 and q != 0 else None


def _log1p_abs(p, q):
    """q exp(|log(p/q)|) - q."""
    if p == 0:
        return None
    return (p if p > q else q * q / p) - q if q != 0 else p


TERMS = {
    "kl": _relative_entropy,
    "reverse_kl": lambda p, q: _relative_entropy(q, p),
    "jeffreys": _jeffreys,
    "js": lambda p, q: (_log_sum(p, 2 * p / (p + q)) + _log_sum(q, 2 * q / (p + q))) / 2,
    "gan_divergence": lambda p, q: _log_sum(p, 2 * p / (p + q)) + _log_sum(q, 2 * q / (p + q)),
    "modified_gan": lambda p, q: _log_sum(q, (p + q) / (2 * p)) if p != 0 else None,
    "arithmetic_geometric": lambda p, q: _mean(p, q) * (_mean(p, q) / (p * q).sqrt()).log() if p * q != 0 else None,
    "tv": lambda p, q: abs(p - q) / 2,
    "log1p_abs": _log1p_abs,
    "pearson_chi2": lambda p, q: _square(p - q) / q if q != 0 else None,
    "neyman_chi2": lambda p, q: _square(p - q) / p if p != 0 else None,
    "le_cam": lambda p, q: _square(p - q) / (2 * (p + q)),
    "triangular": lambda p, q: _square(p - q) / (p + q),
    "marton": lambda p, q: _square(q - p) / q if p < q else flint.arb(0),
    "squared_hellinger": lambda p, q: _square(p.sqrt() - q.sqrt()),
}
"""Those without a parameter."""


def _power(p, q, a, b):
    """p**a q**b, a + b = 1, by logarithms."""
    if p == 0:
        return flint.arb(0) if a > 0 else None
    if q == 0:
        return flint.arb(0) if b > 0 else None
    return (a * p.log() + b * q.log()).exp()


def _alpha(a):
    if a == 0:
        return TERMS["reverse_kl"]
    if a == 1:
        return TERMS["kl"]
    scale = 1 / (a * (a - 1))
    return lambda p, q: _sum((scale, _power(p, q, a, 1 - a)), (-scale, q))


def _amari_alpha(a):
    if abs(a) == 1:
        return TERMS["kl" if a == -1 else "reverse_kl"]
    scale = 4 / (1 - a * a)
    return lambda p, q: _sum((scale, p), (-scale, _power(p, q, (1 - a) / 2, (1 + a) / 2)))


def _t_power(t):
    sign = -1 if 0 < t < 1 else 1
    return lambda p, q: _sum((sign, _power(p, q, t, 1 - t)), (-sign, q))


def _weighted_js(w):
    def term(p, q):
        mean = w * p + (1 - w) * q
        return _sum((w, _relative_entropy(p, mean)), (1 - w, _relative_entropy(q, mean)))

    return term


def _positive_part(x):
    return (x + abs(x)) / 2


def _hockey_stick(gamma):
    constant = _positive_part(1 - gamma)
    return lambda p, q: _positive_part(p - gamma * q) - constant * q


FAMILIES = {
    "alpha": _alpha,
    "cressie_read": lambda lam: _alpha(lam + 1),
    "amari_alpha": _amari_alpha,
    "t_power": _t_power,
    "weighted_js": _weighted_js,
    "skew_kl": lambda t: lambda p, q: _relative_entropy(p, (1 - t) * p + t * q),
    "hockey_stick": _hockey_stick,
}
"""Those with a parameter, a ball: functions that give the term."""


def term_of(name):
    """The term of a divergence by its name: ``kl``, ``alpha(0.3)``, ``reverse_marton``."""
    family, _, parameter = name.removesuffix(")").partition("(")
    if family in TERMS:
        return TERMS[family]
    if family in FAMILIES:
        return FAMILIES[family](flint.arb(float(parameter)))
    if name.startswith("reverse_"):
        forward = term_of(name.removeprefix("reverse_"))
        return lambda p, q: forward(q, p)
    msg = f"expected the defining sum of {name} in tests/oracles/textbook.py; add it to TERMS or FAMILIES"
    raise LookupError(msg)


def values(names, p, q, bits=BITS):
    """The divergences as arb balls, or inf; p and q are any non-negative floats of positive mass."""
    with flint.ctx.workprec(bits):
        terms = {name: term_of(name) for name in names}
        counts = Counter(zip(*(np.asarray(w, dtype=np.float64).tolist() for w in (p, q)), strict=True))
        balls = [(flint.arb(a), flint.arb(b), count) for (a, b), count in counts.items()]
        mass_p = sum((count * a for a, _, count in balls), flint.arb(0))
        mass_q = sum((count * b for _, b, count in balls), flint.arb(0))
        totals = dict.fromkeys(names, flint.arb(0))
        for a, b, count in balls:
            if a == 0 and b == 0:
                continue
            normalised = a / mass_p, b / mass_q
            for name in [name for name, total in totals.items() if total is not None]:
                term = terms[name](*normalised)
                totals[name] = None if term is None else totals[name] + count * term
        return {name: float("inf") if total is None else total for name, total in totals.items()}


def relative_errors(got, p, q, *, bits=BITS):
    """|got / truth - 1| by name; 0 where both are 0, or the same infinity (also one that is an overflow).

    What the hockey stick promises is another thing: its error is relative to the total variation.
    """
    with flint.ctx.workprec(bits):
        truth = values([*got, "tv"], p, q, bits)
        return {name: _error(x, truth[name], _scale(name, truth)) for name, x in got.items()}


def _scale(name, truth):
    return truth["tv"] if name.startswith("hockey_stick") else truth[name]


def _error(got, truth, scale):
    if isinstance(truth, float):
        exact = truth
    elif scale.contains(0):  # only 0 itself is smaller than the precision
        exact = 0.0
    elif float(truth) == float("inf"):
        exact = float("inf")
    else:
        return float((abs(flint.arb(got) - truth) / scale).mid())
    return 0.0 if got == exact else float("inf")


def relative_error(got, name, p, q):
    """The same for one divergence."""
    return relative_errors({name: float(got)}, p, q)[name]


def value(name, p, q):
    """The divergence, rounded to a double."""
    truth = values([name], p, q, BITS)[name]
    return float(truth) if isinstance(truth, float) else float(truth.mid())
