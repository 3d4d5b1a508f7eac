r"""The game $\min_x \max_y xy$, solved exactly: every rule of stepping is a linear map, and its powers are the orbit.

The generator moves x and minimises $xy$, the critic moves y and minimises $-xy$; both take steps of plain SGD, at rates
$\eta$ and $r\eta$ (r = 1 without `TwoTimeScale`). The equilibrium is (0, 0). With $h = \sqrt r\,\eta$:

| game | eigenvalues | comes nearer where |
|---|---|---|
| `Simultaneous`, `SingleStep` | $1 \pm ih$ | never: modulus $\sqrt{1 + h^2}$ |
| `Alternating(k)` | $1 - kh^2/2 \pm ih\sqrt{k(1 - kh^2/4)}$ | never: modulus 1 up to $kh^2 = 4$, beyond it grows |
| `Extragradient` | $1 - h^2 \pm ih$ | $h < 1$: modulus $\sqrt{1 - h^2 + h^4}$ |
| `Predictive` | $1 - h^2 \pm ih\sqrt{1 - h^2}$ | $h < 2/\sqrt3$: modulus $\sqrt{1 - h^2}$ up to 1 |
| `Optimistic` | $\frac12(1 \pm\sqrt{1 - 4h^2}) + ih$, conjugates | $h < 1/\sqrt3$: modulus $\sqrt{(1 + \sqrt{1 - 4h^2})/2}$ up to 1/2 |

Any game of one generator parameter and one critic parameter with a bilinear value is this one in other coordinates; a
Wasserstein GAN of a point mass against a point mass with critics $T(z) = wz$ is an example.
"""

import cmath
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan.expectations import at_least
from gan.games import Alternating, Game, Simultaneous, SingleStep, TwoTimeScale
from gan.lookahead import Extragradient, Optimistic, Predictive
from gan.players import Player

__all__ = ["eigenvalues", "invariant", "matrix", "modulus", "simulated", "trajectory"]

Matrix = tuple[tuple[Any, ...], ...]
Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]


def matrix(game: Game, eta: Any) -> Matrix:
    r"""The linear map of one step, exact in the arithmetic of `eta`.

    It takes the column (x, y) to the next one, with simultaneous steps $\begin{pmatrix}1 & -\eta\\ \eta & 1\end{pmatrix}$;
    of `Optimistic` it takes $(x_t, y_t, x_{t-1}, y_{t-1})$ to $(x_{t+1}, y_{t+1}, x_t, y_t)$.

    Parameters
    ----------
    game : Game
        The rule.
    eta : float, Fraction or sympy expression
        Learning rate of the generator; the critic's is this times the ratio of `TwoTimeScale`, else the same.

    Returns
    -------
    tuple of tuple
        Rows of the matrix, its entries polynomials in `eta`.

    Raises
    ------
    TypeError
        If the game is not one of those in the table.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from gan import bilinear
    >>> from gan.games import Alternating
    >>> for row in bilinear.matrix(Alternating(), Fraction(1, 2)):
    ...     print(*row)
    3/4 -1/2
    1/2 1
    """
    rule, ratio = _parts(game)
    a, b = eta, eta * ratio  # rates of x and of y
    match rule:
        case Simultaneous() | SingleStep():
            return (1, -a), (b, 1)
        case Alternating(critic_steps=k):
            return (1 - k * a * b, -a), (k * b, 1)
        case Extragradient():
            return (1 - a * b, -a), (b, 1 - a * b)
        case Predictive():
            return (1, -a), (b, 1 - 2 * a * b)
        case Optimistic():
            return (1, -2 * a, 0, a), (2 * b, 1, -b, 0), (1, 0, 0, 0), (0, 1, 0, 0)
    raise _unknown(rule)


def eigenvalues(game: Game, eta: float) -> Complexes:
    """Eigenvalues of the matrix by the formulas at the top of this module: two, or four if the game remembers.

    Parameters
    ----------
    game : Game
        The rule.
    eta : float
        Learning rate of the generator, positive.

    Returns
    -------
    array of complex (2,) or (4,)
        The eigenvalues, multiple ones repeated.

    Raises
    ------
    TypeError
        If the game is not one of those in the table.
    ValueError
        If the rate is not positive and finite.
    """
    rule, ratio = _parts(game)
    h = _rate(eta) * math.sqrt(ratio)
    match rule:
        case Simultaneous() | SingleStep():
            roots = [1 + 1j * h]
        case Alternating(critic_steps=k):
            root = 1j * h * cmath.sqrt(k * (1 - k * h**2 / 4))
            return np.array([1 - k * h**2 / 2 + root, 1 - k * h**2 / 2 - root])
        case Extragradient():
            roots = [1 - h**2 + 1j * h]
        case Predictive():
            root = 1j * h * cmath.sqrt(1 - h**2)
            return np.array([1 - h**2 + root, 1 - h**2 - root])
        case Optimistic():
            root = cmath.sqrt(1 - 4 * h**2)
            roots = [(1 + root) / 2 + 1j * h, (1 - root) / 2 + 1j * h]
        case _:
            raise _unknown(rule)
    return np.array([z for root in roots for z in (root, root.conjugate())])


def modulus(game: Game, eta: float) -> float:
    r"""Largest modulus of an eigenvalue: the factor of the distance to the equilibrium per step, in the long run.

    Parameters
    ----------
    game : Game
        The rule.
    eta : float
        Learning rate of the generator, positive.

    Returns
    -------
    float
        Below 1 the game converges, above 1 it diverges; 1 up to rounding for alternating steps with $kh^2 \le 4$.

    Examples
    --------
    >>> from gan import bilinear
    >>> from gan.games import Simultaneous
    >>> from gan.lookahead import Extragradient
    >>> round(bilinear.modulus(Simultaneous(), 0.5) ** 2, 12)  # 1 + 1/4
    1.25
    >>> round(bilinear.modulus(Extragradient(), 0.5) ** 2, 12)  # 1 - 1/4 + 1/16
    0.8125
    """
    return float(np.abs(eigenvalues(game, eta)).max())


