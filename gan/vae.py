r"""Variational autoencoder: encoder $q(z | x) = N(\mu(x), s(x)^2)$, prior N(0, 1), decoder $\hat x = g(z)$.

Its loss is $\frac1n \sum_i [\ell(x_i, \hat x_i) + \lambda\, KL(N(\mu_i, s_i^2) \| N(0, 1))]$ with
$\ell(x, \hat x) = \frac12 |x - \hat x|^2$, z drawn as $\mu + s \varepsilon$. Divided by $\lambda$ and completed by
$\frac d2 \log(2 \pi \lambda)$ it is an upper bound of the mean negative log-likelihood of the model
$x = g(z) + \sqrt\lambda\, \varepsilon'$: Kingma & Welling (2014), eq. 3 and appendix B.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gan.critics import Standardised
from gan.expectations import at_least
from gan.latents import NormalLatent
from gan.networks import fully_connected

__all__ = ["VAE", "Posterior", "VariationalAutoencoder", "normal_kl", "variational_loss"]


PRIOR = NormalLatent(2)
"""The default law of z."""


@final
@dataclass(frozen=True, eq=False)
class Posterior:
    r"""What the encoder says of z: independent normal coordinates.

    Parameters
    ----------
    mean : Tensor (n, k)
        $\mu$.
    log_deviation : Tensor (n, k)
        $\log s$.
    """

    mean: Tensor
    log_deviation: Tensor

    def draw(self, generator: torch.Generator) -> Tensor:
        r"""One z of each row, $\mu + s \varepsilon$, with the gradient of both."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype, device=self.mean.device)
        return self.mean + self.log_deviation.exp() * noise


def normal_kl(mean: Tensor, log_deviation: Tensor) -> Tensor:
    r"""The divergence $KL(N(\mu, \operatorname{diag} s^2) \| N(0, I)) = \frac12 \sum_j (\mu_j^2 + s_j^2 - 1 - 2 \log s_j)$.

    Parameters
    ----------
    mean : Tensor (..., k)
        $\mu$.
    log_deviation : Tensor (..., k)
        $\log s$.

    Returns
    -------
    Tensor (...)
        At least 0 up to rounding, and exactly 0 at $\mu = 0$, s = 1.

    Examples
    --------
    >>> import torch
    >>> from gan.vae import normal_kl
    >>> normal_kl(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]))
    tensor(0.5000)
    """
    # expm1: near s = 1 the terms s^2 - 1 and 2 log s agree in most digits, and neither loses those of its own
    return (mean.square() + torch.expm1(2 * log_deviation) - 2 * log_deviation).sum(-1) / 2


def variational_loss(x: Tensor, reconstruction: Tensor, posterior: Posterior, weight: float) -> Tensor:
    r"""The loss $\frac1n \sum_i [\frac12 |x_i - \hat x_i|^2 + \lambda\, KL_i]$ of a batch.

    Parameters
    ----------
    x, reconstruction : Tensor (n, d)
        Points and what the decoder makes of draws of their posterior.
    posterior : Posterior
        Of these points.
    weight : float
        $\lambda$.

    Returns
    -------
    Tensor ()
        The mean.
    """
    error = (x - reconstruction).square().sum(1) / 2
    return (error + weight * normal_kl(posterior.mean, posterior.log_deviation)).mean()


@final
@dataclass(frozen=True)
class VAE:
    r"""Fully connected encoder and decoder with ReLU, on standardised points.

    Parameters
    ----------
    latent : NormalLatent
        The prior of z.
    width, depth : int
        Units of a hidden layer of either half; number of hidden layers of either half.
    weight : float
        $\lambda > 0$: the variance, in standardised units, that the model leaves to what is not decoded.

    Examples
    --------
    >>> import torch
    >>> from gan.vae import VAE
    >>> rng = torch.Generator().manual_seed(0)
    >>> x = torch.randn(100, 2, generator=rng)
    >>> model = VAE(width=16).build(x, rng)
    >>> loss = model.loss(x, rng)
    >>> tuple(loss.shape), tuple(model(torch.zeros(3, 2)).shape)
    ((), (3, 2))
    """

    latent: NormalLatent = PRIOR
    width: int = 64
    depth: int = 2
    weight: float = 0.02

    def __post_init__(self) -> None:
        """Refuse networks without units, and weights that are not positive."""
        at_least(1, width=self.width, depth=self.depth)
        if not self.weight > 0:
            msg = f"expected weight > 0, got {self.weight!r}; without it the prior says nothing of the codes"
            raise ValueError(msg)

    def build(self, data: Tensor, generator: torch.Generator) -> "VariationalAutoencoder":
        """Make the network for points (n, d), which set scale, dtype and device."""
        d, k, hidden = data.shape[1], self.latent.size, [self.width] * self.depth
        encoder = fully_connected([d, *hidden, 2 * k], nn.ReLU, data, generator)
        decoder = fully_connected([k, *hidden, d], nn.ReLU, data, generator)
        return VariationalAutoencoder(encoder, decoder, Standardised(nn.Identity(), data, data, None), self.weight)


@final
class VariationalAutoencoder(nn.Module):
    r"""Encoder, decoder and their loss; called on latent rows it is the generator g.

    Parameters
    ----------
    encoder : torch.nn.Module
        Takes standardised points (n, d) to means and log-deviations (n, 2 k).
    decoder : torch.nn.Module
        Takes latent rows (n, k) to standardised points.
    frame : Standardised
        Centre and spread of the points.
    weight : float
        $\lambda$.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, frame: Standardised, weight: float) -> None:
        super().__init__()
        self.encoder, self.decoder, self.frame = encoder, decoder, frame
        self.weight = weight

    def posterior(self, x: Tensor) -> Posterior:
        """What the encoder says of the z of points (n, d)."""
        return Posterior(*self.encoder(self.frame.standard(x)).chunk(2, dim=1))

    def forward(self, z: Tensor) -> Tensor:
        """Points (n, d) of latent rows (n, k)."""
        points: Tensor = self.decoder(z)
        return self.frame.get_buffer("centre") + self.frame.get_buffer("spread") * points

    def loss(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of a batch (n, d) in standardised units, one draw of z for each point."""
        posterior = self.posterior(x)
        return variational_loss(self.frame.standard(x), self.decoder(posterior.draw(generator)), posterior, self.weight)
