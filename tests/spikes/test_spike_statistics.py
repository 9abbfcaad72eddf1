"""Rates, CV of intervals and Fano factors against closed forms and against Elephant on Neo."""

from __future__ import annotations

import subprocess
import sys

import elephant.statistics
import numpy as np
import pytest
from activities import activities, small_activity
from hypothesis import given, settings
from poisson import activity_of

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    fano_factor,
    interspike_intervals_ms,
    isi_cv,
    rates_hz,
    summary,
)


def test_a_clock_has_cv_zero_and_its_rate_is_known() -> None:
    clock = np.arange(0, 1000, 10.0)
    activity = activity_of([[clock, clock[:2], []], [clock + 3, [], []]])
    np.testing.assert_allclose(rates_hz(activity, "a"), [100.0, 1.0, 0.0])
    np.testing.assert_allclose(isi_cv(activity, "a"), [0.0, np.nan, np.nan], atol=1e-12)


def test_alternating_intervals_have_a_known_cv() -> None:
    # Intervals 5 and 15 in equal number: mean 10, standard deviation 5.
    train = np.cumsum([0.0, *[5.0, 15.0] * 20])
    np.testing.assert_allclose(isi_cv(activity_of([[train]]), "a"), [0.5])


def test_the_cv_is_averaged_over_trials_and_not_pooled() -> None:
    slow, fast = np.arange(0, 1000, 100.0), np.arange(0, 1000, 5.0)
    np.testing.assert_allclose(isi_cv(activity_of([[slow], [fast], [[1.0]]]), "a"), [0], atol=1e-12)


def test_known_counts_have_a_known_fano_factor() -> None:
    # Counts 2, 4, 6 over trials: variance 8/3, mean 4. Constant counts: 0. Silent: none.
    counts = [2, 4, 6]
    activity = activity_of([[np.arange(n) + 1.0, np.arange(3) + 1.0, []] for n in counts])
    np.testing.assert_allclose(fano_factor(activity, "a"), [2 / 3, 0.0, np.nan])


def test_one_trial_has_no_fano_factor() -> None:
    assert np.isnan(fano_factor(activity_of([[[1.0, 2.0], [3.0]]]), "a")).all()


def test_a_poisson_process_has_cv_and_fano_factor_near_one() -> None:
    generator = np.random.default_rng(0)
    n_trials, size, rate_hz, duration_ms = 400, 5, 50.0, 2000.0
    trains = [
        [
            np.sort(generator.uniform(0, duration_ms, generator.poisson(rate_hz * 2)))
            for _ in range(size)
        ]
        for _ in range(n_trials)
    ]
    row = summary(activity_of(trains, duration_ms)).iloc[0]
    assert row.rate_hz == pytest.approx(rate_hz, abs=5 * np.sqrt(rate_hz / (2 * 400 * 5)))
    # The estimate from n intervals is low by a term of order 1 / n.
    assert row.isi_cv == pytest.approx(1, abs=0.03)
    assert row.fano_factor == pytest.approx(1, abs=5 * np.sqrt(2 / (n_trials * size)))
    n_bins = n_trials * duration_ms / 5
    assert row.correlation == pytest.approx(0, abs=4 / np.sqrt(10 * n_bins))
    assert row.synchrony == pytest.approx(1, abs=4 * np.sqrt(2 / n_bins))


@settings(max_examples=15, deadline=None)
@given(activities())
def test_rates_intervals_and_fano_factors_agree_with_elephant_on_neo_spike_trains(
    activity: Activity,
) -> None:
    block = activity.to_neo()
    for name, spikes in activity.populations.items():
        trains = [
            [train for train in segment.spiketrains if train.annotations["population"] == name]
            for segment in block.segments
        ]
        per_neuron = list(zip(*trains, strict=True))
        rates = [
            np.mean(
                [elephant.statistics.mean_firing_rate(t).rescale("Hz").item() for t in per_trial]
            )
            for per_trial in per_neuron
        ]
        np.testing.assert_allclose(rates_hz(activity, name), rates)
        assert activity.rate_hz(name) == pytest.approx(np.mean(rates))
        intervals = [elephant.statistics.isi(t.magnitude) for row in trains for t in row]
        np.testing.assert_allclose(
            interspike_intervals_ms(activity, name), np.concatenate(intervals), atol=1e-9
        )
        if activity.n_trials > 1:
            factors = [elephant.statistics.fanofactor(list(trials)) for trials in per_neuron]
            np.testing.assert_allclose(fano_factor(activity, name), factors)
        assert rates_hz(activity, name).shape == (spikes.size,)


@settings(max_examples=15, deadline=None)
@given(activities())
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_the_cv_is_elephants_averaged_over_trials(activity: Activity) -> None:
    for name, spikes in activity.populations.items():
        by_trial = [spikes.trains(trial) for trial in range(activity.n_trials)]
        for neuron, found in enumerate(isi_cv(activity, name)):
            trains = [np.unique(row[neuron]) for row in by_trial]
            if any(row[neuron].size != t.size for row, t in zip(by_trial, trains, strict=True)):
                continue  # two spikes at once are in no simulation
            values = [elephant.statistics.cv(np.diff(t)) for t in trains if t.size >= 3]
            expected = np.mean(values) if values else np.nan
            np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_summary_has_a_row_per_population() -> None:
    table = summary(small_activity()).set_index("population")
    assert list(table.index) == ["excitatory", "inhibitory"]
    assert list(table["size"]) == [4, 2]
    assert list(table.n_spikes) == [5, 1]
    np.testing.assert_allclose(table.rate_hz, [5 / (4 * 0.15), 1 / (2 * 0.15)])
    np.testing.assert_allclose(table.silent_fraction, [0.25, 0.5])
    # Neuron 0 counts 1, 1, 0; neuron 1 counts 0, 0, 1; neuron 2 counts 2, 0, 0.
    np.testing.assert_allclose(table.fano_factor, [(1 / 3 + 2 / 3 + 4 / 3) / 3, 2 / 3])
    assert table.isi_cv.isna().all()


@pytest.mark.filterwarnings("error")
def test_silence_is_summarised_without_warnings() -> None:
    silent = PopulationSpikes.from_unsorted(3, [], [], [])
    row = summary(Activity({"a": silent}, 10.0, 0.1, 2)).iloc[0]
    assert (row.n_spikes, row.rate_hz, row.silent_fraction) == (0, 0.0, 1.0)
    assert np.isnan(row.isi_cv)
    assert np.isnan(row.fano_factor)
    assert np.isnan(row.correlation)
    assert np.isnan(row.synchrony)
    assert np.isnan(summary(Activity({"a": silent}, 10.0, 0.1), bin_ms=20.0).synchrony.item())
    assert summary(Activity({}, 10.0, 0.1)).empty


def test_an_unknown_population_is_refused() -> None:
    for function in (rates_hz, isi_cv, fano_factor, interspike_intervals_ms):
        with pytest.raises(SpikelearnError, match="no population called 'b'"):
            function(activity_of([[[1.0]]]), "b")


def test_a_bin_of_no_width_is_refused() -> None:
    for bin_ms in (0.0, -1.0, float("nan")):
        with pytest.raises(SpikelearnError, match="a bin must be above 0 ms"):
            summary(activity_of([[[1.0]]]), bin_ms)


def test_importing_the_room_imports_no_heavy_library() -> None:
    heavy = ["neo", "elephant", "pynwb", "nixio", "pandas", "quantities", "h5py", "scipy"]
    code = f"import sys, spikelearn.spikes; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
