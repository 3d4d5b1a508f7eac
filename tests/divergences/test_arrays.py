"""Array type in = array type out, with dtype, batch and gradient; and every complaint about bad input."""

import re

import array_api_strict
import numpy as np
import pytest
import torch

import divergences as dv

torch.set_num_threads(1)

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
P, Q = [0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25]
INTERIOR = [0.4, 0.3, 0.2, 0.1]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@every
def test_numpy_scalars_and_batches(d):
    value = d(P, Q)
    assert isinstance(value, np.float64)
    batch = d(np.array([P, Q]), np.array(Q))
    assert batch.tolist() == [value, 0.0]
    assert d(np.array([P, INTERIOR])[:, None], np.array([Q, INTERIOR])[None]).shape == (2, 2)
    assert d(np.array([P, Q]).T, np.array([Q, Q]).T, axis=0).tolist() == [value, 0.0]
    assert d(np.zeros((0, 4)), np.array(Q)).shape == (0,)


@every
@pytest.mark.parametrize("rows", [1, 3, 5000])
@pytest.mark.parametrize("n", [1, 7, 16384, 40_001])
def test_blocks_are_invisible(d, rows, n):
    """However large the batch, each row has the value it has alone, up to the order of the sum."""
    if rows * n > 2_000_000:
        rows = 3
    rng = np.random.default_rng(n)
    p, q = (rng.exponential(size=(rows, n)) for _ in range(2))
    together = d(p, q, normalize=True)
    assert together.shape == (rows,)
    for k in (0, rows - 1):
        assert together[k] == pytest.approx(d(p[k], q[k], normalize=True), rel=1e-14)


@every
def test_torch_in_torch_out(d):
    """Runs on the GPU where there is one."""
    p, q = (torch.tensor(x, dtype=torch.float64, device=DEVICE) for x in (P, Q))
    value = d(p, q)
    assert isinstance(value, torch.Tensor)
    assert (value.shape, value.dtype, value.device.type) == (torch.Size([]), torch.float64, DEVICE)
    assert value.item() == pytest.approx(float(d(P, Q)), rel=1e-15)
    assert d(p, Q).item() == value.item()  # sequences follow the array


@every
def test_strict_arrays_in_strict_arrays_out(d):
    p, q = array_api_strict.asarray(P), array_api_strict.asarray(Q)
    value = d(p, q)
    assert type(value) is type(p)
    assert float(value) == pytest.approx(float(d(P, Q)), rel=1e-15)
    for method in (d.f, d.conjugate, d.optimal_critic, d.activation):
        assert type(method(p)) is type(p)
    assert type(d.variational(q, p, p)) is type(p)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_smaller_floats_are_evaluated_in_double_precision(d, dtype):
    rng = np.random.default_rng(0)
    q = rng.exponential(size=50)
    p, q = (q * (1 + 1e-2 * rng.normal(size=50))).astype(dtype), q.astype(dtype)
    value = d(p, q, normalize=True)
    assert value.dtype == dtype
    assert value == dtype(d(p.astype(float), q.astype(float), normalize=True))


def test_bfloat16():
    p = torch.tensor([0.5, 0.5], dtype=torch.bfloat16)
    q = torch.tensor([0.25, 0.75], dtype=torch.bfloat16)
    value = dv.kl(p, q)
    assert value.dtype == torch.bfloat16
    assert value.item() == pytest.approx(0.1438, rel=4e-3)


@every
def test_gradient_is_that_of_the_normalised_pair(d):
    """By finite differences of the value itself, at interior points: another road than autograd."""
    p = torch.tensor(INTERIOR, dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.2, 0.25, 0.25, 0.3], dtype=torch.float64, requires_grad=True)
    value = d(p, q)
    value.backward()
    h = 1e-6
    for x, k in ((p, 0), (q, 1)):
        for i in range(4):
            step = torch.zeros(4, dtype=torch.float64)
            step[i] = h
            plus, minus = ([p.detach(), q.detach()] for _ in range(2))
            plus[k], minus[k] = plus[k] + step, minus[k] - step
            slope = (d(*plus, normalize=True) - d(*minus, normalize=True)) / (2 * h)
            assert x.grad[i].item() == pytest.approx(slope.item(), abs=1e-8)


@every
@pytest.mark.parametrize(
    ("p", "q"),
    [(P, Q), (Q, P), (INTERIOR, INTERIOR), ([1.0, 0, 0, 0], [0, 1.0, 0, 0]), ([0, 1.0, 0, 0], [0, 1.0, 0, 0])],
)
def test_gradients_are_never_nan(d, p, q):
    p, q = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (p, q))
    d(p, q).backward()
    assert not p.grad.isnan().any()
    assert not q.grad.isnan().any()


