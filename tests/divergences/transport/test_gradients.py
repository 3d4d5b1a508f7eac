"""Derivatives of Wasserstein distances against differences, POT's and torch's own, and the laws they obey."""

import numpy as np
import ot
import pytest
import torch
from transport_problems import EPS

from divergences.transport import wasserstein
from divergences.transport.gradients import gradient, wasserstein_loss

ORDERS = [1, 1.5, 2, 3]
STEP = 1e-6


def clouds(seed=0, n=6, m=7, d=2):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.1, 1, n), rng.uniform(0.1, 1, m)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 1, a / a.sum(), b / b.sum()


def central(function, x):
    """Central differences by every entry; off by STEP**2 and by EPS / STEP."""
    out = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[k] = STEP
        out[k] = (function(x + e) - function(x - e)) / (2 * STEP)
    return out


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("d", [1, 3])
def test_by_points(p, d):
    x, y, a, b = clouds(d=d)
    g = gradient(wasserstein(x, y, a, b, p=p), x, y, p=p)
    np.testing.assert_allclose(g.x, central(lambda u: wasserstein(u, y, a, b, p=p).value, x), atol=1e-8)
    np.testing.assert_allclose(g.y, central(lambda v: wasserstein(x, v, a, b, p=p).value, y), atol=1e-8)


@pytest.mark.parametrize("p", ORDERS)
def test_by_weights_along_directions_that_keep_the_mass(p):
    x, y, a, b = clouds(1)
    g = gradient(wasserstein(x, y, a, b, p=p), x, y, p=p)
    for k in range(1, 6):
        e = np.zeros(6)
        e[0], e[k] = STEP, -STEP
        slope = (wasserstein(x, y, a + e, b, p=p).value - wasserstein(x, y, a - e, b, p=p).value) / (2 * STEP)
        assert g.a[0] - g.a[k] == pytest.approx(slope, abs=1e-8)
        e = np.append(e, 0)
        slope = (wasserstein(x, y, a, b + e, p=p).value - wasserstein(x, y, a, b - e, p=p).value) / (2 * STEP)
        assert g.b[0] - g.b[k] == pytest.approx(slope, abs=1e-8)
    assert abs(g.a.sum()) + abs(g.b.sum()) <= 64 * EPS * (np.abs(g.a).max() + np.abs(g.b).max())


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("d", [1, 2])
def test_at_a_point_without_mass_it_is_the_one_sided_difference(p, d):
    x, y, a, b = clouds(2, d=d)
    a[3], b[2] = 0, 0
    a, b = a / a.sum(), b / b.sum()
    t = wasserstein(x, y, a, b, p=p)
    g, h = gradient(t, x, y, p=p), 1e-8
    e, f = np.zeros(6), np.zeros(7)
    e[3], e[0], f[2], f[0] = h, -h, h, -h
    assert g.a[3] - g.a[0] == pytest.approx((wasserstein(x, y, a + e, b, p=p).value - t.value) / h, abs=1e-6)
    assert g.b[2] - g.b[0] == pytest.approx((wasserstein(x, y, a, b + f, p=p).value - t.value) / h, abs=1e-6)


@pytest.mark.parametrize("p", ORDERS)
def test_laws_of_translation_and_scaling(p):
    """W(x + t, y + t) = W(x, y) and W(s x, s y) = s W(x, y), differentiated (Euler)."""
    x, y, a, b = clouds(3, 30, 20, d=3)
    t = wasserstein(x, y, a, b, p=p)
    g = gradient(t, x, y, p=p)
    np.testing.assert_allclose(g.x.sum(axis=0), -g.y.sum(axis=0), rtol=0, atol=64 * EPS)
    assert np.sum(g.x * x) + np.sum(g.y * y) == pytest.approx(t.value, rel=128 * EPS)


@pytest.mark.parametrize("p", [1, 2])
def test_against_the_derivatives_of_pot(p):
    x, y, a, b = (torch.tensor(t, requires_grad=True) for t in clouds(4))
    loss = wasserstein_loss(x, y, a, b, p=p)
    ours = torch.autograd.grad(loss, (x, y, a, b))
    cost = torch.cdist(x, y) ** p
    theirs = torch.autograd.grad(ot.emd2(a, b, cost) ** (1 / p), (x, y, a, b))
    for u, v in zip(ours[:2], theirs[:2], strict=True):
        torch.testing.assert_close(u, v, rtol=0, atol=1e-12)
    for u, v in zip(ours[2:], theirs[2:], strict=True):
        torch.testing.assert_close(u, v - v.mean(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", ORDERS)
def test_torch_checks_the_derivatives_by_points(p):
    x, y, a, b = (torch.tensor(t) for t in clouds(5, 4, 3))
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda u, v: wasserstein_loss(u, v, a, b, p=p), (x, y), eps=1e-6, atol=1e-7)
    logits = torch.log(a).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda w: wasserstein_loss(x.detach(), y.detach(), torch.softmax(w, 0), b, p=p), (logits,), eps=1e-6, atol=1e-7
    )


