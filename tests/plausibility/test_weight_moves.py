"""What a rule moves the weights by on its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cheats import CHEATS

from spikelearn.networks.mlp import MLP
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.instruments.weight_moves import WeightMoves


def network() -> Any:
    """A small network in 64 bits."""
    return MLP(name="small", sizes=(4, 3, 2)).build(0).double()


@torch.no_grad()
def test_steps_of_the_training_loop_and_what_is_put_back_are_no_moves() -> None:
    trained = network()
    moves, weight = WeightMoves(trained), trained.weights()[0]
    noise = torch.randn(weight.shape, dtype=weight.dtype)
    weight += noise
    weight -= noise
    moves.before_step()
    weight += 1.0
    moves.after_step()
    assert moves.found() == {}


@torch.no_grad()
def test_what_the_rule_moves_before_and_after_a_step_adds_up() -> None:
    trained = network()
    moves, weight = WeightMoves(trained), trained.weights()[0]
    weight += 0.25
    moves.before_step()
    weight += 1.0
    moves.after_step()
    weight += 0.5
    found = moves.found()
    assert list(found) == ["network.layers.0.weight"]
    torch.testing.assert_close(
        found["network.layers.0.weight"], torch.full_like(weight, 0.75), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("rule", ["weight_perturbation", "oja", "forward_forward_symba"])
def test_shipped_rules_leave_the_weights_to_the_training_loop(rule: str) -> None:
    update = RepeatedUpdate(rule)
    outcome = update.run()
    called = [call for call in outcome.calls if call]
    for name, total in outcome.updates.items():
        torch.testing.assert_close(total, sum(c[name] for c in called if name in c))


def test_an_update_past_grad_is_an_update() -> None:
    outcome = RepeatedUpdate(CHEATS["moves_the_weights"].rule).run()
    assert outcome.updates["network.layers.0.weight"].any()
