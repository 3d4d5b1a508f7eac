"""Games run as their exact linear maps say, and as loops written out by hand do on networks."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import softplus

import divergences as dv
from gan import bilinear
from gan.expectations import Expectation
from gan.games import Alternating, Game, Simultaneous, SingleStep, TwoTimeScale
from gan.lookahead import Extragradient, Optimistic, Predictive
from gan.objectives import wasserstein
from gan.players import Losses, Player

torch.set_num_threads(1)
EPS = float(np.finfo(np.float64).eps)

PLAIN = [Simultaneous(), SingleStep(), Alternating(), Alternating(5), Extragradient(), Predictive(), Optimistic()]
GAMES = [*PLAIN, *(TwoTimeScale(game, 0.25) for game in PLAIN), TwoTimeScale(Alternating(2), 3.0)]

CLOSED_MODULUS = {
    Simultaneous(): lambda h: math.sqrt(1 + h**2),
    SingleStep(): lambda h: math.sqrt(1 + h**2),
    Alternating(): lambda h: 1.0,
    Alternating(5): lambda h: 1.0,
    Extragradient(): lambda h: math.sqrt(1 - h**2 + h**4),
    Predictive(): lambda h: math.sqrt(1 - h**2),
    Optimistic(): lambda h: math.sqrt((1 + math.sqrt(1 - 4 * h**2)) / 2),
}
"""As in the papers, up to h = 1/2."""

rates = st.floats(1e-3, 0.45)


def rate_and_ratio(game):
    return (game.game, game.ratio) if isinstance(game, TwoTimeScale) else (game, 1.0)


def matrix_of(game, eta):
    return np.array(bilinear.matrix(game, eta), dtype=float)


# ------------------------------------------------------------------------------------------------------ the exact maps


def test_simultaneous_steps_are_a_rotation_that_grows():
    eta = sp.Symbol("eta", positive=True)
    m = sp.Matrix(bilinear.matrix(Simultaneous(), eta))
    assert m == sp.Matrix([[1, -eta], [eta, 1]])
    assert set(m.eigenvals()) == {1 + sp.I * eta, 1 - sp.I * eta}
    assert m**2 * sp.Matrix([1, 0]) == sp.Matrix([1 - eta**2, 2 * eta])
    assert bilinear.trajectory(Simultaneous(), 0.25, steps=2)[2].tolist() == [1 - 0.0625, 0.5]


@pytest.mark.parametrize("ratio", [1, 4])
def test_characteristic_polynomials_have_the_roots_of_the_table(ratio):
    """Symbolically; h is the geometric mean of the two rates."""
    eta, z = sp.symbols("eta z", positive=True)
    h = sp.sqrt(ratio) * eta
    k, root = 5, sp.sqrt(1 - 4 * h**2)
    table = {
        Simultaneous(): [1 + sp.I * h, 1 - sp.I * h],
        Alternating(k): [1 - k * h**2 / 2 + s * sp.I * h * sp.sqrt(k * (1 - k * h**2 / 4)) for s in (1, -1)],
        Extragradient(): [1 - h**2 + sp.I * h, 1 - h**2 - sp.I * h],
        Predictive(): [1 - h**2 + s * sp.I * h * sp.sqrt(1 - h**2) for s in (1, -1)],
        Optimistic(): [(1 + s * root) / 2 + t * sp.I * h for s in (1, -1) for t in (1, -1)],
    }
    for game, roots in table.items():
        m = sp.Matrix(bilinear.matrix(TwoTimeScale(game, ratio), eta))
        determinant = (m - z * sp.eye(m.rows)).det()
        assert sp.expand(determinant - sp.expand(sp.prod([r - z for r in roots]))) == 0, game


@pytest.mark.parametrize("game", GAMES, ids=str)
@given(eta=st.floats(1e-3, 3.0))
def test_eigenvalues_have_the_symmetric_functions_of_the_matrix(game, eta):
    """Trace, determinant and trace of the square fix two eigenvalues, and are well conditioned where roots meet."""
    m, roots = matrix_of(game, eta), bilinear.eigenvalues(game, eta)
    tolerance = 64 * EPS * max(1.0, float(np.abs(roots).max()), float(np.abs(m).max())) ** len(m)
    assert abs(roots.sum() - m.trace()) <= tolerance
    assert abs((roots**2).sum() - (m @ m).trace()) <= tolerance
    assert abs(roots.prod() - np.linalg.det(m)) <= tolerance


@pytest.mark.parametrize("game", GAMES, ids=str)
@given(eta=st.floats(1e-3, 0.2))
def test_the_modulus_is_that_of_the_papers_and_of_lapack(game, eta):
    rule, ratio = rate_and_ratio(game)
    expected = CLOSED_MODULUS.get(rule, lambda h: 1.0)(eta * math.sqrt(ratio))
    assert abs(bilinear.modulus(game, eta) - expected) <= 8 * EPS
    m = matrix_of(game, eta)
    values, vectors = np.linalg.eig(m)  # Bauer and Fike: an eigenvalue moves by at most the condition of the basis
    assert abs(np.abs(values).max() - expected) <= 8 * len(m) * EPS * np.linalg.cond(vectors) * np.linalg.norm(m, 2)


@pytest.mark.parametrize(
    ("game", "limit"),
    [(Extragradient(), 1.0), (Predictive(), 2 / math.sqrt(3)), (Optimistic(), 1 / math.sqrt(3))],
    ids=str,
)
@pytest.mark.parametrize("ratio", [1.0, 9.0])
def test_looking_ahead_converges_exactly_below_a_rate(game, limit, ratio):
    """Of the geometric mean of the two rates."""
    h = limit / math.sqrt(ratio)
    assert bilinear.modulus(TwoTimeScale(game, ratio), h * (1 - 1e-6)) < 1
    assert bilinear.modulus(TwoTimeScale(game, ratio), h * (1 + 1e-6)) > 1


@given(eta=st.floats(1e-3, 10.0), ratio=st.floats(0.01, 100.0))
def test_neither_small_nor_different_rates_save_simultaneous_steps(eta, ratio):
    assert bilinear.modulus(TwoTimeScale(Simultaneous(), ratio), eta) > 1


@given(eta=st.floats(1e-2, 0.25))
def test_smaller_rates_go_round_the_same_way_more_slowly(eta):
    """After the same time t = n eta the distance is exp(t eta / 2) in first order, and tends to 1 with the rate."""
    n = 8
    growth = [bilinear.modulus(Simultaneous(), eta / j) ** (n * j) for j in (1, 2, 4)]
    assert growth[0] > growth[1] > growth[2] > 1
    assert all(math.log(g) <= n * eta**2 / (2 * j) for g, j in zip(growth, (1, 2, 4), strict=True))


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("ratio", [1, 4])
def test_alternating_steps_conserve_area_and_a_quadratic_form(k, ratio):
    eta = sp.Symbol("eta", positive=True)
    game = TwoTimeScale(Alternating(k), ratio)
    m, s = sp.Matrix(bilinear.matrix(game, eta)), sp.Matrix(bilinear.invariant(game, eta))
    assert sp.expand(m.det()) == 1
    assert sp.expand(m.T * s * m - s) == sp.zeros(2)
    assert sp.solveset(s.det(), eta, sp.Interval.open(0, sp.oo)) == {2 / sp.sqrt(k * ratio)}


@given(eta=st.floats(1e-2, 1.5))
def test_alternating_steps_stay_on_an_ellipse(eta):
    """x^2 + eta x y + y^2 = 1 from (1, 0), for 300 steps."""
    x, y = bilinear.trajectory(Alternating(), eta, steps=300).T
    largest = 1 / (1 - eta / 2)  # of |z|^2 on the ellipse
    np.testing.assert_allclose(x**2 + eta * x * y + y**2, 1.0, rtol=0, atol=8 * EPS * largest)
    assert np.hypot(x, y).max() ** 2 <= largest * (1 + 8 * EPS)


def test_only_alternating_steps_have_an_invariant():
    with pytest.raises(
        TypeError, match="expected alternating steps, which conserve a quadratic form, got Extragradient"
    ):
        bilinear.invariant(Extragradient(), 0.1)


# ------------------------------------------------------------------------------------------------------------ the orbits


@pytest.mark.parametrize(
    ("game", "factor"),
    [(Simultaneous(), lambda e: 1 + 1j * e), (Extragradient(), lambda e: 1 - e**2 + 1j * e)],
    ids=["simultaneous", "extragradient"],
)
@given(eta=st.floats(1e-3, 1.0), x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_orbits_are_powers_of_a_complex_number(game, factor, eta, x, y):
    n = 60
    got = bilinear.trajectory(game, eta, start=(x, y), steps=n)
    for j in (0, 1, 2, 17, n):
        z = complex(x, y) * factor(eta) ** j
        assert abs(complex(*got[j]) - z) <= 8 * (j + 1) * EPS * abs(z) + 5e-324


def test_optimistic_orbits_are_the_two_step_recursion():
    """In rational numbers, by the formula of the paper, its first step a plain one."""
    eta, z = Fraction(3, 16), [(Fraction(1), Fraction(2))] * 2
    field = [(y, -x) for x, y in z]
    for _ in range(30):
        z.append(tuple(a - 2 * eta * f + eta * g for a, f, g in zip(z[-1], field[-1], field[-2], strict=True)))
        field.append((z[-1][1], -z[-1][0]))
    got = bilinear.trajectory(Optimistic(), 3 / 16, start=(1.0, 2.0), steps=30)
    assert got.tolist() == [[float(x), float(y)] for x, y in z[1:]]


@pytest.mark.parametrize("game", PLAIN, ids=str)
@given(eta=st.floats(1e-3, 0.9))
def test_unequal_rates_are_one_rate_in_other_coordinates(game, eta):
    """With ratio 4 the orbit is that of the doubled rate, its y doubled."""
    fast = bilinear.trajectory(TwoTimeScale(game, 4.0), eta, start=(1.0, 2.0), steps=40)
    common = bilinear.trajectory(game, 2 * eta, start=(1.0, 1.0), steps=40)
    assert fast.tolist() == (common * [1.0, 2.0]).tolist()


def rounding(game, eta, orbit):
    """A bound of the run's error at every step: what each step rounds, carried on by the powers of the matrix.

    A step, up to five of the critic among them, rounds a coordinate at most 16 times, by EPS of the state at most.
    """
    m, steps = matrix_of(game, eta), len(orbit) - 1
    power, norms = np.eye(len(m)), [1.0]
    for _ in range(steps):
        power = power @ m
        norms.append(np.linalg.norm(power, 2))
    before = np.concatenate([orbit[:1], orbit[:-1]])
    sizes = np.linalg.norm(np.hstack([orbit, before]), axis=1)
    return np.array([16 * EPS * sum(norms[n - j] * sizes[j] for j in range(n)) for n in range(steps + 1)])


@pytest.mark.parametrize("game", GAMES, ids=str)
@given(eta=rates, angle=st.floats(0, 2 * math.pi))
def test_a_run_is_the_closed_form_to_twelve_digits(game, eta, angle):
    start = math.cos(angle), math.sin(angle)
    exact = bilinear.trajectory(game, eta, start=start, steps=40)
    run = bilinear.simulated(game, eta, start=start, steps=40)
    error = np.abs(run - exact).max(1)
    assert (error <= rounding(game, eta, exact)).all()
    assert error.max() <= 1e-12 * np.abs(exact).max()


@pytest.mark.parametrize("game", GAMES, ids=str)
def test_a_long_run_is_the_closed_form_to_twelve_digits(game):
    exact = bilinear.trajectory(game, 0.1, steps=400)
    run = bilinear.simulated(game, 0.1, steps=400)
    assert (np.abs(run - exact).max(1) <= rounding(game, 0.1, exact)).all()
    assert np.abs(run - exact).max() <= 1e-12 * np.abs(exact).max()


@pytest.mark.parametrize("game", PLAIN, ids=str)
def test_a_wasserstein_gan_of_point_masses_is_the_bilinear_game(game):
    """The generator is a point at theta, the data a point at 3, the critic T(z) = w z: x = theta - 3 and y = -w."""
    data, one = torch.tensor([3.0], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    theta = torch.tensor([4.0], dtype=torch.float64, requires_grad=True)
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)

    def value():
        return wasserstein.value(Expectation(w * data, one), Expectation(w * theta, one))

    critic = Player(torch.optim.SGD([w], lr=0.25), lambda: -value())
    dynamics = game.start(critic, Player(torch.optim.SGD([theta], lr=0.25), value))
    exact = bilinear.trajectory(game, 0.25, start=(1.0, 0.0), steps=60)
    allowed = 4 * rounding(game, 0.25, exact + 3)  # theta is rounded near 3, and so is 3 w
    for n in range(61):
        assert math.dist(exact[n], (theta.item() - 3, -w.item())) <= allowed[n] + EPS
        dynamics.step()


@pytest.mark.parametrize("game", PLAIN, ids=str)
def test_the_dirac_gan_turns_at_half_the_rate(game):
    """Its value is -log(1 + exp(w theta)), by which the gradients near 0 are half those of w theta."""
    theta = torch.tensor(1e-6, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(1e-6, dtype=torch.float64, requires_grad=True)
    critic = Player(torch.optim.SGD([w], lr=0.5), lambda: softplus(w * theta))
    dynamics = game.start(critic, Player(torch.optim.SGD([theta], lr=0.5), lambda: -softplus(w * theta)))
    exact = bilinear.trajectory(game, 0.25, start=(1e-6, -1e-6), steps=100)
    for _ in range(100):
        dynamics.step()
    # the logistic function is 1/2 + t/4 at t = w theta: relatively |t|/2 <= z^2/4 of each gradient, for 100 steps
    allowed = 200 * np.abs(exact).max() ** 3 + 1e3 * EPS * np.abs(exact).max()
    assert math.dist(exact[-1], (theta.item(), -w.item())) <= allowed


@pytest.mark.parametrize("eta", [0.0, -1.0, math.inf, math.nan])
def test_rates_that_go_nowhere_are_refused(eta):
    for attempt in (bilinear.eigenvalues, lambda g, e: bilinear.trajectory(g, e, steps=1)):
        with pytest.raises(ValueError, match="expected a positive finite learning rate"):
            attempt(Simultaneous(), eta)


def test_orbits_that_leave_the_floats_are_refused():
    with pytest.raises(ValueError, match="leaves them at step 2048; ask for fewer steps"):
        bilinear.trajectory(Simultaneous(), 1.0, steps=3000)  # (1 + i)^2048 = 2^1024
    with pytest.raises(ValueError, match="expected a finite start"):
        bilinear.trajectory(Simultaneous(), 1.0, start=(math.nan, 0.0), steps=1)
    with pytest.raises(ValueError, match="expected steps to be at least 0"):
        bilinear.trajectory(Simultaneous(), 1.0, steps=-1)


class Still(Game):
    def step(self, critic, generator, memory):
        del memory
        return Losses(critic.differentiate(generator), generator.differentiate(critic))


def test_a_game_of_the_user_is_run_but_not_solved():
    assert bilinear.simulated(Still(), 0.1, steps=3).tolist() == [[1.0, 0.0]] * 4
    for unsolved in (bilinear.matrix, bilinear.eigenvalues):
        with pytest.raises(TypeError, match="expected a game whose matrix is known"):
            unsolved(Still(), 0.1)


# ------------------------------------------------------------------------------------------------------------- networks


def network(generator, *sizes):
    layers = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b, dtype=torch.float64), nn.Tanh()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) / 2)
    return net


class Pair:
    """A generator and a critic on the line, logistic losses, Adam, and batches from a generator of numbers."""

    def __init__(self, seed=0, *, rate=1e-2, betas=(0.0, 0.9), batch=64, saturating=False):
        self.rng = torch.Generator().manual_seed(seed)
        self.G, self.D = network(self.rng, 1, 8, 1), network(self.rng, 1, 8, 1)
        self.batch, self.saturating, self.calls = batch, saturating, []
        self.optimizers = [torch.optim.Adam(m.parameters(), lr=rate, betas=betas) for m in (self.D, self.G)]

    def normal(self):
        return torch.randn(self.batch, 1, generator=self.rng, dtype=torch.float64)

    def critic_loss(self):
        real, fake = 2 + 0.5 * self.normal(), self.G(self.normal())
        self.calls.append(("critic", fake.requires_grad, [p.requires_grad for p in self.D.parameters()]))
        return softplus(-self.D(real)).mean() + softplus(self.D(fake)).mean()

    def generator_loss(self):
        fake = self.G(self.normal())
        self.calls.append(("generator", fake.requires_grad, [p.requires_grad for p in self.D.parameters()]))
        return -softplus(self.D(fake)).mean() if self.saturating else softplus(-self.D(fake)).mean()

    def players(self, **hooks):
        d, g = self.optimizers
        return Player(d, self.critic_loss, **hooks), Player(g, self.generator_loss)

    def weights(self):
        return torch.cat([p.detach().reshape(-1) for m in (self.D, self.G) for p in m.parameters()])

    def distance(self):
        """Exact W1 between midpoint quantiles of the data and where the generator takes those of its noise."""
        quantiles = torch.special.ndtri((torch.arange(1000, dtype=torch.float64) + 0.5) / 1000)[:, None]
        with torch.no_grad():
            return dv.wasserstein((2 + 0.5 * quantiles).numpy(), self.G(quantiles).numpy()).value


@pytest.mark.parametrize("k", [1, 3])
def test_alternating_steps_are_the_loop_of_the_paper_bit_for_bit(k):
    ours, theirs = Pair(), Pair()
    dynamics = Alternating(k).start(*ours.players())
    d, g = theirs.optimizers
    for _ in range(10):
        losses = dynamics.step()
        for _ in range(k):
            d.zero_grad()
            value = theirs.critic_loss()
            value.backward()
            d.step()
        g.zero_grad()
        loss = theirs.generator_loss()
        loss.backward()
        g.step()
        assert (losses.critic, losses.generator) == (value, loss)
    assert torch.equal(ours.weights(), theirs.weights())


@pytest.mark.parametrize("game", [g for g in PLAIN if not g.zero_sum], ids=str)
def test_no_graph_is_built_for_the_opponent(game):
    pair = Pair()
    losses = game.start(*pair.players()).step()
    assert {name for name, *_ in pair.calls} == {"critic", "generator"}
    for name, of_generator, of_critic in pair.calls:
        assert of_generator == (name == "generator")
        assert set(of_critic) == {name == "critic"}
    assert all(p.requires_grad for m in (pair.D, pair.G) for p in m.parameters())
    assert not losses.critic.requires_grad
    assert not losses.generator.requires_grad


def test_an_error_in_a_loss_leaves_parameters_as_they_were():
    pair = Pair()

    def broken():
        raise ZeroDivisionError

    before = pair.weights()
    game = Simultaneous().start(Player(pair.optimizers[0], broken), pair.players()[1])
    with pytest.raises(ZeroDivisionError):
        game.step()
    assert all(p.requires_grad for m in (pair.D, pair.G) for p in m.parameters())
    assert torch.equal(pair.weights(), before)


def test_one_backward_pass_gives_the_gradients_of_two():
    """Of losses that add up to zero, on one batch; bit for bit, because a change of sign rounds nothing."""
    single, double = Pair(saturating=True), Pair(saturating=True)

    def on_one_batch(pair, sign=1):
        def loss():
            pair.rng.manual_seed(7)
            return sign * pair.critic_loss()

        return loss

    one = SingleStep().start(Player(single.optimizers[0], on_one_batch(single)), single.players()[1])
    d, g = double.optimizers
    two = Simultaneous().start(Player(d, on_one_batch(double)), Player(g, on_one_batch(double, -1)))
    for _ in range(5):
        first, second = one.step(), two.step()
        assert (first.critic, first.generator) == (second.critic, second.generator)
    assert len(single.calls) == 5
    assert torch.equal(single.weights(), double.weights())


def test_a_single_step_needs_a_loss_that_reaches_the_generator():
    pair = Pair()

    def detached():
        with torch.no_grad():
            fake = pair.G(pair.normal())
        return softplus(pair.D(fake)).mean()

    game = SingleStep().start(Player(pair.optimizers[0], detached), pair.players()[1])
    with pytest.raises(ValueError, match="expected a critic's loss that depends on the generator's parameters"):
        game.step()


@pytest.mark.parametrize(
    ("game", "updates"),
    [
        (Simultaneous(), 1),
        (SingleStep(), 1),
        (Alternating(5), 5),
        (Extragradient(), 2),
        (Predictive(), 1),
        (Optimistic(), 1),
    ],
    ids=str,
)
def test_every_update_of_the_critic_is_followed_by_its_projection(game, updates):
    """Clipping to 0.05: no step ends outside, and no gradient is looked at outside after the first projection."""
    pair, log = Pair(), []

    def clip():
        log.append("after")
        with torch.no_grad():
            for p in pair.D.parameters():
                p.clamp_(-0.05, 0.05)

    def before():
        log.append("before")
        assert all(p.grad is not None for p in pair.D.parameters())

    dynamics = game.start(*pair.players(before=before, after=clip))
    for _ in range(3):
        dynamics.step()
        assert max(float(p.detach().abs().max()) for p in pair.D.parameters()) <= 0.05
    assert log == ["before", "after"] * updates * 3


def test_extragradient_projects_the_prediction_too():
    """Korpelevich's method for min over [1, 2], max over [1, 2] of x y: predicted and corrected points are projected."""
    eta, (a, b) = 0.3, (1.8, 1.1)
    x, y = (torch.tensor(z, dtype=torch.float64, requires_grad=True) for z in (a, b))

    def onto(z):
        def project():
            with torch.no_grad():
                z.clamp_(1, 2)

        return project

    critic = Player(torch.optim.SGD([y], lr=eta), lambda: -x * y, after=onto(y))
    dynamics = Extragradient().start(critic, Player(torch.optim.SGD([x], lr=eta), lambda: x * y, after=onto(x)))
    for _ in range(8):
        dynamics.step()
        p, q = np.clip([a - eta * b, b + eta * a], 1, 2)
        a, b = np.clip([a - eta * q, b + eta * p], 1, 2)
        assert math.dist((a, b), (x.item(), y.item())) <= 8 * EPS
    assert (x.item(), y.item()) == (1.0, 2.0)  # the saddle point of the square


