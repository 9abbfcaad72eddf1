"""Agreement of simulators."""

from __future__ import annotations

from spikelearn import Activity
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.studies.agreement import agreement


def test_agreement_counts_spikes_that_are_the_same_in_both():
    def activity(times, backend):
        spikes = PopulationSpikes.from_unsorted(2, times, [0] * len(times))
        return Activity({"p": spikes}, 10.0, 0.1, provenance={"backend": backend})

    (row,) = agreement(
        "r", "n", 0, activity([1.0, 2.0], "a"), activity([1.0 + 1e-9, 3.0, 4.0], "b")
    )
    assert (row["spikes_a"], row["spikes_b"], row["spikes_in_both"]) == (2, 3, 1)
