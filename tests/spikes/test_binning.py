"""Spikes in bins: every spike in one bin, edges to the right."""

from __future__ import annotations

import neo
import numpy as np
import pytest
import quantities as pq
from activities import small_activity
from elephant.conversion import BinnedSpikeTrain

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import PopulationSpikes, binning
from spikelearn.spikes.binning import (
    binned_counts,
    outdated_arguments_allowed,
    population_counts,
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
    for duration_ms, bin_ms in ((50.0, np.nan), (np.nan, 5.0), (np.inf, 5.0), (50.0, 1e-320)):
        with pytest.raises(SpikelearnError, match=r"a whole number of bins|must be above 0 ms"):
            whole_bins(duration_ms, bin_ms)
    spikes = small_activity()["excitatory"]
    kept, duration_ms = within_whole_bins(spikes, 50.0, 15.0)
    assert duration_ms == 45.0
    assert sorted(kept.times_ms.tolist()) == [0.0, 0.0, 12.5, 30.1]


@pytest.mark.parametrize("on_grid", [True, False])
def test_counts_are_elephants(on_grid: bool) -> None:
    generator = np.random.default_rng(1)
    times = generator.integers(0, 1000, 3000) * 0.1 if on_grid else generator.random(3000) * 100
    senders, trials = generator.integers(0, 7, 3000), generator.integers(0, 2, 3000)
    spikes = PopulationSpikes.from_unsorted(9, times, senders, trials)  # two of them are silent
    for bin_ms in (0.1, 0.7, 2.5):
        kept, duration_ms = within_whole_bins(spikes, 100.0, bin_ms)
        counts = binned_counts(kept, 2, duration_ms, bin_ms)
        for trial in range(2):
            trains = [
                neo.SpikeTrain(train, units="ms", t_stop=duration_ms)
                for train in kept.trains(trial)
            ]
            with outdated_arguments_allowed():
                theirs = BinnedSpikeTrain(
                    trains, n_bins=counts.shape[2], t_stop=duration_ms * pq.ms, tolerance=1e-6
                ).to_array()
            np.testing.assert_array_equal(counts[trial], theirs)


def test_spikes_are_counted_piece_by_piece_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spikes = small_activity()["excitatory"]
    at_once = binned_counts(spikes, 3, 50.0, 50.0)
    assert at_once.sum() == len(spikes) > 0
    monkeypatch.setattr(binning, "PIECE", 1)
    one_neuron = PopulationSpikes(1, spikes.times_ms, np.zeros_like(spikes.senders), spikes.trials)
    pieces = binned_counts(one_neuron, 3, 50.0, 50.0)[:, 0]
    np.testing.assert_array_equal(pieces, at_once.sum(axis=1))


def test_spikes_at_either_end_of_a_trial_are_in_its_bins_whatever_rounding_has_done() -> None:
    times = np.array([-1e-8, 0.0, 2.9999999, 3.0, 3.0000001])
    for trial in (0, 999):
        spikes = PopulationSpikes.from_unsorted(1, times, np.zeros(5, dtype=int), trial)
        counts = binned_counts(spikes, 1000, 3.0, 1.0)
        assert counts[trial, 0].tolist() == [2, 0, 3]
        assert counts.sum() == 5
