"""Spikes in bins: every spike in one bin, edges to the right."""

from __future__ import annotations

import numpy as np
import pytest
from activities import small_activity

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import PopulationSpikes
from spikelearn.spikes.binning import (
    binned_counts,
    population_counts,
    session_trains,
    whole_bins,
    within_whole_bins,
)


def test_counts_are_those_of_numpys_histogram() -> None:
    generator = np.random.default_rng(0)
    times, senders = generator.integers(0, 1001, 500) * 0.1, generator.integers(0, 3, 500)
    trials = generator.integers(0, 2, 500)
    spikes = PopulationSpikes.from_unsorted(3, times, senders, trials)
    counts = binned_counts(spikes, 2, 100.0, 12.5)
    edges = np.arange(9) * 12.5
    for trial in range(2):
        for neuron, train in enumerate(spikes.trains(trial)):
            np.testing.assert_array_equal(counts[trial, neuron], np.histogram(train, edges)[0])
    np.testing.assert_array_equal(population_counts(spikes, 2, 100.0, 12.5), counts.sum(1))


def test_bins_that_do_not_fill_a_trial_are_refused_or_left_out() -> None:
    assert whole_bins(50.0, 12.5) == 4
    with pytest.raises(SpikelearnError, match="a whole number of bins"):
        whole_bins(50.0, 15.0)
    spikes = small_activity()["excitatory"]
    kept, duration_ms = within_whole_bins(spikes, 50.0, 15.0)
    assert duration_ms == 45.0
    assert sorted(kept.times_ms.tolist()) == [0.0, 0.0, 12.5, 30.1]


def test_trials_follow_one_another_with_an_empty_bin_between() -> None:
    trains = session_trains(small_activity()["excitatory"], 3, 50.0, 5.0)
    assert [len(train) for train in trains] == [2, 1, 2, 0]
    starts = trains[0].rescale("ms").magnitude
    assert starts[1] - starts[0] == pytest.approx(50.0 + 2 * 5.0)
