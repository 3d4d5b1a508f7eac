"""The cases on which solvers with absolute tolerances fail: each answer is judged in rational arithmetic alone."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog
from transport_problems import EPS, Problem

from divergences.transport import emd

N = 24
ROUNDING = Fraction(1, 2**52)


def clouds(seed=0):
    """Weighted normal clouds in the plane, in multiples of 2^-10: sums and differences of masses are exact."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(N, 2)), rng.normal(size=(N, 2)) + 1
    a, b = (rng.multinomial(1024 - N, np.full(N, 1 / N)) + 1.0 for _ in "ab")
    return a / 1024, b / 1024, np.linalg.norm(x[:, None] - y, axis=-1)


def balanced(a, b):
    return a / a.sum(), b / b.sum()


def cases():
    a, b, c = clouds()
    rng = np.random.default_rng(1)
    rare = rng.random((N, N)) < 0.3
    yield Problem("plain", a, b, c)
    yield Problem("uniform", np.full(N, 1 / N), np.full(N, 1 / N), c)
    yield from (Problem(f"cost x {s:g}", a, b, s * c) for s in (1e-200, 1e-12, 1e-10, 1e-8, 1e-4, 1e4, 1e8, 1e12))
    yield Problem("costs over 1e-8..1e8", a, b, 10.0 ** rng.uniform(-8, 8, (N, N)))
    yield Problem("entries of 1e32 that forbid", a, b, np.where(rare, 1e32, 1000 * c))
    yield from (Problem(f"30 % of pairs at {s:g}", a, b, np.where(rare, s, c)) for s in (1e6, 1e12, np.inf))
    yield from (Problem(f"total mass {s:g}", s * a, s * b, c) for s in (1e9, 1e12, 1e-6, 1e-12))
    tiny = np.where(np.arange(N) % 2, a, 1e-12)
    yield Problem("half of the masses 1e-12", *balanced(tiny, b), c)
    yield Problem("masses exp(-U(0, 60))", *balanced(*np.exp(-rng.uniform(0, 60, (2, N)))), c)
    yield Problem("sums that differ by 1 ulp", a, b * (1 + EPS), c)
    twins = np.arange(N) // 3
    yield Problem("duplicates", a, b, c[np.ix_(twins, twins)])
    yield Problem("equal costs", a, b, np.full((N, N), 0.7))
    yield Problem("negative costs", a, b, -c)
    yield Problem("zero masses", *balanced(np.where(np.arange(N) % 3, a, 0), np.where(np.arange(N) % 4, b, 0)), c)


CASES = list(cases())


def exactly(values):
    return [Fraction(v) for v in values.tolist()]


def rational_gap(p, t):
    """Cost of the plan over the dual value of the potentials, both rational, relative to the plan's cost without signs.

    The plan is known up to the rounding of its entries and the potentials are rounded down, so that no more than these
    roundings may be missing anywhere.
    """
    a, b = exactly(p.a), exactly(p.b)
    total = (sum(a) + sum(b)) / 2
    a, b = [v * total / sum(a) for v in a], [v * total / sum(b) for v in b]
    f, g = map(exactly, t.potentials)
    finite = np.isfinite(p.cost)
    assert all(f[i] + g[j] <= Fraction(float(p.cost[i, j])) for i, j in product(range(N), range(N)) if finite[i, j])
    rows, columns = [Fraction(0)] * N, [Fraction(0)] * N
    slack_of_rows, slack_of_columns, primal, size = [Fraction(0)] * N, [Fraction(0)] * N, Fraction(0), Fraction(0)
    for mass, i, j in zip(exactly(t.plan.data), t.plan.row.tolist(), t.plan.col.tolist(), strict=True):
        assert mass > 0
        assert finite[i, j]
        for sums, slack, k in ((rows, slack_of_rows, i), (columns, slack_of_columns, j)):
            sums[k] += mass
            slack[k] += mass * ROUNDING
        primal += mass * Fraction(float(p.cost[i, j]))
        size += mass * abs(Fraction(float(p.cost[i, j])))
    assert all(abs(u - v) <= e for u, v, e in zip(rows, a, slack_of_rows, strict=True))
    assert all(abs(u - v) <= e for u, v, e in zip(columns, b, slack_of_columns, strict=True))
    dual = sum((u * v for u, v in zip([*f, *g], [*a, *b], strict=True)), Fraction(0))
    return (primal - dual) / size, primal, size


