"""D[i, j] = d(X[i], Y[j]): the loop, the digits, the memory, the workers, the libraries, the complaints."""

import builtins
import importlib.util
import re
import tracemalloc

import array_api_strict
import dask.array
import jax
import joblib
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster

import divergences as dv
from divergences.fdivergence import FDivergence
from divergences.matrices import BLOCK, pairwise
from tests.oracles import textbook

torch.set_num_threads(1)


def named(d):
    """Name of a divergence, a method or a function, the same in every process."""
    return getattr(d, "__qualname__", repr(d)) if callable(d) and not hasattr(d, "name") else repr(d)


every = pytest.mark.parametrize("d", dv.FDIVERGENCES, ids=str)
SEVEN = [getattr(dv, name) for name in textbook.TERMS]
EPS = float(np.finfo(np.float64).eps)


def rows(n, k, *, seed=0, concentration=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(k, concentration), n)


def sparse_rows(n, k, *, seed=0):
    """With zeros, so that many pairs are at infinite divergence, some are singular, and some rows are equal."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 3, (n, k)).astype(float)
    weights[:, 0] += weights.sum(axis=1) == 0
    weights[-1] = weights[0]
    return weights / weights.sum(axis=1, keepdims=True)


def loop(d, X, Y):
    return np.array([[d(x, y) for y in Y] for x in X])


def rounding_at_kinks(d):
    """At a kink c other than 1, p - c q is small beside p and c q, whose last digits it loses."""
    return 2 * EPS * sum(1 + c for c in d.kinks if c != 1)


def taxicab(p, q, *, axis=-1, normalize=False):
    """A user's function, which knows nothing of this package."""
    assert not normalize
    return abs(p - q).sum(axis)


class Symmetric:
    """A user's symmetric function, which counts the pairs that it is asked for."""

    symmetric = True

    def __init__(self):
        self.pairs = 0

    def __call__(self, p, q, *, axis=-1, normalize=False):
        self.pairs += p[..., 0].size
        return taxicab(p, q, axis=axis, normalize=normalize)


# ----------------------------------------------------------------------------------------------------------- values


@every
@pytest.mark.parametrize("k", [1, 2, 3, 50, 1000])
def test_matrix_is_the_loop(d, k):
    """Up to the rounding of both: each is within a few ulp of the exact value."""
    X, Y = rows(7, k), rows(5, k, seed=1)
    np.testing.assert_allclose(pairwise(d, X, Y), loop(d, X, Y), rtol=32 * EPS, atol=rounding_at_kinks(d))


@every
def test_matrix_of_sparse_rows_is_the_loop(d):
    X = sparse_rows(20, 6)
    Y = np.concatenate([X[:3], sparse_rows(15, 6, seed=1)])
    truth = loop(d, X, Y)
    assert (truth == 0).any()
    assert np.isinf(truth).any() == (d.range.upper == np.inf)
    np.testing.assert_allclose(pairwise(d, X, Y), truth, rtol=32 * EPS)


@pytest.mark.parametrize("d", SEVEN, ids=str)
@pytest.mark.parametrize("epsilon", [1.0, 1e-4, 1e-8, 1e-12])
def test_near_equal_rows_keep_their_digits(d, epsilon):
    rng = np.random.default_rng(3)
    base = rng.exponential(size=100)
    X, Y = (base * (1 + epsilon * rng.uniform(-1, 1, (4, 100))) for _ in range(2))
    got = pairwise(d, X, Y, normalize=True)
    for i, j in np.ndindex(got.shape):
        assert textbook.relative_error(got[i, j], d.name, X[i], Y[j]) <= 2e-15


def test_scipy_has_no_digit_there():
    """Why the matrix is made here: the same rows in scipy's `cdist`."""
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(3)
    base = rng.dirichlet(np.ones(100))
    X, Y = (base * (1 + 1e-9 * rng.uniform(-1, 1, (3, 100))) for _ in range(2))
    X, Y = (x / x.sum(axis=1, keepdims=True) for x in (X, Y))
    theirs = cdist(X, Y, "jensenshannon") ** 2
    errors = [textbook.relative_error(value, "js", X[i], Y[j]) for (i, j), value in np.ndenumerate(theirs)]
    assert not np.max(errors) < 0.1
    ours = pairwise(dv.js, X, Y)
    assert max(textbook.relative_error(value, "js", X[i], Y[j]) for (i, j), value in np.ndenumerate(ours)) <= 2e-15


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e300], ids=str)
@pytest.mark.parametrize("d", [dv.kl, dv.js, dv.tv, dv.pearson_chi2], ids=str)
def test_rows_of_any_unit(d, scale):
    X, Y = rows(3, 40), rows(4, 40, seed=1)
    np.testing.assert_allclose(pairwise(d, X * scale, Y, normalize=True), pairwise(d, X, Y), rtol=32 * EPS)


