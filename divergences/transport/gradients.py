r"""Derivatives of a Wasserstein distance with respect to points and weights, by the envelope theorem.

The cost :math:`C = W_p^p` is a minimum over plans and a maximum over potentials. Where the optimal plan is unique, its
derivative with respect to the points is that of the cost of this plan held fixed; where the potentials are unique up to a
constant, they are its derivative with respect to the weights (Danskin 1967, theorem 1; Bonnans and Shapiro 2000,
theorem 4.13). :math:`W_p = C^{1/p}` adds the factor :math:`W_p^{1 - p} / p`.
"""

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from divergences._extras import require
from divergences.transport.ground import power
from divergences.transport.inputs import read_order, read_points
from divergences.transport.points import wasserstein
from divergences.transport.result import Floats, Integers, Transport

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Gradient", "gradient", "wasserstein_loss"]

_SMALL = 1e-90  # distances below this may be lifted before they are raised to a power
_ROUNDING = 1e-6  # relative difference that passes for rounding: powers, sums, rounded masses


@final
@dataclass(frozen=True, eq=False)
class Gradient:
    r"""Derivatives of :math:`W_p` with respect to points and weights.

    Parameters
    ----------
    x : ndarray of the shape of the points x
        Derivatives with respect to the points of the first measure.
    y : ndarray of the shape of the points y
        Derivatives with respect to the points of the second.
    a : ndarray of shape (n,)
        Derivatives with respect to the weights of `x`, of mean 0: a direction that keeps the mass.
    b : ndarray of shape (m,)
        Derivatives with respect to the weights of `y`, of mean 0.
    """

    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    a: Floats = field(repr=False)
    b: Floats = field(repr=False)


def gradient(transport: Transport, x: npt.ArrayLike, y: npt.ArrayLike, *, p: float = 1) -> Gradient:
    r"""Gradient of a Euclidean Wasserstein distance from its optimal plan and potentials.

    With plan :math:`\gamma`, potentials f and g of the cost :math:`d^p`, distances :math:`d_{ij}` and unit vectors
    :math:`e_{ij} = (x_i - y_j) / d_{ij}`,

    .. math:: \frac{\partial W_p}{\partial x_i} = \sum_j \gamma_{ij} \Bigl(\frac{d_{ij}}{W_p}\Bigr)^{p-1} e_{ij}, \qquad
              \frac{\partial W_p}{\partial a_i} = \frac{W_p^{1-p}}{p} \bigl(f_i - \bar f\bigr).

    Only differences of the derivatives by weights mean anything, since weights have mass 1. They are centred to mean 0,
    the projection on the tangent space of the simplex: a step along them keeps the mass. Points without mass take part:
    their potentials are those that the first mass to arrive there would have.

    Where the derivative does not exist, one that is next to it is chosen. At coincident points that exchange mass
    :math:`e_{ij} = 0`, a subgradient of the distance. At :math:`W_p = 0` all derivatives by points are 0, and for p > 1,
    where the root has infinite slope, those by weights too. If several plans or potentials are optimal, they are those
    given.

    Parameters
    ----------
    transport : Transport
        What ``wasserstein(x, y, a, b, p=p)`` returned for the Euclidean metric.
    x : array_like of shape (n,) or (n, d)
        Points of the first measure.
    y : array_like of shape (m,) or (m, d)
        Points of the second.
    p : float, default 1
        The order the transport was solved for.

    Returns
    -------
    Gradient
        Derivatives by x, y, a and b.

    Raises
    ------
    TypeError
        If `transport` is no Transport, as what ``wasserstein_1d`` returns.
    ValueError
        If the plan does not have the cost of the transport for these points and p, or p is below 1.

    References
    ----------
    F. Santambrogio (2015), Optimal transport for applied mathematicians, section 7.2.
    G. Peyré and M. Cuturi (2019), Computational optimal transport, section 9.1.

    Examples
    --------
    >>> from divergences.transport import wasserstein
    >>> from divergences.transport.gradients import gradient
    >>> x, y = [[0.0, 0.0], [5.0, 0.0]], [[3.0, 4.0], [5.0, 2.0]]
    >>> g = gradient(wasserstein(x, y), x, y)
    >>> g.x
    array([[-0.3, -0.4],
           [ 0. , -0.5]])
    """
    _require_transport(transport)
    order = read_order(p)
    u, v = read_points(x, y)
    plan = transport.plan
    if plan.shape != (len(u), len(v)):
        msg = (
            f"expected a transport between {len(u)} and {len(v)} points, got a plan of shape {plan.shape}; pass the "
            "points it was computed for, in the same order"
        )
        raise ValueError(msg)
    i, j = plan.coords
    _check_cost(u[i] - v[j], transport, order)
    push = _push(u[i] - v[j], plan.data, transport.value, order)
    by_x, by_y = np.zeros_like(u), np.zeros_like(v)
    np.add.at(by_x, i, push)
    np.subtract.at(by_y, j, push)
    f, g = transport.potentials
    f, g = _arriving(f, g[j], u, v[j], i, order), _arriving(g, f[i], v, u[i], j, order)
    by_a, by_b = _by_weights(f, transport, order), _by_weights(g, transport, order)
    return Gradient(by_x.reshape(np.shape(x)), by_y.reshape(np.shape(y)), by_a, by_b)


