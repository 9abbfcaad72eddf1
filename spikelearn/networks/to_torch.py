"""A trained network of rates as a plain module of PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Convolution, Dense, RateNetwork

_ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": lambda: nn.Hardtanh(0.0, 1.0),
    "elu": nn.ELU,
}


def to_torch(network: nn.Module) -> nn.Sequential:
    """The network as `nn.Sequential` of PyTorch's own layers, in evaluation mode.

    Fully connected layers are `Linear`, convolutional ones `Conv2d` and, where they pool,
    `AvgPool2d`; then comes the nonlinearity, none behind the last layer; a `Flatten` stands before
    the first `Linear` that reads maps. The weights are copies. Its `state_dict` loads into any
    Sequential of the same layers as it is. Inputs are of shape (batch, n_inputs) for fully
    connected networks and (batch, channels, height, width) for convolutional ones, which its
    attribute `input_shape` says without the batch.

    Raises
    ------
    SpikelearnError
        For other networks than multi-layer perceptrons and convolutional ones.
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
            modules.append(_filled(nn.Conv2d(
                layer.in_shape[0], layer.out_shape[0], layer.size, padding=layer.size // 2
            ), layer))  # fmt: skip
            if layer.pool > 1:
                modules.append(nn.AvgPool2d(layer.pool))
        else:
            if len(layer.in_shape) > 1:
                modules.append(nn.Flatten())
            modules.append(_filled(nn.Linear(layer.fan_in, layer.out_shape[0]), layer))
        if layer.activation != "identity":
            modules.append(_ACTIVATIONS[layer.activation]())
    made = nn.Sequential(*modules).eval()
    made.input_shape = tuple(layers[0].in_shape)  # type: ignore[assignment]
    return made


def _filled(module: nn.Module, layer: Dense | Convolution) -> nn.Module:
    """The module with the weights of a layer, of its kind of numbers and on its device."""
    made: Any = module.to(device=layer.weight.device, dtype=layer.weight.dtype)
    with torch.no_grad():
        made.weight.copy_(layer.weight)
        made.bias.copy_(layer.bias)
    return module
