"""Descriptions of rate networks and what they build: the same function as torch's own modules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks import CNN, MLP
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import square_image
from spikelearn.networks.to_torch import to_torch


def copied(module: nn.Module, layer: nn.Module) -> nn.Module:
    module.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    return module


def test_an_mlp_is_torchs_linear_layers_with_a_nonlinearity_between() -> None:
    network = MLP(name="m", sizes=(6, 5, 4, 3), activation="tanh").build(0)
    steps: list[nn.Module] = []
    for layer in network:
        steps += [copied(nn.Linear(*reversed(layer.weight.shape)), layer), nn.Tanh()]
    x = torch.randn(7, 6)
    torch.testing.assert_close(network(x), nn.Sequential(*steps[:-1])(x))
    assert [h.shape[1] for h in network.activity(x)] == [5, 4, 3]
    assert len(network) == 3


@pytest.mark.parametrize("norm", ["batch", "group 2"])
def test_a_normalised_mlp_is_torchs_modules_in_an_update_and_outside_of_one(norm: str) -> None:
    network = MLP(name="m", sizes=(6, 8, 4, 3), activation="tanh", norm=norm).build(0)
    steps: list[nn.Module] = []
    for layer in network:
        n_out, n_in = layer.weight.shape
        linear = nn.Linear(n_in, n_out, bias=layer.norm is None)
        linear.load_state_dict({n: t for n, t in layer.state_dict().items() if "norm" not in n})
        steps.append(linear)
        if layer.norm is not None:
            steps += [nn.BatchNorm1d(n_out) if norm == "batch" else nn.GroupNorm(2, n_out)]
            steps.append(nn.Tanh())
    assert [layer.has_bias for layer in network] == [False, False, True]
    theirs, x = nn.Sequential(*steps), torch.randn(7, 6)
    with network.learning({}):
        torch.testing.assert_close(network(x), theirs.train()(x))
    # Outside of an update it goes by what it has seen, one input like many, in any mode.
    expected = theirs.eval()(x)
    network.train()
    torch.testing.assert_close(network(x), expected)
    torch.testing.assert_close(torch.cat([network(row[None]) for row in x]), expected)
    torch.testing.assert_close(to_torch(network)(x), expected)


@pytest.mark.parametrize(
    ("norm", "words"),
    [
        (("batch",), "norm must give a value for each of the 2 hidden layers, found 1"),
        ("group 3", "fully connected layer 1: 8 units do not make 3 equal groups"),
        ("layer", "norm is none, batch, or group and a number of groups"),
    ],
)
def test_a_normalisation_that_cannot_be_is_refused(norm: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MLP(name="m", sizes=(6, 8, 4, 3), norm=norm)


def test_a_normalisation_of_no_layer_is_refused() -> None:
    with pytest.raises(
        ValueError, match="norm: batch is of hidden layers, of which there are none"
    ):
        MLP(name="m", sizes=(6, 3), norm="batch")
    with pytest.raises(ValueError, match="norm is none, batch, or group and a number of groups"):
        MLP(name="m", sizes=(6, 3), norm="layer")
    assert MLP(name="m", sizes=(6, 3), norm="none").norms() == []


def test_a_cnn_is_torchs_convolution_pooling_and_linear_layer() -> None:
    description = CNN(name="c", input_shape=(2, 8, 8), channels=(3,), pool=(2,), n_classes=4)
    network = description.build(0)
    convolution, dense = network
    theirs = nn.Sequential(
        copied(nn.Conv2d(2, 3, 3, padding=1), convolution), nn.AvgPool2d(2), nn.ReLU(),
        nn.Flatten(), copied(nn.Linear(48, 4), dense),
    )  # fmt: skip
    x = torch.randn(5, 2, 8, 8)
    torch.testing.assert_close(network(x), theirs(x))
    torch.testing.assert_close(network(x.flatten(1)), theirs(x))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pool": (2, 2)}, "pool must give a value for each of the 1 convolutional"),
        ({"kernel_size": 4}, "kernel_size must be odd, found 4"),
        ({"pool": (9,)}, "pool makes an image of 8 x 8 vanish"),
    ],
)
def test_a_cnn_that_cannot_be_is_refused(fields: dict, words: str) -> None:
    given = {"name": "c", "input_shape": (1, 8, 8), "channels": (3,), "pool": (2,)}
    with pytest.raises(ValueError, match=words):
        CNN(**(given | fields))


def test_square_images_have_one_channel_or_three() -> None:
    assert square_image(784) == (1, 28, 28)
    assert square_image(3072) == (3, 32, 32)
    assert square_image(10) is None


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="at least one layer"):
        RateNetwork([])
