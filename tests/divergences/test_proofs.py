"""Proofs by sympy: every declaration proves itself, and a declaration with one false part is disproved."""

import math

import pytest
import sympy

import divergences as dv
from divergences._deciding import is_nonnegative, limit, vanishes
from divergences.contexts import exactly
from divergences.proofs import DisprovedError, formulas, prove

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
EVERY_REVERSE = list(dict.fromkeys(d.reverse for d in dv.FDIVERGENCES if d.reverse not in dv.FDIVERGENCES))
U = sympy.Symbol("u", positive=True)
T = sympy.Symbol("t", real=True)


@pytest.mark.parametrize("d", [*dv.FDIVERGENCES, *EVERY_REVERSE], ids=str)
def test_every_divergence_and_its_reverse_is_proved(d):
    """Every step is decided symbolically; no numeric check stands in for sympy."""
    proof = d.prove()
    assert proof.symbolic, proof.undecided
    claims = " ".join(step.claim for step in proof.steps)
    for part in (
        "f(1) = 0",
        "f'(u) = critic",
        "f''(u) >= 0",
        "g(u) >= g(1) = 0",
        "f**(u)",
        "f(0+)",
        "f'(inf)",
        "u f(1/u)",
    ):
        assert part in claims
    assert ("f*(t) = ut - f(u) at t = f'(u)" in claims) == d.has_closed_conjugate
    assert "level(log u)" in claims
    assert ("so that D is symmetric" in claims) == d.symmetric
    assert ("convex kink" in claims) == bool(d.kinks)
    assert str(proof).startswith(f"{d.name}:\n  1. ")
    for step in proof.steps:
        assert step.latex()


def test_the_conjugate_of_u_log_u_is_derived_step_by_step():
    """f'(u) = t is solved for u and put into ut - f(u): exp(t - 1)."""
    steps = {step.claim: step.expression for step in dv.kl.prove().steps}
    assert steps["ut - f(u) is stationary where f'(u) = t"] == sympy.Eq(sympy.log(U) + 1, T)
    assert steps["that is, where log(u) = t - 1"] == sympy.Eq(sympy.log(U), T - 1)
    assert steps["that is at u = exp(t - 1)"] == sympy.Eq(U, sympy.exp(T - 1))
    value = steps["the supremum, ut - f(u) at that u, is exp(t - 1) = f*(t)"]
    assert sympy.simplify(value.lhs - (T * sympy.exp(T - 1) - sympy.exp(T - 1) * (T - 1))) == 0
    assert value.rhs == sympy.exp(T - 1)


@pytest.mark.parametrize("d", [d for d in dv.FDIVERGENCES if d.has_closed_conjugate and not d.kinks], ids=str)
def test_every_closed_conjugate_comes_from_the_stationary_point(d):
    claims = [step.claim for step in d.prove().steps]
    assert any(claim.startswith("that is at u = ") for claim in claims)
    assert any(claim.startswith("the supremum, ut - f(u) at that u, is ") for claim in claims)


@pytest.mark.parametrize(
    ("d", "conjugate"),
    [
        (dv.kl, sympy.exp(T - 1)),
        (dv.reverse_kl, -1 - sympy.log(-T)),
        (dv.js, -sympy.log(2 - sympy.exp(2 * T)) / 2),
        (dv.gan_divergence, -sympy.log(2 - sympy.exp(T))),
        (dv.pearson_chi2, T + T**2 / 4),
        (dv.neyman_chi2, 2 - 2 * sympy.sqrt(1 - T)),
        (dv.squared_hellinger, T / (1 - T)),
        (dv.le_cam, (1 - sympy.sqrt(1 - 2 * T)) * (3 - sympy.sqrt(1 - 2 * T)) / 2),
        (dv.triangular, (1 - sympy.sqrt(1 - T)) * (3 - sympy.sqrt(1 - T))),
        (dv.alpha(3.0), sympy.sqrt(1 + 2 * T) ** 3 / 3 - sympy.Rational(1, 3)),
        (dv.weighted_js(0.1), sympy.Rational(9, 10) * sympy.log(9 / (10 - sympy.exp(10 * T)))),
    ],
)
def test_conjugates_in_symbols_are_those_of_the_tables(d, conjugate):
    """The f-GAN paper's table 5 and the first lines of the docstrings, for t in the range of f'."""
    form = d.symbolic()
    assert sympy.simplify(form.conjugate - conjugate) == 0 or all(
        abs(sympy.N((form.conjugate - conjugate).subs(T, sympy.Rational(-k, 7)), 50)) < 1e-48 for k in range(1, 4)
    )


