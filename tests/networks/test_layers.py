"""Layers: the adjoint of the synapses, products and slopes, against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import ACTIVATIONS, Convolution, Dense, Layer, scaled_uniform


def layers() -> list[Layer]:
    generator = torch_generator(0, "weights")
    return [
        Dense(12, 5, "tanh", generator).double(),
        Convolution((2, 4, 4), 3, 3, 2, "tanh", generator).double(),
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


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_finite_differences(name: str) -> None:
    activation = ACTIVATIONS[name]
    z = torch.tensor([-2.3, -0.7, -0.2, 0.3, 0.6, 1.9], dtype=torch.float64)
    h, step = activation.function(z), 1e-6
    difference = (activation.function(z + step) - activation.function(z - step)) / (2 * step)
    torch.testing.assert_close(activation.slope(z, h), difference, rtol=1e-6, atol=1e-8)
    signal = torch.randn_like(z)
    torch.testing.assert_close(activation.back(signal, z, h), signal * activation.slope(z, h))


def test_weights_are_uniform_with_their_variance() -> None:
    weights = scaled_uniform((400, 100), 2.0, torch_generator(1, "weights"))
    assert weights.var().item() == pytest.approx(4.0 / 100, rel=0.03)
    assert weights.abs().max().item() <= 2.0 * (3.0 / 100) ** 0.5
