"""Contrastive Hebbian and coupled learning: by hand, by their energy, and by one another."""

from __future__ import annotations

import itertools

import pytest
import torch

from spikelearn.rules.rule import one_hot_targets
from tests.oracles.examples import (
    batch,
    gradient,
    network,
    relative_error,
    update_of,
)
from tests.oracles.states_at_rest import (
    KINDS,
    calm,
    ready,
    relaxed_scores,
)


@pytest.mark.parametrize("kind", KINDS)
def test_coupled_learning_by_small_nudges_is_equilibrium_propagation_with_a_stiffer_teacher(
    kind: str,
) -> None:
    # Holding the output eta (y - s) away from rest takes the force K eta (y - s), with K the
    # stiffness of E at the output, all other states at rest: equilibrium propagation with K (y - s)
    # in place of y - s.
    net, (x, y) = calm(kind), batch(3)
    rule = ready("coupled_learning", net)
    scores = relaxed_scores(rule, x, 150)
    error = (scores - one_hot_targets(y, 4, scores)).detach()
    pull = torch.empty_like(error)
    for i in range(len(x)):
        stiffness = torch.autograd.functional.jacobian(
            lambda s, i=i: (s - relaxed_scores(rule, x[i : i + 1], 150, s))[0],
            scores[i : i + 1].detach(),
        )[:, 0]
        assert float((stiffness - torch.eye(4)).norm()) > 0.05
        pull[i] = stiffness @ error[i] / len(x)
    truth = torch.autograd.grad(scores, list(net.parameters()), pull)
    gaps = [
        relative_error(update_of(ready("coupled_learning", net, nudge=eta), x, y), list(truth))
        for eta in (1e-2, 1e-3, 1e-4)
    ]
    assert gaps[2] < 1e-4
    assert [a / b for a, b in itertools.pairwise(gaps)] == pytest.approx([10, 10], rel=0.1)


def test_without_hidden_layers_coupled_learning_and_equilibrium_propagation_are_one() -> None:
    net, (x, y) = network(sizes=(16, 4)), batch(3)
    # The nudged output rests beta / (1 + beta) of the way to the label.
    beta = 0.25
    nudged = update_of(ready("equilibrium_propagation", net, beta=beta), x, y)
    coupled = update_of(ready("coupled_learning", net, nudge=beta / (1 + beta)), x, y)
    assert relative_error([g * (1 + beta) for g in nudged], coupled) < 1e-12
    assert relative_error(coupled, gradient(net, x, y, "squared_error")) < 1e-12


def test_coupled_learning_all_the_way_is_contrastive_hebbian_learning() -> None:
    net, (x, y) = calm(), batch()
    coupled = update_of(ready("coupled_learning", net, nudge=1.0), x, y)
    contrastive = update_of(ready("contrastive_hebbian", net), x, y)
    assert relative_error(coupled, contrastive) < 1e-14


@pytest.mark.parametrize("kind", KINDS)
def test_contrastive_hebbian_learning_is_equilibrium_propagation_with_an_endless_force(
    kind: str,
) -> None:
    net, (x, y) = calm(kind), batch()
    contrastive = update_of(ready("contrastive_hebbian", net), x, y)
    beta = 1e7
    pushed = update_of(ready("equilibrium_propagation", net, beta=beta), x, y)
    assert relative_error([beta * g for g in pushed], contrastive) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_contrastive_hebbian_learning_descends_the_energy_that_the_label_costs(kind: str) -> None:
    net, (x, y) = calm(kind), batch(3)
    rule = ready("contrastive_hebbian", net, free_steps=100, nudged_steps=100)
    found = update_of(rule, x, y)
    step = 1e-5
    for parameter, slope in zip(net.parameters(), found, strict=True):
        values = parameter.data.view(-1)
        for position in {0, values.numel() // 2, values.numel() - 1}:
            kept = values[position].item()
            costs = []
            for shift in (step, -step):
                values[position] = kept + shift
                costs.append(float(rule.objective(x, y)))
            values[position] = kept
            expected = (costs[0] - costs[1]) / (2 * step)
            assert float(slope.reshape(-1)[position]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_contrastive_hebbian_learning_is_the_product_of_states_by_hand() -> None:
    net, (x, y) = calm(), batch(1)
    rule = ready("contrastive_hebbian", net)
    found = update_of(rule, x, y)
    w = [layer.weight.detach() for layer in net]
    b = [layer.bias.detach() for layer in net]
    target = one_hot_targets(y, 4, x)
    contrast = [torch.zeros_like(weight) for weight in w]
    for sign, clamped in ((-1.0, True), (1.0, False)):
        h1, h2 = torch.full((1, 7), 0.5).double(), torch.full((1, 6), 0.5).double()
        for _ in range(500):
            out = target if clamped else h2 @ w[2].T + b[2]
            h2 = torch.sigmoid(h1 @ w[1].T + b[1] + out @ w[2])
            h1 = torch.sigmoid(x @ w[0].T + b[0] + h2 @ w[1])
        out = target if clamped else h2 @ w[2].T + b[2]
        for total, (post, pre) in zip(contrast, ((h1, x), (h2, h1), (out, h2)), strict=True):
            total.add_(sign * post.T @ pre)
    for index, expected in enumerate(contrast):
        torch.testing.assert_close(found[2 * index], expected, rtol=1e-8, atol=1e-10)
