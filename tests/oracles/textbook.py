"""The seven divergences by their textbook sums, in ball arithmetic on the exactly normalised inputs.

Cancellation-prone formulas on purpose: with hundreds of digits they need no care, and they share nothing with the
library. 2400 bits see below the smallest double beside 1; where no entry is tiny, fewer do.
"""

import flint
import numpy as np

BITS = 2400


def _log_sum(weight, ratio):
    """Sum of w log(r) with 0 log 0 = 0; inf where w > 0 and r is x/0 or 0."""
    return weight * ratio.log() if weight != 0 else flint.arb(0)


def _square(x):
    """x * x, because the power of a ball around 0 is NaN."""
    return x * x


TERMS = {
    "kl": lambda p, q: _log_sum(p, p / q) if q != 0 else None,
    "reverse_kl": lambda p, q: _log_sum(q, q / p) if p != 0 else None,
    "js": lambda p, q: (_log_sum(p, 2 * p / (p + q)) + _log_sum(q, 2 * q / (p + q))) / 2,
    "tv": lambda p, q: abs(p - q) / 2,
    "pearson_chi2": lambda p, q: _square(p - q) / q if q != 0 else None,
    "neyman_chi2": lambda p, q: _square(p - q) / p if p != 0 else None,
    "squared_hellinger": lambda p, q: _square(p.sqrt() - q.sqrt()),
}


def values(names, p, q, bits):
    """The divergences as arb balls, or inf; p and q are any non-negative floats of positive mass."""
    with flint.ctx.workprec(bits):
        balls = [[flint.arb(float(x)) for x in np.asarray(w, dtype=np.float64)] for w in (p, q)]
        mass_p, mass_q = (sum(w, flint.arb(0)) for w in balls)
        totals = dict.fromkeys(names, flint.arb(0))
        for a, b in zip(*balls, strict=True):
            if a == 0 and b == 0:
                continue
            normalised = a / mass_p, b / mass_q
            for name in [name for name, total in totals.items() if total is not None]:
                term = TERMS[name](*normalised)
                totals[name] = None if term is None else totals[name] + term
        return {name: float("inf") if total is None else total for name, total in totals.items()}


def relative_errors(got, p, q, *, bits=BITS):
    """|got / truth - 1| by name; 0 where both are 0, or the same infinity (also one that is an overflow)."""
    with flint.ctx.workprec(bits):
        return {name: _error(got[name], truth) for name, truth in values(got, p, q, bits).items()}


def _error(got, truth):
    if isinstance(truth, float):
        exact = truth
    elif truth.contains(0):  # only 0 itself is smaller than the precision
        exact = 0.0
    elif float(truth) == float("inf"):
        exact = float("inf")
    else:
        return float(abs(flint.arb(got) / truth - 1).mid())
    return 0.0 if got == exact else float("inf")


def relative_error(got, name, p, q):
    """The same for one divergence."""
    return relative_errors({name: float(got)}, p, q)[name]


def value(name, p, q):
    """The divergence, rounded to a double."""
    truth = values([name], p, q, BITS)[name]
    return float(truth) if isinstance(truth, float) else float(truth.mid())
