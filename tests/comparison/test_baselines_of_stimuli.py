"""Baselines: luminance, categories, envelopes."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    category_model,
    mean_luminance,
    rdm,
    sound_envelope,
)
from spikelearn.recordings import Sound


def test_the_envelope_of_a_constant_sound_is_constant() -> None:
    envelope = sound_envelope(Sound(np.full(2000, 0.3), 20_000.0, "hum"))
    assert envelope.shape == (100,)
    np.testing.assert_allclose(envelope, 0.3)
    with pytest.raises(SpikelearnError, match="whole number of samples"):
        sound_envelope(Sound(np.zeros(1500), 1500.0, "odd"), bin_ms=1.0)


@pytest.mark.parametrize("member", [[True, False, True, True], ["a", "b", "a", "c"]])
def test_a_category_model_tells_same_from_different_only(member) -> None:
    matrix = rdm(category_model(np.array(member), list("wxyz"))).get_matrices()[0]
    expected = np.array([[float(a != b) for b in member] for a in member])
    np.testing.assert_allclose(matrix, expected, atol=1e-9)


def test_mean_luminance_weights_colours_by_rec_709() -> None:
    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[1, ..., 1] = 255
    images[2] = 255
    light = mean_luminance(images, ["black", "green", "white"])
    np.testing.assert_allclose(light.values[:, 0], [0, 0.7152, 1])
    np.testing.assert_allclose(rdm(light).get_vectors()[0], [0.7152, 1.0, 0.2848], atol=1e-7)