def test_divergences_without_a_closed_conjugate_have_none_in_symbols():
    for d in (dv.jeffreys, dv.arithmetic_geometric, dv.skew_kl(0.6), dv.marton.reverse):
        assert not d.has_closed_conjugate
        assert d.symbolic().conjugate is None
        assert "(f*)'(f'(u)) = u" in str(d.prove())


def test_formulas_in_symbols():
    form = dv.kl.symbolic()
    assert form.f == form.u * sympy.log(form.u)
    assert form.conjugate == sympy.exp(form.t - 1)
    assert form.level == form.u
    assert dv.kl.latex() == r"u \log{\left(u \right)}"
    assert dv.hockey_stick(3.0).symbolic().f == sympy.Max(0, form.u - 3)


@every
def test_symbolic_and_numeric_values_agree(d):
    """The two vocabularies mean the same: f, f' and the level at exact ratios, in 40 digits and in doubles."""
    form = d.symbolic()
    for u in (0.125, 0.75, 1.0, 1.25, 25.0):
        # what a parameter was rounded by may be multiplied by the parameter's size: 1 / (1 - a) for a near 1
        size = 1 + max((abs(x) for x in (d.slope, d.f0) if math.isfinite(x)), default=0.0)
        for expression, value in ((form.f, d.f(u)), (form.derivative, d.optimal_critic(math.log(u)))):
            if u not in d.kinks:
                exact = float(sympy.N(expression.subs(form.u, sympy.Rational(u)), 40))
                assert value == pytest.approx(exact, rel=1e-14, abs=4e-16 * size)


def test_parameters_become_exact_fractions():
    assert exactly(0.3) == sympy.Rational(3, 10)
    assert exactly(2 / 3) == sympy.Rational(2, 3)
    assert exactly(1 - 1e-12) == sympy.Rational(9007199254731985, 2**53)
    assert exactly(-2) == -2


class _Wrong:
    """A declaration with one part replaced; everything else is that of the original."""

    def __init__(self, original, **replaced):
        self._original, self._replaced = original, replaced

    def __getattr__(self, name):
        return self._replaced[name] if name in self._replaced else getattr(self._original, name)


