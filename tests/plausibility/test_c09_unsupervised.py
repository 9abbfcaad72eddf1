"""C9: who learns without labels."""

from __future__ import annotations

import pytest
from measured import finding, of_plasticity, pair_stdp, passes


@pytest.mark.parametrize(("rule", "unsupervised"), [("oja", True), ("bcm", True),
                                                    ("feedback_alignment", False)])  # fmt: skip
def test_hebbian_rules_learn_without_labels(rule: str, unsupervised: bool) -> None:
    assert passes(rule, "C9") is unsupervised
    assert (finding(rule, "C9").value == 0.0) is unsupervised


def test_there_are_no_labels_where_nobody_gives_rewards() -> None:
    assert of_plasticity(pair_stdp(), "C9").met
