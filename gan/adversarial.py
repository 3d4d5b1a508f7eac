r"""Objectives of the GAN papers: what the discriminator maximises, what the generator minimises, and the supremum.

Each is a sum of what an output z is worth at real points and costs at generated ones, $\mathbb E_P[g(z)] -
\mathbb E_Q[\ell(z)]$ with P the data and Q the generator's. At one point of log-ratio v the best z is a function of v
alone, so that the supremum is an f-divergence, stretched and moved:

============== ============================== ======================== ======================
objective      supremum                       optimal z                generator minimises
============== ============================== ======================== ======================
minimax        2 JS - 2 ln 2                  v                        E_Q log(1 - s(z))
non-saturating the same                       v                        -E_Q log s(z)
least squares  -(b - a)^2 (1 - LeCam) / 4     a + (b - a) s(v)         E_Q (z - c)^2 / 2
hinge          -2 (1 - TV)                    sign v                   -E_Q z
energy-based   -m (1 - TV)                    m [v < 0]                E_Q z
============== ============================== ======================== ======================

with the logistic function $s(z) = 1 / (1 + e^{-z})$. f-GANs are `gan.fgan` and `gan.variational`; WGAN is
`gan.wasserstein` under a Lipschitz constraint.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

import divergences as dv
from divergences.transport.exact import round_down, round_up
from gan.certificates import divergence_bounds
from gan.expectations import Discrete, Expectation
from gan.objectives import Separable

__all__ = [
    "EnergyBased",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "pearson_least_squares",
    "require_non_negative",
]


@final
@dataclass(frozen=True)
class Minimax(Separable):
    r"""The original game: $\mathbb E_P[\log D] + \mathbb E_Q[\log(1 - D)]$ with $D = s(z)$ the probability of being real.

    The supremum is $2\,JS(P, Q) - 2\ln 2$, attained at $D = p / (p + q)$: $-2 \ln 2$ where P = Q, 0 where they can be
    told apart. Goodfellow et al. (2014), equation 1, proposition 1 and theorem 1. The generator's gradient vanishes where
    it is found out: that of $\log(1 - s(z))$ is $-s(z)$.

    Examples
    --------
    >>> import math
    >>> from gan import Discrete
    >>> from gan.adversarial import minimax
    >>> P = Discrete([0.0, 1.0], [0.5, 0.5])
    >>> bounds = minimax.exact(P, P)
    >>> bounds.lower <= -2 * math.log(2) <= bounds.upper
    True
    """

    def gain(self, z: Tensor) -> Tensor:
        """The logarithm of D."""
        return F.logsigmoid(z)

    def loss(self, z: Tensor) -> Tensor:
        """Minus the logarithm of 1 - D, which is D at -z."""
        return -F.logsigmoid(-z)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """Twice the Jensen-Shannon divergence less 2 ln 2."""
        return _stretched(divergence_bounds(dv.gan_divergence, P, Q), Fraction(1), _MINUS_TWO_LN_2)

    def optimal_critic(self, v: Tensor) -> Tensor:
        """The log-ratio itself."""
        return v

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.minimax"


minimax = Minimax()


@final
@dataclass(frozen=True)
class NonSaturating(Separable):
    r"""Any separable objective for the critic, and for the generator $-\mathbb E_Q[g(z)]$: to be taken for real.

    Of `minimax` it is the loss $-\mathbb E_Q[\log D]$ of Goodfellow et al. (2014), section 3, whose gradient $-(1 - s(z))$
    is largest where the generator is found out; of `fgan` it is $-\mathbb E_Q[g_f(z)]$ of Nowozin, Cseke & Tomioka (2016),
    section 3.2. The fixed points are those of the game, but the generator's loss is no longer a divergence.

    Parameters
    ----------
    of : Separable
        What the critic maximises.

    Examples
    --------
    >>> import divergences as dv
    >>> from gan import fgan
    >>> from gan.adversarial import NonSaturating
    >>> NonSaturating(fgan(dv.kl))
    gan.NonSaturating(gan.fgan(divergences.kl))
    """

    of: Separable

    def gain(self, z: Tensor) -> Tensor:
        """As that of the game."""
        return self.of.gain(z)

    def loss(self, z: Tensor) -> Tensor:
        """As that of the game."""
        return self.of.loss(z)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Minus what the critic would gain if generated points were real."""
        return -E_q(self.of.gain)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """As that of the game."""
        return self.of.exact(P, Q)

    def optimal_critic(self, v: Tensor) -> Tensor:
        """As that of the game."""
        return self.of.optimal_critic(v)

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.non_saturating" if self.of == minimax else f"gan.NonSaturating({self.of!r})"


