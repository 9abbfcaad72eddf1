"""C4c: what carries the errors."""

from __future__ import annotations

from measured import finding


def test_errors_travel_as_activity_where_theory_says_so() -> None:
    channels = {rule: finding(rule, "C4c").shown for rule in (
        "backprop", "feedback_alignment", "predictive_coding", "equilibrium_propagation",
        "node_perturbation", "oja",
    )}  # fmt: skip
    assert channels == {
        "backprop": "separate", "feedback_alignment": "separate", "predictive_coding": "activity",
        "equilibrium_propagation": "activity", "node_perturbation": "one number", "oja": "none",
    }  # fmt: skip
