"""Convolutional layers as they are described: what is built, what is the same, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks import CNN
from spikelearn.networks.convolution import positions
from spikelearn.networks.convolution_shape import norm_of, pooling_of
from spikelearn.networks.model_sizes import model_size
from spikelearn.networks.to_torch import to_torch

GIVEN = {"name": "c", "input_shape": (2, 13, 11), "channels": (8, 4), "pool": 1, "n_classes": 3}
# A network with everything that PyTorch has a layer for.
EVERYTHING = {
    **GIVEN, "kernel_size": [5, 2], "stride": [2, 1], "padding": ["same", 1], "bias": [False, True],
    "pool": ["max 3 stride 2", "average 2"], "norm": ["batch", "group 2"], "dropout": [0.2, 0, 0.5],
    "hidden": [6], "activation": "tanh",
}  # fmt: skip


def test_a_value_for_all_layers_is_a_list_of_it():
    one = CNN(**GIVEN | {"kernel_size": 3, "stride": 2, "norm": "batch", "pool": "max 2"})
    two = CNN(
        **GIVEN | {"kernel_size": [3, 3], "stride": [2, 2], "norm": ["batch"] * 2,
                   "pool": ["max 2"] * 2, "padding": "same", "residual": [False, False]}
    )  # fmt: skip
    assert one.convolutions() == two.convolutions()
    assert [shape.out_shape for shape in one.convolutions()] == [(8, 3, 3), (4, 1, 1)]
    assert one.shapes == [(2, 13, 11), (8, 3, 3), (4, 1, 1), (3,)]


def test_a_description_of_before_is_kept_with_the_fields_it_had():
    old = CNN(name="c", input_shape=(1, 8, 8), channels=(3,), pool=(2,), n_classes=4)
    assert set(old.model_dump(exclude_none=True)) == {
        "kind", "name", "description", "reference", "input_shape", "channels", "kernel_size",
        "pool", "hidden", "n_classes", "activation",
    }  # fmt: skip


def test_what_is_built_is_what_pytorch_has():
    network = CNN(**EVERYTHING).build(0)
    module = to_torch(network)
    assert [type(one).__name__ for one in module] == [
        "Conv2d", "BatchNorm2d", "Tanh", "MaxPool2d", "Dropout", "Conv2d", "GroupNorm", "Tanh",
        "AvgPool2d", "Flatten", "Linear", "Tanh", "Dropout", "Linear",
    ]  # fmt: skip
    x = torch.randn(5, 2, 13, 11)
    torch.testing.assert_close(network(x), module(x))
    assert module[0].bias is None
    assert "layers.0.bias" not in dict(network.named_parameters())


def test_weights_and_units_are_counted_as_they_are_built():
    description = CNN(**EVERYTHING)
    network = description.build(0)
    size = model_size(description)
    assert size.n_weights == sum(p.numel() for p in network.parameters())
    drives = [layer.drive_shape for layer in network]
    assert [tuple(layer.out_shape) for layer in network] == description.shapes[1:]
    units = sum(torch.Size(shape).numel() for shape in [*drives, description.input_shape])
    assert size.n_units >= units


def test_a_residual_layer_adds_what_it_receives():
    description = CNN(**GIVEN | {"residual": [False, True], "stride": [1, 2], "channels": (4, 7)})
    network = description.build(0)
    first, second, _ = network
    x = torch.randn(3, 2, 13, 11)
    h = torch.relu(nn.functional.conv2d(x, first.weight, first.bias, padding=1))
    z = nn.functional.conv2d(h, second.weight, second.bias, stride=2, padding=1)
    z[:, :4] += h[:, :, ::2, ::2]
    torch.testing.assert_close(network.activity(x)[1], torch.relu(z))
    with pytest.raises(SpikelearnError, match="a residual layer adds what it receives, so that"):
        to_torch(network)


def test_positions_are_counted_as_kernels_meet_the_image():
    layer = next(iter(CNN(**EVERYTHING).build(0)))
    patches = nn.functional.unfold(torch.ones(1, 1, 13, 11), 5, padding=2, stride=2)
    torch.testing.assert_close(positions(layer), patches.sum(2).view(5, 5))


def test_pooling_and_normalisation_are_read_from_words():
    assert pooling_of(3) == (3, None)
    assert pooling_of("max 3 stride 2")[1].side(13) == 6
    assert norm_of("group 4") == ("group", 4)
    assert norm_of("none") == (None, 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kernel_size": [3, 4]}, "kernel_size must be odd, found 4 in convolutional layer 2"),
        ({"kernel_size": [3, 3, 3]}, "kernel_size must give a value for each of the 2 conv"),
        ({"stride": 0}, "convolutional layer 1: kernel_size and stride must be at least 1"),
        ({"stride": 5, "padding": 0}, "convolutional layer 2: kernels of 3 x 3 do not fit into an"
         " image of 3 x 2"),
        ({"kernel_size": [13, 3], "padding": 0}, "layer 1: kernels of 13 x 13 do not fit into an"
         " image of 13 x 11"),
        ({"padding": -1}, "padding must be at least 0, found -1"),
        ({"pool": ["max 6", "max 3"]}, "layer 2: pool makes an image of 2 x 1 vanish"),
        ({"pool": "max"}, "pool is written as max 2, average 2 or max 3 stride 2"),
        ({"pool": "max 0"}, "pool is written as max 2"),
        ({"pool": "median 2"}, "found 'median 2'"),
        ({"pool": 0}, "pool must be at least 1, found 0"),
        ({"norm": "layer"}, "norm is none, batch, or group and a number of groups; found 'layer'"),
        ({"norm": "group 3"}, "convolutional layer 1: 8 channels do not make 3 equal groups"),
        ({"norm": "group 8", "input_shape": (1, 3, 3), "channels": (8,), "padding": 0, "pool": 1},
         "convolutional layer 1: 8 groups of one value each, less their mean, are nothing"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, found 1"),
        ({"dropout": [0.1]}, "dropout must give a value for each of the 2 hidden layers, found 1"),
        ({"residual": True}, "convolutional layer 1 receives the image, which no residual layer"),
        ({"residual": [False, True]}, "convolutional layer 2: a residual layer adds 8 channels of"
         " 13 x 11 to its drive, but its kernels make 4 of 13 x 11"),
        ({"residual": [False, True], "channels": (4, 4), "padding": 0}, "make 4 of 9 x 7 of an"
         " image of 11 x 9; give it as many channels or more, and padding: same"),
        ({"residual": [False, True], "channels": (4, 4), "pool": 2}, "pool after the nonlinearity,"
         " as 'average 2'"),
    ],
)  # fmt: skip
def test_a_layer_that_cannot_be_is_refused_by_its_name(fields, words):
    with pytest.raises(SpikelearnError, match=words):
        CNN(**GIVEN | fields)
