"""C8: what neurons tell one another."""

from __future__ import annotations

from measured import finding, of_plasticity, pair_stdp


def test_a_spiking_network_s_activity_is_spikes_and_its_errors_are_not() -> None:
    measured = finding("decolle", "C8")
    assert measured.value == 1.0
    assert measured.verdict == "fail"
    assert finding("feedback_alignment", "C8").value == 0.0


def test_all_messages_of_a_simulated_network_are_spikes() -> None:
    assert of_plasticity(pair_stdp(), "C8").verdict == "pass"
