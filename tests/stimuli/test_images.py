"""Images on their way into a network, and data sets that do not fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli import ImageDataset, luminance, network_input


def random_images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def area_average(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Mean of the image, a step function, over the rectangle of each target pixel."""
    integral = np.zeros((image.shape[0] + 1, image.shape[1] + 1))
    integral[1:, 1:] = image.cumsum(0).cumsum(1)
    rows = np.linspace(0, image.shape[0], height + 1)
    columns = np.linspace(0, image.shape[1], width + 1)

    # The integral of a step function is piecewise bilinear between pixel edges.
    along_rows = np.stack(
        [np.interp(rows, np.arange(integral.shape[0]), column) for column in integral.T], axis=1
    )
    both = np.stack([np.interp(columns, np.arange(integral.shape[1]), row) for row in along_rows])
    area = (image.shape[0] / height) * (image.shape[1] / width)
    return np.diff(np.diff(both, axis=0), axis=1) / area


def test_luminance_weighs_red_green_and_blue_as_rec_709() -> None:
    primaries = np.zeros((5, 1, 1, 3), dtype=np.uint8)
    primaries[0, ..., 0] = primaries[1, ..., 1] = primaries[2, ..., 2] = 255
    primaries[3] = 255
    np.testing.assert_allclose(luminance(primaries).ravel(), [0.2126, 0.7152, 0.0722, 1.0, 0.0])


def test_luminance_of_grey_is_itself() -> None:
    grey = random_images(2, 5, 6)
    np.testing.assert_allclose(luminance(grey), grey / 255.0)
    np.testing.assert_allclose(luminance(np.repeat(grey[..., None], 3, axis=3)), grey / 255.0)


def test_an_image_of_the_right_size_passes_unchanged() -> None:
    images = random_images(3, 28, 28)
    found = network_input(images, 28, 28)
    assert found.shape == (3, 784)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, images.reshape(3, -1) / 255.0, rtol=1e-6)


@pytest.mark.parametrize("factor", [2, 4, 7])
def test_whole_blocks_of_pixels_become_their_means(factor: int) -> None:
    images = random_images(2, 4 * factor, 6 * factor)
    blocks = images.reshape(2, 4, factor, 6, factor).mean((2, 4)) / 255.0
    np.testing.assert_allclose(network_input(images, 4, 6), blocks.reshape(2, -1), atol=1e-6)


@settings(max_examples=30)
@given(
    size=st.tuples(st.integers(5, 60), st.integers(5, 60)),
    target=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 1000),
)
def test_resizing_averages_over_the_area_of_each_pixel(
    size: tuple[int, int], target: tuple[int, int], seed: int
) -> None:
    image = random_images(1, *size, seed=seed)
    expected = area_average(image[0] / 255.0, *target)
    found = network_input(image, *target).reshape(target)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", [28, 175, 200])
def test_resizing_keeps_the_mean_luminance(size: int) -> None:
    images = random_images(3, size, size, 3)
    found = network_input(images, 28, 28)
    np.testing.assert_allclose(found.mean(1), luminance(images).mean((1, 2)), atol=1e-5)
    assert found.min() >= 0
    assert found.max() <= 1


def test_resizing_keeps_black_white_and_orientation() -> None:
    images = np.zeros((3, 175, 175), dtype=np.uint8)
    images[1] = 255
    images[2, :50, 100:] = 255  # upper right
    black, white, corner = network_input(images, 28, 28).reshape(3, 28, 28)
    assert black.max() == 0
    assert white.min() == 1
    assert corner[2, 25] == 1
    assert corner[25, 2] == corner[2, 2] == corner[25, 25] == 0


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (np.zeros((2, 5, 5)), "uint8"),
        (np.zeros((5, 5), dtype=np.uint8), "shape"),
        (np.zeros((2, 5, 5, 4), dtype=np.uint8), "shape"),
    ],
    ids=["floats", "one_image", "four_channels"],
)
def test_what_is_no_batch_of_images_is_refused(images: np.ndarray, word: str) -> None:
    with pytest.raises(SpikelearnError, match=word):
        network_input(images, 4, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_labels": np.zeros(3, dtype=np.uint8)}, ["4 train images", "3 labels"]),
        ({"test_labels": np.zeros(3, dtype=np.uint8)}, ["2 test images", "3 labels"]),
        ({"train_labels": np.array([0, 1, 2, 3], dtype=np.uint8)}, ["label 3", "3 classes"]),
        ({"test_labels": np.array([0, 9], dtype=np.uint8)}, ["label 9", "3 classes"]),
    ],
    ids=["train_count", "test_count", "train_label", "test_label"],
)
def test_a_data_set_that_does_not_fit_together_is_refused(
    changes: dict[str, Any], words: list[str]
) -> None:
    content: dict[str, Any] = {
        "name": "small",
        "train_images": random_images(4, 5, 5),
        "train_labels": np.zeros(4, dtype=np.uint8),
        "test_images": random_images(2, 5, 5),
        "test_labels": np.zeros(2, dtype=np.uint8),
        "classes": ("a", "b", "c"),
        "source": "random",
    }
    assert ImageDataset(**content).n_pixels == 25
    with pytest.raises(SpikelearnError) as raised:
        ImageDataset(**(content | changes))
    assert "\n" not in str(raised.value)
    for word in ["small", *words]:
        assert word in str(raised.value)