@pytest.mark.parametrize("p", CASES, ids=str)
def test_answer_is_certified_in_rational_arithmetic(p):
    t = emd(p.a, p.b, p.cost)
    gap, primal, size = rational_gap(p, t)
    assert abs(gap) <= Fraction(1e-13)
    assert t.bounds.gap <= 1e-13 * float(size)
    # the plan is off its marginals by roundings, which may be worth this much
    assert abs(Fraction(t.value) - primal) <= 4 * ROUNDING * size
    assert Fraction(t.bounds.lower) <= Fraction(t.bounds.upper)


def highs(p):
    """HiGHS; a pair of infinite cost is left out."""
    i, j = np.nonzero(np.isfinite(p.cost))
    marginals = np.zeros((2 * N, len(i)))
    marginals[i, np.arange(len(i))] = marginals[N + j, np.arange(len(i))] = 1
    return linprog(p.cost[i, j], A_eq=marginals, b_eq=np.concatenate([p.a, p.b]), method="highs-ds").fun


RIGHT = (
    "plain",
    "uniform",
    "cost x 10000",
    "cost x 1e+08",
    "30 % of pairs at 1e+06",
    "30 % of pairs at inf",
    "duplicates",
    "equal",
    "negative",
)


@pytest.mark.parametrize("p", [p for p in CASES if str(p).startswith(RIGHT)], ids=str)
def test_answer_is_that_of_highs_where_that_is_right(p):
    assert emd(p.a, p.b, p.cost).value == pytest.approx(highs(p), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e-10, 1e-8, 1e-4, 1e12])
def test_units_of_cost_do_not_matter(scale):
    a, b, c = clouds()
    assert emd(a, b, c * scale).value == pytest.approx(scale * highs(CASES[0]), rel=1e-12)


def test_prices_that_forbid_are_those_of_the_forbidden():
    """Prices of 1e6, 1e12, 1e32 and +inf on pairs that no optimal plan uses give one value."""
    a, b, c = clouds()
    rare = np.random.default_rng(1).random((N, N)) < 0.3
    values = [emd(a, b, np.where(rare, s, c)).value for s in (1e6, 1e12, 1e32, np.inf)]
    assert values == pytest.approx([values[0]] * 4, rel=2 * EPS)


def test_all_the_cases_are_here():
    assert len({str(p) for p in CASES}) == 26


def test_totals_that_differ_visibly_are_an_error():
    a, b, c = clouds()
    with pytest.raises(ValueError, match="equal totals"):
        emd(a, b * (1 + 1e-7), c)


def test_what_is_no_number_or_no_mass_is_an_error():
    a, b, c = clouds()
    with pytest.raises(ValueError, match="cost must be"):
        emd(a, b, np.where(np.eye(N, dtype=bool), np.nan, c))
    with pytest.raises(ValueError, match="non-negative"):
        emd(np.where(np.arange(N) == 3, -a, a), b, c)


@pytest.mark.parametrize("p", [p for p in CASES if str(p) in {"plain", "cost x 1e+08", "zero masses"}], ids=str)
def test_potentials_of_points_without_mass_are_one_sided_derivatives(p):
    """By weak duality the value is above the tangent for any step; for a small one it lies on it."""
    for k in (0, 3):
        a = p.a.copy()
        a[k] = 0
        a *= p.b.sum() / a.sum()
        t = emd(a, p.b, p.cost)
        h, other = 2.0**-24, int(np.argmax(a))
        moved = a.copy()
        moved[k], moved[other] = h, moved[other] - h
        slope = (emd(moved, p.b, p.cost).value - t.value) / h
        f = t.potentials[0]
        assert slope == pytest.approx(f[k] - f[other], abs=1e-6 * p.cost.max() / CASES[0].cost.max())
