r"""Spectral norms of weight matrices: a bound that is proven, and the maps that keep the norm at most 1.

The norm $\sigma(W) = \max_x |Wx| / |x|$ is the Lipschitz constant of a linear layer. A power iteration approaches it
from below, which proves nothing; `spectral_bound` is never below it. That of a convolution is not the norm of its
weights as a matrix: `convolution_bound` says how much larger it can be. The maps are torch parametrizations of a weight,
functions of matrices without random numbers, so that they also run on stacks of weights under `torch.func.vmap`.
"""

import math
from abc import ABC, abstractmethod
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from gan.expectations import Floats

__all__ = [
    "AlmostOrthogonalMap",
    "BjorckMap",
    "CayleyMap",
    "Certified",
    "SpectralMap",
    "convolution_bound",
    "spectral_bound",
]

U = float(np.finfo(np.float64).eps) / 2
"""Unit roundoff of float64."""

TINY = float(np.finfo(np.float64).tiny)
"""Largest error of an operation that underflows."""

SETTLING = 15
"""Steps of the power iteration before the first call."""


def spectral_bound(weight: Tensor) -> float:
    r"""A proven upper bound of the spectral norm of a matrix, some $10^{-14}$ above it.

    For any V with $e = |I - V^\top V| < 1$, each x is some Vy with $|x|^2 \ge (1 - e) |y|^2$, hence

    $$\sigma(W) \le \frac{\sigma(WV)}{\sqrt{1 - e}}, \qquad
    \sigma(B)^2 \le \max_i \sum_j |B^\top B|_{ij}.$$

    The second is Gershgorin's theorem; with the computed eigenvectors of $W^\top W$ for V both are tight. The rounding
    of each product is bounded a priori (Higham 2002, section 3.5) and added.

    Parameters
    ----------
    weight : Tensor (m, n)
        Finite numbers of any floating type on any device; they are taken as they are, without rounding.

    Returns
    -------
    float
        A number that is not below the norm; ``inf`` where that is beyond the range of doubles.

    Raises
    ------
    ValueError
        If the weight is no matrix, or not finite.

    Examples
    --------
    >>> import torch
    >>> from gan.spectral import spectral_bound
    >>> 5.0 <= spectral_bound(torch.tensor([[3.0, 0.0], [4.0, 0.0]])) <= 5.0 * (1 + 1e-14)
    True
    """
    matrix: Floats = weight.detach().cpu().double().numpy()
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        msg = f"expected a matrix of finite numbers, got shape {tuple(matrix.shape)} with {matrix}; train it anew"
        raise ValueError(msg)
    largest = float(np.abs(matrix).max(initial=0.0))
    if largest == 0:
        return 0.0
    exponent = math.frexp(largest)[1]
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    bound = _bound(np.ldexp(tall, -exponent)) + tall.size * TINY  # entries that underflow are lost in the scaling
    try:
        return math.nextafter(math.ldexp(math.nextafter(bound, math.inf), exponent), math.inf)
    except OverflowError:
        return math.inf


def _bound(w: Floats) -> float:
    """The bound for a tall matrix with entries up to 1."""
    n = w.shape[1]
    plain = _up(math.sqrt(float(np.square(w).sum()) + w.size * TINY), w.size)  # Frobenius, whatever V is
    v = np.linalg.eigh(w.T @ w)[1]
    gram, lost = _product(v.T, v)
    defect = _up(_rows(np.abs(gram - np.eye(n)) * (1 + 4 * U) + lost), n)
    if not defect < 1:
        return plain
    b, slip = _product(w, v)
    square, more = _product(b.T, b)
    top = _up(math.sqrt(_up(_rows(np.abs(square) + more), n)), 1)
    moved = _up(math.sqrt(_up(_rows(slip) * _rows(slip.T), sum(w.shape))), 1)  # norm of what rounding moved WV by
    return min(plain, _up((top + moved) / math.sqrt(1 - defect), 4))


def _rows(a: Floats) -> float:
    """Largest sum of a row of non-negative numbers: an upper bound of the spectral norm if the matrix is symmetric."""
    return float(a.sum(1).max())


