"""Problems the tests of transport share: strategies, ill-scaled cases, and exact arithmetic to judge answers by."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import numpy as np
from hypothesis import strategies as st

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Problem:
    name: str
    a: np.ndarray
    b: np.ndarray
    cost: np.ndarray

    def __str__(self):
        return self.name


@st.composite
def problems(draw, largest=7):
    """Integer masses of one total and integer costs of any sign, exactly representable, ties and zeros included."""
    n, m = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    units = draw(st.integers(1, 20))
    a, b = (
        np.bincount(draw(st.lists(st.integers(0, k - 1), min_size=units, max_size=units)), minlength=k) for k in (n, m)
    )
    cost = draw(st.lists(st.integers(-9, 9), min_size=n * m, max_size=n * m))
    return Problem("drawn", a.astype(float), b.astype(float), np.array(cost, dtype=float).reshape(n, m))


@st.composite
def measures(draw, d=1, largest=8):
    """Points and weights; coordinates and masses with ties, zeros and full significands."""
    n = draw(st.integers(1, largest))
    number = st.one_of(st.integers(-3, 3).map(float), st.floats(1e-9, 10), st.floats(-10, -1e-9))
    x = np.array(draw(st.lists(st.lists(number, min_size=d, max_size=d), min_size=n, max_size=n)))
    w = np.array(draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1)), min_size=n, max_size=n)))
    w[draw(st.integers(0, n - 1))] += 0.5
    return x, w / w.sum()


def random_problem(seed=0, n=40, m=50):
    """Two weighted normal clouds in the plane under the Euclidean distance."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1
    a, b = rng.uniform(0.1, 1.1, n), rng.uniform(0.1, 1.1, m)
    return Problem("normal", a / a.sum(), b / b.sum(), np.linalg.norm(x[:, None] - y, axis=-1))


def ill_scaled():
    """Problems that defeat solvers working to an absolute tolerance, all with feasible answers in float64."""
    p, rng = random_problem(), np.random.default_rng(1)
    shape = p.cost.shape
    yield from (Problem(f"cost x {s:g}", p.a, p.b, p.cost * s) for s in (1e-200, 1e-12, 1e-8, 1e8, 1e12, 1e200))
    yield from (Problem(f"mass {s:g}", p.a * s, p.b * s, p.cost) for s in (1e-300, 1e-9, 1e9, 1e12))
    yield Problem("costs over 1e-8..1e8", p.a, p.b, 10.0 ** rng.uniform(-8, 8, shape))
    yield Problem("costs over 1e-30..1e30", p.a, p.b, 10.0 ** rng.uniform(-30, 30, shape))
    rare, most = rng.random(shape) < 0.3, rng.random(shape) < 0.97
    yield Problem("1e32 among ordinary costs", p.a, p.b, np.where(rare, 1e32, p.cost))
    yield Problem("1e32 cannot be avoided", p.a, p.b, np.where(most, 1e32, p.cost))
    for name, a in (
        ("masses over e^20", np.exp(-rng.uniform(0, 20, shape[0]))),
        ("masses over e^60", np.exp(-rng.uniform(0, 60, shape[0]))),
        ("half the masses 1e-12", np.where(np.arange(shape[0]) % 2, p.a, 1e-12)),
        ("half the masses 1e-300", np.where(np.arange(shape[0]) % 2, p.a, 1e-300)),
        ("half the masses 0", np.where(np.arange(shape[0]) % 2, p.a, 0)),
    ):
        yield Problem(name, a / a.sum(), p.b, p.cost)
    yield Problem("duplicates", p.a, p.b, p.cost[np.ix_(np.arange(shape[0]) // 4, np.arange(shape[1]) // 5)])
    yield Problem("all costs equal", p.a, p.b, np.full(shape, 0.1))
    yield Problem("negative costs", p.a, p.b, -p.cost)
    yield Problem("costs of both signs", p.a, p.b, p.cost - p.cost.mean())
    yield Problem("one source", np.ones(1), p.b, p.cost[:1])
    yield Problem("one pair", np.array([2.5]), np.array([2.5]), np.array([[0.3]]))


def least_slack(cost, f, g):
    """Smallest reduced cost of all pairs, as a rational: feasibility without a tolerance."""
    rows = zip(cost.tolist(), f.tolist(), strict=True)
    columns = [Fraction(v) for v in g.tolist()]
    return min(Fraction(c) - Fraction(u) - v for row, u in rows for c, v in zip(row, columns, strict=True))


def dual_value(a, b, f, g):
    """The number sum f a + sum g b, as a rational."""
    return sum(Fraction(u) * Fraction(v) for u, v in zip([*f, *g], [*a, *b], strict=True))


def cheapest_assignment(cost):
    """Least mean cost over all permutations of a square matrix, as a rational."""
    rational = [[Fraction(c) for c in row] for row in cost.tolist()]
    n = len(rational)
    return min(sum((rational[i][s] for i, s in enumerate(p)), Fraction(0)) for p in permutations(range(n))) / n