@every
def test_function_methods_are_differentiable(d):
    """f' is the critic and (f*)' its inverse, by autograd."""
    v = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64)[[0, 1, 2, 3, 5, 6, 7, 8]]  # not at a kink
    u = v.exp().requires_grad_()
    d.f(u).sum().backward()
    torch.testing.assert_close(u.grad, d.optimal_critic(v), rtol=1e-12, atol=1e-12)
    if not d.kinks and (d.second_derivative(v.exp()) > 0).all():
        t = d.optimal_critic(v).requires_grad_()
        d.conjugate(t).sum().backward()
        torch.testing.assert_close(t.grad, v.exp(), rtol=1e-11, atol=1e-12)


BAD = [
    ({"p": [-0.5, 1.5], "q": [0.5, 0.5]}, "expected p to be non-negative, got value -0.5 at index 0; a probability"),
    ({"p": [0.5, 0.5], "q": [float("nan"), 1]}, "expected q to be finite, got value nan at index 0; replace or drop"),
    ({"p": [0.5, 0.5], "q": [0.5, float("inf")]}, "expected q to be finite, got value inf at index 1; replace or drop"),
    ({"p": [0.5, 0.4], "q": [0.5, 0.5]}, "expected p to have mass 1 within 1.5e-08, got mass 0.9; pass normalize=True"),
    (
        {"p": [[0.5, 0.5], [0.5, 0.6]], "q": [0.5, 0.5]},
        "expected p to have mass 1 within 1.5e-08, got mass 1.1 at index 1; pass normalize=True, or p / p.sum()",
    ),
    ({"p": [0.0, 0.0], "q": [1.0, 1.0], "normalize": True}, "expected p to have positive mass, got mass 0.0"),
    ({"p": [0.5, 0.5], "q": [0.25, 0.25, 0.5]}, "expected p and q on the same space, got 2 and 3 outcomes"),
    ({"p": [], "q": []}, "expected at least one outcome along axis -1, got shapes (0,) and (0,)"),
    ({"p": 1.0, "q": 1.0}, "expected p to have an axis -1, got shape (); pass probabilities of shape (..., n)"),
    ({"p": [[1.0]], "q": [[1.0]], "axis": 2}, "expected p to have an axis 2, got shape (1, 1)"),
    ({"p": np.full((2, 1, 2), 0.5), "q": np.full((3, 3, 2), 0.5)}, "expected shapes that broadcast, got (2, 1, 2)"),
    ({"p": ["a", "b"], "q": [0.5, 0.5]}, "expected p to be an array of numbers, got list"),
]


@every
@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=[f"{k}: {message[:40]}" for k, (_, message) in enumerate(BAD)]
)
def test_bad_input_is_refused_with_a_reason_and_a_remedy(d, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        d(**arguments)


def test_two_libraries_are_refused():
    with pytest.raises(
        TypeError, match=r"expected arrays of one library, got p: numpy.ndarray, q: torch.Tensor; convert"
    ):
        dv.kl(np.array([1.0]), torch.tensor([1.0]))


def test_a_batch_of_critics_is_judged_on_one_pair():
    p, q, T = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6]), np.linspace(-1, 1, 24).reshape(4, 2, 3)
    values = dv.kl.variational(p, q, T)
    assert values.shape == (4, 2)
    assert values[2, 1] == dv.kl.variational(p, q, T[2, 1])
    assert (dv.kl.variational(p, q, np.moveaxis(T, -1, 0), axis=0) == values).all()


def test_misuse_of_the_other_arguments_is_refused():
    with pytest.raises(TypeError, match="expected axis to be an integer, got None; a distribution lies along one axis"):
        dv.kl(P, Q, axis=None)
    with pytest.raises(ValueError, match=r"expected T to be a number at each outcome, got NaN; train"):
        dv.kl.variational(P, Q, [0, 0, 0, np.nan])
    with pytest.raises(ValueError, match=r"expected one value of T per outcome, shape \(4,\), got \(3,\)"):
        dv.kl.variational(P, Q, [0, 0, 0])
    with pytest.raises(ValueError, match="expected t to be an array of numbers, got str"):
        dv.kl.conjugate("a")
    with pytest.raises(ValueError, match=r"expected p to span fewer than 338 decades, got value 5e-324 at index 1"):
        dv.kl([1e100, 5e-324], [1.0, 1.0], normalize=True)


def test_gradients_where_ratios_overflow():
    for p, q in (([0.5, 0.5], [1, 1e-310]), ([1, 1e-320], [0.5, 0.5])):
        for d in (dv.kl, dv.reverse_kl, dv.js, dv.tv):
            x, y = (torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in (p, q))
            d(x, y).backward()
            assert not x.grad.isnan().any()
            assert not y.grad.isnan().any()


