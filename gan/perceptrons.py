r"""Fully connected ReLU networks with their gradients written out: the same functions as the modules, in less time.

A network of layers $h_k = \max(0, W_k h_{k-1} + b_k)$ has the gradients of a textbook. On batches of a hundred points most
of the time of automatic differentiation goes into keeping its books, layer by layer; here a network is one step of the
book, and so is its slope $\nabla_x T = W_1^\top M_1 \cdots W_L^\top$ with the masks M of the active units, which a gradient
penalty is taken of. ReLU is flat to second order: the masks have no derivative, so that the slope has one by the weights
alone, and no second pass of differentiation is needed.

`perceptron` finds the form in a module, and nothing in any other module, which is then differentiated as ever.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["Frame", "Framed", "Perceptron", "calls_forward_of", "perceptron"]


@final
@dataclass(frozen=True, eq=False)
class Frame:
    r"""Affine maps around a network N: $x \mapsto b + a\,N((x - c) / s)$; None where there is none.

    Parameters
    ----------
    centre, spread : Tensor or None
        The numbers c, (d,), and s, ().
    scale, shift : Tensor or None
        The numbers a, (), and b, one per output.
    flat : bool
        Whether the network has one output, which is given without an axis of its own.
    """

    centre: Tensor | None = None
    spread: Tensor | None = None
    scale: Tensor | None = None
    shift: Tensor | None = None
    flat: bool = False


class Framed(nn.Module, ABC):
    """A module that is a network between affine maps."""

    network: nn.Module
    """The network."""

    @property
    @abstractmethod
    def frame(self) -> Frame:
        """The maps: the module is what they make of its network."""


@final
@dataclass(frozen=True, eq=False)
class Perceptron:
    """A fully connected ReLU network, as a function of its points and of parameters that are still the module's.

    Parameters
    ----------
    frame : Frame
        What is around it.
    parameters : tuple of Tensor
        Weights and biases in turn, from the first layer to the last, which has no activation.
    """

    frame: Frame
    parameters: tuple[Tensor, ...]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.parameters[-1])

    def __call__(self, x: Tensor) -> Tensor:
        """Values at points (n, d), with the gradients of the module; they cannot be differentiated twice."""
        if torch.is_grad_enabled() and (x.requires_grad or any(p.requires_grad for p in self.parameters)):
            values: Tensor = _Values.apply(self.frame, x, *self.parameters)  # type: ignore[no-untyped-call]
            return values
        return _framed(self.frame, _hidden(self.frame, x, self.parameters)[-1])

    def slope(self, x: Tensor) -> Tensor:
        """Gradient (n, d) of a network of one output at points (n, d), which can be differentiated by the weights."""
        weights = self.parameters[::2]
        if len(weights[-1]) != 1:
            msg = f"expected a network of one output, got {len(weights[-1])}; take the outputs one by one"
            raise ValueError(msg)
        slopes: Tensor = _Slope.apply(self.frame, x, self.parameters[1::2], *weights)  # type: ignore[no-untyped-call]
        return slopes


def perceptron(module: nn.Module) -> Perceptron | None:
    """The fully connected ReLU network that a module is.

    Parameters
    ----------
    module : torch.nn.Module
        Linear layers with ReLU between them in a `torch.nn.Sequential`, or a `Framed` module of these.

    Returns
    -------
    Perceptron or None
        The same function of the same parameters, of which it keeps hold: parametrizations and tensors that replace them later
        are not seen. None if the module is anything else, its layers carry hooks or parametrizations, or under autocast.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from gan.perceptrons import perceptron
    >>> network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> x = torch.eye(2)
    >>> bool(torch.equal(perceptron(network)(x), network(x)))
    True
    >>> perceptron(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))) is None
    True
    """
    framed = isinstance(module, Framed)
    network, frame = (module.network, module.frame) if isinstance(module, Framed) else (module, Frame())
    if framed and _owner(type(module), "forward") is not _owner(type(module), "frame"):
        return None  # the frame is that of another forward
    if type(network) is not nn.Sequential or not len(network) % 2 or any(map(_hooked, (module, network))):
        return None
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return None
    layers = list(network)
    kinds = [nn.Linear, nn.ReLU] * (len(layers) // 2) + [nn.Linear]
    if any(type(layer) is not kind or _hooked(layer) for layer, kind in zip(layers, kinds, strict=True)):
        return None
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if (frame.flat and linear[-1].out_features != 1) or any(layer.bias is None for layer in linear):
        return None
    return Perceptron(frame, tuple(p for layer in linear for p in (layer.weight, layer.bias)))


def calls_forward_of(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether calling a module does what a class says and nothing else: no forward of its own, and no hooks.

    Parameters
    ----------
    module : torch.nn.Module
        The module; its weights may be parametrised.
    kind : type
        The class.

    Returns
    -------
    bool
        Whether it is known what the module computes.
    """
    return type(module).forward is kind.forward and not _hooked(module)


