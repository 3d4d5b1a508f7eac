"""The spectral norm is bounded from above by exact arithmetic, and the maps keep it at most 1."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import torch
from deel import torchlip
from deel.torchlip.normalizers import bjorck_normalization
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gan.spectral import AlmostOrthogonalMap, BjorckMap, CayleyMap, SpectralMap, spectral_bound

torch.set_num_threads(1)
EPS = float(np.finfo(np.float64).eps)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def is_positive_semidefinite(a):
    """By Schur complements in rational numbers: a pivot is positive, or zero with zeros beside it."""
    a = [list(row) for row in a]
    while a:
        pivot, row = a[0][0], a[0]
        if pivot < 0 or (pivot == 0 and any(row)):
            return False
        rest = range(1, len(a))
        a = [[a[i][j] - (row[i] * row[j] / pivot if pivot else 0) for j in rest] for i in rest]
    return True


def dominates(bound, weight):
    """Whether bound^2 I - W^T W is positive semidefinite, exactly."""
    w = [[Fraction(x) for x in row] for row in weight.double().tolist()]
    columns = list(zip(*w, strict=True))
    gram = [[sum(a * b for a, b in zip(c, d, strict=True)) for d in columns] for c in columns]
    return is_positive_semidefinite(
        [[(Fraction(bound) ** 2 if i == j else 0) - g for j, g in enumerate(row)] for i, row in enumerate(gram)]
    )


def test_the_rational_judge_knows_the_norm_of_a_diagonal_matrix():
    w = torch.diag(torch.tensor([3.0, 2.0], dtype=torch.float64))
    assert dominates(3.0, w)
    assert not dominates(math.nextafter(3.0, 0), w)


ADVERSARIAL = {
    "equal singular values": torch.linalg.qr(random(6, 6)).Q,
    "Hilbert, condition 1e13": torch.tensor([[1 / (i + j + 1) for j in range(9)] for i in range(9)]).double(),
    "graded": random(7, 5) * torch.logspace(-12, 12, 5, dtype=torch.float64),
    "rank one": random(8, 1) @ random(1, 6),
    "nearly equal": torch.diag(torch.tensor([1.0, 1 - EPS, 1 - 2 * EPS, 1 + EPS], dtype=torch.float64)),
    "nilpotent": torch.ones(6, 6, dtype=torch.float64).triu(1),
    "one row": random(1, 9),
    "one column": random(9, 1),
    "one number": torch.tensor([[0.1]], dtype=torch.float64),
    "huge": random(4, 6) * 1e300,
    "tiny": random(4, 6) * 1e-300,
    "subnormal": torch.tensor([[3.0, 1.0], [2.0, 5.0]], dtype=torch.float64) * 5e-324,
    "both": torch.diag(torch.tensor([1e308, 1e-308], dtype=torch.float64)),
    "float32": random(5, 5).float(),
    "bfloat16": random(5, 5).bfloat16(),
}


@pytest.mark.parametrize("weight", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_the_bound_dominates_in_rational_arithmetic(weight):
    assert dominates(spectral_bound(weight), weight)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 6.0, 40.0]))
def test_the_bound_dominates_on_random_matrices(m, n, seed, decades):
    w = random(m, n, seed=seed) * 10 ** (decades * (random(m, n, seed=seed + 1).sigmoid() - 0.5))
    bound = spectral_bound(w)
    assert dominates(bound, w)
    assert not dominates(bound * (1 - 1e-12), w)  # tight


@pytest.mark.parametrize("shape", [(24, 24), (30, 8), (5, 20)], ids=str)
@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_bound_lies_just_above_the_norm_in_fifty_digits(shape, orthogonal):
    w = CayleyMap()(random(*shape)) if orthogonal else random(*shape)
    with mp.workdps(50):
        a = mp.matrix(w.tolist())
        gram = a.T * a if shape[0] >= shape[1] else a * a.T
        norm = mp.sqrt(max(mp.eigsy(gram, eigvals_only=True)))
        excess = float(spectral_bound(w) / norm - 1)
    assert 0 <= excess <= 2 * 64 * EPS  # a few roundings per unit of the sums


@pytest.mark.parametrize("n", [64, 256])
def test_the_bound_stays_tight_for_large_matrices(n):
    """LAPACK's largest singular value errs by some units in the last place of its own."""
    for w in (random(n, n), CayleyMap()(random(n, n) / math.sqrt(n))):
        assert spectral_bound(w) == pytest.approx(np.linalg.norm(w.numpy(), 2), rel=4 * n * EPS)


def test_the_bound_of_no_numbers_and_of_too_large_ones():
    assert spectral_bound(torch.zeros(3, 4)) == 0
    assert spectral_bound(torch.full((2, 2), 1.5e308, dtype=torch.float64)) == math.inf
    assert spectral_bound(torch.full((1, 1), 1.7e308, dtype=torch.float64)) < math.inf
    with pytest.raises(ValueError, match="expected a matrix of finite numbers, got shape"):
        spectral_bound(torch.tensor([[math.nan]]))
    with pytest.raises(ValueError, match=r"expected a matrix of finite numbers, got shape \(3,\)"):
        spectral_bound(torch.ones(3))


