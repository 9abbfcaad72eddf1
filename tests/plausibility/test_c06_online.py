"""C6: learning one sample at a time."""

from __future__ import annotations

from measured import finding, passes


def test_a_rule_that_adds_up_over_the_batch_learns_one_by_one() -> None:
    assert passes("node_perturbation", "C6")


def test_a_rule_that_compares_samples_fails_however_well_it_learns() -> None:
    measured = finding("krotov_hopfield", "C6")
    assert measured.verdict == "fail"
    assert measured.scope == "batch"
    assert "compared with one another" in measured.sentence
