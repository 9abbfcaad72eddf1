"""The scale of images: no bright part or pixel hides that the others are nearly black."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli.image_scale import on_scale

DIGITS = np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(np.uint8)


def test_bright_test_images_do_not_hide_training_images_that_are_nearly_black() -> None:
    with pytest.raises(SpikelearnError, match=r"train .*nothing above 16.*image_range=\[0,16\]"):
        on_scale({"train": DIGITS, "test": DIGITS * 15})


@pytest.mark.parametrize("n", [2, 50])
def test_one_bright_pixel_among_dark_ones_is_warned_of(n: int) -> None:
    images = DIGITS[:n].copy()
    images[1, 3, 3] = 200
    with pytest.warns(UserWarning, match=r"above 16 but in a few pixels of up to 200.*image_range"):
        (scaled,) = on_scale({"mine": images})
    assert (scaled == images).all()


@pytest.mark.parametrize("test", [DIGITS, (DIGITS / 255).astype(float)])
def test_test_images_that_are_far_darker_are_warned_of(test: np.ndarray) -> None:
    with pytest.warns(UserWarning, match=r"^test hold nothing above .*image_range"):
        on_scale({"train": DIGITS * 15, "test": test})


def test_dark_images_among_bright_ones_and_a_range_that_is_said_are_fine() -> None:
    mixed = DIGITS * 15
    mixed[::2] = DIGITS[::2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_scale({"train": mixed, "test": DIGITS / 16})
        train, test = on_scale({"train": DIGITS, "test": DIGITS[:3]}, (0, 16))
    assert train.max() == 255
    assert (test == train[:3]).all()
