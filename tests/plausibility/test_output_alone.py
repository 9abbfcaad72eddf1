"""Rules that train the output layer alone have findings of what learns."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA, Finding
from spikelearn.plausibility.output_alone import audited_rule, hidden_moved
from spikelearn.rules.rule import Rule, leave, output_loss

FOLLOWS = "follows from the equations: met"


@cache
def audited(rule: Any) -> AuditedRule:
    return audited_rule(rule)


@cache
def finding(rule: Any, key: str) -> Finding:
    return audited(rule).finding(CRITERIA[key])


class DeltaRule(Rule):
    """The gradient of the output layer alone."""

    def learns(self) -> list[torch.nn.Parameter]:
        return list(list(self.network)[-1].parameters())

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        loss, _ = output_loss(self.loss, self.network(x), y)
        leave(self.learns(), torch.autograd.grad(loss, self.learns()))
        apply()
        return loss.detach()


class LaterDeltaRule(DeltaRule):
    """The same, and backpropagation from the second epoch on."""

    epoch = 1

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        self.epoch = epoch

    def learns(self) -> list[torch.nn.Parameter]:
        return list(self.network.parameters()) if self.epoch > 1 else super().learns()


@pytest.mark.parametrize("key", ["C1", "C4b", "C14"])
def test_what_asks_for_layers_above_follows(key: str) -> None:
    for rule in ("reward_stdp", DeltaRule):
        found = finding(rule, key)
        assert found.verdict == FOLLOWS
        assert found.sentence.startswith("The output layer alone learns.")


@pytest.mark.parametrize(
    ("rule", "rank", "channel"),
    [
        ("reward_stdp", 1, "one number"),
        ("reward_stdp_label", 4, "a teacher of each neuron"),
        (DeltaRule, 4, "a teacher of each neuron"),
    ],
)
def test_what_teaches_the_output_is_counted(rule: Any, rank: int, channel: str) -> None:
    taught, way, labels = (finding(rule, key) for key in ("C3", "C4c", "C9"))
    assert taught.value == rank
    assert taught.by_intervention is (rank <= 1)
    assert way.shown == channel
    assert labels.verdict == "fail"
    said = "By provenance the label enters as more than one number." in taught.sentence
    assert said is (taught.verdict == "disagree")


@pytest.mark.parametrize("key", ["C2", "C3", "C4a", "C4c", "C5", "C8", "C9", "C10", "C15", "C16"])
def test_no_row_is_blank_and_no_sentence_speaks_of_hidden_layers(key: str) -> None:
    found = finding("reward_stdp", key)
    assert found.verdict != "does not apply"
    assert "idden" not in found.sentence


def test_hidden_layers_that_learn_later_are_seen_in_training() -> None:
    assert not hidden_moved(audited("reward_stdp"))
    assert hidden_moved(audited(LaterDeltaRule)) == "layer 1, layer 2"
    found = finding(LaterDeltaRule, "C1")
    assert not found.met
