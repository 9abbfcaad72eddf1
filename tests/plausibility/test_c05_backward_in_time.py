"""C5: memory and what comes later."""

from __future__ import annotations

import pytest
from measured import audited, of_plasticity, pair_stdp, passes

from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.criteria.c05_backward_in_time import memory_slope
from spikelearn.plausibility.output_alone import audited_rule


@pytest.mark.parametrize("rule", ["eprop_spiking", "ottt", "decolle"])
def test_memory_of_rules_forwards_in_time_does_not_grow(rule: str) -> None:
    assert memory_slope(audited(rule))[0] == 0.0
    assert passes(rule, "C5")


@pytest.mark.parametrize("rule", ["backprop_through_time", "surrogate"])
def test_memory_of_backpropagation_through_time_grows(rule: str) -> None:
    assert memory_slope(audited(rule))[0] >= 1.0
    assert not passes(rule, "C5")


def test_memory_of_stdp_does_not_grow_with_time() -> None:
    assert of_plasticity(pair_stdp(), "C5").value == 0


def test_what_simulating_events_takes_is_nothing_that_a_rule_keeps() -> None:
    measured = audited_rule("reward_stdp").finding(CRITERIA["C5"])
    assert measured.value == 0.0
    assert measured.verdict == "pass"


def test_memory_of_gradients_of_events_grows() -> None:
    assert memory_slope(audited("eventprop"))[0] >= 1.0


def test_what_a_late_reward_brings_is_not_told_from_what_comes_back() -> None:
    measured = audited("reward_stdp_hidden").finding(CRITERIA["C5"])
    assert measured.value == 0.0
    assert measured.verdict == "cannot be told"
    assert "reward" in measured.sentence
