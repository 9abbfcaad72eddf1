"""The audit is audited: every planted cheat is caught, and honest rules are not."""

from __future__ import annotations

from functools import cache
from typing import Any

import cheats
import pytest

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA, Finding


@cache
def audited(rule: Any) -> AuditedRule:
    """A rule under audit; each is made once."""
    return AuditedRule(rule)


@cache
def found(rule: Any, key: str) -> Finding:
    """What the audit says of it."""
    return CRITERIA[key].measure(audited(rule))


COPIES = (
    cheats.CopiedInUpdate,
    cheats.CopiedInPrepare,
    cheats.SharedStorage,
    cheats.CopiedTransposed,
    cheats.SpeltOut,
)


@pytest.mark.parametrize("rule", COPIES, ids=lambda r: r.__name__)
def test_feedback_alignment_with_a_hidden_copy_is_caught_by_both_instruments(rule: Any) -> None:
    finding = found(rule, "C1")
    assert finding.verdict == "fail"
    assert finding.by_provenance is False
    assert finding.by_intervention is False
    assert finding.value > 0.1


def test_a_copy_that_leaves_torch_is_seen_by_intervention_and_the_disagreement_is_shown() -> None:
    finding = found(cheats.CopiedThroughNumPy, "C1")
    assert finding.by_intervention is False
    assert finding.value > 0.1
    assert finding.verdict in ("fail", "disagree")


def test_a_local_rule_that_calls_autograd_across_layers_is_caught() -> None:
    assert found(cheats.NotSoLocal, "C1").verdict == "fail"
    assert found(cheats.NotSoLocal, "C4b").verdict == "fail"
    assert found(cheats.NotSoLocal, "C4c").verdict == "fail"


def test_an_unsupervised_rule_that_peeks_at_labels_is_caught() -> None:
    finding = found(cheats.LabelPeeker, "C9")
    assert finding.verdict == "fail"
    assert finding.by_provenance is False
    assert 0 < finding.value < 1e-4  # a millionth of the update is enough


def test_a_peek_at_a_label_as_a_python_number_is_seen_by_intervention() -> None:
    finding = found(cheats.LabelPeekerByItem, "C9")
    assert finding.by_intervention is False
    assert finding.verdict == "disagree"
    assert any("label" in names for names in audited(cheats.LabelPeekerByItem).trace.taken_out)


def test_an_online_rule_that_looks_one_step_ahead_is_caught() -> None:
    finding = found(cheats.OneStepAhead, "C5")
    assert finding.by_intervention is False
    assert finding.by_provenance is False
    assert "1 step" in finding.sentence


def test_a_rule_whose_claims_lie_is_told_so() -> None:
    from spikelearn.plausibility import audit_rule

    table = audit_rule(cheats.Boaster, criteria=["C1", "C4a", "C4c", "C9"]).table()
    assert list(table["claim"]) == ["met"] * 4
    assert list(table["claim_holds"]) == ["no"] * 4


@pytest.mark.parametrize("key", ["C1", "C2", "C15"])
def test_hand_written_feedback_alignment_passes(key: str) -> None:
    assert found(cheats.HonestFeedbackAlignment, key).verdict == "pass"


@pytest.mark.parametrize("key", ["C1", "C2", "C3", "C4a", "C4b", "C4c", "C9", "C10", "C15"])
def test_plain_hebb_passes(key: str) -> None:
    assert found(cheats.PlainHebb, key).verdict == "pass"


@pytest.mark.parametrize("key", ["C1", "C3", "C4a", "C4b", "C4c", "C9", "C10"])
def test_backpropagation_fails(key: str) -> None:
    assert found("backprop", key).verdict == "fail"