SHAPES = [(8, 8), (8, 3), (3, 8), (1, 8), (8, 1), (1, 1)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


@shapes
def test_cayley_gives_an_orthonormal_frame_and_is_differentiable(shape):
    w = random(*shape).requires_grad_()
    q = CayleyMap()(w)
    small = q.mT @ q if shape[0] >= shape[1] else q @ q.mT
    torch.testing.assert_close(small, torch.eye(len(small), dtype=torch.float64), rtol=0, atol=16 * max(shape) * EPS)
    assert torch.autograd.gradcheck(CayleyMap(), w)


def test_cayley_of_a_rotation_generator_is_the_rotation():
    """(I - S)(I + S)^{-1} of S = tan(a/2) J turns by the angle a."""
    a = 0.7
    w = torch.tensor([[0.0, math.tan(a / 2)], [0.0, 0.0]], dtype=torch.float64)
    turn = torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]], dtype=torch.float64)
    torch.testing.assert_close(CayleyMap()(w), turn, rtol=0, atol=8 * EPS)


@shapes
def test_bjorck_never_exceeds_one_and_agrees_with_torchlip(shape):
    """Both go to the polar factor, from different first scalings."""
    w = random(*shape, seed=3)
    for iterations in (1, 3, 12):
        assert spectral_bound(BjorckMap(iterations)(w)) <= 1 + 64 * EPS
    theirs = bjorck_normalization(w / torch.linalg.matrix_norm(w, 2), eps=1e-14, maxiter=200)
    torch.testing.assert_close(BjorckMap(60)(w), theirs, rtol=0, atol=1e-12)


def test_bjorck_moves_singular_values_along_its_cubic():
    w = torch.diag(torch.tensor([0.5, 0.25], dtype=torch.float64))
    s = [1.0, 0.5]  # the scaled ones
    for _ in range(3):
        s = [1.5 * x - 0.5 * x**3 for x in s]
    torch.testing.assert_close(BjorckMap(3)(w), torch.diag(torch.tensor(s, dtype=torch.float64)), rtol=0, atol=4 * EPS)


@shapes
def test_almost_orthogonal_weights_have_norm_at_most_one(shape):
    for seed in range(5):
        assert spectral_bound(AlmostOrthogonalMap()(random(*shape, seed=seed))) <= 1 + 64 * EPS


def test_almost_orthogonal_is_sharp_and_keeps_zeros():
    """On orthogonal columns it is their normalisation; a column of zeros stays, and gradients are numbers."""
    w = torch.tensor([[3.0, 0, 0], [0, 0.2, 0], [4.0, 0, 0]], dtype=torch.float64, requires_grad=True)
    expected = torch.tensor([[0.6, 0, 0], [0, 1.0, 0], [0.8, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(AlmostOrthogonalMap()(w), expected, rtol=0, atol=4 * EPS)
    AlmostOrthogonalMap()(w).sum().backward()
    assert w.grad.isfinite().all()


def test_spectral_map_approaches_the_norm_from_below_as_torch_does():
    """The same quotient as torch's own parametrization after many steps of either."""
    w = random(8, 5)
    ours = SpectralMap(w, 100, torch.Generator().manual_seed(0))(w)
    layer = nn.Linear(5, 8, dtype=torch.float64)
    layer.weight.data.copy_(w)
    theirs = nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=100).weight
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    assert spectral_bound(SpectralMap(w, 1, torch.Generator().manual_seed(0))(w)) >= 1 - 8 * EPS


def test_spectral_map_is_fixed_in_evaluation_and_goes_on_in_training():
    w, step = random(8, 8), random(8, 8, seed=1)
    spectral = SpectralMap(w, 1, torch.Generator().manual_seed(0))
    spectral(w + step)
    after_one = spectral_bound(spectral.eval()(w + step))
    assert spectral_bound(spectral(w + step)) == after_one
    spectral.train()
    for _ in range(200):
        spectral(w + step)
    assert spectral_bound(spectral.eval()(w + step)) == pytest.approx(1.0, abs=1e-9)
    assert after_one > 1 + 1e-9
    assert torch.equal(spectral(torch.zeros(8, 8, dtype=torch.float64)), torch.zeros(8, 8, dtype=torch.float64))


def test_orthogonal_layers_of_torchlip_have_our_norm():
    """Their spectral layer, power iteration and Björck, measured by our bound."""
    layer = torchlip.SpectralLinear(6, 6)
    layer(random(4, 6).float())
    assert spectral_bound(layer.weight) == pytest.approx(1.0, abs=1e-3)  # where they stop
