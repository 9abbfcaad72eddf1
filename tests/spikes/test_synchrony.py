"""Synchrony of populations whose synchrony is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from poisson import activity_of, poisson_trains, silent

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    golomb_rinzel_chi,
    pairwise_correlations,
    population_fano_factor,
    spike_contrast,
)


def test_a_poisson_population_has_a_fano_factor_of_one() -> None:
    trains = poisson_trains(np.random.default_rng(0), 30, 20.0, 20_000.0)
    found = population_fano_factor(activity_of([trains], 20_000.0), "a")
    assert found == pytest.approx(1.0, abs=4 * np.sqrt(2 / 4000))


def test_a_population_that_fires_at_once_has_a_fano_factor_of_its_size() -> None:
    # In a share p of bins all fire: mean size p, variance size² p (1 - p).
    size, n_bins, bins = 8, 40, np.array([3, 11, 12, 29])
    activity = activity_of(
        [[bins * 5.0 + 2.0] * size, [[]] * size], n_bins * 5.0, labels=list("aa")
    )
    share = bins.size / (2 * n_bins)
    found = population_fano_factor(activity, "a", 5.0)
    unbiased = 2 * n_bins / (2 * n_bins - 1)
    assert found == pytest.approx(size * (1 - share) * unbiased)


def test_stimuli_of_other_rates_are_no_synchrony_and_no_correlation() -> None:
    generator = np.random.default_rng(6)
    trains = [poisson_trains(generator, 30, rate, 10_000.0) for rate in (2.0, 80.0)]
    activity = activity_of(trains, 10_000.0, labels=("slow", "fast"))
    assert population_fano_factor(activity, "a") == pytest.approx(1.0, abs=4 * np.sqrt(1 / 2000))
    pooled = replace(activity, labels=("all", "all"))
    assert population_fano_factor(pooled, "a") > 3
    n_pairs, n_bins = 30 * 29 / 2, 4000
    apart = pairwise_correlations(activity, "a").mean()
    assert apart == pytest.approx(0.0, abs=4 / np.sqrt(n_pairs * n_bins))
    together = pairwise_correlations(activity, "a", pool_stimuli=True)
    assert together.mean() > 0.05
    np.testing.assert_allclose(pairwise_correlations(pooled, "a"), together)


def test_a_transient_at_the_start_is_left_out() -> None:
    generator = np.random.default_rng(7)
    trains = [np.append(t, 1.0) for t in poisson_trains(generator, 200, 5.0, 1000.0)]
    activity = activity_of([trains])
    assert population_fano_factor(activity, "a") > 10
    later = population_fano_factor(activity, "a", start_ms=100.0)
    assert later == pytest.approx(1.0, abs=4 * np.sqrt(2 / 180))
    assert spike_contrast(activity, "a", start_ms=100.0) < 0.3
    assert spike_contrast(activity, "a", stop_ms=20.0) > spike_contrast(activity, "a", 10.0)


def test_a_shared_part_of_the_spikes_raises_the_fano_factor_by_its_size() -> None:
    # 1 + (size - 1) c, for counts of Poisson neurons that correlate by c.
    generator = np.random.default_rng(1)
    size, duration_ms = 20, 40_000.0
    common = poisson_trains(generator, 1, 4.0, duration_ms)[0]
    own = poisson_trains(generator, size, 16.0, duration_ms)
    activity = activity_of([[np.append(common, train) for train in own]], duration_ms)
    found = population_fano_factor(activity, "a")
    assert found == pytest.approx(1 + (size - 1) * 0.2, rel=5 * np.sqrt(12 / 8000))


def test_a_population_of_one_spike_a_bin_has_no_variance() -> None:
    trains = [np.arange(1, 100, 10.0), np.arange(6, 100, 10.0)]
    assert population_fano_factor(activity_of([trains], 100.0), "a", 5.0) == 0.0


def test_neurons_that_fire_as_one_have_a_spike_contrast_of_one() -> None:
    # Each volley stands alone in its two half-overlapping bins: contrast 1, all trains active.
    volleys = np.array([52.0, 155.0, 300.0, 447.0])
    activity = activity_of([[volleys] * 6, [volleys + 3.0] * 6], 500.0)
    assert spike_contrast(activity, "a") == pytest.approx(1.0)


def test_neurons_that_fire_independently_have_a_low_spike_contrast() -> None:
    generator = np.random.default_rng(2)
    activity = activity_of([poisson_trains(generator, 40, 15.0, 1000.0)])
    independent = spike_contrast(activity, "a")
    assert 0 < independent < 0.3
    volleys = poisson_trains(generator, 1, 15.0, 1000.0)[0]
    jittered = [np.clip(volleys + generator.normal(0, 2, volleys.size), 0, 1000) for _ in range(40)]
    assert spike_contrast(activity_of([jittered]), "a") > 2 * independent


def test_the_spike_contrast_is_elephants_averaged_over_trials() -> None:
    import quantities as pq
    from elephant.spike_train_synchrony import spike_contrast as of_elephant

    generator = np.random.default_rng(3)
    activity = activity_of([poisson_trains(generator, 5, 30.0, 400.0) for _ in range(2)], 400.0)
    values = [
        of_elephant(list(segment.spiketrains), min_bin=10 * pq.ms)
        for segment in activity.to_neo().segments
    ]
    assert spike_contrast(activity, "a") == pytest.approx(np.mean(values))
    drawn = [
        spike_contrast(activity, "a", n_neurons=3, generator=np.random.default_rng(s))
        for s in (0, 0)
    ]
    assert drawn[0] == drawn[1]


def _with_potentials(potentials: np.ndarray) -> Activity:
    n_trials, n_steps, size = potentials.shape
    spikes = PopulationSpikes.from_unsorted(size, [], [])
    return Activity(
        {"a": spikes}, n_steps * 0.1, 0.1, n_trials, states={"a.v_mv": potentials}
    )  # fmt: skip


def test_chi_is_one_for_the_same_potentials_and_one_over_root_n_for_independent_ones() -> None:
    potentials = np.random.default_rng(4).normal(-60, 3, (2, 5000, 25))
    independent = golomb_rinzel_chi(_with_potentials(potentials), "a")
    assert independent == pytest.approx(1 / np.sqrt(25), rel=4 / np.sqrt(2 * 10_000))
    same = np.repeat(potentials[:, :, :1], 25, axis=2) + np.arange(25)  # each at its own level
    assert golomb_rinzel_chi(_with_potentials(same), "a") == pytest.approx(1.0)
    opposite = np.concatenate([potentials, -potentials], axis=2)
    assert golomb_rinzel_chi(_with_potentials(opposite), "a") == pytest.approx(0.0, abs=1e-7)


def test_chi_mixes_as_the_variances_do() -> None:
    # A common part of variance c beside own parts of o: chi² = (c + o / n) / (c + o).
    generator = np.random.default_rng(5)
    common = generator.normal(0, 1, (1, 20_000, 1))
    potentials = common + generator.normal(0, 2, (1, 20_000, 10))
    expected = np.sqrt((1 + 4 / 10) / (1 + 4))
    assert golomb_rinzel_chi(_with_potentials(potentials), "a") == pytest.approx(expected, rel=0.02)
    started = potentials.copy()
    started[:, :500] += 50.0
    found = golomb_rinzel_chi(_with_potentials(started), "a", start_ms=50.0)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.filterwarnings("error")
def test_silence_one_neuron_and_rest_have_no_synchrony() -> None:
    assert np.isnan(population_fano_factor(silent(), "a"))
    assert np.isnan(population_fano_factor(activity_of([[[1.0], [2.0]]], 5.0), "a", 5.0))
    assert np.isnan(spike_contrast(silent(), "a"))
    assert np.isnan(spike_contrast(activity_of([[[1.0, 40.0]]], 50.0), "a"))
    assert np.isnan(spike_contrast(activity_of([[[1.0], [2.0]]], 50.0), "a"))
    assert np.isnan(golomb_rinzel_chi(_with_potentials(np.full((1, 50, 3), -65.1)), "a"))


def test_what_has_no_synchrony_to_measure_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="at most half a trial of 12 ms, found 10 ms"):
        spike_contrast(silent(duration_ms=12.0), "a")
    with pytest.raises(SpikelearnError, match=r"no state called 'a\.v_mv' was recorded"):
        golomb_rinzel_chi(silent(), "a")
    with pytest.raises(SpikelearnError, match="no longer than the trial of 50 ms"):
        population_fano_factor(silent(), "a", 51.0)
    activity = replace(silent(), labels=("x", "x"))
    with pytest.raises(SpikelearnError, match="no population called 'b'"):
        population_fano_factor(activity, "b")
