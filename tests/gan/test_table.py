"""The table critic: any function of the atoms, none elsewhere; what it misses is the optimiser's fault alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import divergences as dv
import gan
from divergences.testing import point_clouds
from gan.objectives import donsker_varadhan, variational
from gan.table import Table

torch.set_num_threads(1)

SMOOTH = [f for f in dv.FDIVERGENCES if not f.kinks]


def table(x, y, *, unit=1.0):
    return Table().build(torch.tensor(x), torch.tensor(y), torch.Generator(), unit=unit)


@given(first=point_clouds(dimension=3), second=point_clouds(dimension=3), data=st.data())
def test_every_function_of_the_atoms_is_a_table(first, second, data):
    """One number for each distinct atom, whatever the order in which they are asked for; against a dictionary."""
    x, y = first[0], second[0]
    critic = table(x, y)
    atoms = {tuple(point): 0.0 for point in np.concatenate([x, y]).tolist()}
    assert len(critic.values) == len(atoms) == sum(len(p) for p in critic.parameters())
    for point in list(atoms):
        atoms[point] = number = data.draw(st.floats(-1e3, 1e3))
        with torch.no_grad():
            critic.values[critic.index(torch.tensor([point], dtype=torch.float64))] = number
    order = data.draw(st.permutations(range(len(x) + len(y))))
    asked = np.concatenate([x, y])[order]
    assert critic(torch.tensor(asked)).tolist() == [atoms[tuple(point)] for point in asked.tolist()]
    assert critic(torch.tensor(asked)[None]).shape == (1, len(asked))


@given(
    cloud=point_clouds(dimension=2),
    other=hnp.arrays(np.float64, (3, 2), elements=st.one_of(st.integers(-4, 4).map(float), st.just(math.nan))),
)
def test_points_that_are_no_atoms_are_named(cloud, other):
    critic, known = table(cloud[0], cloud[0]), cloud[0].tolist()
    strange = [point for point in other.tolist() if point not in known]
    if not strange:
        assert critic(torch.tensor(other)).shape == (3,)
        return
    with pytest.raises(
        ValueError, match=r"expected points among the \d+ atoms that the table was built for, got"
    ) as error:
        critic(torch.tensor(other))
    assert f"got {strange[0]}" in str(error.value)


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"expected points of dimension 2, as those of the table, got shape \(4, 3\)"):
        table(np.zeros((1, 2)), np.ones((1, 2)))(torch.zeros(4, 3, dtype=torch.float64))


def test_atoms_are_told_apart_by_their_last_digit_and_zeros_are_not_by_their_sign():
    x = np.array([[0.1, 1.0], [np.nextafter(0.1, 1), 1.0], [0.1, 2.0], [-0.0, 3.0], [0.0, 3.0]])
    critic = table(x, x)
    assert len(critic.values) == 4
    assert len(set(critic.index(torch.tensor(x)).tolist())) == 4


def test_the_unit_is_that_of_the_length_scale_or_as_asked():
    """Stretching the points stretches a Wasserstein critic with the same parameters, and no log-ratio."""
    x, y = np.random.default_rng(0).normal(size=(2, 5, 2))
    for unit, factor in ((None, 1000.0), (1.0, 1.0)):
        values = []
        for scale in (1.0, 1000.0):
            critic = table(scale * x, scale * y, unit=unit)
            torch.nn.init.ones_(critic.values)
            values.append(critic(torch.tensor(scale * x)).detach().numpy())
        assert values[1] == pytest.approx(factor * values[0], rel=1e-14)


def test_single_precision_and_the_state_are_kept():
    x = torch.rand(6, 2, generator=torch.Generator().manual_seed(0))
    critic, copy = (Table().build(x, x, torch.Generator(), unit=1.0) for _ in range(2))
    torch.nn.init.normal_(critic.values, generator=torch.Generator().manual_seed(1))
    copy.load_state_dict(critic.state_dict())
    assert critic(x).dtype == torch.float32
    assert torch.equal(copy(x), critic(x))


def trained(objective, critic, x, p, q):
    """Adam on the logistic loss, then L-BFGS on the objective, full batch."""

    def value(goal):
        z = critic(x)
        return goal.value(gan.Expectation(z, p), gan.Expectation(z, q))

    adam = torch.optim.Adam(critic.parameters(), lr=0.1)
    for _ in range(60):
        adam.zero_grad()
        (-value(variational(dv.js))).backward()
        adam.step()
    for goal in (variational(dv.js), objective):
        optimizer = torch.optim.LBFGS(
            critic.parameters(),
            max_iter=150,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def closure(goal=goal, optimizer=optimizer):
            optimizer.zero_grad()
            loss = -value(goal)
            loss.backward()
            return loss

        optimizer.step(closure)
    return critic(x).detach().numpy()


@pytest.mark.parametrize("f", SMOOTH, ids=str)
def test_a_trained_table_reaches_every_smooth_divergence(f):
    """Within 1e-9 of the value by its sum: there is nothing between a critic and the supremum but the optimiser."""
    rng = np.random.default_rng(3)
    points = rng.normal(size=(12, 2))
    p, q = rng.dirichlet(np.full(12, 2.0), size=2)
    P, Q = gan.Discrete(points, p), gan.Discrete(points, q)
    joint = gan.joint_support(P, Q)
    x, wp, wq = (torch.tensor(a) for a in (joint.points, joint.p, joint.q))
    z = trained(variational(f), table(joint.points, joint.points), x, wp, wq)
    exact = float(f(p, q))
    assert exact - 1e-9 * exact <= variational(f).lower(P, Q, z) <= exact * (1 + 4e-15)
    if f is dv.kl:
        assert donsker_varadhan.lower(P, Q, z + 3) == pytest.approx(exact, rel=1e-9)


def test_a_trained_table_proves_total_variation_by_its_sign():
    """Kinked divergences are read off the same log-ratio: steps on the right side, which no gradient would find."""
    rng = np.random.default_rng(4)
    p, q = rng.dirichlet(np.ones(30), size=2)
    P, Q = gan.Discrete(np.arange(30.0), p), gan.Discrete(np.arange(30.0), q)
    x, wp, wq = torch.arange(30.0).double()[:, None], torch.tensor(p), torch.tensor(q)
    z = trained(variational(dv.js), table(x.numpy(), x.numpy()), x, wp, wq)
    for f in (dv.tv, dv.hockey_stick(1.0), dv.hockey_stick(3.0)):
        assert variational(f).lower(P, Q, z) == pytest.approx(float(f(p, q)), abs=1e-13)
