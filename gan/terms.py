r"""Further losses of a critic and a generator, which are added to any objective.

A term is a frozen value. `attach` gives the critic what the term needs, once, before training; `critic_loss` and
`generator_loss` are what the two players minimise beside the objective, each 0 unless the term says otherwise:

- `FeatureMatching`: the generator meets the means of the critic's features, $|\mathbb E f(x) - \mathbb E f(G(z))|^2$;
- `PullingAway`: the generator's points are to have features in different directions, $\mathbb E \cos^2(f(y), f(y'))$ is small;
- `MutualInformation`: both players keep the codes legible, $I(c; G(z, c)) \ge \mathbb E[\log Q(c | x)] + H(c)$.

Conditional training needs none: points with their label behind them (`with_labels`) are points of the product space, on
which every objective holds as it stands.
"""

from abc import ABC
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn

from gan.conditional import CodeHead, CodePosterior
from gan.expectations import at_least

__all__ = [
    "CodedCritic",
    "Context",
    "FeatureMatching",
    "MutualInformation",
    "PullingAway",
    "ShowsFeatures",
    "Term",
    "critic_features",
    "information_bound",
]


@runtime_checkable
class ShowsFeatures(Protocol):
    """A critic that shows what its last layer sees."""

    def features(self, x: Tensor) -> Tensor:
        """Features (n, k) at points (n, d)."""


def critic_features(critic: nn.Module, x: Tensor) -> Tensor:
    """What the last layer of a critic sees.

    Parameters
    ----------
    critic : torch.nn.Module
        A critic with a method ``features``.
    x : Tensor (n, d)
        Points.

    Returns
    -------
    Tensor (n, k)
        Their features.

    Raises
    ------
    TypeError
        If the critic has no such method.
    """
    if not isinstance(critic, ShowsFeatures):
        msg = (
            f"expected a critic with a method features(x), got {type(critic).__name__}; "
            "take FeatureMLP, DCGANCritic or AutoencoderEnergy"
        )
        raise TypeError(msg)
    return critic.features(x)


@final
@dataclass(frozen=True, eq=False)
class Context:
    """What a step of training has at hand.

    Parameters
    ----------
    generator, critic : torch.nn.Module
        The two networks, as they are.
    real : Tensor (n, d)
        Points of the data.
    fake : Tensor (m, d)
        Generated points, with their gradient where the generator learns.
    latent : Tensor (m, k)
        What they were generated from, codes included.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x, y = torch.Generator().manual_seed(0), torch.eye(2), torch.zeros(3, 2)
    >>> critic = gan.FeatureMLP(width=8).build(x, y, rng, unit=1.0)
    >>> context = gan.Context(torch.nn.Identity(), critic, real=x, fake=y, latent=y)
    >>> tuple(context.real_features.shape), tuple(context.fake_features.shape)
    ((2, 8), (3, 8))
    """

    generator: nn.Module
    critic: nn.Module
    real: Tensor
    fake: Tensor
    latent: Tensor

    @cached_property
    def real_features(self) -> Tensor:
        """Features of the data, computed once for all terms."""
        return critic_features(self.critic, self.real)

    @cached_property
    def fake_features(self) -> Tensor:
        """Features of the generated points, computed once for all terms."""
        return critic_features(self.critic, self.fake)


class Term(ABC):  # noqa: B024  (each method has a default that is right for some term)
    """A loss beside the objective.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> class Close(gan.Term):
    ...     def generator_loss(self, context):
    ...         return (context.fake - context.real.mean(0)).square().mean()
    >>> context = gan.Context(torch.nn.Identity(), gan.MLP(), real=torch.zeros(2, 1), fake=torch.ones(3, 1), latent=torch.ones(3, 1))
    >>> Close().generator_loss(context).item(), Close().critic_loss(context).item()
    (1.0, 0.0)
    """

    def attach(self, critic: nn.Module, x: Tensor, generator: torch.Generator) -> nn.Module:
        """Critic with what the term needs, its parameters trained with those of the critic; else the critic itself.

        Parameters
        ----------
        critic : torch.nn.Module
            A critic, under its Lipschitz constraint if it has one.
        x : Tensor (n, d)
            Points of the data.
        generator : torch.Generator
            Randomness of new weights.

        Returns
        -------
        torch.nn.Module
            A critic (n, d) -> (n,).
        """
        del x, generator
        return critic

    def critic_loss(self, context: Context) -> Tensor:
        """What the critic minimises beside minus the objective."""
        return context.real.new_zeros(())

    def generator_loss(self, context: Context) -> Tensor:
        """What the generator minimises beside its own loss."""
        return context.real.new_zeros(())


@final
@dataclass(frozen=True)
class FeatureMatching(Term):
    r"""The generator minimises $w\,|\mathbb E_P f(x) - \mathbb E_Q f(y)|^2$ for the features f of the critic.

    Salimans et al. (2016), section 3.1, where it replaces the loss of the generator; here it stands beside it. It is the
    squared maximum mean discrepancy under the kernel $f(x) \cdot f(y)$.

    Parameters
    ----------
    weight : float
        The factor w.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(2)
    >>> critic = gan.FeatureMLP(width=8).build(x, x, rng, unit=1.0)
    >>> same, other = (gan.Context(torch.nn.Identity(), critic, x, y, y) for y in (x, x + 1))
    >>> gan.FeatureMatching().generator_loss(same).item(), gan.FeatureMatching().generator_loss(other).item() > 0
    (0.0, True)
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a reward for features that differ."""
        at_least(0, weight=self.weight)

    def generator_loss(self, context: Context) -> Tensor:
        """Squared distance of the mean features."""
        difference = context.real_features.mean(0) - context.fake_features.mean(0)
        return self.weight * difference.square().sum()


