"""The 8 x 8 digits of scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli import ImageDataset, digits, load_dataset


@pytest.fixture(scope="module")
def data() -> ImageDataset:
    return digits.load()


def test_every_digit_is_in_one_part_with_its_label(data: ImageDataset) -> None:
    original = load_digits()
    assert data.train_images.shape == (1437, 8, 8)
    assert data.test_images.shape == (360, 8, 8)
    found = np.concatenate([data.train_images, data.test_images])
    labels = np.concatenate([data.train_labels, data.test_labels])
    pairs = sorted((x.tobytes(), y) for x, y in zip(found, labels, strict=True))
    scaled = np.rint(original.images * 255 / 16).astype(np.uint8)
    expected = sorted((x.tobytes(), y) for x, y in zip(scaled, original.target, strict=True))
    assert pairs == expected


def test_each_class_is_held_out_alike(data: ImageDataset) -> None:
    np.testing.assert_array_equal(np.bincount(data.test_labels), np.full(10, 36))
    np.testing.assert_array_equal(digits.load().test_images, data.test_images)


def test_the_darkest_and_the_brightest_value_fill_the_range(data: ImageDataset) -> None:
    values = np.unique(data.train_images)
    assert data.train_images.dtype == np.uint8
    assert len(values) == 17
    assert (values[0], values[-1]) == (0, 255)


def test_no_test_digit_is_a_training_digit(data: ImageDataset) -> None:
    train = {image.tobytes() for image in data.train_images}
    assert not any(image.tobytes() in train for image in data.test_images)


def test_neighbours_among_the_training_digits_know_the_test_digits(data: ImageDataset) -> None:
    train, test = (
        x.reshape(len(x), -1).astype(float) for x in (data.train_images, data.test_images)
    )
    distances = (train**2).sum(1) - 2 * test @ train.T
    assert np.mean(data.train_labels[distances.argmin(1)] == data.test_labels) > 0.93


def test_digits_need_neither_data_nor_network(no_data: Path) -> None:
    assert load_dataset("digits").source == "1,797 digits of scikit-learn"
    assert not no_data.exists()


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="must be auto or embedded, found 'full'"):
        digits.load("full")
