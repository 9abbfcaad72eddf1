"""Backpropagation and feedback alignment against independent code, in 64-bit arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from spikelearn.networks.layers import Dense
from spikelearn.networks.mlp import MLP
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

Gradients = list[np.ndarray]
SIZES = (7, 6, 5, 4)


def network(activation: str, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> RateNetwork:
    """A network in 64 bits, with biases away from zero."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        Dense(n_in, n_out, activation if i < len(sizes) - 2 else "identity", generator)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    ]
    made = RateNetwork(layers).double()
    with torch.no_grad():
        for layer in layers:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 9, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, SIZES[0], generator=generator, dtype=torch.float64)
    return x, torch.randint(SIZES[-1], (n,), generator=generator)


def prepared(name: str, net: RateNetwork, seed: int = 2) -> Rule:
    """A rule on `net`, with what it draws in 64 bits."""
    rule = make_rule(name)
    rule.prepare(net, torch.Generator().manual_seed(seed))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Gradients:
    """What `update` leaves in `.grad`, in the order of the network's parameters."""
    rule.update(x, y, lambda: None)
    return [p.grad.numpy().copy() for p in rule.network.parameters()]


def set_feedback(rule: Rule, matrices: list[torch.Tensor]) -> None:
    """Put these in place of the drawn feedback weights."""
    with torch.no_grad():
        for parameter, matrix in zip(rule.extra["feedback"].parameters(), matrices, strict=True):
            parameter.copy_(matrix)


def assert_close(found: Gradients, expected: Gradients, rtol: float = 1e-12) -> None:
    """Equal up to `rtol` of the largest entry of each array."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max() + 1e-300)
        assert np.abs(b).max() > 0, "a gradient that is zero proves nothing"


# --- The rules once more, in NumPy and by the formulae of their papers.


def phi(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Activity and derivative."""
    if name == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if name == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    return z, np.ones_like(z)


def by_hand(
    net: RateNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    hidden_error: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
) -> Gradients:
    """Update of a batch; `hidden_error(l, delta above, output error)` gives the signal at h_l.

    Written for one sample at a time with column vectors, as the papers write it.
    """
    weights = [layer.weight.detach().numpy() for layer in net.layers]
    biases = [layer.bias.detach().numpy() for layer in net.layers]
    names = [layer.activation for layer in net.layers]
    total = [np.zeros_like(p) for pair in zip(weights, biases, strict=True) for p in pair]
    for sample, label in zip(x.numpy(), y.numpy(), strict=True):
        h, slopes = [sample], []
        for w, b, name in zip(weights, biases, names, strict=True):
            activity, slope = phi(name, w @ h[-1] + b)
            h.append(activity)
            slopes.append(slope)
        error = np.exp(h[-1] - h[-1].max())
        error /= error.sum()
        error[label] -= 1
        delta = error
        for layer in reversed(range(len(weights))):
            if layer < len(weights) - 1:
                delta = hidden_error(layer, delta, error) * slopes[layer]
            total[2 * layer] += np.outer(delta, h[layer]) / len(y)
            total[2 * layer + 1] += delta / len(y)
    return total