@pytest.mark.parametrize("d", [dv.kl, dv.js, dv.tv, dv.pearson_chi2, dv.neyman_chi2], ids=str)
def test_ends_of_the_range_of_doubles(d):
    """Entries down to the smallest double, and sums beyond the largest one."""
    X = np.array([[1.0, 5e-324, 0.0], [0.5, 0.5, 1e-310], [0.7, 0.3 - 1e-200, 1e-200]])
    got = pairwise(d, X)
    for i, j in np.ndindex(got.shape):
        assert textbook.relative_error(got[i, j], d.name, X[i], X[j]) <= 4e-15


@pytest.mark.parametrize("k", [BLOCK // 3, BLOCK, BLOCK + 1])
@pytest.mark.parametrize("d", [dv.kl, dv.js, dv.js.distance], ids=named)
def test_long_rows(d, k):
    X, Y = rows(3, k), rows(2, k, seed=1)
    np.testing.assert_allclose(pairwise(d, X, Y), loop(d, X, Y), rtol=32 * EPS)


@pytest.mark.parametrize("d", [dv.js, dv.tv, dv.squared_hellinger, dv.hockey_stick(1.0)], ids=str)
def test_distances(d):
    X, Y = rows(9, 12), rows(4, 12, seed=1)
    np.testing.assert_allclose(pairwise(d.distance, X, Y), loop(d.distance, X, Y), rtol=32 * EPS)


def test_any_function_of_two_distributions():
    X, Y = rows(9, 700), rows(50, 700, seed=1)
    assert (pairwise(taxicab, X, Y) == loop(taxicab, X, Y)).all()
    assert (pairwise(dv.kl.from_log, np.log(X), np.log(Y)) == loop(dv.kl.from_log, np.log(X), np.log(Y))).all()


@every
def test_reverse_is_the_transpose(d):
    X, Y = rows(6, 30), rows(4, 30, seed=1)
    np.testing.assert_allclose(pairwise(d.reverse, X, Y), pairwise(d, Y, X).T, rtol=32 * EPS)


# ------------------------------------------------------------------------------------------------ one matrix with itself


@every
@pytest.mark.parametrize(("n", "k"), [(1, 5), (40, 3), (300, 64)])
def test_matrix_with_itself(d, n, k):
    """A zero diagonal, symmetric to the last bit if d is, and the pairs that two matrices would have."""
    X = rows(n, k)
    D = pairwise(d, X)
    assert (np.diag(D) == 0).all()
    assert (D == D.T).all() or not d.symmetric
    sample = np.random.default_rng(0).integers(0, n, (2, 20))
    np.testing.assert_allclose(D[*sample], [d(X[i], X[j]) for i, j in sample.T], rtol=32 * EPS)


def test_symmetric_functions_are_asked_once_for_a_pair():
    n, k = 500, 256
    X, d = rows(n, k), Symmetric()
    D = pairwise(d, X)
    assert np.array_equal(D, pairwise(taxicab, X))
    assert d.pairs <= n * (n - 1) / 2 + n  # and each row with itself, which shows bad ones


# ----------------------------------------------------------------------------------------------------------- workers


@pytest.fixture(scope="module")
def cluster():
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as local,
        Client(local),
    ):
        yield


def local_function():
    """One that workers get by value: to find `taxicab` they would import this file, with torch and jax, and loky warns of
    workers that grow by so much."""
    return lambda p, q: abs(p - q).sum(-1)


@pytest.mark.parametrize("d", [dv.js, dv.kl, dv.alpha(0.3), dv.js.distance, local_function()], ids=named)
@pytest.mark.parametrize("own", [True, False], ids=["X", "X, Y"])
@pytest.mark.usefixtures("cluster")
def test_workers_change_no_bit(d, own):
    """Processes, threads and a cluster, on several tiles and on arrays large enough to be mapped into memory."""
    X, Y = rows(300, 512), None if own else rows(300, 512, seed=1)
    alone = pairwise(d, X, Y)
    assert (pairwise(d, X, Y, n_jobs=1) == alone).all()
    assert (pairwise(d, X, Y, n_jobs=2) == alone).all()
    for backend in ("threading", "dask"):
        with joblib.parallel_config(backend=backend):
            assert (pairwise(d, X, Y, n_jobs=2) == alone).all()


def test_errors_come_back_from_workers():
    X = rows(300, 512)
    X[200, 3] = -1
    with pytest.raises(ValueError, match=r"rows of X that divergences\.js takes, got row 200"):
        pairwise(dv.js, X, n_jobs=2)


@pytest.mark.parametrize("d", [dv.js, dv.kl, taxicab], ids=named)
def test_memory_is_that_of_the_matrix(d):
    """300 x 300 x 500 differences would take 360 MB; small ones are made first, for what is made once."""
    X, Y = rows(300, 500), rows(300, 500, seed=1)
    pairwise(d, X[:2], Y[:2])
    tracemalloc.start()
    matrix = pairwise(d, X, Y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= matrix.nbytes + 6e6


def test_progress_is_shown_on_request(capsys):
    X = rows(300, 256)
    silent = pairwise(dv.js, X)
    assert capsys.readouterr().err == ""
    assert (pairwise(dv.js, X, progress=True) == silent).all()
    assert "90.0k/90.0k" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "option"), [("joblib", {"n_jobs": 2}), ("tqdm", {"progress": True})])
