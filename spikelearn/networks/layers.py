"""Layers of rate networks: what learning rules see.

A layer is two steps. `drive` is the synapses: an affine map of the activity below, z = W h + b,
with the pooling of a convolutional layer as part of it. `activate` is the neurons: a nonlinearity,
applied to each z by itself. Rules that need no more than these, the adjoint of the synapses
(`transpose`) and the weights, are written once for every architecture. A `RateNetwork` is a list
of layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn.grad import conv2d_weight

from spikelearn._errors import SpikelearnError

_aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """A nonlinearity: h = function(z), dh/dz = slope(z, h).

    `gain` is that of the weight initialisation that keeps activity at one scale; `fused`, where
    there is such a kernel, takes a signal s and (z, h) to s * slope(z, h) in one pass over memory.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    gain: float
    fused: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None = None

    def back(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """`signal` at h times dh/dz.

        Parameters
        ----------
        signal, z, h : tensors of one shape
            The signal at the activity, the drive, and the activity.
        """
        if self.fused is not None:
            return self.fused(signal, z, h)
        return signal * self.slope(z, h)


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        torch.relu,
        lambda z, h: (z > 0).to(z.dtype),
        math.sqrt(2.0),
        lambda s, z, h: _aten.threshold_backward(s, z, 0),
    ),
    "tanh": Activation(
        torch.tanh,
        lambda z, h: 1.0 - h * h,
        5.0 / 3.0,
        lambda s, z, h: _aten.tanh_backward(s, h),
    ),
    "sigmoid": Activation(
        torch.sigmoid,
        lambda z, h: h * (1.0 - h),
        1.0,
        lambda s, z, h: _aten.sigmoid_backward(s, h),
    ),
    "hard_sigmoid": Activation(
        lambda z: z.clamp(0.0, 1.0), lambda z, h: ((z >= 0) & (z <= 1)).to(z.dtype), 1.0
    ),
    "elu": Activation(
        nn.functional.elu, lambda z, h: torch.where(z > 0, torch.ones_like(h), h + 1.0), 1.25
    ),
    "identity": Activation(lambda z: z, lambda z, h: torch.ones_like(z), 1.0, lambda s, z, h: s),
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
        """`drive` with other weights of the same shape.

        Parameters
        ----------
        weight : tensor
            Of the shape of the layer's own.
        h : tensor of shape (batch, ...)
            Activity below.
        bias : tensor, optional
        """
        raise NotImplementedError

    def activate(self, z: torch.Tensor) -> torch.Tensor:
        """Activity h of the neurons, of the shape of z."""
        return ACTIVATIONS[self.activation].function(z)

    def slope(self, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """dh/dz where h = activate(z)."""
        return ACTIVATIONS[self.activation].slope(z, h)

    def back(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """`signal` at h times dh/dz: the signal at z.

        Parameters
        ----------
        signal, z, h : tensors of shape (batch, ...)
            The signal at the activity, the drive, and the activity.
        """
        return ACTIVATIONS[self.activation].back(signal, z, h)

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What pre- and postsynaptic activity make together: shapes of weight and bias.

        Summed over the batch: the derivatives of sum(delta * drive(h)) by weight and bias, which
        for a fully connected layer are delta^T h and the sum of delta.
        """
        raise NotImplementedError

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below, of shape (batch, *in_shape), from `delta` at z.

        The adjoint of h -> through(weight, h); which weights are sent is the learning rule's
        affair.
        """
        raise NotImplementedError

    def pull(self, h: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below by the layer's own weights: the derivative of drive at h.

        `transpose` of the weights, but for layers whose drive is not affine.
        """
        return self.transpose(self.weight, delta)

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
        gain = ACTIVATIONS[activation].gain
        self.weight = nn.Parameter(scaled_uniform((n_out, self.fan_in), gain, generator))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """W h + b, shape (batch, n_out)."""
        return nn.functional.linear(h.flatten(1), weight, bias)

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """delta^T h of shape (n_out, n_in), and the sum of delta over the batch."""
        return delta.T @ h.flatten(1), delta.sum(0)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """W^T delta, shape (batch, *in_shape)."""
        signal = delta @ weight
        return signal if len(self.in_shape) == 1 else signal.view(-1, *self.in_shape)


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
        gain = ACTIVATIONS[activation].gain
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

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Products of patches and signals, summed over positions, and the sum of signals."""
        images, delta = h.reshape(len(h), *self.in_shape), self._spread(delta)
        weight = conv2d_weight(images, self.weight.shape, delta, padding=self.size // 2)
        return weight, delta.sum((0, 2, 3))

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint: every value spread over its neighbours, then through the kernels turned."""
        return nn.functional.conv_transpose2d(self._spread(delta), weight, padding=self.size // 2)

    def _spread(self, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint of the pooling."""
        p = self.pool
        if p == 1:
            return delta
        delta = delta.repeat_interleave(p, -2).repeat_interleave(p, -1) / p**2
        # Rows and columns that pooling dropped at the edge send nothing back.
        _, height, width = self.in_shape
        return nn.functional.pad(delta, (0, width % p, 0, height % p))


def scaled_uniform(shape: Sequence[int], gain: float, generator: torch.Generator) -> torch.Tensor:
    """Uniform weights of variance gain^2 / fan_in (He et al. 2015, doi:10.1109/ICCV.2015.123).

    The fan-in is the product of all axes of `shape` but the first.

    Parameters
    ----------
    shape : sequence of int
        The first axis is the postsynaptic one.
    gain : float
    generator : torch.Generator
    """
    bound = gain * math.sqrt(3.0 / math.prod(shape[1:]))
    return torch.empty(*shape).uniform_(-bound, bound, generator=generator)


class RateNetwork(nn.Module):
    """Layers applied one after another; `layers[-1]` gives class scores.

    `kind` is that of the description it was built from ("mlp", "cnn" ...); rules say by it what
    they train.
    """

    def __init__(self, layers: Sequence[Layer], kind: str = "mlp") -> None:
        super().__init__()
        if not layers:
            raise SpikelearnError("a network needs at least one layer")
        self.layers = nn.ModuleList(layers)
        self.kind = kind

    def __iter__(self) -> Iterator[Layer]:
        """The layers, first to last."""
        return iter(cast("list[Layer]", list(self.layers)))

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes) for inputs of shape (batch, n_inputs)."""
        return self.activity(x)[-1]

    def weights(self) -> list[nn.Parameter]:
        """The weights of every layer, first to last."""
        return [layer.weight for layer in self]

    def activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Activity of every layer, first to last, each of shape (batch, *out_shape)."""
        activities = []
        for layer in self:
            x = layer(x)
            activities.append(x)
        return activities