def feedback_of(rule: Rule) -> list[np.ndarray]:
    return [m.numpy() for m in rule.extra["feedback"].parameters()]


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


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_feedback_alignment_is_its_formula_written_out_by_hand(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    rule = prepared("feedback_alignment", net)
    matrices = feedback_of(rule)
    expected = by_hand(net, x, y, lambda layer, above, error: matrices[layer].T @ above)
    assert_close(update_of(rule, x, y), expected)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_direct_feedback_alignment_is_its_formula_written_out_by_hand(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    rule = prepared("direct_feedback_alignment", net)
    matrices = feedback_of(rule)
    expected = by_hand(net, x, y, lambda layer, above, error: matrices[layer].T @ error)
    assert_close(update_of(rule, x, y), expected)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("sizes", [(7, 4), (7, 5, 4), (7, 6, 5, 6, 4)])
def test_feedback_alignment_with_the_forward_weights_is_backprop(
    activation: str, sizes: tuple[int, ...]
) -> None:
    net, (x, y) = network(activation, sizes), batch()
    rule = prepared("feedback_alignment", net)
    set_feedback(rule, [layer.weight for layer in list(net.layers)[1:]])
    found = update_of(rule, x, y)
    assert_close(found, update_of(prepared("backprop", net), x, y), rtol=1e-14)


def test_direct_feedback_through_the_product_of_the_forward_weights_is_backprop_if_linear() -> None:
    net, (x, y) = network("identity", (7, 6, 5, 6, 4)), batch()
    rule = prepared("direct_feedback_alignment", net)
    weights = [layer.weight.detach() for layer in net.layers]
    products = []
    for layer in range(len(weights) - 1):
        product = weights[-1]
        for above in reversed(weights[layer + 1 : -1]):
            product = product @ above
        products.append(product)
    set_feedback(rule, products)
    expected = update_of(prepared("backprop", net), x, y)
    assert_close(update_of(rule, x, y), expected, rtol=1e-13)
    # With a nonlinearity in between it is another rule.
    bent = network("tanh", (7, 6, 5, 6, 4))
    rule = prepared("direct_feedback_alignment", bent)
    set_feedback(rule, products)
    ours = update_of(rule, x, y)
    theirs = update_of(prepared("backprop", bent), x, y)
    assert not np.allclose(ours[0], theirs[0], rtol=1e-3)


@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
def test_the_output_layer_learns_as_in_backprop_whatever_the_feedback(name: str) -> None:
    net, (x, y) = network("relu"), batch()
    expected = update_of(prepared("backprop", net), x, y)
    found = update_of(prepared(name, net), x, y)
    assert_close(found[-2:], expected[-2:])
    assert not np.allclose(found[0], expected[0], rtol=1e-3)


def test_with_one_hidden_layer_the_two_kinds_of_feedback_alignment_are_one() -> None:
    net, (x, y) = network("relu", (7, 6, 4)), batch()
    step, direct = prepared("feedback_alignment", net), prepared("direct_feedback_alignment", net)
    set_feedback(direct, list(step.extra["feedback"].parameters()))
    found = update_of(direct, x, y)
    assert_close(found, update_of(step, x, y), rtol=1e-14)


@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
def test_hidden_layers_do_not_read_the_forward_weights_above_them(name: str) -> None:
    # No weight transport: with the errors clamped, other forward weights leave the update as it is.
    net, (x, y) = network("relu"), batch()
    rule = prepared(name, net)
    found = update_of(rule, x, y)
    layers = list(net.layers)
    with torch.no_grad():
        hidden = net.activity(x)[-2]
        wanted = layers[-1].drive(hidden)
        layers[-1].weight.mul_(-3.0)
        # Clamp the scores: what the weights changed, the bias of each sample would have to undo.
        shift = wanted - layers[-1].drive(hidden)
    layers[-1].drive = lambda h: nn.functional.linear(h, layers[-1].weight, layers[-1].bias) + shift
    again = update_of(rule, x, y)
    assert_close(again, found)


def test_the_description_builds_the_network_it_describes() -> None:
    net = MLP(name="m", sizes=(7, 6, 5, 4), activation="tanh").build(0)
    assert [tuple(layer.weight.shape) for layer in net.layers] == [(6, 7), (5, 6), (4, 5)]
    assert [layer.activation for layer in net.layers] == ["tanh", "tanh", "identity"]
    x = torch.randn(3, 7)
    h = x
    for layer in list(net.layers)[:-1]:
        h = torch.tanh(h @ layer.weight.T + layer.bias)
    torch.testing.assert_close(net(x), h @ net.layers[-1].weight.T + net.layers[-1].bias)
