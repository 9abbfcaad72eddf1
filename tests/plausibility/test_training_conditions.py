"""Interventions under the conditions of training runs."""

from __future__ import annotations

import pytest
import torch
from cheats import CHEATS
from measured import audited

from spikelearn.plausibility.instruments.intervention import held_weight_probes
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.short_training import BATCH
from spikelearn.plausibility.training_conditions import WARM_UP, as_trained

WATCHED = ("honest_when_precise", "honest_in_small_networks", "honest_with_few_classes",
           "honest_first_updates", "honest_in_first_epoch")  # fmt: skip


def test_numbers_batches_and_network_are_those_of_the_short_training_runs() -> None:
    several = audited("feedback_alignment").as_trained
    x, y = several.batches[0]
    assert x.dtype == torch.float32
    assert len(y) == BATCH
    assert several.warm_up == WARM_UP == 40
    weights = list(several.update.weights(several.update.network()).values())
    assert [tuple(w.shape) for w in weights] == [(48, 64), (32, 48), (10, 32)]
    assert {w.dtype for w in weights} == {torch.float32}
    shown = torch.cat([x for x, _ in several.batches[:WARM_UP]])
    assert len(shown.unique(dim=0)) > 0.9 * len(shown)  # an epoch


@pytest.mark.parametrize("name", WATCHED)
def test_a_rule_that_is_honest_on_the_small_network_alone_is_seen(name: str) -> None:
    several = as_trained(RepeatedUpdate(CHEATS[name].rule))
    assert max(p.effect for p in held_weight_probes(several)) > 0.1
    assert "backwards layer 2" in several.tags["network.layers.0.weight"]


@pytest.mark.parametrize("rule", ["kolen_pollack", "node_perturbation", "local_predsim"])
def test_an_honest_rule_is_honest_there(rule: str) -> None:
    several = audited(rule).as_trained
    assert {p.effect for p in held_weight_probes(several)} == {0.0}
    assert several.floor == 0.0
