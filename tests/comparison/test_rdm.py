"""RDMs of responses against SciPy; the baselines' responses."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from rsa_examples import response
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import mean_luminance, pixels, rdm


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


def test_mean_luminance_weights_colours_by_rec_709() -> None:
    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[1, ..., 1] = 255
    images[2] = 255
    light = mean_luminance(images, ["black", "green", "white"])
    np.testing.assert_allclose(light.values[:, 0], [0, 0.7152, 1])
    np.testing.assert_allclose(rdm(light).get_vectors()[0], [0.7152, 1.0, 0.2848], atol=1e-7)


def test_responses_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="correlation, euclidean"):
        rdm(response(np.eye(4)), "cosine")
    with pytest.raises(SpikelearnError, match="not finite"):
        rdm(response(np.full((4, 2), np.nan)))
    with pytest.raises(SpikelearnError, match="dimension 'stimulus'"):
        rdm(xarray.DataArray(np.eye(4), dims=("image", "unit")))
    with pytest.raises(SpikelearnError, match="3 images but 2 labels"):
        pixels(np.zeros((3, 2, 2), np.uint8), ["a", "b"])