non_saturating = NonSaturating(minimax)


@final
@dataclass(frozen=True)
class LeastSquares(Separable):
    r"""Outputs regressed to labels: $-\frac12 \mathbb E_P[(z - b)^2] - \frac12 \mathbb E_Q[(z - a)^2]$.

    The supremum is $-\frac{(b - a)^2}{4} (1 - LeCam(P, Q))$, attained at $z = (b p + a q) / (p + q)$. The generator
    minimises $\frac12 \mathbb E_Q[(z - c)^2]$. Mao et al. (2017), equation 2. Where $b - c = 1$ and $b - a = 2$, the
    generator's loss at the optimal critic, with the like term under P added that it cannot change, is half of the
    Pearson divergence $\chi^2(P + Q \| 2Q) = \sum (p - q)^2 / (p + q)$ of that paper; equations 6 and 7.

    Parameters
    ----------
    a, b : float
        Labels of generated and of real points, different ones.
    c : float
        The label that the generator wants its points to have.

    Raises
    ------
    ValueError
        If a label is not finite, or those of real and generated points are the same.

    Examples
    --------
    >>> import gan
    >>> P = gan.Discrete([0.0, 1.0], [0.5, 0.5])
    >>> round(gan.least_squares.exact(P, P).value, 12)  # at the output 1/2 everywhere
    -0.25
    >>> gan.pearson_least_squares
    LeastSquares(a=-1.0, b=1.0, c=0.0)
    """

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    def __post_init__(self) -> None:
        """Refuse labels that tell nothing apart."""
        if not all(map(math.isfinite, (self.a, self.b, self.c))) or self.a == self.b:
            msg = (
                f"expected finite labels, different ones of generated and real points, got {self!r}; take a = 0, b = 1"
            )
            raise ValueError(msg)

    def gain(self, z: Tensor) -> Tensor:
        """Minus half of the squared distance from the label of real points."""
        return -(z - self.b).square() / 2

    def loss(self, z: Tensor) -> Tensor:
        """Half of the squared distance from the label of generated points."""
        return (z - self.a).square() / 2

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Half of the mean squared distance from the label that the generator wants."""
        return E_q(lambda z: (z - self.c).square() / 2)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """A quarter of the squared difference of labels, times the divergence of Le Cam less 1."""
        quarter = (Fraction(self.b) - Fraction(self.a)) ** 2 / 4
        return _stretched(divergence_bounds(dv.le_cam, P, Q), quarter, (-quarter, -quarter))

    def optimal_critic(self, v: Tensor) -> Tensor:
        """Mean of the labels, each by the probability that a point is real or generated."""
        return torch.lerp(v.new_full(v.shape, self.a), v.new_full(v.shape, self.b), v.sigmoid())


least_squares = LeastSquares()
"""Labels 0 and 1, the generator wants 1: equation 9 of Mao et al. (2017)."""

pearson_least_squares = LeastSquares(a=-1.0, b=1.0, c=0.0)
"""Labels -1 and 1, the generator wants 0, and meets the Pearson divergence: equation 8 of Mao et al. (2017)."""


@final
@dataclass(frozen=True)
class Hinge(Separable):
    r"""Margins of 1: $-\mathbb E_P[\max(0, 1 - z)] - \mathbb E_Q[\max(0, 1 + z)]$, the generator minimises $-\mathbb E_Q z$.

    The supremum is $-2 (1 - TV(P, Q))$, attained at $z = \operatorname{sign}(p - q)$. Lim & Ye (2017); Miyato et al.
    (2018), equations 16 and 17. With the flipped output $z = 2D - 1$ of a probability D both margins hold always, and the
    value is $\mathbb E_P z - \mathbb E_Q z - 2$.

    Examples
    --------
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> round(gan.hinge.exact(P, Q).value, 12)  # -2 (1 - 1/4)
    -1.5
    """

    def gain(self, z: Tensor) -> Tensor:
        """Minus what a real point is short of its margin."""
        return -F.relu(1 - z)

    def loss(self, z: Tensor) -> Tensor:
        """What a generated point is short of its margin."""
        return F.relu(1 + z)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Minus the mean output: the generator is not held by the margin."""
        return -E_q(lambda z: z)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """Twice the total variation less 2."""
        return _stretched(divergence_bounds(dv.tv, P, Q), Fraction(2), (Fraction(-2), Fraction(-2)))

    def optimal_critic(self, v: Tensor) -> Tensor:
        """The sign of the log-ratio; where that is 0 any output in [-1, 1] is."""
        return v.sign()

    def __repr__(self) -> str:
        """As it is called."""
        return "gan.hinge"


