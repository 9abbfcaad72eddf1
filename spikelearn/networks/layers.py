"""Layers of rate networks: what learning rules see.

A layer is two steps. `drive` is the synapses: an affine map of the activity below, z = W h + b,
with the pooling of a convolutional layer as part of it. `activate` is the neurons: a nonlinearity,
applied to each z by itself. Rules that need no more than these, the adjoint of the synapses
(`transpose`) and the weights, are written once for every architecture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

# Name -> (nonlinearity, gain of the weight initialisation that keeps activity at one scale).
ACTIVATIONS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float]] = {
    "relu": (torch.relu, math.sqrt(2.0)),
    "tanh": (torch.tanh, 5.0 / 3.0),
    "sigmoid": (torch.sigmoid, 1.0),
    "hard_sigmoid": (lambda z: z.clamp(0.0, 1.0), 1.0),
    "elu": (nn.functional.elu, 1.25),
    "identity": (lambda z: z, 1.0),
}


class Layer(nn.Module):
    """One layer: `drive` (synapses), then `activate` (neurons).

    Attributes
    ----------
    weight : nn.Parameter
        Of any shape; its first axis runs over the layer's units or channels.
    bias : nn.Parameter
        One for each unit or channel.
    activation : str
        A name of `ACTIVATIONS`.
    in_shape, out_shape : tuple of int
        Shapes of h below and of z, without the batch: (units,) or (channels, height, width).
    fan_in : int
        Number of synapses of a unit.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    activation: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    fan_in: int

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """Input to the neurons, z of shape (batch, *out_shape), from the activity below.

        h may come flat or in `in_shape`.
        """
        return self.through(self.weight, h, self.bias)

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """`drive` with other weights of the same shape."""
        raise NotImplementedError

    def activate(self, z: torch.Tensor) -> torch.Tensor:
        """Activity h of the neurons, of the shape of z."""
        return ACTIVATIONS[self.activation][0](z)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below, of shape (batch, *in_shape), from `delta` at z.

        The adjoint of h -> through(weight, h); which weights are sent is the learning rule's
        affair.
        """
        raise NotImplementedError

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Activity from the activity of the layer below."""
        return self.activate(self.drive(h))


class Dense(Layer):
    """Fully connected layer: z = W h + b; W of shape (n_out, n_in).

    `n_in` may be a shape (channels, height, width), which is flattened.
    """

    def __init__(
        self,
        n_in: int | Sequence[int],
        n_out: int,
        activation: str,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.in_shape = (n_in,) if isinstance(n_in, int) else tuple(n_in)
        self.out_shape = (n_out,)
        self.fan_in = math.prod(self.in_shape)
        self.activation = activation
        gain = ACTIVATIONS[activation][1]
        self.weight = nn.Parameter(scaled_uniform((n_out, self.fan_in), gain, generator))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """W h + b, shape (batch, n_out)."""
        return nn.functional.linear(h.flatten(1), weight, bias)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """W^T delta, shape (batch, *in_shape)."""
        return (delta @ weight).unflatten(1, self.in_shape)


class Convolution(Layer):
    """Convolutional layer: z = average pooling of (W * h + b).

    W has shape (channels, channels below, size, size) with odd `size`; the image keeps its height
    and width by zero padding, then `pool` x `pool` neighbours are averaged into one. The pooling
    stands before the nonlinearity, so that z is affine in h and a rule's adjoint exists as it does
    for a fully connected layer.
    """

    def __init__(
        self,
        in_shape: Sequence[int],
        channels: int,
        size: int,
        pool: int,
        activation: str,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        below, height, width = in_shape
        self.in_shape = (below, height, width)
        self.out_shape = (channels, height // pool, width // pool)
        self.fan_in = below * size * size
        self.size, self.pool, self.activation = size, pool, activation
        gain = ACTIVATIONS[activation][1]
        shape = (channels, below, size, size)
        self.weight = nn.Parameter(scaled_uniform(shape, gain, generator))
        self.bias = nn.Parameter(torch.zeros(channels))

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Averages of W * h + b, shape (batch, *out_shape)."""
        images = h.reshape(len(h), *self.in_shape)
        z = nn.functional.conv2d(images, weight, bias, padding=self.size // 2)
        return nn.functional.avg_pool2d(z, self.pool) if self.pool > 1 else z

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint: every value spread over its neighbours, then through the kernels turned."""
        p = self.pool
        if p > 1:
            delta = delta.repeat_interleave(p, -2).repeat_interleave(p, -1) / p**2
            # Rows and columns that pooling dropped at the edge send nothing back.
            _, height, width = self.in_shape
            delta = nn.functional.pad(delta, (0, width % p, 0, height % p))
        return nn.functional.conv_transpose2d(delta, weight, padding=self.size // 2)


def scaled_uniform(shape: Sequence[int], gain: float, generator: torch.Generator) -> torch.Tensor:
    """Uniform weights of variance gain^2 / fan_in (He et al. 2015, doi:10.1109/ICCV.2015.123).

    The fan-in is the product of all axes of `shape` but the first.
    """
    bound = gain * math.sqrt(3.0 / math.prod(shape[1:]))
    return torch.empty(*shape).uniform_(-bound, bound, generator=generator)
