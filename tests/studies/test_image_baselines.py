"""Baselines of the images: as they are shown, at every resolution, computed once."""

from __future__ import annotations

import numpy as np
import pytest
from small_recording import small_recording

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import pixels, rdm
from spikelearn.stimuli.images import network_images
from spikelearn.studies.comparing import similarity
from spikelearn.studies.image_baselines import (
    at_resolution,
    baseline_responses,
    baseline_table,
    check_given,
    with_controls,
)


def test_at_the_resolution_of_the_network_nothing_changes() -> None:
    images = at_resolution(small_recording().images, 8)
    assert images.shape == (14, 8, 8)
    np.testing.assert_allclose(
        network_images(images, (1, 8, 8)),
        network_images(small_recording().images, (1, 8, 8)),
        atol=0.5 / 255 + 1e-6,
    )
    colour = np.repeat(small_recording().images[..., None], 3, axis=3)
    np.testing.assert_array_equal(at_resolution(colour, 8)[..., 1], images)
    assert at_resolution(colour, None) is colour
    with pytest.raises(SpikelearnError, match="at least 1 x 1"):
        at_resolution(colour, 0)


def test_gabor_energy_finds_the_orientation_of_a_grating_whatever_its_phase() -> None:
    from spikelearn.comparison import gabor_energy

    y, x = np.mgrid[:64, :64]
    gratings = [
        np.cos(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / 8 + phase)
        for a in np.arange(4) * np.pi / 4
        for phase in (0.0, 1.0)
    ]
    images = np.round(127.5 + 100 * np.stack(gratings)).astype(np.uint8)
    response = gabor_energy(images, [str(i) for i in range(8)], wavelengths=[8.0])
    energy = response.to_numpy().reshape(8, 4, 64)[:, :, 27:29].mean(axis=2)  # in the middle
    np.testing.assert_array_equal(energy.argmax(axis=1), np.repeat(np.arange(4), 2))
    np.testing.assert_allclose(energy[::2], energy[1::2], rtol=0.1, atol=0.05 * energy.max())


def test_baselines_are_of_the_images_as_they_are_shown() -> None:
    made = small_recording()
    found = baseline_responses(made, 6)
    np.testing.assert_array_equal(
        found["pixels", ""], pixels(at_resolution(made.images, 6), made.labels)
    )
    assert rdm(found["mean_luminance", ""]).dissimilarity_measure.startswith("root mean square")


def test_baselines_that_were_computed_before_give_the_same_table() -> None:
    made = small_recording()
    before = baseline_table(made, 10, 3)
    whole = similarity([], made, 10, 3)
    assert whole[before.columns].equals(before)
    assert similarity([], made, 10, 3, baselines=before).equals(whole)


def test_controls_are_baselines_of_the_images_as_they_were_recorded() -> None:
    made = small_recording()
    options = with_controls("partial_rsa", {"over": "stimuli"}, made)
    assert list(options["controls"]) == [("pixels", "")]
    assert with_controls("rsa", {"given": None, "over": "both"}, made) == {"over": "both"}
    both = with_controls("partial_rsa", {"given": ["random_features", "pixels"]}, made, 4)
    found = baseline_responses(made, None, 4)
    for key, response in both["controls"].items():
        np.testing.assert_array_equal(response, found[key])
    assert list(both["controls"]) == [("pixels", ""), ("random_features", "")]
    own = {"controls": {"mine": found["pixels", ""]}}
    assert with_controls("partial_rsa", own, made) == own
    with pytest.raises(SpikelearnError, match="controls are given to the method partial_rsa, not"):
        with_controls("cka", {"given": ["pixels"]}, made)
    with pytest.raises(SpikelearnError, match="at least one control, such as pixels"):
        check_given([])
    with pytest.raises(SpikelearnError, match="no category model"):
        with_controls("partial_rsa", {"given": ["category"]}, made)
    with pytest.raises(SpikelearnError, match="the control pixels is given twice"):
        check_given(["pixels", "pixels"])
