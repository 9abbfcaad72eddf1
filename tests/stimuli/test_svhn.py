"""SVHN: cropped digits out of MATLAB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from spikelearn._errors import SpikelearnError
from spikelearn._files import sha256
from spikelearn.stimuli import load_dataset, svhn

TRAIN = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
TEST = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)


def write(cache: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, Path]:
    """Both files in the layout of the published ones, taken for them; changes are to the first."""
    paths = {}
    (cache / "svhn").mkdir(parents=True)
    for name, images in zip(svhn._FILES, (TRAIN, TEST), strict=True):
        content: dict[str, Any] = {
            "X": images.transpose(1, 2, 3, 0),
            "y": (np.arange(len(images)) % 10 + 1)[:, None].astype(np.uint8),
        }
        paths[name] = cache / "svhn" / name
        savemat(paths[name], content | (changes if name.startswith("train") else {}))
    adopt(paths, monkeypatch)
    return paths


def adopt(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svhn, "_FILES", {name: sha256(path) for name, path in paths.items()})


def test_images_stand_upright_and_label_ten_is_the_digit_zero(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(no_data, monkeypatch)
    assert svhn.full_set_at_hand()
    data = load_dataset("svhn")
    np.testing.assert_array_equal(data.train_images, TRAIN)
    np.testing.assert_array_equal(data.test_images, TEST)
    assert data.test_labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert data.test_labels.dtype == np.uint8
    assert data.classes == tuple("0123456789")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"X": TRAIN}, r"X must be 8-bit of shape \(32, 32, 3, n\)"),
        ({"X": TRAIN.transpose(1, 2, 3, 0) / 255.0}, "X must be 8-bit"),
        ({"y": np.zeros((20, 1))}, "labels must be 1 to 10"),
    ],
    ids=["axes", "floats", "labels"],
)
def test_a_file_laid_out_otherwise_gets_one_sentence(
    changes: dict[str, Any], sentence: str, no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(no_data, monkeypatch, **changes)
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        svhn.load()
    assert "\n" not in str(raised.value)
    assert "train_32x32.mat" in str(raised.value)


@pytest.mark.parametrize("adopted", [True, False], ids=["unreadable", "checksum"])
def test_a_file_that_is_not_svhn_is_refused(
    adopted: bool, no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(no_data, monkeypatch)
    paths["test_32x32.mat"].write_bytes(b"no file of MATLAB")
    if adopted:
        adopt(paths, monkeypatch)
    with pytest.raises(
        SpikelearnError, match="is not a MATLAB file" if adopted else "wrong checksum"
    ) as raised:
        svhn.load()
    assert "\n" not in str(raised.value)
    assert str(paths["test_32x32.mat"]) in str(raised.value)


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="must be auto or full, found 'extra'"):
        svhn.load("extra")


def test_the_real_set_is_what_its_authors_describe() -> None:
    if not svhn.full_set_at_hand():
        pytest.skip("SVHN is not at hand")
    data = svhn.load()
    assert data.train_images.shape == (73_257, 32, 32, 3)
    assert data.test_images.shape == (26_032, 32, 32, 3)
    # House numbers begin with 1 more often than with any other digit.
    assert np.bincount(data.train_labels).argmax() == 1
