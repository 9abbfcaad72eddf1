"""A convolution whose kernels are free at every place."""

from __future__ import annotations

import torch

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