@pytest.mark.parametrize(
    ("d", "replaced", "claim"),
    [
        (dv.kl, {"legendre": lambda t, m: m.exp(t)}, "ut - f"),
        (dv.kl, {"critic": lambda v, m: v}, "critic"),
        (dv.kl, {"level": lambda v, m: 2 * m.exp(v)}, "level"),
        (dv.kl, {"perspective": lambda p, q, m: -m.relative_entropy(p, q, p - q)}, "critic"),
        (
            dv.kl,
            {"perspective": lambda p, q, m: -m.relative_entropy(p, q, p - q), "critic": lambda v, m: 1 - v},
            r"f''\(u\) >= 0",
        ),
        (dv.kl, {"perspective": lambda p, q, m: m.relative_entropy(p, q, p - q) + q}, r"f\(1\) = 0"),
        (dv.kl, {"perspective": lambda p, q, m: m.relative_entropy(p, q, p - q) + p * (p - q)}, r"q g\(p/q\)"),
        (dv.kl, {"f0": 1.0}, r"f\(0\+\) = 0"),
        (dv.kl, {"slope": 1e300}, r"f'\(inf\) = oo"),
        (dv.js, {"slope": math.log(2) / 2 * (1 + 1e-14)}, r"f'\(inf\)"),
        (dv.js, {"critic_range": dv.Interval(-1.0, math.log(2) / 2)}, r"f'\(0\+\) = -oo"),
        (dv.js, {"critic_range": dv.Interval(upper=math.log(2))}, "the end of the critic's range"),
        (dv.kl, {"reverse": dv.pearson_chi2}, "up to a multiple"),
        (dv.kl, {"tangent": 0}, "critic"),
        (dv.kl, {"tangent": 2, "critic": lambda v, m: v + 2}, "ut - f|f'"),
        (dv.kl, {"symmetric": True}, "D is symmetric"),
        (dv.pearson_chi2, {"critic": lambda v, m: m.expm1(v)}, "critic"),
        (dv.squared_hellinger, {"legendre": lambda t, m: t / (2 - t)}, "ut - f"),
        (dv.tv, {"legendre": lambda t, m: 2 * t}, "ut - f"),
        (dv.tv, {"perspective": lambda p, q, m: m.abs(p - q) / 2 + (p - q)}, "critic"),
        (
            dv.tv,
            {
                "perspective": lambda p, q, m: m.abs(p - q) / 2 + 3 * (p - q),
                "critic": lambda v, m: 3 + m.sign(v) / 2,
            },
            "tangent",
        ),
        (dv.tv, {"tangent": 1, "critic": lambda v, m: 1 + m.sign(v) / 2}, "level"),
        (dv.tv, {"kinks": ()}, "declare the point where it does in kinks or joints"),
        (dv.tv, {"kinks": (1, 2)}, r"f'\(2-\) < f'\(2\+\)"),
        (dv.tv, {"kinks": (2,)}, "declare the point"),
        (dv.tv, {"kinks": (), "joints": (1,)}, "a smooth joint"),
        (dv.log1p_abs, {"level": lambda v, m: m.sign(v)}, "level"),
        (dv.log1p_abs, {"legendre": lambda t, m: t}, "supremum|ut - f"),
        (dv.marton, {"joints": ()}, "declare the point"),
        (dv.marton, {"joints": (2,)}, "declare the point"),
        (dv.marton, {"kinks": (1,), "joints": ()}, "a convex kink"),
        (dv.marton, {"legendre": lambda t, m: t}, "supremum|ut - f"),
        (dv.jeffreys, {"level": lambda v, m: m.expm1(v) - v}, "level"),
        (dv.arithmetic_geometric, {"level": lambda v, m: m.log_mean_exp(v)}, "level"),
        (dv.marton.reverse, {"level": lambda v, m: 0 * v}, "level"),
    ],
)
def test_a_false_declaration_is_disproved(d, replaced, claim):
    with pytest.raises(DisprovedError, match=claim):
        prove(_Wrong(d, **replaced))


@pytest.mark.parametrize(
    ("d", "replaced", "claim"),
    [
        (dv.alpha(0.3), {"perspective": dv.alpha(0.5).perspective}, "critic"),
        (dv.alpha(0.3), {"legendre": dv.alpha(0.5).legendre}, "supremum|ut - f"),
        (dv.alpha(0.3), {"level": dv.alpha(0.5).level}, "level"),
        (dv.alpha(1 - 1e-12), {"critic": dv.kl.critic}, "critic"),
        (dv.alpha(1 - 1e-12), {"legendre": dv.kl.legendre}, "supremum|ut - f"),
        (dv.alpha(1 - 1e-12), {"slope": math.inf}, r"f'\(inf\)"),
        (dv.cressie_read(2 / 3), {"reverse": dv.cressie_read(2 / 3)}, "up to a multiple"),
        (dv.weighted_js(0.1), {"symmetric": True}, "D is symmetric"),
        (dv.weighted_js(0.1), {"legendre": dv.weighted_js(0.5).legendre}, "supremum|ut - f"),
        (dv.skew_kl(0.6), {"tangent": 1}, "critic"),
        (dv.skew_kl(0.6), {"level": lambda v, m: m.exp(v)}, "level"),
        (dv.t_power(1.5), {"perspective": lambda p, q, m: 2 * dv.t_power(1.5).perspective(p, q, m)}, "critic"),
        (dv.hockey_stick(3.0), {"kinks": (2.0,)}, "declare the point"),
        (dv.hockey_stick(3.0), {"critic": dv.hockey_stick(2.0).critic}, "declare the point"),
        (dv.hockey_stick(3.0), {"legendre": lambda t, m: 2 * t}, "ut - f"),
        (dv.hockey_stick(3.0), {"level": lambda v, m: 0 * v}, "level"),
        (dv.hockey_stick(3.0), {"reverse": dv.hockey_stick(3.0)}, "up to a multiple"),
        (dv.hockey_stick(3.0), {"perspective": lambda p, q, m: -m.positive_part(p - 3 * q)}, "critic"),
        (
            dv.hockey_stick(3.0),
            {
                "perspective": lambda p, q, m: -m.positive_part(p - 3 * q),
                "critic": lambda v, m: -dv.hockey_stick(3.0).critic(v, m),
            },
            r"f'\(3-\) < f'\(3\+\)",
        ),
    ],
)
def test_a_false_member_of_a_family_is_disproved(d, replaced, claim):
    with pytest.raises(DisprovedError, match=claim):
        prove(_Wrong(d, **replaced))


