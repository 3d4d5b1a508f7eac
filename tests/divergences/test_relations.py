"""The classical inequalities: never violated, equal where they are said to be, and their constants are the sharp ones."""

import math

import mpmath
import numpy as np
import pytest
import torch

import divergences as dv
from divergences.relations import RELATIONS, bound

EPS = np.finfo(float).eps
SLACK = 32 * EPS
"""Each side is right to 4e-15, the largest documented error of a divergence; elementary functions add a few units."""

COUNT = 100_000

every = pytest.mark.parametrize("relation", RELATIONS, ids=lambda x: x.name)


def named(name):
    (relation,) = [x for x in RELATIONS if x.name == name]
    return relation


def normalized(x):
    return x / x.sum(axis=-1, keepdims=True)


def random_pairs(rng, n, count):
    """Entries comparable, or over 280 decades."""
    weights = rng.dirichlet(np.full(n, 0.7), (2, count))
    decades = 10.0 ** (-rng.choice([0, 3, 280], (2, count, 1)) * rng.random((2, count, n)))
    return normalized(weights * decades + 1e-290)


def close_pairs(rng, n, count):
    """1e-1 to 1e-9 apart."""
    q = rng.dirichlet(np.ones(n), count)
    distance = 10.0 ** -rng.integers(1, 10, (count, 1))
    return normalized(q * (1 + distance * rng.uniform(-0.9, 0.9, (count, n)))), q


def sparse_pairs(rng, n, count):
    """Many zeros, disjoint supports among them."""
    p, q = random_pairs(rng, n, count)
    for x, last in ((p, 0), (q, -1)):
        x[rng.random(x.shape) < 0.5] = 0
        x[:, last] += 1e-3
    return normalized(p), normalized(q)


def extreme_pairs():
    """The pairs that attain the sharp bounds of each of the divergences by another, at many values."""
    given = [
        dv.tv,
        dv.kl,
        dv.js,
        dv.squared_hellinger,
        dv.pearson_chi2,
        dv.le_cam,
        dv.jeffreys,
        dv.marton,
        dv.alpha(0.3),
    ]
    for d in given:
        for other in given:
            if d != other:
                for share in (1e-6, 1e-3, 0.1, 0.5, 0.9):
                    known = bound(d, given=other, value=share * min(other.range.upper, 10.0))
                    yield from ((x.p, x.q) for x in (known.smallest, known.largest))


@pytest.fixture(scope="module")
def adversaries():
    """At least 1e5 pairs, in arrays of rows."""
    rng = np.random.default_rng(2024)
    made = [make(rng, n, COUNT // 6) for make in (random_pairs, close_pairs, sparse_pairs) for n in (2, 5)]
    exchanged = [(q, p) for p, q in made]
    padded = [[np.pad(x, (0, 4 - len(x))) for x in pair] for pair in extreme_pairs()]
    return [*made, *exchanged, tuple(np.array(x) for x in zip(*padded, strict=True))]


def excess(left, right):
    """Largest relative amount by which the left side is above the right one."""
    assert not np.isnan(left).any()
    assert not np.isnan(right).any()
    finite = np.isfinite(right)
    assert np.all(left[finite & (right == 0)] == 0)
    positive = finite & (right > 0)
    return np.max(left[positive] / right[positive] - 1, initial=-1.0)


@every
def test_no_pair_violates_a_relation(relation, adversaries):
    assert sum(len(p) for p, _ in adversaries) >= COUNT
    assert max(excess(*relation.sides(p, q)) for p, q in adversaries) <= SLACK


@every
def test_both_sides_are_equal_where_it_is_said(relation):
    equality = relation.equality
    assert equality.statement
    if equality.exact:
        for t in (0.001, 0.1, 0.3, 0.5, 0.7, 0.99):
            left, right = relation.sides(*equality.pairs(t))
            assert left == right or left == pytest.approx(right, rel=1e-12)
    else:
        shortfall = [
            1 - left / right for left, right in (relation.sides(*equality.pairs(t)) for t in (1e-2, 1e-4, 1e-6))
        ]
        assert shortfall[0] > SLACK  # in the limit only
        assert shortfall[1] <= 0.02 * shortfall[0]
        assert shortfall[2] <= max(0.02 * shortfall[1], SLACK)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (lambda p, q: 2.001 * dv.tv(p, q) ** 2, dv.kl),
        (dv.js, lambda p, q: 0.692 * dv.tv(p, q)),
        (dv.squared_hellinger, lambda p, q: 1.999 * dv.tv(p, q)),
        (dv.squared_hellinger, lambda p, q: 0.999 * dv.le_cam(p, q)),
        (dv.renyi(0.6), dv.renyi(0.5)),
    ],
)
def test_a_slightly_wrong_constant_is_found_out(smaller, larger, adversaries):
    """What the search of violations is worth."""
    assert max(excess(smaller(p, q), larger(p, q)) for p, q in adversaries) > 1e-4


# -------------------------------------------------------------------------------------------------- the sharp constants

