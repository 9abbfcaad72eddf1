"""Krotov and Hopfield: ranked competition, unit by unit."""

from __future__ import annotations

import pytest
import torch

from tests.oracles.hebbian_learning import learn, prepared


def test_two_units_learn_from_a_sample_and_the_others_rest() -> None:
    rule = prepared("krotov_hopfield", (6, 8, 2), divide=False, rank=3)
    x = torch.rand(1, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w = rule.network.weights()[0].detach().clone()
    learn(rule, x, 0.0)
    change = -rule.network.weights()[0].grad
    order = (w @ x[0]).argsort(descending=True)
    assert set(change.abs().sum(1).nonzero().flatten().tolist()) == {int(order[0]), int(order[2])}
    for unit, g in ((order[0], 1.0), (order[2], -0.4)):
        torch.testing.assert_close(change[unit], g * (x[0] - (w[unit] @ x[0]) * w[unit]))


def test_the_largest_change_of_a_synapse_is_the_rate() -> None:
    rule = prepared("krotov_hopfield", (6, 8, 2))
    x = torch.rand(20, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    learn(rule, x, 0.0)
    assert float(rule.network.weights()[0].grad.abs().max()) == pytest.approx(1.0)


@pytest.mark.parametrize("p", [2.0, 3.0])
def test_a_winners_norm_comes_to_one(p: float) -> None:
    rule = prepared("krotov_hopfield", (4, 1, 2), divide=False, delta=0.0, p=p)
    x = torch.tensor([[0.3, 0.8, 0.1, 0.5]], dtype=torch.float64)
    with torch.no_grad():
        rule.network.weights()[0].abs_()
    learn(rule, x, 0.05, 4000)
    norm = rule.network.weights()[0].detach().abs().pow(p).sum()
    assert float(norm) == pytest.approx(1.0, abs=1e-6)


def test_without_unlearning_it_is_competitive_learning() -> None:
    rule = prepared("krotov_hopfield", (5, 4, 2), divide=False, delta=0.0)
    x = torch.rand(10, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w = rule.network.weights()[0].detach()
    learn(rule, x, 0.0)
    u = x @ w.T
    winner = torch.nn.functional.one_hot(u.argmax(1), 4).double()
    expected = (winner.T @ x - (winner * u).sum(0)[:, None] * w) / len(x)
    torch.testing.assert_close(-rule.network.weights()[0].grad, expected)
