r"""Divergences of distributions as objects: the closed form if there is one, else quadrature, batch by batch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import array_api_compat
import numpy as np

from divergences._arrays import Array, constant, namespace
from divergences._convex import ConvexFunction
from divergences.bounds import Bounds
from divergences.closed_forms import affinity_gap, closed_form, on_atoms
from divergences.densities import divergence_bounds, log_affinity_bounds
from divergences.families import Distribution, Product, as_distribution

__all__ = ["Gaps", "bounds_between", "derived_between", "value_between"]

ROUNDING = 1e-12
"""Relative error that is allowed for in a closed form of one family; below 1e-14 in most measurements, some 1e-13 where it
is the exponential of a large number."""

EPS = float(np.finfo(np.float64).eps)


def value_between(d: ConvexFunction, P: Any, Q: Any) -> Array:
    """The divergence of two distributions, or of batches of them that broadcast."""
    P, Q = as_distribution(P), as_distribution(Q)
    _require_one_space(P, Q)
    closed = closed_form(d, P, Q)
    return closed if closed is not None else _one_by_one(lambda p, q: divergence_bounds(d, p, q).value, P, Q)


def bounds_between(d: ConvexFunction, P: Any, Q: Any) -> Bounds:
    """The divergence of two single distributions with its certificate."""
    P, Q = as_distribution(P), as_distribution(Q)
    _require_one_space(P, Q)
    if P.batch_shape or Q.batch_shape:
        msg = (
            f"expected single distributions, got batches of shapes {P.batch_shape} and {Q.batch_shape}; ask one by one"
        )
        raise ValueError(msg)
    closed = closed_form(d, P, Q) if type(P) is type(Q) or P.dimension > 1 else None
    if closed is None:
        return divergence_bounds(d, next(P.singles(())), next(Q.singles(())))
    value = float(closed)
    slack = max(ROUNDING, 64 * EPS * _condition(P, Q)) * value if value < np.inf else 0.0
    return Bounds(max(value - slack, 0.0), value, value + slack)


def _condition(P: Any, Q: Any) -> float:
    """Of the matrices among the parameters, whose eigenvalues are known to so many units in the last place."""
    total = 0.0
    for z in (P, Q):
        sides = [_number(getattr(z, name)) for name in ("row_covariance", "column_covariance") if hasattr(z, name)]
        total += math.prod(sides) if sides else 0.0  # of their Kronecker product
        names = ("covariance", "scale") if z.dimension > 1 and not sides else ()
        total += sum(_number(getattr(z, name)) for name in names if hasattr(z, name))
    return total


def _number(matrix: Any) -> float:
    """Condition number."""
    return float(np.linalg.cond(np.asarray(constant(matrix), dtype=np.float64)))


def derived_between(
    d: Callable[..., Array],
    of_gaps: Callable[["Gaps"], Array],
    alpha: Callable[[float], ConvexFunction],
    P: Any,
    Q: Any,
) -> Array:
    """A function of the gaps of two distributions, or of batches of them; of a few atoms, the function of these."""
    P, Q = as_distribution(P), as_distribution(Q)
    _require_one_space(P, Q)
    atoms = on_atoms(d, P, Q)
    return atoms if atoms is not None else of_gaps(Gaps(P, Q, alpha))


@final
@dataclass(frozen=True, slots=True)
class Gaps:
    r"""The gaps $G_{a,b} = -\frac1{ab}\log\int p^a q^b$, a + b = 1, of two distributions, or of batches of them."""

    P: Distribution
    Q: Distribution
    alpha: Callable[[float], ConvexFunction]

    def __call__(self, a: float, b: float) -> Array:
        """The gap of an order, KL at (1, 0), reverse KL at (0, 1)."""
        closed = affinity_gap(self.P, self.Q, a, b)
        if closed is not None:
            return closed
        if a * b == 0:
            return value_between(self.alpha(1.0), *((self.P, self.Q) if a else (self.Q, self.P)))
        power = self.alpha(a)
        return _one_by_one(lambda p, q: -log_affinity_bounds(p, q, a, b, power=power).value / (a * b), self.P, self.Q)

    def escaped(self) -> Array:
        """-log Q(p > 0)."""
        closed = affinity_gap(self.P, self.Q, 0.0, 1.0)
        if closed is not None and bool(np.all(np.isfinite(np.asarray(constant(closed))))):
            return 0.0 * closed  # one support
        return _one_by_one(lambda p, q: -log_affinity_bounds(p, q, 0.0, 1.0).value, self.P, self.Q)


def _require_one_space(P: Distribution, Q: Distribution) -> None:
    if P.dimension != Q.dimension:
        msg = f"expected distributions on one space, got dimensions {P.dimension} and {Q.dimension}"
        raise ValueError(msg)
    try:
        np.broadcast_shapes(P.batch_shape, Q.batch_shape)
    except ValueError as error:
        msg = f"expected batches that broadcast, got shapes {P.batch_shape} and {Q.batch_shape}"
        raise ValueError(msg) from error


def _one_by_one(compare: Any, P: Distribution, Q: Distribution) -> Array:
    """A number for each pair of the batch, in the library of the parameters."""
    parameters = _parameters(P) | {f"{name} of Q": x for name, x in _parameters(Q).items()}
    tracked = [name for name, x in parameters.items() if getattr(x, "requires_grad", False)]
    if tracked:
        msg = (
            f"expected parameters that record no gradients where there is no closed form, got {', '.join(tracked)}; "
            "detach them, or differentiate a pair that has one"
        )
        raise TypeError(msg)
    shape = np.broadcast_shapes(P.batch_shape, Q.batch_shape)
    values = np.array([compare(p, q) for p, q in zip(P.singles(shape), Q.singles(shape), strict=True)]).reshape(shape)
    if not parameters:
        return values[()]
    xp, arrays = namespace(**parameters)
    return (
        xp.asarray(values, dtype=xp.result_type(*arrays))
        if shape or not array_api_compat.is_numpy_namespace(xp)
        else values[()]
    )


def _parameters(P: Any) -> dict[str, Any]:
    return dict(getattr(P.factors if isinstance(P, Product) else P, "parameters", {}))
