"""C12: weights that fluctuate and weights of few bits."""

from __future__ import annotations

from measured import finding


def test_the_verdict_is_that_of_the_worse_of_noise_and_six_bits() -> None:
    measured = finding("feedback_alignment", "C12")
    accuracy = {p.place: p.effect for p in measured.probes}
    expected = min(accuracy["weight noise"], accuracy["6 bits"]) / accuracy["exact"]
    assert measured.value == expected
    assert measured.graded is not None
    assert measured.graded.meets(measured.value) == (expected >= 0.9)
    assert measured.undecided == (measured.lower < 0.9 <= measured.upper)
