"""C4a: phases are counted."""

from __future__ import annotations

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
