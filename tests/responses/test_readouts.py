"""Latencies, filtered rates, population vectors, subsamples, noise, RDMs over time, files."""

from __future__ import annotations

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses import (
    KERNELS,
    READOUTS,
    activation_responses,
    filtered_rates,
    first_spike_latencies,
    load_response,
    noise_matched,
    poisson_repeats,
    pooled,
    population_vectors,
    preferred_directions,
    psth,
    respond,
    save_response,
    sensors,
    spike_counts,
    subsampled,
    subsamples,
    time_resolved_rdms,
    variability,
    vector_average,
)
from spikelearn.spikes.activity import Activity
from tests.responses.examples import DURATION_MS, random_activity, random_response


@given(st.integers(0, 10_000), st.floats(0.0, 150.0))
@settings(max_examples=30, deadline=None)
def test_latencies_are_those_of_the_first_spike_of_each_train(seed, onset_ms) -> None:
    activity = random_activity(seed, n_spikes=60)
    found = first_spike_latencies(activity, "out", onset_ms)
    for trial in range(activity.n_trials):
        for unit, times in enumerate(activity["out"].trains(trial)):
            later = [t - onset_ms for t in times if t >= onset_ms]
            assert found.values[trial, unit] == pytest.approx(
                min(later, default=DURATION_MS - onset_ms)
            )


