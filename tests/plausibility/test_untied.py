"""A convolution whose kernels are free at every place."""

from __future__ import annotations

import torch

from spikelearn.networks.cnn import CNN
from spikelearn.plausibility.short_training import cnn, digits
from spikelearn.plausibility.untied import untied


def test_an_untied_layer_computes_what_its_convolution_did_and_has_its_adjoint() -> None:
    tied = cnn().build(0).double()
    free = untied(cnn().build(0)).double()
    x = digits()[0].x[:5].double()
    for one, two in zip(tied.activity(x), free.activity(x), strict=True):
        assert torch.allclose(one, two)
    layer, h = list(free)[1], free.activity(x)[0]
    delta = torch.randn(5, *layer.out_shape, dtype=torch.float64)
    forwards = (layer.through(layer.weight, h) * delta).sum()
    backwards = (layer.transpose(layer.weight, delta).flatten(1) * h.flatten(1)).sum()
    assert torch.allclose(forwards, backwards)
    z = layer.drive(h)
    expected = torch.autograd.grad((z * delta).sum(), [layer.weight, layer.bias])
    for one, two in zip(layer.product(h, delta), expected, strict=True):
        assert torch.allclose(one, two)


def test_strides_pooling_normalisation_and_what_is_carried_stay():
    tied = CNN(
        name="c", input_shape=(2, 9, 8), channels=(4, 6), kernel_size=3, stride=[1, 2],
        pool=["max 2", 1], norm=["none", "group 2"], residual=[False, True], n_classes=3,
    ).build(0).double()  # fmt: skip
    free = untied(tied)
    x = torch.randn(5, 144, dtype=torch.float64)
    torch.testing.assert_close(free.activity(x), tied.activity(x))
    h = torch.randn(5, *tied.layers[1].in_shape, dtype=torch.float64)
    delta = torch.randn(5, *tied.layers[1].drive_shape, dtype=torch.float64)
    one, other = tied.layers[1], free.layers[1]
    torch.testing.assert_close(other.pull(h, delta), one.pull(h, delta))
    by_place, _ = other.product(h, delta)
    by_kernel, _ = one.product(h, delta)
    torch.testing.assert_close(by_place.sum(2).view(by_kernel.shape), by_kernel)
