"""Products of what Hebbian units receive and answer, where every patch of an image is a sample.

Units of a convolutional layer stand side by side in memory, since competition reads all units of a
place; what can be had from the kernels, which are far fewer than what they make, is had from them.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.grad import conv2d_weight

from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Layer


def currents(layer: Layer, x: torch.Tensor, relative: bool = False) -> torch.Tensor:
    """u = W x, without bias or pooling: shape (batch, units) or (batch, channels, h, w).

    Parameters
    ----------
    layer : Layer
    x : tensor of shape (batch, *in_shape)
    relative : bool
        Less the mean over the units.
    """
    weight = layer.weight - layer.weight.mean(0) if relative else layer.weight
    if isinstance(layer, Convolution):
        # Units side by side in memory, as competition reads them.
        return nn.functional.conv2d(by_place(x), weight, None, layer.stride, layer.padding)
    return x.flatten(1) @ weight.T


def by_place(maps: torch.Tensor) -> torch.Tensor:
    """The same maps with the channels of a place side by side in memory."""
    if maps.shape[1] > 1:
        return maps.contiguous(memory_format=torch.channels_last)
    # One channel is in either order, and has to say in which what is made of it shall be.
    return torch.empty_like(maps, memory_format=torch.channels_last).copy_(maps)


def pooled(layer: Layer, h: torch.Tensor) -> torch.Tensor:
    """What stands for neighbours, in a convolutional layer: all its pooling is of the activity."""
    if isinstance(layer, Convolution) and layer.averaged > 1:
        h = nn.functional.avg_pool2d(h, layer.averaged)
    return layer.send(h)


def mean_product(layer: Layer, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """<g x^T>, of the shape of the weights; the mean over samples and positions.

    Parameters
    ----------
    layer : Layer
        Whose weights learn.
    x : tensor of shape (batch, *in_shape)
        What the layer receives.
    g : tensor of shape (batch, units) or (batch, channels, height, width)
        How much of it each unit learns.
    """
    if isinstance(layer, Convolution):
        total = conv2d_weight(by_place(x), layer.weight.shape, g, layer.stride, layer.padding)
        # In the order of the weights, of one channel too, as optimisers walk through both.
        total = total.flatten().view(layer.weight.shape)
        return total.div_(len(g) * g[0, 0].numel())
    # Dividing the smaller factor saves a pass over the weights.
    return (g / len(g)).T @ x.flatten(1)


def mean_answer(
    layer: Layer, product: torch.Tensor, g: torch.Tensor, u: torch.Tensor
) -> torch.Tensor:
    """<g u> of each unit, u = W x.

    Parameters
    ----------
    layer : Layer
        Whose weights learn.
    product : tensor of the shape of the weights
        <g x^T>, from `mean_product`.
    g, u : tensor of shape (batch, units) or (batch, channels, height, width)
    """
    if isinstance(layer, Convolution):
        # W <g x^T>: kernels are smaller than what they make.
        return (layer.weight * product).sum((1, 2, 3))
    return unit_mean(g * u)


def with_decay(increment: torch.Tensor, weight: torch.Tensor, decay: torch.Tensor) -> torch.Tensor:
    """`increment` less a decay of each unit's weights, in place.

    Parameters
    ----------
    increment : tensor of the shape of the weights
        Is written over.
    weight : tensor of the same shape
    decay : tensor of shape (units,)
        Which part of its weights each unit loses.
    """
    return increment.addcmul_(by_unit(decay, weight), weight, value=-1.0)


def unit_mean(g: torch.Tensor) -> torch.Tensor:
    """Mean over samples and positions of each unit's values."""
    return g.mean([0, *range(2, g.ndim)])


def by_unit(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A value for each unit (or sample), to be broadcast over what has these first."""
    return values.view(-1, *(1,) * (like.ndim - 1))


def lengths(rows: torch.Tensor) -> torch.Tensor:
    """Length of each unit's weights, or of each sample."""
    return torch.linalg.vector_norm(rows, dim=tuple(range(1, rows.ndim)))
