"""Rates by a kernel, against Elephant."""

from __future__ import annotations

import neo
import numpy as np
import pytest
import quantities as pq

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    KERNELS,
    filtered_rates,
)
from spikelearn.spikes.activity import Activity
from tests.responses.examples import DURATION_MS, random_activity


@pytest.mark.parametrize("kernel", KERNELS)
def test_filtered_rates_are_elephants_of_each_train_by_itself(kernel) -> None:
    import elephant.kernels
    from elephant.statistics import instantaneous_rate

    activity = random_activity(3, size=4, n_trials=3)
    filtered = filtered_rates(activity, "out", kernel, sigma_ms=4.0, bin_ms=0.5)
    name, causal = KERNELS[kernel]
    pad_ms = 100.0  # so that nothing is lost at the ends
    for trial in range(activity.n_trials):
        trains = [
            neo.SpikeTrain(times + pad_ms + 5e-7, units="ms", t_stop=DURATION_MS + 2 * pad_ms)
            for times in activity["out"].trains(trial)
        ]
        expected = instantaneous_rate(
            trains,
            0.5 * pq.ms,
            getattr(elephant.kernels, name)(4.0 * pq.ms),
            center_kernel=not causal,
        )
        inside = expected.rescale("Hz").magnitude.T[:, 200:600]
        np.testing.assert_allclose(filtered.values[trial], np.maximum(inside, 0), atol=1e-6)


def test_a_filtered_rate_integrates_to_the_spikes_far_from_the_ends() -> None:
    middle = PopulationSpikes.from_unsorted(1, np.array([90.0, 100.0, 110.0]), np.zeros(3))
    activity = Activity({"out": middle}, DURATION_MS, 0.1)
    for kernel in KERNELS:
        rates = filtered_rates(activity, "out", kernel, sigma_ms=5.0, bin_ms=0.1)
        assert rates.sum() * 0.1 / 1000.0 == pytest.approx(3.0, rel=0.02)


def test_causal_kernels_know_nothing_of_spikes_to_come() -> None:
    late = PopulationSpikes.from_unsorted(1, np.array([150.0]), np.zeros(1))
    activity = Activity({"out": late}, DURATION_MS, 0.1)
    for kernel, (_, causal) in KERNELS.items():
        before = filtered_rates(activity, "out", kernel, sigma_ms=8.0).values[0, 0, :149]
        assert (np.abs(before).max() < 1e-9) == causal


def test_filtering_some_neurons_at_a_time_changes_nothing(monkeypatch) -> None:
    activity = random_activity(8, labels=["a", "b", "a", "c", "b"])
    whole = filtered_rates(activity, "out")
    monkeypatch.setattr("spikelearn.responses.filtered._AT_ONCE", 2000)
    np.testing.assert_allclose(filtered_rates(activity, "out").values, whole.values, atol=1e-9)
