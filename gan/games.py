r"""Games: how a critic and a generator step, each minimising a loss of its own over its own parameters.

With losses $L_C(\theta, \phi)$ of the critic $\phi$ and $L_G(\theta, \phi)$ of the generator $\theta$, the vector field
$F = (\nabla_\theta L_G, \nabla_\phi L_C)$ rotates around an equilibrium instead of pointing at it, and it depends on the
rule of stepping whether the players come nearer. Here are the plain rules, in :mod:`gan.lookahead` those that look ahead;
:mod:`gan.bilinear` solves them all on $\min_x \max_y xy$.

A game is a rule for one step and knows neither networks nor data; a `Player` brings its loss and its optimizer. What a
rule calls a gradient step is a step of that optimizer: $-\eta\nabla L$ of plain SGD, or whatever Adam makes of it. The
gradient is always one with respect to the player's own parameters; those of the opponent are constants meanwhile, so that
no graph is built for them, and a loss needs no ``detach``.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from torch import Tensor

from gan.expectations import at_least
from gan.players import Losses, Player, differentiate_both, named_parameters

__all__ = [
    "Alternating",
    "Dynamics",
    "Game",
    "Memory",
    "Simultaneous",
    "SingleStep",
    "TwoTimeScale",
]

Memory = dict[str, Tensor]
"""What a game remembers from one step to the next: a tensor per parameter, "critic.0", ..., "generator.0", ..."""


class Game(ABC):
    r"""A rule by which two players step once.

    Rules see gradients of the losses; gradients of these gradients are not recorded.

    Examples
    --------
    Two parameters play $\min_x \max_y xy$ from (1, 0), by simultaneous steps of length 1/2:

    >>> import torch
    >>> from gan.games import Simultaneous
    >>> from gan.players import Player
    >>> x, y = (torch.tensor(z, requires_grad=True) for z in (1.0, 0.0))
    >>> critic = Player(torch.optim.SGD([y], lr=0.5), lambda: -x * y)
    >>> generator = Player(torch.optim.SGD([x], lr=0.5), lambda: x * y)
    >>> dynamics = Simultaneous().start(critic, generator)
    >>> for _ in range(2):
    ...     losses = dynamics.step()
    >>> x.item(), y.item(), losses.generator.item()
    (0.75, 1.0, 0.5)
    """

    @property
    def zero_sum(self) -> bool:
        """Whether the rule takes the generator's loss to be minus the critic's, and never asks for it."""
        return False

    @property
    def remembers(self) -> bool:
        """Whether a step depends on earlier ones by a tensor per parameter."""
        return False

    @abstractmethod
    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """Step once.

        Parameters
        ----------
        critic, generator : Player
            The players; their parameters are changed in place.
        memory : dict
            What earlier steps have left; empty at first, and changed in place by a game that remembers.

        Returns
        -------
        Losses
            The losses.
        """

    def start(self, critic: Player, generator: Player) -> "Dynamics":
        """Begin.

        Parameters
        ----------
        critic, generator : Player
            The players, who share no parameter.

        Returns
        -------
        Dynamics
            Steps as often as it is asked to.

        Raises
        ------
        ValueError
            If both players move the same parameter.
        """
        return Dynamics(self, critic, generator)


@final
class Dynamics:
    """A game that goes on, with what it remembers.

    Parameters
    ----------
    game : Game
        The rule.
    critic, generator : Player
        The players.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x, y = (torch.tensor(z, requires_grad=True) for z in (1.0, 0.0))
    >>> critic = gan.Player(torch.optim.SGD([y], lr=0.5), lambda: -x * y)
    >>> generator = gan.Player(torch.optim.SGD([x], lr=0.5), lambda: x * y)
    >>> dynamics = gan.Dynamics(gan.Optimistic(), critic, generator)
    >>> losses = [dynamics.step() for _ in range(2)]
    >>> x.item(), y.item(), sorted(dynamics.state_dict())
    (0.5, 1.0, ['critic.0', 'generator.0'])
    """

    def __init__(self, game: Game, critic: Player, generator: Player) -> None:
        shared = {id(p) for p in critic.parameters} & {id(p) for p in generator.parameters}
        if shared:
            msg = f"expected players without a common parameter, got {len(shared)}; give each to one optimizer only"
            raise ValueError(msg)
        self.game, self.critic, self.generator = game, critic, generator
        self.memory: Memory = {}

    def step(self) -> Losses:
        """Both players step once by the rule."""
        return self.game.step(self.critic, self.generator, self.memory)

    def state_dict(self) -> Memory:
        """A copy of what the game remembers, beside the states of parameters and optimizers; empty for most games."""
        return {name: tensor.clone() for name, tensor in self.memory.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a copy.

        Parameters
        ----------
        state : mapping of str to Tensor
            What `state_dict` returned, on any device; empty before the first step.

        Raises
        ------
        ValueError
            If it is not of this game with these players.
        """
        wanted = dict(named_parameters(self.critic, self.generator)) if self.game.remembers and state else {}
        found = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}
        expected = {name: (tuple(p.shape), p.dtype) for name, p in wanted.items()}
        if found != expected:
            msg = (
                f"expected the state of {self.game} with tensors {expected}, got {found}; load it with the same players"
            )
            raise ValueError(msg)
        self.memory = {name: state[name].to(p.device, copy=True) for name, p in wanted.items()}


