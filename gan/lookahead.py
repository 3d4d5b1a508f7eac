r"""Games that look ahead: steps with the gradient of where the players are about to be.

Around an equilibrium the field $F = (\nabla_\theta L_G, \nabla_\phi L_C)$ of the losses rotates. A gradient taken a step
ahead has turned a little towards the equilibrium, which is what makes these rules converge on $\min_x \max_y xy$
(:mod:`gan.bilinear`) where those of :mod:`gan.games` go round or away.
"""

from dataclasses import dataclass
from typing import final

import torch

from gan.games import Game, Memory
from gan.players import Losses, Player, differentiate_both, named_parameters

__all__ = ["Extragradient", "Optimistic", "Predictive"]


@final
@dataclass(frozen=True)
class Extragradient(Game):
    r"""Predict, then correct from the old point with the gradient of the predicted one.

    $$\tilde\omega = \omega_t - \eta F(\omega_t), \qquad \omega_{t+1} = \omega_t - \eta F(\tilde\omega).$$

    Korpelevich (1976); for GANs Gidel et al. (2019). Both halves are steps of the optimizer, each followed by the
    projection and each with a batch of its own, so that with Adam the moments move twice in a step, as in the latter's
    Extra-Adam.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2: towards (0, 0).

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.Extragradient(), 0.5, steps=1).tolist()
    [[1.0, 0.0], [0.75, 0.5]]
    >>> bilinear.modulus(gan.Extragradient(), 0.5) < 1 < bilinear.modulus(gan.Simultaneous(), 0.5)
    True
    """

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """A step that is taken back, and one with the gradients found there."""
        players = critic, generator
        old = [player.saved() for player in players]
        losses = differentiate_both(*players)
        for player in players:
            player.update()
        differentiate_both(*players)
        for player, saved in zip(players, old, strict=True):
            player.restore(saved)
            player.update()
        return losses


@final
@dataclass(frozen=True)
class Predictive(Game):
    r"""The generator steps, and the critic against the generator that two such steps would lead to.

    $$\theta_{t+1} = \theta_t - \eta\nabla_\theta L_G(\theta_t, \phi_t), \qquad
      \phi_{t+1} = \phi_t - \eta\nabla_\phi L_C(2\theta_{t+1} - \theta_t, \phi_t).$$

    Yadav et al. (2018). One gradient of each player per step, half those of `Extragradient`.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2:

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.Predictive(), 0.5, steps=2).tolist()
    [[1.0, 0.0], [1.0, 0.5], [0.75, 0.75]]
    """

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """The generator's step, and the critic's against a prediction that is taken back."""
        old = generator.saved()
        loss = generator.differentiate(critic)
        generator.update()
        new = generator.saved()
        generator.restore([2 * now - then for now, then in zip(new, old, strict=True)])
        value = critic.differentiate(generator)
        generator.restore(new)
        critic.update()
        return Losses(value, loss)


@final
@dataclass(frozen=True)
class Optimistic(Game):
    r"""The step is twice the present one less the one before: $\omega_{t+1} = \omega_t + 2\Delta_t - \Delta_{t-1}$.

    $\Delta_t$ is the optimizer's step from $\omega_t$ with both gradients taken there; of plain SGD it is $-\eta F(\omega_t)$,
    and the rule $-2\eta F(\omega_t) + \eta F(\omega_{t-1})$. Daskalakis et al. (2018), whose algorithm 1, Optimistic Adam, is
    this rule with Adam: it is the steps that are combined, not the gradients before their moments are taken. The first
    step is a plain one. One gradient of each player per step, half those of `Extragradient`.

    Examples
    --------
    The product xy, minimised over x and maximised over y by steps of length 1/2; the first is a plain one.

    >>> import gan
    >>> from gan import bilinear
    >>> bilinear.simulated(gan.Optimistic(), 0.5, steps=2).tolist()
    [[1.0, 0.0], [1.0, 0.5], [0.5, 1.0]]
    """

    @property
    def remembers(self) -> bool:
        """The steps before."""
        return True

    def step(self, critic: Player, generator: Player, memory: Memory) -> Losses:
        """Two gradients, two updates, each corrected by what it was in the step before."""
        losses = differentiate_both(critic, generator)
        old = critic.saved() + generator.saved()
        for player in (critic, generator):
            player.before()
            player.optimizer.step()
        with torch.no_grad():
            for (name, p), before in zip(named_parameters(critic, generator), old, strict=True):
                step = p - before
                p.add_(step - memory.get(name, step))
                memory[name] = step
        critic.after()
        generator.after()
        return losses
