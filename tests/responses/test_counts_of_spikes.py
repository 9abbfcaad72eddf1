"""Spike counts and rates of trials, against counting one by one and Elephant."""

from __future__ import annotations

import neo
import numpy as np
import pytest
from elephant.statistics import mean_firing_rate
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    firing_rates_hz,
    spike_counts,
)
from spikelearn.spikes.activity import Activity
from tests.responses.examples import DURATION_MS, random_activity


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 9), st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_spike_counts_are_the_numbers_of_spikes(seed, size, n_trials, n_spikes) -> None:
    activity = random_activity(seed, size, n_trials, n_spikes)
    counts = spike_counts(activity, "out")
    np.testing.assert_array_equal(counts.values, activity["out"].counts(n_trials))


def test_spike_counts_carry_their_coordinates() -> None:
    counts = spike_counts(random_activity(0, n_trials=2, labels=["dog", "cat"]), "out")
    assert counts.dims == ("stimulus", "unit")
    assert list(counts["stimulus"].values) == ["dog", "cat"]
    assert list(counts["unit"].values) == list(range(7))
    assert counts["population"].item() == "out"


def test_firing_rates_are_elephants() -> None:
    activity = random_activity(1)
    rates = firing_rates_hz(activity, "out")
    for trial in range(activity.n_trials):
        for unit, times in enumerate(activity["out"].trains(trial)):
            train = neo.SpikeTrain(times, units="ms", t_stop=DURATION_MS)
            expected = mean_firing_rate(train).rescale("Hz").item()
            assert rates.values[trial, unit] == pytest.approx(expected)
    assert rates.mean().item() == pytest.approx(activity.rate_hz("out"))


def test_spike_counts_of_92_trials_of_266_neurons_are_the_spikes_counted_one_by_one() -> None:
    activity = random_activity(3, size=266, n_trials=92, n_spikes=200_000)
    expected = np.zeros((92, 266))
    np.add.at(expected, (activity["out"].trials, activity["out"].senders), 1)
    np.testing.assert_array_equal(spike_counts(activity, "out").values, expected)


def test_a_population_that_was_not_recorded_is_named() -> None:
    with pytest.raises(SpikelearnError, match="was recorded; there are out"):
        spike_counts(random_activity(0), "hidden")


def test_spikes_after_the_end_of_the_trial_are_refused() -> None:
    late = PopulationSpikes.from_unsorted(1, np.array([DURATION_MS + 1]), np.array([0]))
    with pytest.raises(SpikelearnError, match="within the trial"):
        spike_counts(Activity({"out": late}, DURATION_MS, 0.1), "out")
