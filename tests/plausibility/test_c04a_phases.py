"""C4a: phases are counted."""

from __future__ import annotations

import re

import pytest
from measured import finding

PHASES = {
    "backprop": 2, "equilibrium_propagation": 2, "equilibrium_propagation_centred": 3,
    "contrastive_hebbian": 2, "forward_forward": 2, "pepita": 2, "node_perturbation": 2,
    "weight_mirror": 3, "predictive_coding": 2, "predictive_coding_incremental": 1, "oja": 1,
    "eprop_spiking": 1, "decolle": 1,
}  # fmt: skip


@pytest.mark.parametrize("rule", PHASES)
def test_phases_are_counted(rule: str) -> None:
    assert finding(rule, "C4a").value == PHASES[rule]


def test_states_are_probes_and_the_sentence_is_made_of_them() -> None:
    mirror = finding("weight_mirror", "C4a")
    assert {p.quantity: p.effect for p in mirror.probes} == {
        "the stimulus": 1.0, "noise": 1.0, "weights tried and taken back": 0.0,
    }  # fmt: skip
    continuous = finding("predictive_coding_incremental", "C4a")
    assert re.search(r"Weights move [1-9] times while it runs", continuous.sentence)
    assert "tried" not in continuous.sentence
    assert continuous.verdict == "pass"
