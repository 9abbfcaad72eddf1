"""A rule under audit: what is measured once for several criteria."""

from __future__ import annotations

from measured import audited


def test_hidden_layers_are_those_below_the_output_that_learn() -> None:
    under_audit = audited("feedback_alignment")
    assert under_audit.hidden_weights == under_audit.update.hidden_names()
    biases = [n.replace("weight", "bias") for n in under_audit.hidden_weights]
    assert set(under_audit.hidden) == {*under_audit.hidden_weights, *biases}
    assert not audited("untrained").learns_below


def test_the_label_drives_the_activity_of_a_rule_that_settles_and_of_no_other() -> None:
    assert audited("equilibrium_propagation").states.label_in_activity
    assert not audited("feedback_alignment").states.label_in_activity


def test_layers_wait_for_activity_above_where_errors_return() -> None:
    assert audited("feedback_alignment").waiting == audited("feedback_alignment").hidden
    assert audited("local_pred").waiting == []
