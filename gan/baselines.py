r"""Generative models without a game, behind one interface: kernel densities, Gaussian mixtures by E-M, and the VAE.

A baseline is fitted to a sample (n, d) and gives a `Sampler`, so that the measure of all of them is the same: exact W1
between its draws and fresh points of the data.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor

from divergences._extras import require
from gan.expectations import at_least
from gan.fitting import minimise
from gan.networks import pushforward
from gan.sources import Sampler, stock
from gan.vae import VAE

__all__ = ["Baseline", "Epanechnikov", "Gaussian", "KernelDensity", "MixtureEM", "TrainedVAE"]


class Baseline(ABC):
    """A model that can be fitted to a sample."""

    @abstractmethod
    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Fit the model.

        Parameters
        ----------
        points : Tensor (n, d)
            The sample.
        generator : torch.Generator
            Randomness of the fit, on the CPU.

        Returns
        -------
        Sampler
            Independent draws of the fitted model.
        """


class Kernel(ABC):
    """A probability density on R^d, symmetric about 0."""

    name: str
    """As scikit-learn calls it."""

    @abstractmethod
    def draw(self, n: int, d: int, generator: torch.Generator) -> Tensor:
        """Independent points (n, d) of bandwidth 1."""

    @abstractmethod
    def deviation(self, d: int) -> float:
        """Standard deviation of each coordinate at bandwidth 1."""


@final
@dataclass(frozen=True)
class Gaussian(Kernel):
    r"""The kernel $(2 \pi)^{-d/2} e^{-|x|^2 / 2}$."""

    name: str = field(default="gaussian", init=False)

    def draw(self, n: int, d: int, generator: torch.Generator) -> Tensor:
        """Independent points (n, d) of bandwidth 1."""
        return torch.randn(n, d, generator=generator, dtype=torch.float64)

    def deviation(self, d: int) -> float:
        """Standard deviation of each coordinate at bandwidth 1."""
        return 1.0


@final
@dataclass(frozen=True)
class Epanechnikov(Kernel):
    r"""The kernel proportional to $1 - |x|^2$ on the unit ball, of least mean squared error: Epanechnikov (1969).

    It is the projection to d coordinates of the uniform distribution on the ball of dimension d + 2, whose fibre over x is
    a disc of area $\pi (1 - |x|^2)$; thus it is drawn, and thus $\mathbb E x_i^2 = 1 / (d + 4)$.
    """

    name: str = field(default="epanechnikov", init=False)

    def draw(self, n: int, d: int, generator: torch.Generator) -> Tensor:
        """Independent points (n, d) of bandwidth 1."""
        direction = torch.randn(n, d + 2, generator=generator, dtype=torch.float64)
        radius = torch.rand(n, 1, generator=generator, dtype=torch.float64).pow(1 / (d + 2))
        ball: Tensor = radius * direction / torch.linalg.vector_norm(direction, dim=1, keepdim=True)
        return ball[:, :d]

    def deviation(self, d: int) -> float:
        """Standard deviation of each coordinate at bandwidth 1."""
        return 1 / math.sqrt(d + 4)