hinge = Hinge()


@final
@dataclass(frozen=True)
class EnergyBased(Separable):
    r"""Outputs are energies $z \ge 0$, low on data: $-\mathbb E_P[z] - \mathbb E_Q[\max(0, m - z)]$.

    The supremum over energies is $-m (1 - TV(P, Q))$, attained at 0 where p > q and at the margin m where p < q. The
    generator minimises $\mathbb E_Q[z]$. Zhao, Mathieu & LeCun (2017), equations 1 and 2; there the energy is the error of
    an autoencoder. Without a sign the outputs would fall for ever, hence the error below.

    Parameters
    ----------
    margin : float
        The energy above which a generated point costs nothing.

    Raises
    ------
    ValueError
        If the margin is not positive and finite; on evaluation, if an output is negative.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> P, Q = gan.Discrete([0.0, 1.0], [0.5, 0.5]), gan.Discrete([0.0, 1.0], [0.25, 0.75])
    >>> round(gan.EnergyBased(margin=2.0).exact(P, Q).value, 12)  # -2 (1 - 1/4)
    -1.5
    >>> gan.EnergyBased(margin=2.0).optimal_critic(torch.tensor([0.7, -0.4])).tolist()
    [0.0, 2.0]
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a margin that asks for nothing."""
        if not 0 < self.margin < math.inf:
            msg = f"expected a positive finite margin, got {self.margin!r}; take the error of the untrained autoencoder"
            raise ValueError(msg)

    def gain(self, z: Tensor) -> Tensor:
        """Minus the energy."""
        require_non_negative("energies", z)
        return -z

    def loss(self, z: Tensor) -> Tensor:
        """What the energy is short of the margin."""
        require_non_negative("energies", z)
        return F.relu(self.margin - z)

    def generator_loss(self, E_p: Expectation, E_q: Expectation) -> Tensor:
        """Mean energy."""
        return E_q(lambda z: z)

    def exact(self, P: Discrete, Q: Discrete) -> dv.Bounds:
        """The margin times the total variation less 1."""
        margin = Fraction(self.margin)
        return _stretched(divergence_bounds(dv.tv, P, Q), margin, (-margin, -margin))

    def optimal_critic(self, v: Tensor) -> Tensor:
        """No energy where P has more mass, the margin where Q has; where both are equal anything in between is optimal."""
        return self.margin * (1 - v.sign()) / 2


def require_non_negative(what: str, z: Tensor) -> None:
    """Refuse outputs that are no energies or losses.

    Parameters
    ----------
    what : str
        What they are.
    z : Tensor
        Outputs of a critic.

    Raises
    ------
    ValueError
        If one is negative.
    """
    if bool((z < 0).any()):
        msg = f"expected {what}, at least 0, got {z.min().item()!r}; let the critic end in a square, a norm or softplus"
        raise ValueError(msg)


_TWO_LN_2 = 2 * math.log(2)
_MINUS_TWO_LN_2 = (-Fraction(math.nextafter(_TWO_LN_2, math.inf)), -Fraction(math.nextafter(_TWO_LN_2, 0)))
"""An interval around -2 ln 2."""


def _stretched(bounds: dv.Bounds, scale: Fraction, shift: tuple[Fraction, Fraction]) -> dv.Bounds:
    """Bounds of scale x + shift for a positive scale and a shift within an interval, rounded outward once."""
    lower, upper = scale * Fraction(bounds.lower) + shift[0], scale * Fraction(bounds.upper) + shift[1]
    value = float(scale * Fraction(bounds.value) + sum(shift) / 2)
    return dv.Bounds(round_down(lower), value, round_up(upper))
