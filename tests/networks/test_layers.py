"""Layers: the adjoint of the synapses and products, against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.convolution import Convolution
from spikelearn.networks.convolution_shape import ConvolutionShape
from spikelearn.networks.layers import Dense, Layer, scaled_uniform


def layers() -> list[Layer]:
    generator = torch_generator(0, "weights")
    return [
        Dense(12, 5, "tanh", generator).double(),
        Convolution(
            ConvolutionShape((2, 4, 4), 3, 3, padding=1, averaged=2), "tanh", generator
        ).double(),
    ]


@pytest.mark.parametrize("layer", layers(), ids=["dense", "convolution"])
def test_transpose_and_product_are_the_derivatives_of_the_drive(layer: Layer) -> None:
    h = torch.randn(3, *layer.in_shape, dtype=torch.float64, requires_grad=True)
    z = layer.drive(h)
    delta = torch.randn_like(z)
    by_h, by_weight, by_bias = torch.autograd.grad((z * delta).sum(), [h, layer.weight, layer.bias])
    weight, bias = layer.product(h.detach(), delta)
    torch.testing.assert_close(layer.transpose(layer.weight, delta).view_as(h), by_h)
    torch.testing.assert_close(layer.pull(h, delta).view_as(h), by_h)
    torch.testing.assert_close(weight, by_weight)
    torch.testing.assert_close(bias, by_bias)


def test_weights_are_uniform_with_their_variance() -> None:
    weights = scaled_uniform((400, 100), 2.0, torch_generator(1, "weights"))
    assert weights.var().item() == pytest.approx(4.0 / 100, rel=0.03)
    assert weights.abs().max().item() <= 2.0 * (3.0 / 100) ** 0.5
