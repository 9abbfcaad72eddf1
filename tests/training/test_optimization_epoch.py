"""One epoch: every batch in its order, each with its hooks."""

from __future__ import annotations

import torch

from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.training.images import Split
from spikelearn.training.optimization import train_epoch


def test_each_batch_is_learned_in_its_order_and_the_loss_is_summed_over_examples() -> None:
    rule = make_rule("backprop")
    rule.prepare(MLP(name="m", sizes=(4, 3, 2)).build(0), torch.Generator())
    data = Split(torch.rand(5, 4), torch.tensor([0, 1, 0, 1, 1]))
    seen: list[object] = []

    def step() -> None:
        seen.append(rule.network.training)

    rule.network.eval()
    batches = [torch.tensor([3, 1]), torch.tensor([4, 0, 2])]
    total = train_epoch(rule, data, batches, step, 1, 1, seen.append)
    assert seen == [0, True, 1, True]  # the hook, then the step of an update in training mode
    # No step moved the weights, so that the sum is that over all examples at once.
    loss = torch.nn.functional.cross_entropy(rule.network(data.x), data.y, reduction="sum")
    torch.testing.assert_close(total, loss.detach())


def test_the_rule_is_told_which_epoch_begins() -> None:
    rule = make_rule("oja")
    rule.prepare(MLP(name="m", sizes=(4, 3, 2)).build(0), torch.Generator())
    told: list[tuple[int, int]] = []
    rule.begin_epoch = lambda epoch, n_epochs: told.append((epoch, n_epochs))  # type: ignore[method-assign]
    train_epoch(rule, Split(torch.rand(1, 4), torch.tensor([0])), [], lambda: None, 2, 7)
    assert told == [(2, 7)]
