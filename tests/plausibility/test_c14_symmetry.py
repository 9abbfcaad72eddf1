"""C14: sets of weights that must stay copies."""

from __future__ import annotations

import pytest
from measured import finding


def test_feedback_that_learns_as_the_weights_do_finds_back() -> None:
    measured = finding("kolen_pollack", "C14")
    assert measured.verdict == "pass"
    before, at_once, later = (p.effect for p in measured.probes[:3])
    assert later > before > at_once


@pytest.mark.parametrize("rule", ["oja", "softhebb"])
def test_it_does_not_apply_where_nothing_returns_from_the_output(rule: str) -> None:
    assert finding(rule, "C14").verdict == "does not apply"
