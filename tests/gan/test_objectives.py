"""Variational objectives: every output proves a lower bound, the right one attains it, and heads differ as theory says."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import lambertw, logsumexp

import divergences as dv
import gan
from divergences.testing import pairs
from gan.objectives import (
    FenchelObjective,
    MeanDifference,
    NguyenWainwrightJordan,
    donsker_varadhan,
    fgan,
    nwj,
    variational,
)
from tests.gan.test_certificates import below, measures, true_log_ratio

torch.set_num_threads(1)

every = pytest.mark.parametrize("f", dv.FDIVERGENCES, ids=str)
MODERATE = [f for f in dv.FDIVERGENCES if not 1e3 < f.slope < math.inf]
"""Not those with a slope at infinity like 1e12, about which an activation that begins there has no digits left."""
moderate = pytest.mark.parametrize("f", MODERATE, ids=str)
EPS = np.finfo(float).eps
OF_KL = [variational(dv.kl), fgan(dv.kl), nwj, NguyenWainwrightJordan(shift=0.7), donsker_varadhan]


def heads(f):
    """Objectives of f; one activation is refused, because its conjugate's domain ends where doubles are too coarse."""
    return [variational(f)] if f == dv.alpha(1 - 1e-12) else [variational(f), fgan(f)]


def outputs(data, n, limit=20.0):
    return data.draw(hnp.arrays(np.float64, n, elements=st.floats(-limit, limit)))


def on(z, w):
    return gan.Expectation(torch.tensor(z), torch.tensor(w))


def value(objective, z, p, q):
    return float(objective.value(on(z, p), on(z, q)))


# ---------------------------------------------------------------- claim B4: any T is a lower bound, f'(p/q) attains it


@every
@given(data=st.data(), pair=pairs())
@settings(max_examples=6)
def test_any_output_of_any_head_proves_a_lower_bound(f, data, pair):
    """In ball arithmetic, and also where the supports differ."""
    p, q = pair
    z = outputs(data, len(p), 60.0)
    for objective in [*heads(f), *(OF_KL if f is dv.kl else [])]:
        bound = objective.lower(*measures(p, q), z)
        assert bound >= 0
        assert below(bound, f, p, q)


@every
@given(data=st.data(), pair=pairs(zeros=False))
@settings(max_examples=6)
def test_what_trains_is_never_above_the_divergence_and_what_proves_is_what_trains(f, data, pair):
    """The value in floating point against the divergence by its sum, and the certificate against the value."""
    p, q = pair
    z = outputs(data, len(p), 8.0)
    for objective in [*heads(f), *(OF_KL if f is dv.kl else [])]:
        number, lower = value(objective, z, p, q), objective.lower(*measures(p, q), z)
        if isinstance(objective, MeanDifference):
            gain, loss = objective.pieces(torch.tensor(z), torch.tensor(z))
            size = float((torch.tensor(p) * gain.abs() + torch.tensor(q) * loss.abs()).sum())
            assert number == pytest.approx(float(p @ gain.numpy() - q @ loss.numpy()), abs=32 * EPS * (1 + size))
            v = z if objective == variational(f) else np.log(np.asarray(f.conjugate_gradient(gain.numpy())))
            moved = float(np.abs(p - q * np.exp(np.where(np.isfinite(v), v, 0.0))) @ (1 + np.abs(gain.numpy())))
        else:
            size, moved = 2 + 2 * np.abs(z).max(), 0.0
        rounding = 128 * EPS * (2 + size + moved)
        assert number <= float(f(p, q)) + rounding
        assert lower == pytest.approx(max(number, 0.0), abs=rounding)


@every
@given(pair=pairs(zeros=False))
@settings(max_examples=6)
def test_the_true_ratio_attains_the_divergence(f, pair):
    r"""With T = f'(p/q): the supremum of the variational formula."""
    p, q = pair
    v = true_log_ratio(p / p.sum(), q / q.sum())
    gain, loss = (np.asarray(x) for x in (f.optimal_critic(v), f.reverse.optimal_critic(-v)))
    assume(np.isfinite(gain).all() and np.isfinite(loss).all())  # beyond the range of doubles there is no critic
    size = p @ np.abs(gain) + q @ np.abs(loss)
    lower = variational(f).lower(*measures(p, q), v)
    assert lower == pytest.approx(float(f(p, q)), abs=32 * EPS * (2 + size) * (1 + np.abs(v).max()))


