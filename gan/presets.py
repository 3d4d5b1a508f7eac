"""Settings of the papers: an objective, a constraint, a game and optimizers that belong together, under the paper's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import final

import torch
from torch import nn

import divergences as dv
from gan.adversarial import EnergyBased, hinge, least_squares, minimax, non_saturating
from gan.conditional import Conditional
from gan.critics import MLP, Architecture
from gan.datasets import DataSet
from gan.estimation import Rng
from gan.games import Alternating, Game, SingleStep
from gan.image_networks import AutoencoderEnergy, DCGANCritic
from gan.lipschitz import GradientPenalty, LipschitzConstraint, SpectralNorm, WeightClipping
from gan.logs import Log
from gan.metrics import Yardstick
from gan.networks import GeneratorArchitecture
from gan.non_negative import NonNegative
from gan.objectives import Contest, donsker_varadhan, fgan, variational, wasserstein
from gan.optimizers import Adam, OptimizerChoice, RMSProp
from gan.pairwise_games import LossSensitive, relativistic
from gan.terms import Term
from gan.training import Settings, Trained, train

__all__ = ["PRESETS", "Preset"]

DCGAN_ADAM = Adam(2e-4, (0.5, 0.999))
"""Radford, Metz & Chintala (2016), section 4."""


@final
@dataclass(frozen=True)
class Preset:
    """A system of a paper.

    Parameters
    ----------
    objective : Contest
        What critic and generator compete for.
    source : str
        The paper, and where in it.
    constraint : LipschitzConstraint or None
        What keeps the critic Lipschitz, if anything does.
    game : Game
        How they step.
    critic : Architecture
        The critic for points; images have networks of their own.
    optimizer : OptimizerChoice
        Of both players.
    batch : int
        Points in a batch.

    Examples
    --------
    >>> import gan
    >>> preset = gan.PRESETS["wgan"]
    >>> preset.constraint, preset.game, preset.settings(steps=100).critic_optimizer
    (WeightClipping(limit=0.01), Alternating(critic_steps=5), RMSProp(learning_rate=5e-05, decay=0.99))
    """

    objective: Contest
    source: str
    constraint: LipschitzConstraint | None = None
    game: Game = field(default_factory=Alternating)
    critic: Architecture = field(default_factory=lambda: MLP(width=128))
    optimizer: OptimizerChoice = DCGAN_ADAM
    batch: int = 64

    def settings(self, **changes: float) -> Settings:
        """Settings with the optimizers and the batch of the paper.

        Parameters
        ----------
        **changes
            Fields of `gan.Settings` to set otherwise, such as `steps`.

        Returns
        -------
        Settings
            For `gan.train`.
        """
        ours = Settings(batch=self.batch, critic_optimizer=self.optimizer, generator_optimizer=self.optimizer)
        return replace(ours, **changes)  # type: ignore[arg-type]

    def train(
        self,
        data: DataSet,
        *,
        settings: Settings | None = None,
        generator: GeneratorArchitecture | Conditional | None = None,
        critic: Architecture | nn.Module | None = None,
        terms: Sequence[Term] = (),
        measure: Yardstick | None = None,
        rng: Rng = 0,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        log: Log | None = None,
        checkpoints: str | Path | None = None,
        progress: bool = False,
    ) -> Trained:
        """Train this system; `gan.train` with its settings.

        Parameters
        ----------
        data : DataSet
            What is real.
        settings : Settings, optional
            Those of `settings()` if not given.
        generator : GeneratorArchitecture or Conditional, optional
            The generator; a fully connected network if not given.
        critic : Architecture or torch.nn.Module, optional
            Another critic than the preset's, `DCGANCritic` for images.
        terms, measure, rng, device, dtype, log, checkpoints, progress
            As for `gan.train`.

        Returns
        -------
        Trained
            The networks and the history.

        Examples
        --------
        >>> import gan
        >>> from gan.datasets import ring
        >>> wgan = gan.PRESETS["wgan"]
        >>> wgan.train(ring(), settings=wgan.settings(steps=5, every=5)).step
        5
        """
        return train(
            self.objective,
            data,
            generator=generator,
            critic=critic or self.critic,
            constraint=self.constraint,
            game=self.game,
            terms=terms,
            settings=settings or self.settings(),
            measure=measure,
            rng=rng,
            device=device,
            dtype=dtype,
            log=log,
            checkpoints=checkpoints,
            progress=progress,
        )

    def on_images(self, channels: int = 32, shape: tuple[int, int, int] = (1, 8, 8)) -> "Preset":
        """The system with a critic for images: DCGAN's, as far as objective and constraint admit it.

        Layers of norm are batch norm as in DCGAN; layer norm under a gradient penalty, which is of each point by itself
        (Gulrajani et al., 2017, section 4); none where weights are clipped or normalised. Energies are those of an
        autoencoder.

        Parameters
        ----------
        channels : int
            Of the images behind the first convolution.
        shape : tuple of int
            Channels, height and width of the images.

        Returns
        -------
        Preset
            With everything else as it was.

        Examples
        --------
        >>> import gan
        >>> gan.PRESETS["hinge"].on_images(16).critic.width
        16
        """
        return replace(self, critic=self._image_critic(channels, shape))

    def _image_critic(self, channels: int, shape: tuple[int, int, int]) -> Architecture:
        if isinstance(self.objective, EnergyBased):
            return AutoencoderEnergy(width=4 * channels, depth=1, code=16)
        if isinstance(self.constraint, GradientPenalty):
            return DCGANCritic(shape, width=channels, norm=partial(nn.GroupNorm, 1))
        if self.constraint is not None:
            return DCGANCritic(shape, width=channels, norm=nn.Identity)
        critic = DCGANCritic(shape, width=channels)
        return NonNegative(critic) if isinstance(self.critic, NonNegative) else critic


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "gan": Preset(minimax, "Goodfellow et al. (2014), algorithm 1, k = 1"),
        "non-saturating": Preset(non_saturating, "Goodfellow et al. (2014), section 3"),
        "lsgan": Preset(least_squares, "Mao et al. (2017), equation 9"),
        "hinge": Preset(hinge, "Miyato et al. (2018), equations 16 and 17, without a constraint"),
        "ebgan": Preset(
            EnergyBased(margin=1.0),
            "Zhao, Mathieu & LeCun (2017), equations 1 and 2",
            critic=AutoencoderEnergy(code=1),
        ),
        "loss-sensitive": Preset(
            LossSensitive(), "Qi (2020), equations 6 and 7", critic=NonNegative(MLP(width=128))
        ),
        "relativistic": Preset(relativistic, "Jolicoeur-Martineau (2019), section 4.2"),
        "fgan-kl": Preset(fgan(dv.kl), "Nowozin, Cseke & Tomioka (2016), algorithm 1", game=SingleStep()),
        "fgan-reverse-kl": Preset(fgan(dv.reverse_kl), "Nowozin et al. (2016), table 2", game=SingleStep()),
        "fgan-js": Preset(variational(dv.js), "Nowozin et al. (2016), its double loop", game=Alternating(2)),
        "mine": Preset(donsker_varadhan, "Belghazi et al. (2018), equation 3"),
        "wgan": Preset(
            wasserstein,
            "Arjovsky, Chintala & Bottou (2017), algorithm 1",
            constraint=WeightClipping(limit=0.01),
            game=Alternating(critic_steps=5),
            optimizer=RMSProp(5e-5),
        ),
        "wgan-gp": Preset(
            wasserstein, "Gulrajani et al. (2017), algorithm 1", constraint=GradientPenalty(weight=10.0),
            game=Alternating(critic_steps=5), optimizer=Adam(1e-4, (0.0, 0.9)),
        ),
        "wgan-lp": Preset(
            wasserstein, "Petzka, Fischer & Lukovnikov (2018), equation 8",
            constraint=GradientPenalty(weight=10.0, one_sided=True),
            game=Alternating(critic_steps=5), optimizer=Adam(1e-4, (0.0, 0.9)),
        ),
        "sn-gan": Preset(
            hinge, "Miyato et al. (2018), equations 16 and 17, table 1 setting C", constraint=SpectralNorm(iterations=1),
            game=Alternating(critic_steps=1), optimizer=Adam(2e-4, (0.0, 0.9)),
        ),
    }
)  # fmt: skip
"""The systems of the lectures by name."""