def _up(x: float, terms: int) -> float:
    """A number that is not below what a sum of so many non-negative terms would be without rounding."""
    return x * (1 + 2 * (terms + 4) * U)


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    r"""The product of two matrices and a bound of its error, entry by entry, that hardly grows with their size.

    Both are split on a grid, $a = a_1 + a_2$ without rounding, so coarse that every sum of the product $a_1 b_1$ is an
    integer multiple of one unit below $2^{53}$ and exact in any order (Ozaki et al. 2012, section 2). What is left is
    $2^{-b}$ times smaller, and its a priori bound $\gamma_n |a||b|$ with it.
    """
    n = a.shape[1]
    bits = (53 - math.ceil(math.log2(n + 1))) // 2
    (a1, a2), (b1, b2) = _split(a, bits), _split(b, bits)
    parts = a1 @ b1, a1 @ b2, a2 @ b
    sizes = np.abs(a1) @ np.abs(b2) + np.abs(a2) @ np.abs(b)
    rounding = 4 * U * sum(np.abs(part) for part in parts)
    return parts[0] + (parts[1] + parts[2]), rounding + 2 * (n + 4) * U * sizes + 4 * (n + 1) * TINY


def _split(a: Floats, bits: int) -> tuple[Floats, Floats]:
    """Multiples of a power of two with so many binary digits, and the rest."""
    step = math.ldexp(1.0, math.frexp(float(np.abs(a).max()) or 1.0)[1] - bits)
    coarse: Floats = np.rint(a / step) * step
    return coarse, a - coarse


