"""A folder of data that belongs to one test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings.examples import random_images, write_images
from tests.recordings.user_examples import NAMES


@pytest.fixture
def data(tmp_path: Path, no_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder named by SPIKELEARN_DATA; nothing cached, nothing can be downloaded."""
    import pooch

    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SPIKELEARN_DATA", str(folder))
    monkeypatch.setattr(pooch, "retrieve", no_network)
    return folder


@pytest.fixture
def folder(tmp_path):
    """A folder with five images of a user's recording."""
    write_images(tmp_path / "images", NAMES, random_images(5))
    return tmp_path
