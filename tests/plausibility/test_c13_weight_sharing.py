"""C13: kernels that are free at every place."""

from __future__ import annotations

from measured import finding


def test_a_rule_that_learns_with_free_kernels_passes() -> None:
    measured = finding("feedback_alignment", "C13")
    assert measured.verdict == "pass"
    tied, free = (p.effect for p in measured.probes)
    assert measured.value == free / tied


def test_it_does_not_apply_to_rules_that_train_no_convolutions() -> None:
    assert finding("oja", "C13").verdict == "does not apply"