def _hooked(module: nn.Module) -> bool:
    """Whether anything else is done where the module is called."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    everywhere = (getattr(nn.modules.module, f"_global{kind}") for kind in kinds)
    return "forward" in vars(module) or any(vars(module)[kind] for kind in kinds) or any(everywhere)


def _owner(kind: type, name: str) -> type:
    """The class that an attribute is from."""
    return next(each for each in kind.__mro__ if name in vars(each))


def _hidden(frame: Frame, x: Tensor, parameters: tuple[Tensor, ...]) -> list[Tensor]:
    """What each layer sees, from the points in their frame on, and what the last one says."""
    h = x if frame.centre is None or frame.spread is None else (x - frame.centre).div_(frame.spread)
    seen = [h]
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        h = F.linear(h, weight, bias).relu_()
        seen.append(h)
    seen.append(F.linear(h, parameters[-2], parameters[-1]))
    return seen


def _framed(frame: Frame, out: Tensor) -> Tensor:
    """Outputs in their frame; in place."""
    if frame.scale is not None:
        out.mul_(frame.scale)
    if frame.shift is not None:
        out.add_(frame.shift)
    return out.squeeze(-1) if frame.flat else out


_active: Callable[[Tensor, Tensor, float], Tensor] = torch.ops.aten.threshold_backward
"""The first argument where the second, an output of ReLU, is above the third, and 0 elsewhere."""


@final
class _Values(torch.autograd.Function):
    """Outputs of a network."""

    @staticmethod
    def forward(ctx: Any, frame: Frame, x: Tensor, *parameters: Tensor) -> Tensor:
        *seen, out = _hidden(frame, x, parameters)
        ctx.frame = frame
        ctx.save_for_backward(*seen, *parameters[::2])
        return _framed(frame, out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """Layer by layer, and only what somebody asks for."""
        frame, wanted = ctx.frame, ctx.needs_input_grad
        depth = len(ctx.saved_tensors) // 2
        seen, weights = ctx.saved_tensors[:depth], ctx.saved_tensors[depth:]
        if frame.flat:
            g = g[..., None]
        if frame.scale is not None:
            g = g * frame.scale
        gradients: list[Tensor | None] = [None] * (2 * depth)
        for k in reversed(range(depth)):
            of_weight, of_bias = wanted[2 + 2 * k : 4 + 2 * k]
            if of_weight:
                gradients[2 * k] = g.t() @ seen[k]
            if of_bias:
                gradients[2 * k + 1] = g.sum(0)
            if not any(wanted[1 : 2 + 2 * k]):
                return (None, None, *gradients)
            g = g @ weights[k]
            if k:
                g = _active(g, seen[k], 0)
        return (None, g if frame.spread is None else g / frame.spread, *gradients)


@final
class _Slope(torch.autograd.Function):
    """Gradient of a network's one output by its points."""

    @staticmethod
    def forward(ctx: Any, frame: Frame, x: Tensor, biases: tuple[Tensor, ...], *weights: Tensor) -> Tensor:
        parameters = tuple(p for pair in zip(weights, biases, strict=True) for p in pair)
        ctx.frame, active = frame, _hidden(frame, x, parameters)[1:-1]
        g = weights[-1].expand(len(x), -1)
        rays = []  # the gradient by what each layer says, from the last to the first
        for units, weight in zip(reversed(active), reversed(weights[:-1]), strict=True):
            g = _active(g, units, 0)
            rays.append(g)
            g = g @ weight
        ctx.save_for_backward(*active, *reversed(rays), *weights)
        factor = _factor(frame)
        return g * factor if factor is not None else g.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """From the first layer to the last; biases and points move nothing, up to sets of measure zero."""
        depth = (len(ctx.saved_tensors) - 1) // 3
        active, rays = ctx.saved_tensors[:depth], ctx.saved_tensors[depth : 2 * depth]
        weights = ctx.saved_tensors[2 * depth :]
        factor = _factor(ctx.frame)
        g = g if factor is None else g * factor
        gradients: list[Tensor] = []
        for units, ray, weight in zip(active, rays, weights[:-1], strict=True):
            gradients.append(ray.t() @ g)
            g = _active(g @ weight.t(), units, 0)
        return (None, None, None, *gradients, g.sum(0, keepdim=True))


def _factor(frame: Frame) -> Tensor | None:
    """What the maps around a network multiply its slope by."""
    if frame.scale is None or frame.spread is None:
        return frame.scale if frame.spread is None else 1 / frame.spread
    return frame.scale / frame.spread
