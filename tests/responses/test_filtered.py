"""Rates by a kernel, against Elephant."""

from __future__ import annotations

import neo
import numpy as np
import pytest
import quantities as pq

from spikelearn._errors import SpikelearnError
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
        made = getattr(elephant.kernels, name)(4.0 * pq.ms)
        expected = instantaneous_rate(trains, 0.5 * pq.ms, made, center_kernel=not causal)
        # Elephant's samples of the kernel, whose sum is not 1.
        total = made(np.arange(-40, 41) * 0.5 * pq.ms).rescale("1/ms").magnitude.sum() * 0.5
        inside = expected.rescale("Hz").magnitude.T[:, 200:600] / total
        np.testing.assert_allclose(filtered.values[trial], np.maximum(inside, 0), atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("sigma_ms", "bin_ms"),
    [(10.0, 1.0), (2.0, 1.0), (2.0, 10.0), (3.3, 1.0), (0.7, 10.0), (20.0, 10.0), (0.5, 50.0)],
)
def test_a_clock_of_20_hz_has_a_rate_of_20_hz(kernel, sigma_ms, bin_ms) -> None:
    times = np.arange(25.0, 2000.0, 50.0)
    clock = PopulationSpikes.from_unsorted(1, times, np.zeros(times.size))
    activity = Activity({"out": clock}, 2000.0, 0.1)
    rates = filtered_rates(activity, "out", kernel, sigma_ms, bin_ms).values[0, 0]
    inside = slice(round(300 / bin_ms), round(1700 / bin_ms))  # beyond the kernel's reach
    assert rates[inside].mean() == pytest.approx(20.0, rel=1e-6)
    whole = filtered_rates(activity, "out", kernel, sigma_ms, bin_ms, edge_correction=True)
    assert np.nanmean(whole) == pytest.approx(20.0, rel=0.03)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bin_ms", [0.1, 4.0, 25.0])
def test_a_filtered_rate_integrates_to_the_spikes_far_from_the_ends(kernel, bin_ms) -> None:
    middle = PopulationSpikes.from_unsorted(1, np.array([90.0, 100.0, 110.0]), np.zeros(3))
    activity = Activity({"out": middle}, DURATION_MS, 0.1)
    rates = filtered_rates(activity, "out", kernel, sigma_ms=5.0, bin_ms=bin_ms)
    assert rates.sum() * bin_ms / 1000.0 == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_rates_near_the_ends_read_low_unless_corrected(kernel) -> None:
    every_ms = PopulationSpikes.from_unsorted(1, np.arange(200.0), np.zeros(200))
    activity = Activity({"out": every_ms}, DURATION_MS, 0.1)
    cut = filtered_rates(activity, "out", kernel)
    assert cut.values[0, 0, 0] < 700.0
    assert cut.attrs["ends"] == "cut, rates near them read low"
    corrected = filtered_rates(activity, "out", kernel, edge_correction=True)
    known = ~np.isnan(corrected.values)
    assert known.sum() >= 199  # nothing reaches the first bin by an alpha function
    np.testing.assert_allclose(corrected.values[known], 1000.0, rtol=1e-6)
    assert corrected.attrs["ends"] == "corrected for"


def test_wide_bins_hold_the_mean_of_the_rate_within_them() -> None:
    activity = random_activity(9)
    fine = filtered_rates(activity, "out", "alpha", sigma_ms=3.0, bin_ms=1.0)
    wide = filtered_rates(activity, "out", "alpha", sigma_ms=3.0, bin_ms=5.0)
    # Of 5 ms three samples are taken, where a kernel of 3 ms needs two at least.
    means = fine.values.reshape(*fine.shape[:2], 40, 5).mean(axis=-1)
    assert np.corrcoef(means.ravel(), wide.values.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("sigma_ms", [0.0, -1.0, np.nan, np.inf])
def test_a_kernel_without_a_width_is_refused(sigma_ms) -> None:
    with pytest.raises(SpikelearnError, match="sigma_ms must be above 0"):
        filtered_rates(random_activity(1), "out", sigma_ms=sigma_ms)


def test_a_kernel_that_lies_within_a_bin_is_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"at least 0\.099 ms") as told:
        filtered_rates(random_activity(1), "out", sigma_ms=0.05, bin_ms=10.0)
    assert "psth with sigma_ms=0" in str(told.value)


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
