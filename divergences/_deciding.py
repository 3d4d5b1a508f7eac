"""How sympy decides what proofs ask: whether an expression is 0, whether it is never negative, what its limit is.

The expressions are sums of products of rational powers of a positive symbol, of logarithms and of exponentials. Written
over one denominator, powers of the same base joined and logarithms split into those of irreducible factors, such a sum
is 0 only if every term is: these few cheap steps decide what a general simplification would search for.
"""

from typing import Any

import sympy

from divergences.contexts import exactly

__all__ = ["canonical", "expanded", "is_nonnegative", "limit", "shortest", "vanishes"]

SMALL = 12
"""Largest denominator of an exponent for which sympy may factor polynomials in roots of the symbol."""

LARGE = 64
"""Largest exponent for which it may multiply out the power of a sum."""


def canonical(x: Any) -> sympy.Expr:
    """The expression over one denominator, its logarithms and powers split into those of irreducible factors."""
    exact = sympy.sympify(x).replace(lambda y: y.is_Float, lambda y: exactly(float(y)))
    hidden, back = _without_large_powers(_split(exact))
    return sympy.together(hidden).xreplace(back)


def _split(x: sympy.Expr) -> sympy.Expr:
    if x.is_Atom or isinstance(x, sympy.Piecewise | sympy.Rel):
        return x
    args = [_split(y) for y in x.args]
    if isinstance(x, sympy.exp):
        return sympy.exp(expanded(args[0]))
    if isinstance(x, sympy.log):
        return _split_log(factored(args[0]))
    if x.is_Pow and args[1].is_Rational and not args[1].is_Integer:
        base = factored(args[0])
        if abs(args[1]) > LARGE and base.as_coeff_Mul()[0] != 1:
            return x  # 2**(10**12) has more digits than there is memory
        return sympy.expand_power_base(sympy.Pow(base, args[1]))
    return x.func(*args)


def _split_log(x: sympy.Expr) -> sympy.Expr:
    """log(x) as a sum over the prime and irreducible factors of x."""
    if x.is_Rational and x > 0:
        primes = sympy.factorrat(x)
        return sympy.Add(*(power * sympy.log(prime) for prime, power in primes.items()))
    if x.is_Mul:
        positive = [y for y in x.args if y.is_positive]
        rest = [y for y in x.args if not y.is_positive]
        left = sympy.log(sympy.Mul(*rest)) if rest else sympy.Integer(0)
        return sympy.Add(left, *(_split_log(y) for y in positive))
    if x.is_Pow and x.base.is_positive and x.exp.is_real:
        return x.exp * _split_log(x.base)
    return sympy.log(x)


def factored(x: sympy.Expr) -> sympy.Expr:
    """Numerator and denominator factored; powers with large denominators in their exponents are symbols meanwhile."""
    small, large = _without_large_powers(x)
    hidden, roots = _hidden(sympy.together(small))
    return sympy.factor(hidden).xreplace(roots).xreplace(large)


def _hidden(x: sympy.Expr) -> tuple[sympy.Expr, dict[sympy.Symbol, sympy.Expr]]:
    """The expression in which b**(n + r), r a fraction in (0, 1), is b**n times a symbol, and what the symbols are."""
    back: dict[sympy.Symbol, sympy.Expr] = {}
    names: dict[sympy.Expr, sympy.Symbol] = {}

    def hide(power: sympy.Expr) -> sympy.Expr:
        whole = sympy.floor(power.exp)
        root = power.base ** (power.exp - whole)
        if root not in names:
            names[root] = sympy.Dummy(positive=True) if root.is_positive else sympy.Dummy()
            back[names[root]] = root
        return power.base**whole * names[root]

    return x.replace(lambda y: y.is_Pow and y.exp.is_Rational and y.exp.q > SMALL, hide), back


def expanded(x: sympy.Expr) -> sympy.Expr:
    """Products and small powers of sums multiplied out."""
    hidden, back = _without_large_powers(x)
    return sympy.expand(hidden).xreplace(back)


def _without_large_powers(x: sympy.Expr) -> tuple[sympy.Expr, dict[sympy.Expr, sympy.Expr]]:
    """The expression with symbols for sums to large powers, such as 10**12 + 1/2, and what the symbols are."""
    powers = [y for y in x.atoms(sympy.Pow) if y.base.is_Add and y.exp.is_Rational and abs(y.exp) > LARGE]
    names = {y: sympy.Dummy(positive=True) if y.is_positive else sympy.Dummy() for y in powers}
    return x.xreplace(names), {name: y for y, name in names.items()}


def vanishes(x: Any) -> bool:
    """Whether sympy can show that an expression is 0."""
    numerator, _ = canonical(x).as_numer_denom()
    return bool(expanded(numerator) == 0)


def is_nonnegative(x: Any) -> bool:
    """Whether sympy can show that an expression is nowhere negative, by the signs of its terms or of its factors."""
    numerator, denominator = canonical(x).as_numer_denom()
    quotient = expanded(numerator) / denominator
    return bool(quotient.is_nonnegative or factored(quotient).is_nonnegative)


def limit(x: Any, w: sympy.Symbol, end: Any) -> sympy.Expr:
    """The limit at 0+ or infinity: by the leading powers of numerator and denominator if these are sums of powers."""
    simple = canonical(x)
    numerator, denominator = (_leading(expanded(y), w, end) for y in simple.as_numer_denom())
    if numerator is None or denominator is None:
        return sympy.limit(simple, w, end, "+" if end == 0 else "-")
    ratio, power = numerator[0] / denominator[0], numerator[1] - denominator[1]
    if power == 0:
        return ratio
    return sympy.sign(ratio) * sympy.oo if (power < 0) == (end == 0) else sympy.Integer(0)


def _leading(x: sympy.Expr, w: sympy.Symbol, end: Any) -> tuple[sympy.Expr, sympy.Expr] | None:
    """Coefficient and exponent of the term that dominates a sum of powers of w; None if it is no such sum."""
    terms: dict[sympy.Expr, sympy.Expr] = {}
    for term in sympy.Add.make_args(x):
        coefficient, power = term.as_independent(w, as_Add=False)
        base, exponent = power.as_base_exp()
        if power != 1 and (base != w or not exponent.is_Rational):
            return None
        exponent = sympy.Integer(0) if power == 1 else exponent
        terms[exponent] = terms.get(exponent, sympy.Integer(0)) + coefficient
    exponent = min(terms) if end == 0 else max(terms)
    return terms[exponent], exponent


def shortest(x: Any) -> sympy.Expr:
    """Of a few equal ways to write an expression the one with the fewest operations."""
    raw, large = _without_large_powers(sympy.sympify(x))
    simple = canonical(raw)
    ways = [raw, expanded(raw), sympy.expand_log(expanded(raw)), simple, factored(simple), expanded(simple)]
    return min(ways, key=lambda y: (sympy.count_ops(y), len(str(y)))).xreplace(large)
