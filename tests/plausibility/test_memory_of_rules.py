"""Memory: what a rule keeps past what it is saved with."""

from __future__ import annotations

from typing import Any

import cheats
import pytest
import torch
from cheats import CHEATS
from torch import nn

from spikelearn.plausibility.instruments.memory import lead_of, remembers
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


@pytest.mark.parametrize("rule", ["kolen_pollack", "node_perturbation", "bcm", "eprop", "oja"])
def test_a_rule_that_is_saved_with_all_it_knows_remembers_nothing(rule: str) -> None:
    assert not remembers(RepeatedUpdate(rule))
    assert lead_of(RepeatedUpdate(rule)) == 0


@pytest.mark.parametrize("name", ["labels_of_last_batch", "copied_after_update"])
def test_what_is_kept_in_an_attribute_or_in_fixed_feedback(name: str) -> None:
    kept_as_attribute = name == "labels_of_last_batch"
    assert remembers(RepeatedUpdate(CHEATS[name].rule)) is kept_as_attribute


class SilentAtFirst(cheats.HonestFeedbackAlignment):
    """Learns in its third update for the first time; what it waits with is saved."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """With a counter."""
        super().prepare(network, generator)
        self.extra["waited"] = nn.Module()
        self.extra["waited"].register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """As feedback alignment, or nothing."""
        waited = self.extra["waited"].get_buffer("updates")
        waited += 1
        return super().update(x, y, apply if int(waited) > 2 else lambda: None)


def test_the_update_that_is_looked_at_is_the_first_that_learns() -> None:
    update = RepeatedUpdate(SilentAtFirst)
    assert update.run().updates == {}
    assert lead_of(update) == 2
    update.lead = 2
    assert all(update.run().updates[n].any() for n in update.hidden_parameters())