def test_optimistic_steps_of_adam_are_the_optimistic_adam_of_the_paper():
    """Written out on min_x max_y x y + x^2 / 8."""
    rate, (b1, b2), tiny = 0.05, (0.5, 0.9), 1e-8
    x, y = (torch.tensor(z, dtype=torch.float64, requires_grad=True) for z in (1.0, 0.5))
    adam = [torch.optim.Adam([p], lr=rate, betas=(b1, b2), eps=tiny) for p in (y, x)]
    dynamics = Optimistic().start(Player(adam[0], lambda: -x * y - x**2 / 8), Player(adam[1], lambda: x * y + x**2 / 8))
    z, m, v, last = np.array([1.0, 0.5]), np.zeros(2), np.zeros(2), None
    for t in range(1, 51):
        dynamics.step()
        g = np.array([z[1] + z[0] / 4, -z[0]])
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        now = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + tiny)
        z = z - 2 * rate * now + rate * (now if last is None else last)
        last = now
        assert math.dist(z, (x.item(), y.item())) <= 64 * t * EPS


def test_optimistic_steps_resume_bit_for_bit_and_only_with_their_memory():
    def run(steps, pair, state=None):
        dynamics = Optimistic().start(*pair.players())
        if state is not None:
            dynamics.load_state_dict(state)
        for _ in range(steps):
            dynamics.step()
        return dynamics.state_dict()

    def copied(pair):
        other = Pair()
        other.rng.set_state(pair.rng.get_state())
        for a, b in ((other.G, pair.G), (other.D, pair.D)):
            a.load_state_dict(b.state_dict())
        for a, b in zip(other.optimizers, pair.optimizers, strict=True):
            a.load_state_dict(b.state_dict())
        return other

    whole, half = Pair(), Pair()
    run(8, whole)
    state = run(5, half)
    resumed, forgetful = copied(half), copied(half)
    run(3, resumed, state)
    run(3, forgetful)
    assert torch.equal(resumed.weights(), whole.weights())
    assert not torch.equal(forgetful.weights(), whole.weights())


