"""A trained network of rates as a plain module of PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.networks.normalisation import EPSILON, MOMENTUM, Normalisation
from spikelearn.networks.pooling import Pooling

_ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": lambda: nn.Hardtanh(0.0, 1.0),
    "elu": nn.ELU,
}


def to_torch(network: nn.Module) -> nn.Sequential:
    """The network as `nn.Sequential` of PyTorch's own layers, in evaluation mode.

    Fully connected layers are `Linear`, convolutional ones `Conv2d` and, where they average before
    the nonlinearity, `AvgPool2d`; then come normalisation (`BatchNorm2d`, `GroupNorm`), the
    nonlinearity, none behind the last layer, pooling (`MaxPool2d`, `AvgPool2d`) and `Dropout`,
    where a layer has them; a `Flatten` stands before the first `Linear` that reads maps. The
    weights are copies. Its `state_dict` loads into any
    Sequential of the same layers as it is. Inputs are of shape (batch, n_inputs) for fully
    connected networks and (batch, channels, height, width) for convolutional ones, which its
    attribute `input_shape` says without the batch.

    Raises
    ------
    SpikelearnError
        For other networks than multi-layer perceptrons and convolutional ones, and for residual
        layers.
    """
    kind = getattr(network, "kind", type(network).__name__)
    layers: list[Any] = list(network) if isinstance(network, RateNetwork) else []
    if not layers or any(type(layer) not in (Dense, Convolution) for layer in layers):
        raise SpikelearnError(
            f"a network of kind {kind} is no sequence of PyTorch's layers; those of kind mlp and"
            " cnn are"
        )
    modules: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, Convolution):
            if layer.residual:
                raise SpikelearnError(
                    "a residual layer adds what it receives, so that the network is no sequence of"
                    " PyTorch's layers"
                )
            modules.append(_filled(nn.Conv2d(
                layer.in_shape[0], layer.out_shape[0], layer.size, layer.stride, layer.padding,
                bias=layer.has_bias,
            ), layer))  # fmt: skip
            if layer.averaged > 1:
                modules.append(nn.AvgPool2d(layer.averaged))
        else:
            if len(layer.in_shape) > 1:
                modules.append(nn.Flatten())
            linear = nn.Linear(layer.fan_in, layer.out_shape[0], bias=layer.has_bias)
            modules.append(_filled(linear, layer))
        if layer.norm is not None:
            modules.append(_normalisation(layer.norm, of_maps=isinstance(layer, Convolution)))
        if layer.activation != "identity":
            modules.append(_ACTIVATIONS[layer.activation]())
        if layer.pooling is not None:
            modules.append(_pool(layer.pooling))
        if layer.dropout:
            modules.append(nn.Dropout(layer.dropout))
    made = nn.Sequential(*modules).eval()
    made.input_shape = tuple(layers[0].in_shape)  # type: ignore[assignment]
    return made


def _filled(module: nn.Module, layer: Dense | Convolution) -> nn.Module:
    """The module with the weights of a layer, of its kind of numbers and on its device."""
    made: Any = module.to(device=layer.weight.device, dtype=layer.weight.dtype)
    with torch.no_grad():
        made.weight.copy_(layer.weight)
        if made.bias is not None:
            made.bias.copy_(layer.bias)
    return module


def _normalisation(norm: Normalisation, of_maps: bool) -> nn.Module:
    """PyTorch's, with what it has learned and seen."""
    n = len(norm.weight)
    made: nn.Module = (
        (nn.BatchNorm2d if of_maps else nn.BatchNorm1d)(n, EPSILON, MOMENTUM)
        if norm.kind == "batch"
        else nn.GroupNorm(norm.groups, n, EPSILON)
    )
    made.to(device=norm.weight.device, dtype=norm.weight.dtype)
    made.load_state_dict(norm.state_dict(), strict=False)  # batches are not counted here
    return made


def _pool(pool: Pooling) -> nn.Module:
    """PyTorch's."""
    return (nn.MaxPool2d if pool.kind == "max" else nn.AvgPool2d)(pool.size, pool.stride)
