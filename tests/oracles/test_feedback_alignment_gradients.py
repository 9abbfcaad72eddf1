"""Backpropagation and feedback alignment against independent code, in 64-bit arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.oracles.gradients_by_hand import (
    assert_close,
    batch,
    by_hand,
    feedback_of,
    network,
    prepared,
    set_feedback,
    update_of,
)

# --- The rules once more, in NumPy and by the formulae of their papers.


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