@final
@dataclass(frozen=True)
class KernelDensity(Baseline):
    r"""Kernel density estimate $\frac1n \sum_i h^{-d} K((x - x_i) / h)$: a point of the sample, moved by the kernel.

    Parameters
    ----------
    kernel : Kernel
        ``Gaussian()`` or ``Epanechnikov()``.
    bandwidth : float or None
        $h > 0$; None for Scott's rule, by which the kernel has the deviation $s\, n^{-1/(d + 4)}$ in each coordinate, s the
        root mean square of the coordinates' deviations. It suits one mode, and is too wide for many.

    Examples
    --------
    >>> import torch
    >>> from gan.baselines import Epanechnikov, KernelDensity
    >>> rng = torch.Generator().manual_seed(0)
    >>> model = KernelDensity(Epanechnikov(), bandwidth=0.5).fit(torch.zeros(10, 2), rng)
    >>> bool(torch.linalg.vector_norm(model(100, rng), dim=1).max() <= 0.5)
    True
    """

    kernel: Kernel = field(default_factory=Gaussian)
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        """Refuse bandwidths that are not positive."""
        if self.bandwidth is not None and not 0 < self.bandwidth < math.inf:
            msg = f"expected a finite bandwidth > 0, or None for Scott's rule, got {self.bandwidth!r}"
            raise ValueError(msg)

    def width(self, points: Tensor) -> float:
        """The bandwidth for a sample (n, d); refused by Scott's rule if all of its points are the same."""
        if self.bandwidth is not None:
            return self.bandwidth
        n, d = points.shape
        spread = float(points.double().var(0, correction=0).mean().sqrt())
        if not spread:
            msg = f"expected points that are not all the same for Scott's rule, got {n} copies; set bandwidth"
            raise ValueError(msg)
        return float(spread * n ** (-1 / (d + 4)) / self.kernel.deviation(d))

    def estimator(self, points: Tensor) -> Any:
        """The fitted ``sklearn.neighbors.KernelDensity``, whose ``score_samples`` are log-densities.

        Parameters
        ----------
        points : Tensor (n, d)
            The sample.

        Returns
        -------
        sklearn.neighbors.KernelDensity
            Fitted to it.

        Raises
        ------
        ModuleNotFoundError
            If scikit-learn is not installed.
        """
        require("sklearn", "estimators", "a kernel density")
        from sklearn import neighbors

        return neighbors.KernelDensity(kernel=self.kernel.name, bandwidth=self.width(points)).fit(
            points.numpy(force=True)
        )

    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Draws of the estimate; nothing in the fit is random."""
        x = stock("points", points.numpy(force=True))
        n, d = x.shape
        h = self.width(x)

        def draw(size: int, rng: torch.Generator) -> Tensor:
            return x[torch.randint(n, (size,), generator=rng)] + h * self.kernel.draw(size, d, rng)

        return Sampler(draw, d, f"{self.kernel.name} kernel density")


@final
@dataclass(frozen=True)
class MixtureEM(Baseline):
    r"""A mixture of Gaussians with full covariances, fitted by expectation-maximisation: Dempster, Laird & Rubin (1977).

    Parameters
    ----------
    components : int
        Their number.
    starts : int
        Number of starts, by k-means; the fit of the largest likelihood is taken.

    Examples
    --------
    >>> import torch
    >>> from gan.baselines import MixtureEM
    >>> rng = torch.Generator().manual_seed(0)
    >>> model = MixtureEM(components=2).fit(torch.randn(200, 1, generator=rng), rng)
    >>> tuple(model(5, rng).shape)
    (5, 1)
    """

    components: int = 8
    starts: int = 3

    def __post_init__(self) -> None:
        """Refuse mixtures of nothing."""
        at_least(1, components=self.components, starts=self.starts)

    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Fit by scikit-learn, which warns where it has not converged."""
        require("sklearn", "estimators", "a mixture of Gaussians")
        from sklearn.mixture import GaussianMixture

        x = stock("points", points.numpy(force=True))
        seed = int(torch.randint(2**31, (1,), generator=generator))
        fitted = GaussianMixture(self.components, n_init=self.starts, max_iter=1000, random_state=seed).fit(x.numpy())
        weights, means, covariances = map(torch.as_tensor, (fitted.weights_, fitted.means_, fitted.covariances_))
        roots = torch.linalg.cholesky(covariances)

        def draw(size: int, rng: torch.Generator) -> Tensor:
            of = torch.multinomial(weights, size, replacement=True, generator=rng)
            noise = torch.randn(size, x.shape[1], 1, generator=rng, dtype=torch.float64)
            moved: Tensor = means[of] + (roots[of] @ noise).squeeze(2)
            return moved

        return Sampler(draw, x.shape[1], f"mixture of {self.components} by E-M")


@final
@dataclass(frozen=True)
class TrainedVAE(Baseline):
    r"""The pushforward $g_\# N(0, 1)$ of a variational autoencoder's decoder, trained by Adam.

    Parameters
    ----------
    architecture : VAE
        The networks and the weight of the divergence in the loss.
    steps, batch : int
        Number of steps; points of each, drawn from the sample with replacement.
    learning_rate : float
        Step size of Adam, falling to 0 along a cosine.

    Examples
    --------
    >>> import torch
    >>> import gan
    >>> rng = torch.Generator().manual_seed(0)
    >>> points = torch.randn(200, 2, generator=rng)
    >>> model = gan.TrainedVAE(gan.VAE(width=8), steps=20).fit(points, rng)
    >>> tuple(model(5, rng).shape)
    (5, 2)
    """

    architecture: VAE = field(default_factory=VAE)
    steps: int = 3000
    batch: int = 128
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        """Refuse trainings of no length."""
        at_least(1, steps=self.steps, batch=self.batch)
        at_least(0, learning_rate=self.learning_rate)

    def fit(self, points: Tensor, generator: torch.Generator) -> Sampler:
        """Train on the sample, in its dtype; a loss that is not finite is a TrainingError."""
        model = self.architecture.build(points, generator)

        def loss() -> Tensor:
            batch = points[torch.randint(len(points), (self.batch,), generator=generator)]
            return model.loss(batch, generator)

        minimise(model.parameters(), loss, steps=self.steps, learning_rate=self.learning_rate)
        return pushforward(model, self.architecture.latent, points.shape[1], "variational autoencoder")
