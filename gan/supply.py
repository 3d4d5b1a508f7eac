"""What a step of GAN training is fed with: real rows, latent rows, and the points that a generator makes of them.

With labels, rows are points with the one-hot row of their label behind them, real and generated alike. Where several
processes train together all of them draw the same joint batch and keep a share of it, so that their mean gradient is that
of one process.
"""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from gan.conditional import ConditionalGenerator, with_labels
from gan.datasets import DataSet, Labelled
from gan.latents import Latent
from gan.shares import Share
from gan.sources import Sampler

__all__ = ["Supply"]


@final
class Supply:
    """Batches for the players of one training.

    Parameters
    ----------
    data : DataSet
        What is real.
    pool : int
        Number of points drawn from it once, which batches are drawn from with replacement.
    latent : Latent
        The law of the generator's input.
    conditional : bool
        Whether rows carry labels.
    like : Tensor
        Has the dtype and the device of the training.
    generator : torch.Generator
        Randomness of the batches, on that device.
    draws : torch.Generator
        Randomness of the pool, on the CPU.
    share : Share
        The part of each batch that is kept.
    """

    def __init__(
        self,
        data: DataSet,
        *,
        pool: int,
        latent: Latent,
        conditional: bool,
        like: Tensor,
        generator: torch.Generator,
        draws: torch.Generator,
        share: Share,
    ) -> None:
        stock = data.stock if len(data.stock.labels) else data.draw(pool, draws)
        self.points = stock.points.to(like.device, like.dtype)
        self.labels = stock.labels.to(like.device)
        self.classes, self.latent, self.conditional = data.classes, latent, conditional
        self.like, self.generator, self.share = like, generator, share
        self._unlabelled = torch.zeros((), dtype=torch.long, device=like.device)
        self.rows = with_labels(self.points, self.labels, self.classes) if conditional else self.points

    def real(self, n: int) -> Tensor:
        """Real rows, this process's share of a batch of n.

        Parameters
        ----------
        n : int
            Size of the joint batch.

        Returns
        -------
        Tensor
            Rows, drawn with replacement.
        """
        index = torch.randint(len(self.rows), (n,), generator=self.generator, device=self.like.device)
        return self.rows[self.share.of(index)]

    def input(self, n: int) -> Labelled:
        """Latent rows and labels, this process's share of a batch of n.

        Parameters
        ----------
        n : int
            Size of the joint batch.

        Returns
        -------
        Labelled
            Latent rows as points; labels as frequent as they are in the pool, all 0 where rows carry none.
        """
        z = self.latent.draw(n, self.like, self.generator)
        if not self.conditional:
            z = self.share.of(z)
            return Labelled(z, self._unlabelled.expand(len(z)))
        index = torch.randint(len(self.labels), (n,), generator=self.generator, device=self.like.device)
        return Labelled(self.share.of(z), self.labels[self.share.of(index)])

    def made(self, network: Callable[..., Tensor], given: Labelled) -> Tensor:
        """Generated rows.

        Parameters
        ----------
        network : callable
            The generator.
        given : Labelled
            What `input` returned.

        Returns
        -------
        Tensor
            Points, with their labels where rows carry them.
        """
        if not self.conditional:
            return network(given.points)
        return with_labels(network(given.points, given.labels), given.labels, self.classes)

    def generated(self, network: nn.Module) -> Sampler:
        """Points of a generator without labels, drawn with a generator on the CPU, for measuring.

        Parameters
        ----------
        network : torch.nn.Module
            The generator; it is evaluated as it is in evaluation mode.

        Returns
        -------
        Sampler
            Its draws.
        """
        d = self.points.shape[1]

        def draw(n: int, generator: torch.Generator) -> Tensor:
            z = self.latent.draw(n, self.like.cpu(), generator).to(self.like.device)
            mode = network.training
            network.eval()
            with torch.no_grad():
                if isinstance(network, ConditionalGenerator):
                    index = torch.randint(len(self.labels), (n,), generator=generator)
                    points = network(z, self.labels[index.to(self.like.device)])
                else:
                    points = network(z)
            network.train(mode)
            made: Tensor = points.cpu()
            return made

        return Sampler(draw, d, "generated points")
