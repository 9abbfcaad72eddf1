"""Population vectors and preferred directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    population_vectors,
    preferred_directions,
    psth,
    vector_average,
)
from tests.responses.examples import random_activity, random_response


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
    decoded_angle = np.arctan2(decoded.sel(unit="y"), decoded.sel(unit="x")).values[0]
    np.testing.assert_allclose(decoded_angle, angle, atol=1e-12)


def test_directions_that_determine_nothing_are_refused() -> None:
    response = random_response(0)
    with pytest.raises(SpikelearnError, match="do not determine a tuning"):
        preferred_directions(response, np.tile([[1.0, 0.0]], (6, 1)))
    with pytest.raises(SpikelearnError, match="one for each unit"):
        vector_average(response, np.ones((4, 2)))
