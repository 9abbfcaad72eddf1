"""CIFAR-10: the canonical archive, and the lossy copy that is never taken for it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import local_data, sha256
from spikelearn.stimuli import cifar10, load_dataset
from spikelearn.stimuli.datasets import resolve_source

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
LABELS = (np.arange(60) % 10).astype(np.uint8)


@pytest.fixture
def data(no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data."""
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def records() -> dict[str, bytes]:
    """Sixty images in the six files, as the canonical archive has them."""
    planes = IMAGES.transpose(0, 3, 1, 2).reshape(60, -1)
    parts = np.split(np.concatenate([LABELS[:, None], planes], axis=1), 6)
    names = [*cifar10._TRAIN, *cifar10._TEST]
    return {f"{cifar10._FOLDER}/{n}": p.tobytes() for n, p in zip(names, parts, strict=True)}


def write_archive(
    data: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, links: bool = False
) -> Path:
    path = data / "cifar10" / "cifar-10-binary.tar.gz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if links:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
                archive.addfile(member)
                continue
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(cifar10, "_DIGEST", sha256(path))
    return path


def write_jpeg(data: Path, source: str = "jpeg", **changes: np.ndarray) -> None:
    arrays: dict[str, np.ndarray] = {}
    for part, values in (("train", range(0, 200, 10)), ("test", range(5, 105, 10))):
        files = [jpeg(np.full((32, 32, 3), (v, 128, 255 - v), np.uint8)) for v in values]
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_labels"] = (np.arange(len(files)) % 10).astype(np.uint8)
    path = data / cifar10._JPEG[source][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **(arrays | changes))


def jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_the_archive_is_read_image_by_image_in_colour(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = {"../outside.bin": b"x", f"{cifar10._FOLDER}/readme.html": b"x"}
    write_archive(data, strange | records(), monkeypatch)
    before = sorted(data.rglob("*"))
    found = load_dataset("cifar10")
    np.testing.assert_array_equal(found.train_images, IMAGES[:50])
    np.testing.assert_array_equal(found.test_images, IMAGES[50:])
    np.testing.assert_array_equal(found.train_labels, LABELS[:50])
    np.testing.assert_array_equal(found.test_labels, LABELS[50:])
    assert found.source == "full set"
    assert found.n_pixels == 32 * 32 * 3
    assert sorted(data.rglob("*")) == before  # nothing was unpacked


def test_another_archive_is_refused_by_its_checksum(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_archive(data, records(), monkeypatch)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SpikelearnError, match="wrong checksum") as raised:
        cifar10.load("full")
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("missing", "has no cifar-10-batches-bin/data_batch_3.bin"),
        ("short", "data_batch_3.bin is not a batch of CIFAR-10"),
        ("links", "has no cifar-10-batches-bin/data_batch_1.bin"),
        ("no_tar", "is not a readable tar.gz file"),
    ],
)
def test_an_archive_laid_out_otherwise_gets_one_sentence(
    change: str, sentence: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members, name = records(), f"{cifar10._FOLDER}/data_batch_3.bin"
    if change == "missing":
        del members[name]
    if change == "short":
        members[name] = members[name][:-1]
    path = write_archive(data, members, monkeypatch, links=change == "links")
    if change == "no_tar":
        path.write_bytes(b"no archive")
        monkeypatch.setattr(cifar10, "_DIGEST", sha256(path))
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        cifar10.load("full")
    assert "\n" not in str(raised.value)


def test_the_lossy_copy_is_labelled_as_what_it_is(data: Path) -> None:
    write_jpeg(data)
    assert resolve_source("cifar10") == "jpeg"
    found = load_dataset("cifar10")
    assert found.source == "CIFAR-10 (JPEG, 20k)"
    assert found.train_images.shape == (20, 32, 32, 3)
    assert found.test_images.shape == (10, 32, 32, 3)
    np.testing.assert_allclose(found.test_images[:, 0, 0, 0], np.arange(5, 105, 10), atol=3)
    np.testing.assert_allclose(found.test_images[:, 9, 9, 1], 128, atol=3)


def test_the_larger_lossy_copy_comes_before_the_smaller_one(data: Path) -> None:
    write_jpeg(data)
    write_jpeg(data, "jpeg_50k", test_labels=np.full(10, 3, np.uint8))
    assert resolve_source("cifar10") == "jpeg_50k"
    found = load_dataset("cifar10")
    assert found.source == "CIFAR-10 (JPEG, 50k)"
    assert set(found.test_labels) == {3}
    # Asked for by name, the smaller one is what it was.
    assert load_dataset("cifar10", "jpeg").source == "CIFAR-10 (JPEG, 20k)"


def test_the_full_set_comes_before_the_lossy_copy(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve_source("cifar10") == "full"  # to be downloaded
    write_jpeg(data)
    assert not cifar10.full_set_at_hand()
    write_archive(data, records(), monkeypatch)
    assert resolve_source("cifar10") == "full"
    assert len(load_dataset("cifar10", "jpeg").train_images) == 20


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_jpeg": np.array([b"a", {}], dtype=object)}, "cannot be read"),
        ({"test_labels": np.zeros(9, np.uint8)}, "test_labels do not fit together"),
        ({"train_offsets": np.linspace(0, 1, 21)}, "train_labels do not fit together"),
        (
            {"train_jpeg": np.zeros(20, np.uint8), "train_offsets": np.arange(21)},
            "image 0 is not a",
        ),
        (
            {
                "test_jpeg": np.frombuffer(jpeg(IMAGES[0, :16]), np.uint8),
                "test_offsets": np.array([0, len(jpeg(IMAGES[0, :16]))]),
                "test_labels": np.zeros(1, np.uint8),
            },
            "test image 0 is 16 x 32, not 32 x 32 pixels",
        ),
    ],
    ids=["pickle", "labels", "offsets", "no_jpeg", "size"],
)
def test_a_lossy_copy_laid_out_otherwise_gets_one_sentence(
    changes: dict[str, np.ndarray], sentence: str, data: Path
) -> None:
    write_jpeg(data, **changes)
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        cifar10.load("jpeg")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("source", ["jpeg", "jpeg_50k"])
def test_an_absent_lossy_copy_is_asked_for(source: str, data: Path) -> None:
    with pytest.raises(DataUnavailableError) as raised:
        cifar10.load(source)
    for word in (*cifar10._JPEG[source], "SPIKELEARN_DATA"):
        assert word in str(raised.value)


def test_an_unknown_source_is_refused(data: Path) -> None:
    with pytest.raises(SpikelearnError, match="must be auto, full, jpeg_50k or jpeg, found 'png'"):
        cifar10.load("png")


@pytest.mark.parametrize(
    ("source", "n_train"),
    [("jpeg", 20_000), pytest.param("jpeg_50k", 50_000, marks=pytest.mark.slow)],
)
def test_the_real_lossy_copies_are_what_they_say(source: str, n_train: int) -> None:
    if local_data(cifar10._JPEG[source][0]) is None:
        pytest.skip(f"the JPEG copy of CIFAR-10 is not at hand: {source}")
    found = cifar10.load(source)
    assert found.train_images.shape == (n_train, 32, 32, 3)
    assert found.test_images.shape == (10_000, 32, 32, 3)
    np.testing.assert_array_equal(np.bincount(found.test_labels), np.full(10, 1000))
    # Aeroplanes and ships are seen before blue, deer and frogs are not.
    excess = found.train_images[..., 2].mean((1, 2)) - found.train_images[..., 0].mean((1, 2))
    blue = {c: excess[found.train_labels == i].mean() for i, c in enumerate(found.classes)}
    assert min(blue["airplane"], blue["ship"]) > max(blue["deer"], blue["frog"])