def test_what_stands_for_silence_can_be_chosen() -> None:
    one = PopulationSpikes.from_unsorted(2, np.array([30.0]), np.array([1]))
    activity = Activity({"out": one}, DURATION_MS, 0.1)
    assert np.isnan(first_spike_latencies(activity, "out", silent_ms=np.nan).values[0, 0])
    assert first_spike_latencies(activity, "out").values.tolist() == [[DURATION_MS, 30.0]]
    with pytest.raises(SpikelearnError, match="onset_ms must lie within the trial"):
        first_spike_latencies(activity, "out", onset_ms=DURATION_MS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_filtered_rates_are_elephants_of_each_train_by_itself(kernel) -> None:
    import elephant.kernels
    from elephant.statistics import instantaneous_rate

    activity = random_activity(3, size=4, n_trials=3)
    found = filtered_rates(activity, "out", kernel, sigma_ms=4.0, bin_ms=0.5)
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
        np.testing.assert_allclose(found.values[trial], np.maximum(inside, 0), atol=1e-6)


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


def test_population_vectors_have_unit_length_and_silence_has_none() -> None:
    rates = psth(random_activity(1, n_spikes=30), "out", bin_ms=10.0, sigma_ms=0.0)
    vectors = population_vectors(rates)
    length = np.linalg.norm(vectors.values, axis=1)
    silent = rates.values.sum(axis=1) == 0
    assert silent.any()
    np.testing.assert_allclose(length, np.where(silent, 0.0, 1.0))
    np.testing.assert_allclose(population_vectors(3.0 * rates).values, vectors.values)


@given(st.integers(0, 1000), st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_cosine_tuned_neurons_point_where_the_stimulus_does(seed, n_axes) -> None:
    draw = np.random.default_rng(seed)
    axes = np.eye(n_axes)  # preferred directions that cover all axes evenly
    preferred = np.concatenate([axes, -axes])
    directions = draw.standard_normal((12, n_axes))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    response = random_response(0, 12, 2 * n_axes).copy(data=20.0 + 8.0 * directions @ preferred.T)
    np.testing.assert_allclose(preferred_directions(response, directions), preferred, atol=1e-9)
    # For such a population the average is the direction itself, times 8 / n_axes.
    decoded = vector_average(response, preferred, baseline=20.0)
    np.testing.assert_allclose(decoded.values, 8.0 / n_axes * directions, atol=1e-9)


def test_the_vector_average_follows_the_direction_over_time() -> None:
    angle = np.linspace(0, np.pi, 9)
    preferred = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    values = preferred @ np.stack([np.cos(angle), np.sin(angle)])
    response = random_response(0, 1, 4, 9).copy(data=values[None])
    decoded = vector_average(response, preferred, baseline=np.zeros(4))
    assert decoded.dims == ("stimulus", "unit", "time")
    assert list(decoded["unit"].values) == ["x", "y"]
    found = np.arctan2(decoded.sel(unit="y"), decoded.sel(unit="x")).values[0]
    np.testing.assert_allclose(found, angle, atol=1e-12)


def test_directions_that_determine_nothing_are_refused() -> None:
    response = random_response(0)
    with pytest.raises(SpikelearnError, match="do not determine a tuning"):
        preferred_directions(response, np.tile([[1.0, 0.0]], (6, 1)))
    with pytest.raises(SpikelearnError, match="one for each unit"):
        vector_average(response, np.ones((4, 2)))


def test_a_subsample_is_drawn_by_its_seed_without_replacement_and_nested() -> None:
    response = random_response(0, n_units=30)
    ten, twenty = subsampled(response, 10, seed=4), subsampled(response, 20, seed=4)
    assert len(set(ten["unit"].values)) == 10
    assert set(ten["unit"].values) < set(twenty["unit"].values)
    assert set(ten["unit"].values) != set(subsampled(response, 10, seed=5)["unit"].values)
    np.testing.assert_array_equal(ten.values, response.sel(unit=ten["unit"]).values)
    with pytest.raises(SpikelearnError, match="between 1 and 30"):
        subsampled(response, 31)


def test_subsamples_draw_every_unit_equally_often() -> None:
    response = random_response(0, n_stimuli=2, n_units=10, n_times=3)
    draws = subsamples(response, n_units=3, n_draws=2000, seed=1)
    assert draws.dims == ("draw", "stimulus", "unit", "time")
    members = draws["member"].values
    assert all(len(set(row)) == 3 for row in members)
    share = np.bincount(members.ravel(), minlength=10) / 2000
    np.testing.assert_allclose(share, 0.3, atol=5 * np.sqrt(0.3 * 0.7 / 2000))
    np.testing.assert_array_equal(draws.values[7], response.isel(unit=members[7]).values)


def test_pools_are_means_of_disjoint_units_and_keep_the_mean() -> None:
    response = random_response(0, n_stimuli=4, n_units=12, n_times=5)
    pools = pooled(response, 4, seed=2)
    assert pools.shape == (4, 4, 5)
    np.testing.assert_allclose(pools.mean("unit").values, response.mean("unit").values)
    np.testing.assert_allclose(pooled(response, 1).values[:, 0], response.mean("unit").values)
    singles = pooled(response, 12, seed=2).values
    np.testing.assert_allclose(np.sort(singles, axis=1), np.sort(response.values, axis=1))


def test_poisson_repeats_have_the_variance_of_their_mean() -> None:
    means = np.abs(random_response(0, n_stimuli=3, n_units=4)) * 5.0
    repeats = poisson_repeats(means, 20_000, seed=1)
    assert repeats.dims == ("stimulus", "repeat", "unit")
    np.testing.assert_allclose(repeats.mean("repeat").values, means.values, rtol=0.05, atol=0.05)
    np.testing.assert_allclose(repeats.var("repeat").values, means.values, rtol=0.1, atol=0.05)
    with pytest.raises(SpikelearnError, match="at least 0"):
        poisson_repeats(random_response(0), 2)


def recorded_units(seed: int, signal_sd, noise_sd, n_repeats: int, n_stimuli: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    signal = draw.standard_normal((n_stimuli, len(signal_sd))) * signal_sd
    shape = (n_stimuli, n_repeats, len(signal_sd))
    return signal[:, None] + draw.standard_normal(shape) * noise_sd


def test_variability_is_estimated_without_bias() -> None:
    signal_sd, noise_sd = np.array([2.0, 1.0, 0.5]), np.array([1.0, 3.0, 1.0])
    found = [variability(recorded_units(s, signal_sd, noise_sd, 4, 60)) for s in range(200)]
    signal = np.mean([f.signal for f in found], axis=0)
    noise = np.mean([f.noise for f in found], axis=0)
    np.testing.assert_allclose(noise, noise_sd**2, rtol=0.03)
    np.testing.assert_allclose(signal[[0, 2]], signal_sd[[0, 2]] ** 2, rtol=0.06)
    # Naively, as the variance of the means, the second would be 1 + 9 / 4.
    assert signal[1] == pytest.approx(1.0, abs=0.25)


def test_missing_repeats_do_not_bias_the_variability() -> None:
    recorded = recorded_units(1, np.full(300, 1.5), np.full(300, 2.0), 6, 40)
    recorded[::2, 3:] = np.nan
    found = variability(recorded)
    assert found.noise.mean() == pytest.approx(4.0, rel=0.03)
    assert found.signal.mean() == pytest.approx(2.25, rel=0.06)


def test_a_noise_matched_population_is_as_reliable_as_the_recorded_one() -> None:
    recorded = recorded_units(2, np.full(80, 1.0), np.full(80, 2.0), 5, 400)
    model = random_response(3, n_stimuli=400, n_units=200)
    matched = noise_matched(model, recorded, n_repeats=5, seed=7)
    assert matched.dims == ("stimulus", "repeat", "unit")
    found = variability(matched.values)
    assert np.median(found.ratio) == pytest.approx(0.25, rel=0.1)
    # The signal underneath is the model's: the mean over many repeats shows it.
    many = noise_matched(model, recorded, n_repeats=100, seed=7).mean("repeat").values
    r = [np.corrcoef(many[:, u], model.values[:, u])[0, 1] for u in range(50)]
    assert min(r) > 0.95


def test_variability_needs_repeats() -> None:
    with pytest.raises(SpikelearnError, match="at least 2 repeats"):
        variability(np.zeros((5, 1, 3)))


@given(st.integers(0, 1000), st.sampled_from(["correlation", "cosine", "euclidean"]))
@settings(max_examples=25, deadline=None)
def test_rdms_over_time_are_scipys_distances_at_each_time(seed, distance) -> None:
    response = random_response(seed, n_stimuli=5, n_units=7, n_times=4)
    rdms = time_resolved_rdms(response, distance)
    assert rdms.dims == ("time", "pair")
    for k in range(4):
        expected = pdist(response.values[:, :, k], distance)
        if distance == "euclidean":
            expected = expected / np.sqrt(7)
        np.testing.assert_allclose(rdms.values[k], expected, atol=1e-9)
    assert rdms["stimulus_1"].values[0] == "s0"
    assert rdms["stimulus_2"].values[-1] == "s4"


def test_a_window_averages_the_patterns_around_each_time() -> None:
    response = random_response(1, n_stimuli=4, n_units=6, n_times=9)
    windowed = time_resolved_rdms(response, window_ms=20.0)
    middle = pdist(response.values[:, :, 3:6].mean(axis=2), "correlation")
    np.testing.assert_allclose(windowed.values[4], middle, atol=1e-9)
    first = pdist(response.values[:, :, :2].mean(axis=2), "correlation")
    np.testing.assert_allclose(windowed.values[0], first, atol=1e-9)


def test_a_flat_pattern_is_unrelated_to_every_other() -> None:
    response = random_response(1, n_stimuli=3, n_units=6, n_times=2)
    response.values[0] = 5.0
    assert np.allclose(time_resolved_rdms(response).values[:, :2], 1.0)


def test_many_sensors_keep_the_distances_between_patterns() -> None:
    response = random_response(1, n_stimuli=6, n_units=40, n_times=3)
    mixed = sensors(response, 5000, seed=3)
    assert mixed.sizes["unit"] == 5000
    for k in range(3):
        ratio = pdist(mixed.values[:, :, k]) / pdist(response.values[:, :, k])
        np.testing.assert_allclose(ratio, 1.0, atol=0.08)


@pytest.mark.parametrize("name", [name for name, r in READOUTS.items() if not r.needs_network])
def test_every_readout_names_its_units_and_its_source(name) -> None:
    response = respond(random_activity(1, labels=["a", "b", "a", "c", "b"]), "out", name)
    assert response.attrs["units"]
    assert "population out" in response.attrs["source"]
    if name != "rdms":
        assert response.dims[:2] == ("stimulus", "unit")
        assert list(response["stimulus"].values) == ["a", "b", "c"]
    assert np.isfinite(response.values).all()


def test_activations_name_their_units_and_their_source() -> None:
    response = activation_responses({"h": np.eye(2)}, ["a", "b"])["h"]
    assert response.attrs == {"units": "dimensionless", "source": "activations of layer h"}


def test_unknown_readouts_and_options_are_answered_with_those_there_are() -> None:
    activity = random_activity(0)
    with pytest.raises(SpikelearnError, match="readouts are counts, rates, latency"):
        respond(activity, "out", "eeg")
    with pytest.raises(SpikelearnError, match="it has onset_ms, silent_ms"):
        respond(activity, "out", "latency", {"onset": 3})
    with pytest.raises(SpikelearnError, match="kernels are gaussian"):
        respond(activity, "out", "filtered", {"kernel": "boxcar"})


@pytest.mark.parametrize("suffix", [".nc", ".parquet"])
@pytest.mark.parametrize("name", ["counts", "bold", "rdms", "population_vector"])
def test_a_response_comes_back_from_its_file_as_it_was(tmp_path, suffix, name) -> None:
    response = respond(random_activity(1, labels=["b", "a", "c", "d", "e"]), "out", name)
    path = save_response(response, tmp_path / f"r{suffix}")
    back = load_response(path)
    assert back.dims == response.dims
    assert back.attrs == response.attrs
    assert back.name == response.name
    assert set(back.coords) == set(response.coords)
    for key in response.coords:
        np.testing.assert_array_equal(back[key].values, response[key].values)
    np.testing.assert_array_equal(back.values, response.values)


def test_a_netcdf_file_of_ours_is_opened_by_xarray_alone(tmp_path) -> None:
    import xarray

    path = save_response(spike_counts(random_activity(1), "out"), tmp_path / "r.nc")
    with xarray.open_dataarray(path) as file:
        assert file.attrs["units"] == "spikes per trial"


def test_files_that_hold_no_response_are_refused(tmp_path) -> None:
    import pandas as pd

    with pytest.raises(SpikelearnError, match=r"suffixes are \.nc, \.parquet"):
        save_response(random_response(0), tmp_path / "r.xlsx")
    with pytest.raises(SpikelearnError, match="there is no file"):
        load_response(tmp_path / "none.nc")
    (tmp_path / "broken.nc").write_bytes(b"netCDF it is not")
    with pytest.raises(SpikelearnError, match=r"not a complete \.nc file"):
        load_response(tmp_path / "broken.nc")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(SpikelearnError, match="something else"):
        load_response(tmp_path / "other.parquet")