def test_an_axis_may_be_any_integer():
    assert dv.kl(np.array([P, Q]), np.array([Q, Q]), axis=np.int64(1)).shape == (2,)


def test_infinite_values_of_a_critic_are_allowed():
    assert dv.kl.variational([0.5, 0.5], [0.5, 0.5], [np.inf, 0.0]) == -np.inf
    assert dv.js.variational([1.0, 0.0], [0.0, 1.0], [np.inf, -np.inf]) == -np.inf
    assert dv.kl.variational([1.0, 0.0], [0.5, 0.5], [1.0, -np.inf]) == 0.5
    assert dv.reverse_kl.variational([0.5, 0.5], [0.5, 0.5], [-np.inf, -1.0]) == -np.inf
    assert dv.kl.variational([0.5, 0.5], [1.0, 0.0], [-np.inf, np.inf]) == -np.inf
    assert dv.neyman_chi2.variational([0.5, 0.5], [0.5, 0.5], [0.0, -1e308]) < -1e307


def test_values_beyond_the_range_of_a_small_float_are_infinite():
    p, q = np.array([0.5, 0.5], np.float16), np.array([1.0, 6e-8], np.float16)
    assert dv.pearson_chi2(p, q) == np.inf


def test_tiny_entries_beside_huge_ones_are_not_lost():
    value = dv.kl([1e10, 1e-300], [1e10, 5e-324], normalize=True)
    assert value == pytest.approx(1e-310 * (np.log(1e-300) - np.log(5e-324) - 1), rel=1e-6)


def test_sequences_follow_the_dtype_of_the_array():
    assert dv.kl(torch.tensor([0.5, 0.5]), [0.25, 0.75]).dtype == torch.float32
    assert dv.kl(np.array([0.5, 0.5], np.float32), [0.25, 0.75]).dtype == np.float32


def test_complex_numbers_are_refused():
    with pytest.raises(TypeError, match="expected p to hold real numbers, got dtype complex128; convert"):
        dv.kl(np.array([1.0 + 0j]), [1.0])


def test_integers_are_numbers():
    assert dv.tv(np.array([1, 0]), np.array([0, 1])) == 1.0
    assert dv.tv([3, 1], [1, 1], normalize=True) == 0.25


@every
def test_mass_errors_within_the_tolerance_are_corrected_not_amplified(d):
    """1e-9 too much mass changes nothing: the value is that of the exactly normalised pair."""
    rng = np.random.default_rng(0)
    q = rng.exponential(size=30)
    q /= q.sum()
    p = q * (1 + 1e-6 * rng.normal(size=30))
    p /= p.sum()
    assert d(p * (1 + 1e-9), q) == pytest.approx(float(d(p, q)), rel=1e-8)
    assert d(p * 1.25, q * 0.5, normalize=True) == pytest.approx(float(d(p, q)), rel=1e-8)
    few_bits = np.array([0.25, 0.75])  # scaled without rounding
    assert d(few_bits * (1 + 2**-30), few_bits) == 0


@every
def test_huge_and_tiny_masses(d):
    for factor in (1e300, 1e-300, 2.0**-1060):
        p, q = np.array([3.0, 1.0]) * factor, np.array([1.0, 1.0]) * factor
        assert d(p, q, normalize=True) == pytest.approx(float(d([0.75, 0.25], [0.5, 0.5])), rel=1e-15)


@every
def test_rows_that_need_care_do_not_change_the_others(d):
    """Equal rows, disjoint ones and ordinary ones in one batch, of any memory layout."""
    rng = np.random.default_rng(8)
    p, q = rng.dirichlet(np.ones(6), size=(2, 5))
    p[1] = q[1]
    p[2], q[2] = [0.5, 0.5, 0, 0, 0, 0], [0, 0, 0.5, 0, 0.5, 0]
    p[3] = q[3] * (1 + 1e-9 * rng.normal(size=6))
    p[3] /= p[3].sum()
    alone = [float(d(a, b)) for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(d(p, q), alone, rtol=1e-15)
    np.testing.assert_allclose(d(np.asfortranarray(p), np.asfortranarray(q)), alone, rtol=1e-15)
    np.testing.assert_allclose(d(p[:, None].repeat(2, axis=1), q[:, None].repeat(2, axis=1))[:, 1], alone, rtol=1e-15)
    before = p.copy(), q.copy()
    d(p, q, normalize=True)
    np.testing.assert_array_equal((p, q), before)


@pytest.mark.parametrize("side", [0, 1])
def test_masked_arrays_are_refused(side):
    pair = [np.array([0.5, 0.5]), np.array([0.5, 0.5])]
    pair[side] = np.ma.array(pair[side], mask=[True, False])
    with pytest.raises(TypeError, match=rf"expected {'pq'[side]} without a mask"):
        dv.kl(*pair)
