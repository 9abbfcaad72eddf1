"""What the equations of a plasticity read."""

from __future__ import annotations

from measured import pair_stdp


def test_a_synapse_of_stdp_reads_its_two_traces_and_its_weight() -> None:
    assert pair_stdp().variables == {
        "synapse": {"w", "x", "y"}, "pre": set(), "post": set(), "shared": set(),
    }  # fmt: skip
