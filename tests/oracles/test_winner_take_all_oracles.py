"""Winner-take-all: winners move to the inputs they win, and to the means of clusters."""

from __future__ import annotations

import torch

from tests.oracles.hebbian_learning import learn, prepared


def test_the_winner_alone_moves_to_the_input() -> None:
    rule = prepared("winner_take_all", (3, 4, 2))
    weight = rule.network.weights()[0]
    before = weight.detach().clone()
    x = torch.nn.functional.normalize(before[2:3] + 0.05)
    learn(rule, x, 0.5)
    change = weight.detach() - before
    assert change.abs().sum(1).nonzero().flatten().tolist() == [2]
    torch.testing.assert_close(change[2], 0.5 * (x[0] - before[2]))


def test_winners_come_to_the_means_of_their_clusters() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(3, 5, generator=generator)).double()
    noise = 0.05 * torch.randn(600, 5, generator=generator, dtype=torch.float64)
    x = torch.nn.functional.normalize(centres.repeat(200, 1) + noise)
    rule = prepared("winner_take_all", (5, 3, 2))
    with torch.no_grad():
        rule.network.weights()[0].copy_(centres + 0.2)
    learn(rule, x, 0.5, 200)
    means = torch.stack([x[i::3].mean(0) for i in range(3)])
    torch.testing.assert_close(rule.network.weights()[0].detach(), means, rtol=0, atol=1e-9)
