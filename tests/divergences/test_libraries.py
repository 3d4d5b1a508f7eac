"""The same values in every array library, compiled, batched and differentiated where the library does that."""

import contextlib

import array_api_strict
import dask.array
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import divergences as dv

torch.set_num_threads(1)

every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
# one for each function of the vocabulary: a compiler takes seconds for each
compiled = pytest.mark.parametrize(
    "d",
    [dv.kl, dv.js, dv.tv, dv.jeffreys, dv.pearson_chi2, dv.squared_hellinger, dv.alpha(0.3), dv.hockey_stick(3)],
    ids=str,
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EPS = np.finfo(np.float64).eps
EPS32 = np.finfo(np.float32).eps


@contextlib.contextmanager
def double_precision():
    with jax.enable_x64(True):
        yield


def in_torch(x):
    return torch.tensor(x, dtype=torch.float64, device=DEVICE)


LIBRARIES = {
    "torch": in_torch,
    "jax": jnp.asarray,
    "dask": lambda x: dask.array.from_array(x, chunks=30),
    "strict": array_api_strict.asarray,
}


def number(x):
    return float(x.cpu() if isinstance(x, torch.Tensor) else x)


def battery():
    """Pairs of all kinds, a row each: ordinary ones, close ones, zeros on either side, entries over 290 decades."""
    rng = np.random.default_rng(11)
    q = rng.exponential(size=(60, 8))
    p = rng.exponential(size=(60, 8))
    closeness = 10.0 ** -np.arange(1, 13)[:, None]
    p[10:22] = q[10:22] * (1 + closeness * rng.normal(size=(12, 8)))
    p[22:28, :3] = 0
    q[26:34, 2:6] = 0
    p[34:44] = 10.0 ** rng.uniform(-290, 0, size=(10, 8))
    q[40:50] = 10.0 ** rng.uniform(-290, 0, size=(10, 8))
    p[50:54] = q[50:54]
    p[54:58, :4], q[54:58, 4:] = 0, 0
    return p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("library", LIBRARIES)
@every
def test_the_value_is_the_same_in_every_library(d, library):
    pair = battery()
    with double_precision():
        p, q = map(LIBRARIES[library], pair)
        value = d(p, q)
        assert type(value) is type(p)
        values = np.asarray(value.cpu() if isinstance(value, torch.Tensor) else value)
        np.testing.assert_allclose(values, d(*pair), rtol=16 * EPS, atol=16 * EPS**2)


ROWS = np.array([[0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])


@compiled
def test_jax_compiles_maps_and_differentiates(d):
    """The gradients are those of torch, which are held against finite differences elsewhere."""
    with double_precision():
        p, q = jnp.asarray(ROWS), jnp.asarray(ROWS[::-1].copy())
        values, gradients = jax.jit(jax.vmap(jax.value_and_grad(d, argnums=(0, 1))))(p, q)
        np.testing.assert_allclose(np.asarray(values), d(ROWS, ROWS[::-1]), rtol=32 * EPS, atol=EPS**2)
        in_torch = [torch.tensor(x, requires_grad=True) for x in (ROWS, ROWS[::-1].copy())]
        d(*in_torch).sum().backward()
        for ours, theirs in zip(gradients, in_torch, strict=True):
            assert not bool(jnp.any(jnp.isnan(ours)))
            np.testing.assert_allclose(np.asarray(ours), theirs.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_compiled_functions_cannot_refuse_so_that_improper_arguments_give_nan():
    with double_precision():
        improper = [([0.5, 0.4], [0.5, 0.5]), ([-0.5, 1.5], [0.5, 0.5]), ([0.5, 0.5], [np.nan, 0.5])]
        for p, q in improper:
            assert np.isnan(float(jax.jit(dv.kl)(jnp.asarray(p), jnp.asarray(q))))
        proper = jax.jit(lambda p, q: dv.kl(p, q, normalize=True))(jnp.asarray([1.0, 3.0]), jnp.asarray([2.0, 2.0]))
        assert float(proper) == pytest.approx(dv.kl([0.25, 0.75], [0.5, 0.5]), rel=8 * EPS)
        assert np.isinf(float(jax.jit(dv.kl)(jnp.asarray([0.5, 0.5]), jnp.asarray([1.0, 0.0]))))


@every
def test_torch_maps_and_differentiates_twice(d):
    p, q = in_torch(ROWS), in_torch(ROWS[::-1].copy())
    torch.testing.assert_close(torch.func.vmap(d)(p, q), d(p, q), rtol=32 * EPS, atol=EPS**2)
    gradient = torch.func.grad(lambda x: d(x, q[0], normalize=True))
    curvature = torch.func.jacrev(gradient)(p[2])
    assert not gradient(p[2]).isnan().any()
    assert not curvature.isnan().any()


@every
def test_gradients_beside_close_pairs_are_right(d):
    """By the formula: the gradient of D is f'(p/q) less its mean, to first order f''(1) (p - q)/q."""
    if d.kinks or float(d.second_derivative(1.0)) == 0 or d.joints:
        return
    q = in_torch([0.1, 0.2, 0.3, 0.4])
    x = in_torch([1e-8, -2e-8, 1e-8, 0.0])
    p = (q * (1 + x)).requires_grad_()
    d(p, q, normalize=True).backward()
    ratios = (p.detach() - q) / q
    centred = ratios - (p.detach() * ratios).sum()
    expected = float(d.second_derivative(1.0)) * centred
    torch.testing.assert_close(p.grad, expected, rtol=1e-6, atol=1e-15)


@compiled
@pytest.mark.parametrize("closeness", [1.0, 1e-2])
def test_single_precision_where_there_is_no_other(d, closeness):
    """jax without double precision, compiled: right to 5e-7."""
    rng = np.random.default_rng(5)
    q = rng.exponential(size=40)
    p = rng.exponential(size=40) if closeness == 1 else q * (1 + closeness * rng.normal(size=40))
    p, q = (np.maximum(x / x.sum(), 1e-4).astype(np.float32) for x in (p, q))
    truth = d(p.astype(float), q.astype(float), normalize=True)
    with jax.enable_x64(False):
        value = jax.jit(lambda p, q: d(p, q, normalize=True))(jnp.asarray(p), jnp.asarray(q))
        assert value.dtype == jnp.float32
        assert float(value) == pytest.approx(truth, rel=5e-7)


@every
def test_single_precision_inputs_are_right_to_their_last_digit(d):
    """Upcast inside: the rounding of the result is all that is lost."""
    rng = np.random.default_rng(6)
    q = rng.exponential(size=40).astype(np.float32)
    p = (q * (1 + 1e-3 * rng.normal(size=40))).astype(np.float32)
    value = d(p, q, normalize=True)
    assert value.dtype == np.float32
    assert float(value) == pytest.approx(
        d(p.astype(float), q.astype(float), normalize=True), rel=float(EPS32) / 2, abs=1e-45
    )


def test_dask_stays_lazy_and_refuses_when_it_is_computed():
    p, q = dask.array.from_array(ROWS, chunks=(1, 3)), dask.array.from_array(ROWS[::-1].copy(), chunks=(2, 2))
    lazy = dv.js(p, q)
    assert isinstance(lazy, dask.array.Array)
    np.testing.assert_array_equal(lazy.compute(), dv.js(ROWS, ROWS[::-1]))
    assert dv.js(p.T, q.T, axis=0).compute() == pytest.approx(dv.js(ROWS, ROWS[::-1]))
    wrong = dv.js(2 * p, q)
    with pytest.raises(ValueError, match="expected p to have mass 1"):
        wrong.compute()


@pytest.mark.parametrize("library", LIBRARIES)
@every
def test_functions_of_a_number_keep_the_library(d, library):
    u = np.array([0.25, 0.5, 2.0, 3.5])
    with double_precision():
        x = LIBRARIES[library](u)
        for function in (d.f, d.conjugate, d.conjugate_gradient, d.optimal_critic, d.activation, d.second_derivative):
            value = function(x)
            assert type(value) is type(x)
            moved = np.asarray(value.cpu() if isinstance(value, torch.Tensor) else value)
            np.testing.assert_allclose(moved, function(u), rtol=1e-13, atol=1e-15)
        logs = LIBRARIES[library](np.log(ROWS[1]))
        assert number(d.from_log(logs, LIBRARIES[library](np.log(ROWS[2])))) == pytest.approx(
            d(ROWS[1], ROWS[2]), rel=1e-14
        )