@final
@dataclass(frozen=True)
class PullingAway(Term):
    r"""The generator minimises $w\,\mathbb E \cos^2(f(y), f(y'))$ over pairs of its points: they are to differ.

    Zhao, Mathieu & LeCun (2017), section 2.4, who take for the features f the code of the autoencoder. Between 0, features at
    right angles, and w, features on one line, as they are when the generator makes a single point. Features 0 are at right
    angles to all others.

    Parameters
    ----------
    weight : float
        The factor w.

    Examples
    --------
    Of points that are all the same the loss is the weight:

    >>> import torch
    >>> import gan
    >>> rng, x, y = torch.Generator().manual_seed(0), torch.eye(2), torch.ones(3, 2)
    >>> critic = gan.FeatureMLP(width=8).build(x, y, rng, unit=1.0)
    >>> context = gan.Context(torch.nn.Identity(), critic, real=x, fake=y, latent=y)
    >>> round(gan.PullingAway(weight=0.5).generator_loss(context).item(), 4)
    0.5
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a reward for points that are alike."""
        at_least(0, weight=self.weight)

    def generator_loss(self, context: Context) -> Tensor:
        """Mean squared cosine over pairs of different points."""
        n = len(context.fake)
        at_least(2, batch=n)  # a pair
        directions = nn.functional.normalize(context.fake_features, dim=1)
        squares = (directions @ directions.T).square()
        return self.weight * (squares.sum() - squares.trace()) / (n * (n - 1))


@final
@dataclass(frozen=True)
class MutualInformation(Term):
    r"""Critic and generator maximise $w\,(\mathbb E[\log Q(c | x)] + H(c)) \le w\,I(c; x)$ with a trained posterior Q.

    Barber & Agakov (2003); Chen et al. (2016), equations 4 to 6. The gap is $\mathbb E_x\,KL(P(c|x) \| Q(c|x))$. The
    posterior looks at the features of the critic and is trained with it.

    Parameters
    ----------
    head : CodeHead
        The posterior, which knows where the codes are in the latent variable.
    weight : float
        The factor w.

    Examples
    --------
    >>> import torch
    >>> from gan.conditional import CodeHead
    >>> from gan.latents import CodedLatent
    >>> from gan.networks import FeatureMLP
    >>> from gan.terms import Context, MutualInformation
    >>> rng, x = torch.Generator().manual_seed(0), torch.eye(2)
    >>> latent = CodedLatent(noise=0, categories=(2,))
    >>> term = MutualInformation(CodeHead(latent))
    >>> critic = term.attach(FeatureMLP(width=8).build(x, x, rng, unit=1.0), x, rng)
    >>> z = latent.draw(100, x, rng)
    >>> bound = -term.generator_loss(Context(torch.nn.Identity(), critic, real=x, fake=z, latent=z))
    >>> bool(bound <= latent.entropy)
    True
    """

    head: CodeHead
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a reward for codes that are lost."""
        at_least(0, weight=self.weight)

    def attach(self, critic: nn.Module, x: Tensor, generator: torch.Generator) -> nn.Module:
        """Critic with the posterior beside it; one that has it already is returned as it is."""
        if isinstance(critic, CodedCritic):
            return critic
        return CodedCritic(critic, self.head.build(probed_features(critic, x), generator))

    def critic_loss(self, context: Context) -> Tensor:
        """Minus the bound, which trains the posterior and the features that it looks at."""
        return self._loss(context)

    def generator_loss(self, context: Context) -> Tensor:
        """Minus the bound."""
        return self._loss(context)

    def _loss(self, context: Context) -> Tensor:
        if not isinstance(context.critic, CodedCritic):
            msg = (
                f"expected a critic with a posterior of the codes, got {type(context.critic).__name__}; attach the term"
            )
            raise TypeError(msg)
        codes = self.head.latent.codes(context.latent)
        bound = information_bound(context.critic.posterior, context.fake_features, codes)
        return -self.weight * bound


def information_bound(posterior: CodePosterior, features: Tensor, codes: Tensor) -> Tensor:
    r"""The mean of $\log Q(c | x)$ plus the entropy of the codes: at most $I(c; x)$ under the law of the pairs.

    Parameters
    ----------
    posterior : CodePosterior
        The conditional law Q.
    features : Tensor (n, k)
        Features of points x.
    codes : Tensor (n, code_size)
        The code that each was generated from.

    Returns
    -------
    Tensor ()
        In nats.
    """
    return posterior.log_density(features, codes).mean() + posterior.latent.entropy


@final
class CodedCritic(nn.Module):
    """A critic with a posterior of the codes on its features.

    Parameters
    ----------
    critic : torch.nn.Module
        A critic that shows its features.
    posterior : CodePosterior
        The conditional law of the codes.
    """

    def __init__(self, critic: nn.Module, posterior: CodePosterior) -> None:
        super().__init__()
        self.critic = critic
        self.posterior = posterior

    def forward(self, x: Tensor) -> Tensor:
        """Values (n,) at points (n, d), those of the critic."""
        values: Tensor = self.critic(x)
        return values

    def features(self, x: Tensor) -> Tensor:
        """Features of the critic."""
        return critic_features(self.critic, x)


def probed_features(critic: nn.Module, x: Tensor) -> Tensor:
    """Features at a few points, for their number, dtype and device: in evaluation mode, so that no statistics move."""
    learning = [part for part in critic.modules() if part.training]
    critic.eval()
    try:
        with torch.no_grad():
            return critic_features(critic, x[:2])
    finally:
        for part in learning:
            part.training = True
