"""Data sets by name, their download, and images as a network's input in its own colours."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.cli import app
from spikelearn.stimuli import (
    DATASETS,
    load_dataset,
    luminance,
    mnist,
    network_images,
    network_input,
    svhn,
)
from spikelearn.stimuli.datasets import dataset_module, resolve_source
from spikelearn.stimuli.images import rank_within_class


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def send(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Whatever is downloaded is `content`."""

    def downloader(folder: Path, progressbar: bool) -> Any:
        return lambda url, file, caller: Path(file).write_bytes(content)

    monkeypatch.setattr("spikelearn._download.ResumingDownloader", downloader)


# --- By name.


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_what_the_list_promises(name: str) -> None:
    module = dataset_module(name)
    assert DATASETS[name].description
    assert module.default_source() in module.SOURCES
    assert inspect.signature(module.load).parameters["source"].default == "auto"
    assert callable(module.download)
    assert resolve_source(name) == module.default_source()
    for source in module.SOURCES:
        assert resolve_source(name, source) == source


def test_an_absent_full_mnist_is_recorded_as_such(no_data: Path) -> None:
    assert resolve_source("mnist") == "embedded"
    assert resolve_source("mnist", "full") == "full"
    assert load_dataset("mnist").source == mnist.load("embedded").source


@pytest.mark.parametrize("name", DATASETS)
def test_an_unknown_source_is_refused_with_those_there_are(name: str) -> None:
    for call in (load_dataset, resolve_source):
        with pytest.raises(SpikelearnError) as raised:
            call(name, "half")  # type: ignore[operator]
        assert "\n" not in str(raised.value)
        for word in (name, "half", "auto", *dataset_module(name).SOURCES):
            assert word in str(raised.value)


def test_what_is_neither_a_name_nor_a_path_is_refused_with_the_names(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(b"")
    for name in ("imagenet", tmp_path / "nowhere", tmp_path / "images.zip"):
        with pytest.raises(SpikelearnError) as raised:
            load_dataset(name)
        assert "\n" not in str(raised.value)
        for word in (str(name), *DATASETS, "folder", ".npz"):
            assert word in str(raised.value)


def test_a_folder_of_a_data_sets_name_is_meant_where_it_is_written_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_source("digits") == "embedded"
    assert resolve_source("./digits").startswith("sha256:")


def test_images_are_counted_within_their_class() -> None:
    labels = np.array([2, 0, 2, 2, 0, 1])
    assert rank_within_class(labels).tolist() == [0, 0, 1, 2, 1, 0]


# --- Downloads.


def test_a_wrong_checksum_of_a_download_is_called_one(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monkeypatch, b"an apology")
    with pytest.raises(DataUnavailableError) as raised:
        svhn.load()
    message = str(raised.value)
    assert "\n" not in message
    for word in ("svhn/train_32x32.mat", "checksum is wrong", svhn._ADDRESS, "SPIKELEARN_DATA"):
        assert word in message
    assert not [path for path in no_data.rglob("*") if path.is_file()]


def test_the_command_brings_a_data_set_into_the_cache(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monkeypatch, b"the data")
    failed = CliRunner().invoke(app, ["download", "svhn"])
    assert failed.exit_code == 1
    assert "checksum is wrong" in failed.stderr
    digest = hashlib.sha256(b"the data").hexdigest()
    monkeypatch.setattr(svhn, "_FILES", dict.fromkeys(svhn._FILES, digest))
    done = CliRunner().invoke(app, ["download", "svhn"])
    assert done.exit_code == 0, done.output
    assert "svhn is at hand" in done.output
    assert svhn.full_set_at_hand()


def test_the_command_says_where_there_is_nothing_to_download(no_data: Path) -> None:
    result = CliRunner().invoke(app, ["download", "digits"])
    assert result.exit_code == 0
    assert "nothing to download" in result.stderr


# --- As a network's input.


def test_a_network_in_colour_gets_red_green_and_blue_planes() -> None:
    images = random_images(3, 5, 7, 3)
    found = network_images(images, (3, 5, 7))
    assert found.dtype == np.float32
    planes = found.reshape(3, 3, 5, 7)
    for channel in range(3):
        np.testing.assert_allclose(planes[:, channel], images[..., channel] / 255.0, rtol=1e-6)


def test_a_network_in_colour_gets_grey_images_three_times() -> None:
    images = random_images(3, 5, 7)
    planes = network_images(images, (3, 5, 7)).reshape(3, 3, 35)
    for channel in range(3):
        np.testing.assert_array_equal(planes[:, channel], network_input(images, 5, 7))


@pytest.mark.parametrize("shape", [(3, 12, 10), (3, 12, 10, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("size", [(12, 10), (6, 5), (5, 7), (20, 24)])
def test_a_grey_network_gets_the_luminance(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    images = random_images(*shape)
    found = network_images(images, (1, *size))
    np.testing.assert_array_equal(found, network_input(images, *size))
    if size == (12, 10):
        np.testing.assert_allclose(found, luminance(images).reshape(3, -1), rtol=1e-6)


def test_each_colour_is_averaged_over_areas() -> None:
    images = random_images(2, 8, 6, 3)
    means = images.reshape(2, 4, 2, 3, 2, 3).mean((2, 4)) / 255.0
    found = network_images(images, (3, 4, 3)).reshape(2, 3, 4, 3)
    np.testing.assert_allclose(found, means.transpose(0, 3, 1, 2), atol=1e-6)
    grey = network_images(images, (1, 4, 3)).reshape(2, 4, 3)
    weighted = np.tensordot(found, [0.2126, 0.7152, 0.0722], axes=(1, 0))
    np.testing.assert_allclose(grey, weighted, atol=1e-6)


def test_many_images_are_as_many_alone() -> None:
    images = random_images(5000, 4, 4, 3)
    found = network_images(images, (3, 3, 3))
    alone = np.concatenate([network_images(images[i : i + 1], (3, 3, 3)) for i in (0, 4095, 4999)])
    np.testing.assert_array_equal(found[[0, 4095, 4999]], alone)
    assert network_images(images[:0], (3, 3, 3)).shape == (0, 27)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_other_numbers_of_channels_are_refused(channels: int) -> None:
    with pytest.raises(SpikelearnError, match=f"not {channels}") as raised:
        network_images(random_images(2, 4, 4), (channels, 4, 4))
    assert "\n" not in str(raised.value)
