"""Distances in units of the noise against rsatoolbox; chunks of units; matrices that are given."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from rsa_examples import made_up_recording, response, score
from rsatoolbox.data import Dataset
from rsatoolbox.rdm import calc_rdm
from scipy.spatial.distance import pdist, squareform

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import category_model, compare_rsa, fixed_rdm, rdm
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
    found, plain = (
        np.mean([rdm(repeated(200, 3, 4, 0.0, s), how).get_vectors() for s in range(5)])
        for how in ("crossnobis", "mahalanobis")
    )
    assert abs(found) < 0.02
    assert plain == pytest.approx(2 / 3, abs=0.05)  # twice the variance of a mean of 3


def test_the_noise_covariance_is_that_of_the_repeats() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 4, 5)) * [1.0, 2.0, 3.0, 1.0, 0.5]
    np.testing.assert_allclose(np.diag(noise_covariance(values)), [1, 4, 9, 1, 0.25], rtol=0.15)


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


@pytest.mark.parametrize("member", [[True, False, True, True], ["a", "b", "a", "c"]])
def test_a_category_model_tells_same_from_different_only(member) -> None:
    found = rdm(category_model(np.array(member), list("wxyz"))).get_matrices()[0]
    expected = np.array([[float(a != b) for b in member] for a in member])
    np.testing.assert_allclose(found, expected, atol=1e-9)