def wasserstein_loss(
    x: "Tensor", y: "Tensor", a: "Tensor | None" = None, b: "Tensor | None" = None, *, p: float = 1
) -> "Tensor":
    r"""Wasserstein distance :math:`W_p` between weighted points as a differentiable torch scalar.

    The value is that of ``wasserstein(x, y, a, b, p=p)`` with the Euclidean metric, solved exactly on the CPU in float64;
    the derivatives are those of :func:`divergences.transport.gradient`, with the choices it makes where there are none. Derivatives come back
    on the device and in the dtype of the arguments they belong to.

    Parameters
    ----------
    x : torch.Tensor of shape (n,) or (n, d)
        Points of the first measure.
    y : torch.Tensor of shape (m,) or (m, d)
        Points of the second.
    a : torch.Tensor of shape (n,), optional
        Weights of `x`, of mass 1; uniform by default. Their derivatives have mean 0.
    b : torch.Tensor of shape (m,), optional
        Weights of `y`, of mass 1; uniform by default.
    p : float, default 1
        Order, at least 1 and finite.

    Returns
    -------
    torch.Tensor
        A scalar of the dtype and on the device of `x`. If `x` holds integers, of the dtype of `y`; if that does too, of
        torch's default dtype.

    Raises
    ------
    ModuleNotFoundError
        If torch is not installed.
    TypeError
        If an argument is no tensor.
    RuntimeError
        When it is differentiated twice: the first derivative is not continuous.
    ValueError
        As for :func:`divergences.wasserstein`.

    Examples
    --------
    >>> import torch
    >>> from divergences.transport.gradients import wasserstein_loss
    >>> x = torch.tensor([[0.0, 0.0], [5.0, 0.0]], requires_grad=True)
    >>> loss = wasserstein_loss(x, torch.tensor([[3.0, 4.0], [5.0, 2.0]]))
    >>> loss.item()
    3.5
    >>> loss.backward()
    >>> x.grad
    tensor([[-0.3000, -0.4000],
            [ 0.0000, -0.5000]])
    """
    require("torch", "gan", "wasserstein_loss")
    for name, value in (("x", x), ("y", y), ("a", a), ("b", b)):
        _require_tensor(name, value, optional=name in "ab")
    loss: Tensor = _function().apply(x, y, a, b, read_order(p))
    return loss


def _require_transport(transport: Any) -> None:
    """Refuse what holds no plan."""
    if not isinstance(transport, Transport):
        msg = (
            f"expected a Transport, which holds a plan and potentials, got {type(transport).__name__}; pass what "
            "wasserstein(x, y, a, b, p=p) returns for points"
        )
        raise TypeError(msg)


def _require_tensor(name: str, value: Any, *, optional: bool) -> None:
    """Refuse what records no gradients."""
    import torch

    if not (isinstance(value, torch.Tensor) or (optional and value is None)):
        msg = (
            f"expected {name} to be a torch.Tensor, got {type(value).__name__}; pass torch.as_tensor({name}), or use "
            "wasserstein and gradient for arrays"
        )
        raise TypeError(msg)


def _check_cost(difference: Floats, transport: Transport, p: float) -> None:
    """Refuse a transport that was solved for another metric, order or other points."""
    if transport.value < _SMALL:
        return
    total = float(transport.plan.data @ np.linalg.norm(difference / transport.value, axis=1) ** p)
    if not abs(total - 1) <= _ROUNDING:
        msg = (
            f"expected a transport of Euclidean distances to the power p = {p:g} between these points, but its plan has "
            f"{total:.6g} times the cost it states; pass the p and the points that it was solved for"
        )
        raise ValueError(msg)