def test_states_of_other_games_and_players_are_refused():
    dynamics, plain = Optimistic().start(*Pair().players()), Simultaneous().start(*Pair().players())
    assert dynamics.state_dict() == {}
    dynamics.load_state_dict({})
    dynamics.step()
    plain.step()
    state = dynamics.state_dict()
    assert len(state) == 8
    assert plain.state_dict() == {}
    state.pop("critic.0")
    for other in (dynamics, plain):
        with pytest.raises(ValueError, match="expected the state of"):
            other.load_state_dict(state)


def test_two_time_scales_set_the_rate_of_the_critic_once():
    pair = Pair(rate=1e-3)
    for _ in range(2):  # starting again, as after a resumption, changes nothing
        dynamics = TwoTimeScale(Optimistic(), 4.0).start(*pair.players())
    assert [o.param_groups[0]["lr"] for o in pair.optimizers] == [4e-3, 1e-3]
    dynamics.step()
    assert len(dynamics.state_dict()) == 8
    assert TwoTimeScale(SingleStep(), 2.0).zero_sum


def test_games_and_players_that_make_no_sense_are_refused():
    pair = Pair()
    critic, generator = pair.players()
    with pytest.raises(ValueError, match="expected critic_steps to be at least 1, got 0"):
        Alternating(0)
    with pytest.raises(ValueError, match="expected a positive finite ratio of learning rates, got 0"):
        TwoTimeScale(Simultaneous(), 0)
    with pytest.raises(ValueError, match="expected a game at one rate, got TwoTimeScale"):
        TwoTimeScale(TwoTimeScale(Simultaneous(), 2.0), 2.0)
    with pytest.raises(ValueError, match="expected players without a common parameter, got 4"):
        Simultaneous().start(critic, Player(pair.optimizers[0], pair.generator_loss))
    with pytest.raises(ValueError, match="expected an optimizer of parameters that require a gradient, got 1"):
        Player(torch.optim.SGD([torch.zeros(1)], lr=0.1), pair.generator_loss)
    several = torch.optim.SGD([{"params": [p], "lr": 0.1 * (i + 1)} for i, p in enumerate(pair.G.parameters())])
    with pytest.raises(ValueError, match="expected one learning rate of the generator"):
        TwoTimeScale(Simultaneous(), 2.0).start(critic, Player(several, pair.generator_loss))
    assert generator.parameters == tuple(pair.G.parameters())


@pytest.mark.parametrize("game", [Extragradient(), Optimistic()], ids=str)
def test_looking_ahead_trains_a_gan_beyond_collapse(game):
    """Exact W1 to N(2, 1/4) below E|X - 2| = sqrt(2 / pi) / 2, the best that a generator of one point can do."""
    pair = Pair()
    assert pair.distance() > 1
    dynamics = TwoTimeScale(game, 3.0).start(*pair.players())
    for _ in range(240):
        losses = dynamics.step()
    assert pair.distance() < math.sqrt(2 / math.pi) / 2
    assert losses.critic.isfinite()