@pytest.mark.parametrize("f", [f for f in MODERATE if not f.kinks], ids=str)
@given(data=st.data())
@settings(max_examples=6)
def test_a_head_with_an_activation_attains_it_too(f, data):
    """At the z where the activation is f'(p/q), found by bisection: moderate ratios, beyond which activations saturate."""
    n = data.draw(st.integers(2, 8))
    p, q = (w / w.sum() for w in data.draw(hnp.arrays(np.float64, (2, n), elements=st.floats(0.5, 1.5))))
    t = np.asarray(f.optimal_critic(np.log(p) - np.log(q)))
    low, high = np.full(n, -60.0), np.full(n, 60.0)
    for _ in range(80):
        middle = (low + high) / 2
        short = np.asarray(f.activation(middle)) < t
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    # the maximum is flat: an error of T of a few EPS moves it by that times |p - q u|, which is rounding itself
    size = 2 + p @ np.abs(t) + q @ np.abs(np.asarray(f.conjugate(t)))
    assert fgan(f).lower(*measures(p, q), high) == pytest.approx(float(f(p, q)), abs=64 * EPS * size)


@every
@given(pair=pairs(), data=st.data())
@settings(max_examples=6)
def test_atoms_of_one_measure_alone_cost_the_critic_nothing(f, pair, data):
    """Outputs there are not looked at: infinite divergences are proven, finite ones attained by the common atoms alone."""
    p, q = pair
    v = true_log_ratio(p / p.sum(), q / q.sum())
    common = (p > 0) & (q > 0)
    z = np.where(common, v, data.draw(st.sampled_from([0.0, 50.0, math.nan, math.inf])))
    lower, exact = variational(f).lower(*measures(p, q), z), float(f(p, q))
    if math.isinf(exact) and (f.slope == math.inf and np.any(p[q == 0] > 0)):
        assert lower == math.inf
    if math.isfinite(exact):
        assert lower <= variational(f).exact(*measures(p, q)).upper
        if not np.any(common):
            for bound in (objective.lower(*measures(p, q), z) for objective in heads(f)):
                assert bound == pytest.approx(f.f0 + f.slope, abs=64 * EPS * (2 + abs(f.f0) + abs(f.slope)))


# ------------------------------------------------------------------------------------------------------------- KL by three


@given(data=st.data(), pair=pairs(zeros=False), c=st.floats(-50, 50))
def test_donsker_varadhan_is_the_best_shift_of_nguyen_wainwright_jordan(data, pair, c):
    """Never below it, equal where the exponential has mean 1, and blind to constants; by scipy's logsumexp."""
    p, q = pair
    z = outputs(data, len(p))
    dv_value = value(donsker_varadhan, z, p, q)
    assert dv_value == pytest.approx(p @ z - logsumexp(z, b=q), abs=16 * EPS * 40)
    rounding = 16 * EPS * (90 + abs(c))
    assert value(donsker_varadhan, z + c, p, q) == pytest.approx(dv_value, abs=rounding)
    assert dv_value >= value(nwj, z + min(c, 20), p, q) - 16 * EPS * (90 + math.exp(40))
    best = donsker_varadhan.fixed(on(z, q))
    assert value(best, z, p, q) == pytest.approx(dv_value, abs=rounding)
    P, Q = measures(p, q)
    certified = donsker_varadhan.lower(P, Q, z)
    assert certified == pytest.approx(max(dv_value, 0.0), abs=64 * EPS * 45 * 4)
    assert certified >= nwj.lower(P, Q, z) - 64 * EPS * 45 * 4
    assert certified == pytest.approx(donsker_varadhan.lower(P, Q, z + c), abs=64 * EPS * (45 + abs(c)) * 4)


@given(pair=pairs(zeros=False))
def test_all_three_are_kl_at_the_optimum(pair):
    p, q = pair
    v = true_log_ratio(p / p.sum(), q / q.sum())
    kl, rounding = float(dv.kl(p, q)), 64 * EPS * (4 + np.abs(v).max()) * (1 + np.abs(v).max() / 8)
    P, Q = measures(p, q)
    for objective, z in (
        (variational(dv.kl), v),
        (fgan(dv.kl), v + 1),
        (nwj, v + 1),
        (NguyenWainwrightJordan(shift=-3.0), v - 2),
        (donsker_varadhan, v + 5),
    ):
        assert objective.lower(P, Q, z) == pytest.approx(kl, abs=rounding)
        assert value(objective, z, p, q) == pytest.approx(kl, abs=rounding)
        assert objective.exact(P, Q) == variational(dv.kl).exact(P, Q)


def test_the_gradient_of_donsker_varadhan_is_the_difference_of_the_two_measures():
    """d/dv (E_P v - log E_Q e^v) = p - q e^v / E_Q e^v: a Gibbs measure in place of P. Massless atoms have none."""
    z = torch.tensor([700.0, 702.0, -900.0, 5000.0], dtype=torch.float64, requires_grad=True)
    p, q = torch.tensor([0.2, 0.5, 0.3, 0.0]).double(), torch.tensor([0.6, 0.3, 0.1, 0.0]).double()
    donsker_varadhan.value(gan.Expectation(z, p), gan.Expectation(z, q)).backward()
    tilted = np.array([0.6, 0.3 * math.exp(2), 0.0, 0.0]) / (0.6 + 0.3 * math.exp(2))
    assert z.grad.numpy() == pytest.approx(p.numpy() - tilted, abs=8 * EPS)