def invariant(game: Game, eta: Any) -> Matrix:
    r"""The quadratic form that alternating steps conserve: $k r x^2 + k r \eta\,xy + y^2$, with k steps of the critic.

    Its level sets are closed orbits, ellipses, as long as it is positive definite: $k r \eta^2 < 4$.

    Parameters
    ----------
    game : Game
        `Alternating`, or that within `TwoTimeScale`.
    eta : float, Fraction or sympy expression
        Learning rate of the generator.

    Returns
    -------
    tuple of tuple
        Rows of the symmetric matrix S of the form, so that $M^\top S M = S$.

    Raises
    ------
    TypeError
        If the game is another one: those conserve nothing.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from gan import bilinear
    >>> from gan.games import Alternating
    >>> for row in bilinear.invariant(Alternating(), Fraction(1, 2)):
    ...     print(*row)
    1 1/4
    1/4 1
    """
    rule, ratio = _parts(game)
    if not isinstance(rule, Alternating):
        msg = f"expected alternating steps, which conserve a quadratic form, got {game}"
        raise TypeError(msg)
    weight = rule.critic_steps * ratio
    return (weight, weight * eta / 2), (weight * eta / 2, 1)


def trajectory(game: Game, eta: float, *, start: tuple[float, float] = (1.0, 0.0), steps: int) -> Floats:
    """The orbit: powers of the matrix applied to a start in whole numbers, each coordinate rounded once.

    Floats are whole numbers over powers of two, and so are all iterates.

    Parameters
    ----------
    game : Game
        The rule.
    eta : float
        Learning rate of the generator, positive.
    start : tuple of float
        The point (x, y) at time 0, and before.
    steps : int
        Number of steps.

    Returns
    -------
    array (steps + 1, 2)
        Points at times 0, 1, ..., `steps`.

    Raises
    ------
    TypeError
        If the game is not one of those in the table.
    ValueError
        If the rate is not positive and finite, the start not finite, or the orbit leaves the floats.

    Examples
    --------
    >>> from gan import bilinear
    >>> from gan.games import Simultaneous
    >>> bilinear.trajectory(Simultaneous(), 0.5, steps=2).tolist()  # the last is (1 - eta^2, 2 eta)
    [[1.0, 0.0], [1.0, 0.5], [0.75, 1.0]]
    """
    at_least(0, steps=steps)
    if not all(map(math.isfinite, start)):
        msg = f"expected a finite start, got {start!r}"
        raise ValueError(msg)
    entries = [[Fraction(z) for z in row] for row in matrix(game, Fraction(_rate(eta)))]
    state = [Fraction(z) for z in start] * (len(entries) // 2)
    unit = math.lcm(*(z.denominator for row in entries for z in row))
    scale = math.lcm(*(z.denominator for z in state))
    whole = [[int(z * unit) for z in row] for row in entries]
    vector = [int(z * scale) for z in state]
    orbit = np.empty((steps + 1, 2))
    orbit[0] = start
    for n in range(1, steps + 1):
        vector = [sum(m * z for m, z in zip(row, vector, strict=True)) for row in whole]
        scale *= unit
        try:
            orbit[n] = vector[0] / scale, vector[1] / scale  # whole numbers divide with one rounding
        except OverflowError:
            msg = f"expected an orbit within the floats, this one leaves them at step {n}; ask for fewer steps"
            raise ValueError(msg) from None
    return orbit


def simulated(game: Game, eta: float, *, start: tuple[float, float] = (1.0, 0.0), steps: int) -> Floats:
    """The orbit as :mod:`gan.games` runs it: two parameters, automatic differentiation and plain SGD, in doubles.

    Parameters
    ----------
    game : Game
        The rule, any.
    eta : float
        Learning rate of the generator, positive.
    start : tuple of float
        The point (x, y) at time 0.
    steps : int
        Number of steps.

    Returns
    -------
    array (steps + 1, 2)
        Points at times 0, 1, ..., `steps`.

    Raises
    ------
    ValueError
        If the rate is not positive and finite.

    Examples
    --------
    >>> from gan import bilinear
    >>> from gan.lookahead import Extragradient
    >>> bilinear.simulated(Extragradient(), 0.5, steps=1).tolist()
    [[1.0, 0.0], [0.75, 0.5]]
    """
    x, y = (torch.tensor(float(z), dtype=torch.float64, requires_grad=True) for z in start)
    dynamics = game.start(_player(y, lambda: -x * y, eta), _player(x, lambda: x * y, eta))
    orbit = np.empty((steps + 1, 2))
    orbit[0] = start
    for n in range(1, steps + 1):
        dynamics.step()
        orbit[n] = x.item(), y.item()
    return orbit


def _player(z: Tensor, loss: Callable[[], Tensor], eta: float) -> Player:
    return Player(torch.optim.SGD([z], lr=_rate(eta)), loss)


def _parts(game: Game) -> tuple[Game, Fraction]:
    """The rule at one rate, and the critic's rate over the generator's."""
    return (game.game, Fraction(game.ratio)) if isinstance(game, TwoTimeScale) else (game, Fraction(1))


def _rate(eta: float) -> float:
    if not 0 < eta < math.inf:
        msg = f"expected a positive finite learning rate, got {eta!r}"
        raise ValueError(msg)
    return float(eta)


def _unknown(game: Game) -> TypeError:
    return TypeError(f"expected a game whose matrix is known, got {game}; `simulated` runs any game")
