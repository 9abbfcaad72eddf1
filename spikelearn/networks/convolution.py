"""The convolutional layer of rate networks."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, pad
from torch.nn.grad import conv2d_weight

from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import Layer, scaled_uniform
from spikelearn.networks.normalisation import Normalisation
from spikelearn.networks.pooling import Pooling

if TYPE_CHECKING:
    from spikelearn.networks.convolution_shape import ConvolutionShape


class Convolution(Layer):
    """Convolutional layer: z = W * h + b, of neurons as `Layer` has them.

    W has shape (channels, channels below, size, size). With `averaged` above 1, z is the averages
    of squares of what the kernels give, so that pooling is part of the synapses, stands before the
    nonlinearity and leaves z affine in h; pooling by neurons (`pooling`) stands behind it.
    In a residual layer the activity below is added to z: of every `stride`-th row and column, and
    of the first channels where there are more above than below (He et al. 2016, arXiv:1512.03385,
    option A). These connections, one to one and of weight 1, do not learn.
    """

    def __init__(
        self, shape: ConvolutionShape, activation: str, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.shape, self.activation = shape, activation
        self.in_shape, self.out_shape = shape.in_shape, shape.out_shape
        self.size, self.stride, self.padding = shape.size, shape.stride, shape.padding
        self.averaged, self.dropout, self.residual = shape.averaged, shape.dropout, shape.residual
        self.fan_in = self.in_shape[0] * self.size**2
        weights = (shape.channels, self.in_shape[0], self.size, self.size)
        self.weight = nn.Parameter(scaled_uniform(weights, ACTIVATIONS[activation].gain, generator))
        self.make_bias(shape.bias)
        self.step = self.stride * self.averaged  # from one square to the next
        if shape.norm in ("batch", "group"):
            self.norm = Normalisation(shape.norm, shape.channels, shape.groups)
        pool = shape.pooling
        self.pooling = None if pool is None else Pooling(pool.kind, pool.size, pool.stride)

    @property
    def drive_shape(self) -> tuple[int, ...]:
        """Shape of z."""
        return self.shape.drive_shape

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """z of shape (batch, *drive_shape)."""
        z = self.through(self.weight, h, self.bias if self.has_bias else None)
        return self.carried(z, h)

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """W * h + b, averaged, shape (batch, *drive_shape)."""
        images = h.reshape(len(h), *self.in_shape)
        return conv2d(images, self.overlaid(weight), bias, self.step, self.padding)

    def overlaid(self, weight: torch.Tensor) -> torch.Tensor:
        """The mean of the kernels, put at each place of a square: kernels of the square."""
        return overlaid(weight, self.averaged, self.stride)

    def of_places(self, kernels: torch.Tensor) -> torch.Tensor:
        """The adjoint of `overlaid`."""
        if self.averaged == 1:
            return kernels
        places = [self.stride * place for place in range(self.averaged)]
        rows = sum_of(kernels.narrow(2, n, self.size) for n in places)
        return sum_of(rows.narrow(3, n, self.size) for n in places) / self.averaged**2

    def carried(self, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """z, and the activity below where the layer is residual.

        Parameters
        ----------
        z : tensor of shape (batch, *drive_shape)
        h : tensor of shape (batch, ...)
        """
        if not self.residual:
            return z
        images = h.reshape(len(h), *self.in_shape)[:, :, :: self.stride, :: self.stride]
        more = self.out_shape[0] - self.in_shape[0]
        return z + (pad(images, (0, 0, 0, 0, 0, more)) if more else images)

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Products of patches and signals, summed over positions, and the sum of signals."""
        images, side = h.reshape(len(h), *self.in_shape), self.shape.square_side
        of_squares = (*self.weight.shape[:2], side, side)
        weight = conv2d_weight(images, of_squares, delta, self.step, self.padding)
        return self.of_places(weight), delta.sum((0, 2, 3))

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint: every value through the kernels turned."""
        below = conv_transpose2d(
            delta, self.overlaid(weight), stride=self.step, padding=self.padding,
            output_padding=self.shape.unread,
        )  # fmt: skip
        return self.carried_back(below, delta)

    def carried_back(self, below: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """`below`, written over, and what the adjoint of `carried` adds to it.

        Parameters
        ----------
        below : tensor of shape (batch, *in_shape)
        delta : tensor of shape (batch, *drive_shape)
        """
        if self.residual:
            below[:, :, :: self.stride, :: self.stride] += delta[:, : self.in_shape[0]]
        return below


def overlaid(kernels: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Kernels that give the mean of what these give at side x side places, `stride` apart.

    Parameters
    ----------
    kernels : tensor of shape (channels, channels below, size, size)
    side, stride : int

    Returns
    -------
    tensor of shape (channels, channels below, wide, wide)
        With wide = size + (side - 1) stride.
    """
    if side == 1:
        return kernels
    places = [stride * place for place in range(side)]
    rows = sum_of(pad(kernels, (0, 0, n, places[-1] - n)) for n in places)
    return sum_of(pad(rows, (n, places[-1] - n)) for n in places) / side**2


def sum_of(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    """Of tensors of one shape."""
    return functools.reduce(torch.add, parts)


def positions(layer: Layer) -> torch.Tensor | float:
    """How many products each weight of a layer collects from one sample.

    For a kernel, the positions at which its entry lies within the image; shape (size, size). At
    least 1, also of an entry that sees nothing but the zeros around the image.
    """
    if not isinstance(layer, Convolution):
        return 1.0
    weight = layer.weight
    image = weight.new_ones((1, 1, *layer.in_shape[1:]))
    signal = weight.new_ones((1, 1, *layer.shape.kernel_sides))
    of_kernel = (1, 1, layer.size, layer.size)
    seen = conv2d_weight(image, of_kernel, signal, layer.stride, layer.padding)[0, 0]
    return seen.clamp_min(1.0)
