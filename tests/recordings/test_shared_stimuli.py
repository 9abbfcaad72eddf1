"""Pictures that two recordings have in common, whatever their ground and their names."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from spikelearn.recordings import algonauts2019, kriegeskorte92, load
from spikelearn.recordings.shared_stimuli import Thumbnails, shared_images, shared_stimuli_notes


def objects(n: int, ground: int, seed: int = 0) -> np.ndarray:
    """Blobs of colours on a plain ground."""
    random = np.random.default_rng(seed)
    images = np.full((n, 48, 48, 3), ground, dtype=np.uint8)
    for image in images:
        for _ in range(5):
            top, left = random.integers(4, 30, 2)
            height, width = random.integers(5, 14, 2)
            image[top : top + height, left : left + width] = random.integers(0, 100, 3)
    return images


def photographs(n: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 6, 6, 3), dtype=np.uint8)
    large = [Image.fromarray(one).resize((60, 60), Image.Resampling.BICUBIC) for one in coarse]
    return np.stack([np.asarray(one) for one in large])


def shared(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int]]:
    return shared_images(Thumbnails.of(a), Thumbnails.of(b))


def test_objects_are_recognised_on_another_ground_in_another_order() -> None:
    on_grey, on_white = objects(12, 128), objects(12, 255)
    order = np.random.default_rng(1).permutation(12)
    assert shared(on_grey, on_white[order]) == [
        (int(k), int(np.argsort(order)[k])) for k in range(12)
    ]
    assert shared(on_grey, objects(12, 255, seed=1)) == []
    assert shared(on_grey, objects(12, 128, seed=1)) == []


def test_photographs_are_recognised_when_they_are_compressed_anew() -> None:
    images, again = photographs(8), []
    for image in images:
        content = io.BytesIO()
        Image.fromarray(image).save(content, "JPEG", quality=60)
        again.append(np.asarray(Image.open(content)))
    assert shared(images, np.stack(again)) == [(k, k) for k in range(8)]
    assert shared(images, photographs(8, seed=1)) == []
    grey = images.mean(axis=3).astype(np.uint8)
    assert shared(grey, grey[3:]) == [(k, k - 3) for k in range(3, 8)]


def test_recordings_that_show_the_same_pictures_are_told_whatever_they_are_called() -> None:
    def recording(images: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(images=images, n_stimuli=len(images))

    mine, theirs = recording(objects(12, 128)), recording(objects(12, 255)[4:])
    others = recording(objects(12, 128, seed=1))
    notes = shared_stimuli_notes({"mine": mine, "others": others, "theirs": theirs})
    assert list(notes) == ["mine and theirs"]
    assert "8 of 12 and 8 were recognised" in notes["mine and theirs"][0]
    assert shared_stimuli_notes({"mine": mine}) == {}


@pytest.mark.skipif(
    not (algonauts2019.at_hand() and kriegeskorte92.at_hand()),
    reason="the files of algonauts2019 or kriegeskorte92 are not at hand",
)
def test_the_92_objects_are_known_again_in_their_order_with_their_categories() -> None:
    theirs, first = load("algonauts2019:92"), load("kriegeskorte92")
    pairs = shared(theirs.images, first.images)
    assert len(pairs) >= 85
    assert all(a == b for a, b in pairs)
    for name, members in theirs.categories.items():
        np.testing.assert_array_equal(members, first.categories[name])
    assert theirs.kinds == first.kinds
    if algonauts2019.at_hand("78"):
        assert shared(load("algonauts2019:78").images, first.images) == []
