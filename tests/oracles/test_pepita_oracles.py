"""PEPITA: its formula, its first order, and the delta rule it becomes without a projection."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikelearn.networks.mlp import MLP
from spikelearn.rules.rule import forward_pass, output_loss
from tests.oracles.perturbed_networks import (
    batch,
    gradient,
    network,
    prepared,
    update_of,
)


@pytest.mark.parametrize(("scale", "limit"), [(1e-1, 0.2), (1e-3, 6e-3), (1e-5, 6e-5)])
def test_the_hidden_update_of_pepita_is_its_first_order_for_a_small_projection(
    scale: float, limit: float
) -> None:
    net = MLP(name="m", sizes=(16, 7, 4), activation="tanh").build(0).double()
    x, y = batch()
    rule = prepared("pepita", net, scale=scale)
    rule.update(x, y, lambda: None)
    found = net.weights()[0].grad
    projection = next(rule.extra.parameters())
    passes = forward_pass(net, x)
    error = output_loss("cross_entropy", passes[-1].h, y)[1]
    reached = (error @ projection.T) @ net.weights()[0].T
    signal = -passes[0].through_activation(reached)
    expected = signal.T @ x
    assert (found - expected).norm() / expected.norm() < limit


def test_pepita_without_a_projection_is_the_delta_rule_at_the_output() -> None:
    net, (x, y) = network(), batch()
    rule = prepared("pepita", net, scale=0.0)
    found = update_of(rule, x, y)
    truth = gradient(net, x, y)
    n_output = 6 * 4 + 4
    torch.testing.assert_close(found[-n_output:], truth[-n_output:])
    assert not found[:-n_output].any()


@pytest.mark.parametrize("error_of", ["second", "first"])
def test_pepita_is_its_formula_for_one_sample(error_of: str) -> None:
    net, (x, y) = network(), batch(1)
    rule = prepared("pepita", net, scale=2.0, error_of=error_of)
    found = update_of(rule, x, y)
    projection = next(rule.extra.parameters()).detach()
    with torch.no_grad():
        first = net.activity(x)
        error = first[-1].softmax(1)[0] - nn.functional.one_hot(y, 4)[0]
        again = x + projection @ error
        second = net.activity(again)
        error_again = second[-1].softmax(1)[0] - nn.functional.one_hot(y, 4)[0]
    expected = []
    reads = [again, *second[:-1]]
    for index in range(2):
        signal = (first[index] - second[index])[0]
        expected += [torch.outer(signal, reads[index][0]).flatten(), signal]
    signal, read = (error_again, reads[2]) if error_of == "second" else (error, first[1])
    expected += [torch.outer(signal, read[0]).flatten(), signal]
    torch.testing.assert_close(found, torch.cat(expected), rtol=1e-10, atol=1e-13)


def test_dropout_of_pepita_masks_both_passes_alike() -> None:
    net, (x, y) = network(), batch()
    # Without a projection both passes are the same, masks included: hidden updates stay zero.
    found = update_of(prepared("pepita", net, scale=0.0, keep=0.5), x, y)
    assert not found[: 16 * 7 + 7 + 7 * 6 + 6].any()
    masked = update_of(prepared("pepita", net, scale=1.0, keep=0.5), x, y)
    assert not torch.equal(masked, update_of(prepared("pepita", net, scale=1.0), x, y))
