"""Channel-wise competition against the gradient of its costs, and against its own symmetries."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.oracles.forward_forward_by_hand import (
    CHANNELWISE,
    N_CLASSES,
    assert_close,
    batch,
    layers_by_hand,
    network,
    prepared,
    update_of,
)


def owners(n: int) -> list[int]:
    """Class of every channel."""
    return [i * N_CLASSES // n for i in range(n)]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_channelwise_competition_is_the_gradient_of_every_layers_own_cost(
    kind: str, activation: str
) -> None:
    net = network(kind, activation)
    x, y = batch(net)
    rule = prepared(CHANNELWISE, net, slope=1.7)
    found = update_of(rule, x, y)
    *hidden, output = layers_by_hand(net, x)
    total = 0.0
    for index, h in enumerate(hidden):
        of_class = [
            torch.stack([h[:, i] ** 2 for i, k in enumerate(owners(h.shape[1])) if k == label])
            for label in range(N_CLASSES)
        ]
        goodness = torch.stack([g.transpose(0, 1).flatten(1).mean(1) for g in of_class], 1)
        cost = -torch.log(
            torch.exp(1.7 * goodness[torch.arange(len(y)), y]) / torch.exp(1.7 * goodness).sum(1)
        ).mean()
        total += float(cost.detach())
        expected = torch.autograd.grad(cost, list(list(net)[index].parameters()), retain_graph=True)
        for a, b in zip(found[2 * index : 2 * index + 2], expected, strict=True):
            assert_close(a, b)
    scores = rule.predict(x)
    torch.testing.assert_close(scores, output.detach(), rtol=1e-12, atol=1e-12)
    expected = torch.autograd.grad(cross_entropy(output, y), list(list(net)[-1].parameters()))
    for a, b in zip(found[-2:], expected, strict=True):
        assert_close(a, b)
    total += float(cross_entropy(output, y).detach())
    assert float(rule.update(x, y, lambda: None)) == pytest.approx(total, rel=1e-12)
    assert float(rule.objective(x, y)) == pytest.approx(total, rel=1e-12)
    rule.readout = "goodness"
    torch.testing.assert_close(rule.predict(x), 1.7 * goodness.detach())


@pytest.mark.parametrize("n_units", [4, 5, 7, 11])
def test_every_channel_has_one_class_and_classes_get_as_many_as_they_can(n_units: int) -> None:
    rule = prepared(CHANNELWISE, network(sizes=(11, n_units, 4)))
    (shares,) = rule.extra["shares"].parameters()
    assert [int(row.nonzero()) for row in shares] == owners(n_units)
    counts = (shares > 0).sum(0)
    assert int(counts.max() - counts.min()) <= 1
    torch.testing.assert_close(shares.sum(0), torch.ones(4, dtype=torch.float64))


def test_channelwise_competition_draws_nothing_and_shows_no_label() -> None:
    net = network()
    x, y = batch(net)
    rule = prepared(CHANNELWISE, net)
    before = rule.generator.get_state()
    activity = rule.activity(x)
    update_of(rule, x, y)
    assert torch.equal(rule.generator.get_state(), before)
    for other in itertools.islice(rule.activity(x).values(), 3):
        assert any(torch.equal(other, h) for h in activity.values())


def test_swapping_two_channels_of_one_class_swaps_their_updates() -> None:
    sizes = (11, 8, 4)  # two units a class
    net = network(sizes=sizes)
    x, y = batch(net)
    before = update_of(prepared(CHANNELWISE, net), x, y)
    order = [0, 1, 3, 2, 4, 5, 6, 7]
    first, output = list(net)
    with torch.no_grad():
        first.weight.copy_(first.weight[order].clone())
        first.bias.copy_(first.bias[order].clone())
        output.weight.copy_(output.weight[:, order].clone())
    after = update_of(prepared(CHANNELWISE, net), x, y)
    assert_close(after[0], before[0][order], 1e-12)
    assert_close(after[2], before[2][:, order], 1e-12)