def test_a_stack_of_critics_has_a_value_each():
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(3, 7)) * [[1], [300], [5]])
    p, q = (torch.tensor(rng.dirichlet(np.ones(7), size=3)) for _ in range(2))
    for objective in [variational(dv.js), fgan(dv.js), donsker_varadhan]:
        together = objective.value(gan.Expectation(z, p), gan.Expectation(z, q))
        alone = [value(objective, *rows) for rows in zip(z.numpy(), p.numpy(), q.numpy(), strict=True)]
        assert together.tolist() == pytest.approx(alone, rel=16 * EPS)


def test_minibatches_overstate_donsker_varadhan_and_a_fixed_shift_does_not():
    """Jensen: the mean log of batch means is below the log of the mean. Exact expectations over all batches of 2 of 3."""
    z, q = np.array([0.0, 1.0, 3.0]), np.array([0.5, 0.3, 0.2])
    p = np.array([0.2, 0.3, 0.5])
    batches = [(i, j, q[i] * q[j]) for i in range(3) for j in range(3)]
    population = value(donsker_varadhan, z, p, q)
    fixed = donsker_varadhan.fixed(
        on(np.array([0.5, 2.0]), np.array([0.5, 0.5]))
    )  # of other points: any constant will do
    means = {}
    for objective in (donsker_varadhan, fixed):
        means[objective] = sum(
            w * float(objective.value(on(z, p), on(z[[i, j]], np.array([0.5, 0.5])))) for i, j, w in batches
        )
    assert means[donsker_varadhan] > population + 0.1
    assert means[fixed] == pytest.approx(value(fixed, z, p, q), abs=32 * EPS * 8)
    assert means[fixed] < population


# -------------------------------------------------------------------------------------------- the heads of the f-GAN paper

LOG2 = math.log(2)
PAPER = {
    "tv": (dv.tv, 1, 0.0, 1 / 2, lambda v: np.tanh(v) / 2, lambda t: t),
    "kl": (dv.kl, 1, 0.0, math.inf, lambda v: v, lambda t: np.exp(t - 1)),
    "reverse kl": (dv.reverse_kl, 1, 0.0, 0.0, lambda v: -np.exp(-v), lambda t: -1 - np.log(-t)),
    "pearson": (dv.pearson_chi2, 1, 0.0, math.inf, lambda v: v, lambda t: t**2 / 4 + t),
    "neyman": (dv.neyman_chi2, 1, 0.0, 1.0, lambda v: 1 - np.exp(-v), lambda t: 2 - 2 * np.sqrt(1 - t)),
    "hellinger": (dv.squared_hellinger, 1, 0.0, 1.0, lambda v: 1 - np.exp(-v), lambda t: t / (1 - t)),
    "jeffreys": (
        dv.jeffreys,
        1,
        0.0,
        math.inf,
        lambda v: v,
        lambda t: lambertw(np.exp(1 - t)).real + 1 / lambertw(np.exp(1 - t)).real + t - 2,
    ),
    "js": (dv.js, 2, 0.0, LOG2, lambda v: LOG2 - np.log1p(np.exp(-v)), lambda t: -np.log(2 - np.exp(t))),
    "weighted js": (
        dv.weighted_js(0.1),
        1,
        0.0,
        -0.1 * math.log(0.1),
        lambda v: -0.1 * math.log(0.1) - np.log1p(np.exp(-v)),
        lambda t: 0.9 * np.log(0.9 / (1 - 0.1 * np.exp(t / 0.1))),
    ),
    "gan": (dv.js, 2, LOG2, 0.0, lambda v: -np.log1p(np.exp(-v)), lambda t: -np.log(1 - np.exp(t))),
    "alpha below 1": (
        dv.alpha(0.3),
        1,
        0.0,
        1 / 0.7,
        lambda v: 1 / 0.7 - np.log1p(np.exp(-v)),
        lambda t: ((-0.7 * t + 1) ** (0.3 / -0.7) - 1) / 0.3,
    ),
    "alpha above 1": (dv.alpha(3.0), 1, 0.0, math.inf, lambda v: v, lambda t: ((2 * t + 1) ** 1.5 - 1) / 3),
}
"""Rows of the paper's tables: ours, c, s, end of the domain of their conjugate, their activation, their conjugate.

Their f is $c f - s (u + 1)$ of ours, so that their $T = c\\,T - s$, and their $f^* = c f^* + s$ there.
"""


