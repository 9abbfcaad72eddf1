"""The container: what is asked of it by name."""

from __future__ import annotations

import numpy as np
import pytest
from activities import small_activity

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import Activity, PopulationSpikes


def test_a_rate_is_spikes_over_neurons_trials_and_seconds() -> None:
    activity = small_activity()
    assert activity.rate_hz("excitatory") == pytest.approx(5 / (4 * 3 * 0.05))
    assert activity.n_spikes == 6


def test_trials_without_labels_are_numbered() -> None:
    spikes = PopulationSpikes.from_unsorted(1, np.empty(0), np.empty(0))
    assert Activity({"a": spikes}, 10.0, 0.1, 3).labels == ("0", "1", "2")
    with pytest.raises(SpikelearnError, match="2 stimulus labels were given for 3 trials"):
        Activity({"a": spikes}, 10.0, 0.1, 3, ("x", "y"))


def test_a_population_that_was_not_recorded_is_refused_with_those_that_were() -> None:
    with pytest.raises(SpikelearnError, match="recorded; there are excitatory, inhibitory"):
        small_activity()["cortex"]


@pytest.mark.parametrize(("duration_ms", "n_trials"), [(4.6e21, 1), (1e300, 1), (1e12, 10**6)])
def test_more_steps_than_a_clock_counts_are_refused(duration_ms: float, n_trials: int) -> None:
    spikes = PopulationSpikes.from_unsorted(1, np.empty(0), np.empty(0))
    labels = [""] * n_trials
    with pytest.raises(SpikelearnError, match="which no clock counts exactly"):
        Activity({"a": spikes}, duration_ms, 0.1, n_trials, labels)
    assert Activity({"a": spikes}, 1e14, 0.1).n_trials == 1
