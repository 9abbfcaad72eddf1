"""Kolen-Pollack: feedback weights near the forward weights by the decay alone."""

from __future__ import annotations

import pytest
import torch

from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer
from tests.oracles.feedback_weights import (
    MODELS,
    feedback,
    learnable,
    network,
    prepared,
)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_kolen_pollack_feedback_nears_the_forward_weights_by_the_decay_exactly(
    optimizer: str, kind: str
) -> None:
    net = network(kind)
    rule = prepared("kolen_pollack", net)
    rate, decay, n_steps = (0.5, 0.02, 500) if optimizer == "sgd" else (0.01, 1.0, 500)
    config = TrainConfig(
        model="mlp_784",
        rule="kolen_pollack",
        optimizer=optimizer,
        learning_rate=rate,
        weight_decay=decay,
    )
    stepper = Optimizer(config, rule)

    def distance() -> list[float]:
        pairs = zip(net.weights()[1:], feedback(rule), strict=True)
        return [float((w - b).detach().norm()) for w, b in pairs]

    before, weights = distance(), [w.detach().clone() for w in net.weights()]
    for step in range(n_steps):
        rule.update(*learnable(step), stepper.step)
    shrunk = (1.0 - rate * decay) ** n_steps
    assert 0.001 < shrunk < 0.01
    for start, end in zip(before, distance(), strict=True):
        assert end == pytest.approx(shrunk * start, rel=1e-9)
    # They meet away from where both would have decayed to by themselves.
    for start_weight, end_weight in zip(weights, net.weights(), strict=True):
        assert (end_weight - shrunk * start_weight).norm() > 0.1


@pytest.mark.parametrize("kind", MODELS)
def test_without_decay_kolen_pollack_keeps_its_distance(kind: str) -> None:
    net = network(kind)
    rule = prepared("kolen_pollack", net)
    before = [(w - b).detach() for w, b in zip(net.weights()[1:], feedback(rule), strict=True)]
    stepper = torch.optim.SGD(rule.parameters(), lr=0.1)
    for step in range(50):
        rule.update(*learnable(step), stepper.step)
    for pair, start in zip(
        zip(net.weights()[1:], feedback(rule), strict=True), before, strict=True
    ):
        torch.testing.assert_close(pair[0] - pair[1], start, rtol=1e-12, atol=1e-14)


def test_kolen_pollack_with_other_settings_for_the_feedback_does_not_become_symmetric() -> None:
    net = network("mlp")
    rule = prepared("kolen_pollack", net)
    stepper = torch.optim.SGD(
        [
            {"params": list(net.parameters()), "lr": 0.1},
            {"params": feedback(rule), "lr": 0.03},
        ],
        lr=0.1,
        weight_decay=0.01,
    )
    for step in range(500):
        rule.update(*learnable(step), stepper.step)
    pairs = zip(net.weights()[1:], feedback(rule), strict=True)
    gap = [float(((w - b).norm() / w.norm()).detach()) for w, b in pairs]
    assert min(gap) > 0.2
