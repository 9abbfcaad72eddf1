"""Samples that are kept and learned from again are told from traces that a synapse keeps."""

from __future__ import annotations

from collections.abc import Callable

import cheats
import pytest
import torch
from measured import finding

from spikelearn.plausibility.instruments.kept_samples import learned_again
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.baselines import Backprop
from spikelearn.rules.hebbian import Hebbian


class Rehearsing(Backprop):
    """Backpropagation of what is there and of what was there before."""

    before: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        now = x.clone(), y.clone()
        if self.before is not None:
            x, y = torch.cat([x, self.before[0]]), torch.cat([y, self.before[1]])
        self.before = now
        return super().update(x, y, apply)


class Traced(Backprop):
    """Momentum of its own: each synapse keeps a trace of its updates."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        kept = self.__dict__.setdefault("kept", {})

        def traced() -> None:
            for index, parameter in enumerate(self.network.parameters()):
                kept[index] = 0.9 * kept.get(index, 0.0) + parameter.grad
                parameter.grad = kept[index].clone()
            apply()

        return super().update(x, y, traced)


@pytest.mark.parametrize("rule", [cheats.CHEATS["replay_buffer"].rule, Rehearsing])
def test_what_is_passed_through_the_synapses_again_is_seen(rule: type) -> None:
    again = learned_again(RepeatedUpdate(rule))
    assert again is not None
    assert again > 1e-3
    found = finding(rule, "C6")
    assert found.verdict == "fail"
    assert "seen before" in found.sentence


@pytest.mark.parametrize(
    "rule",
    [Traced, "backprop", "bcm", "winner_take_all", "oja", "weight_mirror", "kolen_pollack",
     "decorrelated_node_perturbation", "predictive_coding_incremental", "local_predsim",
     "equilibrium_propagation", "difference_target_propagation_ldrl", "forward_forward"],
)  # fmt: skip
def test_traces_thresholds_and_learned_feedback_are_no_kept_samples(rule: object) -> None:
    assert learned_again(RepeatedUpdate(rule)) == 0.0


def test_it_is_asked_of_layers_with_a_synapse_for_each_input() -> None:
    assert learned_again(RepeatedUpdate("eprop")) is None
    assert learned_again(RepeatedUpdate("surrogate")) is None
    assert issubclass(cheats.CHEATS["replay_buffer"].rule, Hebbian)
