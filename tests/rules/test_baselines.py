"""Baselines: what leaves a network as it was, and random features under a readout."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.networks.mlp import MLP
from spikelearn.networks.recurrent import Recurrent
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.small_network import SmallNetwork, descend, state_of
from tests.oracles.hebbian_learning import prepared

UNTRAINED = [name for name in RULES if name.startswith("untrained")]
MODELS: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(8, 7, 6, 5)),
    "residual_mlp": ResidualMLP(name="r", n_inputs=8, width=6, depth=3, n_classes=5),
    "elman": Recurrent(kind="elman", name="e", n_steps=4, row=2, hidden=6, n_classes=5),
    "spiking_mlp": SpikingMLP(name="s", sizes=(8, 7, 6, 5), max_rate_hz=400.0),
    "latency_mlp": LatencyMLP(name="l", sizes=(8, 7, 5), weight_mean=8.0),
}


@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n in UNTRAINED for k in RULES[n].networks if k in MODELS]
)
def test_untrained_moves_nothing(name: str, kind: str) -> None:
    small = SmallNetwork(name, MODELS[kind], 0)
    rule = small.fresh()
    before = state_of(rule)
    calls = []
    rule.update(small.x, small.y, lambda: calls.append(1) or descend(rule, 0.1)())  # type: ignore[func-returns-value]
    assert not rule.trains
    assert not calls
    assert all(torch.equal(before[key], value) for key, value in state_of(rule).items())


def test_every_kind_of_network_has_an_untrained_twin() -> None:
    trained = {kind for entry in RULES.values() for kind in entry.networks if kind != "spiking"}
    assert {kind for name in UNTRAINED for kind in RULES[name].networks} == trained


def test_random_features_are_those_of_an_untaught_rule_under_the_same_readout() -> None:
    x = torch.rand(12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    options = {"transform": "triangle", "radius": 1.0}
    random = prepared("random_features", (6, 5, 2), **options)
    untaught = prepared("softhebb", (6, 5, 2), unsupervised_epochs=0, **options)
    assert torch.equal(random.predict(x), untaught.predict(x))
    random.update(x, torch.arange(12) % 2, lambda: None)
    assert random.network.weights()[0].grad is None


def test_backprop_learns_by_the_loss_that_it_is_given() -> None:
    network = MODELS["mlp"].build(0).double()
    x = torch.rand(4, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.arange(4)
    rule = make_rule("backprop", loss="squared_error")
    rule.prepare(network, torch.Generator())
    loss = rule.update(x, y, lambda: None)
    target = torch.eye(5, dtype=torch.float64)[y]
    expected = 0.5 * (network(x) - target).square().sum() / len(y)
    torch.testing.assert_close(loss, expected.detach())
    for parameter, gradient in zip(
        network.parameters(), torch.autograd.grad(expected, list(network.parameters())), strict=True
    ):
        torch.testing.assert_close(parameter.grad, gradient)
