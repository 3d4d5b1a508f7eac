"""Laws of estimates on finite measures, whatever the critic, its constraint, the objective and the pair are.

What is proven is never above the exact value; it reaches it where the class of critics contains the optimum; it does not
depend on the order, the place or the unit of the points; and the critic's gradient shows where the mass moves.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import divergences as dv
import gan
from divergences.testing import convex_functions, divergences, pairs, point_clouds
from gan.problems import heavy_tails, independent_points, partial_overlap, rings, shared_support, shift

torch.set_num_threads(1)

CONSTRAINTS = [
    gan.WeightClipping(),
    gan.WeightClipping(limit=0.05),
    gan.GradientPenalty(),
    gan.GradientPenalty(one_sided=True),
    gan.GradientPenalty(one_sided=True, power=1.0),
    gan.SpectralNorm(),
    gan.Orthogonal(),
    gan.Orthogonal(gan.Bjorck()),
    gan.AlmostOrthogonal(),
    gan.CTransform(),
    gan.ByConstruction(gan.Cones()),
    gan.ByConstruction(gan.Funnels()),
]
ADMISSIBLE = [
    gan.Orthogonal(),
    gan.AlmostOrthogonal(),
    gan.CTransform(),
    *map(gan.ByConstruction, (gan.Cones(), gan.Funnels())),
]
WITHOUT_DRAWS = [rule for rule in CONSTRAINTS if not isinstance(rule, gan.GradientPenalty)]  # points between batches
TOO_COARSE = dv.alpha(1 - 1e-12)
"""Its conjugate's domain ends at 1e12, which no activation reaches in doubles."""
EVERY_F = [
    make(f)
    for make in (gan.variational, gan.fgan)
    for f in dv.FDIVERGENCES
    if make is gan.variational or f != TOO_COARSE
]


def test_an_activation_that_doubles_are_too_coarse_for_is_refused():
    with pytest.raises(
        ValueError, match=r"whose domain ends at 1\.00002e\+12, where doubles are too coarse; take gan\.var"
    ):
        gan.fgan(TOO_COARSE)


OBJECTIVES = [*EVERY_F, gan.nwj, gan.NguyenWainwrightJordan(shift=-1.0), gan.donsker_varadhan]
LOG_RATIOS = [gan.variational(f) for f in (dv.js, dv.kl, dv.tv, dv.squared_hellinger)] + [gan.donsker_varadhan]

every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
ROUNDING = 1 + 1e-12


@st.composite
def plane_pairs(draw):
    """16 pairs in the plane: hand-made ones with ties, coinciding and weightless atoms, and random ones."""
    cloud = point_clouds(dimension=2)
    drawn = draw(st.lists(st.tuples(cloud, cloud), min_size=4, max_size=4))
    problems = gan.battery(sizes=(4, 9), dimensions=(2,), rng=draw(st.integers(0, 2**32)))
    return [tuple(gan.Discrete(*side) for side in pair) for pair in drawn] + [(p.P, p.Q) for p in problems][:12]


