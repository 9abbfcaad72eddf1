"""Binned and smoothed rates, against Elephant."""

from __future__ import annotations

import warnings

import neo
import numpy as np
import pytest
import quantities as pq
from elephant.kernels import GaussianKernel
from elephant.statistics import instantaneous_rate
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    psth,
    psth_of_trains,
    spike_counts,
)
from spikelearn.spikes.activity import Activity
from tests.responses.examples import DURATION_MS, random_activity


@given(
    st.integers(0, 10_000),
    st.sampled_from([0.5, 1.0, 2.0, 5.0]),
    st.floats(0.0, 100.0),
)
@settings(max_examples=40, deadline=None)
def test_the_integral_of_a_psth_is_the_spike_count(seed, bin_ms, sigma_ms) -> None:
    activity = random_activity(seed)
    rates = psth(activity, "out", bin_ms, sigma_ms)
    assert (rates.values >= 0).all()
    integral = rates.sum("time") * bin_ms / 1000.0
    np.testing.assert_allclose(integral.values, activity["out"].counts(5), atol=1e-9)


def test_a_psth_is_elephants_instantaneous_rate_away_from_the_ends() -> None:
    activity = random_activity(4, n_spikes=2000)
    rates = psth(activity, "out", bin_ms=0.5, sigma_ms=3.0)
    inside = slice(40, -40)  # 20 ms: beyond the reach of the Gaussian
    for trial in range(activity.n_trials):
        # Nudged off the bin edges, where rounding errors decide which bin it is.
        trains = [
            neo.SpikeTrain(times + 1e-6, units="ms", t_stop=DURATION_MS)
            for times in activity["out"].trains(trial)
        ]
        expected = instantaneous_rate(trains, 0.5 * pq.ms, GaussianKernel(3.0 * pq.ms))
        np.testing.assert_allclose(
            rates.values[trial, :, inside],
            expected.rescale("Hz").magnitude.T[:, inside],
            # The two cut the Gaussian off at 4 and at 5 standard deviations.
            atol=2e-3 * expected.magnitude.max(),
        )


def test_a_psth_counts_spikes_in_bins_of_a_millisecond_unless_told_otherwise() -> None:
    activity = random_activity(7)
    rates = psth(activity, "out")
    assert (rates.attrs["bin_ms"], rates.attrs["sigma_ms"]) == (1.0, 0.0)
    counts = rates.values / 1000.0 * 1.0
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)
    np.testing.assert_array_equal(
        psth_of_trains([np.array([10.25])], DURATION_MS).values[0, 0].nonzero(), [[10]]
    )


@pytest.mark.parametrize(("bin_ms", "sigma_ms"), [(1.0, 0.4), (1.0, 3.0), (10.0, 2.0), (5.0, 50.0)])
def test_a_clock_of_20_hz_has_a_smoothed_rate_of_20_hz(bin_ms, sigma_ms) -> None:
    rates = psth_of_trains([np.arange(0.0, 2000.0, 50.0)], 2000.0, bin_ms, sigma_ms)
    assert rates.mean() == pytest.approx(20.0)


def test_spikes_on_bin_edges_fall_into_the_bin_they_begin() -> None:
    n_trials, times = 20, np.arange(600) * 0.1  # 0.30000000000000004 and the like
    every_step = PopulationSpikes.from_unsorted(
        1, np.tile(times, n_trials), np.zeros(600 * n_trials), np.repeat(np.arange(n_trials), 600)
    )
    activity = Activity({"out": every_step}, 60.0, 0.1, n_trials)
    for bin_ms in (0.1, 0.5, 1.0):
        rates = psth(activity, "out", bin_ms, sigma_ms=0.0)
        np.testing.assert_allclose(rates.values, 10_000.0)


def test_a_spike_at_the_very_end_belongs_to_the_last_bin() -> None:
    rates = psth_of_trains([np.array([DURATION_MS])], DURATION_MS, bin_ms=1.0, sigma_ms=0.0)
    assert rates.values[0, 0, -1] == 1000.0
    assert rates.values.sum() == 1000.0


def test_a_spike_at_the_end_of_one_trial_does_not_reach_the_next() -> None:
    spikes = PopulationSpikes.from_unsorted(
        1, np.array([DURATION_MS - 0.1]), np.array([0]), np.array([0])
    )
    rates = psth(Activity({"out": spikes}, DURATION_MS, 0.1, n_trials=2), "out", sigma_ms=3.0)
    assert rates.values[0, 0, -1] > 0
    assert not rates.values[1].any()


def test_the_population_mean_is_the_mean_over_units() -> None:
    activity = random_activity(5, labels=["a", "b", "a", "c", "b"])
    pooled = psth(activity, "out", population_mean=True)
    assert pooled.dims == ("stimulus", "time")
    np.testing.assert_allclose(pooled.values, psth(activity, "out").mean("unit").values)


def test_time_is_the_middle_of_the_bins() -> None:
    rates = psth_of_trains([np.array([10.25])], DURATION_MS, bin_ms=0.5)
    assert rates["time"].values[rates.values[0, 0].argmax()] == 10.25


def test_binning_is_silent(caplog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        psth(random_activity(6, n_spikes=5000), "out")
        spike_counts(random_activity(6, n_spikes=5000), "out")
    assert not caplog.records


@pytest.mark.parametrize("bin_ms", [0.0, -1.0, 0.3, 7.0, 500.0])
def test_bins_that_do_not_fill_the_trial_are_refused(bin_ms) -> None:
    with pytest.raises(SpikelearnError, match="bin"):
        psth(random_activity(0), "out", bin_ms)


def test_no_train_and_negative_sigma_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="at least one spike train"):
        psth_of_trains([], DURATION_MS)
    for sigma_ms in (-1, np.nan, np.inf):
        with pytest.raises(SpikelearnError, match="sigma"):
            psth_of_trains([np.zeros(1)], DURATION_MS, sigma_ms=sigma_ms)
