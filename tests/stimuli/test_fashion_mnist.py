"""Fashion-MNIST: canonical files from wherever they lie, and nothing taken for them that is not."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import requests

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.stimuli import fashion_mnist, load_dataset

RNG = np.random.default_rng(0)
ARRAYS = [
    RNG.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    np.arange(30, dtype=np.uint8) % 10,
    RNG.integers(0, 256, (10, 28, 28), dtype=np.uint8),
    np.arange(10, dtype=np.uint8),
]


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def small(no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The loader takes a small set for the real one; the folder where Debian would put it."""
    digests = [hashlib.sha256(idx(array)).hexdigest() for array in ARRAYS]
    files = {name: ("0" * 64, d) for name, d in zip(fashion_mnist._FILES, digests, strict=True)}
    monkeypatch.setattr(fashion_mnist, "_FILES", files)
    debian = tmp_path / "debian"
    monkeypatch.setattr(fashion_mnist, "_DEBIAN", debian)

    def refuse(*args: object, **options: object) -> None:
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "get", refuse)
    return debian


def write(folder: Path, level: int = 9) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(fashion_mnist._FILES, ARRAYS, strict=True):
        (folder / name).write_bytes(gzip.compress(idx(array), level))


@pytest.mark.parametrize("where", ["cache", "data", "debian"])
@pytest.mark.parametrize("level", [1, 9])
def test_the_files_are_found_wherever_they_lie_and_whoever_compressed_them(
    where: str,
    level: int,
    small: Path,
    no_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    folders = {
        "cache": no_data / "fashion_mnist",
        "data": tmp_path / "data" / "fashion_mnist",
        "debian": small,
    }
    assert not fashion_mnist.full_set_at_hand()
    write(folders[where], level)
    assert fashion_mnist.full_set_at_hand()
    data = load_dataset("fashion_mnist")
    found = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for array, expected in zip(found, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, expected)
    assert data.classes[9] == "Ankle boot"
    assert data.source == "full set"


def test_files_in_the_data_folder_come_before_those_of_debian(small: Path, no_data: Path) -> None:
    write(small)
    write(no_data / "fashion_mnist")
    name = next(iter(fashion_mnist._FILES))
    assert fashion_mnist._local(name) == no_data / "fashion_mnist" / name


def test_without_files_and_network_one_sentence_says_how_to_supply_them(
    small: Path, no_data: Path
) -> None:
    with pytest.raises(DataUnavailableError) as raised:
        fashion_mnist.load()
    message = str(raised.value)
    assert "\n" not in message
    for word in ("fashion_mnist/train-images-idx3-ubyte.gz", "SPIKELEARN_DATA", str(no_data)):
        assert word in message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not gzip at all", "is not a gzip file"),
        (gzip.compress(idx(ARRAYS[0]))[:-100], "is not a gzip file"),
        (gzip.compress(idx(ARRAYS[0]))[:500] + b"\xff" * 500, "is not a gzip file"),
        (gzip.compress(idx(ARRAYS[2])), "does not hold Fashion-MNIST's train-images-idx3-ubyte.gz"),
    ],
    ids=["no_gzip", "cut_off", "damaged", "other_images"],
)
def test_a_file_that_is_not_fashion_mnist_is_refused(
    content: bytes, sentence: str, small: Path
) -> None:
    write(small)
    (small / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        fashion_mnist.load()
    assert "\n" not in str(raised.value)
    assert str(small) in str(raised.value)


def test_an_unknown_source_is_refused(small: Path) -> None:
    with pytest.raises(SpikelearnError, match="must be auto or full, found 'embedded'"):
        fashion_mnist.load("embedded")


def test_the_real_set_is_what_its_authors_describe() -> None:
    if not fashion_mnist.full_set_at_hand():
        pytest.skip("Fashion-MNIST is not at hand")
    data = fashion_mnist.load()
    assert data.train_images.shape == (60_000, 28, 28)
    assert data.test_images.shape == (10_000, 28, 28)
    np.testing.assert_array_equal(np.bincount(data.train_labels), np.full(10, 6000))
    np.testing.assert_array_equal(np.bincount(data.test_labels), np.full(10, 1000))
    # Trousers are two legs, narrow in the frame; pullovers fill it.
    means = {
        c: data.train_images[data.train_labels == i].mean(0) for i, c in enumerate(data.classes)
    }
    assert means["Trouser"][:, :6].mean() < 0.2 * means["Pullover"][:, :6].mean()
