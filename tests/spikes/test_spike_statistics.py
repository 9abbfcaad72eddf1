"""Rates, CV of intervals and Fano factors against closed forms and against Elephant on Neo."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import elephant.statistics
import numpy as np
import pandas as pd
import pytest
from activities import activities, small_activity
from hypothesis import given, settings
from poisson import activity_of, poisson_trains

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    cv2,
    fano_factor,
    interspike_intervals_ms,
    isi_cv,
    local_variation,
    rates_hz,
    summary,
)


def test_a_clock_has_cv_zero_and_its_rate_is_known() -> None:
    clock = np.arange(0, 1000, 10.0)
    activity = activity_of([[clock, clock[:2], []], [clock + 3, [], []]])
    np.testing.assert_allclose(rates_hz(activity, "a"), [100.0, 1.0, 0.0])
    np.testing.assert_allclose(isi_cv(activity, "a"), [0.0, np.nan, np.nan], atol=1e-12)
    np.testing.assert_allclose(cv2(activity, "a"), [0.0, np.nan, np.nan], atol=1e-12)
    np.testing.assert_allclose(local_variation(activity, "a"), [0.0, np.nan, np.nan], atol=1e-12)


def test_alternating_intervals_have_a_known_cv() -> None:
    # Intervals 5 and 15 in equal number: mean 10, standard deviation 5.
    train = np.cumsum([0.0, *[5.0, 15.0] * 20])
    activity = activity_of([[train]])
    np.testing.assert_allclose(isi_cv(activity, "a"), [0.5])
    # From one to the next: 2 * 10 / 20, and 3 * (10 / 20)².
    np.testing.assert_allclose(cv2(activity, "a"), [1.0])
    np.testing.assert_allclose(local_variation(activity, "a"), [0.75])


def test_the_cv_is_averaged_over_trials_and_not_pooled() -> None:
    slow, fast = np.arange(0, 1000, 100.0), np.arange(0, 1000, 5.0)
    activity = activity_of([[slow], [fast], [[1.0]]])
    np.testing.assert_allclose(isi_cv(activity, "a", min_intervals=2), [0], atol=1e-12)


def test_few_intervals_have_no_cv_unless_it_is_asked_for() -> None:
    train = np.cumsum([0.0, *[5.0, 15.0] * 9, 5.0])
    assert np.isnan(isi_cv(activity_of([[train]]), "a")).all()  # 19 intervals
    assert isi_cv(activity_of([[train]]), "a", min_intervals=19) > 0
    assert isi_cv(activity_of([[np.append(train, 200.0)]]), "a") > 0
    with pytest.raises(SpikelearnError, match="min_intervals must be at least 2, found 1"):
        isi_cv(activity_of([[train]]), "a", min_intervals=1)


@pytest.mark.parametrize(("rate_hz", "duration_ms"), [(10.0, 500.0), (4.0, 1000.0)])
def test_local_variation_of_a_short_poisson_process_is_one(rate_hz, duration_ms) -> None:
    generator = np.random.default_rng(11)
    size = 4000
    activity = activity_of([poisson_trains(generator, size, rate_hz, duration_ms)], duration_ms)
    low = np.nanmean(isi_cv(activity, "a", min_intervals=2))
    assert low < 0.8  # which is why so few intervals have none
    assert np.isnan(isi_cv(activity, "a")).all()
    for local, sd in ((cv2, 0.577), (local_variation, 0.894)):
        found = local(activity, "a")
        known = found[~np.isnan(found)]
        # By neuron: its mean scatters by no more than a single pair does.
        assert known.mean() == pytest.approx(1.0, abs=4 * sd / np.sqrt(known.size))


def test_gamma_renewal_has_a_known_cv_and_local_variation() -> None:
    generator, shape = np.random.default_rng(12), 4.0
    trains = [np.cumsum(generator.gamma(shape, 20.0 / shape, 2000)) for _ in range(10)]
    activity = activity_of([trains], 60_000.0)
    n = 10 * 2000
    assert isi_cv(activity, "a").mean() == pytest.approx(shape**-0.5, abs=5 * 0.5 / np.sqrt(n))
    expected = 3 / (2 * shape + 1)
    assert local_variation(activity, "a").mean() == pytest.approx(expected, abs=5 / np.sqrt(n))


def test_known_counts_have_a_known_fano_factor() -> None:
    # Counts 2, 4, 6 over trials: variance 4, mean 4. Constant counts: 0. Silent: none.
    trains = [[np.arange(n) + 1.0, np.arange(3) + 1.0, []] for n in [2, 4, 6]]
    activity = activity_of(trains, labels=list("aaa"))
    np.testing.assert_allclose(fano_factor(activity, "a"), [1.0, 0.0, np.nan])


@pytest.mark.parametrize("n_trials", [2, 3, 10])
def test_the_fano_factor_of_few_trials_is_one_for_a_poisson_process(n_trials) -> None:
    generator, size = np.random.default_rng(13), 6000
    trains = [poisson_trains(generator, size, 10.0, 500.0) for _ in range(n_trials)]
    found = fano_factor(activity_of(trains, 500.0, labels=["a"] * n_trials), "a")
    sd = np.sqrt(2 / (n_trials - 1))
    assert np.nanmean(found) == pytest.approx(1.0, abs=4 * sd / np.sqrt(size))


def test_the_fano_factor_does_not_pool_stimuli() -> None:
    """A neuron that fires the same for the same current, and otherwise for another."""
    trains = [[np.linspace(1, 900, n)] for n in (5, 20, 80, 5, 20, 80)]
    repeated = activity_of(trains, labels=["5", "20", "80"] * 2)
    np.testing.assert_array_equal(fano_factor(repeated, "a"), [0.0])
    assert fano_factor(repeated, "a", pool_stimuli=True) > 30
    once = activity_of(trains[:3], labels=["5", "20", "80"])
    with pytest.warns(UserWarning, match="each of the 3 trials has a label of its own"):
        assert np.isnan(fano_factor(once, "a")).all()
    assert summary(once).n_repeats.item() == 0
    assert summary(repeated).n_repeats.item() == 6


def test_fano_factors_of_stimuli_weigh_as_their_trials() -> None:
    # a: counts 1, 3: 2 / 2 = 1, twice. b: counts 2, 2, 2: 0, thrice ... of degrees 1 and 2.
    trains = [[np.arange(n) + 1.0] for n in (1, 3, 2, 2, 2, 9)]
    activity = activity_of(trains, labels=["a", "a", "b", "b", "b", "once"])
    np.testing.assert_allclose(fano_factor(activity, "a"), [1 / 3])


def test_one_trial_has_no_fano_factor() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
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
    row = summary(activity_of(trains, duration_ms, labels=["same"] * n_trials)).iloc[0]
    assert row.rate_hz == pytest.approx(rate_hz, abs=5 * np.sqrt(rate_hz / (2 * 400 * 5)))
    # The estimate from n intervals is low by a term of order 1 / n.
    assert row.isi_cv == pytest.approx(1, abs=0.03)
    assert row.cv2 == pytest.approx(1, abs=0.01)
    assert row.n_intervals == row.n_spikes - n_trials * size
    assert (row.n_repeats, row.n_pairs) == (n_trials, 10)
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
            n = activity.n_trials  # Elephant divides the variance by it, we by one less
            factors = [elephant.statistics.fanofactor(list(t)) * n / (n - 1) for t in per_neuron]
            np.testing.assert_allclose(fano_factor(activity, name, pool_stimuli=True), factors)
        assert rates_hz(activity, name).shape == (spikes.size,)


@settings(max_examples=15, deadline=None)
@given(activities())
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_variation_is_elephants_averaged_over_trials(activity: Activity) -> None:
    for name, spikes in activity.populations.items():
        by_trial = [spikes.trains(trial) for trial in range(activity.n_trials)]
        local, squared = cv2(activity, name), local_variation(activity, name)
        for neuron, found in enumerate(isi_cv(activity, name, min_intervals=2)):
            trains = [np.unique(row[neuron]) for row in by_trial]
            if any(row[neuron].size != t.size for row, t in zip(by_trial, trains, strict=True)):
                continue  # two spikes at once are in no simulation
            values = [elephant.statistics.cv(np.diff(t)) for t in trains if t.size >= 3]
            expected = np.mean(values) if values else np.nan
            np.testing.assert_allclose(found, expected, atol=1e-9)
            # Of pairs, each weighs the same.
            pairs = [t.size - 2 for t in trains if t.size >= 3]
            for mine, theirs in (
                (local, elephant.statistics.cv2),
                (squared, elephant.statistics.lv),
            ):
                each = [theirs(np.diff(t)) for t in trains if t.size >= 3]
                expected = np.average(each, weights=pairs) if pairs else np.nan
                np.testing.assert_allclose(mine[neuron], expected, atol=1e-9)


def test_the_summary_has_a_row_per_population() -> None:
    table = summary(small_activity()).set_index("population")
    assert list(table.index) == ["excitatory", "inhibitory"]
    assert list(table["size"]) == [4, 2]
    assert list(table.n_spikes) == [5, 1]
    np.testing.assert_allclose(table.rate_hz, [5 / (4 * 0.15), 1 / (2 * 0.15)])
    np.testing.assert_allclose(table.silent_fraction, [0.25, 0.5])
    assert table.isi_cv.isna().all()
    assert table.cv2.isna().all()
    assert list(table.n_intervals) == [1, 0]
    assert table.fano_factor.isna().all()  # three stimuli, each shown once
    again = replace(small_activity(), labels=("a",) * 3)
    # Neuron 0 counts 1, 1, 0; neuron 1 counts 0, 0, 1; neuron 2 counts 2, 0, 0.
    np.testing.assert_allclose(summary(again).fano_factor, [(1 / 2 + 1 + 2) / 3, 1.0])


def test_the_transient_at_the_start_is_left_out_of_every_statistic() -> None:
    generator = np.random.default_rng(14)
    trains = poisson_trains(generator, 50, 20.0, 2000.0)
    # At the start all fire fast and together.
    burst = [np.sort(generator.uniform(0, 20.0, 15)) for _ in trains]
    started = [np.concatenate([b, t + 100.0]) for b, t in zip(burst, trains, strict=True)]
    with_start, without = activity_of([started], 2100.0), activity_of([trains], 2000.0)
    assert summary(with_start).synchrony.item() > 10 * summary(without).synchrony.item()
    found = summary(with_start, start_ms=100.0)
    pd.testing.assert_frame_equal(found, summary(without))
    for function in (rates_hz, isi_cv, cv2, local_variation, interspike_intervals_ms):
        np.testing.assert_allclose(
            function(with_start, "a", start_ms=100.0), function(without, "a"), atol=1e-9
        )
    assert with_start.rate_hz("a", 100.0) == pytest.approx(without.rate_hz("a"))
    with pytest.raises(SpikelearnError, match="within the trial, 0 to 2100 ms"):
        summary(with_start, start_ms=2100.0)


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
    for function in (rates_hz, isi_cv, cv2, fano_factor, interspike_intervals_ms):
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


def test_spikes_all_at_one_time_have_no_variation() -> None:
    activity = activity_of([[[5.0, 5.0, 5.0], [1.0, 1.0, 2.0, 3.0]]])
    one_time, mixed = isi_cv(activity, "a", min_intervals=2)
    assert np.isnan(one_time)
    assert mixed == pytest.approx(np.std([0.0, 1.0, 1.0]) / (2 / 3))
    assert np.isnan(cv2(activity, "a")[0])
    assert np.isnan(local_variation(activity, "a")[0])
    assert np.isnan(summary(activity)["isi_cv"]).all()