def test_missing_extras_are_named(module, option, monkeypatch):
    found, imported = importlib.util.find_spec, builtins.__import__

    def refuse(name, *args, **kwargs):
        assert name != module, "imported before it is looked for"
        return imported(name, *args, **kwargs)

    monkeypatch.setattr("divergences._extras.find_spec", lambda name: None if name == module else found(name))
    monkeypatch.setattr(builtins, "__import__", refuse)
    pairwise(dv.js, rows(3, 4))
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"expected {module} to be installed")) as error:
        pairwise(dv.js, rows(3, 4), **option)
    assert "pip install 'divergences[cluster]'" in str(error.value)


# --------------------------------------------------------------------------------------------------------- libraries

LIBRARIES = {
    "torch": torch.asarray,
    "jax": jax.numpy.asarray,
    "strict": array_api_strict.asarray,
    "dask": lambda x: dask.array.from_array(x, chunks=(3, 4)),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("d", [dv.js, dv.kl, dv.js.distance], ids=named)
def test_array_library_in_array_library_out(library, d):
    X, Y = sparse_rows(7, 6), sparse_rows(5, 6, seed=1)
    with jax.enable_x64(True):
        x, y = map(LIBRARIES[library], (X, Y))
        for got, expected in ((pairwise(d, x, y), pairwise(d, X, Y)), (pairwise(d, x), pairwise(d, X))):
            assert type(got) is type(x)
            np.testing.assert_allclose(np.asarray(got), expected, rtol=32 * EPS)


@pytest.mark.parametrize("d", [dv.js, dv.kl], ids=str)
def test_tiles_of_other_libraries(d):
    """On more than one tile, and lists beside arrays."""
    X = rows(60, 3000)
    for n in (60, 31):
        got = pairwise(d, torch.asarray(X), torch.asarray(X[:n])) if n < 60 else pairwise(d, torch.asarray(X))
        np.testing.assert_allclose(got.numpy(), pairwise(d, X, X[:n]), rtol=32 * EPS)
    assert (np.diag(pairwise(d, torch.asarray(X)).numpy()) == 0).all()
    assert pairwise(d, torch.asarray(X[:2, :2] + 1), [[1.0, 3.0]], normalize=True).shape == (2, 1)


def test_gradients_flow_through_the_matrix():
    """Of the sum over all pairs: the derivative of a + b in each of the two arguments of every pair."""
    x = torch.asarray(rows(5, 8)).requires_grad_()
    pairwise(dv.js, x).sum().backward()
    matrix, x.grad = x.grad.clone(), None
    sum(2 * dv.js(x[i], x[j]) for i in range(5) for j in range(i)).backward()
    torch.testing.assert_close(matrix, x.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_smaller_floats_are_evaluated_in_double_precision(dtype):
    X, Y = rows(5, 30).astype(dtype), rows(4, 30, seed=1).astype(dtype)
    for d in (dv.js, dv.kl):
        got = pairwise(d, X, Y, normalize=True)
        assert got.dtype == dtype
        assert (got == pairwise(d, X.astype(float), Y.astype(float), normalize=True).astype(dtype)).all()


# -------------------------------------------------------------------------------------------------------- complaints


@pytest.mark.parametrize("make", [np.asarray, torch.asarray], ids=["numpy", "torch"])
@pytest.mark.parametrize("d", [dv.js, dv.kl, dv.tv.distance], ids=named)
@pytest.mark.parametrize(
    ("entry", "complaint"), [(-0.1, "non-negative, got value -0.1"), (np.nan, "finite, got value nan"), (2.0, "mass 1")]
)
def test_bad_rows_are_named(make, d, entry, complaint):
    X, Y = rows(200, 64), rows(150, 64, seed=1)
    bad = Y.copy()
    bad[140, 7] = entry
    with pytest.raises(ValueError, match=rf"expected rows of Y .*, got row 140; with p = q = Y\[140\] .*{complaint}"):
        pairwise(d, make(X), make(bad))
    with pytest.raises(ValueError, match=rf"expected rows of X .*, got row 140; with p = q = X\[140\] .*{complaint}"):
        pairwise(d, make(bad))


@pytest.mark.parametrize("d", [dv.js, dv.kl, dv.kl.from_log], ids=named)
def test_a_single_bad_row_is_refused(d):
    with pytest.raises(ValueError, match=r"rows of X .* got row 0"):
        pairwise(d, [[0.5, np.nan]])


def test_errors_of_other_kinds_pass_through():
    def broken(p, q):
        if p.ndim == q.ndim == 1:
            return 0.0
        msg = "only one at a time"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="only one at a time"):
        pairwise(broken, rows(3, 4))
    with pytest.raises(TypeError, match=re.escape("one value per pair, shape (9,), got ()")):
        pairwise(lambda p, q: np.sum(p * q), rows(3, 4))
    with pytest.raises(TypeError, match="expected a divergence with a metric power, got kl"):
        pairwise(dv.kl.distance, rows(3, 4))


@pytest.mark.parametrize(
    ("d", "complaint"),
    [("kl", "such as divergences.kl, got 'kl'"), (dv.alpha, "such as alpha(0.5), got alpha")],
    ids=["a name", "a family"],
)
def test_what_is_no_divergence_is_refused(d, complaint):
    with pytest.raises(TypeError, match=re.escape(f"expected d to be a function of two distributions, {complaint}")):
        pairwise(d, rows(3, 4))


@pytest.mark.parametrize(
    ("X", "Y", "complaint"),
    [
        ([0.5, 0.5], None, "X and Y of shapes (n, k) and (m, k), a distribution in each row, got shapes (2,)"),
        ([[0.5, 0.5]], [0.5, 0.5], "got shapes (1, 2) and (2,)"),
        ([[0.5, 0.5]], [[1.0]], "on the same space of at least one outcome, got shapes (1, 2) and (1, 1)"),
        (np.ones((3, 0)), None, "at least one outcome, got shapes (3, 0) and (3, 0)"),
    ],
)
def test_shapes_are_checked(X, Y, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        pairwise(dv.js, X, Y)


def test_arrays_of_two_libraries_are_refused():
    with pytest.raises(TypeError, match=r"one library, got X: numpy\.ndarray, Y: torch\.Tensor"):
        pairwise(dv.js, rows(2, 3), torch.asarray(rows(2, 3)))


def test_jobs_are_for_numpy():
    with pytest.raises(ValueError, match=r"expected numpy arrays beside n_jobs, got arrays of .*torch"):
        pairwise(dv.js, torch.asarray(rows(2, 3)), n_jobs=2)


@pytest.mark.parametrize("make", [np.asarray, torch.asarray], ids=["numpy", "torch"])
@pytest.mark.parametrize("d", [dv.js, dv.kl, dv.kl.from_log], ids=named)
def test_no_rows(d, make):
    none, some = make(np.ones((0, 4))), make(rows(3, 4))
    for X, Y, shape in ((none, None, (0, 0)), (none, some, (0, 3)), (some, none, (3, 0))):
        D = pairwise(d, X, Y)
        assert (tuple(D.shape), D.dtype) == (shape, X.dtype)


def test_declared_divergences_are_summed_without_their_call(monkeypatch):
    """The fast road is taken, and so is measured by the tests above: pairs in general position ask for no call."""
    X, Y = rows(20, 30), rows(20, 30, seed=1)
    monkeypatch.setattr(FDivergence, "__call__", None)
    assert np.isfinite(pairwise(dv.js, X)).all()
    assert np.isfinite(pairwise(dv.kl, X, Y)).all()
