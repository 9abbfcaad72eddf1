"""Correlations of pairs and over lags, against closed forms and NumPy's own correlation."""

from __future__ import annotations

import numpy as np
import pytest
from activities import activities
from hypothesis import given, settings
from poisson import activity_of, poisson_trains, silent

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import Activity, PopulationSpikes, cross_correlation, pairwise_correlations


def test_independent_poisson_trains_do_not_correlate() -> None:
    trains = poisson_trains(np.random.default_rng(1), 20, 40.0, 20_000.0)
    pairs = pairwise_correlations(activity_of([trains], 20_000.0), "a", 5.0)
    n_bins = 4000
    assert pairs.shape == (190,)
    assert abs(pairs.mean()) < 4 / np.sqrt(190 * n_bins)
    assert pairs.std() == pytest.approx(1 / np.sqrt(n_bins), rel=0.2)


def test_trains_correlate_by_the_share_of_the_spikes_they_have_in_common() -> None:
    # Counts of common spikes have variance c and each train's of its own o: c / (c + o).
    generator = np.random.default_rng(2)
    duration_ms = 50_000.0
    common = poisson_trains(generator, 1, 12.0, duration_ms)[0]
    own = poisson_trains(generator, 2, 28.0, duration_ms)
    trains = [np.concatenate([common, train]) for train in own]
    pairs = pairwise_correlations(activity_of([trains], duration_ms), "a", 5.0)
    # A count of mean 0.2 is not Gaussian; its fourth moment widens the error a little.
    assert pairs == pytest.approx(0.3, abs=5 / np.sqrt(10_000))


def test_identical_trains_correlate_by_one_and_a_constant_one_by_nothing() -> None:
    train = [1.0, 2.0, 17.0, 33.0]
    clock = np.arange(10) * 5.0 + 2.5
    activity = activity_of([[train, train, clock, []]], 50.0)
    np.testing.assert_allclose(pairwise_correlations(activity, "a", 5.0), [1.0])