SHARP = [
    ("tv_below_js", dv.js, dv.tv, 1, lambda t: ((1 + t) * mpmath.log(1 + t) + (1 - t) * mpmath.log(1 - t)) / 2),
    ("js_below_tv", dv.js, dv.tv, -1, lambda t: t * mpmath.log(2)),
    ("hellinger_below_tv", dv.squared_hellinger, dv.tv, -1, lambda t: 2 * t),
    ("tv_below_hellinger", dv.tv, dv.squared_hellinger, -1, lambda h: mpmath.sqrt(h * (1 - h / 4))),
    ("kl_below_log_chi2", dv.kl, dv.pearson_chi2, -1, mpmath.log1p),
    ("bhattacharyya_below_kl", dv.kl, dv.squared_hellinger, 1, lambda h: -2 * mpmath.log(1 - h / 2)),
    ("tv_below_chi2", dv.tv, dv.pearson_chi2, -1, lambda c: mpmath.sqrt(c) / 2 if c < 1 else c / (1 + c)),
    ("hellinger_below_js", dv.js, dv.squared_hellinger, 1, lambda h: h * mpmath.log(2) / 2),
    ("js_below_le_cam", dv.js, dv.le_cam, -1, lambda c: c * mpmath.log(2)),
    ("hellinger_below_le_cam", dv.le_cam, dv.squared_hellinger, 1, lambda h: h / 2),
    ("tv_below_le_cam", dv.le_cam, dv.tv, 1, lambda t: t**2),
    ("le_cam_below_tv", dv.le_cam, dv.tv, -1, lambda t: t),
    ("tv_below_jeffreys", dv.jeffreys, dv.tv, 1, lambda t: 2 * t * mpmath.log((1 + t) / (1 - t))),
]
"""Those whose equality is attained at every value: theirs is the boundary of the joint range."""


@pytest.mark.parametrize("share", [0.001, 0.3, 0.8])
@pytest.mark.parametrize(
    ("name", "d", "given", "sign", "formula"), SHARP, ids=lambda x: x if isinstance(x, str) else ""
)
def test_relations_with_equality_are_the_boundary_of_the_joint_range(name, d, given, sign, formula, share):
    assert named(name).equality.exact
    value = share * min(given.range.upper, 4.0)
    known = bound(d, given=given, value=value)
    with mpmath.workdps(40):
        truth = formula(mpmath.mpf(value))
        extreme = known.smallest if sign > 0 else known.largest
        assert extreme.bounds.lower <= truth <= extreme.bounds.upper
    assert extreme.bounds.relative_gap <= 1e-10


LIMITS = [
    ("pinsker", dv.kl, dv.tv, 1, lambda t: 2 * t**2),
    ("js_pinsker", dv.js, dv.tv, 1, lambda t: t**2 / 2),
    ("jeffreys_pinsker", dv.jeffreys, dv.tv, 1, lambda t: 4 * t**2),
    ("js_below_hellinger", dv.js, dv.squared_hellinger, -1, lambda h: h / 2),
    ("le_cam_below_js", dv.js, dv.le_cam, 1, lambda c: c / 2),
    ("le_cam_below_hellinger", dv.le_cam, dv.squared_hellinger, -1, lambda h: h),
    ("js_below_jeffreys", dv.js, dv.jeffreys, -1, lambda j: j / 8),
    ("hellinger_below_jeffreys", dv.jeffreys, dv.squared_hellinger, 1, lambda h: 4 * h),
]


@pytest.mark.parametrize(
    ("name", "d", "given", "sign", "formula"), LIMITS, ids=lambda x: x if isinstance(x, str) else ""
)
def test_relations_with_equality_in_the_limit_are_tangent_to_the_boundary(name, d, given, sign, formula):
    """On the right side of it everywhere, and near it at small values."""
    assert not named(name).equality.exact
    for value in (1e-4, 0.01, 0.5):
        known = bound(d, given=given, value=value)
        outer = known.lower if sign > 0 else known.upper
        assert sign * (outer - formula(value)) >= -1e-11 * formula(value)
        if value == 1e-4:
            assert outer == pytest.approx(formula(value), rel=1e-3)


def test_the_lower_bounds_of_kl_by_tv_are_ordered():
    """Pinsker, and Vajda below Gilardoni below the sharp one; Bretagnolle and Huber's is the better one only far out."""
    for t in (0.01, 0.1, 0.3, 0.6, 0.9):
        p, q = bound(dv.kl, given=dv.tv, value=t).smallest.p, bound(dv.kl, given=dv.tv, value=t).smallest.q
        pinsker, series, vajda, gilardoni = (
            named(name).sides(p, q)[0] for name in ("pinsker", "pinsker_series", "vajda", "gilardoni")
        )
        sharp = dv.kl(p, q)
        assert pinsker < series < sharp
        assert vajda < gilardoni < sharp
        huber = -math.log1p(-(t**2))
        assert (huber > pinsker) == (t > 0.89)


# -------------------------------------------------------------------------------------------------------- the records


@every
def test_a_relation_says_what_it_is(relation):
    assert relation.name in repr(relation)
    assert r"\le" in relation.statement
    assert relation.statement.count("{") == relation.statement.count("}")
    assert relation.condition
    assert relation.reference
    assert sum(x.name == relation.name for x in RELATIONS) == 1


@every
def test_relations_run_on_tensors_and_rows(relation):
    p, q = np.random.default_rng(1).dirichlet(np.ones(4), (2, 3))
    numbers = relation.sides(p, q)
    tensors = relation.sides(torch.as_tensor(p), torch.as_tensor(q))
    for x, y in zip(numbers, tensors, strict=True):
        assert x.shape == (3,)
        assert np.allclose(x, y.numpy(), rtol=SLACK, atol=0)
