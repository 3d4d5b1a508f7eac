"""Many pairs at once: the same promises as one by one, in the same order, whatever sizes the pairs have."""

import math
import re

import numpy as np
import pytest
import torch

import divergences as dv
import gan
from gan.problems import independent_points, shared_support

torch.set_num_threads(1)

CONSTRAINTS = [
    gan.WeightClipping(limit=0.05),
    gan.GradientPenalty(),
    gan.SpectralNorm(),
    gan.Orthogonal(),
    gan.AlmostOrthogonal(),
    gan.CTransform(),
    gan.ByConstruction(gan.Cones()),
    gan.ByConstruction(gan.Funnels()),
]
every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)


def problems(count, size=12):
    return [independent_points(size, 2, rng=seed) for seed in range(count)]


def shown(critic, problem):
    """The mean of the critic under P less that under Q."""
    with torch.no_grad():
        p, q = (critic(torch.tensor(side.points)).numpy() @ side.weights for side in (problem.P, problem.Q))
    return p - q


def test_many_pairs_are_as_tight_as_one():
    many = problems(16, 16)
    for p, e in zip(many, gan.estimate_many(many, budget=gan.Budget(steps=400)), strict=True):
        assert 0.99 * e.upper <= e.lower <= e.upper == gan.wasserstein.exact(p.P, p.Q).upper
        assert e.kind is gan.Kind.CERTIFIED


@every_constraint
def test_every_critic_belongs_to_its_pair(constraint):
    """The raw estimate of each is what its own critic shows on its own pair, again and again."""
    many = problems(3)
    found = gan.estimate_many(many, constraint=constraint, budget=gan.Budget(steps=15), dtype=torch.float64)
    assert len({id(e.critic) for e in found}) == 3
    for problem, e in zip(many, found, strict=True):
        assert not any(part.training for part in e.critic.modules())
        if constraint == gan.CTransform():  # the completed critic shows at least what the trained pair does
            assert shown(e.critic, problem) >= e.raw - 1e-12
        else:
            assert shown(e.critic, problem) == pytest.approx(e.raw, rel=1e-9, abs=1e-15)
        assert shown(e.critic, problem) == shown(e.critic, problem)
        assert e.lipschitz <= e.lipschitz_bound * (1 + 1e-12)  # values and distances are rounded


@every_constraint
def test_a_stack_of_one_is_a_single_estimate(constraint):
    (problem,), budget = problems(1), gan.Budget(steps=10)
    (e,) = gan.estimate_many([problem], constraint=constraint, budget=budget, dtype=torch.float64)
    architecture = gan.FourierMLP(features=32, width=32) if constraint is None else constraint.architecture
    single = gan.estimate(problem, critic=architecture, constraint=constraint, budget=budget)
    assert e.raw == pytest.approx(single.raw, rel=1e-9)
    assert e.lower == pytest.approx(single.lower, rel=1e-9)


def test_pairs_of_different_sizes():
    """The smaller are filled up with atoms of no weight, which change nothing."""
    sizes = [(1, 7), (7, 1), (3, 20), (20, 3), (12, 12)]
    rng = np.random.default_rng(0)
    pairs = [(gan.Discrete(rng.normal(size=(n, 2))), gan.Discrete(rng.normal(size=(m, 2)) + 1)) for n, m in sizes]
    found = gan.estimate_many(pairs, budget=gan.Budget(steps=300))
    for (P, Q), e in zip(pairs, found, strict=True):
        assert 0.99 * e.upper <= e.lower <= e.upper == gan.wasserstein.exact(P, Q).upper


def test_atoms_without_mass_take_no_part():
    problem = independent_points(10, 2, rng=1)
    far = gan.Discrete(np.vstack([problem.P.points, [[1e3, 1e3]]]), np.append(problem.P.weights, 0.0))
    budget = gan.Budget(steps=50)
    without, with_ = (gan.estimate_many([(P, problem.Q)], budget=budget)[0] for P in (problem.P, far))
    assert with_.raw == pytest.approx(without.raw, rel=1e-6)
    assert with_.upper == without.upper