def test_dtype_and_shape_come_back():
    x, y, a, _ = clouds(6, d=1)
    u = torch.tensor(x[:, 0], dtype=torch.float32, requires_grad=True)
    w = torch.tensor(a, dtype=torch.float32, requires_grad=True)
    loss = wasserstein_loss(u, torch.tensor(y[:, 0]), w)
    assert (loss.dtype, loss.shape) == (torch.float32, ())
    loss.backward()
    assert (u.grad.dtype, u.grad.shape, w.grad.dtype) == (torch.float32, (6,), torch.float32)
    half = torch.tensor([0.0, 1.0], dtype=torch.bfloat16)
    assert wasserstein_loss(half, half + 2).item() == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    x, y, a, b = (torch.tensor(t, device="cuda", requires_grad=True) for t in clouds(7))
    loss = wasserstein_loss(x, y, a, b, p=2)
    loss.backward()
    x_, y_, a_, b_ = clouds(7)
    g = gradient(wasserstein(x_, y_, a_, b_, p=2), x_, y_, p=2)
    assert loss.device.type == x.grad.device.type == "cuda"
    np.testing.assert_array_equal(x.grad.cpu().numpy(), g.x)
    np.testing.assert_array_equal(a.grad.cpu().numpy(), g.a)


def test_only_what_is_asked_for_is_differentiated():
    x, y = torch.tensor([[0.0], [1.0]], requires_grad=True), torch.tensor([[2.0], [5.0]])
    (3 * wasserstein_loss(x, y)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[-1.5], [-1.5]])
    assert y.grad is None


def test_a_second_derivative_is_refused():
    x = torch.tensor([[0.0], [1.0]], requires_grad=True)
    (first,) = torch.autograd.grad(wasserstein_loss(x, torch.tensor([[2.0], [5.0]]), p=2), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated once"):
        first.sum().backward()


@pytest.mark.parametrize("p", ORDERS)
def test_choices_where_there_is_no_derivative(p):
    x = np.array([[0.0, 0.0], [1.0, 2.0]])
    g = gradient(wasserstein(x, x, p=p), x, x, p=p)
    assert not np.any([g.x, g.y])
    if p > 1:
        assert not np.any([g.a, g.b])
    y = np.array([[0.0, 0.0], [1.0, 3.0]])  # one pair coincides, the other does not
    g = gradient(wasserstein(x, y, p=p), x, y, p=p)
    np.testing.assert_allclose(g.x, [[0, 0], [0, -(2 ** (-1 / p))]], rtol=8 * EPS)


def test_distance_along_a_moving_atom():
    """theta -> W1(delta_0, delta_theta) = |theta|: slope of its sign, 0 chosen at 0."""
    for theta in (-2.0, -1e-300, 0.0, 1e-300, 3.0):
        t = torch.tensor([theta], requires_grad=True, dtype=torch.float64)
        wasserstein_loss(torch.zeros(1, dtype=torch.float64), t).backward()
        assert t.grad.item() == np.sign(theta)


def test_extreme_scales():
    x, y, a, b = clouds(8)
    for scale in (1e-90, 1e90):
        for p in (1, 2, 3):
            g = gradient(wasserstein(scale * x, scale * y, a, b, p=p), scale * x, scale * y, p=p)
            h = gradient(wasserstein(x, y, a, b, p=p), x, y, p=p)
            np.testing.assert_allclose(g.x, h.x, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(g.a / scale, h.a, rtol=1e-12, atol=1e-14)


def test_points_of_another_transport_are_refused():
    x, y, a, b = clouds(9)
    for options in ({"p": 2}, {"p": 1, "metric": "cityblock"}):
        with pytest.raises(ValueError, match="expected a transport of Euclidean distances to the power p = 1"):
            gradient(wasserstein(x, y, a, b, **options), x, y, p=1)
    with pytest.raises(ValueError, match="expected a transport between 3 and 2 points, got a plan of shape"):
        gradient(wasserstein([0, 1], [2, 3]), [0, 1, 2], [2, 3])


def test_integers_are_no_dtype_of_a_distance():
    x = torch.tensor([0, 1])
    assert wasserstein_loss(x, x + 0.5).item() == 0.5
    y = torch.tensor([0, 2])
    loss = wasserstein_loss(x, y)
    assert (loss.item(), loss.dtype) == (0.5, torch.get_default_dtype())
    z = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    loss = wasserstein_loss(x, z)
    loss.backward()
    assert loss.dtype == torch.float64
    np.testing.assert_array_equal(z.grad.numpy(), [0.5, 0.5])


def test_what_has_no_gradient_is_refused():
    for arguments in (([0.0], torch.zeros(1)), (torch.zeros(1), np.zeros(1)), (torch.zeros(1), torch.zeros(1), [1.0])):
        with pytest.raises(TypeError, match=r"to be a torch.Tensor, got (list|ndarray); pass torch.as_tensor"):
            wasserstein_loss(*arguments)
    with pytest.raises(TypeError, match="expected a Transport, which holds a plan and potentials, got float"):
        gradient(1.0, [0.0], [1.0])