@st.composite
def line_pairs(draw):
    """16 pairs of probability vectors on the integers, hand-made and random ones, some with zeros of their own."""
    drawn = draw(st.lists(pairs(), min_size=4, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.exponential(size=(12, 2, 8)) * (rng.random((12, 2, 8)) < np.linspace(0.4, 1.0, 12)[:, None, None])
    weights[:, :, 0] += 1e-3
    drawn += [tuple(w / w.sum() for w in pair) for pair in weights]
    return [tuple(gan.Discrete(np.arange(len(w)), w) for w in pair) for pair in drawn]


def permuted(measure, rng):
    order = rng.permutation(measure.size)
    return gan.Discrete(measure.points[order], measure.weights[order])


def moved(measure, *, factor=1.0, by=0.0):
    return gan.Discrete(factor * measure.points + by, measure.weights)


def sides(problem):
    return problem.P, problem.Q


def moved_problem(problem, **how):
    return moved(problem.P, **how), moved(problem.Q, **how)


# Soundness


@every_constraint
@given(many=plane_pairs(), seed=st.integers(0, 99))
@settings(max_examples=2)
def test_what_is_proven_of_w1_is_never_above_it(constraint, many, seed):
    """However short the training, and K-Lipschitz critics are worth at most K W1."""
    estimates = gan.estimate_many(
        many, constraint=constraint, budget=gan.Budget(steps=2), rng=seed, dtype=torch.float64
    )
    for (P, Q), e in zip(many, estimates, strict=True):
        exact = gan.wasserstein.exact(P, Q)
        assert 0 <= e.lower <= e.value <= exact.upper == e.upper
        assert all(0 <= record.lower <= exact.upper for record in e.history)
        for slope in (e.lipschitz, e.lipschitz_bound):
            assert e.raw <= slope * exact.upper * ROUNDING + 1e-300 or math.isnan(slope * exact.upper)
        if e.raw_kind is gan.Kind.CERTIFIED:
            assert e.raw <= exact.upper * ROUNDING + 1e-13


@given(objective=st.sampled_from(OBJECTIVES), many=line_pairs(), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_what_is_proven_of_a_divergence_is_never_above_it(objective, many, seed):
    """Also where supports differ: what is infinite is so on both sides, and what is not stays finite below."""
    estimates = gan.estimate_many(many, objective, budget=gan.Budget(steps=2, polish=0), rng=seed, dtype=torch.float64)
    for (P, Q), e in zip(many, estimates, strict=True):
        exact = objective.exact(P, Q)
        assert 0 <= e.lower <= e.value <= exact.upper == e.upper
        assert not math.isnan(e.raw)
        assert all(0 <= record.lower <= record.upper for record in e.history)
        alone = (bool(((P.weights > 0) & (Q.weights == 0)).any()), bool(((P.weights == 0) & (Q.weights > 0)).any()))
        if any(
            here and math.isinf(worth) for here, worth in zip(alone, (objective.f.slope, objective.f.f0), strict=True)
        ):
            assert e.lower == e.upper == e.raw == math.inf


@given(pair=pairs(), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_all_bounds_of_one_log_ratio_are_sound(pair, seed):
    P, Q = (gan.Discrete(np.arange(len(w)), w) for w in pair)
    ratio = gan.log_ratio(P, Q, budget=gan.Budget(steps=2, polish=0), rng=seed)
    for objective in (*map(gan.variational, dv.FDIVERGENCES), gan.donsker_varadhan):
        e = ratio.estimate(objective)
        assert 0 <= e.lower <= objective.exact(P, Q).upper == e.upper


@given(f=divergences() | convex_functions(), many=line_pairs())
@settings(max_examples=6)
def test_any_convex_function_has_sound_estimates(f, many):
    """Members of the families, and divergences that a user makes."""
    objective = gan.variational(f)
    for (P, Q), e in zip(many, gan.estimate_many(many, objective, budget=gan.Budget(steps=2, polish=0)), strict=True):
        assert 0 <= e.lower <= objective.exact(P, Q).upper


@given(many=plane_pairs())
@settings(max_examples=2)
def test_batches_and_single_precision_keep_bounds_sound(many):
    for constraint in (gan.CTransform(), gan.GradientPenalty(), gan.ByConstruction()):
        budget = gan.Budget(steps=2, batch=3)
        estimates = gan.estimate_many(many, constraint=constraint, budget=budget, dtype=torch.float32)
        assert all(e.lower <= gan.wasserstein.exact(P, Q).upper for (P, Q), e in zip(many, estimates, strict=True))


@pytest.mark.parametrize("upper", [gan.MonotonePlan(), gan.RoundedPlan(iterations=20), gan.ListedPlan()], ids=repr)
@given(many=plane_pairs())
@settings(max_examples=2)
def test_upper_bounds_by_a_plan_are_never_below(upper, many):
    estimates = gan.estimate_many(many, upper=upper, budget=gan.Budget(steps=2))
    for (P, Q), e in zip(many, estimates, strict=True):
        assert e.lower <= e.upper
        assert e.upper >= gan.wasserstein.exact(P, Q).lower


# Tightness


def test_the_default_critic_of_w1_is_tight():
    problems = list(gan.battery(sizes=(8, 16), dimensions=(1,))) + list(gan.battery(sizes=(8, 16), dimensions=(2,)))
    for dimension in (1, 2):
        part = [p for p in problems if p.P.dimension == dimension]
        for p, e in zip(part, gan.estimate_many(part, budget=gan.Budget(steps=400)), strict=True):
            assert e.lower >= 0.99 * e.upper, p.name


@pytest.mark.parametrize("architecture", [gan.Cones(), gan.Funnels()], ids=repr)
def test_envelopes_on_the_atoms_contain_the_optimum(architecture):
    """McShane's extension of an optimal critic from the atoms of one measure has this form."""
    problems = [family(8, 2, rng=1) for family in (independent_points, rings, heavy_tails, shift)]
    found = gan.estimate_many(problems, constraint=gan.ByConstruction(architecture), budget=gan.Budget(steps=600))
    for problem, e in zip(problems, found, strict=True):
        assert e.lower >= 0.99 * e.upper, problem.name
        assert e.lipschitz_bound == 1


@pytest.mark.parametrize("constraint", ADMISSIBLE, ids=repr)
def test_a_translation_is_tight_for_every_admissible_class(constraint):
    """Its optimal critic is linear: the raw estimate itself comes near, not only the completed one."""
    e = gan.estimate(shift(24, 2, rng=0), constraint=constraint, budget=gan.Budget(steps=300))
    assert e.lower >= 0.3 * 0.99
    assert 0.3 * 0.99 <= e.raw <= 0.3 * ROUNDING


@pytest.mark.parametrize(
    "objective",
    [*map(gan.variational, dv.FDIVERGENCES[::4]), gan.fgan(dv.js), gan.fgan(dv.kl), gan.nwj, gan.donsker_varadhan],
    ids=repr,
)
def test_a_table_is_exact(objective):
    """Every function on a finite space is in the class: what is missed is the optimiser's."""
    P, Q = sides(shared_support(8, 2, rng=2))
    e = gan.estimate(P, Q, objective, critic=gan.Table(), budget=gan.Budget(steps=30))
    assert e.lower >= 0.999 * e.upper


def test_a_table_is_exact_for_w1():
    e = gan.estimate(shared_support(8, 2, rng=2), critic=gan.Table(), budget=gan.Budget(steps=600))
    assert e.lower >= (1 - 1e-3) * e.upper


def test_all_divergences_are_read_off_one_log_ratio():
    ratio = gan.log_ratio(gan.problems.smooth_weights(16, 2, rng=0))
    for f in dv.FDIVERGENCES:
        e = ratio.estimate(f)
        assert e.lower >= 0.999 * e.upper - 1e-12, f  # a hockey stick may be 0


# Lipschitz constants


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_k_lipschitz_critics_reach_k_times_w1(factor, seed):
    """K times an optimal critic shows K W1, its measured slope is K, and what it proves is W1 again."""
    P, Q = sides(independent_points(8, 2, rng=seed))
    transport = dv.wasserstein(P.points, Q.points, P.weights, Q.weights)
    tx, ty = factor * transport.potentials[0], -factor * transport.potentials[1]
    shown = gan.wasserstein.value(*(gan.Expectation(*map(torch.tensor, s)) for s in ((tx, P.weights), (ty, Q.weights))))
    assert shown.item() == pytest.approx(factor * transport.cost, rel=1e-12)
    assert gan.lipschitz_on_support(P, Q, tx, ty) == pytest.approx(factor, rel=1e-12)
    assert gan.kantorovich_bound(P, Q, tx, ty) == pytest.approx(transport.cost, rel=1e-12)


def test_clipping_shows_some_multiple_of_w1_and_its_slope_says_which():
    lines = gan.parallel_lines(0.5, size=30)
    e = gan.estimate(lines, constraint=gan.WeightClipping(limit=0.05), budget=gan.Budget(steps=300))
    assert e.raw < 0.9 * 0.5
    assert e.raw / e.lipschitz == pytest.approx(0.5, rel=0.1)
    assert e.lipschitz <= e.lipschitz_bound


# Invariance


@pytest.mark.parametrize("constraint", WITHOUT_DRAWS, ids=repr)
def test_the_order_of_atoms_does_not_matter_to_w1(constraint):
    problem, rng = independent_points(12, 2, rng=5), np.random.default_rng(0)
    pair = permuted(problem.P, rng), permuted(problem.Q, rng)
    budget = gan.Budget(steps=8)
    one, other = (gan.estimate(*p, constraint=constraint, budget=budget) for p in ((problem.P, problem.Q), pair))
    assert other.raw == pytest.approx(one.raw, rel=1e-9)
    assert other.lower == pytest.approx(one.lower, rel=1e-9)


@pytest.mark.parametrize("objective", LOG_RATIOS, ids=repr)
def test_the_order_of_atoms_does_not_matter_to_divergences(objective):
    problem, rng = shared_support(12, 2, rng=5), np.random.default_rng(0)
    pair = permuted(problem.P, rng), permuted(problem.Q, rng)
    budget = gan.Budget(steps=8, polish=0)
    one, other = (gan.estimate(*p, objective, budget=budget) for p in ((problem.P, problem.Q), pair))
    assert other.lower == pytest.approx(one.lower, rel=1e-12)


@every_constraint
@given(by=st.tuples(*[st.integers(-64, 64)] * 2))
@settings(max_examples=2)
def test_a_common_translation_does_not_matter(constraint, by):
    """The same network sees the same standardised points, and draws the same numbers."""
    problem, budget = independent_points(12, 2, rng=5), gan.Budget(steps=8)
    one, other = (
        gan.estimate(*moved_problem(problem, by=v), constraint=constraint, budget=budget) for v in (0.0, np.array(by))
    )
    assert other.raw == pytest.approx(one.raw, rel=1e-9)
    assert other.lower == pytest.approx(one.lower, rel=1e-9)


@pytest.mark.parametrize("factor", [2.0**-40, 1 / 3])
@pytest.mark.parametrize("objective", LOG_RATIOS, ids=repr)
def test_divergences_have_no_unit(objective, factor):
    problem, budget = shared_support(12, 2, rng=5), gan.Budget(steps=8, polish=0)
    one, other = (gan.estimate(*moved_problem(problem, factor=c), objective, budget=budget) for c in (1.0, factor))
    assert other.lower == pytest.approx(one.lower, rel=1e-10)


@pytest.mark.parametrize("factor", [1 / 3, 2.0**10])
@pytest.mark.parametrize("constraint", WITHOUT_DRAWS, ids=repr)
def test_w1_scales_with_the_unit(constraint, factor):
    problem, budget = independent_points(12, 2, rng=5), gan.Budget(steps=8)
    one, other = (
        gan.estimate(*moved_problem(problem, factor=c), constraint=constraint, budget=budget) for c in (1.0, factor)
    )
    assert other.raw == pytest.approx(factor * one.raw, rel=1e-9)
    assert other.lower == pytest.approx(factor * one.lower, rel=1e-9)


@pytest.mark.parametrize("constraint", [gan.CTransform(), gan.ByConstruction(), gan.Orthogonal()], ids=repr)
def test_tiny_units_are_trained_as_well_as_large_ones(constraint):
    """Metres or nanometres: the training works in units of the points."""
    problem, budget = independent_points(12, 2, rng=5), gan.Budget(steps=60)
    one, tiny = (
        gan.estimate(*moved_problem(problem, factor=c), constraint=constraint, budget=budget) for c in (1.0, 2.0**-40)
    )
    assert tiny.lower / tiny.upper == pytest.approx(one.lower / one.upper, rel=1e-6)


# Gradients


@pytest.mark.parametrize("family", [independent_points, rings])
@pytest.mark.parametrize(
    "constraint", [gan.CTransform(), gan.ByConstruction(), gan.ByConstruction(gan.Funnels())], ids=repr
)
def test_the_gradient_points_along_the_optimal_coupling(family, constraint):
    """Between coupled atoms it is (x - y) / |x - y|, from Q towards P; the mean over mass and length tells how nearly."""
    problem = family(8, 2, rng=1)
    P, Q = problem.P, problem.Q
    critic = gan.estimate(problem, constraint=constraint, budget=gan.Budget(steps=600)).critic
    plan = dv.wasserstein(P.points, Q.points, P.weights, Q.weights).plan
    i, j = plan.coords
    way = P.points[i] - Q.points[j]
    length = np.linalg.norm(way, axis=1)
    for share in (0.1, 0.5, 0.9):
        at = torch.tensor(Q.points[j] + share * way, requires_grad=True)
        (slope,) = torch.autograd.grad(critic(at).sum(), at)
        slope = slope.numpy()
        assert np.linalg.norm(slope, axis=1).max() <= ROUNDING
        along = (slope * way).sum(1) / length
        assert np.average(along, weights=plan.data * length) >= 0.97


# Supports that differ


@pytest.mark.parametrize("objective", EVERY_F, ids=repr)
def test_divergences_of_disjoint_measures_are_known_before_training(objective):
    """f(0) + f'(inf), infinite or not: no critic has to learn it."""
    lines = gan.parallel_lines(0.5, size=6)
    e = gan.estimate(lines, objective=objective, budget=gan.Budget(steps=1, polish=0))
    limit = objective.f.f0 + objective.f.slope
    assert e.upper == pytest.approx(limit, rel=1e-13)
    assert e.lower == pytest.approx(limit, rel=1e-13)
    assert e.raw == pytest.approx(limit, rel=1e-13)


def test_partial_overlap():
    """Read off the same log-ratio: finite ones nearly exact, infinite ones exactly so."""
    ratio = gan.log_ratio(partial_overlap(12, 2, rng=0), critic=gan.Table(), budget=gan.Budget(steps=40))
    for f in dv.FDIVERGENCES:
        e = ratio.estimate(f)
        if math.isinf(f.f0 + f.slope):
            assert e.lower == e.value == e.upper == math.inf, f
        else:
            assert 0.99 * e.upper <= e.lower <= e.upper < math.inf, f


def test_one_side_alone_is_infinite_for_the_divergences_that_see_it():
    P, Q = gan.Discrete([0, 1], [0.5, 0.5]), gan.Discrete([0, 1, 2], [0.25, 0.25, 0.5])
    budget = gan.Budget(steps=8)
    assert gan.estimate(P, Q, gan.variational(dv.kl), budget=budget).lower == pytest.approx(math.log(2), rel=1e-3)
    assert gan.estimate(Q, P, gan.variational(dv.kl), budget=budget).lower == math.inf
    assert gan.estimate(P, Q, gan.variational(dv.reverse_kl), budget=budget).lower == math.inf


# Budget


def test_a_previous_critic_saves_steps():
    """Along a path of problems, where all start from scratch and where each starts from its predecessor."""
    problem, budget = independent_points(30, 2, rng=3), gan.Budget(steps=600, rtol=1e-2)
    critic, cold, warm = gan.estimate(problem, budget=budget).critic, 0, 0
    for by in (0.02, 0.04, 0.06):
        Q = moved(problem.Q, by=by)
        fresh, next_ = (gan.estimate(problem.P, Q, budget=budget, critic=start) for start in (None, critic))
        cold, warm, critic = cold + fresh.history[-1].step, warm + next_.history[-1].step, next_.critic
        assert all(e.upper - e.lower <= 1e-2 * e.upper for e in (fresh, next_))
    assert warm < 0.7 * cold


def test_a_warm_start_leaves_the_previous_critic_as_it_was():
    problem = shared_support(12, 2, rng=0)
    for objective in (gan.wasserstein, gan.variational(dv.js)):
        first = gan.estimate(problem, objective=objective, budget=gan.Budget(steps=5))
        before = [p.clone() for p in first.critic.parameters()]
        second = gan.estimate(problem, objective=objective, critic=first.critic, budget=gan.Budget(steps=5))
        assert all(torch.equal(a, b) for a, b in zip(before, first.critic.parameters(), strict=True))
        assert second.critic is not first.critic
        assert second.lower >= 0.9 * first.lower


def test_lines_need_one_look_at_every_angle_of_the_path():
    """Parallel lines, all one distance apart: constants prove it, and with them all critics do, warm or not."""
    critic = None
    for theta in (0.25, 0.5, 1.0):
        e = gan.estimate(gan.parallel_lines(theta, size=20), critic=critic, budget=gan.Budget(steps=60, rtol=1e-9))
        assert e.lower == pytest.approx(theta, rel=1e-9)
        assert e.history[-1].step == 1
        critic = e.critic


@pytest.mark.parametrize("objective", [gan.wasserstein, gan.variational(dv.js)], ids=repr)
def test_training_stops_at_the_tolerance(objective):
    problem = shared_support(16, 2, rng=1)
    until = gan.Budget(steps=2000, rtol=0.05)
    e = gan.estimate(problem, objective=objective, budget=until)
    full = gan.estimate(problem, objective=objective, budget=gan.Budget(steps=100))
    assert e.upper - e.lower <= 0.05 * e.upper
    assert e.history[-1].step < 2000
    assert full.history[-1].step >= 100


@every_constraint
def test_the_history_goes_forward_and_its_brackets_hold(constraint):
    problem = independent_points(8, 2, rng=0)
    e = gan.estimate(problem, constraint=constraint, budget=gan.Budget(steps=10))
    assert e.history[-1].step == 10
    for one, next_ in pairwise(e.history):
        assert one.step < next_.step
        assert one.seconds <= next_.seconds <= e.seconds
    assert all(record.lower <= record.upper for record in e.history)


def test_seconds_end_the_training():
    problem = independent_points(8, 2, rng=0)
    for objective in (gan.wasserstein, gan.variational(dv.js)):
        e = gan.estimate(problem, objective=objective, budget=gan.Budget(seconds=0.1, polish=0))
        assert 0.1 <= e.seconds < 2
        assert e.history[-1].step > 1


# Randomness, precision, device, networks


@pytest.mark.parametrize("objective", [gan.wasserstein, gan.nwj], ids=repr)
def test_the_same_rng_gives_the_same_estimate(objective):
    problem, budget = shared_support(10, 2, rng=0), gan.Budget(steps=5, polish=0)
    state = torch.random.get_rng_state()
    runs = [
        gan.estimate(problem, objective=objective, rng=rng, budget=budget) for rng in (3, np.random.default_rng(3), 4)
    ]
    assert runs[0].raw == runs[1].raw != runs[2].raw
    assert runs[0].lower == runs[1].lower
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("objective", [gan.wasserstein, gan.variational(dv.js)], ids=repr)
def test_precision_and_device(objective):
    problem = shared_support(10, 2, rng=0)
    for dtype in (torch.float32, torch.float64):
        e = gan.estimate(problem, objective=objective, dtype=dtype, budget=gan.Budget(steps=200), device="auto")
        assert torch.device(e.device).type == ("cuda" if torch.cuda.is_available() else "cpu")
        assert all(p.dtype == dtype for p in e.critic.parameters())
        assert e.lower >= 0.98 * e.upper
    assert gan.estimate(problem, objective=objective, device="cpu", budget=gan.Budget(steps=2)).device == "cpu"


class Own(torch.nn.Module):
    """A user's network."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(2, 32), torch.nn.Linear(32, 1)

    def forward(self, x):
        return self.outer(torch.tanh(3 * self.inner(x)))[..., 0]


def own():
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return Own()


@pytest.mark.parametrize("constraint", [gan.CTransform(), gan.Orthogonal()], ids=repr)
def test_a_network_of_the_user(constraint):
    network, problem = own(), independent_points(10, 2, rng=0)
    before = [p.clone() for p in network.parameters()]
    e = gan.estimate(problem, critic=network, constraint=constraint, budget=gan.Budget(steps=300))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert 0.7 * e.upper <= e.lower <= e.upper
    if constraint != gan.CTransform():  # nothing is known of its layers
        assert e.lipschitz_bound == math.inf
        assert e.raw_kind is gan.Kind.ESTIMATE


def test_a_network_of_the_user_as_a_log_ratio():
    e = gan.estimate(shared_support(6, 2, rng=0), objective=gan.variational(dv.js), critic=own())
    assert 0.9 * e.upper <= e.lower <= e.upper
