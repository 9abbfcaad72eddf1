"""A rule under audit: what is measured once for several criteria."""

from __future__ import annotations

from measured import audited


def test_hidden_layers_are_those_below_the_output_that_learn() -> None:
    assert (
        audited("feedback_alignment").hidden == audited("feedback_alignment").update.hidden_names()
    )
    assert not audited("untrained").learns_below


def test_the_label_drives_the_activity_of_a_rule_that_settles_and_of_no_other() -> None:
    assert audited("equilibrium_propagation").states.label_in_activity
    assert not audited("feedback_alignment").states.label_in_activity


def test_layers_wait_for_activity_above_where_errors_return() -> None:
    assert audited("feedback_alignment").waiting == audited("feedback_alignment").hidden
    assert audited("local_pred").waiting == []
