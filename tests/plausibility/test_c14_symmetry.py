"""C14: sets of weights that must stay copies."""

from __future__ import annotations

import pytest
from measured import audited, finding

from spikelearn.plausibility.criteria import c14_symmetry


def test_feedback_that_learns_as_the_weights_do_finds_back() -> None:
    measured = finding("kolen_pollack", "C14")
    assert measured.verdict == "pass"
    before, at_once, later = (p.effect for p in measured.probes[:3])
    assert later > before > at_once


@pytest.mark.parametrize("rule", ["oja", "softhebb"])
def test_it_does_not_apply_where_nothing_returns_from_the_output(rule: str) -> None:
    assert finding(rule, "C14").verdict == "does not apply"


def test_where_the_update_pointed_nowhere_there_is_nothing_to_find_back_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cosines = iter([0.03, 0.02, 0.04])
    monkeypatch.setattr(c14_symmetry, "gradient_cosine", lambda rule, update: next(cosines))
    measured = c14_symmetry.measure(audited("feedback_alignment"))
    assert measured.verdict == "cannot be told"
    assert measured.sentence.startswith("Cosine with backpropagation's gradient: 0.03; 0.02 after")
    assert "0.1 before the noise" in measured.needed


def test_the_change_of_the_cosine_is_laid_beside_the_threshold() -> None:
    measured = finding("kolen_pollack", "C14")
    before, at_once, later = (p.effect for p in measured.probes[:3])
    assert measured.graded is not None
    assert measured.graded.value == max(at_once, later) - before
    assert f"{measured.probes[3].effect:.2f} after 80 updates" in measured.sentence
