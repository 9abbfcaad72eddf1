"""What theory expects of each family of rules, by the quick criteria; and no contradictions."""

from __future__ import annotations

import pytest
from measured import audited, finding

from spikelearn.plausibility.coherence import contradictions

QUICK = ("C1", "C3", "C4a", "C4b", "C4c", "C9", "C15")
# A family a line: which of `QUICK` it meets (+) and does not (-).
EXPECTED = {
    "backprop": "------+",
    "feedback_alignment": "+-----+",
    "direct_feedback_alignment": "+-----+",
    "sign_symmetric_fixed": "------+",
    "weight_mirror": "+-----+",
    "difference_target_propagation_ldrl": "+-----+",
    "predictive_coding": "----+-+",
    "predictive_coding_incremental": "--+-+-+",
    "predictive_coding_zil": "----+-+",
    "equilibrium_propagation_centred": "----+-+",
    "contrastive_hebbian": "----+-+",
    "forward_forward": "+--++--",
    "pepita": "+---+--",
    "node_perturbation": "++--+-+",
    "weight_perturbation": "++--+-+",
    "local_pred": "+-++--+",
    "oja": "+++++++",
    "softhebb": "+++++++",
    "surrogate": "------+",
    "eprop_spiking": "+-+---+",
    "decolle": "+-++--+",
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", EXPECTED)
def test_verdicts_are_those_of_theory_and_none_is_contradicted(rule: str) -> None:
    findings = {key: finding(rule, key) for key in QUICK}
    signs = {True: "+", False: "-", None: "?"}
    assert "".join(signs[findings[key].met] for key in QUICK) == EXPECTED[rule]
    assert contradictions(audited(rule), findings) == []
    assert all(not one.contradiction for one in findings.values())