@final
@dataclass(frozen=True)
class Simultaneous(Game):
    r"""Both step with gradients taken at the same point: $\omega_{t+1} = \omega_t - \eta F(\omega_t)$.

    Around an equilibrium of rotation it spirals outwards at every step size (`gan.bilinear`). Each loss draws its own
    batch; `SingleStep` is the same rule on one batch.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2: away from (0, 0).

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.Simultaneous(), 0.5, steps=2).tolist()
    [[1.0, 0.0], [1.0, 0.5], [0.75, 1.0]]
    """

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """Two gradients, then two updates."""
        losses = differentiate_both(critic, generator)
        critic.update()
        generator.update()
        return losses


@final
@dataclass(frozen=True)
class SingleStep(Game):
    r"""One backward pass through the value gives both gradients: $-\nabla_\phi V$ to the critic, $\nabla_\theta V$ to the generator.

    Nowozin, Cseke & Tomioka (2016), algorithm 1, for a game whose losses add up to zero: the value is minus the critic's
    loss, penalties included, and the generator's own loss is never asked for. Both gradients are of one batch and one backward
    pass, where `Simultaneous` has two of each.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2:

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.SingleStep(), 0.5, steps=2).tolist()
    [[1.0, 0.0], [1.0, 0.5], [0.75, 1.0]]
    """

    @property
    def zero_sum(self) -> bool:
        """One value for both."""
        return True

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """One gradient, then two updates; ValueError if the loss does not depend on the generator."""
        critic.clear()
        generator.clear()
        loss = critic.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in generator.parameters if p.grad is not None]
        if not gradients:
            msg = (
                "expected a critic's loss that depends on the generator's parameters, got one without a gradient there; "
                "generate inside the loss, without detach or no_grad"
            )
            raise ValueError(msg)
        for gradient in gradients:
            gradient.neg_()
        critic.update()
        generator.update()
        return Losses(loss.detach(), -loss.detach())


@final
@dataclass(frozen=True)
class Alternating(Game):
    r"""The critic steps k times, then the generator once, looking at the critic as it is by then.

    Goodfellow et al. (2014), algorithm 1; with k = 5 Arjovsky, Chintala & Bottou (2017), algorithm 1. The critic's loss
    that is reported is that of its last step.

    Parameters
    ----------
    critic_steps : int
        The number k.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2; x answers the new y.

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.Alternating(), 0.5, steps=1).tolist()
    [[1.0, 0.0], [0.75, 0.5]]
    >>> bilinear.simulated(gan.Alternating(critic_steps=2), 0.5, steps=1).tolist()
    [[1.0, 0.0], [0.5, 1.0]]
    """

    critic_steps: int = 1

    def __post_init__(self) -> None:
        """Refuse a critic that never steps."""
        at_least(1, critic_steps=self.critic_steps)

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """As many steps of the critic, one of the generator."""
        for _ in range(self.critic_steps):
            value = critic.differentiate(generator)
            critic.update()
        loss = generator.differentiate(critic)
        generator.update()
        return Losses(value, loss)


@final
@dataclass(frozen=True)
class TwoTimeScale(Game):
    r"""A game in which the critic's learning rate is a multiple of the generator's. Heusel et al. (2017).

    Their theorem is about rates whose quotient grows without limit; on a bilinear game a fixed ratio r is the game at the
    common rate $\sqrt r\,\eta$, in other coordinates (`gan.bilinear`).

    Parameters
    ----------
    game : Game
        The rule.
    ratio : float
        Rate of the critic over rate of the generator; set where the game starts, so that a schedule comes after it.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> x, y = (torch.tensor(z, requires_grad=True) for z in (1.0, 0.0))
    >>> critic = gan.Player(torch.optim.SGD([y], lr=0.5), lambda: -x * y)
    >>> generator = gan.Player(torch.optim.SGD([x], lr=0.5), lambda: x * y)
    >>> _ = gan.TwoTimeScale(gan.Simultaneous(), ratio=4.0).start(critic, generator).step()
    >>> x.item(), y.item()
    (1.0, 2.0)
    """

    game: Game
    ratio: float

    def __post_init__(self) -> None:
        """Refuse a ratio that stops a player, and a ratio of ratios."""
        if not 0 < self.ratio < math.inf:
            msg = f"expected a positive finite ratio of learning rates, got {self.ratio!r}"
            raise ValueError(msg)
        if isinstance(self.game, TwoTimeScale):
            msg = f"expected a game at one rate, got {self.game}; give one ratio only"
            raise ValueError(msg)  # noqa: TRY004  (a wrong value of the right type)

    @property
    def zero_sum(self) -> bool:
        """As the game."""
        return self.game.zero_sum

    @property
    def remembers(self) -> bool:
        """As the game."""
        return self.game.remembers

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """As the game, at the rates that the optimizers have."""
        return self.game.step(critic, generator, memory)

    def start(self, critic: Player, generator: Player) -> Dynamics:
        """Set the critic's rate and begin.

        Parameters
        ----------
        critic, generator : Player
            The players; all groups of the generator's optimizer have one learning rate.

        Returns
        -------
        Dynamics
            Steps as often as it is asked to.

        Raises
        ------
        ValueError
            If the generator has several rates, or both players move the same parameter.
        """
        rates = {float(group["lr"]) for group in generator.optimizer.param_groups}
        if len(rates) != 1:
            msg = f"expected one learning rate of the generator, got {sorted(rates)}; set the critic's rates by hand"
            raise ValueError(msg)
        dynamics = Dynamics(self, critic, generator)
        for group in critic.optimizer.param_groups:
            group["lr"] = self.ratio * min(rates)
        return dynamics
