"""Dissimilarities against SciPy and rsatoolbox, from any response."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import made_up_recording, response, score
from rsatoolbox.data import Dataset
from rsatoolbox.rdm import calc_rdm
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_rsa, fixed_rdm, pixels, rdm
from spikelearn.comparison.rdms import (
    correlation_distances,
    crossnobis_distances,
    euclidean_distances,
    noise_covariance,
)


def repeated(n_stimuli=10, n_repeats=3, n_units=15, signal=1.0, seed=0) -> xarray.DataArray:
    random = np.random.default_rng(seed)
    means = signal * random.normal(size=(n_stimuli, 1, n_units))
    mixing = random.normal(size=(n_units, n_units)) / np.sqrt(n_units)
    values = means + random.normal(size=(n_stimuli, n_repeats, n_units)) @ mixing
    return xarray.DataArray(
        values,
        dims=("stimulus", "repeat", "unit"),
        coords={"stimulus": [f"s{i}" for i in range(n_stimuli)]},
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # rsatoolbox's own
def test_crossnobis_and_mahalanobis_distances_are_rsatoolboxs() -> None:
    values = repeated()
    n, k, p = values.shape
    precision = np.linalg.inv(noise_covariance(values.to_numpy()))
    stimulus, repeat = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    data = Dataset(
        values.to_numpy().reshape(n * k, p), obs_descriptors={"s": stimulus, "r": repeat}
    )
    crossed = calc_rdm(data, "crossnobis", "s", noise=precision, cv_descriptor="r")
    np.testing.assert_allclose(
        rdm(values, "crossnobis").get_vectors(), crossed.get_vectors(), rtol=1e-8, atol=1e-10
    )
    plain = calc_rdm(data, "mahalanobis", "s", noise=precision)
    np.testing.assert_allclose(
        rdm(values, "mahalanobis").get_vectors(), plain.get_vectors(), rtol=1e-8
    )


def test_crossnobis_distances_of_nothing_but_noise_are_zero_on_average() -> None:
    cross_validated, plain = (
        np.mean([rdm(repeated(200, 3, 4, 0.0, s), how).get_vectors() for s in range(5)])
        for how in ("crossnobis", "mahalanobis")
    )
    assert abs(cross_validated) < 0.02
    assert plain == pytest.approx(2 / 3, abs=0.05)  # twice the variance of a mean of 3


def test_the_noise_covariance_is_that_of_the_repeats() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 4, 5)) * [1.0, 2.0, 3.0, 1.0, 0.5]
    np.testing.assert_allclose(np.diag(noise_covariance(values)), [1, 4, 9, 1, 0.25], rtol=0.15)


def test_baselines_of_repeats_are_no_noise_and_change_no_distance() -> None:
    values = repeated(n_repeats=4)
    baselines = 30 * np.random.default_rng(3).normal(size=(1, 4, values.sizes["unit"]))
    shifted = values + baselines
    np.testing.assert_allclose(
        noise_covariance(shifted.to_numpy()), noise_covariance(values.to_numpy()), atol=1e-9
    )
    for method in ("mahalanobis", "crossnobis"):
        np.testing.assert_allclose(
            rdm(shifted, method).get_vectors(), rdm(values, method).get_vectors(), rtol=1e-6
        )


@pytest.mark.parametrize("chunk_units", [1, 7, 40, 1000])
def test_the_size_of_a_chunk_changes_nothing(chunk_units) -> None:
    values = np.random.default_rng(0).normal(size=(8, 40)).astype(np.float32)
    np.testing.assert_allclose(
        squareform(correlation_distances(values, chunk_units), checks=False),
        pdist(values.astype(float), "correlation"),
        atol=1e-11,
    )
    np.testing.assert_allclose(
        squareform(euclidean_distances(values, chunk_units), checks=False),
        pdist(values.astype(float)) / np.sqrt(40),
        rtol=1e-9,
    )
    repeats = np.random.default_rng(1).normal(size=(8, 3, 40))
    np.testing.assert_allclose(
        crossnobis_distances(repeats, chunk_units), crossnobis_distances(repeats), atol=1e-10
    )


def test_distances_in_units_of_the_noise_need_repeats_with_noise() -> None:
    with pytest.raises(SpikelearnError, match="dimension 'repeat'"):
        rdm(response(np.eye(5)), "crossnobis")
    with pytest.raises(SpikelearnError, match="at least 2 repeats"):
        rdm(repeated(n_repeats=1), "crossnobis")
    same = xarray.concat([repeated(n_repeats=1)] * 3, "repeat")
    with pytest.raises(SpikelearnError, match="identical"):
        rdm(same, "mahalanobis")


def test_other_methods_average_over_repeats() -> None:
    values = repeated()
    np.testing.assert_allclose(
        rdm(values).get_vectors()[0], pdist(values.mean("repeat"), "correlation"), atol=1e-11
    )


def test_a_matrix_is_compared_as_it_stands_whatever_the_order_of_its_stimuli() -> None:
    recording = made_up_recording(12)
    matrix = recording.groups["monkey IT"].matrix
    order = np.random.default_rng(0).permutation(12)
    labels = np.array(recording.labels)
    shuffled = fixed_rdm(matrix[np.ix_(order, order)], labels[order])
    table = compare_rsa({"copy": shuffled}, recording, 0)
    assert score(table, "monkey IT", "group") == pytest.approx(1.0)


def test_matrices_that_hold_no_dissimilarities_are_refused() -> None:
    labels = [f"s{i}" for i in range(5)]
    distances = squareform(np.random.default_rng(0).uniform(0.1, 1, 10))
    with pytest.raises(SpikelearnError, match="holds similarities; give dissimilarities"):
        fixed_rdm(1 - distances, labels)
    with pytest.raises(SpikelearnError, match="square matrix for its 4"):
        fixed_rdm(distances, labels[:4])
    with pytest.raises(SpikelearnError, match="not symmetric"):
        fixed_rdm(np.triu(distances), labels)
    with pytest.raises(SpikelearnError, match="its diagonal must be 0"):
        fixed_rdm(distances + 0.2 * np.eye(5), labels)


def test_correlation_rdm_is_scipys() -> None:
    values = np.random.default_rng(0).normal(size=(12, 30))
    np.testing.assert_allclose(
        rdm(response(values)).get_vectors()[0], pdist(values, "correlation"), atol=1e-11
    )


def test_euclidean_rdm_of_one_unit_is_the_absolute_difference() -> None:
    values = np.random.default_rng(0).uniform(size=(12, 1))
    np.testing.assert_allclose(
        rdm(response(values, rdm_method="euclidean")).get_matrices()[0],
        np.abs(values - values.T),
        atol=1e-7,
    )


def test_euclidean_rdm_is_the_root_mean_square_difference() -> None:
    values = np.random.default_rng(0).normal(size=(12, 30)) + 5
    np.testing.assert_allclose(
        rdm(response(values), "euclidean").get_vectors()[0],
        pdist(values) / np.sqrt(30),
        atol=1e-9,
    )


@given(st.integers(0, 10_000), st.sampled_from(["correlation", "euclidean"]))
@settings(max_examples=30, deadline=None)
def test_the_order_of_units_does_not_matter_to_the_last_digit(seed, method) -> None:
    generator = np.random.default_rng(seed)
    values = generator.poisson(0.5, (10, 40))
    shuffled = values[:, generator.permutation(40)]
    a, b = (rdm(response(v), method).get_vectors()[0] for v in (values, shuffled))
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_allclose(a, b, atol=1e-11)
    np.testing.assert_array_equal(rankdata(a), rankdata(b))


def test_units_may_lie_on_several_axes_in_any_order() -> None:
    values = np.random.default_rng(0).normal(size=(3, 8, 4))
    maps = xarray.DataArray(
        values, dims=("x", "stimulus", "y"), coords={"stimulus": np.arange(8).astype(str)}
    )
    flat = values.transpose(1, 0, 2).reshape(8, -1)
    np.testing.assert_allclose(rdm(maps).get_vectors()[0], pdist(flat, "correlation"), atol=1e-11)


def test_responses_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="correlation, euclidean"):
        rdm(response(np.eye(4)), "cosine")
    with pytest.raises(SpikelearnError, match="not finite"):
        rdm(response(np.full((4, 2), np.nan)))
    with pytest.raises(SpikelearnError, match="dimension 'stimulus'"):
        rdm(xarray.DataArray(np.eye(4), dims=("image", "unit")))
    with pytest.raises(SpikelearnError, match="3 images but 2 labels"):
        pixels(np.zeros((3, 2, 2), np.uint8), ["a", "b"])