def convolution_bound(layer: nn.Conv2d) -> float:
    r"""A proven upper bound of the norm of a convolution as a linear map of images, of whatever size they are.

    The outputs at a place o are $W x_o$: W is the weight as a matrix of as many rows as channels go out, $x_o$ the patch
    of the image that o sees. Hence $|Kx|^2 = \sum_o |W x_o|^2 \le \sigma(W)^2 \sum_o |x_o|^2$, and a pixel is in at most

    $$r = \prod_{\text{sides}} \lceil k / s' \rceil, \qquad s' = s / \gcd(s, d)$$

    patches, for kernels of side k, stride s and dilation d: $\sigma(K) \le \sqrt r\,\sigma(W)$. Padding by zeros adds
    nothing; groups make W one block of a larger matrix, whose norm is not above that of all rows together.

    Parameters
    ----------
    layer : torch.nn.Conv2d
        The convolution.

    Returns
    -------
    float
        A number that is not below the norm; ``inf`` where images are padded by more than zeros.

    Raises
    ------
    ValueError
        If the weight is not finite.

    Examples
    --------
    >>> import torch
    >>> from gan.spectral import convolution_bound
    >>> layer = torch.nn.Conv2d(1, 1, 4, stride=2, padding=1)
    >>> _ = layer.weight.data.fill_(0.25)  # as a matrix, of norm 1
    >>> 2.0 <= convolution_bound(layer) <= 2.0 * (1 + 1e-14)
    True
    """
    if layer.padding_mode != "zeros":
        return math.inf
    sides = zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    seen = math.prod(-(-kernel // (stride // math.gcd(stride, dilation))) for kernel, stride, dilation in sides)
    root = math.sqrt(seen)
    root = root if root.is_integer() else math.nextafter(root, math.inf)
    return math.nextafter(root * spectral_bound(layer.weight.flatten(1)), math.inf)


class Certified(nn.Module, ABC):
    """A critic that proves a Lipschitz constant of its own, where a row of known layers would not say it."""

    @abstractmethod
    def constant(self) -> float:
        """A number that is not below its constant, in evaluation mode; ``inf`` if none is known."""


@final
class CayleyMap(nn.Module):
    r"""Orthonormal columns (or rows, of a wide matrix) by Cayley's transform of a skew-symmetric matrix.

    For a tall $\binom{A}{B}$ with A square, $S = A - A^\top + B^\top B$ has a positive semidefinite symmetric part, so
    I + S is invertible, and $\binom{(I - S)(I + S)^{-1}}{-2B(I + S)^{-1}}$ has orthonormal columns.
    Trockman & Kolter (2021), section 4. A square matrix takes no eigenvalue -1.
    """

    def forward(self, weight: Tensor) -> Tensor:
        """Matrix of the same shape, all singular values 1."""
        if weight.shape[-2] < weight.shape[-1]:
            return self(weight.mT).mT  # type: ignore[no-any-return]
        k = weight.shape[-1]
        a, b = weight[..., :k, :], weight[..., k:, :]
        skew, identity = a - a.mT + b.mT @ b, torch.eye(k, dtype=weight.dtype, device=weight.device)
        frame = torch.cat([identity - skew, -2 * b], dim=-2)
        columns: Tensor = torch.linalg.solve(identity + skew, frame, left=False)
        return columns


@final
class BjorckMap(nn.Module):
    r"""Björck's iteration $W \mapsto W(\tfrac32 I - \tfrac12 W^\top W)$ towards the nearest orthonormal frame.

    Each singular value s moves by $s \mapsto (3s - s^3)/2$, which maps [0, 1] to itself and has its only attractor
    at 1: from a matrix of norm at most 1 the norm stays so however few iterations there are, and fewer keep gradients
    shorter. Björck & Bowie (1971), equation 2.2; Anil, Lucas & Grosse (2019), section 4.2.1.

    Parameters
    ----------
    iterations : int
        How many.
    """

    def __init__(self, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations

    def extra_repr(self) -> str:
        """The settings."""
        return f"iterations={self.iterations}"

    def forward(self, weight: Tensor) -> Tensor:
        """Matrix of the same shape, no singular value above 1."""
        if weight.shape[-2] < weight.shape[-1]:
            return self(weight.mT).mT  # type: ignore[no-any-return]
        size = weight.abs()
        square = size.sum(-1).amax(-1) * size.sum(-2).amax(-1)  # Hölder: the norm is at most the root of this
        w: Tensor = weight / torch.where(square > 0, square, 1.0).sqrt()[..., None, None]
        for _ in range(self.iterations):
            w = 1.5 * w - 0.5 * w @ (w.mT @ w)
        return w


@final
class AlmostOrthogonalMap(nn.Module):
    r"""Columns rescaled, $W D$ with $D_{jj} = (\sum_i |W^\top W|_{ij})^{-1/2}$: no singular value above 1.

    Because $D^{-2} - W^\top W$ is diagonally dominant. Prach & Lampert (2022), theorem 1.
    """

    def forward(self, weight: Tensor) -> Tensor:
        """Matrix of the same shape; columns of zeros stay."""
        sums = (weight.mT @ weight).abs().sum(-2)
        return weight * torch.where(sums > 0, torch.where(sums > 0, sums, 1.0).rsqrt(), 0.0)[..., None, :]


@final
class SpectralMap(nn.Module):
    r"""The weight over its largest singular value, estimated by a power iteration that goes on from step to step.

    $u \leftarrow W W^\top u / |W W^\top u|$ and $\sigma = u^\top W v = |W^\top u|$ with $v = W^\top u / |W^\top u|$, never above the true norm, so that the norm of
    the result is at least 1. In training the last u is kept; in evaluation the map is a fixed function.
    Miyato et al. (2018), algorithm 1. The weight of a convolution is taken as a matrix of as many rows as channels go out.

    Parameters
    ----------
    weight : Tensor (m, ...)
        The weight that the iteration settles on first.
    iterations : int
        Steps of the iteration per call.
    generator : torch.Generator
        Draws the vector that it starts from: with a share of all singular vectors, since any may come to be the first.
    """

    def __init__(self, weight: Tensor, iterations: int, generator: torch.Generator) -> None:
        super().__init__()
        self.iterations = iterations
        start = torch.randn(len(weight), dtype=weight.dtype, device=weight.device, generator=generator)
        self.register_buffer("left", _iterated(weight.detach().flatten(1), start, SETTLING))

    def extra_repr(self) -> str:
        """The settings."""
        return f"iterations={self.iterations}"

    def forward(self, weight: Tensor) -> Tensor:
        """Weight of the same shape; zero stays zero."""
        left, matrix = self.get_buffer("left"), weight.flatten(1)
        with torch.no_grad():
            u = _iterated(matrix, left, self.iterations)
            v = _unit(matrix.mT @ u)
            if self.training:
                left.copy_(u)
        sigma = u @ (matrix @ v)
        return weight / torch.where(sigma > 0, sigma, 1.0)


def _iterated(weight: Tensor, u: Tensor, iterations: int) -> Tensor:
    """The unit vector after so many steps of the power iteration."""
    for _ in range(iterations):
        u = _unit(weight @ _unit(weight.mT @ u))
    return u


def _unit(x: Tensor) -> Tensor:
    """The vector with length 1, or zero."""
    length = torch.linalg.vector_norm(x)
    return x / torch.where(length > 0, length, 1.0)
