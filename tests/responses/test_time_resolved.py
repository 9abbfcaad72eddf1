"""RDMs over time, against SciPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from spikelearn.responses import (
    sensors,
    time_resolved_rdms,
)
from tests.responses.examples import random_response


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
