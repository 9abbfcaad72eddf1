"""What a finding says."""

from __future__ import annotations

from spikelearn.plausibility.criteria import Finding


def finding(by_provenance: bool | None, by_intervention: bool | None) -> Finding:
    """A finding of which only the instruments' words matter."""
    return Finding(0.0, "0", "-", by_provenance, by_intervention, "")


def test_a_criterion_is_passed_only_where_both_instruments_agree() -> None:
    assert finding(True, True).verdict == "pass"
    assert finding(False, False).verdict == "fail"
    assert finding(True, False).verdict == finding(False, True).verdict == "disagree"
    assert finding(None, True).verdict == "pass"
    assert finding(None, None).verdict == "reported"
