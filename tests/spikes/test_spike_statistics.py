"""Rates, CV of intervals and Fano factors against closed forms and against Elephant on Neo."""

from __future__ import annotations

import subprocess
import sys

import elephant.statistics
import numpy as np
import pytest
from activities import activities, small_activity
from hypothesis import given, settings

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    fano_factor,
    isi_cv,
    rates_hz,
    summary,
)


def _activity(trains: list[list[np.ndarray]], duration_ms: float = 1000.0) -> Activity:
    """From trains[trial][neuron]."""
    rows = [(t, i, j) for j, row in enumerate(trains) for i, train in enumerate(row) for t in train]
    times, senders, trials = zip(*rows, strict=True)
    spikes = PopulationSpikes.from_unsorted(
        len(trains[0]), np.array(times), np.array(senders), np.array(trials)
    )
    return Activity({"a": spikes}, duration_ms, 0.1, n_trials=len(trains))


def test_a_clock_has_cv_zero_and_its_rate_is_known() -> None:
    clock = np.arange(0, 1000, 10.0)
    activity = _activity([[clock, clock[:2], []], [clock + 3, [], []]])
    np.testing.assert_allclose(rates_hz(activity, "a"), [100.0, 1.0, 0.0])
    np.testing.assert_allclose(isi_cv(activity, "a"), [0.0, np.nan, np.nan], atol=1e-12)


def test_alternating_intervals_have_a_known_cv() -> None:
    # Intervals 5 and 15 in equal number: mean 10, standard deviation 5.
    train = np.cumsum([0.0, *[5.0, 15.0] * 20])
    np.testing.assert_allclose(isi_cv(_activity([[train]]), "a"), [0.5])


def test_the_cv_is_averaged_over_trials_and_not_pooled() -> None:
    slow, fast = np.arange(0, 1000, 100.0), np.arange(0, 1000, 5.0)
    np.testing.assert_allclose(isi_cv(_activity([[slow], [fast], [[1.0]]]), "a"), [0], atol=1e-12)


def test_known_counts_have_a_known_fano_factor() -> None:
    # Counts 2, 4, 6 over trials: variance 8/3, mean 4. Constant counts: 0. Silent: none.
    counts = [2, 4, 6]
    activity = _activity([[np.arange(n) + 1.0, np.arange(3) + 1.0, []] for n in counts])
    np.testing.assert_allclose(fano_factor(activity, "a"), [2 / 3, 0.0, np.nan])


def test_one_trial_has_no_fano_factor() -> None:
    assert np.isnan(fano_factor(_activity([[[1.0, 2.0], [3.0]]]), "a")).all()


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
    row = summary(_activity(trains, duration_ms)).iloc[0]
    assert row.rate_hz == pytest.approx(rate_hz, abs=5 * np.sqrt(rate_hz / (2 * 400 * 5)))
    # The estimate from n intervals is low by a term of order 1 / n.
    assert row.isi_cv == pytest.approx(1, abs=0.03)
    assert row.fano_factor == pytest.approx(1, abs=5 * np.sqrt(2 / (n_trials * size)))


@settings(max_examples=15, deadline=None)
@given(activities())
def test_rates_and_fano_factors_agree_with_elephant_on_neo_spike_trains(
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
        if activity.n_trials > 1:
            factors = [elephant.statistics.fanofactor(list(trials)) for trials in per_neuron]
            np.testing.assert_allclose(fano_factor(activity, name), factors)
        assert rates_hz(activity, name).shape == (spikes.size,)


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
    assert summary(Activity({}, 10.0, 0.1)).empty


def test_an_unknown_population_is_refused() -> None:
    for function in (rates_hz, isi_cv, fano_factor):
        with pytest.raises(SpikelearnError, match="no population called 'b'"):
            function(_activity([[[1.0]]]), "b")


def test_importing_the_room_imports_no_heavy_library() -> None:
    heavy = ["neo", "elephant", "pynwb", "nixio", "pandas", "quantities", "h5py", "scipy"]
    code = f"import sys, spikelearn.spikes; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
