"""A convolutional layer whose kernels are free at every place: a locally connected layer."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, fold, unfold

from spikelearn.networks.layers import Convolution, Layer, RateNetwork


class Untied(Layer):
    """Kernels of shape (channels, channels below * size^2, height * width), one a place.

    Made from a convolution, it computes the same until it learns.
    """

    def __init__(self, tied: Convolution) -> None:
        super().__init__()
        self.in_shape, self.out_shape, self.fan_in = tied.in_shape, tied.out_shape, tied.fan_in
        self.size, self.pool, self.activation = tied.size, tied.pool, tied.activation
        places = math.prod(self.in_shape[1:])
        kernels = tied.weight.detach().flatten(1)
        self.weight = nn.Parameter(kernels.unsqueeze(2).repeat(1, 1, places))
        self.bias = nn.Parameter(tied.bias.detach().clone())

    def _patches(self, h: torch.Tensor) -> torch.Tensor:
        images = h.reshape(len(h), *self.in_shape)
        return unfold(images, self.size, padding=self.size // 2)

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
        z = z.unflatten(2, self.in_shape[1:])
        z = z if bias is None else z + bias.view(1, -1, 1, 1)
        return avg_pool2d(z, self.pool) if self.pool > 1 else z

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Products of patches and signals, place by place."""
        spread = self._spread(delta)
        weight = torch.einsum("bcp,bkp->ckp", spread, self._patches(h))
        return weight, spread.sum((0, 2))

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The adjoint of `through`."""
        back = torch.einsum("ckp,bcp->bkp", weight, self._spread(delta))
        return fold(back, self.in_shape[1:], self.size, padding=self.size // 2)

    def _spread(self, delta: torch.Tensor) -> torch.Tensor:
        p = self.pool
        if p > 1:
            delta = delta.repeat_interleave(p, -2).repeat_interleave(p, -1) / p**2
            _, height, width = self.in_shape
            delta = nn.functional.pad(delta, (0, width % p, 0, height % p))
        return delta.flatten(2)


def untied(network: RateNetwork) -> RateNetwork:
    """The network with every convolution made free."""
    layers: list[Layer] = [
        Untied(layer) if isinstance(layer, Convolution) else layer for layer in network
    ]
    return RateNetwork(layers, network.kind)