def _push(difference: Floats, mass: Floats, value: float, p: float) -> Floats:
    """Derivative by the source of each pair in the plan; scaled so that no square over- or underflows."""
    top = np.abs(difference).max(axis=1, keepdims=True)
    scaled = np.divide(difference, top, out=np.zeros_like(difference), where=top > 0)
    length = np.sqrt(np.sum(scaled * scaled, axis=1, keepdims=True))
    unit = np.divide(scaled, length, out=np.zeros_like(scaled), where=length > 0)
    if value == 0:
        return np.zeros_like(unit)
    push: Floats = unit * (mass[:, None] * (length * (top / value)) ** (p - 1))
    return push


def _arriving(f: Floats, g: Floats, x: Floats, y: Floats, used: Integers, p: float) -> Floats:
    """Potentials of points `x`, those without mass raised to what the first mass there would have.

    It would go to a point of `y` that has mass. In a transport both sides of which have points without mass, the
    potentials must be feasible between these as well, and lie below that on one side.
    """
    empty = np.setdiff1d(np.arange(len(x)), used)
    if not len(empty):
        return f
    order = np.unique(y, axis=0, return_index=True)[1]  # a point of the plan occurs once for each pair it is in
    size, raised = max(1, 2**20 // len(order)), f.copy()
    for k in range(0, len(empty), size):
        rows = empty[k : k + size]
        cost: Floats = power(cdist(x[rows], y[order]), p)
        raised[rows] = (cost - g[order]).min(axis=1)
    return raised


def _by_weights(f: Floats, transport: Transport, p: float) -> Floats:
    """Potentials of mean 0, times the derivative of the p-th root, or times 0 where that is infinite."""
    centred: Floats = f - np.mean(f)
    if p == 1:
        return centred
    if transport.value == 0:
        return np.zeros_like(f)
    scaled: Floats = centred / transport.cost * (transport.value / p)
    return scaled


@functools.cache
def _function() -> Any:
    """The torch function, made when torch is first needed."""
    import torch

    class Once(torch.autograd.Function):
        """A derivative as a function of the arguments, which refuses to be differentiated."""

        @staticmethod
        def forward(ctx: Any, derivative: Any, *arguments: Any) -> Any:  # noqa: ARG004
            return derivative.view_as(derivative)

        @staticmethod
        def backward(ctx: Any, *slopes: Any) -> Any:  # noqa: ARG004
            msg = (
                "expected wasserstein_loss to be differentiated once: its first derivative jumps where the optimal plan "
                "changes; for second derivatives use a regularised transport"
            )
            raise RuntimeError(msg)

    class Loss(torch.autograd.Function):
        """The distance, with the derivatives of the envelope theorem."""

        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, a: Any, b: Any, p: float) -> Any:
            u, v = _to_numpy(x), _to_numpy(y)
            w, z = (None if t is None else _to_numpy(t) for t in (a, b))
            transport = wasserstein(u, v, w, z, p=p)
            g = gradient(transport, u, v, p=p)
            parts = zip((x, y, a, b), (g.x, g.y, g.a, g.b), strict=True)
            ctx.save_for_backward(x, y, a, b, *(_like(d, t) for t, d in parts))
            return torch.as_tensor(transport.value, dtype=_floating(x.dtype, y.dtype), device=x.device)

        @staticmethod
        def backward(ctx: Any, *slopes: Any) -> Any:
            once: Any = Once.apply
            arguments, derivatives = ctx.saved_tensors[:4], ctx.saved_tensors[4:]
            wanted = zip(ctx.needs_input_grad, derivatives, strict=False)  # the order p is no tensor
            return (*(once(slopes[0].to(d) * d, *arguments) if need else None for need, d in wanted), None)

    return Loss


def _floating(*dtypes: Any) -> Any:
    """The first dtype that is floating, else the default: integers would cut the value off."""
    import torch

    return next((dtype for dtype in dtypes if dtype.is_floating_point), torch.get_default_dtype())


def _like(derivative: Floats, argument: "Tensor | None") -> "Tensor | None":
    """The derivative in the dtype of its argument; integers have none."""
    import torch

    if argument is None or not argument.is_floating_point():
        return None
    return torch.as_tensor(derivative).to(argument)


def _to_numpy(x: "Tensor") -> npt.NDArray[Any]:
    """The numbers on the CPU; half precision, which numpy has not in every format, as float32."""
    x = x.detach()
    x = x if x.dtype.itemsize > 2 else x.float()
    return x.cpu().numpy()
