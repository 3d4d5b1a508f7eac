r"""Labels and codes: generators of a given class, and InfoGAN's posterior of the codes that a point was made from.

A conditional generator takes $(z, y) \mapsto x$. Critics see rows $(x, e_y)$ of points with the one-hot row of their
label behind them, so that every objective and every constraint holds on the product space as it stands.
"""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gan.expectations import at_least
from gan.latents import CodedLatent, Latent
from gan.networks import GeneratorArchitecture, fully_connected

__all__ = ["CodeHead", "CodePosterior", "Conditional", "ConditionalGenerator", "with_labels"]


@final
@dataclass(frozen=True)
class Conditional:
    r"""A generator of points of a given class, $G(z, y)$: the one-hot row of the label is appended to z.

    Mirza & Osindero (2014), eq. 2.

    Parameters
    ----------
    architecture : GeneratorArchitecture
        The network; it is built with as many further inputs as there are classes.
    classes : int
        Number of classes.

    Examples
    --------
    >>> import torch
    >>> from gan.conditional import Conditional
    >>> from gan.networks import GeneratorMLP
    >>> rng = torch.Generator().manual_seed(0)
    >>> network = Conditional(GeneratorMLP(width=16), classes=3).build(torch.randn(9, 2, generator=rng), rng)
    >>> tuple(network(torch.randn(4, 8, generator=rng), torch.tensor([0, 1, 2, 2])).shape)
    (4, 2)
    """

    architecture: GeneratorArchitecture
    classes: int

    def __post_init__(self) -> None:
        """Refuse labels of no class."""
        at_least(1, classes=self.classes)

    @property
    def latent(self) -> Latent:
        """The law of z."""
        return self.architecture.latent

    def build(self, data: Tensor, generator: torch.Generator) -> "ConditionalGenerator":
        """Make the generator of points like `data` (n, d), which come without labels here."""
        network = self.architecture.network(self.latent.size + self.classes, data, generator)
        return ConditionalGenerator(network, self.classes)


@final
class ConditionalGenerator(nn.Module):
    """The map from latent rows (n, k) and labels (n,) to points (n, d).

    Parameters
    ----------
    network : torch.nn.Module
        Takes rows (n, k + classes) to points.
    classes : int
        Number of classes.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network = network
        self.classes = classes

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Points of the classes asked for."""
        points: Tensor = self.network(with_labels(z, labels, self.classes))
        return points


def with_labels(rows: Tensor, labels: Tensor, classes: int) -> Tensor:
    r"""Rows with the one-hot row of their label appended: $(x, e_y)$.

    Parameters
    ----------
    rows : Tensor (n, d)
        Points, or latent rows.
    labels : Tensor of int (n,)
        Their labels in 0, ..., classes - 1.
    classes : int
        Number of classes.

    Returns
    -------
    Tensor (n, d + classes)
        In the dtype of `rows`.

    Raises
    ------
    ValueError
        If there is not one label per row, or one is out of range.

    Examples
    --------
    >>> import torch
    >>> from gan.conditional import with_labels
    >>> with_labels(torch.tensor([[0.5], [0.25]]), torch.tensor([1, 0]), 2)
    tensor([[0.5000, 0.0000, 1.0000],
            [0.2500, 1.0000, 0.0000]])
    """
    if labels.shape != rows.shape[:1] or labels.is_floating_point():
        msg = f"expected one integer label per row, shape ({len(rows)},), got {tuple(labels.shape)} of {labels.dtype}"
        raise ValueError(msg)
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        msg = f"expected labels in 0, ..., {classes - 1}, got {int(labels.min())} to {int(labels.max())}"
        raise ValueError(msg)
    return torch.cat([rows, one_hot(labels.long(), classes).to(rows.dtype)], dim=1)


@final
@dataclass(frozen=True)
class CodeHead:
    r"""InfoGAN's posterior $Q(c | x)$ on features of a critic: softmax for each categorical code, normal for the others.

    Chen et al. (2016), section 6 and appendix C.1.

    Parameters
    ----------
    latent : CodedLatent
        The codes.
    width : int
        Units of its one hidden layer.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng, latent = torch.Generator().manual_seed(0), gan.CodedLatent(noise=2, categories=(3,), continuous=1)
    >>> features = torch.eye(4)
    >>> posterior = gan.CodeHead(latent, width=8).build(features, rng)
    >>> tuple(posterior.log_density(features, latent.codes(latent.draw(4, features, rng))).shape)
    (4,)
    """

    latent: CodedLatent
    width: int = 64

    def __post_init__(self) -> None:
        """Refuse a head without units."""
        at_least(1, width=self.width)

    def build(self, features: Tensor, generator: torch.Generator) -> "CodePosterior":
        """Make the head for features (n, k), which set size, dtype and device."""
        outputs = sum(self.latent.categories) + 2 * self.latent.continuous
        sizes = [features.shape[1], self.width, outputs]
        layers = fully_connected(sizes, lambda: nn.LeakyReLU(0.2), features, generator)
        return CodePosterior(layers, self.latent)


@final
class CodePosterior(nn.Module):
    r"""A conditional law of codes, $\log Q(c | x) = \sum_i \log \pi_{i, c_i}(x) + \sum_j \log N(c_j; \mu_j(x), s_j(x)^2)$.

    Parameters
    ----------
    network : torch.nn.Module
        Takes features (n, k) to logits of the categorical codes, means and log-variances of the continuous ones.
    latent : CodedLatent
        The codes.
    """

    def __init__(self, network: nn.Module, latent: CodedLatent) -> None:
        super().__init__()
        self.network = network
        self.latent = latent

    def forward(self, features: Tensor) -> Tensor:
        """Logits, means and log-variances in one row."""
        out: Tensor = self.network(features)
        return out

    def log_density(self, features: Tensor, codes: Tensor) -> Tensor:
        r"""The values $\log Q(c | x)$, (n,), a density in the continuous codes.

        Parameters
        ----------
        features : Tensor (n, k)
            Of the points x.
        codes : Tensor (n, code_size)
            Codes as `CodedLatent.codes` gives them.

        Returns
        -------
        Tensor (n,)
            In nats.
        """
        kinds, k = list(self.latent.categories), self.latent.continuous
        *logits, mean, log_variance = torch.split(self(features), [*kinds, k, k], dim=1)
        *chosen, numbers = torch.split(codes, [*kinds, k], dim=1)
        total = features.new_zeros(len(features))
        for score, choice in zip(logits, chosen, strict=True):
            total = total + (choice * score.log_softmax(1)).sum(1)
        square = (numbers - mean).square() * (-log_variance).exp()
        density: Tensor = total - (square + log_variance + math.log(2 * math.pi)).sum(1) / 2
        return density
