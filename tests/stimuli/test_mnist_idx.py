"""MNIST: the digits that come with the toolkit, and the full set where it is at hand."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.stimuli import ImageDataset, load_dataset, load_protocol, mnist

# SHA-256 of the arrays' bytes, images and labels one after the other.
EMBEDDED = {
    "train": (
        "52454974f5606fb1cb7a0b60cb9e0026695d7a6ff73bc12b8d9b703df7aafe13",
        "18f60181177257fa959576b2e27a6e81f2d1e246d592a7c27d824f6b4d9c1072",
    ),
    "test": (
        "05f16c885f80bb90594fc5376d4c5fdcd5d3fabe6e5d3e6085255628eecfeaa3",
        "793e48347f02ec9f49b10d30a93de91d185c4cfb957f09d953b1576548404082",
    ),
}


@pytest.fixture(scope="module")
def embedded() -> ImageDataset:
    return mnist.load("embedded")


def parts(data: ImageDataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of "train" or "test"."""
    return getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")


@pytest.mark.parametrize(("part", "each"), [("train", 400), ("test", 100)])
def test_the_embedded_digits_are_those_that_they_are_known_to_be(
    embedded: ImageDataset, part: str, each: int
) -> None:
    images, labels = parts(embedded, part)
    assert images.shape == (10 * each, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (10 * each,)
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, each))
    found = tuple(
        hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for a in (images, labels)
    )
    assert found == EMBEDDED[part]


def test_the_embedded_digits_fill_the_frame_as_mnist_does(embedded: ImageDataset) -> None:
    # Digits of 20 x 20 pixels, centred by their centre of mass in 28 x 28 (LeCun et al. 1998).
    images = embedded.train_images.astype(float)
    assert images.min() == 0
    assert images.max() == 255
    weight = images.sum((1, 2))
    rows = (images.sum(2) * np.arange(28)).sum(1) / weight
    columns = (images.sum(1) * np.arange(28)).sum(1) / weight
    assert abs(rows.mean() - 13.9) < 0.3
    assert abs(columns.mean() - 13.9) < 0.3
    assert np.abs(rows - 13.9).max() < 1.5
    assert embedded.classes == tuple("0123456789")
    assert embedded.n_pixels == 784


def test_no_embedded_test_digit_is_a_training_digit(embedded: ImageDataset) -> None:
    train = {image.tobytes() for image in embedded.train_images}
    assert len(train) == 4000
    assert not any(image.tobytes() in train for image in embedded.test_images)


def test_the_embedded_digits_are_a_part_of_the_full_set_with_the_same_labels(
    embedded: ImageDataset,
) -> None:
    if not mnist.full_set_at_hand():
        pytest.skip("the full MNIST set is not at hand")
    full = mnist.load("full")
    assert full.train_images.shape == (60_000, 28, 28)
    assert full.test_images.shape == (10_000, 28, 28)
    np.testing.assert_array_equal(
        np.bincount(full.test_labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    known = {
        image.tobytes(): label
        for image, label in zip(full.train_images, full.train_labels, strict=True)
    }
    for part in ("train", "test"):
        for image, label in zip(*parts(embedded, part), strict=True):
            assert known[image.tobytes()] == label
    held_out = {image.tobytes() for image in full.test_images}
    assert not any(image.tobytes() in held_out for image in embedded.train_images)
    assert mnist.load().source == full.source


def test_without_the_full_set_the_embedded_digits_are_used(no_data: Path) -> None:
    assert not mnist.full_set_at_hand()
    data = load_dataset("mnist")
    assert data.source == mnist.load("embedded").source
    assert len(data.train_images) == 4000


def test_the_full_set_without_a_network_says_how_to_supply_it(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(monkeypatch)
    with pytest.raises(DataUnavailableError) as raised:
        mnist.load("full")
    message = str(raised.value)
    assert "\n" not in message
    for word in ("mnist/train-images-idx3-ubyte.gz", "SPIKELEARN_DATA", str(no_data)):
        assert word in message


def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every HTTP request fails as it does without a network."""
    import requests

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "get", refuse)


@pytest.mark.parametrize(
    "content", [b"not gzip at all", gzip.compress(b"\x00\x00\x08\x01other", mtime=0)]
)
def test_a_file_that_is_not_mnist_is_refused(no_data: Path, content: bytes) -> None:
    for name in mnist._FILES:
        path = no_data / "mnist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(SpikelearnError) as raised:
        mnist.load("full")
    message = str(raised.value)
    assert "\n" not in message
    assert "train-images-idx3-ubyte.gz" in message


def test_an_unknown_source_of_digits_is_refused_rather_than_downloaded(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(monkeypatch)
    with pytest.raises(SpikelearnError) as raised:
        mnist.load("embeded")  # type: ignore[arg-type]
    for word in ("embeded", "auto", "full", "embedded"):
        assert word in str(raised.value)


def test_an_unknown_data_set_names_those_that_exist() -> None:
    with pytest.raises(SpikelearnError) as raised:
        load_dataset("imagenet")
    assert "imagenet" in str(raised.value)
    assert "mnist" in str(raised.value)


def test_the_shipped_ten_digits_are_not_all_of_one_class(no_data: Path) -> None:
    # The embedded set is sorted by class: a stimulus takes the first few.
    protocol = load_protocol("mnist")
    _, labels = protocol.images()  # type: ignore[union-attr]
    assert len(labels) == 10
    assert len(set(labels)) > 4
