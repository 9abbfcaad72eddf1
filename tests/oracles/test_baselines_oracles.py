"""Backpropagation against the formula by hand, autograd, and central differences."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn.networks.mlp import MLP
from tests.oracles.gradients_by_hand import (
    assert_close,
    batch,
    by_hand,
    network,
    prepared,
    update_of,
)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_backprop_is_the_gradient_written_out_by_hand(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    weights = [layer.weight.detach().numpy() for layer in net.layers]
    expected = by_hand(net, x, y, lambda layer, above, error: weights[layer + 1].T @ above)
    assert_close(update_of(prepared("backprop", net), x, y), expected)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_backprop_is_what_autograd_says_of_a_network_of_torchs_own_layers(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    stack: list[nn.Module] = []
    for layer in net.layers:
        n_out, n_in = layer.weight.shape
        linear = nn.Linear(n_in, n_out, dtype=torch.float64)
        linear.load_state_dict({"weight": layer.weight, "bias": layer.bias})
        stack += [linear, {"relu": nn.ReLU(), "tanh": nn.Tanh()}[activation]]
    theirs = nn.Sequential(*stack[:-1])
    loss = nn.CrossEntropyLoss()(theirs(x), y)
    loss.backward()
    rule = prepared("backprop", net)
    reported = rule.update(x, y, lambda: None)
    assert reported.item() == pytest.approx(loss.item(), rel=1e-14)
    assert not reported.requires_grad
    assert_close(
        [p.grad.numpy() for p in net.parameters()], [p.grad.numpy() for p in theirs.parameters()]
    )


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_backprop_is_the_slope_of_the_loss_by_central_differences(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    found = update_of(prepared("backprop", net), x, y)
    step = 1e-5

    def loss() -> float:
        with torch.no_grad():
            return float(nn.functional.cross_entropy(net(x), y))

    for parameter, gradient in zip(net.parameters(), found, strict=True):
        flat = parameter.data.view(-1)
        for index in range(flat.numel()):
            kept = flat[index].item()
            flat[index] = kept + step
            above = loss()
            flat[index] = kept - step
            below = loss()
            flat[index] = kept
            slope = (above - below) / (2 * step)
            assert gradient.ravel()[index] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_the_description_builds_the_network_it_describes() -> None:
    net = MLP(name="m", sizes=(7, 6, 5, 4), activation="tanh").build(0)
    assert [tuple(layer.weight.shape) for layer in net.layers] == [(6, 7), (5, 6), (4, 5)]
    assert [layer.activation for layer in net.layers] == ["tanh", "tanh", "identity"]
    x = torch.randn(3, 7)
    h = x
    for layer in list(net.layers)[:-1]:
        h = torch.tanh(h @ layer.weight.T + layer.bias)
    torch.testing.assert_close(net(x), h @ net.layers[-1].weight.T + net.layers[-1].bias)
