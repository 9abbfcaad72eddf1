"""C5: memory and what comes later."""

from __future__ import annotations

import pytest
from measured import audited, of_plasticity, pair_stdp, passes

from spikelearn.plausibility.criteria.c05_backward_in_time import memory_slope


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
