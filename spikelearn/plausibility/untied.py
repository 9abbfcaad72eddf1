"""A convolutional layer whose kernels are free at every place: a locally connected layer."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, fold, unfold

from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Layer, RateNetwork


class Untied(Layer):
    """Kernels of shape (channels, channels below * size^2, height * width), one a place.

    Made from a convolution, it computes the same until it learns.
    """

    def __init__(self, tied: Convolution) -> None:
        super().__init__()
        self.in_shape, self.out_shape, self.fan_in = tied.in_shape, tied.out_shape, tied.fan_in
        self.tied, self.activation = (tied,), tied.activation  # in a tuple: no part of this one
        self.norm, self.pooling, self.dropout = copy.deepcopy(tied.norm), tied.pooling, tied.dropout
        self.residual = tied.residual
        places = math.prod(tied.shape.kernel_sides)
        kernels = tied.weight.detach().flatten(1)
        self.weight = nn.Parameter(kernels.unsqueeze(2).repeat(1, 1, places))
        self.make_bias(tied.has_bias)
        with torch.no_grad():
            self.bias.copy_(tied.bias)

    @property
    def drive_shape(self) -> tuple[int, ...]:
        """Shape of z."""
        return self.tied[0].drive_shape

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """z of shape (batch, *drive_shape)."""
        return self.carried(self.through(self.weight, h, self.bias), h)

    def carried(self, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """z, and the activity below where the layer is residual."""
        return self.tied[0].carried(z, h)

    def _patches(self, h: torch.Tensor) -> torch.Tensor:
        images, tied = h.reshape(len(h), *self.in_shape), self.tied[0]
        return unfold(images, tied.size, stride=tied.stride, padding=tied.padding)

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Averages of what each place's kernel gives.

        Parameters
        ----------
        weight : tensor of shape (channels, channels below * size^2, height * width)
        h : tensor of shape (batch, *in_shape), or flattened
            Activity below.
        bias : tensor of shape (channels,), optional

        Returns
        -------
        tensor of shape (batch, *out_shape)
        """
        z = torch.einsum("ckp,bkp->bcp", weight, self._patches(h))
        z = z.unflatten(2, self.tied[0].shape.kernel_sides)
        z = z if bias is None else z + bias.view(1, -1, 1, 1)
        averaged = self.tied[0].averaged
        return avg_pool2d(z, averaged) if averaged > 1 else z

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Products of patches and signals, place by place."""
        signal = spread(self.tied[0], delta).flatten(2)
        weight = torch.einsum("bcp,bkp->ckp", signal, self._patches(h))
        return weight, signal.sum((0, 2))

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint of `through`."""
        tied = self.tied[0]
        back = torch.einsum("ckp,bcp->bkp", weight, spread(tied, delta).flatten(2))
        below = fold(back, self.in_shape[1:], tied.size, stride=tied.stride, padding=tied.padding)
        return tied.carried_back(below, delta)


def spread(tied: Convolution, delta: torch.Tensor) -> torch.Tensor:
    """The adjoint of the averages before the nonlinearity: a signal at every place of kernels."""
    p = tied.averaged
    if p == 1:
        return delta
    # Rows and columns that pooling dropped at the edge send nothing back.
    like = delta.new_empty(len(delta), tied.shape.channels, *tied.shape.kernel_sides)
    found: torch.Tensor = torch.ops.aten.avg_pool2d_backward(
        delta.contiguous(), like, [p, p], [p, p], [0, 0], False, True, None
    )
    return found


def untied(network: RateNetwork) -> RateNetwork:
    """The network with every convolution made free."""
    layers: list[Layer] = [
        Untied(layer) if isinstance(layer, Convolution) else layer for layer in network
    ]
    return RateNetwork(layers, network.kind)