@settings(max_examples=15, deadline=None)
@given(activities())
def test_correlations_are_those_of_numpy_over_the_bins_of_all_trials(activity: Activity) -> None:
    bin_ms = activity.duration_ms / 4
    edges = np.linspace(0, activity.duration_ms, 5) - 1e-9
    edges[-1] += 1
    for name, spikes in activity.populations.items():
        counts = np.array(
            [
                np.concatenate(
                    [
                        np.histogram(spikes.trains(trial)[neuron], edges)[0]
                        for trial in range(activity.n_trials)
                    ]
                )
                for neuron in range(spikes.size)
            ]
        )
        counts = counts[np.ptp(counts, axis=1) > 0]
        found = pairwise_correlations(activity, name, bin_ms, pool_stimuli=True)
        if len(counts) < 2:
            assert found.size == 0
        else:
            expected = np.corrcoef(counts)[np.triu_indices(len(counts), 1)]
            np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_large_population_is_sampled_evenly_or_by_the_generator() -> None:
    trains = poisson_trains(np.random.default_rng(3), 60, 40.0, 500.0)
    activity = activity_of([trains], 500.0)
    every_third = activity_of([trains[::3]], 500.0)
    np.testing.assert_array_equal(
        pairwise_correlations(activity, "a", n_neurons=20), pairwise_correlations(every_third, "a")
    )
    drawn = [
        pairwise_correlations(activity, "a", 5.0, 20, np.random.default_rng(seed))
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert pairwise_correlations(activity, "a", n_neurons=None).shape == (60 * 59 // 2,)
    with pytest.raises(SpikelearnError, match="at least 1 neuron"):
        pairwise_correlations(activity, "a", n_neurons=0)


@pytest.mark.filterwarnings("error")
def test_silence_one_neuron_and_one_bin_have_no_pairs() -> None:
    assert pairwise_correlations(silent(), "a").size == 0
    assert pairwise_correlations(activity_of([[[1.0, 30.0]]], 50.0), "a").size == 0
    assert pairwise_correlations(activity_of([[[1.0], [2.0, 3.0]]], 50.0), "a", 50.0).size == 0


def test_what_is_left_after_the_last_whole_bin_is_left_out() -> None:
    inside = [[1.0, 12.0], [3.0, 14.0, 16.0]]
    beyond = [[*inside[0], 21.0, 22.5], [*inside[1], 20.0]]
    np.testing.assert_allclose(
        pairwise_correlations(activity_of([beyond], 23.0), "a"),
        pairwise_correlations(activity_of([inside], 20.0), "a"),
    )


@pytest.mark.parametrize("lag_ms", [-7.0, 0.0, 12.0])
def test_a_shifted_copy_has_its_peak_at_the_shift(lag_ms: float) -> None:
    generator = np.random.default_rng(4)
    trains = [np.unique(generator.integers(20, 980, 40)) + 0.5 for _ in range(3)]
    activity = activity_of([[train, train + lag_ms] for train in trains], 1000.0)
    table = cross_correlation(activity, "a", "a", 1.0, 20.0, neuron_a=0, neuron_b=1)
    np.testing.assert_allclose(table["lag_ms"], np.arange(-20, 21))
    peak = table.loc[table["count"].idxmax()]
    assert peak["lag_ms"] == lag_ms
    assert peak["count"] == sum(train.size for train in trains)
    # At the peak the coefficient is 1 but for the bins that the lag leaves without a partner.
    assert peak["coefficient"] == pytest.approx(1.0, abs=0.02)


def test_the_histogram_counts_every_pair_of_spikes_of_a_trial_once() -> None:
    generator = np.random.default_rng(5)
    trains = [poisson_trains(generator, 5, 60.0, 200.0) for _ in range(4)]
    a, b = (activity_of([row[rows] for row in trains], 200.0)["a"]
            for rows in (slice(3), slice(3, 5)))  # fmt: skip
    activity = Activity({"a": a, "b": b}, 200.0, 0.1, 4)
    table = cross_correlation(activity, "a", "b", 2.0, 30.0)
    expected = np.zeros(31, dtype=int)
    for row in trains:
        bins_a, bins_b = (
            np.floor(np.concatenate(part) / 2.0).astype(int) for part in (row[:3], row[3:])
        )
        lags = np.subtract.outer(bins_b, bins_a).ravel()
        expected += np.bincount(lags[abs(lags) <= 15] + 15, minlength=31)
    np.testing.assert_array_equal(table["count"], expected)
    turned = cross_correlation(activity, "b", "a", 2.0, 30.0)
    np.testing.assert_array_equal(turned["count"], expected[::-1])


def test_the_coefficient_of_independent_trains_is_zero_at_every_lag() -> None:
    trains = poisson_trains(np.random.default_rng(6), 2, 50.0, 40_000.0)
    table = cross_correlation(activity_of([trains], 40_000.0), "a", "a", 5.0, 2000.0, 0, 1)
    assert abs(table["coefficient"]).max() < 4.5 / np.sqrt(8000)
    assert table["coefficient"].std() == pytest.approx(1 / np.sqrt(8000), rel=0.2)


@pytest.mark.filterwarnings("error")
def test_silent_trains_have_counts_of_zero_and_no_coefficient() -> None:
    table = cross_correlation(silent(), "a", "a", 1.0, 10.0)
    assert not table["count"].any()
    assert table["coefficient"].isna().all()


def test_a_trial_in_which_one_of_them_is_silent_has_no_part_in_the_coefficient() -> None:
    both, one = [[3.5, 20.5], [5.5, 22.5]], [[3.5, 20.5, 30.5], []]
    alone = cross_correlation(activity_of([both], 50.0), "a", "a", 1.0, 5.0, 0, 1)
    with_silence = cross_correlation(activity_of([both, one], 50.0), "a", "a", 1.0, 5.0, 0, 1)
    np.testing.assert_allclose(with_silence["coefficient"], alone["coefficient"])


def test_the_start_of_the_trial_is_left_out() -> None:
    trains = [[3.5, 5.5, 120.5, 160.5], [3.5, 5.5, 122.5, 162.5]]
    found = cross_correlation(activity_of([trains], 200.0), "a", "a", 1.0, 5.0, 0, 1, 100.0)
    later = [[20.5, 60.5], [22.5, 62.5]]
    expected = cross_correlation(activity_of([later], 100.0), "a", "a", 1.0, 5.0, 0, 1)
    np.testing.assert_allclose(found, expected)


def test_what_cannot_be_correlated_is_refused() -> None:
    spikes = PopulationSpikes.from_unsorted(2, [1.0], [0])
    activity = Activity({"a": spikes}, 20.0, 0.1)
    with pytest.raises(SpikelearnError, match="has no neuron 2; neurons are 0 to 1"):
        cross_correlation(activity, "a", "a", neuron_a=2)
    with pytest.raises(SpikelearnError, match="shorter than the trial's 20 bins, found 50 ms"):
        cross_correlation(activity, "a", "a")
    with pytest.raises(SpikelearnError, match="no population called 'b'"):
        cross_correlation(activity, "a", "b", max_lag_ms=5.0)
    for bin_ms in (0.0, 30.0, float("nan")):
        with pytest.raises(SpikelearnError, match="no longer than the trial of 20 ms"):
            pairwise_correlations(activity, "a", bin_ms)