@pytest.mark.parametrize(
    "objective", [gan.variational(dv.js), gan.fgan(dv.kl), gan.nwj, gan.donsker_varadhan], ids=repr
)
def test_divergences_of_many_pairs(objective):
    many = [shared_support(8, 2, rng=seed) for seed in range(8)] + [gan.parallel_lines(0.5, size=5)]
    found = gan.estimate_many(many, objective, budget=gan.Budget(steps=200), dtype=torch.float64)
    for problem, e in zip(many, found, strict=True):
        assert e.lower <= objective.exact(problem.P, problem.Q).upper == e.upper
        assert e.lower == e.upper == math.inf or e.lower >= 0.95 * e.upper
    disjoint = found[-1]
    assert disjoint.raw == pytest.approx(math.log(2)) if objective.f == dv.js else disjoint.raw == math.inf


def test_histories_and_the_tolerance_are_of_all():
    many = problems(4)
    found = gan.estimate_many(many, budget=gan.Budget(steps=3000, rtol=0.1))
    assert all(e.upper - e.lower <= 0.1 * e.upper for e in found)
    assert len({e.history[-1].step for e in found}) == 1
    assert found[0].history[-1].step < 3000
    assert all(record.lower <= record.upper for e in found for record in e.history)


def test_the_same_rng_gives_the_same_estimates():
    many, budget = problems(3), gan.Budget(steps=5)
    one, same, other = ([e.raw for e in gan.estimate_many(many, budget=budget, rng=rng)] for rng in (1, 1, 2))
    assert one == same
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_pairs_come_as_problems_tuples_or_from_a_generator():
    many, budget = problems(2), gan.Budget(steps=3)
    as_problems = gan.estimate_many(many, budget=budget)
    as_pairs = gan.estimate_many(((p.P, p.Q) for p in many), budget=budget)
    assert [e.lower for e in as_problems] == [e.lower for e in as_pairs]
    assert gan.estimate_many([]) == []


def test_an_upper_bound_without_the_exact_value():
    """Of plans that the critics suggest."""
    many = problems(4, 24)
    for e in gan.estimate_many(many, upper=gan.ListedPlan(), budget=gan.Budget(steps=400)):
        assert e.lower <= e.upper <= 1.025 * e.lower


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pairs": [([0.0], [1.0])]}, TypeError, "expected pairs of gan.Discrete, got"),
        ({"pairs": [gan.Discrete([0.0])]}, TypeError, "expected pairs of gan.Discrete, got"),
        (
            {"pairs": [(gan.Discrete([0.0]), gan.Discrete([[0.0, 1.0]]))]},
            ValueError,
            "expected points of one dimension, got 1 for P and 2 for Q",
        ),
        ({"pairs": [*problems(1), gan.worked_table()]}, ValueError, "expected all pairs in one dimension of space"),
        ({"objective": dv.kl}, TypeError, "expected objective to be gan.wasserstein, or gan.variational(f)"),
        ({"critic": gan.MLP}, TypeError, "expected critic to be a value as gan.MLP(width=64)"),
        (
            {"objective": gan.nwj, "constraint": gan.CTransform()},
            TypeError,
            "expected no Lipschitz constraint for gan.nwj",
        ),
    ],
)
def test_misuse_is_refused_with_a_reason(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        gan.estimate_many(**{"pairs": problems(1), "budget": gan.Budget(steps=1), **arguments})


@pytest.mark.parametrize(
    "arguments",
    [{"constraint": gan.PORTFOLIO}, {"constraint": list(gan.PORTFOLIO)}, {"pairs": gan.worked_table()}],
    ids=str,
)
def test_what_estimate_takes_and_the_stack_does_not_is_refused_in_words(arguments):
    with pytest.raises(TypeError, match="expected"):
        gan.estimate_many(**{"pairs": problems(1), "budget": gan.Budget(steps=1), **arguments})
