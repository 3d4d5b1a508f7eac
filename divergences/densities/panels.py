r"""Panels on which two rules integrate a kernel of two densities, and how they are halved.

On every panel the 21-point Kronrod rule gives the value and the 10-point Gauss rule inside it a second one; their
difference, an error estimate of the worse of the two, is counted in full. Panels on which they differ are halved. The
masses of P and Q are integrated at the same points: they are known, and show whether something was stepped over.

References
----------
Piessens, R. et al. (1983). QUADPACK. Springer. (The rule ``qk21``.)
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from divergences._arrays import quiet
from divergences.densities.kernels import Kernel
from divergences.densities.landmarks import Line
from divergences.densities.zones import Zone

__all__ = ["KRONROD", "NODES", "Nodes", "Panels", "Problem", "refined", "sums"]

Vector = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

_X = (
    0.9956571630258081,
    0.9739065285171717,
    0.9301574913557082,
    0.8650633666889845,
    0.7808177265864169,
    0.6794095682990244,
    0.5627571346686047,
    0.4333953941292472,
    0.2943928627014602,
    0.1488743389816312,
)
_K = (
    0.011694638867371874,
    0.032558162307964725,
    0.054755896574351995,
    0.07503967481091996,
    0.0931254545836976,
    0.10938715880229764,
    0.12349197626206584,
    0.13470921731147334,
    0.14277593857706009,
    0.1477391049013385,
)
_G = (0.06667134430868814, 0.1494513491505806, 0.21908636251598204, 0.26926671930999635, 0.29552422471475287)

NODES = np.asarray([*(-x for x in _X), 0.0, *reversed(_X)])
KRONROD = np.asarray([*_K, 0.14944555400291690, *reversed(_K)])
GAUSS = np.zeros(21)
GAUSS[1:10:2] = _G
GAUSS[11:20:2] = _G[::-1]

TARGET = 2e-13
"""Relative error that panels are halved for."""

ROUNDS, PANELS = 60, 4000
"""Halvings, one after the other, and panels at most."""

STALLS, PATIENCE = 3, 12
"""A panel that was halved so many times in a row without gain is left as it is: what it shows is rounding. The second number is
for panels that count."""

NOTABLE = 1e-3
"""The part of the integral that counts."""

SAFETY = 2.0
"""The difference of the two rules is counted so many times."""


@final
@dataclass(frozen=True, slots=True)
class Nodes:
    """Points in rows, one row per panel: where they are, and both densities there."""

    x: Vector
    slack: Vector
    log_jacobian: Vector
    log_p: Vector
    log_q: Vector
    mantissa: Vector
    exponent: Vector

    def arrays(self) -> list[Vector]:
        """All of them in order."""
        return [self.x, self.slack, self.log_jacobian, self.log_p, self.log_q, self.mantissa, self.exponent]


@final
@dataclass(frozen=True, slots=True)
class Panels:
    """Panels in coordinates of their zones; which of the three integrals they count in, kernel, P and Q; their nodes."""

    zone: NDArray[np.int64]
    a: Vector
    b: Vector
    counts: NDArray[np.bool_]
    stalls: NDArray[np.int64]
    nodes: Nodes

    def at(self, rows: NDArray[np.bool_]) -> Self:
        """Some of them."""
        nodes = Nodes(*(x[rows] for x in self.nodes.arrays()))
        return type(self)(self.zone[rows], self.a[rows], self.b[rows], self.counts[rows], self.stalls[rows], nodes)

    def __add__(self, other: Self) -> Self:
        """And others."""
        return type(self)(
            np.concatenate([self.zone, other.zone]),
            np.concatenate([self.a, other.a]),
            np.concatenate([self.b, other.b]),
            np.concatenate([self.counts, other.counts]),
            np.concatenate([self.stalls, other.stalls]),
            Nodes(*map(np.concatenate, zip(self.nodes.arrays(), other.nodes.arrays(), strict=True))),
        )


@final
class Problem:
    """A kernel, two densities and the zones of a region."""

    def __init__(self, kernel: Kernel, P: Line, Q: Line, zones: list[Zone]) -> None:
        self.kernel, self.P, self.Q, self.zones = kernel, P, Q, zones

    def nodes(self, zone: NDArray[np.int64], t: Vector) -> Nodes:
        """Everything at rows of points t, each row in its zone."""
        x, log_jacobian, slack = (np.empty_like(t) for _ in range(3))
        for k, z in enumerate(self.zones):
            rows = zone == k
            if rows.any():
                x[rows], log_jacobian[rows], slack[rows] = z.place(t[rows])
        flat = x.ravel()
        log_p, log_q = self.P.log_density(flat), self.Q.log_density(flat)
        mantissa, exponent = self.kernel.terms(log_p, log_q)
        shaped = (y.reshape(t.shape) for y in (log_p, log_q, mantissa, exponent))
        return Nodes(x, slack, log_jacobian, *shaped)

    def panels(
        self,
        zone: NDArray[np.int64],
        a: Vector,
        b: Vector,
        counts: NDArray[np.bool_],
        stalls: NDArray[np.int64],
    ) -> Panels:
        """Panels between a and b."""
        middle, half = a / 2 + b / 2, b / 2 - a / 2
        t = middle[:, None] + half[:, None] * NODES
        return Panels(zone, a, b, counts, stalls, self.nodes(zone, t))


def sums(panels: Panels) -> tuple[float, Vector, Vector]:
    """The scale, and the values and errors of each panel (columns: kernel, P, Q), the kernel in units of the scale."""
    n = panels.nodes
    known = n.mantissa < np.inf
    with quiet():
        logs = np.where(known & (n.mantissa > 0), n.exponent + n.log_jacobian, -np.inf)
        scale = float(np.max(np.where(panels.counts[:, :1], logs + np.log(np.where(known, n.mantissa, 1.0)), -np.inf)))
        scale = scale if math.isfinite(scale) else 0.0
        kernel = np.where(known, n.mantissa, 0.0) * np.exp(logs - scale)
        kernel = np.where(np.isfinite(kernel), kernel, 0.0)
        integrands = (kernel, np.exp(n.log_p + n.log_jacobian), np.exp(n.log_q + n.log_jacobian))
    half = panels.b / 2 - panels.a / 2
    values = np.stack([y @ KRONROD for y in integrands], axis=1) * half[:, None] * panels.counts
    coarse = np.stack([y @ GAUSS for y in integrands], axis=1) * half[:, None] * panels.counts
    return scale, values, SAFETY * np.abs(values - coarse)


def refined(problem: Problem, panels: Panels) -> Panels:
    """Halve panels until their errors are below the target, or rounding, or there are too many."""
    scale, values, errors = sums(panels)
    for _ in range(ROUNDS):
        totals = values.sum(axis=0)
        score = np.max(errors / np.where(totals > 0, totals, 1.0), axis=1)
        if score.sum() <= TARGET or len(score) > PANELS:
            break
        halved = (
            (score > TARGET / 4 / len(score))
            & (panels.stalls < np.where(score > NOTABLE, PATIENCE, STALLS))
            & _divisible(panels)
        )
        if not halved.any():
            break
        kept, parents = panels.at(~halved), panels.at(halved)
        middle = parents.a / 2 + parents.b / 2
        children = problem.panels(
            np.concatenate([parents.zone] * 2),
            np.concatenate([parents.a, middle]),
            np.concatenate([middle, parents.b]),
            np.concatenate([parents.counts] * 2),
            np.concatenate([parents.stalls] * 2),
        )
        panels, before, old = kept + children, scale, score[halved]
        scale, values, errors = sums(panels)
        if scale < before + 1:  # else a peak came to light, and nothing was seen of it before
            _count_stalls(panels, errors, values.sum(axis=0), old)
    return panels


def _divisible(panels: Panels) -> NDArray[np.bool_]:
    return np.asarray(panels.b - panels.a > 64 * EPS * np.maximum(np.abs(panels.a), np.abs(panels.b)))


def _count_stalls(panels: Panels, errors: Vector, totals: Vector, old: Vector) -> None:
    """Note on the last panels, which are halves of panels of a given score, whether halving was of use."""
    n = len(old)
    score = np.max(errors[-2 * n :] / np.where(totals > 0, totals, 1.0), axis=1)
    useless = score[:n] + score[n:] > 0.7 * old
    halves = panels.stalls[-2 * n :]
    halves[:] = np.where(np.concatenate([useless, useless]), halves + 1, 0)
