r"""Upper bounds of $W_1$ from plans: what a trained critic suggests, made a coupling to the last unit of mass.

Any coupling of P and Q is an upper bound, $W_1(P, Q) \le \sum_{ij} \gamma_{ij} |x_i - y_j|$, whatever suggested it. The
dual pair (f, g) of a good critic does: optimal plans live where $f_i + g_j = |x_i - y_j|$ (complementary slackness;
Villani 2009, theorem 5.10). All plans have *exactly* the marginals of the exactly normalised weights, and their costs
are added up exactly or upwards (`gan.couplings`).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from divergences.transport import DenseSimplex
from divergences.transport.exact import exact_dot, nearest, round_up
from divergences.transport.forest import completed, exact_flows
from divergences.transport.ground import ground, is_line
from divergences.transport.inputs import read_cost, read_masses, read_values
from divergences.transport.masses import balance
from divergences.transport.result import Indices
from divergences.transport.simplex import coarse, solve_listed
from gan.couplings import (
    WarmProgram,
    feasible,
    monotone_costs,
    monotone_pairs,
    rounded_cost,
    scaled_plan,
    warmed,
)
from gan.expectations import Discrete, Floats, at_least
from gan.objectives import wasserstein

__all__ = [
    "BySize",
    "ExactValue",
    "LeastOf",
    "ListedPlan",
    "MonotonePlan",
    "RoundedPlan",
    "UpperBound",
    "default_upper",
]


class UpperBound(ABC):
    """A way to an upper bound of a transport distance between finite measures.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> for rule in (gan.ExactValue(), gan.MonotonePlan(), gan.ListedPlan()):
    ...     print(f"{rule.of_points(P, Q, [0.0, -1.0], [2.0, 3.0]):.6f}")  # potentials of the critic -x
    2.000000
    2.000000
    2.000000
    """

    @abstractmethod
    def least(self, program: WarmProgram) -> Fraction:
        """A number not below the optimal value of the program."""

    def of_points(self, P: Discrete, Q: Discrete, f: npt.ArrayLike, g: npt.ArrayLike) -> float:
        r"""Proven upper bound of $W_1(P, Q)$.

        Parameters
        ----------
        P, Q : Discrete
            Two finite measures.
        f, g : array_like (n,), (m,)
            Potentials on the atoms of P and of Q, near optimal ones if the bound is to be tight: of a critic T they are
            T on P and -T on Q. They need not be feasible.

        Returns
        -------
        float
            A number that is not below $W_1(P, Q)$ of the exactly normalised weights, rounding of distances included.

        Raises
        ------
        ValueError
            If potentials are not finite, or not one per atom, or distances beyond 2**900 or all below 2**-900.
        """
        f, g = read_values("f", f, P.size), read_values("g", g, Q.size)
        i, j = np.flatnonzero(P.weights), np.flatnonzero(Q.weights)  # atoms without mass take no part
        x, y = P.points[i], Q.points[j]
        costs = ground(x, y, 1.0, "cityblock" if is_line(x, "euclidean") else "euclidean")
        program = warmed(balance(P.weights[i], Q.weights[j], Fraction(1)), costs.cost, f[i], g[j], (_along(x, y),))
        return round_up(self.least(program) * (1 + Fraction(costs.relative)))

    def of_cost(
        self, a: npt.ArrayLike, b: npt.ArrayLike, cost: npt.ArrayLike, f: npt.ArrayLike, g: npt.ArrayLike
    ) -> float:
        r"""Proven upper bound of the least cost of moving one distribution onto another, for any non-negative costs.

        Parameters
        ----------
        a, b : array_like (n,), (m,)
            Non-negative weights; the bound is that of the exactly normalised ones.
        cost : array_like (n, m)
            Costs, taken as they are; between atoms with mass finite and not negative.
        f, g : array_like (n,), (m,)
            Potentials, near optimal ones if the bound is to be tight.

        Returns
        -------
        float
            A number that is not below $\min_\gamma \sum_{ij} c_{ij} \gamma_{ij}$.

        Raises
        ------
        ValueError
            If weights, costs or potentials are not as said.
        """
        p, q = read_masses("a", a), read_masses("b", b)
        c, f, g = read_cost(cost, (len(p), len(q))), read_values("f", f, len(p)), read_values("g", g, len(q))
        i, j = np.flatnonzero(p), np.flatnonzero(q)
        c = np.ascontiguousarray(c[np.ix_(i, j)])
        if c.min() < 0 or c.max() == np.inf:
            msg = (
                f"expected finite costs of at least 0 between atoms with mass, got {c.min()} to {c.max()}; add a constant "
                "to negative costs, and solve programs with forbidden pairs by divergences.emd"
            )
            raise ValueError(msg)
        return round_up(self.least(warmed(balance(p[i], q[j], Fraction(1)), c, f[i], g[j], ())))


@final
@dataclass(frozen=True)
class ExactValue(UpperBound):
    """The optimal plan itself, by the network simplex; no use is made of the potentials.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> print(f"{gan.ExactValue().of_points(P, Q, [0.0, 0.0], [0.0, 0.0]):.6f}")
    2.000000
    """

    def of_points(self, P: Discrete, Q: Discrete, f: npt.ArrayLike, g: npt.ArrayLike) -> float:
        """The upper bound of the exact value, computed once per pair."""
        del f, g
        return wasserstein.exact(P, Q).upper

    def least(self, program: WarmProgram) -> Fraction:
        """The upper bound of the exact value."""
        return Fraction(DenseSimplex().solve_matrix(program.masses, program.cost).bounds.upper)


@final
@dataclass(frozen=True)
class MonotonePlan(UpperBound):
    """Both sides sorted and matched in order: by potentials, and along the direction in which the points vary most.

    O((n + m) log(n + m)) but for the costs. On the line it is optimal (Santambrogio 2015, theorem 2.9).

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([3.0, 2.0])
    >>> print(f"{gan.MonotonePlan().of_points(P, Q, [0.0, 0.0], [0.0, 0.0]):.6f}")  # optimal on the line
    2.000000
    """

    def least(self, program: WarmProgram) -> Fraction:
        """The cheapest of the monotone plans."""
        return min(monotone_costs(program, program.masses.source, program.masses.target)) * program.masses.unit


@final
@dataclass(frozen=True)
class RoundedPlan(UpperBound):
    r"""Sinkhorn scaling that starts at the dual pair, rounded onto the couplings.

    For each regularisation $\epsilon$ the plan $e^{(f_i + g_j - c_{ij}) / \epsilon}$ is scaled to its marginals (Cuturi
    2013), with the scalings absorbed into the potentials and negligible entries left out (Schmitzer 2019, section 3).
    Then it is cut, row by row and column by column, where it holds too much, and completed (Altschuler, Weed & Rigollet
    2017, algorithm 2; the remainder by the north-west corner rule, where theirs places mass on all pairs). The cheapest
    of these plans counts.

    Parameters
    ----------
    regularisations : tuple of float
        Decreasing values of $\epsilon$, in units of the mean cost.
    iterations : int
        Most scalings for each.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([[0.0, 0.0], [1.0, 0.0]]), gan.Discrete([[0.0, 1.0], [1.0, 1.0]])
    >>> print(f"{gan.RoundedPlan().of_points(P, Q, [0.0, 0.0], [1.0, 1.0]):.6f}")
    1.000000
    """

    regularisations: tuple[float, ...] = (2e-3, 1e-3, 5e-4)
    iterations: int = 400

    def __post_init__(self) -> None:
        """Refuse an empty or infinite effort."""
        at_least(1, iterations=self.iterations, regularisations=len(self.regularisations))
        for epsilon in self.regularisations:
            at_least(float(np.finfo(float).eps), regularisation=epsilon)

    def least(self, program: WarmProgram) -> Fraction:
        """The cheapest of the rounded plans."""
        scale = float(program.cost.mean())
        if scale == 0:
            return Fraction(0)
        f, g, bounds = program.f, program.g, []
        for epsilon in self.regularisations:
            plan, f, g = scaled_plan(program, f, g, epsilon * scale, self.iterations)
            bounds.append(rounded_cost(program, plan))
        return min(bounds)


@final
@dataclass(frozen=True)
class ListedPlan(UpperBound):
    r"""The cheapest plan on few pairs: those of least reduced cost $c_{ij} - f_i - g_j$, and those of monotone plans.

    The network simplex runs over about 2 k max(n, m) pairs instead of n m. Its potentials then list other pairs, which
    together with the plan at hand make the next program: column generation (Ford & Fulkerson 1958), stopped early.

    Parameters
    ----------
    nearest : int
        The number k of pairs that are listed for each row and for each column.
    rounds : int
        Most programs that are solved; one suffices where the potentials come from a good critic.
    tolerance : float
        Gap between the plan and the potentials, relative to the cost of the plan, at which no other program is solved.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([[0.0, 0.0], [1.0, 0.0]]), gan.Discrete([[0.0, 1.0], [1.0, 1.0]])
    >>> print(f"{gan.ListedPlan(nearest=1).of_points(P, Q, [0.0, 0.0], [1.0, 1.0]):.6f}")
    1.000000
    """

    nearest: int = 32
    rounds: int = 4
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        at_least(1, nearest=self.nearest, rounds=self.rounds)
        at_least(0, tolerance=self.tolerance)

    def least(self, program: WarmProgram) -> Fraction:
        """The cost of the plan, exact."""
        masses, width = program.masses, len(program.g)
        a, b = coarse(masses.source, masses.units), coarse(masses.target, masses.units)
        p, q = a / a.sum(), b / b.sum()
        known, f, g, best = np.concatenate(monotone_pairs(program, a, b)), program.f, program.g, []
        for _ in range(self.rounds):
            pair = np.unique(np.concatenate([known, *_nearest(program.cost, f, g, self.nearest)]))
            row, column = np.divmod(pair, width)
            reduced = np.maximum(program.cost[row, column] - f[row] - g[column], 0.0)
            basis = solve_listed(a, b, row, column, reduced)
            flows = completed(exact_flows(basis.row, basis.column, masses.source, masses.target))
            best.append(exact_dot(flows.flow, program.cost[flows.row, flows.column]) * masses.unit)
            known = basis.row * width + basis.column  # a plan of the rounded masses, so that the next program has one
            f, g = feasible(program.cost, g + basis.g)
            if nearest(best[-1]) - float(p @ f + q @ g) <= self.tolerance * nearest(best[-1]):
                break
        return min(best)


@final
@dataclass(frozen=True)
class LeastOf(UpperBound):
    """The least of several upper bounds.

    Parameters
    ----------
    rules : tuple of UpperBound
        Where they come from.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([[0.0, 0.0], [1.0, 0.0]]), gan.Discrete([[0.0, 1.0], [1.0, 1.0]])
    >>> rule = gan.LeastOf((gan.MonotonePlan(), gan.RoundedPlan()))
    >>> print(f"{rule.of_points(P, Q, [0.0, 0.0], [1.0, 1.0]):.6f}")
    1.000000
    """

    rules: tuple[UpperBound, ...] = (MonotonePlan(), ListedPlan())

    def __post_init__(self) -> None:
        """Refuse the least of nothing."""
        at_least(1, rules=len(self.rules))

    def least(self, program: WarmProgram) -> Fraction:
        """The least."""
        return min(rule.least(program) for rule in self.rules)


@final
@dataclass(frozen=True)
class BySize(UpperBound):
    """One rule for pairs of measures up to a size, another beyond.

    Parameters
    ----------
    limit : int
        Largest n times m that counts as small.
    small, large : UpperBound
        The rules.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0]), gan.Discrete([2.0, 3.0])
    >>> rule = gan.BySize(limit=2, large=gan.MonotonePlan())  # 2 times 2 pairs are many here
    >>> print(f"{rule.of_points(P, Q, [0.0, 0.0], [0.0, 0.0]):.6f}")
    2.000000
    """

    limit: int = 2**24
    small: UpperBound = ExactValue()
    large: UpperBound = LeastOf()

    def of_points(self, P: Discrete, Q: Discrete, f: npt.ArrayLike, g: npt.ArrayLike) -> float:
        """As the rule for this size."""
        return (self.small if P.size * Q.size <= self.limit else self.large).of_points(P, Q, f, g)

    def least(self, program: WarmProgram) -> Fraction:
        """As the rule for this size."""
        return (self.small if program.cost.size <= self.limit else self.large).least(program)


default_upper = BySize()
"""The exact value where n m is at most 2**24, a plan on few pairs beyond."""


def _along(x: Floats, y: Floats) -> tuple[Indices, Indices]:
    """Orders along the direction of largest variance, by a few power iterations: any direction will do for a bound."""
    z = np.concatenate([x, y])
    z = z - z.mean(0)
    largest = float(np.abs(z).max())
    if largest == 0:
        return np.arange(len(x)), np.arange(len(y))
    z /= largest
    direction = np.zeros(z.shape[1])
    direction[z.var(0).argmax()] = 1.0
    for _ in range(20):
        turned = z.T @ (z @ direction)
        if not turned.any():  # points that are one up to rounding
            break
        direction = turned / np.abs(turned).max()
    position = z @ direction
    return np.argsort(position[: len(x)], kind="stable"), np.argsort(position[len(x) :], kind="stable")


def _nearest(cost: Floats, f: Floats, g: Floats, k: int) -> tuple[Indices, Indices]:
    """Places in the flattened matrix of the k least reduced costs of each row, and of each column."""
    n, m = cost.shape
    reduced = cost - f[:, None]
    reduced -= g
    of_rows = np.argpartition(reduced, min(k, m) - 1, axis=1)[:, :k] + m * np.arange(n)[:, None]
    across = np.ascontiguousarray(reduced.T)
    of_columns = np.argpartition(across, min(k, n) - 1, axis=1)[:, :k] * m + np.arange(m)[:, None]
    return of_rows.ravel(), of_columns.ravel()
