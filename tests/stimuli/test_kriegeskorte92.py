"""The 92 object images: read where they are at hand, asked for in one sentence where not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.stimuli import kriegeskorte92, load_protocol

needs_images = pytest.mark.skipif(
    not kriegeskorte92.at_hand(), reason="the 92 images are not at hand (SPIKELEARN_DATA)"
)


@needs_images
def test_the_images_are_92_objects_on_grey_with_their_categories() -> None:
    images, labels = kriegeskorte92.load_images()
    assert images.shape == (92, 175, 175, 3)
    assert images.dtype == np.uint8
    assert len(labels) == len(set(labels)) == 92
    assert labels[0].startswith("01 ")
    assert labels[-1].startswith("92 ")
    # Isolated objects: the corners show the ground, which is one grey in all images.
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3)
    (ground, count), *_ = Counter(map(tuple, corners.tolist())).most_common(1)
    assert count > 0.9 * len(corners)
    assert max(ground) - min(ground) <= 2


@needs_images
def test_the_first_half_is_animate_as_published() -> None:
    # Kriegeskorte et al. 2008: 48 animate objects (24 human, 24 not), then 44 inanimate ones.
    _, labels = kriegeskorte92.load_images()
    human = ["human" in label for label in labels]
    assert sum(human[:24]) == 24
    assert not any(human[48:])


@needs_images
def test_the_shipped_protocol_shows_every_image() -> None:
    stimulus = load_protocol("kriegeskorte92").realise({"input": 784}, 50.0, 0.5, seed=0)
    assert stimulus.n_trials == 92
    assert (stimulus.spikes["input"].counts(92).sum(1) > 0).all()


def test_without_network_and_file_one_sentence_says_how_to_supply_it(
    no_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise requests.ConnectionError("no network\nat all")

    monkeypatch.setattr(requests, "get", refuse)
    assert not kriegeskorte92.at_hand()
    for load in (
        kriegeskorte92.load_images,
        lambda: load_protocol("kriegeskorte92").realise({"input": 784}, 50.0, 0.5, seed=0),
    ):
        with pytest.raises(DataUnavailableError) as raised:
            load()
        message = str(raised.value)
        assert "\n" not in message
        for word in (kriegeskorte92.SUPPLEMENT, "https://", "SPIKELEARN_DATA", str(no_data)):
            assert word in message
    assert not [path for path in no_data.rglob("*") if path.is_file()]


def test_a_file_that_matlab_did_not_write_is_refused(no_data: Path) -> None:
    path = no_data / "kriegeskorte92" / kriegeskorte92.SUPPLEMENT
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(SpikelearnError) as raised:
        kriegeskorte92.load_images()
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


def test_another_matlab_file_is_refused_as_not_the_published_one(no_data: Path) -> None:
    from scipy.io import savemat

    path = no_data / "kriegeskorte92" / kriegeskorte92.SUPPLEMENT
    path.parent.mkdir(parents=True)
    savemat(path, {"something": np.ones(3)})
    with pytest.raises(SpikelearnError) as raised:
        kriegeskorte92.load_images()
    assert "\n" not in str(raised.value)
    assert kriegeskorte92.SUPPLEMENT in str(raised.value)