@pytest.mark.parametrize("row", PAPER.values(), ids=PAPER)
def test_the_table_of_the_paper(row):
    """Conjugates agree on the range of f', activations go to the same upper end; below, ours stop where f* is flat."""
    f, c, s, end, activation, conjugate = row
    t = np.asarray(f.optimal_critic(np.linspace(-3, 3, 41)))
    theirs = conjugate(c * t - s)
    assert theirs == pytest.approx(c * np.asarray(f.conjugate(t)) + s, abs=1e-12 * (1 + np.abs(theirs).max()))
    assert end == pytest.approx(c * f.conjugate_domain.upper - s, abs=4 * EPS)
    assert c * f.critic_range.upper - s == pytest.approx(end, abs=4 * EPS)
    z = np.linspace(-20, 30, 51)
    for values in (activation(z), c * np.asarray(f.activation(z)) - s):
        assert np.all(np.diff(values) >= 0)
        assert np.all(values <= end)
        assert values[-1] > 25 if end == math.inf else values[-1] == pytest.approx(end, abs=1e-12)
    low = float(f.critic_range.lower)
    assert np.all(np.asarray(f.activation(z)) >= low)
    if low > -math.inf:
        assert f.conjugate(low - 1) == f.conjugate(low) == -f.f0


@moderate
def test_activations_go_onto_the_range_of_the_slope(f):
    """Increasing, inside, and to both ends; there is a conjugate everywhere."""
    z = np.linspace(-30, 30, 601)
    t = np.asarray(f.activation(z))
    low, high = f.critic_range.lower, f.critic_range.upper
    assert np.all(np.diff(t) >= 0)
    assert np.all((t >= low) & (t <= high))
    for end, near in ((low, t[0]), (high, t[-1])):
        assert abs(near) > 20 if math.isinf(end) else near == pytest.approx(end, abs=1e-12 * (1 + abs(end)))
    inside = t[(z > -8) & (z < 8)]
    assert np.all(np.isfinite(np.asarray(f.conjugate(inside))))


@moderate
@given(z=st.floats(-5, 5))
@settings(max_examples=5)
def test_gradients_of_the_heads_are_those_of_finite_differences(f, z):
    """A difference quotient is between the slopes around it, at kinks too, up to curvature within the step and rounding."""
    step = 1e-5
    for objective in (variational(f), fgan(f)):
        if f.kinks and isinstance(objective, gan.Variational):
            continue  # a step function, which another objective trains
        at = torch.tensor([z - step, z, z + step], dtype=torch.float64, requires_grad=True)
        for piece in objective.pieces(at, at):
            (slope,) = torch.autograd.grad(piece.sum(), at)
            numbers, slopes = piece.detach().numpy(), slope.numpy()
            quotient = (numbers[2] - numbers[0]) / (2 * step)
            slack = 1e2 * EPS / step * (1 + np.abs(numbers).max()) + step * np.ptp(slopes)
            assert slopes.min() - slack <= quotient <= slopes.max() + slack


# -------------------------------------------------------------------------------------------------------------- contracts


def test_objectives_are_values_with_names():
    assert variational(dv.js) == variational(dv.js) != fgan(dv.js)
    assert nwj == NguyenWainwrightJordan() != NguyenWainwrightJordan(shift=1.0)
    assert [repr(x) for x in (nwj, donsker_varadhan, fgan(dv.js))] == [
        "gan.nwj",
        "gan.donsker_varadhan",
        "gan.fgan(divergences.js)",
    ]
    for objective in [nwj, donsker_varadhan, fgan(dv.js), variational(dv.tv)]:
        assert isinstance(objective, FenchelObjective)
        assert len({objective, objective}) == 1


def test_what_trains_has_its_optimum_where_the_objective_has():
    assert variational(dv.tv).trained_as == variational(dv.js) == variational(dv.kl).trains == donsker_varadhan.trains
    assert variational(dv.kl).polished == (variational(dv.kl),)
    assert variational(dv.tv).polished == (variational(dv.js),)
    for objective in (nwj, fgan(dv.tv)):
        assert objective.trains == objective
        assert objective.polished == (objective,)
        assert objective.fixed(on(np.zeros(2), np.full(2, 0.5))) == objective


def test_bad_arguments_are_refused_with_a_reason():
    P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([0.0, 1.0])
    for make in (variational, fgan):
        with pytest.raises(TypeError, match=r"expected an f-divergence, as divergences.kl, got 'kl'; divergences.FDIV"):
            make("kl")
    for objective in (variational(dv.js), fgan(dv.js), nwj, donsker_varadhan):
        for z in ([0.0], [0.0, math.inf], [math.nan, 0.0]):
            with pytest.raises(
                ValueError, match=r"expected a critic value for each of the 2 points .* finite where both"
            ):
                objective.lower(P, Q, z)
