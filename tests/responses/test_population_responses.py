"""Spikes become counts, rates and PSTHs; checked against Elephant, SciPy and plain counting."""

from __future__ import annotations

import warnings

import neo
import numpy as np
import pytest
import quantities as pq
from elephant.kernels import GaussianKernel
from elephant.statistics import instantaneous_rate, mean_firing_rate
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    activation_responses,
    firing_rates_hz,
    psth,
    psth_of_trains,
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


def test_trials_of_one_stimulus_are_averaged() -> None:
    activity = random_activity(2, n_trials=5, labels=["b", "a", "b", "b", "a"])
    counts = spike_counts(activity, "out")
    single = activity["out"].counts(5)
    assert list(counts["stimulus"].values) == ["b", "a"]
    np.testing.assert_allclose(counts.sel(stimulus="b"), single[[0, 2, 3]].mean(axis=0))
    np.testing.assert_allclose(counts.sel(stimulus="a"), single[[1, 4]].mean(axis=0))


def test_spike_counts_of_92_trials_of_266_neurons_are_the_spikes_counted_one_by_one() -> None:
    activity = random_activity(3, size=266, n_trials=92, n_spikes=200_000)
    expected = np.zeros((92, 266))
    np.add.at(expected, (activity["out"].trials, activity["out"].senders), 1)
    np.testing.assert_array_equal(spike_counts(activity, "out").values, expected)


def test_a_population_that_was_not_recorded_is_named() -> None:
    with pytest.raises(SpikelearnError, match="recorded are: out"):
        spike_counts(random_activity(0), "hidden")


def test_spikes_after_the_end_of_the_trial_are_refused() -> None:
    late = PopulationSpikes.from_unsorted(1, np.array([DURATION_MS + 1]), np.array([0]))
    with pytest.raises(SpikelearnError, match="within the trial"):
        spike_counts(Activity({"out": late}, DURATION_MS, 0.1), "out")


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
    rates = psth(Activity({"out": spikes}, DURATION_MS, 0.1, n_trials=2), "out")
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
    with pytest.raises(SpikelearnError, match="sigma"):
        psth_of_trains([np.zeros(1)], DURATION_MS, sigma_ms=-1)


def test_activations_become_responses_with_maps_flattened() -> None:
    import torch

    maps = torch.arange(24.0, requires_grad=True).reshape(2, 3, 4)
    responses = activation_responses({"conv": maps, "out": np.eye(2)}, ["dog", "cat"])
    assert list(responses) == ["conv", "out"]
    assert responses["conv"].shape == (2, 12)
    np.testing.assert_array_equal(responses["conv"].sel(stimulus="cat"), np.arange(12, 24))
    assert responses["conv"]["layer"].item() == "conv"


def test_activations_that_do_not_fit_the_labels_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="layer 'h' must have one activation"):
        activation_responses({"h": np.zeros((3, 2))}, ["dog", "cat"])
    with pytest.raises(SpikelearnError, match="not finite"):
        activation_responses({"h": np.full((2, 2), np.inf)}, ["dog", "cat"])
