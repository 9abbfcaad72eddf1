"""Time to the first spike of each train."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    first_spike_latencies,
)
from spikelearn.spikes.activity import Activity
from tests.responses.examples import DURATION_MS, random_activity


@given(st.integers(0, 10_000), st.floats(0.0, 150.0))
@settings(max_examples=30, deadline=None)
def test_latencies_are_those_of_the_first_spike_of_each_train(seed, onset_ms) -> None:
    activity = random_activity(seed, n_spikes=60)
    latencies = first_spike_latencies(activity, "out", onset_ms)
    for trial in range(activity.n_trials):
        for unit, times in enumerate(activity["out"].trains(trial)):
            later = [t - onset_ms for t in times if t >= onset_ms]
            assert latencies.values[trial, unit] == pytest.approx(
                min(later, default=DURATION_MS - onset_ms)
            )


def test_a_spike_at_the_onset_is_not_before_it_by_rounding() -> None:
    one = PopulationSpikes.from_unsorted(1, np.array([0.3, 5.0]), np.array([0, 0]))
    activity = Activity({"out": one}, DURATION_MS, 0.1)
    assert first_spike_latencies(activity, "out", onset_ms=0.1 + 0.2).values.tolist() == [[0.0]]


def test_what_stands_for_silence_can_be_chosen() -> None:
    one = PopulationSpikes.from_unsorted(2, np.array([30.0]), np.array([1]))
    activity = Activity({"out": one}, DURATION_MS, 0.1)
    assert np.isnan(first_spike_latencies(activity, "out", silent_ms=np.nan).values[0, 0])
    assert first_spike_latencies(activity, "out").values.tolist() == [[DURATION_MS, 30.0]]
    with pytest.raises(SpikelearnError, match="onset_ms must lie within the trial"):
        first_spike_latencies(activity, "out", onset_ms=DURATION_MS)
