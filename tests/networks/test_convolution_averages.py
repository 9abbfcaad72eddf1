"""Averages before the nonlinearity, made by one larger kernel: held to averages of small ones."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d

from spikelearn.networks.cnn import CNN
from spikelearn.networks.convolution import Convolution

SHAPES = [
    {"pool": 2},
    {"pool": 3, "padding": 0},  # leaves rows and columns out
    {"pool": 2, "stride": 2, "kernel_size": 2, "padding": 0},
    {"pool": 2, "stride": 3, "kernel_size": 2, "padding": 1},  # pixels that no kernel reads
    {"pool": 4, "kernel_size": 5},
]


def prepared(given: dict[str, object]) -> tuple[Convolution, torch.Tensor, torch.Tensor]:
    """A layer, what it reads, and a signal at its drive."""
    described = {"input_shape": (2, 11, 14), "channels": (4,), "n_classes": 3, "name": "c"} | given
    layer = CNN(**described).build(0).double().layers[0]
    assert isinstance(layer, Convolution)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        layer.bias.normal_(generator=generator)
    h = torch.randn(3, *layer.in_shape, generator=generator, dtype=torch.float64)
    delta = torch.randn(3, *layer.drive_shape, generator=generator, dtype=torch.float64)
    return layer, h.requires_grad_(), delta


@pytest.mark.parametrize("given", SHAPES)
def test_one_larger_kernel_gives_the_averages_and_their_derivatives(given) -> None:
    layer, h, delta = prepared(given)
    p = layer.averaged
    z = avg_pool2d(conv2d(h, layer.weight, layer.bias, layer.stride, layer.padding), p)
    torch.testing.assert_close(layer.drive(h), z)
    by_weight, by_bias, below = torch.autograd.grad(
        (z * delta).sum(), [layer.weight, layer.bias, h]
    )
    with torch.no_grad():
        weight, bias = layer.product(h, delta)
        torch.testing.assert_close(weight, by_weight)
        torch.testing.assert_close(bias, by_bias)
        torch.testing.assert_close(layer.pull(h, delta), below)
    # Backpropagation differentiates the larger kernel.
    found = torch.autograd.grad((layer.drive(h) * delta).sum(), [layer.weight, layer.bias, h])
    for one, other in zip(found, (by_weight, by_bias, below), strict=True):
        torch.testing.assert_close(one, other)


def test_averages_take_the_multiplications_of_the_larger_kernel_alone() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    layer, h, _ = prepared({"pool": 2})
    with FlopCounterMode(display=False) as counter:
        layer.drive(h)
    places = layer.drive_shape[1] * layer.drive_shape[2]
    assert counter.get_total_flops() == 2 * len(h) * 4 * 2 * 16 * places
