"""A trained network as a plain module of PyTorch: the same scores, and names that PyTorch gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.to_torch import to_torch
from spikelearn.rules import make_rule
from spikelearn.training.torch_module import torch_module

ACTIVATIONS = ["relu", "tanh", "sigmoid", "hard_sigmoid", "elu"]


class Run:
    """As much of a run as is read."""

    def __init__(self, description, rule="backprop"):
        self.config = {"rule": rule}
        self.rule = make_rule(rule)
        self.rule.prepare(description.build(1), torch_generator(0, "rule"))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_scores_of_fully_connected_networks_are_the_same(activation):
    run = Run(MLP(name="m", sizes=(12, 7, 6, 3), activation=activation))
    module = torch_module(run)
    x = 3 * torch.randn(20, 12)
    assert not module.training
    assert torch.equal(module(x), run.rule.predict(x))
    plain = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))
    plain.load_state_dict(module.state_dict())
    assert torch.equal(plain[4].bias, run.rule.network.layers[2].bias)
    assert module.input_shape == (12,)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_scores_of_convolutional_networks_are_the_same(activation):
    description = CNN(
        name="c", input_shape=(2, 9, 7), channels=(4, 3), kernel_size=3, pool=(2, 1), hidden=(5,),
        n_classes=3, activation=activation,
    )  # fmt: skip
    run = Run(description)
    with torch.no_grad():
        for layer in run.rule.network:
            layer.bias.normal_()
    module = torch_module(run)
    x = torch.randn(6, 2, 9, 7)
    torch.testing.assert_close(module(x), run.rule.predict(x))
    plain = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.AvgPool2d(2), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1),
        nn.ReLU(), nn.Flatten(), nn.Linear(36, 5), nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip
    plain.load_state_dict(module.state_dict())
    assert [type(one) for one in module][:2] == [nn.Conv2d, nn.AvgPool2d]


def test_the_weights_are_copies():
    run = Run(MLP(name="m", sizes=(4, 3)))
    before = run.rule.network.layers[0].weight.clone()
    module = torch_module(run)
    with torch.no_grad():
        module[0].weight.zero_()
    assert torch.equal(run.rule.network.layers[0].weight, before)


def test_what_answers_otherwise_or_is_no_sequence_of_layers_is_refused():
    small = MLP(name="m", sizes=(4, 3, 2))
    with pytest.raises(SpikelearnError, match="'forward_forward' answers otherwise"):
        torch_module(Run(small, "forward_forward"))
    residual = sl.load_model("residual_mlp_784")
    with pytest.raises(SpikelearnError, match="a network of kind residual_mlp is no sequence"):
        torch_module(Run(residual))
    with pytest.raises(SpikelearnError, match="a network of kind gru is no sequence"):
        torch_module(Run(sl.load_model("gru_28"), "backprop_through_time"))
    with pytest.raises(SpikelearnError, match=r"run\.network\.to_nir"):
        torch_module(object())
    with pytest.raises(SpikelearnError, match="a network of kind Linear is no sequence"):
        to_torch(nn.Linear(2, 2))


def test_a_run_gives_its_network():
    run = sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=200)
    x = torch.rand(5, 64)
    assert torch.equal(run.to_torch()(x), run.rule.predict(x))
    html = run._repr_html_()
    assert "<table>" in html
    assert f"{run.summary['test_accuracy']:.4f}" in html