class _Undecidable:
    """exp(u) - e u has f'' = exp(u) > 0, but written so that sympy's cheap steps do not see it: cosh + sinh."""

    name, kinks, joints, symmetric, has_closed_conjugate = "undecidable", (), (), False, False
    tangent, f0, slope, critic_range = 0, 1.0, math.inf, dv.Interval(1 - math.e)

    @property
    def reverse(self):
        return _ReversedUndecidable()

    def _f(self, u):
        return sympy.cosh(u) + sympy.sinh(u) - sympy.E * u

    def perspective(self, p, q, m):
        return q * self._f(p / q)

    def critic(self, v, m):
        return sympy.exp(sympy.exp(v)) - sympy.E

    def level(self, v, m):
        u = sympy.exp(v)
        return u * sympy.exp(u) - sympy.exp(u)


class _ReversedUndecidable(_Undecidable):
    def perspective(self, p, q, m):
        return p * self._f(q / p)


def test_what_sympy_could_not_decide_is_checked_numerically_and_said():
    proof = prove(_Undecidable())
    assert not proof.symbolic
    assert any(step.claim == "f'(u) = critic(log u)" for step in proof.undecided)
    for step in proof.undecided:
        number = not step.expression.free_symbols
        grid = "" if number else " at 41 points from 9e-08 to 1e+07"
        assert step.decided_by == f"not by sympy, but with 60 digits{grid}"


@pytest.mark.parametrize(
    ("x", "is_zero"),
    [
        (sympy.log(12 * U / (1 + U)) - sympy.log(U) - 2 * sympy.log(2) - sympy.log(3) + sympy.log(1 + U), True),
        (sympy.sqrt(U**2 + 2 * U + 1) - U - 1, True),
        (sympy.sqrt(U**2 - 2 * U + 1) - U + 1, False),
        ((sympy.sqrt(U) - 1) ** 2 - U + 2 * sympy.sqrt(U) - 1, True),
        (1 / (sympy.sqrt(U) - 1) - (sympy.sqrt(U) + 1) / (U - 1), True),
        (U ** exactly(1 - 1e-12) / U - U ** (exactly(1 - 1e-12) - 1), True),
        (U ** exactly(1 - 1e-12) - U, False),
        (sympy.exp(sympy.log(2) / 2 + sympy.log(U)) - sympy.sqrt(2) * U, True),
        (sympy.log((1 - T) ** 2) - 2 * sympy.log(1 - T), False),
    ],
)
def test_identities_are_decided_and_no_false_one_is(x, is_zero):
    assert vanishes(x) is is_zero


def test_nonnegativity_is_decided_by_terms_or_by_factors():
    assert is_nonnegative(U**2 + U)
    assert is_nonnegative((U - 1) ** 2)
    assert not is_nonnegative(U - 1)
    assert not is_nonnegative(-U)


@pytest.mark.parametrize(
    "x", [(U**2 - 1) / (3 * U**2 + U), (U - 1) / (U**3 + 1), (1 - U**3) / U, U * sympy.log(U), sympy.sqrt(U) - U]
)
@pytest.mark.parametrize("end", [0, sympy.oo])
def test_limits_by_leading_powers_are_those_of_sympy(x, end):
    assert limit(x, U, end) == sympy.limit(x, U, end, "+" if end == 0 else "-")


def test_formulas_of_a_reverse_are_u_f_of_its_reciprocal():
    form = formulas(dv.marton.reverse)
    for u in (sympy.Rational(1, 3), sympy.Integer(3)):
        assert form.f.subs(U, u) == u * sympy.Max(0, 1 - 1 / u) ** 2
